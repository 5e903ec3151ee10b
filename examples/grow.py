"""Appends standard input to a file through a mapping that outgrows it.

    python3 examples/grow.py words.txt <more-words.txt

Shows: a mapping that keeps its file open (MMAP_WRAP_KEEP) is resized together with it. Its length doubles whenever it
is full, so that N bytes cost few resizes, and at the end the file is cut to what was written, also after a failure.
Killed before that, it ends in zeros.
"""

import os
import sys

import mmap_wrap as mmap
from mmap_wrap import raw

READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE


class Growing:
    """The bytes of a file, to be appended to."""

    def __init__(self, path):
        how = (raw.MMAP_WRAP_REST, 0, raw.MMAP_WRAP_REST, READ_WRITE, mmap.MAP_SHARED | raw.MMAP_WRAP_KEEP, 0)
        self.handle = raw.check(raw.mmap_open_wrap(os.fsencode(path), mmap.O_RDWR | mmap.O_CREAT, 0o644, *how))
        self.used = self.room = raw.check(raw.mmap_wrap_length(self.handle))
        self.steps = 0

    def append(self, piece):
        """Adds bytes at the end."""
        wanted = self.room or mmap.PAGESIZE
        while self.used + len(piece) > wanted:
            wanted *= 2
        if wanted != self.room:
            self.resize(wanted)
            self.steps += 1
        self.used += raw.check(raw.mmap_wrap_write(self.handle, self.used, piece, len(piece)))

    def resize(self, length):
        """Gives mapping and file that length."""
        raw.check(raw.mremap_wrap(self.handle, length, mmap.MREMAP_MAYMOVE, None, 1))
        self.room = length

    def close(self):
        """Cuts the file to what was written, and unmaps it."""
        if 0 < self.used < self.room:
            self.resize(self.used)
        raw.check(raw.munmap_wrap(self.handle))


def main(path):
    """Appends all there is."""
    growing = Growing(path)
    before = growing.used
    try:
        while piece := sys.stdin.buffer.read(4096):
            growing.append(piece)
    finally:
        growing.close()
    print(f"{path}: {growing.used} bytes, {growing.used - before} of them new, grown {growing.steps} times")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: grow.py FILE <INPUT", file=sys.stderr)
        sys.exit(2)
    try:
        main(sys.argv[1])
    except (OSError, ValueError) as error:
        sys.exit(f"grow: {error}")
