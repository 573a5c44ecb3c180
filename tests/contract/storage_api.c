/* api/storage: the routes of the documents' storage router, in process and through the wire's form: both answer alike
 * (MDS-04, MDS-45, FLW-05). */

#include "api/storage/storage_api.h"
#include "adapters/jobs/sqlite.h"
#include "adapters/object/dir.h"
#include "adapters/store/memory.h"
#include "api/call.h"
#include "base/file.h"
#include "lib/test.h"

typedef struct Rig {
    TestCtx t;
    const char *dir;
    StorageRole role;
    ObjectStore *objects;
    JobStore *control;
    ApiCaller *api;
} Rig;

static void rig_init(Rig *r, bool wire) {
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    r->dir = test_dir();
    r->role.store = store_memory_new();
    CHECK_OK_PLAIN(&r->t.cx, object_dir_open(&r->t.cx, path_join(&r->t.arena, r->dir, "objects"), &r->objects));
    CHECK_OK_PLAIN(&r->t.cx, object_dir_open(&r->t.cx, path_join(&r->t.arena, r->dir, "backups"), &r->role.backups));
    r->role.storage = storage_service_new(&(StorageOptions){ .store = r->role.store, .objects = r->objects });
    CHECK_OK_PLAIN(&r->t.cx, job_store_sqlite_open(&r->t.cx, &(JobStoreOptions){ 0 }, &r->control));
    r->role.record = r->control;
    ApiRole role = { &storage_api, &r->role };
    r->api = wire ? api_caller_wire(&role, 1) : api_caller_local(&role, 1);
    Candles rows;
    SeriesKey key;
    SaveResult saved;
    candles_init(&rows, &r->t.arena, 500);
    for (int i = 0; i < 500; i++)
        candles_push(&rows, &(Candle){ .open_time = time_ms(i * INT64_C(3600000)),
                                       .open = 5 + i % 7,
                                       .high = 20,
                                       .low = 1,
                                       .close = 3.25,
                                       .volume = i });
    if (!series_key_parse(S("binance:BTCUSDT:1h"), &key))
        FAIL("no key");
    SaveRequest req = { .key = &key, .rows = &rows };
    CHECK_OK_PLAIN(&r->t.cx, candle_store_save(r->role.store, &r->t.cx, &req, &saved));
}

static void rig_done(Rig *r) {
    api_caller_close(r->api);
    storage_service_free(r->role.storage);
    candle_store_close(r->role.store);
    job_store_close(r->control);
    object_store_close(r->objects);
    object_store_close(r->role.backups);
    test_dir_done(r->dir);
    test_ctx_done(&r->t);
}

TEST(the_tables_are_sound_MDS_45) {
    TestCtx t;
    test_ctx_init(&t);
    const OpTable *const tables[] = { &storage_api };
    CHECK_OK(&t.cx, op_lint(&t.cx, tables, 1));
    test_ctx_done(&t);
}

TEST(paths_of_the_documents_lead_here_MDS_04) {
    static const struct {
        const char *name, *method, *path, *op;
    } rows[] = {
        { "upload", "POST", "/storage/upload/BTCUSDT", "storage.upload_symbol" },
        { "upload by body", "POST", "/storage/upload", "storage.upload" },
        { "download", "GET", "/storage/download", "storage.download" },
        { "convert", "POST", "/storage/convert", "storage.convert" },
        { "list", "GET", "/storage/list", "storage.datasets" },
        { "info", "GET", "/storage/info", "storage.info" },
        { "health", "GET", "/storage/health", "storage.health" },
    };
    TestCtx t;
    test_ctx_init(&t);
    const OpTable *const tables[] = { &storage_api };
    OpRouter *router = op_router_new(tables, 1);
    EACH_ROW (r, rows) {
        OpMatch m;
        CHECK_OK(&t.cx, op_route(router, &t.cx, str_c(r->method), str_c(r->path), &m));
        CHECK_STR(str_c(m.op->name), str_c(r->op));
    }
    op_router_free(router);
    test_ctx_done(&t);
}

static void conversation(Rig *r) {
    Ctx *cx = &r->t.cx;
    UploadResponse up = { 0 }, info = { 0 }, converted = { 0 };
    DatasetUploadRequest q = { .symbol = S("BTCUSDT"), .timeframe = S("1h"), .format = S("json") };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_storage_upload_symbol, &q, &up));
    if (!up.success || up.candles != 500 || !str_eq(up.compression, S("zstd")) || up.ratio < 5 ||
        !str_eq(up.dataset, S("binance/BTCUSDT/1h.json.zst")))
        FAIL("the upload says %lld candles in " STR_FMT, (long long)up.candles, STR_ARG(up.dataset));
    DatasetQuery which = { .dataset = up.dataset };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_storage_info, &which, &info));
    if (!str_eq(info.etag, up.etag) || info.last.ms != 499 * INT64_C(3600000))
        FAIL("info is not what was uploaded");

    char sum[SHA256_HEX + 1];
    RawBody body = { 0 };
    DatasetDownloadRequest down = { .dataset = up.dataset, .etag = up.etag };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_storage_download, &down, &body));
    sha256_hex(body.bytes, sum);
    if (!str_eq(str_c(sum), up.sha256))
        FAIL("other bytes came back");

    FormatConversionRequest conv = { .dataset = up.dataset, .format = S("parquet") };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_storage_convert, &conv, &converted));
    DatasetList list = { 0 };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_storage_list, &(DatasetListQuery){ .prefix = S("binance/") }, &list));
    DatasetLoaded loaded = { 0 };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_storage_load, &(DatasetQuery){ converted.dataset }, &loaded));
    StorageStats stats = { 0 };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_storage_health, NULL, &stats));
    if (converted.candles != 500 || list.count != 2 || loaded.unchanged != 500 || stats.datasets != 2 ||
        stats.bytes != up.size + converted.size)
        FAIL("%lld, %lld, %lld, %lld", (long long)converted.candles, (long long)list.count, (long long)loaded.unchanged,
             (long long)stats.datasets);
    DatasetRemoved gone = { 0 };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_storage_remove, &which, &gone));
    if (api_call(r->api, cx, &op_storage_info, &which, &info) != ERR_NOT_FOUND)
        FAIL("a removed dataset is still there");
}

TEST(both_callers_hold_the_same_conversation_FLW_05) {
    UNUSED(state_);
    for (int wire = 0; wire < 2; wire++) {
        Rig r;
        rig_init(&r, wire);
        conversation(&r);
        rig_done(&r);
    }
}

TEST(requests_that_cannot_be_are_refused_with_their_field_MDS_45) {
    static const struct {
        const char *name;
        const Op *op;
        const char *body, *field;
        int code;
    } rows[] = {
        { "no symbol", &op_storage_upload, "{\"timeframe\":\"1h\"}", "symbol", ERR_INVALID },
        { "no such format", &op_storage_upload, "{\"symbol\":\"A\",\"timeframe\":\"1h\",\"format\":\"xls\"}", "format",
          ERR_INVALID },
        { "a level too high", &op_storage_upload, "{\"symbol\":\"A\",\"timeframe\":\"1h\",\"level\":20}", "level",
          ERR_INVALID },
        { "an unknown member", &op_storage_upload, "{\"symbol\":\"A\",\"timeframe\":\"1h\",\"colour\":1}", "colour",
          ERR_INVALID },
        { "no dataset", &op_storage_convert, "{\"format\":\"csv\"}", "dataset", ERR_INVALID },
        { "keep below zero", &op_storage_backup, "{\"keep\":-1}", "keep", ERR_INVALID },
        { "all well", &op_storage_convert, "{\"object_key\":\"a/b.csv\",\"target_format\":\"json\"}", "", 0 },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        void *in = arena_zalloc(&t.arena, r->op->in->size);
        CHECK_EQ(op_decode(r->op, &t.cx, NULL, 0, NULL, 0, str_c(r->body), in), r->code);
        if (r->code)
            CHECK_STR(str_c(t.cx.err.field), str_c(r->field));
        test_ctx_done(&t);
    }
}

TEST(outcomes_have_words) {
    Rig r;
    rig_init(&r, true);
    UploadResponse up = { 0 };
    DatasetUploadRequest q = { .symbol = S("NONE"), .timeframe = S("1h") };
    CHECK_EQ(api_call(r.api, &r.t.cx, &op_storage_upload, &q, &up), ERR_NOT_FOUND);
    q.symbol = S("BTCUSDT");
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_storage_upload, &q, &up));
    CHECK_EQ(api_call(r.api, &r.t.cx, &op_storage_upload, &q, &up), ERR_CONFLICT);
    CHECK_STR(str_c(r.t.cx.err.field), S("name"));
    q.compression = S("gzip");
    q.name = S("x");
    CHECK_EQ(api_call(r.api, &r.t.cx, &op_storage_upload, &q, &up), ERR_INVALID); /* Parquet is not packed again */
    BackupRow b = { 0 };
    CHECK_EQ(api_call(r.api, &r.t.cx, &op_storage_backup, &(BackupRequest){ 0 }, &b), ERR_UNSUPPORTED);
    rig_done(&r);
}

TEST(what_changes_datasets_is_on_record_MDS_44) {
    Rig r;
    rig_init(&r, true);
    Ctx *cx = &r.t.cx;
    UploadResponse up = { 0 };
    DatasetRemoved gone = { 0 };
    DatasetLoaded loaded = { 0 };
    AuditRow *rows;
    size_t n;
    CHECK_OK(cx, api_call(r.api, cx, &op_storage_upload,
                          &(DatasetUploadRequest){ .symbol = S("BTCUSDT"), .timeframe = S("1h") }, &up));
    DatasetQuery which = { .dataset = up.dataset };
    CHECK_OK(cx, api_call(r.api, cx, &op_storage_load, &which, &loaded));
    CHECK_OK(cx, api_call(r.api, cx, &op_storage_remove, &which, &gone));
    CHECK_EQ(api_call(r.api, cx, &op_storage_remove, &which, &gone), ERR_NOT_FOUND);
    CHECK_OK(cx, job_store_audit_list(r.control, cx, 0, 10, &rows, &n));
    CHECK_EQ(n, 4);
    const char *const actions[] = { "storage.remove", "storage.remove", "storage.load", "storage.upload" };
    for (size_t i = 0; i < n; i++) {
        CHECK_STR(rows[i].action, str_c(actions[i]));
        CHECK_STR(rows[i].subject, up.dataset);
        CHECK_STR(rows[i].outcome, i == 0 ? S("not_found") : S("ok"));
    }
    CHECK_EQ(rows[3].rows, 500);
    CHECK_EQ(rows[2].rows, 0); /* all of them were there */
    rig_done(&r);
}

/* --- SQL, by an engine that answers what it is told to --- */

typedef struct FalseEngine {
    SqlEngine base;
    int64_t n_rows;
    int code;
    Str cell;
    SqlAsk asked;
    int64_t given;
} FalseEngine;

static int false_query(SqlEngine *engine, Ctx *cx, const SqlAsk *ask, const SqlSink *sink) {
    static const SqlColumn columns[] = { { .name = STR_INIT("n"), .number = true },
                                         { .name = STR_INIT("yes"), .logical = true },
                                         { .name = STR_INIT("text") } };
    FalseEngine *e = (FalseEngine *)engine;
    e->asked = *ask;
    if (e->code)
        return err_set(cx, e->code, "as asked");
    int r = sink->columns(sink->arg, cx, columns, ARRAY_LEN(columns));
    for (e->given = 0; r == 0 && e->given < e->n_rows; e->given++) {
        const Str cells[] = { e->given == 1 ? S("nan") : S("1.5"), S("true"), e->given == 0 ? (Str){ 0 } : e->cell };
        r = sink->row(sink->arg, cx, cells, ARRAY_LEN(cells));
    }
    return r;
}

static void false_close(SqlEngine *e) {
    UNUSED(e);
}

static int false_lake(void *arg, Ctx *cx, bool stale, const char **out) {
    UNUSED(cx);
    *(bool *)arg = stale;
    *out = "/lake";
    return 0;
}

static const SqlEngineOps false_ops = { .name = "false", .query = false_query, .close = false_close };

TEST(a_query_answers_rows_as_json_and_says_when_there_are_more) {
    Rig r;
    rig_init(&r, true);
    Ctx *cx = &r.t.cx;
    bool stale = false;
    FalseEngine e = { .base = { &false_ops }, .n_rows = 3, .cell = S("a\"b") };
    SqlResponse out = { 0 };
    SqlRequest q = { .query = S("SELECT 1"), .limit = 10, .stale = true };
    CHECK_EQ(api_call(r.api, cx, &op_storage_sql, &q, &out), ERR_UNAVAILABLE);
    r.role.sql = &e.base;
    r.role.lake = false_lake;
    r.role.lake_arg = &stale;
    CHECK_OK(cx, api_call(r.api, cx, &op_storage_sql, &q, &out));
    CHECK_STR(out.rows.json, S("[[1.5,true,null],[\"nan\",true,\"a\\\"b\"],[1.5,true,\"a\\\"b\"]]"));
    CHECK(out.count == 3 && !out.truncated && stale);
    const SqlColumnRow *columns = out.columns.v;
    CHECK_STR(columns[1].type, S("boolean"));
    CHECK_EQ(e.asked.n_allow, 0); /* no file but the lake's over HTTP */
    CHECK_EQ(e.asked.timeout_ms, 30000);
    q.limit = 2;
    CHECK_OK(cx, api_call(r.api, cx, &op_storage_sql, &q, &out));
    CHECK(out.count == 2 && out.truncated);
    CHECK_EQ(e.given, 3); /* the third row ended the query */
    char *large = arena_alloc(&r.t.arena, 900000);
    memset(large, 'x', 900000);
    e.cell = str_n(large, 900000);
    e.n_rows = q.limit = 1000;
    CHECK_OK(cx, api_call(r.api, cx, &op_storage_sql, &q, &out));
    CHECK(out.count == 19 && out.truncated && out.rows.json.n < 17 << 20); /* 16 MB */
    e.cell = str_n(large, 900000);
    e.code = ERR_INVALID;
    CHECK_EQ(api_call(r.api, cx, &op_storage_sql, &q, &out), ERR_INVALID);
    q.query = S("  ");
    CHECK_EQ(api_call(r.api, cx, &op_storage_sql, &q, &out), ERR_INVALID);
    rig_done(&r);
}

TESTS(T(the_tables_are_sound_MDS_45), T(paths_of_the_documents_lead_here_MDS_04),
      T(both_callers_hold_the_same_conversation_FLW_05), T(requests_that_cannot_be_are_refused_with_their_field_MDS_45),
      T(outcomes_have_words), T(what_changes_datasets_is_on_record_MDS_44),
      T(a_query_answers_rows_as_json_and_says_when_there_are_more))
