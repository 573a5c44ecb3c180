/* sim/exchange_market.c - exchangeInfo and the tickers. */

#include "sim/exchange_internal.h"

#include <math.h>

/* --- which symbols --- */

/* ["BTCUSDT","ETHUSDT"] -> sources, in that order; every one must be known. */
static size_t symbols_decode(Call *c, Str text, const Source **out) {
    JsonReader r;
    Str name;
    size_t n = 0;
    int more = 0;
    json_reader_init(&r, text, c->q.arena, 4);
    if (json_open_array(&r) == 0)
        while ((more = json_array_next(&r)) > 0 && json_read_str(&r, &name) == 0 && query_symbol_legal(name)) {
            const Source *s = call_symbol(c, name);
            if (!s)
                return 0;
            for (size_t i = 0; i < n; i++)
                if (out[i] == s)
                    query_fail(&c->q, -1151, "Symbol is present multiple times in the list.");
            if (c->q.error)
                return 0;
            out[n++] = s;
        }
    if (more != 0 || json_finish(&r) != 0)
        query_fail(&c->q, -1100,
                   "Illegal characters found in parameter 'symbols'; legal range is "
                   "'^\\[(\"[A-Z0-9-_.]{1,20}\"(,\"[A-Z0-9-_.]{1,20}\"){0,}){0,1}\\]$'.");
    return n;
}

typedef struct Chosen {
    const Source **v;
    size_t n;
    bool single; /* one object, not an array */
} Chosen;

/* symbol, symbols, or every one listed now. */
static Chosen choose(Call *c) {
    ExchangeSim *x = c->x;
    Chosen ch = { .v = arena_alloc(c->q.arena, (x->n_sources + 1) * sizeof *ch.v) };
    Str one = query_take(&c->q, "symbol"), many = query_take(&c->q, "symbols");
    if (one.p && many.p) {
        query_fail(&c->q, -1128, "Combination of optional parameters invalid.");
    } else if (one.p) {
        ch.v[0] = call_symbol(c, one);
        ch.n = ch.v[0] != NULL;
        ch.single = true;
    } else if (many.p) {
        ch.n = symbols_decode(c, many, ch.v);
    } else {
        for (size_t i = 0; i < x->n_sources; i++)
            if (source_listed(&x->sources[i], c->now))
                ch.v[ch.n++] = &x->sources[i];
    }
    return ch;
}

int64_t weight_ticker(const Query *q, int64_t one, int64_t many, bool by_count) {
    for (size_t i = 0; i < q->n; i++) {
        if (str_eq(q->v[i].name, S("symbol")))
            return one;
        if (str_eq(q->v[i].name, S("symbols")) && by_count) {
            int64_t commas = 0;
            for (size_t k = 0; k < q->v[i].value.n; k++)
                commas += q->v[i].value.p[k] == ',';
            return commas < 20 ? one : commas < 100 ? 40 : many;
        }
    }
    return many;
}

/* --- exchangeInfo --- */

static void put_f(JsonWriter *w, const char *key, double v) {
    json_key(w, str_c(key));
    Buf text;
    buf_init(&text, 512);
    put_decimal(&text, v);
    json_str(w, buf_str(&text));
    buf_done(&text);
}

static void filter_begin(JsonWriter *w, const char *type) {
    json_object(w);
    json_put_str(w, "filterType", str_c(type));
}

static void filters_write(JsonWriter *w, const GenSymbol *g) {
    double tick = decimal_to_f64(g->tick), lot = decimal_to_f64(g->lot);
    json_array(w);
    filter_begin(w, "PRICE_FILTER");
    put_f(w, "minPrice", tick);
    put_f(w, "maxPrice", tick * 1e8);
    put_f(w, "tickSize", tick);
    json_object_end(w);
    filter_begin(w, "LOT_SIZE");
    put_f(w, "minQty", lot);
    put_f(w, "maxQty", lot * 1e9);
    put_f(w, "stepSize", lot);
    json_object_end(w);
    filter_begin(w, "ICEBERG_PARTS");
    json_put_i64(w, "limit", 10);
    json_object_end(w);
    filter_begin(w, "MARKET_LOT_SIZE");
    put_f(w, "minQty", 0);
    put_f(w, "maxQty", lot * 1e7);
    put_f(w, "stepSize", 0);
    json_object_end(w);
    filter_begin(w, "TRAILING_DELTA");
    json_put_i64(w, "minTrailingAboveDelta", 10);
    json_put_i64(w, "maxTrailingAboveDelta", 2000);
    json_put_i64(w, "minTrailingBelowDelta", 10);
    json_put_i64(w, "maxTrailingBelowDelta", 2000);
    json_object_end(w);
    filter_begin(w, "PERCENT_PRICE_BY_SIDE");
    json_put_str(w, "bidMultiplierUp", S("5"));
    json_put_str(w, "bidMultiplierDown", S("0.2"));
    json_put_str(w, "askMultiplierUp", S("5"));
    json_put_str(w, "askMultiplierDown", S("0.2"));
    json_put_i64(w, "avgPriceMins", 5);
    json_object_end(w);
    filter_begin(w, "NOTIONAL");
    put_f(w, "minNotional", decimal_to_f64(g->min_notional));
    json_put_bool(w, "applyMinToMarket", true);
    put_f(w, "maxNotional", 9000000);
    json_put_bool(w, "applyMaxToMarket", false);
    json_put_i64(w, "avgPriceMins", 5);
    json_object_end(w);
    filter_begin(w, "MAX_NUM_ORDERS");
    json_put_i64(w, "maxNumOrders", 200);
    json_object_end(w);
    filter_begin(w, "MAX_NUM_ALGO_ORDERS");
    json_put_i64(w, "maxNumAlgoOrders", 5);
    json_object_end(w);
    json_array_end(w);
}

static void strings_write(JsonWriter *w, Str list) { /* "A B C" */
    Str one;
    json_array(w);
    while (list.n && str_next(&list, ' ', &one))
        json_str(w, one);
    json_array_end(w);
}

static void symbol_write(JsonWriter *w, const GenSymbol *g, bool sets) {
    json_object(w);
    json_put_str(w, "symbol", symbol_str(&g->symbol));
    json_put_str(w, "status", S("TRADING"));
    json_put_str(w, "baseAsset", symbol_str(&g->base));
    json_put_i64(w, "baseAssetPrecision", 8);
    json_put_str(w, "quoteAsset", symbol_str(&g->quote));
    json_put_i64(w, "quotePrecision", 8);
    json_put_i64(w, "quoteAssetPrecision", 8);
    json_put_i64(w, "baseCommissionPrecision", 8);
    json_put_i64(w, "quoteCommissionPrecision", 8);
    json_key(w, S("orderTypes"));
    strings_write(w, S("LIMIT LIMIT_MAKER MARKET STOP_LOSS STOP_LOSS_LIMIT TAKE_PROFIT TAKE_PROFIT_LIMIT"));
    json_put_bool(w, "icebergAllowed", true);
    json_put_bool(w, "ocoAllowed", true);
    json_put_bool(w, "otoAllowed", true);
    json_put_bool(w, "opoAllowed", true);
    json_put_bool(w, "quoteOrderQtyMarketAllowed", true);
    json_put_bool(w, "allowTrailingStop", true);
    json_put_bool(w, "cancelReplaceAllowed", true);
    json_put_bool(w, "amendAllowed", true);
    json_put_bool(w, "pegInstructionsAllowed", true);
    json_put_bool(w, "isSpotTradingAllowed", true);
    json_put_bool(w, "isMarginTradingAllowed", false);
    json_key(w, S("filters"));
    filters_write(w, g);
    json_key(w, S("permissions"));
    strings_write(w, S(""));
    if (sets) {
        json_key(w, S("permissionSets"));
        json_array(w);
        strings_write(w, S("SPOT"));
        json_array_end(w);
    }
    json_put_str(w, "defaultSelfTradePreventionMode", S("EXPIRE_MAKER"));
    json_key(w, S("allowedSelfTradePreventionModes"));
    strings_write(w, S("EXPIRE_TAKER EXPIRE_MAKER EXPIRE_BOTH DECREMENT"));
    json_object_end(w);
}

static void limit_write(JsonWriter *w, const char *type, const char *interval, int64_t num, int64_t limit) {
    json_object(w);
    json_put_str(w, "rateLimitType", str_c(type));
    json_put_str(w, "interval", str_c(interval));
    json_put_i64(w, "intervalNum", num);
    json_put_i64(w, "limit", limit);
    json_object_end(w);
}

/* permissions and symbolStatus are filters over all symbols; every one here is SPOT and TRADING. */
static bool info_filters(Call *c, bool named) {
    Str permissions = query_take(&c->q, "permissions"), status = query_take(&c->q, "symbolStatus");
    if (named && (permissions.p || status.p))
        query_fail(&c->q, -1128, "Combination of optional parameters invalid.");
    if (status.n && !str_eq(status, S("TRADING")) && !str_eq(status, S("HALT")) && !str_eq(status, S("BREAK")))
        query_fail(&c->q, -1122, "Invalid symbolStatus.");
    bool spot = !permissions.p || str_eq(permissions, S("SPOT")) || str_find(permissions, S("\"SPOT\"")) >= 0;
    return spot && (!status.p || str_eq(status, S("TRADING")));
}

void call_exchange_info(Call *c) {
    Chosen ch = choose(c);
    bool named = false;
    for (size_t i = 0; i < c->q.n; i++)
        named = named || str_eq(c->q.v[i].name, S("symbol")) || str_eq(c->q.v[i].name, S("symbols"));
    bool shown = info_filters(c, named);
    Str sets = query_take(&c->q, "showPermissionSets");
    if (sets.n && !str_eq(sets, S("true")) && !str_eq(sets, S("false")))
        query_fail(&c->q, -1130, "Data sent for parameter 'showPermissionSets' is not valid.");
    if (!query_finish(&c->q))
        return;

    JsonWriter w;
    json_writer_init(&w, &c->out, false);
    json_object(&w);
    json_put_str(&w, "timezone", S("UTC"));
    json_put_i64(&w, "serverTime", call_time(c, c->now.ms));
    json_key(&w, S("rateLimits"));
    json_array(&w);
    limit_write(&w, "REQUEST_WEIGHT", "MINUTE", 1, c->x->weight_limit);
    limit_write(&w, "ORDERS", "SECOND", 10, 100);
    limit_write(&w, "ORDERS", "DAY", 1, 200000);
    /* never reached before the weight is: every request weighs at least 1 */
    limit_write(&w, "RAW_REQUESTS", "MINUTE", 5, c->x->weight_limit * 5 + 1000);
    json_array_end(&w);
    json_key(&w, S("exchangeFilters"));
    strings_write(&w, S(""));
    json_key(&w, S("symbols"));
    json_array(&w);
    for (size_t i = 0; i < ch.n && shown; i++)
        symbol_write(&w, &ch.v[i]->listing, !str_eq(sets, S("false")));
    json_array_end(&w);
    json_object_end(&w);
}

/* --- tickers --- */

static void price_write(Call *c, JsonWriter *w, const Source *s) {
    double price = 0;
    source_price(s, c->now, &price);
    json_object(w);
    json_put_str(w, "symbol", symbol_str(&s->listing.symbol));
    put_f(w, "price", price);
    json_object_end(w);
}

static void book_write(Call *c, JsonWriter *w, const Source *s) {
    double price = 0, tick = decimal_to_f64(s->listing.tick), lot = decimal_to_f64(s->listing.lot);
    source_price(s, c->now, &price);
    json_object(w);
    json_put_str(w, "symbol", symbol_str(&s->listing.symbol));
    put_f(w, "bidPrice", round((price - tick) / tick) * tick);
    put_f(w, "bidQty", lot * 137);
    put_f(w, "askPrice", price);
    put_f(w, "askQty", lot * 211);
    json_object_end(w);
}

/* value rounded to `places` decimals, as text */
static void put_places(JsonWriter *w, const char *key, double v, int places) {
    json_key(w, str_c(key));
    Buf text;
    buf_init(&text, 512);
    buf_printf(&text, "%.*f", places, v);
    json_str(w, buf_str(&text));
    buf_done(&text);
}

static void day_write(Call *c, JsonWriter *w, const Source *s, bool mini) {
    Kline k;
    double last = 0, before = 0, tick = decimal_to_f64(s->listing.tick);
    Time from = time_add_ms(c->now, -MS_PER_DAY);
    source_price(s, c->now, &last);
    if (!source_span(s, from, time_add_ms(c->now, 1), &k))
        k = (Kline){ .c = { .open = last, .high = last, .low = last, .close = last } };
    if (!source_price(s, time_add_ms(from, -1), &before))
        before = k.c.open;
    double quote = kline_quote_volume(&k), change = k.c.close - k.c.open;
    json_object(w);
    json_put_str(w, "symbol", symbol_str(&s->listing.symbol));
    if (!mini) {
        put_places(w, "priceChange", change, 8);
        put_places(w, "priceChangePercent", k.c.open > 0 ? 100 * change / k.c.open : 0, 3);
        put_places(w, "weightedAvgPrice", k.c.volume > 0 ? quote / k.c.volume : k.c.close, 8);
        put_f(w, "prevClosePrice", before);
        put_f(w, "lastPrice", k.c.close);
        put_f(w, "lastQty", decimal_to_f64(s->listing.lot) * 100);
        put_places(w, "bidPrice", k.c.close - tick, 8);
        put_f(w, "bidQty", decimal_to_f64(s->listing.lot) * 137);
        put_f(w, "askPrice", k.c.close);
        put_f(w, "askQty", decimal_to_f64(s->listing.lot) * 211);
    }
    put_f(w, "openPrice", k.c.open);
    put_f(w, "highPrice", k.c.high);
    put_f(w, "lowPrice", k.c.low);
    if (mini)
        put_f(w, "lastPrice", k.c.close);
    put_f(w, "volume", k.c.volume);
    put_f(w, "quoteVolume", quote);
    json_put_i64(w, "openTime", call_time(c, from.ms));
    json_put_i64(w, "closeTime", call_time(c, c->now.ms));
    /* ids of trades count from the listing: as if every second had traded alike */
    int64_t first = MAX((c->now.ms - s->listing.listed.ms) / 100, 0);
    json_put_i64(w, "firstId", k.trades ? first : -1);
    json_put_i64(w, "lastId", k.trades ? first + k.trades - 1 : -1);
    json_put_i64(w, "count", k.trades);
    json_object_end(w);
}

typedef void TickerWrite(Call *c, JsonWriter *w, const Source *s);

static void day_full(Call *c, JsonWriter *w, const Source *s) {
    day_write(c, w, s, false);
}

static void day_mini(Call *c, JsonWriter *w, const Source *s) {
    day_write(c, w, s, true);
}

static void tickers_write(Call *c, const Chosen *ch, TickerWrite *write) {
    if (!query_finish(&c->q))
        return;
    JsonWriter w;
    json_writer_init(&w, &c->out, false);
    if (ch->single) {
        write(c, &w, ch->v[0]);
        return;
    }
    json_array(&w);
    for (size_t i = 0; i < ch->n; i++)
        write(c, &w, ch->v[i]);
    json_array_end(&w);
}

void call_ticker_price(Call *c) {
    Chosen ch = choose(c);
    tickers_write(c, &ch, price_write);
}

void call_book_ticker(Call *c) {
    Chosen ch = choose(c);
    tickers_write(c, &ch, book_write);
}

void call_ticker_24hr(Call *c) {
    Chosen ch = choose(c);
    Str type = query_take(&c->q, "type");
    bool mini = str_eq(type, S("MINI"));
    if (type.n && !mini && !str_eq(type, S("FULL")))
        query_fail(&c->q, -1139, "Invalid ticker type.");
    tickers_write(c, &ch, mini ? day_mini : day_full);
}
