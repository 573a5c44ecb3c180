/* Properties of backtests, over made-up markets, strategies, parameters and brokers: the account adds up to the cent,
 * equal requests give equal bytes, lines computed candle by candle are those of the batch, and no candle changes what
 * was decided before it. */

#include "test.h"
#include "backtest/engine.h"
#include "base/rng.h"

enum { CASES = 60, CANDLES_MAX = 600 };

/* --- made-up worlds --- */

static Candles market(Rng *rng, Arena *a, size_t n, int64_t step_ms) {
    Candles cs;
    candles_init(&cs, a, n);
    double price = 20 + 200 * rng_f64(rng), sd = 0.002 + 0.03 * rng_f64(rng);
    int64_t at = INT64_C(1577836800000);
    for (size_t i = 0; i < n; i++) {
        double open = price * exp(sd * 0.3 * rng_normal(rng)), close = open * exp(sd * rng_normal(rng));
        candles_push(&cs, &(Candle){ .open_time = time_ms(at),
                                     .open = open,
                                     .high = MAX(open, close) * (1 + sd * rng_f64(rng)),
                                     .low = MIN(open, close) * (1 - sd * rng_f64(rng)),
                                     .close = close,
                                     .volume = 100 * rng_f64(rng) });
        price = close;
        at += step_ms * (rng_chance(rng, 0.02) ? rng_between(rng, 2, 5) : 1);
    }
    return cs;
}

static BrokerConfig broker_of(Rng *rng) {
    BrokerConfig b = broker_config_standard();
    b.cash = rng_chance(rng, 0.3) ? 1000 : 100000;
    b.commission_rate = rng_chance(rng, 0.2) ? 0 : 0.002 * rng_f64(rng);
    if (rng_chance(rng, 0.4))
        b.slippage = (Slippage){ .kind = rng_chance(rng, 0.5) ? SLIPPAGE_PERCENT : SLIPPAGE_FIXED,
                                 .value = 0.003 * rng_f64(rng),
                                 .on_open = rng_chance(rng, 0.8),
                                 .on_limit = rng_chance(rng, 0.5),
                                 .match = rng_chance(rng, 0.7),
                                 .out = rng_chance(rng, 0.2) };
    b.cheat_on_close = rng_chance(rng, 0.2);
    b.interest = rng_chance(rng, 0.3) ? 0.1 * rng_f64(rng) : 0;
    b.interest_long = rng_chance(rng, 0.5);
    b.leverage = rng_chance(rng, 0.3) ? 1 + 5 * rng_f64(rng) : 1;
    b.no_short = rng_chance(rng, 0.1);
    b.no_cash_check = rng_chance(rng, 0.1);
    if (rng_chance(rng, 0.25)) {
        b.margin = 20 + 100 * rng_f64(rng);
        b.multiplier = 1 + 4 * rng_f64(rng);
        b.commission = COMMISSION_PER_UNIT;
    }
    return b;
}

/* Whole numbers near the standard ones, so that short stays below long. */
static StrategyConfig strategy_of(Rng *rng, Arena *a) {
    const StrategyCatalog *all = strategy_builtins();
    const StrategyType *type;
    bool usable;
    do {
        type = all->types[rng_below(rng, all->n)];
        usable = type->assets_min <= 1;
        for (const ParamSpec *p = type->params; p && p->name; p++)
            usable = usable && p->kind != PARAM_TEXT;
    } while (!usable);
    StrategyConfig c = { .strategy_type = str_c(type->name), .position_size = 0.1 + 0.9 * rng_f64(rng) };
    StrategyValue *values = arena_new_n(a, StrategyValue, STRATEGY_PARAMS_MAX);
    for (const ParamSpec *p = type->params; p && p->name; p++)
        if (p->kind == PARAM_INT && p->standard >= 9)
            values[c.n_parameters++] =
                (StrategyValue){ .name = str_c(p->name),
                                 .number = floor(p->standard * (0.4 + 0.1 * (double)rng_below(rng, 2))) };
    c.parameters = values;
    return c;
}

typedef struct World {
    Rng rng;
    Candles cs;
    MarketAsset asset;
    StrategyConfig config;
    BacktestRequest req;
} World;

static void world_init(World *w, uint64_t seed, Arena *a) {
    static const struct {
        Timeframe timeframe;
        int64_t step_ms;
    } steps[] = { { { UNIT_DAY, 1 }, MS_PER_DAY }, { { UNIT_HOUR, 1 }, MS_PER_HOUR } };
    rng_seed(&w->rng, seed);
    size_t k = rng_below(&w->rng, ARRAY_LEN(steps));
    w->cs = market(&w->rng, a, 2 + rng_below(&w->rng, CANDLES_MAX), steps[k].step_ms);
    w->asset = (MarketAsset){ .timeframe = steps[k].timeframe, .candles = &w->cs };
    symbol_parse(S("WORLD"), &w->asset.symbol);
    w->config = strategy_of(&w->rng, a);
    w->req =
        (BacktestRequest){ .assets = &w->asset, .n_assets = 1, .strategy = &w->config, .broker = broker_of(&w->rng) };
}

static void run(TestCtx *t, const BacktestRequest *req, BacktestResult *out) {
    CHECK_OK_PLAIN(&t->cx, backtest_run(backtest_engine_find(S("backtrader")), &t->cx, req, out));
}

/* --- the properties --- */

TEST(the_account_adds_up_to_the_cent) { /* MDS-35 */
    uint64_t seed = prop_seed(1);
    size_t n_trades = 0;
    for (uint64_t i = 0; i < CASES; i++) {
        TestCtx t;
        World w;
        BacktestResult r;
        test_ctx_init(&t);
        world_init(&w, seed + i, &t.arena);
        run(&t, &w.req, &r);
        double sum = r.initial_cash + r.realised_pnl - r.fees - r.costs + r.open_mark;
        CHECK_NEAR(r.final_value, sum, 0.005);
        CHECK_NEAR(r.final_value, r.equity[r.n_steps - 1], 0);
        double pnl = 0, fees = 0, costs = 0;
        for (size_t k = 0; k < r.n_trades; k++) {
            pnl += r.trades[k].pnl;
            fees += r.trades[k].fees;
            costs += r.trades[k].costs;
        }
        CHECK_NEAR(pnl, r.realised_pnl, 0.005);
        CHECK_NEAR(fees, r.fees, 0.005);
        CHECK(costs <= r.costs + 0.005); /* interest of a position that is still open is not settled yet */
        n_trades += r.n_closed;
        test_ctx_done(&t);
    }
    CHECK(n_trades > 100);
}

/* memcmp may not be given NULL, not even for nothing. */
static bool same(const void *a, const void *b, size_t size) {
    return size == 0 || memcmp(a, b, size) == 0;
}

static bool same_trades(const BacktestResult *a, const BacktestResult *b) {
    return a->n_trades == b->n_trades && same(a->trades, b->trades, a->n_trades * sizeof(Trade));
}

static bool same_bytes(const BacktestResult *a, const BacktestResult *b) {
    if (a->n_steps != b->n_steps || a->n_orders != b->n_orders || a->n_events != b->n_events || !same_trades(a, b))
        return false;
    return same(a->equity, b->equity, a->n_steps * sizeof(double)) &&
           same(a->orders, b->orders, a->n_orders * sizeof(Order)) &&
           same(a->events, b->events, a->n_events * sizeof(OrderEvent)) && str_eq(a->explanation, b->explanation);
}

TEST(equal_requests_give_equal_bytes_in_one_batch_and_candle_by_candle) {
    uint64_t seed = prop_seed(1000);
    for (uint64_t i = 0; i < CASES; i++) {
        TestCtx t;
        World w;
        BacktestResult first, second, stepwise;
        test_ctx_init(&t);
        world_init(&w, seed + i, &t.arena);
        run(&t, &w.req, &first);
        run(&t, &w.req, &second);
        CHECK(same_bytes(&first, &second));
        w.req.options.stepwise = true;
        run(&t, &w.req, &stepwise);
        CHECK(same_bytes(&first, &stepwise));
        test_ctx_done(&t);
    }
}

TEST(a_later_candle_changes_no_earlier_decision) {
    uint64_t seed = prop_seed(2000);
    for (uint64_t i = 0; i < CASES; i++) {
        TestCtx t;
        World w;
        BacktestResult whole, cut;
        test_ctx_init(&t);
        world_init(&w, seed + i, &t.arena);
        run(&t, &w.req, &whole);
        size_t n = 1 + rng_below(&w.rng, w.cs.n - 1);
        Candles first = candles_view(&w.cs, 0, n);
        w.asset.candles = &first;
        run(&t, &w.req, &cut);
        CHECK(same(whole.equity, cut.equity, n * sizeof(double)));
        for (size_t k = 0; k < cut.n_orders; k++) {
            const Order *a = &whole.orders[k], *b = &cut.orders[k];
            CHECK(a->created_step == b->created_step && a->size == b->size && a->type == b->type);
        }
        CHECK(cut.n_orders == whole.n_orders || whole.orders[cut.n_orders].created_step >= n);
        test_ctx_done(&t);
    }
}

/* --- what a strategy can see (FLW-03) --- */

typedef struct Probe {
    const Candles *cs;
    size_t n_seen, n_next, n_bad;
} Probe;

static Probe *probe_of_next; /* the strategy's own counter: its type is a constant */

static int watcher_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx), UNUSED(s);
    setup_indicator(setup, 0, ta_find(S("sma")), (double[]){ 25 }, NULL);
    return 0;
}

/* The line's value is the mean of the candles up to the present one, and of none after it. */
static void watcher_next(Strategy *s, const View *v, Broker *b) {
    UNUSED(s), UNUSED(b);
    double sum = 0;
    for (size_t ago = 0; ago < 25; ago++)
        sum += view_close(v, 0, ago);
    probe_of_next->n_next++;
    probe_of_next->n_bad += !(fabs(view_line(v, 1, 0) - sum / 25) <= 1e-9 * sum);
}

static const StrategyType watcher = { .name = "watcher", .init = watcher_init, .next = watcher_next };

static void look(void *arg, const View *v) {
    Probe *p = arg;
    p->n_bad += v->assets[0].i != p->n_seen || v->step != p->n_seen;
    p->n_bad += v->now.ms < p->cs->open_ms[p->n_seen];
    /* stepwise: what lies ahead has not been computed */
    p->n_bad += p->n_seen + 1 < p->cs->n && !isnan(v->lines[1][p->n_seen + 1]);
    p->n_seen++;
}

TEST(next_is_called_once_a_candle_after_the_warm_up_and_sees_none_before_its_time) { /* FLW-03 */
    uint64_t seed = prop_seed(3000);
    for (uint64_t i = 0; i < CASES; i++) {
        TestCtx t;
        World w;
        BacktestResult r;
        test_ctx_init(&t);
        world_init(&w, seed + i, &t.arena);
        Probe probe = { .cs = &w.cs };
        const StrategyType *types[] = { &watcher };
        StrategyCatalog catalog = { types, 1 };
        w.req.catalog = &catalog;
        w.config = (StrategyConfig){ .strategy_type = S("watcher") };
        w.req.options = (RunOptions){ .stepwise = true, .probe = look, .probe_arg = &probe };
        probe_of_next = &probe;
        run(&t, &w.req, &r);
        CHECK_EQ(probe.n_bad, 0);
        CHECK_EQ(probe.n_seen, w.cs.n);
        CHECK_EQ(probe.n_next, w.cs.n > 24 ? w.cs.n - 24 : 0);
        CHECK_EQ(r.n_next_calls, probe.n_next);
        test_ctx_done(&t);
    }
}

TESTS(T(the_account_adds_up_to_the_cent), T(equal_requests_give_equal_bytes_in_one_batch_and_candle_by_candle),
      T(a_later_candle_changes_no_earlier_decision),
      T(next_is_called_once_a_candle_after_the_warm_up_and_sees_none_before_its_time))
