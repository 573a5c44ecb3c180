/* backtest/metrics.c - see metrics.h. */

#include "backtest/metrics.h"

#include "backtest/sample.h"

#include <math.h>
#include <stdlib.h>

static const MetricInfo INFO[METRICS] = {
#define METRIC_ROW(id, name_, label_, group_, unit_, better_, words_, formula_, source_, null_)                        \
    [METRIC_##id] = { .name = (name_),                                                                                 \
                      .label = (label_),                                                                               \
                      .group = METRIC_OF_##group_,                                                                     \
                      .unit = METRIC_IN_##unit_,                                                                       \
                      .better = (better_),                                                                             \
                      .words = (words_),                                                                               \
                      .formula = (formula_),                                                                           \
                      .source = (source_),                                                                             \
                      .null = (null_) },
    METRIC_TABLE(METRIC_ROW)
#undef METRIC_ROW
};

const MetricInfo *metric_info(MetricId id) {
    assert(id < METRICS);
    return &INFO[id];
}

bool metric_find(Str name, MetricId *out) {
    for (MetricId id = 0; id < METRICS; id++)
        if (str_eq(name, str_c(INFO[id].name))) {
            *out = id;
            return true;
        }
    return false;
}

const char *metric_unit_name(MetricUnit unit) {
    static const char *const names[] = { "fraction", "ratio", "money", "count", "candles", "years" };
    assert(unit < ARRAY_LEN(names));
    return names[unit];
}

const char *metric_group_name(MetricGroup group) {
    static const char *const names[METRIC_GROUPS] = { "return", "risk", "drawdown", "trades", "account", "benchmark" };
    assert(group < METRIC_GROUPS);
    return names[group];
}

static void put_cell(Buf *out, const char *text) { /* a bar would end the cell */
    BUF_LIT(out, " ");
    for (; *text; text++) {
        if (*text == '|')
            buf_put_c(out, '\\');
        buf_put_c(out, *text);
    }
    BUF_LIT(out, " |");
}

void metrics_describe(Buf *out) {
    BUF_LIT(out,
            "# Metrics\n\n"
            "Every figure of a backtest: its name on the wire, what it says, how it is computed, whose definition it "
            "is, and when\nit has no value (null, never 0 or infinity). Generated from `METRIC_TABLE` in "
            "`src/backtest/metrics.h`; a test compares.\n\n"
            "`e_0` is the starting cash, `e_1..e_n` the account's value at each candle's close, "
            "`r_t = e_t / e_(t-1) - 1`, `P` candles a year,\n`f` the risk-free return of one candle "
            "(`(1 + yearly)^(1/P) - 1`), `p_k` the net profit of closed trade k of N, `b` the benchmark,\n"
            "`m_k` the k-th central moment of r. Percentiles are linear between neighbours.\n");
    for (MetricGroup g = 0; g < METRIC_GROUPS; g++) {
        buf_printf(out, "\n## Of %s\n\n| name | label | unit | words | formula | source | null when |\n",
                   g == METRIC_OF_BENCHMARK ? "the benchmark"
                   : g == METRIC_OF_ACCOUNT ? "the account"
                                            : metric_group_name(g));
        BUF_LIT(out, "|---|---|---|---|---|---|---|\n");
        for (MetricId id = 0; id < METRICS; id++) {
            const MetricInfo *m = &INFO[id];
            if (m->group != g)
                continue;
            buf_printf(out, "| `%s` |", m->name);
            put_cell(out, m->label);
            put_cell(out, metric_unit_name(m->unit));
            put_cell(out, m->words);
            buf_printf(out, " `");
            for (const char *p = m->formula; *p; p++)
                buf_printf(out, *p == '|' ? "\\%c" : "%c", *p);
            buf_printf(out, "` |");
            put_cell(out, m->source);
            put_cell(out, m->null);
            BUF_LIT(out, "\n");
        }
    }
}

/* --- series --- */

#define YEAR_MS (365.25 * MS_PER_DAY)

double candles_per_year(const int64_t *time_ms, size_t n) {
    if (!time_ms || n < 2 || time_ms[n - 1] <= time_ms[0])
        return NAN;
    return (double)(n - 1) * YEAR_MS / (double)(time_ms[n - 1] - time_ms[0]);
}

bool equity_returns(double initial, const double *equity, size_t n, double *out) {
    double before = initial;
    for (size_t i = 0; i < n; i++) {
        if (!(before > 0)) {
            for (; i < n; i++)
                out[i] = NAN;
            return false;
        }
        out[i] = equity[i] / before - 1;
        before = equity[i];
    }
    return true;
}

void equity_drawdowns(double initial, const double *equity, size_t n, double *out) {
    double peak = initial;
    for (size_t i = 0; i < n; i++) {
        peak = MAX(peak, equity[i]);
        out[i] = 1 - equity[i] / peak;
    }
}

/* --- parts --- */

/* What lies below the rounding of e_t / e_(t-1) - 1 is no spread: steady growth has no deviation. */
#define RETURN_ROUNDING 4.5e-16

static double ratio(double a, double b) { /* null instead of infinity */
    return b == 0 || !isfinite(b) ? NAN : a / b;
}

static double spread(const SampleMoments *m, int ddof) {
    double std = sample_std(m, ddof);
    return std > RETURN_ROUNDING ? std : 0;
}

static void of_drawdown(const MetricsInput *in, BacktestMetrics *out) {
    double peak = in->initial, worst = 0;
    ptrdiff_t peak_at = -1, n_under = 0, longest = 0, run = 0;
    out->peak = out->trough = out->recovery = -1;
    out->v[METRIC_MAX_DRAWDOWN] = out->v[METRIC_MAX_DRAWDOWN_MONEY] = 0;
    for (size_t i = 0; i < in->n; i++) {
        double e = in->equity[i];
        if (e >= peak) {
            if (out->trough >= 0 && out->recovery < 0)
                out->recovery = (ptrdiff_t)i;
            peak = e;
            peak_at = (ptrdiff_t)i;
            run = 0;
            continue;
        }
        n_under++;
        run++;
        longest = MAX(longest, run);
        double depth = 1 - e / peak;
        if (depth > worst) {
            worst = depth;
            out->peak = peak_at;
            out->trough = (ptrdiff_t)i;
            out->recovery = -1;
            out->v[METRIC_MAX_DRAWDOWN_MONEY] = peak - e;
        }
    }
    out->v[METRIC_MAX_DRAWDOWN] = worst;
    out->v[METRIC_LONGEST_UNDER_WATER] = (double)longest;
    out->v[METRIC_UNDER_WATER] = (double)n_under / (double)in->n;
    if (out->trough >= 0)
        out->v[METRIC_MAX_DRAWDOWN_CANDLES] =
            (double)((out->recovery < 0 ? (ptrdiff_t)in->n - 1 : out->recovery) - out->peak);
}

/* Reorders r: called last. */
static void of_tails(double *r, size_t n, double *v) {
    double low = sample_quantile(r, n, 0.05), high = sample_quantile(r, n, 0.95);
    size_t cut = (n - 1) / 20; /* empyrical's int((n - 1) * 0.05) */
    long double sum = 0;
    sample_select(r, n, cut);
    for (size_t i = 0; i <= cut; i++)
        sum += r[i];
    v[METRIC_VAR_95] = low;
    v[METRIC_ES_95] = (double)(sum / (long double)(cut + 1));
    v[METRIC_TAIL_RATIO] = ratio(fabs(high), fabs(low));
}

static void of_returns(const MetricsInput *in, double per_year, double *r, double *v) {
    size_t n = in->n;
    double rf = isnan(per_year) ? 0 : pow(1 + in->risk_free, 1 / per_year) - 1, best = r[0], worst = r[0];
    long double above = 0, below = 0, below_squares = 0;
    SampleMoments m;
    sample_moments(r, n, &m);
    for (size_t i = 0; i < n; i++) {
        double d = r[i] - rf;
        best = MAX(best, r[i]);
        worst = MIN(worst, r[i]);
        if (d > 0)
            above += d;
        else
            below -= d, below_squares += d * d;
    }
    double excess = m.mean - rf, year = sqrt(per_year), std = spread(&m, 1);
    v[METRIC_BEST_CANDLE] = best;
    v[METRIC_WORST_CANDLE] = worst;
    v[METRIC_VOLATILITY] = n < 2 ? NAN : std * year;
    v[METRIC_SHARPE] = ratio(excess, std) * year;
    v[METRIC_SORTINO] = ratio(excess, (double)sqrtl(below_squares / (long double)n)) * year;
    v[METRIC_OMEGA] = ratio((double)above, (double)below);
    if (spread(&m, 0) > 0) {
        v[METRIC_SKEW] = sample_skew(&m);
        v[METRIC_KURTOSIS] = sample_kurtosis(&m);
    }
    v[METRIC_CALMAR] = ratio(v[METRIC_ANNUAL_RETURN], v[METRIC_MAX_DRAWDOWN]);
}

/* b_1 has no return of its own: the pairs are those of t = 2..n. */
static void of_benchmark(const MetricsInput *in, double per_year, const double *r, Arena *scratch, double *v) {
    size_t n = in->n - 1;
    double rf = isnan(per_year) ? 0 : pow(1 + in->risk_free, 1 / per_year) - 1;
    v[METRIC_BENCHMARK_RETURN] = ratio(in->benchmark[n], in->benchmark[0]) - 1;
    if (n < 2)
        return;
    double *b = arena_alloc(scratch, mem_mul(n, sizeof *b)), *d = arena_alloc(scratch, mem_mul(n, sizeof *d));
    if (!equity_returns(in->benchmark[0], in->benchmark + 1, n, b))
        return;
    r++;
    long double cross = 0;
    SampleMoments mr, mb, md;
    sample_moments(r, n, &mr);
    sample_moments(b, n, &mb);
    for (size_t i = 0; i < n; i++) {
        cross += (long double)(r[i] - mr.mean) * (b[i] - mb.mean);
        d[i] = r[i] - b[i];
    }
    sample_moments(d, n, &md);
    double covariance = (double)(cross / (long double)n), sr = spread(&mr, 0), sb = spread(&mb, 0);
    double beta = ratio(covariance, sb * sb);
    v[METRIC_BETA] = beta;
    v[METRIC_ALPHA] = pow(1 + (mr.mean - rf - beta * (mb.mean - rf)), per_year) - 1;
    v[METRIC_CORRELATION] = ratio(covariance, sr * sb);
    v[METRIC_INFORMATION_RATIO] = ratio(md.mean, spread(&md, 1)) * sqrt(per_year);
}

/* --- trades --- */

typedef struct TradeSums {
    size_t n, n_won, n_lost;
    double best, worst;
    long double net, won, lost, squares, returns, candles, fees, costs, traded;
} TradeSums;

static void sum_trade(const Trade *t, TradeSums *s) {
    double in = fabs(t->size * t->entry_price), net = t->pnl_net;
    s->fees += t->closed ? t->fees : t->entry_fees;
    s->costs += t->costs;
    s->traded += in;
    if (!t->closed)
        return;
    s->traded += fabs(t->size * t->exit_price);
    s->best = s->n == 0 ? net : MAX(s->best, net);
    s->worst = s->n == 0 ? net : MIN(s->worst, net);
    s->n++;
    s->net += net;
    s->returns += in > 0 ? net / in : 0;
    s->candles += (long double)(t->exit_step - t->entry_step);
    if (net > 0)
        s->n_won++, s->won += net;
    else if (net < 0)
        s->n_lost++, s->lost -= net;
}

typedef struct Exit {
    size_t step, place;
    bool lost;
} Exit;

static int compare_exits(const void *a, const void *b) {
    const Exit *x = a, *y = b;
    return x->step != y->step ? (x->step > y->step) - (x->step < y->step)
                              : (x->place > y->place) - (x->place < y->place);
}

/* In the order of exits; with several assets that is not the order of the entries. */
static size_t losses_in_a_row(const MetricsInput *in, Arena *scratch) {
    Exit *exits = arena_alloc(scratch, mem_mul(MAX(in->n_trades, 1), sizeof *exits));
    size_t n = 0, run = 0, longest = 0;
    for (size_t i = 0; i < in->n_trades; i++)
        if (in->trades[i].closed)
            exits[n++] = (Exit){ in->trades[i].exit_step, i, in->trades[i].pnl_net < 0 };
    qsort(exits, n, sizeof *exits, compare_exits);
    for (size_t i = 0; i < n; i++) {
        run = exits[i].lost ? run + 1 : 0;
        longest = MAX(longest, run);
    }
    return longest;
}

static void of_trades(const MetricsInput *in, Arena *scratch, double *v, double *traded) {
    TradeSums s = { 0 };
    for (size_t i = 0; i < in->n_trades; i++)
        sum_trade(&in->trades[i], &s);
    *traded = isnan(in->traded) ? (double)s.traded : in->traded;
    v[METRIC_FEES] = isnan(in->fees) ? (double)s.fees : in->fees;
    v[METRIC_COSTS] = isnan(in->costs) ? (double)s.costs : in->costs;
    v[METRIC_TOTAL_TRADES] = (double)s.n;
    v[METRIC_LOSSES_IN_A_ROW] = (double)losses_in_a_row(in, scratch);
    if (s.n == 0)
        return;
    double n = (double)s.n, mean = (double)(s.net / s.n), win_rate = (double)s.n_won / n;
    for (size_t i = 0; i < in->n_trades; i++)
        if (in->trades[i].closed)
            s.squares += ((long double)in->trades[i].pnl_net - mean) * (in->trades[i].pnl_net - mean);
    double std = (double)sqrtl(s.squares / s.n), win = ratio((double)s.won, (double)s.n_won);
    double loss = ratio((double)s.lost, (double)s.n_lost);
    v[METRIC_WIN_RATE] = win_rate;
    v[METRIC_PROFIT_FACTOR] = ratio((double)s.won, (double)s.lost);
    v[METRIC_EXPECTANCY] = ratio(mean, loss);
    v[METRIC_AVERAGE_TRADE] = mean;
    v[METRIC_AVERAGE_TRADE_RETURN] = (double)(s.returns / s.n);
    v[METRIC_AVERAGE_WIN] = win;
    v[METRIC_AVERAGE_LOSS] = -loss;
    v[METRIC_BEST_TRADE] = s.best;
    v[METRIC_WORST_TRADE] = s.worst;
    v[METRIC_AVERAGE_CANDLES] = (double)(s.candles / s.n);
    v[METRIC_SQN] = s.n < 2 || std <= 1e-12 * fabs(mean) ? NAN : sqrt(n) * mean / std;
    v[METRIC_KELLY] = win_rate - ratio(1 - win_rate, ratio(win, loss));
}

/* Steps that close with a position in any asset: the union of [entry, exit) over the trades. */
static double exposure(const MetricsInput *in, Arena *scratch) {
    int32_t *change = arena_zalloc(scratch, mem_mul(in->n + 1, sizeof *change));
    for (size_t i = 0; i < in->n_trades; i++) {
        const Trade *t = &in->trades[i];
        size_t to = t->closed ? t->exit_step : in->n;
        assert(t->entry_step <= to && to <= in->n);
        change[t->entry_step]++;
        change[to]--;
    }
    size_t n = 0;
    int64_t open = 0;
    for (size_t i = 0; i < in->n; i++) {
        open += change[i];
        n += open > 0;
    }
    return (double)n / (double)in->n;
}

/* --- all --- */

void metrics_compute(const MetricsInput *in, Arena *scratch, BacktestMetrics *out) {
    assert(in->initial > 0);
    ArenaMark mark = arena_mark(scratch);
    double per_year = in->candles_per_year > 0 ? in->candles_per_year : candles_per_year(in->time_ms, in->n), traded;
    double *v = out->v;
    size_t n = in->n;
    *out = (BacktestMetrics){ .peak = -1, .trough = -1, .recovery = -1 };
    for (MetricId id = 0; id < METRICS; id++)
        v[id] = NAN;
    of_trades(in, scratch, v, &traded);
    if (n == 0) {
        arena_rewind(scratch, mark);
        return;
    }
    double last = in->equity[n - 1], growth = last / in->initial, years = (double)n / per_year;
    double *r = arena_alloc(scratch, mem_mul(n, sizeof *r));
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += in->equity[i];
    v[METRIC_FINAL_VALUE] = last;
    v[METRIC_TOTAL_RETURN] = growth - 1;
    v[METRIC_ANNUAL_RETURN] = growth >= 0 ? pow(growth, 1 / years) - 1 : NAN;
    v[METRIC_YEARS] = years;
    v[METRIC_CANDLES_PER_YEAR] = per_year;
    v[METRIC_EXPOSURE] = exposure(in, scratch);
    v[METRIC_TURNOVER] = sum > 0 ? ratio(traded, (double)(sum / (long double)n) * years) : NAN;
    of_drawdown(in, out);
    out->wiped_out = !equity_returns(in->initial, in->equity, n, r) || last <= 0;
    if (in->benchmark)
        v[METRIC_BENCHMARK_RETURN] = ratio(in->benchmark[n - 1], in->benchmark[0]) - 1;
    if (!out->wiped_out) {
        if (in->benchmark)
            of_benchmark(in, per_year, r, scratch, v);
        of_returns(in, per_year, r, v);
        of_tails(r, n, v);
    }
    for (MetricId id = 0; id < METRICS; id++)
        if (!isfinite(v[id]))
            v[id] = NAN;
    arena_rewind(scratch, mark);
}

void result_add_metrics(BacktestResult *r, Arena *arena, const double *benchmark, double risk_free) {
    BacktestMetrics *m = arena_new(arena, BacktestMetrics);
    double traded = NAN;
    if (r->orders) {
        traded = 0;
        for (size_t i = 0; i < r->n_orders; i++)
            traded += fabs(r->orders[i].filled * r->orders[i].price);
    }
    metrics_compute(&(MetricsInput){ .initial = r->initial_cash,
                                     .equity = r->equity,
                                     .time_ms = r->time_ms,
                                     .n = r->n_steps,
                                     .trades = r->trades,
                                     .n_trades = r->n_trades,
                                     .traded = traded,
                                     .fees = r->fees,
                                     .costs = r->costs,
                                     .benchmark = benchmark,
                                     .risk_free = risk_free },
                    arena, m);
    r->metrics = m;
}
