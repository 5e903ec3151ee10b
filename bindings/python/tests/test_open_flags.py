"""Flags that contradict a mode, element kinds, impossible sizes, and the members of info: an error, or documented."""

import errno
import math
import os
import struct
import sys
from pathlib import Path

import pytest
from conftest import message_of

import mmap_wrap as mmap
from mmap_wrap import _open, raw

SHARED, PRIVATE = mmap.MAP_SHARED, mmap.MAP_PRIVATE


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"original")
    return path


def is_private(m):
    return m.info().flags & (SHARED | PRIVATE) == PRIVATE


@pytest.mark.parametrize("mode", ["r+", "a+", "w+", "x+"])
def test_a_shared_mode_with_map_private_is_an_error(path, tmp_path, mode):
    place = tmp_path / "new" if mode == "x+" else path
    with pytest.raises(mmap.ArgumentError, match=rf"0x2 have MAP_PRIVATE, but mode '{mode[0]}\+' means MAP_SHARED"):
        mmap.open(place, mode, flags=PRIVATE)
    # No file was created, emptied or changed.
    assert (path.read_bytes(), (tmp_path / "new").exists()) == (b"original", False)
    assert not is_private(mmap.open(place, mode, size=8, flags=SHARED | mmap.MAP_POPULATE))


def test_a_private_mode_with_map_shared_is_an_error(path):
    with pytest.raises(mmap.ArgumentError, match="flags 0x1 have MAP_SHARED, but mode 'c' means MAP_PRIVATE"):
        mmap.open(path, "c", flags=SHARED)
    assert is_private(mmap.open(path, "c", flags=PRIVATE))


def test_a_map_for_reading_may_be_private(path):
    m = mmap.open(path, flags=PRIVATE)
    assert (is_private(m), m[:]) == (True, b"original")
    assert "access=ACCESS_READ" in repr(m)
    with pytest.raises(TypeError, match="readonly"):
        m[0] = 1
    assert not is_private(mmap.open(path))


def test_shared_memory_with_map_private_is_an_error():
    name = f"/mmap-wrap-test-{os.getpid()}-flags"
    with pytest.raises(mmap.ArgumentError, match=r"^\[Errno 22\] mmap_wrap.shared_memory: flags 0x2 have MAP_PRIVATE"):
        mmap.shared_memory(name, 10, flags=PRIVATE)
    with pytest.raises(FileNotFoundError):
        mmap.unlink_shared_memory(name)


def test_anonymous_memory_with_a_contradicting_flag_is_an_error():
    for flags, shared in ((SHARED, False), (PRIVATE, True), (SHARED | PRIVATE, False), (SHARED | PRIVATE, True)):
        with pytest.raises(mmap.ArgumentError, match=f"anonymous: flags {flags:#x} have MAP_"):
            mmap.anonymous(10, flags=flags, shared=shared)
    assert is_private(mmap.anonymous(10, flags=PRIVATE))
    assert not is_private(mmap.anonymous(10, flags=SHARED, shared=True))


def test_map_shared_with_map_private_is_an_error(path):
    with open(path, "r+b") as file:
        calls = {
            "mmap": lambda flags: mmap.mmap(file.fileno(), 0, flags),
            "open": lambda flags: mmap.open(path, "r+", flags=flags),
            "map_path": lambda flags: mmap.map_path(path, 0, flags),
        }
        for name, call in calls.items():
            for flags in (SHARED | PRIVATE, SHARED | PRIVATE | mmap.MAP_POPULATE):
                with pytest.raises(mmap.ArgumentError, match=f"{name}: flags {flags:#x} have both MAP_SHARED"):
                    call(flags)
            # MAP_SHARED_VALIDATE with its own flags is passed to the kernel.
            try:
                call(mmap.MAP_SHARED_VALIDATE | mmap.MAP_SYNC).close()
            except OSError as error:
                if error.errno != errno.EOPNOTSUPP:
                    raise


def test_half_precision_is_an_element_kind():
    m = mmap.anonymous(4096)
    for number in (0.0, -0.0, 1.5, -65504.0, 5.960464477539063e-08, math.inf):
        for kind, form in (("f2", "=e"), ("<f2", "<e"), (">f2", ">e"), ("=f2", "=e")):
            m.put(kind, 3, number)
            assert m[3:5] == struct.pack(form, number)
            assert math.copysign(1, m.get(kind, 3)) == math.copysign(1, number)
            assert m.get(kind, 3) == number
    m.put("f2", 0, math.nan)
    assert math.isnan(m.get("f2", 0))
    m.put("f2", 0, 7)
    assert type(m.get("f2", 0)) is float
    with pytest.raises(OverflowError, match=r"put: 1000000\.0 does not fit 'f2'"):
        m.put("f2", 0, 1e6)
    for wrong in ("1", None, b"1"):
        with pytest.raises(TypeError):
            m.put("f2", 0, wrong)
    for offset in (-1, 4095, 4096):
        with pytest.raises(ValueError, match="offset"):
            m.get("f2", offset)
        with pytest.raises(ValueError, match="offset"):
            m.put("f2", offset, 1)
    if sys.version_info < (3, 12):
        with pytest.raises(mmap.ArgumentError, match=r"before Python 3\.12: use array or get"):
            m.view("f2")
    else:
        with m.view("f2", 2, 3) as view:
            view[1] = 2.5
            assert view.tolist() == [0.0, 2.5, 0.0]
        assert m.get("f2", 4) == 2.5


@pytest.mark.parametrize("make", [mmap.anonymous, mmap.memfd])
def test_an_unsupported_huge_page_size_is_an_error_with_the_supported_sizes(make, monkeypatch, tmp_path):
    with pytest.raises(mmap.ArgumentError, match=r"huge=3 is not a page size: it must be a power of two"):
        make(1 << 21, huge=3)
    for kibibytes in (2048, 1048576):
        (tmp_path / f"hugepages-{kibibytes}kB").mkdir()
    monkeypatch.setattr(_open, "_HUGE_SIZES", str(tmp_path))
    for size in (1 << 12, 1 << 14, 1 << 40):
        with pytest.raises(mmap.ArgumentError, match=f"huge={size}: .*kernel, in bytes: 2097152, 1073741824$"):
            make(1 << 21, huge=size)


def test_a_size_that_hugetlbfs_cannot_have_is_an_error_with_its_page_size(tmp_path):
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    mount = next((place for _, place, kind, *_ in mounts if kind == "hugetlbfs"), None)
    if mount is None or not os.access(mount, os.W_OK):
        pytest.skip("no hugetlbfs is mounted where this user may write")
    path = os.path.join(mount, f"mmap-wrap-test-{os.getpid()}")
    with pytest.raises(mmap.ArgumentError, match=r"open: size 100 is not a multiple of \d+, the page size") as caught:
        mmap.open(path, "x+", size=100)
    assert caught.value.filename == path
    assert not os.path.exists(path)


def test_info_and_cachestat_show_their_members():
    m = mmap.memfd(100)
    shown = repr(m.info())
    assert shown.startswith("Info(length=100, mapped=")
    assert all(f"{name}={getattr(m.info(), name)}" in shown for name, _ in raw.Info._fields_)
    assert repr(raw.Cachestat(cached=4096, dirty=1)) == (
        "Cachestat(cached=4096, dirty=1, writeback=0, evicted=0, recently_evicted=0)"
    )


def test_an_error_has_its_note_in_every_version():
    with pytest.raises(OSError, match="Invalid argument") as caught:
        mmap.mmap(-1, 0)
    assert message_of(caught.value).count("\n") == 1


def test_no_message_has_a_number_that_the_caller_did_not_pass(path):
    """Messages have no names and bits of the C interface that Python programs do not use."""
    with open(path, "r+b") as file:
        calls = [
            (lambda: mmap.mmap(file.fileno(), 0, flags=0), "mmap: flags 0x0 have neither"),
            (lambda: mmap.mmap(file.fileno(), 0, flags=mmap.MAP_POPULATE), "mmap: flags 0x8000 have neither"),
            (lambda: mmap.map_path(path, flags=0), "flags 0x0 have neither"),
            (lambda: mmap.map_path(path).dup_fd(), "keeps no file open"),
            (lambda: mmap.map_path(path).remap(), "keeps no file open"),
            (lambda: mmap.map_path(path).remap(8192), "beyond the 8 bytes of the file"),
        ]
        for mode in ("r", "r+", "c", "a+"):
            words = "flags 0x20 have MAP_ANONYMOUS, but a file is mapped"
            calls.append((lambda mode=mode: mmap.open(path, mode, flags=mmap.MAP_ANONYMOUS), f"open: {words}"))
        words = "mmap_wrap.shared_memory: flags 0x20 have MAP_ANONYMOUS"
        calls.append((lambda: mmap.shared_memory(f"/mmap-wrap-test-{os.getpid()}", 1, flags=mmap.MAP_ANONYMOUS), words))
        for call, words in calls:
            with pytest.raises((OSError, ValueError)) as caught:
                call()
            assert words in message_of(caught.value)
            assert "MMAP_WRAP" not in message_of(caught.value)
            assert "in C" not in message_of(caught.value)
