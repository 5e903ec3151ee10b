"""Each access touches memory exactly once: a hardware breakpoint counts the reads and writes."""

import ctypes
import os
import platform
import struct
from contextlib import contextmanager

import pytest

import mmap_wrap as mmap

NUMBERS = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "s390x": 331, "ppc64le": 319}
BREAKPOINT, READ_OR_WRITE = 5, 3
EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 1 << 5, 1 << 6


def breakpoint_at(address, size):
    """A descriptor that counts this thread's accesses to the bytes, including the kernel's if that is permitted."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    for excluded in (EXCLUDE_HYPERVISOR, EXCLUDE_HYPERVISOR | EXCLUDE_KERNEL):
        # struct perf_event_attr, perf_event_open(2), in its first version with breakpoints: 80 bytes.
        attributes = struct.pack("=2I4QQ2I2Q", BREAKPOINT, 80, 0, 0, 0, 0, excluded, 0, READ_OR_WRITE, address, size)
        fd = libc.syscall(NUMBERS[platform.machine()], attributes, 0, -1, -1, 8)
        if fd >= 0:
            return fd
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def counted(m, offset, size):
    """Counts the accesses to bytes of a map; yields an object that has the number afterwards."""
    result = []
    try:
        fd = breakpoint_at(m.info().address + offset, size)
    except (OSError, KeyError) as error:
        pytest.skip(f"accesses cannot be counted here by a hardware breakpoint: {error!r}")
    try:
        yield result
        result.append(int.from_bytes(os.read(fd, 8), "little" if struct.pack("=H", 1)[0] else "big"))
    finally:
        os.close(fd)


@pytest.fixture
def m():
    with mmap.anonymous(4096) as made:
        made[:] = bytes(range(256)) * 16
        yield made


def test_breakpoints_count_accesses(m):
    with m.view() as view, counted(m, 64, 1) as count:
        view[64] = view[64]
    assert count == [2]


CALLS = {
    "m[i]": (1, lambda m: m[64]),
    "m[i] = n": (1, lambda m: m.__setitem__(64, 7)),
    "read_byte": (1, lambda m: (m.seek(64), m.read_byte())),
    "write_byte": (1, lambda m: (m.seek(64), m.write_byte(7))),
}
for width in (1, 2, 4, 8):
    CALLS[f"slice of {width}"] = width, lambda m, width=width: m[64 : 64 + width]
    CALLS[f"slice of {width} assigned"] = (
        width,
        lambda m, width=width: m.__setitem__(slice(64, 64 + width), b"x" * width),
    )
    for letter in "iu" if width < 4 else "iuf":
        for order in "<>":
            kind = f"{order}{letter}{width}"
            CALLS[f"get {kind}"] = width, lambda m, kind=kind: m.get(kind, 64)
            CALLS[f"put {kind}"] = width, lambda m, kind=kind: m.put(kind, 64, 7)
for width in (4, 8):
    bits = 8 * width
    CALLS[f"atomic_load {bits}"] = width, lambda m, bits=bits: m.atomic_load(64, bits)
    CALLS[f"atomic_store {bits}"] = width, lambda m, bits=bits: m.atomic_store(64, 7, bits)
    CALLS[f"atomic_add {bits}"] = width, lambda m, bits=bits: m.atomic_add(64, 7, bits)
    CALLS[f"atomic_exchange {bits}"] = width, lambda m, bits=bits: m.atomic_exchange(64, 7, bits)
    CALLS[f"atomic_compare_exchange {bits}"] = width, lambda m, bits=bits: m.atomic_compare_exchange(64, 0, 7, bits)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="elsewhere a change of a word may be two instructions")
@pytest.mark.parametrize("name", CALLS)
def test_each_access_touches_memory_once(m, name):
    width, act = CALLS[name]
    act(m)
    with counted(m, 64, width) as count:
        act(m)
    assert count == [1]


@pytest.mark.parametrize("name", CALLS)
def test_no_neighbouring_byte_is_touched(m, name):
    width, act = CALLS[name]
    with counted(m, 63, 1) as below, counted(m, 64 + width, 1) as above:
        act(m)
    assert (below, above) == ([0], [0])
