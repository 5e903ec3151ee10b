"""Raises the standard library's exceptions for the native module, in the cases that need not be fast."""

from __future__ import annotations

import errno
import os
import sys

from ._constants import value as _constant
from ._errors import _LAST_ERRNO, errno_of, exception, message, note, system_error, with_system_code
from ._ffi import _native
from ._header import (
    MMAP_WRAP_E_ALIGNMENT,
    MMAP_WRAP_E_ARGUMENT,
    MMAP_WRAP_E_BUSY,
    MMAP_WRAP_E_RANGE,
    MMAP_WRAP_E_UNSUPPORTED,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def fail(caller: str, code: int, out_of_range: str, busy: str, reported: int) -> NoReturn:
    """Raises the standard library's exception, with its message, and the native library's message as a note.

    `out_of_range` is the message for a range outside the map, `busy` the one for a map of which views exist. `reported`
    is the code that the library returned, which differs from `code` where the standard library raises something else.
    """
    text = message(caller, reported)
    if code == MMAP_WRAP_E_RANGE:
        raise note(ValueError(out_of_range), text)
    if code == MMAP_WRAP_E_BUSY and busy:
        raise note(BufferError(busy), text)
    if code in (MMAP_WRAP_E_ARGUMENT, MMAP_WRAP_E_ALIGNMENT, MMAP_WRAP_E_UNSUPPORTED):
        raise note(system_error(errno.EINVAL), text)
    if code >= _LAST_ERRNO:
        raise note(with_system_code(system_error(errno_of(code)), reported), text)
    raise exception(code, text)


def fail_in_method(method: str, code: int, out_of_range: str, busy: str, reported: int) -> NoReturn:
    """As `fail`, for a method of the class `mmap` in the native module."""
    fail(f"mmap.{method}", code, out_of_range, busy, reported)


def fail_with(number: int) -> NoReturn:
    """Raises the OSError with this `number`."""
    raise system_error(number)


def not_mapped(code: int, fd: int, length: int, flags: int, prot: int) -> NoReturn:
    """Raises the standard library's exception for a map that failed with `code` of the library."""
    reported = code
    if sys.platform != "win32" and code in (-errno.EISDIR, -errno.ENODEV):
        # The system checks the access first, the library the type of the file.
        from fcntl import F_GETFL, fcntl

        opened, writes = (
            fcntl(fd, F_GETFL) & os.O_ACCMODE,
            prot & _constant("PROT_WRITE") and flags & _constant("MAP_SHARED"),
        )
        forbidden = opened == os.O_WRONLY or (writes and opened != os.O_RDWR)
        code = -errno.EACCES if forbidden else -errno.ENODEV
    if not length and code != -errno.EBADF:
        # The standard library passes a length of 0 to the system, except for a regular file.
        code = MMAP_WRAP_E_ARGUMENT
    fail("mmap_wrap.mmap", code, "mmap length is greater than file size", "", reported)


def not_open(fd: int) -> NoReturn:
    """Raises the OSError for a descriptor that is not open."""
    try:
        os.fstat(fd)
    except OSError as error:
        note(error, f"mmap_wrap.mmap: descriptor {fd} is not open; -1 is for memory without a file")
        raise
    raise system_error(errno.EBADF)


def flush_unaligned(start: int) -> NoReturn:
    """Raises the standard library's exception for an unaligned offset, which the native library would round down."""
    why = f"mmap.flush: offset {start} is not a multiple of the page size, {_native.page_size()} bytes"
    raise note(system_error(errno.EINVAL), why)


def no_file_size() -> NoReturn:
    """Raises the exception of this Python version's standard library for a map made with `trackfd=False`."""
    why = "mmap.size: the map keeps no file: it was made with trackfd=False, or by map_path"
    error = (
        ValueError("can't get size with trackfd=False") if sys.version_info >= (3, 15) else system_error(errno.EBADF)
    )
    raise note(error, why)


def note_close_error(error: BaseException, close_error: BaseException) -> None:
    """Adds to the `error` that ends a `with` block the note that closing the map failed, too, with `close_error`."""
    if not isinstance(close_error, (BufferError, OSError)):
        raise close_error
    note(error, f"the map could not be closed at the end of the with block: {close_error}")
