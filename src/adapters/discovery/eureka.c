/* adapters/discovery/eureka.c - see eureka.h. Calls are in eureka_call.c, ours in eureka_own.c, others in eureka_look.c. */

#include "adapters/discovery/eureka_internal.h"

enum { SERVERS_MAX = 16, OWN_MAX = 32, PORT = 8000, SECURE_PORT = 8443 };

static MonoNs sooner(MonoNs a, MonoNs b) {
    return a.ns < b.ns ? a : b;
}

static int client_step(Discovery *d, Ctx *cx, MonoNs *next) {
    EurekaClient *c = (EurekaClient *)d;
    MonoNs at = mono_add_ms(clock_mono(cx->clock), MS_PER_HOUR);
    for (size_t i = 0; i < c->o.n_own; i++) {
        eureka_own_step(c, cx, &c->mine[i]);
        if (!c->mine[i].gone)
            at = sooner(at, c->mine[i].due);
    }
    eureka_look(c, cx);
    if (c->o.look_ms)
        at = sooner(at, c->look_due);
    err_clear(cx); /* a registry that is away was told as news */
    *next = at;
    return 0;
}

static size_t client_own(Discovery *d, Ctx *cx, DiscoveryOwn **out) {
    const EurekaClient *c = (const EurekaClient *)d;
    DiscoveryOwn *v = arena_new_n(cx->arena, DiscoveryOwn, c->o.n_own + 1);
    for (size_t i = 0; i < c->o.n_own; i++) {
        const Mine *m = &c->mine[i];
        v[i] = (DiscoveryOwn){ m->own.service, m->own.id, m->registered, c->says, m->renewals, m->failures };
    }
    *out = v;
    return c->o.n_own;
}

/* What we say changed: a registration with a later time tells it. */
static int client_announce(Discovery *d, Ctx *cx, DiscoveryStatus status) {
    EurekaClient *c = (EurekaClient *)d;
    c->says = status;
    for (size_t i = 0; i < c->o.n_own; i++) {
        Mine *m = &c->mine[i];
        m->registered = m->gone = false;
        m->dirty_ms = MAX(clock_wall(cx->clock).ms, m->dirty_ms + 1);
        m->due = clock_mono(cx->clock);
    }
    return 0;
}

static int client_override(Discovery *d, Ctx *cx, DiscoveryStatus status) {
    EurekaClient *c = (EurekaClient *)d;
    int r = 0;
    for (size_t i = 0; i < c->o.n_own && r == 0; i++)
        r = eureka_own_override(c, cx, &c->mine[i], status);
    return r;
}

static int client_refresh(Discovery *d, Ctx *cx) {
    EurekaClient *c = (EurekaClient *)d;
    c->full = true;
    c->look_due = clock_mono(cx->clock);
    for (size_t i = 0; i < c->o.n_own; i++)
        c->mine[i].due = clock_mono(cx->clock);
    return 0;
}

static int client_leave(Discovery *d, Ctx *cx) {
    EurekaClient *c = (EurekaClient *)d;
    for (size_t i = 0; i < c->o.n_own; i++)
        eureka_own_leave(c, cx, &c->mine[i]);
    err_clear(cx);
    return 0;
}

static void client_close(Discovery *d) {
    EurekaClient *c = (EurekaClient *)d;
    eureka_mirror_free(c->mirror);
    arena_done(&c->arena);
    mem_free(c);
}

static const DiscoveryOps client_ops = { .name = "eureka",
                                         .step = client_step,
                                         .list = eureka_list,
                                         .own = client_own,
                                         .announce = client_announce,
                                         .override = client_override,
                                         .refresh = client_refresh,
                                         .leave = client_leave,
                                         .close = client_close };

/* DIS-15: what was not told is filled in. */
static EurekaOwn own_filled(Arena *a, const EurekaOwn *from) {
    EurekaOwn own = { .service = str_lower(a, from->service),
                      .ip = str_dup(a, from->ip.n ? from->ip : S("127.0.0.1")),
                      .port = from->port ? from->port : PORT,
                      .secure_port = from->secure_port ? from->secure_port : SECURE_PORT,
                      .weight = MAX(from->weight, 1),
                      .health_path = str_dup(a, from->health_path.n ? from->health_path : S("/health")) };
    own.host = from->host.n ? str_dup(a, from->host) : own.ip;
    own.id = from->id.n ? str_dup(a, from->id)
                        : str_fmt(a, STR_FMT ":" STR_FMT ":%d", STR_ARG(own.host), STR_ARG(own.service), own.port);
    return own;
}

int discovery_eureka_open(Ctx *cx, const EurekaOptions *o, Discovery **out) {
    if (o->n_servers == 0 || o->n_servers > SERVERS_MAX || o->n_own > OWN_MAX)
        return err_set(cx, ERR_USAGE, "a client of Eureka has 1 to %d servers, and registers %d at most", SERVERS_MAX,
                       OWN_MAX);
    EurekaClient *c = mem_new(EurekaClient);
    c->base.ops = &client_ops;
    c->o = *o;
    c->o.renewal_s = o->renewal_s ? o->renewal_s : EUREKA_RENEWAL_S;
    c->o.duration_s = o->duration_s ? o->duration_s : EUREKA_DURATION_S;
    c->says = DISCOVERY_UP;
    c->mirror = eureka_mirror_new();
    c->full = true;
    rng_seed(&c->rng, o->seed);
    c->servers = arena_new_n(&c->arena, EurekaAddress, o->n_servers);
    c->mine = arena_new_n(&c->arena, Mine, o->n_own + 1);
    MonoNs now = clock_mono(cx->clock);
    c->look_due = now;
    for (size_t i = 0; i < o->n_servers; i++) {
        int r = eureka_server_parse(cx, &c->arena, o->servers[i], &c->servers[i]);
        if (r != 0) {
            client_close(&c->base);
            return r;
        }
    }
    for (size_t i = 0; i < o->n_own; i++) {
        c->mine[i] = (Mine){ .own = own_filled(&c->arena, &o->own[i]), .due = now };
        c->mine[i].app = str_upper(&c->arena, c->mine[i].own.service);
    }
    *out = &c->base;
    return 0;
}
