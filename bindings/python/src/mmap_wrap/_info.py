"""What the library knows of a map."""

from __future__ import annotations

import sys

from . import _ffi
from ._base import Base
from ._errors import checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._structs import Info


class Information(Base):
    """The part of the class `mmap` that reports what it is."""

    __slots__ = ()

    def info(self) -> Info:
        """What is known of the map: its length, address, page size, protection, flags and more: see `raw.Info`.

        ValueError: closed.

        >>> import mmap_wrap
        >>> info = mmap_wrap.mmap(-1, 100).info()
        >>> info.length, info.mapped == info.page_size == mmap_wrap.PAGESIZE
        (100, True)
        """
        import ctypes

        from ._structs import Info

        info = Info(descriptor=-1)
        checked(_ffi.mmap_wrap_info(self._handle, ctypes.byref(info), ctypes.sizeof(info)), "mmap.info")
        return info

    def dup_fd(self) -> int:
        """A new descriptor of the file that the map keeps, to be closed with os.close; programs started do not get it.

        ArgumentError: the map keeps no file (`trackfd=False`, `map_path`). OSError: EMFILE, too many are open.

        >>> import mmap_wrap, os
        >>> m = mmap_wrap.memfd(4096)
        >>> fd = m.dup_fd()
        >>> os.fstat(fd).st_size
        4096
        >>> os.close(fd)
        """
        number = checked(_ffi.mmap_wrap_dup_fd(self._handle), "mmap.dup_fd")
        if sys.platform == "win32":
            from ._windows import descriptor_of

            return descriptor_of(number)
        return number
