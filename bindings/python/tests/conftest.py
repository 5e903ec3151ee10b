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

# The end of each wait for another process or thread, in seconds: it is for what hangs, not for what is slow, which on a
# loaded machine may be a hundred times so.
PATIENCE = 600


# By the calls: there may be no programs for it where the tests run.


def mount(kind, folder, options):
    """Mounts a new file system; OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", os.fsencode(folder), kind.encode(), 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def unmount(folder):
    """Now, or as soon as nobody uses it; what is not mounted stays so."""
    mnt_detach = 2
    ctypes.CDLL(None).umount2(os.fsencode(folder), mnt_detach)


@pytest.fixture(scope="session", autouse=True)
def children_get_the_usual_signals():
    """A signal that is ignored, as Ctrl-C is in a background job, stays so in children; one with a handler does not."""
    asked = [signal.SIGINT] if sys.platform == "win32" else [signal.SIGINT, signal.SIGQUIT]
    ignored = [number for number in asked if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Ends a test that waits without an end of its own, and the children that it waits for; on Windows nothing does."""
    if sys.platform == "win32":
        yield
        return

    def end(*_):
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        raise TimeoutError(f"{item.name} took more than {3 * PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, end)
    # Again and again: what a handler raises inside a callback of the collector is lost.
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
def nothing_leaks(tmp_path):
    """Fails the test if it leaves a descriptor open, a file mapped, or a mapping of the library's."""
    # What other tests have left to the collector goes at once, and not in the middle of this one.
    gc.collect()
    before = open_descriptors(), raw.mmap_wrap_list(None, 0)
    yield
    gc.collect()
    assert (open_descriptors(), raw.mmap_wrap_list(None, 0)) == before
    assert not is_mapped(tmp_path)


@pytest.fixture
def collected_when_asked():
    """The collector does not come by itself meanwhile, before a test looks at what it would take away."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def told(error):
    """The message of an exception and its notes, in which the library's own words are where the message is Python's."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def open_descriptors():
    if sys.platform == "win32":
        import _winapi
        import ctypes.wintypes

        count = ctypes.wintypes.DWORD()
        process = ctypes.wintypes.HANDLE(_winapi.GetCurrentProcess())
        assert ctypes.windll.kernel32.GetProcessHandleCount(process, ctypes.byref(count))
        return count.value
    # listdir's own descriptor is in every list, under the same lowest free number.
    return sorted(os.listdir("/proc/self/fd"), key=int)


def mapped_files():
    lines = (line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines())
    return sorted(line[5] for line in lines if len(line) == 6 and line[5].startswith("/"))


def is_mapped(path):
    if sys.platform == "win32":
        # What is mapped there cannot be removed.
        return False
    return any(name.startswith(str(path)) for name in mapped_files())


def run(script, *arguments, **environment):
    """Runs a script in an interpreter of its own, that may set limits or die; answers the finished process."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def run_well(script, *arguments):
    """As `run`, for a script that must succeed and say nothing on standard error; answers what it printed."""
    child = run(script, *arguments)
    assert (child.returncode, child.stderr) == (0, ""), child.stderr or child.stdout
    return child.stdout
