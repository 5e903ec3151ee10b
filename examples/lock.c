/*
 * Counts in shared memory together with other processes, which may be written in different languages, with a mutex.
 *
 *     cc examples/lock.c $(pkg-config --cflags --libs mmap_wrap) -o lock       # after `make install`
 *     ./lock /counter 10000 &
 *     python3 examples/lock.py /counter 10000
 *
 * Shows: a mutex between processes, which is taken over if its owner is killed. Each process reads the counter, adds one
 * and writes it back, TIMES times, with the mutex locked; without the mutex, some increments would be lost.
 * examples/README.md describes the layout. `rm /dev/shm/counter` removes the counter.
 */
#define _DEFAULT_SOURCE
#include "mmap_wrap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { MUTEX = 0, COUNTER = 16, SIZE = 24 };

static int64_t checked(int64_t result) {
    if (result < 0) {
        fprintf(stderr, "lock: %s\n", mmap_wrap_last_error_message());
        exit(1);
    }
    return result;
}

int main(int argc, char **argv) {
    char *end = "x";
    const int64_t times = argc == 3 ? strtoll(argv[2], &end, 10) : -1;
    if (times < 0 || end == argv[2] || *end != '\0') {
        fprintf(stderr, "usage: lock NAME TIMES\n");
        return 2;
    }
    /* New shared memory contains zeros: an unlocked mutex, and a counter of 0. */
    struct mmap_wrap_open_options options = MMAP_WRAP_OPEN_OPTIONS_INIT;
    options.open_flags = O_RDWR | O_CREAT;
    options.mode = 0600;
    options.size = SIZE;
    options.prot = PROT_READ | PROT_WRITE;
    options.flags = MAP_SHARED;
    const mmap_wrap_handle memory = checked(mmap_shm_wrap(argv[1], &options, sizeof options));
    for (int64_t i = 0; i < times; i++) {
        /* Returns 1 if an owner died. One store changes the counter, so it is consistent also then. */
        checked(mmap_wrap_mutex_lock(memory, MUTEX, MMAP_WRAP_REST));
        const int64_t counted = checked(mmap_wrap_get_int(memory, MMAP_WRAP_I64, COUNTER));
        checked(mmap_wrap_put_int(memory, MMAP_WRAP_I64, COUNTER, counted + 1));
        checked(mmap_wrap_mutex_unlock(memory, MUTEX));
    }
    printf("counted to %" PRId64 "\n", checked(mmap_wrap_get_int(memory, MMAP_WRAP_I64, COUNTER)));
    checked(munmap_wrap(memory));
    return 0;
}
