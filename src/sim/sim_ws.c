/* sim/sim_ws.c - see sim_ws.h.
 *
 * The venue's side of a link runs in its own time: poll moves from one due time to the next, so that what was sent
 * during a long sleep bears the time it was sent at. */

#include "sim/sim_ws.h"

#include "base/rng.h"
#include "base/vec.h"

enum { LINKS_MAX = 64, QUEUE_MAX = 1 << 20 };

typedef struct Pending { /* on its way to us */
    WsEvent event;
    Time due; /* of the venue's clock */
    char *text;
} Pending;

typedef struct SimWs SimWs;

typedef struct Link {
    SimWs *owner;
    int id; /* 0 = free */
    ExchangeStream *stream;
    char *target;
    Time open_at; /* the handshake arrives */
    bool refused, ended;
    Time last_due; /* texts do not overtake each other */
} Link;

struct SimWs {
    WsDialer dialer; /* first */
    SimWsOptions o;
    Rng rng;
    Link links[LINKS_MAX];
    int last_id;
    VEC(Pending) queue; /* in order of due */
    Time sent_at;       /* what the venue does happens now */
};

static Time venue_now(SimWs *s) {
    return clock_wall(s->o.venue);
}

static int64_t latency(SimWs *s) {
    return s->o.latency_ms + (s->o.jitter_ms > 0 ? rng_between(&s->rng, 0, s->o.jitter_ms) : 0);
}

static void enqueue(Link *l, WsEventKind kind, Str text, int code, int err) {
    SimWs *s = l->owner;
    Pending p = { .event = { .kind = kind, .link = l->id, .code = code, .err = err },
                  .due = time_add_ms(s->sent_at, latency(s)),
                  .text = mem_zalloc(text.n + 1) };
    p.due = time_ms(MAX(p.due.ms, l->last_due.ms));
    l->last_due = p.due;
    memcpy(p.text, text.n ? text.p : "", text.n);
    p.event.text = str_n(p.text, text.n);
    assert(s->queue.n < QUEUE_MAX);
    vec_push(&s->queue, p);
    for (size_t i = s->queue.n - 1; i > 0 && s->queue.v[i].due.ms < s->queue.v[i - 1].due.ms; i--) {
        Pending swap = s->queue.v[i];
        s->queue.v[i] = s->queue.v[i - 1];
        s->queue.v[i - 1] = swap;
    }
}

static void on_stream(void *arg, StreamAct act, Str text, int code) {
    Link *l = arg;
    if (act == STREAM_TEXT)
        enqueue(l, WS_TEXT_CAME, text, 0, 0);
    if (act == STREAM_CLOSE || act == STREAM_CUT) {
        l->ended = true;
        enqueue(l, WS_ENDED, act == STREAM_CUT ? S("the connection is gone") : text, act == STREAM_CUT ? 1006 : code,
                act == STREAM_CUT ? ERR_UNAVAILABLE : 0);
    }
}

static Link *find_link(SimWs *s, int id) {
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (s->links[i].id == id && id)
            return &s->links[i];
    return NULL;
}

static int sim_dial(WsDialer *d, Ctx *cx, Str url, int *out) {
    SimWs *s = (SimWs *)d;
    Link *l = NULL;
    for (size_t i = 0; i < LINKS_MAX && !l; i++)
        if (!s->links[i].id)
            l = &s->links[i];
    ptrdiff_t host = str_find(url, S("://"));
    if (!l || host < 0)
        return err_set(cx, l ? ERR_USAGE : ERR_LIMIT, l ? "not a WebSocket URL" : "too many connections");
    Str rest = str_from(url, (size_t)host + 3);
    ptrdiff_t slash = str_find_char(rest, '/');
    Str target = slash < 0 ? S("/") : str_from(rest, (size_t)slash);
    *l = (Link){ .owner = s, .id = ++s->last_id, .open_at = time_add_ms(venue_now(s), 2 * latency(s)) };
    l->refused = rng_chance(&s->rng, s->o.refuse);
    l->target = mem_zalloc(target.n + 1);
    memcpy(l->target, target.p, target.n);
    *out = l->id;
    return 0;
}

static int sim_send(WsDialer *d, Ctx *cx, int id, Str text) {
    SimWs *s = (SimWs *)d;
    Link *l = find_link(s, id);
    if (!l || !l->stream || l->ended)
        return err_set(cx, ERR_UNAVAILABLE, "the connection is not open");
    s->sent_at = venue_now(s);
    exchange_stream_input(l->stream, text, s->sent_at);
    return 0;
}

static void sim_hang_up(WsDialer *d, int id) {
    SimWs *s = (SimWs *)d;
    Link *l = find_link(s, id);
    if (!l)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < s->queue.n; i++)
        if (s->queue.v[i].event.link == id)
            mem_free(s->queue.v[i].text);
        else
            s->queue.v[kept++] = s->queue.v[i];
    s->queue.n = kept;
    exchange_stream_free(l->stream);
    mem_free(l->target);
    *l = (Link){ 0 };
}

static void open_link(Link *l) {
    SimWs *s = l->owner;
    if (!l->refused)
        l->stream = exchange_stream_new(s->o.exchange, str_c(l->target), l->open_at, on_stream, l);
    l->ended = !l->stream;
    if (l->stream)
        enqueue(l, WS_OPENED, S(""), 0, 0);
    else
        enqueue(l, WS_ENDED, S("cannot connect (simulated)"), 1006, ERR_UNAVAILABLE);
}

static Time link_due(const Link *l) {
    return !l->id || l->ended ? TIME_MAX : l->stream ? exchange_stream_due(l->stream) : l->open_at;
}

/* The venue's side, up to now, in order of time. */
static void catch_up(SimWs *s, Time now) {
    for (;;) {
        Link *next = NULL;
        for (size_t i = 0; i < LINKS_MAX; i++)
            if (link_due(&s->links[i]).ms <= now.ms && (!next || link_due(&s->links[i]).ms < link_due(next).ms))
                next = &s->links[i];
        if (!next)
            return;
        s->sent_at = link_due(next);
        if (next->stream)
            exchange_stream_run(next->stream, s->sent_at);
        else
            open_link(next);
    }
}

static bool take(SimWs *s, Ctx *cx, Time now, WsEvent *out) {
    if (s->queue.n == 0 || s->queue.v[0].due.ms > now.ms)
        return false;
    Pending p = s->queue.v[0];
    memmove(s->queue.v, s->queue.v + 1, --s->queue.n * sizeof *s->queue.v);
    *out = p.event;
    out->text = str_dup(cx->arena, p.event.text);
    mem_free(p.text);
    return true;
}

static int sim_poll(WsDialer *d, Ctx *cx, int64_t wait_ms, WsEvent *out) {
    SimWs *s = (SimWs *)d;
    Time until = time_add_ms(venue_now(s), wait_ms);
    for (;;) {
        Time now = venue_now(s);
        catch_up(s, now);
        if (take(s, cx, now, out) || now.ms >= until.ms)
            return 0;
        Time next = until;
        if (s->queue.n)
            next = time_ms(MIN(next.ms, s->queue.v[0].due.ms));
        for (size_t i = 0; i < LINKS_MAX; i++)
            next = time_ms(MIN(next.ms, link_due(&s->links[i]).ms));
        clock_sleep_ms(s->o.clock, MAX(next.ms - now.ms, 1));
    }
}

static void sim_close(WsDialer *d) {
    SimWs *s = (SimWs *)d;
    for (size_t i = 0; i < LINKS_MAX; i++)
        sim_hang_up(d, s->links[i].id);
    for (size_t i = 0; i < s->queue.n; i++)
        mem_free(s->queue.v[i].text);
    vec_done(&s->queue);
    mem_free(s);
}

static const WsDialerOps ops = { "simulated", sim_dial, sim_send, sim_hang_up, sim_poll, sim_close };

WsDialer *sim_ws_new(const SimWsOptions *o) {
    assert(o->exchange && o->clock);
    SimWs *s = mem_new(SimWs);
    s->dialer.ops = &ops;
    s->o = *o;
    s->o.venue = o->venue ? o->venue : o->clock;
    rng_seed(&s->rng, o->seed);
    return &s->dialer;
}
