"""Splits calls on large ranges into pieces. Signal handlers run between the pieces, so Ctrl-C interrupts the call.

The results are those of a single call.
"""

from __future__ import annotations

from . import _ffi
from ._errors import checked
from ._header import MMAP_WRAP_E_FAULT, MMAP_WRAP_E_NOT_FOUND, MMAP_WRAP_REST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

# Bytes per call. A slow disk reads that in less than a second.
PIECE = 1 << 24


def search(call: Callable[..., int], handle: int, needle: bytes, first: int, last: int) -> int:
    """The result of `call`, the library's `find`, `rfind` or `count`, for the bytes from `first` to `last`."""
    # A long needle takes long to preprocess in each call.
    step = max(PIECE, 4 * len(needle))
    if last - first <= step or not needle:
        return int(call(handle, needle, len(needle), first, last))
    if call is _ffi.mmap_wrap_count:
        return _count(handle, needle, first, last, step)
    found, beyond = MMAP_WRAP_E_NOT_FOUND, len(needle) - 1
    starts = range(first, last, step)
    for at in starts if call is _ffi.mmap_wrap_find else reversed(starts):
        # Matches that begin in this piece.
        found = call(handle, needle, len(needle), at, min(at + step + beyond, last))
        if found != MMAP_WRAP_E_NOT_FOUND:
            break
    return found


def search_by(name: str, handle: int, sub: Buffer, first: int, last: int) -> int:
    """As `search`, for the native module: takes the name of the call, and returns -1 if there is no match."""
    found = search(getattr(_ffi, f"mmap_wrap_{name}"), handle, bytes(sub), first, last)
    return -1 if found == MMAP_WRAP_E_NOT_FOUND else checked(found, f"mmap.{name}")


def move_by(handle: int, to: int, origin: int, size: int) -> None:
    """`move` of a large range, for the native module. Raises the standard library's exceptions."""

    def once(to: int, origin: int, size: int) -> int:
        code: int = _ffi.mmap_wrap_move(handle, to, origin, size)
        if code < 0:
            from ._standard import fail

            fail("mmap.move", code, "source, destination, or count out of range", "", code)
        return code

    _copy("mmap.move", once, handle, to, handle, origin, size)


def _count(handle: int, needle: bytes, first: int, last: int, step: int) -> int:
    size, total = len(needle), 0
    # Whether two matches can overlap.
    overlaps = size > 64 or any(needle.startswith(needle[-length:]) for length in range(1, size))
    while first < last:
        end = min(first + step + size - 1, last)
        here: int = _ffi.mmap_wrap_count(handle, needle, size, first, end)
        if here < 0 and here != MMAP_WRAP_E_NOT_FOUND:
            return here
        next_ = min(first + step, last)
        if here > 0 and overlaps and end < last:
            next_ = max(next_, _end_of_last(handle, needle, first, end, here))
        total += max(here, 0)
        first = next_
    return total


def _end_of_last(handle: int, needle: bytes, first: int, end: int, here: int) -> int:
    """The end of the last of the `here` non-overlapping matches between `first` and `end`."""
    size = len(needle)
    # The last match at all: it is the last counted one, or overlaps that.
    last = checked(_ffi.mmap_wrap_rfind(handle, needle, size, first, end), "mmap.count")
    low, high = last + 1, last + size
    while low < high:
        middle = (low + high) // 2
        if max(_ffi.mmap_wrap_count(handle, needle, size, first, middle), 0) < here:
            low = middle + 1
        else:
            high = middle
    return high


def fill(handle: int, offset: int, byte: int, size: int) -> None:
    """The library's `fill`; raises its failure."""
    total = _total_if_large("mmap.fill", handle, offset, size)
    if not total:
        checked(_ffi.mmap_wrap_fill(handle, offset, byte, size), "mmap.fill")
    for at in range(0, total, PIECE):
        checked(_ffi.mmap_wrap_fill(handle, offset + at, byte, min(PIECE, total - at)), "mmap.fill")


def copy(handle: int, to: int, theirs: int, origin: int, size: int) -> int:
    """The library's `copy`; raises its failure."""

    def once(to: int, origin: int, size: int) -> int:
        return checked(_ffi.mmap_wrap_copy(handle, to, theirs, origin, size), "mmap.copy_from")

    return _copy("mmap.copy_from", once, handle, to, theirs, origin, size)


def _copy(
    caller: str, once: Callable[[int, int, int], int], handle: int, to: int, theirs: int, origin: int, size: int
) -> int:
    total = _total_if_large(caller, theirs, origin, size)
    if not total or _total_if_large(caller, handle, to, total) != total:
        return once(to, origin, size)
    # In the order in which no byte is overwritten before it is copied.
    order = range(0, total, PIECE)
    for at in reversed(order) if handle == theirs and to > origin else order:
        once(to + at, origin + at, min(PIECE, total - at))
    return total


def compare(handle: int, here: int, theirs: int, there: int, size: int) -> int:
    """The library's `compare`; raises its failure."""
    total = _total_if_large("mmap.compare", handle, here, size)
    if not total or _total_if_large("mmap.compare", theirs, there, total) != total:
        return checked(_ffi.mmap_wrap_compare(handle, here, theirs, there, size), "mmap.compare")
    equal = 0
    for at in range(0, total, PIECE):
        piece = min(PIECE, total - at)
        code = _ffi.mmap_wrap_compare(handle, here + at, theirs, there + at, piece)
        equal = at + checked(code, "mmap.compare")
        if equal < at + piece:
            break
    return equal


def _total_if_large(caller: str, handle: int, offset: int, size: int) -> int:
    """The size of the range in bytes if it needs several pieces; 0 if not, or if it is invalid: a call reports that."""
    if MMAP_WRAP_REST < size <= PIECE:
        return 0
    total: int = _ffi.mmap_wrap_check(handle, offset, size)
    if total == MMAP_WRAP_E_FAULT:
        # The loss of a page is reported only once: raise it now.
        checked(total, caller)
    return total if total > PIECE else 0
