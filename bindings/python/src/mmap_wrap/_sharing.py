"""What stands in a map beside bytes: numbers, views of a type, and words that processes share.

A kind of number is named as numpy does: "i1", "i2", "i4" and "i8" for integers of so many bytes, "u1" to "u8" for those
without a sign, "f2", "f4" and "f8" for floats. "<" before it says that the least significant byte stands first, ">"
that the most significant does; without either, or with "=", it is the machine's own order.
"""

from __future__ import annotations

import errno
import sys
from time import monotonic_ns

from . import _ffi, raw
from ._errors import ArgumentError, answer
from ._ffi import REST, int64, nanoseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal, SupportsIndex, TypeVar, overload

    import numpy
    from numpy.typing import DTypeLike

    from ._array import Array
    from ._mutex import Mutex
    from .typing import FloatKind, IntegerKind, Kind

    Scalar = TypeVar("Scalar", bound=numpy.generic)

# The library's number for each kind, the letter that memoryview has for it, and its width in bytes.
# Those with a sign for the order of bytes join them when they are first asked for.
_KINDS: dict[str, tuple[int, Any, int]] = {
    "i1": (raw.MMAP_WRAP_I8, "b", 1),
    "u1": (raw.MMAP_WRAP_U8, "B", 1),
    "i2": (raw.MMAP_WRAP_I16, "h", 2),
    "u2": (raw.MMAP_WRAP_U16, "H", 2),
    "i4": (raw.MMAP_WRAP_I32, "i", 4),
    "u4": (raw.MMAP_WRAP_U32, "I", 4),
    "i8": (raw.MMAP_WRAP_I64, "q", 8),
    "u8": (raw.MMAP_WRAP_U64, "Q", 8),
    # The library has no number for it: its bits are read and written, and converted here.
    "f2": (raw.MMAP_WRAP_U16, "e", 2),
    "f4": (raw.MMAP_WRAP_F32, "f", 4),
    "f8": (raw.MMAP_WRAP_F64, "d", 8),
}
_ORDERS = {"<": raw.MMAP_WRAP_LITTLE_ENDIAN, ">": raw.MMAP_WRAP_BIG_ENDIAN, "=": 0}
_NATIVE = "<" if sys.byteorder == "little" else ">"


def _kind(name: str) -> tuple[int, Any, int]:
    try:
        return _KINDS[name]
    except (KeyError, TypeError):
        return _ordered_kind(name)


def _ordered_kind(name: str) -> tuple[int, Any, int]:
    if not isinstance(name, str):
        raise TypeError(f"a kind of number is a str such as 'u4', not {type(name).__name__}")
    order, bare = 0, name
    if name[:1] in _ORDERS:
        order, bare = _ORDERS[name[0]], name[1:]
    # One sign: those with one are in the list, too, once they were asked for.
    if bare not in _KINDS or bare[0] in _ORDERS:
        kinds = ", ".join(kind for kind in _KINDS if kind[0] not in _ORDERS)
        raise ArgumentError(errno.EINVAL, f"{name!r} is no kind of number: say one of {kinds}, after < or >")
    number, letter, width = _KINDS[bare]
    _KINDS[name] = number | order, letter, width
    return _KINDS[name]


def get_half(handle: int, kind: int, offset: int) -> float:
    """The float of 16 bits at an offset, for the native module."""
    import struct

    bits = raw.mmap_wrap_get_int(handle, kind, offset)
    if bits < 0:
        answer(_ffi.mmap_wrap_last_error_code())
    number: float = struct.unpack("=e", struct.pack("=H", bits))[0]
    return number


def put_half(handle: int, name: str, kind: int, offset: int, real: float) -> None:
    """Sets the float of 16 bits at an offset to the nearest one, for the native module."""
    import struct

    try:
        bits: int = struct.unpack("=H", struct.pack("=e", real))[0]
    except OverflowError:
        raise OverflowError(f"put: {real} does not fit {name!r}") from None
    answer(_ffi.mmap_wrap_put_int(handle, kind, offset, bits))


def _lengths(shape: SupportsIndex | Iterable[SupportsIndex]) -> list[int]:
    try:
        return [int64(shape)]  # type: ignore[arg-type]
    except TypeError:
        # Not by its class: an array of lengths has __index__ as well, and refuses.
        return [int64(length) for length in shape]  # type: ignore[union-attr]


class Sharing:
    """The part of the class `mmap` that is about numbers and views, and about words that processes share."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def _handle(self) -> int: ...

        def __buffer__(self, flags: int, /) -> memoryview: ...

        def atomic_load(self, offset: SupportsIndex, bits: Literal[32, 64] = 64) -> int: ...

    if TYPE_CHECKING:

        @overload
        def view(
            self, kind: IntegerKind = "u1", offset: SupportsIndex = 0, count: SupportsIndex | None = None
        ) -> memoryview[int]: ...
        @overload
        def view(
            self, kind: FloatKind, offset: SupportsIndex = 0, count: SupportsIndex | None = None
        ) -> memoryview[float]: ...

    def view(
        self, kind: Kind = "u1", offset: SupportsIndex = 0, count: SupportsIndex | None = None
    ) -> memoryview[int] | memoryview[float]:
        """The memory itself as `count` numbers of this `kind` from byte `offset` on, by default as many as fit.

        It is a memoryview, which can be written if the map can: `view[i]` at full speed, slices, `tolist`, and whatever
        takes a buffer. Closing and resizing the map are BufferError while the view, a slice of it, or an array made
        from it lives. No check stands between a view and the memory: to touch what `protect` forbids ends the process.

        ValueError: closed, or numbers outside the map. ArgumentError: no such kind ("u1", "<u4", "f8" …), or one that
        memoryview cannot show: in the other order of bytes, and "f2" before Python 3.12. See `array` and `get`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> words = m.view("u4")
        >>> words[1] = 0x01010101
        >>> m[:], words.tolist()
        (b'\\x00\\x00\\x00\\x00\\x01\\x01\\x01\\x01', [0, 16843009])
        """
        _, letter, width = _kind(kind)
        if kind[0] in "<>" and kind[0] != _NATIVE:
            raise ArgumentError(errno.EINVAL, f"view: this machine's numbers are not {kind!r}: use array or get")
        if letter == "e" and sys.version_info < (3, 12):
            raise ArgumentError(errno.EINVAL, f"view: memoryview has no {kind!r} before Python 3.12: use array or get")
        start, wanted = int64(offset), REST if count is None else int64(count)
        # Nobody resizes the map from here on.
        with memoryview(self) as whole:
            room = answer(_ffi.mmap_wrap_check(self._handle, start, REST))
            # The library says what is wrong with more than fit, or fewer than none.
            size = room // width * width if wanted == REST else wanted * width
            if not 0 <= size <= room:
                answer(_ffi.mmap_wrap_check(self._handle, start, int64(size)))
            return whole[start : start + size].cast(letter)

    if TYPE_CHECKING:

        @overload
        def array(
            self,
            dtype: type[Scalar] | numpy.dtype[Scalar],
            offset: SupportsIndex = 0,
            shape: SupportsIndex | Iterable[SupportsIndex] | None = None,
        ) -> Array[Scalar]: ...
        @overload
        def array(
            self,
            dtype: DTypeLike,
            offset: SupportsIndex = 0,
            shape: SupportsIndex | Iterable[SupportsIndex] | None = None,
        ) -> Array[Any]: ...

    def array(
        self,
        dtype: DTypeLike,
        offset: SupportsIndex = 0,
        shape: SupportsIndex | Iterable[SupportsIndex] | None = None,
    ) -> Array[Any]:
        """A numpy array of the map's own memory, from byte `offset` on; writable if the map is. Needs numpy.

        `shape` is a length, or one for each dimension; by default one dimension of as many elements as fit, which is
        also what -1 means in place of one of them. `dtype` may have fields, and be in either order of bytes. Closing
        and resizing the map are BufferError while the array, or a view of it, lives. No check stands between an array
        and the memory, as with `view`. To other processes it and its slices go as references, and into files with their
        data: see docs/between-processes.md.

        ValueError: closed, or elements outside the map. ArgumentError: elements that are Python's own objects.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.array("f8", 0, (2, 3))[1, 2] = 0.5
        ... except ImportError:
        ...     reason = "numpy is not installed"
        """
        from math import prod

        import numpy

        from ._array import array_in

        start, element = int64(offset), numpy.dtype(dtype)
        if element.hasobject:
            raise ArgumentError(errno.EINVAL, f"array: {element!r} has pointers to objects, which no map can hold")
        lengths = None if shape is None else _lengths(shape)
        # Nobody resizes the map from here on.
        with memoryview(self):
            room = answer(_ffi.mmap_wrap_check(self._handle, start, REST))
            if lengths is None:
                lengths = [-1]
            if lengths.count(-1) == 1:
                row = -prod(lengths) * element.itemsize
                lengths[lengths.index(-1)] = room // row if row > 0 else 0
            answer(_ffi.mmap_wrap_check(self._handle, start, int64(prod(lengths) * element.itemsize)))
            return array_in(self, element, start, lengths)  # type: ignore[arg-type]

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
        left = REST if timeout is None else nanoseconds(timeout)
        end = monotonic_ns() + left
        while True:
            result = raw.mmap_wrap_wait(self._handle, place, word, left)
            if result == -errno.ETIMEDOUT:
                return False
            if result != -errno.EINTR:
                answer(result)
                return True
            # A signal's handler ran, and raised nothing.
            if timeout is not None:
                left = max(end - monotonic_ns(), 0)

    def wake(self, offset: SupportsIndex, count: SupportsIndex | None = None) -> int:
        """Wakes up to `count`, by default all, of those who wait on the word at byte `offset`. Returns how many.

        Errors as `atomic_load`.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4).wake(0)
        0
        """
        return answer(raw.mmap_wrap_wake(self._handle, int64(offset), REST if count is None else int64(count)))

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
        answer(_ffi.mmap_wrap_check(self._handle, int64(offset), raw.MMAP_WRAP_MUTEX_SIZE))
        return Mutex(self, int64(offset), repair)  # type: ignore[arg-type]

    def seals(self) -> int:
        """The F_SEAL_ constants of a memory file (`memfd`), or'ed together. OSError (EINVAL): not such a file.

        >>> import mmap_wrap
        >>> mmap_wrap.memfd(4096).seals()
        0
        """
        return answer(raw.mmap_wrap_file_seals(self._handle))

    def add_seals(self, seals: SupportsIndex) -> None:
        """Adds `seals`, F_SEAL_ constants or'ed together, to those of a memory file; they cannot be taken off.

        PermissionError: sealed against sealing. OSError (EBUSY): F_SEAL_WRITE while a shared map can write.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(4096)
        >>> m.add_seals(mmap_wrap.F_SEAL_SHRINK)
        >>> m.seals() == mmap_wrap.F_SEAL_SHRINK
        True
        """
        answer(raw.mmap_wrap_add_file_seals(self._handle, int64(seals)))

    def descriptor(self) -> int:
        """A new descriptor of the file that the map keeps, to be closed with os.close; programs started do not get it.

        ArgumentError: the map keeps no file (`trackfd=False`, `map_path`). OSError: EMFILE, too many are open.

        >>> import mmap_wrap, os
        >>> m = mmap_wrap.memfd(4096)
        >>> fd = m.descriptor()
        >>> os.fstat(fd).st_size
        4096
        >>> os.close(fd)
        """
        return answer(_ffi.mmap_wrap_dup_fd(self._handle))
