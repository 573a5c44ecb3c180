/* gateway/proxy.c - a request that a service in another process answers. On the loop, without a worker. */

#include "gateway/internal.h"

#include "gateway/forward.h"
#include "net/http_tunnel.h"

/* --- the reply --- */

/* The reply's head: what the service said, and what this hop says of itself. */
static HttpField *reply_fields(Request *rq, const UpHead *head, size_t *n) {
    HttpField *fields;
    forward_reply(&rq->arena, head->fields, head->n_fields, &fields, n);
    if (rq->route->rules && rq->route->rules->fields[RULE_REPLY])
        rules_fields(rq->route->rules, RULE_REPLY, &rq->arena, &fields, n, FORWARD_ROOM);
    *n += request_own_fields(rq, fields + *n);
    if (cluster_moved(rq->call))
        fields[(*n)++] = (HttpField){ S(FALLBACK_FIELD), S("other-instance") };
    return fields;
}

static int pump(void *arg, Buf *out) {
    Request *rq = arg;
    return rq->call ? cluster_take(rq->call, out) : ERR_DENIED;
}

/* What the client has of it stays a broken body: it is not told as an end. */
static void key_gone(KeyHold *h) {
    Request *rq = CONTAINER_OF(h, Request, hold);
    cluster_close(TAKE(rq->call));
    http_stream_wake(rq->ex);
}

static void pump_done(void *arg) {
    Request *rq = arg;
    hold_over(&rq->hold);
    cluster_close(TAKE(rq->call));
    request_left(rq);
}

static void reply_whole(Request *rq, HttpReply *reply) {
    int r = cluster_take(rq->call, &reply->body);
    assert(r == HTTP_PUMP_DONE);
    UNUSED(r);
    rq->ex->on_gone = NULL;
    request_answer(rq, reply); /* copies the fields, which lie in the call */
    cluster_close(TAKE(rq->call));
    request_left(rq);
}

void proxy_refuse(Request *rq, const ClusterFailure *why) {
    rq->stage = why->stage;
    rq->ex->on_gone = NULL;
    Str service = cluster_name(rq->route->cluster);
    err_set(&rq->cx, why->err, "%s (" STR_FMT ")", why->words, STR_ARG(service));
    rq->cx.err.retry_after_ms = why->retry_after_ms;
    request_fail(rq);
}

/* --- a pipe --- */

enum { TUNNEL_IDLE_MS = 10 * 60 * 1000 };

typedef struct Pipe { /* between a client and a service, after the request is over */
    ClusterCall *call;
    HttpTunnel *tunnel;
    KeyHold hold;
} Pipe;

static int pipe_take(void *arg, Buf *out) {
    return cluster_take(((Pipe *)arg)->call, out);
}

static void pipe_push(void *arg, Str bytes) {
    cluster_push(((Pipe *)arg)->call, bytes);
}

static size_t pipe_queued(void *arg) {
    return cluster_queued(((Pipe *)arg)->call);
}

static void pipe_close(void *arg) {
    Pipe *p = arg;
    hold_over(&p->hold);
    cluster_close(p->call);
    mem_free(p);
}

static void pipe_more(void *arg) {
    http_tunnel_wake(((Pipe *)arg)->tunnel);
}

static void pipe_drained(void *arg) {
    http_tunnel_drain(((Pipe *)arg)->tunnel);
}

/* A frame may be half through: there is no place for a word of ours. */
static void pipe_key_gone(KeyHold *h) {
    http_tunnel_cut(CONTAINER_OF(h, Pipe, hold)->tunnel);
}

static const TunnelEnd pipe_end = { pipe_take, pipe_push, pipe_queued, pipe_close };
static const ClusterEvents pipe_events = { .more = pipe_more, .drained = pipe_drained };

static void switch_protocols(Request *rq, const UpHead *head) {
    HttpField *fields;
    size_t n;
    forward_reply(&rq->arena, head->fields, head->n_fields, &fields, &n);
    n += request_own_fields(rq, fields + n);
    fields[n++] = (HttpField){ S("Connection"), S("Upgrade") };
    fields[n++] = (HttpField){ S("Upgrade"), http_field(&rq->ex->head, S("upgrade")) };
    Pipe *p = mem_new(Pipe);
    rq->ex->on_gone = NULL;
    if (http_tunnel(rq->ex, fields, n, TUNNEL_IDLE_MS, &pipe_end, p, &p->tunnel) == 0) {
        p->call = TAKE(rq->call);
        cluster_adopt(p->call, &pipe_events, p);
        hold_begin(rq, &p->hold, pipe_key_gone);
        request_left(rq);
        return;
    }
    mem_free(p);
    cluster_close(TAKE(rq->call));
    err_set(&rq->cx, ERR_BAD_REQUEST, "a request to switch protocols comes alone, over HTTP/1.1 and without a body");
    request_fail(rq);
}

/* Only what is passed on as one: WebSocket. */
static bool wants_upgrade(const HttpHead *head) {
    return str_eq(head->method, S("GET")) && head->major == 1 && head->minor == 1 &&
           str_eq_nocase(http_field(head, S("upgrade")), S("websocket"));
}

/* --- what the service says --- */

void proxy_head(Request *rq, const UpHead *head) {
    if (head->status == 101) {
        switch_protocols(rq, head);
        return;
    }
    if (head->status > 599) { /* a number HTTP does not have */
        cluster_close(TAKE(rq->call));
        proxy_refuse(rq, &(ClusterFailure){ ERR_GATEWAY, "upstream",
                                            "the service answered with a status that HTTP does not have", 0 });
        return;
    }
    fetch_changed(rq, head->status);
    HttpReply reply = { .status = head->status, .body = rq->early };
    rq->early = (Buf){ 0 };
    reply.fields = reply_fields(rq, head, &reply.n_fields);
    reply.length = rq->head_only ? head->length : MAX(head->length, (int64_t)0);
    if (head->whole) {
        reply.length = rq->head_only ? reply.length : 0;
        reply_whole(rq, &reply);
        return;
    }
    rq->streaming = true;
    hold_begin(rq, &rq->hold, key_gone);
    http_reply_stream(rq->ex, &reply, pump, rq, pump_done);
}

static void on_head(void *arg, const UpHead *head) {
    proxy_head(arg, head);
}

static void on_fail(void *arg, const ClusterFailure *why) {
    Request *rq = arg;
    ClusterFailure told = *why;
    rq->call = NULL;
    upload_blame(rq, &told);
    proxy_refuse(rq, &told);
}

static void on_more(void *arg) {
    http_stream_wake(((Request *)arg)->ex);
}

const ClusterEvents proxy_events = { .head = on_head, .fail = on_fail, .more = on_more };

/* The client is gone: nobody waits for the service any more. */
void proxy_gone(HttpExchange *ex) {
    Request *rq = ex->user;
    if (rq->streaming) {
        http_stream_wake(ex); /* ends the stream, which closes the call */
        return;
    }
    cluster_close(TAKE(rq->call));
    err_set(&rq->cx, ERR_CANCELLED, "the client is gone");
    request_fail(rq);
}

/* --- the request --- */

static char *put(char *to, Str s) {
    memcpy(to, s.n ? s.p : "", s.n);
    return to + s.n;
}

/* The route's prefix and what "*" took. */
static Str prefixed(Arena *a, Str prefix, Str rest) {
    bool slash = !str_ends(prefix, S("/"));
    char *start = arena_alloc(a, prefix.n + rest.n + 1), *to = put(start, prefix);
    to = put(put(to, slash ? S("/") : S("")), rest);
    return str_n(start, (size_t)(to - start));
}

/* What the service is asked for: the path as routed, or as the route changes it; and the query. */
static Str target_of(const Request *rq, Arena *a) {
    const Rules *rules = rq->route->rules;
    Str query = rq->ex->head.query, prefix = rq->route->prefix, path = rq->path;
    if (rules && rules->path.p)
        path = rules_path(rules, a, &rq->hit);
    else if (prefix.p)
        path = prefixed(a, prefix, rq->hit.rest);
    if (rules && rules->query)
        query = rules_query(rules, a, query);
    if (!query.p)
        return path;
    char *start = arena_alloc(a, path.n + query.n + 1), *to = put(start, path);
    to = put(put(to, S("?")), query);
    return str_n(start, (size_t)(to - start));
}

static bool repeatable(const Request *rq) {
    const HttpHead *head = &rq->ex->head;
    if (http_field(head, S("idempotency-key")).n)
        return true;
    if (rq->route->op)
        return rq->route->op->idempotent;
    return !str_eq(head->method, S("POST")) && !str_eq(head->method, S("PATCH"));
}

void proxy_request(Request *rq, Arena *a, const HttpHead *head, ClusterRequest *out) {
    const Gateway *g = rq->g;
    char *traceparent = arena_alloc(a, TRACEPARENT_TEXT); /* each attempt writes its own span there */
    Str peer = client_host(head->peer);
    ForwardRequest f = { .head = head,
                         .client = peer,
                         .trusted = client_trusted(peer, g->hops, g->o.n_hops),
                         .upgrade = wants_upgrade(head),
                         .trace = &rq->cx.trace,
                         .traceparent = traceparent_write(&rq->cx.trace, traceparent),
                         .left_ms = ctx_left_ms(&rq->cx, rq->route->timeout_ms),
                         .internal_key = str_c(g->internal_key),
                         .who = &rq->cx.principal };
    HttpField *fields;
    size_t n;
    forward_request(a, &f, &fields, &n);
    const Rules *rules = rq->route->rules;
    if (rules && rules->fields[RULE_REQUEST])
        rules_fields(rules, RULE_REQUEST, a, &fields, &n, 0);
    *out = (ClusterRequest){ .gate = rq->route->gate,
                             .hedge_ms = rq->route->hedge_ms,
                             .up = { .method = head->method,
                                     .target = target_of(rq, a),
                                     .host = head->host,
                                     .fields = fields,
                                     .n_fields = n,
                                     .body = rq->body,
                                     .deadline = rq->cx.deadline,
                                     .upgrade = f.upgrade },
                             .hurried = ctx_left_ms(&rq->cx, INT64_MAX) < rq->route->timeout_ms * 9 / 10,
                             .repeatable = repeatable(rq),
                             .answers = rq->route->op != NULL,
                             .spans = rq->cx.spans,
                             .parent = rq->cx.trace.span,
                             .traceparent = traceparent };
}

void proxy_start(Request *rq) {
    if (request_wants_whole(rq)) {
        fetch_alone(rq);
        return;
    }
    ClusterRequest call;
    proxy_request(rq, &rq->arena, &rq->ex->head, &call);
    upload_begin(rq, &call);
    rq->ex->on_gone = proxy_gone;
    rq->stage = "upstream";
    rq->call = cluster_send(rq->route->cluster, &call, &proxy_events, rq);
}
