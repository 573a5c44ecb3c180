/* services/backtest/report.c - the tear sheet of a kept backtest; see backtest.h. */

#include "services/backtest/internal.h"

#include "backtest/report/tearsheet.h"

enum { PATHS = 1000, SEED = 1 };

/* The candles it ran on, as far as they are still there; the page does without. */
static bool candles_of(BacktestService *s, Ctx *cx, const StoredBacktest *b, SourceCandles *out) {
    const ResultAsset *a = &b->result.assets[0];
    Ctx quiet = *cx;
    SourceQuery q = { .key = { .venue = a->venue, .symbol = a->symbol, .timeframe = a->timeframe },
                      .from = a->first,
                      .to = time_add_ms(a->last, 1),
                      .most = s->o.candles_max };
    if (b->summary.simulated)
        venue_parse(S("sim"), &q.key.provider);
    bool there = candle_source_get(s->o.candles, &quiet, &q, out) == 0 && out->rows.n == a->n_candles;
    return there && out->rows.open_ms[0] == a->first.ms && out->rows.open_ms[out->rows.n - 1] == a->last.ms;
}

static bool draw_again(Ctx *cx, const StoredBacktest *b, Bootstrap *out) {
    const BacktestResult *r = &b->result;
    double *returns = arena_new_n(cx->arena, double, r->n_steps);
    Ctx quiet = *cx;
    if (r->n_steps < 2 || !equity_returns(r->initial_cash, r->equity, r->n_steps, returns))
        return false;
    BootstrapOptions o = { .n_paths = PATHS, .seed = SEED, .candles_per_year = b->metrics->v[METRIC_CANDLES_PER_YEAR] };
    /* A million candles a thousand times are more than a page is worth. */
    o.n_paths = MAX((size_t)50, MIN((size_t)PATHS, (size_t)20000000 / r->n_steps));
    return o.candles_per_year > 0 && bootstrap_run(&quiet, returns, r->n_steps, &o, out) == 0;
}

int backtest_service_report(BacktestService *s, Ctx *cx, Str id, Buf *out) {
    StoredBacktest b;
    int r = backtest_service_get(s, cx, id, &b);
    if (r != 0)
        return r;
    SourceCandles candles = { 0 };
    Bootstrap *again = arena_new(cx->arena, Bootstrap);
    TearSheet sheet = { .result = &b.result };
    if (candles_of(s, cx, &b, &candles)) {
        BacktestData data = { .assets = &(MarketAsset){ .candles = &candles.rows }, .n_assets = 1 };
        sheet.candles = &candles.rows;
        sheet.benchmark = backtest_service_benchmark(cx, &data, &b.result);
        sheet.benchmark_name = str_fmt(cx->arena, "holding " STR_FMT, STR_ARG(b.summary.symbol));
    }
    if (draw_again(cx, &b, again))
        sheet.bootstrap = again;
    return tearsheet_write(cx, &sheet, out);
}
