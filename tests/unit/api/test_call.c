/* api/call: the three ways to call an operation answer alike. */

#include "demo.h"
#include "lib/test.h"

/* A server behind api_caller_http without a socket: what the gateway does, on the request's bytes. */
typedef struct FakeServer {
    Demo demo;
    OpRouter *router;
    int status; /* not 0: answer this, with `body`, instead of serving */
    const char *type, *body;
    int unreachable;
    Str seen_key, seen_deadline, seen_target, seen_trace;
    Str seen_body;
    RawBody document;
} FakeServer;

static Str header(const ApiRequest *rq, const char *name) {
    for (size_t i = 0; i < rq->n_headers; i++)
        if (str_eq(rq->headers[i].name, str_c(name)))
            return rq->headers[i].value;
    return (Str){ 0 };
}

static int serve(FakeServer *s, Ctx *cx, const ApiRequest *rq, JsonWriter *w) {
    OpMatch m;
    Str rest = rq->target, path;
    QueryPair *query;
    size_t n;
    str_next(&rest, '?', &path);
    int e = op_route(s->router, cx, rq->method, path, &m);
    if (e || (e = query_split(cx, rest, &query, &n)))
        return e;
    void *in = arena_zalloc(cx->arena, m.op->in ? m.op->in->size : 1);
    void *out = arena_zalloc(cx->arena, m.op->out ? m.op->out->size : 1);
    if ((e = op_decode(m.op, cx, m.params, m.n_params, query, n, rq->body, in)) ||
        (e = m.op->run(&s->demo, cx, in, out)))
        return e;
    if (m.op->raw)
        s->document = *(RawBody *)out;
    else if (m.op->out)
        shape_write(m.op->out, w, out);
    return 0;
}

static int exchange(void *arg, Ctx *cx, const ApiRequest *rq, ApiAnswer *out) {
    FakeServer *s = arg;
    if (s->unreachable)
        return err_set(cx, s->unreachable, "127.0.0.1:8080: connection refused");
    s->seen_key = header(rq, API_HEADER_KEY);
    s->seen_deadline = header(rq, API_HEADER_DEADLINE);
    s->seen_trace = header(rq, API_HEADER_TRACE);
    s->seen_target = rq->target;
    s->seen_body = rq->body;
    if (s->status) {
        *out = (ApiAnswer){
            .status = s->status, .content_type = str_c(s->type), .body = str_c(s->body), .retry_after_ms = 2000
        };
        return 0;
    }
    Ctx server = *cx;
    err_clear(&server);
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    int e = serve(s, &server, rq, &w);
    if (e)
        op_write_error(&w, &server);
    *out = (ApiAnswer){ .status = e ? err_info(e)->http_status : 200,
                        .content_type = S("application/json"),
                        .body = str_dup(cx->arena, buf_str(&b)) };
    if (e == 0 && s->document.bytes.n)
        *out = (ApiAnswer){ .status = 200, .content_type = s->document.media, .body = s->document.bytes };
    buf_done(&b);
    return 0;
}

typedef struct Callers {
    TestCtx t;
    FakeServer server;
    ApiCaller *v[3];
} Callers;

static void callers_init(Callers *c) {
    static const OpTable *const tables[] = { &demo_table };
    *c = (Callers){ 0 };
    test_ctx_init(&c->t);
    ApiRole role = { &demo_table, &c->server.demo };
    c->server.router = op_router_new(tables, 1);
    c->v[0] = api_caller_local(&role, 1);
    c->v[1] = api_caller_wire(&role, 1);
    c->v[2] = api_caller_http(exchange, &c->server, S("secret-key"));
}

static void callers_done(Callers *c) {
    for (size_t i = 0; i < ARRAY_LEN(c->v); i++)
        c->v[i] = api_caller_close(c->v[i]);
    op_router_free(c->server.router);
    test_ctx_done(&c->t);
}

/* The answer as JSON, or the error as "code|field|text|retry": what a caller can see. */
static Str outcome(Callers *c, ApiCaller *caller, const Op *op, const void *in) {
    Ctx *cx = &c->t.cx;
    void *out = op->out ? arena_zalloc(cx->arena, op->out->size) : NULL;
    err_clear(cx);
    int e = api_call(caller, cx, op, in, out);
    if (e > 0)
        return str_fmt(cx->arena, "outcome %d", e);
    if (e)
        return str_fmt(cx->arena, "%d|%s|%s|%lld", e, cx->err.field, cx->err.text, (long long)cx->err.retry_after_ms);
    if (!op->out)
        return S("nothing");
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    shape_write(op->out, &w, out);
    Str text = str_dup(cx->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

TEST(a_document_arrives_byte_for_byte_with_its_media_type) {
    Callers c;
    callers_init(&c);
    for (size_t i = 0; i < ARRAY_LEN(c.v); i++) {
        RawBody got = { 0 };
        test_row_name = c.v[i]->name;
        CHECK_OK(&c.t.cx, api_call(c.v[i], &c.t.cx, &op_demo_chart, NULL, &got));
        CHECK_STR(got.media, S("image/svg+xml"));
        CHECK_STR(got.bytes, S("<svg>\xff\0</svg>"));
        c.server.demo.fail = ERR_UNAVAILABLE;
        CHECK_EQ(api_call(c.v[i], &c.t.cx, &op_demo_chart, NULL, &got), ERR_UNAVAILABLE);
        c.server.demo.fail = 0;
    }
    callers_done(&c);
}

TEST(local_wire_and_http_answer_alike) {
    Callers c;
    callers_init(&c);
    Str columns[] = { S("open"), S("close") }, notes[] = { S("a,b & c=d?"), S("\xc3\xa4\xe2\x82\xac") };
    DemoLeg legs[] = { { .symbol = S("A"), .weight = 0.1 }, { .symbol = S("B/C"), .weight = 1, .delay_ms = 60000 } };
    Candles candles;
    candles_init(&candles, &c.t.arena, 2);
    candles_push(&candles,
                 &(Candle){ .open_time = time_ms(-1), .open = 0.1, .high = 1e300, .low = 5e-324, .volume = 3 });
    candles_push(&candles, &(Candle){ .open_time = time_ms(60000), .open = 1.0 / 3, .flags = CANDLE_SYNTHETIC });
    const struct {
        const char *name;
        const Op *op;
        const void *in;
    } rows[] = {
        { "least query", &op_demo_candles, &(DemoQuery){ .symbol = S("BTCUSDT"), .timeframe = S("1h") } },
        { "whole query", &op_demo_candles,
          &(DemoQuery){ .symbol = S("BTC/USDT"),
                        .exchange = S("kraken"),
                        .timeframe = S("1M"),
                        .start = time_ms(-5),
                        .end = time_ms(1704067200123),
                        .limit = 100000,
                        .order = S("desc"),
                        .columns = { columns, 2 },
                        .min_volume = 1.0 / 3,
                        .adjusted = true,
                        .api_token = S("a&b=c d%+") } },
        { "nullable number absent", &op_demo_candles,
          &(DemoQuery){ .symbol = S("A"), .timeframe = S("1h"), .min_volume = (double)NAN } },
        { "missing symbol", &op_demo_candles, &(DemoQuery){ .timeframe = S("1h") } },
        { "limit out of range", &op_demo_candles, &(DemoQuery){ .symbol = S("A"), .timeframe = S("1h"), .limit = -1 } },
        { "bad choice", &op_demo_candles, &(DemoQuery){ .symbol = S("A"), .timeframe = S("1h"), .order = S("up") } },
        { "candles in a body", &op_demo_save,
          &(DemoSave){ .symbol = S("A"), .timeframe = S("1h"), .candles = candles } },
        { "flag beside a body", &op_demo_save,
          &(DemoSave){ .symbol = S("A"), .timeframe = S("1h"), .candles = candles, .dry_run = true } },
        { "no candles", &op_demo_save, &(DemoSave){ .symbol = S("A"), .timeframe = S("1h") } },
        { "nested", &op_demo_plan,
          &(DemoPlan){ .id = S("j.1"),
                       .name = S("Winter"),
                       .risk = { .max_loss = 0.02, .leverage = 2, .mode = S("hard") },
                       .hedge = { .max_loss = 0.5, .leverage = 1, .mode = S("soft") },
                       .legs = { legs, 2 },
                       .notes = { notes, 2 },
                       .settings = { S("{\"a\":[1,2,{}]}") },
                       .at = time_ms(1),
                       .priority = 9,
                       .enabled = false } },
        { "nested without the optional", &op_demo_plan,
          &(DemoPlan){ .id = S("j.1"),
                       .name = S("Winter"),
                       .risk = { .leverage = 1, .mode = S("soft") },
                       .legs = { legs, 1 } } },
        { "nested fault", &op_demo_plan,
          &(DemoPlan){ .id = S("j.1"), .name = S("Winter"), .risk = { .leverage = 50 }, .legs = { legs, 1 } } },
        { "fault in a list", &op_demo_plan,
          &(DemoPlan){ .id = S("j"),
                       .name = S("Winter"),
                       .risk = { .leverage = 1 },
                       .legs = { (DemoLeg[]){ legs[0], { .symbol = S("?") } }, 2 } } },
        { "no input", &op_demo_active, NULL },
        { "no answer", &op_demo_delete, &(DemoJob){ .id = S("x"), .force = true } },
        { "bad id", &op_demo_job, &(DemoJob){ .id = S("a b") } },
    };
    EACH_ROW (r, rows) {
        Str local = outcome(&c, c.v[0], r->op, r->in);
        for (size_t i = 1; i < ARRAY_LEN(c.v); i++)
            CHECK_STR(outcome(&c, c.v[i], r->op, r->in), local);
    }
    callers_done(&c);
}

TEST(the_handler_s_failure_arrives_whole) {
    Callers c;
    callers_init(&c);
    const DemoQuery q = { .symbol = S("A"), .timeframe = S("1h") };
    static const struct {
        const char *name;
        int code;
    } rows[] = {
#define ERR_CASE(code, nr, wire, http, retry, exit, words) { wire, code },
        ERR_TABLE(ERR_CASE)
#undef ERR_CASE
    };
    EACH_ROW (r, rows) {
        c.server.demo.fail = r->code;
        for (size_t i = 0; i < ARRAY_LEN(c.v); i++) {
            DemoPage page;
            err_clear(&c.t.cx);
            CHECK_EQ(api_call(c.v[i], &c.t.cx, &op_demo_candles, &q, &page), r->code);
            CHECK_STR(str_c(c.t.cx.err.text), S("the demo \"fails\" as told"));
            CHECK_STR(str_c(c.t.cx.err.field), S("candles[3].high"));
            CHECK_EQ(c.t.cx.err.retry_after_ms, 1500);
            CHECK_EQ(page.candles.n, 0);
        }
    }
    callers_done(&c);
}

TEST(the_http_call_carries_what_a_gateway_needs) {
    Callers c;
    callers_init(&c);
    c.t.cx.deadline = mono_add_ms(clock_mono(c.t.cx.clock), 1500);
    c.t.cx.trace = (Trace){ .correlation_id = S("corr-1"), .trace_hi = 1, .trace_lo = 0xabc, .span = 7 };
    DemoPage page;
    CHECK_OK(&c.t.cx, api_call(c.v[2], &c.t.cx, &op_demo_candles,
                               &(DemoQuery){ .symbol = S("A/B"), .timeframe = S("1h") }, &page));
    CHECK_STR(c.server.seen_key, S("secret-key"));
    CHECK_STR(c.server.seen_deadline, S("1500"));
    CHECK_STR(c.server.seen_trace, S("00-00000000000000010000000000000abc-0000000000000007-01"));
    CHECK_STR(c.server.seen_target,
              S("/api/v1/demo/"
                "candles?symbol=A%2FB&exchange=binance&timeframe=1h&limit=1000&order=asc&min_volume=0&adjusted=false"));
    CHECK_EQ(c.server.seen_body.n, 0);
    callers_done(&c);
}

TEST(an_answer_that_is_not_ours_is_an_error_with_words) {
    static const struct {
        const char *name;
        int status;
        const char *type, *body;
        int code;
        const char *words;
        int64_t retry_ms;
    } rows[] = {
        { "a proxy's page", 502, "text/html", "<html>Bad gateway</html>", ERR_UNAVAILABLE, "HTTP 502", 2000 },
        { "a proxy's timeout", 504, "text/html", "", ERR_TIMEOUT, "HTTP 504", 2000 },
        { "another API's error", 404, "application/json", "{\"detail\":\"no\"}", ERR_NOT_FOUND, "HTTP 404", 2000 },
        { "an error cut off", 429, "application/json", "{\"error\":{\"code\":\"limit_", ERR_LIMIT, "HTTP 429", 2000 },
        { "a code we do not know", 418, "application/json",
          "{\"error\":{\"code\":\"teapot\",\"message\":\"short and stout\"}}", ERR_INTERNAL, "short and stout", 2000 },
        { "a redirect", 302, "text/html", "", ERR_INTERNAL, "HTTP 302", 2000 },
        { "a page with status 200", 200, "text/html", "<html>", ERR_INTERNAL,
          "answered text/html where JSON was asked for", 0 },
        { "JSON of another form", 200, "application/json", "[1]", ERR_INTERNAL,
          "the answer is not a DemoPage: body must be an object, not an array", 0 },
        { "JSON cut off", 200, "application/json; charset=utf-8", "{\"symbol\":", ERR_INTERNAL,
          "the answer is not a DemoPage: not JSON", 0 },
    };
    Callers c;
    callers_init(&c);
    EACH_ROW (r, rows) {
        DemoPage page;
        c.server.status = r->status, c.server.type = r->type, c.server.body = r->body;
        CHECK_EQ(
            api_call(c.v[2], &c.t.cx, &op_demo_candles, &(DemoQuery){ .symbol = S("A"), .timeframe = S("1h") }, &page),
            r->code);
        if (!strstr(c.t.cx.err.text, r->words))
            FAIL("\"%s\" lacks \"%s\"", c.t.cx.err.text, r->words);
        CHECK_EQ(c.t.cx.err.retry_after_ms, r->retry_ms);
    }
    c.server.unreachable = ERR_UNAVAILABLE;
    DemoPage page;
    CHECK_EQ(api_call(c.v[2], &c.t.cx, &op_demo_candles, &(DemoQuery){ .symbol = S("A"), .timeframe = S("1h") }, &page),
             ERR_UNAVAILABLE);
    callers_done(&c);
}

TEST(an_input_that_is_plainly_wrong_makes_no_journey) {
    Callers c;
    callers_init(&c);
    DemoPage page;
    CHECK_EQ(api_call(c.v[2], &c.t.cx, &op_demo_candles, &(DemoQuery){ .symbol = S("A") }, &page), ERR_INVALID);
    CHECK_EQ(c.server.seen_target.n, 0);
    CHECK_EQ(api_call(c.v[0], &c.t.cx, &op_demo_candles, &(DemoQuery){ .symbol = S("A") }, &page), ERR_INVALID);
    CHECK_EQ(c.server.demo.calls, 0);
    callers_done(&c);
}

TEST(a_call_past_its_deadline_or_cancelled_is_not_made) {
    Callers c;
    callers_init(&c);
    const DemoQuery q = { .symbol = S("A"), .timeframe = S("1h") };
    DemoPage page;
    c.t.cx.deadline = clock_mono(c.t.cx.clock);
    c.t.cx.deadline.ns = MAX(c.t.cx.deadline.ns, 1);
    clock_manual_advance_ms(&c.t.clock, 1);
    for (size_t i = 0; i < ARRAY_LEN(c.v); i++)
        CHECK_EQ(api_call(c.v[i], &c.t.cx, &op_demo_candles, &q, &page), ERR_TIMEOUT);
    atomic_bool cancel = true;
    c.t.cx.cancel = &cancel;
    CHECK_EQ(api_call(c.v[0], &c.t.cx, &op_demo_candles, &q, &page), ERR_CANCELLED);
    CHECK_EQ(c.server.demo.calls, 0);
    callers_done(&c);
}

TEST(an_operation_nobody_serves_is_unavailable) {
    Callers c;
    callers_init(&c);
    ApiCaller *none = api_caller_local(NULL, 0);
    DemoJob job;
    CHECK_EQ(api_call(none, &c.t.cx, &op_demo_active, NULL, &job), ERR_UNAVAILABLE);
    CHECK_STR(str_c(c.t.cx.err.text), S("demo.active: no role of this process serves it"));
    api_caller_close(none);
    CHECK(api_caller_close(NULL) == NULL);
    callers_done(&c);
}

TESTS(T(a_document_arrives_byte_for_byte_with_its_media_type), T(local_wire_and_http_answer_alike),
      T(the_handler_s_failure_arrives_whole), T(the_http_call_carries_what_a_gateway_needs),
      T(an_answer_that_is_not_ours_is_an_error_with_words), T(an_input_that_is_plainly_wrong_makes_no_journey),
      T(a_call_past_its_deadline_or_cancelled_is_not_made), T(an_operation_nobody_serves_is_unavailable))
