"""Shows which part of a file is in the page cache, after bringing all of it in (warm) or letting it go (drop).

    python3 examples/cached.py big.iso
    python3 examples/cached.py big.iso warm

Shows: mincore_wrap, mmap_wrap_prefault, mmap_wrap_evict, cachestat_wrap. Each cell of the bar is a part of the file, of
which all, some (+) or no (.) pages are in memory. Of a file that you neither own nor may write, the kernel says that
all of it is. Pages that another program maps or locks do not go.
"""

import argparse
import ctypes
import os
import sys

import mmap_wrap as mmap
from mmap_wrap import raw

CELLS = 64


def open_file(path):
    """The handle of the file, which stays open."""
    how = (mmap.O_RDONLY, 0, raw.MMAP_WRAP_REST, 0, raw.MMAP_WRAP_REST)
    kept = mmap.MAP_SHARED | raw.MMAP_WRAP_KEEP
    return raw.check(raw.mmap_open_wrap(os.fsencode(path), *how, mmap.PROT_READ, kept, 0))


def presence(file):
    """A byte for each page of the file: 1 where it is in memory."""
    facts = raw.Facts()
    raw.check(raw.mmap_wrap_facts(file, ctypes.byref(facts), ctypes.sizeof(facts)))
    pages = ctypes.create_string_buffer(facts.mapped // facts.page_size)
    total = raw.check(raw.mincore_wrap(file, pages, len(pages), 0, raw.MMAP_WRAP_REST))
    return pages.raw[:total]


def bar(pages):
    """The bar, of characters that fit where it goes."""
    none, some, every = "░▒█" if sys.stdout.isatty() else ".+#"
    cells = min(len(pages), CELLS)
    parts = [pages[i * len(pages) // cells : (i + 1) * len(pages) // cells] for i in range(cells)]
    return "".join(every if all(part) else some if any(part) else none for part in parts)


def figures(file):
    """What the page cache has of it, in words."""
    cache = raw.Cache()
    code = raw.cachestat_wrap(file, ctypes.byref(cache), ctypes.sizeof(cache), 0, raw.MMAP_WRAP_REST)
    if code == raw.MMAP_WRAP_E_UNSUPPORTED:
        return f"no figures of the page cache: {raw.mmap_wrap_last_error_message().decode()}"
    raw.check(code)
    return (
        f"page cache: {cache.cached} bytes, {cache.dirty} changed, {cache.writeback} being written,"
        f" {cache.evicted} evicted"
    )


def drop(file):
    """Lets the page cache forget the file."""
    fd = raw.check(raw.mmap_wrap_descriptor(file))
    try:
        raw.check(raw.mmap_wrap_evict(fd, 0, raw.MMAP_WRAP_REST))
    finally:
        os.close(fd)


def main(path, wish):
    """Does what is wished, and shows what there is."""
    file = open_file(path)
    if wish == "warm":
        raw.check(raw.mmap_wrap_prefault(file, 0, 0, raw.MMAP_WRAP_REST))
    elif wish == "drop":
        drop(file)
    pages = presence(file)
    print(f"[{bar(pages)}]\n{sum(pages)} of {len(pages)} pages in memory\n{figures(file)}")
    raw.check(raw.munmap_wrap(file))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shows which part of a file is in the page cache.")
    parser.add_argument("file")
    parser.add_argument("wish", nargs="?", choices=["warm", "drop"])
    options = parser.parse_args()
    try:
        main(options.file, options.wish)
    except OSError as error:
        sys.exit(f"cached: {error}")
