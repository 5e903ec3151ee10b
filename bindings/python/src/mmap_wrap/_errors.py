"""The exceptions, and the conversion of the library's negative codes to them."""

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

# Numbers of the C library for which Python's errno module has the numbers of Windows sockets.
_NUMBERS = {130: errno.EOPNOTSUPP, 138: errno.ETIMEDOUT} if sys.platform == "win32" else {}

# Codes from here up to -1 are the system's -errno; lower codes are the library's own.
_LAST_ERRNO = -4095


class FaultError(OSError):
    """An access faulted: the file was truncated, the disk is full or failed, or the protection forbids it.

    `errno` is EFAULT; the message has the offset, the number of bytes processed, and the cause if it is known.

    It is raised in place of the signal that would end the process.

    >>> import mmap_wrap
    >>> m = mmap_wrap.mmap(-1, 4096)
    >>> m.protect(mmap_wrap.PROT_NONE)
    >>> m[0]
    Traceback (most recent call last):
    mmap_wrap.FaultError: [Errno 14] mmap.__getitem__: the access faulted at offset 0, after 0 of 1 bytes: ...
    """


class ArgumentError(OSError, ValueError):
    """An argument of a call that the standard library does not have is invalid: unknown flags, for example.

    `errno` is EINVAL, or EBADF if the map keeps no file. Methods that the standard library's mmap has raise what it
    raises: an OSError that is not a ValueError, with its message, and the library's message as a note (`__notes__`).

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
    """A part of the map is sealed (mseal): it cannot be unmapped, moved, resized, or protected differently.

    `errno` is EPERM, so it is a PermissionError. The map is unchanged, and usable, until the process ends.

    >>> import mmap_wrap
    >>> from mmap_wrap import raw
    >>> handle = raw.check(raw.mmap_unnamed_wrap(4096, mmap_wrap.PROT_READ, mmap_wrap.MAP_SHARED))
    >>> try:
    ...     sealed = raw.check(raw.mseal_wrap(handle, 0, raw.MMAP_WRAP_REST))
    ...     unmapped = raw.check(raw.munmap_wrap(handle))
    ... except mmap_wrap.SealedError as error:
    ...     message = error.strerror
    ... except OSError:
    ...     message = "the kernel does not support mseal"
    """


class OwnerDiedError(OSError):
    """The owner of a mutex ended without releasing it: the data that the mutex protects may be inconsistent.

    `errno` is EOWNERDEAD. The mutex is not held, and `acquire` raises this until a `repair` succeeds: see `mmap.mutex`.

    >>> import mmap_wrap
    >>> issubclass(mmap_wrap.OwnerDiedError, OSError)
    True
    """


for _public in (FaultError, ArgumentError, SealedError, OwnerDiedError):
    _public.__module__ = __package__


def checked(result: int, caller: str, path: str | bytes | None = None) -> int:
    """Returns the library's result; raises its failure, as one of `caller`, with the `path` of the file if given."""
    if result < 0:
        fail(result, caller, path)
    return result


def note(error: Raised, text: str) -> Raised:
    """Adds `text` as a note to `error`, and returns it; its message does not change.

    Raise the result of the call, not a variable: that would make a reference cycle of the error and the frame, and the
    callers' objects, maps included, would exist until the next garbage collection.
    """
    error.add_note(text)
    return error


def errno_of(code: int) -> int:
    """The number of Python's errno module for a negative code of the system; of any other code, its negation."""
    return _NUMBERS.get(-code, -code)


def message(caller: str, code: int) -> str:
    """The message of this thread's last failure, for which the library returned `code`, as one of `caller`."""
    return f"{caller}: {_native.reason(code)}"


def system_error(number: int) -> OSError:
    """The OSError with this `number` and the system's message, as the standard library raises it."""
    return OSError(number, os.strerror(number))


def with_system_code(error: OSError, code: int) -> OSError:
    """Sets `error.winerror` on Windows, if this thread's last failure had the `code` and Windows a code of its own."""
    if sys.platform == "win32" and (number := _native.system_code(code)):
        # As an argument of the constructor it would replace errno.
        error.winerror = number
    return error


def fail(code: int, caller: str, path: str | bytes | None = None) -> NoReturn:
    """Raises this thread's last failure, for which the library returned `code`; an OSError has the `path` if given."""
    raise exception(code, message(caller, code), path)


def exception(code: int, text: str, path: str | bytes | None = None) -> Exception:
    """The exception for a negative code of the library."""
    filename = () if path is None else (path,)
    if code >= _LAST_ERRNO:
        return with_system_code(OSError(errno_of(code), text, *filename), code)
    if code == _header.MMAP_WRAP_E_UNMAPPED:
        # The standard library's message, which programs compare with.
        return ValueError("mmap closed or invalid")
    if code in (_header.MMAP_WRAP_E_RANGE, _header.MMAP_WRAP_E_HANDLE):
        return ValueError(text)
    if code in (_header.MMAP_WRAP_E_ARGUMENT, _header.MMAP_WRAP_E_ALIGNMENT):
        return ArgumentError(errno.EINVAL, text, *filename)
    if code == _header.MMAP_WRAP_E_FAULT:
        return FaultError(errno.EFAULT, text, *filename)
    if code == _header.MMAP_WRAP_E_SEALED:
        return SealedError(errno.EPERM, text, *filename)
    if code == _header.MMAP_WRAP_E_BUSY:
        return BufferError(text)
    if code == _header.MMAP_WRAP_E_UNSUPPORTED:
        return OSError(errno.ENOTSUP, text, *filename)
    return RuntimeError(text)


def fail_in_method(method: str, code: int) -> NoReturn:
    """As `fail`, for a method of the class `mmap` in the native module."""
    fail(code, f"mmap.{method}")
