/* The market feed contract (MDS-20) on adapters/market/coinbase and the simulated exchange. */

#include "adapters/market/coinbase.h"
#include "sim_venue.h"

static FeedVenue *open_venue(TestCtx *t, Timeframe tf, const Candles *candles) {
    static const char *const paths[2] = { "/candles", NULL };
    return sim_venue_open(t, &venue_coinbase, "BTCUSDT", tf, candles, paths);
}

/* It has no bans and no µs; a short answer is whole where minutes without a trade are left out. */
static bool fault(FeedVenue *v, VenueFault fault, int count) {
    const char *rule = sim_venue_rule(fault);
    bool can = rule && fault != VENUE_418 && fault != VENUE_418_WORDS && fault != VENUE_SHORT && fault != VENUE_MICROS;
    if (can)
        sim_venue_fault(v, rule, count);
    return can;
}

const VenueMaker venue_maker = { .name = "coinbase",
                                 .open = open_venue,
                                 .feed = sim_venue_feed,
                                 .fault = fault,
                                 .n_requests = sim_venue_requests,
                                 .close = sim_venue_close,
                                 .simulated = true,
                                 .symbol = "BTC-USDT",
                                 .page = 300,
                                 .search = 12,
                                 .on_grid = true,
                                 .paced = true };
