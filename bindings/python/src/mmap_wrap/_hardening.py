"""Guard regions, seals, names."""

from __future__ import annotations

from . import _ffi
from ._base import Base, part
from ._constants import value as _constant
from ._errors import checked
from ._ffi import int64
from ._header import MMAP_WRAP_E_UNSUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import SupportsIndex


class Hardening(Base):
    """The methods of `mmap` for guard regions, seals and names."""

    __slots__ = ()

    def guard(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, on: bool = True) -> None:
        """Makes the range a guard region, in which every access faults; `on=False` removes it.

        The contents of private memory in the range are lost. Both ends must be page-aligned, or the ends of the map:
        ArgumentError. When the guard region is removed, its pages have the protection of the map as a whole.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.guard(4096)
        >>> m[4096]
        Traceback (most recent call last):
        mmap_wrap.FaultError: [Errno 14] mmap.__getitem__: the access faulted at offset 4096, ...
        """
        checked(_ffi.mmap_wrap_guard(self._handle, int(bool(on)), *part(offset, size)), "mmap.guard")

    def mseal(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Seals the pages of the range until the process ends (mseal).

        Sealed pages cannot be unmapped, moved, or protected differently.

        From then on closing and resizing the map raise SealedError; it remains usable. Its views no longer survive
        SIGBUS (`survive`), because a lost page that is sealed cannot be replaced. OSError: ENOTSUP before Linux 6.10.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.mseal()
        ... except OSError as error:
        ...     reason = error.strerror                 # the kernel does not support mseal
        """
        survives = self.info().surviving
        if survives:
            checked(_ffi.mmap_wrap_survive(self._handle, 0), "mmap.mseal")
        try:
            checked(_ffi.mseal_wrap(self._handle, *part(offset, size)), "mmap.mseal")
        except (OSError, ValueError):
            if survives:
                _ffi.mmap_wrap_survive(self._handle, 1)
            raise

    def file_seals(self) -> int:
        """The seals of a memory file (`memfd`), F_SEAL_ constants or'ed together. OSError (EINVAL): not a memory file.

        >>> import mmap_wrap
        >>> mmap_wrap.memfd(4096).file_seals()
        0
        """
        return checked(_ffi.mmap_wrap_file_seals(self._handle), "mmap.file_seals")

    def add_file_seals(self, seals: SupportsIndex) -> None:
        """Adds `seals`, F_SEAL_ constants or'ed together, to those of a memory file; they cannot be removed.

        PermissionError: the file has F_SEAL_SEAL. OSError (EBUSY): F_SEAL_WRITE while a writable shared map exists.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(4096)
        >>> m.add_file_seals(mmap_wrap.F_SEAL_SHRINK)
        >>> m.file_seals() == mmap_wrap.F_SEAL_SHRINK
        True
        """
        checked(_ffi.mmap_wrap_add_file_seals(self._handle, int64(seals)), "mmap.add_file_seals")

    def set_name(self, name: str, /) -> None:
        """Gives a map without a file a `name` in /proc/PID/maps: at most 66 bytes of printable ASCII.

        If the kernel does not support it (before Linux 5.17, or without CONFIG_ANON_VMA_NAME), the call has no effect,
        as in the standard library; `raw.mmap_wrap_set_name` reports that. ValueError: the name is too long, or the map
        has a file. OSError (EINVAL): the name contains one of [ ] \\ $ or a backquote. TypeError: not a str.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).set_name("index cache")
        """
        if not isinstance(name, str):
            raise TypeError(f"set_name() argument must be str, not {type(name).__name__}")
        text = name.encode()
        # The standard library adds the prefix "cpython:mmap:", so its limit is lower than the kernel's.
        if len(text) > 66:
            raise ValueError("name is too long")
        if b"\0" in text:
            raise ValueError("embedded null character")
        if not self.info().flags & _constant("MAP_ANONYMOUS"):
            raise ValueError("Cannot set annotation on non-anonymous mappings")
        named = _ffi.mmap_wrap_set_name(self._handle, b"cpython:mmap:" + text)
        if named != MMAP_WRAP_E_UNSUPPORTED:
            checked(named, "mmap.set_name")
