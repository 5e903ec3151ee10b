/*
 * A ring buffer in shared memory between two processes, which may be written in different languages.
 *
 *     cc examples/ring.c $(pkg-config --cflags --libs mmap_wrap) -o ring       # after `make install`
 *     ./ring consume /numbers &
 *     ./ring produce /numbers 100000          # or: python3 examples/ring.py produce /numbers 100000
 *
 * Shows: POSIX shared memory, atomic operations, waiting for another process and waking it. examples/README.md describes
 * the layout. The first process creates the ring buffer; the consumer removes its name. A process fails if the other does
 * nothing for SECONDS, default 60. `rm /dev/shm/numbers` removes a ring buffer that remains after a failure.
 */
#define _DEFAULT_SOURCE
#include "mmap_wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HEAD = 0, TAIL = 64, SLOTS_AT = 128, SLOTS = 64, SLOT = 64, SIZE = SLOTS_AT + SLOTS * SLOT };

struct slot {
    uint32_t length; /* 0 ends the stream */
    char text[SLOT - 4];
};

static int64_t seconds = 60;

static int64_t checked(int64_t result) {
    if (result < 0) {
        fprintf(stderr, "ring: %s\n", mmap_wrap_last_error_message());
        exit(1);
    }
    return result;
}

static uint32_t load(mmap_wrap_handle ring, int64_t word) {
    int64_t value;
    checked(mmap_wrap_atomic_load(ring, 32, word, &value));
    return (uint32_t)value;
}

/* Stores a new head or tail. A process that loads it also sees everything that was written before. */
static void store(mmap_wrap_handle ring, int64_t word, uint32_t value) {
    checked(mmap_wrap_atomic_store(ring, 32, word, value));
    checked(mmap_wrap_wake(ring, word, 1));
}

/* Waits while the word has that value; may return earlier. */
static void wait_while(mmap_wrap_handle ring, int64_t word, uint32_t value) {
    int64_t result = mmap_wrap_wait(ring, word, value, seconds * 1000000000);
    if (result == -ETIMEDOUT) {
        fprintf(stderr, "ring: the other process did nothing for %" PRId64 " seconds\n", seconds);
        exit(1);
    }
    if (result != -EINTR) checked(result);
}

static void put(mmap_wrap_handle ring, uint32_t head, const struct slot *message) {
    uint32_t tail;
    while (head - (tail = load(ring, TAIL)) == SLOTS) wait_while(ring, TAIL, tail);
    checked(mmap_wrap_write(ring, SLOTS_AT + head % SLOTS * SLOT, message, SLOT));
    store(ring, HEAD, head + 1);
}

static void take(mmap_wrap_handle ring, uint32_t tail, struct slot *message) {
    while (load(ring, HEAD) == tail) wait_while(ring, HEAD, tail);
    checked(mmap_wrap_read(ring, SLOTS_AT + tail % SLOTS * SLOT, message, SLOT));
    store(ring, TAIL, tail + 1);
}

/* FNV-1a, the checksum that both processes print. */
static uint32_t sum(uint32_t so_far, const struct slot *message) {
    for (uint32_t i = 0; i < message->length; i++) so_far = (so_far ^ (unsigned char)message->text[i]) * 16777619;
    return so_far;
}

static void produce(mmap_wrap_handle ring, int64_t count) {
    uint32_t head = load(ring, HEAD), checksum = 2166136261;
    struct slot message = {0, ""};
    for (int64_t i = 1; i <= count; i++) {
        message.length = (uint32_t)snprintf(message.text, sizeof message.text, "message %" PRId64 " from C", i);
        checksum = sum(checksum, &message);
        put(ring, head++, &message);
    }
    message.length = 0;
    put(ring, head, &message);
    printf("%" PRId64 " messages, checksum %08" PRIx32 "\n", count, checksum);
}

static void consume(mmap_wrap_handle ring) {
    uint32_t tail = load(ring, TAIL), checksum = 2166136261;
    int64_t count = 0;
    struct slot message;
    for (take(ring, tail++, &message); message.length > 0; take(ring, tail++, &message)) {
        if (message.length > sizeof message.text) {
            fprintf(stderr, "ring: a message of %" PRIu32 " bytes: not a ring buffer\n", message.length);
            exit(1);
        }
        checksum = sum(checksum, &message);
        count++;
    }
    printf("%" PRId64 " messages, checksum %08" PRIx32 "\n", count, checksum);
}

static int usage(void) {
    fprintf(stderr, "usage: ring produce NAME COUNT [SECONDS]\n       ring consume NAME [SECONDS]\n");
    return 2;
}

static int is_number(const char *text, int64_t *number) {
    char *end;
    *number = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *number > 0 && *number < 1000000000;
}

int main(int argc, char **argv) {
    int64_t count = 0;
    const int producing = argc > 3 && strcmp(argv[1], "produce") == 0 && is_number(argv[3], &count);
    const int seconds_at = producing ? 4 : 3;
    if (argc < 3 || (!producing && strcmp(argv[1], "consume") != 0) || argc > seconds_at + 1) return usage();
    if (argc > seconds_at && !is_number(argv[seconds_at], &seconds)) return usage();

    const char *name = argv[2];
    /* New shared memory contains zeros, which are an empty ring buffer, so either process may create it. */
    struct mmap_wrap_open_options options = MMAP_WRAP_OPEN_OPTIONS_INIT;
    options.open_flags = O_RDWR | O_CREAT;
    options.mode = 0600;
    options.size = SIZE;
    options.prot = PROT_READ | PROT_WRITE;
    options.flags = MAP_SHARED;
    mmap_wrap_handle ring = checked(mmap_shm_wrap(name, &options, sizeof options));
    if (producing) {
        produce(ring, count);
    } else {
        consume(ring);
        checked(shm_unlink_wrap(name));
    }
    checked(munmap_wrap(ring));
    return 0;
}
