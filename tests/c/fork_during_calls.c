/*
 * Children that are forked during another thread's access or change: they do not wait for threads that only the parent
 * has, also if both are process 1 of their PID namespaces.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, CHILDREN = 150 };
static int64_t page;
static mmap_wrap_handle memory;
static bool stop;

static void *keep_resizing(void *unused) {
    for (int64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++)
        mremap_wrap(memory, (1 + i % 64) * page, MREMAP_MAYMOVE, NULL, 0);
    return unused;
}

static void *keep_writing(void *unused) {
    for (int64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) mmap_wrap_put_int(memory, MMAP_WRAP_I64, 0, i);
    return unused;
}

static void *keep_protecting(void *unused) {
    for (int64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) mprotect_wrap(memory, i % 2 ? RW : PROT_READ, 0, page);
    return unused;
}

/* Some emulators move a mapping even if it becomes shorter, and parts with different protections cannot be moved
   together. */
static bool shrinking_moves;

static void see_whether_shrinking_moves(void) {
    char *two = mmap(NULL, (size_t)(2 * page), RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *one = mremap(two, (size_t)(2 * page), (size_t)page, MREMAP_MAYMOVE);
    shrinking_moves = one != two;
    if (shrinking_moves) skip("a child's mremap_wrap may be EFAULT: here a mapping that becomes shorter is moved");
    munmap(one, (size_t)page);
}

/* The first calls of a child. None may take long, and each succeeds or returns the reason: for a child that was forked
 * during a change, the mapping is an unmapped one. */
static void uses_what_it_has(void) {
    char bytes[8];
    double began = now();
    const int64_t results[] = {
        mprotect_wrap(memory, PROT_READ, 0, page),  mmap_wrap_guard(memory, 1, 0, page), mmap_wrap_guard(memory, 0, 0, page),
        mprotect_wrap(memory, RW, 0, page),         mmap_wrap_read(memory, 0, bytes, 8), mmap_wrap_put_int(memory, MMAP_WRAP_I64, 0, 7),
        mremap_wrap(memory, 2 * page, MREMAP_MAYMOVE, NULL, 0), munmap_wrap(memory),
    };
    static const int64_t expected[] = {0, 0, 0, 0, 8, 0, 0, 1};
    double seconds = now() - began;
    bool unmapped = results[7] == 0;
    for (int i = 0; i < 8; i++) {
        int64_t right = i == 6 ? memory : expected[i];
        if (i == 6 && shrinking_moves && results[i] == -EFAULT) continue;
        check(unmapped ? results[i] == MMAP_WRAP_E_UNMAPPED || results[i] == right || i == 7 : results[i] == right, "fork_during_calls.c",
              __LINE__, text("%s: call %d of a child is %lld (it is %s)", case_name, i, (long long)right,
                             results[i] < 0 ? mmap_wrap_strerror(results[i]) : "another number"));
    }
    check(seconds < 0.9 * patience(), "fork_during_calls.c", __LINE__, text("%s: a child's calls take no time (%.2f s)", case_name, seconds));
    mmap_wrap_handle own = memory_of(page);
    CHECK_IS(mmap_wrap_put_int(own, MMAP_WRAP_I64, 0, 7), 0);
    CHECK_IS(mprotect_wrap(own, PROT_READ, 0, page), 0);
    CHECK_IS(munmap_wrap(own), 1);
}

static void *(*other_thread)(void *);
static long clone_flags;

/* Not by fork(2): pthread_atfork handlers do not run, and the child can be process 1. */
static pid_t child_of(void) {
    fflush(stdout);
    return clone_flags == 0 ? fork() : (pid_t)syscall(SYS_clone, clone_flags | SIGCHLD, 0, 0, 0, 0);
}

static void makes_children(void) {
    memory = memory_of(64 * page);
    CHECK_IS(mmap_wrap_fill(memory, 0, 1, MMAP_WRAP_REST), 64 * page);
    pthread_t thread;
    pthread_create(&thread, NULL, other_thread, NULL);
    usleep(2000);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = child_of();
        if (child < 0) {
            check(false, "fork_during_calls.c", __LINE__, text("%s: clone (%s)", case_name, strerror(errno)));
            break;
        }
        if (child == 0) {
            uses_what_it_has();
            fflush(stdout);
            _exit(0);
        }
        int status = 0;
        bool in_time = ended_in_time(child, 10, &status);
        check(in_time, "fork_during_calls.c", __LINE__, text("%s: child %d ends within 10 s", case_name, i));
        CHECK_IS(in_time ? status : 0, 0);
        if (!in_time || status != 0) break;
        usleep(100);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    CHECK_IS(munmap_wrap(memory), 1);
}

static const struct {
    const char *name;
    void *(*thread)(void *);
} threads[] = {{"resizes", keep_resizing}, {"writes eight bytes", keep_writing}, {"protects", keep_protecting}};

static void a_child_does_not_wait_for_threads_of_its_parent(void) {
    for (int i = 0; i < 3; i++) {
        other_thread = threads[i].thread;
        clone_flags = 0;
        LIVES(60, makes_children, "children while another thread %s", threads[i].name);
    }
}

/* The parent is process 1 of a namespace, and each child of a nested one: both have the same process id. */
static void makes_children_as_process_one(void) {
    pid_t parent = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (parent == 0) {
        CHECK_IS(getpid(), 1);
        clone_flags = CLONE_NEWPID;
        makes_children();
        fflush(stdout);
        _exit(0);
    }
    int status = 0;
    CHECK(ended_in_time(parent, 80, &status));
    CHECK_IS(status, 0);
}

static bool namespaces_can_be_made(void) {
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    if (child < 0) return false;
    waitpid(child, NULL, 0);
    return true;
}

static void a_child_with_the_process_id_of_its_parent_does_not_wait(void) {
    if (!namespaces_can_be_made()) {
        skip("PID namespaces: %s", strerror(errno));
        return;
    }
    for (int i = 0; i < 3; i++) {
        other_thread = threads[i].thread;
        LIVES(90, makes_children_as_process_one, "children in a PID namespace of their own while another thread %s", threads[i].name);
    }
}

/* After unshare(CLONE_NEWPID) the first child is the init of the new namespace, and must not be a child of the library. */
static void makes_no_first_child(void) {
    mmap_wrap_handle h = memory_of(page);
    int64_t value;
    char byte;
    CHECK_IS(mmap_wrap_atomic_load(h, 32, 0, &value), 0);
    if (unshare(CLONE_NEWPID) != 0) {
        skip("a PID namespace for the children: %s", strerror(errno));
        return;
    }
    signal(SIGSEGV, SIG_IGN);
    CHECK_IS(mmap_wrap_verify_handlers(), 0);
    CHECK_IS(mmap_wrap_atomic_add(h, 32, 0, 1, &value), MMAP_WRAP_E_UNSUPPORTED);
    CHECK_IS(mprotect_wrap(h, PROT_NONE, 0, page), 0);
    CHECK_IS(mmap_wrap_read(h, 0, &byte, 1), MMAP_WRAP_E_FAULT); /* the library looks for its cause */
    pid_t child = fork();
    CHECK(child > 0 || child == 0);
    if (child == 0) _exit(getpid() == 1 ? 0 : 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void the_first_child_of_a_new_namespace_is_not_the_librarys(void) {
    LIVES(20, makes_no_first_child, "a program between unshare(CLONE_NEWPID) and its first fork");
}

int main(void) {
    page = mmap_wrap_page_size();
    see_whether_shrinking_moves();
    RUN_THREADED(a_child_does_not_wait_for_threads_of_its_parent);
    RUN_THREADED(a_child_with_the_process_id_of_its_parent_does_not_wait);
    if (has_loops()) RUN(the_first_child_of_a_new_namespace_is_not_the_librarys);
    else skip("a program before the first fork into a new PID namespace: no atomic operations there on this processor");
    return finish();
}
