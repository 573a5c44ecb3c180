#pragma once

/* app/syscall_filter.h - which system calls this process may make (SEC-24): a seccomp filter, written by hand over the calls
 * that the program and its libraries make.
 *
 * Calls that are not on the list get EPERM, with a signal that tells which (FILTER_ON), or are let through and told
 * (FILTER_REPORT). Some are looked at with their arguments: sockets of the kinds that are used, threads but no name spaces,
 * memory that is written or run but not both. What runs already keeps running: all threads at once get the filter, and
 * processes they start have it from their first instruction.
 *
 * A filter is no sandbox by itself: what may be written and started is app/confine.h's.
 *
 * Threads: syscall_filter_on from one thread, once a process. */

#include "base/ctx.h"

#include <sys/types.h>

typedef enum FilterMode { FILTER_ON, FILTER_REPORT } FilterMode;

typedef struct FilterOptions {
    FilterMode mode;
    bool children; /* it starts processes: this program once more */
    /* A call that is not on the list, told at its first time and at each doubling: FILTER_ON on the thread of
     * syscall_filter_read, FILTER_REPORT on one of its own. name may be NULL. who: in a report the thread, else 0. */
    void (*refused)(void *arg, int number, const char *name, int64_t times, pid_t who);
    void *arg;
} FilterOptions;

/* 0; or ERR_UNSUPPORTED with words: nothing has changed then. */
int syscall_filter_on(Ctx *cx, const FilterOptions *o);

/* FILTER_ON: readable when calls were refused; syscall_filter_read tells them. -1: there is nothing to wait for. */
int syscall_filter_fd(void);
void syscall_filter_read(void);

void syscall_filter_hush(void); /* `refused` is called no more, and is not being called */

/* Calls that were not on the list, of this process (FILTER_REPORT: and of those it started). Any thread. */
int64_t syscall_filter_refused(void);

/* In a child that was started under a filter: a refused call is told on standard error. */
void syscall_filter_child(void);
