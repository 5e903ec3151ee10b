"""The native library: found, checked and bound, once.

Each name below is the exported C function without its `mmap_wrap_` or `_wrap`; include/mmap_wrap.h is the manual.
Integers are int64_t on both sides, and ctypes cuts larger ones silently: callers pass what `int64` let through.
"""

from __future__ import annotations

import ctypes
import operator
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, SupportsIndex

# The binary interface that this package is written for: MMAP_WRAP_ABI_VERSION in include/mmap_wrap.h.
ABI_VERSION = 1

# "To the end": no sum or difference of real sizes gives this number, so it never stands for anything else.
REST = -(2**63)

BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libmmap_wrap.so")


def _load() -> ctypes.CDLL:
    path = os.environ.get("MMAP_WRAP_LIBRARY") or BUNDLED
    try:
        library = ctypes.CDLL(path)
        found = library.mmap_wrap_abi_version
    except (OSError, AttributeError) as error:
        raise ImportError(
            f"mmap_wrap cannot load its native library: {error}. Install the package again so that it is built, or"
            " set the environment variable MMAP_WRAP_LIBRARY to the path of libmmap_wrap.so",
            name=__package__,
            path=path,
        ) from None
    found.restype = ctypes.c_int64
    number = found()
    if number != ABI_VERSION:
        raise ImportError(
            f"mmap_wrap needs a native library with ABI number {ABI_VERSION}, but {path} has {number}:"
            " install the package and the library of one version",
            name=__package__,
            path=path,
        )
    return library


_library = _load()

_i64 = ctypes.c_int64
_address = ctypes.c_void_p
_text = ctypes.c_char_p


def _bind(name: str, *parameters: type, result: type = _i64) -> Callable[..., Any]:
    function = _library[name]
    function.argtypes = parameters
    function.restype = result
    return function


map_descriptor = _bind("mmap_wrap", _address, _i64, _i64, _i64, _i64, _i64)
map_path = _bind("mmap_path_wrap", _text, _i64, _i64, _i64, _i64)
unmap = _bind("munmap_wrap", _i64)
protect = _bind("mprotect_wrap", _i64, _i64, _i64, _i64)
advise = _bind("madvise_wrap", _i64, _i64, _i64, _i64)
sync = _bind("msync_wrap", _i64, _i64, _i64, _i64)
length = _bind("mmap_wrap_length", _i64)
acquire = _bind("mmap_wrap_acquire", _i64, result=_address)
release = _bind("mmap_wrap_release", _i64)
survive = _bind("mmap_wrap_survive", _i64, _i64)
read = _bind("mmap_wrap_read", _i64, _i64, _address, _i64)
write = _bind("mmap_wrap_write", _i64, _i64, _address, _i64)
move = _bind("mmap_wrap_move", _i64, _i64, _i64, _i64)
find = _bind("mmap_wrap_find", _i64, _address, _i64, _i64, _i64)
rfind = _bind("mmap_wrap_rfind", _i64, _address, _i64, _i64, _i64)
page_size = _bind("mmap_wrap_page_size")
version = _bind("mmap_wrap_version", result=_text)
strerror = _bind("mmap_wrap_strerror", _i64, result=_text)
last_error_message = _bind("mmap_wrap_last_error_message", result=_text)
last_error_code = _bind("mmap_wrap_last_error_code")
constant = _bind("mmap_wrap_constant", _text, _address)
constant_count = _bind("mmap_wrap_constant_count")
constant_name = _bind("mmap_wrap_constant_name", _i64, result=_text)
constant_available = _bind("mmap_wrap_constant_available", _i64)

# A fresh bytes object to be filled before anyone else sees it, as the C API's manual has it: one copy instead of two.
new_bytes: Callable[[None, int], bytes] = ctypes.pythonapi.PyBytes_FromStringAndSize
ctypes.pythonapi.PyBytes_FromStringAndSize.argtypes = (_text, ctypes.c_ssize_t)
ctypes.pythonapi.PyBytes_FromStringAndSize.restype = ctypes.py_object


def int64(value: SupportsIndex) -> int:
    """The number as the library takes it, or OverflowError; TypeError for what is no integer, floats included."""
    # Exactly an int: a subclass may compare as it likes.
    number = int.__index__(operator.index(value))
    if not REST < number < 2**63:
        raise OverflowError(f"{number} does not fit 64 bits: -(2**63 - 1) to 2**63 - 1")
    return number
