"""Random programs, run on the standard library's `mmap` and on this one: step by step the same outcomes.

A program is a list of lines, so that one with different outcomes can be run by hand. Intended differences are in the
table DIFFERENCES below, which the README of the package repeats. Operations that would end the process under the
standard library (indices that close the map, truncated files) are not in the programs, but in test_hostile.

MMAP_WRAP_STEPS is the number of lines to run (by default as many as take some seconds), MMAP_WRAP_SEED the first seed.
"""

from __future__ import annotations

import array
import ctypes
import mmap as stdlib
import operator
import os
import random
import re
import struct
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import mmap_wrap

STEPS = int(os.environ.get("MMAP_WRAP_STEPS", "10000"))
SEED = int(os.environ.get("MMAP_WRAP_SEED", "0"))
PAGE = stdlib.PAGESIZE
SIZE = 3 * PAGE + 100
DATA = bytes(random.Random(1).choices(b"abc\n\0", k=SIZE))


class Index:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


class Number(int):
    """An int with overridden comparisons."""

    def __lt__(self, other):
        return True

    __gt__ = __eq__ = __le__ = __ge__ = __lt__
    __hash__ = int.__hash__


class Raises:
    def __index__(self):
        raise LookupError("no index")

    def __bool__(self):
        raise LookupError("no truth")


class Bytes(bytes):
    def __len__(self):
        return 1


NAMES = {
    "Bytes": Bytes,
    "Index": Index,
    "Number": Number,
    "Raises": Raises,
    "array": array.array,
    "c_int": ctypes.c_int,
    "delattr": delattr,
    "delitem": operator.delitem,
    "maxsize": sys.maxsize,
    "nan": float("nan"),
    "re": re,
    "setitem": operator.setitem,
    "struct": struct,
}

PLACES = [0, 1, 2, 5, 100, -1, -2, -100, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, SIZE - 1, SIZE, SIZE + 1, -SIZE, -SIZE - 1]
HUGE = ["2**31", "2**32 + 1", "maxsize", "maxsize + 1", "-maxsize", "-maxsize - 1", "-maxsize - 2", "2**64", "-2**70"]
ODD = [
    "True",
    "None",
    "1.0",
    "nan",
    "'1'",
    "b'1'",
    "Index(5)",
    "Index(-1)",
    "Number(3)",
    "Raises()",
    "[]",
    "(1,)",
    "1j",
]
TEXTS = ["b'a'", "b'ab'", "b'\\n'", "b''", "b'c\\n'", "b'abc' * 7", "b'no such bytes'", "b'a' * 5000"]
BUFFERS = [
    "bytearray(b'ab')",
    "memoryview(b'abc')",
    "memoryview(b'abcd').cast('H')",
    "memoryview(b'abcdef')[::2]",
    "memoryview(b'abcdef')[::-1]",
    "memoryview(bytes(12)).cast('I', (1, 3))",
    "array('I', [1, 2])",
    "(c_int * 2)(97, 98)",
    "c_int(97)",
    "Bytes(b'ab')",
    "m",
]
NO_BUFFERS = ["'a'", "None", "5", "[1, 2]", "Raises()", "1.5"]


class Programs:
    """Makes lines from a seed. A wild line may have any arguments; any other has at most one invalid argument."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.wild = False
        self.arguments_made = 0

    def one_of(self, *alternatives):
        return self.random.choice(alternatives)

    def odd(self):
        """Whether the next argument is to be invalid."""
        self.arguments_made += 1
        return self.random.random() < 0.5 if self.wild else self.arguments_made == self.chosen

    def number(self):
        if not self.odd():
            return str(self.random.randrange(10))
        kind = self.random.random()
        if kind < 0.3:
            return str(self.random.choice(PLACES))
        if kind < 0.6:
            return str(self.random.randrange(-SIZE - 10, SIZE + 10))
        return self.random.choice(HUGE if kind < 0.8 else ODD)

    def numbers(self, most):
        return [self.number() for _ in range(self.random.randrange(most + 1))]

    def buffer(self):
        return self.random.choice([*BUFFERS, *NO_BUFFERS] if self.odd() else TEXTS)

    def byte(self):
        return self.one_of("256", "-1", "b'a'", *ODD, *HUGE) if self.odd() else self.one_of("0", "97", "255")

    def slice(self):
        bounds = [self.one_of("None", self.number()) for _ in range(2)]
        step = self.one_of("None", "None", "1", "-1", "2", "-3", "7", str(PAGE), self.number())
        return f"slice({bounds[0]}, {bounds[1]}, {step})"

    def calls(self):
        """The names of methods with their arguments."""
        number, numbers, buffer = self.number, self.numbers, self.buffer
        advice = self.one_of("999", "-1", *ODD) if self.odd() else self.one_of("0", "1", "2", "3")
        whence = self.one_of("3", "-1", *HUGE, *ODD) if self.odd() else self.one_of("0", "1", "2")
        size = self.one_of(*ODD, "-5") if self.odd() else str(self.one_of(1, 5, PAGE, SIZE, 2 * SIZE))
        return {
            "close": [],
            "find": [buffer(), *numbers(2)],
            # In the standard library, None is a size as here only in 3.14.
            "flush": [one for one in numbers(2) if one != "None"],
            "madvise": [advice, *numbers(2)],
            "move": [number(), number(), number()],
            "read": numbers(1),
            "read_byte": [],
            "readline": [],
            "resize": [size],
            "rfind": [buffer(), *numbers(2)],
            "seek": [number(), *[whence] * self.random.randrange(2)],
            "size": [],
            "tell": [],
            "write": [buffer()],
            "write_byte": [self.byte()],
            "__enter__": [],
            "__exit__": ["None", "None", "None"],
            "__len__": [],
            "__getitem__": [number()],
            **({"seekable": []} if hasattr(stdlib.mmap, "seekable") else {}),
        }

    def call(self):
        calls = self.calls()
        # Closing makes the rest of the program useless, so it is rare.
        ends = self.random.random() < 0.02
        name = self.one_of(*(name for name in calls if ends or name not in ("close", "__exit__")))
        arguments = calls[name]
        # The standard library's __exit__ accepts any number of arguments.
        if self.wild and self.random.random() < 0.05 and name != "__exit__":
            arguments = arguments[:-1] if self.random.random() < 0.5 else [*arguments, *[self.number()] * 3]
        return f"m.{name}({', '.join(arguments)})"

    def operation(self):
        size = self.random.choice([1, 2, 5, 100, PAGE])
        start = self.random.randrange(SIZE)
        return self.one_of(
            f"m[{self.number()}]",
            f"m[{self.slice()}]",
            f"setitem(m, {self.number()}, {self.byte()})",
            f"setitem(m, {self.slice()}, {self.buffer()})",
            f"setitem(m, {self.slice()}, {self.byte()})",
            f"setitem(m, slice({start}, {start + size}), b'x' * {size})",
            f"setitem(m, slice({start}, {start + size}, 3), b'y' * {len(range(0, size, 3))})",
            f"delitem(m, {self.one_of(self.number(), self.slice())})",
            f"{self.one_of(*TEXTS, *BUFFERS[:-1], *NO_BUFFERS)} in m",
            self.construction(),
            self.whole(),
        )

    def construction(self):
        """A second map, of the file or of memory, of which only the length is compared."""

        def number(*good):
            return self.one_of("-2", "7", "2**64", *ODD) if self.odd() else self.one_of(*good)

        arguments = [
            # Other descriptors of the process may be anything.
            self.one_of("-2", "2**31", "2**64", "None", "1.0", "'1'", "Raises()")
            if self.odd()
            else self.one_of("fd", "-1"),
            number("1", "100", str(SIZE - PAGE)),
            number("mmap.MAP_SHARED", "mmap.MAP_PRIVATE"),
            number("mmap.PROT_READ", "mmap.PROT_READ | mmap.PROT_WRITE"),
            number("0", "0", "1", "2", "3"),
            number("0", str(PAGE)),
        ]
        arguments = arguments[: self.random.randrange(1 if self.wild else 2, 7)]
        if self.random.random() < 0.5:
            keyword = self.one_of("access", "flags", "prot", "offset", "nothing")
            arguments = [*arguments[:2], f"{keyword}={number('0', '1', '2', '3')}"]
        return f"len(mmap.mmap({', '.join(arguments)}))"

    def whole(self):
        """Operations on the map as an object."""
        return self.one_of(
            "len(m)",
            "bool(m)",
            "m.closed",
            # The repr has the name of the module.
            "repr(m).replace(mmap.__name__, '', 1)",
            "bytes(m)",
            "bytearray(m)",
            "next(iter(m))",
            "next(reversed(m))",
            "list(zip(m, range(3)))",
            "m == m",
            "m == b''",
            "m < m",
            "hash(m) == hash(m)",
            "m + b''",
            "b'' + m",
            "m * 2",
            "-m",
            "m()",
            "m.no_such_name",
            "delattr(m, 'read')",
            "isinstance(iter(m), type(iter(m)))",
            "b''.join([m, b'x'])",
            "re.search(b'[ab]+\\n', m).span()",
            "re.sub(b'a', b'b', m)",
            f"struct.unpack_from('<I', m, {self.number()})",
            f"struct.pack_into('<I', m, {self.number()}, 5)",
            "memoryview(m).tobytes()",
            "[getattr(memoryview(m), a) for a in ('nbytes', 'format', 'itemsize', 'shape', 'readonly', 'contiguous')]",
            "views.append(memoryview(m))",
            "views.append(memoryview(m)[5:50])",
            "views.append(iter(m))",
            "next(views[-1])",
            "views[0][3]",
            "setitem(views[0], 3, 65)",
            "views.clear()",
            "views.clear()",
            "views[-1].release()",
            "m.find(memoryview(m)[5:9])",
            "memoryview(m) == m[:]",
        )

    def line(self):
        self.wild, self.arguments_made, self.chosen = self.random.random() < 0.5, 0, self.random.randrange(40)
        return self.call() if self.random.random() < 0.6 else self.operation()


MAPS = [
    "mmap.mmap(fd, 0)",
    "mmap.mmap(fd, 0, access=mmap.ACCESS_READ)",
    "mmap.mmap(fd, 0, access=mmap.ACCESS_WRITE)",
    "mmap.mmap(fd, 0, access=mmap.ACCESS_COPY)",
    "mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE)",
    "mmap.mmap(fd, 0, prot=mmap.PROT_READ)",
    "mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)",
    f"mmap.mmap(fd, {PAGE + 7}, offset={PAGE})",
    f"mmap.mmap(fd, 100, offset={2 * PAGE})",
    "mmap.mmap(fd, 50, access=mmap.ACCESS_COPY)",
    f"mmap.mmap(-1, {SIZE})",
    f"mmap.mmap(-1, {2 * PAGE}, flags=mmap.MAP_PRIVATE)",
    f"mmap.mmap(-1, {PAGE}, access=mmap.ACCESS_WRITE)",
    "mmap.mmap(-1, 10, access=mmap.ACCESS_COPY)",
    "mmap.mmap(-1, 10, access=mmap.ACCESS_READ)",
]


# The beginnings of messages that programs compare with; other messages may differ.
MESSAGES = re.compile(
    "mmap (?!indices)|memory mapped|read byte|write byte|data out|seek out|unknown seek|madvise|new size|cannot mmap"
)


class Side:
    """The state of a program under one of the two modules: a map, its file, and variables."""

    def __init__(self, module, path):
        self.file = open(path, "w+b", buffering=0)  # noqa: SIM115 - `end` closes it
        self.file.write(DATA)
        self.names = {**NAMES, "mmap": module, "fd": self.file.fileno(), "views": []}

    def run(self, line):
        try:
            name, assigns, value = line.partition(" := ")
            if assigns:
                self.made, self.names[name] = line, eval(value, self.names)
                return None
            return plain(eval(line, self.names), self.names)
        except Exception as error:
            return error

    def state(self):
        """The map's content, position, length and whether it is closed, and the file's content and size."""
        values = self.run("m[:]"), self.run("m.tell()"), self.run("len(m)"), self.run("m.closed")
        return [*values, os.pread(self.file.fileno(), 4 * SIZE, 0), os.fstat(self.file.fileno()).st_size]

    def end(self):
        self.names.clear()
        self.file.close()


def plain(value, names):
    """A representation of a result that can be compared."""
    if value is names.get("m"):
        return "the map itself"
    return type(value).__name__ if hasattr(value, "__next__") else value


def alike(mine, theirs):
    """Whether a program that handles the standard library's outcome also handles this module's."""
    if isinstance(theirs, list) and isinstance(mine, list):
        return len(mine) == len(theirs) and all(map(alike, mine, theirs))
    if not isinstance(theirs, Exception):
        return type(mine) is type(theirs) and mine == theirs
    if not isinstance(mine, type(theirs)):
        return False
    if isinstance(theirs, OSError):
        return mine.errno == theirs.errno
    return not MESSAGES.match(str(theirs)) or str(mine) == str(theirs)


class Difference(NamedTuple):
    """A row of the table, the types of the two outcomes, a pattern for the lines, and a program that shows it."""

    what: str
    here: str
    there: str
    mine: type | tuple[type, ...]
    theirs: type | tuple[type, ...]
    lines: str
    shown: str
    # The first version of Python without the difference.
    until: tuple[int, ...] = (99,)

    def explains(self, line, mine, theirs):
        if sys.version_info >= self.until or not re.match(self.lines, line):
            return False
        return isinstance(mine, self.mine) and isinstance(theirs, self.theirs)


NONE = type(None)
DIFFERENCES = [
    Difference(
        *("`madvise` with an unaligned `start`", "applies to the whole page", "`OSError`"),
        *(NONE, OSError, r"m\.madvise\(", "m := mmap.mmap(fd, 0); m.madvise(mmap.MADV_RANDOM, 7)"),
    ),
    Difference(
        *("an unaligned `offset` in a file", "is exact", "`OSError`"),
        *(int, OSError, r"len\(mmap\.mmap\(", "len(mmap.mmap(fd, 100, offset=3))"),
    ),
    Difference(
        *("unknown bits in `flags` or `prot`", "`OSError`", "the kernel ignores them"),
        *(OSError, int, r"len\(mmap\.mmap\(", "len(mmap.mmap(fd, 100, prot=-1))"),
    ),
    Difference(
        *("`flags` with both MAP_SHARED and MAP_PRIVATE", "`ArgumentError`", "a shared map"),
        *(mmap_wrap.ArgumentError, int, r"len\(mmap\.mmap\(", "len(mmap.mmap(fd, 100, 3))"),
    ),
    Difference(
        *("`madvise` that discards data, for a part of a page", "`OSError`", "discards the whole page"),
        *(OSError, NONE, r"m\.madvise\((4|mmap)", "m := mmap.mmap(fd, 0); m.madvise(mmap.MADV_DONTNEED, 0, 7)"),
    ),
    Difference(
        *("a map assigned to a slice of itself", "as if copied first", "read while it is changed"),
        *(NONE, NONE, r"setitem\(m, slice\(.*, m\)", "m := mmap.mmap(fd, 0); setitem(m, slice(None, None, -1), m)"),
    ),
    Difference(
        *("a `resize` that fails", "does not change the file", "changes its size"),
        *(OSError, OSError, r"m\.resize\(", f"m := mmap.mmap(fd, 0); m.madvise(2, 0, 7); m.resize({2 * SIZE})"),
    ),
    Difference(
        *("`size` without a file", "the length of the map", "`OSError` before 3.15"),
        *(int, OSError, r"m\.size\(\)", "m := mmap.mmap(-1, 10); m.size()", (3, 15)),
    ),
    Difference(
        *("`flush` with an offset, without a size", "flushes to the end", "`ValueError` before 3.15"),
        *(
            (NONE, OSError),
            ValueError,
            r"m\.flush\([^,]*(, (-1|Index\(-1\)))?\)",
            f"m := mmap.mmap(fd, 0); m.flush({PAGE})",
            (3, 15),
        ),
    ),
    Difference(
        *("`find` and `rfind` of empty bytes, from beyond the end", "-1", "an offset before 3.15"),
        *(int, int, r"m\.r?find\((b''|memoryview)", "m := mmap.mmap(-1, 10); m.find(b'', 11)", (3, 15)),
    ),
    Difference(
        *(
            "`None` as a bound of `find` and `rfind`",
            "as if omitted",
            "`TypeError` before 3.14; from then on also if `end` is omitted",
        ),
        *((int, Exception), (int, TypeError), r"m\.r?find\(.*None", "m := mmap.mmap(-1, 10); m.find(b'\\0', None, 0)"),
    ),
    Difference(
        *("`None` as a length for `madvise`", "as if omitted", "`TypeError` before 3.14"),
        *(NONE, TypeError, r"m\.madvise\(.*None\)", "m := mmap.mmap(-1, 10); m.madvise(0, 0, None)", (3, 14)),
    ),
    Difference(
        *("the result of `seek`", "the position", "`None` before 3.13"),
        *(int, NONE, r"m\.seek\(", "m := mmap.mmap(-1, 10); m.seek(0)", (3, 13)),
    ),
]
# Rows without a program: the standard library ends the process, or its order of checks varies.
NOT_RUN = [
    ("growing a shared map without a file", "`ValueError`", "before 3.14, access to it ends the process"),
    ("access beyond a truncated file, or with a full disk", "`FaultError`", "ends the process"),
    ("an argument that closes the map", "`ValueError`", "ends the process before 3.12"),
    ("a `with` block that an exception ends while views exist", "the exception", "`BufferError`"),
    ("two errors in one call", "one is reported", "the other may be reported"),
]


def new_sides(folder):
    return [Side(mmap_wrap, folder / "mine"), Side(stdlib, folder / "theirs")]


def run(program, sides):
    """Runs a line with both modules; returns the outcomes, and the states afterwards."""
    return [side.run(program) for side in sides], [side.state() for side in sides]


def two_wrong(line, wild, sides):
    """Whether the line may have two errors, or one in addition to an error in the state of the map."""
    theirs = sides[1]
    # Several arguments of a constructor may be invalid together, such as access with flags.
    if wild or line.startswith("delitem") or "nothing=" in line or re.match(r"len\(mmap\.mmap\((.*,){3}", line):
        return True
    if theirs.names["views"] or theirs.run("m.closed") or theirs.run("len(m) < 10"):
        return True
    return isinstance(theirs.run("setitem(m, slice(0, 0), b'')"), TypeError) or "COPY" in theirs.made


def explained(line, outcomes):
    return any(row.explains(line, *outcomes) for row in DIFFERENCES)


def programs(steps):
    """Programs of forty lines, each line with the flag whether it is a wild one."""
    seed = SEED
    while steps > 0:
        source = Programs(seed)
        lines = [(f"m := {source.one_of(*MAPS)}", False)]
        while len(lines) < 40:
            lines.append((source.line(), source.wild))
            if sys.version_info < (3, 14) and "resize" in lines[-1][0] and "(-1" in lines[0][0]:
                # In the standard library, access to a map that was grown in this way ends the process.
                lines.pop()
        yield seed, lines
        seed, steps = seed + 1, steps - len(lines)


def first_difference(lines, folder):
    """The number of the first line with a difference that is not in the table, and the two outcomes; or None."""
    sides = new_sides(folder)
    try:
        for number, (line, wild) in enumerate(lines, 1):
            excused = number > 1 and two_wrong(line, wild, sides)
            outcomes, states = run(line, sides)
            raised = all(isinstance(one, Exception) for one in outcomes)
            if not alike(*outcomes) and not explained(line, outcomes) and not (raised and excused):
                return number, outcomes
            if line.startswith("m.madvise") and not raised and not alike(*outcomes):
                # Advice for a part of the pages can make a later resize fail.
                return None
            if not alike(*states):
                return None if explained(line, outcomes) else (number, [cut(states[0]), cut(states[1])])
        return None
    finally:
        for side in sides:
            side.end()


def cut(state):
    return [value[:40] if isinstance(value, bytes) else value for value in state]


def shortest(lines, folder):
    """The program without the lines that are not needed to show the difference."""
    lines = lines[: first_difference(lines, folder)[0]]
    for number in range(len(lines) - 2, 0, -1):
        less = lines[:number] + lines[number + 1 :]
        if first_difference(less, folder):
            lines = less
    return lines


def test_random_programs_have_the_outcomes_of_the_standard_library(tmp_path):
    for seed, lines in programs(STEPS):
        if first_difference(lines, tmp_path):
            lines = shortest(lines, tmp_path)
            text = "\n".join(line for line, _ in lines)
            mine, theirs = first_difference(lines, tmp_path)[1]
            raise AssertionError(f"seed {seed}:\n{text}\nhere:  {mine!r}\nthere: {theirs!r}")


@pytest.mark.parametrize("row", DIFFERENCES, ids=[row.what for row in DIFFERENCES])
def test_each_difference_exists_in_exactly_its_versions(row, tmp_path):
    sides = new_sides(tmp_path)
    for line in row.shown.split("; "):
        outcomes, states = run(line, sides)
    assert (not alike(*outcomes) or not alike(*states)) == (sys.version_info < row.until), outcomes
    assert sys.version_info >= row.until or row.explains(line, *outcomes)
    for side in sides:
        side.end()


def test_the_readme_has_the_table():
    text = (Path(__file__).parents[1] / "README.md").read_text()
    section = text.partition("## Where it differs from the standard library\n")[2].partition("\n## ")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in section.splitlines() if "|" in line]
    assert rows[2:] == [row[:3] for row in DIFFERENCES] + NOT_RUN
