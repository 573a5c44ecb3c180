/* gateway/traced.c - the spans of a request: what it passed, for how long, and whose child it is (base/span.h).
 *
 * They lie in the request's own log while it is under way. Whoever owns the request last puts them into the ring, when
 * nobody adds any more. A request that is not sampled has no log, and costs a branch a stage. */

#include "gateway/internal.h"

/* The caller's trace goes on, and its word whether it is kept; else there is a new one, and so many of all are kept. */
static void take_trace(Request *rq) {
    const Gateway *g = rq->g;
    const HttpHead *head = &rq->ex->head;
    Trace *t = &rq->cx.trace;
    if (traceparent_read(http_field(head, S(API_HEADER_TRACE)), t)) {
        t->state = str_first(http_field(head, S(API_HEADER_TRACESTATE)), TRACESTATE_MAX);
        return;
    }
    t->trace_hi = ids_u64(g->o.ids);
    t->trace_lo = ids_u64(g->o.ids);
    t->unsampled = (double)(t->trace_lo >> 11) * 0x1p-53 >= g->o.trace_sample;
}

void traced_begin(Request *rq) {
    Gateway *g = rq->g;
    Trace *t = &rq->cx.trace;
    take_trace(rq);
    uint64_t seed = ids_u64(g->o.ids);
    if (!g->o.traces || t->unsampled) {
        t->span = t->span ? t->span : seed; /* whom we call has to be given one */
        return;
    }
    if (!rq->spans)
        rq->spans = mem_new(SpanLog);
    rq->cx.spans = rq->spans;
    span_log_begin(rq->spans, t, seed, rq->ex->started);
    rq->stage_began = clock_mono(g->o.clock);
}

/* What began with the last call of this or with traced_begin is over. */
Span *traced_stage(Request *rq, const char *name, int r) {
    SpanLog *l = rq->cx.spans;
    if (!l)
        return NULL;
    MonoNs now = clock_mono(rq->g->o.clock);
    Span *s = span_log_open(l, name, rq->cx.trace.span, rq->stage_began);
    rq->stage_began = now;
    if (!s)
        return NULL;
    s->end_ns = now.ns;
    s->failed = r < 0;
    if (r < 0)
        span_note(s, str_c(err_info(r)->name));
    return s;
}

static void keep_text(char *to, size_t cap, Str s) {
    size_t n = MIN(s.n, cap - 1);
    memcpy(to, n ? s.p : "", n);
    to[n] = '\0';
}

/* On the loop, while the exchange is still there. A worker may still add spans. */
void traced_done(Request *rq, const HttpExchange *ex, const HttpDone *done) {
    if (!rq->cx.spans)
        return;
    TraceRecord *r = &rq->spans->record;
    const Route *route = rq->route;
    keep_text(r->method, sizeof r->method, ex->head.method);
    keep_text(r->path, sizeof r->path, ex->head.path);
    keep_text(r->name, sizeof r->name,
              route && route->op        ? str_c(route->op->name)
              : route && route->cluster ? cluster_name(route->cluster)
                                        : S("none"));
    r->status = done->status;
    r->aborted = done->aborted;
    r->failed = done->aborted || done->status >= 500;
    rq->took_ns = done->took_ns;
}

/* Pages and probes that went well are not kept: what asks for health every second would fill the ring. */
void traced_end(Request *rq) {
    if (!rq->cx.spans || (!rq->route && rq->spans->record.status < 400))
        return;
    MonoNs end = { rq->spans->record.v[0].start_ns + rq->took_ns };
    trace_ring_put(rq->g->o.traces, span_log_end(rq->spans, end));
}

SpanLog *traced_fetch(Request *rq, Arena *a, ClusterRequest *call) {
    call->spans = NULL;
    if (!rq->cx.spans)
        return NULL;
    SpanLog *l = arena_new(a, SpanLog);
    Trace t = rq->cx.trace;
    span_log_begin(l, &t, ids_u64(rq->g->o.ids), clock_mono(rq->g->o.clock));
    TraceRecord *r = &l->record;
    r->v[0].name = "fetch";
    r->v[0].kind = SPAN_INTERNAL;
    keep_text(r->method, sizeof r->method, S("GET"));
    keep_text(r->path, sizeof r->path, rq->path);
    keep_text(r->name, sizeof r->name, cluster_name(rq->route->cluster));
    call->spans = l;
    call->parent = t.span;
    return l;
}

void traced_fetch_end(Gateway *g, SpanLog *l, int status) {
    if (!l)
        return;
    l->record.status = status;
    l->record.failed = status == 0 || status >= 500;
    trace_ring_put(g->o.traces, span_log_end(l, clock_mono(g->o.clock)));
}
