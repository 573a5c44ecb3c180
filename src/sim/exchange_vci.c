/* sim/exchange_vci.c - Vietcap's chart data over the simulator's candles: gap-chart and the list of symbols.
 *
 * Recorded symbols are served as they are. Shares that nobody recorded are made up by the generator, in the sessions
 * of the Ho Chi Minh exchange: 09:00 to 11:30 and 13:00 to 14:45, Monday to Friday, UTC+7; holidays are not known
 * here. Days bear midnight UTC. Prices in VND. */

#include "sim/exchange_internal.h"

#include <math.h>

enum { COUNT_MAX = 5000, OFFSET_MS = 7 * 3600 * 1000 };

static const char *const shares[] = { "VNM", "FPT", "VIC", "HPG", "SSI", "VCB", "MWG", "VNINDEX" };

static GenSymbol share(Symbol symbol, size_t nr) {
    return (GenSymbol){ .symbol = symbol,
                        .base = symbol,
                        .quote = { "VND" },
                        .tick = { 1, 0 },
                        .lot = { 100, 0 },
                        .min_notional = { 1, 0 },
                        .price = 30000 + 12000 * (double)nr,
                        .daily_vol = 0.02,
                        .market = 0.5,
                        .daily_quote = 2e11,
                        .trade_quote = 2e7,
                        .listed = time_ms(INT64_C(1388541600000)), /* 2014-01-01 09:00 there */
                        .key = UINT64_C(0x56434900) + nr };
}

typedef struct Chart { /* where candles come from */
    FaceCall *c;
    const Source *recorded;
    GenSymbol made;
    Timeframe tf;
} Chart;

static bool find_chart(FaceCall *c, Str name, Chart *out) {
    Symbol symbol;
    *out = (Chart){ .c = c };
    for (size_t i = 0; i < c->x->n_sources; i++)
        if (str_eq(symbol_str(&c->x->sources[i].listing.symbol), name) && c->x->sources[i].recorded) {
            out->recorded = &c->x->sources[i];
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(shares); i++)
        if (str_eq(name, str_c(shares[i])) && symbol_parse(name, &symbol)) {
            out->made = share(symbol, i);
            return true;
        }
    return false;
}

/* --- made-up shares --- */

typedef struct Session {
    int from, to; /* minutes of the local day */
} Session;
static const Session sessions[] = { { 9 * 60, 11 * 60 + 30 }, { 13 * 60, 14 * 60 + 45 } };

/* Places of a day's candles: minutes from local midnight, newest first. */
static size_t day_places(Timeframe tf, int *out) {
    size_t n = 0;
    if (tf.unit == UNIT_DAY) {
        out[n++] = 0;
        return n;
    }
    int step = tf.unit == UNIT_HOUR ? 60 : 1;
    for (int m = 24 * 60 - step; m >= 0; m -= step)
        for (size_t s = 0; s < ARRAY_LEN(sessions); s++)
            if (m < sessions[s].to && m + step > sessions[s].from) {
                out[n++] = m;
                break;
            }
    return n;
}

/* What was traded in sessions during [from, to) minutes of the local day. */
static bool day_span(const Chart *ch, int64_t day, int from, int to, GenCandle *out) {
    bool some = false;
    Time midnight = time_ms(day * MS_PER_DAY - OFFSET_MS);
    for (size_t s = 0; s < ARRAY_LEN(sessions); s++) {
        Time a = time_add_ms(midnight, (int64_t)MAX(from, sessions[s].from) * MS_PER_MINUTE);
        Time b = time_add_ms(midnight, (int64_t)MIN(to, sessions[s].to) * MS_PER_MINUTE);
        GenCandle piece;
        b = time_ms(MIN(b.ms, ch->c->now.ms + 1));
        if (a.ms >= b.ms || !candle_gen_span(ch->c->x->gen, &ch->made, a, b, &piece))
            continue;
        if (!some) {
            *out = piece;
        } else {
            out->high = MAX(out->high, piece.high);
            out->low = MIN(out->low, piece.low);
            out->close = piece.close;
            out->volume += piece.volume;
        }
        some = true;
    }
    return some;
}

static size_t made_rows(const Chart *ch, Time to, size_t most, Kline *v) {
    static const int64_t day_most = 20000;
    int places[256];
    size_t n_places = day_places(ch->tf, places), n = 0;
    int64_t today = floor_div(MIN(to.ms, ch->c->now.ms + 1) + OFFSET_MS, MS_PER_DAY);
    int step = ch->tf.unit == UNIT_DAY ? 24 * 60 : ch->tf.unit == UNIT_HOUR ? 60 : 1;
    for (int64_t day = today; day > today - day_most && n < most; day--) {
        if (weekday_of_days(day) >= 5 || day * MS_PER_DAY < ch->made.listed.ms - MS_PER_DAY)
            continue;
        for (size_t i = 0; i < n_places && n < most; i++) {
            GenCandle g;
            Time open =
                time_ms(day * MS_PER_DAY + (ch->tf.unit == UNIT_DAY ? 0 : places[i] * INT64_C(60000) - OFFSET_MS));
            if (open.ms >= to.ms || !day_span(ch, day, places[i], places[i] + step, &g))
                continue;
            v[n] = (Kline){ .open_ms = open.ms };
            gen_candle_values(&ch->made, &g, &v[n].c);
            n++;
        }
    }
    return n;
}

/* --- recorded --- */

static size_t recorded_rows(const Chart *ch, Time to, size_t most, Kline *v) {
    KlineGrid grid = { ch->tf, 0 };
    size_t n = 0;
    Time at = time_ms(to.ms - 1);
    for (; n < most && source_prev(ch->recorded, grid, at, ch->c->now, &v[n]); n++)
        at = time_ms(v[n].open_ms - 1);
    return n;
}

/* --- gap-chart --- */

typedef struct Request {
    Str frame, symbol;
    int64_t to, count;
} Request;

static bool decode(FaceCall *c, Request *q) {
    JsonReader r;
    Str key;
    *q = (Request){ .to = -1 };
    json_reader_init(&r, c->req->body, c->arena, 4);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0) {
        if (str_eq(key, S("timeFrame"))) {
            json_read_str(&r, &q->frame);
        } else if (str_eq(key, S("to"))) {
            json_read_i64(&r, &q->to);
        } else if (str_eq(key, S("countBack"))) {
            json_read_i64(&r, &q->count);
        } else if (str_eq(key, S("symbols"))) {
            json_open_array(&r);
            while (json_array_next(&r) > 0)
                json_read_str(&r, &q->symbol);
        } else {
            json_skip(&r);
        }
    }
    return json_finish(&r) == 0 && q->to >= 0 && q->to < TIME_ISO_MAX.ms / 1000 && q->count > 0;
}

static bool frame_of(Str name, Timeframe *out) {
    static const struct {
        Str name;
        Timeframe tf;
    } frames[] = { { STR_INIT("ONE_MINUTE"), { UNIT_MINUTE, 1 } },
                   { STR_INIT("ONE_HOUR"), { UNIT_HOUR, 1 } },
                   { STR_INIT("ONE_DAY"), { UNIT_DAY, 1 } } };
    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        if (str_eq(name, frames[i].name)) {
            *out = frames[i].tf;
            return true;
        }
    return false;
}

/* v is newest first; columns are oldest first. */
static void put_column(Buf *b, const char *name, const Kline *v, size_t n, size_t at, const char *quote) {
    buf_printf(b, ",\"%s\":[", name);
    for (size_t i = n; i-- > 0;) {
        buf_printf(b, "%s%s", i + 1 < n ? "," : "", quote);
        if (at == SIZE_MAX)
            buf_printf(b, "%lld", (long long)floor_div(v[i].open_ms, 1000));
        else
            put_shortest(b, *(const double *)(const void *)((const char *)&v[i].c + at));
        buf_put_str(b, str_c(quote));
    }
    buf_put_c(b, ']');
}

static void run_chart(FaceCall *c) {
    Request q;
    Chart ch;
    Timeframe tf;
    if (!decode(c, &q) || !frame_of(q.frame, &tf)) {
        face_fail(c, 400, "Bad Request");
        face_fault(c, 0);
        return;
    }
    c->symbol = q.symbol;
    bool known = find_chart(c, q.symbol, &ch);
    Kline *v = arena_alloc(c->arena, COUNT_MAX * sizeof *v);
    size_t most = (size_t)MIN(q.count, COUNT_MAX), n = 0;
    ch.tf = tf;
    Time to = time_ms(q.to * 1000);
    if (known)
        n = ch.recorded ? recorded_rows(&ch, to, most, v) : made_rows(&ch, to, most, v);
    bool mid = n > 0 && !time_before(c->now, timeframe_next(tf, time_ms(v[0].open_ms)));
    face_fault(c, 1u << FAULT_TEXT_TIMES | 1u << FAULT_WRAPPED | (mid ? 1u << FAULT_EMPTY_PAGE : 0) |
                      (n > 3 ? 1u << FAULT_UNSORTED : 0));
    n = face_spoil_rows(c, v, n);
    Buf *b = &c->out;
    if (c->fault.kind == FAULT_WRAPPED)
        BUF_LIT(b, "{\"data\":");
    buf_put_c(b, '[');
    if (known) {
        BUF_LIT(b, "{\"symbol\":");
        json_quote(b, q.symbol);
        put_column(b, "t", v, n, SIZE_MAX, c->fault.kind == FAULT_TEXT_TIMES ? "\"" : "");
        put_column(b, "o", v, n, offsetof(Candle, open), "");
        put_column(b, "h", v, n, offsetof(Candle, high), "");
        put_column(b, "l", v, n, offsetof(Candle, low), "");
        put_column(b, "c", v, n, offsetof(Candle, close), "");
        put_column(b, "v", v, n, offsetof(Candle, volume), "");
        BUF_LIT(b, ",\"minBatchTruncTime\":\"0\"}");
    }
    buf_put_c(b, ']');
    if (c->fault.kind == FAULT_WRAPPED)
        buf_put_c(b, '}');
    c->x->stats.klines++;
    c->x->stats.rows += (int64_t)n;
}

static void write_symbol(JsonWriter *w, Str name) {
    json_object(w);
    json_put_str(w, "symbol", name);
    json_put_str(w, "type", str_eq(name, S("VNINDEX")) ? S("INDEX") : S("STOCK"));
    json_put_str(w, "board", S("HSX"));
    json_object_end(w);
}

static void run_symbols(FaceCall *c) {
    JsonWriter w;
    json_writer_init(&w, &c->out, false);
    json_array(&w);
    for (size_t i = 0; i < c->x->n_sources; i++)
        if (c->x->sources[i].recorded)
            write_symbol(&w, symbol_str(&c->x->sources[i].listing.symbol));
    for (size_t i = 0; i < ARRAY_LEN(shares); i++)
        write_symbol(&w, str_c(shares[i]));
    json_array_end(&w);
    face_fault(c, 0);
}

static void run(FaceCall *c) {
    bool post = str_eq(c->req->method, S("POST"));
    if (str_eq(c->path, S("/api/chart/OHLCChart/gap-chart")) && post) {
        run_chart(c);
    } else if (str_eq(c->path, S("/api/price/symbols/getAll")) && !post) {
        run_symbols(c);
    } else {
        face_fail(c, 404, "Not Found");
        face_fault(c, 0);
    }
}

static void limited(FaceCall *c, SimReply *r) {
    UNUSED(c);
    sim_reply_json(r, 429, S("{\"message\":\"Too Many Requests\"}"));
}

static void broken(FaceCall *c, SimReply *r, FaultKind kind) {
    UNUSED(c);
    sim_reply_json(r, kind == FAULT_503 ? 503 : 500, S("{\"message\":\"Internal Server Error\"}"));
}

const SimFace sim_face_vci = { { "/api/chart/", "/api/price/" }, 500, 2, run, limited, broken };
