/* services/market/derive.c - candles that are made on the way out: coarser timeframes, adjusted prices. */

#include "core/resample.h"
#include "services/market/complete.h"
#include "services/market/internal.h"

/* --- resampling --- */

typedef struct Deriving {
    Resampler r;
    Arena *arena;
    Candles rows;
    Time from, until; /* labels wanted */
    size_t limit;     /* 0 = none */
} Deriving;

enum { ENOUGH = 1 };

static void drop_outside(Deriving *d) {
    size_t first = candles_lower_bound(&d->rows, d->from), end = candles_lower_bound(&d->rows, d->until);
    d->rows = candles_view(&d->rows, first, end - first);
}

static int derive_piece(void *arg, const Candles *rows) {
    Deriving *d = arg;
    resample_add(&d->r, rows, d->arena, &d->rows);
    return d->limit && d->rows.n > d->limit + 1 ? ENOUGH : 0; /* one may lie before `from` */
}

static Time ceil_to(Timeframe tf, Time t) {
    if (t.ms == INT64_MIN || t.ms == INT64_MAX || timeframe_on_grid(tf, t))
        return t;
    return timeframe_next(tf, t);
}

/* What to read of the source: whole cells around the labels wanted. A trading day may begin on the day before its date
 * and end on the day after. */
static void source_range(const MarketResample *req, const SeriesInfo *source, Deriving *d, Time *from, Time *to) {
    Timeframe tf = req->to;
    d->from = ceil_to(tf, req->from);
    d->until = ceil_to(tf, req->until);
    if (req->newest && req->limit && source->n) {
        Time last = timeframe_floor(tf, source->last), end = timeframe_next(tf, last);
        Time top = time_before(d->until, end) ? d->until : end;
        Time first = timeframe_step(tf, top, -(int64_t)req->limit);
        if (time_before(d->from, first))
            d->from = first;
        d->limit = 0;
    }
    *from = d->from;
    *to = d->until;
    if (req->session.n) {
        *from = time_add_ms(*from, -MS_PER_DAY);
        *to = time_add_ms(*to, MS_PER_DAY);
    }
}

static int derive(MarketService *m, Ctx *cx, const MarketResample *req, MarketPage *page) {
    const Calendar *session = NULL, *open = NULL;
    int r = req->session.n ? market_calendar_named(m, cx, req->session, &session)
                           : market_calendar(m, cx, &page->series.key, &open);
    if (r != 0)
        return r;
    ResampleOptions o = {
        .from = page->series.key.timeframe, .to = req->to, .days = session, .open = open, .now = clock_wall(cx->clock)
    };
    Deriving d = { .arena = cx->arena, .limit = req->limit };
    Time from, to;
    candles_init(&d.rows, cx->arena, 64);
    resample_init(&d.r, &o);
    source_range(req, &page->series, &d, &from, &to);
    r = market_each_piece(m, cx, &page->series.key, from, to, derive_piece, &d);
    if (r != 0 && r != ENOUGH)
        return r;
    if (r == 0) /* a cell that reaches past what is stored is partial by its count */
        resample_finish(&d.r, TIME_MAX, cx->arena, &d.rows);
    drop_outside(&d);
    page->more = d.limit && d.rows.n > d.limit;
    if (page->more) {
        page->next = time_ms(d.rows.open_ms[d.limit]);
        d.rows.n = d.limit;
    }
    if (req->newest && req->limit)
        page->more = page->series.n && page->series.first.ms < d.from.ms && req->from.ms < d.from.ms;
    page->rows = d.rows;
    return 0;
}

static int check_resample(Ctx *cx, const MarketResample *req, Timeframe from) {
    char a[TIMEFRAME_TEXT_MAX], b[TIMEFRAME_TEXT_MAX];
    Str fine = timeframe_text(from, a), coarse = timeframe_text(req->to, b);
    bool day = timeframe_eq(req->to, (Timeframe){ UNIT_DAY, 1 });
    if (req->session.n && (!day || timeframe_ms(from) >= MS_PER_DAY))
        return err_set_at(cx, ERR_INVALID, S("session"), "sessions make days of intraday candles: 1d, not " STR_FMT,
                          STR_ARG(coarse));
    if (!req->session.n && !resample_nests(from, req->to))
        return err_set_at(cx, ERR_INVALID, S("to"), STR_FMT " cannot be made of whole " STR_FMT " candles",
                          STR_ARG(coarse), STR_ARG(fine));
    return 0;
}

/* Simulated candles never look like a market's: they keep a provider of their own. */
static int save_derived(MarketService *m, Ctx *cx, const MarketResample *req, const MarketPage *page,
                        MarketSaved *saved) {
    SeriesKey key = page->series.key;
    key.timeframe = req->to;
    venue_parse(page->simulated ? S("sim-resample") : S("resample"), &key.provider);
    return market_save(m, cx, &(MarketSave){ .key = &key, .rows = &page->rows }, saved);
}

int market_resample(MarketService *m, Ctx *cx, const MarketResample *req, MarketPage *out, MarketSaved *saved) {
    MarketPage page = { 0 };
    int r = market_resolve(m, cx, req->key, &page.series);
    if (r == 0)
        r = check_resample(cx, req, page.series.key.timeframe);
    if (r == 0)
        r = derive(m, cx, req, &page);
    if (r != 0)
        return r;
    page.derived_from = page.series.key.timeframe;
    for (size_t i = 0; i < page.rows.n && !page.simulated; i++)
        page.simulated = page.rows.flags[i] & CANDLE_SIMULATED;
    if (req->save) {
        r = save_derived(m, cx, req, &page, saved);
        if (r != 0)
            return r;
    }
    *out = page;
    return 0;
}

int market_finer(MarketService *m, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    SeriesInfo *all;
    size_t n;
    const SeriesInfo *best = NULL;
    int r = candle_store_list(m->o.store, cx, &all, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const SeriesKey *k = &all[i].key;
        bool fits = symbol_eq(k->symbol, key->symbol) && k->price == key->price && k->adjustment == key->adjustment &&
                    (!key->venue.s[0] || venue_eq(k->venue, key->venue)) &&
                    (!key->provider.s[0] || venue_eq(k->provider, key->provider));
        if (!fits || all[i].n == 0 || !resample_nests(k->timeframe, key->timeframe))
            continue;
        if (best && !venue_eq(best->key.venue, k->venue))
            return err_set_at(cx, ERR_CONFLICT, S("exchange"),
                              "%s is stored of %s and of %s; say which with exchange and provider", key->symbol.s,
                              best->key.venue.s, k->venue.s);
        bool own = !k->provider.s[0], best_own = best && !best->key.provider.s[0];
        if (!best || (own && !best_own) ||
            (own == best_own && timeframe_ms(best->key.timeframe) < timeframe_ms(k->timeframe)))
            best = &all[i];
    }
    if (r != 0 || !best)
        return r ? r : MARKET_NO_SERIES;
    *out = *best;
    return 0;
}

/* --- adjusted prices --- */

static int instrument_of(MarketService *m, Ctx *cx, const SeriesKey *key, Symbol *out) {
    Listing *v;
    size_t n;
    *out = key->symbol;
    int r = candle_store_listings(m->o.store, cx, &key->venue, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (symbol_eq(v[i].symbol, key->symbol) && v[i].instrument.s[0])
            *out = v[i].instrument;
    return r;
}

int market_actions_of(MarketService *m, Ctx *cx, const SeriesKey *key, CorporateAction **out, size_t *n) {
    Symbol instrument;
    int r = instrument_of(m, cx, key, &instrument);
    if (r == 0)
        r = candle_store_actions(m->o.store, cx, &instrument, out, n);
    if (r == 0 && *n == 0 && !symbol_eq(instrument, key->symbol)) /* filed under the venue's name of it */
        r = candle_store_actions(m->o.store, cx, &key->symbol, out, n);
    return r;
}

static int close_before(MarketService *m, Ctx *cx, const SeriesKey *key, Time ex, double *out) {
    CandleQuery q = { .from = TIME_MIN, .to = ex, .limit = 1, .newest = true };
    Candles row = { 0 };
    bool more;
    int r = candle_store_read(m->o.store, cx, key, &q, &row, &more);
    *out = r == 0 && row.n ? row.close[0] : 0;
    return r;
}

int market_adjust(MarketService *m, Ctx *cx, const SeriesKey *key, Adjustment how, Candles *rows, size_t *n_applied) {
    CorporateAction *actions = NULL;
    size_t n = 0, left_out;
    *n_applied = 0;
    if (how == ADJUST_NONE)
        return 0;
    int r = market_actions_of(m, cx, key, &actions, &n);
    if (r != 0 || n == 0)
        return r;
    double *closes = arena_new_n(cx->arena, double, n);
    AdjustStep *steps = arena_new_n(cx->arena, AdjustStep, n);
    for (size_t i = 0; r == 0 && how == ADJUST_ALL && i < n; i++)
        r = close_before(m, cx, key, actions[i].ex, &closes[i]);
    if (r != 0)
        return r;
    *n_applied = adjust_steps(actions, n, how, closes, steps, &left_out);
    adjust_candles(rows, steps, *n_applied);
    return 0;
}
