/* adapters/market/binance.c - Binance's klines as a VenueDriver; see binance.h.
 *
 * A request names a window of 1,000 candles by its first and last open time. Without a start it answers from the
 * newest, with one and no end near it from the next candle there is: so an empty window is doubted for one request. */

#include "adapters/market/binance.h"

#include "adapters/market/binance_parse.h"

enum {
    WEIGHT_KLINES = 2,
    WEIGHT_EXCHANGE_INFO = 20,
    WEIGHT_TIME = 1,
    KLINES_BYTES_MAX = 2 * 1024 * 1024,
    SYMBOL_INFO_MAX = 1024 * 1024,
    EXCHANGE_INFO_BYTES_MAX = 64 * 1024 * 1024, /* some 3,000 symbols of 5 kB in 2026 */
    TIME_BYTES_MAX = 4096,
};

enum { CODE_ILLEGAL_CHARS = -1100, CODE_INVALID_SYMBOL = -1121 };

/* --- candles --- */

static int read_klines(VenueCall *call, Ctx *cx, Str body) {
    VenueRows *out = call->out;
    out->served_at = call->served_at;
    return binance_parse_klines(cx, body, call->served_at, &out->rows);
}

static int binance_candles(VenueFeed *f, Ctx *cx, const VenueWindow *w, VenueRows *out) {
    char text[TIMEFRAME_TEXT_MAX];
    Str name = timeframe_text(w->timeframe, text);
    VenueCall call = { .path = "/api/v3/klines",
                       .names_symbol = true,
                       .weight = WEIGHT_KLINES,
                       .max_body = KLINES_BYTES_MAX,
                       .read = read_klines,
                       .out = out };
    call.what = str_fmt(cx->arena, "klines %s " STR_FMT, w->symbol.s, STR_ARG(name));
    call.query = str_fmt(cx->arena, "symbol=" STR_FMT "&interval=" STR_FMT "&startTime=%lld&endTime=%lld&limit=%d",
                         STR_ARG(venue_escape(cx->arena, symbol_str(&w->symbol))), STR_ARG(name), (long long)w->from.ms,
                         (long long)w->to.ms - 1, w->limit);
    int r = venue_rest_get(&f->rest, cx, &call);
    out->simulated = call.simulated;
    return r;
}

static int binance_first_candle(VenueFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out) {
    VenueWindow w = { symbol, tf, time_ms(0), time_add_ms(venue_rest_now(&f->rest, cx), 1), 1 };
    VenueRows first = { 0 };
    int r = binance_candles(f, cx, &w, &first);
    if (r)
        return r;
    if (first.rows.n == 0)
        return err_set(cx, ERR_NOT_FOUND, "%s: %s has no candle yet", f->rest.venue.s, symbol.s);
    *out = time_ms(first.rows.open_ms[0]);
    return 0;
}

/* --- limits and listings: exchangeInfo --- */

static void take_info(VenueRest *b, Ctx *cx, const VenueCall *call, const BinanceExchangeInfo *info) {
    int64_t now = clock_mono(cx->clock).ns / NS_PER_MS;
    pthread_mutex_lock(&b->lock);
    if (info->server_time.ms > 0)
        venue_limits_server_time(&b->limits, call->sent, now, info->server_time, info->server_time);
    for (size_t i = 0; i < info->n_limits; i++)
        venue_limits_told(&b->limits, now, (LimitCount)info->limits[i].count, info->limits[i].length_ms,
                          info->limits[i].limit);
    b->learnt_at = now;
    pthread_mutex_unlock(&b->lock);
}

static int read_info(VenueCall *call, Ctx *cx, Str body) {
    BinanceExchangeInfo *info = call->out;
    int r = binance_parse_exchange_info(cx, body, info);
    if (r == 0)
        take_info(call->rest, cx, call, info);
    return r;
}

static int ask_limits(VenueRest *b, Ctx *cx, Symbol symbol) {
    BinanceExchangeInfo info;
    VenueCall call = { .path = "/api/v3/exchangeInfo",
                       .what = S("exchangeInfo"),
                       .names_symbol = true,
                       .weight = WEIGHT_EXCHANGE_INFO,
                       .max_body = SYMBOL_INFO_MAX,
                       .read = read_info,
                       .out = &info };
    call.query = str_fmt(cx->arena, "symbol=" STR_FMT, STR_ARG(venue_escape(cx->arena, symbol_str(&symbol))));
    return venue_rest_get(b, cx, &call);
}

static int binance_prepare(VenueFeed *f, Ctx *cx, Symbol symbol) {
    return venue_rest_learn(&f->rest, cx, ask_limits, symbol);
}

static int binance_symbols(VenueFeed *f, Ctx *cx, Listing **out, size_t *n) {
    BinanceExchangeInfo info = { 0 };
    VenueCall call = { .path = "/api/v3/exchangeInfo",
                       .what = S("exchangeInfo"),
                       .weight = WEIGHT_EXCHANGE_INFO,
                       .max_body = EXCHANGE_INFO_BYTES_MAX,
                       .read = read_info,
                       .out = &info };
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = info.listings;
    *n = info.n_listings;
    return r;
}

static void binance_book(VenueCall *call, const HttpResponse *res, int64_t now) {
    for (size_t i = 0; i < res->n_headers; i++) {
        int64_t used, length_ms = binance_used_header_ms(res->headers[i].name);
        if (length_ms > 0 && str_to_i64(res->headers[i].value, &used))
            venue_limits_used(&call->rest->limits, call->sent, now, length_ms, used);
    }
}

/* --- errors and the clock --- */

static bool binance_block_end(Arena *arena, const HttpResponse *res, Time *out) {
    BinanceError error;
    return binance_parse_error(arena, res->body, &error) && binance_ban_end(error.msg, out);
}

static int binance_refusal(const VenueCall *call, Ctx *cx, const HttpResponse *res, bool *worded) {
    BinanceError e;
    *worded = binance_parse_error(cx->arena, res->body, &e);
    if (!*worded)
        return 0;
    bool symbol = str_find(e.msg, S("'symbol'")) >= 0; /* letters that no symbol of the venue has */
    if (call->names_symbol && (e.code == CODE_INVALID_SYMBOL || (e.code == CODE_ILLEGAL_CHARS && symbol)))
        return FEED_NO_SYMBOL;
    return err_set(cx, ERR_COLLECTION, "the venue refuses the request: " STR_FMT " (code %lld, HTTP %d)",
                   STR_ARG(str_first(e.msg, 200)), (long long)e.code, res->status);
}

static int read_time(VenueCall *call, Ctx *cx, Str body) {
    return binance_parse_time(cx, body, call->out);
}

static int binance_server_time(VenueFeed *f, Ctx *cx, Time *out) {
    VenueCall call = { .path = "/api/v3/time",
                       .what = S("time"),
                       .weight = WEIGHT_TIME,
                       .max_body = TIME_BYTES_MAX,
                       .read = read_time,
                       .out = out };
    return venue_rest_get(&f->rest, cx, &call);
}

const VenueDriver venue_binance = {
    .name = "binance",
    .base_url = BINANCE_BASE_URL,
    .timeframes = TIMEFRAMES, /* the common ones are exactly those of the venue */
    .n_timeframes = ARRAY_LEN(TIMEFRAMES),
    .page_rows = BINANCE_KLINES_MAX,
    .seeks = true,
    .candles = binance_candles,
    .symbols = binance_symbols,
    .first_candle = binance_first_candle,
    .server_time = binance_server_time,
    .refusal = binance_refusal,
    .prepare = binance_prepare,
    .book = binance_book,
    .block_end = binance_block_end,
};

int market_binance_open(Ctx *cx, const BinanceOptions *options, MarketFeed **out) {
    return market_venue_open(cx, &venue_binance, options, out);
}
