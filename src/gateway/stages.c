/* gateway/stages.c - what a request passes before anything is done for it, in this order (U36, SEC-18):
 *
 *   address        a limit on requests of one address: the cheapest refusal comes first
 *   refusal        does it have the form of an attack: its head here, its body when the route is known
 *   route          is there such a path, with that method
 *   authentication who asks: a key, a Bearer, a hop of ours, or nobody
 *   role           may they do that
 *   limit          so many requests of this key, on this route
 *   validation     does the input fit, where it is small enough to be looked at here
 *   rules          what the route changes of it (rules.h)
 *   cache          is an answer kept that may be told (keep.c)
 *
 * and then it goes to a lane of this process, or to a service in another (proxy.c). A refusal names its stage, so that
 * whoever is refused knows where to ask. All of it runs on the loop: no I/O, no lock that is ever waited for. */

#include "gateway/internal.h"

#include "gateway/forward.h"
#include "gateway/hop.h"

enum { CHECKED_BODY_MAX = 16 << 10 };

typedef struct Stage {
    const char *name;
    int (*run)(Request *rq); /* 0: go on; < 0: refused, with words */
} Stage;

/* --- address --- */

static int over(Request *rq, const LimitVerdict *v) {
    err_set(&rq->cx, ERR_LIMIT, LIMIT_TEXT);
    rq->cx.err.retry_after_ms = v->retry_after_ms;
    return ERR_LIMIT;
}

/* Counts the request; what is tight is told in the reply. */
static int take(Request *rq, Limiter *limiter, uint64_t key, int slot) {
    if (!limiter)
        return 0;
    LimitVerdict *v = &rq->verdicts[slot];
    bool ok = limiter_take(limiter, key, 0, rq->ex->started, v);
    rq->tell = rq->tell ? limit_tighter(rq->tell, v) : v;
    return ok ? 0 : over(rq, v);
}

static bool brings_key(const HttpHead *h) {
    return http_field(h, S(API_HEADER_KEY)).p || http_field(h, S("authorization")).p;
}

static int stage_address(Request *rq) {
    const Gateway *g = rq->g;
    const HttpHead *head = &rq->ex->head;
    Str told = g->o.n_hops ? http_field(head, S("x-forwarded-for")) : (Str){ 0 };
    rq->client = client_address(head->peer, told, g->hops, g->o.n_hops);
    if (head->local)
        return 0;
    int r = 0;
    if (g->by_flood)
        r = take(rq, g->by_flood, limit_key_ip(g->by_flood, rq->client), 0);
    /* Who brings a key is counted by the key, if it is one. */
    if (r == 0 && g->by_address && !brings_key(head))
        r = take(rq, g->by_address, limit_key_ip(g->by_address, rq->client), 1);
    return r;
}

/* --- route, authentication, role, limit --- */

static int stage_route(Request *rq) {
    const HttpHead *head = &rq->ex->head;
    if (rq->is_rpc)
        return grpc_route(rq);
    int r = routes_find(rq);
    if (r != 0)
        return r;
    const Route *route = rq->route;
    if (route->rpc)
        return err_set(&rq->cx, ERR_MEDIA_TYPE, "this is a method of gRPC: it takes application/grpc over HTTP/2");
    const Op *op = route->op;
    if (op && !route->cluster) {
        rq->media = op->raw ? MEDIA_JSON : negotiate_media(http_field(head, S("accept")), op->csv && !op->max_body);
        if (rq->media == MEDIA_NONE)
            return err_set(&rq->cx, ERR_UNACCEPTABLE, "the answer can be had as application/json%s",
                           op->csv && !op->max_body ? " or text/csv" : "");
    }
    rq->cx.deadline = mono_add_ms(rq->ex->started, route->timeout_ms);
    return hop_deadline(&rq->cx, http_field(head, S(API_HEADER_DEADLINE)), rq->ex->started, &rq->cx.deadline);
}

static int stage_authentication(Request *rq) {
    const GatewayOptions *o = &rq->g->o;
    int r = gateway_principal(rq);
    if (r != 0 && o->on_denied)
        o->on_denied(o->on_denied_arg, rq->client, rq->ex->started);
    return r;
}

static int stage_role(Request *rq) {
    return gateway_allow(rq, rq->route->needs);
}

/* A route's own limit: each client, by its key or address, counts apart on each such route (GWY-10). */
static int take_route(Request *rq) {
    const Gateway *g = rq->g;
    Str who = brings_key(&rq->ex->head) ? rq->cx.principal.id : rq->client;
    Str parts[] = { rq->route->pattern, who };
    LimitVerdict *v = &rq->verdicts[3];
    bool ok = limiter_take(g->by_route, limit_key(g->by_route, parts, ARRAY_LEN(parts)), rq->route->a_minute,
                           rq->ex->started, v);
    rq->tell = rq->tell ? limit_tighter(rq->tell, v) : v;
    return ok ? 0 : over(rq, v);
}

static int stage_limit(Request *rq) {
    Limiter *l = gateway_key_limiter(rq);
    if (rq->ex->head.local || rq->vouched)
        return 0;
    int r = 0;
    if (l && brings_key(&rq->ex->head))
        r = take(rq, l, limit_key(l, &rq->cx.principal.id, 1), 2);
    return r == 0 && rq->route->a_minute ? take_route(rq) : r;
}

/* Bad input costs no call (GWY-23). What is large is checked by the service alone: the loop has no time for it. */
static int stage_validation(Request *rq) {
    if (!rq->route->op || !rq->route->cluster || rq->ex->body.n > CHECKED_BODY_MAX)
        return 0;
    return request_check(rq);
}

/* What rules change of a body is changed before the answer is looked for (GWY-17). */
static int stage_rules(Request *rq) {
    rq->body = rq->ex->body;
    const Rules *rules = rq->route->rules;
    if (!rules || !rules->body[RULE_REQUEST] || !rq->body.n ||
        media_of(http_field(&rq->ex->head, S("content-type"))) != MEDIA_JSON)
        return 0;
    Buf changed;
    int r = rules_body(rules, RULE_REQUEST, &rq->cx, rq->body, &changed);
    if (r != 0)
        return r;
    rq->body = str_dup(&rq->arena, buf_str(&changed));
    buf_done(&changed);
    return 0;
}

static const Stage first[] = { { "address", stage_address }, { "refusal", refuse_head } };
static const Stage stages[] = {
    { "route", stage_route }, { "refusal", refuse_body }, { "authentication", stage_authentication },
    { "role", stage_role },   { "limit", stage_limit },   { "validation", stage_validation },
    { "rules", stage_rules },
};

static bool passes(Request *rq, const Stage *s) {
    rq->stage = s->name;
    int r = s->run(rq);
    traced_stage(rq, s->name, r);
    if (r != 0)
        request_fail(rq);
    return r == 0;
}

/* --- and then --- */

/* Which methods a path has. Asking changes nothing and needs no key. */
static void answer_options(Request *rq) {
    const HttpHead *head = &rq->ex->head;
    rq->stage = "route";
    if (str_eq(head->path, S("*"))) {
        rq->match.allow = S("GET, HEAD, POST, DELETE, OPTIONS");
    } else {
        int r = routes_find(rq);
        if (r == 0)
            rq->match.allow = S("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"); /* a route of any method */
        else if (r != ERR_METHOD) {
            request_fail(rq);
            return;
        }
    }
    HttpField fields[1 + CORS_FIELDS_MAX] = { { S("Allow"), rq->match.allow } };
    size_t n = 1;
    if (cors_is_preflight(head)) {
        Str origin = rq->origin;
        rq->origin = (Str){ 0 }; /* its fields are those of a preflight */
        n += cors_preflight(&rq->g->o.cors, &rq->arena, origin, rq->match.allow, fields + 1);
        if (n == 1) {
            rq->stage = "origin";
            err_set_at(&rq->cx, ERR_DENIED, S("origin"), "pages of this origin may not ask");
            request_fail(rq);
            return;
        }
    }
    Buf none = { 0 };
    request_reply(rq, 204, (Str){ 0 }, &none, fields, n);
}

static Lane *lane_of(const Gateway *g, const Op *op) {
    return op->lane == LANE_FEED ? g->o.feed : op->lane == LANE_IO ? g->o.io : g->o.cpu;
}

static void run_here(Request *rq) {
    const Op *op = rq->match.op;
    rq->stage = NULL; /* what fails from here on is the operation's own */
    if (op->lane == LANE_LOOP) {
        request_run(rq, 0);
        return;
    }
    LaneJob job = { .run = request_run, .arg = rq, .deadline = rq->cx.deadline };
    if (lane_post(lane_of(rq->g, op), &job) != 0) {
        rq->stage = "lane";
        err_set(&rq->cx, ERR_BUSY, "too much work is waiting; try again in a second");
        rq->cx.err.retry_after_ms = 1000;
        request_fail(rq);
    }
}

void stages_run(Request *rq) {
    if (pages_serve(rq) || !passes(rq, &first[0]) || !passes(rq, &first[1]) || (!rq->part && live_serve(rq)) ||
        door_serve(rq))
        return;
    if (str_eq(rq->ex->head.method, S("OPTIONS"))) {
        answer_options(rq);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        if (!passes(rq, &stages[i]))
            return;
    if (rq->is_rpc)
        grpc_run(rq);
    else if (rq->route->own)
        rq->route->own(rq);
    else if (!rq->route->cluster)
        run_here(rq);
    else if (!keep_serve(rq))
        proxy_start(rq);
}
