/* sim/exchange_server: the simulator on a port, used from C as `finsight exchange-sim` and the demo use it; read with
 * the product's own HTTP client (libcurl). */

#include "lib/test.h"

#include "adapters/clock/system.h"
#include "adapters/http/curl.h"
#include "sim/exchange_server.h"

typedef struct Fixture {
    Clock clock;
    Arena arena;
    Ctx cx;
    ExchangeServer *server;
    HttpClient *http;
    HttpResponse r;
} Fixture;

static void fixture_init(Fixture *f) {
    *f = (Fixture){ 0 };
    clock_system_init(&f->clock);
    ctx_init(&f->cx, &f->arena, &f->clock);
    ExchangeServerOptions o = { .sim = { .seed = 3 }, .clock = &f->clock };
    if (exchange_server_start(&f->cx, &o, &f->server) != 0 ||
        http_curl_open(&f->cx, &(HttpCurlOptions){ 0 }, &f->http) != 0)
        FAIL("%s", f->cx.err.text);
}

static void fixture_done(Fixture *f) {
    http_client_close(f->http);
    exchange_server_stop(f->server);
    arena_done(&f->arena);
}

static int get(Fixture *f, const char *path, int64_t total_ms) {
    Str url = str_fmt(&f->arena, "http://127.0.0.1:%d%s", exchange_server_port(f->server), path);
    HttpRequest req = { .method = "GET", .url = url, .total_ms = total_ms, .allow_private = true };
    RetryPolicy once = { .attempts = 1 };
    return http_fetch(f->http, &f->cx, &req, &once, &f->r, NULL);
}

#define PAGE "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=1709200800000&limit=300"

TEST(our_own_client_reads_it) {
    Fixture f;
    fixture_init(&f);
    CHECK(exchange_server_port(f.server) > 0);
    CHECK_OK(&f.cx, get(&f, PAGE, 0));
    CHECK_EQ(f.r.status, 200);
    CHECK_STR(http_response_header(&f.r, S("X-FinSight-Simulated")), S("1"));
    CHECK(str_starts(f.r.body, S("[[1709200800000,\"")));
    ExchangeSimStats s;
    exchange_server_stats(f.server, &s);
    CHECK_EQ(s.requests, 1);
    CHECK_EQ(s.rows, 300);
    fixture_done(&f);
}

TEST(faults_reach_the_wire_and_end_when_cleared) {
    static const struct {
        const char *name;
        int err, status;
    } rows[] = {
        { "chunked", 0, 200 }, { "trickle:n=9000", 0, 200 },        { "reset", ERR_COLLECTION, 0 },
        { "403", 0, 403 },     { "stall:n=30000", ERR_TIMEOUT, 0 },
    };
    Fixture f;
    fixture_init(&f);
    CHECK_OK(&f.cx, get(&f, PAGE, 0));
    Str clean = f.r.body;
    EACH_ROW (r, rows) {
        CHECK_OK(&f.cx, exchange_server_fault(f.server, &f.cx, str_c(r->name)));
        CHECK_EQ(get(&f, PAGE, r->err == ERR_TIMEOUT ? 300 : 0), r->err);
        CHECK_EQ(f.r.status, r->status);
        if (r->status == 200)
            CHECK_STR(f.r.body, clean);
        CHECK_OK(&f.cx, exchange_server_fault(f.server, &f.cx, S("")));
    }
    CHECK_OK(&f.cx, get(&f, PAGE, 0));
    CHECK_STR(f.r.body, clean);
    fixture_done(&f); /* while the stalled answer is still owed */
}

TEST(what_cannot_start_says_why) {
    Fixture f;
    fixture_init(&f);
    ExchangeServer *other = NULL;
    Str bad = S("explode");
    ExchangeServerOptions taken = { .clock = &f.clock, .port = exchange_server_port(f.server) };
    CHECK_EQ(exchange_server_start(&f.cx, &taken, &other), ERR_CONFLICT);
    CHECK(str_find(str_c(f.cx.err.text), str_fmt(&f.arena, "%d", taken.port)) >= 0);
    ExchangeServerOptions faulty = { .clock = &f.clock, .faults = &bad, .n_faults = 1 };
    CHECK_EQ(exchange_server_start(&f.cx, &faulty, &other), ERR_INVALID);
    CHECK(str_find(str_c(f.cx.err.text), S("explode")) >= 0);
    CHECK_EQ(exchange_server_fault(f.server, &f.cx, S("500:every=0")), ERR_INVALID);
    CHECK(other == NULL);
    fixture_done(&f);
}

TESTS(T(our_own_client_reads_it), T(faults_reach_the_wire_and_end_when_cleared), T(what_cannot_start_says_why))
