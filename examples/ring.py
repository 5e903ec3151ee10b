"""A ring buffer in shared memory between two processes, which may be written in different languages.

    python3 examples/ring.py consume /numbers &
    python3 examples/ring.py produce /numbers 100000

Shows: POSIX shared memory by its name, atomic words, waiting for another process and waking it. examples/README.md has
the layout of the ring. Who comes first makes it; the consumer takes its name away. Each gives up when the other does
nothing for as many SECONDS, by default 60. One that was left behind is removed by `rm /dev/shm/numbers`.
"""

import argparse
import struct
import sys

import mmap_wrap as mmap

HEAD, TAIL, SLOTS_AT, SLOTS, SLOT = 0, 64, 128, 64, 64
SIZE = SLOTS_AT + SLOTS * SLOT
MESSAGE = struct.Struct("=I60s")  # its length, 0 ends the stream; its text


class Ring:
    """The ring of that name; `seconds` is how long to wait for the other end."""

    def __init__(self, name, seconds):
        # New shared memory is all zeros, which is an empty ring: it does not matter who makes it.
        self.memory = mmap.shared_memory(name, SIZE)
        self.seconds = seconds

    def publish(self, word, value):
        """Sets the head or the tail: everything written before it is seen by who sees it."""
        self.memory.atomic_store(word, value, 32)
        self.memory.wake(word, 1)

    def wait_while(self, word, value):
        """Returns when the word is, or may be, another."""
        if not self.memory.wait(word, value, self.seconds):
            raise TimeoutError(f"nothing came from the other end for {self.seconds} seconds")

    def put(self, text):
        """Adds a message at the head, as soon as there is room."""
        head = self.memory.atomic_load(HEAD, 32)
        # Words are signed and wrap around, so their distance is what it is modulo 2**32.
        while (head - (tail := self.memory.atomic_load(TAIL, 32))) % 2**32 == SLOTS:
            self.wait_while(TAIL, tail)
        slot = SLOTS_AT + head % SLOTS * SLOT
        self.memory[slot : slot + SLOT] = MESSAGE.pack(len(text), text)
        self.publish(HEAD, head + 1)

    def take(self):
        """The message at the tail, as soon as there is one."""
        tail = self.memory.atomic_load(TAIL, 32)
        while self.memory.atomic_load(HEAD, 32) == tail:
            self.wait_while(HEAD, tail)
        slot = SLOTS_AT + tail % SLOTS * SLOT
        length, text = MESSAGE.unpack(self.memory[slot : slot + SLOT])
        self.publish(TAIL, tail + 1)
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
        ring = Ring(options.name, options.seconds)
        if options.end == "produce":
            produce(ring, options.count)
        else:
            consume(ring)
            mmap.unlink_shared_memory(options.name)
    except (OSError, ValueError) as error:
        sys.exit(f"ring: {error}")
