"""Appends standard input to a file through a map that outgrows it.

    python3 examples/grow.py words.txt <more-words.txt

Shows: a map is resized together with its file, and written to like a file. Its length doubles whenever it is full, so
that N bytes cost few resizes, and at the end the file is cut to what was written, also after a failure. Killed before
that, it ends in zeros.
"""

import errno
import os
import sys

import mmap_wrap as mmap


def append(memory, piece):
    """Writes where the map stands, and makes it longer if need be; answers whether that was so."""
    wanted = length = len(memory)
    while memory.tell() + len(piece) > wanted:
        wanted = 2 * wanted or mmap.PAGESIZE
    if wanted != length:
        memory.resize(wanted)
    memory.write(piece)
    return wanted != length


def main(path):
    """Appends all there is."""
    steps = 0
    with mmap.open(path, "a+") as memory:
        before = memory.seek(0, os.SEEK_END)
        try:
            while piece := sys.stdin.buffer.read(4096):
                steps += append(memory, piece)
        finally:
            used = memory.tell()
            # No map can be made empty; where nothing could be written, the file keeps what it has.
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
