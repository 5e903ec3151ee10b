"""Names for annotations: the kinds of numbers, and the modes of `open`.

For functions that pass a kind or a mode on:

>>> import mmap_wrap
>>> from mmap_wrap.typing import IntegerKind
>>> def total(numbers: mmap_wrap.mmap, kind: IntegerKind) -> int:
...     return sum(numbers.view(kind))
>>> total(mmap_wrap.anonymous(16), "u4")
0
"""

from __future__ import annotations

from typing import Literal

__all__ = ["FloatKind", "IntegerKind", "Kind", "Mode"]

# fmt: off
IntegerKind = Literal[
    "i1", "<i1", ">i1", "=i1", "i2", "<i2", ">i2", "=i2", "i4", "<i4", ">i4", "=i4", "i8", "<i8", ">i8", "=i8",
    "u1", "<u1", ">u1", "=u1", "u2", "<u2", ">u2", "=u2", "u4", "<u4", ">u4", "=u4", "u8", "<u8", ">u8", "=u8",
]
FloatKind = Literal["f2", "<f2", ">f2", "=f2", "f4", "<f4", ">f4", "=f4", "f8", "<f8", ">f8", "=f8"]
Kind = Literal[IntegerKind, FloatKind]

Mode = Literal[
    "r", "rb", "br", "r+", "+r", "r+b", "rb+", "br+", "+rb", "+br", "b+r", "c", "cb", "bc",
    "w", "wb", "bw", "w+", "+w", "w+b", "wb+", "bw+", "+wb", "+bw", "b+w",
    "x", "xb", "bx", "x+", "+x", "x+b", "xb+", "bx+", "+xb", "+bx", "b+x",
    "a", "ab", "ba", "a+", "+a", "a+b", "ab+", "ba+", "+ab", "+ba", "b+a",
]
# fmt: on
