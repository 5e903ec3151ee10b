"""The calls of the native library, as they are in C.

Every function of include/mmap_wrap.h but the getters of constants, under its own name, bound when first asked for. None
raises: a result of zero or more is a success, a negative code is an error. `check` turns that into
the exceptions of `mmap_wrap`. The header is the manual.

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

What ctypes does to arguments: a number beyond 64 bits loses its upper bits; a text is bytes, ends at its first NUL, and
None is NULL; a buffer to be read from is bytes, one to be written to is made by ctypes (`create_string_buffer`, or
`byref(c_int64())` for a number). Addresses and lengths are the caller's to get right, as in C. Any thread may make any
call; the interpreter's lock is let go meanwhile.
"""

from __future__ import annotations

from . import _errors, _ffi, _native
from ._header import *  # noqa: F403

TYPE_CHECKING = False
if TYPE_CHECKING:
    # At run time __getattr__ below has them: ctypes, which they need, is imported when the first is asked for.
    from ._calls import *  # noqa: F403


def check(result: int) -> int:
    """Returns the `result` of a success; raises the exception for it, with this thread's last failure as the message.

    To be called right after the call that it is about, in the same thread. FaultError, ArgumentError and SealedError
    are those of `mmap_wrap`; OSError and its subclasses, ValueError and BufferError stand for the rest.

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
