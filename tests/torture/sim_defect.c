/* tests/torture/sim_defect.c - see sim_defect.h. */

#include "torture/sim_defect.h"

typedef struct Defective {
    CandleStore store; /* first */
    CandleStore *inner;
    SimDefect defect;
    int64_t pages;
} Defective;

static CandleStore *inner_of(CandleStore *s) {
    return ((Defective *)s)->inner;
}

static Candles copy_rows(Ctx *cx, const Candles *rows) {
    Candles copy;
    candles_init(&copy, cx->arena, rows->n + 1);
    candles_append(&copy, rows, 0, rows->n);
    return copy;
}

static int save_without_a_row(Defective *d, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    SaveRequest bad = *req;
    Candles rows;
    if ((req->flags & SAVE_COVERAGE) && req->rows->n > 2 && ++d->pages % 10 == 0) {
        size_t without = req->rows->n / 2;
        candles_init(&rows, cx->arena, req->rows->n);
        candles_append(&rows, req->rows, 0, without);
        candles_append(&rows, req->rows, without + 1, req->rows->n - without - 1);
        bad.rows = &rows;
    }
    int r = candle_store_save(d->inner, cx, &bad, out);
    if (r == 0)
        out->unchanged += (int64_t)(req->rows->n - bad.rows->n); /* else the port itself would notice */
    return r;
}

static int save_coverage_first(Defective *d, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    SaveRequest bad = *req;
    if (req->flags & SAVE_COVERAGE) {
        Candles none = { 0 };
        bad.rows = &none;
        int r = candle_store_save(d->inner, cx, &bad, out);
        if (r != 0)
            return r;
        bad.rows = req->rows;
        bad.flags &= ~(unsigned)SAVE_COVERAGE;
    }
    return candle_store_save(d->inner, cx, &bad, out);
}

static int save_unflagged(Defective *d, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    SaveRequest bad = *req;
    Candles rows = copy_rows(cx, req->rows);
    for (size_t i = 0; i < rows.n; i++)
        rows.flags[i] &= (uint8_t)~CANDLE_SIMULATED;
    bad.rows = &rows;
    return candle_store_save(d->inner, cx, &bad, out);
}

static int defective_save(CandleStore *s, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    Defective *d = (Defective *)s;
    SaveRequest bad = *req;
    int r;
    switch (d->defect) {
    case DEFECT_ROW_DROPPED:
        return save_without_a_row(d, cx, req, out);
    case DEFECT_EARLY_COVERAGE:
        return save_coverage_first(d, cx, req, out);
    case DEFECT_NOT_DURABLE:
        bad.flags &= ~(unsigned)SAVE_DURABLE;
        return candle_store_save(d->inner, cx, &bad, out);
    case DEFECT_FLAG_LOST:
        return save_unflagged(d, cx, req, out);
    case DEFECT_ERROR_HIDDEN:
        r = candle_store_save(d->inner, cx, req, out);
        *out = r < 0 ? (SaveResult){ .inserted = (int64_t)req->rows->n } : *out;
        return MAX(r, 0);
    default:
        return candle_store_save(d->inner, cx, req, out);
    }
}

/* --- all else is forwarded --- */

static int fwd_read(CandleStore *s, Ctx *cx, const SeriesKey *key, const CandleQuery *q, Candles *out, bool *more) {
    return candle_store_read(inner_of(s), cx, key, q, out, more);
}

static int fwd_info(CandleStore *s, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    return candle_store_info(inner_of(s), cx, key, out);
}

static int fwd_list(CandleStore *s, Ctx *cx, SeriesInfo **out, size_t *n) {
    return candle_store_list(inner_of(s), cx, out, n);
}

static int fwd_remove(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed) {
    return candle_store_remove(inner_of(s), cx, key, from, to, removed);
}

static int fwd_coverage(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, Coverage **out, size_t *n) {
    return candle_store_coverage(inner_of(s), cx, key, from, to, out, n);
}

static int fwd_changes(CandleStore *s, Ctx *cx, int64_t after, size_t limit, SeriesChange **out, size_t *n) {
    return candle_store_changes(inner_of(s), cx, after, limit, out, n);
}

static int fwd_put_listings(CandleStore *s, Ctx *cx, const Listing *v, size_t n) {
    return candle_store_put_listings(inner_of(s), cx, v, n);
}

static int fwd_listings(CandleStore *s, Ctx *cx, const Venue *venue, Listing **out, size_t *n) {
    return candle_store_listings(inner_of(s), cx, venue, out, n);
}

static int fwd_describe(CandleStore *s, Ctx *cx, StoreInfo *out) {
    return candle_store_describe(inner_of(s), cx, out);
}

static int fwd_verify(CandleStore *s, Ctx *cx) {
    return candle_store_verify(inner_of(s), cx);
}

static void fwd_close(CandleStore *s) {
    candle_store_close(inner_of(s));
    mem_free(s);
}

static const CandleStoreOps ops = {
    .name = "defective",
    .save = defective_save,
    .read = fwd_read,
    .info = fwd_info,
    .list = fwd_list,
    .remove = fwd_remove,
    .coverage = fwd_coverage,
    .changes = fwd_changes,
    .put_listings = fwd_put_listings,
    .listings = fwd_listings,
    .describe = fwd_describe,
    .verify = fwd_verify,
    .close = fwd_close,
};

CandleStore *sim_defect_wrap(CandleStore *inner, SimDefect defect) {
    if (defect == DEFECT_NONE)
        return inner;
    Defective *d = mem_new(Defective);
    d->store.ops = &ops;
    d->inner = inner;
    d->defect = defect;
    return &d->store;
}

const char *sim_defect_name(SimDefect defect) {
    static const char *const names[DEFECT_KINDS] = { "none",        "row dropped", "early coverage",
                                                     "not durable", "flag lost",   "error hidden" };
    return names[defect];
}
