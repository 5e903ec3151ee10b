"""Named shared memory: opening it again never destroys the data of other processes."""

import errno
import os
import subprocess
import sys
import threading
import time

import pytest
from conftest import PATIENCE as SECONDS
from conftest import run_well

import mmap_wrap as mmap


@pytest.fixture
def name():
    unique = f"/mmap-wrap-test-{os.getpid()}"
    yield unique
    try:
        mmap.unlink_shared_memory(unique)
    except FileNotFoundError:
        pass


@pytest.mark.parametrize("mode", [None, "a+", "r+"])
def test_opening_with_a_smaller_size_does_not_truncate(name, mode):
    with mmap.shared_memory(name, 1 << 20) as one, one.view() as view:
        view[500_000] = 7
        with mmap.shared_memory(name, 4096, mode) as other:
            assert (len(other), other.size(), one.size()) == (1 << 20, 1 << 20, 1 << 20)
            assert (view[500_000], one[500_000], other[500_000]) == (7, 7, 7)


def test_it_is_truncated_on_request(name):
    mmap.shared_memory(name, 1 << 20).close()
    with mmap.shared_memory(name, 4096, "w+") as one:
        assert one.size() == 4096
        one.resize(100)
        assert one.size() == 100


def test_opening_with_a_larger_size_enlarges_it(name):
    with mmap.shared_memory(name, 4096) as one:
        one[0] = 7
        with mmap.shared_memory(name, 8192) as other:
            assert (len(other), other[0], len(one)) == (8192, 7, 4096)


def test_blocks_are_allocated_only_on_request(name):
    for allocate, blocks in ((False, 0), (True, 1 << 20)):
        with mmap.shared_memory(name, 1 << 20, "x+", allocate=allocate) as m:
            descriptor = m.dup_fd()
            assert os.fstat(descriptor).st_blocks * 512 == blocks
            os.close(descriptor)
        mmap.unlink_shared_memory(name)


@pytest.mark.parametrize("kind", ["shared", "file"])
def test_resizing_allocates_blocks_on_request(kind, name, tmp_path):
    m = mmap.shared_memory(name, 4096, "x+") if kind == "shared" else mmap.open(tmp_path / "file", "x+", size=4096)
    with m:
        for size, allocate in ((1 << 20, False), (2 << 20, True)):
            try:
                m.resize(size, allocate=allocate)
            except OSError as error:
                if error.errno != errno.ENOTSUP:
                    raise
                pytest.skip(f"the file system of {tmp_path} sets no blocks aside: {error}")
            descriptor = m.dup_fd()
            assert (os.fstat(descriptor).st_blocks * 512 >= size) == allocate
            os.close(descriptor)


def test_allocating_blocks_without_a_file_is_an_error():
    with mmap.anonymous(4096) as m:
        with pytest.raises(OSError, match="keeps no file"):
            m.resize(8192, allocate=True)
        assert len(m) == 4096


def test_it_is_never_found_half_made(name):
    script = """
import sys, time
import mmap_wrap as mmap
print("ready", flush=True)
end = time.monotonic() + 2
while time.monotonic() < end:
    with mmap.shared_memory(sys.argv[1], 4096, "x+"):
        mmap.unlink_shared_memory(sys.argv[1])
"""
    with subprocess.Popen([sys.executable, "-c", script, name], stdout=subprocess.PIPE) as maker:
        try:
            assert maker.stdout.readline() == b"ready\n"
            lengths = set()
            while maker.poll() is None:
                try:
                    with mmap.shared_memory(name) as m:
                        lengths.add(len(m))
                except FileNotFoundError:
                    pass
            assert (maker.wait(SECONDS), lengths) == (0, {4096})
        finally:
            maker.kill()


def test_shared_memory_that_another_library_is_creating_is_waited_for(name):
    path = f"/dev/shm{name}"
    if not os.path.isdir("/dev/shm"):
        pytest.skip("no /dev/shm here: shared memory of other makers cannot be made by open")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="pass the size that it is to have") as caught:
        mmap.shared_memory(name)
    assert caught.value.filename == name
    assert time.monotonic() - began >= 1
    for _ in range(10):
        os.truncate(path, 0)
        maker = threading.Timer(0.1, os.truncate, (path, 5000))
        maker.start()
        try:
            length = len(mmap.shared_memory(name))
            break
        except TimeoutError:  # the thread did not run within that second
            pass
        finally:
            maker.join(SECONDS)
    assert length == 5000


def test_many_processes_that_open_it_with_sizes_of_their_own_end_with_the_largest(name):
    script = """
import sys
import mmap_wrap as mmap
for round in range(50):
    with mmap.shared_memory(sys.argv[1] + str(round), int(sys.argv[2])) as m:
        m[int(sys.argv[2]) - 1] = 7
"""
    sizes = [4096, 100_000, 50_000, 1 << 20]
    children = [subprocess.Popen([sys.executable, "-c", script, name, str(size)]) for size in sizes]
    try:
        assert [child.wait(SECONDS) for child in children] == [0] * len(sizes)
        for round_ in range(50):
            with mmap.shared_memory(name + str(round_)) as m:
                assert (len(m), *(m[size - 1] for size in sizes)) == (1 << 20, 7, 7, 7, 7)
    finally:
        for child in children:
            child.kill()
        for round_ in range(50):
            mmap.unlink_shared_memory(name + str(round_))


def test_an_impossible_size_leaves_no_name(name):
    run_well(
        """
import resource, signal, sys
import mmap_wrap as mmap
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
try:
    mmap.shared_memory(sys.argv[1], 1 << 21)
except OSError:
    pass
else:
    raise SystemExit("it was made")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try:
    mmap.shared_memory(sys.argv[1])
except FileNotFoundError:
    pass
else:
    raise SystemExit("the name is there")
""",
        name,
    )
