"""Bytes of whole ranges: filled, copied, compared, and read line by line."""

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

    from ._mapping import mmap

# Bytes that are read at a time where all would be too many.
_PIECE = 1 << 20


class Access(Base):
    """The part of the class `mmap` that is about the bytes of whole ranges."""

    __slots__ = ()

    def _require_writable(self) -> None:
        if self._access & ACCESS == ACCESS_READ:
            raise TypeError("mmap can't modify a readonly memory map.")

    def fill(self, byte: SupportsIndex = 0, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Sets `size` bytes from `offset` on, by default all, to `byte`.

        ValueError: closed, no byte, or a range outside the map. TypeError: mapped for reading only.

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
        self, other: mmap, dest: SupportsIndex = 0, src: SupportsIndex = 0, size: SupportsIndex | None = None
    ) -> int:
        """Copies `size` bytes from offset `src` of the map `other`, by default its rest, to offset `dest` of this one.

        Returns how many. ValueError: a map is closed, or a range outside of it. TypeError: mapped for reading only, or
        `other` is no map. FaultError: an access to one of them faulted; the message says which.

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
        self, other: mmap, offset: SupportsIndex = 0, theirs: SupportsIndex = 0, size: SupportsIndex | None = None
    ) -> int:
        """Compares `size` bytes from `offset` on with those of the map `other` from its offset `theirs` on.

        Returns how many are equal before the first difference: `size` where there is none. `size` is by default the
        rest of this map. ValueError: a map is closed, or a range outside of it. FaultError: an access to one of them
        faulted before there is a difference.

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

        It reads a MiB at a time, so that a map of any size takes little memory, and is several times as fast as
        `readline`. What changes in the map meanwhile may or may not be seen. ValueError: closed. FaultError: the memory
        faulted, somewhere in the MiB that comes next, whose first lines `readline` may still read.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one\\ntwo"
        >>> list(m.lines())
        [b'one\\n', b'two']
        """
        first, last, _ = slice(int64(start), None if end is None else int64(end)).indices(len(self))
        # Without a generator that each line would go through.
        from itertools import chain

        return chain.from_iterable(self._lines(first, last))

    def _lines(self, place: int, last: int) -> Iterator[Iterable[bytes]]:
        begun: list[bytes] = []
        while place < last:
            part = slice(place, min(place + _PIECE, last))
            # As the class has it, whatever a subclass may make of it.
            piece = _base.mmap.__getitem__(self, part)  # type: ignore[call-overload]
            if not piece:
                break
            place += len(piece)
            whole = piece.rfind(b"\n") + 1
            if whole:
                lines = io.BytesIO(piece[:whole] if whole < len(piece) else piece)
                yield (b"".join((*begun, lines.readline())),)
                yield lines
                begun, piece = [], piece[whole:]
            if piece:
                begun.append(piece)
        if begun:
            yield (b"".join(begun),)
