/* Ranges: one set of rules for every call that takes an offset and a size. */
#define _GNU_SOURCE
#include "check.h"
#include "mmap_wrap_constants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, ROOM = 4 * 65536 };
static int64_t page;
static unsigned char buffer[ROOM], before[ROOM];

/* Every call with a range, as (handle, offset, size). */
typedef mmap_wrap_handle handle;
static int64_t protect(handle h, int64_t at, int64_t size) { return mprotect_wrap(h, PROT_NONE, at, size); }
static int64_t advise(handle h, int64_t at, int64_t size) { return madvise_wrap(h, MADV_NORMAL, at, size); }
static int64_t discard(handle h, int64_t at, int64_t size) { return madvise_wrap(h, MADV_DONTNEED, at, size); }
static int64_t sync_(handle h, int64_t at, int64_t size) { return msync_wrap(h, MS_SYNC, at, size); }
static int64_t read_(handle h, int64_t at, int64_t size) { return mmap_wrap_read(h, at, buffer, size); }
static int64_t write_(handle h, int64_t at, int64_t size) { return mmap_wrap_write(h, at, buffer, size); }
static int64_t fill(handle h, int64_t at, int64_t size) { return mmap_wrap_fill(h, at, 'x', size); }
static int64_t move_from(handle h, int64_t at, int64_t size) { return mmap_wrap_move(h, 0, at, size); }
static int64_t move_to(handle h, int64_t at, int64_t size) { return mmap_wrap_move(h, at, 0, size); }

static const struct call {
    const char *name; /* as in messages */
    int64_t (*with)(handle, int64_t at, int64_t size);
    bool returns_size;  /* else 0 */
    bool knows_rest;    /* not if the size is that of a buffer */
    bool by_whole_pages;
} calls[] = {
    {"mprotect_wrap", protect, false, true, true},         {"madvise_wrap", advise, false, true, false},
    {"madvise_wrap", discard, false, true, true},          {"msync_wrap", sync_, false, true, false},
    {"mmap_wrap_read", read_, true, false, false},    {"mmap_wrap_write", write_, true, false, false},
    {"mmap_wrap_fill", fill, true, true, false},      {"mmap_wrap_move", move_from, true, true, false},
    {"mmap_wrap_move", move_to, true, false, false},
};
#define EACH_CALL(call) (const struct call *call = calls; call < calls + sizeof calls / sizeof *calls; call++)

static void call_fails(const struct call *call, handle h, int64_t offset, int64_t size, const char *why) {
    const char *message = text("%s: %s", call->name, why);
    check_fails(call->with(h, offset, size), MMAP_WRAP_E_RANGE, message, __FILE__, __LINE__, message);
}

static void a_range_outside_the_mapping_is_an_error_with_the_numbers_and_accesses_nothing(void) {
    const long long length = 2 * page;
    handle h = scrambled_memory(before, length);
    for EACH_CALL(call) {
        call_fails(call, h, length + 1, 0, text("offset %lld lies beyond %lld byte mapping", length + 1, length));
        call_fails(call, h, INT64_MAX, 0, text("offset %lld lies beyond %lld byte mapping", (long long)INT64_MAX, length));
        call_fails(call, h, -1, 1, "offset -1 is negative");
        call_fails(call, h, INT64_MIN, 1, text("offset %lld is negative", (long long)INT64_MIN));
        call_fails(call, h, 0, -5, "size -5 is negative");
    }
    for EACH_CALL(call) {
        if (call->with == move_to) continue; /* the source is checked first: see the next test */
        /* Where addresses are of 32 bits, a buffer of that size is the first error. */
        bool no_buffer = sizeof(void *) < 8 && (call->with == read_ || call->with == write_);
        call_fails(call, h, 1, INT64_MAX, no_buffer ? "a buffer of" : text("size %lld from offset 1 wraps around", (long long)INT64_MAX));
        call_fails(call, h, page, length,
                text("size %lld from offset %lld extends beyond %lld byte mapping", length, (long long)page, length));
        call_fails(call, h, length, 1, text("size 1 from offset %lld extends beyond %lld byte mapping", length, length));
        call_fails(call, h, 0, length + 1,
                text("size %lld from offset 0 extends beyond %lld byte mapping", length + 1, length));
        call_fails(call, h, 0, INT64_MAX, no_buffer ? "a buffer of" : text("size %lld from offset 0 extends beyond", (long long)INT64_MAX));
    }
    CHECK(contains(h, before, length));
    CHECK_IS(munmap_wrap(h), 1);
}

static void source_and_target_of_a_move_must_be_inside(void) {
    handle h = scrambled_memory(before, 100);
    CHECK_FAILS(mmap_wrap_move(h, 60, 0, 41), MMAP_WRAP_E_RANGE, "size 41 from offset 60 extends beyond 100 byte mapping");
    CHECK_FAILS(mmap_wrap_move(h, 0, 60, 41), MMAP_WRAP_E_RANGE, "size 41 from offset 60 extends beyond 100 byte mapping");
    CHECK_FAILS(mmap_wrap_move(h, 1, 0, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE, "size 100 from offset 1 extends beyond");
    CHECK(contains(h, before, 100));
    CHECK_IS(mmap_wrap_move(h, 60, 0, 40), 40);
    CHECK_IS(mmap_wrap_move(h, 0, 60, MMAP_WRAP_REST), 40);
    CHECK_IS(munmap_wrap(h), 1);
}

static void size_zero_is_valid_up_to_the_end_and_does_nothing(void) {
    const int64_t length = 2 * page, offsets[] = {0, 1, page - 1, page, length - 1, length};
    handle h = scrambled_memory(before, length);
    for EACH_CALL(call)
        for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
            check_is(call->with(h, offsets[i], 0), 0, __FILE__, __LINE__, text("%s of size 0", call->name));
    CHECK(contains(h, before, length));
    CHECK_IS(munmap_wrap(h), 1);
}

static void rest_is_the_size_to_the_end(void) {
    const int64_t length = 3 * page, offsets[] = {0, page, 2 * page, length};
    for EACH_CALL(call) {
        for (size_t i = 0; call->knows_rest && i < sizeof offsets / sizeof *offsets; i++) {
            handle h = memory_of(length);
            int64_t expected = call->returns_size ? length - offsets[i] : 0;
            check_is(call->with(h, offsets[i], MMAP_WRAP_REST), expected, __FILE__, __LINE__, call->name);
            munmap_wrap(h);
        }
    }
}

/* For each small range the expected result is computed here from the rules of the header. */
static void every_small_range_has_the_result_that_the_header_states(void) {
    enum { LENGTH = 5 };
    for EACH_CALL(call) {
        if (call->by_whole_pages) continue; /* alignment has its own tests below */
        handle h = scrambled_memory(before, LENGTH);
        for (int64_t offset = -2; offset <= LENGTH + 2; offset++)
            for (int64_t size = -2; size <= LENGTH + 2; size++) {
                bool inside = offset >= 0 && size >= 0 && offset + size <= LENGTH;
                int64_t expected = !inside ? MMAP_WRAP_E_RANGE : call->returns_size ? size : 0;
                check_is(call->with(h, offset, size), expected, __FILE__, __LINE__,
                         text("%s: size %lld from offset %lld", call->name, (long long)size, (long long)offset));
            }
        munmap_wrap(h);
    }
}

static void searches_have_the_same_rules_for_start_and_end(void) {
    int64_t (*const searches[])(handle, const void *, int64_t, int64_t, int64_t) = {mmap_wrap_find, mmap_wrap_rfind};
    handle h = memory_of(100);
    for (int i = 0; i < 2; i++) {
        CHECK_FAILS(searches[i](h, "x", 1, 101, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE,
                    "offset 101 lies beyond 100 byte mapping");
        CHECK_FAILS(searches[i](h, "x", 1, 0, 101), MMAP_WRAP_E_RANGE, "offset 101 lies beyond 100 byte mapping");
        CHECK_FAILS(searches[i](h, "x", 1, 50, 49), MMAP_WRAP_E_RANGE, "end 49 lies before start 50");
        CHECK_FAILS(searches[i](h, "x", 1, -1, 10), MMAP_WRAP_E_RANGE, "-1 is negative");
        CHECK_FAILS(searches[i](h, "x", 1, 0, -1), MMAP_WRAP_E_RANGE, "-1 is negative");
        CHECK_FAILS(searches[i](h, "x", -1, 0, 1), MMAP_WRAP_E_RANGE, "-1 is negative");
        CHECK_IS(searches[i](h, "x", 1, 100, 100), MMAP_WRAP_E_NOT_FOUND);
        CHECK_IS(searches[i](h, "", 0, 100, MMAP_WRAP_REST), 100);
    }
    CHECK_IS(munmap_wrap(h), 1);
}

#ifndef _WIN32
/* -- More than 32 bits -- */

static const int64_t GIBIBYTE = 1 << 30;

/* A file without blocks; -1 if the file system has no files of that size. */
static int sparse_file(int64_t size) {
    int fd = open("sparse", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && ftruncate(fd, size) == 0) return fd;
    skip("a file of %lld bytes: %s", (long long)size, strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

static bool file_has(int fd, int64_t offset, const char *expected) {
    char found[16] = "";
    return pread(fd, found, strlen(expected), offset) == (ssize_t)strlen(expected) && strcmp(found, expected) == 0;
}

static void a_file_is_mapped_at_an_offset_of_more_than_32_bits(void) {
    int64_t offset = 5 * GIBIBYTE;
    int fd = sparse_file(offset + 2 * page);
    if (fd < 0) return;
    struct mmap_wrap_info info;
    handle h = mmap_wrap(NULL, 2 * page, RW, MAP_SHARED | MMAP_WRAP_KEEP, fd, offset);
    CHECK(h > 0);
    CHECK_IS(mmap_wrap_info(h, &info, sizeof info), 0);
    CHECK_IS(info.offset, offset);
    CHECK_IS(mmap_wrap_file_size(h), offset + 2 * page);
    CHECK_IS(mmap_wrap_write(h, page - 3, "beyond", 6), 6);
    CHECK_IS(msync_wrap(h, MS_SYNC, 0, MMAP_WRAP_REST), 0);
    CHECK(file_has(fd, offset + page - 3, "beyond"));
    CHECK(pread(fd, buffer, 6, offset % (4 * GIBIBYTE) + page - 3) == 6 && buffer[0] == 0);
    int64_t result = mmap_wrap_fd_evict(fd, offset, 2 * page);
    CHECK(result >= 0 || result == MMAP_WRAP_E_UNSUPPORTED);
    CHECK_IS(mmap_wrap_find(h, "beyond", 6, 0, MMAP_WRAP_REST), page - 3);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_FAILS(mmap_wrap(NULL, MMAP_WRAP_REST, RW, MAP_SHARED, fd, offset + 3 * page), MMAP_WRAP_E_RANGE,
                text("%lld", (long long)(offset + 3 * page)));
    close(fd);
    unlink("sparse");
}

static void a_mapping_is_longer_than_32_bits(void) {
    if (sizeof(void *) < 8) {
        CHECK(mmap_wrap(NULL, 5 * GIBIBYTE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) < 0);
        return;
    }
    int64_t length = 5 * GIBIBYTE, after_4 = 4 * GIBIBYTE + page;
    int fd = sparse_file(length);
    if (fd < 0) return;
    handle h = mmap_wrap(NULL, MMAP_WRAP_REST, RW, MAP_SHARED, fd, 0);
    if (!CHECK(h > 0)) return;
    int64_t number = 0;
    uint8_t resident = 7;
    CHECK_IS(mmap_wrap_length(h), length);
    CHECK_IS(mmap_wrap_write(h, 2 * GIBIBYTE - 3, "border", 6), 6);
    CHECK_IS(mmap_wrap_put(h, MMAP_WRAP_I64, after_4, &(int64_t){-5}), 0);
    CHECK_IS(mmap_wrap_move(h, 0, 2 * GIBIBYTE - 3, 6), 6);
    CHECK_IS(mmap_wrap_get(h, MMAP_WRAP_I64, after_4, &number), 0);
    CHECK_IS(number, -5);
    CHECK_IS(mmap_wrap_get(h, MMAP_WRAP_I64, page, &number), 0);
    CHECK_IS(number, 0);
    CHECK_IS(mmap_wrap_fill(h, length - 4, 'x', 4), 4);
    CHECK_IS(mmap_wrap_find(h, "xx", 2, length - 4 * page, MMAP_WRAP_REST), length - 4);
    CHECK_IS(mmap_wrap_rfind(h, "border", 6, 2 * GIBIBYTE - page, 2 * GIBIBYTE + page), 2 * GIBIBYTE - 3);
    int64_t added = mmap_wrap_atomic_add(h, 32, after_4 + 8, 7, &number);
    CHECK(added == 0 || (added == MMAP_WRAP_E_UNSUPPORTED && !has_loops()));
    CHECK_IS(mincore_wrap(h, &resident, 1, after_4, page), 1);
    CHECK_IS(resident & 1, 1);
    CHECK_IS(msync_wrap(h, MS_SYNC, 4 * GIBIBYTE, 2 * page), 0);
    CHECK(file_has(fd, 0, "border"));
    CHECK_IS(mprotect_wrap(h, PROT_READ, 4 * GIBIBYTE, page), 0);
    CHECK_FAILS(mmap_wrap_fill(h, 4 * GIBIBYTE, 'x', 1), MMAP_WRAP_E_FAULT, text("offset %lld", (long long)(4 * GIBIBYTE)));
    CHECK_IS(mmap_wrap_fill(h, 0, 'x', 1), 1);
    CHECK_FAILS(mmap_wrap_read(h, length, buffer, 1), MMAP_WRAP_E_RANGE,
                text("size 1 from offset %lld extends beyond %lld byte mapping", (long long)length, (long long)length));
    CHECK_IS(munmap_wrap(h), 1);
    close(fd);
    unlink("sparse");
}
#endif

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_range_outside_the_mapping_is_an_error_with_the_numbers_and_accesses_nothing);
    RUN(source_and_target_of_a_move_must_be_inside);
    RUN(size_zero_is_valid_up_to_the_end_and_does_nothing);
    RUN(rest_is_the_size_to_the_end);
    RUN(every_small_range_has_the_result_that_the_header_states);
    RUN(searches_have_the_same_rules_for_start_and_end);
    RUN_POSIX(a_file_is_mapped_at_an_offset_of_more_than_32_bits);
    RUN_POSIX(a_mapping_is_longer_than_32_bits);
    return finish();
}
