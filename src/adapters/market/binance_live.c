/* adapters/market/binance_live.c - see binance_live.h. */

#include "adapters/market/binance_live.h"

#include "adapters/market/binance_stream.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/vec.h"

enum {
    PER_LINK = 1000,
    CHUNK = 100,         /* streams of one SUBSCRIBE */
    CHUNK_PACE_MS = 300, /* the venue takes 5 messages a second, pongs among them */
    ANSWER_MS = 10 * 1000,
    LIFE_MS = (23 * 60 + 50) * 60 * 1000,
    RETRY_BASE_MS = 1000,
    RETRY_MAX_MS = 60 * 1000,
    BATCH_MAX = 4096, /* events of one next */
    MESSAGE_MAX = 64 << 10,
};

typedef enum ConnState { CONN_NONE, CONN_DIALLED, CONN_SUBSCRIBING, CONN_FLOWING } ConnState;

typedef struct Conn {
    ConnState state;
    int link;
    size_t sent;                /* streams asked for */
    int64_t asked, answered;    /* requests */
    int64_t opened_at, next_at; /* monotonic ms: opened; the next chunk, or the end of patience */
} Conn;

typedef struct Group { /* series that share a connection */
    size_t first, n;
    Conn conn, heir; /* heir: takes over from conn once it flows */
    bool wants_heir; /* conn was told to end */
    bool flowing;    /* RESUMED was told, and no LOST since */
    int tries;
    int64_t retry_at;
} Group;

typedef struct BinanceLive {
    LiveFeed feed; /* first */
    WsDialer *dialer;
    char *url;
    LiveSeries *series;
    size_t n;
    Map places;  /* "BTCUSDT@1m" -> place + 1 */
    Arena names; /* their keys */
    Group *groups;
    size_t n_groups;
    bool simulated;
    Rng rng;
    int64_t life_ms, retry_base_ms, retry_max_ms;
    LiveFeedStats stats;
} BinanceLive;

typedef VEC(LiveEvent) Events;

static int64_t mono_now(Ctx *cx) {
    return clock_mono(cx->clock).ns / NS_PER_MS;
}

/* --- what is told --- */

static void tell_group(BinanceLive *b, Ctx *cx, const Group *g, LiveEventKind kind, Str words, Events *out) {
    for (size_t i = 0; i < g->n; i++) {
        LiveEvent e = { .kind = kind, .series = g->first + i, .words = words };
        vec_push_in(cx->arena, out, e);
    }
    UNUSED(b);
}

static Str place_key(Arena *a, Symbol symbol, Timeframe tf) {
    char text[TIMEFRAME_TEXT_MAX];
    return str_fmt(a, "%s@" STR_FMT, symbol.s, STR_ARG(timeframe_text(tf, text)));
}

static void tell_candle(BinanceLive *b, Ctx *cx, const BinanceStreamText *m, Events *out) {
    uintptr_t place = (uintptr_t)map_get(&b->places, place_key(cx->arena, m->symbol, m->timeframe));
    if (place == 0) {
        b->stats.bad_messages++;
        return;
    }
    LiveEvent e = { .kind = FEED_CANDLE, .series = place - 1, .candle = m->candle, .at = m->at };
    e.candle.known_at = clock_wall(cx->clock);
    e.candle.flags |= b->simulated ? CANDLE_SIMULATED : 0;
    vec_push_in(cx->arena, out, e);
}

/* --- connections --- */

static void conn_drop(BinanceLive *b, Conn *c) {
    if (c->state != CONN_NONE) {
        ws_dialer_hang_up(b->dialer, c->link);
        b->stats.open -= c->state >= CONN_SUBSCRIBING;
    }
    *c = (Conn){ 0 };
}

static int conn_dial(BinanceLive *b, Ctx *cx, Conn *c) {
    Str url = str_fmt(cx->arena, "%s/stream", b->url);
    *c = (Conn){ .state = CONN_DIALLED };
    int r = ws_dialer_dial(b->dialer, cx, url, &c->link);
    if (r)
        *c = (Conn){ 0 };
    return r;
}

/* The next SUBSCRIBE; false: it could not be sent. */
static bool conn_subscribe(BinanceLive *b, Ctx *cx, const Group *g, Conn *c, int64_t now) {
    Buf text;
    buf_init(&text, MESSAGE_MAX);
    BUF_LIT(&text, "{\"method\":\"SUBSCRIBE\",\"params\":[");
    size_t to = MIN(c->sent + CHUNK, g->n);
    for (size_t i = c->sent; i < to; i++) {
        const LiveSeries *s = &b->series[g->first + i];
        Str name = binance_stream_name(cx->arena, s->symbol, s->timeframe);
        buf_printf(&text, "%s\"" STR_FMT "\"", i > c->sent ? "," : "", STR_ARG(name));
    }
    buf_printf(&text, "],\"id\":%lld}", (long long)++c->asked);
    int r = ws_dialer_send(b->dialer, cx, c->link, buf_str(&text));
    buf_done(&text);
    c->sent = to;
    c->next_at = now + (c->sent < g->n ? CHUNK_PACE_MS : ANSWER_MS);
    return r == 0;
}

static int64_t back_off(BinanceLive *b, Group *g) {
    int64_t top = b->retry_base_ms;
    for (int i = 0; i < g->tries && top < b->retry_max_ms; i++)
        top *= 2;
    g->tries++;
    top = MIN(top, b->retry_max_ms);
    return rng_between(&b->rng, top / 2, top);
}

static void conn_lost(BinanceLive *b, Ctx *cx, Group *g, Conn *c, int64_t told_ms, Str words, Events *out) {
    bool heir = c == &g->heir;
    b->stats.losses++;
    conn_drop(b, c);
    if (!heir && g->heir.state != CONN_NONE) { /* it is on its way: nothing else to do */
        g->conn = g->heir;
        g->heir = (Conn){ 0 };
        g->wants_heir = false;
    } else {
        g->retry_at = mono_now(cx) + MAX(told_ms, back_off(b, g));
    }
    if (!heir && g->flowing && g->conn.state != CONN_FLOWING) {
        g->flowing = false;
        tell_group(b, cx, g, FEED_LOST, words, out);
    }
}

/* All requests are answered: it flows. */
static void conn_flows(BinanceLive *b, Ctx *cx, Group *g, Conn *c, Events *out) {
    c->state = CONN_FLOWING;
    g->tries = 0;
    if (c == &g->heir) {
        conn_drop(b, &g->conn);
        g->conn = g->heir;
        g->heir = (Conn){ 0 };
        g->wants_heir = false;
    }
    if (!g->flowing)
        tell_group(b, cx, g, FEED_RESUMED, (Str){ 0 }, out);
    g->flowing = true;
}

/* What time alone brings about. *next: when to look again. */
static int conn_tick(BinanceLive *b, Ctx *cx, Group *g, Conn *c, int64_t now, int64_t *next, Events *out) {
    if (c->state == CONN_SUBSCRIBING && now >= c->next_at) {
        bool more = c->sent < g->n;
        if (!more || !conn_subscribe(b, cx, g, c, now))
            conn_lost(b, cx, g, c, 0, more ? S("a subscription could not be sent") : S("no answer to a subscription"),
                      out);
    }
    if (c->state == CONN_SUBSCRIBING)
        *next = MIN(*next, c->next_at);
    return 0;
}

static int group_tick(BinanceLive *b, Ctx *cx, Group *g, int64_t now, int64_t *next, Events *out) {
    int r = conn_tick(b, cx, g, &g->conn, now, next, out);
    if (r == 0)
        r = conn_tick(b, cx, g, &g->heir, now, next, out);
    if (g->conn.state == CONN_FLOWING && now - g->conn.opened_at >= b->life_ms)
        g->wants_heir = true;
    Conn *missing = g->conn.state == CONN_NONE                    ? &g->conn
                    : g->wants_heir && g->heir.state == CONN_NONE ? &g->heir
                                                                  : NULL;
    if (r == 0 && missing && now >= g->retry_at)
        r = conn_dial(b, cx, missing);
    else if (missing)
        *next = MIN(*next, g->retry_at);
    if (g->conn.state == CONN_FLOWING && !g->wants_heir)
        *next = MIN(*next, g->conn.opened_at + b->life_ms);
    return r;
}

/* --- events of the dialer --- */

static bool find_conn(BinanceLive *b, int link, Group **group, Conn **conn) {
    for (size_t i = 0; i < b->n_groups; i++) {
        Group *g = &b->groups[i];
        Conn *c = g->conn.link == link ? &g->conn : g->heir.link == link ? &g->heir : NULL;
        if (c && c->state != CONN_NONE) {
            *group = g;
            *conn = c;
            return true;
        }
    }
    return false;
}

static void take_text(BinanceLive *b, Ctx *cx, Group *g, Conn *c, Str text, Events *out) {
    BinanceStreamText m;
    b->stats.messages++;
    if (binance_parse_stream(cx, text, &m) != 0) {
        err_clear(cx);
        b->stats.bad_messages++;
        return;
    }
    switch (m.kind) {
    case BINANCE_STREAM_KLINE:
        tell_candle(b, cx, &m, out);
        break;
    case BINANCE_STREAM_SHUTDOWN:
        g->wants_heir = c == &g->conn;
        break;
    case BINANCE_STREAM_REFUSAL: /* a stream of them that is none: the others flow */
        b->stats.bad_messages++;
        __attribute__((fallthrough));
    case BINANCE_STREAM_ANSWER:
        c->answered++;
        if (c->state == CONN_SUBSCRIBING && c->sent == g->n && c->answered >= c->asked)
            conn_flows(b, cx, g, c, out);
        break;
    default:
        break;
    }
}

static void take_event(BinanceLive *b, Ctx *cx, const WsEvent *e, Events *out) {
    Group *g;
    Conn *c;
    int64_t now = mono_now(cx);
    if (!find_conn(b, e->link, &g, &c))
        return;
    if (e->kind == WS_OPENED) {
        b->stats.connects++;
        b->stats.open++;
        c->state = CONN_SUBSCRIBING;
        c->opened_at = c->next_at = now;
    } else if (e->kind == WS_TEXT_CAME) {
        take_text(b, cx, g, c, e->text, out);
    } else if (e->kind == WS_ENDED) {
        Str words = str_fmt(cx->arena, STR_FMT " (code %d)", STR_ARG(str_first(e->text, 200)), e->code);
        conn_lost(b, cx, g, c, e->retry_after_ms, words, out);
    }
}

static int tick(BinanceLive *b, Ctx *cx, int64_t *next, Events *out) {
    int64_t now = mono_now(cx);
    int r = 0;
    for (size_t i = 0; r == 0 && i < b->n_groups; i++)
        r = group_tick(b, cx, &b->groups[i], now, next, out);
    return r;
}

static int live_next(LiveFeed *f, Ctx *cx, int64_t wait_ms, LiveEvent **out, size_t *n) {
    BinanceLive *b = (BinanceLive *)f;
    Events events = { 0 };
    int64_t until = mono_now(cx) + wait_ms;
    for (;;) {
        int64_t next = until;
        int r = tick(b, cx, &next, &events);
        WsEvent e = { 0 };
        if (r == 0) /* once there is something to tell, only what is there already is taken along */
            r = ws_dialer_poll(b->dialer, cx, events.n ? 0 : MAX(next - mono_now(cx), 0), &e);
        if (r)
            return r;
        if (e.kind != WS_NOTHING)
            take_event(b, cx, &e, &events);
        bool idle = e.kind == WS_NOTHING && (events.n || mono_now(cx) >= until);
        if (idle || events.n >= BATCH_MAX)
            break;
    }
    *out = events.v;
    *n = events.n;
    return 0;
}

static void live_stats(LiveFeed *f, LiveFeedStats *out) {
    *out = ((BinanceLive *)f)->stats;
}

static void live_close(LiveFeed *f) {
    BinanceLive *b = (BinanceLive *)f;
    for (size_t i = 0; i < b->n_groups; i++) {
        conn_drop(b, &b->groups[i].conn);
        conn_drop(b, &b->groups[i].heir);
    }
    map_done(&b->places);
    arena_done(&b->names);
    mem_free(b->groups);
    mem_free(b->series);
    mem_free(b->url);
    mem_free(b);
}

static const LiveFeedOps ops = { "binance", live_next, live_stats, live_close };

static int check_series(Ctx *cx, const BinanceLiveOptions *o) {
    for (size_t i = 0; i < o->n; i++) {
        bool known = false;
        for (size_t k = 0; k < ARRAY_LEN(TIMEFRAMES); k++)
            known |= timeframe_eq(TIMEFRAMES[k], o->series[i].timeframe);
        if (!known || !o->series[i].symbol.s[0])
            return err_set_at(cx, ERR_INVALID, S("timeframe"), "%s: binance streams no candles of this timeframe",
                              o->series[i].symbol.s);
    }
    return o->n ? 0 : err_set(cx, ERR_INVALID, "no series to follow");
}

int market_binance_live_open(Ctx *cx, const BinanceLiveOptions *o, LiveFeed **out) {
    assert(o->dialer);
    int r = check_series(cx, o);
    if (r)
        return r;
    BinanceLive *b = mem_new(BinanceLive);
    Str url = o->url.n ? o->url : S(BINANCE_STREAM_URL);
    while (str_ends(url, S("/")))
        url.n--;
    b->feed.ops = &ops;
    b->dialer = o->dialer;
    b->url = mem_zalloc(url.n + 1);
    memcpy(b->url, url.p, url.n);
    b->simulated = o->simulated;
    b->life_ms = o->life_ms ? o->life_ms : LIFE_MS;
    b->retry_base_ms = o->retry_base_ms ? o->retry_base_ms : RETRY_BASE_MS;
    b->retry_max_ms = o->retry_max_ms ? o->retry_max_ms : RETRY_MAX_MS;
    rng_seed(&b->rng, o->seed);
    b->n = o->n;
    b->series = mem_new_n(LiveSeries, o->n);
    memcpy(b->series, o->series, o->n * sizeof *o->series);
    size_t per_link = o->per_link ? o->per_link : PER_LINK;
    b->n_groups = (o->n + per_link - 1) / per_link;
    b->groups = mem_new_n(Group, b->n_groups);
    for (size_t i = 0; i < b->n_groups; i++)
        b->groups[i] = (Group){ .first = i * per_link, .n = MIN(per_link, o->n - i * per_link) };
    for (size_t i = 0; i < o->n; i++)
        map_put(&b->places, place_key(&b->names, o->series[i].symbol, o->series[i].timeframe),
                (void *)(uintptr_t)(i + 1));
    *out = &b->feed;
    return 0;
}
