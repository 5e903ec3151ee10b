"""Searches a log, however large, and prints the lines that hold a word, each with the offset at which it begins.

    python3 examples/search.py ERROR app.log

Shows: a search from newline to newline, read-ahead by MADV_SEQUENTIAL, and a log that is cut short (rotated) while it
is searched: the lines before are printed, the loss is told. Where the cut lies inside a page, the rest of that page
reads as zeros.

Ends with 0 where lines were found, with 1 where there are none, with 2 where not all of the log could be searched.
"""

import argparse
import os
import sys

import mmap_wrap as mmap


def lines_with(word, log):
    """The offset and the text of each line that holds the word."""
    start, length = 0, len(log)
    while start < length and (at := log.find(word, start)) >= 0:
        start = max(start, log.rfind(b"\n", start, at) + 1)
        end = log.find(b"\n", at)
        if end < 0:
            end = length
        yield start, log[start:end]
        start = end + 1


def search(word, path):
    """Prints the lines and their number; answers how the program ends."""
    count, cut, out = 0, None, sys.stdout.buffer
    with mmap.open(path) as log:
        log.advise(mmap.MADV_SEQUENTIAL)
        try:
            for start, line in lines_with(word, log):
                out.write(b"%d: %s\n" % (start, line))
                count += 1
        except mmap.FaultError as error:
            cut = error
    out.write(b"%d lines hold '%s'\n" % (count, word))
    out.flush()
    if cut:
        print(f"search: {path} was truncated while it was searched; no more is there: {cut.strerror}", file=sys.stderr)
        return 2
    return 0 if count else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prints the lines of a file that hold a word.")
    parser.add_argument("word")
    parser.add_argument("file")
    options = parser.parse_args()
    if not options.word:
        parser.error("the word is empty")
    try:
        sys.exit(search(os.fsencode(options.word), options.file))
    except OSError as error:
        print(f"search: {error}", file=sys.stderr)
        sys.exit(2)
