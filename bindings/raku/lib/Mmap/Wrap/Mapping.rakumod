=begin pod

=head1 NAME

Mmap::Wrap::Mapping - one mapping: an array of native numbers over the bytes of a file or of memory

=head1 DESCRIPTION

What C<mmap> (see L<Mmap::Wrap>) answers. Here are its elements, and its life and death; its other methods are those of the
roles L<Mmap::Wrap::Bytes>, L<Mmap::Wrap::Text>, L<Mmap::Wrap::Pages>, L<Mmap::Wrap::Memory> and L<Mmap::Wrap::Sharing>.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Exceptions;
use Mmap::Wrap::Element;
use Mmap::Wrap::Bytes;
use Mmap::Wrap::Text;
use Mmap::Wrap::Pages;
use Mmap::Wrap::Memory;
use Mmap::Wrap::Sharing;
use nqp;   # for the containers of elements alone

unit class Mmap::Wrap::Mapping does Positional does Iterable
    does Mmap::Wrap::Bytes does Mmap::Wrap::Text does Mmap::Wrap::Pages does Mmap::Wrap::Memory does Mmap::Wrap::Sharing;

#| Indices from here on are out of any range, and their bytes beyond 64 bits.
my constant FAR = 2 ** 59;

has int $!handle;
has $!element;
# The element's, where the way to it would cost more than the access.
has int $!kind;
has int $!width;
has int $!floating;
# The least value that need not be looked at: the library takes a negative one for an unsigned one of 64 bits.
has int $!least;
has $.path;

submethod BUILD(Mu :$handle!, Mu :$of = uint8, Mu :$endian = NativeEndian, :$path) {
    self!set(whole('mapping', 'the handle', $handle), Mmap::Wrap::Element.of($of, $endian), $path)
}

#| What a call of the library has made. Not by `new`, whose way to BUILD would take a fifth of the time that it takes to map.
method over(Int:D $handle, Mmap::Wrap::Element:D $element, $path) is implementation-detail { nqp::create(self)!set($handle, $element, $path) }

method !set($handle, $element, $path) {
    $!element := $element<>;
    $!kind = $!element.kind;
    $!width = $!element.width;
    $!floating = $!element.floating;
    $!least = $!floating ?? NEAR !! $!element.lowest max -NEAR;
    $!path = $path;
    $!handle = $handle;
    self
}

# Runs at some garbage collection, on any thread, after the last reference has gone. An error has no caller to go to, and an
# exception here would end the program; a loss that no call has reported is said all the same.
submethod DESTROY {
    try {
        my int $code = munmap_wrap($!handle) if $!handle;
        $*ERR.say: "Mmap::Wrap::Mapping{$!path.defined ?? " of '$!path'" !! ''}: {mmap_wrap_last_error_message}" if $code == E_FAULT;
    }
}

=begin pod

=head2 Elements

=head3 method AT-POS

    $mapping[$index]

The element with that index, counted from 0; C<$mapping[*-1]> is the last. X::Mmap::OutOfRange where there is none,
X::Mmap::Fault where the access faults. It is a container with the value of that moment, which C<++>, C<+=>, C<is rw> and assignment
to a slice store into: X::Mmap::Fault where the mapping is read only. Raku's C<cas> and C<⚛> operators change that container alone; the
memory has C<atomic-cas> and its like (L<Mmap::Wrap::Sharing>).

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

Stores the element, and answers the value. A value that does not fit the type is X::Mmap::OutOfRange: nothing wraps
around. X::Mmap::Fault where the memory refuses.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096), :of(int16);
$memory[10] = -2;
=end code

=head3 method EXISTS-POS

    $mapping[$index]:exists

Whether there is an element with that index.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4))[4]:exists;               # False
=end code

=end pod

# What a container of Raku's own does when it is assigned to is up to its descriptor: that is how an element of an Array comes into
# being. Here it goes to the memory. The container holds the value from when it was made.
my class Place {
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

proto method AT-POS(|) { * }
multi method AT-POS(Int:D $index) is raw {
    my \place := nqp::create(Place);
    nqp::bindattr(place, Place, '$!mapping', self);
    nqp::bindattr(place, Place, '$!index', nqp::decont($index));
    # Made by hand: what Raku has for it would assign the value, and so store it.
    my \element := nqp::create(Scalar);
    nqp::bindattr(element, Scalar, '$!descriptor', place);
    nqp::bindattr(element, Scalar, '$!value', self!value-at($index));
    element
}
multi method AT-POS(Mu $index) is raw { self.AT-POS(position $index) }
multi method AT-POS(|) { misused 'index', 'a mapping has one dimension' }

method !value-at(Int:D $index) {
    self!check-far-off($index) unless -NEAR < $index < NEAR;
    # Native variables throughout: a native call with boxed arguments takes ten times as long.
    my int $handle = $!handle;
    my int $kind = $!kind;
    my int $at = $index;
    $at = $at * $!width;
    return self!float($at, $index) if $!floating;
    my int $value = mmap_wrap_get_int($handle, $kind, $at);
    # Below zero lies what stands for a failure, and what an unsigned number of 64 bits looks like.
    $value >= 0 || $!least < 0 && -NEAR < $value ?? $value !! self!told($value, $index)
}

proto method ASSIGN-POS(|) { * }
multi method ASSIGN-POS(Int:D $index, Int:D $value) {
    if -NEAR < $index < NEAR && $!least <= $value < NEAR {
        # As in AT-POS.
        my int $handle = $!handle;
        my int $kind = $!kind;
        my int $at = $index;
        $at = $at * $!width;
        my int $word = $value;
        my int $code = mmap_wrap_put_int($handle, $kind, $at, $word);
        return $value if $code == 0;
        # Another try would not tell of a loss, which is told once. An index or a value that is none is told of below.
        answered $code, :$!path unless $code == E_RANGE || $code == E_ARGUMENT;
    }
    self!store($index, $value)
}
multi method ASSIGN-POS(Int:D $index, Mu $value) { self!store($index, $value) }
multi method ASSIGN-POS(Mu $index, Mu $value) { self.ASSIGN-POS(position($index), $value) }
multi method ASSIGN-POS(|) { misused 'index', 'a mapping has one dimension' }

method !store(Int:D $index, Mu $value) {
    self!check-far-off($index) unless -NEAR < $index < NEAR;
    my int $at = $index;
    self!beyond($index) unless 0 <= $index < self.elems;
    $!element.put($!handle, $at * $!width, $value, :$!path);
    $value
}

method EXISTS-POS(Mu $index --> Bool:D) { 0 <= position($index) < self.elems }

# Indices are truncated as those of an Array are; what is no number has no position.
proto sub position(Mu) { * }
multi sub position(Int:D $index) { $index }
multi sub position(Real:D $index) {
    abs($index) < Inf ?? $index.Int !! misused 'index', "{shown $index} is no index"
}
# What a slice makes of NaN.
multi sub position(Failure:D $index) {
    $index.so;   # or it would complain when it is collected
    misused 'index', $index.exception.message
}
multi sub position(Mu $index) { misused 'index', "{shown $index} is no index" }

# Apart, so that AT-POS is short enough to be worked into its callers.
method !float(int $at, Int:D $index) {
    my int $handle = $!handle;
    my int $kind = $!kind;
    my num $float = mmap_wrap_get_float($handle, $kind, $at);
    # Only NaN is not equal to itself.
    $float == $float ?? $float !! self!told($float, $index)
}

# A number that may stand for a failure: what is wrong is told in elements.
method !told($value, Int:D $index) {
    CATCH { when X::Mmap::OutOfRange { self!beyond($index) } }
    $!element.read($value, :$!path)
}

method !check-far-off(Int:D $index) { self!beyond($index) unless -FAR < $index < FAR }

# The exception of a closed mapping comes first.
method !beyond(Int:D $index) { out-of-range 'index', "$index lies beyond {self.elems} elements", :$!path }

=begin pod

=head3 method elems

    method elems(--> Int:D)

How many whole elements there are; bytes that do not make up an element at the end are reached by C<read> and C<write>.
C<+$mapping> and C<.Int> are the same number, and C<.end> is one less; C<?$mapping> is False where there is none, as of an Array.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(10), :of(uint32)).elems;     # 2
=end code

=head3 method of, method endian

    method of()
    method endian(--> Endian:D)

The native type of the elements, and the order of their bytes.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(8), :of(num64)).of.^name;    # num64
say mmap('data.bin', :of(uint32), :endian(BigEndian)).endian;
=end code

=head3 method iterator

    for $mapping<> -> $element { … }
    my @alias := $mapping;
    for @alias -> $element { … }

The elements in order, read a page at a time: what is stored into the page at hand while iterating may not be seen. They are values;
a loop that changes elements goes over C<cells>. So
C<.map>, C<.sum>, C<.grep>, C<.hyper>, C<.race> and whatever else Raku makes of an iterator. C<.list>, and so C<@$mapping>, keeps
each element that it came to, some 50 bytes each; operators such as C<»+»> want that list.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
say $data.sum, ' ', $data.grep(* > 100).elems, ' ', $data.race.map(* + 1).sum;
my @bytes := $data;
say @bytes[^3].map(*.base(16));
=end code

=head3 method cells

    method cells(--> Positional:D)

The same elements as containers that read the memory anew whenever they are asked, also while iterating: C<.++ for $mapping.cells>.
Slower.

=begin code :lang<raku>
use Mmap::Wrap;
my $counters = mmap :anon, :length(4096), :of(uint32);
my @cells := $counters.cells;
@cells[0]++;
@cells[1 .. 3] = 10, 20, 30;
say $counters[^4];                                   # (1 10 20 30)
=end code

=head3 method STORE

    @alias = @values

Stores the values from the first element on, and leaves the rest as it is. X::Mmap::OutOfRange where there are too many,
or one that does not fit; X::Mmap::Argument for a lazy list. Nothing is stored then.

=begin code :lang<raku>
use Mmap::Wrap;
my @numbers := mmap :anon, :length(4096), :of(num64);
@numbers = 1.5, 2, 1/3;
say @numbers[^4];                                    # (1.5 2 0.3333333333333333 0)
=end code

=end pod

method elems(--> Int:D) { self.bytes div $!width }
method end(--> Int:D) { self.elems - 1 }
method Numeric(--> Int:D) { self.elems }
method Int(--> Int:D) { self.elems }
multi method Bool(::?CLASS:D: --> Bool:D) { self.elems > 0 }
method of { self.defined ?? $!element.type !! Mu }
method endian { $!element.endian }

my class Elements does Iterator {
    has $!mapping;
    has $!element;
    has int $!left;
    has int $!from;
    has $!piece;
    has int $!at;
    has int $!end;

    submethod BUILD(:$mapping, :$element, :$!left) {
        $!mapping := $mapping;
        $!element := $element;
    }

    method pull-one is raw {
        my int $at = $!at;
        return self!next-piece if $at == $!end;
        $!at = $at + 1;
        $!piece.AT-POS($at)
    }

    method !next-piece {
        my $width = $!element.width;
        my $count = $!left min 4096 div $width;
        return IterationEnd unless $count;
        $!piece := $!element.copy($!mapping, $!from, $count);
        $!from = $!from + $count * $width;
        $!left = $!left - $count;
        $!end = $count;
        $!at = 1;
        $!piece.AT-POS(0)
    }
}

method iterator { Elements.new(:mapping(self), :$!element, :left(self.elems)) }
method list { List.from-iterator(self.iterator) }
method Capture { self.list.Capture }   # for a signature that takes it apart

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
    misused 'assign', 'a lazy list has no end; take as many values as there are elements' if list.is-lazy;
    out-of-range 'assign', "{list.elems} values are too many for {self.elems} elements" if list.elems > self.elems;
    self.write(0, $!element.bytes-of(list));
    self
}

=begin pod

=head2 Life and death

=head3 method new

    method new(Int:D :$handle!, :$of = uint8, :$endian = NativeEndian, :$path)

Takes over a mapping that the raw layer made. C<mmap> is the usual way.

=begin code :lang<raku>
use Mmap::Wrap::Raw;
use Mmap::Wrap;
use NativeCall;
my $handle = mmap_wrap(Pointer, 4096, PROT_READ(), MAP_SHARED() +| MAP_ANONYMOUS(), -1, 0);
say Mmap::Wrap::Mapping.new(:$handle).bytes;         # 4096
=end code

=head3 method handle

    method handle(--> Int:D)

The handle that names the mapping in the raw layer. It stays the same after C<close>, and never comes to mean another.

=begin code :lang<raku>
use Mmap::Wrap;
use Mmap::Wrap::Raw;
my $memory = mmap :anon, :length(4096);
say mmap_wrap_length($memory.handle);                # 4096
=end code

=head3 method path

    method path(--> IO::Path)

Where the file was when it was mapped; undefined for a mapping of an IO::Handle without a path, or of memory.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('data.bin').path.basename;                  # data.bin
=end code

=head3 method bytes

    method bytes(--> Int:D)

The mapping's length in bytes, as it was asked for or found out: not rounded to pages.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(10)).bytes;                  # 10
=end code

=head3 method close

    method close(--> Bool:D)

Unmaps: True when this call did it, False when it was done already. X::Mmap::Busy while the address is held (C<acquire>),
X::Mmap::Sealed where a part is sealed. A mapping that nobody refers to any more is unmapped at some garbage collection;
C<will leave { .?close }> does it at the end of a block.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
say $memory.close, $memory.close;                    # TrueFalse
=end code

=head3 method closed

    method closed(--> Bool:D)

Whether it is closed.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:anon, :length(4096)).closed;               # False
=end code

=end pod

method handle(--> Int:D) { $!handle }
method bytes(--> Int:D) { answered mmap_wrap_length($!handle), :$!path }
# `will leave { .?close }` asks the type object where nothing came to be mapped.
method close(--> Bool:D) { self.defined && so answered munmap_wrap($!handle), :$!path }
method closed(--> Bool:D) { mmap_wrap_length($!handle) == E_UNMAPPED }

#| Another mapping that a call made from this one.
method sibling(Int:D $handle) is implementation-detail {
    self.over(answered($handle, :$!path), $!element, $!path)
}

multi method gist(::?CLASS:D: --> Str:D) {
    my $of = $!path.defined ?? " of '$!path'" !! '';
    my $what = self.closed ?? 'closed' !! "{self.elems} × {self.of.^name}";
    "Mmap::Wrap::Mapping($what$of)"
}
# No code makes the same mapping again. What takes a Blob alone, as the write of an IO::Handle does, ends its message with the first 20
# characters of this.
multi method raku(::?CLASS:D: --> Str:D) { self.gist.subst('Mmap::Wrap::Mapping(', 'Mapping(use .Blob or .write-to; ') }

# A second owner would unmap, when it is collected, what the first one still uses.
multi method clone(::?CLASS:D: *%) {
    misused 'clone', 'a mapping has one owner; map the file once more, or .copy the bytes into another mapping'
}
