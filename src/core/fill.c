/* core/fill.c - see fill.h. */

#include "core/fill.h"

#include "core/disagree.h"

#include <math.h>

static const char *const names[] = { "forward", "linear", "venue" };

const char *fill_method_name(FillMethod method) {
    assert((size_t)method < ARRAY_LEN(names));
    return names[method];
}

bool fill_method_parse(Str text, FillMethod *out) {
    if (str_eq(text, S("ffill")))
        text = S("forward");
    if (str_eq(text, S("interpolate")))
        text = S("linear");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(text, str_c(names[i]))) {
            *out = (FillMethod)i;
            return true;
        }
    return false;
}

static void push(const FillGap *gap, Arena *arena, Candles *out, Time t, double open, double close) {
    uint8_t simulated = (gap->before.flags | gap->after.flags) & CANDLE_SIMULATED;
    Candle c = { .open_time = t,
                 .open = open,
                 .high = MAX(open, close),
                 .low = MIN(open, close),
                 .close = close,
                 .known_at = gap->known_at,
                 .flags = (uint8_t)(CANDLE_SYNTHETIC | simulated) };
    candles_reserve(out, arena, out->n + 1);
    candles_push(out, &c);
}

void fill_forward(const FillGap *gap, Arena *arena, Candles *out) {
    for (Time t = gap->from; time_before(t, gap->to); t = timeframe_next(gap->timeframe, t))
        push(gap, arena, out, t, gap->before.close, gap->before.close);
}

/* By place on the grid, not by milliseconds: months of different lengths are equal steps. */
void fill_linear(const FillGap *gap, Arena *arena, Candles *out) {
    int64_t n = timeframe_count(gap->timeframe, gap->from, gap->to), i = 0;
    double from = gap->before.close, slope = (gap->after.open - from) / (double)MAX(n, 1), last = from;
    for (Time t = gap->from; time_before(t, gap->to); t = timeframe_next(gap->timeframe, t)) {
        double close = ++i == n ? gap->after.open : from + slope * (double)i;
        push(gap, arena, out, t, last, close);
        last = close;
    }
}

/* The donor's price of the same moment, or NaN. */
static double donor_bps(const Candles *donor, const Candle *own) {
    size_t i = candles_lower_bound(donor, own->open_time);
    if (i == donor->n || donor->open_ms[i] != own->open_time.ms || donor->flags[i] & CANDLE_SYNTHETIC)
        return NAN;
    return fabs(difference_bps(own->close, donor->close[i]));
}

int fill_from_venue(const FillGap *gap, const Candles *donor, double max_bps, Arena *arena, Candles *out, double *bps) {
    double ends[] = { donor_bps(donor, &gap->before), donor_bps(donor, &gap->after) };
    *bps = fmax(ends[0], ends[1]); /* fmax leaves out a NaN */
    if (isnan(*bps))
        return FILL_NO_DONOR;
    if (*bps > max_bps)
        return FILL_DISAGREES;
    size_t had = out->n, end = candles_lower_bound(donor, gap->to);
    uint8_t simulated = (gap->before.flags | gap->after.flags) & CANDLE_SIMULATED;
    for (size_t i = candles_lower_bound(donor, gap->from); i < end; i++) {
        Candle c = candles_get(donor, i);
        if (c.flags & (CANDLE_SYNTHETIC | CANDLE_OPEN) || !timeframe_on_grid(gap->timeframe, c.open_time))
            continue;
        c.volume = 0;
        c.known_at = gap->known_at;
        c.flags = (uint8_t)(CANDLE_SYNTHETIC | simulated | (c.flags & (CANDLE_SIMULATED | CANDLE_PARTIAL)));
        candles_reserve(out, arena, out->n + 1);
        candles_push(out, &c);
    }
    return out->n > had ? 0 : FILL_NO_DONOR;
}
