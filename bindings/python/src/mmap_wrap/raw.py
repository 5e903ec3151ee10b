"""The functions of the native library, as in C.

Has every function of include/mmap_wrap.h except the getters of constants, under its own name. They do not raise: a
result of zero or more is success, a negative code an error, for which `check` raises the exception of `mmap_wrap`. The
header documents them.

>>> import mmap_wrap
>>> from mmap_wrap import raw
>>> readable_and_writable = mmap_wrap.PROT_READ | mmap_wrap.PROT_WRITE
>>> handle = raw.check(raw.mmap_unnamed_wrap(4096, readable_and_writable, mmap_wrap.MAP_SHARED))
>>> raw.mmap_wrap_put_int(handle, raw.MMAP_WRAP_U16 | raw.MMAP_WRAP_BIG_ENDIAN, 0, 258)
0
>>> raw.mmap_wrap_get_int(handle, raw.MMAP_WRAP_U8, 1)
2
>>> raw.mmap_wrap_get_int(handle, raw.MMAP_WRAP_U8, 4096) == raw.MMAP_WRAP_NO_INT
True
>>> raw.munmap_wrap(handle), raw.munmap_wrap(handle)
(1, 0)

ctypes converts the arguments: a number of more than 64 bits loses its upper bits; a string is bytes, and ends at its
first NUL; None is NULL; a buffer to read from is bytes, one to write to is a ctypes object (`create_string_buffer`, or
`byref(c_int64())` for a number). As in C, addresses and lengths are not checked. Any thread may call any function; the
GIL is released during the call.
"""

from __future__ import annotations

from . import _errors, _ffi, _native
from ._header import *  # noqa: F403

TYPE_CHECKING = False
if TYPE_CHECKING:
    # At run time __getattr__ below provides them: they need ctypes, which is imported at first use.
    from ._calls import *  # noqa: F403


def check(result: int) -> int:
    """Returns a `result` of zero or more; for a negative one raises the exception, with the library's last message.

    Call it directly after the function that returned the result, in the same thread. It raises FaultError,
    ArgumentError, SealedError, OSError and its subclasses, ValueError or BufferError, as the methods of `mmap` do.

    >>> import mmap_wrap
    >>> from mmap_wrap import raw
    >>> raw.check(raw.mmap_path_wrap(b"/nowhere", raw.MMAP_WRAP_REST, mmap_wrap.PROT_READ, mmap_wrap.MAP_PRIVATE, 0))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] mmap_path_wrap: open '/nowhere' for reading: No such file or directory (ENOENT)
    """
    if result < 0:
        raise _errors.exception(result, _native.message(result))
    return result


if not TYPE_CHECKING:

    def __getattr__(name):
        from ._signatures import MEMBERS, SIGNATURES

        if name in MEMBERS:
            from . import _structs

            found = getattr(_structs, name)
        elif name in SIGNATURES:
            found = getattr(_ffi, name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    from ._signatures import MEMBERS, SIGNATURES

    return sorted({*globals(), *SIGNATURES, *MEMBERS})
