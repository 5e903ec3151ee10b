"""A map whose length changes without the object: the remembered length decides only which path is tried first."""

import mmap as stdlib

import pytest

from mmap_wrap import MAP_PRIVATE, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE, mmap, raw

PAGE = stdlib.PAGESIZE
LONG = 1 << 20
TEXT = b"one two three four five six seven\n"


def changed(length, new):
    """Two maps of these bytes: one whose length was changed through its handle, and one created with that length."""
    ours = mmap(-1, length, MAP_PRIVATE)
    assert len(ours) == length
    raw.check(raw.mremap_wrap(ours._handle, new, MREMAP_MAYMOVE, None, 0))
    theirs = stdlib.mmap(-1, new, MAP_PRIVATE)
    for m in (ours, theirs):
        # The object does not determine its new length.
        data = (TEXT * (new // len(TEXT) + 1))[:new]
        if m is theirs:
            m[:] = data
        else:
            raw.check(raw.mmap_wrap_write(m._handle, 0, data, new))
    return ours, theirs


def outcome(call, m):
    try:
        return call(m)
    except (IndexError, ValueError) as error:
        return type(error), str(error)


CALLS = {
    "the last byte": lambda m, n: m[n - 1],
    "behind the end": lambda m, n: m[n],
    "from the end": lambda m, n: m[-1],
    "a slice at the end": lambda m, n: m[n - 10 : n],
    "a slice beyond the end": lambda m, n: m[n - 10 : n + 10],
    "a slice that was inside": lambda m, n: m[PAGE : 3 * PAGE],
    "all": lambda m, n: m[:],
    "backwards": lambda m, n: m[::-1],
    "find, with an end": lambda m, n: m.find(b"seven", 0, n + 100),
    "find of the last line": lambda m, n: m.find(b"one", n - 40),
    "find of what is not there": lambda m, n: m.find(b"eight"),
    "rfind": lambda m, n: m.rfind(b"two"),
    "rfind, with an end": lambda m, n: m.rfind(b"two", 0, n + 100),
    "rfind of what is not there": lambda m, n: m.rfind(b"eight"),
    "find beyond the end": lambda m, n: m.find(b"o", n + 1),
    "in": lambda m, n: b"\n" in m,
    "not in": lambda m, n: b"\0" in m,
    "read": lambda m, n: (m.seek(n - 5), m.read(10), m.tell())[1:],
    "read all": lambda m, n: m.read(),
    "read_byte": lambda m, n: (m.seek(n - 1), m.read_byte(), outcome(lambda m: m.read_byte(), m))[1:],
    "lines": lambda m, n: list(iter(m.readline, b"")),
    "write": lambda m, n: (m.seek(n - 5), m.write(b"12345"), outcome(lambda m: m.write(b"6"), m))[1:],
    "write_byte": lambda m, n: (m.seek(n - 1), m.write_byte(7), outcome(lambda m: m.write_byte(8), m))[1:],
    "assignment": lambda m, n: (m.__setitem__(slice(n - 3, n), b"abc"), m[n - 4 :])[1],
    "an item behind the end": lambda m, n: m.__setitem__(n, 1),
    "move": lambda m, n: (m.move(n - 3, 0, 3), m[n - 5 :])[1],
    "move beyond": lambda m, n: m.move(n - 3, 0, 4),
    "iteration": lambda m, n: sum(1 for _ in m),
}


@pytest.mark.parametrize(
    ("before", "after"), [(PAGE, LONG + 10), (LONG, PAGE + 10), (PAGE, 3 * PAGE), (3 * PAGE, PAGE)]
)
@pytest.mark.parametrize("name", CALLS)
def test_each_call_uses_the_current_length(name, before, after):
    ours, theirs = changed(before, after)
    with ours, theirs:
        call = CALLS[name]
        assert outcome(lambda m: call(m, after), ours) == outcome(lambda m: call(m, after), theirs)


def test_count_uses_the_current_length():
    for before, after in ((PAGE, LONG), (LONG, PAGE)):
        ours, theirs = changed(before, after)
        with ours, theirs:
            assert ours.count(b"\n") == theirs[:].count(b"\n")


def test_a_truncated_map_keeps_its_length():
    with mmap(-1, LONG, MAP_PRIVATE, PROT_READ | PROT_WRITE) as m:
        m.protect(0)
        assert len(m) == LONG
        assert m.find(b"a", LONG) == -1
