/* ta/averages.c - moving averages and bands, and what is a difference of two averages. */

#include "ta/average.h"
#include "ta/columns.h"

/* --- one average over a period --- */

#define ta_sma_column sma_column
#define ta_wma_column wma_column
KERNEL_WINDOW(ta_sma, Sum, w, sum_init(s, arena, (int)p[0]), sma_next(s, x))
KERNEL_WINDOW(ta_wma, Wma, w, wma_init(s, arena, (int)p[0]), wma_next(s, x))
KERNEL_1(ta_ema, Ema, ema_init(s, (int)p[0]), ema_next(s, x))
KERNEL_1(ta_rma, Ema, wilder_init(s, (int)p[0]), ema_next(s, x))
KERNEL_1_STEADY(ta_dema, Dema, dema_init(s, (int)p[0]), dema_next(s, x), s->two.n == s->two.period, dema_steady(s, x))
KERNEL_1_STEADY(ta_tema, Tema, tema_init(s, (int)p[0]), tema_next(s, x), s->three.n == s->three.period,
                tema_steady(s, x))
KERNEL_1_STEADY(ta_trima, Trima, trima_init(s, arena, (int)p[0]), trima_next(s, x), window_full(&s->two.w),
                trima_steady(s, x))
KERNEL_1_STEADY(ta_t3, T3, t3_init(s, (int)p[0], p[1]), t3_next(s, x), s->e[5].n == s->e[5].period, t3_steady(s, x))

static inline void ta_kama_column(Kama *k, size_t size, const double *x, size_t n, double *const *lines, size_t at) {
    double *out = lines[0] + at;
    Kama local = *k; /* in registers */
    for (size_t i = 0; i < n; i++) {
        local.path += fabs(x[i] - x[i - 1]);
        double oldest = x[i + 1 - size];
        out[i] = kama_of(&local, x[i], oldest);
        local.path -= fabs(x[i + 2 - size] - oldest);
    }
    k->path = local.path;
    k->value = local.value;
}

KERNEL_WINDOW(ta_kama, Kama, w, kama_init(s, arena, (int)p[0]), kama_next(s, x))

static inline void mama_line_next(Mama *s, const double *in, double *out) {
    out[0] = mama_next(s, in[0]) ? s->mama : NAN;
}

KERNEL(mama_line, Mama, 1, 1)

/* Each kind by its own loop. */
static void ta_ma_init(void *state, Arena *arena, const double *p) {
    average_init(state, arena, (TaAverage)p[1], (int)p[0]);
}

static void ta_ma_run(void *state, const double *const *in, size_t n, double *const *out) {
    Average *a = state;
    static void (*const runs[])(void *, const double *const *, size_t, double *const *) = {
        [TA_SMA] = ta_sma_run,   [TA_EMA] = ta_ema_run,     [TA_WMA] = ta_wma_run,
        [TA_DEMA] = ta_dema_run, [TA_TEMA] = ta_tema_run,   [TA_TRIMA] = ta_trima_run,
        [TA_KAMA] = ta_kama_run, [TA_MAMA] = mama_line_run, [TA_T3] = ta_t3_run,
    };
    void *of[] = {
        [TA_SMA] = &a->sma,     [TA_EMA] = &a->ema,   [TA_WMA] = &a->wma,  [TA_DEMA] = &a->dema, [TA_TEMA] = &a->tema,
        [TA_TRIMA] = &a->trima, [TA_KAMA] = &a->kama, [TA_MAMA] = a->mama, [TA_T3] = &a->t3
    };
    runs[a->kind](of[a->kind], in, n, out);
}

static int lookback_dema(const double *p) {
    return average_lookback(TA_DEMA, (int)p[0]);
}

static int lookback_tema(const double *p) {
    return average_lookback(TA_TEMA, (int)p[0]);
}

static int lookback_t3(const double *p) {
    return average_lookback(TA_T3, (int)p[0]);
}

static int lookback_ma(const double *p) {
    return average_lookback((TaAverage)p[1], (int)p[0]);
}

/* Hull: a weighted average of 2 wma(period / 2) - wma(period) over sqrt(period). */
typedef struct Hma {
    Wma half, whole, root;
} Hma;

static void hma_init(Hma *h, Arena *arena, int period) {
    wma_init(&h->half, arena, period / 2);
    wma_init(&h->whole, arena, period);
    wma_init(&h->root, arena, (int)sqrt(period));
}

static inline double hma_next(Hma *h, double x) {
    double half = wma_next(&h->half, x), whole = wma_next(&h->whole, x);
    return wma_next(&h->root, 2 * half - whole);
}

KERNEL_1(ta_hma, Hma, hma_init(s, arena, (int)p[0]), hma_next(s, x))

static int lookback_hma(const double *p) {
    return (int)p[0] - 1 + (int)sqrt(p[0]) - 1;
}

/* --- seeds of ta4j --- */

/* Means of what there is until the window is full. */
static inline double sma_ta4j_next(Sum *s, double x) {
    double sum = sum_next(s, x);
    return isnan(sum) ? s->sum / s->w.n : sum / s->w.size;
}

KERNEL_1(ta_sma_ta4j, Sum, sum_init(s, arena, (int)p[0]), sma_ta4j_next(s, x))

/* The value after `period` others is the seed. */
static inline double ema_ta4j_next(Ema *e, double x) {
    if (e->n == e->period) {
        e->n++;
        return e->value = x;
    }
    if (e->n < e->period) {
        e->n++;
        return NAN;
    }
    return e->value += (x - e->value) * e->weight;
}

KERNEL_1(ta_ema_ta4j, Ema, ema_init(s, (int)p[0]), ema_ta4j_next(s, x))

/* --- bands --- */

typedef struct Bands {
    Average middle;
    Variance variance;
    double up, down;
} Bands;

static void ta_bbands_init(void *state, Arena *arena, const double *p) {
    Bands *b = state;
    average_init(&b->middle, arena, (TaAverage)p[3], (int)p[0]);
    variance_init(&b->variance, arena, (int)p[0]);
    b->up = p[1];
    b->down = p[2];
}

static inline void bands_out(const Bands *b, double middle, double deviation, double *out) {
    out[0] = middle + b->up * deviation;
    out[1] = middle;
    out[2] = middle - b->down * deviation;
}

static inline void bands_any_next(Bands *b, const double *in, double *out) {
    double middle = average_next(&b->middle, in[0]), deviation = deviation_next(&b->variance, in[0]);
    bands_out(b, middle, deviation, out);
}

KERNEL(bands_any, Bands, 1, 3)

/* The usual kind apart: the variance has the same sum. */
static inline void bands_sma_next(Bands *b, const double *in, double *out) {
    double middle, deviation = deviation_and_mean_next(&b->variance, in[0], &middle);
    bands_out(b, middle, deviation, out);
}

static inline void bands_sma_column(Bands *b, size_t size, const double *x, size_t n, double *const *out, size_t at) {
    DoublePair sums = { b->variance.sum, b->variance.squares }; /* two in one: a division costs most */
    for (size_t i = 0; i < n; i++) {
        double line[3], newest = x[i], oldest = x[i + 1 - size];
        sums += (DoublePair){ newest, newest * newest };
        DoublePair means = sums / (double)size;
        bands_out(b, means[0], deviation_of(means[1] - means[0] * means[0]), line);
        for (int k = 0; k < 3; k++)
            out[k][at + i] = line[k];
        sums -= (DoublePair){ oldest, oldest * oldest };
    }
    b->variance.sum = sums[0];
    b->variance.squares = sums[1];
}

KERNEL_COLUMN(bands_sma, Bands, variance.w, 3)

static void ta_bbands_run(void *state, const double *const *in, size_t n, double *const *out) {
    const Bands *b = state;
    (b->middle.kind == TA_SMA ? bands_sma_run : bands_any_run)(state, in, n, out);
}

static int lookback_bbands(const double *p) {
    int middle = average_lookback((TaAverage)p[3], (int)p[0]), deviation = (int)p[0] - 1;
    return MAX(middle, deviation);
}

typedef struct AccelerationBands {
    Sum upper, middle, lower;
} AccelerationBands;

static void ta_accbands_init(void *state, Arena *arena, const double *p) {
    AccelerationBands *b = state;
    sum_init(&b->upper, arena, (int)p[0]);
    sum_init(&b->middle, arena, (int)p[0]);
    sum_init(&b->lower, arena, (int)p[0]);
}

static inline void ta_accbands_next(AccelerationBands *b, const double *in, double *out) {
    double high = in[0], low = in[1], width = nearly_zero(high + low) ? 0 : 4 * (high - low) / (high + low);
    out[0] = sma_next(&b->upper, high * (1 + width));
    out[1] = sma_next(&b->middle, in[2]);
    out[2] = sma_next(&b->lower, low * (1 - width));
}

KERNEL(ta_accbands, AccelerationBands, 3, 3)

/* --- a period for each candle, held within bounds. Every period's average runs along, block by block. --- */

enum { MAVP_PERIOD_MAX = 1000 };

typedef struct Mavp {
    Average *averages; /* of least .. most */
    int *wait;         /* so that all begin together */
    int least, most;
} Mavp;

static void ta_mavp_init(void *state, Arena *arena, const double *p) {
    Mavp *s = state;
    TaAverage kind = (TaAverage)p[2];
    s->least = (int)MIN(p[0], p[1]);
    s->most = (int)MAX(p[0], p[1]);
    int n = s->most - s->least + 1;
    s->averages = arena_new_n(arena, Average, (size_t)n);
    s->wait = arena_new_n(arena, int, (size_t)n);
    for (int i = 0; i < n; i++) {
        average_init(&s->averages[i], arena, kind, s->least + i);
        s->wait[i] = average_lookback(kind, s->most) - average_lookback(kind, s->least + i);
    }
}

/* n <= KERNEL_BLOCK finite rows. */
static void mavp_block(Mavp *s, const double *x, const double *periods, size_t n, double *out) {
    double values[KERNEL_BLOCK], result[KERNEL_BLOCK];
    int chosen[KERNEL_BLOCK];
    for (size_t i = 0; i < n; i++) {
        chosen[i] = (int)CLAMP(periods[i], s->least, s->most) - s->least;
        result[i] = NAN;
    }
    for (int p = 0; p <= s->most - s->least; p++) {
        size_t skipped = MIN(n, (size_t)s->wait[p]);
        s->wait[p] -= (int)skipped;
        ta_ma_run(&s->averages[p], (const double *[]){ x + skipped }, n - skipped, (double *[]){ values + skipped });
        for (size_t i = skipped; i < n; i++)
            result[i] = chosen[i] == p ? values[i] : result[i];
    }
    memcpy(out, result, n * sizeof *out);
}

static void ta_mavp_run(void *state, const double *const *in, size_t n, double *const *out) {
    for (size_t i = 0; i < n;) {
        size_t block = MIN(n - i, (size_t)KERNEL_BLOCK), good = rows_finite(in, 2, i, block);
        mavp_block(state, in[0] + i, in[1] + i, good, out[0] + i);
        i += good;
        if (good < block)
            out[0][i++] = NAN;
    }
}

static int lookback_mavp(const double *p) {
    return average_lookback((TaAverage)p[2], (int)MAX(p[0], p[1]));
}

/* --- differences of two averages. The quicker one is begun later, so that both have their first value together:
 * its seed is that of the values just before. --- */

typedef struct TwoAverages {
    Average fast, slow;
    int wait;
} TwoAverages;

static void two_averages_init(TwoAverages *t, Arena *arena, TaAverage fast_kind, int fast, TaAverage slow_kind,
                              int slow) {
    if (slow < fast) {
        int period = slow;
        slow = fast, fast = period;
        TaAverage kind = slow_kind;
        slow_kind = fast_kind, fast_kind = kind;
    }
    average_init(&t->fast, arena, fast_kind, fast);
    average_init(&t->slow, arena, slow_kind, slow);
    t->wait = average_lookback(slow_kind, slow) - average_lookback(fast_kind, fast);
}

static inline void two_averages_next(TwoAverages *t, double x, double *fast, double *slow) {
    *slow = t->wait < 0 && t->wait++ < 0 ? NAN : average_next(&t->slow, x);
    *fast = t->wait > 0 && t->wait-- > 0 ? NAN : average_next(&t->fast, x);
}

static int lookback_two(TaAverage fast_kind, int fast, TaAverage slow_kind, int slow) {
    return MAX(average_lookback(fast_kind, fast), average_lookback(slow_kind, slow));
}

/* Here each has the seed of its own start, unlike in MACDEXT: TA-Lib's way. */
#define ta_apo_init ta_price_oscillator_init
#define ta_ppo_init ta_price_oscillator_init
static void ta_price_oscillator_init(void *state, Arena *arena, const double *p) {
    TwoAverages *t = state;
    two_averages_init(t, arena, (TaAverage)p[2], (int)p[0], (TaAverage)p[2], (int)p[1]);
    t->wait = 0;
}

static int lookback_price_oscillator(const double *p) {
    return lookback_two((TaAverage)p[2], (int)p[0], (TaAverage)p[2], (int)p[1]);
}

static inline void ta_apo_next(TwoAverages *t, const double *in, double *out) {
    double fast, slow;
    two_averages_next(t, in[0], &fast, &slow);
    out[0] = fast - slow;
}

static inline void ta_ppo_next(TwoAverages *t, const double *in, double *out) {
    double fast, slow;
    two_averages_next(t, in[0], &fast, &slow);
    out[0] = nearly_zero(slow) ? 0 : (fast - slow) / slow * 100;
}

KERNEL(ta_apo, TwoAverages, 1, 1)
KERNEL(ta_ppo, TwoAverages, 1, 1)

/* --- MACD: exponential ones apart from the general case, because it is asked for most --- */

typedef struct Macd {
    Ema fast, slow, signal;
    int wait;
} Macd;

static void ta_macd_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    Macd *m = state;
    int fast = (int)MIN(p[0], p[1]), slow = (int)MAX(p[0], p[1]);
    ema_init(&m->fast, fast);
    ema_init(&m->slow, slow);
    ema_init(&m->signal, (int)p[2]);
    m->wait = slow - fast;
}

static void ta_macdfix_init(void *state, Arena *arena, const double *p) {
    ta_macd_init(state, arena, (double[]){ 12, 26, p[0] });
    Macd *m = state;
    m->fast.weight = 0.15;
    m->slow.weight = 0.075;
}

static inline void ta_macd_next(Macd *m, const double *in, double *out) {
    double slow = ema_next(&m->slow, in[0]);
    double fast = m->wait > 0 && m->wait-- > 0 ? NAN : ema_next(&m->fast, in[0]);
    double macd = fast - slow, signal = ema_next(&m->signal, macd);
    out[0] = isnan(signal) ? NAN : macd;
    out[1] = signal;
    out[2] = macd - signal;
}

static inline void ta_macd_steady(Macd *m, const double *in, double *out) {
    m->slow.value += (in[0] - m->slow.value) * m->slow.weight;
    m->fast.value += (in[0] - m->fast.value) * m->fast.weight;
    out[0] = m->fast.value - m->slow.value;
    m->signal.value += (out[0] - m->signal.value) * m->signal.weight;
    out[1] = m->signal.value;
    out[2] = out[0] - out[1];
}

KERNEL_STEADY(ta_macd, Macd, 1, 3, s->signal.n == s->signal.period)
#define ta_macdfix_run ta_macd_run

static int lookback_macd(const double *p) {
    return (int)(MAX(p[0], p[1]) - 1 + p[2] - 1);
}

static int lookback_macdfix(const double *p) {
    return 25 + (int)p[0] - 1;
}

typedef struct MacdExt {
    TwoAverages two;
    Average signal;
} MacdExt;

static void ta_macdext_init(void *state, Arena *arena, const double *p) {
    MacdExt *m = state;
    two_averages_init(&m->two, arena, (TaAverage)p[1], (int)p[0], (TaAverage)p[3], (int)p[2]);
    average_init(&m->signal, arena, (TaAverage)p[5], (int)p[4]);
}

static inline void ta_macdext_next(MacdExt *m, const double *in, double *out) {
    double fast, slow;
    two_averages_next(&m->two, in[0], &fast, &slow);
    double macd = fast - slow, signal = average_next(&m->signal, macd);
    out[0] = isnan(signal) ? NAN : macd;
    out[1] = signal;
    out[2] = macd - signal;
}

KERNEL(ta_macdext, MacdExt, 1, 3)

static int lookback_macdext(const double *p) {
    return lookback_two((TaAverage)p[1], (int)p[0], (TaAverage)p[3], (int)p[2]) +
           average_lookback((TaAverage)p[5], (int)p[4]);
}

/* --- TRIX: one-candle change of a triple average, in per cent --- */

typedef struct Trix {
    Ema e[3];
    double before;
} Trix;

static void trix_init(Trix *t, int period) {
    for (int i = 0; i < 3; i++)
        ema_init(&t->e[i], period);
    t->before = NAN;
}

static inline double trix_next(Trix *t, double x) {
    for (int i = 0; i < 3; i++)
        x = ema_next(&t->e[i], x);
    double before = t->before;
    t->before = x;
    return before == 0 ? 0 : (x / before - 1) * 100;
}

static inline double trix_steady(Trix *t, double x) {
    double before = t->before, three = ema_steady(&t->e[2], ema_steady(&t->e[1], ema_steady(&t->e[0], x)));
    t->before = three;
    double change = (three / before - 1) * 100;
    return before == 0 ? 0 : change;
}

KERNEL_1_STEADY(ta_trix, Trix, trix_init(s, (int)p[0]), trix_next(s, x), s->e[2].n == s->e[2].period, trix_steady(s, x))

static int lookback_trix(const double *p) {
    return 3 * ((int)p[0] - 1) + 1;
}

/* --- the table --- */

#define ONE_IN_ONE_OUT .inputs = { TA_X }, .outputs = { "value" }
#define FAST_SLOW      PERIOD_NAMED("fast_period", 2, 12), PERIOD_NAMED("slow_period", 2, 26)
#define MACD_OUT       .outputs = { "macd", "signal", "histogram" }

/* clang-format off */
static const TaIndicator rows[] = {
    { "sma", "Simple moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(1, 30) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_sma, Sum) },
    { "ema", "Exponential moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(1, 30) }, .recursive = true,
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_ema, Ema) },
    { "rma", "Wilder's smoothed moving average (SMMA)", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(1, 14) },
      .recursive = true, .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_rma, Ema) },
    { "wma", "Weighted moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(1, 30) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_wma, Wma) },
    { "dema", "Double exponential moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(1, 30) },
      .recursive = true, .lookback = lookback_dema, KERNEL_OF(ta_dema, Dema) },
    { "tema", "Triple exponential moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(1, 30) },
      .recursive = true, .lookback = lookback_tema, KERNEL_OF(ta_tema, Tema) },
    { "trima", "Triangular moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(1, 30) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_trima, Trima) },
    { "kama", "Kaufman's adaptive moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(1, 30) },
      .recursive = true, .lookback = ta_lookback_period, KERNEL_OF(ta_kama, Kama) },
    { "t3", "Tillson's T3", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 5), { "factor", TA_REAL, 0.7, 0, 1 } },
      .recursive = true, .lookback = lookback_t3, KERNEL_OF(ta_t3, T3) },
    { "hma", "Hull moving average", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(2, 20) },
      .lookback = lookback_hma, KERNEL_OF(ta_hma, Hma) },
    { "ma", "Moving average of a chosen kind", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 30), AVERAGE("average") },
      .recursive = true, .lookback = lookback_ma, KERNEL_OF(ta_ma, Average) },
    { "mavp", "Moving average whose period is a column", TA_OVERLAP, .inputs = { TA_X, TA_PERIODS },
      .outputs = { "value" },
      .params = { { "min_period", TA_INT, 2, 2, MAVP_PERIOD_MAX }, { "max_period", TA_INT, 30, 2, MAVP_PERIOD_MAX },
                  AVERAGE("average") },
      .recursive = true, .lookback = lookback_mavp, KERNEL_OF(ta_mavp, Mavp) },
    { "sma_ta4j", "Simple moving average that begins as the mean of what there is", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 30) }, .recursive = true, .lookback = ta_lookback_none, KERNEL_OF(ta_sma_ta4j, Sum) },
    { "ema_ta4j", "Exponential moving average seeded by one price", TA_OVERLAP, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 30) }, .recursive = true, .lookback = ta_lookback_period, KERNEL_OF(ta_ema_ta4j, Ema) },
    { "bbands", "Bollinger bands", TA_OVERLAP, .inputs = { TA_X }, .outputs = { "upper", "middle", "lower" },
      .params = { PERIOD(2, 5), { "up", TA_REAL, 2, -3e37, 3e37 }, { "down", TA_REAL, 2, -3e37, 3e37 },
                  AVERAGE("average") },
      .recursive = true, .lookback = lookback_bbands, KERNEL_OF(ta_bbands, Bands) },
    { "accbands", "Acceleration bands", TA_OVERLAP, .inputs = { TA_HIGH, TA_LOW, TA_CLOSE },
      .outputs = { "upper", "middle", "lower" }, .params = { PERIOD(2, 20) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_accbands, AccelerationBands) },
    { "apo", "Absolute price oscillator", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { FAST_SLOW, AVERAGE("average") },
      .recursive = true, .lookback = lookback_price_oscillator, KERNEL_OF(ta_apo, TwoAverages) },
    { "ppo", "Percentage price oscillator", TA_MOMENTUM, ONE_IN_ONE_OUT, .params = { FAST_SLOW, AVERAGE("average") },
      .recursive = true, .lookback = lookback_price_oscillator, KERNEL_OF(ta_ppo, TwoAverages) },
    { "macd", "Moving average convergence and divergence", TA_MOMENTUM, .inputs = { TA_X }, MACD_OUT,
      .params = { FAST_SLOW, PERIOD_NAMED("signal_period", 1, 9) },
      .recursive = true, .lookback = lookback_macd, KERNEL_OF(ta_macd, Macd) },
    { "macdext", "MACD of chosen averages", TA_MOMENTUM, .inputs = { TA_X }, MACD_OUT,
      .params = { PERIOD_NAMED("fast_period", 2, 12), AVERAGE("fast_average"), PERIOD_NAMED("slow_period", 2, 26),
                  AVERAGE("slow_average"), PERIOD_NAMED("signal_period", 1, 9), AVERAGE("signal_average") },
      .recursive = true, .lookback = lookback_macdext, KERNEL_OF(ta_macdext, MacdExt) },
    { "macdfix", "MACD 12/26 with the weights 0.15 and 0.075", TA_MOMENTUM, .inputs = { TA_X }, MACD_OUT,
      .params = { PERIOD_NAMED("signal_period", 1, 9) },
      .recursive = true, .lookback = lookback_macdfix, KERNEL_OF(ta_macdfix, Macd) },
    { "trix", "One-candle rate of change of a triple exponential average", TA_MOMENTUM, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 30) }, .recursive = true, .lookback = lookback_trix, KERNEL_OF(ta_trix, Trix) },
};
/* clang-format on */

const TaTable ta_averages = { rows, ARRAY_LEN(rows) };
