/* sim/exchange_coinbase.c - Coinbase Exchange over the simulator's candles: /products, candles, ticker, /time.
 *
 * Newest first, numbers, nothing where nobody traded, at most 300 candles between start and end. Facts: the venue's
 * REST documents of 2026; refusals have its words. */

#include "sim/exchange_internal.h"

#include "base/num.h"

#include <math.h>

enum { POINTS_MAX = 300 };

static const struct {
    int64_t seconds;
    Timeframe tf;
} granularities[] = {
    { 60, { UNIT_MINUTE, 1 } }, { 300, { UNIT_MINUTE, 5 } }, { 900, { UNIT_MINUTE, 15 } },
    { 3600, { UNIT_HOUR, 1 } }, { 21600, { UNIT_HOUR, 6 } }, { 86400, { UNIT_DAY, 1 } },
};

static const Source *find_product(FaceCall *c, Str id) {
    Str rest = id, base;
    const Source *s = NULL;
    c->symbol = id;
    if (str_next(&rest, '-', &base))
        s = face_find_pair(c->x, base, rest, c->now);
    if (!s)
        face_fail(c, 404, "NotFound");
    return s;
}

static bool take_time(FaceCall *c, const char *name, Time *out) {
    Str text = query_take(&c->q, name);
    return text.p && time_parse_any(text, out);
}

typedef struct CandleQuery {
    Timeframe tf;
    Time start, end;
} CandleQuery;

static bool decode_candles(FaceCall *c, CandleQuery *q) {
    int64_t seconds = query_take_i64(&c->q, "granularity", 60);
    bool known = false, start = take_time(c, "start", &q->start), end = take_time(c, "end", &q->end);
    for (size_t i = 0; i < ARRAY_LEN(granularities); i++)
        if (granularities[i].seconds == seconds) {
            q->tf = granularities[i].tf;
            known = true;
        }
    if (!known || c->q.error) {
        face_fail(c, 400, "Unsupported granularity");
        return false;
    }
    if (!start || !end) { /* one alone counts for nothing */
        q->end = c->now;
        q->start = time_ms(timeframe_floor(q->tf, c->now).ms - (POINTS_MAX - 1) * seconds * 1000);
    }
    if ((q->end.ms - q->start.ms) / (seconds * 1000) > POINTS_MAX) {
        face_fail(c, 400,
                  "granularity too small for the requested time range. Count of aggregations requested exceeds %d",
                  POINTS_MAX);
        return false;
    }
    return true;
}

static void write_candle(Buf *b, const Kline *k) {
    buf_printf(b, "[%lld", (long long)floor_div(k->open_ms, 1000));
    const double v[] = { k->c.low, k->c.high, k->c.open, k->c.close, k->c.volume };
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        buf_put_c(b, ',');
        put_shortest(b, v[i]);
    }
    buf_put_c(b, ']');
}

static void run_candles(FaceCall *c, const Source *s) {
    CandleQuery q;
    if (!decode_candles(c, &q)) {
        face_fault(c, 0);
        return;
    }
    Kline *v = arena_alloc(c->arena, (POINTS_MAX + 4) * sizeof *v);
    size_t n = 0;
    KlineGrid grid = { q.tf, 0 };
    Time at = q.start, end = time_ms(MIN(q.end.ms, c->now.ms));
    while (n < POINTS_MAX + 2 && at.ms <= end.ms && source_next(s, grid, at, c->now, &v[n]) && v[n].open_ms <= end.ms) {
        at = time_ms(v[n].open_ms + 1);
        n += v[n].c.volume > 0 || s->recorded != NULL; /* nobody traded: no candle */
    }
    bool mid = n > 0 && v[n - 1].close_ms < c->now.ms;
    unsigned fits = mid ? 1u << FAULT_EMPTY_PAGE : 0;
    face_fault(c, fits | (n > 3 ? 1u << FAULT_UNSORTED | 1u << FAULT_DUPLICATE_ROW : 0));
    if (c->fault.kind == FAULT_DUPLICATE_ROW) { /* "some candles may precede start", and one comes twice */
        Kline before;
        memmove(v + 1, v, n * sizeof *v);
        v[0] = source_prev(s, grid, time_ms(v[1].open_ms - 1), c->now, &before) ? before : v[1];
        n++;
    } else {
        n = face_spoil_rows(c, v, n);
    }
    buf_put_c(&c->out, '[');
    for (size_t i = n; i-- > 0;) {
        write_candle(&c->out, &v[i]);
        if (i > 0)
            buf_put_c(&c->out, ',');
    }
    buf_put_c(&c->out, ']');
    c->x->stats.klines++;
    c->x->stats.rows += (int64_t)n;
}

static void put_decimal_size(JsonWriter *w, const char *key, Decimal d) {
    char text[NUM_TEXT_MAX];
    json_key(w, str_c(key));
    json_str(w, str_n(text, decimal_format(d, text)));
}

static void write_product(JsonWriter *w, Arena *a, const GenSymbol *g) {
    json_object(w);
    json_put_str(w, "id", str_fmt(a, "%s-%s", g->base.s, g->quote.s));
    json_put_str(w, "base_currency", symbol_str(&g->base));
    json_put_str(w, "quote_currency", symbol_str(&g->quote));
    put_decimal_size(w, "quote_increment", g->tick);
    put_decimal_size(w, "base_increment", g->lot);
    json_put_str(w, "display_name", str_fmt(a, "%s/%s", g->base.s, g->quote.s));
    put_decimal_size(w, "min_market_funds", g->min_notional);
    json_put_bool(w, "margin_enabled", false);
    json_put_bool(w, "post_only", false);
    json_put_bool(w, "limit_only", false);
    json_put_bool(w, "cancel_only", false);
    json_put_str(w, "status", S("online"));
    json_put_str(w, "status_message", S(""));
    json_put_bool(w, "trading_disabled", false);
    json_put_bool(w, "fx_stablecoin", false);
    json_put_bool(w, "auction_mode", false);
    json_object_end(w);
}

static void run_products(FaceCall *c) {
    JsonWriter w;
    json_writer_init(&w, &c->out, false);
    json_array(&w);
    for (size_t i = 0; i < c->x->n_sources; i++)
        if (source_listed(&c->x->sources[i], c->now))
            write_product(&w, c->arena, &c->x->sources[i].listing);
    json_array_end(&w);
}

static void run_ticker(FaceCall *c, const Source *s) {
    double price = 0, tick = decimal_to_f64(s->listing.tick);
    Kline day = { 0 };
    source_price(s, c->now, &price);
    source_span(s, time_add_ms(c->now, -MS_PER_DAY), time_add_ms(c->now, 1), &day);
    buf_printf(&c->out, "{\"trade_id\":%lld,\"price\":\"", (long long)(c->now.ms / 100));
    put_shortest(&c->out, price);
    BUF_LIT(&c->out, "\",\"size\":\"0.01\",\"bid\":\"");
    put_shortest(&c->out, round((price - tick) / tick) * tick);
    BUF_LIT(&c->out, "\",\"ask\":\"");
    put_shortest(&c->out, price);
    BUF_LIT(&c->out, "\",\"volume\":\"");
    put_shortest(&c->out, day.c.volume);
    char iso[TIME_TEXT_MAX];
    buf_printf(&c->out, "\",\"time\":\"%.*s\"}", (int)time_format_iso(c->now, iso), iso);
}

/* "/products/BTC-USD/candles" -> the id and what stands behind it. */
static void run_product(FaceCall *c, Str rest) {
    Str id;
    str_next(&rest, '/', &id);
    const Source *s = find_product(c, id);
    if (s && str_eq(rest, S("candles"))) {
        run_candles(c, s);
        return;
    }
    if (s && str_eq(rest, S("ticker")))
        run_ticker(c, s);
    else if (s && rest.n == 0) {
        JsonWriter w;
        json_writer_init(&w, &c->out, false);
        write_product(&w, c->arena, &s->listing);
    } else if (s) {
        face_fail(c, 404, "NotFound");
    }
    face_fault(c, 0);
}

static void run(FaceCall *c) {
    static const Str products = STR_INIT("/products/");
    if (!sim_request_header(c->req, S("User-Agent")).n) {
        face_fail(c, 400, "User-Agent header is required.");
    } else if (!str_eq(c->req->method, S("GET"))) {
        face_fail(c, 405, "MethodNotAllowed");
    } else if (str_starts(c->path, products)) {
        run_product(c, str_from(c->path, products.n));
        return;
    } else if (str_eq(c->path, S("/products"))) {
        run_products(c);
    } else if (str_eq(c->path, S("/currencies"))) {
        BUF_LIT(&c->out, "[]");
    } else if (str_eq(c->path, S("/time"))) {
        char iso[TIME_TEXT_MAX];
        buf_printf(&c->out, "{\"iso\":\"%.*s\",\"epoch\":%lld.%03d}", (int)time_format_iso(c->now, iso), iso,
                   (long long)floor_div(c->now.ms, 1000), (int)floor_mod(c->now.ms, 1000));
    } else {
        face_fail(c, 404, "NotFound");
    }
    face_fault(c, 0);
}

static void limited(FaceCall *c, SimReply *r) {
    UNUSED(c);
    sim_reply_json(r, 429, S("{\"message\":\"Public rate limit exceeded\"}"));
}

static void broken(FaceCall *c, SimReply *r, FaultKind kind) {
    UNUSED(c);
    sim_reply_json(r, kind == FAULT_503 ? 503 : 500, S("{\"message\":\"Internal server error\"}"));
}

const SimFace sim_face_coinbase = { { "/products", "/time", "/currencies" }, 100, 15, run, limited, broken };
