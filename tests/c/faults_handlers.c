/*
 * The library with other handlers of SIGBUS and SIGSEGV: its accesses return MMAP_WRAP_E_FAULT with any handlers, and
 * other signals reach the previous handlers, as without the library. Each case runs in a separate process.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE };
static int64_t page;

static void accesses_are_faults(void) {
    mmap_wrap_handle h = truncated_mapping();
    char bytes[16];
    for (int i = 0; i < 3; i++) {
        CHECK_FAILS(mmap_wrap_read(h, page - 3, bytes, 16), MMAP_WRAP_E_FAULT,
                    text("after 3 of 16 bytes: file offset %d lies beyond the %d bytes of the file", (int)page, (int)page));
        CHECK_IS(mmap_wrap_fault_done(), 3);
        CHECK(mmap_wrap_fault_address() == (char *)mmap_wrap_address(h) + page);
        CHECK_IS(mmap_wrap_write(h, page, "x", 1), MMAP_WRAP_E_FAULT);
        CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT);
        CHECK_IS(mmap_wrap_fault_done(), page);
        CHECK_IS(mmap_wrap_find(h, "nowhere", 7, 0, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT);
    }
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_IS(munmap_wrap(0), MMAP_WRAP_E_HANDLE);
    CHECK_IS(mmap_wrap_fault_done(), 0);
    CHECK(mmap_wrap_fault_address() == NULL);
}

/* The first access installs the library's handlers. */
static void library_first(void) {
    mmap_wrap_handle h = memory_of(1);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, 1), 1);
    CHECK_IS(munmap_wrap(h), 1);
}

/* What a handler of the program is called with. */
static volatile sig_atomic_t calls, blocked_usr1, blocked_itself;
static void *volatile seen_address;
static sigjmp_buf back;

static void read_the_mask(int signal) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    blocked_usr1 = sigismember(&mask, SIGUSR1);
    blocked_itself = sigismember(&mask, signal);
    calls++;
}

static void on_fault_with_info(int signal, siginfo_t *info, void *context) {
    (void)context;
    seen_address = info->si_addr;
    read_the_mask(signal);
    siglongjmp(back, 1);
}

static void on_fault(int signal) {
    read_the_mask(signal);
    siglongjmp(back, 1);
}

static void install(int flags) {
    struct sigaction own;
    memset(&own, 0, sizeof own);
    if (flags & SA_SIGINFO) own.sa_sigaction = on_fault_with_info;
    else own.sa_handler = on_fault;
    own.sa_flags = flags;
    sigaddset(&own.sa_mask, SIGUSR1);
    CHECK(sigaction(SIGSEGV, &own, NULL) == 0 && sigaction(SIGBUS, &own, NULL) == 0);
}

static volatile char *const nowhere = (volatile char *)16;

/* A fault of the program reaches its handler, with the requested mask, and the mask is restored. */
static void faults_of_the_program_reach_its_handler(int flags) {
    calls = 0;
    if (sigsetjmp(back, 1) == 0) *nowhere = 1;
    CHECK_IS(calls, 1);
    CHECK_IS(blocked_usr1, 1);
    CHECK_IS(blocked_itself, (flags & SA_NODEFER) == 0);
    if (flags & SA_SIGINFO && faults_have_addresses()) CHECK(seen_address == (void *)nowhere);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    CHECK(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGSEGV));
}

static const int flag_sets[] = {0, SA_SIGINFO, SA_SIGINFO | SA_NODEFER, SA_NODEFER, SA_SIGINFO | SA_ONSTACK};
static int flags_now;

static void own_handler_before(void) {
    install(flags_now);
    library_first();
    accesses_are_faults();
    faults_of_the_program_reach_its_handler(flags_now);
    CHECK_IS(mmap_wrap_verify_handlers(), has_loops());
    accesses_are_faults();
    faults_of_the_program_reach_its_handler(flags_now);
}

static void own_handler_after(void) {
    library_first();
    install(flags_now);
    CHECK_IS(mmap_wrap_verify_handlers(), 0);
    accesses_are_faults();
    faults_of_the_program_reach_its_handler(flags_now);
}

static void a_program_keeps_its_own_handlers(void) {
    for (size_t i = 0; i < sizeof flag_sets / sizeof *flag_sets; i++) {
        flags_now = flag_sets[i];
        in_child(own_handler_before);
        in_child(own_handler_after);
    }
}

static void count_and_return(int signal) {
    (void)signal;
    calls++;
    if (calls > 1) _exit(3);
}

static void a_handler_with_sa_resethand_is_called_once(void) {
    struct sigaction once;
    memset(&once, 0, sizeof once);
    once.sa_handler = count_and_return;
    once.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGSEGV, &once, NULL);
    library_first();
    calls = 0;
    *nowhere = 1; /* the handler returns, the same store faults again, and the default ends the process */
}

/* The program's handler passes on to the one it replaced: the library's. */
static struct sigaction replaced;

static void pass_on(int signal, siginfo_t *info, void *context) {
    calls++;
    if (calls > 5) _exit(3);
    replaced.sa_sigaction(signal, info, context);
}

static void handler_that_passes_on_to_the_library(void) {
    library_first();
    struct sigaction own;
    memset(&own, 0, sizeof own);
    own.sa_sigaction = pass_on;
    own.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &own, &replaced);
    CHECK_IS(mmap_wrap_verify_handlers(), 0);
    accesses_are_faults();
    *nowhere = 1;
}

static void null_access(void) {
    library_first();
    *nowhere = 1;
}

static void bus_error_elsewhere(void) {
    library_first();
    make_file("own", "x", 1);
    int fd = open("own", O_RDWR | O_CLOEXEC);
    char *own = mmap(NULL, (size_t)page, RW, MAP_SHARED, fd, 0);
    CHECK(ftruncate(fd, 0) == 0);
    own[0] = 1;
}

static void signal_from_kill_segv(void) {
    library_first();
    kill(getpid(), SIGSEGV);
    pause();
}

static void signal_from_raise_bus(void) {
    library_first();
    raise(SIGBUS);
}

static void signal_with_a_value(void) {
    library_first();
    union sigval value = {7};
    sigqueue(getpid(), SIGSEGV, value);
    pause();
}

static void a_crash_without_the_library_is_not_changed(void) {
    in_child_killed_by(SIGSEGV, null_access);
    in_child_killed_by(SIGBUS, bus_error_elsewhere);
    in_child_killed_by(SIGSEGV, signal_from_kill_segv);
    in_child_killed_by(SIGBUS, signal_from_raise_bus);
    in_child_killed_by(SIGSEGV, signal_with_a_value);
    in_child_killed_by(SIGSEGV, a_handler_with_sa_resethand_is_called_once);
    in_child_killed_by(SIGSEGV, handler_that_passes_on_to_the_library);
    unlink("own");
}

static void ignored_before(void) {
    signal(SIGSEGV, SIG_IGN);
    signal(SIGBUS, SIG_IGN);
    library_first();
    raise(SIGSEGV);
    raise(SIGBUS);
    accesses_are_faults();
    raise(SIGSEGV);
}

static void ignored_fault(void) {
    signal(SIGSEGV, SIG_IGN);
    library_first();
    *nowhere = 1;
}

static void ignored_after(void) {
    library_first();
    signal(SIGSEGV, SIG_IGN);
    signal(SIGBUS, SIG_IGN);
    CHECK_IS(mmap_wrap_verify_handlers(), 0);
    accesses_are_faults();
}

static void blocked(void) {
    library_first();
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    CHECK_IS(mmap_wrap_verify_handlers(), 0);
    accesses_are_faults();
}

static void *in_a_blocking_thread(void *unused) {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &both, NULL);
    accesses_are_faults();
    return unused;
}

static void blocked_in_one_thread(void) {
    pthread_t thread;
    library_first();
    pthread_create(&thread, NULL, in_a_blocking_thread, NULL);
    pthread_join(thread, NULL);
    accesses_are_faults();
}

static void accesses_are_faults_also_with_ignored_or_blocked_signals(void) {
    in_child(ignored_before);
    in_child(ignored_after);
    in_child_killed_by(SIGSEGV, ignored_fault); /* a fault cannot be ignored */
    in_child(blocked);
    in_child(blocked_in_one_thread);
}

/* The minimum of the kernel, and what the handler needs. */
static void on_a_small_stack(void) {
    size_t smallest = getauxval(AT_MINSIGSTKSZ);
    stack_t stack = {0};
    stack.ss_size = (smallest > (size_t)MINSIGSTKSZ ? smallest : (size_t)MINSIGSTKSZ) + 1024;
    stack.ss_sp = malloc(stack.ss_size);
    CHECK(sigaltstack(&stack, NULL) == 0);
    library_first();
    accesses_are_faults();
}

static void a_small_alternate_stack_is_enough(void) {
    in_child(on_a_small_stack);
}

static const char *copy_of_the_library(void) {
    static char name[] = "./second-copy.so";
    CHECK(system("cp ../../libmmap_wrap.so second-copy.so") == 0);
    return name;
}

/* Two copies are independent of each other; the last one has installed the handler. */
static void two_copies(void) {
    void *copy = dlopen(copy_of_the_library(), RTLD_NOW | RTLD_LOCAL);
    CHECK(copy != NULL);
    if (copy == NULL) return;
    int64_t (*map_path)(const char *, int64_t, int64_t, int64_t, int64_t) = NULL;
    int64_t (*read_bytes)(int64_t, int64_t, void *, int64_t) = NULL;
    *(void **)&map_path = dlsym(copy, "mmap_path_wrap");
    *(void **)&read_bytes = dlsym(copy, "mmap_wrap_read");
    library_first();
    int64_t other = map_path("truncated", 2 * page, RW, MAP_SHARED, 0);
    char byte;
    CHECK_IS(read_bytes(other, 0, &byte, 1), 1);
    for (int i = 0; i < 3; i++) {
        accesses_are_faults();
        CHECK_IS(read_bytes(other, page, &byte, 1), MMAP_WRAP_E_FAULT);
    }
}

static void two_copies_of_the_library_work_in_one_process(void) {
    CHECK_IS(munmap_wrap(truncated_mapping()), 1);
    in_child(two_copies);
    in_child_killed_by(SIGSEGV, null_access);
    unlink("second-copy.so");
}

/* Threads copy while another truncates the file and grows it again: each copy is complete or a fault. Then the same in a child. */
static mmap_wrap_handle contested;
static bool over;

static void *copy_all_the_time(void *faults) {
    static __thread char bytes[8 * 65536];
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        int64_t result = mmap_wrap_read(contested, 0, bytes, 8 * page);
        if (result == MMAP_WRAP_E_FAULT) __atomic_add_fetch((int64_t *)faults, 1, __ATOMIC_RELAXED);
        else CHECK(result == 8 * page);
    }
    return NULL;
}

static void with_a_truncator(void) {
    static char bytes[8 * 65536];
    pthread_t threads[4];
    int64_t faults = 0;
    make_file("contested", bytes, 8 * page);
    contested = mmap_path_wrap("contested", MMAP_WRAP_REST, PROT_READ, MAP_SHARED, 0);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, copy_all_the_time, &faults);
    for (int i = 0; i < 3000; i++) CHECK(truncate("contested", i % 2 ? 8 * page : 3 * page) == 0);
    CHECK(truncate("contested", page) == 0);
    while (__atomic_load_n(&faults, __ATOMIC_RELAXED) < 100) usleep(1000);
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    CHECK_IS(munmap_wrap(contested), 1);
    accesses_are_faults();
    unlink("contested");
}

static void copies_during_truncations_succeed_or_fault(void) {
    in_child(with_a_truncator);
}

static void trusted(void) {
    mmap_wrap_trust_handlers(1);
    accesses_are_faults();
    mmap_wrap_trust_handlers(0);
    install(SA_SIGINFO);
    accesses_are_faults();
}

static void trusted_without_handlers(void) {
    library_first();
    CHECK_IS(mmap_wrap_trust_handlers(1), 0);
    signal(SIGBUS, SIG_DFL);
    accesses_are_faults();
}

static void trusted_handlers_are_not_verified(void) {
    in_child(trusted);
    if (has_loops()) in_child_killed_by(SIGBUS, trusted_without_handlers);
}

static void view_that_survives(void) {
    mmap_wrap_handle h = truncated_mapping();
    CHECK_IS(mmap_wrap_survive(h, 1), 0);
    const volatile uint32_t *loss = mmap_wrap_loss_flag(h);
    volatile char *bytes = mmap_wrap_acquire(h);
    CHECK(loss != NULL && (*loss & 1) == 0);
    CHECK_IS(bytes[page], 0);
    CHECK((*loss & 1) == 1);
    /* Querying the length or the address does not report it; the next access does. */
    CHECK_IS(mmap_wrap_length(h), 2 * page);
    CHECK(mmap_wrap_acquire(h) == bytes);
    CHECK_IS(mmap_wrap_release(h), 1);
    CHECK((*loss & 1) == 1);
    CHECK_FAILS(mmap_wrap_read(h, 0, NULL, 0), MMAP_WRAP_E_FAULT, "a page of the mapping was lost");
    CHECK((*loss & 1) == 0);
    bytes[page] = 'n'; /* the new page is private to the process */
    CHECK_IS(mmap_wrap_find(h, "n", 1, 0, MMAP_WRAP_REST), page);
    CHECK_IS(mmap_wrap_release(h), 0);
    CHECK_IS(munmap_wrap(h), 1);

    h = truncated_mapping();
    CHECK_IS(mmap_wrap_survive(h, 1), 0);
    bytes = mmap_wrap_address(h);
    bytes[page] = 1;
    CHECK_FAILS(munmap_wrap(h), MMAP_WRAP_E_FAULT, "munmap_wrap: a page of the mapping was lost");
    CHECK_IS(munmap_wrap(h), 0);
    CHECK(mmap_wrap_loss_flag(h) == NULL);
    CHECK_IS(mmap_wrap_survive(h, 1), MMAP_WRAP_E_UNMAPPED);
}

static void survival_with_other_handlers(void) {
    library_first();
    /* Where accesses need no handlers, the first survivor brings them. */
    mmap_wrap_handle first = memory_of(1);
    CHECK_IS(mmap_wrap_survive(first, 1), 0);
    CHECK_IS(munmap_wrap(first), 1);
    install(SA_SIGINFO);
    mmap_wrap_handle h = truncated_mapping();
    CHECK_FAILS(mmap_wrap_survive(h, 1), MMAP_WRAP_E_UNSUPPORTED, "surviving SIGBUS");
    calls = 0;
    if (sigsetjmp(back, 1) == 0) ((volatile char *)mmap_wrap_address(h))[page] = 1;
    CHECK_IS(calls, 1);
    CHECK_IS(munmap_wrap(h), 1);
}

static void survival_switched_off(void) {
    mmap_wrap_handle h = truncated_mapping();
    CHECK_IS(mmap_wrap_survive(h, 1), 0);
    CHECK_IS(mmap_wrap_survive(h, 0), 0);
    ((volatile char *)mmap_wrap_address(h))[page] = 1;
}

static void a_view_survives_and_its_loss_is_reported_once(void) {
    if (!faults_have_addresses()) return;
    in_child(view_that_survives);
    in_child(survival_with_other_handlers);
    in_child_killed_by(SIGBUS, survival_switched_off);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(a_program_keeps_its_own_handlers);
    RUN(a_crash_without_the_library_is_not_changed);
    RUN(accesses_are_faults_also_with_ignored_or_blocked_signals);
    RUN(a_small_alternate_stack_is_enough);
    RUN(two_copies_of_the_library_work_in_one_process);
    RUN(copies_during_truncations_succeed_or_fault);
    RUN(trusted_handlers_are_not_verified);
    RUN(a_view_survives_and_its_loss_is_reported_once);
    unlink("truncated");
    return finish();
}
