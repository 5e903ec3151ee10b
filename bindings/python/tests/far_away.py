"""Functions that the tests of references run in other processes."""

import os
import re
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import mmap_wrap


def identity(thing):
    return thing


def pickled_and_dropped(thing):
    """The pickle of an object to which this process no longer has a reference."""
    again = bytes(ForkingPickler.dumps(thing))
    del thing
    return again


def made_and_dropped():
    """The pickle of a map to which there is no reference."""
    return bytes(ForkingPickler.dumps(mmap_wrap.memfd(4096)))


def write_into(thing, place, value):
    """Writes into the object it received, and returns the id of the process."""
    thing[place] = value
    return os.getpid()


def write_into_view(whole, kind, place, value):
    """As `write_into`, through a view made here."""
    return write_into(whole.view(kind), place, value)


def read_one_and_put_another(ours, theirs):
    """Receives an object, writes into it, and sends it on."""
    thing = ours.get()
    thing[0] = 7
    theirs.put(thing)
    # A map of a file without a path can be opened only while the sender keeps it.
    ours.get()


def serve_and_pass_on(connection):
    """Receives a map, acknowledges it, and sends it on for each request, until the message to end."""
    whole = connection.recv()
    connection.send("received")
    connection.recv()
    connection.send(whole)
    connection.recv()


def is_in_a_map(array):
    """Whether the array is in the memory of a map, and not a copy."""
    while array is not None and not isinstance(array, (memoryview, mmap_wrap.mmap)):
        array = getattr(array, "base", None)
    return isinstance(array.obj if isinstance(array, memoryview) else array, mmap_wrap.mmap)


def mark(block):
    """Writes into the block it received, and reports whether that is in the memory of a map."""
    block[...] += 1
    return block.dtype.type(is_in_a_map(block)) + block * 0


def own_memory():
    """The private memory of this process in bytes, to which a copy would add."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssAnon:\s+(\d+) kB", status)[1])


def sum_and_sign(array, first, last, place):
    """Sums a part of the array and writes the process id into it; returns the id, the sum, and the memory used."""
    before = own_memory()
    total = int(array[first:last].sum())
    array[place] = os.getpid()
    return os.getpid(), total, before, own_memory()
