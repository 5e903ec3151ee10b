"""Memory mapping that checks every access: the standard library's `mmap`, and more.

>>> import mmap_wrap as mmap
>>> with mmap.mmap(-1, 4096) as m:
...     m[:5] = b"hello"
...     m.find(b"l")
2

Offsets and sizes are in bytes. Any thread may use any map at any time, also while another closes it. System errors are
OSError and its subclasses; a closed map or a range outside of it is ValueError; closing a map while views of it live
is BufferError. The constants (PROT_, MAP_, MADV_, MS_ and so on) are asked from the native library by name when
first used; one that this platform lacks is an AttributeError, and `dir(mmap_wrap)` lists those there are.

`mmap_wrap.raw` has every call of the library as it is in C, for what this module does not wrap.
"""

from __future__ import annotations

from . import _constants, _errors, _ffi
from . import raw as raw
from ._errors import ArgumentError, FaultError, SealedError
from ._mmap import (
    ACCESS_COPY,
    ACCESS_DEFAULT,
    ACCESS_READ,
    ACCESS_WRITE,
    ALLOCATIONGRANULARITY,
    PAGESIZE,
    mmap,
)
from ._open import anonymous, map_path, memfd, secret, shared, unlink_shared
from ._open import open as open  # noqa: A004 - not in __all__: nobody's own `open` is to be hidden by a `*`

TYPE_CHECKING = False

__all__ = [
    "ACCESS_COPY",
    "ACCESS_DEFAULT",
    "ACCESS_READ",
    "ACCESS_WRITE",
    "ALLOCATIONGRANULARITY",
    "PAGESIZE",
    "ArgumentError",
    "FaultError",
    "SealedError",
    "anonymous",
    "error",
    "map_path",
    "memfd",
    "mmap",
    "secret",
    "shared",
    "trust_handlers",
    "unlink_shared",
]

error = OSError

__version__: str = _ffi.version().decode()


def trust_handlers(yes: bool = True) -> None:
    """Says that nobody in this process replaces the handlers of SIGBUS and SIGSEGV from now on, nor blocks them.

    Accesses then need no system call: `m[i]` takes about what the standard library's does. Without that word each
    access verifies it first. `faulthandler.enable()` replaces them: say False before it.

    >>> import mmap_wrap
    >>> mmap_wrap.trust_handlers()
    >>> mmap_wrap.trust_handlers(False)
    """
    _errors.answer(_ffi.trust_handlers(int(bool(yes))))


if TYPE_CHECKING:
    # Each constant that a platform may have, so that a misspelt one is found.
    from . import _names
    from ._names import *  # noqa: F403

    __all__ += _names.__all__
else:
    __all__ += _constants.available()

    def __getattr__(name):
        number = _constants.value(name)
        globals()[name] = number
        return number


def __dir__() -> list[str]:
    return sorted({*globals(), *_constants.available()})
