/* Walk-forward, the proof against look-ahead, the comparison of results, and results as CSV. */

#include "backtest/lab/compare.h"
#include "backtest/lab/prove.h"
#include "backtest/lab/walk.h"
#include "backtest/report/result_csv.h"
#include "base/rng.h"
#include "test.h"

enum { ROWS = 2000 };

typedef struct World {
    TestCtx t;
    Candles candles;
    MarketAsset asset;
    StrategyConfig strategy;
    BacktestRequest base;
    const BacktestEngine *engine;
} World;

static void world_init(World *w, const char *strategy) {
    Rng rng;
    double price = 100;
    memset(w, 0, sizeof *w);
    test_ctx_init(&w->t);
    rng_seed(&rng, prop_seed(11));
    candles_init(&w->candles, &w->t.arena, ROWS);
    for (int i = 0; i < ROWS; i++) {
        double open = price;
        price = fmax(2, open * (1 + 0.01 * rng_normal(&rng)));
        candles_push(&w->candles, &(Candle){ .open_time = time_ms((int64_t)i * MS_PER_DAY),
                                             .open = open,
                                             .close = price,
                                             .high = fmax(open, price) * 1.002,
                                             .low = fmin(open, price) * 0.998,
                                             .volume = 1000 });
    }
    w->asset = (MarketAsset){ .candles = &w->candles, .timeframe = { UNIT_DAY, 1 } };
    symbol_parse(S("MADE"), &w->asset.symbol);
    w->strategy = (StrategyConfig){ .strategy_type = str_c(strategy) };
    w->base = (BacktestRequest){ .assets = &w->asset, .n_assets = 1, .strategy = &w->strategy };
    w->base.broker = broker_config_standard();
    w->engine = backtest_engine_find(S("backtrader"));
}

/* --- windows --- */

TEST(no_test_shares_a_candle_with_a_training_or_another_test) {
    Rng rng;
    WalkWindow w[64];
    size_t n_windows = 0;
    rng_seed(&rng, prop_seed(5));
    for (int round = 0; round < 2000; round++) {
        WalkOptions o = { .anchored = rng_chance(&rng, 0.5),
                          .n_train = (size_t)rng_below(&rng, 300),
                          .n_test = (size_t)rng_below(&rng, 100),
                          .purge = (size_t)rng_below(&rng, 20),
                          .embargo = (size_t)rng_below(&rng, 20) };
        size_t n_candles = (size_t)rng_below(&rng, 1000), n = walk_windows(n_candles, &o, w, 64);
        for (size_t i = 0; i < n; i++) {
            CHECK(w[i].train_from < w[i].train_to && w[i].test_from < w[i].test_to && w[i].test_to <= n_candles);
            CHECK_EQ(w[i].test_from - w[i].train_to, o.purge + o.embargo);
            CHECK(!o.anchored || w[i].train_from == 0);
            CHECK(i == 0 || w[i].test_from == w[i - 1].test_to);
            CHECK(o.anchored || i == 0 || w[i].train_to - w[i].train_from == w[0].train_to - w[0].train_from);
        }
        n_windows += n;
    }
    CHECK(n_windows > 1000);
    CHECK_EQ(walk_windows(1000, &(WalkOptions){ .purge = SIZE_MAX, .embargo = 2 }, w, 64), 0);
    CHECK_EQ(walk_windows(1000, &(WalkOptions){ 0 }, w, 64), 5);
}

static const double SHORT[] = { 3, 5, 8 }, LONG[] = { 13, 21, 34 };
static const SweepAxis PERIODS[] = { { STR_INIT("short_period"), SHORT, 3 }, { STR_INIT("long_period"), LONG, 3 } };

TEST(each_test_trades_what_its_training_chose) {
    World w;
    WalkResult r;
    world_init(&w, "moving_average_crossover");
    WalkOptions o = { .n_train = 500, .n_test = 250, .purge = 5, .embargo = 5 };
    CHECK_OK(&w.t.cx, walk_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &r));
    CHECK_EQ(r.n, 6);
    CHECK_EQ(r.n_steps, 2000 - 510);
    double cash = w.base.broker.cash;
    for (size_t i = 0, at = 0; i < r.n; i++) { /* the same by hand */
        WalkWindow *k = &r.windows[i];
        Candles train = candles_view(&w.candles, k->train_from, k->train_to - k->train_from);
        MarketAsset asset = w.asset;
        BacktestRequest req = w.base;
        SweepResult sweep;
        asset.candles = &train;
        req.assets = &asset;
        CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &req, PERIODS, 2, NULL, &sweep));
        const SweepRow *best = &sweep.rows[sweep.ranked[0]];
        CHECK(k->chosen && k->p[0] == best->p[0] && k->p[1] == best->p[1]);
        CHECK(k->train_v[SWEEP_SHARPE] == best->v[SWEEP_SHARPE]);
        size_t n = k->test_to - k->test_from;
        CHECK(r.time_ms[at] == w.candles.open_ms[k->test_from]);
        CHECK_NEAR(r.equity[at], cash, 1e-9); /* flat on its first candle */
        CHECK_NEAR(k->test_v[SWEEP_TOTAL_RETURN], r.equity[at + n - 1] / cash - 1, 1e-12);
        at += n;
        cash = r.equity[at - 1];
    }
    CHECK_NEAR(r.metrics.v[METRIC_FINAL_VALUE], cash, 0);
    CHECK(r.metrics.v[METRIC_TOTAL_TRADES] > 10);
    test_ctx_done(&w.t);
}

TEST(a_test_does_not_see_the_candles_behind_it) {
    World w;
    WalkResult whole, cut;
    world_init(&w, "ema_crossover");
    WalkOptions o = { .anchored = true, .n_train = 500, .n_test = 250 };
    CHECK_OK(&w.t.cx, walk_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &whole));
    Candles view = candles_view(&w.candles, 0, 1250);
    w.asset.candles = &view;
    CHECK_OK(&w.t.cx, walk_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &cut));
    CHECK_EQ(cut.n_steps, 750);
    CHECK(memcmp(whole.equity, cut.equity, 750 * sizeof(double)) == 0);
    view = candles_view(&w.candles, 0, 400);
    CHECK_EQ(walk_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &cut), ERR_INVALID);
    test_ctx_done(&w.t);
}

/* --- the proof --- */

/* Decides by the close of tomorrow: it reads the whole column instead of the view. */
typedef struct Cheat {
    const Candles *all;
} Cheat;

static int cheat_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    ((Cheat *)s->state)->all = setup_asset(setup, 0)->candles;
    setup_price(setup, 0, TA_CLOSE);
    return 0;
}

static void cheat_next(Strategy *s, const View *v, Broker *b) {
    const Candles *all = ((Cheat *)s->state)->all;
    size_t i = v->assets[0].i, tomorrow = MIN(i + 1, all->n - 1);
    bool rises = all->close[tomorrow] > all->close[i];
    if (rises && v->assets[0].position == 0)
        broker_enter(b, 0, SIDE_LONG);
    else if (!rises && v->assets[0].position != 0)
        broker_close(b, 0);
}

TEST(a_strategy_that_looks_ahead_is_caught) {
    static const StrategyType cheat = {
        .name = "cheat", .words = "Knows tomorrow", .state_size = sizeof(Cheat), .init = cheat_init, .next = cheat_next
    };
    static const StrategyType *const types[] = { &cheat };
    static const StrategyCatalog catalog = { types, 1 };
    World w;
    ProveResult p;
    world_init(&w, "cheat");
    w.base.catalog = &catalog;
    CHECK_OK(&w.t.cx, prove_run(&w.t.cx, w.engine, &w.base, &(ProveOptions){ .n_cuts = 40, .threads = 2 }, &p));
    CHECK_EQ(p.fault, PROVE_ORDERS);
    CHECK(p.cut < ROWS && p.step == p.cut - 1); /* the last decision before the cut is the one that knew */
    CHECK(p.words.n > 0 && p.at.ms == w.candles.open_ms[p.step]);
    test_ctx_done(&w.t);
}

TEST(honest_strategies_pass_the_proof) {
    static const char *const names[] = { "moving_average_crossover", "ema_crossover",     "macd", "rsi",
                                         "bollinger_reversion",      "bollinger_breakout" };
    World w;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ProveResult p;
        world_init(&w, names[i]);
        CHECK_OK(&w.t.cx, prove_run(&w.t.cx, w.engine, &w.base, NULL, &p));
        if (p.fault != PROVE_NONE)
            FAIL("%s: " STR_FMT, names[i], STR_ARG(p.words));
        CHECK(p.n_cuts >= PROVE_CUTS && p.n_decisions > 100);
        test_ctx_done(&w.t);
    }
}

/* --- comparing --- */

static BacktestMetrics metrics_of(double sharpe, double years, double drawdown, double trades, double total) {
    BacktestMetrics m;
    for (MetricId id = 0; id < METRICS; id++)
        m.v[id] = NAN;
    m.v[METRIC_SHARPE] = sharpe;
    m.v[METRIC_YEARS] = years;
    m.v[METRIC_MAX_DRAWDOWN] = drawdown;
    m.v[METRIC_TOTAL_TRADES] = trades;
    m.v[METRIC_TOTAL_RETURN] = total;
    return m;
}

TEST(the_recommendation_is_the_best_documented_score_mds_32) {
    const BacktestMetrics m[] = {
        metrics_of(1.0, 4, 0.2, 30, 0.5),  metrics_of(2.0, 0.5, 0.1, 30, 0.5), metrics_of(1.2, 4, 0.5, 30, 0.9),
        metrics_of(3.0, 4, 0.1, 4, 0.5),   metrics_of(3.0, 0.1, 0.1, 9, 0.5),  metrics_of(-1, 4, 0.1, 9, -0.1),
        metrics_of(NAN, 4, 0.1, 9, 0.001),
    };
    const BacktestMetrics *results[ARRAY_LEN(m)];
    CompareRow rows[ARRAY_LEN(m)];
    for (size_t i = 0; i < ARRAY_LEN(m); i++)
        results[i] = &m[i];
    compare_rank(results, ARRAY_LEN(m), rows);
    CHECK_EQ(rows[0].place, 0); /* 1 - sqrt(1.5 / 4) = 0.388; a short run and a deep drawdown lose against it */
    CHECK_NEAR(rows[0].score, 1 - sqrt(1.5 / 4), 1e-12);
    CHECK_EQ(rows[1].place, 2);
    CHECK_NEAR(rows[1].score, 1.2 - sqrt((1 + 0.72) / 4) - 0.5, 1e-12);
    CHECK_EQ(rows[2].place, 1);
    static const CompareVerdict verdicts[] = { COMPARE_FEW_TRADES, COMPARE_TOO_SHORT, COMPARE_LOST, COMPARE_NO_SHARPE };
    for (size_t i = 0; i < 4; i++) {
        CHECK(rows[3 + i].place == 3 + i && isnan(rows[3 + i].score) && rows[3 + i].verdict == verdicts[i]);
        CHECK(compare_verdict_words(verdicts[i])[0] != 0);
    }
    CHECK_EQ(compare_best(results, ARRAY_LEN(m), METRIC_MAX_DRAWDOWN), 1);
    CHECK_EQ(compare_best(results, ARRAY_LEN(m), METRIC_SHARPE), 3);
    CHECK_EQ(compare_best(results, ARRAY_LEN(m), METRIC_BETA), ARRAY_LEN(m));
}

/* --- CSV --- */

TEST(a_result_and_a_sweep_are_written_as_csv) {
    World w;
    BacktestResult r = { 0 };
    SweepResult sweep;
    Buf b;
    world_init(&w, "moving_average_crossover");
    buf_init(&b, 1 << 20);
    CHECK_OK(&w.t.cx, backtest_run(w.engine, &w.t.cx, &w.base, &r));
    CHECK_EQ(result_trades_csv(&r, &b), 0);
    size_t n_lines = 0;
    for (size_t i = 0; i < b.n; i++)
        n_lines += b.p[i] == '\n';
    CHECK_EQ(n_lines, r.n_trades + 1);
    CHECK(str_starts(buf_str(&b), S("id,symbol,side,size,entry_time,entry_price,")));
    CHECK(str_find(buf_str(&b), S("\r\n1,MADE,long,")) > 0);
    buf_clear(&b);
    CHECK_EQ(result_equity_csv(&r, &b), 0);
    CHECK(str_starts(buf_str(&b), S("time,equity,drawdown\r\n1970-01-01T00:00:00Z,10000,0\r\n")));
    buf_clear(&b);
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, NULL, &sweep));
    CHECK_EQ(sweep_csv(&sweep, &b), 0);
    CHECK(str_starts(buf_str(&b), S("rank,short_period,long_period,total_return,")));
    buf_done(&b);
    buf_init(&b, 100);
    CHECK_EQ(result_equity_csv(&r, &b), ERR_LIMIT);
    buf_done(&b);
    test_ctx_done(&w.t);
}

TESTS(T(no_test_shares_a_candle_with_a_training_or_another_test), T(each_test_trades_what_its_training_chose),
      T(a_test_does_not_see_the_candles_behind_it), T(a_strategy_that_looks_ahead_is_caught),
      T(honest_strategies_pass_the_proof), T(the_recommendation_is_the_best_documented_score_mds_32),
      T(a_result_and_a_sweep_are_written_as_csv))
