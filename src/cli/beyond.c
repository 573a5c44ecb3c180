/* cli/beyond.c - walkforward, montecarlo, prove: what may be believed of a backtest. */

#include "api/backtest/beyond_shapes.h"
#include "api/backtest/search_shapes.h"
#include "cli/run_flags.h"

#include <math.h>

/* --- walkforward --- */

typedef struct WalkIn {
    WalkRequestIn request; /* first */
    RunTyped typed;
    Str grid;
} WalkIn;

static void print_walk(Cli *c, const WalkResponse *w) {
    static const char *const heads[] = { "test",     "",        "parameters", ">in training",
                                         ">in test", ">return", ">trades",    NULL };
    Arena *a = c->cx->arena;
    const WalkWindowOut *v = w->windows.v;
    Table t;
    Str name = cli_series_name(a, w->exchange, w->symbol, w->timeframe, (Str){ 0 });
    fprintf(c->out, "%s" STR_FMT " on " STR_FMT "%s  chosen by " STR_FMT "%s\n", term_tone(c, TONE_BOLD),
            STR_ARG(w->strategy_type), STR_ARG(name), term_end(c), STR_ARG(w->objective),
            cli_simulated(c, w->simulated));
    table_init(&t, a, heads);
    for (size_t i = 0; i < w->windows.n; i++) {
        table_cell(&t, term_minute(a, v[i].test_start), TONE_PLAIN);
        table_cell(&t, term_minute(a, v[i].test_end), TONE_DIM);
        table_cell(&t, v[i].chosen ? v[i].parameters.json : S("none: stayed flat"), TONE_BOLD);
        table_cell(&t, term_ratio(a, v[i].train_objective), TONE_DIM);
        table_cell(&t, term_ratio(a, v[i].test_objective), TONE_PLAIN);
        table_cell(&t, term_change(a, v[i].test_return), v[i].test_return < 0 ? TONE_BAD : TONE_GOOD);
        table_cell(&t, term_count(a, v[i].test_trades), TONE_PLAIN);
    }
    table_print(&t, c);
    const double *m = w->metrics.v;
    Str total = term_change(a, m[METRIC_TOTAL_RETURN]), sharpe = term_ratio(a, m[METRIC_SHARPE]);
    Str deepest = term_change(a, -m[METRIC_MAX_DRAWDOWN]), efficiency = term_ratio(a, w->efficiency);
    cli_line(c, "all tests",
             "return " STR_FMT "   Sharpe " STR_FMT "   deepest drawdown " STR_FMT "   efficiency " STR_FMT,
             STR_ARG(total), STR_ARG(sharpe), STR_ARG(deepest), STR_ARG(efficiency));
    cli_sentences(c, "careful", &w->advice, TONE_WARN, SIZE_MAX);
}

static int run_walk(Cli *c, const void *in_) {
    WalkIn in = *(const WalkIn *)in_;
    WalkResponse out = { 0 };
    int r = cli_run_request(c, &in.typed, &in.request.backtest);
    if (r == 0)
        r = cli_grid(c, in.grid, &in.request.grid.json);
    if (r == 0)
        r = cli_call_with_progress(c, &op_backtest_walk, &in.request, &out, "walking", "windows");
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &walk_response_shape, &out);
    print_walk(c, &out);
    return 0;
}

/* --- montecarlo --- */

static void figure_row(Table *t, Arena *a, const char *name, const FigureOut *f, bool ratio) {
    double v[] = { f->observed, f->p05, f->p25, f->p50, f->p75, f->p95 };
    table_cell(t, str_c(name), TONE_BOLD);
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        table_cell(t, ratio ? term_ratio(a, v[i]) : term_change(a, v[i]), i == 0 ? TONE_ACCENT : TONE_PLAIN);
}

static int run_monte_carlo(Cli *c, const void *in) {
    static const char *const heads[] = { "", ">backtest", ">5 %", ">25 %", ">median", ">75 %", ">95 %", NULL };
    MonteCarloResponse m = { 0 };
    Table t;
    int r = cli_call_with_progress(c, &op_backtest_monte_carlo, in, &m, "drawing", "paths");
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &monte_carlo_response_shape, &m);
    Arena *a = c->cx->arena;
    fprintf(c->out, "%s" STR_FMT "%s  %lld paths of " STR_FMT " blocks of %lld candles%s\n", term_tone(c, TONE_BOLD),
            STR_ARG(m.backtest_id), term_end(c), (long long)m.paths, STR_ARG(m.kind), (long long)m.block,
            cli_simulated(c, m.simulated));
    table_init(&t, a, heads);
    figure_row(&t, a, "total return", &m.total_return, false);
    figure_row(&t, a, "deepest drawdown", &m.max_drawdown, false);
    figure_row(&t, a, "Sharpe ratio", &m.sharpe_ratio, true);
    table_print(&t, c);
    cli_line(c, "lost", "%.1f %% of the paths", m.loss_probability * 100);
    cli_line(c, "deeper", "%.1f %% of the paths fell further than the backtest did",
             m.worse_drawdown_probability * 100);
    cli_sentences(c, "careful", &m.advice, TONE_WARN, SIZE_MAX);
    return 0;
}

/* --- prove --- */

typedef struct ProveIn {
    ProveRequest request; /* first */
    RunTyped typed;
} ProveIn;

static int run_prove(Cli *c, const void *in_) {
    ProveIn in = *(const ProveIn *)in_;
    ProveResponse out = { 0 };
    int r = cli_run_request(c, &in.typed, &in.request.backtest);
    if (r == 0)
        r = cli_call_with_progress(c, &op_backtest_prove, &in.request, &out, "proving", "cuts");
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &prove_response_shape, &out);
    if (out.proved) {
        fprintf(c->out, "%sno look-ahead%s: %lld decisions are the same with the data ended at %lld places\n",
                term_tone(c, TONE_GOOD), term_end(c), (long long)out.decisions, (long long)out.cuts);
        return 0;
    }
    fprintf(c->out, "%s" STR_FMT "%s with %lld candles: " STR_FMT "\n", term_tone(c, TONE_BAD), STR_ARG(out.fault),
            term_end(c), (long long)out.cut, STR_ARG(out.words));
    return err_info(ERR_CONFLICT)->exit_code;
}

/* --- the table --- */

/* clang-format off */
RUN_CHOICES
SEARCH_METHODS
#define MEMBER_ROW(T, member, words, ...) { .name = #member, .offset = offsetof(T, request.member), .type = FIELD_TYPE(T, request.member), .doc = words, ##__VA_ARGS__ },
#define WALK_ROW(member, words, ...) MEMBER_ROW(WalkIn, member, words, ##__VA_ARGS__)
#define PROVE_ROW(member, words, ...) MEMBER_ROW(ProveIn, member, words, ##__VA_ARGS__)

static const Field walk_f[] = {
    RUN_FLAGS(WalkIn)
    FIELD(WalkIn, grid, .flags = F_REQUIRED, .max = 65536, .doc = "NAME=FROM:TO:STEP or NAME=VALUE|VALUE, several with commas.", .example = "short_period=5:30:5,long_period=40:100:10"),
    SEARCH_ROWS(WALK_ROW)
    WALK_ROWS(WALK_ROW)
    WALK_ROW(equity_points, "Points of the equity curve in --json.", .def = "500", .has_min = true, .min = 0, .max = 1000000)
};
static SHAPE(walk_flags, WalkIn, walk_f);
static const Field prove_f[] = {
    RUN_FLAGS(ProveIn)
    PROVE_ROWS(PROVE_ROW)
};
static SHAPE(prove_flags, ProveIn, prove_f);
/* clang-format on */

const Command cmd_walkforward = {
    .name = "walkforward",
    .group = "Backtesting",
    .summary = "Choose parameters on one stretch, trade them on the next",
    .run = run_walk,
    .help = "What the tests earned, one after the other, is the honest figure: the parameters of each were chosen "
            "without it.",
    .examples = "finsight walkforward BTCUSDT 1h --grid short_period=5:50:5 --purge 24\n"
                "finsight walkforward AAPL 1d --strategy rsi --grid period=7:21:7 --anchored",
    .flags = &walk_flags,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};
const Command cmd_montecarlo = {
    .name = "montecarlo",
    .group = "Backtesting",
    .summary = "A kept backtest's returns drawn again, in blocks",
    .run = run_monte_carlo,
    .help = "Returns are drawn, never profits in money, whose size belongs to the account they were made in.",
    .examples = "finsight montecarlo bt_123456789 --paths 5000",
    .flags = &monte_carlo_request_shape,
    .positional = (const char *const[]){ "id", NULL },
};
const Command cmd_prove = {
    .name = "prove",
    .group = "Backtesting",
    .summary = "Prove that a strategy does not look ahead",
    .run = run_prove,
    .help = "Runs it again on data that ends earlier, at many places: every decision up to there must be the same. The "
            "exit "
            "status is not 0 when one is not.",
    .examples = "finsight prove BTCUSDT 1h --strategy macd --cuts 100",
    .flags = &prove_flags,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};
