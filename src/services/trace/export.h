#pragma once

/* services/trace/export.h - sends the traces of a ring to a collector, in batches, over OTLP/HTTP.
 *
 * The ring is the queue: bounded, and what it overwrites before it was sent is counted as dropped, so a collector that
 * is slow or away costs requests nothing. One batch is under way; it is repeated on 429, 502, 503, 504 and where no
 * answer came, after Retry-After or a back-off with jitter, and dropped after ATTEMPTS. Other refusals drop it at once;
 * 413 halves the batches to come.
 * Threads: trace_export_tick by one at a time. */

#include "base/log.h"
#include "base/metrics.h"
#include "base/trace_ring.h"
#include "ports/http_client.h"

typedef struct TraceExport TraceExport;

typedef struct TraceExportOptions { /* borrowed, the texts copied */
    TraceRing *ring;
    HttpClient *http;
    Metrics *metrics;
    Logger *log; /* NULL = silent */
    Str url;     /* "http://127.0.0.1:4318"; /v1/traces is put behind it unless it ends so */
    Str service, instance;
    uint64_t seed; /* of the jitter */
} TraceExportOptions;

TraceExport *trace_export_new(const TraceExportOptions *o);
TraceExport *trace_export_free(TraceExport *e);
/* Sends what is there, batch by batch, until there is no more or a batch has to wait. 0: all that could be sent was;
 * > 0: ms until the batch that waits may be tried again. A call is bounded by cx's deadline. */
int64_t trace_export_tick(TraceExport *e, Ctx *cx);
