/*
 * Random calls by four threads: any call, of handles that are valid, stale or invalid, with valid or extreme numbers.
 * Pointers are valid. No call ends the process or returns MMAP_WRAP_E_INTERNAL, and the library works afterwards.
 *
 *     random_calls [CALLS]     in all; 100000 by default
 */
#define _GNU_SOURCE
#include "accessors.h"
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PAGES = 16, SLOTS = 32, THREADS = 4 };
static int64_t page, calls, wrong, done;
static enum situation situation;
static mmap_wrap_handle slots[SLOTS];
static int file;

struct dice {
    uint32_t seed;
    unsigned char *buffer; /* as long as the longest mapping */
};

static uint32_t roll(struct dice *dice, uint32_t sides) {
    dice->seed = dice->seed * 1664525u + 1013904223u;
    return (dice->seed >> 8) % sides;
}

static mmap_wrap_handle any_handle(struct dice *dice) {
    static const mmap_wrap_handle never[] = {0, -1, 1, INT64_MAX, INT64_MIN, 4096, (int64_t)1 << 32, 77};
    if (roll(dice, 30) == 0) return never[roll(dice, 8)];
    mmap_wrap_handle h = __atomic_load_n(&slots[roll(dice, SLOTS)], __ATOMIC_RELAXED);
    return roll(dice, 50) == 0 ? h + ((int64_t)roll(dice, 3) << 32) - 1 : h;
}

/* An offset, size, flag or protection. */
static int64_t any_number(struct dice *dice) {
    static const int64_t odd[] = {0, 1, -1, 2, 7, 8, INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN, 4095, 4097, (int64_t)1 << 32, -4096};
    switch (roll(dice, 8)) {
    case 0: return odd[roll(dice, sizeof odd / sizeof *odd)];
    case 1: case 2: return (int64_t)roll(dice, PAGES + 1) * page;
    case 3: return (int64_t)roll(dice, (uint32_t)(PAGES * page));
    case 4: return (int64_t)roll(dice, 32) * 8;
    default: return (int64_t)roll(dice, 9);
    }
}

static int64_t any_protection(struct dice *dice) {
    static const int64_t common[] = {RW, RW, RW, PROT_READ, PROT_NONE};
    return roll(dice, 20) == 0 ? any_number(dice) : common[roll(dice, 5)];
}

static mmap_wrap_handle map_any(struct dice *dice) {
    int64_t length = roll(dice, 10) == 0 ? any_number(dice) : (1 + (int64_t)roll(dice, PAGES)) * page;
    if (length > PAGES * page) length = PAGES * page;
    int64_t flags = roll(dice, 2) ? MAP_SHARED : MAP_PRIVATE, prot = any_protection(dice);
    switch (roll(dice, 6)) {
    case 0: return mmap_wrap(NULL, length, prot, flags, file, (int64_t)roll(dice, 2) * page);
    case 1: return mmap_memfd_wrap("random", (int64_t)roll(dice, 3), length, prot, flags);
    case 2: return mmap_unnamed_wrap(length, prot, flags);
    case 3: return mmap_aligned_wrap(any_number(dice), length, prot, flags | MAP_ANONYMOUS, -1, 0);
    default: return mmap_wrap(NULL, length, prot, flags | MAP_ANONYMOUS, -1, 0);
    }
}

/* Replaces a handle, and unmaps the old one. Another thread that acquires its address or changes it can delay that for a moment. */
static int64_t put_in_place(struct dice *dice, mmap_wrap_handle h) {
    if (h <= 0) return h;
    mmap_wrap_handle old = __atomic_exchange_n(&slots[roll(dice, SLOTS)], h, __ATOMIC_RELAXED);
    for (int i = 0; i < 1000 && munmap_wrap(old) == MMAP_WRAP_E_BUSY; i++) sched_yield();
    return h;
}

static int64_t any_advice(struct dice *dice) {
    /* Without MADV_HWPOISON (100) and MADV_SOFT_OFFLINE (101), which affect hardware memory, and without slow advice. */
    int64_t advice = (int64_t)roll(dice, 26);
    return roll(dice, 8) == 0 ? 102 + (int64_t)roll(dice, 2) : advice;
}

static int64_t any_call(struct dice *dice) {
    mmap_wrap_handle h = any_handle(dice), other = any_handle(dice);
    int64_t a = any_number(dice), b = any_number(dice), c = any_number(dice);
    if (roll(dice, 5) != 0) {
        const struct accessor *accessor = &accessors[roll(dice, (uint32_t)accessor_count)];
        /* The buffer is as long as any mapping: a size beyond it is beyond the mapping, too. */
        struct place place = {h, a, accessor->element ? 8 : b, other, dice->buffer};
        if (b < 0 && b != MMAP_WRAP_REST) place.size = -b % (PAGES * page);
        if (place.size == MMAP_WRAP_REST) place.size = 64;
        return use(accessor, &place);
    }
    switch (roll(dice, 26)) {
    case 0: case 1: case 2: return put_in_place(dice, map_any(dice));
    case 3: return munmap_wrap(h);
    case 4: return mprotect_wrap(h, any_protection(dice), a, b);
    case 5: return madvise_wrap(h, any_advice(dice), a, b);
    case 6: return msync_wrap(h, c, a, b);
    case 7: return mmap_wrap_guard(h, c, a, b);
    case 8: return put_in_place(dice, mmap_wrap_split(h, a));
    case 9: return mremap_wrap(h, a > PAGES * page ? page : a, roll(dice, 2), NULL, roll(dice, 2));
    case 10: return mmap_wrap_survive(h, c);
    case 11: return mmap_wrap_check(h, a, b);
    case 12: { void *address = mmap_wrap_acquire(h); return address == NULL ? mmap_wrap_last_error_code() : mmap_wrap_release(h); }
    case 13: return mmap_wrap_prefault(h, c, a, b);
    case 14: return mlock_wrap(h, c, a, b);
    case 15: return munlock_wrap(h, a, b);
    case 16: return mmap_wrap_resident_bytes(h, a, b);
    case 17: return mincore_wrap(h, dice->buffer, PAGES, a, b);
    case 18: return mmap_wrap_set_name(h, roll(dice, 2) ? "random" : NULL);
    case 19: return mmap_wrap_wake(h, a, b);
    case 20: return mmap_wrap_length(h);
    case 21: return mmap_wrap_fault_done();
    case 22: return mmap_wrap_copy(h, a, other, b, c);
    case 23: return mmap_wrap_compare(h, a, other, b, c);
    case 24: return mmap_wrap_move(h, a, b, c);
    default: return ftruncate(file, (int64_t)roll(dice, PAGES + 1) * page);
    }
}

static void *keep_calling(void *number) {
    struct dice dice = {(uint32_t)(uintptr_t)number * 7919u + 1, calloc(PAGES + 1, (size_t)page)};
    enter_situation((uintptr_t)number % 2 == 1 && situation == BOTH_BLOCKED ? OURS : situation);
    for (int64_t i = 0; i < calls / THREADS; i++) {
        int64_t result = any_call(&dice);
        if (result == MMAP_WRAP_E_INTERNAL || result < -4200) /* not a code */
            if (__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED) < 4) check(false, "random_calls.c", __LINE__, text("%s: %s", case_name, mmap_wrap_last_error_message()));
        __atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
    }
    free(dice.buffer);
    return NULL;
}

static void calls_at_random(void) {
    take_situation(situation);
    file = open("random", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(ftruncate(file, PAGES * page) == 0);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, keep_calling, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    CHECK_IS(wrong, 0);
    CHECK_IS(foreign_calls(), 0);
    CHECK_IS(done, calls / THREADS * THREADS);
    /* The library still works. */
    mmap_wrap_handle h = memory_of(page);
    CHECK_IS(mmap_wrap_fill(h, 0, 7, MMAP_WRAP_REST), page);
    CHECK_IS(mmap_wrap_find(h, "\7", 1, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void no_call_ends_the_process(void) {
    static const enum situation tried[] = {OURS, OURS, BOTH_FOREIGN, BOTH_BLOCKED};
    calls /= 4;
    for (int i = 0; i < 4; i++) {
        situation = tried[i];
        LIVES(60 + (int)(calls / 10000), calls_at_random, "%lld random calls, %s", (long long)calls, situation_names[situation]);
    }
    unlink("random");
}

int main(int argc, char **argv) {
    page = mmap_wrap_page_size();
    calls = (int64_t)argument_or(argc, argv, 1e5);
    RUN(no_call_ends_the_process);
    return finish();
}
