/* app/training.c - see training.h. */

#include "app/training.h"

#include "adapters/jobs/sqlite.h"
#include "app/job_command.h"
#include "base/file.h"
#include "forecast/candle_features.h"

#include <math.h>

enum { LOG_MAX = 1 << 20, CSV_BYTES_MAX = 512 << 20, ARGS_MAX = 24 };
#define TAG_TRAINING S("finsight.training")

typedef struct TrainFiles {
    char *csv, *checkpoint, *model, *log;
} TrainFiles;

static TrainFiles files_of(const Platform *p, Arena *a, Str id) {
    char *dir = path_join(a, p->cfg->data_dir, "training");
    return (TrainFiles){ path_join(a, dir, str_fmt(a, STR_FMT ".csv", STR_ARG(id)).p),
                         path_join(a, dir, str_fmt(a, STR_FMT ".part", STR_ARG(id)).p),
                         path_join(a, dir, str_fmt(a, STR_FMT ".model", STR_ARG(id)).p),
                         path_join(a, dir, str_fmt(a, STR_FMT ".log", STR_ARG(id)).p) };
}

int training_log_read(void *platform, Ctx *cx, Str training, Str *out) {
    TrainFiles f = files_of(platform, cx->arena, training);
    *out = (Str){ 0 };
    return file_exists(f.log) ? file_read(cx, f.log, LOG_MAX, out) : 0;
}

/* --- the candles, written down once --- */

static int read_candles(Platform *p, Ctx *cx, const TrainingIn *in, SourceCandles *out) {
    PredictionRoles *r = &p->prediction;
    SourceQuery q = { .from = TIME_MIN, .to = TIME_MAX, .most = (size_t)in->rows, .newest = true };
    bool good = symbol_parse(in->symbol, &q.key.symbol) && timeframe_parse(in->timeframe, &q.key.timeframe) &&
                (!in->exchange.n || venue_parse(in->exchange, &q.key.venue)) &&
                (!in->provider.n || venue_parse(in->provider, &q.key.provider));
    if (!good)
        return err_set_at(cx, ERR_INVALID, S("symbol"), "no series of candles has such a name");
    int e = candle_source_get(p->market ? &r->candles.source : &r->remote_candles.source, cx, &q, out);
    return e == SOURCE_NO_SERIES
               ? err_set_at(cx, ERR_NOT_FOUND, S("symbol"), "no candles of " STR_FMT " are stored", STR_ARG(in->symbol))
               : e;
}

/* Numbers as they are to the last bit, times as they are. */
static int write_table(Ctx *cx, const ForecastTable *t, const char *path) {
    Buf b;
    char time[TIME_TEXT_MAX];
    buf_init(&b, CSV_BYTES_MAX);
    BUF_LIT(&b, "date");
    for (size_t c = 0; c < t->n_columns; c++)
        buf_printf(&b, "," STR_FMT, STR_ARG(t->names[c]));
    buf_put_c(&b, '\n');
    for (size_t i = 0; i < t->n_rows; i++) {
        buf_put(&b, time, time_format_iso(time_ms(t->time_ms[i]), time));
        for (size_t c = 0; c < t->n_columns; c++)
            buf_printf(&b, ",%.17g", t->columns[c][i]);
        buf_put_c(&b, '\n');
    }
    int r = buf_ok(&b) ? file_write(cx, path, buf_str(&b), 0600)
                       : err_set(cx, ERR_TOO_LARGE, "the table of %zu rows is too large to train from", t->n_rows);
    buf_done(&b);
    return r;
}

static int write_candles(Platform *p, Ctx *cx, const TrainingIn *in, const char *path) {
    Arena scratch = { 0 };
    Ctx own = *cx;
    SourceCandles got;
    ForecastTable t = { 0 };
    Timeframe tf;
    own.arena = &scratch;
    int r = read_candles(p, &own, in, &got);
    if (r == 0 && !timeframe_parse(in->timeframe, &tf)) /* the pattern of the field has let it through */
        r = err_set_at(&own, ERR_INVALID, S("timeframe"), "no such timeframe");
    if (r == 0)
        r = features_table(&own, &got.rows, tf, in->features, NULL, &t);
    if (r == 0)
        r = dir_make(&own, path_dir(&scratch, path));
    if (r == 0)
        r = write_table(&own, &t, path);
    cx->err = own.err;
    arena_done(&scratch);
    return r;
}

/* --- the child --- */

static Str number(Ctx *cx, int64_t v) {
    return str_fmt(cx->arena, "%lld", (long long)v);
}

static size_t make_args(Ctx *cx, const TrainingIn *in, const TrainFiles *f, Str *v) {
    size_t n = 0;
    const struct {
        const char *flag;
        Str value;
    } flags[] = { { "--model", in->model },
                  { "--preset", in->preset },
                  { "--horizon", number(cx, in->horizon) },
                  { "--look-back", number(cx, in->look_back) },
                  { "--epochs", number(cx, in->epochs) },
                  { "--patience", number(cx, in->patience) },
                  { "--seed", number(cx, in->seed) },
                  { "--max-minutes", str_fmt(cx->arena, "%.17g", in->max_minutes) },
                  { "--target", in->target },
                  { "--made-of", in->features },
                  { "--data-name", str_fmt(cx->arena, STR_FMT ":" STR_FMT " " STR_FMT, STR_ARG(in->exchange),
                                           STR_ARG(in->symbol), STR_ARG(in->timeframe)) },
                  { "--out", str_c(f->model) },
                  { "--log", str_c(f->log) },
                  { "--checkpoint", str_find_char(in->model, '+') < 0 ? str_c(f->checkpoint) : S("") } };
    v[n++] = S("train");
    v[n++] = str_c(f->csv);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (flags[i].value.n)
            v[n++] = str_fmt(cx->arena, "%s=" STR_FMT, flags[i].flag, STR_ARG(flags[i].value));
    v[n++] = S("--json");
    return n;
}

static int tell_task(void *task, Ctx *cx, int64_t done, int64_t total) {
    return job_progress(task, cx, done, total);
}

static int teach(Platform *p, Ctx *cx, JobTask *task, const TrainingIn *in, const TrainFiles *f) {
    Str args[ARGS_MAX], said = { 0 };
    JobCommand c = { .data_dir = p->cfg->data_dir,
                     .args = args,
                     .n = make_args(cx, in, f, args),
                     .memory_max = job_task_job(task)->memory_max,
                     .default_memory = p->cfg->jobs_memory,
                     .progress = tell_task,
                     .progress_arg = task };
    assert(c.n <= ARRAY_LEN(args));
    return job_command_run(cx, &c, &said);
}

/* --- what comes of it --- */

/* A version that this training registered before its process was killed. */
static bool registered_before(Models *m, Ctx *cx, Str name, Str id, ModelVersion *out) {
    ModelVersion *v;
    size_t n;
    Ctx own = *cx;
    if (models_versions(m, &own, name, &v, &n) != 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_eq(ml_tag(v[i].v.tags, v[i].v.n_tags, TAG_TRAINING), id)) {
            *out = v[i];
            return true;
        }
    return false;
}

static int register_model(Platform *p, Ctx *cx, const TrainingIn *in, Str id, const char *path, ModelVersion *out) {
    const MlTag tags[] = { { MODEL_TAG_SERIES,
                             str_fmt(cx->arena, STR_FMT " " STR_FMT, STR_ARG(in->symbol), STR_ARG(in->timeframe)) },
                           { TAG_TRAINING, id } };
    ModelRegister q = { .name = in->name, .tags = tags, .n_tags = ARRAY_LEN(tags), .command = S("training router") };
    if (registered_before(p->prediction.models, cx, in->name, id, out))
        return 0;
    int r = file_read(cx, path, ARTIFACT_MAX, &q.weights);
    q.seconds = NAN;
    return r ? r : models_register(p->prediction.models, cx, &q, out);
}

/* Not to be promoted is no failure of the training: the version is there, and the message says why. */
static int promote(Platform *p, Ctx *cx, const TrainingIn *in, const ModelVersion *v, Str *words) {
    ModelVersion now;
    int r = models_promote(p->prediction.models, cx, v, &(ModelPromote){ .forced = in->force }, &now);
    *words = r == 0 ? S(", promoted") : str_fmt(cx->arena, ", not promoted: %s", cx->err.text);
    if (r == ERR_CONFLICT) {
        err_clear(cx);
        return 0;
    }
    return r;
}

static void tell(Platform *p, Ctx *cx, const TrainingIn *in, Str id, const ModelVersion *v, int code) {
    Buf b;
    JsonWriter w;
    Ctx own = *cx;
    own.cancel = NULL; /* also that it was cancelled */
    if (!p->events)
        return;
    buf_init(&b, 8192);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "training_id", id);
    json_put_str(&w, "model", in->name);
    if (v)
        json_put_str(&w, "version", v->v.version);
    json_put_str(&w, "symbol", in->symbol);
    json_put_str(&w, "timeframe", in->timeframe);
    json_put_bool(&w, "success", code == 0);
    if (code)
        json_put_str(&w, "message", str_c(cx->err.text));
    json_object_end(&w);
    EventDraft d = { .type = S("training_completed"),
                     .source = S("prediction"),
                     .body = buf_str(&b),
                     .priority = -1,
                     .id = str_fmt(cx->arena, "training_completed:" STR_FMT, STR_ARG(id)) };
    event_publish(p->events, &own, &d, NULL); /* kept in the outbox where the bus is away */
    buf_done(&b);
}

static int train(Platform *p, Ctx *cx, JobTask *task, const TrainingIn *in, const TrainFiles *f, ModelVersion *v) {
    Str id = job_task_job(task)->id, words = S("");
    int r = file_exists(f->csv) ? 0 : write_candles(p, cx, in, f->csv);
    if (r == 0 && !file_exists(f->model))
        r = teach(p, cx, task, in, f);
    if (r == 0)
        r = register_model(p, cx, in, id, f->model, v);
    if (r == 0 && in->promote)
        r = promote(p, cx, in, v, &words);
    if (r == 0)
        job_message(task, STR_FMT " version " STR_FMT " registered" STR_FMT, STR_ARG(in->name), STR_ARG(v->v.version),
                    STR_ARG(words));
    return r;
}

/* Stopped by a person is over; by the end of the process it goes on with the next one, and needs its files. */
static bool goes_on(Platform *p, int r) {
    return r == ERR_CANCELLED && p->prediction.stopping;
}

static int run_train(void *arg, Ctx *cx, JobTask *task) {
    Platform *p = arg;
    TrainingIn in;
    ModelVersion v = { 0 };
    Str id = job_task_job(task)->id;
    TrainFiles f = files_of(p, cx->arena, id);
    Ctx clean = *cx;
    int r = shape_decode(&training_in_shape, cx, job_task_params(task), &in);
    if (r)
        return r;
    r = train(p, cx, task, &in, &f, &v);
    if (goes_on(p, r))
        return r;
    tell(p, cx, &in, id, r == 0 ? &v : NULL, r);
    clean.cancel = NULL;
    const char *const old[] = { f.csv, f.checkpoint, f.model };
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        file_remove(&clean, old[i]); /* what cannot be removed is not the training's failure */
    return r;
}

static int check_train(void *arg, Ctx *cx, Str params) {
    TrainingIn in;
    UNUSED(arg);
    return shape_decode(&training_in_shape, cx, params, &in);
}

/* --- the service --- */

static void wake(void *arg) {
    Platform *p = arg;
    if (p->prediction.wake)
        p->prediction.wake(p->prediction.wake_arg);
}

int training_open(Platform *p, Ctx *cx) {
    enum { WAITING_MAX = 256 };
    const JobKind kind = { .name = "train",
                           .doc = "Teaches a model on stored candles.",
                           .run = run_train,
                           .check = check_train,
                           .retries = true };
    PredictionRoles *r = &p->prediction;
    bool kept = p->cfg->data_store != STORE_MEMORY;
    JobStoreOptions o = { .path = kept ? path_join(cx->arena, p->cfg->data_dir, "training.db") : NULL, .lazy = kept };
    int e = kept ? job_store_sqlite_open(cx, &o, &r->training_store) : 0;
    if (e || !kept) /* what is taught goes through files */
        return e;
    r->kind = kind;
    r->kind.arg = p;
    r->training_lane = lane_threads_new("training", 1, WAITING_MAX, p->clock);
    r->role.trainings = jobs_service_new(&(JobsOptions){ .store = r->training_store,
                                                         .lane = r->training_lane,
                                                         .clock = p->clock,
                                                         .ids = p->ids,
                                                         .log = p->log,
                                                         .kinds = &r->kind,
                                                         .n_kinds = 1,
                                                         .runs_kept = p->cfg->jobs_keep,
                                                         .wake = wake,
                                                         .wake_arg = p });
    r->role.training_log = training_log_read;
    return 0;
}

void training_stop(Platform *p) {
    PredictionRoles *r = &p->prediction;
    r->stopping = true;
    if (r->role.trainings)
        jobs_shutdown(r->role.trainings);
    if (r->training_lane)
        r->training_lane = lane_close(r->training_lane); /* its runs wake the ticker: while there is a loop */
}

void training_close(Platform *p) {
    PredictionRoles *r = &p->prediction;
    training_stop(p);
    jobs_service_free(r->role.trainings);
    job_store_close(r->training_store);
}
