/* app/alert_rounds.c - see alert_rounds.h. */

#include "app/alert_rounds.h"

#include "adapters/http/smtp.h"
#include "app/process.h"
#include "services/alerts/abuse.h"
#include "services/alerts/window.h"

enum { SAMPLES_MAX = 128, SERVICES_MAX = 64, ROUND_MS = 60 * 1000, LAST_MS = 2000, WINDOW_MS = 5 * 60 * 1000 };

struct AlertRounds {
    Platform *p;
    Gateway *gateway;
    Loop *loop;
    Lane *lane;
    LoopTimer timer;
    HttpClient *http;
    Mailer *mailer;
    AlertService *service;
    Window window;
    Arena arena; /* of the round under way */
    AlertSample v[SAMPLES_MAX];
    size_t n;
    bool under_way, stopped;
};

void alert_rounds_denied(void *platform, Str client, MonoNs at) {
    const Platform *p = platform;
    counter_inc(p->denied);
    abuse_failed(p->abuse, client, at);
}

/* --- what is measured --- */

static void add(AlertRounds *a, AlertSignal signal, Str label, double value) {
    if (a->n < SAMPLES_MAX)
        a->v[a->n++] = (AlertSample){ signal, label, value };
}

static void measure_requests(AlertRounds *a) {
    Metrics *m = a->p->metrics;
    double bounds[WINDOW_BUCKETS_MAX];
    WindowLook look = { .at = clock_mono(a->p->clock) };
    size_t n = metrics_histogram_total(m, "finsight_http_request_seconds", bounds, look.buckets, WINDOW_BUCKETS_MAX);
    if (!a->window.span_ms)
        window_init(&a->window, WINDOW_MS, bounds, n);
    look.requests = metrics_counter_total(m, "finsight_http_requests_total", S(""));
    look.failed = metrics_counter_total(m, "finsight_http_requests_total", S("status=\"5xx\""));
    window_look(&a->window, &look);
    AlertSample two[2];
    size_t k = window_samples(&a->window, two);
    for (size_t i = 0; i < k; i++)
        add(a, two[i].signal, two[i].label, two[i].value);
}

static void measure_services(AlertRounds *a) {
    GatewayService v[SERVICES_MAX];
    size_t n = gateway_services(a->gateway, v, SERVICES_MAX);
    for (size_t i = 0; i < n; i++)
        add(a, SIGNAL_SERVICE_DOWN, str_dup(&a->arena, v[i].name), v[i].view.available == 0);
}

static void measure_connections(AlertRounds *a) {
    HttpServerStats s;
    http_server_stats(gateway_server(a->gateway), &s);
    add(a, SIGNAL_CAPACITY, S("connections"), (double)s.connections / (double)a->p->cfg->server_max_connections);
}

static void measure_process(AlertRounds *a) { /* on the lane: it reads files */
    const AppCfg *cfg = a->p->cfg;
    ProcessShares s;
    process_shares(cfg->data_store == STORE_MEMORY ? NULL : cfg->data_dir, &s);
    add(a, SIGNAL_CAPACITY, S("disk"), s.disk);
    add(a, SIGNAL_CAPACITY, S("memory"), s.memory);
    add(a, SIGNAL_CAPACITY, S("descriptors"), s.descriptors);
}

/* Of the role prediction, where it is hosted here: each model on each series that has an alarm. */
static void measure_drift(AlertRounds *a) {
    Serving *serving = a->p->prediction.serving;
    DriftRow *rows;
    size_t n;
    Ctx cx;
    ctx_init(&cx, &a->arena, a->p->clock);
    if (!serving || serving_drift(serving, &cx, &rows, &n) != 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (rows[i].inputs || rows[i].errors)
            add(a, SIGNAL_DRIFT,
                str_fmt(&a->arena, STR_FMT "/" STR_FMT " " STR_FMT, STR_ARG(rows[i].name), STR_ARG(rows[i].version),
                        STR_ARG(rows[i].series)),
                1);
}

/* --- rounds --- */

static void done(void *arg) { /* on the loop */
    AlertRounds *a = arg;
    a->under_way = false;
    if (!a->stopped)
        loop_timer_start(&a->timer, a->p->cfg->alerts_every_ms, 0);
}

static void evaluate(AlertRounds *a, int64_t most_ms) {
    Ctx cx;
    ctx_init(&cx, &a->arena, a->p->clock);
    cx.deadline = mono_add_ms(clock_mono(a->p->clock), most_ms);
    alerts_round(a->service, &cx, a->v, a->n);
}

static void on_lane(void *arg, int err) {
    AlertRounds *a = arg;
    if (err != 0)
        return; /* a lane that closes has no loop behind it any more */
    measure_process(a);
    measure_drift(a);
    evaluate(a, ROUND_MS);
    loop_post(a->loop, done, a);
}

static void begin(void *arg) { /* on the loop */
    AlertRounds *a = arg;
    LaneJob job = { .run = on_lane, .arg = a };
    a->n = 0;
    arena_reset(&a->arena);
    measure_requests(a);
    measure_services(a);
    measure_connections(a);
    a->n += abuse_samples(a->p->abuse, &a->arena, clock_mono(a->p->clock), a->v + a->n, SAMPLES_MAX - a->n);
    a->under_way = lane_post(a->lane, &job) == 0;
    if (!a->under_way)
        loop_timer_start(&a->timer, a->p->cfg->alerts_every_ms, 0);
}

/* --- the beginning and the end --- */

static int read_receivers(Ctx *cx, const AppCfg *cfg, Receiver *out, size_t *n) {
    Str rest = cfg->alerts_receivers, one;
    int r = 0;
    *n = 0;
    while (r == 0 && rest.n && str_next(&rest, ' ', &one)) {
        if (!str_trim(one).n)
            continue;
        if (*n == RECEIVERS_MAX)
            return err_set_at(cx, ERR_LIMIT, S("alerts.receivers"), "there are more than %d receivers", RECEIVERS_MAX);
        r = receiver_parse(cx, str_trim(one), &out[(*n)++]);
    }
    return r;
}

static int read_routes(Ctx *cx, const AppCfg *cfg, AlertRoute *out) {
    int r = 0;
    if (cfg->alerts_routes.n > ALERT_ROUTES_MAX)
        return err_set_at(cx, ERR_LIMIT, S("alerts.routes"), "there are more than %d routes", ALERT_ROUTES_MAX);
    for (size_t i = 0; r == 0 && i < cfg->alerts_routes.n; i++)
        r = alert_route_parse(cx, cfg->alerts_routes.v[i], &out[i]);
    return r;
}

static int make_service(AlertRounds *a, Ctx *cx) {
    Platform *p = a->p;
    Receiver receivers[RECEIVERS_MAX];
    AlertRoute *routes = arena_new_n(cx->arena, AlertRoute, ALERT_ROUTES_MAX);
    AlertServiceOptions o = { .routes = routes, .n_routes = p->cfg->alerts_routes.n };
    size_t n;
    int r = read_receivers(cx, p->cfg, receivers, &n);
    if (r == 0)
        r = read_routes(cx, p->cfg, routes);
    if (r == 0)
        r = platform_http_open(cx, p->log, &a->http);
    if (r == 0)
        r = smtp_mailer_open(cx, &a->mailer);
    o.deliver = (DeliveriesOptions){ .receivers = receivers,
                                     .n_receivers = n,
                                     .http = a->http,
                                     .mailer = a->mailer,
                                     .metrics = p->metrics,
                                     .log = p->log,
                                     .ids = p->ids,
                                     .external_url = S("/api/v1/admin/alerts") };
    return r == 0 ? alerts_new(cx, &o, &a->service) : r;
}

int alert_rounds_start(Ctx *cx, Platform *p, Gateway *g, Loop *loop, Lane *lane, AlertRounds **out) {
    *out = NULL;
    if (!p->cfg->alerts_every_ms || !p->hosts.has[ROLE_GATEWAY])
        return 0;
    AlertRounds *a = mem_new(AlertRounds);
    *a = (AlertRounds){ .p = p, .gateway = g, .loop = loop, .lane = lane };
    loop_timer_init(&a->timer, loop, begin, a);
    int r = make_service(a, cx);
    if (r != 0) {
        alert_rounds_free(a);
        return r;
    }
    p->monitor.alerts = a->service;
    loop_timer_start(&a->timer, p->cfg->alerts_every_ms, 0);
    *out = a;
    return 0;
}

void alert_rounds_stop(AlertRounds *a) {
    if (!a)
        return;
    a->stopped = true;
    loop_timer_stop(&a->timer);
    if (a->service && a->n)
        evaluate(a, LAST_MS); /* what waits goes out, if it goes at once */
    a->p->monitor.alerts = NULL;
}

AlertRounds *alert_rounds_free(AlertRounds *a) {
    if (!a)
        return NULL;
    alerts_free(a->service);
    http_client_close(a->http);
    mailer_close(a->mailer);
    arena_done(&a->arena);
    return mem_free(a);
}
