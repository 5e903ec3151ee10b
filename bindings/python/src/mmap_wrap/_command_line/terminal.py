"""Formatting for a terminal: names, sizes, bars, and the progress line of long operations."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from typing import TextIO

# A cell of a bar: no page of its section is in memory, some are, all are.
BLOCKS, ASCII = "░▒█", ".+#"


def shown(name: str, stream: TextIO) -> str:
    """A file's name in one line, with characters that the stream cannot show, and backslashes, escaped.

    >>> import sys
    >>> print(shown("caf\\udce9\\x1b[1m\\n", sys.stdout))
    caf\\xe9\\x1b[1m\\n
    """
    text = "".join(c if c.isprintable() and c != "\\" else _escape(c) for c in name)
    encoding = stream.encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _escape(character: str) -> str:
    code = ord(character)
    # A byte of the name that is not valid text: os.fsdecode converts it to such a surrogate.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()


def can_show(text: str, stream: TextIO) -> bool:
    """Whether the stream's encoding can represent the text."""
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def arrow(stream: TextIO) -> str:
    """An arrow that the stream can show."""
    return "→" if can_show("→", stream) else "->"


def human(size: float) -> str:
    """A number of bytes with a unit, rounded.

    >>> human(0), human(1536), human(2**40), human(2**20 - 1)
    ('0 B', '1.5 KiB', '1.0 TiB', '1.0 MiB')
    """
    if size < 1024:
        return f"{size:.0f} B"
    units = iter(("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))
    size, unit = size / 1024, next(units)
    # Numbers that would be rounded to 1024.0 use the next unit.
    while size >= 1023.95:
        size, unit = size / 1024, next(units)
    return f"{size:.1f} {unit}"


def bar(cells: list[tuple[int, int]], width: int, stream: TextIO) -> str:
    """A bar of `width` characters; a cell is (pages in memory, pages), and fewer cells than characters are stretched.

    >>> import io
    >>> bar([(1, 1), (1, 2), (0, 1)], 6, io.TextIOWrapper(io.BytesIO(), "ascii"))
    '##++..'
    """
    none, some, every = tuple(BLOCKS if can_show(BLOCKS, stream) else ASCII)
    if not cells:
        return " " * width
    marks = [none if count == 0 else every if count == pages else some for count, pages in cells]
    return "".join(marks[i * len(marks) // width] for i in range(width))


def columns(stream: TextIO) -> int:
    """The width of the terminal in characters; 80 if it is unknown."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


class Progress:
    """A line on standard error that shows the progress of a long operation; leaving the block removes it.

    It appears only on a terminal, and after half a second.

    >>> with Progress("reading big.iso", 100) as progress:
    ...     progress.advance(50)
    """

    WAIT, INTERVAL = 0.5, 0.1
    CELLS = 24

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0
        self.began = time.monotonic()
        self.next = self.began + self.WAIT
        self.drawn = False
        self.stream = sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")

    def advance(self, count: int) -> None:
        """Adds `count` bytes to the progress."""
        self.done += count
        now = time.monotonic()
        if self.stream is not None and now >= self.next:
            self.next = now + self.INTERVAL
            self._write(self._line(now - self.began, self.stream))

    def _line(self, seconds: float, stream: TextIO) -> str:
        filled = self.done * self.CELLS // max(self.total, 1)
        strip = bar([(1, 1)] * filled + [(0, 1)] * (self.CELLS - filled), self.CELLS, stream)
        rate = self.done / seconds
        left = round((self.total - self.done) / rate) if rate else 0
        figures = f"{human(self.done)} of {human(self.total)}, {human(rate)}/s, {left // 60}:{left % 60:02} left"
        return f"{strip} {100 * self.done // max(self.total, 1)}%  {figures}  {shown(self.what, stream)}"

    def _write(self, line: str) -> None:
        if self.stream is None or not (line or self.drawn):
            return
        # Blanks erase the old line, because escape codes depend on the terminal. The last column remains empty: some
        # terminals would begin a new line.
        width = columns(self.stream) - 1
        print("\r" + " " * width + "\r" + clipped(line, width), end="", file=self.stream, flush=True)
        self.drawn = bool(line)


def clipped(line: str, width: int) -> str:
    """The beginning of the line that fits into `width` columns of a terminal.

    >>> clipped("abcd", 3), clipped("日本", 3)
    ('abc', '日')
    """
    used = 0
    for i, character in enumerate(line):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > width:
            return line[:i]
    return line
