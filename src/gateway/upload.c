/* gateway/upload.c - large bodies on their way to a service elsewhere: piece by piece, as the service takes them.
 *
 * What is small comes whole: then it can be checked, changed by rules, and sent again. What may be large, on a route of the
 * configuration that allows it, is never whole in memory: the client is read as fast as the service reads, and a call is
 * not repeated once a byte of its body has been asked for. */

#include "gateway/internal.h"

enum { LARGE = 1 << 20 };

static bool may_be_large(const HttpHead *head) {
    Str told = http_field(head, S("content-length"));
    uint64_t n;
    if (told.p)
        return str_to_u64(told, &n) && n > LARGE;
    return str_eq(head->method, S("POST")) || str_eq(head->method, S("PUT")) || str_eq(head->method, S("PATCH"));
}

/* Without an operation there is nothing to check; rules that change bodies or replies need all of it. */
static bool may_stream(const Route *route) {
    return route->cluster && !route->op && !route->rpc && !route->rules && route->max_body > LARGE;
}

HttpIntake upload_intake(Gateway *g, const HttpHead *head) {
    if (!may_be_large(head))
        return HTTP_BODY_WHOLE;
    Arena scratch = { 0 };
    Ctx cx;
    RouteHit hit;
    ctx_init(&cx, &scratch, g->o.clock);
    int r = route_table_find(g->routes->table, &cx, head->method, head->path, &hit);
    bool streams = r == 0 && may_stream(hit.target);
    arena_done(&scratch);
    return streams ? HTTP_BODY_STREAM : HTTP_BODY_WHOLE;
}

static int pump(void *arg, Buf *out) {
    Request *rq = arg;
    int r = http_body_read(rq->ex, out);
    if (r < 0)
        rq->upload_err = r;
    return r;
}

static void on_body(HttpExchange *ex) {
    Request *rq = ex->user;
    if (rq->call)
        cluster_wake(rq->call);
}

void upload_begin(Request *rq, ClusterRequest *call) {
    if (rq->ex->intake != HTTP_BODY_STREAM)
        return;
    uint64_t n = 0;
    str_to_u64(http_field(&rq->ex->head, S("content-length")), &n);
    rq->ex->on_body = on_body;
    call->up.length = n;
    call->up.body = (Str){ 0 };
    call->up.pump = pump;
    call->up.pump_arg = rq;
    call->repeatable = false;
}

/* The client is why a call failed, where it is: a body too large, cut short, too slow. */
void upload_blame(const Request *rq, ClusterFailure *why) {
    static const char *const words = "the body did not come whole";
    if (rq->upload_err == 0)
        return;
    *why = (ClusterFailure){ .err = rq->upload_err, .stage = "request", .words = words };
    if (rq->upload_err == ERR_TOO_LARGE)
        why->words = "the body is larger than this path takes";
}
