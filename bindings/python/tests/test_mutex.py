"""The mutex in a map: one holder at a time, between threads and processes, and a holder that dies is noticed."""

import errno
import os
import signal
import struct
import subprocess
import sys
import threading
import time

import pytest
from conftest import PATIENCE as SECONDS

import mmap_wrap as mmap
from mmap_wrap import _mutex


@pytest.fixture
def memory():
    return mmap.anonymous(4096, shared=True)


def forked(work):
    """The process number of a child that does the work and ends with 0, or with 1 where it raises."""
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
    """How the child ends; it is killed where it does not."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("the child did not end")


def held_by_one_that_died(memory):
    """A mutex whose holder was killed."""
    mutex = memory.mutex(0)

    def hold():
        mutex.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    assert end_of(forked(hold)) == -signal.SIGKILL
    return mutex


def test_one_holds_it_at_a_time(memory):
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


def test_who_cannot_have_it_in_time_is_told(memory):
    mutex = memory.mutex(0)
    results = []
    with mutex:
        thread = threading.Thread(target=lambda: results.extend((mutex.acquire(0), mutex.acquire(0.3), mutex.locked())))
        began = time.monotonic()
        thread.start()
        thread.join(SECONDS)
    assert (results, time.monotonic() - began >= 0.3) == ([False, False, True], True)
    assert not mutex.locked()


def test_it_belongs_to_a_thread(memory):
    mutex = memory.mutex(0)
    with pytest.raises(OSError, match="does not hold the mutex at offset 0"):
        mutex.release()
    with mutex:
        with pytest.raises(OSError, match="this thread holds the mutex") as caught:
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
        # Nor to a forked child.
        assert end_of(forked(release)) == 0
        assert mutex.locked()


def test_a_place_that_cannot_be_is_an_error(memory):
    for offset in (4, 4095):
        with pytest.raises(ValueError, match="multiple of|beyond|align"):
            memory.mutex(offset)
    with pytest.raises(ValueError):
        memory.mutex(4096)


def test_a_holder_that_died_is_an_error_until_one_repairs(memory):
    mutex = held_by_one_that_died(memory)
    assert not mutex.locked()
    for _ in range(2):
        with pytest.raises(mmap.OwnerDiedError) as caught:
            mutex.acquire(SECONDS)
        assert caught.value.errno == errno.EOWNERDEAD
        with pytest.raises(mmap.OwnerDiedError), mutex:
            raise AssertionError("it is not held")
    repaired = []
    repairing = memory.mutex(0, lambda: repaired.append(mutex.locked()))
    assert repairing.acquire()
    assert repaired == [True]
    repairing.release()
    with mutex, pytest.raises(OSError, match="this thread holds"):
        mutex.acquire()
    assert repaired == [True]


def test_a_repair_that_fails_leaves_it_to_the_next(memory):
    mutex = held_by_one_that_died(memory)
    with pytest.raises(ZeroDivisionError):
        memory.mutex(0, lambda: 1 / 0).acquire()
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)
    # And so does a death on the way.
    end_of(forked(memory.mutex(0, lambda: os._exit(0)).acquire))
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)
    repaired = []
    with memory.mutex(0, lambda: repaired.append(1)):
        pass
    assert repaired == [1]


def test_a_thread_that_ended_is_a_holder_that_died(memory):
    mutex = memory.mutex(0)
    thread = threading.Thread(target=mutex.acquire)
    thread.start()
    thread.join(SECONDS)
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)


def test_a_zombie_holds_nothing(memory):
    mutex = memory.mutex(0)
    child = forked(mutex.acquire)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)
    assert end_of(child) == 0


def test_who_waits_already_is_told_as_well(memory):
    ready, told = os.pipe()

    def hold():
        memory.mutex(0).acquire()
        os.write(told, b"x")
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


def test_another_thread_with_the_number_of_the_dead_is_not_it(memory):
    mutex = held_by_one_that_died(memory)
    (word,) = struct.unpack("=Q", memory[:8])
    # As if this thread, which began at another time, had the number by now.
    word = word & ~(_mutex._THREAD) | threading.get_native_id()
    word ^= 1 << 32
    memory[:8] = struct.pack("=Q", word)
    with pytest.raises(mmap.OwnerDiedError):
        mutex.acquire(SECONDS)


def test_of_another_pid_namespace_nothing_is_known(memory):
    mutex = held_by_one_that_died(memory)
    (word,) = struct.unpack("=Q", memory[:8])
    memory[:8] = struct.pack("=Q", word ^ 1 << 52)
    assert mutex.locked()
    assert not mutex.acquire(0.3)


def test_the_layout_is_what_its_documentation_says(memory):
    mutex = memory.mutex(8)
    with mutex:
        low, high = struct.unpack("=2I", memory[8:16])
        assert low == 1 << 29 | threading.get_native_id()
        with open(f"/proc/{threading.get_native_id()}/stat") as stat:
            began = int(stat.read().rpartition(")")[2].split()[19])
        assert high == 1 << 31 | os.stat("/proc/self/ns/pid").st_ino % (1 << 11) << 20 | began % ((1 << 20) - 1) + 1
    assert memory[8:16] == bytes(8)


def test_it_shares_its_word_with_those_that_leave_no_name(memory):
    def nameless():
        for _ in range(2000):
            if not memory.atomic_compare_exchange(0, 0, 1, 32)[0]:
                while memory.atomic_exchange(0, 2, 32) != 0:
                    memory.wait(0, 2, 1)
            memory.put("u4", 64, memory.get("u4", 64) + 1)
            if memory.atomic_exchange(0, 0, 32) == 2:
                memory.wake(0, 1)

    def named():
        for _ in range(2000):
            with memory.mutex(0):
                memory.put("u4", 64, memory.get("u4", 64) + 1)

    children = [forked(work) for work in (nameless, named, nameless, named)]
    assert [end_of(child) for child in children] == [0] * 4
    assert memory.get("u4", 64) == 8000


def test_holders_that_are_killed_at_any_moment_never_leave_it_stuck_or_with_two():
    memory = mmap.shared(name := f"/mmap-wrap-mutex-{os.getpid()}", 4096)
    script = """
import sys
import mmap_wrap as mmap
memory = mmap.shared(sys.argv[1])
mutex = memory.mutex(0, lambda: memory.put("u4", 64, 0))
while True:
    with mutex:
        if memory.get("u4", 64):
            memory.put("u4", 68, 1)     # two hold it, or what was to be repaired was not
        memory.put("u4", 64, 1)
        memory.atomic_add(72, 1)
        memory.put("u4", 64, 0)
"""
    children = []
    try:
        for _ in range(8):
            while len(children) < 3:
                children.append(subprocess.Popen([sys.executable, "-c", script, name]))
            # All go on, and one is killed at some moment.
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
        mmap.unlink_shared(name)
