/* api/prediction/predict.c - forecasts, and what is loaded for them: handlers and their table. */

#include "api/prediction/prediction_api.h"

#include <math.h>

/* --- questions and answers --- */

static int read_ask(Ctx *cx, const PredictIn *in, PredictAsk *out) {
    *out = (PredictAsk){ .model = in->model, .level = in->level, .strict = in->strict };
    bool good = symbol_parse(in->symbol, &out->key.symbol) && timeframe_parse(in->timeframe, &out->key.timeframe) &&
                (!in->exchange.n || venue_parse(in->exchange, &out->key.venue)) &&
                (!in->provider.n || venue_parse(in->provider, &out->key.provider));
    if (!good) /* the patterns of the fields have let it through */
        return err_set_at(cx, ERR_INVALID, S("symbol"), "no series of candles has such a name");
    out->rows = in->candles.n ? &in->candles : NULL;
    return 0;
}

static List points_of(Ctx *cx, const ServedForecast *p, size_t from, size_t n) {
    ForecastPoint *v = arena_new_n(cx->arena, ForecastPoint, n * p->n_targets);
    for (size_t i = 0; i < n * p->n_targets; i++) {
        size_t h = from + i / p->n_targets, k = i % p->n_targets, at = h * p->n_targets + k;
        v[i] = (ForecastPoint){
            (int64_t)h + 1, time_ms(p->time_ms[h]), p->targets[k], p->value[at], p->low[at], p->high[at], p->last[k]
        };
    }
    return (List){ v, n * p->n_targets };
}

static List ladder_of(Ctx *cx, const ServedForecast *p) {
    RungOut *v = arena_new_n(cx->arena, RungOut, p->n_ladder);
    for (size_t i = 0; i < p->n_ladder; i++)
        v[i] = (RungOut){ p->ladder[i].rung, p->ladder[i].model, p->ladder[i].version, p->ladder[i].outcome };
    return (List){ v, p->n_ladder };
}

static void write_out(Ctx *cx, const ServedForecast *p, size_t from, size_t n, PredictOut *out) {
    char *text = arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX);
    *out = (PredictOut){ .exchange = str_dup(cx->arena, venue_str(&p->key.venue)),
                         .symbol = str_dup(cx->arena, symbol_str(&p->key.symbol)),
                         .timeframe = timeframe_text(p->key.timeframe, text),
                         .provider = str_dup(cx->arena, venue_str(&p->key.provider)),
                         .model = p->model,
                         .version = p->version,
                         .kind = p->kind,
                         .sha256 = p->sha256,
                         .fallback = p->fallback,
                         .ladder = ladder_of(cx, p),
                         .missing = { p->missing, p->n_missing },
                         .horizon = (int64_t)p->horizon,
                         .level = p->level,
                         .interval = p->interval,
                         .as_of = p->as_of,
                         .forecasts = points_of(cx, p, from, n),
                         .val_vs_naive = p->val_vs_naive,
                         .beats_naive = p->beats_naive,
                         .simulated = p->simulated,
                         .cached = p->cached,
                         .drifted = p->drifted,
                         .sentiment_score = p->has_sentiment ? p->sentiment.score : NAN,
                         .sentiment_articles = p->sentiment.n_articles,
                         .took_ms = p->took_ms };
}

static int forecast(PredictionRole *r, Ctx *cx, const PredictIn *in, ServedForecast *p) {
    PredictAsk ask;
    int e = read_ask(cx, in, &ask);
    if (e == 0)
        e = serving_predict(r->serving, cx, &ask, p);
    if (e == 0 && r->predicted && !p->cached)
        r->predicted(r->arg, cx, p);
    return e;
}

static int run_single(void *role, Ctx *cx, const void *in_, void *out) {
    const PredictIn *in = in_;
    ServedForecast p;
    int e = forecast(role, cx, in, &p);
    if (e == 0 && (size_t)in->step > p.horizon)
        return err_set_at(cx, ERR_INVALID, S("step"), "the model forecasts %zu candles, not %lld", p.horizon,
                          (long long)in->step);
    if (e == 0)
        write_out(cx, &p, (size_t)in->step - 1, 1, out);
    return e;
}

static int all_steps(PredictionRole *r, Ctx *cx, const PredictIn *in, PredictOut *out) {
    ServedForecast p;
    int e = forecast(r, cx, in, &p);
    if (e == 0)
        write_out(cx, &p, 0, in->steps ? MIN((size_t)in->steps, p.horizon) : p.horizon, out);
    return e;
}

static int run_horizon(void *role, Ctx *cx, const void *in, void *out) {
    return all_steps(role, cx, in, out);
}

/* As a horizon, but without intervals there is no answer. */
static int run_interval(void *role, Ctx *cx, const void *in, void *out_) {
    PredictOut *out = out_;
    int e = all_steps(role, cx, in, out);
    if (e == 0 && str_eq(out->interval, S("none")))
        return err_set(cx, ERR_CONFLICT, "%.*s has no errors of its own to measure an interval by",
                       STR_ARG(out->model));
    return e;
}

static int run_batch(void *role, Ctx *cx, const void *in_, void *out_) {
    const PredictBatchIn *in = in_;
    PredictBatchOut *out = out_;
    PredictItem *v = arena_new_n(cx->arena, PredictItem, in->requests.n);
    *out = (PredictBatchOut){ .count = (int64_t)in->requests.n, .results = { v, in->requests.n } };
    for (size_t i = 0; i < in->requests.n; i++) {
        PredictOut *p = arena_new(cx->arena, PredictOut);
        int e = all_steps(role, cx, &((const PredictIn *)in->requests.v)[i], p);
        v[i] = e == 0 ? (PredictItem){ .ok = true, .prediction = { p, 1 } }
                      : (PredictItem){ .error = str_c(err_info(e)->name),
                                       .message = str_dup(cx->arena, str_c(cx->err.text)) };
        out->failed += e != 0;
        err_clear(cx);
        if ((e = ctx_check(cx)) != 0)
            return e;
    }
    return 0;
}

/* --- what is loaded --- */

static int run_loaded(void *role, Ctx *cx, const void *in, void *out_) {
    LoadedModels *out = out_;
    ServedRow *rows;
    size_t n;
    UNUSED(in);
    int e = serving_loaded(((PredictionRole *)role)->serving, cx, &rows, &n);
    if (e)
        return e;
    LoadedModel *v = arena_new_n(cx->arena, LoadedModel, n + 1);
    *out = (LoadedModels){ .count = (int64_t)n, .models = { v, n } };
    for (size_t i = 0; i < n; i++) {
        const ServedRow *r = &rows[i];
        v[i] = (LoadedModel){ r->name,           r->version,     r->kind,     r->sha256,
                              (int64_t)r->bytes, r->n_forecasts, r->n_passes, r->n_holders,
                              r->load_ms,        r->loaded,      r->used };
        out->bytes += (int64_t)r->bytes;
    }
    return 0;
}

static int no_model(Ctx *cx, Str ref) {
    return err_set_at(cx, ERR_NOT_FOUND, S("model"), "no model or version \"" STR_FMT "\"", STR_ARG(ref));
}

static int run_warm(void *role, Ctx *cx, const void *in_, void *out) {
    const ModelRef *in = in_;
    int e = serving_warm(((PredictionRole *)role)->serving, cx, in->model);
    if (e == MODEL_NONE)
        return no_model(cx, in->model);
    return e ? e : run_loaded(role, cx, NULL, out);
}

static int run_unload(void *role, Ctx *cx, const void *in_, void *out) {
    const UnloadIn *in = in_;
    int e = serving_unload(((PredictionRole *)role)->serving, cx, in->model, in->version);
    if (e == MODEL_NONE)
        return err_set_at(cx, ERR_NOT_FOUND, S("model"), "\"" STR_FMT "\" is not loaded", STR_ARG(in->model));
    return e ? e : run_loaded(role, cx, NULL, out);
}

static int run_drift(void *role, Ctx *cx, const void *in, void *out_) {
    DriftList *out = out_;
    DriftRow *rows;
    size_t n;
    UNUSED(in);
    int e = serving_drift(((PredictionRole *)role)->serving, cx, &rows, &n);
    if (e)
        return e;
    DriftOut *v = arena_new_n(cx->arena, DriftOut, n + 1);
    *out = (DriftList){ .count = (int64_t)n, .series = { v, n } };
    for (size_t i = 0; i < n; i++) {
        const DriftRow *r = &rows[i];
        v[i] = (DriftOut){ r->name, r->version, r->series, r->n_rows, r->n_errors, r->psi,   r->psi_column,
                           r->ks,   r->ks_p,    r->n_cuts, r->cut_at, r->inputs,   r->errors };
        out->drifted += r->inputs || r->errors;
    }
    return 0;
}

/* --- the table --- */

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Forecasts"

/* clang-format off */
#define LADDER_DOC "When the model cannot answer the next rung does: other versions, other models of the series, the last value. Each rung tried is in " \
                   "the answer with what became of it, and `fallback` names the one that answered."

const Op op_predict_single = {
    .name = "prediction.single", .method = "POST", .path = "/api/v1/predictions", .aliases = PATHS("/api/v1/predictions/single", "/predictions", "/predict"),
    .summary = "One candle to come", .doc = LADDER_DOC, .tag = TAG,
    .in = &predict_in_shape, .out = &predict_out_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 4u << 20, .idempotent = true, .run = run_single };

const Op op_predict_horizon = {
    .name = "prediction.horizon", .method = "POST", .path = "/api/v1/predictions/horizon", .aliases = PATHS("/predictions/horizon", "/predict/horizon"),
    .summary = "All candles that the model forecasts", .doc = LADDER_DOC, .tag = TAG,
    .in = &predict_in_shape, .out = &predict_out_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 4u << 20, .idempotent = true, .run = run_horizon };

const Op op_predict_interval = {
    .name = "prediction.interval", .method = "POST", .path = "/api/v1/predictions/interval", .aliases = PATHS("/predictions/interval", "/predict/interval"),
    .summary = "The same, with intervals or an error", .tag = TAG,
    .doc = "Adaptive conformal intervals where enough candles came behind training: they follow the errors that could be seen by now, and those alone. Else "
           "split conformal ones of validation; `interval` says which.",
    .in = &predict_in_shape, .out = &predict_out_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 4u << 20, .idempotent = true, .run = run_interval };

const Op op_predict_batch = {
    .name = "prediction.batch", .method = "POST", .path = "/api/v1/predictions/batch", .aliases = PATHS("/predictions/batch", "/predict/batch"),
    .summary = "Several forecasts", .tag = TAG,
    .in = &predict_batch_in_shape, .out = &predict_batch_out_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 60000, .max_body = 16u << 20, .idempotent = true, .run = run_batch };

const Op op_serving_loaded = {
    .name = "serving.models", .method = "GET", .path = "/api/v1/serving/models", .aliases = PATHS("/serving/models"),
    .summary = "Models that are ready", .tag = TAG, .out = &loaded_models_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 2000, .idempotent = true, .run = run_loaded };

const Op op_serving_warm = {
    .name = "serving.warm", .method = "POST", .path = "/api/v1/serving/warm", .aliases = PATHS("/serving/load"),
    .summary = "Load a model before somebody waits for it", .tag = TAG, .in = &model_ref_shape, .out = &loaded_models_shape, .role = ROLE_WRITE,
    .lane = LANE_IO, .deadline_ms = 60000, .max_body = 4096, .idempotent = true, .run = run_warm };

const Op op_serving_unload = {
    .name = "serving.unload", .method = "POST", .path = "/api/v1/serving/unload", .aliases = PATHS("/serving/unload"),
    .summary = "Let a model go; requests that use it end with it", .tag = TAG, .in = &unload_in_shape, .out = &loaded_models_shape, .role = ROLE_WRITE,
    .lane = LANE_CPU, .deadline_ms = 2000, .max_body = 4096, .run = run_unload };

const Op op_serving_drift = {
    .name = "serving.drift", .method = "GET", .path = "/api/v1/serving/drift", .aliases = PATHS("/serving/drift"),
    .summary = "Are series still what their models were taught with", .tag = TAG, .out = &drift_list_shape, .role = ROLE_READ,
    .doc = "Inputs by their population stability index over the training values; errors by ADWIN and the Kolmogorov-Smirnov test.",
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = run_drift };

static const Op *const ops[] = { &op_predict_single, &op_predict_horizon, &op_predict_interval, &op_predict_batch,
                                 &op_serving_loaded, &op_serving_warm, &op_serving_unload, &op_serving_drift,
                                 &op_prediction_health, &op_prediction_stats, &op_prediction_tasks, &op_prediction_clear };
/* clang-format on */

const OpTable prediction_api = { .role = "prediction", .ops = ops, .n_ops = ARRAY_LEN(ops) };
