/* The page cache of a file: paging out, what is cached, evicting and reading ahead. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS, ROOM = 4 * 65536 };
static int64_t page;
static unsigned char bytes[ROOM], again[ROOM];

static void paging_out_loses_nothing(void) {
    const int64_t size = 3 * page + 100;
    make_file("dropped", bytes, size);
    const mmap_wrap_handle handles[] = {
        mmap_path_wrap("dropped", MMAP_WRAP_REST, RW, MAP_SHARED, 0),
        mmap_path_wrap("dropped", MMAP_WRAP_REST, RW, MAP_PRIVATE, 0),
        mmap_path_wrap("dropped", MMAP_WRAP_REST, RW, MAP_PRIVATE, 10),
        mmap_wrap(NULL, size, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
        mmap_wrap(NULL, size, RW, PRIVATE, -1, 0),
    };
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        const int64_t length = mmap_wrap_length(handles[i]);
        scramble(bytes, length, (uint32_t)i);
        CHECK_IS(mmap_wrap_write(handles[i], 0, bytes, length), length);
        int64_t dropped = mmap_wrap_page_out(handles[i], 0, MMAP_WRAP_REST);
        if (!lacking(dropped)) CHECK_IS(dropped, 0);
        CHECK_IS(mmap_wrap_read(handles[i], 0, again, length), length);
        CHECK(memcmp(bytes, again, (size_t)length) == 0);
        if (i == 0) {
            read_file("dropped", again, size);
            CHECK(memcmp(bytes, again, (size_t)size) == 0);
        }
        CHECK_IS(munmap_wrap(handles[i]), 1);
    }
    unlink("dropped");
}

static void cachestat_works_with_a_descriptor(void) {
    int fd = memfd_create("cached", MFD_CLOEXEC);
    CHECK(ftruncate(fd, 4 * page) == 0 && pwrite(fd, "x", 1, page) == 1);
    struct mmap_wrap_cachestat figures = {-1, -1, -1, -1, -1};
    int64_t result = mmap_wrap_fd_cachestat(fd, &figures, sizeof figures, 0, MMAP_WRAP_REST);
    if (!lacking(result)) {
        CHECK_IS(result, 0);
        CHECK_IS(figures.cached, page);
        CHECK_IS(figures.evicted, 0);
        CHECK_IS(mmap_wrap_fd_cachestat(fd, &figures, 8, 2 * page, 2 * page), 0);
        CHECK_IS(figures.cached, 0);
        CHECK_FAILS(mmap_wrap_fd_cachestat(fd, &figures, 9, 0, 0), MMAP_WRAP_E_ARGUMENT, "9 bytes are not a size of struct");
        CHECK_FAILS(mmap_wrap_fd_cachestat(fd, NULL, 8, 0, 0), MMAP_WRAP_E_ARGUMENT, "NULL");
        CHECK_FAILS(mmap_wrap_fd_cachestat(-1, &figures, 8, 0, 1), -EBADF, "descriptor -1");
    }
    mmap_wrap_handle h = mmap_wrap(NULL, MMAP_WRAP_REST, PROT_READ, MAP_SHARED, fd, 0);
    CHECK_FAILS(cachestat_wrap(h, &figures, sizeof figures, 0, MMAP_WRAP_REST), MMAP_WRAP_E_ARGUMENT,
                "cachestat_wrap: this mapping keeps no file open");
    CHECK_IS(munmap_wrap(h), 1);
    close(fd);
}

static void eviction_and_readahead_do_not_change_a_file(void) {
    scramble(bytes, ROOM, 7);
    make_file("evicted", bytes, ROOM);
    int fd = open("evicted", O_RDONLY | O_CLOEXEC);
    CHECK_IS(mmap_wrap_fd_evict(fd, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_fd_readahead(fd, 1, ROOM), 0);
    CHECK_IS(mmap_wrap_fd_evict(fd, 5, 0), 0);
    read_file("evicted", again, ROOM);
    CHECK(memcmp(bytes, again, ROOM) == 0);
    CHECK_FAILS(mmap_wrap_fd_evict(fd, -1, 1), MMAP_WRAP_E_RANGE, "mmap_wrap_fd_evict: file offset -1 is negative");
    CHECK_FAILS(mmap_wrap_fd_readahead(fd, 1, INT64_MAX), MMAP_WRAP_E_RANGE, "mmap_wrap_fd_readahead: size");
    CHECK_FAILS(mmap_wrap_fd_evict(-1, 0, 1), -EBADF, "mmap_wrap_fd_evict: store 1 bytes from offset 0 of descriptor -1");
    CHECK_FAILS(mmap_wrap_fd_readahead((int64_t)1 << 32, 0, 1), MMAP_WRAP_E_ARGUMENT, "4294967296 is not a file descriptor");
    close(fd);
    unlink("evicted");
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(paging_out_loses_nothing);
    RUN(cachestat_works_with_a_descriptor);
    RUN(eviction_and_readahead_do_not_change_a_file);
    return finish();
}
