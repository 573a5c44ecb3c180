/* ta/momenta.c - momentum of one column: rates of change, RSI and its kin. Wilder: "New concepts in technical trading
 * systems", 1978; Chande, Kroll: "The new technical trader", 1994. */

#include "ta/columns.h"

/* --- against the value `period` candles ago --- */

/* 0 where there was nothing before. */
static inline DoublePair rate(DoublePair x, DoublePair before, double scale, double base) {
    return (DoublePair)((Mask)((x / before - base) * scale) & (before != 0));
}

static inline DoublePair rate_of_difference(DoublePair x, DoublePair before) {
    return (DoublePair)((Mask)((x - before) / before) & (before != 0));
}

#define ta_mom_column difference_column
KERNEL_WINDOW(ta_mom, Lag, w, lag_init(s, arena, (int)p[0]), x - lag_next(s, x))

/* By twos; a single row is half of two. A row before the lag is full has none before: NaN. */
#define KERNEL_LAG(name, value)                                                                                        \
    static inline DoublePair name##_of(DoublePair x, DoublePair before) {                                              \
        return (value);                                                                                                \
    }                                                                                                                  \
    static inline double name##_row(double x, double before) {                                                         \
        return isnan(before) ? (double)NAN : name##_of((DoublePair){ x }, (DoublePair){ before })[0];                  \
    }                                                                                                                  \
    static inline void name##_column(Lag *l, size_t size, const double *x, size_t n, double *const *lines,             \
                                     size_t at) {                                                                      \
        double *const out = lines[0] + at;                                                                             \
        size_t i = 0;                                                                                                  \
        UNUSED(l);                                                                                                     \
        for (; i + 2 <= n; i += 2) {                                                                                   \
            DoublePair two = name##_of(pair_at(x + i), pair_at(x + i - size));                                         \
            memcpy(out + i, &two, sizeof two);                                                                         \
        }                                                                                                              \
        for (; i < n; i++)                                                                                             \
            out[i] = name##_row(x[i], x[i - size]);                                                                    \
    }                                                                                                                  \
    KERNEL_WINDOW(name, Lag, w, lag_init(s, arena, (int)p[0]), name##_row(x, lag_next(s, x)))

KERNEL_LAG(ta_roc, rate(x, before, 100, 1))
KERNEL_LAG(ta_rocr, rate(x, before, 1, 0))
KERNEL_LAG(ta_rocr100, rate(x, before, 100, 0))
KERNEL_LAG(ta_rocp, rate_of_difference(x, before))

/* --- RSI and its kin --- */

static inline double cmo_of_moves(double gain, double loss) {
    double share = 100 * ((gain - loss) / (gain + loss));
    return nearly_zero(gain + loss) ? 0 : share;
}

static inline double cmo_next(GainLoss *g, double x) {
    double gain, loss;
    gain_loss_next(g, x, &gain, &loss);
    return cmo_of_moves(gain, loss);
}

static inline double cmo_steady(GainLoss *g, double x) {
    double gain, loss;
    gain_loss_steady(g, x, &gain, &loss);
    return cmo_of_moves(gain, loss);
}

KERNEL_1_STEADY(ta_rsi, GainLoss, gain_loss_init(s, (int)p[0]), rsi_next(s, x), gain_loss_ready(s), rsi_steady(s, x))
KERNEL_1_STEADY(ta_cmo, GainLoss, gain_loss_init(s, (int)p[0]), cmo_next(s, x), gain_loss_ready(s), cmo_steady(s, x))

/* RSI of closes against their opens, by plain sums. */
typedef struct Imi {
    Sum up, down;
} Imi;

static void ta_imi_init(void *state, Arena *arena, const double *p) {
    Imi *s = state;
    sum_init(&s->up, arena, (int)p[0]);
    sum_init(&s->down, arena, (int)p[0]);
}

static inline void ta_imi_next(Imi *s, const double *in, double *out) {
    double gain = in[1] - in[0];
    double up = sum_next(&s->up, gain > 0 ? gain : 0), down = sum_next(&s->down, gain > 0 ? 0 : -gain);
    out[0] = 100 * (up / (up + down));
}

KERNEL(ta_imi, Imi, 2, 1)

/* --- commodity channel index: the typical price against the mean and mean deviation of its window, summed in the order
 * of TA-Lib's ring: where prices are at rest the rounding is all there is --- */

typedef struct Cci {
    Window w;
} Cci;

static void ta_cci_init(void *state, Arena *arena, const double *p) {
    Cci *s = state;
    window_init(&s->w, arena, (int)p[0]);
}

static inline void ta_cci_next(Cci *s, const double *in, double *out) {
    double typical = (in[0] + in[1] + in[2]) / 3;
    window_push(&s->w, typical);
    if (!window_full(&s->w))
        return;
    double mean = window_mean_unordered(&s->w), off = typical - mean, deviation = window_mean_deviation(&s->w, mean);
    out[0] = off == 0 || deviation == 0 ? 0 : off / (0.015 * deviation);
}

KERNEL(ta_cci, Cci, 3, 1)

/* --- ultimate oscillator: buying pressure over true range in three windows. Williams 1985. --- */

typedef struct Ultimate {
    TrueRange range;
    Change close; /* keeps the close before */
    Sum pressure[3], true_range[3];
} Ultimate;

static void ta_ultosc_init(void *state, Arena *arena, const double *p) {
    Ultimate *s = state;
    double period[3] = { p[0], p[1], p[2] };
    for (int i = 0; i < 3; i++) /* the shortest first: it weighs most */
        for (int k = i + 1; k < 3; k++)
            if (period[k] < period[i]) {
                double longer = period[i];
                period[i] = period[k];
                period[k] = longer;
            }
    for (int i = 0; i < 3; i++) {
        sum_init(&s->pressure[i], arena, (int)period[i]);
        sum_init(&s->true_range[i], arena, (int)period[i]);
    }
}

static inline void ta_ultosc_next(Ultimate *s, const double *in, double *out) {
    double high = in[0], low = in[1], close = in[2], before = s->range.close;
    double range = true_range_next(&s->range, high, low, close);
    double pressure = isnan(range) ? NAN : close - MIN(low, before), value = 0;
    for (int i = 0; i < 3; i++) {
        double a = sum_next(&s->pressure[i], pressure), b = sum_next(&s->true_range[i], range);
        value += nearly_zero(b) ? 0 : (double)(4 >> i) * (a / b);
    }
    out[0] = 100 * (value / 7);
}

static inline void ta_ultosc_steady(Ultimate *s, const double *in, double *out) {
    double high = in[0], low = in[1], close = in[2], before = s->range.close;
    double range = true_range_next(&s->range, high, low, close), pressure = close - MIN(low, before), value = 0;
    KERNEL_UNROLL
    for (int i = 0; i < 3; i++) {
        double a = sum_steady(&s->pressure[i], pressure), b = sum_steady(&s->true_range[i], range);
        value += nearly_zero(b) ? 0 : (double)(4 >> i) * (a / b);
    }
    out[0] = 100 * (value / 7);
}

KERNEL_STEADY(ta_ultosc, Ultimate, 3, 1, window_full(&s->pressure[2].w))

static int lookback_ultosc(const double *p) {
    return (int)MAX(MAX(p[0], p[1]), p[2]);
}

/* --- the table --- */

#define ONE_IN_ONE_OUT .inputs = { TA_X }, .outputs = { "value" }

/* clang-format off */
static const TaIndicator rows[] = {
    { "mom", "Momentum", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { PERIOD(1, 10) },
      .lookback = ta_lookback_period, KERNEL_OF(ta_mom, Lag) },
    { "roc", "Rate of change, per cent", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { PERIOD(1, 10) },
      .lookback = ta_lookback_period, KERNEL_OF(ta_roc, Lag) },
    { "rocp", "Rate of change, fraction", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { PERIOD(1, 10) },
      .lookback = ta_lookback_period, KERNEL_OF(ta_rocp, Lag) },
    { "rocr", "Rate of change, ratio", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { PERIOD(1, 10) },
      .lookback = ta_lookback_period, KERNEL_OF(ta_rocr, Lag) },
    { "rocr100", "Rate of change, ratio times 100", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { PERIOD(1, 10) },
      .lookback = ta_lookback_period, KERNEL_OF(ta_rocr100, Lag) },
    { "rsi", "Relative strength index", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { PERIOD(2, 14) },
      .recursive = true, .lookback = ta_lookback_period, KERNEL_OF(ta_rsi, GainLoss) },
    { "cmo", "Chande momentum oscillator", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { PERIOD(2, 14) },
      .recursive = true, .lookback = ta_lookback_period, KERNEL_OF(ta_cmo, GainLoss) },
    { "imi", "Intraday momentum index", TA_MOMENTUM, .inputs = { TA_OPEN, TA_CLOSE }, .outputs = { "value" },
      .params = { PERIOD(2, 14) }, .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_imi, Imi) },
    { "cci", "Commodity channel index", TA_MOMENTUM, .inputs = { TA_HIGH, TA_LOW, TA_CLOSE },
      .outputs = { "value" }, .params = { PERIOD(2, 14) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_cci, Cci) },
    { "ultosc", "Ultimate oscillator", TA_MOMENTUM, .inputs = { TA_HIGH, TA_LOW, TA_CLOSE }, .outputs = { "value" },
      .params = { PERIOD_NAMED("period1", 1, 7), PERIOD_NAMED("period2", 1, 14), PERIOD_NAMED("period3", 1, 28) },
      .lookback = lookback_ultosc, KERNEL_OF(ta_ultosc, Ultimate) },
};
/* clang-format on */

const TaTable ta_momenta = { rows, ARRAY_LEN(rows) };
