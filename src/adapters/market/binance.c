/* adapters/market/binance.c - the MarketFeed over Binance's klines; see binance.h.
 *
 * Paging: a request names a window of 1,000 candles by its first and last open time, and the next one begins behind
 * the last candle that came. So a short answer costs nothing and hides nothing, and no gap ends a collection. After
 * an empty answer the same start is asked for once more without the window's end: the venue then answers from the
 * next candle there is, however far, so that the years before a listing cost one request instead of thousands, and
 * a window that a troubled venue left out is not lost. Only that second answer is believed when it is empty. */

#include "adapters/market/binance_rest.h"

enum {
    WEIGHT_KLINES = 2,
    WEIGHT_EXCHANGE_INFO = 20,
    WEIGHT_TIME = 1,
    KLINES_BYTES_MAX = 2 * 1024 * 1024,
    EXCHANGE_INFO_BYTES_MAX = 64 * 1024 * 1024, /* some 3,000 symbols of 5 kB in 2026 */
    TIME_BYTES_MAX = 4096,
};

typedef struct Binance {
    MarketFeed feed; /* first */
    BinanceRest rest;
} Binance;

/* --- requests --- */

typedef struct Klines {
    Candles rows;
    Time served_at; /* the venue's clock at the answer, at least */
} Klines;

static int read_klines(BinanceCall *call, Ctx *cx, Str body) {
    Klines *out = call->out;
    out->served_at = call->served_at;
    return binance_parse_klines(cx, body, call->served_at, &out->rows);
}

/* Rows as they came, with open time in [from, last], at most `limit`. */
static int get_klines(Binance *b, Ctx *cx, const SeriesKey *key, Time from, Time last, int limit, Klines *out) {
    char text[TIMEFRAME_TEXT_MAX];
    Str name = timeframe_text(key->timeframe, text);
    BinanceCall call = { .path = "/api/v3/klines",
                         .names_symbol = true,
                         .weight = WEIGHT_KLINES,
                         .max_body = KLINES_BYTES_MAX,
                         .read = read_klines,
                         .out = out };
    call.what = str_fmt(cx->arena, "klines %s " STR_FMT, key->symbol.s, STR_ARG(name));
    call.query = str_fmt(cx->arena, "symbol=" STR_FMT "&interval=" STR_FMT "&startTime=%lld&endTime=%lld&limit=%d",
                         STR_ARG(binance_escape(cx->arena, symbol_str(&key->symbol))), STR_ARG(name),
                         (long long)from.ms, (long long)last.ms, limit);
    int r = binance_rest_get(&b->rest, cx, &call);
    if (r)
        return r;
    Time now = clock_wall(cx->clock);
    for (size_t i = 0; i < out->rows.n; i++) {
        out->rows.known_ms[i] = now.ms;
        out->rows.flags[i] |= call.simulated ? CANDLE_SIMULATED : 0;
    }
    return 0;
}

typedef struct InfoAnswer {
    Binance *b;
    BinanceExchangeInfo info;
} InfoAnswer;

static int read_info(BinanceCall *call, Ctx *cx, Str body) {
    InfoAnswer *answer = call->out;
    int r = binance_parse_exchange_info(cx, body, &answer->info);
    if (r == 0)
        binance_rest_take_info(&answer->b->rest, cx, call, &answer->info);
    return r;
}

static int read_time(BinanceCall *call, Ctx *cx, Str body) {
    return binance_parse_time(cx, body, call->out);
}

/* --- collect --- */

static int check_timeframe(Binance *b, Ctx *cx, Timeframe tf) {
    char text[TIMEFRAME_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(TIMEFRAMES); i++)
        if (timeframe_eq(TIMEFRAMES[i], tf))
            return 0;
    return err_set_at(cx, ERR_INVALID, S("timeframe"),
                      "%s has no candles of " STR_FMT "; it has 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M",
                      b->rest.venue.s, STR_ARG(timeframe_text(tf, text)));
}

typedef struct Collection {
    Binance *b;
    Ctx *cx;     /* the caller's; its arena is the callback's */
    Ctx scratch; /* the same with an arena of ours, emptied after each page */
    SeriesKey key;
    Time to;
} Collection;

/* A window of the collection, and what of the answer counts. */
typedef struct Page {
    Time from, to; /* `to` comes nearer when candles came: the rest of the window is asked for again */
    Candles rows;
    Time closed; /* as FeedPage.closed */
} Page;

/* An answer may hold rows outside of the window, twice, or out of order. */
static void take_rows(Page *page, const Candles *came, Timeframe tf, Arena *arena) {
    candles_init(&page->rows, arena, came->n);
    for (size_t i = 0; i < came->n; i++)
        if (came->open_ms[i] >= page->from.ms && came->open_ms[i] < page->to.ms)
            candles_append(&page->rows, came, i, 1);
    candles_sort_unique(&page->rows, arena);
    if (page->rows.n == 0)
        return;
    Time last = time_ms(page->rows.open_ms[page->rows.n - 1]);
    page->to = time_ms(MIN(page->to.ms, timeframe_next(tf, last).ms));
}

static int get_page(Collection *c, Page *page) {
    Time from = time_ms(MAX(page->from.ms, 0)); /* the venue's times begin in 1970 */
    Klines came = { .served_at = binance_rest_now(&c->b->rest, c->cx) };
    int r = 0;
    if (time_before(from, page->to))
        r = get_klines(c->b, &c->scratch, &c->key, from, time_ms(page->to.ms - 1), BINANCE_KLINES_MAX, &came);
    page->closed = timeframe_floor(c->key.timeframe, came.served_at);
    if (r == 0)
        take_rows(page, &came.rows, c->key.timeframe, c->scratch.arena);
    return r;
}

/* End of the window of 1,000 grid times at or behind `from`. */
static Time window_end(Timeframe tf, Time from) {
    from = time_ms(MAX(from.ms, 0));
    Time first = timeframe_on_grid(tf, from) ? from : timeframe_next(tf, from);
    return timeframe_step(tf, first, BINANCE_KLINES_MAX);
}

static int collect_pages(Collection *c, Time from, FeedPageFn *fn, void *arg) {
    int64_t n_total = 0;
    bool seek = false; /* the window has no end of its own */
    for (Time at = from;;) {
        Time end =
            timeframe_next(c->key.timeframe, binance_rest_now(&c->b->rest, c->cx)); /* of the candle that is running */
        end = time_ms(MIN(end.ms, c->to.ms));
        if (!time_before(at, end))
            return 0;
        arena_reset(c->scratch.arena);
        Page page = { .from = at, .to = seek ? end : time_ms(MIN(end.ms, window_end(c->key.timeframe, at).ms)) };
        int r = get_page(c, &page);
        if (r) {
            c->cx->err = c->scratch.err;
            return r;
        }
        seek = page.rows.n == 0 && time_before(page.to, end);
        if (seek)
            continue;
        n_total += (int64_t)page.rows.n;
        r = fn(arg, c->cx, &(FeedPage){ &page.rows, page.from, page.to, n_total, page.closed });
        if (r)
            return r;
        at = page.to;
    }
}

/* NOLINTNEXTLINE(readability-function-size): the port's own parameters */
static int binance_collect(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time from, Time to, FeedPageFn *fn,
                           void *arg) {
    Binance *b = (Binance *)f;
    Arena arena = { 0 };
    Collection c = { .b = b, .cx = cx, .scratch = *cx, .key = { .symbol = symbol, .timeframe = tf }, .to = to };
    c.scratch.arena = &arena;
    int r = check_timeframe(b, cx, tf);
    if (r == 0)
        r = binance_rest_learn(&b->rest, cx, symbol);
    if (r == 0)
        r = collect_pages(&c, from, fn, arg);
    arena_done(&arena);
    return r;
}

/* --- the rest of the port --- */

static int binance_first_candle(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out) {
    Binance *b = (Binance *)f;
    SeriesKey key = { .symbol = symbol, .timeframe = tf };
    Klines first = { 0 };
    int r = check_timeframe(b, cx, tf);
    if (r == 0)
        r = binance_rest_learn(&b->rest, cx, symbol);
    if (r == 0)
        r = get_klines(b, cx, &key, time_ms(0), binance_rest_now(&b->rest, cx), 1, &first);
    if (r)
        return r;
    if (first.rows.n == 0)
        return err_set(cx, ERR_NOT_FOUND, "%s: %s has no candle yet", b->rest.venue.s, symbol.s);
    *out = time_ms(first.rows.open_ms[0]);
    return 0;
}

static int binance_symbols(MarketFeed *f, Ctx *cx, Listing **out, size_t *n) {
    Binance *b = (Binance *)f;
    Arena arena = { 0 }; /* the answer has tens of megabytes, the listings of it one */
    Ctx scratch = *cx;
    scratch.arena = &arena;
    InfoAnswer answer = { .b = b };
    BinanceCall call = { .path = "/api/v3/exchangeInfo",
                         .what = S("exchangeInfo"),
                         .weight = WEIGHT_EXCHANGE_INFO,
                         .max_body = EXCHANGE_INFO_BYTES_MAX,
                         .read = read_info,
                         .out = &answer };
    int r = binance_rest_get(&b->rest, &scratch, &call);
    if (r == 0) {
        *n = answer.info.n_listings;
        *out = arena_new_n(cx->arena, Listing, *n);
        for (size_t i = 0; i < *n; i++) {
            (*out)[i] = answer.info.listings[i];
            (*out)[i].venue = b->rest.venue;
        }
    }
    cx->err = scratch.err;
    arena_done(&arena);
    return r;
}

static int binance_timeframes(MarketFeed *f, const Timeframe **out, size_t *n) {
    UNUSED(f);
    *out = TIMEFRAMES; /* the common ones are exactly those of the venue */
    *n = ARRAY_LEN(TIMEFRAMES);
    return 0;
}

static int binance_server_time(MarketFeed *f, Ctx *cx, Time *out) {
    Binance *b = (Binance *)f;
    BinanceCall call = { .path = "/api/v3/time",
                         .what = S("time"),
                         .weight = WEIGHT_TIME,
                         .max_body = TIME_BYTES_MAX,
                         .read = read_time,
                         .out = out };
    return binance_rest_get(&b->rest, cx, &call);
}

static void binance_limits(MarketFeed *f, FeedLimits *out) {
    Binance *b = (Binance *)f;
    pthread_mutex_lock(&b->rest.lock);
    const BinanceWindow *w = binance_limits_weight(&b->rest.limits);
    if (w)
        *out = (FeedLimits){ .weight_limit = w->limit, .weight_used = w->used, .window_ms = w->length_ms };
    out->requests = b->rest.requests;
    out->retries = b->rest.retries;
    out->waited_ms = b->rest.waited_ms;
    pthread_mutex_unlock(&b->rest.lock);
}

static bool binance_simulated(MarketFeed *f) {
    Binance *b = (Binance *)f;
    pthread_mutex_lock(&b->rest.lock);
    bool simulated = b->rest.simulated;
    pthread_mutex_unlock(&b->rest.lock);
    return simulated;
}

static void binance_close(MarketFeed *f) {
    Binance *b = (Binance *)f;
    binance_rest_done(&b->rest);
    mem_free(b);
}

static const MarketFeedOps ops = {
    .name = "binance",
    .collect = binance_collect,
    .symbols = binance_symbols,
    .timeframes = binance_timeframes,
    .first_candle = binance_first_candle,
    .server_time = binance_server_time,
    .limits = binance_limits,
    .simulated = binance_simulated,
    .close = binance_close,
};

int market_binance_open(Ctx *cx, const BinanceOptions *options, MarketFeed **out) {
    assert(options->http);
    Binance *b = mem_new(Binance);
    b->feed.ops = &ops;
    int r = binance_rest_init(&b->rest, cx, options);
    if (r) {
        mem_free(b);
        return r;
    }
    b->rest.simulated |= options->simulated;
    *out = &b->feed;
    return 0;
}
