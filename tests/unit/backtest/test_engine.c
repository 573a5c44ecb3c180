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

/* --- the documents' strategy, by hand (MDS-33) --- */

/* 30 closes of 100, one of 90 (the short average falls below the long one: 99 and 99.67), 14 of 120 (above at once:
 * 101 and 100.33), 15 of 80: the short average comes down by 4 a candle from 120 and the long one stands at 106.33 when
 * it has reached 104, at candle 48. */
static Candles sixty(Arena *a) {
    double rows[60][4];
    for (int i = 0; i < 60; i++) {
        double close = i < 30 ? 100 : i == 30 ? 90 : i < 45 ? 120 : 80, open = i == 0 ? 100 : rows[i - 1][3];
        open = i == 32 ? 121 : i == 49 ? 79 : open;
        rows[i][0] = open;
        rows[i][1] = MAX(open, close);
        rows[i][2] = MIN(open, close);
        rows[i][3] = close;
    }
    return candles_of(a, rows, 60, MS_PER_DAY);
}

TEST(moving_average_crossover_10_30_by_hand) { /* MDS-33 */
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = sixty(t.cx.arena);
    BacktestResult r;
    CHECK_OK(&t.cx, run(&t.cx, &cs, DAY, &(StrategyConfig){ .strategy_type = S("moving_average_crossover") }, &r));
    CHECK_EQ(r.first_next_step, 30);
    CHECK_EQ(r.n_next_calls, 30);
    CHECK_EQ(r.n_trades, 1);
    CHECK_EQ(r.n_closed, 1);
    const Trade *trade = &r.trades[0];
    CHECK_EQ(trade->entry_step, 32);
    CHECK_NEAR(trade->size, 9500.0 / 120, 1e-12);
    CHECK_NEAR(trade->entry_price, 121, 0);
    CHECK_EQ(trade->exit_step, 49);
    CHECK_NEAR(trade->exit_price, 79, 0);
    CHECK_NEAR(trade->pnl, -3325, 1e-9);
    CHECK_NEAR(trade->fees, 9500.0 / 120 * 200 * 0.001, 1e-12);
    CHECK_NEAR(r.final_value, 6659.16666666667, 1e-8);
    CHECK_STR(r.explanation, S(""));
    CHECK(r.assumptions.n >= 5);
    test_ctx_done(&t);
}

/* --- what is refused, and how loudly --- */

TEST(a_configuration_that_cannot_be_names_its_fault) { /* MDS-34, MDS-47 */
    static const StrategyValue crossed[] = { { .name = STR_INIT("short_period"), .number = 30 },
                                             { .name = STR_INIT("long_period"), .number = 10 } };
    static const StrategyValue half[] = { { .name = STR_INIT("short_period"), .number = 2.5 } };
    static const StrategyValue text[] = {
        { .name = STR_INIT("short_period"), .is_text = true, .text = STR_INIT("ten") }
    };
    static const StrategyValue unknown[] = { { .name = STR_INIT("colour"), .number = 1 } };
    static const StrategyValue range[] = { { .name = STR_INIT("short_period"), .number = 0 } };
    static const StrategyValue twice[] = { { .name = STR_INIT("short_period"), .number = 3 },
                                           { .name = STR_INIT("short-period"), .number = 4 } };
    static const struct {
        const char *name;
        StrategyConfig config;
        const char *field, *words;
    } rows[] = {
        { "unknown type", { .strategy_type = STR_INIT("astrology") }, "strategy_type", "moving_average_crossover" },
        { "short above long",
          { STR_INIT("moving_average_crossover"), crossed, 2 },
          "parameters.short_period",
          "must be less" },
        { "half a candle", { STR_INIT("moving_average_crossover"), half, 1 }, "parameters.short_period", "whole" },
        { "text", { STR_INIT("moving_average_crossover"), text, 1 }, "parameters.short_period", "\"ten\"" },
        { "unknown name", { STR_INIT("moving_average_crossover"), unknown, 1 }, "parameters.colour", "short_period" },
        { "range", { STR_INIT("moving_average_crossover"), range, 1 }, "parameters.short_period", "1 .. 100000" },
        { "twice", { STR_INIT("moving_average_crossover"), twice, 2 }, "parameters.short-period", "twice" },
        { "too large", { .strategy_type = STR_INIT("rsi"), .position_size = 1.5 }, "position_size", "(0, 1]" },
        { "negative", { .strategy_type = STR_INIT("rsi"), .position_size = -0.1 }, "position_size", "(0, 1]" },
        { "not a number", { .strategy_type = STR_INIT("rsi"), .position_size = NAN }, "position_size", "(0, 1]" },
    };
    EACH_ROW (row, rows) {
        TestCtx t;
        test_ctx_init(&t);
        BrokerConfig broker = broker_config_standard();
        const BacktestEngine *e = backtest_engine_find(S("backtrader"));
        CHECK_EQ(backtest_validate(e, &t.cx, NULL, &row->config, &broker), ERR_INVALID);
        CHECK_STR(str_c(t.cx.err.field), str_c(row->field));
        if (str_find(str_c(t.cx.err.text), str_c(row->words)) < 0)
            FAIL("\"%s\" does not say \"%s\"", t.cx.err.text, row->words);
        test_ctx_done(&t);
    }
}

TEST(sizes_up_to_the_bounds_are_taken) { /* MDS-34 */
    static const double sizes[] = { 1, 1e-6, 0.5 };
    TestCtx t;
    test_ctx_init(&t);
    BrokerConfig broker = broker_config_standard();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        StrategyConfig config = { .strategy_type = S("RSI"), .position_size = sizes[i] };
        CHECK_OK(&t.cx, backtest_validate(backtest_engine_find(S("backtrader")), &t.cx, NULL, &config, &broker));
    }
    test_ctx_done(&t);
}

/* MDS-29, MDS-47, PRI-08: the strategy, made by its name */
TEST(every_strategy_validates_with_its_standard_parameters) {
    TestCtx t;
    test_ctx_init(&t);
    const BacktestEngine *const *engines;
    BrokerConfig broker = broker_config_standard();
    for (size_t e = 0, n = backtest_engines(&engines); e < n; e++) {
        const StrategyType *const *types;
        size_t n_types;
        backtest_supported(engines[e], NULL, t.cx.arena, &types, &n_types);
        CHECK(n_types > 0);
        for (size_t i = 0; i < n_types; i++) {
            StrategyConfig config = { .strategy_type = str_c(types[i]->name) };
            bool texts = false; /* rules, which nobody can guess */
            for (const ParamSpec *p = types[i]->params; p && p->name; p++)
                texts = texts || p->kind == PARAM_TEXT;
            if (!texts)
                CHECK_OK(&t.cx, backtest_validate(engines[e], &t.cx, NULL, &config, &broker));
            CHECK(strategy_find(NULL, str_c(types[i]->name)) == types[i]);
            CHECK(strlen(types[i]->words) > 10);
        }
    }
    test_ctx_done(&t);
}

TEST(data_without_candles_or_with_bad_ones_is_refused) {
    static const double good[][4] = { { 1, 1, 1, 1 }, { 1, 1, 1, 1 } };
    static const double nan_row[][4] = { { 1, 1, 1, 1 }, { 1, NAN, 1, 1 } };
    static const double zero[][4] = { { 1, 1, 0, 0 }, { 1, 1, 1, 1 } };
    const struct {
        const char *name;
        const double (*rows)[4];
        size_t n;
        int64_t step_ms;
        const char *words;
    } rows[] = { { "none", good, 0, MS_PER_DAY, "no candles" },
                 { "not a number", nan_row, 2, MS_PER_DAY, "candle 1 is not made of prices" },
                 { "a close of 0", zero, 2, MS_PER_DAY, "not above 0" },
                 { "one time twice", good, 2, 0, "not later" } };
    EACH_ROW (row, rows) {
        TestCtx t;
        test_ctx_init(&t);
        Candles cs = candles_of(t.cx.arena, row->rows, row->n, row->step_ms);
        BacktestResult r;
        CHECK_EQ(run(&t.cx, &cs, DAY, &(StrategyConfig){ .strategy_type = S("buy_and_hold") }, &r), ERR_INVALID);
        CHECK(str_find(str_c(t.cx.err.text), str_c(row->words)) >= 0);
        test_ctx_done(&t);
    }
}

TEST(gaps_are_warned_of_with_their_counts) {
    TestCtx t;
    test_ctx_init(&t);
    static const double rows[][4] = { { 1, 1, 1, 1 }, { 1, 1, 1, 1 }, { 1, 1, 1, 1 } };
    Candles cs = candles_of(t.cx.arena, rows, 3, 3 * MS_PER_DAY);
    BacktestResult r;
    CHECK_OK(&t.cx, run(&t.cx, &cs, DAY, &(StrategyConfig){ .strategy_type = S("buy_and_hold") }, &r));
    CHECK_EQ(r.assets[0].n_gaps, 2);
    CHECK_EQ(r.assets[0].n_missing, 4);
    CHECK(r.warnings.n > 0 && str_find(r.warnings.v[0], S("2 gaps, 4 of 7 candles missing")) >= 0);
    test_ctx_done(&t);
}

/* --- a run without trades explains itself --- */

static Candles flat(Arena *a, size_t n, double price) {
    Candles cs;
    candles_init(&cs, a, n);
    for (size_t i = 0; i < n; i++)
        candles_push(&cs, &(Candle){ .open_time = time_ms(INT64_C(1704067200000) + (int64_t)i * MS_PER_DAY),
                                     .open = price,
                                     .high = price,
                                     .low = price,
                                     .close = price });
    return cs;
}

TEST(a_run_without_trades_says_why) {
    static const struct {
        const char *name;
        size_t n;
        const char *type;
        double size;
        const char *words;
    } rows[] = {
        { "too short", 20, "moving_average_crossover", 0, "needs 31 candles before its first decision, there are 20" },
        { "no signal", 100, "moving_average_crossover", 0, "no signal in 70 candles" },
        { "no cash", 40, "buy_and_hold", 1, "1 not enough cash at the price of the signal" },
        { "last candle", 1, "buy_and_hold", 0.5, "1 the data ended before it was filled" },
    };
    EACH_ROW (row, rows) {
        TestCtx t;
        test_ctx_init(&t);
        Candles cs = flat(t.cx.arena, row->n, 100);
        BacktestResult r;
        StrategyConfig config = { .strategy_type = str_c(row->type), .position_size = row->size };
        CHECK_OK(&t.cx, run(&t.cx, &cs, DAY, &config, &r));
        CHECK_EQ(r.n_trades, 0);
        if (str_find(r.explanation, str_c(row->words)) < 0)
            FAIL("\"" STR_FMT "\" does not say \"%s\"", STR_ARG(r.explanation), row->words);
        test_ctx_done(&t);
    }
}

TEST(refused_orders_carry_their_reason_and_what_was_missing) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = flat(t.cx.arena, 5, 100);
    BacktestResult r;
    StrategyConfig config = { .strategy_type = S("buy_and_hold"), .position_size = 1 };
    CHECK_OK(&t.cx, run(&t.cx, &cs, DAY, &config, &r));
    CHECK_EQ(r.n_orders, 1);
    CHECK_EQ(r.orders[0].status, ORDER_MARGIN);
    CHECK_EQ(r.orders[0].reason, ORDER_BECAUSE_CASH_AT_SIGNAL);
    CHECK_NEAR(r.orders[0].needed, 10, 1e-9); /* the commission */
    CHECK(str_find(r.warnings.v[r.warnings.n - 1], S("1 of 1 orders refused")) >= 0);
    test_ctx_done(&t);
}

/* --- limits --- */

TEST(memory_and_cancel_end_a_run) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = flat(t.cx.arena, 10000, 100);
    MarketAsset asset = { .timeframe = DAY, .candles = &cs };
    symbol_parse(S("TEST"), &asset.symbol);
    StrategyConfig config = { .strategy_type = S("moving_average_crossover") };
    BacktestRequest req = { .assets = &asset, .n_assets = 1, .strategy = &config, .broker = broker_config_standard() };
    BacktestResult r;
    const BacktestEngine *e = backtest_engine_find(S("backtrader"));
    req.options.memory_max = 100000;
    CHECK_EQ(backtest_run(e, &t.cx, &req, &r), ERR_LIMIT);
    req.options.memory_max = 0;
    atomic_bool cancel = true;
    t.cx.cancel = &cancel;
    CHECK_EQ(backtest_run(e, &t.cx, &req, &r), ERR_CANCELLED);
    t.cx.cancel = NULL;
    CHECK_OK(&t.cx, backtest_run(e, &t.cx, &req, &r));
    test_ctx_done(&t);
}

/* --- several assets in one account --- */

TEST(two_assets_share_one_account_and_one_time_line) {
    TestCtx t;
    test_ctx_init(&t);
    Candles a = flat(t.cx.arena, 4, 100), b = flat(t.cx.arena, 2, 50);
    b.open_ms[0] = a.open_ms[1]; /* begins a day later, and has a hole on day 2 */
    b.open_ms[1] = a.open_ms[3];
    MarketAsset assets[] = { { .timeframe = DAY, .candles = &a }, { .timeframe = DAY, .candles = &b } };
    symbol_parse(S("A"), &assets[0].symbol);
    symbol_parse(S("B"), &assets[1].symbol);
    StrategyConfig config = { .strategy_type = S("rebalance") };
    BacktestRequest req = { .assets = assets, .n_assets = 2, .strategy = &config, .broker = broker_config_standard() };
    BacktestResult r;
    CHECK_OK(&t.cx, backtest_run(backtest_engine_find(S("backtrader")), &t.cx, &req, &r));
    CHECK_EQ(r.n_steps, 4);
    CHECK_EQ(r.first_next_step, 1); /* both have begun */
    CHECK_EQ(r.n_trades, 2);
    CHECK_EQ(r.assets[0].position, 47); /* 4750 / 100 */
    CHECK_EQ(r.assets[1].position, 95);
    CHECK_EQ(r.trades[1].entry_step, 3); /* at its next candle, not at a stale one */
    CHECK_NEAR(r.final_value, 10000 - 4.7 - 4.75, 1e-9);
    test_ctx_done(&t);
}

/* --- columns beside the candles --- */

static int with_column(TestCtx *t, const char *name, const int64_t *known, const double *value, size_t n, int64_t age) {
    static const double rows[][4] = { { 100, 101, 99, 100 }, { 100, 101, 99, 100 }, { 100, 101, 99, 100 } };
    Candles *cs = arena_new(&t->arena, Candles);
    *cs = candles_of(t->cx.arena, rows, 3, MS_PER_DAY);
    ExtraColumn x = { str_c(name), known, value, n, age };
    MarketAsset asset = { .timeframe = DAY, .candles = cs, .extras = &x, .n_extras = 1 };
    symbol_parse(S("TEST"), &asset.symbol);
    BacktestRequest req = { .assets = &asset,
                            .n_assets = 1,
                            .strategy = &(StrategyConfig){ .strategy_type = S("buy_and_hold") },
                            .broker = broker_config_standard() };
    BacktestResult r;
    err_clear(&t->cx);
    return backtest_run(backtest_engine_find(S("backtrader")), &t->cx, &req, &r);
}

TEST(a_column_that_cannot_be_is_refused_by_name_and_place) {
    TestCtx t;
    test_ctx_init(&t);
    static const int64_t at[] = { 1000, 2000 }, twice[] = { 1000, 1000 }, back[] = { 2000, 1000 };
    static const double v[] = { 1, 2 }, hole[] = { 1, NAN };
    CHECK_OK(&t.cx, with_column(&t, "mood_2", at, v, 2, 0));
    const struct {
        const char *name;
        const int64_t *known;
        const double *value;
        size_t n;
        int64_t age;
        const char *words;
    } rows[] = {
        { "close", at, v, 2, 0, "'close' means something in rules already" },
        { "SMA", at, v, 2, 0, "'SMA' means something in rules already" },
        { "and", at, v, 2, 0, "'and' means something in rules already" },
        { "2mood", at, v, 2, 0, "'2mood' is not a name for a column" },
        { "", at, v, 2, 0, "is not a name for a column" },
        { "mood", at, v, 0, 0, "column mood has no value" },
        { "mood", twice, v, 2, 0, "value 2 (1970-01-01T00:00:01Z) is not later than the one before" },
        { "mood", back, v, 2, 0, "is not later than the one before" },
        { "mood", at, hole, 2, 0, "column mood: value 2 is not a number" },
        { "mood", at, v, 2, -1, "max_age is below 0" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_EQ(with_column(&t, rows[i].name, rows[i].known, rows[i].value, rows[i].n, rows[i].age), ERR_INVALID);
        CHECK_STR(str_c(t.cx.err.field), S("columns[0]"));
        if (!strstr(t.cx.err.text, rows[i].words))
            FAIL("row %zu says: %s", i, t.cx.err.text);
    }
    test_ctx_done(&t);
}

TESTS(T(buy_and_hold_fills_at_the_next_open_and_is_marked_at_the_last_close), T(moving_average_crossover_10_30_by_hand),
      T(a_configuration_that_cannot_be_names_its_fault), T(sizes_up_to_the_bounds_are_taken),
      T(every_strategy_validates_with_its_standard_parameters), T(data_without_candles_or_with_bad_ones_is_refused),
      T(gaps_are_warned_of_with_their_counts), T(a_run_without_trades_says_why),
      T(refused_orders_carry_their_reason_and_what_was_missing), T(memory_and_cancel_end_a_run),
      T(two_assets_share_one_account_and_one_time_line), T(a_column_that_cannot_be_is_refused_by_name_and_place))
