=begin pod

=head1 NAME

Mmap::Wrap::Protect - methods for protection, advice, and writing back

=head1 DESCRIPTION

Methods of L<Mmap::Wrap::Mapping>. C<$offset> and C<$size> are in bytes; a size of C<*>, the default, means the end of the mapping. A range
that extends beyond the mapping is X::Mmap::OutOfRange. Protections and advice are values of the enums in L<Mmap::Wrap::Enums>, or the
platform's numbers.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Constants;

unit role Mmap::Wrap::Protect;

=begin pod

=head3 method protect

    method protect($protection, $offset = 0, $size = * --> Nil)

Sets the protection of pages (mprotect). The offset must be a multiple of the page size, else it is X::Mmap::Alignment; the size is rounded
up to whole pages. X::Mmap::System (EACCES) if the file was not opened for this access.

=begin code :lang<raku>
use Mmap::Wrap :protections;
my $memory = mmap :anon, :length(4096);
$memory.protect(Read);
say (try $memory[0] = 1) // $!.^name;                # X::Mmap::Fault
$memory.protect(Read +| Write);
=end code

=head3 method advise

    method advise($advice, $offset = 0, $size = * --> Nil)

Gives the kernel advice about the use of pages (madvise). Advice that discards data, such as C<DontNeed>, needs an offset and an end that
are multiples of the page size, or the end of the mapping; else it is X::Mmap::Alignment. Other advice applies to all pages of the range. A
number that is not an advice on this platform is X::Mmap::Argument, an advice that the kernel lacks is X::Mmap::Unsupported.

=begin code :lang<raku>
use Mmap::Wrap :advice;
mmap('data.bin').advise(Sequential);
=end code

=head3 method flush

    method flush($offset = 0, $size = *, :$async, :$invalidate --> Nil)

Writes changed pages of the range back to the file (msync). Returns when they are stored, or with C<:async> immediately. With
C<:invalidate>, other mappings of the file are updated (MS_INVALIDATE). X::Mmap::System (EIO) if the data cannot be stored.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin', :rw;
$data[0] = 1;
$data.flush;
=end code

=end pod

method protect(Mu $protection, Mu $offset = 0, Mu $size = * --> Nil) {
    checked '.protect', mprotect_wrap(self.handle, bits('.protect', 'protection', $protection), |range('.protect', $offset, $size)), self
}

method advise(Mu $advice, Mu $offset = 0, Mu $size = * --> Nil) {
    checked '.advise', madvise_wrap(self.handle, bits('.advise', 'advice', $advice), |range('.advise', $offset, $size)), self
}

method flush(Mu $offset = 0, Mu $size = *, Bool :$async, Bool :$invalidate --> Nil) {
    my $flags = ($async ?? MS_ASYNC() !! MS_SYNC()) +| ($invalidate ?? value-of('MS_INVALIDATE') !! 0);
    checked '.flush', msync_wrap(self.handle, $flags, |range('.flush', $offset, $size)), self
}
