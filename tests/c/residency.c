/* Which pages are in memory: locking, querying, reading in. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS, ROOM = 4 * 65536 };
static int64_t page;
static unsigned char pages[64], bytes[ROOM];

/* Which pages of the range are in memory, as text: '1' or '0' for each. */
static const char *residency(mmap_wrap_handle h, int64_t offset, int64_t size) {
    char shown[65] = "";
    int64_t count = mincore_wrap(h, pages, sizeof pages, offset, size);
    CHECK(count >= 0);
    for (int64_t i = 0; i < count; i++) shown[i] = (char)('0' + pages[i]);
    return text("%s", shown);
}
#define CHECK_PRESENT(h, offset, size, expected) CHECK(strcmp(residency(h, offset, size), expected) == 0)

/* -- Rules for all calls -- */

static int64_t lock(mmap_wrap_handle h, int64_t at, int64_t size) { return mlock_wrap(h, 0, at, size); }
static int64_t core(mmap_wrap_handle h, int64_t at, int64_t size) { return mincore_wrap(h, pages, 64, at, size); }
static int64_t prefault(mmap_wrap_handle h, int64_t at, int64_t size) { return mmap_wrap_prefault(h, 1, at, size); }
static int64_t cache(mmap_wrap_handle h, int64_t at, int64_t size) { return cachestat_wrap(h, NULL, 0, at, size); }

static const struct {
    const char *name;
    int64_t (*with)(mmap_wrap_handle, int64_t at, int64_t size);
} calls[] = {
    {"mlock_wrap", lock},
    {"munlock_wrap", munlock_wrap},
    {"mincore_wrap", core},
    {"mmap_wrap_resident_bytes", mmap_wrap_resident_bytes},
    {"mmap_wrap_prefault", prefault},
    {"mmap_wrap_page_out", mmap_wrap_page_out},
    {"cachestat_wrap", cache},
};

static void every_call_fails_with(mmap_wrap_handle h, int64_t at, int64_t size, int64_t code, const char *why) {
    char message[200]; /* why comes from text(), whose buffers are reused */
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        snprintf(message, sizeof message, "%s: %s", calls[i].name, why);
        check_fails(calls[i].with(h, at, size), code, message, __FILE__, __LINE__, calls[i].name);
    }
}

static void handles_and_ranges_are_checked(void) {
    const long long length = 2 * page;
    mmap_wrap_handle h = memory_of(length);
    every_call_fails_with(h, -1, 1, MMAP_WRAP_E_RANGE, "offset -1 is negative");
    every_call_fails_with(h, 0, -5, MMAP_WRAP_E_RANGE, "size -5 is negative");
    every_call_fails_with(h, 0, length + 1, MMAP_WRAP_E_RANGE, text("size %lld from offset 0 extends beyond", length + 1));
    every_call_fails_with(h, 1, INT64_MAX, MMAP_WRAP_E_RANGE, text("size %lld from offset 1 wraps around", (long long)INT64_MAX));
    every_call_fails_with(h, length + 1, MMAP_WRAP_REST, MMAP_WRAP_E_RANGE, text("offset %lld lies beyond", length + 1));
    CHECK_PRESENT(h, 0, MMAP_WRAP_REST, "00");
    CHECK_IS(munmap_wrap(h), 1);
    every_call_fails_with(h, 0, MMAP_WRAP_REST, MMAP_WRAP_E_UNMAPPED, "the mapping of handle");
    every_call_fails_with(0, 0, MMAP_WRAP_REST, MMAP_WRAP_E_HANDLE, "0x0 is not a valid mapping handle");
}

static void size_zero_does_nothing(void) {
    mmap_wrap_handle h = memory_of(page);
    for (size_t i = 0; i + 1 < sizeof calls / sizeof *calls; i++)
        check_is(calls[i].with(h, page, 0), 0, __FILE__, __LINE__, calls[i].name);
    CHECK_IS(munmap_wrap(h), 1);
}

static void an_empty_mapping_has_no_pages(void) {
    make_file("empty", "", 0);
    mmap_wrap_handle h = mmap_path_wrap("empty", MMAP_WRAP_REST, PROT_READ, MAP_SHARED, 0);
    for (size_t i = 0; i + 1 < sizeof calls / sizeof *calls; i++)
        check_is(calls[i].with(h, 0, MMAP_WRAP_REST), 0, __FILE__, __LINE__, calls[i].name);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("empty");
}

/* -- Locking -- */

static void locked_pages_are_in_memory_and_stay(void) {
    mmap_wrap_handle h = memory_of(4 * page);
    CHECK_IS(mlock_wrap(h, 0, 2 * page - 1, 2), 0);
    CHECK_PRESENT(h, 0, MMAP_WRAP_REST, "0110");
    int64_t dropped = mmap_wrap_page_out(h, page, page);
    /* An emulator that does not lock evicts the pages. */
    char *locked = mmap_wrap_address(h);
    if (madvise(locked + page, (size_t)page, MADV_PAGEOUT) == 0) skip("locked pages are not locked here");
    else if (!lacking(dropped)) CHECK_FAILS(dropped, -EINVAL, text("mmap_wrap_page_out: remove %lld bytes", (long long)page));
    CHECK_IS(munlock_wrap(h, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(munlock_wrap(h, 0, MMAP_WRAP_REST), 0);
    CHECK_FAILS(mlock_wrap(h, 64, 0, MMAP_WRAP_REST), MMAP_WRAP_E_ARGUMENT, "mlock_wrap: flags 0x40");
    CHECK_IS(munmap_wrap(h), 1);
}

static void locks_too_much(void) {
    struct rlimit limit = {65536, 65536};
    mmap_wrap_handle h = memory_of(1 << 20);
    CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    if (geteuid() == 0 && setuid(65534) != 0) {
        skip("root has no limit of locked memory, and cannot become another user here");
        return;
    }
    CHECK_FAILS(mlock_wrap(h, 0, 0, MMAP_WRAP_REST), -ENOMEM, "mlock_wrap: lock 1048576 bytes from offset 0");
    CHECK_FAILS(mlock_wrap(h, 0, 0, MMAP_WRAP_REST), -ENOMEM, "may lock 65536 bytes (RLIMIT_MEMLOCK)");
}

static void an_error_has_the_limit_of_locked_memory(void) {
    if (under_valgrind()) skip("valgrind keeps limits of its own");
    else in_child(locks_too_much);
}

/* -- Querying and reading in -- */

static void pages_are_in_memory_once_they_were_accessed(void) {
    mmap_wrap_handle h = memory_of(4 * page);
    CHECK_PRESENT(h, 0, MMAP_WRAP_REST, "0000");
    CHECK_IS(mmap_wrap_fill(h, page, 1, 1), 1);
    CHECK_PRESENT(h, 0, MMAP_WRAP_REST, "0100");
    CHECK_PRESENT(h, page - 1, 2, "01");
    CHECK_IS(mmap_wrap_resident_bytes(h, 0, MMAP_WRAP_REST), page);
    CHECK_IS(mmap_wrap_prefault(h, 1, 2 * page + 5, 10), 10);
    CHECK_IS(mmap_wrap_prefault(h, 0, 3 * page, MMAP_WRAP_REST), page);
    CHECK_PRESENT(h, 0, MMAP_WRAP_REST, "0111");
    CHECK_IS(mmap_wrap_find(h, "\1", 1, 0, MMAP_WRAP_REST), page);
    CHECK_IS(munmap_wrap(h), 1);
}

static void too_small_an_array_is_an_error(void) {
    mmap_wrap_handle h = memory_of(4 * page);
    memset(pages, 9, sizeof pages);
    CHECK_FAILS(mincore_wrap(h, pages, 3, 0, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE, "room for 3 pages, but the range has 4");
    CHECK_FAILS(mincore_wrap(h, NULL, 4, 0, MMAP_WRAP_REST), MMAP_WRAP_E_ARGUMENT, "the buffer is NULL");
    CHECK_FAILS(mincore_wrap(h, pages, -4, 0, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE, "-4 is negative");
    CHECK(pages[0] == 9);
    CHECK_IS(mincore_wrap(h, pages, 4, 0, MMAP_WRAP_REST), 4);
    CHECK(pages[3] == 0 && pages[4] == 9);
    CHECK_IS(munmap_wrap(h), 1);
}

static void prefaulting_stops_at_the_page_that_faults(void) {
    make_file("short", bytes, 3 * page);
    for (int writing = 0; writing <= 1; writing++) {
        CHECK(truncate("short", 3 * page) == 0);
        mmap_wrap_handle h = mmap_path_wrap("short", MMAP_WRAP_REST, RW, MAP_SHARED, 0);
        CHECK(truncate("short", 5) == 0);
        CHECK_FAILS(mmap_wrap_prefault(h, writing, 10, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT,
                    text("mmap_wrap_prefault: the access faulted at offset %lld", (long long)page));
        CHECK_IS(mmap_wrap_fault_done(), page - 10);
        CHECK(mmap_wrap_fault_address() == (char *)mmap_wrap_address(h) + page);
        CHECK_IS(munmap_wrap(h), 1);
    }
    unlink("short");
}

static int64_t locked_bytes(void) {
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    long long kibibytes = -1;
    while (status != NULL && fgets(line, sizeof line, status) != NULL) sscanf(line, "VmLck: %lld", &kibibytes);
    if (status != NULL) fclose(status);
    return kibibytes * 1024;
}

static void locks_all_and_unlocks_all(void) {
    mmap_wrap_handle before = memory_of(16 * page);
    CHECK_FAILS(mlockall_wrap(0), -EINVAL, "MCL_CURRENT");
    CHECK_FAILS(mlockall_wrap(MCL_CURRENT | 1 << 20), MMAP_WRAP_E_ARGUMENT, "mlockall_wrap: flags");
    CHECK_FAILS(mlockall_wrap(-1), MMAP_WRAP_E_ARGUMENT, "mlockall_wrap: flags");
    if (mlockall_wrap(MCL_CURRENT | MCL_FUTURE) != 0) {
        skip("all memory cannot be locked here: %s", mmap_wrap_last_error_message());
    } else if (locked_bytes() == 0) {
        skip("this system does not report locked memory");
    } else {
        CHECK(locked_bytes() >= 16 * page);
        const int64_t bytes_before = locked_bytes();
        mmap_wrap_handle after = memory_of(16 * page);
        CHECK(locked_bytes() >= bytes_before + 16 * page);
        CHECK_PRESENT(after, 0, page, "1");
        CHECK_IS(munmap_wrap(after), 1);
    }
    CHECK_IS(munlockall_wrap(), 0);
    CHECK_IS(locked_bytes(), 0);
    mmap_wrap_handle later = memory_of(16 * page);
    CHECK_IS(locked_bytes(), 0);
    CHECK_IS(munmap_wrap(later), 1);
    CHECK_IS(munmap_wrap(before), 1);
}

static void all_memory_is_locked_and_unlocked(void) {
    in_child(locks_all_and_unlocks_all);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(handles_and_ranges_are_checked);
    RUN(size_zero_does_nothing);
    RUN(an_empty_mapping_has_no_pages);
    RUN(locked_pages_are_in_memory_and_stay);
    RUN(an_error_has_the_limit_of_locked_memory);
    RUN(pages_are_in_memory_once_they_were_accessed);
    RUN(too_small_an_array_is_an_error);
    RUN(prefaulting_stops_at_the_page_that_faults);
    RUN(all_memory_is_locked_and_unlocked);
    return finish();
}
