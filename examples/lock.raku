#| Counts in shared memory together with other processes, which may be written in different languages, with a mutex.
#|
#|     raku -Ibindings/raku examples/lock.raku /counter 10000 &
#|     python3 examples/lock.py /counter 10000
#|
#| Shows: a mutex between processes, which is taken over if its owner is killed. Each process reads the counter, adds one and writes
#| it back, TIMES times, with the mutex locked; without the mutex, some increments would be lost. examples/README.md describes the
#| layout. `rm /dev/shm/counter` removes the counter.

use Mmap::Wrap;

multi MAIN($name, Int $times where * >= 0) {
    # New shared memory contains zeros: an unlocked mutex, and a counter of 0.
    my $shared = mmap :shm($name), :create, :size(24), :of(int64);
    # One store changes the counter, so it is consistent also if an owner died, and there is nothing to repair.
    my $mutex = $shared.mutex(0, repair => { True });
    for ^$times {
        $mutex.protect: { $shared[2] = $shared[2] + 1 }
    }
    say "counted to {$shared[2]}";
    CATCH { when X::Mmap { note "lock: {.message}"; exit 1 } }
}

multi MAIN(|) { note 'usage: lock.raku NAME TIMES'; exit 2 }
