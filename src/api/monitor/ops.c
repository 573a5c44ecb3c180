/* api/monitor/ops.c - field tables and operations of what the process has seen of itself. */

#include "api/monitor/alerts.h"
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
    FIELD(TraceRow, process, .flags = F_OMIT_EMPTY, .doc = "Address of the process that has it; none: the gateway.", .example = "127.0.0.1:8000"),
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
    FIELD(TraceDetail, unasked, .flags = F_OMIT_EMPTY, .doc = "Processes that could not be asked: what they have is missing."),
};
static SHAPE(trace_detail_shape, TraceDetail, trace_detail_f, .doc = "One trace, of all processes of the platform. Times of another process are put within the span that called it.");
static const Field slow_query_f[] = { FIELD(SlowQuery, limit, .def = "100", .min = 1, .max = 1000, .doc = "Most rows.") };
static SHAPE(slow_query_shape, SlowQuery, slow_query_f, .doc = "How many.");
static const Field slow_row_f[] = {
    FIELD(SlowRow, at, .doc = "When it ended."),
    FIELD(SlowRow, what, .doc = "The call, or sql.", .example = "store.read"),
    FIELD(SlowRow, operation, .flags = F_OMIT_EMPTY, .doc = "That it was done for.", .example = "market.candles"),
    FIELD(SlowRow, detail, .flags = F_OMIT_EMPTY, .doc = "The series, or the statement without its values."),
    FIELD(SlowRow, plan, .flags = F_OMIT_EMPTY, .doc = "How the database went about the statement."),
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

static const Field alert_row_f[] = {
    FIELD(AlertRow, alert, .doc = "The rule.", .example = "ServiceDown"),
    FIELD(AlertRow, severity, .doc = "warning or critical."),
    FIELD(AlertRow, state, .doc = "pending, firing or resolved."),
    FIELD(AlertRow, label, .flags = F_OMIT_EMPTY, .doc = "What kind of thing it is about: service, resource, source."),
    FIELD(AlertRow, of, .flags = F_OMIT_EMPTY, .doc = "Which one.", .example = "market"),
    FIELD(AlertRow, summary, .doc = "In words."),
    FIELD(AlertRow, value, .doc = "What was measured last."),
    FIELD(AlertRow, threshold, .doc = "What it must not pass."),
    FIELD(AlertRow, since, .doc = "When it was first above."),
    FIELD(AlertRow, fired, .flags = F_NULLABLE, .doc = "When it had held long enough."),
    FIELD(AlertRow, resolved, .flags = F_NULLABLE, .doc = "When it was over."),
    FIELD(AlertRow, silence, .flags = F_OMIT_EMPTY, .doc = "The silence that keeps it untold."),
    FIELD(AlertRow, inhibited, .doc = "A critical alert of the same thing is told instead."),
};
static SHAPE(alert_row_shape, AlertRow, alert_row_f, .doc = "One alert.");
static const Field alert_list_f[] = {
    FIELD(AlertList, count, .doc = "Rows."),
    FIELD(AlertList, firing, .doc = "Of them firing."),
    FIELD(AlertList, alerts, .of = &alert_row_shape, .doc = "Firing, then pending, then those that were over in the last quarter of an hour."),
};
SHAPE(alert_list_shape, AlertList, alert_list_f, .doc = "Alerts.");
static const Field silence_request_f[] = {
    FIELD(SilenceRequest, matchers, .flags = F_REQUIRED, .max = 512, .doc = "Which alerts: LABEL=VALUE or LABEL!=VALUE, with + between. Labels are alertname, severity, service, resource, source.", .example = "alertname=ServiceDown+service=market"),
    FIELD(SilenceRequest, minutes, .def = "60", .min = 1, .max = 60 * 24 * 90, .doc = "For how long."),
    FIELD(SilenceRequest, comment, .max = 159, .doc = "Why.", .example = "planned work"),
};
static SHAPE(silence_request_shape, SilenceRequest, silence_request_f, .doc = "What is not to be told.");
static const Field silence_row_f[] = {
    FIELD(SilenceRow, id, .doc = "16 hex digits.", .example = "b7ad6b7169203331"),
    FIELD(SilenceRow, matchers, .doc = "Which alerts."),
    FIELD(SilenceRow, by, .doc = "Who asked for it."),
    FIELD(SilenceRow, comment, .flags = F_OMIT_EMPTY, .doc = "Why."),
    FIELD(SilenceRow, from, .doc = "Since when."),
    FIELD(SilenceRow, to, .doc = "Until when."),
};
SHAPE(silence_row_shape, SilenceRow, silence_row_f, .doc = "A silence.");
static const Field silence_list_f[] = {
    FIELD(SilenceList, count, .doc = "Rows."),
    FIELD(SilenceList, silences, .of = &silence_row_shape, .doc = "Those that are not over."),
};
SHAPE(silence_list_shape, SilenceList, silence_list_f, .doc = "Silences.");
static const Field silence_ref_f[] = { FIELD(SilenceRef, id, .flags = F_REQUIRED | F_PATH, .min = 16, .max = 16, .doc = "16 hex digits.", .example = "b7ad6b7169203331") };
static SHAPE(silence_ref_shape, SilenceRef, silence_ref_f, .doc = "Which silence.");
static const Field silence_gone_f[] = { FIELD(SilenceGone, success, .doc = "It is over.") };
SHAPE(silence_gone_shape, SilenceGone, silence_gone_f, .doc = "A silence that was ended.");

const Op op_traces_list = {
    .name = "monitor.traces", .method = "GET", .path = "/api/v1/admin/traces",
    .summary = "What requests passed, and for how long", .tag = TAG, .in = &trace_query_shape, .out = &trace_list_shape,
    .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = monitor_traces_list };
const Op op_traces_get = {
    .name = "monitor.trace", .method = "GET", .path = "/api/v1/admin/traces/{trace}",
    .summary = "One trace with all its spans", .tag = TAG, .in = &trace_ref_shape, .out = &trace_detail_shape,
    .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = monitor_traces_whole };
const Op op_traces_part = {
    .name = "monitor.trace.part", .method = "GET", .path = "/api/v1/admin/traces/{trace}/part",
    .summary = "What one process has of a trace", .tag = TAG, .in = &trace_ref_shape, .out = &trace_detail_shape,
    .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = monitor_traces_get };
const Op op_slow_list = {
    .name = "monitor.slow", .method = "GET", .path = "/api/v1/admin/slow", .summary = "The slow-query log", .tag = TAG,
    .in = &slow_query_shape, .out = &slow_list_shape, .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000,
    .idempotent = true, .run = monitor_slow_list };

const Op op_alerts_list = {
    .name = "monitor.alerts", .method = "GET", .path = "/api/v1/admin/alerts", .summary = "What is wrong, and what was", .tag = TAG,
    .out = &alert_list_shape, .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true,
    .run = monitor_alerts_list };
const Op op_silences_list = {
    .name = "monitor.silences", .method = "GET", .path = "/api/v1/admin/silences", .summary = "What is not told", .tag = TAG,
    .out = &silence_list_shape, .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true,
    .run = monitor_silences_list };
const Op op_silence = {
    .name = "monitor.silence", .method = "POST", .path = "/api/v1/admin/silences", .summary = "Keep alerts untold for a time",
    .tag = TAG, .doc = "They are raised and listed all the same. Silences end with the process.",
    .in = &silence_request_shape, .out = &silence_row_shape, .role = ROLE_ADMIN, .lane = LANE_CPU, .deadline_ms = 5000,
    .max_body = 4096, .run = monitor_silence };
const Op op_unsilence = {
    .name = "monitor.unsilence", .method = "DELETE", .path = "/api/v1/admin/silences/{id}", .summary = "End a silence",
    .tag = TAG, .in = &silence_ref_shape, .out = &silence_gone_shape, .role = ROLE_ADMIN, .lane = LANE_CPU,
    .deadline_ms = 5000, .idempotent = true, .run = monitor_unsilence };

static const Op *const ops[] = { &op_traces_list, &op_traces_get, &op_slow_list, &op_alerts_list, &op_silences_list,
                                 &op_silence, &op_unsilence };
static const Op *const part_ops[] = { &op_traces_part };
/* clang-format on */

const OpTable trace_part_api = { .role = "trace", .ops = part_ops, .n_ops = ARRAY_LEN(part_ops) };

const OpTable monitor_api = { .role = "monitor", .ops = ops, .n_ops = ARRAY_LEN(ops) };
