/* adapters/registry/runs.c - experiments, runs, what runs log, and the tags of everything. */

#include "adapters/registry/internal.h"

#include <math.h>

#define TAG_RUN_NAME S("mlflow.runName")

int one_i64(Db *db, Ctx *cx, sqlite3_stmt *st, int64_t *out) {
    int r = db_step(db, cx, st);
    if (r > 0) {
        *out = db_i64(st, 0);
        db_reset(st);
    }
    return r;
}

static int number_of(Db *db, Ctx *cx, int sql, int64_t *out) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, sql, &st, "");
    r = r ? r : one_i64(db, cx, st, out);
    return r < 0 ? r : 0;
}

int last_id(Db *db, Ctx *cx, int64_t *out) {
    return number_of(db, cx, SQL_LAST_ID, out);
}

int changed_rows(Db *db, Ctx *cx, int64_t *out) {
    return number_of(db, cx, SQL_CHANGED, out);
}

/* --- tags --- */

static int pairs_read(Db *db, Ctx *cx, sqlite3_stmt *st, MlTag **out, size_t *n) {
    VEC(MlTag) list = { 0 };
    int r;
    while ((r = db_step(db, cx, st)) > 0)
        vec_push_in(cx->arena, &list, ((MlTag){ text_at(cx, st, 0), text_at(cx, st, 1) }));
    *out = list.v;
    *n = list.n;
    return r;
}

int tags_read(Db *db, Ctx *cx, MlOwnerKind kind, int64_t nr, MlTag **out, size_t *n) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_TAG_LIST, &st, "ii", (int64_t)kind, nr);
    return r ? r : pairs_read(db, cx, st, out, n);
}

int tags_write(Db *db, Ctx *cx, MlOwnerKind kind, int64_t nr, const MlTag *v, size_t n) {
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = db_run(db, cx, SQL_TAG_PUT, "iiss", (int64_t)kind, nr, v[i].key, v[i].value);
    return r;
}

typedef struct TagWork {
    const MlOwner *of;
    Str key, value;
} TagWork;

/* The owner's number in its table. */
static int owner_number(Db *db, Ctx *cx, const MlOwner *of, int64_t *nr) {
    MlExperiment e;
    MlRun run;
    MlModel m;
    MlVersion v;
    int64_t model;
    switch (of->kind) {
    case ML_OF_EXPERIMENT:
        return experiment_read(db, cx, of->id, (Str){ 0 }, nr, &e);
    case ML_OF_RUN:
        return run_active(db, cx, of->id, nr, &run);
    case ML_OF_MODEL:
        return model_read(db, cx, of->id, nr, &m);
    default:
        return version_read(db, cx, of->id, of->version, nr, &model, &v);
    }
}

static int work_tag_set(Db *db, Ctx *cx, void *arg) {
    const TagWork *w = arg;
    int64_t nr;
    int r = owner_number(db, cx, w->of, &nr);
    if (r == 0)
        r = tags_write(db, cx, w->of->kind, nr, &(MlTag){ w->key, w->value }, 1);
    if (r == 0 && w->of->kind == ML_OF_RUN && str_eq(w->key, TAG_RUN_NAME))
        r = db_run(db, cx, SQL_RUN_NAME, "is", nr, w->value);
    return r;
}

int do_tag_set(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key, Str value) {
    return db_owner_write(owner_of(r), cx, work_tag_set, &(TagWork){ of, key, value });
}

static int work_tag_drop(Db *db, Ctx *cx, void *arg) {
    const TagWork *w = arg;
    int64_t nr, n = 0;
    int r = owner_number(db, cx, w->of, &nr);
    if (r == 0)
        r = db_run(db, cx, SQL_TAG_DROP, "iis", (int64_t)w->of->kind, nr, w->key);
    if (r == 0)
        r = changed_rows(db, cx, &n);
    if (r == 0 && n == 0 && w->of->kind == ML_OF_RUN)
        r = err_set(cx, ERR_NOT_FOUND, "No tag with name: " STR_FMT " in run with id " STR_FMT, STR_ARG(w->key),
                    STR_ARG(w->of->id));
    return r;
}

int do_tag_drop(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key) {
    return db_owner_write(owner_of(r), cx, work_tag_drop, &(TagWork){ .of = of, .key = key });
}

/* --- experiments --- */

void experiment_row(Ctx *cx, sqlite3_stmt *st, int64_t *nr, MlExperiment *out) {
    *nr = db_i64(st, 0);
    *out = (MlExperiment){ .id = str_fmt(cx->arena, "%lld", (long long)*nr),
                           .name = text_at(cx, st, 1),
                           .artifact_location = text_at(cx, st, 2),
                           .life = db_i64(st, 3) ? ML_DELETED : ML_ACTIVE,
                           .created = time_ms(db_i64(st, 4)),
                           .updated = time_ms(db_i64(st, 5)) };
}

int experiment_fill(Db *db, Ctx *cx, int64_t nr, MlExperiment *out) {
    return tags_read(db, cx, ML_OF_EXPERIMENT, nr, &out->tags, &out->n_tags);
}

int experiment_read(Db *db, Ctx *cx, Str id, Str name, int64_t *nr, MlExperiment *out) {
    sqlite3_stmt *st;
    int64_t number = -1;
    int r;
    if (id.n) {
        str_to_i64(id, &number);
        r = db_query(db, cx, SQL_EXPERIMENT_GET, &st, "i", number);
    } else {
        r = db_query(db, cx, SQL_EXPERIMENT_NAMED, &st, "s", name);
    }
    if (r == 0)
        r = db_step(db, cx, st);
    if (r < 0)
        return r;
    if (r == 0)
        return id.n ? err_set(cx, ERR_NOT_FOUND, "No Experiment with id=" STR_FMT " exists", STR_ARG(id))
                    : err_set(cx, ERR_NOT_FOUND, "Could not find experiment with name '" STR_FMT "'", STR_ARG(name));
    experiment_row(cx, st, nr, out);
    db_reset(st);
    return experiment_fill(db, cx, *nr, out);
}

typedef struct ExperimentWork {
    Str id, name, location;
    const MlTag *tags;
    size_t n_tags;
    MlLife life;
    Time now;
    MlExperiment *out;
    Str *id_out;
} ExperimentWork;

/* ERR_CONFLICT where somebody has the name. */
static int name_is_free(Db *db, Ctx *cx, Str name) {
    sqlite3_stmt *st;
    int64_t nr;
    MlExperiment other;
    int r = db_query(db, cx, SQL_EXPERIMENT_NAMED, &st, "s", name);
    if (r == 0)
        r = db_step(db, cx, st);
    if (r <= 0)
        return r;
    experiment_row(cx, st, &nr, &other);
    db_reset(st);
    return other.life == ML_DELETED
               ? err_set(cx, ERR_CONFLICT,
                         "Experiment '" STR_FMT "' already exists in deleted state. You can restore the experiment, or "
                         "permanently delete it to create a new one.",
                         STR_ARG(name))
               : err_set(cx, ERR_CONFLICT, "Experiment(name=" STR_FMT ") already exists.", STR_ARG(name));
}

static int work_experiment_create(Db *db, Ctx *cx, void *arg) {
    ExperimentWork *w = arg;
    int64_t nr = 0;
    int r = name_is_free(db, cx, w->name);
    if (r == 0)
        r = db_run(db, cx, SQL_EXPERIMENT_ADD, "ssi", w->name, w->location, w->now.ms);
    if (r == 0)
        r = last_id(db, cx, &nr);
    if (r == 0 && w->location.n == 0)
        r = db_run(db, cx, SQL_EXPERIMENT_LOCATION, "is", nr,
                   str_fmt(cx->arena, "mlflow-artifacts:/%lld", (long long)nr));
    if (r == 0)
        r = tags_write(db, cx, ML_OF_EXPERIMENT, nr, w->tags, w->n_tags);
    *w->id_out = str_fmt(cx->arena, "%lld", (long long)nr);
    return r;
}

int do_experiment_create(ModelRegistry *r, Ctx *cx, Str name, Str location, const MlTag *tags, size_t n, Str *id) {
    while (location.n && location.p[location.n - 1] == '/')
        location.n--;
    ExperimentWork w = {
        .name = name, .location = location, .tags = tags, .n_tags = n, .now = clock_wall(cx->clock), .id_out = id
    };
    return db_owner_write(owner_of(r), cx, work_experiment_create, &w);
}

static int work_experiment(Db *db, Ctx *cx, void *arg) {
    const ExperimentWork *w = arg;
    int64_t nr;
    return experiment_read(db, cx, w->id, w->name, &nr, w->out);
}

int do_experiment(ModelRegistry *r, Ctx *cx, Str id, Str name, MlExperiment *out) {
    return db_owner_read(owner_of(r), cx, work_experiment, &(ExperimentWork){ .id = id, .name = name, .out = out });
}

static int work_experiment_rename(Db *db, Ctx *cx, void *arg) {
    const ExperimentWork *w = arg;
    MlExperiment e;
    int64_t nr;
    int r = experiment_read(db, cx, w->id, (Str){ 0 }, &nr, &e);
    if (r == 0 && e.life == ML_DELETED)
        r = err_set(cx, ERR_INVALID, "Cannot rename a non-active experiment.");
    if (r == 0 && !str_eq(e.name, w->name))
        r = name_is_free(db, cx, w->name);
    return r ? r : db_run(db, cx, SQL_EXPERIMENT_RENAME, "isi", nr, w->name, w->now.ms);
}

int do_experiment_rename(ModelRegistry *r, Ctx *cx, Str id, Str name) {
    ExperimentWork w = { .id = id, .name = name, .now = clock_wall(cx->clock) };
    return db_owner_write(owner_of(r), cx, work_experiment_rename, &w);
}

static int work_experiment_life(Db *db, Ctx *cx, void *arg) {
    const ExperimentWork *w = arg;
    bool gone = w->life == ML_DELETED;
    MlExperiment e;
    int64_t nr;
    int r = experiment_read(db, cx, w->id, (Str){ 0 }, &nr, &e);
    if (r == 0 && e.life == w->life)
        r = err_set(cx, ERR_INVALID, "Experiment " STR_FMT " is %s already", STR_ARG(w->id), ml_life_name(e.life));
    if (r == 0)
        r = db_run(db, cx, SQL_EXPERIMENT_LIFE, "iiii", nr, (int64_t)gone, w->now.ms, gone ? w->now.ms : (int64_t)0);
    if (r == 0 && gone)
        return db_run(db, cx, SQL_EXPERIMENT_RUNS_OUT, "ii", nr, w->now.ms);
    return r ? r : db_run(db, cx, SQL_EXPERIMENT_RUNS_IN, "i", nr);
}

int do_experiment_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life) {
    ExperimentWork w = { .id = id, .life = life, .now = clock_wall(cx->clock) };
    return db_owner_write(owner_of(r), cx, work_experiment_life, &w);
}

/* --- runs --- */

int run_row(Db *db, Ctx *cx, sqlite3_stmt *st, int64_t *nr, MlRun *out) {
    Str status = db_text(st, 6);
    *nr = db_i64(st, 0);
    *out = (MlRun){ .id = text_at(cx, st, 1),
                    .experiment = str_fmt(cx->arena, "%lld", (long long)db_i64(st, 2)),
                    .name = text_at(cx, st, 3),
                    .user = text_at(cx, st, 4),
                    .artifact_uri = text_at(cx, st, 5),
                    .life = db_i64(st, 7) ? ML_DELETED : ML_ACTIVE,
                    .started = time_ms(db_i64(st, 8)),
                    .ended = time_ms(db_i64(st, 9)) };
    return ml_status_parse(status, &out->status)
               ? 0
               : err_set(cx, ERR_CORRUPT, "%s: run " STR_FMT " has a status that does not exist", db->path,
                         STR_ARG(out->id));
}

int run_fill(Db *db, Ctx *cx, int64_t nr, MlRun *out) {
    VEC(MlMetric) metrics = { 0 };
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_RUN_METRICS, &st, "i", nr);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        MlMetric m = { text_at(cx, st, 0), db_f64(st, 1), time_ms(db_i64(st, 2)), db_i64(st, 3) };
        vec_push_in(cx->arena, &metrics, m);
        r = 0;
    }
    out->metrics = metrics.v;
    out->n_metrics = metrics.n;
    if (r == 0)
        r = db_query(db, cx, SQL_RUN_PARAMS, &st, "i", nr);
    if (r == 0)
        r = pairs_read(db, cx, st, &out->params, &out->n_params);
    return r ? r : tags_read(db, cx, ML_OF_RUN, nr, &out->tags, &out->n_tags);
}

static int run_find(Db *db, Ctx *cx, Str id, int64_t *nr, MlRun *out) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_RUN_GET, &st, "s", id);
    if (r == 0)
        r = db_step(db, cx, st);
    if (r == 0)
        return err_set(cx, ERR_NOT_FOUND, "Run with id=" STR_FMT " not found", STR_ARG(id));
    if (r > 0) {
        r = run_row(db, cx, st, nr, out);
        db_reset(st);
    }
    return r;
}

int run_read(Db *db, Ctx *cx, Str id, int64_t *nr, MlRun *out) {
    int r = run_find(db, cx, id, nr, out);
    return r ? r : run_fill(db, cx, *nr, out);
}

int run_active(Db *db, Ctx *cx, Str id, int64_t *nr, MlRun *out) {
    int r = run_find(db, cx, id, nr, out);
    if (r == 0 && out->life == ML_DELETED)
        r = err_set(cx, ERR_INVALID, "The run " STR_FMT " must be in the 'active' state. Current state is deleted.",
                    STR_ARG(id));
    return r;
}

typedef struct RunWork {
    Registry *registry;
    const MlRunNew *create;
    const MlRunUpdate *update;
    const MlLog *log;
    Str id, key;
    MlLife life;
    Time now;
    int64_t after;
    size_t limit;
    MlRun *out;
    MlMetric *history;
    size_t n;
    Str *next;
} RunWork;

static Str new_id(Registry *s, Ctx *cx) {
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    char *hex = arena_alloc(cx->arena, 32);
    s->ids->bytes(s->ids, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    return str_n(hex, 32);
}

static int work_run_create(Db *db, Ctx *cx, void *arg) {
    RunWork *w = arg;
    const MlRunNew *q = w->create;
    Str id = new_id(w->registry, cx), name = q->name;
    MlExperiment e;
    int64_t experiment, nr = 0;
    int r = experiment_read(db, cx, q->experiment, (Str){ 0 }, &experiment, &e);
    if (r == 0 && e.life == ML_DELETED)
        r = err_set(cx, ERR_INVALID,
                    "The experiment " STR_FMT " must be in the 'active' state. Current state is deleted.",
                    STR_ARG(e.id));
    if (name.n == 0)
        name = ml_tag(q->tags, q->n_tags, TAG_RUN_NAME);
    if (name.n == 0)
        name = str_fmt(cx->arena, "run-" STR_FMT, STR_ARG(str_first(id, 8)));
    if (r == 0)
        r = db_run(db, cx, SQL_RUN_ADD, "sisssi", id, experiment, name, q->user,
                   str_fmt(cx->arena, STR_FMT "/" STR_FMT "/artifacts", STR_ARG(e.artifact_location), STR_ARG(id)),
                   q->started.ms ? q->started.ms : w->now.ms);
    if (r == 0)
        r = last_id(db, cx, &nr);
    if (r == 0)
        r = tags_write(db, cx, ML_OF_RUN, nr, q->tags, q->n_tags);
    if (r == 0)
        r = tags_write(db, cx, ML_OF_RUN, nr, &(MlTag){ TAG_RUN_NAME, name }, 1);
    return r ? r : run_read(db, cx, id, &nr, w->out);
}

int do_run_create(ModelRegistry *r, Ctx *cx, const MlRunNew *q, MlRun *out) {
    RunWork w = { .registry = (Registry *)r, .create = q, .now = clock_wall(cx->clock), .out = out };
    return db_owner_write(owner_of(r), cx, work_run_create, &w);
}

static int work_run(Db *db, Ctx *cx, void *arg) {
    const RunWork *w = arg;
    int64_t nr;
    return run_read(db, cx, w->id, &nr, w->out);
}

int do_run(ModelRegistry *r, Ctx *cx, Str id, MlRun *out) {
    return db_owner_read(owner_of(r), cx, work_run, &(RunWork){ .id = id, .out = out });
}

static int work_run_update(Db *db, Ctx *cx, void *arg) {
    const RunWork *w = arg;
    const MlRunUpdate *q = w->update;
    MlRun run;
    int64_t nr;
    int r = run_active(db, cx, w->id, &nr, &run);
    Str name = q->name.n ? q->name : run.name;
    if (r == 0)
        r = db_run(db, cx, SQL_RUN_UPDATE, "isis", nr, str_c(ml_status_name(q->status ? q->status : run.status)),
                   q->ended.ms ? q->ended.ms : run.ended.ms, name);
    if (r == 0 && q->name.n)
        r = tags_write(db, cx, ML_OF_RUN, nr, &(MlTag){ TAG_RUN_NAME, name }, 1);
    return r ? r : run_read(db, cx, w->id, &nr, w->out);
}

int do_run_update(ModelRegistry *r, Ctx *cx, Str id, const MlRunUpdate *q, MlRun *out) {
    return db_owner_write(owner_of(r), cx, work_run_update, &(RunWork){ .id = id, .update = q, .out = out });
}

static int work_run_life(Db *db, Ctx *cx, void *arg) {
    const RunWork *w = arg;
    MlRun run;
    MlExperiment e;
    int64_t nr, experiment;
    int r = run_find(db, cx, w->id, &nr, &run);
    if (r == 0)
        r = experiment_read(db, cx, run.experiment, (Str){ 0 }, &experiment, &e);
    if (r == 0 && w->life == ML_ACTIVE && e.life == ML_DELETED)
        r = err_set(cx, ERR_INVALID, "The experiment " STR_FMT " is deleted: restore it first", STR_ARG(e.id));
    return r ? r
             : db_run(db, cx, SQL_RUN_LIFE, "iii", nr, (int64_t)w->life,
                      w->life == ML_DELETED ? w->now.ms : (int64_t)0);
}

int do_run_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life) {
    RunWork w = { .id = id, .life = life, .now = clock_wall(cx->clock) };
    return db_owner_write(owner_of(r), cx, work_run_life, &w);
}

/* --- logging --- */

static int log_param(Db *db, Ctx *cx, int64_t nr, Str run, const MlTag *p) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_PARAM_GET, &st, "is", nr, p->key);
    if (r == 0)
        r = db_step(db, cx, st);
    if (r == 0)
        return db_run(db, cx, SQL_PARAM_ADD, "iss", nr, p->key, p->value);
    if (r < 0)
        return r;
    Str old = text_at(cx, st, 0);
    db_reset(st);
    return str_eq(old, p->value)
               ? 0
               : err_set(cx, ERR_INVALID,
                         "Changing param values is not allowed. Param with key='" STR_FMT "' was already logged with "
                         "value='" STR_FMT "' for run ID='" STR_FMT "'. Attempted logging new value '" STR_FMT "'.",
                         STR_ARG(p->key), STR_ARG(str_first(old, 60)), STR_ARG(run), STR_ARG(str_first(p->value, 60)));
}

static int work_log(Db *db, Ctx *cx, void *arg) {
    const RunWork *w = arg;
    const MlLog *q = w->log;
    MlRun run;
    int64_t nr;
    int r = run_active(db, cx, w->id, &nr, &run);
    for (size_t i = 0; i < q->n_params && r == 0; i++)
        r = log_param(db, cx, nr, w->id, &q->params[i]);
    for (size_t i = 0; i < q->n_metrics && r == 0; i++) {
        const MlMetric *m = &q->metrics[i];
        r = db_run(db, cx, SQL_METRIC_ADD, "isdii", nr, m->key, m->value, m->at.ms, m->step);
        if (r == 0)
            r = db_run(db, cx, SQL_LATEST_PUT, "isdii", nr, m->key, m->value, m->at.ms, m->step);
    }
    if (r == 0)
        r = tags_write(db, cx, ML_OF_RUN, nr, q->tags, q->n_tags);
    for (size_t i = 0; i < q->n_tags && r == 0; i++)
        if (str_eq(q->tags[i].key, TAG_RUN_NAME))
            r = db_run(db, cx, SQL_RUN_NAME, "is", nr, q->tags[i].value);
    return r;
}

int do_log(ModelRegistry *r, Ctx *cx, Str run, const MlLog *q) {
    return db_owner_write(owner_of(r), cx, work_log, &(RunWork){ .id = run, .log = q });
}

static int work_history(Db *db, Ctx *cx, void *arg) {
    RunWork *w = arg;
    VEC(MlMetric) list = { 0 };
    sqlite3_stmt *st;
    MlRun run;
    int64_t nr, last = 0;
    int r = run_find(db, cx, w->id, &nr, &run);
    if (r == 0)
        r = db_query(db, cx, SQL_METRIC_HISTORY, &st, "isii", nr, w->key, w->after, (int64_t)w->limit + 1);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        r = 0;
        if (list.n == w->limit) {
            db_reset(st);
            *w->next = str_fmt(cx->arena, "%lld", (long long)last);
            break;
        }
        last = db_i64(st, 0);
        MlMetric m = { text_at(cx, st, 1), db_f64(st, 2), time_ms(db_i64(st, 3)), db_i64(st, 4) };
        vec_push_in(cx->arena, &list, m);
    }
    w->history = list.v;
    w->n = list.n;
    return r;
}

/* NOLINTNEXTLINE(readability-function-size): the port's own parameters */
int do_history(ModelRegistry *r, Ctx *cx, Str run, Str key, size_t limit, Str token, MlMetric **out, size_t *n,
               Str *next) {
    RunWork w = { .id = run, .key = key, .limit = limit, .next = next };
    *next = (Str){ 0 };
    if (token.n && (!str_to_i64(token, &w.after) || w.after < 0))
        return err_set_at(cx, ERR_INVALID, S("page_token"), "Invalid page token, could not be read");
    int e = db_owner_read(owner_of(r), cx, work_history, &w);
    *out = w.history;
    *n = w.n;
    return e;
}

/* --- clearing away --- */

typedef struct GcWork {
    Time before;
    int64_t nr[1000];
    Str uri[1000];
    size_t n;
    MlGc *out;
} GcWork;

static int work_gc_find(Db *db, Ctx *cx, void *arg) {
    GcWork *w = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_GC_RUNS, &st, "i", w->before.ms);
    for (w->n = 0; r == 0 && (r = db_step(db, cx, st)) > 0; w->n++) {
        assert(w->n < ARRAY_LEN(w->nr));
        w->nr[w->n] = db_i64(st, 0);
        w->uri[w->n] = text_at(cx, st, 2);
        r = 0;
    }
    return r;
}

static int work_gc_drop(Db *db, Ctx *cx, void *arg) {
    const GcWork *w = arg;
    static const int sqls[] = { SQL_GC_METRICS, SQL_GC_LATEST, SQL_GC_PARAMS, SQL_GC_RUN };
    int r = 0;
    for (size_t i = 0; i < w->n && r == 0; i++) {
        for (size_t k = 0; k < ARRAY_LEN(sqls) && r == 0; k++)
            r = db_run(db, cx, sqls[k], "i", w->nr[i]);
        if (r == 0)
            r = db_run(db, cx, SQL_TAG_CLEAR, "ii", (int64_t)ML_OF_RUN, w->nr[i]);
    }
    return r;
}

static int work_gc_experiments(Db *db, Ctx *cx, void *arg) {
    const GcWork *w = arg;
    int r = db_run(db, cx, SQL_GC_EXPERIMENT_TAGS, "i", w->before.ms);
    if (r == 0)
        r = db_run(db, cx, SQL_GC_EXPERIMENTS, "i", w->before.ms);
    return r ? r : changed_rows(db, cx, &w->out->experiments);
}

/* Files first: a run whose files are gone and whose row a kill left is still deleted, and the next time finishes it. */
int do_gc(ModelRegistry *r, Ctx *cx, Time before, MlGc *out) {
    Registry *s = (Registry *)r;
    GcWork *w = arena_new(cx->arena, GcWork);
    int e;
    *w = (GcWork){ .before = before, .out = out };
    do {
        e = db_owner_read(&s->owner, cx, work_gc_find, w);
        for (size_t i = 0; i < w->n && e == 0; i++) {
            Str path;
            if (ml_file_path(cx, w->uri[i], (Str){ 0 }, &path) == 0)
                e = files_remove_below(s, cx, path, &out->files);
            else
                err_clear(cx); /* the client keeps them elsewhere: they are not ours to remove */
        }
        if (e == 0 && w->n)
            e = db_owner_write(&s->owner, cx, work_gc_drop, w);
        out->runs += e ? 0 : (int64_t)w->n;
    } while (e == 0 && w->n);
    return e ? e : db_owner_write(&s->owner, cx, work_gc_experiments, w);
}
