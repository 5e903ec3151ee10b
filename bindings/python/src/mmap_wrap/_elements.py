"""Numbers in a map, and views of it that show numbers.

A kind of number is named as numpy does: "i1", "i2", "i4" and "i8" for integers of so many bytes, "u1" to "u8" for those
without a sign, "f2", "f4" and "f8" for floats. "<" before it says that the least significant byte stands first, ">"
that the most significant does; without either, or with "=", it is the machine's own order.
"""

from __future__ import annotations

import errno
import sys

from . import _ffi, _header
from ._base import Base, part
from ._errors import ArgumentError, checked, fail
from ._ffi import int64
from ._header import MMAP_WRAP_REST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, SupportsIndex, TypeVar, overload

    import numpy
    from numpy.typing import DTypeLike

    from ._array import Array
    from .typing import FloatKind, IntegerKind, Kind

    Scalar = TypeVar("Scalar", bound=numpy.generic)

# The library's number for each kind, the letter that memoryview has for it, and its width in bytes.
# Those with a sign for the order of bytes join them when they are first asked for.
_KINDS: dict[str, tuple[int, Any, int]] = {
    "i1": (_header.MMAP_WRAP_I8, "b", 1),
    "u1": (_header.MMAP_WRAP_U8, "B", 1),
    "i2": (_header.MMAP_WRAP_I16, "h", 2),
    "u2": (_header.MMAP_WRAP_U16, "H", 2),
    "i4": (_header.MMAP_WRAP_I32, "i", 4),
    "u4": (_header.MMAP_WRAP_U32, "I", 4),
    "i8": (_header.MMAP_WRAP_I64, "q", 8),
    "u8": (_header.MMAP_WRAP_U64, "Q", 8),
    # The library has no number for it: its bits are read and written, and converted here.
    "f2": (_header.MMAP_WRAP_U16, "e", 2),
    "f4": (_header.MMAP_WRAP_F32, "f", 4),
    "f8": (_header.MMAP_WRAP_F64, "d", 8),
}
_ORDERS = {"<": _header.MMAP_WRAP_LITTLE_ENDIAN, ">": _header.MMAP_WRAP_BIG_ENDIAN, "=": 0}
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

    bits = _ffi.mmap_wrap_get_int(handle, kind, offset)
    if bits < 0:
        fail(_ffi.mmap_wrap_last_error_code(), "mmap.get")
    number: float = struct.unpack("=e", struct.pack("=H", bits))[0]
    return number


def put_half(handle: int, name: str, kind: int, offset: int, real: float) -> None:
    """Sets the float of 16 bits at an offset to the nearest one, for the native module."""
    import struct

    try:
        bits: int = struct.unpack("=H", struct.pack("=e", real))[0]
    except OverflowError:
        raise OverflowError(f"mmap.put: {real} does not fit {name!r}") from None
    checked(_ffi.mmap_wrap_put_int(handle, kind, offset, bits), "mmap.put")


def _lengths(shape: SupportsIndex | Iterable[SupportsIndex]) -> list[int]:
    try:
        return [int64(shape)]  # type: ignore[arg-type]
    except TypeError:
        # Not by its class: an array of lengths has __index__ as well, which fails.
        return [int64(length) for length in shape]  # type: ignore[union-attr]


class Elements(Base):
    """The part of the class `mmap` that is about numbers and views. `get` and `put` are in the native module."""

    __slots__ = ()

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
            raise ArgumentError(errno.EINVAL, f"mmap.view: this machine's numbers are not {kind!r}: use array or get")
        if letter == "e" and sys.version_info < (3, 12):
            raise ArgumentError(
                errno.EINVAL, f"mmap.view: memoryview has no {kind!r} before Python 3.12: use array or get"
            )
        start, wanted = part(offset, count)
        # While this is held, resizing fails.
        with memoryview(self) as whole:
            room = checked(_ffi.mmap_wrap_check(self._handle, start, MMAP_WRAP_REST), "mmap.view")
            # The library says what is wrong with more than fit, or fewer than none.
            size = room // width * width if wanted == MMAP_WRAP_REST else wanted * width
            if not 0 <= size <= room:
                checked(_ffi.mmap_wrap_check(self._handle, start, int64(size)), "mmap.view")
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
            raise ArgumentError(errno.EINVAL, f"mmap.array: {element!r} has pointers to objects, which no map can hold")
        lengths = None if shape is None else _lengths(shape)
        # While this is held, resizing fails.
        with memoryview(self):
            room = checked(_ffi.mmap_wrap_check(self._handle, start, MMAP_WRAP_REST), "mmap.array")
            if lengths is None:
                lengths = [-1]
            if lengths.count(-1) == 1:
                row = -prod(lengths) * element.itemsize
                lengths[lengths.index(-1)] = room // row if row > 0 else 0
            checked(_ffi.mmap_wrap_check(self._handle, start, int64(prod(lengths) * element.itemsize)), "mmap.array")
            return array_in(self, element, start, lengths)
