/* ta/patterns_more.c - patterns of four and five candles: a to e in the order of time; and those that wait for a
 * confirmation. Definitions and names are TA-Lib's. */

#include "ta/patterns.h"

#define FOUR(s)                                                                                                        \
    const PatternCandle *a = candle_ago(s, 3), *b = candle_ago(s, 2), *c = candle_ago(s, 1), *d = candle_ago(s, 0)
#define FIVE(s)                                                                                                        \
    const PatternCandle *a = candle_ago(s, 4), *b = candle_ago(s, 3), *c = candle_ago(s, 2), *d = candle_ago(s, 1),    \
                        *e = candle_ago(s, 0)

static inline Mask opens_within(const PatternCandle *a, const PatternCandle *b, DoublePair near) {
    return ALL(b->open >= a->bottom - near, b->open <= a->top + near);
}

static inline DoublePair cdl3linestrike_test(const Candles *s) {
    FOUR(s);
    Mask three = ALL(a->color == b->color, b->color == c->color, d->color != c->color,
                     opens_within(a, b, mean_of(s, NEAR, 3)), opens_within(b, c, mean_of(s, NEAR, 2)));
    Mask up = ALL(c->close > b->close, b->close > a->close, d->open > c->close, d->close < a->open);
    Mask down = ALL(c->close < b->close, b->close < a->close, d->open<c->close, d->close> a->open);
    return WHEN(ALL(three, EITHER(c->color > 0, up, down)), c->color * 100);
}
PATTERN(cdl3linestrike, 8, { NEAR, 3 }, { NEAR, 2 })

static inline Mask has_no_shadow(const Candles *s, int ago) {
    const PatternCandle *k = candle_ago(s, ago);
    DoublePair least = mean_of(s, SHADOW_NONE, ago);
    return ALL(k->lower < least, k->upper < least);
}

static inline DoublePair cdlconcealbabyswall_test(const Candles *s) {
    FOUR(s);
    return WHEN(
        ALL(a->color < 0,
            b->color<0,
                     c->color<0,
                              d->color<0, has_no_shadow(s, 3), has_no_shadow(s, 2), gap_down(b, c), c->upper> mean_of(
                                  s, SHADOW_NONE, 1),
                              c->high>
                         b->close,
                     d->high>
                c->high,
            d->low < c->low),
        100);
}
PATTERN(cdlconcealbabyswall, 13, { SHADOW_NONE, 3 }, { SHADOW_NONE, 2 }, { SHADOW_NONE, 1 })

/* --- five candles --- */

static inline DoublePair cdlbreakaway_test(const Candles *s) {
    FIVE(s);
    Mask run =
        ALL(a->body > mean_of(s, BODY_LONG, 4), a->color == b->color, b->color == d->color, d->color != e->color);
    Mask down = ALL(gap_down(a, b), c->high < b->high, c->low < b->low, d->high < c->high,
                    d->low<c->low, e->close> b->open, e->close < a->close);
    Mask up = ALL(gap_up(a, b), c->high > b->high, c->low > b->low, d->high > c->high, d->low > c->low,
                  e->close<b->open, e->close> a->close);
    return WHEN(ALL(run, EITHER(a->color < 0, down, up)), e->color * 100);
}
PATTERN(cdlbreakaway, 14, { BODY_LONG, 4 })

static inline DoublePair cdlladderbottom_test(const Candles *s) {
    FIVE(s);
    return WHEN(ALL(a->color<0, b->color<0, c->color<0, a->open> b->open, b->open> c->open, a->close> b->close,
                    b->close > c->close, d->color<0, d->upper> mean_of(s, SHADOW_NONE, 1), e->color > 0,
                    e->open > d->open, e->close > d->high),
                100);
}
PATTERN(cdlladderbottom, 14, { SHADOW_NONE, 1 })

static inline Mask three_short_after_long(const Candles *s) {
    FIVE(s);
    UNUSED(e);
    return ALL(a->body > mean_of(s, BODY_LONG, 4), b->body < mean_of(s, BODY_SHORT, 3),
               c->body < mean_of(s, BODY_SHORT, 2), d->body < mean_of(s, BODY_SHORT, 1));
}

static inline DoublePair cdlmathold_test(const Candles *s) {
    FIVE(s);
    DoublePair floor = a->close - a->body * s->penetration;
    return WHEN(
        ALL(three_short_after_long(s), a->color > 0, b->color<0, e->color> 0, gap_up(a, b),
            c->bottom<a->close, d->bottom<a->close, c->bottom> floor, d->bottom> floor,
            c->top<b->open, d->top<c->top, e->open> d->close, e->close> pair_max(pair_max(b->high, c->high), d->high)),
        100);
}
PATTERN_PENETRATING(cdlmathold, 14, { BODY_LONG, 4 }, { BODY_SHORT, 3 }, { BODY_SHORT, 2 }, { BODY_SHORT, 1 })

static inline Mask reaches_into(const PatternCandle *a, const PatternCandle *k) {
    return ALL(k->bottom<a->high, k->top> a->low);
}

static inline DoublePair cdlrisefall3methods_test(const Candles *s) {
    FIVE(s);
    DoublePair way = a->color;
    return WHEN(
        ALL(three_short_after_long(s), e->body > mean_of(s, BODY_LONG, 0), way != b->color, b->color == c->color,
            c->color == d->color, d->color != e->color, reaches_into(a, b), reaches_into(a, c), reaches_into(a, d),
            c->close *
                way<b->close * way, d->close * way<c->close * way, e->open * way> d->close * way, e->close * way> a
                    ->close *
                way),
        100 * way);
}
PATTERN(cdlrisefall3methods, 14, { BODY_LONG, 4 }, { BODY_SHORT, 3 }, { BODY_SHORT, 2 }, { BODY_SHORT, 1 },
        { BODY_LONG, 0 })

/* --- Hikkake: an inside candle broken on one side (100), and within three rows closed beyond on the other (200). The
 * search begins three rows before the first result, so that one may be confirmed there. --- */

enum { CONFIRMED_WITHIN = 3 };

/* One row. way: 1 where it broke downwards, -1 upwards. */
static inline double hikkake_row(Candles *s, int64_t row, bool found, double way, double high, double low,
                                 double close) {
    bool beyond = s->waiting > 0 ? close > s->waiting_high : close < s->waiting_low;
    bool confirmed = !found & (s->waiting != 0) & (row <= s->waiting_row + CONFIRMED_WITHIN) & beyond;
    double result = found ? 100 * way : confirmed ? 2 * s->waiting : 0;
    s->waiting = found ? result : confirmed ? 0 : s->waiting;
    s->waiting_row = found ? row : s->waiting_row;
    s->waiting_high = found ? high : s->waiting_high;
    s->waiting_low = found ? low : s->waiting_low;
    return result;
}

/* What waits is of the row before: the two go one after the other. */
static inline DoublePair hikkake(Candles *s, Mask found, Mask down) {
    const PatternCandle *inside = candle_ago(s, 1), *now = candle_ago(s, 0);
    DoublePair result = { 0 }, way = SELECT(down, 1.0, -1.0);
    KERNEL_UNROLL
    for (int i = 0; i < 2; i++)
        if (s->row + i >= s->begin && s->row + i < s->end)
            result[i] =
                hikkake_row(s, s->row + i, found[i] != 0, way[i], inside->high[i], inside->low[i], now->close[i]);
    return result;
}

static inline Mask is_inside(const PatternCandle *outer, const PatternCandle *inner) {
    return ALL(inner->high<outer->high, inner->low> outer->low);
}

static inline DoublePair cdlhikkake_test(Candles *s) {
    const PatternCandle *a = candle_ago(s, 2), *b = candle_ago(s, 1), *c = candle_ago(s, 0);
    Mask down = ALL(c->high < b->high, c->low < b->low), up = ALL(c->high > b->high, c->low > b->low);
    return hikkake(s, ALL(is_inside(a, b), ANY(down, up)), down);
}
PATTERN_FROM(cdlhikkake, 2, 5, 0)

/* The candle before the inside one closes near its end. */
static inline DoublePair cdlhikkakemod_test(Candles *s) {
    FOUR(s);
    DoublePair near = mean_of(s, NEAR, 2);
    Mask down = ALL(d->high < c->high, d->low < c->low, b->close <= b->low + near);
    Mask up = ALL(d->high > c->high, d->low > c->low, b->close >= b->high - near);
    return hikkake(s, ALL(is_inside(a, b), is_inside(b, c), ANY(down, up)), down);
}
PATTERN_FROM(cdlhikkakemod, 7, 10, 0, { NEAR, 2 })

/* clang-format off */
static const TaIndicator rows[] = {
    PATTERN_ROW(cdl3linestrike, "Three-line strike: three one way, and one back over all"),
    PATTERN_ROW(cdlconcealbabyswall, "Concealing baby swallow"),
    PATTERN_ROW(cdlbreakaway, "Breakaway: a run after a gap, turned into the gap"),
    PATTERN_ROW(cdlladderbottom, "Ladder bottom"),
    PATTERN_ROW_PENETRATING(cdlmathold, "Mat hold", 0.5),
    PATTERN_ROW(cdlrisefall3methods, "Rising and falling three methods"),
    PATTERN_ROW(cdlhikkake, "Hikkake: an inside candle broken falsely; 200 when confirmed"),
    PATTERN_ROW(cdlhikkakemod, "Hikkake of two inside candles; 200 when confirmed"),
};
/* clang-format on */

const TaTable ta_patterns_more = { rows, ARRAY_LEN(rows) };
