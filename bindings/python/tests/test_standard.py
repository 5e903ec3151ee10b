"""The same calls on the standard library's `mmap` and on this one: the same results, exceptions and, where its own
tests check them, messages.
"""

import collections.abc
import copy
import errno
import mmap as stdlib
import operator
import os
import pickle
import re
import sys
import weakref

import pytest
from conftest import message_of, run_well

import mmap_wrap

BOTH = pytest.mark.parametrize("module", [stdlib, mmap_wrap], ids=["stdlib", "mmap_wrap"])
DATA = b"aabaac\x00deef\x00\x00aa\x00one two ones" + bytes(range(256))


@pytest.fixture
def data_file(tmp_path):
    with open(tmp_path / "data", "w+b") as file:
        file.write(DATA)
        file.flush()
        yield file


def outcome(call, *arguments, message=False):
    """The result, or the class of the exception with its message (if `message`), or for an OSError with its number."""
    try:
        return call(*arguments)
    except OSError as error:
        return OSError, error.errno
    except Exception as error:
        return type(error), str(error) if message else ""


def same(call, *, message=False):
    """Calls with each module, asserts that the outcomes are equal, and returns the outcome."""
    expected = outcome(call, stdlib, message=message)
    assert outcome(call, mmap_wrap, message=message) == expected
    return expected


def anonymous(module, data=DATA):
    m = module.mmap(-1, len(data))
    m[:] = data
    return m


BOUNDS = (0, 1, 3, 19, 300, sys.maxsize, -1, -2, -31, -300, None)


@pytest.mark.parametrize("step", [None, 1, 2, 3, 19, 300, sys.maxsize, -1, -2, -31, -300])
def test_slices_are_read_as_in_the_standard_library(step):
    mine = anonymous(mmap_wrap)
    for start in BOUNDS:
        for stop in BOUNDS:
            assert mine[start:stop:step] == DATA[start:stop:step]


@pytest.mark.parametrize("step", [1, 2, 3, 19, 300, -1, -2, -31])
def test_slices_are_assigned_as_in_the_standard_library(step):
    mine, theirs = anonymous(mmap_wrap), anonymous(stdlib)
    for start in BOUNDS:
        for stop in BOUNDS:
            where = slice(start, stop, step)
            for new in (theirs[where][::-1], b"", theirs[where] + b"x"):
                expected = outcome(operator.setitem, theirs, where, new)
                assert outcome(operator.setitem, mine, where, new) == expected
            assert mine[:] == theirs[:]


def test_a_wide_stride_over_much_memory_reads_the_right_bytes():
    m = mmap_wrap.mmap(-1, 5 << 20)
    expected = bytes(range(1, 6))
    for i, byte in enumerate(expected):
        m[(i << 20) + 7] = byte
    assert m[7 :: 1 << 20] == expected
    assert m[(4 << 20) + 7 :: -(1 << 20)] == expected[::-1]
    assert m[7 :: 1 << 19] == b"\1\0\2\0\3\0\4\0\5\0"


def test_a_wide_stride_needs_no_memory_for_the_bytes_between():
    m = mmap_wrap.mmap(-1, 1 << 40, flags=mmap_wrap.MAP_PRIVATE | mmap_wrap.MAP_NORESERVE)
    m[-1] = 9
    assert m[:: -(1 << 38)] == b"\x09\0\0\0"


def test_an_assignment_to_a_strided_slice_writes_no_byte_between():
    m = mmap_wrap.mmap(-1, 3 * mmap_wrap.PAGESIZE)
    m.protect(mmap_wrap.PROT_READ, mmap_wrap.PAGESIZE, mmap_wrap.PAGESIZE)
    m[:: 2 * mmap_wrap.PAGESIZE] = b"ab"
    assert (m[0], m[2 * mmap_wrap.PAGESIZE]) == (ord("a"), ord("b"))


@pytest.mark.parametrize(
    "index", [0, 5, -1, True, len(DATA) - 1, len(DATA), -len(DATA), -len(DATA) - 1, 2**70, -(2**70)]
)
def test_items_are_read_as_in_the_standard_library(index):
    same(lambda module: anonymous(module)[index])
    same(lambda module: operator.setitem(anonymous(module), index, 7))


@pytest.mark.parametrize("index", [1.0, "1", b"1", None, (1,)])
def test_invalid_indices_fail_as_in_the_standard_library(index):
    same(lambda module: anonymous(module)[index], message=True)
    # The standard library's message differs between versions.
    same(lambda module: operator.setitem(anonymous(module), index, 7))


@pytest.mark.parametrize("value", [0, 255, True, 256, -1, b"a", "a", None, 1.0])
def test_item_values_are_checked_as_in_the_standard_library(value):
    def assign(module):
        m = anonymous(module)
        m[3] = value
        return m[3]

    same(assign, message=True)


@pytest.mark.parametrize(
    "value", [b"abc", bytearray(b"abc"), memoryview(b"abc"), b"ab", b"abcd", "abc", 3, None, [1, 2, 3]]
)
def test_slice_values_are_checked_as_in_the_standard_library(value):
    def assign(module):
        m = anonymous(module)
        m[3:6] = value
        return m[:]

    same(assign)


def test_a_strided_memoryview_fails_as_in_the_standard_library():
    same(lambda module: operator.setitem(anonymous(module), slice(0, 3), memoryview(b"abcdef")[::2]), message=True)


def test_items_cannot_be_deleted():
    same(lambda module: operator.delitem(anonymous(module), 0), message=True)
    same(lambda module: operator.delitem(anonymous(module), slice(0, 2)), message=True)


@pytest.mark.parametrize("name", ["find", "rfind"])
def test_finding_agrees_with_the_standard_library(name):
    data = b"one two ones"
    mine, theirs = anonymous(mmap_wrap, data), anonymous(stdlib, data)
    for start in range(-len(data) - 2, len(data) + 2):
        for needle in (b"o", b"on", b"two", b"ones", b"s", b"x"):
            assert getattr(mine, name)(needle, start) == getattr(theirs, name)(needle, start)
            for end in range(-len(data) - 2, len(data) + 2):
                found = getattr(mine, name)(needle, start, end)
                assert found == getattr(theirs, name)(needle, start, end), (needle, start, end)
                assert found == getattr(data, name)(needle, start, end)


def test_finding_checks_types_as_the_standard_library_does():
    for needle in (bytearray(b"one"), memoryview(b"one"), b"", "one", 1, None):
        same(lambda module, needle=needle: anonymous(module).find(needle))
    same(lambda module: anonymous(module).find(b"one", "0"))
    same(lambda module: anonymous(module).find(b"one", 0, 1.0))
    same(lambda module: anonymous(module).find())


def test_moving_agrees_with_the_standard_library():
    offsets = [-100, -1, 0, 1, 5, 9, 10, 100]
    for dest in offsets:
        for source in offsets:
            for count in offsets:

                def moved(module, dest=dest, source=source, count=count):
                    m = anonymous(module, b"0123456789")
                    m.move(dest, source, count)
                    return m[:]

                same(moved)


def test_madvise_agrees_with_the_standard_library():
    page = stdlib.PAGESIZE
    cases = [
        (),
        (page,),
        (page, 2 * page),
        (0, 2),
        (0, 2 * page),
        (2 * page,),
        (-1,),
        (0, -1),
        (page, sys.maxsize),
        (0, sys.maxsize),
        (1.0,),
        ("0",),
    ]
    for case in cases:
        same(lambda module, case=case: module.mmap(-1, 2 * page).madvise(module.MADV_NORMAL, *case))
    for case in (cases[5], cases[6], cases[7], cases[8]):
        same(lambda module, case=case: module.mmap(-1, 2 * page).madvise(module.MADV_NORMAL, *case), message=True)


def test_flushing_agrees_with_the_standard_library(data_file):
    page = stdlib.PAGESIZE
    for access in (stdlib.ACCESS_DEFAULT, stdlib.ACCESS_READ, stdlib.ACCESS_COPY):
        for case in ((), (0, 100), (1, 6), (0, len(DATA)), (0, len(DATA) + 1), (page, 10), (0, 1.0)):
            same(
                lambda module, case=case, access=access: module.mmap(data_file.fileno(), 0, access=access).flush(*case)
            )


CONSTRUCTIONS = {
    "whole file": lambda m, fd: m.mmap(fd, 0)[:],
    "part": lambda m, fd: m.mmap(fd, 10)[:],
    "too long": lambda m, fd: m.mmap(fd, len(DATA) + 1),
    "offset too large": lambda m, fd: m.mmap(fd, 0, offset=2147418112),
    "offset and length too large": lambda m, fd: m.mmap(fd, 1, offset=2147418112),
    "negative length": lambda m, fd: m.mmap(fd, -1),
    "negative offset": lambda m, fd: m.mmap(fd, 0, offset=-1),
    "access and flags": lambda m, fd: m.mmap(fd, 0, flags=m.MAP_PRIVATE, access=m.ACCESS_WRITE),
    "access and prot": lambda m, fd: m.mmap(fd, 0, prot=m.PROT_READ, access=m.ACCESS_WRITE),
    "no such access": lambda m, fd: m.mmap(fd, 0, access=4),
    "negative access": lambda m, fd: m.mmap(fd, 0, access=-1),
    "positional": lambda m, fd: m.mmap(fd, 5, m.MAP_PRIVATE, m.PROT_READ, m.ACCESS_DEFAULT, 0)[:],
    "keywords": lambda m, fd: m.mmap(fileno=fd, length=5, access=m.ACCESS_COPY)[:],
}
FAILURES = {
    "descriptor -2": lambda m, fd: m.mmap(-2, 4096),
    "length of none": lambda m, fd: m.mmap(-1, 0),
    "neither shared nor private": lambda m, fd: m.mmap(-1, 10, flags=0),
    "much too long": lambda m, fd: m.mmap(-1, 2**62),
    "float length": lambda m, fd: m.mmap(-1, 1.0),
    "text descriptor": lambda m, fd: m.mmap("1", 1),
    "offset of nothing": lambda m, fd: m.mmap(fd, 1, offset=None),
    "beyond 64 bits": lambda m, fd: m.mmap(-1, 2**64),
    "no length": lambda m, fd: m.mmap(-1),
    "an argument too many": lambda m, fd: m.mmap(fd, 5, 1, 1, 0, 0, 0, 0),
    "no such keyword": lambda m, fd: m.mmap(fd, 5, colour=1),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_construction_agrees_with_the_standard_library_in_its_messages(name, data_file):
    same(lambda module: CONSTRUCTIONS[name](module, data_file.fileno()), message=True)


@pytest.mark.parametrize("name", FAILURES)
def test_construction_fails_as_in_the_standard_library(name, data_file):
    same(lambda module: FAILURES[name](module, data_file.fileno()))


@pytest.mark.parametrize("access", ["ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY"])
def test_each_access_writes_where_the_standard_library_does(access, data_file):
    def write(module):
        with module.mmap(data_file.fileno(), 0, access=getattr(module, access)) as m:
            m[0] = ord("Z")
            changed = m[:1]
        data_file.seek(0)
        in_file = data_file.read(1)
        data_file.seek(0)
        data_file.write(DATA)
        data_file.flush()
        return changed, in_file

    same(write, message=True)


def test_changes_of_a_read_only_map_fail_as_in_the_standard_library(data_file):
    def read_only(module):
        return module.mmap(data_file.fileno(), 0, prot=module.PROT_READ)

    same(lambda module: operator.setitem(read_only(module), 0, 1), message=True)
    same(lambda module: operator.setitem(read_only(module), slice(0, 1), b"a"), message=True)
    same(lambda module: operator.setitem(read_only(module), "what", b"a"), message=True)
    same(lambda module: read_only(module).move(0, 1, 1), message=True)


def shown(m):
    """The repr of a map, without the name of its module, which the repr of its class also has."""
    module = type(m).__module__
    assert str(type(m)) == f"<class '{module}.mmap'>"
    return repr(m).replace(f"<{module}.", "<")


def test_the_representation_is_the_same(data_file):
    for access in range(4):
        same(lambda module, access=access: shown(module.mmap(data_file.fileno(), 10, access=access)))
    same(lambda module: shown(module.mmap(data_file.fileno(), 10, prot=module.PROT_READ)))

    def closed(module):
        m = module.mmap(-1, 10)
        m.close()
        return re.sub(" access=.*", ">", shown(m).replace(",", ""))

    same(closed)


def test_after_install_other_modules_import_this_one():
    script = """
import pickle, sys, warnings
warnings.simplefilter("error")
import mmap_wrap
mmap_wrap.install()
mmap_wrap.install()
import mmap
from mmap import mmap as kind
m = mmap.memfd(10)
assert mmap is mmap_wrap and kind is type(m) and isinstance(m, mmap.mmap)
print(type(m), repr(m).split()[0])
import multiprocessing.reduction
there = multiprocessing.reduction.ForkingPickler.dumps(m)
# As in a process without install().
del sys.modules["mmap"]
import mmap
assert mmap is not mmap_wrap
pickle.loads(there)[0] = 7
assert m[0] == 7
"""
    assert run_well(script) == "<class 'mmap.mmap'> <mmap.mmap\n"


def test_install_warns_of_modules_that_imported_the_standard_one():
    script = """
import sys, types, warnings
sys.modules["a_library"] = library = types.ModuleType("a_library")
exec("import mmap as memory", vars(library))
sys.modules["another"] = another = types.ModuleType("another")
exec("from mmap import mmap as kind", vars(another))
import mmap_wrap
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    mmap_wrap.install()
    mmap_wrap.install()
import mmap
assert mmap is mmap_wrap
[warning] = caught
assert warning.category is RuntimeWarning and warning.filename == "<string>"
print(warning.message)
"""
    message = "mmap_wrap.install: imported the standard library's mmap before, and keep it: a_library, another."
    assert run_well(script) == f"{message} Call install before the first import of them.\n"


def test_libraries_that_check_the_class_take_the_path_for_mmap():
    pytest.importorskip("pandas")
    script = """
import sys, tempfile
if sys.argv[1] == "mmap_wrap":
    import mmap_wrap
    mmap_wrap.install()
import mmap, pandas
assert mmap.__name__ == sys.argv[1]
file = tempfile.TemporaryFile()
file.write(b"a,b\\n\\xc3\\xa9,2\\n")
file.flush()
m = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
print(ascii(pandas.read_csv(m, encoding="latin1").to_dict("list")))
"""
    assert run_well(script, "mmap_wrap") == run_well(script, "mmap")


def test_a_closed_map_fails_with_the_message_of_the_standard_library():
    calls = {
        "len": len,
        "item": lambda m: m[0],
        "slice": lambda m: m[:],
        "assign": lambda m: operator.setitem(m, 0, 1),
        "enter": lambda m: m.__enter__(),
        "find": lambda m: m.find(b"x"),
        "move": lambda m: m.move(0, 0, 1),
        "flush": lambda m: m.flush(),
        "madvise": lambda m: m.madvise(0),
        "size": lambda m: m.size(),
        "next": lambda m: next(iter(m)),
        "in": lambda m: b"a" in m,
    }
    for call in calls.values():

        def closed(module, call=call):
            m = module.mmap(-1, 10)
            m.close()
            return call(m)

        assert same(closed, message=True)[0] is ValueError


CLOSING = {
    "item": lambda m, x: m[x],
    "slice start": lambda m, x: m[x:20],
    "slice stop": lambda m, x: m[2:x],
    "extended": lambda m, x: m[x:20:2],
    "backwards": lambda m, x: m[20:x:-2],
    "empty slice": lambda m, x: m[x:5],
    "find": lambda m, x: m.find(b"1", 1, x),
    "set item": lambda m, x: operator.setitem(m, x, 1),
    "set value": lambda m, x: operator.setitem(m, 0, x),
    "set slice": lambda m, x: operator.setitem(m, slice(x, 20), b"1" * 10),
    "set extended": lambda m, x: operator.setitem(m, slice(x, 20, 2), b"1" * 5),
    "set backwards": lambda m, x: operator.setitem(m, slice(20, x, -2), b"1" * 5),
    "move": lambda m, x: m.move(1, 2, x),
    "flush": lambda m, x: m.flush(0, x),
    "madvise": lambda m, x: m.madvise(0, 0, x),
    "protect": lambda m, x: m.protect(0, 0, x),
    "view": lambda m, x: m.view("u1", 0, x),
}


@pytest.mark.parametrize("name", CLOSING)
def test_an_index_that_closes_the_map_gives_an_error_and_no_crash(name):
    m = mmap_wrap.mmap(-1, 100)

    class Closing:
        def __index__(self):
            m.close()
            return 10

    with pytest.raises(ValueError, match="mmap closed or invalid"):
        CLOSING[name](m, Closing())


def test_iteration_gives_bytes_and_membership_is_of_bytes():
    assert same(lambda module: list(anonymous(module))) == [bytes((byte,)) for byte in DATA]
    same(lambda module: list(reversed(anonymous(module))))
    for item in (b"a", b"\xff", bytearray(b"b"), memoryview(b"a"), b"aa", b"", 97, "a", None):
        same(lambda module, item=item: item in anonymous(module, b"abc\xff"))
    same(lambda module: b"x" in anonymous(module, b"abc"))


def test_other_libraries_accept_a_map_as_they_accept_the_standard_one():
    # The class has a method for `in`, so a map is a Container; in the standard library `in` iterates.
    names = (name for name in collections.abc.__all__ if name not in ("ByteString", "Container"))
    kinds = [getattr(collections.abc, name) for name in names]
    for kind in kinds:
        same(lambda module, kind=kind: isinstance(anonymous(module), kind))
    # Special methods that programs test for; the class may have others, such as __reduce__.
    for name in (
        "__iter__",
        "__reversed__",
        "__len__",
        "__getitem__",
        "__setitem__",
        "__add__",
        "__mul__",
    ):
        same(lambda module, name=name: hasattr(module.mmap, name))
    same(lambda module: type(iter(anonymous(module))))
    for place in (0, -1, len(DATA), -len(DATA) - 1):
        same(lambda module, place=place: operator.getitem(anonymous(module), place))

    def subclass(module):
        class Table(module.mmap):
            pass

        return list(Table(-1, 2)), isinstance(Table(-1, 2), collections.abc.Iterable)

    same(subclass)


def test_pandas_treats_a_map_as_one_value():
    pandas = pytest.importorskip("pandas")
    same(lambda module: pandas.Series(anonymous(module)).shape)


@BOTH
def test_maps_have_no_instance_attributes_but_weak_references(module):
    m = module.mmap(-1, 10)
    with pytest.raises(AttributeError):
        m.colour = 1
    reference = weakref.ref(m)
    assert reference() is m
    del m
    assert reference() is None


def test_maps_are_neither_pickled_nor_copied_nor_added():
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        same(lambda module, p=protocol: pickle.dumps(module.mmap(-1, 10), p), message=True)
    same(lambda module: copy.copy(module.mmap(-1, 10)), message=True)
    same(lambda module: copy.deepcopy(module.mmap(-1, 10)), message=True)
    same(lambda module: module.mmap(-1, 10) * 2)
    same(lambda module: module.mmap(-1, 10) + b"")


def test_subclasses_work_in_new_and_may_pickle_themselves():
    def subclass(module):
        class Anonymous(module.mmap):
            def __new__(cls, size):
                return super().__new__(cls, -1, size)

            def __init__(self, size):
                self.colour = "red"

            def __reduce__(self):
                return Anonymous, (len(self),)

        m = Anonymous(50)
        return type(m) is Anonymous, len(m), m.colour, len(copy.copy(m)), repr(m)

    same(subclass)


def test_the_constructor_raises_the_standard_auditing_event(data_file):
    # Hooks cannot be removed: this one stays, and is disabled at the end.
    heard, listening = [], True

    def hook(event, arguments):
        if listening and event in ("mmap.__new__", "mmap_wrap.map_path"):
            heard.append((event, *arguments))

    sys.addaudithook(hook)
    for module in (stdlib, mmap_wrap):
        module.mmap(-1, 10).close()
        module.mmap(data_file.fileno(), 0, prot=module.PROT_READ).close()
    mmap_wrap.map_path(data_file.name, 5, stdlib.MAP_PRIVATE, stdlib.PROT_READ, 1).close()
    listening = False
    assert heard[:2] == heard[2:4]
    assert heard[4:] == [("mmap_wrap.map_path", data_file.name, 5, stdlib.MAP_PRIVATE, stdlib.PROT_READ, 1)]


def test_an_audit_hook_that_raises_prevents_the_mapping():
    def forbid(event, arguments):
        if event == "mmap.__new__" and arguments[1] == 123_456:
            raise RuntimeError("forbidden")

    sys.addaudithook(forbid)
    with pytest.raises(RuntimeError, match="forbidden"):
        mmap_wrap.mmap(-1, 123_456)


def test_size_is_that_of_the_file_through_a_duplicate_of_the_descriptor(data_file):
    same(lambda module: module.mmap(data_file.fileno(), 10).size())
    assert mmap_wrap.mmap(-1, 10).size() == 10
    m = mmap_wrap.mmap(data_file.fileno(), 10)
    data_file.close()
    assert m.size() == len(DATA)
    os.truncate(data_file.name, 5000)
    assert m.size() == 5000
    kind, message = OSError, "Bad file descriptor"
    if sys.version_info >= (3, 15):
        kind, message = ValueError, "can't get size with trackfd=False"
    with open(data_file.name, "r+b") as again, pytest.raises(kind, match=message) as caught:
        mmap_wrap.mmap(again.fileno(), 10, trackfd=False).size()
    assert "map_path" in message_of(caught.value)
    assert kind is ValueError or caught.value.errno == errno.EBADF
    if sys.version_info >= (3, 13):
        with open(data_file.name, "r+b") as again:
            same(lambda module: module.mmap(again.fileno(), 10, trackfd=False).size())


def test_size_opens_no_descriptor(data_file):
    script = """
import mmap, os, resource, sys
import mmap_wrap
file = open(sys.argv[1], "r+b")
maps = [module.mmap(file.fileno(), 10) for module in (mmap, mmap_wrap)]
maps.append(mmap_wrap.open(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
try:
    while True:
        os.dup(0)
except OSError:
    pass
print({m.size() for m in maps})
"""
    assert run_well(script, data_file.name) == f"{{{len(DATA)}}}\n"


def test_the_exception_that_leaves_a_with_block_is_not_hidden(data_file):
    for make in (lambda: mmap_wrap.mmap(data_file.fileno(), 0), lambda: mmap_wrap.anonymous(4096)):
        m = make()
        view = memoryview(m)
        with pytest.raises(LookupError, match="what went wrong") as caught, m:
            raise LookupError("what went wrong")
        assert "cannot close exported pointers exist" in message_of(caught.value)
        assert not m.closed
        view.release()
        m.close()
    m = mmap_wrap.anonymous(4096)
    with pytest.raises(BufferError, match="cannot close exported pointers exist"), m:
        view = memoryview(m)
    view.release()
    with pytest.raises(LookupError), m:
        raise LookupError
    assert m.closed


def test_a_file_offset_need_not_be_a_multiple_of_the_page_size(data_file):
    with mmap_wrap.mmap(data_file.fileno(), 10, offset=7) as m:
        assert m[:] == DATA[7:17]
    with mmap_wrap.map_path(data_file.name, offset=100) as m:
        assert m[:] == DATA[100:]


def test_every_constant_of_the_standard_library_has_its_value():
    names = [name for name in dir(stdlib) if name.isupper()]
    assert len(names) > 20
    assert {name: getattr(mmap_wrap, name) for name in names} == {name: getattr(stdlib, name) for name in names}
    assert mmap_wrap.error is OSError
