=begin pod

=head1 NAME

Mmap::Wrap::Resize - methods that resize, split and move a mapping

=head1 DESCRIPTION

Methods of L<Mmap::Wrap::Mapping>. While the address of the mapping is acquired (C<acquire>), they throw X::Mmap::Busy.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Constants;

unit role Mmap::Wrap::Resize;

=begin pod

=head3 method resize

    method resize($length, :$file, :$allocate, :$stay, :$to)

Sets the length of the mapping in bytes, and returns the mapping. A length of C<*> means the end of the file. Data within the new length is
kept. On failure nothing changes.

=item C<:file> also sets the size of the file to the end of the mapping. This is the default when the mapping keeps its file open
(C<:keep>, C<:memfd>, C<:shm> …) and a length is given. Without it, growing a shared mapping beyond the end of its file is
X::Mmap::OutOfRange, because stores there would be lost.
=item C<:allocate> implies C<:file>, and allocates all blocks of the file: a full disk is an error now instead of a fault later.
=item C<:stay> does not let the mapping move to another address. C<:to(Pointer)> moves it to that address, and replaces what is mapped there.

X::Mmap::Unsupported for shared memory without a file, which cannot grow.

=begin code :lang<raku>
use Mmap::Wrap;
my $log = mmap :memfd, :length(4096);
$log.resize(2 * $log.bytes);
say $log.bytes;                                      # 8192
=end code

=head3 method split

    method split($offset)

Ends this mapping at C<$offset>, a multiple of the page size, and returns a new mapping of the rest.

=begin code :lang<raku>
use Mmap::Wrap;
my $page = Mmap::Wrap::page-size;
my $head = mmap :anon, :length(3 * $page);
my $tail = $head.split($page);
say $tail.bytes == 2 * $page, $head.close;           # TrueTrue
=end code

=head3 method move-out

    method move-out()

Moves the pages to a new mapping at another address, and returns it (MREMAP_DONTUNMAP). This mapping stays, with new pages of zeros.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :private, :length(4096);
$memory[0] = 7;
my $pages = try $memory.move-out;
say $pages ?? ($pages[0], $memory[0]) !! $!.^name;   # (7 0)
=end code

=end pod

method resize(Mu $length, Bool :$file, Bool :$allocate, Bool :$stay, Mu :$to = Pointer) {
    bad-argument '.resize', ':allocate changes the file, and :!file does not; give only one of them' if $allocate && !($file // True);
    my Pointer $where := pointer '.resize', $to;
    my $flags = ($stay ?? 0 !! value-of('MREMAP_MAYMOVE')) +| ($where.defined ?? value-of('MREMAP_FIXED') !! 0);
    my $wanted = size-or-rest '.resize', $length, 'length';
    # By default the file gets the size of the mapping, unless the mapping gets the size of the file.
    my $with-file = $file // ($wanted != REST && self.read-info('.resize').keeps_file);
    my $file-flag = $allocate ?? ALLOCATE !! $with-file ?? WITH_FILE !! 0;
    checked '.resize', mremap_wrap(self.handle, $wanted, $flags, $where, $file-flag), self;
    self
}

method split(Mu $offset) { self.derived('.split', mmap_wrap_split(self.handle, integer('.split', 'offset', $offset))) }

method move-out() {
    my $flags = value-of('MREMAP_MAYMOVE') +| value-of('MREMAP_DONTUNMAP');
    my $length = checked '.move-out', mmap_wrap_length(self.handle), self;
    self.derived('.move-out', mremap_wrap(self.handle, $length, $flags, Pointer, 0))
}
