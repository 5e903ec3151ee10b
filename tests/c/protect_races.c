/*
 * Threads change protection, guards and advice of the same memory while another accesses it: each access succeeds or
 * returns MMAP_WRAP_E_FAULT, for every kind of memory and with any handlers of the signals.
 *
 *     protect_races [SECONDS]     for each case, of every kind of memory; by default 0.1, of some kinds
 */
#define _GNU_SOURCE
#include "accessors.h"
#include "cases.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PAGES = 8 };
static int64_t page;
static double seconds;

static enum situation situation;
static bool stop;
static mmap_wrap_handle memory;

/* -- What is mapped -- */

static mmap_wrap_handle private_memory(void) { return memory_of(PAGES * page); }
static mmap_wrap_handle shared_memory(void) { return mmap_wrap(NULL, PAGES * page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0); }
static mmap_wrap_handle file(int64_t flags) {
    return mmap_open_wrap("protected", HOW(2 /* O_RDWR */ | 0100 /* O_CREAT */, 0600, PAGES * page, 0, MMAP_WRAP_REST, RW, flags, 0));
}
static mmap_wrap_handle shared_file(void) { return file(MAP_SHARED); }
static mmap_wrap_handle private_file(void) { return file(MAP_PRIVATE); }
static mmap_wrap_handle memory_file(void) { return mmap_memfd_wrap("protected", 0, PAGES * page, RW, MAP_SHARED); }

static const struct {
    const char *name;
    mmap_wrap_handle (*map)(void);
} kinds[] = {
    {"private memory", private_memory}, {"shared memory", shared_memory}, {"a file", shared_file},
    {"a private file", private_file},   {"a memory file", memory_file},
};
enum { KINDS = sizeof kinds / sizeof *kinds };
static int kind, kinds_tried;

/* -- What is changed: ranges that overlap -- */

static int64_t first_page_read_only(int round) { (void)round; return mprotect_wrap(memory, PROT_READ, 0, page); }
static int64_t all_writable(int round) { (void)round; return mprotect_wrap(memory, RW, 0, MMAP_WRAP_REST); }
static int64_t pages_closed(int round) { return mprotect_wrap(memory, PROT_NONE, page * (round % 3), 2 * page); }
static int64_t guards_on(int round) { return mmap_wrap_guard(memory, 1, page * (round % 3), 2 * page); }
static int64_t guards_off(int round) { (void)round; return mmap_wrap_guard(memory, 0, 0, MMAP_WRAP_REST); }

/* Every advice that the library knows, except those that simulate failed hardware. */
static int64_t advice[64];
static int advices;

static void list_advice(void) {
    for (int64_t i = 0; i < mmap_wrap_constant_count(); i++) {
        const char *name = mmap_wrap_constant_name(i);
        if (strncmp(name, "MADV_", 5) != 0 || mmap_wrap_constant_available(i) != 1) continue;
        if (strcmp(name, "MADV_HWPOISON") == 0 || strcmp(name, "MADV_SOFT_OFFLINE") == 0) continue;
        if (advices < 64) advice[advices++] = mmap_wrap_constant_value(i);
    }
}

/* Not all advice applies to each kind of memory: errors of the kernel do not matter here. */
static int64_t advised(int round) {
    int64_t result = madvise_wrap(memory, advice[round % advices], page * (round % 3), 2 * page);
    return result < 0 && (result > MMAP_WRAP_E_HANDLE || result == MMAP_WRAP_E_UNSUPPORTED) ? 0 : result;
}
static int64_t advised_backwards(int round) { return advised(advices - 1 - round % advices); }

static const struct {
    const char *name;
    int64_t (*change[2])(int round);
} changes[] = {
    {"protection", {first_page_read_only, all_writable}}, {"no access", {pages_closed, all_writable}},
    {"guards", {guards_on, guards_off}},                  {"guards and protection", {guards_on, all_writable}},
    {"advice", {advised, advised_backwards}},             {"advice and guards", {advised, guards_off}},
};
enum { CHANGES = sizeof changes / sizeof *changes };
static int change;

static bool stopped(void) {
    return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static int64_t changed[2], not_changed;

static void *keep_changing(void *which) {
    int which_change = *(const int *)which;
    for (int round = 0; !stopped(); round++) {
        int64_t result = changes[change].change[which_change](round);
        if (result == 0) __atomic_add_fetch(&changed[which_change], 1, __ATOMIC_RELAXED);
        else if (result != MMAP_WRAP_E_BUSY) __atomic_store_n(&not_changed, result, __ATOMIC_RELAXED);
    }
    return NULL;
}

static int64_t accesses, wrong;
static const struct accessor *wrong_accessor;

static void access_once(const struct accessor *accessor, const struct place *place) {
    int64_t result = use(accessor, place);
    __atomic_add_fetch(&accesses, 1, __ATOMIC_RELAXED);
    if (is_allowed(accessor, result)) return;
    wrong = result;
    wrong_accessor = accessor;
}

static void *keep_accessing(void *unused) {
    mmap_wrap_handle other = memory_of(PAGES * page);
    unsigned char *buffer = calloc(PAGES, (size_t)page);
    enter_situation(situation);
    const int64_t sizes[] = {8, 200, 2 * page, PAGES * page};
    for (int round = 0; !stopped(); round++) {
        for (int i = 0; i < accessor_count && !stopped(); i++) {
            struct place place = {memory, round % 3 == 0 ? 0 : page - 8, sizes[round % 4], other, buffer};
            if (place.size == PAGES * page) place.offset = 0;
            access_once(&accessors[i], &place);
            /* Between them, a small access, since those are the most frequent. */
            place.offset = 0;
            for (int j = 0; j < accessor_count; j++)
                if (accessors[j].element && (i + j) % 8 == 0) access_once(&accessors[j], &place);
        }
    }
    free(buffer);
    munmap_wrap(other);
    return unused;
}

static bool all_have_acted(void) {
    return __atomic_load_n(&accesses, __ATOMIC_RELAXED) > 0 && __atomic_load_n(&changed[0], __ATOMIC_RELAXED) > 0
        && __atomic_load_n(&changed[1], __ATOMIC_RELAXED) > 0;
}

static void is_changed_by_two_threads_and_accessed_by_a_third(void) {
    take_situation(situation);
    memory = kinds[kind].map();
    if (!CHECK(memory > 0)) return;
    const int first = 0, second = 1;
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, keep_changing, (void *)(uintptr_t)&first);
    pthread_create(&threads[1], NULL, keep_changing, (void *)(uintptr_t)&second);
    pthread_create(&threads[2], NULL, keep_accessing, NULL);
    go_on(seconds, all_have_acted);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    CHECK_IS(foreign_calls(), 0);
    check(wrong == 0, "protect_races.c", __LINE__,
          text("%s is success or FAULT (it is %s)", wrong == 0 ? "" : wrong_accessor->name, result_name(wrong)));
    check(not_changed == 0, "protect_races.c", __LINE__, text("the changes succeed (one is %s)", result_name(not_changed)));

    /* The memory is intact afterwards. */
    enter_situation(situation);
    char byte = 0;
    CHECK_IS(guards_off(0), 0);
    CHECK_IS(all_writable(0), 0);
    CHECK_IS(mmap_wrap_fill(memory, 0, 7, MMAP_WRAP_REST), PAGES * page);
    CHECK_IS(mmap_wrap_read(memory, page, &byte, 1), 1);
    CHECK_IS(byte, 7);
    CHECK_IS(munmap_wrap(memory), 1);
}

static void no_access_kills_while_others_change_protections(void) {
    for (kind = 0; kind < kinds_tried; kind++)
        for (change = 0; change < CHANGES; change++)
            for (situation = 0; situation < SITUATIONS; situation++)
                LIVES(30, is_changed_by_two_threads_and_accessed_by_a_third, "%s of %s, %s", changes[change].name,
                      kinds[kind].name, situation_names[situation]);
    unlink("protected");
}

int main(int argc, char **argv) {
    page = mmap_wrap_page_size();
    seconds = argument_or(argc, argv, 0.1);
    kinds_tried = argc > 1 ? KINDS : 3;
    list_advice();
    RUN(no_access_kills_while_others_change_protections);
    return finish();
}
