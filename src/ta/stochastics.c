/* ta/stochastics.c - where the close stands between the extremes of a window. */

#include "ta/average.h"
#include "ta/kernel.h"

typedef struct Stochastic {
    Extreme high, low;
    Average k, d; /* averages of what is before them */
} Stochastic;

static void stochastic_init(Stochastic *s, Arena *arena, int period) {
    greatest_init(&s->high, arena, period);
    least_init(&s->low, arena, period);
}

/* The raw, "fast" %K: 0 where there is no range. */
static inline double stochastic_next(Stochastic *s, double high, double low, double close) {
    double top = extreme_next(&s->high, high), bottom = extreme_next(&s->low, low);
    return top == bottom ? 0 : (close - bottom) / ((top - bottom) / 100);
}

static void ta_stoch_init(void *state, Arena *arena, const double *p) {
    Stochastic *s = state;
    stochastic_init(s, arena, (int)p[0]);
    average_init(&s->k, arena, (TaAverage)p[2], (int)p[1]);
    average_init(&s->d, arena, (TaAverage)p[4], (int)p[3]);
}

static inline void stoch_any_next(Stochastic *s, const double *in, double *out) {
    double k = average_next(&s->k, stochastic_next(s, in[0], in[1], in[2]));
    out[1] = average_next(&s->d, k);
    out[0] = isnan(out[1]) ? NAN : k;
}

/* The usual kind apart: all in line, the state stays in registers. */
static inline void stoch_sma_next(Stochastic *s, const double *in, double *out) {
    double k = sma_next(&s->k.sma, stochastic_next(s, in[0], in[1], in[2]));
    out[1] = sma_next(&s->d.sma, k);
    out[0] = isnan(out[1]) ? NAN : k;
}

static inline void stoch_sma_steady(Stochastic *s, const double *in, double *out) {
    double top = extreme_steady(&s->high, in[0]), bottom = extreme_steady(&s->low, in[1]);
    double raw = top == bottom ? 0 : (in[2] - bottom) / ((top - bottom) / 100);
    out[0] = sma_steady(&s->k.sma, raw);
    out[1] = sma_steady(&s->d.sma, out[0]);
}

KERNEL(stoch_any, Stochastic, 3, 2)
KERNEL_STEADY(stoch_sma, Stochastic, 3, 2, window_full(&s->d.sma.w))

static void ta_stoch_run(void *state, const double *const *in, size_t n, double *const *out) {
    const Stochastic *s = state;
    bool usual = s->k.kind == TA_SMA && s->d.kind == TA_SMA;
    (usual ? stoch_sma_run : stoch_any_run)(state, in, n, out);
}

static int lookback_stoch(const double *p) {
    return (int)p[0] - 1 + average_lookback((TaAverage)p[2], (int)p[1]) + average_lookback((TaAverage)p[4], (int)p[3]);
}

static void ta_stochf_init(void *state, Arena *arena, const double *p) {
    Stochastic *s = state;
    stochastic_init(s, arena, (int)p[0]);
    average_init(&s->d, arena, (TaAverage)p[2], (int)p[1]);
}

static inline void ta_stochf_next(Stochastic *s, const double *in, double *out) {
    double k = stochastic_next(s, in[0], in[1], in[2]);
    out[1] = average_next(&s->d, k);
    out[0] = isnan(out[1]) ? NAN : k;
}

KERNEL(ta_stochf, Stochastic, 3, 2)

static int lookback_stochf(const double *p) {
    return (int)p[0] - 1 + average_lookback((TaAverage)p[2], (int)p[1]);
}

typedef struct StochRsi {
    GainLoss rsi;
    Stochastic stochastic;
} StochRsi;

static void ta_stochrsi_init(void *state, Arena *arena, const double *p) {
    StochRsi *s = state;
    gain_loss_init(&s->rsi, (int)p[0]);
    ta_stochf_init(&s->stochastic, arena, p + 1);
}

static inline void ta_stochrsi_next(StochRsi *s, const double *in, double *out) {
    double rsi = rsi_next(&s->rsi, in[0]);
    ta_stochf_next(&s->stochastic, (double[]){ rsi, rsi, rsi }, out);
}

KERNEL(ta_stochrsi, StochRsi, 1, 2)

static int lookback_stochrsi(const double *p) {
    return (int)p[0] + lookback_stochf(p + 1);
}

static void ta_willr_init(void *state, Arena *arena, const double *p) {
    stochastic_init(state, arena, (int)p[0]);
}

static inline void ta_willr_next(Stochastic *s, const double *in, double *out) {
    double top = extreme_next(&s->high, in[0]), bottom = extreme_next(&s->low, in[1]);
    out[0] = top == bottom ? 0 : (top - in[2]) / ((top - bottom) / -100);
}

KERNEL(ta_willr, Stochastic, 3, 1)

#define CANDLE_3    .inputs = { TA_HIGH, TA_LOW, TA_CLOSE }
#define FAST_OUT    .outputs = { "fast_k", "fast_d" }
#define FAST_PARAMS PERIOD_NAMED("fast_k_period", 1, 5), PERIOD_NAMED("fast_d_period", 1, 3), AVERAGE("fast_d_average")

/* clang-format off */
static const TaIndicator rows[] = {
    { "stoch", "Stochastic, slow", TA_MOMENTUM, CANDLE_3, .outputs = { "slow_k", "slow_d" },
      .params = { PERIOD_NAMED("fast_k_period", 1, 5), PERIOD_NAMED("slow_k_period", 1, 3), AVERAGE("slow_k_average"),
                  PERIOD_NAMED("slow_d_period", 1, 3), AVERAGE("slow_d_average") },
      .recursive = true, .lookback = lookback_stoch, KERNEL_OF(ta_stoch, Stochastic) },
    { "stochf", "Stochastic, fast", TA_MOMENTUM, CANDLE_3, FAST_OUT, .params = { FAST_PARAMS },
      .recursive = true, .lookback = lookback_stochf, KERNEL_OF(ta_stochf, Stochastic) },
    { "stochrsi", "Stochastic of the relative strength index", TA_MOMENTUM, .inputs = { TA_X }, FAST_OUT,
      .params = { PERIOD(2, 14), FAST_PARAMS },
      .recursive = true, .lookback = lookback_stochrsi, KERNEL_OF(ta_stochrsi, StochRsi) },
    { "willr", "Williams' %R", TA_MOMENTUM, CANDLE_3, .outputs = { "value" }, .params = { PERIOD(2, 14) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_willr, Stochastic) },
};
/* clang-format on */

const TaTable ta_stochastics = { rows, ARRAY_LEN(rows) };
