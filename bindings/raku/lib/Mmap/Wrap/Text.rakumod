=begin pod

=head1 NAME

Mmap::Wrap::Text - methods that decode text and iterate over lines

=head1 DESCRIPTION

Methods of L<Mmap::Wrap::Mapping>. Offsets and sizes are in bytes, also for text.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Exceptions;

unit role Mmap::Wrap::Text;

=begin pod

=head3 method decode

    method decode($encoding = 'utf8', $offset = 0, $size = * --> Str:D)
    method decode($offset = 0, $size = *, :$enc! --> Str:D)

Decodes bytes to a Str. Bytes that are not valid in the encoding are X::Mmap::Encoding.

Like a Blob, a mapping cannot be used as a Str: C<print>, C<"$mapping">, C<~>, C<eq>, C<.Str> and C<.chars> throw X::Mmap::AsStr. C<say>
and C<.gist> describe the mapping.

=begin code :lang<raku>
use Mmap::Wrap;
my $words = mmap 'words.txt';
say $words.decode('utf8', 0, 3);                     # one
say $words.decode(0, 3, :enc<latin-1>);              # one
say (try "$words") // $!.^name;                      # X::Mmap::AsStr
=end code

=head3 method Stringy, method chars, method codes

    method Str()

Throw X::Mmap::AsStr; see C<decode>.

=begin code :lang<raku>
use Mmap::Wrap;
my $words = mmap 'words.txt';
say (try $words.chars) // $!.message;                # .chars: a mapping is bytes, not text …
say $words.decode.chars;
=end code

=head3 method lines

    method lines($offset = 0, $size = *, :$enc = 'utf8', :$chomp = True --> Seq:D)
    method lines($encoding, $offset = 0, $size = *, :$chomp = True --> Seq:D)

A lazy Seq of the lines, the same as C<IO::Path.lines> returns for the file: a line ends with "\n" or "\r\n", which C<:!chomp> keeps. A
"\n" that a combining mark follows is one character with it, and does not end a line.

C<lines> decodes a few lines at a time, so its memory use does not depend on the size of the file. A line contains the bytes that the
mapping had when the line was decoded. Bytes that are not valid in the encoding are X::Mmap::Encoding; some of the lines just before them
may be missing.

=begin code :lang<raku>
use Mmap::Wrap;
my $log = mmap 'words.txt';
.say for $log.lines.grep(/three/);
=end code

=end pod

proto method decode(|) { * }
multi method decode(Mu $offset = 0, Mu $size = *, Mu :$enc! --> Str:D) { self.decode($enc, $offset, $size) }
multi method decode(Mu $encoding = 'utf8', Mu $offset = 0, Mu $size = * --> Str:D) {
    self.decode-range('.decode', $encoding, $offset, $size)
}

method decode-range($call, Mu $encoding, Mu $offset, Mu $size --> Str:D) is implementation-detail {
    encoding-named $call, $encoding;
    my $bytes := self.copy-out($call, $offset, $size);
    CATCH { when X::AdHoc { not-valid $call, $encoding, .message, self.path } }
    $bytes.decode($encoding)
}

proto encoding-named($call, Mu $) { * }
multi encoding-named($call, Str:D $name) {
    CATCH { when X::Encoding::Unknown { bad-argument $call, "there is no encoding {described $name}" } }
    Encoding::Registry.find($name)
}
multi encoding-named($call, Mu $name) { bad-argument $call, "the encoding must be a Str, not {described $name}" }

# As with a Blob that is used as text.
multi method Str(::?CLASS:D:) { not-text 'Str', self }
multi method Stringy(::?CLASS:D:) { not-text 'Stringy', self }
method chars { not-text 'chars', self }
method codes { not-text 'codes', self }

sub not-text($method, $object) {
    X::Mmap::AsStr.new(:code(E_ARGUMENT), :name<MMAP_WRAP_E_ARGUMENT>, :$method, :$object, :path($object.path), :message(
        ".$method: a mapping is bytes, not text; .decode returns their text, .Blob a copy of them, .gist a description")).throw
}

sub not-valid($call, $encoding, $reason, $path) {
    X::Mmap::Encoding.new(:code(E_ARGUMENT), :name<MMAP_WRAP_E_ARGUMENT>, :$path,
        :message("$call: the bytes are not valid $encoding: $reason")).throw
}

#| Bytes decoded at a time. The lines of a chunk become garbage at the same time: of larger chunks, some would live long enough for the
#| garbage collector to move them to the old generation.
my constant CHUNK = 16384;

#| Uses Raku's own decoder, as IO::Handle.lines does, so that the lines are the same. The decoder keeps an incomplete line, character or
#| "\r\n" at the end of a chunk until the next chunk.
my class Lines does Iterator {
    # Takes all lines of a chunk at once: a CATCH per line would take longer than decoding it, and so would consume-line-chars.
    use nqp;

    has $!mapping;
    has $!decoder;
    has $!encoding;
    has int $!chomp;
    has int $!at;
    has int $!end;
    # For UTF-16: how far before the end of a chunk the high byte of its last unit is, which shows a surrogate; otherwise 0.
    has int $!high-byte;
    has $!buffer;
    has int $!chunk;
    has $!lines;
    # The error after the last of the lines.
    has $!error;

    submethod BUILD(:$mapping, :$decoder, :$encoding, Bool :$chomp, :$!at, :$!end, :$!high-byte) {
        $!mapping := $mapping;
        $!decoder := nqp::decont($decoder);
        $!encoding := $encoding;
        $!chomp = +$chomp;
        $!buffer := buf8.new;
        $!chunk = CHUNK;
        $!lines := nqp::list();
    }

    method pull-one { nqp::elems($!lines) ?? nqp::shift($!lines) !! self!after-next-chunk }

    # A loop instead of a recursive pull-one: the optimizer of MoarVM 2022.12 overflows its stack on methods that call each other.
    method !after-next-chunk {
        until nqp::elems($!lines) {
            not-valid '.lines', $!encoding, $!error, $!mapping.path if $!error;
            return self!last-line if $!at == $!end;
            self!decode-next-chunk;
            self!take-lines;
            # For each chunk the decoder searches an incomplete line again from its start.
            $!chunk = nqp::elems($!lines) ?? CHUNK !! 2 * $!chunk;
        }
        nqp::shift($!lines)
    }

    method !take-lines {
        CATCH { default { $!error := .message } }
        my $lines := $!lines;
        my $decoder := $!decoder;
        my int $chomp = $!chomp;
        my str $line = nqp::decodertakeline($decoder, $chomp, 0);
        until nqp::isnull_s($line) {
            nqp::push($lines, nqp::box_s($line, Str));
            $line = nqp::decodertakeline($decoder, $chomp, 0);
        }
    }

    method !last-line {
        CATCH { default { not-valid '.lines', $!encoding, .message, $!mapping.path } }
        my str $line = nqp::decodertakeline($!decoder, $!chomp, 1);
        nqp::isnull_s($line) || $line eq '' ?? IterationEnd !! $line
    }

    method !decode-next-chunk {
        my int $size = $!end - $!at min $!chunk;
        $!buffer := buf8.allocate($size) if $size != nqp::elems($!buffer);
        checked '.lines', mmap_wrap_read($!mapping.handle, $!at, $!buffer, $size), $!mapping;
        if $!high-byte && $!at + $size < $!end && $!buffer[$size - $!high-byte] +& 0xFC == 0xD8 {
            # The decoder cannot stop between the halves of a surrogate pair.
            $size = $size - 2;
            $!decoder.add-bytes($!buffer.subbuf(0, $size));
        }
        else { $!decoder.add-bytes($!buffer) }
        $!at = $!at + $size;
    }
}

proto method lines(|) { * }
multi method lines(Str:D $encoding, Mu $offset = 0, Mu $size = *, Bool :$chomp = True, *%more --> Seq:D) {
    bad-argument '.lines', 'the encoding is given twice, as an argument and as :enc' if %more<enc>:exists;
    self.lines($offset, $size, :enc($encoding), :$chomp)
}
multi method lines(Mu $offset = 0, Mu $size = *, Mu :$enc = 'utf8', Bool :$chomp = True --> Seq:D) {
    my $encoding := encoding-named '.lines', $enc;
    my ($at, $rest) = range '.lines', $offset, $size;
    my $end = $at + checked '.lines', mmap_wrap_check(self.handle, $at, $rest), self;
    my $decoder := $encoding.decoder(:translate-nl);
    # An encoding that the program registered may have a decoder without the methods used above.
    return self.decode-range('.lines', $enc, $at, $end - $at).lines(:$chomp) unless $decoder ~~ Encoding::Decoder::Builtin;
    $decoder.set-line-separators(["\n", "\r\n"]);
    my $high-byte = $encoding.name.starts-with('utf16')
        ?? high-byte($encoding.name, self.copy-out('.lines', $at, 2 min $end - $at)) !! 0;
    Seq.new: Lines.new: :mapping(self), :$decoder, :encoding($enc), :$chomp, :$at, :$end, :$high-byte
}

# The position of the high byte of a unit, counted from the unit's end. For C<utf16>, a byte order mark decides.
sub high-byte($name, Blob:D $start --> Int:D) {
    my $little = $name eq 'utf16le'
        || $name eq 'utf16' && ($start eqv blob8.new(0xFF, 0xFE)
            || $start !eqv blob8.new(0xFE, 0xFF) && $*KERNEL.endian == LittleEndian);
    $little ?? 1 !! 2
}
