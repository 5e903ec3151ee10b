"""What can be done with the pages of a map: protection, advice, locking, presence, guards, huge pages, nodes.

"The range" is `size` bytes from `offset` on; by default it is all of the map, and a `size` of None means "to the end".
Each method raises ValueError for a closed map and a range outside of it, ArgumentError for what cannot be, such as an
offset off the page borders where one is needed, and OSError for what the system refuses: ENOTSUP for what this kernel
lacks.
"""

from __future__ import annotations

from . import _ffi, raw
from ._constants import value as _constant
from ._errors import E_UNSUPPORTED, answer
from ._ffi import REST, int64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self, SupportsIndex

_PROT_WRITE = _constant("PROT_WRITE")


def _range(offset: SupportsIndex, size: SupportsIndex | None) -> tuple[int, int]:
    return int64(offset), REST if size is None else int64(size)


class Pages:
    """The part of the class `mmap` that is about its pages."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def _handle(self) -> int: ...

        _access: int

        @classmethod
        def _of(cls, handle: int, access: int, survive: bool) -> Self: ...

    def protect(self, prot: SupportsIndex, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Changes what may be done with `size` bytes from `offset` on: `prot` is PROT_ constants or'ed together.

        `offset` must be on a page border; `size`, by default the rest, is rounded up to whole pages. PROT_WRITE makes a
        map for reading one for writing. An access through the map that the protection forbids is a FaultError; through
        a view it ends the process: of what views meet, only SIGBUS is survived. A view made later can be written if
        what was last set for the whole map has PROT_WRITE.

        ValueError: closed, or a range outside the map. ArgumentError: `offset` is unaligned. PermissionError: the file
        was not opened for that.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.protect(mmap_wrap.PROT_READ, 4096)
        >>> m[4095] = 1
        >>> m[4096] = 1
        Traceback (most recent call last):
        mmap_wrap.FaultError: [Errno 14] mmap_wrap_write: the access faulted at offset 4096, ...
        """
        protection = int64(prot)
        answer(_ffi.mprotect_wrap(self._handle, protection, *_range(offset, size)))
        if protection & _PROT_WRITE and self._access & 3 == 1:
            self._access &= ~3  # type: ignore[misc] # the library's class has it

    def advise(self, advice: SupportsIndex, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Tells the kernel how `size` bytes from `offset` on will be used: `advice` is one MADV_ constant.

        It does what `madvise` does, but a size beyond the end is a ValueError, as everywhere else. Advice that discards
        data needs page borders at both ends, or the map's own ends.

        ValueError: closed, or a range outside the map. ArgumentError: no such advice, or unaligned. OSError: this
        kernel lacks it.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 8192).advise(mmap_wrap.MADV_SEQUENTIAL, 0, 4096)
        """
        answer(_ffi.madvise_wrap(self._handle, int64(advice), *_range(offset, size)))

    def lock(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, on_fault: bool = False) -> None:
        """Brings the pages of the range into memory and keeps them there; `on_fault`, each when it is first touched.

        Locks do not add up: one `unlock` undoes them. OSError: ENOMEM beyond RLIMIT_MEMLOCK, EPERM where that is 0.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.lock()
        ... except OSError as error:
        ...     reason = error.strerror                 # this process may not lock so much
        """
        flags = _constant("MLOCK_ONFAULT") if on_fault else 0
        answer(raw.mlock_wrap(self._handle, flags, *_range(offset, size)))

    def unlock(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Lets the kernel swap the pages of the range again, however often they were locked.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).unlock(0, 100)
        """
        answer(raw.munlock_wrap(self._handle, *_range(offset, size)))

    def residency(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> bytes:
        """A byte for each page of the range: 1 where the page is in memory, 0 where it is not.

        Of a file, that means in the page cache, whoever brought it there; to who neither owns the file nor may write
        it, the kernel says that all of it is there. Pages may come and go at any moment.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(2 * mmap_wrap.PAGESIZE)
        >>> m[0] = 1
        >>> m.residency()
        b'\\x01\\x00'
        """
        import ctypes

        start, count = _range(offset, size)
        room = answer(_ffi.mmap_wrap_check(self._handle, start, count)) // _ffi.mmap_wrap_page_size() + 2
        pages = ctypes.create_string_buffer(room)
        known = answer(raw.mincore_wrap(self._handle, pages, room, start, count))
        return pages.raw[:known]

    def resident(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> int:
        """How many bytes of the range's pages are in memory, by the rules of `residency`.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).resident()
        0
        """
        return answer(raw.mmap_wrap_resident_bytes(self._handle, *_range(offset, size)))

    def cached(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> raw.Cache:
        """What the page cache holds of the file behind the range, in bytes: see `raw.Cache`.

        Of files on overlayfs the kernel tells zeros. OSError: ENOTSUP before Linux 6.5. ArgumentError: the map does not
        keep its file.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(4096)
        >>> m[0] = 1
        >>> try:
        ...     cached = m.cached().cached
        ... except OSError:
        ...     cached = "not before Linux 6.5"
        """
        import ctypes

        cache = raw.Cache()
        reference = ctypes.byref(cache)
        answer(raw.cachestat_wrap(self._handle, reference, ctypes.sizeof(cache), *_range(offset, size)))
        return cache

    def prefault(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, writing: bool = False) -> int:
        """Makes the pages of the range ready for reading, or for `writing`, and returns its size in bytes.

        Files are read in, memory is taken; what the pages hold stays as it is. FaultError: a page refuses.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 8192).prefault(writing=True)
        8192
        """
        return answer(raw.mmap_wrap_prefault(self._handle, int(bool(writing)), *_range(offset, size)))

    def drop(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Lets the pages of the range go from memory, as far as the kernel can; no data is lost.

        A shared map's changes are written to the file first; private ones go to swap space, or stay. `resident` tells
        how much stayed. OSError: EINVAL for locked pages, EIO where the data could not be written: then nothing went.

        >>> import mmap_wrap
        >>> mmap_wrap.memfd(4096).drop()
        """
        answer(raw.mmap_wrap_page_out(self._handle, *_range(offset, size)))

    def guard(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, on: bool = True) -> None:
        """Makes each access to the range a fault; `on=False` lifts that. What private memory held there is gone.

        Both ends must be on page borders, or the map's own ends: ArgumentError if they are not. Lifted, the pages have
        the protection of the map as a whole.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.guard(4096)
        >>> m[4096]
        Traceback (most recent call last):
        mmap_wrap.FaultError: [Errno 14] mmap_wrap_read: the access faulted at offset 4096, ...
        """
        answer(raw.mmap_wrap_guard(self._handle, int(bool(on)), *_range(offset, size)))

    def seal(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Seals the pages of the range until the process ends (mseal).

        They can be neither unmapped, moved nor protected otherwise.

        Closing and resizing are a SealedError from then on; the map stays good to use. Its views no longer survive
        SIGBUS (`survive`): a lost page that is sealed cannot be replaced. OSError: ENOTSUP before Linux 6.10.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.seal()
        ... except OSError as error:
        ...     reason = error.strerror                 # a kernel without seals
        """
        survives = self.facts().surviving
        if survives:
            answer(raw.mmap_wrap_survive(self._handle, 0))
        try:
            answer(raw.mseal_wrap(self._handle, *_range(offset, size)))
        except (OSError, ValueError):
            if survives:
                raw.mmap_wrap_survive(self._handle, 1)
            raise

    def set_name(self, name: str, /) -> None:
        """Gives a map without a file a `name` in /proc/PID/maps: at most 66 bytes of printable ASCII.

        Where the kernel cannot name memory (before Linux 5.17, or not built in), nothing happens, as in the standard
        library: `raw.mmap_wrap_set_name` tells. ValueError: a name too long; a map of a file. OSError (EINVAL): a name with
        one of [ ] \\ $ and the backquote. TypeError: no str.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).set_name("index cache")
        """
        if not isinstance(name, str):
            raise TypeError(f"set_name() argument must be str, not {type(name).__name__}")
        text = name.encode()
        # The standard library puts "cpython:mmap:" before it, and so has a lower limit than the kernel's.
        if len(text) > 66:
            raise ValueError("name is too long")
        if b"\0" in text:
            raise ValueError("embedded null character")
        if not self.facts().flags & _constant("MAP_ANONYMOUS"):
            raise ValueError("Cannot set annotation on non-anonymous mappings")
        named = raw.mmap_wrap_set_name(self._handle, b"cpython:mmap:" + text)
        if named != E_UNSUPPORTED:
            answer(named)

    def split(self, offset: SupportsIndex) -> Self:
        """Splits the map at `offset`, a page border: this map ends there, the one returned has the rest.

        So a part can be closed or sealed by itself. ValueError: closed, or nothing would be left on one side.
        BufferError: somebody holds a view.

        >>> import mmap_wrap
        >>> m = mmap_wrap.anonymous(3 * mmap_wrap.PAGESIZE)
        >>> tail = m.split(mmap_wrap.PAGESIZE)
        >>> len(m) // mmap_wrap.PAGESIZE, len(tail) // mmap_wrap.PAGESIZE
        (1, 2)
        """
        return type(self)._of(answer(raw.mmap_wrap_split(self._handle, int64(offset))), self._access, False)

    def huge(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> int:
        """How many bytes of the range lie in huge pages now, be they transparent or of the pool.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).huge()
        0
        """
        return answer(raw.mmap_wrap_huge_bytes(self._handle, *_range(offset, size)))

    def bind(
        self,
        mode: SupportsIndex,
        nodes: Iterable[int] = (),
        offset: SupportsIndex = 0,
        size: SupportsIndex | None = None,
        *,
        flags: SupportsIndex = 0,
    ) -> None:
        """Sets the NUMA policy of the pages of the range: `mode` is an MPOL_ constant, `nodes` the numbers of nodes.

        `flags` are MPOL_MF_ constants; without any the policy is for pages that are touched from now on. OSError:
        ENOTSUP for a kernel without NUMA, EPERM where a container forbids it.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.bind(mmap_wrap.MPOL_PREFERRED, [0])
        ... except OSError as error:
        ...     reason = error.strerror                 # a kernel without NUMA, or no leave to ask
        """
        import ctypes

        bits = 0
        for node in nodes:
            if not 0 <= node < 4096:
                raise ValueError(f"bind: there is no node {node}")
            bits |= 1 << node
        words = [bits >> shift & (1 << 64) - 1 for shift in range(0, bits.bit_length(), 64)]
        array = (ctypes.c_uint64 * len(words))(*words) if words else None
        place = _range(offset, size)
        answer(raw.mbind_wrap(self._handle, int64(mode), array, len(words), int64(flags), *place))

    def node(self, offset: SupportsIndex = 0) -> int:
        """The number of the NUMA node whose memory holds the byte at `offset`; 0 on a machine with one.

        OSError: ENOENT where no page is in memory there, EFAULT where it was read but never written.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> m[0] = 1
        >>> try:
        ...     node = m.node()
        ... except OSError:
        ...     node = "a kernel without NUMA, or no leave to ask"
        """
        return answer(raw.mmap_wrap_numa_node(self._handle, int64(offset)))

    def facts(self) -> raw.Facts:
        """What is known of the map: its length, address, page size, protection, flags and more: see `raw.Facts`.

        ValueError: closed.

        >>> import mmap_wrap
        >>> facts = mmap_wrap.mmap(-1, 100).facts()
        >>> facts.length, facts.mapped == facts.page_size == mmap_wrap.PAGESIZE
        (100, True)
        """
        import ctypes

        facts = raw.Facts(descriptor=-1)
        answer(raw.mmap_wrap_info(self._handle, ctypes.byref(facts), ctypes.sizeof(facts)))
        return facts
