=begin pod

=head1 NAME

Mmap::Wrap::Hardening - methods for guard regions, seals, and names

=head1 DESCRIPTION

Methods of L<Mmap::Wrap::Mapping>. C<$offset> and C<$size> are in bytes; a size of C<*>, the default, means the end of the mapping. A range
that extends beyond the mapping is X::Mmap::OutOfRange; an offset or end that is neither a multiple of the page size nor the end of the
mapping is X::Mmap::Alignment. What the kernel lacks is X::Mmap::Unsupported.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit role Mmap::Wrap::Hardening;

=begin pod

=head3 method guard, method unguard

    method guard($offset = 0, $size = * --> Nil)
    method unguard($offset = 0, $size = * --> Nil)

C<guard> makes the pages a guard region: every access to them faults. The data of private memory there is discarded. C<unguard> removes
guard regions.

=begin code :lang<raku>
use Mmap::Wrap;
my $page   = Mmap::Wrap::page-size;
my $buffer = mmap :anon, :private, :length(2 * $page);
$buffer.guard($page);
say (try $buffer.write($page - 1, 'ab'.encode)) // $!.^name;    # X::Mmap::Fault
$buffer.unguard($page);
=end code

=head3 method seal

    method seal($offset = 0, $size = * --> Nil)

Seals the pages until the process ends (mseal): they cannot be unmapped, moved, resized, or protected differently. C<close> then throws
X::Mmap::Sealed. A lost page of a sealed mapping cannot be replaced; see C<:survive> of C<mmap>.

=begin code :lang<raku>
use Mmap::Wrap;
my $table = mmap :anon, :length(4096);
try $table.seal;
say $! ?? $!.^name !! (try $table.close) // $!.^name;    # X::Mmap::Sealed; X::Mmap::Unsupported before Linux 6.10
=end code

=head3 method file-seals, method add-file-seals

    method file-seals(--> Int:D)
    method add-file-seals($seals --> Nil)

The F_SEAL_ flags of a memory file (C<:memfd>). Seals can be added, but not removed. A file with F_SEAL_SHRINK cannot be truncated, so no
process can make accesses through a mapping of it fault.

=begin code :lang<raku>
use Mmap::Wrap :constants;
my $shared = mmap :memfd<table>, :length(4096);
$shared.add-file-seals(F_SEAL_SHRINK +| F_SEAL_GROW);
say $shared.file-seals +& F_SEAL_SHRINK;
=end code

=head3 method set-name

    method set-name($name --> Nil)

Names memory without a file; /proc/PID/maps shows the name. A name has at most 79 printable ASCII characters, without [ ] \ $ and `.
C<Str>, the type object, removes the name.

=begin code :lang<raku>
use Mmap::Wrap;
try mmap(:anon, :length(4096)).set-name('index cache');
=end code

=end pod

method guard(Mu $offset = 0, Mu $size = * --> Nil) {
    checked '.guard', mmap_wrap_guard(self.handle, 1, |range('.guard', $offset, $size)), self
}

method unguard(Mu $offset = 0, Mu $size = * --> Nil) {
    checked '.unguard', mmap_wrap_guard(self.handle, 0, |range('.unguard', $offset, $size)), self
}

method seal(Mu $offset = 0, Mu $size = * --> Nil) {
    my $handle = self.handle;
    # Off first, because a sealed page that is lost could not be replaced.
    my $survives = self.read-info('.seal').surviving;
    mmap_wrap_survive($handle, 0) if $survives;
    my $result = mseal_wrap($handle, |range('.seal', $offset, $size));
    mmap_wrap_survive($handle, 1) if $survives && $result < 0;
    checked '.seal', $result, self
}

method file-seals(--> Int:D) { checked '.file-seals', mmap_wrap_file_seals(self.handle), self }
method add-file-seals(Mu $seals --> Nil) {
    checked '.add-file-seals', mmap_wrap_add_file_seals(self.handle, bits('.add-file-seals', 'seals', $seals)), self
}

method set-name(Mu $name --> Nil) {
    my $bytes := Str.ACCEPTS($name) && !$name.defined ?? Blob !! c-string('.set-name', $name);
    checked '.set-name', mmap_wrap_set_name(self.handle, $bytes), self
}
