"""Huge pages and NUMA nodes."""

from __future__ import annotations

from . import _ffi
from ._base import Base, part
from ._errors import checked
from ._ffi import int64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import SupportsIndex


class Huge(Base):
    """The methods of `mmap` for huge pages and NUMA nodes."""

    __slots__ = ()

    def huge_bytes(self, offset: SupportsIndex = 0, size: SupportsIndex | None = None) -> int:
        """The number of bytes of the range that are currently in huge pages, transparent or from the pool.

        >>> import mmap_wrap
        >>> mmap_wrap.mmap(-1, 4096).huge_bytes()
        0
        """
        return checked(_ffi.mmap_wrap_huge_bytes(self._handle, *part(offset, size)), "mmap.huge_bytes")

    def mbind(
        self,
        mode: SupportsIndex,
        nodes: Iterable[int] = (),
        offset: SupportsIndex = 0,
        size: SupportsIndex | None = None,
        *,
        flags: SupportsIndex = 0,
    ) -> None:
        """Sets the NUMA policy of the range: `mode` is an MPOL_ constant, `nodes` are the numbers of the nodes.

        `flags` are MPOL_MF_ constants; without any, the policy applies to pages that are not yet in memory. OSError:
        ENOTSUP if the kernel does not support NUMA, EPERM if a container does not permit the call.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> try:
        ...     m.mbind(mmap_wrap.MPOL_PREFERRED, [0])
        ... except OSError as error:
        ...     reason = error.strerror                 # NUMA is not supported, or not permitted
        """
        import ctypes

        bits = 0
        for node in nodes:
            if not 0 <= node < 4096:
                raise ValueError(f"mmap.mbind: there is no NUMA node {node}")
            bits |= 1 << node
        words = [bits >> shift & (1 << 64) - 1 for shift in range(0, bits.bit_length(), 64)]
        array = (ctypes.c_uint64 * len(words))(*words) if words else None
        span = part(offset, size)
        checked(_ffi.mbind_wrap(self._handle, int64(mode), array, len(words), int64(flags), *span), "mmap.mbind")

    def numa_node(self, offset: SupportsIndex = 0) -> int:
        """The number of the NUMA node of the page with the byte at `offset`; 0 on a machine with one node.

        OSError: ENOENT if the page is not in memory, EFAULT if it was read but never written.

        >>> import mmap_wrap
        >>> m = mmap_wrap.mmap(-1, 4096)
        >>> m[0] = 1
        >>> try:
        ...     node = m.numa_node()
        ... except OSError:
        ...     node = "NUMA is not supported, or not permitted"
        """
        return checked(_ffi.mmap_wrap_numa_node(self._handle, int64(offset)), "mmap.numa_node")
