/*
 * The limits of a process, each reached in a child of its own: the call that meets one says which and how high it is,
 * everything before goes on working, and all can be unmapped.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };
static int64_t page;
static char byte;

static void set_limit(int resource, rlim_t value) {
    struct rlimit limit = {value, value};
    if (setrlimit((__rlimit_resource_t)resource, &limit) != 0) perror("setrlimit");
}

static void reaches_the_address_space(void) {
    const int64_t room = mapped_bytes() + (64 << 20);
    mmap_wrap_handle before = memory_of(page);
    set_limit(RLIMIT_AS, (rlim_t)room);
    int64_t bytes = mapped_bytes();
    const char *limit = text("RLIMIT_AS is %lld bytes", (long long)room);
    CHECK_FAILS(mmap_wrap(NULL, 128 << 20, RW, PRIVATE, -1, 0), -ENOMEM, limit);
    CHECK_FAILS(mmap_wrap(NULL, 128 << 20, RW, PRIVATE, -1, 0), -ENOMEM, "mmap: 134217728 bytes without a file");
    CHECK_IS(mapped_bytes(), bytes);
    CHECK_IS(mmap_wrap_fill(before, 0, 1, MMAP_WRAP_REST), page);
    CHECK_IS(munmap_wrap(before), 1);
    mmap_wrap_handle after = mmap_wrap(NULL, 16 << 20, RW, PRIVATE, -1, 0);
    CHECK_IS(munmap_wrap(after), 1);
}

static void rlimit_as_is_named_when_it_is_reached(void) {
    in_child(reaches_the_address_space);
}

static int64_t most_mappings(void) {
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    long long count = -1;
    if (file == NULL || fscanf(file, "%lld", &count) != 1) perror("vm.max_map_count");
    if (file != NULL) fclose(file);
    return count;
}

enum { MOST_TRIED = 1 << 20 };
static mmap_wrap_handle handles[MOST_TRIED];

/* Maps page after page until the system refuses, with what it refused. The protections alternate, for the kernel
 * counts neighbours of equal protection as one mapping. */
static int64_t map_until_refused(int64_t *refusal) {
    int64_t count = 0;
    while (count < MOST_TRIED) {
        int64_t h = mmap_wrap(NULL, page, count % 2 == 0 ? PROT_READ : RW, PRIVATE, -1, 0);
        if (h < 0) {
            *refusal = h;
            break;
        }
        handles[count++] = h;
    }
    return count;
}

static int64_t unmapped_of(int64_t count) {
    int64_t unmapped = 0;
    for (int64_t i = 0; i < count; i++) unmapped += munmap_wrap(handles[i]) == 1;
    return unmapped;
}

static void reaches_the_number_of_mappings(void) {
    const char *limit = text("vm.max_map_count is %lld mappings", (long long)most_mappings());
    int64_t refusal = 0, count = map_until_refused(&refusal);
    CHECK_FAILS(refusal, -ENOMEM, limit);
    CHECK(count > 1000);
    CHECK_IS(mmap_wrap_read(handles[count - 1], 0, &byte, 1), 1);
    CHECK_IS(mmap_wrap_length(handles[0]), page);
    CHECK_IS(munmap_wrap(handles[count - 1]), 1);
    handles[count - 1] = mmap_wrap(NULL, page, PROT_NONE, PRIVATE, -1, 0);
    CHECK(handles[count - 1] > 0);
    CHECK_IS(unmapped_of(count), count);
}

/* The middle of three merged neighbours: taking it out, or making it different, takes one mapping more. */
static void cannot_split_at_the_limit(void) {
    char *place = mmap(NULL, (size_t)(5 * page), PROT_NONE, PRIVATE, -1, 0);
    mmap_wrap_handle part[3], spare = mmap_wrap(NULL, page, PROT_EXEC, PRIVATE, -1, 0);
    for (int i = 0; i < 3; i++) part[i] = mmap_wrap(place + (i + 1) * page, page, RW, PRIVATE | MAP_FIXED, -1, 0);
    int64_t refusal = 0, count = map_until_refused(&refusal);
    CHECK_IS(refusal, -ENOMEM);

    CHECK_FAILS(munmap_wrap(part[1]), -ENOMEM,
                text("munmap: unmap %lld bytes at %p", (long long)page, (void *)(place + 2 * page)));
    CHECK_FAILS(munmap_wrap(part[1]), -ENOMEM, "vm.max_map_count is");
    CHECK_FAILS(mprotect_wrap(part[1], PROT_NONE, 0, MMAP_WRAP_REST), -ENOMEM, "vm.max_map_count is");
    CHECK_IS(mmap_wrap_length(part[1]), page);
    CHECK_IS(mmap_wrap_fill(part[1], 0, 'x', MMAP_WRAP_REST), page);
    CHECK_IS(mmap_wrap_find(part[1], "x", 1, 0, MMAP_WRAP_REST), 0);
    CHECK(is_mapped(place + 2 * page));

    CHECK_IS(munmap_wrap(spare), 1);
    CHECK_IS(unmapped_of(count), count);
    CHECK_IS(munmap_wrap(part[1]), 1);
    CHECK(!is_mapped(place + 2 * page));
    CHECK_IS(munmap_wrap(part[1]), 0);
    CHECK_IS(munmap_wrap(part[0]), 1);
    CHECK_IS(munmap_wrap(part[2]), 1);
}

static bool limit_is_within_reach(void) {
    if (most_mappings() < MOST_TRIED) return true;
    skip("vm.max_map_count is %lld: too many to reach", (long long)most_mappings());
    return false;
}

static void max_map_count_is_named_when_it_is_reached_and_all_can_be_unmapped(void) {
    if (limit_is_within_reach()) in_child(reaches_the_number_of_mappings);
}

static void a_mapping_that_cannot_be_unmapped_stays_whole(void) {
    if (limit_is_within_reach()) in_child(cannot_split_at_the_limit);
}

static void reaches_the_number_of_descriptors(void) {
    enum { LIMIT = 20 };
    int opened[LIMIT], count = 0;
    make_file("file", "x", 1);
    set_limit(RLIMIT_NOFILE, LIMIT);
    while (count < LIMIT && (opened[count] = open("file", O_RDONLY | O_CLOEXEC)) >= 0) count++;
    CHECK_FAILS(mmap_path_wrap("file", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0), -EMFILE,
                "mmap_path: open 'file' for reading");
    CHECK_FAILS(mmap_path_wrap("file", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0), -EMFILE, "all 20 descriptors");
    mmap_wrap_handle h = mmap_wrap(NULL, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, opened[0], 0);
    CHECK_IS(munmap_wrap(h), 1);
    close(opened[--count]); /* one is enough, again and again */
    for (int i = 0; i < 3 * LIMIT; i++) {
        h = mmap_path_wrap("file", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
        CHECK_IS(munmap_wrap(h), 1);
    }
    unlink("file");
}

static void emfile_is_told_with_the_limit_and_descriptors_are_given_back(void) {
    in_child(reaches_the_number_of_descriptors);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(rlimit_as_is_named_when_it_is_reached);
    RUN(max_map_count_is_named_when_it_is_reached_and_all_can_be_unmapped);
    RUN(a_mapping_that_cannot_be_unmapped_stays_whole);
    RUN(emfile_is_told_with_the_limit_and_descriptors_are_given_back);
    return finish();
}
