/* Properties of generated candles: a larger candle is the aggregate of its parts, at any time, in any timeframe. */

#include "lib/test.h"

#include "base/rng.h"
#include "sim/candle_gen.h"

static GenSymbol random_pair(Rng *r) {
    char name[16] = "";
    Symbol symbol;
    GenSymbol s;
    if (rng_chance(r, 0.5))
        snprintf(name, sizeof name, "%s", GEN_SYMBOLS[rng_below(r, ARRAY_LEN(GEN_SYMBOLS))]);
    else
        snprintf(name, sizeof name, "%c%c%c%s", (char)('A' + rng_below(r, 26)), (char)('A' + rng_below(r, 26)),
                 (char)('A' + rng_below(r, 26)), rng_chance(r, 0.5) ? "USDT" : "BTC");
    if (!symbol_parse(str_c(name), &symbol) || !gen_symbol_from_name(symbol, &s))
        FAIL("%s is not a pair", name);
    return s;
}

static Time random_time(Rng *r) { /* 2010 .. 2040, every ms */
    return time_ms(rng_between(r, INT64_C(1262304000000), INT64_C(2208988800000)));
}

static void check_valid(void **state_, const GenCandle *c) {
    CHECK(c->low >= 1);
    CHECK(c->high >= c->open && c->high >= c->close && c->high >= c->low);
    CHECK(c->low <= c->open && c->low <= c->close);
    CHECK(c->trades >= 0 && c->volume >= c->trades);
    CHECK((c->trades == 0) == (c->volume == 0));
    if (c->volume == 0)
        CHECK(c->high == c->low);
}

/* Aggregate of [from, to) from its `tf` candles, added up here. */
static bool aggregate(void **state_, CandleGen *g, const GenSymbol *s, Timeframe tf, Time from, Time to,
                      GenCandle *out) {
    bool some = false;
    for (Time t = from; t.ms < to.ms; t = timeframe_step(tf, t, 1)) {
        GenCandle c;
        if (!candle_gen_span(g, s, t, timeframe_step(tf, t, 1), &c))
            continue;
        check_valid(state_, &c);
        if (!some) {
            *out = c;
            some = true;
            continue;
        }
        out->high = MAX(out->high, c.high);
        out->low = MIN(out->low, c.low);
        out->close = c.close;
        out->volume += c.volume;
        out->trades += c.trades;
    }
    return some;
}

static void check_same(void **state_, const GenCandle *a, const GenCandle *b) {
    CHECK_EQ(a->open, b->open);
    CHECK_EQ(a->high, b->high);
    CHECK_EQ(a->low, b->low);
    CHECK_EQ(a->close, b->close);
    CHECK_EQ(a->volume, b->volume);
    CHECK_EQ(a->trades, b->trades);
}

TEST(every_timeframe_is_the_aggregate_of_a_smaller_one) {
    static const char *const pairs[][2] = {
        { "1m", "1s" },  { "3m", "1m" }, { "5m", "1m" },  { "15m", "1m" },  { "30m", "1m" },
        { "1h", "1m" },  { "2h", "1m" }, { "4h", "1m" },  { "6h", "5m" },   { "8h", "1m" },
        { "12h", "1m" }, { "1d", "1m" }, { "3d", "15m" }, { "1w", "1h" },   { "1M", "1h" },
        { "1M", "1d" },  { "1d", "5m" }, { "1h", "1s" },  { "12h", "30m" }, { "1w", "1d" },
    };
    Rng r;
    rng_seed(&r, prop_seed(20240301));
    CandleGen *g = candle_gen_new(rng_u64(&r));
    for (int round = 0; round < 1000; round++) {
        const char *const *p = pairs[round % (int)ARRAY_LEN(pairs)];
        Timeframe large, small;
        CHECK(timeframe_parse(str_c(p[0]), &large) && timeframe_parse(str_c(p[1]), &small));
        GenSymbol s = random_pair(&r);
        Time open = timeframe_floor(large, random_time(&r)), next = timeframe_step(large, open, 1);
        GenCandle whole, sum;
        bool some = candle_gen_span(g, &s, open, next, &whole);
        CHECK_EQ(aggregate(state_, g, &s, small, open, next, &sum), some);
        if (some) {
            check_valid(state_, &whole);
            check_same(state_, &whole, &sum);
        }
    }
    candle_gen_free(g);
}

TEST(a_span_is_the_sum_of_any_two_halves) {
    Rng r;
    rng_seed(&r, prop_seed(20240302));
    CandleGen *g = candle_gen_new(rng_u64(&r));
    for (int round = 0; round < 2000; round++) {
        GenSymbol s = random_pair(&r);
        int64_t length = rng_between(&r, 2, rng_chance(&r, 0.5) ? 7200 : 400000) * MS_PER_SECOND;
        Time from = random_time(&r), to = time_add_ms(from, length);
        Time cut = time_ms(rng_between(&r, from.ms, to.ms));
        GenCandle whole, a, b;
        bool some = candle_gen_span(g, &s, from, to, &whole);
        bool left = candle_gen_span(g, &s, from, cut, &a), right = candle_gen_span(g, &s, cut, to, &b);
        CHECK_EQ(some, left || right);
        if (!left || !right)
            continue;
        GenCandle sum = { a.open,  MAX(a.high, b.high), MIN(a.low, b.low),
                          b.close, a.volume + b.volume, a.trades + b.trades };
        check_same(state_, &whole, &sum);
    }
    candle_gen_free(g);
}

TEST(values_are_the_decimals_of_ticks_and_lots) {
    Rng r;
    rng_seed(&r, prop_seed(20240303));
    CandleGen *g = candle_gen_new(rng_u64(&r));
    for (int round = 0; round < 2000; round++) {
        GenSymbol s = random_pair(&r);
        Time t = random_time(&r);
        GenCandle exact;
        Candle c;
        if (!candle_gen_span(g, &s, t, time_add_ms(t, 90000), &exact))
            continue;
        gen_candle_values(&s, &exact, &c);
        char text[64], back[64];
        snprintf(text, sizeof text, "%.*f", s.tick.scale, c.close);
        CHECK(strtod(text, NULL) == c.close); /* no more decimals than the tick has */
        snprintf(back, sizeof back, "%.0f", c.close * pow(10, s.tick.scale));
        CHECK_EQ(strtoll(back, NULL, 10), exact.close * s.tick.mantissa);
        snprintf(text, sizeof text, "%.*f", s.lot.scale, c.volume);
        CHECK(strtod(text, NULL) == c.volume);
        CHECK(c.flags & CANDLE_SIMULATED);
    }
    candle_gen_free(g);
}

TESTS(T(every_timeframe_is_the_aggregate_of_a_smaller_one), T(a_span_is_the_sum_of_any_two_halves),
      T(values_are_the_decimals_of_ticks_and_lots))
