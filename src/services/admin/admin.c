/* services/admin/admin.c - see admin.h. */

#include "services/admin/admin.h"

#include "policy/surrogate.h"

enum { CONFIG_MAX = 1 << 20 };

/* The row is written before the answer leaves: an action that cannot be recorded has failed. */
static int audited(AdminService *s, Ctx *cx, const char *action, int r) {
    const LogField fields[] = { F_STR("action", str_c(action)),
                                F_STR("who", cx->principal.id.n ? cx->principal.id : S("local")),
                                F_STR("outcome", r == 0 ? S("ok") : str_c(err_info(r)->name)) };
    log_record(s->log, cx, LEVEL_INFO, S("audit"), fields, ARRAY_LEN(fields));
    return job_store_record(s->control, cx, &(AuditRow){ .action = str_c(action) }, r);
}

int admin_stats(AdminService *s, Ctx *cx, AdminStats *out) {
    AdminStats st = { .uptime_ms = mono_ms_between(s->started, clock_mono(cx->clock)) };
    int r = candle_store_describe(s->store, cx, &st.store);
    if (s->requests)
        request_stats_snapshot(s->requests, &st.requests);
    r = audited(s, cx, "admin.stats", r);
    if (r == 0)
        *out = st;
    return r;
}

/* Asks both; what cannot be read is told, not returned: the question was answered. */
int admin_health(AdminService *s, Ctx *cx, bool *store_ok, bool *control_ok, Str *problem) {
    Ctx probe = *cx;
    StoreInfo info;
    Job *jobs;
    size_t n;
    *problem = (Str){ 0 };
    *store_ok = candle_store_describe(s->store, &probe, &info) == 0;
    if (!*store_ok)
        *problem = str_dup(cx->arena, str_c(probe.err.text));
    *control_ok = job_store_jobs(s->control, &probe, &jobs, &n) == 0;
    if (!*control_ok) {
        *problem = str_dup(cx->arena, str_c(probe.err.text));
        return 0; /* and no row can be written */
    }
    return audited(s, cx, "admin.health", 0);
}

int admin_clear_cache(AdminService *s, Ctx *cx, int64_t *freed) {
    int r = audited(s, cx, "cache.clear", 0);
    if (r != 0)
        return r;
    int64_t bytes = candle_store_drop_cache(s->store);
    if (s->drop_answers)
        bytes += s->drop_answers(s->answers, cx);
    *freed = bytes;
    return 0;
}

int admin_purge_cache(AdminService *s, Ctx *cx, const Str *keys, size_t n, int64_t *purged) {
    for (size_t i = 0; i < n; i++)
        if (!surrogate_valid(keys[i]))
            return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "keys[%zu]", i),
                              "a surrogate key is 1 to %d visible bytes without patterns", SURROGATE_KEY_MAX);
    int r = audited(s, cx, "cache.purge", 0);
    if (r == 0)
        *purged = s->purge_answers ? (int64_t)s->purge_answers(s->answers, cx, keys, n) : 0;
    return r;
}

int admin_config(AdminService *s, Ctx *cx, Str *out) {
    int r = audited(s, cx, "admin.config", 0);
    if (r != 0)
        return r;
    Buf b;
    buf_init(&b, CONFIG_MAX);
    if (s->config)
        s->config(s->config_arg, &b);
    *out = b.n ? str_dup(cx->arena, str_trim(buf_str(&b))) : S("{}");
    buf_done(&b);
    return 0;
}

int admin_audit_verify(AdminService *s, Ctx *cx, const AuditAnchor *anchor, AuditSpan *span, AuditWalk *out) {
    int r = job_store_audit_walk(s->control, cx, anchor, span, out);
    return audited(s, cx, "admin.audit.verify", r);
}

int admin_audit_acknowledge(AdminService *s, Ctx *cx, Str reason) {
    return job_store_record(s->control, cx, &(AuditRow){ .action = S(AUDIT_ACKNOWLEDGED), .detail = reason }, 0);
}

int admin_audit(AdminService *s, Ctx *cx, int64_t before, size_t limit, AuditRow **out, size_t *n) {
    int r = audited(s, cx, "admin.audit", 0);
    return r == 0 ? job_store_audit_list(s->control, cx, before, limit, out, n) : r;
}
