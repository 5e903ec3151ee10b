/*
 * Sizes that the caller determines, in a process with little memory left: each call has a result or returns -ENOMEM, and
 * none aborts.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
#define MIB ((int64_t)1 << 20)
static int64_t page;
static enum situation situation;

/* The address space of the process, as the kernel counts it against RLIMIT_AS. */
static int64_t address_space(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    long long pages = 0;
    if (file == NULL || fscanf(file, "%lld", &pages) != 1) abort();
    fclose(file);
    return pages * page;
}

static void leave(int resource, int64_t room) {
    int64_t used = address_space();
    struct rlimit limit = {(rlim_t)(used + room), (rlim_t)(used + room)};
    CHECK(setrlimit(resource, &limit) == 0);
}

/* -- A needle larger than the memory that is left -- */

static const struct {
    const char *name;
    int64_t (*search)(mmap_wrap_handle, const void *, int64_t, int64_t, int64_t);
} searches[] = {{"find", mmap_wrap_find}, {"rfind", mmap_wrap_rfind}, {"count", mmap_wrap_count}};
static int search;
/* The mapping is this much longer than the needle. */
#define MORE (16 * MIB)
static int64_t needle_length, room_left;
static bool occurs;

static void searches_with_little_memory(void) {
    take_situation(situation);
    const int64_t length = needle_length + MORE;
    mmap_wrap_handle h = mmap_wrap(NULL, length, RW, PRIVATE, -1, 0);
    char *needle = mmap(NULL, (size_t)needle_length, RW, PRIVATE, -1, 0);
    if (!CHECK(h > 0 && needle != MAP_FAILED)) return;
    /* A needle that does not occur differs in its first byte, so that not all zeros are compared at each offset. */
    if (!occurs) memset(needle, 'x', (size_t)(needle_length < page ? needle_length : page));
    enter_situation(situation);
    char byte;
    CHECK_IS(mmap_wrap_read(h, 0, &byte, 1), 1);
    leave(RLIMIT_AS, room_left);
    int64_t result = searches[search].search(h, needle, needle_length, 0, MMAP_WRAP_REST);
    int64_t right = search == 0 ? 0 : search == 1 ? MORE : length / needle_length;
    if (!occurs) right = search == 2 ? 0 : MMAP_WRAP_E_NOT_FOUND;
    check(result == right || result == -ENOMEM, "access_large_needles.c", __LINE__,
          text("%s is %lld or ENOMEM (it is %lld)", case_name, (long long)right, (long long)result));
    CHECK_IS(mmap_wrap_read(h, 0, &byte, 1), 1);
    CHECK_IS(mmap_wrap_find(h, "", 1, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void tried(int64_t mebibytes, int64_t room, bool does_occur) {
    needle_length = mebibytes * MIB;
    room_left = room * MIB;
    occurs = does_occur;
    LIVES(120, searches_with_little_memory, "%s for %d MiB that %s, %d MiB left, %s", searches[search].name, (int)mebibytes,
          occurs ? "occur" : "do not occur", (int)room, situation_names[situation]);
}

static void a_search_for_a_needle_beyond_memory_has_a_result_or_enomem(void) {
    for (search = 0; search < 3; search++) {
        situation = OURS;
        tried(600, 64, true);
        for (situation = OURS; situation <= BOTH_FOREIGN; situation += BOTH_FOREIGN) {
            for (int occur = 0; occur < 2; occur++) {
                tried(32, 8, occur);
                tried(32, 0, occur);
                tried(1, 0, occur);
            }
        }
    }
}

/* -- Paths, names, lists -- */

static char *long_text(int64_t bytes) {
    char *made = mmap(NULL, (size_t)bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(made, 'p', (size_t)bytes - 1);
    return made;
}

static void long_texts(void) {
    take_situation(situation);
    mmap_wrap_handle h = memory_of(page);
    char *long_path = long_text(64 * MIB);
    enter_situation(situation);
    leave(RLIMIT_AS, 0);
    int64_t results[] = {
        mmap_path_wrap(long_path, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0),
        mmap_open_wrap(long_path, HOW(2, 0600, page, 0, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0)),
        mmap_shm_wrap(long_path, HOW(2, 0600, page, 0, MMAP_WRAP_REST, PROT_READ, MAP_SHARED, 0)),
        shm_unlink_wrap(long_path),
        mmap_memfd_wrap(long_path, 0, page, PROT_READ, MAP_SHARED),
        mmap_wrap_set_name(h, long_path),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        check(results[i] == -ENOMEM || results[i] == -ENAMETOOLONG || results[i] == -EINVAL || results[i] == MMAP_WRAP_E_ARGUMENT,
              "access_large_needles.c", __LINE__, text("%s: call %d is an error of a text (it is %s)", case_name, (int)i, mmap_wrap_strerror(results[i])));
    int64_t value = 0;
    CHECK_IS(mmap_wrap_constant(long_path, &value), MMAP_WRAP_E_ARGUMENT);
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_text_of_64_mib_is_an_error(void) {
    for (situation = OURS; situation <= BOTH_FOREIGN; situation += BOTH_FOREIGN)
        LIVES(60, long_texts, "texts of 64 MiB, %s", situation_names[situation]);
}

/* -- Large sizes by the kernel and by the loops, with no memory left -- */

static void large_amounts(void) {
    take_situation(situation);
    const int64_t length = 4 * MIB;
    mmap_wrap_handle h = memory_of(length), other = memory_of(length);
    char *buffer = mmap(NULL, (size_t)length, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *pages = mmap(NULL, (size_t)(length / page), RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    enter_situation(situation);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, 8), 8);
    leave(RLIMIT_AS, 0);
    const int64_t results[][2] = {
        {mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), length},
        {mmap_wrap_read(h, 0, buffer, length), length},
        {mmap_wrap_write(h, 0, buffer, length), length},
        {mmap_wrap_move(h, 1, 0, length - 1), length - 1},
        {mmap_wrap_move(h, 0, 1, length - 1), length - 1},
        {mmap_wrap_copy(other, 0, h, 0, length), length},
        {mmap_wrap_compare(other, 0, h, 0, length), length},
        {mmap_wrap_count(h, "\1", 1, 0, MMAP_WRAP_REST), length},
        {mincore_wrap(h, pages, length / page, 0, MMAP_WRAP_REST), length / page},
        {mmap_wrap_resident_bytes(h, 0, MMAP_WRAP_REST), length},
        {mmap_wrap_prefault(h, 1, 0, MMAP_WRAP_REST), length},
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        check(results[i][0] == results[i][1] || results[i][0] == -ENOMEM, "access_large_needles.c", __LINE__,
              text("%s: call %d is %lld or ENOMEM (it is %lld)", case_name, (int)i, (long long)results[i][1], (long long)results[i][0]));
    /* Calls that need no memory must not fail. */
    for (size_t i = 0; i < 3; i++) CHECK_IS(results[i][0], results[i][1]);
}

static void large_amounts_need_no_memory_or_are_enomem(void) {
    for (situation = 0; situation < SITUATIONS; situation++)
        LIVES(60, large_amounts, "4 MiB with no memory left, %s", situation_names[situation]);
}

int main(void) {
    page = mmap_wrap_page_size();
    if (!address_space_has_a_limit()) return finish();
    RUN(a_search_for_a_needle_beyond_memory_has_a_result_or_enomem);
    RUN(a_text_of_64_mib_is_an_error);
    RUN(large_amounts_need_no_memory_or_are_enomem);
    return finish();
}
