/* ta/patterns_two.c - patterns of two candles: a before b. Definitions and names are TA-Lib's. */

#include "ta/patterns.h"

static inline DoublePair cdlengulfing_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    Mask around = ALL(b->top >= a->top, b->bottom <= a->bottom, ANY(b->top > a->top, b->bottom < a->bottom));
    DoublePair how = SELECT(ALL(b->open != a->close, b->close != a->open), 100, 80);
    return WHEN(ALL(a->color != b->color, around), b->color * how);
}
PATTERN(cdlengulfing, 2)

/* --- one inside the other --- */

static inline DoublePair harami(const PatternCandle *a, const PatternCandle *b) {
    DoublePair how = SELECT(ALL(b->top<a->top, b->bottom> a->bottom), 100, 80);
    return WHEN(ALL(b->top <= a->top, b->bottom >= a->bottom), -a->color * how);
}

static inline DoublePair cdlharami_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(a->body > mean_of(c, BODY_LONG, 1), b->body <= mean_of(c, BODY_SHORT, 0)), harami(a, b));
}
PATTERN(cdlharami, 11, { BODY_LONG, 1 }, { BODY_SHORT, 0 })

static inline DoublePair cdlharamicross_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(a->body > mean_of(c, BODY_LONG, 1), b->body <= mean_of(c, BODY_DOJI, 0)), harami(a, b));
}
PATTERN(cdlharamicross, 11, { BODY_LONG, 1 }, { BODY_DOJI, 0 })

static inline DoublePair cdlhomingpigeon_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(a->color < 0, b->color<0, a->body> mean_of(c, BODY_LONG, 1), b->body <= mean_of(c, BODY_SHORT, 0),
                    b->open<a->open, b->close> a->close),
                100);
}
PATTERN(cdlhomingpigeon, 11, { BODY_LONG, 1 }, { BODY_SHORT, 0 })

static inline DoublePair cdlmatchinglow_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(a->color < 0, b->color < 0, within(b->close, a->close, mean_of(c, EQUAL, 1))), 100);
}
PATTERN(cdlmatchinglow, 6, { EQUAL, 1 })

/* --- a rise after a long fall, by how far it comes --- */

static inline Mask rises_from_below(const Candles *c, const PatternCandle *a, const PatternCandle *b) {
    return ALL(a->color<0, a->body> mean_of(c, BODY_LONG, 1), b->color > 0, b->open < a->low);
}

static inline DoublePair cdlonneck_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(rises_from_below(c, a, b), within(b->close, a->low, mean_of(c, EQUAL, 1))), -100);
}
PATTERN(cdlonneck, 11, { BODY_LONG, 1 }, { EQUAL, 1 })

static inline DoublePair cdlinneck_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(rises_from_below(c, a, b), b->close <= a->close + mean_of(c, EQUAL, 1), b->close >= a->close),
                -100);
}
PATTERN(cdlinneck, 11, { BODY_LONG, 1 }, { EQUAL, 1 })

static inline DoublePair cdlthrusting_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(rises_from_below(c, a, b), b->close > a->close + mean_of(c, EQUAL, 1),
                    b->close <= a->close + a->body * 0.5),
                -100);
}
PATTERN(cdlthrusting, 11, { BODY_LONG, 1 }, { EQUAL, 1 })

static inline DoublePair cdlpiercing_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(rises_from_below(c, a, b), b->body > mean_of(c, BODY_LONG, 0),
                    b->close<a->open, b->close> a->close + a->body * 0.5),
                100);
}
PATTERN(cdlpiercing, 11, { BODY_LONG, 1 }, { BODY_LONG, 0 })

static inline DoublePair cdldarkcloudcover_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(a->color > 0, a->body > mean_of(c, BODY_LONG, 1), b->color<0, b->open> a->high, b->close > a->open,
                    b->close < a->close - a->body * c->penetration),
                -100);
}
PATTERN_PENETRATING(cdldarkcloudcover, 11, { BODY_LONG, 1 })

/* --- one against the other --- */

static inline DoublePair cdlcounterattack_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(a->color != b->color, a->body > mean_of(c, BODY_LONG, 1), b->body > mean_of(c, BODY_LONG, 0),
                    within(b->close, a->close, mean_of(c, EQUAL, 1))),
                b->color * 100);
}
PATTERN(cdlcounterattack, 11, { BODY_LONG, 1 }, { BODY_LONG, 0 }, { EQUAL, 1 })

static inline DoublePair cdlseparatinglines_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    DoublePair open_shadow = SELECT(b->color > 0, b->lower, b->upper);
    return WHEN(ALL(a->color != b->color, within(b->open, a->open, mean_of(c, EQUAL, 1)),
                    b->body > mean_of(c, BODY_LONG, 0), open_shadow < mean_of(c, SHADOW_NONE, 0)),
                b->color * 100);
}
PATTERN(cdlseparatinglines, 11, { BODY_LONG, 0 }, { SHADOW_NONE, 0 }, { EQUAL, 1 })

static inline DoublePair cdldojistar_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(ALL(a->body > mean_of(c, BODY_LONG, 1), b->body <= mean_of(c, BODY_DOJI, 0), gap_along(a, b, a->color)),
                -a->color * 100);
}
PATTERN(cdldojistar, 11, { BODY_LONG, 1 }, { BODY_DOJI, 0 })

static inline Mask is_marubozu(const Candles *c, int ago) {
    const PatternCandle *k = candle_ago(c, ago);
    DoublePair least = mean_of(c, SHADOW_NONE, ago);
    return ALL(k->body > mean_of(c, BODY_LONG, ago), k->upper < least, k->lower < least);
}

static inline Mask kicks(const Candles *c, const PatternCandle *a, const PatternCandle *b) {
    return ALL(a->color != b->color, is_marubozu(c, 1), is_marubozu(c, 0),
               EITHER(a->color < 0, whole_gap_up(a, b), whole_gap_down(a, b)));
}

static inline DoublePair cdlkicking_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(kicks(c, a, b), b->color * 100);
}
PATTERN(cdlkicking, 11, { BODY_LONG, 1 }, { BODY_LONG, 0 }, { SHADOW_NONE, 1 }, { SHADOW_NONE, 0 })

static inline DoublePair cdlkickingbylength_test(const Candles *c) {
    const PatternCandle *a = candle_ago(c, 1), *b = candle_ago(c, 0);
    return WHEN(kicks(c, a, b), SELECT(b->body > a->body, b->color, a->color) * 100);
}
PATTERN(cdlkickingbylength, 11, { BODY_LONG, 1 }, { BODY_LONG, 0 }, { SHADOW_NONE, 1 }, { SHADOW_NONE, 0 })

/* clang-format off */
static const TaIndicator rows[] = {
    PATTERN_ROW(cdlengulfing, "Engulfing: the second body around the first"),
    PATTERN_ROW(cdlharami, "Harami: a short body inside a long one"),
    PATTERN_ROW(cdlharamicross, "Harami cross: a doji inside a long body"),
    PATTERN_ROW(cdlhomingpigeon, "Homing pigeon: a short fall inside a long one"),
    PATTERN_ROW(cdlmatchinglow, "Matching low: two falls to one close"),
    PATTERN_ROW(cdlonneck, "On-neck: a rise to the low of a long fall"),
    PATTERN_ROW(cdlinneck, "In-neck: a rise just into a long fall"),
    PATTERN_ROW(cdlthrusting, "Thrusting: a rise below the middle of a long fall"),
    PATTERN_ROW(cdlpiercing, "Piercing: a rise above the middle of a long fall"),
    PATTERN_ROW_PENETRATING(cdldarkcloudcover, "Dark cloud cover: a fall into a long rise", 0.5),
    PATTERN_ROW(cdlcounterattack, "Counterattack: two long opposite bodies to one close"),
    PATTERN_ROW(cdlseparatinglines, "Separating lines: opposite bodies from one open"),
    PATTERN_ROW(cdldojistar, "Doji star: a doji beyond a gap"),
    PATTERN_ROW(cdlkicking, "Kicking: opposite marubozu with a gap between"),
    PATTERN_ROW(cdlkickingbylength, "Kicking, by the longer one"),
};
/* clang-format on */

const TaTable ta_patterns_two = { rows, ARRAY_LEN(rows) };
