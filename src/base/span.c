/* base/span.c - see span.h. */

#include "base/span.h"

enum { VERSION_AT = 0, TRACE_AT = 3, SPAN_AT = TRACEPARENT_SPAN_AT, FLAGS_AT = 53, FLAG_SAMPLED = 1 };

/* The n-th id of a seed: splitmix64's finaliser, a bijection, so ids of one log differ. */
static uint64_t id_of(uint64_t seed, uint32_t n) {
    uint64_t z = seed + (n + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z ? z : 1;
}

void span_log_begin(SpanLog *l, Trace *trace, uint64_t seed, MonoNs start) {
    TraceRecord *r = &l->record;
    if (!(trace->trace_hi | trace->trace_lo)) {
        trace->trace_hi = id_of(~seed, 0);
        trace->trace_lo = id_of(~seed, 1);
        trace->span = 0;
    }
    l->seed = seed;
    atomic_store_explicit(&l->taken, 0, memory_order_relaxed);
    r->trace_hi = trace->trace_hi;
    r->trace_lo = trace->trace_lo;
    r->status = 0;
    r->aborted = r->failed = false;
    r->method[0] = r->name[0] = r->path[0] = '\0';
    r->n = r->dropped = 0;
    Span *root = span_log_open(l, "request", trace->span, start);
    root->kind = SPAN_SERVER;
    trace->span = root->id;
}

Span *span_log_open(SpanLog *l, const char *name, uint64_t parent, MonoNs start) {
    unsigned i = atomic_fetch_add_explicit(&l->taken, 1, memory_order_relaxed);
    if (i >= SPANS_MAX)
        return NULL;
    Span *s = &l->record.v[i];
    s->id = id_of(l->seed, i);
    s->parent = parent;
    s->start_ns = start.ns;
    s->end_ns = 0;
    s->name = name;
    s->note[0] = '\0';
    s->kind = SPAN_INTERNAL;
    s->failed = false;
    return s;
}

uint64_t span_log_add(SpanLog *l, const char *name, uint64_t parent, MonoNs start, MonoNs end) {
    Span *s = span_log_open(l, name, parent, start);
    if (!s)
        return 0;
    s->end_ns = end.ns;
    return s->id;
}

const TraceRecord *span_log_end(SpanLog *l, MonoNs end) {
    TraceRecord *r = &l->record;
    unsigned taken = atomic_load_explicit(&l->taken, memory_order_relaxed);
    r->n = MIN(taken, (unsigned)SPANS_MAX);
    r->dropped = taken - r->n;
    r->v[0].end_ns = end.ns; /* a loop's time is that of its callback's beginning: no part ends after the whole */
    for (uint32_t i = 1; i < r->n; i++)
        r->v[0].end_ns = MAX(r->v[0].end_ns, r->v[i].end_ns);
    return r;
}

SpanMark span_begin(Ctx *cx, const char *name) {
    SpanMark m = { NULL, cx->trace.span };
    if (LIKELY(!cx->spans))
        return m;
    m.span = span_log_open(cx->spans, name, cx->trace.span, clock_mono(cx->clock));
    if (m.span)
        cx->trace.span = m.span->id;
    return m;
}

void span_end(Ctx *cx, SpanMark m, int r) {
    if (LIKELY(!m.span))
        return;
    cx->trace.span = m.outer;
    m.span->end_ns = clock_mono(cx->clock).ns;
    m.span->failed = r < 0;
    if (r < 0)
        span_note(m.span, str_c(err_info(r)->name));
}

void span_note(Span *s, Str words) {
    if (!s)
        return;
    size_t n = MIN(words.n, (size_t)SPAN_NOTE_MAX - 1);
    memcpy(s->note, n ? words.p : "", n);
    s->note[n] = '\0';
}

/* --- traceparent --- */

static int digit_of(char c, bool upper) {
    return c >= '0' && c <= '9'            ? c - '0'
           : c >= 'a' && c <= 'f'          ? c - 'a' + 10
           : upper && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
}

static bool hex(const char *p, size_t n, bool upper, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        int d = digit_of(p[i], upper);
        if (d < 0)
            return false;
        *out = *out << 4 | (uint64_t)d;
    }
    return true;
}

bool traceparent_read(Str v, Trace *out) {
    uint64_t version, hi, lo, span, flags;
    bool form = v.n >= TRACEPARENT_TEXT && v.p[TRACE_AT - 1] == '-' && v.p[SPAN_AT - 1] == '-' &&
                v.p[FLAGS_AT - 1] == '-' && hex(v.p + VERSION_AT, 2, false, &version) &&
                hex(v.p + TRACE_AT, 16, false, &hi) && hex(v.p + TRACE_AT + 16, 16, false, &lo) &&
                hex(v.p + SPAN_AT, 16, false, &span) && hex(v.p + FLAGS_AT, 2, false, &flags);
    if (!form || version == 0xff || !(hi | lo) || !span)
        return false;
    if (v.n > TRACEPARENT_TEXT && (version == 0 || v.p[TRACEPARENT_TEXT] != '-'))
        return false;
    out->trace_hi = hi;
    out->trace_lo = lo;
    out->span = span;
    out->unsampled = !(flags & FLAG_SAMPLED);
    return true;
}

static char *put_hex(char *to, uint64_t v) {
    for (int shift = 60; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[v >> shift & 15];
    return to;
}

Str trace_id_write(uint64_t hi, uint64_t lo, char out[static TRACE_ID_TEXT]) {
    put_hex(put_hex(out, hi), lo);
    return str_n(out, TRACE_ID_TEXT);
}

Str span_id_write(uint64_t id, char out[static SPAN_ID_TEXT]) {
    put_hex(out, id);
    return str_n(out, SPAN_ID_TEXT);
}

Str traceparent_write(const Trace *t, char out[static TRACEPARENT_TEXT]) {
    memcpy(out, "00-", 3);
    char *to = put_hex(put_hex(out + TRACE_AT, t->trace_hi), t->trace_lo);
    *to++ = '-';
    memcpy(put_hex(to, t->span), t->unsampled ? "-00" : "-01", 3);
    return str_n(out, TRACEPARENT_TEXT);
}

bool trace_id_read(Str v, uint64_t *hi, uint64_t *lo) {
    return v.n == TRACE_ID_TEXT && hex(v.p, 16, true, hi) && hex(v.p + 16, 16, true, lo) && (*hi | *lo);
}
