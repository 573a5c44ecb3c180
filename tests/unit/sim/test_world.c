/* sim/world: one seed, one thread, virtual time. */

#include "lib/test.h"

#include "sim/world.h"

static World *world(TestCtx *t, WorldOptions o) {
    World *w = NULL;
    test_ctx_init(t);
    if (world_new(&t->cx, &o, &w) != 0)
        FAIL("%s", t->cx.err.text);
    return w;
}

static void done(TestCtx *t, World *w) {
    world_free(w);
    test_ctx_done(t);
}

typedef struct Log { /* who ran, and when */
    World *w;
    char who[64];
    int64_t at_ms[64];
    size_t n;
} Log;

typedef struct Mark {
    Log *log;
    char name;
    int64_t sleep_ms;
    uint64_t cancel;
    int err;
} Mark;

static void mark(void *arg) {
    Mark *m = arg;
    Log *log = m->log;
    log->who[log->n] = m->name;
    log->at_ms[log->n++] = world_now(log->w).ms - 1704067200000;
    if (m->sleep_ms)
        clock_sleep_ms(world_clock(log->w), m->sleep_ms);
    if (m->cancel)
        world_cancel(log->w, m->cancel);
}

static void mark_job(void *arg, int err) {
    ((Mark *)arg)->err = err;
    mark(arg);
}

TEST(events_run_in_order_of_time_and_the_clock_jumps) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 1 });
    Log log = { .w = w };
    Mark a = { &log, 'a' }, b = { &log, 'b' }, c = { &log, 'c' };
    world_after(w, 3 * (int64_t)MS_PER_DAY, mark, &c);
    world_after(w, 500, mark, &a);
    world_at(w, time_add_ms(world_now(w), MS_PER_HOUR), mark, &b);
    world_at(w, time_ms(0), mark, &a); /* long past: at once */
    CHECK_EQ(world_run(w, 100), 4);
    CHECK_STR(str_n(log.who, log.n), S("aabc"));
    CHECK_EQ(log.at_ms[0], 0);
    CHECK_EQ(log.at_ms[1], 500);
    CHECK_EQ(log.at_ms[2], MS_PER_HOUR);
    CHECK_EQ(log.at_ms[3], 3 * (int64_t)MS_PER_DAY);
    CHECK(!world_step(w));
    done(&t, w);
}

TEST(periods_come_back_until_cancelled) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 1 });
    Log log = { .w = w };
    Mark a = { &log, 'a' }, stop = { &log, 's' };
    stop.cancel = world_every(w, 1000, mark, &a);
    world_after(w, 3500, mark, &stop);
    CHECK_EQ(world_run(w, 100), 4);
    CHECK_STR(str_n(log.who, log.n), S("aaas"));
    CHECK_EQ(log.at_ms[2], 3000);
    CHECK(!world_cancel(w, stop.cancel));
    /* one that cancels itself while it runs */
    Mark self = { &log, 'x' };
    self.cancel = world_every(w, 10, mark, &self);
    CHECK_EQ(world_run(w, 100), 1);
    done(&t, w);
}

TEST(run_until_leaves_the_clock_where_it_was_told) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 1 });
    Log log = { .w = w };
    Mark a = { &log, 'a' };
    world_every(w, MS_PER_HOUR, mark, &a);
    Time end = time_add_ms(world_now(w), 2 * MS_PER_HOUR + 1);
    CHECK_EQ(world_run_until(w, end), 2);
    CHECK_EQ(world_now(w).ms, end.ms);
    done(&t, w);
}

TEST(a_sleeper_is_overtaken_by_what_falls_due) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 1 });
    Log log = { .w = w };
    Mark slow = { &log, 's', 1000 }, quick = { &log, 'q' }, later = { &log, 'l' };
    world_after(w, 10, mark, &slow);
    world_after(w, 500, mark, &quick);
    world_after(w, 2000, mark, &later);
    CHECK(world_step(w));
    CHECK_STR(str_n(log.who, log.n), S("sq"));
    CHECK_EQ(log.at_ms[1], 500);
    CHECK_EQ(world_now(w).ms - 1704067200000, 1010);
    world_run(w, 10);
    CHECK_EQ(log.at_ms[2], 2000);
    done(&t, w);
}

TEST(a_wall_clock_that_jumps_back_moves_no_event) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 1 });
    Log log = { .w = w };
    Mark a = { &log, 'a' };
    world_after(w, 5000, mark, &a);
    clock_manual_set_wall((ClockManual *)world_clock(w), time_ms(1704067200000 - MS_PER_HOUR));
    MonoNs before = clock_mono(world_clock(w));
    world_run(w, 10);
    CHECK_EQ(mono_ms_between(before, clock_mono(world_clock(w))), 5000);
    CHECK_EQ(log.at_ms[0], 5000 - MS_PER_HOUR);
    done(&t, w);
}

/* --- lanes --- */

TEST(a_lane_of_one_thread_keeps_the_order_of_posting) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 3 });
    Log log = { .w = w };
    Lane *lane = world_lane(w, "writer", 1, 64);
    Mark m[20];
    for (int i = 0; i < 20; i++) {
        m[i] = (Mark){ &log, (char)('a' + i), i % 3 ? 0 : 20 };
        CHECK_EQ(lane_post(lane, &(LaneJob){ .run = mark_job, .arg = &m[i] }), 0);
    }
    world_run(w, 1000);
    CHECK_STR(str_n(log.who, log.n), S("abcdefghijklmnopqrst"));
    LaneStats s;
    lane_stats(lane, &s);
    CHECK_EQ(s.done, 20);
    CHECK_EQ(s.waiting + s.running, 0);
    done(&t, w);
}

TEST(a_lane_of_several_threads_mixes_by_the_seed) {
    Str orders[3];
    TestCtx keep;
    test_ctx_init(&keep);
    static const uint64_t seeds[] = { 5, 5, 6 };
    for (int run = 0; run < 3; run++) {
        TestCtx t;
        World *w = world(&t, (WorldOptions){ .seed = seeds[run] });
        Log log = { .w = w };
        Lane *lane = world_lane(w, "cpu", 4, 64);
        Mark m[20];
        for (int i = 0; i < 20; i++) {
            m[i] = (Mark){ &log, (char)('a' + i), i % 2 ? 0 : 5 };
            CHECK_EQ(lane_post(lane, &(LaneJob){ .run = mark_job, .arg = &m[i] }), 0);
        }
        world_run(w, 1000);
        CHECK_EQ(log.n, 20);
        orders[run] = str_fmt(&keep.arena, "%.20s", log.who);
        done(&t, w);
    }
    CHECK_STR(orders[0], orders[1]);
    CHECK(!str_eq(orders[0], orders[2]));
    CHECK(!str_eq(orders[0], S("abcdefghijklmnopqrst")));
    test_ctx_done(&keep);
}

TEST(a_full_or_late_lane_refuses_and_drops) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 3 });
    Log log = { .w = w };
    Lane *lane = world_lane(w, "io", 1, 3);
    Mark sleeper = { &log, 's', 200 }, a = { &log, 'a' }, b = { &log, 'b' };
    LaneJob late = { .run = mark_job, .arg = &b, .deadline = mono_add_ms(clock_mono(world_clock(w)), 50) };
    CHECK_EQ(lane_post(lane, &(LaneJob){ .run = mark_job, .arg = &sleeper }), 0);
    CHECK_EQ(lane_post(lane, &(LaneJob){ .run = mark_job, .arg = &a }), 0);
    CHECK_EQ(lane_post(lane, &late), 0);
    CHECK_EQ(lane_post(lane, &late), ERR_BUSY); /* full */
    world_run(w, 100);
    CHECK_STR(str_n(log.who, log.n), S("sab"));
    CHECK_EQ(a.err, 0);
    CHECK_EQ(b.err, ERR_TIMEOUT);
    LaneStats s;
    lane_stats(lane, &s);
    CHECK_EQ(s.refused, 1);
    CHECK_EQ(s.expired, 1);
    done(&t, w);
}

TEST(a_closed_lane_cancels_what_waits) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 3 });
    Log log = { .w = w };
    Lane *lane = world_lane(w, "io", 1, 3);
    Mark a = { &log, 'a' };
    CHECK_EQ(lane_post(lane, &(LaneJob){ .run = mark_job, .arg = &a }), 0);
    lane_close(lane);
    CHECK_EQ(a.err, ERR_CANCELLED);
    CHECK_EQ(lane_post(lane, &(LaneJob){ .run = mark_job, .arg = &a }), ERR_BUSY);
    CHECK_EQ(lane_call(lane, mark, &a), ERR_CANCELLED);
    world_run(w, 10);
    CHECK_EQ(log.n, 1);
    done(&t, w);
}

TEST(a_call_runs_in_place) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 3 });
    Log log = { .w = w };
    Mark a = { &log, 'a' };
    CHECK_EQ(lane_call(world_lane(w, "writer", 1, 3), mark, &a), 0);
    CHECK_EQ(log.n, 1);
    done(&t, w);
}

/* --- a small system: collectors that poll an unreliable venue --- */

typedef struct Collector {
    World *w;
    Lane *lane;
    Arena arena;
    Rng rng; /* of the back-off */
    const char *symbol;
    int64_t polls, answers, failures;
} Collector;

static void collect(void *arg, int err) {
    Collector *c = arg;
    if (err)
        return;
    Ctx cx;
    ctx_init(&cx, &c->arena, world_clock(c->w));
    HttpResponse r;
    char url[160];
    int n = snprintf(url, sizeof url, "https://sim/api/v3/klines?symbol=%s&interval=1h&limit=2", c->symbol);
    HttpRequest req = { .method = "GET", .url = str_n(url, (size_t)n) };
    RetryPolicy policy = {
        .attempts = 4, .base_ms = 500, .max_ms = 8000, .exchange = true, .idempotent = true, .rng = &c->rng
    };
    c->polls++;
    if (http_fetch(world_http(c->w), &cx, &req, &policy, &r, NULL) == 0)
        c->answers++;
    else
        c->failures++;
    arena_reset(&c->arena);
}

static void poll(void *arg) {
    Collector *c = arg;
    if (lane_post(c->lane, &(LaneJob){ .run = collect, .arg = c }) != 0)
        world_note(c->w, S("refused"));
}

typedef struct Outcome {
    uint64_t trace;
    int64_t answers, failures, events;
} Outcome;

static Outcome simulate(void **state_, uint64_t seed, int64_t days) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = seed,
                                         .net = { .latency_ms = 30, .jitter_ms = 200, .drop = 0.02, .refuse = 0.02 } });
    CHECK_OK(&t.cx, faults_add(exchange_sim_faults(world_exchange(w)), &t.cx, S("500:prob=0.05")));
    CHECK_OK(&t.cx, faults_add(exchange_sim_faults(world_exchange(w)), &t.cx, S("trickle:prob=0.05")));
    Lane *lane = world_lane(w, "io", 2, 16);
    Collector c[3];
    static const char *const symbols[] = { "BTCUSDT", "ETHUSDT", "SOLUSDT" };
    for (int i = 0; i < 3; i++) {
        c[i] = (Collector){ .w = w, .lane = lane, .symbol = symbols[i] };
        rng_seed(&c[i].rng, seed + (uint64_t)i);
        world_every(w, MS_PER_HOUR, poll, &c[i]);
    }
    world_run_until(w, time_add_ms(world_now(w), days * MS_PER_DAY));
    Outcome out = { .trace = world_trace(w), .events = world_events(w) };
    for (int i = 0; i < 3; i++) {
        out.answers += c[i].answers;
        out.failures += c[i].failures;
        arena_done(&c[i].arena);
    }
    done(&t, w);
    return out;
}

TEST(the_same_seed_gives_the_same_run) {
    Outcome a = simulate(state_, 42, 10), again = simulate(state_, 42, 10), other = simulate(state_, 43, 10);
    CHECK(a.trace == again.trace);
    CHECK_EQ(a.answers, again.answers);
    CHECK_EQ(a.events, again.events);
    CHECK(a.trace != other.trace);
    CHECK(a.answers > 700); /* of 720 polls: retries get nearly all through */
}

TEST(a_clock_that_is_set_moves_neither_timers_nor_the_venue) {
    TestCtx t;
    World *w = world(&t, (WorldOptions){ .seed = 1 });
    Log log = { .w = w };
    Mark a = { &log, 'a' };
    Time start = world_now(w);
    world_after(w, MS_PER_HOUR, mark, &a);
    world_set_wall(w, time_add_ms(start, -MS_PER_DAY));
    CHECK_EQ(world_venue_now(w).ms, start.ms);
    CHECK_EQ(world_run(w, 100), 1);
    CHECK_EQ(world_now(w).ms, start.ms - MS_PER_DAY + MS_PER_HOUR);
    CHECK_EQ(world_venue_now(w).ms, start.ms + MS_PER_HOUR);
    done(&t, w);
}

TESTS(T(a_clock_that_is_set_moves_neither_timers_nor_the_venue), T(events_run_in_order_of_time_and_the_clock_jumps),
      T(periods_come_back_until_cancelled), T(run_until_leaves_the_clock_where_it_was_told),
      T(a_sleeper_is_overtaken_by_what_falls_due), T(a_wall_clock_that_jumps_back_moves_no_event),
      T(a_lane_of_one_thread_keeps_the_order_of_posting), T(a_lane_of_several_threads_mixes_by_the_seed),
      T(a_full_or_late_lane_refuses_and_drops), T(a_closed_lane_cancels_what_waits), T(a_call_runs_in_place),
      T(the_same_seed_gives_the_same_run))
