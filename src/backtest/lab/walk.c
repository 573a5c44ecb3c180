/* backtest/lab/walk.c - see walk.h. */

#include "backtest/lab/walk.h"

#include "base/vec.h"

#include <math.h>
#include <string.h>

size_t walk_windows(size_t n_candles, const WalkOptions *o, WalkWindow *out, size_t most) {
    size_t gap = o->purge + o->embargo, n = 0;
    if (gap < o->purge || gap >= n_candles)
        return 0;
    size_t n_train = o->n_train ? o->n_train : (n_candles - gap) * 4 / 9, n_test = o->n_test ? o->n_test : n_train / 4;
    if (n_train < 2 || n_test < 2 || n_train >= n_candles - gap)
        return 0;
    for (size_t from = n_train + gap; n < most && from < n_candles; from += n_test) {
        size_t to = MIN(from + n_test, n_candles);
        if (to - from < MAX(2, n_test / 2)) /* a rest too short to say something */
            break;
        size_t train_to = from - gap;
        out[n++] = (WalkWindow){
            .train_from = o->anchored ? 0 : train_to - n_train, .train_to = train_to, .test_from = from, .test_to = to
        };
    }
    return n;
}

/* --- one test --- */

/* The strategy with a longer warm-up: lines see all candles, decisions begin with the test. */
typedef struct Held {
    StrategyType type; /* first: what the engine knows */
    const StrategyType *inner;
    size_t n_held;
} Held;

static int held_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    const Held *h = (const Held *)(const void *)s->type;
    int e = h->inner->init(s, setup, cx);
    if (e == 0)
        setup_warmup(setup, 0, h->n_held);
    return e;
}

typedef struct Walk {
    Ctx *cx;
    const BacktestEngine *engine;
    const BacktestRequest *base;
    const SweepAxis *axes;
    size_t n_axes;
    const WalkOptions *options;
    WalkResult *r;
    VEC(Trade) trades; /* of all tests, in the arena */
} Walk;

static void chosen_config(const Walk *w, const WalkWindow *window, Arena *arena, StrategyConfig *out) {
    const StrategyConfig *base = w->base->strategy;
    StrategyValue *values = arena_new_n(arena, StrategyValue, base->n_parameters + w->n_axes);
    size_t n = 0;
    for (size_t i = 0; i < base->n_parameters; i++) {
        bool swept = false;
        for (size_t k = 0; k < w->n_axes; k++)
            swept |= str_eq_nocase(base->parameters[i].name, w->axes[k].name);
        if (!swept)
            values[n++] = base->parameters[i];
    }
    for (size_t k = 0; k < w->n_axes; k++)
        values[n++] = (StrategyValue){ .name = w->axes[k].name, .number = window->p[k] };
    *out = *base;
    out->parameters = values;
    out->n_parameters = n;
}

/* What is open when a test ends counts as closed at the last close, without a fee: the next test begins flat with it. */
static void take_trades(Walk *w, const WalkWindow *window, const BacktestResult *result, size_t at) {
    for (size_t i = 0; i < result->n_trades; i++) {
        Trade t = result->trades[i];
        size_t n = window->test_to - window->test_from;
        if (!t.closed) {
            t.closed = true;
            t.exit_price = result->assets[t.asset].last_close;
            t.pnl = t.size * (t.exit_price - t.entry_price);
            t.pnl_net = t.pnl - t.entry_fees - t.costs;
            t.fees = t.entry_fees;
            t.exit_step = window->test_to;
        }
        t.id = (uint32_t)w->trades.n + 1;
        t.entry_step = MIN(t.entry_step - window->test_from, n) + at;
        t.exit_step = MIN(t.exit_step - window->test_from, n) + at;
        vec_push_in(w->cx->arena, &w->trades, t);
    }
}

static void take_figures(const BacktestMetrics *m, double *v) {
    for (SweepFigure f = 0; f < SWEEP_FIGURES; f++) {
        MetricId id;
        if (metric_find(str_c(sweep_figure_info(f)->name), &id))
            v[f] = m->v[id];
    }
}

static void take_test(Walk *w, WalkWindow *window, const BacktestResult *result, double cash, Arena *scratch) {
    WalkResult *r = w->r;
    size_t n = window->test_to - window->test_from, at = r->n_steps;
    BacktestMetrics m;
    for (size_t i = 0; i < n; i++) {
        r->time_ms[at + i] = w->base->assets[0].candles->open_ms[window->test_from + i];
        r->equity[at + i] = result ? result->equity[window->test_from + i] : cash;
    }
    size_t first = w->trades.n;
    if (result)
        take_trades(w, window, result, at);
    Trade *own = arena_new_n(scratch, Trade, w->trades.n - first);
    for (size_t i = first; i < w->trades.n; i++) {
        own[i - first] = w->trades.v[i];
        own[i - first].entry_step -= at;
        own[i - first].exit_step -= at;
    }
    metrics_compute(&(MetricsInput){ .initial = cash,
                                     .equity = r->equity + at,
                                     .time_ms = r->time_ms + at,
                                     .n = n,
                                     .trades = own,
                                     .n_trades = w->trades.n - first,
                                     .traded = NAN,
                                     .fees = NAN,
                                     .costs = NAN,
                                     .risk_free = w->options->sweep.risk_free },
                    scratch, &m);
    take_figures(&m, window->test_v);
    r->n_steps += n;
}

static int run_test(Walk *w, WalkWindow *window, double cash) {
    const MarketAsset *from = &w->base->assets[0];
    const StrategyType *inner = strategy_find(w->base->catalog, w->base->strategy->strategy_type);
    Arena arena = { 0 };
    Ctx cx = *w->cx;
    cx.arena = &arena;
    BacktestRequest req = *w->base;
    BacktestResult result = { 0 };
    Candles view = candles_view(from->candles, 0, window->test_to);
    MarketAsset asset = *from;
    StrategyConfig config;
    int e = 0;
    if (window->chosen) {
        Held held = { .type = *inner, .inner = inner, .n_held = window->test_from };
        const StrategyType *types[] = { &held.type };
        StrategyCatalog catalog = { types, 1 };
        held.type.init = held_init;
        asset.candles = &view;
        chosen_config(w, window, &arena, &config);
        req.assets = &asset;
        req.strategy = &config;
        req.catalog = &catalog;
        req.broker.cash = cash;
        req.options = (RunOptions){ .no_orders = true, .memory_max = w->base->options.memory_max };
        e = backtest_run(w->engine, &cx, &req, &result);
    }
    if (e == 0)
        take_test(w, window, window->chosen ? &result : NULL, cash, &arena);
    else
        w->cx->err = cx.err;
    arena_done(&arena);
    return e;
}

/* --- one training --- */

typedef struct Training { /* progress of one as part of the whole */
    const Walk *w;
    size_t window;
} Training;

static int tell_training(void *arg, Ctx *cx, const SweepProgress *p) {
    const Training *t = arg;
    const Walk *w = t->w;
    SweepProgress all = { t->window, w->r->n, ((double)t->window + p->fraction) / (double)w->r->n };
    return w->options->progress(w->options->progress_arg, cx, &all);
}

static int run_train(Walk *w, WalkWindow *window) {
    const MarketAsset *from = &w->base->assets[0];
    Arena arena = { 0 };
    Ctx cx = *w->cx;
    cx.arena = &arena;
    Candles view = candles_view(from->candles, window->train_from, window->train_to - window->train_from);
    MarketAsset asset = *from;
    BacktestRequest req = *w->base;
    SweepOptions options = w->options->sweep;
    SweepResult sweep;
    asset.candles = &view;
    req.assets = &asset;
    Training training = { w, (size_t)(window - w->r->windows) };
    options.progress = w->options->progress ? tell_training : NULL;
    options.progress_arg = &training;
    options.trade_from = 0;
    int e = sweep_run(&cx, w->engine, &req, w->axes, w->n_axes, &options, &sweep);
    if (e) {
        w->cx->err = cx.err;
    } else {
        const SweepRow *best = &sweep.rows[sweep.ranked[0]];
        window->chosen = best->err == 0 && !isnan(best->v[sweep.objective]);
        memcpy(window->p, best->p, sizeof window->p);
        memcpy(window->train_v, best->v, sizeof window->train_v);
        w->r->objective = sweep.objective;
    }
    arena_done(&arena);
    return e;
}

/* --- all --- */

static int check(Ctx *cx, const BacktestRequest *base, const WalkOptions *o) {
    if (base->n_assets != 1)
        return err_set_at(cx, ERR_INVALID, S("symbols"), "walk-forward: one asset, not %zu", base->n_assets);
    Strategy *unused;
    if (!strategy_find(base->catalog, base->strategy->strategy_type))
        return strategy_open(cx, base->catalog, base->strategy, &unused);
    WalkWindow one[1];
    size_t n = base->assets[0].candles ? base->assets[0].candles->n : 0;
    if (walk_windows(n, o, one, 1) == 0)
        return err_set_at(
            cx, ERR_INVALID, S("candles"),
            "walk-forward: %zu candles do not hold a training of %zu, a gap of %zu and a test; collect more or "
            "take shorter ones",
            n, o->n_train, o->purge + o->embargo);
    return 0;
}

static void conclude(Walk *w, double initial) {
    WalkResult *r = w->r;
    double train = 0, test = 0;
    metrics_compute(&(MetricsInput){ .initial = initial,
                                     .equity = r->equity,
                                     .time_ms = r->time_ms,
                                     .n = r->n_steps,
                                     .trades = w->trades.v,
                                     .n_trades = w->trades.n,
                                     .traded = NAN,
                                     .fees = NAN,
                                     .costs = NAN,
                                     .risk_free = w->options->sweep.risk_free },
                    w->cx->arena, &r->metrics);
    for (size_t i = 0; i < r->n; i++) {
        train += r->windows[i].chosen ? r->windows[i].train_v[SWEEP_ANNUAL_RETURN] : 0;
        test += r->windows[i].chosen ? r->windows[i].test_v[SWEEP_ANNUAL_RETURN] : 0;
    }
    r->efficiency = train > 0 ? test / train : NAN;
}

int walk_run(Ctx *cx, const BacktestEngine *engine, const BacktestRequest *base, const SweepAxis *axes, size_t n_axes,
             const WalkOptions *options, WalkResult *out) {
    int e = check(cx, base, options);
    if (e)
        return e;
    WalkResult r = { .n_axes = n_axes };
    Walk w = { .cx = cx, .engine = engine, .base = base, .axes = axes, .n_axes = n_axes, .options = options, .r = &r };
    size_t n = base->assets[0].candles->n;
    double cash = base->broker.cash;
    memcpy(r.axes, axes, MIN(n_axes, (size_t)SWEEP_AXES_MAX) * sizeof *axes);
    r.windows = arena_new_n(cx->arena, WalkWindow, WALK_WINDOWS_MAX);
    r.n = walk_windows(n, options, r.windows, WALK_WINDOWS_MAX);
    r.time_ms = arena_new_n(cx->arena, int64_t, n);
    r.equity = arena_new_n(cx->arena, double, n);
    for (size_t i = 0; i < r.n; i++) {
        e = run_train(&w, &r.windows[i]);
        if (e == 0)
            e = run_test(&w, &r.windows[i], cash);
        if (e)
            return e;
        cash = r.equity[r.n_steps - 1];
        SweepProgress p = { i + 1, r.n, (double)(i + 1) / (double)r.n };
        e = options->progress ? options->progress(options->progress_arg, cx, &p) : 0;
        if (e)
            return e;
        if (!(cash > 0)) { /* nothing left to go on with */
            r.n = i + 1;
            break;
        }
    }
    conclude(&w, base->broker.cash);
    *out = r;
    return 0;
}
