"""The platform's constants, as the library has them."""

from __future__ import annotations

import errno

from . import _ffi, _native
from ._header import MMAP_WRAP_E_UNSUPPORTED


def value(name: str) -> int:
    """The value of the constant, or AttributeError that says whether the platform or the library lacks it."""
    # Letters only: the library reads the name up to a NUL, if one were in it.
    found = _native.constant(name.encode()) if name.isascii() and name.isidentifier() else None
    if isinstance(found, int):
        return found
    if found == (MMAP_WRAP_E_UNSUPPORTED,):
        raise AttributeError(f"this platform lacks the constant {name}")
    raise AttributeError(f"module {__package__!r} has no attribute {name!r}")


def flag(name: str) -> int:
    """The value of the constant; 0, which is no flag, where the platform lacks it."""
    try:
        return value(name)
    except AttributeError:
        return 0


def needed(name: str, caller: str) -> int:
    """The value of the constant; where the platform lacks it, the OSError of a call that needs it."""
    found = flag(name)
    if not found:
        raise OSError(errno.ENOTSUP, f"{caller}: this platform lacks {name}")
    return found


def available() -> list[str]:
    """The names that this platform has."""
    numbers = range(_ffi.mmap_wrap_constant_count())
    return [_ffi.mmap_wrap_constant_name(i).decode() for i in numbers if _ffi.mmap_wrap_constant_available(i) == 1]
