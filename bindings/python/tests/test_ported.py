"""The tests of other languages' mmap bindings, ported."""

import gc
import os
import random
import struct

import pytest
from conftest import is_mapped, message_of

import mmap_wrap as mmap


def test_a_forked_child_reads_what_its_parent_writes_into_shared_memory():
    count = 1024
    memory = mmap.mmap(-1, 4 * count)
    ready, written = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(ready, 1)
        numbers = struct.unpack(f"{count}I", memory[:])
        os._exit(0 if numbers == tuple(range(count)) else 1)
    for number in range(count):
        memory[4 * number : 4 * number + 4] = struct.pack("I", number)
    os.write(written, b"!")
    _, status = os.waitpid(child, 0)
    os.close(ready)
    os.close(written)
    assert os.WEXITSTATUS(status) == 0
    assert not os.WIFSIGNALED(status)


def test_a_page_of_random_bytes_is_read_overwritten_synced_and_restored(tmp_path):
    original, other = (random.Random(seed).randbytes(mmap.PAGESIZE) for seed in (1, 2))
    path = tmp_path / "random"
    path.write_bytes(original)
    with mmap.map_path(path) as m:
        assert [m[i] for i in range(len(m))] == list(original)
        m[:] = other
        m.flush()
        assert path.read_bytes() == other
        m[:] = original
    assert not is_mapped(path)
    assert path.read_bytes() == original


def test_a_mapping_neither_shared_nor_private_is_an_error(text_file):
    with pytest.raises(OSError, match="Invalid argument") as caught:
        mmap.mmap(-1, 4096, flags=0)
    assert "neither MAP_SHARED (0x1) nor MAP_PRIVATE (0x2)" in message_of(caught.value)
    with pytest.raises(mmap.ArgumentError, match="neither MAP_SHARED"):
        mmap.map_path(text_file, flags=0)


def test_closing_twice_has_no_effect():
    m = mmap.mmap(-1, 4096)
    m.close()
    m.close()
    assert m.closed


@pytest.mark.parametrize(
    ("offset", "size", "message"),
    [
        (12288, 1, "offset 12288 lies beyond 8192 byte mapping"),
        (4096, 2**63 - 1, "size 9223372036854775807 from offset 4096 wraps around the largest offset"),
        (4096, 8192, "size 8192 from offset 4096 extends beyond 8192 byte mapping"),
        (-1, 1, "offset -1 is negative"),
        (0, -1, "size -1 is negative"),
    ],
)
def test_a_range_outside_the_mapping_is_an_error_with_its_numbers(offset, size, message):
    m = mmap.mmap(-1, 8192)
    with pytest.raises(ValueError, match=rf"^mmap\.protect: {message}$"):
        m.protect(mmap.PROT_NONE, offset, size)
    with pytest.raises(ValueError, match=message):
        m.view("u1", offset, size)
    m[:] = b"x" * 8192
    assert m[:] == b"x" * 8192


def test_an_empty_range_at_the_end_is_valid():
    m = mmap.mmap(-1, 8192)
    m.protect(mmap.PROT_NONE, 8192, 0)
    m.flush(8192, 0)
    assert len(m.view("u1", 8192, 0)) == 0
    m[8191] = 1


def test_dropping_the_last_reference_unmaps(text_file):
    m = mmap.map_path(text_file)
    assert is_mapped(text_file)
    del m
    assert not is_mapped(text_file)


def test_a_map_in_a_reference_cycle_is_unmapped_by_the_collector(text_file, collected_when_asked):
    class Holder:
        pass

    holder = Holder()
    holder.itself = holder
    holder.map = mmap.map_path(text_file)
    del holder
    assert is_mapped(text_file)
    gc.collect()
    assert not is_mapped(text_file)


def test_the_last_of_4096_anonymous_shared_bytes_is_set_and_read_back():
    m = mmap.mmap(-1, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    m[4095] = 0xFF
    assert m[4095] == 0xFF
    m.close()
    assert m.closed


def test_a_whole_file_is_mapped_by_path_without_a_length(text_file):
    with mmap.map_path(text_file, prot=mmap.PROT_READ) as m:
        assert len(m) == os.path.getsize(text_file)
        assert m[:].decode() == text_file.read_text()


@pytest.mark.parametrize("trackfd", [True, False])
def test_the_descriptor_may_be_closed_after_mapping(text_file, trackfd):
    fd = os.open(text_file, os.O_RDONLY)
    m = mmap.mmap(fd, 0, prot=mmap.PROT_READ, trackfd=trackfd)
    os.close(fd)
    assert m[:].decode() == text_file.read_text()
