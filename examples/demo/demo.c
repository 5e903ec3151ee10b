/*
 * The main job in C: map a file, read its header as typed values, search it, edit a private and a shared copy, sync,
 * and read it in another process. Prints lines `name<TAB>value`. The demos in Python and Raku print the same lines, but
 * their own times.
 *
 *   demo FILE NEEDLE COPY      FILE is only read; COPY is a writable copy of it
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mmap_wrap.h"

/* Functions return a value >= 0 on success and a negative code on error: the program needs no other error handling. */
static int64_t checked(int64_t result)
{
    if (result < 0) {
        fprintf(stderr, "demo: %s\n", mmap_wrap_last_error_message());
        exit(1);
    }
    return result;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_field(mmap_wrap_handle file, const char *name, int64_t offset, int64_t width)
{
    unsigned char byte;
    uint16_t half;
    uint32_t word;
    uint64_t wide = 0;
    if (offset + width > checked(mmap_wrap_length(file)))
        return;
    switch (width) {
    case 1: checked(mmap_wrap_read(file, offset, &byte, 1)); wide = byte; break;
    case 2: checked(mmap_wrap_read(file, offset, &half, 2)); wide = half; break;
    case 4: checked(mmap_wrap_read(file, offset, &word, 4)); wide = word; break;
    default: checked(mmap_wrap_read(file, offset, &wide, 8));
    }
    printf("%s\t%" PRIu64 "\n", name, wide);
}

static void print_header(mmap_wrap_handle file)
{
    char magic[4] = "";
    if (checked(mmap_wrap_length(file)) >= 64)
        checked(mmap_wrap_read(file, 0, magic, 4));
    if (memcmp(magic, "\177ELF", 4) == 0) {
        print_field(file, "ELF class (u8)", 4, 1);
        print_field(file, "ELF type (u16)", 16, 2);
        print_field(file, "ELF machine (u16)", 18, 2);
        print_field(file, "ELF version (u32)", 20, 4);
        print_field(file, "ELF section headers at (u64)", 40, 8);
    } else {
        print_field(file, "first u8", 0, 1);
        print_field(file, "first u16", 0, 2);
        print_field(file, "first u32", 0, 4);
        print_field(file, "first u64", 0, 8);
    }
}

static void print_matches(mmap_wrap_handle file, const char *needle)
{
    int64_t length = (int64_t)strlen(needle), count = 0, at = 0;
    while ((at = mmap_wrap_find(file, needle, length, at, MMAP_WRAP_REST)) >= 0) {
        if (count++ == 0)
            printf("first '%s' at\t%" PRId64 "\n", needle, at);
        at += length;
    }
    if (at != MMAP_WRAP_E_NOT_FOUND)
        checked(at);
    printf("'%s' found\t%" PRId64 " times\n", needle, count);
    if (count > 0)
        printf("last '%s' at\t%" PRId64 "\n", needle, checked(mmap_wrap_rfind(file, needle, length, 0, MMAP_WRAP_REST)));
}

/* The first bytes of the file, as another process reads them. */
static void print_as_others_see(const char *what, const char *path)
{
    int out[2];
    char text[9] = "";
    if (pipe(out) != 0)
        exit(1);
    if (fork() == 0) {
        dup2(out[1], 1);
        execlp("head", "head", "-c", "8", path, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    for (size_t got = 0; got < 8;) {
        ssize_t more = read(out[0], text + got, 8 - got);
        if (more <= 0)
            break;
        got += (size_t)more;
    }
    close(out[0]);
    wait(NULL);
    printf("%s\t%s\n", what, strcmp(text, "EDITED!\n") == 0 ? "EDITED!" : "as before");
}

static void edit(const char *copy, int64_t flags, const char *what)
{
    mmap_wrap_handle mapping = checked(mmap_path_wrap(copy, MMAP_WRAP_REST, PROT_READ | PROT_WRITE, flags, 0));
    char seen[9] = "";
    checked(mmap_wrap_write(mapping, 0, "EDITED!\n", 8));
    checked(mmap_wrap_read(mapping, 0, seen, 7));
    checked(msync_wrap(mapping, MS_SYNC, 0, MMAP_WRAP_REST));
    printf("%s: the mapping has\t%s\n", what, seen);
    checked(munmap_wrap(mapping));
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: demo FILE NEEDLE COPY\n");
        return 2;
    }
    const char *path = argv[1], *needle = argv[2], *copy = argv[3];

    double start = seconds();
    mmap_wrap_handle file = checked(mmap_path_wrap(path, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0));
    double mapped = seconds();
    printf("length\t%" PRId64 " bytes\n", checked(mmap_wrap_length(file)));
    print_header(file);

    double before = seconds();
    print_matches(file, needle);
    double searched = seconds();

    unsigned char *bytes = malloc((size_t)mmap_wrap_length(file) + 1);
    uint32_t sum = 0;
    double reading = seconds();
    int64_t length = checked(mmap_wrap_read(file, 0, bytes, mmap_wrap_length(file)));
    double read_all = seconds();
    for (int64_t i = 0; i < length && i < 4096; i++)
        sum += bytes[i];
    printf("sum of the first page\t%" PRIu32 "\n", sum);
    free(bytes);
    checked(munmap_wrap(file));
    printf("mapped still\t%s\n", mmap_wrap_length(file) == MMAP_WRAP_E_UNMAPPED ? "no" : "yes");

    edit(copy, MAP_PRIVATE, "private copy");
    print_as_others_see("private copy: another process reads", copy);
    edit(copy, MAP_SHARED, "shared copy");
    print_as_others_see("shared copy: another process reads", copy);

    printf("time to map\t%.1f\n", (mapped - start) * 1e6);
    printf("time to search\t%.1f\n", (searched - before) * 1e6);
    printf("time to read all\t%.1f\n", (read_all - reading) * 1e6);
    return 0;
}
