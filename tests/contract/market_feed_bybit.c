/* The market feed contract on adapters/market/bybit and the simulated exchange. */

#include "adapters/market/bybit.h"
#include "sim_venue.h"

static FeedVenue *open_venue(TestCtx *t, Timeframe tf, const Candles *candles) {
    static const char *const paths[2] = { "/kline", NULL };
    return sim_venue_open(t, &venue_bybit, "BTCUSDT", tf, candles, paths);
}

/* It has no bans, no µs, and no 429; a short answer is whole. */
static bool fault(FeedVenue *v, VenueFault fault, int count) {
    const char *rule = sim_venue_rule(fault);
    bool can = rule && fault != VENUE_418 && fault != VENUE_418_WORDS && fault != VENUE_SHORT &&
               fault != VENUE_MICROS && fault != VENUE_429;
    if (can)
        sim_venue_fault(v, rule, count);
    return can;
}

const VenueMaker venue_maker = { .name = "bybit",
                                 .open = open_venue,
                                 .feed = sim_venue_feed,
                                 .fault = fault,
                                 .n_requests = sim_venue_requests,
                                 .close = sim_venue_close,
                                 .simulated = true,
                                 .search = 12,
                                 .on_grid = true,
                                 .paced = true };
