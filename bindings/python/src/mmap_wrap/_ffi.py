"""The native library: found, checked and bound, once.

Each name below is the exported C function without its `mmap_wrap_` or `_wrap`; include/mmap_wrap.h is the manual.
Integers are int64_t on both sides, and ctypes cuts larger ones silently: callers pass what `int64` let through.
"""

from __future__ import annotations

import ctypes
import os

# operator.index at its source: the rest of that module would only slow the import down.
from _operator import index as index

from ._signatures import SIGNATURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, SupportsIndex

# The binary interface that this package is written for: MMAP_WRAP_ABI_VERSION in include/mmap_wrap.h.
ABI_VERSION = 1

# "To the end": no sum or difference of real sizes gives this number, so it never stands for anything else.
REST = -(2**63)

# MMAP_WRAP_KEEP: the mapping keeps its file open.
KEEP = 1 << 32

# MMAP_WRAP_OR_PRIVATE: a shared mapping for reading may be private where the file takes no shared one.
OR_PRIVATE = 1 << 33

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

_TYPES: dict[str, type[Any]] = {"i": ctypes.c_int64, "p": ctypes.c_void_p, "t": ctypes.c_char_p, "d": ctypes.c_double}


def bind(name: str) -> Callable[..., Any]:
    """The exported function of that name, made to take and to answer what its signature says."""
    function = _library[name]
    function.restype, *function.argtypes = (_TYPES[letter] for letter in SIGNATURES[name])
    return function


_CALLS = {
    "map_descriptor": "mmap_wrap",
    "map_path": "mmap_path_wrap",
    "map_aligned": "mmap_aligned_wrap",
    "remap": "mremap_wrap",
    "unmap": "munmap_wrap",
    "protect": "mprotect_wrap",
    "advise": "madvise_wrap",
    "sync": "msync_wrap",
    "put_int": "mmap_wrap_put_int",
    "put_float": "mmap_wrap_put_float",
    "length": "mmap_wrap_length",
    "descriptor": "mmap_wrap_descriptor",
    "file_size": "mmap_wrap_file_size",
    "survive": "mmap_wrap_survive",
    "verify_handlers": "mmap_wrap_verify_handlers",
    "trust_handlers": "mmap_wrap_trust_handlers",
    "read": "mmap_wrap_read",
    "write": "mmap_wrap_write",
    "check": "mmap_wrap_check",
    "fill": "mmap_wrap_fill",
    "move": "mmap_wrap_move",
    "copy": "mmap_wrap_copy",
    "compare": "mmap_wrap_compare",
    "find": "mmap_wrap_find",
    "rfind": "mmap_wrap_rfind",
    "count": "mmap_wrap_count",
    "page_size": "mmap_wrap_page_size",
    "version": "mmap_wrap_version",
    "strerror": "mmap_wrap_strerror",
    "last_error_message": "mmap_wrap_last_error_message",
    "last_error_code": "mmap_wrap_last_error_code",
    "constant": "mmap_wrap_constant",
    "constant_count": "mmap_wrap_constant_count",
    "constant_name": "mmap_wrap_constant_name",
    "constant_available": "mmap_wrap_constant_available",
}


def __getattr__(name: str) -> Callable[..., Any]:
    # Bound when first asked for: most programs want few of them.
    if name not in _CALLS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function = bind(_CALLS[name])
    globals()[name] = function
    return function


def _object_at(address: int | None, _function: object, _arguments: object) -> Any:
    # The type ctypes.py_object as the answer's would not live through a NULL.
    if not address:
        raise ImportError("mmap_wrap needs a CPython whose functions the libraries it loads can see", name=__package__)
    # A reference is kept beside the one answered: the class stays, as other built-in ones do.
    return ctypes.cast(address, ctypes.py_object).value


# The one function that wants the interpreter's lock, and answers one of its objects.
python_type = ctypes.PyDLL(None, handle=_library._handle)["mmap_wrap_python_type"]
python_type.restype, python_type.argtypes = ctypes.c_void_p, (ctypes.c_int64,)
python_type.errcheck = _object_at  # type: ignore[assignment]


class _Slot(ctypes.Structure):
    """Python's `PyType_Slot`."""

    _fields_ = [("number", ctypes.c_int), ("function", ctypes.c_void_p)]


class _Spec(ctypes.Structure):
    """Python's `PyType_Spec`."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(_Slot)),
    ]


# Python keeps the address, up to 3.10.
_CLASS_NAME = b"mmap_wrap.mmap"
_MAPPING_SET, _MAPPING_LENGTH, _MAPPING_GET, _SEQUENCE_ITEM, _SEQUENCE_LENGTH = 3, 4, 5, 44, 45
_DEFAULT, _BASETYPE = 1 << 18, 1 << 10


def sequence_class(base: type[Any], native: type[Any]) -> type[Any]:
    """A class derived from `base` that is indexed and iterated by the functions of `native`.

    A class statement cannot make it: `__getitem__`, which its classes are iterated by, gives ints.
    """
    get_slot = ctypes.pythonapi["PyType_GetSlot"]
    get_slot.restype, get_slot.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_int)
    make = ctypes.pythonapi["PyType_FromSpecWithBases"]
    make.restype, make.argtypes = ctypes.py_object, (ctypes.POINTER(_Spec), ctypes.py_object)
    numbers = (_MAPPING_SET, _MAPPING_LENGTH, _MAPPING_GET, _SEQUENCE_ITEM, _SEQUENCE_LENGTH)
    slots = (_Slot * (len(numbers) + 1))(*(_Slot(number, get_slot(native, number)) for number in numbers))
    made: type[Any] = make(ctypes.byref(_Spec(_CLASS_NAME, 0, 0, _DEFAULT | _BASETYPE, slots)), (base,))
    made.__doc__ = base.__doc__
    return made


# A fresh bytes object to be filled before anyone else sees it, as the C API's manual has it: one copy instead of two.
# By index, for a function of our own: as an attribute it is everybody's, and whoever comes next says what it takes.
_new_bytes = ctypes.pythonapi["PyBytes_FromStringAndSize"]
_new_bytes.argtypes = (ctypes.c_char_p, ctypes.c_ssize_t)
_new_bytes.restype = ctypes.py_object
new_bytes: Callable[[None, int], bytes] = _new_bytes


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
