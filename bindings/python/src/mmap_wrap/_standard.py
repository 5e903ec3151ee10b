"""What the standard library raises, where the native module leaves that to Python because it is seldom."""

from __future__ import annotations

import errno
import os
import sys

from ._constants import value as _constant
from ._errors import _LAST_ERRNO, errno_of, exception, message, note, system_error
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


def fail(caller: str, code: int, out_of_range: str, held: str, by: int) -> NoReturn:
    """Raises the standard library's exception in its words, and the native library's message as a note.

    The words are for a range outside of the map, and for views that hold it; `by` is the code that the library gave,
    where the standard library's is another.
    """
    text = message(caller, by)
    if code == MMAP_WRAP_E_RANGE:
        raise note(ValueError(out_of_range), text)
    if code == MMAP_WRAP_E_BUSY and held:
        raise note(BufferError(held), text)
    if code in (MMAP_WRAP_E_ARGUMENT, MMAP_WRAP_E_ALIGNMENT, MMAP_WRAP_E_UNSUPPORTED):
        raise note(system_error(errno.EINVAL), text)
    if code >= _LAST_ERRNO:
        raise note(system_error(errno_of(code)), text)
    raise exception(code, text)


def fail_in_method(method: str, code: int, out_of_range: str, held: str, by: int) -> NoReturn:
    """The same, for a method of the class `mmap` in the native module."""
    fail(f"mmap.{method}", code, out_of_range, held, by)


def fail_with(number: int) -> NoReturn:
    """Raises the OSError of that number."""
    raise system_error(number)


def not_mapped(code: int, fd: int, length: int, flags: int, prot: int) -> NoReturn:
    """Raises what the standard library raises where the library said `code`."""
    given = code
    if sys.platform != "win32" and code in (-errno.EISDIR, -errno.ENODEV):
        # The system looks at the access first, and the library at the kind of file.
        from fcntl import F_GETFL, fcntl

        opened, writes = (
            fcntl(fd, F_GETFL) & os.O_ACCMODE,
            prot & _constant("PROT_WRITE") and flags & _constant("MAP_SHARED"),
        )
        forbidden = opened == os.O_WRONLY or (writes and opened != os.O_RDWR)
        code = -errno.EACCES if forbidden else -errno.ENODEV
    if not length and code != -errno.EBADF:
        # It gives the system a length of 0 for all but a regular file.
        code = MMAP_WRAP_E_ARGUMENT
    fail("mmap_wrap.mmap", code, "mmap length is greater than file size", "", given)


def not_open(fd: int) -> NoReturn:
    """Raises what is wrong with a descriptor that the system knows nothing of."""
    try:
        os.fstat(fd)
    except OSError as error:
        note(error, f"mmap_wrap.mmap: descriptor {fd} is not open; -1 is for memory without a file")
        raise
    raise system_error(errno.EBADF)


def flush_unaligned(start: int) -> NoReturn:
    """Raises what the standard library raises where the native library would widen the range."""
    why = f"mmap.flush: offset {start} is not a multiple of the page size, {_native.page_size()} bytes"
    raise note(system_error(errno.EINVAL), why)


def no_file_size() -> NoReturn:
    """Raises what the standard library of this version raises of a map made with `trackfd=False`."""
    why = "mmap.size: the map keeps no file: it was made with trackfd=False, or by map_path"
    error = (
        ValueError("can't get size with trackfd=False") if sys.version_info >= (3, 15) else system_error(errno.EBADF)
    )
    raise note(error, why)


def left_open(error: BaseException, left: BaseException) -> None:
    """What ends a `with` block is what its caller needs to see: `left` says why the map could not be closed as well."""
    if not isinstance(left, (BufferError, OSError)):
        raise left
    note(error, f"leaving the with block, the map could not be closed as well: {left}")
