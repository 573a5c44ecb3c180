/* ta/trends.c - averages and channels that TA-Lib has not: by volume, of ta4j, and around a trend. */

#include "ta/average.h"
#include "ta/kernel.h"

/* --- averages weighed by volume; where nothing was traded there is none --- */

typedef struct Vwma {
    PairSum sums; /* of price times volume, and of volume */
} Vwma;

static void vwma_init(void *state, Arena *arena, const double *p) {
    Vwma *s = state;
    pair_sum_init(&s->sums, arena, (int)p[0]);
}

#define ta_vwma_init vwma_init
#define ta_vwap_init vwma_init

static inline double vwma_of(DoublePair sums) {
    return sums[0] / sums[1];
}

static inline void ta_vwma_next(Vwma *s, const double *in, double *out) {
    out[0] = vwma_of(pair_sum_next(&s->sums, in[0] * in[1], in[1]));
}

static inline void ta_vwma_steady(Vwma *s, const double *in, double *out) {
    out[0] = vwma_of(pair_sum_steady(&s->sums, in[0] * in[1], in[1]));
}

static inline void ta_vwap_next(Vwma *s, const double *in, double *out) {
    out[0] = vwma_of(pair_sum_next(&s->sums, (in[0] + in[1] + in[2]) / 3 * in[3], in[3]));
}

static inline void ta_vwap_steady(Vwma *s, const double *in, double *out) {
    out[0] = vwma_of(pair_sum_steady(&s->sums, (in[0] + in[1] + in[2]) / 3 * in[3], in[3]));
}

KERNEL_STEADY(ta_vwma, Vwma, 2, 1, pair_sum_full(&s->sums))
KERNEL_STEADY(ta_vwap, Vwma, 4, 1, pair_sum_full(&s->sums))

/* Since the start of the session: since the column x was another value. */
typedef struct VwapSession {
    double session, flow, volume;
    bool begun;
} VwapSession;

static void ta_vwap_session_init(void *state, Arena *arena, const double *p) {
    UNUSED(state), UNUSED(arena), UNUSED(p);
}

static inline void ta_vwap_session_next(VwapSession *s, const double *in, double *out) {
    if (!s->begun || in[4] != s->session)
        *s = (VwapSession){ .session = in[4], .begun = true };
    s->flow += (in[0] + in[1] + in[2]) / 3 * in[3];
    s->volume += in[3];
    out[0] = s->flow / s->volume;
}

KERNEL(ta_vwap_session, VwapSession, 5, 1)

/* --- Chaikin's money flow: where closes stand in their ranges, by volume --- */

static inline double cmf_flow(const double *in) {
    double range = in[0] - in[1], place = ((in[2] - in[1]) - (in[0] - in[2])) / range;
    return (range > 0 ? place : 0) * in[3];
}

static inline double cmf_of(DoublePair sums) {
    double share = sums[0] / sums[1];
    return sums[1] == 0 ? 0 : share;
}

static inline void ta_cmf_next(Vwma *s, const double *in, double *out) {
    out[0] = cmf_of(pair_sum_next(&s->sums, cmf_flow(in), in[3]));
}

static inline void ta_cmf_steady(Vwma *s, const double *in, double *out) {
    out[0] = cmf_of(pair_sum_steady(&s->sums, cmf_flow(in), in[3]));
}

#define ta_cmf_init vwma_init
KERNEL_STEADY(ta_cmf, Vwma, 4, 1, pair_sum_full(&s->sums))

/* --- of ta4j: each begins with what there is --- */

/* Means of means. */
typedef struct Tma {
    Sum one, two;
} Tma;

static inline double mean_so_far(Sum *s, double x) {
    double sum = sum_next(s, x);
    return isnan(sum) ? s->sum / s->w.n : sum / s->w.size;
}

static void tma_init(Tma *s, Arena *arena, int period) {
    sum_init(&s->one, arena, period);
    sum_init(&s->two, arena, period);
}

KERNEL_1(ta_tma_ta4j, Tma, tma_init(s, arena, (int)p[0]), mean_so_far(&s->two, mean_so_far(&s->one, x)))

/* Wilder's, seeded by the first value. */
static void rma_ta4j_init(Ema *e, int period) {
    ema_init_weight(e, 1, 1.0 / period);
}

KERNEL_1(ta_rma_ta4j, Ema, rma_ta4j_init(s, (int)p[0]), ema_next(s, x))

/* Gains and losses begin at 0 with the first price, which has no change. */
typedef struct RsiTa4j {
    Change change;
    Ema gain, loss;
} RsiTa4j;

static void rsi_ta4j_init(RsiTa4j *s, int period) {
    rma_ta4j_init(&s->gain, period);
    rma_ta4j_init(&s->loss, period);
}

static inline double rsi_ta4j_next(RsiTa4j *s, double x) {
    double change = change_next(&s->change, x);
    double gain = ema_next(&s->gain, change > 0 ? change : 0), loss = ema_next(&s->loss, change < 0 ? -change : 0);
    if (loss == 0)
        return gain == 0 ? 0 : 100;
    return 100 - 100 / (1 + gain / loss);
}

KERNEL_1(ta_rsi_ta4j, RsiTa4j, rsi_ta4j_init(s, (int)p[0]), rsi_ta4j_next(s, x))

/* Chande's variable average: the more one way the prices go, the quicker. Chande 1992, by the CMO. */
typedef struct Vidya {
    Change change;
    Sum up, down;
    double weight, value;
    bool begun;
} Vidya;

static void ta_vidya_ta4j_init(void *state, Arena *arena, const double *p) {
    Vidya *s = state;
    sum_init(&s->up, arena, (int)p[0]);
    sum_init(&s->down, arena, (int)p[0]);
    s->weight = 2 / (p[1] + 1);
}

static inline double sum_so_far(Sum *s, double x) {
    double sum = sum_next(s, x);
    return isnan(sum) ? s->sum : sum;
}

static inline void ta_vidya_ta4j_next(Vidya *s, const double *in, double *out) {
    double change = change_next(&s->change, in[0]);
    double up = sum_so_far(&s->up, MAX(change, 0)), down = sum_so_far(&s->down, MAX(-change, 0));
    double one_way = up + down == 0 ? 0 : fabs((up - down) / (up + down));
    s->value = s->begun ? s->value + s->weight * one_way * (in[0] - s->value) : in[0];
    s->begun = true;
    out[0] = s->value;
}

KERNEL(ta_vidya_ta4j, Vidya, 1, 1)

/* McGinley's dynamic: slower the farther the price has run above. 1990. The power is 4; ta4j's table has 2. */
typedef struct McGinley {
    double period, power, value;
    bool begun;
} McGinley;

static inline double mcginley_next(McGinley *s, double x) {
    if (!s->begun) {
        s->begun = true;
        return s->value = x;
    }
    double ratio = x / s->value, power = s->power == 4 ? ratio * ratio * ratio * ratio : pow(ratio, s->power);
    return s->value += (x - s->value) / (s->period * power);
}

static void mcginley_init(McGinley *s, double period, double power) {
    s->period = period;
    s->power = power;
}

KERNEL_1(ta_mcginley, McGinley, mcginley_init(s, p[0], p[1]), mcginley_next(s, x))

/* --- channels --- */

/* Around an average of closes, as wide as the average true range. Keltner, as Raschke has it. */
typedef struct Keltner {
    TrueRange range;
    Ema middle, width;
    double times;
} Keltner;

static void ta_keltner_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    Keltner *s = state;
    ema_init(&s->middle, (int)p[0]);
    wilder_init(&s->width, (int)p[1]);
    s->times = p[2];
}

static inline void ta_keltner_next(Keltner *s, const double *in, double *out) {
    double width = s->times * ema_next(&s->width, true_range_next(&s->range, in[0], in[1], in[2]));
    double middle = ema_next(&s->middle, in[2]);
    if (isnan(middle + width))
        return;
    out[0] = middle + width;
    out[1] = middle;
    out[2] = middle - width;
}

KERNEL(ta_keltner, Keltner, 3, 3)

static int lookback_keltner(const double *p) {
    return (int)MAX(p[0] - 1, p[1]);
}

/* A stop that follows the trend: each band only tightens until a close beyond it turns the trend. Seban. */
typedef struct SuperTrend {
    TrueRange range;
    Ema width;
    double times, upper, lower, close;
    int way; /* 1 rising, -1 falling, 0 before the first */
} SuperTrend;

static void ta_supertrend_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    SuperTrend *s = state;
    wilder_init(&s->width, (int)p[0]);
    s->times = p[1];
}

static inline void ta_supertrend_next(SuperTrend *s, const double *in, double *out) {
    double high = in[0], low = in[1], close = in[2], middle = (high + low) / 2;
    double width = s->times * ema_next(&s->width, true_range_next(&s->range, high, low, close));
    if (isnan(width))
        return;
    double upper = middle + width, lower = middle - width;
    if (s->way != 0) {
        upper = upper < s->upper || s->close > s->upper ? upper : s->upper;
        lower = lower > s->lower || s->close < s->lower ? lower : s->lower;
    }
    s->way = s->way == 0 ? (close <= upper ? -1 : 1) : s->way < 0 ? (close > upper ? 1 : -1) : close < lower ? -1 : 1;
    s->upper = upper;
    s->lower = lower;
    s->close = close;
    out[0] = s->way > 0 ? lower : upper;
    out[1] = s->way;
}

KERNEL(ta_supertrend, SuperTrend, 3, 2)

/* --- Connors' RSI: of the price, of its run of days, and the rank of its change. Connors, Alvarez 2012. --- */

typedef struct Connors {
    GainLoss price, run;
    Change change;
    Window changes; /* relative ones */
    double before, days;
    bool begun;
} Connors;

static void ta_connors_init(void *state, Arena *arena, const double *p) {
    Connors *s = state;
    gain_loss_init(&s->price, (int)p[0]);
    gain_loss_init(&s->run, (int)p[1]);
    window_init(&s->changes, arena, (int)p[2]);
}

/* Per cent of the changes before that were smaller. */
static inline double rank_of(Window *w, double change) {
    int n_below = 0;
    for (int i = 0; i < w->n; i++)
        n_below += w->at[i] < change;
    bool full = window_full(w);
    window_push(w, change);
    return full ? 100.0 * n_below / w->size : NAN;
}

static inline void ta_connors_next(Connors *s, const double *in, double *out) {
    double x = in[0], before = s->before, rank = NAN;
    if (s->begun) {
        int way = (x > before) - (x < before);
        s->days = way == 0 ? 0 : s->days * way > 0 ? s->days + way : way;
        rank = rank_of(&s->changes, before == 0 ? 0 : (x - before) / before);
    }
    s->before = x;
    s->begun = true;
    double price = rsi_next(&s->price, x), run = rsi_next(&s->run, s->days);
    out[0] = (price + run + rank) / 3;
}

KERNEL(ta_connors, Connors, 1, 1)

static int lookback_connors(const double *p) {
    return (int)MAX(MAX(p[0], p[1]), p[2] + 1);
}

#define ONE_IN_ONE_OUT .inputs = { TA_X }, .outputs = { "value" }
#define CANDLE_3       .inputs = { TA_HIGH, TA_LOW, TA_CLOSE }
#define BY_VOLUME      .inputs = { TA_HIGH, TA_LOW, TA_CLOSE, TA_VOLUME }, .outputs = { "value" }

/* clang-format off */
static const TaIndicator rows[] = {
    { "vwma", "Average weighed by volume", TA_OVERLAP, .inputs = { TA_X, TA_VOLUME }, .outputs = { "value" },
      .params = { PERIOD(1, 20) }, .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_vwma, Vwma) },
    { "vwap", "Typical price weighed by volume, over a window", TA_OVERLAP, BY_VOLUME, .params = { PERIOD(1, 20) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_vwap, Vwma) },
    { "vwap_session", "Typical price weighed by volume since the named column changed", TA_OVERLAP,
      .inputs = { TA_HIGH, TA_LOW, TA_CLOSE, TA_VOLUME, TA_X }, .outputs = { "value" }, .recursive = true,
      .lookback = ta_lookback_none, KERNEL_OF(ta_vwap_session, VwapSession) },
    { "mcginley", "McGinley's dynamic", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 14), { "power", TA_REAL, 4, 0, 10 } }, .recursive = true,
      .lookback = ta_lookback_none, KERNEL_OF(ta_mcginley, McGinley) },
    { "rma_ta4j", "Wilder's smoothed average seeded by the first price (MMA)", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 14) }, .recursive = true, .lookback = ta_lookback_none, KERNEL_OF(ta_rma_ta4j, Ema) },
    { "tma_ta4j", "Mean of means that begins with what there is", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 30) }, .recursive = true, .lookback = ta_lookback_none, KERNEL_OF(ta_tma_ta4j, Tma) },
    { "vidya_ta4j", "Variable average, the quicker the more one way prices go", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD_NAMED("cmo_period", 1, 9), PERIOD_NAMED("period", 1, 12) }, .recursive = true,
      .lookback = ta_lookback_none, KERNEL_OF(ta_vidya_ta4j, Vidya) },
    { "keltner", "Keltner channel", TA_OVERLAP, CANDLE_3, .outputs = { "upper", "middle", "lower" },
      .params = { PERIOD(1, 20), PERIOD_NAMED("atr_period", 1, 10), { "times", TA_REAL, 2, 0, 3e37 } },
      .recursive = true, .lookback = lookback_keltner, KERNEL_OF(ta_keltner, Keltner) },
    { "supertrend", "Stop that follows the trend, and its side", TA_OVERLAP, CANDLE_3,
      .outputs = { "value", "direction" }, .params = { PERIOD(1, 10), { "times", TA_REAL, 3, 0, 3e37 } },
      .recursive = true, .lookback = ta_lookback_period, KERNEL_OF(ta_supertrend, SuperTrend) },
    { "rsi_ta4j", "Relative strength index from the first price on", TA_MOMENTUM, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 14) }, .recursive = true, .lookback = ta_lookback_none, KERNEL_OF(ta_rsi_ta4j, RsiTa4j) },
    { "connors", "Connors' RSI", TA_MOMENTUM, ONE_IN_ONE_OUT,
      .params = { PERIOD(2, 3), PERIOD_NAMED("run_period", 2, 2), PERIOD_NAMED("rank_period", 1, 100) },
      .recursive = true, .lookback = lookback_connors, KERNEL_OF(ta_connors, Connors) },
    { "cmf", "Chaikin's money flow", TA_VOLUMES, BY_VOLUME, .params = { PERIOD(1, 20) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_cmf, Vwma) },
};
/* clang-format on */

const TaTable ta_trends = { rows, ARRAY_LEN(rows) };
