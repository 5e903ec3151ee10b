#| Counts in shared memory together with other processes, which may be written in different languages, under a lock.
#|
#|     raku -Ibindings/raku examples/lock.raku /counter 10000 &
#|     python3 examples/lock.py /counter 10000
#|
#| Shows: a lock between processes. Each reads the counter, adds one and writes it back, so often as told, with the lock
#| held; without it, some of that would be lost. examples/README.md has the layout. `rm /dev/shm/counter` removes it.

use Mmap::Wrap;

multi MAIN($name, Int $times where * >= 0) {
    # New shared memory is all zeros: an unlocked lock, and nothing counted.
    my $shared = mmap :shared($name), :create, :size(16), :of(int64);
    my $mutex = $shared.mutex(0);
    for ^$times {
        $mutex.protect: { $shared[1] = $shared[1] + 1 }
    }
    say "counted to {$shared[1]}";
    CATCH { when X::Mmap { note "lock: {.message}"; exit 1 } }
}

multi MAIN(|) { note 'usage: lock.raku NAME TIMES'; exit 2 }
