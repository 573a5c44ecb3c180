/* core/stats: figures of a series (MDS-10, MDS-15). The comparison with a reference over many random series is in
 * tests/property. */

#include "core/stats.h"
#include "lib/test.h"

static Candles hours(Arena *a, const int64_t *at, const double *close, size_t n) {
    Candles cs;
    candles_init(&cs, a, n);
    for (size_t i = 0; i < n; i++) {
        Candle c = { .open_time = time_ms(at[i] * MS_PER_HOUR),
                     .open = close[i],
                     .high = close[i] + 1,
                     .low = close[i] - 2,
                     .close = close[i],
                     .volume = (double)i };
        candles_push(&cs, &c);
    }
    return cs;
}

TEST(figures_of_a_known_series) {
    TestCtx t;
    test_ctx_init(&t);
    static const int64_t at[] = { -1, 0, 2, 3 };
    static const double close[] = { 2, 4, 4, 6 };
    Candles cs = hours(&t.arena, at, close, 4);
    cs.flags[2] = CANDLE_SYNTHETIC;
    CandleStats s;
    candle_stats_init(&s, (Timeframe){ UNIT_HOUR, 1 });
    candle_stats_add(&s, &cs);
    CHECK_EQ(s.n, 4);
    CHECK_EQ(s.n_synthetic, 1);
    CHECK_EQ(s.first.ms, -MS_PER_HOUR);
    CHECK_EQ(s.last.ms, 3 * MS_PER_HOUR);
    CHECK_NEAR(moments_mean(&s.close), 4, 0);
    CHECK_NEAR(s.close.min, 2, 0);
    CHECK_NEAR(s.close.max, 6, 0);
    CHECK_NEAR(moments_var_population(&s.close), 2, 0);
    CHECK_NEAR(moments_var_sample(&s.close), 8.0 / 3, 1e-15);
    CHECK_NEAR(moments_std_population(&s.close), sqrt(2), 1e-15);
    CHECK_NEAR(moments_std_sample(&s.close), sqrt(8.0 / 3), 1e-15);
    CHECK_NEAR(candle_stats_volume(&s), 6, 0);
    CHECK_NEAR(s.highest, 7, 0);
    CHECK_NEAR(s.lowest, 0, 0);
    CHECK_EQ(s.returns.n, 3);
    CHECK_NEAR(moments_mean(&s.returns), 0.5, 1e-16); /* 1, 0, 0.5 */
    /* typical = close - 1/3; weights 0 1 2 3 */
    CHECK_NEAR(candle_stats_vwap(&s), (4 + 8 + 18) / 6.0 - 1 / 3.0, 1e-15);
    CHECK_NEAR(candle_stats_completeness(&s), 80, 1e-12); /* 4 of 5 hours */
    CHECK_NEAR(candle_stats_completeness_in(&s, time_ms(-MS_PER_HOUR), time_ms(7 * MS_PER_HOUR)), 50, 1e-12);
    test_ctx_done(&t);
}

TEST(what_is_not_defined_is_nan) {
    CandleStats s;
    candle_stats_init(&s, (Timeframe){ UNIT_HOUR, 1 });
    CHECK(isnan(moments_mean(&s.close)));
    CHECK(isnan(moments_std_population(&s.close)));
    CHECK(isnan(candle_stats_vwap(&s)));
    CHECK(isnan(candle_stats_completeness(&s)));
    TestCtx t;
    test_ctx_init(&t);
    Candles one = hours(&t.arena, (int64_t[]){ 0 }, (double[]){ 0 }, 1);
    candle_stats_add(&s, &one);
    CHECK_NEAR(moments_mean(&s.close), 0, 0);
    CHECK_NEAR(moments_std_population(&s.close), 0, 0);
    CHECK(isnan(moments_std_sample(&s.close)));
    CHECK(isnan(candle_stats_vwap(&s))); /* no volume */
    CHECK_NEAR(candle_stats_completeness(&s), 100, 0);
    Candles next = hours(&t.arena, (int64_t[]){ 1 }, (double[]){ 5 }, 1);
    candle_stats_add(&s, &next);
    CHECK_EQ(s.returns.n, 0); /* a return from 0 does not exist */
    test_ctx_done(&t);
}

TEST(two_candles_in_one_cell_make_a_series_no_more_complete) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = hours(&t.arena, (int64_t[]){ 0, 1, 2 }, (double[]){ 1, 2, 3 }, 3);
    cs.open_ms[1] = 5; /* same hour as the first */
    CandleStats s;
    candle_stats_init(&s, (Timeframe){ UNIT_HOUR, 1 });
    candle_stats_add(&s, &cs);
    CHECK_EQ(s.n_cells, 2);
    CHECK_NEAR(candle_stats_completeness(&s), 200.0 / 3, 1e-12);
    test_ctx_done(&t);
}

TESTS(T(figures_of_a_known_series), T(what_is_not_defined_is_nan),
      T(two_candles_in_one_cell_make_a_series_no_more_complete))
