/* The market feed contract (MDS-18) on adapters/market/binance and the scripted venue. */

#include "adapters/market/binance.h"
#include "contract/market_feed.h"

struct FeedVenue {
    FakeBinance venue;
    MarketFeed *feed;
};

static FeedVenue *open_venue(TestCtx *t, Timeframe tf, const Candles *candles) {
    FeedVenue *v = mem_new(FeedVenue);
    fake_binance_init(&v->venue, tf, candles);
    BinanceOptions o = { .http = fake_http_client(v->venue.http), .seed = 5 };
    if (market_binance_open(&t->cx, &o, &v->feed))
        FAIL("%s", t->cx.err.text);
    return v;
}

static MarketFeed *feed_of(FeedVenue *v) {
    return v->feed;
}

static bool fault(FeedVenue *v, VenueFault fault, int count) {
    fake_binance_fault(&v->venue, fault, count);
    return true;
}

static size_t n_requests(FeedVenue *v) {
    return fake_http_n_with(v->venue.http, "/klines?");
}

static void close_venue(FeedVenue *v) {
    market_feed_close(v->feed);
    fake_binance_done(&v->venue);
    mem_free(v);
}

const VenueMaker venue_maker = { "binance", open_venue, feed_of, fault, n_requests, close_venue, false };
