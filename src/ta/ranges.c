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

/* By column, but where the closes are written over: no row waits for the one before. */
static void ta_trange_column_run(void *state, const double *const *in, size_t n, double *const *out) {
    TrueRange *s = state;
    const double *high = in[0], *low = in[1], *close = in[2];
    double *const range = out[0];
    if (range == close || n < 2) {
        ta_trange_run(state, in, n, out);
        return;
    }
    for (size_t i = 0; i < n;) {
        size_t good = rows_finite(in, 3, i, MIN(n - i, (size_t)KERNEL_BLOCK)), end = i + good;
        size_t first = MIN(end - i + 1, n - i); /* the row of another block before it, or one that is none */
        ta_trange_run(s, (const double *[]){ high + i, low + i, close + i }, MIN(first, (size_t)1),
                      (double *[]){ range + i });
        i++;
        KERNEL_NO_OVERLAP
        for (size_t k = i; k < end; k++) {
            double from_high = fabs(close[k - 1] - high[k]), from_low = fabs(close[k - 1] - low[k]);
            double gap = MAX(from_high, from_low), inside = high[k] - low[k];
            range[k] = MAX(inside, gap);
        }
        if (end > i) {
            s->close = close[end - 1];
            i = end;
        }
    }
}

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
    { "trange", "True range", TA_VOLATILITY, CANDLE_3, .lookback = ta_lookback_one, .state_size = sizeof(TrueRange),
      .init = ta_trange_init, .run = ta_trange_column_run },
    { "atr", "Average true range", TA_VOLATILITY, CANDLE_3, .params = { PERIOD(1, 14) }, .recursive = true,
      .lookback = ta_lookback_period, KERNEL_OF(ta_atr, Atr) },
    { "natr", "Average true range, per cent of the close", TA_VOLATILITY, CANDLE_3, .params = { PERIOD(1, 14) },
      .recursive = true, .lookback = ta_lookback_period, KERNEL_OF(ta_natr, Atr) },
};
/* clang-format on */

const TaTable ta_ranges = { rows, ARRAY_LEN(rows) };
