"""The calls of the native library, as they are in C.

Every function of include/mmap_wrap.h but the getters of constants, under its own name, bound when first asked for. None
raises what the library answers: zero or more is the answer, a negative code is an error. `check` turns that into
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

from . import _errors, _ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    # At run time __getattr__ below has them: ctypes, which they need, is imported when the first is asked for.
    from ._calls import *  # noqa: F403
    from ._structs import Cache as Cache
    from ._structs import Facts as Facts
    from ._structs import OpenOptions as OpenOptions

MMAP_WRAP_ABI_VERSION = _ffi.ABI_VERSION
MMAP_WRAP_REST = _ffi.REST
MMAP_WRAP_KEEP = _ffi.KEEP
MMAP_WRAP_OR_PRIVATE = _ffi.OR_PRIVATE
MMAP_WRAP_NO_INT = -(2**63)
MMAP_WRAP_WITH_FILE = 1
MMAP_WRAP_ALLOCATE = 2
MMAP_WRAP_MUTEX_SIZE = 16

MMAP_WRAP_E_HANDLE = _errors.E_HANDLE
MMAP_WRAP_E_UNMAPPED = _errors.E_UNMAPPED
MMAP_WRAP_E_RANGE = _errors.E_RANGE
MMAP_WRAP_E_ALIGNMENT = _errors.E_ALIGNMENT
MMAP_WRAP_E_FAULT = _errors.E_FAULT
MMAP_WRAP_E_BUSY = _errors.E_BUSY
MMAP_WRAP_E_ARGUMENT = _errors.E_ARGUMENT
MMAP_WRAP_E_UNSUPPORTED = _errors.E_UNSUPPORTED
MMAP_WRAP_E_NOT_FOUND = _errors.E_NOT_FOUND
MMAP_WRAP_E_SEALED = _errors.E_SEALED
MMAP_WRAP_E_INTERNAL = -4105

MMAP_WRAP_I8 = 17
MMAP_WRAP_U8 = 33
MMAP_WRAP_I16 = 18
MMAP_WRAP_U16 = 34
MMAP_WRAP_I32 = 20
MMAP_WRAP_U32 = 36
MMAP_WRAP_I64 = 24
MMAP_WRAP_U64 = 40
MMAP_WRAP_F32 = 52
MMAP_WRAP_F64 = 56
MMAP_WRAP_LITTLE_ENDIAN = 256
MMAP_WRAP_BIG_ENDIAN = 512

MMAP_WRAP_SOURCE_ANONYMOUS = 1
MMAP_WRAP_SOURCE_DESCRIPTOR = 2
MMAP_WRAP_SOURCE_PATH = 3
MMAP_WRAP_SOURCE_SHARED_MEMORY = 4
MMAP_WRAP_SOURCE_MEMORY_FILE = 5


def check(result: int) -> int:
    """The `result` if it is an answer; else the exception for it, with this thread's last failure as the message.

    To be called right after the call that it is about, in the same thread. FaultError, ArgumentError and SealedError
    are those of `mmap_wrap`; OSError and its subclasses, ValueError and BufferError stand for the rest.

    >>> import mmap_wrap
    >>> from mmap_wrap import raw
    >>> raw.check(raw.mmap_path_wrap(b"/nowhere", raw.MMAP_WRAP_REST, mmap_wrap.PROT_READ, mmap_wrap.MAP_PRIVATE, 0))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] mmap_path: open '/nowhere' for reading: No such file or directory (ENOENT)
    """
    return _errors.answer(result)


if not TYPE_CHECKING:

    def __getattr__(name):
        from . import _structs
        from ._signatures import SIGNATURES

        if name in _structs.__all__:
            found = getattr(_structs, name)
        elif name in SIGNATURES:
            found = getattr(_ffi, name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    from ._signatures import SIGNATURES

    return sorted({*globals(), *SIGNATURES, "Cache", "Facts"})
