/*
 * The guarded loops against libc's functions, each called directly: no handle, no range check, no lease.
 *
 *     cd src/guarded/arch
 *     cat format.s aarch64.s | cc -c -x assembler - -o loops.o                                            (arm64)
 *     (echo .intel_syntax noprefix; cat format.s x86_64.s) | cc -c -x assembler - -o loops.o              (x86-64)
 *     cc -O2 ../../../benches/loops.c loops.o -o loops && ./loops [copy|alias|fill|equal|find]
 *
 * A row has libc's median in ns, and for each loop its ratio to libc: the median of the ratios of the rounds / the ratio of
 * the minima. Within a round the order is random, and each function runs once unmeasured before. The offsets are those of
 * the source and of the destination (of the two sides of a comparison) from a page's start.
 *
 * To compare with another state of the loops, give its object, too, after `objcopy --prefix-symbols=before_`, and -DBEFORE.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef size_t function(uintptr_t a, uintptr_t b, size_t size);

#ifdef __x86_64__
#define FUNCTIONS(X, prefix) X(prefix, copy_avx2) X(prefix, copy_sse2) X(prefix, fill_avx2) X(prefix, fill_sse2) X(prefix, equal)
#define ADDED(X, prefix) X(prefix, equal_avx2) X(prefix, find_byte_avx2) X(prefix, find_byte_sse2)
#else
#define FUNCTIONS(X, prefix) X(prefix, copy) X(prefix, fill) X(prefix, equal)
#define ADDED(X, prefix) X(prefix, find_byte)
#endif
#define DECLARE(prefix, name) function prefix##mmap_wrap_guarded_##name;
#define ENTRY(prefix, name) { #prefix #name, #name, prefix##mmap_wrap_guarded_##name },
FUNCTIONS(DECLARE,) ADDED(DECLARE,)
#ifdef BEFORE
FUNCTIONS(DECLARE, before_)
#endif

static const struct { const char *name, *kind; function *call; } loops[] = {
#ifdef BEFORE
    FUNCTIONS(ENTRY, before_)
#endif
    FUNCTIONS(ENTRY,) ADDED(ENTRY,)
};
enum { LOOPS = sizeof loops / sizeof *loops, ROUNDS = 301 };
static const struct { const char *kind; function *call; } libc[] = {
    { "copy", (function *)(void *)memcpy }, { "fill", (function *)(void *)memset }, { "equal", (function *)(void *)memcmp }, { "find", (function *)(void *)memchr },
};

static uint8_t *first, *second;
static double times[LOOPS + 1][ROUNDS];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, size_t count, double *least)
{
    static double sorted[ROUNDS];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, ascending);
    *least = sorted[0];
    return sorted[count / 2];
}

/* One row. */
static void row(const char *kind, size_t size, size_t from, size_t to)
{
    function *calls[LOOPS + 1];
    size_t count = 0;
    for (size_t i = 0; i < sizeof libc / sizeof *libc; i++) if (!strcmp(libc[i].kind, kind)) calls[count++] = libc[i].call;
    for (size_t i = 0; i < LOOPS; i++) if (!strncmp(loops[i].kind, kind, strlen(kind))) calls[count++] = loops[i].call;

    int copies = !strcmp(kind, "copy");
    uintptr_t a = (uintptr_t)(copies ? second + to : first + from);
    uintptr_t b = copies ? (uintptr_t)(first + from) : !strcmp(kind, "equal") ? (uintptr_t)(second + to) : !strcmp(kind, "find");
    size_t repeats = 1 + 20000 / (3 + size / 25), rounds = size < 1 << 22 ? ROUNDS : size < 1 << 25 ? 61 : 21;
    for (size_t round = 0; round < rounds; round++) {
        size_t order[LOOPS + 1];
        for (size_t i = 0; i < count; i++) order[i] = i;
        for (size_t i = count; i > 1; i--) {
            size_t j = (size_t)rand() % i, kept = order[j];
            order[j] = order[i - 1];
            order[i - 1] = kept;
        }
        for (size_t i = 0; i < count; i++) {
            function *call = calls[order[i]];
            call(a, b, size);
            double start = now();
            for (size_t n = 0; n < repeats; n++) {
                call(a, b, size);
                __asm__ volatile("" ::: "memory");
            }
            times[order[i]][round] = (now() - start) / (double)repeats;
        }
    }
    double least, libc_least;
    printf("%9zu %5zu %5zu %10.1f", size, from, to, median(times[0], rounds, &libc_least));
    for (size_t i = 1; i < count; i++) {
        static double ratios[ROUNDS];
        for (size_t round = 0; round < rounds; round++) ratios[round] = times[i][round] / times[0][round];
        median(times[i], rounds, &least);
        double middle = median(ratios, rounds, &(double){ 0 });
        printf("       %4.2f / %4.2f", middle, least / libc_least);
    }
    puts("");
    fflush(stdout);
}

static void heading(const char *kind)
{
    printf("%9s %5s %5s %10s", kind, "from", "to", "libc, ns");
    for (size_t i = 0; i < LOOPS; i++) if (!strncmp(loops[i].kind, kind, strlen(kind))) printf(" %17s", loops[i].name);
    puts("");
}

int main(int argc, char **argv)
{
    const size_t room = (size_t)65 << 20;
    uint8_t *memory = mmap(NULL, 2 * room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) { perror("mmap"); return 2; }
    first = memory, second = memory + room;
    static const size_t small[] = { 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 100, 128, 256, 512, 1024 };
    static const size_t large[] = { 4 << 10, 16 << 10, 64 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20 };
    static const size_t offsets[][2] = { { 0, 0 }, { 3, 0 }, { 0, 5 }, { 7, 70 } };
    static const char *const kinds[] = { "copy", "alias", "fill", "equal", "find" };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const char *kind = kinds[k];
        if (argc > 1 && strcmp(argv[1], kind)) continue;
        if (!strcmp(kind, "alias")) {
            /* The destination less than a block behind the source, modulo 4096. */
            heading("copy");
            for (size_t size = 1 << 20; size <= 4 << 20; size *= 2)
                for (size_t to = 33; to < 600; to += 33) row("copy", size, 0, to);
            continue;
        }
        /* Equal bytes, none of which is found. */
        memset(memory, 0, 2 * room);
        heading(kind);
        for (size_t i = 0; i < sizeof small / sizeof *small; i++) row(kind, small[i], 0, 0);
        for (size_t i = 0; i < sizeof large / sizeof *large; i++)
            for (size_t j = 0; j < (!strcmp(kind, "fill") ? 1 : 4); j++) row(kind, large[i], offsets[j][0], offsets[j][1]);
    }
    return 0;
}
