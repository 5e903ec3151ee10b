"""Counts in shared memory together with other processes, which may be written in different languages, under a lock.

    python3 examples/lock.py /counter 10000 &
    raku -Ibindings/raku examples/lock.raku /counter 10000

Shows: a mutex between processes, which is taken over where its owner was killed. Each reads the counter, adds one and
writes it back, so often as told, with the mutex held; without it, some of that would be lost.
examples/README.md has the
layout. `rm /dev/shm/counter` removes it.
"""

import argparse
import sys

import mmap_wrap as mmap

MUTEX, COUNTER, SIZE = 0, 16, 24


def count(name, times):
    """Counts so often; answers what the counter is then."""
    # New shared memory is all zeros: a free mutex, and nothing counted.
    memory = mmap.shared_memory(name, SIZE)
    # A counter is changed by one store: one that died left it as it was or as it should be. Nothing is to be repaired.
    mutex = memory.mutex(MUTEX, repair=lambda: None)
    for _ in range(times):
        with mutex:
            memory.put("i8", COUNTER, memory.get("i8", COUNTER) + 1)
    return memory.get("i8", COUNTER)


def natural(text):
    """A number of the command line."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Counts under a lock, together with other processes.")
    parser.add_argument("name")
    parser.add_argument("times", type=natural)
    options = parser.parse_args()
    try:
        print(f"counted to {count(options.name, options.times)}")
    except (OSError, ValueError) as error:
        sys.exit(f"lock: {error}")
