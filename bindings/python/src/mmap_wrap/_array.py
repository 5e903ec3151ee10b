"""The class of numpy arrays that lie in a map, which go to other processes as references. Imported with numpy."""

from __future__ import annotations

import os
import sys

import numpy

from ._base import Base
from ._reference import is_sent, open_once, reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Scalar = TypeVar("Scalar", bound=numpy.generic, covariant=True)
    _NDArray = numpy.ndarray[tuple[Any, ...], numpy.dtype[Scalar]]
else:
    # What type checkers know as a generic class is none in numpy before 1.22.
    _NDArray = {"Scalar": numpy.ndarray}


class Array(_NDArray["Scalar"]):
    """A numpy array of a map's own memory: `m.array(...)`, and every slice, reshaped or transposed view of that.

    multiprocessing, concurrent.futures, joblib's workers and Dask pass it on as a reference where its map can be, and
    other processes then see the same memory. Every other pickle has its data, as numpy's own arrays have: pickle.dump,
    joblib.dump, joblib.Memory. What is computed from it is a plain array, and so is a copy.

    >>> import mmap_wrap
    >>> m = mmap_wrap.memfd(1 << 20)
    >>> try:
    ...     import numpy, pickle
    ...     a = m.array("f8", shape=(1024, 128))
    ...     saved = pickle.dumps(a[::2, 1])
    ...     pickle.loads(pickle.dumps(a.by_reference))[0][1] = 0.5
    ...     assert a[0, 1] == 0.5 and pickle.loads(saved)[0] == 0 and type(a + 1) is numpy.ndarray
    ... except ImportError:
    ...     reason = "numpy is not installed"
    """

    __slots__ = ()

    @property
    def by_reference(self) -> ByReference:
        """A reference to the array, for every pickler: it has its shape and type, and slices are of its memory.

        `dask.array.from_array(a)` copies all of an array first, in versions of 2025 and later, and
        `from_array(a.by_reference)` nothing. TypeError: the array is no part of a map that other processes can open.

        >>> import mmap_wrap
        >>> try:
        ...     print(mmap_wrap.memfd(4096).array("f8").by_reference.shape)
        ... except ImportError:
        ...     print((512,))
        (512,)
        """
        return ByReference(self)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        # What a calculation gives is no part of the map, unless it went into it (`out`, `+=`).
        if array is self:
            return array
        return array[()] if array.ndim == 0 else array.view(numpy.ndarray)

    def __reduce_ex__(self, protocol: Any) -> Any:
        place = place_of(self) if is_sent() else None
        return self.view(numpy.ndarray).__reduce_ex__(protocol) if place is None else (array_of, place)

    def __dask_tokenize__(self) -> Any:
        from dask.base import normalize_token

        place, whole = place_of(self), map_of(self)
        if place is None or whole is None:
            return normalize_token(self.view(numpy.ndarray))
        # The place, not the bytes, which may be many; and when the file system last saw them change.
        return normalize_token((place, os.fstat(whole.info().descriptor).st_mtime_ns))


class ByReference:
    """An array that libraries which copy arrays do not take for one: `Array.by_reference`."""

    __slots__ = ("_array", "_place")

    def __init__(self, array: Array[Any]) -> None:
        whole = map_of(array)
        if whole is None:
            raise TypeError("only an array in a map goes by reference: this one has memory of its own")
        self._array, self._place = array, place_in(whole, array)

    @property
    def shape(self) -> tuple[int, ...]:
        """As the array's."""
        return self._array.shape

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """As the array's."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """As the array's."""
        return self._array.ndim

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, key: Any) -> Any:
        return self._array[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return numpy.array(self._array, dtype, copy=True) if copy else numpy.asarray(self._array, dtype)

    def __reduce__(self) -> Any:
        return by_reference_of, self._place

    def __dask_tokenize__(self) -> Any:
        return self._array.__dask_tokenize__()

    def __repr__(self) -> str:
        return f"<ByReference shape={self.shape}, dtype={self.dtype}>"


def array_in(whole: Base, dtype: Any, offset: int, shape: Any, strides: Any = None) -> Array[Any]:
    """An array of the map's memory. The acquired address keeps the map open as long as there is an array of it."""
    if "dask" in sys.modules:
        from . import _dask

        _dask.register(Array, place_of, array_of)
    # Not the map itself: numpy would look at its memory, and let go of it at once. Through a memoryview it holds it.
    memory = numpy.asarray(memoryview(whole))
    return Array(shape, dtype, memory, offset, strides)


def map_of(array: Any) -> Base | None:
    """The map that an array lies in."""
    owner = array
    while isinstance(owner, numpy.ndarray):
        owner = owner.base
    owner = owner.obj if isinstance(owner, memoryview) else owner
    return owner if isinstance(owner, Base) else None


def place_of(array: Any) -> tuple[Any, ...] | None:
    """`place_in` for an array that can go by reference; one of no elements, and any other, goes with its data."""
    whole = map_of(array)
    try:
        return place_in(whole, array) if whole is not None and array.size else None
    except TypeError:
        return None


def place_in(whole: Base, array: Any) -> tuple[Any, ...]:
    """What `array_of` makes the same array of. TypeError: no other process can open the map."""
    offset = array.__array_interface__["data"][0] - whole.info().address
    return reference(whole), array.dtype, offset, array.shape, array.strides, array.flags.writeable


def array_of(reference: Any, dtype: Any, offset: int, shape: Any, strides: Any, writeable: bool) -> Array[Any]:
    """The array that `place_in` described."""
    array = array_in(open_once(*reference), dtype, offset, shape, strides)
    if not writeable:
        array.flags.writeable = False
    return array


def by_reference_of(*place: Any) -> ByReference:
    """The same for `ByReference`."""
    return ByReference(array_of(*place))
