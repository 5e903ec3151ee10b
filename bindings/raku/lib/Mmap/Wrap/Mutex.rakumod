=begin pod

=head1 NAME

Mmap::Wrap::Mutex - a lock in a mapping, between threads and processes

=head1 DESCRIPTION

What C<mutex> of a mapping answers. The lock is one word of 32 bits in the machine's own byte order: 0 is unlocked, 1 locked,
2 locked and somebody may be waiting. Whoever keeps to that, in whatever language, can take part:

=item lock: set the word from 0 to 1 if it is 0. Else set it to 2, and if it was not 0 before, wait while it is 2; repeat.
=item unlock: set it to 0, and if it was 2, wake one.

It knows no owner: a process that is killed while it has the lock leaves it locked, and a thread that locks twice waits for
itself.

=begin code :lang<raku>
use Mmap::Wrap;
my $table = mmap :memfd, :length(4096), :of(uint32);
my $mutex = $table.mutex(0);
say $mutex.protect: { $table[1] = 42 };              # 42
$mutex.lock;
say $mutex.lock(:timeout(.01));                      # False
$mutex.unlock;
=end code

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit class Mmap::Wrap::Mutex;

has $.mapping is required;
#| Where the word is, in bytes.
has Int $.offset is required;

#| Returns True when the lock is this caller's, or False after C<:timeout> seconds without it.
method lock(Mu :$timeout = * --> Bool:D) {
    my $nanoseconds = nanoseconds 'lock', $timeout;
    return True if $!mapping.atomic-cas($!offset, 0, 1) == 0;
    my $end = $nanoseconds == REST ?? Inf !! now + $nanoseconds / 1_000_000_000;
    until $!mapping.atomic-exchange($!offset, 2) == 0 {
        return False unless now < $end;
        $!mapping.wait($!offset, 2, :timeout($end == Inf ?? * !! 0 max $end - now));
    }
    True
}

#| Gives the lock back. X::Mmap::Argument where nobody has it.
method unlock(--> Nil) {
    given $!mapping.atomic-exchange($!offset, 0) {
        when 0 { misused 'unlock', "the lock at offset $!offset is not held" }
        when 2 { $!mapping.wake($!offset, 1) }
    }
}

#| Runs the block with the lock held, and answers what it does; the lock is given back also when it dies.
method protect(&block) {
    self.lock;
    # In a block of its own: where locking fails, there is nothing to give back.
    {
        LEAVE self.unlock;
        block
    }
}
