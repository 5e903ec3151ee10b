"""Threads, forks, leaks and the end of the interpreter."""

import os
import threading
import time

import pytest
from conftest import open_descriptors, run_well

import mmap_wrap as mmap
from mmap_wrap import raw


@pytest.mark.usefixtures("frequent_switches")
def test_reading_while_another_thread_closes_is_the_data_or_an_error():
    page = bytes(range(256)) * 16
    unexpected = []

    def use(m, number):
        try:
            while True:
                if number % 2:
                    assert m[:] == page
                elif number % 4:
                    view = m.view()
                    assert view.tobytes() == page
                    del view
                    # Otherwise this thread would have one whenever another thread runs.
                    time.sleep(0)
                else:
                    m[100] = page[100]
                    assert m.find(page[200:220]) == 200
        except BaseException as error:
            if repr(error) != "ValueError('mmap closed or invalid')":
                unexpected.append(error)

    for _ in range(50):
        m = mmap.mmap(-1, len(page))
        m[:] = page
        threads = [threading.Thread(target=use, args=(m, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        while not m.closed:
            try:
                m.close()
            except BufferError:
                # Another thread has a view at this moment.
                pass
        for thread in threads:
            thread.join()
    assert unexpected == []


@pytest.mark.usefixtures("frequent_switches")
def test_size_while_another_thread_closes_never_uses_another_descriptor(text_file):
    wrong = []

    def ask(m):
        try:
            while True:
                size = m.size()
                if size != 14000:
                    wrong.append(size)
        except (ValueError, OSError) as error:
            if "closed" not in str(error):
                wrong.append(error)

    with open(text_file, "rb") as file:
        for _ in range(50):
            m = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            thread = threading.Thread(target=ask, args=(m,))
            thread.start()
            m.close()
            # Gets the number that the duplicate had.
            os.close(os.open("/dev/null", os.O_RDONLY))
            thread.join()
    assert wrong == []


def test_no_mapping_or_descriptor_is_left_of_deleted_maps(text_file, nothing_leaks):
    before, mappings = open_descriptors(), raw.mmap_wrap_list(None, 0)
    for i in range(200):
        with open(text_file, "r+b") as file:
            m = mmap.mmap(file.fileno(), 0)
        m.view()
        if i % 2:
            m.close()
        del m
    assert open_descriptors() == before
    assert raw.mmap_wrap_list(None, 0) == mappings


def test_a_duplicate_is_closed_with_the_map_and_not_inherited(text_file):
    before = open_descriptors()
    with open(text_file, "r+b") as file:
        m = mmap.mmap(file.fileno(), 0)
    (duplicate,) = set(open_descriptors()) - set(before)
    assert not os.get_inheritable(int(duplicate))
    m.close()
    assert open_descriptors() == before


@pytest.mark.usefixtures("frequent_switches")
def test_size_while_another_thread_closes_is_never_that_of_another_file(text_file, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"x")
    sizes, current, ended = set(), [mmap.open(text_file)], threading.Event()

    def ask():
        while not ended.is_set():
            try:
                sizes.add(current[0].size())
            except ValueError:
                sizes.add("closed")

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    for _ in range(2000):
        current[0].close()
        # The next file that is opened gets the number of the descriptor.
        with open(other, "rb"):
            current[0] = mmap.open(text_file)
    ended.set()
    for thread in asking:
        thread.join()
    assert sizes <= {14000, "closed"}
    assert 14000 in sizes
    current[0].close()


def test_a_forked_child_inherits_the_map_and_unmaps_only_its_own():
    m = mmap.mmap(-1, 4096)
    view = m.view()
    child = os.fork()
    if child == 0:
        try:
            view[1] = 2
            del view
            m.close()
        finally:
            os._exit(0 if m.closed else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert m[:2] == b"\0\2"
    with pytest.raises(BufferError):
        m.close()


SHUTDOWN = {
    "a map in a global": "m = mmap_wrap.map_path(path)",
    "a view in a global": "v = mmap_wrap.map_path(path).view()",
    "a map and its view in a cycle": "a = [mmap_wrap.mmap(-1, 10)]; a.append(a[0].view()); a.append(a)",
    "a map in another module": "import builtins; builtins.kept = mmap_wrap.map_path(path)",
    "a map with a descriptor": "import os; m = mmap_wrap.mmap(os.open(path, os.O_RDWR), 0)",
    "a map used at exit": "import atexit; m = mmap_wrap.mmap(-1, 5); atexit.register(lambda: m.view()[0])",
    "a map in a finalizer": "class Late:\n    def __init__(self): self.m = mmap_wrap.mmap(-1, 5)\n"
    "    def __del__(self): self.m[0]\nlate = Late(); late.itself = late",
    "maps in a thread that runs on": "import threading\ndef work():\n    while True: mmap_wrap.mmap(-1, 10).view()\n"
    "threading.Thread(target=work, daemon=True).start()",
}


@pytest.mark.parametrize("name", SHUTDOWN)
def test_the_interpreter_ends_without_output_with(name, text_file):
    run_well(f"import sys, mmap_wrap\npath = sys.argv[1]\n{SHUTDOWN[name]}", text_file)
