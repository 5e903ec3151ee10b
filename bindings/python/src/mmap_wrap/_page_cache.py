"""The page cache: what is cached of a map's file, and evicting pages."""

from __future__ import annotations

from . import _ffi
from ._base import Base, part
from ._errors import checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import SupportsIndex

    from ._structs import Cachestat


class PageCache(Base):
    """The methods of `mmap` for the page cache."""

    __slots__ = ()

    def cachestat(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> Cachestat:
        """How much of the range's part of the file is in the page cache, in bytes: see `raw.Cachestat`.

        For files on overlayfs the kernel reports zeros. OSError: ENOTSUP before Linux 6.5. ArgumentError: the map keeps
        no file.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(4096)
        >>> m[0] = 1
        >>> try:
        ...     cached = m.cachestat().cached
        ... except OSError:
        ...     cached = "not before Linux 6.5"
        """
        import ctypes

        from ._structs import Cachestat

        cache = Cachestat()
        reference = ctypes.byref(cache)
        checked(
            _ffi.cachestat_wrap(self._handle, reference, ctypes.sizeof(cache), *part(offset, size)), "mmap.cachestat"
        )
        return cache

    def page_out(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Evicts the pages of the range from memory, as far as the kernel can. No data is lost.

        Changes in a shared map are written to the file first; private pages move to swap space, or stay in memory.
        `resident_bytes` returns how much stayed. OSError: EINVAL for locked pages; EIO if the data could not be
        written, and then all pages stayed.

        >>> import mmap_wrap
        >>> mmap_wrap.memfd(4096).page_out()
        """
        checked(_ffi.mmap_wrap_page_out(self._handle, *part(offset, size)), "mmap.page_out")
