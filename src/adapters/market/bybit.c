/* adapters/market/bybit.c - candles of Bybit's spot market; the whole venue in one file (docs/adding-a-venue.md).
 *
 * A request names its first and last open time, both included; an answer has at most 1,000 rows, newest first, numbers
 * as text. Errors come with status 200 and a retCode. An address has 600 calls in 5 seconds and is shut out for ten
 * minutes beyond: we keep to a tenth of it.
 * Source: bybit-exchange.github.io/docs/v5, market/kline, market/instrument, market/time, rate-limit (2026). */

#include "adapters/market/bybit.h"

#include "adapters/market/venue_parse.h"
#include "base/vec.h"

enum {
    PAGE_ROWS = 1000,
    KLINES_BYTES_MAX = 2 * 1024 * 1024,
    INSTRUMENTS_BYTES_MAX = 32 * 1024 * 1024,
    TIME_BYTES_MAX = 4096,
};

enum { CODE_PARAMS = 10001, CODE_TOO_MANY = 10006, CODE_BUSY = 10016, CODE_BUSY_TOO = 10000 };

/* --- parsing: {"retCode": 0, "retMsg": "OK", "result": {...}, "time": ms} --- */

typedef void ReadResult(JsonReader *r, Arena *arena, void *out);

static int parse(Ctx *cx, Str text, const char *what, ReadResult *read, void *out, BybitReply *reply) {
    JsonReader r;
    Str key;
    bool found = false;
    *reply = (BybitReply){ .code = -1 };
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0)
        if (str_eq(key, S("retCode"))) {
            json_read_i64(&r, &reply->code);
        } else if (str_eq(key, S("retMsg"))) {
            json_read_str(&r, &reply->words);
        } else if (str_eq(key, S("time"))) {
            json_read_i64(&r, &reply->time.ms);
        } else if (str_eq(key, S("result")) && reply->code == 0) {
            found = true;
            read(&r, cx->arena, out);
        } else {
            json_skip(&r);
        }
    if (reply->code < 0 || (reply->code == 0 && !found) || !venue_time_ok(reply->time.ms))
        json_fail(&r, "no retCode, result and time in it");
    return json_finish(&r) != 0 ? venue_bad_json(cx, &r, what) : 0;
}

static void read_row(JsonReader *r, Candle *c) {
    double *numbers[] = { &c->open, &c->high, &c->low, &c->close, &c->volume };
    int item = 0;
    json_open_array(r);
    for (; json_array_next(r) > 0; item++)
        if (item == 0)
            json_read_i64(r, &c->open_time.ms);
        else if (item <= 5)
            json_read_f64(r, numbers[item - 1]);
        else
            json_skip(r);
    if (item < 6)
        json_fail(r, "a candle of less than 6 values");
}

static void read_klines(JsonReader *r, Arena *arena, void *out) {
    Str key;
    candles_init(out, arena, BYBIT_ROWS_MAX);
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (!str_eq(key, S("list"))) {
            json_skip(r);
            continue;
        }
        json_open_array(r);
        while (json_array_next(r) > 0) {
            Candle c = { 0 };
            read_row(r, &c);
            venue_push_row(r, out, &c);
        }
    }
}

int bybit_parse_klines(Ctx *cx, Str text, BybitReply *reply, Candles *out) {
    Candles rows = { 0 };
    int r = parse(cx, text, "klines", read_klines, &rows, reply);
    if (r == 0)
        *out = rows;
    return r;
}

static void read_sizes(JsonReader *r, Listing *l) {
    Str key, text;
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        Decimal *to = str_eq(key, S("basePrecision")) ? &l->lot
                      : str_eq(key, S("minOrderAmt")) ? &l->min_notional
                      : str_eq(key, S("tickSize"))    ? &l->tick
                                                      : NULL;
        if (to && json_read_str(r, &text) == 0)
            *to = venue_size(text);
        else
            json_skip(r);
    }
}

static bool read_instrument(JsonReader *r, Arena *arena, Listing *l) {
    Str key, symbol = { 0 }, base = { 0 }, quote = { 0 }, status = { 0 };
    *l = (Listing){ .asset = ASSET_CRYPTO, .valid_from = TIME_MIN, .valid_to = TIME_MAX };
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        Str *to = str_eq(key, S("symbol"))      ? &symbol
                  : str_eq(key, S("baseCoin"))  ? &base
                  : str_eq(key, S("quoteCoin")) ? &quote
                  : str_eq(key, S("status"))    ? &status
                                                : NULL;
        if (to)
            json_read_str(r, to);
        else if (str_eq(key, S("lotSizeFilter")) || str_eq(key, S("priceFilter")))
            read_sizes(r, l);
        else
            json_skip(r);
    }
    l->status = str_eq(status, S("Trading")) ? LISTING_TRADING : LISTING_HALTED;
    return venue_name_pair(arena, symbol, base, quote, l);
}

typedef VEC(Listing) Listings;

static void read_instruments(JsonReader *r, Arena *arena, void *arg) {
    Listings *out = arg;
    Str key;
    size_t seen = 0;
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (!str_eq(key, S("list"))) {
            json_skip(r);
            continue;
        }
        json_open_array(r);
        while (json_array_next(r) > 0) {
            Listing l;
            if (seen++ == BYBIT_SYMBOLS_MAX)
                json_fail(r, "more symbols than any venue has");
            else if (read_instrument(r, arena, &l))
                vec_push_in(arena, out, l);
        }
    }
}

int bybit_parse_instruments(Ctx *cx, Str text, BybitReply *reply, Listing **out, size_t *n) {
    Listings all = { 0 };
    int r = parse(cx, text, "instruments", read_instruments, &all, reply);
    if (r == 0) {
        *out = all.v;
        *n = all.n;
    }
    return r;
}

static void read_nothing(JsonReader *r, Arena *arena, void *out) {
    UNUSED(arena);
    UNUSED(out);
    json_skip(r);
}

/* --- requests --- */

typedef struct Answer {
    BybitReply reply;
    Candles rows;
    Listing *listings;
    size_t n_listings;
    Time served_at;
} Answer;

static int verdict(VenueCall *call, Ctx *cx, int r) {
    Answer *a = call->out;
    a->served_at = call->served_at;
    if (r || a->reply.code == 0)
        return r;
    if (a->reply.code == CODE_PARAMS && str_find(a->reply.words, S("ymbol")) >= 0 && call->names_symbol) {
        call->no_symbol = true;
        return 0;
    }
    bool busy = a->reply.code == CODE_BUSY || a->reply.code == CODE_BUSY_TOO, many = a->reply.code == CODE_TOO_MANY;
    int code = many ? ERR_LIMIT : busy ? ERR_UNAVAILABLE : ERR_INVALID;
    err_set(cx, code, "the venue answers \"" STR_FMT "\" (code %lld)", STR_ARG(str_first(a->reply.words, 200)),
            (long long)a->reply.code);
    return busy || many ? venue_call_busy(call, code) : code;
}

static int read_klines_body(VenueCall *call, Ctx *cx, Str body) {
    Answer *a = call->out;
    return verdict(call, cx, bybit_parse_klines(cx, body, &a->reply, &a->rows));
}

static int read_instruments_body(VenueCall *call, Ctx *cx, Str body) {
    Answer *a = call->out;
    return verdict(call, cx, bybit_parse_instruments(cx, body, &a->reply, &a->listings, &a->n_listings));
}

static int read_time_body(VenueCall *call, Ctx *cx, Str body) {
    Answer *a = call->out;
    return verdict(call, cx, parse(cx, body, "time", read_nothing, NULL, &a->reply));
}

static Str interval_of(Arena *a, Timeframe tf) {
    if (tf.unit >= UNIT_DAY)
        return tf.unit == UNIT_DAY ? S("D") : tf.unit == UNIT_WEEK ? S("W") : S("M");
    return str_fmt(a, "%lld", (long long)(timeframe_ms(tf) / MS_PER_MINUTE));
}

static int bybit_candles(VenueFeed *f, Ctx *cx, const VenueWindow *w, VenueRows *out) {
    char text[TIMEFRAME_TEXT_MAX];
    Answer answer = { 0 };
    VenueCall call = { .path = "/v5/market/kline",
                       .names_symbol = true,
                       .max_body = KLINES_BYTES_MAX,
                       .read = read_klines_body,
                       .out = &answer };
    call.what = str_fmt(cx->arena, "klines %s " STR_FMT, w->symbol.s, STR_ARG(timeframe_text(w->timeframe, text)));
    call.query =
        str_fmt(cx->arena, "category=spot&symbol=" STR_FMT "&interval=" STR_FMT "&start=%lld&end=%lld&limit=%d",
                STR_ARG(venue_escape(cx->arena, symbol_str(&w->symbol))), STR_ARG(interval_of(cx->arena, w->timeframe)),
                (long long)w->from.ms, (long long)w->to.ms - 1, PAGE_ROWS);
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = (VenueRows){ answer.rows, answer.served_at, call.simulated };
    return r;
}

static int bybit_symbols(VenueFeed *f, Ctx *cx, Listing **out, size_t *n) {
    Answer a = { 0 };
    VenueCall call = { .path = "/v5/market/instruments-info",
                       .query = S("category=spot"),
                       .what = S("instruments"),
                       .max_body = INSTRUMENTS_BYTES_MAX,
                       .read = read_instruments_body,
                       .out = &a };
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = a.listings;
    *n = a.n_listings;
    return r;
}

static int bybit_server_time(VenueFeed *f, Ctx *cx, Time *out) {
    Answer a = { 0 };
    VenueCall call = {
        .path = "/v5/market/time", .what = S("time"), .max_body = TIME_BYTES_MAX, .read = read_time_body, .out = &a
    };
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = a.reply.time;
    return r;
}

static const Timeframe timeframes[] = { { UNIT_MINUTE, 1 },  { UNIT_MINUTE, 3 },  { UNIT_MINUTE, 5 },
                                        { UNIT_MINUTE, 15 }, { UNIT_MINUTE, 30 }, { UNIT_HOUR, 1 },
                                        { UNIT_HOUR, 2 },    { UNIT_HOUR, 4 },    { UNIT_HOUR, 6 },
                                        { UNIT_HOUR, 12 },   { UNIT_DAY, 1 },     { UNIT_WEEK, 1 },
                                        { UNIT_MONTH, 1 } };

const VenueDriver venue_bybit = {
    .name = "bybit",
    .base_url = "https://api.bybit.com",
    .timeframes = timeframes,
    .n_timeframes = ARRAY_LEN(timeframes),
    .page_rows = PAGE_ROWS,
    .leaves_out = true,
    .oldest = { INT64_C(1514764800000) }, /* 2018-01-01: it opened in March */
    .pace = { .interval_ms = 83, .burst = 12 },
    .candles = bybit_candles,
    .symbols = bybit_symbols,
    .first_candle = venue_search_first,
    .next_candle = venue_search_next,
    .server_time = bybit_server_time,
};
