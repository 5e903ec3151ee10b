/* Addresses: while one is acquired, the mapping is not unmapped or moved. */
#define _GNU_SOURCE
#include "check.h"

#include <string.h>
#include <sys/mman.h>

static int64_t page;

static void mmap_wrap_address_returns_the_address_of_the_first_byte(void) {
    mmap_wrap_handle h = memory_of(page);
    char *bytes = mmap_wrap_address(h);
    CHECK(is_mapped(bytes) && (uintptr_t)bytes % (uintptr_t)page == 0);
    bytes[page - 1] = 'x';
    CHECK_IS(mmap_wrap_find(h, "x", 1, 0, MMAP_WRAP_REST), page - 1);
    CHECK(mmap_wrap_acquire(h) == bytes);
    CHECK_IS(mmap_wrap_release(h), 0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_mapping_is_not_unmapped_until_its_address_is_released(void) {
    mmap_wrap_handle h = memory_of(page);
    char *bytes = mmap_wrap_acquire(h);
    CHECK(mmap_wrap_acquire(h) == bytes && mmap_wrap_acquire(h) == bytes);
    CHECK_FAILS(munmap_wrap(h), MMAP_WRAP_E_BUSY, "munmap_wrap: the mapping has 3 acquired addresses; release them first");
    memset(bytes, 'x', (size_t)page);
    CHECK_IS(mmap_wrap_release(h), 2);
    CHECK_IS(mmap_wrap_release(h), 1);
    CHECK_FAILS(munmap_wrap(h), MMAP_WRAP_E_BUSY, "munmap_wrap: the mapping has 1 acquired address");
    CHECK_IS(mmap_wrap_find(h, "x", 1, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_release(h), 0);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK(!is_mapped(bytes));
}

static void a_mapping_with_an_acquired_address_can_do_everything_else(void) {
    mmap_wrap_handle h = memory_of(page);
    char byte;
    CHECK(mmap_wrap_acquire(h) != NULL);
    CHECK_IS(mmap_wrap_write(h, 0, "x", 1), 1);
    CHECK_IS(mmap_wrap_read(h, 0, &byte, 1), 1);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(madvise_wrap(h, MADV_DONTNEED, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(msync_wrap(h, MS_ASYNC, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_length(h), page);
    CHECK_IS(mmap_wrap_release(h), 0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void releasing_more_often_than_acquiring_is_an_error(void) {
    mmap_wrap_handle h = memory_of(page);
    CHECK_FAILS(mmap_wrap_release(h), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_release: released more often than acquired");
    CHECK(mmap_wrap_acquire(h) != NULL);
    CHECK_IS(mmap_wrap_release(h), 0);
    CHECK_FAILS(mmap_wrap_release(h), MMAP_WRAP_E_ARGUMENT, "released more often than acquired");
    CHECK_IS(munmap_wrap(h), 1);
}

static void acquisitions_are_counted_for_each_mapping_separately(void) {
    mmap_wrap_handle held = memory_of(page), other = memory_of(page);
    CHECK(mmap_wrap_acquire(held) != NULL);
    CHECK_IS(mmap_wrap_release(other), MMAP_WRAP_E_ARGUMENT);
    CHECK_IS(munmap_wrap(other), 1);
    mmap_wrap_handle next = memory_of(page); /* in the same slot of the library's table */
    CHECK_IS(mmap_wrap_release(next), MMAP_WRAP_E_ARGUMENT);
    CHECK_IS(munmap_wrap(next), 1);
    CHECK_IS(munmap_wrap(held), MMAP_WRAP_E_BUSY);
    CHECK_IS(mmap_wrap_release(held), 0);
    CHECK_IS(munmap_wrap(held), 1);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(mmap_wrap_address_returns_the_address_of_the_first_byte);
    RUN(a_mapping_is_not_unmapped_until_its_address_is_released);
    RUN(a_mapping_with_an_acquired_address_can_do_everything_else);
    RUN(releasing_more_often_than_acquiring_is_an_error);
    RUN(acquisitions_are_counted_for_each_mapping_separately);
    return finish();
}
