/* api/monitor/traces.c - see traces.h. */

#include "api/monitor/traces.h"

#include <stdlib.h>

enum { PARTS_MAX = 64 }; /* requests of one trace that are shown */

static double ms_of(int64_t ns) { /* to the microsecond */
    return (double)((ns + (ns < 0 ? -500 : 500)) / 1000) / 1000;
}

static int64_t took_ns(const Span *s) {
    return MAX(s->end_ns - s->start_ns, INT64_C(0));
}

/* Wall time of a moment of the monotonic clock. */
static Time wall_of(Ctx *cx, int64_t mono_ns) {
    int64_t ago_ms = (clock_mono(cx->clock).ns - mono_ns) / NS_PER_MS;
    return time_add_ms(clock_wall(cx->clock), -ago_ms);
}

static TraceRow row_of(Ctx *cx, const TraceRecord *t) {
    Arena *a = cx->arena;
    return (TraceRow){ .trace_id = trace_id_write(t->trace_hi, t->trace_lo, arena_alloc(a, TRACE_ID_TEXT)),
                       .operation = str_dup(a, str_c(t->name)),
                       .method = str_dup(a, str_c(t->method)),
                       .path = str_dup(a, str_c(t->path)),
                       .started = wall_of(cx, t->v[0].start_ns),
                       .duration_ms = ms_of(took_ns(&t->v[0])),
                       .status = t->status,
                       .spans = t->n,
                       .dropped = t->dropped,
                       .failed = t->failed,
                       .aborted = t->aborted };
}

int monitor_traces_list(void *role, Ctx *cx, const void *in_, void *out_) {
    const MonitorRole *m = role;
    const TraceQuery *in = in_;
    TraceList *out = out_;
    TraceFilter f = { .name = in->operation,
                      .status_from = (int)in->status_from,
                      .status_to = (int)in->status_to,
                      .at_least_ns = (int64_t)(in->min_ms * 1e6),
                      .failed = in->failed };
    TraceRecord *v;
    TraceRingStats stats;
    size_t n = trace_ring_list(m->traces, &f, cx->arena, (size_t)in->limit, &v);
    TraceRow *rows = arena_new_n(cx->arena, TraceRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of(cx, &v[i]);
    trace_ring_stats(m->traces, &stats);
    *out = (TraceList){ (int64_t)n, stats.put, { rows, n } };
    return 0;
}

static SpanRow span_row(Arena *a, const Span *s, size_t request, int64_t began_ns) {
    static const char *const kinds[] = { "", "internal", "server", "client" };
    return (SpanRow){ .span_id = span_id_write(s->id, arena_alloc(a, SPAN_ID_TEXT)),
                      .parent_id = s->parent ? span_id_write(s->parent, arena_alloc(a, SPAN_ID_TEXT)) : (Str){ 0 },
                      .name = str_c(s->name),
                      .kind = str_c(kinds[s->kind <= SPAN_CLIENT ? s->kind : 0]),
                      .note = str_dup(a, str_c(s->note)),
                      .start_ms = ms_of(s->start_ns - began_ns),
                      .duration_ms = ms_of(took_ns(s)),
                      .request = (int64_t)request,
                      .failed = s->failed };
}

static int by_start(const void *a, const void *b) {
    int64_t x = ((const TraceRecord *)a)->v[0].start_ns, y = ((const TraceRecord *)b)->v[0].start_ns;
    return (x > y) - (x < y);
}

int monitor_traces_get(void *role, Ctx *cx, const void *in_, void *out_) {
    const MonitorRole *m = role;
    const TraceRef *in = in_;
    TraceDetail *out = out_;
    TraceFilter f = { .failed = false };
    if (!trace_id_read(in->trace, &f.trace_hi, &f.trace_lo))
        return err_set_at(cx, ERR_INVALID, S("trace"), "a trace is named by 32 hex digits");
    TraceRecord *v;
    size_t n = trace_ring_list(m->traces, &f, cx->arena, PARTS_MAX, &v), n_spans = 0;
    if (n == 0)
        return err_set(cx, ERR_NOT_FOUND, "the trace " STR_FMT " is not kept here, or not any more",
                       STR_ARG(in->trace));
    qsort(v, n, sizeof *v, by_start);
    TraceRow *rows = arena_new_n(cx->arena, TraceRow, n);
    SpanRow *spans = arena_new_n(cx->arena, SpanRow, n * SPANS_MAX);
    int64_t began = v[0].v[0].start_ns, ended = began;
    for (size_t i = 0; i < n; i++) {
        rows[i] = row_of(cx, &v[i]);
        ended = MAX(ended, v[i].v[0].end_ns);
        for (uint32_t k = 0; k < v[i].n; k++)
            spans[n_spans++] = span_row(cx->arena, &v[i].v[k], i, began);
    }
    *out = (TraceDetail){ .trace_id = rows[0].trace_id,
                          .started = rows[0].started,
                          .duration_ms = ms_of(ended - began),
                          .requests = { rows, n },
                          .spans = { spans, n_spans } };
    return 0;
}

/* --- of all processes --- */

static const SpanRow *span_of(const SpanRow *v, size_t n, Str id) {
    for (size_t i = 0; i < n; i++)
        if (id.n && str_eq(v[i].span_id, id))
            return &v[i];
    return NULL;
}

/* One request of another process, whose clock is its own: in the middle of the span that called it, which is where it was
 * if both ways took as long; by the wall clocks where nobody here called it. */
static double shift_of(const TraceDetail *whole, const TraceDetail *part, const SpanRow *root, bool *placed) {
    const SpanRow *caller = span_of(whole->spans.v, whole->spans.n, root->parent_id);
    *placed = caller != NULL;
    if (!caller)
        return (double)(part->started.ms - whole->started.ms);
    return caller->start_ms + MAX(caller->duration_ms - root->duration_ms, 0.0) / 2 - root->start_ms;
}

static void add_request(TraceDetail *whole, const TraceDetail *part, size_t request, const SpanRow *root,
                        double shift) {
    TraceRow *rows = whole->requests.v;
    SpanRow *spans = whole->spans.v;
    const SpanRow *v = part->spans.v;
    TraceRow row = ((const TraceRow *)part->requests.v)[request];
    row.started = time_add_ms(whole->started, (int64_t)(root->start_ms + shift));
    for (size_t i = 0; i < part->spans.n; i++) {
        if (v[i].request != (int64_t)request)
            continue;
        SpanRow s = v[i];
        s.start_ms += shift;
        s.request = (int64_t)whole->requests.n;
        spans[whole->spans.n++] = s;
        whole->duration_ms = MAX(whole->duration_ms, s.start_ms + s.duration_ms);
    }
    rows[whole->requests.n++] = row;
}

static const SpanRow *root_of(const TraceDetail *part, size_t request) {
    const SpanRow *v = part->spans.v;
    for (size_t i = 0; i < part->spans.n; i++)
        if (v[i].request == (int64_t)request)
            return &v[i];
    return NULL;
}

/* Callers first, so that what a called process called itself finds its place too; then those whose caller nobody has. */
static void put_together(TraceDetail *whole, const TraceDetail *parts, size_t n) {
    bool done[TRACE_PROCESSES_MAX][PARTS_MAX] = { { false } }, more = true;
    for (bool strangers = false; more || !strangers;) {
        strangers = !more; /* nobody more finds a caller */
        more = false;
        for (size_t p = 0; p < n; p++)
            for (size_t r = 0; r < MIN(parts[p].requests.n, (size_t)PARTS_MAX); r++) {
                const SpanRow *root = root_of(&parts[p], r);
                bool placed;
                if (done[p][r] || !root)
                    continue;
                double shift = shift_of(whole, &parts[p], root, &placed);
                if (!placed && !strangers)
                    continue;
                add_request(whole, &parts[p], r, root, shift);
                done[p][r] = more = true;
            }
    }
}

int monitor_traces_whole(void *role, Ctx *cx, const void *in, void *out_) {
    const MonitorRole *m = role;
    TraceDetail *out = out_, *parts = arena_new_n(cx->arena, TraceDetail, TRACE_PROCESSES_MAX);
    size_t n = 0, unasked = 0;
    int r = monitor_traces_get(role, cx, in, out);
    if (r != 0 || !m->gather)
        return r;
    m->gather(m->gather_arg, cx, in, parts, TRACE_PROCESSES_MAX, &n, &unasked);
    size_t n_rows = out->requests.n, n_spans = out->spans.n;
    for (size_t i = 0; i < n; i++) {
        n_rows += parts[i].requests.n;
        n_spans += parts[i].spans.n;
    }
    TraceRow *rows = arena_new_n(cx->arena, TraceRow, n_rows);
    SpanRow *spans = arena_new_n(cx->arena, SpanRow, n_spans);
    memcpy(rows, out->requests.v, out->requests.n * sizeof *rows);
    memcpy(spans, out->spans.v, out->spans.n * sizeof *spans);
    out->requests.v = rows;
    out->spans.v = spans;
    out->unasked = (int64_t)unasked;
    put_together(out, parts, n);
    return 0;
}

int monitor_slow_list(void *role, Ctx *cx, const void *in, void *out) {
    const MonitorRole *m = role;
    SlowEntry *v;
    size_t n = slow_log_list(m->slow, cx->arena, (size_t)((const SlowQuery *)in)->limit, &v);
    SlowRow *rows = arena_new_n(cx->arena, SlowRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (SlowRow){ .at = v[i].at,
                             .what = str_c(v[i].what),
                             .operation = str_c(v[i].operation),
                             .detail = str_c(v[i].detail),
                             .plan = str_c(v[i].plan),
                             .request_id = str_c(v[i].request_id),
                             .trace_id = str_c(v[i].trace_id),
                             .duration_ms = ms_of(v[i].took_ns),
                             .rows = v[i].rows };
    *(SlowList *)out = (SlowList){ (int64_t)n, slow_log_total(m->slow), { rows, n } };
    return 0;
}
