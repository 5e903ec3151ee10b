"""Maps, views and arrays are pickled as references: other processes map the same memory, and no byte is copied.

Pickled into a file, views and arrays have their bytes.
"""

import concurrent.futures
import copy
import doctest
import errno
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import threading
from multiprocessing.reduction import ForkingPickler

import far_away
import pytest
from conftest import open_descriptors, run, run_well

import mmap_wrap as mmap
from mmap_wrap import _reference
from mmap_wrap._reference import reference, reopen

# What is forked here only opens a map and ends.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork")

GIB = 1 << 30
KINDS = ["file", "unlinked", "memfd", "shared"]
METHODS = multiprocessing.get_all_start_methods()


@pytest.fixture
def make(tmp_path):
    """Makes maps of `size` bytes that begin with "begin", of each kind that other processes can open."""
    names = []

    def make(kind, size=8192):
        if kind == "memfd":
            whole = mmap.memfd(size)
        elif kind == "shared":
            names.append(f"/mmap-wrap-test-{os.getpid()}-{len(names)}")
            whole = mmap.shared_memory(names[-1], size)
        else:
            whole = mmap.open(tmp_path / kind, "w+", size=size)
            if kind == "unlinked":
                (tmp_path / kind).unlink()
        whole[:5] = b"begin"
        return whole

    yield make
    for name in names:
        mmap.unlink_shared_memory(name)


def sent(thing, protocol=None):
    """The pickle of an object as multiprocessing makes it for another process."""
    return bytes(ForkingPickler.dumps(thing, protocol))


def again(thing):
    return pickle.loads(sent(thing))


# Pickled and opened in one process


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_map_pickles_as_a_reference_to_its_file(make, kind, protocol, nothing_leaks):
    one = make(kind)
    pickled = pickle.dumps(one, protocol)
    other = pickle.loads(pickled)
    other[0] = ord("B")
    assert len(pickled) < 600
    assert (one[:5], len(other), type(other)) == (b"Begin", 8192, mmap.mmap)


def test_a_reference_keeps_offset_length_protection_access_and_survival(text_file, nothing_leaks):
    with open(text_file, "rb") as file:
        one = mmap.mmap(file.fileno(), 100, access=mmap.ACCESS_READ, offset=4100)
    two = again(one)
    assert two[:] == text_file.read_bytes()[4100:4200]
    for member in ("length", "protection", "flags", "offset", "keeps_file", "surviving"):
        assert getattr(two.info(), member) == getattr(one.info(), member)
    with pytest.raises(TypeError, match="readonly"):
        two[0] = 1
    third = again(mmap.open(text_file, survive=False))
    assert third.info().surviving == 0


def test_a_map_that_was_split_off_pickles_as_its_part(make, nothing_leaks):
    one = make("memfd", 2 * mmap.PAGESIZE)
    tail = one.split(mmap.PAGESIZE)
    tail[:4] = b"tail"
    assert (again(tail)[:4], again(one)[:5]) == (b"tail", b"begin")


def test_a_map_at_a_fixed_address_is_opened_at_any_address(make, nothing_leaks):
    place = mmap.anonymous(8192)
    address = place.info().address
    with mmap.memfd(8192) as source:
        fd = source.dup_fd()
    fixed = mmap.mmap(fd, 8192, flags=mmap.MAP_SHARED | mmap.MAP_FIXED, address=address)
    os.close(fd)
    assert fixed.info().address == address
    assert again(fixed).info().address != address


def test_a_map_with_map_shared_validate_pickles_as_shared(tmp_path, nothing_leaks):
    with open(tmp_path / "file", "wb+") as file:
        file.write(bytes(8192))
        file.flush()
        try:
            one = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED_VALIDATE | mmap.MAP_SYNC)
        except OSError as error:
            # Without a DAX file system there is no such map; the error shows that the flags reach the kernel.
            if error.errno != errno.EOPNOTSUPP:
                raise
            pytest.skip(f"MAP_SHARED_VALIDATE with MAP_SYNC: {error}")
    again(one)[0] = 7
    assert one[0] == 7


def test_an_empty_file_is_opened_again(tmp_path, nothing_leaks):
    assert len(again(mmap.open(tmp_path / "empty", "w+"))) == 0


def test_a_resizable_map_is_resizable_when_unpickled(tmp_path, nothing_leaks):
    one = mmap.open(tmp_path / "file", "w+", size=4096)
    two = again(one)
    two.resize(8192)
    assert (len(two), one.size()) == (8192, 8192)


def test_a_private_map_that_cannot_be_written_pickles_as_its_file(text_file, nothing_leaks):
    with open(text_file, "rb") as file:
        one = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    assert again(one)[:] == text_file.read_bytes()
    one.protect(mmap.PROT_READ | mmap.PROT_WRITE)
    one[0] = 0
    with pytest.raises(TypeError, match="its changes are private"):
        pickle.dumps(one)


class Table(mmap.mmap):
    """A subclass whose instances have attributes."""


def test_a_subclass_pickles_with_its_attributes(make, nothing_leaks):
    one = make("memfd")
    fd = one.dup_fd()
    table = Table(fd, 0)
    os.close(fd)
    table.name = "accounts"
    other = again(table)
    assert (type(other), other.name, other[:5]) == (Table, "accounts", b"begin")


class Slotted(mmap.mmap):
    __slots__ = "__owner", "colour", "never_set"

    def own(self, owner):
        self.__owner = owner

    def owner(self):
        return self.__owner


class SlottedTable(Slotted):
    """A subclass with the slots of its base, and attributes."""


class Lean(mmap.mmap):
    """A subclass that selects its state."""

    def __getstate__(self):
        return {"kept": self.kept}


class Restored(mmap.mmap):
    """A subclass with its own form of state."""

    __slots__ = ("words",)

    def __getstate__(self):
        return ["in", "order"]

    def __setstate__(self, state):
        self.words = state


def of_class(kind, whole):
    fd = whole.dup_fd()
    try:
        return kind(fd, 0)
    finally:
        os.close(fd)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_subclass_pickles_with_its_slots(make, protocol, nothing_leaks):
    for kind in (Slotted, SlottedTable):
        one = of_class(kind, make("memfd"))
        one.own("owner")
        one.colour = "red"
        if kind is SlottedTable:
            one.name = "accounts"
        other = pickle.loads(pickle.dumps(one, protocol))
        assert (type(other), other.owner(), other.colour, other[:5]) == (kind, "owner", "red", b"begin")
        assert not hasattr(other, "never_set")
        assert getattr(other, "name", None) == getattr(one, "name", None)


def test_a_subclass_chooses_its_own_state(make, nothing_leaks):
    lean = of_class(Lean, make("memfd"))
    lean.kept, lean.dropped = 1, threading.Lock()
    other = again(lean)
    assert (type(other), vars(other), other[:5]) == (Lean, {"kept": 1}, b"begin")
    other = again(of_class(Restored, make("memfd")))
    assert (type(other), other.words, other[:5]) == (Restored, ["in", "order"], b"begin")


def cannot_be_pickled(path):
    with open(path, "rb") as file:
        untracked = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, trackfd=False)
    yield untracked, "keeps no file"
    yield mmap.map_path(path, prot=mmap.PROT_READ), "keeps no file"
    yield mmap.open(path, trackfd=False), "keeps no file"
    yield mmap.open(path, "c"), "its changes are private"
    yield mmap.mmap(-1, 4096), ""
    yield mmap.anonymous(4096), ""
    try:
        yield mmap.secret(4096), "has no path, and cannot be opened"
    except OSError as error:
        print(f"skipped: secret memory: {error}")


def test_memory_that_no_other_process_can_open_is_a_type_error(text_file, nothing_leaks):
    for one, why in cannot_be_pickled(text_file):
        words = f"cannot pickle 'mmap.mmap' object{why and f': .*{why}'}"
        for thing in (one, memoryview(one)[1:3]):
            with pytest.raises(TypeError, match=words):
                sent(thing)
    with mmap.memfd(4096) as closed:
        pass
    with pytest.raises(ValueError, match="closed"):
        pickle.dumps(closed)


def test_copying_is_a_type_error(make, nothing_leaks):
    one = make("memfd")
    for way in (copy.copy, copy.deepcopy):
        for thing in (one, one.view("u4")):
            with pytest.raises(TypeError, match=r"^cannot copy a map, or a view of it"):
                way(thing)
        for thing in (mmap.anonymous(4096), memoryview(b"x")):
            with pytest.raises(TypeError, match=r"^cannot pickle '?m"):
                way(thing)


# Views


def views_of(one):
    yield memoryview(one)
    yield memoryview(one)[5:100]
    yield one.view("u4")[3:9]
    yield one.view("f8", 8)
    yield one.view("u4")[3:20:4]
    yield one.view("u4")[20:3:-4]
    yield one.view("u2")[::-1]
    yield one.view("u4")[:0]
    yield memoryview(one)[8:32].cast("B", (2, 3, 4))
    yield memoryview(one)[8:9].cast("B", ())
    yield memoryview(one)[1:5].toreadonly()


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_pickles_as_its_slice(make, kind, nothing_leaks):
    one = make(kind)
    one[:] = bytes(range(256)) * 32
    for view in views_of(one):
        pickled = sent(view)
        other = pickle.loads(pickled)
        assert len(pickled) < 600
        for member in ("format", "itemsize", "shape", "strides", "readonly", "nbytes"):
            assert getattr(other, member) == getattr(view, member)
        assert other.tobytes() == view.tobytes()
        if not view.readonly and view.nbytes:
            # The very first item: a wrong offset would be noticed.
            first = (0,) * view.ndim
            other[first] = 0
            assert view[first] == 0
            other[first] = 1


def test_views_of_other_objects_still_cannot_be_pickled():
    words = run_well(
        """
import pickle
try:
    pickle.dumps(memoryview(b"x"))
except TypeError as error:
    print(error, end="")
"""
    )
    for view in (memoryview(b"x"), memoryview(bytearray(3))):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError) as caught:
                pickle.dumps(view, protocol)
            # The message in a process without this package.
            assert str(caught.value) == words


def test_a_thousand_slices_take_one_descriptor(make):
    view = memoryview(make("memfd"))
    before = len(open_descriptors())
    there = [again(view[i : i + 8]) for i in range(1000)]
    assert len(open_descriptors()) == before + 1
    there[1][0] = 7
    assert view[1] == 7
    del there
    assert len(open_descriptors()) == before


def test_no_state_is_kept_of_maps_that_were_deallocated(make, nothing_leaks):
    one = make("memfd")
    before = len(_reference._origins), len(_reference._opened_once)
    there = [again(one), again(one.view())]
    assert (len(_reference._origins), len(_reference._opened_once)) == (before[0] + 2, before[1] + 1)
    del there
    assert (len(_reference._origins), len(_reference._opened_once)) == before


def test_a_view_arrives_with_a_map_of_its_own(make, nothing_leaks):
    one = make("memfd")
    whole, view = again((one, one.view()))
    whole.close()
    assert bytes(view[:5]) == b"begin"


# Arrays


def arrays_of(one):
    whole = one.array("i4")
    table = whole[: 32 * 64].reshape(32, 64)
    yield from (whole, whole[5:10], whole[::3], whole[::-1])
    yield from (table, table.T, table[::2, ::-3], table[3, 4:5], table[5, 6, ...])
    yield one.array(">i2", 1, (3, 5))
    yield one.array([("a", "u1"), ("b", "f8")], 3)
    import numpy

    yield numpy.broadcast_to(whole[:1], (5, 3), subok=True)
    fixed = one.array("u8")
    fixed.flags.writeable = False
    yield fixed


def test_an_array_pickles_as_its_part_of_the_map(make, nothing_leaks):
    numpy = pytest.importorskip("numpy")
    one = make("memfd", 32768)
    one[:] = os.urandom(32768)
    for array in arrays_of(one):
        for protocol in (2, pickle.HIGHEST_PROTOCOL):
            pickled = sent(array, protocol)
            other = pickle.loads(pickled)
            assert len(pickled) < 900
            assert (type(other), other.dtype, other.shape) == (type(array), array.dtype, array.shape)
            assert (other.strides, other.flags.writeable) == (array.strides, array.flags.writeable)
            assert other.tobytes() == array.tobytes()
            assert far_away.is_in_a_map(other)
    part = again(one.array("i4")[::-2])
    part[1] = 12345
    assert one.array("i4")[-3] == 12345
    assert not numpy.shares_memory(part, one.array("i4"))


def test_the_examples_of_arrays_run():
    pytest.importorskip("numpy")
    from mmap_wrap import _array

    failed, tried = doctest.testmod(_array, optionflags=doctest.ELLIPSIS)
    assert (failed, tried > 4) == (0, True)


def test_a_computed_array_is_a_plain_array_that_pickles_with_its_data(make, nothing_leaks):
    numpy = pytest.importorskip("numpy")
    array = make("memfd").array("u1")
    for result in (array + 1, numpy.sqrt(array), array.reshape(2, -1).sum(axis=0), array > 3):
        assert type(result) is numpy.ndarray
    for result in (array.sum(), array.max(), array[3], array.mean()):
        assert isinstance(result, numpy.generic)
    for result in (array.copy(), array[[1, 2]], copy.copy(array), copy.deepcopy(array), array[:0]):
        other = again(result)
        assert type(other) is numpy.ndarray
        assert not far_away.is_in_a_map(other)
        assert other.tobytes() == result.tobytes()
    same = array
    same += 1
    assert type(same) is type(array)
    assert far_away.is_in_a_map(same)


def test_an_array_that_no_other_process_can_open_pickles_with_its_data(nothing_leaks):
    numpy = pytest.importorskip("numpy")
    array = mmap.anonymous(4096).array("u1")
    array[7] = 7
    other = again(array)
    assert (type(other), other[7], other.size) == (numpy.ndarray, 7, 4096)
    with pytest.raises(TypeError, match="cannot pickle"):
        array.by_reference  # noqa: B018
    with pytest.raises(TypeError, match="memory of its own"):
        array.copy().by_reference  # noqa: B018


def test_slices_of_by_reference_are_arrays(make, nothing_leaks):
    numpy = pytest.importorskip("numpy")
    array = make("memfd").array("u2").reshape(64, 64)
    stand_in = again(array.by_reference)
    assert (stand_in.shape, stand_in.dtype, stand_in.ndim, len(stand_in)) == ((64, 64), array.dtype, 2, 64)
    stand_in[3:5, 1][0] = 77
    assert array[3, 1] == 77
    assert (numpy.asarray(stand_in) == array).all()


# What is saved


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_view_has_its_bytes(make, kind, nothing_leaks):
    one = make(kind)
    one[:] = bytes(range(256)) * 32
    for view in views_of(one):
        saved, held = pickle.dumps(view), view.tobytes()
        if view.nbytes and not view.readonly:
            view[(0,) * view.ndim] = 0 if view[(0,) * view.ndim] else 1
        other = pickle.loads(saved)
        assert (type(other), other.tobytes()) == (memoryview, held)
        for member in ("format", "itemsize", "shape", "readonly", "nbytes"):
            assert getattr(other, member) == getattr(view, member)


def test_a_view_of_memory_that_no_other_process_can_open_is_saved_too(nothing_leaks):
    one = mmap.anonymous(4096)
    one[:5] = b"begin"
    assert bytes(pickle.loads(pickle.dumps(one.view()[:5]))) == b"begin"


SAVERS = {
    "pickle": lambda thing, path: path.write_bytes(pickle.dumps(thing)),
    "pickle in Python": lambda thing, path: path.write_bytes(pickle._dumps(thing)),
    "joblib": lambda thing, path: pytest.importorskip("joblib").dump(thing, path),
    "joblib, compressed": lambda thing, path: pytest.importorskip("joblib").dump(thing, path, compress=3),
    "cloudpickle": lambda thing, path: path.write_bytes(pytest.importorskip("cloudpickle").dumps(thing)),
    "numpy": lambda thing, path: pytest.importorskip("numpy").save(path, thing),
}


def load(path):
    numpy, joblib = pytest.importorskip("numpy"), sys.modules.get("joblib")
    if path.suffix == ".npy":
        return numpy.load(path)
    return joblib.load(path) if joblib and "joblib" in path.name else pickle.loads(path.read_bytes())


@pytest.mark.parametrize("saver", SAVERS)
def test_a_saved_array_has_its_bytes(make, tmp_path, saver, nothing_leaks):
    numpy = pytest.importorskip("numpy")
    array = make("file").array("f8")
    array[:10] = range(10)
    path = tmp_path / f"saved {saver}.npy" if saver == "numpy" else tmp_path / f"saved {saver}"
    thing = array[:5] if saver == "numpy" else {"nested": [array[:5]]}
    SAVERS[saver](thing, path)
    array[:] = -1
    del array
    (tmp_path / "file").unlink()
    found = load(path) if saver == "numpy" else load(path)["nested"][0]
    assert (type(found), found.tolist()) == (numpy.ndarray, [0, 1, 2, 3, 4])


def test_joblibs_memory_keeps_an_array_that_a_function_returned(make, tmp_path, nothing_leaks):
    joblib = pytest.importorskip("joblib")
    array = make("file").array("u1")
    calls = []

    def first(count):
        calls.append(count)
        return array[:count]

    remembered = joblib.Memory(tmp_path / "memory", verbose=0).cache(first)
    assert bytes(remembered(5)) == b"begin"
    array[:] = 0
    assert (bytes(remembered(5)), calls) == (b"begin", [5])


def test_an_array_made_before_the_library_that_sends_it_was_imported_is_sent_by_reference():
    pytest.importorskip("numpy")
    pytest.importorskip("joblib")
    script = """
import mmap_wrap
memory = mmap_wrap.memfd(8192)
array = memory.array("u1")
def write(there):
    there[0] = 7
if __name__ == "__main__":
    from concurrent.futures import ProcessPoolExecutor
    from joblib import Parallel, delayed
    Parallel(n_jobs=2)(delayed(write)(each) for each in [array, array])
    print(memory[0])
"""
    assert run_well(script) == "7\n"


def test_by_reference_is_a_reference_for_every_pickler(make, nothing_leaks):
    pytest.importorskip("numpy")
    array = make("memfd").array("u1")
    pickle.loads(pickle.dumps(array.by_reference))[:][0] = 7
    assert array[0] == 7


def test_pickle_is_unchanged_before_the_first_map():
    script = """
import copyreg, pickle
import mmap_wrap
assert memoryview not in copyreg.dispatch_table
copyreg.pickle(memoryview, lambda view: (bytes, (b"another's",)))
view = mmap_wrap.memfd(4096).view("u4")
print(pickle.loads(pickle.dumps(memoryview(b"x"))), pickle.loads(pickle.dumps(view[:2])).tolist())
"""
    assert run_well(script) == 'b"another\'s" [0, 0]\n'


def test_a_view_pickles_if_others_replace_ctypes_functions():
    script = """
import ctypes, pickle
from multiprocessing.reduction import ForkingPickler
import mmap_wrap
ctypes.pythonapi.PyObject_GetBuffer.argtypes = (ctypes.c_int,)
ctypes.pythonapi.PyObject_GetBuffer.restype = ctypes.c_char_p
ctypes.pythonapi.PyBuffer_Release.argtypes = (ctypes.c_int,)
one = mmap_wrap.memfd(4096)
pickle.loads(ForkingPickler.dumps(one.view("u4")[3:]))[0] = 7
print(one.get("u4", 12))
"""
    assert run_well(script) == "7\n"


# What cannot be opened

# The index of the generation in a reference.
GENERATION = 5


def closed_reference(make, kind):
    one = make(kind)
    pickled = pickle.dumps(one)
    one.close()
    return pickled


def test_a_file_that_was_replaced_is_an_error(make, tmp_path, nothing_leaks):
    one = make("file")
    pickled = pickle.dumps(one)
    (tmp_path / "new").write_bytes(bytes(8192))
    (tmp_path / "new").rename(tmp_path / "file")
    with pytest.raises(OSError, match="another file is there now: inode") as caught:
        pickle.loads(pickled)
    assert (caught.value.errno, caught.value.filename) == (errno.ESTALE, str(tmp_path / "file"))


def test_a_file_that_was_removed_is_file_not_found_error(make, tmp_path, nothing_leaks):
    pickled = closed_reference(make, "file")
    (tmp_path / "file").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        pickle.loads(pickled)
    assert caught.value.filename == str(tmp_path / "file")


def test_a_file_that_became_something_else_is_an_error(make, tmp_path, nothing_leaks):
    make("file").close()
    with mmap.open(tmp_path / "file") as one:
        pickled = pickle.dumps(one)
    (tmp_path / "file").unlink()
    os.mkfifo(tmp_path / "file")
    # In its own process, which ends even if it waits for the other end of the FIFO.
    child = run("import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1]))", pickled.hex())
    assert re.search("another file is there now|truncated", child.stderr)
    (tmp_path / "file").unlink()
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="another file is there now"):
        pickle.loads(pickled)


def test_a_file_that_was_removed_and_created_again_is_another_file(make, tmp_path, nothing_leaks):
    pickled = closed_reference(make, "file")
    before = os.stat(tmp_path / "file").st_ino
    (tmp_path / "file").unlink()
    (tmp_path / "file").write_bytes(bytes(8192))
    generation = reference(mmap.open(tmp_path / "file"))[GENERATION]
    if os.stat(tmp_path / "file").st_ino == before and generation == 0:
        pytest.skip("this file system gives the same inode again, and has no generations")
    with pytest.raises(OSError, match="another file is there now"):
        pickle.loads(pickled)


def test_a_file_that_was_moved_while_it_is_mapped_is_found(make, tmp_path, nothing_leaks):
    one = make("file")
    (tmp_path / "file").rename(tmp_path / "elsewhere")
    assert again(one)[:5] == b"begin"


def test_a_file_that_was_truncated_below_the_map_is_an_error(make, tmp_path, nothing_leaks):
    pickled = closed_reference(make, "file")
    os.truncate(tmp_path / "file", 8191)
    with pytest.raises(OSError, match="truncated: it has 8191 bytes, the map 8192") as caught:
        pickle.loads(pickled)
    assert caught.value.errno == errno.ESTALE
    os.truncate(tmp_path / "file", 10000)
    assert len(pickle.loads(pickled)) == 8192


def test_a_map_that_extends_beyond_its_file_pickles(tmp_path, nothing_leaks):
    one = mmap.open(tmp_path / "file", "w+", size=100, length=3 * mmap.PAGESIZE)
    assert len(again(one)) == 3 * mmap.PAGESIZE


@pytest.mark.parametrize("kind", ["memfd", "unlinked"])
def test_memory_without_a_path_is_opened_through_the_process_that_pickled_it(make, tmp_path, kind, nothing_leaks):
    pickled = closed_reference(make, kind)
    with pytest.raises(ProcessLookupError, match=rf"process {os.getpid()}: .* was closed"):
        pickle.loads(pickled)
    # The next file that is opened gets its number.
    with open(tmp_path / "other", "wb"), pytest.raises(ProcessLookupError, match="was closed"):
        pickle.loads(pickled)


def test_a_reference_to_a_process_that_ended_is_an_error(nothing_leaks):
    said = run_well("import mmap_wrap, pickle; print(pickle.dumps(mmap_wrap.memfd(4096)).hex())")
    with pytest.raises(ProcessLookupError, match="has ended; keep the map open until it is unpickled"):
        pickle.loads(bytes.fromhex(said))


def moved_to_another_machine(thing):
    """The reference to an object as if made on another machine: another boot, and another number of the device."""
    kind, locations, _, _, device, *rest = reference(thing)
    return kind, locations, "another boot", "far.example", device + 1, *rest


def test_another_machine_finds_a_file_by_its_path_and_inode(make, tmp_path, nothing_leaks):
    arguments = moved_to_another_machine(make("file"))
    assert reopen(*arguments)[:5] == b"begin"
    (tmp_path / "new").write_bytes(bytes(8192))
    (tmp_path / "new").rename(tmp_path / "file")
    with pytest.raises(OSError, match="another file is there now"):
        reopen(*arguments)


def test_memory_without_a_path_is_an_error_on_another_machine(make, nothing_leaks):
    arguments = moved_to_another_machine(make("memfd"))
    with pytest.raises(OSError, match=rf"process {os.getpid()} on far\.example, cannot be opened on") as caught:
        reopen(*arguments)
    assert caught.value.errno == errno.EREMOTE


def test_another_user_without_permission_is_an_error(make, tmp_path):
    loading = """import os, pickle, sys
if os.getuid() == 0:
    os.setuid(65534)
try:
    pickle.load(sys.stdin.buffer)
except PermissionError as error:
    print("no permission:", error.filename)
"""
    one = make("file")
    os.chmod(tmp_path / "file", 0)
    things = [(one, str(tmp_path / "file"))]
    if os.getuid() == 0:
        memory = make("memfd")
        things.append((memory, f"/proc/{os.getpid()}/fd/{memory.info().descriptor}"))
    else:
        print("skipped: another user's memory file: only root can become another user")
    # The module and the library are loaded before the user changes, as the new user may not be able to read them.
    for thing, path in things:
        child = subprocess.run(
            [sys.executable, "-c", "import mmap_wrap._reference\n" + loading],
            input=pickle.dumps(thing),
            capture_output=True,
            timeout=600,
        )
        assert (child.stdout.decode(), child.stderr) == (f"no permission: {path}\n", b"")


def test_forged_references_are_errors_and_leave_no_mapping(make, tmp_path, nothing_leaks):
    good = reference(make("file"))
    assert len(reopen(*good)) == 8192
    directory = os.stat(tmp_path)
    for place, value in (
        (0, int),
        (0, "mmap"),
        (1, ()),
        (1, ((7.5, 0),)),
        (1, ((str(tmp_path / "none"), 0),)),
        (1, (("a\0b", 0),)),
        (1, ((f"/proc/{10**12}/fd/0", 10**12),)),
        (6, 0),
        (7, 8193),
        (7, None),
        (8, "r"),
        (9, -1),
        (9, 2**63),
        (9, 1 << 40),
        (10, -1),
        (10, 2**62),
        (11, 0xFFFF),
        (12, 0),
        (12, 0xFFFFFFF),
        (13, "x"),
    ):
        forged = [*good[:place], value, *good[place + 1 :]]
        with pytest.raises((OSError, TypeError, ValueError, OverflowError, IndexError)):
            reopen(*forged)
    with pytest.raises(IsADirectoryError):
        reopen(good[0], ((str(tmp_path), 0),), "", "", 0, 0, directory.st_ino, 0, os.O_RDONLY, *good[9:])
    for few in range(len(good)):
        with pytest.raises((TypeError, ValueError)):
            reopen(*good[:few])


# Other processes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_pool_a_process_and_a_queue_see_the_same_memory(make, method, kind):
    context = multiprocessing.get_context(method)
    one = make(kind)
    with context.Pool(1) as pool:
        other = pool.apply(far_away.write_into, (one, 0, ord("p")))
        pool.apply(far_away.write_into, (one.view("u2")[1:3], 1, 0x4141))
        assert (other != os.getpid(), one[:6]) == (True, b"pegiAA")

    process = context.Process(target=far_away.write_into, args=(one, 1, ord("P")))
    process.start()
    process.join()
    assert (process.exitcode, one[1]) == (0, ord("P"))

    ours, theirs = context.Queue(), context.Queue()
    process = context.Process(target=far_away.read_one_and_put_another, args=(ours, theirs))
    process.start()
    ours.put(one)
    back = theirs.get(timeout=600)
    assert (one[0], back[0]) == (7, 7)
    back[0] = 8
    assert one[0] == 8
    ours.put("done")
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_received_map_can_be_sent_on_after_its_creator_closed_it(make, method):
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    process = context.Process(target=far_away.serve_and_pass_on, args=(there,))
    process.start()
    one = make("memfd")
    here.send(one)
    assert here.recv() == "received"
    one.close()
    here.send("pass it on")
    assert here.recv()[:5] == b"begin"
    here.send("end")
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_sees_the_same_memory(make, method):
    one = make("memfd")
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        processes = list(executor.map(far_away.write_into, [one] * 8, range(8), b"executor"))
    assert os.getpid() not in processes
    assert one[:8] == b"executor"


@pytest.mark.parametrize("method", METHODS)
def test_a_map_that_is_sent_back_arrives_although_its_sender_drops_it(make, method):
    view = memoryview(make("memfd"))[1:5]
    with multiprocessing.get_context(method).Pool(1) as pool:
        back = pool.apply(far_away.pickled_and_dropped, (view,))
        assert f"/proc/{os.getpid()}/fd/".encode() in back
        assert bytes(pickle.loads(back)) == b"egin"
        back = pool.apply(far_away.made_and_dropped)
        with pytest.raises(ProcessLookupError):
            pickle.loads(back)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_joblib_sees_the_same_memory_and_writes_no_file(make, backend):
    joblib = pytest.importorskip("joblib")
    pytest.importorskip("numpy")
    # Larger than 1 MiB, the size from which on joblib writes arrays to its own files.
    one = make("memfd", 8 << 20)
    array = one.array("u8")
    work = joblib.Parallel(n_jobs=2, backend=backend)
    processes = work(joblib.delayed(far_away.write_into)(array[i::4], 0, 100 + i) for i in range(4))
    assert os.getpid() not in processes
    assert array[:4].tolist() == [100, 101, 102, 103]
    back = work(joblib.delayed(far_away.identity)(array[i:]) for i in range(2))
    assert [type(each) for each in back] == [type(array)] * 2
    assert work([joblib.delayed(far_away.write_into)(one, 0, 1)])[0] != os.getpid()
    assert array[0] == 1
    if backend == "multiprocessing":
        work([joblib.delayed(far_away.write_into)(one.view("u8"), 0, 2)])
        assert array[0] == 2


def test_joblibs_default_copies_a_view_but_passes_a_map_by_reference(make):
    joblib = pytest.importorskip("joblib")
    one = make("memfd")
    work = joblib.Parallel(n_jobs=2, backend="loky")
    view, copied = work(joblib.delayed(far_away.identity)(each) for each in (one, one.view("u1")))
    # cloudpickle has its own reducer for memoryviews. If this fails, docs/between-processes.md can promise more.
    assert (type(view), type(copied)) == (mmap.mmap, bytes)
    assert os.getpid() not in work([joblib.delayed(far_away.write_into_view)(one, "u2", 1, 0x4141)])
    assert one[:6] == b"beAAn\0"


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("numpy")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


def test_dask_sees_the_same_memory(client, make):
    array = make("file", 8 << 20).array("u8")
    processes = client.gather(
        [client.submit(far_away.write_into, array[i::4], 0, 100 + i, pure=False) for i in range(4)]
    )
    assert os.getpid() not in processes
    assert array[:4].tolist() == [100, 101, 102, 103]
    back = client.submit(far_away.identity, array[1:]).result()
    assert (type(back), back[0]) == (type(array), 101)


def test_dask_sends_arrays_between_workers_by_reference(client, make):
    array = make("memfd", 8 << 20).array("u8")
    one, other = client.scheduler_info()["workers"]
    there = client.scatter(array, workers=[one])
    assert client.submit(far_away.is_in_a_map, there, workers=[other]).result()
    client.submit(far_away.write_into, there, 5, 55, workers=[other]).result()
    assert array[5] == 55


def test_dask_sends_a_computed_array_with_its_data(client, make):
    array = make("memfd", 8 << 20).array("u8")
    copied = array.copy()
    copied[7] = 7
    one, other = client.scheduler_info()["workers"]
    there = client.scatter(copied, workers=[one])
    assert not client.submit(far_away.is_in_a_map, there, workers=[other]).result()
    back = client.submit(far_away.identity, there, workers=[other]).result()
    assert (back == copied).all()


def test_a_dask_array_is_of_the_same_memory_and_is_read_only_when_computed(client, tmp_path):
    import dask
    import dask.array

    one = mmap.open(tmp_path / "large", "w+", size=GIB)
    array = one.array("u8").reshape(1024, -1)
    large = dask.array.from_array(array.by_reference, chunks=(256, -1))
    marked = large.map_blocks(far_away.mark, dtype="u8")[::256, 0]
    assert len(pickle.dumps(large.__dask_graph__())) < 20_000
    assert dask.base.tokenize(array) == dask.base.tokenize(array)
    assert dask.base.tokenize(array) != dask.base.tokenize(array[1:])
    assert dask.sizeof.sizeof(array) < 1000
    # The file is one hole: as none of it is in memory, it was not read.
    assert one.resident_bytes() == 0
    one.array("u8")[:10] = 41
    small = dask.array.from_array(one.array("u8")[:1024].by_reference, chunks=256)
    assert small.map_blocks(far_away.mark, dtype="u8").compute().tolist() == [1] * 1024
    assert one.array("u8")[:11].tolist() == [42] * 10 + [1]
    assert marked[:0].compute().shape == (0,)


# A GiB


def test_four_workers_share_a_gib_without_copying_it(tmp_path):
    pytest.importorskip("numpy")
    one = mmap.open(tmp_path / "large", "w+", size=GIB)
    one.array("u1")[:: GIB // 4] = 7
    words = one.array("i8")
    assert len(sent(words)) < 2000
    signatures = one.array("i8", GIB // 2, (4,))
    quarters = [(i * GIB // 4, (i + 1) * GIB // 4) for i in range(4)]
    with concurrent.futures.ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as executor:
        futures = [
            executor.submit(far_away.sum_and_sign, words, low // 8, high // 8, GIB // 16 + number)
            for number, (low, high) in enumerate(quarters)
        ]
        processes, totals, before, after = zip(*(future.result() for future in futures))
    grown = [there - here for here, there in zip(before, after)]
    assert max(grown) < 64 << 20, f"each worker's own memory grew by {grown} bytes"
    # The memory of numpy and other modules, and much less than the 256 MiB of a part.
    assert max(after) < 128 << 20, f"each worker has {after} bytes of its own"
    assert signatures.tolist() == list(processes)
    assert totals[0] == totals[1] == totals[3] == 7
