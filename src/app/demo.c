/* app/demo.c - `finsight demo`: the main job from end to end, shown.
 *
 * Starts the platform on a free loopback port, then behaves as a client of it: everything below goes through HTTP.
 * Binance is used when it answers within a few seconds; otherwise the exchange simulator takes its place, on
 * loopback HTTP too, and every output says SIMULATED. With --data the candles come from the user's file. */

#include "app/app.h"
#include "app/remote.h"
#include "app/serve.h"

#include "api/market/market_api.h"
#include "base/file.h"
#include "cli/term.h"
#include "core/candle_csv.h"
#include "sim/exchange_server.h"

#include <ctype.h>
#include <pthread.h>

typedef struct DemoIn {
    Str data, symbol, timeframe;
    bool simulated;
} DemoIn;

/* clang-format off */
static const Field demo_f[] = {
    FIELD(DemoIn, data, .doc = "A CSV file of candles to use instead of an exchange.", .example = "prices.csv"),
    FIELD(DemoIn, symbol, .pattern = "symbol", .doc = "With --data: the symbol. Left out: from the file's name."),
    FIELD(DemoIn, timeframe, .pattern = "timeframe", .doc = "With --data: length of a candle. Left out: found from the times."),
    FIELD(DemoIn, simulated, .doc = "Use the exchange simulator even where Binance can be reached."),
};
static SHAPE(demo_shape, DemoIn, demo_f);

static const struct { const char *symbol, *timeframe; int days; } plan[] = {
    { "BTCUSDT", "1h", 365 }, { "BTCUSDT", "1m", 3 },
    { "ETHUSDT", "1h", 365 }, { "ETHUSDT", "1m", 3 },
    { "SOLUSDT", "1h", 365 }, { "SOLUSDT", "1m", 3 },
    { "BTCUSDT", "1d", 1500 },
};
/* clang-format on */

enum { REACH_MS = 3000, SIM_SEED = 42, SPARK = 28 };

typedef struct Demo {
    App *app;
    Cli *c;
    const DemoIn *in;
    ExchangeServer *sim;
    Service *service;
    pthread_t thread;
    bool running;
    Logger *log;
    ApiCaller *api;
    bool simulated;
    MonoNs started;
    int64_t requests; /* made to the platform */
} Demo;

static double ms_since(Demo *d, MonoNs t) {
    return (double)(clock_mono(d->app->clock).ns - t.ns) * 1e-6;
}

static int call(Demo *d, const Op *op, const void *in, void *out) {
    d->requests++;
    return api_call(d->api, d->c->cx, op, in, out);
}

/* --- the platform --- */

static void *serve_thread(void *arg) {
    service_run(arg);
    return NULL;
}

static bool binance_answers(Demo *d) {
    Platform probe;
    Ctx cx = *d->c->cx;
    AppCfg cfg = d->app->cfg;
    cfg.data_store = STORE_MEMORY;
    cfg.venues[VENUE_binance].attempts = 1;
    cfg.venues[VENUE_binance].timeout_ms = REACH_MS;
    cx.deadline = mono_add_ms(clock_mono(d->app->clock), REACH_MS);
    if (platform_open(&probe, &cx, &cfg, d->app->clock, d->app->ids, NULL) != 0)
        return false;
    Time t;
    bool yes = market_feed_server_time(probe.feeds[VENUE_binance], &cx, &t) == 0;
    platform_close(&probe);
    return yes;
}

/* Outages of the simulated venue, fixed by the calendar so that a second demo finds the same ones: three hours on
 * the first of each month, eight minutes on every other day of the last ten. */
static size_t outages(Time now, SimWindow *out, size_t cap) {
    enum { MONTHS = 12, DAYS = 10 };
    Timeframe month = { UNIT_MONTH, 1 };
    size_t n = 0;
    for (int i = 0; i < MONTHS && n < cap; i++) {
        Time first = timeframe_step(month, timeframe_floor(month, now), -i);
        out[n++] = (SimWindow){ .from = time_add_ms(first, MS_PER_HOUR), .to = time_add_ms(first, 4 * MS_PER_HOUR) };
    }
    int64_t today = floor_div(now.ms, MS_PER_DAY);
    for (int64_t day = today - DAYS; day <= today && n < cap; day++) {
        Time from = time_ms(day * MS_PER_DAY + 3 * MS_PER_HOUR + 13 * MS_PER_MINUTE);
        if (day % 2 == 0)
            out[n++] = (SimWindow){ .from = from, .to = time_add_ms(from, 8 * MS_PER_MINUTE) };
    }
    return n;
}

static int start_simulator(Demo *d) {
    enum { OUTAGES_MAX = 32 };
    Ctx *cx = d->c->cx;
    SimWindow windows[OUTAGES_MAX];
    ExchangeServerOptions o = { .sim = { .seed = SIM_SEED, .outages = windows }, .clock = d->app->clock };
    o.sim.n_outages = outages(clock_wall(d->app->clock), windows, OUTAGES_MAX);
    int r = exchange_server_start(cx, &o, &d->sim);
    if (r != 0)
        return r;
    AppCfg *cfg = &d->app->cfg;
    cfg->venues[VENUE_binance].url = str_fmt(cx->arena, "http://127.0.0.1:%d", exchange_server_port(d->sim));
    cfg->venues[VENUE_binance].simulated = cfg->venues[VENUE_binance].private_address = true;
    d->simulated = true;
    return 0;
}

static int start_platform(Demo *d) {
    Ctx *cx = d->c->cx;
    AppCfg *cfg = &d->app->cfg;
    cfg->data_dir = str_fmt(cx->arena, "%s-demo", cfg->data_dir).p;
    cfg->server_host = S("127.0.0.1");
    cfg->server_port = 0;
    cfg->server_access_log = false;
    cfg->log_level = LEVEL_WARNING;
    int r = app_logger(d->app, "demo", &d->log);
    if (r == 0)
        r = service_start(d->app, cx, d->log, false, &d->service);
    if (r != 0)
        return r;
    if (pthread_create(&d->thread, NULL, serve_thread, d->service) != 0)
        return err_set(cx, ERR_BUSY, "cannot start a thread for the server");
    d->running = true;
    Str key;
    const char *path;
    r = platform_admin_key(cx, cfg, d->app->ids, &key, &path);
    if (r == 0)
        r = remote_open(cx, str_fmt(cx->arena, "127.0.0.1:%d", service_port(d->service)), key, &d->api);
    return r;
}

static void stop(Demo *d) {
    api_caller_close(d->api);
    if (d->running) {
        service_stop_from_elsewhere(d->service);
        pthread_join(d->thread, NULL);
    }
    service_free(d->service);
    exchange_server_stop(d->sim);
    log_free(d->log);
}

/* --- what is shown --- */

static void heading(Demo *d, const char *text, const char *why) {
    Cli *c = d->c;
    fprintf(c->out, "\n%s%s%s  %s%s%s\n", term_tone(c, TONE_BOLD), text, term_end(c), term_tone(c, TONE_DIM), why,
            term_end(c));
}

static Str sparkline_of(Demo *d, Str symbol, Str timeframe, Str exchange) {
    OHLCVQuery q = {
        .exchange = exchange, .symbol = symbol, .timeframe = timeframe, .limit = 20000, .order = S("latest")
    };
    CandlePage page = { 0 };
    if (call(d, &op_market_candles, &q, &page) != 0)
        return (Str){ 0 };
    return term_sparkline(d->c->cx->arena, page.candles.close, page.candles.n, SPARK);
}

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
    int r = call(d, &op_market_ensure, &in, &got);
    if (r != 0)
        return r;
    double ms = ms_since(d, started);
    OHLCVStats stats = { 0 };
    SeriesQuery q = { .exchange = in.exchange, .symbol = in.symbol, .timeframe = in.timeframe };
    r = call(d, &op_market_statistics, &q, &stats);
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
    table_cell(t, sparkline_of(d, in.symbol, in.timeframe, in.exchange), TONE_ACCENT);
    return 0;
}

static int collect(Demo *d) {
    static const char *const heads[] = { "symbol",    "tf",     ">candles", ">calls", ">time", ">gaps",
                                         ">complete", ">close", ">change",  "",       NULL };
    heading(d, "Collect", "candles of three symbols, from the exchange into the store, checked on the way");
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
        r = call(d, &op_market_save, &save, &got);
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
    return call(d, &op_market_save, &cover, &got);
}

static int import_file(Demo *d, Str *symbol, Str *timeframe) {
    enum { FILE_MAX = 1 << 30 };
    Ctx *cx = d->c->cx;
    const char *path = str_cz(cx->arena, d->in->data);
    Str text;
    CandleCsvOptions options = { 0 };
    timeframe_parse(d->in->timeframe, &options.timeframe);
    *symbol = d->in->symbol.n ? d->in->symbol : symbol_from_path(d, d->in->data);
    heading(d, "Import", path);
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
                STR_ARG(term_ms(cx->arena, ms_since(d, started))));
    candle_csv_close(csv);
    candles_done_heap(&rows);
    return r;
}

/* --- ask --- */

static int show_statistics(Demo *d, Str exchange, Str symbol, Str timeframe) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    OHLCVStats s = { 0 };
    SeriesQuery q = { .exchange = exchange, .symbol = symbol, .timeframe = timeframe };
    int r = call(d, &op_market_statistics, &q, &s);
    if (r != 0)
        return r;
    Str spark = sparkline_of(d, symbol, timeframe, exchange);
    fprintf(c->out, "  " STR_FMT " " STR_FMT "  %s" STR_FMT "%s  " STR_FMT " .. " STR_FMT "\n", STR_ARG(symbol),
            STR_ARG(timeframe), term_tone(c, TONE_ACCENT), STR_ARG(spark), term_end(c),
            STR_ARG(term_minute(a, s.first)), STR_ARG(term_minute(a, s.last)));
    fprintf(c->out,
            "  low " STR_FMT "   mean " STR_FMT "   high " STR_FMT "   sd of returns %.3f %%   vwap " STR_FMT "\n",
            STR_ARG(term_price(a, s.lowest)), STR_ARG(term_price(a, s.close.mean)), STR_ARG(term_price(a, s.highest)),
            s.returns.std * 100, STR_ARG(term_price(a, s.vwap)));
    return 0;
}

static int show_gaps(Demo *d, Str exchange, Str symbol, Str timeframe) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    GapReport g = { 0 };
    GapsQuery q = { .exchange = exchange, .symbol = symbol, .timeframe = timeframe, .limit = 3 };
    int r = call(d, &op_market_gaps, &q, &g);
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

static int time_queries(Demo *d, Str exchange, Str symbol, Str timeframe) {
    enum { TIMES = 20, ROWS = 1000 };
    Cli *c = d->c;
    OHLCVQuery q = {
        .exchange = exchange, .symbol = symbol, .timeframe = timeframe, .limit = ROWS, .order = S("latest")
    };
    double best = 0, first = 0;
    int64_t n = 0;
    for (int i = 0; i < TIMES; i++) {
        ArenaMark mark = arena_mark(c->cx->arena);
        CandlePage page = { 0 };
        MonoNs started = clock_mono(d->app->clock);
        int r = call(d, &op_market_candles, &q, &page);
        if (r != 0)
            return r;
        double ms = ms_since(d, started);
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

static int ask(Demo *d, Str exchange, Str symbol, Str timeframe) {
    heading(d, "Ask", "statistics, gaps and candles, over HTTP");
    int r = show_statistics(d, exchange, symbol, timeframe);
    if (r == 0)
        r = show_gaps(d, exchange, symbol, timeframe);
    return r == 0 ? time_queries(d, exchange, symbol, timeframe) : r;
}

static int finish(Demo *d, Str symbol, Str timeframe) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    StorageInfo s = { 0 };
    VerifyResponse v = { 0 };
    int r = call(d, &op_market_verify, NULL, &v);
    if (r == 0)
        r = call(d, &op_market_storage, NULL, &s);
    if (r != 0)
        return r;
    heading(d, "Kept", "every block read back, every sum right");
    fprintf(c->out, "  " STR_FMT " candles in " STR_FMT " series, " STR_FMT " (%.1f bytes a candle), in %s\n",
            STR_ARG(term_count(a, s.candles)), STR_ARG(term_count(a, s.series)), STR_ARG(term_bytes(a, s.bytes)),
            s.bytes_per_candle, d->app->cfg.data_dir);
    fprintf(c->out, "  %lld HTTP requests, done in " STR_FMT "%s%s%s\n", (long long)d->requests,
            STR_ARG(term_ms(a, ms_since(d, d->started))), term_tone(c, TONE_WARN),
            d->simulated ? "   all exchange data SIMULATED" : "", term_end(c));
    heading(d, "Next", "");
    const char *program = d->app->program, *dir = d->app->cfg.data_dir;
    fprintf(c->out,
            "  %s query " STR_FMT " " STR_FMT " --limit 20 --data-dir %s\n"
            "  %s serve --data-dir %s        # then open http://127.0.0.1:8080/docs\n"
            "  %s import prices.csv --symbol AAPL\n"
            "  %s help\n",
            program, STR_ARG(symbol), STR_ARG(timeframe), dir, program, dir, program, program);
    return 0;
}

static int run_all(Demo *d) {
    Cli *c = d->c;
    Str exchange = S("binance"), symbol = S("BTCUSDT"), timeframe = S("1h");
    bool file = d->in->data.n > 0;
    int r = 0;
    if (!file && (d->in->simulated || !binance_answers(d)))
        r = start_simulator(d);
    if (r == 0)
        r = start_platform(d);
    if (r != 0)
        return r;
    fprintf(c->out, "%sFinSight %s%s  http://127.0.0.1:%d\n", term_tone(c, TONE_BOLD), FINSIGHT_VERSION, term_end(c),
            service_port(d->service));
    if (d->simulated)
        fprintf(c->out, "%sSIMULATED%s: %s; the built-in exchange simulator answers instead\n", term_tone(c, TONE_WARN),
                term_end(c), d->in->simulated ? "as asked" : "Binance cannot be reached from here");
    else if (!file)
        fprintf(c->out, "exchange: Binance, " STR_FMT "\n", STR_ARG(d->app->cfg.venues[VENUE_binance].url));
    if (file) {
        exchange = S("file");
        r = import_file(d, &symbol, &timeframe);
    } else {
        r = collect(d);
    }
    if (r == 0)
        r = ask(d, exchange, symbol, timeframe);
    return r == 0 ? finish(d, symbol, timeframe) : r;
}

static int run_demo(Cli *c, const void *in) {
    App *app = (App *)c;
    Demo d = { .app = app, .c = c, .in = in, .started = clock_mono(app->clock) };
    app_on_interrupt(app);
    int r = run_all(&d);
    stop(&d);
    return r == 0 ? 0 : cli_fail(c, r);
}

const Command cmd_demo = {
    .name = "demo",
    .group = "Platform",
    .summary = "The main job from end to end, on your data or an exchange's",
    .run = run_demo,
    .help = "Uses Binance when it answers within a few seconds, else the built-in exchange simulator, and says so.",
    .examples = "finsight demo\nfinsight demo --data prices.csv",
    .flags = &demo_shape,
};
