/* adapters/jobs/sqlite.c - see sqlite.h. Small tables, one connection, every change synced (adapters/sqlite/owner.h).
 *
 * That a fire is answered once rests on an index: (job, scheduled_for) is unique among runs by schedule, and the run is
 * inserted in the transaction that moves the job's next_fire. */

#include "adapters/jobs/sqlite.h"

#include "adapters/sqlite/chain.h"
#include "base/vec.h"

enum { APPLICATION_ID = 0x46534a42 }; /* "FSJB" */

typedef struct Store {
    JobStore store; /* first */
    DbOwner owner;
    Chain audit;
} Store;

/* clang-format off */
static const SchemaStep steps[] = {
    { .up =
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE job("
        "  id TEXT PRIMARY KEY, kind TEXT NOT NULL, schedule TEXT NOT NULL, zone TEXT NOT NULL, params TEXT NOT NULL,"
        "  missed INTEGER NOT NULL, retries INTEGER NOT NULL, backoff_ms INTEGER NOT NULL, timeout_ms INTEGER NOT NULL,"
        "  memory_max INTEGER NOT NULL, armed INTEGER NOT NULL, state INTEGER NOT NULL, next_fire INTEGER NOT NULL,"
        "  n_skipped INTEGER NOT NULL, n_missed INTEGER NOT NULL, run TEXT NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE job_run("
        "  nr INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL, kind TEXT NOT NULL,"
        "  params TEXT NOT NULL, by_schedule INTEGER NOT NULL, scheduled_for INTEGER NOT NULL, state INTEGER NOT NULL,"
        "  attempt INTEGER NOT NULL, resumed INTEGER NOT NULL, queued_at INTEGER NOT NULL, started_at INTEGER NOT NULL,"
        "  ended_at INTEGER NOT NULL, next_try INTEGER NOT NULL, done INTEGER NOT NULL, total INTEGER NOT NULL,"
        "  n_success INTEGER NOT NULL, n_failed INTEGER NOT NULL, checkpoint TEXT NOT NULL, message TEXT NOT NULL,"
        "  error TEXT NOT NULL);"
        "CREATE UNIQUE INDEX job_run_fire ON job_run(job, scheduled_for) WHERE by_schedule=1;"
        "CREATE INDEX job_run_job ON job_run(job, nr);"
        "CREATE TABLE queue_item("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, payload TEXT NOT NULL, state INTEGER NOT NULL," /* 0 open, 1 done, 2 failed */
        "  worker TEXT NOT NULL, until INTEGER NOT NULL, tries INTEGER NOT NULL, result TEXT NOT NULL);"
        "CREATE INDEX queue_open ON queue_item(queue, id) WHERE state=0;"
        "CREATE TABLE audit("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL,"
        "  subject TEXT NOT NULL, outcome TEXT NOT NULL, request_id TEXT NOT NULL);" },
    { .up = "ALTER TABLE audit ADD COLUMN n INTEGER NOT NULL DEFAULT 0;",
      .down = "ALTER TABLE audit DROP COLUMN n;",
      .lost = "SELECT count(*) FROM audit WHERE n<>0",
      .what = "numbers of candles in the audit" },
    { .up =
        "CREATE TABLE callback("
        "  nr INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL, url TEXT NOT NULL,"
        "  body TEXT NOT NULL, state INTEGER NOT NULL, tries INTEGER NOT NULL, created INTEGER NOT NULL,"
        "  next_try INTEGER NOT NULL, ended INTEGER NOT NULL, last_status INTEGER NOT NULL, last_error TEXT NOT NULL);"
        "CREATE INDEX callback_state ON callback(state, next_try);",
      .down = "DROP TABLE callback;",
      .lost = "SELECT count(*) FROM callback",
      .what = "callbacks" },
    { .up = /* rows of before have the link of nothing: the chain begins behind them, with an alarm (adapters/sqlite/chain.h) */
        "ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE audit ADD COLUMN detail TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE audit ADD COLUMN link BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';",
      .down =
        "ALTER TABLE audit DROP COLUMN link; ALTER TABLE audit DROP COLUMN detail; ALTER TABLE audit DROP COLUMN address;",
      .lost = "SELECT count(*) FROM audit WHERE link<>zeroblob(32)",
      .what = "links of the audit's chain" },
};

#define JOB_COLUMNS "id, kind, schedule, zone, params, missed, retries, backoff_ms, timeout_ms, memory_max, armed, state, " \
                    "next_fire, n_skipped, n_missed, run, revision"
#define RUN_COLUMNS "id, job, kind, params, by_schedule, scheduled_for, state, attempt, resumed, queued_at, started_at, " \
                    "ended_at, next_try, done, total, n_success, n_failed, checkpoint, message, error"

#define CALLBACK_COLUMNS "id, run, url, body, state, tries, created, next_try, ended, last_status, last_error"

#define SQL_TABLE(X)                                                                                                   \
    X(SQL_JOB_REVISION, "SELECT revision FROM job WHERE id=?1")                                                        \
    X(SQL_JOB_PUT, "INSERT OR REPLACE INTO job(" JOB_COLUMNS ") "                                                      \
                   "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)")                               \
    X(SQL_JOB_LIST, "SELECT " JOB_COLUMNS " FROM job WHERE ?1='' OR id=?1 ORDER BY id")                                \
    X(SQL_JOB_DROP, "DELETE FROM job WHERE id=?1")                                                                     \
    X(SQL_RUN_FIRED, "SELECT 1 FROM job_run WHERE by_schedule=1 AND job=?1 AND scheduled_for=?2 AND id<>?3")           \
    X(SQL_RUN_PUT, "INSERT INTO job_run(" RUN_COLUMNS ") "                                                             \
                   "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20) "                   \
                   "ON CONFLICT(id) DO UPDATE SET state=?7, attempt=?8, resumed=?9, queued_at=?10, started_at=?11, "   \
                   "ended_at=?12, next_try=?13, done=?14, total=?15, n_success=?16, n_failed=?17, checkpoint=?18, "    \
                   "message=?19, error=?20")                                                                           \
    X(SQL_RUN_PROGRESS, "UPDATE job_run SET done=?2, total=?3, n_success=?4, n_failed=?5, checkpoint=?6, message=?7 "  \
                        "WHERE id=?1")                                                                                 \
    X(SQL_RUN_GET, "SELECT " RUN_COLUMNS " FROM job_run WHERE id=?1")                                                  \
    X(SQL_RUN_LIST, "SELECT " RUN_COLUMNS " FROM job_run WHERE job=?1 ORDER BY nr DESC LIMIT ?2")                      \
    X(SQL_RUN_LIST_ALL, "SELECT " RUN_COLUMNS " FROM job_run ORDER BY nr DESC LIMIT ?1")                               \
    X(SQL_RUN_DROP, "DELETE FROM job_run WHERE job=?1")                                                                \
    X(SQL_RUN_PRUNE, "DELETE FROM job_run WHERE job=?1 AND state>=3 AND nr <= "                                        \
                     "(SELECT nr FROM job_run WHERE job=?1 ORDER BY nr DESC LIMIT 1 OFFSET ?2)")                       \
    X(SQL_QUEUE_PUT, "INSERT INTO queue_item(queue, payload, state, worker, until, tries, result) "                    \
                     "VALUES(?1, ?2, 0, '', 0, 0, '')")                                                                \
    X(SQL_QUEUE_OPEN, "SELECT id, payload, tries FROM queue_item WHERE queue=?1 AND state=0 AND until<=?2 "            \
                      "ORDER BY id LIMIT ?3")                                                                          \
    X(SQL_QUEUE_TAKE, "UPDATE queue_item SET worker=?2, until=?3, tries=tries+1 WHERE id=?1")                          \
    X(SQL_QUEUE_DONE, "UPDATE queue_item SET state=?3, result=?4 WHERE id=?1 AND worker=?2 AND state=0")               \
    X(SQL_QUEUE_CHANGED, "SELECT changes()")                                                                           \
    X(SQL_QUEUE_STATS, "SELECT coalesce(sum(state=0 AND until<=?2), 0), coalesce(sum(state=0 AND until>?2), 0), "      \
                       "coalesce(sum(state=1), 0), coalesce(sum(state=2), 0) FROM queue_item WHERE queue=?1")          \
    X(SQL_QUEUE_DROP, "DELETE FROM queue_item WHERE queue=?1")                                                         \
    CHAIN_SQL_TABLE(X, "audit", "id")                                                                                  \
    X(SQL_AUDIT_LIST, "SELECT id, at, who, action, subject, outcome, request_id, n, detail FROM audit WHERE id<?1 "       \
                      "ORDER BY id DESC LIMIT ?2")                                                                     \
    X(SQL_CALLBACK_OPEN, "SELECT count(*) FROM callback WHERE state<=1")                                               \
    X(SQL_CALLBACK_PUT, "INSERT INTO callback(" CALLBACK_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) "       \
                        "ON CONFLICT(id) DO UPDATE SET body=?4, state=?5, tries=?6, next_try=?8, ended=?9, "           \
                        "last_status=?10, last_error=?11")                                                             \
    X(SQL_CALLBACK_DUE, "SELECT " CALLBACK_COLUMNS " FROM callback WHERE (?1<0 OR state=?1) AND (?2='' OR id=?2) "     \
                        "AND next_try<=?3 ORDER BY next_try, nr LIMIT ?4")                                             \
    X(SQL_CALLBACK_NEWEST, "SELECT " CALLBACK_COLUMNS " FROM callback WHERE (?1<0 OR state=?1) AND (?2='' OR id=?2) "  \
                           "AND next_try<=?3 ORDER BY nr DESC LIMIT ?4")                                               \
    X(SQL_CALLBACK_PRUNE, "DELETE FROM callback WHERE state>=2 AND nr <= "                                             \
                          "(SELECT nr FROM callback WHERE state>=2 ORDER BY nr DESC LIMIT 1 OFFSET ?1)")
/* clang-format on */

enum {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define SQL_ENUM(name, text) name,
    SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
        N_SQL
};

static const char *const sql_text[N_SQL] = {
#define SQL_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(SQL_TEXT) SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};

static const Schema schema = { APPLICATION_ID, steps, ARRAY_LEN(steps) };

/* --- jobs and runs --- */

static int put_job(Db *db, Ctx *cx, const Job *j) {
    return db_run(db, cx, SQL_JOB_PUT, "sssssiiiiiiiiiisi", db_str(j->id), db_str(j->kind), db_str(j->schedule),
                  db_str(j->zone), db_str(j->params), (int64_t)j->missed, j->retries, j->backoff_ms, j->timeout_ms,
                  j->memory_max, (int64_t)j->armed, (int64_t)j->state, j->next_fire.ms, j->n_skipped, j->n_missed,
                  db_str(j->run), j->revision + 1);
}

static int put_run(Db *db, Ctx *cx, const JobRun *r) {
    return db_run(db, cx, SQL_RUN_PUT, "ssssiiiiiiiiiiiiisss", db_str(r->id), db_str(r->job), db_str(r->kind),
                  db_str(r->params), (int64_t)r->by_schedule, r->scheduled_for.ms, (int64_t)r->state, r->attempt,
                  r->resumed, r->queued_at.ms, r->started_at.ms, r->ended_at.ms, r->next_try.ms, r->done, r->total,
                  r->n_success, r->n_failed, db_str(r->checkpoint), db_str(r->message), db_str(r->error));
}

/* 1 and its value, or 0. */
static int one_i64(Db *db, Ctx *cx, sqlite3_stmt *st, int64_t *out) {
    int r = db_step(db, cx, st);
    if (r > 0) {
        *out = db_i64(st, 0);
        db_reset(st);
    }
    return r;
}

static int work_change(Db *db, Ctx *cx, void *arg) {
    const JobChange *c = arg;
    sqlite3_stmt *st;
    int64_t revision = 0, fired = 0;
    int r = db_query(db, cx, SQL_JOB_REVISION, &st, "s", c->job->id);
    if (r == 0)
        r = one_i64(db, cx, st, &revision);
    if (r < 0)
        return r;
    if (revision != c->job->revision)
        return JOB_STALE;
    if (c->run && c->run->by_schedule) {
        r = db_query(db, cx, SQL_RUN_FIRED, &st, "sis", c->run->job, c->run->scheduled_for.ms, c->run->id);
        if (r == 0)
            r = one_i64(db, cx, st, &fired);
        if (r != 0)
            return r > 0 ? JOB_DUPLICATE : r;
    }
    r = put_job(db, cx, c->job);
    return r == 0 && c->run ? put_run(db, cx, c->run) : r;
}

static int do_change(JobStore *s, Ctx *cx, const JobChange *change) {
    JobChange c = *change;
    return db_owner_write(&((Store *)s)->owner, cx, work_change, &c);
}

typedef struct Listing {
    Str key;
    int64_t number, limit;
    Job *jobs;
    JobRun *runs;
    QueueItem *items;
    AuditRow *audits;
    size_t n, cap;
} Listing;

#define LIST_PUSH(cx, l, member, item)                                                                                 \
    do {                                                                                                               \
        struct {                                                                                                       \
            __typeof__((l)->member) v;                                                                                 \
            size_t n, cap;                                                                                             \
        } list_ = { (l)->member, (l)->n, (l)->cap };                                                                   \
        vec_push_in((cx)->arena, &list_, item);                                                                        \
        (l)->member = list_.v;                                                                                         \
        (l)->n = list_.n;                                                                                              \
        (l)->cap = list_.cap;                                                                                          \
    } while (0)

static int work_jobs(Db *db, Ctx *cx, void *arg) {
    Listing *l = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_JOB_LIST, &st, "s", db_str(l->key));
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        Job j = { .id = db_text_in(cx, st, 0),
                  .kind = db_text_in(cx, st, 1),
                  .schedule = db_text_in(cx, st, 2),
                  .zone = db_text_in(cx, st, 3),
                  .params = db_text_in(cx, st, 4),
                  .missed = (JobMissed)db_i64(st, 5),
                  .retries = db_i64(st, 6),
                  .backoff_ms = db_i64(st, 7),
                  .timeout_ms = db_i64(st, 8),
                  .memory_max = db_i64(st, 9),
                  .armed = db_i64(st, 10) != 0,
                  .state = (JobState)db_i64(st, 11),
                  .next_fire = time_ms(db_i64(st, 12)),
                  .n_skipped = db_i64(st, 13),
                  .n_missed = db_i64(st, 14),
                  .run = db_text_in(cx, st, 15),
                  .revision = db_i64(st, 16) };
        r = 0;
        if ((unsigned)j.state >= JOB_STATES || (unsigned)j.missed > MISSED_ALL)
            r = err_set(cx, ERR_CORRUPT, "%s: job " STR_FMT " has a state that does not exist", db->path,
                        STR_ARG(j.id));
        else
            LIST_PUSH(cx, l, jobs, j);
    }
    return r;
}

static int do_jobs(JobStore *s, Ctx *cx, Str id, Job **out, size_t *n) {
    Listing l = { .key = id };
    int r = db_owner_read(&((Store *)s)->owner, cx, work_jobs, &l);
    if (r == 0) {
        *out = l.jobs;
        *n = l.n;
    }
    return r;
}

static int work_drop(Db *db, Ctx *cx, void *arg) {
    const Str *id = arg;
    sqlite3_stmt *st;
    int64_t revision;
    int r = db_query(db, cx, SQL_JOB_REVISION, &st, "s", *id);
    if (r == 0)
        r = one_i64(db, cx, st, &revision);
    if (r <= 0)
        return r < 0 ? r : JOB_NONE;
    r = db_run(db, cx, SQL_JOB_DROP, "s", *id);
    return r == 0 ? db_run(db, cx, SQL_RUN_DROP, "s", *id) : r;
}

static int do_drop(JobStore *s, Ctx *cx, Str id) {
    return db_owner_write(&((Store *)s)->owner, cx, work_drop, &id);
}

static int work_progress(Db *db, Ctx *cx, void *arg) {
    const JobRun *r = arg;
    return db_run(db, cx, SQL_RUN_PROGRESS, "siiiiss", r->id, r->done, r->total, r->n_success, r->n_failed,
                  db_str(r->checkpoint), db_str(r->message));
}

static int do_progress(JobStore *s, Ctx *cx, const JobRun *run) {
    JobRun copy = *run;
    return db_owner_write(&((Store *)s)->owner, cx, work_progress, &copy);
}

static int read_runs(Db *db, Ctx *cx, sqlite3_stmt *st, Listing *l) {
    int r = 0;
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        JobRun run = { .id = db_text_in(cx, st, 0),
                       .job = db_text_in(cx, st, 1),
                       .kind = db_text_in(cx, st, 2),
                       .params = db_text_in(cx, st, 3),
                       .by_schedule = db_i64(st, 4) != 0,
                       .scheduled_for = time_ms(db_i64(st, 5)),
                       .state = (RunState)db_i64(st, 6),
                       .attempt = db_i64(st, 7),
                       .resumed = db_i64(st, 8),
                       .queued_at = time_ms(db_i64(st, 9)),
                       .started_at = time_ms(db_i64(st, 10)),
                       .ended_at = time_ms(db_i64(st, 11)),
                       .next_try = time_ms(db_i64(st, 12)),
                       .done = db_i64(st, 13),
                       .total = db_i64(st, 14),
                       .n_success = db_i64(st, 15),
                       .n_failed = db_i64(st, 16),
                       .checkpoint = db_text_in(cx, st, 17),
                       .message = db_text_in(cx, st, 18),
                       .error = db_text_in(cx, st, 19) };
        r = 0;
        if ((unsigned)run.state >= RUN_STATES)
            r = err_set(cx, ERR_CORRUPT, "%s: run " STR_FMT " has a state that does not exist", db->path,
                        STR_ARG(run.id));
        else
            LIST_PUSH(cx, l, runs, run);
    }
    return r;
}

static int work_run(Db *db, Ctx *cx, void *arg) {
    Listing *l = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_RUN_GET, &st, "s", l->key);
    return r == 0 ? read_runs(db, cx, st, l) : r;
}

static int do_run(JobStore *s, Ctx *cx, Str id, JobRun *out) {
    Listing l = { .key = db_str(id) };
    int r = db_owner_read(&((Store *)s)->owner, cx, work_run, &l);
    if (r == 0 && l.n == 0)
        return JOB_NONE;
    if (r == 0)
        *out = l.runs[0];
    return r;
}

static int work_runs(Db *db, Ctx *cx, void *arg) {
    Listing *l = arg;
    sqlite3_stmt *st;
    int r = l->key.n ? db_query(db, cx, SQL_RUN_LIST, &st, "si", l->key, l->limit)
                     : db_query(db, cx, SQL_RUN_LIST_ALL, &st, "i", l->limit);
    return r == 0 ? read_runs(db, cx, st, l) : r;
}

static int do_runs(JobStore *s, Ctx *cx, Str job, size_t limit, JobRun **out, size_t *n) {
    Listing l = { .key = job, .limit = (int64_t)limit };
    int r = db_owner_read(&((Store *)s)->owner, cx, work_runs, &l);
    if (r == 0) {
        *out = l.runs;
        *n = l.n;
    }
    return r;
}

static int work_prune(Db *db, Ctx *cx, void *arg) {
    const Listing *l = arg;
    return db_run(db, cx, SQL_RUN_PRUNE, "si", l->key, l->limit);
}

static int do_prune(JobStore *s, Ctx *cx, Str job, size_t keep) {
    Listing l = { .key = job, .limit = (int64_t)keep };
    return db_owner_write(&((Store *)s)->owner, cx, work_prune, &l);
}

/* --- queues --- */

typedef struct QueueWork {
    Str queue, worker;
    const Str *payloads;
    const QueueItem *items;
    size_t n, n_taken;
    const QueueClaim *claim;
    Listing found;
    QueueStats stats;
} QueueWork;

static int work_queue_put(Db *db, Ctx *cx, void *arg) {
    const QueueWork *w = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < w->n; i++)
        r = db_run(db, cx, SQL_QUEUE_PUT, "ss", w->queue, db_str(w->payloads[i]));
    return r;
}

static int do_queue_put(JobStore *s, Ctx *cx, Str queue, const Str *payloads, size_t n) {
    QueueWork w = { .queue = queue, .payloads = payloads, .n = n };
    return db_owner_write(&((Store *)s)->owner, cx, work_queue_put, &w);
}

static int work_queue_claim(Db *db, Ctx *cx, void *arg) {
    QueueWork *w = arg;
    const QueueClaim *claim = w->claim;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_QUEUE_OPEN, &st, "sii", claim->queue, claim->now.ms, (int64_t)claim->most);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        QueueItem item = { .id = db_i64(st, 0), .payload = db_text_in(cx, st, 1), .tries = db_i64(st, 2) + 1 };
        LIST_PUSH(cx, &w->found, items, item);
        r = 0;
    }
    for (size_t i = 0; r == 0 && i < w->found.n; i++)
        r = db_run(db, cx, SQL_QUEUE_TAKE, "isi", w->found.items[i].id, claim->worker, claim->until.ms);
    return r;
}

static int do_queue_claim(JobStore *s, Ctx *cx, const QueueClaim *claim, QueueItem **out, size_t *n) {
    QueueWork w = { .claim = claim };
    int r = db_owner_write(&((Store *)s)->owner, cx, work_queue_claim, &w);
    if (r == 0) {
        *out = w.found.items;
        *n = w.found.n;
    }
    return r;
}

static int work_queue_done(Db *db, Ctx *cx, void *arg) {
    QueueWork *w = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < w->n; i++) {
        sqlite3_stmt *st;
        int64_t changed = 0;
        const QueueItem *item = &w->items[i];
        r = db_run(db, cx, SQL_QUEUE_DONE, "isis", item->id, w->worker, (int64_t)(item->failed ? 2 : 1),
                   db_str(item->result));
        if (r == 0)
            r = db_query(db, cx, SQL_QUEUE_CHANGED, &st, "");
        if (r == 0)
            r = one_i64(db, cx, st, &changed);
        r = r < 0 ? r : 0;
        w->n_taken += changed > 0;
    }
    return r;
}

static int do_queue_done(JobStore *s, Ctx *cx, Str worker, const QueueItem *items, size_t n, size_t *n_taken) {
    QueueWork w = { .worker = worker, .items = items, .n = n };
    int r = db_owner_write(&((Store *)s)->owner, cx, work_queue_done, &w);
    if (r == 0)
        *n_taken = w.n_taken;
    return r;
}

static int work_queue_stats(Db *db, Ctx *cx, void *arg) {
    QueueWork *w = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_QUEUE_STATS, &st, "si", w->queue, clock_wall(cx->clock).ms);
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        w->stats = (QueueStats){ db_i64(st, 0), db_i64(st, 1), db_i64(st, 2), db_i64(st, 3) };
        db_reset(st);
        r = 0;
    }
    return r;
}

static int do_queue_stats(JobStore *s, Ctx *cx, Str queue, QueueStats *out) {
    QueueWork w = { .queue = queue };
    int r = db_owner_read(&((Store *)s)->owner, cx, work_queue_stats, &w);
    if (r == 0)
        *out = w.stats;
    return r;
}

static int work_queue_drop(Db *db, Ctx *cx, void *arg) {
    const QueueWork *w = arg;
    return db_run(db, cx, SQL_QUEUE_DROP, "s", w->queue);
}

static int do_queue_drop(JobStore *s, Ctx *cx, Str queue) {
    QueueWork w = { .queue = queue };
    return db_owner_write(&((Store *)s)->owner, cx, work_queue_drop, &w);
}

/* --- audit --- */

static int do_audit_add(JobStore *s, Ctx *cx, const AuditRow *row) {
    AuditEvent e = { .at = row->at,
                     .who = row->who,
                     .action = row->action,
                     .subject = row->subject,
                     .outcome = row->outcome,
                     .request_id = row->request_id,
                     .detail = row->detail,
                     .count = row->rows };
    return chain_append(&((Store *)s)->audit, cx, &(ChainAppend){ &e, 1, .often = row->often });
}

static int do_audit_walk(JobStore *s, Ctx *cx, const AuditAnchor *anchor, AuditSpan *span, AuditWalk *out) {
    Chain *c = &((Store *)s)->audit;
    int r = chain_walk(c, cx, anchor, out);
    return r == 0 ? chain_span(c, cx, span) : r;
}

static int work_audit_list(Db *db, Ctx *cx, void *arg) {
    Listing *l = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_AUDIT_LIST, &st, "ii", l->number, l->limit);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        AuditRow a = { .id = db_i64(st, 0),
                       .at = time_ms(db_i64(st, 1)),
                       .who = db_text_in(cx, st, 2),
                       .action = db_text_in(cx, st, 3),
                       .subject = db_text_in(cx, st, 4),
                       .outcome = db_text_in(cx, st, 5),
                       .request_id = db_text_in(cx, st, 6),
                       .rows = db_i64(st, 7),
                       .detail = db_text_in(cx, st, 8) };
        LIST_PUSH(cx, l, audits, a);
        r = 0;
    }
    return r;
}

static int do_audit_list(JobStore *s, Ctx *cx, int64_t before, size_t limit, AuditRow **out, size_t *n) {
    Listing l = { .number = before > 0 ? before : INT64_MAX, .limit = (int64_t)limit };
    int r = db_owner_read(&((Store *)s)->owner, cx, work_audit_list, &l);
    if (r == 0) {
        *out = l.audits;
        *n = l.n;
    }
    return r;
}

/* --- callbacks --- */

typedef struct CallbackWork {
    const Callback *c;
    size_t most;
    const CallbackQuery *q;
    Callback *v;
    size_t n, cap;
} CallbackWork;

static int work_callback_put(Db *db, Ctx *cx, void *arg) {
    const CallbackWork *w = arg;
    const Callback *c = w->c;
    sqlite3_stmt *st;
    int64_t open = 0;
    int r = w->most ? db_query(db, cx, SQL_CALLBACK_OPEN, &st, "") : 0;
    if (r == 0 && w->most)
        r = MIN(one_i64(db, cx, st, &open), 0);
    if (r == 0 && w->most && open >= (int64_t)w->most)
        return CALLBACK_FULL;
    return r ? r
             : db_run(db, cx, SQL_CALLBACK_PUT, "ssssiiiiiis", c->id, c->run, c->url, db_str(c->body),
                      (int64_t)c->state, c->tries, c->created.ms, c->next_try.ms, c->ended.ms, c->last_status,
                      db_str(c->last_error));
}

static int do_callback_put(JobStore *s, Ctx *cx, const Callback *c, size_t most) {
    CallbackWork w = { .c = c, .most = most };
    return db_owner_write(&((Store *)s)->owner, cx, work_callback_put, &w);
}

static int work_callbacks(Db *db, Ctx *cx, void *arg) {
    CallbackWork *w = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, w->q->newest ? SQL_CALLBACK_NEWEST : SQL_CALLBACK_DUE, &st, "isii", (int64_t)w->q->state,
                     db_str(w->q->id), w->q->due.ms ? w->q->due.ms : INT64_MAX, (int64_t)w->q->limit);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        Callback c = { .id = db_text_in(cx, st, 0),
                       .run = db_text_in(cx, st, 1),
                       .url = db_text_in(cx, st, 2),
                       .body = db_text_in(cx, st, 3),
                       .state = (CallbackState)CLAMP(db_i64(st, 4), (int64_t)CALLBACK_ARMED, (int64_t)CALLBACK_DEAD),
                       .tries = db_i64(st, 5),
                       .created = time_ms(db_i64(st, 6)),
                       .next_try = time_ms(db_i64(st, 7)),
                       .ended = time_ms(db_i64(st, 8)),
                       .last_status = db_i64(st, 9),
                       .last_error = db_text_in(cx, st, 10) };
        vec_push_in(cx->arena, w, c);
        r = 0;
    }
    return r;
}

static int do_callbacks(JobStore *s, Ctx *cx, const CallbackQuery *q, Callback **out, size_t *n) {
    CallbackWork w = { .q = q };
    int r = db_owner_read(&((Store *)s)->owner, cx, work_callbacks, &w);
    if (r == 0) {
        *out = w.v;
        *n = w.n;
    }
    return r;
}

static int work_callback_prune(Db *db, Ctx *cx, void *arg) {
    return db_run(db, cx, SQL_CALLBACK_PRUNE, "i", (int64_t) * (const size_t *)arg);
}

static int do_callback_prune(JobStore *s, Ctx *cx, size_t keep) {
    return db_owner_write(&((Store *)s)->owner, cx, work_callback_prune, &keep);
}

static void do_close(JobStore *s) {
    chain_done(&((Store *)s)->audit);
    db_owner_close(&((Store *)s)->owner);
    mem_free(s);
}

static int do_snapshot(JobStore *s, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return db_owner_snapshot(&((Store *)s)->owner, cx, piece, arg);
}

static const JobStoreOps ops = {
    .name = "sqlite",
    .change = do_change,
    .jobs = do_jobs,
    .drop = do_drop,
    .progress = do_progress,
    .run = do_run,
    .runs = do_runs,
    .prune = do_prune,
    .queue_put = do_queue_put,
    .queue_claim = do_queue_claim,
    .queue_done = do_queue_done,
    .queue_stats = do_queue_stats,
    .queue_drop = do_queue_drop,
    .audit_add = do_audit_add,
    .audit_list = do_audit_list,
    .audit_walk = do_audit_walk,
    .callback_put = do_callback_put,
    .callbacks = do_callbacks,
    .callback_prune = do_callback_prune,
    .snapshot = do_snapshot,
    .close = do_close,
};

int job_store_sqlite_open(Ctx *cx, const JobStoreOptions *o, JobStore **out) {
    Store *s = mem_new(Store);
    s->store.ops = &ops;
    /* A restored file may be chained by another key, and what works on data goes on: with an alarm. */
    chain_init(&s->audit, &(ChainOptions){ .owner = &s->owner,
                                           .first = SQL_CHAIN_META_GET,
                                           .anchor = o->anchor,
                                           .key = o->audit_key,
                                           .kept = o->audit_kept ? o->audit_kept : AUDIT_KEPT,
                                           .goes_on = true });
    DbOwnerOptions options = {
        .path = o->path, .vfs = o->vfs, .table = { sql_text, N_SQL }, .schema = &schema, .lazy = o->lazy
    };
    int r = db_owner_open(&s->owner, cx, &options);
    if (r != 0) {
        chain_done(&s->audit);
        mem_free(s);
        return r;
    }
    *out = &s->store;
    return 0;
}
