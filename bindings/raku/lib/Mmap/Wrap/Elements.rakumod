=begin pod

=head1 NAME

Mmap::Wrap::Elements - methods for the elements of a mapping, and for numbers at any offset

=head1 DESCRIPTION

Methods of L<Mmap::Wrap::Mapping>. The type and byte order of the elements are set by C<:of> and C<:endian> of C<mmap>; see
L<Mmap::Wrap::ElementKind>. C<$mapping[$index]> is described in L<Mmap::Wrap::Mapping>.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::ElementKind;

unit role Mmap::Wrap::Elements;

=begin pod

=head2 Elements

=head3 method elems

    method elems(--> Int:D)

The number of elements. Bytes at the end that do not make a whole element are not counted; C<read> and C<write> can access them.
C<+$mapping> and C<.Int> return the same number, C<.end> the index of the last element. C<?$mapping> is False when there are no
elements, as for an Array.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(10), :of(uint32)).elems;     # 2
=end code

=head3 method of, method endian

    method of()
    method endian(--> Endian:D)

The native type of the elements, and their byte order.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(8), :of(num64)).of.^name;    # num64
say mmap('data.bin', :of(uint32), :endian(BigEndian)).endian;
=end code

=head3 method iterator

    for $mapping<> -> $element { … }
    my @alias := $mapping;
    for @alias -> $element { … }

Iterates over the values of the elements, in order. C<.map>, C<.sum>, C<.grep>, C<.hyper>, C<.race> and other methods of Raku use it. It
reads 4096 bytes at a time, so a change that the loop makes to the next elements may not be seen. To change elements in a loop, iterate
over C<cells>.

C<.list>, and so C<@$mapping>, keeps all values that were read, about 50 bytes each. Operators such as C<»+»> need that list.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
say $data.sum, ' ', $data.grep(* > 100).elems, ' ', $data.race.map(* + 1).sum;
my @bytes := $data;
say @bytes[^3].map(*.base(16));
=end code

=head3 method cells

    method cells(--> Positional:D)

The elements as containers that read the memory at each use and write it at each assignment, also during iteration. Slower than
the elements of the mapping itself.

=begin code :lang<raku>
use Mmap::Wrap;
my $counters = mmap :anon, :length(4096), :of(uint32);
my @cells := $counters.cells;
@cells[0]++;
@cells[1 .. 3] = 10, 20, 30;
.++ for @cells;
say $counters[^4];                                   # (2 11 21 31)
=end code

=head3 method STORE

    @alias = @values

Stores the values, starting with the first element; elements after the last value do not change. More values than elements, or a value
that does not fit, are X::Mmap::OutOfRange, a lazy list is X::Mmap::Argument; then no value is stored.

=begin code :lang<raku>
use Mmap::Wrap;
my @numbers := mmap :anon, :length(4096), :of(num64);
@numbers = 1.5, 2, 1/3;
say @numbers[^4];                                    # (1.5 2 0.3333333333333333 0)
=end code

=end pod

method elems(--> Int:D) { checked('.elems', mmap_wrap_length(self.handle), self) div self.element-kind.width }
method end(--> Int:D) { self.elems - 1 }
method Numeric(--> Int:D) { self.elems }
method Int(--> Int:D) { self.elems }
multi method Bool(::?CLASS:D: --> Bool:D) { self.elems > 0 }
# The method `of` is in the class, because Positional has one, too.
method endian { self.element-kind.endian }

my class Values does Iterator {
    has $!mapping;
    has $!kind;
    has int $!left;
    has int $!from;
    has $!chunk;
    has int $!at;
    has int $!end;

    submethod BUILD(:$mapping, :$kind, :$!left) {
        $!mapping := $mapping;
        $!kind := $kind;
    }

    method pull-one is raw {
        my int $at = $!at;
        return self!next-chunk if $at == $!end;
        $!at = $at + 1;
        $!chunk.AT-POS($at)
    }

    method !next-chunk {
        my $width = $!kind.width;
        my $count = $!left min 4096 div $width;
        return IterationEnd unless $count;
        $!chunk := $!kind.copy('.iterator', $!mapping, $!from, $count);
        $!from = $!from + $count * $width;
        $!left = $!left - $count;
        $!end = $count;
        $!at = 1;
        $!chunk.AT-POS(0)
    }
}

method iterator { Values.new(:mapping(self), :kind(self.element-kind), :left(self.elems)) }
method list { List.from-iterator(self.iterator) }
method Capture { self.list.Capture }   # for a signature that destructures

my class Cells does Positional does Iterable {
    has $.mapping handles <elems end EXISTS-POS of Numeric Int chars codes Blob write-to decode>;
    method AT-POS(Mu $index) is raw {
        my \mapping = $!mapping;
        Proxy.new: FETCH => -> $ { mapping.AT-POS($index) }, STORE => -> $, Mu $value { mapping.ASSIGN-POS($index, $value) }
    }
    method ASSIGN-POS(Mu $index, Mu $value) { $!mapping.ASSIGN-POS($index, $value) }
    method iterator { (^self.elems).map({ self.AT-POS($_) }).iterator }
    method list { List.from-iterator(self.iterator) }
    method STORE(Mu \values) { $!mapping.STORE(values); self }
    multi method Bool(::?CLASS:D: --> Bool:D) { so $!mapping }
    multi method Str(::?CLASS:D:) { $!mapping.Str }
    multi method Stringy(::?CLASS:D:) { $!mapping.Stringy }
    multi method gist(::?CLASS:D: --> Str:D) { "$!mapping.gist().cells" }
    multi method raku(::?CLASS:D: --> Str:D) { "$!mapping.raku().cells" }
}

method cells(--> Positional:D) { Cells.new(:mapping(self)) }

method STORE(Mu \values) {
    my \list = values.list;
    bad-argument '.STORE', 'a lazy list cannot be stored, because its length is not known; use .head' if list.is-lazy;
    out-of-range '.STORE', "{list.elems} values do not fit {self.elems} elements" if list.elems > self.elems;
    self.copy-in('.STORE', 0, self.element-kind.to-bytes('.STORE', list));
    self
}

=begin pod

=head2 Numbers at any offset

=head3 method get, method put

    method get($type, $offset, $endian = NativeEndian)
    method put($type, $offset, $value, $endian = NativeEndian --> Nil)

Reads or writes a number of a native type. The offset is in bytes and need not be aligned.

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

The methods of Blob and Buf with these names: numbers at any byte offset, and integers of any number of bits at any bit offset. Unlike
those, they throw X::Mmap::OutOfRange for an offset beyond the mapping and for a value that does not fit. Writing bits reads the bytes
that contain them and writes these bytes back.

=begin code :lang<raku>
use Mmap::Wrap;
my $packet = mmap :anon, :length(64);
$packet.write-uint16(3, 8080, BigEndian);
say $packet.read-uint16(3, BigEndian), ' ', $packet.read-ubits(24, 4);    # 8080 1
=end code

=end pod

method get(Mu $type, Mu $offset, Mu $endian = NativeEndian) { self!get('.get', $type, $offset, $endian) }
method put(Mu $type, Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) { self!put('.put', $type, $offset, $value, $endian) }

method !get($call, Mu $type, Mu $offset, Mu $endian) {
    Mmap::Wrap::ElementKind.of($call, $type, $endian).get($call, self, integer($call, 'offset', $offset))
}
method !put($call, Mu $type, Mu $offset, Mu $value, Mu $endian --> Nil) {
    Mmap::Wrap::ElementKind.of($call, $type, $endian).put($call, self, integer($call, 'offset', $offset), $value)
}

method read-uint8(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-uint8', uint8, $offset, $endian) }
method read-uint16(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-uint16', uint16, $offset, $endian) }
method read-uint32(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-uint32', uint32, $offset, $endian) }
method read-uint64(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-uint64', uint64, $offset, $endian) }
method read-int8(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-int8', int8, $offset, $endian) }
method read-int16(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-int16', int16, $offset, $endian) }
method read-int32(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-int32', int32, $offset, $endian) }
method read-int64(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-int64', int64, $offset, $endian) }
method read-num32(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-num32', num32, $offset, $endian) }
method read-num64(Mu $offset, Mu $endian = NativeEndian) { self!get('.read-num64', num64, $offset, $endian) }

method write-uint8(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-uint8', uint8, $offset, $value, $endian)
}
method write-uint16(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-uint16', uint16, $offset, $value, $endian)
}
method write-uint32(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-uint32', uint32, $offset, $value, $endian)
}
method write-uint64(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-uint64', uint64, $offset, $value, $endian)
}
method write-int8(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-int8', int8, $offset, $value, $endian)
}
method write-int16(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-int16', int16, $offset, $value, $endian)
}
method write-int32(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-int32', int32, $offset, $value, $endian)
}
method write-int64(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-int64', int64, $offset, $value, $endian)
}
method write-num32(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-num32', num32, $offset, $value, $endian)
}
method write-num64(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    self!put('.write-num64', num64, $offset, $value, $endian)
}

# The native library has no 128-bit integers and no bit fields; a Buf converts them.
method read-uint128(Mu $offset, Mu $endian = NativeEndian) {
    self.copy-out('.read-uint128', $offset, 16).read-uint128(0, byte-order '.read-uint128', $endian)
}
method read-int128(Mu $offset, Mu $endian = NativeEndian) {
    self.copy-out('.read-int128', $offset, 16).read-int128(0, byte-order '.read-int128', $endian)
}
method write-uint128(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    my $fitting = fitting '.write-uint128', $value, 'uint128', 0, 2 ** 128 - 1;
    self.copy-in('.write-uint128', $offset, buf8.allocate(16).write-uint128(0, $fitting, byte-order '.write-uint128', $endian))
}
method write-int128(Mu $offset, Mu $value, Mu $endian = NativeEndian --> Nil) {
    my $fitting = fitting '.write-int128', $value, 'int128', -2 ** 127, 2 ** 127 - 1;
    self.copy-in('.write-int128', $offset, buf8.allocate(16).write-int128(0, $fitting, byte-order '.write-int128', $endian))
}

method read-ubits(Mu $bit, Mu $bits --> Int:D) { self!bytes-around('.read-ubits', $bit, $bits).read-ubits($bit % 8, $bits) }
method read-bits(Mu $bit, Mu $bits --> Int:D) { self!bytes-around('.read-bits', $bit, $bits).read-bits($bit % 8, $bits) }
method write-ubits(Mu $bit, Mu $bits, Mu $value --> Nil) {
    my $bytes := self!bytes-around('.write-ubits', $bit, $bits);
    my $fitting = fitting '.write-ubits', $value, "$bits bits", 0, 2 ** $bits - 1;
    self.copy-in('.write-ubits', $bit div 8, $bytes.write-ubits($bit % 8, $bits, $fitting))
}
method write-bits(Mu $bit, Mu $bits, Mu $value --> Nil) {
    my $bytes := self!bytes-around('.write-bits', $bit, $bits);
    my $fitting = fitting '.write-bits', $value, "$bits bits", -2 ** ($bits - 1), 2 ** ($bits - 1) - 1;
    self.copy-in('.write-bits', $bit div 8, $bytes.write-bits($bit % 8, $bits, $fitting))
}

# A copy of the bytes that contain the bits.
method !bytes-around($call, Mu $bit, Mu $bits --> Buf:D) {
    integer $call, 'bit offset', $bit;
    out-of-range $call, "the number of bits must be 1 or more, not $bits" unless integer($call, 'the number of bits', $bits) > 0;
    self.copy-out($call, $bit div 8, ($bit % 8 + $bits + 7) div 8, buf8)
}
