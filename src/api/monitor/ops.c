/* api/monitor/ops.c - field tables and operations of what the process has seen of itself. */

#include "api/monitor/traces.h"

#define TAG "Monitoring"

/* clang-format off */
static const Field trace_query_f[] = {
    FIELD(TraceQuery, operation, .max = 47, .doc = "Of this operation, or of those whose names begin so.", .example = "market.candles"),
    FIELD(TraceQuery, status_from, .has_min = true, .min = 0, .max = 599, .doc = "Least status; 0 = any."),
    FIELD(TraceQuery, status_to, .has_min = true, .min = 0, .max = 599, .doc = "Greatest status; 0 = any."),
    FIELD(TraceQuery, min_ms, .has_min = true, .min = 0, .max = 1e9, .doc = "Requests that took so long at least."),
    FIELD(TraceQuery, failed, .doc = "Only those that ended with 5xx, or whose client left."),
    FIELD(TraceQuery, limit, .def = "100", .min = 1, .max = 1000, .doc = "Most rows."),
};
static SHAPE(trace_query_shape, TraceQuery, trace_query_f, .doc = "Which traces.");
static const Field trace_row_f[] = {
    FIELD(TraceRow, trace_id, .doc = "Of W3C Trace Context: 32 hex digits.", .example = "0af7651916cd43dd8448eb211c80319c"),
    FIELD(TraceRow, operation, .doc = "What was asked for; the name of a service; none."),
    FIELD(TraceRow, method, .doc = "Of HTTP."),
    FIELD(TraceRow, path, .doc = "Without its query."),
    FIELD(TraceRow, started, .doc = "When the first byte was there."),
    FIELD(TraceRow, duration_ms, .doc = "Until the reply was on its way."),
    FIELD(TraceRow, status, .doc = "0: the client left before there was one."),
    FIELD(TraceRow, spans, .doc = "How many are kept of it."),
    FIELD(TraceRow, dropped, .flags = F_OMIT_EMPTY, .doc = "Spans that found no room."),
    FIELD(TraceRow, failed, .doc = "It ended with 5xx, or the client left."),
    FIELD(TraceRow, aborted, .flags = F_OMIT_EMPTY, .doc = "The client left."),
};
static SHAPE(trace_row_shape, TraceRow, trace_row_f, .doc = "One request of a trace.");
static const Field trace_list_f[] = {
    FIELD(TraceList, count, .doc = "Rows."),
    FIELD(TraceList, seen, .doc = "Requests recorded since the start."),
    FIELD(TraceList, traces, .of = &trace_row_shape, .doc = "Newest first."),
};
static SHAPE(trace_list_shape, TraceList, trace_list_f, .doc = "Requests and their traces.");
static const Field trace_ref_f[] = {
    FIELD(TraceRef, trace, .flags = F_REQUIRED | F_PATH, .min = 32, .max = 32, .doc = "32 hex digits.", .example = "0af7651916cd43dd8448eb211c80319c"),
};
static SHAPE(trace_ref_shape, TraceRef, trace_ref_f, .doc = "Which trace.");
static const Field span_row_f[] = {
    FIELD(SpanRow, span_id, .doc = "16 hex digits."),
    FIELD(SpanRow, parent_id, .flags = F_OMIT_EMPTY, .doc = "Of the span it is part of, here or in the process that called."),
    FIELD(SpanRow, name, .doc = "The stage: address, route, authentication, role, limit, validation, cache, queue, operation, store.read, upstream, retry…"),
    FIELD(SpanRow, kind, .doc = "server, client or internal."),
    FIELD(SpanRow, note, .flags = F_OMIT_EMPTY, .doc = "HIT, an instance, an error's name."),
    FIELD(SpanRow, start_ms, .doc = "After the trace began."),
    FIELD(SpanRow, duration_ms, .doc = "How long."),
    FIELD(SpanRow, request, .doc = "Which of the requests it belongs to, from 0."),
    FIELD(SpanRow, failed, .doc = "It ended badly."),
};
static SHAPE(span_row_shape, SpanRow, span_row_f, .doc = "One span.");
static const Field trace_detail_f[] = {
    FIELD(TraceDetail, trace_id, .doc = "32 hex digits."),
    FIELD(TraceDetail, started, .doc = "Of its first request here."),
    FIELD(TraceDetail, duration_ms, .doc = "To the end of its last."),
    FIELD(TraceDetail, requests, .of = &trace_row_shape, .doc = "In the order they came."),
    FIELD(TraceDetail, spans, .of = &span_row_shape, .doc = "Of all requests; the first of each is the request itself."),
};
static SHAPE(trace_detail_shape, TraceDetail, trace_detail_f, .doc = "One trace, as far as it is of this process.");
static const Field slow_query_f[] = { FIELD(SlowQuery, limit, .def = "100", .min = 1, .max = 1000, .doc = "Most rows.") };
static SHAPE(slow_query_shape, SlowQuery, slow_query_f, .doc = "How many.");
static const Field slow_row_f[] = {
    FIELD(SlowRow, at, .doc = "When it ended."),
    FIELD(SlowRow, what, .doc = "The call.", .example = "store.read"),
    FIELD(SlowRow, detail, .flags = F_OMIT_EMPTY, .doc = "The series or the statement."),
    FIELD(SlowRow, duration_ms, .doc = "How long it took."),
    FIELD(SlowRow, rows, .doc = "That it read or wrote."),
    FIELD(SlowRow, request_id, .flags = F_OMIT_EMPTY, .doc = "Of the request."),
    FIELD(SlowRow, trace_id, .flags = F_OMIT_EMPTY, .doc = "Of its trace."),
};
static SHAPE(slow_row_shape, SlowRow, slow_row_f, .doc = "A call that took too long.");
static const Field slow_list_f[] = {
    FIELD(SlowList, count, .doc = "Rows."),
    FIELD(SlowList, total, .doc = "Since the start."),
    FIELD(SlowList, queries, .of = &slow_row_shape, .doc = "Newest first."),
};
static SHAPE(slow_list_shape, SlowList, slow_list_f, .doc = "The slow-query log.");

const Op op_traces_list = {
    .name = "monitor.traces", .method = "GET", .path = "/api/v1/admin/traces",
    .summary = "What requests passed, and for how long", .tag = TAG, .in = &trace_query_shape, .out = &trace_list_shape,
    .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = monitor_traces_list };
const Op op_traces_get = {
    .name = "monitor.trace", .method = "GET", .path = "/api/v1/admin/traces/{trace}",
    .summary = "One trace with all its spans", .tag = TAG, .in = &trace_ref_shape, .out = &trace_detail_shape,
    .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = monitor_traces_get };
const Op op_slow_list = {
    .name = "monitor.slow", .method = "GET", .path = "/api/v1/admin/slow", .summary = "The slow-query log", .tag = TAG,
    .in = &slow_query_shape, .out = &slow_list_shape, .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000,
    .idempotent = true, .run = monitor_slow_list };

static const Op *const ops[] = { &op_traces_list, &op_traces_get, &op_slow_list };
/* clang-format on */

const OpTable monitor_api = { .role = "monitor", .ops = ops, .n_ops = ARRAY_LEN(ops) };
