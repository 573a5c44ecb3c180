/* tests/lib/sim_venue.c - see sim_venue.h. */

#include "sim_venue.h"

#include "sim/sim_http.h"

struct FeedVenue {
    TestCtx *t;
    SimRecorded recorded;
    ExchangeSim *exchange;
    HttpClient *http;
    MarketFeed *feed;
    const char *paths[2];
    size_t n_requests;
};

static void on_done(void *arg, const HttpRequest *req, int err, const HttpResponse *res) {
    FeedVenue *v = arg;
    UNUSED(err);
    UNUSED(res);
    bool candles = false;
    for (size_t i = 0; i < ARRAY_LEN(v->paths); i++)
        candles |= v->paths[i] && str_find(req->url, str_c(v->paths[i])) >= 0;
    v->n_requests += candles;
}

FeedVenue *sim_venue_open(TestCtx *t, const VenueDriver *driver, const char *name, Timeframe tf, const Candles *candles,
                          const char *const paths[2]) {
    FeedVenue *v = mem_new(FeedVenue);
    v->t = t;
    v->paths[0] = paths[0];
    v->paths[1] = paths[1];
    v->recorded = (SimRecorded){ .timeframe = tf, .candles = candles };
    symbol_parse(str_c(name), &v->recorded.symbol);
    ExchangeSimOptions sim = { .seed = 11, .recorded = &v->recorded, .n_recorded = 1 };
    if (exchange_sim_new(&t->cx, &sim, &v->exchange))
        FAIL("%s", t->cx.err.text);
    SimHttpOptions net = { .exchange = v->exchange, .clock = t->cx.clock, .seed = 12, .on_done = on_done, .arg = v };
    v->http = sim_http_new(&net);
    VenueOptions o = { .http = v->http, .seed = 5 };
    if (market_venue_open(&t->cx, driver, &o, &v->feed))
        FAIL("%s", t->cx.err.text);
    return v;
}

MarketFeed *sim_venue_feed(FeedVenue *v) {
    return v->feed;
}

const char *sim_venue_rule(VenueFault fault) {
    static const char *const rules[] = {
        [VENUE_429] = "429:n=7",      [VENUE_418] = "418:n=120",       [VENUE_403] = "403",
        [VENUE_500] = "500",          [VENUE_TRUNCATED] = "truncated", [VENUE_SLOW] = "trickle:n=1",
        [VENUE_EMPTY] = "empty-page", [VENUE_SHORT] = "short-page",    [VENUE_DUPLICATE] = "duplicate-row",
        [VENUE_MICROS] = "micros",    [VENUE_UNSORTED] = "unsorted",   [VENUE_STRAY] = NULL,
    };
    return fault < ARRAY_LEN(rules) ? rules[fault] : NULL;
}

void sim_venue_fault(FeedVenue *v, const char *rule, int count) {
    Str text = str_fmt(v->t->cx.arena, "%s%cpath=%s,count=%d", rule, strchr(rule, ':') ? ',' : ':', v->paths[0], count);
    if (faults_add(exchange_sim_faults(v->exchange), &v->t->cx, text))
        FAIL("%s", v->t->cx.err.text);
    if (!v->paths[1])
        return;
    text = str_fmt(v->t->cx.arena, "%s%cpath=%s,count=%d", rule, strchr(rule, ':') ? ',' : ':', v->paths[1], count);
    if (faults_add(exchange_sim_faults(v->exchange), &v->t->cx, text))
        FAIL("%s", v->t->cx.err.text);
}

size_t sim_venue_requests(FeedVenue *v) {
    return v->n_requests;
}

void sim_venue_close(FeedVenue *v) {
    market_feed_close(v->feed);
    http_client_close(v->http);
    exchange_sim_free(v->exchange);
    mem_free(v);
}
