/* What every backtest engine keeps (MDS-29, MDS-31): the same trades for the same simple strategy, money that adds up,
 * nothing from the future, the same bytes again, and refusals with words. ENGINE is its name. */

#include "backtest/engine.h"
#include "base/rng.h"
#include "test.h"

enum { ROWS = 600 };

typedef struct Rig {
    TestCtx t;
    const BacktestEngine *e;
    Candles cs;
    MarketAsset asset;
    StrategyConfig config;
    BacktestRequest req;
    BacktestResult r;
} Rig;

static void make_candles(Arena *arena, Candles *cs, size_t n) {
    Rng rng;
    rng_seed(&rng, 5);
    candles_init(cs, arena, n);
    int64_t price = 10000;
    for (size_t i = 0; i < n; i++) {
        int64_t open = price + rng_between(&rng, -30, 30), move = rng_between(&rng, -150, 150), close = open + move;
        close = MAX(close, 2000);
        int64_t high = MAX(open, close), low = MIN(open, close);
        high += rng_between(&rng, 0, 40);
        low -= rng_between(&rng, 0, 40);
        candles_push(cs, &(Candle){ .open_time = time_ms(INT64_C(1704067200000) + (int64_t)i * MS_PER_HOUR),
                                    .open = (double)open / 100,
                                    .high = (double)high / 100,
                                    .low = (double)low / 100,
                                    .close = (double)close / 100,
                                    .volume = 1e6 });
        price = close;
    }
}

static void rig_init(Rig *rig, size_t n) {
    memset(rig, 0, sizeof *rig);
    test_ctx_init(&rig->t);
    rig->e = backtest_engine_find(S(ENGINE));
    make_candles(&rig->t.arena, &rig->cs, n);
    rig->asset = (MarketAsset){ .timeframe = { UNIT_HOUR, 1 }, .candles = &rig->cs };
    symbol_parse(S("MADE"), &rig->asset.symbol);
    rig->config = (StrategyConfig){ .strategy_type = S("moving_average_crossover"),
                                    .has_sizing = true,
                                    .position_sizing = SIZING_FIXED,
                                    .position_size = 1 };
    rig->req = (BacktestRequest){
        .assets = &rig->asset, .n_assets = 1, .strategy = &rig->config, .broker = broker_config_standard()
    };
}

static int run(Rig *rig) {
    return backtest_run(rig->e, &rig->t.cx, &rig->req, &rig->r);
}

static double mean(const double *x, size_t at, size_t n) {
    double sum = 0;
    for (size_t i = at + 1 - n; i <= at; i++)
        sum += x[i];
    return sum / (double)n;
}

/* Buys at the open after the fast mean crossed over the slow one, sells after it crossed back. */
TEST(a_crossover_gives_the_same_trades_in_every_engine) { /* MDS-31 */
    Rig rig;
    rig_init(&rig, ROWS);
    CHECK_OK(&rig.t.cx, run(&rig));
    size_t k = 0;
    double before = 0;
    bool held = false;
    for (size_t i = 29; i + 1 < ROWS; i++) {
        double now = mean(rig.cs.close, i, 10) - mean(rig.cs.close, i, 30);
        bool up = before < 0 && now > 0, down = before > 0 && now < 0;
        before = fabs(now) > 1e-9 ? now : before;
        if (!held && up) {
            CHECK(k < rig.r.n_trades);
            CHECK_EQ(rig.r.trades[k].entry_step, i + 1);
            CHECK_NEAR(rig.r.trades[k].entry_price, rig.cs.open[i + 1], 1e-12);
            held = true;
        } else if (held && down) {
            CHECK_EQ(rig.r.trades[k].exit_step, i + 1);
            CHECK_NEAR(rig.r.trades[k].exit_price, rig.cs.open[i + 1], 1e-12);
            CHECK_NEAR(rig.r.trades[k].fees, 0.001 * (rig.r.trades[k].entry_price + rig.cs.open[i + 1]), 1e-12);
            held = false;
            k++;
        }
    }
    CHECK(k > 5);
    CHECK_EQ(rig.r.n_closed, k);
    CHECK_EQ(rig.r.n_trades, k + held);
    test_ctx_done(&rig.t);
}

TEST(money_adds_up_to_the_cent) { /* MDS-35 */
    static const char *const names[] = { "moving_average_crossover", "rsi", "bollinger_reversion", "buy_and_hold" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        Rig rig;
        rig_init(&rig, ROWS);
        rig.config.strategy_type = str_c(names[i]);
        rig.config.has_sizing = false;
        rig.config.position_size = 0;
        test_row_name = names[i];
        CHECK_OK(&rig.t.cx, run(&rig));
        const BacktestResult *r = &rig.r;
        CHECK(r->n_trades > 0);
        CHECK_NEAR(r->initial_cash + r->realised_pnl - r->fees - r->costs + r->open_mark, r->final_value, 0.005);
        CHECK_NEAR(r->equity[r->n_steps - 1], r->final_value, 0.005);
        CHECK(r->assumptions.n > 0);
        test_ctx_done(&rig.t);
    }
}

typedef struct Seen {
    size_t n, last;
    bool ok;
} Seen;

static void probe(void *arg, const View *v) {
    Seen *s = arg;
    s->ok = s->ok && v->n_assets == 1 && v->assets[0].i == v->step && v->assets[0].fresh;
    s->last = v->assets[0].i;
    s->n++;
}

TEST(a_strategy_is_asked_at_every_candle_after_its_warm_up_and_at_no_other) { /* FLW-03 */
    Rig rig;
    Seen seen = { .ok = true };
    rig_init(&rig, ROWS);
    rig.req.options.probe = probe;
    rig.req.options.probe_arg = &seen;
    CHECK_OK(&rig.t.cx, run(&rig));
    size_t warmup = rig.r.assets[0].warmup;
    CHECK(warmup >= 29 && warmup <= 31);
    CHECK_EQ(rig.r.first_next_step, warmup);
    CHECK_EQ(rig.r.n_next_calls, ROWS - warmup);
    CHECK(seen.ok);
    CHECK_EQ(seen.n, ROWS);
    test_ctx_done(&rig.t);
}

TEST(later_candles_change_nothing_of_what_was) {
    Rig whole, cut;
    rig_init(&whole, ROWS);
    CHECK_OK(&whole.t.cx, run(&whole));
    for (size_t n = 50; n < ROWS; n += 77) {
        rig_init(&cut, ROWS);
        cut.cs.n = n;
        CHECK_OK(&cut.t.cx, run(&cut));
        CHECK(memcmp(cut.r.equity, whole.r.equity, n * sizeof(double)) == 0);
        CHECK(cut.r.n_orders <= whole.r.n_orders);
        for (size_t i = 0; i < cut.r.n_orders; i++)
            CHECK(cut.r.orders[i].size == whole.r.orders[i].size &&
                  cut.r.orders[i].created_step == whole.r.orders[i].created_step);
        test_ctx_done(&cut.t);
    }
    test_ctx_done(&whole.t);
}

TEST(the_same_run_gives_the_same_bytes_also_candle_by_candle) {
    Rig rig, again;
    rig_init(&rig, ROWS);
    CHECK_OK(&rig.t.cx, run(&rig));
    for (int stepwise = 0; stepwise < 2; stepwise++) {
        rig_init(&again, ROWS);
        again.req.options.stepwise = stepwise;
        CHECK_OK(&again.t.cx, run(&again));
        CHECK(again.r.n_trades == rig.r.n_trades && again.r.n_orders == rig.r.n_orders);
        CHECK(memcmp(again.r.equity, rig.r.equity, ROWS * sizeof(double)) == 0);
        test_ctx_done(&again.t);
    }
    test_ctx_done(&rig.t);
}

TEST(the_rule_of_a_built_in_strategy_gives_its_bytes) {
    static const StrategyValue rules[] = {
        { .name = STR_INIT("entry"), .is_text = true, .text = STR_INIT("crossover(sma(close, 10), sma(close, p1))") },
        { .name = STR_INIT("exit"), .is_text = true, .text = STR_INIT("crossunder(sma(close, 10), sma(close, p1))") },
        { .name = STR_INIT("p1"), .number = 30 },
    };
    Rig rig, ruled;
    rig_init(&rig, ROWS);
    rig_init(&ruled, ROWS);
    rig.config.strategy_type = S("moving_average_crossover");
    ruled.config.strategy_type = S("rules");
    ruled.config.parameters = rules;
    ruled.config.n_parameters = ARRAY_LEN(rules);
    CHECK_OK(&rig.t.cx, run(&rig));
    CHECK_OK(&ruled.t.cx, run(&ruled));
    CHECK_EQ(ruled.r.n_trades, rig.r.n_trades);
    for (size_t i = 0; i < ROWS; i++)
        CHECK_NEAR(ruled.r.equity[i], rig.r.equity[i], 1e-9);
    test_ctx_done(&rig.t);
    test_ctx_done(&ruled.t);
}

TEST(what_cannot_be_run_is_refused_with_words) { /* MDS-34, MDS-47 */
    Rig rig;
    rig_init(&rig, ROWS);
    rig.config.strategy_type = S("astrology");
    CHECK_EQ(run(&rig), ERR_INVALID);
    CHECK(strstr(rig.t.cx.err.text, "moving_average_crossover"));
    CHECK_EQ(backtest_validate(rig.e, &rig.t.cx, NULL, &rig.config, &rig.req.broker), ERR_INVALID);

    const StrategyValue periods[] = { { .name = S("short_period"), .number = 30 },
                                      { .name = S("long_period"), .number = 30 } };
    rig.config =
        (StrategyConfig){ .strategy_type = S("moving_average_crossover"), .parameters = periods, .n_parameters = 2 };
    CHECK_EQ(run(&rig), ERR_INVALID);
    rig.config = (StrategyConfig){ .strategy_type = S("moving_average_crossover"), .position_size = 1.5 };
    CHECK_EQ(run(&rig), ERR_INVALID);
    rig.config.position_size = 0;
    CHECK_OK(&rig.t.cx, backtest_validate(rig.e, &rig.t.cx, NULL, &rig.config, &rig.req.broker));
    rig.cs.n = 0;
    CHECK_EQ(run(&rig), ERR_INVALID);
    rig.cs.n = ROWS;
    rig.cs.open_ms[7] = rig.cs.open_ms[6];
    CHECK_EQ(run(&rig), ERR_INVALID);
    test_ctx_done(&rig.t);
}

TEST(a_run_without_trades_explains_itself) {
    Rig rig;
    rig_init(&rig, ROWS);
    rig.cs.n = 20;
    CHECK_OK(&rig.t.cx, run(&rig));
    CHECK_EQ(rig.r.n_trades, 0);
    CHECK(str_find(rig.r.explanation, S("needs")) >= 0);
    CHECK_NEAR(rig.r.final_value, rig.r.initial_cash, 0);
    test_ctx_done(&rig.t);
}

TEST(what_it_supports_can_be_validated) {
    Rig rig;
    const StrategyType *const *types;
    size_t n, n_good = 0;
    rig_init(&rig, ROWS);
    backtest_supported(rig.e, NULL, &rig.t.arena, &types, &n);
    for (size_t i = 0; i < n; i++) {
        StrategyConfig config = { .strategy_type = str_c(types[i]->name) };
        n_good += backtest_validate(rig.e, &rig.t.cx, NULL, &config, &rig.req.broker) == 0;
    }
    CHECK(n_good >= 9 && n_good >= n - 1); /* `rules` asks for a rule */
    test_ctx_done(&rig.t);
}

static int stop_after(void *arg, Ctx *cx, size_t step, size_t n_steps) {
    size_t *calls = arg;
    UNUSED(step), UNUSED(n_steps);
    return ++*calls > 1 ? err_set(cx, ERR_CANCELLED, "enough") : 0;
}

TEST(a_run_can_be_watched_and_cancelled) {
    Rig rig;
    size_t calls = 0;
    atomic_bool cancel = true;
    rig_init(&rig, 200000);
    rig.req.options.progress = stop_after;
    rig.req.options.progress_arg = &calls;
    CHECK_EQ(run(&rig), ERR_CANCELLED);
    CHECK_EQ(calls, 2);
    rig.req.options.progress = NULL;
    rig.t.cx.cancel = &cancel;
    CHECK_EQ(run(&rig), ERR_CANCELLED);
    test_ctx_done(&rig.t);
}

TESTS(T(a_crossover_gives_the_same_trades_in_every_engine), T(money_adds_up_to_the_cent),
      T(a_strategy_is_asked_at_every_candle_after_its_warm_up_and_at_no_other),
      T(later_candles_change_nothing_of_what_was), T(the_same_run_gives_the_same_bytes_also_candle_by_candle),
      T(the_rule_of_a_built_in_strategy_gives_its_bytes), T(what_cannot_be_run_is_refused_with_words),
      T(a_run_without_trades_explains_itself), T(what_it_supports_can_be_validated),
      T(a_run_can_be_watched_and_cancelled))
