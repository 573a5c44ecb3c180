/* ta/patterns_one.c - patterns of one candle, some with a look at the one before. Nison: "Japanese candlestick charting
 * techniques", 1991; definitions and names are TA-Lib's. */

#include "ta/patterns.h"

static inline DoublePair cdlbelthold_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair open_shadow = SELECT(k->color > 0, k->lower, k->upper);
    return WHEN(ALL(k->body > mean_of(c, BODY_LONG, 0), open_shadow < mean_of(c, SHADOW_NONE, 0)), k->color * 100);
}
PATTERN(cdlbelthold, 10, { BODY_LONG, 0 }, { SHADOW_NONE, 0 })

static inline DoublePair cdlclosingmarubozu_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair close_shadow = SELECT(k->color > 0, k->upper, k->lower);
    return WHEN(ALL(k->body > mean_of(c, BODY_LONG, 0), close_shadow < mean_of(c, SHADOW_NONE, 0)), k->color * 100);
}
PATTERN(cdlclosingmarubozu, 10, { BODY_LONG, 0 }, { SHADOW_NONE, 0 })

static inline DoublePair cdlmarubozu_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair least = mean_of(c, SHADOW_NONE, 0);
    return WHEN(ALL(k->body > mean_of(c, BODY_LONG, 0), k->upper < least, k->lower < least), k->color * 100);
}
PATTERN(cdlmarubozu, 10, { BODY_LONG, 0 }, { SHADOW_NONE, 0 })

static inline DoublePair cdllongline_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair small = mean_of(c, SHADOW_SHORT, 0);
    return WHEN(ALL(k->body > mean_of(c, BODY_LONG, 0), k->upper < small, k->lower < small), k->color * 100);
}
PATTERN(cdllongline, 10, { BODY_LONG, 0 }, { SHADOW_SHORT, 0 })

static inline DoublePair cdlshortline_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair small = mean_of(c, SHADOW_SHORT, 0);
    return WHEN(ALL(k->body < mean_of(c, BODY_SHORT, 0), k->upper < small, k->lower < small), k->color * 100);
}
PATTERN(cdlshortline, 10, { BODY_SHORT, 0 }, { SHADOW_SHORT, 0 })

static inline DoublePair cdlspinningtop_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    return WHEN(ALL(k->body<mean_of(c, BODY_SHORT, 0), k->upper> k->body, k->lower > k->body), k->color * 100);
}
PATTERN(cdlspinningtop, 10, { BODY_SHORT, 0 })

static inline DoublePair cdlhighwave_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair great = shadow_very_long(k);
    return WHEN(ALL(k->body<mean_of(c, BODY_SHORT, 0), k->upper> great, k->lower > great), k->color * 100);
}
PATTERN(cdlhighwave, 10, { BODY_SHORT, 0 })

/* --- doji: open and close are as good as one --- */

static inline Mask is_doji(const Candles *c, const PatternCandle *k) {
    return k->body <= mean_of(c, BODY_DOJI, 0);
}

static inline DoublePair cdldoji_test(const Candles *c) {
    return WHEN(is_doji(c, candle_ago(c, 0)), 100);
}
PATTERN(cdldoji, 10, { BODY_DOJI, 0 })

static inline DoublePair cdldragonflydoji_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair least = mean_of(c, SHADOW_NONE, 0);
    return WHEN(ALL(is_doji(c, k), k->upper<least, k->lower> least), 100);
}
PATTERN(cdldragonflydoji, 10, { BODY_DOJI, 0 }, { SHADOW_NONE, 0 })

static inline DoublePair cdlgravestonedoji_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair least = mean_of(c, SHADOW_NONE, 0);
    return WHEN(ALL(is_doji(c, k), k->lower<least, k->upper> least), 100);
}
PATTERN(cdlgravestonedoji, 10, { BODY_DOJI, 0 }, { SHADOW_NONE, 0 })

static inline DoublePair cdltakuri_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    return WHEN(ALL(is_doji(c, k), k->upper<mean_of(c, SHADOW_NONE, 0), k->lower> shadow_very_long(k)), 100);
}
PATTERN(cdltakuri, 10, { BODY_DOJI, 0 }, { SHADOW_NONE, 0 })

static inline DoublePair cdllongleggeddoji_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    return WHEN(ALL(is_doji(c, k), pair_max(k->upper, k->lower) > shadow_long(k)), 100);
}
PATTERN(cdllongleggeddoji, 10, { BODY_DOJI, 0 })

/* Long on both sides, the body near the middle. */
static inline DoublePair cdlrickshawman_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    DoublePair middle = k->low + (k->high - k->low) / 2, near = mean_of(c, NEAR, 0);
    return WHEN(ALL(is_doji(c, k), k->lower > shadow_long(k), k->upper > shadow_long(k), k->bottom <= middle + near,
                    k->top >= middle - near),
                100);
}
PATTERN(cdlrickshawman, 10, { BODY_DOJI, 0 }, { NEAR, 0 })

/* --- hammers: a small body at one end of a long shadow; where it stands against the candle before tells which --- */

static inline Mask is_hammer(const Candles *c, const PatternCandle *k) {
    return ALL(k->body<mean_of(c, BODY_SHORT, 0), k->lower> shadow_long(k), k->upper < mean_of(c, SHADOW_NONE, 0));
}

static inline Mask is_inverted_hammer(const Candles *c, const PatternCandle *k) {
    return ALL(k->body<mean_of(c, BODY_SHORT, 0), k->upper> shadow_long(k), k->lower < mean_of(c, SHADOW_NONE, 0));
}

static inline DoublePair cdlhammer_test(const Candles *c) {
    const PatternCandle *before = candle_ago(c, 1), *k = candle_ago(c, 0);
    return WHEN(ALL(is_hammer(c, k), k->bottom <= before->low + mean_of(c, NEAR, 1)), 100);
}
PATTERN(cdlhammer, 11, { BODY_SHORT, 0 }, { SHADOW_NONE, 0 }, { NEAR, 1 })

static inline DoublePair cdlhangingman_test(const Candles *c) {
    const PatternCandle *before = candle_ago(c, 1), *k = candle_ago(c, 0);
    return WHEN(ALL(is_hammer(c, k), k->bottom >= before->high - mean_of(c, NEAR, 1)), -100);
}
PATTERN(cdlhangingman, 11, { BODY_SHORT, 0 }, { SHADOW_NONE, 0 }, { NEAR, 1 })

static inline DoublePair cdlinvertedhammer_test(const Candles *c) {
    const PatternCandle *before = candle_ago(c, 1), *k = candle_ago(c, 0);
    return WHEN(ALL(is_inverted_hammer(c, k), gap_down(before, k)), 100);
}
PATTERN(cdlinvertedhammer, 11, { BODY_SHORT, 0 }, { SHADOW_NONE, 0 })

static inline DoublePair cdlshootingstar_test(const Candles *c) {
    const PatternCandle *before = candle_ago(c, 1), *k = candle_ago(c, 0);
    return WHEN(ALL(is_inverted_hammer(c, k), gap_up(before, k)), -100);
}
PATTERN(cdlshootingstar, 11, { BODY_SHORT, 0 }, { SHADOW_NONE, 0 })

/* clang-format off */
static const TaIndicator rows[] = {
    PATTERN_ROW(cdlbelthold, "Belt hold: long, opened at its end"),
    PATTERN_ROW(cdlclosingmarubozu, "Closing marubozu: long, closed at its end"),
    PATTERN_ROW(cdlmarubozu, "Marubozu: long without shadows"),
    PATTERN_ROW(cdllongline, "Long line: long body, short shadows"),
    PATTERN_ROW(cdlshortline, "Short line: short body, short shadows"),
    PATTERN_ROW(cdlspinningtop, "Spinning top: short body, longer shadows"),
    PATTERN_ROW(cdlhighwave, "High wave: short body, very long shadows"),
    PATTERN_ROW(cdldoji, "Doji: closed where it opened"),
    PATTERN_ROW(cdldragonflydoji, "Dragonfly doji: at the top of its range"),
    PATTERN_ROW(cdlgravestonedoji, "Gravestone doji: at the bottom of its range"),
    PATTERN_ROW(cdltakuri, "Takuri: dragonfly doji with a very long lower shadow"),
    PATTERN_ROW(cdllongleggeddoji, "Long-legged doji: a long shadow"),
    PATTERN_ROW(cdlrickshawman, "Rickshaw man: doji in the middle of long shadows"),
    PATTERN_ROW(cdlhammer, "Hammer: long lower shadow, low"),
    PATTERN_ROW(cdlhangingman, "Hanging man: long lower shadow, high"),
    PATTERN_ROW(cdlinvertedhammer, "Inverted hammer: long upper shadow below a gap"),
    PATTERN_ROW(cdlshootingstar, "Shooting star: long upper shadow above a gap"),
};
/* clang-format on */

const TaTable ta_patterns_one = { rows, ARRAY_LEN(rows) };
