/* Sweeps: the fast way against the engine's, methods, ranking, heat maps, limits. */

#include "backtest/lab/sweep.h"
#include "base/rng.h"
#include "test.h"

enum { ROWS = 3000 };

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
    rng_seed(&rng, prop_seed(42));
    candles_init(&w->candles, &w->t.arena, ROWS);
    for (int i = 0; i < ROWS; i++) {
        double open = round(price * (1 + 0.004 * rng_normal(&rng)) * 100) / 100 * (rng_chance(&rng, 0.005) ? 1.08 : 1);
        price = fmax(2, round(open * (1 + 0.01 * rng_normal(&rng)) * 100) / 100);
        candles_push(&w->candles, &(Candle){ .open_time = time_ms((int64_t)i * MS_PER_HOUR),
                                             .open = open,
                                             .close = price,
                                             .high = fmax(open, price) * 1.002,
                                             .low = fmin(open, price) * 0.998,
                                             .volume = 1000 });
    }
    w->asset = (MarketAsset){ .candles = &w->candles, .timeframe = { UNIT_HOUR, 1 } };
    w->strategy = (StrategyConfig){ .strategy_type = str_c(strategy) };
    w->base = (BacktestRequest){ .assets = &w->asset, .n_assets = 1, .strategy = &w->strategy };
    w->base.broker = broker_config_standard();
    w->engine = backtest_engine_find(S("backtrader"));
}

static const double SHORT[] = { 3, 5, 8, 13, 21 }, LONG[] = { 10, 20, 30, 50 };
static const SweepAxis PERIODS[] = { { STR_INIT("short_period"), SHORT, 5 }, { STR_INIT("long_period"), LONG, 4 } };

static void check_same(const SweepResult *a, const SweepResult *b, double tolerance) {
    if (a->n != b->n)
        FAIL("%zu rows, not %zu", a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        const SweepRow *x = &a->rows[i], *y = &b->rows[i];
        if (x->err != y->err || x->n_refused != y->n_refused)
            FAIL("row %zu: error %d and %d, refused %u and %u", i, x->err, y->err, x->n_refused, y->n_refused);
        for (SweepFigure f = 0; f < SWEEP_FIGURES; f++)
            if (isnan(x->v[f]) != isnan(y->v[f]) || fabs(x->v[f] - y->v[f]) > tolerance * fmax(1, fabs(y->v[f])))
                FAIL("row %zu (%g, %g): %s is %.17g, not %.17g", i, x->p[0], x->p[1], sweep_figure_info(f)->name,
                     x->v[f], y->v[f]);
        for (size_t k = 0; k < a->n_blocks; k++)
            if (fabs(a->blocks[i * a->n_blocks + k].sum - b->blocks[i * b->n_blocks + k].sum) > 1e-11 * (tolerance > 0))
                FAIL("row %zu: block %zu", i, k);
    }
}

/* The fast way and the engine, combination by combination. */
static void compare_ways(World *w, const SweepAxis *axes, size_t n_axes, size_t n_trades_least) {
    SweepResult fast, slow;
    SweepOptions o = { .threads = 2, .risk_free = 0.01 };
    CHECK_OK_PLAIN(&w->t.cx, sweep_run(&w->t.cx, w->engine, &w->base, axes, n_axes, &o, &fast));
    if (strcmp(fast.path, "columns") != 0)
        FAIL("went the way %s: " STR_FMT, fast.path, STR_ARG(fast.why));
    o.engine_only = true;
    CHECK_OK_PLAIN(&w->t.cx, sweep_run(&w->t.cx, w->engine, &w->base, axes, n_axes, &o, &slow));
    check_same(&fast, &slow, 1e-9);
    double n_trades = 0;
    for (size_t i = 0; i < fast.n; i++)
        n_trades += fast.rows[i].err ? 0 : fast.rows[i].v[SWEEP_TOTAL_TRADES];
    if (n_trades < (double)n_trades_least)
        FAIL("only %g trades were compared", n_trades);
}

TEST(the_fast_way_trades_as_the_engine_does) {
    static const double periods[] = { 5, 14, 25 }, low[] = { 20, 30, 40 }, deviations[] = { 1, 1.5, 2 };
    const SweepAxis rsi[] = { { S("period"), periods, 3 }, { S("oversold"), low, 3 } };
    const SweepAxis bands[] = { { S("period"), periods, 3 }, { S("deviations"), deviations, 3 } };
    static const struct {
        const char *name, *strategy;
        int axes;
    } rows[] = { { "simple averages", "moving_average_crossover", 0 },
                 { "exponential", "ema_crossover", 0 },
                 { "macd", "macd", 0 },
                 { "rsi", "rsi", 1 },
                 { "reversion", "bollinger_reversion", 2 },
                 { "breakout", "bollinger_breakout", 2 } };
    World w;
    EACH_ROW (r, rows) {
        world_init(&w, r->strategy);
        compare_ways(&w, r->axes == 0 ? PERIODS : r->axes == 1 ? rsi : bands, 2, 50);
        test_ctx_done(&w.t);
    }
    CHECK(ARRAY_LEN(rows) == 6);
}

TEST(the_fast_way_knows_fees_slippage_and_sizes) {
    static const struct {
        const char *name;
        Slippage slippage;
        CommissionKind commission;
        double rate;
        bool at_close;
        SizingKind sizing;
        double size;
    } rows[] = {
        { "percent slips",
          { SLIPPAGE_PERCENT, 0.002, true, true, true, false },
          COMMISSION_PERCENT,
          0.001,
          false,
          SIZING_PERCENT,
          0.9 },
        { "an amount slips",
          { SLIPPAGE_FIXED, 0.03, true, true, true, false },
          COMMISSION_PERCENT,
          0,
          false,
          SIZING_PERCENT,
          1 },
        { "fee a unit", { .match = true }, COMMISSION_PER_UNIT, 0.01, false, SIZING_CASH, 500 },
        { "one unit at the close", { .match = true }, COMMISSION_PERCENT, 0.001, true, SIZING_FIXED, 3 },
        { "nearly all in", { .match = true }, COMMISSION_PERCENT, 0.001, false, SIZING_EQUITY, 0.99 },
    };
    World w;
    EACH_ROW (r, rows) {
        world_init(&w, "moving_average_crossover");
        w.base.broker.slippage = r->slippage;
        w.base.broker.commission = r->commission;
        w.base.broker.commission_rate = r->rate;
        w.base.broker.cheat_on_close = r->at_close;
        w.strategy.has_sizing = true;
        w.strategy.position_sizing = r->sizing;
        w.strategy.position_size = r->size;
        compare_ways(&w, PERIODS, 2, 20);
        test_ctx_done(&w.t);
    }
    CHECK(ARRAY_LEN(rows) == 5);
}

TEST(any_number_of_threads_and_any_memory_give_the_same_bytes) {
    World w;
    SweepResult one, other;
    world_init(&w, "moving_average_crossover");
    SweepOptions o = { .threads = 1 };
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &one));
    for (int k = 0; k < 4; k++) {
        o = (SweepOptions){ .threads = k + 1, .memory_max = k % 2 ? 200000 : 0, .no_avx2 = k > 1 };
        CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &other));
        check_same(&other, &one, 0);
        CHECK(memcmp(one.rows, other.rows, one.n * sizeof *one.rows) == 0);
        CHECK(memcmp(one.blocks, other.blocks, one.n * one.n_blocks * sizeof *one.blocks) == 0);
        CHECK(memcmp(one.ranked, other.ranked, one.n * sizeof *one.ranked) == 0);
        CHECK(other.scratch_size <= (k % 2 ? 200000 : (size_t)96 << 20));
    }
    o = (SweepOptions){ .threads = 3, .engine_only = true };
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &other));
    o.threads = 1;
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &one));
    CHECK(memcmp(one.rows, other.rows, one.n * sizeof *one.rows) == 0);
    test_ctx_done(&w.t);
}

TEST(rows_are_ranked_and_refused_ones_come_last) {
    World w;
    SweepResult r;
    world_init(&w, "moving_average_crossover");
    SweepOptions o = { .objective = "max_drawdown" };
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &r));
    CHECK_EQ(r.n, 20);
    CHECK_EQ(r.n_refused, 3); /* 13, 21 >= 10; 21 >= 20 */
    CHECK(r.refused_words.n > 0);
    for (size_t i = 0; i < r.n; i++) {
        const SweepRow *row = &r.rows[r.ranked[i]];
        CHECK_EQ(row->rank, i);
        CHECK_EQ(row->err != 0, i >= 17);
        if (i > 0 && i < 17)
            CHECK(row->v[SWEEP_MAX_DRAWDOWN] >= r.rows[r.ranked[i - 1]].v[SWEEP_MAX_DRAWDOWN]);
    }
    HeatMap h;
    CHECK_OK(&w.t.cx, sweep_heat(&w.t.cx, &r, 0, 1, SWEEP_MAX_DRAWDOWN, &h));
    CHECK(h.n_x == 5 && h.n_y == 4 && h.less_is_better);
    CHECK(isnan(h.value[0 * 5 + 4]) && !isnan(h.value[3 * 5 + 4]));
    const SweepRow *best = &r.rows[r.ranked[0]];
    CHECK(h.x[h.best_x] == best->p[0] && h.y[h.best_y] == best->p[1]);
    CHECK_EQ(sweep_heat(&w.t.cx, &r, 1, 1, SWEEP_SHARPE, &h), ERR_INVALID);
    Pbo p;
    CHECK_OK(&w.t.cx, sweep_overfit(&w.t.cx, &r, 1, &p));
    CHECK(p.n_trials == 17 && p.n_ways == 12870 && p.probability >= 0 && p.probability <= 1);
    test_ctx_done(&w.t);
}

TEST(random_draws_each_combination_once_and_sequential_climbs) {
    World w;
    SweepResult grid, random, again, climbed;
    world_init(&w, "moving_average_crossover");
    SweepOptions o = { 0 };
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &grid));
    o = (SweepOptions){ .method = SWEEP_RANDOM, .n_samples = 12, .seed = 3 };
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &random));
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &again));
    CHECK_EQ(random.n, 12);
    for (size_t i = 0; i < 12; i++) {
        CHECK(random.rows[i].p[0] == again.rows[i].p[0] && random.rows[i].p[1] == again.rows[i].p[1]);
        for (size_t k = 0; k < i; k++)
            CHECK(random.rows[i].p[0] != random.rows[k].p[0] || random.rows[i].p[1] != random.rows[k].p[1]);
    }
    o = (SweepOptions){ .method = SWEEP_SEQUENTIAL, .n_samples = 20 };
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &climbed));
    const SweepRow *best = &climbed.rows[climbed.ranked[0]];
    CHECK(climbed.n < grid.n && climbed.n >= 8);
    for (size_t i = 0; i < grid.n; i++) { /* a local best: none on its row or column is better */
        const SweepRow *g = &grid.rows[i];
        if (!g->err && (g->p[0] == best->p[0] || g->p[1] == best->p[1]))
            CHECK(g->v[SWEEP_SHARPE] <= best->v[SWEEP_SHARPE]);
        if (g->p[0] == best->p[0] && g->p[1] == best->p[1])
            CHECK(memcmp(g->v, best->v, sizeof g->v) == 0);
    }
    test_ctx_done(&w.t);
}

TEST(what_does_not_fit_goes_through_the_engine_and_says_why) {
    World w;
    SweepResult r;
    world_init(&w, "moving_average_crossover");
    SweepOptions o = { 0 };
    w.base.broker.leverage = 2;
    CHECK_OK(&w.t.cx, sweep_run(&w.t.cx, w.engine, &w.base, PERIODS, 2, &o, &r));
    CHECK(strcmp(r.path, "engine") == 0);
    CHECK_STR(r.why, S("leverage and margin need an engine"));
    CHECK_EQ(r.n_refused, 3);
    test_ctx_done(&w.t);
}

static int stop_at_half(void *arg, Ctx *cx, const SweepProgress *p) {
    double *last = arg;
    if (p->fraction < *last || p->fraction > 1)
        return err_set(cx, ERR_INTERNAL, "progress went back");
    *last = p->fraction;
    return p->fraction >= 0.5 ? err_set(cx, ERR_CANCELLED, "half is enough") : 0;
}

TEST(a_sweep_says_what_is_wrong_and_stops_when_told) {
    static const double nothing[] = { NAN }, many[] = { 1, 2, 3 }, bad[] = { 50, 60 };
    const SweepAxis unknown = { S("perid"), many, 3 }, nan_axis = { S("short_period"), nothing, 1 };
    const SweepAxis empty = { S("short_period"), many, 0 }, refused = { S("short_period"), bad, 2 };
    const SweepAxis twice[] = { PERIODS[0], PERIODS[0] };
    World w;
    SweepResult r;
    world_init(&w, "moving_average_crossover");
    Ctx *cx = &w.t.cx;
    SweepOptions o = { 0 };
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, &unknown, 1, &o, &r), ERR_INVALID);
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, &nan_axis, 1, &o, &r), ERR_INVALID);
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, &empty, 1, &o, &r), ERR_INVALID);
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, &refused, 1, &o, &r), ERR_INVALID); /* all are >= 30 */
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, twice, 2, &o, &r), ERR_INVALID);
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, PERIODS, 0, &o, &r), ERR_INVALID);
    o.objective = "luck";
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, PERIODS, 2, &o, &r), ERR_INVALID);
    o = (SweepOptions){ .memory_max = 1000 };
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, PERIODS, 2, &o, &r), ERR_LIMIT);
    double last = 0;
    o = (SweepOptions){ .progress = stop_at_half, .progress_arg = &last, .memory_max = 200000 };
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, PERIODS, 2, &o, &r), ERR_CANCELLED);
    last = 0;
    o.engine_only = true;
    o.memory_max = 0;
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, PERIODS, 2, &o, &r), ERR_CANCELLED);
    atomic_bool cancel = true;
    cx->cancel = &cancel;
    o = (SweepOptions){ 0 };
    CHECK_EQ(sweep_run(cx, w.engine, &w.base, PERIODS, 2, &o, &r), ERR_CANCELLED);
    CHECK(sweep_eta_ms(&(SweepProgress){ .fraction = 0.25 }, 1000) == 3000);
    CHECK(sweep_eta_ms(&(SweepProgress){ 0 }, 1000) == -1);
    test_ctx_done(&w.t);
}

TESTS(T(the_fast_way_trades_as_the_engine_does), T(the_fast_way_knows_fees_slippage_and_sizes),
      T(any_number_of_threads_and_any_memory_give_the_same_bytes), T(rows_are_ranked_and_refused_ones_come_last),
      T(random_draws_each_combination_once_and_sequential_climbs),
      T(what_does_not_fit_goes_through_the_engine_and_says_why), T(a_sweep_says_what_is_wrong_and_stops_when_told))
