/* cli/complete.c - fill, unfill, resample, disagree, actions: series made whole. */

#include "cli/internal.h"

static int run_fill(Cli *c, const void *in) {
    FillResponse out = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_fill, in, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &fill_response_shape, &out);
    fprintf(c->out, STR_FMT "\n", STR_ARG(out.message));
    static const struct {
        const char *why;
        size_t at;
    } left[] = { { "longer than --max-gap", offsetof(FillResponse, too_long) },
                 { "never asked for: ensure fetches them", offsetof(FillResponse, not_fetched) },
                 { "nothing to go by", offsetof(FillResponse, no_donor) },
                 { "the venues disagree", offsetof(FillResponse, disagree) } };
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        int64_t n = *(const int64_t *)(const void *)((const char *)&out + left[i].at);
        if (n)
            cli_line(c, "stay", "%lld gaps: %s", (long long)n, left[i].why);
    }
    return 0;
}

const Command cmd_fill = {
    .name = "fill",
    .group = "Data",
    .summary = "Fill gaps: forward, in a straight line, or from another venue",
    .run = run_fill,
    .help =
        "What is filled is flagged synthetic and has no volume. Real candles are never touched, and a real one that "
        "comes later replaces what was filled. unfill takes it out again.",
    .examples = "finsight fill BTCUSDT 1m --dry-run\n"
                "finsight fill BTCUSDC 1m --method venue --donor-exchange binance",
    .flags = &fill_request_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

static int run_unfill(Cli *c, const void *in) {
    RemoveResponse out = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_unfill, in, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &remove_response_shape, &out);
    fprintf(c->out, STR_FMT " filled candles taken out\n", STR_ARG(term_count(c->cx->arena, out.removed)));
    return 0;
}

const Command cmd_unfill = {
    .name = "unfill",
    .group = "Data",
    .summary = "Take filled candles out again",
    .run = run_unfill,
    .examples = "finsight unfill BTCUSDT 1m",
    .flags = &series_query_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

static int run_resample(Cli *c, const void *in) {
    CandlePage page = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_resample, in, &page);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &candle_page_shape, &page);
    Buf csv;
    buf_init(&csv, (size_t)1 << 30);
    r = op_write_csv(&op_market_resample, &page, &csv);
    fwrite(csv.p, 1, csv.n, c->out);
    buf_done(&csv);
    return r == 0 ? 0 : cli_fail(c, r);
}

const Command cmd_resample = {
    .name = "resample",
    .group = "Data",
    .summary = "Coarser candles of a series, as CSV",
    .run = run_resample,
    .help = "Weeks begin on Monday, months on the 1st. --session makes the trading days of a calendar. Candles made of "
            "fewer "
            "than fit carry the flag partial.",
    .examples = "finsight resample BTCUSDT 1h 1w > weeks.csv\n"
                "finsight resample AAPL 1m 1d --session us-equities --json",
    .flags = &resample_request_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", "to", NULL },
};

static int run_disagree(Cli *c, const void *in) {
    static const char *const heads[] = { "from", "to", ">candles", ">worst bp", "at", NULL };
    CompareReport out = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_compare, in, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &compare_report_shape, &out);
    Arena *a = c->cx->arena;
    fprintf(c->out, STR_FMT " and " STR_FMT "\n", STR_ARG(out.first), STR_ARG(out.second));
    cli_line(c, "compared", STR_FMT " candles; " STR_FMT " only in the first, " STR_FMT " only in the second",
             STR_ARG(term_count(a, out.compared)), STR_ARG(term_count(a, out.only_first)),
             STR_ARG(term_count(a, out.only_second)));
    cli_line(c, "differ", "by more than %g bp: " STR_FMT " candles in " STR_FMT " runs; mean size %.2f bp",
             out.threshold_bps, STR_ARG(term_count(a, out.over)), STR_ARG(term_count(a, out.runs)), out.mean_abs_bps);
    Table t;
    table_init(&t, a, heads);
    const DisagreeRow *v = out.items.v;
    for (size_t i = 0; i < out.items.n; i++) {
        table_cell(&t, term_minute(a, v[i].from), TONE_PLAIN);
        table_cell(&t, term_minute(a, v[i].to), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].candles), TONE_PLAIN);
        table_cell(&t, str_fmt(a, "%+.1f", v[i].worst_bps), TONE_WARN);
        table_cell(&t, term_minute(a, v[i].worst_at), TONE_DIM);
    }
    table_print(&t, c);
    return 0;
}

const Command cmd_disagree = {
    .name = "disagree",
    .group = "Data",
    .summary = "Where two venues tell different prices",
    .run = run_disagree,
    .examples = "finsight disagree BTCUSDC 1m --exchange kraken --other-exchange binance",
    .flags = &compare_query_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

/* --- corporate actions --- */

typedef struct ActionsIn {
    Str instrument, ex, kind, value;
    bool remove;
} ActionsIn;
/* clang-format off */
static const Field actions_f[] = {
    FIELD(ActionsIn, instrument, .doc = "Whose; left out: all.", .example = "AAPL"),
    FIELD(ActionsIn, ex, .doc = "To store one: the first day in the new money.", .example = "2020-08-31"),
    FIELD(ActionsIn, kind, .def = "split", .doc = "To store one: split or dividend."),
    FIELD(ActionsIn, value, .doc = "To store one: new shares for one old, or money a share.", .example = "4"),
    FIELD(ActionsIn, remove, .doc = "Remove that one."),
};
static SHAPE(actions_in_shape, ActionsIn, actions_f);
/* clang-format on */

static int put_action(Cli *c, ApiCaller *api, const ActionsIn *in, ActionList *out) {
    ActionRow row = { .instrument = in->instrument, .kind = in->kind, .value = in->value.n ? in->value : S("1") };
    if (!time_parse_any(in->ex, &row.ex))
        return err_set_at(c->cx, ERR_INVALID, S("ex"), "'" STR_FMT "' is no date", STR_ARG(in->ex));
    ActionsPut put = { { &row, 1 }, in->remove };
    return api_call(api, c->cx, &op_market_put_actions, &put, out);
}

static int run_actions(Cli *c, const void *in_) {
    static const char *const heads[] = { "instrument", "ex", "kind", ">value", NULL };
    const ActionsIn *in = in_;
    ActionList out = { 0 };
    ApiCaller *api;
    ActionsQuery all = { in->instrument };
    int r = cli_api(c, &api);
    if (r == 0 && in->ex.n)
        r = put_action(c, api, in, &out);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_actions, &all, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &action_list_shape, &out);
    Table t;
    table_init(&t, c->cx->arena, heads);
    const ActionRow *v = out.actions.v;
    for (size_t i = 0; i < out.actions.n; i++) {
        table_cell(&t, v[i].instrument, TONE_BOLD);
        table_cell(&t, term_minute(c->cx->arena, v[i].ex), TONE_PLAIN);
        table_cell(&t, v[i].kind, TONE_PLAIN);
        table_cell(&t, v[i].value, TONE_PLAIN);
    }
    table_print(&t, c);
    return 0;
}

const Command cmd_actions = {
    .name = "actions",
    .group = "Data",
    .summary = "Splits and dividends: list, store, remove",
    .run = run_actions,
    .help = "They are applied when candles are read: finsight query AAPL 1d --adjust all. Stored candles stay as they "
            "were traded.",
    .examples = "finsight actions AAPL\nfinsight actions AAPL --ex 2020-08-31 --kind split --value 4",
    .flags = &actions_in_shape,
    .positional = (const char *const[]){ "instrument", NULL },
};
