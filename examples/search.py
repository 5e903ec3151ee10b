"""Searches a log of any size, and prints the lines that contain a word, each with its offset.

    python3 examples/search.py ERROR app.log

Shows: searching for words and newlines, readahead with MADV_SEQUENTIAL, and a log that is truncated (rotated) while it
is searched: the lines before the new end are printed, and the error is reported. If the new end is inside a page, the
rest of that page reads as zeros.

The exit status is 0 if lines were found, 1 if there are none, and 2 if the log could not be searched completely.
"""

import argparse
import os
import sys

import mmap_wrap as mmap


def lines_with(word, log):
    """Yields the offset and the text of each line that contains the word."""
    start, length = 0, len(log)
    while start < length and (at := log.find(word, start)) >= 0:
        start = max(start, log.rfind(b"\n", start, at) + 1)
        end = log.find(b"\n", at)
        if end < 0:
            end = length
        yield start, log[start:end]
        start = end + 1


def search(word, path):
    """Prints the lines and their number. Returns the exit status."""
    count, cut, out = 0, None, sys.stdout.buffer
    with mmap.open(path) as log:
        log.advise(mmap.MADV_SEQUENTIAL)
        try:
            for start, line in lines_with(word, log):
                out.write(b"%d: %s\n" % (start, line))
                count += 1
        except mmap.FaultError as error:
            cut = error
    out.write(b"%d lines contain '%s'\n" % (count, word))
    out.flush()
    if cut:
        print(f"search: {path} was truncated while it was searched: {cut.strerror}", file=sys.stderr)
        return 2
    return 0 if count else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prints the lines of a file that contain a word.")
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
