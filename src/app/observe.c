/* app/observe.c - see observe.h. */

#include "app/observe.h"

#include "adapters/http/curl.h"
#include "app/alert_rounds.h"
#include "services/trace/export.h"

#include <stdio.h>
#include <unistd.h>

enum { QUEUE = 4, ROUND_MS = 60 * 1000, LAST_MS = 2000, INSTANCE_MAX = 320, HOST_MAX = 256 };

struct Observe {
    Platform *p;
    Loop *loop;
    Lane *lane;
    LoopTimer timer;
    HttpClient *http; /* NULL: nothing is sent */
    TraceExport *traces;
    ProcessMetrics *process;
    AlertRounds *alerts;
    HealthChecks *checks;
    bool under_way, stopped; /* of the loop's thread */
    int64_t wait_ms;         /* of the round under way; the loop reads it when that is done */
    struct {
        Histogram *read, *save, *other;
    } store;
};

static const GatewayPage pages[] = {
    { STR_INIT("/admin/traces"), STR_INIT("text/html; charset=utf-8"), &traces_html },
    { STR_INIT("/admin/traces.css"), STR_INIT("text/css; charset=utf-8"), &traces_css },
    { STR_INIT("/admin/traces.js"), STR_INIT("text/javascript; charset=utf-8"), &traces_js },
};

void observe_gateway(Platform *p, GatewayOptions *g) {
    g->traces = p->traces;
    g->slow = slow_log_watch(p->slow);
    g->trace_sample = p->cfg->trace_sample;
    g->metric_aliases = p->cfg->metrics_aliases;
    p->denied = metrics_counter(p->metrics, "finsight_failed_logins_total",
                                "Requests with a key or a token that is not known.", METRIC_NO_LABELS);
    g->on_denied = alert_rounds_denied;
    g->on_denied_arg = p;
    g->pages = pages;
    g->n_pages = ARRAY_LEN(pages);
}

/* --- the store's times --- */

static void on_store_call(void *arg, Ctx *cx, const StoreCall *c) {
    const Observe *o = arg;
    bool reads = strcmp(c->name, "store.read") == 0, saves = strcmp(c->name, "store.save") == 0;
    histogram_observe(reads ? o->store.read : saves ? o->store.save : o->store.other, (double)c->took_ns * 1e-9);
    if (slow_log_wants(o->p->slow, c->took_ns))
        slow_log_add(o->p->slow, cx,
                     &(SlowCall){ .what = str_c(c->name),
                                  .detail = c->key ? series_key_text(cx->arena, c->key) : S(""),
                                  .rows = (int64_t)c->rows,
                                  .took_ns = c->took_ns });
}

static Histogram *store_histogram(Metrics *m, Str call) {
    return metrics_histogram(m, "finsight_store_seconds", "Time of a call of the candle store.", NULL, 0,
                             METRIC_L({ "call", call }));
}

static void time_store(Observe *o) {
    Metrics *m = o->p->metrics;
    if (!o->p->store)
        return;
    o->store.read = store_histogram(m, S("read"));
    o->store.save = store_histogram(m, S("save"));
    o->store.other = store_histogram(m, S("other"));
    candle_store_time(o->p->store, on_store_call, o);
}

/* --- rounds --- */

static void begin(void *arg);

static void done(void *arg) { /* on the loop */
    Observe *o = arg;
    o->under_way = false;
    if (!o->stopped)
        loop_timer_start(&o->timer, o->wait_ms, 0);
}

static void one_round(Observe *o, int64_t most_ms) {
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, o->p->clock);
    cx.deadline = mono_add_ms(clock_mono(o->p->clock), most_ms);
    int64_t wait = o->traces ? trace_export_tick(o->traces, &cx) : 0;
    o->wait_ms = wait ? wait : o->p->cfg->trace_flush_ms;
    arena_done(&arena);
}

static void on_lane(void *arg, int err) {
    Observe *o = arg;
    if (err != 0)
        return; /* a lane that closes has no loop behind it any more */
    one_round(o, ROUND_MS);
    loop_post(o->loop, done, o);
}

static void begin(void *arg) { /* on the loop */
    Observe *o = arg;
    LaneJob job = { .run = on_lane, .arg = o };
    if (o->stopped || o->under_way)
        return;
    o->under_way = lane_post(o->lane, &job) == 0;
    if (!o->under_way)
        loop_timer_start(&o->timer, o->p->cfg->trace_flush_ms, 0);
}

static void on_behind(void *arg) { /* any thread */
    loop_post(((Observe *)arg)->loop, begin, arg);
}

static int start_export(Observe *o, Ctx *cx) {
    const AppCfg *cfg = o->p->cfg;
    char host[HOST_MAX] = "", instance[INSTANCE_MAX];
    HttpUrl url;
    if (!cfg->trace_otlp.n)
        return 0;
    int r = http_url_parse(cx, cfg->trace_otlp, &url);
    if (r != 0)
        return err_prefix(cx, "trace.otlp: ");
    r = http_curl_open(cx, NULL, &o->http);
    if (r != 0)
        return r;
    gethostname(host, sizeof host - 1);
    snprintf(instance, sizeof instance, "%s-%ld", host, (long)getpid());
    o->traces = trace_export_new(&(TraceExportOptions){ .ring = o->p->traces,
                                                        .http = o->http,
                                                        .metrics = o->p->metrics,
                                                        .log = o->p->log,
                                                        .url = cfg->trace_otlp,
                                                        .service = S("finsight"),
                                                        .instance = str_c(instance),
                                                        .seed = ids_u64(o->p->ids) });
    trace_ring_behind(o->p->traces, on_behind, o);
    return 0;
}

int observe_start(Ctx *cx, Platform *p, const ObserveOptions *options, Observe **out) {
    Observe *o = mem_new(Observe);
    *o = (Observe){ .p = p, .loop = options->loop };
    loop_timer_init(&o->timer, o->loop, begin, o);
    o->lane = lane_threads_new("observe", 1, QUEUE, p->clock);
    int r = start_export(o, cx);
    if (r == 0)
        r = alert_rounds_start(cx, p, options->gateway, o->loop, o->lane, &o->alerts);
    if (r != 0) {
        observe_free(o);
        return r;
    }
    const char *folder = p->cfg->data_store == STORE_MEMORY ? NULL : p->cfg->data_dir;
    o->process = process_metrics_new(p->metrics, p->clock, folder);
    lane_metrics(p->metrics, "cpu", options->cpu);
    lane_metrics(p->metrics, "io", options->io);
    lane_metrics(p->metrics, "feed", options->feed);
    if (p->job_lane)
        lane_metrics(p->metrics, "jobs", p->job_lane);
    time_store(o);
    o->checks = health_checks_start(p, options->shared, o->loop, o->lane);
    if (o->traces)
        loop_timer_start(&o->timer, p->cfg->trace_flush_ms, 0);
    *out = o;
    return 0;
}

HealthChecks *observe_checks(Observe *o) {
    return o->checks;
}

void observe_stop(Observe *o) {
    if (!o || o->stopped)
        return;
    o->stopped = true;
    loop_timer_stop(&o->timer);
    trace_ring_behind(o->p->traces, NULL, NULL);
    if (o->p->store)
        candle_store_time(o->p->store, NULL, NULL);
    health_checks_stop(o->checks);
    lane_close(o->lane);
    if (o->traces)
        one_round(o, LAST_MS);
    alert_rounds_stop(o->alerts);
}

Observe *observe_free(Observe *o) {
    if (!o)
        return NULL;
    observe_stop(o); /* of a start that failed */
    alert_rounds_free(o->alerts);
    trace_export_free(o->traces);
    http_client_close(o->http);
    health_checks_free(o->checks);
    process_metrics_free(o->process);
    return mem_free(o);
}
