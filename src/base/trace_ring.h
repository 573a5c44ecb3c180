#pragma once

/* base/trace_ring.h - the last traces of this process: for whoever looks at them, and for an exporter that follows.
 *
 * Two rings: requests that went well, and those that failed or were slow, so that a flood of the former never takes the
 * latter away. A put copies what the record has, under a lock that is held for no longer than such a copy; a reader takes
 * it again for every record. Memory is that of the records that were put, up to both rings' capacity.
 * Threads: any. */

#include "base/span.h"

typedef struct TraceRing TraceRing;

typedef struct TraceRingOptions {
    size_t recent, notable; /* records */
    int64_t slow_ns;        /* longer: notable */
    /* Optional: an exporter is half a ring behind. Called by whoever puts, once until the next trace_ring_follow. */
    void (*behind)(void *arg);
    void *behind_arg;
} TraceRingOptions;

TraceRing *trace_ring_new(const TraceRingOptions *o);
TraceRing *trace_ring_free(TraceRing *r);
void trace_ring_behind(TraceRing *r, void (*behind)(void *arg), void *arg);
void trace_ring_put(TraceRing *r, const TraceRecord *t); /* NULL ring is fine */

typedef struct TraceFilter { /* all-zero: every one */
    Str name;                /* of the operation, or the beginning of it */
    int status_from, status_to;
    int64_t at_least_ns;
    bool failed;
    uint64_t trace_hi, trace_lo; /* of that trace alone */
} TraceFilter;

/* Copies of those that fit, the newest first. */
size_t trace_ring_list(TraceRing *r, const TraceFilter *f, Arena *a, size_t most, TraceRecord **out);

typedef struct TraceCursor { /* zeroed: from the oldest that is there */
    uint64_t next[2];
} TraceCursor;

/* What came since the last call, at most cap; *missed grows by those that were overwritten before. */
size_t trace_ring_follow(TraceRing *r, TraceCursor *c, TraceRecord *out, size_t cap, int64_t *missed);

typedef struct TraceRingStats {
    int64_t put, notable, spans_dropped;
} TraceRingStats;
void trace_ring_stats(TraceRing *r, TraceRingStats *out);
