/* Accesses that fault: MMAP_WRAP_E_FAULT with the offset, after the bytes before it; no other byte is changed. */
#define _GNU_SOURCE
#include "check.h"
#include "mmap_wrap_constants.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Large enough for several pages of any size, and for copies in several pieces. */
enum { RW = PROT_READ | PROT_WRITE, ROOM = 12 * 65536 };
static int64_t page;
static unsigned char expected[ROOM], seen[ROOM];

static void a_read_faults_at_an_unreadable_page_after_the_bytes_before_it(void) {
    const int64_t size = 3 * page;
    mmap_wrap_handle h = scrambled_memory(expected, size);
    CHECK_IS(mprotect_wrap(h, PROT_NONE, page, page), 0);
    memset(seen, 0, sizeof seen);
    CHECK_FAILS(mmap_wrap_read(h, page - 100, seen, size - page), MMAP_WRAP_E_FAULT,
                text("at offset %d, after 100 of %d bytes", (int)page, (int)(size - page)));
    CHECK(memcmp(seen, expected + page - 100, 100) == 0 && seen[100] == 0);
    CHECK_FAILS(mmap_wrap_read(h, page, seen, 1), MMAP_WRAP_E_FAULT, "after 0 of 1 bytes");
    CHECK_FAILS(mmap_wrap_find(h, "needle", 6, 0, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT, text("offset %d", (int)page));
    CHECK_IS(mmap_wrap_rfind(h, "needle", 6, page, 2 * page), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_move(h, 0, page, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_read(h, 0, seen, page), page);
    CHECK_IS(mmap_wrap_read(h, 2 * page, seen, page), page);
    CHECK_IS(mprotect_wrap(h, RW, 0, MMAP_WRAP_REST), 0);
    CHECK(contains(h, expected, size));
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_write_faults_at_an_unwritable_page_after_the_bytes_before_it(void) {
    const int64_t size = 3 * page;
    mmap_wrap_handle h = scrambled_memory(expected, size);
    CHECK_IS(mprotect_wrap(h, PROT_READ, page, page), 0);
    CHECK_FAILS(mmap_wrap_write(h, page - 8, "0123456789", 10), MMAP_WRAP_E_FAULT,
                text("at offset %d, after 8 of 10 bytes", (int)page));
    CHECK_FAILS(mmap_wrap_fill(h, page - 4, 'f', 10), MMAP_WRAP_E_FAULT,
                text("at offset %d, after 4 of 10 bytes", (int)page));
    CHECK_IS(mmap_wrap_move(h, page, 0, 1), MMAP_WRAP_E_FAULT);
    CHECK_FAILS(mmap_wrap_move(h, page - 20, 0, 50), MMAP_WRAP_E_FAULT, "after 20 of 50 bytes");
    memcpy(expected + page - 8, "0123ffff", 8);
    memmove(expected + page - 20, expected, 20);
    CHECK(contains(h, expected, size));
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_move_that_faults_reports_the_offset_of_the_fault(void) {
    mmap_wrap_handle h = scrambled_memory(expected, 3 * page);
    CHECK_IS(mprotect_wrap(h, PROT_NONE, page, page), 0);
    CHECK_FAILS(mmap_wrap_move(h, page, 0, 1), MMAP_WRAP_E_FAULT, text("at offset %d, after 0 of 1 bytes", (int)page));
    CHECK_FAILS(mmap_wrap_move(h, 0, page, 1), MMAP_WRAP_E_FAULT, text("at offset %d, after 0 of 1 bytes", (int)page));
    CHECK_IS(munmap_wrap(h), 1);
}

static void after_a_fault_in_a_move_upwards_the_last_bytes_are_done(void) {
    const int64_t size = 10 * page;
    mmap_wrap_handle h = scrambled_memory(expected, size + page);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 6 * page, page), 0);
    CHECK_FAILS(mmap_wrap_move(h, page, 0, size), MMAP_WRAP_E_FAULT, text("of %d bytes", (int)size));
    const char *after = strstr(mmap_wrap_last_error_message(), "after ");
    int64_t done = after != NULL ? strtoll(after + strlen("after "), NULL, 10) : -1;
    if (CHECK(0 <= done && done < size)) {
        memmove(expected + page + size - done, expected + size - done, (size_t)done);
        CHECK(contains(h, expected, size + page));
    }
    CHECK_IS(munmap_wrap(h), 1);
}

#ifndef _WIN32
/* In a child: a library that assumes the protection here is killed by SIGSEGV. */
static void reads_behind_a_guard(void) {
    mmap_wrap_handle h = memory_of(3 * page);
    int64_t installed = madvise_wrap(h, mmap_wrap_MADV_GUARD_INSTALL(), page, page);
    if (installed < 0) {
        skip("guard pages: %s", mmap_wrap_last_error_message());
        return;
    }
    CHECK_IS(mmap_wrap_read(h, page, seen, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_find(h, "x", 1, 0, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT);
    CHECK_IS(madvise_wrap(h, mmap_wrap_MADV_GUARD_REMOVE(), page, page), 0);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), 3 * page);
    CHECK_IS(munmap_wrap(h), 1);
}

static void accesses_to_a_guard_page_fault(void) {
    if (under_valgrind()) skip("valgrind 3.19 does not support guard regions");
    else in_child(reads_behind_a_guard);
}
#endif

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_read_faults_at_an_unreadable_page_after_the_bytes_before_it);
    RUN(a_write_faults_at_an_unwritable_page_after_the_bytes_before_it);
    RUN(a_move_that_faults_reports_the_offset_of_the_fault);
    RUN(after_a_fault_in_a_move_upwards_the_last_bytes_are_done);
    RUN_POSIX(accesses_to_a_guard_page_fault);
    return finish();
}
