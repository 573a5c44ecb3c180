/* app/serve_reload.c - what SIGHUP, and the clock, bring into a process that runs: certificates, services and routes.
 *
 * The ones in use stay when the new ones are no good. */

#include "app/serve_internal.h"

#include "app/topology.h"

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

void serve_on_hangup(void *arg, int signo) {
    Service *s = arg;
    UNUSED(signo);
    if (s->hosts.has[ROLE_GATEWAY])
        routes_reload(s);
    if (s->tls)
        tls_reload(s);
    if (s->upstream_tls)
        upstream_tls_reload(s);
}

void serve_tls_look(void *arg) {
    Service *s = arg;
    if (s->tls && tls_server_stale(s->tls))
        tls_reload(s);
    if (s->upstream_tls && tls_client_stale(s->upstream_tls))
        upstream_tls_reload(s);
}

int serve_make_upstream_tls(Service *s, Ctx *cx) {
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

int serve_make_tls(Service *s, Ctx *cx) {
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
