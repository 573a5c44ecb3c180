#pragma once

/* services/jobs/jobs.h - scheduled and manual work (MDS-41..43).
 *
 * A job is a kind of work with parameters and, mostly, a schedule; each time it works is a run. Jobs and runs live in the
 * job_store: what the service says has happened is synced there first, so a kill at any moment leaves a job that the
 * next process takes up: a run that was under way goes on from its last checkpoint, a fire that was answered is not
 * answered again.
 *
 *     jobs_service_new -> jobs_recover once -> jobs_tick again and again -> jobs_shutdown -> jobs_service_free
 *
 * Time is the Ctx's clock: jobs_tick says when it wants to be called next, and whoever drives it (a loop's timer, a
 * test with a manual clock) decides when that is. Work runs on the lane.
 *
 * Threads: every call may come from any thread. The lane must be closed before the service is freed. */

#include "base/lane.h"
#include "base/log.h"
#include "base/rng.h"
#include "ports/job_store.h"

typedef struct JobService JobService;
typedef struct JobTask JobTask; /* a run at work, as its kind sees it */

/* A kind of work. run returns 0 or an ErrCode with words in cx; cx is cancelled when the job is stopped, and has the
 * job's deadline. It may be called again for the same run after a failure, a stop of the process or a kill, and then
 * finds what it told job_checkpoint last. */
typedef struct JobKind {
    const char *name; /* "collect" */
    const char *doc;  /* what it does, and its parameters */
    int (*run)(void *arg, Ctx *cx, JobTask *task);
    void *arg;
    /* Are these parameters usable? Asked when a job is defined. NULL = anything that is JSON. */
    int (*check)(void *arg, Ctx *cx, Str params);
    bool retries; /* a failed run is tried again: what it does may be done twice */
} JobKind;

Str job_task_params(const JobTask *t);
Str job_task_checkpoint(const JobTask *t); /* empty at the first start of a run */
const Job *job_task_job(const JobTask *t);
/* Progress never goes back: a smaller `done` than before changes nothing. Written at most twice a second. */
int job_progress(JobTask *t, Ctx *cx, int64_t done, int64_t total);
/* Counts of items since the last call: success, and failed ones that stop nobody else. */
void job_count(JobTask *t, int64_t success, int64_t failed);
/* Where to go on; in the store when it returns. */
int job_checkpoint(JobTask *t, Ctx *cx, Str checkpoint);
/* The line a person reads: "Collected 1,440 candles of 12 symbols". */
void job_message(JobTask *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

typedef struct JobsOptions {
    JobStore *store; /* borrowed, as all of these */
    Lane *lane;
    Clock *clock;
    Ids *ids;
    Logger *log; /* NULL = silent */
    const JobKind *kinds;
    size_t n_kinds;
    const char *zone_dir;    /* NULL = TZ_DIR */
    int64_t runs_kept;       /* of a job; 0 = 100 */
    int64_t retries;         /* where a job does not say; 0 = 3 */
    int64_t backoff_ms;      /* 0 = 2000: delays 2, 4, 8 s (RES-07) */
    void (*wake)(void *arg); /* the next tick should be earlier than the last one said; any thread. May be NULL */
    void *wake_arg;
    const struct SlowWatch *slow; /* of what jobs do: Ctx.slow. May be NULL */
} JobsOptions;

JobService *jobs_service_new(const JobsOptions *o);
JobService *jobs_service_free(JobService *s);

/* Takes up what another process left: queued and running runs are queued again. */
int jobs_recover(JobService *s, Ctx *cx);
/* Answers the fires that are due, queues retries that are due, posts what waits. *next: when to call again, at most a
 * minute ahead, so that a clock that was set is noticed. */
int jobs_tick(JobService *s, Ctx *cx, Time *next);
/* No run begins any more, those at work are cancelled and stay queued for the next process. Does not wait. */
void jobs_shutdown(JobService *s);
bool jobs_idle(JobService *s); /* nothing runs in this process */

/* --- what people do. ERR_NOT_FOUND, ERR_CONFLICT (409: the state does not allow it), ERR_INVALID --- */

typedef struct JobDefinition {
    Str id, kind, schedule, zone, params;
    Str missed;                                          /* empty = once */
    int64_t retries, backoff_ms, timeout_ms, memory_max; /* retries -1 = the service's, 0 = none */
} JobDefinition;
/* New, or changes one that does not run; it stays armed if it was. */
int jobs_define(JobService *s, Ctx *cx, const JobDefinition *d, Job *out);
int jobs_remove(JobService *s, Ctx *cx, Str id); /* ERR_CONFLICT while it runs */
/* The schedule counts from now on; a job without one begins a run. */
int jobs_start(JobService *s, Ctx *cx, Str id, Job *out);
/* The schedule is off; a run at work is cancelled. */
int jobs_stop(JobService *s, Ctx *cx, Str id, Job *out);
/* A run now, whatever the schedule says. params empty = the job's own. */
int jobs_run_now(JobService *s, Ctx *cx, Str id, Str params, JobRun *out);

int jobs_list(JobService *s, Ctx *cx, Job **out, size_t *n);
int jobs_get(JobService *s, Ctx *cx, Str id, Job *out);
int jobs_runs(JobService *s, Ctx *cx, Str job, size_t limit, JobRun **out, size_t *n);
int jobs_run(JobService *s, Ctx *cx, Str id, JobRun *out);
JobStore *jobs_store(JobService *s);
size_t jobs_kinds(const JobService *s, const JobKind **out);

typedef struct JobsHealth {
    int64_t jobs, armed, running, waiting, failed_last; /* failed_last: jobs whose last run failed */
    Time next_fire;                                     /* of all; ms 0 = none */
    Time last_tick;
} JobsHealth;
int jobs_health(JobService *s, Ctx *cx, JobsHealth *out);
