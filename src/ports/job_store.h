#pragma once

/* ports/job_store.h - jobs, their runs, queues of small work, and the record of who changed what.
 *
 * Adapters:  adapters/jobs (SQLite: control.db, or in memory).  Used by: services/jobs, services/admin, services/webhooks.
 * Memory:    results go to cx->arena; an adapter keeps no pointer of the caller's.
 * Threads:   any; every call is one transaction.
 * Durable:   a change is synced before the call returns.
 * Contract:  tests/contract/job_store.c runs against every adapter. */

#include "base/ctx.h"
#include "core/job.h"
#include "policy/audit_chain.h"
#include "ports/snapshot.h"

typedef struct JobStore JobStore;

enum { JOB_NONE = 1, JOB_STALE = 2, JOB_DUPLICATE = 3 };
enum { JOB_TEXT_MAX = 64 << 10, QUEUE_CLAIM_MAX = 1000 };

typedef struct Job {
    Str id;             /* "collect-hourly": letters, digits, . _ - */
    Str kind;           /* what runs: a JobKind of the service */
    Str schedule, zone; /* core/cron; empty = by hand only; empty zone = UTC */
    Str params;         /* JSON for the kind */
    JobMissed missed;
    int64_t retries, backoff_ms, timeout_ms; /* timeout 0 = none */
    int64_t memory_max;                      /* bytes of a child process; 0 = the kind's own */
    bool armed;                              /* its schedule counts */
    JobState state;
    Time next_fire;              /* ms 0 = none */
    int64_t n_skipped, n_missed; /* fires while busy; fires nobody saw */
    Str run;                     /* the run at work, or the last one; empty = never */
    int64_t revision;            /* grows with every change */
} Job;

typedef struct JobRun {
    Str id, job, kind, params;
    bool by_schedule;
    Time scheduled_for; /* the fire it answers, or when it was asked for */
    RunState state;
    int64_t attempt;                                /* 1-based */
    int64_t resumed;                                /* times it went on after its process was gone */
    Time queued_at, started_at, ended_at, next_try; /* ms 0 = not yet */
    int64_t done, total;                            /* progress; total 0 = not known */
    int64_t n_success, n_failed;                    /* items, counted by the kind */
    Str checkpoint;                                 /* what the kind wants to know when it goes on */
    Str message, error;
} JobRun;

/* One change, whole or not at all. The job's row must still have `job->revision` (0: it must be new), else JOB_STALE;
 * afterwards it is one more. A run is inserted or replaced; a second run of one job for one scheduled fire is
 * JOB_DUPLICATE and nothing happens. */
typedef struct JobChange {
    const Job *job;    /* required */
    const JobRun *run; /* NULL = none */
} JobChange;

typedef struct QueueItem {
    int64_t id; /* of the store, ascending */
    Str payload;
    int64_t tries; /* claims so far, this one included */
    bool failed;   /* of queue_done: it did not work */
    Str result;    /* of queue_done: words or JSON */
} QueueItem;

typedef struct QueueClaim { /* at most `most` items of `queue` for `worker`, who holds them until `until` */
    Str queue, worker;
    Time now, until;
    size_t most;
} QueueClaim;

typedef struct QueueStats {
    int64_t waiting, claimed, done, failed;
} QueueStats;

typedef struct AuditRow {
    int64_t id; /* ascending */
    Time at;
    Str who, action, subject, outcome; /* "cli", "cache.clear", "binance:BTCUSDT:1h", "ok" or an error's name */
    Str request_id;
    int64_t rows; /* candles, or what else it was done to; 0 = it is not counted */
    Str detail;   /* words */
    /* Of what comes by the thousand: in the file when the call returns, so that a kill loses nothing, but not synced by
     * itself; a power cut may take the last ones. Not kept. */
    bool often;
} AuditRow;
enum { AUDIT_KEPT = 1000000 }; /* newest rows; older ones go */

/* Somebody who wants to be told when a run is over. */
typedef enum CallbackState { CALLBACK_ARMED, CALLBACK_DUE, CALLBACK_DELIVERED, CALLBACK_DEAD } CallbackState;
typedef struct Callback {
    Str id, run, url;
    Str body; /* what is told; empty while armed */
    CallbackState state;
    int64_t tries, last_status; /* of HTTP; 0 = none came */
    Time created, next_try, ended;
    Str last_error;
} Callback;
enum { CALLBACK_FULL = 1 };

typedef struct CallbackQuery {
    int state;   /* < 0 = any */
    Str id;      /* empty = any */
    Time due;    /* next_try at most; ms 0 = any */
    bool newest; /* newest first, else who is due first */
    size_t limit;
} CallbackQuery;

typedef struct JobStoreOps {
    const char *name;
    /* All required. */
    int (*change)(JobStore *s, Ctx *cx, const JobChange *change);
    int (*jobs)(JobStore *s, Ctx *cx, Str id, Job **out, size_t *n); /* empty id = all, by id */
    int (*drop)(JobStore *s, Ctx *cx, Str id);                       /* with its runs; JOB_NONE */
    /* Progress of a run: done, total, counts, checkpoint, message; nothing else of it. Not necessarily synced. */
    int (*progress)(JobStore *s, Ctx *cx, const JobRun *run);
    int (*run)(JobStore *s, Ctx *cx, Str id, JobRun *out);                             /* JOB_NONE */
    int (*runs)(JobStore *s, Ctx *cx, Str job, size_t limit, JobRun **out, size_t *n); /* empty = all; newest first */
    int (*prune)(JobStore *s, Ctx *cx, Str job, size_t keep);                          /* runs that are over */

    int (*queue_put)(JobStore *s, Ctx *cx, Str queue, const Str *payloads, size_t n);
    /* Items nobody holds, or whose holder's lease is over, oldest first. */
    int (*queue_claim)(JobStore *s, Ctx *cx, const QueueClaim *claim, QueueItem **out, size_t *n);
    /* Items that are no longer the worker's stay as they are: *n_taken counts those that were. */
    int (*queue_done)(JobStore *s, Ctx *cx, Str worker, const QueueItem *items, size_t n, size_t *n_taken);
    int (*queue_stats)(JobStore *s, Ctx *cx, Str queue, QueueStats *out);
    int (*queue_drop)(JobStore *s, Ctx *cx, Str queue);

    int (*audit_add)(JobStore *s, Ctx *cx, const AuditRow *row); /* its id is the store's */
    int (*audit_walk)(JobStore *s, Ctx *cx, const AuditAnchor *anchor, AuditSpan *span, AuditWalk *out);
    int (*audit_list)(JobStore *s, Ctx *cx, int64_t before, size_t limit, AuditRow **out, size_t *n); /* newest first */

    /* By id: inserted, or replaced but for run, url and created. most > 0: CALLBACK_FULL when so many are armed or due. */
    int (*callback_put)(JobStore *s, Ctx *cx, const Callback *c, size_t most);
    int (*callbacks)(JobStore *s, Ctx *cx, const CallbackQuery *q, Callback **out, size_t *n);
    int (*callback_prune)(JobStore *s, Ctx *cx, size_t keep); /* of those that are over */
    /* Optional. All of it as at one moment, as the bytes of a file that the same adapter opens; changes go on meanwhile. */
    int (*snapshot)(JobStore *s, Ctx *cx, SnapshotPiece *piece, void *arg);
    void (*close)(JobStore *s);
} JobStoreOps;

typedef int JobStoreFault(void *arg, Ctx *cx, const char *point);

struct JobStore { /* the first member of every adapter's own struct */
    const JobStoreOps *ops;
    JobStoreFault *fault; /* NULL outside of tests; as CandleStoreFault */
    void *fault_arg;
};

int job_store_change(JobStore *s, Ctx *cx, const JobChange *change);
int job_store_jobs(JobStore *s, Ctx *cx, Job **out, size_t *n);
int job_store_job(JobStore *s, Ctx *cx, Str id, Job *out); /* 0 or JOB_NONE */
int job_store_drop(JobStore *s, Ctx *cx, Str id);
int job_store_progress(JobStore *s, Ctx *cx, const JobRun *run);
int job_store_run(JobStore *s, Ctx *cx, Str id, JobRun *out);
int job_store_runs(JobStore *s, Ctx *cx, Str job, size_t limit, JobRun **out, size_t *n);
int job_store_prune(JobStore *s, Ctx *cx, Str job, size_t keep);
int job_store_queue_put(JobStore *s, Ctx *cx, Str queue, const Str *payloads, size_t n);
int job_store_queue_claim(JobStore *s, Ctx *cx, Str queue, Str worker, int64_t lease_ms, size_t most, QueueItem **out,
                          size_t *n);
int job_store_queue_done(JobStore *s, Ctx *cx, Str worker, const QueueItem *items, size_t n, size_t *n_taken);
int job_store_queue_stats(JobStore *s, Ctx *cx, Str queue, QueueStats *out);
int job_store_queue_drop(JobStore *s, Ctx *cx, Str queue);
int job_store_audit_add(JobStore *s, Ctx *cx, const AuditRow *row);
/* The row of one request: who asked for it, of what, and how it ended (r). An action that cannot be recorded has
 * failed. Returns r, or what writing the row failed with. s NULL: nothing is recorded. */
int job_store_record(JobStore *s, Ctx *cx, const AuditRow *what, int r);
/* The rows are a chain, as the record of security events is (policy/audit_chain.h): reads every row and checks it, against
 * the anchor that is kept (NULL) or another. The finding is in out->fault; 0 says that the rows could be read. */
int job_store_audit_walk(JobStore *s, Ctx *cx, const AuditAnchor *anchor, AuditSpan *span, AuditWalk *out);
int job_store_audit_list(JobStore *s, Ctx *cx, int64_t before, size_t limit, AuditRow **out, size_t *n);
int job_store_callback_add(JobStore *s, Ctx *cx, const Callback *c, size_t most); /* 0, CALLBACK_FULL */
int job_store_callback_put(JobStore *s, Ctx *cx, const Callback *c);
int job_store_callbacks(JobStore *s, Ctx *cx, const CallbackQuery *q, Callback **out, size_t *n);
int job_store_callback_prune(JobStore *s, Ctx *cx, size_t keep);
int job_store_snapshot(JobStore *s, Ctx *cx, SnapshotPiece *piece, void *arg); /* ERR_UNSUPPORTED without one */
JobStore *job_store_close(JobStore *s);                                        /* NULL is fine; returns NULL */
DEFINE_CLEANUP(JobStore *, job_store_close)
