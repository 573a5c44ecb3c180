/* adapters/registry/mlflow_read.c - see mlflow_read.h. */

#include "adapters/registry/mlflow_read.h"

#include "base/utf8.h"
#include "base/vec.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { DEPTH_MAX = 16, MESSAGE_MAX = 300 };

typedef VEC(MlTag) Tags;
typedef VEC(MlMetric) Metrics;
typedef VEC(MlAlias) Aliases;
typedef VEC(Str) Strs;

typedef struct Reading {
    JsonReader j;
    Arena *a;
    const MlflowRoots *roots;
} Reading;

static void read_text(Reading *r, Str *out) { /* null, and a number where a string is wanted, too */
    if (json_read_null(&r->j))
        return;
    if (json_peek(&r->j) == JSON_NUMBER) {
        JsonToken t;
        json_next(&r->j, &t);
        *out = str_dup(r->a, t.text);
        return;
    }
    if (json_read_str(&r->j, out) == 0)
        *out = str_dup(r->a, *out);
}

static void read_whole(Reading *r, int64_t *out) {
    if (!json_read_null(&r->j))
        json_read_i64(&r->j, out);
}

static void read_time(Reading *r, Time *out) {
    read_whole(r, &out->ms);
}

static void read_value(Reading *r, double *out) {
    Str s;
    if (json_peek(&r->j) != JSON_STRING) {
        if (json_read_null(&r->j))
            *out = NAN;
        else
            json_read_f64(&r->j, out);
        return;
    }
    if (json_read_str(&r->j, &s) != 0)
        return;
    JsonReader number;
    if (str_eq_nocase(s, S("NaN"))) {
        *out = NAN;
    } else if (str_eq(s, S("Infinity")) || str_eq(s, S("-Infinity"))) {
        *out = s.p[0] == '-' ? -DBL_MAX : DBL_MAX;
    } else {
        json_reader_init(&number, s, r->a, 2);
        if (json_read_f64(&number, out) != 0)
            json_fail(&r->j, "a metric is no number");
    }
}

/* A location of the server's as this registry tells it. */
static void read_location(Reading *r, Str *out) {
    read_text(r, out);
    Str from = r->roots ? r->roots->from : (Str){ 0 };
    if (from.n && str_starts(*out, from) && (out->n == from.n || out->p[from.n] == '/'))
        *out =
            str_fmt(r->a, "mlflow-artifacts:%s" STR_FMT, out->n == from.n ? "/" : "", STR_ARG(str_from(*out, from.n)));
}

/* --- small lists --- */

static int tag_order(const void *a, const void *b) {
    return str_cmp(((const MlTag *)a)->key, ((const MlTag *)b)->key);
}

static int metric_order(const void *a, const void *b) {
    return str_cmp(((const MlMetric *)a)->key, ((const MlMetric *)b)->key);
}

static void read_tags(Reading *r, MlTag **out, size_t *n) {
    Tags tags = { 0 };
    Str key;
    if (json_read_null(&r->j))
        return;
    json_open_array(&r->j);
    while (json_array_next(&r->j) > 0) {
        MlTag t = { 0 };
        json_open_object(&r->j);
        while (json_object_next(&r->j, &key) > 0) {
            if (str_eq(key, S("key")))
                read_text(r, &t.key);
            else if (str_eq(key, S("value")))
                read_text(r, &t.value);
        }
        vec_push_in(r->a, &tags, t);
    }
    if (tags.n > 1)
        qsort(tags.v, tags.n, sizeof *tags.v, tag_order);
    *out = tags.v;
    *n = tags.n;
}

static void read_metrics(Reading *r, bool sorted, MlMetric **out, size_t *n) {
    Metrics metrics = { 0 };
    Str key;
    if (json_read_null(&r->j))
        return;
    json_open_array(&r->j);
    while (json_array_next(&r->j) > 0) {
        MlMetric m = { 0 };
        json_open_object(&r->j);
        while (json_object_next(&r->j, &key) > 0) {
            if (str_eq(key, S("key")))
                read_text(r, &m.key);
            else if (str_eq(key, S("value")))
                read_value(r, &m.value);
            else if (str_eq(key, S("timestamp")))
                read_time(r, &m.at);
            else if (str_eq(key, S("step")))
                read_whole(r, &m.step);
        }
        vec_push_in(r->a, &metrics, m);
    }
    if (sorted && metrics.n > 1)
        qsort(metrics.v, metrics.n, sizeof *metrics.v, metric_order);
    *out = metrics.v;
    *n = metrics.n;
}

static void read_names(Reading *r, Str **out, size_t *n) {
    Strs names = { 0 };
    if (json_read_null(&r->j))
        return;
    json_open_array(&r->j);
    while (json_array_next(&r->j) > 0) {
        Str s = { 0 };
        read_text(r, &s);
        vec_push_in(r->a, &names, s);
    }
    *out = names.v;
    *n = names.n;
}

static void read_aliases(Reading *r, MlAlias **out, size_t *n) {
    Aliases aliases = { 0 };
    Str key;
    if (json_read_null(&r->j))
        return;
    json_open_array(&r->j);
    while (json_array_next(&r->j) > 0) {
        MlAlias one = { 0 };
        json_open_object(&r->j);
        while (json_object_next(&r->j, &key) > 0) {
            if (str_eq(key, S("alias")))
                read_text(r, &one.alias);
            else if (str_eq(key, S("version")))
                read_text(r, &one.version);
        }
        vec_push_in(r->a, &aliases, one);
    }
    *out = aliases.v;
    *n = aliases.n;
}

static MlLife life_of(Str s) {
    return str_eq_nocase(s, S("deleted")) ? ML_DELETED : ML_ACTIVE;
}

/* --- whole things: each reads one object, of any order of fields --- */

static void read_experiment(Reading *r, MlExperiment *out) {
    Str key, life = { 0 };
    json_open_object(&r->j);
    while (json_object_next(&r->j, &key) > 0) {
        if (str_eq(key, S("experiment_id")))
            read_text(r, &out->id);
        else if (str_eq(key, S("name")))
            read_text(r, &out->name);
        else if (str_eq(key, S("artifact_location")))
            read_location(r, &out->artifact_location);
        else if (str_eq(key, S("lifecycle_stage")))
            read_text(r, &life);
        else if (str_eq(key, S("creation_time")))
            read_time(r, &out->created);
        else if (str_eq(key, S("last_update_time")))
            read_time(r, &out->updated);
        else if (str_eq(key, S("tags")))
            read_tags(r, &out->tags, &out->n_tags);
    }
    out->life = life_of(life);
}

static void read_run_info(Reading *r, MlRun *out) {
    Str key, life = { 0 }, status = { 0 };
    json_open_object(&r->j);
    while (json_object_next(&r->j, &key) > 0) {
        if (str_eq(key, S("run_id")) || (str_eq(key, S("run_uuid")) && out->id.n == 0))
            read_text(r, &out->id);
        else if (str_eq(key, S("experiment_id")))
            read_text(r, &out->experiment);
        else if (str_eq(key, S("run_name")))
            read_text(r, &out->name);
        else if (str_eq(key, S("user_id")))
            read_text(r, &out->user);
        else if (str_eq(key, S("artifact_uri")))
            read_location(r, &out->artifact_uri);
        else if (str_eq(key, S("status")))
            read_text(r, &status);
        else if (str_eq(key, S("lifecycle_stage")))
            read_text(r, &life);
        else if (str_eq(key, S("start_time")))
            read_time(r, &out->started);
        else if (str_eq(key, S("end_time")))
            read_time(r, &out->ended);
    }
    out->life = life_of(life);
    if (status.n && !ml_status_parse(status, &out->status))
        json_fail(&r->j, "a run has a status that nobody knows");
}

static void read_run_data(Reading *r, MlRun *out) {
    Str key;
    if (json_read_null(&r->j))
        return;
    json_open_object(&r->j);
    while (json_object_next(&r->j, &key) > 0) {
        if (str_eq(key, S("metrics")))
            read_metrics(r, true, &out->metrics, &out->n_metrics);
        else if (str_eq(key, S("params")))
            read_tags(r, &out->params, &out->n_params);
        else if (str_eq(key, S("tags")))
            read_tags(r, &out->tags, &out->n_tags);
    }
}

static void read_run(Reading *r, MlRun *out) {
    Str key;
    json_open_object(&r->j);
    while (json_object_next(&r->j, &key) > 0) {
        if (str_eq(key, S("info")))
            read_run_info(r, out);
        else if (str_eq(key, S("data")))
            read_run_data(r, out);
    }
}

static MlReady ready_of(Str s) {
    return str_eq(s, S("PENDING_REGISTRATION"))  ? ML_PENDING
           : str_eq(s, S("FAILED_REGISTRATION")) ? ML_REGISTRATION_FAILED
                                                 : ML_READY;
}

static void read_version(Reading *r, MlVersion *out) {
    Str key, stage = { 0 }, ready = { 0 };
    struct {
        const char *name;
        Str *to;
    } texts[] = { { "name", &out->name },
                  { "version", &out->version },
                  { "run_id", &out->run_id },
                  { "run_link", &out->run_link },
                  { "description", &out->description },
                  { "user_id", &out->user },
                  { "current_stage", &stage },
                  { "status", &ready } };
    json_open_object(&r->j);
    while (json_object_next(&r->j, &key) > 0) {
        bool taken = false;
        for (size_t i = 0; i < ARRAY_LEN(texts) && !taken; i++)
            if ((taken = str_eq(key, str_c(texts[i].name))))
                read_text(r, texts[i].to);
        if (taken)
            continue;
        if (str_eq(key, S("source")))
            read_location(r, &out->source);
        else if (str_eq(key, S("creation_timestamp")))
            read_time(r, &out->created);
        else if (str_eq(key, S("last_updated_timestamp")))
            read_time(r, &out->updated);
        else if (str_eq(key, S("aliases")))
            read_names(r, &out->aliases, &out->n_aliases);
        else if (str_eq(key, S("tags")))
            read_tags(r, &out->tags, &out->n_tags);
    }
    out->ready = ready_of(ready);
    if (stage.n && !ml_stage_parse(stage, &out->stage))
        json_fail(&r->j, "a version has a stage that nobody knows");
}

static void read_latest(Reading *r, MlModel *out) {
    VEC(MlVersion) list = { 0 };
    if (json_read_null(&r->j))
        return;
    json_open_array(&r->j);
    while (json_array_next(&r->j) > 0) {
        MlVersion v = { 0 };
        read_version(r, &v);
        vec_push_in(r->a, &list, v);
    }
    out->latest = list.v;
    out->n_latest = list.n;
}

static void read_model(Reading *r, MlModel *out) {
    Str key;
    json_open_object(&r->j);
    while (json_object_next(&r->j, &key) > 0) {
        if (str_eq(key, S("name")))
            read_text(r, &out->name);
        else if (str_eq(key, S("description")))
            read_text(r, &out->description);
        else if (str_eq(key, S("creation_timestamp")))
            read_time(r, &out->created);
        else if (str_eq(key, S("last_updated_timestamp")))
            read_time(r, &out->updated);
        else if (str_eq(key, S("latest_versions")))
            read_latest(r, out);
        else if (str_eq(key, S("aliases")))
            read_aliases(r, &out->aliases, &out->n_aliases);
        else if (str_eq(key, S("tags")))
            read_tags(r, &out->tags, &out->n_tags);
    }
}

/* --- answers --- */

static Reading reading_of(Ctx *cx, Str body, const MlflowRoots *roots) {
    Reading r = { .a = cx->arena, .roots = roots };
    json_reader_init(&r.j, body, cx->arena, DEPTH_MAX);
    return r;
}

/* 0, or the words for an answer that is none. have: what was looked for is there. */
static int finish(Ctx *cx, Reading *r, bool have, const char *what) {
    if (json_finish(&r->j) != 0)
        return err_set(cx, ERR_COLLECTION, "the MLflow server's answer makes no sense: %s",
                       r->j.why ? r->j.why : "it is not JSON");
    return have ? 0 : err_set(cx, ERR_COLLECTION, "the MLflow server answers without \"%s\"", what);
}

int mlflow_read_id(Ctx *cx, Str body, const char *name, Str *out) {
    Reading r = reading_of(cx, body, NULL);
    Str key, id = { 0 };
    json_open_object(&r.j);
    while (json_object_next(&r.j, &key) > 0)
        if (str_eq(key, str_c(name)))
            read_text(&r, &id);
    int e = finish(cx, &r, id.n > 0, name);
    if (e == 0)
        *out = id;
    return e;
}

/* One thing below its name, and pages of them: the same but for the type. */
#define READ_ONE(fn, T, read, name, id)                                                                                \
    int fn(Ctx *cx, Str body, const MlflowRoots *roots, T *out) {                                                      \
        Reading r = reading_of(cx, body, roots);                                                                       \
        T one = { 0 };                                                                                                 \
        Str key;                                                                                                       \
        json_open_object(&r.j);                                                                                        \
        while (json_object_next(&r.j, &key) > 0)                                                                       \
            if (str_eq(key, S(name)))                                                                                  \
                read(&r, &one);                                                                                        \
        int e = finish(cx, &r, one.id.n > 0, name);                                                                    \
        if (e == 0)                                                                                                    \
            *out = one;                                                                                                \
        return e;                                                                                                      \
    }
#define READ_PAGE(fn, T, read, name, id)                                                                               \
    int fn(Ctx *cx, Str body, const MlflowRoots *roots, T **out, size_t *n, Str *next) {                               \
        Reading r = reading_of(cx, body, roots);                                                                       \
        VEC(T) list = { 0 };                                                                                           \
        Str key, token = { 0 };                                                                                        \
        bool whole = true;                                                                                             \
        json_open_object(&r.j);                                                                                        \
        while (json_object_next(&r.j, &key) > 0) {                                                                     \
            if (str_eq(key, S("next_page_token")))                                                                     \
                read_text(&r, &token);                                                                                 \
            if (!str_eq(key, S(name)) || json_read_null(&r.j))                                                         \
                continue;                                                                                              \
            json_open_array(&r.j);                                                                                     \
            while (json_array_next(&r.j) > 0) {                                                                        \
                T one = { 0 };                                                                                         \
                read(&r, &one);                                                                                        \
                whole = whole && one.id.n > 0;                                                                         \
                vec_push_in(r.a, &list, one);                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        int e = finish(cx, &r, whole, name);                                                                           \
        if (e)                                                                                                         \
            return e;                                                                                                  \
        *out = list.v;                                                                                                 \
        *n = list.n;                                                                                                   \
        *next = token;                                                                                                 \
        return 0;                                                                                                      \
    }

READ_ONE(mlflow_read_experiment, MlExperiment, read_experiment, "experiment", id)
READ_PAGE(mlflow_read_experiments, MlExperiment, read_experiment, "experiments", id)
READ_ONE(mlflow_read_run, MlRun, read_run, "run", id)
READ_PAGE(mlflow_read_runs, MlRun, read_run, "runs", id)
READ_ONE(mlflow_read_model, MlModel, read_model, "registered_model", name)
READ_PAGE(mlflow_read_models, MlModel, read_model, "registered_models", name)
READ_ONE(mlflow_read_version, MlVersion, read_version, "model_version", version)
READ_PAGE(mlflow_read_versions, MlVersion, read_version, "model_versions", version)

int mlflow_read_history(Ctx *cx, Str body, MlMetric **out, size_t *n, Str *next) {
    Reading r = reading_of(cx, body, NULL);
    Str key, token = { 0 };
    MlMetric *v = NULL;
    size_t count = 0;
    json_open_object(&r.j);
    while (json_object_next(&r.j, &key) > 0) {
        if (str_eq(key, S("metrics")))
            read_metrics(&r, false, &v, &count);
        else if (str_eq(key, S("next_page_token")))
            read_text(&r, &token);
    }
    int e = finish(cx, &r, true, "metrics");
    if (e)
        return e;
    *out = v;
    *n = count;
    *next = token;
    return 0;
}

static int file_order(const void *a, const void *b) {
    return str_cmp(((const MlFile *)a)->path, ((const MlFile *)b)->path);
}

int mlflow_read_files(Ctx *cx, Str body, MlFile **out, size_t *n) {
    Reading r = reading_of(cx, body, NULL);
    VEC(MlFile) list = { 0 };
    Str key;
    bool whole = true;
    json_open_object(&r.j);
    while (json_object_next(&r.j, &key) > 0) {
        if (!str_eq(key, S("files")) || json_read_null(&r.j))
            continue;
        json_open_array(&r.j);
        while (json_array_next(&r.j) > 0) {
            MlFile f = { 0 };
            json_open_object(&r.j);
            while (json_object_next(&r.j, &key) > 0) {
                if (str_eq(key, S("path")))
                    read_text(&r, &f.path);
                else if (str_eq(key, S("is_dir")))
                    json_read_bool(&r.j, &f.is_dir);
                else if (str_eq(key, S("file_size")))
                    read_whole(&r, &f.size);
            }
            whole = whole && f.path.n > 0 && f.size >= 0;
            vec_push_in(cx->arena, &list, f);
        }
    }
    int e = finish(cx, &r, whole, "files");
    if (e)
        return e;
    if (list.n > 1)
        qsort(list.v, list.n, sizeof *list.v, file_order);
    *out = list.v;
    *n = list.n;
    return 0;
}

/* --- errors --- */

/* clang-format off */
static const struct {
    const char *code;
    int err;
} codes[] = {
    { "RESOURCE_DOES_NOT_EXIST", ERR_NOT_FOUND }, { "NOT_FOUND", ERR_NOT_FOUND },
    { "ENDPOINT_NOT_FOUND", ERR_UNSUPPORTED },    { "NOT_IMPLEMENTED", ERR_UNSUPPORTED },
    { "RESOURCE_ALREADY_EXISTS", ERR_CONFLICT },  { "ALREADY_EXISTS", ERR_CONFLICT },
    { "RESOURCE_CONFLICT", ERR_CONFLICT },        { "ABORTED", ERR_CONFLICT },
    { "INVALID_PARAMETER_VALUE", ERR_INVALID },   { "BAD_REQUEST", ERR_INVALID },
    { "INVALID_STATE", ERR_INVALID },             { "RESOURCE_EXHAUSTED", ERR_LIMIT },
    { "REQUEST_LIMIT_EXCEEDED", ERR_LIMIT },      { "TEMPORARILY_UNAVAILABLE", ERR_UNAVAILABLE },
    { "DEADLINE_EXCEEDED", ERR_TIMEOUT },
    /* UNAUTHENTICATED, PERMISSION_DENIED…: it is not the caller whom the server turned away */
};
/* clang-format on */

int mlflow_read_error(Arena *a, Str body, int status, Str *code, Str *message) {
    JsonReader j;
    Str key;
    *code = *message = (Str){ 0 };
    json_reader_init(&j, body, a, DEPTH_MAX);
    json_open_object(&j);
    while (json_object_next(&j, &key) > 0) {
        if (str_eq(key, S("error_code")))
            json_read_str(&j, code);
        else if (str_eq(key, S("message")))
            json_read_str(&j, message);
    }
    if (j.err)
        *code = *message = (Str){ 0 };
    *message = str_first(*message, MESSAGE_MAX);
    *message = str_first(*message, utf8_valid_size(*message));
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (str_eq(*code, str_c(codes[i].code)))
            return codes[i].err;
    return code->n == 0 && status == 404 ? ERR_UNSUPPORTED : ERR_REPOSITORY;
}
