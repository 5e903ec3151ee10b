"""Checks of the flags, address and protection of a new map."""

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
    """The value of `_access` for a new map."""
    return access if tracked else access | UNTRACKED


def access_of(prot: int) -> int:
    """The ACCESS_ constant for a protection."""
    if prot & _READ_WRITE == _READ_WRITE:
        return ACCESS_DEFAULT
    return ACCESS_WRITE if prot & _PROT_WRITE else ACCESS_READ


def can_be_lost(flags: int) -> bool:
    """Whether an access to a map with these flags can raise SIGBUS because the kernel has no page for it.

    Anonymous memory cannot, except for huge pages, and for MAP_NORESERVE, which reserves no swap space.
    """
    return not flags & _MAP_ANONYMOUS or bool(flags & (_MAP_HUGETLB | _MAP_NORESERVE))


def address_of(value: SupportsIndex) -> int:
    """The address as an int. OverflowError: negative or too large."""
    address = int64(value)
    if address < 0:
        # As an unsigned number it would be a kernel address, and the kernel ignores such a hint.
        raise OverflowError(f"address {address} is negative")
    return address


def raise_address_and_alignment(caller: str, address: int, alignment: int) -> NoReturn:
    """ArgumentError: both an address and an alignment are given."""
    raise ArgumentError(errno.EINVAL, f"{caller}: pass either an address ({address:#x}) or an alignment ({alignment})")


def reject_shared_and_private(caller: str, flags: int) -> None:
    """ArgumentError if the flags have both MAP_SHARED and MAP_PRIVATE."""
    both = _MAP_SHARED | _MAP_PRIVATE
    # Both are MAP_SHARED_VALIDATE, which is intended only together with a flag introduced later.
    if flags & both == both and not flags & ~_older_flags():
        raise ArgumentError(
            errno.EINVAL,
            f"{caller}: flags {flags:#x} have both MAP_SHARED ({_MAP_SHARED:#x}) and MAP_PRIVATE ({_MAP_PRIVATE:#x}):"
            " pass one of them",
        )


def _older_flags() -> int:
    names = "SHARED PRIVATE FIXED ANONYMOUS GROWSDOWN LOCKED NORESERVE POPULATE NONBLOCK STACK HUGETLB DENYWRITE"
    flags = MMAP_WRAP_KEEP | MMAP_WRAP_OR_PRIVATE
    for name in names.split():
        flags |= _flag(f"MAP_{name}")
    return flags
