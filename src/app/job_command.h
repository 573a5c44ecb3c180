#pragma once

/* app/job_command.h - finsight commands as work of jobs and of queues: in a child process, within limits. */

#include "base/ctx.h"

typedef struct JobCommand {
    const char *data_dir;
    const Str *args; /* a command line without the program's name */
    size_t n;
    int64_t memory_max; /* 0 = the default of jobs.memory, which is default_memory */
    int64_t default_memory;
    int (*progress)(void *arg, Ctx *cx, int64_t done, int64_t total); /* may be NULL */
    void *progress_arg;
} JobCommand;

/* Commands that read or write data and end by themselves; ERR_INVALID for others. */
int job_command_check(Ctx *cx, const Str *args, size_t n);
/* *said: the end of what it wrote. ERR_LIMIT: a signal ended it, its memory most likely; ERR_UNAVAILABLE: it failed. */
int job_command_run(Ctx *cx, const JobCommand *c, Str *said);
