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

enum {
    PATTERN_CANDLES = 5,
    MEASURE_SPAN_MAX = 10,
    CANDLE_PAST = PATTERN_CANDLES + MEASURE_SPAN_MAX,
    CANDLE_BLOCK = 64,
    CANDLE_STRIDE = CANDLE_PAST + CANDLE_BLOCK
};

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

enum { C_OPEN, C_HIGH, C_LOW, C_CLOSE, C_COLUMNS };

typedef struct Candles {
    double past[C_COLUMNS][CANDLE_PAST]; /* the last ones of the piece before */
    const double *now;                   /* open of the newest candle, those before it in front; CANDLE_STRIDE: high */
    double sum[MEASURES][PATTERN_CANDLES];
    int64_t row;
    int begin, lookback; /* rows of the first test, and of the first result */
    double penetration;
    /* what waits for its confirmation */
    int waiting;
    int64_t waiting_row;
    double waiting_high, waiting_low;
} Candles;

static inline PatternCandle candle_made(const Candles *c, int ago) {
    const double *at = c->now - ago;
    double open = at[0], high = at[C_HIGH * CANDLE_STRIDE], low = at[C_LOW * CANDLE_STRIDE];
    double close = at[C_CLOSE * CANDLE_STRIDE], top = MAX(open, close), bottom = MIN(open, close);
    return (PatternCandle){ .open = open,
                            .high = high,
                            .low = low,
                            .close = close,
                            .top = top,
                            .bottom = bottom,
                            .body = fabs(close - open),
                            .upper = high - top,
                            .lower = bottom - low,
                            .color = close >= open ? 1 : -1 };
}

/* Lives as long as the block it is named in. What is not asked of it is not computed. */
#define candle_ago(c, ago) ((const PatternCandle[1]){ candle_made((c), (ago)) })

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

/* The finite rows of the next `n` <= CANDLE_BLOCK behind those before them: how many, and which they are. The columns
 * are read before a result is written: it may go over one of them. */
static inline size_t candles_take(const double *const *in, size_t n, double (*rows)[CANDLE_STRIDE], bool *whole) {
    size_t taken = 0;
    for (size_t i = 0; i < n; i++) {
        double open = in[0][i], high = in[1][i], low = in[2][i], close = in[3][i];
        size_t at = CANDLE_PAST + taken;
        rows[C_OPEN][at] = open;
        rows[C_HIGH][at] = high;
        rows[C_LOW][at] = low;
        rows[C_CLOSE][at] = close;
        double zero =
            ((open - open) + (high - high)) + ((low - low) + (close - close)); /* NaN where one is not finite */
        whole[i] = zero == 0;
        taken += whole[i];
    }
    return taken;
}

/* After the test: the newest candle is of the means of the next one. */
static inline void candles_roll(Candles *c, const MeanOf *means, size_t n) {
    KERNEL_UNROLL
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
        Candles local = *(Candles *)state, *c = &local;                                                                \
        double rows[C_COLUMNS][CANDLE_STRIDE];                                                                         \
        for (int k = 0; k < C_COLUMNS; k++)                                                                            \
            memcpy(rows[k], c->past[k], sizeof c->past[k]);                                                            \
        for (size_t done = 0, block; done < n; done += block) {                                                        \
            const double *from[C_COLUMNS] = { in[0] + done, in[1] + done, in[2] + done, in[3] + done };                \
            bool whole[CANDLE_BLOCK];                                                                                  \
            block = MIN(n - done, (size_t)CANDLE_BLOCK);                                                               \
            size_t taken = candles_take(from, block, rows, whole);                                                     \
            c->now = rows[0] + CANDLE_PAST - 1;                                                                        \
            for (size_t i = 0; i < block; i++) {                                                                       \
                double value = NAN;                                                                                    \
                if (LIKELY(whole[i])) {                                                                                \
                    c->now++;                                                                                          \
                    if (c->row >= c->begin) {                                                                          \
                        int result = name##_test(c);                                                                   \
                        value = c->row >= c->lookback ? result : NAN;                                                  \
                    }                                                                                                  \
                    candles_roll(c, name##_means, sizeof name##_means / sizeof(MeanOf));                               \
                }                                                                                                      \
                out[0][done + i] = value;                                                                              \
            }                                                                                                          \
            for (int k = 0; k < C_COLUMNS; k++)                                                                        \
                memmove(rows[k], rows[k] + taken, sizeof c->past[k]);                                                  \
        }                                                                                                              \
        for (int k = 0; k < C_COLUMNS; k++)                                                                            \
            memcpy(c->past[k], rows[k], sizeof c->past[k]);                                                            \
        *(Candles *)state = local;                                                                                     \
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
