"""Each call of the standard library, with each value that may be invalid, on both modules.

Both raise the same exception type, number (of an OSError) and message, or return the same result.
What differs on purpose is in the table of test_standard_differential, which the README repeats.
"""

import itertools
import mmap as stdlib
import os
import sys
import weakref
from functools import partial

import pytest
from conftest import message_of
from test_standard_differential import DIFFERENCES

import mmap_wrap

PAGE = stdlib.PAGESIZE
SIZE = 2 * PAGE + 12
DATA = (b"one two three\n" * SIZE)[:SIZE]


class Raises:
    def __index__(self):
        raise LookupError("no index")

    def __repr__(self):
        return "Raises()"


ALL = [0, 1, 7, 100, -1, -2, PAGE, 9999, 3 * PAGE, 2**31, 2**32 + 1, sys.maxsize, -sys.maxsize - 1, 2**64, -(2**70)]
ALL += [None, 1.0, "1", b"a", b"", True, [], Raises()]
FEW = [0, 1, -1, PAGE, PAGE + 1, 2 * PAGE, SIZE, SIZE + 1, 2**31, sys.maxsize, 2**64, None, 1.5, "x", b"a"]

ONE = ["flush", "read", "resize", "seek", "write", "write_byte", "madvise", "find", "rfind", "move", "__getitem__"]
TWO = ["flush", "seek", "madvise", "find", "rfind", "__setitem__"]
NONE = ["close", "flush", "read", "readline", "read_byte", "size", "tell", "__len__", "__enter__", "__exit__"]
CALLS = [(name, ()) for name in NONE]
CALLS += [(name, (value,)) for name in ONE for value in ALL]
CALLS += [(name, values) for name in TWO for values in itertools.product(FEW, FEW)]
CALLS += [("madvise", values) for values in itertools.product([0, 4, 9999, -1], FEW, FEW)]
CALLS += [("move", values) for values in itertools.product([0, 1, PAGE, SIZE, -1, 2**31], repeat=3)]
CALLS += [("find", values) for values in itertools.product([b"t", b"", 1], FEW, FEW)]

MAPS = {
    "anonymous": lambda module, fd: module.mmap(-1, SIZE),
    "file": lambda module, fd: module.mmap(fd, 0),
    "reading": lambda module, fd: module.mmap(fd, 0, access=module.ACCESS_READ),
    "copy": lambda module, fd: module.mmap(fd, 0, access=module.ACCESS_COPY),
    "private": lambda module, fd: module.mmap(fd, SIZE, flags=module.MAP_PRIVATE),
    "writing": lambda module, fd: module.mmap(fd, 0, prot=module.PROT_WRITE),
    "closed": lambda module, fd: closed(module.mmap(fd, 0)),
    "viewed": lambda module, fd: module.mmap(fd, 0),
    "at its end": lambda module, fd: at_end(module.mmap(fd, 0)),
}


def closed(m):
    m.close()
    return m


def at_end(m):
    m.seek(0, os.SEEK_END)
    return m


def outcome(call):
    try:
        return call()
    except Exception as error:
        return error


def alike(mine, theirs):
    if not isinstance(theirs, Exception) or not isinstance(mine, Exception):
        return (hasattr(mine, "close") and hasattr(theirs, "close")) or (type(mine) is type(theirs) and mine == theirs)
    if type(mine) is not type(theirs) or getattr(mine, "errno", None) != getattr(theirs, "errno", None):
        return False
    # Messages about the types and the number of arguments, and about numbers too large for C, are the interpreter's,
    # and differ between versions.
    if isinstance(theirs, TypeError) and not str(theirs).startswith("mmap can't"):
        return True
    return str(mine) == str(theirs) or (isinstance(theirs, OverflowError) and "too large" in str(theirs))


def is_known(line, mine, theirs):
    # Of two errors, one of which is that the map is closed, the other may be reported.
    if "mmap closed or invalid" in str(theirs) and isinstance(mine, (TypeError, OverflowError, LookupError)):
        return True
    # If None is rejected, the other numbers are not checked.
    if "None" in line and isinstance(theirs, TypeError):
        return True
    if sys.version_info >= (3, 14) and is_known_from_3_14(line, mine, theirs):
        return True
    return any(row.explains(line, mine, theirs) for row in DIFFERENCES)


def is_known_from_3_14(line, mine, theirs):
    # The standard library checks the value of an item before the index, and before whether the map is closed; this
    # module after them, as in earlier versions. Only these two errors are excused.
    value_first = isinstance(theirs, (ValueError, TypeError)) and ("item value" in str(theirs) or "fit" in str(theirs))
    two_wrong = isinstance(mine, IndexError) or str(mine) == "mmap closed or invalid"
    if line.startswith("m.__setitem__") and value_first and two_wrong:
        return True
    if line.startswith("m.seek") and isinstance(theirs, OverflowError) and str(mine) == "mmap closed or invalid":
        return True
    # A with statement always passes three arguments; without them __exit__ closes the map here.
    if line == "m.__exit__()" and isinstance(theirs, TypeError):
        return True
    # In 3.14 None is the length of the map, and so out of range with any offset but 0; in 3.15, as here, it is the rest
    # from the offset.
    return sys.version_info < (3, 15) and line.endswith(", None)") and "flush values" in str(theirs)


@pytest.fixture
def file(tmp_path):
    with open(tmp_path / "data", "w+b") as file:
        yield file


def fresh(file):
    os.truncate(file.fileno(), 0)
    os.pwrite(file.fileno(), DATA, 0)
    return file.fileno()


@pytest.mark.parametrize("kind", MAPS)
def test_methods_raise_the_errors_of_the_standard_library(kind, file):
    wrong, calls = [], CALLS
    if kind == "anonymous" and sys.version_info < (3, 14):
        # In the standard library, access to a map that was grown in this way ends the process.
        calls = [call for call in CALLS if call[0] != "resize"]
    for name, values in calls:
        outcomes = []
        for module in (mmap_wrap, stdlib):
            m = MAPS[kind](module, fresh(file))
            view = memoryview(m) if kind == "viewed" else None
            outcomes.append(outcome(lambda m=m, name=name, values=values: getattr(m, name)(*values)))
            if view is not None:
                view.release()
            m.close()
        line = f"m.{name}({', '.join(map(repr, values))})"
        if not alike(*outcomes) and not is_known(line, *outcomes):
            wrong.append((line, *outcomes))
    assert not wrong, f"{len(wrong)} calls\n" + "\n".join(map(str, wrong[:50]))


def end_of_a_pipe():
    reading, writing = os.pipe()
    os.close(writing)
    return reading


def length_of(module, fd, length, options):
    return len(module.mmap(fd, length, **options))


OPEN = {
    "for both": lambda path: os.open(path, os.O_RDWR),
    "for reading": lambda path: os.open(path, os.O_RDONLY),
    "for writing": lambda path: os.open(path, os.O_WRONLY),
    "a folder": lambda path: os.open(os.path.dirname(path), os.O_RDONLY),
    "a device": lambda path: os.open("/dev/null", os.O_RDWR),
    "a pipe": lambda path: end_of_a_pipe(),
    "nothing": lambda path: -1,
    "no descriptor": lambda path: -2,
    "not open": lambda path: 999_999,
    "large": lambda path: 2**31,
    "larger": lambda path: 2**64,
    "no number": lambda path: "1",
}
LENGTHS = [0, 1, 10, SIZE, SIZE + 1, -1, 2**31, 2**40, 2**64, None, "x"]
OPTIONS = [{}, *({"access": access} for access in (1, 2, 3, 4, -1, 2**40))]
OPTIONS += [{"flags": flags} for flags in (0, 2, 3, 2**31)] + [{"prot": prot} for prot in (0, 1, 2, 16, 2**40)]
OPTIONS += [{"offset": offset} for offset in (PAGE, 2 * PAGE, 3 * PAGE, -1, 2**64)]
OPTIONS += [{"access": 1, "prot": 1}]


@pytest.mark.parametrize("which", OPEN)
def test_constructors_raise_the_errors_of_the_standard_library(which, file):
    wrong = []
    for length, options in itertools.product(LENGTHS, OPTIONS):
        fresh(file)
        fd = OPEN[which](file.name)
        outcomes = [outcome(partial(length_of, m, fd, length, options)) for m in (mmap_wrap, stdlib)]
        if isinstance(fd, int) and 0 <= fd < 999_999:
            os.close(fd)
        line = f"len(mmap.mmap({which}, {length}, {options}))"
        mine, theirs = outcomes
        # The kernel checks flags last, so another error may be reported first.
        both = options.get("flags") == 3 and type(mine) is mmap_wrap.ArgumentError
        unknown = 16 in options.values() and isinstance(mine, OSError)
        if not alike(mine, theirs) and not is_known(line, mine, theirs) and not both and not unknown:
            wrong.append((line, mine, theirs))
    assert not wrong, f"{len(wrong)} calls\n" + "\n".join(map(str, wrong[:50]))


def test_an_error_makes_no_reference_cycle(collected_when_asked):
    for name, values in (
        ("flush", (1, 2)),
        ("flush", (9999,)),
        ("madvise", (9999,)),
        ("resize", (0,)),
        ("move", (1, 2)),
    ):
        m = mmap_wrap.mmap(-1, PAGE, flags=mmap_wrap.MAP_PRIVATE)
        assert isinstance(outcome(lambda m=m, name=name, values=values: getattr(m, name)(*values)), Exception)
        there = weakref.ref(m)
        del m
        assert there() is None, name
    m = mmap_wrap.mmap(-1, PAGE)
    view, there = memoryview(m), weakref.ref(m)
    assert isinstance(outcome(m.close), BufferError)
    view.release()
    del m, view
    assert there() is None


def test_the_librarys_message_is_a_note(file):
    m = mmap_wrap.mmap(-1, PAGE)
    for call, words in (
        (lambda: m.flush(1, 2), "offset 1 is not a multiple of the page size"),
        (lambda: m.flush(0, 2 * PAGE), f"extends beyond {PAGE} byte mapping"),
        (lambda: m.madvise(9999), "9999 is not advice"),
        (lambda: m.move(0, 5, PAGE), f"extends beyond {PAGE} byte mapping"),
        (lambda: mmap_wrap.mmap(-1, 1, flags=0), "neither MAP_SHARED"),
    ):
        with pytest.raises((ValueError, OSError)) as caught:
            call()
        assert not isinstance(caught.value, mmap_wrap.ArgumentError)
        assert words in message_of(caught.value)
        assert words not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="for other systems")
def test_a_name_of_windows_is_an_unknown_argument_elsewhere():
    with pytest.raises(TypeError, match="tagname"):
        mmap_wrap.mmap(-1, 10, tagname="x")


@pytest.mark.skipif(sys.platform == "win32", reason="for other systems")
def test_an_error_has_no_code_of_windows_elsewhere():
    with pytest.raises(FileNotFoundError) as raised:
        mmap_wrap.open("/nowhere")
    assert not hasattr(raised.value, "winerror")
