/*
 * Every error code that a call can return, with its message; failures leak nothing.
 *
 * What a C program cannot provoke: MMAP_WRAP_E_INTERNAL, a defect of the library (a Rust unit test provokes one);
 * -EIO of msync, which needs a failing disk; MMAP_WRAP_E_RANGE for a length beyond size_t, which needs a 32-bit
 * system. -ENOMEM and -EMFILE are in limits.c, RANGE in ranges.c, ALIGNMENT in protect.c, FAULT in faults.c.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifndef _WIN32
#include <sys/wait.h>
#endif

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };
static int64_t page;
static char byte;

static mmap_wrap_handle map_file(const char *name, int64_t prot, int64_t flags) {
    return mmap_path_wrap(name, MMAP_WRAP_REST, prot, flags, 0);
}

/* -- Handles -- */

static int64_t read_(mmap_wrap_handle h) { return mmap_wrap_read(h, 0, &byte, 1); }
static int64_t write_(mmap_wrap_handle h) { return mmap_wrap_write(h, 0, &byte, 1); }
static int64_t fill(mmap_wrap_handle h) { return mmap_wrap_fill(h, 0, 0, 1); }
static int64_t move(mmap_wrap_handle h) { return mmap_wrap_move(h, 0, 0, 1); }
static int64_t find(mmap_wrap_handle h) { return mmap_wrap_find(h, "x", 1, 0, MMAP_WRAP_REST); }
static int64_t rfind(mmap_wrap_handle h) { return mmap_wrap_rfind(h, "x", 1, 0, MMAP_WRAP_REST); }
static int64_t count(mmap_wrap_handle h) { return mmap_wrap_count(h, "x", 1, 0, MMAP_WRAP_REST); }
static int64_t copy(mmap_wrap_handle h) { return mmap_wrap_copy(h, 0, h, 0, 1); }
static int64_t compare(mmap_wrap_handle h) { return mmap_wrap_compare(h, 0, h, 0, 1); }
static int64_t get(mmap_wrap_handle h) { return mmap_wrap_get(h, MMAP_WRAP_I8, 0, &byte); }
static int64_t put(mmap_wrap_handle h) { return mmap_wrap_put(h, MMAP_WRAP_I8, 0, &byte); }
static int64_t put_int(mmap_wrap_handle h) { return mmap_wrap_put_int(h, MMAP_WRAP_I8, 0, 1); }
static int64_t put_float(mmap_wrap_handle h) { return mmap_wrap_put_float(h, MMAP_WRAP_F32, 0, 1); }
static int64_t store(mmap_wrap_handle h) { return mmap_wrap_atomic_store(h, 32, 0, 1); }
static int64_t add(mmap_wrap_handle h) { return mmap_wrap_atomic_add(h, 32, 0, 1, NULL); }
static int64_t exchange(mmap_wrap_handle h) { return mmap_wrap_atomic_exchange(h, 32, 0, 1, NULL); }
static int64_t wait_(mmap_wrap_handle h) { return mmap_wrap_wait(h, 0, 0, 0); }
static int64_t wake(mmap_wrap_handle h) { return mmap_wrap_wake(h, 0, 1); }
static int64_t protect(mmap_wrap_handle h) { return mprotect_wrap(h, PROT_READ, 0, 0); }
static int64_t advise(mmap_wrap_handle h) { return madvise_wrap(h, MADV_NORMAL, 0, 0); }
static int64_t sync_(mmap_wrap_handle h) { return msync_wrap(h, MS_SYNC, 0, 0); }

static const struct {
    const char *name;
    int64_t (*with)(mmap_wrap_handle);
} calls[] = {
    {"mmap_wrap_read", read_},        {"mmap_wrap_write", write_}, {"mmap_wrap_fill", fill},
    {"mmap_wrap_move", move},         {"mmap_wrap_find", find},    {"mmap_wrap_rfind", rfind},
    {"mmap_wrap_count", count},       {"mmap_wrap_copy", copy},   {"mmap_wrap_compare", compare},
    {"mmap_wrap_get", get},           {"mmap_wrap_put", put},     {"mmap_wrap_put_int", put_int},
    {"mmap_wrap_put_float", put_float}, {"mmap_wrap_atomic_store", store}, {"mmap_wrap_atomic_add", add},
    {"mmap_wrap_atomic_exchange", exchange}, {"mmap_wrap_wait", wait_}, {"mmap_wrap_wake", wake},
    {"mprotect_wrap", protect},            {"madvise_wrap", advise},         {"msync_wrap", sync_},
    {"mmap_wrap_length", mmap_wrap_length}, {"mmap_wrap_release", mmap_wrap_release},
};

static void every_call_fails_with(mmap_wrap_handle h, int64_t code) {
    char why[100];
    bool unknown = code == MMAP_WRAP_E_HANDLE;
    snprintf(why, sizeof why, "%s0x%llx is %s", unknown ? "" : "the mapping of handle ", (unsigned long long)h,
             unknown ? "not a valid mapping handle" : "unmapped already");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        check_fails(calls[i].with(h), code, text("%s: %s", calls[i].name, why), __FILE__, __LINE__, calls[i].name);
    }
    CHECK_NULL(mmap_wrap_address(h), text("mmap_wrap_address: %s", why));
    CHECK_NULL(mmap_wrap_acquire(h), text("mmap_wrap_acquire: %s", why));
}

static void numbers_that_were_never_handles_are_errors(void) {
    mmap_wrap_handle h = memory_of(page);
    const int64_t later = h + ((int64_t)1 << 31), far = h | ((int64_t)1 << 62);
    const int64_t forged[] = {0, 1, -1, h + 1, later, far, -h, INT64_MAX, INT64_MIN, MMAP_WRAP_E_HANDLE, -ENOMEM};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        every_call_fails_with(forged[i], MMAP_WRAP_E_HANDLE);
        CHECK_FAILS(munmap_wrap(forged[i]), MMAP_WRAP_E_HANDLE, "munmap_wrap: 0x");
    }
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_stale_handle_is_an_error_also_when_its_slot_is_reused(void) {
    mmap_wrap_handle h = memory_of(page);
    CHECK_IS(munmap_wrap(h), 1);
    every_call_fails_with(h, MMAP_WRAP_E_UNMAPPED);
    mmap_wrap_handle next = memory_of(page);
    every_call_fails_with(h, MMAP_WRAP_E_UNMAPPED);
    CHECK_IS(munmap_wrap(h), 0);
    CHECK_IS(mmap_wrap_length(next), page);
    CHECK_IS(munmap_wrap(next), 1);
}

/* -- Arguments of mapping -- */

static void flags_need_shared_or_private(void) {
    CHECK_FAILS(mmap_wrap(NULL, page, RW, MAP_ANONYMOUS, -1, 0), MMAP_WRAP_E_ARGUMENT,
                text("mmap_wrap: flags %#x have neither MAP_SHARED (%#x) nor", MAP_ANONYMOUS, MAP_SHARED));
    CHECK_FAILS(mmap_path_wrap("/dev/zero", page, RW, 0, 0), MMAP_WRAP_E_ARGUMENT, "mmap_path_wrap: flags 0x0 have neither");
}

#ifndef _WIN32
static void unknown_bits_are_errors_with_the_name_of_the_argument(void) {
    const int64_t high = (int64_t)1 << 40;
    CHECK_FAILS(mmap_wrap(NULL, page, 0x40, PRIVATE, -1, 0), MMAP_WRAP_E_ARGUMENT,
                "mmap_wrap: protection 0x40: this platform does not know the bits 0x40");
    CHECK_FAILS(mmap_wrap(NULL, page, PROT_READ | high, PRIVATE, -1, 0), MMAP_WRAP_E_ARGUMENT, "0x10000000000");
    CHECK_FAILS(mmap_wrap(NULL, page, RW, PRIVATE | 0x200, -1, 0), MMAP_WRAP_E_ARGUMENT,
                text("mmap_wrap: flags %#x: this platform does not know the bits 0x200", (unsigned)PRIVATE | 0x200));
    CHECK_FAILS(mmap_wrap(NULL, page, RW, PRIVATE | high, -1, 0), MMAP_WRAP_E_ARGUMENT, "0x10000000000");
    CHECK_FAILS(mmap_wrap(NULL, page, RW, INT64_MIN, -1, 0), MMAP_WRAP_E_ARGUMENT, "flags");
    /* mmap(2): MAP_SHARED_VALIDATE alone reports unknown flags in this way. */
    const int64_t unknown[] = {0x200, (int64_t)1 << 40, INT64_MIN};
    for (int i = 0; i < 3; i++) {
        CHECK_FAILS(mmap_path_wrap("/dev/zero", page, RW, MAP_SHARED_VALIDATE | unknown[i], 0), -EOPNOTSUPP, "MAP_SHARED_VALIDATE");
        CHECK_FAILS(mmap_path_wrap("/dev/zero", page, RW, MAP_SHARED | unknown[i], 0), MMAP_WRAP_E_ARGUMENT, "does not know the bits");
    }
    CHECK_FAILS(mmap_wrap(NULL, page, -1, PRIVATE, -1, 0), MMAP_WRAP_E_ARGUMENT, "protection");

    mmap_wrap_handle h = memory_of(page);
    CHECK_FAILS(mprotect_wrap(h, 0x40, 0, page), MMAP_WRAP_E_ARGUMENT, "mprotect_wrap: protection 0x40");
    CHECK_FAILS(mprotect_wrap(h, -1, 0, page), MMAP_WRAP_E_ARGUMENT, "mprotect_wrap: protection");
    CHECK_FAILS(msync_wrap(h, 0x100, 0, page), MMAP_WRAP_E_ARGUMENT, "msync_wrap: msync flags 0x100");
    CHECK_FAILS(madvise_wrap(h, 12345, 0, page), MMAP_WRAP_E_ARGUMENT, "madvise_wrap: 12345 is not advice");
    CHECK_FAILS(madvise_wrap(h, -1, 0, page), MMAP_WRAP_E_ARGUMENT, "madvise_wrap: -1 is not advice");
    CHECK_IS(munmap_wrap(h), 1);
}

static void invalid_lengths_and_offsets_are_errors(void) {
    make_file("ten", "0123456789", 10);
    CHECK_FAILS(mmap_wrap(NULL, 0, RW, PRIVATE, -1, 0), MMAP_WRAP_E_ARGUMENT, "length of at least 1 byte");
    CHECK_FAILS(mmap_wrap(NULL, MMAP_WRAP_REST, RW, PRIVATE, -1, 0), MMAP_WRAP_E_ARGUMENT, "length of at least 1 byte");
    CHECK_FAILS(mmap_path_wrap("ten", 0, PROT_READ, MAP_PRIVATE, 0), MMAP_WRAP_E_ARGUMENT, "length 0: give the number of bytes");
    CHECK_FAILS(mmap_path_wrap("/dev/zero", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0), MMAP_WRAP_E_ARGUMENT,
                "give the length");
    CHECK_FAILS(mmap_wrap(NULL, -1, RW, PRIVATE, -1, 0), MMAP_WRAP_E_RANGE, "mmap_wrap: length -1 is negative");
    CHECK_FAILS(mmap_wrap(NULL, -page, RW, PRIVATE, -1, 0), MMAP_WRAP_E_RANGE, text("length -%d is negative", (int)page));
    CHECK_FAILS(mmap_wrap(NULL, page, RW, PRIVATE, -1, -1), MMAP_WRAP_E_RANGE, "file offset -1 is negative");
    CHECK_FAILS(mmap_wrap(NULL, page, RW, PRIVATE, -1, page), MMAP_WRAP_E_ARGUMENT, "for memory without a file");
    CHECK_FAILS(mmap_path_wrap("ten", 1, PROT_READ, MAP_PRIVATE, -7), MMAP_WRAP_E_RANGE,
                "mmap_path_wrap: file offset -7 is negative");
    CHECK_FAILS(mmap_path_wrap("ten", 1, PROT_READ, MAP_PRIVATE, 11), MMAP_WRAP_E_RANGE,
                "file offset 11 lies beyond the 10 bytes of the file");
    CHECK_FAILS(mmap_path_wrap("ten", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 11), MMAP_WRAP_E_RANGE, "offset 11");
    CHECK_FAILS(mmap_path_wrap("ten", 1, PROT_READ, MAP_PRIVATE, INT64_MAX), MMAP_WRAP_E_RANGE, "9223372036854775807");
    unlink("ten");
}

static void lengths_beyond_the_address_space_are_enomem(void) {
    if (under_valgrind()) {
        skip("valgrind checks lengths itself and returns EINVAL");
        return;
    }
    make_file("one", "1", 1);
    CHECK_FAILS(mmap_wrap(NULL, (int64_t)1 << 62, RW, PRIVATE, -1, 0), TOO_LONG,
                sizeof(void *) < 8 ? "mmap_wrap: length 4611686018427387904" : "mmap_wrap: 4611686018427387904 bytes without a file");
    CHECK_FAILS(mmap_wrap(NULL, INT64_MAX, RW, PRIVATE, -1, 0), TOO_LONG, "9223372036854775807");
    CHECK_FAILS(mmap_path_wrap("one", (int64_t)1 << 62, PROT_READ, MAP_PRIVATE, 0), TOO_LONG,
                sizeof(void *) < 8 ? "length 4611686018427387904" : "4611686018427387904 bytes at offset 0 of the file");
    unlink("one");
}
#endif

/* The library's table would grow if a failure kept its slot; RUN compares the mapped bytes. */
static void many_failures_leak_nothing(void) {
    int64_t failed = 0;
    for (int i = 0; i < 20000; i++) failed += mmap_path_wrap("missing", 1, PROT_READ, MAP_PRIVATE, 0) == -ENOENT;
    CHECK_IS(failed, 20000);
}

#ifndef _WIN32
static void a_fixed_address_is_on_a_page_boundary(void) {
    make_file("two", "0123456789", 10);
    int fd = open("two", O_RDONLY | O_CLOEXEC);
    char *place = mmap(NULL, (size_t)page, PROT_NONE, PRIVATE, -1, 0);
    CHECK_FAILS(mmap_wrap(place + 1, 1, RW, PRIVATE | MAP_FIXED, -1, 0), MMAP_WRAP_E_ALIGNMENT, "mmap_wrap: address");
    CHECK_FAILS(mmap_wrap(place, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 1), MMAP_WRAP_E_ALIGNMENT,
                "mmap_wrap: file offset 1 is not on a page boundary");
    CHECK_FAILS(mmap_wrap(place + 1, 1, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0), MMAP_WRAP_E_ALIGNMENT, "mmap_wrap: address");
    munmap(place, (size_t)page);
    close(fd);
    unlink("two");
}
#endif

/* -- Files -- */

#ifndef _WIN32
static void a_failed_open_is_the_errno_of_the_system_with_the_path(void) {
    char long_name[5000];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    make_file("plain", "x", 1);
    if (symlink("loop", "loop") != 0) perror("symlink");
    CHECK_FAILS(map_file("missing", PROT_READ, MAP_PRIVATE), -ENOENT,
                "mmap_path_wrap: open 'missing' for reading: No such file or directory (ENOENT)");
    CHECK_FAILS(map_file("missing", RW, MAP_SHARED), -ENOENT, "open 'missing' for reading and writing");
    CHECK_FAILS(map_file("", PROT_READ, MAP_PRIVATE), -ENOENT, "open ''");
    CHECK_FAILS(map_file(".", PROT_READ, MAP_PRIVATE), -EISDIR, "open '.' for reading");
    CHECK_FAILS(map_file(".", RW, MAP_SHARED), -EISDIR, "EISDIR");
    CHECK_FAILS(map_file("plain/x", PROT_READ, MAP_PRIVATE), -ENOTDIR, "ENOTDIR");
    CHECK_FAILS(map_file("loop", PROT_READ, MAP_PRIVATE), -ELOOP, "ELOOP");
    CHECK_FAILS(map_file(long_name, PROT_READ, MAP_PRIVATE), -ENAMETOOLONG, "ENAMETOOLONG");
    CHECK_FAILS(map_file(NULL, PROT_READ, MAP_PRIVATE), MMAP_WRAP_E_ARGUMENT, "mmap_path_wrap: the path is NULL");
    CHECK_FAILS(map_file("not utf-8 \xff", PROT_READ, MAP_PRIVATE), -ENOENT, "not utf-8");
    CHECK_FAILS(mmap_path_wrap("plain", 1, PROT_READ, PRIVATE, 0), MMAP_WRAP_E_ARGUMENT, "MAP_ANONYMOUS");
    CHECK_FAILS(mmap_path_wrap("plain", 1, PROT_READ, MAP_PRIVATE | MAP_FIXED, 0), MMAP_WRAP_E_ARGUMENT, "MAP_FIXED");
    CHECK_FAILS(mmap_path_wrap("plain", 1, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, 0), MMAP_WRAP_E_ARGUMENT,
                "MAP_FIXED");
    unlink("plain");
    unlink("loop");
}

static void files_that_are_not_regular_are_errors_without_waiting(void) {
    if (mkfifo("pipe", 0600) != 0) perror("mkfifo");
    CHECK_FAILS(mmap_path_wrap("pipe", 1, PROT_READ, MAP_PRIVATE, 0), -ENODEV, "a FIFO, a pipe or a socket cannot be mapped");
    CHECK_FAILS(map_file("pipe", PROT_READ, MAP_PRIVATE), -ENODEV, "a FIFO, a pipe or a socket cannot be mapped");
    CHECK_FAILS(map_file("pipe", RW, MAP_SHARED), -ENODEV, "read it");
    CHECK_FAILS(mmap_open_wrap("pipe", HOW(O_RDWR | O_CREAT, 0600, MMAP_WRAP_REST, 0, 1, RW, MAP_SHARED, 0)), -ENODEV, "read it");
    unlink("pipe");
    CHECK_FAILS(map_file("/dev/null", PROT_READ, MAP_PRIVATE), MMAP_WRAP_E_ARGUMENT, "a device has no size");
    CHECK_FAILS(mmap_path_wrap("/dev/null", 1, PROT_READ, MAP_PRIVATE, 0), -ENODEV, "this kind of file cannot be mapped: read it");
}

/* The child waits in open until there is a reader, which must not open and close the FIFO. */
static void the_writer_of_a_fifo_keeps_waiting(void) {
    if (mkfifo("pipe", 0600) != 0) perror("mkfifo");
    pid_t child = fork();
    if (child == 0) {
        int fd = open("pipe", O_WRONLY | O_CLOEXEC);
        _exit(fd >= 0 && write(fd, "kept", 4) == 4 ? 0 : 1);
    }
    usleep(100000);
    CHECK_FAILS(map_file("pipe", PROT_READ, MAP_PRIVATE), -ENODEV, "read it");
    usleep(100000);
    char bytes[5] = "";
    int fd = open("pipe", O_RDONLY | O_CLOEXEC);
    CHECK_FAILS(mmap_wrap(NULL, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, fd, 0), -ENODEV, "read it");
    CHECK(read(fd, bytes, 4) == 4 && strcmp(bytes, "kept") == 0);
    close(fd);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    unlink("pipe");
}

static void a_file_with_contents_and_size_0_is_not_an_empty_file(void) {
    const char *const made_when_read[] = {"/proc/cpuinfo", "/proc/self/maps", "/proc/sys/vm/max_map_count", "/sys/fs/cgroup/cgroup.procs"};
    const int64_t lengths[] = {MMAP_WRAP_REST, 4096}, types[] = {MAP_PRIVATE, MAP_SHARED};
    int64_t tried = 0;
    for (size_t i = 0; i < sizeof made_when_read / sizeof *made_when_read; i++) {
        struct stat info;
        int fd = open(made_when_read[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &info) != 0 || info.st_size != 0) {
            skip("%s is not here", made_when_read[i]);
            if (fd >= 0) close(fd);
            continue;
        }
        for (int j = 0; j < 4; j++) {
            int64_t failure = mmap_path_wrap(made_when_read[i], lengths[j % 2], PROT_READ, types[j / 2], 0);
            CHECK(failure == -ENODEV || failure == -EIO);
            CHECK_FAILS(failure, failure, "its size of 0 is not its length: use read(2)");
            failure = mmap_wrap(NULL, lengths[j % 2], PROT_READ, types[j / 2], fd, 0);
            CHECK(failure == -ENODEV || failure == -EIO);
            CHECK_FAILS(failure, failure, "its size of 0 is not its length: use read(2)");
        }
        close(fd);
        tried++;
    }
    CHECK(tried > 0);
    make_file("empty", "", 0);
    for (int j = 0; j < 2; j++) {
        mmap_wrap_handle h = map_file("empty", PROT_READ, types[j]);
        CHECK_IS(mmap_wrap_length(h), 0);
        CHECK_IS(munmap_wrap(h), 1);
    }
    unlink("empty");
}

/* Maps as an unprivileged user. */
static void maps_without_permission(void) {
    if (geteuid() == 0 && setuid(65534) != 0) {
        skip("cannot become another user: %s", strerror(errno));
        return;
    }
    CHECK_FAILS(map_file("secret", PROT_READ, MAP_PRIVATE), -EACCES,
                "open 'secret' for reading: Permission denied (EACCES); ");
    CHECK_FAILS(map_file("readonly", RW, MAP_SHARED), -EACCES, "open 'readonly' for reading and writing");
    CHECK_FAILS(map_file("closed/file", PROT_READ, MAP_PRIVATE), -EACCES, "search permission");
    mmap_wrap_handle h = map_file("readonly", RW, MAP_PRIVATE);
    CHECK_IS(mmap_wrap_write(h, 0, "x", 1), 1);
    CHECK_IS(munmap_wrap(h), 1);
    h = map_file("readonly", PROT_READ, MAP_SHARED);
    CHECK_FAILS(mprotect_wrap(h, RW, 0, MMAP_WRAP_REST), -EACCES, "the file was not opened for such access");
    CHECK_IS(munmap_wrap(h), 1);
}

static void only_the_necessary_permissions_are_needed(void) {
    make_file("secret", "x", 1);
    make_file("readonly", "x", 1);
    if (chmod("secret", 0) != 0 || chmod("readonly", 0444) != 0 || mkdir("closed", 0) != 0) perror("permissions");
    in_child(maps_without_permission);
    unlink("secret");
    unlink("readonly");
    rmdir("closed");
}

static void invalid_descriptors_are_errors_with_the_reason(void) {
    make_file("modes", "0123456789", 10);
    int reading = open("modes", O_RDONLY | O_CLOEXEC), writing = open("modes", O_WRONLY | O_CLOEXEC);
    int directory = open(".", O_RDONLY | O_CLOEXEC), ends[2];
    if (pipe(ends) != 0) perror("pipe");
    int closed = dup(reading);
    close(closed);
    CHECK_FAILS(mmap_wrap(NULL, 10, PROT_READ, MAP_PRIVATE, writing, 0), -EACCES, "the file must be open for reading");
    CHECK_FAILS(mmap_wrap(NULL, 10, RW, MAP_SHARED, writing, 0), -EACCES,
                text("10 bytes at offset 0 of descriptor %d", writing));
    CHECK_FAILS(mmap_wrap(NULL, 10, RW, MAP_SHARED, reading, 0), -EACCES, "Permission denied (EACCES)");
    CHECK_FAILS(mmap_wrap(NULL, 10, PROT_READ, MAP_PRIVATE, closed, 0), -EBADF,
                text("mmap_wrap: descriptor %d: Bad file descriptor (EBADF)", closed));
    CHECK_FAILS(mmap_wrap(NULL, 10, PROT_READ, MAP_PRIVATE, -1, 0), -EBADF, "needs MAP_ANONYMOUS");
    CHECK_FAILS(mmap_wrap(NULL, 10, PROT_READ, MAP_PRIVATE, (int64_t)1 << 40, 0), MMAP_WRAP_E_ARGUMENT,
                "1099511627776 is not a file descriptor");
    CHECK_FAILS(mmap_wrap(NULL, 10, PROT_READ, MAP_PRIVATE, directory, 0), -EISDIR, text("descriptor %d", directory));
    CHECK_FAILS(mmap_wrap(NULL, 10, PROT_READ, MAP_PRIVATE, ends[0], 0), -ENODEV, "a FIFO, a pipe or a socket cannot be mapped");
    CHECK_FAILS(mmap_wrap(NULL, 10, PROT_READ, MAP_PRIVATE, reading, 11), MMAP_WRAP_E_RANGE, "file offset 11");
    const int mine[] = {reading, writing, directory, ends[0], ends[1]};
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) CHECK_IS(close(mine[i]), 0); /* not closed by the library */
    unlink("modes");
}

static void a_sealed_file_cannot_be_written(void) {
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, page) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0) {
        skip("no sealed memfd: %s", strerror(errno));
        return;
    }
    CHECK_FAILS(mmap_wrap(NULL, page, RW, MAP_SHARED, fd, 0), -EPERM, "a seal");
    close(fd);
}
#endif

/* -- Protection, advice, sync -- */

static void protection_beyond_the_open_mode_of_the_file_is_an_error(void) {
    make_file("opened", "0123456789", 10);
    mmap_wrap_handle h = map_file("opened", PROT_READ, MAP_SHARED);
    CHECK_FAILS(mprotect_wrap(h, RW, 0, MMAP_WRAP_REST), -EACCES,
                "mprotect_wrap: protection 0x3 for 10 bytes from offset 0: Permission denied (EACCES)");
    CHECK_IS(mmap_wrap_read(h, 0, &byte, 1), 1);
    CHECK_IS(mmap_wrap_write(h, 0, &byte, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("opened");
}

#ifndef _WIN32
static void advice_that_does_not_apply_is_einval(void) {
    mmap_wrap_handle h = memory_of(page);
    /* EINVAL on Linux. The library reports any error of the system. */
    int64_t expected = madvise(mmap_wrap_address(h), (size_t)page, MADV_REMOVE) == 0 ? 0 : -errno;
    CHECK_FAILS(madvise_wrap(h, MADV_REMOVE, 0, MMAP_WRAP_REST), expected,
                text("madvise_wrap: MADV_REMOVE for %d bytes from offset 0", (int)page));
    CHECK_IS(munmap_wrap(h), 1);
}

static void data_that_cannot_be_written_back_is_eio(void) {
    skip("-EIO of msync takes a failing disk");
}

static void sync_fails_for_contradicting_flags_and_locked_pages(void) {
    make_file("locked", "0123456789", 10);
    mmap_wrap_handle h = map_file("locked", RW, MAP_SHARED);
    CHECK_FAILS(msync_wrap(h, MS_SYNC | MS_ASYNC, 0, MMAP_WRAP_REST), -EINVAL, "MS_SYNC and MS_ASYNC exclude each other");
    CHECK_IS(msync_wrap(h, MS_SYNC | MS_INVALIDATE, 0, MMAP_WRAP_REST), 0);
    if (mlock(mmap_wrap_address(h), 10) != 0) skip("locking a page: %s", strerror(errno));
    else CHECK_FAILS(msync_wrap(h, MS_INVALIDATE, 0, MMAP_WRAP_REST), -EBUSY, "msync_wrap: flags 0x2 for 10 bytes from offset 0");
    CHECK_IS(munmap_wrap(h), 1);
    unlink("locked");
}
#endif

/* -- Buffers -- */

static void a_null_buffer_is_valid_with_size_zero_only(void) {
    mmap_wrap_handle h = memory_of(page);
    CHECK_FAILS(mmap_wrap_read(h, 0, NULL, 8), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_read: the buffer is NULL, but 8 bytes long");
    CHECK_FAILS(mmap_wrap_write(h, 0, NULL, 8), MMAP_WRAP_E_ARGUMENT,
                "mmap_wrap_write: the buffer is NULL, but 8 bytes long");
    CHECK_FAILS(mmap_wrap_find(h, NULL, 8, 0, MMAP_WRAP_REST), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_find: the buffer is NULL");
    CHECK_FAILS(mmap_wrap_rfind(h, NULL, 8, 0, MMAP_WRAP_REST), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_rfind: the buffer is NULL");
    CHECK_IS(mmap_wrap_read(h, 0, NULL, 0), 0);
    CHECK_IS(mmap_wrap_write(h, 0, NULL, 0), 0);
    CHECK_IS(mmap_wrap_find(h, NULL, 0, 5, MMAP_WRAP_REST), 5);
    CHECK_IS(mmap_wrap_rfind(h, NULL, 0, 0, 5), 5);
    CHECK_IS(munmap_wrap(h), 1);
}

static void rest_is_not_a_size_of_a_buffer(void) {
    mmap_wrap_handle h = memory_of(1);
    CHECK_IS(mmap_wrap_read(h, 0, &byte, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE);
    CHECK_IS(mmap_wrap_write(h, 0, &byte, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE);
    CHECK_IS(mmap_wrap_find(h, &byte, MMAP_WRAP_REST, 0, MMAP_WRAP_REST), MMAP_WRAP_E_RANGE);
    CHECK_IS(munmap_wrap(h), 1);
}

/* -- Codes and messages -- */

static void every_code_has_a_name(void) {
    /* codes.inc has CHECK_CODE(MMAP_WRAP_E_…) for each one in the header. */
#define CHECK_CODE(CODE) CHECK(strstr(mmap_wrap_strerror(CODE), "(" #CODE ")") != NULL);
#include "codes.inc"
    CHECK(strcmp(mmap_wrap_strerror(-EACCES), "Permission denied (EACCES)") == 0);
    CHECK(strstr(mmap_wrap_strerror(-ENOMEM), "(ENOMEM)") != NULL);
    CHECK(strstr(mmap_wrap_strerror(-4095), "4095") != NULL);
    CHECK(strstr(mmap_wrap_strerror(0), "success") != NULL);
    CHECK(strstr(mmap_wrap_strerror(MMAP_WRAP_E_BUSY), "in use") != NULL); /* acquired, or other calls are executing */
    CHECK(strstr(mmap_wrap_strerror(17), "17 is not an error code") != NULL);
    CHECK(strstr(mmap_wrap_strerror(INT64_MIN), "-9223372036854775808 is not an error code") != NULL);
    CHECK(strstr(mmap_wrap_strerror(-5000), "is not an error code") != NULL);
}

static void the_message_stays_after_a_success_and_a_second_read(void) {
    munmap_wrap(0);
    mmap_wrap_handle h = memory_of(page);
    CHECK(strstr(mmap_wrap_last_error_message(), "munmap_wrap: 0x0") != NULL);
    mmap_wrap_strerror(-EIO);
    CHECK(strstr(mmap_wrap_last_error_message(), "munmap_wrap: 0x0") != NULL);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_IS(munmap_wrap(h), 0);
    CHECK(strstr(mmap_wrap_last_error_message(), "munmap_wrap: 0x0") != NULL);
}

static void the_systems_own_code_is_that_of_the_last_error_alone(void) {
    CHECK_FAILS(map_file("no such file", PROT_READ, MAP_PRIVATE), -ENOENT, "ENOENT");
    CHECK_IS(mmap_wrap_last_error_system_code(), ENOENT);
    CHECK_IS(munmap_wrap(memory_of(page)), 1);
    CHECK_IS(mmap_wrap_last_error_system_code(), ENOENT); /* a success changes nothing */
    CHECK_FAILS(mmap_wrap_length(0), MMAP_WRAP_E_HANDLE, "mmap_wrap_length: ");
    CHECK_IS(mmap_wrap_last_error_system_code(), 0); /* found by the library */
}

static void *fail_in_another_thread(void *unused) {
    CHECK(strcmp(mmap_wrap_last_error_message(), "") == 0);
    CHECK_IS(mmap_wrap_last_error_system_code(), 0);
    CHECK_FAILS(mmap_wrap_length(0), MMAP_WRAP_E_HANDLE, "mmap_wrap_length: ");
    return unused;
}

static void a_message_belongs_to_its_thread(void) {
    pthread_t thread;
    munmap_wrap(0);
    if (pthread_create(&thread, NULL, fail_in_another_thread, NULL) != 0) perror("pthread_create");
    pthread_join(thread, NULL);
    CHECK(strstr(mmap_wrap_last_error_message(), "munmap_wrap: ") != NULL);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(numbers_that_were_never_handles_are_errors);
    RUN(a_stale_handle_is_an_error_also_when_its_slot_is_reused);
    RUN(flags_need_shared_or_private);
    RUN_POSIX(unknown_bits_are_errors_with_the_name_of_the_argument);
    RUN_POSIX(invalid_lengths_and_offsets_are_errors);
    RUN_POSIX(lengths_beyond_the_address_space_are_enomem);
    RUN(many_failures_leak_nothing);
    RUN_POSIX(a_fixed_address_is_on_a_page_boundary);
    RUN_POSIX(a_failed_open_is_the_errno_of_the_system_with_the_path);
    RUN_POSIX(files_that_are_not_regular_are_errors_without_waiting);
    RUN_POSIX(the_writer_of_a_fifo_keeps_waiting);
    RUN_POSIX(a_file_with_contents_and_size_0_is_not_an_empty_file);
    RUN_POSIX(only_the_necessary_permissions_are_needed);
    RUN_POSIX(invalid_descriptors_are_errors_with_the_reason);
    RUN_POSIX(a_sealed_file_cannot_be_written);
    RUN(protection_beyond_the_open_mode_of_the_file_is_an_error);
    RUN_POSIX(advice_that_does_not_apply_is_einval);
    RUN_POSIX(data_that_cannot_be_written_back_is_eio);
    RUN_POSIX(sync_fails_for_contradicting_flags_and_locked_pages);
    RUN(a_null_buffer_is_valid_with_size_zero_only);
    RUN(rest_is_not_a_size_of_a_buffer);
    RUN(every_code_has_a_name);
    RUN(the_message_stays_after_a_success_and_a_second_read);
    RUN(the_systems_own_code_is_that_of_the_last_error_alone);
    RUN_THREADED(a_message_belongs_to_its_thread);
    return finish();
}
