/* What observability reads from outside: traceparent, a collector's answer, and the texts of routes, matchers and
 * receivers. */

#include "base/span.h"
#include "services/alerts/deliver.h"
#include "services/trace/otlp.h"

#include "fuzz.h"

static void trace(Str text) {
    Trace t = { .span = 7 };
    char out[TRACEPARENT_TEXT];
    if (!traceparent_read(text, &t)) {
        MUST(!t.trace_hi && !t.trace_lo && t.span == 7 && !t.unsampled);
    } else {
        Trace back = { 0 };
        MUST((t.trace_hi | t.trace_lo) && t.span && text.n >= TRACEPARENT_TEXT);
        MUST(traceparent_read(traceparent_write(&t, out), &back));
        MUST(back.trace_hi == t.trace_hi && back.trace_lo == t.trace_lo && back.span == t.span);
        MUST(back.unsampled == t.unsampled);
        MUST(memcmp(out + 3, text.p + 3, TRACEPARENT_TEXT - 5) == 0); /* ids as they came */
    }
    uint64_t hi, lo;
    char id[TRACE_ID_TEXT];
    if (trace_id_read(text, &hi, &lo)) {
        uint64_t hi2, lo2;
        MUST(trace_id_read(trace_id_write(hi, lo, id), &hi2, &lo2) && hi == hi2 && lo == lo2);
    }
}

static void routes(Ctx *cx, Str text) {
    AlertRoute r;
    Matchers m, again;
    Receiver to;
    if (matchers_parse(cx, text, &m) == 0) {
        MUST(m.n <= MATCHERS_MAX);
        Str out = matchers_text(&m, cx->arena);
        MUST(matchers_parse(cx, out, &again) == 0 && again.n == m.n);
    }
    if (alert_route_parse(cx, text, &r) == 0)
        MUST(r.receiver[0] && r.n_group_by <= GROUP_LABELS_MAX && r.repeat_ms > 0 && r.wait_ms >= 0);
    if (receiver_parse(cx, text, &to) == 0)
        MUST(to.name[0] && to.url.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str text = str_n((const char *)data, size), why;
    Arena arena = { 0 };
    Ctx cx;
    arena_init(&arena, 16 << 20);
    ctx_init(&cx, &arena, NULL);
    trace(text);
    MUST(otlp_rejected(&arena, text, &why) >= 0);
    routes(&cx, text);
    arena_done(&arena);
    return 0;
}
