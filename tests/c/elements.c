/* Elements: one number at an offset, of every kind, in either byte order, compared with C's types. */
#define _GNU_SOURCE
#include "check.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

static int64_t page;

/* Each type of C has a kind, and its numbers have the same bytes in memory. */
#define CHECK_KIND(type, kind, number)                                                   \
    do {                                                                                 \
        type there, value = (type)(number);                                              \
        CHECK_IS((kind) & 15, (int64_t)sizeof value);                                    \
        CHECK_IS(mmap_wrap_put(h, (kind), 3, &value), 0);                                \
        CHECK(memcmp(bytes + 3, &value, sizeof value) == 0);                             \
        CHECK_IS(mmap_wrap_get(h, (kind), 3, &there), 0);                                \
        CHECK(memcmp(&there, &value, sizeof value) == 0);                                \
        CHECK(bytes[2] == 0 && bytes[3 + sizeof value] == 0);                            \
        memset(bytes, 0, 16);                                                            \
    } while (0)

static void every_kind_is_a_type_of_c(void) {
    mmap_wrap_handle h = memory_of(page);
    unsigned char *bytes = mmap_wrap_address(h);
    CHECK_KIND(int8_t, MMAP_WRAP_I8, -100);
    CHECK_KIND(uint8_t, MMAP_WRAP_U8, 200);
    CHECK_KIND(int16_t, MMAP_WRAP_I16, -30000);
    CHECK_KIND(uint16_t, MMAP_WRAP_U16, 60000);
    CHECK_KIND(int32_t, MMAP_WRAP_I32, -2000000000);
    CHECK_KIND(uint32_t, MMAP_WRAP_U32, 4000000000);
    CHECK_KIND(int64_t, MMAP_WRAP_I64, INT64_MIN);
    CHECK_KIND(uint64_t, MMAP_WRAP_U64, UINT64_MAX);
    CHECK_KIND(float, MMAP_WRAP_F32, 0.1);
    CHECK_KIND(double, MMAP_WRAP_F64, DBL_MIN);
    CHECK_IS(munmap_wrap(h), 1);
}

static void numbers_have_the_given_byte_order(void) {
    mmap_wrap_handle h = memory_of(page);
    const unsigned char *bytes = mmap_wrap_address(h);
    CHECK_IS(mmap_wrap_put_int(h, MMAP_WRAP_I32 | MMAP_WRAP_BIG_ENDIAN, 1, 0x01020304), 0);
    CHECK(memcmp(bytes, "\0\1\2\3\4\0", 6) == 0);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_I32 | MMAP_WRAP_LITTLE_ENDIAN, 1), 0x04030201);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_U16 | MMAP_WRAP_BIG_ENDIAN, 3), 0x0304);
    CHECK_IS(mmap_wrap_put_float(h, MMAP_WRAP_F64 | MMAP_WRAP_BIG_ENDIAN, 8, 1.0), 0);
    CHECK(memcmp(bytes + 8, "\x3f\xf0\0\0\0\0\0\0", 8) == 0);
    CHECK(mmap_wrap_get_float(h, MMAP_WRAP_F64 | MMAP_WRAP_BIG_ENDIAN, 8) == 1.0);
    CHECK_IS(munmap_wrap(h), 1);
}

static void integers_are_sign_extended_or_zero_extended(void) {
    mmap_wrap_handle h = memory_of(page);
    CHECK_IS(mmap_wrap_fill(h, 0, 0xFF, 8), 8);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_I8, 0), -1);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_U8, 0), 0xFF);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_I16, 0), -1);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_U16, 0), 0xFFFF);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_I32, 0), -1);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_U32, 0), 0xFFFFFFFF);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_I64, 0), -1);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_U64, 0), -1); /* the same bits */
    CHECK_FAILS(mmap_wrap_put_int(h, MMAP_WRAP_U8, 0, 256), MMAP_WRAP_E_ARGUMENT, "256 does not fit an unsigned integer of 8 bits: 0 to 255");
    CHECK_FAILS(mmap_wrap_put_int(h, MMAP_WRAP_I16, 0, 32768), MMAP_WRAP_E_ARGUMENT, "-32768 to 32767");
    CHECK_FAILS(mmap_wrap_put_int(h, MMAP_WRAP_U32, 0, -1), MMAP_WRAP_E_ARGUMENT, "0 to 4294967295");
    CHECK_IS(mmap_wrap_put_int(h, MMAP_WRAP_U64, 0, -1), 0);
    CHECK_FAILS(mmap_wrap_put_float(h, MMAP_WRAP_F32, 0, DBL_MAX), MMAP_WRAP_E_ARGUMENT, "does not fit a float of 32 bits");
    CHECK_IS(munmap_wrap(h), 1);
}

/* As in a language in which output parameters are expensive. */
static void a_failure_differs_from_the_number_with_the_same_value(void) {
    mmap_wrap_handle h = memory_of(page);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_I8, page), MMAP_WRAP_NO_INT);
    CHECK_IS(mmap_wrap_last_error_code(), MMAP_WRAP_E_RANGE);
    CHECK_IS(mmap_wrap_put_int(h, MMAP_WRAP_I64, 0, MMAP_WRAP_NO_INT), 0);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_I64, 0), MMAP_WRAP_NO_INT);
    CHECK_IS(mmap_wrap_last_error_code(), 0);
    CHECK(isnan(mmap_wrap_get_float(h, MMAP_WRAP_I64, 0)));
    CHECK_IS(mmap_wrap_last_error_code(), MMAP_WRAP_E_ARGUMENT);
    CHECK_IS(mmap_wrap_put_float(h, MMAP_WRAP_F64, 0, NAN), 0);
    CHECK(isnan(mmap_wrap_get_float(h, MMAP_WRAP_F64, 0)));
    CHECK_IS(mmap_wrap_last_error_code(), 0);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_F64, 0), MMAP_WRAP_NO_INT);
    CHECK_FAILS(mmap_wrap_last_error_code(), MMAP_WRAP_E_ARGUMENT, "mmap_wrap_get_int: a float of 64 bits is not for this call");
    CHECK_IS(mmap_wrap_get_int(h, 99, 0), MMAP_WRAP_NO_INT);
    CHECK_FAILS(mmap_wrap_last_error_code(), MMAP_WRAP_E_ARGUMENT, "0x63 is not an element kind");
    CHECK_FAILS(mmap_wrap_get(h, MMAP_WRAP_I64, 0, NULL), MMAP_WRAP_E_ARGUMENT, "the buffer is NULL, but 8 bytes long");
    CHECK_IS(munmap_wrap(h), 1);
}

static void a_number_that_extends_into_an_inaccessible_page_is_a_fault(void) {
    mmap_wrap_handle h = memory_of(2 * page);
    CHECK_IS(mprotect_wrap(h, PROT_NONE, page, page), 0);
    CHECK_FAILS(mmap_wrap_put_int(h, MMAP_WRAP_I64, page - 3, 1), MMAP_WRAP_E_FAULT, "after 3 of 8 bytes");
    CHECK_IS(mmap_wrap_fault_done(), 3);
    CHECK(mmap_wrap_fault_address() == (char *)mmap_wrap_address(h) + page);
    CHECK_IS(mmap_wrap_get_int(h, MMAP_WRAP_I16, page - 1), MMAP_WRAP_NO_INT);
    CHECK_IS(mmap_wrap_last_error_code(), MMAP_WRAP_E_FAULT);
    CHECK(isnan(mmap_wrap_get_float(h, MMAP_WRAP_F32, page)));
    CHECK_IS(mmap_wrap_last_error_code(), MMAP_WRAP_E_FAULT);
    CHECK_IS(mmap_wrap_put_int(h, MMAP_WRAP_I64, page - 8, 1), 0);
    CHECK_IS(munmap_wrap(h), 1);
}

int main(void) {
    page = mmap_wrap_page_size();
    RUN(every_kind_is_a_type_of_c);
    RUN(numbers_have_the_given_byte_order);
    RUN(integers_are_sign_extended_or_zero_extended);
    RUN(a_failure_differs_from_the_number_with_the_same_value);
    RUN(a_number_that_extends_into_an_inaccessible_page_is_a_fault);
    return finish();
}
