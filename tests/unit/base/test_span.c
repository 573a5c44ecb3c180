/* Spans of a request, and the header by which a trace goes from process to process. */

#include "lib/test.h"

#include "base/span.h"

/* U15: a valid inbound trace is kept; whatever is not of the form is as if it were not there. */
TEST(a_traceparent_is_read_or_nothing_is) {
    static const struct {
        const char *name;
        const char *v;
        bool ok, unsampled;
    } rows[] = {
        { "the specification's", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true, false },
        { "not sampled", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true, true },
        { "other flags are not ours", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe", true, true },
        { "a version to come", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true, false },
        { "a version to come, longer", "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", true, false },
        { "a version to come, run on", "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01what", false, false },
        { "the version that is none", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, false },
        { "empty", "", false, false },
        { "upper case", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false, false },
        { "no trace", "00-00000000000000000000000000000000-b7ad6b7169203331-01", false, false },
        { "no span", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false, false },
        { "a byte short", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false, false },
        { "a byte long", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011", false, false },
        { "more of version 00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false, false },
        { "dashes elsewhere", "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01", false, false },
    };
    EACH_ROW (r, rows) {
        Trace t = { .span = 5 };
        CHECK_EQ(traceparent_read(str_c(r->v), &t), r->ok);
        if (r->ok) {
            CHECK(t.trace_hi == 0x0af7651916cd43dd && t.trace_lo == 0x8448eb211c80319c);
            CHECK(t.span == 0xb7ad6b7169203331);
            CHECK_EQ(t.unsampled, r->unsampled);
        } else {
            CHECK(!t.trace_hi && !t.trace_lo && t.span == 5);
        }
    }
    Trace t = { 0 };
    CHECK(!traceparent_read((Str){ 0 }, &t));
}

TEST(what_is_written_is_read_back) {
    Trace t = { .trace_hi = 1, .trace_lo = UINT64_MAX, .span = 0xabc, .unsampled = true }, back = { 0 };
    char text[TRACEPARENT_TEXT];
    CHECK_STR(traceparent_write(&t, text), S("00-0000000000000001ffffffffffffffff-0000000000000abc-00"));
    CHECK(traceparent_read(str_n(text, sizeof text), &back));
    CHECK(back.trace_hi == 1 && back.trace_lo == UINT64_MAX && back.span == 0xabc && back.unsampled);
    uint64_t hi, lo;
    char id[TRACE_ID_TEXT];
    CHECK(trace_id_read(trace_id_write(7, 9, id), &hi, &lo) && hi == 7 && lo == 9);
    CHECK(!trace_id_read(S("00000000000000000000000000000000"), &hi, &lo));
    CHECK(!trace_id_read(S("0000000000000000000000000000000g"), &hi, &lo));
}

/* OBS-19: every span but the first is the child of one that is in the record; the first is the caller's. */
TEST(spans_hang_together) {
    TestCtx t;
    test_ctx_init(&t);
    static SpanLog log;
    t.cx.trace = (Trace){ .trace_hi = 3, .trace_lo = 4, .span = 77 };
    t.cx.spans = &log;
    span_log_begin(&log, &t.cx.trace, 1234, clock_mono(t.cx.clock));
    uint64_t root = t.cx.trace.span;
    CHECK(root != 77 && root);
    clock_manual_advance_ms(&t.clock, 5);
    SpanMark outer = span_begin(&t.cx, "operation");
    CHECK(t.cx.trace.span == outer.span->id); /* what a call to another service is told */
    SpanMark inner = span_begin(&t.cx, "store.read");
    clock_manual_advance_ms(&t.clock, 2);
    span_end(&t.cx, inner, ERR_TIMEOUT);
    span_end(&t.cx, outer, 0);
    CHECK(t.cx.trace.span == root);
    const TraceRecord *r = span_log_end(&log, clock_mono(t.cx.clock));
    CHECK_EQ(r->n, 3);
    CHECK(r->v[0].parent == 77 && r->v[1].parent == root && r->v[2].parent == r->v[1].id);
    CHECK_EQ(r->v[2].end_ns - r->v[2].start_ns, 2 * NS_PER_MS);
    CHECK(r->v[2].failed && !r->v[1].failed);
    CHECK_STR(str_c(r->v[2].note), str_c(err_info(ERR_TIMEOUT)->name));
    CHECK_EQ(r->v[0].end_ns - r->v[0].start_ns, 7 * NS_PER_MS);
    test_ctx_done(&t);
}

TEST(past_the_ceiling_spans_are_counted_not_kept) {
    TestCtx t;
    test_ctx_init(&t);
    static SpanLog log;
    t.cx.spans = &log;
    span_log_begin(&log, &t.cx.trace, 9, clock_mono(t.cx.clock));
    CHECK(t.cx.trace.trace_hi | t.cx.trace.trace_lo); /* a trace of its own */
    uint64_t root = t.cx.trace.span;
    for (int i = 0; i < SPANS_MAX + 5; i++) {
        SpanMark m = span_begin(&t.cx, "step");
        span_end(&t.cx, m, 0);
    }
    CHECK(t.cx.trace.span == root);
    const TraceRecord *r = span_log_end(&log, clock_mono(t.cx.clock));
    CHECK_EQ(r->n, SPANS_MAX);
    CHECK_EQ(r->dropped, 6);
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < i; k++)
            CHECK(r->v[i].id != r->v[k].id);
    test_ctx_done(&t);
}

TEST(without_a_log_nothing_is_done) {
    TestCtx t;
    test_ctx_init(&t);
    t.cx.trace.span = 8;
    SpanMark m = span_begin(&t.cx, "step");
    CHECK(!m.span && t.cx.trace.span == 8);
    span_end(&t.cx, m, ERR_BUSY);
    span_note(m.span, S("x"));
    CHECK(t.cx.trace.span == 8);
    test_ctx_done(&t);
}

TESTS(T(a_traceparent_is_read_or_nothing_is), T(what_is_written_is_read_back), T(spans_hang_together),
      T(past_the_ceiling_spans_are_counted_not_kept), T(without_a_log_nothing_is_done))
