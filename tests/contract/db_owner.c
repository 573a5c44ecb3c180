/* adapters/sqlite/owner: one owner, whole transactions, versions, and what each refusal says. */

#include "adapters/sqlite/owner.h"
#include "base/slow.h"
#include "lib/test.h"

#include <stdio.h>
#include <unistd.h>

/* clang-format off */
#define NOTE_TABLE(X)                                                                                                  \
    X(NOTE_ADD, "INSERT INTO note(id, weight, words) VALUES(?1, ?2, ?3)")                                              \
    X(NOTE_GET, "SELECT weight, words FROM note WHERE id=?1")                                                          \
    X(NOTE_HEAVY, "SELECT id FROM note WHERE weight>=?1 ORDER BY words")                                               \
    X(NOTE_COUNT, "SELECT count(*) FROM note")                                                                         \
    X(NOTE_FOREVER, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c")
/* clang-format on */

enum {
    NOTE_BEFORE = N_SQL_COMMON - 1,
#define NOTE_ENUM(name, text) name,
    NOTE_TABLE(NOTE_ENUM) N_NOTE
};
static const char *const note_text[N_NOTE] = {
#define NOTE_STRING(name, text) [name] = text,
    SQL_COMMON_TABLE(NOTE_STRING) NOTE_TABLE(NOTE_STRING)
};
static const SchemaStep steps[] = {
    { .up = "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE note(id INTEGER PRIMARY KEY, weight REAL NOT NULL);" },
    { .up = "ALTER TABLE note ADD COLUMN words TEXT NOT NULL DEFAULT '';",
      .down = "ALTER TABLE note DROP COLUMN words;",
      .lost = "SELECT count(*) FROM note WHERE words<>''",
      .what = "notes with words" },
};
static const Schema first_schema = { .application_id = 7, .steps = steps, .newest = 1 };
static const Schema schema = { .application_id = 7, .steps = steps, .newest = 2 };
static const Schema foreign_schema = { .application_id = 8, .steps = steps, .newest = 2 };

static int open_as(TestCtx *t, const char *path, const Schema *s, DbOwner *o) {
    DbOwnerOptions options = { .path = path, .table = { note_text, N_NOTE }, .schema = s };
    return db_owner_open(o, &t->cx, &options);
}

typedef struct Note {
    int64_t id;
    double weight;
    Str words;
    int then; /* what the work answers after the row is in */
} Note;

static int add(Db *db, Ctx *cx, void *arg) {
    Note *n = arg;
    int r = db_run(db, cx, NOTE_ADD, "ids", n->id, n->weight, n->words);
    return r ? r : n->then < 0 ? err_set(cx, n->then, "as asked") : n->then;
}

static int get(Db *db, Ctx *cx, void *arg) {
    Note *n = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, NOTE_GET, &st, "i", n->id);
    if (r || (r = db_step(db, cx, st)) < 0)
        return r;
    if (r == 0)
        return 1; /* no such note */
    n->weight = db_f64(st, 0);
    n->words = str_dup(cx->arena, db_text(st, 1));
    db_reset(st);
    return 0;
}

static int count_forever(Db *db, Ctx *cx, void *arg) {
    UNUSED(arg);
    return db_run(db, cx, NOTE_FOREVER, "");
}

TEST(what_is_answered_is_there_and_what_failed_is_not) {
    TestCtx t;
    DbOwner o;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, open_as(&t, NULL, &schema, &o));
    CHECK_EQ(db_owner_write(&o, &t.cx, add, &(Note){ 1, 0.1, S("one"), 0 }), 0);
    CHECK_EQ(db_owner_write(&o, &t.cx, add, &(Note){ 2, 0.2, S("an outcome"), 3 }), 3);
    CHECK_EQ(db_owner_write(&o, &t.cx, add, &(Note){ 4, 0.4, S("undone"), ERR_CONFLICT }), ERR_CONFLICT);
    CHECK_EQ(db_owner_write(&o, &t.cx, add, &(Note){ 1, 9, S("twice"), 0 }), ERR_REPOSITORY);
    static const struct {
        const char *name;
        int64_t id;
        int want;
        double weight;
    } rows[] = {
        { "kept", 1, 0, 0.1 },
        { "kept with its outcome", 2, 0, 0.2 },
        { "rolled back", 4, 1, 0 },
    };
    EACH_ROW (r, rows) {
        Note n = { .id = r->id };
        CHECK_EQ(db_owner_read(&o, &t.cx, get, &n), r->want);
        CHECK_NEAR(n.weight, r->weight, 0);
    }
    db_owner_close(&o);
    test_ctx_done(&t);
}

TEST(a_file_has_one_owner_and_keeps_what_it_was_given) {
    TestCtx t;
    DbOwner o, other;
    test_ctx_init(&t);
    const char *dir = test_dir();
    const char *path = str_cz(&t.arena, str_fmt(&t.arena, "%s/note.db", dir));
    CHECK_OK(&t.cx, open_as(&t, path, &schema, &o));
    CHECK_OK(&t.cx, db_owner_write(&o, &t.cx, add, &(Note){ 1, 0.1, S("kept"), 0 }));
    CHECK_EQ(open_as(&t, path, &schema, &other), ERR_CONFLICT);
    CHECK(strstr(t.cx.err.text, str_cz(&t.arena, str_fmt(&t.arena, "%d", (int)getpid()))) != NULL);
    db_owner_close(&o);
    CHECK_OK(&t.cx, open_as(&t, path, &schema, &o));
    Note n = { .id = 1 };
    CHECK_EQ(db_owner_read(&o, &t.cx, get, &n), 0);
    CHECK_STR(n.words, S("kept"));
    db_owner_close(&o);
    CHECK_EQ(open_as(&t, path, &foreign_schema, &o), ERR_CORRUPT);
    CHECK_EQ(open_as(&t, path, &first_schema, &o), ERR_VERSION);
    test_dir_done(dir);
    test_ctx_done(&t);
}

TEST(an_older_file_is_copied_and_taken_up) {
    TestCtx t;
    DbOwner o;
    test_ctx_init(&t);
    const char *dir = test_dir();
    const char *path = str_cz(&t.arena, str_fmt(&t.arena, "%s/note.db", dir));
    CHECK_OK(&t.cx, open_as(&t, path, &first_schema, &o));
    db_owner_close(&o);
    CHECK_OK(&t.cx, open_as(&t, path, &schema, &o));
    CHECK_OK(&t.cx, db_owner_write(&o, &t.cx, add, &(Note){ 1, 0.1, S("new column"), 0 }));
    CHECK(access(str_cz(&t.arena, str_fmt(&t.arena, "%s.v1", path)), F_OK) == 0);
    db_owner_close(&o);
    test_dir_done(dir);
    test_ctx_done(&t);
}

/* A clock on which every look takes a millisecond. */
typedef struct RunningClock {
    Clock clock;
    int64_t now_ns;
} RunningClock;

static MonoNs running_mono(Clock *c) {
    return (MonoNs){ ((RunningClock *)c)->now_ns += NS_PER_MS };
}

TEST(a_long_read_ends_at_its_deadline_and_the_file_stays_usable) {
    TestCtx t;
    DbOwner o;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, open_as(&t, NULL, &schema, &o));
    RunningClock running = { .clock = *t.cx.clock };
    running.clock.mono = running_mono;
    Ctx cx = t.cx;
    cx.clock = &running.clock;
    cx.deadline = (MonoNs){ 50 * NS_PER_MS };
    CHECK_EQ(db_owner_read(&o, &cx, count_forever, NULL), ERR_TIMEOUT);
    CHECK_OK(&t.cx, db_owner_write(&o, &t.cx, add, &(Note){ 1, 0.1, S("after it"), 0 }));
    db_owner_close(&o);
    test_ctx_done(&t);
}

static MonoNs a_ms_a_look(Clock *c) {
    clock_manual_advance_ms((ClockManual *)c, 1);
    return (MonoNs){ ((ClockManual *)c)->mono_ns };
}

typedef struct Heard {
    int n;
    char detail[200], plan[200];
    int64_t rows, took_ms;
    const char *operation;
    bool sql;
} Heard;

static void hear(void *arg, const Ctx *cx, const SlowCall *call) {
    Heard *h = arg;
    h->n++;
    snprintf(h->detail, sizeof h->detail, STR_FMT, STR_ARG(call->detail));
    snprintf(h->plan, sizeof h->plan, STR_FMT, STR_ARG(call->plan));
    h->rows = call->rows;
    h->took_ms = call->took_ns / NS_PER_MS;
    h->operation = cx->operation;
    h->sql = str_eq(call->what, S("sql"));
}

static int list_heavy(Db *db, Ctx *cx, void *arg) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, NOTE_HEAVY, &st, "d", *(double *)arg);
    while (r == 0 && (r = db_step(db, cx, st)) > 0)
        r = 0;
    return r;
}

TEST(a_slow_statement_is_told_once_with_its_plan_and_without_its_values_STO_13) {
    TestCtx t;
    test_ctx_init(&t);
    DbOwner o;
    CHECK_OK(&t.cx, open_as(&t, NULL, &schema, &o));
    for (int64_t i = 1; i <= 5; i++)
        CHECK_OK(&t.cx, db_owner_write(&o, &t.cx, add, &(Note){ .id = i, .weight = 7.25, .words = S("w") }));
    Heard heard = { 0 };
    SlowWatch watch = { 4 * NS_PER_MS, hear, &heard };
    t.clock.clock.mono = a_ms_a_look; /* a step takes a millisecond */
    t.cx.slow = &watch;
    t.cx.operation = "notes.list";
    CHECK_OK(&t.cx, db_owner_read(&o, &t.cx, list_heavy, &(double){ 7.25 }));
    CHECK_EQ(heard.n, 1);
    CHECK_STR(str_c(heard.detail), str_c(note_text[NOTE_HEAVY]));
    CHECK(strstr(heard.detail, "weight>=?1") && !strstr(heard.detail, "7.25"));
    CHECK_STR(str_c(heard.plan), S("SCAN note; USE TEMP B-TREE FOR ORDER BY"));
    CHECK(heard.sql && heard.rows == 5 && heard.took_ms == 5 && strcmp(heard.operation, "notes.list") == 0);
    watch.threshold_ns = 6 * NS_PER_MS; /* five rows and the end take six */
    CHECK_OK(&t.cx, db_owner_read(&o, &t.cx, list_heavy, &(double){ 7.25 }));
    CHECK_EQ(heard.n, 1);
    watch.threshold_ns = 0;
    CHECK_OK(&t.cx, db_owner_read(&o, &t.cx, list_heavy, &(double){ 7.25 }));
    CHECK_EQ(heard.n, 1);
    db_owner_close(&o);
    test_ctx_done(&t);
}

TESTS(T(a_slow_statement_is_told_once_with_its_plan_and_without_its_values_STO_13),
      T(what_is_answered_is_there_and_what_failed_is_not), T(a_file_has_one_owner_and_keeps_what_it_was_given),
      T(an_older_file_is_copied_and_taken_up), T(a_long_read_ends_at_its_deadline_and_the_file_stays_usable))
