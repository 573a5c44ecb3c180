/* sim/s3_server.c - see s3_server.h. One thread runs the loop, and the handler on it. */

#include "sim/s3_server.h"

#include "base/list.h"
#include "net/http_server.h"

#include <pthread.h>
#include <signal.h>

enum { TRICKLE_MS = 100, DRAIN_MS = 300, FIELDS_MAX = 100, HEADER_MAX = 32 << 10 };

struct S3Server {
    pthread_mutex_t lock; /* the simulator: faults come from the owner's thread */
    S3Sim *sim;           /* under the lock */
    Clock *clock;
    Loop *loop;
    HttpServer *http;
    ListNode slow; /* SlowAnswer */
    int port;
    bool stopping; /* on the loop */
    atomic_llong requests, refused;
    pthread_t thread;
};

typedef struct SlowAnswer { /* one that does not leave at once; freed when it has */
    ListNode link;
    S3Server *server;
    HttpExchange *ex;
    LoopTimer *timer;
    Buf body;
    size_t at, piece;
    S3Wire wire;
    bool owes_wake;
} SlowAnswer;

static void slow_free(void *arg) {
    SlowAnswer *s = arg;
    list_remove(&s->link);
    loop_timer_free(s->timer);
    buf_done(&s->body);
    mem_free(s);
}

static void slow_timer(void *arg) {
    SlowAnswer *s = arg;
    if (s->wire == S3_WIRE_STALL) {
        HttpReply late = { .status = 500 };
        http_reply(s->ex, &late);
        slow_free(s);
    } else if (s->owes_wake) {
        s->owes_wake = false;
        http_stream_wake(s->ex);
    }
}

static int slow_pump(void *arg, Buf *out) {
    SlowAnswer *s = arg;
    if (s->server->stopping)
        return -1;
    if (s->wire == S3_WIRE_CUT) {
        if (s->at > 0 || s->body.n < 2)
            return -1;
        s->at = s->body.n / 2;
        buf_put(out, s->body.p, s->at);
        return HTTP_PUMP_MORE;
    }
    size_t n = MIN(s->piece, s->body.n - s->at);
    buf_put(out, s->body.p + s->at, n);
    s->at += n;
    if (s->at == s->body.n)
        return HTTP_PUMP_DONE;
    s->owes_wake = true;
    loop_timer_start(s->timer, TRICKLE_MS, 0);
    return HTTP_PUMP_WAIT;
}

static void answer_slowly(S3Server *server, HttpExchange *ex, const S3SimReply *r, HttpReply *reply) {
    SlowAnswer *s = mem_new(SlowAnswer);
    s->server = server;
    s->ex = ex;
    s->wire = r->wire;
    s->piece = (size_t)MAX(r->wire_n, 1);
    s->timer = loop_timer_new(server->loop, slow_timer, s);
    list_push_back(&server->slow, &s->link);
    if (s->wire == S3_WIRE_STALL) {
        buf_done(&reply->body);
        loop_timer_start(s->timer, server->stopping ? 0 : r->wire_n, 0);
        return;
    }
    s->body = reply->body;
    reply->body = (Buf){ 0 };
    buf_init(&reply->body, 1); /* the head alone */
    reply->length = (int64_t)MAX(s->body.n, (size_t)1);
    http_reply_stream(ex, reply, slow_pump, s, slow_free);
}

static void ask(S3Server *server, Arena *a, HttpExchange *ex, S3SimReply *out) {
    HttpHeader headers[FIELDS_MAX];
    S3SimRequest req = {
        .method = ex->head.method, .path = ex->head.path, .query = ex->head.query, .headers = headers, .body = ex->body
    };
    for (; req.n_headers < MIN(ex->head.n_fields, (size_t)FIELDS_MAX); req.n_headers++)
        headers[req.n_headers] =
            (HttpHeader){ ex->head.fields[req.n_headers].name, ex->head.fields[req.n_headers].value };
    s3_sim_handle(server->sim, a, &req, clock_wall(server->clock), out);
}

static void handle(void *arg, HttpExchange *ex) {
    S3Server *server = arg;
    Arena arena = { 0 };
    S3SimReply r;
    HttpField fields[S3_SIM_HEADERS_MAX];
    HttpReply reply = { .fields = fields };
    pthread_mutex_lock(&server->lock);
    ask(server, &arena, ex, &r);
    buf_init(&reply.body, r.body.n + 1); /* copied under the lock: it may be the object's own */
    buf_put_str(&reply.body, r.body);
    for (size_t i = 0; i < r.n_headers; i++)
        fields[i] = (HttpField){ r.headers[i].name, str_dup(&arena, r.headers[i].value) };
    pthread_mutex_unlock(&server->lock);
    reply.status = r.status;
    reply.n_fields = r.n_headers;
    reply.length = r.length;
    atomic_fetch_add(&server->requests, 1);
    atomic_fetch_add(&server->refused, r.status / 100 == 4);
    if (r.wire == S3_WIRE_WHOLE)
        http_reply(ex, &reply);
    else
        answer_slowly(server, ex, &r, &reply);
    arena_done(&arena);
}

/* --- life --- */

static void *run_loop(void *arg) {
    S3Server *s = arg;
    sigset_t all; /* signals are for the process's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    loop_run(s->loop);
    return NULL;
}

static void server_free(S3Server *s) {
    http_server_free(s->http);
    loop_free(s->loop);
    s3_sim_free(s->sim);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

static void http_stopped(void *arg) {
    loop_stop(((S3Server *)arg)->loop);
}

/* On the loop: what waits is answered now, so that nobody is left hanging. */
static void stop_on_loop(void *arg) {
    S3Server *s = arg;
    s->stopping = true;
    LIST_FOR (l, &s->slow)
        loop_timer_start(LIST_ENTRY(l, SlowAnswer, link)->timer, 0, 0);
    http_server_stop(s->http, DRAIN_MS, http_stopped, s);
}

static int add_faults(S3Server *s, Ctx *cx, const Str *faults, size_t n) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = faults_add(s3_sim_faults(s->sim), cx, faults[i]);
    return r;
}

int s3_server_start(Ctx *cx, const S3ServerOptions *o, S3Server **out) {
    assert(o->clock);
    S3Server *s = mem_new(S3Server);
    HttpServerOptions ho;
    char why[256] = "";
    pthread_mutex_init(&s->lock, NULL);
    s->clock = o->clock;
    s->sim = s3_sim_new(&o->sim);
    list_init(&s->slow);
    s->loop = loop_new(o->loop_clock ? o->loop_clock : o->clock);
    http_server_options_default(&ho);
    ho.server_name = S("finsight-s3-sim");
    ho.max_body = S3_SIM_BODY_MAX;
    ho.max_header_bytes = HEADER_MAX;
    s->http = http_server_new(s->loop, &ho, handle, s);
    int r = add_faults(s, cx, o->faults, o->n_faults);
    if (r == 0) {
        r = http_server_listen_tcp(s->http, o->host ? o->host : "127.0.0.1", o->port, &s->port, why, sizeof why);
        if (r)
            err_set(cx, r, "S3 simulator: %s", why);
    }
    if (r == 0 && pthread_create(&s->thread, NULL, run_loop, s) != 0)
        r = err_set(cx, ERR_UNAVAILABLE, "S3 simulator: no thread to be had");
    if (r != 0) {
        server_free(s);
        return r;
    }
    *out = s;
    return 0;
}

S3Server *s3_server_stop(S3Server *s) {
    if (!s)
        return NULL;
    loop_post(s->loop, stop_on_loop, s);
    pthread_join(s->thread, NULL);
    server_free(s);
    return NULL;
}

int s3_server_port(const S3Server *s) {
    return s->port;
}

int64_t s3_server_requests(S3Server *s) {
    return atomic_load(&s->requests);
}

int64_t s3_server_refused(S3Server *s) {
    return atomic_load(&s->refused);
}

int s3_server_faults(S3Server *s, Ctx *cx, const Str *faults, size_t n) {
    pthread_mutex_lock(&s->lock);
    faults_clear(s3_sim_faults(s->sim));
    int r = add_faults(s, cx, faults, n);
    pthread_mutex_unlock(&s->lock);
    return r;
}

size_t s3_server_uploads(S3Server *s) {
    pthread_mutex_lock(&s->lock);
    size_t n = s3_sim_uploads(s->sim);
    pthread_mutex_unlock(&s->lock);
    return n;
}
