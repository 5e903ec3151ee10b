/*
 * Errors report their true causes: a limit on file sizes is EFBIG and leaves nothing behind, a length that was always
 * beyond the end of the file is not reported as truncation, an empty pool of huge pages is reported as such. And a
 * fault takes no longer in a process with many mappings.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE };
static int64_t page;
static char byte;

static int64_t size_of(const char *file) {
    struct stat s;
    return stat(file, &s) == 0 ? (int64_t)s.st_size : -1;
}

static bool says(const char *words) {
    return strstr(mmap_wrap_last_error_message(), words) != NULL;
}

#define SAYS_NOT(words) \
    check(!says(words), __FILE__, __LINE__, text("the message does not say '%s': %.300s", words, mmap_wrap_last_error_message()))

/* -- RLIMIT_FSIZE -- */

static void makes_files_beyond_the_limit(void) {
    static const char x[] = "x";
    unlink("new");
    make_file("old", x, 1);
    int fd = open("old", O_RDWR | O_CLOEXEC);
    mmap_wrap_handle kept = mmap_open_wrap("kept", HOW(O_RDWR | O_CREAT, 0600, page, 0, MMAP_WRAP_REST, RW, MAP_SHARED | MMAP_WRAP_KEEP, 0));
    int64_t descriptors = open_descriptors();
    struct rlimit limit = {(rlim_t)page, (rlim_t)page};
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int allocate = 0; allocate < 2; allocate++) {
        CHECK_FAILS(mmap_open_wrap("new", HOW(O_RDWR | O_CREAT, 0600, 1 << 20, allocate, MMAP_WRAP_REST, RW, MAP_SHARED, 0)), -EFBIG, "1048576");
        CHECK_IS(size_of("new"), -1);
        CHECK_FAILS(mmap_open_wrap("old", HOW(O_RDWR, 0600, 1 << 20, allocate, MMAP_WRAP_REST, RW, MAP_SHARED, 0)), -EFBIG, "1048576");
        CHECK_IS(size_of("old"), 1);
        CHECK_IS(mmap_open_wrap("/tmp", HOW(O_RDWR | O_TMPFILE, 0600, 1 << 20, allocate, MMAP_WRAP_REST, RW, MAP_SHARED, 0)), -EFBIG);
        CHECK_IS(mmap_shm_wrap("/mmap-wrap-causes", HOW(O_RDWR | O_CREAT, 0600, 1 << 20, allocate, MMAP_WRAP_REST, RW, MAP_SHARED, 0)), -EFBIG);
        CHECK_IS(shm_unlink_wrap("/mmap-wrap-causes"), -ENOENT);
    }
    CHECK_IS(mmap_memfd_wrap("large", 0, 1 << 20, RW, MAP_SHARED), -EFBIG);
    CHECK_IS(mmap_unnamed_wrap(1 << 20, RW, MAP_SHARED), -EFBIG);
    CHECK_IS(mremap_wrap(kept, 1 << 20, MREMAP_MAYMOVE, NULL, 1), -EFBIG);
    CHECK_IS(size_of("kept"), page);
    CHECK_IS(mmap_wrap_length(kept), page);
    CHECK_IS(mmap_wrap_fill(kept, 0, 1, MMAP_WRAP_REST), page);
    CHECK_IS(open_descriptors(), descriptors);
    /* Within the limit files are created, and the action of SIGXFSZ has not changed. */
    CHECK(mmap_open_wrap("new", HOW(O_RDWR | O_CREAT, 0600, page, 1, MMAP_WRAP_REST, RW, MAP_SHARED, 0)) > 0);
    struct sigaction now_there;
    sigaction(SIGXFSZ, NULL, &now_there);
    CHECK(now_there.sa_handler == SIG_DFL);
    sigset_t mask, pending;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    CHECK(!sigismember(&mask, SIGXFSZ) && !sigismember(&pending, SIGXFSZ));
    close(fd);
}

static void with_the_signal_ignored(void) {
    signal(SIGXFSZ, SIG_IGN);
    unlink("new");
    CHECK_IS(mmap_wrap_page_size(), page);
    struct rlimit limit = {(rlim_t)page, (rlim_t)page};
    setrlimit(RLIMIT_FSIZE, &limit);
    CHECK_IS(mmap_open_wrap("new", HOW(O_RDWR | O_CREAT, 0600, 1 << 20, 0, MMAP_WRAP_REST, RW, MAP_SHARED, 0)), -EFBIG);
    CHECK_IS(size_of("new"), -1);
}

static void dies_of_its_own_write(void) {
    makes_files_beyond_the_limit();
    int fd = open("new", O_RDWR | O_CLOEXEC);
    _exit(pwrite(fd, "x", 1, 1 << 20) == 1 ? 1 : 2);
}

static void a_file_beyond_rlimit_fsize_is_efbig_and_leaves_nothing_behind(void) {
    LIVES(20, makes_files_beyond_the_limit, "files beyond RLIMIT_FSIZE");
    LIVES(20, with_the_signal_ignored, "files beyond RLIMIT_FSIZE, SIGXFSZ ignored");
    /* The program's own writes end it as without the library. */
    in_child_killed_by(SIGXFSZ, dies_of_its_own_write);
    unlink("new");
    unlink("old");
    unlink("kept");
}

/* -- Beyond the end -- */

static void a_length_that_was_always_beyond_the_end_is_not_reported_as_truncation(void) {
    static char bytes[65536];
    make_file("short", bytes, page);
    mmap_wrap_handle h = mmap_path_wrap("short", 3 * page, PROT_READ, MAP_SHARED, 0);
    char beyond[64];
    snprintf(beyond, sizeof beyond, "lies beyond the %lld bytes of the file", (long long)page);
    CHECK_FAILS(mmap_wrap_read(h, page, &byte, 1), MMAP_WRAP_E_FAULT, beyond);
    SAYS_NOT("truncated");
    CHECK_IS(mmap_wrap_find(h, "x", 1, 0, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT);
    SAYS_NOT("truncated");
    CHECK_IS(munmap_wrap(h), 1);
    /* The message is true, too, for a file that was longer when it was mapped. */
    h = mmap_path_wrap("short", page, PROT_READ, MAP_SHARED, 0);
    CHECK(truncate("short", 0) == 0);
    CHECK_FAILS(mmap_wrap_read(h, 0, &byte, 1), MMAP_WRAP_E_FAULT, "lies beyond the 0 bytes of the file");
    CHECK_IS(munmap_wrap(h), 1);
    unlink("short");
}

/* -- The pool of huge pages -- */

static void an_empty_pool_of_huge_pages_is_reported(void) {
    int64_t huge = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    char row[128];
    long long kilobytes = 0, free_pages = -1;
    while (file != NULL && fgets(row, sizeof row, file) != NULL) {
        sscanf(row, "Hugepagesize: %lld kB", &kilobytes);
        sscanf(row, "HugePages_Free: %lld", &free_pages);
    }
    if (file != NULL) fclose(file);
    huge = kilobytes * 1024;
    if (huge == 0 || free_pages != 0) {
        skip("the empty pool of huge pages: %lld are free", free_pages);
        return;
    }
    mmap_wrap_handle h = mmap_wrap(NULL, huge, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
    if (h < 0) {
        skip("the empty pool of huge pages: %s", mmap_wrap_last_error_message());
        return;
    }
    CHECK_FAILS(mmap_wrap_fill(h, 0, 1, 1), MMAP_WRAP_E_FAULT, "huge page");
    SAYS_NOT("truncated");
    CHECK_FAILS(mmap_wrap_read(h, 0, &byte, 1), MMAP_WRAP_E_FAULT, "huge page");
    CHECK_IS(munmap_wrap(h), 1);
    h = mmap_memfd_wrap("huge", MFD_HUGETLB, huge, RW, MAP_SHARED | MAP_NORESERVE);
    if (h > 0) {
        CHECK_FAILS(mmap_wrap_fill(h, 0, 1, 1), MMAP_WRAP_E_FAULT, "huge page");
        SAYS_NOT("truncated");
        CHECK_IS(munmap_wrap(h), 1);
    }
}

/* -- The time that a fault takes -- */

static int compare_times(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double time_of_a_fault(mmap_wrap_handle h) {
    enum { TIMES = 101 };
    double times[TIMES];
    for (int i = 0; i < TIMES; i++) {
        double began = now();
        CHECK_IS(mmap_wrap_read(h, page, &byte, 1), MMAP_WRAP_E_FAULT);
        times[i] = now() - began;
    }
    qsort(times, TIMES, sizeof *times, compare_times);
    return times[TIMES / 2];
}

static void among_sixty_thousand(void) {
    static char bytes[2 * 65536];
    make_file("short", bytes, 2 * page);
    mmap_wrap_handle handles[3] = {
        mmap_path_wrap("short", MMAP_WRAP_REST, RW, MAP_SHARED, 0),
        memory_of(2 * page),
        memory_of(2 * page),
    };
    CHECK(truncate("short", page) == 0);
    CHECK_IS(mmap_wrap_guard(handles[1], 1, page, page), 0);
    CHECK_IS(mprotect_wrap(handles[2], PROT_NONE, page, page), 0);
    double before[3], after[3];
    for (int i = 0; i < 3; i++) before[i] = time_of_a_fault(handles[i]);
    for (int i = 0; i < 60000; i++)
        if (mmap(NULL, (size_t)page, i % 2 ? PROT_READ : RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) break;
    for (int i = 0; i < 3; i++) {
        after[i] = time_of_a_fault(handles[i]);
        check(after[i] < 4 * before[i] + 20e-6, "errors_causes.c", __LINE__,
              text("%s: fault %d takes the same (%.0f us against %.0f)", case_name, i, after[i] * 1e6, before[i] * 1e6));
    }
}

/* struct procmap_query's ioctl, of Linux 6.11; its number contains the size, 104 bytes. */
static bool has_procmap_query(void) {
    uint64_t query[13] = {104};
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    bool there = ioctl(fd, REQUEST((unsigned long)_IOC(_IOC_READ | _IOC_WRITE, 'f', 17, 104)), query) == 0 || (errno != ENOTTY && errno != EINVAL);
    close(fd);
    return there;
}

static void a_fault_takes_the_same_time_among_60000_mappings(void) {
    if (!has_procmap_query()) {
        skip("the time of a fault among 60000 mappings: before Linux 6.11 they all have to be read");
        return;
    }
    LIVES(60, among_sixty_thousand, "faults among 60000 mappings");
    unlink("short");
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_file_beyond_rlimit_fsize_is_efbig_and_leaves_nothing_behind);
    RUN(a_length_that_was_always_beyond_the_end_is_not_reported_as_truncation);
    RUN(an_empty_pool_of_huge_pages_is_reported);
    RUN(a_fault_takes_the_same_time_among_60000_mappings);
    return finish();
}
