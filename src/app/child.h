#pragma once

/* app/child.h - this program once more, as a child process of the lowest scheduling class with a memory cap.
 *
 * For work that may grow or crash: it takes nothing down but itself (MDS-43). The child's standard output and error come
 * back by their ends. */

#include "base/ctx.h"

enum { CHILD_TAIL = 2000, CHILD_ARGS_MAX = 64 };

typedef struct ChildOptions {
    const char *program;
    char *const *args;  /* NULL-terminated, without the program's name */
    int64_t memory_max; /* bytes of address space; 0 = no cap */
} ChildOptions;

typedef struct ChildEnd {
    int status;  /* exit status; -1 when a signal ended it */
    int signal;  /* that signal */
    Str out_end; /* the last CHILD_TAIL bytes of what it wrote, in cx->arena */
} ChildEnd;

/* Runs it to its end. Cancelled or past the deadline of cx: TERM, and KILL after half a second; then ERR_CANCELLED or
 * ERR_TIMEOUT. 0 when it ended by itself, however. */
int child_run(Ctx *cx, const ChildOptions *o, ChildEnd *out);
