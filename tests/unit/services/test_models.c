/* tests/unit/services/test_models.c - trained models as registered ones (PRD-06, PRD-08, PRD-13, PRD-14). */

#include "adapters/object/dir.h"
#include "adapters/registry/sqlite.h"
#include "base/file.h"
#include "lib/test.h"
#include "services/models/registry.h"

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    IdsSeeded ids;
    ObjectStore *files, *cache;
    ModelRegistry *r;
    Models *m;
} Fixture;

static void begin(Fixture *f) {
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    f->dir = test_dir();
    ids_seeded_init(&f->ids, 1);
    CHECK_OK_PLAIN(&f->t.cx, object_dir_open(&f->t.cx, path_join(&f->t.arena, f->dir, "files"), &f->files));
    CHECK_OK_PLAIN(&f->t.cx, object_dir_open(&f->t.cx, path_join(&f->t.arena, f->dir, "cache"), &f->cache));
    RegistrySqliteOptions o = { .files = f->files, .ids = &f->ids.ids };
    CHECK_OK_PLAIN(&f->t.cx, registry_sqlite_open(&f->t.cx, &o, &f->r));
    f->m = models_new(&(ModelsOptions){ .registry = f->r, .cache = f->cache });
}

static void end(Fixture *f) {
    models_free(f->m);
    model_registry_close(f->r);
    object_store_close(f->files);
    object_store_close(f->cache);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

/* A model whose validation is mse beside 1 of the last value. */
static Str weights(Fixture *f, double mse, double dm, uint64_t seed) {
    static const ArtifactColumn columns[1] = { { STR_INIT("a"), 1.5, 2 } };
    Artifact a = { .model = S("naive"),
                   .preset = S("price"),
                   .split = S("0.7,0.1,0.2"),
                   .shape = { 8, 4, 1, 1, 1 },
                   .seed = seed,
                   .step_ms = 3600000,
                   .columns = columns,
                   .data = S("x.csv"),
                   .data_sha256 = S("00ff"),
                   .val = { mse, .5, 1, .6, dm, 10 },
                   .test = { mse + .1, .5, 1, .6, dm, 20 },
                   .n_members = 1,
                   .members = { S("naive") },
                   .weights = { 1 } };
    Buf b;
    buf_init(&b, 1 << 20);
    CHECK_OK_PLAIN(&f->t.cx, artifact_write(&a, &f->t.cx, &b));
    Str bytes = str_dup(&f->t.arena, buf_str(&b));
    buf_done(&b);
    return bytes;
}

static ModelVersion registered(Fixture *f, const char *name, double mse, double dm) {
    static uint64_t seed;
    ModelVersion v;
    clock_manual_advance_ms(&f->t.clock, 10);
    ModelRegister q = { .name = str_c(name), .weights = weights(f, mse, dm, ++seed), .command = S("finsight train") };
    CHECK_OK_PLAIN(&f->t.cx, models_register(f->m, &f->t.cx, &q, &v));
    return v;
}

static Str weights_path(Fixture *f, const ModelVersion *v) {
    Str path;
    CHECK_OK_PLAIN(&f->t.cx, ml_file_path(&f->t.cx, v->v.source, S("weights"), &path));
    return path;
}

TEST(one_call_registers_run_files_and_version) { /* PRD-06 */
    Fixture f;
    MlRun run;
    MlFile *files;
    size_t n;
    ModelWeights w;
    Artifact a;
    double x;
    begin(&f);
    ModelVersion v = registered(&f, "btc-1h", .5, 3);
    CHECK_STR(v.v.version, S("1"));
    CHECK(v.beats_naive && !v.forced);
    CHECK_NEAR(v.val.mse, .5, 0);
    CHECK_NEAR(v.val.naive_mse, 1, 0);
    CHECK_OK(&f.t.cx, ml_run(f.r, &f.t.cx, v.v.run_id, &run));
    CHECK_EQ(run.status, ML_FINISHED);
    CHECK(ml_metric(&run, S("test_naive_mse"), &x)); /* never without the last value (PRD-18) */
    CHECK_STR(ml_tag(run.params, run.n_params, S("horizon")), S("4"));
    Str folder;
    CHECK_OK(&f.t.cx, ml_file_path(&f.t.cx, v.v.source, (Str){ 0 }, &folder));
    CHECK_OK(&f.t.cx, ml_file_list(f.r, &f.t.cx, folder, &files, &n));
    CHECK_EQ(n, 3); /* weights, the card as JSON and as Markdown */
    CHECK_OK(&f.t.cx, models_load(f.m, &f.t.cx, &v, &w));
    CHECK_OK(&f.t.cx, artifact_read(&f.t.cx, w.bytes, &a));
    CHECK_STR(a.model, S("naive"));
    end(&f);
}

typedef struct Failing {
    const char *point;
    int left; /* calls of it that still work */
} Failing;

static int fail_at(void *arg, Ctx *cx, const char *point) {
    Failing *f = arg;
    if (strcmp(point, f->point) != 0 || f->left-- > 0)
        return 0;
    f->left = INT32_MAX; /* once */
    return err_set(cx, ERR_IO, "planted");
}

TEST(half_a_registration_leaves_nothing) { /* PRD-06: rollback on half failure */
    static const struct {
        const char *name;
        int left;
    } rows[] = { { "run_create", 0 }, { "log", 0 },          { "file_put", 0 },       { "file_put", 2 },
                 { "model", 0 },      { "model_create", 0 }, { "version_create", 0 }, { "run_update", 0 } };
    EACH_ROW (r, rows) {
        Fixture f;
        ModelVersion v;
        MlModel m;
        MlRun *runs;
        MlFile *files;
        size_t n;
        Str next, experiment;
        begin(&f);
        CHECK_OK(&f.t.cx, ml_experiment_create(f.r, &f.t.cx, S("finsight"), (Str){ 0 }, NULL, 0, &experiment));
        Failing failing = { r->name, r->left };
        f.r->fault = fail_at;
        f.r->fault_arg = &failing;
        ModelRegister q = { .name = S("btc-1h"), .weights = weights(&f, .5, 3, 1) };
        CHECK_EQ(models_register(f.m, &f.t.cx, &q, &v), ERR_IO);
        CHECK_STR(str_c(f.t.cx.err.text), S("planted"));
        f.r->fault = NULL;
        CHECK_EQ(ml_model(f.r, &f.t.cx, S("btc-1h"), &m), ERR_NOT_FOUND);
        MlSearch all = { .experiments = &experiment, .n_experiments = 1, .limit = 10 };
        CHECK_OK(&f.t.cx, ml_runs(f.r, &f.t.cx, &all, &runs, &n, &next));
        CHECK_EQ(n, 0);
        CHECK_OK(&f.t.cx, ml_file_list(f.r, &f.t.cx, (Str){ 0 }, &files, &n));
        CHECK_EQ(n, 0);
        CHECK_OK(&f.t.cx, models_register(f.m, &f.t.cx, &q, &v)); /* and the next try works */
        CHECK_STR(v.v.version, S("1"));
        end(&f);
    }
}

TEST(a_file_that_is_no_model_is_refused_before_anything_is_kept) {
    Fixture f;
    ModelVersion v;
    MlModel *models;
    size_t n;
    Str next;
    begin(&f);
    Str good = weights(&f, .5, 3, 1);
    char *bad = arena_alloc(&f.t.arena, good.n);
    memcpy(bad, good.p, good.n);
    bad[good.n - 1] ^= 1;
    Str rows[] = { S("not a model"), str_n(bad, good.n), str_first(good, good.n - 1) };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_EQ(models_register(f.m, &f.t.cx, &(ModelRegister){ .name = S("x"), .weights = rows[i] }, &v),
                 ERR_CORRUPT);
    CHECK_EQ(models_register(f.m, &f.t.cx, &(ModelRegister){ .name = S("a/b"), .weights = good }, &v), ERR_INVALID);
    CHECK_OK(&f.t.cx, ml_models(f.r, &f.t.cx, &(MlSearch){ .limit = 10 }, &models, &n, &next));
    CHECK_EQ(n, 0);
    end(&f);
}

TEST(weights_are_checked_by_hash_and_kept_in_the_cache) { /* PRD-08, PRD-14 */
    Fixture f;
    ModelWeights w;
    begin(&f);
    ModelVersion v = registered(&f, "btc-1h", .5, 3);
    CHECK_OK(&f.t.cx, models_load(f.m, &f.t.cx, &v, &w));
    CHECK(!w.warm);
    CHECK_OK(&f.t.cx, ml_file_remove(f.r, &f.t.cx, weights_path(&f, &v))); /* the registry's copy is gone */
    CHECK_OK(&f.t.cx, models_load(f.m, &f.t.cx, &v, &w));
    CHECK(w.warm);
    ObjectInfo info;
    CHECK_OK(&f.t.cx, object_put(f.cache, &f.t.cx, &(ObjectPut){ .key = v.sha256 }, S("spoiled"), &info));
    CHECK_EQ(models_load(f.m, &f.t.cx, &v, &w), ERR_NOT_FOUND); /* neither of them is given out */
    CHECK_EQ(object_head(f.cache, &f.t.cx, v.sha256, &info), OBJECT_NONE);
    end(&f);
}

TEST(corrupt_weights_are_refused) { /* PRD-08 */
    Fixture f;
    ModelWeights w;
    ModelVersion out;
    begin(&f);
    ModelVersion v = registered(&f, "btc-1h", .5, 3);
    /* another whole model in its place: its own seal is right, its hash is not the one registered */
    CHECK_OK(&f.t.cx, ml_file_put(f.r, &f.t.cx, weights_path(&f, &v), weights(&f, .4, 3, 99)));
    CHECK_EQ(models_load(f.m, &f.t.cx, &v, &w), ERR_CORRUPT);
    CHECK(strstr(f.t.cx.err.text, "SHA-256"));
    CHECK_EQ(models_promote(f.m, &f.t.cx, &v, &(ModelPromote){ 0 }, &out), ERR_CORRUPT);
    CHECK_EQ(models_resolve(f.m, &f.t.cx, S("btc-1h"), &out), MODELS_NONE); /* it was not promoted */
    end(&f);
}

TEST(what_does_not_beat_the_last_value_is_promoted_by_force_alone) {
    Fixture f;
    ModelVersion out;
    begin(&f);
    ModelVersion worse = registered(&f, "m", 1.2, -2), lucky = registered(&f, "m", .9, 1);
    CHECK(!worse.beats_naive && !lucky.beats_naive);
    CHECK_EQ(models_promote(f.m, &f.t.cx, &worse, &(ModelPromote){ 0 }, &out), ERR_CONFLICT);
    CHECK(strstr(f.t.cx.err.text, "repeating the last value"));
    CHECK_EQ(models_promote(f.m, &f.t.cx, &lucky, &(ModelPromote){ 0 }, &out), ERR_CONFLICT);
    CHECK_EQ(models_resolve(f.m, &f.t.cx, S("m"), &out), MODELS_NONE);
    CHECK_OK(&f.t.cx, models_promote(f.m, &f.t.cx, &worse, &(ModelPromote){ .forced = true }, &out));
    CHECK(out.forced && !out.beats_naive);
    CHECK_EQ(out.v.stage, ML_STAGE_PRODUCTION);
    CHECK_OK(&f.t.cx, models_resolve(f.m, &f.t.cx, S("m"), &out));
    CHECK_STR(out.v.version, S("1"));
    CHECK_OK(&f.t.cx, models_promote(f.m, &f.t.cx, &lucky, &(ModelPromote){ .stage = ML_STAGE_STAGING }, &out));
    end(&f);
}

TEST(a_promotion_archives_what_stood_there_and_a_failed_one_changes_nothing) {
    Fixture f;
    ModelVersion out;
    begin(&f);
    ModelVersion a = registered(&f, "m", .5, 3), b = registered(&f, "m", .4, 3);
    CHECK_OK(&f.t.cx, models_promote(f.m, &f.t.cx, &a, &(ModelPromote){ 0 }, &out));
    Failing failing = { "version_stage", 0 };
    f.r->fault = fail_at;
    f.r->fault_arg = &failing;
    CHECK_EQ(models_promote(f.m, &f.t.cx, &b, &(ModelPromote){ 0 }, &out), ERR_IO);
    CHECK_OK(&f.t.cx, models_resolve(f.m, &f.t.cx, S("m"), &out));
    CHECK_STR(out.v.version, S("1"));
    CHECK_OK(&f.t.cx, models_promote(f.m, &f.t.cx, &b, &(ModelPromote){ 0 }, &out));
    CHECK_OK(&f.t.cx, models_version(f.m, &f.t.cx, S("m"), S("1"), &out));
    CHECK_EQ(out.v.stage, ML_STAGE_ARCHIVED);
    CHECK_EQ(out.v.n_aliases, 0);
    CHECK_OK(&f.t.cx, models_version(f.m, &f.t.cx, S("m"), S("2"), &b));
    CHECK_OK(&f.t.cx, models_promote(f.m, &f.t.cx, &b, &(ModelPromote){ .stage = ML_STAGE_ARCHIVED }, &out));
    CHECK_EQ(models_resolve(f.m, &f.t.cx, S("m"), &out), MODELS_NONE);
    end(&f);
}

TEST(names_versions_stages_and_aliases_are_resolved) {
    static const struct {
        const char *name;
        int want;
        const char *version;
    } rows[] = {
        { "m", 0, "2" },
        { "m/1", 0, "1" },
        { "m/latest", 0, "3" },
        { "m/Production", 0, "2" },
        { "m/production", 0, "2" },
        { "m@champion", 0, "2" },
        { "models:/m/3", 0, "3" },
        { "models:/m@champion", 0, "2" },
        { "m/9", MODELS_NONE, "" },
        { "m@none", MODELS_NONE, "" },
        { "m/Staging", MODELS_NONE, "" },
        { "nobody", MODELS_NONE, "" },
        { "m/", ERR_INVALID, "" },
        { "m/x", ERR_INVALID, "" },
        { "", ERR_INVALID, "" },
    };
    Fixture f;
    ModelVersion out;
    begin(&f);
    registered(&f, "m", .5, 3);
    ModelVersion b = registered(&f, "m", .4, 3);
    registered(&f, "m", .3, 3);
    CHECK_OK(&f.t.cx, models_promote(f.m, &f.t.cx, &b, &(ModelPromote){ 0 }, &out));
    EACH_ROW (r, rows) {
        CHECK_EQ(models_resolve(f.m, &f.t.cx, str_c(r->name), &out), r->want);
        if (r->want == 0)
            CHECK_STR(out.v.version, str_c(r->version));
    }
    end(&f);
}

TEST(the_best_one_of_ties_missing_figures_and_the_archive) { /* PRD-13 */
    Fixture f;
    ModelVersion out;
    MlVersion v;
    begin(&f);
    CHECK_EQ(models_best(f.m, &f.t.cx, S("m"), &(ModelBest){ 0 }, &out), MODELS_NONE); /* no such model */
    registered(&f, "m", .5, 3);
    registered(&f, "m", .4, 3);
    registered(&f, "m", .4, 3); /* the same again: the newest of equals */
    registered(&f, "m", NAN, 3);
    ModelVersion archived = registered(&f, "m", .1, 3), gone = registered(&f, "m", .05, 3);
    CHECK_OK(&f.t.cx, ml_version_create(f.r, &f.t.cx, /* a client's own: it has no run, so no figures */
                                        &(MlVersionNew){ .name = S("m"), .source = S("mlflow-artifacts:/0/x") }, &v));
    CHECK_OK(&f.t.cx, models_promote(f.m, &f.t.cx, &archived, &(ModelPromote){ .stage = ML_STAGE_ARCHIVED }, &out));
    CHECK_OK(&f.t.cx, ml_run_life(f.r, &f.t.cx, gone.v.run_id, ML_DELETED));
    CHECK_OK(&f.t.cx, models_best(f.m, &f.t.cx, S("m"), &(ModelBest){ 0 }, &out));
    CHECK_STR(out.v.version, S("3"));
    CHECK_OK(&f.t.cx, models_best(f.m, &f.t.cx, S("m"), &(ModelBest){ .archived = true }, &out));
    CHECK_STR(out.v.version, S("5"));
    CHECK_OK(&f.t.cx, models_best(f.m, &f.t.cx, S("m"), &(ModelBest){ .larger = true }, &out));
    CHECK_STR(out.v.version, S("1"));
    CHECK_EQ(models_best(f.m, &f.t.cx, S("m"), &(ModelBest){ .metric = S("nobody logged it") }, &out), MODELS_NONE);
    end(&f);
}

TEST(the_card_shows_the_last_value_beside_every_figure) {
    Fixture f;
    Buf b;
    JsonWriter w;
    begin(&f);
    ModelVersion v = registered(&f, "m", 1.25, -2);
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    CHECK_OK(&f.t.cx, models_card_json(f.m, &f.t.cx, &v, &w));
    CHECK(str_find(buf_str(&b), S("\"validation\":{\"mse\":1.25,\"mae\":0.5,\"naive_mse\":1,")) > 0);
    CHECK(str_find(buf_str(&b), str_fmt(&f.t.arena, "\"weights_sha256\":\"" STR_FMT "\"", STR_ARG(v.sha256))) > 0);
    CHECK(str_find(buf_str(&b), S("\"horizon\":\"4\"")) > 0);
    CHECK(str_find(buf_str(&b), S("\"run_id\":\"")) > 0);
    buf_clear(&b);
    CHECK_OK(&f.t.cx, models_card_markdown(f.m, &f.t.cx, &v, &b));
    CHECK(str_find(buf_str(&b), S("| validation | 1.2500 | 1.0000 |")) > 0);
    CHECK(str_find(buf_str(&b), S("not clearly better than repeating the last value")) > 0);
    buf_done(&b);
    end(&f);
}

TESTS(T(one_call_registers_run_files_and_version), T(half_a_registration_leaves_nothing),
      T(a_file_that_is_no_model_is_refused_before_anything_is_kept),
      T(weights_are_checked_by_hash_and_kept_in_the_cache), T(corrupt_weights_are_refused),
      T(what_does_not_beat_the_last_value_is_promoted_by_force_alone),
      T(a_promotion_archives_what_stood_there_and_a_failed_one_changes_nothing),
      T(names_versions_stages_and_aliases_are_resolved), T(the_best_one_of_ties_missing_figures_and_the_archive),
      T(the_card_shows_the_last_value_beside_every_figure))
