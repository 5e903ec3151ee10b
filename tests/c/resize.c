/*
 * Resizing, moving, splitting: handle and bytes stay the same, an error changes nothing, other threads never read bytes
 * of another mapping.
 *
 * What a C program cannot provoke here: MMAP_WRAP_E_UNSUPPORTED of a system without mremap.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE };
static int64_t page;
static char byte;

static int64_t resized(mmap_wrap_handle h, int64_t length) {
    return mremap_wrap(h, length, MREMAP_MAYMOVE, NULL, 0);
}

static int64_t size_of_file(mmap_wrap_handle h) {
    struct stat info = {.st_size = -1};
    int64_t fd = mmap_wrap_dup_fd(h);
    CHECK(fd >= 0 && fstat((int)fd, &info) == 0);
    close((int)fd);
    return info.st_size;
}

static void *reserved(int64_t bytes) {
    void *place = mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(place != MAP_FAILED);
    return place;
}

/* -- What resizing does -- */

static void growing_and_shrinking_keep_the_bytes_that_fit(void) {
    mmap_wrap_handle h = memory_of(100);
    CHECK_IS(mmap_wrap_fill(h, 0, 7, MMAP_WRAP_REST), 100);
    CHECK_IS(resized(h, 10 * page), h);
    CHECK_IS(mmap_wrap_length(h), 10 * page);
    CHECK_IS(mmap_wrap_rfind(h, "\7", 1, 0, MMAP_WRAP_REST), 99);
    CHECK_IS(mmap_wrap_write(h, 10 * page - 1, "x", 1), 1);
    CHECK_IS(mremap_wrap(h, 50, 0, NULL, 0), h);
    CHECK_IS(mmap_wrap_rfind(h, "\7", 1, 0, MMAP_WRAP_REST), 49);
    CHECK_FAILS(mmap_wrap_write(h, 50, "x", 1), MMAP_WRAP_E_RANGE, "extends beyond 50 byte mapping");
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_handle_stays_valid_across_moves(void) {
    mmap_wrap_handle h = memory_of(page);
    CHECK_IS(mmap_wrap_write(h, 0, "here", 4), 4);
    for (int i = 1; i <= 20; i++) {
        /* Its neighbour prevents growing in place. */
        const char *address = mmap_wrap_address(h);
        void *neighbour = mmap((void *)(uintptr_t)(address + i * page), (size_t)page, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK_IS(resized(h, (i + 1) * page), h);
        CHECK_IS(mmap_wrap_find(h, "here", 4, 0, MMAP_WRAP_REST), 0);
        CHECK_IS(mmap_wrap_write(h, (i + 1) * page - 1, "x", 1), 1);
        munmap(neighbour, (size_t)page);
    }
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_IS(munmap_wrap(h), 0);
}

static void a_mapping_moves_to_the_given_address(void) {
    mmap_wrap_handle h = memory_of(page);
    const void *before = mmap_wrap_address(h);
    void *place = reserved(2 * page);
    CHECK_IS(mmap_wrap_write(h, 0, "here", 4), 4);
    CHECK_IS(mremap_wrap(h, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, place, 0), h);
    CHECK(mmap_wrap_address(h) == place && !is_mapped(before));
    CHECK_IS(mmap_wrap_find(h, "here", 4, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK(!is_mapped(place));
}

static void moved_pages_have_a_new_handle(void) {
    mmap_wrap_handle h = memory_of(page);
    CHECK_IS(mmap_wrap_write(h, 0, "here", 4), 4);
    const int64_t dontunmap = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
    CHECK_FAILS(mremap_wrap(h, 2 * page, dontunmap, NULL, 0), MMAP_WRAP_E_ARGUMENT, "the length stays as it is");
    CHECK_FAILS(mremap_wrap(h, page, dontunmap, NULL, 1), MMAP_WRAP_E_ARGUMENT, "that of the file included");
    CHECK_FAILS(mremap_wrap(h, page, MREMAP_DONTUNMAP, NULL, 0), MMAP_WRAP_E_ARGUMENT, "need MREMAP_MAYMOVE as well");
    mmap_wrap_handle moved = mremap_wrap(h, page, dontunmap, NULL, 0);
    if (under_valgrind() && moved < 0) {
        skip("valgrind does not support MREMAP_DONTUNMAP");
    } else if (!is_mapped(mmap_wrap_address(h))) {
        skip("the kernel or emulator ignored MREMAP_DONTUNMAP, and unmapped");
        CHECK_IS(munmap_wrap(moved), 1);
    } else {
        CHECK(moved > 0 && moved != h);
        CHECK_IS(mmap_wrap_find(moved, "here", 4, 0, MMAP_WRAP_REST), 0);
        CHECK_IS(mmap_wrap_find(h, "here", 4, 0, MMAP_WRAP_REST), MMAP_WRAP_E_NOT_FOUND);
        CHECK_IS(munmap_wrap(moved), 1);
    }
    CHECK_IS(munmap_wrap(h), 1);
}

/* -- With a file -- */

static void the_file_ends_where_its_mapping_ends_on_request(void) {
    mmap_wrap_handle h = mmap_open_wrap("file", HOW(O_RDWR | O_CREAT, 0600, 1000, 0, MMAP_WRAP_REST, RW, MAP_SHARED | MMAP_WRAP_KEEP, 100));
    CHECK_IS(mmap_wrap_write(h, 899, "x", 1), 1);
    CHECK_IS(mremap_wrap(h, 5 * page, MREMAP_MAYMOVE, NULL, 1), h);
    CHECK_IS(size_of_file(h), 100 + 5 * page);
    CHECK_IS(mmap_wrap_write(h, 5 * page - 1, "y", 1), 1);
    CHECK_IS(mmap_wrap_find(h, "x", 1, 0, MMAP_WRAP_REST), 899);
    CHECK_IS(mremap_wrap(h, 10, MREMAP_MAYMOVE, NULL, 1), h);
    CHECK_IS(size_of_file(h), 110);
    CHECK(truncate("file", 5000) == 0);
    CHECK_IS(resized(h, MMAP_WRAP_REST), h);
    CHECK_IS(mmap_wrap_length(h), 4900);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("file");
}

static void an_empty_file_grows_with_its_mapping(void) {
    mmap_wrap_handle h = mmap_open_wrap("empty", HOW(O_RDWR | O_CREAT, 0600, 0, 0, MMAP_WRAP_REST, RW, MAP_SHARED | MMAP_WRAP_KEEP, 0));
    CHECK_IS(mmap_wrap_length(h), 0);
    CHECK_IS(resized(h, MMAP_WRAP_REST), h);
    CHECK_FAILS(resized(h, 1), MMAP_WRAP_E_RANGE, "beyond the 0 bytes of the file");
    CHECK_IS(mremap_wrap(h, 100, 0, NULL, 1), h);
    CHECK_IS(mmap_wrap_write(h, 99, "x", 1), 1);
    CHECK_IS(size_of_file(h), 100);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("empty");
}

/* A store beyond the end would be lost on the last page, or fault. */
static void a_shared_mapping_does_not_grow_beyond_its_file(void) {
    char bytes[128];
    memset(bytes, 'a', sizeof bytes);
    const int64_t kept[] = {0, MMAP_WRAP_KEEP}, flags = MREMAP_MAYMOVE;
    for (int i = 0; i < 2; i++) {
        make_file("ends", bytes, sizeof bytes);
        mmap_wrap_handle h = mmap_path_wrap("ends", 100, RW, MAP_SHARED | kept[i], 10);
        const int64_t beyond[] = {119, 1000, 5 * page};
        for (int j = 0; j < 3; j++) {
            const char *why = text("%lld bytes at file offset 10 go beyond the 128 bytes of the file", (long long)beyond[j]);
            CHECK_FAILS(mremap_wrap(h, beyond[j], flags, NULL, 0), MMAP_WRAP_E_RANGE, why);
            CHECK_FAILS(mremap_wrap(h, beyond[j], flags, NULL, 0), MMAP_WRAP_E_RANGE, "keep the file");
        }
        CHECK_IS(mmap_wrap_length(h), 100);
        CHECK_IS(mremap_wrap(h, 118, flags, NULL, 0), h);
        CHECK(truncate("ends", 2 * page) == 0);
        CHECK_IS(mremap_wrap(h, 2 * page - 10, flags, NULL, 0), h);
        CHECK_IS(mmap_wrap_write(h, 2 * page - 11, "x", 1), 1);
        CHECK_IS(munmap_wrap(h), 1);
        char last = 0;
        int fd = open("ends", O_RDONLY | O_CLOEXEC);
        CHECK(pread(fd, &last, 1, 2 * page - 1) == 1 && last == 'x');
        close(fd);
    }
    /* After unlinking, only root can find the file. */
    mmap_wrap_handle h = mmap_path_wrap("ends", page, RW, MAP_SHARED, 0);
    unlink("ends");
    const int64_t result = mremap_wrap(h, 3 * page, flags, NULL, 0);
    CHECK(result == MMAP_WRAP_E_ARGUMENT || result == MMAP_WRAP_E_RANGE);
    CHECK_FAILS(result, result, "keep the file");
    CHECK_IS(mremap_wrap(h, 10, flags, NULL, 0), h);
    CHECK_IS(munmap_wrap(h), 1);
    /* A private mapping can grow, since its changes are in memory only. */
    make_file("ends", bytes, sizeof bytes);
    h = mmap_path_wrap("ends", MMAP_WRAP_REST, RW, MAP_PRIVATE, 0);
    CHECK_IS(mremap_wrap(h, 1000, flags, NULL, 0), h);
    CHECK_IS(mmap_wrap_write(h, 999, "x", 1), 1);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("ends");
}

/* As a new mapping would be. */
static void a_mapping_of_a_file_emptied_meanwhile_is_empty(void) {
    const int64_t offsets[] = {0, 10, page};
    for (int i = 0; i < 3; i++) {
        mmap_wrap_handle h = mmap_open_wrap("log", HOW(O_RDWR | O_CREAT, 0600, 3 * page, 0, MMAP_WRAP_REST, RW, MAP_SHARED | MMAP_WRAP_KEEP, offsets[i]));
        const void *address = mmap_wrap_address(h);
        CHECK(truncate("log", offsets[i]) == 0);
        CHECK_IS(resized(h, MMAP_WRAP_REST), h);
        CHECK_IS(mmap_wrap_length(h), 0);
        CHECK(!is_mapped(address));
        CHECK_IS(mmap_wrap_find(h, "x", 1, 0, MMAP_WRAP_REST), MMAP_WRAP_E_NOT_FOUND);
        CHECK_IS(resized(h, MMAP_WRAP_REST), h);
        CHECK(truncate("log", offsets[i] + 20) == 0);
        CHECK_IS(resized(h, MMAP_WRAP_REST), h);
        CHECK_IS(mmap_wrap_write(h, 19, "x", 1), 1);
        CHECK_IS(size_of_file(h), offsets[i] + 20);
        if (offsets[i] > 0) {
            CHECK(truncate("log", offsets[i] - 1) == 0);
            CHECK_FAILS(resized(h, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE, "lies beyond the");
            CHECK_IS(mmap_wrap_length(h), 20);
        }
        CHECK_IS(munmap_wrap(h), 1);
        unlink("log");
    }
}

static int64_t allocated(mmap_wrap_handle h) {
    struct stat info = {.st_size = -1};
    int64_t fd = mmap_wrap_dup_fd(h);
    CHECK(fd >= 0 && fstat((int)fd, &info) == 0);
    close((int)fd);
    return info.st_blocks * 512;
}

/* In pages. */
enum { SMALL = 16 };

static void grows_on_a_small_disk(void) {
    mmap_wrap_handle h = mmap_open_wrap("small/file", HOW(O_RDWR | O_CREAT, 0600, 1000, 0, MMAP_WRAP_REST, RW, MAP_SHARED | MMAP_WRAP_KEEP, 0));
    CHECK_FAILS(mremap_wrap(h, 2 * SMALL * page, MREMAP_MAYMOVE, NULL, MMAP_WRAP_ALLOCATE), -ENOSPC, "the file system is full");
    CHECK_IS(mmap_wrap_length(h), 1000);
    CHECK_IS(size_of_file(h), 1000);
    CHECK_IS(mremap_wrap(h, 8 * page, MREMAP_MAYMOVE, NULL, MMAP_WRAP_ALLOCATE), h);
    CHECK_IS(size_of_file(h), 8 * page);
    CHECK(allocated(h) >= 8 * page);
    /* Blocks for all of the file, and none beyond the end. */
    CHECK_IS(mremap_wrap(h, page, MREMAP_MAYMOVE, NULL, MMAP_WRAP_WITH_FILE), h);
    CHECK_IS(mremap_wrap(h, 2 * SMALL * page, MREMAP_MAYMOVE, NULL, MMAP_WRAP_WITH_FILE), h);
    CHECK_FAILS(mremap_wrap(h, 2 * SMALL * page, 0, NULL, MMAP_WRAP_ALLOCATE), -ENOSPC, "the file system is full");
    CHECK_IS(mremap_wrap(h, 2 * page, 0, NULL, MMAP_WRAP_ALLOCATE), h);
    CHECK(allocated(h) >= 2 * page);
    CHECK_IS(size_of_file(h), 2 * page);
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_full_disk_is_an_error_of_resizing_with_allocation(void) {
    if (mkdir("small", 0700) != 0) perror("mkdir");
    if (mount("none", "small", "tmpfs", 0, text("size=%" PRId64, SMALL * page)) != 0) skip("no file system to fill: mount: %s", strerror(errno));
    else {
        grows_on_a_small_disk();
        CHECK(umount("small") == 0);
    }
    rmdir("small");
    mmap_wrap_handle h = mmap_memfd_wrap("blocks", 0, page, RW, MAP_SHARED);
    CHECK_IS(mremap_wrap(h, 4 * page, MREMAP_MAYMOVE, NULL, MMAP_WRAP_ALLOCATE), h);
    CHECK(allocated(h) >= 4 * page);
    CHECK_FAILS(mremap_wrap(h, 4 * page, MREMAP_MAYMOVE, NULL, 3), MMAP_WRAP_E_ARGUMENT, "with_file 3");
    CHECK_FAILS(mremap_wrap(h, 4 * page, MREMAP_MAYMOVE, NULL, -1), MMAP_WRAP_E_ARGUMENT, "with_file -1");
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_sealed_file_keeps_its_size_and_its_mapping(void) {
    mmap_wrap_handle h = mmap_memfd_wrap("sealed", MFD_ALLOW_SEALING, 2 * page, RW, MAP_SHARED);
    CHECK_IS(mmap_wrap_add_file_seals(h, F_SEAL_GROW), 0);
    CHECK_FAILS(mremap_wrap(h, 3 * page, MREMAP_MAYMOVE, NULL, 1), -EPERM, "the file is sealed against it");
    CHECK_IS(mmap_wrap_length(h), 2 * page);
    CHECK_IS(mmap_wrap_add_file_seals(h, F_SEAL_SHRINK), 0);
    CHECK_FAILS(mremap_wrap(h, page, MREMAP_MAYMOVE, NULL, 1), -EPERM, "the file is sealed against it");
    CHECK_IS(mmap_wrap_length(h), 2 * page); /* "on failure nothing has changed" */
    CHECK_IS(size_of_file(h), 2 * page);
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_file_that_cannot_be_written_keeps_its_size(void) {
    char bytes[100] = "";
    make_file("readonly", bytes, sizeof bytes);
    mmap_wrap_handle h = mmap_path_wrap("readonly", MMAP_WRAP_REST, PROT_READ, MAP_SHARED | MMAP_WRAP_KEEP, 0);
    CHECK_FAILS(mremap_wrap(h, 200, MREMAP_MAYMOVE, NULL, 1), -EINVAL, "the file must be open for writing");
    CHECK_FAILS(mremap_wrap(h, 50, MREMAP_MAYMOVE, NULL, 1), -EINVAL, "the file must be open for writing");
    CHECK_IS(mmap_wrap_length(h), 100);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("readonly");
}

/* -- Errors -- */

static void resize_fails(mmap_wrap_handle h, int64_t length, int64_t flags, void *address, int64_t with_file, int64_t code,
                    const char *why) {
    struct mmap_wrap_info before, after;
    int64_t descriptors = open_descriptors();
    CHECK_IS(mmap_wrap_info(h, &before, sizeof before), 0);
    check_fails(mremap_wrap(h, length, flags, address, with_file), code, why, "resize.c", __LINE__, why);
    CHECK_IS(mmap_wrap_info(h, &after, sizeof after), 0);
    CHECK(memcmp(&before, &after, sizeof after) == 0);
    CHECK_IS(open_descriptors(), descriptors);
}

static void a_failed_resize_changes_nothing(void) {
    mmap_wrap_handle h = mmap_unnamed_wrap(2 * page, RW, MAP_SHARED);
    char *place = reserved(page);
    const int64_t fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    CHECK_IS(mmap_wrap_write(h, 0, "here", 4), 4);
    resize_fails(h, 0, 0, NULL, 0, MMAP_WRAP_E_ARGUMENT, "mremap_wrap: length 0: unmap it instead");
    resize_fails(h, -1, 0, NULL, 0, MMAP_WRAP_E_RANGE, "mremap_wrap: length -1 is negative");
    resize_fails(h, 10, 1 << 20, NULL, 0, MMAP_WRAP_E_ARGUMENT, "mremap flags 0x100000");
    resize_fails(h, 10, -1, NULL, 0, MMAP_WRAP_E_ARGUMENT, "mremap flags");
    resize_fails(h, 10, MREMAP_FIXED, place, 0, MMAP_WRAP_E_ARGUMENT, "need MREMAP_MAYMOVE as well");
    resize_fails(h, 10, MREMAP_MAYMOVE, place, 0, MMAP_WRAP_E_ARGUMENT, "without MREMAP_FIXED");
    resize_fails(h, 10, 0, place, 0, MMAP_WRAP_E_ARGUMENT, "without MREMAP_FIXED");
    resize_fails(h, 10, fixed, place + 1, 0, MMAP_WRAP_E_ALIGNMENT, "mremap_wrap: address");
    /* As long as the address space; the file has grown before the mapping fails. */
    const int64_t all = sizeof(void *) == 8 ? ((int64_t)1 << 47) - 2 * page : INT32_MAX - 2 * page;
    resize_fails(h, all, MREMAP_MAYMOVE, NULL, 0, MMAP_WRAP_E_RANGE, "bytes of the file, where stores are lost");
    if (sizeof(void *) < 8) skip("a mapping that cannot grow: with 32 bits the longest one may have enough free addresses after it");
    else resize_fails(h, all, MREMAP_MAYMOVE, NULL, 1, -ENOMEM, "mremap_wrap: ");
    CHECK_IS(size_of_file(h), 2 * page);
    CHECK_IS(mmap_wrap_find(h, "here", 4, 0, MMAP_WRAP_REST), 0);
    CHECK(is_mapped(place));
    munmap(place, (size_t)page);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_FAILS(resized(h, page), MMAP_WRAP_E_UNMAPPED, "mremap_wrap: the mapping of handle");
    const int64_t forged[] = {0, -1, h + 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        CHECK_FAILS(resized(forged[i], page), MMAP_WRAP_E_HANDLE, "mremap_wrap: 0x");
        CHECK_FAILS(mmap_wrap_split(forged[i], page), MMAP_WRAP_E_HANDLE, "mmap_wrap_split: 0x");
    }
}

static void a_mapping_without_a_kept_file_cannot_resize_it(void) {
    mmap_wrap_handle h = memory_of(page);
    resize_fails(h, 2 * page, MREMAP_MAYMOVE, NULL, 1, MMAP_WRAP_E_ARGUMENT, "keeps no file open");
    resize_fails(h, MMAP_WRAP_REST, MREMAP_MAYMOVE, NULL, 0, MMAP_WRAP_E_ARGUMENT, "keeps no file open");
    CHECK_IS(munmap_wrap(h), 1);
    h = mmap_wrap(NULL, page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    resize_fails(h, page + 1, MREMAP_MAYMOVE, NULL, 0, MMAP_WRAP_E_UNSUPPORTED, "the memory behind it keeps its size");
    CHECK_IS(mremap_wrap(h, 1, 0, NULL, 0), h);
    CHECK_IS(munmap_wrap(h), 1);
    h = mmap_path_wrap("/dev/zero", page, RW, MAP_PRIVATE | MMAP_WRAP_KEEP, 0);
    resize_fails(h, 2 * page, MREMAP_MAYMOVE, NULL, 1, MMAP_WRAP_E_ARGUMENT, "is a device");
    CHECK_IS(munmap_wrap(h), 1);
}

static void parts_with_different_protections_do_not_move_together(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    CHECK_IS(mprotect_wrap(h, PROT_READ, page, page), 0);
    if (under_valgrind()) skip("valgrind resizes by its own rules");
    else resize_fails(h, 20 * page, MREMAP_MAYMOVE, NULL, 0, -EFAULT, "give all of it the same first, or split it");
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_mapping_without_room_beside_it_cannot_grow_in_place(void) {
    char *place = reserved(3 * page);
    mmap_wrap_handle h = mmap_wrap(place + page, page, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    resize_fails(h, 2 * page, 0, NULL, 0, -ENOMEM, "no room to grow in place, and it may not move");
    CHECK_IS(munmap_wrap(h), 1);
    munmap(place, (size_t)(3 * page));
}

static void a_mapping_with_an_acquired_address_cannot_be_changed(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    CHECK(mmap_wrap_acquire(h) != NULL);
    resize_fails(h, page, 0, NULL, 0, MMAP_WRAP_E_BUSY, "mremap_wrap: the mapping has 1 acquired address");
    resize_fails(h, 2 * page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL, 0, MMAP_WRAP_E_BUSY, "mremap_wrap: the mapping has 1 acquired address");
    CHECK_FAILS(mmap_wrap_split(h, page), MMAP_WRAP_E_BUSY, "mmap_wrap_split: the mapping has 1 acquired address");
    CHECK_IS(mmap_wrap_release(h), 0);
    CHECK_IS(mremap_wrap(h, page, 0, NULL, 0), h);
    CHECK_IS(munmap_wrap(h), 1);
}

/* -- Splitting -- */

static void after_a_split_the_tail_is_a_mapping_of_its_own(void) {
    mmap_wrap_handle h = mmap_unnamed_wrap(3 * page - 10, RW, MAP_SHARED);
    CHECK_IS(mmap_wrap_write(h, 2 * page, "tail", 4), 4);
    mmap_wrap_handle tail = mmap_wrap_split(h, 2 * page);
    CHECK(tail > 0 && tail != h);
    CHECK_IS(mmap_wrap_length(h), 2 * page);
    CHECK_IS(mmap_wrap_length(tail), page - 10);
    CHECK_IS(mmap_wrap_find(tail, "tail", 4, 0, MMAP_WRAP_REST), 0);
    CHECK_FAILS(mmap_wrap_write(h, 2 * page, "x", 1), MMAP_WRAP_E_RANGE, "extends beyond");
    CHECK_IS(size_of_file(h), size_of_file(tail));
    const void *address = mmap_wrap_address(tail);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK(is_mapped(address));
    CHECK_IS(mmap_wrap_write(tail, 0, "x", 1), 1);
    CHECK_IS(munmap_wrap(tail), 1);
    CHECK(!is_mapped(address));
}

static void a_split_needs_a_page_boundary_with_bytes_on_both_sides(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    const int64_t nothing[] = {0, 2 * page}, beyond[] = {-1, 2 * page + 1, INT64_MAX, MMAP_WRAP_REST};
    CHECK_FAILS(mmap_wrap_split(h, 1), MMAP_WRAP_E_ALIGNMENT, "mmap_wrap_split: offset 1 is not on a page boundary");
    for (int i = 0; i < 2; i++)
        CHECK_FAILS(mmap_wrap_split(h, nothing[i]), MMAP_WRAP_E_ARGUMENT, "leaves one part empty");
    for (int i = 0; i < 4; i++) CHECK_FAILS(mmap_wrap_split(h, beyond[i]), MMAP_WRAP_E_RANGE, "mmap_wrap_split: offset");
    CHECK_IS(mmap_wrap_length(h), 2 * page);
    CHECK_IS(mmap_wrap_list(NULL, 0), 1);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_FAILS(mmap_wrap_split(h, page), MMAP_WRAP_E_UNMAPPED, "unmapped already");
}

/* -- Several threads -- */

enum { PAGES = 16, RESIZERS = 2, READERS = 2 };
static mmap_wrap_handle ours;
static int64_t foreign_bytes, not_allowed, resizes, reads, working;

static void add(int64_t *counter, int64_t number) {
    __atomic_add_fetch(counter, number, __ATOMIC_SEQ_CST);
}

static void *keep_resizing(void *number) {
    // Fewer under valgrind, which runs one thread at a time: each resize waits long for the calls of the others to return.
    int rounds = under_valgrind() ? 20 : 2000;
    for (int i = 0; i < rounds; i++) {
        int64_t length = (1 + (i + (int)(uintptr_t)number) % 4) * PAGES * page, result = resized(ours, length);
        if (result == ours) add(&resizes, 1);
        else if (result != MMAP_WRAP_E_BUSY) add(&not_allowed, 1);
        sched_yield();
    }
    add(&working, -1);
    return NULL;
}

/* Every byte that fits all sizes is 0x55; other mappings at the former addresses contain 0xAA. */
static void *keep_reading(void *unused) {
    static __thread char seen[4096];
    while (__atomic_load_n(&working, __ATOMIC_SEQ_CST) > 0 || __atomic_load_n(&reads, __ATOMIC_SEQ_CST) == 0) {
        int64_t result = mmap_wrap_read(ours, (PAGES - 1) * page, seen, sizeof seen);
        if (result != (int64_t)sizeof seen) add(&not_allowed, 1);
        else for (size_t i = 0; i < sizeof seen; i++) if (seen[i] != 0x55) add(&foreign_bytes, 1);
        add(&reads, 1);
        mmap_wrap_handle other = memory_of(PAGES * page);
        if (mmap_wrap_fill(other, 0, 0xAA, MMAP_WRAP_REST) != PAGES * page || munmap_wrap(other) != 1) add(&not_allowed, 1);
    }
    return unused;
}

static void threads_resize_and_read_the_same_mapping(void) {
    pthread_t threads[RESIZERS + READERS];
    ours = memory_of(PAGES * page);
    CHECK_IS(mmap_wrap_fill(ours, 0, 0x55, MMAP_WRAP_REST), PAGES * page);
    working = RESIZERS;
    for (int i = 0; i < RESIZERS + READERS; i++)
        CHECK(pthread_create(&threads[i], NULL, i < RESIZERS ? keep_resizing : keep_reading, (void *)(uintptr_t)i) == 0);
    for (int i = 0; i < RESIZERS + READERS; i++) pthread_join(threads[i], NULL);
    CHECK_IS(foreign_bytes, 0);
    CHECK_IS(not_allowed, 0);
    CHECK(resizes > 0 && reads > 0);
    CHECK_IS(munmap_wrap(ours), 1);
    CHECK_IS(mmap_wrap_read(ours, 0, &byte, 1), MMAP_WRAP_E_UNMAPPED);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(growing_and_shrinking_keep_the_bytes_that_fit);
    RUN(a_handle_stays_valid_across_moves);
    RUN(a_mapping_moves_to_the_given_address);
    RUN(moved_pages_have_a_new_handle);
    RUN(the_file_ends_where_its_mapping_ends_on_request);
    RUN(an_empty_file_grows_with_its_mapping);
    RUN(a_shared_mapping_does_not_grow_beyond_its_file);
    RUN(a_mapping_of_a_file_emptied_meanwhile_is_empty);
    RUN(a_full_disk_is_an_error_of_resizing_with_allocation);
    RUN(a_sealed_file_keeps_its_size_and_its_mapping);
    RUN(a_file_that_cannot_be_written_keeps_its_size);
    RUN(a_failed_resize_changes_nothing);
    RUN(a_mapping_without_a_kept_file_cannot_resize_it);
    RUN(parts_with_different_protections_do_not_move_together);
    RUN(a_mapping_without_room_beside_it_cannot_grow_in_place);
    RUN(a_mapping_with_an_acquired_address_cannot_be_changed);
    RUN(after_a_split_the_tail_is_a_mapping_of_its_own);
    RUN(a_split_needs_a_page_boundary_with_bytes_on_both_sides);
    RUN_THREADED(threads_resize_and_read_the_same_mapping);
    return finish();
}
