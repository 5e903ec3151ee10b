/*
 * Threads with a small stack: every accessor works on the smallest stack of a thread, and on 8 KiB, by the guarded loops
 * and by the kernel.
 */
#define _GNU_SOURCE
#include "accessors.h"
#include "cases.h"

#include <alloca.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 16, LITTLE = 8192 };
static int64_t page;
static enum situation situation;
static int which;
static bool on_8_kib, faulting;
static struct place place;
static int64_t result;

static void access_here(void) {
    result = use(&accessors[which], &place);
}

/* Leaves so many bytes of this thread's stack for the library. */
__attribute__((noinline)) static void with_stack_left(int64_t left) {
    pthread_attr_t attributes;
    void *lowest;
    size_t size;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &lowest, &size);
    pthread_attr_destroy(&attributes);
    char here;
    int64_t eaten = &here - (char *)lowest - left;
    if (eaten > 0) {
        volatile char *bytes = alloca((size_t)eaten);
        bytes[0] = 1;
    }
    access_here();
}

static void *accesses(void *unused) {
    if (on_8_kib) with_stack_left(LITTLE);
    else access_here();
    return unused;
}

/* The smallest of glibc for most processors. musl's own, 2 KiB, is too small for a call of this library. */
static void take_a_small_stack(pthread_attr_t *attributes) {
    size_t size = 16384;
    while (pthread_attr_setstacksize(attributes, size) == EINVAL) size *= 2;
}

/* The main thread blocks the signals, or not: the new thread inherits the mask, and has its own lease. */
static void on_a_small_stack(void) {
    take_situation(situation);
    mmap_wrap_handle h = memory_of(PAGES * page), other = memory_of(PAGES * page);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), PAGES * page);
    place = (struct place){h, 8, (PAGES - 1) * page, other, calloc(PAGES, (size_t)page)};
    enter_situation(situation);
    /* The loader binds the function at its first call, which needs more stack. */
    int64_t right = use(&accessors[which], &place);
    if (faulting) {
        CHECK_IS(mprotect_wrap(h, PROT_NONE, 2 * page, MMAP_WRAP_REST), 0);
        right = use(&accessors[which], &place);
    }
    mmap_wrap_fill(h, 0, 1, page);

    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    if (on_8_kib) pthread_attr_setstacksize(&attributes, 65536);
    else take_a_small_stack(&attributes);
    if (!CHECK(pthread_create(&thread, &attributes, accesses, NULL) == 0)) return;
    pthread_join(thread, NULL);
    bool same = result == right || (right >= 0 && result >= 0); /* the contents may have changed */
    check(same, "small_stacks.c", __LINE__, text("%s is as on a large stack (it is %s)", case_name, result_name(result)));
}

static void every_accessor_works_on_little_stack(void) {
    static const enum situation tried[] = {OURS, BOTH_FOREIGN, BOTH_BLOCKED};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            for (which = 0; which < accessor_count; which++) {
                situation = tried[i];
                on_8_kib = j == 1;
                LIVES(20, on_a_small_stack, "%s on %s, %s", accessors[which].name,
                      on_8_kib ? "8 KiB of stack" : "the smallest stack of a thread", situation_names[situation]);
            }
}

/* The signal frame is on the stack, too, and is large with vector registers: 8 KiB are not enough. */
static void a_fault_is_reported_on_the_smallest_stack(void) {
    faulting = true;
    on_8_kib = false;
    for (situation = OURS; situation <= BOTH_FOREIGN; situation += BOTH_FOREIGN)
        for (which = 0; which < accessor_count; which++)
            if (!accessors[which].element)
                LIVES(20, on_a_small_stack, "a fault of %s on the smallest stack, %s", accessors[which].name, situation_names[situation]);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN_THREADED(every_accessor_works_on_little_stack);
    RUN_THREADED(a_fault_is_reported_on_the_smallest_stack);
    return finish();
}
