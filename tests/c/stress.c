/*
 * Threads use every accessor, while others truncate the files, punch holes in them, guard, protect, map over, unmap and
 * map again. No access kills or hangs, and each result is an allowed one; with the library's handlers, with other
 * handlers, with blocked signals, or with both.
 *
 *     stress [SECONDS]     in all; 2 by default
 */
#define _GNU_SOURCE
#include "accessors.h"
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PAGES = 16, MAPPINGS = 6, USERS = 4, BREAKERS = 3 };
static int64_t page;
static enum situation situation;
static bool half_of_each;
static double seconds;
static bool stop;

/* The mappings; each may be replaced at any time. */
static mmap_wrap_handle mappings[MAPPINGS];
static int files[2] = {-1, -1};

static bool stopped(void) {
    return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static uint32_t next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* The directory of the files. */
static const char *folder; /* NULL: no files */

static mmap_wrap_handle map_one(uint32_t which) {
    if (folder != NULL && which % 3 != 0)
        return mmap_wrap(NULL, PAGES * page, RW, which % 2 ? MAP_SHARED : MAP_PRIVATE, files[which % 2], 0);
    return mmap_wrap(NULL, PAGES * page, RW, (which % 2 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
}

static int64_t uses, faults, wrong_uses, breaks;

static void note_wrong(const char *what, int64_t result) {
    if (__atomic_add_fetch(&wrong_uses, 1, __ATOMIC_RELAXED) <= 5)
        check(false, "stress.c", __LINE__, text("%s: %s is an allowed result (it is %s)", case_name, what, result_name(result)));
}

static void *keep_using(void *number) {
    uint32_t seed = (uint32_t)(uintptr_t)number * 7919u + 1;
    unsigned char *buffer = calloc(PAGES, (size_t)page);
    mmap_wrap_handle own = memory_of(PAGES * page);
    enum situation mine = situation;
    if (half_of_each && (uintptr_t)number % 2 == 1) mine = BOTH_BLOCKED;
    enter_situation(mine);
    while (!stopped()) {
        const struct accessor *accessor = &accessors[next(&seed) % (uint32_t)accessor_count];
        /* Some handles are used after their mapping was unmapped. */
        mmap_wrap_handle h = __atomic_load_n(&mappings[next(&seed) % MAPPINGS], __ATOMIC_RELAXED);
        for (uint32_t times = next(&seed) % 8; times-- > 0 && !stopped();) {
            static const int64_t most[] = {16, 64, 4096, 65536};
            int64_t size = 16 + (int64_t)(next(&seed) % (uint32_t)most[next(&seed) % 4]) / 8 * 8;
            int64_t room = PAGES * page - size;
            struct place place = {h, room <= 0 ? 0 : (int64_t)(next(&seed) % (uint32_t)room) / 8 * 8, size, own, buffer};
            if (room < 0) place.size = PAGES * page;
            int64_t result = use(accessor, &place);
            __atomic_add_fetch(&uses, 1, __ATOMIC_RELAXED);
            if (result == MMAP_WRAP_E_FAULT) __atomic_add_fetch(&faults, 1, __ATOMIC_RELAXED);
            if (!is_allowed_unmapped(accessor, result)) note_wrong(accessor->name, result);
        }
    }
    munmap_wrap(own);
    free(buffer);
    return NULL;
}

static void break_one(uint32_t *seed) {
    uint32_t which = next(seed) % MAPPINGS;
    mmap_wrap_handle h = __atomic_load_n(&mappings[which], __ATOMIC_RELAXED);
    int64_t at = (int64_t)(next(seed) % PAGES) * page, size = PAGES * page - at;
    if (next(seed) % 2) size = page;
    int file = files[next(seed) % 2];
    const int64_t pages = (int64_t)(next(seed) % (PAGES + 1));
    int64_t result = 0;
    switch (next(seed) % 12) {
    case 0: case 1: result = mprotect_wrap(h, next(seed) % 2 ? RW : PROT_READ, at, size); break;
    case 2: result = mprotect_wrap(h, PROT_NONE, at, size); break;
    case 3: result = mprotect_wrap(h, RW, 0, MMAP_WRAP_REST); break;
    case 4: result = mmap_wrap_guard(h, 1, at, size); break;
    case 5: result = mmap_wrap_guard(h, 0, at, size); break;
    case 6: madvise_wrap(h, next(seed) % 2 ? MADV_DONTNEED : MADV_PAGEOUT, at, size); break;
    case 7: if (file >= 0 && ftruncate(file, pages * page) != 0) note_wrong("ftruncate", -errno); break;
    case 8: if (file >= 0) fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, page); break;
    case 9: if (file >= 0 && ftruncate(file, PAGES * page) != 0) note_wrong("ftruncate", -errno); break;
    case 10: { /* without the library: over one of its pages, while its address is acquired, so that it does not move */
        char *address = mmap_wrap_acquire(h);
        if (address == NULL) break;
        mmap(address + at, (size_t)page, next(seed) % 2 ? PROT_NONE : RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        mmap_wrap_release(h);
        break;
    }
    default:
        result = munmap_wrap(h);
        __atomic_store_n(&mappings[which], map_one(next(seed)), __ATOMIC_RELAXED);
    }
    if (result < 0 && result != MMAP_WRAP_E_UNMAPPED && result != MMAP_WRAP_E_BUSY && result != -ENOMEM) note_wrong("a change", result);
    __atomic_add_fetch(&breaks, 1, __ATOMIC_RELAXED);
}

static void *keep_breaking(void *number) {
    uint32_t seed = (uint32_t)(uintptr_t)number * 104729u + 3;
    while (!stopped()) break_one(&seed);
    return NULL;
}

static bool all_have_acted(void) {
    return __atomic_load_n(&uses, __ATOMIC_RELAXED) > 0 && __atomic_load_n(&faults, __ATOMIC_RELAXED) > 0
        && __atomic_load_n(&breaks, __ATOMIC_RELAXED) > 0;
}

static void stress(void) {
    take_situation(situation);
    if (folder != NULL) {
        for (int i = 0; i < 2; i++) {
            files[i] = open(text("%s/stress-%d", folder, i), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            if (!CHECK(files[i] >= 0 && ftruncate(files[i], PAGES * page) == 0)) return;
        }
    }
    for (uint32_t i = 0; i < MAPPINGS; i++) mappings[i] = map_one(i);
    pthread_t threads[USERS + BREAKERS];
    for (uintptr_t i = 0; i < USERS + BREAKERS; i++)
        pthread_create(&threads[i], NULL, i < USERS ? keep_using : keep_breaking, (void *)i);
    go_on(seconds, all_have_acted);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < USERS + BREAKERS; i++) pthread_join(threads[i], NULL);
    CHECK_IS(wrong_uses, 0);
    CHECK_IS(foreign_calls(), 0);
    for (int i = 0; i < MAPPINGS; i++) CHECK_IS(munmap_wrap(mappings[i]), 1);
}

/* A file system in a file, mounted over a loop device. */
static bool mount_loop(void) {
    return system("truncate -s 32M loop.image && mkfs.ext4 -q -F loop.image && mkdir -p loop && mount -o loop loop.image loop") == 0;
}

static void unmount_loop(void) {
    while (umount2("loop", 0) != 0 && errno == EBUSY) usleep(10000);
    rmdir("loop");
    unlink("loop.image");
}

static void no_access_ends_the_process(void) {
    enum { HALF = SITUATIONS, CASES };
    static const struct { const char *name, *folder; } places[] = {{"no files", NULL}, {"tmpfs", "/dev/shm"}, {"ext4", "loop"}};
    bool mounted = geteuid() == 0 && mount_loop();
    if (!mounted) skip("stress on a loop file system: it takes root, mkfs.ext4 and a free loop device");
    seconds /= CASES * (mounted ? 3 : 2);
    for (int i = 0; i < (mounted ? 3 : 2); i++) {
        folder = places[i].folder;
        for (int j = 0; j < CASES; j++) {
            half_of_each = j == HALF;
            situation = half_of_each ? OURS : (enum situation)j;
            LIVES((int)seconds + 30, stress, "stress on %s, %s", places[i].name, half_of_each ? "both blocked in half of the threads" : situation_names[j]);
        }
    }
    for (int i = 0; i < 2; i++) unlink(text("/dev/shm/stress-%d", i));
    if (mounted) unmount_loop();
}

int main(int argc, char **argv) {
    page = mmap_wrap_page_size();
    seconds = argument_or(argc, argv, 2);
    RUN(no_access_ends_the_process);
    return finish();
}
