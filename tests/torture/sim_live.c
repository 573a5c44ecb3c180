/* tests/torture/sim_live.c - see sim_live.h. */

#include "torture/sim_live.h"

#include "adapters/market/binance.h"
#include "adapters/market/binance_live.h"
#include "adapters/store/memory.h"
#include "services/market/follow.h"
#include "sim/sim_ws.h"
#include "sim/world.h"
#include "torture/sim_truth.h"

#include <stdio.h>

enum {
    SERIES = 4,
    STEP_MS = 250,
    FLAP_MS = 10 * MS_PER_MINUTE,
    CALM_MS = 3 * MS_PER_MINUTE,
    PATIENCE_MS = 10 * MS_PER_MINUTE
};

static const Time start = { INT64_C(1709294415500) };

/* Each is a state that the way to the venue may be in; NULL = well. Only what must lose, double and invent nothing. */
static const char *const stream_states[] = { NULL,
                                             NULL,
                                             "ws-close:prob=1",
                                             "ws-day:prob=0.2",
                                             "ws-gap:prob=0.4,n=9",
                                             "ws-twice:prob=0.5",
                                             "ws-shutdown:prob=0.05" };
static const char *const rest_states[] = { NULL,
                                           NULL,
                                           "500:prob=1",
                                           "429:prob=0.7,n=3",
                                           "reset:prob=1",
                                           "stall:prob=0.5,n=15000",
                                           "truncated:prob=0.8",
                                           "short-page:prob=0.5",
                                           "duplicate-row:prob=0.5" };

typedef struct Run {
    World *w;
    WsDialer *dialer;
    LiveFeed *live;
    MarketFeed *rest;
    CandleStore *store;
    MarketFollow *service;
    SeriesKey keys[SERIES];
    LiveSeries series[SERIES];
    Candles told[SERIES]; /* as closed, heap */
    Rng rng;
    Arena arena;
    Words words;
    bool failed, calm;
    SimLiveStats *stats;
} Run;

static void fail(Run *run, size_t series, Time at, const char *what) {
    char tf[TIMEFRAME_TEXT_MAX];
    const SeriesKey *key = &run->keys[series];
    words_set(run->words, "%s " STR_FMT " at %lld: %s", key->symbol.s, STR_ARG(timeframe_text(key->timeframe, tf)),
              (long long)at.ms, what);
    run->failed = true;
}

static void on_publish(void *arg, Ctx *cx, const MarketFollowEvent *v, size_t n) {
    Run *run = arg;
    UNUSED(cx);
    for (size_t i = 0; i < n; i++) {
        Candles *told = &run->told[v[i].series];
        Time at = v[i].candle.open_time;
        if (told->n && told->open_ms[told->n - 1] >= at.ms)
            fail(run, v[i].series, at, v[i].closed ? "closed twice, or out of order" : "runs again after it closed");
        if (!v[i].closed)
            continue;
        candles_reserve_heap(told, told->n + 1);
        candles_push(told, &v[i].candle);
        world_note(run->w, str_n((const char *)&at.ms, sizeof at.ms));
    }
}

/* --- the weather --- */

static void flip(void *arg) {
    Run *run = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, world_clock(run->w));
    Faults *faults = exchange_sim_faults(world_exchange(run->w));
    faults_clear(faults);
    if (run->calm)
        return;
    const char *chosen[] = { stream_states[rng_below(&run->rng, ARRAY_LEN(stream_states))],
                             rest_states[rng_below(&run->rng, ARRAY_LEN(rest_states))] };
    for (size_t i = 0; i < ARRAY_LEN(chosen); i++)
        if (chosen[i] && faults_add(faults, &cx, str_c(chosen[i])) != 0) {
            words_set(run->words, "%s: %s", chosen[i], cx.err.text);
            run->failed = true;
        }
    run->stats->flips++;
    world_after(run->w, rng_between(&run->rng, 1000, 25000), flip, run);
    arena_done(&arena);
}

/* --- the service --- */

static int service_begin(Run *run, Ctx *cx) {
    BinanceLiveOptions o = { .dialer = run->dialer,
                             .series = run->series,
                             .n = SERIES,
                             .simulated = true,
                             .seed = rng_u64(&run->rng),
                             .per_link = 2 };
    int r = market_binance_live_open(cx, &o, &run->live);
    if (r != 0)
        return words_set(run->words, "streams: %s", cx->err.text);
    run->service = market_follow_new(&(MarketFollowOptions){ .store = run->store,
                                                             .live = run->live,
                                                             .rest = run->rest,
                                                             .keys = run->keys,
                                                             .n = SERIES,
                                                             .publish = on_publish,
                                                             .arg = run });
    return 0;
}

static void service_end(Run *run) {
    LiveFeedStats feed = { 0 };
    MarketFollowStats s = { 0 };
    if (run->service) {
        live_feed_stats(run->live, &feed);
        market_follow_stats(run->service, &s);
    }
    run->stats->losses += feed.losses;
    run->stats->refusals += s.rest_failures;
    run->stats->closed += s.closed;
    run->stats->caught_up += s.caught_up;
    run->service = market_follow_free(run->service);
    run->live = live_feed_close(run->live);
}

/* Before a series has a candle, a new service would begin it anew: nothing was promised. */
static bool may_restart(const Run *run) {
    for (size_t i = 0; i < SERIES; i++)
        if (run->told[i].n == 0)
            return false;
    return true;
}

static int begin(Run *run, uint64_t seed, SimDefect defect, Ctx *cx) {
    static const char *const symbols[SERIES] = { "BTCUSDT", "ETHUSDT", "BTCUSDT", "ETHUSDT" };
    static const Timeframe tfs[SERIES] = {
        { UNIT_SECOND, 1 }, { UNIT_SECOND, 1 }, { UNIT_MINUTE, 1 }, { UNIT_MINUTE, 3 }
    };
    WorldOptions o = { .seed = seed, .start = start, .net = { .latency_ms = 40, .jitter_ms = 300, .drop = 0.02 } };
    o.exchange.stream_ms = 1000;
    if (world_new(cx, &o, &run->w) != 0)
        return words_set(run->words, "world: %s", cx->err.text);
    cx->clock = world_clock(run->w);
    for (size_t i = 0; i < SERIES; i++) {
        symbol_parse(str_c(symbols[i]), &run->series[i].symbol);
        run->series[i].timeframe = tfs[i];
        run->keys[i] = (SeriesKey){ .symbol = run->series[i].symbol, .timeframe = tfs[i] };
        venue_parse(S("binance"), &run->keys[i].venue);
        candles_init_heap(&run->told[i], 64);
    }
    run->dialer = sim_ws_new(&(SimWsOptions){ .exchange = world_exchange(run->w),
                                              .clock = world_clock(run->w),
                                              .venue = world_venue_clock(run->w),
                                              .seed = seed + 1,
                                              .latency_ms = 30,
                                              .jitter_ms = 300,
                                              .refuse = 0.3 });
    BinanceOptions bo = { .http = world_http(run->w), .simulated = true, .seed = seed + 3, .patience_ms = 20000 };
    if (market_binance_open(cx, &bo, &run->rest) != 0)
        return words_set(run->words, "REST: %s", cx->err.text);
    run->store = sim_defect_wrap(store_memory_new(), defect);
    flip(run);
    return service_begin(run, cx);
}

static void end(Run *run) {
    ExchangeSimStats exchange = { 0 };
    service_end(run);
    ws_dialer_close(run->dialer);
    market_feed_close(run->rest);
    candle_store_close(run->store);
    if (run->w)
        exchange_sim_stats(world_exchange(run->w), &exchange);
    run->stats->faults += exchange.faults;
    for (size_t i = 0; i < SERIES; i++)
        candles_done_heap(&run->told[i]);
    world_free(run->w);
    arena_done(&run->arena);
}

static void run_for(Run *run, Ctx *cx, int64_t ms) {
    Time until = time_add_ms(world_venue_now(run->w), ms);
    while (!run->failed && time_before(world_venue_now(run->w), until)) {
        arena_reset(cx->arena);
        if (market_follow_step(run->service, cx, STEP_MS) != 0) {
            words_set(run->words, "the service gave up: %s", cx->err.text);
            run->failed = true;
        }
        if (run->calm || !may_restart(run) || !rng_chance(&run->rng, 0.002))
            continue;
        service_end(run);
        run->stats->restarts++;
        run->failed = run->failed || service_begin(run, cx) != 0;
    }
}

/* Until nothing that is over is awaited: a lost answer alone may take half a minute. */
static void converge(Run *run, Ctx *cx) {
    MarketFollowStats s = { .behind = 1 };
    Time until = time_add_ms(world_venue_now(run->w), PATIENCE_MS);
    while (!run->failed && s.behind > 0 && time_before(world_venue_now(run->w), until)) {
        run_for(run, cx, 1);
        market_follow_stats(run->service, &s);
    }
    if (!run->failed && s.behind > 0) {
        words_set(run->words, "%lld series are behind ten minutes after the calm", (long long)s.behind);
        run->failed = true;
    }
}

/* --- the end --- */

/* Nothing that was told is missing or other in the store; all that is stored was told. */
static void check_told(Run *run, Ctx *cx, size_t i, const SeriesKey *stored, Time to) {
    Candles rows;
    bool more;
    candles_init(&rows, cx->arena, 1024);
    CandleQuery q = { .from = timeframe_floor(stored->timeframe, start), .to = to };
    if (candle_store_read(run->store, cx, stored, &q, &rows, &more) < 0) {
        words_set(run->words, "reading: %s", cx->err.text);
        run->failed = true;
        return;
    }
    size_t told = candles_lower_bound(&run->told[i], to);
    for (size_t k = 0; k < MIN(rows.n, told) && !run->failed; k++) {
        Candle a = candles_get(&rows, k), b = candles_get(&run->told[i], k);
        if (!candle_same_data(&a, &b))
            fail(run, i, b.open_time, "told as closed, and not so stored");
    }
    if (!run->failed && rows.n != told) {
        const Candles *longer = rows.n > told ? &rows : &run->told[i];
        fail(run, i, time_ms(longer->open_ms[MIN(rows.n, told)]),
             rows.n > told ? "stored, and never told as closed" : "told as closed, and lost");
    }
    run->stats->rows += (int64_t)rows.n;
}

static void check_series(Run *run, Ctx *cx, uint64_t seed, size_t i) {
    static const SimWindow no_outage = { 0 };
    Truth truth;
    SeriesKey key = run->keys[i];
    venue_parse(S("sim"), &key.provider); /* as it is filed */
    Time from = timeframe_floor(key.timeframe, start), now = world_venue_now(run->w);
    Time to = timeframe_floor(key.timeframe, now);
    arena_reset(cx->arena);
    truth_init(&truth, cx->arena, seed, &key, from,
               timeframe_step(key.timeframe, timeframe_floor(key.timeframe, now), 1), &no_outage);
    run->failed = truth_check(&truth, run->store, cx, now, run->words) != 0 ||
                  truth_check_whole(&truth, run->store, cx, from, to, run->words) != 0;
    if (!run->failed)
        check_told(run, cx, i, &key, to);
}

int sim_live_run(uint64_t seed, SimDefect defect, SimLiveStats *stats, uint64_t *trace, char *words, size_t size) {
    Run run = { .words = { words, size }, .stats = stats };
    Ctx cx;
    words[0] = '\0';
    rng_seed(&run.rng, seed + 7);
    ctx_init(&cx, &run.arena, NULL);
    run.failed = begin(&run, seed, defect, &cx) != 0;
    if (!run.failed) {
        run_for(&run, &cx, FLAP_MS);
        run.calm = true;
        flip(&run);
        run_for(&run, &cx, CALM_MS);
        converge(&run, &cx);
    }
    for (size_t i = 0; i < SERIES && !run.failed; i++)
        check_series(&run, &cx, seed, i);
    *trace = run.w ? world_trace(run.w) : 0;
    stats->runs++;
    end(&run);
    return run.failed ? -1 : 0;
}
