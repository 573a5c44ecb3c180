/* adapters/sqlite/sealed_vfs: nothing readable on disk, nothing changed unseen, nothing lost by a power cut (SEC-22). */

#include "adapters/sqlite/sealed_vfs.h"
#include "adapters/sqlite/owner.h"
#include "base/buf.h"
#include "lib/test.h"
#include "sim/vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

enum { SQL_ADD = N_SQL_COMMON, SQL_SUM, SQL_COUNT, N_SQL, ROWS = 400 };
static const char *const sql_text[N_SQL] = {
#define SQL_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(SQL_TEXT)
#undef SQL_TEXT
        [SQL_ADD] = "INSERT INTO t(v, w) VALUES(?1, ?2)",
    [SQL_SUM] = "SELECT sum(length(w)) FROM t",
    [SQL_COUNT] = "SELECT count(*) FROM t",
};
static const SchemaStep steps[] = { { .up = "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
                                            "CREATE TABLE t(v INTEGER PRIMARY KEY, w TEXT NOT NULL);" } };
static const Schema schema = { 0x5345414c, steps, 1 };

#define SECRET "the plaintext that must not be found anywhere on the disk"

static const SealedKey key_one = { 1, "key number one, thirty-two bytes" },
                       key_two = { 2, "key number two, thirty-two bytes" };

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    char *path;
    IdsSeeded ids;
    SealedVfs *vfs;
    DbOwner owner;
} Fixture;

static void begin(Fixture *f) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->path = str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/x.db", f->dir));
    ids_seeded_init(&f->ids, 7);
}

static int try_open(Fixture *f, const SealedKey *keys, size_t n) {
    f->vfs = sealed_vfs_new("sealed-test", NULL, keys, n, &f->ids.ids, true);
    return db_owner_open(&f->owner, &f->t.cx,
                         &(DbOwnerOptions){ .path = f->path, .table = { sql_text, N_SQL }, .schema = &schema });
}

static void close_db(Fixture *f) {
    db_owner_close(&f->owner);
    f->vfs = sealed_vfs_free(f->vfs);
}

static void end(Fixture *f) {
    close_db(f);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static int add(Db *db, Ctx *cx, void *arg) {
    return db_run(db, cx, SQL_ADD, "is", *(int64_t *)arg, S(SECRET));
}

static void fill(Fixture *f, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++)
        CHECK_OK_PLAIN(&f->t.cx, db_owner_write(&f->owner, &f->t.cx, add, &i));
}

static int sum(Db *db, Ctx *cx, void *arg) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_SUM, &st, "");
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        *(int64_t *)arg = db_i64(st, 0);
        db_reset(st);
        r = 0;
    }
    return r;
}

static int try_sum(Fixture *f, int64_t *out) {
    return db_owner_read(&f->owner, &f->t.cx, sum, out);
}

static void must_sum(Fixture *f, int64_t rows) {
    int64_t got = 0;
    CHECK_OK_PLAIN(&f->t.cx, try_sum(f, &got));
    assert_int_equal(got, rows * (int64_t)(sizeof SECRET - 1));
}

static Str file_text(Fixture *f, const char *suffix) {
    return test_read_file(&f->t.arena, str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s%s", f->path, suffix)));
}

static void none_readable(Str bytes) {
    assert_int_equal(str_find(bytes, S("plaintext")), -1);
    assert_int_equal(str_find(bytes, S("CREATE TABLE")), -1);
    assert_int_equal(str_find(bytes, S("SQLite format")), -1);
}

TEST(no_plaintext_is_in_any_file) {
    Fixture f;
    begin(&f);
    CHECK_OK(&f.t.cx, try_open(&f, &key_one, 1));
    fill(&f, 0, ROWS);
    Str log = file_text(&f, "-wal");
    CHECK(log.n > 100000);
    none_readable(log);
    must_sum(&f, ROWS);
    close_db(&f); /* all of the log goes into the database */
    Str db = file_text(&f, "");
    CHECK(db.n > 20000);
    none_readable(db);
    CHECK(!sealed_vfs_is_plain(f.path));
    CHECK_OK(&f.t.cx, try_open(&f, &key_one, 1));
    must_sum(&f, ROWS);
    end(&f);
}

TEST(the_search_finds_what_is_not_sealed) {
    Fixture f;
    begin(&f);
    f.vfs = NULL;
    CHECK_OK(&f.t.cx,
             db_owner_open(&f.owner, &f.t.cx,
                           &(DbOwnerOptions){ .path = f.path, .table = { sql_text, N_SQL }, .schema = &schema }));
    fill(&f, 0, 10);
    CHECK(str_find(file_text(&f, "-wal"), S("plaintext")) >= 0);
    close_db(&f);
    CHECK(sealed_vfs_is_plain(f.path));
    CHECK_EQ(try_open(&f, &key_one, 1), ERR_CORRUPT); /* a plain file is not taken for a sealed one */
    end(&f);
}

TEST(a_wrong_key_opens_nothing_and_a_new_one_takes_over) {
    Fixture f;
    const SealedKey both[] = { key_one, key_two };
    begin(&f);
    CHECK_OK(&f.t.cx, try_open(&f, &key_one, 1));
    fill(&f, 0, 100);
    close_db(&f);
    CHECK_EQ(try_open(&f, &key_two, 1), ERR_CORRUPT);
    close_db(&f);
    CHECK_OK(&f.t.cx, try_open(&f, both, 2));
    must_sum(&f, 100);
    fill(&f, 100, 200);
    must_sum(&f, 200);
    close_db(&f);
    CHECK_OK(&f.t.cx, try_open(&f, both, 2));
    must_sum(&f, 200);
    close_db(&f);
    int64_t got;
    int r = try_open(&f, &key_one, 1); /* what was written since is the new key's */
    CHECK(r == ERR_CORRUPT || try_sum(&f, &got) == ERR_CORRUPT);
    end(&f);
}

/* A byte anywhere in the file: an error or, in what SQLite does not read, the right rows; never others. */
TEST(a_changed_byte_is_never_rows) {
    Fixture f;
    int64_t refused = 0;
    begin(&f);
    CHECK_OK(&f.t.cx, try_open(&f, &key_one, 1));
    fill(&f, 0, ROWS);
    close_db(&f);
    Str whole = file_text(&f, "");
    for (size_t at = 5; at < whole.n; at += 1021) {
        int fd = open(f.path, O_RDWR);
        char changed = (char)(whole.p[at] ^ 0x10);
        int64_t got = -1;
        CHECK_EQ(pwrite(fd, &changed, 1, (off_t)at), 1);
        int r = try_open(&f, &key_one, 1);
        if (r == 0)
            r = try_sum(&f, &got);
        CHECK(r == ERR_CORRUPT || got == ROWS * (int64_t)(sizeof SECRET - 1));
        refused += r == ERR_CORRUPT;
        close_db(&f);
        CHECK_EQ(pwrite(fd, whole.p, whole.n, 0), whole.n);
        close(fd);
    }
    CHECK(refused > 10);
    /* two pages change places: both are sealed well, each for its own */
    char a[4096], b[4096];
    int fd = open(f.path, O_RDWR);
    CHECK(pread(fd, a, sizeof a, 3 * 4096) == 4096 && pread(fd, b, sizeof b, 4 * 4096) == 4096);
    CHECK(pwrite(fd, b, sizeof b, 3 * 4096) == 4096 && pwrite(fd, a, sizeof a, 4 * 4096) == 4096);
    close(fd);
    int64_t got;
    int r = try_open(&f, &key_one, 1);
    CHECK(r == ERR_CORRUPT || try_sum(&f, &got) == ERR_CORRUPT);
    end(&f);
}

static int keep_piece(void *arg, Ctx *cx, Str bytes) {
    UNUSED(cx);
    return buf_put_str(arg, bytes);
}

TEST(a_backup_is_sealed_and_opens_with_the_key) {
    Fixture f;
    Buf copy;
    begin(&f);
    buf_init(&copy, 16 << 20);
    CHECK_OK(&f.t.cx, try_open(&f, &key_one, 1));
    fill(&f, 0, 50);
    CHECK_OK(&f.t.cx, db_owner_snapshot(&f.owner, &f.t.cx, keep_piece, &copy));
    close_db(&f);
    CHECK(copy.n > 4096);
    none_readable(buf_str(&copy));
    f.path = str_cz(&f.t.arena, str_fmt(&f.t.arena, "%s/copy.db", f.dir));
    int fd = open(f.path, O_WRONLY | O_CREAT, 0600);
    CHECK_EQ(write(fd, copy.p, copy.n), copy.n);
    close(fd);
    CHECK_OK(&f.t.cx, try_open(&f, &key_one, 1));
    must_sum(&f, 50);
    buf_done(&copy);
    end(&f);
}

static int count(Db *db, Ctx *cx, void *arg) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_COUNT, &st, "");
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        *(int64_t *)arg = db_i64(st, 0);
        db_reset(st);
        r = 0;
    }
    return r;
}

static int checkpoint(DbOwner *o) {
    return sqlite3_wal_checkpoint_v2(o->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* Power goes at every operation in turn, those of checkpoints among them: pages of the database itself are torn then. */
TEST(a_power_cut_takes_nothing_that_was_acknowledged) {
    int64_t lost = 0;
    for (int64_t cut = 1; cut < 160; cut++) {
        TestCtx t;
        IdsSeeded ids;
        DbOwner o;
        int64_t acknowledged = 0, there = 0;
        test_ctx_init(&t);
        ids_seeded_init(&ids, (uint64_t)cut);
        SimDisk *disk = sim_disk_new("sealed-disk", prop_seed(5) + (uint64_t)cut);
        SealedVfs *vfs = sealed_vfs_new("sealed-sim", "sealed-disk", &key_one, 1, &ids.ids, false);
        DbOwnerOptions options = {
            .path = "/x.db", .vfs = "sealed-sim", .table = { sql_text, N_SQL }, .schema = &schema
        };
        CHECK_OK(&t.cx, db_owner_open(&o, &t.cx, &options));
        sim_disk_set_faults(disk, &(SimDiskFaults){ .cut_at_op = cut });
        for (int64_t i = 0; i < 40; i++) {
            if (db_owner_write(&o, &t.cx, add, &i) != 0)
                break;
            acknowledged++;
            if (i % 7 == 6)
                checkpoint(&o);
        }
        sim_disk_power_off(disk);
        db_owner_close(&o);
        sim_disk_power_on(disk);
        CHECK_OK(&t.cx, db_owner_open(&o, &t.cx, &options));
        CHECK_OK(&t.cx, db_owner_read(&o, &t.cx, count, &there));
        CHECK(there == acknowledged || there == acknowledged + 1);
        lost += sim_disk_lost_sectors(disk);
        db_owner_close(&o);
        sealed_vfs_free(vfs);
        sim_disk_free(disk);
        test_ctx_done(&t);
    }
    CHECK(lost > 0);
}

TESTS(T(no_plaintext_is_in_any_file), T(the_search_finds_what_is_not_sealed),
      T(a_wrong_key_opens_nothing_and_a_new_one_takes_over), T(a_changed_byte_is_never_rows),
      T(a_backup_is_sealed_and_opens_with_the_key), T(a_power_cut_takes_nothing_that_was_acknowledged))
