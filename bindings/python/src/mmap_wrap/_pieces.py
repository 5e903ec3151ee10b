"""Calls over much memory, in pieces: between two the handlers of signals run, so that Ctrl-C need not wait for the end.

What they return is what one call would.
"""

from __future__ import annotations

from . import _ffi
from ._errors import E_FAULT, E_NOT_FOUND, answer, standard
from ._ffi import REST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

# Bytes for one call: what a slow disk reads in a good part of a second.
PIECE = 1 << 24


def search(call: Callable[..., int], handle: int, needle: bytes, first: int, last: int) -> int:
    """What `call`, which is `find`, `rfind` or `count` of the library, says of the bytes from `first` to `last`."""
    # For a long needle the call prepares long.
    step = max(PIECE, 4 * len(needle))
    if last - first <= step or not needle:
        return int(call(handle, needle, len(needle), first, last))
    if call is _ffi.mmap_wrap_count:
        return _count(handle, needle, first, last, step)
    found, beyond = E_NOT_FOUND, len(needle) - 1
    starts = range(first, last, step)
    for at in starts if call is _ffi.mmap_wrap_find else reversed(starts):
        # Those that begin in this piece.
        found = call(handle, needle, len(needle), at, min(at + step + beyond, last))
        if found != E_NOT_FOUND:
            break
    return found


def search_by(name: str, handle: int, sub: Buffer, first: int, last: int) -> int:
    """As `search`, for the native module: by the call's name, and -1 where there is none."""
    found = search(getattr(_ffi, f"mmap_wrap_{name}"), handle, bytes(sub), first, last)
    return -1 if found == E_NOT_FOUND else answer(found)


def move_by(handle: int, to: int, origin: int, size: int) -> None:
    """As `move`, for the native module, in the standard library's words."""
    words = "source, destination, or count out of range"
    move(handle, to, origin, size, lambda code: standard(code, words))


def _count(handle: int, needle: bytes, first: int, last: int, step: int) -> int:
    size, total = len(needle), 0
    # Whether one can begin inside another.
    overlaps = size > 64 or any(needle.startswith(needle[-length:]) for length in range(1, size))
    while first < last:
        end = min(first + step + size - 1, last)
        here: int = _ffi.mmap_wrap_count(handle, needle, size, first, end)
        if here < 0 and here != E_NOT_FOUND:
            return here
        next_ = min(first + step, last)
        if here > 0 and overlaps and end < last:
            next_ = max(next_, _end_of_last(handle, needle, first, end, here))
        total += max(here, 0)
        first = next_
    return total


def _end_of_last(handle: int, needle: bytes, first: int, end: int, here: int) -> int:
    """Where the last of `here` needles ends that are counted from `first` to `end`, none overlapping another."""
    size = len(needle)
    # One that overlaps the last that there is, or is it.
    last = answer(_ffi.mmap_wrap_rfind(handle, needle, size, first, end))
    low, high = last + 1, last + size
    while low < high:
        middle = (low + high) // 2
        if max(_ffi.mmap_wrap_count(handle, needle, size, first, middle), 0) < here:
            low = middle + 1
        else:
            high = middle
    return high


def fill(handle: int, offset: int, byte: int, size: int) -> None:
    """The library's call, whose failure is raised."""
    total = _much(handle, offset, size)
    if not total:
        answer(_ffi.mmap_wrap_fill(handle, offset, byte, size))
    for at in range(0, total, PIECE):
        answer(_ffi.mmap_wrap_fill(handle, offset + at, byte, min(PIECE, total - at)))


def move(handle: int, to: int, origin: int, size: int, checked: Callable[[int], int]) -> None:
    """The same, or what `checked` raises."""

    def once(to: int, origin: int, size: int) -> int:
        return checked(_ffi.mmap_wrap_move(handle, to, origin, size))

    _copy(once, handle, to, handle, origin, size)


def copy(handle: int, to: int, theirs: int, origin: int, size: int) -> int:
    """The same."""

    def once(to: int, origin: int, size: int) -> int:
        return answer(_ffi.mmap_wrap_copy(handle, to, theirs, origin, size))

    return _copy(once, handle, to, theirs, origin, size)


def _copy(once: Callable[[int, int, int], int], handle: int, to: int, theirs: int, origin: int, size: int) -> int:
    total = _much(theirs, origin, size)
    if not total or _much(handle, to, total) != total:
        return once(to, origin, size)
    # From the side where nothing is overwritten that is still to be copied.
    order = range(0, total, PIECE)
    for at in reversed(order) if handle == theirs and to > origin else order:
        once(to + at, origin + at, min(PIECE, total - at))
    return total


def compare(handle: int, here: int, theirs: int, there: int, size: int) -> int:
    """The same."""
    total = _much(handle, here, size)
    if not total or _much(theirs, there, total) != total:
        return answer(_ffi.mmap_wrap_compare(handle, here, theirs, there, size))
    equal = 0
    for at in range(0, total, PIECE):
        piece = min(PIECE, total - at)
        equal = at + answer(_ffi.mmap_wrap_compare(handle, here + at, theirs, there + at, piece))
        if equal < at + piece:
            break
    return equal


def _much(handle: int, offset: int, size: int) -> int:
    """How many bytes these are, if more than a piece; 0 for less, and for what is not in the map: one call says it."""
    if REST < size <= PIECE:
        return 0
    total: int = _ffi.mmap_wrap_check(handle, offset, size)
    if total == E_FAULT:
        # A loss that is reported once.
        answer(total)
    return total if total > PIECE else 0
