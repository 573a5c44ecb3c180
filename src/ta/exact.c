/* ta/exact.c - Backtrader's plain average and deviation to the last bit: a crossing of two averages, or a flat price,
 * hangs on it. */

#include "ta/exact.h"
#include "ta/kernel.h"

KERNEL_1(ta_sma_backtrader, ExactSum, exact_init(s, arena, (int)p[0]), exact_mean(s, x))

/* The root of the size of E[x^2] - E[x]^2, which rounding may leave below 0. */
typedef struct DeviationBt {
    ExactSum values, squares;
    double times;
} DeviationBt;

static void deviation_bt_init(void *state, Arena *arena, const double *p) {
    DeviationBt *s = state;
    exact_init(&s->values, arena, (int)p[0]);
    exact_init(&s->squares, arena, (int)p[0]);
}

static void ta_bbands_backtrader_init(void *state, Arena *arena, const double *p) {
    DeviationBt *s = state;
    deviation_bt_init(s, arena, p);
    s->times = p[1];
}

static inline double deviation_bt_next(DeviationBt *s, double x, double *mean) {
    *mean = exact_mean(&s->values, x);
    return sqrt(fabs(exact_mean(&s->squares, x * x) - *mean * *mean));
}

static inline void ta_stddev_backtrader_next(DeviationBt *s, const double *in, double *out) {
    double mean;
    out[0] = deviation_bt_next(s, in[0], &mean);
}

static inline void ta_bbands_backtrader_next(DeviationBt *s, const double *in, double *out) {
    double deviation = s->times * deviation_bt_next(s, in[0], &out[1]);
    out[0] = out[1] + deviation;
    out[2] = out[1] - deviation;
}

#define ta_stddev_backtrader_init deviation_bt_init
KERNEL(ta_stddev_backtrader, DeviationBt, 1, 1)
KERNEL(ta_bbands_backtrader, DeviationBt, 1, 3)

/* clang-format off */
static const TaIndicator rows[] = {
    { "sma_backtrader", "Simple moving average, exactly rounded", TA_OVERLAP, .inputs = { TA_X },
      .outputs = { "value" }, .params = { PERIOD(1, 30) }, .lookback = ta_lookback_period_less_1,
      KERNEL_OF(ta_sma_backtrader, ExactSum) },
    { "bbands_backtrader", "Bollinger bands, exactly rounded means", TA_OVERLAP, .inputs = { TA_X },
      .outputs = { "upper", "middle", "lower" }, .params = { PERIOD(1, 20), { "times", TA_REAL, 2, -3e37, 3e37 } },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_bbands_backtrader, DeviationBt) },
    { "stddev_backtrader", "Standard deviation, exactly rounded means", TA_STATISTIC, .inputs = { TA_X },
      .outputs = { "value" }, .params = { PERIOD(1, 20) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_stddev_backtrader, DeviationBt) },
};
/* clang-format on */

const TaTable ta_exact = { rows, ARRAY_LEN(rows) };
