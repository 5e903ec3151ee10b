/* Protection and advice: which pages a range covers, and what is allowed there afterwards. */
#define _GNU_SOURCE
#include "check.h"
#include "mmap_wrap_constants.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { RW = PROT_READ | PROT_WRITE, ROOM = 4 * 65536 };
static int64_t page;
static unsigned char expected[ROOM], seen[ROOM];

static void a_read_only_mapping_cannot_be_written_until_its_protection_changes(void) {
    make_file("readable", "0123456789", 10);
    mmap_wrap_handle h = mmap_path_wrap("readable", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
    CHECK_FAILS(mmap_wrap_write(h, 0, "x", 1), MMAP_WRAP_E_FAULT, "after 0 of 1 bytes");
    CHECK_IS(mprotect_wrap(h, RW, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_write(h, 0, "x", 1), 1);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_write(h, 0, "x", 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mprotect_wrap(h, PROT_NONE, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_read(h, 0, seen, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(munmap_wrap(h), 1);
    remove("readable");
}

static void the_protection_of_one_page_does_not_change_others(void) {
    mmap_wrap_handle h = mmap_wrap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_IS(mprotect_wrap(h, RW, page, page), 0);
    CHECK_IS(mmap_wrap_fill(h, page, 1, page), page);
    CHECK_IS(mmap_wrap_read(h, page, seen, page), page);
    CHECK_IS(mmap_wrap_read(h, 0, seen, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_fill(h, 2 * page, 1, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_read(h, 0, seen, 3 * page), 3 * page);
    CHECK_IS(mmap_wrap_fill(h, page, 1, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(munmap_wrap(h), 1);
}

static void protection_needs_a_page_boundary_and_is_rounded_up_to_one(void) {
    mmap_wrap_handle h = memory_of(3 * page);
    CHECK_FAILS(mprotect_wrap(h, PROT_READ, 1, page), MMAP_WRAP_E_ALIGNMENT,
                text("mprotect_wrap: offset 1 is not on a page boundary: pages are %d bytes", (int)page));
    CHECK_FAILS(mprotect_wrap(h, PROT_READ, page - 1, 1), MMAP_WRAP_E_ALIGNMENT, "mprotect_wrap");
    CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), 3 * page);
    CHECK_IS(mprotect_wrap(h, PROT_READ, page, 1), 0);
    CHECK_IS(mmap_wrap_fill(h, 0, 2, page), page);
    CHECK_IS(mmap_wrap_fill(h, page, 2, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_fill(h, 2 * page - 1, 2, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_fill(h, 2 * page, 2, page), page);
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_mapping_that_begins_inside_a_page_is_protected_from_its_own_start(void) {
    scramble(expected, 4 * page, 3);
    make_file("inside", expected, 4 * page);
    mmap_wrap_handle h = mmap_path_wrap("inside", MMAP_WRAP_REST, RW, MAP_PRIVATE, 100);
    CHECK_FAILS(mprotect_wrap(h, PROT_READ, page, page), MMAP_WRAP_E_ALIGNMENT, "begins 100 bytes into its first page");
    CHECK_IS(mprotect_wrap(h, PROT_READ, page - 100, page), 0);
    CHECK_IS(mmap_wrap_fill(h, page - 101, 0, 1), 1);
    CHECK_IS(mmap_wrap_fill(h, page - 100, 0, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, 1), 0);
    CHECK_IS(mmap_wrap_fill(h, page - 101, 0, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(munmap_wrap(h), 1);
    remove("inside");
}

#ifndef _WIN32
/* Which pages of the mapping are in memory, as text: '1' or '0' for each. */
static const char *residency(mmap_wrap_handle h, int64_t pages) {
    unsigned char resident[64];
    char shown[65] = "";
    CHECK(mincore(mmap_wrap_address(h), (size_t)(pages * page), resident) == 0);
    for (int64_t i = 0; i < pages; i++) shown[i] = (resident[i] & 1) != 0 ? '1' : '0';
    return text("%s", shown);
}

static void advice_that_loses_nothing_applies_to_every_page_of_the_range(void) {
    mmap_wrap_handle h = memory_of(4 * page);
    CHECK(strcmp(residency(h, 4), "0000") == 0);
    if (madvise_wrap(h, mmap_wrap_MADV_POPULATE_WRITE(), 2 * page - 1, 2) < 0)
        skip("MADV_POPULATE_WRITE: %s", mmap_wrap_last_error_message());
    else
        CHECK(strcmp(residency(h, 4), "0110") == 0);
    CHECK_IS(madvise_wrap(h, MADV_WILLNEED, 1, 1), 0);
    CHECK_IS(msync_wrap(h, MS_ASYNC, 4 * page - 1, 1), 0);
    CHECK_IS(munmap_wrap(h), 1);
}
#endif

static void advice_that_discards_needs_whole_pages(void) {
    const char *const names[] = {"MADV_DONTNEED",    "MADV_FREE",            "MADV_REMOVE",        "MADV_DONTFORK",
                                 "MADV_WIPEONFORK",  "MADV_DONTNEED_LOCKED", "MADV_GUARD_INSTALL", "MADV_GUARD_REMOVE"};
    mmap_wrap_handle h = scrambled_memory(expected, 3 * page);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t advice;
        if (mmap_wrap_constant(names[i], &advice) < 0) {
            skip("%s", mmap_wrap_last_error_message());
            continue;
        }
        CHECK_FAILS(madvise_wrap(h, advice, 1, MMAP_WRAP_REST), MMAP_WRAP_E_ALIGNMENT, "offset 1 is not on a page boundary");
        CHECK_FAILS(madvise_wrap(h, advice, page, page + 1), MMAP_WRAP_E_ALIGNMENT,
                    text("end %d is not", (int)(2 * page + 1)));
        CHECK_FAILS(madvise_wrap(h, advice, 0, page - 1), MMAP_WRAP_E_ALIGNMENT, text("end %d is not", (int)(page - 1)));
    }
    CHECK(contains(h, expected, 3 * page));
    CHECK_IS(madvise_wrap(h, MADV_DONTNEED, page, page), 0);
    memset(expected + page, 0, (size_t)page);
    CHECK(contains(h, expected, 3 * page));
    CHECK_IS(munmap_wrap(h), 1);
}

static void discarding_may_end_where_the_mapping_ends(void) {
    const int64_t length = 2 * page + 10;
    mmap_wrap_handle h = scrambled_memory(expected, length);
    CHECK_IS(madvise_wrap(h, MADV_DONTNEED, 2 * page, 9), MMAP_WRAP_E_ALIGNMENT);
    CHECK_IS(madvise_wrap(h, MADV_DONTNEED, 2 * page, 10), 0);
    memset(expected + 2 * page, 0, 10);
    CHECK(contains(h, expected, length));
    CHECK_IS(munmap_wrap(h), 1);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_read_only_mapping_cannot_be_written_until_its_protection_changes);
    RUN(the_protection_of_one_page_does_not_change_others);
    RUN(protection_needs_a_page_boundary_and_is_rounded_up_to_one);
    RUN(a_mapping_that_begins_inside_a_page_is_protected_from_its_own_start);
    RUN_POSIX(advice_that_loses_nothing_applies_to_every_page_of_the_range);
    RUN(advice_that_discards_needs_whole_pages);
    RUN(discarding_may_end_where_the_mapping_ends);
    return finish();
}
