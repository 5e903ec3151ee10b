"""The handlers of SIGBUS and SIGSEGV, which repair faults."""

from __future__ import annotations

from . import _ffi
from ._errors import checked


def verify_handlers() -> bool:
    """Whether a fault of an access in this thread is repaired by this library's handlers of SIGBUS and SIGSEGV.

    False: another handler is installed, or a signal is blocked in this thread; accesses then go through the kernel, and
    are slower. The library verifies that itself, at most every 33 microseconds. Call this in the thread that has just
    changed a handler or its signal mask, by `signal.signal`, `faulthandler.enable` or `signal.pthread_sigmask`, before
    it accesses a map that may fault.

    >>> import mmap_wrap
    >>> mmap_wrap.verify_handlers() in (True, False)
    True
    """
    return checked(_ffi.mmap_wrap_verify_handlers(), "mmap_wrap.verify_handlers") == 1


def trust_handlers(yes: bool = True) -> None:
    """Says that from now on no code in this process replaces or blocks the handlers of SIGBUS and SIGSEGV.

    With `yes=False`, that it may again.

    Accesses then verify nothing. Otherwise the handlers are verified by lease (see `verify_handlers`), which costs some
    nanoseconds an access. `faulthandler.enable()` replaces them: call `trust_handlers(False)` before it. If that
    turns out wrong, a fault ends the process.

    >>> import mmap_wrap
    >>> mmap_wrap.trust_handlers()
    >>> mmap_wrap.trust_handlers(False)
    """
    checked(_ffi.mmap_wrap_trust_handlers(int(bool(yes))), "mmap_wrap.trust_handlers")


# As of the exceptions: users know them where they are imported from.
for _public in (verify_handlers, trust_handlers):
    _public.__module__ = __package__
