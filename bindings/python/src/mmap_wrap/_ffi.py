"""The native library: found, checked and bound, once.

Each exported C function is here under its own name; include/mmap_wrap.h is the manual.
Integers are int64_t on both sides, and ctypes cuts larger ones silently: callers pass what `int64` let through.
"""

from __future__ import annotations

import os
import sys

# operator.index at its source: the rest of that module would only slow the import down.
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
    """The system's handle of the library; the functions that the native module calls are bound by then."""
    # Windows looks beside a DLL for what it needs only by a full path; dlopen looks for a bare name itself.
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
    """What ctypes has for each letter of `_signatures`."""
    # Imported when first asked for: what programs for the standard library's mmap need is in the native module.
    import ctypes

    return {"i": ctypes.c_int64, "p": ctypes.c_void_p, "t": ctypes.c_char_p, "d": ctypes.c_double}


def bind(name: str) -> Callable[..., Any]:
    """The exported function of that name, which takes and returns what its signature says."""
    import ctypes

    from ._signatures import SIGNATURES

    global _library
    if _library is None:
        # On Windows it wants a name even where it loads nothing.
        _library = ctypes.CDLL(_path, handle=_handle)
    types = ctypes_of()
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
    # To the library REST is the rest of the map, and no number.
    if not MMAP_WRAP_REST < number < 2**63:
        raise OverflowError(f"{number} does not fit 64 bits: -(2**63 - 1) to 2**63 - 1")
    return number


def nanoseconds(seconds: float) -> int:
    """A time to wait as the library takes it; none for a negative one."""
    return int64(int(max(seconds, 0) * 1_000_000_000))
