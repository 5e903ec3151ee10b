"""An access to a file that was truncated is an exception, whatever handles the signals of the process."""

import fcntl
import os
import re
import signal
import time
from pathlib import Path

import pytest
from conftest import is_mapped, run, run_well

import mmap_wrap as mmap

PAGE = mmap.PAGESIZE


@pytest.fixture
def cut_short(tmp_path):
    """A map of two pages of "x", whose file now ends after the first."""
    path = tmp_path / "data"
    path.write_bytes(b"x" * 2 * PAGE)
    m = mmap.map_path(path)
    os.truncate(path, PAGE)
    return m


@pytest.mark.parametrize(
    "access",
    [
        lambda m: m[PAGE],
        lambda m: m[-1],
        lambda m: m[PAGE - 1 : PAGE + 1],
        lambda m: m[::PAGE],
        lambda m: b"y" in m,
        lambda m: m.find(b"y"),
        lambda m: m.rfind(b"y"),
        lambda m: list(m),
        lambda m: next(reversed(m)),
        lambda m: m.__setitem__(PAGE, 1),
        lambda m: m.__setitem__(slice(PAGE, PAGE + 2), b"ab"),
        lambda m: m.move(0, PAGE, 10),
        lambda m: m.move(PAGE, 0, 10),
    ],
)
def test_each_access_beyond_the_end_raises(cut_short, access):
    with pytest.raises(mmap.FaultError, match=f"file offset [0-9]+ lies beyond the {PAGE} bytes of the file"):
        access(cut_short)
    assert cut_short[PAGE - 1] == ord("x")
    assert cut_short.find(b"x") == 0
    cut_short.close()


def test_a_view_survives_and_the_loss_is_reported_once(cut_short, tmp_path):
    view = cut_short.view()
    assert view[PAGE - 1] == ord("x")
    assert view[PAGE] == 0
    with pytest.raises(mmap.FaultError, match="a page of the mapping was lost"):
        cut_short[0]
    assert cut_short[0] == ord("x")
    assert bytes(view[PAGE:]) == bytes(PAGE)
    del view
    cut_short.close()
    assert not is_mapped(tmp_path)


def test_closing_reports_a_loss_and_closes(cut_short, tmp_path):
    assert cut_short.view()[PAGE] == 0
    assert not cut_short.closed
    assert len(cut_short) == 2 * PAGE
    with pytest.raises(mmap.FaultError, match="a page of the mapping was lost"):
        cut_short.close()
    assert cut_short.closed
    assert not is_mapped(tmp_path)


def test_numpy_survives(cut_short):
    numpy = pytest.importorskip("numpy")
    array = numpy.frombuffer(cut_short.view(), dtype="u1")
    assert array.sum() == PAGE * ord("x")
    with pytest.raises(mmap.FaultError):
        cut_short.flush()
    cut_short.flush()


def test_a_view_that_does_not_survive_ends_the_process(tmp_path):
    script = """
import mmap_wrap, os, sys
path = sys.argv[1]
open(path, "wb").write(b"x" * 2 * mmap_wrap.PAGESIZE)
m = mmap_wrap.map_path(path, survive=False)
os.truncate(path, 0)
m.view()[0]
"""
    assert run(script, tmp_path / "data").returncode == -signal.SIGBUS


HANDLED = "handled = lambda number, frame: print(number)"

# Code that prepares the signals of a process, before and after the library is loaded.
OTHERS = {
    "default": ("", ""),
    "faulthandler before": ("faulthandler.enable()", ""),
    "faulthandler after": ("", "faulthandler.enable()"),
    "faulthandler before, disabled later": ("faulthandler.enable()", "faulthandler.disable()"),
    "faulthandler after, disabled later": ("", "faulthandler.enable(); faulthandler.disable()"),
    "a Python handler before": (f"{HANDLED}; signal.signal(signal.SIGBUS, handled)", ""),
    "a Python handler after": ("", f"{HANDLED}; [signal.signal(s, handled) for s in (signal.SIGBUS, signal.SIGSEGV)]"),
    "ignored after": ("", "signal.signal(signal.SIGBUS, signal.SIG_IGN)"),
    "blocked": ("", "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGBUS, signal.SIGSEGV])"),
}

CUT_SHORT = """
import ctypes, faulthandler, os, signal, sys
path = sys.argv[1]
open(path, "wb").write(b"x" * 8192)
{before}
import mmap_wrap
m = mmap_wrap.map_path(path)
assert m[0] == ord("x")
{after}
os.truncate(path, 0)
"""


def script(others, end):
    before, after = OTHERS[others]
    return CUT_SHORT.format(before=before, after=after) + end


@pytest.mark.parametrize("others", OTHERS)
def test_an_access_raises_with_any_signal_handler(others, tmp_path):
    end = """
for attempt in range(3):
    try:
        m[0]
    except mmap_wrap.FaultError as error:
        print(error.errno)
"""
    assert run_well(script(others, end), tmp_path / "data") == "14\n" * 3


@pytest.mark.parametrize("others", [name for name in OTHERS if "Python" not in name])
def test_a_crash_elsewhere_is_still_a_crash(others, tmp_path):
    # A handler in Python cannot run here, because the interpreter does not proceed beyond the faulting access.
    child = run(script(others, "ctypes.string_at(0)"), tmp_path / "data")
    assert child.returncode == -signal.SIGSEGV
    traceback_expected = others in ("faulthandler before", "faulthandler after")
    assert ("Fatal Python error: Segmentation fault" in child.stderr) == traceback_expected


@pytest.mark.parametrize("name", ["SIGBUS", "SIGSEGV"])
@pytest.mark.parametrize("others", OTHERS)
def test_a_signal_that_was_sent_has_its_usual_effect(others, name, tmp_path):
    before, after = OTHERS[others]
    send = f"\nos.kill(os.getpid(), signal.{name})\nprint('goes on')\n"
    with_us = run(script(others, send), tmp_path / "data")
    without_us = run(f"import faulthandler, os, signal\n{before}\n{after}{send}")
    assert (with_us.returncode, with_us.stdout) == (without_us.returncode, without_us.stdout)
    assert ("Fatal Python error" in with_us.stderr) == ("Fatal Python error" in without_us.stderr)


@pytest.mark.parametrize("shared", [False, True])
def test_a_view_of_huge_pages_survives_an_empty_pool(shared):
    script = """
import mmap_wrap as mmap
try:
    m = mmap.anonymous(64 << 21, shared={shared}, huge=1 << 21, flags=mmap.MAP_NORESERVE)
except OSError as error:
    print("skipped:", error)
else:
    with m.view() as view:
        for page in range(0, len(m), 1 << 21):
            view[page] = 1
    try:
        m.close()
    except mmap.FaultError as error:
        print(error.errno)
"""
    output = run_well(script.replace("{shared}", str(shared)))
    if output.startswith("skipped: "):
        pytest.skip(output)
    assert output == "14\n"


@pytest.fixture
def pool_of_one():
    """Sets the pool to one huge page of 2 MiB, as tests/huge.rs does, with the same lock."""
    try:
        setting = open("/proc/sys/vm/nr_hugepages", "r+")  # noqa: SIM115 - closed below
    except OSError as error:
        pytest.skip(f"no pool of huge pages is available: {error}")
    with setting:
        end = time.monotonic() + 60
        while True:
            try:
                fcntl.flock(setting, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    pytest.skip("another test has had the pool of huge pages for a minute")
                time.sleep(0.1)
            else:
                break
        before = setting.read()
        write = lambda text: Path(setting.name).write_text(text)  # noqa: E731
        write("1")
        try:
            info = Path("/proc/meminfo").read_text()
            if not re.search(r"HugePages_Free: +1\n", info) or "Hugepagesize:       2048 kB" not in info:
                pytest.skip("the pool of huge pages of 2 MiB did not become one free page")
            yield
        finally:
            write(before)


@pytest.mark.usefixtures("pool_of_one")
def test_a_view_of_huge_pages_survives_if_the_pool_has_no_page_for_a_copy():
    script = """
import os
import mmap_wrap as mmap
m = mmap.anonymous(1 << 21, huge=1 << 21)
m[0] = 1
child = os.fork()
if child == 0:
    m.view()[0] = 2         # the child needs a copy, but the parent has the only page
    try:
        m[0]
    except mmap.FaultError:
        os._exit(7)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), m[0])
"""
    assert run_well(script) == "7 1\n"
