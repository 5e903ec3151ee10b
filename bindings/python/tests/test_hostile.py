"""Hostile arguments, subclasses and threads: each is an exception, and none ends the process.

Most of it runs in processes of its own, which may die; a death by a signal fails the test with the line that did it.
MMAP_WRAP_CALLS says how many random calls are made of each function, MMAP_WRAP_SEED where they begin.
"""

import ctypes
import gc
import os
import pickle
import subprocess
import sys
from pathlib import Path

import hostile_calls
import pytest
from conftest import run, run_well

import mmap_wrap
from mmap_wrap import _native, _signatures, mmap, raw

CALLS = int(os.environ.get("MMAP_WRAP_CALLS", "60"))
SEED = int(os.environ.get("MMAP_WRAP_SEED", "0"))
FUNCTIONS = sorted(hostile_calls.public())
GROUPS = [FUNCTIONS[i::6] for i in range(6)]
BASE = mmap.__base__


@pytest.mark.parametrize("functions", GROUPS, ids=range(len(GROUPS)))
def test_no_argument_does_more_than_raise(functions, tmp_path):
    script = str(Path(hostile_calls.__file__))
    words = [
        sys.executable,
        "-X",
        "faulthandler",
        "-W",
        "ignore",
        script,
        ",".join(functions),
        str(SEED),
        str(CALLS * len(functions)),
    ]
    child = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=1200)
    last = f"after {(tmp_path / 'last').read_text(errors='replace')}" if (tmp_path / "last").exists() else ""
    assert child.returncode == 0, f"{child.returncode} {last}\n{child.stdout[-2000:]}{child.stderr[-2000:]}"


def test_every_public_function_is_called():
    names = {name.rpartition(".")[2] for name in FUNCTIONS}
    assert {name for name in dir(mmap) if name[0] != "_" and name != "closed"} <= names
    assert {name for name in mmap_wrap.__all__ if name.islower() and name != "error"} <= names
    assert {"__getitem__", "__setitem__", "__delitem__", "__next__", "__enter__", "__exit__"} <= names


@pytest.mark.parametrize("name", sorted(_signatures.SIGNATURES))
def test_the_c_calls_raise_for_non_numbers(name):
    kinds = _signatures.SIGNATURES[name][1:]
    for place, kind in enumerate(kinds):
        for wrong in [[], object(), mmap_wrap] + ([] if kind == "d" else [1.5]):
            arguments = [b"" if one == "t" else 0 for one in kinds]
            arguments[place] = wrong
            with pytest.raises((ctypes.ArgumentError, TypeError)):
                getattr(raw, name)(*arguments)


def test_an_object_with_the_class_of_a_slice_is_not_a_slice():
    m = mmap(-1, 100)
    for key in (hostile_calls.impostor(slice), hostile_calls.impostor(int)):
        with pytest.raises(TypeError, match="mmap indices must be integers"):
            m[key]
        with pytest.raises(TypeError, match="mmap indices must be integers"):
            m[key] = b"a"


def test_a_map_keeps_its_handle_for_life():
    one, other = mmap(-1, 4096), mmap(-1, 4096)
    view = memoryview(one)
    handle = one._handle
    for change in (lambda: setattr(one, "_handle", other._handle), lambda: delattr(one, "_handle")):
        with pytest.raises((AttributeError, TypeError)):
            change()
    mmap._handle.__get__(one)
    with pytest.raises((AttributeError, TypeError)):
        mmap._handle.__set__(one, 0)
    view.release()
    assert one._handle == handle


def test_no_map_is_created_without_its_constructor():
    for make in (
        lambda: object.__new__(mmap),
        lambda: mmap._of(1.5, 0, False),
        lambda: mmap._of(2**64, 0, False),
        lambda: mmap._of(0, 0),
        lambda: mmap._of(handle=0, access=0, survive=False),
        lambda: mmap.__new__(mmap),
        lambda: mmap.__new__(object, -1, 10),
        lambda: mmap.__new__(BASE, -1, 10),
    ):
        with pytest.raises((TypeError, OverflowError)):
            make()


def test_a_map_without_a_handle_raises_and_is_not_pickled():
    for handle in (0, -1, 12345, 2**62):
        bare = mmap._of(handle, 0, False)
        for use in (
            len,
            memoryview,
            lambda m: m[0],
            lambda m: m[:],
            lambda m: m.__setitem__(0, 1),
            lambda m: m.read(1),
        ):
            with pytest.raises(ValueError, match="is not a valid mapping handle"):
                use(bare)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(ValueError, match="is not a valid mapping handle"):
                pickle.dumps(bare, protocol)


def test_two_objects_of_one_handle_close_one_mapping(nothing_leaks):
    before = raw.mmap_wrap_list(None, 0)
    m = mmap(-1, 100)
    again = mmap._of(m._handle, 0, False)
    view = memoryview(again)
    with pytest.raises(BufferError):
        m.close()
    del view
    del again
    with pytest.raises(ValueError, match="closed"):
        m[0]
    assert raw.mmap_wrap_list(None, 0) == before


def test_the_class_of_a_map_changes_only_to_one_of_the_same_layout():
    class Other(mmap):
        __slots__ = ()

    class Alien:
        pass

    m = mmap(-1, 10)
    for alien in (Alien, BASE, int, object, type("Wide", (mmap,), {"__slots__": ("more",)})):
        with pytest.raises(TypeError):
            m.__class__ = alien
    m.__class__ = Other
    m[0] = 7
    assert m[0] == 7
    assert type(m) is Other


def test_an_abstract_class_leaves_no_mapping_behind(nothing_leaks):
    import abc

    class Abstract(mmap, metaclass=abc.ABCMeta):
        @abc.abstractmethod
        def missing(self):
            """No class implements it."""

    try:
        Abstract(-1, 10)
    except TypeError:
        # `object` has this for abstract classes; the standard library's mmap does not.
        pass


def test_replaced_functions_of_ctypes_have_no_effect():
    script = """
import ctypes
ctypes.pythonapi.PyBytes_FromStringAndSize.restype = None
import mmap_wrap
ctypes.pythonapi.PyBytes_FromStringAndSize.argtypes = ()
ctypes.pythonapi.PyBytes_FromStringAndSize.restype = ctypes.c_double
m = mmap_wrap.mmap(-1, 100)
assert m[::7] == bytes(15)
"""
    run_well(script)


def test_the_functions_of_the_native_module_check_their_arguments():
    for wrong in (1, None, 1.5):
        with pytest.raises(TypeError):
            _native.load(wrong, 1)
    for wrong in (1, None, "PROT_READ", 1.5):
        with pytest.raises(TypeError):
            _native.constant(wrong)
    for arguments in ((), ("x",), ("x", "1"), ("x", 1, 1)):
        with pytest.raises(TypeError):
            _native.load(*arguments)
    for wrong in (1, None, mmap(-1, 1), bool):
        with pytest.raises(TypeError):
            _native.make_class(wrong)


def test_a_subclass_may_define_buffer():
    if sys.version_info < (3, 12):
        pytest.skip("skipped: __buffer__ is a method since Python 3.12")

    class Own(mmap):
        def __buffer__(self, flags):
            return super().__buffer__(flags)

        def __release_buffer__(self, view):
            super().__release_buffer__(view)

    m = Own(-1, 100)
    for _ in range(3):
        view = memoryview(m)
        with pytest.raises(BufferError):
            m.close()
        view.release()
    view = mmap.__buffer__(m, 0)
    for wrong in (memoryview(b"abc"), memoryview(mmap(-1, 10)), None, 5):
        with pytest.raises((ValueError, TypeError)):
            mmap.__release_buffer__(m, wrong)
    mmap.__release_buffer__(m, view)
    del view
    gc.collect()
    m.close()
    assert m.closed


FAILING = {
    "index": lambda m: m["x"],
    "beyond": lambda m: m[10**6],
    "impostor": lambda m: m[hostile_calls.impostor(slice)],
    "slice": lambda m: m["a":],
    "set": lambda m: m.__setitem__(0, 300),
    "set slice": lambda m: m.__setitem__(slice(0, 5), b"1234"),
    "set no buffer": lambda m: m.__setitem__(slice(0, 5), 5),
    "delete": lambda m: m.__delitem__(0),
    "stride": lambda m: m[::3],
    "set stride": lambda m: m.__setitem__(slice(0, 9, 3), b"abc"),
    "bytes": lambda m: m[3:90],
    "view": lambda m: memoryview(m)[3],
    "find": lambda m: m.find(b"nothing"),
    "make": lambda m: mmap(-1, 10),
    "make wrong": lambda m: mmap(-1, -1),
    "new": lambda m: BASE(0, 0),
    "new wrong": lambda m: BASE("x", 0),
    "closed": lambda m: mmap_wrap.anonymous(10).__exit__(None, None, None) or len(hostile_calls.closed(mmap(-1, 9))),
    "lines": lambda m: list(m.lines()),
    "kind": lambda m: m.get("u4", 10**9),
}


@pytest.mark.parametrize("name", FAILING)
def test_no_memory_block_or_reference_leaks(name):
    m, call = mmap(-1, 100), FAILING[name]
    watched = (m, mmap, BASE, "x", call)

    def many(count):
        for _ in range(count):
            try:
                call(m)
            except Exception:
                pass
        gc.collect()
        return sys.getallocatedblocks(), [sys.getrefcount(one) for one in watched]

    many(100)
    blocks, counts = many(100)
    more_blocks, more_counts = many(3000)
    # A leak in each call would be 3000 objects; the sizes of the interpreter's tables vary.
    assert more_blocks - blocks < 1000
    assert all(abs(more - count) < 100 for more, count in zip(more_counts, counts))


THREADS = """
import os, sys, threading, random
import mmap_wrap
from mmap_wrap import mmap, raw
maps = [mmap(-1, 200_000) for _ in range(4)]
wrong = []

def work(seed):
    choose = random.Random(seed)
    for _ in range(1500):
        i = choose.randrange(len(maps))
        m = maps[i]
        try:
            kind = choose.randrange(12)
            if kind == 0: m.close(); maps[i] = mmap_wrap.memfd(200_000)
            elif kind == 1: m.resize(choose.randrange(1, 300_000))
            elif kind == 2: m[:]
            elif kind == 3: m[::-1]
            elif kind == 4: m[5:150_005] = bytes(150_000)
            elif kind == 5: memoryview(m)[choose.randrange(200_000)]
            elif kind == 6: m.find(b"x" * 9)
            elif kind == 7: m.readline(); m.seek(0)
            elif kind == 8: m.copy_from(maps[0])
            elif kind == 9: m.view("u4")[3]
            elif kind == 10: list(m.lines())
            elif kind == 11: m.split(mmap_wrap.PAGESIZE).close()
        except (ValueError, BufferError, IndexError, mmap_wrap.FaultError):
            pass
        except OSError as error:
            # Shared memory without a file cannot grow, and parts of the others were split off.
            if error.errno not in (12, 14, 22): wrong.append(repr(error))
        except BaseException as error:
            wrong.append(repr(error))

threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
for thread in threads: thread.start()
for number in range(FORKS):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for m in list(maps):
                try:
                    m[:10]; m.find(b"y"); memoryview(m)[0]; m.close()
                except (ValueError, BufferError, IndexError, mmap_wrap.FaultError):
                    pass
            code = 0
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    if status: wrong.append(f"child {status}")
for thread in threads: thread.join()
for m in maps: m.close()
del m
if raw.mmap_wrap_list(None, 0): wrong.append(f"{raw.mmap_wrap_list(None, 0)} mappings are left")
sys.exit("; ".join(wrong[:5]) or 0)
"""


@pytest.mark.parametrize("forks", [0, 10])
def test_threads_that_close_resize_split_and_read_the_same_maps(forks):
    child = run(f"import warnings; warnings.simplefilter('ignore')\nFORKS = {forks}\n{THREADS}")
    assert (child.returncode, child.stderr) == (0, "")


RESIZED = """
import sys, threading
import mmap_wrap
sys.setswitchinterval(1e-6)
m, done = mmap_wrap.memfd(200_000), []

def work():
    while not done:
        try:
            m.resize(100_001)
            m.resize(200_000)
        except BufferError:
            pass

thread = threading.Thread(target=work)
thread.start()
try:
    for _ in range(10_000):
        try:
            m.view("u4")
        except ValueError:
            pass
finally:
    done.append(True)
    thread.join()
"""


def test_a_view_of_a_map_that_another_thread_resizes_is_consistent_or_an_error():
    run_well(RESIZED)


ENDING = """
import os, sys, threading, time
import mmap_wrap
m = mmap_wrap.mmap(-1, 1 << 22)

class Slow:
    def __index__(self, sleep=time.sleep):
        sleep(0.001)
        return 5

def work(m=m, slow=Slow()):
    while True:
        %s

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()

class Late:
    "Deallocated while the interpreter ends, and gives the threads time to request its lock once more."
    def __del__(self, sleep=time.sleep, write=os.write):
        sleep(0.3)
        write(1, b"late")

sys.modules["late"] = Late()
time.sleep(0.05)
"""


@pytest.mark.parametrize(
    "work", ["m[:]", "m[0:100_000] = bytes(100_000)", "m[slow]", "m[slow] = 1", "m[slow:9:2]", "m.find(b'x')"]
)
def test_the_interpreter_ends_while_threads_use_maps(work):
    assert run_well(ENDING % work) == "late"


SUBINTERPRETER = """
import sys
try:
    import %s as interpreters
except ImportError:
    sys.exit("none")
import mmap_wrap
kept = mmap_wrap.mmap(-1, 5000)
kept[:5] = b"hello"
used = '''
try:
    import mmap_wrap
except ImportError:
    pass
else:
    m = mmap_wrap.mmap(-1, 5000)
    m[3] = 7
    v = memoryview(m)
    try:
        m["x"]
    except TypeError:
        pass
    try:
        m.close()
    except BufferError:
        pass
    m[::3], m.find(b"\\\\7"), list(m.lines())
    cycle = [m, v]; cycle.append(cycle)
'''
for _ in range(3):
    one = interpreters.create()
    interpreters.run_string(one, used)
    interpreters.destroy(one)
    assert kept[:5] == b"hello" and mmap_wrap.mmap(-1, 9)[::2] == bytes(5)
"""


@pytest.mark.parametrize("module", ["_xxsubinterpreters", "_interpreters"])
def test_other_interpreters_use_it_or_cannot_import_it(module):
    child = run(SUBINTERPRETER % module)
    if child.stderr.strip() == "none":
        pytest.skip(f"skipped: this Python has no {module}")
    assert (child.returncode, child.stderr) == (0, "")
