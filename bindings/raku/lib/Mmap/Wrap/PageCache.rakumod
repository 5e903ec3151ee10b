=begin pod

=head1 NAME

Mmap::Wrap::PageCache - the page cache of the kernel

=head1 DESCRIPTION

The subs take a file that need not be mapped: a path, an IO::Handle or a file descriptor. They are exported by
C<use Mmap::Wrap :functions>. C<$offset> and C<$size> are in bytes; a size of C<*>, the default, means the end.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Source;

unit role Mmap::Wrap::PageCache;

=begin pod

=head3 method cachestat, sub cachestat

    method cachestat($offset = 0, $size = * --> Mmap::Wrap::Raw::CacheStat:D)
    cachestat($file, $offset = 0, $size = * --> Mmap::Wrap::Raw::CacheStat:D)

The state of a file in the page cache, in bytes: C<.cached>, and of these C<.dirty> and C<.writeback>; C<.evicted>, and of these
C<.recently_evicted> (cachestat, Linux 6.5). The method needs a mapping that keeps its file open (C<:keep>), else it is X::Mmap::Argument.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin', :keep;
say (try $data.cachestat.cached) // $!.^name;
=end code

=head3 sub readahead, sub evict

    readahead($file, $offset = 0, $size = * --> Nil)
    evict($file, $offset = 0, $size = * --> Nil)

C<readahead> starts to read the file into the page cache, and does not wait. C<evict> writes changed data of the file to the disk, and removes
the file from the page cache, except for pages that are mapped or locked.

=begin code :lang<raku>
use Mmap::Wrap :functions;
readahead 'data.bin';
say (try cachestat('data.bin').cached) // $!.^name;
evict 'data.bin';
=end code

=end pod

method cachestat(Mu $offset = 0, Mu $size = * --> Mmap::Wrap::Raw::CacheStat:D) {
    my $result = Mmap::Wrap::Raw::CacheStat.new;
    checked '.cachestat', cachestat_wrap(self.handle, $result, nativesizeof($result), |range('.cachestat', $offset, $size)), self;
    $result
}

sub cachestat(Mu $file, Mu $offset = 0, Mu $size = * --> Mmap::Wrap::Raw::CacheStat:D) is export(:functions) {
    my $result = Mmap::Wrap::Raw::CacheStat.new;
    with-descriptor 'cachestat', $file,
        { mmap_wrap_fd_cachestat($_, $result, nativesizeof($result), |range('cachestat', $offset, $size)) };
    $result
}

sub readahead(Mu $file, Mu $offset = 0, Mu $size = * --> Nil) is export(:functions) {
    with-descriptor 'readahead', $file, { mmap_wrap_fd_readahead($_, |range('readahead', $offset, $size)) }
}

sub evict(Mu $file, Mu $offset = 0, Mu $size = * --> Nil) is export(:functions) {
    with-descriptor 'evict', $file, { mmap_wrap_fd_evict($_, |range('evict', $offset, $size)) }
}

my sub with-descriptor($call, Mu $file, &function --> Nil) {
    if source-kind($call, $file) eq 'handle' {
        checked $call, function(descriptor-of($call, $file)), (IO::Handle.ACCEPTS($file) ?? $file !! Nil);
        return;
    }
    my $path = path-of $call, $file;
    my $open = $path.open(:bin) orelse open-failure($call, $path, .exception).throw;
    LEAVE .close with $open;
    checked $call, function(descriptor-of($call, $open)), $open
}

# The exception of Raku's open has no errno; mapping the file fails for the same reason, and has one.
my sub open-failure($call, IO::Path:D $path, Exception:D $exception --> Exception:D) {
    my $handle = mmap_path_wrap(c-string($call, $path.absolute), REST, PROT_READ(), MAP_SHARED(), 0);
    return failure($call, $handle, :$path) if $handle < 0;
    munmap_wrap($handle);
    $exception
}
