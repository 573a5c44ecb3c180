/* The market feed contract (MDS-18) on adapters/market/binance and the exchange simulator, without sockets. */

#include "adapters/market/binance.h"
#include "sim_venue.h"

static FeedVenue *open_venue(TestCtx *t, Timeframe tf, const Candles *candles) {
    static const char *const paths[2] = { "klines", NULL };
    return sim_venue_open(t, &venue_binance, "BTCUSDT", tf, candles, paths);
}

/* All of them. */
static bool fault(FeedVenue *v, VenueFault fault, int count) {
    const char *rule = sim_venue_rule(fault);
    bool can = rule;
    if (can)
        sim_venue_fault(v, rule, count);
    return can;
}

const VenueMaker venue_maker = {
    .name = "sim",
    .open = open_venue,
    .feed = sim_venue_feed,
    .fault = fault,
    .n_requests = sim_venue_requests,
    .close = sim_venue_close,
    .simulated = true,
};
