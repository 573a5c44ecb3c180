/* adapters/market/coinbase.c - Coinbase Exchange as a VenueDriver; see coinbase.h.
 *
 * A request names its first and last open time, both included, at most 300 candles apart: 299 intervals. The answer
 * is newest first, may begin before the start, and leaves out what nobody traded in, so only time can be paged by.
 * No request tells where a product's history begins, or where the next trade after a silence is: hours are asked for
 * it (300 of them at once), then days, and for a listing date a binary search over windows of 300 days
 * (venue_search.h). */

#include "adapters/market/coinbase.h"

#include "adapters/market/venue_parse.h"
#include "base/num.h"
#include "base/vec.h"

#include <math.h>

enum {
    PAGE_ROWS = 300,
    CANDLES_BYTES_MAX = 512 * 1024,
    PRODUCTS_BYTES_MAX = 16 * 1024 * 1024,
    TIME_BYTES_MAX = 4096,
};

/* --- parsing --- */

/* Sums of binary doubles on their side ("14.697630010000001"): nothing is traded finer than 8 decimals. */
static double volume_of(double v) {
    return fabs(v) < 9e7 ? round(v * 1e8) / 1e8 : v;
}

static void read_array(JsonReader *r, Candle *c) {
    int64_t seconds = 0;
    double *numbers[] = { &c->low, &c->high, &c->open, &c->close, &c->volume };
    int item = 0;
    json_open_array(r);
    for (; json_array_next(r) > 0; item++) {
        if (item == 0)
            json_read_i64(r, &seconds);
        else if (item <= 5)
            json_read_f64(r, numbers[item - 1]);
        else
            json_skip(r);
    }
    if (item < 6)
        json_fail(r, "a candle of less than 6 values");
    c->open_time = time_ms(venue_seconds_ms(seconds));
}

static void read_object(JsonReader *r, Candle *c) {
    Str key;
    int64_t seconds = INT64_MAX;
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (str_eq(key, S("start")))
            json_read_i64(r, &seconds);
        else if (str_eq(key, S("low")))
            json_read_f64(r, &c->low);
        else if (str_eq(key, S("high")))
            json_read_f64(r, &c->high);
        else if (str_eq(key, S("open")))
            json_read_f64(r, &c->open);
        else if (str_eq(key, S("close")))
            json_read_f64(r, &c->close);
        else if (str_eq(key, S("volume")))
            json_read_f64(r, &c->volume);
        else
            json_skip(r);
    }
    c->open_time = time_ms(venue_seconds_ms(seconds));
}

static void read_candles(JsonReader *r, Candles *rows) {
    json_open_array(r);
    while (json_array_next(r) > 0) {
        Candle c = { 0 };
        if (json_peek(r) == JSON_OBJECT)
            read_object(r, &c);
        else
            read_array(r, &c);
        c.volume = volume_of(c.volume);
        venue_push_row(r, rows, &c);
    }
}

int coinbase_parse_candles(Ctx *cx, Str text, Candles *out) {
    JsonReader r;
    Candles rows;
    Str key;
    bool found = false;
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    candles_init(&rows, cx->arena, COINBASE_ROWS_MAX);
    if (json_peek(&r) == JSON_OBJECT) {
        json_open_object(&r);
        while (json_object_next(&r, &key) > 0) {
            if (!found && str_eq(key, S("candles"))) {
                found = true;
                read_candles(&r, &rows);
            } else {
                json_skip(&r);
            }
        }
        if (!found)
            json_fail(&r, "no candles in it");
    } else {
        read_candles(&r, &rows);
    }
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "candles");
    *out = rows;
    return 0;
}

typedef struct Product {
    Str id, base, quote, tick, lot, notional, status;
    bool disabled;
} Product;

static void read_product(JsonReader *r, Product *p) {
    static const struct {
        Str name;
        size_t at;
    } fields[] = {
        { STR_INIT("id"), offsetof(Product, id) },
        { STR_INIT("product_id"), offsetof(Product, id) },
        { STR_INIT("base_currency"), offsetof(Product, base) },
        { STR_INIT("base_currency_id"), offsetof(Product, base) },
        { STR_INIT("quote_currency"), offsetof(Product, quote) },
        { STR_INIT("quote_currency_id"), offsetof(Product, quote) },
        { STR_INIT("quote_increment"), offsetof(Product, tick) },
        { STR_INIT("base_increment"), offsetof(Product, lot) },
        { STR_INIT("min_market_funds"), offsetof(Product, notional) },
        { STR_INIT("quote_min_size"), offsetof(Product, notional) },
        { STR_INIT("status"), offsetof(Product, status) },
    };
    Str key;
    *p = (Product){ 0 };
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (str_eq(key, S("trading_disabled"))) {
            json_read_bool(r, &p->disabled);
            continue;
        }
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            if (str_eq(key, fields[i].name) && json_peek(r) == JSON_STRING)
                json_read_str(r, (Str *)(void *)((char *)p + fields[i].at));
    }
}

static ListingStatus status_of(const Product *p) {
    if (str_eq(p->status, S("delisted")))
        return LISTING_DELISTED;
    return str_eq(p->status, S("online")) && !p->disabled ? LISTING_TRADING : LISTING_HALTED;
}

static int read_products(JsonReader *r, Arena *arena, Listing **out, size_t *n) {
    VEC(Listing) all = { 0 };
    size_t seen = 0;
    json_open_array(r);
    while (json_array_next(r) > 0) {
        Product p;
        Listing l = { .asset = ASSET_CRYPTO, .valid_from = TIME_MIN, .valid_to = TIME_MAX };
        if (seen++ == COINBASE_PRODUCTS_MAX)
            return json_fail(r, "more products than any venue has");
        read_product(r, &p);
        l.status = status_of(&p);
        l.tick = venue_size(p.tick);
        l.lot = venue_size(p.lot);
        l.min_notional = venue_size(p.notional);
        if (venue_name_pair(arena, p.id, p.base, p.quote, &l))
            vec_push_in(arena, &all, l);
    }
    *out = all.v;
    *n = all.n;
    return 0;
}

int coinbase_parse_products(Ctx *cx, Str text, Listing **out, size_t *n) {
    JsonReader r;
    Str key;
    Listing *v = NULL;
    size_t count = 0;
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    if (json_peek(&r) == JSON_OBJECT) {
        json_open_object(&r);
        while (json_object_next(&r, &key) > 0)
            if (!str_eq(key, S("products")) || json_peek(&r) != JSON_ARRAY)
                json_skip(&r);
            else
                read_products(&r, cx->arena, &v, &count);
    } else {
        read_products(&r, cx->arena, &v, &count);
    }
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "products");
    *out = v;
    *n = count;
    return 0;
}

int coinbase_parse_time(Ctx *cx, Str text, Time *out) {
    JsonReader r;
    Str key;
    double epoch = NAN;
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0)
        if (str_eq(key, S("epoch")))
            json_read_f64(&r, &epoch);
        else
            json_skip(&r);
    if (!(epoch > 0 && epoch < (double)TIME_ISO_MAX.ms / 1000))
        json_fail(&r, "no server time");
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "time");
    *out = time_ms(llround(epoch * 1000));
    return 0;
}

bool coinbase_parse_error(Arena *arena, Str text, Str *out) {
    JsonReader r;
    Str key, message = { 0 };
    json_reader_init(&r, text, arena, VENUE_DEPTH_MAX);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0)
        if (str_eq(key, S("message")) && json_peek(&r) == JSON_STRING)
            json_read_str(&r, &message);
        else
            json_skip(&r);
    if (json_finish(&r) != 0 || message.n == 0)
        return false;
    *out = message;
    return true;
}

/* --- requests --- */

static int read_candles_body(VenueCall *call, Ctx *cx, Str body) {
    VenueRows *out = call->out;
    out->served_at = call->served_at;
    return coinbase_parse_candles(cx, body, &out->rows);
}

static int coinbase_candles(VenueFeed *f, Ctx *cx, const VenueWindow *w, VenueRows *out) {
    char text[TIMEFRAME_TEXT_MAX];
    int64_t step_ms = timeframe_ms(w->timeframe);
    Time first = timeframe_on_grid(w->timeframe, w->from) ? w->from : timeframe_next(w->timeframe, w->from);
    Time last = timeframe_floor(w->timeframe, time_ms(w->to.ms - 1));
    if (time_before(last, first))
        return 0;
    last = time_ms(MIN(last.ms, first.ms + (PAGE_ROWS - 1) * step_ms));
    Arena *a = cx->arena;
    Str id = venue_escape(a, symbol_str(&w->symbol));
    VenueCall call = { .path = str_fmt(a, "/products/" STR_FMT "/candles", STR_ARG(id)).p,
                       .names_symbol = true,
                       .max_body = CANDLES_BYTES_MAX,
                       .read = read_candles_body,
                       .out = out };
    call.what = str_fmt(a, "candles %s " STR_FMT, w->symbol.s, STR_ARG(timeframe_text(w->timeframe, text)));
    call.query = str_fmt(a, "granularity=%lld&start=" STR_FMT "&end=" STR_FMT, (long long)(step_ms / 1000),
                         STR_ARG(time_iso(a, first)), STR_ARG(time_iso(a, last)));
    int r = venue_rest_get(&f->rest, cx, &call);
    out->simulated = call.simulated;
    return r;
}

/* --- the rest --- */

typedef struct Products {
    Listing *v;
    size_t n;
} Products;

static int read_products_body(VenueCall *call, Ctx *cx, Str body) {
    Products *p = call->out;
    return coinbase_parse_products(cx, body, &p->v, &p->n);
}

static int coinbase_symbols(VenueFeed *f, Ctx *cx, Listing **out, size_t *n) {
    Products p = { 0 };
    VenueCall call = { .path = "/products",
                       .what = S("products"),
                       .max_body = PRODUCTS_BYTES_MAX,
                       .read = read_products_body,
                       .out = &p };
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = p.v;
    *n = p.n;
    return r;
}

static int read_time(VenueCall *call, Ctx *cx, Str body) {
    return coinbase_parse_time(cx, body, call->out);
}

static int coinbase_server_time(VenueFeed *f, Ctx *cx, Time *out) {
    VenueCall call = { .path = "/time", .what = S("time"), .max_body = TIME_BYTES_MAX, .read = read_time, .out = out };
    return venue_rest_get(&f->rest, cx, &call);
}

static int coinbase_refusal(const VenueCall *call, Ctx *cx, const HttpResponse *res, bool *worded) {
    Str message;
    *worded = coinbase_parse_error(cx->arena, res->body, &message);
    if (!*worded)
        return 0;
    if (res->status == 404 && call->names_symbol)
        return FEED_NO_SYMBOL;
    return err_set(cx, ERR_COLLECTION, "the venue refuses the request: " STR_FMT " (HTTP %d)",
                   STR_ARG(str_first(message, 200)), res->status);
}

static const Timeframe timeframes[] = { { UNIT_MINUTE, 1 }, { UNIT_MINUTE, 5 }, { UNIT_MINUTE, 15 },
                                        { UNIT_HOUR, 1 },   { UNIT_HOUR, 6 },   { UNIT_DAY, 1 } };
static const HttpHeader headers[] = { { STR_INIT("User-Agent"), STR_INIT("FinSight/" FINSIGHT_VERSION) },
                                      { STR_INIT("Accept"), STR_INIT("application/json") } };

const VenueDriver venue_coinbase = {
    .name = "coinbase",
    .base_url = "https://api.exchange.coinbase.com",
    .timeframes = timeframes,
    .n_timeframes = ARRAY_LEN(timeframes),
    .page_rows = PAGE_ROWS,
    .leaves_out = true,
    .pace = { .interval_ms = 100, .burst = 15 },
    .headers = headers,
    .n_headers = ARRAY_LEN(headers),
    .candles = coinbase_candles,
    .symbols = coinbase_symbols,
    .oldest = { INT64_C(1388534400000) }, /* 2014-01-01: it opened in January 2015 */
    .first_candle = venue_search_first,
    .next_candle = venue_search_next,
    .server_time = coinbase_server_time,
    .refusal = coinbase_refusal,
};
