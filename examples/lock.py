"""Counts in shared memory together with other processes, which may be written in different languages, under a lock.

    python3 examples/lock.py /counter 10000 &
    raku -Ibindings/raku examples/lock.raku /counter 10000

Shows: a lock between processes, of atomic words, waiting and waking. Each reads the counter, adds one and writes it
back, so often as told, with the lock held; without it, some of that would be lost. examples/README.md has the layout.
`rm /dev/shm/counter` removes it.
"""

import argparse
import sys

import mmap_wrap as mmap

LOCK, COUNTER, SIZE = 0, 8, 16
UNLOCKED, LOCKED, CONTENDED = 0, 1, 2


class Lock:
    """A lock in the word at an offset of a map; it is held inside a `with`."""

    def __init__(self, memory, offset):
        self.memory = memory
        self.offset = offset

    def __enter__(self):
        free, _ = self.memory.atomic_compare_exchange(self.offset, UNLOCKED, LOCKED, 32)
        # Whoever waits leaves the word contended, so that it is woken.
        while not free and self.memory.atomic_exchange(self.offset, CONTENDED, 32) != UNLOCKED:
            self.memory.wait(self.offset, CONTENDED)

    def __exit__(self, *error):
        if self.memory.atomic_exchange(self.offset, UNLOCKED, 32) == CONTENDED:
            self.memory.wake(self.offset, 1)


def count(name, times):
    """Counts so often; answers what the counter is then."""
    # New shared memory is all zeros: an unlocked lock, and nothing counted.
    memory = mmap.shared(name, SIZE)
    lock = Lock(memory, LOCK)
    for _ in range(times):
        with lock:
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
