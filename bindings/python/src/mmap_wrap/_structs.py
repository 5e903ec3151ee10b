"""The structs of include/mmap_wrap.h: `raw` has them."""

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
        """A struct that shows its members."""

        def __repr__(self):
            members = ", ".join(f"{name}={getattr(self, name)}" for name, *_ in self._fields_)
            return f"{type(self).__name__}({members})"

    def _fields(name):
        types = ctypes_of()
        return [(member, types[letter]) for letter, member in MEMBERS[name]]

    class Cachestat(_Members):
        """`struct mmap_wrap_cachestat`: bytes of a part of a file in the page cache; what `mmap.cachestat` returns.

        `cached` are in memory; of these `dirty` wait to be written and `writeback` are being written. `evicted` were in
        memory once; `recently_evicted` of those left so recently that they were still needed.

        Of a file that is another user's and may not be written, the kernel says nothing: -EPERM.

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
        """`struct mmap_wrap_info`: what is known of a mapping; what `mmap.info` returns.

        `length` is what was asked for, and `mapped` what that takes in whole pages of `page_size`, from `address` on;
        all in bytes. `protection` is of PROT_ constants, as mapped or as last set for the whole; parts may differ.
        `flags` are MAP_ constants, and `offset` is the byte of the file that the mapping begins with. `acquired` is how
        many views there are. 1 or 0 are `keeps_file`, `sealed` (a part of it is), `surviving`, and `lost` (a page was,
        which is not reported yet). `source` is one of MMAP_WRAP_SOURCE_: what it was made of.

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

        Begin with the values of MMAP_WRAP_OPEN_OPTIONS_INIT, and set what differs. `size` and `length` of
        MMAP_WRAP_REST are the file's own size, and all of it.

        >>> from mmap_wrap import raw
        >>> options = raw.OpenOptions(*raw.MMAP_WRAP_OPEN_OPTIONS_INIT)
        >>> options.size = 8192
        >>> options.length == raw.MMAP_WRAP_REST
        True
        """

        _fields_ = _fields("OpenOptions")
