"""Counts in shared memory together with other processes, which may be written in different languages, under a lock.

    python3 examples/lock.py /counter 10000 &
    raku -Ibindings/raku examples/lock.raku /counter 10000

Shows: a lock between processes, of atomic words, waiting and waking. Each reads the counter, adds one and writes it
back, so often as told, with the lock held; without it, some of that would be lost. examples/README.md has the layout.
`rm /dev/shm/counter` removes it.
"""

import argparse
import contextlib
import ctypes
import errno
import os
import sys

import mmap_wrap as mmap
from mmap_wrap import raw

LOCK, COUNTER, SIZE = 0, 8, 16
UNLOCKED, LOCKED, CONTENDED = 0, 1, 2


class Lock:
    """A lock in the word at an offset of a mapping."""

    def __init__(self, handle, offset):
        self.handle = handle
        self.offset = offset
        self.before = ctypes.c_int64()

    def acquire(self):
        """Returns when the lock is this process's."""
        word = (self.handle, 32, self.offset)
        if raw.check(raw.mmap_wrap_atomic_compare_exchange(*word, UNLOCKED, LOCKED, None)):
            return
        # Whoever waits leaves the word contended, so that it is woken.
        while self.exchange(CONTENDED) != UNLOCKED:
            result = raw.mmap_wrap_wait(self.handle, self.offset, CONTENDED, raw.MMAP_WRAP_REST)
            if result != -errno.EINTR:
                raw.check(result)

    def release(self):
        """Gives the lock back."""
        if self.exchange(UNLOCKED) == CONTENDED:
            raw.check(raw.mmap_wrap_wake(self.handle, self.offset, 1))

    def exchange(self, value):
        """Sets the word; answers what it was before."""
        raw.check(raw.mmap_wrap_atomic_exchange(self.handle, 32, self.offset, value, ctypes.byref(self.before)))
        return self.before.value

    @contextlib.contextmanager
    def held(self):
        """With the lock held, also when what is done dies."""
        self.acquire()
        try:
            yield
        finally:
            self.release()


def count(name, times):
    """Counts so often; answers what the counter is then."""
    # New shared memory is all zeros: an unlocked lock, and nothing counted.
    how = (mmap.O_RDWR | mmap.O_CREAT, 0o600, SIZE, 0, raw.MMAP_WRAP_REST)
    handle = raw.check(raw.mmap_shm_wrap(name, *how, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, 0))
    lock = Lock(handle, LOCK)
    for _ in range(times):
        with lock.held():
            number = raw.mmap_wrap_get_int(handle, raw.MMAP_WRAP_I64, COUNTER)
            raw.check(raw.mmap_wrap_put_int(handle, raw.MMAP_WRAP_I64, COUNTER, number + 1))
    return raw.mmap_wrap_get_int(handle, raw.MMAP_WRAP_I64, COUNTER)


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
        print(f"counted to {count(os.fsencode(options.name), options.times)}")
    except (OSError, ValueError) as error:
        sys.exit(f"lock: {error}")
