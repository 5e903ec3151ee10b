/*
 * A mapping for which mmap_wrap_survive returned 0 survives every SIGBUS of an access through its address: at a limit of
 * the process, while another thread resizes it, with several threads at the same page. If that cannot be guaranteed, as
 * for a sealed mapping, mmap_wrap_survive fails.
 *
 *     faults_surviving [ROUNDS]     of two threads at one page; 2000 by default
 */
#define _GNU_SOURCE
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PAGES = 8 };
static int64_t page;
static int rounds;

static int file_of(int64_t pages) {
    int fd = open("faults_surviving", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, pages * page) != 0) abort();
    return fd;
}

static mmap_wrap_handle mapping_of(int fd, int64_t flags) {
    return mmap_wrap(NULL, PAGES * page, RW, flags, fd, 0);
}

/* The accesses of a program by address: every lost byte reads zero, can be written and keeps what was written, and the
 * loss is reported once. */
static void lose_and_use(mmap_wrap_handle h, int fd) {
    volatile char *bytes = mmap_wrap_address(h);
    CHECK(ftruncate(fd, page) == 0);
    static const int order[] = {3, 1, 7, 2, 5, 4, 6};
    for (int i = 0; i < 7; i++) {
        CHECK_IS(bytes[order[i] * page + 5], 0);
        bytes[order[i] * page + 5] = (char)order[i];
    }
    for (int i = 1; i < 8; i++) CHECK_IS(bytes[i * page + 5], i);
    char byte = 0;
    CHECK_IS(bytes[5], 'x');
    CHECK(*mmap_wrap_loss_flag(h) & 1);
    CHECK_IS(mmap_wrap_read(h, 5, &byte, 1), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_read(h, 5, &byte, 1), 1);
    CHECK_IS(byte, 'x');
}

static void fill_first(mmap_wrap_handle h) {
    CHECK_IS(mmap_wrap_fill(h, 0, 'x', page), page);
}

/* mmap_wrap_survive succeeds, or fails with a code for the reason, and a message. */
static bool is_surviving(mmap_wrap_handle h) {
    int64_t result = mmap_wrap_survive(h, 1);
    if (result == 0) return true;
    check(result == MMAP_WRAP_E_SEALED || result == MMAP_WRAP_E_UNSUPPORTED || result == -ENOMEM || result == -EAGAIN,
          "faults_surviving.c", __LINE__,
          text("%s: survive is 0, or SEALED, UNSUPPORTED, ENOMEM, EAGAIN (it is %s)", case_name, mmap_wrap_strerror(result)));
    return false;
}

/* -- Limits: reached before mmap_wrap_survive, and after it -- */

/* What the kernel counts against the limit: a number of kB in /proc/self/status. */
static rlim_t used(const char *row) {
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) abort();
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, row, strlen(row)) == 0) sscanf(line + strlen(row), ": %llu kB", &kilobytes);
    fclose(file);
    return (rlim_t)(kilobytes * 1024);
}

static void use_up(int resource, const char *row, rlim_t beyond) {
    used(row); /* the memory of the stream */
    struct rlimit at = {used(row) - beyond, RLIM_INFINITY};
    CHECK(at.rlim_cur > 0 && setrlimit(resource, &at) == 0);
}

static void fill_the_address_space(void) { use_up(RLIMIT_AS, "VmSize", 0); }
static void fill_the_data(void) { use_up(RLIMIT_DATA, "VmData", 0); }
/* A limit below the present use forbids every change: then mmap_wrap_survive fails. */
static void exceed_the_address_space(void) { use_up(RLIMIT_AS, "VmSize", (rlim_t)page); }
static void exceed_the_data(void) { use_up(RLIMIT_DATA, "VmData", (rlim_t)page); }

static void fill_the_mappings(void) {
    for (int i = 0; i < 1 << 21; i++)
        if (mmap(NULL, (size_t)page, i % 2 ? PROT_READ : RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) return;
    CHECK(!"vm.max_map_count was reached");
}

/* With all memory locked, or what is mapped from now on. Root is above the limit. Locked, the stack could not grow later. */
static void lock_up_to_the_limit(int which) {
    volatile char stack[1 << 16];
    for (size_t i = 0; i < sizeof stack; i++) stack[i] = 0;
    struct rlimit at;
    if (getrlimit(RLIMIT_MEMLOCK, &at) != 0) abort();
    used("VmLck"); /* the memory of the stream */
    if (mlockall(which) != 0) skip("%s: mlockall: %s", case_name, strerror(errno));
    if (used("VmLck") < at.rlim_max) at.rlim_cur = used("VmLck");
    CHECK(setrlimit(RLIMIT_MEMLOCK, &at) == 0);
    if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)) abort();
}
static void lock_all(void) { lock_up_to_the_limit(MCL_CURRENT | MCL_FUTURE); }
static void lock_future_memory(void) { lock_up_to_the_limit(MCL_FUTURE); }

static void seal(void) {}

static const struct {
    const char *name;
    void (*reach)(void);
} limits[] = {
    {"at RLIMIT_AS", fill_the_address_space},
    {"at RLIMIT_DATA", fill_the_data},
    {"at vm.max_map_count", fill_the_mappings},
    {"at RLIMIT_MEMLOCK, all locked", lock_all},
    {"at RLIMIT_MEMLOCK, locking future memory", lock_future_memory},
    {"sealed", seal},
    {"beyond RLIMIT_AS", exceed_the_address_space},
    {"beyond RLIMIT_DATA", exceed_the_data},
};
enum { LIMITS = sizeof limits / sizeof *limits, LIMITS_WITH_A_RESERVE = 5, LIMITS_THAT_CAN_COME_LATER };
static int limit;
static int64_t flags;
static bool before;

static void reach(mmap_wrap_handle h) {
    limits[limit].reach();
    if (limits[limit].reach == seal) {
        int64_t result = mseal_wrap(h, 0, MMAP_WRAP_REST);
        if (result == MMAP_WRAP_E_UNSUPPORTED) skip("sealed mappings: this kernel has no mseal");
    }
}

static void at_a_limit(void) {
    int fd = file_of(PAGES);
    mmap_wrap_handle h = mapping_of(fd, flags);
    fill_first(h);
    if (before) reach(h);
    if (!is_surviving(h)) return;
    if (!before) reach(h);
    lose_and_use(h, fd);
}

static int64_t most_mappings(void) {
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    long long count = 1 << 30;
    if (file == NULL || fscanf(file, "%lld", &count) != 1) perror("vm.max_map_count");
    if (file != NULL) fclose(file);
    return count;
}

static void a_mapping_survives_at_every_limit_or_survive_fails(void) {
    for (limit = 0; limit < LIMITS; limit++) {
        if (limits[limit].reach == fill_the_mappings && most_mappings() >= 1 << 21) {
            skip("vm.max_map_count is %lld: too many to reach", (long long)most_mappings());
            continue;
        }
        for (flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++)
            for (int i = 0; i < (limit < LIMITS_THAT_CAN_COME_LATER ? 2 : 1); i++) {
                before = i == 0;
                LIVES(60, at_a_limit, "%s mapping %s %s", flags == MAP_SHARED ? "shared" : "private", limits[limit].name,
                      before ? "before the promise" : "after the promise");
            }
    }
}

/* A hundred mappings survive a loss at the limit: the reserve is not for one page only. */
static void hundred_at_a_limit(void) {
    enum { HUNDRED = 100 };
    mmap_wrap_handle h[HUNDRED];
    int fd = file_of(PAGES);
    for (int i = 0; i < HUNDRED; i++) {
        h[i] = mapping_of(fd, MAP_SHARED);
        if (!is_surviving(h[i])) return;
    }
    limits[limit].reach();
    CHECK(ftruncate(fd, 0) == 0);
    for (int i = 0; i < HUNDRED; i++)
        for (int j = 0; j < PAGES; j++) ((volatile char *)mmap_wrap_address(h[i]))[j * page] = 1;
    for (int i = 0; i < HUNDRED; i++) CHECK(munmap_wrap(h[i]) == MMAP_WRAP_E_FAULT);
}

static void a_hundred_mappings_survive_at_a_limit(void) {
    for (limit = 0; limit < LIMITS_WITH_A_RESERVE; limit++)
        if (limits[limit].reach != fill_the_mappings || most_mappings() < 1 << 21)
            LIVES(60, hundred_at_a_limit, "a hundred mappings %s", limits[limit].name);
}

/* -- While another thread resizes -- */

static mmap_wrap_handle resized;
static int64_t new_length, resize_flags;
static bool stop;

static void *keep_resizing(void *failures) {
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        int64_t result = mremap_wrap(resized, new_length, resize_flags, NULL, 0);
        if (result < 0) __atomic_add_fetch((int64_t *)failures, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void raw_accesses_during_a_resize(void) {
    int64_t failures = 0;
    int fd = file_of(64);
    for (double end = now() + 0.5; now() < end;) {
        /* It cannot grow in place: the addresses after it are in use. */
        char *room = mmap(NULL, (size_t)(65 * page), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(ftruncate(fd, 64 * page) == 0);
        resized = mmap_wrap(room, 64 * page, RW, MAP_SHARED | MAP_FIXED, fd, 0);
        if (!CHECK(resized > 0) || !is_surviving(resized)) return;
        pthread_t thread;
        stop = false;
        int64_t earlier = __atomic_load_n(&failures, __ATOMIC_SEQ_CST);
        pthread_create(&thread, NULL, keep_resizing, &failures);
        while (__atomic_load_n(&failures, __ATOMIC_SEQ_CST) == earlier) sched_yield();
        CHECK(ftruncate(fd, 0) == 0);
        for (int i = 63; i >= 0; i--) ((volatile char *)room)[i * page] = 1;
        __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
        pthread_join(thread, NULL);
        munmap_wrap(resized);
        munmap(room, (size_t)(65 * page));
    }
    CHECK(failures > 0);
}

static void raw_accesses_survive_while_a_resize_runs_and_fails(void) {
    for (int i = 0; i < 2; i++) {
        new_length = (i == 0 ? 128 : 64) * page; /* fails; changes nothing */
        resize_flags = 0;
        if (i == 1) new_length = INT64_MAX / 2 / page * page;
        LIVES(60, raw_accesses_during_a_resize, "raw accesses while mremap to %s fails", i == 0 ? "twice the length" : "more than addresses go");
    }
}

/* -- Two threads at the same lost page -- */

/* The handler scans all mappings. With many of them that takes long enough for the other thread to fault, too. */
enum { MEETING = 2, OTHERS = 10000 };
static volatile char *meeting_page;
static int64_t go, done, lost;

/* Spins for a moment: a barrier that sleeps would start one thread after the other. */
static void wait_until(const int64_t *word, int64_t number) {
    for (int i = 0; __atomic_load_n(word, __ATOMIC_SEQ_CST) < number; i++)
        if (i > 20000) sched_yield();
}

static void search_for_losses(int64_t which) {
    for (int j = 0; j < PAGES; j++)
        if (meeting_page[j * page + which * 64] != 1) __atomic_add_fetch(&lost, 1, __ATOMIC_SEQ_CST);
}

static void *write_own_byte(void *number) {
    int64_t which = (int64_t)(uintptr_t)number;
    for (int i = 1; i <= rounds; i++) {
        wait_until(&go, i);
        for (int j = 0; j < PAGES; j++) meeting_page[j * page + which * 64] = 1;
        search_for_losses(which);
        __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void two_threads_at_one_page(void) {
    pthread_t threads[MEETING];
    int fd = file_of(0);
    for (int i = 0; i < OTHERS; i++)
        if (mmap_wrap(NULL, page, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) < 0) abort();
    for (int i = 0; i < MEETING; i++) pthread_create(&threads[i], NULL, write_own_byte, (void *)(uintptr_t)i);
    for (int i = 1; i <= rounds; i++) {
        mmap_wrap_handle h = mapping_of(fd, MAP_SHARED);
        if (h < 0 || mmap_wrap_survive(h, 1) != 0) abort();
        meeting_page = mmap_wrap_address(h);
        __atomic_store_n(&go, i, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < i * MEETING) sched_yield();
        for (int64_t which = 0; which < MEETING; which++) search_for_losses(which);
        munmap_wrap(h);
    }
    for (int i = 0; i < MEETING; i++) pthread_join(threads[i], NULL);
    CHECK_IS(lost, 0);
}

static void stores_of_two_threads_to_a_lost_page_are_kept(void) {
    LIVES(600, two_threads_at_one_page, "two threads at one lost page, %d rounds of %d pages", rounds, PAGES);
}

/* A store to a page that can be read but not written loses it: write protection by userfaultfd raises SIGBUS. */
static void stores_to_a_read_only_page(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    volatile char *bytes = mmap_wrap_address(h);
    CHECK_IS(mmap_wrap_fill(h, 0, 'x', 2 * page), 2 * page);
    CHECK_IS(mmap_wrap_survive(h, 1), 0);
    int monitor = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_PAGEFAULT_FLAG_WP};
    struct uffdio_range range = {(uint64_t)(uintptr_t)bytes, (uint64_t)page};
    struct uffdio_register watched = {.range = range, .mode = UFFDIO_REGISTER_MODE_WP};
    struct uffdio_writeprotect protected = {.range = range, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    if (monitor < 0 || ioctl(monitor, REQUEST(UFFDIO_API), &api) != 0 || ioctl(monitor, REQUEST(UFFDIO_REGISTER), &watched) != 0 ||
        ioctl(monitor, REQUEST(UFFDIO_WRITEPROTECT), &protected) != 0) {
        skip("write protection by userfaultfd: %s", strerror(errno));
        return;
    }
    CHECK_IS(bytes[5], 'x');
    bytes[5] = 'y';
    CHECK_IS(bytes[5], 'y');
    CHECK_IS(mmap_wrap_check(h, 0, 1), MMAP_WRAP_E_FAULT);
    close(monitor);
}

static void a_store_to_a_read_only_page_survives(void) {
    LIVES(20, stores_to_a_read_only_page, "a store to a page that is write-protected by userfaultfd");
}

/* The handler finds a mapping while it is split, for any positions of the two parts in the table of handles. */
static mmap_wrap_handle whole;
static char *volatile tail;
static int turn, turns_done;

static void *touch_the_tail(void *unused) {
    for (int seen = 0;;) {
        int now = __atomic_load_n(&turn, __ATOMIC_SEQ_CST);
        if (now < 0) return unused;
        if (now == seen) continue;
        seen = now;
        for (volatile int i = 0; i < now * 37 % 2000; i++) {}
        (void)*(volatile char *)tail;
        __atomic_store_n(&turns_done, now, __ATOMIC_SEQ_CST);
    }
}

static void accesses_a_mapping_that_is_split(void) {
    enum { MANY = 20000 };
    static mmap_wrap_handle others[MANY];
    for (int i = 0; i < MANY; i++) others[i] = memory_of(page);
    for (int i = MANY - 1; i >= 0; i--) munmap_wrap(others[i]);
    pthread_t thread;
    pthread_create(&thread, NULL, touch_the_tail, NULL);
    int fd = file_of(2);
    for (int i = 1; i <= 1500; i++) {
        CHECK(ftruncate(fd, 2 * page) == 0);
        whole = mmap_wrap(NULL, 2 * page, RW, MAP_SHARED, fd, 0);
        CHECK_IS(mmap_wrap_survive(whole, 1), 0);
        tail = (char *)mmap_wrap_address(whole) + page;
        CHECK(ftruncate(fd, 0) == 0);
        __atomic_store_n(&turn, i, __ATOMIC_SEQ_CST);
        for (volatile int j = 0; j < i * 101 % 4000; j++) {}
        mmap_wrap_handle second = mmap_wrap_split(whole, page);
        while (__atomic_load_n(&turns_done, __ATOMIC_SEQ_CST) != i) sched_yield();
        if (second > 0) munmap_wrap(second);
        munmap_wrap(whole);
    }
    __atomic_store_n(&turn, -1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
}

static void a_raw_access_survives_while_its_mapping_is_split(void) {
    LIVES(60, accesses_a_mapping_that_is_split, "raw accesses while another thread splits the mapping");
}

/* A signal handler that uses the address interrupts the thread that changes the mapping. */
static char *volatile used_by_handler;
static volatile sig_atomic_t ticks, file_to_cut;

static void lose_in_handler(int signal) {
    (void)signal;
    if (ftruncate(file_to_cut, 0) != 0) _exit(7);
    ticks += *(volatile char *)used_by_handler + 1;
    if (ftruncate(file_to_cut, PAGES * page) != 0) _exit(7);
}

static void is_interrupted_in_a_change(void) {
    int fd = file_of(PAGES);
    mmap_wrap_handle h = mmap_wrap(NULL, 2 * page, RW, MAP_SHARED | MMAP_WRAP_KEEP, fd, 0);
    CHECK_IS(mmap_wrap_survive(h, 1), 0);
    used_by_handler = mmap_wrap_address(h);
    file_to_cut = fd;
    signal(SIGALRM, lose_in_handler);
    for (int i = 0; i < 3000; i++) {
        mmap(used_by_handler, 2 * (size_t)page, RW, MAP_SHARED | MAP_FIXED, fd, 0);
        struct itimerval soon = {{0, 0}, {0, 20 + i * 13 % 60}};
        int before = ticks;
        setitimer(ITIMER_REAL, &soon, NULL);
        for (int tries = 0; ticks == before && tries < 1000000; tries++) mremap_wrap(h, (1 + tries % 2) * page, 0, NULL, 0);
    }
    CHECK(ticks > 2000);
}

static void a_handler_that_interrupts_a_change_survives(void) {
    LIVES(60, is_interrupted_in_a_change, "a signal's handler uses the mapping that its thread resizes");
}

static int64_t send_the_signal_of_an_unaligned_access(const void *address) {
    siginfo_t info = {.si_signo = SIGBUS, .si_code = BUS_ADRALN, .si_addr = (void *)(uintptr_t)address};
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &info);
}

/* A handler that restores the default action, and returns: the call that sent the signal is over, and is not repeated. */
static void restore(int number) {
    signal(number, SIG_DFL);
}

static void sends_it_once(void) {
    signal(SIGBUS, restore);
    _exit(send_the_signal_of_an_unaligned_access(&page) == 0 ? 0 : 1);
}

/* The signal of an unaligned access, as the kernel would send it: a fresh page would not cure that, and lose the data. */
static void gets_the_signal_of_an_unaligned_access(void) {
    int fd = file_of(PAGES);
    CHECK(pwrite(fd, "data", 4, 0) == 4);
    mmap_wrap_handle h = mapping_of(fd, MAP_SHARED);
    CHECK_IS(mmap_wrap_survive(h, 1), 0);
    const char *bytes = mmap_wrap_address(h);
    CHECK_IS(send_the_signal_of_an_unaligned_access(bytes), 0);
    CHECK(memcmp(bytes, "data", 4) == 0);
    CHECK_IS(*mmap_wrap_loss_flag(h) & 1, 0);
    /* It was left to the default action, which would have ended the process with a real access. */
    struct sigaction now;
    CHECK(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
}

static void an_unaligned_access_is_no_loss(void) {
    if (!found_in_child(sends_it_once)) skip("a signal that is sent arrives more than once here (an emulator's error)");
    else in_child(gets_the_signal_of_an_unaligned_access);
}

int main(int argc, char **argv) {
    page = mmap_wrap_page_size();
    rounds = (int)argument_or(argc, argv, 2000);
    if (!faults_have_addresses()) return finish();
    if (patience() > 1) skip("vm.max_map_count: an emulated processor takes too long to reach it");
    else {
        RUN(a_mapping_survives_at_every_limit_or_survive_fails);
        RUN(a_hundred_mappings_survive_at_a_limit);
    }
    RUN(raw_accesses_survive_while_a_resize_runs_and_fails);
    RUN(stores_of_two_threads_to_a_lost_page_are_kept);
    RUN(a_store_to_a_read_only_page_survives);
    RUN(a_raw_access_survives_while_its_mapping_is_split);
    RUN(a_handler_that_interrupts_a_change_survives);
    RUN(an_unaligned_access_is_no_loss);
    unlink("faults_surviving");
    return finish();
}
