"""The class of numpy arrays in the memory of a map, which are sent to other processes as references. Needs numpy."""

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
    # For type checkers a generic class; at run time it is not generic in numpy before 1.22.
    _NDArray = {"Scalar": numpy.ndarray}


class Array(_NDArray["Scalar"]):
    """A numpy array of a map's own memory: `m.array(...)`, and every slice, reshaped or transposed view of that.

    multiprocessing, concurrent.futures, joblib's workers and Dask send it as a reference if its map can be pickled, and
    other processes then access the same memory. Every other pickle contains the data, as for numpy's own arrays:
    pickle.dump, joblib.dump, joblib.Memory. A copy, and the result of a calculation, is a plain numpy array.

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
        """A reference to the array, for every pickler. It has the array's shape and dtype; slicing it returns views.

        From version 2025 on `dask.array.from_array(a)` copies the whole array; `from_array(a.by_reference)` copies
        nothing. TypeError: the array is not in the memory of a map, or other processes cannot open its map.

        >>> import mmap_wrap
        >>> try:
        ...     print(mmap_wrap.memfd(4096).array("f8").by_reference.shape)
        ... except ImportError:
        ...     print((512,))
        (512,)
        """
        return ByReference(self)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        # The result of a calculation is not in the map, unless it was written there (`out`, `+=`).
        if array is self:
            return array
        return array[()] if array.ndim == 0 else array.view(numpy.ndarray)

    def __reduce_ex__(self, protocol: Any) -> Any:
        arguments = array_arguments_or_none(self) if is_sent() else None
        return self.view(numpy.ndarray).__reduce_ex__(protocol) if arguments is None else (array_of, arguments)

    def __dask_tokenize__(self) -> Any:
        from dask.base import normalize_token

        arguments, whole = array_arguments_or_none(self), map_of(self)
        if arguments is None or whole is None:
            return normalize_token(self.view(numpy.ndarray))
        # The reference and the time of modification, not the bytes, which may be many.
        return normalize_token((arguments, os.fstat(whole.info().descriptor).st_mtime_ns))


class ByReference:
    """What `Array.by_reference` returns: libraries that copy arrays do not treat it as one."""

    __slots__ = ("_arguments", "_array")

    def __init__(self, array: Array[Any]) -> None:
        whole = map_of(array)
        if whole is None:
            raise TypeError("only an array in a map has a reference: this one has memory of its own")
        self._array, self._arguments = array, array_arguments(whole, array)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self._array.shape

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """The dtype of the array."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions of the array."""
        return self._array.ndim

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, key: Any) -> Any:
        return self._array[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return numpy.array(self._array, dtype, copy=True) if copy else numpy.asarray(self._array, dtype)

    def __reduce__(self) -> Any:
        return by_reference_of, self._arguments

    def __dask_tokenize__(self) -> Any:
        return self._array.__dask_tokenize__()

    def __repr__(self) -> str:
        return f"<ByReference shape={self.shape}, dtype={self.dtype}>"


def array_in(whole: Base, dtype: Any, offset: int, shape: Any, strides: Any = None) -> Array[Any]:
    """An array of the map's memory. While it exists, the map cannot be closed."""
    if "dask" in sys.modules:
        from . import _dask

        _dask.register(Array, array_arguments_or_none, array_of)
    # A memoryview keeps the map's buffer exported; given the map itself, numpy would release the buffer at once.
    memory = numpy.asarray(memoryview(whole))
    return Array(shape, dtype, memory, offset, strides)


def map_of(array: Any) -> Base | None:
    """The map whose memory the array is in; None if there is none."""
    owner = array
    while isinstance(owner, numpy.ndarray):
        owner = owner.base
    owner = owner.obj if isinstance(owner, memoryview) else owner
    return owner if isinstance(owner, Base) else None


def array_arguments_or_none(array: Any) -> tuple[Any, ...] | None:
    """`array_arguments`, or None for an array that is empty or that other processes cannot open."""
    whole = map_of(array)
    try:
        return array_arguments(whole, array) if whole is not None and array.size else None
    except TypeError:
        return None


def array_arguments(whole: Base, array: Any) -> tuple[Any, ...]:
    """The arguments with which `array_of` makes the same array. TypeError: no other process can open the map."""
    offset = array.__array_interface__["data"][0] - whole.info().address
    return reference(whole), array.dtype, offset, array.shape, array.strides, array.flags.writeable


def array_of(reference: Any, dtype: Any, offset: int, shape: Any, strides: Any, writeable: bool) -> Array[Any]:
    """The array for the arguments that `array_arguments` returned."""
    array = array_in(open_once(*reference), dtype, offset, shape, strides)
    if not writeable:
        array.flags.writeable = False
    return array


def by_reference_of(*arguments: Any) -> ByReference:
    """The `ByReference` for the arguments that `array_arguments` returned."""
    return ByReference(array_of(*arguments))
