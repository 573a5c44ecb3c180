/* tests/e2e/collect_loopback.c - the real collector on real sockets: feed, libcurl, loopback, exchange simulator.
 *
 * Whatever goes wrong on the way, what is collected in the end is the same, bit for bit. */

#include "adapters/clock/system.h"
#include "adapters/http/curl.h"
#include "adapters/market/binance.h"
#include "sim/exchange_server.h"
#include "test.h"

#include <pthread.h>

static const Timeframe H1 = { UNIT_HOUR, 1 };
static const int64_t FROM = INT64_C(1672531200000), TO = INT64_C(1672531200000) + INT64_C(2500) * MS_PER_HOUR;

typedef struct World {
    Arena arena;
    Clock clock;
    Ctx cx;
    ExchangeServer *server;
    HttpClient *http;
    MarketFeed *feed;
    int64_t timeout_ms;
} World;

static void begin(World *w, int64_t timeout_ms) {
    *w = (World){ .timeout_ms = timeout_ms };
    clock_system_init(&w->clock);
    ctx_init(&w->cx, &w->arena, &w->clock);
    ExchangeServerOptions server = { .sim = { .seed = 7 }, .clock = &w->clock };
    if (exchange_server_start(&w->cx, &server, &w->server) || http_curl_open(&w->cx, NULL, &w->http))
        FAIL("%s", w->cx.err.text);
    BinanceOptions o = { .http = w->http,
                         .base_url = str_fmt(&w->arena, "http://127.0.0.1:%d", exchange_server_port(w->server)),
                         .allow_private = true,
                         .retry_base_ms = 20,
                         .retry_max_ms = 50,
                         .timeout_ms = timeout_ms };
    if (market_binance_open(&w->cx, &o, &w->feed))
        FAIL("%s", w->cx.err.text);
}

static void end(World *w) {
    market_feed_close(w->feed);
    http_client_close(w->http);
    exchange_server_stop(w->server);
    arena_done(&w->arena);
}

static int keep_page(void *arg, Ctx *cx, const FeedPage *page) {
    Candles *all = arg;
    candles_reserve(all, cx->arena, all->n + page->rows->n);
    candles_append(all, page->rows, 0, page->rows->n);
    return 0;
}

static int collect(MarketFeed *feed, Ctx *cx, const char *symbol, Candles *out) {
    Symbol s;
    symbol_parse(str_c(symbol), &s);
    candles_init(out, cx->arena, 0);
    return market_feed_collect(feed, cx, s, H1, time_ms(FROM), time_ms(TO), keep_page, out);
}

static bool same(const Candles *a, const Candles *b) {
    for (size_t i = 0; i < a->n && a->n == b->n; i++) {
        Candle x = candles_get(a, i), y = candles_get(b, i);
        if (!candle_same_data(&x, &y) || x.flags != y.flags)
            return false;
    }
    return a->n == b->n;
}

TEST(what_is_collected_does_not_depend_on_the_way) {
    static const struct {
        const char *name; /* the fault's rule */
        int retries;      /* wanted; -1 = any: on a kept connection libcurl may have repeated it already */
    } rows[] = {
        { "chunked", 0 },
        { "reset:count=1,path=klines", -1 },
        { "truncated:count=2,path=klines", 2 },
        { "500:count=1", 1 },
        { "503:count=1,path=klines", 1 },
        { "not-json:count=1,path=klines", 1 },
        { "trickle:count=1,n=1,path=klines", 1 },
        { "stall:count=1,path=klines", 1 },
        { "429:count=1,n=1,path=klines", 1 },
        { "micros:path=klines", 0 },
        { "short-page:count=1,path=klines", 0 },
        { "duplicate-row:path=klines", 0 },
        { "unsorted:path=klines", 0 },
    };
    World w;
    Candles want, got;
    begin(&w, 700);
    CHECK_OK(&w.cx, collect(w.feed, &w.cx, "BTCUSDT", &want));
    CHECK_EQ(want.n, 2500);
    CHECK_EQ(want.flags[0], CANDLE_SIMULATED);
    CHECK(market_feed_simulated(w.feed));
    FeedLimits before, after;
    ExchangeSimStats clean, hit;
    EACH_ROW (r, rows) {
        market_feed_limits(w.feed, &before);
        exchange_server_stats(w.server, &clean);
        CHECK_OK(&w.cx, exchange_server_fault(w.server, &w.cx, str_c(r->name)));
        CHECK_OK(&w.cx, collect(w.feed, &w.cx, "BTCUSDT", &got));
        CHECK(same(&got, &want));
        market_feed_limits(w.feed, &after);
        exchange_server_stats(w.server, &hit);
        CHECK(hit.faults > clean.faults);
        if (r->retries >= 0)
            CHECK_EQ(after.retries - before.retries, r->retries);
        CHECK_OK(&w.cx, exchange_server_fault(w.server, &w.cx, S("")));
    }
    end(&w);
}

TEST(a_venue_that_is_gone_is_named) {
    World w;
    Candles got;
    begin(&w, 700);
    CHECK_OK(&w.cx, collect(w.feed, &w.cx, "BTCUSDT", &got));
    int port = exchange_server_port(w.server);
    w.server = exchange_server_stop(w.server);
    CHECK_EQ(collect(w.feed, &w.cx, "BTCUSDT", &got), ERR_UNAVAILABLE);
    Str words =
        str_fmt(&w.arena, "binance: klines BTCUSDT 1h: cannot connect to 127.0.0.1:%d: connection refused", port);
    if (!str_starts(str_c(w.cx.err.text), words))
        FAIL("\"%s\"", w.cx.err.text);
    end(&w);
}

TEST(a_block_by_the_firewall_is_no_retry) {
    World w;
    Candles got;
    ExchangeSimStats stats;
    begin(&w, 700);
    CHECK_OK(&w.cx, exchange_server_fault(w.server, &w.cx, S("403")));
    CHECK_EQ(collect(w.feed, &w.cx, "BTCUSDT", &got), ERR_COLLECTION);
    CHECK(strstr(w.cx.err.text, "firewall"));
    exchange_server_stats(w.server, &stats);
    CHECK_EQ(stats.requests, 1);
    end(&w);
}

typedef struct Job {
    World *w;
    const char *symbol;
    Arena arena;
    Candles got;
    int r;
} Job;

static void *run_job(void *arg) {
    Job *job = arg;
    Ctx cx;
    ctx_init(&cx, &job->arena, &job->w->clock);
    job->r = collect(job->w->feed, &cx, job->symbol, &job->got);
    return NULL;
}

TEST(threads_collect_side_by_side) {
    World w;
    Job jobs[4] = {
        { .symbol = "BTCUSDT" }, { .symbol = "ETHUSDT" }, { .symbol = "BNBUSDT" }, { .symbol = "BTCUSDT" }
    };
    pthread_t threads[4];
    begin(&w, 5000);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i].w = &w;
        pthread_create(&threads[i], NULL, run_job, &jobs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(jobs[i].r, 0);
        CHECK_EQ(jobs[i].got.n, 2500);
    }
    CHECK(same(&jobs[0].got, &jobs[3].got));
    CHECK(!same(&jobs[0].got, &jobs[1].got));
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
        arena_done(&jobs[i].arena);
    end(&w);
}

TESTS(T(what_is_collected_does_not_depend_on_the_way), T(a_venue_that_is_gone_is_named),
      T(a_block_by_the_firewall_is_no_retry), T(threads_collect_side_by_side))
