"""A robust mutex in a map, for threads and processes: it can be acquired after its owner has died."""

from __future__ import annotations

import errno
from time import monotonic_ns

from . import _ffi
from ._errors import OwnerDiedError, checked, errno_of
from ._ffi import nanoseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from ._base import Base

# Nanoseconds between runs of signal handlers: a signal that arrives while the library is not asleep does not wake it.
_INTERVAL = 250_000_000


class Mutex:
    """A mutex in 16 bytes of a map: what `mmap.mutex` returns. Zeros are an unlocked mutex.

    `with mutex:` holds it for a block. Its owner is a thread: acquiring it twice raises OSError (EDEADLK), releasing it
    in a thread that is not the owner PermissionError.
    """

    __slots__ = ("map", "offset", "repair")

    def __init__(self, map: Base, offset: int, repair: Callable[[], object] | None = None) -> None:  # noqa: A002
        self.map: Base = map
        self.offset: int = offset
        self.repair: Callable[[], object] | None = repair

    def acquire(self, timeout: float | None = None) -> bool:
        """Locks the mutex for this thread; waits up to `timeout` seconds. Returns False if that time passed, else True.

        If the previous owner died, `repair` is called with the mutex held; if it raises, the mutex is as before.
        OwnerDiedError: the previous owner died, and there is no `repair`. OSError (EDEADLK): this thread is the owner.
        """
        left = _INTERVAL if timeout is None else nanoseconds(timeout)
        end = monotonic_ns() + left
        while True:
            code = _ffi.mmap_wrap_mutex_lock(self.map._handle, self.offset, min(left, _INTERVAL))
            if errno_of(code) not in (errno.EINTR, errno.ETIMEDOUT):
                break
            if timeout is not None:
                left = end - monotonic_ns()
                if left <= 0:
                    return False
        if checked(code, "Mutex.acquire") == 1:
            try:
                self._repair()
            except BaseException:
                checked(_ffi.mmap_wrap_mutex_abandon(self.map._handle, self.offset), "Mutex.acquire")
                raise
        return True

    def _repair(self) -> None:
        if self.repair is None:
            message = f"Mutex.acquire: the owner of the mutex at offset {self.offset} ended without releasing it"
            raise OwnerDiedError(errno.EOWNERDEAD, f"{message}; pass repair= to mmap.mutex to acquire it")
        self.repair()

    def release(self) -> None:
        """Unlocks the mutex. PermissionError: this thread is not its owner."""
        checked(_ffi.mmap_wrap_mutex_unlock(self.map._handle, self.offset), "Mutex.release")

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at offset {self.offset} of {self.map!r}>"


Mutex.__module__ = __package__
