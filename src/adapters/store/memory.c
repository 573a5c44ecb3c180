/* adapters/store/memory.c - see memory.h. */

#include "adapters/store/memory.h"

#include "adapters/store/merge.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct Series {
    SeriesInfo info; /* counts are kept by refresh */
    Candles rows;
    VEC(Coverage) cover;
} Series;

typedef struct Memory {
    CandleStore store; /* first: the ops get this pointer back */
    pthread_rwlock_t lock;
    VEC(Series *) series; /* in the order of series_key_cmp */
    VEC(SeriesChange) changes;
    VEC(Listing) listings;        /* in the order of listing_cmp */
    VEC(CorporateAction) actions; /* in the order of action_cmp */
    int64_t last_id;
    MemoryJournal journal; /* all-zero: none */
} Memory;

/* Index of the series, or where it would be. */
static size_t series_index(const Memory *m, const SeriesKey *key, bool *found) {
    size_t lo = 0, hi = m->series.n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (series_key_cmp(&m->series.v[mid]->info.key, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = lo < m->series.n && series_key_eq(&m->series.v[lo]->info.key, key);
    return lo;
}

static Series *series_find(const Memory *m, const SeriesKey *key) {
    bool found;
    size_t i = series_index(m, key, &found);
    return found ? m->series.v[i] : NULL;
}

static Series *series_get(Memory *m, const SeriesKey *key) {
    bool found;
    size_t at = series_index(m, key, &found);
    if (found)
        return m->series.v[at];
    Series *s = mem_new(Series);
    s->info.id = ++m->last_id;
    s->info.key = *key;
    candles_init_heap(&s->rows, 16);
    vec_push(&m->series, s);
    memmove(m->series.v + at + 1, m->series.v + at, (m->series.n - 1 - at) * sizeof *m->series.v);
    m->series.v[at] = s;
    return s;
}

static void series_free(Series *s) {
    candles_done_heap(&s->rows);
    vec_done(&s->cover);
    mem_free(s);
}

static void refresh(Series *s) {
    s->info.n = (int64_t)s->rows.n;
    s->info.n_synthetic = candles_synthetic(&s->rows);
    s->info.bytes = (int64_t)(s->rows.n * (7 * sizeof(double) + 1));
    if (s->rows.n) {
        s->info.first.ms = s->rows.open_ms[0];
        s->info.last.ms = s->rows.open_ms[s->rows.n - 1];
    }
}

static SeriesChange next_change(const Memory *m, Ctx *cx, const Series *s, Time from, Time to) {
    int64_t last = m->changes.n ? m->changes.v[m->changes.n - 1].sequence : 0;
    return (SeriesChange){ .sequence = last + 1,
                           .series_id = s->info.id,
                           .revision = s->info.revision + 1,
                           .from = from,
                           .to = to,
                           .at = clock_wall(cx->clock) };
}

/* Asks the journal, then makes `next` what everybody sees; on failure nothing has happened. */
static int commit(Memory *m, Ctx *cx, Series *s, Series *next, const SeriesChange *change, bool dropped) {
    refresh(next);
    if (change)
        next->info.revision = change->revision;
    MemoryCommit c = { &next->info, &next->rows, next->cover.v, next->cover.n, change, dropped };
    int r = m->journal.commit ? m->journal.commit(m->journal.arg, cx, &c) : 0;
    if (r == 0) {
        Series old = *s;
        *s = *next;
        *next = old;
        if (change)
            vec_push(&m->changes, *change);
    }
    candles_done_heap(&next->rows);
    vec_done(&next->cover);
    return r;
}

/* A copy of the series to work on, with the rows given and room for two coverage windows more. */
static Series draft_of(const Series *s, const Candles *rows) {
    Series d = { .info = s->info, .rows = *rows };
    d.cover.cap = s->cover.n + 2;
    d.cover.v = mem_new_n(Coverage, d.cover.cap);
    d.cover.n = s->cover.n;
    if (s->cover.n)
        memcpy(d.cover.v, s->cover.v, s->cover.n * sizeof *d.cover.v);
    return d;
}

static void drop_series(Memory *m, const SeriesKey *key) {
    bool found;
    size_t at = series_index(m, key, &found);
    assert(found);
    series_free(m->series.v[at]);
    m->series.n--;
    memmove(m->series.v + at, m->series.v + at + 1, (m->series.n - at) * sizeof *m->series.v);
}

static int save_locked(Memory *m, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    bool is_new = !series_find(m, req->key);
    Series *s = series_get(m, req->key);
    MergeCount count = MERGE_COUNT_NONE;
    Candles merged;
    candles_init_heap(&merged, s->rows.n + req->rows->n);
    merge_candles(&s->rows, req->rows, &merged, &count);
    Series draft = draft_of(s, &merged);
    bool changed = merge_changed(&count);
    if ((req->flags & SAVE_COVERAGE) && coverage_add(draft.cover.v, &draft.cover.n, &req->coverage)) {
        changed = true;
        count.from.ms = MIN(count.from.ms, req->coverage.from.ms);
        count.to.ms = MAX(count.to.ms, req->coverage.to.ms);
    }
    SeriesChange change = next_change(m, cx, s, count.from, count.to);
    int r = commit(m, cx, s, &draft, changed ? &change : NULL, false);
    if (r == 0)
        *out = (SaveResult){ count.inserted, count.updated, count.unchanged, count.kept_real, s->info.revision };
    else if (is_new)
        drop_series(m, req->key);
    return r;
}

static int memory_save(CandleStore *store, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    Memory *m = (Memory *)store;
    pthread_rwlock_wrlock(&m->lock);
    int r = save_locked(m, cx, req, out);
    pthread_rwlock_unlock(&m->lock);
    return r;
}

static int memory_read(CandleStore *store, Ctx *cx, const SeriesKey *key, const CandleQuery *q, Candles *out,
                       bool *more) {
    Memory *m = (Memory *)store;
    pthread_rwlock_rdlock(&m->lock);
    const Series *s = series_find(m, key);
    if (s)
        candles_page(&s->rows, q, cx->arena, out, more);
    pthread_rwlock_unlock(&m->lock);
    return s ? 0 : STORE_NO_SERIES;
}

static int memory_info(CandleStore *store, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    UNUSED(cx);
    Memory *m = (Memory *)store;
    pthread_rwlock_rdlock(&m->lock);
    const Series *s = series_find(m, key);
    if (s)
        *out = s->info;
    pthread_rwlock_unlock(&m->lock);
    return s ? 0 : STORE_NO_SERIES;
}

static int memory_list(CandleStore *store, Ctx *cx, SeriesInfo **out, size_t *n) {
    Memory *m = (Memory *)store;
    pthread_rwlock_rdlock(&m->lock);
    *n = m->series.n;
    *out = arena_alloc(cx->arena, mem_mul(m->series.n, sizeof **out));
    for (size_t i = 0; i < m->series.n; i++)
        (*out)[i] = m->series.v[i]->info;
    pthread_rwlock_unlock(&m->lock);
    return 0;
}

static int remove_locked(Memory *m, Ctx *cx, Series *s, Time from, Time to, int64_t *removed) {
    size_t lo = candles_lower_bound(&s->rows, from), hi = candles_lower_bound(&s->rows, to);
    bool all = from.ms == TIME_MIN.ms && to.ms == TIME_MAX.ms;
    Candles rest;
    candles_init_heap(&rest, s->rows.n);
    candles_append(&rest, &s->rows, 0, lo);
    candles_append(&rest, &s->rows, hi, s->rows.n - hi);
    Series draft = draft_of(s, &rest);
    bool cut = coverage_cut(draft.cover.v, &draft.cover.n, from, to);
    SeriesChange change = next_change(m, cx, s, from, to);
    SeriesKey key = s->info.key;
    int r = commit(m, cx, s, &draft, hi > lo || cut || all ? &change : NULL, all);
    if (r == 0)
        *removed = (int64_t)(hi - lo);
    if (r == 0 && all)
        drop_series(m, &key);
    return r;
}

static int memory_remove(CandleStore *store, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed) {
    Memory *m = (Memory *)store;
    int r = 0;
    pthread_rwlock_wrlock(&m->lock);
    Series *s = series_find(m, key);
    if (s && from.ms < to.ms)
        r = remove_locked(m, cx, s, from, to, removed);
    pthread_rwlock_unlock(&m->lock);
    return s ? r : STORE_NO_SERIES;
}

static int memory_coverage(CandleStore *store, Ctx *cx, const SeriesKey *key, Time from, Time to, Coverage **out,
                           size_t *n) {
    Memory *m = (Memory *)store;
    pthread_rwlock_rdlock(&m->lock);
    const Series *s = series_find(m, key);
    if (s)
        coverage_select(s->cover.v, s->cover.n, from, to, cx->arena, out, n);
    pthread_rwlock_unlock(&m->lock);
    return s ? 0 : STORE_NO_SERIES;
}

static int memory_changes(CandleStore *store, Ctx *cx, int64_t after, size_t limit, SeriesChange **out, size_t *n) {
    Memory *m = (Memory *)store;
    pthread_rwlock_rdlock(&m->lock);
    size_t from = 0, hi = m->changes.n; /* the first with a larger sequence */
    while (from < hi) {
        size_t mid = (from + hi) / 2;
        if (m->changes.v[mid].sequence <= after)
            from = mid + 1;
        else
            hi = mid;
    }
    *n = MIN(limit, m->changes.n - from);
    *out = arena_alloc(cx->arena, mem_mul(*n, sizeof **out));
    if (*n)
        memcpy(*out, m->changes.v + from, *n * sizeof **out);
    pthread_rwlock_unlock(&m->lock);
    return 0;
}

static void put_listing(Memory *m, const Listing *l) {
    size_t at = 0;
    while (at < m->listings.n && listing_cmp(&m->listings.v[at], l) < 0)
        at++;
    if (at < m->listings.n && listing_cmp(&m->listings.v[at], l) == 0) {
        m->listings.v[at] = *l;
        return;
    }
    vec_push(&m->listings, *l);
    memmove(m->listings.v + at + 1, m->listings.v + at, (m->listings.n - 1 - at) * sizeof *m->listings.v);
    m->listings.v[at] = *l;
}

static int memory_put_listings(CandleStore *store, Ctx *cx, const Listing *v, size_t n) {
    Memory *m = (Memory *)store;
    int r = 0;
    pthread_rwlock_wrlock(&m->lock);
    size_t had = m->listings.n;
    Listing *before = mem_new_n(Listing, had + 1);
    if (had)
        memcpy(before, m->listings.v, had * sizeof *before);
    for (size_t i = 0; i < n; i++)
        put_listing(m, &v[i]);
    if (m->journal.listings)
        r = m->journal.listings(m->journal.arg, cx, m->listings.v, m->listings.n);
    if (r) { /* as if nothing had been put */
        memcpy(m->listings.v, before, had * sizeof *before);
        m->listings.n = had;
    }
    mem_free(before);
    pthread_rwlock_unlock(&m->lock);
    return r;
}

static int memory_listings(CandleStore *store, Ctx *cx, const Venue *venue, Listing **out, size_t *n) {
    Memory *m = (Memory *)store;
    pthread_rwlock_rdlock(&m->lock);
    *out = arena_alloc(cx->arena, mem_mul(m->listings.n, sizeof **out));
    *n = 0;
    VEC_FOR (l, &m->listings)
        if (!venue || venue_eq(*venue, l->venue))
            (*out)[(*n)++] = *l;
    pthread_rwlock_unlock(&m->lock);
    return 0;
}

static int action_cmp(const CorporateAction *a, const CorporateAction *b) {
    int by_name = strcmp(a->instrument.s, b->instrument.s), by_time = time_cmp(a->ex, b->ex);
    return by_name ? by_name : by_time ? by_time : (int)a->kind - (int)b->kind;
}

static void put_action(Memory *m, const CorporateAction *a, bool remove) {
    size_t at = 0;
    while (at < m->actions.n && action_cmp(&m->actions.v[at], a) < 0)
        at++;
    bool there = at < m->actions.n && action_cmp(&m->actions.v[at], a) == 0;
    if (there && !remove) {
        m->actions.v[at] = *a;
    } else if (there) {
        m->actions.n--;
        memmove(m->actions.v + at, m->actions.v + at + 1, (m->actions.n - at) * sizeof *m->actions.v);
    } else if (!remove) {
        vec_push(&m->actions, *a);
        memmove(m->actions.v + at + 1, m->actions.v + at, (m->actions.n - 1 - at) * sizeof *m->actions.v);
        m->actions.v[at] = *a;
    }
}

/* A journal has no place for them: a store that keeps one would forget what it said it had stored. */
static int memory_put_actions(CandleStore *store, Ctx *cx, const CorporateAction *v, size_t n, bool remove) {
    Memory *m = (Memory *)store;
    if (m->journal.commit)
        return err_set(cx, ERR_UNSUPPORTED, "the store '%s' keeps no corporate actions; sqlite does", m->journal.name);
    pthread_rwlock_wrlock(&m->lock);
    for (size_t i = 0; i < n; i++)
        put_action(m, &v[i], remove);
    pthread_rwlock_unlock(&m->lock);
    return 0;
}

static int memory_actions(CandleStore *store, Ctx *cx, const Symbol *instrument, CorporateAction **out, size_t *n) {
    Memory *m = (Memory *)store;
    pthread_rwlock_rdlock(&m->lock);
    *out = arena_alloc(cx->arena, mem_mul(m->actions.n, sizeof **out));
    *n = 0;
    VEC_FOR (a, &m->actions)
        if (!instrument || symbol_eq(*instrument, a->instrument))
            (*out)[(*n)++] = *a;
    pthread_rwlock_unlock(&m->lock);
    return 0;
}

static int memory_describe(CandleStore *store, Ctx *cx, StoreInfo *out) {
    UNUSED(cx);
    Memory *m = (Memory *)store;
    *out = (StoreInfo){ .adapter = m->store.ops->name, .location = S("memory of this process") };
    if (m->journal.name) {
        out->adapter = m->journal.name;
        out->location = m->journal.location;
    }
    pthread_rwlock_rdlock(&m->lock);
    out->n_series = (int64_t)m->series.n;
    VEC_FOR (s, &m->series) {
        out->n_candles += (*s)->info.n;
        out->bytes += (*s)->info.bytes;
    }
    pthread_rwlock_unlock(&m->lock);
    return 0;
}

static int memory_verify(CandleStore *store, Ctx *cx) {
    Memory *m = (Memory *)store;
    int r = 0;
    pthread_rwlock_rdlock(&m->lock);
    VEC_FOR (s, &m->series)
        if (!candles_sorted_unique(&(*s)->rows))
            r = err_set(cx, ERR_CORRUPT, "memory: the rows of series %lld are out of order", (long long)(*s)->info.id);
    pthread_rwlock_unlock(&m->lock);
    return r;
}

static void memory_close(CandleStore *store) {
    Memory *m = (Memory *)store;
    if (m->journal.close)
        m->journal.close(m->journal.arg);
    VEC_FOR (s, &m->series)
        series_free(*s);
    vec_done(&m->series);
    vec_done(&m->changes);
    vec_done(&m->listings);
    vec_done(&m->actions);
    pthread_rwlock_destroy(&m->lock);
    mem_free(m);
}

static const CandleStoreOps ops = {
    .name = "memory",
    .save = memory_save,
    .read = memory_read,
    .info = memory_info,
    .list = memory_list,
    .remove = memory_remove,
    .coverage = memory_coverage,
    .changes = memory_changes,
    .put_listings = memory_put_listings,
    .listings = memory_listings,
    .put_actions = memory_put_actions,
    .actions = memory_actions,
    .describe = memory_describe,
    .verify = memory_verify,
    .close = memory_close,
};

CandleStore *store_memory_new(void) {
    Memory *m = mem_new(Memory);
    m->store.ops = &ops;
    pthread_rwlock_init(&m->lock, NULL);
    return &m->store;
}

CandleStore *store_memory_journaled(const MemoryJournal *journal) {
    CandleStore *store = store_memory_new();
    ((Memory *)store)->journal = *journal;
    return store;
}

void store_memory_restore(CandleStore *store, const SeriesInfo *info, Candles *rows, const Coverage *cover, size_t n) {
    Memory *m = (Memory *)store;
    Series *s = series_get(m, &info->key);
    candles_done_heap(&s->rows);
    s->rows = *rows;
    *rows = (Candles){ 0 };
    s->info.id = info->id;
    s->info.revision = info->revision;
    m->last_id = MAX(m->last_id, info->id);
    for (size_t i = 0; i < n; i++)
        vec_push(&s->cover, cover[i]);
    refresh(s);
}

void store_memory_restore_change(CandleStore *store, const SeriesChange *change) {
    Memory *m = (Memory *)store;
    vec_push(&m->changes, *change);
    m->last_id = MAX(m->last_id, change->series_id);
}

void store_memory_restore_listing(CandleStore *store, const Listing *listing) {
    put_listing((Memory *)store, listing);
}
