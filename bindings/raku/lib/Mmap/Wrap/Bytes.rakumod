=begin pod

=head1 NAME

Mmap::Wrap::Bytes - the methods of a mapping that read and write bytes

=head1 DESCRIPTION

Offsets and sizes are in bytes; a size of C<*> means "to the end". All of a range or none of it: one that leaves the mapping
is X::Mmap::OutOfRange, and nothing is touched. Memory that refuses is X::Mmap::Fault, whose C<.done> says how many bytes
were done. Threads and processes that change the same bytes at the same time see each other's changes in no set order.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Element;

unit role Mmap::Wrap::Bytes;

=begin pod

=head3 method read

    method read($offset = 0, $size = *, :$type = blob8 --> Blob:D)

A copy of C<$size> bytes from C<$offset> on, in a Blob or Buf of that type; the size is a multiple of its elements'.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
say $data.read(0, 4), $data.read(250).decode('latin-1').chars;
say $data.read(0, 8, :type(buf32))[1];
=end code

=head3 method read-into

    method read-into(Buf:D $buffer, $offset = 0, $size = * --> Int:D)

The same into a Buf that is there, from its beginning on: C<$size> bytes, or with C<*> as many as it has room for and the mapping
has left. Answers how many. Its length stays, and what is behind them; X::Mmap::OutOfRange where it has not so much room. To be
had where many pieces are read, one after another: a new Blob of a MiB takes far longer to make than to fill.

=begin code :lang<raku>
use Mmap::Wrap;
my $data   = mmap 'data.bin';
my $buffer = buf8.allocate(100);
my $at     = 0;
while $data.read-into($buffer, $at) -> $count {
    say "$count bytes from $at on, the first is $buffer[0]";
    $at += $count;
}
=end code

=head3 method write

    method write($offset, Blob:D $bytes --> Int:D)

Copies all of the Blob over the bytes from C<$offset> on. Answers how many they are. A Blob of wider elements counts in
bytes.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
$memory.write(10, 'magic'.encode);
$memory.write(20, Blob[uint32].new(1, 2, 3));
=end code

=head3 method fill, method move

    method fill($byte, $offset = 0, $size = * --> Int:D)
    method move($to, $from, $size = * --> Int:D)

C<fill> sets bytes to a value of 0 to 255; C<move> copies them within the mapping, where the two may overlap. Both answer how
many bytes were set.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
$memory.fill('a'.ord, 0, 3);
$memory.move(1, 0, 3);
say $memory.read(0, 5);                              # Blob[uint8]:0x<61 61 61 61 00>
=end code

=head3 method copy, method compare

    method copy($source, $to = 0, $from = 0, $size = * --> Int:D)
    method compare($other, $offset = 0, $other-offset = 0, $size = * --> Int:D)

With another mapping: C<copy> copies C<$size> bytes (C<*>: to the end of C<$source>) from its byte C<$from> on to byte C<$to> of
this one, and answers how many. C<compare> answers how many bytes from the offsets on are equal: C<$size> (C<*>: to the end of
this mapping) where all are.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
my $copy = mmap :anon, :length($data.bytes);
$copy.copy($data);
say $copy.compare($data) == $copy.bytes;             # True
=end code

=head3 method get, method put

    method get($type, $offset, $endian = NativeEndian)
    method put($type, $offset, $value, $endian = NativeEndian --> Nil)

One number of a native type at any byte, aligned or not.

=begin code :lang<raku>
use Mmap::Wrap;
my $packet = mmap :anon, :length(64);
$packet.put(uint16, 3, 8080, BigEndian);
say $packet.get(uint16, 3, BigEndian), ' ', $packet[3];    # 8080 31
=end code

=head3 method read-uint8, method read-uint16, method read-uint32, method read-uint64, method read-uint128, method read-int8, method read-int16, method read-int32, method read-int64, method read-int128, method read-num32, method read-num64, method read-ubits, method read-bits

=head3 method write-uint8, method write-uint16, method write-uint32, method write-uint64, method write-uint128, method write-int8, method write-int16, method write-int32, method write-int64, method write-int128, method write-num32, method write-num64, method write-ubits, method write-bits

    method read-uint16($offset, $endian = NativeEndian)
    method write-uint16($offset, $value, $endian = NativeEndian --> Nil)
    method read-ubits($bit, $bits --> Int:D)
    method write-ubits($bit, $bits, $value --> Nil)

A Blob's methods of these names, and a Buf's: numbers of that type at any byte, or of so many bits from any bit on. Unlike there, what leaves
the mapping, and a value that does not fit, is X::Mmap::OutOfRange. Bits that share a byte are read and written back with it.

=begin code :lang<raku>
use Mmap::Wrap;
my $packet = mmap :anon, :length(64);
$packet.write-uint16(3, 8080, BigEndian);
say $packet.read-uint16(3, BigEndian), ' ', $packet.read-ubits(24, 4);    # 8080 1
=end code

=head3 method write-to

    method write-to($out, $offset = 0, $size = * --> Int:D)

Writes C<$size> bytes from C<$offset> on to an IO::Handle, the C<.in> of a Proc, an IO::Socket or a Proc::Async, a MiB at a time.
Returns how many. Their own C<write> takes a Blob and nothing else, which no mapping can be, since a Blob owns its memory:
C<$handle.write($mapping)> is an X::TypeCheck, C<$handle.write($mapping.Blob)> writes a copy of all.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
my $copy = open 'copy.bin', :w, :bin;
say $data.write-to($copy) == $data.bytes;            # True
$copy.close;
=end code

=head3 method Blob, method subbuf

    method Blob(--> blob8:D)
    method subbuf($from = 0, $size = * --> blob8:D)
    method subbuf(Range:D $bytes --> blob8:D)

C<Blob> is a copy of all bytes, and what C<spurt>, the sub, writes for a mapping. C<subbuf> is C<read> with the arguments of C<Blob.subbuf>; unlike there, a range that leaves the
mapping is X::Mmap::OutOfRange.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
spurt 'copy.bin', $data;                             # as of a Blob
say $data.subbuf(*-3), $data.subbuf(2 .. 4), $data.subbuf(2 .. *).elems;
=end code

=end pod

method read(Mu $offset = 0, Mu $size = *, Mu :$type = blob8 --> Blob:D) {
    my int $handle = self.handle;
    my int $from = whole 'mmap_wrap_read', 'offset', $offset;
    my int $wanted = size-or-rest 'mmap_wrap_read', $size;
    # No room is made for more than there is; whether all of it lies inside is for the library to say.
    $wanted = answered mmap_wrap_check($handle, $from, $wanted), :path(self.path)
        unless 0 <= $wanted <= mmap_wrap_length($handle);
    my $bytes := room($type, $wanted);
    my int $done = mmap_wrap_read($handle, $from, $bytes, $wanted);
    answered $done, :path(self.path) if $done < 0;
    $bytes
}

method read-into(Mu $buffer, Mu $offset = 0, Mu $size = * --> Int:D) {
    misused 'mmap_wrap_read', "the buffer is {shown $buffer}, no Buf" unless Buf.ACCEPTS($buffer) && $buffer.defined;
    my int $handle = self.handle;
    my int $from = whole 'mmap_wrap_read', 'offset', $offset;
    my int $room = $buffer.bytes;
    my int $wanted = size-or-rest 'mmap_wrap_read', $size;
    $wanted = $room min answered mmap_wrap_check($handle, $from, $wanted), :path(self.path) if $wanted == REST;
    out-of-range 'mmap_wrap_read', "size $wanted does not fit the buffer of $room bytes" if $wanted > $room;
    answered mmap_wrap_read($handle, $from, $buffer, $wanted), :path(self.path)
}

# A Blob for that many bytes.
sub room(Mu $type, Int:D $size --> Blob:D) {
    return blob8.allocate($size) if $type<> =:= blob8;
    misused 'mmap_wrap_read', "the type is {shown $type}, neither a Blob nor a Buf" unless Blob.ACCEPTS($type);
    my $one = $type.allocate(1).bytes;
    misused 'mmap_wrap_read', "size $size is no multiple of $one, the size of an element of {$type.^name}" unless $size %% $one;
    $type.allocate($size div $one)
}

proto method write(|) { * }
multi method write(Mu $offset, Blob:D $bytes --> Int:D) {
    answered mmap_wrap_write(self.handle, whole('mmap_wrap_write', 'offset', $offset), $bytes, $bytes.bytes), :path(self.path)
}
multi method write(Mu $) { misused 'mmap_wrap_write', 'an offset and a Blob are written, in this order; one is missing' }
multi method write(Mu $offset, Mu $bytes) { misused 'mmap_wrap_write', "the bytes are {shown $bytes}, no Blob; encode text first" }

method fill(Mu $byte, Mu $offset = 0, Mu $size = * --> Int:D) {
    answered mmap_wrap_fill(self.handle, whole('mmap_wrap_fill', 'offset', $offset),
        whole('mmap_wrap_fill', 'the byte', $byte), size-or-rest('mmap_wrap_fill', $size)), :path(self.path)
}

method move(Mu $to, Mu $from, Mu $size = * --> Int:D) {
    answered mmap_wrap_move(self.handle, whole('mmap_wrap_move', 'offset', $to), |range('mmap_wrap_move', $from, $size)),
        :path(self.path)
}

method copy(Mu $source, Mu $to = 0, Mu $from = 0, Mu $size = * --> Int:D) {
    answered mmap_wrap_copy(self.handle, whole('mmap_wrap_copy', 'offset', $to), handle-of('mmap_wrap_copy', $source),
        |range('mmap_wrap_copy', $from, $size)), :path(self.path)
}

method compare(Mu $other, Mu $offset = 0, Mu $other-offset = 0, Mu $size = * --> Int:D) {
    answered mmap_wrap_compare(self.handle, whole('mmap_wrap_compare', 'offset', $offset), handle-of('mmap_wrap_compare', $other),
        |range('mmap_wrap_compare', $other-offset, $size)), :path(self.path)
}

sub handle-of($call, Mu $mapping --> Int:D) {
    Mmap::Wrap::Bytes.ACCEPTS($mapping) && $mapping.defined ?? $mapping.handle !! misused $call, "{shown $mapping} is no mapping"
}

method get(Mu $type, Mu $offset, Mu $endian = NativeEndian) {
    Mmap::Wrap::Element.of($type, $endian).get(self.handle, whole('mmap_wrap_get', 'offset', $offset), :path(self.path))
}

method put(Mu $type, Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    Mmap::Wrap::Element.of($type, $endian).put(self.handle, whole('mmap_wrap_put', 'offset', $offset), $value, :path(self.path))
}

method read-uint8(Mu $offset, Mu $endian = NativeEndian) { self.get(uint8, $offset, $endian) }
method read-uint16(Mu $offset, Mu $endian = NativeEndian) { self.get(uint16, $offset, $endian) }
method read-uint32(Mu $offset, Mu $endian = NativeEndian) { self.get(uint32, $offset, $endian) }
method read-uint64(Mu $offset, Mu $endian = NativeEndian) { self.get(uint64, $offset, $endian) }
method read-int8(Mu $offset, Mu $endian = NativeEndian) { self.get(int8, $offset, $endian) }
method read-int16(Mu $offset, Mu $endian = NativeEndian) { self.get(int16, $offset, $endian) }
method read-int32(Mu $offset, Mu $endian = NativeEndian) { self.get(int32, $offset, $endian) }
method read-int64(Mu $offset, Mu $endian = NativeEndian) { self.get(int64, $offset, $endian) }
method read-num32(Mu $offset, Mu $endian = NativeEndian) { self.get(num32, $offset, $endian) }
method read-num64(Mu $offset, Mu $endian = NativeEndian) { self.get(num64, $offset, $endian) }

method write-uint8(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(uint8, $offset, $value, $endian) }
method write-uint16(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(uint16, $offset, $value, $endian) }
method write-uint32(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(uint32, $offset, $value, $endian) }
method write-uint64(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(uint64, $offset, $value, $endian) }
method write-int8(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(int8, $offset, $value, $endian) }
method write-int16(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(int16, $offset, $value, $endian) }
method write-int32(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(int32, $offset, $value, $endian) }
method write-int64(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(int64, $offset, $value, $endian) }
method write-num32(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(num32, $offset, $value, $endian) }
method write-num64(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self.put(num64, $offset, $value, $endian) }

# Integers of 128 bits and bits have no native call; a Buf knows how they lie.
method read-uint128(Mu $offset, Mu $endian = NativeEndian) { self.read($offset, 16).read-uint128(0, order $endian) }
method read-int128(Mu $offset, Mu $endian = NativeEndian) { self.read($offset, 16).read-int128(0, order $endian) }
method write-uint128(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    my $fitting = fitting $value, 'uint128', 0, 2 ** 128 - 1;
    self.write($offset, buf8.allocate(16).write-uint128(0, $fitting, order $endian))
}
method write-int128(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    my $fitting = fitting $value, 'int128', -2 ** 127, 2 ** 127 - 1;
    self.write($offset, buf8.allocate(16).write-int128(0, $fitting, order $endian))
}

method read-ubits(Mu $bit, Mu $bits --> Int:D) { self!bits('read-ubits', $bit, $bits).read-ubits($bit % 8, $bits) }
method read-bits(Mu $bit, Mu $bits --> Int:D) { self!bits('read-bits', $bit, $bits).read-bits($bit % 8, $bits) }
method write-ubits(Mu $bit, Mu $bits, Mu $value --> Nil) {
    my $bytes := self!bits('write-ubits', $bit, $bits);
    self.write($bit div 8, $bytes.write-ubits($bit % 8, $bits, fitting $value, "$bits bits", 0, 2 ** $bits - 1))
}
method write-bits(Mu $bit, Mu $bits, Mu $value --> Nil) {
    my $bytes := self!bits('write-bits', $bit, $bits);
    self.write($bit div 8, $bytes.write-bits($bit % 8, $bits, fitting $value, "$bits bits", -2 ** ($bits - 1), 2 ** ($bits - 1) - 1))
}

# The bytes that hold the bits.
method !bits($call, Mu $bit, Mu $bits --> Buf:D) {
    whole $call, 'the first bit', $bit;
    out-of-range $call, "$bits bits are not 1 or more" unless whole($call, 'the number of bits', $bits) > 0;
    self.read($bit div 8, ($bit % 8 + $bits + 7) div 8, :type(buf8))
}

method write-to(Mu $out, Mu $offset = 0, Mu $size = * --> Int:D) {
    misused 'mmap_wrap_read', "{shown $out} is nothing to write to; give an IO::Handle, an IO::Socket or a Proc::Async"
        unless $out.defined && $out.^can('write') && !Mmap::Wrap::Bytes.ACCEPTS($out);
    my ($from, $wanted) = range 'mmap_wrap_read', $offset, $size;
    my $end = $from + answered mmap_wrap_check(self.handle, $from, $wanted), :path(self.path);
    loop (my $at = $from; $at < $end; $at += 2 ** 20) {
        my $written = $out.write(self.read($at, 2 ** 20 min $end - $at));
        await $written if Awaitable.ACCEPTS($written);
    }
    $end - $from
}

method Blob(--> Blob:D) { self.read }

proto method subbuf(|) { * }
multi method subbuf(Range:D $bytes --> Blob:D) {
    my $from = $bytes.min + $bytes.excludes-min;
    self.read($from, $bytes.max == Inf ?? * !! 0 max $bytes.max - $bytes.excludes-max - $from + 1)
}
multi method subbuf(WhateverCode:D $from, Mu $size = * --> Blob:D) { self.subbuf($from(self.bytes), $size) }
multi method subbuf(Int:D $from, WhateverCode:D $size --> Blob:D) {
    self.read($from, 0 max $size(self.bytes) - $from + 1)   # the last byte that is meant, as there
}
multi method subbuf(Mu $from = 0, Mu $size = * --> Blob:D) { self.read($from, $size) }
