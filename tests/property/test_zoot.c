/* Engine zoot under a strategy that sends anything: random orders, brackets and cancellations over made-up markets.
 * Money is conserved, fills lie where the market was, the future changes nothing, the same run is the same bytes. */

#include "backtest/zoot/zoot.h"
#include "base/rng.h"
#include "test.h"

enum { ROUNDS = 60, ROWS = 300, ASSETS = 3 };

/* --- a strategy of whims: what it does depends on the seed and the step alone --- */

static uint64_t whim_seed;
static double whim_money = 2000; /* most of an order */

static int whim_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(s), UNUSED(setup), UNUSED(cx);
    return 0;
}

static OrderRequest whim_order(Rng *rng, const View *v) {
    OrderRequest r = { .asset = (uint32_t)rng_between(rng, 0, (int64_t)v->n_assets - 1) };
    double close = view_close(v, r.asset, 0), unit = whim_money / close;
    r.size = unit * (rng_f64(rng) * 2 - 1);
    r.type = (OrderType)rng_between(rng, 0, ORDER_TYPES - 1);
    r.price = r.type == ORDER_MARKET ? 0 : close * (0.95 + 0.1 * rng_f64(rng));
    r.limit_price = close * (0.95 + 0.1 * rng_f64(rng));
    r.trail_percent = 0.01 + 0.05 * rng_f64(rng);
    r.tif = rng_chance(rng, 0.8) ? TIF_STANDARD : (TimeInForce)rng_between(rng, TIF_IOC, TIF_FOK);
    if (rng_chance(rng, 0.3))
        r.valid_until = time_add_ms(v->now, rng_between(rng, 0, 5 * MS_PER_HOUR));
    return r;
}

static void whim_next(Strategy *s, const View *v, Broker *b) {
    UNUSED(s);
    Rng rng;
    rng_seed(&rng, whim_seed + v->step * 7919);
    for (size_t i = 0; i < v->n_assets; i++)
        if (v->assets[i].position != 0 && rng_chance(&rng, 0.1))
            broker_close(b, i);
    if (!rng_chance(&rng, 0.5))
        return;
    OrderRequest r = whim_order(&rng, v);
    bool bracket = rng_chance(&rng, 0.4);
    r.hold = bracket;
    OrderId id = broker_submit(b, &r);
    if (id && bracket) {
        double close = view_close(v, r.asset, 0), sign = r.size > 0 ? 1 : -1;
        OrderRequest child = { .asset = r.asset, .size = -r.size, .parent = id, .hold = true, .type = ORDER_STOP };
        child.price = close * (1 - sign * 0.02);
        broker_submit(b, &child);
        child.hold = false;
        child.type = ORDER_LIMIT;
        child.price = close * (1 + sign * 0.03);
        broker_submit(b, &child);
    }
    OrderId other = (OrderId)rng_between(&rng, 1, 50);
    if (rng_chance(&rng, 0.1) && b->ops->order(b, other))
        broker_cancel(b, other);
}

static const StrategyType whim = {
    .name = "whim", .words = "anything", .assets_max = ASSETS, .init = whim_init, .next = whim_next
};
static const StrategyType *const types[] = { &whim };
static const StrategyCatalog catalog = { types, 1 };

/* --- markets --- */

typedef struct Case {
    Candles candles[ASSETS];
    MarketAsset assets[ASSETS];
    ZootAsset zoot_assets[ASSETS];
    Listing listing;
    ZootFeeTier tiers[2];
    ZootOptions zoot;
    StrategyConfig config;
    BacktestRequest req;
    int64_t funding_ms[ROWS];
    double funding_rate[ROWS];
} Case;

static bool gapless; /* one asset whose candles open where the last closed */

static void make_candles(Rng *rng, Arena *arena, Candles *cs, int64_t step_ms, size_t n) {
    double price = 50 + 100 * rng_f64(rng);
    candles_init(cs, arena, n);
    for (size_t i = 0; i < n; i++) {
        double jump = rng_chance(rng, 0.02) ? 0.3 * (rng_f64(rng) - 0.5) : 0.02 * (rng_f64(rng) - 0.5);
        jump = gapless ? 0 : jump;
        double open = price * (1 + jump), close = open * (1 + 0.03 * (rng_f64(rng) - 0.5));
        Candle c = { .open_time = time_ms(INT64_C(1704067200000) + (int64_t)i * step_ms),
                     .open = open,
                     .high = fmax(open, close) * (1 + 0.01 * rng_f64(rng)),
                     .low = fmin(open, close) * (1 - 0.01 * rng_f64(rng)),
                     .close = close,
                     .volume = (double)rng_between(rng, 0, 100) };
        candles_push(cs, &c);
        price = close;
    }
}

static void make_case(Rng *rng, Arena *arena, Case *c) {
    static const Timeframe frames[] = { { UNIT_HOUR, 1 }, { UNIT_HOUR, 1 }, { UNIT_HOUR, 4 } };
    memset(c, 0, sizeof *c);
    c->req.broker = broker_config_standard();
    c->req.n_assets = gapless ? 1 : (size_t)rng_between(rng, 1, ASSETS);
    for (size_t i = 0; i < c->req.n_assets; i++) {
        make_candles(rng, arena, &c->candles[i], timeframe_ms(frames[i]), i == 2 ? ROWS / 4 : ROWS);
        c->assets[i] = (MarketAsset){ .timeframe = frames[i], .candles = &c->candles[i] };
        symbol_parse(str_fmt(arena, "A%zu", i), &c->assets[i].symbol);
        c->zoot_assets[i].spread = rng_chance(rng, 0.5) ? 0.002 : 0;
        if (rng_chance(rng, 0.5)) {
            c->listing = (Listing){ .tick = { 1, 2 }, .lot = { 1, 1 }, .min_notional = { 5, 0 } };
            c->zoot_assets[i].listing = &c->listing;
        }
    }
    for (int i = 0; i < ROWS; i++) {
        c->funding_ms[i] = INT64_C(1704067200000) + (int64_t)i * 8 * MS_PER_HOUR;
        c->funding_rate[i] = 0.001 * (rng_f64(rng) - 0.5);
    }
    if (rng_chance(rng, 0.5))
        c->zoot_assets[0].funding = (ZootFunding){ c->funding_ms, c->funding_rate, ROWS };
    c->tiers[0] = (ZootFeeTier){ 0, 0.0002, 0.0005 };
    c->tiers[1] = (ZootFeeTier){ 20000, 0.0001, 0.0003 };
    c->zoot = (ZootOptions){ .assets = c->zoot_assets,
                             .n_assets = c->req.n_assets,
                             .tiers = c->tiers,
                             .n_tiers = rng_chance(rng, 0.5) ? 2 : 0,
                             .volume_share = rng_chance(rng, 0.5) ? 0.2 : 0,
                             .impact = rng_chance(rng, 0.3) ? 0.01 : 0,
                             .liquidation_fee = rng_chance(rng, 0.5) ? 0.005 : 0 };
    c->req.broker.leverage = rng_chance(rng, 0.5) ? 1 : (double)rng_between(rng, 2, 10);
    if (gapless) {
        c->req.broker.leverage = (double)rng_between(rng, 5, 30);
        c->zoot.volume_share = 0;
    }
    c->req.broker.interest = rng_chance(rng, 0.5) ? 0.05 : 0;
    c->req.broker.slippage.kind = (SlippageKind)rng_between(rng, SLIPPAGE_NONE, SLIPPAGE_PERCENT);
    c->req.broker.slippage.value = 0.001;
    c->config = (StrategyConfig){ .strategy_type = S("whim") };
    c->req.assets = c->assets;
    c->req.strategy = &c->config;
    c->req.catalog = &catalog;
    c->req.zoot = &c->zoot;
}

static void run(TestCtx *t, const Case *c, BacktestResult *out) {
    CHECK_OK_PLAIN(&t->cx, backtest_run(&backtest_zoot, &t->cx, &c->req, out));
}

static void for_each_case(uint64_t seed, void check(TestCtx *t, Rng *rng, Case *c, const BacktestResult *r)) {
    Rng rng;
    rng_seed(&rng, prop_seed(seed));
    size_t n_fills = 0;
    for (int round = 0; round < ROUNDS; round++) {
        TestCtx t;
        test_ctx_init(&t);
        Case *c = arena_new(&t.arena, Case);
        BacktestResult r;
        make_case(&rng, &t.arena, c);
        whim_seed = rng_u64(&rng);
        run(&t, c, &r);
        for (size_t i = 0; i < r.n_orders; i++)
            n_fills += r.orders[i].filled != 0;
        check(&t, &rng, c, &r);
        test_ctx_done(&t);
    }
    if (n_fills < ROUNDS * 10)
        FAIL("only %zu orders were filled: the property shows nothing", n_fills);
}

/* --- properties --- */

static void check_money(TestCtx *t, Rng *rng, Case *c, const BacktestResult *r) {
    void **state_ = NULL;
    UNUSED(t), UNUSED(rng);
    double booked = r->initial_cash + r->realised_pnl - r->fees - r->costs + r->open_mark, held = r->final_cash;
    double fees = 0, pnl = 0, costs = 0;
    for (size_t i = 0; i < r->n_assets; i++)
        held += r->assets[i].position * r->assets[i].last_close;
    CHECK_NEAR(booked, r->final_value, 0.005);
    CHECK_NEAR(held, r->final_value, 0.005);
    for (size_t i = 0; i < r->n_trades; i++) {
        fees += r->trades[i].fees;
        pnl += r->trades[i].pnl;
        costs += r->trades[i].costs;
        CHECK_NEAR(r->trades[i].pnl_net, r->trades[i].pnl - r->trades[i].fees - r->trades[i].costs, 1e-9);
    }
    CHECK_NEAR(fees, r->fees, 0.005);
    CHECK_NEAR(pnl, r->realised_pnl, 0.005);
    CHECK_NEAR(costs, r->costs, 0.005);
    double of_orders = 0;
    for (size_t i = 0; i < r->n_orders; i++)
        of_orders += r->orders[i].fees;
    CHECK_NEAR(of_orders, r->fees, 0.005);
    UNUSED(c);
}

TEST(money_is_conserved_to_the_cent) {
    UNUSED(state_);
    for_each_case(71, check_money);
}

static void check_fills(TestCtx *t, Rng *rng, Case *c, const BacktestResult *r) {
    void **state_ = NULL;
    UNUSED(t), UNUSED(rng);
    double position[ASSETS] = { 0 };
    for (size_t i = 0; i < r->n_orders; i++) {
        const Order *o = &r->orders[i];
        const Candles *cs = &c->candles[o->asset];
        position[o->asset] += o->filled;
        if (o->filled == 0)
            continue;
        CHECK((o->filled > 0) == (o->size > 0));
        CHECK(fabs(o->filled) <= fabs(o->size) * (1 + 1e-12));
        /* a mean of prices of candles after the decision; the last of them is the candle of `step` */
        double low = INFINITY, high = 0;
        for (size_t k = 0; k < cs->n; k++) {
            if (cs->open_ms[k] <= r->time_ms[o->created_step] && !str_eq(str_c(o->tag), S("liquidation")))
                continue;
            if (cs->open_ms[k] > r->time_ms[o->step])
                break;
            low = fmin(low, cs->low[k]);
            high = fmax(high, cs->high[k]);
        }
        if (!(o->price >= low * (1 - 1e-12) && o->price <= high * (1 + 1e-12)))
            FAIL("order %u: %.12g is outside of %.12g .. %.12g", o->id, o->price, low, high);
        if (o->type == ORDER_LIMIT && o->created_price > 0)
            CHECK(o->size > 0 ? o->price <= o->limit_price * (1 + 1e-12) : o->price >= o->limit_price * (1 - 1e-12));
    }
    for (size_t i = 0; i < r->n_assets; i++)
        CHECK_NEAR(position[i], r->assets[i].position, 1e-9);
}

TEST(fills_lie_where_the_market_was_and_parts_sum_up) {
    UNUSED(state_);
    for_each_case(72, check_fills);
}

static void check_prefix(TestCtx *t, Rng *rng, Case *c, const BacktestResult *r) {
    void **state_ = NULL;
    int64_t until = c->candles[0].open_ms[rng_between(rng, 20, ROWS - 1)];
    BacktestResult cut;
    for (size_t i = 0; i < c->req.n_assets; i++) {
        /* what closes by the cut */
        while (c->candles[i].n &&
               c->candles[i].open_ms[c->candles[i].n - 1] + timeframe_ms(c->assets[i].timeframe) > until)
            c->candles[i].n--;
        CHECK(c->candles[i].n > 0);
    }
    run(t, c, &cut);
    CHECK(cut.n_steps <= r->n_steps && cut.n_orders <= r->n_orders);
    for (size_t i = 0; i < cut.n_steps; i++)
        CHECK(cut.time_ms[i] == r->time_ms[i] && cut.equity[i] == r->equity[i]);
    for (size_t i = 0; i < cut.n_orders; i++) {
        const Order *a = &cut.orders[i], *b = &r->orders[i];
        CHECK(a->size == b->size && a->type == b->type && a->created_step == b->created_step);
    }
}

TEST(the_future_changes_no_decision_and_no_value) {
    UNUSED(state_);
    for_each_case(73, check_prefix);
}

static void check_again(TestCtx *t, Rng *rng, Case *c, const BacktestResult *r) {
    void **state_ = NULL;
    UNUSED(rng);
    BacktestResult again;
    c->req.options.stepwise = true;
    run(t, c, &again);
    CHECK(again.n_orders == r->n_orders && again.n_trades == r->n_trades && again.n_events == r->n_events);
    CHECK(memcmp(again.equity, r->equity, r->n_steps * sizeof(double)) == 0);
    for (size_t i = 0; i < r->n_orders; i++)
        CHECK(again.orders[i].price == r->orders[i].price && again.orders[i].status == r->orders[i].status);
}

TEST(the_same_run_is_the_same_bytes) {
    UNUSED(state_);
    for_each_case(74, check_again);
}

static size_t n_liquidated;

/* Without gaps a liquidation happens where it should: what is missing then is its fee, and the fee of what is sold. */
static void check_liquidation(TestCtx *t, Rng *rng, Case *c, const BacktestResult *r) {
    UNUSED(t), UNUSED(rng);
    double most = 0; /* value of any position */
    for (size_t i = 0; i < r->n_trades; i++)
        most = fmax(most, fabs(r->trades[i].size * r->trades[i].entry_price));
    for (size_t i = 0; i < r->n_orders; i++)
        n_liquidated += str_eq(str_c(r->orders[i].tag), S("liquidation"));
    for (size_t i = 0; i < r->n_steps; i++)
        if (r->equity[i] < -(c->zoot.liquidation_fee + 0.002) * most)
            FAIL("step %zu: equity is %.6g, %.6g is a fee", i, r->equity[i], most * c->zoot.liquidation_fee);
}

TEST(liquidation_leaves_no_debt_but_of_fees_and_gaps) {
    UNUSED(state_);
    gapless = true;
    whim_money = 60000;
    n_liquidated = 0;
    for_each_case(75, check_liquidation);
    gapless = false;
    whim_money = 2000;
    if (n_liquidated < 10)
        FAIL("only %zu positions were liquidated: the property shows nothing", n_liquidated);
}

TESTS(T(money_is_conserved_to_the_cent), T(fills_lie_where_the_market_was_and_parts_sum_up),
      T(the_future_changes_no_decision_and_no_value), T(the_same_run_is_the_same_bytes),
      T(liquidation_leaves_no_debt_but_of_fees_and_gaps))
