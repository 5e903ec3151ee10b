=begin pod

=head1 NAME

Mmap::Wrap::Text - the methods of a mapping that search, decode, and go through lines

=head1 DESCRIPTION

Offsets are in bytes, also those of text. A needle is a Blob, or a Str, which is searched for in UTF-8. Searches run in the
native library, at its speed.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Exceptions;

unit role Mmap::Wrap::Text;

=begin pod

=head3 method index, method rindex, method contains

    method index($needle, $start = 0, $end = *)
    method rindex($needle, $start = 0, $end = *)
    method contains($needle, $start = 0, $end = * --> Bool:D)

The offset of the first needle, or of the last one, that lies whole within C<$start> up to, not including, C<$end>; C<Nil>
where there is none. An empty needle is found at C<$start>, or by C<rindex> at C<$end>. X::Mmap::OutOfRange where C<$end> lies
before C<$start>.

=begin code :lang<raku>
use Mmap::Wrap;
my $words = mmap 'words.txt';
my $first = $words.index("\n");
say $words.index("\n", $first + 1) // 'one line only';
say $words.rindex("\n", 0, $first) // 'nothing before';
=end code

=head3 method indices

    method indices($needle, $start = 0, $end = *, :$overlap --> Seq:D)

The offsets of all needles, found as they are asked for; those that overlap one before only with C<:overlap>.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('words.txt').indices('o').head(2);          # (0 6)
=end code

=head3 method count

    method count($needle, $start = 0, $end = * --> Int:D)

How many needles there are, none overlapping another.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('words.txt').count("\n"), ' lines';
=end code

=head3 method decode

    method decode($encoding = 'utf8', $offset = 0, $size = * --> Str:D)
    method decode($offset = 0, $size = *, :$enc! --> Str:D)

Bytes as text. X::Mmap::Encoding where they are none in that encoding. A mapping itself is no text, as a Blob is none: using it as
one, by C<print>, C<"$mapping">, C<~>, C<eq>, C<.Str> or C<.chars>, is X::Mmap::AsStr. (C<say> and C<.gist> describe it.)

=begin code :lang<raku>
use Mmap::Wrap;
my $words = mmap 'words.txt';
say $words.decode('utf8', 0, 3);                     # one
say $words.decode(0, 3, :enc<latin-1>);              # one
say (try "$words") // $!.^name;                      # X::Mmap::AsStr
=end code

=head3 method Stringy, method chars, method codes

    method Str()

X::Mmap::AsStr, as described at C<decode>.

=begin code :lang<raku>
use Mmap::Wrap;
my $words = mmap 'words.txt';
say (try $words.chars) // $!.message;                # chars: a mapping is bytes, not text …
say $words.decode.chars;
=end code

=head3 method lines

    method lines($offset = 0, $size = *, :$enc = 'utf8', :$chomp = True --> Seq:D)
    method lines($encoding, $offset = 0, $size = *, :$chomp = True --> Seq:D)

The lines, one after the other, as C<IO::Path.lines> gives those of a file: ended by "\n" or "\r\n", which C<:!chomp> keeps.
It is lazy and takes the memory of a few lines, however large the file. The lines are those of the moment when they are
reached. X::Mmap::Encoding where bytes are no text in that encoding, once the lines before are out, or some of them. As there, a
"\n" with a combining mark behind it is one character, and ends no line.

=begin code :lang<raku>
use Mmap::Wrap;
my $log = mmap 'words.txt';
.say for $log.lines.grep(/three/);
=end code

=end pod

method index(Mu $needle, Mu $start = 0, Mu $end = *) {
    self!found: self!search(&mmap_wrap_find, 'mmap_wrap_find', $needle, $start, $end)
}
method rindex(Mu $needle, Mu $start = 0, Mu $end = *) {
    self!found: self!search(&mmap_wrap_rfind, 'mmap_wrap_rfind', $needle, $start, $end)
}
method contains(Mu $needle, Mu $start = 0, Mu $end = * --> Bool:D) { self.index($needle, $start, $end).defined }

method count(Mu $needle, Mu $start = 0, Mu $end = * --> Int:D) {
    answered self!search(&mmap_wrap_count, 'mmap_wrap_count', $needle, $start, $end), :path(self.path)
}

method !found(Int:D $at) { $at == E_NOT_FOUND ?? Nil !! answered $at, :path(self.path) }

method !search(&search, $call, Mu $needle, Mu $start, Mu $end) {
    my $bytes := bytes-of($call, $needle);
    search(self.handle, $bytes, $bytes.bytes, whole($call, 'start', $start), size-or-rest($call, $end, 'end'))
}

proto bytes-of($call, Mu $) { * }
multi bytes-of($call, Blob:D $needle) { $needle }
multi bytes-of($call, Str:D $needle) { $needle.encode }
multi bytes-of($call, Mu $needle) { misused $call, "the needle is {shown $needle}, neither a Blob nor a Str" }

my class Indices does Iterator {
    has $.mapping;
    has $.needle;
    has $.start;
    has $.end;
    has $.step;

    method pull-one {
        my $at = $!start > $!end ?? Nil !! $!mapping.index($!needle, $!start, $!end);
        return IterationEnd without $at;
        $!start = $at + $!step;
        $at
    }
}

method indices(Mu $needle, Mu $start = 0, Mu $end = *, Bool :$overlap --> Seq:D) {
    my $bytes := bytes-of('mmap_wrap_find', $needle);
    # The end is that of now: a mapping that grows meanwhile is searched as far as it went.
    my $until = $end ~~ Whatever:D ?? self.bytes !! whole 'mmap_wrap_find', 'end', $end;
    self.index($bytes, $start, $until);   # what is wrong is said now, not when the first is asked for
    Seq.new: Indices.new: :mapping(self), :needle($bytes), :$start, :end($until), :step($overlap ?? 1 !! $bytes.bytes max 1)
}

proto method decode(|) { * }
multi method decode(Mu $offset = 0, Mu $size = *, Mu :$enc! --> Str:D) { self.decode($enc, $offset, $size) }
multi method decode(Mu $encoding = 'utf8', Mu $offset = 0, Mu $size = * --> Str:D) {
    encoding-of 'decode', $encoding;
    my $bytes := self.read($offset, $size);
    CATCH { when X::AdHoc { no-text 'decode', $encoding, .message, self.path } }
    $bytes.decode($encoding)
}

proto encoding-of($call, Mu $) { * }
multi encoding-of($call, Str:D $name) {
    CATCH { when X::Encoding::Unknown { misused $call, "no encoding is named {shown $name}" } }
    Encoding::Registry.find($name)
}
multi encoding-of($call, Mu $name) { misused $call, "the encoding is {shown $name}, no Str" }

# What a Blob does, too, when it is used as text.
multi method Str(::?CLASS:D:) { as-text 'Str', self }
multi method Stringy(::?CLASS:D:) { as-text 'Stringy', self }
method chars { as-text 'chars', self }
method codes { as-text 'codes', self }

sub as-text($method, $object) {
    X::Mmap::AsStr.new(:code(E_ARGUMENT), :name<MMAP_WRAP_E_ARGUMENT>, :$method, :$object, :path($object.path), :message(
        "$method: a mapping is bytes, not text: .decode makes text of them, .Blob a copy of them, and .gist describes the mapping")).throw
}

sub no-text($call, $encoding, $why, $path) {
    X::Mmap::Encoding.new(:code(E_ARGUMENT), :name<MMAP_WRAP_E_ARGUMENT>, :$path,
        :message("$call: the bytes are no $encoding: $why")).throw
}

#| How many bytes are decoded at a time. Their lines are garbage at once: of larger pieces, some live long enough to be kept for long.
my constant PIECE = 16384;

#| Raku's own decoder, the one of IO::Handle.lines, so that lines are what they are there: it keeps what a piece ends with,
#| be it half a character or the \r of a \r\n, until the next one comes.
my class Lines does Iterator {
    # All lines of a piece are taken at once: what catches the decoder's errors would take longer for each line than the decoding,
    # as would Raku's own word for it, consume-line-chars.
    use nqp;

    has $!mapping;
    has $!decoder;
    has $!enc;
    has int $!chomp;
    has int $!at;
    has int $!end;
    # Of UTF-16: how far before a piece's end its last unit has the byte that tells a surrogate; else 0.
    has int $!high;
    has $!buffer;
    has int $!piece;
    has $!lines;
    # What ends the lines, once those before it are out.
    has $!failure;

    submethod BUILD(:$mapping, :$decoder, :$enc, Bool :$chomp, :$!at, :$!end, :$!high) {
        $!mapping := $mapping;
        $!decoder := nqp::decont($decoder);
        $!enc := $enc;
        $!chomp = +$chomp;
        $!buffer := buf8.new;
        $!piece = PIECE;
        $!lines := nqp::list();
    }

    method pull-one { nqp::elems($!lines) ?? nqp::shift($!lines) !! self!after-next-piece }

    # Not by pull-one again: MoarVM 2022.12 optimizes methods that call each other until its stack ends.
    method !after-next-piece {
        until nqp::elems($!lines) {
            no-text 'lines', $!enc, $!failure, $!mapping.path if $!failure;
            return self!rest if $!at == $!end;
            self!decode-next-piece;
            self!take-lines;
            # The decoder looks for the end of a line from its beginning, each time.
            $!piece = nqp::elems($!lines) ?? PIECE !! 2 * $!piece;
        }
        nqp::shift($!lines)
    }

    method !take-lines {
        CATCH { default { $!failure := .message } }
        my $lines := $!lines;
        my $decoder := $!decoder;
        my int $chomp = $!chomp;
        my str $line = nqp::decodertakeline($decoder, $chomp, 0);
        until nqp::isnull_s($line) {
            nqp::push($lines, nqp::box_s($line, Str));
            $line = nqp::decodertakeline($decoder, $chomp, 0);
        }
    }

    method !rest {
        CATCH { default { no-text 'lines', $!enc, .message, $!mapping.path } }
        my str $rest = nqp::decodertakeline($!decoder, $!chomp, 1);
        nqp::isnull_s($rest) || $rest eq '' ?? IterationEnd !! $rest
    }

    method !decode-next-piece {
        my int $size = $!end - $!at min $!piece;
        $!buffer := buf8.allocate($size) if $size != nqp::elems($!buffer);
        answered mmap_wrap_read($!mapping.handle, $!at, $!buffer, $size), :path($!mapping.path);
        if $!high && $!at + $size < $!end && $!buffer[$size - $!high] +& 0xFC == 0xD8 {
            # Between the halves of a surrogate pair the decoder cannot wait for the next piece.
            $size = $size - 2;
            $!decoder.add-bytes($!buffer.subbuf(0, $size));
        }
        else { $!decoder.add-bytes($!buffer) }
        $!at = $!at + $size;
    }
}

proto method lines(|) { * }
multi method lines(Str:D $encoding, Mu $offset = 0, Mu $size = *, Bool :$chomp = True, *%more --> Seq:D) {
    misused 'lines', 'the encoding is given twice' if %more<enc>:exists;
    self.lines($offset, $size, :enc($encoding), :$chomp)
}
multi method lines(Mu $offset = 0, Mu $size = *, Mu :$enc = 'utf8', Bool :$chomp = True --> Seq:D) {
    my $encoding := encoding-of 'lines', $enc;
    my ($at, $rest) = range 'mmap_wrap_read', $offset, $size;
    my $end = $at + answered mmap_wrap_check(self.handle, $at, $rest), :path(self.path);
    my $decoder := $encoding.decoder(:translate-nl);
    # An encoding that a program brought along: it need not have what is used above.
    return self.decode($enc, $at, $end - $at).lines(:$chomp) unless $decoder ~~ Encoding::Decoder::Builtin;
    $decoder.set-line-separators(["\n", "\r\n"]);
    my $high = $encoding.name.starts-with('utf16') ?? high-byte($encoding.name, self.read($at, 2 min $end - $at)) !! 0;
    Seq.new: Lines.new: :mapping(self), :$decoder, :$enc, :$chomp, :$at, :$end, :$high
}

# Which byte of a unit is the high one, counted from its end: C<utf16> goes by the mark that text may begin with.
sub high-byte($name, Blob:D $begin --> Int:D) {
    my $little = $name eq 'utf16le'
        || $name eq 'utf16' && ($begin eqv blob8.new(0xFF, 0xFE)
            || $begin !eqv blob8.new(0xFE, 0xFF) && $*KERNEL.endian == LittleEndian);
    $little ?? 1 !! 2
}
