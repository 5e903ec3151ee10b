"""Memory mapping that checks every access: the standard library's `mmap`, and more.

>>> import mmap_wrap as mmap
>>> with mmap.mmap(-1, 4096) as m:
...     m[:5] = b"hello"
...     m.find(b"l")
2

These make a map; `help(mmap_wrap.mmap)` documents its methods:

    mmap(fileno, length)    an open file, as in the standard library; or, with -1, memory without a file
    open(path, mode)        a file, optionally created, resized and allocated
    map_path(path)          a file, with MAP_ and PROT_ constants
    anonymous(length)       memory without a file
    shared_memory(name, size)  memory that any process can map by its name, until `unlink_shared_memory(name)`
    memfd(length)           a file in memory, without a path
    secret(length)          memory that is inaccessible to the kernel

`install()` makes `import mmap` return this module, for libraries that import the standard library's.

Offsets and sizes are in bytes. Any thread may use a map at any time, even while another closes it.

Errors: OSError and its subclasses report errors of the system. ValueError: the map is closed, or a range is outside the
map. BufferError: closing or resizing a map while a view of it exists. FaultError, ArgumentError, SealedError and
OwnerDiedError are this module's own.

Constants (PROT_, MAP_, MADV_, MS_ and others) have the values of this platform. Access to one that it lacks raises
AttributeError; `dir(mmap_wrap)` lists the available ones. `from mmap_wrap import *` does not import `open`.

`mmap_wrap.raw` has each function of the native library as in C. `mmap_wrap.typing` has names for annotations.
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
    """Makes `import mmap` return this module from now on, in the whole process.

    For libraries that import `mmap` themselves and test `isinstance(x, mmap.mmap)`, as pandas does: they then treat
    maps of this module as maps. Call it before importing them. Modules that have already imported the standard
    library's module keep it, and a RuntimeWarning names them.

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
    # The repr of maps and of the class then has the name under which they are imported.
    mmap.__module__ = "mmap"
    if theirs is None:
        return
    # The module or its class, under any name.
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
    # Each constant of every platform, so that a type checker finds a misspelt one.
    from . import _names
    from . import raw as raw
    from ._names import *  # noqa: F403

    __all__ += _names.__all__
else:
    # __all__ includes the available constants, so it is made at first use: by `import *`, and little else.
    _public = __all__
    del __all__

    def __getattr__(name):
        if name == "raw":
            # The import sets the attribute.
            import mmap_wrap.raw as value
        else:
            value = _public + _constants.available() if name == "__all__" else _constants.value(name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), "raw", *_constants.available()})
