"""Words that threads and processes wait on, and mutexes. The atomic operations are in the native module."""

from __future__ import annotations

import errno
from time import monotonic_ns

from . import _ffi
from ._base import Base
from ._errors import checked, errno_of
from ._ffi import int64, nanoseconds
from ._header import MMAP_WRAP_MUTEX_SIZE, MMAP_WRAP_REST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import SupportsIndex

    from ._mutex import Mutex


class Atomics(Base):
    """The part of the class `mmap` that is about words which threads and processes share."""

    __slots__ = ()

    def wait(self, offset: SupportsIndex, expected: SupportsIndex, timeout: float | None = None) -> bool:
        """Waits while the 32-bit word at byte `offset` is `expected`, until `wake`; at most `timeout` seconds.

        True when woken, or when the word is another; False after `timeout`, which by default never comes. One may be
        woken without a reason: look at the word, and wait again. Other threads and signal handlers run meanwhile.
        Threads may wait for each other, and so may processes that share the memory. Closing the map ends the waiting,
        within a quarter of a second, by ValueError; resizing it meanwhile is BufferError. Errors as `atomic_load`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4)
        >>> m.wait(0, 1), m.wait(0, 0, timeout=0.001)
        (True, False)
        """
        place, word = int64(offset), int64(expected)
        left = MMAP_WRAP_REST if timeout is None else nanoseconds(timeout)
        end = monotonic_ns() + left
        while True:
            result = _ffi.mmap_wrap_wait(self._handle, place, word, left)
            if errno_of(result) == errno.ETIMEDOUT:
                return False
            if errno_of(result) != errno.EINTR:
                checked(result, "mmap.wait")
                return True
            # A signal's handler ran, and raised nothing.
            if timeout is not None:
                left = max(end - monotonic_ns(), 0)

    def wake(self, offset: SupportsIndex, count: SupportsIndex | None = None) -> int:
        """Wakes up to `count`, by default all, waiters on the word at byte `offset`. Returns how many it woke.

        Errors as `atomic_load`.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4).wake(0)
        0
        """
        return checked(
            _ffi.mmap_wrap_wake(self._handle, int64(offset), MMAP_WRAP_REST if count is None else int64(count)),
            "mmap.wake",
        )

    def mutex(self, offset: SupportsIndex, repair: Callable[[], object] | None = None) -> Mutex:
        """A mutex in the 16 bytes at byte `offset`, a multiple of 8, for threads and processes; zeros are a free one.

        `with m.mutex(0):` holds it for a block; `acquire`, which takes a timeout, and `release` do in parts. Where a
        holder ended without releasing it, `repair` is called by the next, with the mutex held, to bring the data in
        order; without one `acquire` raises OwnerDiedError, an OSError with EOWNERDEAD. docs/synchronising.md has more.

        ValueError: closed, or outside the map. ArgumentError: not a multiple of 8. Both come from `acquire`, too.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 64)
        >>> with m.mutex(0) as mutex:
        ...     m[16] = 1
        >>> mutex.acquire(timeout=1)
        True
        >>> mutex.release()
        """
        from ._mutex import Mutex

        # A place that cannot be is an error here.
        self.atomic_load(offset)
        checked(_ffi.mmap_wrap_check(self._handle, int64(offset), MMAP_WRAP_MUTEX_SIZE), "mmap.mutex")
        return Mutex(self, int64(offset), repair)  # type: ignore[arg-type] # every map is one
