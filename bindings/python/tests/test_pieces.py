"""Calls over much memory work in pieces, so that Ctrl-C is handled; the results are those of one call."""

import operator
import os
import random
import signal
import threading
import time
from functools import partial

import pytest
from conftest import PATIENCE

import mmap_wrap as mmap
from mmap_wrap import _ffi, _pieces

HUGE = 1 << 42


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(_pieces, "PIECE", 5)


def in_map(data):
    m = mmap.mmap(-1, max(len(data), 1))
    m[: len(data)] = data
    return m


@pytest.mark.parametrize("seed", range(40))
def test_searching_finds_the_same_as_in_bytes(small_pieces, seed):
    draw = random.Random(seed)
    for _ in range(40):
        data = bytes(draw.choices(b"ab" if seed % 2 else b"aab", k=draw.randrange(1, 200)))
        needle = draw.choice(
            [
                bytes(draw.choices(b"ab", k=draw.randrange(1, 6))),
                b"a" * draw.randrange(1, 9),
                b"ab" * draw.randrange(1, 40),
            ]
        )
        first, last = sorted(draw.choices(range(len(data) + 1), k=2))
        with in_map(data) as m:
            assert m.find(needle, first, last) == data.find(needle, first, last)
            assert m.rfind(needle, first, last) == data.rfind(needle, first, last)
            assert m.count(needle, first, last) == data.count(needle, first, last)
            # An empty needle is in no piece.
            assert m.find(b"", first, last) == data.find(b"", first, last)
            assert m.rfind(b"", first, last) == data.rfind(b"", first, last)
            assert m.count(b"", first, last) == data.count(b"", first, last)


@pytest.mark.parametrize("seed", range(40))
def test_copying_and_comparing_have_the_result_of_one_call(small_pieces, seed):
    draw = random.Random(seed)
    for _ in range(40):
        size = draw.randrange(1, 100)
        data = [bytes(draw.choices(b"ab", k=size)), bytes(draw.choices(b"ab", k=size))]
        count = draw.randrange(size + 1)
        to, origin = draw.randrange(size - count + 1), draw.randrange(size - count + 1)
        with in_map(data[0]) as one, in_map(data[1]) as other:
            expected = next((i for i in range(count) if data[0][to + i] != data[1][origin + i]), count)
            assert one.compare(other, to, origin, count) == expected
            assert one.compare(one) == size
            assert one.copy_from(other, to, origin, count) == count
            whole = data[0][:to] + data[1][origin : origin + count] + data[0][to + count :]
            assert one[:] == whole
            for act in (one.move, partial(one.copy_from, one)):
                act(to, origin, count)
                whole = whole[:to] + whole[origin : origin + count] + whole[to + count :]
                assert one[:] == whole
            one.fill(7, to, count)
            assert one[:] == whole[:to] + b"\7" * count + whole[to + count :]
            one.fill(8)
            assert one[:] == b"\x08" * size


def test_errors_are_those_of_one_call(small_pieces):
    with in_map(b"x" * 20) as one, in_map(b"x" * 30) as other:
        for act, name in (
            (lambda: one.copy_from(other), "copy_from"),
            (lambda: one.copy_from(other, 0, 25, 10), "copy_from"),
            (lambda: other.compare(one), "compare"),
            (lambda: one.move(15, 0, 10), "move"),
            (lambda: one.fill(1, 15, 10), "fill"),
            (lambda: one.fill(256), "fill"),
        ):
            with pytest.raises(ValueError, match=f"mmap.{name}: "):
                act()
        assert (one[:], other[:]) == (b"x" * 20, b"x" * 30)
    with pytest.raises(ValueError, match="closed"):
        one.fill(1)


def test_a_loss_is_reported_once(small_pieces, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(2 * mmap.PAGESIZE))
    with mmap.open(path, "r+") as m:
        os.truncate(path, 0)
        assert m.view()[0] == 0
        with pytest.raises(mmap.FaultError, match="a page of the mapping was lost"):
            m.fill(1, 0, 100)
        m.fill(1, 0, 100)


@pytest.fixture(scope="module")
def hole():
    """Two maps of zeros that take many minutes to read, but little memory."""
    try:
        m = mmap.anonymous(HUGE, prot=mmap.PROT_READ, flags=mmap.MAP_NORESERVE)
        other = mmap.anonymous(HUGE, prot=mmap.PROT_READ, flags=mmap.MAP_NORESERVE)
    except OSError as error:
        pytest.skip(f"no address space of {HUGE} bytes: {error}")
    yield m, other
    m.close()
    other.close()


@pytest.mark.parametrize(
    "act",
    [
        lambda m, _: m.find(b"x"),
        lambda m, _: m.rfind(b"x", 0),
        lambda m, _: m.count(b"x"),
        lambda m, _: m.count(b"xx"),
        lambda m, other: m.compare(other),
        # Byte by byte, in a loop of the interpreter that does not check signals.
        lambda m, _: b"x" in m,
        lambda m, _: "x" in m,
        lambda m, _: b"x" in reversed(m),
        lambda m, _: operator.indexOf(m, b"x"),
        lambda m, _: operator.countOf(m, b"x"),
        lambda m, _: m.readline(),
    ],
)
def test_ctrl_c_is_handled_within_a_second(hole, act, collected_when_asked):
    # Without garbage collection: an exception that a handler raises in one of its callbacks, as of hypothesis, is lost.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sent = []

    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, send)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            act(*hole)
        # Longer on a loaded machine; a call that is not interrupted takes minutes.
        assert time.monotonic() - sent[0] < (1 if os.getloadavg()[0] < 4 else 60)
    finally:
        timer.join(PATIENCE)
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", ["fill", "move", "copy"])
def test_ctrl_c_between_two_pieces_ends_a_change_of_memory(name, monkeypatch, collected_when_asked):
    monkeypatch.setattr(_pieces, "PIECE", 4096)
    called = []
    whole = getattr(_ffi, f"mmap_wrap_{name}")

    def then_interrupted(*arguments):
        called.append(arguments)
        os.kill(os.getpid(), signal.SIGINT)
        return whole(*arguments)

    monkeypatch.setattr(_ffi, f"mmap_wrap_{name}", then_interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with mmap.anonymous(1 << 20) as m, mmap.anonymous(1 << 20) as other:
            acts = {
                "fill": lambda: m.fill(1),
                "move": lambda: _pieces.move_by(m._handle, 0, 4096, 1 << 19),
                "copy": lambda: m.copy_from(other),
            }
            with pytest.raises(KeyboardInterrupt):
                acts[name]()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(called) == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda m, data: m[:],
        lambda m, data: m.read(),
        lambda m, data: m.readline(),
        lambda m, data: m.__setitem__(slice(None), data),
        lambda m, data: m.write(data),
        lambda m, data: m.write(m),
    ],
    ids=["slice", "read", "readline", "assign", "write", "write a map"],
)
def test_handlers_of_signals_run_between_the_pieces_of_a_long_copy(act):
    ran, done = [], threading.Event()

    def send():
        while not done.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)

    data = bytes(8 * _pieces.PIECE)
    sender = threading.Thread(target=send)
    before = signal.signal(signal.SIGUSR1, lambda *_: ran.append(None))
    try:
        with mmap.anonymous(len(data)) as m:
            sender.start()
            began = len(ran)
            act(m, data)
            count = len(ran) - began
    finally:
        done.set()
        sender.join(PATIENCE)
        signal.signal(signal.SIGUSR1, before)
    # A few are handled before and after the call in any case.
    assert count > 4


@pytest.mark.parametrize("distance", [1, _pieces.PIECE - 1, _pieces.PIECE, 2 * _pieces.PIECE + 5])
@pytest.mark.parametrize("up", [False, True])
def test_long_copies_of_a_maps_own_bytes_may_overlap(distance, up):
    size = 3 * _pieces.PIECE + 3
    pattern = random.Random(0).randbytes(size)
    with mmap.anonymous(size + distance) as m:
        origin, to = (0, distance) if up else (distance, 0)
        m[origin : origin + size] = pattern
        with m.view() as view:
            m[to : to + size] = view[origin : origin + size]
        assert m[to : to + size] == pattern
