/* Engine zoot: fills, brackets, margin, costs, worked out by hand on a few candles. */

#include "backtest/zoot/zoot.h"
#include "test.h"

/* --- a strategy that does what a table says --- */

typedef struct Act {
    size_t step; /* at the close of this step */
    OrderRequest order;
    OrderId cancel; /* instead of an order */
} Act;

static const Act *script;
static size_t n_script;

static int script_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(s), UNUSED(setup), UNUSED(cx);
    return 0;
}

static void script_next(Strategy *s, const View *v, Broker *b) {
    UNUSED(s);
    for (size_t i = 0; i < n_script; i++)
        if (script[i].step == v->step && script[i].cancel)
            broker_cancel(b, script[i].cancel);
        else if (script[i].step == v->step)
            broker_submit(b, &script[i].order);
}

static const StrategyType script_type = {
    .name = "script", .words = "a table", .assets_max = 8, .init = script_init, .next = script_next
};
static const StrategyType *const script_types[] = { &script_type };
static const StrategyCatalog script_catalog = { script_types, 1 };

/* --- a run --- */

enum { CANDLES_MAX = 32, ASSETS_MAX = 2 };

typedef struct Bar {
    double open, high, low, close, volume;
} Bar;

typedef struct Rig {
    TestCtx t;
    Candles candles[ASSETS_MAX], fine;
    MarketAsset assets[ASSETS_MAX];
    ZootAsset zoot_assets[ASSETS_MAX];
    ZootOptions zoot;
    BacktestRequest req;
    StrategyConfig config;
    BacktestResult r;
} Rig;

#define HOUR     MS_PER_HOUR
#define START_MS INT64_C(1704067200000)
#define MARKET(n)                                                                                                      \
    { .size = (n) }
#define LIMIT(n, p)                                                                                                    \
    { .size = (n), .type = ORDER_LIMIT, .price = (p) }
#define STOP(n, p)                                                                                                     \
    { .size = (n), .type = ORDER_STOP, .price = (p) }

static void fill(Arena *arena, Candles *cs, int64_t from_ms, int64_t step_ms, const Bar *bars, size_t n) {
    candles_init(cs, arena, n);
    for (size_t i = 0; i < n; i++)
        candles_push(cs, &(Candle){ .open_time = time_ms(from_ms + (int64_t)i * step_ms),
                                    .open = bars[i].open,
                                    .high = bars[i].high,
                                    .low = bars[i].low,
                                    .close = bars[i].close,
                                    .volume = bars[i].volume });
}

static void add_asset(Rig *rig, const char *symbol, Timeframe tf, const Bar *bars, size_t n) {
    size_t i = rig->req.n_assets++;
    fill(&rig->t.arena, &rig->candles[i], START_MS, timeframe_ms(tf), bars, n);
    rig->assets[i] = (MarketAsset){ .timeframe = tf, .candles = &rig->candles[i] };
    CHECK_OK_PLAIN(&rig->t.cx, symbol_parse(str_c(symbol), &rig->assets[i].symbol) ? 0 : -1);
    rig->zoot.n_assets = rig->req.n_assets;
}

static const Timeframe H1 = { UNIT_HOUR, 1 }, D1 = { UNIT_DAY, 1 };

static void rig_init(Rig *rig) {
    memset(rig, 0, sizeof *rig);
    test_ctx_init(&rig->t);
    rig->config = (StrategyConfig){ .strategy_type = S("script") };
    rig->req = (BacktestRequest){ .assets = rig->assets,
                                  .strategy = &rig->config,
                                  .catalog = &script_catalog,
                                  .broker = broker_config_standard(),
                                  .zoot = &rig->zoot };
    rig->zoot.assets = rig->zoot_assets;
    rig->req.broker.commission_rate = 0;
}

static int rig_try(Rig *rig, const Act *acts, size_t n) {
    script = acts;
    n_script = n;
    return backtest_run(&backtest_zoot, &rig->t.cx, &rig->req, &rig->r);
}

static void rig_run(Rig *rig, const Act *acts, size_t n) {
    CHECK_OK_PLAIN(&rig->t.cx, rig_try(rig, acts, n));
    const BacktestResult *r = &rig->r;
    double sum = r->initial_cash + r->realised_pnl - r->fees - r->costs + r->open_mark;
    if (fabs(sum - r->final_value) > 1e-6)
        FAIL("%.10g is booked, %.10g is there", sum, r->final_value);
}

#define RUN(rig, ...)                                                                                                  \
    do {                                                                                                               \
        static const Act acts_[] = { __VA_ARGS__ };                                                                    \
        rig_run(rig, acts_, ARRAY_LEN(acts_));                                                                         \
    } while (0)

static void one_asset(Rig *rig, const Bar *bars, size_t n) {
    rig_init(rig);
    add_asset(rig, "BTCUSDT", H1, bars, n);
}

static const Order *order(const Rig *rig, OrderId id) {
    assert(id <= rig->r.n_orders);
    return &rig->r.orders[id - 1];
}

static const Bar quiet[] = { { 100, 101, 99, 100, 10 },
                             { 102, 110, 90, 105, 10 },
                             { 106, 107, 103, 104, 10 },
                             { 104, 120, 80, 100, 10 },
                             { 100, 101, 99, 100, 10 } };

TEST(a_market_order_fills_at_the_next_open) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, MARKET(2) }, { 2, MARKET(-2) });
    CHECK_EQ(rig.r.n_closed, 1);
    CHECK_NEAR(rig.r.trades[0].entry_price, 102, 0);
    CHECK_EQ(rig.r.trades[0].entry_step, 1);
    CHECK_NEAR(rig.r.trades[0].exit_price, 104, 0);
    CHECK_EQ(rig.r.trades[0].exit_step, 3);
    CHECK_NEAR(rig.r.trades[0].pnl_net, 4, 1e-12);
    CHECK_NEAR(rig.r.equity[0], 10000, 0);
    CHECK_NEAR(rig.r.equity[1], 10006, 1e-9);
    CHECK_NEAR(rig.r.final_value, 10004, 1e-9);
    test_ctx_done(&rig.t);
}

TEST(an_order_of_the_last_candle_is_never_filled) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 4, MARKET(2) });
    CHECK_EQ(rig.r.n_trades, 0);
    CHECK(order(&rig, 1)->alive && order(&rig, 1)->reason == ORDER_BECAUSE_END);
    test_ctx_done(&rig.t);
}

TEST(inside_a_candle_the_stop_comes_before_the_profit) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    /* bought at 102; candle 3 touches both 85 and 115 */
    RUN(&rig, { 0, { .size = 1, .hold = true } },
        { 0, { .size = -1, .type = ORDER_STOP, .price = 85, .parent = 1, .hold = true } },
        { 0, { .size = -1, .type = ORDER_LIMIT, .price = 115, .parent = 1 } });
    CHECK_EQ(order(&rig, 2)->status, ORDER_COMPLETED);
    CHECK_NEAR(order(&rig, 2)->price, 85, 0);
    CHECK_EQ(order(&rig, 3)->status, ORDER_CANCELED);
    CHECK_EQ(order(&rig, 3)->reason, ORDER_BECAUSE_BRACKET);
    test_ctx_done(&rig.t);
}

TEST(an_entry_at_the_open_can_take_its_profit_in_the_same_candle) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, { .size = 1, .hold = true } },
        { 0, { .size = -1, .type = ORDER_STOP, .price = 85, .parent = 1, .hold = true } },
        { 0, { .size = -1, .type = ORDER_LIMIT, .price = 108, .parent = 1 } });
    CHECK_EQ(order(&rig, 3)->status, ORDER_COMPLETED);
    CHECK_EQ(order(&rig, 3)->step, 1);
    CHECK_NEAR(rig.r.realised_pnl, 6, 1e-12);
    test_ctx_done(&rig.t);
}

TEST(an_entry_inside_can_only_be_hurt_by_the_rest_of_its_candle) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    /* candle 1 is 102 110 90 105: the limit at 95 fills, the profit at 108 is not given, the stop at 91 is */
    RUN(&rig, { 0, { .size = 1, .type = ORDER_LIMIT, .price = 95, .hold = true } },
        { 0, { .size = -1, .type = ORDER_LIMIT, .price = 108, .parent = 1 } });
    CHECK_EQ(order(&rig, 1)->step, 1);
    CHECK_NEAR(order(&rig, 1)->price, 95, 0);
    CHECK_EQ(order(&rig, 2)->step, 3);
    CHECK_NEAR(order(&rig, 2)->price, 108, 0);
    test_ctx_done(&rig.t);

    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, { .size = 1, .type = ORDER_LIMIT, .price = 95, .hold = true } },
        { 0, { .size = -1, .type = ORDER_STOP, .price = 91, .parent = 1 } });
    CHECK_EQ(order(&rig, 2)->step, 1);
    CHECK_NEAR(order(&rig, 2)->price, 91, 0);
    test_ctx_done(&rig.t);
}

TEST(gaps_fill_at_the_open) {
    static const Bar gaps[] = {
        { 100, 101, 99, 100, 9 }, { 100, 101, 99, 100, 9 }, { 90, 92, 88, 91, 9 }, { 91, 92, 90, 91, 9 }
    };
    Rig rig;
    one_asset(&rig, gaps, 4);
    RUN(&rig, { 0, MARKET(1) }, { 1, STOP(-1, 95) }, { 1, LIMIT(1, 97) });
    CHECK_NEAR(order(&rig, 2)->price, 90, 0); /* gapped over */
    CHECK_NEAR(order(&rig, 3)->price, 90, 0); /* better than asked */
    test_ctx_done(&rig.t);
}

TEST(a_trailing_stop_follows_the_closes) {
    static const Bar up[] = { { 100, 100, 100, 100, 9 },
                              { 100, 112, 100, 110, 9 },
                              { 110, 130, 100, 120, 9 },
                              { 120, 121, 107, 108, 9 },
                              { 108, 109, 107, 108, 9 } };
    Rig rig;
    one_asset(&rig, up, 5);
    RUN(&rig, { 0, MARKET(1) },
        { 1, { .size = -1, .type = ORDER_STOP_TRAIL, .trail_percent = 0.1 } }); /* starts at 99, then 108 */
    CHECK_EQ(order(&rig, 2)->step, 3);
    CHECK_NEAR(order(&rig, 2)->price, 108, 1e-12);
    test_ctx_done(&rig.t);
}

TEST(a_stop_limit_rests_where_its_limit_is_behind) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, { .size = 1, .type = ORDER_STOP_LIMIT, .price = 108, .limit_price = 109 } },
        { 0, { .size = 1, .type = ORDER_STOP_LIMIT, .price = 108, .limit_price = 104 } });
    CHECK_NEAR(order(&rig, 1)->price, 108, 0);
    CHECK_EQ(order(&rig, 1)->step, 1);
    CHECK_NEAR(order(&rig, 2)->price, 104, 0); /* triggered in candle 1, touched in candle 2 */
    CHECK_EQ(order(&rig, 2)->step, 2);
    test_ctx_done(&rig.t);
}

TEST(one_of_a_group_cancels_the_others) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, LIMIT(1, 95) }, { 0, { .size = 1, .type = ORDER_STOP, .price = 118, .oco = 1 } });
    CHECK_EQ(order(&rig, 1)->status, ORDER_COMPLETED);
    CHECK_EQ(order(&rig, 2)->status, ORDER_CANCELED);
    CHECK_EQ(order(&rig, 2)->reason, ORDER_BECAUSE_OCO);
    test_ctx_done(&rig.t);
}

TEST(orders_end_with_their_time_and_by_the_strategy) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, { .size = 1, .type = ORDER_LIMIT, .price = 85, .valid_until = { START_MS + 2 * HOUR } } },
        { 0, LIMIT(1, 70) }, { 2, .cancel = 2 });
    CHECK_EQ(order(&rig, 1)->status, ORDER_EXPIRED);
    CHECK_EQ(order(&rig, 1)->step, 3);
    CHECK_EQ(order(&rig, 2)->reason, ORDER_BECAUSE_STRATEGY);
    test_ctx_done(&rig.t);
}

TEST(volume_bounds_fills_and_parts_sum_up) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.zoot.volume_share = 0.25; /* 2.5 a candle */
    RUN(&rig, { 0, MARKET(6) });
    CHECK_EQ(order(&rig, 1)->status, ORDER_COMPLETED);
    CHECK_EQ(order(&rig, 1)->step, 3);
    CHECK_NEAR(order(&rig, 1)->filled, 6, 1e-12);
    CHECK_NEAR(order(&rig, 1)->price, (2.5 * 102 + 2.5 * 106 + 104) / 6, 1e-9);
    CHECK_EQ(rig.r.n_trades, 1);
    CHECK_NEAR(rig.r.trades[0].size, 6, 1e-12);
    test_ctx_done(&rig.t);

    one_asset(&rig, quiet, 5);
    rig.zoot.volume_share = 0.25;
    RUN(&rig, { 0, { .size = 6, .tif = TIF_IOC } }, { 1, { .size = 6, .tif = TIF_FOK } },
        { 2, { .size = 2, .tif = TIF_FOK } });
    CHECK_NEAR(order(&rig, 1)->filled, 2.5, 0);
    CHECK_EQ(order(&rig, 1)->reason, ORDER_BECAUSE_VOLUME);
    CHECK_NEAR(order(&rig, 2)->filled, 0, 0);
    CHECK_EQ(order(&rig, 2)->reason, ORDER_BECAUSE_VOLUME);
    CHECK_NEAR(order(&rig, 3)->filled, 2, 0);
    test_ctx_done(&rig.t);
}

TEST(what_a_stop_has_closed_is_not_entered_again) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.zoot.volume_share = 0.2; /* 2 a candle */
    RUN(&rig, { 0, { .size = 8, .hold = true } }, { 0, { .size = -8, .type = ORDER_STOP, .price = 95, .parent = 1 } });
    /* candle 1 buys 2 at 102 and touches 95, but its volume is used up: the stop sells 2 at the next open, and what is
     * left of the entry goes with it */
    CHECK_NEAR(order(&rig, 1)->filled, 2, 1e-12);
    CHECK_EQ(order(&rig, 1)->status, ORDER_CANCELED);
    CHECK_EQ(order(&rig, 1)->reason, ORDER_BECAUSE_BRACKET);
    CHECK_NEAR(order(&rig, 2)->filled, -2, 1e-12);
    CHECK_NEAR(order(&rig, 2)->price, 106, 0);
    CHECK_EQ(rig.r.n_closed, 1);
    CHECK_NEAR(rig.r.assets[0].position, 0, 0);
    test_ctx_done(&rig.t);
}

TEST(the_listing_rounds_sizes_and_prices) {
    static const Listing listing = { .tick = { 5, 1 }, .lot = { 1, 1 }, .min_notional = { 20, 0 } };
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.zoot_assets[0].listing = &listing;
    RUN(&rig, { 0, MARKET(1.26) }, { 0, LIMIT(1, 95.3) }, { 0, MARKET(0.19) }, { 0, MARKET(0.04) });
    CHECK_NEAR(order(&rig, 1)->filled, 1.2, 1e-12);
    CHECK_NEAR(order(&rig, 2)->price, 95, 1e-12);
    CHECK_EQ(order(&rig, 3)->reason, ORDER_BECAUSE_SIZE); /* 0.1 * 100 is less than 20 */
    CHECK_EQ(order(&rig, 4)->reason, ORDER_BECAUSE_SIZE); /* less than a lot */
    CHECK_EQ(order(&rig, 4)->status, ORDER_REJECTED);
    test_ctx_done(&rig.t);
}

TEST(what_the_account_cannot_pay_is_refused_with_the_sum) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, MARKET(100) }, { 1, MARKET(10) }, { 2, MARKET(-10) });
    CHECK_EQ(order(&rig, 1)->status, ORDER_MARGIN);
    CHECK_NEAR(order(&rig, 1)->needed, 200, 1e-3);
    CHECK_EQ(order(&rig, 2)->status, ORDER_COMPLETED);
    CHECK_EQ(rig.r.n_closed, 1);
    CHECK(rig.r.warnings.n > 0);
    test_ctx_done(&rig.t);
}

TEST(a_reversal_closes_even_where_it_may_not_open) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, MARKET(10) }, { 1, MARKET(-1000) });
    CHECK_EQ(order(&rig, 2)->status, ORDER_MARGIN);
    CHECK_NEAR(order(&rig, 2)->filled, -10, 0);
    CHECK_EQ(rig.r.n_closed, 1);
    CHECK_NEAR(rig.r.assets[0].position, 0, 0);
    test_ctx_done(&rig.t);
}

TEST(leverage_is_liquidated_where_maintenance_says) {
    /* 10,000 buy 400 at 100 with leverage 4: maintenance 12.5 %, so at p with 400 p - 30,000 = 0.125 * 400 p */
    static const Bar fall[] = {
        { 100, 100, 100, 100, 9 }, { 100, 101, 90, 92, 9 }, { 92, 93, 80, 85, 9 }, { 85, 85, 85, 85, 9 }
    };
    Rig rig;
    one_asset(&rig, fall, 4);
    rig.req.broker.leverage = 4;
    rig.zoot.liquidation_fee = 0.01;
    RUN(&rig, { 0, MARKET(400) }, { 1, LIMIT(-400, 200) });
    double price = 30000 / (400 * 0.875);
    CHECK_EQ(rig.r.n_closed, 1);
    CHECK_NEAR(rig.r.trades[0].exit_price, price, 1e-9);
    CHECK_EQ(rig.r.trades[0].exit_step, 2);
    CHECK_NEAR(rig.r.final_value, 0.125 * 400 * price - 0.01 * 400 * price, 1e-6);
    CHECK_EQ(order(&rig, 2)->reason, ORDER_BECAUSE_LIQUIDATION);
    CHECK_STR(str_c(order(&rig, 3)->tag), S("liquidation"));
    test_ctx_done(&rig.t);
}

TEST(a_short_is_liquidated_when_equity_is_used_up) {
    static const Bar rise[] = {
        { 100, 100, 100, 100, 9 }, { 100, 100, 100, 100, 9 }, { 150, 210, 150, 190, 9 }, { 300, 300, 300, 300, 9 }
    };
    Rig rig;
    one_asset(&rig, rise, 4);
    RUN(&rig, { 0, MARKET(-100) });
    CHECK_NEAR(rig.r.trades[0].exit_price, 200, 1e-9);
    CHECK_NEAR(rig.r.final_value, 0, 1e-6);
    test_ctx_done(&rig.t);

    one_asset(&rig, rise, 4);
    RUN(&rig, { 0, MARKET(-90) }); /* 211.1: only the gap to 300 reaches it, and it is passed over */
    CHECK_NEAR(rig.r.trades[0].exit_price, 300, 1e-9);
    CHECK_NEAR(rig.r.final_value, 10000 - 90 * 200, 1e-6);
    test_ctx_done(&rig.t);
}

TEST(short_selling_can_be_off) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.req.broker.no_short = true;
    RUN(&rig, { 0, MARKET(1) }, { 1, MARKET(-3) });
    CHECK_NEAR(order(&rig, 2)->filled, -1, 0);
    CHECK_EQ(order(&rig, 2)->reason, ORDER_BECAUSE_SHORT);
    test_ctx_done(&rig.t);
}

TEST(fees_go_by_maker_and_taker_and_by_the_volume_of_30_days) {
    static const ZootFeeTier tiers[] = { { 0, 0.001, 0.002 }, { 150, 0, 0.001 } };
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.zoot.tiers = tiers;
    rig.zoot.n_tiers = 2;
    /* 102 by a taker; a limit that rests from candle 1 on is a maker; then the second tier */
    RUN(&rig, { 0, MARKET(1) }, { 0, LIMIT(1, 85) }, { 3, MARKET(-2) });
    CHECK_NEAR(order(&rig, 1)->fees, 0.204, 1e-12);
    CHECK_NEAR(order(&rig, 2)->fees, 0.085, 1e-12);
    CHECK_NEAR(order(&rig, 3)->fees, 0.2, 1e-12);
    CHECK_NEAR(rig.r.fees, 0.489, 1e-12);
    test_ctx_done(&rig.t);
}

TEST(takers_pay_spread_and_slippage_within_the_candle) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.zoot_assets[0].spread = 0.02;
    rig.req.broker.slippage = (Slippage){ .kind = SLIPPAGE_FIXED, .value = 1, .match = true };
    RUN(&rig, { 0, MARKET(1) }, { 1, MARKET(-1) }, { 3, MARKET(1) });
    CHECK_NEAR(order(&rig, 1)->price, 102 + 1.02 + 1, 1e-12);
    CHECK_NEAR(order(&rig, 2)->price, 106 - 1.06 - 1, 1e-12);
    CHECK_NEAR(order(&rig, 3)->price, 101, 0); /* no farther than the candle went */
    test_ctx_done(&rig.t);

    one_asset(&rig, quiet, 5);
    rig.zoot.impact = 0.1;
    RUN(&rig, { 0, MARKET(5) });
    CHECK_NEAR(order(&rig, 1)->price, 102 * 1.05, 1e-9);
    test_ctx_done(&rig.t);
}

TEST(funding_is_paid_by_longs_and_interest_by_shorts) {
    static const int64_t due[] = { START_MS + HOUR, START_MS + 2 * HOUR, START_MS + 3 * HOUR };
    static const double rates[] = { 0.5, 0.01, -0.02 };
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.zoot_assets[0].funding = (ZootFunding){ due, rates, 3 };
    RUN(&rig, { 0, MARKET(1) }); /* the first is due before the order fills */
    CHECK_NEAR(rig.r.costs, 0.01 * 106 - 0.02 * 104, 1e-12);
    test_ctx_done(&rig.t);

    one_asset(&rig, quiet, 5);
    rig.req.broker.interest = 0.1;
    RUN(&rig, { 0, MARKET(-1) });
    CHECK_NEAR(rig.r.costs, 0.1 * (105 + 104 + 100) / (365 * 24), 1e-9);
    test_ctx_done(&rig.t);
}

TEST(two_assets_share_one_account) {
    static const Bar other[] = { { 50, 50, 50, 50, 9 },
                                 { 50, 50, 50, 50, 9 },
                                 { 60, 60, 60, 60, 9 },
                                 { 60, 60, 60, 60, 9 },
                                 { 60, 60, 60, 60, 9 } };
    Rig rig;
    one_asset(&rig, quiet, 5);
    add_asset(&rig, "ETHUSDT", H1, other, 5);
    RUN(&rig, { 0, MARKET(90) }, { 0, { .asset = 1, .size = 100 } }, { 2, { .asset = 1, .size = 5 } },
        { 3, { .asset = 1, .size = 50 } }, { 3, MARKET(-90) });
    CHECK_EQ(order(&rig, 1)->status, ORDER_COMPLETED);
    CHECK_EQ(order(&rig, 2)->status, ORDER_MARGIN); /* 820 are left */
    CHECK_EQ(order(&rig, 3)->status, ORDER_COMPLETED);
    CHECK_EQ(order(&rig, 4)->status, ORDER_COMPLETED); /* what is sold at an open pays for what is bought there */
    CHECK_NEAR(rig.r.final_value, 10000 + 90 * (100 - 102), 1e-9);
    test_ctx_done(&rig.t);
}

static size_t probe_daily_seen;

static void probe_daily(void *arg, const View *v) {
    UNUSED(arg);
    if (v->assets[1].begun && probe_daily_seen == SIZE_MAX)
        probe_daily_seen = v->step;
}

TEST(a_day_is_not_known_before_it_ends) {
    static const Bar days[] = { { 100, 200, 50, 150, 9 }, { 150, 160, 140, 155, 9 } };
    Bar hours[30];
    for (int i = 0; i < 30; i++)
        hours[i] = (Bar){ 100, 101, 99, 100, 9 };
    Rig rig;
    rig_init(&rig);
    add_asset(&rig, "BTCUSDT", H1, hours, 30);
    add_asset(&rig, "DAILY", D1, days, 2);
    probe_daily_seen = SIZE_MAX;
    rig.req.options.probe = probe_daily;
    RUN(&rig, { 23, { .asset = 1, .size = 1 } }, { 25, { .asset = 1, .size = 1 } });
    CHECK_EQ(probe_daily_seen, 23); /* with the hour that ends at midnight */
    CHECK_EQ(rig.r.n_steps, 31);
    CHECK_NEAR(order(&rig, 1)->price, 150, 0); /* the open of the second day */
    CHECK(order(&rig, 2)->alive);              /* decided while the second day ran */
    test_ctx_done(&rig.t);
}

TEST(finer_candles_decide_what_came_first) {
    static const Bar fine[] = { { 100, 101, 99, 100, 9 },  { 100, 101, 99, 100, 9 },  { 102, 110, 101, 108, 9 },
                                { 108, 108, 90, 105, 9 },  { 106, 107, 105, 105, 9 }, { 105, 105, 103, 104, 9 },
                                { 104, 120, 104, 110, 9 }, { 110, 111, 80, 100, 9 } };
    Rig rig;
    one_asset(&rig, quiet, 5);
    fill(&rig.t.arena, &rig.fine, START_MS, HOUR / 2, fine, 8);
    rig.zoot_assets[0].fine = &rig.fine;
    /* bought at 102; the half hours show 115 before 85 */
    RUN(&rig, { 0, { .size = 1, .hold = true } },
        { 0, { .size = -1, .type = ORDER_STOP, .price = 85, .parent = 1, .hold = true } },
        { 0, { .size = -1, .type = ORDER_LIMIT, .price = 115, .parent = 1 } });
    CHECK_EQ(order(&rig, 3)->status, ORDER_COMPLETED);
    CHECK_NEAR(order(&rig, 3)->price, 115, 0);
    CHECK_EQ(order(&rig, 3)->step, 3);
    test_ctx_done(&rig.t);
}

TEST(a_short_and_its_bracket_mirror_a_long) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    RUN(&rig, { 0, { .size = -1, .hold = true } },
        { 0, { .size = 1, .type = ORDER_STOP, .price = 118, .parent = 1, .hold = true } },
        { 0, { .size = 1, .type = ORDER_LIMIT, .price = 82, .parent = 1 } });
    CHECK_EQ(order(&rig, 2)->status, ORDER_COMPLETED);
    CHECK_NEAR(rig.r.realised_pnl, -16, 1e-12);
    CHECK_EQ(rig.r.trades[0].side, SIDE_SHORT);
    test_ctx_done(&rig.t);
}

TEST(what_zoot_does_not_do_is_said) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.req.broker.cheat_on_close = true;
    CHECK_EQ(rig_try(&rig, NULL, 0), ERR_UNSUPPORTED);
    rig.req.broker.cheat_on_close = false;
    rig.req.broker.margin = 100;
    CHECK_EQ(rig_try(&rig, NULL, 0), ERR_UNSUPPORTED);
    rig.req.broker.margin = 0;
    rig.zoot.maintenance = 1.5;
    CHECK_EQ(rig_try(&rig, NULL, 0), ERR_INVALID);
    rig.zoot.maintenance = 0;
    rig.zoot.n_assets = 2;
    CHECK_EQ(rig_try(&rig, NULL, 0), ERR_INVALID);
    test_ctx_done(&rig.t);
}

TEST(every_rule_of_the_run_is_in_its_assumptions) {
    Rig rig;
    one_asset(&rig, quiet, 5);
    rig.zoot_assets[0].spread = 0.01;
    RUN(&rig, { 0, MARKET(1) });
    CHECK(rig.r.assumptions.n >= ZOOT_N_RULES + 4);
    bool spread = false;
    for (size_t i = 0; i < rig.r.assumptions.n; i++)
        spread = spread || str_find(rig.r.assumptions.v[i], S("spread of 1 %")) >= 0;
    CHECK(spread);
    test_ctx_done(&rig.t);
}

TESTS(T(a_market_order_fills_at_the_next_open), T(an_order_of_the_last_candle_is_never_filled),
      T(inside_a_candle_the_stop_comes_before_the_profit),
      T(an_entry_at_the_open_can_take_its_profit_in_the_same_candle),
      T(an_entry_inside_can_only_be_hurt_by_the_rest_of_its_candle), T(gaps_fill_at_the_open),
      T(a_trailing_stop_follows_the_closes), T(a_stop_limit_rests_where_its_limit_is_behind),
      T(one_of_a_group_cancels_the_others), T(orders_end_with_their_time_and_by_the_strategy),
      T(volume_bounds_fills_and_parts_sum_up), T(what_a_stop_has_closed_is_not_entered_again),
      T(the_listing_rounds_sizes_and_prices), T(what_the_account_cannot_pay_is_refused_with_the_sum),
      T(a_reversal_closes_even_where_it_may_not_open), T(leverage_is_liquidated_where_maintenance_says),
      T(a_short_is_liquidated_when_equity_is_used_up), T(short_selling_can_be_off),
      T(fees_go_by_maker_and_taker_and_by_the_volume_of_30_days), T(takers_pay_spread_and_slippage_within_the_candle),
      T(funding_is_paid_by_longs_and_interest_by_shorts), T(two_assets_share_one_account),
      T(a_day_is_not_known_before_it_ends), T(finer_candles_decide_what_came_first),
      T(a_short_and_its_bracket_mirror_a_long), T(what_zoot_does_not_do_is_said),
      T(every_rule_of_the_run_is_in_its_assumptions))
