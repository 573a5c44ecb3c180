/* policy/bulkhead.c - see bulkhead.h. */

#include "policy/bulkhead.h"

#include "base/err.h"

#include <math.h>

void bulkhead_init(Bulkhead *b, int64_t most) {
    assert(most >= 1);
    b->most = most;
    atomic_init(&b->inside, 0);
    atomic_init(&b->refused, 0);
}

bool bulkhead_enter(Bulkhead *b) {
    int64_t inside = atomic_load_explicit(&b->inside, memory_order_relaxed);
    while (inside < b->most)
        if (atomic_compare_exchange_weak_explicit(&b->inside, &inside, inside + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    atomic_fetch_add_explicit(&b->refused, 1, memory_order_relaxed);
    return false;
}

void bulkhead_leave(Bulkhead *b) {
    int64_t before = atomic_fetch_sub_explicit(&b->inside, 1, memory_order_release);
    assert(before > 0);
    UNUSED(before);
}

/* --- with waiters --- */

void bulkhead_queue_init(BulkheadQueue *q, int64_t most_inside, int64_t most_waiting) {
    assert(most_inside >= 1 && most_waiting >= 0);
    *q = (BulkheadQueue){ .most_inside = most_inside, .most_waiting = most_waiting };
    list_init(&q->waiters);
}

int bulkhead_queue_enter(BulkheadQueue *q, BulkheadWaiter *w) {
    if (q->inside < q->most_inside && list_empty(&q->waiters)) {
        q->inside++;
        return 0;
    }
    if (q->waiting >= q->most_waiting) {
        q->refused++;
        return ERR_BUSY;
    }
    list_push_back(&q->waiters, &w->node);
    q->waiting++;
    return BULKHEAD_WAITS;
}

/* The first waiter, taken off the queue; NULL when nobody waits. */
static BulkheadWaiter *first_waiter(BulkheadQueue *q) {
    ListNode *node = list_pop_front(&q->waiters);
    if (!node)
        return NULL;
    q->waiting--;
    return LIST_ENTRY(node, BulkheadWaiter, node);
}

static bool is_late(const BulkheadWaiter *w, MonoNs now) {
    return w->deadline.ns && w->deadline.ns <= now.ns;
}

/* Free places go to waiters. A turn may enter and leave, and so come back to here: each step leaves the queue whole. */
static void admit_waiters(BulkheadQueue *q, MonoNs now) {
    while (q->inside < q->most_inside) {
        BulkheadWaiter *w = first_waiter(q);
        if (!w)
            return;
        if (is_late(w, now)) {
            q->expired++;
            w->turn(w, ERR_TIMEOUT);
        } else {
            q->inside++;
            w->turn(w, 0);
        }
    }
}

void bulkhead_queue_leave(BulkheadQueue *q, MonoNs now) {
    assert(q->inside > 0);
    q->inside--;
    admit_waiters(q, now);
}

void bulkhead_queue_forget(BulkheadQueue *q, BulkheadWaiter *w) {
    if (!list_linked(&w->node))
        return;
    list_remove(&w->node);
    q->waiting--;
}

void bulkhead_queue_expire(BulkheadQueue *q, MonoNs now) {
    /* Late ones are taken out first: a turn may change the queue under a walk. */
    ListNode late;
    list_init(&late);
    LIST_FOR (node, &q->waiters) {
        BulkheadWaiter *w = LIST_ENTRY(node, BulkheadWaiter, node);
        if (!is_late(w, now))
            continue;
        bulkhead_queue_forget(q, w);
        list_push_back(&late, node);
    }
    for (ListNode *node; (node = list_pop_front(&late));) {
        BulkheadWaiter *w = LIST_ENTRY(node, BulkheadWaiter, node);
        q->expired++;
        w->turn(w, ERR_TIMEOUT);
    }
}

void bulkhead_queue_resize(BulkheadQueue *q, int64_t most_inside, MonoNs now) {
    assert(most_inside >= 1);
    q->most_inside = most_inside;
    admit_waiters(q, now);
}

void bulkhead_queue_close(BulkheadQueue *q) {
    for (BulkheadWaiter *w; (w = first_waiter(q));)
        w->turn(w, ERR_CANCELLED);
}

MonoNs bulkhead_queue_next_deadline(const BulkheadQueue *q) {
    MonoNs next = { 0 };
    LIST_FOR (node, &q->waiters) {
        MonoNs d = LIST_ENTRY(node, BulkheadWaiter, node)->deadline;
        if (d.ns && (!next.ns || d.ns < next.ns))
            next = d;
    }
    return next;
}

/* --- the limit that finds itself --- */

/* How many calls the short average remembers, how many lie between two probes, how fast the limit follows in the time
 * of one call, and what a refusal upstream costs. */
#define SHORT_CALLS 10
#define PROBE_EVERY 1000
#define SMOOTHING   0.2
#define DROP_FACTOR 0.9

void adaptive_limit_init(AdaptiveLimit *l, int64_t first, int64_t least, int64_t most) {
    assert(least >= 1 && least <= first && first <= most);
    *l = (AdaptiveLimit){ .limit = (double)first, .least = (double)least, .most = (double)most, .left = PROBE_EVERY };
}

int64_t adaptive_limit_places(const AdaptiveLimit *l) {
    return (int64_t)MAX(l->least, l->probing ? l->limit / 2 : l->limit);
}

/* Calls that began before the probe still took their place in the queue: the least of twice the places has not. */
static void adaptive_probe(AdaptiveLimit *l, double took) {
    if (l->probing)
        l->probe_ns = MIN(l->probe_ns, took);
    else
        l->base_ns = l->base_ns > 0 ? MIN(l->base_ns, took) : took;
    if (--l->left > 0)
        return;
    l->probing = !l->probing;
    if (l->probing) {
        l->probe_ns = INFINITY;
        l->left = (int64_t)(2 * l->limit) + SHORT_CALLS;
    } else {
        l->base_ns = l->short_ns = l->probe_ns;
        l->left = PROBE_EVERY;
    }
}

void adaptive_limit_sample(AdaptiveLimit *l, int64_t ns, int64_t inside, bool dropped) {
    if (dropped) {
        l->limit = MAX(l->least, l->limit * DROP_FACTOR);
        return;
    }
    double took = (double)MAX(ns, 1);
    l->short_ns = l->short_ns > 0 ? l->short_ns + (took - l->short_ns) / SHORT_CALLS : took;
    adaptive_probe(l, took);
    if (l->probing || (double)inside < l->limit / 2)
        return; /* the places were not used: nothing is learnt of more of them */
    double gradient = CLAMP(ADAPTIVE_TOLERANCE * l->base_ns / l->short_ns, 0.5, 1.0);
    double next = l->limit * gradient + sqrt(l->limit);
    /* What a call tells was caused a call's time ago: spread over the calls of that time, one step overshoots nothing. */
    l->limit = CLAMP(l->limit + (next - l->limit) * SMOOTHING / sqrt(l->limit), l->least, l->most);
}
