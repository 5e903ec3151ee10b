#!/usr/bin/env python3
"""The cost of mmap-wrap in Python compared with the standard library's mmap, struct and numpy.memmap.

    python3 benches/python.py        needs the package, numpy and PROGRAMS; `make bench` installs them

Each row times both alternately in one run, and prints the medians of a call in nanoseconds, their ratio, and the target
if there is one. docs/benchmarks.md has the table. The maps are of one file of 64 MiB.
"""

import mmap as stdlib
import os
import struct
import subprocess
import sys
import tempfile
import time
from statistics import median

import mmap_wrap as ours

try:
    import numpy
except ImportError:
    numpy = None

ROUNDS = 21
PROGRAM_ROUNDS = 7
SIZE = 64 << 20
LINE = b"2026-11-21T10:00:00Z host service[123]: a line of a log, as they are\n"


def time_of(body, calls):
    """Nanoseconds per call. They include the cost of the loop, which is the same for both sides."""
    repeat = [None] * calls
    body()  # once before, so that the state of allocator and caches is not that after the other side's calls
    start = time.perf_counter_ns()
    for _ in repeat:
        body()
    return (time.perf_counter_ns() - start) / calls


def row(name, our_body, their_body, calls=10_000, target=""):
    """Times the two functions alternately, and prints a line."""
    pairs = [(time_of(our_body, calls), time_of(their_body, calls)) for _ in range(ROUNDS)]
    mine, theirs = (median(column) for column in zip(*pairs))
    print(f"{name:66} {mine:13.1f} {theirs:13.1f} {mine / theirs:8.3f}   {target}", flush=True)


def title(text):
    """A heading between rows."""
    print(f"\n{text}")


def fast(statement, **names):
    """A function with the statement a hundred times, so that the cost of calling it is small."""
    code = "def body():\n" + f"    {statement}\n" * 100
    exec(code, names)
    return names["body"]


def both(name, statement, calls=100, target="", mapping=None, other=None, **names):
    """Times the same statement about `m` for our map and for the standard library's."""
    row(name, fast(statement, m=mapping, **names), fast(statement, m=other, **names), calls, target)


def index_and_slices(mapping, other):
    """One byte, slices of 1 B to 16 MiB, and reading as from a file."""
    for trusted in (False, True):
        ours.trust_handlers(trusted)
        title(f"handlers {'trusted' if trusted else 'verified by lease, as by default'} (per hundred calls)")
        both("m[i]", "m[12345]", target="<= 1.5", mapping=mapping, other=other)
        both("m[i] = x", "m[12345] = 7", mapping=mapping, other=other)
        for size in (1, 16, 64, 4096, 65536, 1 << 20, 16 << 20):
            statement = f"m[4096:{4096 + size}]"
            calls = max(1, min(100, (1 << 22) // size // 100))
            target = "<= 1.3" if size == 16 else ""
            both(f"m[a:b], {size} bytes", statement, calls, target, mapping=mapping, other=other)
        both("m[a:b] = data, 4096 bytes", "m[4096:8192] = data", mapping=mapping, other=other, data=bytes(4096))
        for call in ("read(8)", "read_byte()"):
            mapping.seek(0), other.seek(0)
            both(call, f"m.{call}", 100, "<= 1.3", mapping=mapping, other=other)
    ours.trust_handlers(False)


def methods(mapping, other):
    """The other methods of the standard library's class."""
    title("loops")
    lines = "iter(m.readline, b''), 1000 lines"
    row(lines, lambda: iterate_lines(mapping, 1000), lambda: iterate_lines(other, 1000), 10, "<= 1.3")
    for apart in (30, 300, 3000, 300_000):
        mapping[:] = other[:] = bytes(SIZE)
        for place in range(0, min(SIZE, 1000 * apart), apart):
            other[place : place + 6] = b"needle"
        hits = len(range(0, min(SIZE, 1000 * apart), apart))
        name, target = f"a loop of {hits} find, hits {apart} bytes apart", "<= 1.2" if apart == 300 else ""
        ours_, theirs_ = (lambda m=m, hits=hits: find_hits(m, b"needle", hits) for m in (mapping, other))
        row(name, ours_, theirs_, 1, target)
    other[:] = (LINE * (SIZE // len(LINE) + 1))[:SIZE]
    small, theirs = ours.mmap(-1, 4096), stdlib.mmap(-1, 4096)
    small[4000] = theirs[4000] = 1
    row("for b in m, 4096 bytes", lambda: [None for _ in small], lambda: [None for _ in theirs], 10, "<= 1.5")

    title("methods (per hundred calls)")
    both("b'\\1' in m, behind 4000 bytes", "b'\\1' in m", 1, "<= 1.2", mapping=small, other=theirs)
    both("b'\\0' in m, the first byte", "b'\\0' in m", 100, "<= 1.2", mapping=small, other=theirs)
    both("find of a line, a few bytes away", "m.find(b'line', 0, 4096)", 100, mapping=mapping, other=other)
    both("rfind of a line, a few bytes away", "m.rfind(b'line', 0, 4096)", 100, "<= 1.2", mapping=mapping, other=other)
    both("move(0, 100, 50)", "m.move(0, 100, 50)", 100, "<= 1.3", mapping=mapping, other=other)
    for call in ("len(m)", "m.tell()", "m.closed"):
        both(call, call, 100, "<= 1.2", mapping=mapping, other=other)
    both("repr(m)", "repr(m)", 10, mapping=mapping, other=other)


def find_hits(mapping, word, hits):
    """Searches for a word, and then from each hit for the next."""
    place = 0
    for _ in range(hits):
        place = mapping.find(word, place) + len(word)


def iterate_lines(mapping, count):
    """Reads a number of lines."""
    mapping.seek(0)
    for _, _ in zip(range(count), iter(mapping.readline, b"")):
        pass


def views(mapping, other):
    """Accesses through views."""
    view = mapping.view()
    title("through a view (per hundred calls)")
    row("view[i] / stdlib m[i]", fast("v[12345]", v=view), fast("m[12345]", m=other), 300, "<= 1.05")
    row("view[i] = x / stdlib m[i] = x", fast("v[12345] = 7", v=view), fast("m[12345] = 7", m=other), 300)
    both("memoryview(m)", "memoryview(m)", mapping=mapping, other=other)


def typed(mapping, other):
    """Numbers: an element of a view, and of an array."""
    title("numbers (per hundred calls)")
    words, whole = mapping.view("u4"), struct.Struct("<I")
    row(
        "view('u4')[i] / Struct.unpack_from(stdlib)",
        fast("w[1234]", w=words),
        fast("u(m, 4936)[0]", u=whole.unpack_from, m=other),
        300,
        "<= 0.5",
    )
    row(
        "get('u4', i) / Struct.unpack_from(stdlib)",
        fast("m.get('u4', 4936)", m=mapping),
        fast("u(m, 4936)[0]", u=whole.unpack_from, m=other),
        30,
    )
    if numpy is None:
        print("skipped: arrays: numpy is not installed")
        return
    array, theirs = mapping.array("<u4"), numpy.memmap(mapping_path(), "<u4", "r+")
    row("array('<u4')[i] / numpy.memmap", fast("a[1234]", a=array), fast("a[1234]", a=theirs), 100)
    row("array('<u4').sum(), 64 MiB / numpy.memmap", lambda: array.sum(), lambda: theirs.sum(), 1)
    path = mapping_path()
    row(
        "open(path).array('<u4') / numpy.memmap(path)",
        lambda: ours.open(path).array("<u4"),
        lambda: numpy.memmap(path, "<u4", "r"),
        50,
    )


def searches(mapping, other):
    """The whole file."""
    title("search in 64 MiB")
    row("find, not there", lambda: mapping.find(b"needle", 0), lambda: other.find(b"needle", 0), 1, "<= 0.2")
    row("rfind, not there", lambda: mapping.rfind(b"needle", 0), lambda: other.rfind(b"needle", 0), 1)
    row("count of a word / a loop of find", lambda: mapping.count(b"service"), lambda: counted(other, b"service"), 1)
    title("lines of 16 MiB")
    end = 16 << 20
    row("lines() / readline()", lambda: [None for _ in mapping.lines(0, end)], lambda: read_lines(other, end), 1)
    row("readline() / readline()", lambda: read_lines(mapping, end >> 4), lambda: read_lines(other, end >> 4), 1)


def counted(mapping, word):
    """Counts a word, as it is done with the standard library."""
    count = place = 0
    while (place := mapping.find(word, place)) >= 0:
        count, place = count + 1, place + len(word)
    return count


def read_lines(mapping, end):
    """Steps over lines up to an offset."""
    mapping.seek(0)
    while mapping.tell() < end:
        mapping.readline()


def calls(mapping, other, file):
    """Making maps, and calls about their pages."""
    title("calls")
    fd, page = file.fileno(), stdlib.PAGESIZE
    private = stdlib.MAP_PRIVATE
    row(
        "create and close, 4 KiB, shared memory",
        lambda: ours.mmap(-1, page).close(),
        lambda: stdlib.mmap(-1, page).close(),
        500,
        "<= 1.3",
    )
    row(
        "create and close, 4 KiB, private memory",
        lambda: ours.mmap(-1, page, private).close(),
        lambda: stdlib.mmap(-1, page, private).close(),
        500,
        "<= 1.3",
    )
    row("create and close, a file", lambda: ours.mmap(fd, 0).close(), lambda: stdlib.mmap(fd, 0).close(), 500, "<= 1.5")
    both("flush(0, 4096) (per hundred calls)", "m.flush(0, 4096)", 20, mapping=mapping, other=other)
    both("madvise (per hundred calls)", f"m.madvise({stdlib.MADV_RANDOM}, 0, 4096)", 20, mapping=mapping, other=other)


def imports():
    """The import, in newly started interpreters, alternately."""
    title("import, in nanoseconds of a started interpreter")

    def seconds(statement):
        code = f"import time; start = time.perf_counter_ns(); {statement}; print(time.perf_counter_ns() - start)"
        return int(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout)

    pairs = [(seconds("import mmap_wrap"), seconds("import ctypes, mmap")) for _ in range(ROUNDS)]
    mine, theirs = (median(column) for column in zip(*pairs))
    print(f"{'import mmap_wrap / import ctypes, mmap':66} {mine:13.0f} {theirs:13.0f} {mine / theirs:8.3f}   <= 1.5")


# Programs that import `mmap`: the code that creates their file at `path`, and the statement that is timed. A process
# uses only one of the modules.
PROGRAMS = {
    "maxminddb: get": (
        """
import ipaddress, maxminddb, mmdb_writer, netaddr
if not os.path.exists(path):
    writer = mmdb_writer.MMDBWriter()
    for i in range(2000):
        network = netaddr.IPSet([f"{i % 200 + 1}.{i // 200}.0.0/16"])
        writer.insert_network(network, {"country": {"iso_code": "DE", "names": {"en": f"Land {i}"}}})
    writer.to_db_file(path)
reader = maxminddb.open_database(path, maxminddb.MODE_MMAP)
addresses = [f"{i % 200 + 1}.{i % 10}.1.2" for i in range(500)]
""",
        "for address in addresses: reader.get(address)",
    ),
    "prometheus_client: MmapedDict": (
        """
from prometheus_client.mmap_dict import MmapedDict
values = MmapedDict(path)
keys = [f'["metric", "metric_total", {{"label": "{i}"}}, "help"]' for i in range(500)]
""",
        "for key in keys: values.write_value(key, values.read_value(key)[0] + 1, 0.0)",
    ),
    "pure-cdb: get": (
        """
import cdblib
if not os.path.exists(path):
    with open(path, "wb") as file:
        with cdblib.Writer(file) as writer:
            for i in range(5000):
                writer.put(b"key %d" % i, b"value %d" % i)
file = open(path, "rb")
reader = cdblib.Reader(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
keys = [b"key %d" % i for i in range(0, 5000, 10)]
""",
        "for key in keys: reader.get(key)",
    ),
    "pandas: read_csv(memory_map=True)": (
        """
import pandas
if not os.path.exists(path):
    with open(path, "w") as file:
        file.write("a,b,c\\n" + "".join(f"{i},{i / 7},word\\n" for i in range(50_000)))
""",
        "pandas.read_csv(path, memory_map=True)",
    ),
}

PROGRAM = """
import os, sys, time
path = sys.argv[1]
{module}
{setup}
def body():
    {statement}
body()
times = []
for _ in range(5):
    start = time.perf_counter_ns()
    body()
    times.append(time.perf_counter_ns() - start)
print(sorted(times)[2])
"""


def real_programs():
    """Programs from PyPI, with mmap_wrap.install() and without."""
    title("programs, with mmap_wrap.install() and without")
    for name, (setup, statement) in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:

            def nanoseconds(module, setup=setup, statement=statement, folder=folder):
                code = PROGRAM.format(module=module, setup=setup, statement=statement)
                child = subprocess.run(
                    [sys.executable, "-c", code, os.path.join(folder, "file")], capture_output=True, text=True
                )
                return int(child.stdout) if child.returncode == 0 else child.stderr.strip().rpartition("\n")[2]

            both = ("import mmap_wrap as mmap; mmap.install()", "import mmap")
            pairs = [[nanoseconds(module) for module in both] for _ in range(PROGRAM_ROUNDS)]
        failed = [one for pair in pairs for one in pair if isinstance(one, str)]
        if failed:
            print(f"skipped: {name}: {failed[0]}")
            continue
        mine, theirs = (median(column) for column in zip(*pairs))
        print(f"{name:66} {mine:13.0f} {theirs:13.0f} {mine / theirs:8.3f}   <= 1.1", flush=True)


def mapping_path():
    """The path of the mapped file."""
    return os.path.join(FOLDER, "log")


def main():
    """Prints the table."""
    with open(mapping_path(), "wb") as file:
        file.write((LINE * (SIZE // len(LINE) + 1))[:SIZE])
    print(f"Python {sys.version.split()[0]}, mmap_wrap {ours.__version__}")
    print(f"{'nanoseconds, medians of interleaved rounds':66} {'mmap_wrap':>13} {'stdlib':>13} {'ratio':>8}   target")
    with open(mapping_path(), "r+b") as file:
        mapping, other = ours.mmap(file.fileno(), 0), stdlib.mmap(file.fileno(), 0)
        mapping.prefault()
        sum(other[::4096])
        index_and_slices(mapping, other)
        methods(mapping, other)
        views(mapping, other)
        typed(mapping, other)
        searches(mapping, other)
        calls(mapping, other, file)
    imports()
    real_programs()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as FOLDER:
        main()
