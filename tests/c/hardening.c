/*
 * Guard regions, seals, names: what they prevent, removing a guard makes the pages accessible again, and invalid
 * arguments are errors.
 *
 * What a C program cannot provoke here: MMAP_WRAP_E_UNSUPPORTED of kernels before 6.10 (mseal) and 5.17 (names), which
 * the tests print; -ENOMEM, which needs a process that reached vm.max_map_count.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE };
static int64_t page;
static char byte;

static mmap_wrap_handle shared_of(int64_t bytes) {
    return mmap_wrap(NULL, bytes, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* -- Guards -- */

static void guards_the_middle_page(mmap_wrap_handle h) {
    CHECK_IS(mmap_wrap_fill(h, 0, 7, MMAP_WRAP_REST), 3 * page);
    CHECK_IS(mmap_wrap_guard(h, 1, page, page), 0);
    for (int64_t at = page; at < 2 * page; at += page - 1) {
        CHECK_FAILS(mmap_wrap_read(h, at, &byte, 1), MMAP_WRAP_E_FAULT, "mmap_wrap_read: the access faulted");
        CHECK_FAILS(mmap_wrap_write(h, at, "x", 1), MMAP_WRAP_E_FAULT, text("at offset %d", (int)at));
    }
    CHECK_FAILS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT, text("after %d of %d bytes", (int)page, (int)(3 * page)));
    CHECK_IS(mmap_wrap_fault_done(), page);
    CHECK_IS(mmap_wrap_read(h, page - 1, &byte, 1), 1);
    CHECK_IS(byte, 1);
    CHECK_IS(mmap_wrap_read(h, 2 * page, &byte, 1), 1);
    CHECK_IS(byte, 7);
    CHECK_IS(mmap_wrap_guard(h, 0, page, page), 0);
    CHECK_IS(mmap_wrap_fill(h, 0, 2, MMAP_WRAP_REST), 3 * page);
}

static void every_access_to_a_guard_faults_until_it_is_removed(void) {
    const mmap_wrap_handle kinds[] = {memory_of(3 * page), shared_of(3 * page), mmap_unnamed_wrap(3 * page, RW, MAP_SHARED)};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        guards_the_middle_page(kinds[i]);
        CHECK_IS(munmap_wrap(kinds[i]), 1);
    }
}

static void a_guard_discards_private_memory(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    CHECK_IS(mmap_wrap_fill(h, 0, 7, MMAP_WRAP_REST), 2 * page);
    CHECK_IS(mmap_wrap_guard(h, 1, page, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_guard(h, 0, page, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_read(h, page, &byte, 1), 1);
    CHECK_IS(byte, 0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void reads_the_guard(void) {
    mmap_wrap_handle h;
    CHECK_IS(mmap_wrap_list(&h, 1), 1);
    byte = ((const volatile char *)mmap_wrap_address(h))[page];
}

static void an_access_to_a_guard_through_the_address_kills(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    CHECK_IS(mmap_wrap_guard(h, 1, page, page), 0);
    if (under_valgrind()) skip("valgrind 3.19 does not support guard regions");
    else in_child_killed_by(SIGSEGV, reads_the_guard);
    CHECK_IS(munmap_wrap(h), 1);
}

static void pages_without_their_guard_have_the_protection_of_the_mapping(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    CHECK_IS(mmap_wrap_guard(h, 1, page, page), 0);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST), 0);
    CHECK_FAILS(mmap_wrap_read(h, page, &byte, 1), MMAP_WRAP_E_FAULT, "the access faulted");
    CHECK_IS(mmap_wrap_guard(h, 0, page, page), 0);
    CHECK_IS(mmap_wrap_read(h, page, &byte, 1), 1);
    CHECK_FAILS(mmap_wrap_write(h, page, "x", 1), MMAP_WRAP_E_FAULT, "the protection forbids it");
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_guard_needs_whole_pages_inside_the_mapping(void) {
    mmap_wrap_handle h = memory_of(3 * page + 1);
    for (int on = 0; on < 2; on++) {
        CHECK_FAILS(mmap_wrap_guard(h, on, 1, page), MMAP_WRAP_E_ALIGNMENT, "mmap_wrap_guard: offset 1 is not on a page boundary");
        CHECK_FAILS(mmap_wrap_guard(h, on, 0, 1), MMAP_WRAP_E_ALIGNMENT, "mmap_wrap_guard: end 1 is not on a page boundary");
        CHECK_FAILS(mmap_wrap_guard(h, on, 0, 3 * page + 2), MMAP_WRAP_E_RANGE, "extends beyond");
        CHECK_FAILS(mmap_wrap_guard(h, on, -1, page), MMAP_WRAP_E_RANGE, "offset -1 is negative");
        CHECK_FAILS(mmap_wrap_guard(h, on, page, -1), MMAP_WRAP_E_RANGE, "size -1 is negative");
        CHECK_FAILS(mmap_wrap_guard(h, on, page, INT64_MAX), MMAP_WRAP_E_RANGE, "wraps around");
        CHECK_FAILS(mmap_wrap_guard(h, on, INT64_MAX, 0), MMAP_WRAP_E_RANGE, "offset 9223372036854775807 lies beyond");
    }
    CHECK_IS(mmap_wrap_guard(h, 1, 3 * page + 1, 0), 0);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), 3 * page + 1); /* nothing was guarded */
    CHECK_IS(mmap_wrap_guard(h, 1, 3 * page, 1), 0);                  /* the end of the mapping */
    CHECK_FAILS(mmap_wrap_write(h, 3 * page, "x", 1), MMAP_WRAP_E_FAULT, "the access faulted");
    CHECK_IS(munmap_wrap(h), 1);
}

static void guarded_parts_can_have_different_protections(void) {
    mmap_wrap_handle h = memory_of(4 * page);
    CHECK_IS(mmap_wrap_guard(h, 1, page, MMAP_WRAP_REST), 0);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 2 * page, page), 0);
    CHECK_IS(mprotect_wrap(h, RW, 0, page), 0);
    for (int64_t at = page; at < 4 * page; at += page)
        CHECK_FAILS(mmap_wrap_read(h, at, &byte, 1), MMAP_WRAP_E_FAULT, "the access faulted");
    CHECK_IS(mmap_wrap_guard(h, 0, 0, MMAP_WRAP_REST), 0);
    CHECK_IS(mmap_wrap_fill(h, 0, 1, 2 * page), 2 * page);
    CHECK_IS(mmap_wrap_read(h, 2 * page, &byte, 1), 1);
    CHECK_FAILS(mmap_wrap_write(h, 2 * page, "x", 1), MMAP_WRAP_E_FAULT, "the protection forbids it");
    CHECK_IS(mmap_wrap_fill(h, 3 * page, 1, MMAP_WRAP_REST), page);
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_guard_stays_when_the_mapping_grows(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    CHECK_IS(mmap_wrap_guard(h, 1, page, page), 0);
    CHECK_IS(mremap_wrap(h, 500 * page, MREMAP_MAYMOVE, NULL, 0), h);
    CHECK_IS(mprotect_wrap(h, RW, 0, MMAP_WRAP_REST), 0);
    CHECK_FAILS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), MMAP_WRAP_E_FAULT, "the access faulted");
    CHECK_IS(mmap_wrap_fault_done(), page);
    CHECK_IS(mmap_wrap_fill(h, 2 * page, 1, MMAP_WRAP_REST), 498 * page);
    CHECK_IS(munmap_wrap(h), 1);
}

/* All tests of guards, also on a kernel without guard regions. */
static void all_guards(void) {
    every_access_to_a_guard_faults_until_it_is_removed();
    a_guard_discards_private_memory();
    an_access_to_a_guard_through_the_address_kills();
    pages_without_their_guard_have_the_protection_of_the_mapping();
    guarded_parts_can_have_different_protections();
    a_guard_stays_when_the_mapping_grows();
    a_guard_needs_whole_pages_inside_the_mapping();
}

static void all_guards_without_guard_regions(void) {
    /* From linux/filter.h and linux/seccomp.h, which some C libraries lack. */
    struct instruction { unsigned short code; unsigned char if_so, if_not; unsigned value; };
    enum { LOAD = 0x20, IS = 0x15, IS_AT_LEAST = 0x35, RETURN = 0x06, MODE_FILTER = 2 };
    const unsigned short one = 1;
    const unsigned low_half = *(const unsigned char *)&one == 1 ? 0 : 4, advice = 16 + 2 * 8 + low_half;
    struct instruction filter[] = {
        {LOAD, 0, 0, 0},                                      /* the number of the call */
        {IS, 0, 3, SYS_madvise},
        {LOAD, 0, 0, advice},
        {IS_AT_LEAST, 0, 1, 102},                             /* MADV_GUARD_INSTALL, and MADV_GUARD_REMOVE after it */
        {RETURN, 0, 0, 0x00050000 | EINVAL},
        {RETURN, 0, 0, 0x7fff0000},
    };
    struct { unsigned short length; struct instruction *filter; } program = {sizeof filter / sizeof *filter, filter};
    int filtered = prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 && prctl(PR_SET_SECCOMP, (long)MODE_FILTER, &program) == 0;
    mmap_wrap_handle h = memory_of(page);
    int64_t advised = madvise_wrap(h, 102, 0, page);
    CHECK_IS(munmap_wrap(h), 1);
    if (advised == -EINVAL) all_guards();
    else skip("this kernel has guard regions, and no filter to hide them: %d", filtered);
}

static void guards_work_without_guard_regions_of_the_kernel(void) {
    in_child(all_guards_without_guard_regions);
}

static void every_call_here_fails_with(mmap_wrap_handle h, int64_t code) {
    CHECK_FAILS(mmap_wrap_guard(h, 1, 0, 0), code, "mmap_wrap_guard: ");
    CHECK_FAILS(mseal_wrap(h, 0, 0), code, "mseal_wrap: ");
    CHECK_FAILS(mmap_wrap_set_name(h, "name"), code, "mmap_wrap_set_name: ");
}

static void handles_that_are_not_live_are_errors(void) {
    mmap_wrap_handle h = memory_of(page);
    const int64_t forged[] = {0, -1, h + 1, h | (int64_t)1 << 62, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) every_call_here_fails_with(forged[i], MMAP_WRAP_E_HANDLE);
    CHECK_IS(munmap_wrap(h), 1);
    every_call_here_fails_with(h, MMAP_WRAP_E_UNMAPPED);
}

/* -- Seals: they last until the process ends, so each test is in a child -- */

static void seals_the_middle_page(void) {
    mmap_wrap_handle h = memory_of(3 * page);
    CHECK_FAILS(mseal_wrap(h, 0, 3 * page + 1), MMAP_WRAP_E_RANGE, "mseal_wrap: size");
    CHECK_FAILS(mseal_wrap(h, -1, 1), MMAP_WRAP_E_RANGE, "mseal_wrap: offset -1 is negative");
    CHECK_IS(mseal_wrap(h, 3 * page, 0), 0); /* nothing */
    int64_t sealed = mseal_wrap(h, page, 1);
    if (sealed == MMAP_WRAP_E_UNSUPPORTED) {
        skip("%s", mmap_wrap_last_error_message());
        return;
    }
    CHECK_IS(sealed, 0);
    struct mmap_wrap_info info;
    CHECK_IS(mmap_wrap_info(h, &info, sizeof info), 0);
    CHECK_IS(info.sealed, 1);
    CHECK_FAILS(mprotect_wrap(h, PROT_READ, page, page), MMAP_WRAP_E_SEALED, "mprotect_wrap: a part of the mapping is sealed");
    CHECK_FAILS(mremap_wrap(h, page, 0, NULL, 0), MMAP_WRAP_E_SEALED, "mremap_wrap: ");
    CHECK_FAILS(mremap_wrap(h, 3 * page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL, 0), MMAP_WRAP_E_SEALED, "mremap_wrap: ");
    for (int i = 0; i < 2; i++) CHECK_FAILS(munmap_wrap(h), MMAP_WRAP_E_SEALED, "munmap_wrap: a part of the mapping is sealed");
    CHECK_IS(mmap_wrap_fill(h, 0, 1, MMAP_WRAP_REST), 3 * page);
    CHECK_IS(mseal_wrap(h, page, 1), 0); /* sealing again is valid */
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, page), 0);
}

static void a_sealed_mapping_cannot_be_changed(void) {
    in_child(seals_the_middle_page);
}

static void seals_read_only_memory(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    CHECK_IS(mmap_wrap_fill(h, 0, 7, MMAP_WRAP_REST), 2 * page);
    CHECK_IS(mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST), 0);
    if (mseal_wrap(h, 0, MMAP_WRAP_REST) == MMAP_WRAP_E_UNSUPPORTED) {
        skip("%s", mmap_wrap_last_error_message());
        return;
    }
    CHECK_FAILS(madvise_wrap(h, MADV_DONTNEED, 0, MMAP_WRAP_REST), MMAP_WRAP_E_SEALED, "madvise_wrap: ");
    CHECK_FAILS(mmap_wrap_guard(h, 1, 0, MMAP_WRAP_REST), MMAP_WRAP_E_SEALED, "mmap_wrap_guard: ");
    CHECK_IS(mmap_wrap_read(h, 2 * page - 1, &byte, 1), 1);
    CHECK_IS(byte, 7);
    CHECK_FAILS(munmap_wrap(h), MMAP_WRAP_E_SEALED, "munmap_wrap: ");
}

static void sealed_memory_that_cannot_be_written_cannot_be_discarded(void) {
    in_child(seals_read_only_memory);
}

/* -- Names -- */

static void a_name_is_in_proc_maps_until_it_is_removed(void) {
    const struct { mmap_wrap_handle h; const char *shown; } kinds[] = {
        {memory_of(page), "[anon:index cache]"}, {shared_of(page), "[anon_shmem:index cache]"},
    };
    for (int i = 0; i < 2; i++) {
        int64_t named = mmap_wrap_set_name(kinds[i].h, "index cache");
        if (named == MMAP_WRAP_E_UNSUPPORTED) skip("%s", mmap_wrap_last_error_message());
        else {
            CHECK_IS(named, 0);
            CHECK_IS(mappings_of(kinds[i].shown), 1);
            CHECK_IS(mmap_wrap_set_name(kinds[i].h, NULL), 0);
            CHECK_IS(mappings_of(kinds[i].shown), 0);
        }
        CHECK_IS(munmap_wrap(kinds[i].h), 1);
    }
}

static void invalid_names_are_errors(void) {
    mmap_wrap_handle h = memory_of(page);
    char name[81];
    memset(name, 'n', sizeof name);
    name[80] = '\0';
    const char *bad[] = {name, "[", "]", "\\", "$", "`", "\n", "\x7f", "\xff"};
    if (mmap_wrap_set_name(h, "x") == MMAP_WRAP_E_UNSUPPORTED) {
        skip("%s", mmap_wrap_last_error_message());
    } else {
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            CHECK_FAILS(mmap_wrap_set_name(h, bad[i]), -EINVAL, "mmap_wrap_set_name: name memory '");
        CHECK_IS(mmap_wrap_set_name(h, name + 1), 0); /* 79 bytes */
        make_file("file", "x", 1);
        mmap_wrap_handle file = mmap_path_wrap("file", 1, PROT_READ, MAP_PRIVATE, 0);
        CHECK_FAILS(mmap_wrap_set_name(file, "x"), -EBADF, "only memory without a file can be named");
        CHECK_IS(munmap_wrap(file), 1);
        unlink("file");
    }
    CHECK_IS(munmap_wrap(h), 1);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(every_access_to_a_guard_faults_until_it_is_removed);
    RUN(a_guard_discards_private_memory);
    RUN(an_access_to_a_guard_through_the_address_kills);
    RUN(pages_without_their_guard_have_the_protection_of_the_mapping);
    RUN(guarded_parts_can_have_different_protections);
    RUN(a_guard_stays_when_the_mapping_grows);
    RUN(a_guard_needs_whole_pages_inside_the_mapping);
    RUN(guards_work_without_guard_regions_of_the_kernel);
    RUN(handles_that_are_not_live_are_errors);
    RUN(a_sealed_mapping_cannot_be_changed);
    RUN(sealed_memory_that_cannot_be_written_cannot_be_discarded);
    RUN(a_name_is_in_proc_maps_until_it_is_removed);
    RUN(invalid_names_are_errors);
    return finish();
}
