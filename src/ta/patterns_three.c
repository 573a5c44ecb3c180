/* ta/patterns_three.c - patterns of three candles: a, b, c in the order of time. Definitions and names are TA-Lib's. */

#include "ta/patterns.h"

#define THREE(s) const PatternCandle *a = candle_ago(s, 2), *b = candle_ago(s, 1), *c = candle_ago(s, 0)

static inline Mask body_inside(const PatternCandle *outer, const PatternCandle *inner) {
    return ALL(inner->top<outer->top, inner->bottom> outer->bottom);
}

static inline DoublePair cdl3inside_test(const Candles *s) {
    THREE(s);
    Mask harami = ALL(a->body > mean_of(s, BODY_LONG, 2), b->body <= mean_of(s, BODY_SHORT, 1), body_inside(a, b));
    Mask beyond = EITHER(a->color > 0, c->close<a->open, c->close> a->open);
    return WHEN(ALL(harami, a->color != c->color, beyond), -a->color * 100);
}
PATTERN(cdl3inside, 12, { BODY_LONG, 2 }, { BODY_SHORT, 1 })

static inline DoublePair cdl3outside_test(const Candles *s) {
    THREE(s);
    Mask rises = ALL(b->color > 0, a->color<0, b->close> a->open, b->open<a->close, c->close> b->close);
    Mask falls = ALL(b->color<0, a->color> 0, b->open > a->close, b->close < a->open, c->close < b->close);
    return WHEN(ANY(rises, falls), b->color * 100);
}
PATTERN(cdl3outside, 3)

/* --- stars: a long body, a small one beyond a gap, and one back into the first --- */

static inline Mask star_turns(const PatternCandle *a, const PatternCandle *c, double penetration) {
    DoublePair into = a->body * penetration;
    return ALL(a->color != c->color, EITHER(a->color > 0, c->close<a->close - into, c->close> a->close + into));
}

static inline DoublePair star(const Candles *s, Measure small, double color) {
    THREE(s);
    return WHEN(ALL(a->body > mean_of(s, BODY_LONG, 2), a->color == color, b->body <= mean_of(s, small, 1),
                    gap_along(a, b, PAIR(color)), c->body > mean_of(s, BODY_SHORT, 0),
                    star_turns(a, c, s->penetration)),
                -color * 100);
}

static inline DoublePair cdlmorningstar_test(const Candles *s) {
    return star(s, BODY_SHORT, -1);
}
PATTERN_PENETRATING(cdlmorningstar, 12, { BODY_LONG, 2 }, { BODY_SHORT, 1 }, { BODY_SHORT, 0 })

static inline DoublePair cdleveningstar_test(const Candles *s) {
    return star(s, BODY_SHORT, 1);
}
PATTERN_PENETRATING(cdleveningstar, 12, { BODY_LONG, 2 }, { BODY_SHORT, 1 }, { BODY_SHORT, 0 })

static inline DoublePair cdlmorningdojistar_test(const Candles *s) {
    return star(s, BODY_DOJI, -1);
}
PATTERN_PENETRATING(cdlmorningdojistar, 12, { BODY_LONG, 2 }, { BODY_DOJI, 1 }, { BODY_SHORT, 0 })

static inline DoublePair cdleveningdojistar_test(const Candles *s) {
    return star(s, BODY_DOJI, 1);
}
PATTERN_PENETRATING(cdleveningdojistar, 12, { BODY_LONG, 2 }, { BODY_DOJI, 1 }, { BODY_SHORT, 0 })

/* The doji stands off with its shadows, on both sides. */
static inline DoublePair cdlabandonedbaby_test(const Candles *s) {
    THREE(s);
    Mask alone = EITHER(a->color > 0, ALL(whole_gap_up(a, b), whole_gap_down(b, c)),
                        ALL(whole_gap_down(a, b), whole_gap_up(b, c)));
    return WHEN(ALL(a->body > mean_of(s, BODY_LONG, 2), b->body <= mean_of(s, BODY_DOJI, 1),
                    c->body > mean_of(s, BODY_SHORT, 0), alone, star_turns(a, c, s->penetration)),
                c->color * 100);
}
PATTERN_PENETRATING(cdlabandonedbaby, 12, { BODY_LONG, 2 }, { BODY_DOJI, 1 }, { BODY_SHORT, 0 })

/* All three by the first one's measure. */
static inline DoublePair cdltristar_test(const Candles *s) {
    THREE(s);
    DoublePair doji = mean_of(s, BODY_DOJI, 2);
    Mask three = ALL(a->body <= doji, b->body <= doji, c->body <= doji);
    DoublePair up = WHEN(ALL(three, gap_up(a, b), c->top < b->top), 100);
    DoublePair down = WHEN(ALL(three, gap_down(a, b), c->bottom > b->bottom), 100);
    return down - up; /* of both there is never but one */
}
PATTERN(cdltristar, 12, { BODY_DOJI, 2 })

/* --- crows --- */

static inline DoublePair cdl2crows_test(const Candles *s) {
    THREE(s);
    return WHEN(ALL(a->color > 0, a->body > mean_of(s, BODY_LONG, 2), b->color < 0, gap_up(a, b),
                    c->color<0, c->open<b->open, c->open> b->close, c->close> a->open, c->close < a->close),
                -100);
}
PATTERN(cdl2crows, 12, { BODY_LONG, 2 })

static inline DoublePair cdlupsidegap2crows_test(const Candles *s) {
    THREE(s);
    return WHEN(ALL(a->color > 0, a->body > mean_of(s, BODY_LONG, 2), b->color < 0,
                    b->body <= mean_of(s, BODY_SHORT, 1), gap_up(a, b), c->color<0, c->open> b->open,
                    c->close<b->close, c->close> a->close),
                -100);
}
PATTERN(cdlupsidegap2crows, 12, { BODY_LONG, 2 }, { BODY_SHORT, 1 })

static inline Mask falls_to_its_low(const Candles *s, int ago) {
    const PatternCandle *k = candle_ago(s, ago);
    return ALL(k->color < 0, k->lower < mean_of(s, SHADOW_NONE, ago));
}

static inline DoublePair cdlidentical3crows_test(const Candles *s) {
    THREE(s);
    return WHEN(ALL(falls_to_its_low(s, 2), falls_to_its_low(s, 1), falls_to_its_low(s, 0), a->close > b->close,
                    b->close > c->close, within(b->open, a->close, mean_of(s, EQUAL, 2)),
                    within(c->open, b->close, mean_of(s, EQUAL, 1))),
                -100);
}
PATTERN(cdlidentical3crows, 12, { SHADOW_NONE, 2 }, { SHADOW_NONE, 1 }, { SHADOW_NONE, 0 }, { EQUAL, 2 }, { EQUAL, 1 })

/* The crow before the three is a rise. */
static inline DoublePair cdl3blackcrows_test(const Candles *s) {
    const PatternCandle *rise = candle_ago(s, 3);
    THREE(s);
    return WHEN(ALL(rise->color > 0, falls_to_its_low(s, 2), falls_to_its_low(s, 1), falls_to_its_low(s, 0),
                    b->open<a->open, b->open> a->close, c->open<b->open, c->open> b->close, rise->high > a->close,
                    a->close > b->close, b->close > c->close),
                -100);
}
PATTERN(cdl3blackcrows, 13, { SHADOW_NONE, 2 }, { SHADOW_NONE, 1 }, { SHADOW_NONE, 0 })

/* --- three rises, each opened within or near the one before --- */

static inline Mask three_rises(const Candles *s) {
    THREE(s);
    return ALL(a->color > 0, b->color > 0, c->color > 0, c->close > b->close, b->close > a->close);
}

static inline Mask opens_on(const Candles *s, int ago) {
    const PatternCandle *a = candle_ago(s, ago), *b = candle_ago(s, ago - 1);
    return ALL(b->open > a->open, b->open <= a->close + mean_of(s, NEAR, ago));
}

static inline DoublePair cdl3whitesoldiers_test(const Candles *s) {
    THREE(s);
    return WHEN(
        ALL(three_rises(s),
            a->upper<mean_of(s, SHADOW_NONE, 2),
                     b->upper<mean_of(s, SHADOW_NONE, 1),
                              c->upper<mean_of(s, SHADOW_NONE, 0), opens_on(s, 2), opens_on(s, 1), b->body> a->body -
                                  mean_of(s, FAR, 2),
                              c->body>
                             b->body -
                         mean_of(s, FAR, 1),
                     c->body>
                mean_of(s, BODY_SHORT, 0)),
        100);
}
PATTERN(cdl3whitesoldiers, 12, { SHADOW_NONE, 2 }, { SHADOW_NONE, 1 }, { SHADOW_NONE, 0 }, { NEAR, 2 }, { NEAR, 1 },
        { FAR, 2 }, { FAR, 1 }, { BODY_SHORT, 0 })

/* The rise grows weak: bodies shrink, or upper shadows grow. */
static inline Mask weakens(const Candles *s) {
    THREE(s);
    DoublePair far = mean_of(s, FAR, 1);
    Mask second = ALL(b->body < a->body - mean_of(s, FAR, 2), c->body < b->body + mean_of(s, NEAR, 1));
    Mask shadows = ANY(c->upper > mean_of(s, SHADOW_SHORT, 0), b->upper > mean_of(s, SHADOW_SHORT, 1));
    Mask both = ALL(c->body < b->body, b->body < a->body, shadows);
    return ANY(second, c->body < b->body - far, both, ALL(c->body<b->body, c->upper> shadow_long(c)));
}

static inline DoublePair cdladvanceblock_test(const Candles *s) {
    THREE(s);
    UNUSED(b), UNUSED(c);
    return WHEN(ALL(three_rises(s), opens_on(s, 2), opens_on(s, 1), a->body > mean_of(s, BODY_LONG, 2),
                    a->upper < mean_of(s, SHADOW_SHORT, 2), weakens(s)),
                -100);
}
PATTERN(cdladvanceblock, 12, { SHADOW_SHORT, 2 }, { SHADOW_SHORT, 1 }, { SHADOW_SHORT, 0 }, { NEAR, 2 }, { NEAR, 1 },
        { FAR, 2 }, { FAR, 1 }, { BODY_LONG, 2 })

static inline DoublePair cdlstalledpattern_test(const Candles *s) {
    THREE(s);
    return WHEN(ALL(three_rises(s), a->body > mean_of(s, BODY_LONG, 2), b->body > mean_of(s, BODY_LONG, 1),
                    b->upper < mean_of(s, SHADOW_NONE, 1), opens_on(s, 2), c->body < mean_of(s, BODY_SHORT, 0),
                    c->open >= b->close - c->body - mean_of(s, NEAR, 1)),
                -100);
}
PATTERN(cdlstalledpattern, 12, { BODY_LONG, 2 }, { BODY_LONG, 1 }, { BODY_SHORT, 0 }, { SHADOW_NONE, 1 }, { NEAR, 2 },
        { NEAR, 1 })

/* --- lows --- */

static inline DoublePair cdl3starsinsouth_test(const Candles *s) {
    THREE(s);
    DoublePair least = mean_of(s, SHADOW_NONE, 0);
    return WHEN(ALL(a->color < 0, b->color<0, c->color<0, a->body> mean_of(s, BODY_LONG, 2), a->lower> shadow_long(a),
                    b->body<a->body, b->open> a->close, b->open <= a->high,
                    b->low<a->close, b->low >= a->low, b->lower> mean_of(s, SHADOW_NONE, 1),
                    c->body < mean_of(s, BODY_SHORT, 0), c->lower < least, c->upper<least, c->low> b->low,
                    c->high < b->high),
                100);
}
PATTERN(cdl3starsinsouth, 12, { BODY_LONG, 2 }, { SHADOW_NONE, 1 }, { SHADOW_NONE, 0 }, { BODY_SHORT, 0 })

static inline DoublePair cdlunique3river_test(const Candles *s) {
    THREE(s);
    return WHEN(ALL(a->body > mean_of(s, BODY_LONG, 2), a->color < 0, b->color<0, b->close> a->close,
                    b->open <= a->open, b->low<a->low, c->body<mean_of(s, BODY_SHORT, 0), c->color> 0, c->open> b->low),
                100);
}
PATTERN(cdlunique3river, 12, { BODY_LONG, 2 }, { BODY_SHORT, 0 })

static inline DoublePair cdlsticksandwich_test(const Candles *s) {
    THREE(s);
    return WHEN(
        ALL(a->color<0, b->color> 0, c->color<0, b->low> a->close, within(c->close, a->close, mean_of(s, EQUAL, 2))),
        100);
}
PATTERN(cdlsticksandwich, 7, { EQUAL, 2 })

/* --- gaps that hold, or are closed --- */

static inline DoublePair cdlgapsidesidewhite_test(const Candles *s) {
    THREE(s);
    Mask up = ALL(gap_up(a, b), gap_up(a, c)), down = ALL(gap_down(a, b), gap_down(a, c));
    Mask alike = ALL(within(c->body, b->body, mean_of(s, NEAR, 1)), within(c->open, b->open, mean_of(s, EQUAL, 1)));
    return WHEN(ALL(ANY(up, down), b->color > 0, c->color > 0, alike), SELECT(up, 100, -100));
}
PATTERN(cdlgapsidesidewhite, 7, { NEAR, 1 }, { EQUAL, 1 })

static inline DoublePair cdltasukigap_test(const Candles *s) {
    THREE(s);
    Mask up = ALL(gap_up(a, b), b->color > 0, c->color < 0, c->open<b->close, c->open> b->open,
                  c->close<b->open, c->close> a->top);
    Mask down = ALL(gap_down(a, b), b->color<0, c->color> 0, c->open<b->open, c->open> b->close, c->close > b->open,
                    c->close < a->bottom);
    return WHEN(ALL(ANY(up, down), pair_size(b->body - c->body) < mean_of(s, NEAR, 1)), b->color * 100);
}
PATTERN(cdltasukigap, 7, { NEAR, 1 })

static inline DoublePair cdlxsidegap3methods_test(const Candles *s) {
    THREE(s);
    return WHEN(ALL(a->color == b->color, b->color != c->color, c->open<b->top, c->open> b->bottom,
                    c->close<a->top, c->close> a->bottom, gap_along(a, b, a->color)),
                a->color * 100);
}
PATTERN(cdlxsidegap3methods, 2)

/* clang-format off */
static const TaIndicator rows[] = {
    PATTERN_ROW(cdl3inside, "Three inside: harami, and beyond the first open"),
    PATTERN_ROW(cdl3outside, "Three outside: engulfing, and farther"),
    PATTERN_ROW_PENETRATING(cdlmorningstar, "Morning star", 0.3),
    PATTERN_ROW_PENETRATING(cdleveningstar, "Evening star", 0.3),
    PATTERN_ROW_PENETRATING(cdlmorningdojistar, "Morning doji star", 0.3),
    PATTERN_ROW_PENETRATING(cdleveningdojistar, "Evening doji star", 0.3),
    PATTERN_ROW_PENETRATING(cdlabandonedbaby, "Abandoned baby: a doji star with gaps on both sides", 0.3),
    PATTERN_ROW(cdltristar, "Tristar: three doji, the middle one beyond a gap"),
    PATTERN_ROW(cdl2crows, "Two crows"),
    PATTERN_ROW(cdlupsidegap2crows, "Upside gap two crows"),
    PATTERN_ROW(cdlidentical3crows, "Identical three crows: each opens at the close before"),
    PATTERN_ROW(cdl3blackcrows, "Three black crows"),
    PATTERN_ROW(cdl3whitesoldiers, "Three white soldiers"),
    PATTERN_ROW(cdladvanceblock, "Advance block: three rises that weaken"),
    PATTERN_ROW(cdlstalledpattern, "Stalled pattern: two long rises and a short one"),
    PATTERN_ROW(cdl3starsinsouth, "Three stars in the south: falls that shrink"),
    PATTERN_ROW(cdlunique3river, "Unique three river bottom"),
    PATTERN_ROW(cdlsticksandwich, "Stick sandwich: a rise between two falls to one close"),
    PATTERN_ROW(cdlgapsidesidewhite, "Side-by-side rises beyond a gap"),
    PATTERN_ROW(cdltasukigap, "Tasuki gap: a gap that is entered and not closed"),
    PATTERN_ROW(cdlxsidegap3methods, "Gap three methods: a gap that is closed"),
};
/* clang-format on */

const TaTable ta_patterns_three = { rows, ARRAY_LEN(rows) };
