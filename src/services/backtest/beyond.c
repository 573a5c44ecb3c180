/* services/backtest/beyond.c - walk-forward, Monte Carlo and the proof over stored candles; see search.h. */

#include "services/backtest/internal.h"
#include "services/backtest/search.h"

int backtest_service_walk(BacktestService *s, Ctx *cx, const WalkAsk *ask, WalkReport *out) {
    *out = (WalkReport){ 0 };
    const BacktestEngine *e;
    BacktestData data;
    WalkOptions options = ask->options;
    int r = backtest_service_engine(cx, ask->base.engine, &e);
    if (r == 0)
        r = backtest_service_data(s, cx, &ask->base, &data);
    if (r != 0)
        return r;
    if (data.n_assets != 1)
        return err_set_at(cx, ERR_INVALID, S("backtest.symbols"), "walk-forward takes one asset");
    BacktestRequest req = backtest_service_request(s, &ask->base, &data);
    if (!options.sweep.threads)
        options.sweep.threads = s->o.threads;
    options.sweep.risk_free = ask->base.risk_free;
    options.progress = backtest_service_tell;
    MonoNs started = clock_mono(cx->clock);
    r = walk_run(cx, e, &req, ask->axes, ask->n_axes, &options, &out->walk);
    out->seconds = (double)(clock_mono(cx->clock).ns - started.ns) / NS_PER_SECOND;
    out->candles = data.assets[0].candles;
    out->key = data.key;
    out->n_synthetic = data.n_synthetic;
    out->simulated = data.simulated;
    return r;
}

int backtest_service_monte_carlo(BacktestService *s, Ctx *cx, Str id, const BootstrapOptions *options,
                                 StoredBacktest *of, Bootstrap *out) {
    int r = backtest_service_get(s, cx, id, of);
    if (r != 0)
        return r;
    const BacktestResult *b = &of->result;
    double *returns = arena_new_n(cx->arena, double, b->n_steps);
    BootstrapOptions o = *options;
    o.candles_per_year = candles_per_year(b->time_ms, b->n_steps);
    o.threads = s->o.threads;
    if (!(o.candles_per_year > 0) || !equity_returns(b->initial_cash, b->equity, b->n_steps, returns))
        return err_set_at(cx, ERR_INVALID, S("id"),
                          "there is nothing to draw from: the account was wiped out, or has fewer than two candles");
    return bootstrap_run(cx, returns, b->n_steps, &o, out);
}

int backtest_service_prove(BacktestService *s, Ctx *cx, const BacktestAsk *ask, size_t n_cuts, ProveResult *out) {
    const BacktestEngine *e;
    BacktestData data;
    int r = backtest_service_engine(cx, ask->engine, &e);
    if (r == 0)
        r = backtest_service_data(s, cx, ask, &data);
    if (r != 0)
        return r;
    BacktestRequest req = backtest_service_request(s, ask, &data);
    return prove_run(cx, e, &req, &(ProveOptions){ .n_cuts = n_cuts, .threads = s->o.threads }, out);
}
