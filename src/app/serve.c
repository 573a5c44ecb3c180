/* app/serve.c - `finsight serve`: loop, lanes, gateway, and a clean end.
 *
 * SIGTERM or SIGINT: listeners close, requests in flight may go on for server.drain, then lanes and store close.
 * A second signal ends it at once; the store is whole either way. */

#include "app/serve.h"
#include "api/market/market_api.h"
#include "api/news/news_api.h"
#include "api/rpc/rpc.h"
#include "app/app.h"
#include "app/callbacks.h"
#include "app/discovery.h"
#include "app/documents.h"
#include "app/events.h"
#include "app/follower.h"
#include "app/job_kinds.h"
#include "app/mlflow.h"
#include "app/kept.h"
#include "app/news_clock.h"
#include "app/observe.h"
#include "app/security.h"
#include "app/takeover.h"
#include "app/ticker.h"
#include "app/topology.h"
#include "app/trace_gather.h"
#include "app/training.h"

#include "base/file.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { WHY_MAX = 400 };

struct Service {
    App *app;
    const AppCfg *cfg;
    Loop *loop;
    Lane *cpu, *io, *feed;
    Gateway *gateway;
    TlsServer *tls;          /* NULL: the port speaks plain HTTP */
    TlsClient *upstream_tls; /* NULL: services are asked in plain */
    TraceGather *gather;     /* NULL: the gateway is elsewhere */
    LoopTimer tls_timer;
    Follower *follower; /* NULL: nothing is followed */
    Ticker *ticker, *training_ticker;
    Observe *observe;
    DiscoveryApp *discovery;
    GatewayDoor doors[1 + MLFLOW_DOORS];
    Callbacks *callbacks;
    EventRuntime *events;
    NewsClock *news_clock;
    KeptAnswers kept;
    SecurityDesk *desk; /* NULL: the gateway is not hosted */
    Logger *log;
    RoleSet hosts;
    ApiCaller *wire;    /* NULL: operations are called as they are */
    Takeover *takeover; /* NULL: it cannot be taken over */
    bool taken;         /* another process is this instance now */
    int socket;         /* that it was given; -1: none */
    int port;
    int signals;
};

static int own_port(const AppCfg *cfg, const RoleSet *hosts) {
    return cfg->server_port >= 0 ? (int)cfg->server_port : roles_port(hosts, cfg->server_ports == PORTS_B);
}

/* Commands on keys come this way; of several gateways on one folder one holds them. */
static void listen_owner(void *arg) {
    Service *s = arg;
    Arena scratch = { 0 };
    char why[WHY_MAX];
    if (s->cfg->data_store != STORE_MEMORY &&
        http_server_listen_unix(gateway_server(s->gateway), platform_gateway_socket(&scratch, s->cfg), why, sizeof why))
        LOG_WARNING(s->log, NULL, S("commands on keys cannot work through this server"), F_STR("reason", str_c(why)));
    arena_done(&scratch);
}

/* The socket that is there already: taken over, or a service manager's. */
static int find_socket(Service *s, Ctx *cx) {
    s->socket = takeover_inherited(getenv("LISTEN_PID"), getenv("LISTEN_FDS"));
    Confine *confine = s->app->confine;
    if (s->socket < 0 && confine) {
        s->socket = confine->socket;
        confine->socket = -1;
    }
    if (s->socket >= 0 || !s->cfg->server_takeover || s->cfg->data_store == STORE_MEMORY)
        return 0;
    GatewayTopology unused;
    int r = topology_make(cx, s->cfg, &s->hosts, &unused); /* the old process is not sent away for a bad file */
    return r == 0 ? takeover_take(cx, s->cfg, &s->socket) : r;
}

static int listen_tcp(Service *s, Ctx *cx) {
    char why[WHY_MAX];
    HttpServer *server = gateway_server(s->gateway);
    if (s->socket >= 0) {
        int fd = s->socket;
        s->socket = -1;
        int r = http_server_listen_fd(server, fd, s->tls, &s->port);
        return r == 0 ? 0 : err_set(cx, r, "the socket this process was given does not listen");
    }
    int r = http_server_listen_tls(server, s->tls, str_cz(cx->arena, s->cfg->server_host), own_port(s->cfg, &s->hosts),
                                   &s->port, why, sizeof why);
    return r == 0 ? 0 : err_set(cx, r, "%s", why);
}

static void stop_taken(void *arg) {
    Service *s = arg;
    LOG_INFO(s->log, NULL, S("another process takes over"));
    s->taken = true;
    service_stop(s);
}

static int listen_all(Service *s, Ctx *cx) {
    char why[WHY_MAX];
    int r = listen_tcp(s, cx);
    if (r != 0 || s->cfg->data_store == STORE_MEMORY)
        return r;
    s->takeover = takeover_offer(s->loop, cx->arena, s->cfg, gateway_server(s->gateway), stop_taken, s);
    if (s->hosts.has[ROLE_MARKET]) /* the socket in the data folder is its owner's */
        r = http_server_listen_unix(gateway_server(s->gateway), platform_socket(cx->arena, s->cfg), why, sizeof why);
    if (r == ERR_USAGE) { /* a path too long for a socket: all but the commands beside the server work */
        LOG_WARNING(s->log, cx, S("commands cannot work through this server"), F_STR("reason", str_c(why)));
        return 0;
    }
    return r == 0 ? 0 : err_set(cx, r, "%s", why);
}

static void on_signal(void *arg, int signo) {
    Service *s = arg;
    if (s->signals++ > 0)
        _exit(128 + signo);
    LOG_INFO(s->log, NULL, S("stopping"), F_I64("signal", signo), F_I64("drain_ms", s->cfg->server_drain_ms));
    service_stop(s);
}

/* --- TLS --- */

/* The pair in use stays in use when the new one is no good. */
static void tls_reload(Service *s) {
    Arena scratch = { 0 };
    Ctx cx;
    ctx_init(&cx, &scratch, s->app->clock);
    char text[TIME_TEXT_MAX];
    int r = tls_server_reload(s->tls, &cx);
    size_t n = time_format_iso(tls_server_expires(s->tls), text);
    security_desk_note(s->desk, "certificate.reload", r == 0 ? S("ok") : S("invalid"), str_c(r ? cx.err.text : ""));
    if (r == 0)
        LOG_INFO(s->log, &cx, S("certificate reloaded"), F_STR("expires", str_n(text, n)));
    else
        LOG_ERROR(s->log, &cx, S("certificate not reloaded, the old one stays"), F_STR("reason", str_c(cx.err.text)));
    arena_done(&scratch);
}

/* Services and routes as the configuration file has them now. What is no good changes nothing. */
static void routes_reload(Service *s) {
    Arena scratch = { 0 };
    Ctx cx;
    AppCfg cfg;
    GatewayTopology topology;
    ctx_init(&cx, &scratch, s->app->clock);
    int r = app_config_again(&cx, &s->app->cfg_table, &cfg);
    if (r == 0)
        r = topology_make(&cx, &cfg, &s->hosts, &topology);
    if (r == 0) {
        discovery_app_fill(s->discovery, &cfg, &topology);
        r = gateway_routes(s->gateway, &cx, &topology);
    }
    security_desk_note(s->desk, "config.reload", r == 0 ? S("ok") : S("invalid"), str_c(r ? cx.err.text : ""));
    if (r == 0)
        LOG_INFO(s->log, &cx, S("services and routes reloaded"), F_I64("services", topology.n_clusters),
                 F_I64("routes", topology.n_foreign));
    else
        LOG_ERROR(s->log, &cx, S("services and routes not reloaded, the old ones stay"),
                  F_STR("reason", str_c(cx.err.text)));
    arena_done(&scratch);
}

/* What the gateway shows to its services, and whom it believes there. */
static void upstream_tls_reload(Service *s) {
    Arena scratch = { 0 };
    Ctx cx;
    ctx_init(&cx, &scratch, s->app->clock);
    int r = tls_client_reload(s->upstream_tls, &cx);
    security_desk_note(s->desk, "certificate.reload", r == 0 ? S("ok") : S("invalid"), str_c(r ? cx.err.text : ""));
    if (r == 0)
        LOG_INFO(s->log, &cx, S("certificate for services reloaded"));
    else
        LOG_ERROR(s->log, &cx, S("certificate for services not reloaded, the old one stays"),
                  F_STR("reason", str_c(cx.err.text)));
    arena_done(&scratch);
}

static void on_hangup(void *arg, int signo) {
    Service *s = arg;
    UNUSED(signo);
    if (s->hosts.has[ROLE_GATEWAY])
        routes_reload(s);
    if (s->tls)
        tls_reload(s);
    if (s->upstream_tls)
        upstream_tls_reload(s);
}

static void tls_look(void *arg) {
    Service *s = arg;
    if (s->tls && tls_server_stale(s->tls))
        tls_reload(s);
    if (s->upstream_tls && tls_client_stale(s->upstream_tls))
        upstream_tls_reload(s);
}

static int make_upstream_tls(Service *s, Ctx *cx) {
    const AppCfg *cfg = s->cfg;
    TlsClientOptions o = { .ca = str_c(cfg->gateway_tls_ca),
                           .no_system = true,
                           .cert = str_c(cfg->gateway_tls_cert),
                           .key = str_c(cfg->gateway_tls_key) };
    if (!o.cert.n != !o.key.n)
        return err_set_at(cx, ERR_USAGE, S("gateway.tls.cert"),
                          "gateway.tls.cert and gateway.tls.key are given together");
    if (!o.ca.n)
        return o.cert.n ? err_set_at(cx, ERR_USAGE, S("gateway.tls.ca"), "gateway.tls.cert needs gateway.tls.ca") : 0;
    return tls_client_new(cx, &o, &s->upstream_tls);
}

static int make_tls(Service *s, Ctx *cx) {
    Str cert = str_c(s->cfg->tls_cert), key = str_c(s->cfg->tls_key);
    if (!cert.n && !key.n)
        return s->cfg->tls_client_ca && s->cfg->tls_client_ca[0]
                   ? err_set_at(cx, ERR_USAGE, S("server.tls.client_ca"), "server.tls.client_ca needs server.tls.cert")
                   : 0;
    if (!cert.n || !key.n)
        return err_set_at(cx, ERR_USAGE, cert.n ? S("server.tls.key") : S("server.tls.cert"),
                          "server.tls.cert and server.tls.key are given together");
    int r = tls_server_new(
        cx,
        &(TlsServerOptions){
            .cert = cert, .key = key, .h2 = s->cfg->server_http2, .client_ca = str_c(s->cfg->tls_client_ca) },
        &s->tls);
    return r;
}

static int cpu_threads(const AppCfg *cfg) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cfg->server_cpu_threads ? (int)cfg->server_cpu_threads : (int)MAX(cores, 1);
}

static void make_lanes(Service *s) {
    const AppCfg *cfg = s->cfg;
    int cpu = cpu_threads(cfg);
    int io = (int)cfg->server_io_threads;
    s->cpu = lane_threads_new("cpu", cpu, (size_t)(cfg->server_queue * cpu), s->app->clock);
    int feed = (int)cfg->server_feed_threads;
    s->io = lane_threads_new("io", io, (size_t)(cfg->server_queue * io), s->app->clock);
    s->feed = lane_threads_new("feed", feed, (size_t)(cfg->server_queue * feed), s->app->clock);
}

static bool is_loopback(Str host) {
    return str_starts(host, S("127.")) || str_eq(host, S("::1")) || str_eq(host, S("localhost"));
}

/* A lane whose oldest job has waited longer than this refuses new ones: lane.h. */
enum { OVERLOADED_MS = 100 };

static bool lane_health(JsonWriter *w, const char *name, Lane *lane) {
    LaneStats st;
    lane_stats(lane, &st);
    bool well = st.oldest_wait_ms <= OVERLOADED_MS;
    json_key(w, str_c(name));
    json_object(w);
    json_put_str(w, "status", well ? S("healthy") : S("degraded"));
    json_put_i64(w, "running", st.running);
    json_put_i64(w, "waiting", st.waiting);
    json_put_i64(w, "refused", st.refused);
    json_object_end(w);
    return well;
}

/* A GatewayOptions.health: what the process itself knows, without asking a disk or a venue. */
static bool health(void *arg, JsonWriter *w) {
    Service *s = arg;
    Platform *p = &s->app->platform;
    bool well = lane_health(w, "reading", s->cpu);
    well &= lane_health(w, "saving", s->io);
    well &= lane_health(w, "collecting", s->feed);
    if (s->observe)
        well &= health_checks_write_databases(observe_checks(s->observe), w) != HEALTH_BAD;
    if (s->observe)
        well &= health_checks_write_monitoring(observe_checks(s->observe), w);
    if (!p->store)
        return well;
    json_key(w, S("store"));
    json_object(w);
    json_put_str(w, "status", S("healthy")); /* one that cannot be opened never serves */
    json_put_str(w, "adapter", str_c(p->store->ops->name));
    json_object_end(w);
    for (size_t i = 0; i < p->n_feeds; i++) {
        FeedLimits limits;
        market_feed_limits(p->feeds[i], &limits);
        json_key(w, str_c(p->feeds[i]->ops->name));
        json_object(w);
        json_put_str(w, "status", S("configured"));
        json_put_bool(w, "simulated", market_feed_simulated(p->feeds[i]));
        json_put_i64(w, "requests", limits.requests);
        json_put_i64(w, "retries", limits.retries);
        json_object_end(w);
    }
    return well;
}

/* A GatewayOptions.health_more. */
static int health_more(void *arg, JsonWriter *w) {
    const Service *s = arg;
    return s->observe ? (int)health_checks_write(observe_checks(s->observe), w) : HEALTH_UNKNOWN;
}

/* On a loopback address the user is alone with his scripts; elsewhere the documents' numbers hold (U03). */
static int64_t limit_of(const AppCfg *cfg, int64_t asked, int64_t standard) {
    return asked >= 0 ? asked : is_loopback(cfg->server_host) ? 0 : standard;
}

static void make_live(const Service *s, GatewayOptions *g) {
    const AppCfg *cfg = s->cfg;
    live_options_default(&g->live);
    g->live_source = s->hosts.has[ROLE_MARKET] ? &s->app->platform.live : NULL;
    g->live_news = s->hosts.has[ROLE_NEWS] ? &s->app->platform.news.live_source : NULL;
    g->live.max_connections = (int)cfg->live_max_connections;
    g->live.max_subscriptions = (int)cfg->live_max_subscriptions;
    g->live.messages_second = cfg->live_messages_second;
    g->live.heartbeat_ms = cfg->live_heartbeat_ms;
    g->live.slow_ms = cfg->live_slow_ms;
    g->live.ws.max_message = (size_t)cfg->live_max_message;
    g->live.ws.max_queue = (size_t)cfg->live_max_queue;
    g->live.ws.ping_ms = cfg->live_ping_ms;
    g->live.ws.idle_ms = cfg->live_idle_ms;
}

static void make_http(const AppCfg *cfg, HttpServerOptions *http) {
    http_server_options_default(http);
    http->header_ms = cfg->server_header_ms;
    http->body_ms = cfg->server_body_ms;
    http->idle_ms = cfg->server_idle_ms;
    http->max_connections = (int)cfg->server_max_connections;
    http->send_helpers = MIN(cpu_threads(cfg) - 1, 3);
    http->h2 = cfg->server_http2;
    http->h2_max_streams = (int)cfg->server_max_streams;
}

static void instances_changed(void *arg) { /* on the loop */
    Service *s = arg;
    discovery_app_apply(s->discovery, s->gateway);
}

/* What is behind: told by the configuration, and by discovery. */
static int make_topology(Service *s, Ctx *cx, GatewayOptions *g) {
    DiscoveryAppOptions o = {
        .platform = &s->app->platform, .hosts = &s->hosts, .loop = s->loop, .changed = instances_changed, .arg = s
    };
    int r = discovery_app_new(cx, &o, &s->discovery);
    if (r == 0)
        r = topology_make(cx, s->cfg, &s->hosts, &g->topology);
    if (r != 0)
        return r;
    discovery_app_door(s->discovery, &s->doors[g->n_doors++]);
    if (s->app->platform.prediction.registry) {
        mlflow_doors(s->app->platform.prediction.registry, &s->doors[g->n_doors]);
        g->n_doors += MLFLOW_DOORS;
    }
    g->doors = s->doors;
    discovery_app_fill(s->discovery, s->cfg, &g->topology);
    return 0;
}

/* Whom it believes, and who hears of those it does not. */
static void make_trust(Service *s, GatewayOptions *g) {
    g->upstream_tls = s->upstream_tls;
    g->upstream_tls_name = s->cfg->gateway_tls_name;
    g->internal_key = s->cfg->auth_internal_key;
    g->refusals = (GatewayRefusals)s->cfg->gateway_refuse;
    g->unknown_key_401 = s->cfg->auth_unknown_401;
    g->on_event = s->app->platform.trail ? security_desk_event : NULL;
    g->event_arg = &s->desk;
}

/* What it says of its own answers, and does with those of others. */
static void make_front(const Service *s, GatewayOptions *g) {
    const AppCfg *cfg = s->cfg;
    g->edge_ms = cfg->cache_edge_ms;
    if (!s->hosts.has[ROLE_GATEWAY])
        return;
    g->documents = &platform_documents; /* the same words however many processes there are */
    g->keep_bytes = (size_t)cfg->gateway_cache;
    g->keep_role_ms = cfg->gateway_role_age_ms;
    g->hedge_ms = cfg->gateway_hedge ? HEDGE_BY_P95 : HEDGE_NEVER;
}

static void show_whole_traces(Service *s, Str admin_key) {
    Platform *p = &s->app->platform;
    if (!s->hosts.has[ROLE_GATEWAY])
        return;
    s->gather = trace_gather_new(p, s->loop, s->gateway, admin_key);
    p->monitor.gather = trace_gather;
    p->monitor.gather_arg = s->gather;
}

static int make_gateway(Service *s, Ctx *cx) {
    const AppCfg *cfg = s->cfg;
    Platform *p = &s->app->platform;
    ApiRole roles[PLATFORM_ROLES_MAX];
    size_t n_roles = platform_roles(p, roles, PLATFORM_ROLES_MAX);
    s->wire = cfg->server_wire ? api_caller_wire(roles, n_roles) : NULL;
    Str key = { 0 };
    const char *key_path = NULL;
    ClientNet *hops = NULL;
    int r = 0;
    if (cfg->data_store != STORE_MEMORY || cfg->auth_admin_key.n)
        r = platform_admin_key(cx, cfg, s->app->ids, &key, &key_path);
    if (r == 0)
        r = kept_open(&s->kept, cx, p);
    if (r != 0)
        return r;
    GatewayOptions g = { .loop = s->loop,
                         .roles = roles,
                         .n_roles = n_roles,
                         .cpu = s->cpu,
                         .io = s->io,
                         .feed = s->feed,
                         .clock = s->app->clock,
                         .ids = s->app->ids,
                         .log = s->log,
                         .metrics = p->metrics,
                         .requests = p->requests,
                         .answers = s->kept.answers,
                         .admin_key = key,
                         .cors = { .origins = cfg->cors_origins.v,
                                   .n = cfg->cors_origins.n,
                                   .credentials = cfg->cors_credentials,
                                   .max_age_s = cfg->cors_max_age_ms / MS_PER_SECOND,
                                   .headers = cfg->cors_headers },
                         .limits = { .flood = limit_of(cfg, cfg->limit_flood, 6000),
                                     .anonymous = limit_of(cfg, cfg->limit_anonymous, limit_anonymous.most),
                                     .keyed = limit_of(cfg, cfg->limit_key, limit_keyed.most) },
                         .access_log = cfg->server_access_log,
                         .open_reading = is_loopback(cfg->server_host),
                         .simulated = config_simulated(cfg),
                         .health = health,
                         .health_more = health_more,
                         .health_arg = s };
    observe_gateway(p, &g);
    make_trust(s, &g);
    make_front(s, &g);
    g.wire = s->wire;
    make_http(cfg, &g.http);
    make_live(s, &g);
    r = make_topology(s, cx, &g);
    if (r == 0)
        r = topology_hops(cx, cfg, &hops, &g.n_hops);
    g.hops = hops;
    g.proxy_protocol = cfg->server_proxy_protocol;
    const GatewayRpc rpcs[] = {
        { .service = &market_rpc, .table = &market_api, .role = s->hosts.has[ROLE_MARKET] ? p->market : NULL },
        { .service = &news_rpc, .table = &news_api, .role = p->news.news },
    };
    g.rpcs = rpcs;
    g.n_rpcs = ARRAY_LEN(rpcs);
    g.rpc_descriptors = rpc_descriptors();
    if (r == 0)
        r = gateway_new(cx, &g, &s->gateway);
    if (r != 0)
        return r;
    show_whole_traces(s, key);
    if (key_path)
        LOG_INFO(s->log, NULL, S("admin key"), F_STR("file", str_c(key_path)));
    return 0;
}

/* What the process before left goes on; then the clock rules. */
static void write_config(void *arg, Buf *out) {
    cfg_write_effective_json(&((App *)arg)->cfg_table, out);
}

/* What was under way when the process before ended goes on. */
static int start_trainings(Service *s, Ctx *cx) {
    PredictionRoles *r = &s->app->platform.prediction;
    if (!r->role.trainings)
        return 0;
    int e = jobs_recover(r->role.trainings, cx);
    if (e)
        return e;
    s->training_ticker = ticker_new(r->role.trainings, s->loop, s->io, s->app->clock);
    r->wake_arg = s->training_ticker;
    r->wake = ticker_wake;
    return 0;
}

static int start_jobs(Service *s, Ctx *cx) {
    Platform *p = &s->app->platform;
    if (!p->jobs)
        return 0;
    p->admin.config = write_config;
    p->admin.config_arg = s->app;
    int r = jobs_recover(p->jobs, cx);
    if (r == 0)
        r = job_kinds_configure(p, cx);
    if (r != 0)
        return r;
    s->ticker = ticker_new(p->jobs, s->loop, s->io, s->app->clock);
    p->wake_arg = s->ticker;
    p->wake = ticker_wake;
    return callbacks_start(p, cx, s->loop, &s->callbacks);
}

static void note_refused(void *arg, Str what) {
    security_desk_note(((Service *)arg)->desk, "confine.refused", S("denied"), what);
}

/* Processes are started for jobs, for trainings and for queries in SQL; who has none of them starts none. */
static void seal(Service *s, Ctx *cx) {
    const Platform *p = &s->app->platform;
    http_server_prepare(gateway_server(s->gateway));
    ConfineSeal o = { .loop = s->loop,
                      .log = s->log,
                      .children = p->jobs || p->sql || p->prediction.role.trainings,
                      .note = note_refused,
                      .note_arg = s };
    confine_seal(cx, s->app->confine, &o);
}

/* What goes on although nobody asks. */
static void start_by_themselves(Service *s) {
    Platform *p = &s->app->platform;
    s->events = p->events ? events_start(p) : NULL;
    s->news_clock = news_clock_start(p);
}

int service_start(App *app, Ctx *cx, Logger *log, bool signals, Service **out) {
    RoleSet hosts;
    int r = roles_parse(cx, &app->cfg.server_roles, &hosts);
    if (r == 0)
        r = roles_check(cx);
    if (r != 0)
        return r;
    Service *s = mem_new(Service);
    *s = (Service){
        .app = app, .cfg = &app->cfg, .log = log, .hosts = hosts, .socket = -1, .loop = loop_new(app->clock)
    };
    loop_timer_init(&s->tls_timer, s->loop, tls_look, s);
    if (signals) { /* before any thread is made: they inherit the blocked signals */
        loop_on_signal(s->loop, SIGINT, on_signal, s);
        loop_on_signal(s->loop, SIGTERM, on_signal, s);
        loop_on_signal(s->loop, SIGHUP, on_hangup, s);
    }
    r = find_socket(s, cx); /* an old process has closed its stores before ours are opened */
    if (r == 0)
        r = app_seal(app, cx);
    if (r == 0)
        r = platform_open(&app->platform, cx, &app->cfg, &s->hosts, app->clock, app->ids, log);
    app->platform_is_open = r == 0;
    if (r == 0 && s->hosts.has[ROLE_GATEWAY])
        r = make_upstream_tls(s, cx);
    if (r == 0) {
        make_lanes(s);
        r = make_gateway(s, cx);
    }
    if (r == 0 && s->hosts.has[ROLE_GATEWAY])
        r = security_desk_open(
            &app->platform, cx,
            &(SecurityDeskOptions){
                .gateway = s->gateway, .loop = s->loop, .io = s->io, .owner = listen_owner, .arg = s },
            &s->desk);
    if (r == 0) /* before others use the store */
        r = observe_start(cx, &app->platform,
                          &(ObserveOptions){ .gateway = s->gateway,
                                             .loop = s->loop,
                                             .cpu = s->cpu,
                                             .io = s->io,
                                             .feed = s->feed,
                                             .shared = s->kept.shared },
                          &s->observe);
    if (r == 0)
        r = make_tls(s, cx);
    if (r == 0 && (s->tls || s->upstream_tls))
        loop_timer_start(&s->tls_timer, s->cfg->tls_check_ms, s->cfg->tls_check_ms);
    if (r == 0)
        r = start_jobs(s, cx);
    if (r == 0)
        r = start_trainings(s, cx);
    if (r == 0)
        r = listen_all(s, cx);
    if (r == 0)
        r = discovery_app_start(s->discovery, cx, s->port);
    if (r == 0 &&
        s->hosts.has[ROLE_MARKET]) /* after the gateway: who listens to the store is set before others write to it */
        r = follower_start(cx, &app->platform, &s->follower);
    if (r == 0)
        start_by_themselves(s);
    if (r == 0 && app->confine)
        seal(s, cx);
    if (r != 0) {
        service_free(s);
        return r;
    }
    *out = s;
    return 0;
}

int service_port(const Service *s) {
    return s->port;
}

static void drained(void *arg) {
    loop_stop(((Service *)arg)->loop);
}

void service_stop(Service *s) {
    if (!s->taken)
        discovery_app_leave(s->discovery); /* before the door closes: who looks goes elsewhere meanwhile */
    if (s->ticker) {
        ticker_stop(s->ticker);
        jobs_shutdown(s->app->platform.jobs);
    }
    if (s->training_ticker) {
        ticker_stop(s->training_ticker);
        s->app->platform.prediction.stopping = true;
        jobs_shutdown(s->app->platform.prediction.role.trainings);
    }
    gateway_stopping(s->gateway);
    http_server_stop(gateway_server(s->gateway), s->cfg->server_drain_ms, drained, s);
}

static void stop_posted(void *arg) {
    service_stop(arg);
}

void service_stop_from_elsewhere(Service *s) {
    loop_post(s->loop, stop_posted, s);
}

void service_run(Service *s) {
    loop_run(s->loop);
}

Service *service_free(Service *s) {
    if (!s)
        return NULL;
    takeover_free(s->takeover);
    if (s->socket >= 0)
        close(s->socket);
    follower_stop(s->follower);
    security_desk_stop(s->desk);
    s->news_clock = news_clock_stop(s->news_clock);
    s->events = events_stop(s->events);
    Platform *p = &s->app->platform;
    if (s->ticker)
        ticker_stop(s->ticker);
    if (p->jobs)
        jobs_shutdown(p->jobs); /* also after a start that failed */
    if (p->job_lane)
        p->job_lane = lane_close(p->job_lane); /* its runs wake the ticker: while there is a loop */
    if (s->training_ticker)
        ticker_stop(s->training_ticker);
    training_stop(p);
    lane_stop(s->cpu); /* jobs in the queue answer 503; their exchanges must still live */
    lane_stop(s->io);
    lane_stop(s->feed);
    loop_read_mail(s->loop); /* a call whose client has left still has its request, and the request the gateway */
    security_desk_free(s->desk);
    discovery_app_stop(s->discovery);
    callbacks_stop(s->callbacks);
    s->gather = trace_gather_free(s->gather);
    gateway_free(s->gateway);
    api_caller_close(s->wire);
    observe_stop(s->observe); /* the store is used by nobody any more, and the last traces are there */
    kept_close(&s->kept);
    if (s->app->confine)
        confine_done(s->app->confine);
    loop_timer_stop(&s->tls_timer);
    tls_server_free(s->tls);
    tls_client_free(s->upstream_tls);
    loop_free(s->loop);
    lane_close(s->cpu);
    lane_close(s->io);
    lane_close(s->feed);
    s->observe = observe_free(s->observe);
    discovery_app_free(s->discovery);
    callbacks_free(s->callbacks);
    p->wake = NULL;
    ticker_free(s->ticker);
    p->prediction.wake = NULL;
    ticker_free(s->training_ticker);
    App *app = s->app;
    if (app->platform_is_open)
        platform_close(&app->platform);
    app->platform_is_open = false;
    return mem_free(s);
}

/* --- the command --- */

static void print_started(Cli *c, const Service *s) {
    Buf b;
    buf_init(&b, 1 << 16);
    JsonWriter w;
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(
        &w, "url",
        str_fmt(c->cx->arena, "%s://" STR_FMT ":%d", s->tls ? "https" : "http", STR_ARG(s->cfg->server_host), s->port));
    json_put_i64(&w, "pid", getpid());
    json_put_str(&w, "data_dir", str_c(s->cfg->data_dir));
    json_object_end(&w);
    fprintf(c->out, STR_FMT "\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
}

static int enter(App *app, Ctx *cx, Confine *c) {
    RoleSet hosts;
    int r = roles_parse(cx, &app->cfg.server_roles, &hosts);
    bool bound = takeover_inherited(getenv("LISTEN_PID"), getenv("LISTEN_FDS")) >= 0;
    if (r == 0)
        r = confine_enter(cx, &app->cfg, bound ? -1 : own_port(&app->cfg, &hosts), c);
    if (r == 0)
        app->confine = c;
    return r;
}

static int run_serve(Cli *c, const void *in) {
    UNUSED(in);
    App *app = (App *)c;
    Logger *log = NULL;
    Service *s;
    Confine confine;
    mem_pools((int)MAX(4, 2 * sysconf(_SC_NPROCESSORS_ONLN)));
    int r = enter(app, c->cx, &confine); /* before the first file and thread */
    if (r == 0)
        r = app_logger(app, "finsight", &log);
    if (r == 0)
        r = service_start(app, c->cx, log, true, &s);
    if (r != 0) {
        log_free(log);
        return cli_fail(c, r);
    }
    if (c->json)
        print_started(c, s);
    else if (!c->quiet)
        fprintf(c->out, "FinSight %s on %s://" STR_FMT ":%d   (docs: /docs, data: %s%s)\n", FINSIGHT_VERSION,
                s->tls ? "https" : "http", STR_ARG(app->cfg.server_host), s->port, app->cfg.data_dir,
                config_simulated(&app->cfg) ? ", exchange SIMULATED" : "");
    fflush(c->out);
    LOG_INFO(log, NULL, S("serving"), F_STR("host", app->cfg.server_host), F_I64("port", s->port),
             F_STR("data_dir", str_c(app->cfg.data_dir)), F_BOOL("simulated", config_simulated(&app->cfg)));
    mem_trim(); /* what opening took and gave back */
    service_run(s);
    service_free(s);
    LOG_INFO(log, NULL, S("stopped"));
    log_free(log);
    return 0;
}

const Command cmd_serve = {
    .name = "serve",
    .group = "Platform",
    .summary = "Run the platform: HTTP API, docs page, metrics",
    .run = run_serve,
    .help = "Reading is open on a loopback address and needs the key on any other; writing always needs the admin key "
            "(data-dir/admin.key). "
            "While it runs, other finsight commands on the same data folder work through it.",
    .shows_options = true,
    .examples = "finsight serve\nfinsight serve --port 9000 --data-dir /srv/finsight --log-format json",
};
