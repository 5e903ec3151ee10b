"""Files that cannot be mapped shared: for reading, a private mapping has the same bytes."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PATIENCE, unmount

import mmap_wrap as mmap

SYSFS = Path("/sys/kernel/btf/vmlinux")


@pytest.fixture(params=["sysfs", "fuse"])
def file(request, tmp_path):
    """The path of a file that cannot be mapped shared, and its bytes."""
    if request.param == "sysfs":
        try:
            contents = SYSFS.read_bytes()
        except OSError as error:
            pytest.skip(f"no file of sysfs to test with: {error}")
        yield SYSFS, contents
        return
    server = Path(__file__).with_name("fuse_direct_io.py")
    with subprocess.Popen([sys.executable, server, tmp_path], stdout=-1, stderr=-1, text=True) as process:
        try:
            if process.stdout.readline() != "mounted\n":
                pytest.skip(f"FUSE cannot be mounted: {process.stderr.read().splitlines()[-1]}")
            yield tmp_path / "file", b"one two three\n" * 1000
        finally:
            unmount(tmp_path)
            process.kill()


def without_shared_maps(path):
    with pytest.raises(OSError, match="cannot be mapped shared") as caught:
        mmap.map_path(path, prot=mmap.PROT_READ)
    assert caught.value.errno in (errno.EACCES, errno.ENODEV, errno.EINVAL)


def test_reading_maps_it_privately(file):
    path, contents = file
    with path.open("rb") as opened:
        maps = mmap.open(path), mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        private = mmap.map_path(path, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
    except OSError as error:
        pytest.skip(f"this kernel maps {path} in no way: {error}")
    private.close()
    without_shared_maps(path)
    for m in maps:
        assert m[:] == contents
        assert m.info().flags & (mmap.MAP_SHARED | mmap.MAP_PRIVATE) == mmap.MAP_PRIVATE
        m.close()


def test_a_shared_mapping_is_an_error_with_a_remedy(file):
    path, _ = file
    with path.open("rb") as opened, pytest.raises(OSError, match="MAP_PRIVATE maps it"):
        mmap.mmap(opened.fileno(), 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)


@pytest.mark.parametrize("command", [[], ["warm"], ["evict"]])
def test_the_command_line_accepts_it(file, command):
    path, contents = file
    if not command and os.geteuid() != 0:
        pytest.skip(f"the kernel reports only to the owner of {path} which pages are in memory")
    process = subprocess.run(
        [sys.executable, "-m", "mmap_wrap", *command, path], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert str(len(contents)) in process.stdout.split("\t")


def test_other_files_are_mapped_shared(text_file):
    for m in (mmap.open(text_file), mmap.map_path(text_file, prot=mmap.PROT_READ)):
        assert m.info().flags & (mmap.MAP_SHARED | mmap.MAP_PRIVATE) == mmap.MAP_SHARED
        m.close()


def test_it_cannot_be_made_writable(file):
    path, contents = file
    with mmap.open(path) as m:
        with pytest.raises(PermissionError):
            m.protect(mmap.PROT_READ | mmap.PROT_WRITE)
        assert m[:] == contents
        m.protect(mmap.PROT_NONE)
        m.protect(mmap.PROT_READ)
