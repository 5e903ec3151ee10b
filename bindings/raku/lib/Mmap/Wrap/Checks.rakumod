=begin pod

=head1 NAME

Mmap::Wrap::Checks - argument checks and exceptions that all modules of the distribution share

=head1 DESCRIPTION

Internal. The native library checks ranges, handles and flags. This module checks only what NativeCall would get wrong before the
library sees it: NativeCall converts C<Nil> and type objects to 0, ends text at the first NUL, and throws an exception without a
type when an integer does not fit.

The first argument of each routine, C<$call>, is what the user called, as it stands at the beginning of the message: C<mmap>,
C<.protect>, C<[]>.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Exceptions;

unit module Mmap::Wrap::Checks;

my constant CLASSES = Map.new:
    E_UNMAPPED,    X::Mmap::Closed,
    E_RANGE,       X::Mmap::OutOfRange,
    E_ALIGNMENT,   X::Mmap::Alignment,
    E_FAULT,       X::Mmap::Fault,
    E_BUSY,        X::Mmap::Busy,
    E_SEALED,      X::Mmap::Sealed,
    E_ARGUMENT,    X::Mmap::Argument,
    E_HANDLE,      X::Mmap::Argument,
    E_UNSUPPORTED, X::Mmap::Unsupported;

#| MoarVM compares integers up to this size without its library for big integers.
constant SMALL is export = 2 ** 31 - 1;

#| Does the role: a value that stands for a number of the platform and asks the library for it, as those of the enums do.
role PlatformNumber is export { }

#| The result of a native call; throws the exception for a negative one. The mapping, or the file, gives the exception its path.
sub checked($call, Int:D $code, $mapping = Nil --> Int:D) is export {
    $code < 0 ?? failure($call, $code, :path($mapping.defined ?? $mapping.path !! Nil)).throw !! $code
}

#| The exception for a negative result, the last one of this thread.
sub failure($call, Int:D $code, :$path --> X::Mmap:D) is export {
    my $done = mmap_wrap_fault_done;
    my $class = $code > E_HANDLE ?? X::Mmap::System !! (CLASSES{$code}:exists) ?? CLASSES{$code} !! X::Mmap::Internal;
    my $system-code = $class === X::Mmap::System ?? system-code($code) !! Int;
    $class.new(:$code, :$path, :message("$call: {reason $code}"), :name(code-name $code), |(:$done if $class === X::Mmap::Fault),
        |(:$system-code if $system-code))
}

sub system-code(Int:D $code --> Int:D) { mmap_wrap_last_error_code() == $code ?? mmap_wrap_last_error_system_code() !! 0 }

# The garbage collector may run in between, and closing a mapping there may fail, too: then the last failure is that one.
sub reason(Int:D $code --> Str:D) {
    mmap_wrap_last_error_code() == $code ?? mmap_wrap_last_error_reason() !! mmap_wrap_strerror($code)
}

#| The name of a negative result: ENOENT, MMAP_WRAP_E_RANGE.
sub code-name(Int:D $code --> Str:D) is export {
    ~(mmap_wrap_strerror($code) ~~ / <[A..Z 0..9 _]>+ <before ')' $> / // '')
}

sub bad-argument($call, $problem, :$path) is export {
    X::Mmap::Argument.new(:code(E_ARGUMENT), :name<MMAP_WRAP_E_ARGUMENT>, :message("$call: $problem"), :$path).throw
}

sub out-of-range($call, $problem, :$path) is export {
    X::Mmap::OutOfRange.new(:code(E_RANGE), :name<MMAP_WRAP_E_RANGE>, :message("$call: $problem"), :$path).throw
}

#| An argument as a message shows it: short, and without a call of its methods, which may be anyone's.
proto described(Mu) is export { * }
multi described(Mu:U $value) { $value.^name }
multi described(Mu:D $value) { "a {$value.^name}" }
multi described(Str:D $value) { $value.chars > 60 ?? "'{$value.substr(0, 60)}…'" !! "'$value'" }
multi described(Numeric:D $value) { $value.raku }

sub byte-order($call, Mu $endian --> Endian:D) is export {
    Endian.ACCEPTS($endian) && $endian.defined ?? $endian
        !! bad-argument $call, "the byte order must be NativeEndian, LittleEndian or BigEndian, not {described $endian}"
}

#| An integer that fits the 64 bits of a native call. The parameter is Mu: a Junction would call the routine once per value.
proto integer($call, $what, Mu $) is export { * }
multi integer($call, $what, Int:D $value --> Int:D) {
    -SMALL < $value < SMALL || REST < $value < -REST ?? $value !! out-of-range $call, "$what $value does not fit 64 bits"
}
# 1e3 and 4096 / 2 are integers of another type.
multi integer($call, $what, Real:D $value --> Int:D) {
    abs($value) < Inf && $value == $value.Int ?? integer($call, $what, $value.Int)
        !! bad-argument $call, "$what must be an integer, not {described $value}"
}
multi integer($call, $what, Mu $value) { bad-argument $call, "$what must be an integer, not {described $value}" }

#| The same, or C<*> for the rest of the mapping or file.
proto size-or-rest($call, Mu $, $what = 'size') is export { * }
multi size-or-rest($call, Whatever:D, $what = 'size' --> Int:D) { REST }
multi size-or-rest($call, Mu $size, $what = 'size' --> Int:D) { integer($call, $what, $size) }

#| Offset and size for a native call.
sub range($call, Mu $offset, Mu $size --> List:D) is export {
    integer($call, 'offset', $offset), size-or-rest($call, $size)
}

#| An integer to be stored as an element of that type.
proto fitting($call, Mu, $type, Int:D $lowest, Int:D $highest) is export { * }
multi fitting($call, Int:D $value, $type, $lowest, $highest --> Int:D) {
    $lowest <= $value <= $highest ?? $value !! out-of-range $call, "$value does not fit $type ($lowest to $highest)"
}
multi fitting($call, Mu $value, $type, $lowest, $highest) {
    bad-argument $call, "a value for $type must be an integer, not {described $value}"
}

my constant PREFIXES = Map.new: (<prot protection> X=> 'PROT_'), ('advice', 'MADV_');

#| Flags of the platform: an integer, or values of an enum that C<+|> joined.
proto bits($call, $what, Mu $) is export { * }
multi bits($call, $what, PlatformNumber:D $value --> Int:D) {
    my $prefix = PREFIXES{$what} // bad-argument $call, "$what must be one of the platform's numbers, not {$value.key}";
    bad-argument $call, "$what must be a $prefix value, and {$value.key} is {$value.value}" unless $value.value.starts-with($prefix);
    $value.Int
}
multi bits($call, $what, Junction:D $) { bad-argument $call, "$what is a Junction; join flags with +| instead of |" }
multi bits($call, $what, Mu $value --> Int:D) { integer($call, $what, $value) }

#| A timeout in seconds as nanoseconds; C<*> waits indefinitely.
proto nanoseconds($call, Mu $) is export { * }
multi nanoseconds($call, Whatever:D --> Int:D) { REST }
multi nanoseconds($call, Real:D $seconds --> Int:D) {
    $seconds == Inf ?? REST !! 0 <= $seconds < 9e9 ?? ($seconds * 1_000_000_000).Int
        !! out-of-range $call, "the timeout must be between 0 and 9000000000 seconds, not {described $seconds}"
}
multi nanoseconds($call, Mu $seconds) { bad-argument $call, "the timeout must be a number of seconds, not {described $seconds}" }

#| A pointer for a native call, without its container: NativeCall of Rakudo 2022.12 specializes a call on whether the container held
#| a type object, and then keeps passing what it held at that time.
proto pointer($call, Mu) is export { * }
multi pointer($call, Pointer $address --> Pointer) { $address<> }
multi pointer($call, Mu $address) { bad-argument $call, "the address must be a Pointer, not {described $address}" }

#| A path or name as bytes that end with NUL. The encoding utf8-c8 restores the bytes of a name that is not valid UTF-8.
proto c-string($call, Mu $) is export { * }
multi c-string($call, Str:D $name --> Blob:D) {
    bad-argument $call, "the name {described $name} contains a NUL character" if $name.contains("\0");
    ($name ~ "\0").encode('utf8-c8')
}
multi c-string($call, Mu $name) { bad-argument $call, "the name must be a Str, not {described $name}" }
