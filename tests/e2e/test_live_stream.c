/* Live candles over real sockets: the simulated exchange's WebSocket streams on loopback, the dialer of adapters/ws, the
 * adapter and the service. Seconds that close are told once, in order, and are what REST says they are. */

#include "lib/test.h"

#include "adapters/clock/system.h"
#include "adapters/http/curl.h"
#include "adapters/market/binance.h"
#include "adapters/market/binance_live.h"
#include "adapters/store/memory.h"
#include "adapters/ws/net.h"
#include "services/market/follow.h"
#include "sim/exchange_server.h"

enum { SERIES = 2, WANTED = 4 };

typedef struct Rig {
    Clock clock;
    Arena arena;
    Ctx cx;
    ExchangeServer *server;
    HttpClient *http;
    WsDialer *dialer;
    LiveFeed *live;
    MarketFeed *rest;
    CandleStore *store;
    MarketFollow *service;
    SeriesKey keys[SERIES];
    Candles closed[SERIES];
    int updates, disorder;
} Rig;

static void on_publish(void *arg, Ctx *cx, const MarketFollowEvent *v, size_t n) {
    Rig *r = arg;
    UNUSED(cx);
    for (size_t i = 0; i < n; i++) {
        Candles *cs = &r->closed[v[i].series];
        if (!v[i].closed) {
            r->updates++;
            continue;
        }
        r->disorder += cs->n && v[i].candle.open_time.ms <= cs->open_ms[cs->n - 1];
        candles_reserve(cs, &r->arena, cs->n + 1);
        candles_push(cs, &v[i].candle);
    }
}

static void rig_init(Rig *r, const char *fault) {
    static const char *const symbols[SERIES] = { "BTCUSDT", "ETHUSDT" };
    *r = (Rig){ 0 };
    clock_system_init(&r->clock);
    ctx_init(&r->cx, &r->arena, &r->clock);
    Str rule = str_c(fault);
    ExchangeServerOptions so = {
        .sim = { .seed = 3, .stream_ms = 100 }, .clock = &r->clock, .faults = &rule, .n_faults = fault != NULL
    };
    CHECK_OK_PLAIN(&r->cx, exchange_server_start(&r->cx, &so, &r->server));
    CHECK_OK_PLAIN(&r->cx, http_curl_open(&r->cx, NULL, &r->http));
    CHECK_OK_PLAIN(&r->cx,
                   ws_net_open(&r->cx, &(WsNetOptions){ .clock = &r->clock, .allow_private = true }, &r->dialer));
    LiveSeries series[SERIES];
    for (size_t i = 0; i < SERIES; i++) {
        symbol_parse(str_c(symbols[i]), &series[i].symbol);
        series[i].timeframe = (Timeframe){ UNIT_SECOND, 1 };
        r->keys[i] = (SeriesKey){ .symbol = series[i].symbol, .timeframe = series[i].timeframe };
        venue_parse(S("binance"), &r->keys[i].venue);
        candles_init(&r->closed[i], &r->arena, 64);
    }
    int port = exchange_server_port(r->server);
    BinanceLiveOptions lo = { .dialer = r->dialer,
                              .url = str_fmt(&r->arena, "ws://127.0.0.1:%d", port),
                              .series = series,
                              .n = SERIES,
                              .simulated = true,
                              .retry_base_ms = 50 };
    CHECK_OK_PLAIN(&r->cx, market_binance_live_open(&r->cx, &lo, &r->live));
    BinanceOptions bo = { .http = r->http,
                          .base_url = str_fmt(&r->arena, "http://127.0.0.1:%d", port),
                          .simulated = true,
                          .allow_private = true };
    CHECK_OK_PLAIN(&r->cx, market_binance_open(&r->cx, &bo, &r->rest));
    r->store = store_memory_new();
    r->service = market_follow_new(&(MarketFollowOptions){ .store = r->store,
                                                           .live = r->live,
                                                           .rest = r->rest,
                                                           .keys = r->keys,
                                                           .n = SERIES,
                                                           .publish = on_publish,
                                                           .arg = r,
                                                           .grace_ms = 500 });
}

static void rig_done(Rig *r) {
    market_follow_free(r->service);
    live_feed_close(r->live);
    ws_dialer_close(r->dialer);
    market_feed_close(r->rest);
    candle_store_close(r->store);
    http_client_close(r->http);
    exchange_server_stop(r->server);
    arena_done(&r->arena);
}

/* Until each series has closed so many, or half a minute is over. */
static void follow(Rig *r, size_t wanted) {
    MonoNs until = mono_add_ms(clock_mono(&r->clock), 30000);
    while ((r->closed[0].n < wanted || r->closed[1].n < wanted) && clock_mono(&r->clock).ns < until.ns)
        CHECK_OK_PLAIN(&r->cx, market_follow_step(r->service, &r->cx, 100));
}

typedef struct Check {
    Rig *r;
    size_t series, at;
} Check;

static int check_page(void *arg, Ctx *cx, const FeedPage *page) {
    Check *c = arg;
    const Candles *told = &c->r->closed[c->series];
    UNUSED(cx);
    for (size_t i = 0; i < page->rows->n; i++, c->at++) {
        Candle want = candles_get(page->rows, i), got = candles_get(told, c->at);
        if (!candle_same_data(&want, &got))
            FAIL("series %zu, second %zu: not what REST says", c->series, c->at);
    }
    return 0;
}

static void check_truth(Rig *r) {
    CHECK_OK_PLAIN(&r->cx, exchange_server_fault(r->server, &r->cx, (Str){ 0 }));
    for (size_t i = 0; i < SERIES; i++) {
        const Candles *cs = &r->closed[i];
        Check c = { r, i, 0 };
        CHECK_OK_PLAIN(&r->cx, market_feed_collect(r->rest, &r->cx, r->keys[i].symbol, r->keys[i].timeframe,
                                                   time_ms(cs->open_ms[0]), time_ms(cs->open_ms[cs->n - 1] + 1),
                                                   check_page, &c));
        if (c.at != cs->n)
            FAIL("series %zu: %zu told, REST has %zu", i, cs->n, c.at);
    }
}

TEST(seconds_close_once_and_are_what_rest_says) {
    Rig r;
    LiveFeedStats stats;
    rig_init(&r, NULL);
    follow(&r, WANTED);
    CHECK(r.closed[0].n >= WANTED && r.closed[1].n >= WANTED);
    CHECK(r.updates > 0);
    CHECK_EQ(r.disorder, 0);
    check_truth(&r);
    live_feed_stats(r.live, &stats);
    CHECK_EQ(stats.connects, 1);
    CHECK_EQ(stats.bad_messages, 0);
    rig_done(&r);
}

TEST(a_connection_that_ends_is_made_again_and_caught_up) {
    Rig r;
    LiveFeedStats stats;
    rig_init(&r, "ws-close:every=40");
    follow(&r, WANTED * 2);
    CHECK(r.closed[0].n >= WANTED * 2 && r.closed[1].n >= WANTED * 2);
    CHECK_EQ(r.disorder, 0);
    check_truth(&r);
    live_feed_stats(r.live, &stats);
    CHECK(stats.losses >= 1 && stats.connects >= 2);
    rig_done(&r);
}

TEST(the_own_network_is_not_reached_unless_allowed) {
    Rig r;
    WsDialer *d;
    WsEvent e = { 0 };
    int link;
    rig_init(&r, NULL);
    CHECK_OK(&r.cx, ws_net_open(&r.cx, &(WsNetOptions){ .clock = &r.clock }, &d));
    Str url = str_fmt(&r.arena, "ws://127.0.0.1:%d/stream", exchange_server_port(r.server));
    CHECK_OK(&r.cx, ws_dialer_dial(d, &r.cx, url, &link));
    CHECK_OK(&r.cx, ws_dialer_poll(d, &r.cx, 10000, &e));
    CHECK_EQ(e.kind, WS_ENDED);
    CHECK_EQ(e.err, ERR_DENIED);
    ws_dialer_close(d);
    rig_done(&r);
}

TESTS(T(seconds_close_once_and_are_what_rest_says), T(a_connection_that_ends_is_made_again_and_caught_up),
      T(the_own_network_is_not_reached_unless_allowed))
