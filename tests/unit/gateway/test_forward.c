/* Which fields a hop passes on, both ways. */

#include "lib/test.h"

#include "gateway/forward.h"

static const Trace trace = { .correlation_id = { "c-1", 3 },
                             .trace_hi = 0x0af7651916cd43dd,
                             .trace_lo = 0x8448eb211c80319c,
                             .span = 0xb7ad6b7169203331 };

static Str value(const HttpField *f, size_t n, const char *name) {
    Str found = { 0 };
    for (size_t i = 0; i < n; i++)
        if (str_eq(f[i].name, str_c(name))) {
            if (found.p)
                FAIL("%s is there twice", name);
            found = f[i].value;
        }
    return found;
}

/* Each of them, whatever its neighbours in the table. */
TEST(every_name_that_stays_behind_is_found) {
    static const char *const of_requests[] = { "te",
                                               "host",
                                               "expect",
                                               "trailer",
                                               "upgrade",
                                               "forwarded",
                                               "x-real-ip",
                                               "connection",
                                               "keep-alive",
                                               "tracestate",
                                               "traceparent",
                                               "x-request-id",
                                               "x-deadline-ms",
                                               "content-length",
                                               "http2-settings",
                                               "x-forwarded-for",
                                               "proxy-connection",
                                               "x-forwarded-host",
                                               "x-correlation-id",
                                               "transfer-encoding",
                                               "x-forwarded-proto",
                                               "proxy-authorization" };
    static const char *const of_replies[] = { "date",
                                              "server",
                                              "trailer",
                                              "upgrade",
                                              "connection",
                                              "keep-alive",
                                              "tracestate",
                                              "traceparent",
                                              "x-request-id",
                                              "x-deadline-ms",
                                              "content-length",
                                              "x-frame-options",
                                              "referrer-policy",
                                              "proxy-connection",
                                              "x-correlation-id",
                                              "x-xss-protection",
                                              "transfer-encoding",
                                              "proxy-authenticate",
                                              "x-content-type-options",
                                              "content-security-policy",
                                              "strict-transport-security" };
    static const char *const neither[] = { "a",
                                           "accept",
                                           "cookie",
                                           "etag",
                                           "content-type",
                                           "x-api-key",
                                           "x-forwarded-fox",
                                           "strict-transport-securitz",
                                           "x-a-name-longer-than-any-of-the-table" };
    for (size_t i = 0; i < ARRAY_LEN(of_requests); i++)
        CHECK_EQ(forward_owns(str_c(of_requests[i]), true), true);
    for (size_t i = 0; i < ARRAY_LEN(of_replies); i++)
        CHECK_EQ(forward_owns(str_c(of_replies[i]), false), true);
    for (size_t i = 0; i < ARRAY_LEN(neither); i++)
        CHECK(!forward_owns(str_c(neither[i]), true) && !forward_owns(str_c(neither[i]), false));
}

TEST(fields_of_one_hop_and_of_our_own_hops_stay_behind) {
    static const HttpField fields[] = {
        { STR_INIT("host"), STR_INIT("a") },
        { STR_INIT("connection"), STR_INIT("close, X-Private ,x-other") },
        { STR_INIT("x-private"), STR_INIT("1") },
        { STR_INIT("x-other"), STR_INIT("1") },
        { STR_INIT("x-mine"), STR_INIT("kept") },
        { STR_INIT("te"), STR_INIT("trailers") },
        { STR_INIT("transfer-encoding"), STR_INIT("chunked") },
        { STR_INIT("content-length"), STR_INIT("9") },
        { STR_INIT("x-finsight-principal"), STR_INIT("3 root") },
        { STR_INIT("x-finsight-internal"), STR_INIT("guess") },
        { STR_INIT("x-api-key"), STR_INIT("secret") },
        { STR_INIT("authorization"), STR_INIT("Bearer secret") },
        { STR_INIT("x-forwarded-for"), STR_INIT("6.6.6.6") },
        { STR_INIT("traceparent"), STR_INIT("old") },
        { STR_INIT("cookie"), STR_INIT("a=1") },
    };
    static const char *const gone[] = { "host", "connection",        "x-private",     "x-other",
                                        "te",   "transfer-encoding", "content-length" };
    TestCtx t;
    test_ctx_init(&t);
    HttpHead head = { .fields = fields, .n_fields = ARRAY_LEN(fields) };
    Principal who = { ROLE_WRITE, S("alice") };
    ForwardRequest f = { .head = &head,
                         .client = S("192.0.2.7"),
                         .trace = &trace,
                         .traceparent = S("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                         .left_ms = 250,
                         .who = &who };
    HttpField *out;
    size_t n;
    for (int vouched = 0; vouched < 2; vouched++) {
        f.internal_key = vouched ? S("k") : (Str){ 0 };
        forward_request(&t.arena, &f, &out, &n);
        for (size_t i = 0; i < ARRAY_LEN(gone); i++)
            CHECK(!value(out, n, gone[i]).p);
        CHECK_STR(value(out, n, "x-mine"), S("kept"));
        CHECK_STR(value(out, n, "cookie"), S("a=1"));
        CHECK_STR(value(out, n, "x-forwarded-for"), S("192.0.2.7"));
        CHECK_STR(value(out, n, "x-deadline-ms"), S("250"));
        CHECK_STR(value(out, n, "x-correlation-id"), S("c-1"));
        CHECK_STR(value(out, n, "traceparent"), S("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        /* a caller who is vouched for leaves its keys here */
        CHECK_STR(value(out, n, "x-api-key"), vouched ? (Str){ 0 } : S("secret"));
        CHECK_STR(value(out, n, "authorization"), vouched ? (Str){ 0 } : S("Bearer secret"));
        CHECK_STR(value(out, n, FORWARD_INTERNAL_KEY), vouched ? S("k") : (Str){ 0 });
        CHECK_STR(value(out, n, FORWARD_PRINCIPAL), vouched ? S("2 alice") : (Str){ 0 });
    }
    f.trusted = true; /* GWY-32 */
    forward_request(&t.arena, &f, &out, &n);
    CHECK_STR(value(out, n, "x-forwarded-for"), S("6.6.6.6, 192.0.2.7"));
    test_ctx_done(&t);
}

TEST(a_reply_brings_its_own_fields_and_not_a_second_copy_of_ours) {
    static const HttpField fields[] = {
        { STR_INIT("server"), STR_INIT("x") },
        { STR_INIT("date"), STR_INIT("x") },
        { STR_INIT("x-frame-options"), STR_INIT("x") },
        { STR_INIT("content-length"), STR_INIT("5") },
        { STR_INIT("connection"), STR_INIT("x-secret") },
        { STR_INIT("x-secret"), STR_INIT("x") },
        { STR_INIT("x-request-id"), STR_INIT("x") },
        { STR_INIT("set-cookie"), STR_INIT("a=1") },
        { STR_INIT("set-cookie"), STR_INIT("b=2") },
        { STR_INIT("content-encoding"), STR_INIT("gzip") },
    };
    TestCtx t;
    test_ctx_init(&t);
    HttpField *out;
    size_t n;
    forward_reply(&t.arena, fields, ARRAY_LEN(fields), &out, &n);
    CHECK_EQ(n, 3);
    CHECK_STR(out[0].value, S("a=1"));
    CHECK_STR(out[1].value, S("b=2"));
    CHECK_STR(out[2].name, S("content-encoding"));
    test_ctx_done(&t);
}

TESTS(T(every_name_that_stays_behind_is_found), T(fields_of_one_hop_and_of_our_own_hops_stay_behind),
      T(a_reply_brings_its_own_fields_and_not_a_second_copy_of_ours))
