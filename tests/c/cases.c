#define _GNU_SOURCE
#include "cases.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double argument_or(int argc, char **argv, double otherwise) {
    return argc > 1 ? atof(argv[1]) : otherwise;
}

static bool ended_within(pid_t child, double seconds, int *status) {
    double end = now() + seconds;
    useconds_t pause = 100;
    for (;;) {
        pid_t ended = waitpid(child, status, WNOHANG);
        if (ended == child) return true;
        if (ended < 0 && errno != EINTR) return false;
        if (now() > end) return false;
        usleep(pause);
        if (pause < 5000) pause *= 2;
    }
}

bool ended_in_time(pid_t child, double seconds, int *status) {
    bool emulators = false;
    for (int i = 0; i < patience() && !emulators; i++) {
        if (ended_within(child, seconds, status)) return true;
        emulators = hangs_in_an_emulator(child);
    }
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    while (waitpid(child, status, 0) < 0 && errno == EINTR) continue;
    if (emulators) *status = 0;
    return emulators;
}

void go_on(double seconds, bool (*was_put_to_the_test)(void)) {
    usleep((useconds_t)(seconds * 1e6));
    while (!was_put_to_the_test()) usleep(1000);
}

const char *case_name = "";

bool lives(const char *file, int line, int seconds, void (*test)(void), const char *name) {
    /* Longer than the case may take: the alarm of this program is for code outside of cases. */
    alarm((unsigned)((seconds + 120) * patience()));
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) return check(false, file, line, text("%s: fork: %s", name, strerror(errno)));
    if (child == 0) {
        setpgid(0, 0);
        case_name = strdup(name);
        alarm(0);
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        test();
        fflush(stdout);
        _exit(0);
    }
    setpgid(child, child);
    int status = 0;
    if (!ended_in_time(child, seconds, &status)) return check(false, file, line, text("%s: ends within %d s", name, seconds * patience()));
    if (emulator_ended(status)) return true;
    if (WIFSIGNALED(status))
        return check(false, file, line, text("%s: is not killed (signal %d, %s)", name, WTERMSIG(status), strsignal(WTERMSIG(status))));
    int code = WEXITSTATUS(status);
    const char *meaning = code == 70 ? ": a foreign handler was called again and again" : "";
    return check(code == 0, file, line, text("%s: ends with status 0 (it is %d%s)", name, code, meaning));
}

const char *const situation_names[SITUATIONS] = {
    "handlers ours", "handlers ours over others", "SIGSEGV foreign", "SIGBUS foreign",
    "both foreign",  "both blocked",              "all blocked",
};

static int64_t calls;

static void count_and_return(int signal) {
    (void)signal;
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) >= 50) _exit(70);
}

int64_t foreign_calls(void) {
    return __atomic_load_n(&calls, __ATOMIC_SEQ_CST);
}

static void install(int signal) {
    struct sigaction own;
    memset(&own, 0, sizeof own);
    own.sa_handler = count_and_return;
    sigaction(signal, &own, NULL);
}

/* The first access installs the library's handlers. */
static void library_first(void) {
    mmap_wrap_handle h = memory_of(1);
    mmap_wrap_fill(h, 0, 1, 1);
    munmap_wrap(h);
}

void take_situation(enum situation situation) {
    if (situation == OVER_FOREIGN) {
        install(SIGSEGV);
        install(SIGBUS);
    }
    if (situation == SEGV_FOREIGN || situation == BUS_FOREIGN || situation == BOTH_FOREIGN) library_first();
    if (situation == SEGV_FOREIGN || situation == BOTH_FOREIGN) install(SIGSEGV);
    if (situation == BUS_FOREIGN || situation == BOTH_FOREIGN) install(SIGBUS);
}

void enter_situation(enum situation situation) {
    sigset_t blocked;
    sigemptyset(&blocked);
    if (situation == BOTH_BLOCKED) {
        sigaddset(&blocked, SIGSEGV);
        sigaddset(&blocked, SIGBUS);
    }
    if (situation == ALL_BLOCKED) sigfillset(&blocked);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    verify_handlers();
}

bool repaired_in(enum situation situation) {
    return has_loops() && (situation == OURS || situation == OVER_FOREIGN);
}

int64_t verify_handlers(void) {
    int64_t (*verify)(void);
    *(void **)&verify = dlsym(RTLD_DEFAULT, "mmap_wrap_verify_handlers");
    return verify == NULL ? -1 : verify();
}
