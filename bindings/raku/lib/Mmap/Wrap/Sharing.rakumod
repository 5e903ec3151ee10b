=begin pod

=head1 NAME

Mmap::Wrap::Sharing - the methods of a mapping that share words with other threads and processes

=head1 DESCRIPTION

Words of 32 bits, or 64 with C<:bits(64)>, in the machine's own byte order, which threads and, in shared mappings, processes
change at the same time: also those written in other languages. Offsets are in bytes, and multiples of the word's
width, else X::Mmap::Alignment. Numbers are answered as signed; one for 32 bits may also be given as unsigned. The operations are
sequentially consistent.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Exceptions;
use Mmap::Wrap::Mutex;

unit role Mmap::Wrap::Sharing;

=begin pod

=head3 method atomic-load, method atomic-store

    method atomic-load($offset, :$bits = 32 --> Int:D)
    method atomic-store($offset, $value, :$bits = 32 --> Nil)

The word, and a new value for it: everything that was written before the store is seen by who loads the new value.

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

C<atomic-add> adds to the word, which wraps around; C<atomic-exchange> sets it; C<atomic-cas> sets it if it is the expected one.
All answer what the word was before: C<atomic-cas> has set it if that is the expected one.

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

C<wait> waits while the 32-bit word is the expected one, until C<wake> on the same word, in this process or another, at most
C<:timeout> seconds: False then, else True. It may return without a reason: look at the word, and wait again. Who waits
holds a thread, and, of a mapping that is closed meanwhile, the memory. C<wake> wakes all, or C<$count>, and answers how many.

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

A Supply of the 32-bit word: what it is when the Supply is tapped, and then each time that somebody changed it and called
C<wake>. Changes that follow each other quickly may come as one. It is done when the mapping is closed, and quits when the word
cannot be read. Each tap has a thread of its own, which ends with it.

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

A mutex in 16 bytes at C<$offset>, a multiple of 8, between threads and, in a shared mapping, processes: C<.lock>, C<.unlock>,
C<.protect({ … })>, as Raku's own Lock has them, and C<.lock(:timeout)>. Zeros, as in new memory, are a free one. C<:repair> is called
where a holder ended without unlocking it; see L<Mmap::Wrap::Mutex>.

=begin code :lang<raku>
use Mmap::Wrap;
my $shared = mmap :anon, :length(4096), :of(uint32);
my $mutex = $shared.mutex(0);
await (^4).map: { start for ^100 { $mutex.protect: { $shared[4]++ } } };
say $shared[4];                                      # 400
=end code

=end pod

method atomic-load(Mu $offset, Mu :$bits = 32 --> Int:D) {
    my int64 $value = 0;
    answered mmap_wrap_atomic_load(self.handle, |place('load', $bits, $offset), $value), :path(self.path);
    $value
}

method atomic-store(Mu $offset, Mu $value, Mu :$bits = 32 --> Nil) {
    answered mmap_wrap_atomic_store(self.handle, |place('store', $bits, $offset), word('store', $value)), :path(self.path)
}

method atomic-add(Mu $offset, Mu $value, Mu :$bits = 32 --> Int:D) {
    my int64 $before = 0;
    answered mmap_wrap_atomic_add(self.handle, |place('add', $bits, $offset), word('add', $value), $before), :path(self.path);
    $before
}

method atomic-exchange(Mu $offset, Mu $value, Mu :$bits = 32 --> Int:D) {
    my int64 $before = 0;
    answered mmap_wrap_atomic_exchange(self.handle, |place('exchange', $bits, $offset), word('exchange', $value), $before), :path(self.path);
    $before
}

method atomic-cas(Mu $offset, Mu $expected, Mu $desired, Mu :$bits = 32 --> Int:D) {
    my int64 $before = 0;
    answered mmap_wrap_atomic_compare_exchange(self.handle, |place('compare_exchange', $bits, $offset),
        word('compare_exchange', $expected), word('compare_exchange', $desired), $before), :path(self.path);
    $before
}

sub place($operation, Mu $bits, Mu $offset --> List:D) {
    whole("mmap_wrap_atomic_$operation", 'bits', $bits), whole("mmap_wrap_atomic_$operation", 'offset', $offset)
}

# The least signed number means something here, and one of 64 bits may be unsigned.
proto word($operation, Mu $) { * }
multi word($operation, Int:D $value --> Int:D) {
    out-of-range "mmap_wrap_atomic_$operation", "value $value does not fit 64 bits" unless REST <= $value < -2 * REST;
    $value < -REST ?? $value !! $value + 2 * REST
}
multi word($operation, Mu $value) { whole("mmap_wrap_atomic_$operation", 'the value', $value) }

method wait(Mu $offset, Mu $expected, Mu :$timeout = * --> Bool:D) {
    my $limit = nanoseconds('mmap_wrap_wait', $timeout);
    my ($at, $word) = whole('mmap_wrap_wait', 'offset', $offset), whole('mmap_wrap_wait', 'the expected word', $expected);
    my $code = mmap_wrap_wait(self.handle, $at, $word, $limit);
    return False if $code < 0 && failure($code).name eq 'ETIMEDOUT';
    return True if $code < 0 && failure($code).name eq 'EINTR';
    answered $code, :path(self.path);
    True
}

method wake(Mu $offset, Mu $count = * --> Int:D) {
    answered mmap_wrap_wake(self.handle, whole('mmap_wrap_wake', 'offset', $offset), size-or-rest('mmap_wrap_wake', $count, 'count')),
        :path(self.path)
}

method changes(Mu $offset --> Supply:D) {
    my $mapping := self;
    self.atomic-load($offset);   # what is wrong is said now
    supply {
        my $supplier = Supplier.new;
        my $tapped = True;
        whenever $supplier { .emit }
        CLOSE $tapped = False;
        Thread.start: :app_lifetime, { watch($mapping, $offset, $supplier, { $tapped }) };
    }
}

# The end of a tap wakes nobody: so each wait is a short one.
sub watch($mapping, $offset, $supplier, &tapped) {
    my $word = Nil;
    while tapped() {
        my $now = $mapping.atomic-load($offset);
        $supplier.emit($now) unless $word.defined && $word == $now;
        $word = $now;
        $mapping.wait($offset, $word, :timeout(.1));
    }
    CATCH {
        when X::Mmap::Closed { $supplier.done }
        default { $supplier.quit($_) }
    }
}

method mutex(Mu $offset, :&repair) {
    my $at = whole 'mutex', 'offset', $offset;
    self.atomic-load($at, :bits(64));
    answered mmap_wrap_check(self.handle, $at, MUTEX_SIZE), :path(self.path);
    Mmap::Wrap::Mutex.new(:mapping(self), :offset($at), :&repair)
}
