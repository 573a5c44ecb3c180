/* gateway/routes.c - which path leads where: operations of this process, of other roles, and routes of the configuration.
 *
 * A set of routes is made whole and then never changed. A request holds the set it was routed by, so a reload takes
 * nothing away under it; a cluster that is no longer named lives on until the gateway ends, without instances once its
 * calls are over. */

#include "gateway/internal.h"

#include "api/batch/batch_api.h"

enum { FOREIGN_MS = 30 * 1000, FOREIGN_BODY = 1 << 20 };

RouteSet *routes_ref(RouteSet *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void routes_unref(RouteSet *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    route_table_free(s->table);
    arena_done(&s->arena);
    mem_free(s);
}

Cluster *gateway_cluster(const Gateway *g, Str name) {
    for (size_t i = 0; i < g->clusters.n; i++)
        if (str_eq(cluster_name(g->clusters.v[i]), name))
            return g->clusters.v[i];
    return NULL;
}

/* --- making a set --- */

typedef struct RuleLine { /* while a set is made */
    Str pattern;
    Rule rule;
    bool used;
} RuleLine;

typedef struct Maker {
    Gateway *g;
    Ctx *cx;
    RouteSet *set;
    RuleLine *lines;
    size_t n_lines;
} Maker;

static ClusterGate *new_gate(Gateway *g, RouteSet *s) {
    ClusterGate *gate = arena_new(&s->arena, ClusterGate);
    cluster_gate_init(gate, g->o.loop, g->shed);
    return gate;
}

static int read_rules(Maker *m, const GatewayTopology *t) {
    m->lines = arena_new_n(&m->set->arena, RuleLine, t->n_rules + 1);
    Ctx own = *m->cx; /* the texts live as long as the set */
    own.arena = &m->set->arena;
    int r = 0;
    for (size_t i = 0; r == 0 && i < t->n_rules; i++, m->n_lines++)
        r = rule_read(&own, str_dup(own.arena, t->rules[i]), &m->lines[i].pattern, &m->lines[i].rule);
    m->cx->err = own.err;
    return r;
}

/* The rules of a pattern, in their order. */
static int attach_rules(Maker *m, Route *route, Str pattern) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < m->n_lines; i++) {
        RuleLine *l = &m->lines[i];
        if (!str_eq(l->pattern, pattern))
            continue;
        if (!route->cluster)
            return err_set_at(m->cx, ERR_USAGE, S("gateway.rules"),
                              STR_FMT " is answered by this process itself; rules are for services elsewhere",
                              STR_ARG(pattern));
        l->used = true;
        if (!route->rules)
            route->rules = arena_new(&m->set->arena, Rules);
        r = rules_add(m->cx, route->rules, pattern, &l->rule);
    }
    return r;
}

static int check_rules_used(const Maker *m) {
    for (size_t i = 0; i < m->n_lines; i++)
        if (!m->lines[i].used)
            return err_set_at(m->cx, ERR_USAGE, S("gateway.rules"), "there is no route " STR_FMT " for the rule",
                              STR_ARG(m->lines[i].pattern));
    return 0;
}

static OpMetrics *metrics_of(Gateway *g, RouteSet *s, Str name) {
    OpMetrics *m = arena_new(&s->arena, OpMetrics);
    op_metrics_init(g, m, name);
    return m;
}

/* All paths of one operation. */
static int add_op(Maker *m, const char *service, const Op *op, void *role, Cluster *cluster) {
    Gateway *g = m->g;
    Ctx *cx = m->cx;
    RouteSet *s = m->set;
    Route *route = arena_new(&s->arena, Route);
    *route = (Route){ .op = op,
                      .role = role,
                      .own = op == &op_gateway_batch ? batch_serve : NULL,
                      .cluster = cluster,
                      .metrics = metrics_of(g, s, str_c(op->name)),
                      .needs = op->role,
                      .timeout_ms = op->deadline_ms,
                      .max_body = op->max_body,
                      .keeps = cluster && op->role <= ROLE_READ,
                      .fresh_ms = op->cache != CACHE_NONE && g->o.keep_role_ms ? g->o.keep_role_ms : -1 };
    op_metrics_alias(g, route->metrics, str_c(service), str_c(op->path));
    route->pattern = str_c(op->path);
    route->gate = cluster ? new_gate(g, s) : NULL;
    route->hedge_ms = op->idempotent ? g->o.hedge_ms : HEDGE_NEVER;
    int r = attach_rules(m, route, str_c(op->path));
    if (r == 0)
        r = route_table_add(s->table, cx, str_c(op->method), str_c(op->path), route);
    Route *alias = arena_new(&s->arena, Route);
    *alias = *route;
    alias->alias = true;
    for (const char *const *a = op->aliases; r == 0 && a && *a; a++) {
        OpAlias at = op_alias(op, *a);
        r = route_table_add(s->table, cx, at.method, at.path, alias);
    }
    return r;
}

static int add_table(Maker *m, const OpTable *t, void *role, Cluster *cluster) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < t->n_ops; i++)
        r = add_op(m, t->role, t->ops[i], role, cluster);
    return r;
}

static int add_foreign(Maker *m, const GatewayForeign *f) {
    Gateway *g = m->g;
    Ctx *cx = m->cx;
    RouteSet *s = m->set;
    Route *route = arena_new(&s->arena, Route);
    *route = (Route){ .cluster = gateway_cluster(g, f->cluster),
                      .needs = f->role,
                      .timeout_ms = f->timeout_ms ? f->timeout_ms : FOREIGN_MS,
                      .max_body = f->max_body ? f->max_body : FOREIGN_BODY,
                      .prefix = f->prefix.p ? str_dup(&s->arena, f->prefix) : (Str){ 0 },
                      .prose = f->prose,
                      .keeps = !f->never_kept,
                      .fresh_ms = f->fresh_ms ? f->fresh_ms : -1 };
    if (!route->cluster)
        return err_set(cx, ERR_USAGE, "the route " STR_FMT " leads to " STR_FMT ", which is no service",
                       STR_ARG(f->pattern), STR_ARG(f->cluster));
    if (f->prefix.p && !str_ends(f->pattern, S("/*")))
        return err_set(cx, ERR_USAGE,
                       "the route " STR_FMT " has a prefix to put before what * takes, and no * at its end",
                       STR_ARG(f->pattern));
    route->pattern = str_dup(&s->arena, f->pattern);
    route->gate = new_gate(g, s);
    route->hedge_ms = f->hedge_ms;
    route->a_minute = f->a_minute;
    route->metrics = metrics_of(g, s, str_fmt(cx->arena, "route." STR_FMT, STR_ARG(f->cluster)));
    int r = attach_rules(m, route, f->pattern);
    return r != 0 ? r : route_table_add(s->table, cx, f->method, f->pattern, route);
}

/* The live API of a role elsewhere. Who comes in is the gateway's affair here too. */
static int add_live(Gateway *g, Ctx *cx, RouteSet *s, Cluster *cluster) {
    Route *route = arena_new(&s->arena, Route);
    *route = (Route){ .cluster = cluster,
                      .metrics = metrics_of(g, s, S("live")),
                      .needs = ROLE_READ,
                      .timeout_ms = FOREIGN_MS,
                      .max_body = FOREIGN_BODY };
    return route_table_add(s->table, cx, S("GET"), S("/ws"), route);
}

int routes_build(Gateway *g, Ctx *cx, const GatewayTopology *t, RouteSet **out) {
    RouteSet *s = mem_new(RouteSet);
    atomic_init(&s->refs, 1);
    s->table = route_table_new();
    Maker m = { .g = g, .cx = cx, .set = s };
    int r = read_rules(&m, t);
    for (size_t i = 0; r == 0 && i < g->o.n_roles; i++)
        r = add_table(&m, g->roles[i].table, g->roles[i].role, NULL);
    for (size_t i = 0; r == 0 && i < t->n_remotes; i++) {
        Cluster *c = gateway_cluster(g, t->remotes[i].cluster);
        r = c ? add_table(&m, t->remotes[i].table, NULL, c)
              : err_set(cx, ERR_USAGE, "the role %s is neither here nor a service elsewhere",
                        t->remotes[i].table->role);
        if (r == 0 && t->remotes[i].live)
            r = add_live(g, cx, s, c);
    }
    for (size_t i = 0; r == 0 && i < t->n_foreign; i++)
        r = add_foreign(&m, &t->foreign[i]);
    if (r == 0)
        r = check_rules_used(&m);
    if (r == 0)
        r = grpc_routes(g, cx, s, t);
    if (r == 0)
        *out = s;
    else
        routes_unref(s);
    return r;
}

/* --- replacing it --- */

static bool is_named(const GatewayTopology *t, Str name) {
    for (size_t i = 0; i < t->n_clusters; i++)
        if (str_eq(t->clusters[i].o.name, name))
            return true;
    return false;
}

/* Makes those that are new, gives all their instances. One that fails leaves the others as they are by then: instances
 * of a cluster are its own affair, and the routes still lead to the old ones. */
static int make_clusters(Gateway *g, Ctx *cx, const GatewayTopology *t) {
    ClusterEnv env = { g->o.loop, g->o.clock,        g->o.metrics,           g->o.log,
                       g->o.ids,  g->o.upstream_tls, g->o.upstream_tls_name, g->sends };
    int r = 0;
    for (size_t i = 0; r == 0 && i < t->n_clusters; i++) {
        Cluster *c = gateway_cluster(g, t->clusters[i].o.name);
        if (!c) {
            c = cluster_new(&env, &t->clusters[i].o);
            vec_push(&g->clusters, c);
        }
        r = cluster_set(c, cx, t->clusters[i].instances, t->clusters[i].n);
    }
    return r;
}

static void retire_clusters(Gateway *g, Ctx *cx, const GatewayTopology *t) {
    size_t kept = 0;
    VEC_FOR (c, &g->clusters) {
        if (is_named(t, cluster_name(*c))) {
            g->clusters.v[kept++] = *c;
            continue;
        }
        cluster_set(*c, cx, NULL, 0);
        vec_push(&g->retired, *c);
    }
    g->clusters.n = kept;
}

int gateway_routes(Gateway *g, Ctx *cx, const GatewayTopology *t) {
    RouteSet *set;
    int r = make_clusters(g, cx, t);
    if (r == 0)
        r = routes_build(g, cx, t, &set);
    if (r != 0)
        return r;
    routes_unref(g->routes);
    g->routes = set;
    if (g->keep.shelf)
        shelf_clear(g->keep.shelf); /* a path may lead elsewhere now */
    retire_clusters(g, cx, t);
    return 0;
}

size_t gateway_services(const Gateway *g, GatewayService *out, size_t cap) {
    size_t n = 0;
    for (; n < g->clusters.n && n < cap; n++) {
        out[n].name = cluster_name(g->clusters.v[n]);
        cluster_view(g->clusters.v[n], &out[n].view);
    }
    return n;
}

size_t gateway_addresses(const Gateway *g, Str cluster, Str *out, size_t cap) {
    const Cluster *c = gateway_cluster(g, cluster);
    return c ? cluster_addresses(c, out, cap) : 0;
}

int gateway_instances(Gateway *g, Ctx *cx, Str cluster, const ClusterInstance *v, size_t n) {
    Cluster *c = gateway_cluster(g, cluster);
    if (!c)
        return err_set(cx, ERR_NOT_FOUND, "there is no service " STR_FMT, STR_ARG(cluster));
    return cluster_set(c, cx, v, n);
}

/* --- finding --- */

/* The documents' gateway speaks of /api/python/X; X below /api/v1 is the same (U29). */
static Str canonical(Request *rq, Str path) {
    const Str python = S("/api/python/");
    return str_starts(path, python) ? str_fmt(&rq->arena, "/api/v1/" STR_FMT, STR_ARG(str_from(path, python.n))) : path;
}

int routes_find(Request *rq) {
    const HttpHead *head = &rq->ex->head;
    if (!rq->routes)
        rq->routes = routes_ref(rq->g->routes);
    RouteHit *hit = &rq->hit;
    rq->path = canonical(rq, head->path);
    int r = route_table_find(rq->routes->table, &rq->cx, head->method, rq->path, hit);
    rq->match.allow = hit->allow;
    if (r != 0)
        return r;
    const Route *route = hit->target;
    rq->route = route;
    rq->metrics = route->metrics;
    rq->cx.operation = route->op ? route->op->name : NULL;
    rq->match = (OpMatch){ .op = route->op, .alias = route->alias, .n_params = hit->n_values };
    if (hit->n_values)
        rq->match.params = arena_new_n(&rq->arena, QueryPair, hit->n_values);
    for (size_t i = 0; i < hit->n_values; i++)
        rq->match.params[i] = (QueryPair){ hit->names[i], hit->values[i] };
    return 0;
}
