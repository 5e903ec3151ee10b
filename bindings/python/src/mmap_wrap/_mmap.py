"""The class `mmap`: the standard library's, with checked access, protection and views; and mapping by path."""

from __future__ import annotations

import ctypes
import errno
import operator
import os
import stat
import sys

from . import _ffi
from ._constants import value as _constant
from ._errors import E_NOT_FOUND, E_UNMAPPED, ArgumentError, answer, fail
from ._ffi import REST, int64
from ._lifetime import token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, TracebackType
    from typing import NoReturn, SupportsIndex, overload

    from typing_extensions import Buffer, Self

ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)
_ACCESS_NAMES = ("ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY")

PAGESIZE: int = _ffi.page_size()
# Where a file offset of the standard library's must lie; only Windows has another one than the page size.
ALLOCATIONGRANULARITY = PAGESIZE

_MAP_SHARED = _constant("MAP_SHARED")
_MAP_PRIVATE = _constant("MAP_PRIVATE")
_MAP_ANONYMOUS = _constant("MAP_ANONYMOUS")
_PROT_READ = _constant("PROT_READ")
_PROT_WRITE = _constant("PROT_WRITE")
_READ_WRITE = _PROT_READ | _PROT_WRITE
_MS_ASYNC = _constant("MS_ASYNC")
_MS_SYNC = _constant("MS_SYNC")

# What an access stands for, in flags and protection.
_MODES = {
    ACCESS_READ: (_MAP_SHARED, _PROT_READ),
    ACCESS_WRITE: (_MAP_SHARED, _READ_WRITE),
    ACCESS_COPY: (_MAP_PRIVATE, _READ_WRITE),
}

# Bytes that an extended slice reads at a time, so that a wide stride over a large map needs little memory.
_PIECE = 1 << 20


class mmap:
    """Maps `length` bytes of the file open as `fileno`, from `offset` on; `fileno` -1 gives memory without a file.

    `length` 0 maps to the end of the file. Either `flags` (MAP_SHARED or MAP_PRIVATE, and more) and `prot` (PROT_READ,
    PROT_WRITE, PROT_EXEC) say how, or `access` does: ACCESS_READ, ACCESS_WRITE or ACCESS_COPY. `offset` is in bytes
    and need not be on a page border. `trackfd` keeps a private duplicate of the descriptor, for `size()`; the one
    given may be closed at once either way.

    An access through the map that its memory refuses (its file was cut short, its disk is full or broken) is a
    FaultError. Through a view it would end the process: with `survive`, the page becomes zeroed memory instead, and the
    next use of the map raises FaultError, once; closing it does so, too, and closes it all the same. Where another
    handler of SIGBUS was installed later (`faulthandler.enable()`), views do not survive.

    OSError and its subclasses: the system refused. ValueError: an empty file, a length beyond the file's end, or an
    argument that cannot be (ArgumentError). OverflowError: a negative or too large number.

    Any thread may use a map while another closes it: each call gets the data or ValueError.

    >>> import mmap_wrap
    >>> m = mmap_wrap.mmap(-1, 13)
    >>> m[:] = b"Hello, world!"
    >>> m[7:12], m[0], m[-1:]
    (b'world', 72, b'!')
    >>> m.close()
    """

    __slots__ = ("__weakref__", "_access", "_descriptor", "_handle", "_life", "_offset")

    _handle: int
    _life: CodeType
    _descriptor: tuple[int, CodeType] | None
    _access: int
    _offset: int

    def __new__(
        cls,
        fileno: SupportsIndex,
        length: SupportsIndex,
        flags: SupportsIndex = _MAP_SHARED,
        prot: SupportsIndex = _READ_WRITE,
        access: SupportsIndex = ACCESS_DEFAULT,
        offset: SupportsIndex = 0,
        *,
        trackfd: bool = True,
        survive: bool = True,
    ) -> Self:
        fd, size, start = int64(fileno), int64(length), int64(offset)
        if size < 0:
            raise OverflowError("memory mapped length must be positive")
        if start < 0:
            raise OverflowError("memory mapped offset must be positive")
        mode, way, protection = _mode(int64(access), int64(flags), int64(prot))
        sys.audit("mmap.__new__", fd, size, mode, start)
        if fd == -1:
            way |= _MAP_ANONYMOUS
        else:
            size = _length_within_file(fd, size, start)
        handle = answer(_ffi.map_descriptor(None, size, protection, way, fd, start))
        self = cls._of(handle, mode, start, survive and fd != -1)
        if fd != -1 and trackfd:
            self._keep_duplicate(fd)
        return self

    @classmethod
    def _of(cls, handle: int, access: int, offset: int, survive: bool) -> Self:
        if survive:
            # Refused where SIGBUS is somebody else's: the map then works, and its views are on their own.
            _ffi.survive(handle, 1)
        self = super().__new__(cls)
        self._handle = handle
        self._life = token(_ffi.unmap, handle)
        self._descriptor = None
        self._access = access
        self._offset = offset
        return self

    def _keep_duplicate(self, fd: int) -> None:
        try:
            duplicate = os.dup(fd)
        except OSError as error:
            self.close()
            message = f"mmap: keep a duplicate of descriptor {fd}: {error.strerror}; trackfd=False does without"
            raise OSError(error.errno, message) from None
        # The token closes it: size() holds the token while it asks, so another thread's close() cannot come between.
        self._descriptor = (duplicate, token(_close_descriptor, duplicate))

    def _length(self) -> int:
        return answer(_ffi.length(self._handle))

    def _read(self, offset: int, size: int) -> bytes:
        data = _ffi.new_bytes(None, size)
        answer(_ffi.read(self._handle, offset, data, size))
        return data

    def _write(self, offset: int, data: bytes) -> None:
        answer(_ffi.write(self._handle, offset, data, len(data)))

    def _require_writable(self) -> None:
        if self._access == ACCESS_READ:
            raise TypeError("mmap can't modify a readonly memory map.")

    def __len__(self) -> int:
        """The number of bytes mapped. ValueError when closed.

        >>> import mmap_wrap
        >>> len(mmap_wrap.mmap(-1, 100))
        100
        """
        return self._length()

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, where: SupportsIndex) -> int: ...
        @overload
        def __getitem__(self, where: slice) -> bytes: ...

    def __getitem__(self, where: SupportsIndex | slice) -> int | bytes:
        """The byte at an index as int, or a slice as bytes.

        IndexError: no such byte. ValueError: closed. FaultError: the protection forbids reading.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4)
        >>> m[0], m[1:3], m[::-2]
        (0, b'\\x00\\x00', b'\\x00\\x00')
        """
        length = self._length()
        if not isinstance(where, slice):
            return self._read(_index(where, length), 1)[0]
        places = range(*where.indices(length))
        # Every branch asks the library, since the slice's own __index__ may have closed the map.
        if places.step == 1 or not places:
            return self._read(0 if not places else places[0], len(places))
        stride = max(1, _PIECE // abs(places.step))
        return b"".join(self._every(places[i : i + stride]) for i in range(0, len(places), stride))

    def _every(self, places: range) -> bytes:
        low, high = min(places[0], places[-1]), max(places[0], places[-1])
        return self._read(low, high - low + 1)[:: places.step]

    if TYPE_CHECKING:

        @overload
        def __setitem__(self, where: SupportsIndex, value: SupportsIndex) -> None: ...
        @overload
        def __setitem__(self, where: slice, value: Buffer) -> None: ...

    def __setitem__(self, where: SupportsIndex | slice, value: SupportsIndex | Buffer) -> None:
        """Sets the byte at an index to an int from 0 to 255, or a slice to as many bytes.

        IndexError: no such byte, or another number of bytes. TypeError: mapped for reading only. ValueError: closed, or
        no byte. FaultError: the protection forbids writing.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4)
        >>> m[0], m[1:3], m[-1] = 1, b"ab", 255
        >>> m[:]
        b'\\x01ab\\xff'
        """
        length = self._length()
        self._require_writable()
        if isinstance(where, slice):
            places = range(*where.indices(length))
            self._assign(places, _bytes_of(value))
        else:
            place = _index(where, length)
            self._write(place, _byte(value))

    def _assign(self, places: range, data: bytes) -> None:
        if len(data) != len(places):
            raise IndexError("mmap slice assignment is wrong size")
        if places.step == 1 or not places:
            self._write(0 if not places else places[0], data)
            return
        # Byte by byte: what lies between is others' and must not be written, even with what was there.
        for place, byte in zip(places, data):
            self._write(place, bytes((byte,)))

    def __delitem__(self, where: SupportsIndex | slice) -> NoReturn:
        """Bytes of a map are not deleted: TypeError."""
        self._length()
        self._require_writable()
        what = "object doesn't support slice" if isinstance(where, slice) else "doesn't support item"
        raise TypeError(f"mmap {what} deletion")

    def __iter__(self) -> Iterator[bytes]:
        """The bytes one by one, each as bytes of length 1, as the standard library has it.

        >>> import mmap_wrap
        >>> list(mmap_wrap.mmap(-1, 2))
        [b'\\x00', b'\\x00']
        """
        return (self._read(i, 1) for i in self._positions(1))

    def __reversed__(self) -> Iterator[bytes]:
        """As iteration, the last byte first.

        >>> import mmap_wrap
        >>> next(reversed(mmap_wrap.mmap(-1, 2)))
        b'\\x00'
        """
        return (self._read(i, 1) for i in self._positions(-1))

    def _positions(self, step: int) -> Iterator[int]:
        # A generator, so that a closed map shows at the first byte and not at iter().
        yield from range(self._length())[::step]

    def __contains__(self, byte: object) -> bool:
        """Whether the map holds this byte, given as bytes of length 1. Anything else is not in a map: use `find`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 2)
        >>> b"\\0" in m, 0 in m, b"\\0\\0" in m
        (True, False, False)
        """
        self._length()
        if not isinstance(byte, (bytes, bytearray, memoryview)):
            return False
        needle = bytes(byte)
        return len(needle) == 1 and self._search(_ffi.find, needle, 0, None) >= 0

    def find(self, sub: Buffer, start: SupportsIndex = 0, end: SupportsIndex | None = None, /) -> int:
        """The offset of the first `sub` that lies whole between `start` and `end` (slice notation), or -1.

        ValueError: closed. FaultError: the protection forbids reading.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one two"
        >>> m.find(b"o"), m.find(b"o", 1), m.find(b"o", 1, -1)
        (0, 6, -1)
        """
        return self._search(_ffi.find, sub, start, end)

    def rfind(self, sub: Buffer, start: SupportsIndex = 0, end: SupportsIndex | None = None, /) -> int:
        """The offset of the last `sub` that lies whole between `start` and `end` (slice notation), or -1.

        Errors as `find`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one two"
        >>> m.rfind(b"o")
        6
        """
        return self._search(_ffi.rfind, sub, start, end)

    def _search(self, search: Callable[..., int], sub: Buffer, start: SupportsIndex, end: SupportsIndex | None) -> int:
        needle = _bytes_of(sub)
        bounds = slice(int64(start), None if end is None else int64(end))
        first, last, _ = bounds.indices(self._length())
        if last < first:
            return -1
        found = search(self._handle, needle, len(needle), first, last)
        return -1 if found == E_NOT_FOUND else answer(found)

    def move(self, dest: SupportsIndex, src: SupportsIndex, count: SupportsIndex, /) -> None:
        """Copies `count` bytes from offset `src` to offset `dest`; the two may overlap.

        ValueError: closed, or a range outside the map. TypeError: mapped for reading only. FaultError: the protection
        forbids it.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 6)
        >>> m[:] = b"abcdef"
        >>> m.move(2, 0, 4)
        >>> m[:]
        b'ababcd'
        """
        to, origin, size = int64(dest), int64(src), int64(count)
        self._length()
        self._require_writable()
        answer(_ffi.move(self._handle, to, origin, size))

    def flush(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, /) -> None:
        """Writes `size` bytes from `offset` on back to the file, and returns when they are stored.

        `offset` must be on a page border, as the standard library's has to. ValueError: closed, or a range outside the
        map. OSError: the system could not store them (EIO, ENOSPC), or `offset` is unaligned (ArgumentError).

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 100)
        >>> m.flush()
        """
        start, count = int64(offset), REST if size is None else int64(size)
        if start % PAGESIZE and self._access in (ACCESS_DEFAULT, ACCESS_WRITE):
            # The library would widen the range; the standard library's own tests demand an OSError here.
            raise ArgumentError(
                errno.EINVAL, f"flush: offset {start} is not on a page border: pages are {PAGESIZE} bytes"
            )
        answer(_ffi.sync(self._handle, _MS_SYNC, start, count))

    def madvise(self, option: SupportsIndex, start: SupportsIndex = 0, length: SupportsIndex | None = None, /) -> None:
        """Tells the kernel how `length` bytes from `start` on will be used: one MADV_ constant.

        A length beyond the end stops there, as the standard library has it. Advice that discards data needs page
        borders at both ends, or the map's own.

        ValueError: closed, or a start outside the map. ArgumentError: no such advice, unaligned. OSError: this kernel
        lacks it.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.madvise(mmap_wrap.MADV_RANDOM)
        """
        advice, first = int64(option), int64(start)
        size = sys.maxsize - max(first, 0) if length is None else int64(length)
        limit = self._length()
        # These four are the standard library's own, in its words; every other rule is the native library's.
        if not 0 <= first < limit:
            raise ValueError("madvise start out of bounds")
        if size < 0:
            raise ValueError("madvise length invalid")
        if size > sys.maxsize - first:
            raise OverflowError("madvise length too large")
        answer(_ffi.advise(self._handle, advice, first, min(size, limit - first)))

    def protect(self, prot: SupportsIndex, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Changes what may be done with `size` bytes from `offset` on: PROT_ constants or'ed together.

        `offset` must be on a page border or 0; `size`, by default the rest, is rounded up to whole pages. Granting
        PROT_WRITE lifts the TypeError of a map made for reading. An access through the map that the protection forbids
        is a FaultError; through a view it ends the process, as with all raw memory: only SIGBUS is survived.

        ValueError: closed, or a range outside the map. ArgumentError: unaligned, or unknown bits. PermissionError: the
        file was not opened for that.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.protect(mmap_wrap.PROT_READ, 4096)
        >>> m[4095] = 1
        >>> m[4096] = 1
        Traceback (most recent call last):
        mmap_wrap.FaultError: [Errno 14] mmap_wrap_write: the memory refused the access at offset 4096, ...
        """
        protection = int64(prot)
        answer(_ffi.protect(self._handle, protection, int64(offset), REST if size is None else int64(size)))
        if protection & _PROT_WRITE and self._access == ACCESS_READ:
            self._access = ACCESS_DEFAULT

    def view(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> memoryview:
        """`size` bytes from `offset` on, without copying: a memoryview of format "B", writable if the map is.

        The memory stays until the view and all that was made from it (slices, casts, arrays) are gone, even if the map
        object goes before; until then `close` is a BufferError. No check stands between a view and the memory: to touch
        what `protect` forbids ends the process.

        ValueError: closed, or a range outside the map.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8)
        >>> words = m.view().cast("I")
        >>> words[1] = 0x01010101
        >>> m[:]
        b'\\x00\\x00\\x00\\x00\\x01\\x01\\x01\\x01'
        """
        start, count = int64(offset), REST if size is None else int64(size)
        # The library checks the range. This is the call that takes one and changes nothing.
        answer(_ffi.sync(self._handle, _MS_ASYNC, start, count))
        whole = self._whole_view()
        return whole[start:] if size is None else whole[start : start + count]

    def _whole_view(self) -> memoryview:
        length = self._length()
        address = _ffi.acquire(self._handle)
        if address is None:
            fail(_ffi.last_error_code())
        export = token(_end_export, self._handle, self._life)
        memory = (ctypes.c_ubyte * length).from_address(address)
        # Whatever is made of the view refers to this array, and so to the export.
        memory.export = export  # type: ignore[attr-defined]
        view = memoryview(memory).cast("B")
        return view.toreadonly() if self._access == ACCESS_READ else view

    def __buffer__(self, flags: int, /) -> memoryview:
        """The buffer protocol, from Python 3.12 on: `memoryview(m)` is `m.view()`. Before, call `view`.

        >>> import mmap_wrap, sys
        >>> sys.version_info < (3, 12) or len(memoryview(mmap_wrap.mmap(-1, 5))) == 5
        True
        """
        return self._whole_view()

    def size(self) -> int:
        """The size of the file in bytes, which may be more than is mapped, and may change.

        ValueError: closed. OSError (EBADF): the map keeps no descriptor: `trackfd=False`, `map_path`, no file.

        >>> import mmap_wrap
        >>> with open(mmap_wrap.__file__, "rb") as file:
        ...     m = mmap_wrap.mmap(file.fileno(), 100, access=mmap_wrap.ACCESS_READ)
        >>> len(m), m.size() > 100
        (100, True)
        """
        self._length()
        kept = self._descriptor
        if kept is None:
            raise OSError(errno.EBADF, "size: the map keeps no descriptor to ask; len() is the number of bytes mapped")
        return os.fstat(kept[0]).st_size

    def close(self) -> None:
        """Unmaps, and closes the duplicate of the descriptor. Closing again does nothing.

        BufferError: views of the map live; the map then stays open.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 100)
        >>> m.close()
        >>> m[0]
        Traceback (most recent call last):
        ValueError: mmap closed or invalid
        """
        answer(_ffi.unmap(self._handle))
        self._descriptor = None

    @property
    def closed(self) -> bool:
        """Whether the map is closed.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 100).closed
        False
        """
        return bool(_ffi.length(self._handle) == E_UNMAPPED)

    def __enter__(self) -> Self:
        """The map itself; leaving the block closes it.

        >>> import mmap_wrap
        >>> with mmap_wrap.mmap(-1, 100) as m:
        ...     m[0] = 1
        >>> m.closed
        True
        """
        self._length()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        length = _ffi.length(self._handle)
        if length < 0:
            return f"<{self._type_name()} closed=True>"
        access = _ACCESS_NAMES[self._access]
        # The position is where the file-like methods stand; there is none yet that moves it.
        return f"<{self._type_name()} closed=False, access={access}, length={length}, pos=0, offset={self._offset}>"

    def _type_name(self) -> str:
        # What programs and the standard library's tests expect to read; a subclass goes by its own name.
        return "mmap.mmap" if type(self) is mmap else type(self).__name__

    def __reduce__(self) -> NoReturn:
        # A copy would have to say whether the memory is shared or copied; a subclass may decide that.
        raise TypeError(f"cannot pickle '{self._type_name()}' object")


def map_path(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    length: SupportsIndex = 0,
    flags: SupportsIndex = _MAP_SHARED,
    prot: SupportsIndex = _READ_WRITE,
    offset: SupportsIndex = 0,
    *,
    survive: bool = True,
) -> mmap:
    """Maps `length` bytes of the file at `path`, from byte `offset` on; no descriptor stays open.

    `length` 0 maps to the end of the file, and an empty file gives a map of length 0. The file is opened for writing
    only if a shared map is to be written: `prot=PROT_READ`, or `flags=MAP_PRIVATE`, maps what may only be read. A
    length beyond the file's end is allowed; to touch pages beyond it before the file has grown is a FaultError.
    `survive` as for `mmap`.

    FileNotFoundError, PermissionError, IsADirectoryError and other OSError: with the path as `filename`. ValueError: a
    NUL in the path, an offset beyond the file's end, a negative number. ArgumentError: unknown flags. It raises an
    auditing event `mmap_wrap.map_path` with all its arguments.

    >>> import mmap_wrap
    >>> m = mmap_wrap.map_path(mmap_wrap.__file__, prot=mmap_wrap.PROT_READ)
    >>> m[:3]
    b'\"\"\"'
    """
    name, encoded = os.fspath(path), os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError(f"map_path: the path {name!r} has an embedded null byte")
    size, way, protection, start = int64(length), int64(flags), int64(prot), int64(offset)
    sys.audit("mmap_wrap.map_path", name, size, way, protection, start)
    handle = answer(_ffi.map_path(encoded, size or REST, protection, way, start), name)
    return mmap._of(handle, _access_of(protection), start, survive)


def _mode(access: int, flags: int, prot: int) -> tuple[int, int, int]:
    """The access that counts, and its flags and protection; the standard library's rules and words."""
    if access == ACCESS_DEFAULT:
        return _access_of(prot), flags, prot
    if flags != _MAP_SHARED or prot != _READ_WRITE:
        raise ValueError("mmap can't specify both access and flags, prot.")
    if access not in _MODES:
        raise ValueError("mmap invalid access parameter.")
    return (access, *_MODES[access])


def _access_of(prot: int) -> int:
    if prot & _READ_WRITE == _READ_WRITE:
        return ACCESS_DEFAULT
    return ACCESS_WRITE if prot & _PROT_WRITE else ACCESS_READ


def _length_within_file(fd: int, length: int, offset: int) -> int:
    """The length to map, found out where it is 0; the standard library maps nothing beyond the file's end."""
    try:
        facts = os.fstat(fd)
    except OSError:
        # The native library says what is wrong with it.
        return length
    if not stat.S_ISREG(facts.st_mode):
        return length
    if length == 0:
        if facts.st_size == 0:
            raise ValueError("cannot mmap an empty file")
        if offset >= facts.st_size:
            raise ValueError("mmap offset is greater than file size")
        return facts.st_size - offset
    if length > facts.st_size - offset:
        raise ValueError("mmap length is greater than file size")
    return length


def _index(where: SupportsIndex, length: int) -> int:
    if not hasattr(type(where), "__index__"):
        raise TypeError("mmap indices must be integers")
    index = int.__index__(operator.index(where))
    if index < 0:
        index += length
    if not 0 <= index < length:
        raise IndexError("mmap index out of range")
    return index


def _byte(value: SupportsIndex | Buffer) -> bytes:
    if not hasattr(type(value), "__index__"):
        raise TypeError("mmap item value must be an int")
    number = operator.index(value)  # type: ignore[arg-type]
    if not 0 <= number <= 255:
        raise ValueError("mmap item value must be in range(0, 256)")
    return bytes((number,))


def _bytes_of(data: SupportsIndex | Buffer) -> bytes:
    # Exactly bytes: a subclass may say of its length what it likes. Anything else is copied, so that no other thread
    # can resize it under the library.
    if type(data) is bytes:
        return data
    with memoryview(data) as view:  # type: ignore[arg-type]
        if not view.c_contiguous:
            raise BufferError("memoryview: underlying buffer is not C-contiguous")
        return view.tobytes()


def _end_export(handle: int, _life: CodeType, release: Callable[[int], int] = _ffi.release) -> None:
    # The mapping's own token comes with it and so ends after it: unmapping needs the export released.
    release(handle)


def _close_descriptor(descriptor: int, close: Callable[[int], None] = os.close) -> None:
    try:
        close(descriptor)
    except OSError:
        # Somebody closed it by its number. There is nobody to tell.
        pass
