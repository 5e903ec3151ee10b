"""A ring buffer in shared memory between two processes, which may be written in different languages.

    python3 examples/ring.py consume /numbers &
    python3 examples/ring.py produce /numbers 100000

Shows: POSIX shared memory by its name, atomic words, waiting for another process and waking it. examples/README.md has
the layout of the ring. Who comes first makes it; the consumer takes its name away. Each gives up when the other does
nothing for as many SECONDS, by default 60. One that was left behind is removed by `rm /dev/shm/numbers`.
"""

import argparse
import ctypes
import errno
import os
import struct
import sys

import mmap_wrap as mmap
from mmap_wrap import raw

HEAD, TAIL, SLOTS_AT, SLOTS, SLOT = 0, 64, 128, 64, 64
SIZE = SLOTS_AT + SLOTS * SLOT
MESSAGE = struct.Struct("=I60s")  # its length, 0 ends the stream; its text


class Ring:
    """The ring of that name; `seconds` is how long to wait for the other end."""

    def __init__(self, name, seconds):
        # New shared memory is all zeros, which is an empty ring: it does not matter who makes it.
        how = (mmap.O_RDWR | mmap.O_CREAT, 0o600, SIZE, 0, raw.MMAP_WRAP_REST)
        kind = (mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, 0)
        self.handle = raw.check(raw.mmap_shm_wrap(name, *how, *kind))
        self.seconds = seconds
        self.word = ctypes.c_int64()
        self.slot = ctypes.create_string_buffer(SLOT)

    def load(self, word):
        """The head or the tail."""
        raw.check(raw.mmap_wrap_atomic_load(self.handle, 32, word, ctypes.byref(self.word)))
        return self.word.value & 0xFFFFFFFF

    def store(self, word, value):
        """Publishes a new head or tail: everything written before it is seen by who sees it."""
        raw.check(raw.mmap_wrap_atomic_store(self.handle, 32, word, value & 0xFFFFFFFF))
        raw.check(raw.mmap_wrap_wake(self.handle, word, 1))

    def wait_while(self, word, value):
        """Returns when the word is, or may be, another."""
        result = raw.mmap_wrap_wait(self.handle, word, value, self.seconds * 1_000_000_000)
        if result == -errno.ETIMEDOUT:
            raise TimeoutError(f"nothing came from the other end for {self.seconds} seconds")
        if result != -errno.EINTR:
            raw.check(result)

    def put(self, text):
        """Adds a message at the head, as soon as there is room."""
        head = self.load(HEAD)
        while (head - (tail := self.load(TAIL))) & 0xFFFFFFFF == SLOTS:
            self.wait_while(TAIL, tail)
        slot = MESSAGE.pack(len(text), text)
        raw.check(raw.mmap_wrap_write(self.handle, SLOTS_AT + head % SLOTS * SLOT, slot, SLOT))
        self.store(HEAD, head + 1)

    def take(self):
        """The message at the tail, as soon as there is one."""
        tail = self.load(TAIL)
        while self.load(HEAD) == tail:
            self.wait_while(HEAD, tail)
        raw.check(raw.mmap_wrap_read(self.handle, SLOTS_AT + tail % SLOTS * SLOT, self.slot, SLOT))
        self.store(TAIL, tail + 1)
        length, text = MESSAGE.unpack(self.slot.raw)
        if length > len(text):
            raise ValueError(f"a message of {length} bytes: this is no ring")
        return text[:length]


def fnv(so_far, text):
    """FNV-1a: what both ends compare."""
    for byte in text:
        so_far = (so_far ^ byte) * 16777619 & 0xFFFFFFFF
    return so_far


def produce(ring, count):
    """Sends so many messages, and the end."""
    checksum = 2166136261
    for i in range(1, count + 1):
        text = b"message %d from Python" % i
        checksum = fnv(checksum, text)
        ring.put(text)
    ring.put(b"")
    print(f"{count} messages, checksum {checksum:08x}")


def consume(ring):
    """Receives messages up to the end."""
    count, checksum = 0, 2166136261
    while text := ring.take():
        checksum = fnv(checksum, text)
        count += 1
    print(f"{count} messages, checksum {checksum:08x}")


def positive(text):
    """A number of the command line."""
    number = int(text)
    if number <= 0:
        raise ValueError
    return number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A ring buffer between two processes.")
    ends = parser.add_subparsers(dest="end", required=True)
    for end in ("produce", "consume"):
        options = ends.add_parser(end)
        options.add_argument("name")
        if end == "produce":
            options.add_argument("count", type=positive)
        options.add_argument("seconds", type=positive, nargs="?", default=60)
    options = parser.parse_args()
    try:
        name = os.fsencode(options.name)
        ring = Ring(name, options.seconds)
        if options.end == "produce":
            produce(ring, options.count)
        else:
            consume(ring)
            raw.check(raw.shm_unlink_wrap(name))
    except (OSError, ValueError) as error:
        sys.exit(f"ring: {error}")
