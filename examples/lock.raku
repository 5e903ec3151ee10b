#| Counts in shared memory together with other processes, which may be written in different languages, under a lock.
#|
#|     raku -Ibindings/raku examples/lock.raku /counter 10000 &
#|     python3 examples/lock.py /counter 10000
#|
#| Shows: a mutex between processes, which is taken over where its holder was killed. Each reads the counter, adds one and writes
#| it back, so often as told, with the mutex held; without it, some of that would be lost. examples/README.md has the layout.
#| `rm /dev/shm/counter` removes it.

use Mmap::Wrap;

multi MAIN($name, Int $times where * >= 0) {
    # New shared memory is all zeros: a free mutex, and nothing counted.
    my $shared = mmap :shared($name), :create, :size(24), :of(int64);
    # A counter is changed by one store: one that died left it as it was or as it should be, and nothing is to be repaired.
    my $mutex = $shared.mutex(0, repair => { True });
    for ^$times {
        $mutex.protect: { $shared[2] = $shared[2] + 1 }
    }
    say "counted to {$shared[2]}";
    CATCH { when X::Mmap { note "lock: {.message}"; exit 1 } }
}

multi MAIN(|) { note 'usage: lock.raku NAME TIMES'; exit 2 }
