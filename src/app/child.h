#pragma once

/* app/child.h - this program once more, as a child process of the lowest scheduling class with a memory cap.
 *
 * For work that may grow or crash: it takes nothing down but itself (MDS-43). Its priority is the lowest there is for the
 * processor (SCHED_IDLE) and for disks; it dies with the parent; signals go to it and to what it started. The child's
 * standard output and error come back by their ends, its progress as it goes. */

#include "base/ctx.h"

enum { CHILD_TAIL = 2000, CHILD_ARGS_MAX = 64, CHILD_PROGRESS_FD = 3 };
/* The name a child is started by: one that finds itself called so tells its progress on CHILD_PROGRESS_FD, a line
 * "done total" at a time. */
#define CHILD_NAME "finsight-job"

typedef struct ChildOptions {
    const char *program;
    char *const *args;  /* NULL-terminated, without the program's name */
    int64_t memory_max; /* bytes of memory of its own, in each of its processes; 0 = no cap */
    /* What it says of its progress, on the caller's thread; total 0 = not known. Not 0 ends it. May be NULL. */
    int (*progress)(void *arg, Ctx *cx, int64_t done, int64_t total);
    void *progress_arg;
} ChildOptions;

typedef struct ChildEnd {
    int status;  /* exit status; -1 when a signal ended it */
    int signal;  /* that signal */
    Str out_end; /* the last CHILD_TAIL bytes of what it wrote, in cx->arena */
} ChildEnd;

/* Runs it to its end. Cancelled, past the deadline of cx, or ended by `progress`: TERM, and KILL after half a second;
 * then ERR_CANCELLED, ERR_TIMEOUT, or what progress said. 0 when it ended by itself, however. */
int child_run(Ctx *cx, const ChildOptions *o, ChildEnd *out);

/* The child's side. */
bool child_is(const char *program_name);
void child_tell(double done, double total, int64_t n_units);
