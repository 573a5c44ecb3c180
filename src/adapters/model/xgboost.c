/* adapters/model/xgboost.c - see xgboost.h. */

#include "adapters/model/xgboost.h"

#include "adapters/model/xgboost_lib.h"
#include "base/num.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>

enum { RECENT = 12, SEASONS = 4, FEATURES = RECENT + SEASONS + 8, PATIENCE = 20, MODEL_MAX = 256 << 20 };
static const XgboostOptions standard = { .rounds = 400, .depth = 6, .rate = 0.05, .samples = 150000 };

typedef struct Xgboost {
    Forecaster f;
    XgbLib lib;
    XgbBooster booster;
    XgboostOptions o;
    bool fitted;
} Xgboost;

static int failed(Xgboost *x, Ctx *cx, const char *what) {
    return err_set(cx, ERR_INTERNAL, "xgboost: %s: %.300s", what, x->lib.get_last_error());
}

bool xgboost_available(void) {
    XgbLib lib;
    bool there = !xgb_lib_open(&lib);
    xgb_lib_close(&lib);
    return there;
}

void xgboost_options(Forecaster *f, const XgboostOptions *o) {
    Xgboost *x = CONTAINER_OF(f, Xgboost, f);
    assert(f->kind == &xgboost_kind);
    x->o.seed = o->seed;
    x->o.rounds = o->rounds ? o->rounds : x->o.rounds;
    x->o.depth = o->depth ? o->depth : x->o.depth;
    x->o.rate = o->rate > 0 ? o->rate : x->o.rate;
    x->o.samples = o->samples ? o->samples : x->o.samples;
}

/* --- features of one window and channel; the step's own are put in later --- */

typedef struct View { /* a window's channel and what does not depend on the step */
    const float *x;
    size_t stride, n;
    float last, all[FEATURES];
} View;

static inline float at(const View *v, size_t i) {
    return v->x[i * v->stride];
}

static void moments(const View *v, size_t from, float *mean, float *deviation) {
    double sum = 0, squares = 0, n = (double)(v->n - from);
    for (size_t i = from; i < v->n; i++) {
        double d = at(v, i) - v->last;
        sum += d;
        squares += d * d;
    }
    *mean = (float)(sum / n);
    *deviation = (float)sqrt(fmax(squares / n - sum / n * (sum / n), 0));
}

/* Lags back that double: 1 2 3 4 6 8 12 16 …, each as its difference from the last value. */
static void look(const ForecastShape *s, const float *window, size_t stride, size_t channel, View *v) {
    size_t k = 0, lag = 1, season = MIN(s->season, s->look_back);
    *v = (View){ .x = window + channel, .stride = stride, .n = s->look_back };
    v->last = at(v, v->n - 1);
    for (size_t i = 0; i < RECENT; i++) {
        v->all[k++] = lag < v->n ? at(v, v->n - 1 - lag) - v->last : 0;
        lag += MAX((size_t)1, lag / 2);
    }
    k += SEASONS;
    moments(v, 0, &v->all[k], &v->all[k + 1]);
    moments(v, v->n - season, &v->all[k + 2], &v->all[k + 3]);
    v->all[k + 4] = (float)channel;
}

/* step from 0; out: FEATURES */
static void features(const ForecastShape *s, const View *v, size_t step, float *out) {
    size_t m = s->season, k = RECENT;
    double mean = 0;
    size_t n = 0;
    memcpy(out, v->all, sizeof v->all);
    for (size_t i = 0; i < SEASONS; i++) { /* the same phase one, two, … seasons ago, as far as the look-back reaches */
        size_t back = (i + 1 + step / m) * m - step; /* rows before the first step */
        out[k + i] = back <= v->n && back > 0 ? at(v, v->n - back) - v->last : NAN;
    }
    for (size_t back = (1 + step / m) * m - step; back <= v->n; back += m, n++)
        mean += at(v, v->n - back) - v->last;
    k += SEASONS + 5;
    out[k] = n ? (float)(mean / (double)n) : NAN;
    out[k + 1] = (float)(step + 1);
    out[k + 2] = (float)(step % m);
}

/* --- learning --- */

static int draw_rows(Xgboost *x, Ctx *cx, const ForecastData *d, ForecastPart part, size_t n, uint64_t seed,
                     XgbMatrix *out) {
    const ForecastShape *s = &x->f.shape;
    size_t windows = data_windows(d, part);
    float *rows = mem_new_n(float, mem_mul(n, FEATURES)), *labels = mem_new_n(float, n);
    Rng rng;
    rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++) {
        size_t start = data_window(d, part, rng_below(&rng, windows)), channel = rng_below(&rng, s->n_targets);
        size_t step = rng_below(&rng, s->horizon);
        View v;
        look(s, data_at(d, 0, start), d->n_channels, channel, &v);
        features(s, &v, step, rows + i * FEATURES);
        labels[i] = *data_at(d, channel, start + s->look_back + step) - v.last;
    }
    int r = x->lib.matrix_create(rows, n, FEATURES, NAN, out) ? failed(x, cx, "no matrix") : 0;
    if (r == 0 && x->lib.matrix_set_floats(*out, "label", labels, n))
        r = failed(x, cx, "no labels");
    mem_free(rows);
    mem_free(labels);
    return r;
}

static int set_params(Xgboost *x, Ctx *cx) {
    char seed[32], depth[16], rate[NUM_TEXT_MAX + 1];
    snprintf(seed, sizeof seed, "%u", (unsigned)(x->o.seed & INT32_MAX));
    snprintf(depth, sizeof depth, "%d", x->o.depth);
    rate[num_format_f64(x->o.rate, rate)] = 0;
    const char *const params[][2] = { { "nthread", "1" },
                                      { "verbosity", "0" },
                                      { "tree_method", "hist" },
                                      { "objective", "reg:squarederror" },
                                      { "max_depth", depth },
                                      { "eta", rate },
                                      { "subsample", "0.8" },
                                      { "colsample_bytree", "0.8" },
                                      { "min_child_weight", "20" },
                                      { "eval_metric", "rmse" },
                                      { "seed", seed } };
    for (size_t i = 0; i < ARRAY_LEN(params); i++)
        if (x->lib.set_param(x->booster, params[i][0], params[i][1]))
            return failed(x, cx, "no parameter");
    return 0;
}

/* "[12]\tvalidation-rmse:0.3456" */
static double read_error(const char *text) {
    Str s = str_c(text);
    ptrdiff_t colon = str_find_char(s, ':');
    double v;
    return colon >= 0 && num_parse_f64(str_trim(str_from(s, (size_t)colon + 1)), &v) ? v : NAN;
}

static int keep_model(Xgboost *x, Ctx *cx, Buf *out) {
    XgbSize n;
    const char *bytes;
    if (x->lib.save(x->booster, "{\"format\":\"ubj\"}", &n, &bytes))
        return failed(x, cx, "the model could not be written");
    buf_clear(out);
    return buf_put(out, bytes, (size_t)n);
}

/* Rounds until validation has not got better for a while; the best model is kept and comes back. */
static int boost(Xgboost *x, Ctx *cx, XgbMatrix train, XgbMatrix val) {
    const char *names[] = { "validation" }, *text;
    double best = INFINITY;
    int best_round = 0, r = 0;
    Buf kept;
    buf_init(&kept, MODEL_MAX);
    for (int round = 0; round < x->o.rounds && round - best_round < PATIENCE && r == 0; round++) {
        if (x->lib.update(x->booster, round, train) || x->lib.eval(x->booster, round, &val, names, 1, &text)) {
            r = failed(x, cx, "a round failed");
            break;
        }
        double error = read_error(text);
        if (error < best) {
            best = error;
            best_round = round;
            r = keep_model(x, cx, &kept);
        }
        r = r ? r : ctx_check(cx);
    }
    if (r == 0 && x->lib.load(x->booster, kept.p, kept.n))
        r = failed(x, cx, "the best model could not be read back");
    buf_done(&kept);
    return r;
}

static int fit(Forecaster *f, Ctx *cx, const ForecastData *d) {
    Xgboost *x = CONTAINER_OF(f, Xgboost, f);
    XgbMatrix train = NULL, val = NULL;
    if (data_windows(d, PART_VAL) == 0)
        return err_set_at(cx, ERR_INVALID, S("split"), "xgboost needs a validation part: it tells when to stop");
    int r = draw_rows(x, cx, d, PART_TRAIN, x->o.samples, x->o.seed, &train);
    if (r == 0)
        r = draw_rows(x, cx, d, PART_VAL, x->o.samples / 4 + 1, x->o.seed + 1, &val);
    if (r == 0 && x->booster) {
        x->lib.booster_free(x->booster);
        x->booster = NULL;
    }
    if (r == 0 && x->lib.booster_create((XgbMatrix[]){ train, val }, 2, &x->booster))
        r = failed(x, cx, "no booster");
    if (r == 0)
        r = set_params(x, cx);
    if (r == 0)
        r = boost(x, cx, train, val);
    if (train)
        x->lib.matrix_free(train);
    if (val)
        x->lib.matrix_free(val);
    x->fitted = r == 0;
    return r;
}

/* --- forecasting --- */

/* In place: the matrix of the training is never asked again, whose cached answer would be no measure of anything. */
static int predict_rows(Xgboost *x, Ctx *cx, const float *rows, size_t n, const float **out) {
    static const char config[] = "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
                                 "\"strict_shape\":false,\"cache_id\":0,\"missing\":NaN}";
    char array[200];
    const XgbSize *shape;
    XgbSize dim;
    snprintf(array, sizeof array, "{\"data\":[%llu,true],\"shape\":[%zu,%d],\"typestr\":\"<f4\",\"version\":3}",
             (unsigned long long)(uintptr_t)rows, n, FEATURES);
    if (x->lib.predict_dense(x->booster, array, config, NULL, &shape, &dim, out))
        return failed(x, cx, "no forecast");
    return dim >= 1 && shape[0] == n ? 0 : err_set(cx, ERR_INTERNAL, "xgboost: a forecast of another shape");
}

static int predict(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    Xgboost *x = CONTAINER_OF(f, Xgboost, f);
    const ForecastShape *s = &f->shape;
    if (!x->fitted)
        return err_set(cx, ERR_CONFLICT, "xgboost was not trained");
    ArenaMark mark = arena_mark(cx->arena);
    float *rows = arena_new_n(cx->arena, float, mem_mul(s->horizon * s->n_targets, FEATURES));
    const float *changes;
    int r = 0;
    for (size_t i = 0; i < b->n && r == 0; i++) {
        float *to = out + i * s->horizon * s->n_targets;
        for (size_t c = 0; c < s->n_targets; c++) {
            View v;
            look(s, b->x[i], b->stride, c, &v);
            for (size_t h = 0; h < s->horizon; h++)
                features(s, &v, h, rows + (h * s->n_targets + c) * FEATURES);
        }
        r = predict_rows(x, cx, rows, s->horizon * s->n_targets, &changes);
        for (size_t k = 0; k < s->horizon * s->n_targets && r == 0; k++)
            to[k] = changes[k] + b->x[i][(s->look_back - 1) * b->stride + k % s->n_targets];
    }
    arena_rewind(cx->arena, mark);
    return r;
}

/* --- keeping --- */

static int save(Forecaster *f, Ctx *cx, Buf *out) {
    Xgboost *x = CONTAINER_OF(f, Xgboost, f);
    Buf b;
    buf_init(&b, MODEL_MAX);
    int r = x->fitted ? keep_model(x, cx, &b) : err_set(cx, ERR_CONFLICT, "xgboost was not trained");
    if (r == 0)
        r = buf_put_str(out, buf_str(&b));
    buf_done(&b);
    return r;
}

/* The library's own reader is not made for bytes of strangers: what comes here was sealed by a hash before. */
static int load(Forecaster *f, Ctx *cx, Str bytes) {
    Xgboost *x = CONTAINER_OF(f, Xgboost, f);
    if (!x->booster && x->lib.booster_create(NULL, 0, &x->booster))
        return failed(x, cx, "no booster");
    if (bytes.n == 0 || bytes.p[0] != '{' || x->lib.load(x->booster, bytes.p, bytes.n))
        return err_set(cx, ERR_CORRUPT, "the trees cannot be read");
    if (x->lib.set_param(x->booster, "nthread", "1"))
        return failed(x, cx, "no parameter");
    x->fitted = true;
    return 0;
}

static int init(Forecaster *f, Ctx *cx, const ForecasterOptions *o) {
    Xgboost *x = CONTAINER_OF(f, Xgboost, f);
    x->o = standard;
    x->o.seed = o ? o->seed : 0;
    const char *why = xgb_lib_open(&x->lib);
    return why ? err_set(cx, ERR_UNSUPPORTED, "%s", why) : 0;
}

static void free_xgboost(Forecaster *f) {
    Xgboost *x = CONTAINER_OF(f, Xgboost, f);
    if (x->booster)
        x->lib.booster_free(x->booster);
    x->booster = NULL;
    xgb_lib_close(&x->lib);
}

static const ForecasterOps ops = { .fit = fit, .predict = predict, .save = save, .load = load, .free = free_xgboost };
const ForecasterKind xgboost_kind = { "xgboost",
                                      "gradient boosted trees on lags, seasons and the step (Chen and Guestrin 2016)",
                                      sizeof(Xgboost),
                                      2,
                                      &ops,
                                      init };
