/* backtest/lab/bootstrap.c - see bootstrap.h. */

#include "backtest/lab/bootstrap.h"

#include "backtest/sample.h"
#include "base/parallel.h"
#include "base/rng.h"

#include <math.h>

const double BOOTSTRAP_QUANTILES[BOOTSTRAP_BANDS] = { 0.05, 0.25, 0.5, 0.75, 0.95 };

const char *bootstrap_kind_name(BootstrapKind kind) {
    return kind == BOOTSTRAP_CIRCULAR ? "circular" : "stationary";
}

typedef struct Job {
    const Bootstrap *b;
    const double *returns;
    Ctx *cx;
    atomic_size_t n_done;
    atomic_int stop;                              /* ErrCode of whatever ended it; 0: go on */
    double risk_free;                             /* of one candle */
    double *total_return, *max_drawdown, *sharpe; /* (n_paths) */
    double *points;                               /* (n_points, n_paths) */
} Job;

typedef struct Path {
    double value, peak, drawdown;
    double sum, squares; /* of returns above the risk-free one */
} Path;

static void path_add(Path *p, const double *r, size_t n, double risk_free) {
    for (size_t i = 0; i < n; i++) {
        double d = r[i] - risk_free;
        p->value *= 1 + r[i];
        p->sum += d;
        p->squares += d * d;
        if (p->value > p->peak)
            p->peak = p->value;
        else if (p->value < p->peak * (1 - p->drawdown))
            p->drawdown = 1 - p->value / p->peak;
    }
}

static double path_sharpe(const Path *p, size_t n, double per_year) {
    double mean = p->sum / (double)n, variance = (p->squares - p->sum * mean) / (double)(n - 1);
    return variance > 1e-30 && variance > 1e-14 * mean * mean ? mean / sqrt(variance) * sqrt(per_year) : NAN;
}

/* Geometric with mean `block`, from 1 on, by inversion. */
static size_t block_length(const BootstrapOptions *o, Rng *rng, size_t most) {
    if (o->kind == BOOTSTRAP_CIRCULAR || o->block == 1)
        return o->block;
    double u = 1 - rng_f64(rng), length = 1 + floor(log(u) / log1p(-1.0 / (double)o->block));
    return length < (double)most ? (size_t)length : most;
}

static void run_path(void *arg, int worker, size_t k) {
    Job *j = arg;
    const Bootstrap *b = j->b;
    size_t n = b->n, at = 0, point = 0;
    Path p = { .value = 1, .peak = 1 };
    Rng rng;
    if (atomic_load_explicit(&j->stop, memory_order_relaxed))
        return;
    rng_seed(&rng, b->options.seed + UINT64_C(0x9E3779B97F4A7C15) * (k + 1));
    while (at < n) {
        size_t from = (size_t)rng_below(&rng, n), left = block_length(&b->options, &rng, n);
        left = MIN(left, n - at); /* not of the call: MIN would draw twice */
        while (left > 0) {        /* a piece ends at the end of the returns and where a point is taken */
            size_t piece = MIN(MIN(left, n - from), b->point_step[point] - at);
            path_add(&p, j->returns + from, piece, j->risk_free);
            from = from + piece == n ? 0 : from + piece;
            at += piece;
            left -= piece;
            if (at == b->point_step[point])
                j->points[point++ * b->options.n_paths + k] = p.value;
        }
    }
    j->total_return[k] = p.value - 1;
    j->max_drawdown[k] = p.drawdown;
    j->sharpe[k] = path_sharpe(&p, n, b->options.candles_per_year);
    size_t n_done = atomic_fetch_add_explicit(&j->n_done, 1, memory_order_relaxed) + 1;
    if (worker != 0) /* not the caller's thread */
        return;
    ctx_progress(j->cx, (double)n_done / (double)b->options.n_paths, (int64_t)n_done);
    int e = ctx_check(j->cx);
    if (e)
        atomic_store_explicit(&j->stop, e, memory_order_relaxed);
}

/* Reorders x. */
static void figure(double *x, size_t n, double observed, BootstrapFigure *out) {
    SampleMoments m;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            x[kept++] = x[i];
    sample_moments(x, kept, &m);
    *out = (BootstrapFigure){ .observed = observed, .mean = m.mean, .std = sample_std(&m, 1) };
    for (int q = 0; q < BOOTSTRAP_BANDS; q++)
        out->band[q] = sample_quantile(x, kept, BOOTSTRAP_QUANTILES[q]);
}

static void conclude(Bootstrap *b, Job *j) {
    size_t n_paths = b->options.n_paths, lost = 0, worse = 0;
    Path own = { .value = 1, .peak = 1 };
    path_add(&own, j->returns, b->n, j->risk_free);
    for (size_t i = 0; i < n_paths; i++) {
        lost += j->total_return[i] < 0;
        worse += j->max_drawdown[i] > own.drawdown;
    }
    b->loss_probability = (double)lost / (double)n_paths;
    b->worse_drawdown_probability = (double)worse / (double)n_paths;
    figure(j->total_return, n_paths, own.value - 1, &b->total_return);
    figure(j->max_drawdown, n_paths, own.drawdown, &b->max_drawdown);
    figure(j->sharpe, n_paths, path_sharpe(&own, b->n, b->options.candles_per_year), &b->sharpe);
    for (size_t k = 0; k < b->n_points; k++)
        for (int q = 0; q < BOOTSTRAP_BANDS; q++)
            b->band[q][k] = sample_quantile(j->points + k * n_paths, n_paths, BOOTSTRAP_QUANTILES[q]);
}

static int check(Ctx *cx, const double *returns, size_t n, const BootstrapOptions *o) {
    if (n < 2)
        return err_set(cx, ERR_INVALID, "bootstrap: %zu returns are too few; two are needed", n);
    for (size_t i = 0; i < n; i++)
        if (!(returns[i] > -1) || !isfinite(returns[i]))
            return err_set(cx, ERR_INVALID, "bootstrap: return %zu is not a number above -1: the account was wiped out",
                           i);
    if (!(o->candles_per_year > 0))
        return err_set(cx, ERR_INVALID, "bootstrap: candles a year must be above 0");
    if (o->n_paths > BOOTSTRAP_PATHS_MAX || (double)MAX(o->n_paths, 1000) * (double)n > 1e11)
        return err_set(cx, ERR_LIMIT, "bootstrap: %zu paths of %zu candles are too many; at most %d paths, 1e11 in all",
                       o->n_paths, n, BOOTSTRAP_PATHS_MAX);
    return 0;
}

int bootstrap_run(Ctx *cx, const double *returns, size_t n, const BootstrapOptions *options, Bootstrap *out) {
    int e = check(cx, returns, n, options);
    if (e)
        return e;
    Bootstrap b = { .options = *options, .n = n };
    BootstrapOptions *o = &b.options;
    o->n_paths = o->n_paths ? o->n_paths : 1000;
    o->block = o->block ? MIN(o->block, n) : (size_t)CLAMP(lround(cbrt((double)n)), 1, (long)n);
    o->threads = MAX(o->threads, 1);
    b.n_points = MIN(n, (size_t)BOOTSTRAP_POINTS);
    for (size_t k = 0; k < b.n_points; k++)
        b.point_step[k] = (size_t)((double)n * (double)(k + 1) / (double)b.n_points);
    b.point_step[b.n_points - 1] = n;
    ArenaMark mark = arena_mark(cx->arena);
    double *memory = arena_alloc(cx->arena, mem_mul(o->n_paths * (3 + b.n_points), sizeof *memory));
    Job j = { .b = &b, .returns = returns, .cx = cx, .total_return = memory };
    j.risk_free = pow(1 + o->risk_free, 1 / o->candles_per_year) - 1;
    j.max_drawdown = memory + o->n_paths;
    j.sharpe = j.max_drawdown + o->n_paths;
    j.points = j.sharpe + o->n_paths;
    parallel_for(o->threads, o->n_paths, run_path, &j);
    e = ctx_check(cx);
    if (!e) {
        conclude(&b, &j);
        *out = b;
    }
    arena_rewind(cx->arena, mark);
    return e;
}
