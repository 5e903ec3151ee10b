/*
 * Mutexes in a mapping: between threads and processes, and taking over a mutex whose owner ended.
 *
 * The layout that the tests forge is that of src/mutex.rs: owner (thread id, waiters, start time), domain (PID namespace,
 * boot).
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, AT = 64, COUNTER = 128 };
static const int64_t second = 1000000000;
static mmap_wrap_handle memory;

static void fresh(void) {
    memory = mmap_wrap(NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory > 0);
}

static int64_t lock(int64_t timeout) { return mmap_wrap_mutex_lock(memory, AT, timeout); }
static int64_t unlock(void) { return mmap_wrap_mutex_unlock(memory, AT); }

static int64_t word(int64_t offset) {
    int64_t value = -1;
    CHECK_IS(mmap_wrap_atomic_load(memory, 64, offset, &value), 0);
    return value;
}

static void set(int64_t offset, int64_t value) { CHECK_IS(mmap_wrap_atomic_store(memory, 64, offset, value), 0); }

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void a_mutex_is_locked_and_unlocked_by_its_thread(void) {
    fresh();
    CHECK_IS(lock(MMAP_WRAP_REST), 0);
    CHECK_FAILS(lock(0), -EDEADLK, "mmap_wrap_mutex_lock: lock the mutex at offset 64");
    CHECK_FAILS(lock(MMAP_WRAP_REST), -EDEADLK, "this thread holds it already");
    CHECK_IS(unlock(), 0);
    CHECK_IS(word(AT), 0);
    CHECK_FAILS(unlock(), -EPERM, "it is free");
    CHECK_IS(lock(0), 0);
    CHECK_IS(unlock(), 0);
    /* A second mutex in the same mapping is independent. */
    CHECK_IS(lock(0), 0);
    CHECK_IS(mmap_wrap_mutex_lock(memory, AT + MMAP_WRAP_MUTEX_SIZE, 0), 0);
    CHECK_IS(mmap_wrap_mutex_unlock(memory, AT + MMAP_WRAP_MUTEX_SIZE), 0);
    CHECK_IS(unlock(), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

static void *tries(void *unused) {
    const char *owner = text("held by thread %d", (int)getpid());
    CHECK_FAILS(lock(0), -ETIMEDOUT, owner);
    const double before = now();
    CHECK_FAILS(lock(second / 5), -ETIMEDOUT, owner);
    CHECK(now() - before >= 0.19);
    CHECK_FAILS(unlock(), -EPERM, text("thread %d holds it", (int)getpid()));
    return unused;
}

static void another_thread_waits_as_long_as_its_timeout(void) {
    pthread_t thread;
    fresh();
    CHECK_IS(lock(0), 0);
    CHECK(pthread_create(&thread, NULL, tries, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK_IS(unlock(), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

static void arguments_are_checked_and_change_nothing(void) {
    fresh();
    CHECK_FAILS(lock(-1), MMAP_WRAP_E_RANGE, "timeout -1 is negative");
    CHECK_FAILS(mmap_wrap_mutex_lock(memory, 4, 0), MMAP_WRAP_E_ALIGNMENT, "8 bytes");
    CHECK_FAILS(mmap_wrap_mutex_lock(memory, 4088, 0), MMAP_WRAP_E_RANGE, "mmap_wrap_mutex_lock");
    CHECK_FAILS(mmap_wrap_mutex_lock(memory, INT64_MAX, 0), MMAP_WRAP_E_RANGE, "mmap_wrap_mutex_lock");
    CHECK_FAILS(mmap_wrap_mutex_lock(memory, -8, 0), MMAP_WRAP_E_RANGE, "negative");
    CHECK_FAILS(mmap_wrap_mutex_unlock(memory, 4096), MMAP_WRAP_E_RANGE, "mmap_wrap_mutex_unlock");
    CHECK_FAILS(mmap_wrap_mutex_abandon(memory, 4096), MMAP_WRAP_E_RANGE, "mmap_wrap_mutex_abandon");
    char bytes[4096] = "", zeros[4096] = "";
    CHECK(mmap_wrap_read(memory, 0, bytes, sizeof bytes) == sizeof bytes && memcmp(bytes, zeros, sizeof zeros) == 0);
    CHECK_IS(mprotect_wrap(memory, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_FAILS(lock(0), MMAP_WRAP_E_FAULT, "mmap_wrap_mutex_lock");
    CHECK_IS(munmap_wrap(memory), 1);
    CHECK_FAILS(lock(0), MMAP_WRAP_E_UNMAPPED, "unmapped");
    CHECK_FAILS(unlock(), MMAP_WRAP_E_UNMAPPED, "unmapped");
    CHECK_FAILS(mmap_wrap_mutex_lock(0, 0, 0), MMAP_WRAP_E_HANDLE, "mmap_wrap_mutex_lock");
}

/* A get and a put under the lock: without it, counts would be lost. */
static void *counts(void *rounds) {
    for (intptr_t i = 0; i < (intptr_t)rounds; i++) {
        if (!CHECK_IS(lock(60 * second), 0)) break;
        mmap_wrap_put_int(memory, MMAP_WRAP_I64, COUNTER, mmap_wrap_get_int(memory, MMAP_WRAP_I64, COUNTER) + 1);
        CHECK_IS(unlock(), 0);
    }
    return NULL;
}

static void no_count_is_lost_between_processes_and_threads(void) {
    enum { CHILDREN = 3, THREADS = 3, ROUNDS = 1000 };
    pid_t children[CHILDREN];
    fresh();
    fflush(stdout);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] > 0) continue;
        pthread_t threads[THREADS];
        for (int j = 0; j < THREADS; j++) pthread_create(&threads[j], NULL, counts, (void *)(intptr_t)ROUNDS);
        for (int j = 0; j < THREADS; j++) pthread_join(threads[j], NULL);
        fflush(stdout);
        _exit(0);
    }
    for (int i = 0; i < CHILDREN; i++) CHECK(waitpid(children[i], NULL, 0) == children[i]);
    CHECK_IS(mmap_wrap_get_int(memory, MMAP_WRAP_I64, COUNTER), CHILDREN * THREADS * ROUNDS);
    CHECK_IS(word(AT), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

/* A child that locks, stores that at COUNTER, and is killed. */
static pid_t child_that_holds(void) {
    set(COUNTER, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        CHECK_IS(lock(0), 0);
        set(COUNTER, 1);
        for (;;) pause();
    }
    for (int i = 0; i < 1000 && word(COUNTER) == 0; i++) usleep(10000);
    CHECK_IS(word(COUNTER), 1);
    return child;
}

static void waits_until_zombie(pid_t child) {
    siginfo_t info;
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
}

static void a_mutex_is_taken_over_from_a_process_that_was_killed(void) {
    fresh();
    for (int reaped = 0; reaped < 2; reaped++) {
        pid_t child = child_that_holds();
        CHECK_FAILS(lock(second / 5), -ETIMEDOUT, text("held by thread %d", (int)child));
        kill(child, SIGKILL);
        waits_until_zombie(child);
        if (reaped) waitpid(child, NULL, 0);
        CHECK_IS(lock(0), 1);
        CHECK_IS(unlock(), 0);
        CHECK_IS(lock(0), 0); /* reported once */
        CHECK_IS(unlock(), 0);
        if (!reaped) waitpid(child, NULL, 0);
    }
    CHECK_IS(munmap_wrap(memory), 1);
}

static pid_t victim;

static void *kills_it(void *unused) {
    usleep(300000);
    kill(victim, SIGKILL);
    return unused;
}

static void a_waiter_takes_over_within_a_quarter_of_a_second(void) {
    pthread_t thread;
    fresh();
    victim = child_that_holds();
    CHECK(pthread_create(&thread, NULL, kills_it, NULL) == 0);
    const double before = now();
    CHECK_IS(lock(MMAP_WRAP_REST), 1);
    CHECK(now() - before >= 0.29);
    CHECK(now() - before < 5); /* under load, too */
    pthread_join(thread, NULL);
    waitpid(victim, NULL, 0);
    CHECK_IS(unlock(), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

static void *locks_and_ends(void *unused) {
    CHECK_IS(lock(0), 0);
    return unused;
}

static void a_mutex_is_taken_over_from_a_thread_that_ended(void) {
    pthread_t thread;
    fresh();
    CHECK(pthread_create(&thread, NULL, locks_and_ends, NULL) == 0);
    pthread_join(thread, NULL);
    /* pthread_join can return before the kernel has ended the thread */
    CHECK_IS(lock(10 * second), 1);
    CHECK_IS(unlock(), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

static void does_not_hold_what_its_parent_holds(void) {
    CHECK_FAILS(unlock(), -EPERM, "holds it");
    CHECK_FAILS(lock(0), -ETIMEDOUT, "held by thread");
}

static void in_child_of_the_holder(void (*run)(void)) {
    fresh();
    CHECK_IS(lock(0), 0);
    in_child(run);
    CHECK_IS(unlock(), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

static void a_forked_child_does_not_hold_what_its_parent_holds(void) {
    in_child_of_the_holder(does_not_hold_what_its_parent_holds);
}

static void a_later_thread_of_the_same_id_is_another(void) {
    fresh();
    pid_t child = child_that_holds();
    const int64_t owner = word(AT);
    CHECK((owner & 0x7fffffff) == child);
    if (owner >> 32 == 0) skip("/proc does not have the start time of a thread here");
    else {
        set(AT, owner + ((int64_t)1 << 32));
        CHECK_IS(lock(0), 1);
        CHECK_IS(unlock(), 0);
    }
    /* Without a start time the thread cannot be distinguished. */
    set(AT, child);
    CHECK_FAILS(lock(0), -ETIMEDOUT, "held by thread");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_IS(lock(0), 1);
    CHECK_IS(unlock(), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

static void a_mutex_of_an_earlier_boot_is_taken_over(void) {
    fresh();
    CHECK_IS(lock(0), 0);
    CHECK_IS(unlock(), 0);
    set(AT + 8, word(AT + 8) ^ (int64_t)1 << 40);
    set(AT, 0x7ffffff0); /* no thread has such an id */
    CHECK_IS(lock(0), 1);
    CHECK_IS(unlock(), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

/* Its thread ids are of another namespace: its process 1 is neither a process that ended nor the init of this system. */
static void holder_in_a_namespace_of_its_own(void) {
    if (unshare(CLONE_NEWPID) != 0) {
        skip("no PID namespace can be made: %s", strerror(errno));
        return;
    }
    set(COUNTER, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        CHECK_IS(lock(0), 0);
        set(COUNTER, 1);
        for (int i = 0; i < 1000 && word(COUNTER) == 1; i++) usleep(10000);
        CHECK_IS(unlock(), 0);
        fflush(stdout);
        _exit(0);
    }
    for (int i = 0; i < 1000 && word(COUNTER) == 0; i++) usleep(10000);
    CHECK_FAILS(lock(second / 2), -ETIMEDOUT, "held by thread 1");
    /* Nor is it taken over if no thread has the id here. */
    set(AT, 0x7ffffff0);
    CHECK_FAILS(lock(second / 2), -ETIMEDOUT, "held by thread 2147483632");
    CHECK(word(AT) != 0x7ffffff0); /* with the mark for waiters */
    set(AT, 0);
    CHECK_IS(lock(0), 0);
    CHECK_IS(unlock(), 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void a_holder_in_another_pid_namespace_is_not_regarded_as_ended(void) {
    fresh();
    /* The domain of the mutex is this namespace already. */
    CHECK_IS(lock(0), 0);
    CHECK_IS(unlock(), 0);
    in_child(holder_in_a_namespace_of_its_own);
    CHECK_IS(munmap_wrap(memory), 1);
}

/* Hides /proc from this process by mounting an empty file system over it. */
static bool lost_proc(void) {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("none", "/proc", "tmpfs", 0, NULL) == 0;
}

static void locks_without_proc(void) {
    if (!lost_proc()) {
        skip("/proc cannot be hidden: %s", strerror(errno));
        return;
    }
    /* No thread has the id here, but the owner may be in another namespace. */
    set(AT, 0x7ffffff0);
    CHECK_FAILS(lock(0), -ETIMEDOUT, "held by thread 2147483632");
    CHECK_FAILS(lock(second / 2), -ETIMEDOUT, "held by thread 2147483632");
    set(AT, 0);
    CHECK_IS(lock(0), 0);
    CHECK_IS(unlock(), 0);
    set(COUNTER, 1);
}

static void without_proc_no_owner_is_regarded_as_ended(void) {
    fresh();
    set(COUNTER, 0);
    in_child(locks_without_proc);
    if (word(COUNTER) == 1) {
        /* Such a thread has used the mutex, and may hold it: then no thread takes it over. */
        set(AT, 0x7ffffff0);
        CHECK_FAILS(lock(second / 2), -ETIMEDOUT, "held by thread 2147483632");
        set(AT, 0);
        in_child(locks_without_proc);
        CHECK_IS(lock(0), 0);
        CHECK_IS(unlock(), 0);
        set(AT, 0x7ffffff0);
        CHECK_FAILS(lock(second / 2), -ETIMEDOUT, "held by thread 2147483632");
    }
    CHECK_IS(munmap_wrap(memory), 1);
}

static void *unmaps(void *unused) {
    usleep(200000);
    CHECK_IS(munmap_wrap(memory), 1);
    return unused;
}

static void *waits_indefinitely(void *unused) {
    CHECK_FAILS(lock(MMAP_WRAP_REST), MMAP_WRAP_E_UNMAPPED, "unmapped");
    return unused;
}

static void unmapping_ends_a_wait(void) {
    pthread_t waiter, unmapper;
    fresh();
    CHECK_IS(lock(0), 0);
    CHECK(pthread_create(&waiter, NULL, waits_indefinitely, NULL) == 0);
    CHECK(pthread_create(&unmapper, NULL, unmaps, NULL) == 0);
    pthread_join(waiter, NULL);
    pthread_join(unmapper, NULL);
}

static void nothing(int unused) { (void)unused; }

static void is_interrupted(void) {
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    /* Repeated, since the signal can arrive while it does not wait. */
    const struct itimerval often = {{0, 37000}, {0, 37000}};
    setitimer(ITIMER_REAL, &often, NULL);
    CHECK_FAILS(lock(60 * second), -EINTR, "wait at offset 64");
    CHECK(lock(0) == -ETIMEDOUT);
    const struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
}

static void a_signal_handler_ends_a_wait(void) {
    in_child_of_the_holder(is_interrupted);
}

static void an_abandoned_mutex_is_taken_over(void) {
    fresh();
    CHECK_FAILS(mmap_wrap_mutex_abandon(memory, AT), -EPERM, "it is free");
    CHECK_IS(lock(0), 0);
    CHECK_IS(mmap_wrap_mutex_abandon(memory, AT), 0);
    CHECK_FAILS(unlock(), -EPERM, "its owner ended without unlocking it");
    CHECK_IS(lock(0), 1);
    CHECK_IS(mmap_wrap_mutex_abandon(memory, AT), 0);
    /* Also if mutexes are not taken over, since there are several PID namespaces. */
    set(AT + 8, word(AT + 8) | 0xFFFFFFFF);
    CHECK_IS(lock(0), 1);
    CHECK_IS(unlock(), 0);
    CHECK_IS(word(AT), 0);
    CHECK_IS(munmap_wrap(memory), 1);
}

int main(void) {
    if (!has_loops() && !processes_share_memory()) {
        mmap_wrap_handle h = memory_of(mmap_wrap_page_size());
        CHECK_IS(mmap_wrap_mutex_lock(h, 0, 0), MMAP_WRAP_E_UNSUPPORTED);
        return finish();
    }
    /* What the process allocates once, to distinguish itself from its children, is not a leak of a test. */
    mmap_wrap_handle first = memory_of(mmap_wrap_page_size());
    if (mmap_wrap_mutex_lock(first, 0, 0) != 0 || mmap_wrap_mutex_unlock(first, 0) != 0 || munmap_wrap(first) != 1) return 1;
    RUN(a_mutex_is_locked_and_unlocked_by_its_thread);
    RUN_THREADED(another_thread_waits_as_long_as_its_timeout);
    RUN(arguments_are_checked_and_change_nothing);
    RUN(no_count_is_lost_between_processes_and_threads);
    RUN(a_mutex_is_taken_over_from_a_process_that_was_killed);
    RUN_THREADED(a_waiter_takes_over_within_a_quarter_of_a_second);
    RUN_THREADED(a_mutex_is_taken_over_from_a_thread_that_ended);
    RUN(a_forked_child_does_not_hold_what_its_parent_holds);
    RUN(a_later_thread_of_the_same_id_is_another);
    RUN(a_mutex_of_an_earlier_boot_is_taken_over);
    /* Without loops a child of this namespace makes the accesses, and there the children are of another. */
    if (has_loops()) RUN(a_holder_in_another_pid_namespace_is_not_regarded_as_ended);
    else skip("an owner in another PID namespace: no atomic operations there on this processor");
    RUN(without_proc_no_owner_is_regarded_as_ended);
    RUN_THREADED(unmapping_ends_a_wait);
    RUN(a_signal_handler_ends_a_wait);
    RUN(an_abandoned_mutex_is_taken_over);
    return finish();
}
