/* The exchange simulator's bad days on demand: what each fault does to an answer, and the admin paths. */

#include "lib/test.h"

#include "base/json.h"
#include "base/zip.h"
#include "sim/exchange_sim.h"

static const Time noon = { INT64_C(1709294400000) };
/* five whole minutes in mid-history */
#define PAGE "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=1709200800000&limit=5"

typedef struct Fixture {
    TestCtx t;
    ExchangeSim *x;
    SimReply r;
} Fixture;

static void fixture_init(Fixture *f, const char *fault) {
    ExchangeSimOptions o = { .seed = 7 };
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    if (exchange_sim_new(&f->t.cx, &o, &f->x) != 0 ||
        (fault && faults_add(exchange_sim_faults(f->x), &f->t.cx, str_c(fault)) != 0))
        FAIL("%s", f->t.cx.err.text);
}

static void fixture_done(Fixture *f) {
    exchange_sim_free(f->x);
    test_ctx_done(&f->t);
}

static Str call(Fixture *f, const char *method, const char *target, const char *body, const char *encoding) {
    HttpHeader accept = { S("accept-encoding"), str_c(encoding) };
    SimRequest req = { .method = str_c(method),
                       .target = str_c(target),
                       .headers = &accept,
                       .n_headers = encoding != NULL,
                       .body = str_c(body),
                       .peer = S("10.0.0.1") };
    exchange_sim_handle(f->x, &f->t.arena, &req, noon, &f->r);
    return f->r.body;
}

static Str get(Fixture *f, const char *target) {
    return call(f, "GET", target, NULL, NULL);
}

static Str header(const Fixture *f, const char *name) {
    for (size_t i = 0; i < f->r.n_headers; i++)
        if (str_eq_nocase(f->r.headers[i].name, str_c(name)))
            return f->r.headers[i].value;
    return (Str){ NULL, 0 };
}

/* Open times of a klines answer. */
static size_t opens(Fixture *f, Str body, int64_t *out) {
    JsonReader r;
    size_t n = 0;
    json_reader_init(&r, body, &f->t.arena, 4);
    if (json_open_array(&r) != 0)
        FAIL("not an array");
    for (Str raw; json_array_next(&r) > 0 && json_skip_raw(&r, &raw) == 0 && n < 16; n++) {
        Str first = str_from(raw, 1), text;
        if (!str_next(&first, ',', &text) || !str_to_i64(text, &out[n]))
            FAIL("no open time");
    }
    if (json_finish(&r) != 0)
        FAIL("not an answer of klines");
    return n;
}

static const int64_t first_open = INT64_C(1709200800000);

TEST(a_page_can_be_short_or_empty_in_mid_history) {
    Fixture f;
    int64_t t[16];
    fixture_init(&f, "short-page:n=2,count=1");
    CHECK_EQ(opens(&f, get(&f, PAGE), t), 2);
    CHECK_EQ(t[0], first_open);
    CHECK_EQ(opens(&f, get(&f, PAGE), t), 5);
    fixture_done(&f);
    fixture_init(&f, "empty-page:count=1");
    CHECK_STR(get(&f, "/api/v3/ping"), S("{}"));
    CHECK_EQ(opens(&f, get(&f, "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=5"), t), 5); /* reaches the present */
    CHECK_STR(get(&f, PAGE), S("[]"));
    CHECK_EQ(opens(&f, get(&f, PAGE), t), 5);
    fixture_done(&f);
}

TEST(a_page_can_repeat_its_boundary_row) {
    Fixture f;
    int64_t t[16];
    fixture_init(&f, "duplicate-row:count=1");
    CHECK_EQ(opens(&f, get(&f, PAGE), t), 6);
    CHECK_EQ(t[0], first_open - 60000);
    CHECK_EQ(t[1], first_open);
    fixture_done(&f);
}

TEST(times_can_be_micros_or_off_the_grid_or_unsorted) {
    Fixture f;
    int64_t t[16];
    fixture_init(&f, "micros:count=1");
    CHECK_EQ(opens(&f, get(&f, PAGE), t), 5);
    CHECK_EQ(t[4], (first_open + 240000) * 1000);
    fixture_done(&f);
    fixture_init(&f, "misaligned:count=1");
    CHECK_EQ(opens(&f, get(&f, PAGE), t), 5);
    CHECK_EQ(t[0], first_open + 18123);
    fixture_done(&f);
    fixture_init(&f, "unsorted:count=1");
    CHECK_EQ(opens(&f, get(&f, PAGE), t), 5);
    CHECK(t[2] < t[1]);
    fixture_done(&f);
}

TEST(the_venue_can_refuse_or_babble) {
    static const struct {
        const char *name;
        int status;
        const char *retry_after, *begins;
    } rows[] = {
        { "429:count=1", 429, "1", "{\"code\":-1003,\"msg\":\"Too many requests queued.\"}" },
        { "429:n=9", 429, "9", "{\"code\":-1003," },
        { "418", 418, "120",
          "{\"code\":-1003,\"msg\":\"Way too much request weight used; IP banned until 1709294520000. " },
        { "403", 403, NULL, "<html>" },
        { "500", 500, NULL, "{\"code\":-1000," },
        { "503", 503, NULL, "{\"code\":-1008," },
        { "not-json", 200, NULL, "<!doctype html>" },
    };
    EACH_ROW (r, rows) {
        Fixture f;
        fixture_init(&f, r->name);
        CHECK(str_starts(get(&f, PAGE), str_c(r->begins)));
        CHECK_EQ(f.r.status, r->status);
        CHECK_STR(header(&f, "Retry-After"), str_c(r->retry_after));
        CHECK_STR(header(&f, "X-FinSight-Simulated"), S("1"));
        fixture_done(&f);
    }
}

TEST(json_can_be_cut_in_the_middle) {
    Fixture f;
    fixture_init(&f, "truncated:count=1");
    Str cut = get(&f, PAGE);
    CHECK_EQ(f.r.status, 200);
    Str whole = get(&f, PAGE);
    CHECK(cut.n > 0 && cut.n < whole.n && memcmp(cut.p, whole.p, cut.n) == 0);
    fixture_done(&f);
}

TEST(bytes_can_travel_badly) {
    static const struct {
        const char *name;
        SimWire wire;
        int64_t n;
    } rows[] = {
        { "trickle", SIM_TRICKLE, 64 },    { "trickle:n=10", SIM_TRICKLE, 10 }, { "reset", SIM_RESET, 0 },
        { "stall:n=250", SIM_STALL, 250 }, { "chunked", SIM_CHUNKED, 0 },
    };
    EACH_ROW (r, rows) {
        Fixture f;
        fixture_init(&f, r->name);
        get(&f, PAGE);
        CHECK_EQ(f.r.status, 200);
        CHECK_EQ(f.r.wire, r->wire);
        CHECK_EQ(f.r.wire_n, r->n);
        fixture_done(&f);
    }
}

TEST(gzip_comes_when_asked_for) {
    static const struct {
        const char *name; /* Accept-Encoding */
        bool gzip;
    } rows[] = {
        { "gzip", true },      { "deflate, gzip;q=0.5", true }, { "GZIP", true },      { "*", true },
        { "gzip;q=0", false }, { "gzip; q=0.0", false },        { "identity", false }, { "br", false },
        { "", false },
    };
    Fixture f;
    fixture_init(&f, NULL);
    Str plain = get(&f, PAGE);
    CHECK(header(&f, "Content-Encoding").p == NULL);
    EACH_ROW (r, rows) {
        Str body = call(&f, "GET", PAGE, NULL, r->name);
        CHECK_EQ(str_eq(header(&f, "Content-Encoding"), S("gzip")), r->gzip);
        Buf out;
        buf_init(&out, 1 << 20);
        CHECK_EQ(r->gzip ? zip_expand(NULL, ZIP_GZIP, body, &out) : buf_put_str(&out, body), 0);
        CHECK_STR(buf_str(&out), plain);
        buf_done(&out);
    }
    fixture_done(&f);
}

TEST(faults_are_managed_over_http) {
    Fixture f;
    fixture_init(&f, NULL);
    CHECK_STR(get(&f, "/sim/faults"), S("[]"));
    CHECK_STR(call(&f, "POST", "/sim/faults?fault=500:every%3D2", NULL, NULL),
              S("[{\"fault\":\"500\",\"seen\":0,\"hits\":0,\"every\":2}]"));
    call(&f, "POST", "/sim/faults", "429:count=1\n\n reset \n", NULL);
    CHECK_EQ(f.r.status, 200);
    CHECK_EQ(exchange_sim_faults(f.x)->n, 3);
    call(&f, "POST", "/sim/faults", "418\nnonsense\n", NULL); /* all or none */
    CHECK_EQ(f.r.status, 422);
    CHECK_EQ(exchange_sim_faults(f.x)->n, 3);
    get(&f, PAGE);
    CHECK_EQ(f.r.status, 429); /* the first did not hit, the second did */
    get(&f, PAGE);
    CHECK_EQ(f.r.status, 500);
    CHECK_STR(call(&f, "DELETE", "/sim/faults", NULL, NULL), S("[]"));
    get(&f, PAGE);
    CHECK_EQ(f.r.status, 200);
    CHECK(f.r.wire == SIM_WHOLE);
    CHECK_STR(get(&f, "/sim/stats"),
              S("{\"requests\":3,\"klines\":3,\"rows\":15,\"errors\":0,\"limited\":0,\"banned\":0,"
                "\"faults\":2}"));
    get(&f, "/sim/nothing");
    CHECK_EQ(f.r.status, 404);
    call(&f, "PUT", "/sim/faults", NULL, NULL);
    CHECK_EQ(f.r.status, 405);
    fixture_done(&f);
}

TEST(set_up_refuses_what_makes_no_sense) {
    TestCtx t;
    ExchangeSim *x = NULL;
    Symbol bad, twice[2];
    test_ctx_init(&t);
    CHECK(symbol_parse(S("eth/usd"), &bad) && symbol_parse(S("BTCUSDT"), &twice[0]));
    twice[1] = twice[0];
    SimWindow backwards = { time_ms(5), time_ms(5), { "" }, 0 };
    CHECK_EQ(exchange_sim_new(&t.cx, &(ExchangeSimOptions){ .symbols = &bad, .n_symbols = 1 }, &x), ERR_INVALID);
    CHECK(str_find(str_c(t.cx.err.text), S("eth/usd")) >= 0);
    CHECK_EQ(exchange_sim_new(&t.cx, &(ExchangeSimOptions){ .symbols = twice, .n_symbols = 2 }, &x), ERR_INVALID);
    CHECK_EQ(exchange_sim_new(&t.cx, &(ExchangeSimOptions){ .outages = &backwards, .n_outages = 1 }, &x), ERR_INVALID);
    CHECK_EQ(exchange_sim_new(&t.cx, &(ExchangeSimOptions){ .quiet = &backwards, .n_quiet = 5000 }, &x), ERR_LIMIT);
    CHECK(x == NULL);
    test_ctx_done(&t);
}

TESTS(T(a_page_can_be_short_or_empty_in_mid_history), T(a_page_can_repeat_its_boundary_row),
      T(times_can_be_micros_or_off_the_grid_or_unsorted), T(the_venue_can_refuse_or_babble),
      T(json_can_be_cut_in_the_middle), T(bytes_can_travel_badly), T(gzip_comes_when_asked_for),
      T(faults_are_managed_over_http), T(set_up_refuses_what_makes_no_sense))
