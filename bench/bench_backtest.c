/* What a backtest costs a candle: `make bench`, or build/bench/bench_backtest.
 *
 * A million made-up minutes, the crossing of the averages of 10 and 30 closes, 95 % of the cash, 0.1 % of commission.
 * Before the clock the trades are checked against a program of forty lines that shares nothing with the engine: same
 * number, same candles, same prices and sizes to the last bit, same value at the end. Each round is a whole run from
 * candles to result: checks, indicators, account, list of orders, trades, value at every candle. */

#include "backtest/analyzers.h"
#include "backtest/engine.h"
#include "base/rng.h"
#include "bench.h"

#include <math.h>

enum { N = 1000000, FAST = 10, SLOW = 30 };

typedef struct Bench {
    Candles cs;
    Arena arena;
    ClockManual clock;
    bool analyzers;
    BacktestResult result;
} Bench;

/* A walk in steps of a cent: sums of 30 closes are exact, so the plain program below needs no care. */
static void make_candles(Candles *cs) {
    Rng rng;
    rng_seed(&rng, 7);
    candles_init_heap(cs, N);
    int64_t cents = 1000000;
    for (int64_t i = 0; i < N; i++) {
        int64_t open = cents, high, low;
        cents = MAX(cents + rng_between(&rng, -500, 500), 1000);
        high = MAX(open, cents) + rng_between(&rng, 0, 200);
        low = MIN(open, cents) - rng_between(&rng, 0, 200);
        candles_push(cs, &(Candle){ .open_time = time_ms(INT64_C(1640995200000) + i * MS_PER_MINUTE),
                                    .open = (double)open / 64,
                                    .high = (double)high / 64,
                                    .low = (double)low / 64,
                                    .close = (double)cents / 64,
                                    .volume = 1 });
    }
}

static double run(void *arg) {
    Bench *b = arg;
    Ctx cx;
    arena_reset(&b->arena);
    ctx_init(&cx, &b->arena, &b->clock.clock);
    MarketAsset asset = { .timeframe = { UNIT_MINUTE, 1 }, .candles = &b->cs };
    symbol_parse(S("BENCH"), &asset.symbol);
    StrategyConfig config = { .strategy_type = S("moving_average_crossover") };
    BacktestRequest req = { .assets = &asset, .n_assets = 1, .strategy = &config, .broker = broker_config_standard() };
    if (backtest_run(backtest_engine_find(S("backtrader")), &cx, &req, &b->result) != 0) {
        fprintf(stderr, "%s\n", cx.err.text);
        exit(1);
    }
    if (b->analyzers)
        analyzers_compute(&b->result, &b->arena);
    return b->result.final_value;
}

static double mean(const double *x, int i, int n) {
    double sum = 0;
    for (int k = i - n + 1; k <= i; k++)
        sum += x[k];
    return sum / n;
}

/* The same account, plainly. Fails the bench at the first trade that differs. */
static void check(const Bench *b) {
    const Candles *cs = &b->cs;
    double cash = 10000, size = 0, entry = 0, order = 0, limit = 0, side = 0;
    size_t n = 0;
    for (int i = 0; i < N; i++) {
        double open = cs->open[i];
        if (order > 0 && cash - order * limit - order * 0.001 * limit >= 0 &&
            cash - order * open - order * 0.001 * open >= 0) {
            cash = cash - order * open - order * 0.001 * open;
            size = order;
            entry = open;
        } else if (order < 0) {
            const Trade *t = &b->result.trades[n];
            if (n >= b->result.n_closed || t->exit_step != (size_t)i || t->exit_price != open || t->size != size ||
                t->entry_price != entry)
                fprintf(stderr, "trade %zu differs at candle %d\n", n, i), exit(1);
            cash = cash + (size * entry + size * (open - entry)) - size * 0.001 * open;
            size = 0;
            n++;
        }
        order = 0;
        if (i < SLOW - 1)
            continue;
        double above = mean(cs->close, i, FAST) - mean(cs->close, i, SLOW);
        if (side < 0 && above > 0 && size == 0)
            order = cash * 0.95 / cs->close[i];
        else if (side > 0 && above < 0 && size != 0)
            order = -size;
        limit = cs->close[i];
        side = above != 0 ? above : side;
    }
    double final = cash + size * cs->close[N - 1];
    if (n != b->result.n_closed || fabs(final - b->result.final_value) > 1e-9 * fabs(final))
        fprintf(stderr, "%zu trades and %.17g, not %zu and %.17g\n", b->result.n_closed, b->result.final_value, n,
                final),
            exit(1);
    printf("{\"bench\":\"backtest_check\",\"trades\":%zu,\"equal\":true}\n", n);
}

int main(void) {
    Bench b = { 0 };
    clock_manual_init(&b.clock, (Time){ 0 });
    make_candles(&b.cs);
    run(&b);
    check(&b);
    bench_run("backtest_sma_cross", run, &b, N, 0);
    b.analyzers = true;
    bench_run("backtest_sma_cross_analyzers", run, &b, N, 0);
    arena_done(&b.arena);
    candles_done_heap(&b.cs);
    return 0;
}
