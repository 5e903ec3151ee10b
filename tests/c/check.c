#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifndef _WIN32
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#endif

/* SIGALRM ends a program in which a call waits indefinitely. Much longer than any test takes. */
enum { HANGS_AFTER = 120 /* seconds */ };

int patience(void) {
    const char *times = getenv("MMAP_WRAP_PATIENCE");
    return times == NULL ? 1 : atoi(times);
}

/* Shared with forked children, so that their checks count, too. */
struct tally {
    int64_t passed, failed, skipped, signals;
};
static struct tally *tally;
static const char *test_name;
static bool finished;

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

static void count(int64_t *counter) {
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* A program that ends by exit(0) before finish() has not passed. */
static void at_exit(void) {
    if (finished) return;
    fprintf(stderr, "%s: the program ended before finish()\n", test_name);
    _exit(2);
}

#ifdef _WIN32
#include "windows/check_system.inc"
#else
static void count_signal(int signal) {
    (void)signal;
    count(&tally->signals);
}

/* valgrind cannot grow the stack while a fault is repaired: so it is large before. */
static void grow_the_stack(void) {
    volatile char deep[1 << 18];
    for (size_t i = 0; i < sizeof deep; i += 1024) deep[i] = 0;
}

/* At the first use, the library allocates its table and the C library its streams: that is not a leak. */
static void start(void) {
    if (under_valgrind()) grow_the_stack();
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED) give_up("counters");
    struct sigaction action = {0};
    action.sa_handler = count_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, NULL); /* for hangs_in_an_emulator */
    atexit(at_exit);
    alarm((unsigned)(HANGS_AFTER * patience()));
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    munmap_wrap(memory_of(1));
    mmap_path_wrap("no such file", 1, PROT_READ, MAP_PRIVATE, 0);
    mmap_wrap_last_error_message();
    open_descriptors();
    mapped_bytes();
}
#define THREADS_KEEP_HANDLES false
#endif

void run(const char *name, void (*test)(void), bool counts_mapped_bytes) {
    if (tally == NULL) start();
    test_name = name;
    int64_t descriptors = open_descriptors(), bytes = mapped_bytes();
    test();
    if (counts_mapped_bytes || !THREADS_KEEP_HANDLES)
        check_is(open_descriptors(), descriptors, "check.c", __LINE__, "open descriptors after the test");
    if (counts_mapped_bytes && !under_valgrind())
        check_is(mapped_bytes(), bytes, "check.c", __LINE__, "mapped bytes after the test");
}

static void failed(const char *file, int line, const char *format, ...) {
    char what[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    count(&tally->failed);
    printf("FAILED %s:%d: %s: %s; last error: '%s'\n", file, line, test_name, what, mmap_wrap_last_error_message());
}

bool check(bool holds, const char *file, int line, const char *expression) {
    if (holds) count(&tally->passed);
    else failed(file, line, "not so: %s", expression);
    return holds;
}

bool check_is(int64_t actual, int64_t expected, const char *file, int line, const char *call) {
    if (actual == expected) count(&tally->passed);
    else failed(file, line, "%s is %" PRId64 ", expected %" PRId64, call, actual, expected);
    return actual == expected;
}

bool check_fails(int64_t actual, int64_t code, const char *text, const char *file, int line, const char *call) {
    if (!check_is(actual, code, file, line, call)) return false;
    bool matches = strstr(mmap_wrap_last_error_message(), text) != NULL;
    if (matches) count(&tally->passed);
    else failed(file, line, "the message of %s lacks '%s'", call, text);
    return matches;
}

bool check_null(const void *actual, const char *text, const char *file, int line, const char *call) {
    if (!check(actual == NULL, file, line, call)) return false;
    return check_fails(0, 0, text, file, line, call);
}

void skip(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (tally == NULL) start();
    count(&tally->skipped);
    printf("skipped%s%s: ", test_name == NULL ? "" : " ", test_name == NULL ? "" : test_name);
    vprintf(format, arguments);
    puts("");
    va_end(arguments);
}

#ifndef _WIN32
bool emulator_ended(int status) {
    bool ended = patience() > 1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP;
    if (ended) skip("the emulator had no memory left, and ended with SIGTRAP");
    return ended;
}

/* Whether the kernel can deliver a signal to the first thread of a process. */
static bool takes_signal(pid_t process, int signal) {
    FILE *status = fopen(text("/proc/%d/status", (int)process), "re");
    uint64_t blocked = UINT64_MAX;
    for (char line[256]; status != NULL && fgets(line, sizeof line, status) != NULL;)
        if (sscanf(line, "SigBlk: %" SCNx64, &blocked) == 1) break;
    if (status != NULL) fclose(status);
    return (blocked >> (signal - 1) & 1) == 0;
}

static bool has_ended(pid_t child) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == child;
}

/* A program that waits still handles signals that it does not block. Only an emulator that hangs does not. */
bool hangs_in_an_emulator(pid_t child) {
    int64_t before = __atomic_load_n(&tally->signals, __ATOMIC_SEQ_CST);
    if (!takes_signal(child, SIGUSR2) || kill(child, SIGUSR2) != 0) return false;
    for (int i = 0; i < 2000; i++) {
        usleep(10000);
        if (__atomic_load_n(&tally->signals, __ATOMIC_SEQ_CST) != before || has_ended(child)) return false;
    }
    skip("a process no longer handles a signal that it does not block: it hangs in an emulator");
    return true;
}

void in_child(void (*test)(void)) {
    in_child_killed_by(0, test);
}

void in_child_killed_by(int signal, void (*test)(void)) {
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) {
        alarm((unsigned)(HANGS_AFTER * patience()));
        test();
        fflush(stdout);
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) give_up("waitpid");
    if (emulator_ended(status)) return;
    check_is(WIFSIGNALED(status) ? WTERMSIG(status) : 0, signal, "check.c", __LINE__, "signal that killed the child");
    if (WIFEXITED(status)) check_is(WEXITSTATUS(status), 0, "check.c", __LINE__, "exit status of the child");
}

#endif

int finish(void) {
    finished = true;
    printf("tally %" PRId64 " %" PRId64 " %" PRId64 "\n", tally->passed, tally->failed, tally->skipped);
    return tally->failed == 0 && tally->passed + tally->skipped > 0 ? 0 : 1;
}

bool under_valgrind(void) {
    return getenv("UNDER_VALGRIND") != NULL;
}

bool has_loops(void) {
#if defined __x86_64__ || defined __aarch64__
    return true;
#else
    return false;
#endif
}

#ifndef _WIN32
bool takes_advice(int advice) {
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool taken = madvise(memory, size, advice) == 0;
    if (!taken) skip("this kernel or emulator does not support advice %d: %s", advice, strerror(errno));
    munmap(memory, size);
    return taken;
}

static int end_at_once(void *data) {
    (void)data;
    return 0;
}

bool processes_share_memory(void) {
    enum { STACK = 1 << 16 };
    static char stack[STACK] __attribute__((aligned(16)));
    pid_t child = clone(end_at_once, stack + STACK, CLONE_VM | CLONE_VFORK, NULL);
    if (child < 0) {
        skip("no child process shares its parent's memory here: %s", strerror(errno));
        return false;
    }
    while (waitpid(child, NULL, __WALL) < 0)
        if (errno != EINTR) give_up("waitpid");
    return true;
}

/* Runs look in a child, which reports its result as exit status. */
bool found_in_child(void (*look)(void)) {
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) look();
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) give_up("waitpid");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static volatile char *closed;

static void compare_address(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number, (void)context;
    _exit(info->si_addr == (void *)closed ? 0 : 1);
}

static void look_at_a_fault(void) {
    struct sigaction action = {0};
    action.sa_sigaction = compare_address;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    closed = (volatile char *)mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 5;
    *closed = 1;
    _exit(2);
}

bool faults_have_addresses(void) {
    bool have = found_in_child(look_at_a_fault);
    if (!have) skip("si_addr is not the address of a fault here (an error of an emulator)");
    return have;
}

static void reach_the_limit(void) {
    struct rlimit limit = {1 << 28, 1 << 28};
    _exit(setrlimit(RLIMIT_AS, &limit) == 0 &&
                  mmap(NULL, (size_t)1 << 29, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
              ? 0
              : 1);
}

bool address_space_has_a_limit(void) {
    bool has = found_in_child(reach_the_limit);
    if (!has) skip("RLIMIT_AS has no effect here (an emulator manages addresses itself)");
    return has;
}

int64_t open_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) give_up("/proc/self/fd");
    int64_t entries = 0;
    while (readdir(directory) != NULL) entries++;
    closedir(directory);
    return entries;
}

struct line {
    uintptr_t start, end;
    char file[512];
};

/* Returns the sum of a function over the lines of /proc/self/maps. Without memory of the C library, which could map or unmap
   memory during the count. */
static int64_t sum_over_maps(int64_t (*of)(const struct line *, const void *), const void *wanted) {
    static char bytes[1 << 16];
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (maps < 0) give_up("/proc/self/maps");
    char row[1024];
    size_t length = 0;
    int64_t sum = 0;
    for (ssize_t size; (size = read(maps, bytes, sizeof bytes)) > 0;) {
        for (ssize_t i = 0; i < size; i++) {
            if (bytes[i] != '\n') {
                if (length < sizeof row - 1) row[length++] = bytes[i];
                continue;
            }
            row[length] = '\0';
            length = 0;
            struct line line = {0, 0, ""};
            if (sscanf(row, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %*s %511[^\n]", &line.start, &line.end, line.file) < 2)
                give_up(row);
            sum += of(&line, wanted);
        }
    }
    close(maps);
    return sum;
}

/* Without heap and stack, which the C library grows. Bytes and not lines, since the kernel merges neighbours. */
static int64_t bytes_of_line(const struct line *line, const void *unused) {
    (void)unused;
    if (strcmp(line->file, "[heap]") == 0 || strcmp(line->file, "[stack]") == 0) return 0;
    return (int64_t)(line->end - line->start);
}

static int64_t names_file(const struct line *line, const void *file) {
    return strstr(line->file, file) != NULL;
}

int64_t mapped_bytes(void) {
    return sum_over_maps(bytes_of_line, NULL);
}

int64_t mappings_of(const char *file) {
    return sum_over_maps(names_file, file);
}

static int64_t holds_address(const struct line *line, const void *address) {
    return line->start <= (uintptr_t)address && (uintptr_t)address < line->end;
}

bool is_mapped(const void *address) {
    return sum_over_maps(holds_address, address) > 0;
}

mmap_wrap_handle truncated_mapping(void) {
    static char bytes[2 * 65536];
    const int64_t page = mmap_wrap_page_size();
    make_file("truncated", bytes, 2 * page);
    mmap_wrap_handle h = mmap_path_wrap("truncated", MMAP_WRAP_REST, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    CHECK(h > 0 && truncate("truncated", page) == 0);
    return h;
}
#define CLOSED_BY_EXEC "e"
#else
#define CLOSED_BY_EXEC ""
#endif

void make_file(const char *name, const void *bytes, int64_t size) {
    FILE *file = fopen(name, "wb" CLOSED_BY_EXEC);
    if (file == NULL || fwrite(bytes, 1, (size_t)size, file) != (size_t)size || fclose(file) != 0) give_up(name);
}

void read_file(const char *name, void *bytes, int64_t size) {
    FILE *file = fopen(name, "rb" CLOSED_BY_EXEC);
    if (file == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) give_up(name);
    fclose(file);
}

void scramble(unsigned char *bytes, int64_t size, uint32_t seed) {
    for (int64_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(seed >> 24);
    }
}

const char *text(const char *format, ...) {
    static __thread char texts[4][512];
    static __thread unsigned next;
    char *place = texts[next++ % 4];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place, sizeof texts[0], format, arguments);
    va_end(arguments);
    return place;
}

mmap_wrap_handle memory_of(int64_t bytes) {
    mmap_wrap_handle h = mmap_wrap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (h <= 0) {
        fprintf(stderr, "no memory to test with: %s\n", mmap_wrap_last_error_message());
        abort();
    }
    return h;
}

mmap_wrap_handle scrambled_memory(unsigned char *expected, int64_t size) {
    mmap_wrap_handle h = memory_of(size);
    scramble(expected, size, 11);
    CHECK_IS(mmap_wrap_write(h, 0, expected, size), size);
    return h;
}

bool contains(mmap_wrap_handle h, const unsigned char *expected, int64_t size) {
    unsigned char *seen = malloc((size_t)size + 1);
    if (seen == NULL) give_up("malloc");
    bool same = mmap_wrap_read(h, 0, seen, size) == size && memcmp(seen, expected, (size_t)size) == 0;
    free(seen);
    return same;
}

bool lacking(int64_t result) {
    if (result == MMAP_WRAP_E_UNSUPPORTED) skip("%s", mmap_wrap_last_error_message());
    return result == MMAP_WRAP_E_UNSUPPORTED;
}
