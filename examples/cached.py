"""Shows which part of a file is in the page cache, after bringing all of it in (warm) or letting it go (drop).

    python3 examples/cached.py big.iso
    python3 examples/cached.py big.iso warm

Shows: `residency`, `prefault`, `page_out`, `cachestat`. Each cell of the bar is a part of the file, of which all, some
(+) or no (.) pages are in memory. Of a file that you neither own nor may write, the kernel says that all of it is.
Pages that another program maps or locks do not go.
"""

import argparse
import sys

import mmap_wrap as mmap

CELLS = 64


def bar(pages):
    """The bar, of characters that fit where it goes."""
    none, some, every = "░▒█" if sys.stdout.isatty() else ".+#"
    cells = min(len(pages), CELLS)
    parts = [pages[i * len(pages) // cells : (i + 1) * len(pages) // cells] for i in range(cells)]
    return "".join(every if all(part) else some if any(part) else none for part in parts)


def figures(file):
    """What the page cache has of it, in words."""
    try:
        cache = file.cachestat()
    except OSError as error:
        return f"no figures of the page cache: {error.strerror}"
    return (
        f"page cache: {cache.cached} bytes, {cache.dirty} changed, {cache.writeback} being written,"
        f" {cache.evicted} evicted"
    )


def main(path, wish):
    """Does what is wished, and shows what there is."""
    with mmap.open(path) as file:
        if wish == "warm":
            file.prefault()
        elif wish == "drop":
            file.page_out()
        pages = file.residency()
        print(f"[{bar(pages)}]\n{sum(pages)} of {len(pages)} pages in memory\n{figures(file)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shows which part of a file is in the page cache.")
    parser.add_argument("file")
    parser.add_argument("wish", nargs="?", choices=["warm", "drop"])
    options = parser.parse_args()
    try:
        main(options.file, options.wish)
    except OSError as error:
        sys.exit(f"cached: {error}")
