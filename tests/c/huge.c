/* Aligned mappings, huge pages and NUMA nodes. (The pool of huge pages is tested from Rust: tests/huge.rs.) */
#define _GNU_SOURCE
#include "check.h"
#include "mmap_wrap_constants.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };
static int64_t page;
static unsigned char bytes[4 * 65536], again[4 * 65536];

static int64_t beyond_a_multiple(mmap_wrap_handle h, int64_t alignment) {
    return (int64_t)((uintptr_t)mmap_wrap_address(h) % (uintptr_t)alignment);
}

static void the_first_page_is_at_a_multiple_of_the_alignment(void) {
    const int64_t alignments[] = {page, 1 << 16, 2 << 20, 1 << 30};
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
        mmap_wrap_handle h = mmap_aligned_wrap(alignments[i], 3 * page + 1, RW, PRIVATE, -1, 0);
        mmap_wrap_handle next = mmap_aligned_wrap(alignments[i], 3 * page + 1, RW, PRIVATE, -1, 0);
        CHECK_IS(beyond_a_multiple(h, alignments[i]), 0);
        CHECK_IS(beyond_a_multiple(next, alignments[i]), 0);
        CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), 3 * page + 1);
        CHECK_IS(munmap_wrap(next), 1);
        CHECK_IS(munmap_wrap(h), 1);
    }
}

static void a_file_offset_may_be_inside_the_first_page(void) {
    const int64_t size = 3 * page;
    scramble(bytes, size, 5);
    make_file("aligned", bytes, size);
    int fd = open("aligned", O_RDONLY | O_CLOEXEC);
    mmap_wrap_handle h = mmap_aligned_wrap(2 << 20, MMAP_WRAP_REST, PROT_READ, MAP_SHARED, fd, page + 100);
    CHECK_IS(beyond_a_multiple(h, 2 << 20), 100);
    CHECK_IS(mmap_wrap_read(h, 0, again, size - page - 100), size - page - 100);
    CHECK(memcmp(bytes + page + 100, again, (size_t)(size - page - 100)) == 0);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_FAILS(mmap_aligned_wrap(2 << 20, size, RW, MAP_SHARED, fd, 0), -EACCES, "mmap_aligned_wrap: ");
    CHECK_FAILS(mmap_aligned_wrap(2 << 20, size, RW, MAP_SHARED, -1, 0), -EBADF, "mmap_aligned_wrap: descriptor -1");
    close(fd);
    unlink("aligned");
}

static void invalid_alignments_are_errors(void) {
    const int64_t wrong[] = {0, -1, -page, 3, page + 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_FAILS(mmap_aligned_wrap(wrong[i], page, RW, PRIVATE, -1, 0), MMAP_WRAP_E_ARGUMENT,
                    text("mmap_aligned_wrap: alignment %lld is not a power of two", (long long)wrong[i]));
    CHECK_FAILS(mmap_aligned_wrap(page, page, RW, PRIVATE | MAP_FIXED, -1, 0), MMAP_WRAP_E_ARGUMENT, "MAP_FIXED");
    CHECK_FAILS(mmap_aligned_wrap((int64_t)1 << 62, page, RW, PRIVATE, -1, 0), TOO_LONG,
                "at a multiple of 4611686018427387904");
    CHECK_FAILS(mmap_aligned_wrap((int64_t)1 << 62, INT64_MAX, RW, PRIVATE, -1, 0), MMAP_WRAP_E_RANGE, "exceed");
    CHECK_FAILS(mmap_aligned_wrap(page, -1, RW, PRIVATE, -1, 0), MMAP_WRAP_E_RANGE, "length -1 is negative");
}

static bool huge_pages_are_never_used(void) {
    char setting[100] = "[never]";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (file != NULL && fgets(setting, sizeof setting, file) == NULL) strcpy(setting, "[never]");
    if (file != NULL) fclose(file);
    return strstr(setting, "[never]") != NULL;
}

static void aligned_memory_gets_huge_pages(void) {
    int64_t huge = mmap_wrap_huge_page_size();
    if (lacking(huge)) return;
    if (huge_pages_are_never_used()) {
        skip("transparent huge pages are turned off");
        return;
    }
    CHECK(huge > page && (huge & (huge - 1)) == 0);
    if (!takes_advice(MADV_HUGEPAGE)) return;
    mmap_wrap_handle h = mmap_aligned_wrap(huge, 2 * huge, RW, PRIVATE, -1, 0);
    CHECK_IS(mmap_wrap_huge_bytes(h, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(madvise_wrap(h, MADV_HUGEPAGE, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_fill(h, 0, 7, MMAP_WRAP_REST), 2 * huge);
    if (mmap_wrap_huge_bytes(h, 0, MMAP_WRAP_REST) < 2 * huge) /* free memory was fragmented: compact it */
        CHECK_IS(madvise_wrap(h, mmap_wrap_MADV_COLLAPSE(), 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_huge_bytes(h, 0, MMAP_WRAP_REST), 2 * huge);
    int64_t part = mmap_wrap_huge_bytes(h, 10, huge);
    if (!lacking(part)) CHECK_IS(part, huge);
    CHECK_IS(mmap_wrap_huge_bytes(h, huge, 0), 0);
    CHECK_FAILS(mmap_wrap_huge_bytes(h, 2 * huge, 1), MMAP_WRAP_E_RANGE, "mmap_wrap_huge_bytes: size 1 from offset");
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_FAILS(mmap_wrap_huge_bytes(h, 0, 0), MMAP_WRAP_E_UNMAPPED, "mmap_wrap_huge_bytes: ");
}

static void querying_the_node_of_a_page_accesses_nothing(void) {
    const uint64_t node_0 = 1, nowhere = (uint64_t)1 << 62;
    mmap_wrap_handle h = memory_of(2 * page);
    int64_t bound = mbind_wrap(h, MPOL_BIND, &node_0, 1, MPOL_MF_MOVE, 0, page);
    if (!lacking(bound)) {
        CHECK_IS(bound, 0);
        CHECK_FAILS(mmap_wrap_numa_node(h, 0), -ENOENT, "mmap_wrap_numa_node: find the page at offset 0");
        CHECK_IS(mmap_wrap_resident_bytes(h, 0, MMAP_WRAP_REST), 0);
        CHECK_IS(mmap_wrap_fill(h, 0, 1, 1), 1);
        CHECK_IS(mmap_wrap_numa_node(h, page - 1), 0);
        CHECK_FAILS(mbind_wrap(h, MPOL_BIND, &nowhere, 1, 0, 0, page), -EINVAL, "a node does not exist");
        CHECK_IS(mbind_wrap(h, MPOL_DEFAULT, NULL, 0, 0, page, 1), 0);
        CHECK_IS(mbind_wrap(h, MPOL_BIND, &nowhere, 1, 0, page, 0), 0);
    }
    CHECK_FAILS(mbind_wrap(h, MPOL_BIND, NULL, 1, 0, 0, page), MMAP_WRAP_E_ARGUMENT, "mbind_wrap: the buffer is NULL");
    CHECK_FAILS(mbind_wrap(h, 64, &node_0, 1, 0, 0, page), MMAP_WRAP_E_ARGUMENT, "mbind_wrap: memory policy 0x40");
    CHECK_FAILS(mbind_wrap(h, MPOL_BIND, &node_0, 1, 64, 0, page), MMAP_WRAP_E_ARGUMENT, "mbind_wrap: mbind flags 0x40");
    CHECK_FAILS(mbind_wrap(h, MPOL_BIND, &node_0, 1, 0, page, page + 1), MMAP_WRAP_E_RANGE, "mbind_wrap: size");
    CHECK_FAILS(mmap_wrap_numa_node(h, 2 * page), MMAP_WRAP_E_RANGE, "mmap_wrap_numa_node: size 1 from offset");
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_FAILS(mmap_wrap_numa_node(h, 0), MMAP_WRAP_E_UNMAPPED, "mmap_wrap_numa_node: ");
    CHECK_FAILS(mbind_wrap(h, MPOL_DEFAULT, NULL, 0, 0, 0, 0), MMAP_WRAP_E_UNMAPPED, "mbind_wrap: ");
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(the_first_page_is_at_a_multiple_of_the_alignment);
    RUN(a_file_offset_may_be_inside_the_first_page);
    RUN(invalid_alignments_are_errors);
    RUN(aligned_memory_gets_huge_pages);
    RUN(querying_the_node_of_a_page_accesses_nothing);
    return finish();
}
