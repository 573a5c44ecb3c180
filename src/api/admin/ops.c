/* api/admin/ops.c - field tables, handlers and operations of administration. */

#include "api/admin/admin_api.h"
#include "api/security/security_api.h"
#include "services/admin/admin.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Administration"

/* clang-format off */
static const Field system_stats_f[] = {
    FIELD(SystemStats, uptime_seconds, .doc = "Since the process began."),
    FIELD(SystemStats, store, .doc = "Which store adapter is in use."),
    FIELD(SystemStats, location, .doc = "Where it keeps the data."),
    FIELD(SystemStats, series, .doc = "Series stored."),
    FIELD(SystemStats, candles, .doc = "Candles stored."),
    FIELD(SystemStats, bytes, .doc = "Size on disk."),
    FIELD(SystemStats, schema_version, .doc = "Version of the store's schema."),
    FIELD(SystemStats, requests, .doc = "Requests since the start."),
    FIELD(SystemStats, errors, .doc = "Of them failed."),
    FIELD(SystemStats, connections, .doc = "Connections open now."),
    FIELD(SystemStats, error_rate, .doc = "errors / requests."),
    FIELD(SystemStats, avg_response_ms, .doc = "Mean of the last thousand."),
    FIELD(SystemStats, max_response_ms, .doc = "Slowest of the last thousand."),
};
static SHAPE(system_stats_shape, SystemStats, system_stats_f, .doc = "The platform in numbers.");
static const Field admin_health_f[] = {
    FIELD(AdminHealth, status, .doc = "healthy or unhealthy.", .example = "healthy"),
    FIELD(AdminHealth, store, .doc = "The candles can be read."),
    FIELD(AdminHealth, control, .doc = "Jobs and records can be read."),
    FIELD(AdminHealth, problem, .flags = F_OMIT_EMPTY, .doc = "What is wrong."),
};
static SHAPE(admin_health_shape, AdminHealth, admin_health_f, .doc = "What the databases say when they are asked.");
static const Field cache_cleared_f[] = {
    FIELD(CacheCleared, success, .doc = "It is empty."),
    FIELD(CacheCleared, freed_bytes, .doc = "Memory given back."),
};
static SHAPE(cache_cleared_shape, CacheCleared, cache_cleared_f, .doc = "A cache that was cleared.");
static const Field cache_purge_f[] = {
    FIELD(CachePurge, keys, .flags = F_REQUIRED, .min = 1, .max = 64, .doc = "Names as Surrogate-Key tells them.", .example = "symbol:BTCUSDT"),
};
static SHAPE(cache_purge_shape, CachePurge, cache_purge_f, .doc = "Which answers to forget.");
static const Field cache_purged_f[] = {
    FIELD(CachePurged, success, .doc = "None of them is told any more."),
    FIELD(CachePurged, purged, .doc = "Answers that were in the memory of the process."),
};
static SHAPE(cache_purged_shape, CachePurged, cache_purged_f, .doc = "Answers that were forgotten.");
static const Field admin_config_f[] = { FIELD(AdminConfig, options, .doc = "Effective values and where they come from; secrets are masked.") };
static SHAPE(admin_config_shape, AdminConfig, admin_config_f, .doc = "The configuration.");
static const Field audit_query_f[] = {
    FIELD(AuditQuery, before, .def = "0", .has_min = true, .min = 0, .max = 9e18, .doc = "Rows with a smaller id; 0 = the newest."),
    FIELD(AuditQuery, limit, .def = "100", .min = 1, .max = 1000, .doc = "Most rows."),
};
static SHAPE(audit_query_shape, AuditQuery, audit_query_f, .doc = "Which rows.");
static const Field audit_line_f[] = {
    FIELD(AuditLine, id, .doc = "Grows."),
    FIELD(AuditLine, at, .doc = "When."),
    FIELD(AuditLine, who, .doc = "The key or the local user."),
    FIELD(AuditLine, action, .doc = "What.", .example = "cache.clear"),
    FIELD(AuditLine, subject, .flags = F_OMIT_EMPTY, .doc = "To what."),
    FIELD(AuditLine, outcome, .doc = "ok, or the error's name."),
    FIELD(AuditLine, request_id, .flags = F_OMIT_EMPTY, .doc = "Of the request."),
    FIELD(AuditLine, rows, .flags = F_OMIT_EMPTY, .doc = "Candles that were changed, where candles were."),
    FIELD(AuditLine, detail, .flags = F_OMIT_EMPTY, .doc = "Words."),
};
static SHAPE(audit_line_shape, AuditLine, audit_line_f, .doc = "Who did what.");
static const Field audit_list_f[] = {
    FIELD(AuditList, count, .doc = "Rows."),
    FIELD(AuditList, rows, .of = &audit_line_shape, .doc = "Newest first."),
};
static SHAPE(audit_list_shape, AuditList, audit_list_f, .doc = "The record.");
/* clang-format on */

static int stats(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    AdminStats s;
    int r = admin_stats(role, cx, &s);
    if (r == 0)
        *(SystemStats *)out = (SystemStats){ .uptime_seconds = (double)s.uptime_ms / 1000,
                                             .store = str_c(s.store.adapter),
                                             .location = s.store.location,
                                             .series = s.store.n_series,
                                             .candles = s.store.n_candles,
                                             .bytes = s.store.bytes,
                                             .schema_version = s.store.schema_version,
                                             .requests = s.requests.request_count,
                                             .errors = s.requests.error_count,
                                             .connections = s.requests.active_connections,
                                             .error_rate = s.requests.error_rate,
                                             .avg_response_ms = s.requests.avg_response_time,
                                             .max_response_ms = s.requests.max_response_time };
    return r;
}

static int health(void *role, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    AdminHealth *out = out_;
    int r = admin_health(role, cx, &out->store, &out->control, &out->problem);
    out->status = out->store && out->control ? S("healthy") : S("unhealthy");
    return r;
}

static int clear_cache(void *role, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    CacheCleared *out = out_;
    int r = admin_clear_cache(role, cx, &out->freed_bytes);
    out->success = r == 0;
    return r;
}

static List purge_keys(const void *in) {
    return ((const CachePurge *)in)->keys;
}

static int purge_cache(void *role, Ctx *cx, const void *in, void *out_) {
    CachePurged *out = out_;
    List keys = purge_keys(in);
    int r = admin_purge_cache(role, cx, keys.v, keys.n, &out->purged);
    out->success = r == 0;
    return r;
}

static int config(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    return admin_config(role, cx, &((AdminConfig *)out)->options.json);
}

static int audit(void *role, Ctx *cx, const void *in_, void *out) {
    const AuditQuery *in = in_;
    AuditRow *v;
    size_t n;
    int r = admin_audit(role, cx, in->before, (size_t)in->limit, &v, &n);
    if (r != 0)
        return r;
    AuditLine *rows = arena_new_n(cx->arena, AuditLine, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (AuditLine){ v[i].id,      v[i].at,         v[i].who,  v[i].action, v[i].subject,
                               v[i].outcome, v[i].request_id, v[i].rows, v[i].detail };
    *(AuditList *)out = (AuditList){ (int64_t)n, { rows, n } };
    return 0;
}

static int verify(void *role, Ctx *cx, const void *in, void *out) {
    AuditAnchor room;
    const AuditAnchor *anchor = NULL;
    AuditSpan span;
    AuditWalk w;
    int r = event_anchor(cx, ((const EventVerifyQuery *)in)->anchor, &room, &anchor);
    if (r == 0)
        r = admin_audit_verify(role, cx, anchor, &span, &w);
    if (r == 0)
        event_verdict(cx, &span, &w, out);
    return r;
}

static int acknowledge(void *role, Ctx *cx, const void *in, void *out) {
    int r = admin_audit_acknowledge(role, cx, ((const EventAcknowledge *)in)->reason);
    ((EventAcknowledged *)out)->success = r == 0;
    return r;
}

/* clang-format off */
const Op op_admin_stats = {
    .name = "admin.stats", .method = "GET", .path = "/api/v1/admin/stats", .aliases = PATHS("/admin/stats", "/admin/system/stats"),
    .summary = "The platform in numbers", .tag = TAG, .out = &system_stats_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = stats };
const Op op_admin_health = {
    .name = "admin.health", .method = "GET", .path = "/api/v1/admin/health", .aliases = PATHS("/admin/health"),
    .summary = "Ask the databases", .tag = TAG, .out = &admin_health_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = health };
const Op op_admin_clear_cache = {
    .name = "admin.cache.clear", .method = "POST", .path = "/api/v1/admin/cache/clear", .aliases = PATHS("/admin/cache/clear"),
    .summary = "Forget what is cached", .tag = TAG, .out = &cache_cleared_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 1024, .idempotent = true, .run = clear_cache };
const Op op_admin_purge_cache = {
    .name = "admin.cache.purge", .method = "POST", .path = "/api/v1/admin/cache/purge", .aliases = PATHS("/admin/cache/purge"),
    .summary = "Forget the answers that bear a surrogate key", .tag = TAG,
    .doc = "In memory, in the shared cache, and in the gateway this went through. A change of candles does it by itself.",
    .in = &cache_purge_shape, .out = &cache_purged_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 32768, .idempotent = true, .run = purge_cache, .purges = purge_keys };
const Op op_admin_config = {
    .name = "admin.config", .method = "GET", .path = "/api/v1/admin/config", .aliases = PATHS("/admin/config"),
    .summary = "Effective configuration", .tag = TAG, .out = &admin_config_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = config };
const Op op_admin_audit = {
    .name = "admin.audit", .method = "GET", .path = "/api/v1/admin/audit", .aliases = PATHS("/admin/audit"),
    .summary = "Who did what", .tag = TAG, .in = &audit_query_shape, .out = &audit_list_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = audit };
const Op op_admin_audit_verify = {
    .name = "admin.audit.verify", .method = "GET", .path = "/api/v1/admin/audit/verify", .aliases = PATHS("/admin/audit/verify"),
    .summary = "Is the audit whole?", .tag = TAG, .doc = "Reads every row and checks its link, as security.verify does with the record of security events.",
    .in = &event_verify_shape, .out = &event_verdict_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 120000, .idempotent = true, .run = verify };
const Op op_admin_audit_acknowledge = {
    .name = "admin.audit.acknowledge", .method = "POST", .path = "/api/v1/admin/audit/acknowledge", .aliases = PATHS("/admin/audit/acknowledge"),
    .summary = "An alarm of the audit was looked into", .tag = TAG, .in = &event_ack_shape, .out = &event_acked_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 4096, .run = acknowledge };

static const Op *const ops[] = { &op_admin_stats, &op_admin_health, &op_admin_clear_cache, &op_admin_purge_cache, &op_admin_config, &op_admin_audit,
                                 &op_admin_audit_verify, &op_admin_audit_acknowledge };
/* clang-format on */

const OpTable admin_api = { .role = "admin", .ops = ops, .n_ops = ARRAY_LEN(ops) };
