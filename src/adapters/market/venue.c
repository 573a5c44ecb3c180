/* adapters/market/venue.c - the MarketFeed over any VenueDriver; see venue.h. */

#include "adapters/market/venue.h"

#include "base/buf.h"

/* --- one answer --- */

int venue_candles(VenueFeed *f, Ctx *cx, const VenueWindow *w, VenueRows *out) {
    VenueRows got = { .served_at = venue_rest_now(&f->rest, cx) };
    int r = f->driver->candles(f, cx, w, &got);
    if (r)
        return r;
    Time now = clock_wall(cx->clock);
    for (size_t i = 0; i < got.rows.n; i++) {
        Time next = timeframe_next(w->timeframe, time_ms(got.rows.open_ms[i]));
        got.rows.known_ms[i] = now.ms;
        got.rows.flags[i] |= got.simulated ? CANDLE_SIMULATED : 0;
        got.rows.flags[i] |= time_before(got.served_at, next) ? CANDLE_OPEN : 0;
    }
    *out = got;
    return 0;
}

/* --- collect --- */

static int check_timeframe(VenueFeed *f, Ctx *cx, Timeframe tf) {
    char text[TIMEFRAME_TEXT_MAX];
    Buf known;
    for (size_t i = 0; i < f->driver->n_timeframes; i++)
        if (timeframe_eq(f->driver->timeframes[i], tf))
            return 0;
    buf_init(&known, 256);
    for (size_t i = 0; i < f->driver->n_timeframes; i++)
        buf_printf(&known, " " STR_FMT, STR_ARG(timeframe_text(f->driver->timeframes[i], text)));
    int r = err_set_at(cx, ERR_INVALID, S("timeframe"),
                       "%s has no candles of " STR_FMT "; it has" STR_FMT ": collect a shorter one and resample it",
                       f->rest.venue.s, STR_ARG(timeframe_text(tf, text)), STR_ARG(buf_str(&known)));
    buf_done(&known);
    return r;
}

/* An answer may hold rows outside of the window, twice, or out of order. */
static void take_rows(const Candles *came, Time from, Time to, Arena *arena, Candles *out) {
    candles_init(out, arena, came->n);
    for (size_t i = 0; i < came->n; i++)
        if (came->open_ms[i] >= from.ms && came->open_ms[i] < to.ms)
            candles_append(out, came, i, 1);
    candles_sort_unique(out, arena);
}

static int deliver(VenueCollection *c, Time from, Time to, const Candles *rows, Time served_at) {
    c->n_total += (int64_t)rows->n;
    FeedPage page = { rows, from, to, c->n_total, timeframe_floor(c->timeframe, served_at) };
    int r = c->fn(c->arg, c->cx, &page);
    if (r < 0)
        c->scratch.err = c->cx->err;
    return r;
}

int venue_deliver(VenueCollection *c, Time from, Time to, const Candles *came, Time served_at) {
    Candles rows;
    take_rows(came, from, to, c->scratch.arena, &rows);
    return deliver(c, from, to, &rows, served_at);
}

/* End of the window of page_rows grid times at or behind `from`. */
static Time window_end(const VenueDriver *d, Timeframe tf, Time from) {
    from = time_ms(MAX(from.ms, 0)); /* venues' times begin in 1970 */
    if (d->window_end)
        return d->window_end(tf, from);
    Time first = timeframe_on_grid(tf, from) ? from : timeframe_next(tf, from);
    return timeframe_step(tf, first, d->page_rows);
}

typedef struct Step { /* the window at work */
    Time at, end;     /* end: of all that can be asked for now */
    Time to;
    bool doubted; /* its last answer was empty: the next one is believed */
    Candles rows;
    Time served_at;
} Step;

static int ask(VenueCollection *c, Step *s) {
    VenueWindow w = { c->symbol, c->timeframe, time_ms(MAX(s->at.ms, 0)), s->to, c->feed->driver->page_rows };
    VenueRows came = { .served_at = venue_rest_now(&c->feed->rest, c->cx) };
    int r = time_before(w.from, w.to) ? venue_candles(c->feed, &c->scratch, &w, &came) : 0;
    s->served_at = came.served_at;
    if (r == 0)
        take_rows(&came.rows, s->at, s->to, c->scratch.arena, &s->rows);
    return r;
}

/* After an empty answer. *skip: no candle can come before s->to, which has moved. */
static int doubt(VenueCollection *c, Step *s, bool *skip) {
    const VenueDriver *d = c->feed->driver;
    VenueWindow w = { c->symbol, c->timeframe, time_ms(MAX(s->at.ms, 0)), s->end, d->page_rows };
    Time next;
    *skip = false;
    if (d->seeks || !d->next_candle)
        return 0;
    int r = d->next_candle(c->feed, &c->scratch, &w, &next);
    if (r == ERR_NOT_FOUND)
        next = s->end;
    else if (r)
        return r;
    if (time_before(next, s->to))
        return 0;
    *skip = true;
    s->to = time_before(next, s->end) ? next : s->end;
    return 0;
}

/* Rows came: where they may have been cut, the window ends behind the last one. */
static void shorten(const VenueCollection *c, Step *s) {
    const VenueDriver *d = c->feed->driver;
    if (s->rows.n == 0 || d->leaves_out)
        return;
    Time last = time_ms(s->rows.open_ms[s->rows.n - 1]);
    s->to = time_ms(MIN(s->to.ms, timeframe_next(c->timeframe, last).ms));
}

int venue_collect_windows(VenueCollection *c, Time from) {
    const VenueDriver *d = c->feed->driver;
    Step s = { .at = from };
    for (;;) {
        Time running = timeframe_next(c->timeframe, venue_rest_now(&c->feed->rest, c->cx));
        s.end = time_ms(MIN(running.ms, c->to.ms));
        if (!time_before(s.at, s.end))
            return 0;
        arena_reset(c->scratch.arena);
        s.to = s.doubted && d->seeks ? s.end : time_ms(MIN(s.end.ms, window_end(d, c->timeframe, s.at).ms));
        int r = ask(c, &s);
        bool skip = false;
        if (r == 0 && s.rows.n == 0 && !s.doubted && time_before(s.to, s.end)) {
            r = doubt(c, &s, &skip);
            if (r == 0 && !skip) {
                s.doubted = true;
                continue;
            }
        }
        if (r == 0) {
            shorten(c, &s);
            r = deliver(c, s.at, s.to, &s.rows, s.served_at);
        }
        if (r)
            return r;
        s.at = s.to;
        s.doubted = false;
    }
}

static int collect(VenueCollection *c, Time from) {
    VenueFeed *f = c->feed;
    int r = check_timeframe(f, &c->scratch, c->timeframe);
    if (r == 0 && f->driver->prepare)
        r = f->driver->prepare(f, &c->scratch, c->symbol);
    if (r == 0)
        r = f->driver->collect ? f->driver->collect(c, from) : venue_collect_windows(c, from);
    return r;
}

/* NOLINTNEXTLINE(readability-function-size): the port's own parameters */
static int venue_collect(MarketFeed *feed, Ctx *cx, Symbol symbol, Timeframe tf, Time from, Time to, FeedPageFn *fn,
                         void *arg) {
    Arena arena = { 0 };
    VenueCollection c = { .feed = (VenueFeed *)feed,
                          .cx = cx,
                          .scratch = *cx,
                          .symbol = symbol,
                          .timeframe = tf,
                          .to = to,
                          .fn = fn,
                          .arg = arg };
    c.scratch.arena = &arena;
    int r = collect(&c, from);
    if (r < 0)
        cx->err = c.scratch.err;
    arena_done(&arena);
    return r;
}

/* --- the rest of the port --- */

static int venue_first_candle(MarketFeed *feed, Ctx *cx, Symbol symbol, Timeframe tf, Time *out) {
    VenueFeed *f = (VenueFeed *)feed;
    int r = check_timeframe(f, cx, tf);
    if (r == 0 && f->driver->prepare)
        r = f->driver->prepare(f, cx, symbol);
    return r ? r : f->driver->first_candle(f, cx, symbol, tf, out);
}

void venue_take_listings(VenueFeed *f, Ctx *cx, const Listing *v, size_t n, Listing **out) {
    *out = arena_new_n(cx->arena, Listing, n);
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = v[i];
        (*out)[i].venue = f->rest.venue;
    }
}

static int venue_symbols(MarketFeed *feed, Ctx *cx, Listing **out, size_t *n) {
    VenueFeed *f = (VenueFeed *)feed;
    Arena arena = { 0 }; /* answers have tens of megabytes, the listings in them one */
    Ctx scratch = *cx;
    scratch.arena = &arena;
    Listing *got = NULL;
    int r = f->driver->symbols(f, &scratch, &got, n);
    if (r == 0)
        venue_take_listings(f, cx, got, *n, out);
    cx->err = scratch.err;
    arena_done(&arena);
    return r;
}

static int venue_timeframes(MarketFeed *feed, const Timeframe **out, size_t *n) {
    VenueFeed *f = (VenueFeed *)feed;
    *out = f->driver->timeframes;
    *n = f->driver->n_timeframes;
    return 0;
}

static int venue_server_time(MarketFeed *feed, Ctx *cx, Time *out) {
    VenueFeed *f = (VenueFeed *)feed;
    return f->driver->server_time(f, cx, out);
}

static void venue_limits(MarketFeed *feed, FeedLimits *out) {
    venue_rest_limits(&((VenueFeed *)feed)->rest, out);
}

static bool venue_simulated(MarketFeed *feed) {
    VenueRest *b = &((VenueFeed *)feed)->rest;
    pthread_mutex_lock(&b->lock);
    bool simulated = b->simulated;
    pthread_mutex_unlock(&b->lock);
    return simulated;
}

static void venue_close(MarketFeed *feed) {
    VenueFeed *f = (VenueFeed *)feed;
    venue_rest_done(&f->rest);
    mem_free(f);
}

static const MarketFeedOps ops = {
    .collect = venue_collect,
    .symbols = venue_symbols,
    .timeframes = venue_timeframes,
    .first_candle = venue_first_candle,
    .server_time = venue_server_time,
    .limits = venue_limits,
    .simulated = venue_simulated,
    .close = venue_close,
};

int market_venue_open(Ctx *cx, const VenueDriver *driver, const VenueOptions *options, MarketFeed **out) {
    assert(options->http && driver->candles && driver->symbols && driver->first_candle && driver->server_time);
    VenueFeed *f = mem_new(VenueFeed);
    f->driver = driver;
    f->ops = ops;
    f->ops.name = driver->name;
    f->ops.readjusts = driver->readjusts;
    f->feed.ops = &f->ops;
    int r = venue_rest_init(&f->rest, cx, driver, options);
    if (r) {
        mem_free(f);
        return r;
    }
    f->rest.simulated |= options->simulated;
    *out = &f->feed;
    return 0;
}
