/* sim/exchange_server.c - see exchange_server.h.
 *
 * One thread runs the loop, and the handler on it: a simulator may take its half millisecond there. The mutex guards
 * the simulator against the owner's calls (faults, statistics); the handler finds it free. */

#include "sim/exchange_server_internal.h"

#include <signal.h>

enum { TRICKLE_MS = 100, CHUNK = 700, DRAIN_MS = 300, FIELDS_MAX = 100 };

typedef struct SlowReply { /* an answer that does not leave at once; freed when it has */
    ListNode link;
    ExchangeServer *server;
    HttpExchange *ex;
    LoopTimer *timer;
    HttpReply reply; /* of a stall */
    Buf body;        /* of the others */
    size_t at;
    SimWire wire;
    int64_t n;
    bool owes_wake;
} SlowReply;

static void slow_free(void *arg) {
    SlowReply *s = arg;
    list_remove(&s->link);
    loop_timer_free(s->timer);
    buf_done(&s->body);
    mem_free(s);
}

static void slow_timer(void *arg) {
    SlowReply *s = arg;
    if (s->wire == SIM_STALL) {
        http_reply(s->ex, &s->reply);
        slow_free(s);
    } else if (s->owes_wake) {
        s->owes_wake = false;
        http_stream_wake(s->ex);
    }
}

static void put_piece(SlowReply *s, Buf *out, size_t n) {
    n = MIN(n, s->body.n - s->at);
    buf_put(out, s->body.p + s->at, n);
    s->at += n;
}

static int slow_pump(void *arg, Buf *out) {
    SlowReply *s = arg;
    bool hurry = s->server->stopping;
    switch (s->wire) {
    case SIM_RESET:
        if (s->at > 0)
            return -1;
        put_piece(s, out, MAX(s->body.n / 2, 1));
        return s->body.n ? HTTP_PUMP_MORE : -1;
    case SIM_TRICKLE:
        put_piece(s, out, hurry ? s->body.n : (size_t)s->n);
        if (s->at == s->body.n)
            return HTTP_PUMP_DONE;
        s->owes_wake = true;
        loop_timer_start(s->timer, TRICKLE_MS, 0);
        return HTTP_PUMP_WAIT;
    default:
        put_piece(s, out, CHUNK);
        return s->at == s->body.n ? HTTP_PUMP_DONE : HTTP_PUMP_MORE;
    }
}

static void answer_slowly(ExchangeServer *server, HttpExchange *ex, const SimReply *r, HttpReply *reply) {
    SlowReply *s = mem_new(SlowReply);
    s->server = server;
    s->ex = ex;
    s->wire = r->wire;
    s->n = r->wire_n;
    s->timer = loop_timer_new(server->loop, slow_timer, s);
    list_push_back(&server->slow, &s->link);
    if (s->wire == SIM_STALL) {
        s->reply = *reply;
        s->reply.fields = NULL; /* they are gone by then; a late answer is not read anyway */
        s->reply.n_fields = 0;
        loop_timer_start(s->timer, server->stopping ? 0 : s->n, 0);
        return;
    }
    s->body = reply->body;
    reply->body = (Buf){ 0 };
    buf_init(&reply->body, 1); /* the head alone */
    http_reply_stream(ex, reply, slow_pump, s, slow_free);
}

/* "127.0.0.1:5123" -> "127.0.0.1" */
static Str without_port(Str peer) {
    for (size_t i = peer.n; i > 0; i--)
        if (peer.p[i - 1] == ':')
            return str_first(peer, i - 1);
    return peer;
}

static void handle(void *arg, HttpExchange *ex) {
    ExchangeServer *server = arg;
    Arena arena = { 0 };
    HttpHeader headers[FIELDS_MAX];
    SimRequest req = { .method = ex->head.method, .headers = headers, .body = ex->body };
    for (; req.n_headers < MIN(ex->head.n_fields, (size_t)FIELDS_MAX); req.n_headers++)
        headers[req.n_headers] =
            (HttpHeader){ ex->head.fields[req.n_headers].name, ex->head.fields[req.n_headers].value };
    req.peer = without_port(ex->head.peer);
    req.target = ex->head.path;
    if (ex->head.query.n)
        req.target = str_fmt(&arena, STR_FMT "?" STR_FMT, STR_ARG(ex->head.path), STR_ARG(ex->head.query));

    if (exchange_ws_handle(server, ex, &arena, req.target)) {
        arena_done(&arena);
        return;
    }
    SimReply r;
    pthread_mutex_lock(&server->lock);
    exchange_sim_handle(server->sim, &arena, &req, clock_wall(server->clock), &r);
    pthread_mutex_unlock(&server->lock);

    HttpField fields[SIM_HEADERS_MAX];
    for (size_t i = 0; i < r.n_headers; i++)
        fields[i] = (HttpField){ r.headers[i].name, r.headers[i].value };
    HttpReply reply = { .status = r.status, .fields = fields, .n_fields = r.n_headers };
    buf_init(&reply.body, r.body.n + 1);
    buf_put_str(&reply.body, r.body);
    if (r.wire == SIM_WHOLE)
        http_reply(ex, &reply);
    else
        answer_slowly(server, ex, &r, &reply);
    arena_done(&arena);
}

/* --- life --- */

static void *run_loop(void *arg) {
    ExchangeServer *s = arg;
    sigset_t all; /* signals are for the process's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    loop_run(s->loop);
    return NULL;
}

static void server_free(ExchangeServer *s) {
    http_server_free(s->http);
    loop_free(s->loop);
    exchange_sim_free(s->sim);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

static void http_stopped(void *arg) {
    loop_stop(((ExchangeServer *)arg)->loop);
}

/* On the loop: what waits is answered now, so that nobody is left hanging. */
static void stop_on_loop(void *arg) {
    ExchangeServer *s = arg;
    s->stopping = true;
    LIST_FOR (l, &s->slow)
        loop_timer_start(LIST_ENTRY(l, SlowReply, link)->timer, 0, 0);
    exchange_ws_stop(s);
    http_server_stop(s->http, DRAIN_MS, http_stopped, s);
}

static int server_open(Ctx *cx, ExchangeServer *s, const ExchangeServerOptions *o) {
    int r = exchange_sim_new(cx, &o->sim, &s->sim);
    for (size_t i = 0; i < o->n_faults && r == 0; i++)
        r = faults_add(exchange_sim_faults(s->sim), cx, o->faults[i]);
    if (r != 0)
        return r;
    HttpServerOptions ho;
    http_server_options_default(&ho);
    ho.server_name = S("finsight-exchange-sim");
    ho.max_body = 64 << 10;
    s->http = http_server_new(s->loop, &ho, handle, s);
    char why[256] = "";
    r = http_server_listen_tcp(s->http, o->host ? o->host : "127.0.0.1", o->port, &s->port, why, sizeof why);
    return r ? err_set(cx, r, "exchange simulator: %s", why) : 0;
}

int exchange_server_start(Ctx *cx, const ExchangeServerOptions *o, ExchangeServer **out) {
    assert(o->clock);
    ExchangeServer *s = mem_new(ExchangeServer);
    pthread_mutex_init(&s->lock, NULL);
    s->clock = o->clock;
    list_init(&s->slow);
    exchange_ws_init(s);
    s->loop = loop_new(o->loop_clock ? o->loop_clock : o->clock);
    int r = server_open(cx, s, o);
    if (r == 0 && pthread_create(&s->thread, NULL, run_loop, s) != 0)
        r = err_set(cx, ERR_UNAVAILABLE, "exchange simulator: no thread to be had");
    if (r != 0) {
        server_free(s);
        return r;
    }
    *out = s;
    return 0;
}

ExchangeServer *exchange_server_stop(ExchangeServer *s) {
    if (!s)
        return NULL;
    loop_post(s->loop, stop_on_loop, s);
    pthread_join(s->thread, NULL);
    server_free(s);
    return NULL;
}

int exchange_server_port(const ExchangeServer *s) {
    return s->port;
}

int exchange_server_fault(ExchangeServer *s, Ctx *cx, Str rule) {
    int r = 0;
    pthread_mutex_lock(&s->lock);
    if (rule.n)
        r = faults_add(exchange_sim_faults(s->sim), cx, rule);
    else
        faults_clear(exchange_sim_faults(s->sim));
    pthread_mutex_unlock(&s->lock);
    return r;
}

void exchange_server_stats(ExchangeServer *s, ExchangeSimStats *out) {
    pthread_mutex_lock(&s->lock);
    exchange_sim_stats(s->sim, out);
    pthread_mutex_unlock(&s->lock);
}
