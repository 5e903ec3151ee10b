"""Maps of something else than an open file: of a path, of nothing, of shared, secret and file memory."""

from __future__ import annotations

import errno
import os
import sys

from . import _ffi
from ._base import ACCESS_COPY
from ._constants import flag as _flag
from ._constants import needed as _needed
from ._constants import value as _constant
from ._errors import ArgumentError, checked
from ._ffi import int64
from ._header import MMAP_WRAP_KEEP, MMAP_WRAP_OR_PRIVATE, MMAP_WRAP_REST
from ._mapping import mmap
from ._request import access_of, access_with, address_of, can_be_lost, either_place, require_one_way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import SupportsIndex

    from .typing import Mode

_SHARED, _PRIVATE = _constant("MAP_SHARED"), _constant("MAP_PRIVATE")
_ANONYMOUS = _constant("MAP_ANONYMOUS")
_READ, _READ_WRITE = _constant("PROT_READ"), _constant("PROT_READ") | _constant("PROT_WRITE")

# What each mode opens with, and how it maps.
_MODES = {
    "r": (os.O_RDONLY, _SHARED, _READ),
    "c": (os.O_RDONLY, _PRIVATE, _READ_WRITE),
    "r+": (os.O_RDWR, _SHARED, _READ_WRITE),
    "w+": (os.O_RDWR | os.O_CREAT | os.O_TRUNC, _SHARED, _READ_WRITE),
    "x+": (os.O_RDWR | os.O_CREAT | os.O_EXCL, _SHARED, _READ_WRITE),
    "a+": (os.O_RDWR | os.O_CREAT, _SHARED, _READ_WRITE),
}


def open(  # noqa: A001 - it is what it is called
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    mode: Mode = "r",
    *,
    size: SupportsIndex | None = None,
    allocate: bool = False,
    length: SupportsIndex | None = None,
    offset: SupportsIndex = 0,
    permissions: SupportsIndex = 0o666,
    flags: SupportsIndex = 0,
    open_flags: SupportsIndex = 0,
    trackfd: bool = True,
    survive: bool = True,
) -> mmap:
    """Opens or makes the file at `path` and maps `length` bytes of it from `offset` on, by default all.

    `mode` says how, in the words of the built-in `open` and numpy: "r" for reading; "r+" for reading and writing; "w+"
    makes the file anew, "x+" makes it and must not find one, "a+" makes it if there is none, all three for reading and
    writing; "c" maps a file whose changes stay in memory. A "b" may be in it, and the "+" stand first. With "r", a file
    that takes no shared map (FUSE with direct I/O, some of sysfs) is mapped privately, which reads the same bytes.

    `size` makes the file that many bytes long, longer or shorter than it was. With `allocate` the file system sets the
    blocks aside for it, so that a full disk is an OSError (ENOSPC) now and not a FaultError later. An empty file gives
    a map of length 0, which `resize` can make longer. A `length` beyond the file's end is allowed, as for `map_path`.
    `permissions` are for a file that is made, less the umask. `flags` are MAP_ constants, `open_flags` O_ constants,
    beyond those that the mode means. With MAP_PRIVATE mode "r" is a private map; "r+", "w+", "x+" and "a+" are shared
    and "c" is private: flags that contradict that are an ArgumentError. `trackfd` and `survive` are as for `mmap`.

    On failure a file that was not there is removed, and one that was there has its former size; but "w+" empties the
    file that it finds, whatever comes after, as the built-in `open` does.

    FileNotFoundError, PermissionError, IsADirectoryError and other OSError: with the path as `filename`. ValueError: no
    such mode, a NUL in the path, an offset beyond the file's end, a negative number. It raises an auditing event
    `mmap_wrap.open` with path, mode, size, length and offset.

    >>> import mmap_wrap, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "table")
    >>> with mmap_wrap.open(path, "x+", size=8192) as m:
    ...     m.put("u4", 4096, 7)
    >>> mmap_wrap.open(path).get("u4", 4096)
    7
    """
    name, encoded = os.fspath(path), os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError(f"mmap_wrap.open: the path {name!r} has an embedded null byte")
    opening, way, protection = _way("mmap_wrap.open", mode)
    way = _with_flags("mmap_wrap.open", mode, way, protection, int64(flags))
    if not int64(flags) & _SHARED:
        way |= MMAP_WRAP_OR_PRIVATE
    fixed = _numbers(size, length, offset)
    sys.audit("mmap_wrap.open", name, mode, *fixed)
    if trackfd:
        way |= MMAP_WRAP_KEEP
    how = opening | int64(open_flags), int64(permissions), fixed[0], bool(allocate), fixed[1], protection, way, fixed[2]
    handle = _opened(_ffi.mmap_open_wrap, encoded, how)
    if handle == -errno.EINVAL and size is not None:
        _require_whole_pages(name, fixed[0])
    return mmap._of(checked(handle, "mmap_wrap.open", name), access_with(_access(way, protection), trackfd), survive)


def shared_memory(
    name: str,
    size: SupportsIndex | None = None,
    mode: Mode | None = None,
    *,
    allocate: bool = False,
    permissions: SupportsIndex = 0o600,
    flags: SupportsIndex = 0,
) -> mmap:
    """Maps the shared memory called `name`, which any process of the machine may map; makes it where it is new.

    `mode` is as for `open`: by default "a+" if a `size` in bytes is given, and "r+" if not. Memory that has fewer than
    `size` bytes is made larger. Memory that has more keeps them, since others may use them, and all of it is mapped:
    only "w+" and `resize` make it smaller. With `allocate` memory is set aside for all of it, so that a full /dev/shm
    is an OSError (ENOSPC) now and not a FaultError later. `permissions` are for memory that is made, less the umask;
    `flags` are MAP_ constants. New memory is zeros. It stays until `unlink_shared_memory`, and until no process has it
    mapped. A name has no slash but one at its beginning, which is put there if it is missing.

    Memory that another process is making by this call is found whole or not at all; what another library has made and
    not yet sized is waited for.

    FileNotFoundError: no such memory. FileExistsError: "x+" found it. TimeoutError: it had no size for a second, and no
    `size` is given. Other errors as `open`. It raises an auditing event `mmap_wrap.shared_memory` with name, mode and
    size.

    >>> import mmap_wrap, os
    >>> name = f"/mmap-wrap-{os.getpid()}"
    >>> m = mmap_wrap.shared_memory(name, 4096)
    >>> m[0] = 7
    >>> mmap_wrap.shared_memory(name)[0]
    7
    >>> mmap_wrap.unlink_shared_memory(name)
    """
    text = _shared_name("mmap_wrap.shared_memory", name)
    mode = mode or ("r+" if size is None else "a+")
    opening, way, protection = _way("mmap_wrap.shared_memory", mode)
    bytes_wanted = MMAP_WRAP_REST if size is None else int64(size)
    sys.audit("mmap_wrap.shared_memory", name, mode, bytes_wanted)
    way = _with_flags("mmap_wrap.shared_memory", mode, way, protection, int64(flags)) | MMAP_WRAP_KEEP
    how = opening, int64(permissions), bytes_wanted, bool(allocate), MMAP_WRAP_REST, protection, way, 0
    handle = checked(_opened(_ffi.mmap_shm_wrap, text, how), "mmap_wrap.shared_memory", name)
    return mmap._of(handle, _access(way, protection), True)


def unlink_shared_memory(name: str) -> None:
    """Removes the `name` of shared memory. Existing mappings stay valid.

    FileNotFoundError: no such memory.

    >>> import mmap_wrap
    >>> mmap_wrap.unlink_shared_memory("/no-such-memory")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] mmap_wrap.unlink_shared_memory: ...
    """
    checked(
        _ffi.shm_unlink_wrap(_shared_name("mmap_wrap.unlink_shared_memory", name)),
        "mmap_wrap.unlink_shared_memory",
        name,
    )


def anonymous(
    length: SupportsIndex,
    *,
    shared: bool = False,
    prot: SupportsIndex = _READ_WRITE,
    flags: SupportsIndex = 0,
    huge: SupportsIndex = 0,
    address: SupportsIndex = 0,
    alignment: SupportsIndex = 0,
) -> mmap:
    """Maps `length` bytes of zeroed memory without a file: this process's own, or `shared` with children forked later.

    `huge` is the size in bytes of the huge pages to take it from, those of the pool (vm.nr_hugepages); 0 for ordinary
    pages. `flags` are further MAP_ constants, such as MAP_POPULATE. `prot`, `address` and `alignment` are as for
    `mmap`.

    OSError: ENOMEM where memory or huge pages are lacking. ArgumentError: `alignment` is not a power of two, the kernel
    has no huge pages of that size, or `flags` contradict `shared`. OverflowError: a negative number.

    >>> import mmap_wrap
    >>> m = mmap_wrap.anonymous(100, alignment=1 << 21)
    >>> m.info().address % (1 << 21), m[:3]
    (0, b'\\x00\\x00\\x00')
    """
    way, more = _SHARED if shared else _PRIVATE, int64(flags)
    if more & (_SHARED | _PRIVATE) not in (0, way):
        said, meant = ("MAP_PRIVATE", "MAP_SHARED") if shared else ("MAP_SHARED", "MAP_PRIVATE")
        raise ArgumentError(
            errno.EINVAL, f"mmap_wrap.anonymous: flags {more:#x} have {said}, but shared={bool(shared)} means {meant}"
        )
    way |= more | _huge("mmap_wrap.anonymous", int64(huge), "MAP_HUGETLB")
    size, protection, place, multiple = int64(length), int64(prot), address_of(address), int64(alignment)
    if size < 0:
        raise OverflowError("memory mapped length must be positive")
    if place and multiple:
        either_place("mmap_wrap.anonymous", place, multiple)
    way |= _ANONYMOUS
    access = access_of(protection)
    sys.audit("mmap.__new__", -1, size, access, 0)
    if multiple:
        handle = _ffi.mmap_aligned_wrap(multiple, size, protection, way, -1, 0)
    else:
        handle = _ffi.mmap_wrap(place or None, size, protection, way, -1, 0)
    return mmap._of(checked(handle, "mmap_wrap.anonymous"), access, can_be_lost(way))


def memfd(length: SupportsIndex, name: str = "mmap-wrap", *, huge: SupportsIndex = 0, flags: SupportsIndex = 0) -> mmap:
    """Maps `length` bytes of a new file in memory, which has no path; `name` is for /proc only.

    Other processes map it by its descriptor (`dup_fd`), by pickling, or by being forked. It can be sealed
    (`add_file_seals`) and resized. `huge` is as for `anonymous`; `flags` are further MFD_ constants. OSError: ENOMEM,
    and ENOTSUP where the system has no memory files.

    >>> import mmap_wrap
    >>> m = mmap_wrap.memfd(4096)
    >>> m.resize(8192)
    >>> m.size()
    8192
    """
    if not isinstance(name, str):
        raise TypeError(f"mmap_wrap.memfd: a name is a str, not {type(name).__name__}")
    text = name.encode("utf-8", "surrogateescape")
    if b"\0" in text:
        raise ValueError(f"mmap_wrap.memfd: the name {name!r} has an embedded null byte")
    way = _flag("MFD_ALLOW_SEALING") | int64(flags) | _huge("mmap_wrap.memfd", int64(huge), "MFD_HUGETLB")
    return mmap._of(
        checked(_ffi.mmap_memfd_wrap(text, way, int64(length), _READ_WRITE, _SHARED), "mmap_wrap.memfd"), 0, True
    )


def secret(length: SupportsIndex) -> mmap:
    """Maps `length` bytes of secret memory: never swapped, and out of reach for the kernel and for debuggers.

    A forked child shares it; `m.advise(MADV_DONTFORK)` keeps it to this process. OSError: ENOTSUP before Linux 5.14, or
    before 6.5 without the boot parameter secretmem.enable=1; EAGAIN beyond RLIMIT_MEMLOCK.

    >>> import mmap_wrap
    >>> try:
    ...     key = mmap_wrap.secret(32)
    ... except OSError:
    ...     key = mmap_wrap.anonymous(32)               # this kernel has none: see docs/secrets.md
    """
    return mmap._of(checked(_ffi.mmap_secret_wrap(int64(length), _READ_WRITE), "mmap_wrap.secret"), 0, False)


def map_path(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    length: SupportsIndex = 0,
    flags: SupportsIndex = _SHARED,
    prot: SupportsIndex = _READ_WRITE,
    offset: SupportsIndex = 0,
    *,
    survive: bool = True,
) -> mmap:
    """Maps `length` bytes of the file at `path`, from byte `offset` on; no descriptor stays open.

    `flags` (MAP_SHARED or MAP_PRIVATE, and more) and `prot` (PROT_ constants) say how. The file is opened for writing
    only if a shared map is to be written: with `prot=PROT_READ`, or `flags=MAP_PRIVATE`, one may map what one may only
    read. `length` 0 maps to the end of the file, and an empty file gives a map of length 0. A length beyond the file's
    end is allowed; to touch pages beyond it before the file has grown is a FaultError. `survive` is as for `mmap`.

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
        raise ValueError(f"mmap_wrap.map_path: the path {name!r} has an embedded null byte")
    size, way, protection, start = int64(length), int64(flags), int64(prot), int64(offset)
    require_one_way("mmap_wrap.map_path", way)
    sys.audit("mmap_wrap.map_path", name, size, way, protection, start)
    handle = checked(
        _ffi.mmap_path_wrap(encoded, size or MMAP_WRAP_REST, protection, way, start), "mmap_wrap.map_path", name
    )
    return mmap._of(handle, access_with(access_of(protection), False), survive)


# As of the exceptions: users know them, and pickle finds them, where they are imported from.
for _public in (open, shared_memory, unlink_shared_memory, anonymous, memfd, secret, map_path):
    _public.__module__ = __package__


def _opened(call: Callable[..., int], name: bytes, how: tuple[int, ...]) -> int:
    """What the library's call returns; `how` are the members of its options."""
    from ctypes import byref, sizeof

    from ._structs import OpenOptions

    options = OpenOptions(*how)
    return call(name, byref(options), sizeof(options))


def _way(caller: str, mode: str) -> tuple[int, int, int]:
    """What a mode opens with, and how it maps: `_MODES`, with "w" and "+w" for "w+", and a "b" anywhere passed over."""
    if not isinstance(mode, str):
        raise TypeError(f"{caller}: a mode is a str such as 'r+', not {type(mode).__name__}")
    bare = mode.replace("b", "", 1)
    bare = bare[1:] + "+" if bare.startswith("+") else bare
    bare = bare + "+" if bare in ("w", "x", "a") else bare
    if bare not in _MODES:
        raise ArgumentError(errno.EINVAL, f"{caller}: no mode {mode!r}: say one of {', '.join(_MODES)}")
    return _MODES[bare]


def _numbers(size: SupportsIndex | None, length: SupportsIndex | None, offset: SupportsIndex) -> tuple[int, int, int]:
    return (
        MMAP_WRAP_REST if size is None else int64(size),
        MMAP_WRAP_REST if length is None else int64(length),
        int64(offset),
    )


def _shared_name(caller: str, name: str) -> bytes:
    text = os.fsencode(name)
    if b"\0" in text:
        raise ValueError(f"{caller}: the name {name!r} has an embedded null byte")
    return text if text.startswith(b"/") else b"/" + text


def _with_flags(caller: str, mode: str, way: int, protection: int, flags: int) -> int:
    """How a mode maps, with further flags; ArgumentError where they contradict it."""
    require_one_way(caller, flags)
    if flags & _ANONYMOUS:
        raise ArgumentError(
            errno.EINVAL, f"{caller}: flags {flags:#x} have MAP_ANONYMOUS, but a file is mapped; see anonymous"
        )
    said = flags & (_SHARED | _PRIVATE)
    if said == _PRIVATE and way == _SHARED and protection == _READ:
        # Mode "r": the same bytes, but where the file is written to.
        return flags
    if said & ~way and not (way == _SHARED and said & _SHARED):
        meant, other = ("MAP_SHARED", "MAP_PRIVATE") if way == _SHARED else ("MAP_PRIVATE", "MAP_SHARED")
        hint = "; mode 'c' is a private map" if way == _SHARED else "; mode 'r+' is a shared map that can be written"
        raise ArgumentError(
            errno.EINVAL, f"{caller}: flags {flags:#x} have {other}, but mode {mode!r} means {meant}{hint}"
        )
    return way | flags


def _access(way: int, protection: int) -> int:
    return ACCESS_COPY if way & _PRIVATE and not way & _SHARED and protection != _READ else access_of(protection)


def _require_whole_pages(path: str | bytes, size: int) -> None:
    """Raises why the file cannot have this size, where its file system (hugetlbfs) has larger pages."""
    if sys.platform == "win32":
        return
    try:
        unit = os.statvfs(os.path.dirname(path) or os.curdir).f_bsize
    except OSError:
        return
    if unit > _ffi.mmap_wrap_page_size() and size % unit:
        raise ArgumentError(
            errno.EINVAL,
            f"mmap_wrap.open: size {size} is not a multiple of {unit}, the page size of its file system",
            path,
        )


_HUGE_SIZES = "/sys/kernel/mm/hugepages"


def _huge(caller: str, size: int, flag: str) -> int:
    if not size:
        return 0
    if size & (size - 1) or size < 0:
        raise ArgumentError(errno.EINVAL, f"{caller}: huge={size} is no page size: it must be a power of two, in bytes")
    chosen = _needed(flag, caller)
    try:
        sizes = sorted(int(name[len("hugepages-") : -len("kB")]) << 10 for name in os.listdir(_HUGE_SIZES))
    except (OSError, ValueError):
        # The system says what is wrong.
        sizes = [size]
    if size not in sizes:
        there = ", ".join(map(str, sizes)) or "none"
        raise ArgumentError(
            errno.EINVAL, f"{caller}: huge={size}: the huge page sizes of this kernel, in bytes: {there}"
        )
    return chosen | (size.bit_length() - 1) << _constant("MAP_HUGE_SHIFT")
