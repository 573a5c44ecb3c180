#pragma once

/* net/loop.h - an event loop on one thread: descriptors, timers, signals, and a mailbox for other threads.
 *
 * Loop code does no I/O that can block, takes no lock and runs <= 20 µs a callback; a histogram of callback
 * times watches it. Time comes from the Clock the loop was made with, read once a callback (loop_now).
 * Threads: loop_post, loop_mail and loop_stop from any thread, loop_stats too; all else on the loop's own,
 * which is the one that calls loop_run (until then the one that made the loop). */

#include "base/clock.h"
#include "base/list.h"
#include "base/timer.h"

typedef struct Loop Loop;

Loop *loop_new(Clock *clock); /* aborts when the kernel has no descriptor left: nothing works without a loop */
Loop *loop_free(Loop *l);     /* not running; every descriptor and timer stopped before. NULL is fine */
int loop_run(Loop *l);        /* until loop_stop; returns 0 */
void loop_stop(Loop *l);
Clock *loop_clock(Loop *l);
MonoNs loop_now(const Loop *l);   /* start of the present callback */
bool loop_is_mine(const Loop *l); /* the caller runs on the loop's thread */

/* --- mail from other threads --- */

/* Runs fn(arg) on the loop soon, in order of posting. One small allocation and at most one wakeup. */
void loop_post(Loop *l, void (*fn)(void *arg), void *arg);

/* The same without the allocation: the letter lies in the sender's own object, which must live until fn has
 * been called, and is not sent twice at a time. */
typedef struct LoopMail {
    void (*fn)(void *arg);
    void *arg;
    struct LoopMail *next; /* private */
} LoopMail;
void loop_mail(Loop *l, LoopMail *m);
/* Reads what was sent after the loop stopped, while those it is for are still there: before they are freed, and after the
 * last who sends has ended. On the thread that ran the loop. */
void loop_read_mail(Loop *l);

/* --- later --- */

/* Runs fn when the descriptors and timers of this turn have been seen to. What is put off from there runs in the next
 * turn, after what came in meanwhile, and the loop does not wait for anything to come. Costs no system call. */
typedef struct LoopLater { /* embed it */
    ListNode node;         /* private */
    void (*fn)(void *arg);
    void *arg;
} LoopLater;

static inline void loop_later_init(LoopLater *d, void (*fn)(void *arg), void *arg) {
    *d = (LoopLater){ .fn = fn, .arg = arg };
}
void loop_later(Loop *l, LoopLater *d); /* once, however often it is called before */
static inline void loop_later_stop(LoopLater *d) {
    list_remove(&d->node);
}

/* --- timers --- */

typedef struct LoopTimer { /* all private; embed it, or let loop_timer_new make one */
    Loop *loop;
    Timer timer;
    int64_t every_ms;
    void (*fn)(void *arg);
    void *arg;
} LoopTimer;

void loop_timer_init(LoopTimer *t, Loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_start(LoopTimer *t, int64_t after_ms, int64_t every_ms); /* every 0 = once; restarts */
void loop_timer_start_at(LoopTimer *t, MonoNs at);                       /* once */
void loop_timer_stop(LoopTimer *t);
static inline bool loop_timer_armed(const LoopTimer *t) {
    return timer_running(&t->timer);
}
LoopTimer *loop_timer_new(Loop *l, void (*fn)(void *arg), void *arg);
LoopTimer *loop_timer_free(LoopTimer *t); /* one of loop_timer_new; stops it; NULL is fine */

/* --- descriptors --- */

enum { LOOP_READ = 1u << 0, LOOP_WRITE = 1u << 1, LOOP_GONE = 1u << 2 }; /* GONE: error or both sides closed */

typedef struct LoopFd { /* embed it; fn may stop the descriptor and free what holds it */
    void (*fn)(void *arg, unsigned events);
    void *arg;
    int fd;
    unsigned want; /* private: what is asked of the kernel now */
} LoopFd;

/* Level-triggered: fn runs as long as what is wanted holds. want 0 still reports LOOP_GONE. 0 or ErrCode. */
int loop_fd_start(Loop *l, LoopFd *f, int fd, unsigned want, void (*fn)(void *arg, unsigned events), void *arg);
void loop_fd_want(Loop *l, LoopFd *f, unsigned want); /* one system call, and none when nothing changes */
void loop_fd_stop(Loop *l, LoopFd *f);                /* before close(); no event of it comes after */

/* --- signals --- */

/* SIGINT, SIGTERM, SIGHUP, SIGCHLD arrive as calls on the loop; one function a signal, the last one wins.
 * Blocks the signal in the calling thread: call it before other threads are made, they inherit that. */
void loop_on_signal(Loop *l, int signo, void (*fn)(void *arg, int signo), void *arg);

/* --- how it does --- */

enum { LOOP_STALL_BUCKETS = 7 };
/* Upper ends of the buckets in µs; the last bucket is all above. */
#define LOOP_STALL_US                                                                                                  \
    { 20, 100, 500, 2000, 5000, 20000 }

typedef struct LoopStats {
    int64_t turns, callbacks, mails;
    int64_t stalls; /* callbacks over 20 ms of wall time */
    int64_t worst_us;
    int64_t took[LOOP_STALL_BUCKETS]; /* callbacks by wall time, see LOOP_STALL_US */
} LoopStats;
void loop_stats(const Loop *l, LoopStats *out); /* any thread */
