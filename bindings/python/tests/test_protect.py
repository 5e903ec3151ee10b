"""Protection of pages: an access without permission is an exception, and nothing has changed."""

import errno

import pytest
from conftest import run

import mmap_wrap as mmap

PAGE = mmap.PAGESIZE


@pytest.fixture
def guarded():
    """Three pages of "x"; the second is read-only, and the third cannot be accessed."""
    m = mmap.mmap(-1, 3 * PAGE)
    m[:] = b"x" * 3 * PAGE
    m.protect(mmap.PROT_READ, PAGE, PAGE)
    m.protect(mmap.PROT_NONE, 2 * PAGE)
    return m


def test_reads_without_permission_are_faults_with_the_offset(guarded):
    assert guarded[2 * PAGE - 1] == ord("x")
    with pytest.raises(mmap.FaultError, match=f"the access faulted at offset {2 * PAGE}, after 0 of 1 bytes") as caught:
        guarded[2 * PAGE]
    assert caught.value.errno == errno.EFAULT
    with pytest.raises(mmap.FaultError, match=f"after {PAGE} of {2 * PAGE} bytes"):
        guarded[PAGE:]
    with pytest.raises(mmap.FaultError):
        guarded[::PAGE]
    with pytest.raises(mmap.FaultError):
        guarded.find(b"y")
    with pytest.raises(mmap.FaultError):
        list(guarded)


def test_writes_without_permission_are_faults_and_change_nothing(guarded):
    with pytest.raises(mmap.FaultError, match=f"at offset {PAGE}, after 0 of 1 bytes"):
        guarded[PAGE] = 1
    with pytest.raises(mmap.FaultError):
        guarded[PAGE : PAGE + 2] = b"ab"
    with pytest.raises(mmap.FaultError):
        guarded.move(PAGE, 0, 10)
    guarded.protect(mmap.PROT_READ)
    assert guarded[:] == b"x" * 3 * PAGE


def test_protection_is_restored(guarded):
    guarded.protect(mmap.PROT_READ | mmap.PROT_WRITE)
    guarded[:] = b"y" * 3 * PAGE
    assert guarded.find(b"x") == -1


def test_a_view_does_not_catch_faults():
    # As documented for views: the kernel ends the process.
    child = run(
        "import mmap_wrap; m = mmap_wrap.mmap(-1, 4096); v = m.view(); m.protect(mmap_wrap.PROT_READ); v[0] = 1"
    )
    assert child.returncode < 0
