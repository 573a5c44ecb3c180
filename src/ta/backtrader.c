/* ta/backtrader.c - indicators as Backtrader 1.9 has them, where TA-Lib seeds or divides otherwise or has none. Each line
 * begins when it can: a line may be ready before the others of its indicator. */

#include "ta/kernel.h"
#include "ta/parts.h"

/* --- averages --- */

typedef struct KamaBt {
    Lag lag;
    Change change;
    Sum steps, seed;
    double fast, slow, value;
    bool begun;
} KamaBt;

static void kama_bt_init(KamaBt *k, Arena *arena, int period) {
    lag_init(&k->lag, arena, period);
    sum_init(&k->steps, arena, period);
    sum_init(&k->seed, arena, period);
    k->fast = 2.0 / 3;
    k->slow = 2.0 / 31;
}

/* Seeded by the mean of the last `period` prices. */
static inline double kama_bt_next(KamaBt *k, double x) {
    double oldest = lag_next(&k->lag, x), volatility = sum_next(&k->steps, fabs(change_next(&k->change, x)));
    double mean = sma_next(&k->seed, x);
    if (isnan(volatility))
        return NAN;
    if (!k->begun) {
        k->begun = true;
        return k->value = mean;
    }
    double efficiency = volatility == 0 ? 0 : fabs((x - oldest) / volatility);
    double weight = efficiency * (k->fast - k->slow) + k->slow;
    return k->value += (x - k->value) * weight * weight;
}

KERNEL_1(ta_kama_backtrader, KamaBt, kama_bt_init(s, arena, (int)p[0]), kama_bt_next(s, x))

/* Exponential average of the price and its lead over the one half a period ago. */
typedef struct Zlema {
    Lag lag;
    Ema ema;
} Zlema;

static void zlema_init(Zlema *z, Arena *arena, int period) {
    lag_init(&z->lag, arena, (period - 1) / 2);
    ema_init(&z->ema, period);
}

KERNEL_1(ta_zlema, Zlema, zlema_init(s, arena, (int)p[0]), ema_next(&s->ema, 2 * x - lag_next(&s->lag, x)))

static int lookback_zlema(const double *p) {
    return ((int)p[0] - 1) / 2 + (int)p[0] - 1;
}

/* Price against the mean as it was half a period before: no look ahead. */
typedef struct Dpo {
    Sum mean;
    Lag lag;
} Dpo;

static void dpo_init(Dpo *d, Arena *arena, int period) {
    sum_init(&d->mean, arena, period);
    lag_init(&d->lag, arena, (period + 1) / 2 - 1);
}

KERNEL_1(ta_dpo, Dpo, dpo_init(s, arena, (int)p[0]), x - lag_next(&s->lag, sma_next(&s->mean, x)))

static int lookback_dpo(const double *p) {
    return (int)p[0] - 1 + ((int)p[0] + 1) / 2 - 1;
}

/* --- RSI: 50 where nothing moved, and with other averages of the moves --- */

static inline double rsi_of(double gain, double loss) {
    if (loss == 0)
        return gain == 0 ? 50 : 100;
    return 100 - 100 / (1 + gain / loss);
}

static inline double rsi_bt_next(GainLoss *g, double x) {
    double change = change_next(&g->change, x);
    double gain = ema_next(&g->gain, isnan(change) ? NAN : MAX(change, 0));
    return rsi_of(gain, ema_next(&g->loss, isnan(change) ? NAN : MAX(-change, 0)));
}

static void rsi_ema_init(GainLoss *g, int period) {
    ema_init(&g->gain, period);
    ema_init(&g->loss, period);
}

KERNEL_1(ta_rsi_backtrader, GainLoss, gain_loss_init(s, (int)p[0]), rsi_bt_next(s, x))
KERNEL_1(ta_rsi_ema_backtrader, GainLoss, rsi_ema_init(s, (int)p[0]), rsi_bt_next(s, x))

typedef struct RsiSma {
    Change change;
    Sum gain, loss;
} RsiSma;

static void rsi_sma_init(RsiSma *s, Arena *arena, int period) {
    sum_init(&s->gain, arena, period);
    sum_init(&s->loss, arena, period);
}

static inline double rsi_sma_next(RsiSma *s, double x) {
    double change = change_next(&s->change, x);
    double gain = sum_next(&s->gain, isnan(change) ? NAN : MAX(change, 0));
    return rsi_of(gain, sum_next(&s->loss, isnan(change) ? NAN : MAX(-change, 0)));
}

KERNEL_1(ta_rsi_sma_backtrader, RsiSma, rsi_sma_init(s, arena, (int)p[0]), rsi_sma_next(s, x))

/* --- MACD and PPO: each average seeded on its own start --- */

typedef struct MacdBt {
    Ema fast, slow, signal;
} MacdBt;

static void macd_bt_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    MacdBt *s = state;
    ema_init(&s->fast, (int)p[0]);
    ema_init(&s->slow, (int)p[1]);
    ema_init(&s->signal, (int)p[2]);
}

static inline void macd_bt_signal(MacdBt *s, double macd, double *out) {
    out[0] = macd;
    out[1] = ema_next(&s->signal, macd);
    out[2] = macd - out[1];
}

static inline void ta_macd_backtrader_next(MacdBt *s, const double *in, double *out) {
    double fast = ema_next(&s->fast, in[0]), slow = ema_next(&s->slow, in[0]);
    macd_bt_signal(s, fast - slow, out);
}

static inline void ta_ppo_backtrader_next(MacdBt *s, const double *in, double *out) {
    double fast = ema_next(&s->fast, in[0]), slow = ema_next(&s->slow, in[0]);
    macd_bt_signal(s, slow == 0 ? 0 : 100 * (fast - slow) / slow, out);
}

#define ta_macd_backtrader_init macd_bt_init
#define ta_ppo_backtrader_init  macd_bt_init
KERNEL(ta_macd_backtrader, MacdBt, 1, 3)
KERNEL(ta_ppo_backtrader, MacdBt, 1, 3)

static int lookback_macd_bt(const double *p) {
    return (int)(MAX(p[0], p[1]) - 1 + p[2] - 1);
}

/* --- mean deviation: of each value from its own mean --- */

typedef struct MeanDev {
    Sum mean, deviation;
} MeanDev;

static void mean_dev_init(void *state, Arena *arena, const double *p) {
    MeanDev *s = state;
    sum_init(&s->mean, arena, (int)p[0]);
    sum_init(&s->deviation, arena, (int)p[0]);
}

static inline double mean_dev_next(MeanDev *s, double x, double *mean) {
    *mean = sma_next(&s->mean, x);
    return sma_next(&s->deviation, fabs(x - *mean));
}

static inline void ta_meandev_backtrader_next(MeanDev *s, const double *in, double *out) {
    double mean;
    out[0] = mean_dev_next(s, in[0], &mean);
}

static inline void ta_cci_backtrader_next(MeanDev *s, const double *in, double *out) {
    double typical = (in[0] + in[1] + in[2]) / 3, mean, deviation = mean_dev_next(s, typical, &mean);
    out[0] = deviation == 0 ? 0 : (typical - mean) / (0.015 * deviation);
}

#define ta_meandev_backtrader_init mean_dev_init
#define ta_cci_backtrader_init     mean_dev_init
KERNEL(ta_meandev_backtrader, MeanDev, 1, 1)
KERNEL(ta_cci_backtrader, MeanDev, 3, 1)

static int lookback_twice(const double *p) {
    return 2 * ((int)p[0] - 1);
}

/* --- directional movement by smoothed averages, seeded by means --- */

typedef struct DmBt {
    TrueRange range;
    double high, low;
    Ema true_range, plus, minus, dx;
    Lag adx;
} DmBt;

static void ta_dm_backtrader_init(void *state, Arena *arena, const double *p) {
    DmBt *s = state;
    int period = (int)p[0];
    wilder_init(&s->true_range, period);
    wilder_init(&s->plus, period);
    wilder_init(&s->minus, period);
    wilder_init(&s->dx, period);
    lag_init(&s->adx, arena, period);
}

static inline void ta_dm_backtrader_next(DmBt *s, const double *in, double *out) {
    double up = in[0] - s->high, down = s->low - in[1];
    double range = true_range_next(&s->range, in[0], in[1], in[2]);
    s->high = in[0];
    s->low = in[1];
    double atr = ema_next(&s->true_range, range);
    double plus = ema_next(&s->plus, isnan(range) ? NAN : up > down && up > 0 ? up : 0);
    double minus = ema_next(&s->minus, isnan(range) ? NAN : down > up && down > 0 ? down : 0);
    out[0] = atr == 0 ? 0 : 100 * plus / atr;
    out[1] = atr == 0 ? 0 : 100 * minus / atr;
    double sum = out[0] + out[1];
    out[2] = 100 * ema_next(&s->dx, sum == 0 ? 0 : fabs(out[0] - out[1]) / sum);
    out[3] = (out[2] + lag_next(&s->adx, out[2])) / 2;
}

KERNEL(ta_dm_backtrader, DmBt, 3, 4)

static int lookback_dm_bt(const double *p) {
    return 3 * (int)p[0] - 1;
}

/* --- stochastic: fast %K and its means one after the other --- */

typedef struct StochBt {
    Extreme high, low;
    Sum d, slow;
} StochBt;

static void ta_stoch_backtrader_init(void *state, Arena *arena, const double *p) {
    StochBt *s = state;
    greatest_init(&s->high, arena, (int)p[0]);
    least_init(&s->low, arena, (int)p[0]);
    sum_init(&s->d, arena, (int)p[1]);
    sum_init(&s->slow, arena, (int)p[2]);
}

static inline void ta_stoch_backtrader_next(StochBt *s, const double *in, double *out) {
    double top = extreme_next(&s->high, in[0]), bottom = extreme_next(&s->low, in[1]);
    out[0] = top == bottom ? 0 : 100 * ((in[2] - bottom) / (top - bottom));
    out[1] = sma_next(&s->d, out[0]);
    out[2] = sma_next(&s->slow, out[1]);
}

KERNEL(ta_stoch_backtrader, StochBt, 3, 3)

static int lookback_stoch_bt(const double *p) {
    return (int)(p[0] + p[1] + p[2]) - 3;
}

/* --- Ichimoku. The lagging span is the close of 26 candles on, so it is none of ours: compare with the close then. --- */

typedef struct Ichimoku {
    Extreme high[3], low[3];
    Lag a, b;
} Ichimoku;

static void ta_ichimoku_init(void *state, Arena *arena, const double *p) {
    Ichimoku *s = state;
    for (int i = 0; i < 3; i++) {
        greatest_init(&s->high[i], arena, (int)p[i]);
        least_init(&s->low[i], arena, (int)p[i]);
    }
    lag_init(&s->a, arena, (int)p[3]);
    lag_init(&s->b, arena, (int)p[3]);
}

static inline void ta_ichimoku_next(Ichimoku *s, const double *in, double *out) {
    double middle[3];
    for (int i = 0; i < 3; i++)
        middle[i] = (extreme_next(&s->high[i], in[0]) + extreme_next(&s->low[i], in[1])) / 2;
    out[0] = middle[0];
    out[1] = middle[1];
    out[2] = lag_next(&s->a, (middle[0] + middle[1]) / 2);
    out[3] = lag_next(&s->b, middle[2]);
}

KERNEL(ta_ichimoku, Ichimoku, 2, 4)

static int lookback_ichimoku(const double *p) {
    return (int)(MAX(MAX(p[0], p[1]), p[2]) - 1 + p[3]);
}

/* --- vortex --- */

typedef struct Vortex {
    TrueRange range;
    double high, low;
    Sum up, down, true_range;
} Vortex;

static void ta_vortex_init(void *state, Arena *arena, const double *p) {
    Vortex *s = state;
    sum_init(&s->up, arena, (int)p[0]);
    sum_init(&s->down, arena, (int)p[0]);
    sum_init(&s->true_range, arena, (int)p[0]);
}

static inline void ta_vortex_next(Vortex *s, const double *in, double *out) {
    double up = fabs(in[0] - s->low), down = fabs(in[1] - s->high);
    double range = true_range_next(&s->range, in[0], in[1], in[2]);
    s->high = in[0];
    s->low = in[1];
    double sum = sum_next(&s->true_range, range);
    up = sum_next(&s->up, isnan(range) ? NAN : up);
    down = sum_next(&s->down, isnan(range) ? NAN : down);
    out[0] = sum == 0 ? 0 : up / sum;
    out[1] = sum == 0 ? 0 : down / sum;
}

KERNEL(ta_vortex, Vortex, 3, 2)

/* --- true strength: twice smoothed change over its twice smoothed size --- */

typedef struct Tsi {
    Change change;
    Ema one, two, size_one, size_two;
} Tsi;

static void tsi_init(Tsi *s, int first, int second) {
    ema_init(&s->one, first);
    ema_init(&s->two, second);
    ema_init(&s->size_one, first);
    ema_init(&s->size_two, second);
}

static inline double tsi_next(Tsi *s, double x) {
    double change = change_next(&s->change, x);
    double way = ema_next(&s->two, ema_next(&s->one, change));
    double size = ema_next(&s->size_two, ema_next(&s->size_one, fabs(change)));
    return size == 0 ? 0 : 100 * (way / size);
}

KERNEL_1(ta_tsi, Tsi, tsi_init(s, (int)p[0], (int)p[1]), tsi_next(s, x))

static int lookback_tsi(const double *p) {
    return (int)(p[0] + p[1]) - 1;
}

/* --- awesome oscillator --- */

typedef struct Ao {
    Sum fast, slow;
} Ao;

static void ta_ao_init(void *state, Arena *arena, const double *p) {
    Ao *s = state;
    sum_init(&s->fast, arena, (int)p[0]);
    sum_init(&s->slow, arena, (int)p[1]);
}

static inline void ta_ao_next(Ao *s, const double *in, double *out) {
    double middle = (in[0] + in[1]) / 2, fast = sma_next(&s->fast, middle);
    out[0] = fast - sma_next(&s->slow, middle);
}

KERNEL(ta_ao, Ao, 2, 1)

static int lookback_ao(const double *p) {
    return (int)MAX(p[0], p[1]) - 1;
}

/* --- know sure thing: smoothed rates of change over four spans, weighed 1 to 4. Pring 1992. --- */

typedef struct Kst {
    Lag lag[4];
    Sum mean[4], signal;
} Kst;

static void ta_kst_init(void *state, Arena *arena, const double *p) {
    Kst *s = state;
    for (int i = 0; i < 4; i++) {
        lag_init(&s->lag[i], arena, (int)p[1 + i]);
        sum_init(&s->mean[i], arena, (int)p[5]);
    }
    sum_init(&s->signal, arena, (int)p[0]);
}

static inline void ta_kst_next(Kst *s, const double *in, double *out) {
    out[0] = 0;
    for (int i = 0; i < 4; i++) {
        double before = lag_next(&s->lag[i], in[0]);
        out[0] += (i + 1) * sma_next(&s->mean[i], before == 0 ? 0 : 100 * (in[0] - before) / before);
    }
    out[1] = sma_next(&s->signal, out[0]);
}

KERNEL(ta_kst, Kst, 1, 2)

static int lookback_kst(const double *p) {
    return (int)(MAX(MAX(p[1], p[2]), MAX(p[3], p[4])) + p[5] - 1 + p[0] - 1);
}

/* --- parabolic stop: the closes tell the first side, and a reversal goes to the extreme, however far the candle --- */

typedef struct SarBt {
    double step, max;
    double high, low, close; /* of the candle before */
    double stop, extreme, acceleration;
    int n;
    bool is_long;
} SarBt;

static void ta_sar_backtrader_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    SarBt *s = state;
    s->step = p[0];
    s->max = p[1];
}

static inline double sar_bt_next(SarBt *s, double high, double low, double close) {
    bool turns = s->is_long ? s->stop >= low : s->stop <= high;
    if (s->n == 1) {
        s->n = 2;
        turns = true;
        s->is_long = !(close >= s->close);
        s->extreme = s->is_long ? s->high : s->low;
    }
    if (turns) {
        s->is_long = !s->is_long;
        s->stop = s->extreme;
        s->extreme = s->is_long ? high : low;
        s->acceleration = s->step;
    }
    double stop = s->stop;
    if (s->is_long ? high > s->extreme : low < s->extreme) {
        s->extreme = s->is_long ? high : low;
        s->acceleration = MIN(s->acceleration + s->step, s->max);
    }
    s->stop += s->acceleration * (s->extreme - s->stop);
    s->stop = s->is_long ? MIN(s->stop, MIN(low, s->low)) : MAX(s->stop, MAX(high, s->high));
    return stop;
}

static inline void ta_sar_backtrader_next(SarBt *s, const double *in, double *out) {
    if (s->n == 0)
        s->n = 1;
    else
        out[0] = sar_bt_next(s, in[0], in[1], in[2]);
    s->high = in[0];
    s->low = in[1];
    s->close = in[2];
}

KERNEL(ta_sar_backtrader, SarBt, 3, 1)

/* --- share of the window that is below the value --- */

static inline double percent_rank_next(Window *w, double x) {
    int n_below = 0;
    window_push(w, x);
    for (int i = 0; i < w->n; i++)
        n_below += w->at[i] < x;
    return window_full(w) ? (double)n_below / w->size : NAN;
}

KERNEL_1(ta_percentrank, Window, window_init(s, arena, (int)p[0]), percent_rank_next(s, x))

/* --- Heikin-Ashi candles --- */

typedef struct HeikinAshi {
    double open, close;
    bool begun;
} HeikinAshi;

static void ta_heikinashi_init(void *state, Arena *arena, const double *p) {
    UNUSED(state), UNUSED(arena), UNUSED(p);
}

static inline void ta_heikinashi_next(HeikinAshi *s, const double *in, double *out) {
    double close = (in[0] + in[1] + in[2] + in[3]) / 4;
    double open = s->begun ? (s->open + s->close) / 2 : (in[0] + in[3]) / 2;
    out[0] = open;
    out[3] = close;
    if (s->begun) {
        out[1] = MAX(in[1], MAX(open, close));
        out[2] = MIN(in[2], MIN(open, close));
    }
    *s = (HeikinAshi){ open, close, true };
}

KERNEL(ta_heikinashi, HeikinAshi, 4, 4)

/* --- crossing of two columns: 1 up, -1 down. Rows where they are equal do not hide the side they came from. --- */

typedef struct Cross {
    double side; /* the last difference that was not 0 */
    bool begun;
} Cross;

static void ta_crossover_init(void *state, Arena *arena, const double *p) {
    UNUSED(state), UNUSED(arena), UNUSED(p);
}

static inline void ta_crossover_next(Cross *s, const double *in, double *out) {
    double side = in[0] - in[1];
    if (s->begun)
        out[0] = s->side < 0 && side > 0 ? 1 : s->side > 0 && side < 0 ? -1 : 0;
    s->side = side != 0 || !s->begun ? side : s->side;
    s->begun = true;
}

KERNEL(ta_crossover, Cross, 2, 1)

/* --- the table --- */

#define ONE_IN_ONE_OUT .inputs = { TA_X }, .outputs = { "value" }
#define CANDLE_3       .inputs = { TA_HIGH, TA_LOW, TA_CLOSE }
#define MACD_PARAMS                                                                                                    \
    PERIOD_NAMED("fast_period", 1, 12), PERIOD_NAMED("slow_period", 1, 26), PERIOD_NAMED("signal_period", 1, 9)

/* clang-format off */
static const TaIndicator rows[] = {
    { "kama_backtrader", "Kaufman's adaptive moving average, seeded by a mean", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 30) }, .recursive = true, .lookback = ta_lookback_period,
      KERNEL_OF(ta_kama_backtrader, KamaBt) },
    { "zlema", "Zero-lag exponential moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(3, 20) },
      .recursive = true, .lookback = lookback_zlema, KERNEL_OF(ta_zlema, Zlema) },
    { "dpo", "Detrended price oscillator", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { PERIOD(3, 20) },
      .lookback = lookback_dpo, KERNEL_OF(ta_dpo, Dpo) },
    { "rsi_backtrader", "Relative strength index; 50 where nothing moved", TA_MOMENTUM, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 14) }, .recursive = true, .lookback = ta_lookback_period,
      KERNEL_OF(ta_rsi_backtrader, GainLoss) },
    { "rsi_ema_backtrader", "Relative strength index by exponential averages", TA_MOMENTUM, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 14) }, .recursive = true, .lookback = ta_lookback_period,
      KERNEL_OF(ta_rsi_ema_backtrader, GainLoss) },
    { "rsi_sma_backtrader", "Relative strength index by plain means (Cutler)", TA_MOMENTUM, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 14) }, .recursive = true, .lookback = ta_lookback_period,
      KERNEL_OF(ta_rsi_sma_backtrader, RsiSma) },
    { "macd_backtrader", "MACD, each average seeded on its own start", TA_MOMENTUM, .inputs = { TA_X },
      .outputs = { "macd", "signal", "histogram" }, .params = { MACD_PARAMS }, .recursive = true,
      .lookback = lookback_macd_bt, KERNEL_OF(ta_macd_backtrader, MacdBt) },
    { "ppo_backtrader", "Percentage price oscillator with its signal", TA_MOMENTUM, .inputs = { TA_X },
      .outputs = { "ppo", "signal", "histogram" }, .params = { MACD_PARAMS }, .recursive = true,
      .lookback = lookback_macd_bt, KERNEL_OF(ta_ppo_backtrader, MacdBt) },
    { "meandev_backtrader", "Mean deviation of each value from its own mean", TA_STATISTIC, ONE_IN_ONE_OUT,
      .params = { PERIOD(2, 20) }, .lookback = lookback_twice, KERNEL_OF(ta_meandev_backtrader, MeanDev) },
    { "cci_backtrader", "Commodity channel index by that deviation", TA_MOMENTUM, CANDLE_3, .outputs = { "value" },
      .params = { PERIOD(2, 20) }, .lookback = lookback_twice, KERNEL_OF(ta_cci_backtrader, MeanDev) },
    { "dm_backtrader", "Directional movement by averages seeded by means", TA_MOMENTUM, CANDLE_3,
      .outputs = { "plus_di", "minus_di", "adx", "adxr" }, .params = { PERIOD(1, 14) }, .recursive = true,
      .lookback = lookback_dm_bt, KERNEL_OF(ta_dm_backtrader, DmBt) },
    { "stoch_backtrader", "Stochastic: fast %K, %D, slow %D", TA_MOMENTUM, CANDLE_3,
      .outputs = { "k", "d", "slow_d" },
      .params = { PERIOD(1, 14), PERIOD_NAMED("d_period", 1, 3), PERIOD_NAMED("slow_d_period", 1, 3) },
      .lookback = lookback_stoch_bt, KERNEL_OF(ta_stoch_backtrader, StochBt) },
    { "ichimoku", "Ichimoku without the lagging span", TA_OVERLAP, .inputs = { TA_HIGH, TA_LOW },
      .outputs = { "tenkan_sen", "kijun_sen", "senkou_span_a", "senkou_span_b" },
      .params = { PERIOD_NAMED("tenkan", 1, 9), PERIOD_NAMED("kijun", 1, 26), PERIOD_NAMED("senkou", 1, 52),
                  PERIOD_NAMED("lead", 1, 26) },
      .lookback = lookback_ichimoku, KERNEL_OF(ta_ichimoku, Ichimoku) },
    { "sar_backtrader", "Parabolic stop and reverse", TA_OVERLAP, CANDLE_3, .outputs = { "value" },
      .params = { { "acceleration", TA_REAL, 0.02, 0, 3e37 }, { "maximum", TA_REAL, 0.2, 0, 3e37 } },
      .recursive = true, .lookback = ta_lookback_one, KERNEL_OF(ta_sar_backtrader, SarBt) },
    { "vortex", "Vortex", TA_MOMENTUM, CANDLE_3, .outputs = { "plus", "minus" }, .params = { PERIOD(1, 14) },
      .lookback = ta_lookback_period, KERNEL_OF(ta_vortex, Vortex) },
    { "tsi", "True strength index", TA_MOMENTUM, ONE_IN_ONE_OUT,
      .params = { PERIOD_NAMED("first_period", 1, 25), PERIOD_NAMED("second_period", 1, 13) }, .recursive = true,
      .lookback = lookback_tsi, KERNEL_OF(ta_tsi, Tsi) },
    { "ao", "Awesome oscillator", TA_MOMENTUM, .inputs = { TA_HIGH, TA_LOW }, .outputs = { "value" },
      .params = { PERIOD_NAMED("fast_period", 1, 5), PERIOD_NAMED("slow_period", 1, 34) },
      .lookback = lookback_ao, KERNEL_OF(ta_ao, Ao) },
    { "kst", "Know sure thing", TA_MOMENTUM, .inputs = { TA_X }, .outputs = { "kst", "signal" },
      .params = { PERIOD_NAMED("signal_period", 1, 9), PERIOD_NAMED("span1", 1, 10), PERIOD_NAMED("span2", 1, 15),
                  PERIOD_NAMED("span3", 1, 20), PERIOD_NAMED("span4", 1, 30), PERIOD_NAMED("smooth", 1, 10) },
      .lookback = lookback_kst, KERNEL_OF(ta_kst, Kst) },
    { "percentrank", "Share of the window below the value", TA_STATISTIC, ONE_IN_ONE_OUT, .params = { PERIOD(1, 50) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_percentrank, Window) },
    { "heikinashi", "Heikin-Ashi candles", TA_PRICE, .inputs = { TA_OPEN, TA_HIGH, TA_LOW, TA_CLOSE },
      .outputs = { "open", "high", "low", "close" }, .recursive = true, .lookback = ta_lookback_one,
      KERNEL_OF(ta_heikinashi, HeikinAshi) },
    { "crossover", "1 where the first column crosses above the second, -1 below", TA_MATH, .inputs = { TA_X, TA_Y },
      .outputs = { "value" }, .recursive = true, .lookback = ta_lookback_one, KERNEL_OF(ta_crossover, Cross) },
};
/* clang-format on */

const TaTable ta_backtrader = { rows, ARRAY_LEN(rows) };
