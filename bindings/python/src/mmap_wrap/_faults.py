"""The handlers of SIGBUS and SIGSEGV, which repair faults."""

from __future__ import annotations

from . import _ffi
from ._errors import checked


def verify_handlers() -> bool:
    """Whether a fault of an access in this thread is repaired by this library's handlers of SIGBUS and SIGSEGV.

    False: another handler is installed, or a signal is blocked in this thread; accesses then use system calls, and
    are slower. The library verifies this itself, at most once in 12 to 33 microseconds. Call this in a thread that has
    just changed a handler or its signal mask, with `signal.signal`, `faulthandler.enable` or `signal.pthread_sigmask`,
    before it accesses a map that may fault.

    >>> import mmap_wrap
    >>> mmap_wrap.verify_handlers() in (True, False)
    True
    """
    return checked(_ffi.mmap_wrap_verify_handlers(), "mmap_wrap.verify_handlers") == 1


def trust_handlers(yes: bool = True) -> None:
    """Promises that from now on no code in this process replaces or blocks the handlers of SIGBUS and SIGSEGV.

    `yes=False` withdraws the promise.

    Accesses then do not verify the handlers (see `verify_handlers`), which takes a few nanoseconds per access. If the
    promise is broken, a fault ends the process. `faulthandler.enable()` replaces the handlers: call
    `trust_handlers(False)` before it.

    >>> import mmap_wrap
    >>> mmap_wrap.trust_handlers()
    >>> mmap_wrap.trust_handlers(False)
    """
    checked(_ffi.mmap_wrap_trust_handlers(int(bool(yes))), "mmap_wrap.trust_handlers")


# Named as part of the package, from which users import them.
for _public in (verify_handlers, trust_handlers):
    _public.__module__ = __package__
