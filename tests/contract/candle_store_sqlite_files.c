/* adapters/store/sqlite on a disk with bad days: each said plainly, none of them loses or serves a wrong row. */

#include "adapters/store/sqlite.h"
#include "lib/test.h"
#include "sim/vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Fixture {
    TestCtx t;
    const char *dir, *path;
    SeriesKey key;
} Fixture;

static void begin(Fixture *f) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->path = str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/market.db", f->dir));
    if (!series_key_parse(S("test:BTCUSDT:1m"), &f->key))
        FAIL("key");
}

static void end(Fixture *f) {
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static int open_path(Fixture *f, const char *path, CandleStore **out) {
    StoreSqliteOptions o = { .path = path };
    return store_sqlite_open(&f->t.cx, &o, out);
}

static CandleStore *open_ok(Fixture *f) {
    CandleStore *s = NULL;
    void **state_ = NULL;
    CHECK_OK(&f->t.cx, open_path(f, f->path, &s));
    return s;
}

static int save_minutes(Fixture *f, CandleStore *s, int64_t from, size_t n) {
    Candles rows;
    candles_init(&rows, &f->t.arena, n);
    for (size_t i = 0; i < n; i++) {
        double price = 100 + (double)((from + (int64_t)i) % 977) / 8;
        double volume = (double)((uint64_t)(from + (int64_t)i) * 2654435761u % 100000000) / 1000;
        Candle c = { time_ms((from + (int64_t)i) * 60000), price, price + 1, price - 1, price, volume, time_ms(5), 0 };
        candles_push(&rows, &c);
    }
    SaveRequest req = { .key = &f->key, .rows = &rows, .flags = SAVE_DURABLE };
    SaveResult r;
    return candle_store_save(s, &f->t.cx, &req, &r);
}

static int read_range(Fixture *f, CandleStore *s, int64_t from, int64_t to, size_t *n) {
    Candles out = { 0 };
    bool more;
    CandleQuery q = { .from = time_ms(from * 60000), .to = time_ms(to * 60000) };
    int r = candle_store_read(s, &f->t.cx, &f->key, &q, &out, &more);
    *n = out.n;
    return r;
}

/* One statement on the closed file, as another program would. */
static void sql(Fixture *f, const char *text) {
    void **state_ = NULL;
    sqlite3 *db;
    CHECK_EQ(sqlite3_open(f->path, &db), SQLITE_OK);
    CHECK_EQ(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

#define CHECK_WORDS(f, words)                                                                                          \
    do {                                                                                                               \
        if (!strstr((f)->t.cx.err.text, words))                                                                        \
            FAIL("'%s' does not say '%s'", (f)->t.cx.err.text, words);                                                 \
    } while (0)

TEST(a_second_owner_is_refused_and_told_the_pid) {
    Fixture f;
    begin(&f);
    CandleStore *s = open_ok(&f), *second = NULL;
    char pid[40];
    snprintf(pid, sizeof pid, "owned by process %d", (int)getpid());
    CHECK_EQ(open_path(&f, f.path, &second), ERR_CONFLICT);
    CHECK_WORDS(&f, pid);
    StoreSqliteOptions ro = { .path = f.path, .read_only = true };
    CHECK_EQ(store_sqlite_open(&f.t.cx, &ro, &second), ERR_CONFLICT);
    candle_store_close(s);
    s = open_ok(&f);
    candle_store_close(s);
    end(&f);
}

TEST(places_that_cannot_hold_a_store_are_named) {
    Fixture f;
    begin(&f);
    CandleStore *s = NULL;
    const char *missing = str_cz(&f.t.arena, str_fmt(&f.t.arena, "%s/not/here/market.db", f.dir));
    CHECK_EQ(open_path(&f, missing, &s), ERR_NOT_FOUND);
    CHECK_WORDS(&f, "not/here");
    FILE *file = fopen(f.path, "wb");
    for (int i = 0; i < 5000; i++)
        fputs("not a database ", file);
    fclose(file);
    CHECK_EQ(open_path(&f, f.path, &s), ERR_CORRUPT);
    CHECK_WORDS(&f, "not a database of FinSight");
    unlink(f.path);
    sql(&f, "CREATE TABLE recipes(name)");
    CHECK_EQ(open_path(&f, f.path, &s), ERR_CORRUPT);
    CHECK_WORDS(&f, "another program");
    end(&f);
}

/* Root may write everywhere, so the directory is tried by a child without rights. */
TEST(a_directory_that_may_not_be_written) {
    Fixture f;
    begin(&f);
    CandleStore *s = open_ok(&f);
    CHECK_OK(&f.t.cx, save_minutes(&f, s, 0, 2000));
    candle_store_close(s);
    chmod(f.path, 0444);
    chmod(f.dir, 0555);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (getuid() == 0 && setuid(65534) != 0)
            _exit(10);
        StoreSqliteOptions rw = { .path = f.path }, ro = { .path = f.path, .read_only = true };
        size_t n = 0;
        if (store_sqlite_open(&f.t.cx, &rw, &s) != ERR_DENIED || !strstr(f.t.cx.err.text, f.dir))
            _exit(11);
        if (store_sqlite_open(&f.t.cx, &ro, &s) != 0) {
            fprintf(stderr, "# read-only: %s\n", f.t.cx.err.text);
            _exit(12);
        }
        if (read_range(&f, s, 0, 5000, &n) != 0 || n != 2000)
            _exit(13);
        if (save_minutes(&f, s, 0, 1) != ERR_DENIED)
            _exit(14);
        candle_store_close(s);
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    chmod(f.dir, 0755);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    end(&f);
}

TEST(a_newer_file_is_refused_an_older_one_migrated_with_a_copy_GOV_05) {
    Fixture f;
    begin(&f);
    CandleStore *s = open_ok(&f);
    CHECK_OK(&f.t.cx, save_minutes(&f, s, 0, 3000));
    candle_store_close(s);
    StoreSqliteOptions o = { .path = f.path };
    CHECK_OK(&f.t.cx, store_sqlite_migrate(&f.t.cx, &o, 1));
    StoreSqliteOptions ro = { .path = f.path, .read_only = true };
    CHECK_EQ(store_sqlite_open(&f.t.cx, &ro, &s), ERR_VERSION);
    s = open_ok(&f); /* up again */
    size_t n;
    CHECK_OK(&f.t.cx, read_range(&f, s, 0, 5000, &n));
    CHECK_EQ(n, 3000);
    CHECK_OK(&f.t.cx, candle_store_verify(s, &f.t.cx));
    candle_store_close(s);
    struct stat st;
    CHECK_EQ(stat(str_cz(&f.t.arena, str_fmt(&f.t.arena, "%s.v1", f.path)), &st), 0);
    CHECK_EQ(stat(str_cz(&f.t.arena, str_fmt(&f.t.arena, "%s.v3", f.path)), &st), 0);
    sql(&f, "INSERT INTO corporate_action VALUES('VNM.VN', 0, 1, 2, 0, 0)");
    CHECK_EQ(store_sqlite_migrate(&f.t.cx, &o, 1), ERR_CONFLICT);
    CHECK_WORDS(&f, "1 corporate actions");
    sql(&f, "UPDATE meta SET value=4 WHERE name='schema_version'");
    CHECK_EQ(open_path(&f, f.path, &s), ERR_VERSION);
    CHECK_WORDS(&f, "newer FinSight");
    end(&f);
}

TEST(a_damaged_block_is_never_served_and_the_others_are) {
    Fixture f;
    begin(&f);
    CandleStore *s = open_ok(&f);
    CHECK_OK(&f.t.cx, save_minutes(&f, s, 0, 1440 * 3));
    candle_store_close(s);
    sql(&f, "UPDATE candle_block SET data = CAST(substr(data, 1, 100) || X'5A' || substr(data, 102) AS BLOB) "
            "WHERE bucket=1");
    s = open_ok(&f);
    size_t n = 99;
    CHECK_EQ(read_range(&f, s, 1440, 2880, &n), ERR_CORRUPT);
    CHECK_EQ(n, 0);
    CHECK_WORDS(&f, "block 1 fails its checksum");
    CHECK_OK(&f.t.cx, read_range(&f, s, 0, 1440, &n));
    CHECK_EQ(n, 1440);
    CHECK_OK(&f.t.cx, read_range(&f, s, 2880, 5000, &n));
    CHECK_EQ(n, 1440);
    CHECK_EQ(candle_store_verify(s, &f.t.cx), ERR_CORRUPT);
    int64_t removed;
    CHECK_OK(&f.t.cx, candle_store_remove(s, &f.t.cx, &f.key, time_ms(1440 * 60000), time_ms(2880 * 60000), &removed));
    CHECK_OK(&f.t.cx, save_minutes(&f, s, 1440, 1440)); /* fetched anew, all is well */
    CHECK_OK(&f.t.cx, candle_store_verify(s, &f.t.cx));
    candle_store_close(s);
    end(&f);
}

TEST(a_whole_block_in_the_wrong_place_and_a_damaged_newest_row_are_found) {
    Fixture f;
    begin(&f);
    CandleStore *s = open_ok(&f);
    CHECK_OK(&f.t.cx, save_minutes(&f, s, 0, 1440 * 2));
    CHECK_OK(&f.t.cx, save_minutes(&f, s, 1440 * 2, 3));
    candle_store_close(s);
    sql(&f, "UPDATE candle_block SET data = (SELECT data FROM candle_block WHERE bucket=0) WHERE bucket=1");
    sql(&f, "UPDATE candle_tail SET candle = CAST(X'5A' || substr(candle, 2) AS BLOB) WHERE open_ms=172860000");
    s = open_ok(&f);
    size_t n;
    CHECK_EQ(read_range(&f, s, 1440, 2880, &n), ERR_CORRUPT);
    CHECK_EQ(read_range(&f, s, 2880, 5000, &n), ERR_CORRUPT);
    CHECK_OK(&f.t.cx, read_range(&f, s, 0, 1440, &n));
    int64_t removed; /* the way out that the words name */
    CHECK_OK(&f.t.cx, candle_store_remove(s, &f.t.cx, &f.key, time_ms(1440 * 60000), TIME_MAX, &removed));
    CHECK_EQ(removed, 1443);
    CHECK_OK(&f.t.cx, save_minutes(&f, s, 1440, 1443));
    CHECK_OK(&f.t.cx, candle_store_verify(s, &f.t.cx));
    candle_store_close(s);
    end(&f);
}

/* --- on the simulated disk --- */

static int open_disk(Fixture *f, CandleStore **out) {
    StoreSqliteOptions o = { .path = "/disk/market.db", .vfs = "bad-days", .inline_writer = true };
    return store_sqlite_open(&f->t.cx, &o, out);
}

TEST(a_full_disk_fails_the_save_and_nothing_else) {
    Fixture f;
    begin(&f);
    SimDisk *disk = sim_disk_new("bad-days", 1);
    CandleStore *s = NULL;
    CHECK_OK(&f.t.cx, open_disk(&f, &s));
    CHECK_OK(&f.t.cx, save_minutes(&f, s, 0, 100));
    sim_disk_set_faults(disk, &(SimDiskFaults){ .capacity_bytes = 300000 });
    int r = 0;
    int64_t at = 100;
    for (; r == 0 && at < 100000; at += r == 0 ? 1440 : 0)
        r = save_minutes(&f, s, at, 1440);
    CHECK_EQ(r, ERR_STORAGE);
    CHECK_WORDS(&f, "disk is full");
    size_t n;
    CHECK_OK(&f.t.cx, read_range(&f, s, 0, 200000, &n)); /* reads go on, and hold what was answered */
    CHECK_EQ(n, at);
    CHECK_OK(&f.t.cx, candle_store_verify(s, &f.t.cx));
    sim_disk_set_faults(disk, &(SimDiskFaults){ 0 });
    CHECK_OK(&f.t.cx, save_minutes(&f, s, at, 1440)); /* room again */
    CHECK_OK(&f.t.cx, read_range(&f, s, 0, 200000, &n));
    CHECK_EQ(n, at + 1440);
    candle_store_close(s);
    sim_disk_free(disk);
    end(&f);
}

TEST(io_errors_at_random_never_lose_an_answered_save) {
    Fixture f;
    begin(&f);
    SimDisk *disk = sim_disk_new("bad-days", prop_seed(2));
    CandleStore *s = NULL;
    CHECK_OK(&f.t.cx, open_disk(&f, &s));
    int64_t answered = 0;
    int failed = 0;
    for (int i = 0; i < 150; i++) {
        ArenaMark mark = arena_mark(&f.t.arena);
        sim_disk_set_faults(disk, &(SimDiskFaults){ .error_one_in = 60 });
        int r = save_minutes(&f, s, answered, 40);
        sim_disk_set_faults(disk, &(SimDiskFaults){ 0 });
        size_t n;
        CHECK_OK(&f.t.cx, read_range(&f, s, 0, 200000, &n));
        failed += r != 0;
        if (r != 0 && n != (size_t)answered && n != (size_t)answered + 40)
            FAIL("%zu rows after %lld answered", n, (long long)answered);
        if (r == 0)
            CHECK_EQ(n, answered + 40);
        answered = (int64_t)n;
        arena_rewind(&f.t.arena, mark);
    }
    CHECK(failed > 5 && failed < 145);
    CHECK_OK(&f.t.cx, candle_store_verify(s, &f.t.cx));
    candle_store_close(s);
    sim_disk_free(disk);
    end(&f);
}

TEST(a_flipped_bit_anywhere_in_the_file_is_never_a_wrong_candle) {
    Fixture f;
    begin(&f);
    Rng rng;
    rng_seed(&rng, prop_seed(8));
    int found = 0;
    for (int i = 0; i < 60; i++) {
        SimDisk *disk = sim_disk_new("bad-days", (uint64_t)i);
        CandleStore *s = NULL;
        ArenaMark mark = arena_mark(&f.t.arena);
        CHECK_OK(&f.t.cx, open_disk(&f, &s));
        CHECK_OK(&f.t.cx, save_minutes(&f, s, 0, 1440 * 6));
        s = candle_store_close(s);
        int64_t size = sim_disk_size(disk, "/disk/market.db");
        CHECK(
            sim_disk_flip(disk, "/disk/market.db", rng_between(&rng, 0, size - 1), (uint8_t)(1 << rng_below(&rng, 8))));
        Candles out = { 0 };
        bool more;
        CandleQuery q = { .from = TIME_MIN, .to = TIME_MAX };
        int r = open_disk(&f, &s);
        if (r == 0)
            r = candle_store_read(s, &f.t.cx, &f.key, &q, &out, &more);
        found += r != 0;
        for (size_t k = 0; r == 0 && k < out.n; k++)
            if (out.open[k] != 100 + (double)(out.open_ms[k] / 60000 % 977) / 8)
                FAIL("flip %d served a wrong candle at row %zu", i, k);
        candle_store_close(s);
        sim_disk_free(disk);
        arena_rewind(&f.t.arena, mark);
    }
    CHECK(found > 10);
    end(&f);
}

TESTS(T(a_second_owner_is_refused_and_told_the_pid), T(places_that_cannot_hold_a_store_are_named),
      T(a_directory_that_may_not_be_written), T(a_newer_file_is_refused_an_older_one_migrated_with_a_copy_GOV_05),
      T(a_damaged_block_is_never_served_and_the_others_are),
      T(a_whole_block_in_the_wrong_place_and_a_damaged_newest_row_are_found),
      T(a_full_disk_fails_the_save_and_nothing_else), T(io_errors_at_random_never_lose_an_answered_save),
      T(a_flipped_bit_anywhere_in_the_file_is_never_a_wrong_candle))
