/*
 * The header: valid in C99 and, compiled a second and third time, in C++11 and C++17; included twice; without other
 * headers before it; and consistent with the library.
 */
#include "mmap_wrap.h"
#include "mmap_wrap_constants.h"
#include "mmap_wrap_constants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int passed, failed;

static void check(int holds, const char *what) {
    if (holds) {
        passed++;
    } else {
        failed++;
        printf("FAILED header.c: not so: %s\n", what);
    }
}
#define CHECK(condition) check(condition, #condition)

/* The macros are constant expressions of the preprocessor and of the compiler. */
#if MMAP_WRAP_ABI_VERSION < 1 || MMAP_WRAP_E_HANDLE >= -4095 || MMAP_WRAP_REST >= 0
#error "the header's numbers differ from its comments"
#endif
enum { E_CODES_FIT_AN_INT = MMAP_WRAP_E_INTERNAL };

int main(void) {
    CHECK(mmap_wrap_abi_version() == MMAP_WRAP_ABI_VERSION);
    CHECK(strcmp(MMAP_WRAP_VERSION, LIBRARY_VERSION) == 0);
    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", MMAP_WRAP_VERSION_MAJOR, MMAP_WRAP_VERSION_MINOR, MMAP_WRAP_VERSION_PATCH);
    CHECK(strcmp(version, LIBRARY_VERSION) == 0);
    CHECK(mmap_wrap_PROT_READ() != mmap_wrap_PROT_WRITE());
#ifdef __cplusplus
    static_assert(noexcept(mmap_wrap_page_size()) && noexcept(mmap_wrap_PROT_READ()), "no function throws");
#endif
    CHECK(mmap_wrap_page_size() == (int64_t)sysconf(_SC_PAGESIZE));
    CHECK(strcmp(mmap_wrap_version(), LIBRARY_VERSION) == 0);
    CHECK(sizeof(mmap_wrap_handle) == 8);
    CHECK(E_CODES_FIT_AN_INT == -4105);
    CHECK(MMAP_WRAP_REST == INT64_MIN);
    printf("tally %d %d 0\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
