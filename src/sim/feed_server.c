/* sim/feed_server.c - see feed_server.h. One thread runs the loop, and the handler on it. */

#include "sim/feed_server.h"

#include "base/list.h"
#include "net/http_server.h"

#include <pthread.h>
#include <signal.h>

enum { DRIP_MS = 100, STALL_MS = 60000, PIECE = 64 << 10, DRAIN_MS = 300, FIELDS_MAX = 100 };

struct FeedServer {
    uint64_t seed;
    Clock *clock;
    Loop *loop;
    HttpServer *http;
    ListNode slow; /* SlowFeed */
    int port;
    bool stopping; /* on the loop */
    atomic_llong requests;
    pthread_t thread;
};

typedef struct SlowFeed { /* an answer that does not leave at once; freed when it has */
    ListNode link;
    FeedServer *server;
    HttpExchange *ex;
    LoopTimer *timer;
    Buf body;
    size_t at;
    FeedWire wire;
    int64_t left;
    bool owes_wake;
} SlowFeed;

static void slow_free(void *arg) {
    SlowFeed *s = arg;
    list_remove(&s->link);
    loop_timer_free(s->timer);
    buf_done(&s->body);
    mem_free(s);
}

static void slow_timer(void *arg) {
    SlowFeed *s = arg;
    if (s->wire == FEED_WIRE_STALL) {
        HttpReply late = { .status = 200 };
        http_reply(s->ex, &late);
        slow_free(s);
    } else if (s->owes_wake) {
        s->owes_wake = false;
        http_stream_wake(s->ex);
    }
}

static int pump_endless(SlowFeed *s, Buf *out) {
    size_t n = (size_t)MIN((int64_t)MIN(s->body.n - s->at, (size_t)PIECE), s->left);
    buf_put(out, s->body.p + s->at, n);
    s->at = (s->at + n) % s->body.n;
    s->left -= (int64_t)n;
    return s->left == 0 ? HTTP_PUMP_DONE : HTTP_PUMP_MORE;
}

static int slow_pump(void *arg, Buf *out) {
    SlowFeed *s = arg;
    if (s->server->stopping)
        return -1;
    if (s->wire == FEED_WIRE_ENDLESS)
        return pump_endless(s, out);
    if (s->wire == FEED_WIRE_CUT) {
        if (s->at > 0)
            return -1;
        s->at = MAX(s->body.n / 2, (size_t)1);
        buf_put(out, s->body.p, s->at);
        return HTTP_PUMP_MORE;
    }
    buf_put(out, s->body.p + s->at++, 1);
    if (s->at == s->body.n)
        return HTTP_PUMP_DONE;
    s->owes_wake = true;
    loop_timer_start(s->timer, DRIP_MS, 0);
    return HTTP_PUMP_WAIT;
}

static void answer_slowly(FeedServer *server, HttpExchange *ex, const FeedSimReply *r, HttpReply *reply) {
    SlowFeed *s = mem_new(SlowFeed);
    s->server = server;
    s->ex = ex;
    s->wire = r->wire;
    s->left = r->wire_bytes;
    s->timer = loop_timer_new(server->loop, slow_timer, s);
    list_push_back(&server->slow, &s->link);
    if (s->wire == FEED_WIRE_STALL) {
        buf_done(&reply->body);
        loop_timer_start(s->timer, server->stopping ? 0 : STALL_MS, 0);
        return;
    }
    s->body = reply->body;
    reply->body = (Buf){ 0 };
    buf_init(&reply->body, 1); /* the head alone */
    http_reply_stream(ex, reply, slow_pump, s, slow_free);
}

static void handle(void *arg, HttpExchange *ex) {
    FeedServer *server = arg;
    Arena arena = { 0 };
    HttpHeader headers[FIELDS_MAX];
    FeedSimRequest req = { .method = ex->head.method, .target = ex->head.path, .headers = headers, .body = ex->body };
    for (; req.n_headers < MIN(ex->head.n_fields, (size_t)FIELDS_MAX); req.n_headers++)
        headers[req.n_headers] =
            (HttpHeader){ ex->head.fields[req.n_headers].name, ex->head.fields[req.n_headers].value };
    if (ex->head.query.n)
        req.target = str_fmt(&arena, STR_FMT "?" STR_FMT, STR_ARG(ex->head.path), STR_ARG(ex->head.query));

    FeedSimReply r;
    feed_sim_handle(server->seed, &arena, &req, clock_wall(server->clock), &r);
    atomic_fetch_add(&server->requests, 1);
    HttpField fields[FEED_SIM_HEADERS_MAX];
    for (size_t i = 0; i < r.n_headers; i++)
        fields[i] = (HttpField){ r.headers[i].name, r.headers[i].value };
    HttpReply reply = { .status = r.status, .fields = fields, .n_fields = r.n_headers };
    buf_init(&reply.body, r.body.n + 1);
    buf_put_str(&reply.body, r.body);
    if (r.wire == FEED_WIRE_WHOLE)
        http_reply(ex, &reply);
    else
        answer_slowly(server, ex, &r, &reply);
    arena_done(&arena);
}

/* --- life --- */

static void *run_loop(void *arg) {
    FeedServer *s = arg;
    sigset_t all; /* signals are for the process's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    loop_run(s->loop);
    return NULL;
}

static void server_free(FeedServer *s) {
    http_server_free(s->http);
    loop_free(s->loop);
    mem_free(s);
}

static void http_stopped(void *arg) {
    loop_stop(((FeedServer *)arg)->loop);
}

/* On the loop: what waits is answered now, so that nobody is left hanging. */
static void stop_on_loop(void *arg) {
    FeedServer *s = arg;
    s->stopping = true;
    LIST_FOR (l, &s->slow)
        loop_timer_start(LIST_ENTRY(l, SlowFeed, link)->timer, 0, 0);
    http_server_stop(s->http, DRAIN_MS, http_stopped, s);
}

int feed_server_start(Ctx *cx, const FeedServerOptions *o, FeedServer **out) {
    assert(o->clock);
    FeedServer *s = mem_new(FeedServer);
    HttpServerOptions ho;
    char why[256] = "";
    s->seed = o->seed;
    s->clock = o->clock;
    list_init(&s->slow);
    s->loop = loop_new(o->loop_clock ? o->loop_clock : o->clock);
    http_server_options_default(&ho);
    ho.server_name = S("finsight-feed-sim");
    ho.max_body = 256 << 10;
    s->http = http_server_new(s->loop, &ho, handle, s);
    int r = http_server_listen_tcp(s->http, o->host ? o->host : "127.0.0.1", o->port, &s->port, why, sizeof why);
    if (r)
        err_set(cx, r, "feed simulator: %s", why);
    else if (pthread_create(&s->thread, NULL, run_loop, s) != 0)
        r = err_set(cx, ERR_UNAVAILABLE, "feed simulator: no thread to be had");
    if (r != 0) {
        server_free(s);
        return r;
    }
    *out = s;
    return 0;
}

FeedServer *feed_server_stop(FeedServer *s) {
    if (!s)
        return NULL;
    loop_post(s->loop, stop_on_loop, s);
    pthread_join(s->thread, NULL);
    server_free(s);
    return NULL;
}

int feed_server_port(const FeedServer *s) {
    return s->port;
}

int64_t feed_server_requests(FeedServer *s) {
    return atomic_load(&s->requests);
}
