/* adapters/market/vci.c - Vietcap's chart data as a VenueDriver; see vci.h.
 *
 * A window ends where a request ends, and its count is the most candles that business days in it can have; the venue
 * then answers with at least all of the window, and with older ones where there were holidays, which are left out.
 * So an answer is whole, however short, and an empty one means that nothing is older. */

#include "adapters/market/vci.h"

#include "adapters/market/venue_parse.h"
#include "base/vec.h"

enum { CHART_BYTES_MAX = 4 * 1024 * 1024, SYMBOLS_BYTES_MAX = 16 * 1024 * 1024, UTC_OFFSET_MS = 7 * 3600 * 1000 };

static const Timeframe M1 = { UNIT_MINUTE, 1 }, H1 = { UNIT_HOUR, 1 }, D1 = { UNIT_DAY, 1 };

/* --- parsing --- */

typedef struct Column {
    double *v;
    size_t n;
} Column;

static void read_column(JsonReader *r, Arena *arena, Column *out) {
    *out = (Column){ .v = arena_new_n(arena, double, VCI_ROWS_MAX) };
    json_open_array(r);
    while (json_array_next(r) > 0) {
        double v = 0;
        json_read_f64(r, &v); /* numbers, or numbers in quotes */
        if (out->n == VCI_ROWS_MAX)
            json_fail(r, "more candles than were asked for");
        else
            out->v[out->n++] = v;
    }
}

enum { COL_T, COL_O, COL_H, COL_L, COL_C, COL_V, COLS };

static void read_chart(JsonReader *r, Arena *arena, Candles *out) {
    static const char names[COLS + 1] = "tohlcv";
    Column cols[COLS] = { 0 };
    Str key;
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        const char *at = key.n == 1 ? strchr(names, key.p[0]) : NULL;
        if (at && *at && json_peek(r) == JSON_ARRAY)
            read_column(r, arena, &cols[at - names]);
        else
            json_skip(r);
    }
    for (int i = 0; i < COLS; i++)
        if (cols[i].n != cols[COL_T].n)
            json_fail(r, "columns of different lengths");
    if (r->err)
        return;
    candles_init(out, arena, cols[COL_T].n);
    for (size_t i = 0; i < cols[COL_T].n && !r->err; i++) {
        double t = cols[COL_T].v[i];
        Candle c = { .open = cols[COL_O].v[i],
                     .high = cols[COL_H].v[i],
                     .low = cols[COL_L].v[i],
                     .close = cols[COL_C].v[i],
                     .volume = cols[COL_V].v[i] };
        bool whole = t > -1e11 && t < 1e11 && t == (double)(int64_t)t;
        c.open_time = time_ms(whole ? venue_seconds_ms((int64_t)t) : INT64_MAX);
        venue_push_row(r, out, &c);
    }
}

/* Bare, or in {"data": …}: goes to the array. false when it is not there. */
static bool open_data(JsonReader *r, bool *wrapped) {
    Str key;
    *wrapped = json_peek(r) == JSON_OBJECT;
    if (!*wrapped)
        return json_open_array(r) == 0;
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        if (str_eq(key, S("data")))
            return json_open_array(r) == 0;
        json_skip(r);
    }
    json_fail(r, "no data in it");
    return false;
}

static void close_data(JsonReader *r, bool wrapped) {
    Str key;
    while (wrapped && json_object_next(r, &key) > 0)
        json_skip(r);
}

int vci_parse_chart(Ctx *cx, Str text, bool *known, Candles *out) {
    JsonReader r;
    Candles rows = { 0 };
    bool wrapped;
    int n = 0;
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    if (open_data(&r, &wrapped)) {
        for (; json_array_next(&r) > 0; n++) {
            if (n == 0)
                read_chart(&r, cx->arena, &rows);
            else
                json_fail(&r, "more than one symbol in it");
        }
        close_data(&r, wrapped);
    }
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "chart");
    *known = n > 0;
    *out = rows;
    return 0;
}

/* One of the list; false: not a symbol that we can name, or not JSON, which json_finish tells. */
static bool read_listing(JsonReader *r, Arena *arena, Listing *out) {
    Str key, symbol = { 0 }, board = { 0 }, type = { 0 };
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        Str *to = str_eq(key, S("symbol"))  ? &symbol
                  : str_eq(key, S("board")) ? &board
                  : str_eq(key, S("type"))  ? &type
                                            : NULL;
        if (to && json_peek(r) == JSON_STRING)
            json_read_str(r, to);
        else
            json_skip(r);
    }
    *out = (Listing){ .status = str_eq(board, S("DELISTED")) ? LISTING_DELISTED : LISTING_TRADING,
                      .valid_from = TIME_MIN,
                      .valid_to = TIME_MAX,
                      .calendar = "hose", /* Hanoi keeps the same hours and holidays */
                      .time_zone = "Asia/Ho_Chi_Minh" };
    out->asset = str_eq_nocase(type, S("INDEX")) ? ASSET_INDEX
                 : str_eq_nocase(type, S("FU"))  ? ASSET_FUTURE
                                                 : ASSET_STOCK;
    return symbol_parse(symbol, &out->symbol) && symbol_parse(symbol, &out->base) &&
           symbol_parse(S("VND"), &out->quote) &&
           symbol_parse(str_fmt(arena, STR_FMT ".VN", STR_ARG(symbol)), &out->instrument);
}

int vci_parse_symbols(Ctx *cx, Str text, Listing **out, size_t *n) {
    JsonReader r;
    VEC(Listing) all = { 0 };
    bool wrapped;
    size_t seen = 0;
    json_reader_init(&r, text, cx->arena, VENUE_DEPTH_MAX);
    if (open_data(&r, &wrapped)) {
        while (json_array_next(&r) > 0) {
            Listing l;
            if (seen++ == VCI_SYMBOLS_MAX) {
                json_fail(&r, "more symbols than any exchange has");
                break;
            }
            if (read_listing(&r, cx->arena, &l))
                vec_push_in(cx->arena, &all, l);
        }
        close_data(&r, wrapped);
    }
    if (json_finish(&r) != 0)
        return venue_bad_json(cx, &r, "symbols");
    *out = all.v;
    *n = all.n;
    return 0;
}

/* --- how many candles a range can have --- */

static int64_t per_day(Timeframe tf) {
    return timeframe_eq(tf, M1) ? 255 : timeframe_eq(tf, H1) ? 5 : 1;
}

static int64_t local_day(Time t) {
    return floor_div(t.ms + UTC_OFFSET_MS, MS_PER_DAY);
}

static Time day_begin(int64_t day) {
    return time_ms(day * MS_PER_DAY - UTC_OFFSET_MS);
}

/* Monday to Friday among the days [from, to). */
static int64_t business_days(int64_t from, int64_t to) {
    int64_t weeks = (to - from) / 7, n = weeks * 5;
    for (int64_t day = from + weeks * 7; day < to; day++)
        n += weekday_of_days(day) < 5;
    return n;
}

int64_t vci_count_back(Timeframe tf, Time from, Time to) {
    if (!time_before(from, to))
        return 0;
    return business_days(local_day(from), local_day(time_ms(to.ms - 1)) + 1) * per_day(tf);
}

/* The day on which VCI_ROWS candles are full. */
static Time vci_window_end(Timeframe tf, Time from) {
    int64_t days = VCI_ROWS / per_day(tf), first = local_day(from);
    int64_t day = first + days / 5 * 7;
    while (business_days(first, day) > days)
        day--;
    while (business_days(first, day + 1) <= days)
        day++;
    return day_begin(day);
}

/* --- requests --- */

static const char *frame_name(Timeframe tf) {
    return timeframe_eq(tf, M1) ? "ONE_MINUTE" : timeframe_eq(tf, H1) ? "ONE_HOUR" : "ONE_DAY";
}

/* Indices of the smaller exchanges have names of their own here. */
static Str wire_symbol(Str symbol) {
    static const Str names[][2] = { { STR_INIT("HNX"), STR_INIT("HNXIndex") },
                                    { STR_INIT("UPCOM"), STR_INIT("HNXUpcomIndex") } };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(symbol, names[i][0]))
            return names[i][1];
    return symbol;
}

static int read_chart_body(VenueCall *call, Ctx *cx, Str body) {
    VenueRows *out = call->out;
    bool known = false;
    out->served_at = call->served_at;
    int r = vci_parse_chart(cx, body, &known, &out->rows);
    call->no_symbol = r == 0 && !known;
    return r;
}

static int get_chart(VenueFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time to, int64_t count, VenueRows *out) {
    char text[TIMEFRAME_TEXT_MAX];
    VenueCall call = { .method = "POST",
                       .path = "/api/chart/OHLCChart/gap-chart",
                       .names_symbol = true,
                       .max_body = CHART_BYTES_MAX,
                       .read = read_chart_body,
                       .out = out };
    call.what = str_fmt(cx->arena, "chart %s " STR_FMT, symbol.s, STR_ARG(timeframe_text(tf, text)));
    call.body =
        str_fmt(cx->arena, "{\"timeFrame\":\"%s\",\"symbols\":[\"" STR_FMT "\"],\"to\":%lld,\"countBack\":%lld}",
                frame_name(tf), STR_ARG(wire_symbol(symbol_str(&symbol))),
                (long long)((to.ms + MS_PER_SECOND - 1) / MS_PER_SECOND), (long long)count);
    int r = venue_rest_get(&f->rest, cx, &call);
    out->simulated = call.simulated;
    return r;
}

static int vci_candles(VenueFeed *f, Ctx *cx, const VenueWindow *w, VenueRows *out) {
    int64_t count = vci_count_back(w->timeframe, w->from, w->to);
    /* A day's candle bears midnight UTC, seven hours into the local day: it comes with the day's end. */
    Time to =
        timeframe_eq(w->timeframe, D1) ? time_add_ms(timeframe_floor(D1, time_ms(w->to.ms - 1)), MS_PER_DAY) : w->to;
    return count ? get_chart(f, cx, w->symbol, w->timeframe, to, MIN(count, VCI_ROWS), out) : 0;
}

static int vci_first_candle(VenueFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out) {
    Time to = timeframe_next(D1, venue_rest_now(&f->rest, cx)), first = TIME_MAX;
    if (venue_rest_begin(&f->rest, symbol, tf, out))
        return 0;
    for (size_t n = VCI_ROWS; n == VCI_ROWS;) {
        VenueRows rows = { 0 };
        int r = get_chart(f, cx, symbol, tf, to, VCI_ROWS, &rows);
        if (r)
            return r;
        n = rows.rows.n;
        for (size_t i = 0; i < n; i++)
            first = time_ms(MIN(first.ms, rows.rows.open_ms[i]));
        if (n && !time_before(first, to))
            return err_set(cx, ERR_COLLECTION, "%s: %s: older candles were asked for, and younger ones came",
                           f->rest.venue.s, symbol.s);
        to = first;
    }
    if (first.ms == INT64_MAX)
        return err_set(cx, ERR_NOT_FOUND, "%s: %s has no candle", f->rest.venue.s, symbol.s);
    *out = first;
    venue_rest_set_begin(&f->rest, symbol, tf, first);
    return 0;
}

static int vci_next_candle(VenueFeed *f, Ctx *cx, const VenueWindow *w, Time *out) {
    int r = vci_first_candle(f, cx, w->symbol, w->timeframe, out);
    if (r == 0 && time_before(*out, w->from))
        *out = w->from;
    return r;
}

typedef struct Symbols {
    Listing *v;
    size_t n;
} Symbols;

static int read_symbols_body(VenueCall *call, Ctx *cx, Str body) {
    Symbols *s = call->out;
    return vci_parse_symbols(cx, body, &s->v, &s->n);
}

static int vci_symbols(VenueFeed *f, Ctx *cx, Listing **out, size_t *n) {
    Symbols s = { 0 };
    VenueCall call = { .path = "/api/price/symbols/getAll",
                       .what = S("symbols"),
                       .max_body = SYMBOLS_BYTES_MAX,
                       .read = read_symbols_body,
                       .out = &s };
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = s.v;
    *n = s.n;
    return r;
}

/* There is no clock to ask: the Date of the cheapest answer tells it, to the second; without one it is ours. */
static int vci_server_time(VenueFeed *f, Ctx *cx, Time *out) {
    VenueRows rows = { 0 };
    Symbol index;
    bool ok = symbol_parse(S("VNINDEX"), &index);
    assert(ok);
    UNUSED(ok);
    int r = get_chart(f, cx, index, D1, timeframe_next(D1, venue_rest_now(&f->rest, cx)), 1, &rows);
    if (r == 0 || r == FEED_NO_SYMBOL)
        *out = venue_rest_now(&f->rest, cx);
    return r < 0 ? r : 0;
}

static int vci_refusal(const VenueCall *call, Ctx *cx, const HttpResponse *res, bool *worded) {
    UNUSED(cx);
    *worded = call->names_symbol && (res->status == 400 || res->status == 404);
    return *worded ? FEED_NO_SYMBOL : 0;
}

static const Timeframe timeframes[] = { { UNIT_MINUTE, 1 }, { UNIT_HOUR, 1 }, { UNIT_DAY, 1 } };
static const HttpHeader headers[] = {
    { STR_INIT("Content-Type"), STR_INIT("application/json") },
    { STR_INIT("Accept"), STR_INIT("application/json") },
    { STR_INIT("Origin"), STR_INIT("https://trading.vietcap.com.vn") },
    { STR_INIT("Referer"), STR_INIT("https://trading.vietcap.com.vn/") },
    { STR_INIT("User-Agent"), STR_INIT("Mozilla/5.0 (compatible; FinSight/" FINSIGHT_VERSION ")") },
};

const VenueDriver venue_vci = {
    .name = "vci",
    .base_url = "https://trading.vietcap.com.vn",
    .timeframes = timeframes,
    .n_timeframes = ARRAY_LEN(timeframes),
    .page_rows = VCI_ROWS,
    .leaves_out = true,
    .readjusts = true,
    .pace = { .interval_ms = 1000, .burst = 1 },
    .headers = headers,
    .n_headers = ARRAY_LEN(headers),
    .candles = vci_candles,
    .symbols = vci_symbols,
    .first_candle = vci_first_candle,
    .next_candle = vci_next_candle,
    .window_end = vci_window_end,
    .server_time = vci_server_time,
    .refusal = vci_refusal,
};
