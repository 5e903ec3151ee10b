/* Atomic operations on words that processes share, with errors in place of signals; waiting and waking. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifndef _WIN32
#include <sys/wait.h>
#endif

enum { RW = PROT_READ | PROT_WRITE };
static int64_t page, value;
/* Fewer where each operation takes a process, and an emulated processor starts it. */
static int rounds = 50000;

static mmap_wrap_handle shared_memory(void) {
    return mmap_wrap(NULL, page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

#ifndef _WIN32
static mmap_wrap_handle shared;

/* The library's operations and the compiler's are atomic with respect to each other. */
static void *count_with_the_compiler(void *address) {
    for (int i = 0; i < rounds; i++) __atomic_add_fetch((int64_t *)address, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void count_with_the_library(void) {
    for (int i = 0; i < rounds; i++)
        if (mmap_wrap_atomic_add(shared, 64, 8, 1, NULL) != 0) _exit(1);
}

static void counts_while_another_thread_does(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, count_with_the_compiler, (char *)mmap_wrap_address(shared) + 8);
    count_with_the_library();
    pthread_join(thread, NULL);
}

static void processes_and_threads_count_together(void) {
    shared = shared_memory();
    in_child(counts_while_another_thread_does);
    counts_while_another_thread_does();
    CHECK_IS(mmap_wrap_atomic_load(shared, 64, 8, &value), 0);
    CHECK_IS(value, 4 * rounds);
    CHECK_IS(munmap_wrap(shared), 1);
}

#endif

static void before_is_the_previous_value(void) {
    mmap_wrap_handle h = shared_memory();
    CHECK_IS(mmap_wrap_atomic_store(h, 32, 4, UINT32_MAX), 0);
    CHECK_IS(mmap_wrap_atomic_add(h, 32, 4, 3, &value), 0);
    CHECK_IS(value, -1);
    CHECK_IS(mmap_wrap_atomic_exchange(h, 32, 4, 10, &value), 0);
    CHECK_IS(value, 2);
    CHECK_IS(mmap_wrap_atomic_compare_exchange(h, 32, 4, 11, 12, &value), 0);
    CHECK_IS(value, 10);
    CHECK_IS(mmap_wrap_atomic_compare_exchange(h, 32, 4, 10, 12, NULL), 1);
    CHECK_IS(*(int32_t *)((char *)mmap_wrap_address(h) + 4), 12);
    CHECK_FAILS(mmap_wrap_atomic_load(h, 64, 4, &value), MMAP_WRAP_E_ALIGNMENT, "a multiple of 8 bytes");
    CHECK_FAILS(mmap_wrap_atomic_load(h, 16, 4, &value), MMAP_WRAP_E_ARGUMENT, "a word of 16 bits: it must be 32 or 64");
    CHECK_FAILS(mmap_wrap_atomic_load(h, 32, 4, NULL), MMAP_WRAP_E_ARGUMENT, "value is NULL");
    CHECK_FAILS(mmap_wrap_atomic_store(h, 32, 4, INT64_MAX), MMAP_WRAP_E_ARGUMENT, "-2147483648 to 4294967295");
    CHECK_FAILS(mmap_wrap_atomic_add(h, 32, page, 1, NULL), MMAP_WRAP_E_RANGE, "mmap_wrap_atomic_add: size 4");
    CHECK_IS(value, 10);
    CHECK_IS(munmap_wrap(h), 1);
}

#ifndef _WIN32
/* The child stores the next number for each number. */
static void counts_on(void) {
    for (int32_t turn = 1; turn < 1000; turn += 2) {
        while (mmap_wrap_atomic_load(shared, 32, 0, &value) == 0 && value != turn) mmap_wrap_wait(shared, 0, value, MMAP_WRAP_REST);
        CHECK_IS(mmap_wrap_atomic_store(shared, 32, 0, turn + 1), 0);
        mmap_wrap_wake(shared, 0, 1);
    }
}

static void *wait_for_child(void *unused) {
    in_child(counts_on);
    return unused;
}

static void two_processes_take_turns(void) {
    pthread_t thread;
    shared = shared_memory();
    pthread_create(&thread, NULL, wait_for_child, NULL);
    for (int32_t turn = 0; turn < 1000; turn += 2) {
        while (mmap_wrap_atomic_load(shared, 32, 0, &value) == 0 && value != turn) mmap_wrap_wait(shared, 0, value, MMAP_WRAP_REST);
        CHECK_IS(mmap_wrap_atomic_store(shared, 32, 0, turn + 1), 0);
        mmap_wrap_wake(shared, 0, 1);
    }
    pthread_join(thread, NULL);
    CHECK_IS(mmap_wrap_atomic_load(shared, 32, 0, &value), 0);
    CHECK_IS(value, 1000);
    CHECK_IS(munmap_wrap(shared), 1);
}

#endif

static void a_wait_ends_by_timeout_by_another_value_and_by_errors(void) {
    mmap_wrap_handle h = shared_memory();
    CHECK_FAILS(mmap_wrap_wait(h, 0, 0, 1000000), -ETIMEDOUT, "mmap_wrap_wait: wait at offset 0 while it is 0");
    CHECK_IS(mmap_wrap_wait(h, 0, 0, 0), -ETIMEDOUT);
    CHECK_IS(mmap_wrap_wait(h, 0, 1, MMAP_WRAP_REST), 1);
    CHECK_FAILS(mmap_wrap_wait(h, 0, 0, -1), MMAP_WRAP_E_RANGE, "timeout -1 is negative");
    CHECK_FAILS(mmap_wrap_wait(h, 2, 0, 0), MMAP_WRAP_E_ALIGNMENT, "a multiple of 4 bytes");
    CHECK_FAILS(mmap_wrap_wait(h, 0, INT64_MAX, 0), MMAP_WRAP_E_ARGUMENT, "does not fit a word of 32 bits");
    CHECK_FAILS(mmap_wrap_wake(h, 0, -1), MMAP_WRAP_E_RANGE, "count -1 is negative");
    CHECK_IS(mmap_wrap_wake(h, 0, INT64_MAX), 0);
    CHECK_IS(munmap_wrap(h), 1);
#ifndef _WIN32
    h = truncated_mapping();
    CHECK_FAILS(mmap_wrap_wait(h, page, 0, 0), MMAP_WRAP_E_FAULT, "lies beyond the");
    CHECK_IS(munmap_wrap(h), 1);
#endif
}

static int64_t load(mmap_wrap_handle h, int64_t at) { return mmap_wrap_atomic_load(h, 64, at, &value); }
static int64_t store(mmap_wrap_handle h, int64_t at) { return mmap_wrap_atomic_store(h, 64, at, 1); }
static int64_t add(mmap_wrap_handle h, int64_t at) { return mmap_wrap_atomic_add(h, 32, at, 1, &value); }
static int64_t exchange(mmap_wrap_handle h, int64_t at) { return mmap_wrap_atomic_exchange(h, 64, at, 1, &value); }
static int64_t compare(mmap_wrap_handle h, int64_t at) { return mmap_wrap_atomic_compare_exchange(h, 32, at, 0, 1, &value); }
static int64_t (*const operations[])(mmap_wrap_handle, int64_t) = {load, store, add, exchange, compare};
enum { OPERATIONS = sizeof operations / sizeof *operations };

static void forbidden_memory_is_a_fault(void) {
    mmap_wrap_handle partly = memory_of(2 * page);
    CHECK_IS(mprotect_wrap(partly, PROT_NONE, page, page), 0);
    value = 77;
    for (int i = 0; i < OPERATIONS; i++) {
        CHECK_FAILS(operations[i](partly, 2 * page - 8), MMAP_WRAP_E_FAULT, "the protection forbids it");
        CHECK(mmap_wrap_fault_address() == (char *)mmap_wrap_address(partly) + 2 * page - 8);
        CHECK_IS(value, 77);
    }
    for (int i = 0; i < OPERATIONS; i++) CHECK(operations[i](partly, page - 8) >= 0);
    CHECK_IS(munmap_wrap(partly), 1);
}

#ifndef _WIN32
static void memory_beyond_the_end_of_the_file_is_a_fault(void) {
    mmap_wrap_handle cut = truncated_mapping();
    value = 77;
    for (int i = 0; i < OPERATIONS; i++) {
        CHECK_FAILS(operations[i](cut, page), MMAP_WRAP_E_FAULT, "lies beyond the");
        CHECK_IS(value, 77);
    }
    CHECK_IS(munmap_wrap(cut), 1);
}

static void operations_are_done_or_fault(void) {
    CHECK_IS(mmap_wrap_verify_handlers(), 0);
    mmap_wrap_handle cut = truncated_mapping(), memory = shared_memory();
    for (int i = 0; i < OPERATIONS; i++) {
        CHECK_FAILS(operations[i](cut, page), MMAP_WRAP_E_FAULT, "lies beyond");
        CHECK(operations[i](cut, 0) >= 0);
        CHECK(operations[i](memory, 0) >= 0);
    }
    CHECK_IS(mmap_wrap_atomic_store(memory, 64, 8, 41), 0);
    CHECK_IS(mmap_wrap_atomic_add(memory, 64, 8, 1, &value), 0);
    CHECK_IS(value, 41);
    CHECK_IS(mprotect_wrap(memory, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_atomic_load(memory, 64, 8, &value), 0);
    CHECK_IS(value, 42);
    CHECK_IS(store(memory, 0), MMAP_WRAP_E_FAULT);
    CHECK_IS(munmap_wrap(cut), 1);
    CHECK_IS(munmap_wrap(memory), 1);
    CHECK_IS(waitpid(-1, NULL, WNOHANG), -1); /* it left no child process */
}

static void with_other_handlers(void) {
    forbidden_memory_is_a_fault();
    memory_beyond_the_end_of_the_file_is_a_fault();
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    operations_are_done_or_fault();
}

static volatile sig_atomic_t children;
static void on_child(int signal) { (void)signal, children++; }

static void with_blocked_signals(void) {
    signal(SIGCHLD, on_child);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    operations_are_done_or_fault();
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    CHECK_IS(children, 0);
}

static void operations_need_no_handlers(void) {
    in_child(with_other_handlers);
    in_child(with_blocked_signals);
}

static void with_handlers_of_others_and_alone(void) {
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    mmap_wrap_handle h = shared_memory();
    CHECK_IS(mmap_wrap_verify_handlers(), 0);
    for (int i = 0; i < OPERATIONS; i++) CHECK_FAILS(operations[i](h, 0), MMAP_WRAP_E_UNSUPPORTED, "could not be repaired");
    CHECK_IS(*(const int64_t *)mmap_wrap_address(h), 0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void operations_are_unsupported_where_a_fault_could_not_be_repaired(void) {
    in_child(with_handlers_of_others_and_alone);
}
#endif

int main(void) {
    page = mmap_wrap_page_size();
    if (!has_loops()) rounds /= patience() * patience();
    const bool apart = processes_share_memory();
    RUN(a_wait_ends_by_timeout_by_another_value_and_by_errors);
    if (has_loops() || apart) {
        RUN_POSIX_THREADED(processes_and_threads_count_together);
        RUN(before_is_the_previous_value);
        RUN_POSIX_THREADED(two_processes_take_turns);
        RUN(forbidden_memory_is_a_fault);
        RUN_POSIX(memory_beyond_the_end_of_the_file_is_a_fault);
    }
    if (apart) RUN_POSIX(operations_need_no_handlers);
    else RUN_POSIX(operations_are_unsupported_where_a_fault_could_not_be_repaired);
    unlink("truncated");
    return finish();
}
