/* adapters/store/merge.c - see merge.h. */

#include "adapters/store/merge.h"

static void touch(MergeCount *count, int64_t open_ms) {
    count->from.ms = MIN(count->from.ms, open_ms);
    count->to.ms = MAX(count->to.ms, open_ms + 1);
}

/* Rows i of have and j of add are of one time. */
static void merge_row(const Candles *have, size_t i, const Candles *add, size_t j, Candles *out, MergeCount *count) {
    Candle old = candles_get(have, i), new = candles_get(add, j);
    bool was_synthetic = old.flags & CANDLE_SYNTHETIC, is_synthetic = new.flags &CANDLE_SYNTHETIC;
    if (is_synthetic && !was_synthetic) {
        count->kept_real++;
        candles_push(out, &old);
        return;
    }
    if (old.flags == new.flags && candle_same_data(&old, &new)) {
        count->unchanged++;
        candles_push(out, &old);
        return;
    }
    count->updated++;
    count->synthetic += is_synthetic - was_synthetic;
    touch(count, new.open_time.ms);
    candles_push(out, &new);
}

int64_t candles_synthetic(const Candles *rows) {
    int64_t n = 0;
    for (size_t i = 0; i < rows->n; i++)
        n += (rows->flags[i] & CANDLE_SYNTHETIC) != 0;
    return n;
}

static void insert_run(const Candles *add, size_t from, size_t n, Candles *out, MergeCount *count) {
    Candles run = candles_view(add, from, n);
    count->inserted += (int64_t)n;
    count->synthetic += candles_synthetic(&run);
    touch(count, run.open_ms[0]);
    touch(count, run.open_ms[n - 1]);
    count->new_from.ms = MIN(count->new_from.ms, run.open_ms[0]);
    count->new_to.ms = MAX(count->new_to.ms, run.open_ms[n - 1] + 1);
    candles_append(out, &run, 0, n);
}

/* Runs, not rows: the usual save is wholly behind, or wholly equal to, what is there. */
void merge_candles(const Candles *have, const Candles *add, Candles *out, MergeCount *count) {
    size_t i = 0, j = 0;
    while (i < have->n && j < add->n) {
        size_t run = 0;
        if (have->open_ms[i] < add->open_ms[j]) {
            while (i + run < have->n && have->open_ms[i + run] < add->open_ms[j])
                run++;
            candles_append(out, have, i, run);
            i += run;
        } else if (have->open_ms[i] > add->open_ms[j]) {
            while (j + run < add->n && add->open_ms[j + run] < have->open_ms[i])
                run++;
            insert_run(add, j, run, out, count);
            j += run;
        } else {
            merge_row(have, i++, add, j++, out, count);
        }
    }
    if (i < have->n)
        candles_append(out, have, i, have->n - i);
    if (j < add->n)
        insert_run(add, j, add->n - j, out, count);
}

void candles_page(const Candles *all, const CandleQuery *q, Arena *arena, Candles *out, bool *more) {
    size_t lo = candles_lower_bound(all, q->from), hi = candles_lower_bound(all, q->to);
    size_t wanted = 0, at = q->newest ? hi : lo;
    bool skip = q->skip_synthetic;
    /* Walk from the end that counts until limit rows are found; then copy forward. */
    for (; wanted < q->limit && (q->newest ? at > lo : at < hi);) {
        size_t row = q->newest ? --at : at++;
        wanted += !(skip && (all->flags[row] & CANDLE_SYNTHETIC));
    }
    size_t begin = q->newest ? at : lo, end = q->newest ? hi : at;
    *more = false;
    for (size_t i = q->newest ? lo : end; i < (q->newest ? begin : hi) && lo < hi && !*more; i++)
        *more = !(skip && (all->flags[i] & CANDLE_SYNTHETIC));
    if (wanted == 0)
        return;
    candles_reserve(out, arena, out->n + wanted);
    if (!skip) {
        candles_append(out, all, begin, end - begin);
        return;
    }
    for (size_t i = begin; i < end; i++)
        if (!(all->flags[i] & CANDLE_SYNTHETIC))
            candles_append(out, all, i, 1);
}

bool coverage_add(Coverage *v, size_t *n, const Coverage *add) {
    size_t lo = 0, hi;
    while (lo < *n && v[lo].to.ms < add->from.ms)
        lo++;
    for (hi = lo; hi < *n && v[hi].from.ms <= add->to.ms;)
        hi++;
    Coverage joined = *add;
    for (size_t i = lo; i < hi; i++) {
        Coverage *newest = v[i].fetched_at.ms > joined.fetched_at.ms ? &v[i] : &joined;
        joined.fetched_at = newest->fetched_at;
        memmove(joined.source, newest->source, sizeof joined.source);
        joined.from.ms = MIN(joined.from.ms, v[i].from.ms);
        joined.to.ms = MAX(joined.to.ms, v[i].to.ms);
    }
    bool same = hi == lo + 1 && joined.from.ms == v[lo].from.ms && joined.to.ms == v[lo].to.ms;
    memmove(v + lo + 1, v + hi, (*n - hi) * sizeof *v);
    v[lo] = joined;
    *n = *n - (hi - lo) + 1;
    return !same;
}

bool coverage_cut(Coverage *v, size_t *n, Time from, Time to) {
    size_t count = *n;
    bool cut = false;
    for (size_t i = 0; i < count && from.ms < to.ms;) {
        Coverage w = v[i];
        if (w.to.ms <= from.ms || w.from.ms >= to.ms) {
            i++;
            continue;
        }
        cut = true;
        bool left = w.from.ms < from.ms;
        bool right = w.to.ms > to.ms;
        size_t stays = (size_t)left + right;
        memmove(v + i + stays, v + i + 1, (count - i - 1) * sizeof *v);
        if (left)
            v[i] = (Coverage){ w.from, from, w.fetched_at, { 0 } };
        if (right)
            v[i + left] = (Coverage){ to, w.to, w.fetched_at, { 0 } };
        for (size_t k = 0; k < stays; k++)
            memcpy(v[i + k].source, w.source, sizeof w.source);
        count = count - 1 + stays;
        i += stays;
    }
    *n = count;
    return cut;
}

void coverage_select(const Coverage *v, size_t n, Time from, Time to, Arena *arena, Coverage **out, size_t *n_out) {
    size_t lo = 0, hi;
    while (lo < n && v[lo].to.ms <= from.ms)
        lo++;
    for (hi = lo; hi < n && v[hi].from.ms < to.ms;)
        hi++;
    *n_out = hi - lo;
    *out = arena_alloc(arena, mem_mul(hi - lo, sizeof *v));
    if (hi > lo)
        memcpy(*out, v + lo, (hi - lo) * sizeof *v);
}

int series_key_cmp(const SeriesKey *a, const SeriesKey *b) {
    int r = memcmp(a->venue.s, b->venue.s, sizeof a->venue.s);
    if (!r)
        r = memcmp(a->symbol.s, b->symbol.s, sizeof a->symbol.s);
    if (!r)
        r = time_cmp(time_ms(timeframe_ms(a->timeframe)), time_ms(timeframe_ms(b->timeframe)));
    if (!r)
        r = memcmp(&a->timeframe, &b->timeframe, sizeof a->timeframe); /* 7d and 1w are two series */
    if (!r)
        r = memcmp(a->provider.s, b->provider.s, sizeof a->provider.s);
    if (!r)
        r = a->price - b->price;
    return r ? r : a->adjustment - b->adjustment;
}

int listing_cmp(const Listing *a, const Listing *b) {
    int r = memcmp(a->venue.s, b->venue.s, sizeof a->venue.s);
    if (!r)
        r = memcmp(a->symbol.s, b->symbol.s, sizeof a->symbol.s);
    return r ? r : time_cmp(a->valid_from, b->valid_from);
}
