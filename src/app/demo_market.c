/* app/demo_market.c - the demo's candles: collected or read from a file, then asked for. */

#include "app/demo.h"

#include "api/market/market_api.h"
#include "base/file.h"
#include "core/candle_csv.h"

#include <ctype.h>

/* clang-format off */
static const struct { const char *symbol, *timeframe; int days; } plan[] = {
    { "BTCUSDT", "1h", 365 }, { "BTCUSDT", "1m", 3 },
    { "ETHUSDT", "1h", 365 }, { "ETHUSDT", "1m", 3 },
    { "SOLUSDT", "1h", 365 }, { "SOLUSDT", "1m", 3 },
    { "BTCUSDT", "1d", 1500 },
};
/* clang-format on */

enum { SPARK = 28 };

Str demo_sparkline(Demo *d, const DemoSeries *s) {
    OHLCVQuery q = {
        .exchange = s->exchange, .symbol = s->symbol, .timeframe = s->timeframe, .limit = 20000, .order = S("latest")
    };
    CandlePage page = { 0 };
    if (demo_call(d, &op_market_candles, &q, &page) != 0)
        return (Str){ 0 };
    return term_sparkline(d->c->cx->arena, page.candles.close, page.candles.n, SPARK);
}

/* --- collect --- */

static int collect_one(Demo *d, size_t i, Table *t) {
    Arena *a = d->c->cx->arena;
    Timeframe tf;
    timeframe_parse(str_c(plan[i].timeframe), &tf);
    Time end = timeframe_floor(tf, clock_wall(d->app->clock));
    DataEnsureRequest in = { .exchange = S("binance"),
                             .symbol = str_c(plan[i].symbol),
                             .timeframe = str_c(plan[i].timeframe),
                             .start = time_add_ms(end, -(int64_t)plan[i].days * MS_PER_DAY),
                             .end = end };
    DataEnsureResponse got = { 0 };
    MonoNs started = clock_mono(d->app->clock);
    int r = demo_call(d, &op_market_ensure, &in, &got);
    if (r != 0)
        return r;
    double ms = demo_ms_since(d, started);
    OHLCVStats stats = { 0 };
    SeriesQuery q = { .exchange = in.exchange, .symbol = in.symbol, .timeframe = in.timeframe };
    r = demo_call(d, &op_market_statistics, &q, &stats);
    if (r != 0)
        return r;
    table_cell(t, in.symbol, TONE_BOLD);
    table_cell(t, in.timeframe, TONE_PLAIN);
    table_cell(t, term_count(a, got.candles), TONE_PLAIN);
    table_cell(t, term_count(a, got.requests), TONE_PLAIN);
    table_cell(t, got.fetched ? term_ms(a, ms) : S("was there"), got.fetched ? TONE_PLAIN : TONE_DIM);
    table_cell(t, term_count(a, got.gaps), got.gaps ? TONE_WARN : TONE_GOOD);
    table_cell(t, term_percent(a, stats.completeness_percent / 100), TONE_PLAIN);
    table_cell(t, term_price(a, stats.last_close), TONE_PLAIN);
    table_cell(t, str_fmt(a, "%+.1f %%", stats.change_percent), stats.change_percent < 0 ? TONE_BAD : TONE_GOOD);
    table_cell(t, demo_sparkline(d, &(DemoSeries){ in.exchange, in.symbol, in.timeframe }), TONE_ACCENT);
    return 0;
}

int demo_collect(Demo *d) {
    static const char *const heads[] = { "symbol",    "tf",     ">candles", ">calls", ">time", ">gaps",
                                         ">complete", ">close", ">change",  "",       NULL };
    demo_heading(d, "Collect", "candles of three symbols, from the exchange into the store, checked on the way");
    Table t;
    table_init(&t, d->c->cx->arena, heads);
    Progress bar;
    progress_init(&bar, d->c, "collecting", "series");
    int r = 0;
    const size_t total = ARRAY_LEN(plan);
    for (size_t i = 0; r == 0 && i < total; i++) {
        progress_update(&bar, (double)i, (double)total, (int64_t)i);
        r = collect_one(d, i, &t);
    }
    progress_end(&bar);
    if (r == 0)
        table_print(&t, d->c);
    return r;
}

/* --- the user's file --- */

static Str symbol_from_path(Demo *d, Str path) {
    Str base = path_base(str_cz(d->c->cx->arena, path));
    ptrdiff_t dot = str_find_char(base, '.');
    Str stem = str_upper(d->c->cx->arena, str_first(base, dot > 0 ? (size_t)dot : base.n));
    char *p = (char *)(uintptr_t)stem.p;
    for (size_t i = 0; i < stem.n; i++)
        if (!isalnum((unsigned char)p[i]))
            p[i] = '_';
    return str_first(stem, SYMBOL_MAX);
}

static int send_file(Demo *d, Str symbol, const Candles *rows, const CandleCsvReport *report, Str *timeframe) {
    enum { BATCH = 50000 };
    Ctx *cx = d->c->cx;
    *timeframe = timeframe_text(report->timeframe, arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX));
    int r = 0;
    for (size_t at = 0; r == 0 && at < rows->n; at += BATCH) {
        ArenaMark mark = arena_mark(cx->arena);
        OHLCVSave save = { .exchange = S("file"),
                           .symbol = symbol,
                           .timeframe = *timeframe,
                           .durable = true,
                           .candles = candles_view(rows, at, MIN((size_t)BATCH, rows->n - at)) };
        SaveResponse got = { 0 };
        r = demo_call(d, &op_market_save, &save, &got);
        if (r == 0)
            arena_rewind(cx->arena, mark);
    }
    if (r != 0 || rows->n == 0)
        return r;
    Str base = path_base(str_cz(cx->arena, d->in->data));
    OHLCVSave cover = { .exchange = S("file"),
                        .symbol = symbol,
                        .timeframe = *timeframe,
                        .durable = true,
                        .source = str_first(str_fmt(cx->arena, "file " STR_FMT, STR_ARG(base)), 23),
                        .covered_start = time_ms(rows->open_ms[0]),
                        .covered_end = timeframe_next(report->timeframe, time_ms(rows->open_ms[rows->n - 1])) };
    SaveResponse got = { 0 };
    return demo_call(d, &op_market_save, &cover, &got);
}

int demo_import(Demo *d, DemoSeries *out) {
    Str *symbol = &out->symbol, *timeframe = &out->timeframe;
    enum { FILE_MAX = 1 << 30 };
    Ctx *cx = d->c->cx;
    const char *path = str_cz(cx->arena, d->in->data);
    out->exchange = S("file");
    Str text;
    CandleCsvOptions options = { 0 };
    timeframe_parse(d->in->timeframe, &options.timeframe);
    *symbol = d->in->symbol.n ? d->in->symbol : symbol_from_path(d, d->in->data);
    demo_heading(d, "Import", path);
    MonoNs started = clock_mono(d->app->clock);
    int r = file_read(cx, path, FILE_MAX, &text);
    if (r != 0)
        return r;
    CandleCsv *csv = NULL;
    Candles rows;
    candles_init_heap(&rows, 4096);
    r = candle_csv_open(cx, &options, &csv);
    if (r == 0)
        r = candle_csv_feed(csv, cx, text, &rows);
    if (r == 0)
        r = candle_csv_finish(csv, cx, &rows);
    if (r == ERR_INVALID)
        err_prefix(cx, "%s", path);
    if (r == 0) {
        candles_sort_unique(&rows, cx->arena);
        r = send_file(d, *symbol, &rows, candle_csv_report(csv), timeframe);
    }
    if (r == 0)
        fprintf(d->c->out, STR_FMT " candles of " STR_FMT " " STR_FMT ", checked and stored over HTTP in " STR_FMT "\n",
                STR_ARG(term_count(cx->arena, (int64_t)rows.n)), STR_ARG(*symbol), STR_ARG(*timeframe),
                STR_ARG(term_ms(cx->arena, demo_ms_since(d, started))));
    candle_csv_close(csv);
    candles_done_heap(&rows);
    return r;
}

/* --- ask --- */

static int show_statistics(Demo *d, const DemoSeries *of) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    OHLCVStats s = { 0 };
    SeriesQuery q = { .exchange = of->exchange, .symbol = of->symbol, .timeframe = of->timeframe };
    int r = demo_call(d, &op_market_statistics, &q, &s);
    if (r != 0)
        return r;
    Str spark = demo_sparkline(d, of);
    fprintf(c->out, "  " STR_FMT " " STR_FMT "  %s" STR_FMT "%s  " STR_FMT " .. " STR_FMT "\n", STR_ARG(of->symbol),
            STR_ARG(of->timeframe), term_tone(c, TONE_ACCENT), STR_ARG(spark), term_end(c),
            STR_ARG(term_minute(a, s.first)), STR_ARG(term_minute(a, s.last)));
    fprintf(c->out,
            "  low " STR_FMT "   mean " STR_FMT "   high " STR_FMT "   sd of returns %.3f %%   vwap " STR_FMT "\n",
            STR_ARG(term_price(a, s.lowest)), STR_ARG(term_price(a, s.close.mean)), STR_ARG(term_price(a, s.highest)),
            s.returns.std * 100, STR_ARG(term_price(a, s.vwap)));
    return 0;
}

static int show_gaps(Demo *d, const DemoSeries *of) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    GapReport g = { 0 };
    GapsQuery q = { .exchange = of->exchange, .symbol = of->symbol, .timeframe = of->timeframe, .limit = 3 };
    int r = demo_call(d, &op_market_gaps, &q, &g);
    if (r != 0)
        return r;
    fprintf(c->out, "  " STR_FMT " gaps, " STR_FMT " of " STR_FMT " candles missing, " STR_FMT " complete\n",
            STR_ARG(term_count(a, g.gaps)), STR_ARG(term_count(a, g.missing)), STR_ARG(term_count(a, g.expected)),
            STR_ARG(term_percent(a, g.completeness_percent / 100)));
    const GapRow *rows = g.items.v;
    for (size_t i = 0; i < g.items.n; i++)
        fprintf(c->out, "    " STR_FMT "  %lld missing  " STR_FMT ": " STR_FMT "\n",
                STR_ARG(term_minute(a, rows[i].from)), (long long)rows[i].missing, STR_ARG(rows[i].class_name),
                STR_ARG(rows[i].evidence));
    return 0;
}

static int time_queries(Demo *d, const DemoSeries *of) {
    enum { TIMES = 20, ROWS = 1000 };
    Cli *c = d->c;
    OHLCVQuery q = {
        .exchange = of->exchange, .symbol = of->symbol, .timeframe = of->timeframe, .limit = ROWS, .order = S("latest")
    };
    double best = 0, first = 0;
    int64_t n = 0;
    for (int i = 0; i < TIMES; i++) {
        ArenaMark mark = arena_mark(c->cx->arena);
        CandlePage page = { 0 };
        MonoNs started = clock_mono(d->app->clock);
        int r = demo_call(d, &op_market_candles, &q, &page);
        if (r != 0)
            return r;
        double ms = demo_ms_since(d, started);
        n = page.count;
        first = i == 0 ? ms : first;
        best = i == 0 || ms < best ? ms : best;
        arena_rewind(c->cx->arena, mark);
    }
    fprintf(c->out, "  " STR_FMT " candles as JSON over HTTP: first " STR_FMT ", best of %d " STR_FMT "\n",
            STR_ARG(term_count(c->cx->arena, n)), STR_ARG(term_ms(c->cx->arena, first)), TIMES,
            STR_ARG(str_fmt(c->cx->arena, "%.2f ms", best)));
    return 0;
}

int demo_ask(Demo *d, const DemoSeries *of) {
    demo_heading(d, "Ask", "statistics, gaps and candles, over HTTP");
    int r = show_statistics(d, of);
    if (r == 0)
        r = show_gaps(d, of);
    return r == 0 ? time_queries(d, of) : r;
}

int demo_finish(Demo *d, const DemoSeries *of) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    StorageInfo s = { 0 };
    VerifyResponse v = { 0 };
    int r = demo_call(d, &op_market_verify, NULL, &v);
    if (r == 0)
        r = demo_call(d, &op_market_storage, NULL, &s);
    if (r != 0)
        return r;
    demo_heading(d, "Kept", "every block read back, every sum right");
    fprintf(c->out, "  " STR_FMT " candles in " STR_FMT " series, " STR_FMT " (%.1f bytes a candle), in %s\n",
            STR_ARG(term_count(a, s.candles)), STR_ARG(term_count(a, s.series)), STR_ARG(term_bytes(a, s.bytes)),
            s.bytes_per_candle, d->app->cfg.data_dir);
    fprintf(c->out, "  %lld HTTP requests, done in " STR_FMT "%s%s%s\n", (long long)d->requests,
            STR_ARG(term_ms(a, demo_ms_since(d, d->started))), term_tone(c, TONE_WARN),
            d->simulated ? "   all exchange data SIMULATED" : "", term_end(c));
    demo_heading(d, "Next", "");
    const char *program = d->app->program, *dir = d->app->cfg.data_dir;
    fprintf(c->out,
            "  %s query " STR_FMT " " STR_FMT " --limit 20 --data-dir %s\n"
            "  %s serve --data-dir %s        # then open http://127.0.0.1:8080/docs\n"
            "  %s backtest " STR_FMT " " STR_FMT " --strategy rsi --report rsi.html --data-dir %s\n"
            "  %s import prices.csv --symbol AAPL\n"
            "  %s help\n",
            program, STR_ARG(of->symbol), STR_ARG(of->timeframe), dir, program, dir, program, STR_ARG(of->symbol),
            STR_ARG(of->timeframe), dir, program, program);
    return 0;
}
