/* services/webhooks: the signature by hand, the documents' back-off on a manual clock, and when one is given up (MSG-38). */

#include "adapters/jobs/sqlite.h"
#include "lib/fake_http.h"
#include "lib/test.h"
#include "services/webhooks/webhooks.h"

typedef struct World {
    TestCtx t;
    FakeHttp *http;
    JobStore *store;
    IdsSeeded ids;
    Webhooks *w;
} World;

static void begin(World *w) {
    test_ctx_init(&w->t);
    ids_seeded_init(&w->ids, 7);
    w->http = fake_http_new();
    CHECK_OK_PLAIN(&w->t.cx, job_store_sqlite_open(&w->t.cx, &(JobStoreOptions){ 0 }, &w->store));
    w->w = webhooks_new(&(WebhooksOptions){ .store = w->store,
                                            .http = fake_http_client(w->http),
                                            .clock = &w->t.clock.clock,
                                            .ids = &w->ids.ids,
                                            .secret = S("whsec_test"),
                                            .retry = &retry_callback });
}

static void end(World *w) {
    webhooks_free(w->w);
    job_store_close(w->store);
    fake_http_free(w->http);
    test_ctx_done(&w->t);
}

/* A run in the state given; the first time with its job. */
static void put_run(World *w, RunState state, int64_t revision) {
    Job job = {
        .id = S("j"), .kind = S("k"), .params = S("{}"), .state = JOB_RUNNING, .run = S("r1"), .revision = revision
    };
    JobRun run = {
        .id = S("r1"), .job = S("j"), .kind = S("k"), .params = S("{}"), .state = state, .message = S("done")
    };
    CHECK_OK_PLAIN(&w->t.cx, job_store_change(w->store, &w->t.cx, &(JobChange){ &job, &run }));
}

static Callback arm(World *w) {
    Callback c;
    CHECK_OK_PLAIN(&w->t.cx, webhooks_arm(w->w, &w->t.cx, S("https://example.org/hook"), S("r1"), &c));
    return c;
}

static Callback now_is(World *w, Str id) {
    Callback c;
    CHECK_OK_PLAIN(&w->t.cx, webhooks_get(w->w, &w->t.cx, id, &c));
    return c;
}

/* Runs as often as it wants to, for so long. */
static void pass(World *w, int64_t ms) {
    MonoNs until = mono_add_ms(clock_mono(&w->t.clock.clock), ms), next = { 0 };
    for (;;) {
        CHECK_OK_PLAIN(&w->t.cx, webhooks_run(w->w, &w->t.cx, &next));
        MonoNs now = clock_mono(&w->t.clock.clock);
        if (now.ns >= until.ns)
            return;
        clock_manual_advance_ms(&w->t.clock, MAX(mono_ms_between(now, next.ns < until.ns ? next : until), INT64_C(1)));
    }
}

/* By Python: hmac.new(b"key", b"1700000000." + b'{"a":1}', sha256).hexdigest(). */
TEST(the_signature_covers_time_and_body) {
    char out[WEBHOOK_SIGNATURE_MAX], other[WEBHOOK_SIGNATURE_MAX];
    CHECK_STR(webhook_sign(S("key"), time_ms(INT64_C(1700000000999)), S("{\"a\":1}"), out),
              S("t=1700000000,v1=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03"));
    Str base = str_c(out);
    CHECK(!str_eq(webhook_sign(S("key"), time_ms(INT64_C(1700000001000)), S("{\"a\":1}"), other), base));
    CHECK(!str_eq(webhook_sign(S("key"), time_ms(INT64_C(1700000000000)), S("{\"a\":2}"), other), base));
    CHECK(!str_eq(webhook_sign(S("kez"), time_ms(INT64_C(1700000000000)), S("{\"a\":1}"), other), base));
}

TEST(nobody_is_called_before_the_run_is_over) {
    World w;
    begin(&w);
    put_run(&w, RUN_RUNNING, 0);
    Callback c = arm(&w);
    pass(&w, 60 * 1000);
    CHECK_EQ(fake_http_n(w.http), 0);
    CHECK_EQ(now_is(&w, c.id).state, CALLBACK_ARMED);
    put_run(&w, RUN_SUCCEEDED, 1);
    fake_http_reply(w.http, 200, "", S(""));
    pass(&w, 6 * 1000); /* also without a wake */
    CHECK_EQ(fake_http_n(w.http), 1);
    c = now_is(&w, c.id);
    CHECK_EQ(c.state, CALLBACK_DELIVERED);
    CHECK(str_find(c.body, S("\"state\":\"succeeded\"")) > 0);
    pass(&w, 3600 * 1000);
    CHECK_EQ(fake_http_n(w.http), 1);
    end(&w);
}

/* Profile "callback": 2, 6, 18, 54, 162, 486, 1458 s with up to a tenth added, and then no more. */
TEST(eight_tries_and_then_it_is_dead) {
    World w;
    begin(&w);
    put_run(&w, RUN_FAILED, 0);
    Callback c = arm(&w);
    for (int i = 0; i < 8; i++)
        fake_http_reply(w.http, i % 2 ? 503 : 404, "", S(""));
    pass(&w, 2 * 3600 * 1000);
    CHECK_EQ(fake_http_n(w.http), 8);
    int64_t wait_ms = 2000;
    for (size_t i = 1; i < 8; i++, wait_ms *= 3) {
        int64_t took = fake_http_sent(w.http, i).ms - fake_http_sent(w.http, i - 1).ms;
        if (took < wait_ms || took > wait_ms * 11 / 10 + 2)
            FAIL("try %zu came after %lld ms, not %lld", i + 1, (long long)took, (long long)wait_ms);
    }
    c = now_is(&w, c.id);
    CHECK_EQ(c.state, CALLBACK_DEAD);
    CHECK_EQ(c.tries, 8);
    Callback *v;
    size_t n;
    CHECK_OK(&w.t.cx, webhooks_list(w.w, &w.t.cx, CALLBACK_DEAD, 10, &v, &n));
    CHECK_EQ(n, 1);
    fake_http_reply(w.http, 204, "", S(""));
    CHECK_OK(&w.t.cx, webhooks_again(w.w, &w.t.cx, c.id, &c));
    CHECK_EQ(webhooks_again(w.w, &w.t.cx, c.id, &c), ERR_CONFLICT);
    pass(&w, 10);
    CHECK_EQ(now_is(&w, c.id).state, CALLBACK_DELIVERED);
    end(&w);
}

TEST(retry_after_is_heeded_and_gone_is_final) {
    World w;
    begin(&w);
    put_run(&w, RUN_SUCCEEDED, 0);
    Callback c = arm(&w);
    fake_http_reply(w.http, 429, "retry-after: 100\n", S(""));
    fake_http_fail(w.http, ERR_TIMEOUT, "no answer");
    fake_http_reply(w.http, 410, "", S(""));
    pass(&w, 3600 * 1000);
    CHECK_EQ(fake_http_n(w.http), 3);
    CHECK(fake_http_sent(w.http, 1).ms - fake_http_sent(w.http, 0).ms >= 100 * 1000);
    c = now_is(&w, c.id);
    CHECK_EQ(c.state, CALLBACK_DEAD);
    CHECK_EQ(c.last_status, 410);
    end(&w);
}

TEST(urls_that_lead_inside_are_refused) {
    static const char *const bad[] = { "http://127.0.0.1/",
                                       "http://localhost:80/",
                                       "http://[fe80::1]/",
                                       "http://192.168.0.1/",
                                       "file:///etc/passwd",
                                       "http://a:b@example.org/",
                                       "" };
    World w;
    begin(&w);
    CHECK_OK(&w.t.cx, webhooks_check(w.w, &w.t.cx, S("https://example.org:8443/a?b=c")));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_EQ(webhooks_check(w.w, &w.t.cx, str_c(bad[i])), ERR_INVALID);
        CHECK_STR(str_c(w.t.cx.err.field), S("callback"));
    }
    end(&w);
}

TESTS(T(the_signature_covers_time_and_body), T(nobody_is_called_before_the_run_is_over),
      T(eight_tries_and_then_it_is_dead), T(retry_after_is_heeded_and_gone_is_final),
      T(urls_that_lead_inside_are_refused))
