/* The market feed contract (MDS-21) on adapters/market/vci and the simulated exchange. */

#include "adapters/market/vci.h"
#include "sim_venue.h"

static FeedVenue *open_venue(TestCtx *t, Timeframe tf, const Candles *candles) {
    static const char *const paths[2] = { "gap-chart", NULL };
    return sim_venue_open(t, &venue_vci, "VNM", tf, candles, paths);
}

/* It has no bans and no µs; a short answer is whole. */
static bool fault(FeedVenue *v, VenueFault fault, int count) {
    const char *rule = sim_venue_rule(fault);
    bool can = rule && fault != VENUE_418 && fault != VENUE_418_WORDS && fault != VENUE_SHORT && fault != VENUE_MICROS;
    if (can)
        sim_venue_fault(v, rule, count);
    return can;
}

/* Sessions of the Ho Chi Minh exchange: 09:00 to 11:30 and 13:00 to 14:45, UTC+7. */
static bool is_open(Timeframe tf, Time t) {
    int64_t local = t.ms + 7 * (int64_t)MS_PER_HOUR, minute = floor_mod(local, MS_PER_DAY) / MS_PER_MINUTE;
    if (tf.unit == UNIT_DAY)
        return weekday_of_days(floor_div(t.ms, MS_PER_DAY)) < 5;
    int64_t end = minute + timeframe_ms(tf) / MS_PER_MINUTE;
    bool session = (minute < 11 * 60 + 30 && end > 9 * 60) || (minute < 14 * 60 + 45 && end > 13 * 60);
    return session && weekday_of_days(floor_div(local, MS_PER_DAY)) < 5;
}

const VenueMaker venue_maker = { .name = "vci",
                                 .open = open_venue,
                                 .feed = sim_venue_feed,
                                 .fault = fault,
                                 .n_requests = sim_venue_requests,
                                 .close = sim_venue_close,
                                 .simulated = true,
                                 .symbol = "VNM",
                                 .base = "VNM",
                                 .quote = "VND",
                                 .instrument = "VNM.VN",
                                 .page = 4845,
                                 .search = 12,
                                 .on_grid = true,
                                 .paced = true,
                                 .is_open = is_open,
                                 .start_ms = INT64_C(1704164400000) };
