/* adapters/market/binance_parse.c - see binance_parse.h. */

#include "adapters/market/binance_parse.h"

#include "adapters/market/venue_limits.h"
#include "adapters/market/venue_parse.h"
#include "base/vec.h"

static const int64_t MICROS_FROM = INT64_C(100000000000000); /* 1e14: as ms that is the year 5138 */

static int64_t to_ms(int64_t t) {
    return t >= MICROS_FROM ? t / 1000 : t;
}

/* --- klines --- */

static void read_kline(JsonReader *r, Time served_at, Candle *c) {
    int64_t open_time = 0, close_time = 0;
    double *numbers[] = { &c->open, &c->high, &c->low, &c->close, &c->volume };
    int item = 0;
    json_open_array(r);
    for (; json_array_next(r) > 0; item++) {
        if (item == 0)
            json_read_i64(r, &open_time);
        else if (item <= 5)
            json_read_f64(r, numbers[item - 1]);
        else if (item == 6)
            json_read_i64(r, &close_time);
        else
            json_skip(r);
    }
    c->open_time = time_ms(to_ms(open_time));
    close_time = to_ms(close_time);
    c->flags = close_time >= served_at.ms ? CANDLE_OPEN : 0;
    if (item < 7)
        json_fail(r, "a candle of less than 7 values");
    else if (!venue_time_ok(c->open_time.ms) || !venue_time_ok(close_time) || close_time < c->open_time.ms)
        json_fail(r, "a candle whose times make no sense");
}

int binance_parse_klines(Ctx *cx, Str text, Time served_at, Candles *out) {
    JsonReader r;
    Candles rows;
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    candles_init(&rows, cx->arena, BINANCE_ROWS_MAX);
    json_open_array(&r);
    while (json_array_next(&r) > 0) {
        Candle c = { 0 };
        read_kline(&r, served_at, &c);
        if (rows.n == rows.cap)
            json_fail(&r, "more candles than were asked for");
        else
            candles_push(&rows, &c);
    }
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "klines");
    *out = rows;
    return 0;
}

/* --- limits --- */

static int64_t unit_ms(char letter) {
    switch (letter) {
    case 'S':
    case 's':
        return MS_PER_SECOND;
    case 'M':
    case 'm':
        return MS_PER_MINUTE;
    case 'H':
    case 'h':
        return MS_PER_HOUR;
    case 'D':
    case 'd':
        return MS_PER_DAY;
    default:
        return 0;
    }
}

int64_t binance_used_header_ms(Str name) {
    static const Str prefix = STR_INIT("x-mbx-used-weight-");
    int64_t n;
    if (name.n < prefix.n + 2 || !str_eq_nocase(str_first(name, prefix.n), prefix))
        return 0;
    Str digits = str_n(name.p + prefix.n, name.n - prefix.n - 1);
    if (!str_to_i64(digits, &n) || n < 1 || n > 1000)
        return 0;
    return n * unit_ms(name.p[name.n - 1]);
}

int64_t binance_interval_ms(Str unit, int64_t n) {
    bool known =
        str_eq(unit, S("SECOND")) || str_eq(unit, S("MINUTE")) || str_eq(unit, S("HOUR")) || str_eq(unit, S("DAY"));
    return known && n >= 1 && n <= 1000 ? n * unit_ms(unit.p[0]) : 0;
}

/* --- exchangeInfo --- */

static void read_rate_limit(JsonReader *r, BinanceExchangeInfo *info) {
    Str key, type = { 0 }, unit = { 0 };
    int64_t n = 0, limit = 0;
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (str_eq(key, S("rateLimitType")))
            json_read_str(r, &type);
        else if (str_eq(key, S("interval")))
            json_read_str(r, &unit);
        else if (str_eq(key, S("intervalNum")))
            json_read_i64(r, &n);
        else if (str_eq(key, S("limit")))
            json_read_i64(r, &limit);
        else
            json_skip(r);
    }
    bool weight = str_eq(type, S("REQUEST_WEIGHT")), requests = str_eq(type, S("RAW_REQUESTS"));
    int64_t length_ms = binance_interval_ms(unit, n);
    if ((weight || requests) && length_ms > 0 && limit > 0 && info->n_limits < BINANCE_LIMITS_MAX)
        info->limits[info->n_limits++] = (BinanceRateLimit){ weight ? LIMIT_WEIGHT : LIMIT_REQUESTS, length_ms, limit };
}

static void read_filter(JsonReader *r, Listing *l) {
    Str key, type = { 0 }, tick = { 0 }, step = { 0 }, notional = { 0 };
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (str_eq(key, S("filterType")))
            json_read_str(r, &type);
        else if (str_eq(key, S("tickSize")))
            json_read_str(r, &tick);
        else if (str_eq(key, S("stepSize")))
            json_read_str(r, &step);
        else if (str_eq(key, S("minNotional")))
            json_read_str(r, &notional);
        else
            json_skip(r);
    }
    if (str_eq(type, S("PRICE_FILTER")))
        l->tick = venue_size(tick);
    else if (str_eq(type, S("LOT_SIZE")))
        l->lot = venue_size(step);
    else if (str_eq(type, S("NOTIONAL")) || str_eq(type, S("MIN_NOTIONAL"))) /* the older name */
        l->min_notional = venue_size(notional);
}

static ListingStatus status_of(Str s) {
    if (str_eq(s, S("TRADING")))
        return LISTING_TRADING;
    return str_eq(s, S("BREAK")) ? LISTING_BREAK : LISTING_HALTED; /* HALT, and what is not open yet or any more */
}

/* false when our symbols cannot spell its name. */
static bool read_symbol(JsonReader *r, Arena *arena, Listing *l) {
    Str key, symbol = { 0 }, base = { 0 }, quote = { 0 }, status = { 0 };
    *l = (Listing){ .asset = ASSET_CRYPTO, .valid_from = TIME_MIN, .valid_to = TIME_MAX };
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (str_eq(key, S("symbol"))) {
            json_read_str(r, &symbol);
        } else if (str_eq(key, S("baseAsset"))) {
            json_read_str(r, &base);
        } else if (str_eq(key, S("quoteAsset"))) {
            json_read_str(r, &quote);
        } else if (str_eq(key, S("status"))) {
            json_read_str(r, &status);
        } else if (str_eq(key, S("filters"))) {
            json_open_array(r);
            while (json_array_next(r) > 0)
                read_filter(r, l);
        } else {
            json_skip(r);
        }
    }
    l->status = status_of(status);
    return venue_name_pair(arena, symbol, base, quote, l);
}

static void read_symbols(JsonReader *r, Arena *arena, BinanceExchangeInfo *info) {
    VEC(Listing) listings = { 0 };
    size_t n_unnamed = 0;
    json_open_array(r);
    while (json_array_next(r) > 0) {
        Listing l;
        if (listings.n + n_unnamed == BINANCE_SYMBOLS_MAX)
            json_fail(r, "more symbols than any venue has");
        else if (!read_symbol(r, arena, &l))
            n_unnamed++;
        else
            vec_push_in(arena, &listings, l);
    }
    info->listings = listings.v;
    info->n_listings = listings.n;
    info->n_unnamed = n_unnamed;
}

int binance_parse_exchange_info(Ctx *cx, Str text, BinanceExchangeInfo *out) {
    BinanceExchangeInfo info = { 0 };
    JsonReader r;
    Str key;
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0) {
        if (str_eq(key, S("serverTime"))) {
            json_read_i64(&r, &info.server_time.ms);
        } else if (str_eq(key, S("rateLimits"))) {
            json_open_array(&r);
            while (json_array_next(&r) > 0)
                read_rate_limit(&r, &info);
        } else if (str_eq(key, S("symbols"))) {
            read_symbols(&r, cx->arena, &info);
        } else {
            json_skip(&r);
        }
    }
    info.server_time.ms = to_ms(info.server_time.ms);
    if (!venue_time_ok(info.server_time.ms))
        json_fail(&r, "a server time that makes no sense");
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "exchangeInfo");
    *out = info;
    return 0;
}

/* --- the small ones --- */

int binance_parse_time(Ctx *cx, Str text, Time *out) {
    JsonReader r;
    Str key;
    int64_t ms = 0;
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0) {
        if (str_eq(key, S("serverTime")))
            json_read_i64(&r, &ms);
        else
            json_skip(&r);
    }
    if (ms <= 0 || !venue_time_ok(to_ms(ms)))
        json_fail(&r, "no server time");
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "time");
    *out = time_ms(to_ms(ms));
    return 0;
}

bool binance_parse_error(Arena *arena, Str text, BinanceError *out) {
    JsonReader r;
    Str key;
    BinanceError error = { 0 };
    json_reader_init(&r, text, arena, VENUE_DEPTH_MAX);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0) {
        if (str_eq(key, S("code")))
            json_read_i64(&r, &error.code);
        else if (str_eq(key, S("msg")))
            json_read_str(&r, &error.msg);
        else
            json_skip(&r);
    }
    if (json_finish(&r) != 0 || error.code == 0)
        return false;
    *out = error;
    return true;
}

bool binance_ban_end(Str msg, Time *out) {
    ptrdiff_t at = str_find(msg, S("until "));
    if (at < 0)
        return false;
    Str rest = str_from(msg, (size_t)at + 6);
    size_t n = 0;
    while (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9')
        n++;
    int64_t t;
    if (!str_to_i64(str_first(rest, n), &t) || t <= 0 || !venue_time_ok(to_ms(t)))
        return false;
    *out = time_ms(to_ms(t));
    return true;
}
