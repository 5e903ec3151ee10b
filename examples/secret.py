"""Keeps a secret, read from standard input, out of everybody's reach while it is used, and leaves nothing behind.

    python3 examples/secret.py <key-file            # in secret memory, where the kernel has it
    python3 examples/secret.py plain <key-file      # in locked memory

Shows: secret memory (memfd_secret) that even the kernel does not map; else memory that is locked, left out of core
dumps and wiped in a forked child; a guard page on either side; and wiping. The secret is read right into its place: no
bytes object ever holds it.
"""

import argparse
import ctypes
import os
import sys

import mmap_wrap as mmap
from mmap_wrap import raw

PAGE = mmap.PAGESIZE
READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE


def guard(handle):
    """The page in the middle of three is for the secret; to touch the others is an error."""
    raw.check(raw.mmap_wrap_guard(handle, 1, 0, PAGE))
    raw.check(raw.mmap_wrap_guard(handle, 1, 2 * PAGE, PAGE))


def make_secret():
    """Three pages of secret memory."""
    handle = raw.check(raw.mmap_secret_wrap(3 * PAGE, READ_WRITE))
    guard(handle)
    # It is shared memory: a child would not read zeros but the secret, so it gets nothing at all.
    raw.check(raw.madvise_wrap(handle, mmap.MADV_DONTFORK, 0, raw.MMAP_WRAP_REST))
    print("kept in secret memory")
    return handle


def make_plain():
    """Three pages, of which the one in the middle is kept as well as other memory can be."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    handle = raw.check(raw.mmap_wrap(None, 3 * PAGE, READ_WRITE, flags, -1, 0))
    guard(handle)
    raw.check(raw.mlock_wrap(handle, 0, PAGE, PAGE))
    raw.check(raw.madvise_wrap(handle, mmap.MADV_DONTDUMP, PAGE, PAGE))
    raw.check(raw.madvise_wrap(handle, mmap.MADV_WIPEONFORK, PAGE, PAGE))
    print("kept in locked memory")
    return handle


def make(plain):
    """The memory for the secret, the best there is."""
    if not plain:
        try:
            return make_secret()
        except OSError as error:
            print(f"secret: no secret memory: {error.strerror}", file=sys.stderr)
    return make_plain()


def fill(handle):
    """Reads up to the end of the line or of the input; answers how many bytes."""
    address = raw.mmap_wrap_acquire(handle)
    if address is None:
        raw.check(raw.mmap_wrap_last_error_code())
    place = memoryview((ctypes.c_ubyte * PAGE).from_address(address + PAGE)).cast("B")
    used = 0
    while used < PAGE and (got := os.readv(0, [place[used:]])):
        used += got
        if place[used - 1] == ord("\n"):
            break
    place.release()
    raw.check(raw.mmap_wrap_release(handle))
    return used


def refuses(handle, offset):
    """What a read beside the secret meets."""
    code = raw.mmap_wrap_read(handle, offset, ctypes.create_string_buffer(1), 1)
    return "guarded" if code == raw.MMAP_WRAP_E_FAULT else "OPEN"


def is_blank(handle):
    """Whether all of the secret's page reads zero."""
    everything = ctypes.create_string_buffer(PAGE)
    raw.check(raw.mmap_wrap_read(handle, PAGE, everything, PAGE))
    blank = everything.raw == bytes(PAGE)
    ctypes.memset(everything, 0, PAGE)
    return blank


def show_fork(handle):
    """What a forked child has of it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = raw.mmap_wrap_read(handle, PAGE, ctypes.create_string_buffer(1), 1)
        if code == raw.MMAP_WRAP_E_UNMAPPED:
            print("a forked child does not have it")
        else:
            print("a forked child reads zeros" if is_blank(handle) else "A FORKED CHILD READS IT")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def main(plain):
    """Keeps the secret for a moment; answers how the program ends."""
    handle = make(plain)
    sys.stdout.flush()
    used = fill(handle)
    if used == 0:
        print("secret: nothing on standard input", file=sys.stderr)
    print(f"{used} bytes, below {refuses(handle, PAGE - 1)}, above {refuses(handle, 2 * PAGE)}")
    show_fork(handle)

    raw.check(raw.mmap_wrap_fill(handle, PAGE, 0, PAGE))
    print("wiped" if is_blank(handle) else "NOT WIPED")
    raw.check(raw.munmap_wrap(handle))
    return 1 if used == 0 else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Keeps a secret from standard input for a moment.")
    parser.add_argument("kind", nargs="?", choices=["plain"])
    options = parser.parse_args()
    try:
        sys.exit(main(options.kind == "plain"))
    except OSError as error:
        sys.exit(f"secret: {error}")
