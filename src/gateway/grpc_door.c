/* gateway/grpc_door.c - calls of gRPC among the requests: same address limit, key, role and limits (stages.c), then the
 * method of this process, or grpc_pass.c to a service elsewhere. A refusal is a status of gRPC that names its stage.
 *
 * A method is a route like any other: POST /package.Service/Method. */

#include "gateway/internal.h"

enum {
    CALL_BODY_MAX = INT32_MAX
}; /* of one call's messages together, where a method streams; each has its own limit */

/* --- routes --- */

static Route *method_route(Gateway *g, RouteSet *s, const GatewayRpc *rpc, const GrpcMethod *m, Str path) {
    Route *route = arena_new(&s->arena, Route);
    *route = (Route){ .rpc = m,
                      .role = rpc->role,
                      .metrics = arena_new(&s->arena, OpMetrics),
                      .calls = arena_new(&s->arena, RpcMetrics),
                      .needs = m->role,
                      .timeout_ms = m->deadline_ms,
                      .max_body = m->client_streams ? CALL_BODY_MAX
                                                    : GRPC_PREFIX + MAX(m->max_message, (size_t)GRPC_MESSAGE_MAX) };
    op_metrics_init(g, route->metrics, S("grpc"));
    route->calls->method = str_from(path, 1);
    return route;
}

static int add_service(Gateway *g, Ctx *cx, RouteSet *s, const GatewayRpc *rpc, Cluster *cluster) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < rpc->service->n_methods; i++) {
        const GrpcMethod *m = &rpc->service->methods[i];
        Str path = str_fmt(&s->arena, "/%s/%s", rpc->service->name, m->name);
        Route *route = method_route(g, s, rpc, m, path);
        route->cluster = cluster;
        r = route_table_add(s->table, cx, S("POST"), path, route);
    }
    return r;
}

static Cluster *cluster_of(Gateway *g, const GatewayTopology *t, const GatewayRpc *rpc) {
    for (size_t i = 0; i < t->n_remotes; i++)
        if (rpc->table && t->remotes[i].table == rpc->table)
            return gateway_cluster(g, t->remotes[i].cluster);
    return NULL;
}

int grpc_routes(Gateway *g, Ctx *cx, RouteSet *s, const GatewayTopology *t) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->n_rpcs; i++) {
        const GatewayRpc *rpc = &g->rpcs[i];
        Cluster *cluster = rpc->role ? NULL : cluster_of(g, t, rpc);
        if (rpc->role || cluster)
            r = add_service(g, cx, s, rpc, cluster);
    }
    return r;
}

/* --- what is known of the services themselves --- */

static void own_service(Gateway *g, const GrpcService *service, void *role) {
    g->rpcs[g->n_rpcs++] = (GatewayRpc){ .service = service, .role = role };
    grpc_reflection_serve(g->reflection, str_c(service->name));
}

int grpc_door_open(Gateway *g, Ctx *cx) {
    enum { OWN = 3 };
    const GatewayOptions *o = &g->o;
    g->health_calls = grpc_health_new();
    g->rpcs = mem_new_n(GatewayRpc, o->n_rpcs + OWN);
    int r = grpc_reflection_new(cx, o->rpc_descriptors, &g->reflection);
    if (r != 0)
        return r;
    for (size_t i = 0; i < o->n_rpcs; i++) {
        const GatewayRpc *rpc = &o->rpcs[i];
        g->rpcs[g->n_rpcs++] = *rpc;
        grpc_reflection_serve(g->reflection, str_c(rpc->service->name));
        grpc_health_set(g->health_calls, str_c(rpc->service->name), GRPC_SERVING);
    }
    own_service(g, &grpc_health_service, g->health_calls);
    own_service(g, &grpc_reflection_service, g->reflection);
    own_service(g, &grpc_reflection_service_v1alpha, g->reflection);
    return 0;
}

void grpc_door_close(Gateway *g) {
    grpc_health_free(g->health_calls);
    grpc_reflection_free(g->reflection);
    mem_free(g->rpcs);
}

void gateway_stopping(Gateway *g) {
    grpc_health_shutdown(g->health_calls);
}

/* --- a call --- */

/* The smaller of the method's own time and the client's. */
static int read_deadline(Request *rq) {
    const HttpExchange *ex = rq->ex;
    bool ours = rq->route->rpc != NULL; /* a call to others may last: a stream without a deadline is one that goes on */
    Str told = http_field(&ex->head, S("grpc-timeout"));
    int64_t ns;
    rq->cx.deadline = (MonoNs){ 0 };
    if (ours && rq->route->timeout_ms)
        rq->cx.deadline = mono_add_ms(ex->started, rq->route->timeout_ms);
    if (!told.p)
        return 0;
    if (!grpc_timeout_parse(told, &ns))
        return err_set_at(&rq->cx, ERR_BAD_REQUEST, S("grpc-timeout"), "'" STR_FMT "' is no time", STR_ARG(told));
    int64_t at = ns > INT64_MAX - ex->started.ns ? INT64_MAX : ex->started.ns + ns;
    if (!rq->cx.deadline.ns || at < rq->cx.deadline.ns)
        rq->cx.deadline.ns = at;
    return 0;
}

int grpc_route(Request *rq) {
    int r = routes_find(rq);
    if (r == 0 && !rq->route->rpc && !rq->route->cluster)
        r = ERR_NOT_FOUND;
    if (r == ERR_NOT_FOUND || r == ERR_METHOD)
        return err_set(&rq->cx, ERR_UNSUPPORTED, "there is no method " STR_FMT, STR_ARG(rq->ex->head.path));
    return r == 0 ? read_deadline(rq) : r;
}

int64_t grpc_body_max(const Route *route) {
    return route->rpc ? (int64_t)route->max_body : CALL_BODY_MAX;
}

void grpc_count(Request *rq, int status) {
    RpcMetrics *m = rq->route ? rq->route->calls : NULL;
    if (!m)
        return;
    if (!m->by_status[status])
        m->by_status[status] = metrics_counter(
            rq->g->o.metrics, "finsight_grpc_calls_total", "Finished calls of gRPC by method and status.",
            METRIC_L({ "method", m->method }, { "status", str_c(grpc_status_name(status)) }));
    counter_inc(m->by_status[status]);
}

static void call_done(void *arg, int status) {
    Request *rq = arg;
    hold_over(&rq->hold);
    grpc_count(rq, status);
    request_left(rq);
}

static void key_gone(KeyHold *h) {
    Request *rq = CONTAINER_OF(h, Request, hold);
    grpc_end(rq->rpc, grpc_status_of(hold_refusal(rq->g)), HOLD_WORDS);
}

void grpc_run(Request *rq) {
    const Gateway *g = rq->g;
    if (rq->route->cluster) {
        grpc_pass(rq);
        return;
    }
    Ctx cx = rq->cx;
    cx.spans = NULL; /* they are the loop's: a method may still run when the request is over */
    HttpField *fields = arena_alloc(&rq->arena, REQUEST_OWN_FIELDS * sizeof *fields);
    GrpcStart start = { .loop = g->o.loop,
                        .lanes = { [GRPC_ON_CPU] = g->o.cpu, [GRPC_ON_IO] = g->o.io, [GRPC_ON_FEED] = g->o.feed },
                        .method = rq->route->rpc,
                        .service = rq->route->role,
                        .cx = &cx,
                        .fields = fields,
                        .n_fields = request_own_fields(rq, fields),
                        .done = call_done,
                        .arg = rq,
                        .call = &rq->rpc };
    if (rq->route->rpc->client_streams || rq->route->rpc->server_streams)
        hold_begin(rq, &rq->hold, key_gone);
    rq->stage = NULL; /* what fails from here on is the method's own */
    grpc_start(rq->ex, &start);
}

void grpc_fail(Request *rq) {
    HttpField fields[REQUEST_OWN_FIELDS];
    size_t n = request_own_fields(rq, fields);
    rq->cx.err.stage = rq->stage;
    if (err_info(rq->cx.err.code)->http_status >= 500)
        log_failure(rq->g->o.log, &rq->cx, rq->ex->head.path);
    grpc_count(rq, grpc_status_of(rq->cx.err.code));
    grpc_refuse(rq->ex, &rq->cx, fields, n);
    request_left(rq);
}
