"""Functions that the tests of references run in other processes."""

import os
import re
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import mmap_wrap


def identity(thing):
    return thing


def pickled_and_dropped(thing):
    """What it would send back, when it has it no more."""
    again = bytes(ForkingPickler.dumps(thing))
    del thing
    return again


def made_and_dropped():
    """What it would send of memory that nobody keeps."""
    return bytes(ForkingPickler.dumps(mmap_wrap.memfd(4096)))


def write_into(thing, place, value):
    """Changes what arrived, and says who did it."""
    thing[place] = value
    return os.getpid()


def write_into_view(whole, kind, place, value):
    """As `write_into`, through a view that is taken here."""
    return write_into(whole.view(kind), place, value)


def read_one_and_put_another(ours, theirs):
    """Takes what was sent, changes it, and sends it on."""
    thing = ours.get()
    thing[0] = 7
    theirs.put(thing)
    # What has no path lives with who sent it.
    ours.get()


def serve_and_pass_on(connection):
    """Receives a map, says so, and passes it on when asked, until told to end."""
    whole = connection.recv()
    connection.send("received")
    connection.recv()
    connection.send(whole)
    connection.recv()


def lies_in_a_map(array):
    """Whether it is the memory of a map, and no copy."""
    while array is not None and not isinstance(array, (memoryview, mmap_wrap.mmap)):
        array = getattr(array, "base", None)
    return isinstance(array.obj if isinstance(array, memoryview) else array, mmap_wrap.mmap)


def mark(block):
    """Writes into the block that arrived, and says whether it is the memory of a map."""
    block[...] += 1
    return block.dtype.type(lies_in_a_map(block)) + block * 0


def own_memory():
    """Bytes that this process alone has: what a copy would add to."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssAnon:\s+(\d+) kB", status)[1])


def sum_and_sign(array, first, last, place):
    """Adds up a part of the array, signs for it, and tells who did it and what memory that took."""
    before = own_memory()
    total = int(array[first:last].sum())
    array[place] = os.getpid()
    return os.getpid(), total, before, own_memory()
