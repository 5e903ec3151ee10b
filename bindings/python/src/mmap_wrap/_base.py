"""What the parts of the class `mmap` have in common. There is a module for each topic; `_mapping` combines them.

In their documentation "the range" is `size` bytes from `offset` on; by default it is all of the map, and a `size` of
None means "to the end". Each method raises ValueError for a closed map and for a range outside the map, ArgumentError
for an invalid argument, such as an offset that must be page-aligned and is not, and OSError for the system's errors:
ENOTSUP if the kernel does not support the operation.
"""

from __future__ import annotations

from ._ffi import int64
from ._header import MMAP_WRAP_REST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, SupportsIndex

    from ._native import Mapping
    from ._structs import Info
else:
    # The methods of the native module are in the class `mmap` itself, which is made later.
    Mapping = object

ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)

# The bits of `_access` with one of these values, and the bit of a map made with trackfd=False.
ACCESS = 3
UNTRACKED = 4


class Base(Mapping):
    """The base class of every map, and of nothing else."""

    __slots__ = ()

    if TYPE_CHECKING:

        def atomic_load(self, offset: SupportsIndex, bits: Literal[32, 64] = 64) -> int: ...
        def info(self) -> Info: ...


# The class `mmap`, for modules that `_mapping` imports: it is set there.
mmap: type[Base]


def part(offset: SupportsIndex, size: SupportsIndex | None) -> tuple[int, int]:
    """Offset and size as the library takes them: a size of None is the rest of the map."""
    return int64(offset), MMAP_WRAP_REST if size is None else int64(size)


def handle_of(other: Base) -> int:
    """The handle of an argument that must be a map."""
    if not isinstance(other, Base):
        raise TypeError(f"a map is required, not {type(other).__name__}")
    return other._handle
