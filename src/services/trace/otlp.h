#pragma once

/* services/trace/otlp.h - spans as OTLP/HTTP JSON, and what a collector answers (opentelemetry-proto 1.x). Pure. */

#include "base/json.h"
#include "base/span.h"

typedef struct OtlpSource { /* the resource: who says it */
    Str service, instance, version;
    int64_t wall_ns; /* what a monotonic time is short of Unix time */
} OtlpSource;

/* An ExportTraceServiceRequest of n records. Ids are lower-case hex, 64-bit numbers decimal strings, enums numbers. */
void otlp_write(JsonWriter *w, const OtlpSource *source, const TraceRecord *v, size_t n);

/* The body of a 200: how many spans were taken by nobody (partialSuccess), and why; 0 for all else. */
int64_t otlp_rejected(Arena *a, Str body, Str *why);
