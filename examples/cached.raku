#| Shows which part of a file is in the page cache, after bringing all of it in (warm) or letting it go (drop).
#|
#|     raku -Ibindings/raku examples/cached.raku big.iso
#|     raku -Ibindings/raku examples/cached.raku big.iso warm
#|
#| Shows: mincore_wrap, mmap_wrap_prefault, mmap_wrap_fd_evict, cachestat_wrap. Each cell of the bar is a part of the file,
#| of which all, some (+) or no (.) pages are in memory. Of a file that you neither own nor may write, the kernel says
#| that all of it is. Pages that another program maps or locks do not go.

use Mmap::Wrap :constants;
use Mmap::Wrap::Raw;
use NativeCall;

constant CELLS = 64;

sub close-descriptor(int32 --> int32) is native is symbol('close') { * }

sub checked(Int:D $result) {
    return $result if $result >= 0;
    note "cached: {mmap_wrap_last_error_message}";
    exit 1
}

#| The handle of the file, which stays open.
sub open-file($path) {
    my $native = $path.encode('utf8-c8') ~ buf8.new(0);
    checked mmap_path_wrap($native, REST, PROT_READ, MAP_SHARED +| KEEP, 0)
}

#| A byte for each page of the file: 1 where it is in memory.
sub presence($file) {
    my $facts = Mmap::Wrap::Raw::Facts.new;
    checked mmap_wrap_info($file, $facts, nativesizeof($facts));
    my $pages = buf8.allocate($facts.mapped div $facts.page_size);
    $pages.subbuf(0, checked mincore_wrap($file, $pages, $pages.bytes, 0, REST))
}

#| The bar, of characters that fit where it goes.
sub bar($pages) {
    my ($none, $some, $every) = $*OUT.t ?? <░ ▒ █> !! <. + #>;
    my $cells = $pages.elems min CELLS;
    [~] (^$cells).map: {
        my $from = $_ * $pages.elems div $cells;
        my $part = $pages.subbuf($from, ($_ + 1) * $pages.elems div $cells - $from);
        $part.sum == $part.elems ?? $every !! $part.sum ?? $some !! $none
    }
}

#| What the page cache has of it, in words.
sub figures($file) {
    my $cache = Mmap::Wrap::Raw::Cache.new;
    my $code = cachestat_wrap($file, $cache, nativesizeof($cache), 0, REST);
    return "no figures of the page cache: {mmap_wrap_last_error_message}" if $code == E_UNSUPPORTED;
    checked $code;
    "page cache: {$cache.cached} bytes, {$cache.dirty} changed, {$cache.writeback} being written, {$cache.evicted} evicted"
}

#| Lets the page cache forget the file.
sub drop($file) {
    my $descriptor = checked mmap_wrap_dup_fd($file);
    LEAVE close-descriptor $descriptor;
    checked mmap_wrap_fd_evict($descriptor, 0, REST);
}

multi MAIN($path, $wish where 'warm' | 'drop' | '' = '') {
    my $file = open-file $path;
    checked mmap_wrap_prefault($file, 0, 0, REST) if $wish eq 'warm';
    drop $file if $wish eq 'drop';
    my $pages = presence $file;
    say "[{bar $pages}]\n{$pages.sum} of {$pages.elems} pages in memory\n{figures $file}";
    checked munmap_wrap($file);
}

multi MAIN(|) { note 'usage: cached.raku FILE [warm|drop]'; exit 2 }
