/* cli/collect.c - ensure and collect: candles of several symbols and timeframes from a venue, with progress.
 *
 * A long range goes to the service in slices of some pages each: the progress line moves, Ctrl-C ends it between
 * two slices at the latest, and what was fetched until then stays. */

#include "cli/internal.h"

typedef struct EnsureIn {
    Str symbols, timeframes, exchange;
    Time start, end;
    Str last;
    bool refresh;
    bool follow; /* of collect */
} EnsureIn;

/* clang-format off */
static const Field ensure_f[] = {
    FIELD(EnsureIn, symbols, .flags = F_REQUIRED, .doc = "Symbols, separated by commas.", .example = "BTCUSDT,ETHUSDT"),
    FIELD(EnsureIn, timeframes, .flags = F_REQUIRED, .doc = "Timeframes, separated by commas.", .example = "1h,1d"),
    FIELD(EnsureIn, exchange, .pattern = "venue", .def = "binance", .doc = "Where they trade."),
    FIELD(EnsureIn, start, .doc = "First open time wanted.", .example = "2024-01-01"),
    FIELD(EnsureIn, end, .doc = "Open time to stop before. Left out: now."),
    FIELD(EnsureIn, last, .doc = "Instead of --start: the last 36h, 30d, 2w.", .example = "30d"),
    FIELD(EnsureIn, refresh, .doc = "Ask the venue even for what is already covered."),
};
static SHAPE(ensure_shape, EnsureIn, ensure_f);
static const Field collect_f[] = {
    FIELD(EnsureIn, symbols, .flags = F_REQUIRED, .doc = "Symbols, separated by commas.", .example = "BTCUSDT,ETHUSDT"),
    FIELD(EnsureIn, timeframes, .flags = F_REQUIRED, .doc = "Timeframes, separated by commas.", .example = "1h,1d"),
    FIELD(EnsureIn, exchange, .pattern = "venue", .def = "binance", .doc = "Where they trade."),
    FIELD(EnsureIn, start, .doc = "First open time wanted.", .example = "2024-01-01"),
    FIELD(EnsureIn, end, .doc = "Open time to stop before. Left out: now."),
    FIELD(EnsureIn, last, .doc = "Instead of --start: the last 36h, 30d, 2w.", .example = "30d"),
    FIELD(EnsureIn, refresh, .doc = "Ask the venue even for what is already covered."),
    FIELD(EnsureIn, follow, .doc = "Go on with candles as they close, until Ctrl-C."),
};
static SHAPE(collect_shape, EnsureIn, collect_f);
/* clang-format on */

enum { WORDS_MAX = 64, SLICE_ROWS = 10000 };

typedef struct Outcome { /* of one series */
    Str symbol, timeframe;
    DataEnsureResponse sum;
    double ms;
    Str failed; /* words; empty = well */
} Outcome;

static void add_slice(DataEnsureResponse *sum, const DataEnsureResponse *got) {
    DataEnsureResponse s = *got;
    s.records_collected += sum->records_collected;
    s.records_rejected += sum->records_rejected;
    s.inserted += sum->inserted;
    s.updated += sum->updated;
    s.unchanged += sum->unchanged;
    s.requests += sum->requests;
    s.candles += sum->candles;
    s.gaps += sum->gaps;
    s.missing += sum->missing;
    s.fetched |= sum->fetched;
    *sum = s;
}

static int ensure_series(Cli *c, ApiCaller *api, const EnsureIn *in, Time start, Time end, Outcome *o) {
    Timeframe tf;
    if (!timeframe_parse(o->timeframe, &tf))
        return err_set_at(c->cx, ERR_INVALID, S("timeframes"), "'" STR_FMT "' is not a timeframe; try 1m, 1h, 1d, 1M",
                          STR_ARG(o->timeframe));
    Arena *a = c->cx->arena;
    Str what = str_fmt(a, STR_FMT " " STR_FMT, STR_ARG(o->symbol), STR_ARG(o->timeframe));
    Progress bar;
    progress_init(&bar, c, str_cz(a, what), "candles");
    MonoNs started = clock_mono(c->cx->clock);
    int r = 0;
    for (Time at = start; r == 0 && time_before(at, end);) {
        progress_update(&bar, (double)(at.ms - start.ms), (double)(end.ms - start.ms), o->sum.records_collected);
        Time to = timeframe_step(tf, timeframe_floor(tf, at), SLICE_ROWS);
        to = time_before(end, to) ? end : to;
        DataEnsureRequest req = { .exchange = in->exchange,
                                  .symbol = o->symbol,
                                  .timeframe = o->timeframe,
                                  .start = at,
                                  .end = to,
                                  .refresh = in->refresh };
        DataEnsureResponse got = { 0 };
        r = api_call(api, c->cx, &op_market_ensure, &req, &got);
        if (r == 0)
            add_slice(&o->sum, &got);
        if (r == 0)
            r = ctx_check(c->cx);
        at = to;
    }
    progress_end(&bar);
    o->ms = (double)(clock_mono(c->cx->clock).ns - started.ns) * 1e-6;
    return r;
}

static void show_outcomes(Cli *c, const Outcome *v, size_t n) {
    static const char *const heads[] = { "symbol", "tf",        ">candles", ">collected", ">new",
                                         ">gaps",  ">requests", ">time",    "",           NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < n; i++) {
        const DataEnsureResponse *s = &v[i].sum;
        table_cell(&t, v[i].symbol, TONE_BOLD);
        table_cell(&t, v[i].timeframe, TONE_PLAIN);
        table_cell(&t, term_count(a, s->candles), TONE_PLAIN);
        table_cell(&t, term_count(a, s->records_collected), TONE_PLAIN);
        table_cell(&t, term_count(a, s->inserted), TONE_PLAIN);
        table_cell(&t, term_count(a, s->gaps), s->gaps ? TONE_WARN : TONE_PLAIN);
        table_cell(&t, term_count(a, s->requests), TONE_PLAIN);
        table_cell(&t, term_ms(a, v[i].ms), TONE_DIM);
        table_cell(&t,
                   v[i].failed.n  ? v[i].failed
                   : s->simulated ? S("SIMULATED")
                   : s->fetched   ? S("")
                                  : S("already there"),
                   v[i].failed.n  ? TONE_BAD
                   : s->simulated ? TONE_WARN
                                  : TONE_DIM);
    }
    table_print(&t, c);
}

static void print_outcomes_json(Cli *c, const Outcome *v, size_t n) {
    Buf b;
    buf_init(&b, 1 << 20);
    JsonWriter w;
    json_writer_init(&w, &b, true);
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        json_put_str(&w, "symbol", v[i].symbol);
        json_put_str(&w, "timeframe", v[i].timeframe);
        json_put_bool(&w, "success", v[i].failed.n == 0);
        if (v[i].failed.n)
            json_put_str(&w, "error", v[i].failed);
        json_put_i64(&w, "candles", v[i].sum.candles);
        json_put_i64(&w, "collected", v[i].sum.records_collected);
        json_put_i64(&w, "inserted", v[i].sum.inserted);
        json_put_i64(&w, "gaps", v[i].sum.gaps);
        json_put_i64(&w, "requests", v[i].sum.requests);
        json_put_bool(&w, "simulated", v[i].sum.simulated);
        json_put_f64(&w, "milliseconds", v[i].ms);
        json_object_end(&w);
    }
    json_array_end(&w);
    fprintf(c->out, STR_FMT "\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
}

/* One series that fails does not stop the others; the command fails in the end. */
static int ensure_all(Cli *c, const EnsureIn *in, Time start, Time end) {
    Str symbols[WORDS_MAX], frames[WORDS_MAX];
    size_t n_symbols, n_frames, n = 0;
    ApiCaller *api;
    int r = cli_words(c, in->symbols, symbols, WORDS_MAX, &n_symbols);
    if (r == 0)
        r = cli_words(c, in->timeframes, frames, WORDS_MAX, &n_frames);
    if (r == 0)
        r = cli_api(c, &api);
    if (r != 0)
        return cli_fail(c, r);

    Outcome *v = arena_new_n(c->cx->arena, Outcome, n_symbols * n_frames);
    int worst = 0;
    for (size_t i = 0; i < n_symbols && worst != ERR_CANCELLED; i++) {
        for (size_t k = 0; k < n_frames && worst != ERR_CANCELLED; k++) {
            Outcome *o = &v[n++];
            *o = (Outcome){ .symbol = symbols[i], .timeframe = frames[k] };
            r = ensure_series(c, api, in, start, end, o);
            if (r < 0) {
                worst = r;
                o->failed = str_dup(c->cx->arena, str_c(c->cx->err.text));
            }
        }
    }
    if (c->json)
        print_outcomes_json(c, v, n);
    else
        show_outcomes(c, v, n);
    return worst ? cli_fail(c, worst) : 0;
}

static int time_range(Cli *c, const EnsureIn *in, const char *otherwise, Time *start, Time *end) {
    Time now = clock_wall(c->cx->clock);
    *end = in->end.ms ? in->end : now;
    *start = in->start;
    bool given = in->start.ms != 0;
    Str last = in->last.n ? in->last : given ? (Str){ 0 } : str_c(otherwise);
    int64_t ms;
    if (given && in->last.n)
        return err_set_at(c->cx, ERR_INVALID, S("last"), "give --start or --last, not both");
    if (!given && !last.n)
        return err_set_at(c->cx, ERR_INVALID, S("start"), "give --start TIME, or --last 30d");
    if (last.n && (!duration_parse_ms(last, &ms) || ms <= 0))
        return err_set_at(c->cx, ERR_INVALID, S("last"), "'" STR_FMT "' is not a length of time; try 36h, 30d, 2w",
                          STR_ARG(last));
    if (last.n)
        *start = time_add_ms(*end, -ms);
    if (!time_before(*start, *end))
        return err_set_at(c->cx, ERR_INVALID, S("end"), "the end must be later than the start");
    return 0;
}

static int run_ensure(Cli *c, const void *in) {
    Time start, end;
    int r = time_range(c, in, NULL, &start, &end);
    return r == 0 ? ensure_all(c, in, start, end) : cli_fail(c, r);
}

const Command cmd_ensure = {
    .name = "ensure",
    .group = "Data",
    .summary = "Make sure candles are stored; fetch what is missing",
    .run = run_ensure,
    .help = "Asks the venue only for what it was not asked for before: a second run makes no request.",
    .examples = "finsight ensure BTCUSDT,ETHUSDT 1h,1d --start 2024-01-01\nfinsight ensure BTCUSDT 1m --last 7d --json",
    .flags = &ensure_shape,
    .positional = (const char *const[]){ "symbols", "timeframes", NULL },
};

static int series_of(Cli *c, const EnsureIn *in, SeriesKey **out, size_t *n) {
    Str symbols[WORDS_MAX], frames[WORDS_MAX];
    size_t n_symbols, n_frames;
    int r = cli_words(c, in->symbols, symbols, WORDS_MAX, &n_symbols);
    if (r == 0)
        r = cli_words(c, in->timeframes, frames, WORDS_MAX, &n_frames);
    if (r != 0)
        return r;
    *out = arena_new_n(c->cx->arena, SeriesKey, n_symbols * n_frames);
    *n = 0;
    for (size_t i = 0; i < n_symbols; i++)
        for (size_t k = 0; k < n_frames; k++) {
            SeriesKey *key = &(*out)[(*n)++];
            if (!symbol_parse(symbols[i], &key->symbol) || !timeframe_parse(frames[k], &key->timeframe) ||
                !venue_parse(in->exchange, &key->venue))
                return err_set(c->cx, ERR_INVALID, "'" STR_FMT "' is not a symbol, or '" STR_FMT "' not a timeframe",
                               STR_ARG(symbols[i]), STR_ARG(frames[k]));
        }
    return 0;
}

static int run_collect(Cli *c, const void *in) {
    const EnsureIn *q = in;
    SeriesKey *keys;
    size_t n;
    Time start, end;
    if (!q->follow || (q->last.n || q->start.ms)) {
        int r = time_range(c, in, "7d", &start, &end);
        int status = r == 0 ? ensure_all(c, in, start, end) : cli_fail(c, r);
        if (status != 0 || !q->follow)
            return status;
    }
    int r = series_of(c, q, &keys, &n);
    return r == 0 ? c->follow(c, keys, n) : cli_fail(c, r);
}

const Command cmd_collect = {
    .name = "collect",
    .group = "Data",
    .summary = "Bring series up to now (the last 7 days unless told)",
    .run = run_collect,
    .help =
        "Like ensure, with a range that ends now. The candle still open is stored too, and marked. "
        "--follow goes on with the venue's stream (or, where there is none, asks after each candle's end): a table "
        "on a terminal, a line a closed candle in a pipe, JSON lines with --json; what is shown as closed is on disk. "
        "Beside a server that has the store open, the server follows (its live.series) and this shows what it stores.",
    .examples = "finsight collect BTCUSDT,ETHUSDT,SOLUSDT 1m\nfinsight collect BTCUSDT 1h --last 90d\n"
                "finsight collect BTCUSDT,ETHUSDT 1m --follow",
    .flags = &collect_shape,
    .positional = (const char *const[]){ "symbols", "timeframes", NULL },
};
