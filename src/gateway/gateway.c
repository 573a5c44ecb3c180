/* gateway/gateway.c - from an exchange to an operation's lane; see gateway.h. */

#include "gateway/internal.h"

#include "gateway/hop.h"
#include "net/send_turn.h"

#include <stdio.h>

static const char *const status_class[] = { "other", "1xx", "2xx", "3xx", "4xx", "5xx" };

void op_metrics_init(Gateway *g, OpMetrics *m, Str op) {
    for (size_t c = 0; c < ARRAY_LEN(status_class); c++)
        m->requests[c] = metrics_counter(g->o.metrics, "finsight_http_requests_total",
                                         "Finished requests by operation and status class.",
                                         METRIC_L({ "op", op }, { "status", str_c(status_class[c]) }));
    m->seconds =
        metrics_histogram(g->o.metrics, "finsight_http_request_seconds",
                          "Time from the first byte of a request to its reply.", NULL, 0, METRIC_L({ "op", op }));
}

/* OBS-09 .. OBS-11: what fails is what the platform could not do, or whose client left. */
void op_metrics_alias(Gateway *g, const OpMetrics *m, Str service, Str endpoint) {
    enum { OTHER, FAILED = 5 };
    if (!g->o.metric_aliases)
        return;
    Metrics *r = g->o.metrics;
    const Counter *all[] = { m->requests[1], m->requests[2],     m->requests[3],
                             m->requests[4], m->requests[OTHER], m->requests[FAILED] };
    enum { GOOD = 4, ALL = ARRAY_LEN(all) };
#define OF METRIC_L({ "service", service }, { "endpoint", endpoint })
    metrics_counter_sum(r, "python_services_requests_total", "Requests by service and endpoint.", OF, all, ALL);
    metrics_counter_sum(r, "python_services_requests_success_total", "Requests that were answered.", OF, all, GOOD);
    metrics_counter_sum(r, "python_services_requests_failed_total", "Requests that were not.", OF, all + GOOD,
                        ALL - GOOD);
    metrics_histogram_sum(r, "python_services_request_latency_seconds", "Time of a request.", OF, m->seconds);
#undef OF
}

/* --- callbacks of the HTTP server, on the loop --- */

static int64_t body_limit(void *arg, const HttpHead *head) {
    Gateway *g = arg;
    bool framed =
        head->major == 2 ? !str_eq(head->method, S("GET")) : http_field(head, S("transfer-encoding")).p != NULL;
    if (!framed && !http_field(head, S("content-length")).p)
        return 1024; /* there is no body to limit */
    const GatewayDoor *door = door_of(g, head->path);
    if (door)
        return (int64_t)door->max_body;
    Arena scratch = { 0 };
    Ctx cx;
    ctx_init(&cx, &scratch, g->o.clock);
    RouteHit hit;
    /* An unknown path keeps a small body, so that its refusal is the uniform 404 and not a broken connection. */
    enum { SMALL = 64 << 10 };
    int r = route_table_find(g->routes->table, &cx, head->method, head->path, &hit);
    const Route *route = r == 0 ? hit.target : NULL;
    int64_t limit = !route ? SMALL : grpc_is_call(head) ? grpc_body_max(route) : (int64_t)route->max_body;
    arena_done(&scratch);
    return MAX(limit, (int64_t)1024);
}

/* Calls of gRPC come message by message, what goes elsewhere and may be large piece by piece. */
static HttpIntake intake(void *arg, const HttpHead *head) {
    return grpc_is_call(head) ? HTTP_BODY_OPEN : upload_intake(arg, head);
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

/* The access log's line. It carries the request's own ids, so that one id finds line, failure and answer. It is written
 * with the others of the same turn of the loop: under load that is one call of the kernel for dozens of them. */
static void log_request(Gateway *g, const Request *rq, const HttpExchange *ex, const HttpDone *done) {
    char text[TRACE_ID_TEXT];
    const Trace *t = rq ? &rq->cx.trace : &(Trace){ 0 };
    Str trace_id = t->trace_hi | t->trace_lo ? trace_id_write(t->trace_hi, t->trace_lo, text) : (Str){ 0 };
    const LogField fields[] = {
        F_STR("method", ex->head.method),   F_STR("path", ex->head.path),     F_I64("status", done->status),
        F_I64("bytes", done->sent),         F_BOOL("aborted", done->aborted), F_STR("peer", ex->head.peer),
        F_MS((double)done->took_ns * 1e-6), F_STR("trace_id", trace_id),
    };
    log_batch_record(&g->access, g->o.log, rq ? &rq->cx : NULL, LEVEL_INFO, S("request"), fields,
                     ARRAY_LEN(fields) - !trace_id.n);
    loop_later(g->o.loop, &g->access_end);
}

static void access_end(void *arg) {
    Gateway *g = arg;
    log_batch_end(&g->access, g->o.log);
}

static void on_done(void *arg, const HttpExchange *ex, const HttpDone *done) {
    Gateway *g = arg;
    Request *rq = ex->user; /* NULL: refused before it was a request */
    const OpMetrics *m = rq ? rq->metrics : &g->none;
    int class = CLAMP(done->status / 100, 0, 5);
    counter_inc(m->requests[class]);
    histogram_observe(m->seconds, (double)done->took_ns * 1e-9);
    if (g->o.requests)
        request_stats_done(g->o.requests, (double)done->took_ns * 1e-6, done->aborted || done->status >= 500);
    if (g->o.access_log && log_on(g->o.log, LEVEL_INFO))
        log_request(g, rq, ex, done);
    if (rq) {
        traced_done(rq, ex, done);
        gateway_note_done(rq, done->status);
        request_ended(rq);
    }
}

/* Kinds of clients that were cut: a flood of frames, a reply that nobody read, replies that waited when there was no room. */
static void on_cut(void *arg, const char *why) {
    Gateway *g = arg;
    if (strcmp(why, "unread") == 0) {
        counter_inc(g->cut_unread);
        return;
    }
    counter_inc(metrics_counter(g->o.metrics, "finsight_http2_cut_total", "Clients of HTTP/2 that were cut, by reason.",
                                METRIC_L({ "why", str_c(why) })));
}

/* A client whose certificate is not believed, or that speaks another TLS: noted as a login that failed. */
static void on_handshake(void *arg, Str peer, const char *why) {
    Gateway *g = arg;
    counter_inc(
        metrics_counter(g->o.metrics, "finsight_tls_refused_total", "TLS handshakes that failed.", METRIC_NO_LABELS));
    if (g->o.on_event)
        g->o.on_event(g->o.event_arg,
                      &(AuditEvent){ .who = S("anonymous"),
                                     .action = S("tls.refused"),
                                     .outcome = S("unauthorized"),
                                     .address = client_address(peer, (Str){ 0 }, NULL, 0),
                                     .detail = str_c(why) },
                      true);
    LOG_WARNING(g->o.log, NULL, S("TLS handshake refused"), F_STR("peer", peer), F_STR("reason", str_c(why)));
}

/* --- a request, on the loop --- */

static void handle(void *arg, HttpExchange *ex) {
    stages_run(request_new(arg, ex));
}

/* --- life cycle --- */

static double read_connections(void *arg) {
    HttpServerStats s;
    http_server_stats(((Gateway *)arg)->server, &s);
    return (double)s.connections;
}

static char *text_new(Str s) {
    char *z = mem_zalloc(s.n + 1);
    memcpy(z, s.n ? s.p : "", s.n);
    return z;
}

Limiter *gateway_limiter(const Gateway *g, const char *name, int64_t a_minute) {
    enum { MINUTE_MS = 60 * 1000, CLIENTS = 64 * 1024 };
    LimitRule rule = { name, LIMIT_SLIDING, a_minute, MINUTE_MS };
    if (a_minute > LIMIT_SLIDING_MAX)
        rule.kind = LIMIT_BUCKET;
    return a_minute > 0 ? limiter_new(&rule, CLIENTS, ids_u64(g->o.ids)) : NULL;
}

static void take_options(Gateway *g, const GatewayOptions *o) {
    size_t n = o->n_roles;
    g->o = *o;
    g->sends = send_turn_new(o->loop, o->http.send_helpers);
    ids_batch_init(&g->ids, o->ids);
    g->o.ids = &g->ids.ids;
    g->roles = mem_new_n(ApiRole, n + 1);
    g->tables = mem_new_n(const OpTable *, n + o->topology.n_remotes + 1);
    for (size_t i = 0; i < n; i++) {
        g->roles[i] = o->roles[i];
        g->tables[g->n_tables++] = o->roles[i].table;
    }
    for (size_t i = 0; i < o->topology.n_remotes; i++)
        g->tables[g->n_tables++] = o->topology.remotes[i].table;
    g->hops = mem_new_n(ClientNet, o->n_hops + 1);
    memcpy(g->hops, o->n_hops ? o->hops : g->hops, o->n_hops * sizeof *g->hops);
    g->admin_key = text_new(o->admin_key);
    g->internal_key = text_new(o->internal_key);
    g->by_flood = gateway_limiter(g, "flood", o->limits.flood);
    g->by_address = gateway_limiter(g, "ip", o->limits.anonymous);
    g->by_key = gateway_limiter(g, "key", o->limits.keyed);
    enum { ANY = 1000000 }; /* each route says its own number */
    g->by_route = gateway_limiter(g, "route", ANY);
    g->shed =
        metrics_counter(o->metrics, "finsight_upstream_shed_total",
                        "Calls refused because a service has more to do than it can answer in time.", METRIC_NO_LABELS);
    g->started = clock_wall(o->clock);
}

/* SEC-13 .. SEC-17: on every reply, refusals of the server itself too. */
#define FIXED_LINES                                                                                                    \
    "X-Content-Type-Options: nosniff\r\n"                                                                              \
    "X-Frame-Options: DENY\r\n"                                                                                        \
    "X-XSS-Protection: 1; mode=block\r\n"                                                                              \
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; base-uri 'none'\r\n"                         \
    "Referrer-Policy: no-referrer\r\n"

static bool from_hop(void *arg, Str peer) {
    const Gateway *g = arg;
    return client_trusted(client_host(peer), g->hops, g->o.n_hops);
}

static void serve(Gateway *g) {
    const GatewayOptions *o = &g->o;
    HttpServerOptions http = o->http;
    http.sends = g->sends;
    http.on_head = body_limit;
    http.proxied = g->o.proxy_protocol ? from_hop : NULL;
    http.on_intake = intake;
    http.on_refuse = refusal_body;
    http.on_done = on_done;
    http.on_cut = on_cut;
    http.on_handshake = on_handshake;
    http.fixed_lines = S(FIXED_LINES);
    http.fixed_secure_lines = S("Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n");
    g->server = http_server_new(o->loop, &http, handle, g);
    if (o->live_source)
        g->live = live_hub_new(&(LiveHubOptions){ .loop = o->loop,
                                                  .lane = o->cpu,
                                                  .clock = o->clock,
                                                  .source = o->live_source,
                                                  .news = o->live_news,
                                                  .metrics = o->metrics,
                                                  .live = o->live });
    g->cut_unread =
        metrics_counter(o->metrics, "finsight_http_cut_unread_total",
                        "Clients cut because all replies that waited to be read were too many.", METRIC_NO_LABELS);
    g->connections = metrics_gauge(o->metrics, "finsight_http_connections", "Open connections.", METRIC_NO_LABELS);
    metrics_gauge_read(g->connections, read_connections, g);
}

int gateway_new(Ctx *cx, const GatewayOptions *o, Gateway **out) {
    Gateway *g = mem_new(Gateway);
    pthread_mutex_init(&g->pool.lock, NULL);
    take_options(g, o);
    op_metrics_init(g, &g->none, S("none"));
    list_init(&g->batches);
    list_init(&g->holds);
    loop_later_init(&g->access_end, access_end, g);
    keep_new(g, o->keep_bytes);
    int r = grpc_door_open(g, cx);
    if (r == 0)
        r = gateway_routes(g, cx, &o->topology);
    if (r != 0) {
        gateway_free(g);
        return r;
    }
    refuse_init(g);
    pages_make(g);
    serve(g);
    *out = g;
    return 0;
}

HttpServer *gateway_server(Gateway *g) {
    return g->server;
}

Gateway *gateway_free(Gateway *g) {
    if (!g)
        return NULL;
    if (g->connections)
        metrics_gauge_read(g->connections, NULL, NULL);
    http_server_free(g->server); /* ends every connection, live ones too */
    live_hub_free(g->live);
    if (g->server)
        batches_end(g);
    keep_done(g);
    grpc_door_close(g);
    request_pool_done(g);
    routes_unref(g->routes);
    VEC_FOR (c, &g->clusters)
        cluster_free(*c);
    VEC_FOR (c, &g->retired)
        cluster_free(*c);
    vec_done(&g->clusters);
    vec_done(&g->retired);
    guard_done(g);
    limiter_free(g->by_flood);
    limiter_free(g->by_address);
    limiter_free(g->by_key);
    limiter_free(g->by_route);
    pages_free(g);
    send_turn_free(g->sends);
    loop_later_stop(&g->access_end);
    log_batch_done(&g->access, g->o.log);
    mem_free(g->hops);
    mem_free(g->admin_key);
    mem_free(g->internal_key);
    mem_free(g->tables);
    mem_free(g->roles);
    return mem_free(g);
}
