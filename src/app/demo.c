/* app/demo.c - `finsight demo`: the main job from end to end, shown.
 *
 * Starts the platform on a free loopback port, then behaves as a client of it: everything below goes through HTTP.
 * Binance is used when it answers within a few seconds; otherwise the exchange simulator takes its place, on
 * loopback HTTP too, and every output says SIMULATED. With --data the candles come from the user's file. */

#include "app/demo.h"

#include "app/remote.h"

/* clang-format off */
static const Field demo_f[] = {
    FIELD(DemoIn, data, .doc = "A CSV file of candles to use instead of an exchange.", .example = "prices.csv"),
    FIELD(DemoIn, symbol, .pattern = "symbol", .doc = "With --data: the symbol. Left out: from the file's name."),
    FIELD(DemoIn, timeframe, .pattern = "timeframe", .doc = "With --data: length of a candle. Left out: found from the times."),
    FIELD(DemoIn, simulated, .doc = "Use the exchange simulator even where Binance can be reached."),
};
static SHAPE(demo_shape, DemoIn, demo_f);
/* clang-format on */

enum { REACH_MS = 3000, SIM_SEED = 42 };

double demo_ms_since(Demo *d, MonoNs t) {
    return (double)(clock_mono(d->app->clock).ns - t.ns) * 1e-6;
}

int demo_call(Demo *d, const Op *op, const void *in, void *out) {
    d->requests++;
    return api_call(d->api, d->c->cx, op, in, out);
}

void demo_heading(Demo *d, const char *text, const char *why) {
    Cli *c = d->c;
    fprintf(c->out, "\n%s%s%s  %s%s%s\n", term_tone(c, TONE_BOLD), text, term_end(c), term_tone(c, TONE_DIM), why,
            term_end(c));
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
    if (platform_open(&probe, &cx, &cfg, NULL, d->app->clock, d->app->ids, NULL) != 0)
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
    if (!d->in->data.n) {
        Str *followed = arena_new(cx->arena, Str);
        *followed = S("binance:BTCUSDT:1s");
        cfg->live_series = (CfgList){ followed, 1 };
    }
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
        r = remote_open(cx, str_fmt(cx->arena, "127.0.0.1:%d", service_port(d->service)), &(RemoteTrust){ .key = key },
                        &d->api);
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
    feed_server_stop(d->feeds);
    log_free(d->log);
}

static void introduce(Demo *d, bool file) {
    Cli *c = d->c;
    fprintf(c->out, "%sFinSight %s%s  http://127.0.0.1:%d\n", term_tone(c, TONE_BOLD), FINSIGHT_VERSION, term_end(c),
            service_port(d->service));
    if (d->simulated)
        fprintf(c->out, "%sSIMULATED%s: %s; the built-in exchange simulator answers instead\n", term_tone(c, TONE_WARN),
                term_end(c), d->in->simulated ? "as asked" : "Binance cannot be reached from here");
    else if (!file)
        fprintf(c->out, "exchange: Binance, " STR_FMT "\n", STR_ARG(d->app->cfg.venues[VENUE_binance].url));
}

static int run_all(Demo *d) {
    bool file = d->in->data.n > 0;
    DemoSeries s = { S("binance"), S("BTCUSDT"), S("1h") };
    int r = 0;
    if (!file && (d->in->simulated || !binance_answers(d)))
        r = start_simulator(d);
    if (r == 0)
        r = demo_news_prepare(d);
    if (r == 0)
        r = start_platform(d);
    if (r != 0)
        return r;
    introduce(d, file);
    r = file ? demo_import(d, &s) : demo_collect(d);
    if (r == 0)
        r = demo_ask(d, &s);
    if (r == 0)
        r = demo_fill(d, &s);
    if (r == 0 && !file)
        r = demo_job(d, &s);
    if (r == 0)
        r = demo_backtest(d, &s);
    if (r == 0)
        r = demo_forecast(d, &s);
    if (r == 0)
        r = demo_news(d);
    if (r == 0)
        r = demo_keep(d, &s);
    if (r == 0)
        r = demo_split(d, &s);
    if (r == 0 && !file)
        r = demo_live(d);
    return r == 0 ? demo_finish(d, &s) : r;
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
