"""Programs written for the standard library's mmap. They are checked as they are, and with `mmap_wrap` in its place."""

from __future__ import annotations

import mmap
import os
import re
import struct
from typing import BinaryIO


def count_lines(path: str) -> int:
    lines = 0
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as m:
        while m.readline():
            lines += 1
    return lines


def first_number(m: mmap.mmap) -> int | None:
    found = re.search(rb"\d+", m)
    return int(found[0]) if found else None


def header(m: mmap.mmap) -> tuple[bytes, int, int]:
    magic, version = struct.unpack_from("<4sI", m, 0)
    assert isinstance(magic, bytes)
    assert isinstance(version, int)
    return magic, version, m[8]


def patch(m: mmap.mmap, old: bytes, new: bytes) -> int:
    place = m.find(old, 0, len(m))
    while place != -1:
        m[place : place + len(old)] = new
        place = m.find(old, place + len(new))
    m.flush()
    m.flush(0, mmap.PAGESIZE)
    return m.rfind(new)


def shared_counter() -> mmap.mmap:
    m = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE)
    m[0] = 255
    m[-1] = m[0]
    m[1:3] = bytearray(2)
    return m


def file_like(m: mmap.mmap, file: BinaryIO) -> int:
    m.seek(-1, os.SEEK_END)
    m.seek(0)
    m.write_byte(1)
    written: int = m.write(memoryview(b"two"))
    m.move(4, 0, 4)
    m.resize(m.size() * 2)
    file.write(m)
    file.write(m.read(4) + m.read() + bytes([m.read_byte()]))
    return written + m.tell()


def window(file: BinaryIO) -> memoryview:
    m = mmap.mmap(file.fileno(), length=4096, offset=mmap.ALLOCATIONGRANULARITY, prot=mmap.PROT_READ)
    if not m.closed and b"\0" in m:
        return memoryview(m)[100:200]
    m.close()
    raise ValueError("closed")


class Log(mmap.mmap):
    def tail(self, size: int) -> bytes:
        return self[-size:]


def last(fd: int) -> bytes:
    with Log(fd, 0) as log:
        return log.tail(80)
