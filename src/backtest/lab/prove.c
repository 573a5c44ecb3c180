/* backtest/lab/prove.c - see prove.h. */

#include "backtest/lab/prove.h"

#include "base/parallel.h"

#include <stdatomic.h>
#include <string.h>

const char *prove_fault_words(ProveFault fault) {
    static const char *const words[] = { "no look-ahead was found", "two runs on the same data differ",
                                         "a decision depends on later candles", "a value depends on later candles" };
    assert(fault < ARRAY_LEN(words));
    return words[fault];
}

typedef struct Finding {
    ProveFault fault;
    size_t step;
    size_t n_decisions;
    bool whole_has, cut_has; /* orders at the place where the two differ */
    Order whole, cut;
    double whole_value, cut_value;
} Finding;

typedef struct Proof {
    Ctx *cx;
    const BacktestEngine *engine;
    const BacktestRequest *req;
    const BacktestResult *whole;
    const size_t *cuts; /* steps kept */
    Finding *findings;  /* (n_cuts) */
    int *errs;
    Err *err_words;
    size_t n;
    atomic_size_t n_done;
} Proof;

/* What the strategy asked for; what became of the order may depend on candles behind the cut. */
static bool same_decision(const Order *a, const Order *b) {
    return a->id == b->id && a->asset == b->asset && a->type == b->type && a->created_step == b->created_step &&
           a->size == b->size && a->created_price == b->created_price && a->limit_price == b->limit_price &&
           a->parent == b->parent;
}

static size_t orders_before(const BacktestResult *r, size_t n_steps) { /* ids ascend with time */
    size_t n = 0;
    while (n < r->n_orders && r->orders[n].created_step < n_steps)
        n++;
    return n;
}

/* The first step at which the two runs differ over the steps of the cut. */
static void compare(const BacktestResult *whole, const BacktestResult *cut, Finding *out) {
    size_t n_whole = orders_before(whole, cut->n_steps), n = MIN(n_whole, cut->n_orders), order_step = SIZE_MAX;
    size_t value_step = SIZE_MAX, k = 0;
    while (k < n && same_decision(&whole->orders[k], &cut->orders[k]))
        k++;
    out->n_decisions = k;
    if (k < n_whole || k < cut->n_orders) {
        out->whole_has = k < n_whole;
        out->cut_has = k < cut->n_orders;
        if (out->whole_has)
            out->whole = whole->orders[k];
        if (out->cut_has)
            out->cut = cut->orders[k];
        order_step =
            MIN(out->whole_has ? out->whole.created_step : SIZE_MAX, out->cut_has ? out->cut.created_step : SIZE_MAX);
    }
    for (size_t i = 0; i < cut->n_steps && value_step == SIZE_MAX; i++)
        if (memcmp(&whole->equity[i], &cut->equity[i], sizeof(double)) != 0)
            value_step = i;
    if (order_step == SIZE_MAX && value_step == SIZE_MAX)
        return;
    out->fault = order_step <= value_step ? PROVE_ORDERS : PROVE_EQUITY;
    out->step = MIN(order_step, value_step);
    if (value_step != SIZE_MAX) {
        out->whole_value = whole->equity[value_step];
        out->cut_value = cut->equity[value_step];
    }
}

/* Values that became known after the close of the last candle kept are taken away. One left with none stays, with its
 * first value moved out of reach: a strategy that names the column must still find it. */
static void cut_extras(MarketAsset *a, Arena *arena) {
    int64_t close = asset_close_ms(a, a->candles->n - 1);
    ExtraColumn *cut = arena_new_n(arena, ExtraColumn, a->n_extras);
    for (size_t k = 0; k < a->n_extras; k++) {
        cut[k] = a->extras[k];
        size_t n = 0;
        while (n < cut[k].n && cut[k].known_ms[n] <= close)
            n++;
        if (n == 0) {
            static const int64_t never = INT64_MAX;
            static const double nothing = 0;
            cut[k].known_ms = &never;
            cut[k].value = &nothing;
        }
        cut[k].n = MAX(n, 1);
    }
    a->extras = cut;
}

/* The request with candles and extra values up to and with the time of the last step kept. */
static const MarketAsset *cut_assets(const Proof *p, size_t n_steps, Arena *arena, size_t *n_assets) {
    int64_t last_ms = p->whole->time_ms[n_steps - 1];
    MarketAsset *assets = arena_new_n(arena, MarketAsset, p->req->n_assets);
    *n_assets = 0;
    for (size_t i = 0; i < p->req->n_assets; i++) {
        const MarketAsset *from = &p->req->assets[i];
        Candles *view = arena_new(arena, Candles);
        *view = candles_view(from->candles, 0, candles_lower_bound(from->candles, time_ms(last_ms + 1)));
        assets[i] = *from;
        assets[i].candles = view;
        if (view->n > 0)
            cut_extras(&assets[i], arena);
        *n_assets += view->n > 0;
    }
    return assets;
}

static void run_cut(void *arg, int worker, size_t i) {
    Proof *p = arg;
    Arena arena = { 0 };
    Ctx cx = *p->cx;
    BacktestRequest req = *p->req;
    BacktestResult result = { 0 };
    size_t n_assets;
    cx.arena = &arena;
    err_clear(&cx);
    req.assets = cut_assets(p, p->cuts[i], &arena, &n_assets);
    req.options = (RunOptions){ .memory_max = p->req->options.memory_max };
    if (n_assets == req.n_assets) { /* an asset that has not begun yet cannot be cut: nothing to compare */
        p->errs[i] = backtest_run(p->engine, &cx, &req, &result);
        if (p->errs[i] == 0)
            compare(p->whole, &result, &p->findings[i]);
        else
            p->err_words[i] = cx.err;
    }
    arena_done(&arena);
    size_t n_done = atomic_fetch_add(&p->n_done, 1) + 1;
    if (worker == 0) /* the caller's thread */
        ctx_progress(p->cx, (double)n_done / (double)p->n, (int64_t)n_done);
}

static Str order_words(Arena *a, bool there, const Order *o) {
    if (!there)
        return S("no order");
    return str_fmt(a, "order %u: %s %.10g %s at step %zu", o->id, o->size < 0 ? "sell" : "buy",
                   o->size < 0 ? -o->size : o->size, order_type_name(o->type), o->created_step);
}

static void conclude(const Proof *p, size_t n_cuts, ProveResult *r) {
    *r = (ProveResult){ .n_cuts = n_cuts };
    const Finding *worst = NULL;
    for (size_t i = 0; i < n_cuts; i++) {
        const Finding *f = &p->findings[i];
        r->n_decisions += f->n_decisions;
        if (f->fault != PROVE_NONE && !worst) { /* cuts ascend: the shortest data that shows it */
            worst = f;
            r->cut = p->cuts[i];
        }
    }
    if (!worst)
        return;
    Arena *a = p->cx->arena;
    bool whole_data = r->cut == p->whole->n_steps;
    r->fault = whole_data ? PROVE_NOT_REPEATABLE : worst->fault;
    r->step = worst->step;
    r->at = time_ms(p->whole->time_ms[worst->step]);
    if (worst->fault == PROVE_ORDERS)
        r->words = str_fmt(a, "%s: at first " STR_FMT "; %s " STR_FMT, prove_fault_words(r->fault),
                           STR_ARG(order_words(a, worst->whole_has, &worst->whole)),
                           whole_data ? "run again" : "without the later candles",
                           STR_ARG(order_words(a, worst->cut_has, &worst->cut)));
    else
        r->words =
            str_fmt(a, "%s: at step %zu the account has %.17g, %s %.17g", prove_fault_words(r->fault), r->step,
                    worst->whole_value, whole_data ? "run again" : "without the later candles", worst->cut_value);
}

/* Ascending, different, the whole data last: that run must repeat itself. */
static size_t make_cuts(size_t n_steps, size_t n_wanted, size_t *out) {
    size_t n = 0;
    for (size_t k = 1; k <= n_wanted; k++) {
        size_t cut = MAX((size_t)((double)(n_steps - 1) * (double)k / (double)n_wanted), 1);
        if (n == 0 || cut > out[n - 1])
            out[n++] = cut;
    }
    out[n++] = n_steps;
    return n;
}

int prove_run(Ctx *cx, const BacktestEngine *engine, const BacktestRequest *req, const ProveOptions *options,
              ProveResult *out) {
    BacktestRequest whole_req = *req;
    BacktestResult whole = { 0 };
    whole_req.options = (RunOptions){ .memory_max = req->options.memory_max };
    int e = backtest_run(engine, cx, &whole_req, &whole);
    if (e)
        return e;
    if (whole.n_steps < 3)
        return err_set_at(cx, ERR_INVALID, S("candles"), "proof: %zu candles are too few to cut", whole.n_steps);
    size_t n_wanted = options && options->n_cuts ? MIN(options->n_cuts, (size_t)PROVE_CUTS_MAX) : PROVE_CUTS;
    size_t *cuts = arena_new_n(cx->arena, size_t, n_wanted + 1), n = make_cuts(whole.n_steps, n_wanted, cuts);
    Proof p = { .cx = cx, .engine = engine, .req = req, .whole = &whole, .cuts = cuts, .n = n };
    p.findings = arena_new_n(cx->arena, Finding, n);
    p.errs = arena_new_n(cx->arena, int, n);
    p.err_words = arena_new_n(cx->arena, Err, n);
    parallel_for(options ? options->threads : 1, n, run_cut, &p);
    for (size_t i = 0; i < n; i++)
        if (p.errs[i]) {
            cx->err = p.err_words[i];
            return p.errs[i];
        }
    conclude(&p, n, out);
    return 0;
}
