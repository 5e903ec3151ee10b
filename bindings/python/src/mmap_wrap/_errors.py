"""A negative code of the library becomes the exception that a Python programmer expects."""

from __future__ import annotations

import errno
import os
import sys

from . import _header
from ._ffi import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TypeVar

    Raised = TypeVar("Raised", bound=BaseException)

# Numbers of the C library for which Python's errno has those of Windows' sockets.
_NUMBERS = {130: errno.EOPNOTSUPP, 138: errno.ETIMEDOUT} if sys.platform == "win32" else {}

# Below it are the library's own codes, from it on the system's -errno.
_LAST_ERRNO = -4095


class FaultError(OSError):
    """An access faulted: its file was truncated, its disk is full or broken, its protection forbids it.

    `errno` is EFAULT; the message has the offset, the bytes done, and the cause where it could be found out.

    It stands where a plain load or store would have ended the process with a signal.

    >>> import mmap_wrap
    >>> m = mmap_wrap.mmap(-1, 4096)
    >>> m.protect(mmap_wrap.PROT_NONE)
    >>> m[0]
    Traceback (most recent call last):
    mmap_wrap.FaultError: [Errno 14] mmap.__getitem__: the access faulted at offset 0, after 0 of 1 bytes: ...
    """


class ArgumentError(OSError, ValueError):
    """An argument of a call that the standard library does not have is invalid, such as unknown flags.

    `errno` is EINVAL, or EBADF where the map keeps no file. The calls of the standard library's mmap raise what it
    raises: an OSError that is no ValueError, in its words, with the library's own message as a note (`__notes__`).

    >>> import mmap_wrap
    >>> mmap_wrap.anonymous(4096).advise(9999)
    Traceback (most recent call last):
    mmap_wrap.ArgumentError: [Errno 22] mmap.advise: 9999 is not advice that this platform has
    >>> try:
    ...     mmap_wrap.anonymous(4096).madvise(9999)
    ... except OSError as error:
    ...     print(type(error).__name__, error, error.__notes__)
    OSError [Errno 22] Invalid argument ['mmap.madvise: 9999 is not advice that this platform has']
    """


class SealedError(PermissionError):
    """A part of the map is sealed (mseal): it can be neither unmapped, moved, resized nor protected otherwise.

    `errno` is EPERM, so it is a PermissionError. The map stays as it is, and good to use, until the process ends.

    >>> import mmap_wrap
    >>> from mmap_wrap import raw
    >>> handle = raw.check(raw.mmap_unnamed_wrap(4096, mmap_wrap.PROT_READ, mmap_wrap.MAP_SHARED))
    >>> try:
    ...     sealed = raw.check(raw.mseal_wrap(handle, 0, raw.MMAP_WRAP_REST))
    ...     gone = raw.check(raw.munmap_wrap(handle))
    ... except mmap_wrap.SealedError as error:
    ...     message = error.strerror
    ... except OSError:
    ...     message = "this kernel has no seals"
    """


class OwnerDiedError(OSError):
    """The holder of a mutex ended without releasing it: what the mutex protects may be changed by half.

    `errno` is EOWNERDEAD. The mutex is not held, and every `acquire` raises this until one repairs: see `mmap.mutex`.

    >>> import mmap_wrap
    >>> issubclass(mmap_wrap.OwnerDiedError, OSError)
    True
    """


for _public in (FaultError, ArgumentError, SealedError, OwnerDiedError):
    _public.__module__ = __package__


def checked(result: int, caller: str, path: str | bytes | None = None) -> int:
    """The library's result, or its failure raised: of a call of `caller`, on a file at `path` if there is one."""
    if result < 0:
        fail(result, caller, path)
    return result


def note(error: Raised, text: str) -> Raised:
    """Adds a line to what a traceback shows of `error`; its message stays as it is.

    Raise what it returns, not a variable: a frame of the traceback would refer to the error, and all that the callers
    hold, maps among it, would wait for the collector.
    """
    error.add_note(text)
    return error


def errno_of(code: int) -> int:
    """The number that Python's errno has for a code of the system's; any other code as it is, less its sign."""
    return _NUMBERS.get(-code, -code)


def message(caller: str, code: int) -> str:
    """This thread's last failure, which the library reported by `code`, as one of `caller`."""
    return f"{caller}: {_native.reason(code)}"


def system_error(number: int) -> OSError:
    """The OSError of that number in the system's words, as the standard library raises it."""
    return OSError(number, os.strerror(number))


def fail(code: int, caller: str, path: str | bytes | None = None) -> NoReturn:
    """Raises this thread's last failure, which the library reported by `code`: a system error with the path."""
    raise exception(code, message(caller, code), path)


def exception(code: int, text: str, path: str | bytes | None = None) -> Exception:
    """The exception for a negative code of the library."""
    place = () if path is None else (path,)
    if code >= _LAST_ERRNO:
        return OSError(errno_of(code), text, *place)
    if code == _header.MMAP_WRAP_E_UNMAPPED:
        # The standard library's words, which programs look for.
        return ValueError("mmap closed or invalid")
    if code in (_header.MMAP_WRAP_E_RANGE, _header.MMAP_WRAP_E_HANDLE):
        return ValueError(text)
    if code in (_header.MMAP_WRAP_E_ARGUMENT, _header.MMAP_WRAP_E_ALIGNMENT):
        return ArgumentError(errno.EINVAL, text, *place)
    if code == _header.MMAP_WRAP_E_FAULT:
        return FaultError(errno.EFAULT, text, *place)
    if code == _header.MMAP_WRAP_E_SEALED:
        return SealedError(errno.EPERM, text, *place)
    if code == _header.MMAP_WRAP_E_BUSY:
        return BufferError(text)
    if code == _header.MMAP_WRAP_E_UNSUPPORTED:
        return OSError(errno.ENOTSUP, text, *place)
    return RuntimeError(text)


def fail_in_method(method: str, code: int) -> NoReturn:
    """As `fail`, for a method of the class `mmap` in the native module."""
    fail(code, f"mmap.{method}")
