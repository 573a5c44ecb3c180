/* sim/exchange_kraken.c - Kraken spot over the simulator's candles: OHLC, Trades, AssetPairs, Assets, Ticker, Time.
 *
 * Errors come with status 200. OHLC has the newest 720 candles and the running one, with a flat one where nobody
 * traded. Trades are made from candles that have closed: each has the trades that give exactly its open, high, low,
 * close and volume. Facts: the venue's REST documents of 2026. */

#include "sim/exchange_internal.h"

#include "base/num.h"

#include <math.h>

enum { OHLC_ROWS = 720, TRADES_MAX = 1000 };
static const int64_t SECONDS_BELOW = INT64_C(100000000000); /* the year 5138 */

static void fail(FaceCall *c, const char *words) {
    c->out.n = 0;
    buf_printf(&c->out, "{\"error\":[\"%s\"]}", words);
    c->x->stats.errors++;
}

/* --- names: BTC is XBT here, and assets of the first years have a letter before their name --- */

static const char *name_here(const Symbol *s) {
    return strcmp(s->s, "BTC") == 0 ? "XBT" : strcmp(s->s, "DOGE") == 0 ? "XDG" : s->s;
}

static Str asset_id(Arena *a, const Symbol *s) {
    static const char *const coins[] = { "XBT", "ETH", "LTC", "XRP", "XDG", "XLM", "XMR", "ZEC", "ETC" };
    static const char *const moneys[] = { "USD", "EUR", "GBP", "CAD", "JPY" };
    const char *name = name_here(s);
    for (size_t i = 0; i < ARRAY_LEN(coins); i++)
        if (strcmp(coins[i], name) == 0)
            return str_fmt(a, "X%s", name);
    for (size_t i = 0; i < ARRAY_LEN(moneys); i++)
        if (strcmp(moneys[i], name) == 0)
            return str_fmt(a, "Z%s", name);
    return str_c(name);
}

static Str altname(Arena *a, const GenSymbol *g) {
    return str_fmt(a, "%s%s", name_here(&g->base), name_here(&g->quote));
}

/* XXBTZUSD where both are of the first years, else XBTUSDT. */
static Str pair_key(Arena *a, const GenSymbol *g) {
    Str base = asset_id(a, &g->base), quote = asset_id(a, &g->quote);
    bool old = base.n == 4 && quote.n == 4 && (quote.p[0] == 'Z' || quote.p[0] == 'X') && base.p[0] == 'X' &&
               !str_eq(quote, symbol_str(&g->quote));
    return old ? str_fmt(a, STR_FMT STR_FMT, STR_ARG(base), STR_ARG(quote)) : altname(a, g);
}

/* Any of the pair's names. */
static bool pair_is(Arena *a, const GenSymbol *g, Str name) {
    return str_eq(name, symbol_str(&g->symbol)) || str_eq(name, altname(a, g)) || str_eq(name, pair_key(a, g)) ||
           str_eq(name, str_fmt(a, "%s/%s", name_here(&g->base), name_here(&g->quote)));
}

static const Source *find_pair(FaceCall *c) {
    Str pair = query_take(&c->q, "pair");
    c->symbol = pair;
    for (size_t i = 0; i < c->x->n_sources && pair.n; i++)
        if (pair_is(c->arena, &c->x->sources[i].listing, pair) && source_listed(&c->x->sources[i], c->now))
            return &c->x->sources[i];
    fail(c, pair.n ? "EQuery:Unknown asset pair" : "EGeneral:Invalid arguments");
    return NULL;
}

/* --- OHLC --- */

static const struct {
    int64_t minutes;
    Timeframe tf;
} intervals[] = { { 1, { UNIT_MINUTE, 1 } },   { 5, { UNIT_MINUTE, 5 } }, { 15, { UNIT_MINUTE, 15 } },
                  { 30, { UNIT_MINUTE, 30 } }, { 60, { UNIT_HOUR, 1 } },  { 240, { UNIT_HOUR, 4 } },
                  { 1440, { UNIT_DAY, 1 } } };

static void put_text(Buf *b, double v) {
    BUF_LIT(b, ",\"");
    put_shortest(b, v);
    buf_put_c(b, '"');
}

static void write_row(Buf *b, const Kline *k, bool first) {
    bool flat = k->c.volume == 0;
    buf_printf(b, "%s[%lld", first ? "" : ",", (long long)(k->open_ms / 1000));
    put_text(b, k->c.open);
    put_text(b, k->c.high);
    put_text(b, k->c.low);
    put_text(b, k->c.close);
    put_text(b, flat ? 0 : round((k->c.high + k->c.low + k->c.close) / 3 * 1e5) / 1e5);
    put_text(b, k->c.volume);
    buf_printf(b, ",%lld]", (long long)(flat ? 0 : MAX(k->trades, 1)));
}

/* The newest OHLC_ROWS + 1 places of the grid; places before the first trade have no row. */
static size_t fill_ohlc(const Source *s, Timeframe tf, Time now, Kline *v) {
    KlineGrid grid = { tf, 0 };
    Time running = timeframe_floor(tf, now), at = timeframe_step(tf, running, -OHLC_ROWS);
    Kline next, before;
    size_t n = 0;
    bool priced = source_prev(s, grid, time_ms(at.ms - 1), now, &before);
    double price = priced ? before.c.close : 0;
    bool some = source_next(s, grid, at, now, &next);
    for (; at.ms <= running.ms; at = timeframe_step(tf, at, 1)) {
        while (some && next.open_ms < at.ms)
            some = source_next(s, grid, time_ms(next.open_ms + 1), now, &next);
        if (some && next.open_ms == at.ms) {
            v[n++] = next;
            price = next.c.close;
            priced = true;
        } else if (priced) {
            v[n++] = (Kline){ .open_ms = at.ms, .c = { .open = price, .high = price, .low = price, .close = price } };
        }
    }
    return n;
}

static void run_ohlc(FaceCall *c) {
    const Source *s = find_pair(c);
    int64_t minutes = query_take_i64(&c->q, "interval", 1), since = query_take_i64(&c->q, "since", INT64_MIN);
    const Timeframe *tf = NULL;
    for (size_t i = 0; i < ARRAY_LEN(intervals); i++)
        if (intervals[i].minutes == minutes)
            tf = &intervals[i].tf;
    if (s && (!tf || c->q.error))
        fail(c, "EGeneral:Invalid arguments");
    if (!s || !tf || c->q.error) {
        face_fault(c, 1u << FAULT_BUSY);
        return;
    }
    Kline *v = arena_alloc(c->arena, (OHLC_ROWS + 2) * sizeof *v);
    size_t n = fill_ohlc(s, *tf, c->now, v);
    face_fault(c, 1u << FAULT_BUSY);
    Str key = pair_key(c->arena, &s->listing);
    buf_printf(&c->out, "{\"error\":[],\"result\":{\"" STR_FMT "\":[", STR_ARG(key));
    bool first = true;
    for (size_t i = 0; i < n; i++)
        if (v[i].open_ms / 1000 > since) {
            write_row(&c->out, &v[i], first);
            first = false;
            c->x->stats.rows++;
        }
    int64_t last = n > 1 ? v[n - 2].open_ms / 1000 : MAX(since, 0);
    buf_printf(&c->out, "],\"last\":%lld}}", (long long)last);
    c->x->stats.klines++;
}

/* --- Trades --- */

typedef struct Trades {
    FaceCall *c;
    int64_t since_ns, last_ns;
    size_t n, most;
} Trades;

static void put_trade(Trades *t, int64_t ns, double price, Str volume, bool up) {
    if (ns <= t->since_ns || t->n == t->most)
        return;
    Buf *b = &t->c->out;
    buf_printf(b, "%s[\"", t->n ? "," : "");
    put_shortest(b, price);
    buf_printf(b, "\",\"" STR_FMT "\",%lld.%07lld,\"%c\",\"l\",\"\",%lld]", STR_ARG(volume),
               (long long)(ns / NS_PER_SECOND), (long long)(ns % NS_PER_SECOND / 100), up ? 'b' : 's',
               (long long)(ns / 100));
    t->last_ns = ns;
    t->n++;
}

/* Volume in `n` parts that are exactly the whole: the last has what is left. */
static void split_volume(Arena *a, double volume, size_t n, Str *out) {
    char text[NUM_TEXT_MAX], part[NUM_TEXT_MAX];
    Str whole = str_n(text, num_format_f64(volume, text));
    Decimal d;
    bool exact = decimal_parse(whole, &d);
    int64_t each = exact ? d.mantissa / (int64_t)n : 0;
    for (size_t i = 0; i < n; i++) {
        Decimal one = { i + 1 < n ? each : exact ? d.mantissa - each * (int64_t)(n - 1) : 0, exact ? d.scale : 0 };
        Str s = str_n(part, decimal_format(one, part));
        out[i] = str_dup(a, !exact && i + 1 == n ? whole : s);
    }
}

/* Open, the two extremes in the order that suits the close, close; prices that repeat are one trade. */
static void put_candle_trades(Trades *t, const Kline *k) {
    bool up = k->c.close >= k->c.open;
    double path[4] = { k->c.open, up ? k->c.low : k->c.high, up ? k->c.high : k->c.low, k->c.close }, price[4];
    size_t n = 0;
    for (size_t i = 0; i < 4; i++)
        if (n == 0 || path[i] != price[n - 1])
            price[n++] = path[i];
    Str volume[4];
    split_volume(t->c->arena, k->c.volume, n, volume);
    int64_t length = k->close_ms + 1 - k->open_ms;
    for (size_t i = 0; i < n; i++) {
        int64_t ns = (k->open_ms + length * (int64_t)i / (int64_t)n) * NS_PER_MS + 1700 + 100 * (int64_t)i;
        put_trade(t, ns, price[i], volume[i], i == 0 || price[i] > price[i - 1]);
    }
}

static void run_trades(FaceCall *c) {
    const Source *s = find_pair(c);
    int64_t since = query_take_i64(&c->q, "since", 0), count = query_take_i64(&c->q, "count", TRADES_MAX);
    if (s && (c->q.error || count < 1 || count > TRADES_MAX))
        fail(c, "EGeneral:Invalid arguments");
    if (!s || c->q.error || count < 1 || count > TRADES_MAX) {
        face_fault(c, 1u << FAULT_BUSY);
        return;
    }
    if (since > 0 && since < SECONDS_BELOW) /* the venue takes seconds as well, told apart by size */
        since *= NS_PER_SECOND;
    Trades t = { .c = c, .since_ns = since, .last_ns = since, .most = (size_t)count };
    KlineGrid grid = { s->recorded ? s->recorded->timeframe : (Timeframe){ UNIT_MINUTE, 1 }, 0 };
    Time at = timeframe_floor(grid.tf, time_ms(since / NS_PER_MS));
    Kline k;
    buf_printf(&c->out, "{\"error\":[],\"result\":{\"" STR_FMT "\":[", STR_ARG(pair_key(c->arena, &s->listing)));
    while (t.n < t.most && source_next(s, grid, at, c->now, &k) && k.close_ms < c->now.ms) {
        if (k.c.volume > 0)
            put_candle_trades(&t, &k);
        at = time_ms(k.open_ms + 1);
    }
    face_fault(c, 1u << FAULT_BUSY);
    buf_printf(&c->out, "],\"last\":\"%lld\"}}", (long long)t.last_ns);
    c->x->stats.rows += (int64_t)t.n;
}

/* --- pairs, assets, ticker, clock --- */

static void put_size(JsonWriter *w, const char *key, Decimal d) {
    char text[NUM_TEXT_MAX];
    json_key(w, str_c(key));
    json_str(w, str_n(text, decimal_format(d, text)));
}

static void write_pair(FaceCall *c, JsonWriter *w, const GenSymbol *g) {
    Arena *a = c->arena;
    json_key(w, pair_key(a, g));
    json_object(w);
    json_put_str(w, "altname", altname(a, g));
    json_put_str(w, "wsname", str_fmt(a, "%s/%s", name_here(&g->base), name_here(&g->quote)));
    json_put_str(w, "aclass_base", S("currency"));
    json_put_str(w, "base", asset_id(a, &g->base));
    json_put_str(w, "aclass_quote", S("currency"));
    json_put_str(w, "quote", asset_id(a, &g->quote));
    json_put_str(w, "lot", S("unit"));
    json_put_i64(w, "cost_decimals", 5);
    json_put_i64(w, "pair_decimals", g->tick.scale);
    json_put_i64(w, "lot_decimals", g->lot.scale);
    json_put_i64(w, "lot_multiplier", 1);
    json_key(w, S("leverage_buy"));
    json_array(w);
    json_array_end(w);
    json_key(w, S("leverage_sell"));
    json_array(w);
    json_array_end(w);
    json_key(w, S("fees"));
    json_raw(w, S("[[0,0.4],[10000,0.35]]"));
    json_key(w, S("fees_maker"));
    json_raw(w, S("[[0,0.25],[10000,0.2]]"));
    json_put_str(w, "fee_volume_currency", S("ZUSD"));
    json_put_i64(w, "margin_call", 80);
    json_put_i64(w, "margin_stop", 40);
    put_size(w, "ordermin", (Decimal){ 1, MIN(g->lot.scale, 4) });
    put_size(w, "costmin", g->min_notional);
    put_size(w, "tick_size", g->tick);
    json_put_str(w, "status", S("online"));
    json_object_end(w);
}

static void run_pairs(FaceCall *c) {
    JsonWriter w;
    Str pair = query_take(&c->q, "pair");
    bool any = false;
    json_writer_init(&w, &c->out, false);
    json_object(&w);
    json_key(&w, S("error"));
    json_raw(&w, S("[]"));
    json_key(&w, S("result"));
    json_object(&w);
    for (size_t i = 0; i < c->x->n_sources; i++) {
        const Source *s = &c->x->sources[i];
        if (source_listed(s, c->now) && (!pair.n || pair_is(c->arena, &s->listing, pair))) {
            write_pair(c, &w, &s->listing);
            any = true;
        }
    }
    json_object_end(&w);
    json_object_end(&w);
    if (!any && pair.n)
        fail(c, "EQuery:Unknown asset pair");
}

static void run_assets(FaceCall *c) {
    Buf *b = &c->out;
    BUF_LIT(b, "{\"error\":[],\"result\":{");
    size_t n = 0;
    Symbol seen[256];
    for (size_t i = 0; i < c->x->n_sources; i++)
        for (int side = 0; side < 2; side++) {
            const GenSymbol *g = &c->x->sources[i].listing;
            const Symbol *one = side ? &g->quote : &g->base;
            size_t k = 0;
            while (k < n && !symbol_eq(seen[k], *one))
                k++;
            if (k < n || n == ARRAY_LEN(seen))
                continue;
            buf_printf(b,
                       "%s\"" STR_FMT "\":{\"aclass\":\"currency\",\"altname\":\"%s\",\"decimals\":10,"
                       "\"display_decimals\":5,\"status\":\"enabled\"}",
                       n ? "," : "", STR_ARG(asset_id(c->arena, one)), name_here(one));
            seen[n++] = *one;
        }
    BUF_LIT(b, "}}");
}

static void put_pairs_of(Buf *b, const char *key, double v, double w) {
    buf_printf(b, ",\"%s\":[\"", key);
    put_shortest(b, v);
    BUF_LIT(b, "\",\"");
    put_shortest(b, w);
    BUF_LIT(b, "\"]");
}

static void run_ticker(FaceCall *c) {
    const Source *s = find_pair(c);
    if (!s)
        return;
    Kline day = { 0 };
    double price = 0, tick = decimal_to_f64(s->listing.tick);
    Buf *b = &c->out;
    source_price(s, c->now, &price);
    source_span(s, time_add_ms(c->now, -MS_PER_DAY), time_add_ms(c->now, 1), &day);
    buf_printf(b, "{\"error\":[],\"result\":{\"" STR_FMT "\":{\"a\":[\"", STR_ARG(pair_key(c->arena, &s->listing)));
    put_shortest(b, price);
    BUF_LIT(b, "\",\"1\",\"1.000\"],\"b\":[\"");
    put_shortest(b, round((price - tick) / tick) * tick);
    BUF_LIT(b, "\",\"1\",\"1.000\"]");
    put_pairs_of(b, "c", price, 0.01);
    put_pairs_of(b, "v", day.c.volume, day.c.volume);
    put_pairs_of(b, "p", day.c.close, day.c.close);
    buf_printf(b, ",\"t\":[%lld,%lld]", (long long)day.trades, (long long)day.trades);
    put_pairs_of(b, "l", day.c.low, day.c.low);
    put_pairs_of(b, "h", day.c.high, day.c.high);
    BUF_LIT(b, ",\"o\":\"");
    put_shortest(b, day.c.open);
    BUF_LIT(b, "\"}}}");
}

static void run_time(FaceCall *c) {
    char text[TIME_TEXT_MAX];
    buf_printf(&c->out, "{\"error\":[],\"result\":{\"unixtime\":%lld,\"rfc1123\":\"%.*s\"}}",
               (long long)floor_div(c->now.ms, 1000), (int)time_format_http(c->now, text), text);
}

static void run_status(FaceCall *c) {
    char text[TIME_TEXT_MAX];
    buf_printf(&c->out, "{\"error\":[],\"result\":{\"status\":\"online\",\"timestamp\":\"%.*s\"}}",
               (int)time_format_iso(c->now, text), text);
}

static void run(FaceCall *c) {
    static const struct {
        const char *path;
        void (*run)(FaceCall *c);
        bool own_faults;
    } endpoints[] = {
        { "/0/public/OHLC", run_ohlc, true },
        { "/0/public/Trades", run_trades, true },
        { "/0/public/AssetPairs", run_pairs, false },
        { "/0/public/Assets", run_assets, false },
        { "/0/public/Ticker", run_ticker, false },
        { "/0/public/Time", run_time, false },
        { "/0/public/SystemStatus", run_status, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
        if (str_eq(c->path, str_c(endpoints[i].path))) {
            endpoints[i].run(c);
            if (!endpoints[i].own_faults)
                face_fault(c, 0);
            return;
        }
    fail(c, "EGeneral:Unknown method");
    face_fault(c, 0);
}

static void limited(FaceCall *c, SimReply *r) {
    UNUSED(c);
    sim_reply_json(r, 200, S("{\"error\":[\"EAPI:Rate limit exceeded\"]}"));
}

static void broken(FaceCall *c, SimReply *r, FaultKind kind) {
    UNUSED(c);
    if (kind == FAULT_BUSY)
        sim_reply_json(r, 200, S("{\"error\":[\"EService:Busy\"]}"));
    else
        sim_reply_json(r, kind == FAULT_503 ? 503 : 500, S("{\"error\":[\"EService:Unavailable\"]}"));
}

/* One call a second, and a little more at once than one client needs: others share the address. */
const SimFace sim_face_kraken = { { "/0/" }, 1000, 15, run, limited, broken };
