/* api/backtest/beyond.c - walk-forward, Monte Carlo, the proof: requests in, reports as records. */

#include "api/backtest/beyond_shapes.h"
#include "api/backtest/handlers.h"
#include "services/backtest/search.h"

#include <math.h>

static List one_text(Ctx *cx, Str text, bool simulated) {
    Str *v = arena_new_n(cx->arena, Str, 2);
    v[0] = text;
    v[1] = S("SIMULATED: candles of the exchange simulator, not of a market.");
    return (List){ v, simulated ? 2 : 1 };
}

/* --- walk-forward --- */

static int walk_ask(Ctx *cx, const WalkRequestIn *in, WalkAsk *ask) {
    *ask = (WalkAsk){ .options = { .anchored = in->anchored,
                                   .n_train = (size_t)in->train,
                                   .n_test = (size_t)in->test,
                                   .purge = (size_t)in->purge,
                                   .embargo = (size_t)in->embargo } };
    int r = backtest_api_nested_ask(cx, &in->backtest, &ask->base);
    if (r == 0)
        r = backtest_api_grid(cx, in->grid.json, &ask->axes, &ask->n_axes);
    sweep_method_parse(in->method, &ask->options.sweep.method);
    ask->options.sweep.objective = str_cz(cx->arena, in->objective);
    ask->options.sweep.n_samples = (size_t)in->samples;
    ask->options.sweep.seed = (uint64_t)in->seed;
    return r;
}

static List windows_of(Ctx *cx, const WalkReport *p) {
    const WalkResult *w = &p->walk;
    const Candles *cs = p->candles;
    WalkWindowOut *v = arena_new_n(cx->arena, WalkWindowOut, w->n);
    for (size_t i = 0; i < w->n; i++) {
        const WalkWindow *k = &w->windows[i];
        v[i] = (WalkWindowOut){ .train_start = time_ms(cs->open_ms[k->train_from]),
                                .train_end = time_add_ms(time_ms(cs->open_ms[k->train_to - 1]), 1),
                                .test_start = time_ms(cs->open_ms[k->test_from]),
                                .test_end = time_add_ms(time_ms(cs->open_ms[k->test_to - 1]), 1),
                                .chosen = k->chosen,
                                .parameters = backtest_api_values(cx, w->axes, w->n_axes, k->p),
                                .train_objective = k->train_v[w->objective],
                                .test_objective = k->test_v[w->objective],
                                .train_return = k->train_v[SWEEP_TOTAL_RETURN],
                                .test_return = k->test_v[SWEEP_TOTAL_RETURN],
                                .test_trades =
                                    isnan(k->test_v[SWEEP_TOTAL_TRADES]) ? 0 : (int64_t)k->test_v[SWEEP_TOTAL_TRADES] };
    }
    return (List){ v, w->n };
}

int backtest_api_walk(void *role, Ctx *cx, const void *in_, void *out_) {
    const WalkRequestIn *in = in_;
    WalkResponse *out = out_;
    WalkAsk ask;
    WalkReport p;
    int r = walk_ask(cx, in, &ask);
    if (r == 0)
        r = backtest_api_nested(cx, backtest_service_walk(role, cx, &ask, &p));
    if (r != 0)
        return r;
    char *tf = arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX);
    *out = (WalkResponse){ .exchange = str_dup(cx->arena, venue_str(&p.key.venue)),
                           .symbol = str_dup(cx->arena, symbol_str(&p.key.symbol)),
                           .timeframe = timeframe_text(p.key.timeframe, tf),
                           .strategy_type = in->backtest.strategy_type,
                           .engine = in->backtest.engine,
                           .objective = str_c(sweep_figure_info(p.walk.objective)->name),
                           .windows = windows_of(cx, &p),
                           .efficiency = p.walk.efficiency,
                           .equity_curve = backtest_api_equity(cx, p.walk.time_ms, p.walk.equity, p.walk.n_steps,
                                                               in->backtest.initial_capital, in->equity_points),
                           .seconds = p.seconds,
                           .simulated = p.simulated,
                           .synthetic = p.n_synthetic };
    memcpy(out->metrics.v, p.walk.metrics.v, sizeof out->metrics.v);
    Str words = p.walk.efficiency < 0.5
                    ? S("Less than half of what the trainings promised came in: the choice did not carry over.")
                    : S("Parameters of each test were chosen without it; past results are no promise.");
    out->advice = one_text(cx, words, p.simulated);
    return 0;
}

/* --- Monte Carlo --- */

static FigureOut figure_of(const BootstrapFigure *f) {
    return (FigureOut){ .observed = f->observed,
                        .mean = f->mean,
                        .deviation = f->std,
                        .p05 = f->band[0],
                        .p25 = f->band[1],
                        .p50 = f->band[2],
                        .p75 = f->band[3],
                        .p95 = f->band[4] };
}

static List bands_of(Ctx *cx, const Bootstrap *b, const BacktestResult *r) {
    BandOut *v = arena_new_n(cx->arena, BandOut, b->n_points);
    for (size_t i = 0; i < b->n_points; i++) {
        size_t step = MIN(b->point_step[i] ? b->point_step[i] - 1 : 0, r->n_steps - 1);
        v[i] = (BandOut){
            time_ms(r->time_ms[step]), b->band[0][i], b->band[1][i], b->band[2][i], b->band[3][i], b->band[4][i]
        };
    }
    return (List){ v, b->n_points };
}

int backtest_api_monte_carlo(void *role, Ctx *cx, const void *in_, void *out_) {
    const MonteCarloRequest *in = in_;
    MonteCarloResponse *out = out_;
    StoredBacktest b;
    Bootstrap *drawn = arena_new(cx->arena, Bootstrap);
    BootstrapOptions o = { .kind = str_eq(in->kind, S("circular")) ? BOOTSTRAP_CIRCULAR : BOOTSTRAP_STATIONARY,
                           .block = (size_t)in->block,
                           .n_paths = (size_t)in->paths,
                           .seed = (uint64_t)in->seed };
    int r = backtest_api_missing(cx, in->id, backtest_service_monte_carlo(role, cx, in->id, &o, &b, drawn));
    if (r != 0)
        return r;
    *out = (MonteCarloResponse){ .backtest_id = in->id,
                                 .kind = str_c(bootstrap_kind_name(drawn->options.kind)),
                                 .block = (int64_t)drawn->options.block,
                                 .paths = (int64_t)drawn->options.n_paths,
                                 .seed = (int64_t)drawn->options.seed,
                                 .returns = (int64_t)drawn->n,
                                 .total_return = figure_of(&drawn->total_return),
                                 .max_drawdown = figure_of(&drawn->max_drawdown),
                                 .sharpe_ratio = figure_of(&drawn->sharpe),
                                 .loss_probability = drawn->loss_probability,
                                 .worse_drawdown_probability = drawn->worse_drawdown_probability,
                                 .bands = bands_of(cx, drawn, &b.result),
                                 .simulated = b.summary.simulated };
    out->advice =
        one_text(cx, S("Drawn only from what happened once: what never happened is in no path."), b.summary.simulated);
    return 0;
}

/* --- the proof --- */

int backtest_api_prove(void *role, Ctx *cx, const void *in_, void *out_) {
    const ProveRequest *in = in_;
    ProveResponse *out = out_;
    BacktestAsk ask;
    ProveResult p;
    int r = backtest_api_nested_ask(cx, &in->backtest, &ask);
    if (r == 0)
        r = backtest_api_nested(cx, backtest_service_prove(role, cx, &ask, (size_t)in->cuts, &p));
    if (r != 0)
        return r;
    *out = (ProveResponse){ .proved = p.fault == PROVE_NONE,
                            .cuts = (int64_t)p.n_cuts,
                            .decisions = (int64_t)p.n_decisions };
    if (!out->proved) {
        out->fault = str_c(prove_fault_words(p.fault));
        out->words = p.words;
        out->cut = (int64_t)p.cut;
        out->at = p.at;
    }
    return 0;
}
