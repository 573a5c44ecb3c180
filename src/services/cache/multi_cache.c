/* services/cache/multi_cache.c - see multi_cache.h. */

#include "services/cache/multi_cache.h"

#include <pthread.h>

enum { OWED_MAX = 256 };

/* A drop that the second level has not taken. */
typedef struct Owed {
    enum { OWED_KEY, OWED_RANGE, OWED_PATTERN } what;
    char *text;
    size_t n;
    Time from, to;
} Owed;

struct MultiCache {
    MultiCacheOptions o;
    Breaker breaker;
    _Atomic int64_t hits[3]; /* by CacheLevel; CACHE_NOWHERE = misses */
    _Atomic int64_t l2_errors, l2_refused, n_owed_seen;
    atomic_bool l2_down; /* said in the log */
    Counter *metric[3], *python_hits, *python_misses, *metric_errors;
    pthread_mutex_t lock; /* of owed; not held during calls */
    Owed owed[OWED_MAX];
    size_t n_owed;
    bool paying; /* one thread at a time pays */
};

static void make_metrics(MultiCache *m) {
    Metrics *reg = m->o.metrics;
    if (!reg)
        return;
    static const char *const outcome[] = { "miss", "hit_l1", "hit_l2" };
    for (int i = 0; i < 3; i++)
        m->metric[i] =
            metrics_counter(reg, "finsight_cache_requests_total", "Questions to the cache, by where they ended.",
                            METRIC_L({ "outcome", str_c(outcome[i]) }));
    m->metric_errors = metrics_counter(reg, "finsight_cache_shared_errors_total",
                                       "Calls of the shared cache that failed.", METRIC_NO_LABELS);
    m->python_hits = metrics_counter(reg, "python_services_cache_hits_total", "Cache hits.", METRIC_NO_LABELS);
    m->python_misses = metrics_counter(reg, "python_services_cache_misses_total", "Cache misses.", METRIC_NO_LABELS);
}

MultiCache *multi_cache_new(const MultiCacheOptions *o) {
    assert(o->l1 && o->clock);
    MultiCache *m = mem_new(MultiCache);
    m->o = *o;
    breaker_init(&m->breaker, &breaker_fast, clock_mono(o->clock));
    pthread_mutex_init(&m->lock, NULL);
    make_metrics(m);
    return m;
}

MultiCache *multi_cache_free(MultiCache *m) {
    if (!m)
        return NULL;
    for (size_t i = 0; i < m->n_owed; i++)
        mem_free(m->owed[i].text);
    pthread_mutex_destroy(&m->lock);
    return mem_free(m);
}

/* --- the second level, which may fail --- */

static void l2_failed(MultiCache *m, Ctx *cx, const Ctx *why) {
    atomic_fetch_add(&m->l2_errors, 1);
    counter_inc(m->metric_errors);
    if (breaker_state(&m->breaker) != BREAKER_CLOSED && !atomic_exchange(&m->l2_down, true))
        LOG_WARNING(m->o.log, cx, S("the shared cache cannot be reached; going on without it"),
                    F_STR("reason", str_c(why->err.text)));
}

static void l2_worked(MultiCache *m, Ctx *cx) {
    if (atomic_load(&m->l2_down) && atomic_exchange(&m->l2_down, false))
        LOG_INFO(m->o.log, cx, S("the shared cache answers again"));
}

/* One guarded call: false when it was not made or failed. The caller's Ctx keeps its words: an error here is no error of
 * the request. */
typedef int L2Call(MultiCache *m, Ctx *cx, void *arg);
static bool l2_call(MultiCache *m, Ctx *cx, L2Call *fn, void *arg) {
    BreakerTicket ticket;
    if (!breaker_admit(&m->breaker, clock_mono(cx->clock), &ticket)) {
        atomic_fetch_add(&m->l2_refused, 1);
        return false;
    }
    Ctx quiet = *cx;
    int r = fn(m, &quiet, arg);
    bool ours = r == ERR_CANCELLED || r == ERR_INVALID; /* says nothing of the server */
    breaker_report(&m->breaker, ticket, r >= 0 || ours, clock_mono(cx->clock));
    if (r >= 0)
        l2_worked(m, cx);
    else if (!ours)
        l2_failed(m, cx, &quiet);
    return r >= 0;
}

/* --- drops it owes --- */

static bool owes(MultiCache *m) {
    return atomic_load(&m->n_owed_seen) > 0;
}

static void owe(MultiCache *m, int what, Str text, Time from, Time to) {
    pthread_mutex_lock(&m->lock);
    if (m->n_owed == OWED_MAX) { /* so many: everything */
        for (size_t i = 0; i < m->n_owed; i++)
            mem_free(m->owed[i].text);
        m->n_owed = 0;
        what = OWED_PATTERN;
        text = S("*");
    }
    Owed *o = &m->owed[m->n_owed++];
    *o = (Owed){ .text = mem_alloc(text.n), .n = text.n, .from = from, .to = to };
    o->what = what;
    memcpy(o->text, text.p, text.n);
    atomic_store(&m->n_owed_seen, (int64_t)m->n_owed);
    pthread_mutex_unlock(&m->lock);
}

static int l2_drop(MultiCache *m, Ctx *cx, void *arg) {
    const Owed *o = arg;
    size_t n;
    Str text = { o->text, o->n };
    if (o->what == OWED_KEY)
        return cache_drop(m->o.l2, cx, text, &n);
    return o->what == OWED_RANGE ? cache_drop_range(m->o.l2, cx, text, o->from, o->to, &n)
                                 : cache_drop_pattern(m->o.l2, cx, text, &n);
}

/* Tells what is owed, the oldest first. True when nothing is left. */
static bool pay(MultiCache *m, Ctx *cx) {
    pthread_mutex_lock(&m->lock);
    bool mine = !m->paying;
    m->paying = true;
    while (mine && m->n_owed) {
        Owed first = m->owed[0];
        pthread_mutex_unlock(&m->lock);
        bool done = l2_call(m, cx, l2_drop, &first);
        pthread_mutex_lock(&m->lock);
        if (!done)
            break;
        if (m->n_owed && m->owed[0].text == first.text) { /* else all became one "*" meanwhile */
            mem_free(first.text);
            memmove(m->owed, m->owed + 1, --m->n_owed * sizeof *m->owed);
        }
        atomic_store(&m->n_owed_seen, (int64_t)m->n_owed);
    }
    if (mine)
        m->paying = false;
    bool clear = m->n_owed == 0;
    pthread_mutex_unlock(&m->lock);
    return clear;
}

static bool l2_usable(MultiCache *m, Ctx *cx) {
    return m->o.l2 && (!owes(m) || pay(m, cx));
}

static void drop_l2(MultiCache *m, Ctx *cx, int what, Str text, Time from, Time to) {
    if (!m->o.l2)
        return;
    owe(m, what, text, from, to);
    pay(m, cx);
}

/* --- get and put --- */

static void count(MultiCache *m, CacheLevel level) {
    atomic_fetch_add(&m->hits[level], 1);
    counter_inc(m->metric[level]);
    counter_inc(level == CACHE_NOWHERE ? m->python_misses : m->python_hits);
}

typedef struct L2Get {
    Str key;
    CacheFound found;
    CacheHit hit;
} L2Get;

static int l2_get(MultiCache *m, Ctx *cx, void *arg) {
    L2Get *g = arg;
    return cache_get(m->o.l2, cx, g->key, &g->found, &g->hit);
}

/* Is it worth telling? A reference to what is not is given back. */
static bool good(MultiCache *m, Ctx *cx, CacheFound found, bool take_stale, CacheHit *hit) {
    if (found == CACHE_MISS)
        return false;
    bool yes = found == CACHE_FRESH || take_stale;
    if (yes && m->o.values.accept)
        yes = m->o.values.accept(m->o.values.arg, cx, hit->value);
    if (!yes)
        cache_blob_unref(hit->value);
    return yes;
}

static void promote(MultiCache *m, Ctx *cx, Str key, const CacheHit *hit) {
    int64_t left = MIN(hit->left_ms, m->o.ttls.l1_ms);
    Ctx quiet = *cx;
    CacheEntry e = { .key = key, .ttl_ms = left, .stale_ms = m->o.stale_ms };
    if (left <= 0)
        return;
    if (m->o.values.describe)
        m->o.values.describe(m->o.values.arg, &quiet, hit->value, &e);
    cache_put(m->o.l1, &quiet, &e, hit->value);
}

CacheLevel multi_cache_get(MultiCache *m, Ctx *cx, Str key, bool take_stale, CacheHit *out) {
    CacheFound found = CACHE_MISS;
    CacheHit hit;
    Ctx quiet = *cx;
    CacheLevel level = CACHE_NOWHERE;
    int r = cache_get(m->o.l1, &quiet, key, &found, &hit);
    if (r == 0 && good(m, cx, found, take_stale, &hit)) {
        level = CACHE_L1;
    } else if (l2_usable(m, cx)) {
        L2Get g = { .key = key };
        if (l2_call(m, cx, l2_get, &g) && good(m, cx, g.found, take_stale, &g.hit)) {
            level = CACHE_L2;
            hit = g.hit;
            promote(m, cx, key, &hit);
        }
    }
    count(m, level);
    if (level != CACHE_NOWHERE)
        *out = hit;
    return level;
}

typedef struct L2Put {
    const CacheEntry *e;
    CacheBlob *value;
} L2Put;

static int l2_put(MultiCache *m, Ctx *cx, void *arg) {
    const L2Put *p = arg;
    return cache_put(m->o.l2, cx, p->e, p->value);
}

void multi_cache_put(MultiCache *m, Ctx *cx, CacheKind kind, bool immutable, bool shared, const CacheEntry *e,
                     CacheBlob *value) {
    Ctx quiet = *cx;
    CacheEntry entry = *e;
    entry.stale_ms = m->o.stale_ms;
    entry.ttl_ms = cache_ttl_l1(&m->o.ttls, kind, immutable);
    if (entry.ttl_ms > 0)
        cache_put(m->o.l1, &quiet, &entry, value);
    entry.ttl_ms = cache_ttl_l2(&m->o.ttls, kind, immutable);
    if (shared && entry.ttl_ms > 0 && l2_usable(m, cx))
        l2_call(m, cx, l2_put, &(L2Put){ &entry, value });
}

/* --- drops --- */

size_t multi_cache_drop_l1(MultiCache *m, Ctx *cx, Str key) {
    size_t n = 0;
    Ctx always = { .arena = cx->arena, .clock = cx->clock }; /* a drop is made whatever the deadline says */
    cache_drop(m->o.l1, &always, key, &n);
    return n;
}

size_t multi_cache_drop(MultiCache *m, Ctx *cx, Str key) {
    size_t n = multi_cache_drop_l1(m, cx, key);
    drop_l2(m, cx, OWED_KEY, key, TIME_MIN, TIME_MAX);
    return n;
}

size_t multi_cache_drop_range_l1(MultiCache *m, Ctx *cx, Str tag, Time from, Time to) {
    size_t n = 0;
    Ctx always = { .arena = cx->arena, .clock = cx->clock };
    cache_drop_range(m->o.l1, &always, tag, from, to, &n);
    return n;
}

size_t multi_cache_drop_range(MultiCache *m, Ctx *cx, Str tag, Time from, Time to) {
    size_t n = multi_cache_drop_range_l1(m, cx, tag, from, to);
    drop_l2(m, cx, OWED_RANGE, tag, from, to);
    return n;
}

size_t multi_cache_drop_pattern(MultiCache *m, Ctx *cx, Str pattern) {
    size_t n = 0;
    Ctx always = { .arena = cx->arena, .clock = cx->clock };
    cache_drop_pattern(m->o.l1, &always, pattern, &n);
    drop_l2(m, cx, OWED_PATTERN, pattern, TIME_MIN, TIME_MAX);
    return n;
}

/* --- numbers --- */

void multi_cache_stats(MultiCache *m, MultiCacheStats *out) {
    *out = (MultiCacheStats){ .hits_l1 = atomic_load(&m->hits[CACHE_L1]),
                              .hits_l2 = atomic_load(&m->hits[CACHE_L2]),
                              .misses = atomic_load(&m->hits[CACHE_NOWHERE]),
                              .l2_errors = atomic_load(&m->l2_errors),
                              .l2_refused = atomic_load(&m->l2_refused),
                              .owed = atomic_load(&m->n_owed_seen),
                              .has_l2 = m->o.l2 != NULL,
                              .l2_open = breaker_state(&m->breaker) != BREAKER_CLOSED };
    cache_stats(m->o.l1, &out->l1);
    if (m->o.l2)
        cache_stats(m->o.l2, &out->l2);
}
