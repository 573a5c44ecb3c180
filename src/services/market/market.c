/* services/market/market.c - the service object, finding series, get and save; see market.h. */

#include "services/market/complete.h"
#include "services/market/internal.h"

#include "core/validate.h"

enum { PIECE_ROWS = 1 << 16 };

MarketService *market_service_new(const MarketOptions *o) {
    assert(o->store);
    MarketService *m = mem_new(MarketService);
    m->o = *o;
    m->listed_at = mem_new_n(MonoNs, MAX(o->n_feeds, (size_t)1));
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

MarketService *market_service_free(MarketService *m) {
    if (!m)
        return NULL;
    assert(!m->flights);
    pthread_mutex_destroy(&m->lock);
    mem_free(m->listed_at);
    return mem_free(m);
}

CandleStore *market_store(MarketService *m) {
    return m->o.store;
}

MarketFeed *market_feed_of(MarketService *m, Venue venue) {
    for (size_t i = 0; i < m->o.n_feeds; i++)
        if (str_eq(venue_str(&venue), str_c(m->o.feeds[i]->ops->name)))
            return m->o.feeds[i];
    return NULL;
}

size_t market_feeds(MarketService *m, MarketFeed *const **out) {
    *out = m->o.feeds;
    return m->o.n_feeds;
}

void market_span(MarketService *m, const char *name) {
    if (m->o.span)
        m->o.span(m->o.span_arg, name);
}

/* Does the stored key fit what was asked for? Empty venue and provider fit all. */
static bool fits(const SeriesKey *stored, const SeriesKey *asked) {
    return symbol_eq(stored->symbol, asked->symbol) && timeframe_eq(stored->timeframe, asked->timeframe) &&
           stored->price == asked->price && stored->adjustment == asked->adjustment &&
           (!asked->venue.s[0] || venue_eq(stored->venue, asked->venue)) &&
           (!asked->provider.s[0] || venue_eq(stored->provider, asked->provider));
}

/* Of the series that fit, the only one with the venue's own data, else the only one. */
static int choose(Ctx *cx, const SeriesKey *key, const SeriesInfo *all, size_t n, SeriesInfo *out) {
    const SeriesInfo *own = NULL, *any = NULL, *other = NULL;
    size_t n_own = 0, n_any = 0;
    for (size_t i = 0; i < n; i++) {
        if (!fits(&all[i].key, key))
            continue;
        other = any;
        any = &all[i];
        n_any++;
        if (!all[i].key.provider.s[0]) {
            own = &all[i];
            n_own++;
        }
    }
    if (n_any == 0)
        return MARKET_NO_SERIES;
    if (n_own != 1 && n_any != 1)
        return err_set_at(cx, ERR_CONFLICT, S("exchange"),
                          "%s is stored more than once: " STR_FMT ", " STR_FMT
                          "%s; say which with exchange and provider",
                          key->symbol.s, STR_ARG(series_key_text(cx->arena, &other->key)),
                          STR_ARG(series_key_text(cx->arena, &any->key)), n_any > 2 ? ", ..." : "");
    *out = n_own == 1 ? *own : *any;
    return 0;
}

int market_resolve(MarketService *m, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    if (key->venue.s[0]) {
        int r = candle_store_info(m->o.store, cx, key, out);
        if (r != STORE_NO_SERIES)
            return r;
    }
    SeriesInfo *all;
    size_t n;
    int r = candle_store_list(m->o.store, cx, &all, &n);
    return r == 0 ? choose(cx, key, all, n, out) : r;
}

static int get_stored(MarketService *m, Ctx *cx, const SeriesKey *key, const CandleQuery *q, MarketPage *page) {
    int r = market_resolve(m, cx, key, &page->series);
    if (r != 0)
        return r;
    r = candle_store_read(m->o.store, cx, &page->series.key, q, &page->rows, &page->more);
    if (r != 0)
        return r == STORE_NO_SERIES ? MARKET_NO_SERIES : r;
    for (size_t i = 0; i < page->rows.n && !page->simulated; i++)
        page->simulated = page->rows.flags[i] & CANDLE_SIMULATED;
    if (page->more && page->rows.n && !q->newest)
        page->next = time_ms(page->rows.open_ms[page->rows.n - 1] + 1);
    return 0;
}

/* A timeframe that is not stored is made of a finer one. */
static int get_or_derive(MarketService *m, Ctx *cx, const SeriesKey *key, const CandleQuery *q, MarketPage *page) {
    int r = get_stored(m, cx, key, q, page);
    SeriesInfo finer;
    if (r != MARKET_NO_SERIES || (r = market_finer(m, cx, key, &finer)) != 0)
        return r;
    MarketResample req = {
        .key = &finer.key, .to = key->timeframe, .from = q->from, .until = q->to, .limit = q->limit, .newest = q->newest
    };
    return market_resample(m, cx, &req, page, NULL);
}

/* Adjusted prices that no provider gave are made of the raw ones. */
int market_get(MarketService *m, Ctx *cx, const SeriesKey *key, const CandleQuery *q, MarketPage *out) {
    MarketPage page = { 0 };
    int r = get_or_derive(m, cx, key, q, &page);
    if (r == MARKET_NO_SERIES && key->adjustment != ADJUST_NONE) {
        SeriesKey raw = *key;
        raw.adjustment = ADJUST_NONE;
        r = get_or_derive(m, cx, &raw, q, &page);
        if (r == 0)
            r = market_adjust(m, cx, &page.series.key, (Adjustment)key->adjustment, &page.rows, &page.n_actions);
    }
    if (r == 0)
        *out = page;
    return r;
}

int market_each_piece(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, MarketPieceFn *fn,
                      void *arg) {
    Arena scratch = { 0 };
    Ctx piece = *cx;
    piece.arena = &scratch;
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        Candles rows = { 0 };
        more = false;
        arena_reset(&scratch);
        r = candle_store_read(m->o.store, &piece, key, &(CandleQuery){ .from = from, .to = to, .limit = PIECE_ROWS },
                              &rows, &more);
        if (r == 0 && rows.n) {
            from = time_ms(rows.open_ms[rows.n - 1] + 1);
            r = fn(arg, &rows);
        }
        if (r == 0 && more)
            r = ctx_check(&piece);
    }
    arena_done(&scratch);
    if (piece.err.code && r < 0)
        cx->err = piece.err;
    return r == STORE_NO_SERIES ? MARKET_NO_SERIES : r;
}

/* --- save --- */

/* Which member of a candle an issue points at. */
static const char *issue_member(unsigned issues) {
    if (issues & ISSUE_TIME_RANGE)
        return "timestamp";
    if (issues & ISSUE_HIGH_BELOW_LOW)
        return "high";
    if (issues & ISSUE_OPEN_OUTSIDE)
        return "open";
    if (issues & ISSUE_CLOSE_OUTSIDE)
        return "close";
    return issues & ISSUE_NEGATIVE_VOLUME ? "volume" : "candle";
}

/* Every row as the caller sent it, before sorting: the field named must be the caller's, and a bad row is not saved
 * by a good one of the same time behind it. */
static int check_rows(Ctx *cx, const Candles *rows, Timeframe tf, int64_t *warnings) {
    int64_t n_bad = 0, n_odd = 0;
    size_t first = 0;
    unsigned errors = 0;
    for (size_t i = 0; i < rows->n; i++) {
        Candle row = candles_get(rows, i);
        unsigned issues = candle_issues(&row, tf);
        if (issues & ISSUE_ERRORS && n_bad++ == 0) {
            first = i;
            errors = issues & ISSUE_ERRORS;
        }
        n_odd += issues && !(issues & ISSUE_ERRORS);
    }
    *warnings = n_odd;
    if (n_bad == 0)
        return 0;
    Str field = str_fmt(cx->arena, "candles[%zu].%s", first, issue_member(errors));
    return err_set_at(cx, ERR_INVALID, field, "candle %zu at " STR_FMT ": " STR_FMT "; %s nothing was stored", first,
                      STR_ARG(time_iso(cx->arena, time_ms(rows->open_ms[first]))),
                      STR_ARG(issues_text(cx->arena, errors)), n_bad > 1 ? "others are not valid either;" : "");
}

static Coverage coverage_of(const MarketSave *req, const Candles *rows, Time now) {
    Coverage c = { .from = req->from, .to = req->to, .fetched_at = now };
    if (c.from.ms == 0 && rows->n)
        c.from = time_ms(rows->open_ms[0]);
    if (c.to.ms == 0 && rows->n)
        c.to = timeframe_next(req->key->timeframe, time_ms(rows->open_ms[rows->n - 1]));
    size_t n = MIN(req->source.n, sizeof c.source - 1);
    if (n)
        memcpy(c.source, req->source.p, n);
    return c;
}

/* What the source was asked for must hold what it gave: a window beside the rows is a mistake of the caller. */
static int check_coverage(Ctx *cx, const Coverage *c, const Candles *rows) {
    if (c->from.ms == 0 || c->to.ms == 0) /* nothing to take it from */
        return err_set_at(cx, ERR_INVALID, S("covered_start"),
                          "without candles, covered_start and covered_end are needed");
    if (time_cmp(c->from, c->to) >= 0)
        return err_set_at(cx, ERR_INVALID, S("covered_end"), "covered_end must be later than covered_start");
    if (rows->n && (rows->open_ms[0] < c->from.ms || rows->open_ms[rows->n - 1] >= c->to.ms))
        return err_set_at(cx, ERR_INVALID, S("covered_start"),
                          "there are candles outside of covered_start..covered_end");
    return 0;
}

static int refused(MarketService *m, Ctx *cx, const MarketSave *req, int r) {
    LOG_INFO(m->o.log, cx, S("save refused"), F_STR("symbol", symbol_str(&req->key->symbol)),
             F_STR("reason", str_c(cx->err.text)));
    return r;
}

int market_save(MarketService *m, Ctx *cx, const MarketSave *req, MarketSaved *out) {
    MarketSaved saved = { .received = (int64_t)req->rows->n };
    int r = check_rows(cx, req->rows, req->key->timeframe, &saved.warnings);
    if (r != 0)
        return refused(m, cx, req, r);
    Candles rows = *req->rows;
    size_t doubles = 0;
    if (!candles_sorted_unique(&rows)) { /* the caller's rows stay as they are */
        candles_init(&rows, cx->arena, req->rows->n);
        candles_append(&rows, req->rows, 0, req->rows->n);
        doubles = candles_sort_unique(&rows, cx->arena);
    }

    SaveRequest save = { .key = req->key, .rows = &rows, .flags = req->durable ? SAVE_DURABLE : 0 };
    if (req->source.n && (rows.n || req->from.ms || req->to.ms)) {
        save.flags |= SAVE_COVERAGE;
        save.coverage = coverage_of(req, &rows, clock_wall(cx->clock));
        r = check_coverage(cx, &save.coverage, &rows);
        if (r != 0)
            return refused(m, cx, req, r);
    }
    SaveResult result;
    r = candle_store_save(m->o.store, cx, &save, &result);
    if (r != 0) {
        log_failure(m->o.log, cx, S("save failed"));
        return r;
    }

    saved.inserted = result.inserted;
    saved.updated = result.updated;
    saved.unchanged = result.unchanged + (int64_t)doubles;
    saved.kept_real = result.kept_real;
    saved.revision = result.revision;
    *out = saved;
    LOG_INFO(m->o.log, cx, S("candles saved"), F_STR("exchange", venue_str(&req->key->venue)),
             F_STR("symbol", symbol_str(&req->key->symbol)), F_I64("received", saved.received),
             F_I64("inserted", saved.inserted), F_I64("updated", saved.updated));
    return 0;
}
