#pragma once

/* policy/bulkhead.h - so many calls at once and so many waiting, so that one slow upstream does not take every place.
 *
 * Bulkhead is the counter alone: enter or be refused. BulkheadQueue has waiters too, first come first served, each with
 * its absolute deadline: the one who leaves hands the place to the first waiter whose deadline has not passed.
 *
 * AdaptiveLimit finds the number of places itself, from what calls take: it shrinks by the factor by which they take
 * longer than ADAPTIVE_TOLERANCE times the base, and grows by a few places otherwise (the gradient of Netflix's
 * concurrency-limits, after TCP Vegas). The base is the least that a call took lately. So that a queue which never ends
 * is not taken for the base, every thousand calls the places are halved for a moment and the base measured anew (BBR's
 * probe). Under five times the load that an upstream can bear it is kept at what it can. One limit is for calls of like
 * cost: one upstream, one kind of route.
 *
 * Threads: Bulkhead any, without locks; BulkheadQueue and AdaptiveLimit one (the loop's). Nothing is allocated: a waiter
 * is a member of the caller's own call. */

#include "base/list.h"
#include "base/time.h"

#include <stdatomic.h>

typedef struct Bulkhead {
    int64_t most;
    _Atomic int64_t inside;
    _Atomic uint64_t refused;
} Bulkhead;

void bulkhead_init(Bulkhead *b, int64_t most);
bool bulkhead_enter(Bulkhead *b); /* false: full; the caller says ERR_BUSY */
void bulkhead_leave(Bulkhead *b);

typedef struct BulkheadWaiter BulkheadWaiter;
struct BulkheadWaiter {
    ListNode node;
    MonoNs deadline; /* ns 0 = none */
    /* The place is the waiter's (err 0), or its deadline passed while it waited (ERR_TIMEOUT). Called once, from
     * within leave, expire or close (ERR_CANCELLED); it may enter and leave. */
    void (*turn)(BulkheadWaiter *w, int err);
};

typedef struct BulkheadQueue {
    int64_t most_inside, most_waiting;
    int64_t inside, waiting;
    uint64_t refused, expired;
    /* private */
    ListNode waiters;
} BulkheadQueue;

enum { BULKHEAD_WAITS = 1 };
void bulkhead_queue_init(BulkheadQueue *q, int64_t most_inside, int64_t most_waiting);
/* 0: inside. BULKHEAD_WAITS: w->turn will be called. ERR_BUSY: no room to wait either. */
int bulkhead_queue_enter(BulkheadQueue *q, BulkheadWaiter *w);
void bulkhead_queue_leave(BulkheadQueue *q, MonoNs now);
void bulkhead_queue_forget(BulkheadQueue *q, BulkheadWaiter *w); /* it waits no longer; its turn is not called */
void bulkhead_queue_expire(BulkheadQueue *q, MonoNs now);        /* from a timer */
void bulkhead_queue_resize(BulkheadQueue *q, int64_t most_inside, MonoNs now);
void bulkhead_queue_close(BulkheadQueue *q);
MonoNs bulkhead_queue_next_deadline(const BulkheadQueue *q); /* ns 0 = none */

typedef struct AdaptiveLimit {
    double limit; /* places, between least and most */
    double least, most;
    /* private */
    double short_ns; /* average of what the last few calls took */
    double base_ns;
    double probe_ns; /* least of the present probe */
    int64_t left;    /* calls until the probe, or of it */
    bool probing;
} AdaptiveLimit;

#define ADAPTIVE_TOLERANCE 2.0

void adaptive_limit_init(AdaptiveLimit *l, int64_t first, int64_t least, int64_t most);
int64_t adaptive_limit_places(const AdaptiveLimit *l); /* for bulkhead_queue_resize, after each sample */
/* One call ended after ns with `inside` calls under way; dropped: refused or timed out upstream. */
void adaptive_limit_sample(AdaptiveLimit *l, int64_t ns, int64_t inside, bool dropped);
