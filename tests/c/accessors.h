/* All accessors of the library in one table, for tests of what they have in common. */
#ifndef ACCESSORS_H
#define ACCESSORS_H

#include "check.h"

/* The place of an access. */
struct place {
    mmap_wrap_handle h;
    int64_t offset, size;       /* a multiple of 8 where words of 64 bits are accessed; elements access 1 to 8 bytes */
    mmap_wrap_handle other;     /* for copy and compare: another mapping, accessible from 0 to size */
    unsigned char *buffer;      /* of size bytes, valid */
};

struct accessor {
    const char *name;
    int64_t (*call)(const struct accessor *, const struct place *);
    int64_t argument;           /* a kind, or bits */
    bool writes;                /* needs memory that may be written */
    bool atomic;                /* UNSUPPORTED is allowed if the handlers are not the library's */
    bool element;               /* accesses no more than 8 bytes, whatever the size */
};
extern const struct accessor accessors[];
extern const int accessor_count;

/* The accessor's result; that of those that return a number is 0 or the code of their failure. */
int64_t use(const struct accessor *accessor, const struct place *place);

/* Whether a result is a success or a fault (or, of an atomic operation, UNSUPPORTED). */
bool is_allowed(const struct accessor *accessor, int64_t result);

/* The same while other threads unmap and resize. */
bool is_allowed_unmapped(const struct accessor *accessor, int64_t result);

/* A printable name of a result, for messages. */
const char *result_name(int64_t result);

#endif
