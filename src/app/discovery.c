/* app/discovery.c - see discovery.h.
 *
 * Two pulses on a lane of their own, so that a registry that is away keeps nobody waiting: the client's and the
 * registry's. What the client sees is copied, posted to the loop, and kept there: a reload asks for it again. */

#include "app/discovery.h"

#include "adapters/discovery/eureka.h"
#include "adapters/http/curl.h"
#include "app/pulse.h"
#include "base/vec.h"
#include "eureka/address.h"
#include "services/discovery/discovery.h"
#include "services/discovery/registry.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FAST_LOOK_MS = 500,
    LOOK_MS = 30 * 1000,
    FAST_RENEWAL_S = 1,
    FAST_DURATION_S = 3,
    OWN_MAX = ROLE_IDS,
    URLS_MAX = 16
};

typedef struct Seen { /* one list, on the loop */
    Arena arena;
    DiscoveryView view;
    DiscoveryApp *app;
} Seen;

struct DiscoveryApp {
    DiscoveryAppOptions o;
    const AppCfg *cfg;
    Lane *lane;
    HttpClient *http, *near;   /* near: the registry of this process */
    RegistryService *registry; /* NULL: not hosted */
    DiscoveryService *client;  /* NULL: there is nobody to ask */
    Pulse *registry_pulse, *client_pulse;
    Seen *seen;        /* NULL: nobody has told anything yet */
    VEC(Str) services; /* of the gateway, whose instances discovery says; in names */
    Arena names;
    bool fast, open, stopped;
    uint64_t shown; /* revision of the registry that the client was woken for */
};

/* An address with the credentials, which are an option of their own because addresses are shown. */
static int with_credentials(Ctx *cx, const AppCfg *cfg, const char *option, Str url, Str *out) {
    ptrdiff_t at = str_find(url, S("://"));
    if (at < 0 || str_find_char(url, '@') >= 0)
        return err_set_at(cx, ERR_USAGE, str_c(option), "a registry is http://HOST:PORT/eureka%s",
                          at < 0 ? "" : "; user and password are discovery.credentials");
    Str scheme = str_first(url, (size_t)at + 3), rest = str_from(url, (size_t)at + 3), who = cfg->discovery_credentials;
    *out = who.n ? str_fmt(cx->arena, STR_FMT STR_FMT "@" STR_FMT, STR_ARG(scheme), STR_ARG(who), STR_ARG(rest)) : url;
    return 0;
}

/* --- the registry --- */

static void registry_woken(void *arg) {
    DiscoveryApp *d = arg;
    if (d->registry_pulse)
        pulse_wake(d->registry_pulse);
    if (d->client_pulse && d->near && registry_revision(d->registry) != d->shown)
        pulse_wake(d->client_pulse);
}

static int run_registry(void *arg, Ctx *cx, MonoNs *next) {
    DiscoveryApp *d = arg;
    return registry_run(d->registry, cx, next);
}

static int open_registry(DiscoveryApp *d, Ctx *cx) {
    const AppCfg *cfg = d->cfg;
    RegistryPeer peers[URLS_MAX];
    RegistryOptions o = { .http = d->http,
                          .clock = d->o.platform->clock,
                          .log = d->o.platform->log,
                          .peers = peers,
                          .n_peers = cfg->discovery_peers.n,
                          .batch_wait_ms = d->fast ? 50 : 0,
                          .wake = registry_woken,
                          .arg = d };
    if (o.n_peers > URLS_MAX)
        return err_set_at(cx, ERR_LIMIT, S("discovery.peers"), "a registry has at most %d peers", URLS_MAX);
    for (size_t i = 0; i < o.n_peers; i++) {
        EurekaAddress at;
        Str url;
        int r = with_credentials(cx, cfg, "discovery.peers", cfg->discovery_peers.v[i], &url);
        if (r != 0)
            return r;
        if (eureka_address_parse(cx->arena, url, &at) != 0)
            return err_set_at(cx, ERR_USAGE, S("discovery.peers"), "a peer is http://HOST:PORT/eureka");
        peers[i] = (RegistryPeer){ at.base, at.authorization };
    }
    eureka_registry_options_default(&o.registry);
    o.registry.seed = ids_u64(d->o.platform->ids);
    o.registry.preserve = cfg->discovery_preserve && !d->fast;
    if (d->fast)
        o.registry.evict_every_ms = FAST_LOOK_MS;
    d->registry = registry_service_new(&o);
    return 0;
}

/* --- who we are --- */

/* The address others reach this process by: told, or what it listens on, or the machine's first of its own. */
static Str own_ip(Ctx *cx, const AppCfg *cfg) {
    Str host = cfg->server_host, found = S("127.0.0.1");
    if (cfg->discovery_address.n)
        return cfg->discovery_address;
    if (str_eq(host, S("localhost")))
        return found;
    if (host.n && !str_eq(host, S("0.0.0.0")) && !str_eq(host, S("::")))
        return host;
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return found;
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        char text[INET_ADDRSTRLEN];
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || (i->ifa_flags & IFF_LOOPBACK) ||
            !(i->ifa_flags & IFF_UP))
            continue;
        struct sockaddr_in a;
        memcpy(&a, i->ifa_addr, sizeof a);
        if (inet_ntop(AF_INET, &a.sin_addr, text, sizeof text)) {
            found = str_dup(cx->arena, str_c(text));
            break;
        }
    }
    freeifaddrs(all);
    return found;
}

static Str own_host(Ctx *cx, Str ip) {
    char name[256];
    if (str_starts(ip, S("127.")) || gethostname(name, sizeof name) != 0)
        return ip;
    name[sizeof name - 1] = '\0';
    return str_dup(cx->arena, str_c(name));
}

static size_t own_services(const DiscoveryApp *d, Ctx *cx, int port, EurekaOwn own[static OWN_MAX]) {
    size_t n = 0;
    Str ip = own_ip(cx, d->cfg), host = own_host(cx, ip);
    for (int k = 0; k < ROLE_IDS && d->cfg->discovery_register; k++)
        if (d->o.hosts->has[k] && k != ROLE_DISCOVERY)
            own[n++] = (EurekaOwn){ .service = str_c(app_roles[k].name), .host = host, .ip = ip, .port = port };
    return n;
}

/* --- the client --- */

static void seen_free(Seen *s) {
    if (!s)
        return;
    arena_done(&s->arena);
    mem_free(s);
}

static void arrived(void *arg) { /* on the loop */
    Seen *s = arg;
    DiscoveryApp *d = s->app;
    seen_free(d->seen);
    d->seen = s;
    if (d->o.changed && !d->stopped)
        d->o.changed(d->o.arg);
}

static void view_changed(void *arg, const DiscoveryView *view) { /* on the lane */
    DiscoveryApp *d = arg;
    Seen *s = mem_new(Seen);
    s->app = d;
    s->view = *view;
    s->view.v = arena_new_n(&s->arena, DiscoveryInstance, view->n + 1);
    for (size_t i = 0; i < view->n; i++) {
        s->view.v[i] = view->v[i];
        s->view.v[i].service = str_dup(&s->arena, view->v[i].service);
        s->view.v[i].id = str_dup(&s->arena, view->v[i].id);
        s->view.v[i].address = str_dup(&s->arena, view->v[i].address);
    }
    loop_post(d->o.loop, arrived, s);
}

static void client_woken(void *arg) {
    DiscoveryApp *d = arg;
    if (d->client_pulse)
        pulse_wake(d->client_pulse);
}

static int run_client(void *arg, Ctx *cx, MonoNs *next) {
    DiscoveryApp *d = arg;
    if (d->near) { /* what changed beside us is seen at once */
        uint64_t revision = registry_revision(d->registry);
        if (revision != d->shown)
            discovery_wish(d->client, DISCOVERY_WISH_REFRESH, DISCOVERY_UNKNOWN);
        d->shown = revision;
    }
    return discovery_run(d->client, cx, next);
}

int discovery_app_start(DiscoveryApp *d, Ctx *cx, int port) {
    static const Str here = STR_INIT("http://127.0.0.1/eureka");
    if (d->cfg->discovery_urls.n == 0 && !d->registry)
        return 0;
    const Platform *p = d->o.platform;
    EurekaOwn own[OWN_MAX];
    Str servers[URLS_MAX];
    size_t n_servers = d->cfg->discovery_urls.n;
    int r =
        n_servers <= URLS_MAX ? 0 : err_set_at(cx, ERR_LIMIT, S("discovery.urls"), "at most %d registries", URLS_MAX);
    for (size_t i = 0; r == 0 && i < n_servers; i++)
        r = with_credentials(cx, d->cfg, "discovery.urls", d->cfg->discovery_urls.v[i], &servers[i]);
    if (r != 0)
        return r;
    EurekaOptions o = { .http = d->http,
                        .servers = servers,
                        .n_servers = n_servers,
                        .own = own,
                        .n_own = own_services(d, cx, port, own),
                        .renewal_s = d->fast ? FAST_RENEWAL_S : 0,
                        .duration_s = d->fast ? FAST_DURATION_S : 0,
                        .look_ms = d->fast ? FAST_LOOK_MS : LOOK_MS,
                        .connect_ms = d->fast ? 500 : 0,
                        .total_ms = d->fast ? 1000 : 0,
                        .seed = ids_u64(p->ids) };
    if (o.n_servers == 0) { /* the registry of this very process */
        d->near = registry_http_client(d->registry);
        o.http = d->near;
        o.servers = &here;
        o.n_servers = 1;
    }
    Discovery *client;
    r = discovery_eureka_open(cx, &o, &client);
    if (r != 0)
        return r;
    d->client = discovery_service_new(&(DiscoveryServiceOptions){
        .discovery = client, .log = p->log, .changed = view_changed, .wake = client_woken, .arg = d });
    d->client_pulse = pulse_new(d->o.loop, d->lane, p->clock, run_client, d);
    if (d->registry)
        d->registry_pulse = pulse_new(d->o.loop, d->lane, p->clock, run_registry, d);
    return 0;
}

int discovery_app_new(Ctx *cx, const DiscoveryAppOptions *o, DiscoveryApp **out) {
    enum { THREADS = 2, WAITING = 16 };
    const AppCfg *cfg = o->platform->cfg;
    DiscoveryApp *d = mem_new(DiscoveryApp);
    d->o = *o;
    d->cfg = cfg;
    d->fast = cfg->discovery_fast || cfg->gateway_fast;
    d->open = config_is_loopback(cfg);
    d->lane = lane_threads_new("discovery", THREADS, WAITING, o->platform->clock);
    int r = 0;
    if (cfg->discovery_urls.n || cfg->discovery_peers.n)
        r = http_curl_open(cx, NULL, &d->http);
    if (r == 0 && o->hosts->has[ROLE_DISCOVERY])
        r = open_registry(d, cx);
    if (r == 0)
        *out = d;
    else
        discovery_app_free(d);
    return r;
}

void discovery_app_leave(DiscoveryApp *d) {
    if (d && d->client)
        discovery_wish(d->client, DISCOVERY_WISH_LEAVE, DISCOVERY_UNKNOWN);
}

void discovery_app_stop(DiscoveryApp *d) {
    if (!d)
        return;
    d->stopped = true;
    pulse_stop(d->client_pulse);
    pulse_stop(d->registry_pulse);
    d->lane = d->lane ? lane_close(d->lane) : NULL;
}

DiscoveryApp *discovery_app_free(DiscoveryApp *d) {
    if (!d)
        return NULL;
    discovery_app_stop(d);
    pulse_free(d->client_pulse);
    pulse_free(d->registry_pulse);
    discovery_service_free(d->client);
    http_client_close(d->near);
    http_client_close(d->http);
    registry_service_free(d->registry);
    seen_free(d->seen);
    vec_done(&d->services);
    arena_done(&d->names);
    return mem_free(d);
}

/* --- into the gateway --- */

/* A service whose instances the configuration names is the configuration's. */
static bool is_named(const AppCfg *cfg, Str service) {
    for (size_t i = 0; i < cfg->gateway_services.n; i++) {
        Str item = cfg->gateway_services.v[i], name;
        str_next(&item, '=', &name);
        if (str_eq(str_trim(name), service))
            return true;
    }
    return false;
}

static bool has_address(const ClusterInstance *v, size_t n, Str address) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].address, address))
            return true;
    return false;
}

static size_t instances_of(const Seen *s, Str service, ClusterInstance *v) {
    size_t n = 0;
    for (size_t i = 0; i < s->view.n && n < CLUSTER_INSTANCES_MAX; i++) {
        const DiscoveryInstance *x = &s->view.v[i];
        if (x->status == DISCOVERY_UP && str_eq(x->service, service) && !has_address(v, n, x->address))
            v[n++] = (ClusterInstance){ x->address, x->weight };
    }
    return n;
}

void discovery_app_fill(DiscoveryApp *d, const AppCfg *cfg, GatewayTopology *t) {
    d->services.n = 0;
    arena_reset(&d->names);
    for (size_t i = 0; i < t->n_clusters; i++) {
        GatewayCluster *c = (GatewayCluster *)(uintptr_t)&t->clusters[i];
        if (is_named(cfg, c->o.name))
            continue;
        vec_push(&d->services, str_dup(&d->names, c->o.name));
        if (!d->seen)
            continue;
        ClusterInstance *v = arena_new_n(&d->names, ClusterInstance, CLUSTER_INSTANCES_MAX);
        c->n = instances_of(d->seen, c->o.name, v);
        c->instances = v;
    }
}

void discovery_app_apply(DiscoveryApp *d, Gateway *g) {
    Arena scratch = { 0 };
    Ctx cx;
    ctx_init(&cx, &scratch, d->o.platform->clock);
    ClusterInstance *v = arena_new_n(&scratch, ClusterInstance, CLUSTER_INSTANCES_MAX);
    VEC_FOR (name, &d->services) {
        size_t n = d->seen ? instances_of(d->seen, *name, v) : 0;
        if (!d->seen)
            continue;
        if (gateway_instances(g, &cx, *name, v, n) != 0)
            log_failure(d->o.platform->log, &cx, S("instances from discovery not taken"));
        else
            LOG_INFO(d->o.platform->log, NULL, S("instances from discovery"), F_STR("service", *name), F_I64("n", n));
    }
    arena_done(&scratch);
}

/* --- /eureka --- */

/* The documents' router (DIS-10): what it is about is this process, not the registry. */
static bool own_router(Str path) {
    static const Str own[] = { STR_INIT("/status"), STR_INIT("/register"), STR_INIT("/deregister"),
                               STR_INIT("/refresh") };
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (str_eq(path, own[i]))
            return true;
    return false;
}

static Str below(Str path) {
    Str rest = str_from(path, S("/eureka").n);
    return str_starts(rest, S("/v2/")) || str_eq(rest, S("/v2")) ? str_from(rest, 3) : rest;
}

/* Clients of Eureka bring no key: on a loopback address anybody may register, elsewhere it takes one (Basic will do). */
static Role door_needs(void *arg, const HttpHead *head) {
    const DiscoveryApp *d = arg;
    bool get = str_eq(head->method, S("GET")) || str_eq(head->method, S("HEAD"));
    if (get)
        return ROLE_READ;
    return d->open && !own_router(below(head->path)) ? ROLE_NONE : ROLE_WRITE;
}

static void write_own(const DiscoveryApp *d, Ctx *cx, DoorReply *out) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 8 << 20);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_key(&w, S("client"));
    if (d->client)
        discovery_service_write(d->client, &w);
    else
        json_null(&w);
    json_key(&w, S("registry"));
    if (d->registry)
        registry_service_write(d->registry, &w);
    else
        json_null(&w);
    json_object_end(&w);
    *out = (DoorReply){ buf_ok(&b) ? 200 : 500, S("application/json"), str_dup(cx->arena, buf_str(&b)) };
    buf_done(&b);
}

static int answer_own(DiscoveryApp *d, Ctx *cx, const HttpHead *head, Str path, DoorReply *out) {
    bool get = str_eq(head->method, S("GET")), post = str_eq(head->method, S("POST")),
         status = str_eq(path, S("/status"));
    if (get && status) {
        write_own(d, cx, out);
        return 0;
    }
    DiscoveryStatus override = DISCOVERY_UNKNOWN;
    bool off = status && str_eq(head->method, S("DELETE"));
    if (!post && !off)
        return err_set(cx, ERR_METHOD, STR_FMT " takes %s", STR_ARG(path), status ? "GET, POST and DELETE" : "POST");
    if (!d->client)
        return err_set(cx, ERR_CONFLICT, "this process has not been told of a registry (discovery.urls)");
    Str value = head->query;
    if (status && post && !(str_starts(value, S("value=")) && discovery_status_parse(str_from(value, 6), &override)))
        return err_set_at(cx, ERR_INVALID, S("value"), "value is UP, DOWN, STARTING or OUT_OF_SERVICE");
    discovery_wish(d->client,
                   status                           ? DISCOVERY_WISH_OVERRIDE
                   : str_eq(path, S("/register"))   ? DISCOVERY_WISH_REGISTER
                   : str_eq(path, S("/deregister")) ? DISCOVERY_WISH_LEAVE
                                                    : DISCOVERY_WISH_REFRESH,
                   override);
    *out = (DoorReply){ 202, S("application/json"), S("{\"accepted\":true}") };
    return 0;
}

static int door_answer(void *arg, Ctx *cx, const HttpExchange *ex, DoorReply *out) {
    DiscoveryApp *d = arg;
    const HttpHead *head = &ex->head;
    Str path = below(head->path);
    if (own_router(path))
        return answer_own(d, cx, head, path, out);
    EurekaReply reply;
    EurekaRequest rq = { .method = str_eq(head->method, S("HEAD")) ? S("GET") : head->method,
                         .path = path,
                         .query = head->query,
                         .accept = http_field(head, S("accept")),
                         .content_type = http_field(head, S("content-type")),
                         .body = ex->body,
                         .from_peer =
                             str_eq_nocase(http_field(head, S("x-netflix-discovery-replication")), S("true")) };
    if (!d->registry || !registry_answer(d->registry, cx->arena, &rq, &reply))
        return err_set(cx, ERR_NOT_FOUND,
                       d->registry ? "Eureka has no such path" : "the registry is not of this process");
    *out = (DoorReply){ reply.status, reply.media, reply.body };
    return 0;
}

void discovery_app_door(DiscoveryApp *d, GatewayDoor *out) {
    enum { BATCH_MAX = 8 << 20 };
    *out = (GatewayDoor){ .prefix = S("/eureka"),
                          .max_body = d->registry ? BATCH_MAX : 64 << 10,
                          .needs = door_needs,
                          .answer = door_answer,
                          .arg = d };
}
