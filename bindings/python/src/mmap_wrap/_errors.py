"""A negative code of the library becomes the exception that a Python programmer expects."""

from __future__ import annotations

import errno
import os

from ._ffi import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TypeVar

    Raised = TypeVar("Raised", bound=BaseException)

# The codes of include/mmap_wrap.h that have an exception of their own.
E_HANDLE = -4096
E_UNMAPPED = -4097
E_RANGE = -4098
E_ALIGNMENT = -4099
E_FAULT = -4100
E_BUSY = -4101
E_ARGUMENT = -4102
E_UNSUPPORTED = -4103
E_NOT_FOUND = -4104
E_SEALED = -4106

# Below it are the library's own codes, from it on the system's -errno.
_LAST_ERRNO = -4095


class FaultError(OSError):
    """An access faulted: its file was cut short, its disk is full or broken, its protection forbids it.

    `errno` is EFAULT; the message has the offset, the bytes done, and the cause where it could be found out.

    It stands where a plain load or store would have ended the process with a signal.

    >>> import mmap_wrap
    >>> m = mmap_wrap.mmap(-1, 4096)
    >>> m.protect(mmap_wrap.PROT_NONE)
    >>> m[0]
    Traceback (most recent call last):
    mmap_wrap.FaultError: [Errno 14] mmap_wrap_read: the access faulted at offset 0, after 0 of 1 bytes: ...
    """


class ArgumentError(OSError, ValueError):
    """An argument of a call that the standard library does not have is invalid, such as unknown flags.

    `errno` is EINVAL, or EBADF where the map keeps no file. The calls of the standard library's mmap raise what it
    raises: an OSError that is no ValueError, in its words, with the library's own message as a note (`__notes__`).

    >>> import mmap_wrap
    >>> mmap_wrap.anonymous(4096).advise(9999)
    Traceback (most recent call last):
    mmap_wrap.ArgumentError: [Errno 22] madvise: 9999 is no advice that this library knows on this platform
    >>> try:
    ...     mmap_wrap.anonymous(4096).madvise(9999)
    ... except OSError as error:
    ...     print(type(error).__name__, error, error.__notes__)
    OSError [Errno 22] Invalid argument ['madvise: 9999 is no advice that this library knows on this platform']
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


def answer(result: int, path: str | bytes | None = None) -> int:
    """The library's answer, or its failure raised. A system error names the path, where there is one."""
    if result < 0:
        fail(result, path)
    return result


def note(error: Raised, text: str) -> Raised:
    """Adds a line to what a traceback shows of `error`; its message stays as it is.

    Raise what it returns, not a variable: a frame of the traceback would refer to the error, and all that the callers
    hold, maps among it, would wait for the collector.
    """
    error.add_note(text)
    return error


def standard(result: int, out_of_range: str, held: str = "", *, by: int = 0) -> int:
    """As `answer`, for a call of the standard library's: its exceptions in its words, and the library's as a note.

    The words are for a range outside of the map, and for views that hold it; `by` is the code that the library gave,
    where the standard library's is another.
    """
    if result >= 0:
        return result
    message = _native.message(by or result)
    if result == E_RANGE:
        raise note(ValueError(out_of_range), message)
    if result == E_BUSY and held:
        raise note(BufferError(held), message)
    if result in (E_ARGUMENT, E_ALIGNMENT, E_UNSUPPORTED):
        raise note(system_error(errno.EINVAL), message)
    if result >= _LAST_ERRNO:
        raise note(system_error(-result), message)
    fail(result)


def standard_by(result: int, out_of_range: str, held: str, by: int) -> int:
    """As `standard`, for the native module."""
    return standard(result, out_of_range, held, by=by)


def system_error(number: int) -> OSError:
    """The OSError of that number in the system's words, as the standard library raises it."""
    return OSError(number, os.strerror(number))


def fail(code: int, path: str | bytes | None = None) -> NoReturn:
    """Raises this thread's last failure, which answered `code`."""
    message = _native.message(code)
    place = () if path is None else (path,)
    if code >= _LAST_ERRNO:
        raise OSError(-code, message, *place)
    if code == E_UNMAPPED:
        # The standard library's words, which programs look for.
        raise ValueError("mmap closed or invalid")
    if code in (E_RANGE, E_HANDLE):
        raise ValueError(message)
    if code in (E_ARGUMENT, E_ALIGNMENT):
        raise ArgumentError(errno.EINVAL, message, *place)
    if code == E_FAULT:
        raise FaultError(errno.EFAULT, message, *place)
    if code == E_SEALED:
        raise SealedError(errno.EPERM, message, *place)
    if code == E_BUSY:
        raise BufferError(message)
    if code == E_UNSUPPORTED:
        raise OSError(errno.ENOTSUP, message, *place)
    raise RuntimeError(message)
