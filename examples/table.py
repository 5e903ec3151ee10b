"""A table of 64 accounts in a file, which stays consistent if the program or the machine stops at any time.

    python3 examples/table.py accounts put 0 1000000    # creates the file if it does not exist
    python3 examples/table.py accounts transfer 500     # prints each version when it is stored
    python3 examples/table.py accounts show

Shows: numbers in big-endian byte order on every machine, and atomic updates with msync. The file has two copies of the
accounts. An update writes the older copy and syncs it, then writes and syncs the header of that copy, with the next
version and a checksum. The current copy is the one with the highest version whose checksum is correct.
examples/README.md describes the layout. One process at a time may change a table; others may show it at the same time.
"""

import argparse
import sys

import mmap_wrap as mmap

HEADER, SIDES_AT, SIDE, ACCOUNTS, ACCOUNT = 512, 4096, 4096, 64, 16
SIZE, USED = SIDES_AT + 2 * SIDE, ACCOUNTS * ACCOUNT
# An account has a balance and the number of its changes, a header has a version and a checksum.
BALANCE = VERSION = ">i8"
CHANGES = CHECKSUM = ">u4"


def open_table(path, writable):
    """Maps the table in the file, which is created if it does not exist and is to be changed."""
    table = mmap.open(path, "a+" if writable else "r")
    if writable and len(table) == 0:
        # A new file. All its blocks are allocated, so that a full disk is an error here and not during an update.
        table.close()
        table = mmap.open(path, "a+", size=SIZE, allocate=True)
    if len(table) != SIZE:
        raise ValueError(f"{path} is {len(table)} bytes long, a table {SIZE}")
    return table


class Table:
    """The table in a file, and a copy of the current accounts in memory."""

    def __init__(self, path, writable):
        self.table = open_table(path, writable)
        self.accounts = mmap.anonymous(USED)
        self.version = self.load()

    def checksum(self, version):
        """FNV-1a of the version, in big-endian byte order, and of the accounts."""
        sum_ = 2166136261
        for byte in version.to_bytes(8, "big") + self.accounts[:]:
            sum_ = (sum_ ^ byte) * 16777619 & 0xFFFFFFFF
        return sum_

    def load_side(self, side):
        """Reads a copy from the file. Returns its version, or None if its checksum is wrong.

        The first copy of a new file is version 0.
        """
        version = self.table.get(VERSION, side * HEADER)
        stored = self.table.get(CHECKSUM, side * HEADER + 8)
        self.accounts.copy_from(self.table, 0, SIDES_AT + side * SIDE, USED)
        if version == stored == 0:
            return 0 if side == 0 else None
        valid = version > 0 and version % 2 == side and self.checksum(version) == stored
        return version if valid else None

    def load(self):
        """Reads the current accounts. Returns their version."""
        # One copy is always complete, but a writer may change it while it is read: then read again.
        for _ in range(1000):
            newer = int(self.table.get(VERSION, HEADER) > self.table.get(VERSION, 0))
            for side in (newer, 1 - newer):
                version = self.load_side(side)
                if version is not None:
                    return version
        raise ValueError("no copy is complete: not a table, or the disk failed")

    def commit(self):
        """Writes the accounts as the next version. When this returns, they are stored."""
        self.version += 1
        side = self.version % 2
        self.table.copy_from(self.accounts, SIDES_AT + side * SIDE, 0, USED)
        # The whole table, since a range must begin at a page boundary; only changed pages are written.
        self.table.flush()
        self.table.put(VERSION, side * HEADER, self.version)
        self.table.put(CHECKSUM, side * HEADER + 8, self.checksum(self.version))
        self.table.flush()
        print(self.version, flush=True)

    def balance(self, index):
        """The balance of the account."""
        return self.accounts.get(BALANCE, index * ACCOUNT)

    def changes(self, index):
        """The number of changes of the account."""
        return self.accounts.get(CHANGES, index * ACCOUNT + 8)

    def set(self, index, balance):
        """Changes an account in memory."""
        self.accounts.put(BALANCE, index * ACCOUNT, balance)
        self.accounts.put(CHANGES, index * ACCOUNT + 8, (self.changes(index) + 1) & 0xFFFFFFFF)

    def transfer(self):
        """Moves an amount from one account to another; the total stays the same."""
        start, end, amount = self.version % ACCOUNTS, (self.version * 7 + 1) % ACCOUNTS, self.version % 100
        self.set(start, self.balance(start) - amount)
        self.set(end, self.balance(end) + amount)
        self.commit()

    def show(self):
        """Prints the accounts that have changes."""
        print(f"version {self.version}")
        for i in range(ACCOUNTS):
            if self.changes(i):
                print(f"{i}: {self.balance(i)}, changed {self.changes(i)} times")
        print(f"total {sum(map(self.balance, range(ACCOUNTS)))}")


def between(low, high):
    """Returns the function that converts an argument to a number from low to high."""

    def number(text):
        if not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return number


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="A table in a file that stays consistent.")
    parser.add_argument("file")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show")
    putting = commands.add_parser("put")
    putting.add_argument("account", type=between(0, ACCOUNTS - 1))
    putting.add_argument("balance", type=between(-(2**31), 2**31 - 1))
    commands.add_parser("transfer").add_argument("times", type=between(1, 2**31 - 1))
    options = parser.parse_args()

    table = Table(options.file, writable=options.command != "show")
    if options.command == "show":
        table.show()
    elif options.command == "put":
        table.set(options.account, options.balance)
        table.commit()
    else:
        for _ in range(options.times):
            table.transfer()


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"table: {error}")
