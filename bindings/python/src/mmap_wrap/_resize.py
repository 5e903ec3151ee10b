"""Changing the length or address of a map, and splitting it. `resize` is in the native module."""

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
    """The methods of `mmap` that change its length or address."""

    __slots__ = ()

    def remap(self, newsize: SupportsIndex | None = None, *, may_move: bool = True, address: SupportsIndex = 0) -> None:
        """Makes the map `newsize` bytes long, by default up to the end of its file. Does not change the file.

        A read-only map can follow a file that grows in this way. A shared map cannot grow beyond the end of its file,
        where data would be lost: `resize` makes both longer. If `address` is not 0, the map moves to exactly this
        address, and replaces any mapping there; if it is 0, `may_move` permits the map to move.

        ValueError: closed, a new size of 0 or beyond the end of the file, or None for a map that keeps no file
        (`trackfd=False`, `map_path`). BufferError: there is a view of the map. OSError: not enough address space
        (ENOMEM), or the system call failed; nothing has changed.

        >>> import mmap_wrap
        >>> m = mmap_wrap.anonymous(4096)
        >>> m.remap(8192)
        >>> len(m)
        8192
        """
        size, target = MMAP_WRAP_REST if newsize is None else int64(newsize), address_of(address)
        flags = _MREMAP_MAYMOVE if may_move or target else 0
        if target:
            flags |= _needed("MREMAP_FIXED", "mmap.remap")
        checked(_ffi.mremap_wrap(self._handle, size, flags, target or None, 0), "mmap.remap")
        # Updates the length that the map object caches.
        len(self)

    def split(self, offset: SupportsIndex) -> Self:
        """Splits the map at `offset`, which must be page-aligned: this map ends there, the returned one has the rest.

        Each part can then be closed or sealed separately. ValueError: closed, or one part would be empty. BufferError:
        there is a view of the map.

        >>> import mmap_wrap
        >>> m = mmap_wrap.anonymous(3 * mmap_wrap.PAGESIZE)
        >>> tail = m.split(mmap_wrap.PAGESIZE)
        >>> len(m) // mmap_wrap.PAGESIZE, len(tail) // mmap_wrap.PAGESIZE
        (1, 2)
        """
        return type(self)._of(
            checked(_ffi.mmap_wrap_split(self._handle, int64(offset)), "mmap.split"), self._access, False
        )
