#pragma once

/* ta/cycle.h - the dominant cycle by a Hilbert transform, and the average that follows it. Private to ta/.
 *
 * Ehlers: "Rocket science for traders", 2001, with TA-Lib's warm-up: the transform begins at row 12 or 37, with nothing
 * before it. */

#include "ta/parts.h"

enum { PHASE_START = 12, TREND_START = 37, CYCLE_MAX = 50, CYCLE_LOOKBACK = 32 };

static const double PHASE_DEGREES = 180 / 3.14159265358979323846;

/* --- the transform: taps at 0, 2, 4 and 6 rows ago --- */

enum { TAPS = 8 };

typedef struct Taps {
    double at[TAPS]; /* a ring */
} Taps;

static inline double taps_ago(const Taps *t, int64_t row, int ago) {
    return t->at[(size_t)(row - ago) % TAPS];
}

static inline void taps_put(Taps *t, int64_t row, double x) {
    t->at[(size_t)row % TAPS] = x;
}

/* Summed in TA-Lib's order, as all here: where the price is at rest there is only rounding to take a phase of. */
static inline double taps_hilbert(Taps *t, int64_t row, double x, double gain) {
    taps_put(t, row, x);
    double two = taps_ago(t, row, 2), four = taps_ago(t, row, 4), six = taps_ago(t, row, 6);
    return (0.0962 * x - 0.0962 * six - 0.5769 * four + 0.5769 * two) * gain;
}

typedef struct Cycle {
    Taps price, smooth, detrended, in_phase, quadrature;
    double sum, weighted; /* of the last prices, weights 4 3 2 1 */
    double i1, q1;        /* of this row */
    double i2, q2, re, im, period, smooth_period;
    int start;
    int64_t row; /* rows seen */
} Cycle;

static inline double cycle_period(Cycle *c, double i2, double q2) {
    double before = c->period, period = before;
    c->re = 0.2 * (i2 * c->i2 + q2 * c->q2) + 0.8 * c->re;
    c->im = 0.2 * (i2 * c->q2 - q2 * c->i2) + 0.8 * c->im;
    c->i2 = i2;
    c->q2 = q2;
    if (c->re != 0 && c->im != 0)
        period = 360 / (atan(c->im / c->re) * PHASE_DEGREES);
    /* within 0.67 and 1.5 of the one before, and within 6 and 50: bounds that do not wait for it */
    double least = MAX(0.67 * before, 6.0), most = MIN(1.5 * before, (double)CYCLE_MAX);
    period = MIN(period, most);
    period = MAX(period, least);
    return 0.2 * period + 0.8 * before;
}

/* Weighted mean of four prices, rolling. */
static inline double cycle_smooth(Cycle *c, double x) {
    taps_put(&c->price, c->row, x);
    c->sum += x;
    c->sum -= taps_ago(&c->price, c->row, 4);
    c->weighted += x * (double)MIN(c->row + 1, (int64_t)4);
    double smooth = c->weighted * 0.1;
    if (c->row >= 3)
        c->weighted -= c->sum;
    return smooth;
}

/* False before the transform begins. */
static inline bool cycle_next(Cycle *c, double x) {
    double smooth = cycle_smooth(c, x);
    int64_t row = c->row++;
    if (row < c->start)
        return false;
    double gain = 0.075 * c->period + 0.54;
    c->i1 = taps_ago(&c->detrended, row, 3);
    double detrended = taps_hilbert(&c->smooth, row, smooth, gain);
    c->q1 = taps_hilbert(&c->detrended, row, detrended, gain);
    double ji = taps_hilbert(&c->in_phase, row, c->i1, gain), jq = taps_hilbert(&c->quadrature, row, c->q1, gain);
    double q2 = 0.2 * (c->q1 + ji) + 0.8 * c->q2, i2 = 0.2 * (c->i1 - jq) + 0.8 * c->i2;
    c->period = cycle_period(c, i2, q2);
    c->smooth_period = 0.33 * c->period + 0.67 * c->smooth_period;
    return true;
}

/* The smoothed price of the newest row. */
static inline double cycle_smoothed(const Cycle *c) {
    return taps_ago(&c->smooth, c->row, 1);
}

/* --- MESA adaptive average: the faster the phase turns, the slower it follows --- */

typedef struct Mama {
    Cycle cycle;
    double fast, slow, phase, mama, fama;
} Mama;

static inline void mama_init(Mama *s, double fast, double slow) {
    s->cycle.start = PHASE_START;
    s->fast = fast;
    s->slow = slow;
}

/* mama and fama; both stay as they are before the lookback is over. */
static inline bool mama_next(Mama *s, double x) {
    if (!cycle_next(&s->cycle, x))
        return false;
    double phase = s->cycle.i1 != 0 ? atan(s->cycle.q1 / s->cycle.i1) * PHASE_DEGREES : 0;
    double turn = MAX(s->phase - phase, 1);
    s->phase = phase;
    double weight = turn > 1 ? MAX(s->fast / turn, s->slow) : s->fast;
    s->mama = weight * x + (1 - weight) * s->mama;
    s->fama = weight / 2 * s->mama + (1 - weight / 2) * s->fama;
    return s->cycle.row > CYCLE_LOOKBACK;
}
