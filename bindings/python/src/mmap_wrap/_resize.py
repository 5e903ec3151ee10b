"""Another length, another address, two maps from one. `resize` is in the native module."""

from __future__ import annotations

from . import _ffi
from ._base import Base
from ._constants import needed as _needed
from ._constants import value as _constant
from ._errors import checked
from ._ffi import int64
from ._header import MMAP_WRAP_REST
from ._request import address_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self, SupportsIndex

_MREMAP_MAYMOVE = _constant("MREMAP_MAYMOVE")


class Resize(Base):
    """The part of the class `mmap` that is about its length and its place."""

    __slots__ = ()

    def remap(self, newsize: SupportsIndex | None = None, *, may_move: bool = True, address: SupportsIndex = 0) -> None:
        """Makes the map `newsize` bytes long, by default up to the end of its file, and leaves the file as it is.

        So a map for reading follows a file that grows. A shared map does not grow beyond the end of its file, where
        what is stored would be lost: `resize` makes both longer.
        `address` moves the map to exactly there, over whatever is there; where it is 0, `may_move` says whether the
        map may move at all.

        ValueError: closed, a new size of 0 or beyond the file, None for a map that keeps no file (`trackfd=False`,
        `map_path`).
        BufferError: a view is held. OSError: there is no room (ENOMEM), or the system call failed; then nothing has
        changed.

        >>> import mmap_wrap
        >>> m = mmap_wrap.anonymous(4096)
        >>> m.remap(8192)
        >>> len(m)
        8192
        """
        size, place = MMAP_WRAP_REST if newsize is None else int64(newsize), address_of(address)
        flags = _MREMAP_MAYMOVE if may_move or place else 0
        if place:
            flags |= _needed("MREMAP_FIXED", "mmap.remap")
        checked(_ffi.mremap_wrap(self._handle, size, flags, place or None, 0), "mmap.remap")
        # So that the map knows its new length.
        len(self)

    def split(self, offset: SupportsIndex) -> Self:
        """Splits the map at `offset`, a page boundary: this map ends there, the one returned has the rest.

        So a part can be closed or sealed by itself. ValueError: closed, or nothing would be left on one side.
        BufferError: a view is held.

        >>> import mmap_wrap
        >>> m = mmap_wrap.anonymous(3 * mmap_wrap.PAGESIZE)
        >>> tail = m.split(mmap_wrap.PAGESIZE)
        >>> len(m) // mmap_wrap.PAGESIZE, len(tail) // mmap_wrap.PAGESIZE
        (1, 2)
        """
        return type(self)._of(
            checked(_ffi.mmap_wrap_split(self._handle, int64(offset)), "mmap.split"), self._access, False
        )
