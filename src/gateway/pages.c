/* gateway/pages.c - what is served beside the operations: health, metrics, the API's description and its page. */

#include "gateway/internal.h"

#include "base/zip.h"

enum { PAGE_MAX = 8 << 20 };

static const HttpField page_policy[] = {
    { STR_INIT("Cache-Control"), STR_INIT("no-cache") },
};

enum { PAGE_OPENAPI, PAGE_DOCS, PAGE_CSS, PAGES };

/* Compressed once and well here: on the loop a page costs nothing but its sending, and memory none at all. */
static void page_make(Page *page, Str text) {
    static const ZipKind kinds[CODINGS] = { [CODING_GZIP] = ZIP_GZIP, [CODING_ZSTD] = ZIP_ZSTD };
    enum { USUAL = 0 };
    for (int i = 0; i < CODINGS; i++) {
        Buf b;
        buf_init(&b, text.n + 1); /* the limit: a form that does not get smaller is none */
        if (i == CODING_IDENTITY)
            page->form[i] = http_shared_new(text);
        else if (zip_compress(NULL, kinds[i], USUAL, text, &b) == 0)
            page->form[i] = http_shared_new(buf_str(&b));
        buf_done(&b);
    }
}

static void page_given(Page *page, const Str *const form[CODINGS]) {
    for (int i = 0; i < CODINGS; i++)
        page->form[i] = form[i] ? http_shared_of(*form[i]) : NULL;
}

static void documents_make(Gateway *g) {
    Buf b;
    buf_init(&b, PAGE_MAX);
    JsonWriter w;
    json_writer_init(&w, &b, true);
    openapi_write(&w, g->tables, g->n_tables, S("/"));
    assert(buf_ok(&b));
    page_make(&g->pages[PAGE_OPENAPI], buf_str(&b));
    buf_clear(&b);
    docs_write_html(&b, g->tables, g->n_tables);
    assert(buf_ok(&b));
    page_make(&g->pages[PAGE_DOCS], buf_str(&b));
    buf_done(&b);
}

void pages_make(Gateway *g) {
    const GatewayDocuments *made = g->o.documents;
    g->pages = mem_new_n(Page, PAGES + g->o.n_pages);
    if (made) {
        page_given(&g->pages[PAGE_OPENAPI], made->openapi);
        page_given(&g->pages[PAGE_DOCS], made->docs);
    } else {
        documents_make(g);
    }
    page_make(&g->pages[PAGE_CSS], docs_css);
    for (size_t i = 0; i < g->o.n_pages; i++)
        page_make(&g->pages[PAGES + i], *g->o.pages[i].text);
}

void pages_free(Gateway *g) {
    buf_done(&g->health.services);
    for (size_t i = 0; g->pages && i < PAGES + g->o.n_pages; i++)
        for (int k = 0; k < CODINGS; k++)
            http_shared_unref(g->pages[i].form[k]);
    mem_free(g->pages);
}

/* The documents' name of the role market (GWY-06): here, or where its instances are. */
static bool put_market_data(const Gateway *g, JsonWriter *w) {
    bool well = true;
    for (size_t i = 0; i < g->n_tables; i++) {
        if (!str_eq(str_c(g->tables[i]->role), S("market")))
            continue;
        const Cluster *c = i < g->o.n_roles ? NULL : gateway_cluster(g, S("market"));
        json_key(w, S("market_data"));
        if (c)
            return cluster_write_health(c, w);
        json_object(w);
        json_put_str(w, "status", S("healthy"));
        json_object_end(w);
    }
    return well;
}

/* Asks what stands behind, ten times a second at most: a crowd of probes takes no locks of the lanes. On the loop. */
static void health_look(Gateway *g, MonoNs now) {
    enum { FRESH_MS = 100 };
    Buf *services = &g->health.services;
    if (services->n && mono_ms_between(g->health.looked, now) < FRESH_MS)
        return;
    if (!services->limit)
        buf_init(services, 32 << 10);
    buf_clear(services);
    JsonWriter w;
    json_writer_init(&w, services, false);
    json_object(&w);
    g->health.well = !g->o.health || g->o.health(g->o.health_arg, &w);
    g->health.well &= put_market_data(g, &w);
    VEC_FOR (c, &g->clusters) {
        json_key(&w, cluster_name(*c));
        g->health.well &= cluster_write_health(*c, &w);
    }
    json_object_end(&w);
    g->health.looked = now;
}

/* The documents' payloads as one superset: status, timestamp, version, services. Whether the answer is labelled
 * simulated belongs to it. */
static void serve_health(Request *rq) {
    Gateway *g = rq->g;
    Buf body;
    buf_init(&body, 64 << 10);
    Time now = clock_wall(g->o.clock);
    JsonWriter w;
    json_writer_init(&w, &body, false);
    json_object(&w);
    health_look(g, rq->ex->started);
    json_key(&w, S("services"));
    json_raw(&w, buf_str(&g->health.services));
    int more = g->o.health_more ? g->o.health_more(g->o.health_arg, &w) : 0;
    json_put_str(&w, "status", g->health.well ? S("healthy") : S("degraded"));
    json_put_str(&w, "overall_status",
                 !g->health.well || more > 1 ? S("degraded")
                 : more == 1                 ? S("unknown")
                                             : S("healthy")); /* OBS-03, OBS-28 */
    json_put_str(&w, "service", S("finsight"));
    json_put_str(&w, "version", S(FINSIGHT_VERSION));
    json_put_time(&w, "timestamp", now);
    json_put_i64(&w, "uptime_seconds", (now.ms - g->started.ms) / MS_PER_SECOND);
    json_put_bool(&w, "simulated", g->o.simulated);
    json_object_end(&w);
    request_reply(rq, 200, S("application/json"), &body, NULL, 0);
}

/* /api/health/NAME: one member of "services" (GWY-25). */
static bool serve_one_health(Request *rq) {
    const Str below = S("/api/health/");
    Str path = rq->ex->head.path, key;
    if (!str_starts(path, below))
        return false;
    Gateway *g = rq->g;
    health_look(g, rq->ex->started);
    JsonReader r;
    json_reader_init(&r, buf_str(&g->health.services), &rq->arena, SHAPE_DEPTH_MAX);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0) {
        Str value;
        if (json_skip_raw(&r, &value) != 0)
            break;
        if (!str_eq(key, str_from(path, below.n)))
            continue;
        Buf body;
        buf_init(&body, 64 << 10);
        buf_put_str(&body, value);
        request_reply(rq, 200, S("application/json"), &body, NULL, 0);
        return true;
    }
    err_set(&rq->cx, ERR_NOT_FOUND, "Service not found"); /* OBS-01 */
    request_fail(rq);
    return true;
}

static void serve_metrics(Request *rq) {
    Buf body;
    buf_init(&body, PAGE_MAX);
    if (metrics_write(rq->g->o.metrics, &body) != 0) {
        buf_done(&body);
        err_set(&rq->cx, ERR_INTERNAL, "the metrics do not fit %d bytes", PAGE_MAX);
        request_fail(rq);
        return;
    }
    request_reply(rq, 200, S(METRICS_CONTENT_TYPE), &body, NULL, 0);
}

/* OBS-06, OBS-07: the documents' MetricsService as JSON. */
static void serve_snapshot(Request *rq) {
    RequestSnapshot s = { 0 };
    if (rq->g->o.requests)
        request_stats_snapshot(rq->g->o.requests, &s);
    HttpServerStats server;
    http_server_stats(rq->g->server, &server);
    Buf body;
    buf_init(&body, 4096);
    JsonWriter w;
    json_writer_init(&w, &body, false);
    json_object(&w);
    json_put_i64(&w, "request_count", s.request_count);
    json_put_i64(&w, "error_count", s.error_count);
    json_put_f64(&w, "error_rate", s.error_rate);
    json_put_f64(&w, "avg_response_time", s.avg_response_time);
    json_put_f64(&w, "min_response_time", s.min_response_time);
    json_put_f64(&w, "max_response_time", s.max_response_time);
    json_put_i64(&w, "active_connections", server.connections);
    json_object_end(&w);
    request_reply(rq, 200, S("application/json"), &body, NULL, 0);
}

static void serve_page(Request *rq, Str content_type, int nr) {
    const Page *page = &rq->g->pages[nr];
    if (!page->form[rq->coding])
        rq->coding = CODING_IDENTITY;
    request_reply_shared(rq, content_type, page->form[rq->coding], page_policy, ARRAY_LEN(page_policy));
}

static void serve_openapi(Request *rq) {
    serve_page(rq, S("application/json"), PAGE_OPENAPI);
}

static void serve_docs(Request *rq) {
    serve_page(rq, S("text/html; charset=utf-8"), PAGE_DOCS);
}

static void serve_css(Request *rq) {
    serve_page(rq, S("text/css; charset=utf-8"), PAGE_CSS);
}

static const struct {
    Str path;
    void (*serve)(Request *rq);
} pages[] = {
    { STR_INIT("/health"), serve_health },
    { STR_INIT("/metrics"), serve_metrics },
    { STR_INIT("/openapi.json"), serve_openapi },
    { STR_INIT("/docs"), serve_docs },
    { STR_INIT("/docs.css"), serve_css },
    { STR_INIT("/api/v1/system/requests"), serve_snapshot },
    { STR_INIT("/api/health"), serve_health },
    { STR_INIT("/api/metrics"), serve_snapshot },
    { STR_INIT("/api/metrics/prometheus"), serve_metrics },
    { STR_INIT("/"), serve_docs },
};

static bool serve_given(Request *rq) {
    const GatewayOptions *o = &rq->g->o;
    for (size_t i = 0; i < o->n_pages; i++)
        if (str_eq(rq->ex->head.path, o->pages[i].path)) {
            serve_page(rq, o->pages[i].media, (int)(PAGES + i));
            return true;
        }
    return false;
}

bool pages_serve(Request *rq) {
    Str path = rq->ex->head.path, method = rq->ex->head.method;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        if (!str_eq(path, pages[i].path))
            continue;
        rq->match.allow = S("GET, HEAD, OPTIONS");
        if (str_eq(method, S("GET")) || rq->head_only) {
            pages[i].serve(rq);
        } else if (str_eq(method, S("OPTIONS"))) {
            Buf none = { 0 };
            request_reply(rq, 204, (Str){ 0 }, &none, &(HttpField){ S("Allow"), rq->match.allow }, 1);
        } else {
            err_set(&rq->cx, ERR_METHOD, STR_FMT " can only be read", STR_ARG(path));
            request_fail(rq);
        }
        return true;
    }
    return (str_eq(method, S("GET")) || rq->head_only) && (serve_given(rq) || serve_one_health(rq));
}
