/* The last traces: what stays, what is found, and what a follower sees. */

#include "lib/test.h"

#include "base/trace_ring.h"

static TraceRecord made(uint64_t id, int64_t start_ms, int64_t took_ms, int status) {
    TraceRecord t = { .trace_hi = 1, .trace_lo = id, .status = status, .failed = status >= 500, .n = 2 };
    memcpy(t.name, id % 2 ? "odd.op\0" : "even.op", 8);
    t.v[0] = (Span){ id, 0, start_ms * NS_PER_MS, (start_ms + took_ms) * NS_PER_MS, "request", "", SPAN_SERVER, false };
    t.v[1] = t.v[0];
    return t;
}

static void put(TraceRing *r, uint64_t id, int64_t took_ms, int status) {
    TraceRecord t = made(id, (int64_t)id, took_ms, status);
    trace_ring_put(r, &t);
}

static const TraceRingOptions small = { .recent = 4, .notable = 2, .slow_ns = 100 * NS_PER_MS };

TEST(a_flood_of_good_requests_leaves_the_failed_and_the_slow) {
    TestCtx t;
    test_ctx_init(&t);
    TraceRing *r = trace_ring_new(&small);
    put(r, 1, 1, 503);
    put(r, 2, 500, 200);
    for (uint64_t i = 10; i < 100; i++)
        put(r, i, 1, 200);
    TraceRecord *v;
    size_t n = trace_ring_list(r, &(TraceFilter){ .failed = false }, &t.arena, 100, &v);
    CHECK_EQ(n, 6);
    CHECK_EQ(v[0].trace_lo, 99); /* the newest first */
    CHECK_EQ(v[3].trace_lo, 96);
    CHECK_EQ(v[4].trace_lo, 2);
    CHECK_EQ(v[5].trace_lo, 1);
    TraceRingStats s;
    trace_ring_stats(r, &s);
    CHECK_EQ(s.put, 92);
    CHECK_EQ(s.notable, 2);
    trace_ring_free(r);
    test_ctx_done(&t);
}

TEST(filters_find_what_they_say) {
    TestCtx t;
    test_ctx_init(&t);
    TraceRing *r = trace_ring_new(&(TraceRingOptions){ .recent = 16, .notable = 16, .slow_ns = 100 * NS_PER_MS });
    put(r, 1, 10, 200);
    put(r, 2, 20, 404);
    put(r, 3, 300, 200);
    put(r, 4, 40, 500);
    static const struct {
        const char *name;
        TraceFilter f;
        size_t n;
        uint64_t first;
    } rows[] = {
        { "all", { .failed = false }, 4, 4 },
        { "by operation", { .name = { "odd.op", 6 } }, 2, 3 },
        { "by the beginning of it", { .name = { "odd", 3 } }, 2, 3 },
        { "by status", { .status_from = 400, .status_to = 499 }, 1, 2 },
        { "by duration", { .at_least_ns = 40 * NS_PER_MS }, 2, 4 },
        { "failed", { .failed = true }, 1, 4 },
        { "one trace", { .trace_hi = 1, .trace_lo = 3 }, 1, 3 },
        { "one that is not there", { .trace_hi = 2, .trace_lo = 3 }, 0, 0 },
    };
    EACH_ROW (row, rows) {
        TraceRecord *v;
        CHECK_EQ(trace_ring_list(r, &row->f, &t.arena, 10, &v), row->n);
        if (row->n)
            CHECK_EQ(v[0].trace_lo, row->first);
    }
    TraceRecord *v;
    CHECK_EQ(trace_ring_list(r, &(TraceFilter){ .failed = false }, &t.arena, 2, &v), 2);
    trace_ring_free(r);
    test_ctx_done(&t);
}

static void count(void *arg) {
    ++*(int *)arg;
}

TEST(a_follower_sees_each_once_and_knows_what_it_missed) {
    UNUSED(state_);
    int calls = 0;
    TraceRingOptions o = small;
    o.behind = count;
    o.behind_arg = &calls;
    TraceRing *r = trace_ring_new(&o);
    TraceCursor c = { { 0 } };
    TraceRecord out[8];
    int64_t missed = 0;
    put(r, 1, 1, 200);
    put(r, 2, 1, 500);
    CHECK_EQ(calls, 0);
    CHECK_EQ(trace_ring_follow(r, &c, out, 8, &missed), 2);
    CHECK_EQ(trace_ring_follow(r, &c, out, 8, &missed), 0);
    CHECK_EQ(missed, 0);
    for (uint64_t i = 3; i < 13; i++)
        put(r, i, 1, 200);
    CHECK_EQ(calls, 1); /* told once, when half a ring was waiting */
    CHECK_EQ(trace_ring_follow(r, &c, out, 3, &missed), 3);
    CHECK_EQ(missed, 6);
    CHECK_EQ(out[0].trace_lo, 9);
    CHECK_EQ(trace_ring_follow(r, &c, out, 8, &missed), 1);
    CHECK_EQ(out[0].trace_lo, 12);
    CHECK_EQ(missed, 6);
    trace_ring_free(r);
    trace_ring_put(NULL, &out[0]); /* nobody keeps them */
}

TESTS(T(a_flood_of_good_requests_leaves_the_failed_and_the_slow), T(filters_find_what_they_say),
      T(a_follower_sees_each_once_and_knows_what_it_missed))
