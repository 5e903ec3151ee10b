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
    """The methods of `mmap` for words in memory shared by threads and processes."""

    __slots__ = ()

    def wait(self, offset: SupportsIndex, expected: SupportsIndex, timeout: float | None = None) -> bool:
        """Waits while the 32-bit word at byte `offset` is `expected`, until `wake`; at most `timeout` seconds.

        Returns True when woken, or if the word differs from `expected`; False after `timeout`. Without one it waits
        indefinitely. Wakeups can be spurious: check the word, and wait again. Other threads and signal handlers run
        meanwhile. Waiters and wakers can be threads, or processes that share the memory. Closing the map makes a waiter
        raise ValueError within a quarter of a second; resizing it while one waits raises BufferError. Errors as
        `atomic_load`.

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
            # A signal handler ran, and did not raise.
            if timeout is not None:
                left = max(end - monotonic_ns(), 0)

    def wake(self, offset: SupportsIndex, count: SupportsIndex | None = None) -> int:
        """Wakes up to `count` waiters, by default all, of the word at byte `offset`. Returns the number woken.

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
        """A mutex for threads and processes in the 16 bytes at byte `offset`, a multiple of 8; zeros are unlocked.

        `with m.mutex(0):` holds it for a block, as `acquire`, which takes a timeout, and `release` do. If an owner
        ended without releasing it, the next `acquire` locks it and calls `repair`, which makes the data consistent
        again; without `repair` it raises OwnerDiedError, an OSError with EOWNERDEAD. See docs/synchronising.md.

        ValueError: closed, or outside the map. ArgumentError: not a multiple of 8. `acquire` raises both, too.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 64)
        >>> with m.mutex(0) as mutex:
        ...     m[16] = 1
        >>> mutex.acquire(timeout=1)
        True
        >>> mutex.release()
        """
        from ._mutex import Mutex

        # Raises for an invalid offset here instead of in `acquire`.
        self.atomic_load(offset)
        checked(_ffi.mmap_wrap_check(self._handle, int64(offset), MMAP_WRAP_MUTEX_SIZE), "mmap.mutex")
        return Mutex(self, int64(offset), repair)
