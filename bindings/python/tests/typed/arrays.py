"""What users with numpy write."""

from __future__ import annotations

from typing import Any, assert_type

import numpy
from numpy.typing import NDArray

import mmap_wrap as mmap
from mmap_wrap._array import Array, ByReference


def arrays(m: mmap.mmap) -> None:
    assert_type(m.array(numpy.float64), Array[numpy.float64])
    assert_type(m.array(numpy.dtype(numpy.uint16), 8, (2, 3)), Array[numpy.uint16])
    assert_type(m.array(numpy.dtype(">u4"), shape=4), Array[numpy.uint32])
    assert_type(m.array("f8", shape=numpy.array([2, 3])), Array[Any])
    assert_type(m.array([("key", "u4"), ("value", "f8")]), Array[Any])
    assert_type(m.array(numpy.float64).by_reference, ByReference)
    assert_type(m.array("f8").by_reference, ByReference)
    whole: NDArray[numpy.float64] = m.array(numpy.float64)
    real: NDArray[numpy.floating[Any]] = m.array(numpy.float64)
    assert_type(m.array(numpy.float64) + 1, NDArray[numpy.float64])
    total: numpy.float64 = m.array(numpy.float64).sum()
    m.array([1, 2, 3], "x")  # type: ignore[call-overload]
    whole.by_reference  # type: ignore[attr-defined] # noqa: B018
    print(total, whole, real, numpy.asarray(memoryview(m)))
