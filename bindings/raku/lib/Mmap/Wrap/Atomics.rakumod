=begin pod

=head1 NAME

Mmap::Wrap::Atomics - methods for atomic operations, for waiting and waking, and for mutexes

=head1 DESCRIPTION

Methods of L<Mmap::Wrap::Mapping>. Threads, and in shared mappings processes in any language, can use them on the same words at the same
time. A word has 32 bits, or 64 with C<:bits(64)>, in the byte order of the machine. Its offset is in bytes and must be a multiple of its
size, else it is X::Mmap::Alignment. Results are signed; a 32-bit value may also be given as an unsigned number. The operations are
sequentially consistent.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Exceptions;
use Mmap::Wrap::Mutex;

unit role Mmap::Wrap::Atomics;

=begin pod

=head3 method atomic-load, method atomic-store

    method atomic-load($offset, :$bits = 32 --> Int:D)
    method atomic-store($offset, $value, :$bits = 32 --> Nil)

C<atomic-load> returns the word, C<atomic-store> sets it. A thread that loads the new value also sees everything that was written before
the store.

=begin code :lang<raku>
use Mmap::Wrap;
my $shared = mmap :anon, :length(4096);
$shared.atomic-store(0, 7);
say $shared.atomic-load(0);                          # 7
=end code

=head3 method atomic-add, method atomic-exchange, method atomic-cas

    method atomic-add($offset, $value, :$bits = 32 --> Int:D)
    method atomic-exchange($offset, $value, :$bits = 32 --> Int:D)
    method atomic-cas($offset, $expected, $desired, :$bits = 32 --> Int:D)

C<atomic-add> adds to the word, and wraps around; C<atomic-exchange> sets it; C<atomic-cas> (compare and swap) sets it if it has the
expected value. All return the previous value. C<atomic-cas> has set the word if that is the expected value.

=begin code :lang<raku>
use Mmap::Wrap;
my $shared = mmap :anon, :length(4096);
await (^4).map: { start $shared.atomic-add(8, 1, :bits(64)) for ^100 };
say $shared.atomic-load(8, :bits(64));               # 400
say $shared.atomic-cas(0, 0, 1) == 0;                # True: it was 0, and is 1 now
=end code

=head3 method wait, method wake

    method wait($offset, $expected, :$timeout = * --> Bool:D)
    method wake($offset, $count = * --> Int:D)

C<wait> blocks while the 32-bit word has the expected value, until another thread or process calls C<wake> for the word. It returns False
after C<:timeout> seconds, else True. It may also return True without a reason, so check the word, and call C<wait> again if
necessary. A waiting thread keeps the memory of a mapping that another thread closes.

C<wake> wakes all waiting threads, or at most C<$count>, and returns how many.

=begin code :lang<raku>
use Mmap::Wrap;
my $shared = mmap :anon, :length(4096);
my $other = start { $shared.atomic-store(0, 1); $shared.wake(0) };
$shared.wait(0, 0) while $shared.atomic-load(0) == 0;
say $shared.wait(0, 1, :timeout(.01));               # False
await $other;
=end code

=head3 method changes

    method changes($offset --> Supply:D)

A Supply of the values of the 32-bit word: first the value at the time of the tap, then the new value each time a thread or process
changes the word and calls C<wake>. Changes in quick succession may be emitted as one. The Supply is done when the mapping is closed, and
quits if the word cannot be read. Each tap uses a thread until the tap is closed.

=begin code :lang<raku>
use Mmap::Wrap;
my $shared = mmap :anon, :length(4096);
start { for 1 .. 3 { $shared.atomic-store(0, $_); $shared.wake(0); sleep .01 } }
react whenever $shared.changes(0) {
    done if $_ == 3;
}
=end code

=head3 method mutex

    method mutex($offset, :&repair --> Mmap::Wrap::Mutex:D)

A mutex in the 16 bytes at C<$offset>, a multiple of 8. Its methods are C<.lock>, C<.unlock> and C<.protect>, as those of Raku's Lock, and
C<.lock(:timeout)>. Zeros, as in new memory, are an unlocked mutex. C<:repair> is code that repairs the data if an owner ended without
unlocking; see L<Mmap::Wrap::Mutex>.

=begin code :lang<raku>
use Mmap::Wrap;
my $shared = mmap :anon, :length(4096), :of(uint32);
my $mutex = $shared.mutex(0);
await (^4).map: { start for ^100 { $mutex.protect: { $shared[4]++ } } };
say $shared[4];                                      # 400
=end code

=end pod

method atomic-load(Mu $offset, Mu :$bits = 32 --> Int:D) { self!load('.atomic-load', $offset, $bits) }

method !load($call, Mu $offset, Mu $bits --> Int:D) {
    my int64 $value = 0;
    checked $call, mmap_wrap_atomic_load(self.handle, |word($call, $bits, $offset), $value), self;
    $value
}

method atomic-store(Mu $offset, Mu $value, Mu :$bits = 32 --> Nil) {
    checked '.atomic-store',
        mmap_wrap_atomic_store(self.handle, |word('.atomic-store', $bits, $offset), operand('.atomic-store', $value)), self
}

method atomic-add(Mu $offset, Mu $value, Mu :$bits = 32 --> Int:D) {
    my int64 $before = 0;
    checked '.atomic-add',
        mmap_wrap_atomic_add(self.handle, |word('.atomic-add', $bits, $offset), operand('.atomic-add', $value), $before), self;
    $before
}

method atomic-exchange(Mu $offset, Mu $value, Mu :$bits = 32 --> Int:D) {
    my int64 $before = 0;
    my $call = '.atomic-exchange';
    checked $call, mmap_wrap_atomic_exchange(self.handle, |word($call, $bits, $offset), operand($call, $value), $before), self;
    $before
}

method atomic-cas(Mu $offset, Mu $expected, Mu $desired, Mu :$bits = 32 --> Int:D) {
    my int64 $before = 0;
    my $call = '.atomic-cas';
    checked $call, mmap_wrap_atomic_compare_exchange(self.handle, |word($call, $bits, $offset),
        operand($call, $expected), operand($call, $desired), $before), self;
    $before
}

# Width and place of a word for a native call.
sub word($call, Mu $bits, Mu $offset --> List:D) { integer($call, 'bits', $bits), integer($call, 'offset', $offset) }

# A 64-bit value may be unsigned, and -2⁶³ is a value here.
proto operand($call, Mu $) { * }
multi operand($call, Int:D $value --> Int:D) {
    out-of-range $call, "value $value does not fit 64 bits" unless REST <= $value < -2 * REST;
    $value < -REST ?? $value !! $value + 2 * REST
}
multi operand($call, Mu $value) { integer($call, 'value', $value) }

method wait(Mu $offset, Mu $expected, Mu :$timeout = * --> Bool:D) {
    my $limit = nanoseconds('.wait', $timeout);
    my ($at, $value) = integer('.wait', 'offset', $offset), integer('.wait', 'expected value', $expected);
    my $code = mmap_wrap_wait(self.handle, $at, $value, $limit);
    return True if $code >= 0;
    given code-name($code) {
        when 'ETIMEDOUT' { False }
        when 'EINTR'     { True }
        default          { checked '.wait', $code, self }
    }
}

method wake(Mu $offset, Mu $count = * --> Int:D) {
    checked '.wake', mmap_wrap_wake(self.handle, integer('.wake', 'offset', $offset), size-or-rest('.wake', $count, 'count')), self
}

method changes(Mu $offset --> Supply:D) {
    my &load = { self!load('.changes', $offset, 32) };
    my &wait = { self.wait($offset, $_, :timeout(.1)) };
    load();   # an invalid offset is an error now, not when the Supply is tapped
    supply {
        my $supplier = Supplier.new;
        my $tapped = True;
        whenever $supplier { .emit }
        CLOSE $tapped = False;
        Thread.start: :app_lifetime, { watch(&load, &wait, $supplier, { $tapped }) };
    }
}

# Closing a tap does not wake the thread, so each wait is short.
sub watch(&load, &wait, $supplier, &tapped) {
    my $last = Nil;
    while tapped() {
        my $value = load();
        $supplier.emit($value) unless $last.defined && $last == $value;
        $last = $value;
        wait($value);
    }
    CATCH {
        when X::Mmap::Closed { $supplier.done }
        default { $supplier.quit($_) }
    }
}

method mutex(Mu $offset, :&repair) {
    my $at = integer '.mutex', 'offset', $offset;
    self!load('.mutex', $at, 64);
    checked '.mutex', mmap_wrap_check(self.handle, $at, MUTEX_SIZE), self;
    Mmap::Wrap::Mutex.new(:mapping(self), :offset($at), :&repair)
}
