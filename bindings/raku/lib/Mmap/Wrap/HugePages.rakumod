=begin pod

=head1 NAME

Mmap::Wrap::HugePages - huge pages and NUMA

=head1 DESCRIPTION

C<huge-bytes>, C<numa-bind> and C<numa-node> are methods of L<Mmap::Wrap::Mapping>. The sub is exported by C<use Mmap::Wrap :functions>.
What the kernel lacks is X::Mmap::Unsupported.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit role Mmap::Wrap::HugePages;

=begin pod

=head3 sub huge-page-size

    huge-page-size(--> Int:D)

The size of a transparent huge page in bytes.

=head3 method huge-bytes

    method huge-bytes($offset = 0, $size = * --> Int:D)

The number of bytes of the range that are in huge pages now. The advice C<HugePage> allows transparent huge pages; they need memory that is
aligned to their size, as C<:align> of C<mmap> makes it.

=begin code :lang<raku>
use Mmap::Wrap :advice;
my $memory = mmap :anon, :private, :length(2 ** 22), :align(2 ** 21);
try $memory.advise(HugePage);
$memory.fill(1);
say (try $memory.huge-bytes) // $!.^name;
say (try Mmap::Wrap::huge-page-size) // $!.^name;
=end code

=head3 method numa-bind, method numa-node

    method numa-bind($policy, @nodes = (), $offset = 0, $size = *, :$flags = 0 --> Nil)
    method numa-node($offset = 0 --> Int:D)

C<numa-bind> sets the memory policy of the pages (mbind): an MPOL_ constant, the numbers of the NUMA nodes, and MPOL_MF_ constants as
C<:flags>. C<numa-node> returns the number of the node that has the page of that byte; a page that was never accessed is on no node,
which is X::Mmap::System (ENOENT).

=begin code :lang<raku>
use Mmap::Wrap :constants;
my $memory = mmap :anon, :length(4096);
$memory[0] = 1;
say (try { $memory.numa-bind(MPOL_BIND, [0]); $memory.numa-node }) // $!.^name;    # 0, or X::Mmap::Unsupported
=end code

=end pod

sub huge-page-size(--> Int:D) is export(:functions) { checked 'huge-page-size', mmap_wrap_huge_page_size }

method huge-bytes(Mu $offset = 0, Mu $size = * --> Int:D) {
    checked '.huge-bytes', mmap_wrap_huge_bytes(self.handle, |range('.huge-bytes', $offset, $size)), self
}

method numa-bind(Mu $policy, @nodes = (), Mu $offset = 0, Mu $size = *, Mu :$flags = 0 --> Nil) {
    my $words := CArray[uint64].new;
    for @nodes -> Mu $node {
        integer '.numa-bind', 'node', $node;
        out-of-range '.numa-bind', "node $node is not between 0 and 1023" unless 0 <= $node < 1024;
        $words[$_] //= 0 for 0 .. $node div 64;
        $words[$node div 64] = $words[$node div 64] +| 1 +< $node % 64;
    }
    checked '.numa-bind', mbind_wrap(self.handle, bits('.numa-bind', 'policy', $policy), $words, $words.elems,
        bits('.numa-bind', 'flags', $flags), |range('.numa-bind', $offset, $size)), self
}

method numa-node(Mu $offset = 0 --> Int:D) {
    checked '.numa-node', mmap_wrap_numa_node(self.handle, integer('.numa-node', 'offset', $offset)), self
}
