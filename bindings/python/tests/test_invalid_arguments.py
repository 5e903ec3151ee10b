"""Invalid arguments and files: a clear error that has the numbers, and nothing leaks."""

import ctypes
import errno
import os
import re
from functools import partial
from pathlib import Path

import pytest
from conftest import message_of, open_descriptors, run_well

import mmap_wrap as mmap
from mmap_wrap import _errors, _ffi, raw

pytestmark = pytest.mark.usefixtures("nothing_leaks")


def test_a_missing_file_is_file_not_found_error_with_its_name(tmp_path):
    path = tmp_path / "missing"
    with pytest.raises(FileNotFoundError, match=r"open '.*missing' for reading and writing: .*\(ENOENT\)") as caught:
        mmap.map_path(path)
    assert caught.value.filename == str(path)


def test_a_directory_is_an_error_by_path_and_by_descriptor(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"\(EISDIR\)") as caught:
        mmap.map_path(tmp_path, prot=mmap.PROT_READ)
    assert caught.value.filename == str(tmp_path)
    fd = os.open(tmp_path, os.O_RDONLY)
    # As in the standard library: a directory cannot be opened for writing.
    for arguments, number in (
        ({"length": 4096}, errno.EACCES),
        ({"length": 4096, "access": mmap.ACCESS_READ}, errno.ENODEV),
        ({"length": 0, "access": mmap.ACCESS_READ}, errno.EINVAL),
    ):
        with pytest.raises(OSError, match=re.escape(os.strerror(number))) as caught:
            mmap.mmap(fd, **arguments)
        assert caught.value.errno == number
        assert f"descriptor {fd}" in message_of(caught.value)
    os.close(fd)


def test_a_file_without_permission_is_a_permission_error(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    tmp_path.chmod(0o755)
    script = """
import ctypes, os, sys
import mmap_wrap
# Other users may have no access to the parent folders and to the standard library.
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    mmap_wrap.map_path("secret")
except PermissionError as error:
    print(error.errno, error.filename)
"""
    assert run_well(script, tmp_path) == f"{errno.EACCES} secret\n"


def test_a_descriptor_for_writing_only_is_a_permission_error(text_file):
    fd = os.open(text_file, os.O_WRONLY)
    with pytest.raises(PermissionError, match=r"^\[Errno 13\] Permission denied") as caught:
        mmap.mmap(fd, 0)
    assert re.search(f"14000 bytes at offset 0 of descriptor {fd}.*must be open for reading", message_of(caught.value))
    os.close(fd)


@pytest.mark.parametrize("trackfd", [True, False])
def test_a_closed_descriptor_is_ebadf_with_its_number(text_file, trackfd):
    fd = os.open(text_file, os.O_RDONLY)
    os.close(fd)
    with pytest.raises(OSError, match=r"^\[Errno 9\] Bad file descriptor") as caught:
        mmap.mmap(fd, 10, trackfd=trackfd)
    assert f"descriptor {fd} is not open" in message_of(caught.value)


def test_anonymous_memory_of_length_0_is_an_error():
    with pytest.raises(OSError, match=r"^\[Errno 22\] Invalid argument") as caught:
        mmap.mmap(-1, 0)
    assert type(caught.value) is OSError
    assert "needs a length of at least 1 byte" in message_of(caught.value)
    with pytest.raises(mmap.ArgumentError, match="needs a length of at least 1 byte"):
        mmap.anonymous(0)


def test_an_empty_file_is_an_empty_map_by_path_and_an_error_by_descriptor(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with mmap.map_path(path) as m:
        assert (len(m), m[:], list(m), m.find(b""), m.find(b"x")) == (0, b"", [], 0, -1)
        m.flush()
        view = m.view()
        assert view.tobytes() == b""
        with pytest.raises(BufferError):
            m.close()
        del view
        with pytest.raises(IndexError):
            m[0]
    with open(path, "rb") as file, pytest.raises(ValueError, match="cannot mmap an empty file"):
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def test_a_length_beyond_the_address_space_is_an_error_with_its_number():
    with pytest.raises(OSError, match=r"^\[Errno 12\] Cannot allocate memory") as caught:
        mmap.mmap(-1, 2**62)
    assert re.search(f"{2**62} bytes without a file.*ENOMEM", message_of(caught.value))
    with pytest.raises(OverflowError, match="too large to convert to C ssize_t"):
        mmap.mmap(-1, 2**64)


def test_negative_numbers_are_errors(text_file):
    with pytest.raises(OverflowError, match="length must be positive"):
        mmap.mmap(-1, -1)
    with open(text_file, "rb") as file, pytest.raises(OverflowError, match="offset must be positive"):
        mmap.mmap(file.fileno(), 0, offset=-4096)
    with pytest.raises(ValueError, match="file offset -1 is negative"):
        mmap.map_path(text_file, offset=-1)
    with pytest.raises(ValueError, match="length -1 is negative"):
        mmap.map_path(text_file, -1)
    for number in (-1, -mmap.PAGESIZE):
        for call in (mmap.anonymous, partial(mmap.mmap, -1), mmap.anonymous(4096).remap):
            with pytest.raises(OverflowError, match=f"address {number} is negative"):
                call(4096, address=number)


def test_an_offset_beyond_the_file_is_an_error_with_both_numbers(text_file):
    with pytest.raises(ValueError, match="file offset 14001 lies beyond the 14000 bytes of the file"):
        mmap.map_path(text_file, 10, offset=14001)


def test_unknown_bits_are_errors(text_file):
    with pytest.raises(mmap.ArgumentError, match="does not know the bits 0x1000000000"):
        mmap.map_path(text_file, flags=mmap.MAP_PRIVATE | 1 << 36)
    with pytest.raises(mmap.ArgumentError, match="protection 0x40"):
        mmap.anonymous(10, prot=0x40)
    with pytest.raises(OSError, match="Invalid argument") as caught:
        mmap.mmap(-1, 10, prot=0x40)
    assert (type(caught.value), "protection 0x40" in message_of(caught.value)) == (OSError, True)
    m = mmap.mmap(-1, 10)
    with pytest.raises(mmap.ArgumentError, match="123456 is not advice"):
        m.advise(123456)
    with pytest.raises(OSError, match="Invalid argument") as caught:
        m.madvise(123456)
    assert (type(caught.value), "123456 is not advice" in message_of(caught.value)) == (OSError, True)
    with pytest.raises(mmap.ArgumentError, match="protection 0x40"):
        m.protect(0x40)


def test_an_unaligned_protection_is_an_error_with_the_page_size():
    m = mmap.mmap(-1, 3 * mmap.PAGESIZE)
    with pytest.raises(
        mmap.ArgumentError, match=f"offset 100 is not on a page boundary: pages are {mmap.PAGESIZE} bytes"
    ):
        m.protect(mmap.PROT_READ, 100)


def test_a_path_may_have_any_bytes_but_nul(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xfe"
    with open(path, "wb") as file:
        file.write(b"found")
    assert mmap.map_path(path)[:] == b"found"
    assert mmap.map_path(os.fsdecode(path))[:] == b"found"
    with pytest.raises(ValueError, match="embedded null byte"):
        mmap.map_path(path + b"\0")
    with pytest.raises(TypeError):
        mmap.map_path(None)


def test_anything_but_a_string_is_a_type_error_where_one_is_needed(tmp_path):
    m = mmap.anonymous(10)
    for wrong in (None, b"r+", 7, ["r+"]):
        with pytest.raises(TypeError, match=r"mode must be a str such as 'r\+', not "):
            mmap.open(tmp_path / "new", wrong)
        with pytest.raises(TypeError, match="name must be str, not "):
            mmap.memfd(10, wrong)
        with pytest.raises(TypeError, match="must be str, not "):
            m.set_name(wrong)
    assert not (tmp_path / "new").exists()


def test_a_mode_has_the_syntax_of_the_built_in_open(tmp_path):
    path = tmp_path / "file"
    for letter in "wrxa":
        for mode in (f"+{letter}", f"{letter}+", f"+{letter}b", f"+b{letter}", f"b+{letter}", f"{letter}b+"):
            if letter == "x":
                path.unlink()
            with mmap.open(path, mode, size=10) as m:
                m[0] = 1
    for mode in ("", "b", "+", "bbrbb", "rbb", "brb", "r++", "++r", "+r+", "rw", "c+", "+c", "R", "U", "rt"):
        with pytest.raises(mmap.ArgumentError, match=f"unknown mode {mode!r}: use one of r, c".replace("+", r"\+")):
            mmap.open(path, mode)


def test_a_file_that_cannot_be_mapped_keeps_its_size_except_with_mode_w(tmp_path):
    path = tmp_path / "file"
    for mode, left in (("r+", b"old data"), ("a+", b"old data"), ("w+", b"")):
        path.write_bytes(b"old data")
        with pytest.raises(ValueError, match="file offset 4096 lies beyond"):
            mmap.open(path, mode, size=100, offset=4096)
        assert path.read_bytes() == left
    path.unlink()
    with pytest.raises(ValueError, match="file offset 4096 lies beyond"):
        mmap.open(path, "w+", size=100, offset=4096)
    assert not path.exists()


def test_access_beyond_the_file_is_a_fault_until_the_file_has_grown(text_file):
    with mmap.open(text_file, "r+", length=5 * mmap.PAGESIZE) as m:
        with pytest.raises(mmap.FaultError):
            m[4 * mmap.PAGESIZE]
        os.truncate(text_file, 5 * mmap.PAGESIZE)
        assert m[4 * mmap.PAGESIZE] == 0


def test_invalid_stale_and_zero_handles_are_different_errors():
    m = mmap.mmap(-1, 10)
    handle = m._handle
    m.close()
    assert _ffi.mmap_wrap_length(handle) == raw.MMAP_WRAP_E_UNMAPPED
    assert _ffi.mmap_wrap_length(0) == raw.MMAP_WRAP_E_HANDLE
    for made_up in (0, 1, 2**62, -1):
        assert _ffi.munmap_wrap(made_up) == raw.MMAP_WRAP_E_HANDLE
        with pytest.raises(ValueError, match="is not a valid mapping handle"):
            _errors.checked(_ffi.mmap_wrap_read(made_up, 0, None, 0), "mmap.read")


def test_a_null_buffer_with_a_length_is_an_error():
    m = mmap.mmap(-1, 10)
    for call in (_ffi.mmap_wrap_read, _ffi.mmap_wrap_write):
        with pytest.raises(mmap.ArgumentError, match="the buffer is NULL, but 5 bytes long"):
            _errors.checked(call(m._handle, 0, None, 5), "mmap.read")
    with pytest.raises(mmap.ArgumentError, match="NULL"):
        _errors.checked(_ffi.mmap_path_wrap(None, 10, 1, 1, 0), "mmap_wrap.map_path")
    with pytest.raises(mmap.ArgumentError, match="NULL"):
        _errors.checked(_ffi.mmap_wrap_constant(None, ctypes.byref(ctypes.c_int64())), "mmap_wrap")


@pytest.mark.parametrize("call", ["mmap", "protect", "madvise", "view", "flush", "move", "find", "map_path"])
def test_floats_and_numbers_beyond_64_bits_never_reach_the_library(call, text_file):
    m = mmap.mmap(-1, 8192)
    calls = {
        "mmap": lambda number: mmap.mmap(-1, number),
        "protect": lambda number: m.protect(1, number),
        "madvise": lambda number: m.madvise(0, 0, number),
        "view": lambda number: m.view("u1", 0, number),
        "flush": lambda number: m.flush(number),
        "move": lambda number: m.move(0, 0, number),
        "find": lambda number: m.find(b"", 0, number),
        "map_path": lambda number: mmap.map_path(text_file, number),
    }
    # Truncated to 64 bits, these would be 0 and 4096.
    for number in (2**64, -(2**64), 2**64 + 4096):
        with pytest.raises(OverflowError):
            calls[call](number)
    # This number means "the rest" to the library only; in Python it is a number, for `find` a bound before the map.
    if call == "find":
        assert calls[call](-(2**63)) == 0
    else:
        with pytest.raises((OverflowError, ValueError)):
            calls[call](-(2**63))
    for wrong in (1.0, "1", b"1"):
        with pytest.raises(TypeError):
            calls[call](wrong)


def test_an_int_subclass_cannot_have_another_value():
    class Liar(int):
        def __lt__(self, other):
            return True

        __le__ = __gt__ = __ge__ = __lt__

        def __index__(self):
            return self

    m = mmap.mmap(-1, 10)
    with pytest.raises(OverflowError):
        m.protect(1, 0, Liar(2**64))
    with pytest.raises(IndexError):
        m[Liar(10)]
    with pytest.raises(ValueError, match="range"):
        m[0] = Liar(256)


def test_a_bytes_subclass_cannot_have_another_length():
    class Liar(bytes):
        def __len__(self):
            return 10

    m = mmap.mmap(-1, 10)
    with pytest.raises(IndexError):
        m[:] = Liar(b"abc")
    m[:3] = Liar(b"abc")
    assert m.find(Liar(b"abc")) == 0


def test_an_error_that_is_kept_keeps_no_descriptor_open(text_file):
    before = open_descriptors()
    fd = os.open(text_file, os.O_RDONLY)
    kept = []
    for make in (lambda: mmap.mmap(fd, 0), lambda: mmap.map_path(text_file, flags=0), lambda: mmap.mmap(fd, 99999)):
        with pytest.raises((OSError, ValueError)) as caught:
            make()
        kept.append(caught.value)
    os.close(fd)
    assert open_descriptors() == before


def test_a_protection_that_the_file_does_not_allow_is_a_permission_error(text_file):
    with open(text_file, "rb") as file:
        m = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with pytest.raises(PermissionError, match="protection 0x2 for 14000 bytes from offset 0"):
        m.protect(mmap.PROT_WRITE)
    with pytest.raises(TypeError):
        m[0] = 1


LIMITED_ADDRESS_SPACE = """
import resource
import mmap_wrap
limit = 1 << 30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    mmap_wrap.mmap(-1, 2 * limit)
except OSError as error:
    assert str(limit) in error.__notes__[0] and str(2 * limit) in error.__notes__[0], error.__notes__
    print(error.errno)
m = mmap_wrap.mmap(-1, 4096)
m[0] = 1
"""


def test_an_error_at_the_limit_of_the_address_space_has_the_limit():
    assert run_well(LIMITED_ADDRESS_SPACE) == f"{errno.ENOMEM}\n"


TOO_MANY_MAPPINGS = """
import mmap_wrap
limit = int(open("/proc/sys/vm/max_map_count").read())
# The kernel would merge neighbours with the same protection.
maps = []
try:
    while len(maps) <= limit:
        prot = mmap_wrap.PROT_READ if len(maps) % 2 else mmap_wrap.PROT_READ | mmap_wrap.PROT_WRITE
        maps.append(mmap_wrap.mmap(-1, 4096, flags=mmap_wrap.MAP_PRIVATE, prot=prot))
except OSError as error:
    # No function or large string may be created here: Python allocates its own memory with mmap, too.
    caught = error
maps[-1][0], maps[0][0]
last = maps[-1]
for m in maps:
    m.close()
assert all(m.closed for m in maps)
assert f"vm.max_map_count is {limit}" in caught.__notes__[0], caught.__notes__
mmap_wrap.mmap(-1, 4096)[0] = 1
print(caught.errno, len(maps) > limit * 9 // 10)
"""


def test_at_the_limit_of_mappings_the_others_work_and_can_be_unmapped():
    limit = int(Path("/proc/sys/vm/max_map_count").read_text())
    if limit > 500_000:
        pytest.skip(f"vm.max_map_count is {limit}: to reach it takes too long")
    assert run_well(TOO_MANY_MAPPINGS) == f"{errno.ENOMEM} True\n"


TOO_MANY_DESCRIPTORS = """
import os, resource, sys
import mmap_wrap
path = sys.argv[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
spare = os.open(path, os.O_RDONLY)
held, errors = [], []
# The first call imports ctypes, which opens a descriptor for each of its files.
mmap_wrap.map_path(path).close()
try:
    while True:
        held.append(os.dup(spare))
except OSError:
    pass
for attempt in (lambda: mmap_wrap.map_path(path), lambda: mmap_wrap.mmap(spare, 0, prot=mmap_wrap.PROT_READ)):
    try:
        attempt()
    except OSError as error:
        # The error and the objects in its traceback stay referenced: cleaning up must not depend on their deallocation.
        errors.append(error)
        print(error.errno, error, *getattr(error, "__notes__", ()))
print(path in open("/proc/self/maps").read() if not os.close(held.pop()) else "")
held.append(os.dup(spare))
print(mmap_wrap.mmap(spare, 3, prot=mmap_wrap.PROT_READ, trackfd=False)[:])
"""


def test_without_a_free_descriptor_mapping_fails_with_the_limit_and_leaves_no_mapping(text_file):
    by_path, by_descriptor, still_mapped, without = run_well(TOO_MANY_DESCRIPTORS, text_file).splitlines()
    assert by_path.startswith(f"{errno.EMFILE} ")
    assert "all 16 descriptors" in by_path
    assert by_descriptor.startswith(f"{errno.EMFILE} ")
    assert "duplicate descriptor" in by_descriptor
    assert still_mapped == "False"
    assert without == "b'one'"
