/* app/ticker.c - see ticker.h. */

#include "app/ticker.h"

enum { LOOK_MS = 1000, BUSY_MS = 100 }; /* a wall clock that was set is noticed within a second */

struct Ticker {
    JobService *jobs;
    Loop *loop;
    Lane *lane;
    Clock *clock;
    LoopTimer timer;
    bool under_way, again, stopped; /* of the loop's thread */
    Time next;                      /* of the tick under way; the loop reads it when that is done */
};

static void begin(void *arg);

static void done(void *arg) { /* on the loop */
    Ticker *t = arg;
    t->under_way = false;
    if (t->stopped)
        return;
    int64_t wait_ms = t->again ? 0 : CLAMP(t->next.ms - clock_wall(t->clock).ms, INT64_C(1), (int64_t)LOOK_MS);
    t->again = false;
    loop_timer_start(&t->timer, wait_ms, 0);
}

static void tick(void *arg, int err) { /* on the lane */
    Ticker *t = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, t->clock);
    cx.principal = (Principal){ ROLE_ADMIN, S("jobs") };
    if (err != 0 || jobs_tick(t->jobs, &cx, &t->next) != 0)
        t->next = time_add_ms(clock_wall(t->clock), LOOK_MS);
    arena_done(&arena);
    if (err == 0) /* a lane that closes has no loop behind it any more */
        loop_post(t->loop, done, t);
}

static void begin(void *arg) { /* on the loop */
    Ticker *t = arg;
    if (t->stopped)
        return;
    if (t->under_way) {
        t->again = true;
        return;
    }
    loop_timer_stop(&t->timer);
    t->under_way = true;
    if (lane_post(t->lane, &(LaneJob){ .run = tick, .arg = t }) == 0)
        return;
    t->under_way = false;
    loop_timer_start(&t->timer, BUSY_MS, 0);
}

Ticker *ticker_new(JobService *jobs, Loop *loop, Lane *lane, Clock *clock) {
    Ticker *t = mem_new(Ticker);
    *t = (Ticker){ .jobs = jobs, .loop = loop, .lane = lane, .clock = clock };
    loop_timer_init(&t->timer, loop, begin, t);
    loop_post(loop, begin, t);
    return t;
}

void ticker_wake(void *ticker) {
    loop_post(((Ticker *)ticker)->loop, begin, ticker);
}

void ticker_stop(Ticker *t) {
    t->stopped = true;
    loop_timer_stop(&t->timer);
}

Ticker *ticker_free(Ticker *t) {
    return t ? mem_free(t) : NULL;
}
