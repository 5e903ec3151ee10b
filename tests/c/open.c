/*
 * Opening and creating files, memory files, shared memory, and the descriptors of kept files: calls succeed, or leave no
 * file, no descriptor and no mapping behind.
 *
 * What a C program cannot provoke here: MMAP_WRAP_E_UNSUPPORTED of a system without memory files or seals. -ENOSPC needs
 * a separate file system, and the permission to mount it.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, MAKE = O_RDWR | O_CREAT };
static int64_t page;
static char byte;

static mmap_wrap_handle open_shared(const char *path, int64_t open_flags, int64_t size) {
    return mmap_open_wrap(path, HOW(open_flags, 0640, size, 0, MMAP_WRAP_REST, RW, MAP_SHARED, 0));
}

static mmap_wrap_handle memory_file(int64_t memfd_flags, int64_t len) {
    return mmap_memfd_wrap("test", memfd_flags, len, RW, MAP_SHARED);
}

/* -1 if there is no such file. */
static int64_t size_of(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : -1;
}

static char byte_at(mmap_wrap_handle h, int64_t offset) {
    char got = 0;
    CHECK_IS(mmap_wrap_read(h, offset, &got, 1), 1);
    return got;
}

static void set_limit(int resource, rlim_t value) {
    struct rlimit limit = {value, value};
    if (setrlimit(resource, &limit) != 0) perror("setrlimit");
}

/* -- Opening, creating, sizing -- */

static void a_file_is_created_with_its_size_and_permissions(void) {
    mode_t mask = umask(022);
    mmap_wrap_handle h = mmap_open_wrap("made", HOW(MAKE, 0666, 10000, 0, MMAP_WRAP_REST, RW, MAP_SHARED, 0));
    umask(mask);
    CHECK_IS(mmap_wrap_length(h), 10000);
    CHECK_IS(mmap_wrap_write(h, 9999, "x", 1), 1);
    CHECK_IS(munmap_wrap(h), 1);
    struct stat info;
    CHECK(stat("made", &info) == 0 && (info.st_mode & 07777) == 0644);
    CHECK_IS(info.st_size, 10000);
    char bytes[10000];
    read_file("made", bytes, sizeof bytes);
    CHECK(bytes[9999] == 'x' && bytes[9998] == 0);
    unlink("made");
}

static void an_existing_file_keeps_its_size_or_grows_or_is_truncated(void) {
    make_file("there", "0123456789", 10);
    const struct { int64_t flags, size, expected; } cases[] = {
        {O_RDWR, MMAP_WRAP_REST, 10}, {MAKE, 20, 20}, {MAKE, 5, 5}, {O_RDWR, 0, 0}, {O_RDWR | O_TRUNC, 7, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mmap_wrap_handle h = open_shared("there", cases[i].flags, cases[i].size);
        CHECK_IS(mmap_wrap_length(h), cases[i].expected);
        CHECK_IS(size_of("there"), cases[i].expected);
        CHECK_IS(munmap_wrap(h), 1);
    }
    unlink("there");
}

static void flags_without_effect_on_files_are_accepted(void) {
    int64_t large = -1;
    CHECK_IS(mmap_wrap_constant("O_LARGEFILE", &large), 0);
    mmap_wrap_handle h = open_shared("flags", MAKE | O_ASYNC | large, 100);
    CHECK_IS(mmap_wrap_length(h), 100);
    CHECK_IS(munmap_wrap(h), 1);
    unlink("flags");
}

static void a_part_of_a_file_is_mapped(void) {
    make_file("part", "0123456789", 10);
    mmap_wrap_handle h = mmap_open_wrap("part", HOW(O_RDONLY, 0, MMAP_WRAP_REST, 0, 4, PROT_READ, MAP_PRIVATE, 3));
    CHECK_IS(mmap_wrap_length(h), 4);
    CHECK(byte_at(h, 0) == '3' && byte_at(h, 3) == '6');
    CHECK_IS(munmap_wrap(h), 1);
    unlink("part");
}

static void blocks_are_allocated_on_request(void) {
    struct stat info;
    mmap_wrap_handle h = mmap_open_wrap("allocated", HOW(MAKE, 0600, 1 << 20, 1, MMAP_WRAP_REST, RW, MAP_SHARED, 0));
    if (h == MMAP_WRAP_E_UNSUPPORTED) {
        skip("%s", mmap_wrap_last_error_message());
        CHECK_IS(size_of("allocated"), -1);
        return;
    }
    CHECK_IS(munmap_wrap(h), 1);
    CHECK(stat("allocated", &info) == 0 && info.st_blocks * 512 >= 1 << 20);
    unlink("allocated");
    CHECK_IS(munmap_wrap(open_shared("sparse", MAKE, 1 << 20)), 1);
    CHECK(stat("sparse", &info) == 0 && info.st_blocks * 512 < 1 << 20);
    unlink("sparse");
}

static void a_file_without_a_name_is_created_in_a_directory(void) {
    mmap_wrap_handle h = open_shared(".", O_RDWR | O_TMPFILE, page);
    if (h == -EOPNOTSUPP || h == -EISDIR) {
        skip("no O_TMPFILE on this file system: %s", mmap_wrap_last_error_message());
        return;
    }
    CHECK_IS(mmap_wrap_length(h), page);
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_file_is_kept_open_only_on_request(void) {
    make_file("kept", "0123456789", 10);
    int64_t before = open_descriptors();
    mmap_wrap_handle closed = open_shared("kept", O_RDWR, MMAP_WRAP_REST);
    CHECK_IS(open_descriptors(), before);
    CHECK_FAILS(mmap_wrap_dup_fd(closed), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_dup_fd: this mapping keeps no file open");
    CHECK_FAILS(mmap_wrap_file_seals(closed), MMAP_WRAP_E_ARGUMENT, "keep the file");
    CHECK_FAILS(mmap_wrap_add_file_seals(closed, F_SEAL_GROW), MMAP_WRAP_E_ARGUMENT, "keep the file");

    int fd = open("kept", O_RDONLY | O_CLOEXEC);
    /* tmpfs has seals for all its files, and F_SEAL_SEAL on those that were not created for sealing. */
    const bool has_seals = fcntl(fd, F_GET_SEALS) >= 0;
    const mmap_wrap_handle kept[] = {
        mmap_open_wrap("kept", HOW(O_RDWR, 0, MMAP_WRAP_REST, 0, MMAP_WRAP_REST, RW, MAP_SHARED | MMAP_WRAP_KEEP, 0)),
        mmap_path_wrap("kept", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE | MMAP_WRAP_KEEP, 0),
        mmap_wrap(NULL, MMAP_WRAP_REST, PROT_READ, MAP_SHARED | MMAP_WRAP_KEEP, fd, 0),
        mmap_unnamed_wrap(1, RW, MAP_SHARED),
    };
    close(fd);
    CHECK_IS(open_descriptors(), before + 4);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        int64_t descriptor = mmap_wrap_dup_fd(kept[i]);
        CHECK(descriptor > 2 && (fcntl((int)descriptor, F_GETFD) & FD_CLOEXEC) != 0);
        close((int)descriptor);
    }
    if (has_seals) CHECK_IS(mmap_wrap_file_seals(kept[0]), F_SEAL_SEAL);
    else CHECK_FAILS(mmap_wrap_file_seals(kept[0]), -EINVAL, "not a memory file with sealing");
    CHECK_FAILS(mmap_wrap_add_file_seals(kept[0], F_SEAL_GROW), has_seals ? -EPERM : -EINVAL, "add the seals 0x4");
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        CHECK_IS(munmap_wrap(kept[i]), 1);
        CHECK_FAILS(mmap_wrap_dup_fd(kept[i]), MMAP_WRAP_E_UNMAPPED, "unmapped already");
        CHECK_FAILS(mmap_wrap_file_seals(kept[i]), MMAP_WRAP_E_UNMAPPED, "unmapped already");
        CHECK_FAILS(mmap_wrap_add_file_seals(kept[i], 0), MMAP_WRAP_E_UNMAPPED, "unmapped already");
    }
    CHECK_IS(open_descriptors(), before);
    CHECK_IS(munmap_wrap(closed), 1);
    unlink("kept");
    const int64_t forged[] = {0, -1, closed + 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        CHECK_FAILS(mmap_wrap_dup_fd(forged[i]), MMAP_WRAP_E_HANDLE, "mmap_wrap_dup_fd: 0x");
        CHECK_FAILS(mmap_wrap_file_seals(forged[i]), MMAP_WRAP_E_HANDLE, "mmap_wrap_file_seals: 0x");
        CHECK_FAILS(mmap_wrap_add_file_seals(forged[i], 0), MMAP_WRAP_E_HANDLE, "mmap_wrap_add_file_seals: 0x");
    }
}

/* -- Errors -- */

/* Each attempt must leave existing files unchanged, no new file, and nothing open or mapped. */
static void open_fails(const char *path, int64_t flags, int64_t mode, int64_t size, int64_t len, int64_t prot, int64_t map,
                    int64_t offset, int64_t code, const char *why) {
    int64_t before = size_of(path), descriptors = open_descriptors();
    int64_t result = mmap_open_wrap(path, HOW(flags, mode, size, 0, len, prot, map, offset));
    check_fails(result, code, why, "open.c", __LINE__, why);
    CHECK_IS(size_of(path), before);
    CHECK_IS(open_descriptors(), descriptors);
}

/* Whether a file of this file system can be as large as the largest offset. */
static bool files_have_no_limit(void) {
    int fd = open("limit", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool none = ftruncate(fd, INT64_MAX) == 0;
    close(fd);
    unlink("limit");
    return none;
}

static void a_failure_at_any_step_does_not_change_files(void) {
    make_file("old", "0123456789", 10);
    const int64_t rest = MMAP_WRAP_REST;
    const char *paths[] = {"old", "new"};
    const bool any_size = files_have_no_limit();
    for (int i = 0; i < 2; i++) {
        const char *path = paths[i];
        /* Before anything is opened. */
        open_fails(path, MAKE, 0600, -5, rest, RW, MAP_SHARED, 0, MMAP_WRAP_E_RANGE, "mmap_open_wrap: file size -5 is negative");
        open_fails(path, MAKE, 0600, 5, -5, RW, MAP_SHARED, 0, MMAP_WRAP_E_RANGE, "mmap_open_wrap: length -5 is negative");
        open_fails(path, MAKE, 0600, 5, rest, RW, MAP_SHARED, -1, MMAP_WRAP_E_RANGE, "file offset -1 is negative");
        open_fails(path, MAKE, 010000, 5, rest, RW, MAP_SHARED, 0, MMAP_WRAP_E_ARGUMENT, "mode 0o10000 is not a permission mode");
        open_fails(path, MAKE, -1, 5, rest, RW, MAP_SHARED, 0, MMAP_WRAP_E_ARGUMENT, "mode");
        open_fails(path, MAKE | (int64_t)1 << 40, 0600, 5, rest, RW, MAP_SHARED, 0, MMAP_WRAP_E_ARGUMENT, "open flags 0x100");
        open_fails(path, -1, 0600, 5, rest, RW, MAP_SHARED, 0, MMAP_WRAP_E_ARGUMENT, "open flags");
        open_fails(path, MAKE, 0600, 5, rest, 0x40, MAP_SHARED, 0, MMAP_WRAP_E_ARGUMENT, "protection 0x40");
        open_fails(path, MAKE, 0600, 5, rest, RW, 0, 0, MMAP_WRAP_E_ARGUMENT, "have neither MAP_SHARED");
        open_fails(path, MAKE, 0600, 5, rest, RW, MAP_SHARED | MAP_ANONYMOUS, 0, MMAP_WRAP_E_ARGUMENT, "MAP_ANONYMOUS");
        open_fails(path, MAKE, 0600, 5, rest, RW, MAP_SHARED | MAP_FIXED, 0, MMAP_WRAP_E_ARGUMENT, "MAP_FIXED");
        /* After it was opened or created. */
        open_fails(path, O_RDONLY | O_CREAT, 0600, 4096, rest, PROT_READ, MAP_SHARED, 0, -EINVAL, "must be open for writing");
        open_fails(path, MAKE, 0600, INT64_MAX, rest, RW, MAP_SHARED, 0, any_size ? TOO_LONG : -EFBIG,
                   any_size ? "9223372036854775807" : "larger than the file system allows");
        /* After its size was set, but before it was truncated. */
        open_fails(path, MAKE, 0600, 4096, 0, RW, MAP_SHARED, 0, MMAP_WRAP_E_ARGUMENT, "length 0");
        open_fails(path, MAKE, 0600, 4096, rest, RW, MAP_SHARED, 8192, MMAP_WRAP_E_RANGE, "beyond the 4096 bytes of the file");
        open_fails(path, MAKE, 0600, 4, rest, RW, MAP_SHARED, 5, MMAP_WRAP_E_RANGE, "beyond the 4 bytes of the file");
        open_fails(path, O_WRONLY | O_CREAT, 0600, 4096, rest, RW, MAP_SHARED, 0, -EACCES, "must be open for reading");
        open_fails(path, O_RDONLY | O_CREAT, 0600, rest, 10, RW, MAP_SHARED, 0, -EACCES, "and for writing too");
        /* Valgrind checks lengths itself and returns another error. */
        if (!under_valgrind())
            open_fails(path, MAKE, 0600, 4096, (int64_t)1 << 62, RW, MAP_SHARED, 0, TOO_LONG, "4611686018427387904");
    }
    open_fails("new", O_RDWR, 0600, rest, rest, RW, MAP_SHARED, 0, -ENOENT, "open 'new' with flags 0x2: No such file");
    open_fails("old", MAKE | O_EXCL, 0600, rest, rest, RW, MAP_SHARED, 0, -EEXIST, "(EEXIST)");
    char bytes[10];
    read_file("old", bytes, 10);
    CHECK(memcmp(bytes, "0123456789", 10) == 0);
    unlink("old");
}

static void a_missing_path_is_the_errno_of_the_system(void) {
    char long_name[5000];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    make_file("plain", "x", 1);
    if (symlink("nowhere", "dangling") != 0 || mkfifo("pipe", 0600) != 0) perror("symlink, mkfifo");
    CHECK_FAILS(open_shared(NULL, MAKE, 1), MMAP_WRAP_E_ARGUMENT, "mmap_open_wrap: the path is NULL");
    CHECK_FAILS(open_shared("", MAKE, 1), -ENOENT, "open ''");
    CHECK_FAILS(open_shared(".", O_RDONLY, MMAP_WRAP_REST), -EISDIR, "a directory has no bytes to map");
    CHECK_FAILS(open_shared("plain/x", MAKE, 1), -ENOTDIR, "(ENOTDIR)");
    CHECK_FAILS(open_shared(long_name, MAKE, 1), -ENAMETOOLONG, "(ENAMETOOLONG)");
    CHECK_FAILS(open_shared("not utf-8 \xff", O_RDWR, 1), -ENOENT, "not utf-8");
    CHECK_FAILS(open_shared("dangling", MAKE | O_NOFOLLOW, 1), -ELOOP, "(ELOOP)");
    CHECK_FAILS(open_shared("pipe", O_RDWR, MMAP_WRAP_REST), -ENODEV, "a FIFO, a pipe or a socket cannot be mapped");
    CHECK_FAILS(open_shared("/dev/zero", O_RDWR, 100), MMAP_WRAP_E_ARGUMENT, "size");
    CHECK_FAILS(open_shared("/dev/zero", O_RDWR, MMAP_WRAP_REST), MMAP_WRAP_E_ARGUMENT, "give the length");

    /* Through a symbolic link its target is created, or removed again. */
    int64_t far = mmap_open_wrap("dangling", HOW(MAKE, 0600, 5, 0, MMAP_WRAP_REST, RW, MAP_SHARED, 10));
    CHECK_FAILS(far, MMAP_WRAP_E_RANGE, "beyond the 5 bytes");
    CHECK_IS(size_of("nowhere"), -1);
    CHECK_IS(munmap_wrap(open_shared("dangling", MAKE, 5)), 1);
    CHECK_IS(size_of("nowhere"), 5);
    unlink("plain"), unlink("dangling"), unlink("nowhere"), unlink("pipe");
}

static void opens_without_permission(void) {
    if (geteuid() == 0 && setuid(65534) != 0) {
        skip("cannot become another user: %s", strerror(errno));
        return;
    }
    CHECK_FAILS(open_shared("guarded/readonly", O_RDWR, MMAP_WRAP_REST), -EACCES, "Permission denied (EACCES)");
    CHECK_FAILS(open_shared("guarded/new", MAKE, 1), -EACCES, "(EACCES)");
    CHECK_IS(munmap_wrap(mmap_open_wrap("guarded/readonly", HOW(O_RDONLY, 0, MMAP_WRAP_REST, 0, MMAP_WRAP_REST, PROT_READ, MAP_SHARED, 0))), 1);
}

static void missing_permission_is_eacces(void) {
    if (mkdir("guarded", 0755) != 0) perror("mkdir");
    make_file("guarded/readonly", "x", 1);
    if (chmod("guarded/readonly", 0444) != 0 || chmod("guarded", 0555) != 0) perror("chmod");
    in_child(opens_without_permission);
    chmod("guarded", 0755);
    unlink("guarded/readonly");
    rmdir("guarded");
}

/* -EMFILE wherever a descriptor is created: opening, keeping, duplicating. */
static void runs_out_of_descriptors(void) {
    make_file("limit", "0123456789", 10);
    mmap_wrap_handle kept = mmap_unnamed_wrap(2 * page, RW, MAP_SHARED);
    int fd = open("limit", O_RDONLY | O_CLOEXEC), highest = dup(fd);
    int64_t descriptors = open_descriptors(), bytes = mapped_bytes();
    close(highest);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t usual = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)highest;
    setrlimit(RLIMIT_NOFILE, &limit);
    const int64_t counts_on[] = {
        open_shared("limit", O_RDWR, MMAP_WRAP_REST),
        open_shared("limit new", MAKE, 1),
        memory_file(0, 1),
        mmap_wrap_dup_fd(kept),
        mmap_wrap(NULL, 10, PROT_READ, MAP_SHARED | MMAP_WRAP_KEEP, fd, 0),
        mmap_wrap_split(kept, page),
    };
    limit.rlim_cur = usual;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < 6; i++) CHECK_IS(counts_on[i], -EMFILE);
    CHECK_IS(size_of("limit new"), -1);
    CHECK_IS(open_descriptors(), descriptors - 1);
    CHECK_IS(mapped_bytes(), bytes);
    CHECK_IS(munmap_wrap(kept), 1);
    close(fd);
    unlink("limit");
}

static void a_missing_descriptor_is_emfile_and_leaves_nothing_behind(void) {
    if (under_valgrind()) skip("valgrind takes its own descriptors from the limit");
    else in_child(runs_out_of_descriptors);
}

static void fills_the_disk(void) {
    mmap_wrap_handle h = mmap_open_wrap("small/file", HOW(MAKE, 0600, 1 << 20, 1, MMAP_WRAP_REST, RW, MAP_SHARED, 0));
    CHECK_FAILS(h, -ENOSPC, "to 1048576 bytes: No space left on device (ENOSPC); the file system is full");
    CHECK_IS(size_of("small/file"), -1);
}

static void a_full_disk_is_an_error_now(void) {
    if (mkdir("small", 0700) != 0) perror("mkdir");
    if (mount("none", "small", "tmpfs", 0, "size=64k") != 0) skip("no file system to fill: mount: %s", strerror(errno));
    else {
        fills_the_disk();
        umount("small");
    }
    rmdir("small");
}

static void exceeds_the_largest_file(void) {
    set_limit(RLIMIT_FSIZE, 1 << 16);
    signal(SIGXFSZ, SIG_IGN);
    CHECK_FAILS(open_shared("large", MAKE, 1 << 20), -EFBIG, "RLIMIT_FSIZE");
    CHECK_IS(size_of("large"), -1);
    CHECK_FAILS(memory_file(0, 1 << 20), -EFBIG, "mmap_memfd_wrap: memory file 'test'");
}

static void a_file_larger_than_allowed_is_efbig(void) {
    in_child(exceeds_the_largest_file);
}

/* -- Shared memory by name -- */

static mmap_wrap_handle shared_memory(const char *name, int64_t open_flags, int64_t size) {
    return mmap_shm_wrap(name, HOW(open_flags, 0600, size, 0, MMAP_WRAP_REST, RW, MAP_SHARED, 0));
}

static void shared_memory_has_a_name_until_it_is_unlinked(void) {
    const char *name = text("/mmap-wrap-c-%d", (int)getpid());
    mmap_wrap_handle one = shared_memory(name, MAKE | O_EXCL, page), other = shared_memory(name, O_RDWR, MMAP_WRAP_REST);
    CHECK_IS(mmap_wrap_write(one, page - 1, "x", 1), 1);
    CHECK(byte_at(other, page - 1) == 'x');
    CHECK_FAILS(shared_memory(name, MAKE | O_EXCL, page), -EEXIST, text("mmap_shm_wrap: open shared memory '%s'", name));
    CHECK_IS(shm_unlink_wrap(name), 0);
    CHECK_FAILS(shm_unlink_wrap(name), -ENOENT, "shm_unlink_wrap: unlink shared memory");
    CHECK_FAILS(shared_memory(name, O_RDWR, MMAP_WRAP_REST), -ENOENT, "(ENOENT)");
    CHECK(byte_at(one, page - 1) == 'x'); /* existing mappings stay valid */
    CHECK_IS(munmap_wrap(one), 1);
    CHECK_IS(munmap_wrap(other), 1);
    /* Shared memory that was created for a failed mapping is removed. */
    CHECK_FAILS(mmap_shm_wrap(name, HOW(MAKE, 0600, page, 0, MMAP_WRAP_REST, RW, MAP_SHARED, 2 * page)), MMAP_WRAP_E_RANGE, "file offset");
    CHECK_IS(shm_unlink_wrap(name), -ENOENT);
}

static void an_invalid_name_of_shared_memory_is_an_error(void) {
    CHECK_FAILS(shared_memory(NULL, MAKE, 1), MMAP_WRAP_E_ARGUMENT, "mmap_shm_wrap: the name is NULL");
    CHECK_FAILS(shm_unlink_wrap(NULL), MMAP_WRAP_E_ARGUMENT, "shm_unlink_wrap: the name is NULL");
    CHECK_FAILS(shared_memory("/", MAKE, 1), -EINVAL, "(EINVAL)");
    CHECK_FAILS(shared_memory("/a/b", MAKE, 1), -EINVAL, "(EINVAL)");
    CHECK_FAILS(shared_memory("/mmap-wrap", -1, 1), MMAP_WRAP_E_ARGUMENT, "open flags");
    CHECK_FAILS(shared_memory("/mmap-wrap", MAKE, -1), MMAP_WRAP_E_RANGE, "file size -1");
    CHECK_FAILS(shm_unlink_wrap("/mmap-wrap-\xff-none"), -ENOENT, "(ENOENT)");
}

/* -- Memory files -- */

static void a_memory_file_is_mapped_sealed_and_duplicated(void) {
    mmap_wrap_handle h = memory_file(MFD_ALLOW_SEALING, 5000);
    CHECK_IS(mmap_wrap_length(h), 5000);
    CHECK_IS(mmap_wrap_write(h, 4999, "x", 1), 1);
    int64_t fd = mmap_wrap_dup_fd(h);
    CHECK(pread((int)fd, &byte, 1, 4999) == 1 && byte == 'x');
    CHECK_IS(mmap_wrap_file_seals(h), 0);
    CHECK_FAILS(mmap_wrap_add_file_seals(h, F_SEAL_WRITE), -EBUSY, "F_SEAL_FUTURE_WRITE");
    CHECK_FAILS(mmap_wrap_add_file_seals(h, 1 << 20), MMAP_WRAP_E_ARGUMENT, "seals 0x100000");
    CHECK_FAILS(mmap_wrap_add_file_seals(h, -1), MMAP_WRAP_E_ARGUMENT, "seals");
    CHECK_IS(mmap_wrap_add_file_seals(h, F_SEAL_SHRINK | F_SEAL_SEAL), 0);
    CHECK_IS(mmap_wrap_file_seals(h), F_SEAL_SHRINK | F_SEAL_SEAL);
    CHECK_FAILS(mmap_wrap_add_file_seals(h, F_SEAL_GROW), -EPERM, "not sealed with F_SEAL_SEAL");
    CHECK(ftruncate((int)fd, 0) == -1 && errno == EPERM);
    close((int)fd);
    CHECK_IS(munmap_wrap(h), 1);

    h = memory_file(0, page);
    CHECK_IS(mmap_wrap_file_seals(h), F_SEAL_SEAL);
    CHECK_FAILS(mmap_wrap_add_file_seals(h, F_SEAL_GROW), -EPERM, "MFD_ALLOW_SEALING");
    CHECK_IS(munmap_wrap(h), 1);
}

static void invalid_arguments_for_memory_files_are_errors(void) {
    char long_name[300];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    CHECK_FAILS(mmap_memfd_wrap(NULL, 0, 1, RW, MAP_SHARED), MMAP_WRAP_E_ARGUMENT, "mmap_memfd_wrap: the name is NULL");
    CHECK_FAILS(mmap_memfd_wrap(long_name, 0, 1, RW, MAP_SHARED), -EINVAL, "the name is too long: 249 bytes");
    CHECK_FAILS(memory_file(1 << 20, 1), MMAP_WRAP_E_ARGUMENT, "memfd flags 0x100000");
    CHECK_FAILS(memory_file(-1, 1), MMAP_WRAP_E_ARGUMENT, "memfd flags");
    const int64_t none[] = {0, MMAP_WRAP_REST};
    for (int i = 0; i < 2; i++) {
        CHECK_FAILS(memory_file(0, none[i]), MMAP_WRAP_E_ARGUMENT, "a length of at least 1 byte");
        CHECK_FAILS(mmap_unnamed_wrap(none[i], RW, MAP_SHARED), MMAP_WRAP_E_ARGUMENT, "mmap_unnamed_wrap: a memory file");
        CHECK_FAILS(mmap_secret_wrap(none[i], RW), MMAP_WRAP_E_ARGUMENT, "mmap_secret_wrap: a memory file");
    }
    CHECK_FAILS(memory_file(0, -1), MMAP_WRAP_E_RANGE, "length -1 is negative");
    CHECK_FAILS(mmap_unnamed_wrap(-1, RW, MAP_SHARED), MMAP_WRAP_E_RANGE, "length -1 is negative");
    CHECK_FAILS(mmap_secret_wrap(-1, RW), MMAP_WRAP_E_RANGE, "length -1 is negative");
    CHECK_FAILS(mmap_memfd_wrap("x", 0, 1, 0x40, MAP_SHARED), MMAP_WRAP_E_ARGUMENT, "protection 0x40");
    CHECK_FAILS(mmap_memfd_wrap("x", 0, 1, RW, 0), MMAP_WRAP_E_ARGUMENT, "have neither");
    CHECK_FAILS(mmap_unnamed_wrap(1, RW, MAP_SHARED | MAP_ANONYMOUS), MMAP_WRAP_E_ARGUMENT, "MAP_ANONYMOUS");
    CHECK_FAILS(mmap_unnamed_wrap(1, -1, MAP_SHARED), MMAP_WRAP_E_ARGUMENT, "protection");
    CHECK_FAILS(mmap_secret_wrap(1, 0x40), MMAP_WRAP_E_ARGUMENT, "mmap_secret_wrap: protection 0x40");
    if (!under_valgrind()) CHECK(mmap_unnamed_wrap(INT64_MAX, RW, MAP_SHARED) < 0);
    skip("MMAP_WRAP_E_UNSUPPORTED takes a system without memory files or seals");
}

static void has_the_secret_too(void) {
    mmap_wrap_handle h;
    CHECK_IS(mmap_wrap_list(&h, 1), 1);
    CHECK(byte_at(h, 31) == 'k');
}

static void secret_memory_is_shared_with_children_only(void) {
    mmap_wrap_handle h = mmap_secret_wrap(32, RW);
    if (h == MMAP_WRAP_E_UNSUPPORTED) {
        skip("%s", mmap_wrap_last_error_message());
        return;
    }
    CHECK_IS(mmap_wrap_length(h), 32);
    CHECK_IS(mmap_wrap_write(h, 31, "k", 1), 1);
    CHECK(byte_at(h, 31) == 'k');
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    CHECK(pread(memory, &byte, 1, (off_t)(uintptr_t)mmap_wrap_address(h)) == -1);
    close(memory);
    in_child(has_the_secret_too);
    CHECK_IS(munmap_wrap(h), 1);
}

/* Whether the kernel counts secret memory as locked memory: one kernel does not, and allows more than the limit. */
static bool secret_memory_is_counted(void) {
#ifdef SYS_memfd_secret
    int fd = (int)syscall(SYS_memfd_secret, 0);
    bool counted = ftruncate(fd, page) == 0 && mmap(NULL, (size_t)page, RW, MAP_SHARED, fd, 0) == MAP_FAILED;
    close(fd);
    return counted;
#else
    return true; /* The headers for this processor do not have the call. */
#endif
}

static void exceeds_the_limit_of_locked_memory(void) {
    set_limit(RLIMIT_MEMLOCK, 0);
    if (geteuid() == 0 && setuid(65534) != 0) {
        skip("cannot become another user: %s", strerror(errno));
        return;
    }
    int64_t descriptors = open_descriptors(), result = mmap_secret_wrap(page, RW);
    if (result == MMAP_WRAP_E_UNSUPPORTED) skip("%s", mmap_wrap_last_error_message());
    else if (result > 0 && !secret_memory_is_counted()) {
        skip("this kernel does not count secret memory as locked memory");
        CHECK_IS(munmap_wrap(result), 1);
    } else CHECK_FAILS(result, -EAGAIN, "RLIMIT_MEMLOCK of 0 bytes is reached");
    CHECK_IS(open_descriptors(), descriptors);
}

static void secret_memory_counts_against_the_limit_of_locked_memory(void) {
    if (under_valgrind()) skip("valgrind does not support memfd_secret");
    else in_child(exceeds_the_limit_of_locked_memory);
}

/* -- Descriptors that are passed to other processes -- */

static void send_descriptor(int socket, int fd) {
    char room[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    CHECK_IS(sendmsg(socket, &message, 0), 1);
}

static int received_descriptor(int socket) {
    int fd = -1;
    char room[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    CHECK_IS(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), 1);
    if (CMSG_FIRSTHDR(&message) != NULL) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static int sockets[2];

/* Has the descriptor only: it was forked before the mapping was created. */
static void maps_what_it_is_sent(void) {
    int fd = received_descriptor(sockets[1]);
    mmap_wrap_handle h = mmap_wrap(NULL, MMAP_WRAP_REST, RW, MAP_SHARED | MMAP_WRAP_KEEP, fd, 0);
    close(fd);
    CHECK_IS(mmap_wrap_length(h), 5000);
    CHECK_IS(mmap_wrap_find(h, "to the child", 12, 0, MMAP_WRAP_REST), 4000);
    CHECK_IS(mmap_wrap_write(h, 0, "to the parent", 13), 13);
    CHECK_IS(mmap_wrap_file_seals(h), F_SEAL_SHRINK | F_SEAL_GROW);
    CHECK_FAILS(mremap_wrap(h, 100, MREMAP_MAYMOVE, NULL, 1), -EPERM, "the file is sealed against it");
    CHECK_IS(mmap_wrap_length(h), 5000);
    CHECK_IS(munmap_wrap(h), 1);
}

static void another_process_maps_a_descriptor_and_sees_bytes_and_seals(void) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) perror("socketpair");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        maps_what_it_is_sent();
        fflush(stdout);
        _exit(0);
    }
    mmap_wrap_handle h = memory_file(MFD_ALLOW_SEALING, 5000);
    CHECK_IS(mmap_wrap_write(h, 4000, "to the child", 12), 12);
    CHECK_IS(mmap_wrap_add_file_seals(h, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    int64_t fd = mmap_wrap_dup_fd(h);
    send_descriptor(sockets[0], (int)fd);
    close((int)fd);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_IS(mmap_wrap_find(h, "to the parent", 13, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(munmap_wrap(h), 1);
    close(sockets[0]);
    close(sockets[1]);
}

/* Counts the memory files that the program has open. */
static void counts_memory_files_after_exec(void) {
    execl("/bin/sh", "sh", "-c", "[ -z \"$(ls -l /proc/$$/fd | grep 'memfd:\\|kept')\" ]", (char *)NULL);
    perror("execl");
    _exit(9);
}

static void a_program_that_is_executed_has_no_kept_descriptor(void) {
    make_file("kept", "x", 1);
    const mmap_wrap_handle kept[] = {
        memory_file(0, page),
        mmap_unnamed_wrap(page, RW, MAP_SHARED),
        mmap_open_wrap("kept", HOW(O_RDWR, 0, MMAP_WRAP_REST, 0, MMAP_WRAP_REST, RW, MAP_SHARED | MMAP_WRAP_KEEP, 0)),
        mmap_path_wrap("kept", MMAP_WRAP_REST, PROT_READ, MAP_SHARED | MMAP_WRAP_KEEP, 0),
    };
    int64_t handed_out = mmap_wrap_dup_fd(kept[0]);
    if (under_valgrind()) skip("valgrind has descriptors of its own after exec");
    else in_child(counts_memory_files_after_exec);
    close((int)handed_out);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) CHECK_IS(munmap_wrap(kept[i]), 1);
    unlink("kept");
}

/* The options are in the caller's memory, with the size in the caller's header. */
static void options_are_read_up_to_the_smaller_known_size(void) {
    struct { struct mmap_wrap_open_options known; int64_t newer; } options = {MMAP_WRAP_OPEN_OPTIONS_INIT, 0};
    const int64_t size = sizeof options.known;
    make_file("options", "some text", 9);
    options.known.prot = PROT_READ;
    options.known.flags = MAP_SHARED;
    mmap_wrap_handle h = mmap_open_wrap("options", &options.known, size);
    CHECK_IS(mmap_wrap_length(h), 9);
    CHECK_IS(munmap_wrap(h), 1);

    CHECK_IS(munmap_wrap(mmap_open_wrap("options", &options.known, sizeof options)), 1);
    options.newer = 7;
    CHECK_FAILS(mmap_open_wrap("options", &options.known, sizeof options), MMAP_WRAP_E_ARGUMENT,
                "struct mmap_wrap_open_options has 7 beyond the 64 bytes");
    CHECK_IS(munmap_wrap(mmap_open_wrap("options", &options.known, size)), 1);

    /* An older header ends earlier: members that it lacks are as in MMAP_WRAP_OPEN_OPTIONS_INIT. */
    options.known.open_flags = O_RDWR;
    options.known.size = 5;
    CHECK_FAILS(mmap_open_wrap("options", &options.known, 3 * 8), MMAP_WRAP_E_ARGUMENT, "have neither MAP_SHARED");
    h = mmap_open_wrap("options", &options.known, 7 * 8);
    CHECK_IS(mmap_wrap_length(h), 5);
    CHECK_IS(munmap_wrap(h), 1);

    const int64_t wrong[] = {0, 7, 65, -8, MMAP_WRAP_REST, INT64_MAX, 1 << 20};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const int64_t code = mmap_open_wrap("options", &options.known, wrong[i]);
        CHECK(code == MMAP_WRAP_E_ARGUMENT || (code == MMAP_WRAP_E_RANGE && (wrong[i] < 0 || wrong[i] == INT64_MAX)));
        CHECK_IS(mmap_shm_wrap("/mmap-wrap-no-options", &options.known, wrong[i]), code);
    }
    CHECK_FAILS(mmap_open_wrap("options", NULL, size), MMAP_WRAP_E_ARGUMENT, "NULL");
    CHECK_IS(mmap_open_wrap("options", (struct mmap_wrap_open_options *)8, size), -EFAULT);
    CHECK_IS(mmap_shm_wrap("/mmap-wrap-no-options", (struct mmap_wrap_open_options *)8, size), -EFAULT);
    CHECK_IS(shm_unlink_wrap("/mmap-wrap-no-options"), -ENOENT);
    unlink("options");
}

static void a_file_is_created_and_mapped_by_the_short_form(void) {
    mmap_wrap_handle h = mmap_create_wrap("short", 100, 0640);
    CHECK_IS(mmap_wrap_write(h, 90, "0123456789", 10), 10);
    CHECK_IS(munmap_wrap(h), 1);
    h = mmap_create_wrap("short", MMAP_WRAP_REST, 0);
    CHECK_IS(mmap_wrap_find(h, "0123456789", 10, 0, MMAP_WRAP_REST), 90);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_FAILS(mmap_create_wrap("missing/short", 1, 0600), -ENOENT, "mmap_create_wrap: open 'missing/short'");
    CHECK_FAILS(mmap_create_wrap(NULL, 1, 0600), MMAP_WRAP_E_ARGUMENT, "mmap_create_wrap: the path is NULL");
    CHECK(strncmp(mmap_wrap_last_error_reason(), "the path is NULL", 16) == 0);
    unlink("short");
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_file_is_created_with_its_size_and_permissions);
    RUN(an_existing_file_keeps_its_size_or_grows_or_is_truncated);
    RUN(flags_without_effect_on_files_are_accepted);
    RUN(a_part_of_a_file_is_mapped);
    RUN(options_are_read_up_to_the_smaller_known_size);
    RUN(a_file_is_created_and_mapped_by_the_short_form);
    RUN(blocks_are_allocated_on_request);
    RUN(a_file_without_a_name_is_created_in_a_directory);
    RUN(a_file_is_kept_open_only_on_request);
    RUN(a_failure_at_any_step_does_not_change_files);
    RUN(a_missing_path_is_the_errno_of_the_system);
    RUN(missing_permission_is_eacces);
    RUN(a_missing_descriptor_is_emfile_and_leaves_nothing_behind);
    RUN(a_full_disk_is_an_error_now);
    RUN(a_file_larger_than_allowed_is_efbig);
    RUN(shared_memory_has_a_name_until_it_is_unlinked);
    RUN(an_invalid_name_of_shared_memory_is_an_error);
    RUN(a_memory_file_is_mapped_sealed_and_duplicated);
    RUN(invalid_arguments_for_memory_files_are_errors);
    RUN(secret_memory_is_shared_with_children_only);
    RUN(secret_memory_counts_against_the_limit_of_locked_memory);
    RUN(another_process_maps_a_descriptor_and_sees_bytes_and_seals);
    RUN(a_program_that_is_executed_has_no_kept_descriptor);
    return finish();
}
