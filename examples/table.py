"""A table of 64 accounts in a file that stays consistent whenever the program, or the machine, stops.

    python3 examples/table.py accounts put 0 1000000    # makes the file if it is not there
    python3 examples/table.py accounts transfer 500     # so many moves; prints each version once it is safe
    python3 examples/table.py accounts show

Shows: numbers in a set byte order, whatever the machine, and updates by msync that happen as a whole or not at all. The
file has two sides. An update is written to the side that is not current, and synced; then its header, with the next
version and a checksum, and synced. What is current is the newest header whose checksum fits. examples/README.md has the
layout. One process at a time may change a table; others may show it meanwhile.
"""

import argparse
import sys

import mmap_wrap as mmap

HEADER, SIDES_AT, SIDE, ACCOUNTS, ACCOUNT = 512, 4096, 4096, 64, 16
SIZE, USED = SIDES_AT + 2 * SIDE, ACCOUNTS * ACCOUNT
# An account: its balance, and how often that changed. A header: the version, and the checksum.
BALANCE = VERSION = ">i8"
CHANGES = CHECKSUM = ">u4"


def open_table(path, writable):
    """The map of the table in the file, which is made if it is to be written and not there."""
    table = mmap.open(path, "a+" if writable else "r")
    if writable and len(table) == 0:
        # A new file, its blocks set aside: a full disk is an error here and not in the middle of an update.
        table.close()
        table = mmap.open(path, "a+", size=SIZE, allocate=True)
    if len(table) != SIZE:
        raise ValueError(f"{path} is {len(table)} bytes long, a table {SIZE}")
    return table


class Table:
    """The table in a file, and a copy of its current accounts to work on."""

    def __init__(self, path, writable):
        self.table = open_table(path, writable)
        self.accounts = mmap.anonymous(USED)
        self.version = self.load()

    def checksum(self, version):
        """FNV-1a of the version, as the header has it, and of the accounts."""
        sum_ = 2166136261
        for byte in version.to_bytes(8, "big") + self.accounts[:]:
            sum_ = (sum_ ^ byte) * 16777619 & 0xFFFFFFFF
        return sum_

    def load_side(self, side):
        """Copies a side; answers its version, or None where it is not whole. A new file's first side is version 0."""
        version = self.table.get(VERSION, side * HEADER)
        stored = self.table.get(CHECKSUM, side * HEADER + 8)
        self.accounts.copy_from(self.table, 0, SIDES_AT + side * SIDE, USED)
        if version == stored == 0:
            return 0 if side == 0 else None
        whole = version > 0 and version % 2 == side and self.checksum(version) == stored
        return version if whole else None

    def load(self):
        """Copies the current accounts; answers their version."""
        # Again where a writer was faster: one side is always whole, but not always the one that is being looked at.
        for _ in range(1000):
            newer = int(self.table.get(VERSION, HEADER) > self.table.get(VERSION, 0))
            for side in (newer, 1 - newer):
                version = self.load_side(side)
                if version is not None:
                    return version
        raise ValueError("neither side is whole: this is no table, or the disk failed")

    def commit(self):
        """Makes the accounts the current ones, under the next version; when this returns, they stay."""
        self.version += 1
        side = self.version % 2
        self.table.copy_from(self.accounts, SIDES_AT + side * SIDE, 0, USED)
        # All of the table, since a range would have to begin on a page boundary; only what changed is stored.
        self.table.flush()
        self.table.put(VERSION, side * HEADER, self.version)
        self.table.put(CHECKSUM, side * HEADER + 8, self.checksum(self.version))
        self.table.flush()
        print(self.version, flush=True)

    def balance(self, index):
        """What the account holds."""
        return self.accounts.get(BALANCE, index * ACCOUNT)

    def changes(self, index):
        """How often the account was changed."""
        return self.accounts.get(CHANGES, index * ACCOUNT + 8)

    def set(self, index, balance):
        """Changes an account, in the copy."""
        self.accounts.put(BALANCE, index * ACCOUNT, balance)
        self.accounts.put(CHANGES, index * ACCOUNT + 8, (self.changes(index) + 1) & 0xFFFFFFFF)

    def transfer(self):
        """Moves something from one account to another, so that the sum of all stays."""
        start, end, amount = self.version % ACCOUNTS, (self.version * 7 + 1) % ACCOUNTS, self.version % 100
        self.set(start, self.balance(start) - amount)
        self.set(end, self.balance(end) + amount)
        self.commit()

    def show(self):
        """Prints the accounts that were ever changed."""
        print(f"version {self.version}")
        for i in range(ACCOUNTS):
            if self.changes(i):
                print(f"{i}: {self.balance(i)}, changed {self.changes(i)} times")
        print(f"total {sum(map(self.balance, range(ACCOUNTS)))}")


def between(low, high):
    """The type of a number of the command line."""

    def number(text):
        if not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return number


def main():
    """Does what the command line says."""
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
