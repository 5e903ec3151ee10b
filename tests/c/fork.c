/* A forked child has the handles of its parent; what it does with them does not affect the parent. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

enum { RW = PROT_READ | PROT_WRITE };
static int64_t page;
static mmap_wrap_handle private, shared;
static void *address;
static char byte;

static void uses_the_handles_of_its_parent(void) {
    CHECK_IS(mmap_wrap_find(private, "parent", 6, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_write(private, 0, "child!", 6), 6);
    CHECK_IS(mmap_wrap_write(shared, 0, "child!", 6), 6);
    CHECK_IS(munmap_wrap(private), 1);
    CHECK_IS(munmap_wrap(private), 0);
    CHECK_IS(munmap_wrap(shared), 1);
    mmap_wrap_handle own = memory_of(page);
    CHECK_IS(mmap_wrap_length(own), page);
    CHECK_IS(munmap_wrap(own), 1);
}

static void a_child_has_the_handles_of_its_parent_and_unmaps_only_in_itself(void) {
    private = memory_of(page);
    shared = mmap_wrap(NULL, page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK_IS(mmap_wrap_write(private, 0, "parent", 6), 6);
    in_child(uses_the_handles_of_its_parent);
    CHECK_IS(mmap_wrap_find(private, "parent", 6, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_find(shared, "child!", 6, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(munmap_wrap(private), 1);
    CHECK_IS(munmap_wrap(shared), 1);
}

static void has_inherited_one_export(void) {
    CHECK_FAILS(munmap_wrap(private), MMAP_WRAP_E_BUSY, "1 acquired address");
    CHECK_IS(mmap_wrap_release(private), 0);
    CHECK_IS(munmap_wrap(private), 1);
}

static void a_child_inherits_the_count_of_acquisitions(void) {
    private = memory_of(page);
    CHECK(mmap_wrap_acquire(private) != NULL);
    in_child(has_inherited_one_export);
    CHECK_IS(munmap_wrap(private), MMAP_WRAP_E_BUSY);
    CHECK_IS(mmap_wrap_release(private), 0);
    CHECK_IS(munmap_wrap(private), 1);
}

/* The other thread does not exist in a child: its calls must have no effect there. */
static bool stop;
static void *keep_reading(void *unused) {
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) mmap_wrap_fill(private, 0, 1, MMAP_WRAP_REST);
    return unused;
}

static void unmaps_what_another_thread_was_using(void) {
    const void *address = mmap_wrap_address(private);
    CHECK(is_mapped(address));
    CHECK_IS(munmap_wrap(private), 1);
    CHECK(!is_mapped(address));
}

static void a_child_does_not_wait_for_threads_that_it_does_not_have(void) {
    pthread_t thread;
    private = memory_of(4 << 20);
    stop = false;
    if (!CHECK(pthread_create(&thread, NULL, keep_reading, NULL) == 0)) return;
    for (int i = 0; i < 30; i++) in_child(unmaps_what_another_thread_was_using);
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    CHECK_IS(munmap_wrap(private), 1);
}

static void finds_its_pages_wiped(void) {
    CHECK_IS(mmap_wrap_read(private, 0, &byte, 1), 1);
    CHECK_IS(byte, 0);
    CHECK_IS(mmap_wrap_read(private, page, &byte, 1), 1);
    CHECK_IS(byte, 'x');
}

static void advice_about_forks_applies_to_children(void) {
    private = memory_of(2 * page);
    CHECK_IS(mmap_wrap_fill(private, 0, 'x', MMAP_WRAP_REST), 2 * page);
    if (takes_advice(MADV_WIPEONFORK)) {
        CHECK_IS(madvise_wrap(private, MADV_WIPEONFORK, 0, page), 0);
        in_child(finds_its_pages_wiped);
    }
    CHECK_IS(mmap_wrap_read(private, 0, &byte, 1), 1);
    CHECK_IS(byte, 'x');
    CHECK_IS(munmap_wrap(private), 1);
}

/* The child may use the address for something else; the handle must not access it. */
static void has_no_such_pages(void) {
    char *own = mmap(address, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    own[0] = 'o';
    CHECK_IS(mmap_wrap_read(private, 0, &byte, 1), MMAP_WRAP_E_UNMAPPED);
    CHECK_IS(mmap_wrap_write(private, 0, "x", 1), MMAP_WRAP_E_UNMAPPED);
    CHECK_IS(mmap_wrap_release(private), MMAP_WRAP_E_UNMAPPED);
    CHECK_IS(munmap_wrap(private), 0);
    CHECK(own[0] == 'o');
    munmap(own, (size_t)page);
}

static void has_its_pages_again(void) {
    CHECK_IS(mmap_wrap_write(private, 0, "x", 1), 1);
    CHECK_IS(munmap_wrap(private), 1);
}

static void a_mapping_that_a_child_does_not_inherit_is_unmapped_there(void) {
    if (!takes_advice(MADV_DONTFORK)) return;
    private = memory_of(page);
    address = mmap_wrap_address(private);
    CHECK_IS(madvise_wrap(private, MADV_DONTFORK, 0, MMAP_WRAP_REST), 0);
    in_child(has_no_such_pages);
    CHECK_IS(madvise_wrap(private, MADV_DOFORK, 0, MMAP_WRAP_REST), 0);
    in_child(has_its_pages_again);
    CHECK_IS(mmap_wrap_write(private, 0, "x", 1), 1);
    CHECK_IS(munmap_wrap(private), 1);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_child_has_the_handles_of_its_parent_and_unmaps_only_in_itself);
    RUN(a_child_inherits_the_count_of_acquisitions);
    RUN_THREADED(a_child_does_not_wait_for_threads_that_it_does_not_have);
    RUN(advice_about_forks_applies_to_children);
    RUN(a_mapping_that_a_child_does_not_inherit_is_unmapped_there);
    return finish();
}
