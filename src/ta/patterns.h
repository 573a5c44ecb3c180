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

/* What a measure takes of a candle. */
typedef enum Size { BODY, SHADOWS, RANGE, SIZES } Size;

enum {
    MEANS_MAX = 8,
    PATTERN_CANDLES = 5,
    MEASURE_SPAN_MAX = 10,
    CANDLE_PAST = PATTERN_CANDLES + MEASURE_SPAN_MAX,
    CANDLE_BLOCK = 128, /* even: the last pair may be half a one */
    CANDLE_STRIDE = CANDLE_PAST + CANDLE_BLOCK + 1
};

/* Two rows at once, and what holds of them: all bits or none. Which conditions hold is a toss-up, and a branch that is
 * guessed wrong costs more than all of them: a test has none. */

#define ALL(...)                           all_of((const Mask[]){ __VA_ARGS__ }, sizeof((const Mask[]){ __VA_ARGS__ }) / sizeof(Mask))
#define ANY(...)                           any_of((const Mask[]){ __VA_ARGS__ }, sizeof((const Mask[]){ __VA_ARGS__ }) / sizeof(Mask))
#define EITHER(condition, then, otherwise) (((condition) & (then)) | (~(condition) & (otherwise)))

static inline Mask all_of(const Mask *conditions, size_t n) {
    Mask all = conditions[0];
    KERNEL_UNROLL
    for (size_t i = 1; i < n; i++)
        all &= conditions[i];
    return all;
}

static inline Mask any_of(const Mask *conditions, size_t n) {
    Mask any = conditions[0];
    KERNEL_UNROLL
    for (size_t i = 1; i < n; i++)
        any |= conditions[i];
    return any;
}

#define SELECT(condition, then, otherwise) pair_select((condition), PAIR(then), PAIR(otherwise))
#define WHEN(condition, then)              ((DoublePair)((Mask)PAIR(then) & (condition))) /* else 0 */
#define PAIR(x)                            ((x) + (DoublePair){ 0 })                      /* of a number two */

typedef struct PatternCandle {
    DoublePair open, high, low, close;
    DoublePair top, bottom; /* of the body */
    DoublePair body, upper, lower;
    DoublePair color; /* 1: closed no lower than it opened; -1 */
} PatternCandle;

typedef struct MeanOf { /* a measure that a pattern takes of the candle `ago` rows before the newest */
    Measure measure;
    int ago;
} MeanOf;

enum { C_OPEN, C_HIGH, C_LOW, C_CLOSE, C_COLUMNS };

/* What a test sees. */
typedef struct Candles {
    const double *now; /* open of the newest candle, those before it in front; CANDLE_STRIDE: high */
    const double *sum; /* the first measure's at the newest row; CANDLE_BLOCK: the next one's */
    int64_t row;
    double penetration;
    /* what waits for its confirmation */
    double waiting;
    int64_t waiting_row;
    double waiting_high, waiting_low;
    int64_t begin, end; /* rows that there are, of this block */
} Candles;

typedef struct PatternState {
    Candles candles;
    int begin, lookback;                 /* rows of the first test, and of the first result */
    double past[C_COLUMNS][CANDLE_PAST]; /* the last ones of the piece before */
    double sum[MEASURES][PATTERN_CANDLES];
} PatternState;

static inline PatternCandle candle_made(const Candles *c, int ago) {
    const double *at = c->now - ago;
    DoublePair open = pair_at(at), high = pair_at(at + C_HIGH * CANDLE_STRIDE),
               low = pair_at(at + C_LOW * CANDLE_STRIDE);
    DoublePair close = pair_at(at + C_CLOSE * CANDLE_STRIDE), top = pair_max(open, close);
    DoublePair bottom = pair_min(open, close);
    return (PatternCandle){ .open = open,
                            .high = high,
                            .low = low,
                            .close = close,
                            .top = top,
                            .bottom = bottom,
                            .body = pair_size(close - open),
                            .upper = high - top,
                            .lower = bottom - low,
                            .color = SELECT(close >= open, 1.0, -1.0) };
}

/* Lives as long as the block it is named in. What is not asked of it is not computed. */
#define candle_ago(c, ago) ((const PatternCandle[1]){ candle_made((c), (ago)) })

static inline int measure_span(Measure m) {
    return m == NEAR || m == FAR || m == EQUAL ? 5 : MEASURE_SPAN_MAX;
}

static inline Size measure_size(Measure m) {
    return m == BODY_LONG || m == BODY_SHORT ? BODY : m == SHADOW_SHORT ? SHADOWS : RANGE;
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

/* What the measure is at the candle `ago` rows before the newest: of those before it. */
static inline DoublePair mean_of(const Candles *c, Measure m, int ago) {
    DoublePair sum = pair_at(c->sum + ((int)m * PATTERN_CANDLES + ago) * CANDLE_BLOCK);
    return measure_factor(m) * (sum / measure_span(m)) / (m == SHADOW_SHORT ? 2 : 1);
}

/* Two measures have no span: a long shadow is longer than the body, a very long one than twice the body. */
static inline DoublePair shadow_long(const PatternCandle *k) {
    return k->body;
}

static inline DoublePair shadow_very_long(const PatternCandle *k) {
    return 2 * k->body;
}

/* Gaps of b after a: between bodies, and between whole candles. */
static inline Mask gap_up(const PatternCandle *a, const PatternCandle *b) {
    return b->bottom > a->top;
}

static inline Mask gap_down(const PatternCandle *a, const PatternCandle *b) {
    return b->top < a->bottom;
}

/* Up where `way` is above 0, else down. */
static inline Mask gap_along(const PatternCandle *a, const PatternCandle *b, DoublePair way) {
    return EITHER(way > 0, gap_up(a, b), gap_down(a, b));
}

static inline Mask whole_gap_up(const PatternCandle *a, const PatternCandle *b) {
    return b->low > a->high;
}

static inline Mask whole_gap_down(const PatternCandle *a, const PatternCandle *b) {
    return b->high < a->low;
}

static inline Mask within(DoublePair x, DoublePair middle, DoublePair by) {
    return ALL(x <= middle + by, x >= middle - by);
}

/* A block of candles, those before it in front, and what is made of all of them at once. */
typedef struct CandleBlock {
    double rows[C_COLUMNS][CANDLE_STRIDE];
    double size[SIZES][CANDLE_STRIDE]; /* of what is measured */
    double sum[MEASURES][PATTERN_CANDLES][CANDLE_BLOCK];
    bool whole[CANDLE_BLOCK];
    size_t n; /* candles */
} CandleBlock;

/* From the oldest candle that is still asked for. */
static inline void candles_measure(CandleBlock *b, Size what) {
    const double *open = b->rows[C_OPEN], *high = b->rows[C_HIGH], *low = b->rows[C_LOW], *close = b->rows[C_CLOSE];
    double *size = b->size[what];
    for (size_t i = 0, n = CANDLE_PAST + b->n; i < n; i += 2) {
        DoublePair o = pair_at(open + i), c = pair_at(close + i), range = pair_at(high + i) - pair_at(low + i);
        DoublePair shadows = (pair_at(high + i) - pair_max(o, c)) + (pair_min(o, c) - pair_at(low + i));
        DoublePair two = what == BODY ? pair_size(c - o) : what == SHADOWS ? shadows : range;
        memcpy(size + i, &two, sizeof two);
    }
}

/* The sums at each row of the block. They roll as TA-Lib's do: the newest less the oldest, in one. */
static inline void candles_sums(PatternState *s, CandleBlock *b, const MeanOf *means, size_t n_means) {
    double rolling[MEANS_MAX];
    int64_t row = s->candles.row, begin = s->begin;
    size_t i = 0, n = b->n;
    bool asked[SIZES] = { false };
    KERNEL_UNROLL_MEANS
    for (size_t k = 0; k < n_means; k++) {
        rolling[k] = s->sum[means[k].measure][means[k].ago];
        asked[measure_size(means[k].measure)] = true;
    }
    for (int k = 0; k < SIZES; k++)
        if (asked[k])
            candles_measure(b, (Size)k);
    for (; i < n && row < begin; i++, row++)
        for (size_t k = 0; k < n_means; k++) {
            Measure m = means[k].measure;
            double newest = b->size[measure_size(m)][CANDLE_PAST + i - (size_t)means[k].ago];
            b->sum[m][means[k].ago][i] = rolling[k];
            rolling[k] += row >= begin - measure_span(m) ? newest : 0;
        }
    for (; i < n; i++)
        KERNEL_UNROLL_MEANS
    for (size_t k = 0; k < n_means; k++) {
        Measure m = means[k].measure;
        const double *newest = b->size[measure_size(m)] + CANDLE_PAST - means[k].ago + i;
        b->sum[m][means[k].ago][i] = rolling[k];
        rolling[k] += newest[0] - newest[-measure_span(m)];
    }
    KERNEL_UNROLL_MEANS
    for (size_t k = 0; k < n_means; k++)
        s->sum[means[k].measure][means[k].ago] = rolling[k];
}

/* PATTERN(name, lookback, params, means...): the run of a pattern whose test is `static int name_test(Candles *)`. */
#define PATTERN_FROM(name, begin_, lookback_, penetration_, ...)                                                       \
    static const MeanOf name##_means[] = { __VA_ARGS__ };                                                              \
    static void name##_init(void *state, Arena *arena, const double *p) {                                              \
        PatternState *s = state;                                                                                       \
        UNUSED(arena), UNUSED(p);                                                                                      \
        s->begin = (begin_);                                                                                           \
        s->lookback = (lookback_);                                                                                     \
        s->candles.penetration = (penetration_);                                                                       \
    }                                                                                                                  \
    static int name##_lookback(const double *p) {                                                                      \
        UNUSED(p);                                                                                                     \
        return (lookback_);                                                                                            \
    }                                                                                                                  \
    /* Into `result`, for each candle of the block. */                                                                 \
    static void name##_block(PatternState *s, CandleBlock *b, double *result) {                                        \
        candles_sums(s, b, name##_means, sizeof name##_means / sizeof(MeanOf));                                        \
        Candles local = s->candles, *c = &local;                                                                       \
        size_t n = b->n;                                                                                               \
        c->now = b->rows[0] + CANDLE_PAST;                                                                             \
        c->sum = b->sum[0][0];                                                                                         \
        c->begin = s->begin;                                                                                           \
        c->end = c->row + (int64_t)n;                                                                                  \
        for (size_t i = 0; i < n; i += 2, c->row += 2, c->now += 2, c->sum += 2) {                                     \
            DoublePair two = name##_test(c);                                                                           \
            memcpy(result + i, &two, sizeof two);                                                                      \
        }                                                                                                              \
        local.row = local.end;                                                                                         \
        s->candles = local;                                                                                            \
    }                                                                                                                  \
    static void name##_run(void *state, const double *const *in, size_t n, double *const *out) {                       \
        candles_run(state, name##_block, in, n, out[0]);                                                               \
    }

/* The block after block of a pattern. */
void candles_run(PatternState *s, void block(PatternState *s, CandleBlock *b, double *result), const double *const *in,
                 size_t n, double *out);

#define PATTERN(name, lookback, ...)             PATTERN_FROM(name, lookback, lookback, 0, __VA_ARGS__)
#define PATTERN_PENETRATING(name, lookback, ...) PATTERN_FROM(name, lookback, lookback, p[0], __VA_ARGS__)

#define PATTERN_ROW(name_, words_)                                                                                     \
    {                                                                                                                  \
#name_, words_, TA_PATTERN,                                                                                    \
            .inputs = { TA_OPEN, TA_HIGH, TA_LOW, TA_CLOSE },                                                          \
                        .outputs = { "value" }, .recursive = true, .lookback = name_##_lookback,                       \
                                                .state_size = sizeof(PatternState), .init = name_##_init,              \
                                                .run = name_##_run                                                     \
    }
#define PATTERN_ROW_PENETRATING(name_, words_, standard_)                                                              \
    {                                                                                                                  \
#name_, words_, TA_PATTERN,                                                                                    \
            .inputs = { TA_OPEN, TA_HIGH, TA_LOW, TA_CLOSE },                                                          \
                        .outputs = { "value" }, .params = { { "penetration", TA_REAL, (standard_), 0, 3e37 } },        \
                                                            .recursive = true, .lookback = name_##_lookback,           \
                                                            .state_size = sizeof(PatternState), .init = name_##_init,  \
                                                            .run = name_##_run                                         \
    }
