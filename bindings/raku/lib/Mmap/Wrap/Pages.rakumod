=begin pod

=head1 NAME

Mmap::Wrap::Pages - the methods of a mapping that speak to the kernel about its pages

=head1 DESCRIPTION

Each takes a range, C<$size> bytes from C<$offset> on, by default all; one that leaves the mapping is X::Mmap::OutOfRange.
What changes protection begins on a page border, and what discards data ends on one, too, or at the mapping's own ends;
else it is X::Mmap::Alignment. What this kernel lacks is X::Mmap::Unsupported. Protections and advice are those of
L<Mmap::Wrap::Enums>, or the platform's numbers.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Constants;

unit role Mmap::Wrap::Pages;

=begin pod

=head2 Protection and advice

=head3 method protect

    method protect($protection, $offset = 0, $size = * --> Nil)

Changes what may be done with the pages. The size is rounded up to whole pages. X::Mmap::System with EACCES where the file was
not opened for that.

=begin code :lang<raku>
use Mmap::Wrap :protections;
my $memory = mmap :anon, :length(4096);
$memory.protect(Read);
say (try $memory[0] = 1) // $!.^name;                # X::Mmap::Fault
$memory.protect(Read +| Write);
=end code

=head3 method advise

    method advise($advice, $offset = 0, $size = * --> Nil)

Tells the kernel how the bytes will be used. X::Mmap::Argument for what is no advice here.

=begin code :lang<raku>
use Mmap::Wrap :advice;
mmap('data.bin').advise(Sequential);
=end code

=head3 method flush

    method flush($offset = 0, $size = *, :$async, :$invalidate --> Nil)

Writes the pages that hold the bytes back to the file. Returns when they are stored or, with C<:async>, at once.
X::Mmap::System with EIO where they cannot be stored.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin', :rw;
$data[0] = 1;
$data.flush;
=end code

=head3 method guard, method unguard

    method guard($offset = 0, $size = * --> Nil)
    method unguard($offset = 0, $size = * --> Nil)

Makes every access to the pages a fault, or lifts that. What private memory held there is dropped.

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

Seals the pages until the process ends (mseal): they can be neither unmapped, moved, resized, nor protected otherwise. C<close> is
X::Mmap::Sealed from then on; the mapping stays good. A lost page of it is no longer replaced (C<:survive>).

=begin code :lang<raku>
use Mmap::Wrap;
my $table = mmap :anon, :length(4096);
try $table.seal;
say $! ?? $!.^name !! (try $table.close) // $!.^name;    # X::Mmap::Sealed; X::Mmap::Unsupported before Linux 6.10
=end code

=head2 Presence

=head3 method lock, method unlock

    method lock($offset = 0, $size = *, :$on-fault --> Nil)
    method unlock($offset = 0, $size = * --> Nil)

C<lock> keeps the pages in memory, reading them in at once or, with C<:on-fault>, each when it is first touched. C<unlock> undoes
it, however often they were locked. X::Mmap::System with ENOMEM or EPERM beyond RLIMIT_MEMLOCK.

=begin code :lang<raku>
use Mmap::Wrap;
my $key = mmap :anon, :private, :length(4096);
$key.lock;
$key.fill(0);
$key.unlock;
=end code

=head3 method residency, method resident

    method residency($offset = 0, $size = * --> buf8:D)
    method resident($offset = 0, $size = * --> Int:D)

C<residency> has a byte for each page that holds a byte of the range: 1 where it is in memory, for a file in the page cache, 0
where it is not. C<resident> is how many bytes they are.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
say $data.residency.sum, ' pages, ', $data.resident, ' bytes are in memory';
=end code

=head3 method prefault, method drop

    method prefault($offset = 0, $size = *, :$write --> Nil)
    method drop($offset = 0, $size = * --> Nil)

C<prefault> makes the pages ready for reading, or with C<:write> for writing, so that no access waits for them. C<drop> lets them
go from memory, as far as the kernel finds it possible; they are read in again when they are next used, and nothing is lost.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
$data.prefault;
$data.drop;
=end code

=head3 method cached

    method cached($offset = 0, $size = * --> Mmap::Wrap::Raw::Cache:D)

What the page cache holds of the file, in bytes: C<.cached>, of those C<.dirty> and C<.writeback>; C<.evicted>, and of those
C<.recently_evicted>. The mapping keeps its file open (C<mmap …, :keep>), else it is X::Mmap::Argument. Linux 6.5.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin', :keep;
say (try $data.cached.cached) // $!.^name;
=end code

=head2 Huge pages and NUMA nodes

=head3 method huge

    method huge($offset = 0, $size = * --> Int:D)

How many bytes of the range lie in huge pages now.

=begin code :lang<raku>
use Mmap::Wrap :advice;
my $memory = mmap :anon, :private, :length(2 ** 22), :align(2 ** 21);
try $memory.advise(HugePage);
$memory.fill(1);
say (try $memory.huge) // $!.^name;
=end code

=head3 method bind, method node

    method bind($policy, @nodes = (), $offset = 0, $size = *, :$flags = 0 --> Nil)
    method node($offset = 0 --> Int:D)

C<bind> sets the memory policy of the pages: one of the platform's MPOL_ values and the numbers of nodes; C<:flags> are MPOL_MF_
values. C<node> is the number of the node that holds the page of a byte, once it was touched.

=begin code :lang<raku>
use Mmap::Wrap :constants;
my $memory = mmap :anon, :length(4096);
$memory[0] = 1;
say (try { $memory.bind(MPOL_BIND, [0]); $memory.node }) // $!.^name;    # 0, or X::Mmap::Unsupported
=end code

=end pod

method !done(Int:D $code --> Nil) { answered $code, :path(self.path) }

method protect(Mu $protection, Mu $offset = 0, Mu $size = * --> Nil) {
    self!done: mprotect_wrap(self.handle, bits('mprotect', 'protection', $protection), |range('mprotect', $offset, $size))
}

method advise(Mu $advice, Mu $offset = 0, Mu $size = * --> Nil) {
    self!done: madvise_wrap(self.handle, bits('madvise', 'advice', $advice), |range('madvise', $offset, $size))
}

method flush(Mu $offset = 0, Mu $size = *, Bool :$async, Bool :$invalidate --> Nil) {
    my $flags = ($async ?? MS_ASYNC() !! MS_SYNC()) +| ($invalidate ?? value-of('MS_INVALIDATE') !! 0);
    self!done: msync_wrap(self.handle, $flags, |range('msync', $offset, $size))
}

method guard(Mu $offset = 0, Mu $size = * --> Nil) {
    self!done: mmap_wrap_guard(self.handle, 1, |range('mmap_wrap_guard', $offset, $size))
}

method unguard(Mu $offset = 0, Mu $size = * --> Nil) {
    self!done: mmap_wrap_guard(self.handle, 0, |range('mmap_wrap_guard', $offset, $size))
}

method seal(Mu $offset = 0, Mu $size = * --> Nil) {
    my $handle = self.handle;
    # A lost page that is sealed could not be replaced.
    my $survives = self.facts.surviving;
    mmap_wrap_survive($handle, 0) if $survives;
    my $sealed = mseal_wrap($handle, |range('mseal', $offset, $size));
    mmap_wrap_survive($handle, 1) if $survives && $sealed < 0;
    self!done: $sealed
}

method lock(Mu $offset = 0, Mu $size = *, Bool :$on-fault --> Nil) {
    self!done: mlock_wrap(self.handle, $on-fault ?? value-of('MLOCK_ONFAULT') !! 0, |range('mlock', $offset, $size))
}

method unlock(Mu $offset = 0, Mu $size = * --> Nil) {
    self!done: munlock_wrap(self.handle, |range('munlock', $offset, $size))
}

method residency(Mu $offset = 0, Mu $size = * --> Blob:D) {
    my ($from, $wanted) = range 'mincore', $offset, $size;
    my $facts = self.facts;
    my $pages := buf8.allocate($facts.mapped div $facts.page_size);
    $pages.subbuf(0, answered mincore_wrap(self.handle, $pages, $pages.bytes, $from, $wanted), :path(self.path))
}

method resident(Mu $offset = 0, Mu $size = * --> Int:D) {
    answered mmap_wrap_resident_bytes(self.handle, |range('mincore', $offset, $size)), :path(self.path)
}

method prefault(Mu $offset = 0, Mu $size = *, Bool :$write --> Nil) {
    self!done: mmap_wrap_prefault(self.handle, +?$write, |range('mmap_wrap_prefault', $offset, $size))
}

method drop(Mu $offset = 0, Mu $size = * --> Nil) {
    self!done: mmap_wrap_page_out(self.handle, |range('mmap_wrap_page_out', $offset, $size))
}

method cached(Mu $offset = 0, Mu $size = * --> Mmap::Wrap::Raw::Cache:D) {
    my $cache = Mmap::Wrap::Raw::Cache.new;
    self!done: cachestat_wrap(self.handle, $cache, nativesizeof($cache), |range('cachestat', $offset, $size));
    $cache
}

method huge(Mu $offset = 0, Mu $size = * --> Int:D) {
    answered mmap_wrap_huge_bytes(self.handle, |range('mmap_wrap_huge_bytes', $offset, $size)), :path(self.path)
}

method bind(Mu $policy, @nodes = (), Mu $offset = 0, Mu $size = *, Mu :$flags = 0 --> Nil) {
    my $words := CArray[uint64].new;
    for @nodes -> Mu $node {
        whole 'mbind', 'the node', $node;
        out-of-range 'mbind', "node $node is none of 0 to 1023" unless 0 <= $node < 1024;
        $words[$_] //= 0 for 0 .. $node div 64;
        $words[$node div 64] = $words[$node div 64] +| 1 +< $node % 64;
    }
    self!done: mbind_wrap(self.handle, bits('mbind', 'policy', $policy), $words, $words.elems, bits('mbind', 'flags', $flags),
        |range('mbind', $offset, $size))
}

method node(Mu $offset = 0 --> Int:D) {
    answered mmap_wrap_numa_node(self.handle, whole('mmap_wrap_numa_node', 'offset', $offset)), :path(self.path)
}
