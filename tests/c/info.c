/* Information about a mapping, and the list of live mappings. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE };
static int64_t page;

static struct mmap_wrap_info info_of(mmap_wrap_handle h) {
    struct mmap_wrap_info info;
    memset(&info, 0xA5, sizeof info);
    CHECK_IS(mmap_wrap_info(h, &info, sizeof info), 0);
    return info;
}

static void info_has_what_was_requested(void) {
    char bytes[300] = "";
    make_file("file", bytes, sizeof bytes);
    mmap_wrap_handle h = mmap_path_wrap("file", 100, PROT_READ, MAP_PRIVATE, 10);
    struct mmap_wrap_info info = info_of(h);
    CHECK_IS(info.length, 100);
    CHECK_IS(info.mapped, page);
    CHECK(info.address == (int64_t)(uintptr_t)mmap_wrap_address(h));
    CHECK_IS(info.page_size, page);
    CHECK_IS(info.protection, PROT_READ);
    CHECK_IS(info.flags, MAP_PRIVATE);
    CHECK_IS(info.offset, 10);
    CHECK_IS(info.descriptor, -1);
    CHECK_IS(info.keeps_file | info.sealed | info.acquired | info.surviving | info.lost, 0);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("file");
}

#ifndef _WIN32
static void has_source(mmap_wrap_handle h, int64_t source) {
    CHECK_IS(info_of(h).source, source);
    CHECK_IS(munmap_wrap(h), 1);
}

static void info_has_what_a_mapping_was_created_from(void) {
    const char *shared = text("/mmap-wrap-info-%d", (int)getpid());
    make_file("file", "x", 1);
    int fd = open("file", O_RDONLY | O_CLOEXEC);
    has_source(mmap_wrap(NULL, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MMAP_WRAP_SOURCE_ANONYMOUS);
    has_source(mmap_wrap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0), MMAP_WRAP_SOURCE_DESCRIPTOR);
    has_source(mmap_wrap(NULL, 1, PROT_READ, MAP_SHARED | MMAP_WRAP_KEEP, fd, 0), MMAP_WRAP_SOURCE_DESCRIPTOR);
    has_source(mmap_aligned_wrap(page, 1, PROT_READ, MAP_SHARED, fd, 0), MMAP_WRAP_SOURCE_DESCRIPTOR);
    has_source(mmap_path_wrap("file", 1, PROT_READ, MAP_SHARED, 0), MMAP_WRAP_SOURCE_PATH);
    has_source(mmap_open_wrap("file", HOW(O_RDWR, 0, 1, 0, 1, RW, MAP_SHARED, 0)), MMAP_WRAP_SOURCE_PATH);
    has_source(mmap_shm_wrap(shared, HOW(O_RDWR | O_CREAT, 0600, 1, 0, 1, RW, MAP_SHARED, 0)), MMAP_WRAP_SOURCE_SHARED_MEMORY);
    has_source(mmap_memfd_wrap("m", 0, 1, RW, MAP_SHARED), MMAP_WRAP_SOURCE_MEMORY_FILE);
    has_source(mmap_unnamed_wrap(1, RW, MAP_SHARED), MMAP_WRAP_SOURCE_MEMORY_FILE);
    mmap_wrap_handle secret = mmap_secret_wrap(1, RW);
    if (secret < 0) skip("%s", mmap_wrap_last_error_message());
    else has_source(secret, MMAP_WRAP_SOURCE_MEMORY_FILE);
    CHECK_IS(shm_unlink_wrap(shared), 0);
    close(fd);
    unlink("file");
}

static void info_changes_with_the_mapping(void) {
    mmap_wrap_handle h = mmap_unnamed_wrap(3 * page, RW, MAP_SHARED);
    CHECK_IS(info_of(h).keeps_file, 1);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, page), 0);
    CHECK_IS(info_of(h).protection, RW); /* a part only */
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(info_of(h).protection, PROT_READ);
    CHECK_IS(mremap_wrap(h, 100, 0, NULL, 0), h);
    CHECK_IS(info_of(h).length, 100);
    CHECK_IS(info_of(h).mapped, page);
    CHECK(mmap_wrap_acquire(h) != NULL && mmap_wrap_acquire(h) != NULL);
    CHECK_IS(info_of(h).acquired, 2);
    CHECK_IS(mmap_wrap_release(h), 1);
    CHECK_IS(mmap_wrap_release(h), 0);
    CHECK_IS(mmap_wrap_survive(h, 1), 0);
    CHECK_IS(info_of(h).surviving, 1);
    CHECK_IS(munmap_wrap(h), 1);
}

static void the_descriptor_is_that_of_the_kept_file(void) {
    mmap_wrap_handle h = mmap_unnamed_wrap(5, RW, MAP_SHARED);
    int own = (int)info_of(h).descriptor, given = (int)mmap_wrap_dup_fd(h);
    struct stat ours, theirs;
    CHECK(own != given && fstat(own, &ours) == 0 && fstat(given, &theirs) == 0);
    CHECK(ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino);
    CHECK_IS(close(given), 0);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK(fcntl(own, F_GETFD) == -1 && errno == EBADF);
}

static void queries_do_not_report_a_pending_loss(void) {
    if (under_valgrind()) {
        skip("signals count there");
        return;
    }
    mmap_wrap_handle h = mmap_unnamed_wrap(page, RW, MAP_SHARED);
    int64_t fd = mmap_wrap_dup_fd(h);
    CHECK_IS(mmap_wrap_survive(h, 1), 0);
    CHECK(ftruncate((int)fd, 0) == 0);
    CHECK(*(const volatile char *)mmap_wrap_address(h) == 0);
    CHECK_IS(info_of(h).lost, 1);
    CHECK_IS(info_of(h).lost, 1);
    CHECK_FAILS(msync_wrap(h, MS_ASYNC, 0, 0), MMAP_WRAP_E_FAULT, "lost");
    CHECK_IS(info_of(h).lost, 0);
    close((int)fd);
    CHECK_IS(munmap_wrap(h), 1);
}
#endif

static void an_older_header_gets_the_members_it_knows(void) {
    mmap_wrap_handle h = memory_of(5);
    int64_t room[15];
    for (int members = 1; members <= 15; members++) {
        memset(room, 0xA5, sizeof room);
        CHECK_IS(mmap_wrap_info(h, (void *)room, 8 * members), 0);
        CHECK_IS(room[0], 5);
        if (members < 15) CHECK_IS(room[members], (int64_t)0xA5A5A5A5A5A5A5A5);
    }
    CHECK_IS(munmap_wrap(h), 1);
}

static void an_invalid_size_is_an_error_and_nothing_is_written(void) {
    mmap_wrap_handle h = memory_of(5);
    struct mmap_wrap_info info, before;
    memset(&before, 0xA5, sizeof before);
    info = before;
    CHECK_FAILS(mmap_wrap_info(h, NULL, sizeof info), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_info: the buffer is NULL");
    const int64_t none[] = {0, 1, 7, 9, 103};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK_FAILS(mmap_wrap_info(h, &info, none[i]), MMAP_WRAP_E_ARGUMENT,
                    text("%d bytes are not a size of struct mmap_wrap_info", (int)none[i]));
    CHECK(mmap_wrap_info(h, &info, -8) < 0 && mmap_wrap_info(h, &info, MMAP_WRAP_REST) < 0);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_FAILS(mmap_wrap_info(h, &info, sizeof info), MMAP_WRAP_E_UNMAPPED, "unmapped already");
    const int64_t forged[] = {0, -1, h + 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++)
        CHECK_FAILS(mmap_wrap_info(forged[i], &info, sizeof info), MMAP_WRAP_E_HANDLE, "mmap_wrap_info: 0x");
    CHECK(memcmp(&info, &before, sizeof info) == 0);
}

static bool is_among(mmap_wrap_handle h, const mmap_wrap_handle *handles, int64_t count) {
    for (int64_t i = 0; i < count; i++) if (handles[i] == h) return true;
    return false;
}

static void the_list_has_the_live_mappings_and_no_others(void) {
    CHECK_IS(mmap_wrap_list(NULL, 0), 0);
    const mmap_wrap_handle mine[] = {memory_of(1), memory_of(1), memory_of(1)};
    mmap_wrap_handle listed[5] = {0, 0, 0, -7, -7};
    CHECK_IS(mmap_wrap_list(listed, 5), 3);
    for (int i = 0; i < 3; i++) CHECK(is_among(mine[i], listed, 3));
    CHECK(listed[3] == -7 && listed[4] == -7);

    mmap_wrap_handle two[3] = {-7, -7, -7};
    CHECK_IS(mmap_wrap_list(two, 2), 3);
    CHECK(two[0] > 0 && two[1] > 0 && two[2] == -7);
    CHECK_IS(mmap_wrap_list(NULL, 0), 3);
    CHECK_IS(munmap_wrap(mine[1]), 1);
    CHECK_IS(mmap_wrap_list(listed, 5), 2);
    CHECK(!is_among(mine[1], listed, 2));
    CHECK_IS(munmap_wrap(mine[0]), 1);
    CHECK_IS(munmap_wrap(mine[2]), 1);
    CHECK_IS(mmap_wrap_list(listed, 5), 0);
}

static void an_array_that_is_null_is_an_error(void) {
    mmap_wrap_handle place;
    CHECK_FAILS(mmap_wrap_list(NULL, 1), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_list: the buffer is NULL");
    CHECK_FAILS(mmap_wrap_list(NULL, INT64_MAX), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_list: a buffer for");
    CHECK_FAILS(mmap_wrap_list(NULL, -1), MMAP_WRAP_E_RANGE, "negative");
    CHECK_FAILS(mmap_wrap_list(&place, -1), MMAP_WRAP_E_RANGE, "negative");
    CHECK_FAILS(mmap_wrap_list(&place, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE, "negative");
}

int main(void) {
    page = mmap_wrap_page_size();
    /* What the first surviving mapping allocates for the process is not a leak of a test. */
    mmap_wrap_handle first = memory_of(1);
    if (mmap_wrap_survive(first, 1) != 0 || munmap_wrap(first) != 1) return 1;
    RUN(info_has_what_was_requested);
    RUN_POSIX(info_has_what_a_mapping_was_created_from);
    RUN_POSIX(info_changes_with_the_mapping);
    RUN_POSIX(the_descriptor_is_that_of_the_kept_file);
    if (faults_have_addresses()) RUN_POSIX(queries_do_not_report_a_pending_loss);
    RUN(an_older_header_gets_the_members_it_knows);
    RUN(an_invalid_size_is_an_error_and_nothing_is_written);
    RUN(the_list_has_the_live_mappings_and_no_others);
    RUN(an_array_that_is_null_is_an_error);
    return finish();
}
