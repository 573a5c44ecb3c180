/* tests/fuzz/fuzz_exchange_sim.c - whatever a client asks of the exchange simulator: an answer that is well formed,
 * labelled as simulated, within the venue's limits, and no crash. The input is a request: its first line is
 * METHOD TARGET, then header lines up to an empty one, then the body. */

#include "fuzz.h"

#include "base/json.h"
#include "base/zip.h"
#include "sim/exchange_sim.h"

enum { HEADERS_MAX = 8 };

static const Time now = { INT64_C(1709294415500) };

static Str header(const SimReply *r, Str name) {
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq_nocase(r->headers[i].name, name))
            return r->headers[i].value;
    return (Str){ NULL, 0 };
}

static size_t count_rows(Str json, Arena *arena) {
    JsonReader r;
    Str raw;
    size_t n = 0;
    json_reader_init(&r, json, arena, 8);
    if (json_open_array(&r) == 0)
        for (; json_array_next(&r) > 0 && json_skip_raw(&r, &raw) == 0; n++)
            ;
    return n;
}

static void check_json(Str body, bool klines, bool cut, Arena *arena) {
    JsonReader r;
    json_reader_init(&r, body, arena, 16);
    bool whole = json_skip(&r) == 0 && json_finish(&r) == 0;
    MUST(whole || cut);
    if (whole && klines)
        MUST(count_rows(body, arena) <= KLINES_MAX + 1); /* one more where a fault repeats the row before */
}

static void check_reply(const SimReply *r, const SimRequest *req, bool cut, Arena *arena) {
    MUST(r->status >= 200 && r->status <= 599 && r->n_headers <= SIM_HEADERS_MAX);
    MUST(str_eq(header(r, S("X-FinSight-Simulated")), S("1")));
    MUST((r->status == 429 || r->status == 418) == (header(r, S("Retry-After")).n > 0));
    MUST(r->wire == SIM_WHOLE || r->status == 200);
    if (!str_starts(header(r, S("Content-Type")), S("application/json")))
        return;
    Buf plain;
    buf_init(&plain, 16 << 20);
    bool gzip = str_eq(header(r, S("Content-Encoding")), S("gzip"));
    MUST((gzip ? zip_expand(NULL, ZIP_GZIP, r->body, &plain) : buf_put_str(&plain, r->body)) == 0);
    check_json(buf_str(&plain), str_find(req->target, S("lines?")) > 0 && r->status == 200, cut, arena);
    buf_done(&plain);
}

static void read_request(Str text, SimRequest *req, HttpHeader headers[HEADERS_MAX]) {
    Str line, method = S("");
    if (str_next(&text, '\n', &line) && str_next(&line, ' ', &method))
        req->target = line.p ? line : S("/");
    req->method = method;
    req->headers = headers;
    while (str_next(&text, '\n', &line) && line.n > 0) {
        Str name;
        if (req->n_headers < HEADERS_MAX && str_next(&line, ':', &name))
            headers[req->n_headers++] = (HttpHeader){ name, str_trim(line) };
    }
    req->body = text.p ? text : S("");
    req->peer = S("127.0.0.1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const SimWindow outage = { { INT64_C(1709290800000) }, { INT64_C(1709292600000) }, { "" }, 0 };
    static const SimWindow skew = { { INT64_C(1518134400000) }, { INT64_C(1518220800000) }, { "" }, 18123 };
    ExchangeSimOptions o = { .seed = 1, .outages = &outage, .n_outages = 1, .skewed = &skew, .n_skewed = 1 };
    Arena arena = { 0 };
    Ctx cx;
    ExchangeSim *x = NULL;
    ctx_init(&cx, &arena, NULL);
    MUST(exchange_sim_new(&cx, &o, &x) == 0);
    SimRequest req = { .target = S("/") };
    HttpHeader headers[HEADERS_MAX];
    read_request(str_n((const char *)data, size), &req, headers);
    SimReply r;
    exchange_sim_handle(x, &arena, &req, now, &r);
    check_reply(&r, &req, false, &arena);
    /* whatever rules it has set: the next answer to a plain request still keeps its form */
    SimRequest plain = { .method = S("GET"),
                         .target = S("/api/v3/klines?symbol=ETHUSDT&interval=4h&limit=9"),
                         .peer = S("::1") };
    exchange_sim_handle(x, &arena, &plain, now, &r);
    bool cut = exchange_sim_faults(x)->n > 0;
    check_reply(&r, &plain, cut, &arena);
    exchange_sim_free(x);
    arena_done(&arena);
    return 0;
}
