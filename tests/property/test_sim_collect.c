/* The main job under simulation: whatever venue and network do, what ends up in the store is what the venue has. One
 * seed is one run: latency, lost answers, broken bodies, refusals, odd pages, outages, and four collectors that share
 * one feed and two virtual threads. MDS-18 on bad days. */

#include "lib/test.h"

#include "adapters/market/binance.h"
#include "adapters/store/memory.h"
#include "sim/world.h"

enum { COLLECTORS = 4 };

static const Time start = { INT64_C(1709294415500) };

/* Every fault that a collector must get over without losing, doubling or inventing a candle. Not among them: what
 * cannot be told from the truth: times off the grid, and an empty page, which is what an outage looks like. */
static const char *const fault_rules[] = {
    "429:prob=0.08,n=3",      "418:prob=0.03,n=120", "500:prob=0.1",        "503:prob=0.05",     "not-json:prob=0.06",
    "truncated:prob=0.08",    "chunked:prob=0.3",    "trickle:prob=0.1",    "reset:prob=0.1",    "stall:prob=0.05",
    "duplicate-row:prob=0.2", "micros:prob=0.2",     "short-page:prob=0.2", "unsorted:prob=0.1",
};

typedef struct Sim Sim;

typedef struct Collector {
    Sim *sim;
    SeriesKey key;
    Time from, to;
    Arena arena;
    int runs;
    bool done;
} Collector;

struct Sim {
    World *w;
    Lane *lane;
    MarketFeed *feed;
    CandleStore *store;
    Collector c[COLLECTORS];
};

static int save_page(void *arg, Ctx *cx, const FeedPage *page) {
    Collector *c = arg;
    SaveRequest req = { .key = &c->key, .rows = page->rows };
    SaveResult result;
    return candle_store_save(c->sim->store, cx, &req, &result);
}

static void post(void *arg);

static void collect(void *arg, int err) {
    Collector *c = arg;
    Sim *s = c->sim;
    if (err == ERR_CANCELLED)
        return;
    Ctx cx;
    ctx_init(&cx, &c->arena, world_clock(s->w));
    int r =
        err ? err : market_feed_collect(s->feed, &cx, c->key.symbol, c->key.timeframe, c->from, c->to, save_page, c);
    c->runs++;
    world_note(s->w, str_c(err_info(r)->name));
    if (r == 0)
        c->done = true;
    else
        world_after(s->w, 30000, post, c); /* as a service would: later, from the start */
    arena_done(&c->arena);
}

static void post(void *arg) {
    Collector *c = arg;
    if (lane_post(c->sim->lane, &(LaneJob){ .run = collect, .arg = c }) != 0)
        world_after(c->sim->w, 1000, post, c);
}

static void collector_init(Collector *c, Sim *s, Rng *r, const char *symbol) {
    static const char *const timeframes[] = { "1m", "5m", "1h", "4h", "1d" };
    *c = (Collector){ .sim = s };
    const char *tf = timeframes[rng_below(r, ARRAY_LEN(timeframes))];
    if (!venue_parse(S("binance"), &c->key.venue) || !symbol_parse(str_c(symbol), &c->key.symbol) ||
        !timeframe_parse(str_c(tf), &c->key.timeframe))
        FAIL("series");
    c->to = timeframe_floor(c->key.timeframe, start); /* closed candles only: the running one is another at each look */
    c->from = timeframe_step(c->key.timeframe, c->to, -rng_between(r, 1, 4000));
}

/* The store's rows against the generator, minute by minute where the venue was up. */
static void check_collected(void **state_, TestCtx *t, Sim *s, const Collector *c, uint64_t seed,
                            const SimWindow *outage) {
    Candles got;
    bool more;
    CandleQuery q = { .from = TIME_MIN, .to = TIME_MAX };
    candles_init(&got, &t->arena, 16);
    CHECK_OK(&t->cx, candle_store_read(s->store, &t->cx, &c->key, &q, &got, &more));
    GenSymbol symbol;
    CHECK(gen_symbol_from_name(c->key.symbol, &symbol));
    CandleGen *g = candle_gen_new(seed);
    size_t at = 0;
    for (Time open = c->from; open.ms < c->to.ms; open = timeframe_step(c->key.timeframe, open, 1)) {
        Time next = timeframe_step(c->key.timeframe, open, 1);
        if (open.ms >= outage->from.ms && next.ms <= outage->to.ms)
            continue;
        GenCandle exact;
        Candle want;
        if (!candle_gen_span(g, &symbol, open, next, &exact))
            continue; /* before the listing */
        gen_candle_values(&symbol, &exact, &want);
        want.open_time = open;
        CHECK(at < got.n);
        Candle have = candles_get(&got, at++);
        CHECK_EQ(have.open_time.ms, open.ms);
        bool touched = open.ms < outage->to.ms && next.ms > outage->from.ms; /* half down: less than the whole */
        CHECK(touched || candle_same_data(&have, &want));
        CHECK_EQ(have.flags, CANDLE_SIMULATED);
    }
    CHECK_EQ(at, got.n);
    candle_gen_free(g);
}

static void sim_open(TestCtx *t, Sim *s, uint64_t seed, const SimWindow *outage) {
    WorldOptions o = { .seed = seed,
                       .start = start,
                       .exchange = { .outages = outage, .n_outages = 1 },
                       .net = { .latency_ms = 20, .jitter_ms = 300, .drop = 0.02, .refuse = 0.03 } };
    if (world_new(&t->cx, &o, &s->w) != 0)
        FAIL("%s", t->cx.err.text);
    s->lane = world_lane(s->w, "io", 2, 8);
    s->store = store_memory_new();
    BinanceOptions b = { .http = world_http(s->w), .seed = seed };
    if (market_binance_open(&t->cx, &b, &s->feed) != 0)
        FAIL("%s", t->cx.err.text);
}

static int64_t faults_met;

/* One run: its trace. */
static uint64_t simulate(void **state_, uint64_t seed) {
    static const char *const symbols[COLLECTORS] = { "BTCUSDT", "ETHUSDT", "XRPUSDT", "ETHBTC" };
    TestCtx t;
    Sim s;
    Rng r;
    rng_seed(&r, seed);
    test_ctx_init(&t);
    int64_t minute = floor_div(start.ms, MS_PER_MINUTE) * MS_PER_MINUTE;
    SimWindow outage = { .from = time_ms(minute - rng_between(&r, 1, 2000) * MS_PER_MINUTE) };
    outage.to = time_add_ms(outage.from, rng_between(&r, 1, 1500) * MS_PER_MINUTE);
    sim_open(&t, &s, seed, &outage);
    for (size_t i = 0; i < ARRAY_LEN(fault_rules); i++)
        if (rng_chance(&r, 0.6))
            CHECK_OK(&t.cx, faults_add(exchange_sim_faults(world_exchange(s.w)), &t.cx, str_c(fault_rules[i])));
    for (int i = 0; i < COLLECTORS; i++) {
        collector_init(&s.c[i], &s, &r, symbols[i]);
        world_after(s.w, (int64_t)rng_below(&r, 5000), post, &s.c[i]);
    }
    world_run_until(s.w, time_add_ms(start, 2 * (int64_t)MS_PER_DAY));
    for (int i = 0; i < COLLECTORS; i++) {
        CHECK(s.c[i].done);
        check_collected(state_, &t, &s, &s.c[i], seed, &outage);
    }
    uint64_t trace = world_trace(s.w);
    ExchangeSimStats stats;
    exchange_sim_stats(world_exchange(s.w), &stats);
    faults_met += stats.faults;
    market_feed_close(s.feed);
    candle_store_close(s.store);
    world_free(s.w);
    test_ctx_done(&t);
    return trace;
}

TEST(what_is_stored_is_what_the_venue_has) {
    uint64_t seed = prop_seed(20240501);
    for (uint64_t round = 0; round < 40; round++)
        simulate(state_, seed + round);
    CHECK(faults_met > 200); /* it was no fine weather */
}

TEST(a_run_can_be_repeated) {
    uint64_t seed = prop_seed(20240502);
    CHECK(simulate(state_, seed) == simulate(state_, seed));
    CHECK(simulate(state_, seed) != simulate(state_, seed + 1));
}

TESTS(T(what_is_stored_is_what_the_venue_has), T(a_run_can_be_repeated))
