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

import ctypes

from . import _errors, _ffi
from ._signatures import SIGNATURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    # At run time __getattr__ below has them.
    from ._calls import *  # noqa: F403

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


class _Members(ctypes.Structure):
    """A struct that shows its members."""

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={getattr(self, name)}" for name, *_ in self._fields_)
        return f"{type(self).__name__}({members})"


class Cache(_Members):
    """`struct mmap_wrap_cache`: how many bytes of a part of a file the page cache holds; what `mmap.cached` answers.

    `cached` are in memory; of these `dirty` wait to be written and `writeback` are being written. `evicted` were in
    memory once, `recently_evicted` of those so lately that it would have been better to keep them.

    >>> import ctypes
    >>> from mmap_wrap import raw
    >>> cache = raw.Cache()
    >>> with open(raw.__file__, "rb") as file:
    ...     code = raw.mmap_wrap_cachestat(
    ...         file.fileno(), ctypes.byref(cache), ctypes.sizeof(cache), 0, raw.MMAP_WRAP_REST
    ...     )
    >>> code in (0, raw.MMAP_WRAP_E_UNSUPPORTED), cache.dirty >= 0
    (True, True)
    """

    _fields_ = [
        ("cached", ctypes.c_int64),
        ("dirty", ctypes.c_int64),
        ("writeback", ctypes.c_int64),
        ("evicted", ctypes.c_int64),
        ("recently_evicted", ctypes.c_int64),
    ]

    if TYPE_CHECKING:
        cached: int
        dirty: int
        writeback: int
        evicted: int
        recently_evicted: int


class Facts(_Members):
    """`struct mmap_wrap_facts`: what is known of a mapping; what `mmap.facts` answers.

    `length` is what was asked for, and `mapped` what that takes in whole pages of `page_size`, from `address` on; all
    in bytes. `protection` is of PROT_ constants, as mapped or as last set for the whole; parts may differ. `flags`
    are MAP_ constants, and `offset` is the byte of the file that the mapping begins with. `exports` is how many views
    are held. 1 or 0 are `keeps_file`, `sealed` (a part of it is), `surviving`, and `lost` (a page was, and nobody was
    told yet). `source` is one of MMAP_WRAP_SOURCE_: what it was made of.

    >>> import ctypes, mmap_wrap
    >>> from mmap_wrap import raw
    >>> handle = raw.check(raw.mmap_unnamed_wrap(100, mmap_wrap.PROT_READ, mmap_wrap.MAP_SHARED))
    >>> facts = raw.Facts()
    >>> raw.check(raw.mmap_wrap_facts(handle, ctypes.byref(facts), ctypes.sizeof(facts)))
    0
    >>> facts.length, facts.mapped == facts.page_size, facts.exports
    (100, True, 0)
    >>> facts.source == raw.MMAP_WRAP_SOURCE_MEMORY_FILE
    True
    >>> raw.munmap_wrap(handle)
    1
    """

    _fields_ = [
        ("length", ctypes.c_int64),
        ("mapped", ctypes.c_int64),
        ("address", ctypes.c_int64),
        ("page_size", ctypes.c_int64),
        ("protection", ctypes.c_int64),
        ("flags", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("keeps_file", ctypes.c_int64),
        ("sealed", ctypes.c_int64),
        ("exports", ctypes.c_int64),
        ("surviving", ctypes.c_int64),
        ("lost", ctypes.c_int64),
        ("source", ctypes.c_int64),
        ("descriptor", ctypes.c_int64),
    ]

    if TYPE_CHECKING:
        length: int
        mapped: int
        address: int
        page_size: int
        protection: int
        flags: int
        offset: int
        keeps_file: int
        sealed: int
        exports: int
        surviving: int
        lost: int
        source: int
        descriptor: int


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
        if name not in SIGNATURES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        function = _ffi.bind(name)
        globals()[name] = function
        return function


def __dir__() -> list[str]:
    return sorted({*globals(), *SIGNATURES})
