=begin pod

=head1 NAME

Mmap::Wrap::Residency - methods for locking pages, and for which pages are in memory

=head1 DESCRIPTION

Methods of L<Mmap::Wrap::Mapping>. Each applies to all pages that contain a byte of the range: C<$size> bytes from C<$offset>; a size of
C<*>, the default, means the end of the mapping. A range that extends beyond the mapping is X::Mmap::OutOfRange.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Constants;

unit role Mmap::Wrap::Residency;

=begin pod

=head3 method lock, method unlock

    method lock($offset = 0, $size = *, :$on-fault --> Nil)
    method unlock($offset = 0, $size = * --> Nil)

C<lock> reads the pages in and keeps them in memory (mlock). With C<:on-fault>, a page is read in and locked when it is first accessed.
C<unlock> unlocks pages, however often they were locked. X::Mmap::System (ENOMEM or EPERM) beyond the limit RLIMIT_MEMLOCK.

=begin code :lang<raku>
use Mmap::Wrap;
my $key = mmap :anon, :private, :length(4096);
$key.lock;
$key.fill(0);
$key.unlock;
=end code

=head3 method residency, method resident-bytes

    method residency($offset = 0, $size = * --> buf8:D)
    method resident-bytes($offset = 0, $size = * --> Int:D)

C<residency> returns one byte per page: 1 if the page is in memory, else 0 (mincore). For a file, in memory means in the page cache.
C<resident-bytes> returns the number of bytes in pages that are in memory.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
say $data.residency.sum, ' pages, ', $data.resident-bytes, ' bytes are in memory';
=end code

=head3 method prefault, method page-out

    method prefault($offset = 0, $size = *, :$write --> Nil)
    method page-out($offset = 0, $size = * --> Nil)

C<prefault> reads pages in and maps them, so that reading them, or with C<:write> writing them, causes no page fault. C<page-out> removes
pages from memory as far as the kernel can; changed pages are written to the file or to swap space first, so no data is lost.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
$data.prefault;
$data.page-out;
=end code

=end pod

method lock(Mu $offset = 0, Mu $size = *, Bool :$on-fault --> Nil) {
    my $flags = $on-fault ?? value-of('MLOCK_ONFAULT') !! 0;
    checked '.lock', mlock_wrap(self.handle, $flags, |range('.lock', $offset, $size)), self
}

method unlock(Mu $offset = 0, Mu $size = * --> Nil) {
    checked '.unlock', munlock_wrap(self.handle, |range('.unlock', $offset, $size)), self
}

method residency(Mu $offset = 0, Mu $size = * --> Blob:D) {
    my ($from, $wanted) = range '.residency', $offset, $size;
    my $info = self.read-info('.residency');
    my $pages := buf8.allocate($info.mapped div $info.page_size);
    $pages.subbuf(0, checked '.residency', mincore_wrap(self.handle, $pages, $pages.bytes, $from, $wanted), self)
}

method resident-bytes(Mu $offset = 0, Mu $size = * --> Int:D) {
    checked '.resident-bytes', mmap_wrap_resident_bytes(self.handle, |range('.resident-bytes', $offset, $size)), self
}

method prefault(Mu $offset = 0, Mu $size = *, Bool :$write --> Nil) {
    checked '.prefault', mmap_wrap_prefault(self.handle, +?$write, |range('.prefault', $offset, $size)), self
}

method page-out(Mu $offset = 0, Mu $size = * --> Nil) {
    checked '.page-out', mmap_wrap_page_out(self.handle, |range('.page-out', $offset, $size)), self
}
