/*
 * Memory that other code made inaccessible: unmapped, protected, guarded, not inherited by a child, registered with
 * userfaultfd, truncated. Every accessor reports MMAP_WRAP_E_FAULT, in every situation of the signals, also as the
 * first and only use of the library, and in a child.
 */
#define _GNU_SOURCE
#include "accessors.h"
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PAGES = 3 };
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
static int64_t page;
static size_t bytes;

/* -- Changes without the library, of the bytes from start on; each returns 0, or -errno if this kernel cannot -- */

static int64_t code(int64_t result) {
    return result < 0 ? -errno : 0;
}
static int64_t unmapped(char *start) { return code(munmap(start, bytes)); }
static int64_t closed(char *start) { return code(mprotect(start, bytes, PROT_NONE)); }
static int64_t read_only(char *start) { return code(mprotect(start, bytes, PROT_READ)); }
static int64_t guarded(char *start) { return code(madvise(start, bytes, MADV_GUARD_INSTALL)); }
static int64_t kept_from_children(char *start) { return code(madvise(start, bytes, MADV_DONTFORK)); }
static int64_t moved_away(char *start) {
    return mremap(start, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, start - (1 << 24)) == MAP_FAILED ? -errno : 0;
}
static int64_t replaced(char *start) {
    return mmap(start, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -errno : 0;
}

/* A missing page raises SIGBUS: with UFFD_FEATURE_SIGBUS no access waits for a monitor. */
static int monitor = -1;
static int64_t given_to_userfaultfd(char *start) {
    int fd = monitor = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    if (fd < 0) return -errno;
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS};
    struct uffdio_register range = {{(uintptr_t)start, bytes}, UFFDIO_REGISTER_MODE_MISSING, 0};
    if (ioctl(fd, REQUEST(UFFDIO_API), &api) < 0 || ioctl(fd, REQUEST(UFFDIO_REGISTER), &range) < 0) return -errno;
    return 0; /* the descriptor stays open: closing it ends the registration */
}

/* The file behind shared memory has no name, but can be opened through /proc with a privilege. */
static int64_t truncated(char *start) {
    int fd = open(text("/proc/self/map_files/%lx-%lx", (unsigned long)(uintptr_t)start, (unsigned long)(uintptr_t)start + bytes),
                  O_RDWR | O_CLOEXEC);
    if (fd < 0) return -errno;
    int64_t result = code(ftruncate(fd, 0));
    close(fd);
    return result;
}

enum { PRIVATE = 1, SHARED = 2 };
static const struct {
    const char *name;
    int64_t (*take)(char *start);
    int kinds;         /* of memory */
    bool only_writes;   /* reads succeed */
    bool only_child;    /* a child does not inherit it */
    bool only_parent;   /* a child is not affected */
} ways[] = {
    {"unmapped", unmapped, PRIVATE | SHARED, false, false, false},
    {"without access", closed, PRIVATE | SHARED, false, false, false},
    {"read-only", read_only, PRIVATE | SHARED, true, false, false},
    {"guarded", guarded, PRIVATE | SHARED, false, false, false},
    {"moved away", moved_away, PRIVATE | SHARED, false, false, false},
    {"replaced", replaced, PRIVATE | SHARED, false, false, false},
    {"kept from children", kept_from_children, PRIVATE | SHARED, false, true, false},
    {"given to userfaultfd", given_to_userfaultfd, PRIVATE | SHARED, false, false, true},
    {"truncated", truncated, SHARED, false, false, false},
};
enum { WAYS = sizeof ways / sizeof *ways };
static int way, flags;
static enum situation situation;
static mmap_wrap_handle memory;

/* Far from the addresses that the kernel chooses, so that nothing else is mapped where the memory was. */
static mmap_wrap_handle far_memory(void) {
    void *far = (void *)(sizeof(void *) == 8 ? (uintptr_t)1 << 40 : (uintptr_t)1 << 29);
    return mmap_wrap(far, (int64_t)bytes, RW, flags | MAP_ANONYMOUS, -1, 0);
}

static void make_inaccessible(void) {
    memory = far_memory();
    int64_t result = ways[way].take(mmap_wrap_address(memory));
    check(result == 0, "faults_external_changes.c", __LINE__, text("%s: done (%s)", ways[way].name, result_name(result)));
}

static bool applies(void) {
    if (!(ways[way].kinds & (flags == MAP_PRIVATE ? PRIVATE : SHARED))) return false;
    mmap_wrap_handle h = far_memory();
    char *start = mmap_wrap_address(h);
    int64_t result = ways[way].take(start);
    if (result < 0) skip("memory that is %s: not possible here (%s)", ways[way].name, mmap_wrap_strerror(result));
    munmap_wrap(h);
    if (monitor >= 0) close(monitor);
    monitor = -1;
    if (result == 0 && strcmp(ways[way].name, "moved away") == 0) munmap(start - (1 << 24), bytes);
    return result == 0;
}

static void faults(const struct accessor *accessor, int64_t size) {
    static unsigned char *buffer;
    static mmap_wrap_handle other;
    if (buffer == NULL) {
        buffer = calloc(1, bytes);
        /* Without an accessor: the accessor under test is the first. */
        other = mmap_wrap(NULL, (int64_t)bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    struct place place = {memory, 8, size, other, buffer};
    int64_t result = use(accessor, &place);
    bool right = result == MMAP_WRAP_E_FAULT ||
                 (accessor->atomic && !repaired_in(situation) && result == MMAP_WRAP_E_UNSUPPORTED);
    /* The kernel waits for a word of private memory only where it can be written: futex(2). */
    bool cannot_wait = flags == MAP_PRIVATE && strncmp(accessor->name, "wait", 4) == 0;
    if (ways[way].only_writes && !accessor->writes && !cannot_wait)
        right = result >= 0 || result == MMAP_WRAP_E_NOT_FOUND ||
                (accessor->atomic && !repaired_in(situation) && result == MMAP_WRAP_E_UNSUPPORTED) ||
                /* From the kernel: it does not wait on read-only private memory (kernel/futex/core.c). */
                (strncmp(accessor->name, "wait", 4) == 0 && (result == -ETIMEDOUT || result == MMAP_WRAP_E_FAULT));
    check(right, "faults_external_changes.c", __LINE__, text("%s: %s of %lld bytes is %s", case_name, accessor->name, (long long)size, result_name(result)));
}

/* -- Each accessor as the first use of the library -- */

static int which;

static void one_accessor(void) {
    if (situation == OURS || situation == OVER_FOREIGN || situation >= BOTH_BLOCKED) take_situation(situation);
    enter_situation(situation);
    make_inaccessible();
    if (ways[way].only_child) {
        pid_t child = fork();
        int status;
        if (child != 0) {
            bool in_time = ended_in_time(child, 15, &status);
            _exit(in_time ? (WIFSIGNALED(status) ? 64 : WEXITSTATUS(status)) : 65);
        }
    }
    faults(&accessors[which], 16);
}

static void first_and_only(int step) {
    for (way = 0; way < WAYS; way++) {
        for (flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
            if (!applies()) continue;
            static const enum situation possible[] = {OURS, OVER_FOREIGN, BOTH_BLOCKED, ALL_BLOCKED};
            for (int i = 0; i < 4; i++) {
                situation = possible[i];
                for (which = (way + i) % step; which < accessor_count; which += step)
                    LIVES(20, one_accessor, "%s as the first use of %s memory that is %s, %s", accessors[which].name,
                          flags == MAP_PRIVATE ? "private" : "shared", ways[way].name, situation_names[situation]);
            }
        }
    }
}

static int step;
static void the_first_access_to_inaccessible_memory_is_a_fault(void) {
    first_and_only(step);
}

/* -- All of them, after others, in this process and in a child -- */

static bool in_a_child;

static void all_accessors(void) {
    static const int64_t sizes[] = {16, 100, 5000};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < accessor_count; j++)
            if (i == 0 || !accessors[j].element) faults(&accessors[j], sizes[i]);
}

static void after_other_accesses(void) {
    take_situation(situation);
    mmap_wrap_handle good = memory_of(page);
    CHECK_IS(mmap_wrap_fill(good, 0, 1, MMAP_WRAP_REST), page);
    enter_situation(situation);
    make_inaccessible();
    if (in_a_child) {
        pid_t child = fork();
        int status;
        if (child != 0) {
            bool in_time = ended_in_time(child, 15, &status);
            _exit(in_time ? (WIFSIGNALED(status) ? 64 : WEXITSTATUS(status)) : 65);
        }
    }
    all_accessors();
    CHECK_IS(foreign_calls(), 0);
    CHECK_IS(mmap_wrap_fill(good, 0, 1, MMAP_WRAP_REST), page);
    /* In the child of a single-threaded parent the handle can be unmapped, whatever is mapped there. */
    CHECK(munmap_wrap(memory) >= 0);
}

static void every_access_to_inaccessible_memory_is_a_fault(void) {
    for (way = 0; way < WAYS; way++) {
        for (flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
            if (!applies()) continue;
            for (situation = 0; situation < SITUATIONS; situation++) {
                for (int child = ways[way].only_child; child <= !ways[way].only_parent; child++) {
                    in_a_child = child;
                    LIVES(20, after_other_accesses, "%s memory that is %s, %s%s", flags == MAP_PRIVATE ? "private" : "shared",
                          ways[way].name, situation_names[situation], in_a_child ? ", in a child" : "");
                }
            }
        }
    }
}

/* -- Only the second page: the bytes before it are accessed -- */

static void half_of_it(void) {
    take_situation(situation);
    flags = MAP_PRIVATE;
    memory = far_memory();
    CHECK_IS(mmap_wrap_fill(memory, 0, 'x', 2 * page), 2 * page);
    enter_situation(situation);
    char buffer[16];
    CHECK(munmap((char *)mmap_wrap_address(memory) + page, 2 * (size_t)page) == 0);
    CHECK_IS(mmap_wrap_read(memory, page - 3, buffer, 16), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_fault_done(), 3);
    CHECK_IS(mmap_wrap_write(memory, page - 3, buffer, 16), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_fill(memory, 0, 1, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_fault_done(), page);
    CHECK_IS(mmap_wrap_read(memory, page - 16, buffer, 16), 16);
}

static void bytes_before_the_inaccessible_page_are_accessed(void) {
    for (situation = 0; situation < SITUATIONS; situation++) LIVES(20, half_of_it, "%s", situation_names[situation]);
}

int main(int argc, char **argv) {
    page = mmap_wrap_page_size();
    bytes = (size_t)(PAGES * page);
    /* As the first use: every fifth accessor, unless a longer run tests all. */
    step = argument_or(argc, argv, 0) > 0 ? 1 : 5;
    RUN(the_first_access_to_inaccessible_memory_is_a_fault);
    RUN(every_access_to_inaccessible_memory_is_a_fault);
    RUN(bytes_before_the_inaccessible_page_are_accessed);
    return finish();
}
