/* api/prediction/training.c - the training router (PRD-01): models are taught by jobs of the kind "train", which run as
 * child processes of the lowest priority and go on after a kill. */

#include "api/prediction/internal.h"

static JobService *trainings_of(void *role) {
    return ((PredictionRole *)role)->trainings;
}

static int need_trainings(Ctx *cx, void *role) {
    return trainings_of(role) ? 0 : err_set(cx, ERR_UNSUPPORTED, "this process teaches no models");
}

static Str state_of(const JobRun *run) {
    Str state = str_c(run_state_name(run->state));
    return str_eq(state, S("stopped")) ? S("cancelled") : state;
}

static int row_of(void *role, Ctx *cx, const Job *job, TrainingRow *out) {
    TrainingIn in = { 0 };
    JobRun run = { .state = RUN_QUEUED };
    int r = shape_decode(&training_in_shape, cx, job->params, &in);
    if (r == 0 && job->run.n)
        r = job_store_run(jobs_store(trainings_of(role)), cx, job->run, &run);
    if (r < 0)
        return r;
    bool over = run.state == RUN_SUCCEEDED;
    *out = (TrainingRow){ .training = job->id,
                          .model = in.name,
                          .state = state_of(&run),
                          .progress = over            ? 1
                                      : run.total > 0 ? (double)run.done / (double)run.total
                                                      : 0,
                          .submitted = run.queued_at,
                          .started = run.started_at,
                          .ended = run.ended_at,
                          .message = run.message,
                          .error = run.error,
                          .settings = { job->params } };
    return 0;
}

static int find(void *role, Ctx *cx, Str id, Job *out) {
    int r = need_trainings(cx, role);
    if (r == 0)
        r = jobs_get(trainings_of(role), cx, id, out);
    return r == ERR_NOT_FOUND ? err_set_at(cx, r, S("training"), "no training \"" STR_FMT "\"", STR_ARG(id)) : r;
}

/* "btc-1h-20261122T001500-1": its model, when it was asked for, and which of that second. */
static int free_id(void *role, Ctx *cx, Str name, Str *out) {
    enum { AT_ONCE = 1000 };
    Civil c = time_to_civil(clock_wall(cx->clock));
    for (int i = 1; i < AT_ONCE; i++) {
        Job job = { 0 };
        Str id = str_fmt(cx->arena, STR_FMT "-%04d%02d%02dT%02d%02d%02d-%d", STR_ARG(str_first(name, 40)), (int)c.year,
                         (int)c.month, (int)c.day, (int)c.hour, (int)c.minute, (int)c.second, i);
        int r = jobs_get(trainings_of(role), cx, id, &job);
        if (r == ERR_NOT_FOUND) {
            err_clear(cx);
            *out = id;
            return 0;
        }
        if (r)
            return r;
    }
    return err_set(cx, ERR_BUSY, "a thousand trainings of \"" STR_FMT "\" were asked for this second", STR_ARG(name));
}

static int run_submit(void *role, Ctx *cx, const void *in, void *out) {
    Str id;
    Job job = { 0 };
    JobRun run;
    Buf b;
    JsonWriter w;
    int r = need_trainings(cx, role);
    if (r == 0)
        r = free_id(role, cx, ((const TrainingIn *)in)->name, &id);
    if (r)
        return r;
    buf_init(&b, JOB_TEXT_MAX);
    json_writer_init(&w, &b, false);
    shape_write(&training_in_shape, &w, in);
    JobDefinition d = { .id = id, .kind = S("train"), .params = str_dup(cx->arena, buf_str(&b)), .retries = -1 };
    buf_done(&b);
    r = jobs_define(trainings_of(role), cx, &d, &job);
    if (r == 0)
        r = jobs_run_now(trainings_of(role), cx, id, (Str){ 0 }, &run);
    if (r == 0)
        r = jobs_get(trainings_of(role), cx, id, &job);
    r = job_store_record(jobs_store(trainings_of(role)), cx,
                         &(AuditRow){ .action = S("training.submit"), .subject = id }, r);
    return r ? r : row_of(role, cx, &job, out);
}

int training_api_list(void *role, Ctx *cx, const void *in, void *out_) {
    TrainingList *out = out_;
    Job *v;
    size_t n;
    UNUSED(in);
    int r = need_trainings(cx, role);
    if (r == 0)
        r = jobs_list(trainings_of(role), cx, &v, &n);
    if (r)
        return r;
    TrainingRow *rows = arena_new_n(cx->arena, TrainingRow, n + 1);
    size_t kept = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        if (str_eq(v[i].kind, S("train")))
            r = row_of(role, cx, &v[i], &rows[kept++]);
    *out = (TrainingList){ (int64_t)kept, { rows, kept } };
    return r;
}

static int run_get(void *role, Ctx *cx, const void *in, void *out) {
    Job job = { 0 };
    int r = find(role, cx, ((const TrainingRef *)in)->training, &job);
    return r ? r : row_of(role, cx, &job, out);
}

static int run_cancel(void *role, Ctx *cx, const void *in, void *out) {
    Str id = ((const TrainingRef *)in)->training;
    Job job = { 0 };
    int r = find(role, cx, id, &job);
    if (r == 0)
        r = jobs_stop(trainings_of(role), cx, id, &job);
    if (r == 0 || r == ERR_CONFLICT)
        r = job_store_record(jobs_store(trainings_of(role)), cx,
                             &(AuditRow){ .action = S("training.cancel"), .subject = id }, r);
    return r ? r : row_of(role, cx, &job, out);
}

static int run_log(void *role, Ctx *cx, const void *in, void *out_) {
    enum { LINES_MAX = 1000 };
    PredictionRole *p = role;
    TrainingLog *out = out_;
    Job job = { 0 };
    Str text = { 0 }, line, id = ((const TrainingRef *)in)->training;
    size_t n = 0;
    int r = find(role, cx, id, &job);
    if (r == 0 && p->training_log)
        r = p->training_log(p->arg, cx, id, &text);
    if (r)
        return r;
    Str *lines = arena_new_n(cx->arena, Str, LINES_MAX);
    while (n < LINES_MAX && str_next(&text, '\n', &line))
        if (line.n)
            lines[n++] = line;
    *out = (TrainingLog){ id, { lines, n } };
    return 0;
}

/* --- the table --- */

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Training"

/* clang-format off */
const Op op_training_submit = {
    .name = "training.submit", .method = "POST", .path = "/api/v1/training", .aliases = PATHS("/training", "/train"),
    .summary = "Teach a model on stored candles", .tag = TAG, .status = 202,
    .doc = "Runs as a child process of the lowest priority; after a kill it goes on from its last checkpoint. What comes of it is registered as the next "
           "version of the model and, if asked for, put to work when it is better than repeating the last value.",
    .in = &training_in_shape, .out = &training_row_shape, .role = ROLE_WRITE,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 64u << 10, .run = run_submit };

const Op op_training_list = {
    .name = "training.list", .method = "GET", .path = "/api/v1/training", .aliases = PATHS("/training"),
    .summary = "Trainings", .tag = TAG, .out = &training_list_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = training_api_list };

const Op op_training_get = {
    .name = "training.get", .method = "GET", .path = "/api/v1/training/{training}", .aliases = PATHS("/training/{training}"),
    .summary = "How far a training is", .tag = TAG, .in = &training_ref_shape, .out = &training_row_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = run_get };

const Op op_training_cancel = {
    .name = "training.cancel", .method = "POST", .path = "/api/v1/training/{training}/cancel", .aliases = PATHS("/training/{training}/cancel"),
    .summary = "End a training; nothing is registered", .tag = TAG, .in = &training_ref_shape, .out = &training_row_shape, .role = ROLE_WRITE,
    .lane = LANE_IO, .deadline_ms = 5000, .run = run_cancel };

const Op op_training_log = {
    .name = "training.log", .method = "GET", .path = "/api/v1/training/{training}/logs", .aliases = PATHS("/training/{training}/logs"),
    .summary = "What a training says, an epoch a line", .tag = TAG, .in = &training_ref_shape, .out = &training_log_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = run_log };

static const Op *const ops[] = { &op_training_submit, &op_training_list, &op_training_get, &op_training_cancel, &op_training_log };
/* clang-format on */

const OpTable training_api = { .role = "training", .ops = ops, .n_ops = ARRAY_LEN(ops) };
