/* adapters/market/venue_search.c - where candles are, at a venue that can only be asked what a window has; venue.h. */

#include "adapters/market/venue.h"

static const Timeframe M1 = { UNIT_MINUTE, 1 }, H1 = { UNIT_HOUR, 1 }, D1 = { UNIT_DAY, 1 };

static int64_t rows_of(const VenueFeed *f) {
    return f->driver->page_rows;
}

/* The first candle of rows_of(f) from `from` on; *found false when there is none. */
static int look(VenueFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time from, bool *found, Time *first) {
    VenueWindow w = { symbol, tf, from, timeframe_step(tf, timeframe_floor(tf, from), rows_of(f)), rows_of(f) };
    VenueRows rows = { 0 };
    int r = f->driver->candles(f, cx, &w, &rows);
    *found = false;
    for (size_t i = 0; r == 0 && i < rows.rows.n; i++) {
        int64_t t = rows.rows.open_ms[i];
        if (t >= w.from.ms && t < w.to.ms && (!*found || t < first->ms)) {
            *first = time_ms(t);
            *found = true;
        }
    }
    return r;
}

/* Day of the first trade. Windows of a page of days end with today; trading is taken to go on once it has begun, and where
 * today's window says otherwise (a product that is gone) the windows are asked one by one, oldest first. */
static int first_day(VenueFeed *f, Ctx *cx, Symbol symbol, Time *out) {
    Time oldest = timeframe_floor(D1, f->driver->oldest), today = timeframe_floor(D1, venue_rest_now(&f->rest, cx));
    int64_t n = timeframe_count(D1, oldest, today) / rows_of(f) + 1, lo = 0, hi = n - 1;
    bool found;
    Time day = { 0 }, first = { 0 };
    int r = look(f, cx, symbol, D1, timeframe_step(D1, oldest, hi * rows_of(f)), &found, &first);
    bool some = r == 0 && found;
    for (int64_t i = 0; r == 0 && !some && i < hi; i++) {
        r = look(f, cx, symbol, D1, timeframe_step(D1, oldest, i * rows_of(f)), &found, &first);
        some = r == 0 && found;
        if (some)
            lo = hi = i;
    }
    while (r == 0 && some && lo < hi) { /* window hi has candles, everything before lo has none */
        int64_t mid = lo + (hi - lo) / 2;
        r = look(f, cx, symbol, D1, timeframe_step(D1, oldest, mid * rows_of(f)), &found, &day);
        if (r == 0 && found) {
            hi = mid;
            first = day;
        } else {
            lo = mid + 1;
        }
    }
    if (r == 0 && !some)
        return err_set(cx, ERR_NOT_FOUND, "%s: %s has no candle yet", f->rest.venue.s, symbol.s);
    *out = first;
    return r;
}

int venue_search_first(VenueFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out) {
    Time at = { 0 };
    bool found = true;
    if (venue_rest_begin(&f->rest, symbol, tf, out))
        return 0;
    int r = venue_rest_begin(&f->rest, symbol, D1, &at) ? 0 : first_day(f, cx, symbol, &at);
    if (r == 0)
        venue_rest_set_begin(&f->rest, symbol, D1, at);
    if (r == 0 && timeframe_ms(tf) < timeframe_ms(D1))
        r = look(f, cx, symbol, H1, at, &found, &at);
    if (r == 0 && found && timeframe_ms(tf) < timeframe_ms(H1))
        r = look(f, cx, symbol, M1, at, &found, &at);
    if (r == 0 && !found)
        return err_set(cx, ERR_COLLECTION, "%s: %s has days of candles without hours or minutes in them",
                       f->rest.venue.s, symbol.s);
    if (r)
        return r;
    *out = timeframe_floor(tf, at);
    venue_rest_set_begin(&f->rest, symbol, tf, *out);
    return 0;
}

int venue_search_next(VenueFeed *f, Ctx *cx, const VenueWindow *w, Time *out) {
    bool found = false, days = timeframe_ms(w->timeframe) >= timeframe_ms(D1);
    Time at = w->from, first;
    int r = 0;
    if (!days)
        r = look(f, cx, w->symbol, H1, timeframe_floor(H1, at), &found, out);
    if (r || found)
        return r;
    r = venue_search_first(f, cx, w->symbol, days ? w->timeframe : M1, &first);
    if (r)
        return r;
    if (!time_before(first, at)) {
        *out = first;
        return 0;
    }
    for (at = timeframe_floor(D1, at); time_before(at, w->to); at = timeframe_step(D1, at, rows_of(f))) {
        r = look(f, cx, w->symbol, D1, at, &found, out);
        if (r || found)
            return r;
    }
    return err_set(cx, ERR_NOT_FOUND, "%s: %s has no candle there", f->rest.venue.s, w->symbol.s);
}
