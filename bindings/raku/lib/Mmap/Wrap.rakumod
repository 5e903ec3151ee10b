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
    $counters.flush;
}
=end code

=head1 DESCRIPTION

C<mmap> makes a C<Mmap::Wrap::Mapping>: an array over the bytes of a file, or over memory without a file. Whatever
offset, size or index a program gives is answered by the native library against the mapping. What goes wrong is an
exception that does C<X::Mmap> (see L<Mmap::Wrap::Exceptions>); using a mapping after C<close> is X::Mmap::Closed.

Offsets and sizes are in bytes, indices in elements. A size of C<*>, the default, means "to the end". Negative numbers,
numbers beyond 64 bits, and ranges that leave the mapping are X::Mmap::OutOfRange; type objects, C<Nil> and what else is
no integer are X::Mmap::Argument. Memory that refuses an access, because its file was cut short, its disk is full or
broken, or its protection forbids it, is X::Mmap::Fault.

Any thread may use any mapping at any time, also while another closes it. Threads that change the same bytes at the same
time see each other's changes in no set order.

=head2 Together with Mmap::Native

Both modules export C<mmap>, as a multi. A program may use both: six arguments that begin with a C<Pointer> are the raw
call, anything else is the one described here.

=head1 EXPORTS

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Constants;
use Mmap::Wrap::Element;
use Mmap::Wrap::Exceptions;
use NativeCall;

unit module Mmap::Wrap;

my package EXPORT::constants { }
BEGIN export-terms EXPORT::constants::, names-here;

my sub kind-of(Int:D $code) {
    return X::Mmap::System if $code > E_HANDLE;
    given $code {
        when E_UNMAPPED              { X::Mmap::Closed }
        when E_RANGE                 { X::Mmap::OutOfRange }
        when E_ALIGNMENT             { X::Mmap::Alignment }
        when E_FAULT                 { X::Mmap::Fault }
        when E_BUSY                  { X::Mmap::Busy }
        when E_SEALED                { X::Mmap::Sealed }
        when E_ARGUMENT | E_HANDLE   { X::Mmap::Argument }
        when E_UNSUPPORTED           { X::Mmap::Unsupported }
        default                      { X::Mmap::Internal }
    }
}

#| The answer of a native call, or the exception that its code stands for.
my sub answered(Int:D $code, :$path --> Int:D) {
    return $code if $code >= 0;
    kind-of($code).new(:$code, :$path, :message(mmap_wrap_last_error_message)).throw
}

my sub misused($call, $problem) {
    X::Mmap::Argument.new(:code(E_ARGUMENT), :message("$call: $problem")).throw
}

#| An integer that a native call takes as it is: NativeCall itself would turn Nil and type objects into 0.
my sub whole($call, $what, $value --> Int:D) {
    misused $call, "$what is {$value.raku}, not an integer" unless $value ~~ Int:D;
    X::Mmap::OutOfRange.new(:code(E_RANGE), :message("$call: $what $value does not fit 64 bits")).throw
        unless REST < $value < -REST;
    $value
}

my sub size-or-rest($call, $what, $value --> Int:D) {
    $value ~~ Whatever:D ?? REST !! whole($call, $what, $value)
}

=begin pod

=head2 class Mmap::Wrap::Mapping

=end pod

#| One mapping: an array of native numbers over the bytes of a file or of memory.
class Mapping does Positional does Iterable {
    has int64 $!handle;
    has Mmap::Wrap::Element $!element;
    has int $!width;
    has $!path;

    submethod BUILD(:$handle!, Mu :$of = uint8, :$!path) {
        $!element = Mmap::Wrap::Element.of($of);
        $!width = $!element.width;
        $!handle = whole 'mapping', 'the handle', $handle;
    }

    # Runs at some garbage collection, on any thread, after the last reference has gone. An answer that is an error
    # has nobody to go to, and an exception here would end the program.
    submethod DESTROY { munmap_wrap($!handle) if $!handle }

=begin pod

=head3 method new

    method new(Int:D :$handle!, :$of = uint8)

Takes over a mapping that the raw layer made. C<mmap> is the usual way.

=begin code :lang<raku>
use Mmap::Wrap::Raw;
use Mmap::Wrap;
use NativeCall;
my $handle = mmap_wrap(Pointer, 4096, PROT_READ(), MAP_SHARED() +| MAP_ANONYMOUS(), -1, 0);
say Mmap::Wrap::Mapping.new(:$handle).bytes;         # 4096
=end code

=head3 method handle

    method handle(--> Int:D)

The handle that names the mapping in the raw layer. It stays the same after C<close>, and never comes to mean another.

=begin code :lang<raku>
use Mmap::Wrap;
use Mmap::Wrap::Raw;
my $memory = mmap :anon, :length(4096);
say mmap_wrap_length($memory.handle);                # 4096
=end code

=head3 method path

    method path(--> IO::Path)

Where the file was when it was mapped; undefined for a mapping of an IO::Handle without a path, or of memory.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('data.bin').path.basename;                  # data.bin
=end code

=end pod

    method handle(--> Int:D) { $!handle }
    method path { $!path }

=begin pod

=head3 method bytes

    method bytes(--> Int:D)

The mapping's length in bytes, as it was asked for or found out: not rounded to pages.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(10)).bytes;                  # 10
=end code

=head3 method elems

    method elems(--> Int:D)

How many whole elements there are; bytes that do not make up an element at the end are reached by C<read> and C<write>.
C<+$mapping> and C<.Int> are the same number, and C<.end> is one less.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(10), :of(uint32)).elems;     # 2
=end code

=head3 method of

    method of()

The native type of the elements.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(8), :of(num64)).of.^name;    # num64
=end code

=end pod

    method bytes(--> Int:D) { answered mmap_wrap_length($!handle), :$!path }
    method elems(--> Int:D) { self.bytes div $!width }
    method end(--> Int:D) { self.elems - 1 }
    method Numeric(--> Int:D) { self.elems }
    method Int(--> Int:D) { self.elems }
    method of { $!element.type }

=begin pod

=head3 method AT-POS

    $mapping[$index]

The element with that index, counted from 0; C<$mapping[*-1]> is the last. X::Mmap::OutOfRange where there is none,
X::Mmap::Fault where the memory refuses. The answer is a value, not a container: assignment to one element
goes to the memory, but C<++>, C<+=> and assignment to a slice have nothing to store into, and die.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
$memory[1] = 7;
say $memory[1], $memory[*-1], $memory[0 .. 2];       # 70(0 7 0)
$memory[1] = $memory[1] + 1;                         # for ++
=end code

=head3 method ASSIGN-POS

    $mapping[$index] = $value

Stores the element, and answers the value. A value that does not fit the type is X::Mmap::OutOfRange: nothing wraps
around. X::Mmap::Fault where the memory refuses.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096), :of(int16);
$memory[10] = -2;
=end code

=head3 method EXISTS-POS

    $mapping[$index]:exists

Whether there is an element with that index.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4))[4]:exists;               # False
=end code

=end pod

    method AT-POS($index) {
        my $bytes := buf8.allocate($!width);
        my $code = mmap_wrap_read($!handle, self!offset-of($index), $bytes, $!width);
        answered($code, :$!path) if $code < 0;
        $!element.from($bytes, 0)
    }

    method ASSIGN-POS($index, $value) {
        my $code = mmap_wrap_write($!handle, self!offset-of($index), $!element.bytes-of($value), $!width);
        answered($code, :$!path) if $code < 0;
        $value
    }

    method EXISTS-POS($index --> Bool:D) { 0 <= self!position($index) < self.elems }

    # Indices are truncated as those of an Array are; what is no number has no position.
    method !position($index --> Int:D) {
        return $index if $index ~~ Int:D;
        misused 'index', "{$index.raku} is no index" unless $index ~~ Real:D && $index.isNaN.not && abs($index) < Inf;
        $index.Int
    }

    method !offset-of($index --> Int:D) { whole 'index', 'offset', self!position($index) * $!width }

=begin pod

=head3 method iterator

    for @$mapping -> $element { … }
    my @alias := $mapping;

The elements in order, read a page at a time: what is stored into the page at hand while iterating may not be seen.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
say $data.sum, ' ', $data.grep(* > 100).elems;
my @bytes := $data;
say @bytes[^3].map(*.base(16));
=end code

=end pod

    my class Elements does Iterator {
        has $.mapping;
        has $.element;
        has Int $.left;
        has Int $!next = 0;
        has $!bytes = buf8.new;
        has Int $!at = 0;

        method pull-one {
            self!refill if $!at == $!bytes.elems;
            return IterationEnd unless $!bytes;
            my $element := $!element.from($!bytes, $!at);
            $!at += $!element.width;
            $element
        }

        method !refill {
            my $size = ($!left min 4096 div $!element.width) * $!element.width;
            $!bytes = $!mapping.read($!next, $size);
            $!next += $size;
            $!left -= $size div $!element.width;
            $!at = 0;
        }
    }

    method iterator { Elements.new(:mapping(self), :$!element, :left(self.elems)) }
    method list { List.from-iterator(self.iterator) }

=begin pod

=head3 method read

    method read($offset = 0, $size = * --> blob8:D)

Copies the bytes out of the mapping, at native speed. X::Mmap::Fault where the memory refuses.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('data.bin').read(4, 2);
=end code

=head3 method write

    method write($offset, Blob:D $bytes --> Int:D)

Copies the bytes of a Blob into the mapping; answers how many. X::Mmap::Fault where the memory refuses.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
say $memory.write(10, 'magic'.encode);               # 5
=end code

=head3 method fill

    method fill($byte, $offset = 0, $size = * --> Int:D)

Sets bytes to a value from 0 to 255; answers how many.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
say $memory.fill(0xFF, 4000);                        # 96
=end code

=head3 method move

    method move($to, $from, $size = * --> Int:D)

Copies bytes from offset C<$from> to offset C<$to>; the two ranges may overlap. Answers how many.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
$memory.write(0, 'abc'.encode);
$memory.move(1, 0, 3);
say $memory.read(0, 4).decode;                       # aabc
=end code

=end pod

    method read($offset = 0, $size = * --> blob8:D) {
        my $from = whole 'mmap_wrap_read', 'offset', $offset;
        my $length = self.bytes;
        my $wanted = $size ~~ Whatever:D ?? 0 max $length - $from !! whole 'mmap_wrap_read', 'size', $size;
        # No room is made for more than there can be. A sync that stores nothing lets the library say what is wrong.
        answered msync_wrap($!handle, 0, $from, $wanted), :$!path if $wanted > $length;
        my $bytes := blob8.allocate(0 max $wanted);
        answered mmap_wrap_read($!handle, $from, $bytes, $wanted), :$!path;
        $bytes
    }

    method write($offset, $bytes --> Int:D) {
        misused 'mmap_wrap_write', "{$bytes.raku} is no Blob; encode text first" unless $bytes ~~ Blob:D;
        answered mmap_wrap_write($!handle, whole('mmap_wrap_write', 'offset', $offset), $bytes, $bytes.bytes), :$!path
    }

    method fill($byte, $offset = 0, $size = * --> Int:D) {
        answered mmap_wrap_fill($!handle, whole('mmap_wrap_fill', 'offset', $offset),
            whole('mmap_wrap_fill', 'the byte', $byte), size-or-rest('mmap_wrap_fill', 'size', $size)), :$!path
    }

    method move($to, $from, $size = * --> Int:D) {
        answered mmap_wrap_move($!handle, whole('mmap_wrap_move', 'offset', $to),
            whole('mmap_wrap_move', 'offset', $from), size-or-rest('mmap_wrap_move', 'size', $size)), :$!path
    }

=begin pod

=head3 method Blob

    method Blob(--> blob8:D)

A copy of all bytes.

=begin code :lang<raku>
use Mmap::Wrap;
spurt 'copy.bin', mmap('data.bin').Blob;
=end code

=head3 method subbuf

    method subbuf($from = 0, $size = * --> blob8:D)
    method subbuf(Range:D $bytes --> blob8:D)

C<read> with the arguments of C<Blob.subbuf>; unlike there, a range that leaves the mapping is X::Mmap::OutOfRange.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
say $data.subbuf(*-3), $data.subbuf(2 .. 4), $data.subbuf(2 .. *).elems;
=end code

=head3 method decode

    method decode($encoding = 'utf8' --> Str:D)

All bytes as text.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('words.txt').decode.lines.elems;
=end code

=end pod

    method Blob(--> blob8:D) { self.read }

    multi method subbuf($from = 0, $size = * --> blob8:D) {
        self.read($from ~~ Callable:D ?? $from(self.bytes) !! $from, $size)
    }
    multi method subbuf(Range:D $bytes --> blob8:D) {
        my $from = $bytes.min + $bytes.excludes-min;
        self.read($from, $bytes.max == Inf ?? * !! $bytes.max - $bytes.excludes-max - $from + 1)
    }

    method decode($encoding = 'utf8' --> Str:D) { self.read.decode($encoding) }

=begin pod

=head3 method index

    method index($needle, $start = 0, $end = *)

The offset in bytes of the first C<$needle>, a Blob or a Str (searched for in UTF-8), that lies whole within C<$start> up
to, not including, C<$end>; C<Nil> where there is none. X::Mmap::OutOfRange where C<$end> lies before C<$start>.

=begin code :lang<raku>
use Mmap::Wrap;
my $words = mmap 'words.txt';
my $first = $words.index("\n");
say $words.index("\n", $first + 1) // 'one line only';
=end code

=head3 method rindex

    method rindex($needle, $start = 0, $end = *)

The same for the last one. An empty needle is found at C<$end>.

=begin code :lang<raku>
use Mmap::Wrap;
my $words = mmap 'words.txt';
my $last = $words.rindex("\n");
say $words.rindex("\n", 0, $last) // 'one line only';
=end code

=end pod

    method index($needle, $start = 0, $end = *) { self!search(&mmap_wrap_find, 'mmap_wrap_find', $needle, $start, $end) }
    method rindex($needle, $start = 0, $end = *) { self!search(&mmap_wrap_rfind, 'mmap_wrap_rfind', $needle, $start, $end) }

    method !search(&find, $call, $needle, $start, $end) {
        my $bytes = do given $needle {
            when Blob:D { $needle }
            when Str:D  { $needle.encode }
            default     { misused $call, "the needle is {$needle.raku}, neither a Blob nor a Str" }
        }
        my $at = find($!handle, $bytes, $bytes.bytes, whole($call, 'start', $start), size-or-rest($call, 'end', $end));
        $at == E_NOT_FOUND ?? Nil !! answered $at, :$!path
    }

=begin pod

=head3 method protect

    method protect($protection, $offset = 0, $size = *)

Changes what may be done with the pages: PROT_READ, PROT_WRITE and PROT_EXEC joined by C<+|>, or PROT_NONE. The offset
is on a page border (X::Mmap::Alignment); the size is rounded up to whole pages. X::Mmap::System with EACCES where the
file was not opened for that.

=begin code :lang<raku>
use Mmap::Wrap :constants;
my $memory = mmap :anon, :length(4096);
$memory.protect(PROT_READ);
say (try $memory[0] = 1) // $!.^name;                # X::Mmap::Fault
=end code

=head3 method advise

    method advise($advice, $offset = 0, $size = *)

Tells the kernel how the bytes will be used: one MADV_ value. Advice that discards data needs both ends on page borders or at
the mapping's ends (X::Mmap::Alignment). X::Mmap::Argument for what is no advice here.

=begin code :lang<raku>
use Mmap::Wrap :constants;
mmap('data.bin').advise(MADV_SEQUENTIAL);
=end code

=head3 method flush

    method flush($offset = 0, $size = *, :$async)

Writes the pages that hold the bytes back to the file. Returns when they are stored or, with C<:async>, at once.
X::Mmap::System with EIO where they cannot be stored.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin', :rw;
$data[0] = 1;
$data.flush;
=end code

=end pod

    method protect($protection, $offset = 0, $size = * --> Nil) {
        answered mprotect_wrap($!handle, whole('mprotect', 'protection', $protection),
            whole('mprotect', 'offset', $offset), size-or-rest('mprotect', 'size', $size)), :$!path
    }

    method advise($advice, $offset = 0, $size = * --> Nil) {
        answered madvise_wrap($!handle, whole('madvise', 'advice', $advice),
            whole('madvise', 'offset', $offset), size-or-rest('madvise', 'size', $size)), :$!path
    }

    method flush($offset = 0, $size = *, Bool :$async --> Nil) {
        answered msync_wrap($!handle, $async ?? MS_ASYNC() !! MS_SYNC(),
            whole('msync', 'offset', $offset), size-or-rest('msync', 'size', $size)), :$!path
    }

=begin pod

=head3 method address

    method address(--> Pointer:D)

Where the first byte is, for native code; good until the mapping is closed or collected, which nothing checks. Do not
access the address of a mapping of length 0. Where the file of the mapping was cut short, an access through the address
reads zeros, and the next use of the mapping, closing it included, is X::Mmap::Fault once (see C<:survive> of C<mmap>).

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4096)).address;
=end code

=head3 method close

    method close(--> Bool:D)

Unmaps: True when this call did it, False when it was done already. X::Mmap::Busy while the raw layer holds the address
(C<mmap_wrap_acquire>). A mapping that nobody refers to any more is unmapped at some garbage collection; C<will leave {
.?close }> does it at the end of a block.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
say $memory.close, $memory.close;                    # TrueFalse
=end code

=head3 method closed

    method closed(--> Bool:D)

Whether it is closed.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4096)).closed;               # False
=end code

=end pod

    method address(--> Pointer:D) {
        my $address = mmap_wrap_address($!handle);
        # The address has no room for a code: the length's answer has it.
        self.bytes unless $address;
        $address
    }

    method close(--> Bool:D) { so answered munmap_wrap($!handle), :$!path }

    method closed(--> Bool:D) { mmap_wrap_length($!handle) == E_UNMAPPED }

    method gist(--> Str:D) {
        my $of = $!path.defined ?? " of '$!path'" !! '';
        my $what = self.closed ?? 'closed' !! "{self.elems} × {self.of.^name}";
        "Mmap::Wrap::Mapping($what$of)"
    }
    method Str(--> Str:D) { self.gist }
}

=begin pod

=head2 sub mmap

    mmap $path, :rw, :private, :offset, :length, :of, :!survive, :prot, :flags    # Str or IO::Path
    mmap $handle, …                                                       # IO::Handle, mapped by its descriptor
    mmap :anon, :length(4096), …                                          # memory without a file

=item By default a file is mapped shared and read only; memory without a file is shared and writable.
=item C<:rw>: writable, and what is written goes to the file.
=item C<:private>: writable, and what is written stays in this mapping.
=item C<:offset>: the first byte of the file, 0 by default; it need not be a multiple of the page size.
=item C<:length>: bytes; C<*>, the default, goes to the end of the file. An empty file gives a mapping of length 0. A
length may go beyond the end of the file: to touch pages beyond it before the file has grown is X::Mmap::Fault.
=item C<:of>: the type of the elements: uint8 (the default) to uint64, int8 to int64, num32 or num64.
=item C<:!survive>: an access through C<address> to a page that the file has lost ends the program by SIGBUS, as usual.
=item C<:prot>, C<:flags>: the platform's own numbers in place of the above, for who needs them (see
L<Mmap::Wrap::Constants>). With C<:anon>, MAP_ANONYMOUS is added.

A path may hold any bytes but NUL (X::IO::Null); a relative one starts from C<$*CWD>. No descriptor stays open. What an
IO::Handle has buffered is written out first, and it may be closed afterwards.

Throws X::Mmap::System (no such file, no permission, a directory, a device that cannot be mapped, out of address space …),
X::Mmap::OutOfRange (an offset beyond the file's end), X::Mmap::Argument (unknown bits in C<:prot> or C<:flags>, neither
shared nor private, length 0, a handle that is closed).

=begin code :lang<raku>
use Mmap::Wrap;
my $words  = mmap 'words.txt';
my $header = mmap 'data.bin', :rw, :length(16), :of(uint32);
my $draft  = mmap 'data.bin'.IO, :private, :offset(5);
my $memory = mmap :anon, :length(2 ** 20);
my $file   = open 'data.bin', :bin;
my $open   = mmap $file;
$file.close;
say $open[0];
=end code

=head1 SEE ALSO

L<Mmap::Wrap::Exceptions>, L<Mmap::Wrap::Constants>, L<Mmap::Wrap::Raw>, L<Mmap::Native>

=end pod

#| Maps a file or memory; see above.
proto mmap(|) is export(:MANDATORY) { * }

multi mmap(
    $source = Nil, Bool :$anon, Bool :$rw, Bool :$private, :$offset = 0, :$length = *, Mu :$of = uint8,
    Bool :$survive = !$anon, :$prot, :$flags
    --> Mapping:D
) {
    Mmap::Wrap::Element.of($of);   # before anything is mapped
    my $writable = $rw || $private || $anon;
    my $prot-bits = whole 'mmap', 'prot', $prot // PROT_READ() +| ($writable ?? PROT_WRITE() !! 0);
    my $flag-bits = whole 'mmap', 'flags', $flags // ($private ?? MAP_PRIVATE() !! MAP_SHARED());
    my $from = whole 'mmap', 'offset', $offset;
    my $size = size-or-rest 'mmap', 'length', $length;

    sub by-descriptor($descriptor, $flag-bits) { mmap_wrap(Pointer, $size, $prot-bits, $flag-bits, $descriptor, $from) }
    my $path;
    my $handle = do given $source {
        when $anon && !.defined { by-descriptor(-1, $flag-bits +| MAP_ANONYMOUS()) }
        when $anon              { misused 'mmap', ":anon is for memory without a file, and {.raku} was given" }
        when IO::Handle:D       { $path = .path; by-descriptor(descriptor-of($_), $flag-bits) }
        when Str:D | IO::Path:D {
            misused 'mmap', 'the path is empty' if $_ eq '';
            $path = .IO;
            mmap_path_wrap(native-path($path), $size, $prot-bits, $flag-bits, $from)
        }
        default { misused 'mmap', "{.raku} cannot be mapped: give a path, an IO::Handle, or :anon for memory without a file" }
    }
    # Refused where SIGBUS is somebody else's: the mapping then works, and its address is on its own.
    mmap_wrap_survive($handle, 1) if $survive && $handle > 0;
    Mapping.new(:handle(answered($handle, :$path)), :$of, :$path)
}
multi mmap(|arguments) {
    misused 'mmap', "{arguments.raku} is not understood: give a path, an IO::Handle or :anon, then :rw, :private, :offset,"
        ~ ' :length, :of, :survive, :prot or :flags'
}

my sub descriptor-of(IO::Handle:D $file --> Int:D) {
    misused 'mmap', "the handle of {$file.path // 'a file'} is closed; open it first" unless $file.opened;
    $file.flush;
    $file.native-descriptor
}

# utf8-c8 gives back the very bytes of a name that is no UTF-8.
my sub native-path(IO::Path:D $path --> Blob:D) { $path.absolute.encode('utf8-c8') ~ buf8.new(0) }
