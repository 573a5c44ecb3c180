/* api/admin: every route is an administrator's, answers, and leaves a row in the audit (MDS-01, MDS-44). */

#include "adapters/jobs/sqlite.h"
#include "adapters/store/memory.h"
#include "api/admin/admin_api.h"
#include "api/call.h"
#include "api/security/security_api.h"
#include "lib/test.h"
#include "services/admin/admin.h"

TEST(every_route_answers_and_is_on_record) {
    TestCtx t;
    test_ctx_init(&t);
    Ctx *cx = &t.cx;
    const OpTable *const tables[] = { &admin_api };
    CHECK_OK(cx, op_lint(cx, tables, 1));
    AdminService s = { .store = store_memory_new(), .started = clock_mono(cx->clock) };
    CHECK_OK(cx, job_store_sqlite_open(cx, &(JobStoreOptions){ 0 }, &s.control));
    ApiCaller *api = api_caller_wire(&(ApiRole){ &admin_api, &s }, 1);
    clock_manual_advance_ms(&t.clock, 5000);
    SystemStats stats;
    AdminHealth health;
    CacheCleared cleared;
    AdminConfig config;
    AuditQuery q = { .limit = 10 };
    AuditList audit;
    CHECK_OK(cx, api_call(api, cx, &op_admin_stats, NULL, &stats));
    CHECK_NEAR(stats.uptime_seconds, 5, 1e-9);
    CHECK_OK(cx, api_call(api, cx, &op_admin_health, NULL, &health));
    CHECK_STR(health.status, S("healthy"));
    CHECK_OK(cx, api_call(api, cx, &op_admin_clear_cache, NULL, &cleared));
    CHECK_OK(cx, api_call(api, cx, &op_admin_config, NULL, &config));
    CHECK_STR(config.options.json, S("{}"));
    CHECK_OK(cx, api_call(api, cx, &op_admin_audit, &q, &audit));
    CHECK_EQ(audit.count, 5);
    static const char *const actions[] = { "admin.audit", "admin.config", "cache.clear", "admin.health",
                                           "admin.stats" };
    for (size_t i = 0; i < admin_api.n_ops; i++)
        CHECK_EQ(admin_api.ops[i]->role, ROLE_ADMIN);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        CHECK_STR(((AuditLine *)audit.rows.v)[i].action, str_c(actions[i]));
    EventVerdict verdict;
    EventAcknowledged acknowledged;
    CHECK_OK(cx, api_call(api, cx, &op_admin_audit_verify, &(EventVerifyQuery){ 0 }, &verdict));
    CHECK(verdict.whole && verdict.events == 5 && verdict.first == 1);
    CHECK(str_starts(verdict.anchor, S("5:")));
    CHECK_EQ(api_call(api, cx, &op_admin_audit_verify, &(EventVerifyQuery){ S("5") }, &verdict), ERR_INVALID);
    CHECK_OK(cx,
             api_call(api, cx, &op_admin_audit_acknowledge, &(EventAcknowledge){ S("looked into") }, &acknowledged));
    CHECK_OK(cx, api_call(api, cx, &op_admin_audit, &q, &audit));
    const AuditLine *rows = audit.rows.v;
    CHECK_STR(rows[1].action, S(AUDIT_ACKNOWLEDGED));
    CHECK_STR(rows[1].detail, S("looked into"));
    CHECK_STR(rows[2].action, S("admin.audit.verify"));
    api_caller_close(api);
    job_store_close(s.control);
    candle_store_close(s.store);
    test_ctx_done(&t);
}

TESTS(T(every_route_answers_and_is_on_record))
