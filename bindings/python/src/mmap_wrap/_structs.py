"""The structs of include/mmap_wrap.h, which `raw` exports."""

from __future__ import annotations

import ctypes

from ._ffi import ctypes_of
from ._signatures import MEMBERS

TYPE_CHECKING = False

__all__ = ["Cachestat", "Info", "OpenOptions"]

if TYPE_CHECKING:
    # With the types of their members.
    from ._calls import Cachestat as Cachestat
    from ._calls import Info as Info
    from ._calls import OpenOptions as OpenOptions

else:

    class _Members(ctypes.Structure):
        """A struct whose repr has its members."""

        def __repr__(self):
            members = ", ".join(f"{name}={getattr(self, name)}" for name, *_ in self._fields_)
            return f"{type(self).__name__}({members})"

    def _fields(name):
        types = ctypes_of()
        return [(member, types[letter]) for letter, member in MEMBERS[name]]

    class Cachestat(_Members):
        """`struct mmap_wrap_cachestat`: how much of a file is in the page cache; what `mmap.cachestat` returns.

        The members are in bytes: `cached` are in memory, of which `dirty` are modified and `writeback` are being
        written. `evicted` are no longer in memory; of these, `recently_evicted` were part of the working set.

        For a file that the process neither owns nor may write to, the kernel reports nothing: -EPERM.

        >>> import ctypes, tempfile
        >>> from mmap_wrap import raw
        >>> cache = raw.Cachestat()
        >>> with tempfile.TemporaryFile() as file:
        ...     code = raw.mmap_wrap_fd_cachestat(
        ...         file.fileno(), ctypes.byref(cache), ctypes.sizeof(cache), 0, raw.MMAP_WRAP_REST
        ...     )
        >>> code in (0, raw.MMAP_WRAP_E_UNSUPPORTED), cache.dirty >= 0
        (True, True)
        """

        _fields_ = _fields("Cachestat")

    class Info(_Members):
        """`struct mmap_wrap_info`: the attributes of a mapping; what `mmap.info` returns.

        `length` is the requested length, `mapped` that length in whole pages of `page_size`, and `address` the start;
        all in bytes. `protection` is PROT_ constants, as mapped or as last set for the whole mapping; parts may differ.
        `flags` are MAP_ constants, and `offset` is the file offset of the mapping in bytes. `acquired` is the number of
        views. `keeps_file`, `sealed` (at least a part), `surviving`, and `lost` (the loss of a page is not yet
        reported) are 1 or 0. `source` is the MMAP_WRAP_SOURCE_ constant for what is mapped.

        >>> import ctypes, mmap_wrap
        >>> from mmap_wrap import raw
        >>> handle = raw.check(raw.mmap_unnamed_wrap(100, mmap_wrap.PROT_READ, mmap_wrap.MAP_SHARED))
        >>> info = raw.Info()
        >>> raw.check(raw.mmap_wrap_info(handle, ctypes.byref(info), ctypes.sizeof(info)))
        0
        >>> info.length, info.mapped == info.page_size, info.acquired
        (100, True, 0)
        >>> info.source == raw.MMAP_WRAP_SOURCE_MEMORY_FILE
        True
        >>> raw.munmap_wrap(handle)
        1
        """

        _fields_ = _fields("Info")

    class OpenOptions(_Members):
        """`struct mmap_wrap_open_options`: how `mmap_open_wrap` and `mmap_shm_wrap` open, size and map.

        Initialise it with MMAP_WRAP_OPEN_OPTIONS_INIT, and set the members that differ. MMAP_WRAP_REST as `size` leaves
        the size of the file unchanged; as `length` it maps all of the file.

        >>> from mmap_wrap import raw
        >>> options = raw.OpenOptions(*raw.MMAP_WRAP_OPEN_OPTIONS_INIT)
        >>> options.size = 8192
        >>> options.length == raw.MMAP_WRAP_REST
        True
        """

        _fields_ = _fields("OpenOptions")
