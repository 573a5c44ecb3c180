/* The operations that show traces and slow queries, through the wire's form. */

#include "lib/test.h"

#include "api/call.h"
#include "api/monitor/monitor_api.h"

typedef struct Rig {
    TestCtx t;
    MonitorRole role;
    ApiCaller *api;
} Rig;

static void rig_init(Rig *r) {
    test_ctx_init(&r->t);
    r->role = (MonitorRole){ .traces = trace_ring_new(&(TraceRingOptions){ 16, 16, NS_PER_SECOND, NULL, NULL }),
                             .slow = slow_log_new(4, 1, NULL) };
    r->api = api_caller_wire(&(ApiRole){ &monitor_api, &r->role }, 1);
}

static void rig_done(Rig *r) {
    api_caller_close(r->api);
    trace_ring_free(r->role.traces);
    slow_log_free(r->role.slow);
    test_ctx_done(&r->t);
}

/* A request of 10 ms with a store call of 4 ms in it, as the gateway records one. */
static Trace request(Rig *r, const Trace *caller, int status) {
    static SpanLog log;
    Ctx cx = r->t.cx;
    cx.trace = *caller;
    cx.spans = &log;
    span_log_begin(&log, &cx.trace, (uint64_t)status, clock_mono(cx.clock));
    Trace mine = cx.trace;
    clock_manual_advance_ms(&r->t.clock, 3);
    SpanMark m = span_begin(&cx, "store.read");
    clock_manual_advance_ms(&r->t.clock, 4);
    span_end(&cx, m, 0);
    clock_manual_advance_ms(&r->t.clock, 3);
    TraceRecord *t = &log.record;
    memcpy(t->name, "market.candles", 15);
    memcpy(t->method, "GET", 4);
    memcpy(t->path, "/x", 3);
    t->status = status;
    t->failed = status >= 500;
    trace_ring_put(r->role.traces, span_log_end(&log, clock_mono(cx.clock)));
    return mine;
}

TEST(the_table_is_right_and_an_administrators) {
    TestCtx t;
    test_ctx_init(&t);
    const OpTable *const tables[] = { &monitor_api };
    CHECK_OK(&t.cx, op_lint(&t.cx, tables, 1));
    for (size_t i = 0; i < monitor_api.n_ops; i++)
        CHECK_EQ(monitor_api.ops[i]->role, ROLE_ADMIN);
    test_ctx_done(&t);
}

/* OBS-19: a request and what it called in this process are one trace, and every span has its parent in it. */
TEST(a_trace_is_put_together_of_its_requests) {
    Rig r;
    rig_init(&r);
    Trace outer = request(&r, &(Trace){ 0 }, 200);
    request(&r, &outer, 503);
    request(&r, &(Trace){ 0 }, 201);
    TraceQuery q = { .limit = 100 };
    TraceList list;
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_traces_list, &q, &list));
    CHECK_EQ(list.count, 3);
    CHECK_EQ(list.seen, 3);
    const TraceRow *rows = list.traces.v;
    CHECK_EQ(rows[0].status, 201);
    CHECK_EQ(rows[1].status, 503);
    CHECK(rows[1].failed && !rows[0].failed);
    CHECK_NEAR(rows[0].duration_ms, 10, 0);
    CHECK_EQ(rows[2].started.ms, clock_wall(r.t.cx.clock).ms - 30);
    TraceDetail d;
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_traces_get, &(TraceRef){ rows[1].trace_id }, &d));
    CHECK_EQ(d.requests.n, 2);
    CHECK_EQ(d.spans.n, 4);
    CHECK_NEAR(d.duration_ms, 20, 0);
    const SpanRow *s = d.spans.v;
    CHECK_EQ(s[0].parent_id.n, 0);
    CHECK_STR(s[1].parent_id, s[0].span_id);
    CHECK_STR(s[2].parent_id, s[0].span_id); /* the second request is the first one's child */
    CHECK_STR(s[3].parent_id, s[2].span_id);
    CHECK_STR(s[0].kind, S("server"));
    CHECK_NEAR(s[1].start_ms, 3, 0);
    CHECK_NEAR(s[1].duration_ms, 4, 0);
    CHECK_NEAR(s[3].start_ms, 13, 0);
    rig_done(&r);
}

/* Another process: its clock is an hour ahead, and it called a third one, whose part comes first. */
typedef struct Elsewhere {
    SpanRow outer, inner, stranger;
    TraceRow rows[3];
    Time now;
} Elsewhere;

static void elsewhere(void *arg, Ctx *cx, const TraceRef *which, TraceDetail *out, size_t cap, size_t *n,
                      size_t *unasked) {
    Elsewhere *e = arg;
    UNUSED(cx);
    assert_true(cap >= 3 && which->trace.n == TRACE_ID_TEXT);
    SpanRow *roots[] = { &e->inner, &e->outer, &e->stranger };
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        e->rows[i].process = S("127.0.0.1:8000");
        out[i] = (TraceDetail){ .started = time_add_ms(e->now, (int64_t)i * 500),
                                .requests = { &e->rows[i], 1 },
                                .spans = { roots[i], 1 } };
    }
    *n = 3;
    *unasked = 1;
}

/* FLW-09: times of another process stand in the middle of the span that called it. */
TEST(a_trace_has_the_spans_of_every_process) {
    Rig r;
    rig_init(&r);
    request(&r, &(Trace){ 0 }, 200);
    TraceList list;
    TraceDetail d;
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_traces_list, &(TraceQuery){ .limit = 1 }, &list));
    TraceRef ref = { ((const TraceRow *)list.traces.v)->trace_id };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_traces_get, &ref, &d));
    CHECK_EQ(d.requests.n, 1);
    CHECK_EQ(d.unasked, 0);
    const SpanRow *read = (const SpanRow *)d.spans.v + 1; /* 3 .. 7 ms */
    Elsewhere e = {
        .outer = { .span_id = S("00000000000000aa"), .parent_id = read->span_id, .name = S("outer"), .duration_ms = 2 },
        .inner = { .span_id = S("00000000000000bb"),
                   .parent_id = S("00000000000000aa"),
                   .name = S("inner"),
                   .duration_ms = 1 },
        .stranger = { .span_id = S("00000000000000cc"), .name = S("stranger"), .duration_ms = 1 },
        .now = time_add_ms(d.started, 3600 * 1000)
    };
    r.role.gather = elsewhere;
    r.role.gather_arg = &e;
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_traces_get, &ref, &d));
    CHECK_EQ(d.requests.n, 4);
    CHECK_EQ(d.spans.n, 5);
    CHECK_EQ(d.unasked, 1);
    const SpanRow *s = d.spans.v;
    CHECK_STR(s[2].name, S("outer"));
    CHECK_NEAR(s[2].start_ms, 4, 1e-9);
    CHECK_EQ(s[2].request, 1);
    CHECK_STR(s[3].name, S("inner"));
    CHECK_NEAR(s[3].start_ms, 4.5, 1e-9);
    CHECK_STR(s[4].name, S("stranger")); /* nobody here called it: by the wall clocks */
    CHECK_NEAR(s[4].start_ms, 3600 * 1000 + 1000, 1e-9);
    CHECK_STR(((const TraceRow *)d.requests.v)[1].process, S("127.0.0.1:8000"));
    CHECK_EQ(((const TraceRow *)d.requests.v)[1].started.ms, d.started.ms + 4);
    rig_done(&r);
}

TEST(filters_and_refusals) {
    Rig r;
    rig_init(&r);
    request(&r, &(Trace){ 0 }, 200);
    request(&r, &(Trace){ 0 }, 404);
    request(&r, &(Trace){ 0 }, 502);
    static const struct {
        const char *name;
        TraceQuery q;
        int64_t n;
    } rows[] = {
        { "all", { .limit = 100 }, 3 },
        { "two", { .limit = 2 }, 2 },
        { "of an operation", { .operation = { "market.", 7 }, .limit = 9 }, 3 },
        { "of another", { .operation = { "backtest.", 9 }, .limit = 9 }, 0 },
        { "refused", { .status_from = 400, .status_to = 499, .limit = 9 }, 1 },
        { "failed", { .failed = true, .limit = 9 }, 1 },
        { "slower than it was", { .min_ms = 10.5, .limit = 9 }, 0 },
        { "as slow", { .min_ms = 10, .limit = 9 }, 3 },
    };
    EACH_ROW (row, rows) {
        TraceList list;
        CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_traces_list, &row->q, &list));
        CHECK_EQ(list.count, row->n);
    }
    TraceDetail d;
    CHECK_EQ(api_call(r.api, &r.t.cx, &op_traces_get, &(TraceRef){ S("zz") }, &d), ERR_INVALID);
    CHECK_EQ(api_call(r.api, &r.t.cx, &op_traces_get, &(TraceRef){ S("0123456789abcdef0123456789abcdeg") }, &d),
             ERR_INVALID);
    CHECK_EQ(api_call(r.api, &r.t.cx, &op_traces_get, &(TraceRef){ S("0123456789abcdef0123456789abcdef") }, &d),
             ERR_NOT_FOUND);
    rig_done(&r);
}

TEST(slow_queries_are_listed) {
    Rig r;
    rig_init(&r);
    for (int i = 0; i < 6; i++)
        slow_log_add(
            r.role.slow, &r.t.cx,
            &(SlowCall){ .what = S("store.save"), .detail = S("a:b:1h"), .rows = i, .took_ns = 5 * NS_PER_MS });
    SlowList list;
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_slow_list, &(SlowQuery){ .limit = 2 }, &list));
    CHECK_EQ(list.count, 2);
    CHECK_EQ(list.total, 6);
    CHECK_EQ(((const SlowRow *)list.queries.v)[0].rows, 5);
    CHECK_NEAR(((const SlowRow *)list.queries.v)[0].duration_ms, 5, 0);
    rig_done(&r);
}

TESTS(T(the_table_is_right_and_an_administrators), T(a_trace_is_put_together_of_its_requests),
      T(a_trace_has_the_spans_of_every_process), T(filters_and_refusals), T(slow_queries_are_listed))
