=begin pod

=head1 NAME

Mmap::Wrap::Checks - between Raku's values and the native calls

=head1 DESCRIPTION

For the modules of this distribution: what every call needs. The rules for ranges are the native library's; here stand
only those that NativeCall would break: it turns C<Nil> and type objects into 0, cuts text at NUL, and dies without a
type where a number does not fit.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Exceptions;

unit module Mmap::Wrap::Checks;

my constant KINDS = Map.new:
    E_UNMAPPED,    X::Mmap::Closed,
    E_RANGE,       X::Mmap::OutOfRange,
    E_ALIGNMENT,   X::Mmap::Alignment,
    E_FAULT,       X::Mmap::Fault,
    E_BUSY,        X::Mmap::Busy,
    E_SEALED,      X::Mmap::Sealed,
    E_ARGUMENT,    X::Mmap::Argument,
    E_HANDLE,      X::Mmap::Argument,
    E_UNSUPPORTED, X::Mmap::Unsupported;

#| Integers nearer to 0 are compared at once; beyond, MoarVM calls its library for big ones.
constant NEAR is export = 2 ** 31 - 1;

#| What stands for a number of the platform and asks the library for it: the enums do this.
role PlatformNumber is export { }

#| The answer of a native call, or the exception that its code stands for.
sub answered(Int:D $code, :$path --> Int:D) is export {
    $code < 0 ?? failure($code, :$path).throw !! $code
}

#| The exception for this thread's last failure.
sub failure(Int:D $code, :$path --> X::Mmap:D) is export {
    my $done = mmap_wrap_fault_done;
    # Where the garbage collector closed a mapping in between, and was refused, the last failure is its own.
    my $message = mmap_wrap_last_error_code() == $code ?? mmap_wrap_last_error_message() !! mmap_wrap_strerror($code);
    my $name = ~(mmap_wrap_strerror($code) ~~ / <[A..Z 0..9 _]>+ <before ')' $> / // '');
    my $kind = $code > E_HANDLE ?? X::Mmap::System !! (KINDS{$code}:exists) ?? KINDS{$code} !! X::Mmap::Internal;
    $kind.new(:$code, :$path, :$message, :$name, |(:$done if $kind === X::Mmap::Fault))
}

sub misused($call, $problem, :$path) is export {
    X::Mmap::Argument.new(:code(E_ARGUMENT), :name<MMAP_WRAP_E_ARGUMENT>, :message("$call: $problem"), :$path).throw
}

sub out-of-range($call, $problem, :$path) is export {
    X::Mmap::OutOfRange.new(:code(E_RANGE), :name<MMAP_WRAP_E_RANGE>, :message("$call: $problem"), :$path).throw
}

# What was given, for a message: short, and without asking a stranger's methods.
proto shown(Mu) is export { * }
multi shown(Mu:U $value) { $value.^name }
multi shown(Mu:D $value) { "a {$value.^name}" }
multi shown(Str:D $value) { $value.chars > 60 ?? "'{$value.substr(0, 60)}…'" !! "'$value'" }
multi shown(Numeric:D $value) { $value.raku }

sub order(Mu $endian --> Endian:D) is export {
    Endian.ACCEPTS($endian) && $endian.defined ?? $endian
        !! misused 'element', "the order of bytes is {shown $endian}, not NativeEndian, LittleEndian or BigEndian"
}

#| An integer that a native call takes as it is. Mu, so that a Junction is refused instead of making many calls.
proto whole($call, $what, Mu $) is export { * }
multi whole($call, $what, Int:D $value --> Int:D) {
    -NEAR < $value < NEAR || REST < $value < -REST ?? $value !! out-of-range $call, "$what $value does not fit 64 bits"
}
# 1e3 and 4096 / 2 are integers that come in another type.
multi whole($call, $what, Real:D $value --> Int:D) {
    abs($value) < Inf && $value == $value.Int ?? whole($call, $what, $value.Int)
        !! misused $call, "$what is {shown $value}, not an integer"
}
multi whole($call, $what, Mu $value) { misused $call, "$what is {shown $value}, not an integer" }

#| The same, or C<*> for the rest.
proto size-or-rest($call, Mu $, $what = 'size') is export { * }
multi size-or-rest($call, Whatever:D, $what = 'size' --> Int:D) { REST }
multi size-or-rest($call, Mu $size, $what = 'size' --> Int:D) { whole($call, $what, $size) }

#| An integer that is to be stored as that type.
proto fitting(Mu, $type, Int:D $lowest, Int:D $highest) is export { * }
multi fitting(Int:D $value, $type, $lowest, $highest --> Int:D) {
    $lowest <= $value <= $highest ?? $value !! out-of-range 'assign', "$value does not fit $type, which takes $lowest to $highest"
}
multi fitting(Mu $value, $type, $lowest, $highest) { misused 'assign', "the value is {shown $value}, no integer, which $type takes" }

my constant PREFIXES = Map.new: (<prot protection> X=> 'PROT_'), ('advice', 'MADV_');

#| Bits of the platform: a number, or one of the enums; C<+|> joins several.
proto bits($call, $what, Mu $) is export { * }
multi bits($call, $what, PlatformNumber:D $value --> Int:D) {
    my $prefix = PREFIXES{$what} // misused $call, "$what has no enum: give the platform's numbers";
    misused $call, "$what is {$value.key}, which is another one's: {$value.value}" unless $value.value.starts-with($prefix);
    $value.Int
}
multi bits($call, $what, Junction:D $) { misused $call, "$what is a Junction: join several by +|, not by |" }
multi bits($call, $what, Mu $value --> Int:D) { whole($call, $what, $value) }

#| A timeout in seconds as a native call takes it; C<*> is for ever.
proto nanoseconds($call, Mu $) is export { * }
multi nanoseconds($call, Whatever:D --> Int:D) { REST }
multi nanoseconds($call, Real:D $seconds --> Int:D) {
    $seconds == Inf ?? REST !! 0 <= $seconds < 9e9 ?? ($seconds * 1_000_000_000).Int
        !! out-of-range $call, "the timeout of {shown $seconds} seconds is not between 0 and 9000000000"
}
multi nanoseconds($call, Mu $seconds) { misused $call, "the timeout is {shown $seconds}, no number of seconds" }

#| An address that a native call takes, out of its container: NativeCall of Rakudo 2022.12 decides by the container whether it
#| was handed a type object, and goes on to pass what it was handed there first.
proto address-or-none($call, Mu) is export { * }
multi address-or-none($call, Pointer $address --> Pointer) { $address<> }
multi address-or-none($call, Mu $address) { misused $call, "the address is {shown $address}, no Pointer" }

#| Offset and size as a native call takes them.
sub range($call, Mu $offset, Mu $size --> List:D) is export {
    whole($call, 'offset', $offset), size-or-rest($call, $size)
}

#| A name for the system: its bytes, and NUL. utf8-c8 gives back the very bytes of a name that is no UTF-8.
proto native-name($call, Mu $) is export { * }
multi native-name($call, Str:D $name --> Blob:D) {
    misused $call, "the name {shown $name} holds a NUL character, at which the system would end it" if $name.contains("\0");
    ($name ~ "\0").encode('utf8-c8')
}
multi native-name($call, Mu $name) { misused $call, "the name is {shown $name}, no Str" }
