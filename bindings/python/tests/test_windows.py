"""What the class and the package do on Windows."""

import errno
import inspect
import os
import pickle
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from conftest import message_of

import mmap_wrap

pytestmark = [] if sys.platform == "win32" else [pytest.mark.skip("Windows only")]


@pytest.fixture
def name():
    """A name that nothing else has."""
    return f"mmap-wrap-{uuid.uuid4().hex}"


@pytest.fixture
def file(tmp_path):
    """A file of 200,000 bytes, open for reading and writing."""
    (tmp_path / "file").write_bytes(bytes(range(250)) * 800)
    with open(tmp_path / "file", "r+b") as opened:
        yield opened


def run(script, **environment):
    """The finished process of a script in an interpreter of its own."""
    command = [sys.executable, "-X", "utf8", "-c", script]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, encoding="utf-8")


def test_memory_with_a_name_is_the_same_memory(name):
    with mmap_wrap.mmap(-1, 100, name) as one, mmap_wrap.mmap(-1, 100, tagname=name) as other:
        one[:5] = b"hello"
        assert other[:6] == b"hello\0"
        assert (len(one), one.size()) == (100, 100)
        with mmap_wrap.mmap(-1, 50, name, mmap_wrap.ACCESS_READ) as read:
            assert read[:5] == b"hello"
            with pytest.raises(TypeError, match="readonly"):
                read[0] = 1
        with mmap_wrap.mmap(-1, 50, name, mmap_wrap.ACCESS_COPY) as copy:
            copy[0] = 1
        assert one[0] == ord("h")
    with mmap_wrap.mmap(-1, 100, name) as new:
        assert not any(new[:])


def test_shared_memory_of_each_mode(name):
    with mmap_wrap.shared_memory(name, 100, "w+") as m:
        m[0] = 7
        # In whole pages.
        assert (len(m), m.size()) == (4096, 4096)
        with mmap_wrap.shared_memory(name) as other:
            assert other[0] == 7
        with pytest.raises(FileExistsError):
            mmap_wrap.shared_memory(name, 100, "x+")
        with pytest.raises(OSError, match="truncating"):
            mmap_wrap.shared_memory(name, 100, "w+")
    with pytest.raises(FileNotFoundError):
        mmap_wrap.shared_memory(name)


def test_the_last_error_shows_whether_the_name_existed(name):
    # As multiprocessing asks.
    import _winapi

    with mmap_wrap.mmap(-1, 100, name):
        assert _winapi.GetLastError() == 0
        with mmap_wrap.mmap(-1, 100, name):
            assert _winapi.GetLastError() == 183


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"tagname": 1}, TypeError, "expected str or None for 'tagname', not int"),
        ({"tagname": "a\0b"}, ValueError, "null"),
        ({"length": 0}, OSError, "needs a length"),
        ({"access": 9}, ValueError, "access"),
        ({"length": -1}, OverflowError, "positive"),
    ],
    ids=str,
)
def test_a_name_that_cannot_be(name, arguments, error, words):
    with pytest.raises(error) as raised:
        mmap_wrap.mmap(**{"fileno": -1, "length": 10, "tagname": name, **arguments})
    assert words in message_of(raised.value)


def test_a_name_for_a_file_is_unsupported_by_name(file, name):
    with pytest.raises(OSError, match=f"tagname='{name}'") as raised:
        mmap_wrap.mmap(file.fileno(), 10, name)
    assert raised.value.errno == errno.ENOTSUP
    assert os.fstat(file.fileno()).st_size == 200_000


def test_a_name_is_taken_by_a_larger_map(name):
    with mmap_wrap.mmap(-1, 4096, name) as first:
        with pytest.raises(OSError, match=r"."):
            mmap_wrap.mmap(-1, 1 << 20, name)
        with pytest.raises(OSError, match=r"."):
            first.resize(8192)
        assert len(first) == 4096


def test_the_signature_is_that_of_windows():
    parameters = inspect.signature(mmap_wrap.mmap).parameters
    assert list(parameters)[:5] == ["fileno", "length", "tagname", "access", "offset"]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in list(parameters.values())[5:])


def test_any_offset_and_the_granularity(file):
    assert mmap_wrap.ALLOCATIONGRANULARITY == 65536
    with mmap_wrap.mmap(file.fileno(), 1000, offset=65537) as m:
        assert m[:3] == bytes([65537 % 250, 65538 % 250, 65539 % 250])
    with pytest.raises(OSError, match=r"."):
        mmap_wrap.mmap(-1, 10, offset=4096)


def test_a_file_grows_to_what_is_mapped(file):
    with mmap_wrap.mmap(file.fileno(), 300_000) as m:
        assert (len(m), m.size(), m[200_000:]) == (300_000, 300_000, bytes(100_000))
        assert os.fstat(file.fileno()).st_size == 300_000


@pytest.mark.parametrize("access", [mmap_wrap.ACCESS_READ, mmap_wrap.ACCESS_COPY])
def test_a_file_that_is_not_written_does_not_grow(file, access):
    with pytest.raises(OSError, match="WinError 8"):
        mmap_wrap.mmap(file.fileno(), 300_000, access=access)
    assert os.fstat(file.fileno()).st_size == 200_000


def test_a_file_keeps_its_size_where_mapping_fails(file):
    # It grows before it is mapped.
    with pytest.raises(OSError, match=r"."):
        mmap_wrap.mmap(file.fileno(), 300_000, flags=mmap_wrap.MAP_SHARED | mmap_wrap.MAP_FIXED, address=4096)
    assert os.fstat(file.fileno()).st_size == 200_000


def test_an_error_closes_nothing_of_the_callers(file, nothing_leaks):
    for arguments in ({"length": 10, "access": 9}, {"length": 0, "offset": 300_000}, {"length": 10, "tagname": "x"}):
        with pytest.raises((OSError, ValueError)):
            mmap_wrap.mmap(file.fileno(), **arguments)
    assert file.read(1) == b"\0"


def test_a_map_outlives_its_descriptor(tmp_path):
    (tmp_path / "file").write_bytes(b"hello")
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_BINARY)
    m = mmap_wrap.mmap(fd, 0)
    os.close(fd)
    m.resize(10)
    assert (m[:], m.size()) == (b"hello\0\0\0\0\0", 10)
    copy = m.dup_fd()
    assert os.fstat(copy).st_size == 10
    os.close(copy)
    m.close()
    assert (tmp_path / "file").read_bytes() == b"hello\0\0\0\0\0"


@pytest.mark.parametrize("fd", [-2, 12345])
def test_a_descriptor_that_is_not_open(fd):
    with pytest.raises(OSError, match=r"Bad file descriptor") as raised:
        mmap_wrap.mmap(fd, 10)
    assert raised.value.errno == errno.EBADF
    assert f"descriptor {fd} is not open" in message_of(raised.value)


def test_memory_without_a_file_grows_and_shrinks():
    with mmap_wrap.mmap(-1, 4096) as m:
        m[:5] = b"hello"
        m.resize(100_000)
        assert (m[:5], m[4096:], m.size()) == (b"hello", bytes(100_000 - 4096), 100_000)
        m.resize(5)
        assert m[:] == b"hello"


def test_flush_begins_anywhere(file):
    with mmap_wrap.mmap(file.fileno(), 0) as m:
        m[5] = 77
        m.flush(5, 1)
        file.seek(5)
        assert file.read(1) == b"\x4d"
        with pytest.raises(ValueError, match="flush values out of range"):
            m.flush(5, 200_000)


def test_a_wait_ends_in_time():
    # The number that the library has for it is not Python's.
    with mmap_wrap.mmap(-1, 64) as m:
        assert m.wait(0, 0, timeout=0.01) is False
        with m.mutex(16) as mutex, pytest.raises(OSError, match=r"."):
            mutex.acquire(timeout=0.01)


def test_what_windows_lacks_is_unsupported(tmp_path):
    m = mmap_wrap.anonymous(4096)
    lacking = [
        lambda: mmap_wrap.memfd(4096),
        lambda: mmap_wrap.memfd(4096, huge=1 << 21),
        lambda: mmap_wrap.secret(4096),
        lambda: mmap_wrap.anonymous(1 << 21, huge=1 << 21),
        lambda: mmap_wrap.unlink_shared_memory("/x"),
        lambda: m.lock(on_fault=True),
        lambda: m.remap(address=1 << 40),
        lambda: m.mseal(),
        lambda: m.mbind(0),
    ]
    for number, call in enumerate(lacking):
        with pytest.raises(OSError, match=r".") as raised:
            call()
        assert raised.value.errno == errno.ENOTSUP, number
    with pytest.raises(AttributeError, match="lacks the constant MAP_HUGETLB"):
        _ = mmap_wrap.MAP_HUGETLB


def test_a_map_of_a_file_pickles_as_a_reference(file):
    for access in (mmap_wrap.ACCESS_WRITE, mmap_wrap.ACCESS_READ):
        with mmap_wrap.mmap(file.fileno(), 100_000, access=access, offset=65537) as m:
            other = pickle.loads(pickle.dumps(m))
            assert other[:] == m[:]
            if access == mmap_wrap.ACCESS_WRITE:
                other[7] = 1
                assert m[7] == 1
            other.close()
    script = "import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1]))[8] = 2"
    with mmap_wrap.open(file.name, "r+") as m:
        subprocess.run([sys.executable, "-c", script, pickle.dumps(m).hex()], check=True)
        assert m[8] == 2
        reference = pickle.dumps(m)
    file.close()
    os.replace(file.name, file.name + ".former")
    with pytest.raises(FileNotFoundError):
        pickle.loads(reference)
    Path(file.name).write_bytes(bytes(200_000))
    with pytest.raises(OSError, match="another file is there now"):
        pickle.loads(reference)


def test_memory_without_a_path_does_not_pickle(name):
    with mmap_wrap.mmap(-1, 10) as m, pytest.raises(TypeError, match=r"^cannot pickle 'mmap.mmap' object$"):
        pickle.dumps(m)
    with mmap_wrap.mmap(-1, 10, name) as m, pytest.raises(TypeError, match="no path"):
        pickle.dumps(m)


def test_a_path_of_any_letters(tmp_path):
    path = tmp_path / "häß-日本"
    with mmap_wrap.open(path, "x+", size=10) as m:
        m[:] = b"0123456789"
    assert path.read_bytes() == b"0123456789"
    with pytest.raises(FileNotFoundError) as raised:
        mmap_wrap.open(tmp_path / "日本")
    assert raised.value.filename == str(tmp_path / "日本")


def test_an_error_has_the_code_of_windows_and_keeps_errno(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        mmap_wrap.open(tmp_path / "nothing")
    assert (raised.value.errno, raised.value.winerror) == (errno.ENOENT, 2)
    with pytest.raises(OSError, match=r".") as raised:
        mmap_wrap.memfd(10)
    assert (raised.value.errno, raised.value.winerror) == (errno.ENOTSUP, None), "the library found this one"


def test_the_command_reports_that_it_does_not_work():
    child = subprocess.run([sys.executable, "-m", "mmap_wrap", "doctor"], capture_output=True, text=True)
    assert (child.returncode, child.stdout) == (1, "")
    assert "Windows" in child.stderr


def test_every_function_that_ctypes_binds_is_exported():
    from mmap_wrap._ffi import bind
    from mmap_wrap._signatures import SIGNATURES

    for function in SIGNATURES:
        assert bind(function)


def test_memory_of_multiprocessing_is_ours_after_install():
    script = """if True:
        import mmap_wrap
        mmap_wrap.install()
        import multiprocessing, multiprocessing.shared_memory
        number = multiprocessing.Value("i", 7)
        assert type(number.get_obj()._wrapper._state[0][0].buffer) is mmap_wrap.mmap
        memory = multiprocessing.shared_memory.SharedMemory(create=True, size=100)
        again = multiprocessing.shared_memory.SharedMemory(memory.name)
        memory.buf[0] = 9
        assert (number.value, again.buf[0], type(memory._mmap)) == (7, 9, mmap_wrap.mmap)
        again.close()
        memory.close()
        """
    child = run(script)
    assert child.returncode == 0, child.stderr


def test_a_library_at_another_path(tmp_path):
    from mmap_wrap._ffi import BUNDLED

    library = tmp_path / "häß" / "other.dll"
    library.parent.mkdir()
    shutil.copy(BUNDLED, library)
    script = "import mmap_wrap, mmap_wrap.raw as raw; print(mmap_wrap.mmap(-1, 10)[:1], raw.mmap_wrap_page_size())"
    assert run(script, MMAP_WRAP_LIBRARY=str(library)).stdout == "b'\\x00' 4096\n"
    child = run(script, MMAP_WRAP_LIBRARY=str(tmp_path / "none.dll"))
    assert "ImportError: mmap_wrap cannot load its native library: [WinError " in child.stderr
    assert "the path of mmap_wrap.dll" in child.stderr


def test_the_constructor_raises_the_auditing_event(name):
    script = f"""if True:
        import sys, mmap_wrap
        sys.addaudithook(lambda event, values: event.startswith("mmap.") and print(event, values))
        mmap_wrap.mmap(-1, 10, {name!r}, mmap_wrap.ACCESS_READ, 65536)
        """
    child = run(script)
    assert (child.stderr, child.stdout) == ("", "mmap.__new__ (-1, 10, 1, 65536)\n")
