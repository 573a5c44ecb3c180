#pragma once

/* services/admin/admin.h - what an administrator asks of the running platform (MDS-44): numbers, health, caches,
 * configuration, and the record of who did what. Every call leaves an audit row. Threads: any. */

#include "base/log.h"
#include "base/metrics.h"
#include "ports/candle_store.h"
#include "ports/job_store.h"

typedef struct AdminService {
    CandleStore *store; /* borrowed, as all of these */
    JobStore *control;
    RequestStats *requests;
    Logger *log;
    MonoNs started;
    /* Forgets the answers that are kept, here and in the shared cache; returns the bytes given back. NULL = there are none. */
    int64_t (*drop_answers)(void *arg, Ctx *cx);
    /* Those that bear one of the names of policy/surrogate.h; how many went here. NULL = there are none. */
    size_t (*purge_answers)(void *arg, Ctx *cx, const Str *keys, size_t n);
    void *answers;
    /* The effective configuration as a JSON object, secrets masked. */
    void (*config)(void *arg, Buf *out);
    void *config_arg;
} AdminService;

typedef struct AdminStats {
    StoreInfo store;
    RequestSnapshot requests;
    int64_t uptime_ms;
} AdminStats;

int admin_stats(AdminService *s, Ctx *cx, AdminStats *out);
/* Reads the store and the control database; words in *problem (empty = well). */
int admin_health(AdminService *s, Ctx *cx, bool *store_ok, bool *control_ok, Str *problem);
int admin_clear_cache(AdminService *s, Ctx *cx, int64_t *freed);
/* ERR_INVALID: a key that is none. *purged: answers of this process's memory; the shared cache loses as many and more. */
int admin_purge_cache(AdminService *s, Ctx *cx, const Str *keys, size_t n, int64_t *purged);
int admin_config(AdminService *s, Ctx *cx, Str *out);
/* Is the audit whole? anchor NULL: against the one that is kept. */
int admin_audit_verify(AdminService *s, Ctx *cx, const AuditAnchor *anchor, AuditSpan *span, AuditWalk *out);
/* An alarm of the audit was looked into. */
int admin_audit_acknowledge(AdminService *s, Ctx *cx, Str reason);
int admin_audit(AdminService *s, Ctx *cx, int64_t before, size_t limit, AuditRow **out, size_t *n);
