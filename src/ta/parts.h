#pragma once

/* ta/parts.h - what indicators are made of. Private to ta/.
 *
 * Every part takes a value and gives one back, NaN while it is not ready; a NaN put in is passed over, so that parts
 * chain without asking. All-zero plus _init is ready to use. Windows live in the arena. */

#include <math.h>

#include "ta/kernel.h"

#define TA_ZERO 1e-14 /* TA-Lib's notion of zero: it divides by nothing smaller */

static inline bool nearly_zero(double x) {
    return x > -TA_ZERO && x < TA_ZERO;
}

/* --- the last `size` values --- */

typedef struct Window {
    double *at;
    int size, n, next; /* n: held; next: place of the next value, and of the oldest once full */
} Window;

static inline void window_init(Window *w, Arena *arena, int size) {
    *w = (Window){ .at = arena_new_n(arena, double, (size_t)size), .size = size };
}

static inline bool window_full(const Window *w) {
    return w->n == w->size;
}

/* Puts x in; the value that falls out, NaN while none does. */
static inline double window_push(Window *w, double x) {
    double old = NAN;
    if (w->n == w->size)
        old = w->at[w->next];
    else
        w->n++;
    w->at[w->next] = x;
    w->next = w->next + 1 == w->size ? 0 : w->next + 1;
    return old;
}

/* The same of a full one, with no question asked. */
static inline double window_replace(Window *w, double x) {
    double old = w->at[w->next];
    w->at[w->next] = x;
    w->next = w->next + 1 == w->size ? 0 : w->next + 1;
    return old;
}

/* age 0: the newest, n - 1: the oldest. */
static inline double window_at(const Window *w, int age) {
    int i = w->next - 1 - age;
    return w->at[i < 0 ? i + w->size : i];
}

/* Of a full window. */
static inline double window_oldest(const Window *w) {
    return w->at[w->next];
}

/* Summed anew, oldest first, each time: costs a pass over the window and drifts nowhere. */
static inline double window_mean(const Window *w) {
    double sum = 0;
    for (int i = w->next; i < w->size; i++)
        sum += w->at[i];
    for (int i = 0; i < w->next; i++)
        sum += w->at[i];
    return sum / w->size;
}

/* The same in the order of the ring. */
static inline double window_mean_unordered(const Window *w) {
    double sum = 0;
    for (int i = 0; i < w->size; i++)
        sum += w->at[i];
    return sum / w->size;
}

static inline double window_mean_deviation(const Window *w, double mean) {
    double sum = 0;
    for (int i = 0; i < w->size; i++)
        sum += fabs(w->at[i] - mean);
    return sum / w->size;
}

/* --- the value `by` steps ago --- */

typedef struct Lag {
    Window w;
} Lag;

static inline void lag_init(Lag *l, Arena *arena, int by) {
    window_init(&l->w, arena, by);
}

static inline double lag_next(Lag *l, double x) {
    return isnan(x) ? NAN : window_push(&l->w, x);
}

/* --- sum and mean of a window. The newest comes in before the oldest goes out, as TA-Lib has it: the same bits. --- */

typedef struct Sum {
    Window w;
    double sum;
} Sum;

static inline void sum_init(Sum *s, Arena *arena, int period) {
    window_init(&s->w, arena, period);
}

static inline double sum_next(Sum *s, double x) {
    if (isnan(x))
        return NAN;
    window_push(&s->w, x);
    s->sum += x;
    if (!window_full(&s->w))
        return NAN;
    double sum = s->sum;
    s->sum -= window_oldest(&s->w);
    return sum;
}

static inline double sma_next(Sum *s, double x) {
    return sum_next(s, x) / s->w.size;
}

/* Once the window is full, of values alone. */
static inline double sum_steady(Sum *s, double x) {
    window_replace(&s->w, x);
    double sum = s->sum + x;
    s->sum = sum - window_oldest(&s->w);
    return sum;
}

static inline double sma_steady(Sum *s, double x) {
    return sum_steady(s, x) / s->w.size;
}

/* --- two sums over one window --- */

typedef struct PairSum {
    DoublePair *at; /* a ring */
    int size, n, next;
    DoublePair sum;
} PairSum;

static inline void pair_sum_init(PairSum *s, Arena *arena, int period) {
    *s = (PairSum){ .at = arena_new_n(arena, DoublePair, (size_t)period), .size = period };
}

static inline bool pair_sum_full(const PairSum *s) {
    return s->n == s->size;
}

/* Of values alone; the sums of a window once it is full. */
static inline DoublePair pair_sum_steady(PairSum *s, double a, double b) {
    DoublePair newest = { a, b }, sum = s->sum + newest;
    s->at[s->next] = newest;
    s->next = s->next + 1 == s->size ? 0 : s->next + 1;
    s->sum = sum - s->at[s->next];
    return sum;
}

static inline DoublePair pair_sum_next(PairSum *s, double a, double b) {
    s->n += s->n < s->size;
    if (pair_sum_full(s))
        return pair_sum_steady(s, a, b);
    s->at[s->next++] = (DoublePair){ a, b };
    s->sum += (DoublePair){ a, b };
    return (DoublePair){ NAN, NAN };
}

/* --- population variance of a window: mean of the squares less the square of the mean, as TA-Lib has it --- */

typedef struct Variance {
    Window w;
    double sum, squares;
} Variance;

static inline void variance_init(Variance *v, Arena *arena, int period) {
    window_init(&v->w, arena, period);
}

/* And the mean. */
static inline double variance_and_mean_next(Variance *v, double x, double *mean_out) {
    *mean_out = NAN;
    if (isnan(x))
        return NAN;
    window_push(&v->w, x);
    v->sum += x;
    v->squares += x * x;
    if (!window_full(&v->w))
        return NAN;
    double mean = v->sum / v->w.size, square = v->squares / v->w.size, oldest = window_oldest(&v->w);
    v->sum -= oldest;
    v->squares -= oldest * oldest;
    *mean_out = mean;
    return square - mean * mean;
}

static inline double variance_next(Variance *v, double x) {
    double mean;
    return variance_and_mean_next(v, x, &mean);
}

static inline double deviation_of(double variance) {
    return variance < TA_ZERO ? 0 : sqrt(variance); /* NaN stays */
}

static inline double deviation_and_mean_next(Variance *v, double x, double *mean) {
    return deviation_of(variance_and_mean_next(v, x, mean));
}

static inline double deviation_next(Variance *v, double x) {
    return deviation_of(variance_next(v, x));
}

/* --- exponential averages, seeded by the mean of the first `period` values --- */

typedef struct Ema {
    double weight, value;
    int period, n;
} Ema;

static inline void ema_init_weight(Ema *e, int period, double weight) {
    *e = (Ema){ .weight = weight, .period = period };
}

static inline void ema_init(Ema *e, int period) {
    ema_init_weight(e, period, 2.0 / (period + 1));
}

/* Wilder's: weight 1 / period. */
static inline void wilder_init(Ema *e, int period) {
    ema_init_weight(e, period, 1.0 / period);
}

static inline double ema_next(Ema *e, double x) {
    if (isnan(x))
        return NAN;
    if (LIKELY(e->n >= e->period))
        return e->value += (x - e->value) * e->weight;
    e->value += x;
    if (++e->n < e->period)
        return NAN;
    return e->value /= e->period;
}

/* Once it is seeded, of values alone. */
static inline double ema_steady(Ema *e, double x) {
    return e->value += (x - e->value) * e->weight;
}

/* Wilder's as TA-Lib's RSI takes it, to the bit: prices at rest leave quotients of the like of 0 / 0 to rounding. */
static inline double wilder_next(Ema *e, double x) {
    if (isnan(x))
        return NAN;
    e->value = e->n < e->period ? e->value + x : e->value * (e->period - 1) + x;
    if (e->n < e->period && ++e->n < e->period)
        return NAN;
    return e->value /= e->period;
}

/* --- weighted average, weights 1 (oldest) .. period. The weighted sum takes up the plain one's error at every step, so
 * both are taken anew once in some turns of the window. --- */

enum { WMA_TURNS = 16 };

typedef struct Wma {
    Window w;
    int turn; /* turns since both were taken anew; they are at the end of turn 0 */
    double sum, weighted;
} Wma;

static inline void wma_init(Wma *m, Arena *arena, int period) {
    window_init(&m->w, arena, period);
}

/* Of a whole window, oldest first. Four sums side by side: one after the other they would wait for each other. */
static inline void wma_anew(const double *window, int size, double *sum, double *weighted) {
    DoublePair sum_1 = { 0 }, sum_2 = { 0 }, by_1 = { 0 }, by_2 = { 0 }, weight = { 1, 2 };
    int i = 0;
    for (; i + 4 <= size; i += 4) {
        DoublePair x_1 = pair_at(window + i), x_2 = pair_at(window + i + 2);
        sum_1 += x_1;
        sum_2 += x_2;
        by_1 += x_1 * weight;
        by_2 += x_2 * (weight + 2);
        weight += 4;
    }
    sum_1 += sum_2;
    by_1 += by_2;
    *sum = sum_1[0] + sum_1[1];
    *weighted = by_1[0] + by_1[1];
    for (; i < size; i++) {
        *sum += window[i];
        *weighted += (i + 1) * window[i];
    }
}

static inline double wma_next(Wma *m, double x) {
    if (isnan(x))
        return NAN;
    window_push(&m->w, x);
    m->sum += x;
    m->weighted += x * m->w.n;
    if (!window_full(&m->w))
        return NAN;
    if (m->w.next == 0) { /* the oldest is at the start of the ring */
        if (m->turn == 0)
            wma_anew(m->w.at, m->w.size, &m->sum, &m->weighted);
        m->turn = m->turn + 1 == WMA_TURNS ? 0 : m->turn + 1;
    }
    double p = m->w.size, value = m->weighted / (p * (p + 1) / 2);
    m->weighted -= m->sum;
    m->sum -= window_oldest(&m->w);
    return value;
}

/* --- least and greatest of a window ---
 * Van Herk's: the window reaches over the end of the block before, whose extremes were taken from its end backwards,
 * and the block that fills. Three comparisons a value, whatever the window and the values. */

typedef struct Extreme {
    double *block; /* filled: values; still to be overwritten: extremes of what was from there to the end */
    int size, n;
    double best; /* of the filled part */
    double sign; /* -1: the least */
    bool full;
} Extreme;

static inline void extreme_init(Extreme *e, Arena *arena, int period, double sign) {
    *e = (Extreme){ .block = arena_new_n(arena, double, (size_t)period), .size = period, .sign = sign };
}

static inline void greatest_init(Extreme *e, Arena *arena, int period) {
    extreme_init(e, arena, period, 1);
}

static inline void least_init(Extreme *e, Arena *arena, int period) {
    extreme_init(e, arena, period, -1);
}

static inline void extreme_turn(Extreme *e) { /* the block is full */
    for (int i = e->size - 2; i >= 0; i--)
        e->block[i] = MAX(e->block[i], e->block[i + 1]);
    e->n = 0;
    e->full = true;
}

static inline double extreme_next(Extreme *e, double x) {
    if (isnan(x))
        return NAN;
    x *= e->sign;
    e->best = e->n == 0 ? x : MAX(e->best, x);
    e->block[e->n++] = x;
    double value = e->best;
    if (e->n == e->size)
        extreme_turn(e);
    else if (e->full)
        value = MAX(value, e->block[e->n]);
    else
        return NAN;
    return value * e->sign;
}

/* Once a window was full, of values alone. */
static inline double extreme_steady(Extreme *e, double x) {
    x *= e->sign;
    e->best = e->n == 0 ? x : MAX(e->best, x);
    e->block[e->n++] = x;
    double value = e->best;
    if (e->n == e->size)
        extreme_turn(e);
    else
        value = MAX(value, e->block[e->n]);
    return value * e->sign;
}

/* --- the same, with the age of the extreme ---
 * Few values: a ring that is searched when the extreme falls out of it. Many: van Herk's, with places. */

enum { PLACED_SEARCH_MAX = 64 };

typedef enum PlacedTie { PLACED_EARLIEST, PLACED_LATEST } PlacedTie; /* the same at every call */

typedef struct Placed {
    double *block; /* the ring, or as an Extreme's */
    int *place;    /* van Herk's: where in its block the extreme from there on is */
    int size, n;   /* n: place of the next value */
    double best;   /* of the filled part of the block */
    int best_place;
    double sign; /* -1: the least */
    bool full;
    double stands; /* the extreme that was told last */
    int age;
} Placed;

static inline void placed_init(Placed *e, Arena *arena, int period, double sign) {
    *e = (Placed){ .block = arena_new_n(arena, double, (size_t)period),
                   .place = arena_new_n(arena, int, (size_t)period),
                   .size = period,
                   .sign = sign,
                   .age = period };
}

/* The ring is whole; n is the place of its oldest. */
static inline void placed_search(Placed *e, PlacedTie tie) {
    DoublePair best = { e->block[0], e->block[e->size - 1] };
    for (int i = 0; i + 2 <= e->size; i += 2)
        best = pair_max(best, pair_at(e->block + i));
    e->stands = MAX(best[0], best[1]);
    int age = tie == PLACED_LATEST ? 0 : e->size - 1, step = tie == PLACED_LATEST ? 1 : -1;
    int at = tie == PLACED_LATEST ? (e->n == 0 ? e->size - 1 : e->n - 1) : e->n;
    while (e->block[at] != e->stands) {
        age += step;
        at -= step;
        at = at < 0 ? e->size - 1 : at == e->size ? 0 : at;
    }
    e->age = age;
}

static inline void placed_ring(Placed *e, double x, PlacedTie tie) {
    e->block[e->n] = x;
    e->n = e->n + 1 == e->size ? 0 : e->n + 1;
    e->age++;
    if (!e->full) {
        e->full = e->n == 0;
        e->age = e->size; /* the first window is searched */
    }
    if (e->age < e->size) {
        e->age = x >= e->stands ? 0 : e->age;
        e->stands = MAX(x, e->stands);
    } else if (e->full) {
        placed_search(e, tie);
    }
}

static inline void placed_turn(Placed *e, PlacedTie tie) { /* the block is full */
    int place = e->place[e->size - 1] = e->size - 1;
    double best = e->block[place];
    for (int i = e->size - 2; i >= 0; i--) {
        bool keeps = tie == PLACED_LATEST ? best >= e->block[i] : best > e->block[i];
        e->block[i] = best = keeps ? best : e->block[i];
        e->place[i] = place = keeps ? place : i;
    }
    e->n = 0;
    e->full = true;
}

static inline void placed_block(Placed *e, double x, PlacedTie tie) {
    int newest = e->n++, stood = e->age + 1;
    bool better = newest == 0 || (tie == PLACED_LATEST ? x >= e->best : x > e->best);
    e->best = better ? x : e->best;
    e->best_place = better ? newest : e->best_place;
    e->block[newest] = x;
    double value = e->best;
    int age = newest - e->best_place;
    if (e->n == e->size) {
        placed_turn(e, tie);
    } else if (e->full) {
        double before = e->block[e->n];
        bool newer = tie == PLACED_LATEST ? value >= before : value > before;
        age = newer ? age : newest + e->size - e->place[e->n];
        value = newer ? value : before;
    }
    if (tie == PLACED_EARLIEST && stood < e->size) { /* one that stands gives way to its equal */
        age = x >= e->stands ? 0 : stood;
        value = MAX(x, e->stands);
    }
    e->age = e->full ? age : e->size;
    e->stands = value;
}

/* Of values alone. The age is the window's extreme's once `full`, which the last value of the first window makes it.
 * While an extreme stands its newest equal counts; when it falls out, and at first, the window is searched and the tie
 * tells: TA-Lib's ways of AROON and of MAXINDEX. */
static inline void placed_next(Placed *e, double x, PlacedTie tie) {
    x *= e->sign;
    if (e->size <= PLACED_SEARCH_MAX)
        placed_ring(e, x, tie);
    else
        placed_block(e, x, tie);
}

/* --- true range: NaN for the first candle --- */

typedef struct TrueRange {
    double close;
    bool begun;
} TrueRange;

static inline double true_range_next(TrueRange *t, double high, double low, double close) {
    double before = t->close;
    t->close = close;
    if (!t->begun) {
        t->begun = true;
        return NAN;
    }
    double from_high = fabs(before - high), from_low = fabs(before - low), gap = MAX(from_high, from_low);
    return MAX(high - low, gap);
}

/* --- change since the last value: NaN for the first --- */

typedef struct Change {
    double before;
    bool begun;
} Change;

static inline double change_next(Change *c, double x) {
    double before = c->before;
    c->before = x;
    if (!c->begun) {
        c->begun = true;
        return NAN;
    }
    return x - before;
}

/* --- gains and losses: smoothed sizes of the rises and of the falls, as the RSI has them --- */

typedef struct GainLoss {
    Change change;
    Ema gain, loss;
} GainLoss;

static inline void gain_loss_init(GainLoss *g, int period) {
    wilder_init(&g->gain, period);
    wilder_init(&g->loss, period);
}

static inline void gain_loss_next(GainLoss *g, double x, double *gain, double *loss) {
    double change = change_next(&g->change, x);
    *gain = wilder_next(&g->gain, isnan(change) ? NAN : change > 0 ? change : 0);
    *loss = wilder_next(&g->loss, isnan(change) ? NAN : change < 0 ? -change : 0);
}

/* Once they are seeded, of values alone. */
static inline void gain_loss_steady(GainLoss *g, double x, double *gain, double *loss) {
    double change = x - g->change.before, period = g->gain.period;
    g->change.before = x;
    *gain = g->gain.value = (g->gain.value * (period - 1) + (change > 0 ? change : 0)) / period;
    *loss = g->loss.value = (g->loss.value * (period - 1) + (change < 0 ? -change : 0)) / period;
}

static inline bool gain_loss_ready(const GainLoss *g) {
    return g->loss.n == g->loss.period;
}

/* 0 where nothing moved: TA-Lib's and ta4j's choice. */
static inline double rsi_of_moves(double gain, double loss) {
    double share = 100 * (gain / (gain + loss));
    return gain + loss < TA_ZERO ? 0 : share;
}

static inline double rsi_next(GainLoss *g, double x) {
    double gain, loss;
    gain_loss_next(g, x, &gain, &loss);
    return rsi_of_moves(gain, loss);
}

static inline double rsi_steady(GainLoss *g, double x) {
    double gain, loss;
    gain_loss_steady(g, x, &gain, &loss);
    return rsi_of_moves(gain, loss);
}
