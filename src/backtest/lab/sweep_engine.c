/* backtest/lab/sweep_engine.c - the way of a sweep that any strategy can go: each combination is a run of the engine. */

#include "backtest/lab/sweep_internal.h"
#include "base/parallel.h"

typedef struct Runs {
    Sweep *s;
    const Ctx *start; /* s->cx before the threads began: the caller's then writes its errors there */
    size_t from, n;
    atomic_size_t n_done;
    atomic_int stop; /* ErrCode of whatever ended the sweep; 0: go on */
    Err *errs;       /* (n) */
} Runs;

static void take_blocks(const Sweep *s, size_t row, const double *returns, size_t n) {
    SweepResult *r = s->r;
    BlockSum *blocks = r->blocks + row * r->n_blocks;
    for (size_t b = 0; b < r->n_blocks; b++)
        for (size_t i = pbo_block_start(n, r->n_blocks, b); i < pbo_block_start(n, r->n_blocks, b + 1); i++) {
            blocks[b].sum += returns[i];
            blocks[b].squares += returns[i] * returns[i];
        }
}

static void take_result(const Sweep *s, size_t row, Arena *arena, BacktestResult *result) {
    SweepRow *out = &s->r->rows[row];
    result_add_metrics(result, arena, NULL, s->options->risk_free);
    for (SweepFigure f = 0; f < SWEEP_FIGURES; f++) {
        MetricId id;
        if (metric_find(str_c(sweep_figure_info(f)->name), &id))
            out->v[f] = result->metrics->v[id];
    }
    out->n_refused = (uint32_t)result->counts.by_status[ORDER_MARGIN];
    double *returns = arena_alloc(arena, mem_mul(MAX(result->n_steps, 1), sizeof *returns));
    if (result->n_steps == s->r->n_candles &&
        equity_returns(result->initial_cash, result->equity, result->n_steps, returns))
        take_blocks(s, row, returns, result->n_steps);
}

static void run_one(void *arg, int worker, size_t i) {
    Runs *runs = arg;
    Sweep *s = runs->s;
    SweepRow *row = &s->r->rows[runs->from + i];
    if (atomic_load(&runs->stop))
        return;
    Arena arena = { 0 };
    Ctx cx = *runs->start;
    BacktestRequest req = *s->base;
    BacktestResult result = { 0 };
    cx.arena = &arena;
    err_clear(&cx);
    req.strategy = sweep_config(s, row, &arena);
    req.options = (RunOptions){ .no_orders = true, .memory_max = s->memory_max / (size_t)s->threads };
    row->err = backtest_run(s->engine, &cx, &req, &result);
    if (row->err == 0)
        take_result(s, runs->from + i, &arena, &result);
    else
        runs->errs[i] = cx.err;
    if (row->err && row->err != ERR_INVALID)
        atomic_store(&runs->stop, row->err);
    arena_done(&arena);
    size_t n_done = atomic_fetch_add(&runs->n_done, 1) + 1;
    if (worker != 0)
        return;
    int e = sweep_tell(s, n_done, (double)n_done);
    if (e)
        atomic_store(&runs->stop, e);
}

int sweep_engine_run(Sweep *s, size_t from, size_t n) {
    Ctx start = *s->cx;
    Runs runs = { .s = s, .start = &start, .from = from, .n = n, .errs = arena_new_n(s->cx->arena, Err, n) };
    parallel_for(s->threads, n, run_one, &runs);
    s->r->scratch_size = s->memory_max;
    int stop = atomic_load(&runs.stop);
    for (size_t i = 0; i < n; i++) {
        int err = s->r->rows[from + i].err;
        if (err == ERR_INVALID && s->r->refused_words.n == 0)
            s->r->refused_words = str_dup(s->cx->arena, str_c(runs.errs[i].text));
        if (err && err != ERR_INVALID) {
            s->cx->err = runs.errs[i];
            return err;
        }
    }
    return stop;
}
