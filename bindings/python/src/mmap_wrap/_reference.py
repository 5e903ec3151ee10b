"""Pickling of maps and views as references: the pickle contains the location of the file, not the data.

A map is always pickled as a reference; a view or array only if it is sent to another process. Otherwise, as the pickle
may be saved to a file, the pickle contains its bytes.

This module is imported at the first pickling or unpickling. A file with a path is opened by the path. A file without
one (a memory file, or unlinked) is opened in /proc through the descriptor of the process that pickled it, which must
keep its map open.
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

    from ._structs import Info

    # A path, and the id of the process in whose /proc folder it is; 0 for the file's own path.
    Location = tuple[str, int]

    # The class, None for the package's own; the locations of the file; boot and host that pickled it; device,
    # generation, inode and size of the file; the access mode for opening it; offset, length, protection, flags, access
    # and survival of the map.
    Reference = tuple[
        type[Base] | None, tuple[Location, ...], str, str, int, int, int, int, int, int, int, int, int, int, int
    ]

# Flags that apply to an address in one process.
_ADDRESSES = _constant("MAP_FIXED") | _constant("MAP_FIXED_NOREPLACE")


# Modules that pickle for another process. A reducer does not get its pickler as an argument, but the function that
# called the pickler is on the stack: a pickler in C has no frame, and the frames of one in Python are skipped.
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
    """The name of the module that called the pickler. Called during the reduction of an object."""
    frame = sys._getframe(1)
    while True:
        name: str = frame.f_globals.get("__name__", "")
        is_reducer = frame.f_code.co_name in ("__reduce__", "__reduce_ex__")
        if frame.f_back is None or not (name in _PICKLERS or is_reducer):
            return name
        frame = frame.f_back


def is_sent() -> bool:
    """Whether the object is pickled for another process. False for a file, and if it is not known."""
    return _caller() in _SENDERS


class PickledMap:
    """A map in the result of a reduction. pickle replaces it by the opened map; the module copy does not, and fails."""

    __slots__ = ("_reduced",)

    def __init__(self, whole: Base, opener: Callable[..., Base]) -> None:
        self._reduced = opener, reference(whole)

    def __reduce__(self) -> tuple[Callable[..., Base], Reference]:
        return self._reduced

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("cannot copy a map, or a view of it: whether to share or to copy the memory is ambiguous")


def map_of(whole: Base | PickledMap) -> Base:
    """The map that was pickled as a `PickledMap`. TypeError: it is copied instead."""
    if isinstance(whole, PickledMap):
        whole.__deepcopy__(None)
    return whole


def reduce_map(whole: Base) -> tuple[Any, ...]:
    """The result of `mmap.__reduce__`; includes the attributes of an instance of a subclass."""
    return map_of, (PickledMap(whole, reopen),), whole.__getstate__()


def reference(whole: Base) -> Reference:
    """The arguments with which `reopen` opens the map in another process. TypeError: it cannot be opened there."""
    info = whole.info()
    if info.flags & _constant("MAP_ANONYMOUS"):
        # The standard library's message. memfd() and shared_memory() make memory that other processes can open.
        raise TypeError(f"cannot pickle '{_type_name(whole)}' object")
    if info.descriptor < 0:
        _raise_unpicklable(whole, "it keeps no file: map it with mmap_wrap.open, or without trackfd=False")
    # MAP_SHARED_VALIDATE has the bit of MAP_PRIVATE, too.
    if not info.flags & _constant("MAP_SHARED") and whole._access & ACCESS != ACCESS_READ:
        _raise_unpicklable(whole, "its changes are private to this process (ACCESS_COPY, MAP_PRIVATE)")
    locations, opening, file, generation = _file_of(whole, info)
    size = min(file.st_size, info.offset + info.length)
    identity = file.st_dev, generation, file.st_ino, size
    options = info.protection, info.flags & ~_ADDRESSES, whole._access, info.surviving
    # pickle would find the class by the name that `install` gave it, which is the standard library's elsewhere.
    kind = None if type(whole) is _base.mmap else type(whole)
    return kind, locations, _BOOT, _HOST, *identity, opening, info.offset, info.length, *options


# For each map of a file without a path that was unpickled here, by its handle: the location that it was opened from.
_origins: dict[int, Location] = {}


def _type_name(whole: Base) -> str:
    # As in the messages of the standard library.
    return "mmap.mmap" if type(whole) is _base.mmap else type(whole).__name__


def _raise_unpicklable(whole: Base, why: str) -> NoReturn:
    raise TypeError(f"cannot pickle '{_type_name(whole)}' object: {why}")


def reopen(
    kind: type[Base] | None,
    locations: tuple[Location, ...],
    boot: str,
    host: str,
    device: int,
    generation: int,
    inode: int,
    size: int,
    opening: int,
    *options: int,
) -> Base:
    """Opens the map of a reference again. OSError: the file does not exist, or is not the same file.

    FileNotFoundError, PermissionError: for the path. ProcessLookupError: the process of a file without a path closed
    its map, or ended. ESTALE: the path is now another file, or the file was truncated. EREMOTE: a file without a path,
    pickled on another machine.
    """
    kind = _base.mmap if kind is None else kind
    if not issubclass(kind, Base):
        raise TypeError(f"a reference must be to a map of the class mmap, not of {kind.__name__}")
    path, process = locations[-1]
    if process and boot != _BOOT:
        failure = f"a file without a path, of process {process} on {host}, cannot be opened on {_HOST}"
        advice = "use a file on a file system that both machines share"
        raise OSError(errno.EREMOTE, f"{failure}, or after a reboot of {host}: {advice}", path)
    offset, length, protection, flags, access, survive = map(int64, options)
    # On another machine, and after a reboot, the same device can have another number.
    wanted = (inode, device, generation) if boot == _BOOT else (inode,)
    descriptor = _open(locations, opening, wanted)
    try:
        found, number = os.fstat(descriptor).st_size, _number_of(descriptor)
        if found < size:
            raise OSError(errno.ESTALE, f"the file was truncated: it has {found} bytes, the map {size}", path)
        # A length of 0 is invalid, so an empty file is mapped to its end.
        handle = _ffi.mmap_wrap(None, length or MMAP_WRAP_REST, protection, flags | MMAP_WRAP_KEEP, number, offset)
        whole = kind._of(checked(handle, "pickle", path), access, bool(survive))
    finally:
        os.close(descriptor)
    if process:
        _origins[whole._handle] = locations[-1]
        weakref.finalize(whole, _origins.pop, whole._handle)
    return whole


def _open(locations: tuple[Location, ...], opening: int, wanted: tuple[int, ...]) -> int:
    """A descriptor of the file with the identity `wanted`: inode, device and generation."""
    flags = opening & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) | _OPENING
    for path, process in locations:
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
    processes = " and ".join(f"process {process}" for _, process in locations)
    why = (
        "the map, whose file has no path, was closed, or the process has ended; keep the map open until it is unpickled"
    )
    raise ProcessLookupError(errno.ESRCH, f"{processes}: {why}", locations[0][0])


if sys.platform == "win32":
    from ._windows import descriptor_of, handle_of, path_of

    _HOST = _BOOT = os.environ.get("COMPUTERNAME", "")
    _OPENING = os.O_BINARY | os.O_NOINHERIT
    _number_of = handle_of

    def _file_of(whole: Base, info: Info) -> tuple[tuple[Location, ...], int, os.stat_result, int]:
        """The locations of the map's file, its access mode, its stat result, and its generation."""
        if info.source not in (MMAP_WRAP_SOURCE_DESCRIPTOR, MMAP_WRAP_SOURCE_PATH):
            _raise_unpicklable(whole, "its memory has no path: open shared memory by name")
        descriptor = descriptor_of(checked(_ffi.mmap_wrap_dup_fd(whole._handle), "pickle"))
        try:
            writes = info.protection & _constant("PROT_WRITE") and info.flags & _constant("MAP_SHARED")
            locations = ((path_of(handle_of(descriptor)), 0),)
            return locations, os.O_RDWR if writes else os.O_RDONLY, os.fstat(descriptor), 0
        finally:
            os.close(descriptor)

    def _generation(descriptor: int) -> int:
        """Always 0: Windows does not reuse the number of a file."""
        return 0

else:
    import fcntl

    # linux/fs.h: _IOR('v', 1, long). On processors that encode it differently it is an unknown ioctl, which fails.
    _FS_IOC_GETVERSION = 2 << 30 | struct.calcsize("l") << 16 | ord("v") << 8 | 1

    # An identifier of this boot of this machine, and the machine's name.
    _HOST = os.uname().nodename
    try:
        with open("/proc/sys/kernel/random/boot_id") as _file:
            _BOOT = _file.read().strip()
    except OSError:
        _BOOT = _HOST

    # O_NONBLOCK: the path may now be a FIFO.
    _OPENING = os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK

    def _number_of(descriptor: int) -> int:
        return descriptor

    def _file_of(whole: Base, info: Info) -> tuple[tuple[Location, ...], int, os.stat_result, int]:
        """The locations of the map's file, its access mode, its stat result, and its generation."""
        file = os.fstat(info.descriptor)
        opening = fcntl.fcntl(info.descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        locations = _locations_of(whole, info.descriptor, file, opening)
        return locations, opening, file, _generation(info.descriptor)

    def _locations_of(whole: Base, descriptor: int, file: os.stat_result, opening: int) -> tuple[Location, ...]:
        try:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            found = os.stat(path)
            if (found.st_dev, found.st_ino) == (file.st_dev, file.st_ino):
                return ((path, 0),)
        except OSError:
            # No path, or one that does not exist: the link of a memory file only looks like a path.
            pass
        own = f"/proc/{os.getpid()}/fd/{descriptor}", os.getpid()
        try:
            os.close(os.open(own[0], opening | os.O_CLOEXEC))
        except OSError as error:
            # Secret memory cannot be opened, for example.
            _raise_unpicklable(whole, f"its file has no path, and cannot be opened through {own[0]}: {error.strerror}")
        # A map that is returned to its process can be opened there even after this process has closed it.
        origin = _origins.get(whole._handle, own)
        return (own,) if origin == own else (own, origin)

    def _generation(descriptor: int) -> int:
        """A number that differs from that of an earlier file with the same inode; 0 if the file system has none."""
        try:
            # The kernel writes an int.
            return int.from_bytes(fcntl.ioctl(descriptor, _FS_IOC_GETVERSION, bytes(8))[:4], sys.byteorder)
        except OSError:
            return 0


# Maps of which parts were unpickled here, while a part exists.
_opened_once: weakref.WeakValueDictionary[Reference, Base] = weakref.WeakValueDictionary()


def open_once(*reference: Any) -> Base:
    """As `reopen`, for a part of the map: all parts share one map and one descriptor."""
    whole = _opened_once.get(reference)
    if whole is None or whole.closed:
        whole = _opened_once[reference] = reopen(*reference)
    return whole


def reduce_view(view: memoryview) -> tuple[Any, ...]:
    """The reduction of a memoryview of a map: a reference if it is sent to another process, otherwise its bytes."""
    whole, shape = view.obj, None if view.ndim == 1 else view.shape
    caller = _caller()
    # The module copy reduces as well, and fails in `PickledMap`.
    if caller not in _SENDERS and caller != "copy":
        data = view.tobytes()
        return copied_view_of, (data if view.readonly else bytearray(data), view.format, shape)
    assert isinstance(whole, Base)
    # Only a view with one dimension can have a step: memoryview cannot slice others.
    step = view.strides[0] // view.itemsize if view.ndim == 1 else 1  # type: ignore[index]
    low, size = _address_of(view) - whole.info().address, view.nbytes
    if step != 1 and size:
        span = (len(view) - 1) * abs(step) * view.itemsize
        low, size = low - (span if step < 0 else 0), span + view.itemsize
    return view_of, (PickledMap(whole, open_once), low, size, view.format, shape, step, view.readonly)


def view_of(
    whole: Base | PickledMap, low: int, size: int, form: str, shape: tuple[int, ...] | None, step: int, readonly: bool
) -> memoryview:
    """The view for the arguments of `reduce_view`."""
    view: memoryview = memoryview(map_of(whole))[low : low + size]
    view = view.cast(form)[::step] if shape is None else view.cast(form, shape)  # type: ignore[call-overload]
    return view.toreadonly() if readonly else view


def copied_view_of(data: bytes | bytearray, form: str, shape: tuple[int, ...] | None) -> memoryview:
    """A view of a copy of the bytes, for the arguments of `reduce_view`."""
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

# By index, for an own object: attributes of pythonapi are shared by all modules, which may set their argtypes.
_get_buffer = ctypes.pythonapi["PyObject_GetBuffer"]
_get_buffer.argtypes = (ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int)
_get_buffer.restype = ctypes.c_int
_release_buffer = ctypes.pythonapi["PyBuffer_Release"]
_release_buffer.argtypes = (ctypes.POINTER(_Buffer),)
_release_buffer.restype = None


def _address_of(view: memoryview) -> int:
    """The address of the first item."""
    buffer = _Buffer()
    _get_buffer(view, ctypes.byref(buffer), _PyBUF_FULL_RO)
    address: int = buffer.address
    _release_buffer(ctypes.byref(buffer))
    return address
