"""A mutex in a map, between threads and processes, that can be taken over from a holder that died."""

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

    from ._mapping import mmap


# Nanoseconds after which handlers of signals run: one that comes while the library is not asleep does not wake it.
_LOOK = 250_000_000


class Mutex:
    """A mutex in 16 bytes of a map: what `mmap.mutex` makes, with its arguments. Zeros are one that is free.

    `with mutex:` holds it for a block. It belongs to a thread: acquiring it twice is an OSError (EDEADLK), releasing
    that of another thread a PermissionError.
    """

    __slots__ = ("map", "offset", "repair")

    def __init__(self, map: mmap, offset: int, repair: Callable[[], object] | None = None) -> None:  # noqa: A002
        self.map: mmap = map
        self.offset: int = offset
        self.repair: Callable[[], object] | None = repair

    def acquire(self, timeout: float | None = None) -> bool:
        """Waits until the mutex is this thread's; at most `timeout` seconds. True, or False after that time.

        Where its holder died, `repair` is called, with the mutex held; if it raises, the mutex is as before. Without
        a `repair`, OwnerDiedError. OSError (EDEADLK): this thread holds it.
        """
        left = _LOOK if timeout is None else nanoseconds(timeout)
        end = monotonic_ns() + left
        while True:
            code = _ffi.mmap_wrap_mutex_lock(self.map._handle, self.offset, min(left, _LOOK))
            if errno_of(code) not in (errno.EINTR, errno.ETIMEDOUT):
                break
            if timeout is not None:
                left = end - monotonic_ns()
                if left <= 0:
                    return False
        if checked(code, "Mutex.acquire") == 1:
            try:
                self._take_over()
            except BaseException:
                checked(_ffi.mmap_wrap_mutex_abandon(self.map._handle, self.offset), "Mutex.acquire")
                raise
        return True

    def _take_over(self) -> None:
        if self.repair is None:
            message = f"Mutex.acquire: the holder of the mutex at offset {self.offset} ended without releasing it"
            raise OwnerDiedError(errno.EOWNERDEAD, f"{message}; a mutex with repair= takes it over")
        self.repair()

    def release(self) -> None:
        """Gives the mutex back. PermissionError: this thread does not hold it."""
        checked(_ffi.mmap_wrap_mutex_unlock(self.map._handle, self.offset), "Mutex.release")

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at offset {self.offset} of {self.map!r}>"


Mutex.__module__ = __package__
