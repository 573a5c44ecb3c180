/* cli/sweep.c - sweep: many parameters of one strategy, the best of them, and what may be believed. */

#include "api/backtest/search_shapes.h"
#include "base/num.h"
#include "cli/run_flags.h"

#include <math.h>

typedef struct SweepIn {
    SweepRequestIn request; /* first */
    RunTyped typed;
    Str grid, heat, out;
} SweepIn;

/* --- what is shown --- */

static void print_best(Cli *c, const SweepResponse *s) {
    static const char *const heads[] = {
        ">", "parameters", ">Sharpe", ">return", ">drawdown", ">trades", ">won", NULL
    };
    Arena *a = c->cx->arena;
    const SweepRowOut *v = s->best.v;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < s->best.n; i++) {
        table_cell(&t, term_count(a, v[i].rank), TONE_DIM);
        table_cell(&t, v[i].parameters.json, TONE_BOLD);
        table_cell(&t, term_ratio(a, v[i].sharpe_ratio), TONE_PLAIN);
        table_cell(&t, term_change(a, v[i].total_return), v[i].total_return < 0 ? TONE_BAD : TONE_GOOD);
        table_cell(&t, term_change(a, -v[i].max_drawdown), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].total_trades), TONE_PLAIN);
        table_cell(&t, isnan(v[i].win_rate) ? S("-") : str_fmt(a, "%.0f %%", v[i].win_rate * 100), TONE_PLAIN);
    }
    table_print(&t, c);
}

enum { HEAT_SIDE = 64 };

typedef struct HeatGrid {
    double v[HEAT_SIDE * HEAT_SIDE], y[HEAT_SIDE], x[HEAT_SIDE];
    size_t n_x, n_y;
    double low, high;
} HeatGrid;

static size_t read_numbers(Ctx *cx, Str json, double *out, size_t most) {
    JsonReader r;
    size_t n = 0;
    json_reader_init(&r, json, cx->arena, 4);
    for (JsonToken t; n < most && json_next(&r, &t) == 0 && t.kind != JSON_NONE;) {
        if (t.kind == JSON_NULL)
            out[n++] = (double)NAN;
        else if (t.kind == JSON_NUMBER)
            num_parse_f64(t.text, &out[n++]);
    }
    return n;
}

static bool read_heat(Ctx *cx, const HeatOut *h, HeatGrid *g) {
    g->n_x = read_numbers(cx, h->x_values.json, g->x, HEAT_SIDE);
    g->n_y = read_numbers(cx, h->y_values.json, g->y, HEAT_SIDE);
    g->low = INFINITY;
    g->high = -INFINITY;
    if (!g->n_x || !g->n_y || g->n_x == HEAT_SIDE || g->n_y == HEAT_SIDE ||
        read_numbers(cx, h->values.json, g->v, ARRAY_LEN(g->v)) != g->n_x * g->n_y)
        return false; /* too large for a terminal: --json has it */
    for (size_t i = 0; i < g->n_x * g->n_y; i++)
        if (!isnan(g->v[i])) {
            g->low = MIN(g->low, g->v[i]);
            g->high = MAX(g->high, g->v[i]);
        }
    return g->low < g->high;
}

static void print_heat(Cli *c, const HeatOut *h) {
    static const char *const shades[] = { "  ", "\u2591\u2591", "\u2592\u2592", "\u2593\u2593", "\u2588\u2588" };
    HeatGrid *g = arena_new(c->cx->arena, HeatGrid);
    if (!h->x.n || !read_heat(c->cx, h, g))
        return;
    fprintf(c->out,
            "\n%s" STR_FMT " by " STR_FMT " (across) and " STR_FMT " (down): %.2f "
            "%s"
            " %.2f%s\n",
            term_tone(c, TONE_DIM), STR_ARG(h->value), STR_ARG(h->x), STR_ARG(h->y), g->low, "\u2591\u2592\u2593\u2588",
            g->high, term_end(c));
    for (size_t k = 0; k < g->n_y; k++) {
        fprintf(c->out, "%8g ", g->y[k]);
        for (size_t i = 0; i < g->n_x; i++) {
            double v = g->v[k * g->n_x + i];
            int shade = isnan(v) ? 0 : 1 + (int)MIN(3.0, 4 * (v - g->low) / (g->high - g->low));
            fprintf(c->out, "%s%s%s", term_tone(c, TONE_ACCENT), isnan(v) ? " \u00b7" : shades[shade], term_end(c));
        }
        fprintf(c->out, "\n");
    }
    fprintf(c->out, "%8s %g .. %g\n", "", g->x[0], g->x[g->n_x - 1]);
}

static void print_sweep(Cli *c, const SweepResponse *s) {
    Arena *a = c->cx->arena;
    fprintf(c->out, "%s" STR_FMT " on " STR_FMT "%s  " STR_FMT " combinations of " STR_FMT " candles%s\n",
            term_tone(c, TONE_BOLD), STR_ARG(s->strategy_type),
            STR_ARG(cli_series_name(a, s->exchange, s->symbol, s->timeframe, (Str){ 0 })), term_end(c),
            STR_ARG(term_count(a, s->combinations)), STR_ARG(term_count(a, s->candles)),
            cli_simulated(c, s->simulated));
    print_best(c, s);
    print_heat(c, &s->heat);
    fprintf(c->out, "\n");
    if (s->refused)
        cli_line(c, "not run", STR_FMT " combinations: " STR_FMT, STR_ARG(term_count(a, s->refused)),
                 STR_ARG(s->refused_why));
    if (s->overfit.ways)
        cli_line(c, "overfit", "probability %.2f over " STR_FMT " ways to halve the time", s->overfit.probability,
                 STR_ARG(term_count(a, s->overfit.ways)));
    if (s->deflated.trials && !isnan(s->deflated.deflated))
        cli_line(c, "deflated", "Sharpe ratio beats the best of " STR_FMT " worthless ones with probability %.2f",
                 STR_ARG(term_count(a, s->deflated.trials)), s->deflated.deflated);
    cli_sentences(c, "careful", &s->advice, TONE_WARN, SIZE_MAX);
    fprintf(c->err, "%s" STR_FMT ", %.0f M candle steps a second (" STR_FMT ")%s\n", term_tone(c, TONE_DIM),
            STR_ARG(term_ms(a, s->seconds * 1000)), s->steps_per_second / 1e6, STR_ARG(s->path), term_end(c));
}

static int run_sweep(Cli *c, const void *in_) {
    SweepIn in = *(const SweepIn *)in_;
    SweepResponse out = { 0 };
    enum { HEAT_AXES = 2, ROWS_MAX = 100000 };
    Str *axes = arena_new_n(c->cx->arena, Str, HEAT_AXES);
    int r = cli_run_request(c, &in.typed, &in.request.backtest);
    if (r == 0)
        r = cli_grid(c, in.grid, &in.request.grid.json);
    if (r == 0 && in.heat.n) {
        r = cli_words(c, in.heat, axes, HEAT_AXES, &in.request.heat.n);
        in.request.heat.v = axes;
    }
    size_t shown = (size_t)in.request.top;
    if (in.out.n) /* a file has room for all of them */
        in.request.top = ROWS_MAX;
    if (r == 0)
        r = cli_call_with_progress(c, &op_backtest_sweep, &in.request, &out, "sweeping", "combinations");
    if (r == 0 && in.out.n)
        r = cli_sweep_write(c, &out, in.out);
    if (r != 0)
        return cli_fail(c, r);
    out.best.n = MIN(out.best.n, shown);
    if (c->json)
        return cli_print_json(c, &sweep_response_shape, &out);
    print_sweep(c, &out);
    return 0;
}

/* clang-format off */
RUN_CHOICES
SEARCH_METHODS
#define ROW(member, words, ...) { .name = #member, .offset = offsetof(SweepIn, request.member), .type = FIELD_TYPE(SweepIn, request.member), .doc = words, ##__VA_ARGS__ },
static const Field sweep_f[] = {
    RUN_FLAGS(SweepIn)
    FIELD(SweepIn, grid, .flags = F_REQUIRED, .max = 65536, .doc = "NAME=FROM:TO:STEP or NAME=VALUE|VALUE, several with commas.", .example = "short_period=5:30:5,long_period=40:100:10"),
    SEARCH_ROWS(ROW)
    ROW(top, "Best combinations to show.", .def = "10", .min = 1, .max = 100000)
    FIELD(SweepIn, heat, .max = 256, .doc = "Two parameters for the heat map.", .example = "short_period,long_period"),
    FIELD(SweepIn, out, .max = 4096, .doc = "Write every combination to this file, .parquet or .csv.", .example = "sweep.parquet"),
};
static SHAPE(sweep_flags, SweepIn, sweep_f);
/* clang-format on */

const Command cmd_sweep = {
    .name = "sweep",
    .group = "Backtesting",
    .summary = "Many parameters of one strategy, ranked",
    .run = run_sweep,
    .help =
        "Beside the best combinations stand the probability of overfitting and the deflated Sharpe ratio: how much of "
        "the best may be luck. Nothing is kept; run the combination you choose with `finsight backtest`.",
    .examples = "finsight sweep BTCUSDT 1h --grid short_period=5:50:5,long_period=20:200:10\n"
                "finsight sweep AAPL 1d --strategy rsi --grid 'period=7|14,oversold=20:35:5'",
    .flags = &sweep_flags,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};
