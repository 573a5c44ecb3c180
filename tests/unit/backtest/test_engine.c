/* Runs worked out by hand, and what a run refuses. */

#include "backtest/engine.h"
#include "test.h"

static Candles candles_of(Arena *a, const double (*rows)[4], size_t n, int64_t step_ms) {
    Candles cs;
    candles_init(&cs, a, n);
    for (size_t i = 0; i < n; i++)
        candles_push(&cs, &(Candle){ .open_time = time_ms(INT64_C(1704067200000) + (int64_t)i * step_ms),
                                     .open = rows[i][0],
                                     .high = rows[i][1],
                                     .low = rows[i][2],
                                     .close = rows[i][3],
                                     .volume = 1 });
    return cs;
}

static int run(Ctx *cx, const Candles *cs, Timeframe tf, const StrategyConfig *config, BacktestResult *out) {
    MarketAsset asset = { .timeframe = tf, .candles = cs };
    symbol_parse(S("TEST"), &asset.symbol);
    BacktestRequest req = { .assets = &asset, .n_assets = 1, .strategy = config, .broker = broker_config_standard() };
    return backtest_run(backtest_engine_find(S("backtrader")), cx, &req, out);
}

static const Timeframe DAY = { UNIT_DAY, 1 };

TEST(buy_and_hold_fills_at_the_next_open_and_is_marked_at_the_last_close) {
    TestCtx t;
    test_ctx_init(&t);
    static const double rows[][4] = { { 100, 101, 99, 100 }, { 102, 103, 101, 102 }, { 103, 111, 103, 110 } };
    Candles cs = candles_of(t.cx.arena, rows, 3, MS_PER_DAY);
    BacktestResult r;
    CHECK_OK(&t.cx, run(&t.cx, &cs, DAY, &(StrategyConfig){ .strategy_type = S("buy_and_hold") }, &r));
    /* 0.95 * 10000 / 100 = 95 units at 102; 9.69 of commission */
    CHECK_EQ(r.n_trades, 1);
    CHECK_NEAR(r.trades[0].size, 95, 1e-12);
    CHECK_NEAR(r.trades[0].entry_price, 102, 1e-12);
    CHECK_NEAR(r.final_value, 10000 - 95 * 102 - 9.69 + 95 * 110, 1e-9);
    CHECK_EQ(r.n_closed, 0);
    CHECK(str_find(r.explanation, S("still open")) >= 0);
    test_ctx_done(&t);
}

TESTS(T(buy_and_hold_fills_at_the_next_open_and_is_marked_at_the_last_close))
