=begin pod

=head1 NAME

Mmap::Wrap - files and memory as arrays, every access checked

=head1 SYNOPSIS

=begin code :lang<raku>
use Mmap::Wrap;

my $data = mmap 'data.bin';                          # read only, to the end of the file
say $data.elems, ' bytes, the last is ', $data[*-1];
say $data.index('needle') // 'no needle';
$data.close;

{
    my $counters will leave { .?close } = mmap 'data.bin', :rw, :of(uint32);
    $counters[0] = 7;                                # in the file, for everyone who maps it
    $counters[1]++;
    $counters[2, 3] = 20, 30;
    $counters.flush;
}

.say for mmap('words.txt').lines.head(2);            # lazily, however large the file
=end code

=head1 DESCRIPTION

C<mmap> makes a L<Mmap::Wrap::Mapping>: an array over the bytes of a file, or over memory without a file. Whatever
offset, size or index a program gives is answered by the native library against the mapping. What goes wrong is an
exception that does C<X::Mmap> (see L<Mmap::Wrap::Exceptions>); using a mapping after C<close> is X::Mmap::Closed.

Offsets and sizes are in bytes, indices in elements. A size of C<*>, the default, means "to the end". Negative numbers,
numbers beyond 64 bits, and ranges that leave the mapping are X::Mmap::OutOfRange; type objects, C<Nil>, Junctions and what
else is no integer are X::Mmap::Argument. Memory that refuses an access, because its file was cut short, its disk is full or
broken, or its protection forbids it, is X::Mmap::Fault.

Any thread may use any mapping at any time, also while another closes it. Threads that change the same bytes at the same
time see each other's changes in no set order; for words that they share, see L<Mmap::Wrap::Sharing>.

What a mapping can do is described by topic:

=item L<Mmap::Wrap::Mapping>: elements, iteration, closing
=item L<Mmap::Wrap::Bytes>: reading, writing, filling, copying, comparing
=item L<Mmap::Wrap::Text>: searching, decoding, lines
=item L<Mmap::Wrap::Pages>: protection, advice, flushing, guards, seals; locking, residency, the page cache; huge pages, nodes
=item L<Mmap::Wrap::Memory>: resizing, splitting, the file behind it, its address
=item L<Mmap::Wrap::Sharing>: atomic words, waiting and waking, a Supply of changes, a mutex

=head2 Together with Mmap::Native

Both modules export C<mmap>, as a multi. A program may use both: six arguments that begin with a C<Pointer> are the raw
call, anything else is the one described here.

=head1 EXPORTS

C<use Mmap::Wrap> exports C<mmap>, C<spurt> for mappings (see L<Mmap::Wrap::Bytes>), and the exceptions. On request:

=item C<:protections>, C<:advice>, or C<:enums> for both: readable names (L<Mmap::Wrap::Enums>)
=item C<:constants>: all of the platform's own names (L<Mmap::Wrap::Constants>)
=item C<:functions>: the functions below, which can also be called as C<Mmap::Wrap::page-size>

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Constants;
use Mmap::Wrap::Element;
use Mmap::Wrap::Enums;
use Mmap::Wrap::Exceptions;
use Mmap::Wrap::Mapping;
use NativeCall;

unit module Mmap::Wrap;

my package EXPORT::constants { }
BEGIN export-terms EXPORT::constants::, names-here;

my package EXPORT::protections { }
my package EXPORT::advice { }
my package EXPORT::enums { }
BEGIN {
    for EXPORT::protections::, EXPORT::enums:: { .BIND-KEY('Protection', Protection); export-names $_, Protection }
    for EXPORT::advice::, EXPORT::enums::      { .BIND-KEY('Advice', Advice); export-names $_, Advice }
}

=begin pod

=head2 sub mmap

    mmap $path, …                           # a file, by Str or IO::Path
    mmap $handle, …                         # an IO::Handle, mapped by its descriptor
    mmap 5, …                               # a descriptor by its number
    mmap :anon, :length(4096), …            # memory without a file
    mmap :memfd, :length(4096), …           # a file in memory; :memfd<name> names it for /proc
    mmap :shared<name>, …                   # POSIX shared memory, /dev/shm/name
    mmap :secret, :length(32), …            # secret memory: locked, and unreadable for others
    mmap :unnamed, :length(4096), …         # a file without a name, by the best means there are

By default what has a name or a handle is mapped shared and read only, all else is writable. A file that takes no shared mapping (FUSE
with direct I/O, some of sysfs) is then mapped privately, which reads the same bytes. What cannot be mapped at all, as a FIFO, a pipe on
C<$*IN> or C<$*ARGFILES>, or a file of procfs, is X::Mmap::System (ENODEV).

=item C<:rw>: writable, and what is written goes to the file.
=item C<:private>: writable, and what is written stays in this mapping.
=item C<:offset>: the first byte of the file, 0 by default; it need not be a multiple of the page size.
=item C<:length>: bytes; C<*>, the default, goes to the end of the file. An empty file gives a mapping of length 0. A
length may go beyond the end of the file: to touch pages beyond it before the file has grown is X::Mmap::Fault.
=item C<:of>: the type of the elements: uint8 (the default) to uint64, int8 to int64, num32 or num64, or one of C's integers,
as a type or by its name: C<:of(uint32)>, C<:of('uint32')>. C<:endian>: the order of their bytes (see L<Mmap::Wrap::Element>).

For a path or C<:shared>, and each of these implies C<:rw> unless it is C<:private>:

=item C<:create>: makes the file if it is missing; with C<:exclusive>, fails if it is there. C<:mode>: its permissions, 0o666
less the umask, 0o600 for shared memory, of a file that is made. C<:truncate>: cuts it to nothing first.
=item C<:size>: makes the file that many bytes long, larger or smaller than it was. C<:allocate>: sets the blocks aside, so
that a full disk is an error now and not a fault later. When anything fails the file is as it was before, but for one that
C<:truncate> has emptied.
=item C<:open-flags>: more of the platform's O_ values for opening it, such as O_NOFOLLOW or O_NOATIME. Those that create, truncate
or give access have the adverbs above.

Further adverbs:

=item C<:keep>: keeps the file open, for C<descriptor>, C<resize> and C<cached>. Files in memory always are.
=item C<:survive>, the default for files and for memory with MAP_HUGETLB or MAP_NORESERVE: an access through C<address> to a page that the
file has lost, or for which the pool of huge pages has none, reads zeros and is reported by the next call that uses the mapping.
C<:!survive>: it ends the program by SIGBUS, as usual.
=item C<:align>: the address is a multiple of that power of two; for C<:anon> and handles. C<:address>: a Pointer to where the
mapping should begin, a hint unless C<:flags> has MAP_FIXED, which replaces what is there.
=item C<:prot>: a protection (L<Mmap::Wrap::Enums>) in place of the one above. C<:flags>: the platform's MAP_ values in place of
shared or private; MAP_ANONYMOUS is added. C<:memfd-flags>: MFD_ values, by default MFD_ALLOW_SEALING.

A path may hold any bytes but NUL (X::IO::Null); a relative one starts from C<$*CWD>. What an IO::Handle has buffered is
written out first, and it may be closed afterwards, as may a descriptor. An IO::CatHandle, such as C<$*ARGFILES>, is several
files, and each has a mapping of its own: C<.handles> has them. A pipe, such as C<$proc.out>, has no bytes that could be mapped:
C<.slurp(:bin)> reads them. Both are X::Mmap::Argument.

Numbers of bytes are integers, of whatever type: C<:length(1e3)> is 1000 bytes. A length of 0 is X::Mmap::Argument: without
C<:length>, or with C<*>, all to the end of the file is mapped.

Throws X::Mmap::System (no such file, no permission, a directory, a device that cannot be mapped, out of address space …),
X::Mmap::OutOfRange (an offset beyond the file's end), X::Mmap::Argument (unknown bits, neither shared nor private, length 0, a
handle that is closed, adverbs that do not go together), X::Mmap::Unsupported (this kernel has no secret memory …).

=begin code :lang<raku>
use Mmap::Wrap;
my $words  = mmap 'words.txt';
my $header = mmap 'data.bin', :rw, :length(16), :of(uint32);
my $draft  = mmap 'data.bin'.IO, :private, :offset(5);
my $memory = mmap :anon, :length(2 ** 20);
my $table  = mmap 'table.bin', :create, :size(8192), :allocate;
my $file   = open 'data.bin', :bin;
my $open   = mmap $file;
$file.close;
say $open[0];

for IO::CatHandle.new('words.txt', 'data.bin').handles -> $each {
    say mmap($each).bytes;
}

my $name = "/counters-$*PID";
my $counters = mmap :shared($name), :create, :size(4096), :of(uint64);
my $same     = mmap :shared($name), :of(uint64);
$counters[1] = 5;
say $same[1];                                        # 5
Mmap::Wrap::shm-unlink($name);
=end code

=end pod

#| What each adverb that does not go with every source is for.
my constant FITTING = Map.new: (<create exclusive truncate allocate size mode open-flags> X=> 'a path or shared'),
    (<align address> X=> 'anon or a handle'), (<private flags> X=> 'a path, a handle, anon, memfd, shared or unnamed'),
    ('offset', 'a path, a handle or shared'), ('keep', 'a path, a handle, shared, memfd or unnamed'), ('memfd-flags', 'memfd');

#| Maps a file or memory; see above.
proto mmap(|) is export(:MANDATORY) { * }

multi mmap(
    Mu $source = Nil, Bool :$anon, Mu :$memfd, Mu :$shared, Bool :$secret, Bool :$unnamed,
    Bool :$rw, Bool :$private, Mu :$offset = 0, Mu :$length = *, Mu :$of = uint8, Mu :$endian = NativeEndian,
    Bool :$create, Bool :$exclusive, Bool :$truncate, Mu :$mode, Mu :$size, Bool :$allocate,
    Bool :$keep, Bool :$survive, Mu :$align, Mu :$address = Pointer, Mu :$prot, Mu :$flags, Mu :$memfd-flags,
    Mu :$open-flags
    --> Mapping:D
) {
    # No sets, no blocks and few multis on the way that most calls take: they would take longer than to map.
    my str $kind = $anon || $secret || $unnamed || wished($memfd) || wished($shared)
        ?? the-one-kind($source, :$anon, :$memfd, :$shared, :$secret, :$unnamed) !! kind-of-source($source);
    my int $is-file = $kind eq 'handle' || $kind eq 'path' || $kind eq 'shared';
    my $element = Mmap::Wrap::Element.of($of, $endian);   # before anything is mapped
    my $makes = so $create || $exclusive || $truncate || $allocate || $size.defined;
    my $from = whole 'mmap', 'offset', $offset;
    # Asked one by one only where there is one: most calls have none.
    check-fitting $kind, :$create, :$exclusive, :$truncate, :$allocate, :size($size.defined), :mode($mode.defined), :$private,
        :flags($flags.defined), :offset($from != 0), :$keep, :align($align.defined), :address($address.defined),
        :memfd-flags($memfd-flags.defined), :open-flags($open-flags.defined)
        if $makes || $private || $from || $keep || $mode.defined || $flags.defined || $align.defined || $address.defined
            || $memfd-flags.defined || $open-flags.defined;
    my Pointer $where := address-or-none 'mmap', $address;

    my $writable = $rw || $private || $makes || !$is-file;
    my $prot-bits = $prot.defined ?? bits('mmap', 'prot', $prot) !! $writable ?? PROT_READ() +| PROT_WRITE() !! PROT_READ();
    $writable = so $prot-bits +& PROT_WRITE() if $prot.defined;
    my $flag-bits = $flags.defined ?? bits('mmap', 'flags', $flags) !! $private ?? MAP_PRIVATE() !! MAP_SHARED();
    misused 'mmap', ":private keeps changes in the mapping, and :flags has MAP_SHARED: give MAP_PRIVATE in its place"
        if $private && $flags.defined && $flag-bits +& MAP_SHARED();
    $flag-bits +|= OR_PRIVATE if $is-file && !$flags.defined;
    $flag-bits +|= Mmap::Wrap::Raw::KEEP if $keep;   # KEEP alone is a phaser of Raku's
    my $bytes = size-or-rest 'mmap', $length, 'length';
    misused 'mmap', 'length 0: leave :length out, or give *, for all to the end of the file'
        if $bytes == 0 && $is-file;

    my $path := $kind eq 'path' ?? path-of($source) !! IO::Handle.ACCEPTS($source) ?? $source.path !! Nil;
    # Declared here, since a variable in a block of its own is no local of the machine's.
    my int $handle;
    my int $descriptor = -1;
    if $kind eq 'handle' || $kind eq 'anon' {
        $descriptor = descriptor-of($source) if $kind eq 'handle';
        $flag-bits +|= MAP_ANONYMOUS() if $kind eq 'anon';
        $handle = $align.defined
            ?? mmap_aligned_wrap(whole('mmap', 'alignment', $align), $bytes, $prot-bits, $flag-bits, $descriptor, $from)
            !! mmap_wrap($where, $bytes, $prot-bits, $flag-bits, $descriptor, $from);
    }
    elsif $kind eq 'path' && !$makes && !$open-flags.defined {
        $handle = mmap_path_wrap(native-name('mmap', $path.absolute), $bytes, $prot-bits, $flag-bits, $from);
    }
    elsif $kind eq 'path' || $kind eq 'shared' {
        my $options = OpenOptions.new(
            open_flags => opening(:writable($rw || $makes), :create($create || $exclusive), :$exclusive, :$truncate)
                +| open-bits($open-flags),
            mode => whole('mmap', 'mode', $mode // ($kind eq 'path' ?? 0o666 !! 0o600)),
            size => $size.defined ?? whole('mmap', 'size', $size) !! REST,
            allocate => +?$allocate, length => $bytes, prot => $prot-bits, flags => $flag-bits, offset => $from);
        $handle = ($kind eq 'path' ?? &mmap_open_wrap !! &mmap_shm_wrap)(
            native-name('mmap', $kind eq 'path' ?? $path.absolute !! $shared), $options, nativesizeof($options));
    }
    elsif $kind eq 'memfd' {
        $handle = mmap_memfd_wrap(native-name('mmap', $memfd === True ?? 'mmap-wrap' !! $memfd),
            bits('mmap', 'memfd-flags', $memfd-flags // value-of('MFD_ALLOW_SEALING')), $bytes, $prot-bits, $flag-bits);
    }
    elsif $kind eq 'secret' { $handle = mmap_secret_wrap($bytes, $prot-bits) }
    else { $handle = mmap_unnamed_wrap($bytes, $prot-bits, $flag-bits) }
    not-mapped $handle, $path if $handle < 0;
    # An error where SIGBUS has a handler of the program's: the mapping then works, and its address is on its own.
    mmap_wrap_survive($handle, 1)
        if $survive // !($kind eq 'secret' || $kind eq 'anon' && !($flags.defined && may-be-missing $flag-bits));
    Mapping.over($handle, $element, $path)
}
multi mmap(|arguments) {
    my %adverbs = &mmap.candidates[0].signature.params.grep(*.named).map({ .named_names[0] => .type });
    for arguments.hash.sort -> (:key($name), Mu :$value) {
        misused 'mmap', "there is no adverb :$name; the documentation of Mmap::Wrap has them all" unless %adverbs{$name}:exists;
        misused 'mmap', ":$name is a Bool, not {shown $value}: say :$name or :!$name"
            if %adverbs{$name} ~~ Bool && !Bool.ACCEPTS($value);
    }
    misused 'mmap', "{arguments.list.map(&shown).join(', ')} are too many: give one path, IO::Handle or descriptor, or :anon, :memfd, :shared,"
        ~ ' :secret or :unnamed, and the rest as adverbs'
}

#| As of a Blob; the core's own goes on to be called for all else.
multi spurt(IO::Handle:D $file, Mapping:D $mapping, *%how) is export(:MANDATORY) { spurt $file, $mapping.Blob, |%how }
multi spurt(IO() $path, Mapping:D $mapping, *%how) is export(:MANDATORY) { spurt $path, $mapping.Blob, |%how }

my sub check-fitting($kind, *%given) {
    misused 'mmap', ':mode is for files that are made, with :create or :exclusive' if %given<mode> && !%given<create exclusive>.any;
    misused 'mmap', ':align and :address do not go together' if %given<align> && %given<address>;
    for %given.keys.sort.grep({ %given{$_} && !FITTING{$_}.contains($kind) }) -> $adverb {
        misused 'mmap', ":$adverb does not go with {$kind ∈ <path handle> ?? "a $kind" !! ":$kind"}; it is for {FITTING{$adverb}}";
    }
}

my sub not-mapped(Int:D $code, $path) {
    my $failure = failure $code, :$path;
    $failure = $failure.clone(:message("$failure.message(); .slurp(:bin) reads what cannot be mapped")) if $failure.name eq 'ENODEV';
    $failure.throw
}

# Memory without a file of which an access may find none: huge pages, of which the pool has run out, and swap space that was not
# set aside.
my sub may-be-missing(Int:D $flags --> Bool:D) {
    so <MAP_HUGETLB MAP_NORESERVE>.first: { $flags +& ((try value-of $_) // 0) }
}

my sub wished(Mu $adverb --> Bool:D) { $adverb.defined && $adverb !=== False }

my sub the-one-kind(Mu $source, :$anon, Mu :$memfd, Mu :$shared, :$secret, :$unnamed --> Str:D) {
    my @kinds = ('anon' if $anon), ('memfd' if wished $memfd), ('shared' if wished $shared), ('secret' if $secret), ('unnamed' if $unnamed);
    @kinds.push: kind-of-source($source) if $source.defined;
    misused 'mmap', "one thing can be mapped at a time, not {@kinds.map({ $_ ∈ <path handle> ?? "a $_" !! ":$_" }).join(' and ')}"
        if @kinds > 1;
    @kinds[0]
}

my proto kind-of-source(Mu) { * }
my multi kind-of-source(IO::Handle:D $) { 'handle' }
my multi kind-of-source(IO::Path:D $)   { 'path' }
my multi kind-of-source(Str:D $)        { 'path' }
my multi kind-of-source(Int:D $)        { 'handle' }   # a descriptor
my multi kind-of-source(Allomorph:D $)  { 'path' }     # a name such as 2024 from a command line
my multi kind-of-source(IO::CatHandle:D $) {
    misused 'mmap', 'an IO::CatHandle is several files: map each of its .handles, as in .handles.map({ mmap $_ })'
}
my multi kind-of-source(IO::Pipe:D $) {
    misused 'mmap', 'a pipe has no bytes that could be mapped: read it with .slurp(:bin), or have the program write into a file'
}
my multi kind-of-source(Failure:D $failure) {
    $failure.so;   # or it would complain when it is collected
    misused 'mmap', "what should be mapped is a Failure: $failure.exception.message()"
}
my multi kind-of-source(Bool:D $source) { not-mappable $source }
my multi kind-of-source(Mu $source) { not-mappable $source }

my sub not-mappable(Mu $source) {
    misused 'mmap', "{shown $source} cannot be mapped: give a path, an IO::Handle, a descriptor, :anon, :memfd, :shared, :secret or"
        ~ ' :unnamed'
}

my sub path-of($source --> IO::Path:D) {
    misused 'mmap', 'the path is empty' if $source eq '';
    $source.IO
}

my proto descriptor-of(Mu) { * }
my multi descriptor-of(Int:D $descriptor --> Int:D) {
    0 <= $descriptor < 2 ** 31 ?? $descriptor !! out-of-range 'mmap', "$descriptor is no descriptor: they go from 0 to {2 ** 31 - 1}"
}
my multi descriptor-of(IO::Handle:D $file --> Int:D) {
    misused 'mmap', "the handle of {$file.path // 'a file'} is closed; open it first" unless $file.opened;
    # Which writes out what is buffered and, unlike flush, does not wait until all of the file is stored.
    $file.tell;
    $file.native-descriptor
}

my sub opening(:$writable, *%wishes --> Int:D) {
    my constant NAMES = Map.new: 'create', 'O_CREAT', 'exclusive', 'O_EXCL', 'truncate', 'O_TRUNC';
    [+|] value-of($writable ?? 'O_RDWR' !! 'O_RDONLY'), |NAMES.grep({ %wishes{.key} }).map({ value-of(.value) })
}

my sub open-bits(Mu $flags --> Int:D) {
    return 0 without $flags;
    my $bits = bits 'mmap', 'open-flags', $flags;
    my constant ADVERBS = Map.new: <O_WRONLY rw O_RDWR rw O_CREAT create O_EXCL exclusive O_TRUNC truncate>;
    for ADVERBS.sort -> (:key($name), :value($adverb)) {
        misused 'mmap', ":open-flags has $name: give :$adverb in its place" if $bits +& value-of($name);
    }
    $bits
}

=begin pod

=head2 sub shm-unlink

    shm-unlink(Str:D $name --> Nil)

Removes the name of POSIX shared memory. Who has it mapped keeps it.

=head2 sub page-size, sub huge-page-size

    page-size(--> Int:D)
    huge-page-size(--> Int:D)

Bytes in a page of memory, and in a transparent huge page (X::Mmap::Unsupported where there are none).

=head2 sub live-mappings

    live-mappings(--> List:D)

The handles of all mappings that live, of this module or any other user of the library in the process: for finding leaks.

=head2 sub warm, sub evict, sub cached

    warm($file, $offset = 0, $size = * --> Nil)
    evict($file, $offset = 0, $size = * --> Nil)
    cached($file, $offset = 0, $size = * --> Mmap::Wrap::Raw::Cache:D)

Of a file that need not be mapped, by path, IO::Handle or descriptor: begins to read it into the page cache; stores what changed, and lets the
page cache forget it; tells what the page cache has of it (see C<cached> of L<Mmap::Wrap::Pages>).

=head2 sub trust-handlers

    trust-handlers($yes = True --> Nil)

Says that no code in this process handles SIGBUS or SIGSEGV from now on, or blocks them: no C<signal(SIGBUS)>, no foreign library
that does. Accesses then verify nothing. Without that word the handlers are verified at most every 33 microseconds. (See
docs/safety.md of the repository.)

=head2 sub verify-handlers

    verify-handlers(--> Bool:D)

Verifies now whether a fault of an access in this thread is repaired by this library's handlers of SIGBUS and SIGSEGV. To be
called right after another handler was installed. False: accesses go through the kernel, and are slower.

=begin code :lang<raku>
use Mmap::Wrap :functions;
say page-size;
warm 'data.bin';
say (try cached('data.bin').cached) // $!.^name;
evict 'data.bin';
my $memory = mmap :anon, :length(page-size);
say $memory.handle ∈ live-mappings;                  # True
trust-handlers;
say $memory[0];                                      # 0, and fast
trust-handlers(False);
say verify-handlers;                                 # True
=end code

=head1 SEE ALSO

L<Mmap::Wrap::Raw> for the native calls as they are, L<Mmap::Native> for a drop-in for the module of that name.

=end pod

our sub shm-unlink(Mu $name --> Nil) is export(:functions) { answered shm_unlink_wrap(native-name('shm_unlink', $name)) }
our sub page-size(--> Int:D) is export(:functions) { mmap_wrap_page_size }
our sub huge-page-size(--> Int:D) is export(:functions) { answered mmap_wrap_huge_page_size }
our sub trust-handlers(Bool:D $yes = True --> Nil) is export(:functions) { answered mmap_wrap_trust_handlers(+$yes) }

our sub verify-handlers(--> Bool:D) is export(:functions) { ?answered mmap_wrap_verify_handlers }

our sub live-mappings(--> List:D) is export(:functions) {
    # Others may come meanwhile: again, until there was room for all.
    loop {
        my $room = 16 + mmap_wrap_list(CArray[int64], 0);
        my $handles := CArray[int64].allocate($room);
        my $live = answered mmap_wrap_list($handles, $room);
        return $handles[^$live].List if $live <= $room;
    }
}

our sub warm(Mu $file, Mu $offset = 0, Mu $size = * --> Nil) is export(:functions) {
    with-descriptor 'mmap_wrap_fd_readahead', $file, { mmap_wrap_fd_readahead($_, |range('mmap_wrap_fd_readahead', $offset, $size)) }
}
our sub evict(Mu $file, Mu $offset = 0, Mu $size = * --> Nil) is export(:functions) {
    with-descriptor 'mmap_wrap_fd_evict', $file, { mmap_wrap_fd_evict($_, |range('mmap_wrap_fd_evict', $offset, $size)) }
}
our sub cached(Mu $file, Mu $offset = 0, Mu $size = * --> Mmap::Wrap::Raw::Cache:D) is export(:functions) {
    my $cache = Mmap::Wrap::Raw::Cache.new;
    with-descriptor 'cachestat', $file,
        { mmap_wrap_fd_cachestat($_, $cache, nativesizeof($cache), |range('cachestat', $offset, $size)) };
    $cache
}

my sub with-descriptor($call, Mu $file, &use --> Nil) {
    given kind-of-source($file) {
        when 'handle' { answered use(descriptor-of($file)), :path(IO::Handle.ACCEPTS($file) ?? $file.path !! Nil) }
        default {
            # Raku's own failure has no type and no errno; mapping fails for the same reason, and says it.
            my $open = path-of($file).open(:bin) orelse { mmap($file).close; .throw };
            LEAVE .close with $open;
            answered use($open.native-descriptor), :path($file.IO)
        }
    }
}
