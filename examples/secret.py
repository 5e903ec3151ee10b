"""Protects a secret, read from standard input, while it is used, and leaves no copies of it.

    python3 examples/secret.py <key-file            # in secret memory, if the kernel has it
    python3 examples/secret.py plain <key-file      # in locked memory

Shows: secret memory (memfd_secret), which even the kernel does not map; else memory that is locked, excluded from core
dumps and wiped in forked children; a guard page on either side; and wiping. The secret is read directly into the
mapping: no bytes object ever contains it.
"""

import argparse
import os
import sys

import mmap_wrap as mmap

PAGE = mmap.PAGESIZE


def make_secret():
    """Three pages of secret memory."""
    memory = mmap.secret(3 * PAGE)
    # It is shared memory: a child would read the secret, not zeros, so it does not inherit the memory.
    memory.advise(mmap.MADV_DONTFORK)
    print("kept in secret memory")
    return memory


def make_plain():
    """Three pages of anonymous memory; the middle one is locked, not dumped, and wiped in forked children."""
    memory = mmap.anonymous(3 * PAGE)
    memory.lock(PAGE, PAGE)
    memory.advise(mmap.MADV_DONTDUMP, PAGE, PAGE)
    memory.advise(mmap.MADV_WIPEONFORK, PAGE, PAGE)
    print("kept in locked memory")
    return memory


def make(plain):
    """The memory for the secret: secret memory if it is available and wanted, else locked memory."""
    if not plain:
        try:
            return make_secret()
        except OSError as error:
            print(f"secret: no secret memory: {error.strerror}", file=sys.stderr)
    return make_plain()


def fill(memory):
    """Reads up to the end of the line or of the input. Returns the number of bytes."""
    used = 0
    with memory.view("u1", PAGE, PAGE) as place:
        while used < PAGE and (got := os.readv(0, [place[used:]])):
            used += got
            if place[used - 1] == ord("\n"):
                break
    return used


def access_to(memory, offset):
    """Returns "guarded" if a read at the offset faults."""
    try:
        memory.get("u1", offset)
    except mmap.FaultError:
        return "guarded"
    return "OPEN"


def is_blank(memory):
    """Whether all bytes in the page of the secret are zero."""
    return memory.count(b"\0", PAGE, 2 * PAGE) == PAGE


def show_fork(memory):
    """Prints what a forked child reads in the page of the secret."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            print("a forked child reads zeros" if is_blank(memory) else "A FORKED CHILD READS IT")
        except ValueError:  # in the child, the mapping counts as closed
            print("a forked child does not have it")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def main(plain):
    """Reads the secret, shows how it is protected, and wipes it. Returns the exit status."""
    with make(plain) as memory:
        # The middle one of three pages is for the secret; accesses to the others fault.
        memory.guard(0, PAGE)
        memory.guard(2 * PAGE, PAGE)
        sys.stdout.flush()
        used = fill(memory)
        if used == 0:
            print("secret: nothing on standard input", file=sys.stderr)
        print(f"{used} bytes, below {access_to(memory, PAGE - 1)}, above {access_to(memory, 2 * PAGE)}")
        show_fork(memory)

        memory.fill(0, PAGE, PAGE)
        print("wiped" if is_blank(memory) else "NOT WIPED")
    return 1 if used == 0 else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Protects a secret from standard input while it is used.")
    parser.add_argument("kind", nargs="?", choices=["plain"])
    options = parser.parse_args()
    try:
        sys.exit(main(options.kind == "plain"))
    except OSError as error:
        sys.exit(f"secret: {error}")
