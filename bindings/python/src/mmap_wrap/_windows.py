"""What only Windows has: handles behind descriptors, codes of its own, memory with a name."""

from __future__ import annotations

import ctypes
import errno
import msvcrt
import os
import sys

from . import _ffi
from ._errors import checked, note, system_error
from ._header import MMAP_WRAP_KEEP
from ._structs import OpenOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# Type checkers for another system pass over the rest.
assert sys.platform == "win32"


def fail(code: int) -> NoReturn:
    """Raises the OSError for a code of the system's."""
    raise ctypes.WinError(code)


def handle_of(fd: int) -> int:
    """The handle behind a descriptor of Python's C library: what the native library takes."""
    try:
        handle = msvcrt.get_osfhandle(fd)
        if handle < 0:
            # A standard stream that leads nowhere.
            raise system_error(errno.EBADF)
    except OSError as error:
        note(error, f"mmap_wrap.mmap: descriptor {fd} is not open; -1 is for memory without a file")
        raise
    return handle


def descriptor_of(handle: int) -> int:
    """A descriptor of Python's C library for a handle, which it owns from then on; children do not inherit it."""
    try:
        return msvcrt.open_osfhandle(handle, os.O_NOINHERIT | os.O_BINARY)
    except OSError:
        from _winapi import CloseHandle

        CloseHandle(handle)
        raise


def path_of(handle: int) -> str:
    """The full path of an open file."""
    call = ctypes.windll.kernel32["GetFinalPathNameByHandleW"]
    call.argtypes = ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint32, ctypes.c_uint32
    # The longest path there is.
    room = ctypes.create_unicode_buffer(1 << 15)
    if not call(handle, room, len(room), 0):
        raise ctypes.WinError()
    return room.value


def named_section(tagname: str, fd: int, length: int, flags: int, protection: int, offset: int) -> tuple[int, bool]:
    """The handle of a mapping of the memory with that name, and whether there was such memory before.

    It is in the paging file, and goes with its last mapping. What there is keeps its size; OSError if that is less.
    """
    if not isinstance(tagname, str):
        raise TypeError(f"expected str or None for 'tagname', not {type(tagname).__name__}")
    if "\0" in tagname:
        raise ValueError("embedded null character")
    if fd != -1:
        text = f"mmap_wrap.mmap: tagname={tagname!r}: only memory without a file can have a name, and fileno is {fd}"
        raise OSError(errno.ENOTSUP, text)
    if not length:
        raise note(system_error(errno.EINVAL), f"mmap_wrap.mmap: memory with the name {tagname!r} needs a length")
    name = b"/" + tagname.encode("utf-8", "surrogatepass")
    how = 0o600, offset + length, False, length, protection, flags | MMAP_WRAP_KEEP, offset
    made = _section(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, *how)
    existed = made == -errno.EEXIST
    return checked(_section(name, os.O_RDWR, *how) if existed else made, "mmap_wrap.mmap"), existed


def _section(name: bytes, *options: int) -> int:
    how = OpenOptions(*options)
    return int(_ffi.mmap_shm_wrap(name, ctypes.byref(how), ctypes.sizeof(how)))
