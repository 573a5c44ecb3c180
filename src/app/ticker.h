#pragma once

/* app/ticker.h - makes time pass for the jobs of a server: a timer of the loop, a tick on a lane, and again.
 *
 * The loop does no I/O: it only posts. One tick is under way at a time; a wake while one is, makes another follow. */

#include "base/lane.h"
#include "net/loop.h"
#include "services/jobs/jobs.h"

typedef struct Ticker Ticker;

Ticker *ticker_new(JobService *jobs, Loop *loop, Lane *lane, Clock *clock);
void ticker_wake(void *ticker); /* any thread; a JobsOptions.wake */
void ticker_stop(Ticker *t);    /* on the loop, or when it does not run; no tick begins any more */
Ticker *ticker_free(Ticker *t); /* after the lane is closed and the loop has ended */
