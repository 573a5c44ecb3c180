/* backtest/lab/sweep.c - see sweep.h: what is to be run, in which order, and what is made of it. */

#include "backtest/lab/sweep.h"

#include "backtest/lab/sweep_internal.h"
#include "base/parallel.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

enum { CHUNK = 32768 }; /* combinations whose accounts are held at a time */

/* --- names --- */

static const char *const METHODS[] = { "grid", "random", "sequential" };

const char *sweep_method_name(SweepMethod method) {
    assert(method < ARRAY_LEN(METHODS));
    return METHODS[method];
}

bool sweep_method_parse(Str text, SweepMethod *out) {
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++)
        if (str_eq_nocase(text, str_c(METHODS[i]))) {
            *out = (SweepMethod)i;
            return true;
        }
    return false;
}

const MetricInfo *sweep_figure_info(SweepFigure figure) {
    static const MetricId ids[SWEEP_FIGURES] = {
#define SWEEP_METRIC(id) METRIC_##id,
        SWEEP_METRICS(SWEEP_METRIC)
#undef SWEEP_METRIC
    };
    assert(figure < SWEEP_FIGURES);
    return metric_info(ids[figure]);
}

bool sweep_figure_find(Str name, SweepFigure *out) {
    for (SweepFigure f = 0; f < SWEEP_FIGURES; f++)
        if (str_eq(name, str_c(sweep_figure_info(f)->name))) {
            *out = f;
            return true;
        }
    return false;
}

/* --- parts shared by both ways --- */

const StrategyConfig *sweep_config(const Sweep *s, const SweepRow *row, Arena *arena) {
    const StrategyConfig *base = s->base->strategy;
    StrategyConfig *config = arena_new(arena, StrategyConfig);
    StrategyValue *values = arena_new_n(arena, StrategyValue, base->n_parameters + s->r->n_axes);
    size_t n = 0;
    for (size_t i = 0; i < base->n_parameters; i++) { /* a swept one stands in the place of the base's */
        bool swept = false;
        for (size_t k = 0; k < s->r->n_axes; k++)
            swept |= str_eq_nocase(base->parameters[i].name, s->r->axes[k].name);
        if (!swept)
            values[n++] = base->parameters[i];
    }
    for (size_t k = 0; k < s->r->n_axes; k++)
        values[n++] = (StrategyValue){ .name = s->r->axes[k].name, .number = row->p[k] };
    *config = *base;
    config->parameters = values;
    config->n_parameters = n;
    return config;
}

int sweep_tell(const Sweep *s, size_t n_done, double done) {
    if (!s->options->progress)
        return 0;
    double all = (double)MAX(s->r->n, 1), fraction = ((double)s->n_before + done) / all;
    SweepProgress p = { s->n_before + n_done, s->r->n, MIN(fraction, 1) };
    return s->options->progress(s->options->progress_arg, s->cx, &p);
}

void sweep_conclude(const Sweep *s, SweepRow *row, double sum, double squares) {
    double n = (double)(s->r->n_candles - s->options->trade_from), per_year = s->r->candles_per_year;
    double mean = sum / n, variance = (squares - sum * mean) / (n - 1), std = variance > 0 ? sqrt(variance) : 0;
    double rf = pow(1 + s->options->risk_free, 1 / per_year) - 1,
           growth = row->v[SWEEP_FINAL_VALUE] / s->base->broker.cash;
    std = std > 4.5e-16 && std > 1e-7 * fabs(mean) ? std : 0;
    row->v[SWEEP_TOTAL_RETURN] = growth - 1;
    row->v[SWEEP_ANNUAL_RETURN] = growth >= 0 ? pow(growth, per_year / n) - 1 : NAN;
    row->v[SWEEP_VOLATILITY] = n < 2 ? NAN : std * sqrt(per_year);
    row->v[SWEEP_SHARPE] = std > 0 ? (mean - rf) / std * sqrt(per_year) : NAN;
    double drawdown = row->v[SWEEP_MAX_DRAWDOWN];
    row->v[SWEEP_CALMAR] = drawdown > 0 ? row->v[SWEEP_ANNUAL_RETURN] / drawdown : NAN;
    for (SweepFigure f = 0; f < SWEEP_FIGURES; f++)
        if (!isfinite(row->v[f]))
            row->v[f] = NAN;
}

/* --- the request --- */

static int check_axes(Ctx *cx, const SweepAxis *axes, size_t n_axes, double *n_combos) {
    if (n_axes == 0 || n_axes > SWEEP_AXES_MAX)
        return err_set_at(cx, ERR_INVALID, S("parameters"), "a sweep takes 1 to %d parameters, not %zu", SWEEP_AXES_MAX,
                          n_axes);
    *n_combos = 1;
    for (size_t k = 0; k < n_axes; k++) {
        if (axes[k].n == 0 || axes[k].n > SWEEP_VALUES_MAX)
            return err_set_at(cx, ERR_INVALID, axes[k].name, "sweep: " STR_FMT " has %zu values; 1 to %d are allowed",
                              STR_ARG(axes[k].name), axes[k].n, SWEEP_VALUES_MAX);
        for (size_t i = 0; i < axes[k].n; i++)
            if (!isfinite(axes[k].values[i]))
                return err_set_at(cx, ERR_INVALID, axes[k].name, "sweep: a value of " STR_FMT " is not a number",
                                  STR_ARG(axes[k].name));
        for (size_t j = 0; j < k; j++)
            if (str_eq_nocase(axes[j].name, axes[k].name))
                return err_set_at(cx, ERR_INVALID, axes[k].name, "sweep: " STR_FMT " is given twice",
                                  STR_ARG(axes[k].name));
        *n_combos *= (double)axes[k].n;
    }
    return 0;
}

static int check(Ctx *cx, const BacktestRequest *base, const SweepAxis *axes, size_t n_axes, const SweepOptions *o,
                 SweepResult *r) {
    double n_combos = 1, n_samples = (double)(o->n_samples ? o->n_samples : 100);
    Strategy *unused;
    if (!strategy_find(base->catalog, base->strategy->strategy_type)) /* its words, once, and not of each combination */
        return strategy_open(cx, base->catalog, base->strategy, &unused);
    int e = check_axes(cx, axes, n_axes, &n_combos);
    if (e)
        return e;
    double n_run = o->method == SWEEP_GRID ? n_combos : MIN(n_combos, n_samples);
    if (n_run > SWEEP_COMBOS_MAX || n_combos > 1e15)
        return err_set_at(cx, ERR_LIMIT, S("parameters"),
                          "sweep: %.0f combinations; at most %d are run: take fewer values, or method random", n_run,
                          SWEEP_COMBOS_MAX);
    r->objective = SWEEP_SHARPE;
    if (o->objective && !sweep_figure_find(str_c(o->objective), &r->objective))
        return err_set_at(cx, ERR_INVALID, S("objective"),
                          "sweep: cannot rank by \"%s\"; try sharpe_ratio, total_return, "
                          "calmar_ratio or max_drawdown",
                          o->objective);
    if (base->n_assets == 0 || !base->assets[0].candles || base->assets[0].candles->n == 0)
        return err_set_at(cx, ERR_INVALID, S("candles"), "sweep: no candles; collect or import some");
    if (!candles_sorted_unique(base->assets[0].candles))
        return err_set_at(cx, ERR_INVALID, S("candles"), "sweep: the candles do not ascend");
    if (o->trade_from >= base->assets[0].candles->n)
        return err_set_at(cx, ERR_INVALID, S("trade_from"), "sweep: trading would begin behind the last candle");
    if (o->n_blocks && (o->n_blocks < 4 || o->n_blocks > PBO_BLOCKS_MAX || o->n_blocks % 2))
        return err_set_at(cx, ERR_INVALID, S("n_blocks"), "sweep: blocks of time come in even numbers from 4 to %d",
                          PBO_BLOCKS_MAX);
    r->n = (size_t)n_run;
    return 0;
}

/* --- combinations --- */

static void values_of(const SweepResult *r, uint64_t combo, SweepRow *out) {
    for (size_t k = r->n_axes; k-- > 0; combo /= r->axes[k].n)
        out->p[k] = r->axes[k].values[combo % r->axes[k].n];
}

static int compare_u64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* n of `all` without replacement, ascending: Floyd's algorithm would need a set; here misses are drawn again. */
static void draw(uint64_t all, size_t n, uint64_t seed, uint64_t *out) {
    Rng rng;
    rng_seed(&rng, seed);
    for (size_t have = 0; have < n;) {
        while (have < n)
            out[have++] = rng_below(&rng, all);
        qsort(out, n, sizeof *out, compare_u64);
        size_t kept = 1;
        for (size_t i = 1; i < n; i++)
            if (out[i] != out[kept - 1])
                out[kept++] = out[i];
        have = kept;
    }
}

static int run_rows(Sweep *s, size_t from, size_t n) {
    bool columns = s->r->why.n == 0;
    for (size_t at = from; at < from + n; at += CHUNK) {
        size_t part = MIN(from + n - at, (size_t)CHUNK);
        s->n_before = at;
        int e = columns ? sweep_columns_run(s, at, part) : sweep_engine_run(s, at, part);
        if (e)
            return e;
    }
    return 0;
}

static int run_listed(Sweep *s) {
    SweepResult *r = s->r;
    uint64_t all = 1;
    for (size_t k = 0; k < r->n_axes; k++)
        all *= r->axes[k].n;
    ArenaMark mark = arena_mark(s->cx->arena);
    uint64_t *drawn = NULL;
    if (r->method == SWEEP_RANDOM && r->n < all) {
        drawn = arena_alloc(s->cx->arena, mem_mul(r->n, sizeof *drawn));
        draw(all, r->n, s->options->seed, drawn);
    }
    for (size_t i = 0; i < r->n; i++)
        values_of(r, drawn ? drawn[i] : i, &r->rows[i]);
    arena_rewind(s->cx->arena, mark);
    r->why = sweep_columns_fit(s, 0, r->n);
    return run_rows(s, 0, r->n);
}

/* --- one step after the other --- */

static double score(const SweepResult *r, const SweepRow *row) { /* more is better; -infinity: none */
    double v = row->err ? NAN : row->v[r->objective];
    return isnan(v) ? -INFINITY : v * sweep_figure_info(r->objective)->better;
}

/* A row with these values that was run already, or n. */
static size_t find_row(const SweepResult *r, size_t n, const double *p) {
    for (size_t i = 0; i < n; i++) {
        bool same = true;
        for (size_t k = 0; k < r->n_axes; k++)
            same &= r->rows[i].p[k] == p[k];
        if (same)
            return i;
    }
    return n;
}

/* All values of one axis with the others as in `best`. Takes rows behind *n, at most `most` in all. */
static int run_axis(Sweep *s, size_t axis, SweepRow *best, size_t most, size_t *n) {
    SweepResult *r = s->r;
    size_t from = *n;
    for (size_t i = 0; i < r->axes[axis].n && *n < most; i++) {
        SweepRow row = *best;
        row.p[axis] = r->axes[axis].values[i];
        if (find_row(r, *n, row.p) < *n)
            continue;
        r->rows[*n] = (SweepRow){ 0 };
        for (size_t k = 0; k < r->n_axes; k++)
            r->rows[*n].p[k] = row.p[k];
        ++*n;
    }
    if (*n == from)
        return 0;
    if (from == 0)
        r->why = sweep_columns_fit(s, 0, *n);
    int e = run_rows(s, from, *n - from);
    for (size_t i = from; i < *n && e == 0; i++)
        if (score(r, &r->rows[i]) > score(r, best))
            *best = r->rows[i];
    return e;
}

static int run_sequential(Sweep *s) {
    SweepResult *r = s->r;
    size_t n = 0, most = r->n, n_idle = 0;
    SweepRow best = { .err = ERR_INVALID };
    for (size_t k = 0; k < r->n_axes; k++)
        best.p[k] = r->axes[k].values[r->axes[k].n / 2];
    for (size_t axis = 0; n_idle < r->n_axes && n < most; axis = (axis + 1) % r->n_axes) {
        double before = score(r, &best);
        int e = run_axis(s, axis, &best, most, &n);
        if (e)
            return e;
        n_idle = score(r, &best) > before ? 0 : n_idle + 1;
    }
    r->n = n;
    return 0;
}

/* --- the result --- */

typedef struct Ranked {
    double score;
    uint32_t row;
} Ranked;

static int compare_ranked(const void *a, const void *b) {
    const Ranked *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : (x->row > y->row) - (x->row < y->row);
}

static void rank(SweepResult *r, Arena *arena) {
    r->ranked = arena_new_n(arena, uint32_t, r->n);
    ArenaMark mark = arena_mark(arena);
    Ranked *order = arena_alloc(arena, mem_mul(MAX(r->n, 1), sizeof *order));
    for (size_t i = 0; i < r->n; i++) {
        order[i] = (Ranked){ score(r, &r->rows[i]), (uint32_t)i };
        r->n_refused += r->rows[i].err != 0;
    }
    qsort(order, r->n, sizeof *order, compare_ranked);
    for (size_t i = 0; i < r->n; i++) {
        r->ranked[i] = order[i].row;
        r->rows[order[i].row].rank = (uint32_t)i;
    }
    arena_rewind(arena, mark);
}

static void result_init(Sweep *s, const SweepAxis *axes, size_t n_axes) {
    SweepResult *r = s->r;
    const Candles *cs = s->base->assets[0].candles;
    Arena *arena = s->cx->arena;
    for (size_t k = 0; k < n_axes; k++)
        r->axes[k] = axes[k];
    r->n_axes = n_axes;
    r->method = s->options->method;
    r->rows = arena_new_n(arena, SweepRow, r->n);
    r->n_candles = cs->n;
    r->candles_per_year = candles_per_year(cs->open_ms, cs->n);
    r->n_blocks = s->options->n_blocks ? s->options->n_blocks : PBO_BLOCKS;
    if (cs->n < 2 * r->n_blocks)
        r->n_blocks = 1;
    r->blocks = arena_new_n(arena, BlockSum, r->n * r->n_blocks);
    for (size_t b = 0; b < r->n_blocks; b++)
        r->n_in_block[b] = pbo_block_start(cs->n, r->n_blocks, b + 1) - pbo_block_start(cs->n, r->n_blocks, b);
}

int sweep_run(Ctx *cx, const BacktestEngine *engine, const BacktestRequest *base, const SweepAxis *axes, size_t n_axes,
              const SweepOptions *options, SweepResult *out) {
    static const SweepOptions standard = { 0 };
    SweepResult r = { 0 };
    options = options ? options : &standard;
    int e = check(cx, base, axes, n_axes, options, &r);
    if (e)
        return e;
    Sweep s = { .cx = cx, .engine = engine, .base = base, .options = options, .r = &r };
    s.threads = CLAMP(options->threads, 1, PARALLEL_MAX);
    s.memory_max = options->memory_max ? options->memory_max : (size_t)96 << 20;
    result_init(&s, axes, n_axes);
    e = r.method == SWEEP_SEQUENTIAL ? run_sequential(&s) : run_listed(&s);
    if (e)
        return e;
    r.path = r.why.n ? "engine" : "columns";
    rank(&r, cx->arena);
    if (r.n_refused == r.n)
        return err_set_at(cx, ERR_INVALID, S("grid"), "sweep: every combination is refused: " STR_FMT,
                          STR_ARG(r.refused_words));
    r.n_steps = (double)(r.n - r.n_refused) * (double)r.n_candles;
    *out = r;
    return 0;
}

/* --- what is made of it --- */

static size_t place_of(const double *values, size_t n, double v) {
    size_t i = 0;
    while (i < n && values[i] != v)
        i++;
    return i;
}

static int compare_f64(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const double *ascending(const SweepAxis *axis, Arena *arena, size_t *n) {
    double *v = arena_new_n(arena, double, axis->n);
    for (size_t i = 0; i < axis->n; i++)
        v[i] = axis->values[i];
    qsort(v, axis->n, sizeof *v, compare_f64);
    *n = 1;
    for (size_t i = 1; i < axis->n; i++)
        if (v[i] != v[*n - 1])
            v[(*n)++] = v[i];
    return v;
}

int sweep_heat(Ctx *cx, const SweepResult *r, size_t axis_x, size_t axis_y, SweepFigure figure, HeatMap *out) {
    if (axis_x >= r->n_axes || axis_y >= r->n_axes || axis_x == axis_y)
        return err_set(cx, ERR_INVALID, "heat map: two different axes of the sweep's %zu are needed", r->n_axes);
    const MetricInfo *info = sweep_figure_info(figure);
    HeatMap h = { .x_name = r->axes[axis_x].name, .y_name = r->axes[axis_y].name, .value_name = str_c(info->label) };
    h.less_is_better = info->better < 0;
    h.x = ascending(&r->axes[axis_x], cx->arena, &h.n_x);
    h.y = ascending(&r->axes[axis_y], cx->arena, &h.n_y);
    double *value = arena_new_n(cx->arena, double, h.n_x *h.n_y), best = NAN;
    for (size_t i = 0; i < h.n_x * h.n_y; i++)
        value[i] = NAN;
    h.best_x = h.n_x;
    h.best_y = h.n_y;
    for (size_t i = 0; i < r->n; i++) {
        double v = r->rows[i].v[figure], sign = h.less_is_better ? -1 : 1;
        if (r->rows[i].err || isnan(v))
            continue;
        size_t x = place_of(h.x, h.n_x, r->rows[i].p[axis_x]), y = place_of(h.y, h.n_y, r->rows[i].p[axis_y]);
        double *cell = &value[y * h.n_x + x];
        *cell = isnan(*cell) || v * sign > *cell * sign ? v : *cell;
        if (isnan(best) || v * sign > best * sign) {
            best = v;
            h.best_x = x;
            h.best_y = y;
        }
    }
    h.value = value;
    *out = h;
    return 0;
}

int sweep_overfit(Ctx *cx, const SweepResult *r, int threads, Pbo *out) {
    if (r->n_blocks < 4)
        return err_set(cx, ERR_INVALID, "overfitting: %zu candles are too few to cut time into blocks", r->n_candles);
    ArenaMark mark = arena_mark(cx->arena);
    BlockSum *blocks = arena_alloc(cx->arena, mem_mul(r->n * r->n_blocks, sizeof *blocks));
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->rows[i].err)
            continue;
        for (size_t b = 0; b < r->n_blocks; b++)
            blocks[n * r->n_blocks + b] = r->blocks[i * r->n_blocks + b];
        n++;
    }
    int e = pbo_of_blocks(cx, blocks, n, r->n_blocks, r->n_in_block, threads, out);
    arena_rewind(cx->arena, mark);
    return e;
}

void sweep_deflated_sharpe(const SweepResult *r, const double *returns, size_t n, Arena *scratch, DeflatedSharpe *out) {
    ArenaMark mark = arena_mark(scratch);
    double *sharpes = arena_alloc(scratch, mem_mul(MAX(r->n, 1), sizeof *sharpes));
    size_t n_trials = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->rows[i].err == 0)
            sharpes[n_trials++] = r->rows[i].v[SWEEP_SHARPE] / sqrt(r->candles_per_year);
    deflated_sharpe(returns, n, sharpes, n_trials, scratch, out);
    arena_rewind(scratch, mark);
}
