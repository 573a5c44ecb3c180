/* services/models/register.c - a trained model becomes a version, whole or not at all. */

#include "services/models/internal.h"

enum { NAME_MAX_OURS = 128, CARD_MAX = 4 << 20 };

#define FOLDER "model" /* of a run's files */

typedef struct Registering { /* how far it came, for the way back */
    Models *m;
    ModelRegistry *r;
    const ModelRegister *q;
    Artifact a;
    char sha256[SHA256_HEX + 1];
    MlRun run;
    MlVersion version;
    bool has_run, has_model, has_version; /* model: made by us */
} Registering;

static int check(Registering *g, Ctx *cx) {
    Str name = g->q->name;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("._-", c, 3)))
            return err_set_at(cx, ERR_INVALID, S("name"), "a model's name has letters, digits, '.', '_' and '-' only");
    }
    if (name.n == 0 || name.n > NAME_MAX_OURS)
        return err_set_at(cx, ERR_INVALID, S("name"), "a model's name has 1 to %d letters", NAME_MAX_OURS);
    if (g->q->weights.n > g->m->o.weights_max)
        return err_set(cx, ERR_TOO_LARGE, "the model has %zu bytes, at most %zu are kept", g->q->weights.n,
                       g->m->o.weights_max);
    int r = artifact_read(cx, g->q->weights, &g->a);
    sha256_hex(g->q->weights, g->sha256);
    return r;
}

/* --- the run --- */

static int find_experiment(Registering *g, Ctx *cx, Str *id) {
    Str name = g->q->experiment.n ? g->q->experiment : S("finsight");
    MlExperiment e;
    int r = ml_experiment_named(g->r, cx, name, &e);
    if (r == 0 && e.life == ML_DELETED)
        return err_set_at(cx, ERR_CONFLICT, S("experiment"),
                          "experiment " STR_FMT " is deleted: restore it, or name "
                          "another",
                          STR_ARG(name));
    if (r == 0) {
        *id = e.id;
        return 0;
    }
    if (r != ERR_NOT_FOUND)
        return r;
    err_clear(cx);
    r = ml_experiment_create(g->r, cx, name, (Str){ 0 }, NULL, 0, id);
    if (r == ERR_CONFLICT) { /* somebody was faster */
        err_clear(cx);
        r = ml_experiment_named(g->r, cx, name, &e);
        *id = e.id;
    }
    return r;
}

static int begin_run(Registering *g, Ctx *cx) {
    Str experiment;
    int r = find_experiment(g, cx, &experiment);
    if (r)
        return r;
    MlTag tags[] = { { S("mlflow.source.name"), g->q->command.n ? str_first(g->q->command, 500) : S("finsight") },
                     { S("mlflow.source.type"), S("LOCAL") },
                     { S("mlflow.user"), cx->principal.id.n ? cx->principal.id : S("local") } };
    MlRunNew q = { .experiment = experiment,
                   .name = str_fmt(cx->arena, STR_FMT "-" STR_FMT "-%zu", STR_ARG(g->q->name), STR_ARG(g->a.model),
                                   g->a.shape.horizon),
                   .user = tags[2].value,
                   .tags = tags,
                   .n_tags = ARRAY_LEN(tags) };
    r = ml_run_create(g->r, cx, &q, &g->run);
    g->has_run = r == 0;
    return r;
}

static Str number(Ctx *cx, size_t v) {
    return str_fmt(cx->arena, "%zu", v);
}

static size_t put_metrics(MlMetric *v, size_t n, Ctx *cx, const char *part, const ArtifactFigures *f) {
    const struct {
        const char *name;
        double value;
    } rows[] = { { "mse", f->mse },
                 { "mae", f->mae },
                 { "naive_mse", f->naive_mse },
                 { "naive_mae", f->naive_mae },
                 { "diebold_mariano", f->dm },
                 { "windows", (double)f->n_windows } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        v[n++] = (MlMetric){ str_fmt(cx->arena, "%s_%s", part, rows[i].name), rows[i].value, clock_wall(cx->clock), 0 };
    return n;
}

static int log_run(Registering *g, Ctx *cx) {
    const Artifact *a = &g->a;
    MlMetric metrics[16];
    size_t n = put_metrics(metrics, 0, cx, "val", &a->val);
    n = put_metrics(metrics, n, cx, "test", &a->test);
    if (g->q->seconds > 0)
        metrics[n++] = (MlMetric){ S("train_seconds"), g->q->seconds, clock_wall(cx->clock), 0 };
    if (g->q->epochs)
        metrics[n++] = (MlMetric){ S("epochs"), (double)g->q->epochs, clock_wall(cx->clock), 0 };
    MlTag params[] = { { S("model"), a->model },
                       { S("preset"), a->preset },
                       { S("split"), a->split },
                       { S("horizon"), number(cx, a->shape.horizon) },
                       { S("look_back"), number(cx, a->shape.look_back) },
                       { S("season"), number(cx, a->shape.season) },
                       { S("channels"), number(cx, a->shape.n_channels) },
                       { S("targets"), number(cx, a->shape.n_targets) },
                       { S("members"), number(cx, a->n_members) },
                       { S("seed"), str_fmt(cx->arena, "%llu", (unsigned long long)a->seed) },
                       { S("step_ms"), str_fmt(cx->arena, "%lld", (long long)a->step_ms) },
                       { S("data"), a->data },
                       { S("data_sha256"), a->data_sha256 } };
    return ml_log(g->r, cx, g->run.id,
                  &(MlLog){ .metrics = metrics, .n_metrics = n, .params = params, .n_params = ARRAY_LEN(params) });
}

static int put_file(Registering *g, Ctx *cx, const char *name, Str bytes) {
    Str path;
    int r = ml_file_path(cx, g->run.artifact_uri, str_fmt(cx->arena, FOLDER "/%s", name), &path);
    return r ? r : ml_file_put(g->r, cx, path, bytes);
}

static int put_files(Registering *g, Ctx *cx) {
    Buf json, markdown;
    buf_init(&json, CARD_MAX);
    buf_init(&markdown, CARD_MAX);
    models_first_card(&g->a, g->q, str_c(g->sha256), &json, &markdown);
    int r = buf_ok(&json) && buf_ok(&markdown) ? 0 : err_set(cx, ERR_LIMIT, "the card is too long");
    if (r == 0)
        r = put_file(g, cx, "weights", g->q->weights);
    if (r == 0)
        r = put_file(g, cx, "card.json", buf_str(&json));
    if (r == 0)
        r = put_file(g, cx, "card.md", buf_str(&markdown));
    buf_done(&json);
    buf_done(&markdown);
    return r;
}

/* --- the version --- */

static int find_model(Registering *g, Ctx *cx) {
    MlModel m;
    int r = ml_model(g->r, cx, g->q->name, &m);
    if (r != ERR_NOT_FOUND)
        return r;
    err_clear(cx);
    r = ml_model_create(g->r, cx, g->q->name, (Str){ 0 }, NULL, 0, &m);
    g->has_model = r == 0;
    if (r == ERR_CONFLICT) { /* somebody was faster */
        err_clear(cx);
        r = 0;
    }
    return r;
}

static int make_version(Registering *g, Ctx *cx) {
    MlTag tags[ML_BATCH_TAGS];
    size_t n = 0;
    if (g->q->n_tags > ARRAY_LEN(tags) - 6)
        return err_set(cx, ERR_INVALID, "%zu tags are too many", g->q->n_tags);
    tags[n++] = (MlTag){ MODEL_TAG_SHA256, str_c(g->sha256) };
    tags[n++] = (MlTag){ MODEL_TAG_FILE, S("weights") };
    tags[n++] = (MlTag){ MODEL_TAG_KIND, g->a.model };
    tags[n++] = (MlTag){ MODEL_TAG_BEATS, artifact_beats_naive(&g->a) ? S("true") : S("false") };
    tags[n++] = (MlTag){ MODEL_TAG_DATA, g->a.data_sha256 };
    if (g->q->parent.n)
        tags[n++] = (MlTag){ MODEL_TAG_PARENT, g->q->parent };
    for (size_t i = 0; i < g->q->n_tags; i++)
        tags[n++] = g->q->tags[i];
    MlVersionNew q = { .name = g->q->name,
                       .source = str_fmt(cx->arena, STR_FMT "/" FOLDER, STR_ARG(g->run.artifact_uri)),
                       .run_id = g->run.id,
                       .user = g->run.user,
                       .tags = tags,
                       .n_tags = n };
    int r = ml_version_create(g->r, cx, &q, &g->version);
    g->has_version = r == 0;
    return r;
}

static int end_run(Registering *g, Ctx *cx) {
    MlRunUpdate q = { .status = ML_FINISHED, .ended = clock_wall(cx->clock) };
    return ml_run_update(g->r, cx, g->run.id, &q, &g->run);
}

/* Best effort: the failure told is the one that made us turn back, and neither deadline nor cancel holds this up. */
static void turn_back(Registering *g, const Ctx *cx) {
    Ctx undo = *cx;
    Str path;
    MlModel m;
    undo.deadline = (MonoNs){ 0 };
    undo.cancel = NULL;
    if (g->has_version)
        ml_version_delete(g->r, &undo, g->version.name, g->version.version);
    if (g->has_model && ml_model(g->r, &undo, g->q->name, &m) == 0 && m.n_latest == 0)
        ml_model_delete(g->r, &undo, g->q->name);
    if (!g->has_run)
        return;
    if (ml_file_path(&undo, g->run.artifact_uri, S(FOLDER), &path) == 0)
        ml_file_remove(g->r, &undo, path);
    ml_run_update(g->r, &undo, g->run.id, &(MlRunUpdate){ .status = ML_FAILED, .ended = clock_wall(undo.clock) },
                  &g->run);
    ml_run_life(g->r, &undo, g->run.id, ML_DELETED);
}

int models_register(Models *m, Ctx *cx, const ModelRegister *q, ModelVersion *out) {
    static int (*const steps[])(Registering *, Ctx *) = { begin_run,  log_run,      put_files,
                                                          find_model, make_version, end_run };
    Registering g = { .m = m, .r = m->o.registry, .q = q };
    int r = check(&g, cx);
    if (r)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(steps) && r == 0; i++)
        r = steps[i](&g, cx);
    if (r == 0)
        r = models_take(m, cx, &g.version, out);
    if (r) {
        Err why = cx->err;
        turn_back(&g, cx);
        cx->err = why;
    }
    return r;
}
