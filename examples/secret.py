"""Keeps a secret, read from standard input, out of everybody's reach while it is used, and leaves nothing behind.

    python3 examples/secret.py <key-file            # in secret memory, where the kernel has it
    python3 examples/secret.py plain <key-file      # in locked memory

Shows: secret memory (memfd_secret) that even the kernel does not map; else memory that is locked, left out of core
dumps and wiped in a forked child; a guard page on either side; and wiping. The secret is read right into its place: no
bytes object ever holds it.
"""

import argparse
import os
import sys

import mmap_wrap as mmap

PAGE = mmap.PAGESIZE


def make_secret():
    """Three pages of secret memory."""
    memory = mmap.secret(3 * PAGE)
    # It is shared memory: a child would not read zeros but the secret, so it gets nothing at all.
    memory.advise(mmap.MADV_DONTFORK)
    print("kept in secret memory")
    return memory


def make_plain():
    """Three pages, of which the one in the middle is kept as well as other memory can be."""
    memory = mmap.anonymous(3 * PAGE)
    memory.lock(PAGE, PAGE)
    memory.advise(mmap.MADV_DONTDUMP, PAGE, PAGE)
    memory.advise(mmap.MADV_WIPEONFORK, PAGE, PAGE)
    print("kept in locked memory")
    return memory


def make(plain):
    """The memory for the secret, the best there is."""
    if not plain:
        try:
            return make_secret()
        except OSError as error:
            print(f"secret: no secret memory: {error.strerror}", file=sys.stderr)
    return make_plain()


def fill(memory):
    """Reads up to the end of the line or of the input; answers how many bytes."""
    used = 0
    with memory.view("u1", PAGE, PAGE) as place:
        while used < PAGE and (got := os.readv(0, [place[used:]])):
            used += got
            if place[used - 1] == ord("\n"):
                break
    return used


def refuses(memory, offset):
    """What a read beside the secret meets."""
    try:
        memory.get("u1", offset)
    except mmap.FaultError:
        return "guarded"
    return "OPEN"


def is_blank(memory):
    """Whether all of the secret's page reads zero."""
    return memory.count(b"\0", PAGE, 2 * PAGE) == PAGE


def show_fork(memory):
    """What a forked child has of it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            print("a forked child reads zeros" if is_blank(memory) else "A FORKED CHILD READS IT")
        except ValueError:  # to the child, the map is closed
            print("a forked child does not have it")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def main(plain):
    """Keeps the secret for a moment; answers how the program ends."""
    with make(plain) as memory:
        # The page in the middle is for the secret; to touch the others is an error.
        memory.guard(0, PAGE)
        memory.guard(2 * PAGE, PAGE)
        sys.stdout.flush()
        used = fill(memory)
        if used == 0:
            print("secret: nothing on standard input", file=sys.stderr)
        print(f"{used} bytes, below {refuses(memory, PAGE - 1)}, above {refuses(memory, 2 * PAGE)}")
        show_fork(memory)

        memory.fill(0, PAGE, PAGE)
        print("wiped" if is_blank(memory) else "NOT WIPED")
    return 1 if used == 0 else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Keeps a secret from standard input for a moment.")
    parser.add_argument("kind", nargs="?", choices=["plain"])
    options = parser.parse_args()
    try:
        sys.exit(main(options.kind == "plain"))
    except OSError as error:
        sys.exit(f"secret: {error}")
