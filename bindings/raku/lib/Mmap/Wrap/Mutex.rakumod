=begin pod

=head1 NAME

Mmap::Wrap::Mutex - a mutex in a mapping, for threads and processes

=head1 DESCRIPTION

The method C<mutex> of a mapping returns this object. The mutex is 16 bytes of memory at a multiple of 8; zeros are an unlocked mutex. C and
Python programs can use the same mutex; docs/synchronising.md of the repository describes its layout.

The thread that locked the mutex holds it. The mutex is not recursive: locking it again in that thread is X::Mmap::System (EDEADLK),
unlocking it in another thread is X::Mmap::System (EPERM). Between C<lock> and C<unlock>, an C<await> may continue on another thread of
the pool; inside C<protect> it does not.

=begin code :lang<raku>
use Mmap::Wrap;
my $table = mmap :memfd, :length(4096), :of(uint32);
my $mutex = $table.mutex(0);
say $mutex.protect: { $table[4] = 42 };              # 42
$mutex.lock;
say await start $mutex.lock(:timeout(.01));          # False
$mutex.unlock;
=end code

=head2 An owner that ends without unlocking

If the process or thread that holds the mutex ends without unlocking it, the next thread that locks the mutex takes it over; a thread that
is already waiting does so within a quarter of a second. The data that the mutex protects may then be inconsistent. So C<lock> and
C<protect> throw X::Mmap::OwnerDied, and do not hold the mutex, until a mutex object with C<:repair> repairs the data: its C<lock> calls
that code with the mutex held, and succeeds if the code returns. If the code throws, the data stays unrepaired, and the next C<lock> throws
X::Mmap::OwnerDied again.

=begin code :lang<raku>
use Mmap::Wrap;
my $pairs = mmap :memfd, :length(4096), :of(uint64);
my $mutex = $pairs.mutex(0, repair => { $pairs[3] = $pairs[2] });
$mutex.protect: { $pairs[2]++; $pairs[3]++ };
=end code

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Exceptions;

unit class Mmap::Wrap::Mutex;

#| Nanoseconds that one native call waits: a thread in a native call may delay the garbage collector.
my constant SLICE = 250_000_000;

# The errno of Linux, the only platform with mutexes.
my constant EOWNERDEAD = 130;

has $.mapping is required;
#| The offset of the mutex in bytes.
has Int $.offset is required;
has &.repair;

#| Locks the mutex, and returns True; or returns False after C<:timeout> seconds. A timeout of 0 tries once.
method lock(Mu :$timeout = * --> Bool:D) { self!lock('Mutex.lock', nanoseconds('Mutex.lock', $timeout)) }

method !lock($call, Int:D $timeout --> Bool:D) {
    my $left = $timeout;
    my $end = $left == REST ?? Inf !! now + $left / 1_000_000_000;
    my $code;
    until ($code = mmap_wrap_mutex_lock($!mapping.handle, $!offset, $left == REST ?? SLICE !! $left min SLICE)) >= 0 {
        checked $call, $code, $!mapping unless code-name($code) eq 'ETIMEDOUT' | 'EINTR';
        next if $end == Inf;
        $left = (($end - now) * 1_000_000_000).Int;
        return False if $left <= 0;
    }
    # After the loop: a `last` in the repair code would leave the loop.
    self!take-over($call) if $code == 1;
    True
}

# However the repair code is left, without a return the next lock has to repair again.
method !take-over($call) {
    my $repaired = False;
    LEAVE checked $call, mmap_wrap_mutex_abandon($!mapping.handle, $!offset), $!mapping unless $repaired;
    X::Mmap::OwnerDied.new(:code(-EOWNERDEAD), :name<EOWNERDEAD>, :path($!mapping.path),
        :message("$call: the owner of the mutex at offset $!offset ended without unlocking it; pass :repair to .mutex to take it over")).throw
        unless &!repair;
    on-this-thread &!repair;
    $repaired = True;
}

#| Unlocks the mutex. X::Mmap::System (EPERM) if the calling thread does not hold it.
method unlock(--> Nil) { self!unlock('Mutex.unlock') }
method !unlock($call) { checked $call, mmap_wrap_mutex_unlock($!mapping.handle, $!offset), $!mapping }

#| Runs the block with the mutex locked, and returns its result. The mutex is unlocked also if the block throws.
method protect(&block) {
    self!lock('Mutex.protect', REST);
    # A block of its own: if locking fails, there is nothing to unlock.
    {
        LEAVE self!unlock('Mutex.protect');
        on-this-thread &block
    }
}

# While a thread holds a Lock, `await` blocks it instead of continuing on another thread, which would not hold the mutex.
sub on-this-thread(&block) { Lock.new.protect: &block }
