/* Spans for a collector: their form on the wire, and what becomes of a batch. */

#include "lib/fake_http.h"
#include "lib/test.h"

#include "services/trace/export.h"
#include "services/trace/otlp.h"

static TraceRecord made(uint64_t id) {
    TraceRecord t = { .trace_hi = 0x0af7651916cd43dd, .trace_lo = id, .status = 200, .n = 2 };
    memcpy(t.method, "GET", 4);
    memcpy(t.name, "market.candles", 15);
    memcpy(t.path, "/api/v1/market/candles", 23);
    t.v[0] = (Span){ 0xb7ad6b7169203331, 0x00f067aa0ba902b7, 5000000, 9000000, "request", "", SPAN_SERVER, false };
    t.v[1] = (Span){ 2, t.v[0].id, 6000000, 8000000, "store.read", "TIMEOUT", SPAN_INTERNAL, true };
    return t;
}

/* wire-platform §9.3: hex ids, 64-bit numbers as strings, enums as numbers, lowerCamelCase. */
TEST(spans_are_written_as_the_protocol_says) {
    TestCtx t;
    test_ctx_init(&t);
    TraceRecord v = made(0x8448eb211c80319c);
    OtlpSource source = { S("quotes"), S("a:1"), S("9"), INT64_C(1760000000000000000) };
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    otlp_write(&w, &source, &v, 1);
    CHECK_STR(
        buf_str(&b),
        S("{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
          "\"quotes\"}},{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"a:1\"}},{\"key\":\"service."
          "version\",\"value\":{\"stringValue\":\"9\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"finsight\","
          "\"version\":\"9\"},\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":"
          "\"b7ad6b7169203331\",\"parentSpanId\":\"00f067aa0ba902b7\",\"name\":\"market.candles\",\"kind\":2,"
          "\"startTimeUnixNano\":\"1760000000005000000\",\"endTimeUnixNano\":\"1760000000009000000\",\"attributes\":"
          "[{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"GET\"}},{\"key\":\"url.path\",\"value\":{"
          "\"stringValue\":\"/api/v1/market/candles\"}},{\"key\":\"finsight.operation\",\"value\":{\"stringValue\":"
          "\"market.candles\"}},{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"200\"}}],\"status\":{"
          "\"code\":0},\"flags\":1},{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"0000000000000002\","
          "\"parentSpanId\":\"b7ad6b7169203331\",\"name\":\"store.read\",\"kind\":1,\"startTimeUnixNano\":"
          "\"1760000000006000000\",\"endTimeUnixNano\":\"1760000000008000000\",\"attributes\":[{\"key\":\"finsight."
          "note\",\"value\":{\"stringValue\":\"TIMEOUT\"}}],\"status\":{\"code\":2},\"flags\":1}]}]}]}"));
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(a_collectors_answer_is_read_or_nothing_is) {
    TestCtx t;
    test_ctx_init(&t);
    static const struct {
        const char *name, *body;
        int64_t n;
    } rows[] = {
        { "full success", "{}", 0 },
        { "some were refused", "{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"old\"}}", 2 },
        { "as a number", "{\"partialSuccess\":{\"rejectedSpans\":3}}", 3 },
        { "a warning alone", "{\"partialSuccess\":{\"errorMessage\":\"slow down\"}}", 0 },
        { "less than none", "{\"partialSuccess\":{\"rejectedSpans\":-3}}", 0 },
        { "not JSON", "OK", 0 },
        { "cut", "{\"partialSuccess\":{\"rejectedSpans\":", 0 },
        { "empty", "", 0 },
    };
    EACH_ROW (r, rows) {
        Str why;
        CHECK_EQ(otlp_rejected(&t.arena, str_c(r->body), &why), r->n);
    }
    test_ctx_done(&t);
}

/* --- the exporter --- */

typedef struct Rig {
    TestCtx t;
    TraceRing *ring;
    FakeHttp *http;
    Metrics *metrics;
    TraceExport *e;
} Rig;

static void rig_init(Rig *g, size_t recent) {
    test_ctx_init(&g->t);
    g->ring = trace_ring_new(&(TraceRingOptions){ .recent = recent, .notable = 4, .slow_ns = NS_PER_SECOND });
    g->http = fake_http_new();
    g->metrics = metrics_new(100);
    g->e = trace_export_new(&(TraceExportOptions){ .ring = g->ring,
                                                   .http = fake_http_client(g->http),
                                                   .metrics = g->metrics,
                                                   .url = S("http://127.0.0.1:4318/"),
                                                   .service = S("finsight"),
                                                   .instance = S("i"),
                                                   .seed = 7 });
}

static void rig_done(Rig *g) {
    trace_export_free(g->e);
    fake_http_free(g->http);
    metrics_free(g->metrics);
    trace_ring_free(g->ring);
    test_ctx_done(&g->t);
}

static void put(Rig *g, uint64_t id) {
    TraceRecord t = made(id);
    trace_ring_put(g->ring, &t);
}

static int64_t counted(Rig *g, const char *outcome) {
    return (int64_t)counter_value(metrics_counter(g->metrics, "finsight_trace_export_spans_total",
                                                  "Spans for the collector, by what became of them.",
                                                  METRIC_L({ "outcome", str_c(outcome) })));
}

TEST(what_is_there_is_sent_once) {
    Rig g;
    rig_init(&g, 1000);
    for (uint64_t i = 1; i <= 200; i++)
        put(&g, i);
    fake_http_reply(g.http, 200, "", S("{}"));
    fake_http_reply(g.http, 200, "", S("{\"partialSuccess\":{\"rejectedSpans\":\"4\"}}"));
    CHECK_EQ(trace_export_tick(g.e, &g.t.cx), 0);
    CHECK_EQ(fake_http_n(g.http), 2); /* a batch is 128 requests */
    CHECK_STR(fake_http_url(g.http, 0), S("http://127.0.0.1:4318/v1/traces"));
    CHECK_EQ(counted(&g, "sent"), 396);
    CHECK_EQ(counted(&g, "dropped"), 4);
    CHECK_EQ(trace_export_tick(g.e, &g.t.cx), 0);
    CHECK_EQ(fake_http_n(g.http), 2);
    rig_done(&g);
}

TEST(a_collector_that_is_away_is_asked_again_later_and_later) {
    Rig g;
    rig_init(&g, 1000);
    put(&g, 1);
    fake_http_reply(g.http, 503, "retry-after: 7\n", S(""));
    fake_http_fail(g.http, ERR_UNAVAILABLE, "cannot connect");
    fake_http_reply(g.http, 200, "", S(""));
    CHECK_EQ(trace_export_tick(g.e, &g.t.cx), 7000);
    CHECK_EQ(trace_export_tick(g.e, &g.t.cx), 7000); /* not before its time */
    CHECK_EQ(fake_http_n(g.http), 1);
    clock_manual_advance_ms(&g.t.clock, 7000);
    int64_t wait = trace_export_tick(g.e, &g.t.cx);
    CHECK(wait >= 1000 && wait <= 2000);
    put(&g, 2);
    clock_manual_advance_ms(&g.t.clock, wait);
    fake_http_reply(g.http, 200, "", S(""));
    CHECK_EQ(trace_export_tick(g.e, &g.t.cx), 0);
    CHECK_EQ(counted(&g, "sent"), 4);
    CHECK_EQ(counted(&g, "dropped"), 0);
    rig_done(&g);
}

TEST(a_batch_is_given_up_in_the_end_and_what_the_ring_lost_is_counted) {
    Rig g;
    rig_init(&g, 4);
    put(&g, 1);
    for (int i = 0; i < 6; i++)
        fake_http_fail(g.http, ERR_TIMEOUT, "slow");
    for (int i = 0; i < 5; i++) {
        int64_t wait = trace_export_tick(g.e, &g.t.cx);
        CHECK(wait > 0 && wait <= 30000);
        clock_manual_advance_ms(&g.t.clock, wait);
    }
    for (uint64_t i = 2; i < 12; i++)
        put(&g, i); /* meanwhile; the ring holds four */
    fake_http_reply(g.http, 200, "", S(""));
    CHECK_EQ(trace_export_tick(g.e, &g.t.cx), 0);
    CHECK_EQ(counted(&g, "dropped"), 2);
    CHECK_EQ(counted(&g, "sent"), 8);
    CHECK_EQ(counter_value(metrics_counter(g.metrics, "finsight_trace_export_missed_total",
                                           "Requests that were overwritten in the ring before they were sent.",
                                           METRIC_NO_LABELS)),
             6);
    rig_done(&g);
}

TEST(a_refusal_is_not_repeated) {
    Rig g;
    rig_init(&g, 1000);
    static const int statuses[] = { 400, 401, 404, 413, 500 };
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        put(&g, i + 1);
        fake_http_reply(g.http, statuses[i], "", S("no"));
        CHECK_EQ(trace_export_tick(g.e, &g.t.cx), 0);
    }
    CHECK_EQ(fake_http_n(g.http), ARRAY_LEN(statuses));
    CHECK_EQ(counted(&g, "dropped"), 2 * ARRAY_LEN(statuses));
    for (uint64_t i = 0; i < 65; i++)
        put(&g, 100 + i);
    fake_http_reply(g.http, 200, "", S(""));
    fake_http_reply(g.http, 200, "", S(""));
    CHECK_EQ(trace_export_tick(g.e, &g.t.cx), 0); /* 413 halved what is sent at once */
    CHECK_EQ(fake_http_n(g.http), ARRAY_LEN(statuses) + 2);
    rig_done(&g);
}

TESTS(T(spans_are_written_as_the_protocol_says), T(a_collectors_answer_is_read_or_nothing_is),
      T(what_is_there_is_sent_once), T(a_collector_that_is_away_is_asked_again_later_and_later),
      T(a_batch_is_given_up_in_the_end_and_what_the_ring_lost_is_counted), T(a_refusal_is_not_repeated))
