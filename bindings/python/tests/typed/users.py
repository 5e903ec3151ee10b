"""What users of mmap_wrap write, and the type that each expression has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

from typing_extensions import Buffer

import mmap_wrap as mmap
from mmap_wrap import raw
from mmap_wrap.typing import FloatKind, IntegerKind, Kind, Mode


def take(buffer: Buffer) -> int:
    return memoryview(buffer).nbytes


def bytes_of_a_map(m: mmap.mmap) -> None:
    assert_type(m[0], int)
    assert_type(m[0:4], bytes)
    assert_type(len(m), int)
    assert_type(list(m), "list[bytes]")
    assert_type(next(reversed(m)), bytes)
    m[0] = 1
    m[0:4] = b"four"
    m[0:4] = m.view("u4", 0, 1)
    take(m)
    take(m.view("f8"))
    assert_type(b"x" in m, bool)
    assert_type(m.find(b"x"), int)
    assert_type(m.rfind(bytearray(b"x"), 0, None), int)
    assert_type(m.count(b"x"), int)
    assert_type(m.lines(), Iterator[bytes])
    assert_type(m.read(4), bytes)
    assert_type(m.closed, bool)
    assert_type(m.copy_from(m, 0, 4, 4), int)
    assert_type(m.compare(m), int)


def constants() -> None:
    assert_type(mmap.PROT_READ | mmap.PROT_WRITE, int)
    assert_type(mmap.MADV_DONTNEED, int)
    # Constants of other platforms: access to one that is missing raises AttributeError.
    assert_type(mmap.MAP_JIT, int)
    assert_type(mmap.MADV_PROTECT if hasattr(mmap, "MADV_PROTECT") else 0, int)
    assert_type(mmap.ACCESS_COPY, int)
    assert_type(mmap.PAGESIZE, int)


def beginnings(path: Path, mode: Mode) -> None:
    assert_type(mmap.open(path), mmap.mmap)
    assert_type(mmap.open(os.fsencode(path), "r+", size=4096, allocate=True), mmap.mmap)
    assert_type(mmap.open(str(path), mode), mmap.mmap)
    assert_type(mmap.map_path(path, prot=mmap.PROT_READ), mmap.mmap)
    assert_type(mmap.shared_memory("/name", 4096, "x+"), mmap.mmap)
    assert_type(mmap.anonymous(4096, huge=1 << 21), mmap.mmap)
    assert_type(mmap.memfd(4096), mmap.mmap)
    with mmap.secret(32) as key:
        assert_type(key, mmap.mmap)


def numbers(m: mmap.mmap, integer: IntegerKind, real: FloatKind, either: Kind) -> None:
    assert_type(m.view(), "memoryview[int]")
    assert_type(m.view("<u4", 8, 2)[0], int)
    assert_type(m.view("f8")[0], float)
    assert_type(m.view(integer).tolist(), "list[int]")
    assert_type(m.get(">u2", 0), int)
    assert_type(m.get("f4", 0), float)
    assert_type(m.get(real, 0), float)
    assert_type(m.get(either, 0), "int | float")
    m.put("u8", 0, 7)
    m.put("f8", 0, 1.5)
    m.put("f8", 0, 1)


def words(m: mmap.mmap) -> None:
    assert_type(m.atomic_load(0), int)
    m.atomic_store(0, 1, 32)
    assert_type(m.atomic_add(0, 1), int)
    assert_type(m.atomic_exchange(0, 1, bits=32), int)
    assert_type(m.atomic_compare_exchange(0, 0, 1), "tuple[bool, int]")
    assert_type(m.wait(0, 0, timeout=0.5), bool)
    assert_type(m.wake(0), int)


def pages(m: mmap.mmap) -> None:
    m.protect(mmap.PROT_NONE, 4096, 4096)
    m.lock(on_fault=True)
    assert_type(m.residency(), bytes)
    assert_type(m.resident_bytes(), int)
    assert_type(m.cachestat(), raw.Cachestat)
    assert_type(m.cachestat().dirty, int)
    assert_type(m.info().address, int)
    assert_type(m.prefault(writing=True), int)
    assert_type(m.file_seals(), int)
    m.mbind(mmap.MPOL_BIND, {0, 1})


class Table(mmap.mmap):
    def row(self, number: int) -> bytes:
        return self[number * 16 : (number + 1) * 16]


def subclasses(fd: int) -> None:
    with Table(fd, 4096) as table:
        assert_type(table, Table)
        assert_type(table.row(1), bytes)
        assert_type(table.split(4096), Table)


def errors(m: mmap.mmap) -> int | None:
    try:
        m[0] = 1
    except mmap.FaultError as error:
        return error.errno
    except mmap.SealedError as error:
        permission: PermissionError = error
        raise permission from None
    except mmap.ArgumentError as error:
        value: ValueError = error
        raise value from None
    except mmap.error as error:
        assert_type(error, OSError)
    return None


def calls_of_the_library(handle: int) -> None:
    assert_type(raw.check(raw.munmap_wrap(handle)), int)
    assert_type(raw.mmap_wrap_last_error_message(), bytes)
    assert_type(raw.mmap_wrap_address(handle), "int | None")
    assert_type(raw.mmap_wrap_get_float(handle, raw.MMAP_WRAP_F64, 0), float)
    assert_type(mmap.raw.mmap_wrap_length(handle), int)
