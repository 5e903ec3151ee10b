"""What a new map is asked to be: checks of flags, addresses and protection."""

from __future__ import annotations

import errno

from ._base import ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, UNTRACKED
from ._constants import flag as _flag
from ._constants import value as _constant
from ._errors import ArgumentError
from ._ffi import int64
from ._header import MMAP_WRAP_KEEP, MMAP_WRAP_OR_PRIVATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, SupportsIndex

_MAP_SHARED = _constant("MAP_SHARED")
_MAP_PRIVATE = _constant("MAP_PRIVATE")
_MAP_ANONYMOUS = _constant("MAP_ANONYMOUS")
_MAP_HUGETLB = _flag("MAP_HUGETLB")
_MAP_NORESERVE = _flag("MAP_NORESERVE")
_PROT_WRITE = _constant("PROT_WRITE")
_READ_WRITE = _constant("PROT_READ") | _PROT_WRITE


def access_with(access: int, tracked: bool) -> int:
    """What a new map's `_access` is."""
    return access if tracked else access | UNTRACKED


def access_of(prot: int) -> int:
    """The access that a protection comes to."""
    if prot & _READ_WRITE == _READ_WRITE:
        return ACCESS_DEFAULT
    return ACCESS_WRITE if prot & _PROT_WRITE else ACCESS_READ


def can_be_lost(flags: int) -> bool:
    """Whether the kernel can have no page for an access to such a map, and sends SIGBUS.

    Ordinary pages without a file are there once they are mapped, but for swap space that MAP_NORESERVE leaves open.
    """
    return not flags & _MAP_ANONYMOUS or bool(flags & (_MAP_HUGETLB | _MAP_NORESERVE))


def address_of(value: SupportsIndex) -> int:
    """The address as the library takes it, or OverflowError."""
    place = int64(value)
    if place < 0:
        # As an unsigned number it would be one of the kernel's, which passes over a hint of that kind.
        raise OverflowError(f"address {place} is negative")
    return place


def either_place(caller: str, address: int, alignment: int) -> NoReturn:
    """Raises what is wrong with both of them."""
    raise ArgumentError(errno.EINVAL, f"{caller}: either an address ({address:#x}) or an alignment ({alignment})")


def require_one_way(caller: str, flags: int) -> None:
    """Raises what is wrong with flags that say both MAP_SHARED and MAP_PRIVATE."""
    both = _MAP_SHARED | _MAP_PRIVATE
    # Together they are MAP_SHARED_VALIDATE, which makes a difference only beside a flag younger than itself.
    if flags & both == both and not flags & ~_older_flags():
        raise ArgumentError(
            errno.EINVAL,
            f"{caller}: flags {flags:#x} say both MAP_SHARED ({_MAP_SHARED:#x}) and MAP_PRIVATE ({_MAP_PRIVATE:#x}):"
            " give one of them",
        )


def _older_flags() -> int:
    names = "SHARED PRIVATE FIXED ANONYMOUS GROWSDOWN LOCKED NORESERVE POPULATE NONBLOCK STACK HUGETLB DENYWRITE"
    flags = MMAP_WRAP_KEEP | MMAP_WRAP_OR_PRIVATE
    for name in names.split():
        flags |= _flag(f"MAP_{name}")
    return flags
