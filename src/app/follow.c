/* app/follow.c - `finsight collect --follow`: candles as they close, on a terminal as a table that stays where it is.
 *
 * A venue whose stream we speak is followed by it; any other is asked after each candle's end. Ctrl-C ends it between
 * two steps; everything shown as closed is on disk. */

#include "app/follow.h"
#include "app/app.h"

#include "adapters/ws/net.h"
#include "base/num.h"
#include "cli/term.h"
#include "services/market/follow.h"

#include <stdio.h>

enum { STEP_MS = 200, DRAW_MS = 250, REST_THREADS = 2, REST_QUEUE = 64, TEXT_MAX = 1 << 20 };

typedef struct Row { /* of the table */
    Candle candle;
    bool any, closed;
    int64_t n_closed;
} Row;

typedef struct Follow {
    App *app;
    Cli *c;
    const SeriesKey *keys;
    size_t n;
    Row *rows;
    WsDialer *dialer;
    LiveFeed *live;
    MarketFollow *service;
    Lane *rest;
    int drawn; /* lines on the terminal */
    MonoNs drawn_at;
} Follow;

/* --- what is shown --- */

void follow_put_json(FILE *out, Str exchange, Str symbol, Str timeframe, const Candle *c, int64_t revision) {
    Buf b;
    JsonWriter w;
    bool closed = !(c->flags & CANDLE_OPEN);
    buf_init(&b, TEXT_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "event", closed ? S("closed") : S("running"));
    json_put_str(&w, "exchange", exchange);
    json_put_str(&w, "symbol", symbol);
    json_put_str(&w, "timeframe", timeframe);
    json_put_time(&w, "open_time", c->open_time);
    json_put_f64(&w, "open", c->open);
    json_put_f64(&w, "high", c->high);
    json_put_f64(&w, "low", c->low);
    json_put_f64(&w, "close", c->close);
    json_put_f64(&w, "volume", c->volume);
    if (closed)
        json_put_i64(&w, "revision", revision);
    json_put_bool(&w, "simulated", (c->flags & CANDLE_SIMULATED) != 0);
    json_object_end(&w);
    fprintf(out, STR_FMT "\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
}

void follow_put_line(FILE *out, Arena *a, Str symbol, Str timeframe, const Candle *c) {
    fprintf(out,
            STR_FMT "  " STR_FMT " " STR_FMT "  open " STR_FMT "  high " STR_FMT "  low " STR_FMT "  close " STR_FMT
                    "  volume " STR_FMT "%s%s%s\n",
            STR_ARG(time_iso(a, c->open_time)), STR_ARG(symbol), STR_ARG(timeframe), STR_ARG(term_price(a, c->open)),
            STR_ARG(term_price(a, c->high)), STR_ARG(term_price(a, c->low)), STR_ARG(term_price(a, c->close)),
            STR_ARG(term_price(a, c->volume)), c->flags & CANDLE_OPEN ? "  running" : "",
            c->flags & CANDLE_SYNTHETIC ? "  FILLED" : "", c->flags & CANDLE_SIMULATED ? "  SIMULATED" : "");
}

static void on_publish(void *arg, Ctx *cx, const MarketFollowEvent *v, size_t n) {
    Follow *f = arg;
    bool table = f->c->out_tty && !f->c->json;
    char tf[TIMEFRAME_TEXT_MAX];
    for (size_t i = 0; i < n; i++) {
        Row *row = &f->rows[v[i].series];
        row->candle = v[i].candle;
        row->any = true;
        row->closed = v[i].closed;
        row->n_closed += v[i].closed;
        const SeriesKey *key = v[i].key;
        Str name = timeframe_text(key->timeframe, tf);
        if (f->c->json)
            follow_put_json(f->c->out, venue_str(&key->venue), symbol_str(&key->symbol), name, &v[i].candle,
                            v[i].revision);
        else if (!table && v[i].closed)
            follow_put_line(f->c->out, cx->arena, symbol_str(&key->symbol), name, &v[i].candle);
    }
    fflush(f->c->out);
}

static void draw_row(Follow *f, Table *t, Arena *a, size_t i) {
    char tf[TIMEFRAME_TEXT_MAX];
    const Row *r = &f->rows[i];
    const Candle *c = &r->candle;
    double change = r->any && c->open > 0 ? c->close / c->open - 1 : 0;
    table_cell(t, symbol_str(&f->keys[i].symbol), TONE_BOLD);
    table_cell(t, str_dup(a, timeframe_text(f->keys[i].timeframe, tf)), TONE_PLAIN);
    table_cell(t, r->any ? term_minute(a, c->open_time) : S("waiting"), TONE_DIM);
    table_cell(t, r->any ? term_price(a, c->close) : S(""), TONE_PLAIN);
    table_cell(t, r->any ? str_fmt(a, "%+.3f %%", change * 100) : S(""),
               change > 0   ? TONE_GOOD
               : change < 0 ? TONE_BAD
                            : TONE_DIM);
    table_cell(t, r->any ? term_price(a, c->high) : S(""), TONE_PLAIN);
    table_cell(t, r->any ? term_price(a, c->low) : S(""), TONE_PLAIN);
    table_cell(t, r->any ? term_price(a, c->volume) : S(""), TONE_PLAIN);
    table_cell(t, term_count(a, r->n_closed), TONE_PLAIN);
    table_cell(t, r->any && (c->flags & CANDLE_SIMULATED) ? S("SIMULATED") : S(""), TONE_WARN);
}

/* In place: back to the first line of the last drawing, over it, and the rest of the screen cleared. */
static void draw(Follow *f, bool now) {
    static const char *const heads[] = { "symbol", "tf",      "candle",  ">price", ">change", ">high",
                                         ">low",   ">volume", ">closed", "",       NULL };
    Arena arena = { 0 };
    Table t;
    MonoNs at = clock_mono(f->app->clock);
    if (!f->c->out_tty || f->c->json || (!now && mono_ms_between(f->drawn_at, at) < DRAW_MS))
        return;
    f->drawn_at = at;
    table_init(&t, &arena, heads);
    for (size_t i = 0; i < f->n; i++)
        draw_row(f, &t, &arena, i);
    if (f->drawn)
        fprintf(f->c->out, "\033[%dA\r\033[J", f->drawn);
    table_print(&t, f->c);
    f->drawn = (int)f->n + 1;
    fflush(f->c->out);
    arena_done(&arena);
}

/* --- life --- */

static int open_live(Follow *f, Ctx *cx) {
    LiveSeries *series = arena_new_n(cx->arena, LiveSeries, f->n);
    for (size_t i = 0; i < f->n; i++)
        series[i] = (LiveSeries){ f->keys[i].symbol, f->keys[i].timeframe };
    const AppCfg *cfg = &f->app->cfg;
    int r = ws_net_open(
        cx, &(WsNetOptions){ .clock = f->app->clock, .allow_private = cfg->venues[VENUE_binance].private_address },
        &f->dialer);
    return r ? r : registry_open_live(cx, cfg, f->keys[0].venue, f->dialer, series, f->n, &f->live);
}

static int run(Follow *f, Ctx *cx) {
    Platform *p = &f->app->platform;
    MarketFeed *rest = market_feed_of(p->market, f->keys[0].venue);
    if (!rest)
        return err_set_at(cx, ERR_NOT_FOUND, S("exchange"), "there is no venue '%s'", f->keys[0].venue.s);
    int r = open_live(f, cx);
    if (r)
        return r;
    f->rest = lane_threads_new("rest", REST_THREADS, REST_QUEUE, f->app->clock);
    f->service = market_follow_new(&(MarketFollowOptions){ .store = p->store,
                                                           .live = f->live,
                                                           .rest = rest,
                                                           .lane = f->rest,
                                                           .keys = f->keys,
                                                           .n = f->n,
                                                           .log = p->log,
                                                           .publish = on_publish,
                                                           .arg = f });
    draw(f, true);
    while (r == 0 && !(f->c->out_gone && f->c->out_gone(f->c))) {
        r = market_follow_step(f->service, cx, STEP_MS);
        draw(f, false);
    }
    draw(f, true);
    return r;
}

static void say_goodbye(Follow *f) {
    MarketFollowStats s;
    LiveFeedStats feed;
    if (!f->service || f->c->quiet || f->c->json)
        return;
    market_follow_stats(f->service, &s);
    live_feed_stats(f->live, &feed);
    fprintf(f->c->err, "%lld candles closed, %lld of them caught up by REST; %lld interruptions\n", (long long)s.closed,
            (long long)s.caught_up, (long long)feed.losses);
}

int app_follow(Cli *c, const SeriesKey *keys, size_t n) {
    Follow f = { .app = (App *)c, .c = c, .keys = keys, .n = n, .rows = arena_new_n(c->cx->arena, Row, n) };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0 && f.app->remote)
        return follow_through_server(f.app, api, keys, n);
    if (r == 0)
        r = run(&f, c->cx);
    say_goodbye(&f);
    market_follow_free(f.service);
    if (f.rest)
        lane_close(f.rest);
    live_feed_close(f.live);
    ws_dialer_close(f.dialer);
    return r == ERR_CANCELLED ? 0 : r ? cli_fail(c, r) : 0; /* Ctrl-C is how it ends */
}
