"""The class `mmap`: the standard library's, with checked access, and what `_pages`, `_sharing` and `_reference` add."""

from __future__ import annotations

import copyreg
import ctypes
import errno
import io
import os
import stat
import sys

from . import _ffi, _pieces, raw
from ._constants import value as _constant
from ._errors import (
    E_ARGUMENT,
    E_NOT_FOUND,
    E_RANGE,
    E_UNMAPPED,
    E_UNSUPPORTED,
    ArgumentError,
    answer,
    fail,
    note,
    standard,
    system_error,
)
from ._ffi import REST, index, int64
from ._pages import Pages
from ._sharing import Sharing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, NoReturn, SupportsIndex

    from typing_extensions import Buffer, Self

    from ._native import Mapping as _Mapping
else:
    _Mapping = _ffi.python_type(object.__basicsize__)

# As the class has them, whatever a subclass may make of them.
_new, _len, _get = _Mapping.__new__, _Mapping.__len__, _Mapping.__getitem__

ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)
_ACCESS_NAMES = ("ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY")

_FROM_3_14, _FROM_3_15 = (sys.version_info >= version for version in ((3, 14), (3, 15)))

PAGESIZE: int = _ffi.page_size()
# Where a file offset of the standard library's must lie; only Windows has another one than the page size.
ALLOCATIONGRANULARITY = PAGESIZE

_MAP_SHARED = _constant("MAP_SHARED")
_MAP_PRIVATE = _constant("MAP_PRIVATE")
_MAP_ANONYMOUS = _constant("MAP_ANONYMOUS")
_MAP_HUGETLB = _constant("MAP_HUGETLB")
_MAP_NORESERVE = _constant("MAP_NORESERVE")
_PROT_READ = _constant("PROT_READ")
_PROT_WRITE = _constant("PROT_WRITE")
_READ_WRITE = _PROT_READ | _PROT_WRITE
_MS_SYNC = _constant("MS_SYNC")
_MREMAP_MAYMOVE = _constant("MREMAP_MAYMOVE")

# What an access stands for, in flags and protection.
_MODES = {
    ACCESS_READ: (_MAP_SHARED | _ffi.OR_PRIVATE, _PROT_READ),
    ACCESS_WRITE: (_MAP_SHARED, _READ_WRITE),
    ACCESS_COPY: (_MAP_PRIVATE, _READ_WRITE),
}

# In `_access`, beside one of the four above: made with trackfd=False.
_UNTRACKED = 4
_ACCESS = 3

# Bytes that are read at a time where all would be too many.
_PIECE = 1 << 20


class mmap(_Mapping, Pages, Sharing):
    """Maps `length` bytes of the file open as `fileno`, from `offset` on; `fileno` -1 gives memory without a file.

    `length` 0 maps to the end of the file. Either `flags` (MAP_SHARED or MAP_PRIVATE, and more) and `prot` (PROT_READ,
    PROT_WRITE, PROT_EXEC) say how, or `access` does: ACCESS_READ, ACCESS_WRITE or ACCESS_COPY. `offset` is in bytes
    and need not be on a page border. `trackfd` keeps a private duplicate of the descriptor, for `size`, `resize` and
    pickling; the one given may be closed at once either way. `address` is where to map, if there is room, or with
    MAP_FIXED or MAP_FIXED_NOREPLACE exactly; `alignment`, a power of two, is what the address is to be a multiple of.

    `m[i]` is a byte as an int, `m[i:j]` bytes; both may be assigned to. `len(m)` is the number of bytes mapped,
    and iteration gives each as bytes of length 1. `memoryview(m)`, `numpy.frombuffer(m)`, `re.search(pattern, m)` and
    whatever else takes a buffer see the memory itself; until they let go of it, closing and resizing are BufferError.

    An access through the map that its memory refuses (its file was cut short, its disk is full or broken) is a
    FaultError. Through a view it would end the process. With `survive`, the page becomes zeroed memory instead, and the
    next use of the map raises FaultError, once; if that use is `close`, it is closed all the same. Views do not survive
    where another handler of SIGBUS was installed later (`faulthandler.enable()`).

    OSError and its subclasses: the system refused, or an argument is invalid (EINVAL). ValueError: an empty file, or a
    length beyond the file's end. ArgumentError: both MAP_SHARED and MAP_PRIVATE for a file, or an `address` with an
    `alignment`. OverflowError: a negative or too large number.

    Any thread may use a map while another closes it: each call gets the data or ValueError.

    >>> import mmap_wrap
    >>> m = mmap_wrap.mmap(-1, 13)
    >>> m[:] = b"Hello, world!"
    >>> m[7:12], m[0], m[-1:]
    (b'world', 72, b'!')
    >>> m.close()
    """

    __slots__ = ("__weakref__",)

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
        address: SupportsIndex = 0,
        alignment: SupportsIndex = 0,
    ) -> Self:
        fd, size, given, wanted = _c_int(fileno), _ssize(length), _c_int(flags), _c_int(prot)
        mode, start = _c_int(access), _off_t(offset)
        if size < 0:
            raise OverflowError("memory mapped length must be positive")
        if start < 0:
            raise OverflowError("memory mapped offset must be positive")
        mode, way, protection = _mode(mode, given, wanted)
        sys.audit("mmap.__new__", fd, size, mode, start)
        if fd == -1:
            if start % PAGESIZE:
                raise system_error(errno.EINVAL)
            # Nothing to be at an offset of; the standard library takes one all the same.
            way, start = way | _MAP_ANONYMOUS, 0
        else:
            size = _length_within_file(fd, size, start)
            require_one_way(way)
            if trackfd and not way & _MAP_ANONYMOUS:
                way |= _ffi.KEEP
        handle = _map(fd, size, way, protection, start, _address(address), int64(alignment))
        if handle < 0:
            # Where the library found the length, the standard library gives the system one of 0.
            _not_mapped(handle, fd, 0 if size == REST else size, way, protection)
        return cls._of(handle, place_anew(mode, trackfd), survive and _can_be_lost(way))

    @classmethod
    def _of(cls, handle: int, access: int, survive: bool) -> Self:
        """A map of the class for a handle that nobody else has."""
        if not _views_pickle:
            _have_views_pickle()
        self = _new(cls, handle, access)
        if survive:
            # Refused where SIGBUS is somebody else's: the map then works, and its views are on their own.
            _ffi.survive(handle, 1)
        return self

    def _refuse(self, code: int) -> NoReturn:
        """Raises what a call of the library's class was refused with."""
        fail(code)

    def _read(self, offset: int, size: int) -> bytes:
        data = _ffi.new_bytes(None, size)
        answer(_ffi.read(self._handle, offset, data, size))
        return data

    def _write(self, offset: int, data: bytes) -> None:
        answer(_ffi.write(self._handle, offset, data, len(data)))

    def _require_writable(self) -> None:
        if self._access & _ACCESS == ACCESS_READ:
            raise TypeError("mmap can't modify a readonly memory map.")

    def _stride(self, start: int, count: int, step: int) -> bytes:
        """What an extended slice gives, which the library's class leaves to this one."""
        places = range(start, start + count * step, step)
        pieces = max(1, _PIECE // abs(step))
        return b"".join(self._every(places[i : i + pieces]) for i in range(0, count, pieces))

    def _every(self, places: range) -> bytes:
        if abs(places.step) >= PAGESIZE:
            # What lies on the pages between may refuse, and is not asked for.
            return b"".join(self._read(place, 1) for place in places)
        low, high = min(places[0], places[-1]), max(places[0], places[-1])
        return self._read(low, high - low + 1)[:: places.step]

    def _assign_stride(self, start: int, count: int, step: int, value: Buffer) -> None:
        data = _bytes_of(value)
        # Byte by byte: what lies between is others' and must not be written, even with what was there.
        for place, byte in zip(range(start, start + count * step, step), data):
            self._write(place, bytes((byte,)))

    if TYPE_CHECKING:
        # As of every sequence, without methods, as in the standard library: what asks for `__iter__` takes a map for
        # one thing, and not for a list of bytes.
        def __iter__(self) -> Iterator[bytes]: ...
        def __contains__(self, byte: object, /) -> bool: ...
        def __reversed__(self) -> Iterator[bytes]: ...

    def find(self, sub: Buffer, start: SupportsIndex | None = None, end: SupportsIndex | None = None, /) -> int:
        """The offset of the first `sub` that lies whole between `start` and `end` (slice notation), or -1.

        `start` is by default where `read` stands. ValueError: closed. FaultError: the protection forbids reading.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one two"
        >>> m.find(b"o"), m.find(b"o", 1), m.find(b"o", 1, -1)
        (0, 6, -1)
        """
        return self._search(_ffi.find, sub, start, end)

    def rfind(self, sub: Buffer, start: SupportsIndex | None = None, end: SupportsIndex | None = None, /) -> int:
        """The offset of the last `sub` that lies whole between `start` and `end` (slice notation), or -1.

        `start` is by default where `read` stands. Errors as `find`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one two"
        >>> m.rfind(b"o")
        6
        """
        return self._search(_ffi.rfind, sub, start, end)

    def count(self, sub: Buffer, start: SupportsIndex = 0, end: SupportsIndex | None = None, /) -> int:
        """How many `sub`, none overlapping another, lie whole between `start` and `end` (slice notation).

        `start` is by default 0, wherever `read` stands. Errors as `find`.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one two"
        >>> m.count(b"o")
        2
        """
        return max(self._search(_ffi.count, sub, start, end), 0)

    def _search(
        self, search: Callable[..., int], sub: Buffer, start: SupportsIndex | None, end: SupportsIndex | None
    ) -> int:
        needle = _bytes_of(sub)
        first = self._pos if start is None else _ssize(start)
        last = None if end is None else _ssize(end)
        length = _len(self)
        if first > length:
            return -1
        first, last, _ = slice(first, last).indices(length)
        if last < first:
            return -1
        # Most searches are small, and need no call in between.
        if last - first > _pieces.PIECE:
            found = _pieces.search(search, self._handle, needle, first, last)
        else:
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
        to, origin, size = _ssize(dest), _ssize(src), _ssize(count)
        _len(self)
        self._require_writable()
        words = "source, destination, or count out of range"
        _pieces.move(self._handle, to, origin, size, lambda code: standard(code, words))

    def fill(self, byte: SupportsIndex = 0, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Sets `size` bytes from `offset` on, by default all, to `byte`.

        ValueError: closed, no byte, or a range outside the map. TypeError: mapped for reading only.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4)
        >>> m.fill(0xFF, 2)
        >>> m[:]
        b'\\x00\\x00\\xff\\xff'
        """
        value, start, count = int64(byte), int64(offset), REST if size is None else int64(size)
        self._require_writable()
        _pieces.fill(self._handle, start, value, count)

    def copy(
        self, other: mmap, dest: SupportsIndex = 0, src: SupportsIndex = 0, size: SupportsIndex | None = None
    ) -> int:
        """Copies `size` bytes from offset `src` of the map `other`, by default its rest, to offset `dest` of this one.

        Returns how many. ValueError: a map is closed, or a range outside of it. TypeError: mapped for reading only, or
        `other` is no map. FaultError: the memory of one of them refuses; the message says which.

        >>> import mmap_wrap
        >>> m, backup = mmap_wrap.mmap(-1, 4), mmap_wrap.mmap(-1, 6)
        >>> m[:] = b"data"
        >>> backup.copy(m, 2)
        4
        >>> backup[:]
        b'\\x00\\x00data'
        """
        to, origin, count = int64(dest), int64(src), REST if size is None else int64(size)
        theirs = _handle_of(other)
        self._require_writable()
        return _pieces.copy(self._handle, to, theirs, origin, count)

    def compare(
        self, other: mmap, offset: SupportsIndex = 0, theirs: SupportsIndex = 0, size: SupportsIndex | None = None
    ) -> int:
        """Compares `size` bytes from `offset` on with those of the map `other` from its offset `theirs` on.

        Returns how many are equal before the first difference: `size` where there is none. `size` is by default the
        rest of this map. ValueError: a map is closed, or a range outside of it. FaultError: the memory of one of them
        refuses before there is a difference.

        >>> import mmap_wrap
        >>> one, other = mmap_wrap.mmap(-1, 4), mmap_wrap.mmap(-1, 4)
        >>> one[:], other[:] = b"data", b"date"
        >>> one.compare(other)
        3
        """
        here, there, count = int64(offset), int64(theirs), REST if size is None else int64(size)
        return _pieces.compare(self._handle, here, _handle_of(other), there, count)

    def read(self, n: SupportsIndex | None = None, /) -> bytes:
        """The next `n` bytes, or all that are left if these are fewer, or `n` is negative or None; steps over them.

        ValueError: closed. FaultError: the memory refuses.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one two"
        >>> m.read(4), m.read(), m.read()
        (b'one ', b'two', b'')
        """
        if n is None:
            return self._read_next(-1)
        if type(n) is not int and not hasattr(type(n), "__index__"):
            raise TypeError(f"argument should be integer or None, not '{type(n).__name__}'")
        return self._read_next(n)

    def read_byte(self) -> int:
        """The next byte as an int; steps over it. ValueError: closed, or at the end.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 1).read_byte()
        0
        """
        byte = self._read_next(1)
        if not byte:
            raise ValueError("read byte out of range")
        return byte[0]

    def readline(self) -> bytes:
        """The bytes up to and with the next newline, or to the end; steps over them. `lines` is faster for many.

        ValueError: closed. FaultError: the memory refuses.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one\\ntwo"
        >>> m.readline(), m.readline(), m.readline()
        (b'one\\n', b'two', b'')
        """
        return self._read_line()

    def lines(self, start: SupportsIndex = 0, end: SupportsIndex | None = None) -> Iterator[bytes]:
        """Each line between `start` and `end` (slice notation) as bytes with its newline; the last may have none.

        It reads a MiB at a time, so that a map of any size takes little memory, and is several times as fast as
        `readline`. What changes in the map meanwhile may or may not be seen. ValueError: closed. FaultError: the memory
        refuses, somewhere in the MiB that comes next, whose first lines `readline` may still read.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m[:] = b"one\\ntwo"
        >>> list(m.lines())
        [b'one\\n', b'two']
        """
        first, last, _ = slice(int64(start), None if end is None else int64(end)).indices(_len(self))
        # Without a generator that each line would go through.
        from itertools import chain

        return chain.from_iterable(self._lines(first, last))

    def _lines(self, place: int, last: int) -> Iterator[Iterable[bytes]]:
        begun: list[bytes] = []
        while place < last:
            piece = _get(self, slice(place, min(place + _PIECE, last)))
            if not piece:
                break
            place += len(piece)
            whole = piece.rfind(b"\n") + 1
            if whole:
                lines = io.BytesIO(piece[:whole] if whole < len(piece) else piece)
                yield (b"".join((*begun, lines.readline())),)
                yield lines
                begun, piece = [], piece[whole:]
            if piece:
                begun.append(piece)
        if begun:
            yield (b"".join(begun),)

    def write(self, data: Buffer, /) -> int:
        """Puts the bytes of `data` where `read` stands, steps over them, and returns how many they are.

        ValueError: closed, or no room for them. TypeError: mapped for reading only, or no bytes.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 7)
        >>> m.write(b"one "), m.write(b"two"), m[:]
        (4, 3, b'one two')
        """
        return self._write_next(data)

    def write_byte(self, byte: SupportsIndex, /) -> None:
        """Puts `byte`, an int from 0 to 255, where `read` stands, and steps over it.

        ValueError: closed, or at the end. OverflowError: no byte. TypeError: mapped for reading only.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 1)
        >>> m.write_byte(7)
        >>> m[0]
        7
        """
        value = _c_long(byte)
        if value < 0:
            raise OverflowError("unsigned byte integer is less than minimum")
        if value > 255:
            raise OverflowError("unsigned byte integer is greater than maximum")
        length, place = _len(self), self._pos
        self._require_writable()
        if place >= length:
            raise ValueError("write byte out of range")
        self._write_next(bytes((value,)))

    def seek(self, pos: SupportsIndex, whence: SupportsIndex = os.SEEK_SET, /) -> int:
        """Sets where `read` and `write` stand, and returns that in bytes from the start.

        `pos` counts from where `whence` says: os.SEEK_SET, the start; os.SEEK_CUR, where they stand; os.SEEK_END, the
        end. ValueError: closed, outside the map, or no such `whence`.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 7).seek(-2, 2)
        5
        """
        try:
            return self._seek(pos, whence)
        except OverflowError:
            # In the standard library's words.
            _ssize(pos), _c_int(whence)
            raise

    def seekable(self) -> bool:
        """Whether `seek` works: it does.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 1).seekable()
        True
        """
        return True

    def tell(self) -> int:
        """Where `read` and `write` stand, in bytes from the start. ValueError: closed.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 1).tell()
        0
        """
        _len(self)
        return self._pos

    def flush(
        self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, /, *, flags: SupportsIndex = _MS_SYNC
    ) -> None:
        """Writes `size` bytes from `offset` on back to the file, and returns when they are stored.

        `flags` are MS_SYNC, or MS_ASYNC not to wait for that, and MS_INVALIDATE. `offset` must be on a page border, as
        the standard library has it; `size` is by default the rest. ValueError: closed, or a range outside the map.
        OSError: the system could not store them (EIO, ENOSPC), or `offset` is unaligned (EINVAL).

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 100)
        >>> m.flush()
        """
        start, count, way = _ssize(offset), -1 if size is None else _ssize(size), int64(flags)
        # -1 is the standard library's word for it, from 3.15 on.
        count = REST if count == -1 else count
        beyond = "flush values out of range"
        if start % PAGESIZE and self._access & _ACCESS in (ACCESS_DEFAULT, ACCESS_WRITE):
            standard(_ffi.check(self._handle, start, count), beyond)
            # The library would widen the range.
            why = f"flush: offset {start} is not a multiple of the page size, {PAGESIZE} bytes"
            raise note(system_error(errno.EINVAL), why)
        standard(_ffi.sync(self._handle, way, start, count), beyond)

    def madvise(self, option: SupportsIndex, start: SupportsIndex = 0, length: SupportsIndex | None = None, /) -> None:
        """Tells the kernel how `length` bytes from `start` on will be used: `option` is one MADV_ constant.

        `length` is by default the rest, and more stops at the end, as the standard library has it. An option that
        discards data needs page borders at both ends, or the map's own ends.

        ValueError: closed, or a start outside the map. OSError (EINVAL): no such option, unaligned, or this kernel
        lacks it.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.madvise(mmap_wrap.MADV_RANDOM)
        """
        advice, first = _c_int(option), _ssize(start)
        size = sys.maxsize - max(first, 0) if length is None else _ssize(length)
        limit = _len(self)
        # These four are the standard library's own, in its words; every other rule is the native library's.
        if not 0 <= first < limit:
            raise ValueError("madvise start out of bounds")
        if size < 0:
            raise ValueError("madvise length invalid")
        if size > sys.maxsize - first:
            raise OverflowError("madvise length too large")
        standard(_ffi.advise(self._handle, advice, first, min(size, limit - first)), "madvise start out of bounds")

    def resize(self, newsize: SupportsIndex, /, *, allocate: bool = False) -> None:
        """Makes the map, and its file, `newsize` bytes long from the map's offset on. The map may move in memory.

        With `allocate` the file system sets the blocks aside for all of the file, so that a full disk is an OSError
        (ENOSPC) now and not a FaultError later.

        TypeError: mapped for reading only, or with ACCESS_COPY: see `remap`. ValueError: closed, a negative or too
        large size, `trackfd=False`, or a shared map without a file, which cannot grow. BufferError: somebody holds a
        view. OSError: the system refused; nothing has changed.

        >>> import mmap_wrap
        >>> m = mmap_wrap.anonymous(4096)
        >>> m.resize(8192)
        >>> len(m)
        8192
        """
        size = _ssize(newsize)
        length = _len(self)
        facts, held = self.facts(), "mmap can't resize with extant buffers exported."
        if facts.exports:
            raise BufferError(held)
        if self._access & _UNTRACKED:
            raise ValueError("mmap can't resize with trackfd=False.")
        if self._access & _ACCESS in (ACCESS_READ, ACCESS_COPY):
            raise TypeError("mmap can't resize a readonly or copy-on-write memory map.")
        if size < 0 or sys.maxsize - size < facts.offset:
            raise ValueError("new size out of range")
        anonymous, grows = facts.flags & _MAP_ANONYMOUS, facts.flags & _MAP_SHARED and size > length
        # Without a file the library refuses to allocate. keeps_file is 1, which is MMAP_WRAP_WITH_FILE.
        with_file = raw.MMAP_WRAP_ALLOCATE if allocate else facts.keeps_file
        resized = 0 if anonymous and grows else _ffi.remap(self._handle, size, _MREMAP_MAYMOVE, None, with_file)
        # The library would grow it within its last page; and it says so where another thread resizes it in this moment.
        if anonymous and (grows or resized == E_UNSUPPORTED):
            raise ValueError("mmap: can't expand a shared anonymous mapping" + ("" if _FROM_3_14 else " on Linux"))
        code = resized
        if code == E_RANGE:
            # More than can be addressed: what the system says of such a file, and of such memory.
            code = -errno.EFBIG if facts.keeps_file else -errno.ENOMEM
        standard(code, "", held, by=resized)

    def remap(self, newsize: SupportsIndex | None = None, *, may_move: bool = True, address: SupportsIndex = 0) -> None:
        """Makes the map `newsize` bytes long, by default up to the end of its file, and leaves the file as it is.

        So a map for reading follows a file that grows. A shared map does not grow beyond the end of its file, where
        what is stored would be lost: `resize` makes both longer.
        `address` moves the map to exactly there, over whatever is there; where it is 0, `may_move` says whether the
        map may move at all.

        ValueError: closed, a new size of 0 or beyond the file, None for a map that keeps no file (`trackfd=False`,
        `map_path`).
        BufferError: somebody holds a view. OSError: there is no room (ENOMEM), or the system refuses; then nothing has
        changed.

        >>> import mmap_wrap
        >>> m = mmap_wrap.anonymous(4096)
        >>> m.remap(8192)
        >>> len(m)
        8192
        """
        size, place = REST if newsize is None else int64(newsize), _address(address)
        flags = _MREMAP_MAYMOVE if may_move or place else 0
        if place:
            flags |= _constant("MREMAP_FIXED")
        answer(_ffi.remap(self._handle, size, flags, place or None, 0))

    def size(self) -> int:
        """The size of the file in bytes, now: more or less than is mapped. Without a file, the length of the map.

        It takes no descriptor. ValueError: closed. OSError (EBADF; from Python 3.15 on
        ValueError): the map does not keep its file (`trackfd=False`).

        >>> import mmap_wrap
        >>> with open(mmap_wrap.__file__, "rb") as file:
        ...     m = mmap_wrap.mmap(file.fileno(), 100, access=mmap_wrap.ACCESS_READ)
        >>> len(m), m.size() > 100
        (100, True)
        """
        length = _len(self)
        if self._access & _UNTRACKED:
            why = "size: the map keeps no file: it was made with trackfd=False, or by map_path"
            # As the standard library of that version does.
            error = ValueError("can't get size with trackfd=False") if _FROM_3_15 else system_error(errno.EBADF)
            raise note(error, why)
        size = _ffi.file_size(self._handle)
        return length if size == E_ARGUMENT else standard(size, "")

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
        standard(_ffi.unmap(self._handle), "", "cannot close exported pointers exist")

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
        _len(self)
        return self

    def __exit__(self, kind: object = None, error: BaseException | None = None, *_: object) -> None:
        try:
            self.close()
        except (BufferError, OSError) as left:
            # What ends the block is what its caller needs to see.
            if error is None:
                raise
            note(error, f"leaving the with block, the map could not be closed as well: {left}")

    def __repr__(self) -> str:
        # As the standard library has it: the name of its own class with the module, of a subclass without.
        name = f"{mmap.__module__}.mmap" if type(self) is mmap else type(self).__name__
        length = _ffi.length(self._handle)
        if length < 0:
            return f"<{name} closed=True>"
        access, offset = _ACCESS_NAMES[self._access & _ACCESS], self.facts().offset
        return f"<{name} closed=False, access={access}, length={length}, pos={self._pos}, offset={offset}>"

    def _type_name(self) -> str:
        # In the words of the standard library's exceptions.
        return "mmap.mmap" if type(self) is mmap else type(self).__name__

    def __reduce__(self) -> tuple[Any, ...]:
        """A reference to the file: unpickling it, in this or another process, maps the same bytes of it again.

        `read` then stands at 0. TypeError: memory without a file, secret memory, a map that keeps no file
        (`trackfd=False`, `map_path`), and one whose changes are private. Unpickling raises OSError where the file is
        no longer there, is another one, or was cut short. A file without a path (`memfd`) must be kept open meanwhile
        by who pickled it, on the same machine. docs/between-processes.md has all of it.

        >>> import mmap_wrap, pickle
        >>> m = mmap_wrap.memfd(4096)
        >>> pickle.loads(pickle.dumps(m))[0] = 7
        >>> m[0]
        7
        """
        from ._reference import reduce_map

        return reduce_map(self)


if not TYPE_CHECKING:
    mmap = _ffi.sequence_class(mmap, _Mapping)

# Where people find it, and pickles look for it.
mmap.__module__ = __package__


_views_pickle = False
_former_reduce: Callable[[memoryview], Any] | None = None


def _have_views_pickle() -> None:
    """Has views of maps pickle. Before there is a map there is no view of one, and nothing of pickle is changed."""
    global _views_pickle, _former_reduce
    _views_pickle, _former_reduce = True, copyreg.dispatch_table.get(memoryview)
    copyreg.pickle(memoryview, _reduce_view)


def _reduce_view(view: memoryview) -> Any:
    from ._reference import reduce_view

    if isinstance(view.obj, mmap):
        return reduce_view(view)
    if _former_reduce is None:
        # Which no memoryview can be: in the words of this Python.
        return object.__reduce_ex__(view, 4)
    return _former_reduce(view)


def _map(fd: int, length: int, flags: int, prot: int, offset: int, address: int, alignment: int) -> int:
    handle: int
    if not alignment:
        handle = _ffi.map_descriptor(address or None, length, prot, flags, fd, offset)
        return handle
    if address:
        raise ArgumentError(errno.EINVAL, f"mmap: either an address ({address:#x}) or an alignment ({alignment})")
    handle = _ffi.map_aligned(alignment, length, prot, flags, fd, offset)
    return handle


def _can_be_lost(flags: int) -> bool:
    """Whether the kernel can have no page for an access to such a map, and sends SIGBUS.

    Ordinary pages without a file are there once they are mapped, but for swap space that MAP_NORESERVE leaves open.
    """
    return not flags & _MAP_ANONYMOUS or bool(flags & (_MAP_HUGETLB | _MAP_NORESERVE))


def _address(value: SupportsIndex) -> int:
    place = int64(value)
    if place < 0:
        # As an unsigned number it would be one of the kernel's, which passes over a hint of that kind.
        raise OverflowError(f"address {place} is negative")
    return place


def _handle_of(other: mmap) -> int:
    if not isinstance(other, mmap):
        raise TypeError(f"a map is needed, not {type(other).__name__}")
    return other._handle


def _mode(access: int, flags: int, prot: int) -> tuple[int, int, int]:
    """The access that counts, and its flags and protection; the standard library's rules and words."""
    if access == ACCESS_DEFAULT:
        return access_of(prot), flags, prot
    if flags != _MAP_SHARED or prot != _READ_WRITE:
        raise ValueError("mmap can't specify both access and flags, prot.")
    if access not in _MODES:
        raise ValueError("mmap invalid access parameter.")
    return (access, *_MODES[access])


def place_anew(access: int, tracked: bool) -> int:
    """What a new map's `_access` is."""
    return access if tracked else access | _UNTRACKED


def access_of(prot: int) -> int:
    """The access that a protection comes to."""
    if prot & _READ_WRITE == _READ_WRITE:
        return ACCESS_DEFAULT
    return ACCESS_WRITE if prot & _PROT_WRITE else ACCESS_READ


def map_anonymous(
    length: SupportsIndex, flags: int, prot: int, address: SupportsIndex, alignment: SupportsIndex
) -> mmap:
    """What `anonymous` makes."""
    size = _ssize(length)
    if size < 0:
        raise OverflowError("memory mapped length must be positive")
    access = access_of(prot)
    sys.audit("mmap.__new__", -1, size, access, 0)
    handle = _map(-1, size, flags | _MAP_ANONYMOUS, prot, 0, _address(address), int64(alignment))
    return mmap._of(answer(handle), access, _can_be_lost(flags | _MAP_ANONYMOUS))


def require_one_way(flags: int, caller: str = "mmap") -> None:
    """Raises what is wrong with flags that say both MAP_SHARED and MAP_PRIVATE."""
    both = _MAP_SHARED | _MAP_PRIVATE
    # Together they are MAP_SHARED_VALIDATE, which makes a difference only beside a flag younger than itself.
    if flags & both == both and not flags & ~_older_flags():
        raise ArgumentError(
            errno.EINVAL,
            f"{caller}: flags {flags:#x} say both MAP_SHARED ({_MAP_SHARED:#x}) and MAP_PRIVATE ({_MAP_PRIVATE:#x}):"
            " give one of them",
        )


def _older_flags() -> int:
    names = "SHARED PRIVATE FIXED ANONYMOUS GROWSDOWN LOCKED NORESERVE POPULATE NONBLOCK STACK HUGETLB DENYWRITE"
    flags = _ffi.KEEP | _ffi.OR_PRIVATE
    for name in names.split():
        try:
            flags |= _constant(f"MAP_{name}")
        except AttributeError:
            pass
    return flags


def _not_mapped(code: int, fd: int, length: int, flags: int, prot: int) -> NoReturn:
    """Raises what the standard library raises where the library said `code`."""
    given = code
    if code in (-errno.EISDIR, -errno.ENODEV):
        # The system looks at the access first, and the library at the kind of file.
        from fcntl import F_GETFL, fcntl

        opened, writes = fcntl(fd, F_GETFL) & os.O_ACCMODE, prot & _PROT_WRITE and flags & _MAP_SHARED
        forbidden = opened == os.O_WRONLY or (writes and opened != os.O_RDWR)
        code = -errno.EACCES if forbidden else -errno.ENODEV
    if not length and code != -errno.EBADF:
        # It gives the system a length of 0 for all but a regular file.
        code = E_ARGUMENT
    standard(code, "mmap length is greater than file size", by=given)
    raise AssertionError(code)


def _length_within_file(fd: int, length: int, offset: int) -> int:
    """The length to map, found out where it is 0; the standard library maps nothing beyond the file's end.

    The native library knows the length of a block device, and says of others that they need one.
    """
    try:
        facts = os.fstat(fd)
    except OSError as error:
        note(error, f"mmap: descriptor {fd} is not open; -1 is for memory without a file")
        raise
    if not stat.S_ISREG(facts.st_mode):
        return length or REST
    if length == 0:
        if facts.st_size == 0:
            raise ValueError("cannot mmap an empty file")
        if offset >= facts.st_size:
            raise ValueError("mmap offset is greater than file size")
        return facts.st_size - offset
    if length > facts.st_size - offset:
        raise ValueError("mmap length is greater than file size")
    return length


# In the words of the interpreter, where it converts a number for the standard library.
_LONG = 1 << 8 * ctypes.sizeof(ctypes.c_long) - 1


def _c_long(value: SupportsIndex) -> int:
    # Exactly an int: a subclass may compare as it likes.
    number = value if type(value) is int else int.__index__(index(value))
    if not -_LONG <= number < _LONG:
        raise OverflowError("Python int too large to convert to C long")
    return number


# Of 64 bits everywhere.
_off_t = _c_long if _LONG > 1 << 31 else int64


def _c_int(value: SupportsIndex) -> int:
    number = _c_long(value)
    if number >= 1 << 31:
        raise OverflowError("signed integer is greater than maximum")
    if number < -(1 << 31):
        raise OverflowError("signed integer is less than minimum")
    return number


def _ssize(value: SupportsIndex) -> int:
    # Exactly an int: a subclass may compare as it likes.
    number = value if type(value) is int else int.__index__(index(value))
    if not -sys.maxsize - 1 <= number <= sys.maxsize:
        raise OverflowError("Python int too large to convert to C ssize_t")
    # The least of all means "to the end" to the library; the next one is as much out of every range.
    return number if number > REST else REST + 1


def _bytes_of(data: SupportsIndex | Buffer) -> bytes:
    # Exactly bytes: a subclass may say of its length what it likes. Anything else is copied, so that no other thread
    # can resize it under the library; a map as maps are read, for its memory may refuse.
    if type(data) is bytes:
        return data
    if isinstance(data, _Mapping):
        return _get(data, slice(None))
    try:
        view = memoryview(data)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'") from None
    with view:
        if not view.c_contiguous:
            raise BufferError("memoryview: underlying buffer is not C-contiguous")
        return view.tobytes()
