/* Sweeps against the engine: `make bench`, or build/bench/bench_sweep.
 *
 * A thousand pairs of averages over 100,000 candles: 1e8 steps, each combination with its equity, deepest drawdown and
 * Sharpe ratio. Before the clock, a sample of the combinations is run by the backtrader engine: trades, values and figures
 * must be the same. Then one thread and two; with two, CPU of the process tells whether the work was shared or waited. */

#include "adapters/clock/system.h"
#include "backtest/lab/sweep.h"
#include "base/rng.h"
#include "bench.h"

#include <math.h>
#include <sys/resource.h>

enum { N = 100000, SHORTS = 40, LONGS = 25 };

typedef struct Bench {
    Arena arena;
    Candles candles;
    MarketAsset asset;
    StrategyConfig strategy;
    BacktestRequest base;
    const BacktestEngine *engine;
    SweepAxis axes[2];
    double shorts[SHORTS], longs[LONGS];
    SweepOptions options;
    Clock clock;
    SweepResult last;
} Bench;

static void make(Bench *b) {
    Rng rng;
    double price = 100;
    rng_seed(&rng, 1);
    candles_init(&b->candles, &b->arena, N);
    for (int i = 0; i < N; i++) {
        double open = price * (1 + 0.0005 * rng_normal(&rng));
        price = fmax(1, open * (1 + 0.004 * rng_normal(&rng)));
        candles_push(&b->candles, &(Candle){ .open_time = time_ms((int64_t)i * MS_PER_HOUR),
                                             .open = open,
                                             .high = fmax(open, price) * 1.001,
                                             .low = fmin(open, price) * 0.999,
                                             .close = price,
                                             .volume = 1 });
    }
    for (int i = 0; i < SHORTS; i++)
        b->shorts[i] = 2 + i;
    for (int i = 0; i < LONGS; i++)
        b->longs[i] = 50 + 10 * i;
    b->axes[0] = (SweepAxis){ S("short_period"), b->shorts, SHORTS };
    b->axes[1] = (SweepAxis){ S("long_period"), b->longs, LONGS };
    b->asset = (MarketAsset){ .candles = &b->candles, .timeframe = { UNIT_HOUR, 1 } };
    b->strategy = (StrategyConfig){ .strategy_type = S("moving_average_crossover") };
    b->base = (BacktestRequest){ .assets = &b->asset, .n_assets = 1, .strategy = &b->strategy };
    b->base.broker = broker_config_standard();
    b->engine = backtest_engine_find(S("backtrader"));
}

static void must(int e, const Ctx *cx) {
    if (e == 0)
        return;
    fprintf(stderr, "bench_sweep: %s\n", cx->err.text);
    exit(1);
}

static double run(void *arg) {
    Bench *b = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, &b->clock);
    must(sweep_run(&cx, b->engine, &b->base, b->axes, 2, &b->options, &b->last), &cx);
    double keep = b->last.rows[b->last.ranked[0]].v[SWEEP_SHARPE];
    arena_done(&arena);
    return keep;
}

/* Every 37th combination, by the engine. */
static void check(Bench *b) {
    Arena arena = { 0 };
    Ctx cx;
    SweepResult fast;
    ctx_init(&cx, &arena, &b->clock);
    must(sweep_run(&cx, b->engine, &b->base, b->axes, 2, &b->options, &fast), &cx);
    double n_trades = 0;
    size_t n_checked = 0;
    for (size_t i = 0; i < fast.n; i++)
        n_trades += fast.rows[i].v[SWEEP_TOTAL_TRADES];
    for (size_t i = 0; i < fast.n; i += 37, n_checked++) {
        SweepResult slow;
        SweepOptions o = { .engine_only = true };
        SweepAxis one[2] = { { b->axes[0].name, &fast.rows[i].p[0], 1 }, { b->axes[1].name, &fast.rows[i].p[1], 1 } };
        must(sweep_run(&cx, b->engine, &b->base, one, 2, &o, &slow), &cx);
        for (SweepFigure f = 0; f < SWEEP_FIGURES; f++) {
            double got = fast.rows[i].v[f], want = slow.rows[0].v[f];
            if (isnan(got) != isnan(want) || fabs(got - want) > 1e-9 * fmax(1, fabs(want))) {
                fprintf(stderr, "bench_sweep: combination %zu: %s is %.17g, the engine has %.17g\n", i,
                        sweep_figure_info(f)->name, got, want);
                exit(1);
            }
        }
    }
    printf("{\"bench\":\"sweep_check\",\"combinations\":%zu,\"trades\":%.0f,\"equal_to_engine\":%zu,\"columns\":%zu,"
           "\"scratch_mb\":%.1f,\"avx2\":%d}\n",
           fast.n, n_trades, n_checked, fast.n_columns, (double)fast.scratch_size / 1e6,
           __builtin_cpu_supports("avx2") != 0);
    arena_done(&arena);
}

static double thread_cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Returns the CPU time of the busiest side, this thread or all others: what the wall would show with cores to spare. */
static double measure(Bench *b, const char *name) {
    double wall[BENCH_ROUNDS], cpu[BENCH_ROUNDS], busiest[BENCH_ROUNDS];
    double steps = (double)N * SHORTS * LONGS;
    for (int i = -BENCH_WARM_UP; i < BENCH_ROUNDS; i++) {
        double from = bench_now_s(), cpu_from = bench_cpu_s(), own_from = thread_cpu_s();
        run(b);
        if (i < 0)
            continue;
        wall[i] = bench_now_s() - from;
        cpu[i] = bench_cpu_s() - cpu_from;
        double own = thread_cpu_s() - own_from;
        busiest[i] = fmax(own, cpu[i] - own);
    }
    qsort(wall, BENCH_ROUNDS, sizeof wall[0], bench_cmp);
    qsort(cpu, BENCH_ROUNDS, sizeof cpu[0], bench_cmp);
    qsort(busiest, BENCH_ROUNDS, sizeof busiest[0], bench_cmp);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"bench\":\"sweep\",\"which\":\"%s\",\"threads\":%d,\"steps\":%.0f,\"median_ms\":%.1f,\"best_ms\":%.1f,"
           "\"cpu_ms\":%.1f,\"m_steps_per_s\":%.0f,\"m_steps_per_s_best\":%.0f,\"m_steps_per_cpu_s\":%.0f,\"peak_mb\":%"
           ".1f}\n",
           name, b->options.threads, steps, wall[BENCH_ROUNDS / 2] * 1e3, wall[0] * 1e3, cpu[BENCH_ROUNDS / 2] * 1e3,
           steps / wall[BENCH_ROUNDS / 2] / 1e6, steps / wall[0] / 1e6, steps / cpu[BENCH_ROUNDS / 2] / 1e6,
           (double)usage.ru_maxrss / 1024);
    fflush(stdout);
    return busiest[BENCH_ROUNDS / 2];
}

int main(void) {
    static Bench b;
    clock_system_init(&b.clock);
    make(&b);
    b.options.threads = 1;
    check(&b);
    double one = measure(&b, "one thread");
    b.options.threads = 2;
    double two = measure(&b, "two threads");
    printf("{\"bench\":\"sweep_scaling\",\"threads\":2,\"by_cpu_of_the_busiest\":%.2f}\n", one / two);
    b.options = (SweepOptions){ .threads = 1, .no_avx2 = true };
    measure(&b, "plain C");
    arena_done(&b.arena);
    return 0;
}
