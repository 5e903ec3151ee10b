"""Numbers in a map, and typed views of a map.

The names of the kinds of numbers are numpy's: "i1", "i2", "i4" and "i8" are signed integers of that many bytes, "u1" to
"u8" unsigned integers, "f2", "f4" and "f8" floats. A "<" before the name means little-endian, a ">" big-endian; without
one, or with "=", the byte order is the machine's.
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

# For each kind the library's number, the format character of memoryview, and the width in bytes.
# Kinds with a byte order are added when they are first used.
_KINDS: dict[str, tuple[int, Any, int]] = {
    "i1": (_header.MMAP_WRAP_I8, "b", 1),
    "u1": (_header.MMAP_WRAP_U8, "B", 1),
    "i2": (_header.MMAP_WRAP_I16, "h", 2),
    "u2": (_header.MMAP_WRAP_U16, "H", 2),
    "i4": (_header.MMAP_WRAP_I32, "i", 4),
    "u4": (_header.MMAP_WRAP_U32, "I", 4),
    "i8": (_header.MMAP_WRAP_I64, "q", 8),
    "u8": (_header.MMAP_WRAP_U64, "Q", 8),
    # The library does not have this kind: its bits are read and written as an integer, and converted here.
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
    # A second sign is an error: kinds with one may be in the table already.
    if bare not in _KINDS or bare[0] in _ORDERS:
        kinds = ", ".join(kind for kind in _KINDS if kind[0] not in _ORDERS)
        raise ArgumentError(
            errno.EINVAL, f"{name!r} is not a kind of number: use one of {kinds}, optionally after < or >"
        )
    number, letter, width = _KINDS[bare]
    _KINDS[name] = number | order, letter, width
    return _KINDS[name]


def get_half(handle: int, kind: int, offset: int) -> float:
    """The 16-bit float at byte `offset`, for the native module."""
    import struct

    bits = _ffi.mmap_wrap_get_int(handle, kind, offset)
    if bits < 0:
        fail(_ffi.mmap_wrap_last_error_code(), "mmap.get")
    number: float = struct.unpack("=e", struct.pack("=H", bits))[0]
    return number


def put_half(handle: int, name: str, kind: int, offset: int, real: float) -> None:
    """Sets the 16-bit float at byte `offset` to the one nearest to `real`, for the native module."""
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
        # Determined by the failure: an array of lengths has an __index__, too, which raises TypeError.
        return [int64(length) for length in shape]  # type: ignore[union-attr]


class Elements(Base):
    """The methods of `mmap` for typed views and arrays. `get` and `put` are in the native module."""

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
        """A memoryview of the map's memory as `count` numbers of this `kind`, from byte `offset` on.

        `count` is by default as many as fit. The view is writable if the map is. While the view, a slice of it, or an
        array made from it exists, closing and resizing the map raise BufferError. Access through a view is not checked:
        an access that the protection forbids (`protect`) ends the process.

        ValueError: closed, or numbers outside the map. ArgumentError: an unknown kind ("u1", "<u4", "f8" …), or one
        that memoryview does not support: the other byte order, and "f2" before Python 3.12. See `array` and `get`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> words = m.view("u4")
        >>> words[1] = 0x01010101
        >>> m[:], words.tolist()
        (b'\\x00\\x00\\x00\\x00\\x01\\x01\\x01\\x01', [0, 16843009])
        """
        _, letter, width = _kind(kind)
        if kind[0] in "<>" and kind[0] != _NATIVE:
            raise ArgumentError(errno.EINVAL, f"mmap.view: {kind!r} is not this machine's byte order: use array or get")
        if letter == "e" and sys.version_info < (3, 12):
            raise ArgumentError(
                errno.EINVAL, f"mmap.view: memoryview has no {kind!r} before Python 3.12: use array or get"
            )
        start, wanted = part(offset, count)
        # While this view exists, resizing fails.
        with memoryview(self) as whole:
            room = checked(_ffi.mmap_wrap_check(self._handle, start, MMAP_WRAP_REST), "mmap.view")
            # The library raises the error for too large or negative counts.
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

        `shape` is a length, or a sequence of one for each dimension. One of them may be -1: as many as fit; by default
        there is one dimension of that length. `dtype` may have fields, and either byte order. While the array, or a
        view of it, exists, closing and resizing the map raise BufferError. As with `view`, access is not checked. The
        array and its slices are sent to other processes as references, and pickled to files with their data: see
        docs/between-processes.md.

        ValueError: closed, or elements outside the map. ArgumentError: a dtype of Python objects.

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
        # While this view exists, resizing fails.
        with memoryview(self):
            room = checked(_ffi.mmap_wrap_check(self._handle, start, MMAP_WRAP_REST), "mmap.array")
            if lengths is None:
                lengths = [-1]
            if lengths.count(-1) == 1:
                row = -prod(lengths) * element.itemsize
                lengths[lengths.index(-1)] = room // row if row > 0 else 0
            checked(_ffi.mmap_wrap_check(self._handle, start, int64(prod(lengths) * element.itemsize)), "mmap.array")
            return array_in(self, element, start, lengths)
