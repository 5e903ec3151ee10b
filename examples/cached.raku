#| Shows which pages of a file are in the page cache, after reading all of them in (warm) or evicting them (drop).
#|
#|     raku -Ibindings/raku examples/cached.raku big.iso
#|     raku -Ibindings/raku examples/cached.raku big.iso warm
#|
#| Shows: mincore_wrap, mmap_wrap_prefault, mmap_wrap_fd_evict, cachestat_wrap. Each cell of the bar is a part of the file,
#| of which all, some (+) or no (.) pages are in memory. For a file that you do not own and cannot write, the kernel reports
#| all pages as in memory. Pages that another program maps or locks are not evicted.

use Mmap::Wrap <PROT_READ MAP_SHARED>;
use Mmap::Wrap::Raw;
use NativeCall;

constant CELLS = 64;

sub close-descriptor(int32 --> int32) is native is symbol('close') { * }

sub checked(Int:D $result) {
    return $result if $result >= 0;
    note "cached: {mmap_wrap_last_error_message}";
    exit 1
}

#| Maps the file, and keeps it open. Returns the handle.
sub open-file($path) {
    my $native = $path.encode('utf8-c8') ~ buf8.new(0);
    checked mmap_path_wrap($native, REST, PROT_READ, MAP_SHARED +| KEEP, 0)
}

#| One byte per page of the file: 1 if the page is in memory.
sub residency($file) {
    my $info = Mmap::Wrap::Raw::Info.new;
    checked mmap_wrap_info($file, $info, nativesizeof($info));
    my $pages = buf8.allocate($info.mapped div $info.page_size);
    $pages.subbuf(0, checked mincore_wrap($file, $pages, $pages.bytes, 0, REST))
}

#| The bar; ASCII characters if the output is not a terminal.
sub bar($pages) {
    my ($none, $some, $every) = $*OUT.t ?? <░ ▒ █> !! <. + #>;
    my $cells = $pages.elems min CELLS;
    [~] (^$cells).map: {
        my $from = $_ * $pages.elems div $cells;
        my $part = $pages.subbuf($from, ($_ + 1) * $pages.elems div $cells - $from);
        $part.sum == $part.elems ?? $every !! $part.sum ?? $some !! $none
    }
}

#| The state of the file in the page cache, as text.
sub figures($file) {
    my $cache = Mmap::Wrap::Raw::CacheStat.new;
    my $code = cachestat_wrap($file, $cache, nativesizeof($cache), 0, REST);
    return "no figures of the page cache: {mmap_wrap_last_error_message}" if $code == E_UNSUPPORTED;
    checked $code;
    "page cache: {$cache.cached} bytes, {$cache.dirty} changed, {$cache.writeback} being written, {$cache.evicted} evicted"
}

#| Evicts the file from the page cache.
sub evict($file) {
    my $descriptor = checked mmap_wrap_dup_fd($file);
    LEAVE close-descriptor $descriptor;
    checked mmap_wrap_fd_evict($descriptor, 0, REST);
}

multi MAIN($path, $action where 'warm' | 'drop' | '' = '') {
    my $file = open-file $path;
    checked mmap_wrap_prefault($file, 0, 0, REST) if $action eq 'warm';
    evict $file if $action eq 'drop';
    my $pages = residency $file;
    say "[{bar $pages}]\n{$pages.sum} of {$pages.elems} pages in memory\n{figures $file}";
    checked munmap_wrap($file);
}

multi MAIN(|) { note 'usage: cached.raku FILE [warm|drop]'; exit 2 }
