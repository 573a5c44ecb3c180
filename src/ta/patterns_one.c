/* ta/patterns_one.c - patterns of one candle, some with a look at the one before. Nison: "Japanese candlestick charting
 * techniques", 1991; definitions and names are TA-Lib's. */

#include "ta/patterns.h"

static int cdlbelthold_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double open_shadow = k->color > 0 ? k->lower : k->upper;
    return k->body > mean_of(c, BODY_LONG, 0) && open_shadow < mean_of(c, SHADOW_NONE, 0) ? k->color * 100 : 0;
}
PATTERN(cdlbelthold, 10, { BODY_LONG, 0 }, { SHADOW_NONE, 0 })

static int cdlclosingmarubozu_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double close_shadow = k->color > 0 ? k->upper : k->lower;
    return k->body > mean_of(c, BODY_LONG, 0) && close_shadow < mean_of(c, SHADOW_NONE, 0) ? k->color * 100 : 0;
}
PATTERN(cdlclosingmarubozu, 10, { BODY_LONG, 0 }, { SHADOW_NONE, 0 })

static int cdlmarubozu_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double least = mean_of(c, SHADOW_NONE, 0);
    return k->body > mean_of(c, BODY_LONG, 0) && k->upper < least && k->lower < least ? k->color * 100 : 0;
}
PATTERN(cdlmarubozu, 10, { BODY_LONG, 0 }, { SHADOW_NONE, 0 })

static int cdllongline_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double small = mean_of(c, SHADOW_SHORT, 0);
    return k->body > mean_of(c, BODY_LONG, 0) && k->upper < small && k->lower < small ? k->color * 100 : 0;
}
PATTERN(cdllongline, 10, { BODY_LONG, 0 }, { SHADOW_SHORT, 0 })

static int cdlshortline_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double small = mean_of(c, SHADOW_SHORT, 0);
    return k->body < mean_of(c, BODY_SHORT, 0) && k->upper < small && k->lower < small ? k->color * 100 : 0;
}
PATTERN(cdlshortline, 10, { BODY_SHORT, 0 }, { SHADOW_SHORT, 0 })

static int cdlspinningtop_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    return k->body < mean_of(c, BODY_SHORT, 0) && k->upper > k->body && k->lower > k->body ? k->color * 100 : 0;
}
PATTERN(cdlspinningtop, 10, { BODY_SHORT, 0 })

static int cdlhighwave_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double great = shadow_very_long(k);
    return k->body < mean_of(c, BODY_SHORT, 0) && k->upper > great && k->lower > great ? k->color * 100 : 0;
}
PATTERN(cdlhighwave, 10, { BODY_SHORT, 0 })

/* --- doji: open and close are as good as one --- */

static inline bool is_doji(const Candles *c, const PatternCandle *k) {
    return k->body <= mean_of(c, BODY_DOJI, 0);
}

static int cdldoji_test(const Candles *c) {
    return is_doji(c, candle_ago(c, 0)) ? 100 : 0;
}
PATTERN(cdldoji, 10, { BODY_DOJI, 0 })

static int cdldragonflydoji_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double least = mean_of(c, SHADOW_NONE, 0);
    return is_doji(c, k) && k->upper < least && k->lower > least ? 100 : 0;
}
PATTERN(cdldragonflydoji, 10, { BODY_DOJI, 0 }, { SHADOW_NONE, 0 })

static int cdlgravestonedoji_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double least = mean_of(c, SHADOW_NONE, 0);
    return is_doji(c, k) && k->lower < least && k->upper > least ? 100 : 0;
}
PATTERN(cdlgravestonedoji, 10, { BODY_DOJI, 0 }, { SHADOW_NONE, 0 })

static int cdltakuri_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    return is_doji(c, k) && k->upper < mean_of(c, SHADOW_NONE, 0) && k->lower > shadow_very_long(k) ? 100 : 0;
}
PATTERN(cdltakuri, 10, { BODY_DOJI, 0 }, { SHADOW_NONE, 0 })

static int cdllongleggeddoji_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    return is_doji(c, k) && fmax(k->upper, k->lower) > shadow_long(k) ? 100 : 0;
}
PATTERN(cdllongleggeddoji, 10, { BODY_DOJI, 0 })

/* Long on both sides, the body near the middle. */
static int cdlrickshawman_test(const Candles *c) {
    const PatternCandle *k = candle_ago(c, 0);
    double middle = k->low + (k->high - k->low) / 2, near = mean_of(c, NEAR, 0);
    return is_doji(c, k) && k->lower > shadow_long(k) && k->upper > shadow_long(k) && k->bottom <= middle + near &&
                   k->top >= middle - near
               ? 100
               : 0;
}
PATTERN(cdlrickshawman, 10, { BODY_DOJI, 0 }, { NEAR, 0 })

/* --- hammers: a small body at one end of a long shadow; where it stands against the candle before tells which --- */

static inline bool is_hammer(const Candles *c, const PatternCandle *k) {
    return k->body < mean_of(c, BODY_SHORT, 0) && k->lower > shadow_long(k) && k->upper < mean_of(c, SHADOW_NONE, 0);
}

static inline bool is_inverted_hammer(const Candles *c, const PatternCandle *k) {
    return k->body < mean_of(c, BODY_SHORT, 0) && k->upper > shadow_long(k) && k->lower < mean_of(c, SHADOW_NONE, 0);
}

static int cdlhammer_test(const Candles *c) {
    const PatternCandle *before = candle_ago(c, 1), *k = candle_ago(c, 0);
    return is_hammer(c, k) && k->bottom <= before->low + mean_of(c, NEAR, 1) ? 100 : 0;
}
PATTERN(cdlhammer, 11, { BODY_SHORT, 0 }, { SHADOW_NONE, 0 }, { NEAR, 1 })

static int cdlhangingman_test(const Candles *c) {
    const PatternCandle *before = candle_ago(c, 1), *k = candle_ago(c, 0);
    return is_hammer(c, k) && k->bottom >= before->high - mean_of(c, NEAR, 1) ? -100 : 0;
}
PATTERN(cdlhangingman, 11, { BODY_SHORT, 0 }, { SHADOW_NONE, 0 }, { NEAR, 1 })

static int cdlinvertedhammer_test(const Candles *c) {
    const PatternCandle *before = candle_ago(c, 1), *k = candle_ago(c, 0);
    return is_inverted_hammer(c, k) && gap_down(before, k) ? 100 : 0;
}
PATTERN(cdlinvertedhammer, 11, { BODY_SHORT, 0 }, { SHADOW_NONE, 0 })

static int cdlshootingstar_test(const Candles *c) {
    const PatternCandle *before = candle_ago(c, 1), *k = candle_ago(c, 0);
    return is_inverted_hammer(c, k) && gap_up(before, k) ? -100 : 0;
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
