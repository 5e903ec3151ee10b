"""Fixtures: files to map, and the counts of descriptors and mappings of the process."""

import ctypes
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mmap_wrap import raw

# The timeout of each wait for another process or thread, in seconds. It ends tests that hang, not slow ones: on a
# loaded machine tests can take a hundred times longer.
PATIENCE = 600


# By system calls: the programs mount and umount may be missing.


def mount(kind, folder, options):
    """Mounts a new file system. OSError: it failed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", os.fsencode(folder), kind.encode(), 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def unmount(folder):
    """Unmounts it now, or as soon as it is no longer in use. Does nothing if it is not mounted."""
    mnt_detach = 2
    ctypes.CDLL(None).umount2(os.fsencode(folder), mnt_detach)


@pytest.fixture(scope="session", autouse=True)
def children_get_the_usual_signals():
    """Installs a handler for an ignored signal (Ctrl-C in a background job), so that children do not inherit that."""
    asked = [signal.SIGINT] if sys.platform == "win32" else [signal.SIGINT, signal.SIGQUIT]
    ignored = [number for number in asked if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Ends a test that hangs, and the children for which it waits. Does nothing on Windows."""
    if sys.platform == "win32":
        yield
        return

    def end(*_):
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        raise TimeoutError(f"{item.name} took more than {3 * PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, end)
    # Repeatedly: an exception that a handler raises inside a callback of the garbage collector is lost.
    signal.setitimer(signal.ITIMER_REAL, 3 * PATIENCE, 60)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"one two three\n" * 1000)
    return path


@pytest.fixture
def frequent_switches():
    """Sets a short switch interval of the interpreter's lock, instead of 5 ms: more races in less time."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def nothing_leaks(tmp_path):
    """Fails the test if it leaves a descriptor open, a file mapped, or a mapping of the library's."""
    # Garbage of earlier tests is collected now, and not during this one.
    gc.collect()
    before = open_descriptors(), raw.mmap_wrap_list(None, 0)
    yield
    gc.collect()
    assert (open_descriptors(), raw.mmap_wrap_list(None, 0)) == before
    assert not is_mapped(tmp_path)


@pytest.fixture
def collected_when_asked():
    """Disables automatic garbage collection during a test that checks objects which it would collect."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def message_of(error):
    """The message of an exception and its notes, which have the library's message if the first is not the library's."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def open_descriptors():
    if sys.platform == "win32":
        import _winapi
        import ctypes.wintypes

        count = ctypes.wintypes.DWORD()
        process = ctypes.wintypes.HANDLE(_winapi.GetCurrentProcess())
        assert ctypes.windll.kernel32.GetProcessHandleCount(process, ctypes.byref(count))
        return count.value
    # listdir's own descriptor is in every list, with the same lowest free number.
    return sorted(os.listdir("/proc/self/fd"), key=int)


def mapped_files():
    lines = (line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines())
    return sorted(line[5] for line in lines if len(line) == 6 and line[5].startswith("/"))


def is_mapped(path):
    if sys.platform == "win32":
        # A file that is mapped cannot be removed there.
        return False
    return any(name.startswith(str(path)) for name in mapped_files())


def run(script, *arguments, **environment):
    """Runs a script in its own interpreter, which may set limits or crash; returns the finished process."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def run_well(script, *arguments):
    """As `run`, for a script that must succeed and print nothing on standard error; returns its output."""
    child = run(script, *arguments)
    assert (child.returncode, child.stderr) == (0, ""), child.stderr or child.stdout
    return child.stdout
