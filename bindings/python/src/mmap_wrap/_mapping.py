"""The class `mmap`: the standard library's, with checked access, and what the modules of each topic add.

The native module makes it, with every method of the standard library's class.
"""

from __future__ import annotations

import copyreg

# _standard is for the native module: an import at the moment of an error may fail itself.
from . import _base, _native, _standard  # noqa: F401
from ._access import Access
from ._atomics import Atomics
from ._elements import Elements
from ._hardening import Hardening
from ._huge import Huge
from ._info import Information
from ._page_cache import PageCache
from ._protect import Protect
from ._residency import Residency
from ._resize import Resize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

PAGESIZE: int = _native.page_size()
# Where a file offset of the standard library's must lie; only Windows has another one than the page size.
ALLOCATIONGRANULARITY: int = _native.granularity()


class Extensions(Access, Protect, Residency, PageCache, Hardening, Resize, Elements, Atomics, Huge, Information):
    """What the class `mmap` has beyond the standard library's."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """A reference to the file: unpickling it, in this or another process, maps the same bytes of it again.

        `read` then stands at 0. TypeError: memory without a file, secret memory, a map that keeps no file
        (`trackfd=False`, `map_path`), and one whose changes are private. Unpickling raises OSError where the file is
        no longer there, is another one, or was truncated. A file without a path (`memfd`) must be kept open until
        then by the process that pickled it, on the same machine. docs/between-processes.md has all of it.

        >>> import mmap_wrap, pickle
        >>> m = mmap_wrap.memfd(4096)
        >>> pickle.loads(pickle.dumps(m))[0] = 7
        >>> m[0]
        7
        """
        from ._reference import reduce_map

        return reduce_map(self)


if TYPE_CHECKING:

    class mmap(_native.Mapping, Extensions):
        # As of every sequence, without a method, as in the standard library: what asks for `__iter__` takes a map for
        # one thing, and not for a list of bytes.
        def __iter__(self) -> Iterator[bytes]: ...
        def __reversed__(self) -> Iterator[bytes]: ...

else:
    mmap = _native.make_class(Extensions)

_base.mmap = mmap  # type: ignore[misc]

_views_pickle = False
_former_reduce: Callable[[memoryview], Any] | None = None


def have_views_pickle() -> None:
    """Has views of maps pickle. Before there is a map there is no view of one, and nothing of pickle is changed."""
    global _views_pickle, _former_reduce
    if _views_pickle:
        return
    _views_pickle, _former_reduce = True, copyreg.dispatch_table.get(memoryview)
    copyreg.pickle(memoryview, _reduce_view)


def _reduce_view(view: memoryview) -> Any:
    from ._reference import reduce_view

    if isinstance(view.obj, mmap):
        return reduce_view(view)
    if _former_reduce is None:
        # Which no memoryview can be: in the words of this Python.
        return object.__reduce_ex__(view, 4)
    return _former_reduce(view)
