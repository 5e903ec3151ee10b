"""Protection and advice."""

from __future__ import annotations

from . import _ffi
from ._base import ACCESS, ACCESS_READ, Base, part
from ._constants import value as _constant
from ._errors import checked
from ._ffi import int64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import SupportsIndex

_PROT_WRITE = _constant("PROT_WRITE")


class Protect(Base):
    """The methods of `mmap` for protection and advice."""

    __slots__ = ()

    def protect(self, prot: SupportsIndex, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Changes the protection of `size` bytes from `offset` on: `prot` is PROT_ constants or'ed together.

        `offset` must be page-aligned; `size`, by default the rest, is rounded up to whole pages. PROT_WRITE makes a
        read-only map writable. An access through the map that the protection forbids raises FaultError; through a view
        it ends the process, because views survive only SIGBUS. A view made later is writable if the protection last set
        for the whole map has PROT_WRITE.

        ValueError: closed, or a range outside the map. ArgumentError: `offset` is unaligned. PermissionError: the file
        was not opened for such access.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.protect(mmap_wrap.PROT_READ, 4096)
        >>> m[4095] = 1
        >>> m[4096] = 1
        Traceback (most recent call last):
        mmap_wrap.FaultError: [Errno 14] mmap.__setitem__: the access faulted at offset 4096, ...
        """
        protection = int64(prot)
        checked(_ffi.mprotect_wrap(self._handle, protection, *part(offset, size)), "mmap.protect")
        becomes_writable = protection & _PROT_WRITE and self._access & ACCESS == ACCESS_READ
        # Assigned in any case: the native class then determines again whether the next view is writable.
        self._access &= ~ACCESS if becomes_writable else -1

    def advise(self, advice: SupportsIndex, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Advises the kernel how `size` bytes from `offset` on will be used: `advice` is one MADV_ constant.

        Like `madvise`, except that a range beyond the end raises ValueError, as in all other methods. For advice that
        discards data, both ends of the range must be page-aligned, or ends of the map.

        ValueError: closed, or a range outside the map. ArgumentError: unknown advice, or an unaligned range. OSError:
        the kernel does not support it.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 8192).advise(mmap_wrap.MADV_SEQUENTIAL, 0, 4096)
        """
        checked(_ffi.madvise_wrap(self._handle, int64(advice), *part(offset, size)), "mmap.advise")
