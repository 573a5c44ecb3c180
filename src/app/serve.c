/* app/serve.c - the running platform: loop, lanes, gateway, and a clean end.
 *
 * SIGTERM or SIGINT: listeners close, requests in flight may go on for server.drain, then lanes and store close.
 * A second signal ends it at once; the store is whole either way. */

#include "app/serve_internal.h"

#include "app/job_kinds.h"
#include "app/topology.h"
#include "app/training.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { WHY_MAX = 400 };

int serve_own_port(const AppCfg *cfg, const RoleSet *hosts) {
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
    int r = http_server_listen_tls(server, s->tls, str_cz(cx->arena, s->cfg->server_host),
                                   serve_own_port(s->cfg, &s->hosts), &s->port, why, sizeof why);
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

int serve_cpu_threads(const AppCfg *cfg) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cfg->server_cpu_threads ? (int)cfg->server_cpu_threads : (int)MAX(cores, 1);
}

static void make_lanes(Service *s) {
    const AppCfg *cfg = s->cfg;
    int cpu = serve_cpu_threads(cfg);
    int io = (int)cfg->server_io_threads;
    s->cpu = lane_threads_new("cpu", cpu, (size_t)(cfg->server_queue * cpu), s->app->clock);
    int feed = (int)cfg->server_feed_threads;
    s->io = lane_threads_new("io", io, (size_t)(cfg->server_queue * io), s->app->clock);
    s->feed = lane_threads_new("feed", feed, (size_t)(cfg->server_queue * feed), s->app->clock);
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
    loop_timer_init(&s->tls_timer, s->loop, serve_tls_look, s);
    if (signals) { /* before any thread is made: they inherit the blocked signals */
        loop_on_signal(s->loop, SIGINT, on_signal, s);
        loop_on_signal(s->loop, SIGTERM, on_signal, s);
        loop_on_signal(s->loop, SIGHUP, serve_on_hangup, s);
    }
    r = find_socket(s, cx); /* an old process has closed its stores before ours are opened */
    if (r == 0)
        r = app_seal(app, cx);
    if (r == 0)
        r = platform_open(&app->platform, cx, &app->cfg, &s->hosts, app->clock, app->ids, log);
    app->platform_is_open = r == 0;
    if (r == 0 && s->hosts.has[ROLE_GATEWAY])
        r = serve_make_upstream_tls(s, cx);
    if (r == 0) {
        make_lanes(s);
        r = serve_make_gateway(s, cx);
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
        r = serve_make_tls(s, cx);
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
