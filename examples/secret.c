/*
 * Protects a secret, read from standard input, while it is used, and leaves no copies of it.
 *
 *     cc examples/secret.c $(pkg-config --cflags --libs mmap_wrap) -o secret       # after `make install`
 *     ./secret <key-file            # in secret memory, if the kernel has it
 *     ./secret plain <key-file      # in locked memory
 *
 * Shows: secret memory (memfd_secret), which even the kernel does not map; else memory that is locked, excluded from core
 * dumps and wiped in forked children; a guard page on either side; and wiping. The secret is read directly into the
 * mapping: no buffer of stdio or of this program ever contains it.
 */
#define _DEFAULT_SOURCE
#include "mmap_wrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t page;

static int64_t checked(int64_t result) {
    if (result < 0) {
        fprintf(stderr, "secret: %s\n", mmap_wrap_last_error_message());
        exit(1);
    }
    return result;
}

/* The middle one of three pages is for the secret; accesses to the others fault. */
static void guard(mmap_wrap_handle h) {
    checked(mmap_wrap_guard(h, 1, 0, page));
    checked(mmap_wrap_guard(h, 1, 2 * page, page));
}

static mmap_wrap_handle make(int plain) {
    mmap_wrap_handle h = plain ? -1 : mmap_secret_wrap(3 * page, PROT_READ | PROT_WRITE);
    if (h >= 0) {
        guard(h);
        /* It is shared memory: a child would read the secret, not zeros, so it does not inherit the memory. */
        checked(madvise_wrap(h, MADV_DONTFORK, 0, MMAP_WRAP_REST));
        printf("kept in secret memory\n");
        return h;
    }
    if (!plain) fprintf(stderr, "secret: no secret memory: %s\n", mmap_wrap_last_error_message());
    h = checked(mmap_wrap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    guard(h);
    checked(mlock_wrap(h, 0, page, page));
    checked(madvise_wrap(h, MADV_DONTDUMP, page, page));
    checked(madvise_wrap(h, MADV_WIPEONFORK, page, page));
    printf("kept in locked memory\n");
    return h;
}

/* Reads up to the end of the line or of the input. Returns the number of bytes. */
static int64_t fill(mmap_wrap_handle h) {
    char *place = mmap_wrap_acquire(h);
    if (place == NULL) checked(mmap_wrap_last_error_code());
    place += page;
    int64_t used = 0;
    for (ssize_t got; used < page && (got = read(STDIN_FILENO, place + used, (size_t)(page - used))) > 0;) {
        used += got;
        if (place[used - 1] == '\n') break;
    }
    checked(mmap_wrap_release(h));
    return used;
}

static const char *access_to(mmap_wrap_handle h, int64_t offset) {
    char byte;
    return mmap_wrap_read(h, offset, &byte, 1) == MMAP_WRAP_E_FAULT ? "guarded" : "OPEN";
}

/* Whether all bytes in the page of the secret are zero. */
static int is_blank(mmap_wrap_handle h) {
    unsigned char zeros[256] = {0}, bytes[256];
    for (int64_t offset = page; offset < 2 * page; offset += (int64_t)sizeof bytes) {
        checked(mmap_wrap_read(h, offset, bytes, sizeof bytes));
        if (memcmp(bytes, zeros, sizeof bytes) != 0) return 0;
    }
    return 1;
}

static void show_fork(mmap_wrap_handle h) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        if (mmap_wrap_read(h, page, &byte, 1) == MMAP_WRAP_E_UNMAPPED) puts("a forked child does not have it");
        else puts(is_blank(h) ? "a forked child reads zeros" : "A FORKED CHILD READS IT");
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, NULL, 0) < 0) perror("secret: fork");
}

int main(int argc, char **argv) {
    int plain = argc == 2 && strcmp(argv[1], "plain") == 0;
    if (argc > 1 && !plain) {
        fprintf(stderr, "usage: secret [plain] <INPUT\n");
        return 2;
    }
    page = mmap_wrap_page_size();
    mmap_wrap_handle h = make(plain);
    fflush(stdout);

    int64_t used = fill(h);
    if (used == 0) fprintf(stderr, "secret: nothing on standard input\n");
    printf("%" PRId64 " bytes, below %s, above %s\n", used, access_to(h, page - 1), access_to(h, 2 * page));
    show_fork(h);

    /* Unlike memset, a fill by the library is never removed by the optimiser. */
    checked(mmap_wrap_fill(h, page, 0, page));
    puts(is_blank(h) ? "wiped" : "NOT WIPED");
    checked(munmap_wrap(h));
    return used == 0;
}
