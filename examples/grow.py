"""Appends standard input to a file through a mapping that grows with the file.

    python3 examples/grow.py words.txt <more-words.txt

Shows: a mapping that is resized together with its file, and is written like a file. The length doubles when the mapping
is full, so that few resizes are needed. At the end, also after an error, the file is truncated to the bytes that were
written. If the program is killed before that, the file ends with zeros.
"""

import errno
import os
import sys

import mmap_wrap as mmap


def append(memory, piece):
    """Writes at the current position, and makes the mapping longer if necessary. Returns whether it was."""
    wanted = length = len(memory)
    while memory.tell() + len(piece) > wanted:
        wanted = 2 * wanted or mmap.PAGESIZE
    if wanted != length:
        memory.resize(wanted)
    memory.write(piece)
    return wanted != length


def main(path):
    """Appends all input, and truncates the file also after an error."""
    steps = 0
    with mmap.open(path, "a+") as memory:
        before = memory.seek(0, os.SEEK_END)
        try:
            while piece := sys.stdin.buffer.read(4096):
                steps += append(memory, piece)
        finally:
            used = memory.tell()
            # A mapping cannot be resized to 0 bytes. If nothing was written to an empty file, it keeps its length.
            if 0 < used < len(memory):
                memory.resize(used)
    print(f"{path}: {used} bytes, {used - before} of them new, grown {steps} times")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: grow.py FILE <INPUT", file=sys.stderr)
        sys.exit(2)
    try:
        main(sys.argv[1])
    except (OSError, ValueError) as error:
        name = errno.errorcode.get(getattr(error, "errno", 0), "")
        sys.exit(f"grow: {error} {name}".rstrip())
