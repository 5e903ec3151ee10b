/* Reading, writing, filling, moving and searching: the correct bytes. */
#define _GNU_SOURCE
#include "check.h"
#include "mmap_wrap_constants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Large enough for several pages of any size, and for copies in several pieces. */
enum { RW = PROT_READ | PROT_WRITE, ROOM = 12 * 65536 };
static int64_t page;
static unsigned char expected[ROOM], seen[ROOM];

/* Makes the kernel do each access, since one page has another protection. */
static void make_uneven(mmap_wrap_handle h, int64_t size) {
    CHECK_IS(mprotect_wrap(h, PROT_NONE, size - page, page), 0);
}

static void a_write_changes_exactly_the_range_and_is_read_back(void) {
    const int64_t size = 3 * page, sizes[] = {0, 1, 2, 7, 8, 63, 64, 65, 1000, page, page + 1};
    mmap_wrap_handle h = scrambled_memory(expected, size);
    static unsigned char patch[ROOM];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t offset = page - 3;
        scramble(patch, sizes[i], (uint32_t)i);
        CHECK_IS(mmap_wrap_write(h, offset, patch, sizes[i]), sizes[i]);
        memcpy(expected + offset, patch, (size_t)sizes[i]);
        CHECK(contains(h, expected, size));

        memset(seen, 0xAA, sizeof seen);
        CHECK_IS(mmap_wrap_read(h, offset, seen + 1, sizes[i]), sizes[i]);
        CHECK(seen[0] == 0xAA && seen[1 + sizes[i]] == 0xAA && memcmp(seen + 1, patch, (size_t)sizes[i]) == 0);
    }
    CHECK(memcmp(mmap_wrap_address(h), expected, (size_t)size) == 0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void fill_takes_bytes_0_to_255_only(void) {
    mmap_wrap_handle h = scrambled_memory(expected, 300);
    for (int byte = 0; byte <= 255; byte++) {
        CHECK_IS(mmap_wrap_fill(h, byte, byte, 10), 10);
        memset(expected + byte, byte, 10);
    }
    CHECK(contains(h, expected, 300));
    CHECK_FAILS(mmap_wrap_fill(h, 0, 256, 1), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_fill: 256 is not a byte value: 0 to 255");
    CHECK_FAILS(mmap_wrap_fill(h, 0, -1, 1), MMAP_WRAP_E_ARGUMENT, "-1 is not a byte");
    CHECK(contains(h, expected, 300));
    CHECK_IS(mmap_wrap_fill(h, 100, 'r', MMAP_WRAP_REST), 200);
    memset(expected + 100, 'r', 200);
    CHECK(contains(h, expected, 300));
    CHECK_IS(munmap_wrap(h), 1);
}

/* As memmove, in both directions, whether the library copies or the kernel, piece by piece. */
static void move_is_correct_for_every_overlap(void) {
    const int64_t usable = ROOM - 65536, far = usable / 2;
    const int64_t distances[] = {-far, -40000, -16384, -4097, -100, -1, 0, 1, 100, 4097, 16384, 40000, far};
    for (int uneven = 0; uneven <= 1; uneven++) {
        for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
            int64_t distance = distances[i], from = distance < 0 ? -distance : 0, to = from + distance;
            int64_t size = usable - (distance < 0 ? -distance : distance);
            mmap_wrap_handle h = scrambled_memory(expected, ROOM);
            if (uneven != 0) make_uneven(h, ROOM);
            CHECK_IS(mmap_wrap_move(h, to, from, size), size);
            memmove(expected + to, expected + from, (size_t)size);
            CHECK(contains(h, expected, usable));
            CHECK_IS(munmap_wrap(h), 1);
        }
    }
}

/* The simple search: every offset in turn. */
static int64_t search(const unsigned char *in, const char *needle, int64_t length, int64_t start, int64_t end, bool last) {
    int64_t found = MMAP_WRAP_E_NOT_FOUND;
    for (int64_t at = start; at + length <= end && (found < 0 || last); at++)
        if (memcmp(in + at, needle, (size_t)length) == 0) found = at;
    return found;
}

static void find_and_rfind_find_needles_that_are_wholly_in_the_range(void) {
    enum { SIZE = 60 };
    const char *const needles[] = {"", "a", "b", "ab", "ba", "aab", "abab", "bbbb", "c", "aabbaabbaabb"};
    mmap_wrap_handle h = memory_of(SIZE);
    for (uint32_t seed = 0; seed < 3; seed++) {
        scramble(expected, SIZE, seed);
        for (int i = 0; i < SIZE; i++) expected[i] = (unsigned char)('a' + expected[i] % 2);
        CHECK_IS(mmap_wrap_write(h, 0, expected, SIZE), SIZE);
        for (size_t n = 0; n < sizeof needles / sizeof *needles; n++)
            for (int64_t start = 0; start <= SIZE; start += 7)
                for (int64_t end = start; end <= SIZE; end += 5) {
                    int64_t length = (int64_t)strlen(needles[n]);
                    CHECK_IS(mmap_wrap_find(h, needles[n], length, start, end),
                             search(expected, needles[n], length, start, end, false));
                    CHECK_IS(mmap_wrap_rfind(h, needles[n], length, start, end),
                             search(expected, needles[n], length, start, end, true));
                }
    }
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_needle_across_a_page_boundary_is_found_and_all_its_bytes_are_compared(void) {
    for (int uneven = 0; uneven <= 1; uneven++) {
        mmap_wrap_handle h = memory_of(3 * page);
        CHECK_IS(mmap_wrap_write(h, page - 2, "\0nee\0dle", 8), 8);
        if (uneven != 0) make_uneven(h, 3 * page);
        CHECK_IS(mmap_wrap_find(h, "nee\0dle", 7, 0, 2 * page), page - 1);
        CHECK_IS(mmap_wrap_rfind(h, "nee\0dle", 7, 0, 2 * page), page - 1);
        CHECK_FAILS(mmap_wrap_find(h, "nee\0dlx", 7, 0, 2 * page), MMAP_WRAP_E_NOT_FOUND, "mmap_wrap_find: not found");
        CHECK_FAILS(mmap_wrap_rfind(h, "nee\0dle", 7, 0, page + 5), MMAP_WRAP_E_NOT_FOUND, "mmap_wrap_rfind: not found");
        CHECK_IS(munmap_wrap(h), 1);
    }
}

static void copies_between_mappings_and_comparisons_agree_with_c(void) {
    mmap_wrap_handle from = scrambled_memory(expected, 3 * page), to = memory_of(2 * page);
    CHECK_IS(mmap_wrap_copy(to, 7, from, page - 9, page), page);
    CHECK_IS(mmap_wrap_read(to, 0, seen, 2 * page), 2 * page);
    CHECK(memcmp(seen + 7, expected + page - 9, (size_t)page) == 0 && seen[6] == 0 && seen[page + 7] == 0);
    CHECK_IS(mmap_wrap_compare(from, page - 9, to, 7, page), page);
    CHECK_IS(mmap_wrap_fill(to, page - 1, expected[2 * page - 17] ^ 1, 1), 1);
    CHECK_IS(mmap_wrap_compare(from, page - 9, to, 7, page), page - 8);
    CHECK_IS(mmap_wrap_compare(to, 0, from, 0, 0), 0);
    CHECK_FAILS(mmap_wrap_copy(to, 0, from, 0, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE, "the mapping copied to: size");
    CHECK_IS(mprotect_wrap(to, PROT_READ, page, page), 0);
    CHECK_FAILS(mmap_wrap_copy(to, page - 5, from, 0, 10), MMAP_WRAP_E_FAULT,
                text("the mapping copied to: the access faulted at offset %d, after 5 of 10 bytes", (int)page));
    CHECK_IS(mprotect_wrap(from, PROT_NONE, 2 * page, page), 0);
    CHECK_FAILS(mmap_wrap_copy(to, 0, from, 2 * page - 6, 10), MMAP_WRAP_E_FAULT, "copied from: the access faulted");
    CHECK_IS(mmap_wrap_fault_done(), 6);
    CHECK_FAILS(mmap_wrap_compare(to, 0, from, 2 * page - 6, 10), MMAP_WRAP_E_FAULT, "the second mapping: the access faulted");
    CHECK_IS(munmap_wrap(from), 1);
    CHECK_IS(munmap_wrap(to), 1);
}

static void count_counts_no_byte_twice(void) {
    mmap_wrap_handle h = memory_of(3 * page);
    CHECK_IS(mmap_wrap_write(h, page - 4, "aaaaaaa\nb\n", 10), 10);
    CHECK_IS(mmap_wrap_count(h, "aa", 2, 0, MMAP_WRAP_REST), 3);
    CHECK_IS(mmap_wrap_count(h, "aa", 2, page - 3, page + 2), 2);
    CHECK_IS(mmap_wrap_count(h, "\n", 1, 0, MMAP_WRAP_REST), 2);
    CHECK_IS(mmap_wrap_count(h, "x", 1, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_count(h, NULL, 0, 10, 20), 11);
    CHECK_IS(mmap_wrap_count(h, NULL, 0, 3 * page, MMAP_WRAP_REST), 1);
    CHECK_FAILS(mmap_wrap_count(h, "a", 1, 5, 4), MMAP_WRAP_E_RANGE, "mmap_wrap_count: end 4 lies before start 5");
    CHECK_IS(mprotect_wrap(h, PROT_NONE, 2 * page, page), 0);
    CHECK_FAILS(mmap_wrap_count(h, "a", 1, 0, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT, text("offset %d", (int)(2 * page)));
    CHECK_IS(munmap_wrap(h), 1);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_write_changes_exactly_the_range_and_is_read_back);
    RUN(fill_takes_bytes_0_to_255_only);
    RUN(move_is_correct_for_every_overlap);
    RUN(find_and_rfind_find_needles_that_are_wholly_in_the_range);
    RUN(a_needle_across_a_page_boundary_is_found_and_all_its_bytes_are_compared);
    RUN(copies_between_mappings_and_comparisons_agree_with_c);
    RUN(count_counts_no_byte_twice);
    return finish();
}
