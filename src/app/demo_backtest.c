/* app/demo_backtest.c - the demo's strategy: run, set beside its neighbours, put on a page. */

#include "app/demo.h"

#include "api/backtest/backtest_api.h"
#include "api/backtest/search_shapes.h"
#include "base/file.h"

#include <math.h>

static Str equity_line(Demo *d, const BacktestResponse *b) {
    enum { WIDTH = 48 };
    Arena *a = d->c->cx->arena;
    const EquityOut *v = b->equity_curve.v;
    double *values = arena_new_n(a, double, b->equity_curve.n);
    for (size_t i = 0; i < b->equity_curve.n; i++)
        values[i] = v[i].value;
    return term_sparkline(a, values, b->equity_curve.n, WIDTH);
}

static Str percent(Arena *a, double v) {
    return isnan(v) ? S("-") : str_fmt(a, "%+.1f %%", v * 100);
}

static void show_run(Demo *d, const BacktestResponse *b) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    const double *m = b->metrics.v;
    fprintf(c->out, "  " STR_FMT " " STR_FMT "  %s" STR_FMT "%s  " STR_FMT "\n", STR_ARG(b->symbol),
            STR_ARG(b->strategy_type), term_tone(c, TONE_ACCENT), STR_ARG(equity_line(d, b)), term_end(c),
            STR_ARG(term_ms(a, b->execution_time_seconds * 1000)));
    fprintf(c->out,
            "  return " STR_FMT "   holding " STR_FMT "   deepest drawdown " STR_FMT "   %lld trades   fees " STR_FMT
            "%s%s%s\n",
            STR_ARG(percent(a, m[METRIC_TOTAL_RETURN])), STR_ARG(percent(a, m[METRIC_BENCHMARK_RETURN])),
            STR_ARG(percent(a, -m[METRIC_MAX_DRAWDOWN])), (long long)m[METRIC_TOTAL_TRADES],
            STR_ARG(term_price(a, m[METRIC_FEES])), term_tone(c, TONE_WARN), b->simulated ? "   SIMULATED" : "",
            term_end(c));
    if (b->explanation.n)
        fprintf(c->out, "  " STR_FMT "\n", STR_ARG(b->explanation));
}

static int run_one(Demo *d, const DemoSeries *s, BacktestRequestIn *in, BacktestResponse *out) {
    shape_init(&backtest_request_shape, d->c->cx, in);
    in->exchange = s->exchange;
    in->symbol = s->symbol;
    in->timeframe = s->timeframe;
    in->strategy_type = S("moving_average_crossover");
    int r = demo_call(d, &op_backtest_run, in, out);
    if (r == 0)
        show_run(d, out);
    return r;
}

/* The same strategy with other averages, and how much of the best of them may be luck. */
static int sweep(Demo *d, const BacktestRequestIn *run) {
    Cli *c = d->c;
    SweepRequestIn in;
    SweepResponse out = { 0 };
    shape_init(&sweep_request_shape, c->cx, &in);
    in.backtest = *run;
    in.backtest.backtest_id = (Str){ 0 };
    in.grid.json = S("{\"short_period\":{\"from\":5,\"to\":50,\"step\":5},"
                     "\"long_period\":{\"from\":60,\"to\":240,\"step\":10}}");
    in.top = 1;
    int r = demo_call(d, &op_backtest_sweep, &in, &out);
    if (r != 0)
        return r;
    const SweepRowOut *best = out.best.v;
    fprintf(c->out, "  " STR_FMT " combinations in " STR_FMT " (%.0f M candle steps a second)",
            STR_ARG(term_count(c->cx->arena, out.combinations)), STR_ARG(term_ms(c->cx->arena, out.seconds * 1000)),
            out.steps_per_second / 1e6);
    if (out.best.n && !isnan(best->sharpe_ratio))
        fprintf(c->out, ", best " STR_FMT ": Sharpe %.2f", STR_ARG(best->parameters.json), best->sharpe_ratio);
    if (out.overfit.ways && !isnan(out.overfit.probability))
        fprintf(c->out, "; probability of overfitting %.2f", out.overfit.probability);
    fprintf(c->out, "\n");
    return 0;
}

static int write_page(Demo *d, Str id) {
    RawBody page = { 0 };
    Ctx *cx = d->c->cx;
    const char *path = path_join(cx->arena, d->app->cfg.data_dir, "backtest.html");
    int r = demo_call(d, &op_backtest_report, &(BacktestId){ id }, &page);
    if (r == 0)
        r = file_write(cx, path, page.bytes, 0644);
    if (r == 0)
        fprintf(d->c->out, "  tear sheet: %s\n", path);
    return r;
}

int demo_backtest(Demo *d, const DemoSeries *s) {
    BacktestRequestIn in;
    BacktestResponse ran = { 0 };
    demo_heading(d, "Backtest",
                 "averages of 10 and 30 candles, filled at the next open, 0.1 % a side; then 190 others");
    int r = run_one(d, s, &in, &ran);
    if (r == 0 && ran.metrics.v[METRIC_TOTAL_TRADES] > 0)
        r = sweep(d, &in);
    if (r == ERR_INVALID) { /* a short file: every combination needs more candles than there are */
        fprintf(d->c->out, "  no sweep: %s\n", d->c->cx->err.text);
        err_clear(d->c->cx);
        r = 0;
    }
    return r == 0 ? write_page(d, ran.backtest_id) : r;
}
