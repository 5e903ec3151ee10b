/*
 * Cases: tests that a defect of the library would kill or hang, each in a forked child with a time limit. A child that
 * is killed, exits, or does not end in time is one failed check with a message, and the run continues.
 *
 * A situation determines the handlers of SIGBUS and SIGSEGV while a case runs.
 */
#ifndef CASES_H
#define CASES_H

#include "check.h"

#include <sys/types.h>

/* Runs test in a child. The rest is a printf format that names the case. Returns whether the child ended well. */
#define LIVES(seconds, test, ...) lives(__FILE__, __LINE__, (seconds), (test), text(__VA_ARGS__))
bool lives(const char *file, int line, int seconds, void (*test)(void), const char *name);

/* The name of the case that runs in this child, for messages. */
extern const char *case_name;

/* Waits at most patience() times this many seconds for the child, then kills its process group. Returns false if it was
   killed and had not hung in an emulator. */
bool ended_in_time(pid_t child, double seconds, int *status);

/* Lets other threads run for this time, and on a busy machine longer, until each has run. The case has a time limit. */
void go_on(double seconds, bool (*was_put_to_the_test)(void));

enum situation {
    OURS,          /* the library's handlers, signals not blocked */
    OVER_FOREIGN,  /* a handler was installed before the library's, which replaced it */
    SEGV_FOREIGN,  /* after the library's first access another handler of SIGSEGV was installed */
    BUS_FOREIGN,   /* the same for SIGBUS */
    BOTH_FOREIGN,
    BOTH_BLOCKED,  /* both signals are blocked in the threads that access */
    ALL_BLOCKED,   /* every signal is */
    SITUATIONS
};
extern const char *const situation_names[SITUATIONS];

/* The part for the process: call it once, before other threads are started. */
void take_situation(enum situation situation);

/* The part for each thread that accesses memory; ends its lease. */
void enter_situation(enum situation situation);

/* Whether accesses of a thread in this situation are repaired by the library's handlers. */
bool repaired_in(enum situation situation);

/* mmap_wrap_verify_handlers, or -1 if the library has no such function. */
int64_t verify_handlers(void);

/* How often a handler of take_situation ran. It returns, like one in Python; since the same instruction faults again,
 * the 50th call ends the process with status 70. */
int64_t foreign_calls(void);

/* Seconds of the monotonic clock. */
double now(void);

/* The number given to the program as its first argument, or this one. */
double argument_or(int argc, char **argv, double otherwise);

#endif
