/* Backups of models: rows in models.db, weights in a folder of objects; together they come back (MDS-40). */

#include "adapters/registry/sqlite.h"
#include "adapters/store/sqlite.h"
#include "contract/backup_copy.h"
#include "services/models/registry.h"

typedef struct Opened {
    ObjectStore *files;
    ModelRegistry *registry;
    Models *models;
} Opened;

typedef struct Rig {
    TestCtx t;
    const char *dir;
    IdsSeeded ids;
    CandleStore *store; /* empty, but always a part */
    ObjectStore *backups;
    Opened m;
    BackupDatabase rows;
    BackupFolder folder;
    BackupOptions o;
} Rig;

static int rows_snapshot(void *registry, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return ml_snapshot(registry, cx, piece, arg);
}

static void models_open(Rig *r, const char *dir, Opened *m) {
    RegistrySqliteOptions o = { .path = path_join(&r->t.arena, dir, "models.db"), .ids = &r->ids.ids };
    CHECK_OK_PLAIN(&r->t.cx, object_dir_open(&r->t.cx, path_join(&r->t.arena, dir, "models"), &m->files));
    o.files = m->files;
    CHECK_OK_PLAIN(&r->t.cx, registry_sqlite_open(&r->t.cx, &o, &m->registry));
    m->models = models_new(&(ModelsOptions){ .registry = m->registry });
}

static void models_close(Opened *m) {
    models_free(m->models);
    model_registry_close(m->registry);
    object_store_close(m->files);
}

static const char *in_dir(Rig *r, const char *name) {
    return path_join(&r->t.arena, r->dir, name);
}

static void rig_open(Rig *r) {
    *r = (Rig){ 0 };
    test_ctx_init(&r->t);
    Ctx *cx = &r->t.cx;
    r->dir = test_dir();
    ids_seeded_init(&r->ids, 5);
    CHECK_OK_PLAIN(cx, store_sqlite_open(cx, &(StoreSqliteOptions){ .path = in_dir(r, "market.db") }, &r->store));
    CHECK_OK_PLAIN(cx, object_dir_open(cx, in_dir(r, "backups"), &r->backups));
    models_open(r, r->dir, &r->m);
    r->rows = (BackupDatabase){ "models.db", rows_snapshot, r->m.registry };
    r->folder = (BackupFolder){ "models", r->m.files };
    r->o = (BackupOptions){ .store = r->store,
                            .beside = &r->rows,
                            .n_beside = 1,
                            .folders = &r->folder,
                            .n_folders = 1,
                            .objects = r->backups };
}

static void rig_close(Rig *r) {
    models_close(&r->m);
    object_store_close(r->backups);
    candle_store_close(r->store);
    test_dir_done(r->dir);
    test_ctx_done(&r->t);
}

static void register_model(Rig *r, uint64_t seed) {
    static const ArtifactColumn columns[1] = { { STR_INIT("a"), 1.5, 2 } };
    Artifact a = { .model = S("naive"),
                   .preset = S("price"),
                   .split = S("0.7,0.1,0.2"),
                   .shape = { 8, 4, 1, 1, 1 },
                   .seed = seed,
                   .step_ms = 3600000,
                   .columns = columns,
                   .val = { .5, .5, 1, .6, 3, 10 },
                   .test = { .6, .5, 1, .6, 3, 20 },
                   .n_members = 1,
                   .members = { S("naive") },
                   .weights = { 1 } };
    ModelVersion v;
    Buf b;
    buf_init(&b, 1 << 20);
    CHECK_OK_PLAIN(&r->t.cx, artifact_write(&a, &r->t.cx, &b));
    CHECK_OK_PLAIN(&r->t.cx, models_register(r->m.models, &r->t.cx,
                                             &(ModelRegister){ .name = S("m"), .weights = buf_str(&b) }, &v));
    buf_done(&b);
}

/* Versions in a folder that was restored into; of each the weights are there and have their hash. */
static size_t restored_versions(Rig *r, Str id, const char *name) {
    Copy c = copy_restore(&r->t, r->backups, id, in_dir(r, name));
    Opened m;
    ModelVersion *v;
    ModelWeights w;
    size_t n = 0;
    copy_close(&c);
    models_open(r, c.dir, &m);
    int e = models_versions(m.models, &r->t.cx, S("m"), &v, &n);
    if (e != MODELS_NONE)
        CHECK_OK_PLAIN(&r->t.cx, e);
    for (size_t i = 0; i < n; i++)
        CHECK_OK_PLAIN(&r->t.cx, models_load(m.models, &r->t.cx, &v[i], &w));
    models_close(&m);
    return n;
}

static int count_gets(void *arg, Ctx *cx, const char *point) {
    UNUSED(cx);
    *(int *)arg += strcmp(point, "get") == 0;
    return 0;
}

TEST(models_come_back_with_their_weights_MDS_40) {
    Rig r;
    Backup first, second;
    rig_open(&r);
    register_model(&r, 1);
    register_model(&r, 2);
    CHECK_OK(&r.t.cx, backup_make(&r.t.cx, &r.o, &first));
    CHECK_EQ(restored_versions(&r, first.id, "first"), 2);
    register_model(&r, 3);
    int gets = 0;
    object_store_set_fault(r.m.files, count_gets, &gets);
    CHECK_OK(&r.t.cx, backup_make(&r.t.cx, &r.o, &second));
    object_store_set_fault(r.m.files, NULL, NULL);
    CHECK_EQ(gets, 3); /* the weights and the two cards of the third; the others did not change */
    CHECK_EQ(restored_versions(&r, second.id, "second"), 3);
    rig_close(&r);
}

typedef struct Between { /* registers a model when the rows are copied and the first file is about to be */
    Rig *r;
    bool done;
} Between;

static int register_between(void *arg, Ctx *cx, const char *point) {
    Between *b = arg;
    UNUSED(cx);
    if (strcmp(point, "list") == 0 && !b->done) {
        b->done = true;
        register_model(b->r, 9);
    }
    return 0;
}

TEST(a_model_registered_while_files_are_copied_is_whole_or_not_there) {
    Rig r;
    Backup b, next;
    rig_open(&r);
    register_model(&r, 1);
    Between between = { &r };
    object_store_set_fault(r.m.files, register_between, &between);
    CHECK_OK(&r.t.cx, backup_make(&r.t.cx, &r.o, &b));
    object_store_set_fault(r.m.files, NULL, NULL);
    CHECK(between.done);
    CHECK_EQ(restored_versions(&r, b.id, "before"), 1);
    CHECK_OK(&r.t.cx, backup_make(&r.t.cx, &r.o, &next));
    CHECK_EQ(restored_versions(&r, next.id, "after"), 2);
    rig_close(&r);
}

TEST(files_and_datasets_of_one_name_are_two_parts) {
    Rig r;
    Backup b;
    Str got;
    rig_open(&r);
    TestCtx *t = &r.t;
    CHECK_OK(&t->cx, object_dir_open(&t->cx, in_dir(&r, "objects"), &r.o.datasets));
    CHECK_OK(&t->cx, object_put(r.o.datasets, &t->cx, &(ObjectPut){ .key = S("same") }, S("data"), NULL));
    CHECK_OK(&t->cx, object_put(r.m.files, &t->cx, &(ObjectPut){ .key = S("same") }, S("file"), NULL));
    for (int i = 0; i < 2; i++) { /* the second takes both over from the first */
        CHECK_OK(&t->cx, backup_make(&t->cx, &r.o, &b));
        Copy c = copy_restore(t, r.backups, b.id, in_dir(&r, i ? "two" : "one"));
        CHECK_OK(&t->cx, object_get_all(c.objects, &t->cx, S("same"), 9, &got));
        CHECK_STR(got, S("data"));
        CHECK_OK(&t->cx, object_get_all(c.models, &t->cx, S("same"), 9, &got));
        CHECK_STR(got, S("file"));
        copy_close(&c);
    }
    object_store_close(r.o.datasets);
    rig_close(&r);
}

static int fail_third_get(void *arg, Ctx *cx, const char *point) {
    int *left = arg;
    if (strcmp(point, "get") == 0 && --*left == 0)
        return err_set(cx, ERR_IO, "the disk is gone");
    return 0;
}

TEST(a_backup_that_fails_among_the_weights_leaves_nothing) {
    Rig r;
    Backup b, *v;
    size_t n;
    int left = 3;
    rig_open(&r);
    for (uint64_t i = 0; i < 3; i++)
        register_model(&r, i);
    object_store_set_fault(r.m.files, fail_third_get, &left);
    CHECK_EQ(backup_make(&r.t.cx, &r.o, &b), ERR_IO);
    object_store_set_fault(r.m.files, NULL, NULL);
    CHECK_OK(&r.t.cx, backup_list(&r.t.cx, r.backups, &v, &n));
    CHECK_EQ(n, 0);
    bool more;
    ObjectInfo *packs;
    CHECK_OK(&r.t.cx, object_list(r.backups, &r.t.cx, S("packs/"), S(""), 0, &packs, &n, &more));
    CHECK_EQ(n, 0);
    rig_close(&r);
}

TESTS(T(models_come_back_with_their_weights_MDS_40), T(a_model_registered_while_files_are_copied_is_whole_or_not_there),
      T(files_and_datasets_of_one_name_are_two_parts), T(a_backup_that_fails_among_the_weights_leaves_nothing))
