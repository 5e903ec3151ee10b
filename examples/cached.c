/*
 * Shows which pages of a file are in the page cache, after reading all of them in (warm) or evicting them (drop).
 *
 *     cc examples/cached.c $(pkg-config --cflags --libs mmap_wrap) -o cached       # after `make install`
 *     ./cached big.iso
 *     ./cached big.iso warm
 *
 * Shows: mincore_wrap, mmap_wrap_prefault, mmap_wrap_fd_evict, cachestat_wrap. Each cell of the bar is a part of the file, of
 * which all, some (+) or no (.) pages are in memory. For a file that you do not own and cannot write, the kernel
 * reports all pages as in memory. Pages that another program maps or locks are not evicted.
 */
#define _DEFAULT_SOURCE
#include "mmap_wrap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CELLS = 64 };

static int64_t checked(int64_t result) {
    if (result < 0) {
        fprintf(stderr, "cached: %s\n", mmap_wrap_last_error_message());
        exit(1);
    }
    return result;
}

static int64_t count(const unsigned char *pages, int64_t from, int64_t to) {
    int64_t resident = 0;
    for (int64_t i = from; i < to; i++) resident += pages[i];
    return resident;
}

static void print_bar(const unsigned char *pages, int64_t total) {
    const char *plain[] = {".", "+", "#"}, *blocks[] = {"░", "▒", "█"};
    const char **signs = isatty(STDOUT_FILENO) ? blocks : plain;
    const int64_t cells = total < CELLS ? total : CELLS;
    putchar('[');
    for (int64_t cell = 0; cell < cells; cell++) {
        int64_t from = cell * total / cells, to = (cell + 1) * total / cells, resident = count(pages, from, to);
        fputs(signs[resident == to - from ? 2 : resident > 0], stdout);
    }
    puts("]");
}

static void print_residency(mmap_wrap_handle file) {
    struct mmap_wrap_info info;
    checked(mmap_wrap_info(file, &info, sizeof info));
    const int64_t capacity = info.mapped / info.page_size;
    unsigned char *pages = malloc((size_t)capacity + 1);
    if (pages == NULL) {
        fprintf(stderr, "cached: no memory for %" PRId64 " bytes\n", capacity);
        exit(1);
    }
    int64_t total = checked(mincore_wrap(file, pages, capacity, 0, MMAP_WRAP_REST));
    print_bar(pages, total);
    printf("%" PRId64 " of %" PRId64 " pages in memory\n", count(pages, 0, total), total);
    free(pages);
}

static void print_figures(mmap_wrap_handle file) {
    struct mmap_wrap_cachestat cache;
    int64_t code = cachestat_wrap(file, &cache, sizeof cache, 0, MMAP_WRAP_REST);
    if (code == MMAP_WRAP_E_UNSUPPORTED) {
        printf("no figures of the page cache: %s\n", mmap_wrap_last_error_message());
        return;
    }
    checked(code);
    printf("page cache: %" PRId64 " bytes, %" PRId64 " changed, %" PRId64 " being written, %" PRId64 " evicted\n", cache.cached,
           cache.dirty, cache.writeback, cache.evicted);
}

static void drop(mmap_wrap_handle file) {
    int fd = (int)checked(mmap_wrap_dup_fd(file));
    checked(mmap_wrap_fd_evict(fd, 0, MMAP_WRAP_REST));
    close(fd);
}

int main(int argc, char **argv) {
    const char *action = argc == 3 ? argv[2] : "";
    const int warming = strcmp(action, "warm") == 0, dropping = strcmp(action, "drop") == 0;
    if (argc < 2 || argc > 3 || (argc == 3 && !warming && !dropping)) {
        fprintf(stderr, "usage: cached FILE [warm|drop]\n");
        return 2;
    }
    mmap_wrap_handle file =
        checked(mmap_path_wrap(argv[1], MMAP_WRAP_REST, PROT_READ, MAP_SHARED | MMAP_WRAP_KEEP, 0));
    if (warming) checked(mmap_wrap_prefault(file, 0, 0, MMAP_WRAP_REST));
    if (dropping) drop(file);
    print_residency(file);
    print_figures(file);
    checked(munmap_wrap(file));
    return 0;
}
