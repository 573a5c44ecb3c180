/* base/request_stats.c - the MetricsService of the design documents (OBS-06..08); see metrics.h.
 *
 * The ring is written without a lock: a writer takes the next place and stores there. A snapshot may miss a time that
 * is being stored, never a count. */

#include "base/metrics.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define EMPTY UINT64_MAX /* the bits of a NaN no time has */

struct RequestStats {
    _Atomic int64_t requests, errors, connections;
    _Atomic uint64_t next;
    _Atomic uint64_t ring[REQUEST_RING]; /* bits of doubles, ms */
};

RequestStats *request_stats_new(void) {
    RequestStats *s = mem_new(RequestStats);
    for (size_t i = 0; i < REQUEST_RING; i++)
        atomic_init(&s->ring[i], EMPTY);
    return s;
}

RequestStats *request_stats_free(RequestStats *s) {
    return mem_free(s);
}

void request_stats_done(RequestStats *s, double response_ms, bool error) {
    if (!s)
        return;
    uint64_t bits, place = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed) % REQUEST_RING;
    response_ms = isfinite(response_ms) && response_ms > 0 ? response_ms : 0;
    memcpy(&bits, &response_ms, sizeof bits);
    atomic_store_explicit(&s->ring[place], bits, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->errors, error, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->requests, 1, memory_order_release);
}

void request_stats_connections(RequestStats *s, int delta) {
    if (s)
        atomic_fetch_add_explicit(&s->connections, delta, memory_order_relaxed);
}

void request_stats_snapshot(RequestStats *s, RequestSnapshot *out) {
    RequestSnapshot r = { 0 };
    r.error_count = atomic_load_explicit(&s->errors, memory_order_relaxed);
    r.request_count = atomic_load_explicit(&s->requests, memory_order_acquire);
    r.error_count = MIN(r.error_count, r.request_count); /* an error may be counted before its request */
    r.active_connections = atomic_load_explicit(&s->connections, memory_order_relaxed);
    double sum = 0;
    for (size_t i = 0; i < REQUEST_RING; i++) {
        uint64_t bits = atomic_load_explicit(&s->ring[i], memory_order_relaxed);
        if (bits == EMPTY)
            continue;
        double ms;
        memcpy(&ms, &bits, sizeof ms);
        r.min_response_time = r.sampled ? MIN(r.min_response_time, ms) : ms;
        r.max_response_time = MAX(r.max_response_time, ms);
        sum += ms;
        r.sampled++;
    }
    r.avg_response_time = r.sampled ? sum / (double)r.sampled : 0;
    r.error_rate = r.request_count ? (double)r.error_count / (double)r.request_count : 0;
    *out = r;
}
