/* Checks of the programs for Windows: each prints a line, which scripts/targets/windows counts. */
#ifndef WINDOWS_CHECK_H
#define WINDOWS_CHECK_H

#include "mmap_wrap.h"

#include <stdio.h>

static int failures;

#define CHECK(condition) \
    do { \
        if (condition) { \
            printf("ok %s\n", #condition); \
        } else { \
            failures++; \
            printf("FAILED %s:%d: %s: %s\n", __FILE__, __LINE__, #condition, mmap_wrap_last_error_message()); \
        } \
    } while (0)

#endif
