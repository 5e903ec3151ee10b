"""The features and limits of this machine, for `mmap-wrap doctor`. Features are detected by using them.

Each test of a feature takes one or two pages of memory, and frees them.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
from collections.abc import Callable, Iterator
from typing import NamedTuple

import mmap_wrap
from mmap_wrap import _ffi, raw

from .terminal import human

READ_WRITE = mmap_wrap.PROT_READ | mmap_wrap.PROT_WRITE
REST = raw.MMAP_WRAP_REST


class Finding(NamedTuple):
    """One line of output: what it is about, its status ("ok", "missing" or "low"), its value, and a note."""

    group: str
    name: str
    status: str
    value: int | str | None
    note: str = ""
    unit: str | None = None

    @property
    def text(self) -> str:
        """The value as text, with a unit for bytes."""
        if self.value is None:
            return ""
        return human(self.value) if isinstance(self.value, int) and self.unit == "bytes" else str(self.value)


def examine() -> Iterator[Finding]:
    """All findings, in the order of the output."""
    yield from _library()
    yield from _kernel()
    yield from _features()
    yield from _signals()
    yield from _limits()


def _library() -> Iterator[Finding]:
    path = os.environ.get("MMAP_WRAP_LIBRARY") or _ffi.BUNDLED
    yield Finding("library", "path", "ok", path)
    yield Finding("library", "version", "ok", mmap_wrap.__version__)
    yield Finding("library", "ABI number", "ok", raw.mmap_wrap_abi_version())
    yield Finding("library", "Python", "ok", platform.python_version())


def _kernel() -> Iterator[Finding]:
    yield Finding("kernel", "release", "ok", f"{platform.system()} {platform.release()} {platform.machine()}")
    yield Finding("kernel", "page size", "ok", raw.mmap_wrap_page_size(), unit="bytes")
    yield _transparent_huge_pages()
    yield from _huge_page_pools()
    policies = {
        str(_constant("OVERCOMMIT_GUESS")): "obvious excess fails",
        str(_constant("OVERCOMMIT_ALWAYS")): "no mapping fails; if memory runs out, a process is killed",
        str(_constant("OVERCOMMIT_NEVER")): "writable private memory counts when it is mapped",
    }
    policy = _read("/proc/sys/vm/overcommit_memory")
    yield Finding("kernel", "vm.overcommit_memory", "ok" if policy else "missing", policy, policies.get(policy, ""))


def _transparent_huge_pages() -> Finding:
    size, name = raw.mmap_wrap_huge_page_size(), "transparent huge pages"
    policy = _read("/sys/kernel/mm/transparent_hugepage/enabled")
    if size < 0:
        return Finding("kernel", name, "missing", None, "this kernel is built without them")
    if "[never]" in policy:
        advice = "switched off: write madvise to /sys/kernel/mm/transparent_hugepage/enabled"
        return Finding("kernel", name, "missing", size, advice, "bytes")
    note = "used after MADV_HUGEPAGE" if "[madvise]" in policy else "used wherever they fit"
    return Finding("kernel", name, "ok", size, note, "bytes")


def _huge_page_pools() -> Iterator[Finding]:
    folder = "/sys/kernel/mm/hugepages"
    pools = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    if not pools:
        yield Finding("kernel", "huge page pool", "missing", None, "this kernel has no pages for MAP_HUGETLB")
    for pool in pools:
        size = human(int(pool.partition("-")[2].rstrip("kB")) * 1024)
        total, free = (int(_read(f"{folder}/{pool}/{file}") or 0) for file in ("nr_hugepages", "free_hugepages"))
        advice = f"for MAP_HUGETLB, write their number to {folder}/{pool}/nr_hugepages"
        note = f"{free} of them free" if total else advice
        yield Finding("kernel", f"huge page pool, {size}", "ok" if total else "missing", total, note, "pages")


def _constant(name: str) -> int:
    """The value of the constant; a number that is invalid in every call if this platform lacks it."""
    return int(getattr(mmap_wrap, name, 0x7FFF_FFFF))


def _memory(flags: int | None = None) -> int:
    kind = mmap_wrap.MAP_PRIVATE if flags is None else flags
    return int(raw.mmap_wrap(None, raw.mmap_wrap_page_size(), READ_WRITE, mmap_wrap.MAP_ANONYMOUS | kind, -1, 0))


def _memory_file(flags: int = 0) -> int:
    # Two pages, so that one of them can get another protection.
    size = 2 * raw.mmap_wrap_page_size()
    return int(raw.mmap_memfd_wrap(b"mmap-wrap doctor", flags, size, READ_WRITE, mmap_wrap.MAP_SHARED))


def _cachestat(handle: int) -> int:
    cache = raw.Cachestat()
    return int(raw.cachestat_wrap(handle, ctypes.byref(cache), ctypes.sizeof(cache), 0, REST))


def _advise(advice: str) -> Callable[[int], int]:
    return lambda handle: raw.madvise_wrap(handle, _constant(advice), 0, REST)


def _move_pages(handle: int) -> int:
    flags = mmap_wrap.MREMAP_MAYMOVE | _constant("MREMAP_DONTUNMAP")
    moved = int(raw.mremap_wrap(handle, raw.mmap_wrap_page_size(), flags, None, 0))
    return moved if moved < 0 else int(raw.munmap_wrap(moved))


def _node(handle: int) -> int:
    raw.mmap_wrap_fill(handle, 0, 1, 1)
    return int(raw.mmap_wrap_numa_node(handle, 0))


def _load(handle: int) -> int:
    return int(raw.mmap_wrap_atomic_load(handle, 32, 0, ctypes.byref(ctypes.c_int64())))


class Feature(NamedTuple):
    """A feature that not every kernel has: its purpose, what it needs, and two calls that test it: map, and use."""

    name: str
    purpose: str
    needs: str
    memory: Callable[[], int]
    trial: Callable[[int], int] = abs  # no further call: making the mapping is the test


FEATURES = (
    Feature("memory files", "files without a name, with seals", "Linux 3.17", _memory_file),
    Feature(
        "MFD_NOEXEC_SEAL",
        "memory files that can never be executed",
        "Linux 6.3",
        lambda: _memory_file(_constant("MFD_NOEXEC_SEAL")),
    ),
    Feature(
        "secret memory",
        "memory that is inaccessible to the kernel",
        "Linux 5.14",
        lambda: raw.mmap_secret_wrap(1, READ_WRITE),
    ),
    Feature("cachestat", "statistics of the page cache", "Linux 6.5", _memory_file, _cachestat),
    Feature(
        "MADV_POPULATE_READ", "faults in pages with one call", "Linux 5.14", _memory, _advise("MADV_POPULATE_READ")
    ),
    Feature("MADV_PAGEOUT", "moves private pages to swap at once", "Linux 5.4", _memory, _advise("MADV_PAGEOUT")),
    Feature("MADV_WIPEONFORK", "memory that is zeroed in a child", "Linux 4.14", _memory, _advise("MADV_WIPEONFORK")),
    Feature(
        "guard regions", "guards that do not split the mapping", "Linux 6.13", _memory, _advise("MADV_GUARD_INSTALL")
    ),
    Feature(
        "guards in files", "guard regions in mapped files", "Linux 6.15", _memory_file, _advise("MADV_GUARD_INSTALL")
    ),
    # A sealed mapping stays until the process ends: one page.
    Feature(
        "mseal",
        "mappings that cannot be changed",
        "Linux 6.10 with 64 bits",
        _memory,
        lambda handle: raw.mseal_wrap(handle, 0, REST),
    ),
    Feature(
        "MAP_DROPPABLE",
        "memory that the kernel may discard",
        "Linux 6.11",
        lambda: _memory(_constant("MAP_DROPPABLE")),
    ),
    Feature("MREMAP_DONTUNMAP", "moves the pages out of a mapping", "Linux 5.7", _memory, _move_pages),
    Feature(
        "names of memory",
        "[anon:name] in /proc/PID/maps",
        "Linux 5.17 with CONFIG_ANON_VMA_NAME",
        _memory,
        lambda handle: raw.mmap_wrap_set_name(handle, b"mmap-wrap doctor"),
    ),
    Feature(
        "MLOCK_ONFAULT",
        "locks pages at the first access",
        "Linux 4.4, and RLIMIT_MEMLOCK below",
        _memory,
        lambda handle: raw.mlock_wrap(handle, _constant("MLOCK_ONFAULT"), 0, REST),
    ),
    Feature("NUMA nodes", "the node of each page", "a kernel with CONFIG_NUMA", _memory, _node),
    Feature("atomic words", "atomic operations on shared words", "x86-64 or arm64", _memory, _load),
)


def _features() -> Iterator[Finding]:
    for feature in FEATURES:
        failure = _failure(feature.memory, feature.trial)
        if failure is None:
            yield Finding("features", feature.name, "ok", None, feature.purpose)
        else:
            note = f"{feature.purpose}; needs {feature.needs}: {failure}"
            yield Finding("features", feature.name, "missing", None, note)


def _failure(memory: Callable[[], int], trial: Callable[[int], int]) -> str | None:
    """The library's message if the feature is missing; None if it works."""
    handle = memory()
    code = trial(handle) if handle > 0 else handle
    # Before unmapping, which fails for a sealed mapping and replaces the message.
    failure = None if code >= 0 else raw.mmap_wrap_last_error_message().decode(errors="replace")
    if handle > 0:
        raw.munmap_wrap(handle)
    return failure


def _signals() -> Iterator[Finding]:
    handled = raw.mmap_wrap_verify_handlers() == 1
    for name, purpose in _SIGNALS:
        if handled:
            yield Finding("signals", name, "ok", "handled by the library", purpose)
        else:
            note = f"{purpose} only if the library handles both signals; see docs/safety.md"
            yield Finding("signals", name, "missing", "handled elsewhere, or blocked", note)


_SIGNALS = (
    ("SIGBUS", "views survive a truncated file"),
    ("SIGSEGV", "accesses without system calls"),
)


def _limits() -> Iterator[Finding]:
    yield from _shared_memory()

    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    unlimited = resource.RLIM_INFINITY
    # 8 MiB is the default from Linux 5.16 on.
    low = soft != unlimited and soft < 8 << 20
    note = f"for locked and secret memory; at most {'unlimited' if hard == unlimited else human(hard)}"
    note += ": raise it with ulimit -l, or LimitMEMLOCK= of the service" if low else ""
    value = "unlimited" if soft == unlimited else soft
    yield Finding("limits", "RLIMIT_MEMLOCK", "low" if low else "ok", value, note, "bytes")

    most = int(_read("/proc/sys/vm/max_map_count") or 0)
    used = len(_read("/proc/self/maps").splitlines())
    # 65530 is the default.
    low = most < 65530 or used > most * 4 // 5
    note = f"{used} used by this process" + ("; raise it with sysctl vm.max_map_count" if low else "")
    yield Finding("limits", "vm.max_map_count", "low" if low else "ok", most, note)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    low = soft < 256
    note = f"for mappings that keep their file; at most {hard}" + (": raise it with ulimit -n" if low else "")
    yield Finding("limits", "RLIMIT_NOFILE", "low" if low else "ok", soft, note)

    most = int(_read("/proc/sys/fs/nr_open") or 0)
    yield Finding("limits", "fs.nr_open", "ok" if most else "missing", most, "no process has a higher RLIMIT_NOFILE")


SHARED_MEMORY = "/dev/shm"


def _shared_memory() -> Iterator[Finding]:
    """The size and the free space of the file system of named shared memory."""
    try:
        room = os.statvfs(SHARED_MEMORY)
    except OSError as error:
        yield Finding("limits", SHARED_MEMORY, "missing", None, f"no named shared memory: {error.strerror}")
        return
    size, free = room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize
    # 64 MiB is the default in containers.
    low = size <= 64 << 20 or free < size // 10
    note = "for named shared memory; by default half of the memory, and 64 MiB in a container"
    note += f": raise it with mount -o remount,size= {SHARED_MEMORY}, or docker run --shm-size" if low else ""
    yield Finding("limits", SHARED_MEMORY, "low" if low else "ok", size, note, "bytes")
    yield Finding(
        "limits",
        f"{SHARED_MEMORY}, free",
        "low" if low else "ok",
        free,
        "beyond it: ENOSPC, or SIGBUS",
        "bytes",
    )


def _read(path: str) -> str:
    """The contents of a file of /proc or /sys; empty if it cannot be read."""
    try:
        with open(path, errors="surrogateescape") as file:
            return file.read().strip()
    except OSError:
        return ""
