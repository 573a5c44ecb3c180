/* Properties of columns beside the candles, over made-up markets and columns, in every engine: a value that became known
 * after a candle's close changes nothing decided up to there, one known before does, what a candle sees is the newest
 * value that is young enough, and the proof against look-ahead agrees. */

#include "backtest/engine.h"
#include "backtest/extras.h"
#include "backtest/lab/prove.h"
#include "base/rng.h"
#include "test.h"

enum { CASES = 40, CANDLES = 200, VALUES_MAX = 400 };

typedef struct World {
    Rng rng;
    Candles cs;
    int64_t known_ms[VALUES_MAX];
    double value[VALUES_MAX];
    ExtraColumn mood;
    MarketAsset asset;
    StrategyValue rules[2];
    StrategyConfig config;
    BacktestRequest req;
    const BacktestEngine *engine;
} World;

static void make_candles(World *w, Arena *a) {
    double price = 100;
    int64_t at = INT64_C(1577836800000);
    candles_init(&w->cs, a, CANDLES);
    for (size_t i = 0; i < CANDLES; i++) {
        double open = price, close = open * exp(0.01 * rng_normal(&w->rng));
        candles_push(&w->cs, &(Candle){ .open_time = time_ms(at),
                                        .open = open,
                                        .high = MAX(open, close) * 1.001,
                                        .low = MIN(open, close) * 0.999,
                                        .close = close,
                                        .volume = 10 });
        price = close;
        at += MS_PER_HOUR * (rng_chance(&w->rng, 0.05) ? rng_between(&w->rng, 2, 30) : 1);
    }
}

/* Known at any time from before the first candle to behind the last; some at a candle's close to the ms. */
static void make_column(World *w) {
    int64_t at = w->cs.open_ms[0] - MS_PER_DAY;
    size_t n = 0;
    while (n < VALUES_MAX && at < w->cs.open_ms[CANDLES - 1] + 2 * MS_PER_DAY) {
        at += rng_chance(&w->rng, 0.3) ? MS_PER_HOUR - at % MS_PER_HOUR : rng_between(&w->rng, 1, 3 * MS_PER_HOUR);
        w->known_ms[n] = at;
        w->value[n++] = rng_normal(&w->rng);
    }
    w->mood = (ExtraColumn){ S("mood"), w->known_ms, w->value, n,
                             rng_chance(&w->rng, 0.5) ? rng_between(&w->rng, MS_PER_HOUR / 2, 4 * MS_PER_HOUR) : 0 };
}

static void world_init(World *w, uint64_t seed, Arena *a) {
    const BacktestEngine *const *engines;
    size_t n = backtest_engines(&engines);
    *w = (World){ 0 };
    rng_seed(&w->rng, seed);
    make_candles(w, a);
    make_column(w);
    w->asset = (MarketAsset){ .timeframe = { UNIT_HOUR, 1 }, .candles = &w->cs, .extras = &w->mood, .n_extras = 1 };
    symbol_parse(S("WORLD"), &w->asset.symbol);
    w->rules[0] = (StrategyValue){ .name = S("entry"), .is_text = true, .text = S("mood > 0.3 and mood >= mood[1]") };
    w->rules[1] = (StrategyValue){ .name = S("exit"), .is_text = true, .text = S("sma(mood, 2) < 0") };
    w->config = (StrategyConfig){ .strategy_type = S("rules"), .parameters = w->rules, .n_parameters = 2 };
    w->req = (BacktestRequest){
        .assets = &w->asset, .n_assets = 1, .strategy = &w->config, .broker = broker_config_standard()
    };
    w->engine = engines[seed % n];
}

static void run(TestCtx *t, const World *w, BacktestResult *out) {
    CHECK_OK_PLAIN(&t->cx, backtest_run(w->engine, &t->cx, &w->req, out));
}

static bool same_until(const BacktestResult *a, const BacktestResult *b, size_t last) {
    for (size_t i = 0; i <= last; i++)
        if (memcmp(&a->equity[i], &b->equity[i], sizeof(double)) != 0)
            return false;
    for (size_t k = 0; k < MAX(a->n_orders, b->n_orders); k++) {
        bool in_a = k < a->n_orders && a->orders[k].created_step <= last;
        bool in_b = k < b->n_orders && b->orders[k].created_step <= last;
        if (in_a != in_b)
            return false;
        if (in_a && (a->orders[k].created_step != b->orders[k].created_step || a->orders[k].size != b->orders[k].size))
            return false;
    }
    return true;
}

TEST(a_value_known_later_changes_no_decision_and_one_known_in_time_does) {
    uint64_t seed = prop_seed(4000);
    size_t n_changed = 0, n_orders = 0;
    for (uint64_t i = 0; i < CASES; i++) {
        TestCtx t;
        World w;
        BacktestResult first, later, earlier;
        test_ctx_init(&t);
        world_init(&w, seed + i, &t.arena);
        run(&t, &w, &first);
        n_orders += first.n_orders;
        size_t last = 20 + rng_below(&w.rng, CANDLES - 40);
        int64_t close = asset_close_ms(&w.asset, last);
        for (size_t k = 0; k < w.mood.n; k++)
            if (w.known_ms[k] > close)
                w.value[k] = -w.value[k] + rng_normal(&w.rng);
        run(&t, &w, &later);
        CHECK(same_until(&first, &later, last));
        for (size_t k = 0; k < w.mood.n; k++)
            if (w.known_ms[k] <= close)
                w.value[k] = -w.value[k];
        run(&t, &w, &earlier);
        n_changed += !same_until(&first, &earlier, last);
        test_ctx_done(&t);
    }
    CHECK(n_orders > 20 * CASES / 2);
    CHECK(n_changed > CASES * 9 / 10);
}

TEST(a_candle_sees_the_newest_value_known_at_its_close_and_none_too_old) {
    uint64_t seed = prop_seed(5000);
    size_t n_seen = 0, n_stale = 0;
    for (uint64_t i = 0; i < CASES; i++) {
        TestCtx t;
        World w;
        double got[CANDLES];
        size_t next = 0;
        test_ctx_init(&t);
        world_init(&w, seed + i, &t.arena);
        for (size_t at = 0, n; at < CANDLES; at += n) { /* how rows are cut into pieces changes nothing */
            size_t piece = 1 + rng_below(&w.rng, 50);
            n = MIN(piece, CANDLES - at);
            extra_align(&w.asset, &w.mood, at, n, &next, got + at);
        }
        for (size_t row = 0; row < CANDLES; row++) {
            int64_t close = w.cs.open_ms[row] + MS_PER_HOUR;
            double want = NAN;
            for (size_t k = 0; k < w.mood.n; k++)
                if (w.known_ms[k] <= close)
                    want = w.mood.max_age_ms && close - w.known_ms[k] > w.mood.max_age_ms ? (double)NAN : w.value[k];
            CHECK(isnan(want) ? isnan(got[row]) : got[row] == want);
            n_seen += !isnan(want);
            n_stale += isnan(want);
        }
        test_ctx_done(&t);
    }
    CHECK(n_seen > 1000 && n_stale > 100);
}

TEST(the_proof_finds_no_look_ahead_through_a_column_in_any_engine) {
    uint64_t seed = prop_seed(6000);
    size_t n_decisions = 0;
    for (uint64_t i = 0; i < CASES / 4; i++) {
        TestCtx t;
        World w;
        ProveResult proof;
        test_ctx_init(&t);
        world_init(&w, seed + i, &t.arena);
        CHECK_OK_PLAIN(&t.cx, prove_run(&t.cx, w.engine, &w.req, &(ProveOptions){ .n_cuts = 25 }, &proof));
        CHECK_EQ(proof.fault, PROVE_NONE);
        n_decisions += proof.n_decisions;
        test_ctx_done(&t);
    }
    CHECK(n_decisions > 500);
}

/* --- a strategy that reads the column behind the engine's back is caught --- */

static int peek_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(s), UNUSED(cx);
    setup_price(setup, 0, TA_CLOSE);
    memcpy(s->state, &(const MarketAsset *){ setup_asset(setup, 0) }, sizeof(MarketAsset *));
    return 0;
}

static void peek_next(Strategy *s, const View *v, Broker *b) {
    const MarketAsset *asset;
    memcpy(&asset, s->state, sizeof asset);
    const ExtraColumn *x = &asset->extras[0];
    bool high = x->value[x->n - 1] > 0; /* the last value there will ever be */
    if (high && v->assets[0].position == 0)
        broker_enter(b, 0, SIDE_LONG);
    else if (!high && v->assets[0].position > 0)
        broker_close(b, 0);
}

static const StrategyType peek = {
    .name = "peek", .state_size = sizeof(MarketAsset *), .init = peek_init, .next = peek_next
};

TEST(the_proof_catches_a_strategy_that_reads_the_column_s_end) {
    TestCtx t;
    World w;
    ProveResult proof;
    const StrategyType *types[] = { &peek };
    StrategyCatalog catalog = { types, 1 };
    test_ctx_init(&t);
    world_init(&w, 3, &t.arena);
    w.value[w.mood.n - 1] = 1;
    for (size_t k = 0; k + 1 < w.mood.n; k++)
        w.value[k] = -1;
    w.config = (StrategyConfig){ .strategy_type = S("peek") };
    w.req.catalog = &catalog;
    CHECK_OK_PLAIN(&t.cx, prove_run(&t.cx, w.engine, &w.req, NULL, &proof));
    CHECK_EQ(proof.fault, PROVE_ORDERS);
    test_ctx_done(&t);
}

TESTS(T(a_value_known_later_changes_no_decision_and_one_known_in_time_does),
      T(a_candle_sees_the_newest_value_known_at_its_close_and_none_too_old),
      T(the_proof_finds_no_look_ahead_through_a_column_in_any_engine),
      T(the_proof_catches_a_strategy_that_reads_the_column_s_end))
