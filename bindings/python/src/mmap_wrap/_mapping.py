"""The class `mmap`: the standard library's methods, with checked access, and those that the topic modules add.

The native module makes the class, with every method of the standard library's.
"""

from __future__ import annotations

import copyreg

# _standard is used by the native module, and imported here: an import while an error is handled could fail.
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
# Offsets of the standard library's mmap are a multiple of it. It differs from the page size only on Windows.
ALLOCATIONGRANULARITY: int = _native.granularity()


class Extensions(Access, Protect, Residency, PageCache, Hardening, Resize, Elements, Atomics, Huge, Information):
    """The methods of `mmap` that the standard library does not have."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """A reference to the file: unpickling it, in this or another process, maps the same bytes again.

        The position of the new map is 0. TypeError: memory without a file, secret memory, a map that keeps no file
        (`trackfd=False`, `map_path`), or one whose changes are private. Unpickling raises OSError if the file no longer
        exists, was replaced, or was truncated. A map of a file without a path (`memfd`) can be unpickled only on the
        same machine, while the process that pickled it keeps it open. See docs/between-processes.md.

        >>> import mmap_wrap, pickle
        >>> m = mmap_wrap.memfd(4096)
        >>> pickle.loads(pickle.dumps(m))[0] = 7
        >>> m[0]
        7
        """
        from ._reference import reduce_map

        return reduce_map(self)


if TYPE_CHECKING:

    class mmap(Extensions):
        # For type checkers only. At run time a map is iterated as a sequence, without `__iter__`, as in the standard
        # library: libraries that test for `__iter__` then do not treat a map as a list.
        def __iter__(self) -> Iterator[bytes]: ...
        def __reversed__(self) -> Iterator[bytes]: ...

else:
    mmap = _native.make_class(Extensions)

_base.mmap = mmap

_view_reducer_registered = False
_previous_reduce: Callable[[memoryview], Any] | None = None


def register_view_reducer() -> None:
    """Makes views of maps picklable. Called for the first map, so that importing the package does not change pickle."""
    global _view_reducer_registered, _previous_reduce
    if _view_reducer_registered:
        return
    _view_reducer_registered, _previous_reduce = True, copyreg.dispatch_table.get(memoryview)
    copyreg.pickle(memoryview, _reduce_view)


def _reduce_view(view: memoryview) -> Any:
    from ._reference import reduce_view

    if isinstance(view.obj, mmap):
        return reduce_view(view)
    if _previous_reduce is None:
        # No other memoryview can be pickled: this raises Python's own exception.
        return object.__reduce_ex__(view, 4)
    return _previous_reduce(view)
