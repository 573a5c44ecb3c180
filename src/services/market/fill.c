/* services/market/fill.c - filling gaps, and taking the filling out again. */

#include "base/vec.h"
#include "services/market/complete.h"
#include "services/market/internal.h"

#include <math.h>

enum { GAPS_AT_ONCE = 10000 };
static const double MAX_BPS = 50;

typedef struct Filling {
    MarketService *m;
    const MarketFill *req;
    const SeriesKey *key; /* stored */
    SeriesKey donor;      /* stored */
    Candles made;         /* of one gap */
    MarketFilled *out;
} Filling;

/* The nearest real candle before, or at and behind, a time. false: there is none. */
static int neighbour(Filling *f, Ctx *cx, Time at, bool before, Candle *out, bool *found) {
    CandleQuery q = { .from = before ? TIME_MIN : at,
                      .to = before ? at : TIME_MAX,
                      .limit = 1,
                      .newest = before,
                      .skip_synthetic = true };
    Candles row = { 0 };
    bool more;
    int r = candle_store_read(f->m->o.store, cx, f->key, &q, &row, &more);
    *found = r == 0 && row.n == 1;
    if (*found)
        *out = candles_get(&row, 0);
    return r;
}

static int make(Filling *f, Ctx *cx, const FillGap *gap) {
    if (f->req->method == FILL_FORWARD) {
        fill_forward(gap, cx->arena, &f->made);
        return 0;
    }
    if (f->req->method == FILL_LINEAR) {
        fill_linear(gap, cx->arena, &f->made);
        return 0;
    }
    CandleQuery q = { .from = gap->before.open_time,
                      .to = time_add_ms(gap->after.open_time, 1),
                      .skip_synthetic = true };
    Candles donor = { 0 };
    bool more;
    double bps, max_bps = f->req->max_bps > 0 ? f->req->max_bps : MAX_BPS;
    int r = candle_store_read(f->m->o.store, cx, &f->donor, &q, &donor, &more);
    if (r != 0)
        return r;
    switch (fill_from_venue(gap, &donor, max_bps, cx->arena, &f->made, &bps)) {
    case FILL_NO_DONOR:
        f->out->no_donor++;
        break;
    case FILL_DISAGREES:
        f->out->disagree++;
        f->out->worst_bps = fmax(f->out->worst_bps, bps);
        break;
    default:
        break;
    }
    return 0;
}

static int store(Filling *f, Ctx *cx) {
    SaveResult saved = { .inserted = (int64_t)f->made.n };
    int r = f->req->dry_run
                ? 0
                : candle_store_save(f->m->o.store, cx, &(SaveRequest){ .key = f->key, .rows = &f->made }, &saved);
    if (r != 0)
        return r;
    f->out->filled_gaps += saved.inserted > 0;
    f->out->filled += saved.inserted;
    if (!f->req->dry_run)
        f->out->revision = saved.revision;
    return 0;
}

static int fill_one(Filling *f, Ctx *cx, const Gap *gap) {
    if (gap->missing > (f->req->max_gap > 0 ? f->req->max_gap : FILL_MAX_GAP)) {
        f->out->too_long++;
        return 0;
    }
    if (gap->cls == GAP_NOT_FETCHED && !f->req->not_fetched) {
        f->out->not_fetched++;
        return 0;
    }
    FillGap fill = {
        .timeframe = f->key->timeframe, .from = gap->from, .to = gap->to, .known_at = clock_wall(cx->clock)
    };
    bool before, after;
    int r = neighbour(f, cx, gap->from, true, &fill.before, &before);
    if (r == 0)
        r = neighbour(f, cx, gap->to, false, &fill.after, &after);
    if (r != 0)
        return r;
    if (!before || !after) { /* a range of synthetic candles alone has no price to go by */
        f->out->no_donor++;
        return 0;
    }
    candles_init(&f->made, cx->arena, (size_t)gap->missing);
    r = make(f, cx, &fill);
    return r == 0 && f->made.n ? store(f, cx) : r;
}

static int find_donor(Filling *f, Ctx *cx) {
    if (f->req->method != FILL_VENUE)
        return 0;
    SeriesInfo info;
    if (!f->req->donor)
        return err_set_at(cx, ERR_INVALID, S("donor"), "filling from a venue needs the venue to fill from");
    int r = market_resolve(f->m, cx, f->req->donor, &info);
    if (r != 0)
        return r == MARKET_NO_SERIES ? err_set_at(cx, ERR_NOT_FOUND, S("donor"), "no candles of " STR_FMT " are stored",
                                                  STR_ARG(series_key_text(cx->arena, f->req->donor)))
                                     : r;
    f->donor = info.key;
    if (series_key_eq(&f->donor, f->key))
        return err_set_at(cx, ERR_INVALID, S("donor"), "a series cannot fill its own gaps");
    return 0;
}

int market_fill(MarketService *m, Ctx *cx, const MarketFill *req, MarketFilled *out) {
    MarketFilled done = { 0 };
    MarketGaps gaps;
    MarketGapQuery q = { .key = req->key, .from = req->from, .to = req->to, .most = GAPS_AT_ONCE };
    int r = market_gaps(m, cx, &q, &gaps);
    if (r != 0)
        return r;
    done.series = gaps.series;
    done.gaps = gaps.n_gaps;
    done.missing = gaps.missing;
    done.revision = gaps.series.revision;
    Filling f = { .m = m, .req = req, .key = &gaps.series.key, .out = &done };
    r = find_donor(&f, cx);
    Arena scratch = { 0 };
    Ctx inner = *cx;
    inner.arena = &scratch;
    for (size_t i = 0; r == 0 && i < gaps.gaps.n; i++) {
        r = fill_one(&f, &inner, &gaps.gaps.v[i]);
        if (r == 0)
            r = ctx_check(&inner);
        arena_reset(&scratch);
    }
    if (r < 0 && inner.err.code)
        cx->err = inner.err;
    arena_done(&scratch);
    if (r != 0)
        return r;
    LOG_INFO(m->o.log, cx, S("gaps filled"), F_STR("symbol", symbol_str(&done.series.key.symbol)),
             F_STR("method", str_c(fill_method_name(req->method))), F_I64("gaps", done.filled_gaps),
             F_I64("candles", done.filled), F_BOOL("dry_run", req->dry_run));
    *out = done;
    return 0;
}

/* --- unfill --- */

typedef struct Runs { /* of synthetic candles: [from, to) in open times */
    Arena *arena;
    struct {
        Coverage *v;
        size_t n, cap;
    } list;
    bool open;
} Runs;

static int find_runs(void *arg, const Candles *rows) {
    Runs *runs = arg;
    for (size_t i = 0; i < rows->n; i++) {
        Time behind = time_ms(rows->open_ms[i] + 1);
        if (!(rows->flags[i] & CANDLE_SYNTHETIC)) {
            runs->open = false;
        } else if (runs->open) {
            runs->list.v[runs->list.n - 1].to = behind;
        } else {
            Coverage run = { .from = time_ms(rows->open_ms[i]), .to = behind };
            vec_push_in(runs->arena, &runs->list, run);
            runs->open = true;
        }
    }
    return 0;
}

/* The store forgets coverage with the rows; it is told again. A kill in between costs a question to the venue, no
 * candle. */
static int take_out(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed) {
    Coverage *cover = NULL;
    size_t n = 0;
    int64_t rows = 0;
    int r = candle_store_coverage(m->o.store, cx, key, from, to, &cover, &n);
    if (r == 0)
        r = candle_store_remove(m->o.store, cx, key, from, to, &rows);
    for (size_t i = 0; r == 0 && i < n; i++) {
        Candles none = { 0 };
        SaveRequest save = { .key = key, .rows = &none, .flags = SAVE_COVERAGE, .coverage = cover[i] };
        SaveResult saved;
        r = candle_store_save(m->o.store, cx, &save, &saved);
    }
    *removed += rows;
    return r;
}

int market_unfill(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed) {
    SeriesInfo series;
    Runs runs = { .arena = cx->arena };
    int64_t n = 0;
    int r = market_resolve(m, cx, key, &series);
    if (r == 0)
        r = market_each_piece(m, cx, &series.key, from, to, find_runs, &runs);
    for (size_t i = 0; r == 0 && i < runs.list.n; i++) {
        r = take_out(m, cx, &series.key, runs.list.v[i].from, runs.list.v[i].to, &n);
        if (r == 0)
            r = ctx_check(cx);
    }
    if (r == 0)
        *removed = n;
    return r;
}
