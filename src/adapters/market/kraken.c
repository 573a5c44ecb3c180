/* adapters/market/kraken.c - Kraken spot as a VenueDriver; see kraken.h.
 *
 * A collection is at most two parts. What lies behind the newest 720 candles is built from Trades, from the range's
 * begin on; each answer that closes candles becomes a page, whose end is where a collection that was killed goes on.
 * The rest is one call of OHLC. */

#include "adapters/market/kraken_trades.h"
#include "adapters/market/venue_parse.h"

#include <math.h>

enum {
    OHLC_BYTES_MAX = 1024 * 1024,
    TRADES_BYTES_MAX = 2 * 1024 * 1024,
    PAIRS_BYTES_MAX = 32 * 1024 * 1024,
    TIME_BYTES_MAX = 4096,
};

/* --- one call --- */

typedef struct Answer { /* what a read fills */
    KrakenReply reply;
    Candles rows;
    KrakenTrades trades;
    Listing *pairs;
    size_t n_pairs;
    Time time, served_at;
} Answer;

/* An error in words is what other venues say with a status. */
static int verdict(VenueCall *call, Ctx *cx, int r) {
    Answer *a = call->out;
    int code = 0;
    a->served_at = call->served_at;
    if (r)
        return r;
    switch (a->reply.error) {
    case KRAKEN_WELL:
        return 0;
    case KRAKEN_NO_PAIR:
        call->no_symbol = true;
        return 0;
    case KRAKEN_BUSY:
    case KRAKEN_LIMITED:
        code = a->reply.error == KRAKEN_LIMITED ? ERR_LIMIT : ERR_UNAVAILABLE;
        err_set(cx, code, "the venue answers \"" STR_FMT "\"", STR_ARG(str_first(a->reply.words, 100)));
        return venue_call_busy(call, code);
    default:
        err_set(cx, ERR_INVALID, "the venue refuses the request: \"" STR_FMT "\"",
                STR_ARG(str_first(a->reply.words, 200)));
        return ERR_INVALID;
    }
}

static int read_ohlc(VenueCall *call, Ctx *cx, Str body) {
    Answer *a = call->out;
    return verdict(call, cx, kraken_parse_ohlc(cx, body, &a->reply, &a->rows));
}

static int read_trades(VenueCall *call, Ctx *cx, Str body) {
    Answer *a = call->out;
    return verdict(call, cx, kraken_parse_trades(cx, body, &a->reply, &a->trades));
}

static int read_pairs(VenueCall *call, Ctx *cx, Str body) {
    Answer *a = call->out;
    return verdict(call, cx, kraken_parse_pairs(cx, body, &a->reply, &a->pairs, &a->n_pairs));
}

static int read_time(VenueCall *call, Ctx *cx, Str body) {
    Answer *a = call->out;
    return verdict(call, cx, kraken_parse_time(cx, body, &a->reply, &a->time));
}

/* --- OHLC: the newest candles --- */

/* Open time of the oldest candle that OHLC surely has. */
static Time ohlc_reach(VenueFeed *f, Ctx *cx, Timeframe tf) {
    return timeframe_step(tf, timeframe_floor(tf, venue_rest_now(&f->rest, cx)), -KRAKEN_ROWS);
}

static int kraken_candles(VenueFeed *f, Ctx *cx, const VenueWindow *w, VenueRows *out) {
    char text[TIMEFRAME_TEXT_MAX];
    Answer answer = { 0 };
    VenueCall call = {
        .path = "/0/public/OHLC", .names_symbol = true, .max_body = OHLC_BYTES_MAX, .read = read_ohlc, .out = &answer
    };
    int64_t interval_ms = timeframe_ms(w->timeframe);
    /* Whether the candle of `since` itself comes is told nowhere: ask from the one before. */
    int64_t since = MAX(timeframe_floor(w->timeframe, w->from).ms - interval_ms, 0) / 1000;
    call.what = str_fmt(cx->arena, "OHLC %s " STR_FMT, w->symbol.s, STR_ARG(timeframe_text(w->timeframe, text)));
    call.query = str_fmt(cx->arena, "pair=" STR_FMT "&interval=%lld&since=%lld",
                         STR_ARG(venue_escape(cx->arena, symbol_str(&w->symbol))),
                         (long long)(interval_ms / MS_PER_MINUTE), (long long)since);
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = (VenueRows){ answer.rows, answer.served_at, call.simulated };
    return r;
}

/* --- Trades: everything older --- */

static int get_trades(VenueFeed *f, Ctx *cx, Symbol symbol, int64_t since_ns, Answer *out, bool *simulated) {
    VenueCall call = {
        .path = "/0/public/Trades", .names_symbol = true, .max_body = TRADES_BYTES_MAX, .read = read_trades, .out = out
    };
    *out = (Answer){ 0 };
    call.what = str_fmt(cx->arena, "trades %s", symbol.s);
    call.query = str_fmt(cx->arena, "pair=" STR_FMT "&since=%lld&count=%d",
                         STR_ARG(venue_escape(cx->arena, symbol_str(&symbol))), (long long)since_ns, KRAKEN_TRADES_MAX);
    int r = venue_rest_get(&f->rest, cx, &call);
    *simulated = call.simulated;
    return r;
}

static int64_t cursor_of(Time t) { /* `since` leaves out what happened at it */
    int64_t ns;
    return __builtin_mul_overflow(MAX(t.ms, 0), NS_PER_MS, &ns) ? INT64_MAX : MAX(ns - 1, 0);
}

static int kraken_first_candle(VenueFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out) {
    Answer a;
    bool simulated;
    if (venue_rest_begin(&f->rest, symbol, tf, out))
        return 0;
    int r = get_trades(f, cx, symbol, 0, &a, &simulated);
    if (r)
        return r;
    if (a.trades.n == 0)
        return err_set(cx, ERR_NOT_FOUND, "%s: %s was never traded", f->rest.venue.s, symbol.s);
    *out = timeframe_floor(tf, a.trades.v[0].at);
    venue_rest_set_begin(&f->rest, symbol, tf, *out);
    return 0;
}

/* The price before `from`, for places without a trade right behind it. Looks back further and further; NaN before
 * the first trade, and where half a year has none. */
static int price_before(VenueCollection *c, Ctx *cx, Time from, double *out) {
    static const int64_t back_ms[] = { 15 * MS_PER_MINUTE, 6 * (int64_t)MS_PER_HOUR, 7 * (int64_t)MS_PER_DAY,
                                       180 * (int64_t)MS_PER_DAY };
    Time first;
    int r = kraken_first_candle(c->feed, cx, c->symbol, c->timeframe, &first);
    *out = NAN;
    if (r || !time_before(first, from))
        return r == ERR_NOT_FOUND ? 0 : r;
    for (size_t i = 0; i < ARRAY_LEN(back_ms) && isnan(*out); i++) {
        int64_t since = cursor_of(time_add_ms(from, -back_ms[i]));
        for (bool more = true; more;) {
            Answer a;
            bool simulated;
            arena_reset(cx->arena);
            r = get_trades(c->feed, cx, c->symbol, since, &a, &simulated);
            if (r)
                return r;
            size_t k = 0;
            for (; k < a.trades.n && time_before(a.trades.v[k].at, from); k++)
                *out = a.trades.v[k].price;
            more = k == KRAKEN_TRADES_MAX && a.trades.last_ns > since;
            since = a.trades.last_ns;
        }
    }
    return 0;
}

/* The same in memory of its own. */
static int look_back(VenueCollection *c, Time from, double *out) {
    Arena arena = { 0 };
    Ctx cx = c->scratch;
    cx.arena = &arena;
    int r = price_before(c, &cx, from, out);
    c->scratch.err = cx.err;
    arena_done(&arena);
    return r;
}

typedef struct Deep { /* the part from Trades */
    TradeCandles build;
    int64_t since_ns;
    Time at, to; /* [at, to) is left */
    bool priced; /* the price before `at` is known, or need not be */
} Deep;

/* Candles of the answer, and up to where they are all there are. */
static Time take_trades(VenueCollection *c, Deep *d, const Answer *a, bool simulated, Candles *out) {
    Arena *arena = c->scratch.arena;
    Time now = clock_wall(c->cx->clock);
    candles_init(out, arena, 0);
    for (size_t i = 0; i < a->trades.n; i++)
        trade_candles_add(&d->build, &a->trades.v[i], out, arena);
    bool last = a->trades.n < KRAKEN_TRADES_MAX;
    Time end = last ? a->served_at : a->trades.v[a->trades.n - 1].at;
    end = time_ms(MIN(end.ms, d->to.ms));
    trade_candles_until(&d->build, end, out, arena);
    for (size_t i = 0; i < out->n; i++) {
        out->known_ms[i] = now.ms;
        out->flags[i] = simulated ? CANDLE_SIMULATED : 0;
    }
    return last ? end : d->build.next;
}

/* One answer of Trades; candles that it closes are a page. */
static int deep_step(VenueCollection *c, Deep *d) {
    Answer a;
    Candles rows;
    bool simulated;
    arena_reset(c->scratch.arena);
    int r = get_trades(c->feed, &c->scratch, c->symbol, d->since_ns, &a, &simulated);
    if (r)
        return r;
    /* Nothing traded in the first place of the grid: it is as flat as the price before it says. */
    if (!d->priced && (!a.trades.n || !time_before(a.trades.v[0].at, timeframe_next(c->timeframe, d->build.next))))
        r = look_back(c, d->build.next, &d->build.price);
    if (r)
        return r;
    d->priced = true;
    if (a.trades.n == KRAKEN_TRADES_MAX && a.trades.last_ns <= d->since_ns)
        return err_set(&c->scratch, ERR_COLLECTION, "trades %s: the cursor does not move", c->symbol.s);
    Time done = take_trades(c, d, &a, simulated, &rows);
    d->since_ns = a.trades.last_ns;
    done = time_ms(MIN(done.ms, d->to.ms));
    if (!time_before(d->at, done))
        return 0;
    r = venue_deliver(c, d->at, done, &rows, a.served_at);
    d->at = done;
    return r;
}

/* Trades until OHLC reaches the rest. */
static int collect_deep(VenueCollection *c, Time *at) {
    Time from = time_ms(MAX(at->ms, 0)), first = timeframe_floor(c->timeframe, from);
    if (first.ms < from.ms)
        first = timeframe_next(c->timeframe, from);
    Deep d = { .at = *at, .to = c->to, .since_ns = cursor_of(first) };
    trade_candles_init(&d.build, c->timeframe, first);
    int r = 0;
    while (r == 0) {
        Time reach = ohlc_reach(c->feed, c->cx, c->timeframe);
        d.to = time_ms(MIN(reach.ms, c->to.ms));
        if (!time_before(d.at, d.to))
            break;
        r = deep_step(c, &d);
    }
    *at = d.at;
    return r;
}

static int collect_newest(VenueCollection *c, Time at) {
    VenueWindow w = { c->symbol, c->timeframe, at, c->to, KRAKEN_ROWS };
    VenueRows came = { 0 };
    Time running = timeframe_next(c->timeframe, venue_rest_now(&c->feed->rest, c->cx));
    Time end = time_ms(MIN(running.ms, c->to.ms));
    if (!time_before(at, end))
        return 0;
    arena_reset(c->scratch.arena);
    int r = venue_candles(c->feed, &c->scratch, &w, &came);
    return r ? r : venue_deliver(c, at, end, &came.rows, came.served_at);
}

static int kraken_collect(VenueCollection *c, Time from) {
    Time at = from;
    int r = collect_deep(c, &at);
    return r ? r : collect_newest(c, at);
}

/* --- the rest --- */

static int kraken_symbols(VenueFeed *f, Ctx *cx, Listing **out, size_t *n) {
    Answer a = { 0 };
    VenueCall call = { .path = "/0/public/AssetPairs",
                       .what = S("asset pairs"),
                       .max_body = PAIRS_BYTES_MAX,
                       .read = read_pairs,
                       .out = &a };
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = a.pairs;
    *n = a.n_pairs;
    return r;
}

static int kraken_server_time(VenueFeed *f, Ctx *cx, Time *out) {
    Answer a = { 0 };
    VenueCall call = {
        .path = "/0/public/Time", .what = S("time"), .max_body = TIME_BYTES_MAX, .read = read_time, .out = &a
    };
    int r = venue_rest_get(&f->rest, cx, &call);
    *out = a.time;
    return r;
}

/* The week of this venue begins on Thursday, and 15 days are no timeframe of ours: both are left to resampling. */
static const Timeframe timeframes[] = { { UNIT_MINUTE, 1 },  { UNIT_MINUTE, 5 }, { UNIT_MINUTE, 15 },
                                        { UNIT_MINUTE, 30 }, { UNIT_HOUR, 1 },   { UNIT_HOUR, 4 },
                                        { UNIT_DAY, 1 } };

const VenueDriver venue_kraken = {
    .name = "kraken",
    .base_url = "https://api.kraken.com",
    .timeframes = timeframes,
    .n_timeframes = ARRAY_LEN(timeframes),
    .page_rows = KRAKEN_ROWS,
    .pace = { .interval_ms = 1000, .burst = 1 },
    .candles = kraken_candles,
    .symbols = kraken_symbols,
    .first_candle = kraken_first_candle,
    .server_time = kraken_server_time,
    .collect = kraken_collect,
};
