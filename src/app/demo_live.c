/* app/demo_live.c - the demo's last seconds: live candles as a client of /ws sees them. */

#include "app/demo.h"

#include "net/ws_client.h"

enum { SHOW_MS = 4000, CANDLES = 4, PRICE_MAX = 32 };

typedef struct Live {
    Demo *d;
    Loop *loop;
    WsClient *client;
    LoopTimer end;
    int n_deltas, n_closed;
    bool ended;
} Live;

static void on_open(void *arg) {
    Live *l = arg;
    ws_client_send(l->client, WS_TEXT,
                   S("{\"op\":\"subscribe\",\"symbol\":\"BTCUSDT\",\"timeframe\":\"1s\",\"limit\":1}"));
}

/* The value of a member of the last candle of a message, as text: what the server wrote is JSON of our own. */
static Str last_member(Str text, Str name) {
    Str found = { 0 };
    for (ptrdiff_t at; (at = str_find(text, name)) >= 0; text = str_from(text, (size_t)at + name.n))
        found = str_from(text, (size_t)at + name.n);
    if (str_starts(found, S("\"")))
        found = str_from(found, 1);
    size_t n = 0;
    while (n < found.n && n < PRICE_MAX && found.p[n] != ',' && found.p[n] != '"' && found.p[n] != '}')
        n++;
    return str_first(found, n);
}

static void on_message(void *arg, WsKind kind, Str text) {
    Live *l = arg;
    Cli *c = l->d->c;
    UNUSED(kind);
    if (str_find(text, S("\"type\":\"delta\"")) < 0)
        return;
    l->n_deltas++;
    if (str_find(text, S("\"open\"]")) >= 0 || l->n_closed >= CANDLES)
        return; /* still moving */
    l->n_closed++;
    Str at = last_member(text, S("\"timestamp\":")), close = last_member(text, S("\"close\":"));
    fprintf(c->out, "  " STR_FMT "  BTCUSDT 1s closed at " STR_FMT "%s%s%s\n", STR_ARG(at), STR_ARG(close),
            term_tone(c, TONE_WARN), l->d->simulated ? "  SIMULATED" : "", term_end(c));
    if (l->n_closed == CANDLES)
        loop_stop(l->loop);
}

static void on_end(void *arg, const WsClientEnd *end) {
    Live *l = arg;
    UNUSED(end);
    l->ended = true;
    loop_stop(l->loop);
}

static void on_timer(void *arg) {
    loop_stop(((Live *)arg)->loop);
}

int demo_live(Demo *d) {
    Ctx *cx = d->c->cx;
    Live l = { .d = d, .loop = loop_new(d->app->clock) };
    WsClientOptions o;
    static const WsClientEvents events = { .on_open = on_open, .on_message = on_message, .on_end = on_end };
    demo_heading(d, "Live", "the venue's stream, stored as it closes, pushed to a client of /ws");
    ws_client_options_default(&o);
    o.url = str_fmt(cx->arena, "ws://127.0.0.1:%d/ws", service_port(d->service));
    loop_timer_init(&l.end, l.loop, on_timer, &l);
    loop_timer_start(&l.end, SHOW_MS, 0);
    int r = ws_client_open(cx, l.loop, &o, &events, &l, &l.client);
    if (r == 0)
        loop_run(l.loop);
    loop_timer_stop(&l.end);
    ws_client_free(l.client);
    loop_free(l.loop);
    if (r == 0)
        fprintf(d->c->out, "  %d updates while we watched\n", l.n_deltas);
    return r;
}
