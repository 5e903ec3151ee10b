/*
 * Every constant by getter, table and name, compared with the system's headers; and every name of those headers is
 * known. CMakeLists.txt generates the lists: constants.inc from mmap_wrap_constants.h, one CHECK_CONSTANT(NAME) for each getter,
 * and system_names.inc from the macros that the compiler finds in system_headers.h, and the library's own.
 */
#define _GNU_SOURCE
#include "check.h"
#include "mmap_wrap_constants.h"
#include "system_headers.h"

#include <stdio.h>
#include <string.h>

struct constant {
    const char *name;
    int64_t (*getter)(void);
};

#define CHECK_CONSTANT(NAME) {#NAME, mmap_wrap_##NAME},
static const struct constant constants[] = {
#include "constants.inc"
};
#undef CHECK_CONSTANT

/* MAP_FAILED is a pointer in C; as a number it can be in the list below. */
static const intptr_t map_failed = (intptr_t)MAP_FAILED;
#undef MAP_FAILED
#define MAP_FAILED map_failed

static const char *const system_names[] = {
#include "system_names.inc"
};

#define COUNT(list) ((int64_t)(sizeof(list) / sizeof *(list)))

static int64_t place_in_table(const char *name) {
    for (int64_t i = 0; i < mmap_wrap_constant_count(); i++)
        if (strcmp(mmap_wrap_constant_name(i), name) == 0) return i;
    return -1;
}

static void table_and_getters_have_the_same_names(void) {
    CHECK_IS(mmap_wrap_constant_count(), COUNT(constants));
    for (int64_t i = 0; i < COUNT(constants); i++) {
        int64_t place = place_in_table(constants[i].name);
        check(place >= 0, __FILE__, __LINE__, text("%s is in the table", constants[i].name));
        check_is(mmap_wrap_constant_value(place), constants[i].getter(), __FILE__, __LINE__, constants[i].name);
    }
}

static void a_constant_found_by_name_has_the_value_of_its_getter(void) {
    for (int64_t i = 0; i < COUNT(constants); i++) {
        const char *name = constants[i].name;
        int64_t value = 42;
        if (mmap_wrap_constant_available(place_in_table(name)) == 1) {
            check_is(mmap_wrap_constant(name, &value), 0, __FILE__, __LINE__, name);
            check_is(value, constants[i].getter(), __FILE__, __LINE__, name);
        } else {
            check_fails(mmap_wrap_constant(name, &value), MMAP_WRAP_E_UNSUPPORTED, name, __FILE__, __LINE__, name);
            check_is(constants[i].getter(), 0, __FILE__, __LINE__, name);
            check_is(value, 42, __FILE__, __LINE__, text("%s, place for the value after UNSUPPORTED", name));
        }
    }
}

static void check_against_header(const char *name, int64_t value) {
    int64_t found = 42;
    check_is(mmap_wrap_constant(name, &found), 0, __FILE__, __LINE__, name);
    check_is(found, value, __FILE__, __LINE__, text("%s against the system's header", name));
}

static void values_are_those_of_the_system_headers(void) {
    int64_t missing = 0;
    char list[8192] = "";
    /* compared.inc has, for each name, COMPARE(NAME) where a header here defines it, and MISSING(NAME) elsewhere. */
#define COMPARE(NAME) check_against_header(#NAME, (int64_t)(NAME));
#define MISSING(NAME) missing++; strcat(strcat(list, " "), #NAME);
#include "compared.inc"
    CHECK(missing < COUNT(constants));
    CHECK(strstr(list, " MMAP_WRAP_") == NULL);
    if (missing > 0)
        skip("%lld names are in no header here and cannot be compared:%s", (long long)missing, list);
}

static void every_name_of_the_system_headers_is_known(void) {
    for (int64_t i = 0; i < COUNT(system_names); i++) {
        int64_t value;
        check_is(mmap_wrap_constant(system_names[i], &value), 0, __FILE__, __LINE__, system_names[i]);
    }
}

static void unknown_names_and_indexes_are_errors(void) {
    int64_t value = 42, count = mmap_wrap_constant_count();
    CHECK_FAILS(mmap_wrap_constant("PROT_TELEPATHY", &value), MMAP_WRAP_E_ARGUMENT, "'PROT_TELEPATHY'");
    CHECK_FAILS(mmap_wrap_constant("", &value), MMAP_WRAP_E_ARGUMENT, "''");
    CHECK_FAILS(mmap_wrap_constant("prot_read", &value), MMAP_WRAP_E_ARGUMENT, "'prot_read'");
    CHECK_FAILS(mmap_wrap_constant("PROT_\xff", &value), MMAP_WRAP_E_ARGUMENT, "PROT_");
    CHECK_FAILS(mmap_wrap_constant(NULL, &value), MMAP_WRAP_E_ARGUMENT, "NULL");
    CHECK_FAILS(mmap_wrap_constant("PROT_READ", NULL), MMAP_WRAP_E_ARGUMENT, "NULL");
    CHECK_IS(value, 42);

    const int64_t outside[] = {-1, count, INT64_MAX, INT64_MIN};
    for (int64_t i = 0; i < COUNT(outside); i++) {
        const char *number = text("%lld", (long long)outside[i]);
        CHECK_NULL(mmap_wrap_constant_name(outside[i]), number);
        CHECK_FAILS(mmap_wrap_constant_value(outside[i]), MMAP_WRAP_E_ARGUMENT, number);
        CHECK_FAILS(mmap_wrap_constant_available(outside[i]), MMAP_WRAP_E_ARGUMENT, number);
    }
}

int main(void) {
    RUN(table_and_getters_have_the_same_names);
    RUN(a_constant_found_by_name_has_the_value_of_its_getter);
    RUN(values_are_those_of_the_system_headers);
    RUN(every_name_of_the_system_headers_is_known);
    RUN(unknown_names_and_indexes_are_errors);
    return finish();
}
