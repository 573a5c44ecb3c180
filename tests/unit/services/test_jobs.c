/* services/jobs: schedules, runs, retries, stops and restarts on virtual time, with the store in memory and the work on
 * the caller's thread. */

#include "adapters/jobs/sqlite.h"
#include "base/num.h"
#include "services/jobs/jobs.h"

#include "lib/test.h"
#include "lib/zone.h"

typedef struct Rig Rig;
struct Rig {
    TestCtx t;
    JobStore *store;
    Lane *lane;
    IdsSeeded ids;
    JobService *s;
    /* the kind "work" */
    int n_runs; /* times it was called */
    int fail;   /* of the next calls */
    int fail_code;
    int64_t steps;  /* of a run; checkpoint after each */
    int64_t die_at; /* the process "dies" at this step: 0 = never */
    int64_t worked; /* steps done, over all calls */
    Time at[64];    /* when it was called */
    bool woken;
    int (*inside)(Rig *r, Ctx *cx); /* what happens while it works */
};

static int work(void *arg, Ctx *cx, JobTask *task) {
    Rig *r = arg;
    if (r->n_runs < (int)ARRAY_LEN(r->at))
        r->at[r->n_runs] = clock_wall(cx->clock);
    r->n_runs++;
    if (r->fail > 0) {
        r->fail--;
        return err_set(cx, r->fail_code ? r->fail_code : ERR_COLLECTION, "the venue is down");
    }
    int64_t step = 0;
    str_to_i64(job_task_checkpoint(task), &step);
    for (; step < r->steps; step++) {
        char text[24];
        if (r->die_at && step == r->die_at)
            return err_set(cx, ERR_CANCELLED, "shut down");
        r->worked++;
        job_count(task, step % 5 != 4, step % 5 == 4);
        int e = job_progress(task, cx, step + 1, r->steps);
        if (e == 0)
            e = job_checkpoint(task, cx, str_n(text, num_format_i64(step + 1, text)));
        if (e == 0 && r->inside)
            e = r->inside(r, cx);
        if (e != 0)
            return e;
    }
    job_message(task, "%lld steps", (long long)r->steps);
    return 0;
}

static int refuse_bad(void *arg, Ctx *cx, Str params) {
    UNUSED(arg);
    return str_find(params, S("bad")) >= 0 ? err_set_at(cx, ERR_INVALID, S("params"), "bad") : 0;
}

static void wake(void *arg) {
    ((Rig *)arg)->woken = true;
}

static void service_open(Rig *r) {
    static JobKind kinds[2];
    kinds[0] = (JobKind){ .name = "work", .run = work, .arg = r, .check = refuse_bad, .retries = true };
    kinds[1] = (JobKind){ .name = "once", .run = work, .arg = r };
    r->s = jobs_service_new(&(JobsOptions){ .store = r->store,
                                            .lane = r->lane,
                                            .clock = r->t.cx.clock,
                                            .ids = &r->ids.ids,
                                            .kinds = kinds,
                                            .n_kinds = 2,
                                            .wake = wake,
                                            .wake_arg = r });
}

static void rig_init(Rig *r, const char *now) {
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    clock_manual_set_wall(&r->t.clock, test_time(now));
    ids_seeded_init(&r->ids, 1);
    r->lane = lane_inline_new();
    CHECK_OK_PLAIN(&r->t.cx, job_store_sqlite_open(&r->t.cx, &(JobStoreOptions){ 0 }, &r->store));
    service_open(r);
}

static void rig_done(Rig *r) {
    lane_close(r->lane);
    jobs_service_free(r->s);
    job_store_close(r->store);
    test_ctx_done(&r->t);
}

static Job define(Rig *r, const char *id, const char *schedule, const char *missed) {
    Job j = { 0 };
    JobDefinition d = {
        .id = str_c(id), .kind = S("work"), .schedule = str_c(schedule), .missed = str_c(missed), .retries = -1
    };
    CHECK_OK_PLAIN(&r->t.cx, jobs_define(r->s, &r->t.cx, &d, &j));
    return j;
}

static Job get(Rig *r, const char *id) {
    Job j = { 0 };
    CHECK_OK_PLAIN(&r->t.cx, jobs_get(r->s, &r->t.cx, str_c(id), &j));
    return j;
}

static JobRun last_run(Rig *r, const char *id) {
    JobRun run = { 0 };
    CHECK_OK_PLAIN(&r->t.cx, jobs_run(r->s, &r->t.cx, get(r, id).run, &run));
    return run;
}

static Time tick(Rig *r) {
    Time next;
    CHECK_OK_PLAIN(&r->t.cx, jobs_tick(r->s, &r->t.cx, &next));
    return next;
}

/* Time goes on as the service asks for it, at most to `to`. */
static void run_until(Rig *r, const char *to) {
    Time end = test_time(to);
    for (;;) {
        r->woken = false;
        Time next = tick(r), now = clock_wall(r->t.cx.clock);
        if (r->woken)
            continue;
        if (time_before(end, next))
            next = end;
        if (time_cmp(now, end) >= 0)
            return;
        clock_manual_advance_ms(&r->t.clock, MAX(next.ms - now.ms, INT64_C(1)));
    }
}

TEST(a_schedule_fires_when_the_clock_says_so_MDS_42) {
    Rig r;
    Job j;
    rig_init(&r, "2024-02-28T12:00:00");
    r.steps = 1;
    define(&r, "daily", "0 3 * * *", "");
    run_until(&r, "2024-02-28T13:00:00");
    CHECK_EQ(r.n_runs, 0); /* not armed */
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("daily"), &j));
    CHECK_EQ(j.state, JOB_SCHEDULED);
    CHECK_EQ(j.next_fire.ms, test_time("2024-02-29T03:00:00").ms);
    run_until(&r, "2024-03-02T12:00:00"); /* over the leap day */
    CHECK_EQ(r.n_runs, 3);
    CHECK_EQ(r.at[0].ms, test_time("2024-02-29T03:00:00").ms);
    CHECK_EQ(r.at[2].ms, test_time("2024-03-02T03:00:00").ms);
    JobRun run = last_run(&r, "daily");
    CHECK(run.state == RUN_SUCCEEDED && run.by_schedule && run.scheduled_for.ms == r.at[2].ms);
    CHECK_STR(run.message, S("1 steps"));
    rig_done(&r);
}

TEST(an_interval_is_honoured_MDS_21) {
    Rig r;
    Job j;
    rig_init(&r, "2024-01-01T00:00:01");
    define(&r, "vn", "@every 300s", "");
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("vn"), &j));
    run_until(&r, "2024-01-01T01:00:00");
    CHECK_EQ(r.n_runs, 12);
    for (int i = 0; i < 12; i++)
        CHECK_EQ(r.at[i].ms, test_time("2024-01-01").ms + (i + 1) * 300000);
    rig_done(&r);
}

TEST(what_the_state_does_not_allow_is_409_MDS_41) {
    Rig r;
    Job j;
    JobRun run;
    rig_init(&r, "2024-01-01");
    define(&r, "j", "0 * * * *", "");
    CHECK_EQ(jobs_stop(r.s, &r.t.cx, S("j"), &j), ERR_CONFLICT);
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
    CHECK_EQ(jobs_start(r.s, &r.t.cx, S("j"), &j), ERR_CONFLICT);
    CHECK_EQ(err_info(ERR_CONFLICT)->http_status, 409);
    CHECK(strstr(r.t.cx.err.text, "scheduled"));
    CHECK_OK(&r.t.cx, jobs_run_now(r.s, &r.t.cx, S("j"), S(""), &run));
    CHECK_EQ(jobs_run_now(r.s, &r.t.cx, S("j"), S(""), &run), ERR_CONFLICT);
    CHECK_EQ(jobs_remove(r.s, &r.t.cx, S("j")), ERR_CONFLICT);
    JobDefinition d = { .id = S("j"), .kind = S("work") };
    CHECK_EQ(jobs_define(r.s, &r.t.cx, &d, &j), ERR_CONFLICT);
    CHECK_OK(&r.t.cx, jobs_stop(r.s, &r.t.cx, S("j"), &j)); /* while it waits */
    CHECK_EQ(j.state, JOB_STOPPED);
    CHECK_EQ(last_run(&r, "j").state, RUN_STOPPED);
    tick(&r);
    CHECK_EQ(r.n_runs, 0);
    CHECK_OK(&r.t.cx, jobs_remove(r.s, &r.t.cx, S("j")));
    CHECK_EQ(jobs_start(r.s, &r.t.cx, S("j"), &j), ERR_NOT_FOUND);
    rig_done(&r);
}

TEST(a_failed_run_is_tried_after_2_4_and_8_seconds_RES_07) {
    Rig r;
    Job j;
    rig_init(&r, "2024-01-01");
    define(&r, "j", "", "");
    r.fail = 3;
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j)); /* without a schedule: one run */
    run_until(&r, "2024-01-01T00:01:00");
    CHECK_EQ(r.n_runs, 4);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(r.at[i + 1].ms - r.at[i].ms, 2000 << i);
    CHECK(last_run(&r, "j").state == RUN_SUCCEEDED && last_run(&r, "j").attempt == 4);
    CHECK_EQ(get(&r, "j").state, JOB_STOPPED);
    r.n_runs = 0;
    r.fail = 9; /* one more than there are tries */
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
    run_until(&r, "2024-01-01T00:02:00");
    CHECK_EQ(r.n_runs, 4);
    CHECK_EQ(last_run(&r, "j").state, RUN_FAILED);
    CHECK_STR(last_run(&r, "j").error, S("the venue is down"));
    JobsHealth h;
    CHECK_OK(&r.t.cx, jobs_health(r.s, &r.t.cx, &h));
    CHECK(h.jobs == 1 && h.failed_last == 1 && h.running == 0);
    r.n_runs = 0;
    r.fail = 1;
    r.fail_code = ERR_INVALID; /* the next try would fail as well */
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
    run_until(&r, "2024-01-01T00:03:00");
    CHECK_EQ(r.n_runs, 1);
    rig_done(&r);
}

/* A kill is a service that never hears of the end: what it had stored is all that is left. */
TEST(a_run_goes_on_at_its_last_checkpoint_MDS_43) {
    Rig r;
    JobRun run;
    rig_init(&r, "2024-01-01");
    r.steps = 100;
    r.die_at = 37;
    define(&r, "j", "0 0 1 1 *", "");
    CHECK_OK(&r.t.cx, jobs_run_now(r.s, &r.t.cx, S("j"), S(""), &run));
    Job before = get(&r, "j");
    tick(&r); /* runs, and "dies": the end it wrote is taken back below */
    Job after = get(&r, "j");
    JobRun killed = last_run(&r, "j");
    after.state = JOB_RUNNING;
    killed.state = RUN_RUNNING;
    killed.ended_at = time_ms(0);
    CHECK_OK(&r.t.cx, job_store_change(r.store, &r.t.cx, &(JobChange){ &after, &killed }));
    UNUSED(before);
    jobs_service_free(r.s);
    service_open(&r);
    CHECK_OK(&r.t.cx, jobs_recover(r.s, &r.t.cx));
    CHECK_EQ(get(&r, "j").state, JOB_QUEUED);
    r.die_at = 0;
    tick(&r);
    CHECK_EQ(r.worked, 100); /* no step twice */
    run = last_run(&r, "j");
    CHECK_STR(run.id, killed.id);
    CHECK(run.state == RUN_SUCCEEDED && run.resumed == 1 && run.attempt == 1);
    CHECK(run.done == 100 && run.total == 100 && run.n_success == 80 && run.n_failed == 20);
    rig_done(&r);
}

TEST(a_restart_answers_no_fire_twice_MDS_42) {
    Rig r;
    Job j;
    rig_init(&r, "2024-01-01T00:00:30");
    define(&r, "j", "* * * * *", "");
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
    for (int i = 0; i < 10; i++) { /* a restart after each minute, twice in the same second */
        clock_manual_advance_ms(&r.t.clock, 60000);
        for (int k = 0; k < 2; k++) {
            jobs_service_free(r.s);
            service_open(&r);
            CHECK_OK(&r.t.cx, jobs_recover(r.s, &r.t.cx));
            tick(&r);
        }
    }
    CHECK_EQ(r.n_runs, 10);
    clock_manual_set_wall(&r.t.clock, test_time("2024-01-01T00:05:30")); /* a clock set back */
    job_store_job(r.store, &r.t.cx, S("j"), &j);
    j.next_fire = test_time("2024-01-01T00:05:00"); /* and a next_fire as it was then */
    CHECK_OK(&r.t.cx, job_store_change(r.store, &r.t.cx, &(JobChange){ &j, NULL }));
    tick(&r);
    CHECK_EQ(r.n_runs, 10);
    CHECK_EQ(get(&r, "j").next_fire.ms, test_time("2024-01-01T00:06:00").ms);
    rig_done(&r);
}

TEST(missed_fires_follow_the_policy) {
    static const struct {
        const char *name;
        int runs;
        int64_t missed;
    } rows[] = { { "once", 1, 4 }, { "skip", 0, 5 }, { "all", 5, 0 } };
    EACH_ROW (row, rows) {
        Rig r;
        Job j;
        rig_init(&r, "2024-01-01T00:30:00");
        define(&r, "j", "0 * * * *", row->name);
        CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
        clock_manual_set_wall(&r.t.clock, test_time("2024-01-01T05:30:00")); /* nobody was there for five hours */
        for (int i = 0; i < 10; i++)
            tick(&r);
        CHECK_EQ(r.n_runs, row->runs);
        j = get(&r, "j");
        CHECK_EQ(j.n_missed, row->missed);
        CHECK_EQ(j.next_fire.ms, test_time("2024-01-01T06:00:00").ms);
        if (row->runs)
            CHECK_EQ(last_run(&r, "j").scheduled_for.ms, test_time("2024-01-01T05:00:00").ms);
        rig_done(&r);
    }
}

static int fire_inside(Rig *r, Ctx *cx) {
    UNUSED(cx);
    clock_manual_advance_ms(&r->t.clock, 60000);
    Time next;
    return jobs_tick(r->s, &r->t.cx, &next);
}

TEST(a_fire_while_a_run_is_under_way_is_skipped_and_counted) {
    Rig r;
    Job j;
    rig_init(&r, "2024-01-01T00:00:30");
    r.steps = 3;
    r.inside = fire_inside;
    define(&r, "j", "* * * * *", "");
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
    clock_manual_advance_ms(&r.t.clock, 60000);
    tick(&r);
    CHECK_EQ(r.n_runs, 1);
    CHECK_EQ(get(&r, "j").n_skipped, 3);
    CHECK_EQ(get(&r, "j").state, JOB_SCHEDULED);
    rig_done(&r);
}

static int stop_inside(Rig *r, Ctx *cx) {
    Job j;
    if (r->worked == 5) {
        CHECK_OK_PLAIN(&r->t.cx, jobs_stop(r->s, &r->t.cx, S("j"), &j));
        if (j.state != JOB_STOPPING)
            FAIL("state %s", job_state_name(j.state));
        if (jobs_stop(r->s, &r->t.cx, S("j"), &j) != ERR_CONFLICT)
            FAIL("a second stop");
    }
    return ctx_check(cx);
}

TEST(a_run_that_is_stopped_ends_at_its_next_look_MDS_41) {
    Rig r;
    Job j;
    rig_init(&r, "2024-01-01");
    r.steps = 100;
    r.inside = stop_inside;
    define(&r, "j", "", "");
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
    tick(&r);
    CHECK_EQ(r.worked, 5);
    CHECK_EQ(get(&r, "j").state, JOB_STOPPED);
    CHECK_EQ(last_run(&r, "j").state, RUN_STOPPED);
    rig_done(&r);
}

static int back_inside(Rig *r, Ctx *cx) {
    UNUSED(cx);
    JobRun run = last_run(r, "j");
    if (run.done < r->worked || run.total != r->steps)
        FAIL("progress %lld of %lld after %lld steps", (long long)run.done, (long long)run.total, (long long)r->worked);
    return 0;
}

TEST(progress_is_seen_and_never_goes_back_MDS_43) {
    Rig r;
    JobRun run;
    rig_init(&r, "2024-01-01");
    r.steps = 20;
    r.inside = back_inside;
    define(&r, "j", "", "");
    CHECK_OK(&r.t.cx, jobs_run_now(r.s, &r.t.cx, S("j"), S("{\"x\":2}"), &run));
    tick(&r);
    CHECK_EQ(r.worked, 20);
    CHECK_STR(last_run(&r, "j").params, S("{\"x\":2}"));
    CHECK_EQ(last_run(&r, "j").done, 20);
    rig_done(&r);
}

TEST(a_deadline_ends_a_run) {
    Rig r;
    Job j;
    rig_init(&r, "2024-01-01T00:00:00");
    r.steps = 100;
    r.inside = fire_inside; /* each step takes a minute */
    JobDefinition d = { .id = S("j"), .kind = S("once"), .timeout_ms = 10 * 60000, .retries = -1 };
    CHECK_OK(&r.t.cx, jobs_define(r.s, &r.t.cx, &d, &j));
    CHECK_EQ(j.retries, 0); /* a kind that must not be done twice */
    CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
    tick(&r);
    CHECK(r.worked >= 10 && r.worked <= 12);
    CHECK_EQ(last_run(&r, "j").state, RUN_FAILED);
    rig_done(&r);
}

TEST(a_definition_that_could_not_work_is_refused) {
    static const struct {
        const char *name;
        JobDefinition d;
        const char *field;
    } rows[] = {
        { "no such kind", { .kind = STR_INIT("dance") }, "kind" },
        { "no schedule", { .kind = STR_INIT("work"), .schedule = STR_INIT("often") }, "schedule" },
        { "never", { .kind = STR_INIT("work"), .schedule = STR_INIT("0 0 30 2 *") }, "schedule" },
        { "no zone",
          { .kind = STR_INIT("work"), .schedule = STR_INIT("@daily"), .zone = STR_INIT("Mars/Base") },
          "zone" },
        { "no policy", { .kind = STR_INIT("work"), .missed = STR_INIT("maybe") }, "missed" },
        { "no object", { .kind = STR_INIT("work"), .params = STR_INIT("[1]") }, "params" },
        { "no JSON", { .kind = STR_INIT("work"), .params = STR_INIT("{") }, "params" },
        { "not the kind's", { .kind = STR_INIT("work"), .params = STR_INIT("{\"bad\":1}") }, "params" },
    };
    Rig r;
    rig_init(&r, "2024-01-01");
    EACH_ROW (row, rows) {
        Job j;
        JobDefinition d = row->d;
        d.id = S("j");
        CHECK_EQ(jobs_define(r.s, &r.t.cx, &d, &j), ERR_INVALID);
        CHECK_STR(str_c(r.t.cx.err.field), str_c(row->field));
        CHECK_EQ(jobs_get(r.s, &r.t.cx, S("j"), &j), ERR_NOT_FOUND);
    }
    rig_done(&r);
}

/* The store fails at each call in turn, before and after the change is in: one run at the end, whatever happened. */
static int fault_at(void *arg, Ctx *cx, const char *point) {
    int *left = arg;
    return (*left)-- == 0 ? err_set(cx, ERR_REPOSITORY, "injected at %s", point) : 0;
}

TEST(a_store_that_fails_at_any_point_costs_no_run_and_gives_none_twice) {
    for (int nr = 0; nr < 40; nr++) {
        Rig r;
        Job j;
        Time next;
        rig_init(&r, "2024-01-01T00:00:30");
        r.steps = 1;
        define(&r, "j", "* * * * *", "");
        CHECK_OK(&r.t.cx, jobs_start(r.s, &r.t.cx, S("j"), &j));
        clock_manual_advance_ms(&r.t.clock, 60000);
        int left = nr;
        r.store->fault = fault_at;
        r.store->fault_arg = &left;
        jobs_tick(r.s, &r.t.cx, &next);
        r.store->fault = NULL;
        for (int i = 0; i < 4; i++) {
            if (nr % 2) { /* a new process, or the same one */
                jobs_service_free(r.s);
                service_open(&r);
                CHECK_OK(&r.t.cx, jobs_recover(r.s, &r.t.cx));
            }
            clock_manual_advance_ms(&r.t.clock, 3000);
            tick(&r);
        }
        JobRun *runs;
        size_t n;
        CHECK_OK(&r.t.cx, jobs_runs(r.s, &r.t.cx, S("j"), 10, &runs, &n));
        CHECK_EQ(n, 1);
        CHECK_EQ(runs[0].state, RUN_SUCCEEDED);
        CHECK_EQ(get(&r, "j").state, JOB_SCHEDULED);
        CHECK(r.worked == 1 || r.worked == 2); /* a step whose checkpoint was not stored is done again */
        rig_done(&r);
    }
}

TESTS(T(a_schedule_fires_when_the_clock_says_so_MDS_42), T(an_interval_is_honoured_MDS_21),
      T(what_the_state_does_not_allow_is_409_MDS_41), T(a_failed_run_is_tried_after_2_4_and_8_seconds_RES_07),
      T(a_run_goes_on_at_its_last_checkpoint_MDS_43), T(a_restart_answers_no_fire_twice_MDS_42),
      T(missed_fires_follow_the_policy), T(a_fire_while_a_run_is_under_way_is_skipped_and_counted),
      T(a_run_that_is_stopped_ends_at_its_next_look_MDS_41), T(progress_is_seen_and_never_goes_back_MDS_43),
      T(a_deadline_ends_a_run), T(a_definition_that_could_not_work_is_refused),
      T(a_store_that_fails_at_any_point_costs_no_run_and_gives_none_twice))
