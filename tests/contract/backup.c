/* Backups of all that a data folder holds: databases beside the candles, datasets; ids, turns, other formats of the manifest,
 * packs nobody needs (MDS-40, RES-18). Models are in backup_models.c. What concerns the candles alone is in storage_service.c. */

#include "services/storage/backup.h"
#include "adapters/backtest/sqlite.h"
#include "adapters/jobs/sqlite.h"
#include "adapters/object/dir.h"
#include "adapters/store/sqlite.h"
#include "base/file.h"
#include "base/hash.h"
#include "contract/backup_copy.h"
#include "lib/test.h"
#include "services/storage/storage.h"

#include <pthread.h>

typedef struct Rig {
    TestCtx t;
    const char *dir;
    CandleStore *store;
    JobStore *control;
    BacktestStore *backtests;
    ObjectStore *datasets, *backups;
    StorageService *storage;
    SeriesKey key;
    BackupDatabase beside[2];
    pthread_mutex_t turn;
} Rig;

static int control_snapshot(void *store, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return job_store_snapshot(store, cx, piece, arg);
}

static int backtests_snapshot(void *store, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return backtest_store_snapshot(store, cx, piece, arg);
}

static const char *in_dir(Rig *r, const char *name) {
    return path_join(&r->t.arena, r->dir, name);
}

static void rig_open(Rig *r) {
    Ctx *cx = &r->t.cx;
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    r->dir = test_dir();
    CHECK_OK_PLAIN(cx, store_sqlite_open(cx, &(StoreSqliteOptions){ .path = in_dir(r, "market.db") }, &r->store));
    CHECK_OK_PLAIN(cx, job_store_sqlite_open(cx, &(JobStoreOptions){ .path = in_dir(r, "control.db") }, &r->control));
    CHECK_OK_PLAIN(cx,
                   backtest_sqlite_open(cx, &(BacktestSqliteOptions){ .path = in_dir(r, "backtest.db"), .lazy = true },
                                        &r->backtests));
    CHECK_OK_PLAIN(cx, object_dir_open(cx, in_dir(r, "objects"), &r->datasets));
    CHECK_OK_PLAIN(cx, object_dir_open(cx, in_dir(r, "backups"), &r->backups));
    r->storage = storage_service_new(&(StorageOptions){ .store = r->store, .objects = r->datasets });
    r->beside[0] = (BackupDatabase){ "control.db", control_snapshot, r->control };
    r->beside[1] = (BackupDatabase){ "backtest.db", backtests_snapshot, r->backtests };
    pthread_mutex_init(&r->turn, NULL);
    if (!series_key_parse(S("binance:BTCUSDT:1m"), &r->key))
        FAIL("no key");
}

static void rig_close(Rig *r) {
    storage_service_free(r->storage);
    candle_store_close(r->store);
    job_store_close(r->control);
    backtest_store_close(r->backtests);
    object_store_close(r->datasets);
    object_store_close(r->backups);
    pthread_mutex_destroy(&r->turn);
    test_dir_done(r->dir);
    test_ctx_done(&r->t);
}

static BackupOptions options_of(Rig *r) {
    return (BackupOptions){ .store = r->store,
                            .beside = r->beside,
                            .n_beside = ARRAY_LEN(r->beside),
                            .datasets = r->datasets,
                            .objects = r->backups,
                            .turn = &r->turn };
}

static Backup make(Rig *r) {
    Backup b = { 0 };
    BackupOptions o = options_of(r);
    CHECK_OK_PLAIN(&r->t.cx, backup_make(&r->t.cx, &o, &b));
    return b;
}

static void save(Rig *r, int64_t from, size_t n) {
    Candles rows;
    SaveResult saved;
    candles_init_heap(&rows, n);
    for (size_t i = 0; i < n; i++) {
        double p = 100 + (double)(hash64_u64((uint64_t)(from + (int64_t)i), 1) % 100000) / 8;
        Candle c = {
            .open_time = time_ms((from + (int64_t)i) * 60000), .open = p, .high = p + 1, .low = p - 1, .close = p
        };
        candles_push(&rows, &c);
    }
    SaveRequest req = { .key = &r->key, .rows = &rows, .flags = SAVE_DURABLE };
    CHECK_OK_PLAIN(&r->t.cx, candle_store_save(r->store, &r->t.cx, &req, &saved));
    candles_done_heap(&rows);
}

static Dataset upload(Rig *r, bool replace) {
    Dataset d;
    StorageUpload up = { .key = &r->key,
                         .from = TIME_MIN,
                         .to = TIME_MAX,
                         .form = { DATASET_CSV, DATASET_ZSTD, 0 },
                         .name = S("mine"),
                         .replace = replace };
    CHECK_OK_PLAIN(&r->t.cx, storage_upload(r->storage, &r->t.cx, &up, &d));
    return d;
}

static void audit(Rig *r, const char *action) {
    AuditRow row = { .at = time_ms(1), .who = S("me"), .action = str_c(action), .outcome = S("ok") };
    CHECK_OK_PLAIN(&r->t.cx, job_store_audit_add(r->control, &r->t.cx, &row));
}

static Copy restore(Rig *r, Str id, const char *name) {
    return copy_restore(&r->t, r->backups, id, in_dir(r, name));
}

TEST(jobs_audit_backtests_and_datasets_come_back_elsewhere_MDS_40) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 5000);
    Dataset d = upload(&r, false);
    Job job = { .id = S("hourly"), .kind = S("collect"), .params = S("{}"), .state = JOB_STOPPED };
    CHECK_OK(&r.t.cx, job_store_change(r.control, &r.t.cx, &(JobChange){ .job = &job }));
    audit(&r, "market.remove");
    CHECK_OK(&r.t.cx, object_put(r.datasets, &r.t.cx,
                                 &(ObjectPut){ .key = S("models/one"),
                                               .content_type = S("model/x"),
                                               .labels = &(ObjectLabel){ S("kind"), S("lstm") },
                                               .n_labels = 1 },
                                 S("weights"), NULL));
    Backup b = make(&r);
    CHECK_EQ(b.n_parts, 3 + 3);
    CHECK_STR(b.parts[0].name, S("control.db"));
    CHECK_STR(b.parts[2].name, S("market.db")); /* the candles last of the databases */
    CHECK_STR(b.sha256, b.parts[2].sha256);

    Copy c = restore(&r, b.id, "elsewhere");
    CHECK_EQ(c.n_files, 3);
    JobStore *control;
    BacktestStore *backtests;
    Job *jobs;
    AuditRow *rows;
    BacktestSummary *kept;
    size_t n;
    int64_t total;
    const char *path = path_join(&r.t.arena, c.dir, "control.db");
    CHECK_OK(&r.t.cx, job_store_sqlite_open(&r.t.cx, &(JobStoreOptions){ .path = path }, &control));
    CHECK_OK(&r.t.cx, job_store_jobs(control, &r.t.cx, &jobs, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(jobs[0].id, S("hourly"));
    CHECK_OK(&r.t.cx, job_store_audit_list(control, &r.t.cx, INT64_MAX, 10, &rows, &n));
    CHECK_EQ(n, 1);
    path = path_join(&r.t.arena, c.dir, "backtest.db");
    CHECK_OK(&r.t.cx, backtest_sqlite_open(&r.t.cx, &(BacktestSqliteOptions){ .path = path }, &backtests));
    CHECK_OK(&r.t.cx, backtest_store_list(backtests, &r.t.cx, &(BacktestFilter){ .limit = 10 }, &kept, &n, &total));
    StorageService *storage = storage_service_new(&(StorageOptions){ .store = r.store, .objects = c.objects });
    Dataset info;
    Str bytes;
    CHECK_OK(&r.t.cx, storage_read(storage, &r.t.cx, S("mine"), d.etag, 0, 1 << 20, &bytes, &info));
    CHECK_EQ((int64_t)bytes.n, d.size);
    ObjectInfo model;
    CHECK_OK(&r.t.cx, object_head(c.objects, &r.t.cx, S("models/one"), &model));
    CHECK_STR(object_label(&model, S("kind")), S("lstm"));
    CHECK_STR(model.content_type, S("model/x"));
    storage_service_free(storage);
    copy_close(&c);
    job_store_close(control);
    backtest_store_close(backtests);
    rig_close(&r);
}

TEST(two_backups_of_one_moment_and_a_clock_set_back_are_in_order) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 100);
    Backup first = make(&r), second = make(&r), *v;
    CHECK(str_cmp(first.id, second.id) < 0);
    CHECK_STR(second.parent, first.id);
    clock_manual_set_wall(&r.t.clock, time_add_ms(clock_wall(r.t.cx.clock), -86400 * INT64_C(1000)));
    Backup third = make(&r);
    CHECK(str_cmp(second.id, third.id) < 0);
    CHECK_STR(third.parent, second.id);
    size_t n;
    CHECK_OK(&r.t.cx, backup_list(&r.t.cx, r.backups, &v, &n));
    CHECK_EQ(n, 3);
    CHECK_STR(v[0].id, third.id);
    rig_close(&r);
}

typedef struct Maker {
    Rig *r;
    pthread_t thread;
    int result;
} Maker;

static void *make_on_thread(void *arg) {
    Maker *m = arg;
    TestCtx t;
    Backup b;
    BackupOptions o = options_of(m->r);
    o.keep = 3;
    test_ctx_init(&t);
    m->result = backup_make(&t.cx, &o, &b);
    test_ctx_done(&t);
    return NULL;
}

TEST(backups_asked_for_at_once_take_turns) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 20000);
    Maker v[4];
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        v[i] = (Maker){ .r = &r };
        pthread_create(&v[i].thread, NULL, make_on_thread, &v[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        pthread_join(v[i].thread, NULL);
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        CHECK_EQ(v[i].result, 0);
    Backup *all, b;
    size_t n;
    CHECK_OK(&r.t.cx, backup_list(&r.t.cx, r.backups, &all, &n));
    CHECK_EQ(n, 3);
    for (size_t i = 0; i < n; i++)
        CHECK_OK(&r.t.cx, backup_restore(&r.t.cx, r.backups, all[i].id, NULL, &b));
    rig_close(&r);
}

static int count_gets(void *arg, Ctx *cx, const char *point) {
    UNUSED(cx);
    *(int *)arg += strcmp(point, "get") == 0;
    return 0;
}

TEST(what_did_not_change_is_not_read_again_and_adds_nothing) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 200000);
    upload(&r, false);
    CHECK_OK(&r.t.cx, object_put(r.datasets, &r.t.cx, &(ObjectPut){ .key = S("models/one") }, S("weights"), NULL));
    Backup first = make(&r);
    audit(&r, "one.row");
    int gets = 0;
    object_store_set_fault(r.datasets, count_gets, &gets);
    Backup second = make(&r);
    object_store_set_fault(r.datasets, NULL, NULL);
    CHECK_EQ(gets, 1); /* the record, which says whether the dataset is another */
    CHECK(second.new_blocks <= 2);
    CHECK_EQ(second.n_parts, first.n_parts);
    Copy c = restore(&r, second.id, "again");
    CHECK_EQ(c.n_objects, 3);
    copy_close(&c);
    rig_close(&r);
}

typedef struct Swap { /* replaces the dataset when its bytes are about to be copied */
    Rig *r;
    int left;
} Swap;

static int swap(void *arg, Ctx *cx, const char *point) {
    Swap *s = arg;
    UNUSED(cx);
    if (strcmp(point, "head") == 0 && s->left > 0) {
        s->left--;
        object_store_set_fault(s->r->datasets, NULL, NULL);
        save(s->r, 5000 + s->left, 1);
        upload(s->r, true);
        object_store_set_fault(s->r->datasets, swap, s);
    }
    return 0;
}

TEST(a_dataset_replaced_meanwhile_is_whole_in_the_backup) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 5000);
    upload(&r, false);
    Swap s = { &r, 3 };
    object_store_set_fault(r.datasets, swap, &s);
    Backup b = make(&r);
    object_store_set_fault(r.datasets, NULL, NULL);
    CHECK_EQ(s.left, 0);
    Copy c = restore(&r, b.id, "whole");
    CHECK_EQ(c.n_objects, 2);
    StorageService *storage = storage_service_new(&(StorageOptions){ .store = r.store, .objects = c.objects });
    StorageLoaded loaded;
    CHECK_OK(&r.t.cx, storage_load(storage, &r.t.cx, S("mine"), &loaded));
    CHECK_EQ(loaded.candles, 5003);
    storage_service_free(storage);
    copy_close(&c);
    rig_close(&r);
}

TEST(a_record_without_its_bytes_keeps_nothing_from_being_backed_up) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 100);
    Dataset d = upload(&r, false);
    CHECK_OK(&r.t.cx, object_remove(r.datasets, &r.t.cx, d.object));
    Backup b = make(&r);
    CHECK_EQ(b.n_parts, 3 + 1); /* as it lies */
    rig_close(&r);
}

static size_t n_packs(Rig *r) {
    ObjectInfo *v;
    size_t n;
    bool more;
    CHECK_OK_PLAIN(&r->t.cx, object_list(r->backups, &r->t.cx, S("packs/"), S(""), 0, &v, &n, &more));
    return n;
}

TEST(packs_go_when_the_last_backup_that_needs_them_went) {
    Rig r;
    rig_open(&r);
    Backup b;
    size_t removed;
    BackupOptions o = options_of(&r);
    save(&r, 0, 50000);
    make(&r);
    save(&r, 50000, 10000);
    make(&r); /* shares the first one's pack */
    CHECK_OK(&r.t.cx,
             object_put(r.backups, &r.t.cx, &(ObjectPut){ .key = S("packs/20000101T000000.000Z") }, S("x"), NULL));
    CHECK_OK(&r.t.cx, backup_prune(&r.t.cx, r.backups, 1, &removed));
    CHECK_EQ(removed, 1);
    CHECK_EQ(n_packs(&r), 2); /* and a killed backup's is gone */
    o.whole = true;
    o.keep = 1;
    CHECK_OK(&r.t.cx, backup_make(&r.t.cx, &o, &b));
    CHECK_EQ(b.removed, 1);
    CHECK_EQ(n_packs(&r), 1);
    CHECK_OK(&r.t.cx, backup_restore(&r.t.cx, r.backups, b.id, NULL, &b));
    rig_close(&r);
}

/* --- manifests as others wrote them --- */

static Str replaced(Arena *a, Str text, Str from, Str to) {
    ptrdiff_t at = str_find(text, from);
    if (at < 0)
        FAIL("the manifest has no " STR_FMT, STR_ARG(from));
    Str head = str_first(text, (size_t)at), tail = str_from(text, (size_t)at + from.n);
    char *p = arena_alloc(a, head.n + to.n + tail.n);
    memcpy(p, head.p, head.n);
    memcpy(p + head.n, to.p, to.n);
    memcpy(p + head.n + to.n, tail.p, tail.n);
    return str_n(p, head.n + to.n + tail.n);
}

static Str manifest_key(Rig *r, Str id) {
    return str_fmt(&r->t.arena, "manifests/" STR_FMT, STR_ARG(id));
}

static Str manifest_of(Rig *r, Str id) {
    Str text;
    CHECK_OK_PLAIN(&r->t.cx, object_get_all(r->backups, &r->t.cx, manifest_key(r, id), 1 << 20, &text));
    return text;
}

static void put_manifest(Rig *r, Str id, Str text) {
    CHECK_OK_PLAIN(&r->t.cx, object_put(r->backups, &r->t.cx, &(ObjectPut){ .key = manifest_key(r, id) }, text, NULL));
}

TEST(a_backup_of_the_first_format_restores_and_is_a_parent) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 5000);
    Backup b, old;
    BackupOptions o = { .store = r.store, .objects = r.backups };
    CHECK_OK(&r.t.cx, backup_make(&r.t.cx, &o, &b));
    Str text = manifest_of(&r, b.id);
    ptrdiff_t parts = str_find(text, S(",\"parts\":")), line = str_find_char(text, '\n');
    Str part = str_n(text.p + parts, (size_t)(line - parts - 1));
    text = replaced(&r.t.arena, text, part, S(""));
    text = replaced(&r.t.arena, text, S("finsight-backup-3"), S("finsight-backup-1"));
    CHECK_OK(&r.t.cx, object_remove(r.backups, &r.t.cx, manifest_key(&r, b.id)));
    Str id = S("20200101T000000Z"); /* as they were */
    put_manifest(&r, id, text);
    CHECK_OK(&r.t.cx, backup_restore(&r.t.cx, r.backups, (Str){ 0 }, NULL, &old));
    CHECK_STR(old.id, id);
    CHECK_EQ(old.n_parts, 1);
    CHECK_STR(old.parts[0].name, S("market.db"));
    clock_manual_advance_ms(&r.t.clock, 1000);
    b = make(&r);
    CHECK_STR(b.parent, id);
    rig_close(&r);
}

TEST(a_backup_of_the_second_format_restores_its_datasets) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 100);
    upload(&r, false);
    Backup b = make(&r);
    Str text = replaced(&r.t.arena, manifest_of(&r, b.id), S("finsight-backup-3"), S("finsight-backup-2"));
    for (int i = 0; i < 2; i++) /* of the record and the bytes: all objects were the datasets' */
        text = replaced(&r.t.arena, text, S("\"folder\":\"objects\","), S(""));
    put_manifest(&r, b.id, text);
    Copy c = restore(&r, b.id, "second");
    CHECK_EQ(c.n_objects, 2);
    CHECK_EQ(c.n_models, 0);
    copy_close(&c);
    rig_close(&r);
}

TEST(a_manifest_that_leads_elsewhere_is_damaged) {
    static const struct {
        const char *name, *from, *to;
    } rows[] = {
        { "up", "\"file\":\"control.db\"", "\"file\":\"../control.db\"" },
        { "absolute", "\"file\":\"control.db\"", "\"file\":\"/etc/control.db\"" },
        { "hidden", "\"file\":\"control.db\"", "\"file\":\".db\"" },
        { "not a database", "\"file\":\"control.db\"", "\"file\":\"admin.key\"" },
        { "no name", "\"file\":\"control.db\"", "\"file\":\"\"" },
        { "a folder outside", "\"folder\":\"objects\"", "\"folder\":\"../x\"" },
        { "another format", "finsight-backup-3", "finsight-backup-9" },
        { "more bytes than blocks", "\"blocks\":", "\"blocks\":1" },
        { "no line", "\n", " " },
    };
    Rig r;
    rig_open(&r);
    save(&r, 0, 100);
    upload(&r, false);
    Backup b = make(&r), out;
    Str text = manifest_of(&r, b.id);
    EACH_ROW (row, rows) {
        put_manifest(&r, b.id, replaced(&r.t.arena, text, str_c(row->from), str_c(row->to)));
        CHECK_EQ(backup_restore(&r.t.cx, r.backups, b.id, NULL, &out), ERR_CORRUPT);
    }
    for (size_t n = 0; n < text.n; n += 1 + n / 3) { /* cut short */
        put_manifest(&r, b.id, str_first(text, n));
        CHECK_EQ(backup_restore(&r.t.cx, r.backups, b.id, NULL, &out), ERR_CORRUPT);
    }
    rig_close(&r);
}

static int cancel_soon(void *arg, Ctx *cx, int64_t done, int64_t total) {
    UNUSED(total);
    atomic_store((atomic_bool *)arg, done > 200000);
    return ctx_check(cx);
}

TEST(a_cancelled_backup_leaves_nothing) {
    Rig r;
    rig_open(&r);
    save(&r, 0, 100000);
    atomic_bool cancel = false;
    BackupOptions o = options_of(&r);
    o.progress = cancel_soon;
    o.progress_arg = &cancel;
    r.t.cx.cancel = &cancel;
    Backup b, *v;
    size_t n;
    CHECK_EQ(backup_make(&r.t.cx, &o, &b), ERR_CANCELLED);
    r.t.cx.cancel = NULL;
    CHECK_OK(&r.t.cx, backup_list(&r.t.cx, r.backups, &v, &n));
    CHECK_EQ(n, 0);
    CHECK_EQ(n_packs(&r), 0);
    CHECK_OK(&r.t.cx, candle_store_verify(r.store, &r.t.cx)); /* and the store was let go of */
    make(&r);
    rig_close(&r);
}

TESTS(T(jobs_audit_backtests_and_datasets_come_back_elsewhere_MDS_40),
      T(two_backups_of_one_moment_and_a_clock_set_back_are_in_order), T(backups_asked_for_at_once_take_turns),
      T(what_did_not_change_is_not_read_again_and_adds_nothing), T(a_dataset_replaced_meanwhile_is_whole_in_the_backup),
      T(a_record_without_its_bytes_keeps_nothing_from_being_backed_up),
      T(packs_go_when_the_last_backup_that_needs_them_went), T(a_backup_of_the_first_format_restores_and_is_a_parent),
      T(a_manifest_that_leads_elsewhere_is_damaged), T(a_cancelled_backup_leaves_nothing),
      T(a_backup_of_the_second_format_restores_its_datasets))
