/* Live candles under simulation: whatever stream, network and venue do, every candle closes exactly once, in order, and
 * what is stored is what the venue has. One seed is one run, in virtual time. */

#include "lib/test.h"

#include "adapters/market/binance.h"
#include "adapters/market/binance_live.h"
#include "adapters/store/memory.h"
#include "services/market/follow.h"
#include "sim/sim_ws.h"
#include "sim/world.h"

enum { SERIES = 3 };

static const Time start = { INT64_C(1709294415500) };

typedef struct Run {
    World *w;
    WsDialer *dialer;
    LiveFeed *live;
    MarketFeed *rest;
    CandleStore *store;
    MarketFollow *service;
    SeriesKey keys[SERIES];
    Candles closed[SERIES]; /* as published, heap */
    int64_t revision[SERIES];
    int64_t updates, broken_order;
    int fail_saves; /* the next so many */
} Run;

static void on_publish(void *arg, Ctx *cx, const MarketFollowEvent *v, size_t n) {
    Run *run = arg;
    UNUSED(cx);
    for (size_t i = 0; i < n; i++) {
        Candles *cs = &run->closed[v[i].series];
        int64_t last = cs->n ? cs->open_ms[cs->n - 1] : INT64_MIN;
        if (!v[i].closed) {
            run->updates++;
            run->broken_order += v[i].candle.open_time.ms <= last;
            continue;
        }
        run->broken_order += v[i].candle.open_time.ms <= last || v[i].revision < run->revision[v[i].series];
        run->revision[v[i].series] = v[i].revision;
        candles_reserve_heap(cs, cs->n + 1);
        candles_push(cs, &v[i].candle);
    }
}

static int on_store(void *arg, Ctx *cx, const char *point) {
    Run *run = arg;
    if (strcmp(point, "save") != 0 || run->fail_saves == 0)
        return 0;
    run->fail_saves--;
    return err_set(cx, ERR_STORAGE, "no room (simulated)");
}

typedef struct Weather {
    const char *name;
    const char *faults[12];
    double refuse;     /* of connections */
    int64_t stream_ms; /* 0 = 2,000 */
    int64_t hours_x10;
    bool outage;
    int fail_saves;
    int64_t skew_ms; /* our clock against the venue's */
} Weather;

static void run_begin(Run *run, const Weather *weather, uint64_t seed) {
    static const char *const symbols[SERIES] = { "BTCUSDT", "ETHUSDT", "BTCUSDT" };
    static const Timeframe tfs[SERIES] = { { UNIT_MINUTE, 1 }, { UNIT_MINUTE, 1 }, { UNIT_MINUTE, 5 } };
    static const SimWindow outage = { { INT64_C(1709296200000) }, { INT64_C(1709296560000) }, { "" }, 0 };
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, NULL);
    *run = (Run){ .fail_saves = weather->fail_saves };
    WorldOptions o = { .seed = seed, .start = start, .net = { .latency_ms = 40, .jitter_ms = 120 } };
    o.exchange = (ExchangeSimOptions){ .stream_ms = weather->stream_ms, .outages = &outage };
    o.exchange.n_outages = weather->outage;
    CHECK_OK_PLAIN(&cx, world_new(&cx, &o, &run->w));
    cx.clock = world_clock(run->w);
    for (size_t i = 0; i < ARRAY_LEN(weather->faults) && weather->faults[i]; i++)
        CHECK_OK_PLAIN(&cx, faults_add(exchange_sim_faults(world_exchange(run->w)), &cx, str_c(weather->faults[i])));
    LiveSeries series[SERIES];
    for (size_t i = 0; i < SERIES; i++) {
        symbol_parse(str_c(symbols[i]), &series[i].symbol);
        series[i].timeframe = tfs[i];
        run->keys[i] = (SeriesKey){ .symbol = series[i].symbol, .timeframe = tfs[i] };
        venue_parse(S("binance"), &run->keys[i].venue);
        candles_init_heap(&run->closed[i], 64);
    }
    Clock *venue = world_venue_clock(run->w);
    world_set_wall(run->w, time_add_ms(start, weather->skew_ms));
    run->dialer = sim_ws_new(&(SimWsOptions){ .exchange = world_exchange(run->w),
                                              .clock = world_clock(run->w),
                                              .venue = venue,
                                              .seed = seed + 1,
                                              .latency_ms = 30,
                                              .jitter_ms = 300,
                                              .refuse = weather->refuse });
    BinanceLiveOptions lo = {
        .dialer = run->dialer, .series = series, .n = SERIES, .simulated = true, .seed = seed + 2, .per_link = 2
    };
    CHECK_OK_PLAIN(&cx, market_binance_live_open(&cx, &lo, &run->live));
    BinanceOptions bo = { .http = world_http(run->w), .simulated = true, .seed = seed + 3, .patience_ms = 30000 };
    CHECK_OK_PLAIN(&cx, market_binance_open(&cx, &bo, &run->rest));
    run->store = store_memory_new();
    candle_store_set_fault(run->store, on_store, run);
    run->service = market_follow_new(&(MarketFollowOptions){ .store = run->store,
                                                             .live = run->live,
                                                             .rest = run->rest,
                                                             .keys = run->keys,
                                                             .n = SERIES,
                                                             .publish = on_publish,
                                                             .arg = run });
    arena_done(&arena);
}

static void run_for(Run *run, int64_t ms) {
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, world_clock(run->w));
    Time until = time_add_ms(world_venue_now(run->w), ms);
    while (time_before(world_venue_now(run->w), until))
        CHECK_OK_PLAIN(&cx, market_follow_step(run->service, &cx, 250));
    arena_done(&arena);
}

static void run_end(Run *run) {
    market_follow_free(run->service);
    live_feed_close(run->live);
    ws_dialer_close(run->dialer);
    market_feed_close(run->rest);
    candle_store_close(run->store);
    for (size_t i = 0; i < SERIES; i++)
        candles_done_heap(&run->closed[i]);
    world_free(run->w);
}

/* What the venue has, asked of it without a network, after the last fault. */
static void check_truth(Run *run, size_t i) {
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, world_clock(run->w));
    const SeriesKey *key = &run->keys[i];
    Time from = timeframe_floor(key->timeframe, start), now = world_venue_now(run->w);
    Time to = timeframe_floor(key->timeframe, time_add_ms(now, -90 * 1000)); /* the last ones may be on their way */
    faults_clear(exchange_sim_faults(world_exchange(run->w)));
    SimHttpOptions plain = { .exchange = world_exchange(run->w),
                             .clock = cx.clock,
                             .venue = world_venue_clock(run->w) };
    HttpClient *http = sim_http_new(&plain);
    MarketFeed *feed;
    BinanceOptions bo = { .http = http, .simulated = true };
    CHECK_OK_PLAIN(&cx, market_binance_open(&cx, &bo, &feed));
    CandleStore *truth = store_memory_new();
    SeriesKey stored_key = *key;
    venue_parse(S("sim"), &stored_key.provider);
    MarketService *m =
        market_service_new(&(MarketOptions){ .store = truth, .feeds = (MarketFeed *[]){ feed }, .n_feeds = 1 });
    MarketEnsured e;
    CHECK_OK_PLAIN(&cx, market_ensure(m, &cx, &(MarketEnsure){ .key = key, .from = from, .to = to }, &e));
    Candles want, got;
    bool more;
    candles_init(&want, &arena, 4096);
    candles_init(&got, &arena, 4096);
    CandleQuery q = { from, to, .limit = 4096 };
    CHECK_OK_PLAIN(&cx, candle_store_read(truth, &cx, &stored_key, &q, &want, &more));
    CHECK_OK_PLAIN(&cx, candle_store_read(run->store, &cx, &stored_key, &q, &got, &more));
    size_t told = candles_lower_bound(&run->closed[i], to);
    if (got.n != want.n || told != want.n)
        FAIL("series %zu: the venue has %zu candles, stored are %zu, told %zu", i, want.n, got.n, told);
    for (size_t k = 0; k < want.n; k++) {
        Candle a = candles_get(&want, k), b = candles_get(&got, k), c = candles_get(&run->closed[i], k);
        if (!candle_same_data(&a, &b) || !candle_same_data(&a, &c))
            FAIL("series %zu: the candle at %lld is not the venue's", i, (long long)a.open_time.ms);
        if (!(b.flags & CANDLE_SIMULATED) || (b.flags & CANDLE_OPEN))
            FAIL("series %zu: the candle at %lld has flags %d", i, (long long)a.open_time.ms, b.flags);
    }
    market_service_free(m);
    market_feed_close(feed);
    http_client_close(http);
    candle_store_close(truth);
    arena_done(&arena);
}

TEST(every_candle_closes_exactly_once_whatever_happens) {
    static const Weather rows[] = {
        { .name = "a quiet hour", .hours_x10 = 10 },
        { .name = "cut and closed connections",
          .faults = { "ws-close:prob=0.01", "ws-day:prob=0.005" },
          .refuse = 0.3,
          .hours_x10 = 20 },
        { .name = "messages left out", .faults = { "ws-gap:prob=0.05,n=9" }, .hours_x10 = 20 },
        { .name = "last words twice", .faults = { "ws-twice:prob=0.5" }, .hours_x10 = 10 },
        { .name = "shut down politely", .faults = { "ws-shutdown:prob=0.003", "ws-ping:prob=0.1" }, .hours_x10 = 20 },
        { .name = "a troubled REST too",
          .faults = { "ws-close:prob=0.01", "ws-gap:prob=0.03", "429:prob=0.2,n=3", "500:prob=0.2",
                      "truncated:prob=0.1", "stall:prob=0.05,n=20000", "duplicate-row:prob=0.2", "short-page:prob=0.2",
                      "reset:prob=0.1" },
          .refuse = 0.2,
          .hours_x10 = 20 },
        { .name = "an outage", .hours_x10 = 12, .outage = true, .faults = { "ws-close:prob=0.005" } },
        { .name = "a full disk for a while", .hours_x10 = 5, .fail_saves = 9, .faults = { "ws-close:prob=0.005" } },
        { .name = "a clock that is behind", .hours_x10 = 5, .skew_ms = -8000, .faults = { "ws-gap:prob=0.05" } },
        { .name = "a clock that is ahead", .hours_x10 = 5, .skew_ms = 8000, .faults = { "ws-gap:prob=0.05" } },
        { .name = "two days", .stream_ms = 30000, .hours_x10 = 485, .faults = { "ws-gap:prob=0.002" } },
    };
    uint64_t seed = prop_seed(20260301);
    EACH_ROW (weather, rows) {
        Run run;
        run_begin(&run, weather, seed++);
        run_for(&run, weather->hours_x10 * 6 * MS_PER_MINUTE);
        LiveFeedStats feed;
        MarketFollowStats stats;
        live_feed_stats(run.live, &feed);
        market_follow_stats(run.service, &stats);
        CHECK_EQ(run.broken_order, 0);
        CHECK(run.updates > 0);
        CHECK_EQ(stats.closed, run.closed[0].n + run.closed[1].n + run.closed[2].n);
        if (weather->faults[0] && (strstr(weather->faults[0], "gap") || strstr(weather->faults[0], "close")))
            CHECK(stats.caught_up > 0);
        if (strstr(weather->name, "twice"))
            CHECK(stats.repeats > 0);
        if (weather->fail_saves)
            CHECK(stats.save_failures > 0);
        if (weather->outage)
            CHECK(stats.holes >= 12);
        if (strstr(weather->name, "quiet")) { /* then nothing is asked of REST */
            CHECK_EQ(stats.rest_calls, 0);
            CHECK_EQ(feed.losses, 0);
            CHECK_EQ(feed.connects, 2);
        }
        if (strstr(weather->name, "days")) { /* the end of the second day was met by connections of their own accord */
            CHECK_EQ(feed.losses, 0);
            CHECK(feed.connects == 2 * 3);
        }
        for (size_t i = 0; i < SERIES; i++)
            check_truth(&run, i);
        run_end(&run);
    }
}

TESTS(T(every_candle_closes_exactly_once_whatever_happens))
