/* base/trace_ring.c - see trace_ring.h. */

#include "base/trace_ring.h"

#include "base/vec.h"

#include <pthread.h>
#include <stdlib.h>

enum { RINGS = 2, RECENT = 0, NOTABLE = 1 };

typedef struct Ring {
    TraceRecord *v;
    size_t cap;
    uint64_t put; /* ever: record k is v[k % cap] */
} Ring;

struct TraceRing {
    pthread_mutex_t lock;
    TraceRingOptions o;
    Ring rings[RINGS];
    uint64_t followed; /* records a follower has read or missed, of both */
    bool told;         /* `behind` was called */
    int64_t spans_dropped;
};

TraceRing *trace_ring_new(const TraceRingOptions *o) {
    assert(o->recent > 0 && o->notable > 0);
    TraceRing *r = mem_new(TraceRing);
    pthread_mutex_init(&r->lock, NULL);
    r->o = *o;
    r->rings[RECENT] = (Ring){ .v = mem_new_n(TraceRecord, o->recent), .cap = o->recent };
    r->rings[NOTABLE] = (Ring){ .v = mem_new_n(TraceRecord, o->notable), .cap = o->notable };
    return r;
}

TraceRing *trace_ring_free(TraceRing *r) {
    if (!r)
        return NULL;
    for (size_t i = 0; i < RINGS; i++)
        mem_free(r->rings[i].v);
    pthread_mutex_destroy(&r->lock);
    return mem_free(r);
}

void trace_ring_behind(TraceRing *r, void (*behind)(void *arg), void *arg) {
    pthread_mutex_lock(&r->lock);
    r->o.behind = behind;
    r->o.behind_arg = arg;
    pthread_mutex_unlock(&r->lock);
}

static int64_t took(const TraceRecord *t) {
    return t->v[0].end_ns - t->v[0].start_ns;
}

/* What the record has of its spans, and no more. */
static void copy(TraceRecord *to, const TraceRecord *from) {
    memcpy(to, from, offsetof(TraceRecord, v) + from->n * sizeof from->v[0]);
}

static uint64_t total(const TraceRing *r) {
    return r->rings[RECENT].put + r->rings[NOTABLE].put;
}

void trace_ring_put(TraceRing *r, const TraceRecord *t) {
    if (!r)
        return;
    assert(t->n > 0 && t->n <= SPANS_MAX);
    pthread_mutex_lock(&r->lock);
    Ring *ring = &r->rings[t->failed || took(t) > r->o.slow_ns ? NOTABLE : RECENT];
    copy(&ring->v[ring->put++ % ring->cap], t);
    r->spans_dropped += t->dropped;
    void (*behind)(void *arg) = r->o.behind;
    void *arg = r->o.behind_arg;
    bool tell = behind && !r->told && total(r) - r->followed > r->o.recent / 2;
    r->told |= tell;
    pthread_mutex_unlock(&r->lock);
    if (tell)
        behind(arg);
}

static bool fits(const TraceRecord *t, const TraceFilter *f) {
    if ((f->trace_hi | f->trace_lo) && (t->trace_hi != f->trace_hi || t->trace_lo != f->trace_lo))
        return false;
    if (f->failed && !t->failed)
        return false;
    if ((f->status_from && t->status < f->status_from) || (f->status_to && t->status > f->status_to))
        return false;
    return took(t) >= f->at_least_ns && str_starts(str_c(t->name), f->name);
}

/* Record k of a ring, if it is still there and fits. */
static bool read_one(TraceRing *r, Ring *ring, uint64_t k, const TraceFilter *f, TraceRecord *out) {
    pthread_mutex_lock(&r->lock);
    bool there = k < ring->put && ring->put - k <= ring->cap;
    const TraceRecord *t = &ring->v[k % ring->cap];
    bool ok = there && fits(t, f);
    if (ok)
        copy(out, t);
    pthread_mutex_unlock(&r->lock);
    return ok;
}

static int newest_first(const void *a, const void *b) {
    int64_t x = ((const TraceRecord *)a)->v[0].start_ns, y = ((const TraceRecord *)b)->v[0].start_ns;
    return (x < y) - (x > y);
}

static uint64_t put_of(TraceRing *r, const Ring *ring) {
    pthread_mutex_lock(&r->lock);
    uint64_t put = ring->put;
    pthread_mutex_unlock(&r->lock);
    return put;
}

size_t trace_ring_list(TraceRing *r, const TraceFilter *f, Arena *a, size_t most, TraceRecord **out) {
    VEC(TraceRecord) v = { 0 };
    TraceRecord *one = mem_new(TraceRecord);
    for (size_t i = 0; i < RINGS; i++) {
        Ring *ring = &r->rings[i];
        size_t before = v.n;
        uint64_t put = put_of(r, ring), oldest = put - MIN(put, (uint64_t)ring->cap);
        for (uint64_t k = put; k-- > oldest && v.n - before < most;)
            if (read_one(r, ring, k, f, one))
                vec_push(&v, *one);
    }
    mem_free(one);
    if (v.n)
        qsort(v.v, v.n, sizeof *v.v, newest_first);
    size_t n = MIN(v.n, most);
    *out = arena_new_n(a, TraceRecord, n);
    if (n)
        memcpy(*out, v.v, n * sizeof *v.v);
    vec_done(&v);
    return n;
}

size_t trace_ring_follow(TraceRing *r, TraceCursor *c, TraceRecord *out, size_t cap, int64_t *missed) {
    static const TraceFilter any;
    size_t n = 0;
    for (size_t i = 0; i < RINGS; i++) {
        Ring *ring = &r->rings[i];
        uint64_t put = put_of(r, ring), oldest = put - MIN(put, (uint64_t)ring->cap);
        if (c->next[i] < oldest) {
            *missed += (int64_t)(oldest - c->next[i]);
            c->next[i] = oldest;
        }
        for (; n < cap && c->next[i] < put; c->next[i]++)
            if (read_one(r, ring, c->next[i], &any, &out[n]))
                n++;
            else
                ++*missed; /* overwritten while we read */
    }
    pthread_mutex_lock(&r->lock);
    r->followed = c->next[RECENT] + c->next[NOTABLE];
    r->told = false;
    pthread_mutex_unlock(&r->lock);
    return n;
}

void trace_ring_stats(TraceRing *r, TraceRingStats *out) {
    pthread_mutex_lock(&r->lock);
    *out = (TraceRingStats){ (int64_t)total(r), (int64_t)r->rings[NOTABLE].put, r->spans_dropped };
    pthread_mutex_unlock(&r->lock);
}
