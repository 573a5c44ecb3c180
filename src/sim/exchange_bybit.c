/* sim/exchange_bybit.c - Bybit's spot market over the simulator's candles: kline, instruments-info, time.
 *
 * Newest first, numbers as text, at most 1,000 rows: the newest ones of the range. Errors come with status 200 and a
 * retCode. Facts: the venue's V5 documents of 2026. */

#include "sim/exchange_internal.h"

enum { LIMIT_MOST = 1000, LIMIT_STANDARD = 200 };

static void begin(FaceCall *c, int64_t code, const char *words) {
    c->out.n = 0;
    buf_printf(&c->out, "{\"retCode\":%lld,\"retMsg\":\"%s\",\"result\":{", (long long)code, words);
}

static void end(FaceCall *c) {
    buf_printf(&c->out, "},\"retExtInfo\":{},\"time\":%lld}", (long long)c->now.ms);
}

static void fail(FaceCall *c, int64_t code, const char *words) {
    begin(c, code, words);
    end(c);
    c->x->stats.errors++;
}

static bool interval_of(Str name, Timeframe *out) {
    static const struct {
        Str name;
        Timeframe tf;
    } all[] = {
        { STR_INIT("1"), { UNIT_MINUTE, 1 } },   { STR_INIT("3"), { UNIT_MINUTE, 3 } },
        { STR_INIT("5"), { UNIT_MINUTE, 5 } },   { STR_INIT("15"), { UNIT_MINUTE, 15 } },
        { STR_INIT("30"), { UNIT_MINUTE, 30 } }, { STR_INIT("60"), { UNIT_HOUR, 1 } },
        { STR_INIT("120"), { UNIT_HOUR, 2 } },   { STR_INIT("240"), { UNIT_HOUR, 4 } },
        { STR_INIT("360"), { UNIT_HOUR, 6 } },   { STR_INIT("720"), { UNIT_HOUR, 12 } },
        { STR_INIT("D"), { UNIT_DAY, 1 } },      { STR_INIT("W"), { UNIT_WEEK, 1 } },
        { STR_INIT("M"), { UNIT_MONTH, 1 } },
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_eq(all[i].name, name)) {
            *out = all[i].tf;
            return true;
        }
    return false;
}

static void put_text(Buf *b, double v) {
    BUF_LIT(b, ",\"");
    put_shortest(b, v);
    buf_put_c(b, '"');
}

static void run_kline(FaceCall *c) {
    Timeframe tf = { UNIT_MINUTE, 1 };
    Str symbol = query_take(&c->q, "symbol"), interval = query_take(&c->q, "interval");
    int64_t start = query_take_i64(&c->q, "start", INT64_MIN), stop = query_take_i64(&c->q, "end", c->now.ms);
    int64_t limit = MIN(query_take_i64(&c->q, "limit", LIMIT_STANDARD), LIMIT_MOST);
    c->symbol = symbol;
    const Source *s = exchange_find(c->x, symbol, c->now);
    if (!s || !interval_of(interval, &tf) || c->q.error || limit < 1) {
        fail(c, 10001, s ? "params error: Invalid period!" : "params error: Symbol Invalid");
        face_fault(c, 1u << FAULT_BUSY);
        return;
    }
    Kline *v = arena_alloc(c->arena, (LIMIT_MOST + 1) * sizeof *v);
    size_t n = 0;
    Time at = time_ms(stop);
    for (; n < (size_t)limit && source_prev(s, (KlineGrid){ tf, 0 }, at, c->now, &v[n]) && v[n].open_ms >= start; n++)
        at = time_ms(v[n].open_ms - 1);
    bool mid = n > 0 && v[0].close_ms < c->now.ms;
    face_fault(c, 1u << FAULT_BUSY | (mid ? 1u << FAULT_EMPTY_PAGE : 0) |
                      (n > 3 ? 1u << FAULT_UNSORTED | 1u << FAULT_DUPLICATE_ROW : 0));
    if (c->fault.kind == FAULT_DUPLICATE_ROW) /* one comes twice; none is missing */
        v[n] = v[n - 1], n++;
    else
        n = face_spoil_rows(c, v, n);
    begin(c, 0, "OK");
    BUF_LIT(&c->out, "\"category\":\"spot\",\"symbol\":");
    json_quote(&c->out, symbol);
    BUF_LIT(&c->out, ",\"list\":[");
    for (size_t i = 0; i < n; i++) {
        buf_printf(&c->out, "%s[\"%lld\"", i ? "," : "", (long long)v[i].open_ms);
        put_text(&c->out, v[i].c.open);
        put_text(&c->out, v[i].c.high);
        put_text(&c->out, v[i].c.low);
        put_text(&c->out, v[i].c.close);
        put_text(&c->out, v[i].c.volume);
        put_text(&c->out, kline_quote_volume(&v[i]));
        buf_put_c(&c->out, ']');
    }
    buf_put_c(&c->out, ']');
    end(c);
    c->x->stats.klines++;
    c->x->stats.rows += (int64_t)n;
}

static void put_size(JsonWriter *w, const char *key, Decimal d) {
    char text[40];
    json_key(w, str_c(key));
    json_str(w, str_n(text, decimal_format(d, text)));
}

static void run_instruments(FaceCall *c) {
    JsonWriter w;
    begin(c, 0, "OK");
    BUF_LIT(&c->out, "\"category\":\"spot\",\"list\":");
    json_writer_init(&w, &c->out, false);
    json_array(&w);
    for (size_t i = 0; i < c->x->n_sources; i++) {
        const GenSymbol *g = &c->x->sources[i].listing;
        if (!source_listed(&c->x->sources[i], c->now))
            continue;
        json_object(&w);
        json_put_str(&w, "symbol", symbol_str(&g->symbol));
        json_put_str(&w, "baseCoin", symbol_str(&g->base));
        json_put_str(&w, "quoteCoin", symbol_str(&g->quote));
        json_put_str(&w, "status", S("Trading"));
        json_key(&w, S("lotSizeFilter"));
        json_object(&w);
        put_size(&w, "basePrecision", g->lot);
        put_size(&w, "minOrderAmt", g->min_notional);
        json_object_end(&w);
        json_key(&w, S("priceFilter"));
        json_object(&w);
        put_size(&w, "tickSize", g->tick);
        json_object_end(&w);
        json_object_end(&w);
    }
    json_array_end(&w);
    end(c);
}

static void run_time(FaceCall *c) {
    begin(c, 0, "OK");
    buf_printf(&c->out, "\"timeSecond\":\"%lld\",\"timeNano\":\"%lld\"", (long long)floor_div(c->now.ms, 1000),
               (long long)c->now.ms * 1000000);
    end(c);
}

static void run(FaceCall *c) {
    if (str_eq(c->path, S("/v5/market/kline"))) {
        run_kline(c);
        return;
    }
    if (str_eq(c->path, S("/v5/market/instruments-info")))
        run_instruments(c);
    else if (str_eq(c->path, S("/v5/market/time")))
        run_time(c);
    else
        face_fail(c, 404, "Not Found");
    face_fault(c, 0);
}

static void limited(FaceCall *c, SimReply *r) {
    UNUSED(c);
    sim_reply_json(r, 403, S("{\"retCode\":403,\"retMsg\":\"access too frequent\"}"));
}

static void broken(FaceCall *c, SimReply *r, FaultKind kind) {
    fail(c, 10016, "Internal server error");
    sim_reply_json(r, kind == FAULT_BUSY ? 200 : kind == FAULT_503 ? 503 : 500, str_dup(c->arena, buf_str(&c->out)));
}

const SimFace sim_face_bybit = { { "/v5/" }, 10, 100, run, limited, broken };
