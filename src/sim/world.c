/* sim/world.c - see world.h. Events live in a binary heap ordered by (due time, drawn tie, id); a lane is a queue
 * whose turns are events. */

#include "sim/world.h"

#include "base/hash.h"
#include "base/vec.h"

#include <stdio.h>

enum {
    NESTING_MAX = 24,
    LANE_WAIT_MS_MAX = 100, /* as the real lanes: base/lane.h */
    LANE_START_MS_MAX = 1,
};

typedef struct Event {
    int64_t due_ms; /* of the monotonic clock: a wall clock that jumps moves nothing */
    uint64_t tie, id;
    void (*fn)(void *arg);
    void *arg;
    int64_t every_ms; /* 0 = once */
} Event;

typedef struct WorldClock {
    ClockManual manual; /* first */
    World *world;
} WorldClock;

typedef struct VenueClock {
    Clock clock; /* first */
    World *world;
    int64_t start_ms; /* its wall time where the monotonic clock is 0 */
} VenueClock;

typedef struct Waiting {
    LaneJob job;
    MonoNs since;
} Waiting;

typedef struct WorldLane {
    Lane lane; /* first */
    World *world;
    struct WorldLane *next;
    char name[16];
    size_t depth;
    VEC(Waiting) queue; /* oldest first */
    LaneStats stats;
    bool closed;
} WorldLane;

struct World {
    WorldClock clock;
    VenueClock venue;
    VEC(Event) heap;
    uint64_t last_id, trace;
    int64_t events;
    int nesting;
    Rng order, rng; /* of the world's decisions; of whoever asks */
    IdsSeeded ids;
    WorldLane *lanes;
    ExchangeSim *exchange;
    HttpClient *http;
    const char *vfs;
    struct Running *running; /* innermost first */
};

typedef struct Running { /* a periodic event at work: it may be cancelled meanwhile */
    uint64_t id;
    bool cancelled;
    struct Running *outer;
} Running;

static int64_t now_ms(World *w) {
    return clock_mono(&w->clock.manual.clock).ns / NS_PER_MS;
}

static void trace_mix(World *w, uint64_t what) {
    w->trace = hash64_u64(what ^ (uint64_t)now_ms(w), w->trace);
}

void world_note(World *w, Str what) {
    w->trace = hash64(what.p, what.n, w->trace ^ (uint64_t)now_ms(w));
}

/* --- the heap --- */

static bool event_before(const Event *a, const Event *b) {
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    return a->tie != b->tie ? a->tie < b->tie : a->id < b->id;
}

static void heap_up(World *w, size_t i) {
    Event *v = w->heap.v;
    for (size_t up; i > 0 && event_before(&v[i], &v[up = (i - 1) / 2]); i = up) {
        Event e = v[i];
        v[i] = v[up];
        v[up] = e;
    }
}

static void heap_down(World *w, size_t i) {
    Event *v = w->heap.v;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < w->heap.n; child++)
            if (event_before(&v[child], &v[least]))
                least = child;
        if (least == i)
            return;
        Event e = v[i];
        v[i] = v[least];
        v[least] = e;
        i = least;
    }
}

static void heap_remove(World *w, size_t i) {
    w->heap.v[i] = w->heap.v[--w->heap.n];
    if (i < w->heap.n) {
        heap_up(w, i);
        heap_down(w, i);
    }
}

static uint64_t event_add(World *w, uint64_t id, int64_t after_ms, int64_t every_ms, void (*fn)(void *arg), void *arg) {
    Event e = { .due_ms = now_ms(w) + MAX(after_ms, 0),
                .tie = rng_u64(&w->order),
                .id = id ? id : ++w->last_id,
                .fn = fn,
                .arg = arg,
                .every_ms = every_ms };
    vec_push(&w->heap, e);
    heap_up(w, w->heap.n - 1);
    return e.id;
}

uint64_t world_at(World *w, Time t, void (*fn)(void *arg), void *arg) {
    return event_add(w, 0, t.ms - world_now(w).ms, 0, fn, arg);
}

uint64_t world_after(World *w, int64_t ms, void (*fn)(void *arg), void *arg) {
    return event_add(w, 0, ms, 0, fn, arg);
}

uint64_t world_every(World *w, int64_t ms, void (*fn)(void *arg), void *arg) {
    assert(ms > 0);
    return event_add(w, 0, ms, ms, fn, arg);
}

bool world_cancel(World *w, uint64_t id) {
    for (size_t i = 0; i < w->heap.n; i++)
        if (w->heap.v[i].id == id) {
            heap_remove(w, i);
            return true;
        }
    for (Running *r = w->running; r; r = r->outer)
        if (r->id == id && !r->cancelled) {
            r->cancelled = true;
            return true;
        }
    return false;
}

static void run_first(World *w) {
    Event e = w->heap.v[0];
    heap_remove(w, 0);
    if (e.due_ms > now_ms(w))
        clock_manual_advance_ms(&w->clock.manual, e.due_ms - now_ms(w));
    w->events++;
    trace_mix(w, e.id);
    Running running = { e.every_ms ? e.id : 0, false, w->running };
    w->running = &running;
    e.fn(e.arg);
    w->running = running.outer;
    if (e.every_ms && !running.cancelled)
        event_add(w, e.id, e.due_ms + e.every_ms - now_ms(w), e.every_ms, e.fn, e.arg);
}

bool world_step(World *w) {
    if (w->heap.n == 0)
        return false;
    run_first(w);
    return true;
}

static int64_t run_until_ms(World *w, int64_t until) {
    int64_t before = w->events;
    while (w->heap.n > 0 && w->heap.v[0].due_ms <= until)
        run_first(w);
    if (now_ms(w) < until)
        clock_manual_advance_ms(&w->clock.manual, until - now_ms(w));
    return w->events - before;
}

int64_t world_run_until(World *w, Time t) {
    return run_until_ms(w, now_ms(w) + MAX(t.ms - world_now(w).ms, 0));
}

int64_t world_run(World *w, int64_t max_events) {
    int64_t n = 0;
    while (n < max_events && world_step(w))
        n++;
    return n;
}

static void world_sleep(Clock *c, int64_t ms) {
    World *w = ((WorldClock *)c)->world;
    int64_t until = now_ms(w) + ms;
    if (w->nesting < NESTING_MAX) {
        w->nesting++;
        run_until_ms(w, until);
        w->nesting--;
    } else {
        clock_manual_advance_ms(&w->clock.manual, ms);
    }
}

/* --- the venue's clock --- */

static Time venue_wall(Clock *c) {
    VenueClock *v = (VenueClock *)c;
    return time_ms(v->start_ms + now_ms(v->world));
}

static MonoNs venue_mono(Clock *c) {
    return clock_mono(world_clock(((VenueClock *)c)->world));
}

static void venue_sleep(Clock *c, int64_t ms) {
    world_sleep(world_clock(((VenueClock *)c)->world), ms);
}

void world_set_wall(World *w, Time t) {
    clock_manual_set_wall(&w->clock.manual, t);
    trace_mix(w, (uint64_t)t.ms);
}

Clock *world_venue_clock(World *w) {
    return &w->venue.clock;
}

Time world_venue_now(World *w) {
    return clock_wall(&w->venue.clock);
}

/* --- lanes --- */

static void lane_turn(void *arg);

static void lane_schedule(WorldLane *l) {
    event_add(l->world, 0, rng_between(&l->world->order, 0, LANE_START_MS_MAX), 0, lane_turn, l);
}

static void job_run(WorldLane *l, const LaneJob *job) {
    World *w = l->world;
    bool late = job->deadline.ns && clock_mono(&w->clock.manual.clock).ns > job->deadline.ns;
    world_note(w, str_c(l->name));
    l->stats.running++;
    job->run(job->arg, late ? ERR_TIMEOUT : 0);
    l->stats.running--;
    if (late)
        l->stats.expired++;
    else
        l->stats.done++;
}

static void lane_turn(void *arg) {
    WorldLane *l = arg;
    if (l->queue.n == 0 || l->stats.running >= l->stats.threads)
        return; /* whoever runs now gives the next turn */
    size_t next_in_line = MIN(l->queue.n, (size_t)(l->stats.threads - l->stats.running));
    size_t i = rng_below(&l->world->order, next_in_line);
    LaneJob job = l->queue.v[i].job;
    l->queue.n--;
    memmove(l->queue.v + i, l->queue.v + i + 1, (l->queue.n - i) * sizeof *l->queue.v);
    if (l->queue.n > 0 && l->stats.running + 1 < l->stats.threads)
        lane_schedule(l); /* another thread is free while this job sleeps */
    job_run(l, &job);
    if (l->queue.n > 0)
        lane_schedule(l);
}

static int64_t oldest_wait_ms(const WorldLane *l) {
    return l->queue.n ? mono_ms_between(l->queue.v[0].since, clock_mono(&l->world->clock.manual.clock)) : 0;
}

static int world_lane_post(Lane *lane, const LaneJob *job) {
    WorldLane *l = (WorldLane *)lane;
    if (l->closed || l->queue.n >= l->depth || oldest_wait_ms(l) > LANE_WAIT_MS_MAX) {
        l->stats.refused++;
        return ERR_BUSY;
    }
    Waiting waiting = { *job, clock_mono(&l->world->clock.manual.clock) };
    vec_push(&l->queue, waiting);
    lane_schedule(l);
    return 0;
}

static void world_lane_stats(Lane *lane, LaneStats *out) {
    WorldLane *l = (WorldLane *)lane;
    *out = l->stats;
    out->waiting = (int64_t)l->queue.n;
    out->oldest_wait_ms = oldest_wait_ms(l);
}

static void world_lane_close(Lane *lane) {
    WorldLane *l = (WorldLane *)lane;
    l->closed = true;
    while (l->queue.n > 0) {
        LaneJob job = l->queue.v[--l->queue.n].job;
        job.run(job.arg, ERR_CANCELLED);
    }
}

static int world_lane_call(Lane *lane, void (*fn)(void *arg), void *arg) {
    WorldLane *l = (WorldLane *)lane;
    if (l->closed)
        return ERR_CANCELLED;
    world_note(l->world, str_c(l->name));
    fn(arg);
    l->stats.done++;
    return 0;
}

static const LaneOps lane_ops = { .post = world_lane_post,
                                  .stats = world_lane_stats,
                                  .close = world_lane_close,
                                  .stop = world_lane_close,
                                  .call = world_lane_call };

Lane *world_lane(World *w, const char *name, int threads, size_t depth) {
    assert(threads > 0 && depth > 0);
    WorldLane *l = mem_new(WorldLane);
    l->lane.ops = &lane_ops;
    l->world = w;
    l->depth = depth;
    l->stats.threads = threads;
    snprintf(l->name, sizeof l->name, "%s", name);
    l->next = w->lanes;
    w->lanes = l;
    return &l->lane;
}

/* --- the rest --- */

static void http_done(void *arg, const HttpRequest *req, int err, const HttpResponse *resp) {
    World *w = arg;
    world_note(w, req->url);
    trace_mix(w, (uint64_t)(int64_t)err);
    trace_mix(w, (uint64_t)resp->status);
    if (err == 0)
        world_note(w, resp->body);
}

int world_new(Ctx *cx, const WorldOptions *o, World **out) {
    CLEANUP(world_freep) World *w = mem_new(World);
    clock_manual_init(&w->clock.manual, o->start.ms ? o->start : time_ms(INT64_C(1704067200000)));
    w->clock.manual.clock.sleep_ms = world_sleep;
    w->clock.world = w;
    w->venue = (VenueClock){ { venue_wall, venue_mono, venue_sleep }, w, world_now(w).ms - now_ms(w) };
    rng_seed(&w->order, hash64_u64(1, o->seed));
    rng_seed(&w->rng, hash64_u64(2, o->seed));
    ids_seeded_init(&w->ids, hash64_u64(3, o->seed));
    w->trace = o->seed;
    w->vfs = o->vfs;

    ExchangeSimOptions ex = o->exchange;
    ex.seed = ex.seed ? ex.seed : o->seed;
    int r = exchange_sim_new(cx, &ex, &w->exchange);
    if (r != 0)
        return r;
    SimHttpOptions net = o->net;
    net.exchange = w->exchange;
    net.clock = world_clock(w);
    net.venue = &w->venue.clock;
    net.seed = hash64_u64(4, o->seed);
    net.on_done = http_done;
    net.arg = w;
    w->http = sim_http_new(&net);
    *out = TAKE(w);
    return 0;
}

World *world_free(World *w) {
    if (!w)
        return NULL;
    for (WorldLane *l = w->lanes; l; l = l->next)
        world_lane_close(&l->lane);
    for (WorldLane *l = w->lanes, *next; l; l = next) {
        next = l->next;
        vec_done(&l->queue);
        mem_free(l);
    }
    vec_done(&w->heap);
    http_client_close(w->http);
    exchange_sim_free(w->exchange);
    return mem_free(w);
}

Clock *world_clock(World *w) {
    return &w->clock.manual.clock;
}

Time world_now(World *w) {
    return clock_wall(world_clock(w));
}

HttpClient *world_http(World *w) {
    return w->http;
}

ExchangeSim *world_exchange(World *w) {
    return w->exchange;
}

Ids *world_ids(World *w) {
    return &w->ids.ids;
}

Rng *world_rng(World *w) {
    return &w->rng;
}

const char *world_vfs(const World *w) {
    return w->vfs;
}

uint64_t world_trace(const World *w) {
    return w->trace;
}

int64_t world_events(const World *w) {
    return w->events;
}
