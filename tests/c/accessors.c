#define _GNU_SOURCE
#include "accessors.h"

#include <errno.h>
#include <string.h>

/* Without overflow, since ranges can be invalid on purpose. */
static int64_t sum(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

#define CALL(name) static int64_t name(const struct accessor *a, const struct place *p)

CALL(do_read) { (void)a; return mmap_wrap_read(p->h, p->offset, p->buffer, p->size); }
CALL(do_write) { (void)a; return mmap_wrap_write(p->h, p->offset, p->buffer, p->size); }
CALL(do_fill) { return mmap_wrap_fill(p->h, p->offset, a->argument, p->size); }
/* Within the range: upwards, and downwards, with an overlap. */
CALL(do_move_up) { (void)a; return mmap_wrap_move(p->h, sum(p->offset, p->size / 4), p->offset, p->size - p->size / 4); }
CALL(do_move_down) { (void)a; return mmap_wrap_move(p->h, p->offset, sum(p->offset, p->size / 4), p->size - p->size / 4); }
CALL(do_copy_from) { (void)a; return mmap_wrap_copy(p->other, 0, p->h, p->offset, p->size); }
CALL(do_copy_to) { (void)a; return mmap_wrap_copy(p->h, p->offset, p->other, 0, p->size); }
CALL(do_compare) { (void)a; return mmap_wrap_compare(p->h, p->offset, p->other, 0, p->size); }
CALL(do_compare_second) { (void)a; return mmap_wrap_compare(p->other, 0, p->h, p->offset, p->size); }

static const char short_needle[] = "\x01\xfe needle";
CALL(do_find) { return mmap_wrap_find(p->h, short_needle, a->argument, p->offset, sum(p->offset, p->size)); }
CALL(do_rfind) { return mmap_wrap_rfind(p->h, short_needle, a->argument, p->offset, sum(p->offset, p->size)); }
CALL(do_count) { return mmap_wrap_count(p->h, short_needle, a->argument, p->offset, sum(p->offset, p->size)); }

CALL(do_get) { return mmap_wrap_get(p->h, a->argument, p->offset, p->buffer); }
CALL(do_put) {
    static const char zeros[8];
    return mmap_wrap_put(p->h, a->argument, p->offset, zeros);
}
CALL(do_get_int) {
    int64_t number = mmap_wrap_get_int(p->h, a->argument, p->offset);
    memcpy(p->buffer, &number, p->size < 8 ? (size_t)p->size : 8);
    return number == MMAP_WRAP_NO_INT ? mmap_wrap_last_error_code() : 0;
}
CALL(do_put_int) { return mmap_wrap_put_int(p->h, a->argument, p->offset, 1); }
CALL(do_get_float) {
    double number = mmap_wrap_get_float(p->h, a->argument, p->offset);
    memcpy(p->buffer, &number, p->size < 8 ? (size_t)p->size : 8);
    return number != number ? mmap_wrap_last_error_code() : 0;
}
CALL(do_put_float) { return mmap_wrap_put_float(p->h, a->argument, p->offset, 0.5); }

CALL(do_load) {
    int64_t value = 0, result = mmap_wrap_atomic_load(p->h, a->argument, p->offset, &value);
    memcpy(p->buffer, &value, p->size < 8 ? (size_t)p->size : 8);
    return result;
}
CALL(do_store) { return mmap_wrap_atomic_store(p->h, a->argument, p->offset, 1); }
CALL(do_add) { return mmap_wrap_atomic_add(p->h, a->argument, p->offset, 1, NULL); }
CALL(do_exchange) { return mmap_wrap_atomic_exchange(p->h, a->argument, p->offset, 1, NULL); }
CALL(do_compare_exchange) { return mmap_wrap_atomic_compare_exchange(p->h, a->argument, p->offset, 1, 1, NULL); }
CALL(do_wait) { return mmap_wrap_wait(p->h, p->offset, a->argument, 1000); }

#define READS(name, call, argument) {name, call, argument, false, false, false}
#define WRITES(name, call, argument) {name, call, argument, true, false, false}
#define ATOMIC(name, call, writes) \
    {name " 32", call, 32, writes, true, true}, {name " 64", call, 64, writes, true, true}
#define GET(name, call, kind) {name " " #kind, call, MMAP_WRAP_##kind, false, false, true}
#define PUT(name, call, kind) {name " " #kind, call, MMAP_WRAP_##kind, true, false, true}
/* In the machine's byte order, and in both explicit ones, of which one is the other order. */
#define ORDERS(TYPE, name, call, kind)                                                             \
    TYPE(name, call, kind), {name " " #kind " little", call, MMAP_WRAP_##kind | MMAP_WRAP_LITTLE_ENDIAN, IS_##TYPE, false, true}, \
    {name " " #kind " big", call, MMAP_WRAP_##kind | MMAP_WRAP_BIG_ENDIAN, IS_##TYPE, false, true}
#define IS_GET false
#define IS_PUT true
#define INTEGERS(TYPE, name, call)                                                                         \
    TYPE(name, call, I8), TYPE(name, call, U8), ORDERS(TYPE, name, call, I16), ORDERS(TYPE, name, call, U16), \
    ORDERS(TYPE, name, call, I32), ORDERS(TYPE, name, call, U32), ORDERS(TYPE, name, call, I64), ORDERS(TYPE, name, call, U64)
#define FLOATS(TYPE, name, call) ORDERS(TYPE, name, call, F32), ORDERS(TYPE, name, call, F64)

const struct accessor accessors[] = {
    READS("read", do_read, 0),
    WRITES("write", do_write, 0),
    WRITES("fill", do_fill, 0),
    WRITES("fill with 255", do_fill, 255),
    WRITES("move up", do_move_up, 0),
    WRITES("move down", do_move_down, 0),
    READS("copy from", do_copy_from, 0),
    WRITES("copy to", do_copy_to, 0),
    READS("compare", do_compare, 0),
    READS("compare as second", do_compare_second, 0),
    READS("find a byte", do_find, 1),
    READS("find", do_find, 9),
    READS("rfind a byte", do_rfind, 1),
    READS("rfind", do_rfind, 9),
    READS("count a byte", do_count, 1),
    READS("count", do_count, 9),
    INTEGERS(GET, "get", do_get),
    FLOATS(GET, "get", do_get),
    INTEGERS(PUT, "put", do_put),
    FLOATS(PUT, "put", do_put),
    INTEGERS(GET, "get_int", do_get_int),
    INTEGERS(PUT, "put_int", do_put_int),
    FLOATS(GET, "get_float", do_get_float),
    FLOATS(PUT, "put_float", do_put_float),
    ATOMIC("atomic_load", do_load, false),
    ATOMIC("atomic_store", do_store, true),
    ATOMIC("atomic_add", do_add, true),
    ATOMIC("atomic_exchange", do_exchange, true),
    ATOMIC("atomic_compare_exchange", do_compare_exchange, true),
    {"wait while zero", do_wait, 0, false, true, true},
    {"wait while another", do_wait, 77, false, true, true},
};
const int accessor_count = (int)(sizeof accessors / sizeof *accessors);

int64_t use(const struct accessor *accessor, const struct place *place) {
    return accessor->call(accessor, place);
}

bool is_allowed(const struct accessor *accessor, int64_t result) {
    if (result >= 0 || result == MMAP_WRAP_E_FAULT || result == MMAP_WRAP_E_NOT_FOUND) return true;
    return accessor->atomic && (result == MMAP_WRAP_E_UNSUPPORTED || result == -ETIMEDOUT || result == -EINTR);
}

bool is_allowed_unmapped(const struct accessor *accessor, int64_t result) {
    return is_allowed(accessor, result) || result == MMAP_WRAP_E_UNMAPPED || result == MMAP_WRAP_E_RANGE;
}

const char *result_name(int64_t result) {
    return result >= 0 ? text("%lld", (long long)result) : mmap_wrap_strerror(result);
}
