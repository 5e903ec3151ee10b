/*
 * Checks, and a check of every test for leaks.
 *
 * A program is a list of tests: functions named for what they prove, each passed to RUN. RUN also compares the open
 * descriptors and the mapped bytes of the process before and after, so every test proves that nothing leaks.
 * A failed check prints one line, and the test continues. Threads and forked children may use checks, too.
 */
#ifndef CHECK_H
#define CHECK_H

#include "mmap_wrap.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs one test. RUN_THREADED leaves the mapped bytes out: the C library keeps the stacks of threads for reuse. */
#define RUN(test) run(#test, test, true)
#define RUN_THREADED(test) run(#test, test, false)

/* Runs a test that is only for POSIX systems: it uses what Windows lacks, or checks what it does otherwise (docs/platforms.md). */
#ifdef _WIN32
#define RUN_POSIX(test) not_for_windows(#test)
#define RUN_POSIX_THREADED(test) RUN_POSIX(test)
#else
#define RUN_POSIX(test) RUN(test)
#define RUN_POSIX_THREADED(test) RUN_THREADED(test)
#endif

/* The options of mmap_open_wrap and mmap_shm_wrap, by position: open_flags, mode, size, allocate, length, prot, flags, offset. */
#define HOW(...) &(struct mmap_wrap_open_options){__VA_ARGS__}, (int64_t)sizeof(struct mmap_wrap_open_options)

#define CHECK(condition) check((condition), __FILE__, __LINE__, #condition)

/* The call returns this number. */
#define CHECK_IS(call, expected) check_is((call), (expected), __FILE__, __LINE__, #call)

/* The call returns this code, and its message contains this text. */
#define CHECK_FAILS(call, code, text) check_fails((call), (code), (text), __FILE__, __LINE__, #call)

/* The call returns NULL, and its message contains this text. */
#define CHECK_NULL(call, text) check_null((call), (text), __FILE__, __LINE__, #call)

void not_for_windows(const char *name);
void run(const char *name, void (*test)(void), bool counts_mapped_bytes);
bool check(bool holds, const char *file, int line, const char *expression);
bool check_is(int64_t actual, int64_t expected, const char *file, int line, const char *call);
bool check_fails(int64_t actual, int64_t code, const char *text, const char *file, int line, const char *call);
bool check_null(const void *actual, const char *text, const char *file, int line, const char *call);

/* Reports a check that is not possible here, and the reason. */
void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs the test in a forked child, which may change its user or its limits. A child that dies is a failure. */
void in_child(void (*test)(void));

/* The same for a child that is expected to die by this signal; 0 is none. */
void in_child_killed_by(int signal, void (*test)(void));

/* Prints the counts, for scripts/test to add up. Returns main's exit status. */
int finish(void);

/* Whether the library has loops for this processor, whose faults it repairs. Elsewhere accesses go through the kernel, and
   atomic operations are made by a process that shares the memory. */
bool has_loops(void);

/* Features that some emulators lack. Each is tested for, and if it is missing, reported as skipped: this advice, for private
   memory; a child process that shares the memory, as posix_spawn(3) creates it, without which some atomic operations are
   UNSUPPORTED; the address of a fault in si_addr; RLIMIT_AS. */
bool takes_advice(int advice);
bool processes_share_memory(void);
bool faults_have_addresses(void);
bool address_space_has_a_limit(void);

/* For what only one program needs to know: runs look in a child, which ends with status 0 if it is so. */
bool found_in_child(void (*look)(void));

/* The result for a length that exceeds every address space: with addresses of 32 bits, the number itself is out of range. */
#define TOO_LONG (sizeof(void *) < 8 ? (int64_t)MMAP_WRAP_E_RANGE : (int64_t)-ENOMEM)

/* The number of an ioctl(2): an unsigned long in glibc, an int in musl. */
#ifdef __GLIBC__
#define REQUEST(number) (number)
#else
#define REQUEST(number) ((int)(number))
#endif

/* The factor for all timeouts: MMAP_WRAP_PATIENCE, for emulated processors. */
int patience(void);

/* Whether a child ended because its emulator had no memory, as at vm.max_map_count; if so, reports it as skipped. */
bool emulator_ended(int status);

/* Whether a child that should have ended hangs in its emulator, without running the program; if so, reports it as skipped. */
bool hangs_in_an_emulator(pid_t child);

/* Resources of the process, from /proc/self. */
int64_t open_descriptors(void);
int64_t mapped_bytes(void);
int64_t mappings_of(const char *file);
bool is_mapped(const void *address);
bool under_valgrind(void);

/* Files are created in the current directory, which CTest creates for this run and removes. */
void make_file(const char *name, const void *bytes, int64_t size);

/* A shared mapping of two pages of a file that is then truncated to one page. */
mmap_wrap_handle truncated_mapping(void);
void read_file(const char *name, void *bytes, int64_t size);

/* Bytes that differ from page to page, and are the same for the same seed. */
void scramble(unsigned char *bytes, int64_t size, uint32_t seed);

/* Formats a text as printf does. It is valid until the fourth call after this one. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Maps this many bytes of private memory for reading and writing; aborts if that fails. */
mmap_wrap_handle memory_of(int64_t bytes);

/* The same, filled with scrambled bytes, which it stores in expected, too. */
mmap_wrap_handle scrambled_memory(unsigned char *expected, int64_t size);

/* Whether the mapping begins with these bytes. */
bool contains(mmap_wrap_handle h, const unsigned char *expected, int64_t size);

/* Whether the result is that the kernel lacks the call, which is printed as skipped. */
bool lacking(int64_t result);

#endif
