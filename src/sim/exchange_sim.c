/* sim/exchange_sim.c - see exchange_sim.h: set-up, weights and bans, routing, errors, and the admin paths. */

#include "sim/exchange_internal.h"

#include <stdio.h>

enum {
    BODY_MAX = 8 << 20,
    WEIGHT_LIMIT = 6000,
    BAN_AFTER = 10,
    STREAM_MS = 2000,
    BAN_FIRST_MS = 2 * MS_PER_MINUTE,
    SYMBOLS_MAX = 4096,
    WINDOWS_MAX = 4096,
};

/* --- set-up --- */

static SimWindow *windows_dup(const SimWindow *v, size_t n) {
    SimWindow *out = mem_new_n(SimWindow, n + 1);
    if (n)
        memcpy(out, v, n * sizeof *v);
    return out;
}

static int windows_check(Ctx *cx, const SimWindow *v, size_t n, const char *what) {
    if (n > WINDOWS_MAX)
        return err_set(cx, ERR_LIMIT, "%zu %s windows: at most %d", n, what, WINDOWS_MAX);
    for (size_t i = 0; i < n; i++)
        if (v[i].from.ms >= v[i].to.ms || v[i].skew_ms < 0)
            return err_set(cx, ERR_INVALID, "%s window %zu ends before it begins, or its skew is negative", what,
                           i + 1);
    return 0;
}

static int add_generated(Ctx *cx, ExchangeSim *x, Symbol symbol, Time listed) {
    Source *s = &x->sources[x->n_sources];
    *s = (Source){ .gen = x->gen, .days = &x->days };
    if (!gen_symbol_from_name(symbol, &s->listing))
        return err_set(cx, ERR_INVALID,
                       "%s: not a pair the simulator can make up: its name must be capitals and digits and end in a "
                       "quote like USDT, BTC or EUR",
                       symbol.s);
    if (listed.ms != 0)
        s->listing.listed = timeframe_floor((Timeframe){ UNIT_MINUTE, 1 }, listed);
    x->n_sources++;
    return 0;
}

static int add_recorded(Ctx *cx, ExchangeSim *x, const SimRecorded *rec) {
    Source *s = &x->sources[x->n_sources];
    *s = (Source){ .recorded = rec, .days = &x->days };
    if (!query_symbol_legal(symbol_str(&rec->symbol)))
        return err_set(cx, ERR_INVALID, "%s: the venue's symbols are 1 to 20 of A-Z 0-9 - _ .", rec->symbol.s);
    if (!candles_sorted_unique(rec->candles))
        return err_set(cx, ERR_INVALID, "%s: recorded candles are not in order of time", rec->symbol.s);
    if (!gen_symbol_from_name(rec->symbol, &s->listing)) { /* a share, an index: the whole name is the base */
        s->listing = (GenSymbol){ .symbol = rec->symbol, .base = rec->symbol, .min_notional = { 1, 0 } };
        if (!symbol_parse(S("USD"), &s->listing.quote))
            assert(false);
    }
    s->listing.tick = rec->tick.mantissa ? rec->tick : (Decimal){ 1, 8 };
    s->listing.lot = rec->lot.mantissa ? rec->lot : (Decimal){ 1, 8 };
    s->listing.listed = rec->candles->n ? time_ms(rec->candles->open_ms[0]) : TIME_MAX;
    x->n_sources++;
    return 0;
}

static int add_sources(Ctx *cx, ExchangeSim *x, const ExchangeSimOptions *o) {
    int r = 0;
    for (size_t i = 0; i < o->n_recorded && r == 0; i++)
        r = add_recorded(cx, x, &o->recorded[i]);
    for (size_t i = 0; i < o->n_symbols && r == 0; i++)
        r = add_generated(cx, x, o->symbols[i], o->listed);
    for (size_t i = 0; i < ARRAY_LEN(GEN_SYMBOLS) && r == 0 && !o->n_symbols && !o->n_recorded; i++) {
        Symbol symbol;
        if (!symbol_parse(str_c(GEN_SYMBOLS[i]), &symbol))
            assert(false);
        r = add_generated(cx, x, symbol, o->listed);
    }
    for (size_t i = 0; i < x->n_sources && r == 0; i++)
        for (size_t k = 0; k < i; k++)
            if (symbol_eq(x->sources[i].listing.symbol, x->sources[k].listing.symbol))
                return err_set(cx, ERR_INVALID, "%s is given twice", x->sources[i].listing.symbol.s);
    return r;
}

int exchange_sim_new(Ctx *cx, const ExchangeSimOptions *o, ExchangeSim **out) {
    if (o->n_symbols + o->n_recorded > SYMBOLS_MAX)
        return err_set(cx, ERR_LIMIT, "at most %d symbols", SYMBOLS_MAX);
    int r = windows_check(cx, o->outages, o->n_outages, "outage");
    if (r == 0)
        r = windows_check(cx, o->quiet, o->n_quiet, "quiet");
    if (r == 0)
        r = windows_check(cx, o->skewed, o->n_skewed, "skewed");
    if (r != 0)
        return r;

    CLEANUP(exchange_sim_freep) ExchangeSim *x = mem_new(ExchangeSim);
    x->gen = candle_gen_new(o->seed);
    x->zip = zip_new();
    x->sources = mem_new_n(Source, o->n_symbols + o->n_recorded + ARRAY_LEN(GEN_SYMBOLS));
    x->days.outages = windows_dup(o->outages, o->n_outages);
    x->days.quiet = windows_dup(o->quiet, o->n_quiet);
    x->days.skewed = windows_dup(o->skewed, o->n_skewed);
    x->days.n_outages = o->n_outages;
    x->days.n_quiet = o->n_quiet;
    x->days.n_skewed = o->n_skewed;
    for (size_t i = 0; i < o->n_outages; i++)
        x->days.outages[i].symbol = (Symbol){ "" }; /* an outage is the venue's, not a symbol's */
    for (size_t i = 0; i < o->n_skewed; i++)
        x->days.skew_most = MAX(x->days.skew_most, o->skewed[i].skew_ms);
    x->weight_limit = o->weight_limit ? o->weight_limit : WEIGHT_LIMIT;
    x->stream_ms = o->stream_ms ? o->stream_ms : STREAM_MS;
    x->ban_after = o->ban_after ? o->ban_after : BAN_AFTER;
    faults_init(&x->faults, o->seed);
    r = add_sources(cx, x, o);
    if (r == 0)
        *out = TAKE(x);
    return r;
}

ExchangeSim *exchange_sim_free(ExchangeSim *x) {
    if (x) {
        candle_gen_free(x->gen);
        zip_free(x->zip);
        mem_free(x->sources);
        mem_free(x->days.outages);
        mem_free(x->days.quiet);
        mem_free(x->days.skewed);
    }
    return mem_free(x);
}

Faults *exchange_sim_faults(ExchangeSim *x) {
    return &x->faults;
}

void exchange_sim_stats(const ExchangeSim *x, ExchangeSimStats *out) {
    *out = x->stats;
}

const Source *exchange_find(const ExchangeSim *x, Str symbol, Time now) {
    for (size_t i = 0; i < x->n_sources; i++)
        if (str_eq(symbol_str(&x->sources[i].listing.symbol), symbol))
            return source_listed(&x->sources[i], now) ? &x->sources[i] : NULL;
    return NULL;
}

const Source *call_symbol(Call *c, Str text) {
    const Source *s = NULL;
    if (c->q.error)
        return NULL;
    if (!query_symbol_legal(text))
        query_fail(&c->q, -1100,
                   "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.");
    else if (!(s = exchange_find(c->x, text, c->now)))
        query_fail(&c->q, -1121, "Invalid symbol.");
    return s;
}

int64_t call_time(const Call *c, int64_t ms) {
    return c->micros ? ms * 1000 : ms;
}

/* --- answers --- */

void sim_reply_header(SimReply *r, Str name, Str value) {
    assert(r->n_headers < SIM_HEADERS_MAX);
    r->headers[r->n_headers++] = (HttpHeader){ name, value };
}

void sim_reply_begin(SimReply *r, int status, Str type) {
    *r = (SimReply){ .status = status };
    sim_reply_header(r, S("Content-Type"), type);
    sim_reply_header(r, S("X-FinSight-Simulated"), S("1"));
    sim_reply_header(r, S("Cache-Control"), S("no-cache, no-store, must-revalidate"));
}

void sim_reply_json(SimReply *r, int status, Str body) {
    sim_reply_begin(r, status, S("application/json;charset=UTF-8"));
    r->body = body;
}

void sim_reply_error(SimReply *r, Arena *arena, int status, int code, Str msg) {
    Buf b;
    buf_init(&b, 4096);
    buf_printf(&b, "{\"code\":%d,\"msg\":", code);
    json_quote(&b, msg);
    buf_put_c(&b, '}');
    char *copy = arena_alloc(arena, b.n);
    memcpy(copy, b.p, b.n);
    sim_reply_json(r, status, str_n(copy, b.n));
    buf_done(&b);
}

void sim_reply_html(SimReply *r, int status, Str body) {
    sim_reply_begin(r, status, S("text/html"));
    r->body = body;
}

/* --- weights and bans --- */

Peer *sim_peer_get(ExchangeSim *x, Str name) {
    Peer *oldest = &x->peers[0];
    Str key = str_first(name, sizeof oldest->name - 1);
    for (size_t i = 0; i < PEERS_MAX; i++) {
        Peer *p = &x->peers[i];
        if (str_eq(str_c(p->name), key))
            return p;
        if (p->minute < oldest->minute && p->banned_until.ms <= oldest->banned_until.ms)
            oldest = p;
    }
    *oldest = (Peer){ .minute = INT64_MIN };
    memcpy(oldest->name, key.p ? key.p : "", key.n);
    return oldest;
}

static int64_t seconds_until(Time now, Time t) {
    return MAX((t.ms - now.ms + MS_PER_SECOND - 1) / MS_PER_SECOND, 1);
}

static void reply_limited(SimReply *r, Arena *arena, int status, Time now, Time until, Str msg) {
    sim_reply_error(r, arena, status, -1003, msg);
    sim_reply_header(r, S("Retry-After"), str_fmt(arena, "%lld", (long long)seconds_until(now, until)));
}

static void reply_banned(SimReply *r, Arena *arena, Time now, Time until) {
    reply_limited(r, arena, 418, now, until,
                  str_fmt(arena,
                          "Way too much request weight used; IP banned until %lld. Please use WebSocket Streams for "
                          "live updates to avoid bans.",
                          (long long)until.ms));
}

/* Charges the request. false: over the limit or banned, and *r says so. */
static bool peer_charge(ExchangeSim *x, Arena *arena, Peer *p, int64_t weight, Time now, SimReply *r) {
    int64_t minute = floor_div(now.ms, MS_PER_MINUTE);
    if (p->minute != minute) {
        p->minute = minute;
        p->used = p->over = 0;
    }
    if (now.ms < p->banned_until.ms) {
        x->stats.banned++;
        reply_banned(r, arena, now, p->banned_until);
        return false;
    }
    p->used += weight;
    if (p->used <= x->weight_limit)
        return true;

    if (++p->over > x->ban_after) { /* each ban is twice as long as the last, up to three days */
        p->ban_ms = p->ban_ms ? MIN(p->ban_ms * 2, 3 * (int64_t)MS_PER_DAY) : BAN_FIRST_MS;
        p->banned_until = time_add_ms(now, p->ban_ms);
        x->stats.banned++;
        reply_banned(r, arena, now, p->banned_until);
        return false;
    }
    x->stats.limited++;
    reply_limited(r, arena, 429, now, time_ms((minute + 1) * MS_PER_MINUTE),
                  str_fmt(arena,
                          "Too much request weight used; current limit is %lld request weight per 1 MINUTE. Please use "
                          "WebSocket Streams for live updates to avoid polling the API.",
                          (long long)x->weight_limit));
    return false;
}

/* --- endpoints --- */

static void call_ping(Call *c) {
    if (query_finish(&c->q))
        BUF_LIT(&c->out, "{}");
}

static void call_server_time(Call *c) {
    if (query_finish(&c->q))
        buf_printf(&c->out, "{\"serverTime\":%lld}", (long long)call_time(c, c->now.ms));
}

typedef struct Endpoint {
    const char *path;
    void (*run)(Call *c);
    int64_t weight;      /* of one symbol */
    int64_t weight_many; /* of all; 0 = the same */
    bool by_count;       /* a list of symbols weighs by its length */
    bool own_faults;     /* asks for its fault itself, once it knows what would show */
} Endpoint;

/* clang-format off */
static const Endpoint endpoints[] = {
    { "/api/v3/ping",              call_ping,          1,  0,  false, false },
    { "/api/v3/time",              call_server_time,   1,  0,  false, false },
    { "/api/v3/exchangeInfo",      call_exchange_info, 20, 0,  false, false },
    { "/api/v3/klines",            call_klines,        2,  0,  false, true },
    { "/api/v3/uiKlines",          call_klines,        2,  0,  false, true },
    { "/api/v3/ticker/price",      call_ticker_price,  2,  4,  false, false },
    { "/api/v3/ticker/bookTicker", call_book_ticker,   2,  4,  false, false },
    { "/api/v3/ticker/24hr",       call_ticker_24hr,   2,  80, true,  false },
};
/* clang-format on */

static const Endpoint *endpoint_find(Str path) {
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
        if (str_eq(path, str_c(endpoints[i].path)))
            return &endpoints[i];
    return NULL;
}

Str sim_request_header(const SimRequest *req, Str name) {
    for (size_t i = 0; i < req->n_headers; i++)
        if (str_eq_nocase(req->headers[i].name, name))
            return req->headers[i].value;
    return (Str){ NULL, 0 };
}

/* X-MBX-TIME-UNIT: microseconds on request. */
static void call_time_unit(Call *c, const SimRequest *req) {
    Str unit = sim_request_header(req, S("X-MBX-TIME-UNIT"));
    c->micros = str_eq_nocase(unit, S("MICROSECOND"));
    if (unit.n && !c->micros && !str_eq_nocase(unit, S("MILLISECOND")))
        query_fail(&c->q, -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.");
}

/* What the venue says instead of its answer. false: the fault is none of these. */
static bool reply_instead(SimReply *r, Arena *arena, FaultHit f, Time now) {
    switch (f.kind) {
    case FAULT_429:
        reply_limited(r, arena, 429, now, time_add_ms(now, f.n * MS_PER_SECOND), S("Too many requests queued."));
        return true;
    case FAULT_418:
        reply_banned(r, arena, now, time_add_ms(now, f.n * MS_PER_SECOND));
        return true;
    case FAULT_403:
        sim_reply_html(r, 403,
                       S("<html><head><title>403 Forbidden</title></head><body>"
                         "<center><h1>403 Forbidden</h1></center></body></html>"));
        return true;
    case FAULT_500:
        sim_reply_error(r, arena, 500, -1000, S("An unknown error occurred while processing the request."));
        return true;
    case FAULT_503:
        sim_reply_error(r, arena, 503, -1008,
                        S("Server is currently overloaded with other requests. Please try again in a few minutes."));
        return true;
    case FAULT_NOT_JSON:
        sim_reply_html(r, 200, S("<!doctype html><title>Maintenance</title><p>We will be back soon."));
        return true;
    default:
        return false;
    }
}

void sim_reply_spoil(SimReply *r, FaultHit f) {
    r->wire_n = f.n;
    switch (f.kind) {
    case FAULT_TRUNCATED:
        r->body.n = r->body.n * 3 / 5;
        break;
    case FAULT_CHUNKED:
        r->wire = SIM_CHUNKED;
        break;
    case FAULT_TRICKLE:
        r->wire = SIM_TRICKLE;
        r->wire_n = MAX(f.n, 1);
        break;
    case FAULT_RESET:
        r->wire = SIM_RESET;
        break;
    case FAULT_STALL:
        r->wire = SIM_STALL;
        break;
    default:
        break;
    }
}

static void reply_call(Call *c, Arena *arena, const Endpoint *e, SimReply *r) {
    Buf *body = &c->out;
    buf_init(body, BODY_MAX);
    if (!c->q.error)
        e->run(c);
    if (!e->own_faults)
        c->fault = faults_next(&c->x->faults, FAULTS_ALWAYS_FIT, c->path, c->symbol);
    if (reply_instead(r, arena, c->fault, c->now)) {
        c->x->stats.faults++;
    } else if (c->q.error) {
        c->x->stats.errors++;
        sim_reply_error(r, arena, c->q.status, c->q.error, str_c(c->q.msg));
    } else {
        char *copy = arena_alloc(arena, body->n);
        memcpy(copy, body->p, body->n);
        sim_reply_json(r, 200, str_n(copy, body->n));
        c->x->stats.faults += c->fault.kind != FAULT_NONE;
        sim_reply_spoil(r, c->fault);
    }
    buf_done(body);
}

static void handle_api(ExchangeSim *x, Arena *arena, const SimRequest *req, Str path, Str query, Time now,
                       SimReply *r) {
    const Endpoint *e = endpoint_find(path);
    if (!e) {
        sim_reply_html(r, 404,
                       S("<html><head><title>404 Not Found</title></head><body>"
                         "<center><h1>404 Not Found</h1></center></body></html>"));
        return;
    }
    if (!str_eq(req->method, S("GET"))) {
        sim_reply_error(r, arena, 405, -1020, S("This operation is not supported."));
        sim_reply_header(r, S("Allow"), S("GET"));
        return;
    }
    Call c = { .x = x, .now = now, .path = path };
    query_parse(&c.q, query, arena);
    for (size_t i = 0; i < c.q.n; i++)
        if (str_eq(c.q.v[i].name, S("symbol")))
            c.symbol = c.q.v[i].value;
    int64_t weight = e->weight_many ? weight_ticker(&c.q, e->weight, e->weight_many, e->by_count) : e->weight;
    Peer *peer = sim_peer_get(x, req->peer);
    if (peer_charge(x, arena, peer, weight, now, r)) {
        call_time_unit(&c, req);
        reply_call(&c, arena, e, r);
    }
    Str used = str_fmt(arena, "%lld", (long long)peer->used);
    sim_reply_header(r, S("x-mbx-used-weight"), used);
    sim_reply_header(r, S("x-mbx-used-weight-1m"), used);
}

/* --- encoding --- */

/* "gzip, deflate", "br;q=1.0, gzip;q=0.5"; not "gzip;q=0". */
static bool accepts_gzip(Str accept) {
    Str one;
    while (accept.p && str_next(&accept, ',', &one)) {
        Str params = one, coding, weight;
        str_next(&params, ';', &coding);
        coding = str_trim(coding);
        if (!str_eq_nocase(coding, S("gzip")) && !str_eq(coding, S("*")))
            continue;
        bool none = params.p && str_next(&params, '=', &weight) && str_eq_nocase(str_trim(weight), S("q"));
        for (size_t i = 0; none && i < params.n; i++)
            none = params.p[i] == '0' || params.p[i] == '.' || params.p[i] == ' ';
        if (!none)
            return true;
    }
    return false;
}

static void reply_encode(ExchangeSim *x, const SimRequest *req, Arena *arena, SimReply *r) {
    enum { WORTH_IT = 256 }; /* below a packet nothing is gained */
    bool asked = accepts_gzip(sim_request_header(req, S("Accept-Encoding")));
    if (r->wire != SIM_CHUNKED && (!asked || r->body.n < WORTH_IT))
        return;
    Buf b;
    buf_init(&b, BODY_MAX);
    if (zip_compress(x->zip, ZIP_GZIP, 1, r->body, &b) == 0) {
        char *copy = arena_alloc(arena, b.n);
        memcpy(copy, b.p, b.n);
        r->body = str_n(copy, b.n);
        sim_reply_header(r, S("Content-Encoding"), S("gzip"));
        sim_reply_header(r, S("Vary"), S("Accept-Encoding"));
    }
    buf_done(&b);
}

/* --- the simulator's own paths --- */

static void write_stats(ExchangeSim *x, JsonWriter *w) {
    const ExchangeSimStats *s = &x->stats;
    json_object(w);
    json_put_i64(w, "requests", s->requests);
    json_put_i64(w, "klines", s->klines);
    json_put_i64(w, "rows", s->rows);
    json_put_i64(w, "errors", s->errors);
    json_put_i64(w, "limited", s->limited);
    json_put_i64(w, "banned", s->banned);
    json_put_i64(w, "faults", s->faults);
    json_object_end(w);
}

/* fault= in the query, then one rule a line in the body. All are added, or the first bad one is named. */
static int add_faults(ExchangeSim *x, Ctx *cx, Str query, Str body) {
    Faults before = x->faults;
    Query q;
    query_parse(&q, query, cx->arena);
    int r = q.error ? err_set(cx, ERR_INVALID, "%s", q.msg) : 0;
    Str rule = query_take(&q, "fault"), line;
    if (r == 0 && rule.p)
        r = faults_add(&x->faults, cx, rule);
    while (r == 0 && str_next(&body, '\n', &line))
        if (str_trim(line).n)
            r = faults_add(&x->faults, cx, line);
    if (r != 0)
        x->faults = before;
    return r;
}

static void handle_admin(ExchangeSim *x, Arena *arena, const SimRequest *req, Str path, Str query, SimReply *r) {
    Ctx cx;
    ctx_init(&cx, arena, NULL);
    Str method = req->method;
    bool faults = str_eq(path, S("/sim/faults"));
    int e = 0;
    if (!faults && !(str_eq(path, S("/sim/stats")) && str_eq(method, S("GET"))))
        e = err_set(&cx, ERR_NOT_FOUND, "there are GET, POST and DELETE /sim/faults and GET /sim/stats");
    else if (faults && str_eq(method, S("POST")))
        e = add_faults(x, &cx, query, req->body);
    else if (faults && str_eq(method, S("DELETE")))
        faults_clear(&x->faults);
    else if (faults && !str_eq(method, S("GET")))
        e = err_set(&cx, ERR_METHOD, "GET, POST or DELETE /sim/faults");
    if (e != 0) {
        sim_reply_error(r, arena, err_info(e)->http_status, e, str_c(cx.err.text));
        return;
    }
    Buf b;
    JsonWriter w;
    buf_init(&b, BODY_MAX);
    json_writer_init(&w, &b, false);
    if (faults)
        faults_write(&x->faults, &w);
    else
        write_stats(x, &w);
    char *copy = arena_alloc(arena, b.n);
    memcpy(copy, b.p, b.n);
    sim_reply_json(r, 200, str_n(copy, b.n));
    buf_done(&b);
}

void exchange_sim_handle(ExchangeSim *x, Arena *arena, const SimRequest *req, Time now, SimReply *out) {
    Str query = req->target, path;
    if (!str_next(&query, '?', &path))
        path = S("/");
    if (str_starts(path, S("/sim/"))) {
        handle_admin(x, arena, req, path, query, out);
    } else {
        x->stats.requests++;
        if (!sim_face_handle(x, arena, req, path, query, now, out))
            handle_api(x, arena, req, path, query, now, out);
    }
    reply_encode(x, req, arena, out);
}
