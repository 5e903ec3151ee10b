=begin pod

=head1 NAME

Mmap::Wrap::Mapping - a mapped range of memory as an array of native numbers

=head1 DESCRIPTION

The class of the objects that C<mmap> (see L<Mmap::Wrap>) returns. This page describes access by index, the address, and closing. The
other methods are in these roles:

=item L<Mmap::Wrap::Access>: reading, writing and searching bytes
=item L<Mmap::Wrap::Text>: text and lines
=item L<Mmap::Wrap::Elements>: elements, and numbers at any offset
=item L<Mmap::Wrap::Atomics>: atomic operations, waiting and waking, mutexes
=item L<Mmap::Wrap::Protect>: protection, advice, writing back
=item L<Mmap::Wrap::Residency>: locking pages, and which pages are in memory
=item L<Mmap::Wrap::Hardening>: guard regions, seals, names
=item L<Mmap::Wrap::Resize>: resizing, splitting, moving
=item L<Mmap::Wrap::Faults>: lost pages
=item L<Mmap::Wrap::PageCache>: the page cache
=item L<Mmap::Wrap::HugePages>: huge pages and NUMA
=item L<Mmap::Wrap::Info>: properties of a mapping

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Exceptions;
use Mmap::Wrap::ElementKind;
use Mmap::Wrap::Access;
use Mmap::Wrap::Text;
use Mmap::Wrap::Elements;
use Mmap::Wrap::Atomics;
use Mmap::Wrap::Protect;
use Mmap::Wrap::Residency;
use Mmap::Wrap::Hardening;
use Mmap::Wrap::Resize;
use Mmap::Wrap::Faults;
use Mmap::Wrap::PageCache;
use Mmap::Wrap::HugePages;
use Mmap::Wrap::Info;
use nqp;   # only for the containers of elements

unit class Mmap::Wrap::Mapping does Positional does Iterable
    does Mmap::Wrap::Access does Mmap::Wrap::Text does Mmap::Wrap::Elements does Mmap::Wrap::Atomics does Mmap::Wrap::Protect
    does Mmap::Wrap::Residency does Mmap::Wrap::Hardening does Mmap::Wrap::Resize does Mmap::Wrap::Faults does Mmap::Wrap::PageCache
    does Mmap::Wrap::HugePages does Mmap::Wrap::Info;

#| An index of this size is always out of range, and its byte offset may not fit 64 bits.
my constant TOO-LARGE = 2 ** 59;

has int $!handle;
has $!kind;
# Copies of the kind's attributes: reading them through the object would take longer than the access.
has int $!code;
has int $!width;
has int $!floating;
# The smallest value that needs no check; the library takes a negative integer as an unsigned 64-bit one.
has int $!lowest;
has $.path;

submethod BUILD(Mu :$handle!, Mu :$of = uint8, Mu :$endian = NativeEndian, :$path) {
    my $call = 'Mmap::Wrap::Mapping.new';
    self!set(integer($call, 'handle', $handle), Mmap::Wrap::ElementKind.of($call, $of, $endian), $path)
}

#| A mapping for a new handle. C<new> does the same, but calling BUILD would take a fifth of the time that mapping takes.
method from-handle(Int:D $handle, Mmap::Wrap::ElementKind:D $kind, $path) is implementation-detail {
    nqp::create(self)!set($handle, $kind, $path)
}

method !set($handle, $kind, $path) {
    $!kind := $kind<>;
    $!code = $!kind.code;
    $!width = $!kind.width;
    $!floating = $!kind.floating;
    $!lowest = $!floating ?? SMALL !! $!kind.lowest max -SMALL;
    $!path = $path;
    $!handle = $handle;
    self
}

# The garbage collector calls this on any thread, some time after the last reference is gone. An exception would end the program, and an
# error has no caller to report it to; only a lost page that was not reported yet is printed.
submethod DESTROY {
    try {
        my int $code = munmap_wrap($!handle) if $!handle;
        $*ERR.say: failure("Mmap::Wrap::Mapping{$!path.defined ?? " of '$!path'" !! ''}", $code).message if $code == E_FAULT;
    }
}

=begin pod

=head2 Access by index

=head3 method AT-POS

    $mapping[$index]

The element with that index. Indices start at 0; C<$mapping[*-1]> is the last element. An index beyond the last element is
X::Mmap::OutOfRange, an access that faults is X::Mmap::Fault.

The result is a container with the value that the element had at that time. C<++>, C<+=>, assignment to a slice, and assignment through an
C<is rw> parameter store to the memory; if the mapping is read-only, they throw X::Mmap::Fault. Raku's C<cas> and C<⚛> operators change
only the container; for atomic operations on the memory see L<Mmap::Wrap::Atomics>.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
$memory[1] = 7;
say $memory[1], $memory[*-1], $memory[0 .. 2];       # 70(0 7 0)
$memory[0]++;
$memory[2, 3] = 20, 30;
say $memory[^4];                                     # (1 7 20 30)
=end code

=head3 method ASSIGN-POS

    $mapping[$index] = $value

Stores the value in the element, and returns it. A value that does not fit the type is X::Mmap::OutOfRange; it is never truncated.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096), :of(int16);
$memory[10] = -2;
=end code

=head3 method EXISTS-POS

    $mapping[$index]:exists

True if there is an element with that index.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4))[4]:exists;               # False
=end code

=end pod

# The descriptor of a Scalar decides what assignment does: elements of an Array come into being that way. This one stores to the memory.
# The Scalar keeps the value that the element had when it was read.
my class ElementDescriptor {
    has $.mapping;
    has $.index;
    method of() { Mu }
    method default() { Nil }
    method name() { 'element' }
    method dynamic() { 0 }
    method is_generic() { 0 }
    method next() { self }
    method assigned(\container) { $!mapping.ASSIGN-POS($!index, nqp::getattr(container, Scalar, '$!value')) }
}

# AT-POS and ASSIGN-POS are here, and not in the role Elements, because they need the attributes without the cost of a method call.
proto method AT-POS(|) { * }
multi method AT-POS(Int:D $index) is raw {
    my \descriptor := nqp::create(ElementDescriptor);
    nqp::bindattr(descriptor, ElementDescriptor, '$!mapping', self);
    nqp::bindattr(descriptor, ElementDescriptor, '$!index', nqp::decont($index));
    # Not by Scalar.new, which would assign the value and so store it.
    my \element := nqp::create(Scalar);
    nqp::bindattr(element, Scalar, '$!descriptor', descriptor);
    nqp::bindattr(element, Scalar, '$!value', self!value-at($index));
    element
}
multi method AT-POS(Mu $index) is raw { self.AT-POS(position $index) }
multi method AT-POS(|) { bad-argument '[]', 'a mapping has one dimension' }

method !value-at(Int:D $index) {
    self!check-size($index) unless -SMALL < $index < SMALL;
    # Native variables: a native call with boxed arguments takes ten times as long.
    my int $handle = $!handle;
    my int $code = $!code;
    my int $at = $index;
    $at = $at * $!width;
    return self!num-at($at, $index) if $!floating;
    my int $value = mmap_wrap_get_int($handle, $code, $at);
    # A negative result may be a failure, or an unsigned 64-bit integer.
    $value >= 0 || $!lowest < 0 && -SMALL < $value ?? $value !! self!examine($value, $index)
}

proto method ASSIGN-POS(|) { * }
multi method ASSIGN-POS(Int:D $index, Int:D $value) {
    if -SMALL < $index < SMALL && $!lowest <= $value < SMALL {
        # As in AT-POS.
        my int $handle = $!handle;
        my int $code = $!code;
        my int $at = $index;
        $at = $at * $!width;
        my int $number = $value;
        my int $result = mmap_wrap_put_int($handle, $code, $at, $number);
        return $value if $result == 0;
        # A second attempt would not report a lost page again. An invalid index or value is reported below.
        checked '[]', $result, self unless $result == E_RANGE || $result == E_ARGUMENT;
    }
    self!store($index, $value)
}
multi method ASSIGN-POS(Int:D $index, Mu $value) { self!store($index, $value) }
multi method ASSIGN-POS(Mu $index, Mu $value) { self.ASSIGN-POS(position($index), $value) }
multi method ASSIGN-POS(|) { bad-argument '[]', 'a mapping has one dimension' }

method !store(Int:D $index, Mu $value) {
    self!check-size($index) unless -SMALL < $index < SMALL;
    my int $at = $index;
    self!out-of-range($index) unless 0 <= $index < self.elems;
    $!kind.put('[]', self, $at * $!width, $value);
    $value
}

method EXISTS-POS(Mu $index --> Bool:D) { 0 <= position($index) < self.elems }

# An index as for an Array: a fraction is truncated.
proto sub position(Mu) { * }
multi sub position(Int:D $index) { $index }
multi sub position(Real:D $index) {
    abs($index) < Inf ?? $index.Int !! bad-argument '[]', "an index must be a number, not {described $index}"
}
# Raku converts NaN in a subscript to a Failure.
multi sub position(Failure:D $index) {
    $index.so;   # marks it as handled; otherwise it would warn when it is collected
    bad-argument '[]', $index.exception.message
}
multi sub position(Mu $index) { bad-argument '[]', "an index must be a number, not {described $index}" }

# Separate, so that AT-POS stays small enough to be inlined.
method !num-at(int $at, Int:D $index) {
    my int $handle = $!handle;
    my int $code = $!code;
    my num $value = mmap_wrap_get_float($handle, $code, $at);
    # Only NaN differs from itself.
    $value == $value ?? $value !! self!examine($value, $index)
}

# A result that may be a failure. A range error is reported in elements.
method !examine($value, Int:D $index) {
    CATCH { when X::Mmap::OutOfRange { self!out-of-range($index) } }
    $!kind.from-native('[]', self, $value)
}

method !check-size(Int:D $index) { self!out-of-range($index) unless -TOO-LARGE < $index < TOO-LARGE }

# X::Mmap::Closed for a closed mapping.
method !out-of-range(Int:D $index) {
    my $elems = checked('[]', mmap_wrap_length($!handle), self) div $!width;
    out-of-range '[]', "index $index is out of range for $elems elements", :$!path
}

=begin pod

=head2 The mapping

=head3 method new

    method new(Int:D :$handle!, :$of = uint8, :$endian = NativeEndian, :$path)

Makes an object for a mapping that a function of L<Mmap::Wrap::Raw> made, and takes over its handle. C<mmap> is the usual way.

=begin code :lang<raku>
use Mmap::Wrap::Raw;
use Mmap::Wrap;
use NativeCall;
my $handle = mmap_wrap(Pointer, 4096, PROT_READ(), MAP_SHARED() +| MAP_ANONYMOUS(), -1, 0);
say Mmap::Wrap::Mapping.new(:$handle).bytes;         # 4096
=end code

=head3 method handle

    method handle(--> Int:D)

The handle of the mapping, for functions of L<Mmap::Wrap::Raw>. It does not change when the mapping is closed, and no other mapping gets
the same handle.

=begin code :lang<raku>
use Mmap::Wrap;
use Mmap::Wrap::Raw;
my $memory = mmap :anon, :length(4096);
say mmap_wrap_length($memory.handle);                # 4096
=end code

=head3 method path

    method path(--> IO::Path)

The path of the file when it was mapped. Undefined for memory without a file, for a descriptor, and for an IO::Handle without a path.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('data.bin').path.basename;                  # data.bin
=end code

=head3 method bytes

    method bytes(--> Int:D)

The length of the mapping in bytes. It is not rounded up to whole pages.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(10)).bytes;                  # 10
=end code

=head3 method close

    method close(--> Bool:D)

Unmaps the memory. Returns True if this call unmapped it, and False if it was closed before. X::Mmap::Busy while the address is acquired,
X::Mmap::Sealed if a part of the mapping is sealed.

C<will leave { .?close }> closes a mapping at the end of a block. The garbage collector closes a mapping without references at an
unspecified time.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
say $memory.close, $memory.close;                    # TrueFalse
=end code

=head3 method closed

    method closed(--> Bool:D)

True if the mapping is closed.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4096)).closed;               # False
=end code

=head2 The address

=head3 method address

    method address(--> Pointer:D)

The address of the first byte, for native code. It is valid until the mapping is closed, garbage-collected, resized or split; an access
after that is not checked. An empty mapping has no byte that could be accessed.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4096)).address;
=end code

=head3 method acquire, method release

    method acquire(--> Pointer:D)
    method release(--> Int:D)

C<acquire> returns the address and keeps it valid until the matching C<release>: until then, closing, resizing and splitting are
X::Mmap::Busy. C<release> returns how many C<acquire> calls remain without a C<release>.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
{
    my $address = $memory.acquire;
    LEAVE $memory.release;
    say (try $memory.close) // $!.^name;             # X::Mmap::Busy
}
=end code

=end pod

method handle(--> Int:D) { $!handle }
method of { self.defined ?? $!kind.type !! Mu }
method element-kind is implementation-detail { $!kind }
method bytes(--> Int:D) { checked '.bytes', mmap_wrap_length($!handle), self }
# On the type object, too: after a failed mmap, `will leave { .?close }` finds the type object in the variable.
method close(--> Bool:D) { self.defined && so checked '.close', munmap_wrap($!handle), self }
method closed(--> Bool:D) { mmap_wrap_length($!handle) == E_UNMAPPED }

method address(--> Pointer:D) { self!pointer: '.address', mmap_wrap_address($!handle) }
method acquire(--> Pointer:D) { self!pointer: '.acquire', mmap_wrap_acquire($!handle) }
method release(--> Int:D) { checked '.release', mmap_wrap_release($!handle), self }

# These functions return NULL on failure.
method !pointer($call, $address --> Pointer:D) { $address || failure($call, mmap_wrap_last_error_code, :$!path).throw }

#| A new mapping that a native call made from this one.
method derived($call, Int:D $handle) is implementation-detail { self.from-handle(checked($call, $handle, self), $!kind, $!path) }

multi method gist(::?CLASS:D: --> Str:D) {
    my $of = $!path.defined ?? " of '$!path'" !! '';
    my $what = self.closed ?? 'closed' !! "{self.elems} × {self.of.^name}";
    "Mmap::Wrap::Mapping($what$of)"
}
# No code recreates a mapping. The message of a routine that accepts only a Blob, such as IO::Handle.write, ends with the first 20
# characters of this.
multi method raku(::?CLASS:D: --> Str:D) { self.gist.subst('Mmap::Wrap::Mapping(', 'Mapping(use .Blob or .write-to; ') }

# The garbage collector would unmap the memory once for each object.
multi method clone(::?CLASS:D: *%) {
    bad-argument '.clone', 'a mapping cannot be cloned; map the file again, or .copy the bytes to another mapping'
}
