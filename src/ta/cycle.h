#pragma once

/* ta/cycle.h - the dominant cycle by a Hilbert transform, and the average that follows it. Private to ta/.
 *
 * Ehlers: "Rocket science for traders", 2001, with TA-Lib's warm-up: the transform begins at row 12 or 37, with nothing
 * before it. */

#include "ta/parts.h"

enum { PHASE_START = 12, TREND_START = 37, CYCLE_MAX = 50, CYCLE_LOOKBACK = 32 };

static const double PHASE_DEGREES = 180 / 3.14159265358979323846;

/* --- the transform: taps at 0, 2, 4 and 6 rows ago --- */

typedef struct Taps {
    double at[7]; /* newest first */
} Taps;

static inline void taps_push(Taps *t, double x) {
    for (int i = 6; i > 0; i--)
        t->at[i] = t->at[i - 1];
    t->at[0] = x;
}

/* Summed in TA-Lib's order, as all here: where the price is at rest there is only rounding to take a phase of. */
static inline double taps_hilbert(Taps *t, double x, double gain) {
    taps_push(t, x);
    return (0.0962 * t->at[0] - 0.0962 * t->at[6] - 0.5769 * t->at[4] + 0.5769 * t->at[2]) * gain;
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
    period = fmin(period, 1.5 * before);
    period = fmax(period, 0.67 * before);
    period = CLAMP(period, 6, CYCLE_MAX);
    return 0.2 * period + 0.8 * before;
}

/* Weighted mean of four prices, rolling. */
static inline double cycle_smooth(Cycle *c, double x) {
    taps_push(&c->price, x);
    c->sum += x;
    c->sum -= c->price.at[4];
    c->weighted += x * fmin((double)c->row + 1, 4);
    double smooth = c->weighted * 0.1;
    if (c->row >= 3)
        c->weighted -= c->sum;
    return smooth;
}

/* False before the transform begins. */
static inline bool cycle_next(Cycle *c, double x) {
    double smooth = cycle_smooth(c, x);
    if (c->row++ < c->start)
        return false;
    double gain = 0.075 * c->period + 0.54;
    c->i1 = c->detrended.at[2]; /* three rows ago, once this row's is in */
    double detrended = taps_hilbert(&c->smooth, smooth, gain);
    c->q1 = taps_hilbert(&c->detrended, detrended, gain);
    double ji = taps_hilbert(&c->in_phase, c->i1, gain), jq = taps_hilbert(&c->quadrature, c->q1, gain);
    double q2 = 0.2 * (c->q1 + ji) + 0.8 * c->q2, i2 = 0.2 * (c->i1 - jq) + 0.8 * c->i2;
    c->period = cycle_period(c, i2, q2);
    c->smooth_period = 0.33 * c->period + 0.67 * c->smooth_period;
    return true;
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
    double turn = fmax(s->phase - phase, 1);
    s->phase = phase;
    double weight = turn > 1 ? fmax(s->fast / turn, s->slow) : s->fast;
    s->mama = weight * x + (1 - weight) * s->mama;
    s->fama = weight / 2 * s->mama + (1 - weight / 2) * s->fama;
    return s->cycle.row > CYCLE_LOOKBACK;
}
