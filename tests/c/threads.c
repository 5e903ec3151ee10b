/*
 * Many threads map, use and unmap the same handles without synchronisation: no crash, no result that the header does not
 * allow, and no byte of another mapping through a stale handle.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, THREADS = 8, PLACES = 4, ROUNDS = 20000, WORDS = 512 };

/* The handles that all threads use; a thread that removes one may find that others still use it. */
static int64_t places[PLACES];

/* Counters of failures. */
static int64_t foreign_bytes, not_allowed, errors, mapped, unmapped;

static void add(int64_t *counter) {
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static uint32_t next(uint32_t *seed) {
    return *seed = *seed * 1664525u + 1013904223u, *seed >> 16;
}

/* Each mapping contains its own handle in every word: any other number is a byte of another mapping. */
static mmap_wrap_handle map_with_its_name(void) {
    int64_t words[WORDS];
    mmap_wrap_handle h = mmap_path_wrap("shared words", sizeof words, RW, MAP_PRIVATE, 0);
    if (h <= 0) return h;
    for (int i = 0; i < WORDS; i++) words[i] = h;
    if (mmap_wrap_write(h, 0, words, sizeof words) != (int64_t)sizeof words) add(&not_allowed);
    return h;
}

static void replace_one(uint32_t *seed) {
    mmap_wrap_handle h = map_with_its_name();
    if (h <= 0) {
        add(&not_allowed);
        return;
    }
    add(&mapped);
    int64_t old = __atomic_exchange_n(&places[next(seed) % PLACES], h, __ATOMIC_SEQ_CST);
    if (old == 0) return;
    int64_t result = munmap_wrap(old);
    while (result == MMAP_WRAP_E_BUSY) result = munmap_wrap(old); /* another thread has acquired its address, for a moment */
    if (result == 1) add(&unmapped);
    else add(&not_allowed); /* no other thread had removed it */
    if (mmap_wrap_length(old) != MMAP_WRAP_E_UNMAPPED) add(&not_allowed);
}

static void read_one(mmap_wrap_handle h, uint32_t *seed) {
    int64_t words[WORDS], size = 8 * (1 + (int64_t)(next(seed) % WORDS));
    int64_t result = mmap_wrap_read(h, (int64_t)sizeof words - size, words, size);
    if (result == MMAP_WRAP_E_UNMAPPED) add(&errors);
    else if (result != size) add(&not_allowed);
    else for (int64_t i = 0; i < size / 8; i++) if (words[i] != h) add(&foreign_bytes);
}

static void find_one(mmap_wrap_handle h) {
    int64_t result = mmap_wrap_rfind(h, &h, sizeof h, 0, MMAP_WRAP_REST);
    if (result == MMAP_WRAP_E_UNMAPPED) add(&errors);
    else if (result != (WORDS - 1) * 8) add(&foreign_bytes);
}

/* Moves words over equal words: other threads still read the handle everywhere. */
static void move_one(mmap_wrap_handle h) {
    int64_t result = mmap_wrap_move(h, 8, 0, 1600);
    if (result != 1600 && result != MMAP_WRAP_E_UNMAPPED) add(&not_allowed);
}

/* An acquired address is valid until it is released, also while other threads try to unmap. */
static void view_one(mmap_wrap_handle h) {
    const volatile int64_t *words = mmap_wrap_acquire(h);
    if (words == NULL) {
        add(&errors);
        return;
    }
    for (int i = 0; i < WORDS; i++) if (words[i] != h) add(&foreign_bytes);
    if (mmap_wrap_release(h) < 0) add(&not_allowed);
}

static void *work(void *number) {
    uint32_t seed = (uint32_t)(uintptr_t)number;
    mmap_wrap_handle remembered[4] = {0}; /* live or stale */
    for (int i = 0; i < ROUNDS; i++) {
        mmap_wrap_handle *memory = &remembered[next(&seed) % 4], h = *memory;
        *memory = __atomic_load_n(&places[next(&seed) % PLACES], __ATOMIC_SEQ_CST);
        switch (h == 0 ? 0 : next(&seed) % 6) {
        case 0: replace_one(&seed); break;
        case 1: move_one(h); break;
        case 2: find_one(h); break;
        case 3: view_one(h); break;
        default: read_one(h, &seed);
        }
    }
    return NULL;
}

static void a_stale_handle_never_accesses_another_mapping(void) {
    pthread_t threads[THREADS];
    static const char empty[WORDS * 8];
    make_file("shared words", empty, sizeof empty);
    foreign_bytes = not_allowed = errors = mapped = unmapped = 0;
    for (uintptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < PLACES; i++) unmapped += munmap_wrap(places[i]) == 1;
    CHECK_IS(foreign_bytes, 0);
    CHECK_IS(not_allowed, 0);
    CHECK(mapped > ROUNDS / 10 && errors > 0); /* else nothing was tested */
    CHECK_IS(unmapped, mapped);
    CHECK_IS(mappings_of("/shared words"), 0);
    unlink("shared words");
}

/* Of many threads that unmap the same handle, one gets 1. */
static mmap_wrap_handle contested;
static int64_t ones, zeros;
static pthread_barrier_t together;

static void *unmap_contested(void *unused) {
    for (int i = 0; i < 500; i++) {
        if (pthread_barrier_wait(&together) == PTHREAD_BARRIER_SERIAL_THREAD) contested = memory_of(1);
        pthread_barrier_wait(&together);
        int64_t result = munmap_wrap(contested);
        if (result == 1) add(&ones);
        if (result == 0) add(&zeros);
    }
    return unused;
}

static void of_many_threads_that_unmap_one_handle_one_returns_1(void) {
    pthread_t threads[THREADS];
    ones = zeros = 0;
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, unmap_contested, NULL) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&together);
    CHECK_IS(ones, 500);
    CHECK_IS(zeros, 500 * (THREADS - 1));
}

int main(void) {
    RUN_THREADED(a_stale_handle_never_accesses_another_mapping);
    RUN_THREADED(of_many_threads_that_unmap_one_handle_one_returns_1);
    return finish();
}
