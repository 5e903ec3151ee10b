/*
 * Accessors leave no copies of a secret in the memory of the process, including the stack below the caller, except in the
 * mapping and the caller's buffer.
 */
#define _GNU_SOURCE
#include "accessors.h"
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, TOKEN = 32, FOUND = 16, MOST = 8 * 65536 };
static int64_t page;
static enum situation situation;
static int which;
static bool truly_secret;

/* The test never stores the whole token. It consists of letters, so that no needle of the accessors occurs in it. */
static unsigned char masked[TOKEN];
static unsigned char letter(int i) {
    return masked[i % TOKEN] ^ 0x55;
}

static void choose_token(void) {
    if (getrandom(masked, sizeof masked, 0) != sizeof masked) abort();
    for (int i = 0; i < TOKEN; i++) masked[i] = (unsigned char)('A' + masked[i] % 26) ^ 0x55;
}

/* Through the address, a byte at a time: no other memory of this process ever contains two of its bytes. */
static void put_token(mmap_wrap_handle h, int64_t size) {
    volatile unsigned char *bytes = mmap_wrap_address(h);
    for (int64_t i = 0; i < size; i++) bytes[i] = letter((int)(i % TOKEN));
}

struct range {
    uintptr_t start, end;
};
static struct range skipped[3];

/* Half a token, from its start or its middle, is enough: a vector register holds no more. */
static bool is_there(const volatile unsigned char *p) {
    for (int phase = 0; phase < TOKEN; phase += FOUND) {
        int i = 0;
        while (i < FOUND && (p[i] ^ 0x55) == masked[phase + i]) i++;
        if (i == FOUND) return true;
    }
    return false;
}

/* Clears the vector registers that a call may leave secrets in, since the caller saves them. On arm64 the next function with
   variable arguments would store all of them on the stack. */
static void forget_vectors(void) {
#ifdef __aarch64__
    __asm__ volatile("movi v0.2d, #0; movi v1.2d, #0; movi v2.2d, #0; movi v3.2d, #0; movi v4.2d, #0; movi v5.2d, #0;"
                     "movi v6.2d, #0; movi v7.2d, #0" ::: "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7");
#endif
}

/* The mapping in which a copy is left, such as "[stack]", "[heap]" or a file's name; empty for none. */
static const char *left_behind(void) {
    static struct {
        uintptr_t start, end;
        char name[128];
    } lines[1024];
    int count = 0;
    char protection[8];
    /* Without memory of the C library, which could unmap it during the search. */
    static char maps[1 << 17];
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    for (ssize_t more = 1; more > 0 && size < sizeof maps - 1; size += more > 0 ? (size_t)more : 0)
        more = read(fd, maps + size, sizeof maps - 1 - size);
    close(fd);
    maps[size] = 0;
    for (char *row = strtok(maps, "\n"); count < 1024 && row != NULL; row = strtok(NULL, "\n")) {
        lines[count].name[0] = 0;
        sscanf(row, "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %*s %127[^\n]", &lines[count].start, &lines[count].end, protection,
               lines[count].name);
        if (protection[0] == 'r' && protection[1] == 'w') count++;
    }
    for (int i = 0; i < count; i++) {
        for (uintptr_t at = lines[i].start; at + FOUND <= lines[i].end; at++) {
            for (int j = 0; j < 3; j++)
                if (skipped[j].start <= at && at < skipped[j].end) {
                    at = skipped[j].end;
                    j = -1; /* one may follow another */
                }
            if (at + FOUND > lines[i].end) break;
            if (is_there((const volatile unsigned char *)at))
                return text("%s, %ld bytes from its end", lines[i].name[0] ? lines[i].name : "memory without a name",
                            (long)(lines[i].end - at));
        }
    }
    return "";
}

static mmap_wrap_handle secret_of(int64_t size) {
    return truly_secret ? mmap_secret_wrap(size, RW) : memory_of(size);
}

static void forget(volatile unsigned char *buffer, int64_t size) {
    for (int64_t i = 0; i < size; i++) buffer[i] = 0;
}

static void leaves_nothing(void) {
    const int64_t size = 4 * page;
    static const int64_t sizes[] = {16, 40, 1000, 8192, 0};
    take_situation(situation);
    choose_token();
    mmap_wrap_handle h = secret_of(size), other = secret_of(size);
    unsigned char *buffer = mmap(NULL, (size_t)size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!CHECK(h > 0 && other > 0)) return;
    uintptr_t of_h = (uintptr_t)mmap_wrap_address(h), of_other = (uintptr_t)mmap_wrap_address(other);
    skipped[0] = (struct range){of_h, of_h + (uintptr_t)size};
    skipped[1] = (struct range){of_other, of_other + (uintptr_t)size};
    skipped[2] = (struct range){(uintptr_t)masked, (uintptr_t)masked + TOKEN};
    enter_situation(situation);
    /* The loader binds functions at their first call, and saves vector registers on the stack for that. */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++) {
            if (round == 1) {
                put_token(h, size);
                put_token(other, size);
            }
            struct place place = {h, 8, sizes[i] == 0 ? size - 8 : sizes[i], other, buffer};
            int64_t result = use(&accessors[which], &place);
            forget_vectors();
            CHECK(is_allowed(&accessors[which], result));
            forget(buffer, size);
            const char *where = left_behind();
            check(where[0] == 0, "access_secrets.c", __LINE__, text("%s: %lld bytes leave nothing behind (in %s)", case_name, (long long)place.size, where));
        }
    }
}

static void an_accessor_leaves_nothing_of_a_secret_behind(void) {
    const bool emulated = patience() > 1;
    if (emulated) skip("four accessors of five: an emulated processor looks through all memory for too long");
    for (int i = 0; i < 2; i++) {
        truly_secret = i == 1;
        mmap_wrap_handle tried = secret_of(8);
        if (tried < 0) {
            skip("secret memory: %s", mmap_wrap_last_error_message());
            continue;
        }
        munmap_wrap(tried);
        for (situation = OURS; situation <= BOTH_FOREIGN; situation += BOTH_FOREIGN)
            for (which = 0; which < accessor_count; which += emulated ? 5 : 1)
                if (!accessors[which].element)
                    LIVES(60, leaves_nothing, "%s of %s memory, %s", accessors[which].name, truly_secret ? "secret" : "private", situation_names[situation]);
    }
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(an_accessor_leaves_nothing_of_a_secret_behind);
    return finish();
}
