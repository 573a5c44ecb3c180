/* adapters/market/kraken_parse.c - what Kraken's public REST sends; see kraken.h. */

#include "adapters/market/kraken.h"
#include "adapters/market/venue_parse.h"
#include "base/vec.h"

#include <math.h>

/* --- the envelope: {"error": ["E…"], "result": …} --- */

static KrakenError error_of(Str words) {
    static const struct {
        Str part;
        KrakenError error;
    } known[] = {
        { STR_INIT("Rate limit"), KRAKEN_LIMITED },        { STR_INIT("Too many requests"), KRAKEN_LIMITED },
        { STR_INIT("Temporary lockout"), KRAKEN_LIMITED }, { STR_INIT("EService:"), KRAKEN_BUSY },
        { STR_INIT("Internal error"), KRAKEN_BUSY },       { STR_INIT("Unknown asset pair"), KRAKEN_NO_PAIR },
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_find(words, known[i].part) >= 0)
            return known[i].error;
    return KRAKEN_REFUSED;
}

/* Severity comes first: W is a warning and no reason to give up. */
static void read_errors(JsonReader *r, KrakenReply *reply) {
    json_open_array(r);
    while (json_array_next(r) > 0) {
        Str words = { 0 };
        json_read_str(r, &words);
        if (reply->error == KRAKEN_WELL && words.n && words.p[0] != 'W')
            *reply = (KrakenReply){ error_of(words), words };
    }
}

typedef void ReadResult(JsonReader *r, Arena *arena, void *out);

/* "result" may stand before "error": a failure to read it only counts where nothing else is wrong. */
static int parse(Ctx *cx, Str text, const char *what, ReadResult *read, void *out, KrakenReply *reply) {
    JsonReader r;
    Str key;
    bool found = false;
    *reply = (KrakenReply){ 0 };
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0)
        if (str_eq(key, S("error"))) {
            read_errors(&r, reply);
        } else if (!found && str_eq(key, S("result")) && reply->error == KRAKEN_WELL) {
            found = true;
            read(&r, cx->arena, out);
        } else {
            json_skip(&r);
        }
    if (!found && reply->error == KRAKEN_WELL)
        json_fail(&r, "neither an error nor a result");
    return json_finish(&r) != 0 ? venue_bad_json(cx, &r, what) : 0;
}

/* --- OHLC --- */

static void read_row(JsonReader *r, Candle *c) {
    int64_t seconds = 0;
    double *numbers[] = { &c->open, &c->high, &c->low, &c->close, NULL, &c->volume };
    int item = 0;
    json_open_array(r);
    for (; json_array_next(r) > 0; item++) {
        if (item == 0)
            json_read_i64(r, &seconds);
        else if (item <= 6 && numbers[item - 1])
            json_read_f64(r, numbers[item - 1]);
        else
            json_skip(r); /* the average price, the count */
    }
    if (item < 7)
        json_fail(r, "a candle of less than 7 values");
    c->open_time = time_ms(venue_seconds_ms(seconds));
}

static void read_ohlc(JsonReader *r, Arena *arena, void *out) {
    Candles *rows = out;
    Str key;
    bool found = false;
    candles_init(rows, arena, KRAKEN_ROWS_MAX);
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (found || str_eq(key, S("last"))) {
            json_skip(r);
            continue;
        }
        found = true; /* whatever it is called: XBTUSD is answered as XXBTZUSD */
        json_open_array(r);
        while (json_array_next(r) > 0) {
            Candle c = { 0 };
            read_row(r, &c);
            venue_push_row(r, rows, &c);
        }
    }
    if (!found)
        json_fail(r, "no pair in it");
}

int kraken_parse_ohlc(Ctx *cx, Str text, KrakenReply *reply, Candles *out) {
    Candles rows = { 0 };
    int r = parse(cx, text, "OHLC", read_ohlc, &rows, reply);
    if (r == 0)
        *out = rows;
    return r;
}

/* --- Trades --- */

/* "1688669597.8277369" -> ms, cut: a trade belongs to the second it happened in. */
static bool trade_time(Str text, Time *out) {
    Str rest = text, whole;
    int64_t seconds, ms = 0, scale = 100;
    if (!str_next(&rest, '.', &whole) || !str_to_i64(whole, &seconds) || seconds < 0)
        return false;
    for (size_t i = 0; i < rest.n && scale > 0; i++, scale /= 10) {
        if (rest.p[i] < '0' || rest.p[i] > '9')
            return false;
        ms += (rest.p[i] - '0') * scale;
    }
    int64_t at = venue_seconds_ms(seconds);
    *out = time_ms(at == INT64_MAX ? at : at + ms);
    return at != INT64_MAX;
}

static void read_trade(JsonReader *r, KrakenTrade *t) {
    Str text = { 0 };
    int item = 0;
    json_open_array(r);
    for (; json_array_next(r) > 0; item++) {
        if (item == 0) {
            json_read_f64(r, &t->price);
        } else if (item == 1) {
            json_read_str(r, &text);
            if (!r->err && (!decimal_parse(text, &t->volume) || t->volume.mantissa < 0))
                json_fail(r, "a volume that is no decimal");
        } else if (item == 2) {
            json_skip_raw(r, &text);
            if (!r->err && !trade_time(text, &t->at))
                json_fail(r, "a trade whose time makes no sense");
        } else {
            json_skip(r);
        }
    }
    if (item < 3)
        json_fail(r, "a trade of less than 3 values");
}

static void read_trades(JsonReader *r, Arena *arena, void *arg) {
    KrakenTrades *out = arg;
    Str key;
    bool found = false;
    int64_t last = -1;
    out->v = arena_new_n(arena, KrakenTrade, KRAKEN_TRADES_MAX);
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (str_eq(key, S("last"))) {
            json_read_i64(r, &last);
        } else if (!found) {
            found = true;
            json_open_array(r);
            while (json_array_next(r) > 0) {
                KrakenTrade t = { 0 };
                read_trade(r, &t);
                if (out->n == KRAKEN_TRADES_MAX)
                    json_fail(r, "more trades than were asked for");
                else if (out->n && time_before(t.at, out->v[out->n - 1].at))
                    json_fail(r, "trades that are not in order of time");
                else
                    out->v[out->n++] = t;
            }
        }
    }
    out->last_ns = last;
    if (!found || last < 0)
        json_fail(r, "no pair or no cursor in it");
}

int kraken_parse_trades(Ctx *cx, Str text, KrakenReply *reply, KrakenTrades *out) {
    KrakenTrades trades = { 0 };
    int r = parse(cx, text, "trades", read_trades, &trades, reply);
    if (r == 0)
        *out = trades;
    return r;
}

/* --- AssetPairs --- */

/* XXBT and ZUSD are old ids with a letter before them: X for coins, Z for money; XBT and XDG are BTC and DOGE. */
static Str asset_name(Str id) {
    if (id.n == 4 && (id.p[0] == 'X' || id.p[0] == 'Z'))
        id = str_from(id, 1);
    return str_eq(id, S("XBT")) ? S("BTC") : str_eq(id, S("XDG")) ? S("DOGE") : id;
}

static bool read_pair(JsonReader *r, Arena *arena, Listing *l) {
    Str key, altname = { 0 }, base = { 0 }, quote = { 0 }, text = { 0 }, status = S("online");
    int64_t price_decimals = -1, lot_decimals = -1;
    *l = (Listing){ .asset = ASSET_CRYPTO, .valid_from = TIME_MIN, .valid_to = TIME_MAX };
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (str_eq(key, S("altname")))
            json_read_str(r, &altname);
        else if (str_eq(key, S("base")))
            json_read_str(r, &base);
        else if (str_eq(key, S("quote")))
            json_read_str(r, &quote);
        else if (str_eq(key, S("status")))
            json_read_str(r, &status);
        else if (str_eq(key, S("tick_size")) && json_read_str(r, &text) == 0)
            l->tick = venue_size(text);
        else if (str_eq(key, S("costmin")) && json_read_str(r, &text) == 0)
            l->min_notional = venue_size(text);
        else if (str_eq(key, S("pair_decimals")))
            json_read_i64(r, &price_decimals);
        else if (str_eq(key, S("lot_decimals")))
            json_read_i64(r, &lot_decimals);
        else
            json_skip(r);
    }
    if (!l->tick.mantissa && price_decimals >= 0 && price_decimals <= 18)
        l->tick = (Decimal){ 1, (int)price_decimals };
    if (lot_decimals >= 0 && lot_decimals <= 18)
        l->lot = (Decimal){ 1, (int)lot_decimals };
    l->status = str_eq(status, S("online")) ? LISTING_TRADING : LISTING_HALTED;
    return venue_name_pair(arena, altname, asset_name(base), asset_name(quote), l);
}

typedef VEC(Listing) Listings;

static void read_pairs(JsonReader *r, Arena *arena, void *arg) {
    Listings *out = arg;
    Str key;
    size_t seen = 0;
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        Listing l;
        if (seen++ == KRAKEN_PAIRS_MAX)
            json_fail(r, "more pairs than any venue has");
        else if (read_pair(r, arena, &l))
            vec_push_in(arena, out, l);
    }
}

int kraken_parse_pairs(Ctx *cx, Str text, KrakenReply *reply, Listing **out, size_t *n) {
    Listings all = { 0 };
    int r = parse(cx, text, "asset pairs", read_pairs, &all, reply);
    if (r == 0) {
        *out = all.v;
        *n = all.n;
    }
    return r;
}

/* --- Time --- */

static void read_time(JsonReader *r, Arena *arena, void *arg) {
    Time *out = arg;
    Str key;
    int64_t seconds = 0;
    UNUSED(arena);
    json_open_object(r);
    while (json_object_next(r, &key) > 0)
        if (str_eq(key, S("unixtime")))
            json_read_i64(r, &seconds);
        else
            json_skip(r);
    *out = time_ms(venue_seconds_ms(seconds));
    if (seconds <= 0 || !venue_time_ok(out->ms))
        json_fail(r, "no server time");
}

int kraken_parse_time(Ctx *cx, Str text, KrakenReply *reply, Time *out) {
    Time at = { 0 };
    int r = parse(cx, text, "time", read_time, &at, reply);
    if (r == 0)
        *out = at;
    return r;
}
