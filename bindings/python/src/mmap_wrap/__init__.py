"""Memory mapping that checks every access: the standard library's `mmap`, and more.

>>> import mmap_wrap as mmap
>>> with mmap.mmap(-1, 4096) as m:
...     m[:5] = b"hello"
...     m.find(b"l")
2

A map begins with one of these; what can be done with it is in `help(mmap_wrap.mmap)`:

    mmap(fileno, length)    an open file, as in the standard library; or, with -1, memory without a file
    open(path, mode)        a file, which is made, sized and allocated if need be
    map_path(path)          a file, mapped as MAP_ and PROT_ constants say
    anonymous(length)       memory without a file
    shared_memory(name, size)  memory that any process may map by its name, until `unlink_shared_memory(name)`
    memfd(length)           a file in memory, without a path
    secret(length)          memory that even the kernel does not look into

`install()` makes it the module that `import mmap` gives, for libraries that import that.

Offsets and sizes are in bytes. Any thread may use any map at any time, also while another closes it.

Errors: OSError and its subclasses are the system's. ValueError is a closed map, or a range outside of it;
BufferError, closing or resizing a map while somebody holds a view of it. FaultError, ArgumentError, SealedError and
OwnerDiedError are this module's.

Constants (PROT_, MAP_, MADV_, MS_ and more) have the values of this machine. One that the platform lacks is an
AttributeError; `dir(mmap_wrap)` lists those there are. `from mmap_wrap import *` leaves out `open`.

`mmap_wrap.raw` has each call of the native library as it is in C. `mmap_wrap.typing` has names for annotations.
"""

from __future__ import annotations

from . import _constants, _native
from ._base import ACCESS_COPY, ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE
from ._errors import ArgumentError, FaultError, OwnerDiedError, SealedError
from ._faults import trust_handlers, verify_handlers
from ._mapping import ALLOCATIONGRANULARITY, PAGESIZE, mmap
from ._open import anonymous, map_path, memfd, secret, shared_memory, unlink_shared_memory
from ._open import open as open  # noqa: A004 - not in __all__: a `*` must not hide the built-in `open`

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
    "OwnerDiedError",
    "SealedError",
    "anonymous",
    "error",
    "install",
    "map_path",
    "memfd",
    "mmap",
    "secret",
    "shared_memory",
    "trust_handlers",
    "unlink_shared_memory",
    "verify_handlers",
]

error = OSError

__version__: str = _native.version()


def install() -> None:
    """Makes this module the one that `import mmap` gives, in the whole process, from now on.

    For libraries that import `mmap` themselves and ask `isinstance(x, mmap.mmap)`, as pandas does: with a map of this
    module they then go the way that is meant for maps. To be called before they are imported. Those that have imported
    the standard library's module by then keep it, and a RuntimeWarning names them.

    >>> import subprocess, sys
    >>> program = "import mmap_wrap; mmap_wrap.install(); import mmap; assert mmap is mmap_wrap"
    >>> subprocess.run([sys.executable, "-c", program]).returncode
    0
    """
    import sys

    ours, theirs = sys.modules[__name__], sys.modules.get("mmap")
    if theirs is ours:
        return
    sys.modules["mmap"] = ours
    # Its name is true from now on; what prints a map and its class agrees.
    mmap.__module__ = "mmap"
    if theirs is None:
        return
    # The module itself, or its class, under whatever name.
    kept = {id(theirs), id(theirs.mmap)}
    users = [
        name
        for name, module in sys.modules.copy().items()
        if module is not theirs and not kept.isdisjoint(map(id, getattr(module, "__dict__", {}).copy().values()))
    ]
    if users:
        import warnings

        message = f"mmap_wrap.install: imported the standard library's mmap before, and keep it: {', '.join(users)}"
        warnings.warn(f"{message}. Call install before the first import of them.", RuntimeWarning, stacklevel=2)


if TYPE_CHECKING:
    # Each constant that a platform may have, so that a misspelt one is found.
    from . import _names
    from . import raw as raw
    from ._names import *  # noqa: F403

    __all__ += _names.__all__
else:
    # With the constants there are it is made when somebody asks for it: `*`, and hardly another.
    _public = __all__
    del __all__

    def __getattr__(name):
        if name == "raw":
            # Which sets the attribute.
            import mmap_wrap.raw as value
        else:
            value = _public + _constants.available() if name == "__all__" else _constants.value(name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), "raw", *_constants.available()})
