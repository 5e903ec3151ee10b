=begin pod

=head1 NAME

Mmap::Wrap::ElementKind - type and byte order of the elements of a mapping

=head1 DESCRIPTION

The adverb C<:of> of C<mmap> is the type of the elements: C<uint8> to C<uint64>, C<int8> to C<int64>, C<num32> or C<num64>. It sets how
many bytes an element has, and which values fit. A type without a width in its name, such as C<int>, C<uint>, C<num>, C<byte>, C<long>
or C<size_t>, means the type of the same width and sign on this machine.

The adverb C<:endian> is the byte order of the elements: C<NativeEndian>, the default, C<LittleEndian> or C<BigEndian>.

=begin code :lang<raku>
use Mmap::Wrap;
my $numbers = mmap :anon, :length(4096), :of(int16), :endian(BigEndian);
$numbers[1] = -2;
say $numbers.read(2, 2);                             # Blob[uint8]:0x<FF FE>
say (try $numbers[1] = 40_000) // $!.message;        # []: 40000 does not fit int16 (-32768 to 32767)
=end code

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit class Mmap::Wrap::ElementKind;

my constant CODES = Map.new:
    'uint8', U8, 'uint16', U16, 'uint32', U32, 'uint64', U64, 'int8', I8, 'int16', I16, 'int32', I32, 'int64', I64,
    'num32', F32, 'num64', F64;
#| Types without a width in their names.
my constant UNSIZED = Map.new: (<int long longlong ssize_t> X=> 'int'), (<uint byte ulong ulonglong size_t> X=> 'uint'), ('num', 'num');
my constant ORDERS = Map.new: 'NativeEndian', 0, 'LittleEndian', LITTLE_ENDIAN, 'BigEndian', BIG_ENDIAN;

#| The native type.
has Mu $.type;
has $.endian;
#| The native library's number for type and byte order.
has int $.code;
#| Bytes per element.
has int $.width;
#| 1 for a floating-point type.
has int $.floating;
#| The limits of an integer type.
has Int $.lowest;
has Int $.highest;

# All kinds used so far: constructing one takes longer than mapping a file. Adding one replaces the Map, so that reading needs no lock;
# of two threads that add at the same time, one loses its entry and constructs it again later.
my $cache = Map.new;
my $native-bytes;

#| The kind for a native type or its name. X::Mmap::Argument for any other type or byte order.
method of($call, Mu $type, Mu $endian = NativeEndian --> Mmap::Wrap::ElementKind:D) {
    return $native-bytes //= self!construct($call, $type, $endian) if $type<> =:= uint8 && $endian<> =:= NativeEndian;
    $cache{"$type.^name() {Endian.ACCEPTS($endian) && $endian.defined ?? $endian.key !! ''}"} // self!construct($call, $type, $endian)
}

method !construct($call, Mu $given, Mu $endian) {
    my $type := $given ~~ Str:D ?? type-named($call, $given) !! $given;
    my $sized := sized $type;
    my $name = $sized.^name;
    my $code = CODES{$name}
        // bad-argument $call, "the type of elements must be one of {CODES.keys.sort.join(', ')}, or an integer type of C, not $name";
    my $order = ORDERS{byte-order($call, $endian).key};
    my $bits = 8 * nativesizeof($sized);
    my $signed = $name.starts-with('i');
    my $kind = self.bless: :type($sized), :$endian, :code($code +| $order), :width($bits div 8), :floating(+$name.starts-with('n')),
        :lowest($signed ?? -2 ** ($bits - 1) !! 0), :highest(2 ** ($bits - $signed) - 1);
    $cache = Map.new: |$cache.pairs, "$type.^name() $endian.key()" => $kind;
    $kind
}

# The type with that name, as in :of<uint32>.
sub type-named($call, Str:D $name) {
    (CODES{$name} // UNSIZED{$name}).defined ?? ::($name)
        !! bad-argument $call, "the type of elements must be one of {CODES.keys.sort.join(', ')}, or an integer type of C, not {described $name}"
}

# The type of the same width and sign that has both in its name; any other type unchanged.
sub sized(Mu $type) {
    my $stem = UNSIZED{$type.^name.split('::').tail} // return $type;
    ::($stem ~ 8 * nativesizeof($type))
}

submethod BUILD(Mu :$!type, :$!endian, :$!code, :$!width, :$!floating, :$!lowest, :$!highest) { }

#| An integer value as the signed 64-bit integer that the native library takes. X::Mmap::OutOfRange for a value that does not fit,
#| X::Mmap::Argument for one that is not an integer.
method to-int64($call, Mu $value --> Int:D) {
    my $fitting = fitting $call, $value, $!type.^name, $!lowest, $!highest;
    $fitting < -REST ?? $fitting !! $fitting + 2 * REST
}

#| A value as a Num. X::Mmap::OutOfRange for a finite number that is too large, X::Mmap::Argument for one that is not a number.
proto method to-num($call, Mu $) { * }
multi method to-num($call, Real:D $value --> Num:D) {
    my $num = $value.Num;
    self!does-not-fit($call, $value) if $num.abs == Inf && $value !~~ Num;
    $num
}
multi method to-num($call, Mu $value) { bad-argument $call, "a value for {$!type.^name} must be a number, not {described $value}" }

method !does-not-fit($call, $value) { out-of-range $call, "{$value.gist.substr(0, 60)} does not fit {$!type.^name}" }

#| Reads the element at a byte offset.
method get($call, $mapping, int $offset) {
    my int $handle = $mapping.handle;
    my int $code = $!code;
    self.from-native($call, $mapping, $!floating ?? mmap_wrap_get_float($handle, $code, $offset) !! mmap_wrap_get_int($handle, $code, $offset))
}

#| The element for a result of mmap_wrap_get_float or mmap_wrap_get_int. The results for failure, NaN and NO_INT, may also be elements:
#| the error code says which.
proto method from-native($call, $mapping, $) { * }
multi method from-native($call, $mapping, Int:D $value --> Int:D) {
    checked $call, mmap_wrap_last_error_code, $mapping if $value == NO_INT;
    $value < 0 && $!lowest == 0 ?? $value - 2 * REST !! $value
}
multi method from-native($call, $mapping, Num:D $value --> Num:D) {
    checked $call, mmap_wrap_last_error_code, $mapping if $value.isNaN;
    $value
}

#| Stores the element at a byte offset.
method put($call, $mapping, int $offset, Mu $value --> Nil) {
    my int $handle = $mapping.handle;
    my int $code = $!code;
    my $result = $!floating
        ?? mmap_wrap_put_float($handle, $code, $offset, self.to-num($call, $value))
        !! mmap_wrap_put_int($handle, $code, $offset, self.to-int64($call, $value));
    return if $result == 0;
    # Only a floating-point number that is too large: integers were checked above.
    self!does-not-fit($call, $value) if $result == E_ARGUMENT && $!floating;
    checked $call, $result, $mapping
}

#| Copies C<$count> elements from a byte offset.
method copy($call, $mapping, Int:D $from, Int:D $count --> Positional:D) {
    my $size = $count * $!width;
    return $mapping.copy-out($call, $from, $size, Blob.^parameterize($!type)) unless $!floating || $!code > 255;
    my $bytes := $mapping.copy-out($call, $from, $size);
    my $reader = "read-{$!type.^name}";
    (^$count).map({ $bytes."$reader"($_ * $!width, $!endian) }).List
}

#| The bytes of values as they are stored in memory.
method to-bytes($call, @values --> Blob:D) {
    my $bytes := buf8.allocate(@values.elems * $!width);
    my ($writer, $reader) = "write-{$!type.^name}", "read-{$!type.^name}";
    for @values.kv -> $i, Mu $value {
        my $at = $i * $!width;
        if $!floating {
            my $num = self.to-num($call, $value);
            $bytes."$writer"($at, $num, $!endian);
            self!does-not-fit($call, $value) if $num.abs < Inf && $bytes."$reader"($at, $!endian).abs == Inf;
        } else {
            self.to-int64($call, $value);
            $bytes."$writer"($at, $value, $!endian);
        }
    }
    $bytes
}
