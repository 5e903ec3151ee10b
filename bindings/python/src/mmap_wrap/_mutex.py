"""A mutex in a map, between threads and processes, that outlives its holder.

docs/synchronising.md has its layout in memory, which is the same for every language.
"""

from __future__ import annotations

import errno
import os
import threading
from time import monotonic

from ._errors import ArgumentError, OwnerDiedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from ._mmap import mmap

# The lower half of the word, which is what is waited on.
_WAITED_FOR, _DIED, _NAMED = 1 << 31, 1 << 30, 1 << 29
_MARKS = _WAITED_FOR | _DIED
_THREAD = _NAMED - 1
# What a holder writes that leaves no name.
_HELD, _HELD_AND_WAITED_FOR = 1, 2
_LOW = (1 << 32) - 1
# The upper half: when the holder began, 20 bits, and its PID namespace, 11 bits.
_TICKS, _NAMESPACE = (1 << 20) - 1, (1 << 11) - 1

# Seconds between two looks at whether the holder lives: its death wakes nobody.
_LOOK = 0.1

_own = threading.local()
os.register_at_fork(after_in_child=lambda: _own.__dict__.clear())


class Mutex:
    """A mutex in 8 bytes of a map: what `mmap.mutex` makes, with its arguments. Zeros are one that is free.

    `with mutex:` holds it for a block. It belongs to a thread: acquiring it twice is an OSError (EDEADLK), releasing
    that of another thread an ArgumentError.
    """

    __slots__ = ("map", "offset", "repair")

    def __init__(self, map: mmap, offset: int, repair: Callable[[], object] | None = None) -> None:  # noqa: A002
        self.map, self.offset, self.repair = map, offset, repair
        # A place that cannot be is an error here.
        map.atomic_load(offset)

    def acquire(self, timeout: float | None = None) -> bool:
        """Waits until the mutex is this thread's; at most `timeout` seconds. True, or False after that time.

        Where its holder died, `repair` is called, with the mutex held; if it raises, the mutex is as before. Without
        a `repair`, OwnerDiedError. OSError (EDEADLK): this thread holds it.
        """
        end = None if timeout is None else monotonic() + timeout
        mine, waited, found, suspicious = _identity(), 0, 0, False
        while True:
            low = found & _LOW
            if not low & ~_MARKS:
                died, taken = low & _DIED, mine | low & _MARKS | waited
            elif suspicious and _has_died(found):
                died, taken = _DIED, mine | _MARKS
            elif suspicious and end is not None and monotonic() >= end:
                return False
            elif not (found ^ mine) & ~_MARKS:
                raise OSError(errno.EDEADLK, f"acquire: this thread holds the mutex at offset {self.offset}")
            elif low & _WAITED_FOR or low == _HELD_AND_WAITED_FOR:
                left = _LOOK if end is None else min(_LOOK, max(end - monotonic(), 0))
                # As the signed number of 32 bits that it is.
                woken = self.map.wait(self.offset, low - (low >> 31 << 32), left)
                suspicious = not woken or (end is not None and monotonic() >= end)
                waited, found = _WAITED_FOR, self._load()
                continue
            else:
                waiting = found + 1 if low == _HELD else found | _WAITED_FOR
                found = waiting if (now := self._exchange(found, waiting)) == found else now
                continue
            if died and self.repair is None:
                taken = _DIED | low & _WAITED_FOR
            if (now := self._exchange(found, taken)) != found:
                found = now
            elif not died:
                return True
            elif self.repair is None:
                self._wake()
                message = f"acquire: the holder of the mutex at offset {self.offset} ended without releasing it"
                raise OwnerDiedError(errno.EOWNERDEAD, f"{message}; a mutex with repair= takes it over")
            else:
                return self._repaired(self.repair)

    def release(self) -> None:
        """Gives the mutex back. ArgumentError: this thread does not hold it."""
        self._release(0)

    def locked(self) -> bool:
        """Whether a thread that lives holds the mutex."""
        found = self._load()
        return bool(found & _LOW & ~_MARKS) and not _has_died(found)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at offset {self.offset} of {self.map!r}>"

    def _repaired(self, repair: Callable[[], object]) -> bool:
        try:
            repair()
        except BaseException:
            self._release(_DIED)
            raise
        found = self._load()
        while (now := self._exchange(found, found & ~_DIED)) != found:
            found = now
        return True

    def _release(self, left: int) -> None:
        mine, found = _identity(), self._load()
        while True:
            # A thread that leaves no name may have written over ours, when it began to wait: see the layout.
            nameless = found & _LOW == _HELD_AND_WAITED_FOR and found >> 32 == mine >> 32
            if (found ^ mine) & ~_MARKS and not nameless:
                raise ArgumentError(
                    errno.EPERM, f"release: this thread does not hold the mutex at offset {self.offset}"
                )
            if (now := self._exchange(found, left)) == found:
                break
            found = now
        if found & _WAITED_FOR or nameless:
            self._wake()

    def _load(self) -> int:
        return self.map.atomic_load(self.offset) % (1 << 64)

    def _exchange(self, expected: int, desired: int) -> int:
        """Sets the word if it is what is expected; what it was before."""
        signed = (number - (number >> 63 << 64) for number in (expected, desired))
        return self.map.atomic_compare_exchange(self.offset, *signed)[1] % (1 << 64)

    def _wake(self) -> None:
        self.map.wake(self.offset, 1)


def _identity() -> int:
    """This thread as the word of a mutex that it holds."""
    thread = threading.get_native_id()
    if getattr(_own, "thread", None) != thread:
        _own.thread = thread
        _own.identity = (1 << 63) | _namespace() << 52 | _ticks(thread)[1] << 32 | _NAMED | thread
    return int(_own.identity)


def _has_died(word: int) -> bool:
    """Whether the thread that the word names has ended; False where that cannot be found out."""
    if not word & _NAMED or word >> 52 & _NAMESPACE != _namespace():
        return False
    thread = word & _THREAD
    try:
        # Signal 0 only asks. Linux takes the number of any thread here.
        os.kill(thread, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    state, ticks = _ticks(thread)
    began = word >> 32 & _TICKS
    return state in ("Z", "X") or bool(ticks and began and ticks != began)


def _namespace() -> int:
    """The PID namespace, in which alone the number of a thread means something; 0 where /proc does not say."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino & _NAMESPACE
    except OSError:
        return 0


def _ticks(thread: int) -> tuple[str, int]:
    """The thread's state, and when it began, proc_pid_stat(5), as 1 to 2**20 - 1; "" and 0 where /proc does not say."""
    try:
        with open(f"/proc/{thread}/stat", errors="replace") as stat:
            # The name, in parentheses, may have any characters.
            fields = stat.read().rpartition(")")[2].split()
        return fields[0], int(fields[19]) % _TICKS + 1
    except (OSError, IndexError):
        return "", 0
