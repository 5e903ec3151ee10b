"""Data that comes from another map, two threads that move the position of one map, and faults during a call."""

import os
import signal
import threading

import pytest
from conftest import PATIENCE, run_well

import mmap_wrap as mmap

PAGE = mmap.PAGESIZE

TAKERS = {
    "write": lambda to, source: to.write(source),
    "slice": lambda to, source: to.__setitem__(slice(0, len(source)), source),
    "reversed slice": lambda to, source: to.__setitem__(slice(None, None, -1), source),
    "find": lambda to, source: to.find(source),
    "rfind": lambda to, source: to.rfind(source),
    "count": lambda to, source: to.count(source),
}


def guarded():
    """A map in which the access to one page faults."""
    source = mmap.anonymous(4 * PAGE)
    source.protect(mmap.PROT_NONE, PAGE, PAGE)
    return source


def cut_short(folder):
    path = folder / "cut short"
    path.write_bytes(b"x" * 4 * PAGE)
    source = mmap.open(path, "r+")
    os.truncate(path, PAGE)
    return source


@pytest.mark.parametrize("name", TAKERS)
@pytest.mark.parametrize("make", [guarded, cut_short])
def test_a_fault_in_a_map_that_is_the_data_names_that_map(make, name, tmp_path, nothing_leaks):
    with mmap.anonymous(4 * PAGE) as to, make(tmp_path) if make is cut_short else make() as source:
        with pytest.raises(mmap.FaultError, match=f"offset {PAGE}\\b"):
            TAKERS[name](to, source)
        if name not in ("slice", "write"):  # which may proceed up to the page that faults
            assert to[:] == bytes(4 * PAGE)
        assert to.tell() == 0


@pytest.mark.parametrize("name", TAKERS)
def test_a_fault_in_the_data_is_an_error_with_other_handlers_too(name, tmp_path):
    run_well(
        """
import faulthandler, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import mmap_wrap as mmap
from test_access import TAKERS, cut_short, guarded
to = mmap.anonymous(4 * mmap.PAGESIZE)
sources = guarded(), cut_short(Path(sys.argv[2]))
faulthandler.enable()
for source in sources:
    try:
        TAKERS[sys.argv[3]](to, source)
    except mmap.FaultError:
        continue
    raise SystemExit("no exception")
""",
        os.path.dirname(__file__),
        tmp_path,
        name,
    )


def test_a_map_is_data_for_itself_and_others():
    m, other = mmap.anonymous(8), mmap.anonymous(8)
    m[:] = b"abcdefgh"
    assert other.write(m) == 8
    assert (other[:], other.tell()) == (b"abcdefgh", 8)
    m[:] = m
    other[::-1] = m
    assert (m[:], other[:]) == (b"abcdefgh", b"hgfedcba")
    assert (m.find(m), m.find(other), m.count(m)) == (0, -1, 1)
    with pytest.raises(ValueError, match="data out of range"):
        other.write(m)
    with pytest.raises(IndexError, match="wrong size"):
        m[1:] = other


def test_a_buffer_that_another_object_exports_is_read_as_memory():
    # A memoryview re-exports the buffer of its map.
    m, to = mmap.anonymous(8), mmap.anonymous(16)
    m[:] = b"abcdefgh"
    with memoryview(m) as view:
        assert to.write(view) == 8
        to[8:] = view[:]
        assert to.find(view[4:], 0) == 4
    assert to[:] == b"abcdefghabcdefgh"
    m.close()


RECORDS, THREADS = 5000, 4


def together(work):
    """Runs the work in several threads."""
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(work(n))) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.parametrize("size", [5, 70_000])
def test_two_threads_never_write_at_the_same_position(size):
    count = RECORDS if size == 5 else 50
    with mmap.anonymous(count * THREADS * size) as m:
        together(lambda n: [m.write(b"%d" % n * size) for _ in range(count)])
        assert m.tell() == len(m)
        records = [bytes(m[i : i + size]) for i in range(0, len(m), size)]
        assert sorted(records) == sorted(b"%d" % n * size for n in range(THREADS) for _ in range(count))


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.parametrize(
    "take", [lambda m: m.readline(), lambda m: m.read(10), lambda m: bytes([m.read_byte() for _ in range(1)])]
)
def test_two_threads_never_read_the_same_bytes(take):
    lines = b"".join(b"line %04d\n" % i for i in range(RECORDS))
    with mmap.anonymous(len(lines)) as m:
        m[:] = lines

        def all_there_are(_):
            mine = []
            try:
                while piece := take(m):
                    mine.append(piece)
            except ValueError:  # from read_byte
                pass
            return mine

        read = [piece for mine in together(all_there_are) for piece in mine]
        assert len(b"".join(read)) == len(lines)
        if len(read) == RECORDS:
            assert sorted(read) == lines.splitlines(keepends=True)


def test_a_failed_read_leaves_the_position(tmp_path):
    with cut_short(tmp_path) as m:
        assert m.read(PAGE) == b"x" * PAGE
        for call in (lambda: m.read(1), m.read, m.readline, m.read_byte, lambda: m.write(b"xy")):
            with pytest.raises(mmap.FaultError):
                call()
            assert m.tell() == PAGE


def test_a_line_that_ends_before_a_fault_is_read():
    with mmap.anonymous(2 * PAGE) as m:
        m[PAGE - 10 : PAGE] = b"one\ntwo\n??"
        m.protect(mmap.PROT_NONE, PAGE)
        m.seek(PAGE - 10)
        assert (m.readline(), m.readline()) == (b"one\n", b"two\n")
        with pytest.raises(mmap.FaultError):
            m.readline()
        assert m.tell() == PAGE - 2


@pytest.mark.parametrize("length", [1, 255, 256, 257, 1000, 100_000])
def test_lines_of_any_length_are_read_whole(length):
    line = b"x" * (length - 1) + b"\n"
    with mmap.anonymous(2 * length + 3) as m:
        m[:] = line * 2 + b"end"
        assert [m.readline() for _ in range(4)] == [line, line, b"end", b""]
        assert list(m.lines()) == [line, line, b"end"]


def test_an_error_in_a_signal_handler_is_not_taken_for_the_calls_own():
    m, closed = mmap.mmap(-1, 16), mmap.mmap(-1, 8)
    m.put("i8", 0, -(2**63))
    m.put("f8", 8, float("nan"))
    closed.close()

    def tick(*_):
        with pytest.raises(ValueError, match="closed"):
            closed[0]

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        for _ in range(30_000):
            assert m.get("i8", 0) == -(2**63)
            assert m.get("f8", 8) != m.get("f8", 8)
            with pytest.raises(ValueError, match=r"^(?!.*closed)"):
                m.get("u8", 100)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_loss_is_reported_by_the_next_call_and_not_by_the_buffer_protocol(tmp_path):
    run_well(
        """
import os, re, sys
import mmap_wrap as mmap
path = os.path.join(sys.argv[1], "lost")
open(path, "wb").write(b"a" * 4 * mmap.PAGESIZE)
m = mmap.open(path, "r+")
view = m.view()
os.truncate(path, mmap.PAGESIZE)
assert view[2 * mmap.PAGESIZE] == 0
view.release()
re.search(b"x", m)
b"".join([m])
memoryview(b"a") == m
bytes(memoryview(m)[:1])
try:
    m.find(b"a")
except mmap.FaultError as error:
    assert "was lost" in str(error)
else:
    raise SystemExit("the loss was not reported")
m.close()
""",
        tmp_path,
    )


NEXT_CALLS = {
    "m[i]": lambda m: m[0],
    "m[i] = x": lambda m: m.__setitem__(0, 1),
    "m[a:b]": lambda m: m[0:3],
    "m[a:b] = data": lambda m: m.__setitem__(slice(0, 2), b"ab"),
    "m[::2]": lambda m: m[0:10:2],
    "read": lambda m: m.read(3),
    "read_byte": lambda m: m.read_byte(),
    "readline": lambda m: m.readline(),
    "write": lambda m: m.write(b"x"),
    "write of a map": lambda m: m.write(mmap.anonymous(PAGE)),
    "get": lambda m: m.get("u4", 0),
    "get a float": lambda m: m.get("f8", 0),
    "put": lambda m: m.put("u4", 0, 1),
    "lines": lambda m: next(m.lines()),
    "find": lambda m: m.find(b"z"),
}


@pytest.mark.parametrize("name", NEXT_CALLS)
def test_a_loss_is_reported_once_by_the_next_call(name, tmp_path):
    (tmp_path / "lost").write_bytes(b"a\n" * 2 * PAGE)
    with mmap.open(tmp_path / "lost", "r+") as m:
        with m.view() as view:
            os.truncate(tmp_path / "lost", PAGE)
            assert view[2 * PAGE] == 0
        with pytest.raises(mmap.FaultError, match="a page of the mapping was lost"):
            NEXT_CALLS[name](m)
        m[0]  # reported only once


def test_views_are_writable_if_the_whole_map_is():
    m = mmap.anonymous(2 * PAGE)
    m.protect(mmap.PROT_READ)
    assert memoryview(m).readonly
    m.protect(mmap.PROT_READ | mmap.PROT_WRITE, PAGE)
    m[PAGE] = 1
    assert memoryview(m).readonly, "a part does not make the whole one to be written"
    m.protect(mmap.PROT_READ | mmap.PROT_WRITE)
    assert not memoryview(m).readonly
    m.protect(mmap.PROT_READ, 0, PAGE)
    assert not memoryview(m).readonly, "nor the other way round: the rest can be written"


def test_a_slice_touches_its_own_pages_only():
    m = mmap.anonymous(4 * PAGE)
    m[0], m[2 * PAGE] = b"ac"
    m.protect(mmap.PROT_NONE, PAGE, PAGE)
    assert m[:: 2 * PAGE] == b"ac"
    assert m[2 * PAGE :: -2 * PAGE] == b"ca"
    with pytest.raises(mmap.FaultError):
        m[::PAGE]


def test_closing_ends_a_wait_without_timeout():
    m, ended = mmap.anonymous(PAGE), []

    def wait():
        try:
            m.wait(0, 0)
        except ValueError as error:
            ended.append(str(error))

    waiter = threading.Thread(target=wait)
    waiter.start()
    while not waiter.is_alive():
        pass
    m.close()
    waiter.join(PATIENCE)
    assert ended == ["mmap closed or invalid"]


def test_an_error_has_the_name_of_the_file(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    for make in (lambda: mmap.open(tmp_path / "empty", length=0), lambda: mmap.open("/dev/null")):
        with pytest.raises(mmap.ArgumentError) as caught:
            make()
        assert caught.value.filename
        assert "MMAP_WRAP_REST to" not in str(caught.value)


def test_iterating_backwards_works_if_the_map_is_made_shorter():
    m = mmap.anonymous(2 * PAGE)
    backwards = reversed(m)
    assert next(backwards) == b"\0"
    m.resize(PAGE)
    assert list(backwards) == []


def test_exit_takes_any_arguments():
    m = mmap.anonymous(1)
    m.__exit__()
    assert m.closed
