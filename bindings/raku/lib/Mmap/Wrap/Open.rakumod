=begin pod

=head1 NAME

Mmap::Wrap::Open - the subs mmap and shm-unlink

=head1 DESCRIPTION

C<use Mmap::Wrap> exports C<mmap>, and C<use Mmap::Wrap :functions> exports C<shm-unlink>.

=head2 sub mmap

    mmap $path, …                           # a file, by its path (Str or IO::Path)
    mmap $handle, …                         # an open file, by its IO::Handle
    mmap 5, …                               # an open file, by its descriptor
    mmap :anon, :length(4096), …            # memory without a file
    mmap :memfd, :length(4096), …           # a memory file; :memfd<name> names it for /proc
    mmap :shm<name>, …                      # POSIX shared memory, /dev/shm/name
    mmap :secret, :length(32), …            # secret memory: locked, and not readable by other processes
    mmap :unnamed, :length(4096), …         # a temporary file without a name

Returns a L<Mmap::Wrap::Mapping>. Files and shared memory are mapped shared and read-only by default, the others are writable. A file that
does not support shared mappings (FUSE with direct I/O, some files of sysfs) is mapped privately when it is only read; the data is the
same. A file that cannot be mapped, such as a FIFO, a pipe on C<$*IN> or C<$*ARGFILES>, or a file of procfs, is X::Mmap::System (ENODEV).

=item C<:rw>: the mapping is writable, and changes go to the file.
=item C<:private>: the mapping is writable, and changes stay in this mapping.
=item C<:offset>: the offset of the first byte in the file, default 0. It need not be a multiple of the page size.
=item C<:length>: the number of bytes. C<*>, the default, maps to the end of the file; an empty file gives a mapping of length 0. With a
length beyond the end of the file, an access to pages beyond the end is X::Mmap::Fault until the file has grown. 0 is X::Mmap::Argument.
=item C<:of>: the type of the elements, default uint8: uint8 to uint64, int8 to int64, num32, num64, or an integer type of C; the type or its
name, C<:of(uint32)> or C<:of('uint32')>. C<:endian>: their byte order. See L<Mmap::Wrap::ElementKind>.

For a path or C<:shm>. All of these but C<:mode> and C<:open-flags> imply C<:rw>, unless C<:private> is given:

=item C<:create>: creates the file if it does not exist. C<:exclusive>: creates it, and fails if it exists.
=item C<:mode>: the permissions of a file that is created, before the umask; default 0o666, for shared memory 0o600.
=item C<:truncate>: sets the size of an existing file to 0 first.
=item C<:size>: sets the size of the file in bytes. C<:allocate>: allocates all its blocks, so that a full disk is an error now instead of a
fault later. On failure the file keeps its old size, unless C<:truncate> was given.
=item C<:open-flags>: other O_ flags for opening the file, such as O_NOFOLLOW or O_NOATIME.

Other adverbs:

=item C<:keep>: keeps the file open, which C<resize>, C<cachestat> and C<dup-descriptor> need. Memory files are always kept open.
=item C<:survive>: if an access through C<address> hits a page that the file no longer has, or for which there is no huge page, the page reads
as zeros, and the next call that uses the mapping throws X::Mmap::Fault. This is the default for files, and for memory with MAP_HUGETLB or
MAP_NORESERVE. With C<:!survive> such an access ends the program with SIGBUS.
=item C<:align>: the address is a multiple of this power of two. For C<:anon> and open files.
=item C<:address>: a Pointer to where the mapping should be. A hint, unless C<:flags> contains MAP_FIXED, which replaces what is mapped there.
For C<:anon> and open files.
=item C<:prot>: the protection (L<Mmap::Wrap::Enums>), instead of the one that C<:rw> and C<:private> imply.
=item C<:flags>: MAP_ flags, instead of MAP_SHARED or MAP_PRIVATE. For C<:anon>, MAP_ANONYMOUS is added.
=item C<:memfd-flags>: MFD_ flags, default MFD_ALLOW_SEALING.

A path may contain any bytes except NUL (X::IO::Null). A relative path starts at C<$*CWD>. An IO::Handle or descriptor may be closed after
mapping; what an IO::Handle has buffered is written to the file first. An IO::CatHandle such as C<$*ARGFILES> has several files: map each of
its C<.handles>. It, and a pipe such as C<$proc.out>, are X::Mmap::Argument.

On Windows, an IO::Handle is mapped by its path, with the access that the adverbs imply, and one without a path, such as C<$*IN>, is
X::Mmap::Unsupported. A descriptor is a HANDLE there, such as C<dup-descriptor> returns.

Integers may have any numeric type: C<:length(1e3)> is 1000 bytes.

Throws X::Mmap::System if a system call fails (no such file, no permission, a directory, out of memory …), X::Mmap::OutOfRange for an
offset beyond the end of the file, X::Mmap::Argument for invalid arguments (unknown flags, neither shared nor private, a closed handle,
adverbs that cannot be combined …), and X::Mmap::Unsupported for what the kernel lacks, such as secret memory.

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
=end code

=head2 sub shm-unlink

    shm-unlink(Str:D $name --> Nil)

Removes the name of POSIX shared memory. Existing mappings stay valid.

=begin code :lang<raku>
use Mmap::Wrap :functions;
my $name = "/counters-$*PID";
my $counters = mmap :shm($name), :create, :size(4096), :of(uint64);
my $same     = mmap :shm($name), :of(uint64);
$counters[1] = 5;
say $same[1];                                        # 5
shm-unlink $name;
=end code

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Constants;
use Mmap::Wrap::ElementKind;
use Mmap::Wrap::Mapping;
use Mmap::Wrap::Source;

unit module Mmap::Wrap::Open;

#| The kinds of source that an adverb is for, where it is not for all.
my constant APPLIES = Map.new: (<create exclusive truncate allocate size mode open-flags> X=> 'path, shm'),
    (<align address> X=> 'anon, handle'), (<private flags> X=> 'path, handle, anon, memfd, shm, unnamed'),
    ('offset', 'path, handle, shm'), ('keep', 'path, handle, shm, memfd, unnamed'), ('memfd-flags', 'memfd');

#| Maps a file or memory; see above.
proto mmap(|) is export { * }

multi mmap(
    Mu $source = Nil, Bool :$anon, Mu :$memfd, Mu :$shm, Bool :$secret, Bool :$unnamed,
    Bool :$rw, Bool :$private, Mu :$offset = 0, Mu :$length = *, Mu :$of = uint8, Mu :$endian = NativeEndian,
    Bool :$create, Bool :$exclusive, Bool :$truncate, Mu :$mode, Mu :$size, Bool :$allocate,
    Bool :$keep, Bool :$survive, Mu :$align, Mu :$address = Pointer, Mu :$prot, Mu :$flags, Mu :$memfd-flags,
    Mu :$open-flags
    --> Mmap::Wrap::Mapping:D
) {
    # On the usual way there are no sets, no blocks and few multis: they would take longer than mapping.
    my str $kind = $anon || $secret || $unnamed || given-as($memfd) || given-as($shm)
        ?? only-kind($source, :$anon, :$memfd, :$shm, :$secret, :$unnamed)
        !! $source.defined || Failure.ACCEPTS($source) ?? source-kind('mmap', $source) !! no-source($source);
    my int $is-file = $kind eq 'handle' || $kind eq 'path' || $kind eq 'shm';
    my $element-kind = Mmap::Wrap::ElementKind.of('mmap', $of, $endian);   # before anything is mapped
    my $changes-file = so $create || $exclusive || $truncate || $allocate || $size.defined;
    my $from = integer 'mmap', 'offset', $offset;
    check-adverbs $kind, :$create, :$exclusive, :$truncate, :$allocate, :size($size.defined), :mode($mode.defined), :$private,
        :flags($flags.defined), :offset($from != 0), :$keep, :align($align.defined), :address($address.defined),
        :memfd-flags($memfd-flags.defined), :open-flags($open-flags.defined)
        if $changes-file || $private || $from || $keep || $mode.defined || $flags.defined || $align.defined || $address.defined
            || $memfd-flags.defined || $open-flags.defined;
    my Pointer $where := pointer 'mmap', $address;

    my $prot-bits = $prot.defined ?? bits('mmap', 'prot', $prot)
        !! $rw || $private || $changes-file || !$is-file ?? PROT_READ() +| PROT_WRITE() !! PROT_READ();
    my $flag-bits = $flags.defined ?? bits('mmap', 'flags', $flags) !! $private ?? MAP_PRIVATE() !! MAP_SHARED();
    bad-argument 'mmap', ':private contradicts MAP_SHARED in :flags; give MAP_PRIVATE there'
        if $private && $flags.defined && $flag-bits +& MAP_SHARED();
    $flag-bits +|= OR_PRIVATE if $is-file && !$flags.defined;
    $flag-bits +|= Mmap::Wrap::Raw::KEEP if $keep;   # KEEP by itself is a phaser of Raku
    my $bytes = size-or-rest 'mmap', $length, 'length';
    bad-argument 'mmap', 'length 0; leave :length out to map to the end of the file' if $bytes == 0 && $is-file;

    my $path := $kind eq 'path' ?? path-of('mmap', $source) !! IO::Handle.ACCEPTS($source) ?? $source.path !! Nil;
    # Declared here: native variables of inner blocks are slower.
    my int $handle;
    my int $descriptor = -1;
    if $kind eq 'handle' || $kind eq 'anon' {
        $descriptor = descriptor-of('mmap', $source) if $kind eq 'handle';
        $flag-bits +|= MAP_ANONYMOUS() if $kind eq 'anon';
        $handle = $align.defined
            ?? mmap_aligned_wrap(integer('mmap', 'alignment', $align), $bytes, $prot-bits, $flag-bits, $descriptor, $from)
            !! mmap_wrap($where, $bytes, $prot-bits, $flag-bits, $descriptor, $from);
    }
    elsif $kind eq 'path' && !$changes-file && !$open-flags.defined {
        $handle = mmap_path_wrap(c-string('mmap', $path.absolute), $bytes, $prot-bits, $flag-bits, $from);
    }
    elsif $kind eq 'path' || $kind eq 'shm' {
        my $options = Mmap::Wrap::Raw::OpenOptions.new(
            open_flags => opening-bits(:writable($rw || $changes-file), :create($create || $exclusive), :$exclusive, :$truncate)
                +| given-open-bits($open-flags),
            mode => integer('mmap', 'mode', $mode // ($kind eq 'path' ?? 0o666 !! 0o600)),
            size => $size.defined ?? integer('mmap', 'size', $size) !! REST, allocate => +?$allocate,
            length => $bytes, prot => $prot-bits, flags => $flag-bits, offset => $from);
        $handle = $kind eq 'path'
            ?? mmap_open_wrap(c-string('mmap', $path.absolute), $options, nativesizeof($options))
            !! mmap_shm_wrap(c-string('mmap', $shm), $options, nativesizeof($options));
    }
    elsif $kind eq 'memfd' {
        $handle = mmap_memfd_wrap(c-string('mmap', $memfd === True ?? 'mmap-wrap' !! $memfd),
            bits('mmap', 'memfd-flags', $memfd-flags // value-of('MFD_ALLOW_SEALING')), $bytes, $prot-bits, $flag-bits);
    }
    elsif $kind eq 'secret' { $handle = mmap_secret_wrap($bytes, $prot-bits) }
    else { $handle = mmap_unnamed_wrap($bytes, $prot-bits, $flag-bits) }
    not-mapped $handle, $path if $handle < 0;
    # Fails if the program has its own handler for SIGBUS; then the mapping works, but accesses through its address are not repaired.
    mmap_wrap_survive($handle, 1)
        if $survive // !($kind eq 'secret' || $kind eq 'anon' && !($flags.defined && may-lack-pages $flag-bits));
    Mmap::Wrap::Mapping.from-handle($handle, $element-kind, $path)
}
multi mmap(|arguments) {
    my %adverbs = &mmap.candidates[0].signature.params.grep(*.named).map({ .named_names[0] => .type });
    for arguments.hash.sort -> (:key($name), Mu :$value) {
        bad-argument 'mmap', "there is no adverb :$name; see the documentation of Mmap::Wrap::Open" unless %adverbs{$name}:exists;
        bad-argument 'mmap', ":$name must be a Bool, not {described $value}" if %adverbs{$name} ~~ Bool && !Bool.ACCEPTS($value);
    }
    bad-argument 'mmap', "too many arguments: {arguments.list.map(&described).join(', ')}; pass at most one file, and the rest as adverbs"
}

sub shm-unlink(Mu $name --> Nil) is export(:functions) { checked 'shm-unlink', shm_unlink_wrap(c-string('shm-unlink', $name)) }

my sub check-adverbs($kind, *%given) {
    bad-argument 'mmap', ':mode needs :create or :exclusive' if %given<mode> && !%given<create exclusive>.any;
    bad-argument 'mmap', ':align and :address cannot be combined' if %given<align> && %given<address>;
    for %given.keys.sort.grep({ %given{$_} && !APPLIES{$_}.contains($kind) }) -> $adverb {
        my $sources = APPLIES{$adverb}.split(', ').map(&source-name).join(', ');
        bad-argument 'mmap', ":$adverb cannot be combined with {source-name $kind}; it is for: $sources";
    }
}

#| A kind of source as a program writes it.
my sub source-name($kind --> Str:D) { $kind eq 'path' ?? 'a path' !! $kind eq 'handle' ?? 'an open file' !! ":$kind" }

my sub not-mapped(Int:D $code, $path) {
    my $failure = failure 'mmap', $code, :$path;
    $failure = $failure.clone(:message("$failure.message(); read it with .slurp(:bin) instead")) if $failure.name eq 'ENODEV';
    $failure.throw
}

# Memory without a file may have no page for an access: the pool of huge pages is empty, or swap space was not reserved and is full.
my sub may-lack-pages(Int:D $flags --> Bool:D) {
    so <MAP_HUGETLB MAP_NORESERVE>.first: { $flags +& ((try value-of $_) // 0) }
}

my sub given-as(Mu $adverb --> Bool:D) { $adverb.defined && $adverb !=== False }

my sub only-kind(Mu $source, :$anon, Mu :$memfd, Mu :$shm, :$secret, :$unnamed --> Str:D) {
    my @kinds = ('anon' if $anon), ('memfd' if given-as $memfd), ('shm' if given-as $shm), ('secret' if $secret), ('unnamed' if $unnamed);
    @kinds.push: source-kind('mmap', $source) if $source.defined;
    bad-argument 'mmap', "only one of {@kinds.map(&source-name).join(' and ')} can be mapped at a time" if @kinds > 1;
    @kinds[0]
}

my sub no-source(Mu $source) {
    bad-argument 'mmap', "nothing to map ({described $source}): pass a path, an IO::Handle or a descriptor, or one of :anon, :memfd, :shm,"
        ~ ' :secret and :unnamed'
}

my sub opening-bits(:$writable, *%given --> Int:D) {
    my constant NAMES = Map.new: 'create', 'O_CREAT', 'exclusive', 'O_EXCL', 'truncate', 'O_TRUNC';
    [+|] value-of($writable ?? 'O_RDWR' !! 'O_RDONLY'), |NAMES.grep({ %given{.key} }).map({ value-of(.value) })
}

my sub given-open-bits(Mu $flags --> Int:D) {
    return 0 without $flags;
    my $bits = bits 'mmap', 'open-flags', $flags;
    my constant ADVERBS = Map.new: <O_WRONLY rw O_RDWR rw O_CREAT create O_EXCL exclusive O_TRUNC truncate>;
    for ADVERBS.sort -> (:key($name), :value($adverb)) {
        bad-argument 'mmap', ":open-flags contains $name; use :$adverb instead" if $bits +& value-of($name);
    }
    $bits
}
