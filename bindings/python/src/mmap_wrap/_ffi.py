"""The native library: found, checked and bound, once.

Each exported C function is here under its own name; include/mmap_wrap.h is the manual.
Integers are int64_t on both sides, and ctypes cuts larger ones silently: callers pass what `int64` let through.
"""

from __future__ import annotations

import os

# operator.index at its source: the rest of that module would only slow the import down.
from _operator import index as index

try:
    from . import _native as _native
except ImportError as error:
    raise ImportError(
        f"mmap_wrap cannot load its native module: {error}. Install the package again so that it is built",
        name=__package__,
        path=error.path,
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable
    from typing import Any, SupportsIndex

# The binary interface that this package is written for: MMAP_WRAP_ABI_VERSION in include/mmap_wrap.h.
ABI_VERSION = 2

# "To the end": no sum or difference of real sizes gives this number, so it never stands for anything else.
REST = -(2**63)

# MMAP_WRAP_KEEP: the mapping keeps its file open.
KEEP = 1 << 32

# MMAP_WRAP_OR_PRIVATE: a shared mapping for reading may be private where the file takes no shared one.
OR_PRIVATE = 1 << 33

BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libmmap_wrap.so")


def _load() -> int:
    """What dlopen gives for the library; the functions that the native module calls are bound by then."""
    path = os.environ.get("MMAP_WRAP_LIBRARY") or BUNDLED
    try:
        handle, number = _native.load(os.fsencode(path), ABI_VERSION)
    except OSError as error:
        raise ImportError(
            f"mmap_wrap cannot load its native library: {error}. Install the package again so that it is built, or"
            " set the environment variable MMAP_WRAP_LIBRARY to the path of libmmap_wrap.so",
            name=__package__,
            path=path,
        ) from None
    if number != ABI_VERSION:
        raise ImportError(
            f"mmap_wrap needs a native library with ABI number {ABI_VERSION}, but {path} has {number}:"
            " install the package and the library of one version",
            name=__package__,
            path=path,
        )
    return handle


_handle = _load()
_library: ctypes.CDLL | None = None


def bind(name: str) -> Callable[..., Any]:
    """The exported function of that name, made to take and to answer what its signature says."""
    # Imported when the first is asked for: what programs for the standard library's mmap need is in the native module.
    import ctypes

    from ._signatures import SIGNATURES

    global _library
    if _library is None:
        _library = ctypes.CDLL(None, handle=_handle)
    types: dict[str, Any] = {"i": ctypes.c_int64, "p": ctypes.c_void_p, "t": ctypes.c_char_p, "d": ctypes.c_double}
    function = _library[name]
    function.restype, *function.argtypes = (types[letter] for letter in SIGNATURES[name])
    return function


def __getattr__(name: str) -> Callable[..., Any]:
    from ._signatures import SIGNATURES

    # Bound when first asked for: most programs want few of them.
    if name not in SIGNATURES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function = bind(name)
    globals()[name] = function
    return function


def int64(value: SupportsIndex) -> int:
    """The number as the library takes it, or OverflowError; TypeError for what is no integer, floats included."""
    # Exactly an int: a subclass may compare as it likes.
    number = value if type(value) is int else int.__index__(index(value))
    if not REST < number < 2**63:
        raise OverflowError(f"{number} does not fit 64 bits: -(2**63 - 1) to 2**63 - 1")
    return number


def nanoseconds(seconds: float) -> int:
    """A time to wait as the library takes it; none for a negative one."""
    return int64(int(max(seconds, 0) * 1_000_000_000))
