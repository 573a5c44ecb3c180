#pragma once

/* base/metrics.h - numbers about the running process, for Prometheus and for the documents' MetricsService.
 *
 * A registry is made by app/ and passed down. Domain code asks it for a counter, gauge or histogram when it needs
 * one, at start or later; the same name and labels give the same object, which lives as long as the registry.
 * Hot code keeps the pointer: updates are lock-free atomics, never a look-up. Names and label names are the
 * program's own words and are asserted; label values may come from outside, so each family has a cap: past it
 * every new label set shares one child whose values are "other", and the loss is counted.
 * Threads: any. A NULL metric pointer is fine in the update calls. */

#include "base/buf.h"
#include "base/clock.h"

typedef struct Metrics Metrics;
typedef struct Counter Counter;
typedef struct Gauge Gauge;
typedef struct Histogram Histogram;

typedef struct MetricLabel {
    const char *name;
    Str value; /* copied; at most 128 bytes of it */
} MetricLabel;

enum { METRIC_LABELS_MAX = 6, METRIC_BUCKETS_MAX = 32, METRICS_SERIES_STANDARD = 1000 };

Metrics *metrics_new(size_t series_max); /* children a family may have */
Metrics *metrics_free(Metrics *m);

/* Labels: METRIC_L({ "role", S("market") }, { "op", op }) or METRIC_NO_LABELS. Names as Prometheus wants them:
 * counters end in _total, units are seconds and bytes. */
#define METRIC_L(...)                                                                                                  \
    (const MetricLabel[]){ __VA_ARGS__ }, sizeof((const MetricLabel[]){ __VA_ARGS__ }) / sizeof(MetricLabel)
#define METRIC_NO_LABELS NULL, 0

Counter *metrics_counter(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n);
Gauge *metrics_gauge(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n);
/* Bounds ascend; +Inf is added. NULL, 0 gives the standard ones: 0.5 ms .. 10 s, in seconds. */
Histogram *metrics_histogram(Metrics *m, const char *name, const char *help, const double *bounds, size_t n_bounds,
                             const MetricLabel *labels, size_t n);
/* Read at the time of the scrape, by the scraping thread, outside the registry's lock. A child has one reader. */
void metrics_gauge_read(Gauge *g, double (*read)(void *arg), void *arg);

/* The same numbers under another name, without counting twice: a counter or a histogram that is the sum of others of this
 * registry (of the same bounds), each of them once however often it is named; and a counter that somebody else keeps,
 * read as a gauge is. */
void metrics_counter_sum(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n,
                         const Counter *const *parts, size_t n_parts);
void metrics_histogram_sum(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n,
                           const Histogram *part);
void metrics_counter_read(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n,
                          double (*read)(void *arg), void *arg);

void counter_add(Counter *c, uint64_t n);
static inline void counter_inc(Counter *c) {
    counter_add(c, 1);
}
uint64_t counter_value(const Counter *c);
void gauge_set(Gauge *g, double v);
void gauge_add(Gauge *g, double v);
double gauge_value(const Gauge *g);
void histogram_observe(Histogram *h, double v); /* NaN is dropped */
uint64_t histogram_count(const Histogram *h);
double histogram_sum(const Histogram *h);
/* The quantile q (0..1) by linear interpolation in its bucket, as histogram_quantile does; 0 when empty. */
double histogram_quantile(const Histogram *h, double q);

/* What all children of a family come to: of a counter those whose labels contain `part` (empty: all); of a histogram with
 * at most cap buckets, the last above all bounds. 0 where there is no such family. By name, so not for hot code. */
uint64_t metrics_counter_total(Metrics *m, const char *name, Str part);
size_t metrics_histogram_total(Metrics *m, const char *name, double *bounds, uint64_t *counts, size_t cap);

/* Text exposition format 0.0.4, families by name. ERR_LIMIT when it does not fit the Buf. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
int metrics_write(Metrics *m, Buf *out);

/* --- the documents' MetricsService (OBS-06..08) --- */

enum { REQUEST_RING = 1000 };

typedef struct RequestStats RequestStats;

typedef struct RequestSnapshot {
    int64_t request_count, error_count, active_connections;
    double error_rate;                                              /* errors / requests; 0 without requests */
    double avg_response_time, min_response_time, max_response_time; /* ms, of the last REQUEST_RING; 0 when empty */
    int64_t sampled;                                                /* how many of the ring are filled */
} RequestSnapshot;

RequestStats *request_stats_new(void);
RequestStats *request_stats_free(RequestStats *s);
void request_stats_done(RequestStats *s, double response_ms, bool error); /* one finished or aborted request */
void request_stats_connections(RequestStats *s, int delta);
void request_stats_snapshot(RequestStats *s, RequestSnapshot *out);
