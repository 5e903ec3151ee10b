"""What once killed the interpreter: a second thread that calls protect, memory that was unmapped, needles larger than
memory. And losses that were not reported.
"""

import errno
import signal
import subprocess
import sys

import pytest


def run(script, *arguments):
    """Runs a script in its own interpreter, which may crash; one that hangs is ended soon, and has failed."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, -signal.SIGKILL, "", "still running after 20 s")


# Code that prepares the signals: before the library is loaded, after its first access, and in the thread that writes.
# The later ones sleep longer than the interval at which the library verifies the handlers.
HANDLED = "handled = lambda number, frame: None"
OTHERS = {
    "default": ("", "", ""),
    "faulthandler before": ("faulthandler.enable()", "", ""),
    "faulthandler later": ("", "faulthandler.enable(); time.sleep(0.01)", ""),
    "faulthandler before, disabled later": ("faulthandler.enable()", "faulthandler.disable(); time.sleep(0.01)", ""),
    "a handler of SIGSEGV before": (f"{HANDLED}; signal.signal(signal.SIGSEGV, handled)", "", ""),
    "a handler of SIGSEGV later": ("", f"{HANDLED}; signal.signal(signal.SIGSEGV, handled); time.sleep(0.01)", ""),
    "a handler of SIGBUS later": ("", f"{HANDLED}; signal.signal(signal.SIGBUS, handled); time.sleep(0.01)", ""),
    "SIGSEGV ignored later": ("", "signal.signal(signal.SIGSEGV, signal.SIG_IGN); time.sleep(0.01)", ""),
    "blocked in the thread": (
        "",
        "",
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGSEGV, signal.SIGBUS}); time.sleep(0.01)",
    ),
    "all blocked in the thread": (
        "",
        "",
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); time.sleep(0.01)",
    ),
}

# The changes that two threads make to the map while another accesses it.
CHANGES = {
    "protect": ("m.protect(mw.PROT_READ, 0, PAGE)", "m.protect(mw.PROT_READ | mw.PROT_WRITE)"),
    "no access": ("m.protect(mw.PROT_NONE, 0, PAGE)", "m.protect(mw.PROT_READ | mw.PROT_WRITE)"),
    "guard": ("m.guard(0, PAGE)", "m.guard(0, on=False)"),
    "guard and protect": ("m.guard(0, PAGE)", "m.protect(mw.PROT_READ | mw.PROT_WRITE, 0, PAGE)"),
}

TWO_CHANGE = """
import faulthandler, resource, signal, sys, threading, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
{before}
import mmap_wrap as mw
PAGE = mw.PAGESIZE
m = mw.mmap({source}, 16 * PAGE)
m[0]
{after}
sys.setswitchinterval(1e-5)
stop = False
changed = [0, 0]
faults = 0

def first():
    while not stop:
        {first}
        changed[0] += 1

def second():
    while not stop:
        {second}
        changed[1] += 1

accesses = [
    lambda: m.put("u4", 0, 1), lambda: m.get("u8", 8), lambda: m[0], lambda: m[0:64], lambda: m.__setitem__(0, 1),
    lambda: m.__setitem__(slice(0, 4), b"four"), lambda: m.find(b"nowhere"), lambda: m.rfind(b"nowhere"),
    lambda: m.move(8, 0, 64), lambda: m.seek(0) or m.read(8), lambda: m.seek(0) or m.write(b"x"),
    lambda: list(m[0:PAGE:512]),
]

def access():
    global faults
    {thread}
    while not stop:
        for one in accesses:
            # The most frequent change is made between any two others.
            for access in (lambda: m.put("u4", 0, 1), one):
                try:
                    access()
                except mw.FaultError:
                    faults += 1

threads = [threading.Thread(target=target) for target in (first, second, access)]
for thread in threads:
    thread.start()
while faults < 500:
    time.sleep(0.01)
stop = True
for thread in threads:
    thread.join()
assert all(changed)
m.guard(0, on=False)
m.protect(mw.PROT_READ | mw.PROT_WRITE)
m[0] = 7
print(m[0])
"""


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("others", OTHERS)
def test_no_access_dies_while_two_threads_change_the_memory(others, changes):
    before, after, thread = OTHERS[others]
    first, second = CHANGES[changes]
    script = TWO_CHANGE.format(before=before, after=after, thread=thread, first=first, second=second, source=-1)
    child = run(script)
    assert (child.returncode, child.stdout) == (0, "7\n"), child.stderr


TAKEN_AWAY = """
import ctypes, faulthandler, resource, signal, sys, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
libc = ctypes.CDLL(None, use_errno=True)
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
{before}
import mmap_wrap as mw
m = mw.mmap(-1, 2 * mw.PAGESIZE)
{first}
{after}
{thread}
address = m.info().address
assert {way} == 0
accesses = [
    lambda: m[0], lambda: m[:], lambda: m.find(b"x"), lambda: m.rfind(b"x"), lambda: b"x" in m,
    lambda: m.put("u4", 0, 1), lambda: m.get("u8", 0), lambda: m.__setitem__(0, 1), lambda: m.read(8),
    lambda: m.move(8, 0, 64), lambda: next(iter(m)),
]
for one in accesses:
    try:
        print(one())
    except mw.FaultError:
        print("fault")
"""
WAYS = {
    "unmapped": "libc.munmap(address, 2 * mw.PAGESIZE)",
    "without access": "libc.mprotect(address, 2 * mw.PAGESIZE, 0)",
}


@pytest.mark.parametrize("first", ["", "m[0]"], ids=["first use", "used before"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("others", OTHERS)
def test_memory_taken_away_is_a_fault(others, way, first):
    before, after, thread = OTHERS[others]
    script = TAKEN_AWAY.format(before=before, after=after, thread=thread, way=WAYS[way], first=first)
    child = run(script)
    assert (child.returncode, child.stdout) == (0, "fault\n" * 11), child.stderr


LARGE_NEEDLE = """
import resource, sys
import mmap_wrap
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
needle = bytes(64 << 20)
m = mmap_wrap.mmap(-1, 80 << 20)
used = int(open("/proc/self/statm").read().split()[0]) * mmap_wrap.PAGESIZE
resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20),) * 2)
try:
    print(eval(sys.argv[1]))
except (MemoryError, OSError) as error:
    print(getattr(error, "errno", None))
m[0] = 1
assert m.find(b"\\1") == 0
"""


@pytest.mark.parametrize(
    ("search", "found"),
    [("m.find(needle)", 0), ("m.rfind(needle)", 16 << 20), ("m.count(needle)", 1)],
)
def test_a_needle_larger_than_memory_is_searched_or_enomem(search, found):
    child = run(LARGE_NEEDLE, search)
    assert child.returncode == 0, child.stderr
    assert child.stdout.strip() in (str(found), str(errno.ENOMEM), "None")


LOST = """
import gc, os, sys, warnings
import mmap_wrap
warnings.simplefilter("always")
path = sys.argv[1]
open(path, "wb").write(b"x" * 2 * mmap_wrap.PAGESIZE)

def lose():
    m = mmap_wrap.map_path(path)
    view = m.view()
    os.truncate(path, mmap_wrap.PAGESIZE)
    assert view[mmap_wrap.PAGESIZE] == 0
    view.release()
    return m

m = lose()
{end}
gc.collect()
print("after")
"""

# How the map is deallocated, and how often the loss must be reported on standard error.
ENDS = {
    "deleted": ("del m", 1),
    "in a cycle": ("cycle = [m]; cycle.append(cycle); del m, cycle", 1),
    "with a view": ("view = memoryview(m); del m; del view", 1),
    "reported by a call": ("try: m[0]\nexcept mmap_wrap.FaultError: pass\ndel m", 0),
    "closed": ("try: m.close()\nexcept mmap_wrap.FaultError: pass\ndel m", 0),
    "before another without a loss": (
        "del m; os.truncate(path, 2 * mmap_wrap.PAGESIZE); sys.stderr.flush(); n = mmap_wrap.map_path(path); del n",
        1,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_loss_is_reported_once_if_the_map_is_only_collected(end, tmp_path):
    statements, times = ENDS[end]
    child = run(LOST.format(end=statements), tmp_path / "data")
    assert (child.returncode, child.stdout) == (0, "after\n"), child.stderr
    assert child.stderr.count("was lost") == times, child.stderr


def test_a_loss_is_an_error_if_warnings_are(tmp_path):
    """With -W error, a warning in a garbage collection cannot be raised: sys.unraisablehook gets it."""
    script = LOST.format(end="warnings.simplefilter('error'); del m")
    child = run(script, tmp_path / "data")
    assert (child.returncode, child.stdout) == (0, "after\n"), child.stderr
    assert child.stderr.count("was lost") == 1, child.stderr


def test_a_file_beyond_rlimit_fsize_is_an_error_and_leaves_nothing(tmp_path):
    script = f"""
import os, resource, signal, sys
import mmap_wrap
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the default action, as in C; Python ignores it
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    mmap_wrap.open(sys.argv[1], "w+", size=1 << 20)
except OSError as error:
    print(error.errno == {errno.EFBIG}, os.path.exists(sys.argv[1]))
"""
    child = run(script, tmp_path / "data")
    assert child.returncode != -signal.SIGXFSZ
    assert child.stdout == "True False\n", child.stderr


def test_the_collector_does_not_visit_a_map_that_is_being_deallocated(tmp_path):
    """Code called during deallocation may run the garbage collector, which once deallocated the map a second time."""
    script = LOST.format(end="import gc; warnings.showwarning = lambda *_: gc.collect(); del m; gc.collect()")
    child = run(script, tmp_path / "data")
    assert (child.returncode, child.stdout) == (0, "after\n"), child.stderr
