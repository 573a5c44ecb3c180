/* api/inference/ops.c - see inference_api.h. Sources: the Open Inference Protocol (kserve.github.io, 2023); Triton's
 * model repository extension. */

#include "api/inference/internal.h"

#include "api/prediction/prediction_api.h"

#include <math.h>

/* {"error":"words"}: what its clients look for. */
static void write_error(JsonWriter *w, const Ctx *cx) {
    json_object(w);
    json_put_str(w, "error", str_c(cx->err.text));
    json_object_end(w);
}

static Str ref_of(Ctx *cx, Str model, Str version) {
    return version.n ? str_fmt(cx->arena, STR_FMT "/" STR_FMT, STR_ARG(model), STR_ARG(version)) : model;
}

static int no_model(Ctx *cx, Str ref) {
    return err_set_at(cx, ERR_NOT_FOUND, S("model"), "no model \"" STR_FMT "\" is served here", STR_ARG(ref));
}

/* --- the server and its models --- */

static int run_server(void *role, Ctx *cx, const void *in, void *out) {
    Str *extensions = arena_new_n(cx->arena, Str, 1);
    UNUSED(role);
    UNUSED(in);
    extensions[0] = S("model_repository");
    *(InferServer *)out = (InferServer){ S("finsight"), S(FINSIGHT_VERSION), { extensions, 1 } };
    return 0;
}

static int run_health(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(role);
    UNUSED(in);
    *(InferHealth *)out = (InferHealth){ true, true };
    return ctx_check(cx);
}

static void put_tensor(JsonWriter *w, const char *name, const char *type, size_t rows, size_t columns) {
    json_object(w);
    json_put_str(w, "name", str_c(name));
    json_put_str(w, "datatype", str_c(type));
    json_key(w, S("shape"));
    json_array(w);
    json_i64(w, -1);
    json_i64(w, (int64_t)rows);
    json_i64(w, (int64_t)columns);
    json_array_end(w);
    json_object_end(w);
}

static Str keep(Ctx *cx, Buf *b) {
    Str s = str_dup(cx->arena, buf_str(b));
    buf_done(b);
    return s;
}

static void tensors_of(Ctx *cx, const ServedInfo *info, InferModel *out) {
    const ForecastShape *s = &info->shape;
    Buf b;
    JsonWriter w;
    buf_init(&b, 4096);
    json_writer_init(&w, &b, false);
    json_array(&w);
    put_tensor(&w, "x", "FP64", s->look_back, s->n_channels);
    json_array_end(&w);
    out->inputs.json = keep(cx, &b);
    buf_init(&b, 4096);
    json_writer_init(&w, &b, false);
    json_array(&w);
    static const char *const names[] = { "forecast", "low", "high" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        put_tensor(&w, names[i], "FP64", s->horizon, s->n_targets);
    json_array_end(&w);
    out->outputs.json = keep(cx, &b);
}

static int run_model(void *role, Ctx *cx, const void *in_, void *out_) {
    const InferModelRef *in = in_;
    InferModel *out = out_;
    ServedInfo info;
    Str ref = ref_of(cx, in->model, in->version), *versions = arena_new(cx->arena, Str);
    int r = serving_info(((PredictionRole *)role)->serving, cx, ref, &info);
    if (r)
        return r == MODEL_NONE ? no_model(cx, ref) : r;
    *versions = info.version;
    *out = (InferModel){ .name = info.name,
                         .versions = { versions, 1 },
                         .platform = str_fmt(cx->arena, "finsight_" STR_FMT, STR_ARG(info.kind)) };
    tensors_of(cx, &info, out);
    return 0;
}

static int run_ready(void *role, Ctx *cx, const void *in_, void *out) {
    const InferModelRef *in = in_;
    Str ref = ref_of(cx, in->model, in->version);
    int r = serving_warm(((PredictionRole *)role)->serving, cx, ref);
    if (r)
        return r == MODEL_NONE ? no_model(cx, ref) : r;
    *(InferReady *)out = (InferReady){ in->model, true };
    return 0;
}

/* --- tensors in --- */

static int bad_tensor(Ctx *cx, const char *words) {
    return err_set_at(cx, ERR_INVALID, S("inputs"), "inputs: %s", words);
}

static int read_shape(JsonReader *j, InferTensor *t) {
    int more;
    if (t->rank)
        return json_fail(j, "a shape twice");
    json_open_array(j);
    while ((more = json_array_next(j)) > 0) {
        if (t->rank == ARRAY_LEN(t->shape))
            return json_fail(j, "a shape of more than three numbers");
        if (json_read_i64(j, &t->shape[t->rank++]) != 0)
            return j->err;
    }
    return more;
}

/* No more than the model could want of one request: eight bytes for "0," of a body add up. */
static int put_number(JsonReader *j, Arena *arena, Str text, size_t most, InferTensor *t) {
    JsonReader number;
    if (t->n == t->cap) {
        size_t more = t->cap ? 2 * t->cap : 1024;
        if (t->n >= most)
            return json_fail(j, "more numbers than the model takes at once");
        t->data = arena_grow(arena, t->data, t->cap * sizeof *t->data, more * sizeof *t->data);
        t->cap = more;
    }
    json_reader_init(&number, text, arena, 1);
    return json_read_f64(&number, &t->data[t->n++]) == 0 ? 0 : json_fail(j, "a number out of the range of doubles");
}

/* Flat or nested, row by row: brackets inside are only looked at for their balance, which the reader sees to. */
static int read_data(JsonReader *j, Arena *arena, size_t most, InferTensor *t) {
    JsonToken token;
    int depth = 0;
    if (t->n)
        return json_fail(j, "data twice");
    do {
        int r = json_next(j, &token);
        if (r)
            return r;
        if (token.kind == JSON_ARRAY)
            depth++;
        else if (token.kind == JSON_ARRAY_END)
            depth--;
        else if (token.kind != JSON_NUMBER || depth == 0)
            return json_fail(j, "data that are not numbers");
        else if ((r = put_number(j, arena, token.text, most, t)) != 0)
            return r;
    } while (depth > 0);
    return 0;
}

static int read_tensor(JsonReader *j, Arena *arena, size_t most, InferTensor *t) {
    Str key;
    int more;
    json_open_object(j);
    while ((more = json_object_next(j, &key)) > 0) {
        int r = str_eq(key, S("name"))       ? json_read_str(j, &t->name)
                : str_eq(key, S("datatype")) ? json_read_str(j, &t->type)
                : str_eq(key, S("shape"))    ? read_shape(j, t)
                : str_eq(key, S("data"))     ? read_data(j, arena, most, t)
                                             : json_skip(j);
        if (r)
            return r;
    }
    return more;
}

/* The one input "x", of the shape that the model wants. */
int infer_read_input(Ctx *cx, Str inputs, const ForecastShape *s, InferTensor *t) {
    JsonReader j;
    size_t seen = 0, most = mem_mul(mem_mul(INFER_WINDOWS_MAX, s->look_back), s->n_channels);
    *t = (InferTensor){ 0 };
    json_reader_init(&j, inputs, cx->arena, 8);
    json_open_array(&j);
    while (json_array_next(&j) > 0) {
        if (seen++)
            return bad_tensor(cx, "one tensor is wanted, \"x\"");
        if (read_tensor(&j, cx->arena, most, t))
            break;
    }
    if (j.err)
        return bad_tensor(cx, j.why ? j.why : "they cannot be read");
    if (!seen || (t->name.n && !str_eq(t->name, S("x"))))
        return bad_tensor(cx, "the model has one input, \"x\"");
    if (!str_eq(t->type, S("FP64")) && !str_eq(t->type, S("FP32")) && !str_eq(t->type, S("INT64")))
        return err_set_at(cx, ERR_UNSUPPORTED, S("inputs"),
                          "inputs: the datatype " STR_FMT " is not read here; FP64, FP32 and INT64 are",
                          STR_ARG(t->type));
    bool fits = t->rank == 3 && t->shape[0] >= 1 && t->shape[0] <= INFER_WINDOWS_MAX &&
                t->shape[1] == (int64_t)s->look_back && t->shape[2] == (int64_t)s->n_channels;
    if (!fits)
        return err_set_at(cx, ERR_INVALID, S("inputs"),
                          "inputs: the shape must be [1 to %d, %zu, %zu]: windows, rows of the look-back, columns",
                          INFER_WINDOWS_MAX, s->look_back, s->n_channels);
    size_t want = (size_t)t->shape[0] * s->look_back * s->n_channels;
    if (t->n != want)
        return err_set_at(cx, ERR_INVALID, S("inputs"), "inputs: the shape asks for %zu numbers, there are %zu", want,
                          t->n);
    return 0;
}

/* --- parameters, and the outputs that are wanted --- */

int infer_read_level(Ctx *cx, Str parameters, double *level) {
    JsonReader j;
    Str key;
    *level = 0;
    if (!parameters.n)
        return 0;
    json_reader_init(&j, parameters, cx->arena, 4);
    json_open_object(&j);
    while (json_object_next(&j, &key) > 0)
        if (str_eq(key, S("level")) && json_read_f64(&j, level))
            break;
    return j.err ? err_set_at(cx, ERR_INVALID, S("parameters"), "parameters: %s", j.why ? j.why : "cannot be read") : 0;
}

int infer_read_wanted(Ctx *cx, Str outputs, unsigned *wanted) {
    static const char *const names[] = { "forecast", "low", "high" };
    JsonReader j;
    *wanted = outputs.n ? 0 : INFER_FORECAST | INFER_LOW | INFER_HIGH;
    if (!outputs.n)
        return 0;
    json_reader_init(&j, outputs, cx->arena, 4);
    json_open_array(&j);
    while (json_array_next(&j) > 0) {
        Str key, name = { 0 };
        unsigned found = 0;
        json_open_object(&j);
        while (json_object_next(&j, &key) > 0)
            if (str_eq(key, S("name")))
                json_read_str(&j, &name);
        for (unsigned i = 0; i < ARRAY_LEN(names); i++)
            found |= str_eq(name, str_c(names[i])) ? 1u << i : 0;
        if (!j.err && !found)
            return err_set_at(cx, ERR_INVALID, S("outputs"),
                              "outputs: there is no \"" STR_FMT "\"; forecast, low and high are",
                              STR_ARG(str_first(name, 80)));
        *wanted |= found;
    }
    return j.err ? err_set_at(cx, ERR_INVALID, S("outputs"), "outputs: %s", j.why ? j.why : "cannot be read") : 0;
}

/* --- tensors out --- */

static void put_output(JsonWriter *w, const char *name, bool narrow, const ForecastShape *s, size_t n,
                       const double *v) {
    json_object(w);
    json_put_str(w, "name", str_c(name));
    json_put_str(w, "datatype", narrow ? S("FP32") : S("FP64"));
    json_key(w, S("shape"));
    json_array(w);
    json_i64(w, (int64_t)n);
    json_i64(w, (int64_t)s->horizon);
    json_i64(w, (int64_t)s->n_targets);
    json_array_end(w);
    json_key(w, S("data"));
    json_array(w);
    for (size_t i = 0; i < n * s->horizon * s->n_targets; i++)
        json_f64(w, narrow ? (double)(float)v[i] : v[i]);
    json_array_end(w);
    json_object_end(w);
}

static int write_outputs(Ctx *cx, const InferAnswer *a, size_t n, bool narrow, unsigned wanted, InferOut *out) {
    enum { ANSWER_MAX = 256 << 20 };
    const struct {
        const char *name;
        const double *v;
    } v[] = { { "forecast", a->value }, { "low", a->low }, { "high", a->high } };
    Buf b;
    JsonWriter w;
    buf_init(&b, ANSWER_MAX);
    json_writer_init(&w, &b, false);
    json_array(&w);
    for (unsigned i = 0; i < ARRAY_LEN(v); i++)
        if (v[i].v && (wanted & 1u << i))
            put_output(&w, v[i].name, narrow, &a->model.shape, n, v[i].v);
    json_array_end(&w);
    bool ok = buf_ok(&b);
    out->outputs.json = keep(cx, &b);
    return ok ? 0 : err_set(cx, ERR_TOO_LARGE, "the answer is larger than %d MB", ANSWER_MAX >> 20);
}

static int run_infer(void *role, Ctx *cx, const void *in_, void *out_) {
    const InferIn *in = in_;
    Serving *serving = ((PredictionRole *)role)->serving;
    InferOut *out = out_;
    ServedInfo info = { 0 };
    InferAnswer answer;
    InferTensor t;
    InferAsk ask = { 0 };
    unsigned wanted;
    Str ref = ref_of(cx, in->model, in->version);
    int r = serving_info(serving, cx, ref, &info);
    if (r == 0)
        r = infer_read_level(cx, in->parameters.json, &ask.level);
    if (r == 0)
        r = infer_read_wanted(cx, in->outputs.json, &wanted);
    if (r == 0)
        r = infer_read_input(cx, in->inputs.json, &info.shape, &t);
    if (r)
        return r == MODEL_NONE ? no_model(cx, ref) : r;
    ask.ref = ref_of(cx, info.name, info.version); /* the one whose shape was checked, whatever is promoted meanwhile */
    ask.x = t.data;
    ask.n = (size_t)t.shape[0];
    ask.window = t.n / ask.n;
    r = serving_infer(serving, cx, &ask, &answer);
    if (r)
        return r == MODEL_NONE ? no_model(cx, ref) : r;
    *out = (InferOut){ .model_name = in->model, .model_version = answer.model.version, .id = in->id };
    return write_outputs(cx, &answer, ask.n, str_eq(t.type, S("FP32")), wanted, out);
}

/* --- the repository --- */

static int run_index(void *role, Ctx *cx, const void *in, void *out_) {
    RawBody *out = out_;
    ServedRow *rows;
    size_t n;
    Buf b;
    JsonWriter w;
    UNUSED(in);
    int r = serving_loaded(((PredictionRole *)role)->serving, cx, &rows, &n);
    if (r)
        return r;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        json_put_str(&w, "name", rows[i].name);
        json_put_str(&w, "version", rows[i].version);
        json_put_str(&w, "state", S("READY"));
        json_put_str(&w, "reason", S(""));
        json_object_end(&w);
    }
    json_array_end(&w);
    *out = (RawBody){ S("application/json"), keep(cx, &b) };
    return 0;
}

static int run_load(void *role, Ctx *cx, const void *in_, void *out) {
    const InferLoadIn *in = in_;
    if (in->parameters.json.n && !str_eq(in->parameters.json, S("{}")))
        return err_set_at(cx, ERR_UNSUPPORTED, S("parameters"),
                          "models come from the registry: a configuration or files sent along are not taken");
    int r = serving_warm(((PredictionRole *)role)->serving, cx, in->model);
    *(InferReady *)out = (InferReady){ in->model, r == 0 };
    return r == MODEL_NONE ? no_model(cx, in->model) : r;
}

static int run_unload(void *role, Ctx *cx, const void *in_, void *out) {
    const InferLoadIn *in = in_;
    int r = serving_unload(((PredictionRole *)role)->serving, cx, in->model, S(""));
    *(InferReady *)out = (InferReady){ in->model, false };
    return r == MODEL_NONE ? no_model(cx, in->model) : r;
}

/* --- the table --- */

/* clang-format off */
#define MODEL(T) FIELD(T, model, .flags = F_REQUIRED | F_PATH, .max = 128, .doc = "A registered model.", .example = "btc-1h")
#define VERSION(T) FIELD(T, version, .flags = F_REQUIRED | F_PATH, .max = 20, .doc = "One of its versions.", .example = "3")

static const Field ref_f[] = { MODEL(InferModelRef) };
static SHAPE(ref_shape, InferModelRef, ref_f, .doc = "A model: the version that is promoted.");
static const Field version_f[] = { MODEL(InferModelRef), VERSION(InferModelRef) };
static const Shape version_shape = { .name = "InferVersionRef", .size = sizeof(InferModelRef), .fields = version_f, .n_fields = ARRAY_LEN(version_f), .doc = "A model and its version." };

#define INFER_FIELDS \
    FIELD(InferIn, id, .max = 200, .doc = "Given back in the answer."), \
    FIELD(InferIn, parameters, .doc = "\"level\": intervals of 0.5, 0.8, 0.9 or 0.95.", .example = "{\"level\":0.9}"), \
    FIELD(InferIn, inputs, .flags = F_REQUIRED, .doc = "One tensor \"x\": name, datatype, shape, data."), \
    FIELD(InferIn, outputs, .doc = "Names of the tensors wanted; left out: all there are.")
static const Field infer_in_f[] = { MODEL(InferIn), INFER_FIELDS };
static SHAPE(infer_in_shape, InferIn, infer_in_f, .doc = "Tensors for a model.");
static const Field infer_version_f[] = { MODEL(InferIn), VERSION(InferIn), INFER_FIELDS };
static const Shape infer_version_shape = { .name = "InferVersionIn", .size = sizeof(InferIn), .fields = infer_version_f, .n_fields = ARRAY_LEN(infer_version_f), .doc = "Tensors for a version of a model." };

static const Field infer_out_f[] = {
    FIELD(InferOut, model_name, .doc = "Who answered."),
    FIELD(InferOut, model_version, .doc = "In which version."),
    FIELD(InferOut, id, .flags = F_OMIT_EMPTY, .doc = "Of the request."),
    FIELD(InferOut, parameters, .flags = F_OMIT_EMPTY, .doc = "Nothing yet."),
    FIELD(InferOut, outputs, .doc = "Tensors: name, datatype, shape, data row by row."),
};
static SHAPE(infer_out_shape, InferOut, infer_out_f, .doc = "Tensors of a model.");
static const Field index_f[] = { FIELD(InferIndexIn, ready, .doc = "Only those that are ready; the others are not listed anyway.") };
static SHAPE(index_shape, InferIndexIn, index_f, .doc = "Which models.");
static const Field load_f[] = {
    MODEL(InferLoadIn),
    FIELD(InferLoadIn, parameters, .doc = "Nothing is taken on loading; on unloading dependents there are none.", .example = "{}"),
};
static SHAPE(load_shape, InferLoadIn, load_f, .doc = "A model to load or to let go.");
static const Field server_f[] = {
    FIELD(InferServer, name, .doc = "finsight."),
    FIELD(InferServer, version, .doc = "Of the program."),
    FIELD(InferServer, extensions, .doc = "Of the protocol."),
};
static SHAPE(server_shape, InferServer, server_f, .doc = "Who speaks here.");
static const Field live_f[] = { FIELD(InferHealth, live, .doc = "It runs.") };
static const Shape live_shape = { .name = "InferLive", .size = sizeof(InferHealth), .fields = live_f, .n_fields = 1, .doc = "Does it run." };
static const Field ready_f[] = { FIELD(InferHealth, ready, .doc = "It answers.") };
static SHAPE(ready_shape, InferHealth, ready_f, .doc = "Does it answer.");
static const Field model_ready_f[] = { FIELD(InferReady, name, .doc = "The model."), FIELD(InferReady, ready, .doc = "It is loaded.") };
static SHAPE(model_ready_shape, InferReady, model_ready_f, .doc = "Is a model ready.");
static const Field model_f[] = {
    FIELD(InferModel, name, .doc = "The model."),
    FIELD(InferModel, versions, .doc = "The one that answers."),
    FIELD(InferModel, platform, .doc = "finsight_ and its kind.", .example = "finsight_dlinear"),
    FIELD(InferModel, inputs, .doc = "Tensors it wants; -1: any number."),
    FIELD(InferModel, outputs, .doc = "Tensors it gives."),
};
static SHAPE(model_shape, InferModel, model_f, .doc = "What a model wants and gives.");

#define TAG "Open inference protocol"
#define V2(var, op_name, verb, where, text, shape_in, shape_out, ...) \
    static const Op var = { .name = op_name, .method = verb, .path = where, .summary = text, .tag = TAG, .in = shape_in, .out = shape_out, \
                            .role = ROLE_READ, .write_error = write_error, .idempotent = true, .deadline_ms = 30000, __VA_ARGS__ }

V2(op_server, "inference.server", "GET", "/v2", "Who speaks the open inference protocol here", NULL, &server_shape, .lane = LANE_CPU, .run = run_server);
V2(op_live, "inference.live", "GET", "/v2/health/live", "Does it run", NULL, &live_shape, .lane = LANE_CPU, .run = run_health);
V2(op_ready, "inference.ready", "GET", "/v2/health/ready", "Does it answer", NULL, &ready_shape, .lane = LANE_CPU, .run = run_health);
V2(op_model, "inference.model", "GET", "/v2/models/{model}", "What a model wants and gives", &ref_shape, &model_shape, .lane = LANE_IO, .run = run_model);
V2(op_version, "inference.version", "GET", "/v2/models/{model}/versions/{version}", "What a version of a model wants and gives", &version_shape, &model_shape, .lane = LANE_IO, .run = run_model);
V2(op_model_ready, "inference.model_ready", "GET", "/v2/models/{model}/ready", "Is a model ready", &ref_shape, &model_ready_shape, .lane = LANE_IO, .run = run_ready);
V2(op_version_ready, "inference.version_ready", "GET", "/v2/models/{model}/versions/{version}/ready", "Is a version of a model ready", &version_shape, &model_ready_shape, .lane = LANE_IO, .run = run_ready);
V2(op_index, "inference.index", "POST", "/v2/repository/index", "Models that are loaded", &index_shape, &raw_body_shape, .lane = LANE_CPU, .max_body = 4096, .raw = "application/json", .run = run_index);

const Op op_infer = {
    .name = "inference.infer", .method = "POST", .path = "/v2/models/{model}/infer", .summary = "Tensors through a model", .tag = TAG,
    .doc = "One input, \"x\" of shape [windows, look_back, columns], flat or nested, in the data's own units; outputs \"forecast\" and, with the "
           "parameter \"level\", \"low\" and \"high\". Requests of several callers are computed together.",
    .in = &infer_in_shape, .out = &infer_out_shape, .role = ROLE_READ, .write_error = write_error,
    .lane = LANE_IO, .deadline_ms = 30000, .max_body = 64u << 20, .idempotent = true, .run = run_infer };
static const Op op_infer_version = {
    .name = "inference.infer_version", .method = "POST", .path = "/v2/models/{model}/versions/{version}/infer", .summary = "Tensors through a version of a model", .tag = TAG,
    .in = &infer_version_shape, .out = &infer_out_shape, .role = ROLE_READ, .write_error = write_error,
    .lane = LANE_IO, .deadline_ms = 30000, .max_body = 64u << 20, .idempotent = true, .run = run_infer };
static const Op op_load = {
    .name = "inference.load", .method = "POST", .path = "/v2/repository/models/{model}/load", .summary = "Load a model", .tag = TAG,
    .in = &load_shape, .out = &model_ready_shape, .role = ROLE_WRITE, .write_error = write_error,
    .lane = LANE_IO, .deadline_ms = 60000, .max_body = 64u << 10, .idempotent = true, .run = run_load };
static const Op op_unload = {
    .name = "inference.unload", .method = "POST", .path = "/v2/repository/models/{model}/unload", .summary = "Let a model go", .tag = TAG,
    .in = &load_shape, .out = &model_ready_shape, .role = ROLE_WRITE, .write_error = write_error,
    .lane = LANE_CPU, .deadline_ms = 5000, .max_body = 64u << 10, .run = run_unload };

static const Op *const ops[] = { &op_server, &op_live, &op_ready, &op_model, &op_version, &op_model_ready, &op_version_ready,
                                 &op_infer, &op_infer_version, &op_index, &op_load, &op_unload };
/* clang-format on */

const OpTable inference_api = { .role = "inference", .ops = ops, .n_ops = ARRAY_LEN(ops) };
