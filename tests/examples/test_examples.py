"""The examples: each is run in every language in which it is written, and its results are checked.

The tests need the library (`cargo rustc --release --lib --crate-type cdylib`) and the Python package's module
(`scripts/python-module`). MMAP_WRAP_LIBRARY is the path of another library.
"""

import array
import contextlib
import fcntl
import json
import mmap
import os
import pty
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
LIBRARY = Path(os.environ.get("MMAP_WRAP_LIBRARY") or ROOT / "target/release/libmmap_wrap.so")
ENVIRONMENT = {**os.environ, "MMAP_WRAP_LIBRARY": str(LIBRARY), "PYTHONPATH": f"{ROOT}/bindings/python/src"}
# In programs as short as these, MoarVM's optimizer takes longer than it saves.
ENVIRONMENT["MVM_SPESH_DISABLE"] = "1"
PAGE = resource.getpagesize()
ENDINGS = {"C": ".c", "Python": ".py", "Raku": ".raku"}
# A timeout for programs that hang, not for slow ones.
PATIENCE = 300


def languages(name):
    """The languages in which the example is written."""
    return [language for language, ending in ENDINGS.items() if (EXAMPLES / (name + ending)).exists()]


def in_each_language(name):
    """Runs the test once for each language of the example."""
    assert len(languages(name)) >= 2
    return pytest.mark.parametrize("language", languages(name))


@pytest.fixture(scope="session")
def programs():
    """The C programs, compiled with all warnings as errors."""
    # Not in TMPDIR, which may be a tmpfs, whose files cannot be evicted from the page cache.
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="examples-", dir=ROOT / "build") as folder:
        strict = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
        compiler = [os.environ.get("CC", "cc"), *strict, f"-I{ROOT}/include"]
        soname = re.search(r"SONAME.*\[(.*)\]", subprocess.check_output(["readelf", "-d", LIBRARY], text=True))[1]
        Path(folder, soname).symlink_to(LIBRARY)
        for source in sorted(EXAMPLES.glob("*.c")):
            program = Path(folder, source.stem)
            subprocess.run([*compiler, "-o", program, source, LIBRARY, f"-Wl,-rpath,{folder}"], check=True)
        yield Path(folder)


class Examples:
    """Runs examples in a separate folder."""

    def __init__(self, programs, folder):
        self.programs, self.folder, self.started = programs, folder, []

    def command(self, language, name):
        """The command of the example, without its arguments."""
        if language == "C":
            return [str(self.programs / name)]
        program = str(EXAMPLES / (name + ENDINGS[language]))
        return [sys.executable, program] if language == "Python" else ["raku", f"-I{ROOT}/bindings/raku", program]

    def start(self, language, name, *arguments, **options):
        """Starts an example, with pipes."""
        words = [*self.command(language, name), *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        # Unbuffered: communicate() does not see what readline() has read ahead.
        process = subprocess.Popen(words, cwd=self.folder, env=ENVIRONMENT, bufsize=0, **pipes)
        self.started.append(process)
        return process

    def run(self, language, name, *arguments, given=b""):
        """Runs an example. Returns its exit status, its output, and its standard error."""
        process = self.start(language, name, *arguments)
        out, errors = process.communicate(given, timeout=PATIENCE)
        return process.returncode, out.decode(), errors.decode()

    def end(self):
        """Ends all processes that a test left running."""
        for process in self.started:
            process.kill()
            process.wait()


@pytest.fixture
def examples(programs):
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=programs) as folder:
        (Path(folder) / "folder").mkdir()
        examples = Examples(programs, Path(folder))
        yield examples
        examples.end()


@pytest.fixture
def shared_name():
    """A unique name for shared memory, and its file."""
    name = f"/mmap-wrap-example-{os.getpid()}-{random.getrandbits(32):08x}"
    memory = Path("/dev/shm", name[1:])
    yield name, memory
    memory.unlink(missing_ok=True)


WRONG = {
    "search": [[], ["two"], ["", "log"]],
    "ring": [
        *([], ["produce"], ["produce", "/n"], ["produce", "/n", "-1"], ["produce", "/n", "x"]),
        *(["consume"], ["consume", "/n", "0"]),
    ],
    "lock": [[], ["/n"], ["/n", "-1"], ["/n", "x"]],
    "table": [[], ["accounts"], ["accounts", "sell"], ["accounts", "put", "64", "1"], ["accounts", "transfer", "0"]],
    "secret": [["open"], ["plain", "plain"]],
    "grow": [[], ["a", "b"]],
    "cached": [[], ["empty", "cool"], ["empty", "warm", "x"]],
}
FAILING = {
    "search": [["two", "missing"], ["two", "folder"]],
    "ring": [["consume", "/no/such"], ["produce", "/", "1"]],
    "lock": [["/no/such", "1"]],
    "table": [["missing", "show"], ["folder", "show"], ["folder", "put", "0", "1"], ["text", "put", "0", "1"]],
    "secret": [[], ["plain"]],
    "grow": [["folder"], ["missing/file"]],
    "cached": [["missing"], ["folder"]],
}


@pytest.mark.parametrize(("name", "language"), [(name, language) for name in WRONG for language in languages(name)])
def test_wrong_arguments_exit_with_2_and_errors_with_1_or_2(examples, name, language):
    (examples.folder / "empty").write_bytes(b"")
    (examples.folder / "log").write_bytes(b"two\n")
    (examples.folder / "text").write_text("no table")
    for arguments in WRONG[name] + FAILING[name]:
        status, out, errors = examples.run(language, name, *arguments)
        assert status in ((2,) if arguments in WRONG[name] else (1, 2)), (arguments, status, out, errors)
        # A message without a backtrace.
        assert errors != "", arguments
        assert not re.search(r"Traceback|^  in \w+", errors, re.MULTILINE), (arguments, errors)
    assert (examples.folder / "text").read_text() == "no table"


# == words ==

WORDS = [
    (["text"], 0, "text: 18 bytes, 2 lines\n", ""),
    (["text", "two"], 0, "text: 18 bytes, 'two' at 4 14\n", ""),
    (["text", "four"], 1, "text: 18 bytes, 'four' at no place\n", ""),
    (["empty"], 0, "empty: 0 bytes, 0 lines\n", ""),
    (["missing"], 2, "", "words: mmap_path_wrap: open 'missing' for reading: No such file or directory (ENOENT)\n"),
    ([], 2, "", "usage: words FILE [WORD]\n"),
]
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", f"--suppressions={ROOT}/tests/c/valgrind.supp"]
VALGRIND += ["--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible"]


@pytest.mark.parametrize("under", [[], VALGRIND], ids=["alone", "valgrind"])
@pytest.mark.parametrize(("arguments", "status", "out", "error"), WORDS, ids=lambda value: str(value)[:30])
def test_words(examples, under, arguments, status, out, error):
    if under and not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    (examples.folder / "text").write_bytes(b"one two\nthree two\n")
    (examples.folder / "empty").write_bytes(b"")
    command = [*under, *examples.command("C", "words"), *arguments]
    end = subprocess.run(command, cwd=examples.folder, capture_output=True, text=True, timeout=PATIENCE)
    assert (end.returncode, end.stdout) == (status, out), end
    assert end.stderr == error


# == search ==


@in_each_language("search")
def test_search_finds_the_lines(examples, language):
    (examples.folder / "empty").write_bytes(b"")
    (examples.folder / "log").write_bytes(b"one two\nthree\n\ntwo and two\n\xfftwo")
    process = examples.start(language, "search", "two", "log")
    found = b"0: one two\n15: two and two\n27: \xfftwo\n3 lines contain 'two'\n"
    assert (*process.communicate(timeout=PATIENCE), process.returncode) == (found, b"", 0)
    assert examples.run(language, "search", "four", "log") == (1, "0 lines contain 'four'\n", "")
    assert examples.run(language, "search", "two", "empty") == (1, "0 lines contain 'two'\n", "")


@in_each_language("search")
def test_search_survives_a_log_that_is_truncated_during_the_search(examples, language):
    # The pipe is full long before the log is searched, so the log is always truncated during the search.
    lines = [b"%07d: all is well so far\n" % i for i in range(200_000)]
    log = examples.folder / "cut"
    log.write_bytes(b"".join(lines))
    cut = log.stat().st_size // 2 // PAGE * PAGE
    process = examples.start(language, "search", "well", "cut")
    first = process.stdout.readline()
    os.truncate(log, cut)
    out, errors = process.communicate(timeout=PATIENCE)
    whole = cut // len(lines[0])
    expected = b"".join(b"%d: %s" % (i * len(line), line) for i, line in enumerate(lines[:whole]))
    assert first + out == expected + b"%d lines contain 'well'\n" % whole
    assert process.returncode == 2
    assert b"search: cut was truncated while it was searched" in errors


# == ring ==


def fnv(text, so_far=2166136261):
    """FNV-1a, of 32 bits."""
    for byte in text:
        so_far = (so_far ^ byte) * 16777619 & 0xFFFFFFFF
    return so_far


PAIRS = [(producer, consumer) for producer in languages("ring") for consumer in languages("ring")]


@pytest.mark.parametrize(("number", "producer", "consumer"), [(i, *pair) for i, pair in enumerate(PAIRS)])
def test_ring_carries_messages_between_languages(examples, shared_name, number, producer, consumer):
    # Head and tail pass 2**32 or 2**31 during the test, where unsigned or signed words wrap around. Each language sends
    # and receives across both.
    count = 1000
    name, memory = shared_name
    ring = bytearray(128 + 64 * 64)
    ring[0:4] = ring[64:68] = struct.pack("=I", 2 ** (32 - number % 2) - count // 2)
    memory.write_bytes(ring)
    ends = [
        examples.start(consumer, "ring", "consume", name),
        examples.start(producer, "ring", "produce", name, count),
    ]
    output = [(end.communicate(timeout=PATIENCE), end.returncode) for end in ends]
    checksum = fnv(b"".join(b"message %d from %s" % (i, producer.encode()) for i in range(1, count + 1)))
    expected = ((b"%d messages, checksum %08x\n" % (count, checksum), b""), 0)
    assert output == [expected, expected]
    # The consumer removes the name.
    assert not memory.exists()


@in_each_language("ring")
@pytest.mark.parametrize("arguments", [["consume", 1], ["produce", 65, 1]], ids=["consumer", "producer"])
def test_ring_fails_without_the_other_process(examples, shared_name, language, arguments):
    # A consumer without messages, and a producer of more messages than there are slots.
    output = examples.run(language, "ring", arguments[0], shared_name[0], *arguments[1:])
    assert output == (1, "", "ring: the other process did nothing for 1 seconds\n")


# == lock ==


def test_lock_loses_nothing_of_what_two_processes_of_each_language_count(examples, shared_name):
    name, memory = shared_name
    times = 2000
    processes = [examples.start(language, "lock", name, times) for language in languages("lock") * 2]
    output = [(process.communicate(timeout=PATIENCE), process.returncode) for process in processes]
    assert all(status == 0 and out[1] == b"" for out, status in output), output
    # The mutex is unlocked, and no increment was lost.
    assert struct.unpack("=q8xq", memory.read_bytes()) == (0, times * len(processes))
    assert max(int(out[0].split()[-1]) for out, _ in output) == times * len(processes)


@in_each_language("lock")
def test_lock_of_a_killed_owner_is_taken_over(examples, shared_name, language):
    name, memory = shared_name
    examples.run(language, "lock", name, 1)
    killed = examples.start(language, "lock", name, 10**9)
    until = time.monotonic() + PATIENCE
    with memory.open("r+b") as file, mmap.mmap(file.fileno(), 24) as words:
        # While it is stopped, the mutex has the id of its only thread, or not.
        while time.monotonic() < until:
            killed.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, killed.pid, os.WSTOPPED | os.WNOWAIT)
            if struct.unpack_from("=I", words)[0] & 0x7FFFFFFF:
                break
            killed.send_signal(signal.SIGCONT)
            time.sleep(random.random() / 1000)
        assert struct.unpack_from("=I", words)[0] & 0x7FFFFFFF
        before = struct.unpack_from("=q", words, 16)[0]
    killed.kill()
    killed.communicate()
    output = [examples.run(other, "lock", name, 3) for other in languages("lock")]
    counted = [int(out.split()[-1]) if out else None for _, out, _ in output]
    # The killed process may have counted without unlocking.
    assert counted[0] - before in (3, 4), output
    assert counted == [counted[0] + 3 * i for i in range(len(output))], output


# == table ==


def table_in(file):
    """The version and each balance with its changes, read without the library; None if no copy is complete."""
    content = file.read_bytes()
    sides = []
    for side in (0, 1):
        version, checksum = struct.unpack_from(">qI", content, side * 512)
        accounts = content[4096 + side * 4096 :][:1024]
        if version > 0 and fnv(content[side * 512 :][:8] + accounts) == checksum:
            sides.append((version, list(struct.iter_unpack(">qI4x", accounts))))
    return max(sides, default=None)


@pytest.fixture
def table(examples):
    """A table that every language has changed."""
    file = examples.folder / "accounts"
    for i, language in enumerate(languages("table")):
        assert examples.run(language, "table", file, "put", 21 * i, 1000 - i) == (0, f"{101 * i + 1}\n", "")
        acknowledged = examples.run(language, "table", file, "transfer", 100)[1].split()
        assert acknowledged == [str(101 * i + 2 + move) for move in range(100)]
    return file


def is_shown_by_all(examples, file):
    """Checks that every language shows the table as `table_in` reads it."""
    version, accounts = table_in(file)
    lines = [f"{i}: {balance}" for i, (balance, changes) in enumerate(accounts) if changes]
    expected = [f"version {version}", *lines, f"total {sum(balance for balance, _ in accounts)}"]
    for language in languages("table"):
        status, out, errors = examples.run(language, "table", file, "show")
        shown = re.sub(r", changed \d+ times", "", out).splitlines()
        assert (status, shown, errors) == (0, expected, ""), language


def test_table_that_each_language_wrote_is_read_by_all(examples, table):
    is_shown_by_all(examples, table)


def test_table_with_a_damaged_side_is_read_from_the_other_and_with_two_is_an_error(examples, table):
    content, (version, _) = table.read_bytes(), table_in(table)
    damaged, hopeless = bytearray(content), bytearray(content)
    damaged[4096 + version % 2 * 4096 + 77] ^= 1
    hopeless[4096 + 77] ^= 1
    hopeless[8192 + 77] ^= 1
    for language in languages("table"):
        table.write_bytes(damaged)
        assert examples.run(language, "table", table, "show")[1].startswith(f"version {version - 1}\n"), language
        table.write_bytes(hopeless)
        status, out, errors = examples.run(language, "table", table, "show")
        assert (status, out) == (1, ""), language
        assert errors.startswith("table: no copy is complete"), language


def test_table_keeps_what_was_acknowledged_whenever_its_writer_is_killed(examples, table):
    for language, times in {"C": 250, "Python": 60, "Raku": 10}.items():
        version, accounts = table_in(table)
        total = sum(balance for balance, _ in accounts)
        for _ in range(times):
            writer = examples.start(language, "table", table, "transfer", 2**31 - 1)
            output = [writer.stdout.readline() for _ in range(random.randint(1, 20))]
            time.sleep(random.random() * 0.003)
            writer.kill()
            # An incomplete line acknowledges nothing.
            output += writer.communicate()[0].splitlines(keepends=True)
            acknowledged = max([int(line) for line in output if line.endswith(b"\n")], default=version + 1)
            found = table_in(table)
            assert found is not None, language
            assert found[0] >= acknowledged, language
            assert found[0] > version, language
            assert sum(balance for balance, _ in found[1]) == total, language
            version = found[0]
    is_shown_by_all(examples, table)


def test_table_is_consistent_while_it_changes(examples, table):
    total = sum(balance for balance, _ in table_in(table)[1])
    writer = examples.start("C", "table", table, "transfer", 2**31 - 1, stdout=subprocess.DEVNULL)
    for language in languages("table") * 3:
        status, out, errors = examples.run(language, "table", table, "show")
        assert (status, errors) == (0, ""), language
        assert out.endswith(f"\ntotal {total}\n"), language
    assert writer.poll() is None, "the table was changed meanwhile"


# == secret ==


@in_each_language("secret")
@pytest.mark.parametrize("kind", ["secret", "plain"])
def test_secret_has_no_copies_and_its_memory_has_the_printed_protection(examples, language, kind):
    secret = b"this is a secret of %d" % random.getrandbits(64)
    arguments = ["plain"] if kind == "plain" else []
    keeper = examples.start(language, "secret", *arguments)
    output = keeper.stdout.readline().decode()
    keeper.stdin.write(secret)
    wait_until_read(keeper.stdin.fileno())
    flags, copies = memory_flags(keeper.pid), copies_of(secret, keeper.pid)
    out, errors = keeper.communicate(b"\n", timeout=PATIENCE)
    if not arguments and "locked" in output:
        pytest.skip(f"secret memory: {errors.decode().strip()}")
    if arguments:
        wanted, seen, child = {"lo", "dd", "wf"}, 1, "reads zeros"
    else:
        wanted, seen, child = {"lo", "dd", "dc"}, 0, "does not have it"
    assert any(wanted <= each for each in flags), (output, flags)
    assert copies == seen
    expected = f"{len(secret) + 1} bytes, below guarded, above guarded\na forked child {child}\nwiped\n"
    assert out.decode() == expected, errors


def wait_until_read(pipe):
    """Waits until the pipe is empty."""
    for _ in range(10_000):
        if struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0] == 0:
            return
        time.sleep(0.001)
    raise TimeoutError("the secret is not read")


def memory_flags(pid):
    """The flags of each memory area of a process: lo is locked, dd not dumped, wf wiped on fork, dc not copied."""
    text = Path(f"/proc/{pid}/smaps").read_text()
    return [set(line.split()[1:]) for line in text.splitlines() if line.startswith("VmFlags:")]


def copies_of(needle, pid):
    """The number of copies of the bytes in writable memory of a process that other processes can read."""
    count = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            bounds, access = line.split()[:2]
            low, high = (int(bound, 16) for bound in bounds.split("-"))
            if not access.startswith("rw"):
                continue
            # Secret memory cannot be read.
            with contextlib.suppress(OSError):
                memory.seek(low)
                count += memory.read(high - low).count(needle)
    return count


# == grow ==


@in_each_language("grow")
def test_grow_appends_all_input(examples, language):
    given = random.randbytes(300_000)
    for piece, size, steps in ((given[:100], 100, 1), (b"", 100, 0), (given[100:], len(given), None)):
        status, out, errors = examples.run(language, "grow", "grown", given=piece)
        assert (status, errors) == (0, "")
        steps = int(re.search(r"grown (\d+) times", out)[1]) if steps is None else steps
        assert out == f"grown: {size} bytes, {len(piece)} of them new, grown {steps} times\n"
        assert steps < 20
        assert (examples.folder / "grown").read_bytes() == given[:size]


@in_each_language("grow")
def test_grow_keeps_the_written_bytes_if_the_file_cannot_grow(examples, language):
    given = random.randbytes(300_000)
    file = examples.folder / "limited"
    file.write_bytes(given[:10_000])
    limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh", *examples.command(language, "grow")]
    options = {"cwd": examples.folder, "env": ENVIRONMENT, "capture_output": True, "timeout": PATIENCE}
    end = subprocess.run([*limited, "limited"], input=given[10_000:], **options)
    assert end.returncode == 1
    assert b"EFBIG" in end.stderr
    assert b"Traceback" not in end.stderr
    written = file.read_bytes()
    assert 10_000 < len(written) < 102_400
    assert given.startswith(written)


# == cached ==

# The kernel may evict a page at any moment; it is unlikely in each try.
TRIES = 5
PAGES = 640


def first_that(holds, attempts):
    """The first attempt for which the condition is true, else the last one."""
    for attempt in attempts:
        if holds(attempt):
            break
    return attempt


@pytest.fixture
def cached_file(examples):
    file = examples.folder / "cached-file"
    file.write_bytes(random.randbytes(PAGES * PAGE - 1))
    return file


@in_each_language("cached")
def test_cached_shows_an_empty_file(examples, language):
    (examples.folder / "empty").write_bytes(b"")
    assert examples.run(language, "cached", "empty")[1].splitlines()[:2] == ["[]", "0 of 0 pages in memory"]


@in_each_language("cached")
def test_cached_shows_evicted_pages_read_pages_and_all_pages(examples, cached_file, language):
    kind = subprocess.check_output(["stat", "-f", "-c", "%T", examples.folder], text=True).strip()
    if kind not in ("tmpfs", "ramfs"):
        drop_and_read_half(examples, cached_file, language)
    # After evicting, if possible, since pages that were just written are in memory.
    expected = [f"[{'#' * 64}]", f"{PAGES} of {PAGES} pages in memory"]
    warmed = (examples.run(language, "cached", "cached-file", "warm")[1].splitlines()[:2] for _ in range(TRIES))
    assert first_that(expected.__eq__, warmed) == expected
    if kind in ("tmpfs", "ramfs"):
        pytest.skip(f"a file on {kind} cannot be evicted")


def drop_and_read_half(examples, file, language):
    output = examples.run(language, "cached", "cached-file", "drop")[1].splitlines()
    assert output[:2] == [f"[{'.' * 64}]", f"0 of {PAGES} pages in memory"]

    def after_reading_half():
        with file.open("rb", buffering=0) as half:
            os.posix_fadvise(half.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            half.read(PAGES // 2 * PAGE)
        return examples.run(language, "cached", "cached-file")[1].splitlines()

    expected = [f"[{'#' * 32}{'.' * 32}]", f"{PAGES // 2} of {PAGES} pages in memory"]
    output = first_that(lambda output: output[:2] == expected, (after_reading_half() for _ in range(TRIES)))
    assert output[:2] == expected
    figures = re.fullmatch(r"page cache: (\d+) bytes, \d+ changed, \d+ being written, \d+ evicted", output[2])
    if figures is None and "not supported" in output[2]:
        print(f"skipped: {output[2]}")
        return
    # The kernel reports zeros for files on overlayfs.
    assert int(figures[1]) in (0, PAGES // 2 * PAGE), output


@in_each_language("cached")
def test_cached_draws_blocks_on_a_terminal(examples, cached_file, language):
    terminal, its_end = pty.openpty()
    try:
        process = examples.start(language, "cached", "cached-file", "warm", stdout=its_end)
        process.communicate(timeout=PATIENCE)
        os.close(its_end)
        assert os.read(terminal, 4096).decode().startswith(f"[{'█' * 64}]")
    finally:
        os.close(terminal)


# == dask_cluster ==


def python_with(*modules):
    """A Python that has these modules: this one, or one of build/venvs; "" if there is none."""
    for program in [sys.executable, *map(str, sorted(ROOT.glob("build/venvs/*/bin/python")))]:
        if subprocess.run([program, "-c", f"import {', '.join(modules)}"], capture_output=True).returncode == 0:
            return program
    return ""


@contextlib.contextmanager
def dask_cluster(interpreter, folder):
    """Starts a cluster of two workers in separate processes. Yields the address of its scheduler."""
    folder.mkdir()
    scheduler = folder / "scheduler.json"
    parts = [["scheduler", "--port", "0", "--host", "127.0.0.1"], *[["worker", "--nthreads", "1"]] * 2]
    words = [interpreter, "-m", "dask"]
    options = {"cwd": folder, "env": ENVIRONMENT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # In separate process groups, since a worker has children.
    running = [
        subprocess.Popen([*words, *part, "--no-dashboard", "--scheduler-file", scheduler], process_group=0, **options)
        for part in parts
    ]
    try:
        until = time.monotonic() + PATIENCE
        while not (scheduler.exists() and scheduler.read_text().endswith("}")) and time.monotonic() < until:
            time.sleep(0.1)
        yield json.loads(scheduler.read_text())["address"]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_dask_cluster_adds_up(examples):
    interpreter = python_with("numpy", "dask.array", "distributed")
    if not interpreter:
        pytest.skip("no Python here has numpy, dask and distributed")

    def run(*arguments):
        words = [interpreter, EXAMPLES / "dask_cluster.py", *arguments]
        options = {"cwd": examples.folder, "env": ENVIRONMENT, "capture_output": True, "text": True}
        return subprocess.run(words, timeout=PATIENCE, **options)

    # Integers, whose sum does not depend on the order; more than one task adds up.
    numbers = array.array("d", range(-5, 1_100_000))
    (examples.folder / "numbers").write_bytes(numbers.tobytes())
    expected = f"{len(numbers)} numbers from -5 to {numbers[-1]:g}, sum {sum(numbers):g}\n"
    expected += f"{8 * len(numbers)} bytes, mapped by each worker: "
    with dask_cluster(interpreter, examples.folder / "cluster") as scheduler:
        # With its own workers, and with those of a cluster, which only receive the path.
        for arguments in (["numbers"], ["numbers", scheduler]):
            end = run(*arguments)
            assert end.returncode == 0, end
            assert end.stdout.startswith(expected), end
    (examples.folder / "odd").write_bytes(bytes(9))
    for arguments in ([], ["missing"], ["folder"], ["odd"], ["numbers", "a", "b"]):
        end = run(*arguments)
        assert end.returncode in (1, 2), end
        assert end.stderr != "", end
        assert "Traceback" not in end.stderr, end
