/* cli/backtest.c - backtest, backtests, strategies, compare, recommend: run one, and what was run before. */

#include "api/backtest/backtest_api.h"
#include "api/backtest/export.h"
#include "base/file.h"
#include "cli/run_flags.h"

#include <math.h>

typedef struct BacktestIn {
    BacktestRequestIn request; /* first: its fields are the API's own */
    RunTyped typed;
    Str trades, report, out, table;
} BacktestIn;

/* --- words --- */

static Str money(Arena *a, double v) {
    return isnan(v) ? S("-") : term_price(a, v);
}

static Tone sign_tone(double v) {
    return v > 0 ? TONE_GOOD : v < 0 ? TONE_BAD : TONE_PLAIN;
}

static void print_trades(Cli *c, const BacktestResponse *b, size_t most) {
    static const char *const heads[] = { "entry",       "exit", "",        ">size", ">entry price",
                                         ">exit price", ">net", ">return", NULL };
    Arena *a = c->cx->arena;
    const TradeOut *v = b->trades.v;
    size_t n = b->trades.n, first = n > most ? n - most : 0;
    Table t;
    if (n == 0)
        return;
    table_init(&t, a, heads);
    for (size_t i = first; i < n; i++) {
        bool open = str_eq(v[i].status, S("open"));
        table_cell(&t, term_minute(a, v[i].entry_time), TONE_PLAIN);
        table_cell(&t, open ? S("still open") : term_minute(a, v[i].exit_time), open ? TONE_DIM : TONE_PLAIN);
        table_cell(&t, v[i].side, TONE_DIM);
        table_cell(&t, term_price(a, fabs(v[i].size)), TONE_PLAIN);
        table_cell(&t, term_price(a, v[i].entry_price), TONE_PLAIN);
        table_cell(&t, term_price(a, v[i].exit_price), TONE_PLAIN);
        table_cell(&t, open ? S("") : str_fmt(a, "%+.2f", v[i].pnl_net), sign_tone(v[i].pnl_net));
        table_cell(&t, open ? S("") : term_change(a, v[i].return_fraction), sign_tone(v[i].return_fraction));
    }
    if (first)
        fprintf(c->out, "\n%sthe last %zu of %zu trades%s\n", term_tone(c, TONE_DIM), most, n, term_end(c));
    else
        fprintf(c->out, "\n");
    table_print(&t, c);
}

static void print_criteria(Cli *c, const BacktestResponse *b) {
    static const char *const heads[] = { "ta4j's criterion", ">value", "", NULL };
    const CriterionOut *v = b->criteria.v;
    Arena *a = c->cx->arena;
    Table t;
    if (!b->criteria.n)
        return;
    table_init(&t, a, heads);
    for (size_t i = 0; i < b->criteria.n; i++) {
        table_cell(&t, v[i].name, TONE_PLAIN);
        table_cell(&t, isnan(v[i].value) ? S("-") : str_fmt(a, "%.6g", v[i].value), TONE_BOLD);
        table_cell(&t, v[i].words, TONE_DIM);
    }
    fprintf(c->out, "\n");
    table_print(&t, c);
}

static Str equity_line(Cli *c, const BacktestResponse *b) {
    Arena *a = c->cx->arena;
    const EquityOut *v = b->equity_curve.v;
    double *values = arena_new_n(a, double, b->equity_curve.n);
    for (size_t i = 0; i < b->equity_curve.n; i++)
        values[i] = v[i].value;
    return term_sparkline(a, values, b->equity_curve.n, (size_t)MAX(20, MIN(c->columns - 20, 60)));
}

static void print_backtest(Cli *c, const BacktestResponse *b) {
    enum { TRADES = 10, NOTES = 8 };
    Arena *a = c->cx->arena;
    const double *m = b->metrics.v;
    fprintf(c->out, "%s" STR_FMT " on " STR_FMT "%s  " STR_FMT " engine%s\n", term_tone(c, TONE_BOLD),
            STR_ARG(b->strategy_type), STR_ARG(cli_series_name(a, b->exchange, b->symbol, b->timeframe, (Str){ 0 })),
            term_end(c), STR_ARG(b->engine), cli_simulated(c, b->simulated));
    cli_line(c, "parameters", STR_FMT, STR_ARG(b->parameters.json));
    cli_line(c, "candles", STR_FMT "  " STR_FMT " .. " STR_FMT, STR_ARG(term_count(a, b->candles)),
             STR_ARG(term_minute(a, b->start_date)), STR_ARG(term_minute(a, b->end_date)));
    cli_line(c, "account", STR_FMT " -> %s" STR_FMT "%s", STR_ARG(money(a, b->initial_capital)),
             term_tone(c, sign_tone(b->final_capital - b->initial_capital)), STR_ARG(money(a, b->final_capital)),
             term_end(c));
    cli_line(c, "", "%s" STR_FMT "%s", term_tone(c, TONE_ACCENT), STR_ARG(equity_line(c, b)), term_end(c));
    cli_line(c, "return", STR_FMT "   a year " STR_FMT "   holding " STR_FMT,
             STR_ARG(term_change(a, m[METRIC_TOTAL_RETURN])), STR_ARG(term_change(a, m[METRIC_ANNUAL_RETURN])),
             STR_ARG(term_change(a, m[METRIC_BENCHMARK_RETURN])));
    cli_line(c, "risk", "Sharpe " STR_FMT "   Sortino " STR_FMT "   deepest drawdown " STR_FMT,
             STR_ARG(term_ratio(a, m[METRIC_SHARPE])), STR_ARG(term_ratio(a, m[METRIC_SORTINO])),
             STR_ARG(term_change(a, -m[METRIC_MAX_DRAWDOWN])));
    cli_line(c, "trades", STR_FMT " closed   won " STR_FMT "   profit factor " STR_FMT "   fees " STR_FMT,
             STR_ARG(term_count(a, (int64_t)m[METRIC_TOTAL_TRADES])),
             STR_ARG(isnan(m[METRIC_WIN_RATE]) ? S("-") : term_percent(a, m[METRIC_WIN_RATE])),
             STR_ARG(term_ratio(a, m[METRIC_PROFIT_FACTOR])), STR_ARG(money(a, m[METRIC_FEES])));
    if (b->explanation.n)
        cli_line(c, "why", "%s" STR_FMT "%s", term_tone(c, TONE_WARN), STR_ARG(b->explanation), term_end(c));
    cli_sentences(c, "careful", &b->warnings, TONE_WARN, NOTES);
    cli_sentences(c, "assumed", &b->assumptions, TONE_DIM, NOTES);
    print_trades(c, b, TRADES);
    print_criteria(c, b);
    fprintf(c->err, "%s" STR_FMT ", " STR_FMT "%s\n", term_tone(c, TONE_DIM), STR_ARG(b->backtest_id),
            STR_ARG(term_ms(a, b->execution_time_seconds * 1000)), term_end(c));
}

/* --- backtest --- */

static int write_trades(Cli *c, const BacktestResponse *b, Str path) {
    enum { TEXT_MAX = 1 << 30 };
    Buf out;
    const TradeOut *v = b->trades.v;
    buf_init(&out, TEXT_MAX);
    BUF_LIT(&out,
            "trade_id,symbol,side,status,size,entry_time,entry_price,exit_time,exit_price,pnl,fees,costs,pnl_net\n");
    for (size_t i = 0; i < b->trades.n; i++) {
        const TradeOut *t = &v[i];
        bool open = t->exit_time.ms == 0;
        buf_printf(&out,
                   "%lld," STR_FMT "," STR_FMT "," STR_FMT ",%.17g," STR_FMT ",%.17g," STR_FMT
                   ",%.17g,%.17g,%.17g,%.17g,%.17g\n",
                   (long long)t->trade_id, STR_ARG(t->symbol), STR_ARG(t->side), STR_ARG(t->status), t->size,
                   STR_ARG(time_iso(c->cx->arena, t->entry_time)), t->entry_price,
                   STR_ARG(open ? (Str){ 0 } : time_iso(c->cx->arena, t->exit_time)), t->exit_price, t->pnl, t->fees,
                   t->costs, t->pnl_net);
    }
    int r = buf_ok(&out) ? file_write(c->cx, str_cz(c->cx->arena, path), buf_str(&out), 0644)
                         : err_set(c->cx, ERR_TOO_LARGE, "the trades are too many for one file");
    buf_done(&out);
    return r;
}

static int write_report(Cli *c, ApiCaller *api, Str id, Str path) {
    RawBody page = { 0 };
    int r = api_call(api, c->cx, &op_backtest_report, &(BacktestId){ id }, &page);
    return r ? r : file_write(c->cx, str_cz(c->cx->arena, path), page.bytes, 0644);
}

static int run_backtest(Cli *c, const void *in_) {
    BacktestIn in = *(const BacktestIn *)in_;
    BacktestResponse b = { 0 };
    ApiCaller *api;
    int r = cli_run_request(c, &in.typed, &in.request);
    if (r == 0)
        r = cli_api(c, &api);
    if (r == 0)
        r = cli_call_with_progress(c, &op_backtest_run, &in.request, &b, "running", "candles");
    if (r == 0 && in.trades.n)
        r = write_trades(c, &b, in.trades);
    if (r == 0 && in.report.n)
        r = write_report(c, api, b.backtest_id, in.report);
    if (r == 0 && in.out.n)
        r = cli_backtest_write(c, api, b.backtest_id, in.table, in.out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &backtest_response_shape, &b);
    print_backtest(c, &b);
    return 0;
}

typedef struct ReportIn {
    Str id, file;
} ReportIn;

static int run_report(Cli *c, const void *in_) {
    const ReportIn *in = in_;
    ApiCaller *api;
    Str path = in->file.n ? in->file : str_fmt(c->cx->arena, STR_FMT ".html", STR_ARG(in->id));
    int r = cli_api(c, &api);
    if (r == 0)
        r = write_report(c, api, in->id, path);
    if (r != 0)
        return cli_fail(c, r);
    if (!c->quiet)
        fprintf(c->err, STR_FMT "\n", STR_ARG(path));
    return 0;
}

/* --- backtests: those that are kept --- */

static void print_summaries(Cli *c, const List *rows) {
    static const char *const heads[] = { "backtest",  "series",  "strategy", "engine", ">return", ">Sharpe",
                                         ">drawdown", ">trades", ">won",     ">score", "",        NULL };
    Arena *a = c->cx->arena;
    const BacktestSummaryOut *v = rows->v;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < rows->n; i++) {
        table_cell(&t, v[i].backtest_id, TONE_BOLD);
        table_cell(&t, cli_series_name(a, v[i].exchange, v[i].symbol, v[i].timeframe, (Str){ 0 }), TONE_PLAIN);
        table_cell(&t, v[i].strategy_type, TONE_PLAIN);
        table_cell(&t, v[i].engine, TONE_DIM);
        table_cell(&t, term_change(a, v[i].total_return), sign_tone(v[i].total_return));
        table_cell(&t, term_ratio(a, v[i].sharpe_ratio), TONE_PLAIN);
        table_cell(&t, term_change(a, -v[i].max_drawdown), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].total_trades), TONE_PLAIN);
        table_cell(&t, isnan(v[i].win_rate) ? S("-") : str_fmt(a, "%.0f %%", v[i].win_rate * 100), TONE_PLAIN);
        table_cell(&t, isnan(v[i].score) ? S("-") : str_fmt(a, "%.2f", v[i].score), TONE_ACCENT);
        table_cell(&t, v[i].simulated ? S("SIMULATED") : S(""), TONE_WARN);
    }
    table_print(&t, c);
}

static int run_backtests(Cli *c, const void *in) {
    BacktestList list = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_backtest_list, in, &list);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &backtest_list_shape, &list);
    if (list.backtests.n)
        print_summaries(c, &list.backtests);
    else if (!c->quiet)
        fprintf(c->err, "no backtest is kept that fits; `finsight backtest` runs one\n");
    if (list.total > (int64_t)list.backtests.n && !c->quiet)
        fprintf(c->err, "%s%zu of %lld%s\n", term_tone(c, TONE_DIM), list.backtests.n, (long long)list.total,
                term_end(c));
    return 0;
}

static int run_compare(Cli *c, const void *in) {
    CompareResponse out = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_backtest_compare, in, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &compare_response_shape, &out);
    print_summaries(c, &out.backtests);
    return 0;
}

static int run_show(Cli *c, const void *in) {
    BacktestResponse b = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_backtest_get, in, &b);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &backtest_response_shape, &b);
    print_backtest(c, &b);
    return 0;
}

/* --- strategies, recommendations --- */

static int run_strategies(Cli *c, const void *in) {
    StrategyList list = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_backtest_strategies, in, &list);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &strategy_list_shape, &list);
    const StrategyOut *v = list.strategies.v;
    for (size_t i = 0; i < list.strategies.n; i++) {
        fprintf(c->out, "%s" STR_FMT "%s  " STR_FMT "\n", term_tone(c, TONE_BOLD), STR_ARG(v[i].strategy_type),
                term_end(c), STR_ARG(v[i].words));
        const ParameterOut *p = v[i].parameters.v;
        for (size_t k = 0; k < v[i].parameters.n; k++)
            fprintf(c->out, "    %-16.*s %s%-8s%s " STR_FMT "\n", (int)p[k].name.n, p[k].name.p, term_tone(c, TONE_DIM),
                    isnan(p[k].standard) ? "" : str_cz(c->cx->arena, str_fmt(c->cx->arena, "%g", p[k].standard)),
                    term_end(c), STR_ARG(p[k].words));
    }
    return 0;
}

static int run_recommend(Cli *c, const void *in) {
    RecommendationList list = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_backtest_recommend, in, &list);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &recommendation_list_shape, &list);
    const RecommendationOut *v = list.recommendations.v;
    for (size_t i = 0; i < list.recommendations.n; i++)
        fprintf(c->out, "%s%zu. " STR_FMT "%s  " STR_FMT "\n     " STR_FMT "\n", term_tone(c, TONE_BOLD), i + 1,
                STR_ARG(v[i].strategy_type), term_end(c), STR_ARG(v[i].backtest_id), STR_ARG(v[i].why));
    if (!list.recommendations.n && !c->quiet)
        fprintf(c->err, "no kept backtest of " STR_FMT " has a score; `finsight backtest` runs one\n",
                STR_ARG(list.symbol));
    return 0;
}

/* --- the table --- */

/* clang-format off */
RUN_CHOICES
static const char *const order_lists[] = { "none", "refused", "all", NULL };
#define ROW(wire, member, ...) { .name = wire, .offset = offsetof(BacktestIn, request.member), .type = FIELD_TYPE(BacktestIn, request.member), __VA_ARGS__ }
static const Field backtest_f[] = {
    RUN_FLAGS(BacktestIn)
    ROW("save", save, .def = "true", .doc = "Keep the result."),
    ROW("id", backtest_id, .max = 64, .doc = "Name of the result."),
    ROW("note", note, .max = 500, .doc = "Your words, kept with it."),
    ROW("orders", orders, .def = "refused", .choices = order_lists, .doc = "Which orders --json lists."),
    ROW("equity_points", equity_points, .def = "500", .has_min = true, .min = 0, .max = 1000000, .doc = "Points of the equity curve."),
    FIELD(BacktestIn, trades, .max = 4096, .doc = "Write every trade to this CSV file.", .example = "trades.csv"),
    FIELD(BacktestIn, report, .max = 4096, .doc = "Write the tear sheet to this HTML file.", .example = "report.html"),
    FIELD(BacktestIn, out, .max = 4096, .doc = "Write a table of the result to this file, .parquet or .csv.", .example = "equity.parquet"),
    FIELD(BacktestIn, table, .def = "equity", .choices = backtest_export_tables, .doc = "Which table --out writes."),
};
static SHAPE(backtest_flags, BacktestIn, backtest_f);
/* clang-format on */

const Command cmd_backtest = {
    .name = "backtest",
    .group = "Backtesting",
    .summary = "Run a strategy over stored candles",
    .run = run_backtest,
    .help =
        "Orders fill at the next candle at the earliest. What was assumed and what to be careful of is printed with "
        "the "
        "result; a run without trades says why. The result is kept: `finsight backtests` lists, `finsight show` shows.",
    .examples = "finsight backtest BTCUSDT 1h  # moving averages of 10 and 30 candles\n"
                "finsight backtest BTCUSDT 1d --strategy rsi --set period=7 --engine zoot\n"
                "finsight backtest AAPL 1d --slippage 0.0002 --report aapl.html",
    .flags = &backtest_flags,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};
static const Field report_f[] = {
    FIELD(ReportIn, id, .flags = F_REQUIRED, .max = 64, .doc = "Its backtest_id."),
    FIELD(ReportIn, file, .max = 4096, .doc = "Where the page goes. Left out: ID.html here.", .example = "report.html"),
};
static SHAPE(report_flags, ReportIn, report_f);
const Command cmd_report = {
    .name = "report",
    .group = "Backtesting",
    .summary = "The tear sheet of a kept backtest, one HTML file",
    .run = run_report,
    .examples = "finsight report bt_123456789 --file report.html",
    .flags = &report_flags,
    .positional = (const char *const[]){ "id", NULL },
};
const Command cmd_backtests = {
    .name = "backtests",
    .group = "Backtesting",
    .summary = "Backtests that are kept",
    .run = run_backtests,
    .examples = "finsight backtests --sort score --limit 10\nfinsight backtests --symbol BTCUSDT --json",
    .flags = &backtest_list_query_shape,
};
const Command cmd_show = {
    .name = "show",
    .group = "Backtesting",
    .summary = "A kept backtest",
    .run = run_show,
    .examples = "finsight show bt_123456789\nfinsight show bt_123456789 --orders all --json",
    .flags = &backtest_get_shape,
    .positional = (const char *const[]){ "id", NULL },
};
static const char *const compare_sorts[] = { "score", "return", "sharpe", "newest", NULL };
static const Field compare_f[] = {
    FIELD(CompareRequest, backtest_ids, .flags = F_REQUIRED, .max = 100, .doc = "Names, with commas.",
          .example = "bt_1,bt_2"),
    FIELD(CompareRequest, sort, .def = "score", .choices = compare_sorts, .doc = "What they are ranked by."),
};
static SHAPE(compare_flags, CompareRequest, compare_f);
const Command cmd_compare = {
    .name = "compare",
    .group = "Backtesting",
    .summary = "Kept backtests beside each other",
    .run = run_compare,
    .examples = "finsight compare bt_1,bt_2 --sort sharpe",
    .flags = &compare_flags,
    .positional = (const char *const[]){ "backtest_ids", NULL },
};
const Command cmd_strategies = {
    .name = "strategies",
    .group = "Backtesting",
    .summary = "Strategies and their parameters",
    .run = run_strategies,
    .examples = "finsight strategies\nfinsight strategies --json",
};
const Command cmd_recommend = {
    .name = "recommend",
    .group = "Backtesting",
    .summary = "Strategies for a symbol, by their best kept backtest",
    .run = run_recommend,
    .help =
        "Ranks by a documented score of the backtests that are kept: docs/backtesting.md. Past results are no promise.",
    .examples = "finsight recommend BTCUSDT",
    .flags = &recommend_query_shape,
    .positional = (const char *const[]){ "symbol", NULL },
};
