/* The contract of ports/job_store, run against control.db and against memory: JOB_STORE_MEMORY chooses. */

#include "adapters/jobs/sqlite.h"
#include "lib/test.h"

#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

#ifdef JOB_STORE_MEMORY
enum { PERSISTENT = 0 };
#else
enum { PERSISTENT = 1 };
#endif

typedef struct Fixture {
    TestCtx t;
    const char *dir, *path, *anchor;
    JobStore *store;
} Fixture;

static void open_with(Fixture *f, Str key) {
    JobStoreOptions o = { .path = f->path, .anchor = f->anchor, .audit_key = key };
    CHECK_OK_PLAIN(&f->t.cx, job_store_sqlite_open(&f->t.cx, &o, &f->store));
}

static void open_store(Fixture *f) {
    f->path = PERSISTENT ? str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/control.db", f->dir)) : NULL;
    f->anchor = PERSISTENT ? str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/control.anchor", f->dir)) : NULL;
    open_with(f, S("the key"));
}

static void begin(Fixture *f) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    open_store(f);
}

static void end(Fixture *f) {
    job_store_close(f->store);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static Job a_job(const char *id) {
    return (Job){ .id = str_c(id),
                  .kind = S("collect"),
                  .schedule = S("0 * * * *"),
                  .zone = S("Europe/Berlin"),
                  .params = S("{\"a\":1}"),
                  .missed = MISSED_ALL,
                  .retries = 3,
                  .backoff_ms = 2000,
                  .timeout_ms = 7,
                  .memory_max = 8,
                  .armed = true,
                  .state = JOB_QUEUED,
                  .next_fire = time_ms(-5),
                  .n_skipped = 9,
                  .n_missed = 10,
                  .run = S("r1") };
}

static JobRun a_run(const char *id, const char *job, int64_t at) {
    return (JobRun){ .id = str_c(id),
                     .job = str_c(job),
                     .kind = S("collect"),
                     .params = S("{}"),
                     .by_schedule = true,
                     .scheduled_for = time_ms(at),
                     .attempt = 1,
                     .queued_at = time_ms(11) };
}

TEST(what_is_put_comes_back_and_changes_need_the_newest_revision) {
    Fixture f;
    begin(&f);
    Job j = a_job("b"), got, *all;
    JobRun run = a_run("r1", "b", 100), back;
    size_t n;
    CHECK_EQ(job_store_job(f.store, &f.t.cx, S("b"), &got), JOB_NONE);
    CHECK_OK(&f.t.cx, job_store_change(f.store, &f.t.cx, &(JobChange){ &j, &run }));
    CHECK_EQ(job_store_change(f.store, &f.t.cx, &(JobChange){ &j, NULL }), JOB_STALE); /* it is not new any more */
    CHECK_OK(&f.t.cx, job_store_job(f.store, &f.t.cx, S("b"), &got));
    CHECK_EQ(got.revision, 1);
    CHECK_STR(got.kind, S("collect"));
    CHECK_STR(got.schedule, j.schedule);
    CHECK_STR(got.zone, j.zone);
    CHECK_STR(got.params, j.params);
    CHECK_STR(got.run, j.run);
    CHECK(got.missed == MISSED_ALL && got.retries == 3 && got.backoff_ms == 2000 && got.timeout_ms == 7);
    CHECK(got.memory_max == 8 && got.armed && got.state == JOB_QUEUED && got.next_fire.ms == -5);
    CHECK(got.n_skipped == 9 && got.n_missed == 10);
    Job other = a_job("a");
    CHECK_OK(&f.t.cx, job_store_change(f.store, &f.t.cx, &(JobChange){ &other, NULL }));
    CHECK_OK(&f.t.cx, job_store_jobs(f.store, &f.t.cx, &all, &n));
    CHECK(n == 2 && str_eq(all[0].id, S("a")));
    run.state = RUN_WAITING;
    run.attempt = 2;
    run.next_try = time_ms(77);
    run.error = S("no answer");
    got.state = JOB_RETRYING;
    CHECK_OK(&f.t.cx, job_store_change(f.store, &f.t.cx, &(JobChange){ &got, &run }));
    CHECK_OK(&f.t.cx, job_store_run(f.store, &f.t.cx, S("r1"), &back));
    CHECK(back.state == RUN_WAITING && back.attempt == 2 && back.next_try.ms == 77 && back.by_schedule);
    CHECK(back.scheduled_for.ms == 100 && back.queued_at.ms == 11);
    CHECK_STR(back.error, S("no answer"));
    CHECK_EQ(job_store_run(f.store, &f.t.cx, S("none"), &back), JOB_NONE);
    end(&f);
}

TEST(a_fire_is_answered_once_MDS_42) {
    Fixture f;
    begin(&f);
    Job j = a_job("j"), got;
    JobRun run = a_run("r1", "j", 100), again = a_run("r2", "j", 100), hand = a_run("r3", "j", 100);
    CHECK_OK(&f.t.cx, job_store_change(f.store, &f.t.cx, &(JobChange){ &j, &run }));
    j.revision = 1;
    j.n_missed = 99;
    CHECK_EQ(job_store_change(f.store, &f.t.cx, &(JobChange){ &j, &again }), JOB_DUPLICATE);
    CHECK_OK(&f.t.cx, job_store_job(f.store, &f.t.cx, S("j"), &got));
    CHECK_EQ(got.n_missed, 10); /* nothing happened at all */
    hand.by_schedule = false;   /* by hand it may run at any time */
    CHECK_OK(&f.t.cx, job_store_change(f.store, &f.t.cx, &(JobChange){ &j, &hand }));
    end(&f);
}

TEST(progress_is_kept_and_old_runs_go) {
    Fixture f;
    begin(&f);
    Job j = a_job("j");
    JobRun back, *runs;
    size_t n;
    for (int i = 0; i < 5; i++) {
        JobRun run = a_run(str_cz(&f.t.arena, str_fmt(&f.t.arena, "r%d", i)), "j", i);
        run.state = i == 0 ? RUN_RUNNING : RUN_SUCCEEDED;
        CHECK_OK(&f.t.cx, job_store_change(f.store, &f.t.cx, &(JobChange){ &j, &run }));
        j.revision++;
    }
    JobRun run = a_run("r0", "j", 0);
    run.done = 7;
    run.total = 9;
    run.n_success = 5;
    run.n_failed = 2;
    run.checkpoint = S("{\"at\":7}");
    run.message = S("seven");
    CHECK_OK(&f.t.cx, job_store_progress(f.store, &f.t.cx, &run));
    CHECK_OK(&f.t.cx, job_store_run(f.store, &f.t.cx, S("r0"), &back));
    CHECK(back.done == 7 && back.total == 9 && back.n_success == 5 && back.n_failed == 2 && back.state == RUN_RUNNING);
    CHECK_STR(back.checkpoint, run.checkpoint);
    CHECK_STR(back.message, run.message);
    CHECK_OK(&f.t.cx, job_store_runs(f.store, &f.t.cx, S("j"), 3, &runs, &n));
    CHECK(n == 3 && str_eq(runs[0].id, S("r4")));
    CHECK_OK(&f.t.cx, job_store_prune(f.store, &f.t.cx, S("j"), 2));
    CHECK_OK(&f.t.cx, job_store_runs(f.store, &f.t.cx, (Str){ 0 }, 10, &runs, &n));
    CHECK_EQ(n, 3); /* two, and the one that is not over */
    CHECK_OK(&f.t.cx, job_store_drop(f.store, &f.t.cx, S("j")));
    CHECK_OK(&f.t.cx, job_store_runs(f.store, &f.t.cx, (Str){ 0 }, 10, &runs, &n));
    CHECK_EQ(n, 0);
    CHECK_EQ(job_store_drop(f.store, &f.t.cx, S("j")), JOB_NONE);
    run.checkpoint = str_n("x", JOB_TEXT_MAX + 1);
    CHECK_EQ(job_store_progress(f.store, &f.t.cx, &run), ERR_TOO_LARGE);
    end(&f);
}

/* STO-18: ten thousand items, four workers at once, every item once. */
typedef struct Worker {
    JobStore *store;
    char name[8];
    uint8_t *seen; /* (10,000) how often this worker had an item */
    TestCtx t;     /* made and undone by the test: the test library is of one thread */
    pthread_t thread;
} Worker;

enum { ITEMS = 10000, WORKERS = 4 };

static void *drain(void *arg) {
    Worker *w = arg;
    for (;;) {
        QueueItem *items;
        size_t n, taken;
        if (job_store_queue_claim(w->store, &w->t.cx, S("q"), str_c(w->name), 60000, 37, &items, &n) != 0 || n == 0)
            break;
        for (size_t i = 0; i < n; i++) {
            int64_t nr = -1;
            if (str_to_i64(items[i].payload, &nr) && nr >= 0 && nr < ITEMS)
                w->seen[nr]++;
            items[i].failed = nr % 100 == 0;
        }
        if (job_store_queue_done(w->store, &w->t.cx, str_c(w->name), items, n, &taken) != 0 || taken != n)
            break;
        arena_reset(&w->t.arena);
    }
    return NULL;
}

TEST(ten_thousand_items_are_drained_by_four_workers_each_once_STO_18) {
    Fixture f;
    begin(&f);
    static uint8_t seen[WORKERS][ITEMS];
    static Str payloads[ITEMS];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < ITEMS; i++)
        payloads[i] = str_fmt(&f.t.arena, "%d", i);
    CHECK_OK(&f.t.cx, job_store_queue_put(f.store, &f.t.cx, S("q"), payloads, ITEMS));
    Worker w[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        w[i] = (Worker){ .store = f.store, .seen = seen[i] };
        snprintf(w[i].name, sizeof w[i].name, "w%d", i);
        test_ctx_init(&w[i].t);
        pthread_create(&w[i].thread, NULL, drain, &w[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(w[i].thread, NULL);
        test_ctx_done(&w[i].t);
    }
    for (int i = 0; i < ITEMS; i++)
        CHECK_EQ(seen[0][i] + seen[1][i] + seen[2][i] + seen[3][i], 1);
    QueueStats st;
    CHECK_OK(&f.t.cx, job_store_queue_stats(f.store, &f.t.cx, S("q"), &st));
    CHECK(st.waiting == 0 && st.claimed == 0 && st.done == ITEMS - 100 && st.failed == 100);
    CHECK_OK(&f.t.cx, job_store_queue_drop(f.store, &f.t.cx, S("q")));
    end(&f);
}

TEST(the_items_of_a_worker_that_died_come_back) {
    Fixture f;
    begin(&f);
    QueueItem *items, *others;
    size_t n, taken;
    Str payloads[] = { S("one"), S("two") };
    CHECK_OK(&f.t.cx, job_store_queue_put(f.store, &f.t.cx, S("q"), payloads, 2));
    CHECK_OK(&f.t.cx, job_store_queue_claim(f.store, &f.t.cx, S("q"), S("dead"), 1000, 10, &items, &n));
    CHECK_EQ(n, 2);
    CHECK_OK(&f.t.cx, job_store_queue_claim(f.store, &f.t.cx, S("q"), S("alive"), 1000, 10, &others, &n));
    CHECK_EQ(n, 0);
    clock_manual_advance_ms(&f.t.clock, 1000);
    CHECK_OK(&f.t.cx, job_store_queue_claim(f.store, &f.t.cx, S("q"), S("alive"), 1000, 10, &others, &n));
    CHECK(n == 2 && others[0].tries == 2 && str_eq(others[0].payload, S("one")));
    CHECK_OK(&f.t.cx, job_store_queue_done(f.store, &f.t.cx, S("dead"), items, 2, &taken)); /* too late */
    CHECK_EQ(taken, 0);
    CHECK_OK(&f.t.cx, job_store_queue_done(f.store, &f.t.cx, S("alive"), others, 2, &taken));
    CHECK_EQ(taken, 2);
    CHECK_OK(&f.t.cx, job_store_queue_done(f.store, &f.t.cx, S("alive"), others, 2, &taken)); /* said twice */
    CHECK_EQ(taken, 0);
    end(&f);
}

TEST(the_audit_is_a_list_that_only_grows) {
    Fixture f;
    begin(&f);
    AuditRow *v;
    size_t n;
    for (int i = 0; i < 3; i++) {
        AuditRow row = { .at = time_ms(i), .who = S("cli"), .action = S("cache.clear"), .outcome = S("ok") };
        CHECK_OK(&f.t.cx, job_store_audit_add(f.store, &f.t.cx, &row));
    }
    CHECK_OK(&f.t.cx, job_store_audit_list(f.store, &f.t.cx, 0, 2, &v, &n));
    CHECK(n == 2 && v[0].at.ms == 2 && v[1].at.ms == 1);
    CHECK_STR(v[0].action, S("cache.clear"));
    CHECK_OK(&f.t.cx, job_store_audit_list(f.store, &f.t.cx, v[1].id, 10, &v, &n));
    CHECK(n == 1 && v[0].at.ms == 0);
    AuditRow row = { .who = S("key"),
                     .action = S("market.save"),
                     .subject = S("a:b:1h"),
                     .outcome = S("ok"),
                     .rows = 1000,
                     .often = true };
    CHECK_OK(&f.t.cx, job_store_audit_add(f.store, &f.t.cx, &row));
    CHECK_OK(&f.t.cx, job_store_audit_list(f.store, &f.t.cx, 0, 1, &v, &n));
    CHECK_EQ(v[0].rows, 1000);
    CHECK_STR(v[0].subject, S("a:b:1h"));
    end(&f);
}

TEST(the_audit_is_bounded) {
    TestCtx t;
    test_ctx_init(&t);
    JobStore *s;
    AuditRow *v;
    size_t n;
    CHECK_OK(&t.cx, job_store_sqlite_open(&t.cx, &(JobStoreOptions){ .audit_kept = 100 }, &s));
    for (int i = 1; i <= 64 * 20; i++) {
        AuditRow row = {
            .at = time_ms(i), .who = S("me"), .action = S("market.save"), .outcome = S("ok"), .often = i % 2
        };
        CHECK_OK(&t.cx, job_store_audit_add(s, &t.cx, &row));
    }
    CHECK_OK(&t.cx, job_store_audit_list(s, &t.cx, 0, 1000, &v, &n));
    CHECK_EQ(n, 100);
    CHECK_EQ(v[0].at.ms, 64 * 20);
    job_store_close(s);
    test_ctx_done(&t);
}

static AuditWalk walk(Fixture *f, const AuditAnchor *anchor) {
    AuditSpan span;
    AuditWalk w;
    CHECK_OK_PLAIN(&f->t.cx, job_store_audit_walk(f->store, &f->t.cx, anchor, &span, &w));
    return w;
}

static void record(Fixture *f, int n, bool often) {
    for (int i = 0; i < n; i++) {
        AuditRow row = { .who = S("key:x"), .action = S("market.save"), .outcome = S("ok"), .rows = 7, .often = often };
        CHECK_OK_PLAIN(&f->t.cx, job_store_audit_add(f->store, &f->t.cx, &row));
    }
}

TEST(the_audit_is_a_chain_SEC_12) {
    Fixture f;
    begin(&f);
    record(&f, 5, false);
    record(&f, 5, true);
    if (PERSISTENT) {
        job_store_close(f.store);
        open_store(&f);
    }
    record(&f, 2, false);
    AuditWalk w = walk(&f, NULL);
    CHECK(w.fault == AUDIT_WHOLE && w.at.seq == 12 && w.alarm == 0);
    w.at.link[0] ^= 1; /* another row was there when this anchor was written down */
    CHECK_EQ(walk(&f, &w.at).fault, AUDIT_FORGED);
    w.at.seq = 13;
    CHECK_EQ(walk(&f, &w.at).fault, AUDIT_CUT);
    end(&f);
}

#ifndef JOB_STORE_MEMORY
/* Somebody who can write the file, and does so while nobody has it open. */
static void tamper(Fixture *f, const char *sql) {
    sqlite3 *db;
    job_store_close(f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    open_store(f);
}

TEST(whoever_can_write_the_file_is_found_out_SEC_12) {
    static const struct {
        const char *name, *sql;
        AuditFault fault;
        int64_t seq, alarm;
    } rows[] = {
        { "changed", "UPDATE audit SET who='nobody' WHERE id=4", AUDIT_EDITED, 4, 0 },
        { "its number of candles", "UPDATE audit SET n=8 WHERE id=4", AUDIT_EDITED, 4, 0 },
        { "removed", "DELETE FROM audit WHERE id=4", AUDIT_MISSING, 4, 0 },
        { "inserted",
          "UPDATE audit SET id=id+100 WHERE id>4; UPDATE audit SET id=id-99 WHERE id>100; INSERT INTO audit SELECT 5, "
          "at, "
          "who, action, subject, outcome, request_id, n, address, detail, link FROM audit WHERE id=4",
          AUDIT_WHOLE, 0, 12 }, /* the newest is no longer at its place */
        { "reordered",
          "UPDATE audit SET id=100 WHERE id=4; UPDATE audit SET id=4 WHERE id=5; UPDATE audit SET id=5 WHERE id=100",
          AUDIT_EDITED, 4, 0 },
        { "cut off at its beginning", "DELETE FROM audit WHERE id<4", AUDIT_MISSING, 1, 0 },
        { "cut off at its end", "DELETE FROM audit WHERE id>7", AUDIT_WHOLE, 0, 8 },
        { "emptied", "DELETE FROM audit", AUDIT_WHOLE, 0, 1 },
        { "its newest changed", "UPDATE audit SET who='nobody' WHERE id=10", AUDIT_WHOLE, 0, 11 },
        { "stripped of its links", "UPDATE audit SET link=zeroblob(32)", AUDIT_WHOLE, 0, 11 },
    };
    EACH_ROW (r, rows) {
        Fixture f;
        begin(&f);
        record(&f, 10, false);
        CHECK_EQ(walk(&f, NULL).fault, AUDIT_WHOLE);
        tamper(&f, r->sql);
        record(&f, 1, false); /* work on data goes on, and does not bury it */
        AuditWalk w = walk(&f, NULL);
        CHECK_EQ(w.fault, r->fault);
        CHECK_EQ(w.fault_seq, r->seq);
        if (r->fault == AUDIT_WHOLE)
            CHECK_EQ(w.alarm, r->alarm);
        end(&f);
    }
}

/* A backup restored where the key is another: its rows stay to be read, and the chain begins behind them. */
TEST(rows_of_another_key_raise_an_alarm_until_somebody_says_why) {
    Fixture f;
    begin(&f);
    record(&f, 3, false);
    job_store_close(f.store);
    CHECK_EQ(unlink(f.anchor), 0);
    open_with(&f, S("another key"));
    record(&f, 1, true);
    AuditWalk w = walk(&f, NULL);
    CHECK(w.fault == AUDIT_WHOLE && w.alarm == 4 && w.at.seq == 5);
    AuditRow said = { .who = S("admin"), .action = S(AUDIT_ACKNOWLEDGED), .outcome = S("ok"), .detail = S("restored") };
    CHECK_OK(&f.t.cx, job_store_audit_add(f.store, &f.t.cx, &said));
    CHECK_EQ(walk(&f, NULL).alarm, 0);
    AuditRow *v;
    size_t n;
    CHECK_OK(&f.t.cx, job_store_audit_list(f.store, &f.t.cx, 0, 10, &v, &n));
    CHECK(n == 6 && v[5].id == 1);
    CHECK_STR(v[0].detail, S("restored"));
    job_store_close(f.store);
    open_with(&f, S("another key"));
    w = walk(&f, NULL);
    CHECK(w.fault == AUDIT_WHOLE && w.alarm == 0 && w.at.seq == 6);
    end(&f);
}
#endif

/* The row tells what was done, also of a call whose time was up when it was done. */
TEST(a_record_tells_who_what_and_how_it_ended) {
    Fixture f;
    begin(&f);
    AuditRow *v;
    size_t n;
    Ctx cx = f.t.cx;
    cx.principal = (Principal){ ROLE_WRITE, S("key-1") };
    cx.trace.request_id = S("r-1");
    cx.deadline = (MonoNs){ 1 };
    clock_manual_advance_ms(&f.t.clock, 1000);
    CHECK_EQ(job_store_record(f.store, &cx, &(AuditRow){ .action = S("market.save"), .rows = 3 }, 0), 0);
    CHECK_EQ(job_store_record(f.store, &cx, &(AuditRow){ .action = S("market.save") }, ERR_INVALID), ERR_INVALID);
    CHECK_EQ(job_store_record(NULL, &cx, &(AuditRow){ .action = S("market.save") }, ERR_INVALID), ERR_INVALID);
    CHECK_OK(&f.t.cx, job_store_audit_list(f.store, &f.t.cx, 0, 10, &v, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(v[0].outcome, S("validation_error"));
    CHECK_STR(v[1].outcome, S("ok"));
    CHECK_STR(v[1].who, S("key-1"));
    CHECK_STR(v[1].request_id, S("r-1"));
    CHECK_EQ(v[1].rows, 3);
    end(&f);
}

TEST(a_reopened_file_has_what_it_answered_for) {
    Fixture f;
    begin(&f);
    Job j = a_job("j"), got;
    JobRun run = a_run("r1", "j", 5), back;
    CHECK_OK(&f.t.cx, job_store_change(f.store, &f.t.cx, &(JobChange){ &j, &run }));
    f.store = job_store_close(f.store);
    open_store(&f);
    CHECK_EQ(job_store_job(f.store, &f.t.cx, S("j"), &got), PERSISTENT ? 0 : JOB_NONE); /* memory forgets */
    CHECK_EQ(job_store_run(f.store, &f.t.cx, S("r1"), &back), PERSISTENT ? 0 : JOB_NONE);
    end(&f);
}

static Callback a_callback(const char *id, CallbackState state, int64_t due) {
    return (Callback){ .id = str_c(id),
                       .run = S("r1"),
                       .url = S("https://example.org/hook"),
                       .body = state == CALLBACK_ARMED ? (Str){ 0 } : S("{}"),
                       .state = state,
                       .created = time_ms(5),
                       .next_try = time_ms(due) };
}

/* MSG-38: callbacks outlive the process, come in the order they are due, and are bounded. */
TEST(callbacks_are_kept_in_the_order_they_are_due) {
    Fixture f;
    begin(&f);
    const struct {
        const char *name;
        CallbackState state;
        int64_t due;
    } rows[] = { { "late", CALLBACK_DUE, 300 },
                 { "soon", CALLBACK_DUE, 100 },
                 { "armed", CALLBACK_ARMED, 0 },
                 { "dead", CALLBACK_DEAD, 50 } };
    EACH_ROW (r, rows) {
        Callback c = a_callback(r->name, r->state, r->due);
        CHECK_EQ(job_store_callback_add(f.store, &f.t.cx, &c, 4), 0);
    }
    Callback more = a_callback("more", CALLBACK_ARMED, 0), *v;
    size_t n;
    CHECK_EQ(job_store_callback_add(f.store, &f.t.cx, &more, 3), CALLBACK_FULL); /* what is over does not count */
    if (PERSISTENT) {
        f.store = job_store_close(f.store);
        open_store(&f);
    }
    CallbackQuery q = { .state = CALLBACK_DUE, .limit = 10 };
    CHECK_OK(&f.t.cx, job_store_callbacks(f.store, &f.t.cx, &q, &v, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(v[0].id, S("soon"));
    q.due = time_ms(100);
    CHECK_OK(&f.t.cx, job_store_callbacks(f.store, &f.t.cx, &q, &v, &n));
    CHECK_EQ(n, 1);
    Callback c = v[0];
    CHECK_STR(c.url, S("https://example.org/hook"));
    c.state = CALLBACK_DELIVERED;
    c.tries = 3;
    c.last_status = 204;
    c.last_error = S("e");
    c.ended = time_ms(9);
    c.url = S("another"); /* who asked stays who asked */
    CHECK_OK(&f.t.cx, job_store_callback_put(f.store, &f.t.cx, &c));
    q = (CallbackQuery){ .state = -1, .id = S("soon"), .limit = 1 };
    CHECK_OK(&f.t.cx, job_store_callbacks(f.store, &f.t.cx, &q, &v, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(v[0].url, S("https://example.org/hook"));
    CHECK_EQ(v[0].tries, 3);
    CHECK_EQ(v[0].last_status, 204);
    CHECK_EQ(v[0].created.ms, 5);
    CHECK_OK(&f.t.cx, job_store_callback_prune(f.store, &f.t.cx, 1)); /* of two that are over the newer one stays */
    q = (CallbackQuery){ .state = -1, .newest = true, .limit = 10 };
    CHECK_OK(&f.t.cx, job_store_callbacks(f.store, &f.t.cx, &q, &v, &n));
    CHECK_EQ(n, 3);
    CHECK_STR(v[0].id, S("dead"));
    end(&f);
}

#ifdef JOB_STORE_MEMORY
#define FILE_ONLY
#else
#define FILE_ONLY                                                                                                      \
    T(whoever_can_write_the_file_is_found_out_SEC_12), T(rows_of_another_key_raise_an_alarm_until_somebody_says_why),
#endif
TESTS(T(callbacks_are_kept_in_the_order_they_are_due), T(what_is_put_comes_back_and_changes_need_the_newest_revision),
      T(a_fire_is_answered_once_MDS_42), T(progress_is_kept_and_old_runs_go),
      T(ten_thousand_items_are_drained_by_four_workers_each_once_STO_18), T(the_items_of_a_worker_that_died_come_back),
      T(the_audit_is_a_list_that_only_grows), T(the_audit_is_bounded), T(the_audit_is_a_chain_SEC_12),
      FILE_ONLY T(a_record_tells_who_what_and_how_it_ended), T(a_reopened_file_has_what_it_answered_for))
