"""The structs of include/mmap_wrap.h: `raw` has them."""

from __future__ import annotations

import ctypes

TYPE_CHECKING = False

__all__ = ["Cache", "Facts", "OpenOptions"]


class _Members(ctypes.Structure):
    """A struct that shows its members."""

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={getattr(self, name)}" for name, *_ in self._fields_)
        return f"{type(self).__name__}({members})"


class Cache(_Members):
    """`struct mmap_wrap_cachestat`: how many bytes of a part of a file the page cache holds; what `mmap.cached` answers.

    `cached` are in memory; of these `dirty` wait to be written and `writeback` are being written. `evicted` were in
    memory once, `recently_evicted` of those so lately that it would have been better to keep them.

    Of a file that is another user's and may not be written, the kernel says nothing: -EPERM.

    >>> import ctypes, tempfile
    >>> from mmap_wrap import raw
    >>> cache = raw.Cache()
    >>> with tempfile.TemporaryFile() as file:
    ...     code = raw.mmap_wrap_fd_cachestat(
    ...         file.fileno(), ctypes.byref(cache), ctypes.sizeof(cache), 0, raw.MMAP_WRAP_REST
    ...     )
    >>> code in (0, raw.MMAP_WRAP_E_UNSUPPORTED), cache.dirty >= 0
    (True, True)
    """

    _fields_ = [
        ("cached", ctypes.c_int64),
        ("dirty", ctypes.c_int64),
        ("writeback", ctypes.c_int64),
        ("evicted", ctypes.c_int64),
        ("recently_evicted", ctypes.c_int64),
    ]

    if TYPE_CHECKING:
        cached: int
        dirty: int
        writeback: int
        evicted: int
        recently_evicted: int


class Facts(_Members):
    """`struct mmap_wrap_info`: what is known of a mapping; what `mmap.facts` answers.

    `length` is what was asked for, and `mapped` what that takes in whole pages of `page_size`, from `address` on; all
    in bytes. `protection` is of PROT_ constants, as mapped or as last set for the whole; parts may differ. `flags`
    are MAP_ constants, and `offset` is the byte of the file that the mapping begins with. `exports` is how many views
    are held. 1 or 0 are `keeps_file`, `sealed` (a part of it is), `surviving`, and `lost` (a page was, and nobody was
    told yet). `source` is one of MMAP_WRAP_SOURCE_: what it was made of.

    >>> import ctypes, mmap_wrap
    >>> from mmap_wrap import raw
    >>> handle = raw.check(raw.mmap_unnamed_wrap(100, mmap_wrap.PROT_READ, mmap_wrap.MAP_SHARED))
    >>> facts = raw.Facts()
    >>> raw.check(raw.mmap_wrap_info(handle, ctypes.byref(facts), ctypes.sizeof(facts)))
    0
    >>> facts.length, facts.mapped == facts.page_size, facts.exports
    (100, True, 0)
    >>> facts.source == raw.MMAP_WRAP_SOURCE_MEMORY_FILE
    True
    >>> raw.munmap_wrap(handle)
    1
    """

    _fields_ = [
        ("length", ctypes.c_int64),
        ("mapped", ctypes.c_int64),
        ("address", ctypes.c_int64),
        ("page_size", ctypes.c_int64),
        ("protection", ctypes.c_int64),
        ("flags", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("keeps_file", ctypes.c_int64),
        ("sealed", ctypes.c_int64),
        ("exports", ctypes.c_int64),
        ("surviving", ctypes.c_int64),
        ("lost", ctypes.c_int64),
        ("source", ctypes.c_int64),
        ("descriptor", ctypes.c_int64),
    ]

    if TYPE_CHECKING:
        length: int
        mapped: int
        address: int
        page_size: int
        protection: int
        flags: int
        offset: int
        keeps_file: int
        sealed: int
        exports: int
        surviving: int
        lost: int
        source: int
        descriptor: int


class OpenOptions(_Members):
    """`struct mmap_wrap_open_options`: how `mmap_open_wrap` and `mmap_shm_wrap` open, size and map.

    >>> from mmap_wrap import raw
    >>> raw.OpenOptions(raw.O_RDWR, size=8192).size
    8192
    """

    _fields_ = [
        ("open_flags", ctypes.c_int64),
        ("mode", ctypes.c_int64),
        ("size", ctypes.c_int64),
        ("allocate", ctypes.c_int64),
        ("length", ctypes.c_int64),
        ("prot", ctypes.c_int64),
        ("flags", ctypes.c_int64),
        ("offset", ctypes.c_int64),
    ]

    if TYPE_CHECKING:
        open_flags: int
        mode: int
        size: int
        allocate: int
        length: int
        prot: int
        flags: int
        offset: int
