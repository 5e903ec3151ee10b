"""A ring buffer in shared memory between two processes, which may be written in different languages.

    python3 examples/ring.py consume /numbers &
    python3 examples/ring.py produce /numbers 100000

Shows: POSIX shared memory, atomic operations, waiting for another process and waking it. examples/README.md describes
the layout. The first process creates the ring buffer; the consumer removes its name. A process fails if the other does
nothing for SECONDS, default 60. `rm /dev/shm/numbers` removes a ring buffer that remains after a failure.
"""

import argparse
import struct
import sys

import mmap_wrap as mmap

HEAD, TAIL, SLOTS_AT, SLOTS, SLOT = 0, 64, 128, 64, 64
SIZE = SLOTS_AT + SLOTS * SLOT
MESSAGE = struct.Struct("=I60s")  # its length, 0 ends the stream; its text


class Ring:
    """A ring buffer by its name. `seconds` is how long to wait for the other process."""

    def __init__(self, name, seconds):
        # New shared memory contains zeros, which are an empty ring buffer, so either process may create it.
        self.memory = mmap.shared_memory(name, SIZE)
        self.seconds = seconds

    def store(self, word, value):
        """Stores a new head or tail. A process that loads it also sees everything that was written before."""
        self.memory.atomic_store(word, value, 32)
        self.memory.wake(word, 1)

    def wait_while(self, word, value):
        """Waits while the word has that value; may return earlier."""
        if not self.memory.wait(word, value, self.seconds):
            raise TimeoutError(f"the other process did nothing for {self.seconds} seconds")

    def put(self, text):
        """Waits for a free slot, and adds a message at the head."""
        head = self.memory.atomic_load(HEAD, 32)
        # The words are signed and wrap around: their difference is computed modulo 2**32.
        while (head - (tail := self.memory.atomic_load(TAIL, 32))) % 2**32 == SLOTS:
            self.wait_while(TAIL, tail)
        slot = SLOTS_AT + head % SLOTS * SLOT
        self.memory[slot : slot + SLOT] = MESSAGE.pack(len(text), text)
        self.store(HEAD, head + 1)

    def take(self):
        """Waits for a message, and removes it from the tail. An empty message ends the stream."""
        tail = self.memory.atomic_load(TAIL, 32)
        while self.memory.atomic_load(HEAD, 32) == tail:
            self.wait_while(HEAD, tail)
        slot = SLOTS_AT + tail % SLOTS * SLOT
        length, text = MESSAGE.unpack(self.memory[slot : slot + SLOT])
        self.store(TAIL, tail + 1)
        if length > len(text):
            raise ValueError(f"a message of {length} bytes: not a ring buffer")
        return text[:length]


def fnv(so_far, text):
    """FNV-1a, the checksum that both processes print."""
    for byte in text:
        so_far = (so_far ^ byte) * 16777619 & 0xFFFFFFFF
    return so_far


def produce(ring, count):
    """Sends this number of messages, and the empty one that ends the stream."""
    checksum = 2166136261
    for i in range(1, count + 1):
        text = b"message %d from Python" % i
        checksum = fnv(checksum, text)
        ring.put(text)
    ring.put(b"")
    print(f"{count} messages, checksum {checksum:08x}")


def consume(ring):
    """Receives messages up to the end of the stream."""
    count, checksum = 0, 2166136261
    while text := ring.take():
        checksum = fnv(checksum, text)
        count += 1
    print(f"{count} messages, checksum {checksum:08x}")


def positive(text):
    """Converts an argument to a positive number."""
    number = int(text)
    if number <= 0:
        raise ValueError
    return number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A ring buffer between two processes.")
    roles = parser.add_subparsers(dest="role", required=True)
    for role in ("produce", "consume"):
        options = roles.add_parser(role)
        options.add_argument("name")
        if role == "produce":
            options.add_argument("count", type=positive)
        options.add_argument("seconds", type=positive, nargs="?", default=60)
    options = parser.parse_args()
    try:
        ring = Ring(options.name, options.seconds)
        if options.role == "produce":
            produce(ring, options.count)
        else:
            consume(ring)
            mmap.unlink_shared_memory(options.name)
    except (OSError, ValueError) as error:
        sys.exit(f"ring: {error}")
