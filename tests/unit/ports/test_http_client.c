/* tests/unit/ports/test_http_client.c - retries, Retry-After, the request checks and the SSRF guard, on the
 * scripted fake (PRI-06) and a manual clock. */

#include "fake_http.h"
#include "ports/http_client.h"
#include "test.h"

#include <arpa/inet.h>

typedef struct World {
    TestCtx t;
    FakeHttp *http;
    Rng rng;
    RetryPolicy policy;
    HttpRequest req;
    HttpResponse res;
    int tries;
} World;

static void world_init(World *w) {
    *w = (World){ .http = fake_http_new() };
    test_ctx_init(&w->t);
    rng_seed(&w->rng, 7);
    w->policy = (RetryPolicy){ .attempts = 4, .base_ms = 1000, .max_ms = 60000, .idempotent = true };
    w->req = (HttpRequest){ .method = "GET", .url = S("https://venue.example/api") };
}

static void world_done(World *w) {
    fake_http_free(w->http);
    test_ctx_done(&w->t);
}

static int fetch(World *w) {
    return http_fetch(fake_http_client(w->http), &w->t.cx, &w->req, &w->policy, &w->res, &w->tries);
}

static int64_t elapsed_ms(World *w) {
    return clock_wall(w->t.cx.clock).ms - INT64_C(1704067200000);
}

TEST(repeats_what_may_be_repeated_and_nothing_else) {
    static const struct {
        const char *name;
        const char *method;
        int status, code; /* of the first exchange */
        bool exchange, idempotent;
        int tries; /* wanted: 1 = not repeated */
    } rows[] = {
        { "200", "GET", 200, 0, true, true, 1 },
        { "400", "GET", 400, 0, true, true, 1 },
        { "403", "GET", 403, 0, true, true, 1 },
        { "429", "GET", 429, 0, false, false, 2 },
        { "502", "POST", 502, 0, false, false, 2 },
        { "503", "GET", 503, 0, false, true, 2 },
        { "504", "GET", 504, 0, false, true, 2 },
        { "500 elsewhere", "GET", 500, 0, false, true, 1 },
        { "500 of an exchange", "GET", 500, 0, true, true, 2 },
        { "500 of an exchange, POST", "POST", 500, 0, true, true, 1 },
        { "418 elsewhere", "GET", 418, 0, false, true, 1 },
        { "418 of an exchange", "GET", 418, 0, true, true, 2 },
        { "cannot connect", "POST", 0, ERR_UNAVAILABLE, false, false, 2 },
        { "time-out, idempotent", "GET", 0, ERR_TIMEOUT, false, true, 2 },
        { "time-out of a POST", "POST", 0, ERR_TIMEOUT, false, false, 1 },
        { "cut short, idempotent", "GET", 0, ERR_COLLECTION, false, true, 2 },
        { "cut short POST", "POST", 0, ERR_COLLECTION, false, false, 1 },
        { "too large", "GET", 0, ERR_TOO_LARGE, true, true, 1 },
        { "denied", "GET", 0, ERR_DENIED, true, true, 1 },
    };
    EACH_ROW (r, rows) {
        World w;
        world_init(&w);
        test_row_name = r->name;
        w.policy.exchange = r->exchange;
        w.policy.idempotent = r->idempotent;
        w.req.method = r->method;
        if (r->code)
            fake_http_fail(w.http, r->code, "scripted");
        else
            fake_http_reply(w.http, r->status, "", S(""));
        fake_http_reply(w.http, 200, "", S("fine"));
        int got = fetch(&w);
        CHECK_EQ(w.tries, r->tries);
        CHECK_EQ(got, r->tries == 1 && r->code ? r->code : 0);
        CHECK_EQ(fake_http_n(w.http), (size_t)r->tries);
        if (r->tries == 2)
            CHECK_STR(w.res.body, S("fine"));
        world_done(&w);
    }
}

TEST(waits_at_least_retry_after_and_at_most_the_back_off) {
    static const struct {
        const char *name, *headers;
        int64_t least, most;
    } rows[] = {
        { "nothing told", "", 0, 1000 },
        { "seconds", "Retry-After: 7\n", 7000, 7000 },
        { "a fraction", "retry-after: 1.25\n", 1250, 1250 },
        { "less than the back-off", "Retry-After: 0\n", 0, 1000 },
        { "a date", "Retry-After: Mon, 01 Jan 2024 00:00:30 GMT\n", 30000, 30000 },
        { "a date gone by", "Retry-After: Sun, 31 Dec 2023 23:00:00 GMT\n", 0, 1000 },
        { "nonsense", "Retry-After: soon\n", 0, 1000 },
    };
    EACH_ROW (r, rows) {
        World w;
        world_init(&w);
        test_row_name = r->name;
        w.policy.rng = &w.rng;
        fake_http_reply(w.http, 429, r->headers, S(""));
        fake_http_reply(w.http, 200, "", S(""));
        CHECK_OK(&w.t.cx, fetch(&w));
        CHECK(elapsed_ms(&w) >= r->least && elapsed_ms(&w) <= r->most);
        world_done(&w);
    }
}

TEST(back_off_doubles_up_to_its_ceiling_and_jitter_is_full) {
    World w;
    world_init(&w);
    w.policy.attempts = 6;
    w.policy.max_ms = 5000;
    for (int i = 0; i < 5; i++)
        fake_http_reply(w.http, 503, "", S(""));
    fake_http_reply(w.http, 200, "", S(""));
    CHECK_OK(&w.t.cx, fetch(&w));
    static const int64_t gaps[] = { 1000, 2000, 4000, 5000, 5000 };
    for (size_t i = 0; i < ARRAY_LEN(gaps); i++)
        CHECK_EQ(fake_http_sent(w.http, i + 1).ms - fake_http_sent(w.http, i).ms, gaps[i]);
    world_done(&w);

    int64_t low = INT64_MAX, high = 0; /* with an Rng the waits spread over [0, base] */
    for (int i = 0; i < 200; i++) {
        world_init(&w);
        rng_seed(&w.rng, (uint64_t)i);
        w.policy.rng = &w.rng;
        fake_http_reply(w.http, 503, "", S(""));
        fake_http_reply(w.http, 200, "", S(""));
        CHECK_OK(&w.t.cx, fetch(&w));
        low = MIN(low, elapsed_ms(&w));
        high = MAX(high, elapsed_ms(&w));
        world_done(&w);
    }
    CHECK(low < 50 && high > 950 && high <= 1000);
}

TEST(gives_up_after_the_attempts_with_the_last_answer) {
    World w;
    world_init(&w);
    for (int i = 0; i < 4; i++)
        fake_http_reply(w.http, 503, "", S("down"));
    CHECK_EQ(fetch(&w), ERR_UNAVAILABLE);
    CHECK_EQ(w.tries, 4);
    CHECK_EQ(w.res.status, 503);
    CHECK_STR(w.res.body, S("down"));
    CHECK(strstr(w.t.cx.err.text, "503") && strstr(w.t.cx.err.text, "4 attempts"));
    world_done(&w);
}

TEST(a_retry_after_past_the_total_or_the_deadline_ends_it_at_once) {
    World w;
    world_init(&w);
    w.policy.total_ms = 60000;
    fake_http_reply(w.http, 429, "Retry-After: 120\n", S(""));
    CHECK_EQ(fetch(&w), ERR_LIMIT);
    CHECK_EQ(w.tries, 1);
    CHECK_EQ(elapsed_ms(&w), 0);
    CHECK_EQ(w.t.cx.err.retry_after_ms, 120000);
    world_done(&w);

    world_init(&w);
    w.t.cx.deadline = mono_add_ms(clock_mono(w.t.cx.clock), 5000);
    fake_http_reply(w.http, 503, "Retry-After: 10\n", S(""));
    CHECK_EQ(fetch(&w), ERR_UNAVAILABLE);
    CHECK_EQ(elapsed_ms(&w), 0);
    CHECK_EQ(w.t.cx.err.retry_after_ms, 10000);
    world_done(&w);
}

/* A cancel that comes while the call waits: the clock's sleep raises it. */
typedef struct CancellingClock {
    Clock clock;
    ClockManual *inner;
    atomic_bool cancel;
    int64_t after_ms;
} CancellingClock;

static Time cancelling_wall(Clock *c) {
    return clock_wall(&((CancellingClock *)c)->inner->clock);
}
static MonoNs cancelling_mono(Clock *c) {
    return clock_mono(&((CancellingClock *)c)->inner->clock);
}
static void cancelling_sleep(Clock *c, int64_t ms) {
    CancellingClock *cc = (CancellingClock *)c;
    clock_sleep_ms(&cc->inner->clock, ms);
    cc->after_ms -= ms;
    if (cc->after_ms <= 0)
        atomic_store(&cc->cancel, true);
}

TEST(a_cancel_ends_the_wait) {
    World w;
    world_init(&w);
    CancellingClock cc = { { cancelling_wall, cancelling_mono, cancelling_sleep }, &w.t.clock, false, 3000 };
    w.t.cx.clock = &cc.clock;
    w.t.cx.cancel = &cc.cancel;
    fake_http_reply(w.http, 429, "Retry-After: 3600\n", S(""));
    CHECK_EQ(fetch(&w), ERR_CANCELLED);
    CHECK(elapsed_ms(&w) <= 3200);
    CHECK_EQ(w.tries, 1);
    world_done(&w);
}

typedef struct Hooks {
    int admitted, judged, verdict;
    bool refuse;
} Hooks;

static int admit(void *arg, Ctx *cx) {
    Hooks *h = arg;
    h->admitted++;
    return h->refuse ? err_set(cx, ERR_LIMIT, "budget") : 0;
}

static int judge(void *arg, Ctx *cx, const HttpResponse *r, int failed) {
    Hooks *h = arg;
    h->judged++;
    if (failed || str_eq(r->body, S("good")))
        return 0;
    err_set(cx, ERR_COLLECTION, "the body makes no sense");
    return h->verdict;
}

TEST(hooks_admit_and_judge_every_exchange) {
    World w;
    Hooks h = { .verdict = HTTP_RETRY };
    world_init(&w);
    w.policy.admit = admit;
    w.policy.judge = judge;
    w.policy.arg = &h;
    fake_http_reply(w.http, 200, "", S("bad"));
    fake_http_fail(w.http, ERR_TIMEOUT, "slow");
    fake_http_reply(w.http, 200, "", S("good"));
    CHECK_OK(&w.t.cx, fetch(&w));
    CHECK_EQ(h.admitted, 3);
    CHECK_EQ(h.judged, 3);
    CHECK_EQ(w.t.cx.err.code, 0);

    for (int i = 0; i < 4; i++)
        fake_http_reply(w.http, 200, "", S("bad"));
    CHECK_EQ(fetch(&w), ERR_COLLECTION);
    CHECK(strstr(w.t.cx.err.text, "makes no sense"));

    h.verdict = ERR_COLLECTION; /* final */
    fake_http_reply(w.http, 200, "", S("bad"));
    CHECK_EQ(fetch(&w), ERR_COLLECTION);
    CHECK_EQ(w.tries, 1);

    h.refuse = true;
    CHECK_EQ(fetch(&w), ERR_LIMIT);
    CHECK_EQ(w.tries, 0);
    world_done(&w);
}

TEST(requests_that_are_wrong_are_never_sent) {
    static const struct {
        const char *name, *url;
        int want;
    } rows[] = {
        { "file", "file:///etc/passwd", ERR_INVALID },
        { "gopher", "gopher://venue.example/", ERR_INVALID },
        { "no scheme", "venue.example/api", ERR_INVALID },
        { "credentials", "https://user:secret@venue.example/", ERR_INVALID },
        { "user alone", "http://user@venue.example/", ERR_INVALID },
        { "no host", "http:///api", ERR_INVALID },
        { "port alone", "http://:80/", ERR_INVALID },
        { "port too high", "http://venue.example:65536/", ERR_INVALID },
        { "port 0", "http://venue.example:0/", ERR_INVALID },
        { "line break", "http://venue.example/\r\nHost: x", ERR_INVALID },
        { "blank", "http://venue.example/a b", ERR_INVALID },
        { "backslash", "http://venue.example\\@127.0.0.1/", ERR_INVALID },
        { "loopback", "http://127.0.0.1:8080/", ERR_DENIED },
        { "localhost", "http://localhost/", ERR_DENIED },
        { "LOCALHOST.", "http://LOCALHOST./", ERR_DENIED },
        { "below localhost", "http://a.localhost/", ERR_DENIED },
        { "metadata", "http://169.254.169.254/latest/meta-data", ERR_DENIED },
        { "private", "http://10.1.2.3/", ERR_DENIED },
        { "v6 loopback", "http://[::1]:80/", ERR_DENIED },
        { "v6 mapped", "http://[::ffff:10.0.0.1]/", ERR_DENIED },
        { "v6 zone", "http://[fe80::1%25eth0]/", ERR_DENIED },
        { "v6 open bracket", "http://[::1/", ERR_INVALID },
        { "question mark ends the host", "http://127.0.0.1?x", ERR_DENIED },
    };
    EACH_ROW (r, rows) {
        World w;
        world_init(&w);
        test_row_name = r->name;
        w.req.url = str_c(r->url);
        CHECK_EQ(fetch(&w), r->want);
        CHECK_EQ(fake_http_n(w.http), 0);
        CHECK(!strstr(w.t.cx.err.text, "secret"));
        world_done(&w);
    }
    World w;
    world_init(&w);
    HttpHeader bad = { S("X-Key"), S("abc\r\nX-Other: 1") };
    w.req.headers = &bad;
    w.req.n_headers = 1;
    CHECK_EQ(fetch(&w), ERR_INVALID);
    w.req.n_headers = 0;
    w.req.url = S("http://127.0.0.1:9/x");
    w.req.allow_private = true;
    fake_http_reply(w.http, 200, "", S(""));
    CHECK_OK(&w.t.cx, fetch(&w));
    world_done(&w);
}

TEST(private_addresses_are_told_from_public_ones) {
    static const struct {
        const char *name;
        bool private;
    } rows[] = {
        { "8.8.8.8", false },
        { "9.255.255.255", false },
        { "10.0.0.0", true },
        { "100.63.255.255", false },
        { "100.64.0.1", true },
        { "100.128.0.0", false },
        { "127.255.255.254", true },
        { "128.0.0.1", false },
        { "169.254.0.1", true },
        { "172.15.255.255", false },
        { "172.16.0.1", true },
        { "172.31.255.255", true },
        { "172.32.0.0", false },
        { "192.0.0.192", true },
        { "192.168.1.1", true },
        { "192.169.0.0", false },
        { "198.17.255.255", false },
        { "198.18.0.1", true },
        { "203.0.113.9", true },
        { "223.255.255.255", false },
        { "224.0.0.1", true },
        { "255.255.255.255", true },
        { "0.0.0.0", true },
        { "::", true },
        { "::1", true },
        { "fc00::1", true },
        { "fe80::1", true },
        { "ff02::1", true },
        { "2606:4700::1111", false },
        { "2001:db8::1", true },
        { "2001::1", true },
        { "2001:200::1", false },
        { "2002:0a00:0001::1", true },
        { "2002:0808:0808::1", false },
        { "64:ff9b::7f00:1", true },
        { "64:ff9b::808:808", false },
        { "::ffff:8.8.8.8", false },
        { "::ffff:192.168.0.1", true },
        { "3fff:0001::1", true },
        { "4000::1", true },
    };
    EACH_ROW (r, rows) {
        uint8_t ip[16];
        size_t n = strchr(r->name, ':') ? 16 : 4;
        CHECK_EQ(inet_pton(n == 4 ? AF_INET : AF_INET6, r->name, ip), 1);
        CHECK_EQ(http_address_private(ip, n), r->private);
    }
}

TEST(urls_are_split) {
    World w;
    HttpUrl u;
    world_init(&w);
    CHECK_OK(&w.t.cx, http_url_parse(&w.t.cx, S("HTTPS://API.example:8443/a?b=c"), &u));
    CHECK(u.tls);
    CHECK_EQ(u.port, 8443);
    CHECK_STR(u.host, S("API.example"));
    CHECK_STR(u.path, S("/a?b=c"));
    CHECK_OK(&w.t.cx, http_url_parse(&w.t.cx, S("http://[2606:4700::1]"), &u));
    CHECK(!u.tls);
    CHECK_EQ(u.port, 80);
    CHECK_STR(u.host, S("2606:4700::1"));
    CHECK_EQ(u.path.n, 0);
    world_done(&w);
}

TEST(http_dates_are_read) {
    Time t = { 0 };
    CHECK(http_date_parse(S("Sun, 06 Nov 1994 08:49:37 GMT"), &t));
    CHECK_EQ(t.ms, INT64_C(784111777000));
    CHECK(!http_date_parse(S("Sun, 31 Feb 1994 08:49:37 GMT"), &t));
    CHECK(!http_date_parse(S("Sun, 06 Nov 1994 08:49:37 CET"), &t));
    CHECK(!http_date_parse(S("Sun, 06 Nov 1994 08:4x:37 GMT"), &t));
    CHECK(!http_date_parse(S("Sunday, 06-Nov-94 08:49:37 GMT"), &t));
    CHECK(!http_date_parse(S(""), &t));
}

TESTS(T(repeats_what_may_be_repeated_and_nothing_else), T(waits_at_least_retry_after_and_at_most_the_back_off),
      T(back_off_doubles_up_to_its_ceiling_and_jitter_is_full), T(gives_up_after_the_attempts_with_the_last_answer),
      T(a_retry_after_past_the_total_or_the_deadline_ends_it_at_once), T(a_cancel_ends_the_wait),
      T(hooks_admit_and_judge_every_exchange), T(requests_that_are_wrong_are_never_sent),
      T(private_addresses_are_told_from_public_ones), T(urls_are_split), T(http_dates_are_read))
