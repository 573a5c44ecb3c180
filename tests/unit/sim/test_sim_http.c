/* sim/sim_http: calls to the simulated exchange on a clock that only moves when told. */

#include "lib/test.h"

#include "sim/sim_http.h"

#define URL "https://api.example.test/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=20"

typedef struct Fixture {
    TestCtx t;
    ExchangeSim *x;
    HttpClient *http;
    HttpResponse r;
    int tries;
} Fixture;

static void fixture_init(Fixture *f, SimHttpOptions o, const char *fault) {
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    if (exchange_sim_new(&f->t.cx, &(ExchangeSimOptions){ .seed = 7 }, &f->x) != 0 ||
        (fault && faults_add(exchange_sim_faults(f->x), &f->t.cx, str_c(fault)) != 0))
        FAIL("%s", f->t.cx.err.text);
    o.exchange = f->x;
    o.clock = &f->t.clock.clock;
    f->http = sim_http_new(&o);
}

static void fixture_done(Fixture *f) {
    http_client_close(f->http);
    exchange_sim_free(f->x);
    test_ctx_done(&f->t);
}

static int fetch(Fixture *f, int attempts) {
    HttpRequest req = { .method = "GET", .url = S(URL) };
    RetryPolicy policy = {
        .attempts = attempts, .base_ms = 1000, .max_ms = 60000, .exchange = true, .idempotent = true
    };
    return http_fetch(f->http, &f->t.cx, &req, &policy, &f->r, &f->tries);
}

static int64_t took_ms(Fixture *f, Time since) {
    return clock_wall(&f->t.clock.clock).ms - since.ms;
}

TEST(an_answer_takes_its_latency) {
    Fixture f;
    fixture_init(&f, (SimHttpOptions){ .latency_ms = 80, .jitter_ms = 40 }, NULL);
    Time before = clock_wall(&f.t.clock.clock);
    CHECK_OK(&f.t.cx, fetch(&f, 1));
    CHECK_EQ(f.r.status, 200);
    CHECK(took_ms(&f, before) >= 80 && took_ms(&f, before) <= 120);
    CHECK(str_starts(f.r.body, S("[[")) && str_ends(f.r.body, S("]]"))); /* decoded: it was asked for as gzip */
    CHECK_STR(http_response_header(&f.r, S("content-encoding")), S("gzip"));
    CHECK_STR(http_response_header(&f.r, S("x-finsight-simulated")), S("1"));
    fixture_done(&f);
}

TEST(losses_are_what_the_port_says) {
    static const struct {
        const char *name; /* the fault, or what the network does */
        SimHttpOptions o;
        int err;
        int64_t least_ms, most_ms;
    } rows[] = {
        { "reset", { 0 }, ERR_COLLECTION, 0, 0 },
        { "stall", { 0 }, ERR_TIMEOUT, 15000, 15000 },
        { "trickle:n=1", { 0 }, ERR_TIMEOUT, 15000, 15000 },
        { NULL, { .refuse = 1 }, ERR_UNAVAILABLE, 0, 0 },
        { NULL, { .drop = 1 }, ERR_TIMEOUT, 15000, 15000 },
        { NULL, { .latency_ms = 16000 }, ERR_TIMEOUT, 15000, 15000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        Fixture f;
        fixture_init(&f, rows[i].o, rows[i].name);
        Time before = clock_wall(&f.t.clock.clock);
        CHECK_EQ(fetch(&f, 1), rows[i].err);
        CHECK(took_ms(&f, before) >= rows[i].least_ms && took_ms(&f, before) <= rows[i].most_ms);
        CHECK_EQ(f.r.status, 0);
        fixture_done(&f);
    }
}

TEST(a_slow_body_arrives_when_there_is_time) {
    Fixture f;
    fixture_init(&f, (SimHttpOptions){ 0 }, "trickle:n=50");
    Time before = clock_wall(&f.t.clock.clock);
    CHECK_OK(&f.t.cx, fetch(&f, 1));
    CHECK(took_ms(&f, before) > 1000);
    CHECK(str_ends(f.r.body, S("]]")));
    fixture_done(&f);
}

TEST(faults_pass_and_the_retry_gets_through) {
    static const struct {
        const char *name;
        int tries;
        int64_t least_ms;
    } rows[] = {
        { "429:count=1,n=30", 2, 30000 }, { "418:count=1", 2, 120000 },  { "500:count=2", 3, 3000 },
        { "reset:count=1", 2, 1000 },     { "stall:count=1", 2, 16000 },
    };
    EACH_ROW (r, rows) {
        Fixture f;
        fixture_init(&f, (SimHttpOptions){ 0 }, r->name);
        Time before = clock_wall(&f.t.clock.clock);
        CHECK_OK(&f.t.cx, fetch(&f, 5));
        CHECK_EQ(f.r.status, 200);
        CHECK_EQ(f.tries, r->tries);
        CHECK(took_ms(&f, before) >= r->least_ms);
        fixture_done(&f);
    }
}

TEST(the_callers_deadline_and_limit_hold) {
    Fixture f;
    fixture_init(&f, (SimHttpOptions){ .latency_ms = 5000 }, NULL);
    f.t.cx.deadline = mono_add_ms(clock_mono(f.t.cx.clock), 2000);
    Time before = clock_wall(&f.t.clock.clock);
    CHECK_EQ(fetch(&f, 1), ERR_TIMEOUT);
    CHECK_EQ(took_ms(&f, before), 2000);
    f.t.cx.deadline.ns = 0;
    HttpRequest req = { .method = "GET", .url = S(URL), .max_body = 1000 };
    RetryPolicy once = { .attempts = 1 };
    CHECK_EQ(http_fetch(f.http, &f.t.cx, &req, &once, &f.r, NULL), ERR_TOO_LARGE);
    fixture_done(&f);
}

TESTS(T(an_answer_takes_its_latency), T(losses_are_what_the_port_says), T(a_slow_body_arrives_when_there_is_time),
      T(faults_pass_and_the_retry_gets_through), T(the_callers_deadline_and_limit_hold))
