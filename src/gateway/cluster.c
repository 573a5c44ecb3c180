/* gateway/cluster.c - see cluster.h: the list of instances. Calls are in cluster_call.c, checks in cluster_health.c. */

#include "gateway/cluster_internal.h"

void cluster_options_default(ClusterOptions *o, bool fast) {
    *o = (ClusterOptions){ .breaker = fast ? &breaker_fast : &breaker_standard,
                           .retry = &retry_hop,
                           .retry_percent = RETRY_BUDGET_PERCENT,
                           .health_path = S("/health"),
                           .health_every_ms = fast ? 500 : 30 * 1000,
                           .health_timeout_ms = fast ? 500 : 5 * 1000,
                           .health_failures = 3 };
    balance_options_default(&o->balance);
    upstream_options_default(&o->upstream);
}

static void put_text(char *to, size_t size, Str s) {
    size_t n = MIN(s.n, size - 1);
    memcpy(to, n ? s.p : "", n);
    to[n] = '\0';
}

static double read_open(void *arg) {
    const Cluster *c = arg;
    return breaker_state(&c->breaker) == BREAKER_CLOSED ? 0 : 1;
}

static double read_up(void *arg) {
    ClusterView v;
    cluster_view(arg, &v);
    return (double)v.healthy;
}

Cluster *cluster_new(const ClusterEnv *env, const ClusterOptions *o) {
    Cluster *c = mem_new(Cluster);
    c->env = *env;
    c->o = *o;
    c->o.upstream.sends = env->sends;
    put_text(c->name, sizeof c->name, o->name);
    put_text(c->health_path, sizeof c->health_path, o->health_path);
    list_init(&c->instances);
    c->balancer = balancer_new(&o->balance);
    breaker_init(&c->breaker, o->breaker, clock_mono(env->clock));
    retry_budget_init(&c->budget, o->retry_percent, RETRY_BUDGET_BURST);
    rng_seed(&c->rng, ids_u64(env->ids));
    Str name = str_c(c->name);
    Metrics *m = env->metrics;
    c->calls = metrics_counter(m, "finsight_upstream_calls_total", "Calls to a service, by how they ended.",
                               METRIC_L({ "service", name }, { "result", S("ok") }));
    c->failures = metrics_counter(m, "finsight_upstream_calls_total", "Calls to a service, by how they ended.",
                                  METRIC_L({ "service", name }, { "result", S("failed") }));
    c->retries = metrics_counter(m, "finsight_upstream_retries_total", "Attempts after the first.",
                                 METRIC_L({ "service", name }));
    c->hedges = metrics_counter(m, "finsight_upstream_hedges_total",
                                "Second calls made before the first had an answer.", METRIC_L({ "service", name }));
    c->open = metrics_gauge(m, "finsight_upstream_breaker_open", "1 while the breaker of a service refuses calls.",
                            METRIC_L({ "service", name }));
    metrics_gauge_read(c->open, read_open, c);
    c->up = metrics_gauge(m, "finsight_upstream_healthy_instances", "Instances of a service that pass their checks.",
                          METRIC_L({ "service", name }));
    metrics_gauge_read(c->up, read_up, c);
    return c;
}

Str cluster_name(const Cluster *c) {
    return str_c(c->name);
}

/* --- instances --- */

static void instance_free(Instance *i) {
    list_remove(&i->node);
    upstream_free(i->upstream);
    upstream_free(i->rpc);
    mem_free(i);
}

void instance_unref(Instance *i) {
    if (--i->calls == 0 && i->left)
        instance_free(i);
}

static void instance_leave(Instance *i) {
    Cluster *c = i->cluster;
    instance_health_stop(i);
    list_remove(&i->node);
    i->left = true;
    c->n_instances--;
    upstream_retire(i->upstream);
    if (i->rpc)
        upstream_retire(i->rpc);
    if (i->calls == 0)
        instance_free(i);
}

Upstream *instance_rpc(Instance *i) {
    UpstreamOptions o = i->cluster->o.upstream;
    o.h2 = true;
    if (!i->rpc)
        i->rpc = upstream_new(i->cluster->env.loop, str_c(i->address), &o, NULL, (Str){ 0 });
    return i->rpc;
}

static Instance *instance_of(Cluster *c, Str address) {
    for (ListNode *n = c->instances.next; n != &c->instances; n = n->next) {
        Instance *i = LIST_ENTRY(n, Instance, node);
        if (str_eq(str_c(i->address), address))
            return i;
    }
    return NULL;
}

static int instance_new(Cluster *c, Ctx *cx, const ClusterInstance *from, Instance **out) {
    bool https = str_starts(from->address, S("https://"));
    Str at = https ? str_from(from->address, 8) : from->address;
    if (https && !c->env.tls)
        return err_set(cx, ERR_USAGE,
                       "%s: " STR_FMT " is asked over TLS: say with gateway.tls.ca whose certificates are believed",
                       c->name, STR_ARG(from->address));
    Upstream *u = upstream_new(c->env.loop, at, &c->o.upstream, https ? c->env.tls : NULL, c->env.tls_name);
    if (!u)
        return err_set(cx, ERR_USAGE,
                       "%s: \"" STR_FMT "\" is no address of an instance; write 127.0.0.1:8000 or unix:/path", c->name,
                       STR_ARG(from->address));
    Instance *i = mem_new(Instance);
    i->cluster = c;
    i->upstream = u;
    i->healthy = true;
    put_text(i->address, sizeof i->address, from->address);
    *out = i;
    return 0;
}

/* Every new instance is made before the list is touched: a bad address leaves everything as it was. */
int cluster_set(Cluster *c, Ctx *cx, const ClusterInstance *v, size_t n) {
    if (n > CLUSTER_INSTANCES_MAX)
        return err_set(cx, ERR_LIMIT, "%s has more than %d instances", c->name, CLUSTER_INSTANCES_MAX);
    Instance **list = mem_new_n(Instance *, n + 1);
    BalanceTarget *targets = mem_new_n(BalanceTarget, n + 1);
    int r = 0;
    size_t made = 0;
    for (; made < n && r == 0; made += r == 0) {
        for (size_t k = 0; k < made && r == 0; k++)
            if (str_eq(v[k].address, v[made].address))
                r = err_set(cx, ERR_USAGE, "%s: the instance " STR_FMT " is named twice", c->name,
                            STR_ARG(v[made].address));
        if (r == 0 && !(list[made] = instance_of(c, v[made].address)))
            r = instance_new(c, cx, &v[made], &list[made]);
    }
    for (size_t k = 0; k < made && r != 0; k++)
        if (!list_linked(&list[k]->node))
            instance_free(list[k]);
    if (r == 0) {
        if (c->n_instances == 0 && n > 0) /* what those that left did is not held against those that come */
            breaker_init(&c->breaker, c->o.breaker, clock_mono(c->env.clock));
        for (size_t k = 0; k < n; k++) {
            list[k]->staying = true;
            list[k]->weight = MAX(v[k].weight, 1);
            targets[k] = (BalanceTarget){ str_c(list[k]->address), list[k]->weight, list[k] };
        }
        r = balancer_set(c->balancer, targets, n);
        assert(r == 0);
        LIST_FOR (it, &c->instances)
            if (!LIST_ENTRY(it, Instance, node)->staying)
                instance_leave(LIST_ENTRY(it, Instance, node));
        for (size_t k = 0; k < n; k++) {
            list[k]->staying = false;
            if (list_linked(&list[k]->node))
                continue;
            list_push_back(&c->instances, &list[k]->node);
            c->n_instances++;
            instance_health_start(list[k]);
        }
    }
    mem_free(targets);
    mem_free(list);
    return r;
}

Cluster *cluster_free(Cluster *c) {
    if (!c)
        return NULL;
    assert(c->in_flight == 0);
    metrics_gauge_read(c->open, NULL, NULL);
    metrics_gauge_read(c->up, NULL, NULL);
    LIST_FOR (it, &c->instances)
        instance_leave(LIST_ENTRY(it, Instance, node));
    balancer_free(c->balancer);
    return mem_free(c);
}

/* --- what is seen of it --- */

size_t cluster_addresses(const Cluster *c, Str *out, size_t cap) {
    size_t n = 0;
    for (const ListNode *it = c->instances.next; it != &c->instances && n < cap; it = it->next)
        if (LIST_ENTRY(it, Instance, node)->healthy)
            out[n++] = str_c(LIST_ENTRY(it, Instance, node)->address);
    return n;
}

void cluster_view(const Cluster *c, ClusterView *out) {
    *out = (ClusterView){ .instances = c->n_instances,
                          .available = balancer_available(c->balancer, clock_mono(c->env.clock)),
                          .breaker = breaker_state(&c->breaker),
                          .in_flight = c->in_flight,
                          .calls = (int64_t)(counter_value(c->calls) + counter_value(c->failures)),
                          .failures = (int64_t)counter_value(c->failures),
                          .retries = (int64_t)counter_value(c->retries) };
    for (const ListNode *n = c->instances.next; n != &c->instances; n = n->next)
        out->healthy += LIST_ENTRY(n, Instance, node)->healthy;
}

bool cluster_write_health(const Cluster *c, JsonWriter *w) {
    ClusterView v;
    cluster_view(c, &v);
    bool well = v.available > 0 && v.breaker == BREAKER_CLOSED;
    json_object(w);
    json_put_str(w, "status",
                 v.available == 0                   ? S("unhealthy")
                 : well && v.healthy == v.instances ? S("healthy")
                                                    : S("degraded"));
    json_put_str(w, "breaker", str_c(breaker_state_name(v.breaker)));
    json_put_i64(w, "in_flight", v.in_flight);
    json_key(w, S("instances"));
    json_array(w);
    MonoNs now = clock_mono(c->env.clock);
    for (size_t i = 0; i < balancer_count(c->balancer); i++) {
        BalanceView b;
        balancer_view(c->balancer, i, now, &b);
        json_object(w);
        json_put_str(w, "address", b.id);
        json_put_bool(w, "healthy", b.healthy);
        json_put_bool(w, "ejected", b.ejected);
        json_put_i64(w, "calls", b.picks);
        json_put_i64(w, "failures", b.failures);
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
    return well;
}
