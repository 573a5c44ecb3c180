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
        slow_log_add(r.role.slow, &r.t.cx, S("store.save"), S("a:b:1h"), i, 5 * NS_PER_MS);
    SlowList list;
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_slow_list, &(SlowQuery){ .limit = 2 }, &list));
    CHECK_EQ(list.count, 2);
    CHECK_EQ(list.total, 6);
    CHECK_EQ(((const SlowRow *)list.queries.v)[0].rows, 5);
    CHECK_NEAR(((const SlowRow *)list.queries.v)[0].duration_ms, 5, 0);
    rig_done(&r);
}

TESTS(T(the_table_is_right_and_an_administrators), T(a_trace_is_put_together_of_its_requests), T(filters_and_refusals),
      T(slow_queries_are_listed))
