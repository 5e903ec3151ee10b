"""Operations on ranges of bytes: fill, copy, compare, and reading by lines."""

from __future__ import annotations

import io

from . import _base, _pieces
from ._base import ACCESS, ACCESS_READ, Base, handle_of
from ._ffi import int64
from ._header import MMAP_WRAP_REST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import SupportsIndex

# The number of bytes that `lines` reads at a time.
_PIECE = 1 << 20


class Access(Base):
    """The methods of `mmap` that operate on ranges of bytes."""

    __slots__ = ()

    def _require_writable(self) -> None:
        if self._access & ACCESS == ACCESS_READ:
            raise TypeError("mmap can't modify a readonly memory map.")

    def fill(self, byte: SupportsIndex = 0, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Sets `size` bytes from `offset` on, by default all, to `byte`, an int from 0 to 255.

        ValueError: closed, `byte` out of range, or a range outside the map. TypeError: the map is read-only.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4)
        >>> m.fill(0xFF, 2)
        >>> m[:]
        b'\\x00\\x00\\xff\\xff'
        """
        value, start, count = int64(byte), int64(offset), MMAP_WRAP_REST if size is None else int64(size)
        self._require_writable()
        _pieces.fill(self._handle, start, value, count)

    def copy_from(
        self, other: Base, dest: SupportsIndex = 0, src: SupportsIndex = 0, size: SupportsIndex | None = None
    ) -> int:
        """Copies `size` bytes at offset `src` of the map `other`, by default to its end, to offset `dest` of this map.

        Returns the number of bytes copied. ValueError: a map is closed, or a range is outside its map. TypeError: this
        map is read-only, or `other` is not a map. FaultError: an access faulted; the message says to which map.

        >>> import mmap_wrap
        >>> m, backup = mmap_wrap.mmap(-1, 4), mmap_wrap.mmap(-1, 6)
        >>> m[:] = b"data"
        >>> backup.copy_from(m, 2)
        4
        >>> backup[:]
        b'\\x00\\x00data'
        """
        to, origin, count = int64(dest), int64(src), MMAP_WRAP_REST if size is None else int64(size)
        theirs = handle_of(other)
        self._require_writable()
        return _pieces.copy(self._handle, to, theirs, origin, count)

    def compare(
        self, other: Base, offset: SupportsIndex = 0, theirs: SupportsIndex = 0, size: SupportsIndex | None = None
    ) -> int:
        """Compares `size` bytes from `offset` on with those of the map `other` from its offset `theirs` on.

        Returns the number of equal bytes before the first difference; `size` if there is none. `size` is by default the
        rest of this map. ValueError: a map is closed, or a range is outside its map. FaultError: an access to one of
        the maps faulted before a difference was found.

        >>> import mmap_wrap
        >>> one, other = mmap_wrap.mmap(-1, 4), mmap_wrap.mmap(-1, 4)
        >>> one[:], other[:] = b"data", b"date"
        >>> one.compare(other)
        3
        """
        here, there, count = int64(offset), int64(theirs), MMAP_WRAP_REST if size is None else int64(size)
        return _pieces.compare(self._handle, here, handle_of(other), there, count)

    def lines(self, start: SupportsIndex = 0, end: SupportsIndex | None = None) -> Iterator[bytes]:
        """Each line between `start` and `end` (slice notation) as bytes with its newline; the last may have none.

        Reads 1 MiB at a time, so it needs little memory for a map of any size, and is several times as fast as
        `readline`. Changes to the map during the iteration may or may not be seen. ValueError: closed. FaultError: an
        access faulted in the next MiB; `readline` can still read the lines before the fault.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one\\ntwo"
        >>> list(m.lines())
        [b'one\\n', b'two']
        """
        first, last, _ = slice(int64(start), None if end is None else int64(end)).indices(len(self))
        # Faster than a generator that yields each line.
        from itertools import chain

        return chain.from_iterable(self._lines(first, last))

    def _lines(self, position: int, last: int) -> Iterator[Iterable[bytes]]:
        partial: list[bytes] = []
        while position < last:
            part = slice(position, min(position + _PIECE, last))
            # The method of the class itself: a subclass may override it.
            piece = _base.mmap.__getitem__(self, part)
            if not piece:
                break
            position += len(piece)
            whole = piece.rfind(b"\n") + 1
            if whole:
                lines = io.BytesIO(piece[:whole] if whole < len(piece) else piece)
                yield (b"".join((*partial, lines.readline())),)
                yield lines
                partial, piece = [], piece[whole:]
            if piece:
                partial.append(piece)
        if partial:
            yield (b"".join(partial),)
