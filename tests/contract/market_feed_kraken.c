/* The market feed contract (MDS-20) on adapters/market/kraken and the simulated exchange. */

#include "adapters/market/kraken.h"
#include "sim_venue.h"

static FeedVenue *open_venue(TestCtx *t, Timeframe tf, const Candles *candles) {
    static const char *const paths[2] = { "/OHLC", "/Trades" };
    return sim_venue_open(t, &venue_kraken, "BTCUSDT", tf, candles, paths);
}

/* It has no bans and no µs, and its answers have no gaps and one order. */
static bool fault(FeedVenue *v, VenueFault fault, int count) {
    const char *rule = sim_venue_rule(fault);
    bool can = rule && fault != VENUE_418 && fault != VENUE_418_WORDS && fault != VENUE_SHORT &&
               fault != VENUE_MICROS && fault != VENUE_EMPTY && fault != VENUE_DUPLICATE && fault != VENUE_UNSORTED;
    if (can)
        sim_venue_fault(v, rule, count);
    return can;
}

const VenueMaker venue_maker = { .name = "kraken",
                                 .open = open_venue,
                                 .feed = sim_venue_feed,
                                 .fault = fault,
                                 .n_requests = sim_venue_requests,
                                 .close = sim_venue_close,
                                 .simulated = true,
                                 .symbol = "XBTUSDT",
                                 .page = 720,
                                 .search = 30,
                                 .on_grid = true,
                                 .flat = true,
                                 .paced = true,
                                 .busy_ms = 5000 };
