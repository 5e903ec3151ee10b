"""Finds and loads the native library, and binds its functions.

Each exported C function is an attribute of its own name; include/mmap_wrap.h documents them.
Integers are int64_t on both sides. ctypes truncates larger ones silently, so callers convert with `int64`.
"""

from __future__ import annotations

import os
import sys

# operator.index, without importing the rest of that module.
from _operator import index as index

from ._header import MMAP_WRAP_ABI_VERSION, MMAP_WRAP_REST

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

NAME = "mmap_wrap.dll" if sys.platform == "win32" else "libmmap_wrap.so"
BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), NAME)
_path = os.environ.get("MMAP_WRAP_LIBRARY") or BUNDLED


def _load() -> int:
    """Loads the library, binds the functions that the native module calls, and returns the system's handle."""
    # Windows searches a DLL's folder for its dependencies only if given a full path; dlopen searches for a bare name.
    path = os.path.abspath(_path) if sys.platform == "win32" else _path
    try:
        handle, number = _native.load(path, MMAP_WRAP_ABI_VERSION)
    except OSError as error:
        raise ImportError(
            f"mmap_wrap cannot load its native library: {error}. Install the package again so that it is built, or"
            f" set the environment variable MMAP_WRAP_LIBRARY to the path of {NAME}",
            name=__package__,
            path=path,
        ) from None
    if number != MMAP_WRAP_ABI_VERSION:
        raise ImportError(
            f"mmap_wrap needs a native library with ABI number {MMAP_WRAP_ABI_VERSION}, but {path} has {number}:"
            " install the package and the library of one version",
            name=__package__,
            path=path,
        )
    return handle


_handle = _load()
_library: ctypes.CDLL | None = None


def ctypes_of() -> dict[str, Any]:
    """The ctypes type for each letter of `_signatures`."""
    # Imported at first use: programs that use only the standard library's calls do not need ctypes.
    import ctypes

    return {"i": ctypes.c_int64, "p": ctypes.c_void_p, "t": ctypes.c_char_p, "d": ctypes.c_double}


def bind(name: str) -> Callable[..., Any]:
    """The exported function of that name, with the types of its signature."""
    import ctypes

    from ._signatures import SIGNATURES

    global _library
    if _library is None:
        # On Windows a name is required even with a handle.
        _library = ctypes.CDLL(_path, handle=_handle)
    types = ctypes_of()
    function = _library[name]
    function.restype, *function.argtypes = (types[letter] for letter in SIGNATURES[name])
    return function


def __getattr__(name: str) -> Callable[..., Any]:
    from ._signatures import SIGNATURES

    # Bound at first use: most programs use few of them.
    if name not in SIGNATURES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function = bind(name)
    globals()[name] = function
    return function


def int64(value: SupportsIndex) -> int:
    """The value as an int in the range of the library. OverflowError: out of range. TypeError: not an integer."""
    # Exactly an int: a subclass may override comparison.
    number = value if type(value) is int else int.__index__(index(value))
    # To the library REST means the rest of the map.
    if not MMAP_WRAP_REST < number < 2**63:
        raise OverflowError(f"{number} does not fit 64 bits: -(2**63 - 1) to 2**63 - 1")
    return number


def nanoseconds(seconds: float) -> int:
    """A time in seconds as nanoseconds; 0 for a negative one."""
    return int64(int(max(seconds, 0) * 1_000_000_000))
