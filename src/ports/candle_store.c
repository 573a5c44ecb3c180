/* ports/candle_store.c - the checking wrapper around every candle store.
 *
 * What the caller must get right is asserted; what an adapter or a disk may get wrong is an error. The
 * output parameters change only on success, so that an adapter may fail half-way without a trace. */

#include "ports/candle_store.h"

#include "base/span.h"

static int fault(CandleStore *s, Ctx *cx, const char *point) {
    return s->fault ? s->fault(s->fault_arg, cx, point) : 0;
}

/* What every call begins with: time left, and whether a test wants this call to fail. */
static int enter(CandleStore *s, Ctx *cx, const char *point) {
    assert(s && s->ops && cx && cx->arena);
    int r = ctx_check(cx);
    return r ? r : fault(s, cx, point);
}

void candle_store_set_fault(CandleStore *s, CandleStoreFault *fn, void *arg) {
    s->fault = fn;
    s->fault_arg = arg;
}

void candle_store_time(CandleStore *s, CandleStoreTimed *fn, void *arg) {
    s->timed = fn;
    s->timed_arg = arg;
}

/* A call of the adapter as a span, and timed for who listens. */
typedef struct Timed {
    StoreCall call;
    SpanMark span;
    MonoNs from;
} Timed;

static Timed timed_begin(const CandleStore *s, Ctx *cx, const char *name, const SeriesKey *key) {
    Timed t = { .call = { .name = name, .key = key }, .span = span_begin(cx, name) };
    if (s->timed)
        t.from = clock_mono(cx->clock);
    return t;
}

static int timed_end(const CandleStore *s, Ctx *cx, Timed *t, size_t rows, int r) {
    span_end(cx, t->span, r);
    if (!s->timed)
        return r;
    t->call.rows = rows;
    t->call.took_ns = clock_mono(cx->clock).ns - t->from.ns;
    s->timed(s->timed_arg, cx, &t->call);
    return r;
}

void candle_store_watch(CandleStore *s, CandleStoreWatch *w) {
    CandleStoreWatch **at = &s->watches;
    for (; *at; at = &(*at)->next)
        assert(*at != w);
    w->next = NULL;
    *at = w;
}

void candle_store_unwatch(CandleStore *s, CandleStoreWatch *w) {
    for (CandleStoreWatch **at = &s->watches; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            return;
        }
}

static void tell(const CandleStore *s, const StoreCommit *c) {
    for (const CandleStoreWatch *w = s->watches; w; w = w->next)
        w->heard(w->arg, c);
}

/* A commit whose answer was an error may have happened: a sync that fails, a deadline between. */
static void tell_doubt(const CandleStore *s, const SeriesKey *key) {
    for (const CandleStoreWatch *w = s->watches; w; w = w->next)
        if (w->doubted)
            w->doubted(w->arg, key);
}

/* Text and numbers are the same thing only for finite numbers, so no store takes others. Times outside of
 * the ISO range would overflow the arithmetic of buckets and grids. */
static int check_rows(Ctx *cx, const Candles *rows) {
    for (size_t i = 0; i < rows->n; i++) {
        double sum =
            rows->open[i] * 0 + rows->high[i] * 0 + rows->low[i] * 0 + rows->close[i] * 0 + rows->volume[i] * 0;
        bool in_range = rows->open_ms[i] >= TIME_ISO_MIN.ms && rows->open_ms[i] <= TIME_ISO_MAX.ms;
        if (UNLIKELY(sum != 0 || !in_range || (rows->flags[i] & ~CANDLE_FLAGS_ALL))) {
            Str field = str_fmt(cx->arena, "candles[%zu]", i);
            return err_set_at(cx, ERR_INVALID, field, "candle %zu cannot be stored: %s", i,
                              sum != 0    ? "a number is not finite"
                              : !in_range ? "its time lies outside of the years 1 to 9999"
                                          : "it has an unknown flag");
        }
    }
    return 0;
}

static int check_save(Ctx *cx, const SaveRequest *req) {
    assert(req->key && req->rows);
    assert(req->key->venue.s[0] && req->key->symbol.s[0] && req->key->timeframe.unit);
    assert(candles_sorted_unique(req->rows));
    assert(!(req->flags & SAVE_COVERAGE) || req->coverage.from.ms < req->coverage.to.ms);
    return check_rows(cx, req->rows);
}

static void tell_commit(CandleStore *s, const SaveRequest *req, const SaveResult *result) {
    int64_t told = result->inserted + result->updated + result->unchanged + result->kept_real;
    assert(told == (int64_t)req->rows->n);
    UNUSED(told);
    tell(s, &(StoreCommit){ .key = req->key,
                            .revision = result->revision,
                            .rows = req->rows,
                            .kept_real = result->kept_real,
                            .changed = result->inserted + result->updated > 0 });
}

int candle_store_save(CandleStore *s, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    assert(req && out);
    int r = enter(s, cx, "save");
    if (r == 0)
        r = check_save(cx, req);
    SaveResult result = { 0 };
    if (r == 0) {
        Timed t = timed_begin(s, cx, "store.save", req->key);
        r = timed_end(s, cx, &t, req->rows->n, s->ops->save(s, cx, req, &result));
        if (r < 0)
            tell_doubt(s, req->key);
    }
    if (r == 0) {
        tell_commit(s, req, &result);
        r = fault(s, cx, "saved"); /* the answer is lost on its way, the rows are not */
    }
    if (r == 0)
        *out = result;
    return r;
}

static int save_one_by_one(CandleStore *s, Ctx *cx, const SaveRequest *reqs, size_t n, SaveResult *out) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = s->ops->save(s, cx, &reqs[i], &out[i]);
        if (r == 0)
            tell_commit(s, &reqs[i], &out[i]);
        else if (r < 0)
            tell_doubt(s, reqs[i].key);
    }
    return r;
}

int candle_store_save_many(CandleStore *s, Ctx *cx, const SaveRequest *reqs, size_t n, SaveResult *out) {
    assert((reqs && out) || n == 0);
    int r = n ? enter(s, cx, "save") : 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = check_save(cx, &reqs[i]);
    if (r || n == 0)
        return r;
    if (!s->ops->save_many) {
        r = save_one_by_one(s, cx, reqs, n, out);
        return r ? r : fault(s, cx, "saved");
    }
    Timed t = timed_begin(s, cx, "store.save", n == 1 ? reqs->key : NULL);
    r = timed_end(s, cx, &t, n, s->ops->save_many(s, cx, reqs, n, out));
    for (size_t i = 0; r == 0 && i < n; i++)
        tell_commit(s, &reqs[i], &out[i]);
    for (size_t i = 0; r < 0 && i < n; i++)
        tell_doubt(s, reqs[i].key);
    return r ? r : fault(s, cx, "saved");
}

static int check_read(CandleStore *s, Ctx *cx, const CandleQuery *q, const Candles *got, size_t before) {
    size_t n = got->n - before;
    if (n > q->limit)
        return err_set(cx, ERR_INTERNAL, "%s: %zu rows where at most %zu were asked for", s->ops->name, n, q->limit);
    for (size_t i = before; i < got->n; i++) {
        int64_t t = got->open_ms[i];
        if (UNLIKELY(t < q->from.ms || t >= q->to.ms || (i > before && t <= got->open_ms[i - 1])))
            return err_set(cx, ERR_CORRUPT, "%s: row %zu of the answer is out of order or range; run verify",
                           s->ops->name, i - before);
    }
    return 0;
}

/* Damage is told with the series it is in. */
static int of_series(Ctx *cx, const SeriesKey *key, int r) {
    return r == ERR_CORRUPT ? err_prefix(cx, STR_FMT, STR_ARG(series_key_text(cx->arena, key))) : r;
}

int candle_store_read(CandleStore *s, Ctx *cx, const SeriesKey *key, const CandleQuery *q, Candles *out, bool *more) {
    assert(key && q && out && more);
    int r = enter(s, cx, "read");
    if (r)
        return r;
    CandleQuery page = *q;
    if (page.limit == 0 || page.limit > CANDLE_PAGE_MAX)
        page.limit = CANDLE_PAGE_MAX;
    size_t before = out->n;
    bool rest = false;
    Timed t = timed_begin(s, cx, "store.read", key);
    r = s->ops->read(s, cx, key, &page, out, &rest);
    r = of_series(cx, key, timed_end(s, cx, &t, out->n - MIN(before, out->n), r));
    if (r == 0)
        r = check_read(s, cx, &page, out, before);
    if (r == 0)
        *more = rest;
    else
        out->n = before;
    return r;
}

int candle_store_info(CandleStore *s, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    assert(key && out);
    int r = enter(s, cx, "info");
    SeriesInfo info = { 0 };
    if (r == 0) {
        Timed t = timed_begin(s, cx, "store.info", key);
        r = timed_end(s, cx, &t, 1, s->ops->info(s, cx, key, &info));
    }
    if (r == 0 && (info.n < info.n_synthetic || info.n_synthetic < 0 || (info.n > 0 && info.last.ms < info.first.ms)))
        r = err_set(cx, ERR_CORRUPT, "%s: the counts of series %lld contradict each other; run verify", s->ops->name,
                    (long long)info.id);
    if (r == 0)
        *out = info;
    return r;
}

int candle_store_list(CandleStore *s, Ctx *cx, SeriesInfo **out, size_t *n) {
    assert(out && n);
    int r = enter(s, cx, "list");
    if (r)
        return r;
    Timed t = timed_begin(s, cx, "store.list", NULL);
    r = s->ops->list(s, cx, out, n);
    return timed_end(s, cx, &t, r == 0 ? *n : 0, r);
}

int candle_store_remove(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed) {
    assert(key && removed);
    int r = enter(s, cx, "remove");
    if (r)
        return r;
    int64_t n = 0;
    Timed t = timed_begin(s, cx, "store.remove", key);
    r = s->ops->remove(s, cx, key, from, to, &n);
    r = of_series(cx, key, timed_end(s, cx, &t, (size_t)n, r));
    if (r == 0)
        tell(s, &(StoreCommit){ .key = key, .changed = true });
    if (r < 0)
        tell_doubt(s, key);
    if (r == 0)
        *removed = n;
    return r;
}

int candle_store_coverage(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, Coverage **out,
                          size_t *n) {
    assert(key && out && n);
    int r = enter(s, cx, "coverage");
    if (r)
        return r;
    Coverage *windows = NULL;
    size_t count = 0;
    r = s->ops->coverage(s, cx, key, from, to, &windows, &count);
    for (size_t i = 0; r == 0 && i < count; i++)
        if (windows[i].from.ms >= windows[i].to.ms || (i > 0 && windows[i].from.ms <= windows[i - 1].to.ms))
            r = err_set(cx, ERR_CORRUPT, "%s: coverage window %zu is empty or not merged", s->ops->name, i);
    if (r == 0) {
        *out = windows;
        *n = count;
    }
    return r;
}

int candle_store_changes(CandleStore *s, Ctx *cx, int64_t after, size_t limit, SeriesChange **out, size_t *n) {
    assert(limit > 0 && out && n);
    int r = enter(s, cx, "changes");
    if (r)
        return r;
    SeriesChange *changes = NULL;
    size_t count = 0;
    r = s->ops->changes(s, cx, after, limit, &changes, &count);
    for (size_t i = 0; r == 0 && i < count; i++)
        if (changes[i].sequence <= (i ? changes[i - 1].sequence : after))
            r = err_set(cx, ERR_CORRUPT, "%s: the change log is out of order", s->ops->name);
    if (r == 0) {
        *out = changes;
        *n = count;
    }
    return r;
}

int candle_store_put_listings(CandleStore *s, Ctx *cx, const Listing *v, size_t n) {
    assert(v || n == 0);
    for (size_t i = 0; i < n; i++)
        assert(v[i].venue.s[0] && v[i].symbol.s[0]);
    int r = enter(s, cx, "put_listings");
    return r || n == 0 ? r : s->ops->put_listings(s, cx, v, n);
}

int candle_store_listings(CandleStore *s, Ctx *cx, const Venue *venue, Listing **out, size_t *n) {
    assert(out && n);
    int r = enter(s, cx, "listings");
    return r ? r : s->ops->listings(s, cx, venue, out, n);
}

int candle_store_put_actions(CandleStore *s, Ctx *cx, const CorporateAction *v, size_t n, bool remove) {
    assert(v || n == 0);
    int r = enter(s, cx, "put_actions");
    for (size_t i = 0; r == 0 && i < n; i++)
        if (!action_valid(&v[i]))
            r = err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "actions[%zu]", i),
                           "action %zu cannot be stored: it needs an instrument, a date and a value above 0", i);
    if (r == 0 && !s->ops->put_actions)
        r = err_set(cx, ERR_UNSUPPORTED, "the store '%s' keeps no corporate actions; sqlite does", s->ops->name);
    return r || n == 0 ? r : s->ops->put_actions(s, cx, v, n, remove);
}

int candle_store_actions(CandleStore *s, Ctx *cx, const Symbol *instrument, CorporateAction **out, size_t *n) {
    assert(out && n);
    int r = enter(s, cx, "actions");
    CorporateAction *v = NULL;
    size_t count = 0;
    if (r == 0 && s->ops->actions)
        r = s->ops->actions(s, cx, instrument, &v, &count);
    if (r == 0) {
        *out = v;
        *n = count;
    }
    return r;
}

int64_t candle_store_drop_cache(CandleStore *s) {
    return s->ops->drop_cache ? s->ops->drop_cache(s) : 0;
}

int candle_store_describe(CandleStore *s, Ctx *cx, StoreInfo *out) {
    assert(out);
    int r = enter(s, cx, "describe");
    return r ? r : s->ops->describe(s, cx, out);
}

int candle_store_verify(CandleStore *s, Ctx *cx) {
    int r = enter(s, cx, "verify");
    return r ? r : s->ops->verify(s, cx);
}

int candle_store_snapshot(CandleStore *s, Ctx *cx, SnapshotPiece *piece, void *arg) {
    assert(piece);
    int r = enter(s, cx, "snapshot");
    if (r == 0 && !s->ops->snapshot)
        r = err_set(cx, ERR_UNSUPPORTED, "the %s store has no backup of its own: copy its files while nothing runs",
                    s->ops->name);
    return r ? r : s->ops->snapshot(s, cx, piece, arg);
}

Outbox *candle_store_outbox(CandleStore *s) {
    return s->ops->outbox ? s->ops->outbox(s) : NULL;
}

CandleStore *candle_store_close(CandleStore *s) {
    if (s)
        s->ops->close(s);
    return NULL;
}
