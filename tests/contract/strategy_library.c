/* Strategies in shared libraries: the example runs on every engine, and what is no good library is refused with words. */

#include "adapters/strategy/library.h"
#include "backtest/engine.h"
#include "backtest/plugin/plugin.h"
#include "test.h"

#include <unistd.h>

enum { ROWS = 400 };

static void make_candles(Arena *arena, Candles *cs) {
    candles_init(cs, arena, ROWS);
    for (int i = 0; i < ROWS; i++) {
        double open = 200 + 100 * sin((i - 1) / 25.0), close = 200 + 100 * sin(i / 25.0);
        candles_push(cs, &(Candle){ .open_time = time_ms((int64_t)i * MS_PER_DAY),
                                    .open = open,
                                    .high = fmax(open, close) + 1,
                                    .low = fmin(open, close) - 1,
                                    .close = close,
                                    .volume = 1000 });
    }
}

static int load(TestCtx *t, const char *path, StrategyCatalog *out) {
    StrategyLibraryEntry entry = NULL;
    int r = strategy_library_load(&t->cx, str_c(path), &entry);
    return r < 0 ? r : plugin_catalog(&t->cx, NULL, str_c(path), entry, out);
}

static int run(TestCtx *t, const BacktestEngine *e, const StrategyCatalog *catalog, const StrategyConfig *config,
               BacktestResult *out) {
    Candles *cs = arena_new(&t->arena, Candles);
    make_candles(&t->arena, cs);
    MarketAsset *asset = arena_new(&t->arena, MarketAsset);
    *asset = (MarketAsset){ .timeframe = { UNIT_DAY, 1 }, .candles = cs };
    symbol_parse(S("WAVE"), &asset->symbol);
    BacktestRequest req = {
        .assets = asset, .n_assets = 1, .strategy = config, .catalog = catalog, .broker = broker_config_standard()
    };
    return backtest_run(e, &t->cx, &req, out);
}

TEST(the_example_is_loaded_and_traded_by_every_engine) {
    TestCtx t;
    StrategyCatalog catalog;
    const BacktestEngine *const *engines;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, load(&t, EXAMPLE_TURTLE, &catalog));
    CHECK_EQ(catalog.n, strategy_builtins()->n + 1);
    size_t n = backtest_engines(&engines);
    for (size_t i = 0; i < n; i++) {
        BacktestResult r;
        StrategyConfig config = { .strategy_type = S("turtle") };
        test_row_name = engines[i]->name;
        CHECK_OK(&t.cx, run(&t, engines[i], &catalog, &config, &r));
        CHECK(r.n_closed >= 2);
        /* the first breakout after the warm-up: the close is over the 20 highs before it */
        size_t at = r.trades[0].entry_step - 1;
        Candles cs;
        make_candles(&t.arena, &cs);
        double highest = 0;
        for (size_t k = at - 20; k < at; k++)
            highest = fmax(highest, cs.high[k]);
        CHECK(cs.close[at] > highest);
        CHECK_NEAR(r.trades[0].entry_price, cs.open[at + 1], 1e-9);
    }
    test_row_name = NULL;
    test_ctx_done(&t);
}

TEST(its_parameters_and_its_refusals_are_those_of_a_built_in) {
    TestCtx t;
    StrategyCatalog catalog;
    BacktestResult r;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, load(&t, EXAMPLE_TURTLE, &catalog));
    const BacktestEngine *zoot = backtest_engine_find(S("zoot"));
    const StrategyValue wrong = { .name = S("entry_perod"), .number = 5 };
    StrategyConfig config = { .strategy_type = S("turtle"), .parameters = &wrong, .n_parameters = 1 };
    CHECK_EQ(run(&t, zoot, &catalog, &config, &r), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "entry_period"));
    const StrategyValue longer = { .name = S("exit_period"), .number = 50 };
    config.parameters = &longer;
    CHECK_EQ(run(&t, zoot, &catalog, &config, &r), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "exit_period is longer than entry_period"));
    test_ctx_done(&t);
}

TEST(what_is_no_good_library_is_refused_with_words) {
    static const struct {
        const char *name, *path, *words;
        int code;
    } rows[] = {
        { "not there", "/nowhere/x.so", "no readable file", ERR_NOT_FOUND },
        { "a text", PLUGIN_TEXT, "cannot be loaded", ERR_INVALID },
        { "no function", PLUGIN_NO_ENTRY, "no function finsight_strategy", ERR_INVALID },
        { "another version", PLUGIN_ABI, "made for version 99", ERR_VERSION },
        { "an older table", PLUGIN_SIZE, "build it again", ERR_VERSION },
        { "no next", PLUGIN_NEXT, "no function `next`", ERR_INVALID },
        { "a bad name", PLUGIN_NAME, "a strategy's name is made of", ERR_INVALID },
        { "a name that is taken", PLUGIN_TAKEN, "called rsi already", ERR_INVALID },
        { "a bad parameter", PLUGIN_PARAM, "has a standard of 5 outside of 1 .. 2", ERR_INVALID },
        { "too many parameters", PLUGIN_PARAMS, "has 99 parameters", ERR_INVALID },
        { "no strategy", PLUGIN_NONE, "gives no strategy", ERR_INVALID },
        { "a huge state", PLUGIN_STATE, "bytes of state", ERR_LIMIT },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        StrategyCatalog catalog = { 0 };
        err_clear(&t.cx);
        CHECK_EQ(load(&t, r->path, &catalog), r->code);
        if (!strstr(t.cx.err.text, r->words))
            FAIL("says \"%s\"", t.cx.err.text);
        CHECK_EQ(catalog.n, 0);
    }
    test_row_name = NULL;
    test_ctx_done(&t);
}

TEST(questions_beyond_what_is_known_are_nan) {
    TestCtx t;
    StrategyCatalog catalog;
    BacktestResult r;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, load(&t, PLUGIN_CURIOUS, &catalog));
    StrategyConfig config = { .strategy_type = S("curious") };
    CHECK_OK(&t.cx, run(&t, backtest_engine_find(S("zoot")), &catalog, &config, &r));
    CHECK_EQ(r.n_orders, 0); /* it sends one where an answer was not NaN, or a bad order was taken */
    CHECK_EQ(r.n_next_calls, ROWS);
    test_ctx_done(&t);
}

TESTS(T(the_example_is_loaded_and_traded_by_every_engine), T(its_parameters_and_its_refusals_are_those_of_a_built_in),
      T(what_is_no_good_library_is_refused_with_words), T(questions_beyond_what_is_known_are_nan))
