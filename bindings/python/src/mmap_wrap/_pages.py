"""What can be done with the pages of a map: protection, advice, locking, presence, guards, huge pages, nodes.

Offsets and sizes are in bytes; a size of None means "to the end". All of it is ValueError on a closed map and for a range
outside the map; an ArgumentError for what cannot be, such as an offset off the page borders where one is needed; and
an OSError for what the system refuses, with ENOTSUP for what this kernel lacks.
"""

from __future__ import annotations

import ctypes
import errno

from . import _ffi, raw
from ._constants import value as _constant
from ._errors import E_UNSUPPORTED, answer
from ._ffi import REST, int64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import SupportsIndex

    from typing_extensions import Self

_PROT_WRITE = _constant("PROT_WRITE")


def _range(offset: SupportsIndex, size: SupportsIndex | None) -> tuple[int, int]:
    return int64(offset), REST if size is None else int64(size)


class Pages:
    """The part of the class `mmap` that is about its pages."""

    __slots__ = ()

    if TYPE_CHECKING:
        _handle: int
        _access: int

        @classmethod
        def _of(cls, handle: int, access: int, survive: bool) -> Self: ...

    def protect(self, prot: SupportsIndex, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Changes what may be done with `size` bytes from `offset` on: PROT_ constants or'ed together.

        `offset` must be on a page border or 0; `size`, by default the rest, is rounded up to whole pages. Granting
        PROT_WRITE lifts the TypeError of a map made for reading. An access through the map that the protection forbids
        is a FaultError; through a view it ends the process, as with all raw memory: only SIGBUS is survived.

        PermissionError: the file was not opened for that.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.protect(mmap_wrap.PROT_READ, 4096)
        >>> m[4095] = 1
        >>> m[4096] = 1
        Traceback (most recent call last):
        mmap_wrap.FaultError: [Errno 14] mmap_wrap_write: the memory refused the access at offset 4096, ...
        """
        protection = int64(prot)
        answer(_ffi.protect(self._handle, protection, *_range(offset, size)))
        if protection & _PROT_WRITE and self._access & 3 == 1:
            self._access &= ~3  # type: ignore[misc] # the library's class has it

    def advise(self, advice: SupportsIndex, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Tells the kernel how `size` bytes from `offset` on will be used: one MADV_ constant.

        As `madvise`, but by the rules of all other methods: a size beyond the end is a ValueError. Advice that discards
        data needs page borders at both ends, or the map's own.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 8192).advise(mmap_wrap.MADV_SEQUENTIAL, 0, 4096)
        """
        answer(_ffi.advise(self._handle, int64(advice), *_range(offset, size)))

    def lock(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, on_fault: bool = False) -> None:
        """Keeps the pages of the range in memory, never swapped; with `on_fault`, each from when it is first touched.

        Locks do not add up: one `unlock` undoes them. OSError: ENOMEM beyond RLIMIT_MEMLOCK, EPERM for who may lock nothing.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> m.lock()
        >>> m.unlock()
        """
        flags = _constant("MLOCK_ONFAULT") if on_fault else 0
        answer(raw.mlock_wrap(self._handle, flags, *_range(offset, size)))

    def unlock(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Lets the pages of the range go again, however often they were locked.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).unlock(0, 100)
        """
        answer(raw.munlock_wrap(self._handle, *_range(offset, size)))

    def residency(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> bytes:
        """A byte for each page that holds a byte of the range: 1 where the page is in memory, 0 where not.

        For a file, "in memory" means in the page cache, whoever brought it there; who neither owns the file nor may
        write it is told that all of it is there. Others may bring pages in and take them out at any moment.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(2 * mmap_wrap.PAGESIZE)
        >>> m[0] = 1
        >>> m.residency()
        b'\\x01\\x00'
        """
        start, count = _range(offset, size)
        room = answer(_ffi.check(self._handle, start, count)) // _ffi.page_size() + 2
        pages = ctypes.create_string_buffer(room)
        known = answer(raw.mincore_wrap(self._handle, pages, room, start, count))
        return pages.raw[:known]

    def resident(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> int:
        """How many bytes are in memory of the pages that hold the range, by the rules of `residency`.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).resident()
        0
        """
        return answer(raw.mmap_wrap_resident(self._handle, *_range(offset, size)))

    def cached(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> raw.Cache:
        """What the page cache holds of the file behind the range, in bytes.

        A struct with the members `cached`, `dirty`, `writeback`, `evicted` and `recently_evicted`. Linux 6.5; of files
        on overlayfs it knows nothing and tells zeros. ArgumentError: the map does not keep its file.

        >>> import mmap_wrap
        >>> m = mmap_wrap.memfd(4096)
        >>> m[0] = 1
        >>> try:
        ...     cached = m.cached().cached
        ... except OSError:
        ...     cached = "not before Linux 6.5"
        """
        cache = raw.Cache()
        reference = ctypes.byref(cache)
        answer(raw.cachestat_wrap(self._handle, reference, ctypes.sizeof(cache), *_range(offset, size)))
        return cache

    def prefault(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, writing: bool = False) -> int:
        """Makes the pages of the range ready for reading, or `writing`, and returns its size.

        Files are read in, memory is taken; what the pages hold stays as it is. FaultError: a page refuses.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 8192).prefault(writing=True)
        8192
        """
        return answer(raw.mmap_wrap_prefault(self._handle, int(bool(writing)), *_range(offset, size)))

    def drop(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Lets the pages of the range go from memory, as far as the kernel finds it possible; nothing is lost.

        Changes are written to the file first, or go to swap space. `resident` tells how much went.

        >>> import mmap_wrap
        >>> mmap_wrap.memfd(4096).drop()
        """
        answer(raw.mmap_wrap_drop(self._handle, *_range(offset, size)))

    def guard(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None, *, on: bool = True) -> None:
        """Makes every access to the range a fault, or lifts that (`on=False`). What private memory held there is gone.

        Offset and end must be on page borders, or at the map's own ends.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 8192)
        >>> m.guard(4096)
        >>> m[4096]
        Traceback (most recent call last):
        mmap_wrap.FaultError: [Errno 14] mmap_wrap_read: the memory refused the access at offset 4096, ...
        """
        answer(raw.mmap_wrap_guard(self._handle, int(bool(on)), *_range(offset, size)))

    def seal(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> None:
        """Seals the pages of the range for ever (mseal): neither unmapped, moved, resized nor protected otherwise.

        Closing is a SealedError from then on; the map stays good to use until the process ends. Linux 6.10.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.seal()
        ... except OSError as error:
        ...     reason = error.strerror                 # a kernel without seals
        """
        answer(raw.mseal_wrap(self._handle, *_range(offset, size)))

    def set_name(self, name: str, /) -> None:
        """Names a map without a file, for /proc/PID/maps: at most 66 bytes of printable ASCII without [ ] \\ $ and `.

        ValueError: no such name, or a map of a file. OSError (EINVAL): before Linux 5.17, or not built in.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.set_name("index cache")
        ... except OSError as error:
        ...     reason = error.strerror                 # a kernel without names
        """
        text = name.encode()
        # The standard library puts "cpython:mmap:" before it, and so has a lower limit than the kernel's.
        if len(text) > 66:
            raise ValueError("name is too long")
        if b"\0" in text:
            raise ValueError("embedded null character")
        if not self.facts().flags & _constant("MAP_ANONYMOUS"):
            raise ValueError("Cannot set annotation on non-anonymous mappings")
        named = raw.mmap_wrap_name(self._handle, b"cpython:mmap:" + text)
        if named == E_UNSUPPORTED:
            # What the standard library raises there.
            raise OSError(errno.EINVAL, _ffi.last_error_message().decode())
        answer(named)

    def split(self, offset: SupportsIndex) -> Self:
        """Splits the map at `offset`, a page border of it: this one ends there, the one returned has the rest.

        So a part can be closed or sealed by itself. ValueError: nothing would be left on one side. BufferError: somebody
        looks in.

        >>> import mmap_wrap
        >>> m = mmap_wrap.anonymous(3 * mmap_wrap.PAGESIZE)
        >>> tail = m.split(mmap_wrap.PAGESIZE)
        >>> len(m) // mmap_wrap.PAGESIZE, len(tail) // mmap_wrap.PAGESIZE
        (1, 2)
        """
        return type(self)._of(answer(raw.mmap_wrap_split(self._handle, int64(offset))), self._access, False)

    def huge(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> int:
        """How many bytes of the range lie in huge pages now.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).huge()
        0
        """
        return answer(raw.mmap_wrap_huge(self._handle, *_range(offset, size)))

    def bind(
        self,
        mode: SupportsIndex,
        nodes: Iterable[int] = (),
        offset: SupportsIndex = 0,
        size: SupportsIndex | None = None,
        *,
        flags: SupportsIndex = 0,
    ) -> None:
        """Sets the NUMA policy of the pages of the range: an MPOL_ constant, for the nodes of these numbers.

        `flags` are MPOL_MF_ constants: without them the policy is for pages touched from now on.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.bind(mmap_wrap.MPOL_PREFERRED, [0])
        ... except OSError as error:
        ...     reason = error.strerror                 # a kernel without NUMA, or no leave to ask
        """
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
        """The number of the NUMA node that holds the page of the byte at `offset`; 0 on a machine with one.

        OSError: ENOENT where no page is in memory there, EFAULT where it was read but never written.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> m[0] = 1
        >>> try:
        ...     node = m.node()
        ... except OSError:
        ...     node = "a kernel without NUMA, or no leave to ask"
        """
        return answer(raw.mmap_wrap_node(self._handle, int64(offset)))

    def facts(self) -> raw.Facts:
        """What is known of the map: a struct with `length`, `mapped`, `address`, `page_size`, `protection` and more.

        >>> import mmap_wrap
        >>> facts = mmap_wrap.mmap(-1, 100).facts()
        >>> facts.length, facts.mapped == facts.page_size == mmap_wrap.PAGESIZE
        (100, True)
        """
        facts = raw.Facts()
        answer(raw.mmap_wrap_facts(self._handle, ctypes.byref(facts), ctypes.sizeof(facts)))
        return facts
