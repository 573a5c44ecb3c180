/* ta/ranges.c - volatility of candles: true range and its averages. */

#include "ta/kernel.h"
#include "ta/parts.h"

static void ta_trange_init(void *state, Arena *arena, const double *p) {
    UNUSED(state), UNUSED(arena), UNUSED(p);
}

static inline void ta_trange_next(TrueRange *t, const double *in, double *out) {
    out[0] = true_range_next(t, in[0], in[1], in[2]);
}

static inline void ta_trange_steady(TrueRange *t, const double *in, double *out) {
    double before = t->close, from_high = fabs(before - in[0]), from_low = fabs(before - in[1]), range = in[0] - in[1];
    double gap = MAX(from_high, from_low);
    t->close = in[2];
    out[0] = MAX(range, gap);
}

KERNEL_STEADY(ta_trange, TrueRange, 3, 1, s->begun)

typedef struct Atr {
    TrueRange range;
    Ema mean;
} Atr;

static void ta_atr_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    Atr *s = state;
    wilder_init(&s->mean, (int)p[0]);
}

static inline void ta_atr_next(Atr *s, const double *in, double *out) {
    out[0] = ema_next(&s->mean, true_range_next(&s->range, in[0], in[1], in[2]));
}

/* Of a period of 1 it is the range itself: TA-Lib's way. */
static inline void ta_natr_next(Atr *s, const double *in, double *out) {
    ta_atr_next(s, in, out);
    if (!isnan(out[0]) && s->mean.period > 1)
        out[0] = nearly_zero(in[2]) ? 0 : out[0] / in[2] * 100;
}

#define ta_natr_init ta_atr_init
KERNEL(ta_atr, Atr, 3, 1)
KERNEL(ta_natr, Atr, 3, 1)

#define CANDLE_3 .inputs = { TA_HIGH, TA_LOW, TA_CLOSE }, .outputs = { "value" }

/* clang-format off */
static const TaIndicator rows[] = {
    { "trange", "True range", TA_VOLATILITY, CANDLE_3, .lookback = ta_lookback_one, KERNEL_OF(ta_trange, TrueRange) },
    { "atr", "Average true range", TA_VOLATILITY, CANDLE_3, .params = { PERIOD(1, 14) }, .recursive = true,
      .lookback = ta_lookback_period, KERNEL_OF(ta_atr, Atr) },
    { "natr", "Average true range, per cent of the close", TA_VOLATILITY, CANDLE_3, .params = { PERIOD(1, 14) },
      .recursive = true, .lookback = ta_lookback_period, KERNEL_OF(ta_natr, Atr) },
};
/* clang-format on */

const TaTable ta_ranges = { rows, ARRAY_LEN(rows) };
