=begin pod

=head1 NAME

Mmap::Wrap::Memory - the methods of a mapping that change or tell what it is

=head1 DESCRIPTION

Its length and place, its file, its address. What changes the mapping itself is X::Mmap::Busy while its address is held.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Constants;

unit role Mmap::Wrap::Memory;

=begin pod

=head3 method resize

    method resize($length, :$file, :$allocate, :$stay, :$to)

Makes the mapping C<$length> bytes long, or as long as to the end of its file (C<*>), and answers itself. The contents stay, as
far as they fit; on failure nothing has changed. With C<:file>, the default where the mapping keeps its file open (C<:keep>,
C<:memfd> …), the file is made to end where the mapping ends; without it a shared mapping does not grow beyond the end of its
file, where stores would be lost (X::Mmap::OutOfRange). With C<:allocate> the file follows, too, and has blocks set aside for all
of it, so that a full disk is an error now and not a fault later. It may move in memory unless C<:stay>; C<:to(Pointer)> moves
it to that address, whatever is there. X::Mmap::Unsupported for shared memory without a file, which cannot grow.

=begin code :lang<raku>
use Mmap::Wrap;
my $log = mmap :memfd, :length(4096);
$log.resize(2 * $log.bytes);
say $log.bytes;                                      # 8192
=end code

=head3 method split

    method split($offset)

Ends this mapping at C<$offset>, a page border, and answers a new one of what follows.

=begin code :lang<raku>
use Mmap::Wrap;
my $page = Mmap::Wrap::page-size;
my $head = mmap :anon, :length(3 * $page);
my $tail = $head.split($page);
say $tail.bytes == 2 * $page, $head.close;           # TrueTrue
=end code

=head3 method move-out

    method move-out()

Moves the pages to a new mapping, which is the answer; this one keeps its addresses, with fresh pages behind them.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :private, :length(4096);
$memory[0] = 7;
my $pages = try $memory.move-out;
say $pages ?? ($pages[0], $memory[0]) !! $!.^name;   # (7 0)
=end code

=head3 method name

    method name($name --> Nil)

Names memory without a file: /proc/PID/maps then shows it. At most 79 bytes of printable ASCII without [ ] \ $ and `;
C<Str> takes the name away.

=begin code :lang<raku>
use Mmap::Wrap;
try mmap(:anon, :length(4096)).name('index cache');
=end code

=head3 method facts

    method facts(--> Mmap::Wrap::Raw::Facts:D)

What is known of the mapping: C<.length>, C<.mapped>, C<.address>, C<.page_size>, C<.protection>, C<.flags>, C<.offset>,
C<.keeps_file>, C<.sealed>, C<.exports>, C<.surviving>, C<.lost>; struct mmap_wrap_info of the C header says what each is.

=begin code :lang<raku>
use Mmap::Wrap;
my $facts = mmap(:anon, :length(10)).facts;
say "$facts.length() bytes in $facts.mapped() of pages";
=end code

=head2 The file

=head3 method descriptor

    method descriptor(--> Int:D)

A new descriptor of the file that the mapping keeps open, for the caller to pass on and to close. X::Mmap::Argument where none
is kept.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:memfd, :length(4096)).descriptor;
=end code

=head3 method seals, method add-seals

    method seals(--> Int:D)
    method add-seals($seals --> Nil)

The F_SEAL_ values of a memory file (C<:memfd>), which can be added to and never taken off. A file that cannot shrink cannot be
cut short under anybody's mapping.

=begin code :lang<raku>
use Mmap::Wrap :constants;
my $shared = mmap :memfd<table>, :length(4096);
$shared.add-seals(F_SEAL_SHRINK +| F_SEAL_GROW);
say $shared.seals +& F_SEAL_SHRINK;
=end code

=head2 The address

=head3 method address

    method address(--> Pointer:D)

Where the first byte is, for native code; good until the mapping is closed, collected, resized or split, which nothing checks.
Do not access the address of a mapping of length 0. Where the file of the mapping was cut short, an access through the
address reads zeros, and the next use of the mapping, closing it included, is X::Mmap::Fault once (see C<:survive> of C<mmap>).
Where the mapping is not used again and the garbage collector closes it, the loss is a line on standard error.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4096)).address;
=end code

=head3 method acquire, method release

    method acquire(--> Pointer:D)
    method release(--> Int:D)

C<acquire> is the address, which stays good until as many C<release>: closing, resizing and splitting are X::Mmap::Busy until
then. C<release> answers how many are still held.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
{
    my $address = $memory.acquire;
    LEAVE $memory.release;
    say (try $memory.close) // $!.^name;             # X::Mmap::Busy
}
=end code

=head3 method survive, method lost

    method survive($yes = True --> Nil)
    method lost(--> Bool:D)

Whether an access through the address to a page that the file has lost reads zeros, or ends the program by SIGBUS as usual; C<mmap>
has set it for mappings of files. C<lost> says whether there is such a loss that no exception has told of yet.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
$data.survive(False);
say $data.lost;                                      # False
=end code

=end pod

method resize(Mu $length, Bool :$file, Bool :$allocate, Bool :$stay, Mu :$to = Pointer) {
    misused 'mremap', ':allocate sets blocks of the file aside, which :!file leaves as it is' if $allocate && !($file // True);
    my Pointer $where := address-or-none 'mremap', $to;
    my $flags = ($stay ?? 0 !! value-of('MREMAP_MAYMOVE')) +| ($where.defined ?? value-of('MREMAP_FIXED') !! 0);
    my $wanted = size-or-rest 'mremap', $length, 'length';
    my $with-file = $file // so self.facts.keeps_file;
    # The file follows the mapping; where the mapping follows the file, it stays.
    $with-file = False if $wanted == REST && !$file.defined;
    answered mremap_wrap(self.handle, $wanted, $flags, $where, $allocate ?? ALLOCATE !! $with-file ?? WITH_FILE !! 0), :path(self.path);
    self
}

method split(Mu $offset) { self.sibling(mmap_wrap_split(self.handle, whole('mmap_wrap_split', 'offset', $offset))) }

method move-out() {
    my $flags = value-of('MREMAP_MAYMOVE') +| value-of('MREMAP_DONTUNMAP');
    self.sibling(mremap_wrap(self.handle, self.bytes, $flags, Pointer, 0))
}

method name(Mu $name --> Nil) {
    my $native := Str.ACCEPTS($name) && !$name.defined ?? Blob !! native-name('mmap_wrap_set_name', $name);
    answered mmap_wrap_set_name(self.handle, $native), :path(self.path)
}

method facts(--> Mmap::Wrap::Raw::Facts:D) {
    my $facts = Mmap::Wrap::Raw::Facts.new;
    answered mmap_wrap_info(self.handle, $facts, nativesizeof($facts)), :path(self.path);
    $facts
}

method descriptor(--> Int:D) { answered mmap_wrap_dup_fd(self.handle), :path(self.path) }
method seals(--> Int:D) { answered mmap_wrap_file_seals(self.handle), :path(self.path) }
method add-seals(Mu $seals --> Nil) {
    answered mmap_wrap_add_file_seals(self.handle, bits('mmap_wrap_add_file_seals', 'seals', $seals)), :path(self.path)
}

method address(--> Pointer:D) { self!pointer: mmap_wrap_address(self.handle) }
method acquire(--> Pointer:D) { self!pointer: mmap_wrap_acquire(self.handle) }
method release(--> Int:D) { answered mmap_wrap_release(self.handle), :path(self.path) }

# An address has no room for a code.
method !pointer($address --> Pointer:D) { $address || failure(mmap_wrap_last_error_code, :path(self.path)).throw }

method survive(Bool:D $yes = True --> Nil) { answered mmap_wrap_survive(self.handle, +$yes), :path(self.path) }
method lost(--> Bool:D) { so self.facts.lost }
