/*
 * Searches a log of any size, and prints the lines that contain a word, each with its offset.
 *
 *     cc examples/search.c $(pkg-config --cflags --libs mmap_wrap) -o search       # after `make install`
 *     ./search ERROR app.log
 *
 * Shows: searching for words and newlines, readahead with MADV_SEQUENTIAL, and a log that is truncated (rotated) while it
 * is searched: the lines before the new end are printed, and the error is reported. If the new end is inside a page, the
 * rest of that page reads as zeros.
 *
 * The exit status is 0 if lines were found, 1 if there are none, and 2 if the log could not be searched completely.
 */
#define _DEFAULT_SOURCE
#include "mmap_wrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Returns the offset that was found, the other one if there is none, or the error. */
static int64_t found_or(int64_t offset, int64_t other) {
    return offset == MMAP_WRAP_E_NOT_FOUND ? other : offset;
}

static int64_t print_line(mmap_wrap_handle log, int64_t start, int64_t end) {
    char *line = malloc((size_t)(end - start) + 1);
    if (line == NULL) {
        fprintf(stderr, "search: no memory for a line of %" PRId64 " bytes\n", end - start);
        exit(2);
    }
    int64_t size = mmap_wrap_read(log, start, line, end - start);
    if (size >= 0) {
        printf("%" PRId64 ": ", start);
        fwrite(line, 1, (size_t)size, stdout);
        putchar('\n');
    }
    free(line);
    return size;
}

/* Prints and counts the lines; returns 0 at the end of the log, or the error that came before it. */
static int64_t search(mmap_wrap_handle log, const char *word, int64_t *lines) {
    const int64_t length = mmap_wrap_length(log), size = (int64_t)strlen(word);
    int64_t start = 0;
    while (start < length) {
        int64_t at = found_or(mmap_wrap_find(log, word, size, start, MMAP_WRAP_REST), length);
        if (at < 0 || at == length) return at < 0 ? at : 0;
        int64_t newline = found_or(mmap_wrap_rfind(log, "\n", 1, start, at), start - 1);
        /* start - 1 may be -1, which is -EPERM; no search returns that. */
        if (newline < -1) return newline;
        int64_t end = found_or(mmap_wrap_find(log, "\n", 1, at, MMAP_WRAP_REST), length);
        if (end < 0) return end;
        int64_t printed = print_line(log, newline + 1, end);
        if (printed < 0) return printed;
        ++*lines;
        start = end + 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3 || argv[1][0] == '\0') {
        fprintf(stderr, "usage: search WORD FILE\n");
        return 2;
    }
    mmap_wrap_handle log = mmap_path_wrap(argv[2], MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
    if (log < 0 || madvise_wrap(log, MADV_SEQUENTIAL, 0, MMAP_WRAP_REST) < 0) {
        fprintf(stderr, "search: %s\n", mmap_wrap_last_error_message());
        return 2;
    }
    int64_t lines = 0, code = search(log, argv[1], &lines);
    printf("%" PRId64 " lines contain '%s'\n", lines, argv[1]);
    if (code == MMAP_WRAP_E_FAULT)
        fprintf(stderr, "search: %s was truncated while it was searched: %s\n", argv[2], mmap_wrap_last_error_message());
    else if (code < 0)
        fprintf(stderr, "search: %s\n", mmap_wrap_last_error_message());
    munmap_wrap(log);
    return code < 0 ? 2 : lines == 0;
}
