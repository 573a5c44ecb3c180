#pragma once

/* base/lane.h - bounded queues of work with threads behind them.
 *
 * A Lane runs jobs. LaneThreads is the real one: n threads, at most `depth` jobs waiting, a job that has
 * waited past its deadline is dropped with ERR_TIMEOUT. A simulation has its own Lane that runs jobs on
 * the virtual clock. Waiting longer than 100 ms at the head of the queue makes lane_post answer ERR_BUSY,
 * so that a flood is refused at the door (503) instead of being served late. */

#include "base/clock.h"
#include "base/err.h"

typedef struct Lane Lane;

typedef struct LaneJob {
    void (*run)(void *arg, int err); /* err 0: do it; ERR_TIMEOUT or ERR_CANCELLED: it will not be done */
    void *arg;
    MonoNs deadline; /* ns 0 = none */
} LaneJob;

typedef struct LaneStats {
    int threads;
    int64_t waiting, running, done, refused, expired;
    int64_t oldest_wait_ms;
} LaneStats;

typedef struct LaneOps {
    int (*post)(Lane *l, const LaneJob *job); /* 0, ERR_BUSY; never blocks */
    void (*stats)(Lane *l, LaneStats *out);
    void (*close)(Lane *l); /* runs what is queued with ERR_CANCELLED, joins the threads */
    void (*stop)(Lane *l);  /* close without the end of the lane; close may come after it */
    /* Optional: lane_call on a lane without threads of its own, where waiting would be for ever. */
    int (*call)(Lane *l, void (*fn)(void *arg), void *arg);
} LaneOps;

struct Lane {
    const LaneOps *ops;
};

int lane_post(Lane *l, const LaneJob *job);
/* Runs fn(arg) on the lane and waits for it. Blocks: never from a loop or from the same lane. */
int lane_call(Lane *l, void (*fn)(void *arg), void *arg);
void lane_stats(Lane *l, LaneStats *out);
/* What is queued runs with ERR_CANCELLED, and nothing runs any more when this returns; posting answers ERR_BUSY. Who
 * still holds the lane may go on holding it until lane_close. NULL is fine. */
void lane_stop(Lane *l);
Lane *lane_close(Lane *l);

/* threads started with the first job; name shows in `top -H` and logs. */
Lane *lane_threads_new(const char *name, int threads, size_t depth, Clock *clock);
/* Runs each job inside post, on the caller's thread: for the CLI and for unit tests. */
Lane *lane_inline_new(void);
