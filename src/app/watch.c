/* app/watch.c - `finsight watch`: candles as a server stores them, over its WebSocket.
 *
 * Each series is subscribed to; what comes is printed. A connection that is lost is opened again, and each series asked
 * for from the sequence last seen, so that nothing is missed and nothing comes twice. What cannot get better by trying
 * again (an unknown series, a missing key, no server from the start) ends it with words. */

#include "app/watch.h"

#include "app/follow.h"

#include "adapters/ws/net.h"
#include "api/live.h"
#include "cli/internal.h"
#include "ports/http_client.h"

enum {
    STEP_MS = 200,
    AGAIN_MS = 250, /* doubled with each failure */
    AGAIN_MAX_MS = 10 * 1000,
    ROWS_MAX = 100000, /* of one message */
    DEPTH = 16,
    WORDS_MAX = 64,
    SERIES_MAX = 128,
};

typedef struct Watched {
    WatchTarget asked;
    char series[SERIES_MAX]; /* as the server names it; "": it has not answered yet */
    int64_t seq;             /* last seen */
    bool gone;               /* it was removed from the store */
} Watched;

typedef struct Watch {
    Cli *c;
    const WatchOptions *o;
    Str url;
    Watched *v;
    size_t n_gone;
    WsDialer *dialer;
    int link;
    bool was_open, hung_up;
    int fails; /* in a row */
} Watch;

typedef struct Message {
    Str type, id, series, reason, code, words;
    int64_t seq;
    bool retryable;
    Candles rows;
} Message;

/* --- what the server says --- */

static int read_member(JsonReader *r, Ctx *cx, Str key, Message *m) {
    static const struct {
        Str key;
        size_t at;
    } texts[] = {
        { STR_INIT("type"), offsetof(Message, type) },     { STR_INIT("id"), offsetof(Message, id) },
        { STR_INIT("series"), offsetof(Message, series) }, { STR_INIT("reason"), offsetof(Message, reason) },
        { STR_INIT("code"), offsetof(Message, code) },     { STR_INIT("message"), offsetof(Message, words) }
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (str_eq(key, texts[i].key))
            return json_read_str(r, (Str *)(void *)((char *)m + texts[i].at));
    if (str_eq(key, S("seq")))
        return json_read_i64(r, &m->seq);
    if (str_eq(key, S("retryable")))
        return json_read_bool(r, &m->retryable);
    return str_eq(key, S("candles")) ? candles_read_json(r, cx, &m->rows, ROWS_MAX) : json_skip(r);
}

static int read_message(Ctx *cx, Str text, Message *m) {
    JsonReader r;
    Str key;
    int more;
    *m = (Message){ .seq = LIVE_NO_SEQ };
    candles_init(&m->rows, cx->arena, 16);
    json_reader_init(&r, text, cx->arena, DEPTH);
    json_open_object(&r);
    while ((more = json_object_next(&r, &key)) > 0)
        if (read_member(&r, cx, key, m) != 0)
            break;
    if (more != 0 || json_finish(&r) != 0)
        return err_set(cx, ERR_CORRUPT, "it says what is no message of a live API: %s", r.why ? r.why : "it is cut");
    return 0;
}

/* --- what is shown --- */

static void note(const Watch *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(const Watch *w, const char *fmt, ...) {
    va_list args;
    if (w->c->quiet || w->c->json)
        return;
    va_start(args, fmt);
    vfprintf(w->c->err, fmt, args);
    va_end(args);
    fputc('\n', w->c->err);
    fflush(w->c->err);
}

static void show(const Watch *w, Ctx *cx, const Watched *s, const Message *m, Str text) {
    if (w->c->json && !w->o->follows)
        fprintf(w->c->out, STR_FMT "\n", STR_ARG(text));
    for (size_t i = 0; i < m->rows.n; i++) {
        Candle row = candles_get(&m->rows, i);
        const WatchTarget *t = &s->asked;
        if (!w->c->json)
            follow_put_line(w->c->out, cx->arena, t->symbol, t->timeframe, &row);
        else if (w->o->follows)
            follow_put_json(w->c->out, t->exchange, t->symbol, t->timeframe, &row, m->seq);
    }
    fflush(w->c->out);
}

/* --- taking messages --- */

static Watched *watched_of(Watch *w, const Message *m) {
    int64_t nr;
    if (m->id.n && str_to_i64(m->id, &nr) && nr >= 0 && (size_t)nr < w->o->n)
        return &w->v[nr];
    for (size_t i = 0; m->series.n && i < w->o->n; i++)
        if (str_eq(str_c(w->v[i].series), m->series))
            return &w->v[i];
    return NULL;
}

static void take_rows(Watch *w, Ctx *cx, Watched *s, const Message *m, Str text) {
    bool first = !s->series[0];
    if (first)
        memcpy(s->series, m->series.p, MIN(m->series.n, (size_t)SERIES_MAX - 1));
    s->seq = m->seq;
    if (str_eq(m->type, S("snapshot")) && !first)
        note(w, "%s: begins anew (" STR_FMT ")", s->series, STR_ARG(m->reason));
    if (!first || !w->o->follows)
        show(w, cx, s, m, text);
    if (first)
        note(w, "%s: what follows is live; Ctrl-C ends it", s->series);
}

/* Something was refused: for good, or, where trying again may help, the connection is given up to begin anew. */
static int take_error(Watch *w, Ctx *cx, const Watched *s, const Message *m) {
    int code = err_from_name(m->code.p ? m->code.p : "", m->code.n);
    if (!s || m->retryable) {
        note(w, "the server says: " STR_FMT, STR_ARG(m->words));
        w->hung_up |= s != NULL;
        return 0;
    }
    if (s->series[0]) /* its removal is told apart */
        return 0;
    if (w->o->follows && code == ERR_NOT_FOUND) { /* its first candle has not closed yet */
        w->hung_up = true;
        return 0;
    }
    return err_set(cx, code, STR_FMT, STR_ARG(m->words));
}

static int take_text(Watch *w, Ctx *cx, Str text) {
    Message m;
    int r = read_message(cx, text, &m);
    if (r)
        return err_prefix(cx, STR_FMT, STR_ARG(w->url));
    Watched *s = watched_of(w, &m);
    if (str_eq(m.type, S("error")))
        return take_error(w, cx, s, &m);
    if (!s || m.series.n == 0)
        return 0; /* hello, heartbeat, and what later servers may say */
    if (str_eq(m.type, S("unsubscribed"))) {
        if (w->c->json)
            show(w, cx, s, &m, text);
        note(w, "%s: was removed from the store", s->series);
        w->n_gone += !s->gone;
        s->gone = true;
        return w->n_gone < w->o->n ? 0 : err_set(cx, ERR_NOT_FOUND, "%s was removed from the store", s->series);
    }
    take_rows(w, cx, s, &m, text);
    w->fails = 0;
    return 0;
}

/* --- the connection --- */

static int subscribe(Watch *w, Ctx *cx, size_t i) {
    const Watched *s = &w->v[i];
    const WatchTarget *t = &s->asked;
    Buf b;
    JsonWriter j;
    buf_init(&b, 4096);
    json_writer_init(&j, &b, false);
    json_object(&j);
    json_put_str(&j, "op", S("subscribe"));
    json_put_str(&j, "id", str_fmt(cx->arena, "%zu", i));
    json_put_str(&j, "symbol", t->symbol);
    json_put_str(&j, "timeframe", t->timeframe);
    if (t->exchange.n)
        json_put_str(&j, "exchange", t->exchange);
    if (t->provider.n)
        json_put_str(&j, "provider", t->provider);
    json_put_i64(&j, "limit", w->o->limit);
    if (s->seq != LIVE_NO_SEQ)
        json_put_i64(&j, "from_seq", s->seq);
    json_object_end(&j);
    int r = ws_dialer_send(w->dialer, cx, w->link, buf_str(&b));
    buf_done(&b);
    return r == ERR_UNAVAILABLE ? 0 : r; /* its end is told */
}

static int on_opened(Watch *w, Ctx *cx) {
    int r = 0;
    if (w->was_open)
        note(w, "connected again");
    w->was_open = true;
    for (size_t i = 0; r == 0 && i < w->o->n; i++)
        if (!w->v[i].gone)
            r = subscribe(w, cx, i);
    return r;
}

static int on_ended(Watch *w, Ctx *cx, const WsEvent *e) {
    w->link = 0;
    if (e->status == 401 || e->status == 403)
        return err_set(cx, e->status == 401 ? ERR_UNAUTHORIZED : ERR_DENIED,
                       "the server lets nobody watch without a key that may read: give --key (" STR_FMT ")",
                       STR_ARG(e->text));
    bool later = w->was_open || e->status == 503;
    if (!later)
        return err_set(cx, e->err && e->err != ERR_COLLECTION ? e->err : ERR_UNAVAILABLE,
                       "no live API answers at " STR_FMT ": " STR_FMT, STR_ARG(w->url), STR_ARG(e->text));
    if (w->fails == 0)
        note(w, "connection lost (" STR_FMT "); trying again", STR_ARG(e->text));
    int64_t wait = MIN((int64_t)AGAIN_MS << MIN(w->fails, 10), (int64_t)AGAIN_MAX_MS);
    w->fails++;
    return http_wait_ms(cx, MAX(wait, MIN(e->retry_after_ms, (int64_t)AGAIN_MAX_MS)));
}

static int step(Watch *w, Ctx *cx) {
    WsEvent e;
    int r = w->link ? 0 : ws_dialer_dial(w->dialer, cx, w->url, &w->link);
    if (r == 0)
        r = ws_dialer_poll(w->dialer, cx, STEP_MS, &e);
    if (r || e.kind == WS_NOTHING)
        return r;
    if (e.kind == WS_OPENED)
        r = on_opened(w, cx);
    else if (e.kind == WS_TEXT_CAME)
        r = take_text(w, cx, e.text);
    else
        r = on_ended(w, cx, &e);
    if (r == 0 && w->hung_up && w->link) { /* what was refused may be had later: as if the line were lost */
        ws_dialer_hang_up(w->dialer, w->link);
        e = (WsEvent){ .kind = WS_ENDED, .text = S("refused for now") };
        r = on_ended(w, cx, &e);
    }
    w->hung_up = false;
    return r;
}

/* "http://host:8080" -> "ws://host:8080/ws"; an address of ws or wss is taken as it is. */
static Str live_url(Arena *a, Str given) {
    Str rest = given;
    const char *scheme = "ws";
    if (str_starts(given, S("ws://")) || str_starts(given, S("wss://")))
        return given;
    if (str_starts(given, S("https://")))
        scheme = "wss";
    ptrdiff_t at = str_find(given, S("://"));
    if (at >= 0)
        rest = str_from(given, (size_t)at + 3);
    while (str_ends(rest, S("/")))
        rest = str_first(rest, rest.n - 1);
    return str_fmt(a, "%s://" STR_FMT "/ws", scheme, STR_ARG(rest));
}

static int open_line(Watch *w, App *app, Ctx *cx) {
    const WatchOptions *o = w->o;
    WsNetOptions wo = { .clock = app->clock, .allow_private = true, .api_key = o->key };
    if (o->url.n) {
        w->url = live_url(cx->arena, o->url);
    } else {
        char *path = platform_socket(cx->arena, &app->cfg);
        if (!app_server_listens(app))
            return err_set(
                cx, ERR_UNAVAILABLE,
                "no server runs on %s: start one with `finsight serve`, or name one with --url http://HOST:PORT",
                app->cfg.data_dir);
        wo.local = str_c(path);
        w->url = S("ws://localhost/ws");
    }
    return ws_net_open(cx, &wo, &w->dialer);
}

int watch_run(App *app, const WatchOptions *o) {
    Cli *c = &app->cli;
    Ctx *cx = c->cx;
    Watch w = { .c = c, .o = o, .v = arena_new_n(cx->arena, Watched, o->n) };
    for (size_t i = 0; i < o->n; i++)
        w.v[i] = (Watched){ .asked = o->v[i], .seq = LIVE_NO_SEQ };
    int r = open_line(&w, app, cx);
    while (r == 0 && !ferror(c->out) && !(c->out_gone && c->out_gone(c))) {
        ArenaMark mark = arena_mark(cx->arena);
        r = step(&w, cx);
        if (r == 0)
            arena_rewind(cx->arena, mark);
    }
    if (r == 0)
        r = cli_out_fail(c, 0);
    ws_dialer_close(w.dialer);
    return r == ERR_CANCELLED && !c->reader_gone ? 0 : cli_fail(c, r); /* Ctrl-C is how it ends */
}

/* --- the command --- */

typedef struct WatchIn {
    Str symbols, timeframes, exchange, provider, url, key;
    int64_t limit;
} WatchIn;

/* clang-format off */
static const Field watch_f[] = {
    FIELD(WatchIn, symbols, .flags = F_REQUIRED, .doc = "Symbols, separated by commas.", .example = "BTCUSDT,ETHUSDT"),
    FIELD(WatchIn, timeframes, .flags = F_REQUIRED, .doc = "Timeframes, separated by commas.", .example = "1m"),
    FIELD(WatchIn, exchange, .pattern = "venue", .doc = "Where they trade; needed where several venues have the symbol."),
    FIELD(WatchIn, provider, .pattern = "venue", .doc = "Who told us, where that is not the venue."),
    FIELD(WatchIn, limit, .def = "10", .min = 1, .max = LIVE_ROWS_MAX, .doc = "Newest candles to begin with."),
    FIELD(WatchIn, url, .doc = "Another server than that of the data folder.", .example = "http://10.0.0.7:8080"),
    FIELD(WatchIn, key, .doc = "API key for it, where it wants one."),
};
static SHAPE(watch_shape, WatchIn, watch_f);
/* clang-format on */

static int run_watch(Cli *c, const void *in_) {
    const WatchIn *in = in_;
    Str symbols[WORDS_MAX], frames[WORDS_MAX];
    size_t n_symbols, n_frames, n = 0;
    int r = cli_words(c, in->symbols, symbols, WORDS_MAX, &n_symbols);
    if (r == 0)
        r = cli_words(c, in->timeframes, frames, WORDS_MAX, &n_frames);
    if (r != 0)
        return cli_fail(c, r);
    WatchTarget *v = arena_new_n(c->cx->arena, WatchTarget, n_symbols * n_frames);
    for (size_t i = 0; i < n_symbols; i++)
        for (size_t k = 0; k < n_frames; k++)
            v[n++] = (WatchTarget){ in->exchange, symbols[i], frames[k], in->provider };
    return watch_run((App *)c, &(WatchOptions){ .v = v, .n = n, .limit = in->limit, .url = in->url, .key = in->key });
}

const Command cmd_watch = {
    .name = "watch",
    .group = "Data",
    .summary = "Candles as a running server stores them, until Ctrl-C",
    .run = run_watch,
    .help =
        "Begins with the newest candles that are stored, then a line a change: a candle that closed, or was filled, "
        "corrected, imported. A lost connection is opened again and goes on where it was cut. --json prints the "
        "server's messages, one a line (docs/live-api.md).",
    .examples = "finsight watch BTCUSDT 1m\nfinsight watch BTCUSDT,ETHUSDT 1m,1h --limit 1\n"
                "finsight watch BTCUSDT 1m --json | jq -c '.candles[]'\n"
                "finsight watch BTCUSDT 1m --url https://markets.example.org --key KEY",
    .flags = &watch_shape,
    .positional = (const char *const[]){ "symbols", "timeframes", NULL },
};
