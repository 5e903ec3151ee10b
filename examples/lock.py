"""Counts in shared memory together with other processes, which may be written in different languages, with a mutex.

    python3 examples/lock.py /counter 10000 &
    raku -Ibindings/raku examples/lock.raku /counter 10000

Shows: a mutex between processes, which is taken over if its owner is killed. Each process reads the counter, adds one
and writes it back, TIMES times, with the mutex locked; without the mutex, some increments would be lost.
examples/README.md describes the layout. `rm /dev/shm/counter` removes the counter.
"""

import argparse
import sys

import mmap_wrap as mmap

MUTEX, COUNTER, SIZE = 0, 16, 24


def count(name, times):
    """Adds one to the counter this many times. Returns the counter."""
    # New shared memory contains zeros: an unlocked mutex, and a counter of 0.
    memory = mmap.shared_memory(name, SIZE)
    # One store changes the counter, so it is consistent also if an owner died, and there is nothing to repair.
    mutex = memory.mutex(MUTEX, repair=lambda: None)
    for _ in range(times):
        with mutex:
            memory.put("i8", COUNTER, memory.get("i8", COUNTER) + 1)
    return memory.get("i8", COUNTER)


def natural(text):
    """Converts an argument to a number that is not negative."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Counts together with other processes, with a mutex.")
    parser.add_argument("name")
    parser.add_argument("times", type=natural)
    options = parser.parse_args()
    try:
        print(f"counted to {count(options.name, options.times)}")
    except (OSError, ValueError) as error:
        sys.exit(f"lock: {error}")
