/*
 * mmap_wrap_verify_handlers: whether the library's handlers repair this thread's faults now. After a program installed a
 * handler or blocked a signal and calls it, no access of this thread relies on an earlier verification.
 */
#define _GNU_SOURCE
#include "accessors.h"
#include "cases.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

static int64_t page;
static enum situation situation;
static mmap_wrap_handle good, closed;

/* Many accesses, so that the thread has a lease. */
static void access_much(void) {
    char bytes[8];
    for (int i = 0; i < 20000; i++) mmap_wrap_read(good, 8 * (i % 100), bytes, 8);
}

static void every_access_faults(void) {
    static unsigned char buffer[64];
    struct place place = {closed, 8, 16, good, buffer};
    for (int i = 0; i < accessor_count; i++) {
        int64_t result = use(&accessors[i], &place);
        check(result == MMAP_WRAP_E_FAULT || (accessors[i].atomic && result == MMAP_WRAP_E_UNSUPPORTED), "faults_lease.c", __LINE__,
              text("%s: %s is FAULT (it is %s)", case_name, accessors[i].name, result_name(result)));
    }
}

static void map_both(void) {
    good = memory_of(page);
    closed = memory_of(page);
    CHECK_IS(mmap_wrap_fill(good, 0, 1, MMAP_WRAP_REST), page);
    CHECK(mprotect(mmap_wrap_address(closed), (size_t)page, PROT_NONE) == 0); /* without the library */
}

static void after_a_change_of_this_thread(void) {
    if (situation == OVER_FOREIGN) take_situation(situation);
    map_both();
    access_much();
    if (situation != OVER_FOREIGN) take_situation(situation);
    enter_situation(situation);
    CHECK_IS(verify_handlers(), repaired_in(situation));
    every_access_faults();
    CHECK_IS(foreign_calls(), 0);
    access_much();
    CHECK_IS(verify_handlers(), repaired_in(situation));
}

static void a_lease_ends_with_verify_handlers(void) {
    for (situation = 0; situation < SITUATIONS; situation++)
        LIVES(20, after_a_change_of_this_thread, "%s", situation_names[situation]);
}

/* Blocked and not, in turn: each time the present mask counts, of the calling thread only. */
static void *is_not_blocked(void *unused) {
    access_much();
    CHECK_IS(verify_handlers(), has_loops());
    every_access_faults();
    return unused;
}

static void in_turn(void) {
    sigset_t both, none;
    sigemptyset(&both);
    sigemptyset(&none);
    sigaddset(&both, SIGSEGV);
    map_both();
    for (int i = 0; i < 20; i++) {
        access_much();
        pthread_sigmask(SIG_SETMASK, &both, NULL);
        CHECK_IS(verify_handlers(), 0);
        every_access_faults();
        pthread_sigmask(SIG_SETMASK, &none, NULL);
        CHECK_IS(verify_handlers(), has_loops());
        every_access_faults();
    }
    pthread_t thread;
    pthread_create(&thread, NULL, is_not_blocked, NULL);
    pthread_sigmask(SIG_SETMASK, &both, NULL);
    CHECK_IS(verify_handlers(), 0);
    pthread_join(thread, NULL);
    CHECK_IS(verify_handlers(), 0);
    every_access_faults();
}

static void the_present_mask_of_the_calling_thread_counts(void) {
    LIVES(20, in_turn, "blocked and not in turn");
}

/* Only one of the two signals: each is verified. */
static void one_has_another_handler(int signal_number) {
    map_both();
    access_much();
    struct sigaction ours, other;
    memset(&other, 0, sizeof other);
    other.sa_handler = SIG_DFL;
    sigaction(signal_number, &other, &ours);
    CHECK_IS(verify_handlers(), 0);
    every_access_faults();
    sigaction(signal_number, &ours, NULL);
    CHECK_IS(verify_handlers(), has_loops());
    every_access_faults();
}
static void segv_is_taken(void) { one_has_another_handler(SIGSEGV); }
static void bus_is_taken(void) { one_has_another_handler(SIGBUS); }

static void both_signals_are_verified(void) {
    LIVES(20, segv_is_taken, "SIGSEGV taken and given back");
    LIVES(20, bus_is_taken, "SIGBUS taken and given back");
}

/* Without the call a lease expires in less than a millisecond. */
static void expires(void) {
    map_both();
    access_much();
    struct sigaction other;
    memset(&other, 0, sizeof other);
    other.sa_handler = SIG_DFL;
    sigaction(SIGSEGV, &other, NULL);
    for (double end = now() + 1e-3; now() < end;) continue;
    every_access_faults();
}

static void a_lease_expires(void) {
    LIVES(20, expires, "SIGSEGV taken a millisecond ago");
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_lease_ends_with_verify_handlers);
    RUN(the_present_mask_of_the_calling_thread_counts);
    RUN(both_signals_are_verified);
    RUN(a_lease_expires);
    return finish();
}
