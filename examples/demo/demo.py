"""The demo in Python. demo.c prints the same lines.

demo.py FILE NEEDLE COPY      FILE is only read; COPY is a writable copy of it
"""

import struct
import subprocess
import sys
import time

import mmap_wrap as mmap


def show(name, value):
    """Prints a result in the format that run reads."""
    print(f"{name}\t{value}")


def show_header(file):
    """The first fields of the file, as typed values in the machine's byte order."""
    fields = [("first u8", 0, "B"), ("first u16", 0, "H"), ("first u32", 0, "I"), ("first u64", 0, "Q")]
    if len(file) >= 64 and file[:4] == b"\x7fELF":
        fields = [
            ("ELF class (u8)", 4, "B"),
            ("ELF type (u16)", 16, "H"),
            ("ELF machine (u16)", 18, "H"),
            ("ELF version (u32)", 20, "I"),
            ("ELF section headers at (u64)", 40, "Q"),
        ]
    for name, offset, form in fields:
        size = struct.calcsize(f"={form}")
        if offset + size <= len(file):
            show(name, struct.unpack(f"={form}", file[offset : offset + size])[0])


def show_matches(file, needle):
    """The offsets of the first and the last needle, and the number of needles."""
    count, at = 0, file.find(needle)
    if at >= 0:
        show(f"first '{needle.decode()}' at", at)
    while at >= 0:
        count += 1
        at = file.find(needle, at + len(needle))
    show(f"'{needle.decode()}' found", f"{count} times")
    if count:
        show(f"last '{needle.decode()}' at", file.rfind(needle))


def edit(copy, flags, what):
    """Changes the first bytes of the copy through a mapping."""
    with mmap.map_path(copy, flags=flags) as mapping:
        mapping[:8] = b"EDITED!\n"
        mapping.flush()
        show(f"{what}: the mapping has", mapping[:7].decode())


def show_as_others_see(what, path):
    """The first bytes of the file, as another process reads them."""
    seen = subprocess.run(["head", "-c", "8", path], stdout=subprocess.PIPE, check=True).stdout
    show(what, "EDITED!" if seen == b"EDITED!\n" else "as before")


def main(path, needle, copy):
    """Runs the demo."""
    start = time.perf_counter()
    file = mmap.map_path(path, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    mapped = time.perf_counter()
    show("length", f"{len(file)} bytes")
    show_header(file)

    before = time.perf_counter()
    show_matches(file, needle.encode())
    searched = time.perf_counter()

    reading = time.perf_counter()
    everything = file[:]
    read_all = time.perf_counter()
    show("sum of the first page", sum(everything[:4096]))
    file.close()
    show("mapped still", "no" if file.closed else "yes")

    edit(copy, mmap.MAP_PRIVATE, "private copy")
    show_as_others_see("private copy: another process reads", copy)
    edit(copy, mmap.MAP_SHARED, "shared copy")
    show_as_others_see("shared copy: another process reads", copy)

    show("time to map", f"{(mapped - start) * 1e6:.1f}")
    show("time to search", f"{(searched - before) * 1e6:.1f}")
    show("time to read all", f"{(read_all - reading) * 1e6:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
