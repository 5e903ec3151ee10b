"""Shows which pages of a file are in the page cache, after reading all of them in (warm) or evicting them (drop).

    python3 examples/cached.py big.iso
    python3 examples/cached.py big.iso warm

Shows: `residency`, `prefault`, `page_out`, `cachestat`. Each cell of the bar is a part of the file, of which all, some
(+) or no (.) pages are in memory. For a file that you do not own and cannot write, the kernel reports all pages as in
memory. Pages that another program maps or locks are not evicted.
"""

import argparse
import sys

import mmap_wrap as mmap

CELLS = 64


def bar(pages):
    """The bar; ASCII characters if the output is not a terminal."""
    none, some, every = "░▒█" if sys.stdout.isatty() else ".+#"
    cells = min(len(pages), CELLS)
    parts = [pages[i * len(pages) // cells : (i + 1) * len(pages) // cells] for i in range(cells)]
    return "".join(every if all(part) else some if any(part) else none for part in parts)


def figures(file):
    """The state of the file in the page cache, as text."""
    try:
        cache = file.cachestat()
    except OSError as error:
        return f"no figures of the page cache: {error.strerror}"
    return (
        f"page cache: {cache.cached} bytes, {cache.dirty} changed, {cache.writeback} being written,"
        f" {cache.evicted} evicted"
    )


def main(path, action):
    """Reads in or evicts the file, as the action requires, and shows its pages."""
    with mmap.open(path) as file:
        if action == "warm":
            file.prefault()
        elif action == "drop":
            file.page_out()
        pages = file.residency()
        print(f"[{bar(pages)}]\n{sum(pages)} of {len(pages)} pages in memory\n{figures(file)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shows which pages of a file are in the page cache.")
    parser.add_argument("file")
    parser.add_argument("action", nargs="?", choices=["warm", "drop"])
    options = parser.parse_args()
    try:
        main(options.file, options.action)
    except OSError as error:
        sys.exit(f"cached: {error}")
