"""Which pages are in memory: locking them, bringing them in, letting them go."""

from __future__ import annotations

from . import _ffi
from ._base import Base, part
from ._constants import needed as _needed
from ._errors import checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import SupportsIndex


class Residency(Base):
    """The part of the class `mmap` that is about which of its pages are in memory."""

    __slots__ = ()

    def lock(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, on_fault: bool = False) -> None:
        """Brings the pages of the range into memory and keeps them there; `on_fault`, each when it is first touched.

        Locks do not add up: one `unlock` undoes them. OSError: ENOMEM beyond RLIMIT_MEMLOCK, EPERM where that is 0.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.lock()
        ... except OSError as error:
        ...     reason = error.strerror                 # this process may not lock so much
        """
        flags = _needed("MLOCK_ONFAULT", "mmap.lock") if on_fault else 0
        checked(_ffi.mlock_wrap(self._handle, flags, *part(offset, size)), "mmap.lock")

    def unlock(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Lets the kernel swap the pages of the range again, however often they were locked.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).unlock(0, 100)
        """
        checked(_ffi.munlock_wrap(self._handle, *part(offset, size)), "mmap.unlock")

    def residency(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> bytes:
        """A byte for each page of the range: 1 where the page is in memory, 0 where it is not.

        Of a file, that means in the page cache. To a process that neither owns the file nor may write it, the kernel
        reports all of it as present. Pages may come and go at any moment.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(2 * mmap_wrap.PAGESIZE)
        >>> m[0] = 1
        >>> m.residency()
        b'\\x01\\x00'
        """
        import ctypes

        start, count = part(offset, size)
        room = (
            checked(_ffi.mmap_wrap_check(self._handle, start, count), "mmap.residency") // _ffi.mmap_wrap_page_size()
            + 2
        )
        pages = ctypes.create_string_buffer(room)
        known = checked(_ffi.mincore_wrap(self._handle, pages, room, start, count), "mmap.residency")
        return pages.raw[:known]

    def resident_bytes(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> int:
        """How many bytes of the range's pages are in memory, by the rules of `residency`.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).resident_bytes()
        0
        """
        return checked(_ffi.mmap_wrap_resident_bytes(self._handle, *part(offset, size)), "mmap.resident_bytes")

    def prefault(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, writing: bool = False) -> int:
        """Makes the pages of the range ready for reading, or for `writing`, and returns its size in bytes.

        Files are read in, memory is taken; what the pages hold stays as it is. FaultError: a page cannot be had.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 8192).prefault(writing=True)
        8192
        """
        return checked(_ffi.mmap_wrap_prefault(self._handle, int(bool(writing)), *part(offset, size)), "mmap.prefault")
