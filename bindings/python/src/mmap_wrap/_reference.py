"""Maps, and views of them on their way to another process, as references: what pickles is where the file is.

A pickler that may be saving to a file gets the bytes of a view or array instead; a map is a reference for each of them.

Imported when the first of them is pickled or unpickled. A file with a path is opened by it. One without (a memory file,
an unlinked one) is opened through the descriptor of the process that pickled it, in /proc, while that process keeps its
map.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
import weakref

from . import _base, _ffi
from ._base import ACCESS, ACCESS_READ, Base
from ._constants import value as _constant
from ._errors import checked
from ._ffi import int64
from ._header import (
    MMAP_WRAP_KEEP,
    MMAP_WRAP_REST,
    MMAP_WRAP_SOURCE_DESCRIPTOR,
    MMAP_WRAP_SOURCE_PATH,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ._mapping import mmap
    from ._structs import Info

    # A path, and the process that it leads through: 0 where it is a file's own.
    Way = tuple[str, int]

    # The class, None for the package's own; the ways to the file; boot and host that pickled it; device, generation,
    # inode and size of the file; the access it is opened with; offset, length, protection, flags, access and survival
    # of the map.
    Reference = tuple[
        type[Base] | None, tuple[Way, ...], str, str, int, int, int, int, int, int, int, int, int, int, int
    ]

# Flags that are about addresses of one process.
_ADDRESSES = _constant("MAP_FIXED") | _constant("MAP_FIXED_NOREPLACE")


# Modules that pickle for another process. A reducer is not shown its pickler, but the function that called the pickler
# is on the stack: a pickler in C has no frame, and one in Python is passed over.
_SENDERS = {
    "multiprocessing.reduction",
    "loky.backend.reduction",
    "joblib.externals.loky.backend.reduction",
    "joblib.pool",
    "distributed.protocol.pickle",
    "dask.local",
    "dask.multiprocessing",
}
_PICKLERS = {
    "pickle",
    "cloudpickle.cloudpickle",
    "joblib.externals.cloudpickle.cloudpickle",
    *(f"{__package__}.{name}" for name in ("_array", "_mapping", "_reference")),
}


def _caller() -> str:
    """The name of the module that called the pickler. To be called while something is reduced."""
    frame = sys._getframe(1)
    while True:
        name: str = frame.f_globals.get("__name__", "")
        is_reducer = frame.f_code.co_name in ("__reduce__", "__reduce_ex__")
        if frame.f_back is None or not (name in _PICKLERS or is_reducer):
            return name
        frame = frame.f_back


def is_sent() -> bool:
    """Whether what is pickled now goes to another process, and not into a file or to an unknown place."""
    return _caller() in _SENDERS


class Whole:
    """The map, in what pickle asks for. The module copy asks for the same, and finds that it was not pickled."""

    __slots__ = ("_opening",)

    def __init__(self, whole: Base, way: Callable[..., mmap]) -> None:
        self._opening = way, reference(whole)

    def __reduce__(self) -> tuple[Callable[..., mmap], Reference]:
        return self._opening

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("cannot copy a map, nor a view of it: the memory could be shared or copied, which is not said")


def map_of(whole: Base | Whole) -> Base:
    """The map that was pickled as a `Whole`."""
    if isinstance(whole, Whole):
        whole.__deepcopy__(None)
    return whole


def reduce_map(whole: Base) -> tuple[Any, ...]:
    """What `mmap.__reduce__` returns; what a subclass has of its own goes with it."""
    return map_of, (Whole(whole, reopen),), whole.__getstate__()


def reference(whole: Base) -> Reference:
    """What another process needs to open the map. TypeError: it cannot."""
    info = whole.info()
    if info.flags & _constant("MAP_ANONYMOUS"):
        # The standard library's words. memfd() and shared() make memory that other processes can open.
        raise TypeError(f"cannot pickle '{_type_name(whole)}' object")
    if info.descriptor < 0:
        _refuse(whole, "it keeps no file: map it with mmap_wrap.open, or without trackfd=False")
    # MAP_SHARED_VALIDATE has the bit of MAP_PRIVATE, too.
    if not info.flags & _constant("MAP_SHARED") and whole._access & ACCESS != ACCESS_READ:
        _refuse(whole, "what is written to it is this process's own (ACCESS_COPY, MAP_PRIVATE)")
    ways, opening, file, generation = _file_of(whole, info)
    size = min(file.st_size, info.offset + info.length)
    identity = file.st_dev, generation, file.st_ino, size
    how = info.protection, info.flags & ~_ADDRESSES, whole._access, info.surviving
    # By itself the class would be looked for under the name that `install` gave it, which is another's elsewhere.
    kind = None if type(whole) is _base.mmap else type(whole)
    return kind, ways, _BOOT, _HOST, *identity, opening, info.offset, info.length, *how


# The way to the maker of a map that came without a path, by the map's handle.
_maker: dict[int, Way] = {}


def _type_name(whole: Base) -> str:
    # In the words of the standard library's exceptions.
    return "mmap.mmap" if type(whole) is _base.mmap else type(whole).__name__


def _refuse(whole: Base, why: str) -> NoReturn:
    raise TypeError(f"cannot pickle '{_type_name(whole)}' object: {why}")


def reopen(
    kind: type[mmap] | None,
    ways: tuple[Way, ...],
    boot: str,
    host: str,
    device: int,
    generation: int,
    inode: int,
    size: int,
    opening: int,
    *how: int,
) -> mmap:
    """Opens the map again that the reference is of. OSError: the file is not there, or is another one now.

    FileNotFoundError, PermissionError: of the path. ProcessLookupError: its process has closed it, or ended. ESTALE:
    another file has the path now, or it was truncated. EREMOTE: a file without a path, of another machine.
    """
    kind = _base.mmap if kind is None else kind
    if not issubclass(kind, Base):
        raise TypeError(f"a reference to a map of the class mmap is needed, not of {kind.__name__}")
    path, process = ways[-1]
    if process and boot != _BOOT:
        what = f"a file without a path, of process {process} on {host}, cannot be opened on {_HOST}"
        way_out = "use a file on a file system that both have"
        raise OSError(errno.EREMOTE, f"{what}, nor after {host} was started anew: {way_out}", path)
    offset, length, protection, flags, access, survive = map(int64, how)
    # Elsewhere, and after a boot, the same device has another number.
    wanted = (inode, device, generation) if boot == _BOOT else (inode,)
    descriptor = _open(ways, opening, wanted)
    try:
        there, number = os.fstat(descriptor).st_size, _number_of(descriptor)
        if there < size:
            raise OSError(errno.ESTALE, f"the file was truncated: it has {there} bytes, the map {size}", path)
        # A map of an empty file has no length that could be asked for.
        handle = _ffi.mmap_wrap(None, length or MMAP_WRAP_REST, protection, flags | MMAP_WRAP_KEEP, number, offset)
        whole = kind._of(checked(handle, "pickle", path), access, bool(survive))
    finally:
        os.close(descriptor)
    if process:
        _maker[whole._handle] = ways[-1]
        weakref.finalize(whole, _maker.pop, whole._handle)
    return whole


def _open(ways: tuple[Way, ...], opening: int, wanted: tuple[int, ...]) -> int:
    """A descriptor of the file with the identity `wanted`: inode, device and generation."""
    flags = opening & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) | _OPENING
    for path, process in ways:
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            if process:
                continue
            raise
        file = os.fstat(descriptor)
        found = file.st_ino, file.st_dev, _generation(descriptor)
        if found[: len(wanted)] == wanted:
            return descriptor
        os.close(descriptor)
        if not process:
            raise OSError(errno.ESTALE, f"another file is there now: inode {file.st_ino}, not {wanted[0]}", path)
    processes = " and ".join(f"process {process}" for _, process in ways)
    why = "the map, whose file has no path, was closed, or the process has ended; keep it until it is opened"
    raise ProcessLookupError(errno.ESRCH, f"{processes}: {why}", ways[0][0])


if sys.platform == "win32":
    from ._windows import descriptor_of, handle_of, path_of

    _HOST = _BOOT = os.environ.get("COMPUTERNAME", "")
    _OPENING = os.O_BINARY | os.O_NOINHERIT
    _number_of = handle_of

    def _file_of(whole: Base, info: Info) -> tuple[tuple[Way, ...], int, os.stat_result, int]:
        """The ways to the map's file, how it is opened, what the system knows of it, and its generation."""
        if info.source not in (MMAP_WRAP_SOURCE_DESCRIPTOR, MMAP_WRAP_SOURCE_PATH):
            _refuse(whole, "its memory has no path: open shared memory by its name")
        descriptor = descriptor_of(checked(_ffi.mmap_wrap_dup_fd(whole._handle), "pickle"))
        try:
            writes = info.protection & _constant("PROT_WRITE") and info.flags & _constant("MAP_SHARED")
            ways = ((path_of(handle_of(descriptor)), 0),)
            return ways, os.O_RDWR if writes else os.O_RDONLY, os.fstat(descriptor), 0
        finally:
            os.close(descriptor)

    def _generation(descriptor: int) -> int:
        """Nothing: Windows gives a file's number to no other."""
        return 0

else:
    import fcntl

    # linux/fs.h: _IOR('v', 1, long). Where processors number it otherwise, it is no ioctl at all, and nothing is known.
    _FS_IOC_GETVERSION = 2 << 30 | struct.calcsize("l") << 16 | ord("v") << 8 | 1

    # An identifier of this boot of this machine, and the machine's name.
    _HOST = os.uname().nodename
    try:
        with open("/proc/sys/kernel/random/boot_id") as _file:
            _BOOT = _file.read().strip()
    except OSError:
        _BOOT = _HOST

    # O_NONBLOCK: what has the path now may be a FIFO.
    _OPENING = os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK

    def _number_of(descriptor: int) -> int:
        return descriptor

    def _file_of(whole: Base, info: Info) -> tuple[tuple[Way, ...], int, os.stat_result, int]:
        """The ways to the map's file, how it is opened, what the system knows of it, and its generation."""
        file = os.fstat(info.descriptor)
        opening = fcntl.fcntl(info.descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        ways = _ways_to(whole, info.descriptor, file, opening)
        return ways, opening, file, _generation(info.descriptor)

    def _ways_to(whole: Base, descriptor: int, file: os.stat_result, opening: int) -> tuple[Way, ...]:
        try:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            found = os.stat(path)
            if (found.st_dev, found.st_ino) == (file.st_dev, file.st_ino):
                return ((path, 0),)
        except OSError:
            # No path, or one that leads nowhere: as for every memory file, whose name here only looks like a path.
            pass
        own = f"/proc/{os.getpid()}/fd/{descriptor}", os.getpid()
        try:
            os.close(os.open(own[0], opening | os.O_CLOEXEC))
        except OSError as error:
            # As for secret memory, which cannot be opened.
            _refuse(whole, f"its file has no path, and cannot be opened through {own[0]}: {error.strerror}")
        # So that what is only sent back arrives, although its sender closes it.
        maker = _maker.get(whole._handle, own)
        return (own,) if maker == own else (own, maker)

    def _generation(descriptor: int) -> int:
        """A number that differs from that of an earlier file with the same inode; 0 where the file system has none."""
        try:
            # The kernel writes an int.
            return int.from_bytes(fcntl.ioctl(descriptor, _FS_IOC_GETVERSION, bytes(8))[:4], sys.byteorder)
        except OSError:
            return 0


# Maps of which parts were unpickled here, while a part lives.
_parts_of: weakref.WeakValueDictionary[Reference, mmap] = weakref.WeakValueDictionary()


def open_once(*reference: Any) -> mmap:
    """As `reopen`, for a part of the map: a thousand parts take one descriptor."""
    whole = _parts_of.get(reference)
    if whole is None or whole.closed:
        whole = _parts_of[reference] = reopen(*reference)
    return whole


def reduce_view(view: memoryview) -> tuple[Any, ...]:
    """What `copyreg` has for a memoryview of a map: a reference for another process, the bytes for all else."""
    whole, shape = view.obj, None if view.ndim == 1 else view.shape
    caller = _caller()
    # The module copy asks as well, and fails in `Whole`.
    if caller not in _SENDERS and caller != "copy":
        data = view.tobytes()
        return copied_view_of, (data if view.readonly else bytearray(data), view.format, shape)
    assert isinstance(whole, Base)
    # Only what has one dimension can have steps: memoryview slices nothing else.
    step = view.strides[0] // view.itemsize if view.ndim == 1 else 1  # type: ignore[index]
    low, size = _address_of(view) - whole.info().address, view.nbytes
    if step != 1 and size:
        span = (len(view) - 1) * abs(step) * view.itemsize
        low, size = low - (span if step < 0 else 0), span + view.itemsize
    return view_of, (Whole(whole, open_once), low, size, view.format, shape, step, view.readonly)


def view_of(
    whole: Base | Whole, low: int, size: int, form: str, shape: tuple[int, ...] | None, step: int, readonly: bool
) -> memoryview:
    """The view that `reduce_view` described."""
    view: memoryview = memoryview(map_of(whole))[low : low + size]
    view = view.cast(form)[::step] if shape is None else view.cast(form, shape)  # type: ignore[call-overload]
    return view.toreadonly() if readonly else view


def copied_view_of(data: bytes | bytearray, form: str, shape: tuple[int, ...] | None) -> memoryview:
    """The view whose bytes `reduce_view` gave."""
    view = memoryview(data)
    return view.cast(form) if shape is None else view.cast(form, shape)  # type: ignore[call-overload,no-any-return]


class _Buffer(ctypes.Structure):
    """Python's `Py_buffer`."""

    _fields_ = [
        ("address", ctypes.c_void_p),
        ("object", ctypes.py_object),
        ("length", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_PyBUF_FULL_RO = 0x11C

# By index: as attributes they are shared by all modules, and another one may have set what they take.
_get_buffer = ctypes.pythonapi["PyObject_GetBuffer"]
_get_buffer.argtypes = (ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int)
_get_buffer.restype = ctypes.c_int
_release_buffer = ctypes.pythonapi["PyBuffer_Release"]
_release_buffer.argtypes = (ctypes.POINTER(_Buffer),)
_release_buffer.restype = None


def _address_of(view: memoryview) -> int:
    """Where the first item is."""
    buffer = _Buffer()
    _get_buffer(view, ctypes.byref(buffer), _PyBUF_FULL_RO)
    address: int = buffer.address
    _release_buffer(ctypes.byref(buffer))
    return address
