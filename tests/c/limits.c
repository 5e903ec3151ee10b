/*
 * The limits of a process, each reached in a separate child: the error names the limit and its value, earlier mappings
 * still work, and all can be unmapped.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };
static int64_t page;
static char byte;

static void set_limit(int resource, rlim_t value) {
    struct rlimit limit = {value, value};
    if (setrlimit(resource, &limit) != 0) perror("setrlimit");
}

static void reaches_the_address_space(void) {
    const int64_t room = mapped_bytes() + (64 << 20);
    mmap_wrap_handle before = memory_of(page);
    set_limit(RLIMIT_AS, (rlim_t)room);
    int64_t bytes = mapped_bytes();
    const char *limit = text("RLIMIT_AS is %lld bytes", (long long)room);
    CHECK_FAILS(mmap_wrap(NULL, 128 << 20, RW, PRIVATE, -1, 0), -ENOMEM, limit);
    CHECK_FAILS(mmap_wrap(NULL, 128 << 20, RW, PRIVATE, -1, 0), -ENOMEM, "mmap_wrap: 134217728 bytes without a file");
    CHECK_IS(mapped_bytes(), bytes);
    CHECK_IS(mmap_wrap_fill(before, 0, 1, MMAP_WRAP_REST), page);
    CHECK_IS(munmap_wrap(before), 1);
    mmap_wrap_handle after = mmap_wrap(NULL, 16 << 20, RW, PRIVATE, -1, 0);
    CHECK_IS(munmap_wrap(after), 1);
}

static void an_error_at_rlimit_as_has_the_limit(void) {
    if (address_space_has_a_limit()) in_child(reaches_the_address_space);
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

/* Maps page after page until the system fails, and stores the error. The protections alternate, since the kernel counts
 * neighbours of equal protection as one mapping. */
static int64_t map_until_failure(int64_t *error) {
    int64_t count = 0;
    while (count < MOST_TRIED) {
        int64_t h = mmap_wrap(NULL, page, count % 2 == 0 ? PROT_READ : RW, PRIVATE, -1, 0);
        if (h < 0) {
            *error = h;
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
    int64_t error = 0, count = map_until_failure(&error);
    CHECK_FAILS(error, -ENOMEM, limit);
    CHECK(count > 1000);
    CHECK_IS(mmap_wrap_read(handles[count - 1], 0, &byte, 1), 1);
    CHECK_IS(mmap_wrap_length(handles[0]), page);
    CHECK_IS(munmap_wrap(handles[count - 1]), 1);
    handles[count - 1] = mmap_wrap(NULL, page, PROT_NONE, PRIVATE, -1, 0);
    CHECK(handles[count - 1] > 0);
    CHECK_IS(unmapped_of(count), count);
}

/* The middle of three merged neighbours: unmapping or protecting it needs one mapping more. */
static void cannot_split_at_the_limit(void) {
    char *place = mmap(NULL, (size_t)(5 * page), PROT_NONE, PRIVATE, -1, 0);
    mmap_wrap_handle part[3], spare = mmap_wrap(NULL, page, PROT_EXEC, PRIVATE, -1, 0);
    for (int i = 0; i < 3; i++) part[i] = mmap_wrap(place + (i + 1) * page, page, RW, PRIVATE | MAP_FIXED, -1, 0);
    int64_t error = 0, count = map_until_failure(&error);
    CHECK_IS(error, -ENOMEM);

    CHECK_FAILS(munmap_wrap(part[1]), -ENOMEM,
                text("munmap_wrap: unmap %lld bytes at %p", (long long)page, (void *)(place + 2 * page)));
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
    if (most_mappings() >= MOST_TRIED) {
        skip("vm.max_map_count is %lld: too many to reach", (long long)most_mappings());
        return false;
    }
    if (patience() > 1) {
        skip("vm.max_map_count: an emulated processor takes too long to reach it");
        return false;
    }
    return true;
}

static void an_error_at_max_map_count_has_the_limit_and_all_can_be_unmapped(void) {
    if (limit_is_within_reach()) in_child(reaches_the_number_of_mappings);
}

static void a_mapping_that_cannot_be_unmapped_is_not_changed(void) {
    if (limit_is_within_reach()) in_child(cannot_split_at_the_limit);
}

static void reaches_the_number_of_descriptors(void) {
    enum { LIMIT = 20 };
    int opened[LIMIT], count = 0;
    make_file("file", "x", 1);
    set_limit(RLIMIT_NOFILE, LIMIT);
    while (count < LIMIT && (opened[count] = open("file", O_RDONLY | O_CLOEXEC)) >= 0) count++;
    CHECK_FAILS(mmap_path_wrap("file", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0), -EMFILE,
                "mmap_path_wrap: open 'file' for reading");
    CHECK_FAILS(mmap_path_wrap("file", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0), -EMFILE, "all 20 descriptors");
    mmap_wrap_handle h = mmap_wrap(NULL, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, opened[0], 0);
    CHECK_IS(munmap_wrap(h), 1);
    close(opened[--count]); /* one free descriptor is enough for all calls */
    for (int i = 0; i < 3 * LIMIT; i++) {
        h = mmap_path_wrap("file", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
        CHECK_IS(munmap_wrap(h), 1);
    }
    unlink("file");
}

static void emfile_has_the_limit_and_no_descriptor_leaks(void) {
    in_child(reaches_the_number_of_descriptors);
}

enum { FILE_LIMIT = 1 << 16, MAKE = O_RDWR | O_CREAT, KEPT = MAP_SHARED | MMAP_WRAP_KEEP };

static int64_t result_of_creating(const char *name, int64_t size, int64_t allocate) {
    return mmap_open_wrap(name, HOW(MAKE, 0600, size, allocate, MMAP_WRAP_REST, RW, MAP_SHARED, 0));
}

static int64_t size_of(const char *name) {
    struct stat info = {.st_size = -1};
    return stat(name, &info) == 0 ? info.st_size : -1;
}

static bool is_pending(int signal) {
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, signal) == 1;
}

/* Every call that makes a file larger; only the soft limit is set. */
static void exceeds_the_size_of_files(void) {
    const struct rlimit limit = {FILE_LIMIT, RLIM_INFINITY};
    const char *named = "RLIMIT_FSIZE is 65536 bytes";
    const mmap_wrap_handle unnamed = mmap_unnamed_wrap(page, RW, MAP_SHARED);
    const mmap_wrap_handle kept = mmap_open_wrap("kept", HOW(MAKE, 0600, 100, 0, MMAP_WRAP_REST, RW, KEPT, 0));
    const int64_t descriptors = open_descriptors(), bytes = mapped_bytes();
    signal(SIGXFSZ, SIG_DFL);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) perror("setrlimit");

    CHECK_FAILS(result_of_creating("grown", 1 << 20, 0), -EFBIG, named);
    CHECK_FAILS(result_of_creating("grown", 1 << 20, 1), -EFBIG, named);
    CHECK_IS(size_of("grown"), -1);
    CHECK_FAILS(result_of_creating("kept", 1 << 20, 0), -EFBIG, named);
    CHECK_FAILS(result_of_creating("kept", 1 << 20, 1), -EFBIG, named);
    CHECK_FAILS(mremap_wrap(kept, 1 << 20, MREMAP_MAYMOVE, NULL, 1), -EFBIG, named);
    CHECK_IS(mmap_wrap_length(kept), 100);
    CHECK_IS(size_of("kept"), 100);
    CHECK_FAILS(mremap_wrap(unnamed, 1 << 20, MREMAP_MAYMOVE, NULL, 1), -EFBIG, named);
    CHECK_FAILS(mmap_unnamed_wrap(1 << 20, RW, MAP_SHARED), -EFBIG, named);
    CHECK_FAILS(mmap_memfd_wrap("large", 0, 1 << 20, RW, MAP_SHARED), -EFBIG, named);
    const char *shared = text("/mmap-wrap-limits-%d", (int)getpid());
    CHECK_FAILS(mmap_shm_wrap(shared, HOW(MAKE, 0600, 1 << 20, 0, MMAP_WRAP_REST, RW, MAP_SHARED, 0)), -EFBIG, named);
    CHECK_FAILS(shm_unlink_wrap(shared), -ENOENT, "unlink");
    CHECK(!is_pending(SIGXFSZ));
    CHECK_IS(open_descriptors(), descriptors);
    CHECK_IS(mapped_bytes(), bytes);

    /* Sizes within the limit are created. */
    mmap_wrap_handle fits = result_of_creating("fits", FILE_LIMIT, 0);
    CHECK_IS(munmap_wrap(fits), 1);
    CHECK_IS(munmap_wrap(kept), 1);
    CHECK_IS(munmap_wrap(unnamed), 1);
    unlink("fits");
    unlink("kept");
}

static void a_file_larger_than_rlimit_fsize_is_efbig_without_a_signal(void) {
    in_child(exceeds_the_size_of_files);
}

static volatile sig_atomic_t caught;

static void catch(int signal) {
    caught += signal == SIGXFSZ;
}

/* The action of SIGXFSZ and the mask of the program do not change. */
static void leaves_the_programs_signal(void) {
    sigset_t only, mask;
    sigemptyset(&only);
    sigaddset(&only, SIGXFSZ);
    signal(SIGXFSZ, catch);
    set_limit(RLIMIT_FSIZE, FILE_LIMIT);
    CHECK_FAILS(result_of_creating("large", 1 << 20, 0), -EFBIG, "RLIMIT_FSIZE");
    CHECK_IS(caught, 0);
    raise(SIGXFSZ);
    CHECK_IS(caught, 1);

    sigprocmask(SIG_BLOCK, &only, NULL);
    raise(SIGXFSZ);
    CHECK_FAILS(result_of_creating("large", 1 << 20, 0), -EFBIG, "RLIMIT_FSIZE");
    CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGXFSZ) == 1);
    CHECK(is_pending(SIGXFSZ));
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    CHECK_IS(caught, 2);

    sigprocmask(SIG_BLOCK, &only, NULL);
    CHECK_FAILS(result_of_creating("large", 1 << 20, 0), -EFBIG, "RLIMIT_FSIZE");
    CHECK(!is_pending(SIGXFSZ));
}

static void a_pending_sigxfsz_of_the_program_stays_pending(void) {
    in_child(leaves_the_programs_signal);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(an_error_at_rlimit_as_has_the_limit);
    RUN(an_error_at_max_map_count_has_the_limit_and_all_can_be_unmapped);
    RUN(a_mapping_that_cannot_be_unmapped_is_not_changed);
    RUN(emfile_has_the_limit_and_no_descriptor_leaks);
    RUN(a_file_larger_than_rlimit_fsize_is_efbig_without_a_signal);
    RUN(a_pending_sigxfsz_of_the_program_stays_pending);
    return finish();
}
