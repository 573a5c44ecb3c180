#pragma once

/* services/jobs/internal.h - shared by the files of this folder only. */

#include "core/cron.h"
#include "services/jobs/jobs.h"

#include <pthread.h>

struct JobTask { /* on the heap from the post to the end of the run */
    JobService *s;
    const JobKind *kind;
    Str id;     /* of the job; never changes, so others may look for it */
    Job job;    /* as it was when the run began */
    JobRun run; /* strings in `arena` */
    Arena arena;
    atomic_bool cancel;
    MonoNs written; /* when progress was stored last */
    char message[240];
    JobTask *next;
};

struct JobService {
    JobsOptions o;
    pthread_mutex_t lock; /* guards the two below; never held over a call of the store */
    JobTask *tasks;       /* posted or at work in this process */
    bool shutdown;
    Time last_tick;
    pthread_mutex_t change; /* one change of a job at a time: read, decide, write */
};

const JobKind *jobs_kind(const JobService *s, Str name);
/* The job, or ERR_NOT_FOUND. */
int jobs_load(JobService *s, Ctx *cx, Str id, Job *out);
/* Stores job (and run); on success job->revision is that of the store. */
int jobs_save(JobService *s, Ctx *cx, Job *job, const JobRun *run);
/* The job's schedule, its zone loaded; 0, or 1 when it has none. */
int jobs_schedule(JobService *s, Ctx *cx, const Job *job, Cron *cron, const Tz **tz);
/* next_fire after t; ms 0 where there is none. */
int jobs_next_fire(JobService *s, Ctx *cx, const Job *job, Time after, Time *out);
/* A new run in state queued, linked into the job. */
JobRun jobs_new_run(JobService *s, Ctx *cx, Job *job, bool by_schedule, Time scheduled_for, Str params);
/* Puts the run on the lane unless it is there. ERR_BUSY: a later tick tries again. */
int jobs_post(JobService *s, const Job *job);
void jobs_wake(JobService *s);
