/* api/jobs: each route by its contract (MDS-05), the records with valid and invalid cases (MDS-45), through the wire's
 * form and in process alike. */

#include "adapters/jobs/sqlite.h"
#include "api/call.h"
#include "api/jobs/jobs_api.h"
#include "services/jobs/jobs.h"

#include "lib/test.h"

typedef struct Rig {
    TestCtx t;
    JobStore *store;
    Lane *lane;
    IdsSeeded ids;
    JobService *s;
    ApiCaller *api;
} Rig;

static int nothing(void *arg, Ctx *cx, JobTask *task) {
    UNUSED(arg);
    job_count(task, 2, 1);
    job_message(task, "nothing done");
    return job_progress(task, cx, 3, 3);
}

static const JobKind kinds[] = { { .name = "nothing", .doc = "Does nothing.", .run = nothing, .retries = true } };

static void rig_init(Rig *r, bool wire) {
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    r->t.cx.principal = (Principal){ ROLE_ADMIN, S("tester") };
    ids_seeded_init(&r->ids, 5);
    r->lane = lane_inline_new();
    CHECK_OK_PLAIN(&r->t.cx, job_store_sqlite_open(&r->t.cx, &(JobStoreOptions){ 0 }, &r->store));
    r->s = jobs_service_new(&(JobsOptions){
        .store = r->store, .lane = r->lane, .clock = r->t.cx.clock, .ids = &r->ids.ids, .kinds = kinds, .n_kinds = 1 });
    ApiRole role = { &jobs_api, r->s };
    r->api = wire ? api_caller_wire(&role, 1) : api_caller_local(&role, 1);
}

static void rig_done(Rig *r) {
    api_caller_close(r->api);
    lane_close(r->lane);
    jobs_service_free(r->s);
    job_store_close(r->store);
    test_ctx_done(&r->t);
}

static void tick(Rig *r) {
    Time next;
    CHECK_OK_PLAIN(&r->t.cx, jobs_tick(r->s, &r->t.cx, &next));
}

TEST(the_table_is_right) {
    TestCtx t;
    test_ctx_init(&t);
    const OpTable *const tables[] = { &jobs_api };
    CHECK_OK(&t.cx, op_lint(&t.cx, tables, 1));
    for (size_t i = 0; i < jobs_api.n_ops; i++) /* what changes something is an administrator's */
        CHECK_EQ(jobs_api.ops[i]->role, strcmp(jobs_api.ops[i]->method, "GET") ? ROLE_ADMIN : ROLE_READ);
    test_ctx_done(&t);
}

static void each_route(bool wire) {
    void **state_ = NULL;
    Rig r;
    rig_init(&r, wire);
    Ctx *cx = &r.t.cx;
    JobDefineRequest def = { .job = S("hourly"),
                             .kind = S("nothing"),
                             .schedule = S("0 * * * *"),
                             .params = { S("{\"a\":1}") },
                             .missed = S("skip"),
                             .retries = -1,
                             .backoff_ms = 500,
                             .start = true };
    JobOperationResponse op;
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_define, &def, &op));
    CHECK(op.success && op.job.armed && op.job.retries == 3 && op.job.backoff_ms == 500);
    CHECK_STR(op.job.state, S("scheduled"));
    JobRef ref = { S("hourly") };
    CHECK_EQ(api_call(r.api, cx, &op_jobs_start, &ref, &op), ERR_CONFLICT);
    ManualJobRequest manual = { .job = S("hourly"), .params = { S("{}") } };
    ManualJobResponse run;
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_run, &manual, &run));
    CHECK_STR(run.run.trigger, S("manual"));
    tick(&r);
    RunRef run_ref = { run.run.run };
    RunRow row;
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_run_get, &run_ref, &row));
    CHECK_STR(row.state, S("succeeded"));
    CHECK(row.success == 2 && row.failed == 1 && row.done == 3);
    RunsQuery runs_q = { .limit = 5 };
    RunList runs;
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_runs, &runs_q, &runs));
    CHECK_EQ(runs.count, 1);
    JobList list;
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_list, NULL, &list));
    CHECK_EQ(list.count, 1);
    JobRow job;
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_get, &ref, &job));
    CHECK_STR(job.last_message, S("nothing done"));
    CHECK_STR(job.params.json, S("{\"a\":1}"));
    JobsHealthResponse health;
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_health, NULL, &health));
    CHECK_STR(health.status, S("healthy"));
    KindList kind_list;
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_kinds, NULL, &kind_list));
    CHECK_EQ(kind_list.kinds.n, 1);
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_stop, &ref, &op));
    CHECK_EQ(api_call(r.api, cx, &op_jobs_stop, &ref, &op), ERR_CONFLICT);
    CHECK_OK(cx, api_call(r.api, cx, &op_jobs_remove, &ref, &op));
    CHECK_EQ(api_call(r.api, cx, &op_jobs_get, &ref, &job), ERR_NOT_FOUND);
    AuditRow *audit; /* each change is on record, the refused ones too */
    size_t n;
    CHECK_OK(cx, job_store_audit_list(r.store, cx, 0, 20, &audit, &n));
    CHECK_EQ(n, 6);
    CHECK_STR(audit[5].action, S("job.define"));
    CHECK_STR(audit[4].outcome, S("conflict"));
    CHECK_STR(audit[0].who, S("tester"));
    rig_done(&r);
}

TEST(each_route_answers_in_process_MDS_05) {
    UNUSED(state_);
    each_route(false);
}

TEST(each_route_answers_over_the_wire_MDS_05) {
    UNUSED(state_);
    each_route(true);
}

TEST(queues_hand_out_work_and_take_it_back) {
    Rig r;
    rig_init(&r, true);
    Ctx *cx = &r.t.cx;
    Str work[] = { S("a"), S("b"), S("c") };
    QueuePutRequest put = { S("q"), { work, 3 } };
    QueueStatus st;
    CHECK_OK(cx, api_call(r.api, cx, &op_queue_put, &put, &st));
    CHECK_EQ(st.waiting, 3);
    QueueClaimRequest claim = { S("q"), S("w1"), 2, 60000 };
    QueueClaimResponse got;
    CHECK_OK(cx, api_call(r.api, cx, &op_queue_claim, &claim, &got));
    CHECK_EQ(got.count, 2);
    const QueueRow *rows = got.items.v;
    QueueResult results[] = { { rows[0].id, false, S("fine") }, { rows[1].id, true, S("no") } };
    QueueDoneRequest done = { S("w1"), { results, 2 } };
    QueueDoneResponse taken;
    CHECK_OK(cx, api_call(r.api, cx, &op_queue_done, &done, &taken));
    CHECK(taken.taken == 2 && taken.late == 0);
    QueueRef q = { S("q") };
    CHECK_OK(cx, api_call(r.api, cx, &op_queue_status, &q, &st));
    CHECK(st.waiting == 1 && st.done == 1 && st.failed == 1);
    CHECK_OK(cx, api_call(r.api, cx, &op_queue_drop, &q, &st));
    CHECK_EQ(st.waiting + st.done + st.failed, 0);
    rig_done(&r);
}

/* MDS-45: what the schemas take and what they refuse, with the place. */
TEST(records_take_what_is_valid_and_name_what_is_not_MDS_45) {
    static const struct {
        const char *name;
        const Shape *shape;
        const char *json;
        const char *field; /* NULL = valid */
    } rows[] = {
        { "start", &job_ref_shape, "{\"job\":\"a\"}", NULL },
        { "start, the documents' name", &job_ref_shape, "{\"job_id\":\"a.b-c_1\"}", NULL },
        { "start without a job", &job_ref_shape, "{}", "job" },
        { "start of no id", &job_ref_shape, "{\"job\":\"../etc\"}", "job" },
        { "start with more", &job_ref_shape, "{\"job\":\"a\",\"x\":1}", "x" },
        { "define", &job_define_shape,
          "{\"job\":\"a\",\"kind\":\"collect\",\"cron\":\"0 * * * *\",\"params\":{\"b\":[1]}}", NULL },
        { "define without kind", &job_define_shape, "{\"job\":\"a\"}", "kind" },
        { "define with a policy that is none", &job_define_shape, "{\"job\":\"a\",\"kind\":\"k\",\"missed\":\"x\"}",
          "missed" },
        { "define with too many retries", &job_define_shape, "{\"job\":\"a\",\"kind\":\"k\",\"retries\":101}",
          "retries" },
        { "manual", &manual_job_request_shape, "{\"job\":\"a\",\"params\":{}}", NULL },
        { "manual without job", &manual_job_request_shape, "{\"params\":{}}", "job" },
        { "runs", &runs_query_shape, "{\"limit\":5}", NULL },
        { "runs, none", &runs_query_shape, "{\"limit\":0}", "limit" },
        { "claim too much", &queue_claim_shape, "{\"queue\":\"q\",\"worker\":\"w\",\"limit\":1001}", "limit" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        void *record = arena_zalloc(&t.arena, r->shape->size);
        int got = shape_decode(r->shape, &t.cx, str_c(r->json), record);
        CHECK_EQ(got, r->field ? ERR_INVALID : 0);
        if (r->field)
            CHECK_STR(str_c(t.cx.err.field), str_c(r->field));
    }
    test_ctx_done(&t);
}

TESTS(T(the_table_is_right), T(each_route_answers_in_process_MDS_05), T(each_route_answers_over_the_wire_MDS_05),
      T(queues_hand_out_work_and_take_it_back), T(records_take_what_is_valid_and_name_what_is_not_MDS_45))
