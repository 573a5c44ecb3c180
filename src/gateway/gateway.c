/* gateway/gateway.c - from an exchange to an operation's lane; see gateway.h. */

#include "gateway/internal.h"

#include "gateway/auth.h"
#include "gateway/hop.h"

#include <stdio.h>

static const char *const status_class[] = { "other", "1xx", "2xx", "3xx", "4xx", "5xx" };

void *gateway_role_of(Gateway *g, const Op *op) {
    for (size_t i = 0; i < g->o.n_roles; i++)
        for (size_t k = 0; k < g->roles[i].table->n_ops; k++)
            if (g->roles[i].table->ops[k] == op)
                return g->roles[i].role;
    return NULL;
}

OpMetrics *gateway_op_metrics(Gateway *g, const Op *op) {
    size_t at = 0;
    for (size_t i = 0; op && i < g->o.n_roles; i++)
        for (size_t k = 0; k < g->roles[i].table->n_ops; k++, at++)
            if (g->roles[i].table->ops[k] == op)
                return &g->op_metrics[at];
    return &g->op_metrics[g->n_ops];
}

static void op_metrics_init(Gateway *g, OpMetrics *m, Str op) {
    for (size_t c = 0; c < ARRAY_LEN(status_class); c++)
        m->requests[c] = metrics_counter(g->o.metrics, "finsight_http_requests_total",
                                         "Finished requests by operation and status class.",
                                         METRIC_L({ "op", op }, { "status", str_c(status_class[c]) }));
    m->seconds =
        metrics_histogram(g->o.metrics, "finsight_http_request_seconds",
                          "Time from the first byte of a request to its reply.", NULL, 0, METRIC_L({ "op", op }));
}

/* --- callbacks of the HTTP server, on the loop --- */

static int64_t body_limit(void *arg, const HttpHead *head) {
    Gateway *g = arg;
    if (!http_field(head, S("content-length")).p && !http_field(head, S("transfer-encoding")).p)
        return 1024; /* there is no body to limit */
    Arena scratch = { 0 };
    Ctx cx;
    ctx_init(&cx, &scratch, g->o.clock);
    OpMatch match = { 0 };
    /* An unknown path keeps a small body, so that its refusal is the uniform 404 and not a broken connection. */
    enum { SMALL = 64 << 10 };
    int64_t limit =
        op_route(g->router, &cx, head->method, head->path, &match) == 0 ? (int64_t)match.op->max_body : SMALL;
    arena_done(&scratch);
    return MAX(limit, 1024);
}

static void refusal_body(void *arg, int status, const char *code, const char *message, Buf *body) {
    UNUSED(status);
    Gateway *g = arg;
    Arena scratch = { 0 };
    Ctx cx;
    ctx_init(&cx, &scratch, g->o.clock);
    cx.trace.request_id = cx.trace.correlation_id = ids_uuid4(g->o.ids, &scratch);
    err_set(&cx, err_from_name(code, strlen(code)), "%s", message);
    JsonWriter w;
    json_writer_init(&w, body, false);
    op_write_error(&w, &cx);
    arena_done(&scratch);
}

/* The access log's line. It carries the request's own ids, so that one id finds line, failure and answer. */
static void log_request(Gateway *g, const Request *rq, const HttpExchange *ex, const HttpDone *done) {
    enum { TRACE_MAX = 33 };
    char trace_id[TRACE_MAX] = "";
    const Trace *t = rq ? &rq->cx.trace : &(Trace){ 0 };
    if (t->trace_hi | t->trace_lo)
        snprintf(trace_id, sizeof trace_id, "%016llx%016llx", (unsigned long long)t->trace_hi,
                 (unsigned long long)t->trace_lo);
    const LogField fields[] = {
        F_STR("method", ex->head.method),   F_STR("path", ex->head.path),       F_I64("status", done->status),
        F_I64("bytes", done->sent),         F_BOOL("aborted", done->aborted),   F_STR("peer", ex->head.peer),
        F_MS((double)done->took_ns * 1e-6), F_STR("trace_id", str_c(trace_id)),
    };
    log_record(g->o.log, rq ? &rq->cx : NULL, LEVEL_INFO, S("request"), fields, ARRAY_LEN(fields) - !trace_id[0]);
}

static void on_done(void *arg, const HttpExchange *ex, const HttpDone *done) {
    Gateway *g = arg;
    Request *rq = ex->user; /* NULL: refused before it was a request */
    const OpMetrics *m = rq ? rq->metrics : gateway_op_metrics(g, NULL);
    int class = CLAMP(done->status / 100, 0, 5);
    counter_inc(m->requests[class]);
    histogram_observe(m->seconds, (double)done->took_ns * 1e-9);
    if (g->o.requests)
        request_stats_done(g->o.requests, (double)done->took_ns * 1e-6, done->aborted || done->status >= 500);
    if (g->o.access_log && log_on(g->o.log, LEVEL_INFO))
        log_request(g, rq, ex, done);
    if (rq)
        request_ended(rq);
}

/* Kinds of clients that were cut: a flood of frames, a reply that nobody read. */
static void on_cut(void *arg, const char *why) {
    Gateway *g = arg;
    counter_inc(metrics_counter(g->o.metrics, "finsight_http2_cut_total", "Clients of HTTP/2 that were cut, by reason.",
                                METRIC_L({ "why", str_c(why) })));
}

/* --- a request, on the loop --- */

int gateway_caller(Request *rq, Role needed) {
    const HttpHead *head = &rq->ex->head;
    Credentials c = { .api_key = http_field(head, S("x-api-key")),
                      .authorization = http_field(head, S("authorization")),
                      .local = head->local };
    Role keyless = rq->g->o.open_reading ? ROLE_READ : ROLE_NONE;
    int r = auth_principal(&rq->cx, &c, str_c(rq->g->admin_key), keyless, &rq->cx.principal);
    return r == 0 ? auth_allow(&rq->cx, &rq->cx.principal, needed) : r;
}

/* Route, form of the answer, caller: everything that costs no body and no store. */
static int admit(Request *rq) {
    const HttpHead *head = &rq->ex->head;
    int r = op_route(rq->g->router, &rq->cx, rq->head_only ? S("GET") : head->method, head->path, &rq->match);
    if (r != 0)
        return r;
    const Op *op = rq->match.op;
    rq->metrics = gateway_op_metrics(rq->g, op);
    rq->role = gateway_role_of(rq->g, op);
    rq->media = op->raw ? MEDIA_JSON : negotiate_media(http_field(head, S("accept")), op->csv && !op->max_body);
    if (rq->media == MEDIA_NONE)
        return err_set(&rq->cx, ERR_UNACCEPTABLE, "the answer can be had as application/json%s",
                       op->csv && !op->max_body ? " or text/csv" : "");
    rq->cx.deadline = mono_add_ms(rq->ex->started, op->deadline_ms);
    r = hop_deadline(&rq->cx, http_field(head, S(API_HEADER_DEADLINE)), rq->ex->started, &rq->cx.deadline);
    return r == 0 ? gateway_caller(rq, op->role) : r;
}

/* Which methods a path has. Asking changes nothing and needs no key. */
static void answer_options(Request *rq) {
    const HttpHead *head = &rq->ex->head;
    if (str_eq(head->path, S("*")))
        rq->match.allow = S("GET, HEAD, POST, DELETE, OPTIONS");
    else if (op_route(rq->g->router, &rq->cx, head->method, head->path, &rq->match) != ERR_METHOD) {
        request_fail(rq);
        return;
    }
    Buf none = { 0 };
    HttpField allow = { S("Allow"), rq->match.allow };
    request_reply(rq, 204, (Str){ 0 }, &none, &allow, 1);
}

static Lane *lane_of(const Gateway *g, const Op *op) {
    return op->lane == LANE_FEED ? g->o.feed : op->lane == LANE_IO ? g->o.io : g->o.cpu;
}

static void handle(void *arg, HttpExchange *ex) {
    Gateway *g = arg;
    Request *rq = request_new(g, ex);
    if (pages_serve(rq) || live_serve(rq))
        return;
    if (str_eq(ex->head.method, S("OPTIONS"))) {
        answer_options(rq);
        return;
    }
    if (admit(rq) != 0) {
        request_fail(rq);
        return;
    }
    const Op *op = rq->match.op;
    if (op->lane == LANE_LOOP) {
        request_run(rq, 0);
        return;
    }
    LaneJob job = { .run = request_run, .arg = rq, .deadline = rq->cx.deadline };
    if (lane_post(lane_of(g, op), &job) != 0) {
        err_set(&rq->cx, ERR_BUSY, "too much work is waiting; try again in a second");
        rq->cx.err.retry_after_ms = 1000;
        request_fail(rq);
    }
}

/* --- life cycle --- */

static double read_connections(void *arg) {
    HttpServerStats s;
    http_server_stats(((Gateway *)arg)->server, &s);
    return (double)s.connections;
}

Gateway *gateway_new(const GatewayOptions *o) {
    Gateway *g = mem_new(Gateway);
    g->o = *o;
    pthread_mutex_init(&g->pool.lock, NULL);
    ids_batch_init(&g->ids, o->ids);
    g->o.ids = &g->ids.ids;
    g->roles = mem_new_n(ApiRole, o->n_roles);
    g->tables = mem_new_n(const OpTable *, o->n_roles);
    for (size_t i = 0; i < o->n_roles; i++) {
        g->roles[i] = o->roles[i];
        g->tables[i] = o->roles[i].table;
        g->n_ops += o->roles[i].table->n_ops;
    }
    g->admin_key = mem_zalloc(o->admin_key.n + 1);
    if (o->admin_key.n)
        memcpy(g->admin_key, o->admin_key.p, o->admin_key.n);
    g->started = clock_wall(o->clock);
    g->router = op_router_new(g->tables, o->n_roles);

    g->op_metrics = mem_new_n(OpMetrics, g->n_ops + 1);
    size_t at = 0;
    for (size_t i = 0; i < o->n_roles; i++)
        for (size_t k = 0; k < g->tables[i]->n_ops; k++)
            op_metrics_init(g, &g->op_metrics[at++], str_c(g->tables[i]->ops[k]->name));
    op_metrics_init(g, &g->op_metrics[at], S("none"));
    pages_make(g);

    HttpServerOptions http = o->http;
    http.on_head = body_limit;
    http.on_refuse = refusal_body;
    http.on_done = on_done;
    http.on_cut = on_cut;
    g->server = http_server_new(o->loop, &http, handle, g);
    if (o->live_source)
        g->live = live_hub_new(&(LiveHubOptions){ .loop = o->loop,
                                                  .lane = o->cpu,
                                                  .clock = o->clock,
                                                  .source = o->live_source,
                                                  .metrics = o->metrics,
                                                  .live = o->live });
    g->connections = metrics_gauge(o->metrics, "finsight_http_connections", "Open connections.", METRIC_NO_LABELS);
    metrics_gauge_read(g->connections, read_connections, g);
    return g;
}

HttpServer *gateway_server(Gateway *g) {
    return g->server;
}

Gateway *gateway_free(Gateway *g) {
    if (!g)
        return NULL;
    metrics_gauge_read(g->connections, NULL, NULL);
    http_server_free(g->server); /* ends every connection, live ones too */
    live_hub_free(g->live);
    request_pool_done(g);
    op_router_free(g->router);
    pages_free(g);
    mem_free(g->op_metrics);
    mem_free(g->admin_key);
    mem_free(g->tables);
    mem_free(g->roles);
    return mem_free(g);
}
