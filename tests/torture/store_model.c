/* tests/torture/store_model.c - see store_model.h. */

#include "torture/store_model.h"

#include "base/hash.h"

typedef struct Plan { /* of one call */
    int series;
    size_t from, span;
    bool remove, durable;
} Plan;

uint64_t model_hash(const Model *m) {
    return hash64(m, sizeof *m, 1);
}

static SeriesKey key_of(int series) {
    static const char *const texts[MODEL_SERIES] = { "test:A:1m", "test:B:1m" };
    SeriesKey key;
    bool ok = series_key_parse(str_c(texts[series]), &key);
    assert(ok);
    return key;
}

static Time time_of(size_t slot) {
    return time_ms(((int64_t)slot - 1000) * MS_PER_MINUTE);
}

static Candle candle_of(size_t slot, uint16_t price) {
    Candle c = { .open_time = time_of(slot), .volume = price * 7.0 };
    c.open = c.high = c.low = c.close = price * 0.01;
    return c;
}

/* Draws the call and writes what it leads to. */
static Plan plan(const Model *before, Rng *rng, Model *after) {
    static const size_t spans[] = { 1, 1, 1, 2, 3, 200, 1500, 3000 };
    Plan p = { .series = (int)rng_below(rng, MODEL_SERIES), .span = spans[rng_below(rng, ARRAY_LEN(spans))] };
    p.from = rng_below(rng, MODEL_SLOTS - p.span + 1);
    p.remove = rng_chance(rng, 0.08);
    p.durable = rng_chance(rng, 0.6) || p.remove;
    *after = *before;
    for (size_t i = p.from; i < p.from + p.span; i++)
        after->price[p.series][i] = p.remove ? 0 : (uint16_t)rng_between(rng, 1, 60000);
    return p;
}

void model_skip(const Model *before, Rng *rng, Model *after) {
    plan(before, rng, after);
}

int model_call(const Model *before, CandleStore *store, Ctx *cx, Rng *rng, Model *after, bool *durable) {
    Plan p = plan(before, rng, after);
    SeriesKey key = key_of(p.series);
    *durable = p.durable;
    if (p.remove) {
        int64_t removed;
        int r = candle_store_remove(store, cx, &key, time_of(p.from), time_of(p.from + p.span), &removed);
        if (r == STORE_NO_SERIES)
            *durable = false; /* nothing was done, so nothing was promised */
        return r == STORE_NO_SERIES ? 0 : r;
    }
    Candles rows;
    candles_init(&rows, cx->arena, p.span);
    for (size_t i = p.from; i < p.from + p.span; i++) {
        Candle c = candle_of(i, after->price[p.series][i]);
        candles_push(&rows, &c);
    }
    SaveRequest req = { .key = &key, .rows = &rows, .flags = p.durable ? SAVE_DURABLE : 0 };
    SaveResult result;
    return candle_store_save(store, cx, &req, &result);
}

int model_read(CandleStore *store, Ctx *cx, Model *out) {
    *out = (Model){ 0 };
    for (int k = 0; k < MODEL_SERIES; k++) {
        SeriesKey key = key_of(k);
        Candles rows = { 0 };
        CandleQuery q = { .from = TIME_MIN, .to = TIME_MAX };
        bool more;
        int r = candle_store_read(store, cx, &key, &q, &rows, &more);
        if (r < 0)
            return r;
        for (size_t i = 0; r == 0 && i < rows.n; i++) {
            int64_t slot = rows.open_ms[i] / MS_PER_MINUTE + 1000;
            Candle got = candles_get(&rows, i), want = { 0 };
            if (slot >= 0 && slot < MODEL_SLOTS)
                want = candle_of((size_t)slot, (uint16_t)(got.volume / 7.0));
            if (want.volume == 0 || !candle_same_data(&want, &got))
                return err_set(cx, ERR_CORRUPT, "a candle that was never saved: series %d, %lld", k,
                               (long long)rows.open_ms[i]);
            out->price[k][slot] = (uint16_t)(got.volume / 7.0);
        }
    }
    return 0;
}
