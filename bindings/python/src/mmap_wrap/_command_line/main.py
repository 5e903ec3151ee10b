"""The commands, their options and output. See docs/command-line.md in the repository."""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import signal
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import mmap_wrap
from mmap_wrap import raw

from . import page_cache
from .doctor import Finding, examine
from .terminal import arrow, bar, columns, human, shown

PROGRAM = "mmap-wrap"

Record = dict[str, Any]


class Failures:
    """Counts the files that failed, for the exit code; each failure is printed at once on standard error."""

    def __init__(self) -> None:
        self.count: int = 0

    def add(self, path: str, error: Exception) -> None:
        """Prints a failure and counts it. The other files are still processed."""
        self.count += 1
        print_error(path, (error.strerror if isinstance(error, OSError) else None) or str(error))


def print_error(*parts: str) -> None:
    """Prints a line on standard error, if that is open."""
    if sys.stdout is not None:
        sys.stdout.flush()  # so that the lines of both streams are in order
    if sys.stderr is not None:
        print(PROGRAM, *(shown(part, sys.stderr) for part in parts), sep=": ", file=sys.stderr)


def write(records: Iterable[Record], as_json: bool, line: Callable[[Record], str]) -> None:
    """Prints each record as soon as it is available: as a line, or all as one JSON array."""
    opening = "["
    for record in records:
        print(f"{opening}\n{json.dumps(record)}" if as_json else line(record), end="" if as_json else "\n")
        opening = ","
    if as_json:
        print("[]" if opening == "[" else "\n]")


def files(options: argparse.Namespace, failures: Failures) -> Iterator[str]:
    """The paths to process: those given, and with --recursive the regular files below them."""

    def unreadable(error: OSError) -> None:
        failures.add(os.fsdecode(error.filename), error)

    for path in options.files:
        if not (options.recursive and os.path.isdir(path)):
            yield path
            continue
        for folder, folders, names in os.walk(path, onerror=unreadable):
            folders.sort()
            yield from filter(_is_regular, (os.path.join(folder, name) for name in sorted(names)))


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return True  # opening it fails, which is reported


def each(
    options: argparse.Namespace, failures: Failures, process: Callable[[page_cache.File], Record]
) -> Iterator[Record]:
    """The record of each file; failures are reported."""
    for path in files(options, failures):
        try:
            with page_cache.File(path) as file:
                record = process(file)
        except (OSError, ValueError, RuntimeError) as error:
            failures.add(path, error)
        else:
            yield record


def show(options: argparse.Namespace) -> int:
    """Shows which part of each file is in the page cache."""
    drawn = not options.json and (options.width is not None or sys.stdout.isatty())
    # A line of a pipe has no limit.
    room = columns(sys.stdout) if sys.stdout.isatty() else sys.maxsize
    width, shape = layout(room, options.width) if drawn else (0, ())
    failures, total = Failures(), Total()

    def process(file: page_cache.File) -> Record:
        present = page_cache.residency(file, 0, file.size, width)
        if present is None:
            raise PermissionError(errno.EPERM, file.unknown)
        cache = page_cache.figures(file, 0, file.size, present)
        record = {
            "path": file.path,
            "size": file.size,
            "page_size": present.page_size,
            "pages": present.pages,
            "cached_pages": present.cached_pages,
            "cached": present.cached,
            "dirty": cache and cache.dirty,
            "writeback": cache and cache.writeback,
        }
        total.add(record, file.identity)
        if options.json:
            record["ranges"] = _ranges(present)
        if drawn:
            record["bar"] = bar(present.cells, width, sys.stdout)
        return record

    if drawn:
        print(_row(shape, " " * width, HEADINGS, "file"))
    write(each(options, failures, process), options.json, partial(_drawn, shape) if drawn else _tabs)
    if drawn and total.names > 1:
        print(_drawn(shape, total.record(width)))
    return 1 if failures.count else 0


# The columns between the bar and the file's name, with their widths, the most important first.
WIDTHS = {"share": 6, "cached": 10, "size": 13, "dirty": 10}
HEADINGS = {"share": "", "cached": "cached", "size": "of", "dirty": "dirty"}
# The least and greatest width of a bar without --width, and the width reserved for a name, which may be longer.
BAR_LEAST, BAR_MOST, NAME = 10, 64, 19


def layout(room: int, width: int | None) -> tuple[int, tuple[str, ...]]:
    """The width of the bar and the names of the columns, for a row of `room` characters.

    What does not fit is omitted: first columns, the least important first, and then the bar, unless its `width` is
    given.

    >>> layout(80, None), layout(40, None), layout(20, None)
    ((16, ('share', 'cached', 'size', 'dirty')), (12, ('share',)), (0, ('share',)))
    """
    shape = tuple(WIDTHS)
    left = room - sum(WIDTHS.values()) - len(WIDTHS) - len("  ") - NAME
    while left < (width or BAR_LEAST) and len(shape) > 1:
        left += WIDTHS[shape[-1]] + 1
        shape = shape[:-1]
    if width is None:
        width = min(BAR_MOST, left) if left >= BAR_LEAST else 0
    return width, shape


def _row(shape: tuple[str, ...], strip: str, cells: dict[str, str], name: str) -> str:
    return " ".join([*filter(None, [strip]), *(f"{cells[key]:>{WIDTHS[key]}}" for key in shape), f" {name}"])


def _ranges(present: page_cache.Residency) -> list[tuple[int, int]] | None:
    return list(zip(present.bounds[::2], present.bounds[1::2])) if present.placed else None


class Total:
    """The sums for all files; a file counts once, even if several of its names were given."""

    def __init__(self) -> None:
        self.names: int = 0
        self.files: set[tuple[int, int]] = set()
        self.sums: Record = dict.fromkeys(("size", "pages", "cached_pages", "cached", "dirty"), 0)

    def add(self, record: Record, identity: tuple[int, int]) -> None:
        """Adds a file. A sum is unknown if a value of one file is."""
        self.names += 1
        if identity in self.files:
            return
        self.files.add(identity)
        for key, sum_ in self.sums.items():
            self.sums[key] = None if None in (sum_, record[key]) else sum_ + record[key]

    def record(self, width: int) -> Record:
        """A record for `_drawn`, with blanks for the bar."""
        return {**self.sums, "bar": " " * width, "path": f"{len(self.files)} file{'s'[len(self.files) == 1 :]}"}


def _drawn(shape: tuple[str, ...], record: Record) -> str:
    cells = {"share": percent(record["cached_pages"], record["pages"]), "cached": human(record["cached"])}
    cells["size"] = f"of {human(record['size']):>10}"
    cells["dirty"] = "-" if record["dirty"] is None else human(record["dirty"])
    return _row(shape, record["bar"], cells, _path(record))


def _tabs(record: Record) -> str:
    return "\t".join([*_numbers(record, "cached_pages", "pages", "cached", "size", "dirty"), _path(record)])


def _numbers(record: Record, *keys: str) -> list[str]:
    return ["-" if record[key] is None else str(record[key]) for key in keys]


def _path(record: Record) -> str:
    return shown(record["path"], sys.stdout)


def percent(part: int, whole: int) -> str:
    """The percentage, where 0% is exactly none and 100% exactly all; "-" if the whole is 0.

    >>> percent(1, 100_000), percent(99_999, 100_000), percent(1, 1), percent(0, 0)
    ('0.1%', '99.9%', '100%', '-')
    """
    if whole == 0:
        return "-"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f}%" if 0 < part < whole else f"{100 * part // whole}%"


def warm(options: argparse.Namespace) -> int:
    """Reads files into the page cache."""
    return _change(options, page_cache.read)


def evict(options: argparse.Namespace) -> int:
    """Stores the modified data of files and evicts them from the page cache; prints what was not evicted, and why."""
    return _change(options, page_cache.evict)


def _change(options: argparse.Namespace, change: Callable[[page_cache.File, int, int], None]) -> int:
    failures = Failures()

    def process(file: page_cache.File) -> Record:
        begin, end = file.part(options.offset, options.size)
        before = page_cache.residency(file, begin, end)
        change(file, begin, end)
        after = page_cache.residency(file, begin, end)
        record: Record = {"path": file.path, "offset": begin, "size": end - begin}
        record["cached_before"], record["cached"] = before and before.cached, after and after.cached
        if change is page_cache.evict:
            record["stayed"] = page_cache.why_not_evicted(file, begin, end, after) if after and after.cached else []
        return record

    line = _summary if sys.stdout.isatty() else _summary_tabs
    write(each(options, failures, process), options.json, line)
    return 1 if failures.count else 0


def _summary(record: Record) -> str:
    if record["cached"] is None:
        return f"{_path(record)}: done; the kernel does not report which pages are in memory"
    before, after, size = (human(record[key]) for key in ("cached_before", "cached", "size"))
    stayed = f"; not evicted: {_stayed(record)}" if record.get("stayed") else ""
    return f"{_path(record)}: {before} {arrow(sys.stdout)} {after} of {size} in memory{stayed}"


def _summary_tabs(record: Record) -> str:
    stayed = [_stayed(record) or "-"] if "stayed" in record else []
    return "\t".join([*_numbers(record, "cached_before", "cached", "size"), *stayed, _path(record)])


def _stayed(record: Record) -> str:
    return shown("; ".join(record["stayed"]), sys.stdout)


def lock(options: argparse.Namespace) -> int:
    """Locks files in memory until Ctrl-C."""
    failures, locked = Failures(), []

    def process(file: page_cache.File) -> Record:
        begin, end = file.part(options.offset, options.size)
        page_cache.lock(file, begin, end)
        locked.append(file.path)
        return {"path": file.path, "offset": begin, "size": end - begin}

    def line(record: Record) -> str:
        if sys.stdout.isatty():
            return f"{_path(record)}: {human(record['size'])} in memory until Ctrl-C"
        return "\t".join([*_numbers(record, "size"), _path(record)])

    write(each(options, failures, process), options.json, line)
    sys.stdout.flush()
    # Ctrl-C, or another signal, ends the process and so unlocks the files.
    while locked:
        signal.pause()
    return 1 if failures.count else 0


def save(options: argparse.Namespace) -> int:
    """Prints which parts of files are in the page cache, as input for restore."""
    failures = Failures()

    def process(file: page_cache.File) -> Record:
        present = page_cache.residency(file, 0, file.size)
        if present is None or not present.placed:
            raise PermissionError(errno.EPERM, file.unknown if present is None else page_cache.HUGE)
        # Absolute, as restore may run in another folder.
        return {"path": os.path.abspath(file.path), "size": file.size, "ranges": _ranges(present)}

    write(each(options, failures, process), True, str)
    return 1 if failures.count else 0


def restore(options: argparse.Namespace) -> int:
    """Reads the parts of files that save printed into the page cache."""
    failures = Failures()
    try:
        with open(options.saved, encoding="utf-8") if options.saved != "-" else nullcontext(sys.stdin) as stream:
            saved = [_saved(record) for record in json.load(stream)]
    except (OSError, ValueError, TypeError, KeyError) as error:
        failures.add(options.saved, error if isinstance(error, OSError) else ValueError("this is not output of save"))
        return 1
    parts = dict(saved)
    options.files, options.recursive = list(parts), False

    def process(file: page_cache.File) -> Record:
        before, size = page_cache.residency(file, 0, file.size), 0
        for begin, end in parts[file.path]:
            begin, end = file.part(begin, max(end - begin, 0))
            page_cache.read(file, begin, end)
            size += end - begin
        after = page_cache.residency(file, 0, file.size)
        return {
            "path": file.path, "size": size, "cached_before": before and before.cached, "cached": after and after.cached
        }  # fmt: skip

    write(each(options, failures, process), options.json, _summary if sys.stdout.isatty() else _summary_tabs)
    return 1 if failures.count else 0


def _saved(record: Record) -> tuple[str, list[tuple[int, int]]]:
    ranges = [(int(begin), int(end)) for begin, end in record["ranges"]]
    if not isinstance(record["path"], str) or any(begin < 0 for begin, _ in ranges):
        raise ValueError
    return record["path"], ranges


def constants(options: argparse.Namespace) -> int:
    """Prints the constants whose names match, and their values on this platform."""
    names = [raw.mmap_wrap_constant_name(i).decode() for i in range(raw.mmap_wrap_constant_count())]
    pattern = options.pattern.upper()
    found = [name for name in names if fnmatchcase(name, pattern if re.search("[*?[]", pattern) else f"*{pattern}*")]
    if not found:
        print_error(options.pattern, "no constant has such a name")
        return 1
    # Groups in the order of their first constants; within a group, the library's order.
    groups = list(dict.fromkeys(map(_prefix, names)))
    found.sort(key=lambda name: groups.index(_prefix(name)))
    lines = Grouped()

    def line(record: Record) -> str:
        name, value = record["name"], record["value"]
        if not sys.stdout.isatty():
            return f"{name}\t-\t-" if value is None else f"{name}\t{value}\t{value:#x}"
        return lines.under(_prefix(name), f"{name:28} {'-  not here' if value is None else f'{value}  {value:#x}'}")

    write(({"name": name, "value": getattr(mmap_wrap, name, None)} for name in found), options.json, line)
    return 0


def _prefix(name: str) -> str:
    return name[: name.index("_") + 1]


class Grouped:
    """Lines under headings; each heading is printed once."""

    def __init__(self) -> None:
        self.heading: str = ""

    def under(self, heading: str, line: str) -> str:
        """The indented line, preceded by the heading if it differs from the previous one."""
        new, self.heading = heading != self.heading, heading
        return f"{heading}\n  {line}" if new else f"  {line}"


def doctor(options: argparse.Namespace) -> int:
    """Shows which features this machine has and lacks, its limits, and how to change them."""
    lines = Grouped()

    def line(record: Record) -> str:
        finding = Finding(**record)
        text, note = shown(finding.text, sys.stdout), shown(finding.note, sys.stdout)
        if not sys.stdout.isatty():
            return "\t".join([finding.group, finding.name, finding.status, text or "-", note or "-"])
        return lines.under(
            finding.group, f"{finding.status:8} {finding.name:24} {', '.join(filter(None, (text, note)))}"
        )

    write((finding._asdict() for finding in examine()), options.json, line)
    return 0


def number_of_bytes(text: str) -> int:
    """The number of bytes for a number with a unit: K, KiB, M, MiB and so on are powers of 1024, KB, MB of 1000.

    >>> number_of_bytes("64K"), number_of_bytes("2MiB"), number_of_bytes("1kB"), number_of_bytes("4096")
    (65536, 2097152, 1000, 4096)
    """
    match = re.fullmatch(r"(\d+)(?:([KMGTPE])(IB|B)?|B)?", text.upper(), re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of bytes, such as 4096, 64K, 10MiB or 1GB")
    power = "KMGTPE".index(match[2]) + 1 if match[2] else 0
    number: int = int(match[1]) * (1000 if match[3] == "B" else 1024) ** power
    if number >= 2**63:
        raise argparse.ArgumentTypeError(f"'{text}' is too large: must be less than 8EiB")
    return number


def bar_width(text: str) -> int:
    """The width of the bar in characters."""
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a width: 1 to 9999 characters")
    return int(text)


Command = Callable[[argparse.Namespace], int]
COMMANDS: dict[str, Command] = {
    command.__name__: command for command in (warm, evict, lock, save, restore, constants, doctor)
}
EXAMPLES: dict[Command, str] = {
    show: f"{PROGRAM} -r /var/lib/app",
    warm: f"{PROGRAM} warm --size 1G big.iso",
    evict: f"{PROGRAM} evict big.iso",
    lock: f"{PROGRAM} lock index.db",
    save: f"{PROGRAM} save -r /var/lib/app >cached.json",
    restore: f"{PROGRAM} restore cached.json",
    constants: f"{PROGRAM} constants 'MAP_*'",
    doctor: f"{PROGRAM} doctor",
}
ABOUT = f"""\
commands, as the first argument (for a file with the name of a command, write ./warm):
  {PROGRAM} warm FILE ...         reads files into the page cache
  {PROGRAM} evict FILE ...        evicts files from the page cache
  {PROGRAM} lock FILE ...         locks files in memory until Ctrl-C
  {PROGRAM} save FILE ...         prints which parts of files are in the page cache
  {PROGRAM} restore [SAVED]       reads those parts into the page cache
  {PROGRAM} constants [PATTERN]   prints the constants of this platform
  {PROGRAM} doctor                shows which features this machine has and lacks
Each command has its own --help.
"""


def parse(arguments: list[str]) -> tuple[Command, argparse.Namespace]:
    """The command and its options. Invalid arguments end the program with exit code 2."""
    word = arguments[0] if arguments and arguments[0] in COMMANDS else None
    command = COMMANDS[word] if word else show
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {word}" if word else PROGRAM,
        description=f"{command.__doc__} For example: {EXAMPLES[command]}",
        epilog=None if word else ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {mmap_wrap.__version__}")
    if command is not save:
        parser.add_argument("--json", action="store_true", help="print an array of JSON objects")
    if command is constants:
        parser.add_argument("pattern", nargs="?", default="", help="a part of the name, or a pattern such as 'MAP_*'")
    elif command is restore:
        parser.add_argument("saved", nargs="?", default="-", help="the output of save; by default, standard input")
    elif command is not doctor:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a regular file or a block device")
        parser.add_argument(
            "-r", "--recursive", action="store_true", help="process all regular files below a directory"
        )
    if command is show:
        parser.add_argument("--width", type=bar_width, metavar="N", help="draw bars of N characters, even into a pipe")
    if command in (warm, evict, lock):
        unit = "bytes, or K, M, G (1024), KB, MB, GB (1000) and so on"
        parser.add_argument("--offset", type=number_of_bytes, default=0, help=f"the start of the part: {unit}")
        parser.add_argument(
            "--size", type=number_of_bytes, help="the size of the part; by default, to the end of the file"
        )
    return command, parser.parse_args(arguments[1:] if word else arguments)


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code: 0, 1 if anything failed, 130 for Ctrl-C, 141 for a closed pipe.

    For wrong usage, --help and --version argparse raises SystemExit.
    """
    if sys.stdout is None:
        print_error("standard output", os.strerror(errno.EBADF))
        return 1
    try:
        command, options = parse(sys.argv[1:] if argv is None else argv)
        status = command(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        _drop_output()
        print_error("standard output", error.strerror or str(error))
        return 1
    return status


def _drop_output() -> None:
    # The rest of the buffer cannot be written, and the interpreter would report that at exit.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
