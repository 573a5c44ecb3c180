/* The market feed contract (MDS-18) on adapters/market/binance and the exchange simulator, without sockets. */

#include "adapters/market/binance.h"
#include "contract/market_feed.h"
#include "sim/sim_http.h"

struct FeedVenue {
    TestCtx *t;
    SimRecorded recorded;
    ExchangeSim *exchange;
    HttpClient *http;
    MarketFeed *feed;
    size_t n_requests;
};

static void on_done(void *arg, const HttpRequest *req, int err, const HttpResponse *res) {
    FeedVenue *v = arg;
    UNUSED(err);
    UNUSED(res);
    v->n_requests += str_find(req->url, S("/klines?")) >= 0;
}

static FeedVenue *open_venue(TestCtx *t, Timeframe tf, const Candles *candles) {
    FeedVenue *v = mem_new(FeedVenue);
    v->t = t;
    v->recorded = (SimRecorded){ .timeframe = tf, .candles = candles };
    symbol_parse(S("BTCUSDT"), &v->recorded.symbol);
    ExchangeSimOptions sim = { .seed = 11, .recorded = &v->recorded, .n_recorded = 1 };
    if (exchange_sim_new(&t->cx, &sim, &v->exchange))
        FAIL("%s", t->cx.err.text);
    SimHttpOptions net = { .exchange = v->exchange, .clock = t->cx.clock, .seed = 12, .on_done = on_done, .arg = v };
    v->http = sim_http_new(&net);
    BinanceOptions o = { .http = v->http, .seed = 5 };
    if (market_binance_open(&t->cx, &o, &v->feed))
        FAIL("%s", t->cx.err.text);
    return v;
}

static MarketFeed *feed_of(FeedVenue *v) {
    return v->feed;
}

static bool fault(FeedVenue *v, VenueFault fault, int count) {
    static const char *const rules[] = {
        [VENUE_429] = "429:n=7",      [VENUE_418] = "418:n=120",       [VENUE_403] = "403",
        [VENUE_500] = "500",          [VENUE_TRUNCATED] = "truncated", [VENUE_SLOW] = "trickle:n=1",
        [VENUE_EMPTY] = "empty-page", [VENUE_SHORT] = "short-page",    [VENUE_DUPLICATE] = "duplicate-row",
        [VENUE_MICROS] = "micros",    [VENUE_UNSORTED] = "unsorted",   [VENUE_STRAY] = NULL,
    };
    if (fault >= ARRAY_LEN(rules) || !rules[fault])
        return false;
    Str rule =
        str_fmt(v->t->cx.arena, "%s%cpath=klines,count=%d", rules[fault], strchr(rules[fault], ':') ? ',' : ':', count);
    if (faults_add(exchange_sim_faults(v->exchange), &v->t->cx, rule))
        FAIL("%s", v->t->cx.err.text);
    return true;
}

static size_t n_requests(FeedVenue *v) {
    return v->n_requests;
}

static void close_venue(FeedVenue *v) {
    market_feed_close(v->feed);
    http_client_close(v->http);
    exchange_sim_free(v->exchange);
    mem_free(v);
}

const VenueMaker venue_maker = { "sim", open_venue, feed_of, fault, n_requests, close_venue, true };
