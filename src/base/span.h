#pragma once

/* base/span.h - what one request did and when, as spans of a trace (W3C Trace Context, OpenTelemetry's model).
 *
 *     SpanMark m = span_begin(cx, "store.read");
 *     int r = ...;
 *     span_end(cx, m, r);
 *
 * A SpanLog is the spans of one request in this process, of fixed size: past SPANS_MAX they are counted, not kept. The
 * first one is the request itself; its parent is the caller's, in whatever process. While a span is open it is
 * cx->trace.span, so what is begun within it, here or in a service that is called, is its child.
 *
 * Cost: an id, two readings of the clock and 64 bytes a span. Without a log (cx->spans NULL: not sampled) a branch.
 * Names are literals. Threads: spans of one log may be added by many at once (copies of a Ctx in workers); the rest is
 * its owner's. A record is plain data and can be copied. */

#include "base/ctx.h"

enum { SPANS_MAX = 32, SPAN_NOTE_MAX = 22, TRACE_METHOD_MAX = 8, TRACE_NAME_MAX = 48, TRACE_PATH_MAX = 96 };

typedef enum SpanKind { SPAN_INTERNAL = 1, SPAN_SERVER, SPAN_CLIENT } SpanKind; /* OpenTelemetry's numbers */

typedef struct Span {
    uint64_t id, parent;      /* parent 0: none */
    int64_t start_ns, end_ns; /* of the monotonic clock; end 0: it was not ended */
    const char *name;
    char note[SPAN_NOTE_MAX]; /* a word about it, cut: "HIT", "127.0.0.1:8000" */
    uint8_t kind;
    bool failed;
} Span;

typedef struct TraceRecord {
    uint64_t trace_hi, trace_lo;
    int status; /* of the answer; 0: none was given */
    bool aborted;
    bool failed;                                                               /* its own fault: 5xx, or cut */
    char method[TRACE_METHOD_MAX], name[TRACE_NAME_MAX], path[TRACE_PATH_MAX]; /* all cut; path without its query */
    uint32_t n, dropped;
    Span v[SPANS_MAX]; /* v[0]: the request */
} TraceRecord;

typedef struct SpanLog {
    uint64_t seed;
    atomic_uint taken;
    TraceRecord record;
} SpanLog;

/* A new request: its first span begins. `trace` has the caller's trace and span, or none (0): then it gets a trace; its
 * span becomes the request's. seed: random, of this request alone. */
void span_log_begin(SpanLog *l, Trace *trace, uint64_t seed, MonoNs start);
/* A span that is over. Returns its id; 0: there was no room. */
uint64_t span_log_add(SpanLog *l, const char *name, uint64_t parent, MonoNs start, MonoNs end);
/* One whose end is to come. NULL: no room. */
Span *span_log_open(SpanLog *l, const char *name, uint64_t parent, MonoNs start);
/* When nobody adds any more: the request's span ends and the record is whole. */
const TraceRecord *span_log_end(SpanLog *l, MonoNs end);

typedef struct SpanMark {
    Span *span; /* NULL: none is kept */
    uint64_t outer;
} SpanMark;

SpanMark span_begin(Ctx *cx, const char *name);
void span_end(Ctx *cx, SpanMark m, int r); /* r < 0: it failed, with the code's name for a note */
void span_note(Span *s, Str words);        /* NULL is fine */

/* --- traceparent --- */

enum { TRACEPARENT_TEXT = 55, TRACEPARENT_SPAN_AT = 36, TRACE_ID_TEXT = 32, SPAN_ID_TEXT = 16, TRACESTATE_MAX = 512 };

/* W3C Trace Context §3.2: "00-<32 hex>-<16 hex>-<2 hex>", lower case; of a version to come the first 55 bytes. Sets
 * trace, span and sampled of *out; false, and nothing set, for others. */
bool traceparent_read(Str v, Trace *out);
/* Exactly TRACEPARENT_TEXT bytes. */
Str traceparent_write(const Trace *t, char out[static TRACEPARENT_TEXT]);
Str trace_id_write(uint64_t hi, uint64_t lo, char out[static TRACE_ID_TEXT]);
Str span_id_write(uint64_t id, char out[static SPAN_ID_TEXT]);
/* 32 hex digits of either case. */
bool trace_id_read(Str v, uint64_t *hi, uint64_t *lo);
