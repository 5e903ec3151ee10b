/*
 * Appends standard input to a file through a mapping that grows with the file.
 *
 *     cc examples/grow.c $(pkg-config --cflags --libs mmap_wrap) -o grow       # after `make install`
 *     ./grow words.txt <more-words.txt
 *
 * Shows: a mapping that keeps its file open (MMAP_WRAP_KEEP), and is resized together with the file. The length doubles
 * when the mapping is full, so that few resizes are needed. At the end, also after an error, the file is truncated to the
 * bytes that were written. If the program is killed before that, the file ends with zeros.
 */
#define _GNU_SOURCE
#include "mmap_wrap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

static int complain(void) {
    fprintf(stderr, "grow: %s\n", mmap_wrap_last_error_message());
    return 1;
}

static int64_t resize(mmap_wrap_handle file, int64_t length) {
    return mremap_wrap(file, length, MREMAP_MAYMOVE, NULL, 1);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: grow FILE <INPUT\n");
        return 2;
    }
    struct mmap_wrap_open_options options = MMAP_WRAP_OPEN_OPTIONS_INIT;
    options.open_flags = O_RDWR | O_CREAT;
    options.mode = 0644;
    options.prot = PROT_READ | PROT_WRITE;
    options.flags = MAP_SHARED | MMAP_WRAP_KEEP;
    mmap_wrap_handle file = mmap_open_wrap(argv[1], &options, sizeof options);
    if (file < 0) return complain();

    const int64_t before = mmap_wrap_length(file);
    int64_t used = before, capacity = before, result = 0;
    int steps = 0, failed = 0;
    char piece[4096];
    for (int64_t got; !failed && (got = (int64_t)fread(piece, 1, sizeof piece, stdin)) > 0;) {
        int64_t wanted = capacity > 0 ? capacity : mmap_wrap_page_size();
        while (used + got > wanted) wanted *= 2;
        if (wanted != capacity) {
            result = resize(file, wanted);
            if (result >= 0) capacity = wanted, steps++;
        }
        if (result >= 0) result = mmap_wrap_write(file, used, piece, got);
        if (result >= 0) used += got;
        else failed = complain();
    }
    if (ferror(stdin)) {
        perror("grow: standard input");
        failed = 1;
    }
    if (used > 0 && used < capacity && resize(file, used) < 0) return complain();
    if (munmap_wrap(file) < 0) return complain();
    printf("%s: %" PRId64 " bytes, %" PRId64 " of them new, grown %d times\n", argv[1], used, used - before, steps);
    return failed;
}
