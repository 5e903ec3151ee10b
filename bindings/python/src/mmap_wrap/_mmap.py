"""The class `mmap`: the standard library's, with checked access, and what `_pages`, `_sharing` and `_reference` add.

The native module makes it, with every method of the standard library's class; here is what the package adds to that,
and what the native module leaves to Python because it is seldom: the words of exceptions, for the most part.
"""

from __future__ import annotations

import copyreg
import errno
import io
import os
import sys

from . import _ffi, _native, _pieces
from ._constants import value as _constant
from ._errors import E_ARGUMENT, ArgumentError, answer, note, standard, system_error
from ._ffi import REST, int64
from ._pages import Pages
from ._sharing import Sharing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, NoReturn, SupportsIndex

ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)

_FROM_3_15 = sys.version_info >= (3, 15)

PAGESIZE: int = _native.page_size()
# Where a file offset of the standard library's must lie; only Windows has another one than the page size.
ALLOCATIONGRANULARITY = PAGESIZE

_MAP_SHARED = _constant("MAP_SHARED")
_MAP_PRIVATE = _constant("MAP_PRIVATE")
_MAP_ANONYMOUS = _constant("MAP_ANONYMOUS")
_MAP_HUGETLB = _constant("MAP_HUGETLB")
_MAP_NORESERVE = _constant("MAP_NORESERVE")
_PROT_WRITE = _constant("PROT_WRITE")
_READ_WRITE = _constant("PROT_READ") | _PROT_WRITE
_MREMAP_MAYMOVE = _constant("MREMAP_MAYMOVE")

# In `_access`, beside one of the four above: made with trackfd=False.
_UNTRACKED = 4
_ACCESS = 3

# Bytes that are read at a time where all would be too many.
_PIECE = 1 << 20


class Extensions(Pages, Sharing):
    """What the class `mmap` has beyond the standard library's."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __len__(self) -> int: ...

    def _require_writable(self) -> None:
        if self._access & _ACCESS == ACCESS_READ:
            raise TypeError("mmap can't modify a readonly memory map.")

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
        first, last, _ = slice(int64(start), None if end is None else int64(end)).indices(len(self))
        # Without a generator that each line would go through.
        from itertools import chain

        return chain.from_iterable(self._lines(first, last))

    def _lines(self, place: int, last: int) -> Iterator[Iterable[bytes]]:
        begun: list[bytes] = []
        while place < last:
            part = slice(place, min(place + _PIECE, last))
            # As the class has it, whatever a subclass may make of it.
            piece = mmap.__getitem__(self, part)  # type: ignore[call-overload]
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
        answer(_ffi.mremap_wrap(self._handle, size, flags, place or None, 0))
        # So that the map knows its new length.
        len(self)

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

        return reduce_map(self)  # type: ignore[arg-type]


if TYPE_CHECKING:

    class mmap(_native.Mapping, Extensions):
        # As of every sequence, without a method, as in the standard library: what asks for `__iter__` takes a map for
        # one thing, and not for a list of bytes.
        def __iter__(self) -> Iterator[bytes]: ...
        def __reversed__(self) -> Iterator[bytes]: ...

else:
    mmap = _native.make_class(Extensions)


_views_pickle = False
_former_reduce: Callable[[memoryview], Any] | None = None


def have_views_pickle() -> None:
    """Has views of maps pickle. Before there is a map there is no view of one, and nothing of pickle is changed."""
    global _views_pickle, _former_reduce
    if _views_pickle:
        return
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
        handle = _ffi.mmap_wrap(address or None, length, prot, flags, fd, offset)
        return handle
    if address:
        either_place(address, alignment)
    handle = _ffi.mmap_aligned_wrap(alignment, length, prot, flags, fd, offset)
    return handle


def either_place(address: int, alignment: int) -> NoReturn:
    """Raises what is wrong with both of them."""
    raise ArgumentError(errno.EINVAL, f"mmap: either an address ({address:#x}) or an alignment ({alignment})")


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
    size = int64(length)
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


def not_mapped(code: int, fd: int, length: int, flags: int, prot: int) -> NoReturn:
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


def not_open(fd: int) -> NoReturn:
    """Raises what is wrong with a descriptor that the system knows nothing of."""
    try:
        os.fstat(fd)
    except OSError as error:
        note(error, f"mmap: descriptor {fd} is not open; -1 is for memory without a file")
        raise
    raise system_error(errno.EBADF)


def flush_unaligned(start: int) -> NoReturn:
    """Raises what the standard library raises where the native library would widen the range."""
    why = f"flush: offset {start} is not a multiple of the page size, {PAGESIZE} bytes"
    raise note(system_error(errno.EINVAL), why)


def no_file_size() -> NoReturn:
    """Raises what the standard library of this version raises of a map made with `trackfd=False`."""
    why = "size: the map keeps no file: it was made with trackfd=False, or by map_path"
    error = ValueError("can't get size with trackfd=False") if _FROM_3_15 else system_error(errno.EBADF)
    raise note(error, why)


def left_open(error: BaseException, left: BaseException) -> None:
    """What ends a `with` block is what its caller needs to see: `left` says why the map could not be closed as well."""
    if not isinstance(left, (BufferError, OSError)):
        raise left
    note(error, f"leaving the with block, the map could not be closed as well: {left}")
