/* services/trace/export.c - see export.h. */

#include "services/trace/export.h"

#include "base/zip.h"
#include "services/trace/otlp.h"

enum {
    BATCH = 128, /* records; with 32 spans each some MB of JSON */
    BATCH_LEAST = 4,
    BODY_MAX = 16 << 20,
    ANSWER_MAX = 64 << 10,
    PACK_FROM = 1024,
    ATTEMPTS = 6,
    BASE_MS = 500,
    MOST_MS = 30 * 1000,
    CALL_MS = 10 * 1000,
    DRIFT_NS = 2 * NS_PER_MS,
};

typedef enum Verdict { TAKEN, AGAIN, REFUSED } Verdict;

struct TraceExport {
    TraceExportOptions o;
    char *url, *service, *instance;
    TraceCursor cursor;
    Rng rng;
    TraceRecord *records; /* of the batch */
    size_t n, batch;      /* n > 0: a batch that waits */
    Buf body;             /* as it is sent */
    int attempts;
    MonoNs not_before;
    int64_t wall_ns; /* see OtlpSource */
    bool complained;
    Counter *sent, *dropped, *missed, *retries;
};

static char *text_new(Str s) {
    char *z = mem_zalloc(s.n + 1);
    memcpy(z, s.n ? s.p : "", s.n);
    return z;
}

static char *url_new(Str base) {
    const Str path = S("/v1/traces");
    while (str_ends(base, S("/")))
        base.n--;
    bool whole = str_ends(base, path);
    char *z = mem_zalloc(base.n + path.n + 1);
    memcpy(z, base.n ? base.p : "", base.n);
    if (!whole)
        memcpy(z + base.n, path.p, path.n);
    return z;
}

TraceExport *trace_export_new(const TraceExportOptions *o) {
    TraceExport *e = mem_new(TraceExport);
    *e = (TraceExport){ .o = *o,
                        .url = url_new(o->url),
                        .service = text_new(o->service),
                        .instance = text_new(o->instance),
                        .records = mem_new_n(TraceRecord, BATCH),
                        .batch = BATCH };
    rng_seed(&e->rng, o->seed);
    const char *name = "finsight_trace_export_spans_total", *help = "Spans for the collector, by what became of them.";
    e->sent = metrics_counter(o->metrics, name, help, METRIC_L({ "outcome", S("sent") }));
    e->dropped = metrics_counter(o->metrics, name, help, METRIC_L({ "outcome", S("dropped") }));
    e->missed = metrics_counter(o->metrics, "finsight_trace_export_missed_total",
                                "Requests that were overwritten in the ring before they were sent.", METRIC_NO_LABELS);
    e->retries = metrics_counter(o->metrics, "finsight_trace_export_retries_total",
                                 "Batches for the collector that were sent again.", METRIC_NO_LABELS);
    return e;
}

TraceExport *trace_export_free(TraceExport *e) {
    if (!e)
        return NULL;
    buf_done(&e->body);
    mem_free(e->records);
    mem_free(e->url);
    mem_free(e->service);
    mem_free(e->instance);
    return mem_free(e);
}

/* Wall time is told in whole ms, cut: the greatest difference seen is the nearest to the truth, until the clock is set. */
static void learn_wall(TraceExport *e, Ctx *cx) {
    int64_t now = clock_wall(cx->clock).ms * NS_PER_MS - clock_mono(cx->clock).ns;
    if (now > e->wall_ns || e->wall_ns - now > DRIFT_NS)
        e->wall_ns = now;
}

static int64_t spans_of(const TraceExport *e) {
    int64_t n = 0;
    for (size_t i = 0; i < e->n; i++)
        n += e->records[i].n;
    return n;
}

static void make_body(TraceExport *e, Ctx *cx) {
    Buf plain;
    JsonWriter w;
    learn_wall(e, cx);
    buf_init(&plain, BODY_MAX);
    json_writer_init(&w, &plain, false);
    OtlpSource source = { .service = str_c(e->service),
                          .instance = str_c(e->instance),
                          .version = S(FINSIGHT_VERSION),
                          .wall_ns = e->wall_ns };
    otlp_write(&w, &source, e->records, e->n);
    assert(buf_ok(&plain)); /* BATCH records of SPANS_MAX spans fit */
    buf_done(&e->body);
    enum { FAST = 1 };
    buf_init(&e->body, BODY_MAX);
    if (plain.n < PACK_FROM || zip_compress(NULL, ZIP_GZIP, FAST, buf_str(&plain), &e->body) != 0) {
        buf_done(&e->body);
        e->body = plain;
        return;
    }
    buf_done(&plain);
}

static bool take_batch(TraceExport *e, Ctx *cx) {
    int64_t missed = 0;
    e->n = trace_ring_follow(e->o.ring, &e->cursor, e->records, e->batch, &missed);
    counter_add(e->missed, (uint64_t)missed);
    e->attempts = 0;
    if (e->n)
        make_body(e, cx);
    return e->n > 0;
}

static Verdict judge(TraceExport *e, Ctx *cx, int r, const HttpResponse *answer) {
    int s = answer->status;
    if (r < 0 && s == 0)
        return r == ERR_INVALID || r == ERR_DENIED ? REFUSED : AGAIN;
    if (s == 429 || s == 502 || s == 503 || s == 504)
        return AGAIN;
    if (s == 413)
        e->batch = MAX(e->batch / 2, (size_t)BATCH_LEAST);
    if (s < 200 || s > 299)
        return REFUSED;
    Str why;
    int64_t rejected = otlp_rejected(cx->arena, answer->body, &why);
    rejected = MIN(rejected, spans_of(e));
    counter_add(e->sent, (uint64_t)(spans_of(e) - rejected));
    counter_add(e->dropped, (uint64_t)rejected);
    return TAKEN;
}

/* Once, until it works again: a collector that is away is not a line a second. */
static void complain(TraceExport *e, Ctx *cx, const HttpResponse *answer, const char *what) {
    if (e->complained)
        return;
    e->complained = true;
    LOG_WARNING(e->o.log, NULL, S("spans do not reach the collector"), F_STR("url", str_c(e->url)),
                F_I64("status", answer->status), F_STR("what", str_c(what)),
                F_STR("reason", answer->status ? str_first(answer->body, 200) : str_c(cx->err.text)));
}

static void end_batch(TraceExport *e, bool taken) {
    if (!taken)
        counter_add(e->dropped, (uint64_t)spans_of(e));
    e->n = 0;
    buf_done(&e->body);
    e->body = (Buf){ 0 };
}

static int64_t wait_ms(TraceExport *e, Ctx *cx, const HttpResponse *answer) {
    int64_t told = answer->status ? http_retry_after_ms(answer, clock_wall(cx->clock)) : -1;
    int64_t most = MIN((int64_t)BASE_MS << MIN(e->attempts, 10), (int64_t)MOST_MS);
    return CLAMP(MAX(told, rng_between(&e->rng, most / 2, most)), (int64_t)1, (int64_t)MOST_MS);
}

/* One exchange for the batch. 0: it is done with; > 0: ms to wait. */
static int64_t send(TraceExport *e, Ctx *cx) {
    static const RetryPolicy once = { .attempts = 1 };
    bool packed = e->body.n > 2 && (uint8_t)e->body.p[0] == 0x1f;
    const HttpHeader headers[] = { { S("Content-Type"), S("application/json") }, { S("Content-Encoding"), S("gzip") } };
    HttpRequest rq = { .method = "POST",
                       .url = str_c(e->url),
                       .headers = headers,
                       .n_headers = packed ? 2 : 1,
                       .body = buf_str(&e->body),
                       .total_ms = CALL_MS,
                       .max_body = ANSWER_MAX,
                       .allow_private = true }; /* the operator named it */
    HttpResponse answer;
    ArenaMark mark = arena_mark(cx->arena);
    int r = http_fetch(e->o.http, cx, &rq, &once, &answer, NULL);
    Verdict v = judge(e, cx, r, &answer);
    bool again = v == AGAIN && ++e->attempts < ATTEMPTS;
    int64_t wait = again ? wait_ms(e, cx, &answer) : 0;
    if (v != TAKEN)
        complain(e, cx, &answer, again ? "tried again" : "dropped");
    else
        e->complained = false;
    if (again)
        counter_inc(e->retries);
    else
        end_batch(e, v == TAKEN);
    arena_rewind(cx->arena, mark);
    err_clear(cx);
    return wait;
}

int64_t trace_export_tick(TraceExport *e, Ctx *cx) {
    for (;;) {
        MonoNs now = clock_mono(cx->clock);
        if (e->n && e->not_before.ns > now.ns)
            return MAX(mono_ms_between(now, e->not_before), (int64_t)1);
        if ((!e->n && !take_batch(e, cx)) || ctx_check(cx) != 0)
            return 0;
        int64_t wait = send(e, cx);
        e->not_before = mono_add_ms(clock_mono(cx->clock), wait);
    }
}
