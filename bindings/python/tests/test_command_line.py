"""The command line: what it prints about the page cache, into a pipe and on a terminal, and its exit status."""

import doctest
import errno
import fcntl
import itertools
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import termios
import time
from functools import partial
from pathlib import Path

import pytest
from conftest import PATIENCE, mount, run_well, unmount

import mmap_wrap
from mmap_wrap import raw
from mmap_wrap._command_line import doctor, page_cache, terminal
from mmap_wrap._command_line import main as command_line

PAGE = resource.getpagesize()
PROGRAM = [sys.executable, "-m", "mmap_wrap"]
# As for users, with buffered output.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
# Other processes may read pages in, and the kernel may evict them, at any moment; but hardly ever in each try.
TRIES = 10


def mmap_wrap_(*arguments, **options):
    """Runs the command line with pipes; returns the finished process."""
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "utf-8", **options.pop("environment", {})}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": PATIENCE, **options}
    # Bytes that are not valid text are preserved.
    return subprocess.run([*PROGRAM, *arguments], env=environment, errors="surrogateescape", **options)


def output_of(*arguments, **options):
    """The output of the command line, which must succeed and print nothing on standard error."""
    process = mmap_wrap_(*arguments, **options)
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout


def found(*arguments):
    """The only object of the JSON output."""
    (record,) = json.loads(
        output_of("--json", *arguments) if arguments[0] not in command_line.COMMANDS else output_of(*arguments)
    )
    return record


def repeatedly(prepare, expected):
    """The result of `prepare`, called until it is `expected`, or the last of several results."""
    for _ in range(TRIES):
        result = prepare()
        if result == expected:
            break
    return result


class Terminal:
    """The command line on a terminal of `columns` columns, and its output so far."""

    def __init__(self, *arguments, columns=100, **environment):
        self.end, its_end = os.openpty()
        fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("4H", 25, columns, 0, 0))
        variables = {**ENVIRONMENT, "PYTHONIOENCODING": "utf-8", **environment}

        def set_controlling_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        streams = {"stdin": its_end, "stdout": its_end, "stderr": its_end}
        self.process = subprocess.Popen(
            [*PROGRAM, *arguments],
            env=variables,
            start_new_session=True,
            preexec_fn=set_controlling_terminal,
            **streams,
        )
        os.close(its_end)
        self.written = ""

    def read_until(self, condition):
        """Reads until the condition is true for the output so far, or to the end of the output."""
        while not condition(self.written):
            if not select.select([self.end], [], [], PATIENCE)[0]:
                self.process.kill()
                raise TimeoutError(f"nothing more is written after {self.written!r}")
            try:
                piece = os.read(self.end, 4096)
            except OSError:  # no process has the other end open
                return False
            self.written += piece.decode(errors="replace")
        return True

    def finish(self):
        """Reads the rest of the output; returns the lines as finally shown, without overwritten text."""
        self.read_until(lambda _: False)
        os.close(self.end)
        self.status = self.process.wait(PATIENCE)
        return [shown_at_last(line) for line in self.written.replace("\r\n", "\n").split("\n")]


def shown_at_last(line):
    """A line as a terminal shows it, where text after a carriage return overwrites the beginning."""
    cells = []
    for part in line.split("\r"):
        cells[: len(part)] = part
    return "".join(cells).rstrip()


def file_system(path):
    return subprocess.check_output(["stat", "-f", "-c", "%T", path], text=True, timeout=PATIENCE).strip()


def write_pages(path, pages):
    path.write_bytes(random.getrandbits(8 * PAGE).to_bytes(PAGE, "little") * pages)
    return path


@pytest.fixture
def stored(tmp_path):
    """A file of 64 pages that is stored and not in memory."""
    if file_system(tmp_path) in ("tmpfs", "ramfs"):
        pytest.skip(f"files in {tmp_path} are in memory only: nothing can be evicted")
    path = write_pages(tmp_path / "stored", 64)
    evict(path)
    return path


@pytest.fixture
def endless():
    """A file on tmpfs that is one hole: examining or reading it takes long, and no memory."""
    if not os.path.isdir("/dev/shm") or file_system("/dev/shm") != "tmpfs":
        pytest.skip("/dev/shm is not a tmpfs: there is no file that takes long and no memory")
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        os.truncate(file.name, 1 << 44)
        yield file.name


def locked(file):
    """Locks an open file; skips the test if it is locked for a minute."""
    end = time.monotonic() + 60
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                pytest.skip(f"another test has locked {file.name} for a minute")
            time.sleep(0.1)


def evict(path):
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_pages(path, *numbers):
    """Reads exactly these pages into the page cache."""
    with path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for number in numbers:
            os.pread(file.fileno(), PAGE, number * PAGE)


def test_the_examples_in_its_documentation_run():
    for module in (command_line, page_cache, doctor, terminal):
        failed, _ = doctest.testmod(module)
        assert failed == 0


def test_importing_the_package_loads_none_of_it():
    script = "import sys, mmap_wrap; print(*sys.modules)"
    loaded = set(run_well(script).split())
    assert "mmap_wrap._ffi" in loaded
    assert loaded.isdisjoint({"mmap_wrap.__main__", "mmap_wrap._command_line"})
    assert loaded.isdisjoint({"argparse", "json"})


# Which pages are in memory.


def test_pages_that_were_read_are_counted_and_no_others(stored):
    def look():
        evict(stored)
        read_pages(stored, *range(32))
        return output_of(stored).split("\t")[:4]

    expected = ["32", "64", str(32 * PAGE), str(64 * PAGE)]
    assert repeatedly(look, expected) == expected


def test_the_bar_shows_which_pages_are_in_memory(stored):
    def look():
        evict(stored)
        read_pages(stored, *range(32), 40)
        return output_of("--width", "8", stored).splitlines()[1].split()[:2]

    assert repeatedly(look, ["████░▒░░", "51.6%"]) == ["████░▒░░", "51.6%"]


def test_the_bar_is_ascii_on_a_terminal_without_unicode(stored):
    def look():
        evict(stored)
        read_pages(stored, *range(32), 40)
        return output_of("--width", "8", stored, environment={"PYTHONIOENCODING": "ascii"}).splitlines()[1].split()[0]

    assert repeatedly(look, "####.+..") == "####.+.."


def test_json_has_the_ranges_and_ends_the_last_at_the_end_of_the_file(stored):
    size = 63 * PAGE + 100
    os.truncate(stored, size)
    expected = [[2 * PAGE, 4 * PAGE], [63 * PAGE, size]]

    def look():
        evict(stored)
        read_pages(stored, 2, 3, 63)
        return found(stored)["ranges"]

    assert repeatedly(look, expected) == expected
    record = found(stored)
    assert set(record) == {
        "path", "size", "page_size", "pages", "cached_pages", "cached", "dirty", "writeback", "ranges"
    }  # fmt: skip
    assert (record["path"], record["size"], record["page_size"], record["pages"]) == (str(stored), size, PAGE, 64)
    assert record["cached"] == sum(end - begin for begin, end in record["ranges"])


def test_changed_pages_that_are_not_written_back_are_dirty(stored):
    def look():
        with stored.open("r+b") as file:
            file.write(b"changed")
        return found(stored)["dirty"]

    dirty = repeatedly(look, PAGE)
    if dirty is None:
        pytest.skip(f"the kernel has no page cache statistics for {file_system(stored)}")
    assert dirty == PAGE
    evict(stored)
    assert found(stored)["dirty"] == 0


def test_a_range_across_two_queries_is_one_range(tmp_path):
    border = page_cache.WINDOW
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        os.pwrite(file.fileno(), b"x" * 4 * PAGE, border - 2 * PAGE)
        os.truncate(file.fileno(), 2 * border + 1)

    def look():
        read_pages(path, *range(border // PAGE - 2, border // PAGE + 2))
        return found(path)["ranges"]

    expected = [[border - 2 * PAGE, border + 2 * PAGE]]
    assert repeatedly(look, expected) == expected
    assert found(path)["pages"] == 2 * border // PAGE + 1


def test_a_huge_file_takes_no_more_memory_than_a_small_one(endless):
    script = """if True:
        import sys
        from mmap_wrap.__main__ import main
        assert main([sys.argv[1]]) == 0
        print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
    """
    used = []
    for size in (PAGE, 1 << 36):
        os.truncate(endless, size)
        line, most = run_well(script, endless).splitlines()
        assert line.split("\t")[:2] == ["0", str(size // PAGE)]
        used.append(int(most))
    # In KiB. One byte per page would be 16 MiB, with pages of 4 KiB.
    assert used[1] - used[0] < 4 << 10


def test_nothing_of_an_empty_file_is_in_memory(tmp_path):
    (tmp_path / "empty").touch()
    assert output_of(tmp_path / "empty") == f"0\t0\t0\t0\t0\t{tmp_path}/empty\n"
    assert found(tmp_path / "empty")["ranges"] == []
    assert output_of("--width", "4", tmp_path / "empty").splitlines()[1].split()[0] == "-"


@pytest.mark.parametrize("log2", [21, 30])
def test_huge_pages_are_counted_as_such(log2):
    try:
        file = os.memfd_create("huge", os.MFD_HUGETLB | log2 << 26)
    except OSError as error:
        pytest.skip(f"no huge pages of {1 << log2} bytes: {error}")
    os.truncate(file, 3 << log2)  # needs no pages in the pool
    record = found(f"/proc/{os.getpid()}/fd/{file}")
    os.close(file)
    assert (record["page_size"], record["pages"], record["cached_pages"]) == (1 << log2, 3, 0)


def test_huge_pages_that_are_in_memory_are_counted(huge_file):
    """Which huge pages of a file are in memory is unknown, unless all or none are."""
    path, size = huge_file
    write = "import mmap_wrap, sys; m = mmap_wrap.open(sys.argv[1], 'r+'); m[int(sys.argv[2])] = 1"
    run_well(write, path, size // 2)
    assert output_of(path) == f"1\t2\t{size // 2}\t{size}\t-\t{path}\n"
    assert found(path)["ranges"] is None
    assert output_of("--width", "8", path).splitlines()[1].split()[:2] == ["▒" * 8, "50.0%"]
    assert output_of("warm", "--size", "1", path) == f"-\t-\t1\t{path}\n"
    assert "not which" in mmap_wrap_("save", path).stderr
    run_well(write, path, 0)
    assert output_of(path) == f"2\t2\t{size}\t{size}\t-\t{path}\n"
    assert found(path)["ranges"] == [[0, size]]


@pytest.fixture
def huge_file(tmp_path):
    """A file of two huge pages of 2 MiB on hugetlbfs, with enough pages in the pool."""
    setting = Path("/proc/sys/vm/nr_hugepages")
    if os.geteuid() != 0:
        pytest.skip("only root mounts hugetlbfs and fills its pool")
    with open(setting) as lock:
        locked(lock)
        before = setting.read_text()
        try:
            mount("hugetlbfs", tmp_path, "pagesize=2M")
        except OSError as error:
            pytest.skip(f"no hugetlbfs here: {error}")
        try:
            setting.write_text("4")
            if int(setting.read_text()) != 4:
                pytest.skip(f"no pool of huge pages here: {setting.read_text().strip()} pages of 4")
            with open(tmp_path / "file", "w") as file:
                file.truncate(4 << 20)
            yield file.name, 4 << 20
        finally:
            unmount(tmp_path)
            setting.write_text(before)


@pytest.mark.parametrize("seed", range(20))
def test_counts_ranges_and_cells_are_those_of_the_pages(seed):
    draw = random.Random(seed)
    pages, cells = draw.randrange(1, 200), draw.randrange(1, 100)
    present = [draw.random() < draw.choice((0.1, 0.5, 0.9)) for _ in range(pages)]
    begin = 3 * PAGE + draw.randrange(PAGE)
    end = (3 + pages) * PAGE - draw.randrange(PAGE if pages > 1 else 3 * PAGE + PAGE - begin)
    tally = page_cache.Residency(begin, end, PAGE, cells)
    for first, last in page_cache._runs(bytes(present)):
        tally.add(3 + first, 3 + last)
    held = {3 + i for i, there in enumerate(present) if there}
    assert (tally.pages, tally.cached_pages) == (pages, len(held))
    assert tally.cached == sum(min((page + 1) * PAGE, end) - max(page * PAGE, begin) for page in held)
    at = 0
    for count, whole in tally.cells:
        assert (whole >= 1, count) == (True, sum(present[at : at + whole]))
        at += whole
    assert (at, len(tally.cells)) == (pages, min(pages, cells))
    ranges = list(zip(tally.bounds[::2], tally.bounds[1::2]))
    assert {page for low, high in ranges for page in range(low // PAGE, -(-high // PAGE))} == held
    assert all(high < low for (_, high), (low, _) in itertools.pairwise(ranges))


def test_figures_that_are_all_zero_for_resident_pages_are_omitted(stored):
    with page_cache.File(str(stored)) as file:
        there = page_cache.Residency(0, file.size, PAGE, 0)
        if page_cache.figures(file, 0, file.size, there) is None:
            pytest.skip("this kernel has no page cache statistics")
        there.add(0, 1)
        # As on overlayfs for every file: pages in memory, but zeros as statistics.
        assert repeatedly(lambda: evict(stored) or page_cache.figures(file, 0, file.size, there), None) is None


def test_without_permission_to_query_the_file_is_an_error_but_can_be_warmed():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder, "others")
        path.write_bytes(b"x" * PAGE)
        path.chmod(0o644)
        if os.geteuid() != 0:
            path = Path("/etc/passwd")  # owned by root; any other user may read it, but not write to it
        output, errors = as_unprivileged([str(path)])
        assert (output, errors) == ("1 ", f"mmap-wrap: {path}: {page_cache.UNREPORTED}\n")
        size = path.stat().st_size
        assert as_unprivileged(["warm", str(path)]) == (f"0 -\t-\t{size}\t{path}\n", "")
        assert as_unprivileged(["evict", str(path)]) == (f"0 -\t-\t{size}\t-\t{path}\n", "")


def as_unprivileged(arguments, prepare=int):
    """The exit status with the output, and the standard error, of a child without privilege."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            status = 99
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                prepare()
                sys.stdout = os.fdopen(os.dup(output.fileno()), "w", encoding="utf-8")
                sys.stderr = os.fdopen(os.dup(errors.fileno()), "w", encoding="utf-8")
                status = command_line.main(arguments)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        errors.seek(0)
        return f"{status} {output.read().decode()}", errors.read().decode()


# On a terminal, and in a pipe.


def test_on_a_terminal_files_are_in_columns_with_a_total(tmp_path):
    names = ["a", "much longer than the other"]
    for i, name in enumerate(names):
        write_pages(tmp_path / name, 3 + i)

    def look():
        terminal = Terminal(*(str(tmp_path / name) for name in names))
        return terminal.finish()

    for _ in range(TRIES):
        heading, first, second, total, rest = look()
        if first.startswith("█" * 36 + "   100%") and second.startswith("█" * 36 + "   100%"):
            break
    assert first.startswith("█" * 36 + "   100%")
    assert heading.endswith("  file")
    assert total.endswith("  2 files")
    ends = {line.rindex(end) for line, end in ((heading, "file"), (first, str(tmp_path)), (second, str(tmp_path)))}
    assert ends == {total.rindex("2 files")}
    assert f"{7 * PAGE // 1024}.0 KiB of" in total
    assert rest == ""


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (20, r"[\d.]+%  text"),
        (38, r"[█▒░]{10} +[\d.]+%  text"),
        (40, r"[█▒░]{12} +[\d.]+%  text"),
        (60, r"[█▒░]{21} +[\d.]+% +[\d.]+ KiB  text"),
        (73, r"[█▒░]{20} +[\d.]+% +[\d.]+ KiB of +[\d.]+ KiB  text"),
        (74, r"[█▒░]{10} +[\d.]+% +[\d.]+ KiB of +[\d.]+ KiB +\S+( \w+)?  text"),
        (80, r"[█▒░]{16} +[\d.]+% +[\d.]+ KiB of +[\d.]+ KiB +\S+( \w+)?  text"),
        (500, r"[█▒░]{64} +[\d.]+% +[\d.]+ KiB of +[\d.]+ KiB +\S+( \w+)?  text"),
    ],
)
def test_no_row_is_wider_than_a_narrow_terminal(text_file, monkeypatch, columns, row):
    monkeypatch.chdir(text_file.parent)
    heading, first, second, total, _ = Terminal("text", "text", columns=columns).finish()
    assert re.fullmatch(row, first.strip())
    assert max(map(len, (heading, first, second, total))) <= columns
    ends = {heading.rindex("  file"), first.rindex("  text"), second.rindex("  text"), total.rindex("  1 file")}
    assert len(ends) == 1


def test_a_requested_bar_is_drawn_on_a_narrow_terminal(text_file, monkeypatch):
    monkeypatch.chdir(text_file.parent)
    assert re.match(r"[█▒░]{50} +[\d.]+%  text", Terminal("--width", "50", "text", columns=40).finish()[1])


def test_in_a_pipe_each_file_has_one_line_without_escape_codes(tmp_path):
    paths = [write_pages(tmp_path / name, 2) for name in "abc"]
    lines = output_of(*paths).splitlines()
    assert [line.split("\t")[1::2] for line in lines] == [["2", str(2 * PAGE), str(path)] for path in paths]
    assert all(re.fullmatch(r"(\d+\t){4}(\d+|-)\t[ -~]+", line) for line in lines)


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        (b"new\nline", r"new\nline"),
        (b"red\x1b[31m", r"red\x1b[31m"),
        (b"caf\xe9", r"caf\xe9"),
        (b"back\\slash", r"back\\slash"),
        ("é日\u202e".encode(), "é日\\u202e"),
    ],
)
def test_control_characters_in_names_are_escaped(tmp_path, name, escaped):
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb"):
        pass
    assert output_of(path) == f"0\t0\t0\t0\t0\t{tmp_path}/{escaped}\n"
    assert os.fsencode(found(path)["path"]) == path
    assert os.fsdecode(path) not in output_of(path, environment={"PYTHONIOENCODING": "ascii"}) or escaped.isascii()
    missing = mmap_wrap_(path + b"2")
    assert missing.stderr == f"mmap-wrap: {tmp_path}/{escaped}2: No such file or directory\n"


def test_json_of_no_file_is_an_empty_array(tmp_path):
    assert json.loads(mmap_wrap_("--json", tmp_path / "missing").stdout) == []


# Warming and evicting.


def test_warm_reads_a_file_into_memory_and_evict_removes_it(stored):
    size = 64 * PAGE

    def warmed():
        evict(stored)
        return output_of("warm", stored)

    assert repeatedly(warmed, f"0\t{size}\t{size}\t{stored}\n") == f"0\t{size}\t{size}\t{stored}\n"

    def evicted():
        read_pages(stored, *range(64))
        return output_of("evict", stored)

    expected = f"{size}\t0\t{size}\t-\t{stored}\n"
    assert repeatedly(evicted, expected) == expected
    assert found(stored)["cached_pages"] == 0


def test_warm_of_a_range_reads_nothing_before_it(stored):
    expected = [[48 * PAGE, 64 * PAGE]]

    def look():
        evict(stored)
        output_of("warm", "--offset", f"{48 * PAGE // 1024}K", "--size", "1GiB", stored)
        return found(stored)["ranges"]

    assert repeatedly(look, expected) == expected


def test_evict_of_a_range_leaves_the_rest(stored):
    expected = [[0, 16 * PAGE], [32 * PAGE, 64 * PAGE]]

    def look():
        read_pages(stored, *range(64))
        output_of("evict", "--offset", str(16 * PAGE), "--size", str(16 * PAGE), stored)
        return found(stored)["ranges"]

    assert repeatedly(look, expected) == expected


def test_evict_works_in_pieces_that_end_between_large_folios(stored, monkeypatch, capsys):
    monkeypatch.setattr(page_cache, "WINDOW", 16 * PAGE)
    pieces, evict = [], raw.mmap_wrap_fd_evict
    monkeypatch.setattr(raw, "mmap_wrap_fd_evict", lambda fd, *piece: pieces.append(piece) or evict(fd, *piece))

    def look():
        read_pages(stored, *range(64))
        pieces.clear()
        assert command_line.main(["evict", "--offset", "100", str(stored)]) == 0
        return capsys.readouterr().out.split("\t")[:2]

    expected = [str(64 * PAGE - 100), "0"]
    assert repeatedly(look, expected) == expected
    assert pieces == [(100, 16 * PAGE - 100), *((at * PAGE, 16 * PAGE) for at in (16, 32, 48))]


def test_evict_shows_progress_and_ctrl_c_ends_it_between_pieces(stored, monkeypatch):
    monkeypatch.setattr(page_cache, "WINDOW", 16 * PAGE)
    evicted, advanced = [], []

    def evict(fd, offset, size):
        evicted.append(size)
        if len(evicted) == 3:
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr(raw, "mmap_wrap_fd_evict", evict)
    monkeypatch.setattr(terminal.Progress, "advance", lambda self, count: advanced.append((self.what, count)))
    with page_cache.File(str(stored)) as file, pytest.raises(KeyboardInterrupt):
        page_cache.evict(file, 0, file.size)
    assert advanced == [(f"evicting {stored}", 16 * PAGE)] * 2


def test_evict_writes_changed_pages_back(stored):
    with stored.open("r+b") as file:
        file.write(b"changed")
    size = 64 * PAGE
    assert output_of("evict", stored).split("\t")[1:4] == ["0", str(size), "-"]
    assert stored.read_bytes()[:8].startswith(b"changed")


def test_evict_names_processes_that_map_the_remaining_pages(stored):
    mapped = mmap_wrap.map_path(stored, prot=mmap_wrap.PROT_READ)

    def look():
        assert mapped[5 * PAGE] is not None
        (record,) = json.loads(output_of("evict", "--json", stored))
        return [reason.rsplit(" ", 1)[1] for reason in record["stayed"]]

    assert repeatedly(look, [f"({os.getpid()})"]) == [f"({os.getpid()})"]
    mapped.close()


def test_evict_reports_that_a_file_of_tmpfs_cannot_be_evicted(endless):
    os.truncate(endless, PAGE)
    Path(endless).write_bytes(b"x" * PAGE)
    assert output_of("evict", endless) == f"{PAGE}\t{PAGE}\t{PAGE}\ttmpfs keeps its files in memory only\t{endless}\n"


def test_on_a_terminal_warm_and_evict_end_with_a_sentence(stored):
    def look():
        evict(stored)
        return Terminal("warm", str(stored)).finish()

    size = terminal.human(64 * PAGE)
    expected = [f"{stored}: 0 B → {size} of {size} in memory", ""]
    assert repeatedly(look, expected) == expected

    def ascii_look():
        read_pages(stored, *range(64))
        return Terminal("evict", str(stored), PYTHONIOENCODING="ascii").finish()

    expected = [f"{stored}: {size} -> 0 B of {size} in memory", ""]
    assert repeatedly(ascii_look, expected) == expected


def test_a_file_counts_once_however_many_names_it_has(stored, tmp_path):
    (tmp_path / "other").write_bytes(b"x" * PAGE)
    os.link(stored, tmp_path / "hard")
    (tmp_path / "symbolic").symlink_to(stored)
    names = [stored, tmp_path / "hard", tmp_path / "symbolic", stored]
    lines = output_of("--width", "4", *names).splitlines()
    assert (len(lines), lines[-1].split()[-2:]) == (6, ["1", "file"])
    assert terminal.human(64 * PAGE) in lines[-1]
    lines = output_of("--width", "4", *names, tmp_path / "other").splitlines()
    assert lines[-1].split()[-2:] == ["2", "files"]
    assert terminal.human(65 * PAGE) in lines[-1]


def locked_bytes(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmLck:\s+(\d+) kB", status)[1]) * 1024


def test_lock_keeps_files_in_memory_until_ctrl_c(stored, tmp_path):
    arguments = [*PROGRAM, "lock", stored, "missing", "--offset", str(PAGE)]
    with subprocess.Popen(arguments, stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stdout.readline() == f"{63 * PAGE}\t{stored}\n"
            assert process.stderr.readline() == "mmap-wrap: missing: No such file or directory\n"
            assert locked_bytes(process) == 63 * PAGE
            evict(stored)
            assert output_of(stored).split("\t")[0] == "63"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(signal.SIGINT)
            assert (process.communicate(timeout=PATIENCE), process.returncode) == (("", ""), 130)
        finally:
            process.kill()


def test_lock_fails_if_no_file_can_be_locked(stored):
    process = mmap_wrap_("lock", "missing")
    assert (process.returncode, process.stdout) == (1, "")

    few = partial(resource.setrlimit, resource.RLIMIT_MEMLOCK, (PAGE, PAGE))
    # The file is larger than a page.
    output, errors = as_unprivileged(["lock", "/bin/sh"], few)
    assert (output, "RLIMIT_MEMLOCK" in errors) == ("1 ", True)


def test_saved_residency_is_restored(stored, tmp_path):
    other = write_pages(tmp_path / "other", 8)

    def look():
        evict(stored)
        evict(other)
        read_pages(stored, 2, 3, 63)
        saved = output_of("save", "stored", "other", cwd=tmp_path)
        evict(stored)
        output_of("restore", input=saved)
        return saved, found(stored)["ranges"], found(other)["ranges"]

    ranges = [[2 * PAGE, 4 * PAGE], [63 * PAGE, 64 * PAGE]]
    expected = [
        {"path": str(stored), "size": 64 * PAGE, "ranges": ranges},
        {"path": str(other), "size": 8 * PAGE, "ranges": []},
    ]
    saved, *after = repeatedly(look, ("[\n" + ",\n".join(map(json.dumps, expected)) + "\n]\n", ranges, []))
    assert json.loads(saved) == expected
    # The kernel may read more, because it reads ahead.
    assert {2, 3, 63} <= {page for begin, end in after[0] for page in range(begin // PAGE, -(-end // PAGE))}
    (tmp_path / "saved.json").write_text(saved)
    evict(stored)
    other.unlink()
    os.truncate(stored, 3 * PAGE)
    process = mmap_wrap_("restore", tmp_path / "saved.json")
    assert process.stderr == f"mmap-wrap: {other}: No such file or directory\n"
    assert process.returncode == 1
    # Up to the current end of the file.
    assert process.stdout.split("\t")[2:] == [str(PAGE), f"{stored}\n"]


def test_residency_that_was_not_saved_is_not_restored(tmp_path):
    for text in ("", "x", "{}", "[1]", '[{"path": 1, "ranges": []}]', '[{"path": "x", "ranges": [[1]]}]', "[null]"):
        process = mmap_wrap_("restore", input=text)
        if text == "{}":
            assert process.returncode == 0
            continue
        assert (process.returncode, process.stdout, process.stderr) == (
            1, "", "mmap-wrap: -: this is not output of save\n"
        )  # fmt: skip
    missing = mmap_wrap_("restore", tmp_path / "missing")
    assert missing.stderr == f"mmap-wrap: {tmp_path}/missing: No such file or directory\n"


def test_a_range_beyond_the_end_is_empty(text_file):
    assert output_of("warm", "--offset", "1T", text_file) == f"0\t0\t0\t{text_file}\n"
    assert output_of("evict", "--offset", "7E", "--size", "7E", text_file) == f"0\t0\t0\t-\t{text_file}\n"


# Long operations.


@pytest.mark.parametrize("command", [[], ["warm"]])
def test_long_work_shows_progress_and_ctrl_c_clears_the_line(endless, command):
    terminal = Terminal(*command, endless)
    assert terminal.read_until(lambda written: written.count(" left  ") >= 2)
    os.write(terminal.end, b"\x03")
    lines = terminal.finish()
    assert terminal.status == 130
    assert "Traceback" not in terminal.written
    assert "\x1b" not in terminal.written
    assert [line for line in lines if "left" in line or "░" in line] == []
    line = re.search(r"[█░]{24} \d+%  [\d.]+ [KMGT]iB of 16.0 TiB, [\d.]+ \w+/s, \d+:\d\d left  \w+", terminal.written)
    assert line, terminal.written


def test_the_progress_line_is_cleared_when_the_work_is_done(endless):
    size, drawn = 1 << 34, False
    while not drawn and size < 1 << 42:
        os.truncate(endless, size)
        terminal = Terminal(endless)
        lines = terminal.finish()
        drawn = " left  examining" in terminal.written
        size *= 2
    assert (drawn, terminal.status) == (True, 0)
    assert [line for line in lines if "left" in line] == []
    assert lines[1].endswith(endless)


def test_the_progress_line_fits_the_terminal(endless):
    terminal = Terminal(endless, columns=40)
    assert terminal.read_until(lambda written: written.count("%  ") >= 2)
    os.write(terminal.end, b"\x03")
    terminal.finish()
    drawn = [part for part in terminal.written.split("\r") if "%  " in part]
    assert drawn
    assert max(len(part.replace("^C", "")) for part in drawn) == 39


def test_there_is_no_progress_line_without_a_terminal(endless):
    with subprocess.Popen([*PROGRAM, endless], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            wait_until_open(process, endless)
            with pytest.raises(subprocess.TimeoutExpired):
                process.communicate(timeout=2)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=PATIENCE) == (b"", b"")
            assert process.returncode == 130
        finally:
            process.kill()


def wait_until_open(process, path):
    """Waits until the process has the file open, which is long after it handles signals."""
    end = time.monotonic() + PATIENCE
    while not any(link.resolve() == Path(path) for link in Path(f"/proc/{process.pid}/fd").iterdir()):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_tests_of_ctrl_c_pass_if_sigint_is_ignored():
    """As in a background job of a shell without job control, and with nohup."""
    tests = [
        "test_long_work_shows_progress_and_ctrl_c_clears_the_line",
        "test_there_is_no_progress_line_without_a_terminal",
    ]
    names = [f"{__file__}::{test}" for test in tests]
    script = ["sh", "-c", 'trap "" INT QUIT HUP; exec "$@"', "sh", sys.executable, "-m", "pytest", "-q", *names]
    process = subprocess.run([*script, "-p", "no:cacheprovider"], capture_output=True, text=True, timeout=PATIENCE)
    assert (process.returncode, "passed" in process.stdout or "skipped" in process.stdout) == (0, True), process.stdout


# Errors.


@pytest.fixture
def things(tmp_path, text_file):
    """Paths that are not files, and one that is."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as end:
        folder = os.open(tmp_path, os.O_RDONLY)
        end.bind(f"/proc/self/fd/{folder}/socket")  # the path itself may be too long for a socket address
        os.close(folder)
        yield tmp_path


@pytest.mark.parametrize("command", [[], ["warm"], ["evict"]])
def test_errors_are_reported_and_the_other_files_are_processed(things, command):
    names = ["missing", "fifo", "text", "socket", "folder", "/dev/null"]
    process = mmap_wrap_(*command, *names, cwd=things)
    reason = "only files and block devices have pages in the page cache"
    assert process.stderr.splitlines() == [
        "mmap-wrap: missing: No such file or directory",
        f"mmap-wrap: fifo: it is a FIFO: {reason}",
        f"mmap-wrap: socket: it is a socket: {reason}",
        "mmap-wrap: folder: Is a directory: name the files in it, or add --recursive",
        f"mmap-wrap: /dev/null: it is a character device: {reason}",
    ]
    assert process.returncode == 1
    assert [line.split("\t")[-1] for line in process.stdout.splitlines()] == ["text"]


@pytest.mark.usefixtures("nothing_leaks")
def test_a_fifo_that_replaces_a_file_does_not_block(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(os, "stat", lambda path: os.lstat(command_line.__file__))
    with pytest.raises(OSError, match="FIFO") as caught:
        page_cache.File(str(tmp_path / "fifo"))
    assert caught.value.errno == errno.ENODEV


@pytest.mark.usefixtures("nothing_leaks")
def test_no_descriptor_or_mapping_is_left(things, capsys, monkeypatch):
    monkeypatch.chdir(things)
    for command in ([], ["warm"], ["evict"]):
        assert command_line.main([*command, "missing", "fifo", "text", "socket", "folder"]) == 1
    assert capsys.readouterr().err.count("mmap-wrap: ") == 12


def test_doctor_leaves_only_the_page_that_it_sealed():
    count = "mmap_wrap.raw.mmap_wrap_list(None, 0)"
    doctor = "with contextlib.redirect_stdout(io.StringIO()): __main__.main(['doctor'])"
    script = f"import contextlib, io, mmap_wrap.raw\nfrom mmap_wrap import __main__\n{doctor}\nprint({count})"
    assert run_well(script) in ("0\n", "1\n")


def test_recursive_finds_the_regular_files_below(things):
    (things / "folder/deep").mkdir()
    for name in ("z", "c", "x"):
        (things / "folder" / name).mkdir()
        (things / "folder" / name / "d").write_text("d")
    (things / "folder/deep/b").write_text("b")
    (things / "folder/.a").write_text("a")
    (things / "folder/link").symlink_to(things / "text")
    below = ["folder/c/d", "folder/deep/b", "folder/x/d", "folder/z/d"]
    lines = output_of("-r", "folder", "text", cwd=things).splitlines()
    assert [line.split("\t")[-1] for line in lines] == ["folder/.a", *below, "text"]
    assert [line.split("\t")[-1] for line in output_of("warm", "--recursive", ".", cwd=things).splitlines()] == [
        "./text", "./folder/.a", *(f"./{path}" for path in below),
    ]  # fmt: skip


def test_a_file_named_like_a_command_can_be_given(tmp_path):
    (tmp_path / "warm").write_text("x")
    for arguments in (["./warm"], ["--", "warm"]):
        assert output_of(*arguments, cwd=tmp_path).split("\t")[1] == "1"
    assert output_of("warm", "warm", cwd=tmp_path).split("\t")[1:3] == ["1", "1"]


@pytest.mark.parametrize(
    "words",
    ["", "warm", "evict", "--no-such x", "constants a b", "doctor x", "--width 0 x", "--width x x", "--offset 1 x",
     "warm --size 1.5K x", "warm --size 8E x", "evict --offset=-1 x", "--json"],
)  # fmt: skip
def test_wrong_usage_ends_with_2(words):
    process = mmap_wrap_(*words.split())
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("usage: mmap-wrap")


@pytest.mark.parametrize("command", ["", *command_line.COMMANDS])
def test_there_are_help_and_version(command):
    words = command.split()
    help_ = output_of(*words, "--help", environment={"PYTHONIOENCODING": "ascii"})
    assert help_.startswith(f"usage: {' '.join(['mmap-wrap', *words])} [-h]")
    assert f"For example: mmap-wrap {command}".rstrip() in " ".join(help_.split())
    assert output_of(*words, "--version") == f"mmap-wrap {mmap_wrap.__version__}\n"
    if not words:
        assert all(f"mmap-wrap {name}" in help_ for name in command_line.COMMANDS)


def test_a_closed_pipe_ends_it_without_a_message():
    # More than the interpreter buffers, and less.
    for arguments in (["constants", "--json"], ["constants", "MS_"]):
        process = subprocess.Popen(
            [*PROGRAM, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        process.stdout.close()
        with process.stderr as errors:
            assert errors.read() == b""
        assert process.wait(PATIENCE) == 128 + signal.SIGPIPE


def test_output_that_cannot_be_written_is_an_error(text_file):
    with open("/dev/full", "w") as full:
        process = mmap_wrap_(text_file, stdout=full)
    assert (process.returncode, process.stderr) == (1, "mmap-wrap: standard output: No space left on device\n")
    closed = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *PROGRAM, text_file],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    assert (closed.returncode, closed.stderr) == (1, "mmap-wrap: standard output: Bad file descriptor\n")
    words = ["sh", "-c", '"$@" 2>&-', "sh", *PROGRAM, "missing", text_file]
    silent = subprocess.run(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
    assert (silent.returncode, silent.stdout.count("\n")) == (1, 1)


def test_the_installed_program_is_the_same():
    program = shutil.which("mmap-wrap", path=sysconfig.get_path("scripts"))
    if program is None:
        pytest.skip("the package is not installed: there is no program mmap-wrap")
    assert (
        subprocess.check_output([program, "--version"], text=True, timeout=PATIENCE)
        == f"mmap-wrap {mmap_wrap.__version__}\n"
    )


# Constants.


def test_constants_are_those_of_the_library():
    lines = [line.split("\t") for line in output_of("constants").splitlines()]
    names = {raw.mmap_wrap_constant_name(i).decode(): i for i in range(raw.mmap_wrap_constant_count())}
    assert sorted(name for name, _, _ in lines) == sorted(names)
    for name, value, hexadecimal in lines:
        if raw.mmap_wrap_constant_available(names[name]):
            number = raw.mmap_wrap_constant_value(names[name])
            assert (int(value), int(hexadecimal, 16)) == (number, number)
        else:
            assert (value, hexadecimal) == ("-", "-")
    assert {value for _, value, _ in lines} >= {"-", "0", "1"}


def test_constants_are_sorted_by_prefix():
    prefixes = [line.split("_")[0] for line in output_of("constants").splitlines()]
    runs = [prefix for i, prefix in enumerate(prefixes) if i == 0 or prefixes[i - 1] != prefix]
    assert len(runs) == len(set(runs)) > 5


def test_constants_are_found_by_a_part_or_a_pattern():
    assert output_of("constants", "mlock") == "MLOCK_ONFAULT\t1\t0x1\n"
    assert output_of("constants", "O_RDONL*") == "O_RDONLY\t0\t0x0\n"
    assert mmap_wrap_("constants", "RDONL*").returncode == 1
    assert json.loads(output_of("constants", "map_nocache", "--json")) == [{"name": "MAP_NOCACHE", "value": None}]
    process = mmap_wrap_("constants", "zzz")
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == "mmap-wrap: zzz: no constant has such a name\n"


def test_on_a_terminal_constants_are_grouped_by_prefix():
    lines = Terminal("constants", "MS_*").finish()
    assert lines[0] == "MS_"
    assert f"  {'MS_SYNC':28} 4  0x4" in lines
    assert f"  {'MS_KILLPAGES':28} -  not here" in lines


# Features and limits of the machine.


def findings(**options):
    return {finding["name"]: finding for finding in json.loads(output_of("doctor", "--json", **options))}


def test_doctor_shows_the_values_of_the_system():
    by_name = findings()
    assert by_name["page size"]["value"] == PAGE
    assert os.uname().release in by_name["release"]["value"]
    assert by_name["ABI number"]["value"] == raw.MMAP_WRAP_ABI_VERSION
    assert by_name["version"]["value"] == mmap_wrap.__version__
    assert os.path.samefile(by_name["path"]["value"], os.environ.get("MMAP_WRAP_LIBRARY") or doctor._ffi.BUNDLED)
    assert by_name["vm.max_map_count"]["value"] == int(Path("/proc/sys/vm/max_map_count").read_text())
    assert by_name["vm.overcommit_memory"]["value"] == Path("/proc/sys/vm/overcommit_memory").read_text().strip()
    assert {finding["status"] for finding in by_name.values()} <= {"ok", "missing", "low"}
    assert all(finding["note"] for finding in by_name.values() if finding["status"] != "ok")


def test_doctor_shows_the_limits_and_which_are_low():
    def with_limits():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]))
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    by_name = findings(preexec_fn=with_limits)
    locked, files = by_name["RLIMIT_MEMLOCK"], by_name["RLIMIT_NOFILE"]
    assert (locked["value"], locked["unit"], locked["status"]) == (65536, "bytes", "low")
    assert "ulimit -l" in locked["note"]
    assert (files["value"], files["status"]) == (200, "low")


def test_doctor_shows_the_size_and_free_space_of_shared_memory():
    by_name = findings()
    if not os.path.isdir("/dev/shm"):
        assert by_name["/dev/shm"]["status"] == "missing"
        pytest.skip("no /dev/shm here")
    room = os.statvfs("/dev/shm")
    assert (by_name["/dev/shm"]["value"], by_name["/dev/shm"]["unit"]) == (room.f_blocks * room.f_frsize, "bytes")
    assert (
        abs(by_name["/dev/shm, free"]["value"] - room.f_bavail * room.f_frsize) <= room.f_blocks * room.f_frsize // 10
    )


def test_doctor_explains_how_to_enlarge_small_shared_memory(monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((4096, 4096, 16384, 9000, 9000, 0, 0, 0, 0, 255)))
    size, free = doctor._shared_memory()
    assert (size.status, size.value, free.value) == ("low", 64 << 20, 9000 * 4096)
    assert "--shm-size" in size.note
    monkeypatch.undo()
    monkeypatch.setattr(doctor, "SHARED_MEMORY", "/nowhere")
    (none,) = doctor._shared_memory()
    assert (none.status, "No such file" in none.note) == ("missing", True)


def test_doctor_tries_each_feature_that_it_reports():
    by_name = findings()
    memory = raw.check(raw.mmap_wrap(None, PAGE, 3, mmap_wrap.MAP_PRIVATE | mmap_wrap.MAP_ANONYMOUS, -1, 0))
    named = raw.mmap_wrap_set_name(memory, b"x") >= 0
    guarded = raw.madvise_wrap(memory, mmap_wrap.MADV_GUARD_INSTALL, 0, PAGE) >= 0
    raw.check(raw.munmap_wrap(memory))
    assert (by_name["names of memory"]["status"] == "ok", by_name["guard regions"]["status"] == "ok") == (
        named,
        guarded,
    )
    assert len([name for name in by_name if by_name[name]["group"] == "features"]) == len(doctor.FEATURES)


def test_doctor_reports_what_a_missing_feature_needs(monkeypatch):
    missing = doctor.Feature("next year's", "nothing yet", "Linux 9.9", doctor._memory, doctor._advise("MADV_NO_SUCH"))
    monkeypatch.setattr(doctor, "FEATURES", (missing,))
    (finding,) = doctor._features()
    assert finding.status == "missing"
    assert finding.note.startswith("nothing yet; needs Linux 9.9: madvise_wrap: ")


@pytest.mark.parametrize(
    "others",
    [
        "signal.signal(signal.SIGBUS, print); signal.signal(signal.SIGSEGV, print)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGBUS, signal.SIGSEGV})",
        "faulthandler.enable()",
    ],
)
def test_doctor_reports_other_signal_handlers(others):
    script = f"""
        import faulthandler, signal, mmap_wrap
        from mmap_wrap import raw
        from mmap_wrap.__main__ import main
        memory = raw.mmap_unnamed_wrap(1, mmap_wrap.PROT_READ, mmap_wrap.MAP_SHARED)
        raw.check(raw.mmap_wrap_survive(memory, 1))    # the library's handlers come first
        {others}
        main(["doctor"])
    """
    lines = [line.split("\t") for line in run_well("if True:" + script).splitlines()]
    by_name = {name: (status, value) for _, name, status, value, _ in lines}
    assert by_name["SIGBUS"] == by_name["SIGSEGV"] == ("missing", "handled elsewhere, or blocked")


def test_doctor_reports_its_own_handlers():
    by_name = findings()
    assert (by_name["SIGBUS"]["status"], by_name["SIGSEGV"]["status"]) == ("ok", "ok")


def test_on_a_terminal_doctor_groups_its_lines():
    lines = Terminal("doctor", columns=200).finish()
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "library", "kernel", "features", "signals", "limits",
    ]  # fmt: skip
    assert f"  ok       {'page size':24} {terminal.human(PAGE)}" in lines
