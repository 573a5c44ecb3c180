/* services/backtest/search.c - see search.h. */

#include "services/backtest/search.h"

#include "services/backtest/internal.h"

int backtest_service_tell(void *arg, Ctx *cx, const SweepProgress *p) {
    UNUSED(arg);
    ctx_progress(cx, p->fraction, (int64_t)p->n_done);
    return ctx_check(cx);
}

static int run_sweep(BacktestService *s, Ctx *cx, const SweepAsk *ask, const BacktestData *data, SweepReport *out) {
    const BacktestEngine *e;
    SweepOptions options = ask->options;
    int r = backtest_service_engine(cx, ask->base.engine, &e);
    if (r != 0)
        return r;
    BacktestRequest req = backtest_service_request(s, &ask->base, data);
    if (!options.threads)
        options.threads = s->o.threads;
    options.risk_free = ask->base.risk_free;
    options.progress = backtest_service_tell;
    MonoNs started = clock_mono(cx->clock);
    r = sweep_run(cx, e, &req, ask->axes, ask->n_axes, &options, &out->sweep);
    out->seconds = (double)(clock_mono(cx->clock).ns - started.ns) / NS_PER_SECOND;
    return r;
}

static bool is_swept(const SweepResult *sweep, Str name) {
    bool swept = false;
    for (size_t i = 0; i < sweep->n_axes; i++)
        swept |= str_eq_nocase(sweep->axes[i].name, name);
    return swept;
}

/* The best combination's own returns, for the luck of having been chosen. */
static int deflate(BacktestService *s, Ctx *cx, const SweepAsk *ask, const BacktestData *data, SweepReport *out) {
    const SweepResult *sweep = &out->sweep;
    const SweepRow *best = &sweep->rows[sweep->ranked[0]];
    if (best->err != 0)
        return 0;
    StrategyConfig config = ask->base.strategy;
    StrategyValue *values = arena_new_n(cx->arena, StrategyValue, config.n_parameters + sweep->n_axes);
    size_t n = 0;
    for (size_t i = 0; i < config.n_parameters; i++)
        if (!is_swept(sweep, config.parameters[i].name))
            values[n++] = config.parameters[i];
    for (size_t i = 0; i < sweep->n_axes; i++)
        values[n++] = (StrategyValue){ .name = sweep->axes[i].name, .number = best->p[i] };
    config.parameters = values;
    config.n_parameters = n;
    BacktestRequest req = backtest_service_request(s, &ask->base, data);
    req.strategy = &config;
    req.options.no_orders = true;
    const BacktestEngine *e;
    BacktestResult result;
    int r = backtest_service_engine(cx, ask->base.engine, &e);
    if (r == 0)
        r = backtest_run(e, cx, &req, &result);
    if (r != 0)
        return r;
    double *returns = arena_new_n(cx->arena, double, result.n_steps);
    if (!equity_returns(result.initial_cash, result.equity, result.n_steps, returns))
        return 0;
    sweep_deflated_sharpe(sweep, returns, result.n_steps, cx->arena, &out->deflated);
    out->has_deflated = true;
    return 0;
}

static int judge(BacktestService *s, Ctx *cx, const SweepAsk *ask, const BacktestData *data, SweepReport *out) {
    const SweepResult *sweep = &out->sweep;
    size_t x = ask->heat_x < sweep->n_axes ? ask->heat_x : 0, y = ask->heat_y < sweep->n_axes ? ask->heat_y : 1;
    int r = 0;
    if (sweep->n_axes > 1) {
        r = sweep_heat(cx, sweep, x, y, sweep->objective, &out->heat);
        out->has_heat = r == 0;
    }
    if (r == 0 && sweep->blocks && sweep->n - sweep->n_refused > 1) {
        r = sweep_overfit(cx, sweep, s->o.threads, &out->overfit);
        out->has_overfit = r == 0;
        if (r == ERR_INVALID) { /* too short a run to say anything: no figure, not a failure */
            err_clear(cx);
            r = 0;
        }
    }
    return r == 0 ? deflate(s, cx, ask, data, out) : r;
}

int backtest_service_sweep(BacktestService *s, Ctx *cx, const SweepAsk *ask, SweepReport *out) {
    *out = (SweepReport){ 0 };
    BacktestData data;
    int r = backtest_service_data(s, cx, &ask->base, &data);
    if (r == 0)
        r = run_sweep(s, cx, ask, &data, out);
    if (r == 0)
        r = judge(s, cx, ask, &data, out);
    if (r != 0)
        return r;
    out->key = data.key;
    out->n_candles = data.n_candles;
    out->n_synthetic = data.n_synthetic;
    out->simulated = data.simulated;
    return 0;
}
