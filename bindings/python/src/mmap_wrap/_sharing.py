"""What stands in a map beside bytes: numbers, views of a type, and words that processes share.

A kind of number is named as numpy does: "i1", "i2", "i4" and "i8" for integers of so many bytes, "u1" to "u8" for those
without a sign, "f2", "f4" and "f8" for floats. "<" before it says that the least significant byte stands first, ">"
that the most significant does; without either, or with "=", it is the machine's own order.
"""

from __future__ import annotations

import ctypes
import errno
import sys
from time import monotonic_ns

from . import _ffi, raw
from ._errors import E_ARGUMENT, ArgumentError, answer
from ._ffi import REST, index, int64, nanoseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal, SupportsFloat, SupportsIndex, TypeVar, overload

    import numpy
    from numpy.typing import DTypeLike

    from ._array import Array
    from ._mutex import Mutex
    from .typing import FloatKind, IntegerKind, Kind

    Scalar = TypeVar("Scalar", bound=numpy.generic)

# The library's number for each kind, the letter that memoryview has for it, and the type that ctypes has.
# Those with a sign for the order of bytes join them when they are first asked for.
_KINDS: dict[str, tuple[int, Any, Any]] = {
    "i1": (raw.MMAP_WRAP_I8, "b", ctypes.c_int8),
    "u1": (raw.MMAP_WRAP_U8, "B", ctypes.c_uint8),
    "i2": (raw.MMAP_WRAP_I16, "h", ctypes.c_int16),
    "u2": (raw.MMAP_WRAP_U16, "H", ctypes.c_uint16),
    "i4": (raw.MMAP_WRAP_I32, "i", ctypes.c_int32),
    "u4": (raw.MMAP_WRAP_U32, "I", ctypes.c_uint32),
    "i8": (raw.MMAP_WRAP_I64, "q", ctypes.c_int64),
    "u8": (raw.MMAP_WRAP_U64, "Q", ctypes.c_uint64),
    # The library has no number for it: its bits are read and written, and converted here.
    "f2": (raw.MMAP_WRAP_U16, "e", ctypes.c_uint16),
    "f4": (raw.MMAP_WRAP_F32, "f", ctypes.c_float),
    "f8": (raw.MMAP_WRAP_F64, "d", ctypes.c_double),
}
_ORDERS = {"<": raw.MMAP_WRAP_LITTLE_ENDIAN, ">": raw.MMAP_WRAP_BIG_ENDIAN, "=": 0}
_NATIVE = "<" if sys.byteorder == "little" else ">"


def _kind(name: str) -> tuple[int, Any, Any]:
    try:
        return _KINDS[name]
    except (KeyError, TypeError):
        return _ordered_kind(name)


def _ordered_kind(name: str) -> tuple[int, Any, Any]:
    if not isinstance(name, str):
        raise TypeError(f"a kind of number is a str such as 'u4', not {type(name).__name__}")
    order, bare = 0, name
    if name[:1] in _ORDERS:
        order, bare = _ORDERS[name[0]], name[1:]
    # One sign: those with one are in the list, too, once they were asked for.
    if bare not in _KINDS or bare[0] in _ORDERS:
        kinds = ", ".join(kind for kind in _KINDS if kind[0] not in _ORDERS)
        raise ArgumentError(errno.EINVAL, f"{name!r} is no kind of number: say one of {kinds}, after < or >")
    number, letter, c_type = _KINDS[bare]
    _KINDS[name] = number | order, letter, c_type
    return _KINDS[name]


def _half(bits: int | float) -> float:
    """The float whose 16 bits these are."""
    import struct

    number: float = struct.unpack("=e", struct.pack("=H", bits))[0]
    return number


def _half_bits(kind: str, value: SupportsFloat | SupportsIndex) -> int:
    """The 16 bits of the float nearest to the value."""
    import struct

    # Not float(), which reads texts as well.
    real = ctypes.c_double(value).value  # type: ignore[arg-type]
    try:
        bits: int = struct.unpack("=H", struct.pack("=e", real))[0]
    except OverflowError:
        raise OverflowError(f"put: {real} does not fit {kind!r}") from None
    return bits


def _lengths(shape: SupportsIndex | Iterable[SupportsIndex]) -> list[int]:
    try:
        return [int64(shape)]  # type: ignore[arg-type]
    except TypeError:
        # Not by its class: an array of lengths has __index__ as well, and refuses.
        return [int64(length) for length in shape]  # type: ignore[union-attr]


def _word(value: SupportsIndex) -> int:
    """As int64, but for numbers of which none means "the rest"."""
    number = int.__index__(index(value))
    return number if number == REST else int64(number)


class Sharing:
    """The part of the class `mmap` that is about numbers and views, and about words that processes share."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def _handle(self) -> int: ...

        def __buffer__(self, flags: int, /) -> memoryview: ...

        def _get_number(self, kind: int, offset: SupportsIndex, /) -> int | float: ...

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
        _, letter, c_type = _kind(kind)
        if kind[0] in "<>" and kind[0] != _NATIVE:
            raise ArgumentError(errno.EINVAL, f"view: this machine's numbers are not {kind!r}: use array or get")
        if letter == "e" and sys.version_info < (3, 12):
            raise ArgumentError(errno.EINVAL, f"view: memoryview has no {kind!r} before Python 3.12: use array or get")
        width = ctypes.sizeof(c_type)
        start, wanted = int64(offset), REST if count is None else int64(count)
        # Nobody resizes the map from here on.
        with memoryview(self) as whole:
            room = answer(_ffi.check(self._handle, start, REST))
            # The library says what is wrong with more than fit, or fewer than none.
            size = room // width * width if wanted == REST else wanted * width
            if not 0 <= size <= room:
                answer(_ffi.check(self._handle, start, int64(size)))
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
            room = answer(_ffi.check(self._handle, start, REST))
            if lengths is None:
                lengths = [-1]
            if lengths.count(-1) == 1:
                row = -prod(lengths) * element.itemsize
                lengths[lengths.index(-1)] = room // row if row > 0 else 0
            answer(_ffi.check(self._handle, start, int64(prod(lengths) * element.itemsize)))
            return array_in(self, element, start, lengths)  # type: ignore[arg-type]

    if TYPE_CHECKING:

        @overload
        def get(self, kind: IntegerKind, offset: SupportsIndex) -> int: ...
        @overload
        def get(self, kind: FloatKind, offset: SupportsIndex) -> float: ...

    def get(self, kind: Kind, offset: SupportsIndex) -> int | float:
        """The number of this `kind` ("u1", "<u4", ">f8" …) at byte `offset`, which may be any.

        ValueError: closed, or outside the map. ArgumentError: no such kind. FaultError: the memory refuses.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> m[:2] = b"\\x01\\x02"
        >>> m.get(">u2", 0), m.get("<u2", 0)
        (258, 513)
        """
        number, letter, _ = _kind(kind)
        found = self._get_number(number, offset)
        return _half(found) if letter == "e" else found

    if TYPE_CHECKING:

        @overload
        def put(self, kind: IntegerKind, offset: SupportsIndex, value: SupportsIndex) -> None: ...
        @overload
        def put(self, kind: FloatKind, offset: SupportsIndex, value: SupportsFloat | SupportsIndex) -> None: ...

    def put(self, kind: Kind, offset: SupportsIndex, value: SupportsFloat | SupportsIndex) -> None:
        """Sets the number of this `kind` at byte `offset`, which may be any, to `value`.

        OverflowError: it does not fit the kind. TypeError: it is no number. Other errors as `get`; a map for reading is
        a FaultError.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> m.put("f8", 0, 1.5)
        >>> m.get("f8", 0)
        1.5
        """
        number, letter, c_type = _kind(kind)
        if letter == "e":
            value = _half_bits(kind, value)
        if letter in "fd":
            # Not float(), which reads texts as well.
            real = value if type(value) is float else ctypes.c_double(value).value  # type: ignore[arg-type]
            code = _ffi.put_float(self._handle, number, int64(offset), real)
            if code == E_ARGUMENT:
                raise OverflowError(f"put: {real} does not fit {kind!r}")
        else:
            wanted = value if type(value) is int else int.__index__(index(value))  # type: ignore[arg-type]
            held = c_type(wanted).value
            if held != wanted:
                raise OverflowError(f"put: {wanted} does not fit {kind!r}")
            # The library takes 64 bits as they are.
            code = _ffi.put_int(self._handle, number, int64(offset), held - (1 << 64) if held >> 63 > 0 else held)
        answer(code)

    def atomic_load(self, offset: SupportsIndex, bits: Literal[32, 64] = 64) -> int:
        """The word at byte `offset`, of 32 or 64 `bits`, as a signed int. No thread or process sees half of a change.

        Of all atomic operations, which are sequentially consistent, and of `wait` and `wake`: the word's address must
        be a multiple of its width (ArgumentError). ValueError: closed, or outside the map. FaultError: the memory
        refuses.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 8).atomic_load(0)
        0
        """
        value = ctypes.c_int64()
        answer(raw.mmap_wrap_atomic_load(self._handle, int64(bits), int64(offset), ctypes.byref(value)))
        return value.value

    def atomic_store(self, offset: SupportsIndex, value: SupportsIndex, bits: Literal[32, 64] = 64) -> None:
        """Sets the word at byte `offset`, of 32 or 64 `bits`, to `value`.

        ArgumentError: it does not fit. Other errors as `atomic_load`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> m.atomic_store(0, -1, 32)
        >>> m.atomic_load(0, 32), m.atomic_load(4, 32)
        (-1, 0)
        """
        answer(raw.mmap_wrap_atomic_store(self._handle, int64(bits), int64(offset), _word(value)))

    def atomic_add(self, offset: SupportsIndex, value: SupportsIndex, bits: Literal[32, 64] = 64) -> int:
        """Adds `value` to the word at byte `offset`, of 32 or 64 `bits`, and returns what it was before.

        A sum that does not fit wraps around. ArgumentError: `value` does not fit. Other errors as `atomic_load`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> m.atomic_add(0, 5), m.atomic_add(0, -2), m.atomic_load(0)
        (0, 5, 3)
        """
        before = ctypes.c_int64()
        answer(raw.mmap_wrap_atomic_add(self._handle, int64(bits), int64(offset), _word(value), ctypes.byref(before)))
        return before.value

    def atomic_exchange(self, offset: SupportsIndex, value: SupportsIndex, bits: Literal[32, 64] = 64) -> int:
        """Sets the word at byte `offset`, of 32 or 64 `bits`, to `value`, and returns what it was before.

        ArgumentError: it does not fit. Other errors as `atomic_load`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> m.atomic_exchange(0, 7), m.atomic_exchange(0, 8)
        (0, 7)
        """
        before = ctypes.c_int64()
        reference = ctypes.byref(before)
        answer(raw.mmap_wrap_atomic_exchange(self._handle, int64(bits), int64(offset), _word(value), reference))
        return before.value

    def atomic_compare_exchange(
        self, offset: SupportsIndex, expected: SupportsIndex, desired: SupportsIndex, bits: Literal[32, 64] = 64
    ) -> tuple[bool, int]:
        """Sets the word at byte `offset`, of 32 or 64 `bits`, to `desired` if it is `expected`.

        Returns whether it was, and what it was before. ArgumentError: one of them does not fit. Other errors as
        `atomic_load`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> m.atomic_compare_exchange(0, 0, 1), m.atomic_compare_exchange(0, 0, 1)
        ((True, 0), (False, 1))
        """
        before = ctypes.c_int64()
        words = _word(expected), _word(desired), ctypes.byref(before)
        done = raw.mmap_wrap_atomic_compare_exchange(self._handle, int64(bits), int64(offset), *words)
        return answer(done) == 1, before.value

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
        answer(_ffi.check(self._handle, int64(offset), raw.MMAP_WRAP_MUTEX_SIZE))
        return Mutex(self, int64(offset), repair)  # type: ignore[arg-type]

    def seals(self) -> int:
        """The F_SEAL_ constants of a memory file (`memfd`), or'ed together. OSError (EINVAL): not such a file.

        >>> import mmap_wrap
        >>> mmap_wrap.memfd(4096).seals()
        0
        """
        return answer(raw.mmap_wrap_seals(self._handle))

    def add_seals(self, seals: SupportsIndex) -> None:
        """Adds `seals`, F_SEAL_ constants or'ed together, to those of a memory file; they cannot be taken off.

        PermissionError: sealed against sealing. OSError (EBUSY): F_SEAL_WRITE while a shared map can write.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(4096)
        >>> m.add_seals(mmap_wrap.F_SEAL_SHRINK)
        >>> m.seals() == mmap_wrap.F_SEAL_SHRINK
        True
        """
        answer(raw.mmap_wrap_add_seals(self._handle, int64(seals)))

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
        return answer(_ffi.descriptor(self._handle))
