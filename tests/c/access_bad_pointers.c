/*
 * Invalid pointers of the caller: -EFAULT for the buffer of a read or write and for the needle of a search, on every kind
 * of memory, by the guarded loops and by the kernel. The error is not attributed to the mapping, and nothing is killed.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PAGES = 40 };
static int64_t page;

/* -- Inaccessible memory with an accessible page before it, whose bytes are 'a', so that a buffer can begin in it. -- */

static char *two_parts(int fd) {
    char *start = mmap(NULL, (size_t)(page * 2 * PAGES), RW, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
    memset(start, 'a', (size_t)(page * 2 * PAGES));
    return start + page * PAGES;
}
static char *without_access(void) {
    char *bad = two_parts(-1);
    mprotect(bad, (size_t)(page * PAGES), PROT_NONE);
    return bad;
}
static char *read_only(void) {
    char *bad = two_parts(-1);
    mprotect(bad, (size_t)(page * PAGES), PROT_READ);
    return bad;
}
static char *unmapped(void) {
    char *bad = two_parts(-1);
    munmap(bad, (size_t)(page * PAGES));
    /* Nothing else is mapped there meanwhile: all other mappings are created before. */
    return bad;
}
static char *of_a_truncated_file(void) {
    int fd = open("buffer", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(ftruncate(fd, page * 2 * PAGES) == 0);
    char *bad = two_parts(fd);
    CHECK(ftruncate(fd, page * PAGES) == 0);
    close(fd);
    return bad;
}
static char *small_number(void) { return (char *)16; }
static char *not_an_address(void) { return (char *)(uintptr_t)(sizeof(void *) == 8 ? 0x8000000000001000u : 0xfffff000u); }

static const struct {
    const char *name;
    char *(*make)(void);
    bool begins_well; /* the bytes before it are accessible */
    bool can_be_read;
} pointers[] = {
    {"without access", without_access, true, false},
    {"unmapped", unmapped, true, false},
    {"of a truncated file", of_a_truncated_file, true, false},
    {"read-only", read_only, true, true},
    {"NULL and some", small_number, false, false},
    {"not an address", not_an_address, false, false},
};
enum { POINTERS = sizeof pointers / sizeof *pointers };

/* -- The calls -- */

static int64_t reads(mmap_wrap_handle h, char *p, int64_t n) { return mmap_wrap_read(h, 3, p, n); }
static int64_t writes(mmap_wrap_handle h, char *p, int64_t n) { return mmap_wrap_write(h, 3, p, n); }
static int64_t finds(mmap_wrap_handle h, char *p, int64_t n) { return mmap_wrap_find(h, p, n, 0, MMAP_WRAP_REST); }
static int64_t finds_last(mmap_wrap_handle h, char *p, int64_t n) { return mmap_wrap_rfind(h, p, n, 0, MMAP_WRAP_REST); }
static int64_t counts(mmap_wrap_handle h, char *p, int64_t n) { return mmap_wrap_count(h, p, n, 0, MMAP_WRAP_REST); }

static const struct {
    const char *name;
    int64_t (*call)(mmap_wrap_handle, char *, int64_t);
    bool fills; /* the buffer is written */
} calls[] = {
    {"read", reads, true}, {"write", writes, false}, {"find", finds, false}, {"rfind", finds_last, false}, {"count", counts, false},
};
enum { CALLS = sizeof calls / sizeof *calls };

static int pointer, call;
static enum situation situation;

static void a_bad_pointer_is_efault(void) {
    take_situation(situation);
    const mmap_wrap_handle memories[] = {
        memory_of(PAGES * page),
        mmap_wrap(NULL, PAGES * page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
        mmap_open_wrap("mapped", HOW(O_RDWR | O_CREAT, 0600, PAGES * page, 0, MMAP_WRAP_REST, RW, MAP_SHARED, 0)),
        mmap_open_wrap("mapped", HOW(O_RDWR | O_CREAT, 0600, PAGES * page, 0, MMAP_WRAP_REST, RW, MAP_PRIVATE, 0)),
        mmap_memfd_wrap("mapped", 0, PAGES * page, RW, MAP_SHARED),
    };
    static const char *const kinds[] = {"private memory", "shared memory", "a file", "a private file", "a memory file"};
    static const int64_t sizes[] = {1, 8, 100, 5000, 100000};
    for (int i = 0; i < 5; i++) CHECK_IS(mmap_wrap_fill(memories[i], 0, 'a', MMAP_WRAP_REST), PAGES * page);
    enter_situation(situation);
    char *bad = pointers[pointer].make();
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
            /* All bytes inaccessible; only the last; half of them. */
            const int64_t before[] = {0, sizes[j] - 1, sizes[j] / 2};
            for (int k = 0; k < (pointers[pointer].begins_well && sizes[j] > 1 ? 3 : 1); k++) {
                int64_t result = calls[call].call(memories[i], bad - before[k], sizes[j]);
                check(result == -EFAULT, "access_bad_pointers.c", __LINE__,
                      text("%s: %lld bytes, of which %lld good, with %s is EFAULT (it is %s)", case_name, (long long)sizes[j],
                           (long long)before[k], kinds[i], result < 0 ? mmap_wrap_strerror(result) : "a success"));
            }
        }
    }
    /* Valid pointers still work afterwards. */
    char good[] = "aaaa";
    for (int i = 0; i < 5; i++) CHECK_IS(mmap_wrap_find(memories[i], good, 4, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(foreign_calls(), 0);
}

static void a_bad_pointer_is_efault_for_every_call(void) {
    for (call = 0; call < CALLS; call++)
        for (pointer = 0; pointer < POINTERS; pointer++)
            if (!pointers[pointer].can_be_read || calls[call].fills)
                for (situation = 0; situation < SITUATIONS; situation++)
                    LIVES(30, a_bad_pointer_is_efault, "%s with a pointer %s, %s", calls[call].name, pointers[pointer].name,
                          situation_names[situation]);
    unlink("buffer");
    unlink("mapped");
}

/* Both are inaccessible: the first fault is reported. */
static void the_mapping_and_the_pointer(void) {
    take_situation(situation);
    mmap_wrap_handle h = memory_of(4 * page);
    CHECK_IS(mmap_wrap_fill(h, 0, 'a', MMAP_WRAP_REST), 4 * page);
    CHECK_IS(mprotect_wrap(h, PROT_NONE, 2 * page, MMAP_WRAP_REST), 0);
    enter_situation(situation);
    char *bad = without_access();
    CHECK_IS(mmap_wrap_read(h, page, bad - page / 2, 2 * page), -EFAULT);
    CHECK_IS(mmap_wrap_read(h, page + page / 2, bad - page, 2 * page), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_write(h, page, bad - page / 2, 2 * page), -EFAULT);
    CHECK_IS(mmap_wrap_write(h, page + page / 2, bad - page, 2 * page), MMAP_WRAP_E_FAULT);
}

static void the_first_fault_is_reported(void) {
    for (situation = 0; situation < SITUATIONS; situation++)
        LIVES(30, the_mapping_and_the_pointer, "mapping and pointer, %s", situation_names[situation]);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_bad_pointer_is_efault_for_every_call);
    RUN(the_first_fault_is_reported);
    return finish();
}
