#pragma once

/* net/loop.h - an event loop on one thread: sockets, timers, signals, and a mailbox for other threads.
 *
 * libuv underneath, seen by no one else. Loop code does no I/O that can block, takes no lock and runs
 * <= 20 µs a callback; a stall histogram watches it. Threads: loop_post and loop_stop from any thread,
 * all else on the loop's own. */

#include "base/clock.h"

typedef struct Loop Loop;
typedef struct LoopTimer LoopTimer;

Loop *loop_new(Clock *clock);
Loop *loop_free(Loop *l);
int loop_run(Loop *l); /* until loop_stop; returns 0 */
void loop_stop(Loop *l);
Clock *loop_clock(Loop *l);

/* Runs fn(arg) on the loop soon, in order of posting. Any thread. */
void loop_post(Loop *l, void (*fn)(void *arg), void *arg);

LoopTimer *loop_timer_new(Loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_start(LoopTimer *t, int64_t after_ms, int64_t every_ms); /* every 0 = once */
void loop_timer_stop(LoopTimer *t);
LoopTimer *loop_timer_free(LoopTimer *t);

/* SIGINT, SIGTERM, SIGHUP arrive as calls on the loop. */
void loop_on_signal(Loop *l, int signo, void (*fn)(void *arg, int signo), void *arg);

typedef struct LoopStats {
    int64_t turns, stalls;      /* callbacks over 20 ms of wall time */
    int64_t worst_us;
} LoopStats;
void loop_stats(const Loop *l, LoopStats *out);
