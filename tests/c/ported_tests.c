/* Tests of other libraries, ported to this one. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, WORDS = 1024 };
static int64_t page;

/* TXR: the parent writes 1024 numbers, the child reads them all back. */
static void memory_without_a_file_is_shared_with_a_child(void) {
    int ends[2];
    char go = 0;
    mmap_wrap_handle h = mmap_wrap(NULL, WORDS * 4, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!CHECK(pipe(ends) == 0)) return;
    pid_t child = fork();
    if (child == 0) {
        int equal = 0;
        if (read(ends[0], &go, 1) != 1) _exit(255);
        for (uint32_t i = 0; i < WORDS; i++) {
            uint32_t word = UINT32_MAX;
            equal += mmap_wrap_read(h, 4 * (int64_t)i, &word, sizeof word) == 4 && word == i;
        }
        _exit(equal == WORDS ? 0 : 1);
    }
    for (uint32_t i = 0; i < WORDS; i++) CHECK_IS(mmap_wrap_write(h, 4 * (int64_t)i, &i, sizeof i), 4);
    CHECK_IS(write(ends[1], &go, 1), 1);
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_IS(status, 0);
    close(ends[0]);
    close(ends[1]);
    CHECK_IS(munmap_wrap(h), 1);
}

/* TXR: a page of a file compared, overwritten, synced, restored. */
static void a_page_of_a_file_is_changed_and_changed_back(void) {
    unsigned char *original = malloc((size_t)page), *changed = malloc((size_t)page), *seen = malloc((size_t)page);
    scramble(original, page, 1);
    scramble(changed, page, 2);
    make_file("page", original, page);
    mmap_wrap_handle h = mmap_path_wrap("page", MMAP_WRAP_REST, RW, MAP_SHARED, 0);
    const unsigned char *bytes = mmap_wrap_address(h);
    int64_t equal = 0;
    for (int64_t i = 0; i < page; i++) equal += bytes[i] == original[i];
    CHECK_IS(equal, page);

    CHECK_IS(mmap_wrap_write(h, 0, changed, page), page);
    CHECK_IS(msync_wrap(h, MS_SYNC, 0, MMAP_WRAP_REST), 0);
    read_file("page", seen, page);
    CHECK(memcmp(seen, changed, (size_t)page) == 0);

    CHECK_IS(mmap_wrap_write(h, 0, original, page), page);
    CHECK_IS(munmap_wrap(h), 1);
    CHECK_IS(munmap_wrap(h), 0);
    read_file("page", seen, page);
    CHECK(memcmp(seen, original, (size_t)page) == 0);
    unlink("page");
    free(original);
    free(changed);
    free(seen);
}

static void a_mapping_neither_shared_nor_private_is_an_error(void) {
    CHECK_FAILS(mmap_wrap(NULL, page, RW, MAP_ANONYMOUS, -1, 0), MMAP_WRAP_E_ARGUMENT, "neither MAP_SHARED");
}

/* TXR: the four cases of a range, with its messages. */
static void a_range_outside_the_mapping_is_an_error_with_its_numbers(void) {
    const int length = (int)(2 * page);
    mmap_wrap_handle h = memory_of(length);
    CHECK_FAILS(mprotect_wrap(h, PROT_READ, length + 1, 1), MMAP_WRAP_E_RANGE,
                text("mprotect_wrap: offset %d lies beyond %d byte mapping", length + 1, length));
    CHECK_FAILS(mprotect_wrap(h, PROT_READ, page, INT64_MAX), MMAP_WRAP_E_RANGE,
                text("mprotect_wrap: size 9223372036854775807 from offset %d wraps around", (int)page));
    CHECK_FAILS(mprotect_wrap(h, PROT_READ, page, length), MMAP_WRAP_E_RANGE,
                text("mprotect_wrap: size %d from offset %d extends beyond %d byte mapping", length, (int)page, length));
    CHECK_IS(mprotect_wrap(h, PROT_READ, length, 0), 0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void releasing_the_last_reference_unmaps(void) {
    skip("C has no references that a collector counts; the tests in Python and Raku have them");
}

/* os-core: its one test. */
static void the_last_byte_of_a_page_is_set_and_read_back(void) {
    unsigned char byte = 0xFF, seen = 0;
    mmap_wrap_handle h = mmap_wrap(NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK_IS(mmap_wrap_write(h, 4095, &byte, 1), 1);
    CHECK_IS(mmap_wrap_read(h, 4095, &seen, 1), 1);
    CHECK_IS(seen, 0xFF);
    CHECK_IS(((unsigned char *)mmap_wrap_address(h))[4095], 0xFF);
    CHECK_IS(munmap_wrap(h), 1);
}

/* Common Lisp mmap: a whole file of any size, by path and by a descriptor that is closed after mapping. */
static void a_mapped_text_equals_the_file_read_normally(void) {
    const char words[] = "Gr\xc3\xbc\xc3\x9f" "e, \xe4\xb8\x96\xe7\x95\x8c\n";
    const int64_t length = sizeof words - 1;
    char mapped[sizeof words], normal[sizeof words];
    make_file("text", words, length);
    read_file("text", normal, length);
    int fd = open("text", O_RDONLY | O_CLOEXEC);
    mmap_wrap_handle both[] = {mmap_path_wrap("text", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0),
                               mmap_wrap(NULL, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, fd, 0)};
    close(fd);
    for (int i = 0; i < 2; i++) {
        CHECK_IS(mmap_wrap_length(both[i]), length);
        CHECK_IS(mmap_wrap_read(both[i], 0, mapped, length), length);
        CHECK(memcmp(mapped, normal, (size_t)length) == 0);
        CHECK_IS(munmap_wrap(both[i]), 1);
    }
    unlink("text");
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(memory_without_a_file_is_shared_with_a_child);
    RUN(a_page_of_a_file_is_changed_and_changed_back);
    RUN(a_mapping_neither_shared_nor_private_is_an_error);
    RUN(a_range_outside_the_mapping_is_an_error_with_its_numbers);
    RUN(releasing_the_last_reference_unmaps);
    RUN(the_last_byte_of_a_page_is_set_and_read_back);
    RUN(a_mapped_text_equals_the_file_read_normally);
    return finish();
}
