/* What a tear sheet costs: a run over a million candles, its metrics and its page. build/bench/bench_tearsheet
 *
 *     bench_tearsheet                        figures
 *     bench_tearsheet candles.csv out.html [SYMBOL [strategy]]   a page of real candles, with sweep and bootstrap, to look at */

#include "adapters/clock/system.h"
#include "backtest/lab/sweep.h"
#include "backtest/report/tearsheet.h"
#include "base/file.h"
#include "base/rng.h"
#include "bench.h"
#include "core/candle_csv.h"

#include <math.h>

enum { N = 1000000, PAGE_MAX = 64 << 20 };

static void must(int e, const Ctx *cx) {
    if (e == 0)
        return;
    fprintf(stderr, "bench_tearsheet: %d %s\n", e, cx->err.text);
    exit(1);
}

static void make(Candles *cs, Arena *arena) {
    Rng rng;
    double price = 100;
    rng_seed(&rng, 1);
    candles_init(cs, arena, N);
    for (int i = 0; i < N; i++) {
        double open = price * (1 + 0.0001 * rng_normal(&rng));
        price = fmax(1, open * (1 + 0.0008 * rng_normal(&rng)));
        candles_push(cs, &(Candle){ .open_time = time_ms(INT64_C(1600000000000) + (int64_t)i * MS_PER_MINUTE),
                                    .open = open,
                                    .high = fmax(open, price) * 1.0002,
                                    .low = fmin(open, price) * 0.9998,
                                    .close = price,
                                    .volume = 1 });
    }
}

static void load(Ctx *cx, const char *path, Candles *cs) {
    CandleCsv *csv;
    Str text;
    CandleCsvOptions o = { 0 };
    must(file_read(cx, path, (size_t)1 << 30, &text), cx);
    must(candle_csv_open(cx, &o, &csv), cx);
    candles_init_heap(cs, 1000);
    must(candle_csv_feed(csv, cx, text, cs), cx);
    must(candle_csv_finish(csv, cx, cs), cx);
}

typedef struct Bench {
    Ctx cx;
    Arena arena;
    Clock clock;
    Candles candles;
    BacktestResult result;
    TearSheet sheet;
    Buf page;
} Bench;

static double write_page(void *arg) {
    Bench *b = arg;
    buf_clear(&b->page);
    must(tearsheet_write(&b->cx, &b->sheet, &b->page), &b->cx);
    return (double)b->page.n;
}

static double metrics(void *arg) {
    Bench *b = arg;
    ArenaMark mark = arena_mark(&b->arena);
    result_add_metrics(&b->result, &b->arena, b->sheet.benchmark, 0);
    double keep = b->result.metrics->v[METRIC_SHARPE];
    arena_rewind(&b->arena, mark);
    return keep;
}

static void beyond(Bench *b, const BacktestEngine *engine, const BacktestRequest *req) {
    static double shorts[20], longs[16];
    static HeatMap heat;
    static Pbo pbo;
    static DeflatedSharpe deflated;
    static Bootstrap bootstrap;
    SweepResult sweep;
    for (int i = 0; i < 20; i++)
        shorts[i] = 3 + 2 * i;
    for (int i = 0; i < 16; i++)
        longs[i] = 20 + 10 * i;
    SweepAxis axes[2] = { { S("short_period"), shorts, 20 }, { S("long_period"), longs, 16 } };
    double *returns = arena_new_n(&b->arena, double, b->result.n_steps);
    equity_returns(b->result.initial_cash, b->result.equity, b->result.n_steps, returns);
    if (sweep_run(&b->cx, engine, req, axes, 2, &(SweepOptions){ 0 }, &sweep) == 0) {
        must(sweep_heat(&b->cx, &sweep, 0, 1, SWEEP_SHARPE, &heat), &b->cx);
        must(sweep_overfit(&b->cx, &sweep, 1, &pbo), &b->cx);
        sweep_deflated_sharpe(&sweep, returns, b->result.n_steps, &b->arena, &deflated);
        b->sheet.heat = &heat;
        b->sheet.n_combos = sweep.n - sweep.n_refused;
        b->sheet.pbo = &pbo;
        b->sheet.deflated = &deflated;
    }
    BootstrapOptions o = { .seed = 1, .candles_per_year = b->result.metrics->v[METRIC_CANDLES_PER_YEAR] };
    must(bootstrap_run(&b->cx, returns, b->result.n_steps, &o, &bootstrap), &b->cx);
    b->sheet.bootstrap = &bootstrap;
}

int main(int argc, char **argv) {
    static Bench b;
    MarketAsset asset = { .candles = &b.candles, .timeframe = { UNIT_MINUTE, 1 } };
    StrategyConfig strategy = { .strategy_type = str_c(argc > 4 ? argv[4] : "moving_average_crossover") };
    const BacktestEngine *engine = backtest_engine_find(S("backtrader"));
    BacktestRequest req = {
        .assets = &asset, .n_assets = 1, .strategy = &strategy, .broker = broker_config_standard()
    };
    clock_system_init(&b.clock);
    ctx_init(&b.cx, &b.arena, &b.clock);
    buf_init(&b.page, PAGE_MAX);
    if (argc > 2) {
        load(&b.cx, argv[1], &b.candles);
        timeframe_infer(memcpy(arena_new_n(&b.arena, int64_t, b.candles.n), b.candles.open_ms, b.candles.n * 8),
                        b.candles.n, &asset.timeframe);
    } else {
        make(&b.candles, &b.arena);
    }
    symbol_parse(str_c(argc > 3 ? argv[3] : "MADEUP"), &asset.symbol);
    must(backtest_run(engine, &b.cx, &req, &b.result), &b.cx);
    b.sheet = (TearSheet){ .result = &b.result, .candles = &b.candles, .benchmark = b.candles.close };
    b.sheet.benchmark_name = S("buy and hold");
    result_add_metrics(&b.result, &b.arena, b.sheet.benchmark, 0);
    if (argc > 2) {
        beyond(&b, engine, &req);
        write_page(&b);
        return file_write(&b.cx, argv[2], buf_str(&b.page), 0644) != 0;
    }
    bench_run("metrics_million", metrics, &b, N, 0);
    bench_run("tearsheet_million", write_page, &b, N, 0);
    printf("{\"bench\":\"tearsheet_size\",\"candles\":%d,\"trades\":%zu,\"page_kb\":%.0f}\n", N, b.result.n_closed,
           (double)b.page.n / 1e3);
    buf_done(&b.page);
    arena_done(&b.arena);
    return 0;
}
