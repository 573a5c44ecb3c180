/* adapters/registry/models.c - registered models, their versions, stages and aliases. */

#include "adapters/registry/internal.h"

/* --- reading --- */

void model_row(Ctx *cx, sqlite3_stmt *st, int64_t *nr, MlModel *out) {
    *nr = db_i64(st, 0);
    *out = (MlModel){ .name = text_at(cx, st, 1),
                      .description = text_at(cx, st, 2),
                      .created = time_ms(db_i64(st, 3)),
                      .updated = time_ms(db_i64(st, 4)) };
}

int version_row(Db *db, Ctx *cx, sqlite3_stmt *st, int64_t *nr, int64_t *model, MlVersion *out) {
    Str stage = db_text(st, 3);
    int64_t ready = db_i64(st, 4);
    *nr = db_i64(st, 0);
    *model = db_i64(st, 12);
    *out = (MlVersion){ .name = text_at(cx, st, 1),
                        .version = str_fmt(cx->arena, "%lld", (long long)db_i64(st, 2)),
                        .ready = (MlReady)ready,
                        .created = time_ms(db_i64(st, 5)),
                        .updated = time_ms(db_i64(st, 6)),
                        .source = text_at(cx, st, 7),
                        .run_id = text_at(cx, st, 8),
                        .run_link = text_at(cx, st, 9),
                        .description = text_at(cx, st, 10),
                        .user = text_at(cx, st, 11) };
    return ml_stage_parse(stage, &out->stage) && ready >= 0 && ready <= ML_REGISTRATION_FAILED
               ? 0
               : err_set(cx, ERR_CORRUPT, "%s: version " STR_FMT " of " STR_FMT " has a stage that does not exist",
                         db->path, STR_ARG(out->version), STR_ARG(out->name));
}

int version_fill(Db *db, Ctx *cx, int64_t nr, int64_t model, MlVersion *out) {
    VEC(Str) aliases = { 0 };
    sqlite3_stmt *st;
    int64_t number = 0;
    str_to_i64(out->version, &number);
    int r = db_query(db, cx, SQL_ALIAS_OF, &st, "ii", model, number);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        vec_push_in(cx->arena, &aliases, text_at(cx, st, 0));
        r = 0;
    }
    out->aliases = aliases.v;
    out->n_aliases = aliases.n;
    return r ? r : tags_read(db, cx, ML_OF_VERSION, nr, &out->tags, &out->n_tags);
}

int version_read(Db *db, Ctx *cx, Str name, Str version, int64_t *nr, int64_t *model, MlVersion *out) {
    sqlite3_stmt *st;
    int64_t number = 0;
    str_to_i64(version, &number);
    int r = db_query(db, cx, SQL_VERSION_GET, &st, "si", name, number);
    if (r == 0)
        r = db_step(db, cx, st);
    if (r == 0)
        return err_set(cx, ERR_NOT_FOUND, "Model Version (name=" STR_FMT ", version=" STR_FMT ") not found",
                       STR_ARG(name), STR_ARG(version));
    if (r > 0) {
        r = version_row(db, cx, st, nr, model, out);
        db_reset(st);
    }
    return r ? r : version_fill(db, cx, *nr, *model, out);
}

static int read_latest(Db *db, Ctx *cx, int64_t model, MlModel *out) {
    int64_t nr[ML_STAGE_ARCHIVED + 1], same;
    MlVersion *v = arena_new_n(cx->arena, MlVersion, ARRAY_LEN(nr));
    sqlite3_stmt *st;
    size_t n = 0;
    int r = db_query(db, cx, SQL_MODEL_LATEST, &st, "i", model);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        assert(n < ARRAY_LEN(nr));
        r = version_row(db, cx, st, &nr[n], &same, &v[n]);
        n++;
    }
    for (size_t i = 0; i < n && r == 0; i++)
        r = version_fill(db, cx, nr[i], model, &v[i]);
    out->latest = v;
    out->n_latest = n;
    return r;
}

int model_fill(Db *db, Ctx *cx, int64_t nr, MlModel *out) {
    VEC(MlAlias) aliases = { 0 };
    sqlite3_stmt *st;
    int r = read_latest(db, cx, nr, out);
    if (r == 0)
        r = db_query(db, cx, SQL_MODEL_ALIASES, &st, "i", nr);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        MlAlias a = { text_at(cx, st, 0), str_fmt(cx->arena, "%lld", (long long)db_i64(st, 1)) };
        vec_push_in(cx->arena, &aliases, a);
        r = 0;
    }
    out->aliases = aliases.v;
    out->n_aliases = aliases.n;
    return r ? r : tags_read(db, cx, ML_OF_MODEL, nr, &out->tags, &out->n_tags);
}

/* 1 it is there, 0 not. */
static int model_find(Db *db, Ctx *cx, Str name, int64_t *nr, MlModel *out) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_MODEL_GET, &st, "s", name);
    if (r == 0)
        r = db_step(db, cx, st);
    if (r > 0) {
        model_row(cx, st, nr, out);
        db_reset(st);
    }
    return r;
}

int model_read(Db *db, Ctx *cx, Str name, int64_t *nr, MlModel *out) {
    int r = model_find(db, cx, name, nr, out);
    if (r == 0)
        return err_set(cx, ERR_NOT_FOUND, "Registered Model with name=" STR_FMT " not found", STR_ARG(name));
    return r < 0 ? r : model_fill(db, cx, *nr, out);
}

/* --- changing --- */

typedef struct ModelWork {
    Str name, to, description, alias, version;
    const MlVersionNew *create;
    const MlTag *tags;
    size_t n_tags;
    MlStage stage;
    bool archive;
    Time now;
    MlModel *out;
    MlVersion *version_out;
} ModelWork;

static int write_model(ModelRegistry *r, Ctx *cx, DbWork *fn, ModelWork w) {
    w.now = clock_wall(cx->clock);
    return db_owner_write(owner_of(r), cx, fn, &w);
}

static int model_name_is_free(Db *db, Ctx *cx, Str name) {
    MlModel m;
    int64_t nr;
    int r = model_find(db, cx, name, &nr, &m);
    return r > 0 ? err_set(cx, ERR_CONFLICT, "Registered Model (name=" STR_FMT ") already exists.", STR_ARG(name)) : r;
}

static int work_model_create(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    int64_t nr;
    int r = model_name_is_free(db, cx, w->name);
    if (r == 0)
        r = db_run(db, cx, SQL_MODEL_ADD, "ssi", w->name, w->description, w->now.ms);
    if (r == 0)
        r = last_id(db, cx, &nr);
    if (r == 0)
        r = tags_write(db, cx, ML_OF_MODEL, nr, w->tags, w->n_tags);
    return r ? r : model_read(db, cx, w->name, &nr, w->out);
}

int do_model_create(ModelRegistry *r, Ctx *cx, Str name, Str description, const MlTag *tags, size_t n, MlModel *out) {
    return write_model(r, cx, work_model_create,
                       (ModelWork){ .name = name, .description = description, .tags = tags, .n_tags = n, .out = out });
}

static int work_model(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    int64_t nr;
    return model_read(db, cx, w->name, &nr, w->out);
}

int do_model(ModelRegistry *r, Ctx *cx, Str name, MlModel *out) {
    return db_owner_read(owner_of(r), cx, work_model, &(ModelWork){ .name = name, .out = out });
}

static int work_model_rename(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    int64_t nr;
    int r = model_read(db, cx, w->name, &nr, w->out);
    if (r == 0 && !str_eq(w->name, w->to))
        r = model_name_is_free(db, cx, w->to);
    if (r == 0)
        r = db_run(db, cx, SQL_MODEL_RENAME, "isi", nr, w->to, w->now.ms);
    return r ? r : model_read(db, cx, w->to, &nr, w->out);
}

int do_model_rename(ModelRegistry *r, Ctx *cx, Str name, Str to, MlModel *out) {
    return write_model(r, cx, work_model_rename, (ModelWork){ .name = name, .to = to, .out = out });
}

static int work_model_describe(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    int64_t nr;
    int r = model_read(db, cx, w->name, &nr, w->out);
    if (r == 0)
        r = db_run(db, cx, SQL_MODEL_DESCRIBE, "isi", nr, w->description, w->now.ms);
    return r ? r : model_read(db, cx, w->name, &nr, w->out);
}

int do_model_describe(ModelRegistry *r, Ctx *cx, Str name, Str description, MlModel *out) {
    return write_model(r, cx, work_model_describe, (ModelWork){ .name = name, .description = description, .out = out });
}

static int work_model_delete(Db *db, Ctx *cx, void *arg) {
    static const int sqls[] = { SQL_MODEL_VERSION_TAGS_DROP, SQL_MODEL_VERSIONS_DROP, SQL_MODEL_ALIASES_DROP,
                                SQL_MODEL_DROP };
    const ModelWork *w = arg;
    MlModel m;
    int64_t nr;
    int r = model_read(db, cx, w->name, &nr, &m);
    for (size_t i = 0; i < ARRAY_LEN(sqls) && r == 0; i++)
        r = db_run(db, cx, sqls[i], "i", nr);
    return r ? r : db_run(db, cx, SQL_TAG_CLEAR, "ii", (int64_t)ML_OF_MODEL, nr);
}

int do_model_delete(ModelRegistry *r, Ctx *cx, Str name) {
    return write_model(r, cx, work_model_delete, (ModelWork){ .name = name });
}

static int work_alias_set(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    MlVersion v;
    int64_t nr, model, number = 0;
    str_to_i64(w->version, &number);
    int r = version_read(db, cx, w->name, w->version, &nr, &model, &v);
    return r ? r : db_run(db, cx, SQL_ALIAS_PUT, "isi", model, w->alias, number);
}

int do_alias_set(ModelRegistry *r, Ctx *cx, Str name, Str alias, Str version) {
    return write_model(r, cx, work_alias_set, (ModelWork){ .name = name, .alias = alias, .version = version });
}

static int work_alias_drop(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    MlModel m;
    int64_t nr;
    int r = model_read(db, cx, w->name, &nr, &m);
    return r ? r : db_run(db, cx, SQL_ALIAS_DROP, "is", nr, w->alias);
}

int do_alias_drop(ModelRegistry *r, Ctx *cx, Str name, Str alias) {
    return write_model(r, cx, work_alias_drop, (ModelWork){ .name = name, .alias = alias });
}

/* --- versions --- */

static int next_version(Db *db, Ctx *cx, int64_t model, Time now, int64_t *out) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_MODEL_NEXT, &st, "ii", model, now.ms);
    r = r ? r : db_step(db, cx, st);
    if (r <= 0)
        return r < 0 ? r : err_set(cx, ERR_CORRUPT, "%s: a model went away under a change", db->path);
    *out = db_i64(st, 0);
    while ((r = db_step(db, cx, st)) > 0) /* an update that gives rows back is done when they are read */
        ;
    return r;
}

static int work_version_create(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    const MlVersionNew *q = w->create;
    MlModel m;
    int64_t model, nr, number = 0;
    int r = model_read(db, cx, q->name, &model, &m);
    if (r == 0)
        r = next_version(db, cx, model, w->now, &number);
    if (r == 0)
        r = db_run(db, cx, SQL_VERSION_ADD, "iiisssss", model, number, w->now.ms, q->source, q->run_id, q->run_link,
                   q->description, q->user);
    if (r == 0)
        r = last_id(db, cx, &nr);
    if (r == 0)
        r = tags_write(db, cx, ML_OF_VERSION, nr, q->tags, q->n_tags);
    if (r)
        return r;
    return version_read(db, cx, q->name, str_fmt(cx->arena, "%lld", (long long)number), &nr, &model, w->version_out);
}

int do_version_create(ModelRegistry *r, Ctx *cx, const MlVersionNew *q, MlVersion *out) {
    return write_model(r, cx, work_version_create, (ModelWork){ .create = q, .version_out = out });
}

static int work_version(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    int64_t nr, model;
    return version_read(db, cx, w->name, w->version, &nr, &model, w->version_out);
}

int do_version(ModelRegistry *r, Ctx *cx, Str name, Str version, MlVersion *out) {
    ModelWork w = { .name = name, .version = version, .version_out = out };
    return db_owner_read(owner_of(r), cx, work_version, &w);
}

static int work_version_describe(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    int64_t nr, model;
    int r = version_read(db, cx, w->name, w->version, &nr, &model, w->version_out);
    if (r == 0)
        r = db_run(db, cx, SQL_VERSION_DESCRIBE, "isi", nr, w->description, w->now.ms);
    return r ? r : version_read(db, cx, w->name, w->version, &nr, &model, w->version_out);
}

int do_version_describe(ModelRegistry *r, Ctx *cx, Str name, Str version, Str description, MlVersion *out) {
    ModelWork w = { .name = name, .version = version, .description = description, .version_out = out };
    return write_model(r, cx, work_version_describe, w);
}

static int work_version_delete(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    MlVersion v;
    int64_t nr, model, number = 0;
    str_to_i64(w->version, &number);
    int r = version_read(db, cx, w->name, w->version, &nr, &model, &v);
    if (r == 0)
        r = db_run(db, cx, SQL_ALIAS_OF_DROP, "ii", model, number);
    if (r == 0)
        r = db_run(db, cx, SQL_TAG_CLEAR, "ii", (int64_t)ML_OF_VERSION, nr);
    if (r == 0)
        r = db_run(db, cx, SQL_VERSION_DROP, "i", nr);
    return r ? r : db_run(db, cx, SQL_MODEL_TOUCH, "ii", model, w->now.ms);
}

int do_version_delete(ModelRegistry *r, Ctx *cx, Str name, Str version) {
    return write_model(r, cx, work_version_delete, (ModelWork){ .name = name, .version = version });
}

static int work_version_stage(Db *db, Ctx *cx, void *arg) {
    const ModelWork *w = arg;
    Str stage = str_c(ml_stage_name(w->stage));
    int64_t nr, model;
    int r = version_read(db, cx, w->name, w->version, &nr, &model, w->version_out);
    if (r == 0)
        r = db_run(db, cx, SQL_VERSION_STAGE, "isi", nr, stage, w->now.ms);
    if (r == 0 && w->archive)
        r = db_run(db, cx, SQL_VERSION_ARCHIVE, "isii", model, stage, nr, w->now.ms);
    if (r == 0)
        r = db_run(db, cx, SQL_MODEL_TOUCH, "ii", model, w->now.ms);
    return r ? r : version_read(db, cx, w->name, w->version, &nr, &model, w->version_out);
}

int do_version_stage(ModelRegistry *r, Ctx *cx, Str name, Str version, MlStage stage, bool archive, MlVersion *out) {
    if (archive && stage != ML_STAGE_STAGING && stage != ML_STAGE_PRODUCTION)
        return err_set_at(cx, ERR_INVALID, S("archive_existing_versions"),
                          "Model version transition cannot archive existing model versions because '%s' is not an "
                          "Active stage. Valid stages are ['Staging', 'Production'].",
                          ml_stage_name(stage));
    ModelWork w = { .name = name, .version = version, .stage = stage, .archive = archive, .version_out = out };
    return write_model(r, cx, work_version_stage, w);
}
