/*
 * Threads access, protect, unmap and map while others fork; the children access, protect, unmap and exit. No call hangs
 * or kills, in the child or in the parent.
 *
 *     fork_stress [SECONDS]     in all; 2 by default
 */
#define _GNU_SOURCE
#include "accessors.h"
#include "cases.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PAGES = 16, MAPPINGS = 6, THREADS = 3, FORKERS = 2 };
static int64_t page;
static enum situation situation;
static double seconds;
static bool stop;
static mmap_wrap_handle mappings[MAPPINGS];
static int64_t children, late, bad;

static bool stopped(void) {
    return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static uint32_t next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static mmap_wrap_handle map_one(uint32_t which) {
    return mmap_wrap(NULL, PAGES * page, RW, (which % 2 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
}

/* One step of parents and children. */
static void step(uint32_t *seed, unsigned char *buffer, mmap_wrap_handle own) {
    uint32_t which = next(seed) % MAPPINGS;
    mmap_wrap_handle h = __atomic_load_n(&mappings[which], __ATOMIC_RELAXED);
    int64_t at = (int64_t)(next(seed) % PAGES) * page, result = 0;
    switch (next(seed) % 12) {
    case 0: result = mprotect_wrap(h, next(seed) % 2 ? RW : PROT_READ, at, page); break;
    case 1: result = mmap_wrap_guard(h, next(seed) % 2, at, page); break;
    case 2: result = madvise_wrap(h, next(seed) % 2 ? MADV_DONTFORK : MADV_DOFORK, at, page); break;
    case 3:
        result = munmap_wrap(h);
        __atomic_store_n(&mappings[which], map_one(next(seed)), __ATOMIC_RELAXED);
        break;
    case 4: result = mremap_wrap(h, (1 + (int64_t)(next(seed) % PAGES)) * page, MREMAP_MAYMOVE, NULL, 0); break;
    default: {
        const struct accessor *accessor = &accessors[next(seed) % (uint32_t)accessor_count];
        struct place place = {h, (int64_t)(next(seed) % 512) * 8, 16 + (int64_t)(next(seed) % 512) * 8, own, buffer};
        result = use(accessor, &place);
        if (is_allowed_unmapped(accessor, result)) result = 0;
    }
    }
    /* -EFAULT and -EINVAL: a resize of a mapping whose parts have different protection or advice, or that is shared. */
    static const int64_t allowed[] = {MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_BUSY, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_UNSUPPORTED, -ENOMEM, -EFAULT, -EINVAL};
    for (size_t i = 0; result < 0 && i < sizeof allowed / sizeof *allowed; i++)
        if (result == allowed[i]) result = 0;
    if (result < 0 && __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED) <= 3)
        check(false, "fork_stress.c", __LINE__, text("%s: an allowed result (it is %s)", case_name, mmap_wrap_strerror(result)));
}

static void *keep_stepping(void *number) {
    uint32_t seed = (uint32_t)(uintptr_t)number * 7919u + 1;
    unsigned char *buffer = calloc(PAGES, (size_t)page);
    mmap_wrap_handle own = memory_of(PAGES * page);
    enter_situation(situation);
    while (!stopped()) step(&seed, buffer, own);
    munmap_wrap(own);
    free(buffer);
    return NULL;
}

static unsigned char childs_buffer[65536];

static void is_a_child(uint32_t seed) {
    mmap_wrap_handle own = memory_of(PAGES * page);
    bad = 0;
    for (int i = 0; i < 60; i++) step(&seed, childs_buffer, own);
    for (int i = 0; i < MAPPINGS; i++) {
        int64_t result = munmap_wrap(mappings[i]);
        if (result < 0) bad++;
    }
    _exit(bad == 0 ? 0 : 3);
}

static void *keep_forking(void *number) {
    uint32_t seed = (uint32_t)(uintptr_t)number * 104729u + 3;
    while (!stopped()) {
        pid_t child = fork();
        if (child == 0) is_a_child(next(&seed));
        int status = 0;
        if (child < 0) continue;
        __atomic_add_fetch(&children, 1, __ATOMIC_RELAXED);
        if (!ended_in_time(child, 30, &status)) {
            __atomic_add_fetch(&late, 1, __ATOMIC_RELAXED);
            check(false, "fork_stress.c", __LINE__, text("%s: a child ends within 30 s", case_name));
        } else if (status != 0 && __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED) <= 3) {
            check(false, "fork_stress.c", __LINE__, text("%s: a child ends well (its status is %d)", case_name, status));
        }
    }
    return NULL;
}

static bool a_child_has_ended(void) {
    return __atomic_load_n(&children, __ATOMIC_RELAXED) > 0;
}

static void forks(void) {
    take_situation(situation);
    for (uint32_t i = 0; i < MAPPINGS; i++) mappings[i] = map_one(i);
    pthread_t threads[THREADS + FORKERS];
    for (uintptr_t i = 0; i < THREADS + FORKERS; i++)
        pthread_create(&threads[i], NULL, i < THREADS ? keep_stepping : keep_forking, (void *)i);
    go_on(seconds, a_child_has_ended);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS + FORKERS; i++) pthread_join(threads[i], NULL);
    CHECK_IS(late, 0);
    CHECK_IS(bad, 0);
    for (int i = 0; i < MAPPINGS; i++) CHECK_IS(munmap_wrap(mappings[i]), 1);
}

static void no_fork_hangs_or_ends_a_process(void) {
    static const enum situation tried[] = {OURS, SEGV_FOREIGN, BOTH_FOREIGN, BOTH_BLOCKED};
    seconds /= 4;
    for (int i = 0; i < 4; i++) {
        situation = tried[i];
        LIVES((int)seconds + 60, forks, "forks, %s", situation_names[situation]);
    }
}

int main(int argc, char **argv) {
    page = mmap_wrap_page_size();
    seconds = argument_or(argc, argv, 2);
    RUN(no_fork_hangs_or_ends_a_process);
    return finish();
}
