"""Block devices: the size is that of the device, and an access beyond it is not reported as a truncated file."""

import errno
import os
import subprocess

import pytest
from conftest import PATIENCE

import mmap_wrap as mmap

SIZE = 1 << 20


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    image = tmp_path_factory.mktemp("device") / "image"
    image.write_bytes(b"x" * SIZE)
    try:
        made = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, timeout=PATIENCE)
    except FileNotFoundError:
        pytest.skip("no losetup here: block devices are not tested")
    if made.returncode != 0:
        pytest.skip(f"no loop device can be made, so block devices are not tested: {made.stderr.strip()}")
    path = made.stdout.strip()
    yield path
    subprocess.run(["losetup", "--detach", path], timeout=PATIENCE, check=True)


def test_a_block_device_is_mapped_whole(device):
    with mmap.open(device) as m:
        assert (len(m), m.size(), m[SIZE - 1]) == (SIZE, SIZE, ord("x"))
    with mmap.map_path(device, prot=mmap.PROT_READ, offset=4096) as m:
        assert len(m) == SIZE - 4096


@pytest.mark.parametrize("how", [{"prot": mmap.PROT_READ}, {"access": mmap.ACCESS_READ}, {"access": mmap.ACCESS_COPY}])
def test_length_0_of_a_descriptor_maps_all_of_it(device, how):
    descriptor = os.open(device, os.O_RDONLY)
    try:
        with mmap.mmap(descriptor, 0, **how) as m:
            assert (len(m), m.size()) == (SIZE, SIZE)
        with mmap.mmap(descriptor, 0, **how, offset=4096) as m:
            assert len(m) == SIZE - 4096
    finally:
        os.close(descriptor)


def test_an_access_beyond_its_end_is_not_reported_as_truncation(device):
    with mmap.open(device, length=2 * SIZE) as m:
        assert m[SIZE - 1] == ord("x")
        with pytest.raises(mmap.FaultError) as caught:
            m[SIZE]
    assert "truncated" not in str(caught.value)
    assert str(SIZE) in str(caught.value)


def test_a_device_without_a_size_needs_a_length():
    descriptor = os.open("/dev/zero", os.O_RDWR)
    try:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the message is checked below
            mmap.mmap(descriptor, 0)
    finally:
        os.close(descriptor)
    # The standard library's message, and the library's as a note.
    message = " ".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert caught.value.errno == errno.EINVAL
    assert "give the length in bytes" in message
    assert "MMAP_WRAP" not in message
