#pragma once

/* api/monitor/monitor_api.h - what the process has seen of itself: traces, slow queries, alerts. The role object is a MonitorRole.
 * It belongs to the role gateway: who is asked first has the whole of each request. */

#include "api/op.h"
#include "base/trace_ring.h"
#include "services/alerts/alerts.h"
#include "services/monitor/slow.h"

struct TraceRef;
struct TraceDetail;

typedef struct MonitorRole { /* borrowed */
    TraceRing *traces;
    SlowLog *slow;
    AlertService *alerts; /* NULL: none are raised here */
    /* What the platform's other processes have of a trace, each by op_traces_part, in cx->arena; *unasked: how many could not
     * be asked. NULL: there are no others. */
    void (*gather)(void *arg, Ctx *cx, const struct TraceRef *which, struct TraceDetail *out, size_t cap, size_t *n,
                   size_t *unasked);
    void *gather_arg;
} MonitorRole;

typedef struct TraceQuery {
    Str operation;
    int64_t status_from, status_to, limit;
    double min_ms;
    bool failed;
} TraceQuery;

typedef struct TraceRow {
    Str trace_id, operation, method, path, process;
    Time started;
    double duration_ms;
    int64_t status, spans, dropped;
    bool failed, aborted;
} TraceRow;

typedef struct TraceList {
    int64_t count, seen;
    List traces; /* TraceRow */
} TraceList;

typedef struct TraceRef {
    Str trace;
} TraceRef;

typedef struct SpanRow {
    Str span_id, parent_id, name, kind, note;
    double start_ms, duration_ms; /* start: after the trace's */
    int64_t request;              /* which of the requests it is of, from 0 */
    bool failed;
} SpanRow;

typedef struct TraceDetail {
    Str trace_id;
    Time started;
    double duration_ms;
    List requests; /* TraceRow */
    List spans;    /* SpanRow */
    int64_t unasked;
} TraceDetail;
enum { TRACE_PROCESSES_MAX = 64 };

typedef struct SlowQuery {
    int64_t limit;
} SlowQuery;

typedef struct SlowRow {
    Time at;
    Str what, operation, detail, plan, request_id, trace_id;
    double duration_ms;
    int64_t rows;
} SlowRow;

typedef struct SlowList {
    int64_t count, total;
    List queries; /* SlowRow */
} SlowList;

typedef struct AlertRow {
    Str alert, severity, state, label, of, summary, silence;
    double value, threshold;
    Time since, fired, resolved;
    bool inhibited;
} AlertRow;

typedef struct AlertList {
    int64_t count, firing;
    List alerts; /* AlertRow */
} AlertList;

typedef struct SilenceRequest {
    Str matchers, comment;
    int64_t minutes;
} SilenceRequest;

typedef struct SilenceRow {
    Str id, matchers, by, comment;
    Time from, to;
} SilenceRow;

typedef struct SilenceList {
    int64_t count;
    List silences; /* SilenceRow */
} SilenceList;

typedef struct SilenceRef {
    Str id;
} SilenceRef;

typedef struct SilenceGone {
    bool success;
} SilenceGone;

extern const Shape alert_list_shape, silence_list_shape, silence_row_shape, silence_gone_shape;

extern const OpTable monitor_api;
/* Of a process without the role gateway: its own part of a trace, for the gateway to put together. */
extern const OpTable trace_part_api;
extern const Op op_traces_part;
extern const Op op_traces_list, op_traces_get, op_slow_list, op_alerts_list, op_silences_list, op_silence, op_unsilence;

/* The page that shows traces: needs nothing but these three (default-src 'self'). */
extern const Str traces_html, traces_css, traces_js;
