/* services/alerts/window.c - see window.h. */

#include "services/alerts/window.h"

void window_init(Window *w, int64_t span_ms, const double *bounds, size_t n_bounds) {
    assert(n_bounds < WINDOW_BUCKETS_MAX);
    *w = (Window){ .span_ms = span_ms, .n_bounds = n_bounds };
    memcpy(w->bounds, bounds, n_bounds * sizeof *bounds);
}

static const WindowLook *look_back(const Window *w, size_t i) { /* 0: the newest */
    return &w->v[(w->next + WINDOW_LOOKS - 1 - i) % WINDOW_LOOKS];
}

void window_look(Window *w, const WindowLook *now) {
    int64_t step_ms = w->span_ms / (WINDOW_LOOKS - 2);
    if (w->n > 1 && mono_ms_between(look_back(w, 1)->at, now->at) < step_ms) {
        w->v[(w->next + WINDOW_LOOKS - 1) % WINDOW_LOOKS] = *now;
        return;
    }
    w->v[w->next] = *now;
    w->next = (w->next + 1) % WINDOW_LOOKS;
    w->n = MIN(w->n + 1, (size_t)WINDOW_LOOKS);
}

/* The youngest look that is at least a window old, else the oldest. */
static const WindowLook *base_of(const Window *w) {
    const WindowLook *newest = look_back(w, 0);
    size_t i = 1;
    while (i + 1 < w->n && mono_ms_between(look_back(w, i)->at, newest->at) < w->span_ms)
        i++;
    return look_back(w, i);
}

/* As histogram_quantile does: linear in the bucket; above all bounds, the highest of them. */
static double quantile(const Window *w, const WindowLook *from, const WindowLook *to, double q) {
    double count = 0, below = 0;
    for (size_t i = 0; i <= w->n_bounds; i++)
        count += (double)(to->buckets[i] - from->buckets[i]);
    for (size_t i = 0; i < w->n_bounds; i++) {
        double here = (double)(to->buckets[i] - from->buckets[i]), low = i ? w->bounds[i - 1] : 0;
        if (here > 0 && below + here >= q * count)
            return low + (w->bounds[i] - low) * (q * count - below) / here;
        below += here;
    }
    return w->n_bounds ? w->bounds[w->n_bounds - 1] : 0;
}

size_t window_samples(const Window *w, AlertSample out[static 2]) {
    if (w->n < 2)
        return 0;
    const WindowLook *to = look_back(w, 0), *from = base_of(w);
    uint64_t n = to->requests - from->requests;
    if (n < WINDOW_REQUESTS_LEAST)
        return 0;
    out[0] = (AlertSample){ .signal = SIGNAL_ERROR_RATE, .value = (double)(to->failed - from->failed) / (double)n };
    out[1] = (AlertSample){ .signal = SIGNAL_LATENCY_P95, .value = quantile(w, from, to, 0.95) };
    return 2;
}
