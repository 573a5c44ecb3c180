/* services/market/ensure.c - fetch what is missing, and only that (FLW-01, FLW-02).
 *
 * The store remembers which windows of a series the venue was asked for, together with its whole answer. So a
 * candle that is missing inside such a window is a gap, not a reason to ask again, and a second ensure makes no
 * request. A candle that has not closed yet is not missing: coverage never reaches past the last closed candle.
 * Each page is saved with its own piece of coverage in one commit; a kill in between loses at most one page, and
 * the next call goes on behind it.
 *
 * Two callers for one series share one collection: the second waits for the first and looks again. */

#include "services/market/internal.h"

#include "core/validate.h"

#include <stdio.h>

typedef struct Window {
    Time from, to;
} Window;

/* One ensure on its way. */
typedef struct Collection {
    MarketService *m;
    const MarketEnsure *req;
    MarketFeed *feed;
    SeriesKey key; /* with the provider that the feed's data are filed under */
    Time from, to; /* [from, to) as asked, clipped to what exists */
    Time closed;   /* open time of the candle that has not closed yet */
    Time settled;  /* the same some time ago: what was closed then has been published since */
    Window *windows;
    size_t n_windows;
    Time reached; /* how far the window at work is covered */
    MarketEnsured *out;
} Collection;

/* --- what is missing --- */

/* The parts of [from, to) that no coverage window holds. */
static int find_windows(Collection *c, Ctx *cx, Time to) {
    Coverage *cover = NULL;
    size_t n = 0;
    c->windows = NULL;
    c->n_windows = 0;
    if (time_cmp(c->from, to) >= 0)
        return 0;
    if (!c->req->refresh) {
        int r = candle_store_coverage(c->m->o.store, cx, &c->key, c->from, to, &cover, &n);
        if (r < 0)
            return r;
        if (r == STORE_NO_SERIES)
            n = 0;
    }
    c->windows = arena_new_n(cx->arena, Window, n + 1);
    Time at = c->from;
    for (size_t i = 0; i < n && time_before(at, to); i++) {
        if (time_before(at, cover[i].from))
            c->windows[c->n_windows++] = (Window){ at, cover[i].from };
        if (time_before(at, cover[i].to))
            at = cover[i].to;
    }
    if (time_before(at, to))
        c->windows[c->n_windows++] = (Window){ at, to };
    return 0;
}

/* --- collect, standardise, save --- */

/* Leaves out what is not a candle; a venue's bad row must not cost the good ones around it. */
static void drop_invalid(Collection *c, Ctx *cx, const Candles *rows, Candles *good) {
    candles_init(good, cx->arena, rows->n);
    for (size_t i = 0; i < rows->n; i++) {
        Candle row = candles_get(rows, i);
        unsigned issues = candle_issues(&row, c->key.timeframe) & ISSUE_ERRORS;
        if (!issues) {
            candles_push(good, &row);
            continue;
        }
        c->out->rejected++;
        Str words = issues_text(cx->arena, issues);
        LOG_WARNING(c->m->o.log, cx, S("candle left out"), F_STR("symbol", symbol_str(&c->key.symbol)),
                    F_STR("at", time_iso(cx->arena, row.open_time)), F_STR("reason", words));
    }
}

/* Up to where the page says all there will ever be. Not past a candle the venue calls open: its clock may be behind
 * ours. And a place at the newest end without a candle may be one that the venue has not published yet: it counts as
 * a hole only when the candle has been closed for a while. */
static Time covered_by(const Collection *c, const FeedPage *page) {
    const Candles *rows = page->rows;
    Time end = time_before(page->to, c->closed) ? page->to : c->closed;
    if (page->closed.ms && time_before(page->closed, end)) /* also where no row says so: an outage, ours far ahead */
        end = page->closed;
    Time sure = page->from; /* behind the last closed candle that came */
    for (size_t i = 0; i < rows->n; i++) {
        Time t = time_ms(rows->open_ms[i]);
        if (rows->flags[i] & CANDLE_OPEN)
            return time_before(t, end) ? t : end;
        sure = timeframe_next(c->key.timeframe, t);
    }
    if (time_before(sure, c->settled))
        sure = c->settled;
    return time_before(sure, end) ? sure : end;
}

static int save_page(Collection *c, Ctx *cx, const FeedPage *page) {
    int r = market_check_simulated(cx, c->feed, c->out->simulated);
    if (r != 0)
        return r;
    market_span(c->m, "standardize");
    Candles good;
    drop_invalid(c, cx, page->rows, &good);
    c->out->collected += (int64_t)page->rows->n;

    SaveRequest save = { .key = &c->key, .rows = &good, .flags = SAVE_ANNOUNCE };
    Time covered = covered_by(c, page);
    if (time_before(page->from, covered)) {
        save.flags |= SAVE_COVERAGE;
        save.coverage = (Coverage){ .from = page->from, .to = covered, .fetched_at = clock_wall(cx->clock) };
        snprintf(save.coverage.source, sizeof save.coverage.source, "%s%s", c->feed->ops->name,
                 c->out->simulated ? " (simulated)" : " rest");
    }
    SaveResult saved;
    market_span(c->m, "save_ohlcv");
    r = candle_store_save(c->m->o.store, cx, &save, &saved);
    if (r != 0)
        return r;
    if (time_cmp(page->from, c->reached) <= 0 && time_before(c->reached, covered)) /* no hole in between */
        c->reached = covered;
    c->out->inserted += saved.inserted;
    c->out->updated += saved.updated;
    c->out->unchanged += saved.unchanged;
    return 0;
}

/* A FeedPageFn: each page has its own scratch memory, so that a year of minutes costs that of one page. */
static int on_page(void *arg, Ctx *cx, const FeedPage *page) {
    Collection *c = arg;
    Arena scratch = { 0 };
    Ctx inner = *cx;
    inner.arena = &scratch;
    int r = save_page(c, &inner, page);
    if (r == 0 && c->req->progress)
        r = c->req->progress(c->req->progress_arg, &inner, c->out->collected, page->to, c->from, c->to);
    if (r < 0)
        cx->err = inner.err;
    arena_done(&scratch);
    return r;
}

static int collect_windows(Collection *c, Ctx *cx) {
    FeedLimits before, after;
    market_feed_limits(c->feed, &before);
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->n_windows; i++) {
        market_span(c->m, "collect_ohlcv");
        c->reached = c->windows[i].from;
        r = market_feed_collect(c->feed, cx, c->key.symbol, c->key.timeframe, c->windows[i].from, c->windows[i].to,
                                on_page, c);
    }
    market_feed_limits(c->feed, &after);
    c->out->requests = after.requests - before.requests;
    return r == FEED_NO_SYMBOL ? MARKET_NO_SYMBOL : r;
}

/* --- the whole --- */

typedef struct Tally {
    Timeframe tf;
    Arena scratch;
    Time last;
    MarketEnsured *out;
} Tally;

static int tally_piece(void *arg, const Candles *rows) {
    Tally *t = arg;
    GapList gaps = { 0 };
    t->out->missing += gaps_find_next(rows, t->tf, false, &t->scratch, &t->last, &gaps);
    t->out->gaps += (int64_t)gaps.n;
    t->out->n_candles += (int64_t)rows->n;
    arena_reset(&t->scratch);
    return 0;
}

static int tally(Collection *c, Ctx *cx) {
    Tally t = { .tf = c->key.timeframe, .last = TIME_MIN, .out = c->out };
    int r = market_each_piece(c->m, cx, &c->key, c->from, c->to, tally_piece, &t);
    arena_done(&t.scratch);
    return r == MARKET_NO_SERIES ? 0 : r;
}

/* Clips the range to what can exist: from the venue's first candle, to the candle that is still open. */
static int set_range(Collection *c, Ctx *cx) {
    Timeframe tf = c->key.timeframe;
    enum { PUBLISHED_MS = 60 * 1000 };
    c->closed = timeframe_floor(tf, clock_wall(cx->clock));
    c->settled = timeframe_floor(tf, time_add_ms(clock_wall(cx->clock), -PUBLISHED_MS));
    c->from = c->req->from;
    c->to = c->req->to;
    if (c->from.ms == INT64_MIN) {
        int r = market_feed_first_candle(c->feed, cx, c->key.symbol, tf, &c->from);
        if (r != 0)
            return r == FEED_NO_SYMBOL ? MARKET_NO_SYMBOL : r;
    }
    Time end = timeframe_next(tf, c->closed);
    if (time_cmp(c->from, end) >= 0)
        return err_set_at(cx, ERR_INVALID, S("start"), "start lies in the future: there are no candles of it yet");
    if (time_before(end, c->to))
        c->to = end;
    return 0;
}

static int run(Collection *c, Ctx *cx) {
    market_span(c->m, "check_data_exists");
    int r = set_range(c, cx);
    if (r != 0)
        return r;
    Time closed_to = time_before(c->closed, c->to) ? c->closed : c->to;
    r = find_windows(c, cx, closed_to);
    if (r != 0)
        return r;
    c->out->hit = c->n_windows == 0;
    c->out->windows = (int64_t)c->n_windows;
    c->out->covered_to = time_before(closed_to, c->from) ? c->from : closed_to;
    /* The last window also brings the candle still open, if it was asked for. */
    bool to_the_end = c->n_windows && c->windows[c->n_windows - 1].to.ms == closed_to.ms;
    if (to_the_end)
        c->windows[c->n_windows - 1].to = c->to;
    if (!c->out->hit)
        r = collect_windows(c, cx);
    if (to_the_end && time_before(c->reached, closed_to)) /* no page at all, where all of it lies ahead of the venue */
        c->out->covered_to = c->reached;
    return r == 0 ? tally(c, cx) : r;
}

int market_ensure(MarketService *m, Ctx *cx, const MarketEnsure *req, MarketEnsured *out) {
    MarketEnsured done = { 0 };
    Collection c = { .m = m, .req = req, .key = *req->key, .out = &done };
    c.feed = market_feed_of(m, req->key->venue);
    if (!c.feed)
        return MARKET_NO_VENUE;
    /* Simulated data never mix with a market's: they are another provider's series. */
    done.simulated = market_feed_simulated(c.feed);
    if (done.simulated && !c.key.provider.s[0])
        venue_parse(S("sim"), &c.key.provider);

    Flight flight = { .key = c.key };
    int r = market_take_off(m, cx, &flight, &done.waited);
    if (r != 0)
        return r;
    MonoNs started = clock_mono(cx->clock);
    r = run(&c, cx);
    market_land(m, cx, &flight, r);

    int64_t ms = mono_ms_between(started, clock_mono(cx->clock));
    if (r < 0) {
        log_failure(m->o.log, cx, S("collection failed"));
        return r;
    }
    if (r == 0) {
        if (!done.hit)
            log_printf(m->o.log, cx, LEVEL_INFO, "Collected %lld price records for %s%s",
                       (long long)(done.collected - done.rejected), c.key.symbol.s,
                       done.simulated ? " (SIMULATED)" : "");
        LOG_INFO(m->o.log, cx, S("data ensured"), F_STR("exchange", venue_str(&c.key.venue)),
                 F_STR("symbol", symbol_str(&c.key.symbol)), F_BOOL("hit", done.hit),
                 F_I64("collected", done.collected), F_I64("rejected", done.rejected), F_I64("requests", done.requests),
                 F_MS(ms));
        *out = done;
    }
    return r;
}
