/* services/storage over the memory store, the SQLite store and a folder of objects: datasets (MDS-37, MDS-38, MDS-39,
 * FLW-05, FLW-20), backups and restores (MDS-40, RES-18, RES-19). */

#include "adapters/object/dir.h"
#include "adapters/store/memory.h"
#include "adapters/store/sqlite.h"
#include "base/file.h"
#include "base/hash.h"
#include "lib/test.h"
#include "services/storage/backup.h"
#include "services/storage/storage.h"

#include <pthread.h>
#include <unistd.h>

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    CandleStore *store;
    ObjectStore *objects;
    StorageService *s;
    SeriesKey key;
    char spans[256];
} Fixture;

static void on_span(void *arg, const char *name) {
    Fixture *f = arg;
    size_t n = strlen(f->spans);
    snprintf(f->spans + n, sizeof f->spans - n, "%s%s", n ? " " : "", name);
}

static SeriesKey key_of(const char *text) {
    SeriesKey key;
    if (!series_key_parse(str_c(text), &key))
        FAIL("no key: %s", text);
    return key;
}

static void begin(Fixture *f, bool sqlite) {
    memset(f, 0, sizeof *f);
    test_ctx_init(&f->t);
    f->dir = test_dir();
    StoreSqliteOptions o = { .path = path_join(&f->t.arena, f->dir, "market.db") };
    if (sqlite)
        CHECK_OK_PLAIN(&f->t.cx, store_sqlite_open(&f->t.cx, &o, &f->store));
    else
        f->store = store_memory_new();
    CHECK_OK_PLAIN(&f->t.cx, object_dir_open(&f->t.cx, path_join(&f->t.arena, f->dir, "objects"), &f->objects));
    f->s = storage_service_new(
        &(StorageOptions){ .store = f->store, .objects = f->objects, .span = on_span, .span_arg = f });
    f->key = key_of("kraken:BTC/USD:1m@sim");
}

static void end(Fixture *f) {
    storage_service_free(f->s);
    candle_store_close(f->store);
    object_store_close(f->objects);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static void save(Fixture *f, const SeriesKey *key, int64_t from, size_t n) {
    Candles rows;
    SaveResult r;
    candles_init_heap(&rows, n);
    for (size_t i = 0; i < n; i++) {
        double p = 100 + (double)(hash64_u64((uint64_t)(from + (int64_t)i), 1) % 100000) / 8;
        candles_push(&rows, &(Candle){ .open_time = time_ms((from + (int64_t)i) * 60000),
                                       .open = p,
                                       .high = p + 1,
                                       .low = p - 1,
                                       .close = p,
                                       .volume = 5,
                                       .flags = i % 50 == 3 ? CANDLE_SYNTHETIC | CANDLE_SIMULATED : CANDLE_SIMULATED });
    }
    CHECK_OK_PLAIN(&f->t.cx, candle_store_save(f->store, &f->t.cx,
                                               &(SaveRequest){ .key = key, .rows = &rows, .flags = SAVE_DURABLE }, &r));
    candles_done_heap(&rows);
}

static Candles read_series(CandleStore *store, TestCtx *t, const SeriesKey *key) {
    Candles rows = { 0 };
    bool more;
    CHECK_OK_PLAIN(&t->cx, candle_store_read(store, &t->cx, key, &(CandleQuery){ .from = TIME_MIN, .to = TIME_MAX },
                                             &rows, &more));
    return rows;
}

static void check_same(const Candles *a, const Candles *b) {
    if (a->n != b->n)
        FAIL("%zu rows, not %zu", a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        Candle x = candles_get(a, i), y = candles_get(b, i);
        if (!candle_same_data(&x, &y) || x.flags != y.flags || x.known_at.ms != y.known_at.ms)
            FAIL("row %zu differs", i);
    }
}

static StorageUpload upload_of(const Fixture *f, DatasetFormat format, DatasetPack pack) {
    return (StorageUpload){ .key = &f->key, .from = TIME_MIN, .to = TIME_MAX, .form = { format, pack, 0 } };
}

TEST(an_upload_runs_its_chain_and_says_what_it_made_FLW_05) {
    Fixture f;
    begin(&f, false);
    save(&f, &f.key, 0, 250000);
    Dataset d, info;
    ObjectInfo object;
    StorageUpload up = upload_of(&f, DATASET_CSV, DATASET_ZSTD);
    CHECK_OK(&f.t.cx, storage_upload(f.s, &f.t.cx, &up, &d));
    CHECK_STR(str_c(f.spans), S("get_ohlcv convert_format compress_data upload_to_storage put_object"));
    CHECK_STR(d.name, S("kraken/BTC-USD/1m@sim.csv.zst"));
    CHECK_EQ(d.candles, 250000);
    CHECK_EQ(d.first.ms, 0);
    CHECK_EQ(d.last.ms, 249999 * 60000LL);
    CHECK(d.simulated);
    CHECK(d.plain > 3 * d.size); /* the ratio of MDS-39 */
    CHECK_OK(&f.t.cx, object_head(f.objects, &f.t.cx, d.object, &object));
    CHECK_EQ(object.size, d.size);
    CHECK_STR(str_c(object.etag), d.etag);
    CHECK_OK(&f.t.cx, storage_info(f.s, &f.t.cx, d.name, &info));
    CHECK(series_key_eq(&info.key, &f.key));
    CHECK_EQ(info.revision, 1);
    CHECK_EQ(info.plain, d.plain);
    CHECK_STR(info.sha256, d.sha256);
    end(&f);
}

TEST(every_form_comes_back_into_a_store_MDS_37) {
    for (int form = 0; form < DATASET_FORMATS * DATASET_PACKS; form++) {
        DatasetFormat format = (DatasetFormat)(form / DATASET_PACKS);
        DatasetPack pack = (DatasetPack)(form % DATASET_PACKS);
        Fixture f;
        begin(&f, false);
        save(&f, &f.key, -1000, 5000);
        Candles want = read_series(f.store, &f.t, &f.key), got;
        Dataset d;
        StorageUpload up = upload_of(&f, format, pack);
        int r = storage_upload(f.s, &f.t.cx, &up, &d);
        if (format == DATASET_PARQUET && pack != DATASET_PLAIN) {
            CHECK_EQ(r, ERR_INVALID);
            end(&f);
            continue;
        }
        CHECK_EQ(r, 0);
        int64_t removed;
        CHECK_OK(&f.t.cx, candle_store_remove(f.store, &f.t.cx, &f.key, TIME_MIN, TIME_MAX, &removed));
        StorageLoaded loaded;
        CHECK_OK(&f.t.cx, storage_load(f.s, &f.t.cx, d.name, &loaded));
        CHECK_EQ(loaded.inserted, 5000);
        got = read_series(f.store, &f.t, &f.key);
        check_same(&got, &want);
        end(&f);
    }
}

static Str download(Fixture *f, Str name) {
    Buf all;
    Dataset d;
    Str piece;
    buf_init(&all, 64 << 20);
    do {
        CHECK_OK_PLAIN(&f->t.cx, storage_read(f->s, &f->t.cx, name, (Str){ 0 }, (int64_t)all.n, 7000, &piece, &d));
        buf_put_str(&all, piece);
    } while (piece.n == 7000);
    Str copy = str_dup(&f->t.arena, buf_str(&all));
    buf_done(&all);
    return copy;
}

TEST(a_download_has_the_sum_of_the_upload_MDS_37) {
    Fixture f;
    begin(&f, false);
    save(&f, &f.key, 0, 3000);
    Dataset d;
    char sum[SHA256_HEX + 1];
    StorageUpload up = upload_of(&f, DATASET_JSON, DATASET_GZIP);
    CHECK_OK(&f.t.cx, storage_upload(f.s, &f.t.cx, &up, &d));
    Str bytes = download(&f, d.name);
    sha256_hex(bytes, sum);
    CHECK_STR(str_c(sum), d.sha256);
    CHECK_EQ((int64_t)bytes.n, d.size);
    Str piece;
    CHECK_EQ(storage_read(f.s, &f.t.cx, d.name, S("other"), 0, 10, &piece, &d), ERR_CONFLICT);
    CHECK_EQ(storage_read(f.s, &f.t.cx, S("nothing"), (Str){ 0 }, 0, 10, &piece, &d), STORAGE_NO_DATASET);
    end(&f);
}

typedef struct FailAt {
    const char *point;
    int after; /* so many calls of it go well */
} FailAt;

static int fail_at(void *arg, Ctx *cx, const char *point) {
    FailAt *f = arg;
    return strcmp(point, f->point) == 0 && f->after-- <= 0 ? err_set(cx, ERR_STORAGE, "no room, says the test") : 0;
}

TEST(a_failing_upload_leaves_no_record_and_what_was_there_FLW_20) {
    static const struct {
        const char *name, *point;
        int after;
    } cases[] = { { "at the start", "put_begin", 0 },
                  { "in the middle", "put_data", 2 },
                  { "at the end of the bytes", "put_end", 0 },
                  { "at the record", "put_end", 1 },
                  { "at the record's start", "put_begin", 1 } };
    EACH_ROW (c, cases) {
        Fixture f;
        begin(&f, false);
        save(&f, &f.key, 0, 1000);
        Dataset d, had, *v;
        size_t n;
        bool more;
        ObjectInfo *objects;
        StorageUpload up = upload_of(&f, DATASET_CSV, DATASET_PLAIN);
        up.name = S("mine");
        CHECK_OK(&f.t.cx, storage_upload(f.s, &f.t.cx, &up, &had));
        save(&f, &f.key, 1000, 100000);
        for (int replace = 0; replace < 2; replace++) {
            FailAt fail = { c->point, c->after };
            up.replace = replace;
            up.name = replace ? S("mine") : S("other");
            object_store_set_fault(f.objects, fail_at, &fail);
            CHECK_EQ(storage_upload(f.s, &f.t.cx, &up, &d), ERR_STORAGE);
            object_store_set_fault(f.objects, NULL, NULL);
            CHECK_OK(&f.t.cx, storage_list(f.s, &f.t.cx, S(""), S(""), 0, &v, &n, &more));
            CHECK_EQ(n, 1);
            CHECK_EQ(v[0].candles, 1000);
            CHECK_EQ(download(&f, S("mine")).n, (size_t)had.size);
            CHECK_OK(&f.t.cx, object_list(f.objects, &f.t.cx, S("datasets/"), S(""), 0, &objects, &n, &more));
            CHECK_EQ(n, 1); /* no bytes lie about either */
        }
        end(&f);
    }
}

TEST(names_are_kept_until_replaced_or_removed) {
    Fixture f;
    begin(&f, false);
    save(&f, &f.key, 0, 1000);
    Dataset d, *v;
    size_t n;
    bool more;
    int64_t count, bytes;
    StorageUpload up = upload_of(&f, DATASET_CSV, DATASET_PLAIN);
    CHECK_OK(&f.t.cx, storage_upload(f.s, &f.t.cx, &up, &d));
    CHECK_EQ(storage_upload(f.s, &f.t.cx, &up, &d), STORAGE_EXISTS);
    up.replace = true;
    up.to = time_ms(10 * 60000);
    CHECK_OK(&f.t.cx, storage_upload(f.s, &f.t.cx, &up, &d));
    CHECK_EQ(d.candles, 10);
    StorageConvert c = { .from = d.name, .form = { DATASET_PARQUET, DATASET_PLAIN, 0 } };
    CHECK_OK(&f.t.cx, storage_convert(f.s, &f.t.cx, &c, &d));
    CHECK_STR(d.name, S("kraken/BTC-USD/1m@sim.parquet"));
    CHECK_EQ(d.candles, 10);
    CHECK_EQ(storage_convert(f.s, &f.t.cx, &c, &d), STORAGE_EXISTS);
    CHECK_OK(&f.t.cx, storage_list(f.s, &f.t.cx, S("kraken/"), S(""), 0, &v, &n, &more));
    CHECK_EQ(n, 2);
    CHECK_OK(&f.t.cx, storage_usage(f.s, &f.t.cx, &count, &bytes));
    CHECK_EQ(count, 2);
    CHECK_EQ(bytes, v[0].size + v[1].size);
    CHECK_OK(&f.t.cx, storage_remove(f.s, &f.t.cx, d.name));
    CHECK_EQ(storage_remove(f.s, &f.t.cx, d.name), STORAGE_NO_DATASET);
    CHECK_EQ(storage_info(f.s, &f.t.cx, d.name, &d), STORAGE_NO_DATASET);
    up.key = &(SeriesKey){ .symbol = { "NONE" }, .timeframe = { UNIT_HOUR, 1 } };
    CHECK_EQ(storage_upload(f.s, &f.t.cx, &up, &d), STORAGE_NO_SERIES);
    static const char *const bad[] = { "", "/", "a//b", "../x", ".a", "a/.b", "a/" };
    for (size_t i = 1; i < ARRAY_LEN(bad); i++)
        CHECK_EQ(storage_info(f.s, &f.t.cx, str_c(bad[i]), &d), ERR_INVALID);
    end(&f);
}

/* --- backups --- */

typedef struct Taken { /* the bytes of one part of a backup */
    const char *want;
    bool now;
    Buf bytes;
    int n_parts;
} Taken;

static int take_begin(void *arg, Ctx *cx, const BackupPart *part) {
    UNUSED(cx);
    Taken *t = arg;
    t->now = str_eq(part->name, str_c(t->want));
    t->n_parts++;
    return 0;
}

static int take_data(void *arg, Ctx *cx, Str bytes) {
    Taken *t = arg;
    return t->now && buf_put_str(&t->bytes, bytes) ? err_set(cx, ERR_LIMIT, "the test's buffer is full") : 0;
}

static int take_end(void *arg, Ctx *cx, const BackupPart *part) {
    Taken *t = arg;
    return t->now && (int64_t)t->bytes.n != part->bytes ? err_set(cx, ERR_INTERNAL, "bytes are missing") : 0;
}

static Str part_bytes(Fixture *f, ObjectStore *objects, Str id, const char *part) {
    Taken t = { .want = part };
    Backup b;
    BackupSink sink = { take_begin, take_data, take_end, &t };
    buf_init(&t.bytes, 256 << 20);
    CHECK_OK_PLAIN(&f->t.cx, backup_restore(&f->t.cx, objects, id, &sink, &b));
    Str bytes = str_dup(&f->t.arena, buf_str(&t.bytes));
    buf_done(&t.bytes);
    return bytes;
}

/* Restores into dir and opens the store there. */
static CandleStore *restore(Fixture *f, ObjectStore *objects, Str id, const char *name) {
    CandleStore *store;
    const char *path = path_join(&f->t.arena, f->dir, name);
    CHECK_OK_PLAIN(&f->t.cx, file_write(&f->t.cx, path, part_bytes(f, objects, id, "market.db"), 0644));
    CHECK_OK_PLAIN(&f->t.cx, store_sqlite_open(&f->t.cx, &(StoreSqliteOptions){ .path = path }, &store));
    CHECK_OK_PLAIN(&f->t.cx, candle_store_verify(store, &f->t.cx));
    return store;
}

typedef struct Writer {
    Fixture *f;
    pthread_t thread;
    atomic_bool stop;
    _Atomic(int64_t) acked; /* rows [0, acked) of every series */
} Writer;

enum { N_SERIES = 10, BATCH = 20 };

static SeriesKey live_key(int i) {
    SeriesKey key = key_of("test:S0:1m");
    key.symbol.s[1] = (char)('0' + i);
    return key;
}

/* Some 10,000 rows a second: 10 series, 20 rows a save, 50 rounds a second. */
static void *write_on(void *arg) {
    Writer *w = arg;
    Fixture f = *w->f;
    test_ctx_init(&f.t);
    for (int64_t at = 0; !atomic_load(&w->stop); at += BATCH) {
        for (int i = 0; i < N_SERIES; i++) {
            SeriesKey key = live_key(i);
            save(&f, &key, at, BATCH);
        }
        atomic_store(&w->acked, at + BATCH);
        arena_reset(&f.t.arena);
        usleep(20000);
    }
    test_ctx_done(&f.t);
    return NULL;
}

TEST(a_backup_while_ten_thousand_rows_a_second_come_is_a_prefix_MDS_40_RES_19) {
    Fixture f;
    begin(&f, true);
    save(&f, &f.key, 0, 300000);
    Writer w = { .f = &f };
    pthread_create(&w.thread, NULL, write_on, &w);
    while (atomic_load(&w.acked) < 200)
        usleep(1000);
    for (int round = 0; round < 3; round++) {
        int64_t before = atomic_load(&w.acked);
        Backup b;
        clock_manual_advance_ms(&f.t.clock, 60 * INT64_C(1000));
        CHECK_OK(&f.t.cx, backup_make(&f.t.cx, &(BackupOptions){ .store = f.store, .objects = f.objects }, &b));
        int64_t after = atomic_load(&w.acked) + BATCH;
        CHECK_EQ(b.parent.n > 0, round > 0);
        char name[32];
        snprintf(name, sizeof name, "restored%d.db", round);
        CandleStore *restored = restore(&f, f.objects, b.id, name);
        Candles big = read_series(restored, &f.t, &f.key), want = read_series(f.store, &f.t, &f.key);
        check_same(&big, &want);
        int64_t least = INT64_MAX, most = 0;
        for (int i = 0; i < N_SERIES; i++) {
            SeriesKey key = live_key(i);
            Candles rows = read_series(restored, &f.t, &key), all = read_series(f.store, &f.t, &key);
            Candles same = candles_view(&all, 0, rows.n);
            check_same(&rows, &same); /* a prefix of the series, … */
            CHECK((int64_t)rows.n >= before && (int64_t)rows.n <= after);
            CHECK(i == 0 || rows.n <= (size_t)most); /* … and of the history: series are written in turn */
            least = MIN(least, (int64_t)rows.n);
            most = i == 0 ? (int64_t)rows.n : most;
        }
        CHECK(most - least <= BATCH);
        candle_store_close(restored);
    }
    atomic_store(&w.stop, true);
    pthread_join(w.thread, NULL);
    end(&f);
}

TEST(a_later_backup_adds_what_changed_and_restores_alone_RES_18) {
    Fixture f;
    begin(&f, true);
    save(&f, &f.key, 0, 400000);
    Backup first, second, third, *v;
    size_t n;
    BackupOptions o = { .store = f.store, .objects = f.objects };
    CHECK_OK(&f.t.cx, backup_make(&f.t.cx, &o, &first));
    save(&f, &f.key, 400000, 1440);
    clock_manual_advance_ms(&f.t.clock, 86400 * INT64_C(1000));
    CHECK_OK(&f.t.cx, backup_make(&f.t.cx, &o, &second));
    CHECK_STR(second.parent, first.id);
    CHECK(second.new_blocks < first.new_blocks / 2);
    clock_manual_advance_ms(&f.t.clock, 86400 * INT64_C(1000));
    o.whole = true;
    CHECK_OK(&f.t.cx, backup_make(&f.t.cx, &o, &third));
    CHECK_EQ(third.parent.n, 0);
    CHECK_OK(&f.t.cx, backup_list(&f.t.cx, f.objects, &v, &n));
    CHECK_EQ(n, 3);
    CHECK_STR(v[0].id, third.id);
    const struct {
        const char *name;
        Str id;
        size_t n;
    } rows[] = { { "first.db", first.id, 400000 }, { "second.db", second.id, 401440 }, { "newest.db", { 0 }, 401440 } };
    EACH_ROW (r, rows) {
        CandleStore *restored = restore(&f, f.objects, r->id, r->name);
        CHECK_EQ(read_series(restored, &f.t, &f.key).n, r->n);
        candle_store_close(restored);
    }
    size_t removed;
    CHECK_OK(&f.t.cx, backup_prune(&f.t.cx, f.objects, 2, &removed));
    CHECK_EQ(removed, 1);
    CandleStore *restored = restore(&f, f.objects, second.id, "pruned.db"); /* its parent's blocks were kept */
    CHECK_EQ(read_series(restored, &f.t, &f.key).n, 401440);
    candle_store_close(restored);
    CHECK_EQ(backup_restore(&f.t.cx, f.objects, first.id, NULL, &first), BACKUP_NONE);
    end(&f);
}

TEST(a_full_disk_leaves_no_half_backup) {
    static const struct {
        const char *name, *point;
        int after;
    } cases[] = { { "at the start", "put_begin", 0 },
                  { "in the pack", "put_data", 1 },
                  { "at its end", "put_end", 0 },
                  { "at the manifest", "put_end", 1 } };
    EACH_ROW (c, cases) {
        Fixture f;
        begin(&f, true);
        save(&f, &f.key, 0, 300000);
        Backup b, *v;
        size_t n;
        bool more;
        ObjectInfo *objects = NULL;
        FailAt fail = { c->point, c->after };
        object_store_set_fault(f.objects, fail_at, &fail);
        CHECK_EQ(backup_make(&f.t.cx, &(BackupOptions){ .store = f.store, .objects = f.objects }, &b), ERR_STORAGE);
        CHECK(strstr(f.t.cx.err.text, "no room"));
        object_store_set_fault(f.objects, NULL, NULL);
        CHECK_OK(&f.t.cx, backup_list(&f.t.cx, f.objects, &v, &n));
        CHECK_EQ(n, 0);
        CHECK_OK(&f.t.cx, object_list(f.objects, &f.t.cx, S(""), S(""), 0, &objects, &n, &more));
        CHECK_EQ(n, 0);
        CHECK_OK(&f.t.cx, backup_make(&f.t.cx, &(BackupOptions){ .store = f.store, .objects = f.objects }, &b));
        end(&f);
    }
}

TEST(a_damaged_backup_is_named_and_not_restored) {
    Fixture f;
    begin(&f, true);
    save(&f, &f.key, 0, 100000);
    Backup b;
    Str pack;
    CHECK_OK(&f.t.cx, backup_make(&f.t.cx, &(BackupOptions){ .store = f.store, .objects = f.objects }, &b));
    Str key = str_fmt(&f.t.arena, "packs/" STR_FMT, STR_ARG(b.id));
    CHECK_OK(&f.t.cx, object_get_all(f.objects, &f.t.cx, key, 64 << 20, &pack));
    char *bytes = str_cz(&f.t.arena, pack);
    memcpy(bytes, pack.p, pack.n);
    bytes[pack.n / 2] ^= 1;
    CHECK_OK(&f.t.cx, object_put(f.objects, &f.t.cx, &(ObjectPut){ .key = key }, str_n(bytes, pack.n), NULL));
    CHECK_EQ(backup_restore(&f.t.cx, f.objects, b.id, NULL, &b), ERR_CORRUPT);
    CHECK(strstr(f.t.cx.err.text, "block"));
    CHECK_OK(&f.t.cx, object_remove(f.objects, &f.t.cx, key));
    CHECK_EQ(backup_restore(&f.t.cx, f.objects, b.id, NULL, &b), ERR_CORRUPT);
    CHECK_EQ(backup_restore(&f.t.cx, f.objects, S("20000101T000000Z"), NULL, &b), BACKUP_NONE);
    end(&f);
}

TEST(a_store_without_snapshots_says_so) {
    Fixture f;
    begin(&f, false);
    Backup b;
    CHECK_EQ(backup_make(&f.t.cx, &(BackupOptions){ .store = f.store, .objects = f.objects }, &b), ERR_UNSUPPORTED);
    end(&f);
}

TESTS(T(an_upload_runs_its_chain_and_says_what_it_made_FLW_05), T(every_form_comes_back_into_a_store_MDS_37),
      T(a_download_has_the_sum_of_the_upload_MDS_37), T(a_failing_upload_leaves_no_record_and_what_was_there_FLW_20),
      T(names_are_kept_until_replaced_or_removed),
      T(a_backup_while_ten_thousand_rows_a_second_come_is_a_prefix_MDS_40_RES_19),
      T(a_later_backup_adds_what_changed_and_restores_alone_RES_18), T(a_full_disk_leaves_no_half_backup),
      T(a_damaged_backup_is_named_and_not_restored), T(a_store_without_snapshots_says_so))
