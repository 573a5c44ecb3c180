#pragma once

/* adapters/store/merge.h - the rules of the port that every adapter shares, as pure functions.
 *
 * Which candle wins, how coverage windows join and split, in which order series and listings are shown: said
 * once, so that no two stores can differ in it. */

#include "ports/candle_store.h"

typedef struct MergeCount {
    int64_t inserted, updated, unchanged, kept_real;
    int64_t synthetic;     /* change of the number of synthetic rows */
    Time from, to;         /* open times touched, [from, to); empty (to <= from) when nothing changed */
    Time new_from, new_to; /* of those inserted */
} MergeCount;

#define MERGE_COUNT_NONE ((MergeCount){ .from = TIME_MAX, .to = TIME_MIN, .new_from = TIME_MAX, .new_to = TIME_MIN })

/* Writes the union of two ascending tables behind the rows of *out, which has room for both. At equal times
 * the row of `add` wins, except that a synthetic one never replaces a real one; an equal row keeps the
 * known_at it had. Adds to *count. */
void merge_candles(const Candles *have, const Candles *add, Candles *out, MergeCount *count);
static inline bool merge_changed(const MergeCount *c) {
    return c->inserted + c->updated > 0;
}
int64_t candles_synthetic(const Candles *rows);

/* Rows of an ascending table that answer a query; q->limit > 0. Appends to *out in the arena. */
void candles_page(const Candles *all, const CandleQuery *q, Arena *arena, Candles *out, bool *more);

/* Adds a window to v, ascending and disjoint, with room for n + 1: windows that overlap or touch become one,
 * with the source and time of the newest fetch. false: the windows are what they were. */
bool coverage_add(Coverage *v, size_t *n, const Coverage *add);
/* Takes [from, to) out of v, with room for n + 1. false: no window was touched. */
bool coverage_cut(Coverage *v, size_t *n, Time from, Time to);
/* Windows that touch [from, to), in the arena. */
void coverage_select(const Coverage *v, size_t n, Time from, Time to, Arena *arena, Coverage **out, size_t *n_out);

/* By venue, symbol, timeframe length, then provider, price and adjustment. */
int series_key_cmp(const SeriesKey *a, const SeriesKey *b);
/* By venue, symbol, valid_from: the identity of a listing. */
int listing_cmp(const Listing *a, const Listing *b);
