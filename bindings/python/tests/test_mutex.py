"""The mutex in a map: one owner at a time among threads and processes, and the death of an owner is noticed."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import PATIENCE as SECONDS

import mmap_wrap as mmap
from mmap_wrap import raw


@pytest.fixture
def memory():
    return mmap.anonymous(4096, shared=True)


def forked(work):
    """The process id of a child that does the work, and exits with 0, or with 1 if it raises."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def end_of(child):
    """The exit status of the child, which is killed after the timeout."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("the child did not end")


def held(mutex):
    """Whether this thread owns the mutex."""
    try:
        mutex.acquire(0)
    except OSError as error:
        return error.errno == errno.EDEADLK
    return False


def held_by_one_that_died(memory):
    """A mutex whose owner was killed."""
    mutex = memory.mutex(0)

    def hold():
        mutex.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    assert end_of(forked(hold)) == -signal.SIGKILL
    return mutex


def test_one_thread_at_a_time_holds_it(memory):
    def work():
        for _ in range(2000):
            with memory.mutex(8):
                memory.put("u4", 64, memory.get("u4", 64) + 1)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    children = [forked(work) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert [end_of(child) for child in children] == [0, 0, 0]
    for thread in threads:
        thread.join(SECONDS)
    assert memory.get("u4", 64) == 10_000
    assert memory[8:16] == bytes(8)


def test_a_timeout_is_reported(memory):
    mutex = memory.mutex(0)
    results = []
    with mutex:
        thread = threading.Thread(target=lambda: results.extend((mutex.acquire(0), mutex.acquire(0.3))))
        began = time.monotonic()
        thread.start()
        thread.join(SECONDS)
    assert (results, time.monotonic() - began >= 0.3) == ([False, False], True)
    assert mutex.acquire(0)


def test_it_belongs_to_a_thread(memory):
    mutex = memory.mutex(0)
    with pytest.raises(OSError, match="unlock the mutex at offset 0"):
        mutex.release()
    with mutex:
        with pytest.raises(OSError, match="this thread holds it") as caught:
            mutex.acquire()
        assert caught.value.errno == errno.EDEADLK
        errors = []

        def release():
            try:
                mutex.release()
            except OSError as error:
                errors.append(error.errno)

        thread = threading.Thread(target=release)
        thread.start()
        thread.join(SECONDS)
        assert errors == [errno.EPERM]
        # Nor does a forked child own it.
        assert end_of(forked(release)) == 0
        with pytest.raises(OSError, match="this thread holds it"):
            mutex.acquire()


def test_an_invalid_offset_is_an_error(memory):
    for offset in (4, 4095):
        with pytest.raises(ValueError, match=r"multiple of|beyond|align"):
            memory.mutex(offset)
    for offset in (4088, 4096):
        with pytest.raises(ValueError, match="4096"):
            memory.mutex(offset)


def test_a_dead_owner_is_an_error_until_the_data_is_repaired(memory):
    mutex = held_by_one_that_died(memory)
    for _ in range(2):
        with pytest.raises(mmap.OwnerDiedError) as caught:
            mutex.acquire(SECONDS)
        assert caught.value.errno == errno.EOWNERDEAD
        with pytest.raises(mmap.OwnerDiedError), mutex:
            raise AssertionError("it is not held")
    repaired = []
    repairing = memory.mutex(0, lambda: repaired.append(held(mutex)))
    assert repairing.acquire()
    assert repaired == [True]
    repairing.release()
    with mutex, pytest.raises(OSError, match="this thread holds"):
        mutex.acquire()
    assert repaired == [True]


def test_a_failed_repair_is_left_to_the_next_thread(memory):
    mutex = held_by_one_that_died(memory)
    with pytest.raises(ZeroDivisionError):
        memory.mutex(0, lambda: 1 / 0).acquire()
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)
    # Likewise if the owner dies during the repair.
    end_of(forked(memory.mutex(0, lambda: os._exit(0)).acquire))
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)
    repaired = []
    with memory.mutex(0, lambda: repaired.append(1)):
        pass
    assert repaired == [1]


def test_a_thread_that_ended_is_a_dead_owner(memory):
    mutex = memory.mutex(0)
    thread = threading.Thread(target=mutex.acquire)
    thread.start()
    thread.join(SECONDS)
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)


def test_a_zombie_process_is_a_dead_owner(memory):
    mutex = memory.mutex(0)
    child = forked(mutex.acquire)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)
    assert end_of(child) == 0


def test_a_waiting_thread_gets_the_error_of_the_dead_owner(memory):
    ready, done = os.pipe()

    def hold():
        memory.mutex(0).acquire()
        os.write(done, b"x")
        time.sleep(SECONDS)

    def wait():
        try:
            memory.mutex(0).acquire(SECONDS)
        except mmap.OwnerDiedError:
            os._exit(7)

    holder = forked(hold)
    assert os.read(ready, 1) == b"x"
    waiters = [forked(wait) for _ in range(3)]
    time.sleep(0.2)
    os.kill(holder, signal.SIGKILL)
    end_of(holder)
    assert [end_of(waiter) for waiter in waiters] == [7, 7, 7]


def test_it_is_the_mutex_of_the_other_languages(memory):
    mutex = memory.mutex(0)
    assert raw.mmap_wrap_mutex_lock(memory._handle, 0, 0) == 0
    assert held(mutex)
    mutex.release()
    with mutex:
        assert raw.mmap_wrap_mutex_lock(memory._handle, 0, 0) == -errno.EDEADLK
    held_by_one_that_died(memory)
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire()
    # If the data was not repaired, the next owner is informed, also through the C function.
    assert raw.mmap_wrap_mutex_lock(memory._handle, 0, 0) == 1
    assert raw.mmap_wrap_mutex_abandon(memory._handle, 0) == 0
    assert raw.mmap_wrap_mutex_abandon(memory._handle, 0) == -errno.EPERM
    assert raw.mmap_wrap_mutex_lock(memory._handle, 0, 0) == 1
    assert raw.mmap_wrap_mutex_unlock(memory._handle, 0) == 0
    assert mutex.acquire(0)


def test_a_signal_handler_that_raises_ends_the_wait(memory):
    mutex = memory.mutex(0)
    handled = []

    def handle(*_):
        handled.append(1)
        if len(handled) == 3:
            raise InterruptedError

    before = signal.signal(signal.SIGUSR1, handle)
    ready, done = os.pipe()

    def hold():
        mutex.acquire()
        os.write(done, b"x")
        time.sleep(SECONDS)

    def disturb():
        while len(handled) < 3:
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGUSR1)

    child = forked(hold)
    thread = threading.Thread(target=disturb)
    try:
        os.read(ready, 1)
        thread.start()
        with pytest.raises(InterruptedError):
            mutex.acquire(SECONDS)
        thread.join(SECONDS)
        assert not mutex.acquire(0.3)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        signal.signal(signal.SIGUSR1, before)


def test_owners_killed_at_any_moment_never_leave_it_locked_or_with_two_owners():
    memory = mmap.shared_memory(name := f"/mmap-wrap-mutex-{os.getpid()}", 4096)
    script = """
import sys
import mmap_wrap as mmap
memory = mmap.shared_memory(sys.argv[1])
mutex = memory.mutex(0, lambda: memory.put("u4", 64, 0))
while True:
    with mutex:
        if memory.get("u4", 64):
            memory.put("u4", 68, 1)     # two owners, or data that was not repaired
        memory.put("u4", 64, 1)
        memory.atomic_add(72, 1)
        memory.put("u4", 64, 0)
"""
    children = []
    try:
        for _ in range(8):
            while len(children) < 3:
                children.append(subprocess.Popen([sys.executable, "-c", script, name]))
            # All processes continue, and one is killed at a random time.
            counted, end = memory.atomic_load(72), time.monotonic() + SECONDS
            while memory.atomic_load(72) < counted + 500:
                assert time.monotonic() < end
                time.sleep(0.01)
            killed = children.pop(0)
            killed.kill()
            killed.wait(SECONDS)
        for child in children:
            child.kill()
            child.wait(SECONDS)
        assert memory.mutex(0, lambda: memory.put("u4", 64, 0)).acquire(SECONDS)
        assert (memory.get("u4", 64), memory.get("u4", 68)) == (0, 0)
    finally:
        for child in children:
            child.kill()
        mmap.unlink_shared_memory(name)
