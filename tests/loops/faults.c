/*
 * The fault matrix of the guarded loops, alone: without the library, so that a cross compiler and an emulator are enough.
 *
 *     cd src/guarded/arch
 *     cat format.s aarch64.s | cc -c -x assembler - -o loops.o                                            (arm64)
 *     (echo .intel_syntax noprefix; cat format.s x86_64.s) | cc -c -x assembler - -o loops.o              (x86-64)
 *     cc ../../../tests/loops/faults.c loops.o -o faults && ./faults
 *
 * A wall of PROT_NONE stands in memory, and every loop is run up to it, into it and out of it, on every side. Counts and
 * contents are checked to the byte. The last line says how many cases passed; the status is not 0 if one failed.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

typedef struct { size_t left, address; } outcome;
typedef struct { size_t before, found; } place;
typedef outcome copy_loop(void *to, const void *from, size_t size);
typedef outcome fill_loop(void *to, uint8_t byte, size_t size);
typedef size_t equal_loop(const void *first, const void *second, size_t size);
typedef place find_loop(const void *from, uint8_t byte, size_t size);

#define LABEL(name) extern const char mmap_wrap_guarded_##name[];
#define RANGE(begin, end, fixup) { mmap_wrap_guarded_##begin, mmap_wrap_guarded_##end, mmap_wrap_guarded_##fixup },
#if defined(__x86_64__)
#define PC(context) (context)->uc_mcontext.gregs[REG_RIP]
#define ADDRESS(context) (context)->uc_mcontext.gregs[REG_R10]
#define RANGES(X) \
    X(copy_avx2_begin, copy_avx2_end, copy_avx2_end) X(copy_sse2_begin, copy_sse2_end, copy_sse2_end) \
    X(fill_avx2_begin, fill_avx2_end, fill_avx2_end) X(fill_sse2_begin, fill_sse2_end, fill_sse2_end) \
    X(equal_avx2_begin, equal_avx2_end, equal_avx2_end) X(equal_begin, equal_end, equal_end) \
    X(find_byte_avx2_begin, find_byte_avx2_end, find_byte_avx2_end) \
    X(find_byte_sse2_begin, find_byte_sse2_end, find_byte_sse2_end)
#define EACH(X) X(copy_avx2, fill_avx2, equal_avx2, find_byte_avx2) X(copy_sse2, fill_sse2, equal, find_byte_sse2)
#elif defined(__aarch64__)
#define PC(context) (context)->uc_mcontext.pc
#define ADDRESS(context) (context)->uc_mcontext.regs[10]
#define RANGES(X) \
    X(copy_begin, copy_end, copy_rest) X(fill_begin, fill_end, fill_rest) X(equal_begin, equal_end, equal_end) \
    X(find_byte_begin, find_byte_end, find_byte_rest)
#define EACH(X) X(copy, fill, equal, find_byte)
#else
#error "there are no loops for this processor"
#endif
#define RESTS(X) \
    X(copy_rest, copy_rest_end, stop) X(fill_rest, fill_rest_end, stop) \
    X(find_byte_rest, find_byte_rest_end, find_byte_rest_end)

#define BOTH(begin, end, fixup) LABEL(begin) LABEL(end)
RANGES(BOTH) RESTS(BOTH)
LABEL(stop)
#define DECLARE(copy, fill, equal, find) \
    copy_loop mmap_wrap_guarded_##copy; fill_loop mmap_wrap_guarded_##fill; \
    equal_loop mmap_wrap_guarded_##equal; find_loop mmap_wrap_guarded_##find;
EACH(DECLARE)

static const struct { const char *begin, *end, *fixup; } table[] = { RANGES(RANGE) RESTS(RANGE) };
static const struct loops {
    const char *name; copy_loop *copy; fill_loop *fill; equal_loop *equal; find_loop *find;
} all[] = {
#define ENTRY(copy, fill, equal, find) \
    { #copy, mmap_wrap_guarded_##copy, mmap_wrap_guarded_##fill, mmap_wrap_guarded_##equal, mmap_wrap_guarded_##find },
    EACH(ENTRY)
};

static void on_fault(int signal, siginfo_t *info, void *context)
{
    uintptr_t pc = PC((ucontext_t *)context);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (pc >= (uintptr_t)table[i].begin && pc < (uintptr_t)table[i].end) {
            PC((ucontext_t *)context) = (uintptr_t)table[i].fixup;
            ADDRESS((ucontext_t *)context) = (uintptr_t)info->si_addr;
            return;
        }
    psiginfo(info, "a fault outside the loops");
    _exit(signal);
}

enum { ROOM = 65536, LONGEST = 700, MARGIN = 64 };
static unsigned long passed, failed;
static char what[200];

static void check(int holds, const char *condition, int line)
{
    if (holds) { passed++; return; }
    if (failed++ < 20) fprintf(stderr, "%d: %s, %s\n", line, what, condition);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static int all_are(const uint8_t *bytes, size_t size, uint8_t byte)
{
    for (size_t i = 0; i < size; i++) if (bytes[i] != byte) return 0;
    return 1;
}

/* Memory, a wall, and memory again. */
static uint8_t *walled(void)
{
    uint8_t *memory = mmap(NULL, 3 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + ROOM, ROOM, PROT_NONE)) { perror("mmap"); exit(2); }
    return memory + ROOM;
}

/* Registers and the address of the fault both say what is left; under valgrind the registers are one too far. */
static size_t left(outcome outcome, const uint8_t *start, size_t size)
{
    size_t by_address = size - (outcome.address - (uintptr_t)start);
    return outcome.left == 0 || by_address > size || by_address < outcome.left ? outcome.left : by_address;
}

static uint8_t *wall, *other_wall, text[ROOM], room[ROOM];

/* before: bytes up to the wall; size: bytes asked for. */
static void cases(const struct loops *loops, size_t size, size_t before, size_t alignment)
{
    size_t done = before < size ? before : size;
    uint8_t *start = wall - before, *there = room + MARGIN + alignment;
    outcome outcome;
    place found;
    snprintf(what, sizeof what, "%s and its like, %zu bytes, %zu before the wall, alignment %zu", loops->name, size, before, alignment);

    memcpy(start, text, before);
    memset(room, 0x11, LONGEST + 3 * MARGIN);
    outcome = loops->copy(there, start, size);
    CHECK(left(outcome, start, size) == size - done);
    CHECK(done == size || outcome.address == (uintptr_t)wall);
    CHECK(!memcmp(there, text, done));
    CHECK(all_are(room, MARGIN + alignment, 0x11) && all_are(there + done, LONGEST - done + MARGIN, 0x11));

    memset(start - MARGIN, 0x22, before + MARGIN);
    outcome = loops->copy(start, text + alignment, size);
    CHECK(left(outcome, start, size) == size - done);
    CHECK(done == size || outcome.address == (uintptr_t)wall);
    CHECK(!memcmp(start, text + alignment, done));
    CHECK(all_are(start - MARGIN, MARGIN, 0x22) && all_are(start + done, before - done, 0x22));

    memset(start - MARGIN, 0x22, before + MARGIN);
    outcome = loops->fill(start, 0x80 | alignment, size);
    CHECK(left(outcome, start, size) == size - done);
    CHECK(all_are(start, done, 0x80 | alignment));
    CHECK(all_are(start - MARGIN, MARGIN, 0x22) && all_are(start + done, before - done, 0x22));

    memset(start - MARGIN, 'x', before + MARGIN);
    memset(start, 0, before);
    found = loops->find(start, 'x', size);
    CHECK(found.before == done && found.found == 0);
    size_t places[] = { 0, 1, done / 3, done / 2, done - 2, done - 1 };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i] >= done) continue;
        memset(start + places[i], 'x', before - places[i]);
        found = loops->find(start, 'x', size);
        CHECK(found.before == places[i] && found.found == 1);
        found = loops->find(start, 'x', places[i]);
        CHECK(found.before == places[i] && found.found == 0);
        memset(start + places[i], 0, before - places[i]);
    }

    /* In whole vectors: never beyond, and less than four vectors short. Either side has the wall. */
    uint8_t *other = other_wall - before;
    memcpy(start, text, before);
    memcpy(other, text, before);
    memcpy(room + alignment, text, LONGEST);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t difference = places[i] < done ? places[i] : done;
        if (difference < done) start[difference] ^= 0xFF;
        size_t answers[] = {
            loops->equal(start, room + alignment, size), loops->equal(room + alignment, start, size),
            loops->equal(start, other, size), loops->equal(other, start, size),
        };
        for (size_t j = 0; j < sizeof answers / sizeof *answers; j++)
            CHECK(answers[j] <= difference && answers[j] + 4 * 32 > difference);
        if (difference < done) start[difference] ^= 0xFF;
    }
}

/* The first bytes are in the wall, so that nothing is done, and nothing behind it is touched. */
static void cases_from_the_wall(const struct loops *loops, size_t size, size_t behind)
{
    uint8_t *start = wall + ROOM - (size - behind);
    place found;
    snprintf(what, sizeof what, "%s and its like, %zu bytes, %zu of them behind the wall", loops->name, size, behind);
    memset(wall + ROOM, 0x22, LONGEST);
    memset(room, 0x11, LONGEST + 3 * MARGIN);
    CHECK(left(loops->copy(start, text, size), start, size) == size);
    CHECK(left(loops->fill(start, 0x33, size), start, size) == size);
    CHECK(all_are(wall + ROOM, LONGEST, 0x22));
    CHECK(left(loops->copy(room + MARGIN, start, size), start, size) == size);
    CHECK(all_are(room, LONGEST + 2 * MARGIN, 0x11));
    CHECK(loops->equal(start, room, size) == 0 && loops->equal(room, start, size) == 0);
    found = loops->find(start, 0x22, size);
    CHECK(found.before == 0 && found.found == 0);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    wall = walled();
    other_wall = walled();
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t l = 0; l < sizeof all / sizeof *all; l++)
        for (size_t size = 0; size <= LONGEST; size += size < 140 ? 1 : 41)
            for (size_t before = 0; before <= size + 3; before += before < 20 || before + 20 > size ? 1 : 23)
                for (size_t alignment = 0; alignment < 40; alignment += alignment < 3 ? 1 : 9)
                    cases(&all[l], size, before, alignment);
    for (size_t l = 0; l < sizeof all / sizeof *all; l++)
        for (size_t size = 1; size <= LONGEST; size += size < 140 ? 1 : 41)
            for (size_t behind = 0; behind < size; behind += behind < 20 || behind + 20 > size ? 1 : 23)
                cases_from_the_wall(&all[l], size, behind);
    printf("%lu passed, %lu failed\n", passed, failed);
    return failed != 0;
}
