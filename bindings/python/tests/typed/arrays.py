"""What users with numpy write."""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import NDArray
from typing_extensions import assert_type

import mmap_wrap as mmap


def arrays(m: mmap.mmap) -> None:
    assert_type(m.array(numpy.float64), NDArray[numpy.float64])
    assert_type(m.array(numpy.dtype(numpy.uint16), 8, (2, 3)), NDArray[numpy.uint16])
    assert_type(m.array(numpy.dtype(">u4"), shape=4), NDArray[numpy.uint32])
    assert_type(m.array("f8"), NDArray[Any])
    assert_type(m.array([("key", "u4"), ("value", "f8")]), NDArray[Any])
    total: numpy.float64 = m.array(numpy.float64).sum()
    m.array([1, 2, 3], "x")  # type: ignore[call-overload]
    print(total, numpy.asarray(memoryview(m)))
