#pragma once

/* api/admin/admin_api.h - the operations of administration (MDS-01). The role object is an AdminService; ensuring data
 * and retention are operations of the market role with aliases below /admin. */

#include "api/op.h"

typedef struct SystemStats {
    double uptime_seconds;
    Str store, location;
    int64_t series, candles, bytes, schema_version;
    int64_t requests, errors, connections;
    double error_rate, avg_response_ms, max_response_ms;
} SystemStats;

typedef struct AdminHealth {
    Str status;
    bool store, control;
    Str problem;
} AdminHealth;

typedef struct CacheCleared {
    bool success;
    int64_t freed_bytes;
} CacheCleared;

typedef struct CachePurge {
    List keys; /* Str */
} CachePurge;
typedef struct CachePurged {
    bool success;
    int64_t purged;
} CachePurged;

typedef struct AdminConfig {
    RawJson options;
} AdminConfig;

typedef struct AuditQuery {
    int64_t before, limit;
} AuditQuery;
typedef struct AuditLine {
    int64_t id;
    Time at;
    Str who, action, subject, outcome, request_id;
    int64_t rows;
    Str detail;
} AuditLine;
typedef struct AuditList {
    int64_t count;
    List rows; /* AuditLine */
} AuditList;

extern const OpTable admin_api;
extern const Op op_admin_stats, op_admin_health, op_admin_clear_cache, op_admin_purge_cache, op_admin_config,
    op_admin_audit;
extern const Op op_admin_audit_verify, op_admin_audit_acknowledge;
