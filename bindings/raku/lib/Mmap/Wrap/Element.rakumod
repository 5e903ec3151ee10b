=begin pod

=head1 NAME

Mmap::Wrap::Element - how an element of a mapping lies in memory

=head1 DESCRIPTION

The type given as C<:of> to C<mmap> decides how many bytes an element takes, and which values fit; C<:endian> the order of
its bytes: C<NativeEndian>, the machine's own, by default, C<LittleEndian> or C<BigEndian>. A type whose name does not say how wide it
is, C<int>, C<uint>, C<num>, C<byte> or one of NativeCall's (C<long>, C<size_t> …), stands for the one of its width and sign here.

=begin code :lang<raku>
use Mmap::Wrap;
my $numbers = mmap :anon, :length(4096), :of(int16), :endian(BigEndian);
$numbers[1] = -2;
say $numbers.read(2, 2);                             # Blob[uint8]:0x<FF FE>
say (try $numbers[1] = 40_000) // $!.message;        # assign: 40000 does not fit int16, which takes -32768 to 32767
=end code

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit class Mmap::Wrap::Element;

my constant KINDS = Map.new:
    'uint8', U8, 'uint16', U16, 'uint32', U32, 'uint64', U64, 'int8', I8, 'int16', I16, 'int32', I32, 'int64', I64,
    'num32', F32, 'num64', F64;
#| Types whose names do not say how wide they are.
my constant SIZED = Map.new: (<int long longlong ssize_t> X=> 'int'), (<uint byte ulong ulonglong size_t> X=> 'uint'), ('num', 'num');
my constant ORDERS = Map.new: 'NativeEndian', 0, 'LittleEndian', LITTLE_ENDIAN, 'BigEndian', BIG_ENDIAN;

#| The native type.
has Mu $.type;
has $.endian;
#| The kind, as the native library names it.
has int $.kind;
#| Bytes that one element takes.
has int $.width;
#| Whether it is a float.
has int $.floating;
#| The values that fit an integer.
has Int $.lowest;
has Int $.highest;

# Those made so far: to make one takes longer than to map. A new Map for each more, so that who reads one needs no lock; where
# two threads come at once, one of them makes its own another time.
my $made = Map.new;
my $bytes;

#| The element of a native type: C<uint8> to C<uint64>, C<int8> to C<int64>, C<num32>, C<num64>, or one of C's integers by its
#| name. X::Mmap::Argument for any other type or order.
method of(Mu $type, Mu $endian = NativeEndian --> Mmap::Wrap::Element:D) {
    return $bytes //= self!make($type, $endian) if $type<> =:= uint8 && $endian<> =:= NativeEndian;
    $made{"$type.^name() {Endian.ACCEPTS($endian) && $endian.defined ?? $endian.key !! ''}"} // self!make($type, $endian)
}

method !make(Mu $wanted, Mu $endian) {
    my $type := $wanted ~~ Str:D ?? named($wanted) !! $wanted;
    my $sized := sized $type;
    my $name = $sized.^name;
    my $kind = KINDS{$name} // misused 'element', "elements cannot be of type $name, only of {KINDS.keys.sort.join(', ')}, and of C's integers";
    my $order = ORDERS{order($endian).key};
    my $bits = 8 * nativesizeof($sized);
    my $signed = $name.starts-with('i');
    my $element = self.bless: :type($sized), :$endian, :kind($kind +| $order), :width($bits div 8), :floating(+$name.starts-with('n')),
        :lowest($signed ?? -2 ** ($bits - 1) !! 0), :highest(2 ** ($bits - $signed) - 1);
    $made = Map.new: |$made.pairs, "$type.^name() $endian.key()" => $element;
    $element
}

# The type of that name, as :of<uint32> gives it.
sub named(Str:D $name) {
    (KINDS{$name} // SIZED{$name}).defined ?? ::($name)
        !! misused 'element', "no type of elements is named {shown $name}; there are {KINDS.keys.sort.join(', ')}, and C's integers"
}

# The type of the same width and sign that has both in its name; what has none is answered as it is.
sub sized(Mu $type) {
    my $kind = SIZED{$type.^name.split('::').tail} // return $type;
    ::($kind ~ 8 * nativesizeof($type))
}

submethod BUILD(Mu :$!type, :$!endian, :$!kind, :$!width, :$!floating, :$!lowest, :$!highest) { }

#| The value as the 64 bits that the native library takes for an integer. X::Mmap::OutOfRange where it does not fit,
#| X::Mmap::Argument where it is no integer.
method bits-of(Mu $value --> Int:D) {
    my $fitting = fitting $value, $!type.^name, $!lowest, $!highest;
    $fitting < -REST ?? $fitting !! $fitting + 2 * REST
}

#| The value as a float. X::Mmap::OutOfRange for a finite one beyond the type's greatest, X::Mmap::Argument where it is no number.
proto method float-of(Mu $) { * }
multi method float-of(Real:D $value --> Num:D) {
    my $float = $value.Num;
    self!does-not-fit($value) if $float.abs == Inf && $value !~~ Num;
    $float
}
multi method float-of(Mu $value) { misused 'assign', "the value is {shown $value}, no number, which {$!type.^name} takes" }

method !does-not-fit($value) { out-of-range 'assign', "{$value.gist.substr(0, 60)} does not fit {$!type.^name}" }

#| The element at a byte of a mapping.
method get(int $handle, int $at, :$path) {
    my int $kind = $!kind;
    self.read($!floating ?? mmap_wrap_get_float($handle, $kind, $at) !! mmap_wrap_get_int($handle, $kind, $at), :$path)
}

#| The number that mmap_wrap_get_float or mmap_wrap_get_int answered. What looks like a failure is one only if there was one.
proto method read($, :$path) { * }
multi method read(Int:D $value, :$path --> Int:D) {
    answered mmap_wrap_last_error_code, :$path if $value == NO_INT;
    $value < 0 && $!lowest == 0 ?? $value - 2 * REST !! $value
}
multi method read(Num:D $value, :$path --> Num:D) {
    answered mmap_wrap_last_error_code, :$path if $value.isNaN;
    $value
}

#| Stores the element at a byte of a mapping.
method put(int $handle, int $at, Mu $value, :$path --> Nil) {
    my int $kind = $!kind;
    my $code = $!floating
        ?? mmap_wrap_put_float($handle, $kind, $at, self.float-of($value))
        !! mmap_wrap_put_int($handle, $kind, $at, self.bits-of($value));
    return if $code == 0;
    # Integers are checked above; what is left is a float too great for its kind.
    self!does-not-fit($value) if $code == E_ARGUMENT && $!floating;
    answered $code, :$path
}

#| C<$count> elements from a byte of a mapping on, copied.
method copy($mapping, Int:D $from, Int:D $count --> Positional:D) {
    my $size = $count * $!width;
    return $mapping.read($from, $size, :type(Blob.^parameterize($!type))) unless $!floating || $!kind > 255;
    my $bytes := $mapping.read($from, $size);
    my $reader = "read-{$!type.^name}";
    (^$count).map({ $bytes."$reader"($_ * $!width, $!endian) }).List
}

#| The bytes of values, as they lie in a mapping.
method bytes-of(@values --> Blob:D) {
    my $bytes := buf8.allocate(@values.elems * $!width);
    my ($writer, $reader) = "write-{$!type.^name}", "read-{$!type.^name}";
    for @values.kv -> $i, Mu $value {
        my $at = $i * $!width;
        if $!floating {
            my $float = self.float-of($value);
            $bytes."$writer"($at, $float, $!endian);
            self!does-not-fit($value) if $float.abs < Inf && $bytes."$reader"($at, $!endian).abs == Inf;
        } else {
            self.bits-of($value);
            $bytes."$writer"($at, $value, $!endian);
        }
    }
    $bytes
}
