/* The rule language against the same strategy built in, and engine zoot: a million candles, an SMA cross of 10 and 30,
 * one unit: `make bench`, or build/bench/bench_rule.
 *
 * Before the clock: the rule's equity is the built-in's, bit for bit or to 1e-9. Then whole runs (lines, decisions, orders,
 * the result) of both on both engines, and the columns of the rule alone. items are candles. */

#include <math.h>

#include "backtest/engine.h"
#include "backtest/rule/rule.h"
#include "base/rng.h"
#include "bench.h"

enum { N = 1000000 };

typedef struct Bench {
    Candles cs;
    MarketAsset asset;
    StrategyConfig built_in, ruled;
    const BacktestEngine *engine;
    const StrategyConfig *config;
    const RuleProgram *program;
    double *out[2];
    double candles_per_s; /* of the best round */
} Bench;

static const StrategyValue rules[] = {
    { .name = STR_INIT("entry"), .is_text = true, .text = STR_INIT("crossover(sma(close, 10), sma(close, 30))") },
    { .name = STR_INIT("exit"), .is_text = true, .text = STR_INIT("crossunder(sma(close, 10), sma(close, 30))") },
};

static void make_candles(Arena *arena, Candles *cs) {
    Rng rng;
    rng_seed(&rng, 3);
    double price = 100;
    candles_init(cs, arena, N);
    for (size_t i = 0; i < N; i++) {
        double open = price, close = fmax(open * (1 + 0.002 * rng_normal(&rng)), 1);
        candles_push(cs, &(Candle){ .open_time = time_ms((int64_t)i * MS_PER_MINUTE),
                                    .open = open,
                                    .high = fmax(open, close) * 1.0005,
                                    .low = fmin(open, close) * 0.9995,
                                    .close = close,
                                    .volume = 1000 });
        price = close;
    }
}

static void run(Bench *b, Arena *arena, BacktestResult *r) {
    ClockManual clock;
    Ctx cx;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, arena, &clock.clock);
    BacktestRequest req = {
        .assets = &b->asset, .n_assets = 1, .strategy = b->config, .broker = broker_config_standard()
    };
    if (backtest_run(b->engine, &cx, &req, r) != 0) {
        fprintf(stderr, "%s: %s\n", b->engine->name, cx.err.text);
        exit(1);
    }
}

static double run_once(void *arg) {
    Bench *b = arg;
    Arena arena = { 0 };
    BacktestResult r;
    double from_s = bench_cpu_s();
    run(b, &arena, &r);
    b->candles_per_s = fmax(b->candles_per_s, N / (bench_cpu_s() - from_s));
    double value = r.final_value;
    arena_done(&arena);
    return value;
}

static double run_columns(void *arg) {
    Bench *b = arg;
    Arena arena = { 0 };
    double from_s = bench_cpu_s();
    RuleInput in = { b->cs.open_ms, b->cs.open, b->cs.high, b->cs.low, b->cs.close, b->cs.volume, NULL };
    rule_run(rule_open(&arena, b->program), &in, N, b->out);
    b->candles_per_s = fmax(b->candles_per_s, N / (bench_cpu_s() - from_s));
    arena_done(&arena);
    return b->out[0][N - 1];
}

static void check_equal(Bench *b) {
    Arena one = { 0 }, two = { 0 };
    BacktestResult x, y;
    b->config = &b->built_in;
    run(b, &one, &x);
    b->config = &b->ruled;
    run(b, &two, &y);
    bool equal = x.n_trades == y.n_trades && x.n_trades > 1000;
    for (size_t i = 0; i < N && equal; i++)
        equal = fabs(x.equity[i] - y.equity[i]) <= 1e-9 * fabs(x.equity[i]);
    if (!equal) {
        fprintf(stderr, "%s: the rule and the built-in strategy differ: %zu and %zu trades\n", b->engine->name,
                y.n_trades, x.n_trades);
        exit(1);
    }
    printf("# %s: %zu trades, the rule's equity equals the built-in's\n", b->engine->name, x.n_trades);
    arena_done(&one);
    arena_done(&two);
}

static double timed(Bench *b, const char *name, BenchFn fn) {
    b->candles_per_s = 0;
    bench_run(name, fn, b, N, 0);
    return b->candles_per_s;
}

int main(void) {
    static Bench b;
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &arena, &clock.clock);
    make_candles(&arena, &b.cs);
    b.asset = (MarketAsset){ .timeframe = { UNIT_MINUTE, 1 }, .candles = &b.cs };
    symbol_parse(S("MADE"), &b.asset.symbol);
    b.built_in = (StrategyConfig){ .strategy_type = S("moving_average_crossover"),
                                   .has_sizing = true,
                                   .position_sizing = SIZING_FIXED,
                                   .position_size = 1 };
    b.ruled = b.built_in;
    b.ruled.strategy_type = S("rules");
    b.ruled.parameters = rules;
    b.ruled.n_parameters = ARRAY_LEN(rules);
    static const char *const engines[] = { "backtrader", "zoot" };
    static const char *const names[][2] = { { "backtest_built_in_backtrader", "backtest_rule_backtrader" },
                                            { "backtest_built_in_zoot", "backtest_rule_zoot" } };
    for (size_t e = 0; e < ARRAY_LEN(engines); e++) {
        b.engine = backtest_engine_find(str_c(engines[e]));
        check_equal(&b);
        b.config = &b.built_in;
        double built_in = timed(&b, names[e][0], run_once);
        b.config = &b.ruled;
        double ruled = timed(&b, names[e][1], run_once);
        printf("{\"bench\":\"rule_against_built_in\",\"which\":\"%s\",\"built_in_candles_per_s\":%.0f,"
               "\"rule_candles_per_s\":%.0f,\"ratio\":%.2f}\n",
               engines[e], built_in, ruled, built_in / ruled);
    }
    RuleSource sources[] = { { S("entry"), rules[0].text, false },
                             { S("exit"), S("crossunder(sma(close, 10), sma(close, 30)) or rsi(close, 14) > 70"),
                               false } };
    if (rule_compile(&cx, NULL, sources, 2, &b.program) != 0)
        return 1;
    b.out[0] = arena_new_n(&arena, double, N);
    b.out[1] = arena_new_n(&arena, double, N);
    timed(&b, "rule_columns", run_columns);
    arena_done(&arena);
    return 0;
}
