/*
 * A table of 64 accounts in a file, which stays consistent if the program or the machine stops at any time.
 *
 *     cc examples/table.c $(pkg-config --cflags --libs mmap_wrap) -o table       # after `make install`
 *     ./table accounts put 0 1000000      # creates the file if it does not exist
 *     ./table accounts transfer 500       # 500 transfers between accounts; prints each version when it is stored
 *     ./table accounts show
 *
 * Shows: numbers in big-endian byte order on every machine, and atomic updates with msync. The file has two copies of the
 * accounts. An update writes the older copy and syncs it, then writes and syncs the header of that copy, with the next
 * version and a checksum. The current copy is the one with the highest version whose checksum is correct.
 * examples/README.md describes the layout. One process at a time may change a table; others may show it at the same time.
 */
#define _DEFAULT_SOURCE
#include "mmap_wrap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HEADER = 512, SIDES_AT = 4096, SIDE = 4096, SIZE = SIDES_AT + 2 * SIDE, ACCOUNTS = 64, ACCOUNT = 16, USED = ACCOUNTS * ACCOUNT };
/* An account has a balance and the number of its changes, a header has a version and a checksum. */
enum { BALANCE = MMAP_WRAP_I64 | MMAP_WRAP_BIG_ENDIAN, CHANGES = MMAP_WRAP_U32 | MMAP_WRAP_BIG_ENDIAN };
enum { VERSION = MMAP_WRAP_I64 | MMAP_WRAP_BIG_ENDIAN, CHECKSUM = MMAP_WRAP_U32 | MMAP_WRAP_BIG_ENDIAN };

static int64_t checked(int64_t result) {
    if (result < 0) {
        fprintf(stderr, "table: %s\n", mmap_wrap_last_error_message());
        exit(1);
    }
    return result;
}

static int64_t number(mmap_wrap_handle h, int64_t kind, int64_t offset) {
    int64_t value = mmap_wrap_get_int(h, kind, offset);
    if (value == MMAP_WRAP_NO_INT) checked(mmap_wrap_last_error_code());
    return value;
}

/* FNV-1a of the version, in big-endian byte order, and of the accounts. */
static int64_t checksum(mmap_wrap_handle accounts, int64_t version) {
    unsigned char bytes[8 + USED];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)version >> (56 - 8 * i));
    checked(mmap_wrap_read(accounts, 0, bytes + 8, USED));
    uint32_t sum = 2166136261;
    for (size_t i = 0; i < sizeof bytes; i++) sum = (sum ^ bytes[i]) * 16777619;
    return sum;
}

/* Reads a copy from the file. Returns its version, or -1 if its checksum is wrong. The first copy of a new file is version 0. */
static int64_t load_side(mmap_wrap_handle table, int64_t side, mmap_wrap_handle accounts) {
    int64_t version = number(table, VERSION, side * HEADER), stored = number(table, CHECKSUM, side * HEADER + 8);
    checked(mmap_wrap_copy(accounts, 0, table, SIDES_AT + side * SIDE, USED));
    if (version == 0 && stored == 0) return side == 0 ? 0 : -1;
    return version > 0 && version % 2 == side && checksum(accounts, version) == stored ? version : -1;
}

/* Reads the current accounts. Returns their version. */
static int64_t load(mmap_wrap_handle table, mmap_wrap_handle accounts) {
    /* One copy is always complete, but a writer may change it while it is read: then read again. */
    for (int attempt = 0; attempt < 1000; attempt++) {
        int64_t newer = number(table, VERSION, HEADER) > number(table, VERSION, 0);
        for (int turn = 0; turn < 2; turn++) {
            int64_t version = load_side(table, turn == 0 ? newer : 1 - newer, accounts);
            if (version >= 0) return version;
        }
    }
    fprintf(stderr, "table: no copy is complete: not a table, or the disk failed\n");
    exit(1);
}

/* Writes the accounts as the next version. When this returns, they are stored. */
static int64_t commit(mmap_wrap_handle table, mmap_wrap_handle accounts, int64_t version) {
    int64_t next = version + 1, side = next % 2;
    checked(mmap_wrap_copy(table, SIDES_AT + side * SIDE, accounts, 0, USED));
    checked(msync_wrap(table, MS_SYNC, SIDES_AT + side * SIDE, USED));
    checked(mmap_wrap_put_int(table, VERSION, side * HEADER, next));
    checked(mmap_wrap_put_int(table, CHECKSUM, side * HEADER + 8, checksum(accounts, next)));
    checked(msync_wrap(table, MS_SYNC, side * HEADER, 12));
    return next;
}

static void set(mmap_wrap_handle accounts, int64_t index, int64_t balance) {
    int64_t changes = number(accounts, CHANGES, index * ACCOUNT + 8);
    checked(mmap_wrap_put_int(accounts, BALANCE, index * ACCOUNT, balance));
    checked(mmap_wrap_put_int(accounts, CHANGES, index * ACCOUNT + 8, (changes + 1) & UINT32_MAX));
}

static int64_t balance(mmap_wrap_handle accounts, int64_t index) {
    return number(accounts, BALANCE, index * ACCOUNT);
}

/* Moves an amount from one account to another; the total stays the same. */
static void transfer(mmap_wrap_handle table, mmap_wrap_handle accounts, int64_t version, int64_t times) {
    while (times-- > 0) {
        int64_t from = version % ACCOUNTS, to = (version * 7 + 1) % ACCOUNTS, amount = version % 100;
        set(accounts, from, balance(accounts, from) - amount);
        set(accounts, to, balance(accounts, to) + amount);
        version = commit(table, accounts, version);
        printf("%" PRId64 "\n", version);
        fflush(stdout);
    }
}

static void show(mmap_wrap_handle accounts, int64_t version) {
    int64_t total = 0;
    printf("version %" PRId64 "\n", version);
    for (int64_t i = 0; i < ACCOUNTS; i++) {
        int64_t changes = number(accounts, CHANGES, i * ACCOUNT + 8);
        total += balance(accounts, i);
        if (changes > 0) printf("%" PRId64 ": %" PRId64 ", changed %" PRId64 " times\n", i, balance(accounts, i), changes);
    }
    printf("total %" PRId64 "\n", total);
}

static mmap_wrap_handle open_table(const char *path, int writable) {
    struct mmap_wrap_open_options options = MMAP_WRAP_OPEN_OPTIONS_INIT;
    options.open_flags = writable ? O_RDWR | O_CREAT : O_RDONLY;
    options.mode = 0644;
    options.prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    options.flags = MAP_SHARED;
    mmap_wrap_handle table = checked(mmap_open_wrap(path, &options, sizeof options));
    int64_t length = checked(mmap_wrap_length(table));
    if (writable && length == 0) {
        /* A new file. All its blocks are allocated, so that a full disk is an error here and not during an update. */
        checked(munmap_wrap(table));
        options.size = SIZE;
        options.allocate = 1;
        return checked(mmap_open_wrap(path, &options, sizeof options));
    }
    if (length != SIZE) {
        fprintf(stderr, "table: %s is %" PRId64 " bytes long, a table %d\n", path, length, SIZE);
        exit(1);
    }
    return table;
}

static int is_number(const char *text, int64_t low, int64_t high, int64_t *value) {
    char *end;
    *value = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *value >= low && *value <= high;
}

int main(int argc, char **argv) {
    int64_t index, value;
    int showing = argc == 3 && strcmp(argv[2], "show") == 0;
    int moving = argc == 4 && strcmp(argv[2], "transfer") == 0 && is_number(argv[3], 1, INT32_MAX, &value);
    int putting = argc == 5 && strcmp(argv[2], "put") == 0 && is_number(argv[3], 0, ACCOUNTS - 1, &index) &&
                  is_number(argv[4], INT32_MIN, INT32_MAX, &value);
    if (!showing && !moving && !putting) {
        fprintf(stderr, "usage: table FILE show\n       table FILE put ACCOUNT BALANCE\n       table FILE transfer TIMES\n");
        return 2;
    }
    mmap_wrap_handle table = open_table(argv[1], !showing);
    mmap_wrap_handle accounts = checked(mmap_wrap(NULL, USED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    int64_t version = load(table, accounts);
    if (putting) {
        set(accounts, index, value);
        printf("%" PRId64 "\n", commit(table, accounts, version));
    }
    if (moving) transfer(table, accounts, version, value);
    if (showing) show(accounts, version);
    checked(munmap_wrap(accounts));
    checked(munmap_wrap(table));
    return 0;
}
