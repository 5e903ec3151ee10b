=begin pod

=head1 NAME

Mmap::Wrap::Mutex - a mutex in a mapping, between threads and processes

=head1 DESCRIPTION

What C<mutex> of a mapping returns. The mutex is 16 bytes at a multiple of 8; zeros are a free one. C and Python use the same one:
docs/synchronising.md of the repository has its layout.

It belongs to the thread that locked it, and is not recursive: locking it again in that thread is X::Mmap::System (EDEADLK),
unlocking it in another one X::Mmap::System (EPERM). Between C<lock> and C<unlock>, C<await> may continue the code on another
thread of the pool; inside of C<protect> it keeps the thread.

=begin code :lang<raku>
use Mmap::Wrap;
my $table = mmap :memfd, :length(4096), :of(uint32);
my $mutex = $table.mutex(0);
say $mutex.protect: { $table[4] = 42 };              # 42
$mutex.lock;
say await start $mutex.lock(:timeout(.01));          # False
$mutex.unlock;
=end code

=head2 A holder that ends without unlocking

Where the holder was killed, crashed, or its thread ended, the next thread to lock takes the mutex over: at once, or within a quarter
of a second where it waits already. What the mutex protects may be half changed then. C<lock> and C<protect> throw X::Mmap::OwnerDied,
the mutex is not held, and every thread gets that exception until one repairs the data. C<:repair> of C<mutex> is the code that does:
it is called with the mutex held, and where it returns, C<lock> succeeds. Where it throws, the next thread is in the same position.

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

#| Nanoseconds of one native call: threads that wait in one may hold up the garbage collector.
my constant PIECE = 250_000_000;

# Mutexes are there on Linux only.
my constant EOWNERDEAD = 130;

has $.mapping is required;
#| Where the mutex is, in bytes.
has Int $.offset is required;
has &.repair;

#| Returns True when the calling thread holds the mutex, or False after C<:timeout> seconds without it; 0 tries once.
method lock(Mu :$timeout = * --> Bool:D) {
    my $left = nanoseconds 'lock', $timeout;
    my $end = $left == REST ?? Inf !! now + $left / 1_000_000_000;
    my $code;
    until ($code = mmap_wrap_mutex_lock($!mapping.handle, $!offset, $left == REST ?? PIECE !! $left min PIECE)) >= 0 {
        my $failure = failure $code, :path($!mapping.path);
        $failure.throw unless $failure.name eq 'ETIMEDOUT' | 'EINTR';
        next if $end == Inf;
        $left = (($end - now) * 1_000_000_000).Int;
        return False if $left <= 0;
    }
    # Outside of the loop, which a `last` of the repair would leave.
    self!take-over if $code == 1;
    True
}

# Where this does not come to its end, however it is left, the next one to lock is to repair.
method !take-over {
    my $repaired = False;
    LEAVE answered mmap_wrap_mutex_abandon($!mapping.handle, $!offset), :path($!mapping.path) unless $repaired;
    X::Mmap::OwnerDied.new(:code(-EOWNERDEAD), :name<EOWNERDEAD>, :path($!mapping.path),
        :message("lock: the holder of the mutex at offset $!offset ended without unlocking it; a mutex with :repair takes it over")).throw
        unless &!repair;
    on-this-thread &!repair;
    $repaired = True;
}

#| Unlocks it. X::Mmap::System (EPERM) where the calling thread does not hold it.
method unlock(--> Nil) { answered mmap_wrap_mutex_unlock($!mapping.handle, $!offset), :path($!mapping.path) }

#| Runs the block with the mutex held, and returns its result; the mutex is unlocked also where the block throws.
method protect(&block) {
    self.lock;
    # In a block of its own: where locking fails, there is nothing to unlock.
    {
        LEAVE self.unlock;
        on-this-thread &block
    }
}

# While a thread holds a Lock, `await` blocks it instead of continuing on another one, which would not hold the mutex.
sub on-this-thread(&block) { Lock.new.protect: &block }
