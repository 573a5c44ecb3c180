/* gateway/cluster_gate.c - how many calls of one kind may be under way; see cluster.h.
 *
 * Under more load than a service can bear the calls that are let through are answered in time, and the others refused at
 * once: five times the load costs refusals, not answers (policy/bulkhead.h has the limit that finds itself). A few may
 * wait for a place, for a moment: what waits longer would come too late anyhow. */

#include "gateway/cluster_internal.h"

enum {
    COLD = 512, /* until the first answer tells what a call takes */
    FIRST = 64,
    LEAST = 32, /* also where calls of one route are unlike each other: so many are never too many */
    MOST = 2048,
    WAITING = 4, /* one may wait for so many places: a queue that is always there only makes answers late */
    WAIT_MS = 200,
    PATIENCE_MS = 100, /* calls that take less are no overload, however much longer than alone */
};

static void on_timer(void *arg) {
    ClusterGate *g = arg;
    bulkhead_queue_expire(&g->queue, loop_now(g->loop));
    MonoNs next = bulkhead_queue_next_deadline(&g->queue);
    if (next.ns)
        loop_timer_start_at(&g->timer, next);
}

void cluster_gate_init(ClusterGate *g, Loop *loop, Counter *shed) {
    *g = (ClusterGate){ .loop = loop, .shed = shed };
    adaptive_limit_init(&g->limit, FIRST, LEAST, MOST);
    bulkhead_queue_init(&g->queue, COLD, COLD / WAITING);
    loop_timer_init(&g->timer, loop, on_timer, g);
}

int gate_enter(ClusterGate *g, BulkheadWaiter *w, MonoNs deadline) {
    MonoNs wait = mono_add_ms(loop_now(g->loop), WAIT_MS);
    w->deadline = deadline.ns && deadline.ns < wait.ns ? deadline : wait;
    int r = bulkhead_queue_enter(&g->queue, w);
    if (r == BULKHEAD_WAITS && !loop_timer_armed(&g->timer))
        loop_timer_start_at(&g->timer, w->deadline);
    if (r < 0)
        counter_inc(g->shed);
    return r;
}

/* Towards what 95 of 100 calls stay under: a step up for each above it weighs as much as nineteen down. */
static void learn_p95(ClusterGate *g, double took) {
    if (g->p95_ns == 0)
        g->p95_ns = took;
    else
        g->p95_ns *= took > g->p95_ns ? 1 + 0.05 * 0.95 : 1 - 0.05 * 0.05;
}

/* As many as its limit says, and at least as many as the service answers in PATIENCE_MS at the pace it has now. */
static int64_t places_of(ClusterGate *g) {
    g->busy =
        MAX((double)g->queue.inside, g->busy * 0.99); /* answers come in bursts: what was under way, not what is left */
    if (g->limit.short_ns <= 0)
        return COLD;
    int64_t places = adaptive_limit_places(&g->limit);
    places = MAX(places, (int64_t)(g->busy * PATIENCE_MS * NS_PER_MS / g->limit.short_ns));
    return MIN(places, (int64_t)MOST);
}

void gate_leave(ClusterGate *g, int64_t took_ns, GateVerdict verdict) {
    if (verdict == GATE_ANSWERED)
        learn_p95(g, (double)MAX(took_ns, (int64_t)1));
    if (verdict == GATE_HURRIED && (double)took_ns < g->limit.short_ns)
        verdict = GATE_UNKNOWN; /* who waits a moment only learns nothing, and teaches nothing */
    if (verdict != GATE_UNKNOWN)
        adaptive_limit_sample(&g->limit, took_ns, g->queue.inside, verdict == GATE_DROPPED);
    MonoNs now = loop_now(g->loop);
    int64_t places = places_of(g);
    g->queue.most_waiting = places / WAITING;
    bulkhead_queue_leave(&g->queue, now);
    if (g->queue.most_inside != places)
        bulkhead_queue_resize(&g->queue, places, now);
    if (g->queue.waiting == 0)
        loop_timer_stop(&g->timer);
}

void gate_forget(ClusterGate *g, BulkheadWaiter *w) {
    bulkhead_queue_forget(&g->queue, w);
    if (g->queue.waiting == 0)
        loop_timer_stop(&g->timer);
}

int64_t gate_hedge_ms(const ClusterGate *g, int64_t asked_ms) {
    enum { LEAST_MS = 2 };
    if (asked_ms != HEDGE_BY_P95)
        return asked_ms;
    return g && g->p95_ns > 0 ? MAX((int64_t)(g->p95_ns / NS_PER_MS), (int64_t)LEAST_MS) : 0;
}
