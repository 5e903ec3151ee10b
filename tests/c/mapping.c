/* Mapping and unmapping: contents, length, address. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, BYTES = 3 * 65536 + 123 };
static int64_t page;
static unsigned char content[BYTES], seen[BYTES];

static void make_content(const char *name) {
    scramble(content, BYTES, 1);
    make_file(name, content, BYTES);
}

static void a_path_maps_the_whole_file(void) {
    make_content("whole");
    mmap_wrap_handle h = mmap_path_wrap("whole", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
    CHECK(h > 0);
    CHECK_IS(mappings_of("/whole"), 1);
    CHECK_IS(mmap_wrap_length(h), BYTES);
    CHECK_IS(mmap_wrap_read(h, 0, seen, BYTES), BYTES);
    CHECK(memcmp(seen, content, BYTES) == 0);
    CHECK(memcmp(mmap_wrap_address(h), content, BYTES) == 0);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_IS(mappings_of("/whole"), 0);
    unlink("whole");
}

#ifndef _WIN32
static void the_descriptor_may_be_closed_afterwards(void) {
    make_content("closed");
    int fd = open("closed", O_RDONLY | O_CLOEXEC);
    mmap_wrap_handle h = mmap_wrap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    unlink("closed");
    CHECK_IS(mmap_wrap_read(h, 0, seen, BYTES), BYTES);
    CHECK(memcmp(seen, content, BYTES) == 0);
    CHECK_IS(munmap_wrap(h), 1);
}
#endif

/* Offsets around the boundaries of pages of every size. */
static void a_file_offset_need_not_be_a_multiple_of_a_page(void) {
    make_content("offset");
    const int64_t offsets[] = {0, 1, 4095, 4096, 4097, 16384, 65535, 65536, 65537, 131072 + 5000, BYTES - 1};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        int64_t offset = offsets[i];
        mmap_wrap_handle h = mmap_path_wrap("offset", MMAP_WRAP_REST, PROT_READ, MAP_SHARED, offset);
        CHECK_IS(mmap_wrap_length(h), BYTES - offset);
        CHECK_IS((int64_t)((uintptr_t)mmap_wrap_address(h) % (uintptr_t)page), offset % page);
        CHECK_IS(mmap_wrap_read(h, 0, seen, BYTES - offset), BYTES - offset);
        CHECK(memcmp(seen, content + offset, (size_t)(BYTES - offset)) == 0);
        CHECK_IS(munmap_wrap(h), 1);

        h = mmap_path_wrap("offset", 1, PROT_READ, MAP_SHARED, offset);
        CHECK_IS(mmap_wrap_length(h), 1);
        CHECK_IS(mmap_wrap_read(h, 0, seen, 1), 1);
        CHECK_IS(seen[0], content[offset]);
        CHECK_IS(munmap_wrap(h), 1);
    }
    unlink("offset");
}

static void an_unaligned_mapping_is_written_synced_and_protected_like_others(void) {
    make_content("unaligned");
    mmap_wrap_handle h = mmap_path_wrap("unaligned", 2 * page, RW, MAP_SHARED, page + 100);
    CHECK_IS(mmap_wrap_fill(h, 0, 'x', MMAP_WRAP_REST), 2 * page);
    CHECK_IS(msync_wrap(h, MS_SYNC, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(msync_wrap(h, MS_SYNC, 1, 1), 0);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_FAILS(mmap_wrap_fill(h, 2 * page - 1, 'y', 1), MMAP_WRAP_E_FAULT, text("offset %d", (int)(2 * page - 1)));
    CHECK_IS(munmap_wrap(h), 1);
    read_file("unaligned", seen, BYTES);
    memset(content + page + 100, 'x', (size_t)(2 * page));
    CHECK(memcmp(seen, content, BYTES) == 0);
    unlink("unaligned");
}

static void an_empty_file_is_a_mapping_of_length_zero(void) {
    make_file("empty", "", 0);
    mmap_wrap_handle h = mmap_path_wrap("empty", MMAP_WRAP_REST, RW, MAP_SHARED, 0);
    CHECK(h > 0);
    CHECK_IS(mmap_wrap_length(h), 0);
    CHECK(mmap_wrap_address(h) != NULL);
    CHECK_IS(mmap_wrap_read(h, 0, NULL, 0), 0);
    CHECK_IS(mmap_wrap_write(h, 0, NULL, 0), 0);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_move(h, 0, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_find(h, "", 0, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_find(h, "x", 1, 0, MMAP_WRAP_REST), MMAP_WRAP_E_NOT_FOUND);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(madvise_wrap(h, MADV_DONTNEED, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(msync_wrap(h, MS_SYNC, 0, MMAP_WRAP_REST), 0);
    CHECK_FAILS(mmap_wrap_read(h, 0, seen, 1), MMAP_WRAP_E_RANGE, "extends beyond 0 byte mapping");
    CHECK(mmap_wrap_acquire(h) != NULL);
    CHECK_FAILS(munmap_wrap(h), MMAP_WRAP_E_BUSY, "1 acquired address");
    CHECK_IS(mmap_wrap_release(h), 0);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_IS(munmap_wrap(h), 0);
    unlink("empty");
}

static void a_mapping_at_the_end_of_a_file_has_length_zero(void) {
    make_content("end");
    mmap_wrap_handle h = mmap_path_wrap("end", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, BYTES);
    CHECK_IS(mmap_wrap_length(h), 0);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("end");
}

#ifndef _WIN32
static void a_length_may_go_beyond_the_end_of_the_file(void) {
    make_file("short", "0123456789", 10);
    mmap_wrap_handle h = mmap_path_wrap("short", page, PROT_READ, MAP_SHARED, 0);
    CHECK_IS(mmap_wrap_length(h), page);
    CHECK_IS(mmap_wrap_read(h, 5, seen, 10), 10);
    CHECK(memcmp(seen, "56789\0\0\0\0", 10) == 0);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("short");
}
#endif

static void shared_changes_reach_the_file_and_private_ones_do_not(void) {
    make_file("changes", "0123456789", 10);
    mmap_wrap_handle private = mmap_path_wrap("changes", MMAP_WRAP_REST, RW, MAP_PRIVATE, 0);
    mmap_wrap_handle shared = mmap_path_wrap("changes", MMAP_WRAP_REST, RW, MAP_SHARED, 0);
    mmap_wrap_handle validated = mmap_path_wrap("changes", MMAP_WRAP_REST, PROT_READ, MAP_SHARED_VALIDATE, 0);
    CHECK_IS(mmap_wrap_write(private, 0, "private", 7), 7);
    read_file("changes", seen, 10);
    CHECK(memcmp(seen, "0123456789", 10) == 0);
    CHECK_IS(mmap_wrap_write(shared, 3, "shared", 6), 6);
    CHECK_IS(msync_wrap(shared, MS_SYNC, 0, MMAP_WRAP_REST), 0);
    read_file("changes", seen, 10);
    CHECK(memcmp(seen, "012shared9", 10) == 0);
    CHECK_IS(mmap_wrap_find(validated, "shared", 6, 0, MMAP_WRAP_REST), 3);
    CHECK_IS(mmap_wrap_find(private, "private", 7, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(munmap_wrap(private), 1);
    CHECK_IS(munmap_wrap(shared), 1);
    CHECK_IS(munmap_wrap(validated), 1);
    unlink("changes");
}

#ifndef _WIN32
static void a_file_opened_for_reading_can_be_written_privately(void) {
    make_file("readonly", "0123456789", 10);
    int fd = open("readonly", O_RDONLY | O_CLOEXEC);
    mmap_wrap_handle h = mmap_wrap(NULL, MMAP_WRAP_REST, RW, MAP_PRIVATE, fd, 0);
    close(fd);
    CHECK_IS(mmap_wrap_write(h, 0, "x", 1), 1);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("readonly");
}

static void a_device_without_a_size_is_mapped_by_length(void) {
    mmap_wrap_handle h = mmap_path_wrap("/dev/zero", 5000, RW, MAP_PRIVATE, 0);
    CHECK_IS(mmap_wrap_length(h), 5000);
    CHECK_IS(mmap_wrap_write(h, 4999, "x", 1), 1);
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_path_may_hold_any_bytes_but_nul(void) {
    const char *name = "not utf-8: \xff\xfe \x80 \n";
    make_file(name, "bytes", 5);
    mmap_wrap_handle h = mmap_path_wrap(name, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
    CHECK_IS(mmap_wrap_find(h, "bytes", 5, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(munmap_wrap(h), 1);
    unlink(name);
}
#endif

static void the_length_is_the_requested_length(void) {
    const int64_t lengths[] = {1, 5000, page - 1, page, page + 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        mmap_wrap_handle h = memory_of(lengths[i]);
        CHECK_IS(mmap_wrap_length(h), lengths[i]);
        CHECK_FAILS(mmap_wrap_fill(h, 0, 1, lengths[i] + 1), MMAP_WRAP_E_RANGE, "extends beyond");
        CHECK_IS(munmap_wrap(h), 1);
    }
}

static void unmapping_twice_returns_zero(void) {
    mmap_wrap_handle h = memory_of(page);
    void *address = mmap_wrap_address(h);
    CHECK(is_mapped(address));
    CHECK_IS(munmap_wrap(h), 1);
    CHECK(!is_mapped(address));
    CHECK_IS(munmap_wrap(h), 0);
    CHECK_IS(munmap_wrap(h), 0);
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void a_handle_is_positive_and_never_used_twice(void) {
    enum { MANY = 3000, AT_ONCE = 3 };
    static int64_t handles[MANY];
    for (int i = 0; i < MANY; i++) {
        handles[i] = memory_of(1);
        if (i >= AT_ONCE) munmap_wrap(handles[i - AT_ONCE]);
    }
    for (int i = MANY - AT_ONCE; i < MANY; i++) CHECK_IS(munmap_wrap(handles[i]), 1);
    int64_t stale = 0, distinct = 1;
    for (int i = 0; i < MANY; i++) stale += munmap_wrap(handles[i]) == 0;
    qsort(handles, MANY, sizeof *handles, ascending);
    for (int i = 1; i < MANY; i++) distinct += handles[i] != handles[i - 1];
    CHECK(handles[0] > 0);
    CHECK_IS(distinct, MANY);
    CHECK_IS(stale, MANY);
}

#ifndef _WIN32
static void the_address_is_a_hint_or_with_map_fixed_the_address(void) {
    char *place = mmap(NULL, (size_t)(4 * page), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int64_t flags = MAP_PRIVATE | MAP_ANONYMOUS;
    mmap_wrap_handle elsewhere = mmap_wrap(place, page, RW, flags, -1, 0);
    CHECK(elsewhere > 0 && mmap_wrap_address(elsewhere) != place);
    mmap_wrap_handle there = mmap_wrap(place + page, 2 * page, RW, flags | MAP_FIXED, -1, 0);
    CHECK(mmap_wrap_address(there) == place + page);
    CHECK_IS(mmap_wrap_fill(there, 0, 1, MMAP_WRAP_REST), 2 * page);
    CHECK_IS(munmap_wrap(there), 1);
    CHECK(!is_mapped(place + page) && !is_mapped(place + 2 * page));
    CHECK(is_mapped(place) && is_mapped(place + 3 * page));
    CHECK_IS(munmap_wrap(elsewhere), 1);
    munmap(place, (size_t)(4 * page));
}

static void map_fixed_noreplace_replaces_nothing(void) {
    if (under_valgrind()) {
        skip("valgrind 3.19 treats the address as a hint");
        return;
    }
    char *place = mmap(NULL, (size_t)page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    CHECK_FAILS(mmap_wrap(place, page, RW, flags, -1, 0), -EEXIST, text("something is mapped at %p already", (void *)place));
    munmap(place, (size_t)page);
    mmap_wrap_handle h = mmap_wrap(place, page, RW, flags, -1, 0);
    CHECK(mmap_wrap_address(h) == place);
    CHECK_IS(munmap_wrap(h), 1);
}

static void other_flags_are_passed_to_the_kernel(void) {
    const int64_t flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE;
    mmap_wrap_handle h = mmap_wrap(NULL, 2 * page, RW, flags, -1, 0);
    unsigned char resident[2] = {0, 0};
    CHECK(mincore(mmap_wrap_address(h), (size_t)(2 * page), resident) == 0);
    CHECK((resident[0] & resident[1] & 1) == 1); /* MAP_POPULATE */
    CHECK_IS(munmap_wrap(h), 1);
}

/* The kernel unmaps whole huge pages only: unmapping the requested length would leak the page. */
static void a_huge_page_is_unmapped_whole_for_any_length(void) {
    mmap_wrap_handle h = mmap_wrap(NULL, page, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (h == -ENOMEM || h == -EINVAL) {
        skip("no huge pages: %s", mmap_wrap_last_error_message());
        return;
    }
    void *address = mmap_wrap_address(h);
    CHECK_IS(mmap_wrap_length(h), page);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), page);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK(!is_mapped(address));
}
#endif

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_path_maps_the_whole_file);
    RUN_POSIX(the_descriptor_may_be_closed_afterwards);
    RUN(a_file_offset_need_not_be_a_multiple_of_a_page);
    RUN(an_unaligned_mapping_is_written_synced_and_protected_like_others);
    RUN(an_empty_file_is_a_mapping_of_length_zero);
    RUN(a_mapping_at_the_end_of_a_file_has_length_zero);
    RUN_POSIX(a_length_may_go_beyond_the_end_of_the_file);
    RUN(shared_changes_reach_the_file_and_private_ones_do_not);
    RUN_POSIX(a_file_opened_for_reading_can_be_written_privately);
    RUN_POSIX(a_device_without_a_size_is_mapped_by_length);
    RUN_POSIX(a_path_may_hold_any_bytes_but_nul);
    RUN(the_length_is_the_requested_length);
    RUN(unmapping_twice_returns_zero);
    RUN(a_handle_is_positive_and_never_used_twice);
    RUN_POSIX(the_address_is_a_hint_or_with_map_fixed_the_address);
    RUN_POSIX(map_fixed_noreplace_replaces_nothing);
    RUN_POSIX(other_flags_are_passed_to_the_kernel);
    RUN_POSIX(a_huge_page_is_unmapped_whole_for_any_length);
    return finish();
}
