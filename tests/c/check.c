#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A call that waits for ever must not keep the run waiting: SIGALRM ends the program. Far longer than any test takes. */
enum { HANGS_AFTER = 120 /* seconds */ };

/* Shared with forked children, so that their checks count, too. */
struct tally {
    int64_t passed, failed, skipped;
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

/* valgrind cannot make the stack larger in the middle of a fault that is repaired: it is large before. */
static void grow_the_stack(void) {
    volatile char deep[1 << 18];
    for (size_t i = 0; i < sizeof deep; i += 1024) deep[i] = 0;
}

/* The library takes memory for its table and the C library for its streams at the first use: that is no leak. */
static void start(void) {
    if (under_valgrind()) grow_the_stack();
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED) give_up("counters");
    atexit(at_exit);
    alarm(HANGS_AFTER);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    munmap_wrap(memory_of(1));
    mmap_path_wrap("no such file", 1, PROT_READ, MAP_PRIVATE, 0);
    mmap_wrap_last_error_message();
    open_descriptors();
    mapped_bytes();
}

void run(const char *name, void (*test)(void), bool counts_mapped_bytes) {
    if (tally == NULL) start();
    test_name = name;
    int64_t descriptors = open_descriptors(), bytes = mapped_bytes();
    test();
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
    bool told = strstr(mmap_wrap_last_error_message(), text) != NULL;
    if (told) count(&tally->passed);
    else failed(file, line, "the message of %s lacks '%s'", call, text);
    return told;
}

bool check_null(const void *actual, const char *text, const char *file, int line, const char *call) {
    if (!check(actual == NULL, file, line, call)) return false;
    return check_fails(0, 0, text, file, line, call);
}

void skip(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    count(&tally->skipped);
    printf("skipped %s: ", test_name);
    vprintf(format, arguments);
    puts("");
    va_end(arguments);
}

void in_child(void (*test)(void)) {
    in_child_killed_by(0, test);
}

void in_child_killed_by(int signal, void (*test)(void)) {
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) {
        alarm(HANGS_AFTER);
        test();
        fflush(stdout);
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) give_up("waitpid");
    check_is(WIFSIGNALED(status) ? WTERMSIG(status) : 0, signal, "check.c", __LINE__, "signal that killed the child");
    if (WIFEXITED(status)) check_is(WEXITSTATUS(status), 0, "check.c", __LINE__, "exit status of the child");
}

int finish(void) {
    finished = true;
    printf("tally %" PRId64 " %" PRId64 " %" PRId64 "\n", tally->passed, tally->failed, tally->skipped);
    return tally->failed == 0 && tally->passed > 0 ? 0 : 1;
}

bool under_valgrind(void) {
    return getenv("UNDER_VALGRIND") != NULL;
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

/* Goes through /proc/self/maps; what is asked of each line is added up. */
static int64_t sum_over_maps(int64_t (*of)(const struct line *, const void *), const void *wanted) {
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL) give_up("/proc/self/maps");
    char row[1024];
    int64_t sum = 0;
    while (fgets(row, sizeof row, maps) != NULL) {
        struct line line = {0, 0, ""};
        if (sscanf(row, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %*s %511[^\n]", &line.start, &line.end, line.file) < 2)
            give_up(row);
        sum += of(&line, wanted);
    }
    fclose(maps);
    return sum;
}

/* The heap and the stack grow as the C library likes. Bytes and not lines: the kernel merges neighbours. */
static int64_t bytes_of_line(const struct line *line, const void *unused) {
    (void)unused;
    if (strcmp(line->file, "[heap]") == 0 || strcmp(line->file, "[stack]") == 0) return 0;
    return (int64_t)(line->end - line->start);
}

static int64_t names_file(const struct line *line, const void *file) {
    return strstr(line->file, file) != NULL;
}

static int64_t holds_address(const struct line *line, const void *address) {
    return line->start <= (uintptr_t)address && (uintptr_t)address < line->end;
}

int64_t mapped_bytes(void) {
    return sum_over_maps(bytes_of_line, NULL);
}

int64_t mappings_of(const char *file) {
    return sum_over_maps(names_file, file);
}

bool is_mapped(const void *address) {
    return sum_over_maps(holds_address, address) > 0;
}

void make_file(const char *name, const void *bytes, int64_t size) {
    FILE *file = fopen(name, "wbe");
    if (file == NULL || fwrite(bytes, 1, (size_t)size, file) != (size_t)size || fclose(file) != 0) give_up(name);
}

void read_file(const char *name, void *bytes, int64_t size) {
    FILE *file = fopen(name, "rbe");
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
