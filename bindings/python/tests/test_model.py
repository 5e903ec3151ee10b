"""Random programs on a map and on a model of it, a bytearray and a position: hypothesis shrinks one where they differ.

They are the same programs each time; MMAP_WRAP_HUNT=1 asks for others.
"""

import importlib.util
import os
import struct
from functools import partial

import pytest

import mmap_wrap as mmap

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

PAGE = mmap.PAGESIZE
EXPECTED = (TypeError, ValueError, OverflowError, IndexError, BufferError, OSError)

numbers = st.one_of(
    st.integers(0, PAGE), st.integers(-20, 20), st.integers(-3 * PAGE, 3 * PAGE), st.integers(-(2**70), 2**70)
)
places = st.one_of(st.none(), numbers)
KINDS = {"i1": "b", "u2": "H", "<u4": "<I", ">i8": ">q", "f4": "f", ">f8": ">d", "u8": "Q"}
data = st.one_of(st.binary(max_size=40), st.sampled_from([b"\n", b"\0", b"ab\nab\n" * 3, b"\n" * 300, b"x" * 300]))
strange = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.floats(),
    st.complex_numbers(),
    numbers,
    data,
    st.just(object()),
    st.just([1]),
    st.booleans(),
)


class Closing:
    """An index whose conversion changes the map."""

    def __init__(self, value, act):
        self.value, self.act = value, act

    def __index__(self):
        self.act()
        return self.value


# All, except one that could wait indefinitely, one whose map could not be closed, and array where there is no numpy.
LEFT_OUT = {"wait", "mseal"} | (set() if importlib.util.find_spec("numpy") else {"array"})
METHODS = sorted(
    name for name in dir(mmap.mmap) if name[0] != "_" and callable(getattr(mmap.mmap, name)) and name not in LEFT_OUT
)


def overflows(number):
    return number is not None and not -(2**63) <= number < 2**63


def outcome(act):
    """The result of a call, or the class of its exception."""
    try:
        return act()
    except EXPECTED as error:
        return next(kind for kind in EXPECTED if isinstance(error, kind))


class Programs(RuleBasedStateMachine):
    """A map of a memory file, which can grow, and its expected contents."""

    def __init__(self):
        super().__init__()
        self.model = bytearray(i * 7 % 251 for i in range(2 * PAGE))
        self.map = mmap.memfd(len(self.model))
        self.map[:] = self.model
        self.position = 0

    def teardown(self):
        self.map.close()

    @invariant()
    def they_are_alike(self):
        assert self.map.tell() == self.position
        assert self.map[:] == self.model

    @rule(index=numbers)
    def get(self, index):
        assert outcome(lambda: self.map[index]) == outcome(lambda: self.model[index])

    @rule(index=numbers, value=numbers)
    def set(self, index, value):
        changes = [outcome(lambda of=of: of.__setitem__(index, value)) for of in (self.map, self.model)]
        # Of two errors either may be reported.
        assert (changes[0] is None) == (changes[1] is None)

    @rule(
        start=places, stop=places, step=st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([PAGE, -PAGE, 2**40]))
    )
    def get_slice(self, start, stop, step):
        part = slice(start, stop, step)
        assert outcome(lambda: self.map[part]) == outcome(lambda: bytes(self.model[part]))

    @rule(start=places, step=st.sampled_from([None, 1, 2, -1, PAGE]), text=data, longer=st.integers(0, 1))
    def set_slice(self, start, step, text, longer):
        places = range(*slice(start, None, step).indices(len(self.model)))[: len(text) + longer]
        part = slice(places.start, places.stop if places.stop >= 0 else None, places.step)
        fits = len(self.model[part]) == len(text)
        assert outcome(lambda: self.map.__setitem__(part, text)) is (None if fits else IndexError)
        if fits:
            self.model[part] = text

    @rule(needle=data, start=numbers, end=places, method=st.sampled_from(["find", "rfind", "count"]))
    def search(self, needle, start, end, method):
        beyond = overflows(start) or overflows(end)
        found = outcome(lambda: getattr(self.map, method)(needle, start, end))
        assert found == (OverflowError if beyond else getattr(self.model, method)(needle, start, end))

    @rule(to=numbers, origin=numbers, size=numbers)
    def move(self, to, origin, size):
        if outcome(lambda: self.map.move(to, origin, size)) is None:
            assert min(to, origin, size) >= 0
            assert max(to, origin) + size <= len(self.model)
            self.model[to : to + size] = self.model[origin : origin + size]

    @rule(byte=numbers, offset=numbers, size=places)
    def fill(self, byte, offset, size):
        if outcome(lambda: self.map.fill(byte, offset, size)) is None:
            end = len(self.model) if size is None else offset + size
            assert 0 <= offset <= end <= len(self.model)
            self.model[offset:end] = bytes([byte]) * (end - offset)

    @rule(position=numbers, whence=st.integers(-1, 4))
    def seek(self, position, whence):
        result = outcome(lambda: self.map.seek(position, whence))
        target = position + {1: self.position, 2: len(self.model)}.get(whence, 0)
        if whence in (0, 1, 2) and 0 <= target <= len(self.model):
            assert result == target
            self.position = target
        else:
            assert result in (ValueError, OverflowError)

    @rule(size=places)
    def read(self, size):
        result = outcome(lambda: self.map.read(size))
        if overflows(size):
            assert result is OverflowError
            return
        left = self.model[self.position :]
        assert result == (left if size is None or size < 0 else left[:size])
        self.position += len(result)

    @rule()
    def readline(self):
        left = bytes(self.model[self.position :])
        line = left[: left.find(b"\n") + 1] or left
        assert self.map.readline() == line
        self.position += len(line)

    @rule(text=data)
    def write(self, text):
        end = self.position + len(text)
        if outcome(lambda: self.map.write(text)) is ValueError:
            assert end > len(self.model)
        else:
            self.model[self.position : end] = text
            self.position = end

    @rule()
    def lines(self):
        *lines, rest = bytes(self.model).split(b"\n")
        assert list(self.map.lines()) == [line + b"\n" for line in lines] + ([rest] if rest else [])

    @rule(size=st.integers(1, 4 * PAGE))
    def resize(self, size):
        # Positions beyond the end are tested with the standard library's own tests.
        self.map.seek(0)
        self.position = 0
        self.map.resize(size)
        self.model = (self.model + bytes(size))[:size]

    @rule(kind=st.sampled_from(list(KINDS)), offset=numbers, value=st.one_of(numbers, st.floats()))
    def number(self, kind, offset, value):
        form = KINDS[kind]
        size = struct.calcsize(form)
        if outcome(lambda: self.map.put(kind, offset, value)) is None:
            assert 0 <= offset <= len(self.model) - size
            self.model[offset : offset + size] = struct.pack(form, value)
        if 0 <= offset <= len(self.model) - size:
            (known,) = struct.unpack_from(form, self.model, offset)
            held = self.map.get(kind, offset)
            assert held == known or (held != held and known != known)

    @rule(method=st.sampled_from(METHODS), arguments=st.lists(strange, max_size=4))
    def anything(self, method, arguments):
        """Any arguments of a method give a result, or one of the expected exceptions."""
        with mmap.anonymous(2 * PAGE) as m:
            outcome(lambda: getattr(m, method)(*arguments))

    @rule(index=numbers, act=st.sampled_from(["close", "resize"]))
    def an_index_acts(self, index, act):
        """`__index__` closes or shortens the map during the call to which it belongs."""
        for use in (
            lambda m, i: m[i],
            lambda m, i: m[i : i + 3 if isinstance(i, int) else 7],
            lambda m, i: m.__setitem__(i, 1),
            lambda m, i: m.__setitem__(0, i),
            lambda m, i: m.find(b"\0", i),
            lambda m, i: m.read(i),
            lambda m, i: m.seek(i),
            lambda m, i: m.move(i, 0, 1),
            lambda m, i: m.get("u4", i),
            lambda m, i: m.put("u4", i, 1),
            lambda m, i: m.put("u4", 0, i),
        ):
            with mmap.memfd(2 * PAGE) as m:
                strikes = Closing(index, m.close if act == "close" else partial(m.resize, 1))
                outcome(partial(use, m, strikes))
                assert m.closed == (act == "close")


Programs.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    derandomize="MMAP_WRAP_HUNT" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
test_programs = Programs.TestCase
