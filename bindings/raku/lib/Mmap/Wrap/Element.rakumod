=begin pod

=head1 NAME

Mmap::Wrap::Element - how an element of a mapping lies in memory

=head1 DESCRIPTION

The type given as C<:of> to C<mmap> decides how many bytes an element takes, how they are read and written (in the
machine's own byte order), and which values fit.

=begin code :lang<raku>
use Mmap::Wrap;
my $numbers = mmap :anon, :length(4096), :of(int16);
$numbers[1] = -2;
say $numbers.read(2, 2);                             # the two bytes of the element with index 1
say (try $numbers[1] = 40_000) // $!.message;        # 40000 does not fit int16, which takes -32768 to 32767
=end code

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Exceptions;

unit class Mmap::Wrap::Element;

constant TYPES = <uint8 uint16 uint32 uint64 int8 int16 int32 int64 num32 num64>;

#| The native type.
has Mu $.type is required;
#| Bytes that one element takes.
has Int $.width is required;
has Str $!reader;
has Str $!writer;
#| The values that fit; undefined for floating point, which rounds instead.
has Range $.values;

#| The element of a native type: C<uint8> to C<uint64>, C<int8> to C<int64>, C<num32> or C<num64>. X::Mmap::Argument for
#| any other.
method of(Mu $type --> Mmap::Wrap::Element:D) {
    my $name = $type.^name;
    refuse "elements cannot be of type $name, only of {TYPES.join(', ')}" unless TYPES.first($name);
    my $width = nativesizeof($type);
    my $bits = 8 * $width;
    my $values = do given $name {
        when .starts-with('u') { 0 .. 2 ** $bits - 1 }
        when .starts-with('i') { -2 ** ($bits - 1) .. 2 ** ($bits - 1) - 1 }
        default                { Range }
    }
    self.bless: :$type, :$width, :$values
}

submethod TWEAK {
    $!reader = "read-{$!type.^name}";
    $!writer = "write-{$!type.^name}";
}

#| The element that begins at byte C<$at> of a buffer.
method from(Blob:D $bytes, Int:D $at) { $bytes."$!reader"($at) }

#| The bytes of C<$value>, or X::Mmap::OutOfRange where it does not fit, X::Mmap::Argument where it is no number.
method bytes-of($value --> Blob:D) {
    my $fitting = do if $!values.defined {
        refuse "{$value.raku} is no integer, which {$!type.^name} takes" unless $value ~~ Int:D;
        X::Mmap::OutOfRange.new(:code(E_RANGE), :message(
            "assign: $value does not fit {$!type.^name}, which takes {$!values.min} to {$!values.max}")).throw
            unless $!values.min <= $value <= $!values.max;
        $value
    } else {
        refuse "{$value.raku} is no number, which {$!type.^name} takes" unless $value ~~ Real:D;
        $value.Num
    }
    my $bytes := buf8.allocate($!width);
    $bytes."$!writer"(0, $fitting);
    $bytes
}

sub refuse($message) {
    X::Mmap::Argument.new(:code(E_ARGUMENT), :message("element: $message")).throw
}
