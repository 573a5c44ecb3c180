#pragma once

/* services/alerts/window.h - error rate and latency of the last minutes, from counters that only grow. Pure.
 *
 * Each look keeps what the counters said; the window's figures are the differences to the look that is a window old. */

#include "services/alerts/alert.h"

enum { WINDOW_BUCKETS_MAX = 33, WINDOW_LOOKS = 64, WINDOW_REQUESTS_LEAST = 20 };

typedef struct WindowLook {
    MonoNs at;
    uint64_t requests, failed;
    uint64_t buckets[WINDOW_BUCKETS_MAX]; /* not cumulative; the last is above all bounds */
} WindowLook;

typedef struct Window {
    int64_t span_ms;
    double bounds[WINDOW_BUCKETS_MAX - 1];
    size_t n_bounds;
    WindowLook v[WINDOW_LOOKS]; /* a ring */
    size_t n, next;
} Window;

void window_init(Window *w, int64_t span_ms, const double *bounds, size_t n_bounds);
/* At most a look every span_ms / (WINDOW_LOOKS - 2) is kept; between them the last is replaced. */
void window_look(Window *w, const WindowLook *now);
/* Samples of error rate and latency; fewer than WINDOW_REQUESTS_LEAST requests say nothing. Returns how many. */
size_t window_samples(const Window *w, AlertSample out[static 2]);
