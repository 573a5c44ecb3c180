/* app/topology.c - see topology.h. */

#include "app/topology.h"

enum { SERVICES_MAX = 64 };

typedef struct Services { /* while they are gathered */
    Ctx *cx;
    const AppCfg *cfg;
    GatewayCluster *v;
    size_t n;
} Services;

static int bad_item(Ctx *cx, const char *option, Str item, const char *why) {
    return err_set_at(cx, ERR_USAGE, str_c(option), "'" STR_FMT "': %s", STR_ARG(item), why);
}

/* --- services --- */

static GatewayCluster *service_of(Services *s, Str name) {
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->v[i].o.name, name))
            return &s->v[i];
    if (s->n == SERVICES_MAX)
        return NULL;
    GatewayCluster *c = &s->v[s->n++];
    const AppCfg *cfg = s->cfg;
    cluster_options_default(&c->o, cfg->gateway_fast);
    c->o.name = name;
    c->o.balance.kind = (BalanceKind)cfg->gateway_balance;
    c->o.health_path = cfg->gateway_health_path;
    if (cfg->gateway_breaker)
        c->o.breaker = breaker_profiles[cfg->gateway_breaker - 1];
    c->instances = arena_new_n(s->cx->arena, ClusterInstance, CLUSTER_INSTANCES_MAX);
    return c;
}

static int too_many(Ctx *cx) {
    return err_set_at(cx, ERR_LIMIT, S("gateway.services"), "there are more than %d services, or %d instances of one",
                      SERVICES_MAX, CLUSTER_INSTANCES_MAX);
}

static int add_instance(Services *s, Str name, Str address, int64_t weight) {
    GatewayCluster *c = service_of(s, name);
    if (!c || c->n == CLUSTER_INSTANCES_MAX)
        return too_many(s->cx);
    ((ClusterInstance *)(uintptr_t)c->instances)[c->n++] = (ClusterInstance){ address, (int)weight };
    return 0;
}

static int add_service(Services *s, Str item) {
    ptrdiff_t equals = str_find_char(item, '='), star = str_find_char(item, '*');
    int64_t weight = 1;
    if (equals < 1)
        return bad_item(s->cx, "gateway.services", item, "write NAME=ADDRESS, such as market=127.0.0.1:8000");
    if (star >= 0 &&
        (!str_to_i64(str_from(item, (size_t)star + 1), &weight) || weight < 1 || weight > BALANCE_WEIGHT_MAX))
        return bad_item(s->cx, "gateway.services", item, "the weight behind * is a number from 1 to 1000");
    Str address = str_trim(str_from(star < 0 ? item : str_first(item, (size_t)star), (size_t)equals + 1));
    Str name = str_trim(str_first(item, (size_t)equals));
    bool grpc = str_starts(address, S("grpc://"));
    int r = add_instance(s, name, grpc ? str_from(address, 7) : address, weight);
    if (r == 0)
        service_of(s, name)->o.grpc |= grpc;
    return r;
}

static int add_role(Services *s, const RoleInfo *role) {
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->v[i].o.name, str_c(role->name)))
            return 0;
    bool b = s->cfg->server_ports == PORTS_B;
    return add_instance(s, str_c(role->name), str_fmt(s->cx->arena, "127.0.0.1:%d", b ? role->port_b : role->port), 1);
}

/* --- routes --- */

static int route_setting(Ctx *cx, Str item, Str setting, GatewayForeign *f) {
    static const struct {
        Str name;
        Role role;
    } roles[] = { { STR_INIT("none"), ROLE_NONE },
                  { STR_INIT("read"), ROLE_READ },
                  { STR_INIT("write"), ROLE_WRITE },
                  { STR_INIT("admin"), ROLE_ADMIN } };
    Str value = str_trim(setting), name;
    str_next(&value, '=', &name);
    if (str_eq(name, S("role"))) {
        for (size_t i = 0; i < ARRAY_LEN(roles); i++)
            if (str_eq(value, roles[i].name)) {
                f->role = roles[i].role;
                return 0;
            }
        return bad_item(cx, "gateway.routes", item, "role is none, read, write or admin");
    }
    int64_t n;
    if (str_eq(name, S("timeout_ms")) && str_to_i64(value, &n) && n > 0) {
        f->timeout_ms = n;
        return 0;
    }
    if (str_eq(name, S("max_body")) && str_to_i64(value, &n) && n > 0) {
        f->max_body = (size_t)n;
        return 0;
    }
    if (str_eq(name, S("cache")) && str_eq(value, S("off"))) {
        f->never_kept = true;
        return 0;
    }
    if (str_eq(name, S("cache")) && str_to_i64(value, &n) && n > 0 && n <= 366 * 24 * 3600) {
        f->fresh_ms = n * MS_PER_SECOND;
        return 0;
    }
    if (str_eq(name, S("prose")) && str_eq(value, S("true"))) {
        f->prose = true;
        return 0;
    }
    if (str_eq(name, S("limit")) && str_to_i64(value, &n) && n > 0 && n <= 1000000) {
        f->a_minute = n;
        return 0;
    }
    if (str_eq(name, S("hedge")) && str_eq(value, S("p95"))) {
        f->hedge_ms = HEDGE_BY_P95;
        return 0;
    }
    if (str_eq(name, S("hedge")) && str_to_i64(value, &n) && n > 0 && n <= 60000) {
        f->hedge_ms = n;
        return 0;
    }
    return bad_item(
        cx, "gateway.routes", item,
        "settings are role=, timeout_ms=, max_body=, limit= (a minute and client), hedge= (p95, or ms), "
        "prose=true (bodies are not searched for attacks) and cache= (off, or seconds for answers that tell none)");
}

static int read_route(Ctx *cx, Str item, GatewayForeign *f) {
    *f = (GatewayForeign){ .role = ROLE_READ };
    Str rest = item, head;
    str_next(&rest, ';', &head);
    ptrdiff_t equals = str_find_char(head, '='), blank = str_find_char(head, ' ');
    if (equals < 1)
        return bad_item(cx, "gateway.routes", item, "write PATTERN=SERVICE, such as /legacy/*=legacy");
    f->method = blank > 0 && blank < equals ? str_first(head, (size_t)blank) : (Str){ 0 };
    f->pattern = str_trim(str_first(str_from(head, f->method.n), (size_t)equals - f->method.n));
    Str to = str_trim(str_from(head, (size_t)equals + 1));
    ptrdiff_t slash = str_find_char(to, '/');
    f->cluster = slash < 0 ? to : str_first(to, (size_t)slash);
    f->prefix = slash < 0 ? (Str){ 0 } : str_from(to, (size_t)slash);
    Str setting;
    int r = 0;
    while (r == 0 && str_next(&rest, ';', &setting))
        r = route_setting(cx, item, setting, f);
    return r;
}

int topology_make(Ctx *cx, const AppCfg *cfg, const RoleSet *here, GatewayTopology *out) {
    *out = (GatewayTopology){ 0 };
    if (!here->has[ROLE_GATEWAY])
        return 0;
    Services s = { .cx = cx, .cfg = cfg, .v = arena_new_n(cx->arena, GatewayCluster, SERVICES_MAX) };
    GatewayRemote *remotes = arena_new_n(cx->arena, GatewayRemote, ROLE_IDS * ROLE_TABLES_MAX);
    size_t n_remotes = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < cfg->gateway_services.n; i++)
        r = add_service(&s, cfg->gateway_services.v[i]);
    for (size_t k = 0; r == 0 && k < ROLE_IDS; k++) {
        if (here->has[k] || !app_roles[k].tables[0])
            continue;
        r = add_role(&s, &app_roles[k]);
        for (size_t i = 0; i < ROLE_TABLES_MAX && app_roles[k].tables[i]; i++)
            remotes[n_remotes++] = (GatewayRemote){ .table = app_roles[k].tables[i],
                                                    .cluster = str_c(app_roles[k].name),
                                                    .live = k == ROLE_MARKET && i == 0 };
    }
    GatewayForeign *foreign = arena_new_n(cx->arena, GatewayForeign, cfg->gateway_routes.n + 1);
    bool discovery = cfg->discovery_urls.n > 0 || here->has[ROLE_DISCOVERY];
    for (size_t i = 0; r == 0 && i < cfg->gateway_routes.n; i++) {
        r = read_route(cx, cfg->gateway_routes.v[i], &foreign[i]);
        if (r == 0 && discovery && !service_of(&s, foreign[i].cluster)) /* nobody yet: discovery will say */
            r = too_many(cx);
    }
    if (r == 0)
        *out = (GatewayTopology){
            s.v, s.n, remotes, n_remotes, foreign, cfg->gateway_routes.n, cfg->gateway_rules.v, cfg->gateway_rules.n
        };
    return r;
}

int topology_hops(Ctx *cx, const AppCfg *cfg, ClientNet **out, size_t *n) {
    const CfgList *list = &cfg->server_trusted_hops;
    *out = arena_new_n(cx->arena, ClientNet, list->n + 1);
    *n = list->n;
    for (size_t i = 0; i < list->n; i++)
        if (!client_net_parse(list->v[i], &(*out)[i]))
            return bad_item(cx, "server.trusted_hops", list->v[i], "no address or network, such as 10.0.0.0/8");
    return 0;
}
