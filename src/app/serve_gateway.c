/* app/serve_gateway.c - the gateway's options, from the configuration and the platform. */

#include "app/serve_internal.h"

#include "api/market/market_api.h"
#include "api/news/news_api.h"
#include "api/rpc/rpc.h"
#include "app/documents.h"
#include "app/topology.h"

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
    return asked >= 0 ? asked : config_is_loopback(cfg) ? 0 : standard;
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
    http->send_helpers = MIN(serve_cpu_threads(cfg) - 1, 3);
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

int serve_make_gateway(Service *s, Ctx *cx) {
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
                         .open_reading = config_is_loopback(cfg),
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
