#pragma once

/* ta/patterns.h - how a candle pattern is written. Private to ta/.
 *
 * A pattern is a test of the last one to five candles. What "long", "short" or "near" means is told by the candles
 * before: a mean of their bodies, ranges or shadows times a factor, TA-Lib's candle settings. The means roll along as
 * TA-Lib's do, to the bit, because prices are ticks and a body often equals its mean.
 *
 * The result is 0, or 100 for a bullish and -100 for a bearish one; some know 80 (less sure) and 200 (confirmed). */

#include "ta/kernel.h"

typedef enum Measure {
    BODY_LONG,
    BODY_SHORT,
    BODY_DOJI,
    SHADOW_SHORT,
    SHADOW_NONE,
    NEAR,
    FAR,
    EQUAL,
    MEASURES
} Measure;

enum { PATTERN_CANDLES = 5, MEASURE_SPAN_MAX = 10, CANDLE_RING = 16 };
_Static_assert(CANDLE_RING >= PATTERN_CANDLES + MEASURE_SPAN_MAX, "the oldest mean leaves the ring");

typedef struct PatternCandle {
    double open, high, low, close;
    double top, bottom; /* of the body */
    double body, upper, lower;
    int color; /* 1: closed no lower than it opened; -1 */
} PatternCandle;

typedef struct MeanOf { /* a measure that a pattern takes of the candle `ago` rows before the newest */
    Measure measure;
    int ago;
} MeanOf;

typedef struct Candles {
    PatternCandle at[CANDLE_RING];
    double sum[MEASURES][PATTERN_CANDLES];
    int64_t row;
    int begin, lookback; /* rows of the first test, and of the first result */
    double penetration;
    /* what waits for its confirmation */
    int waiting;
    int64_t waiting_row;
    double waiting_high, waiting_low;
} Candles;

static inline const PatternCandle *candle_ago(const Candles *c, int ago) {
    return &c->at[(c->row - ago) & (CANDLE_RING - 1)];
}

static inline int measure_span(Measure m) {
    return m == NEAR || m == FAR || m == EQUAL ? 5 : MEASURE_SPAN_MAX;
}

static inline double measure_factor(Measure m) {
    switch (m) {
    case BODY_DOJI:
    case SHADOW_NONE:
        return 0.1;
    case NEAR:
        return 0.2;
    case FAR:
        return 0.6;
    case EQUAL:
        return 0.05;
    default:
        return 1;
    }
}

static inline double measure_range(Measure m, const PatternCandle *k) {
    switch (m) {
    case BODY_LONG:
    case BODY_SHORT:
        return k->body;
    case SHADOW_SHORT:
        return k->upper + k->lower;
    default:
        return k->high - k->low;
    }
}

/* What the measure is at the candle `ago` rows before the newest: of those before it. */
static inline double mean_of(const Candles *c, Measure m, int ago) {
    return measure_factor(m) * (c->sum[m][ago] / measure_span(m)) / (m == SHADOW_SHORT ? 2 : 1);
}

/* Two measures have no span: a long shadow is longer than the body, a very long one than twice the body. */
static inline double shadow_long(const PatternCandle *k) {
    return k->body;
}

static inline double shadow_very_long(const PatternCandle *k) {
    return 2 * k->body;
}

/* Gaps of b after a: between bodies, and between whole candles. */
static inline bool gap_up(const PatternCandle *a, const PatternCandle *b) {
    return b->bottom > a->top;
}

static inline bool gap_down(const PatternCandle *a, const PatternCandle *b) {
    return b->top < a->bottom;
}

static inline bool whole_gap_up(const PatternCandle *a, const PatternCandle *b) {
    return b->low > a->high;
}

static inline bool whole_gap_down(const PatternCandle *a, const PatternCandle *b) {
    return b->high < a->low;
}

static inline bool within(double x, double middle, double by) {
    return x <= middle + by && x >= middle - by;
}

static inline void candles_push(Candles *c, const double *in) {
    double open = in[0], high = in[1], low = in[2], close = in[3];
    bool up = close >= open;
    double top = up ? close : open, bottom = up ? open : close;
    c->at[c->row & (CANDLE_RING - 1)] = (PatternCandle){ .open = open,
                                                         .high = high,
                                                         .low = low,
                                                         .close = close,
                                                         .top = top,
                                                         .bottom = bottom,
                                                         .body = fabs(close - open),
                                                         .upper = high - top,
                                                         .lower = bottom - low,
                                                         .color = up ? 1 : -1 };
}

/* After the test: the newest candle is of the means of the next one. */
static inline void candles_roll(Candles *c, const MeanOf *means, size_t n) {
    for (size_t i = 0; i < n; i++) {
        Measure m = means[i].measure;
        int ago = means[i].ago, span = measure_span(m);
        double *sum = &c->sum[m][ago], newest = measure_range(m, candle_ago(c, ago));
        if (c->row >= c->begin)
            *sum += newest - measure_range(m, candle_ago(c, ago + span));
        else if (c->row >= c->begin - span)
            *sum += newest;
    }
    c->row++;
}

/* PATTERN(name, lookback, params, means...): the run of a pattern whose test is `static int name_test(Candles *)`. */
#define PATTERN_FROM(name, begin_, lookback_, penetration_, ...)                                                       \
    static const MeanOf name##_means[] = { __VA_ARGS__ };                                                              \
    static void name##_init(void *state, Arena *arena, const double *p) {                                              \
        Candles *c = state;                                                                                            \
        UNUSED(arena), UNUSED(p);                                                                                      \
        c->begin = (begin_);                                                                                           \
        c->lookback = (lookback_);                                                                                     \
        c->penetration = (penetration_);                                                                               \
    }                                                                                                                  \
    static int name##_lookback(const double *p) {                                                                      \
        UNUSED(p);                                                                                                     \
        return (lookback_);                                                                                            \
    }                                                                                                                  \
    static void name##_run(void *state, const double *const *in, size_t n, double *const *out) {                       \
        Candles *c = state;                                                                                            \
        for (size_t i = 0; i < n; i++) {                                                                               \
            double x[4] = { in[0][i], in[1][i], in[2][i], in[3][i] };                                                  \
            double value = NAN;                                                                                        \
            if (LIKELY(isfinite(x[0]) && isfinite(x[1]) && isfinite(x[2]) && isfinite(x[3]))) {                        \
                candles_push(c, x);                                                                                    \
                if (c->row >= c->begin) {                                                                              \
                    int result = name##_test(c);                                                                       \
                    value = c->row >= c->lookback ? result : NAN;                                                      \
                }                                                                                                      \
                candles_roll(c, name##_means, sizeof name##_means / sizeof(MeanOf));                                   \
            }                                                                                                          \
            out[0][i] = value;                                                                                         \
        }                                                                                                              \
    }

#define PATTERN(name, lookback, ...)             PATTERN_FROM(name, lookback, lookback, 0, __VA_ARGS__)
#define PATTERN_PENETRATING(name, lookback, ...) PATTERN_FROM(name, lookback, lookback, p[0], __VA_ARGS__)

#define PATTERN_ROW(name_, words_)                                                                                     \
    {                                                                                                                  \
#name_, words_, TA_PATTERN,                                                                                    \
            .inputs = { TA_OPEN, TA_HIGH, TA_LOW, TA_CLOSE },                                                          \
                        .outputs = { "value" }, .recursive = true, .lookback = name_##_lookback,                       \
                                                .state_size = sizeof(Candles), .init = name_##_init,                   \
                                                .run = name_##_run                                                     \
    }
#define PATTERN_ROW_PENETRATING(name_, words_, standard_)                                                              \
    {                                                                                                                  \
#name_, words_, TA_PATTERN,                                                                                    \
            .inputs = { TA_OPEN, TA_HIGH, TA_LOW, TA_CLOSE },                                                          \
                        .outputs = { "value" }, .params = { { "penetration", TA_REAL, (standard_), 0, 3e37 } },        \
                                                            .recursive = true, .lookback = name_##_lookback,           \
                                                            .state_size = sizeof(Candles), .init = name_##_init,       \
                                                            .run = name_##_run                                         \
    }
