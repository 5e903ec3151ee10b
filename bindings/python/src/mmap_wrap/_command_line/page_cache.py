"""The page cache of files, for the command line: which parts are in memory, reading, locking and evicting them.

All functions work in pieces, so a file may have any size. Offsets and sizes are in bytes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from array import array
from collections.abc import Iterator

import mmap_wrap
from mmap_wrap import raw

from .terminal import Progress

# Bytes of a file that are examined or evicted per call: 64 KiB of results with pages of 4 KiB.
WINDOW = 1 << 28
# Bytes read per call.
PIECE = 8 << 20

# Why it is unknown which pages are in memory.
UNREPORTED = "the kernel reports only to the owner of the file, and to writers, which pages are in memory"
HUGE = "the kernel reports how many huge pages of the file are in memory, but not which"

_KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a character device"}


class File:
    """A regular file or block device, open for reading. Leaving the block closes it."""

    def __init__(self, path: str) -> None:
        # Before opening: opening a device can have side effects.
        _require_pages(os.stat(path).st_mode)
        # O_NONBLOCK: the path may be a FIFO by now.
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            info = os.fstat(self.fd)
            _require_pages(info.st_mode)
            # The stat result has the size of a regular file only; some files of /proc have none.
            self.size = info.st_size if stat.S_ISREG(info.st_mode) else os.lseek(self.fd, 0, os.SEEK_END)
            self.path, self.identity = path, (info.st_dev, info.st_ino)
            # To other users the kernel reports all pages as in memory: mincore(2), Linux 5.2, commit 134fca9063ad.
            self.is_reported = os.geteuid() in (0, info.st_uid) or os.access(path, os.W_OK, effective_ids=True)
            self.unknown = UNREPORTED
        except BaseException:
            os.close(self.fd)
            raise

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def part(self, offset: int, size: int | None) -> tuple[int, int]:
        """The start and end of a part of the file, limited to the end of the file."""
        begin = min(offset, self.size)
        return begin, self.size if size is None else min(begin + size, self.size)


def _require_pages(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, f"{os.strerror(errno.EISDIR)}: name the files in it, or add --recursive")
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        kind = _KINDS.get(stat.S_IFMT(mode), "not a file")
        raise OSError(errno.ENODEV, f"it is {kind}: only files and block devices have pages in the page cache")


class Residency:
    """Which pages of a part of a file are in memory: every page that holds a byte of the part counts."""

    def __init__(self, begin: int, end: int, page_size: int, cells: int) -> None:
        self.begin, self.end, self.page_size = begin, end, page_size
        self.first = begin // page_size
        self.pages = -(-end // page_size) - self.first if end > begin else 0
        self.cached_pages = self.cached = 0
        # Begin and end of each run of pages in memory, alternating. There are at most as many runs as pages in memory.
        self.bounds = array("q")
        # False if only the number of pages in memory is known.
        self.placed = True
        self._counts = [0] * min(cells, self.pages)

    @property
    def cells(self) -> list[tuple[int, int]]:
        """The part in sections of about equal length: for each its number of pages in memory, and of pages."""
        return [(count, self._border(i + 1) - self._border(i)) for i, count in enumerate(self._counts)]

    def _border(self, cell: int) -> int:
        return cell * self.pages // len(self._counts)

    def _cell(self, page: int) -> int:
        # The last cell that begins at the page or before it.
        return ((page + 1) * len(self._counts) - 1) // self.pages

    def add_somewhere(self, pages: int) -> None:
        """Counts pages of which the positions are unknown: each cell then has some."""
        self.cached_pages, self.cached, self.placed = pages, min(pages * self.page_size, self.end - self.begin), False
        # Neither 0 nor all of them.
        self._counts = [-1] * len(self._counts)

    def add(self, first: int, last: int) -> None:
        """Counts a run of pages in memory, from `first` up to, not including, `last`. Runs are added in order."""
        self.cached_pages += last - first
        begin, end = max(first * self.page_size, self.begin), min(last * self.page_size, self.end)
        self.cached += end - begin
        if self.bounds and self.bounds[-1] == begin:
            self.bounds[-1] = end
        else:
            self.bounds.extend((begin, end))
        first, last = first - self.first, last - self.first
        for cell in range(self._cell(first), self._cell(last - 1) + 1) if self._counts else ():
            self._counts[cell] += min(last, self._border(cell + 1)) - max(first, self._border(cell))


def residency(file: File, begin: int, end: int, cells: int = 0) -> Residency | None:
    """Which pages of a part of the file are in memory; None if that is unknown, for the reason `file.unknown`."""
    if not file.is_reported:
        return None
    if begin == end:
        return Residency(begin, end, raw.mmap_wrap_page_size(), cells)
    with Progress(f"examining {file.path}", end - begin) as progress:
        found = Residency(begin, end, _page_size(file.fd), cells)
        if found.page_size > raw.mmap_wrap_page_size():
            return _huge_residency(file, found)
        states = ctypes.create_string_buffer(min(WINDOW // found.page_size, found.pages))
        for at in range(found.first * found.page_size, end, WINDOW):
            size = min(WINDOW, end - at)
            for first, last in _runs(_states(file.fd, at, size, states)):
                page = at // found.page_size
                found.add(page + first, page + last)
            progress.advance(size)
    return found


def _huge_residency(file: File, found: Residency) -> Residency | None:
    """Which huge pages are in memory, from the blocks of the file: mincore(2) reports only those this process uses."""
    pages = os.fstat(file.fd).st_blocks * 512 // found.page_size
    if pages >= -(-file.size // found.page_size):
        found.add(found.first, found.first + found.pages)
    elif pages and (found.begin, found.end) == (0, file.size):
        found.add_somewhere(pages)
    elif pages:
        file.unknown = HUGE
        return None
    return found


def _map(fd: int, at: int, size: int) -> int:
    # MAP_NORESERVE: otherwise huge pages of the pool would be reserved, and none is accessed.
    flags = mmap_wrap.MAP_SHARED | raw.MMAP_WRAP_OR_PRIVATE | mmap_wrap.MAP_NORESERVE
    return raw.check(raw.mmap_wrap(None, size, mmap_wrap.PROT_READ, flags, fd, at))


def _page_size(fd: int) -> int:
    """The size of a page of the file in bytes; on hugetlbfs, of a huge page."""
    info, handle = raw.Info(), _map(fd, 0, 1)
    try:
        raw.check(raw.mmap_wrap_info(handle, ctypes.byref(info), ctypes.sizeof(info)))
    finally:
        raw.munmap_wrap(handle)
    return int(info.page_size)


def _states(fd: int, at: int, size: int, states: ctypes.Array[ctypes.c_char]) -> bytes:
    """A byte for each page of a window: 1 if it is in memory, else 0."""
    handle = _map(fd, at, size)
    try:
        count = raw.check(raw.mincore_wrap(handle, states, len(states), 0, raw.MMAP_WRAP_REST))
    finally:
        raw.munmap_wrap(handle)
    return ctypes.string_at(states, count)


def _runs(pages: bytes) -> Iterator[tuple[int, int]]:
    """The first index of each run of ones, and the index after its last."""
    first = pages.find(1)
    while first >= 0:
        last = pages.find(0, first)
        last = len(pages) if last < 0 else last
        yield first, last
        first = pages.find(1, last)


def figures(file: File, begin: int, end: int, present: Residency) -> raw.Cachestat | None:
    """The page cache statistics of a part of the file; None if they are not reported."""
    cache = raw.Cachestat()
    if raw.mmap_wrap_fd_cachestat(file.fd, ctypes.byref(cache), ctypes.sizeof(cache), begin, end - begin) < 0:
        return None
    # For files on overlayfs the kernel reports zeros.
    unknown = cache.cached == 0 and present.cached_pages > 0
    return None if unknown else cache


def read(file: File, begin: int, end: int) -> None:
    """Reads a part of the file into the page cache. The kernel may read beyond its end."""
    buffer = bytearray(min(PIECE, end - begin))
    with Progress(f"reading {file.path}", end - begin) as progress:
        at = begin
        while at < end:
            # The kernel reads the next piece while this one is copied. It only starts reading, and limits a request to
            # its read-ahead size, so each byte is also read here. Not through a mapping: on tmpfs that would allocate
            # memory for holes.
            following = min(at + PIECE, end)
            raw.check(raw.mmap_wrap_fd_readahead(file.fd, following, min(PIECE, end - following)))
            count = os.preadv(file.fd, [memoryview(buffer)[: end - at]], at)
            if count == 0:
                return  # the file was truncated meanwhile
            at += count
            progress.advance(count)


def lock(file: File, begin: int, end: int) -> None:
    """Locks a part of the file in memory until this process ends. On failure nothing remains locked."""
    handles = []
    try:
        with Progress(f"locking {file.path}", end - begin) as progress:
            for window in range(begin, end, WINDOW):
                size = min(WINDOW, end - window)
                handles.append(_map(file.fd, window, size))
                for at in range(0, size, PIECE):
                    piece = min(PIECE, size - at)
                    raw.check(raw.mlock_wrap(handles[-1], 0, at, piece))
                    progress.advance(piece)
    except BaseException:
        for handle in handles:
            raw.munmap_wrap(handle)
        raise


def evict(file: File, begin: int, end: int) -> None:
    """Stores the modified data of a part of the file, and evicts those of its pages that are not in use."""
    with Progress(f"evicting {file.path}", end - begin) as progress:
        at = begin
        while at < end:
            # The kernel evicts a large folio, which is aligned to its size, only as a whole: pieces end at offsets that
            # no folio crosses.
            following = min((at // WINDOW + 1) * WINDOW, end)
            raw.check(raw.mmap_wrap_fd_evict(file.fd, at, following - at))
            progress.advance(following - at)
            at = following


def why_not_evicted(file: File, begin: int, end: int, present: Residency) -> list[str]:
    """The reasons why pages were not evicted, as far as they are known."""
    kind = _file_system(file.fd)
    if kind in ("tmpfs", "ramfs", "hugetlbfs", "devtmpfs"):
        return [f"{kind} keeps its files in memory only"]
    cache, users = figures(file, begin, end, present), mapped_by(file)
    reasons = []
    if cache is not None and cache.dirty + cache.writeback:
        reasons.append("modified again meanwhile")
    if users:
        reasons.append(f"mapped by {', '.join(users)}")
    return reasons or ["mapped, locked or in use elsewhere"]


def _file_system(fd: int) -> str | None:
    """The type of the file's file system, such as "tmpfs"; None if it is unknown."""
    try:
        with open(f"/proc/self/fdinfo/{fd}") as lines:
            mount = next(line.split()[1] for line in lines if line.startswith("mnt_id:"))
        with open("/proc/self/mountinfo", errors="surrogateescape") as lines:
            return next(line.partition(" - ")[2].split()[0] for line in lines if line.split()[0] == mount)
    except (OSError, StopIteration):
        return None


def mapped_by(file: File) -> list[str]:
    """The processes that map the file, of those that this user may examine."""
    device, inode = file.identity
    wanted = [f"{os.major(device):02x}:{os.minor(device):02x}", str(inode)]
    users = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/maps", errors="surrogateescape") as lines:
                if not any(line.split(maxsplit=5)[3:5] == wanted for line in lines):
                    continue
            with open(f"/proc/{process}/comm", errors="surrogateescape") as comm:
                users.append(f"{comm.read().rstrip()} ({process})")
        except OSError:
            pass  # the process ended, or is another user's
    return users
