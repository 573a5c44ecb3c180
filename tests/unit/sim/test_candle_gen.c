/* sim/candle_gen: candles that look like a market's, from a seed. */

#include "lib/test.h"

#include "sim/candle_gen.h"

static GenSymbol pair(const char *name) {
    Symbol symbol;
    GenSymbol s;
    if (!symbol_parse(str_c(name), &symbol) || !gen_symbol_from_name(symbol, &s))
        FAIL("%s is not a pair", name);
    return s;
}

TEST(known_pairs_have_their_ticks_and_levels) {
    static const struct {
        const char *name;
        double price, tick, lot;
    } rows[] = {
        { "BTCUSDT", 60000, 0.01, 0.00001 }, { "ETHUSDT", 3000, 0.01, 0.0001 },   { "XRPUSDT", 0.55, 0.0001, 1 },
        { "SHIBUSDT", 0.00002, 1e-8, 1 },    { "ETHBTC", 0.05, 0.00001, 0.0001 },
    };
    EACH_ROW (r, rows) {
        GenSymbol s = pair(r->name);
        CHECK_NEAR(s.price, r->price, 0);
        CHECK_NEAR(decimal_to_f64(s.tick), r->tick, 0);
        CHECK_NEAR(decimal_to_f64(s.lot), r->lot, 0);
    }
}

TEST(other_names_get_a_market_of_their_own) {
    GenSymbol a = pair("FOOUSDT"), again = pair("FOOUSDT"), b = pair("BARUSDT");
    CHECK(a.price == again.price && a.key == again.key && a.listed.ms == again.listed.ms);
    CHECK(a.price != b.price && a.key != b.key);
    CHECK_STR(symbol_str(&a.base), S("FOO"));
    CHECK_STR(symbol_str(&a.quote), S("USDT"));
    CHECK(a.price > 0 && a.daily_vol > 0 && a.tick.mantissa > 0 && a.lot.mantissa > 0);
    CHECK(a.price / decimal_to_f64(a.tick) >= 499);
}

TEST(names_without_a_known_quote_are_refused) {
    static const struct {
        const char *name;
    } rows[] = { { "BTC" }, { "USDT" }, { "BTCXYZ" }, { "btcusdt" }, { "BTC-USDT" }, { "ABCDEFGHIJKLMNOPQUSDT" } };
    EACH_ROW (r, rows) {
        Symbol symbol;
        GenSymbol s;
        CHECK(symbol_parse(str_c(r->name), &symbol));
        CHECK(!gen_symbol_from_name(symbol, &s));
    }
}

static bool same(const GenCandle *a, const GenCandle *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

static const Time noon = { INT64_C(1709294400000) }; /* 2024-03-01T12:00:00Z */

TEST(a_seed_gives_the_same_candles_in_any_order_of_asking) {
    GenSymbol s = pair("BTCUSDT");
    CandleGen *a = candle_gen_new(7), *b = candle_gen_new(7), *other = candle_gen_new(8);
    GenCandle forward[200], one;
    int differ = 0;
    for (int i = 0; i < 200; i++)
        CHECK(candle_gen_span(a, &s, time_add_ms(noon, i * 60000), time_add_ms(noon, (i + 1) * 60000), &forward[i]));
    for (int i = 199; i >= 0; i--) {
        CHECK(candle_gen_span(b, &s, time_add_ms(noon, i * 60000), time_add_ms(noon, (i + 1) * 60000), &one));
        CHECK(same(&one, &forward[i]));
        CHECK(candle_gen_span(other, &s, time_add_ms(noon, i * 60000), time_add_ms(noon, (i + 1) * 60000), &one));
        differ += !same(&one, &forward[i]);
    }
    CHECK_EQ(differ, 200);
    candle_gen_free(a);
    candle_gen_free(b);
    candle_gen_free(other);
}

TEST(a_day_opens_where_the_day_before_closed) {
    GenSymbol s = pair("ETHUSDT");
    CandleGen *g = candle_gen_new(3);
    GenCandle before, after;
    Time day = timeframe_floor((Timeframe){ UNIT_DAY, 1 }, noon);
    for (int i = 0; i < 400; i++, day.ms += MS_PER_DAY) {
        CHECK(candle_gen_span(g, &s, day, time_add_ms(day, MS_PER_DAY), &before));
        CHECK(candle_gen_span(g, &s, time_add_ms(day, MS_PER_DAY), time_add_ms(day, 2 * MS_PER_DAY), &after));
        CHECK_EQ(after.open, before.close);
    }
    candle_gen_free(g);
}

TEST(there_is_nothing_before_the_listing) {
    GenSymbol s = pair("SOLUSDT");
    CandleGen *g = candle_gen_new(3);
    GenCandle c, day, rest;
    CHECK(!candle_gen_span(g, &s, time_ms(0), s.listed, &c));
    CHECK_EQ(candle_gen_price(g, &s, time_add_ms(s.listed, -1)), 0);
    CHECK(candle_gen_price(g, &s, s.listed) > 0);
    /* the first day is what there was of it */
    Time open = timeframe_floor((Timeframe){ UNIT_DAY, 1 }, s.listed), next = time_add_ms(open, MS_PER_DAY);
    CHECK(open.ms < s.listed.ms);
    CHECK(candle_gen_span(g, &s, open, next, &day));
    CHECK(candle_gen_span(g, &s, s.listed, next, &rest));
    CHECK(same(&day, &rest));
    CHECK(!candle_gen_span(g, &s, next, next, &c));
    CHECK(!candle_gen_span(g, &s, next, open, &c));
    candle_gen_free(g);
}

TEST(the_running_candle_grows_into_the_closed_one) {
    GenSymbol s = pair("BTCUSDT");
    CandleGen *g = candle_gen_new(11);
    GenCandle part, last = { 0 }, whole;
    for (int64_t ms = 1000; ms <= MS_PER_HOUR; ms += 1000) {
        CHECK(candle_gen_span(g, &s, noon, time_add_ms(noon, ms), &part));
        if (ms > 1000) {
            CHECK_EQ(part.open, last.open);
            CHECK(part.high >= last.high && part.low <= last.low);
            CHECK(part.volume >= last.volume && part.trades >= last.trades);
        }
        last = part;
    }
    CHECK(candle_gen_span(g, &s, noon, time_add_ms(noon, MS_PER_HOUR), &whole));
    CHECK(same(&whole, &last));
    CHECK_EQ(candle_gen_price(g, &s, time_add_ms(noon, MS_PER_HOUR - 1)), whole.close);
    candle_gen_free(g);
}

/* --- what a market looks like --- */

typedef struct Moments {
    double kurtosis, acf1, acf10; /* autocorrelation of absolute returns */
} Moments;

static double mean_of(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static double acf(const double *x, size_t n, size_t lag) {
    double m = mean_of(x, n), c0 = 0, c = 0;
    for (size_t i = 0; i < n; i++)
        c0 += (x[i] - m) * (x[i] - m);
    for (size_t i = 0; i + lag < n; i++)
        c += (x[i] - m) * (x[i + lag] - m);
    return c / c0;
}

static Moments moments(double *returns, size_t n) {
    double m = mean_of(returns, n), m2 = 0, m4 = 0;
    for (size_t i = 0; i < n; i++) {
        double d = returns[i] - m;
        m2 += d * d / (double)n;
        m4 += d * d * d * d / (double)n;
        returns[i] = fabs(returns[i]);
    }
    return (Moments){ m4 / (m2 * m2), acf(returns, n, 1), acf(returns, n, 10) };
}

static size_t returns_of(CandleGen *g, const char *name, const char *tf_text, size_t most, double *out) {
    GenSymbol s = pair(name);
    Timeframe tf;
    Candles cs;
    if (!timeframe_parse(str_c(tf_text), &tf))
        FAIL("timeframe");
    candles_init_heap(&cs, most);
    size_t n = candle_gen_fill(g, &s, tf, time_ms(INT64_C(1640995200000)), time_ms(INT64_C(1767225600000)), &cs);
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = log(cs.close[i + 1] / cs.close[i]);
    candles_done_heap(&cs);
    return n - 1;
}

TEST(returns_have_fat_tails_and_clustered_volatility) {
    static const struct {
        const char *name, *tf;
        double acf10;
    } rows[] = { { "BTCUSDT", "1h", 0.03 }, { "ETHUSDT", "1m", 0.05 }, { "FOOUSDT", "1h", 0.03 } };
    CandleGen *g = candle_gen_new(1);
    double *r = mem_new_n(double, 20000);
    EACH_ROW (row, rows) {
        size_t n = returns_of(g, row->name, row->tf, 20000, r);
        Moments m = moments(r, n);
        CHECK(m.kurtosis > 5 && m.kurtosis < 200); /* 3 for a normal law */
        CHECK(m.acf1 > 0.1);
        CHECK(m.acf10 > row->acf10);
    }
    mem_free(r);
    candle_gen_free(g);
}

TEST(symbols_move_with_the_market) {
    CandleGen *g = candle_gen_new(1);
    double *a = mem_new_n(double, 1400), *b = mem_new_n(double, 1400);
    size_t n = MIN(returns_of(g, "BTCUSDT", "1d", 1400, a), returns_of(g, "ETHUSDT", "1d", 1400, b));
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    CHECK(n > 1300);
    CHECK(ab / sqrt(aa * bb) > 0.5);
    CHECK(ab / sqrt(aa * bb) < 0.99);
    mem_free(a);
    mem_free(b);
    candle_gen_free(g);
}

TEST(the_ends_of_the_day_trade_more_than_its_middle) {
    GenSymbol s = pair("BTCUSDT");
    CandleGen *g = candle_gen_new(5);
    double by_hour[24] = { 0 };
    Time day = timeframe_floor((Timeframe){ UNIT_DAY, 1 }, noon);
    for (int d = 0; d < 200; d++)
        for (int h = 0; h < 24; h++) {
            GenCandle c;
            Time t = time_add_ms(day, (int64_t)d * MS_PER_DAY + h * MS_PER_HOUR);
            CHECK(candle_gen_span(g, &s, t, time_add_ms(t, MS_PER_HOUR), &c));
            by_hour[h] += (double)c.volume;
        }
    CHECK(by_hour[0] > 1.5 * by_hour[11]);
    CHECK(by_hour[23] > 1.5 * by_hour[12]);
    candle_gen_free(g);
}

TEST(every_regime_comes_and_crises_are_the_wildest) {
    GenSymbol s = pair("BTCUSDT");
    CandleGen *g = candle_gen_new(2);
    double variance[4] = { 0 };
    int64_t days[4] = { 0 };
    for (int64_t d = 15000; d < 21000; d++) {
        GenCandle c;
        Time t = time_ms(d * MS_PER_DAY);
        GenSymbol old = s;
        old.listed = time_ms(0);
        CHECK(candle_gen_span(g, &old, t, time_add_ms(t, MS_PER_DAY), &c));
        Regime regime = candle_gen_regime(g, &s, t);
        double r = log((double)c.close / (double)c.open);
        variance[regime] += r * r;
        days[regime]++;
    }
    for (int i = 0; i < 4; i++)
        CHECK(days[i] > 100);
    CHECK(variance[REGIME_CRISIS] / (double)days[REGIME_CRISIS] >
          1.5 * variance[REGIME_CALM] / (double)days[REGIME_CALM]);
    candle_gen_free(g);
}

TEST(the_price_stays_near_its_level_for_a_century) {
    CandleGen *g = candle_gen_new(4);
    for (size_t i = 0; i < ARRAY_LEN(GEN_SYMBOLS); i++) {
        GenSymbol s = pair(GEN_SYMBOLS[i]);
        s.listed = time_ms(INT64_C(-2500000000000));
        double tick = decimal_to_f64(s.tick);
        for (int64_t d = -28000; d < 32700; d += 37) {
            double price = (double)candle_gen_price(g, &s, time_ms(d * MS_PER_DAY)) * tick;
            CHECK(price > s.price / 60 && price < s.price * 60);
        }
    }
    candle_gen_free(g);
}

TESTS(T(known_pairs_have_their_ticks_and_levels), T(other_names_get_a_market_of_their_own),
      T(names_without_a_known_quote_are_refused), T(a_seed_gives_the_same_candles_in_any_order_of_asking),
      T(a_day_opens_where_the_day_before_closed), T(there_is_nothing_before_the_listing),
      T(the_running_candle_grows_into_the_closed_one), T(returns_have_fat_tails_and_clustered_volatility),
      T(symbols_move_with_the_market), T(the_ends_of_the_day_trade_more_than_its_middle),
      T(every_regime_comes_and_crises_are_the_wildest), T(the_price_stays_near_its_level_for_a_century))
