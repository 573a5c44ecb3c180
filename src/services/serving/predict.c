/* services/serving/predict.c - one forecast, from the first rung of the ladder that holds. See serving.h. */

#include "forecast/candle_features.h"
#include "services/serving/internal.h"

#include <math.h>
#include <stdlib.h>

/* Rows before the look-back in which indicators settle, and those that may come between two requests of a series. */
enum { ROWS_SETTLE = 256, ROWS_BETWEEN = 32, NAIVE_ROWS = 600, NAIVE_HORIZON = 24, RUNGS_MAX = 12, OTHERS_MAX = 4 };

typedef struct Climb {
    Serving *s;
    Ctx *cx;
    const PredictAsk *ask;
    size_t level;
    ServedForecast *out;
    Inputs in;
    size_t n_rows; /* asked for; 0: nothing was read yet */
    int fatal;     /* no rung can help: there are no candles */
    LadderRung rungs[RUNGS_MAX];
    size_t n_rungs;
    bool kept_model; /* the registry could not be asked */
    size_t horizon;  /* of the model that was asked for; 0: not known */
    double *last;    /* (n_targets) of the rows last scaled, as they are */
} Climb;

/* --- rows --- */

static int want_rows(Climb *c, size_t n) {
    if (c->n_rows >= n)
        return 0;
    c->fatal = inputs_read(c->s, c->cx, c->ask, n, &c->in);
    c->n_rows = n;
    return c->fatal;
}

static Str plain_features(Ctx *cx, const Artifact *card) {
    Str list = card->columns[0].name;
    for (size_t i = 1; i < card->shape.n_channels; i++)
        list = str_fmt(cx->arena, STR_FMT "," STR_FMT, STR_ARG(list), STR_ARG(card->columns[i].name));
    return list;
}

/* Candles as the model wants them: its columns, scaled. */
static int scale_rows(Climb *c, const Artifact *card, TrackRows *out) {
    Ctx *cx = c->cx;
    const SourceCandles *m = &c->in.market;
    size_t channels = card->shape.n_channels;
    ForecastTable t;
    int r = features_table(cx, &m->rows, c->ask->key.timeframe,
                           card->features.n ? card->features : plain_features(cx, card), NULL, &t);
    if (r)
        return r;
    if (t.n_rows < card->shape.look_back)
        return err_set_at(cx, ERR_INVALID, S("rows"), "the model looks at %zu rows, there are %zu",
                          card->shape.look_back, t.n_rows);
    float *x = arena_new_n(cx->arena, float, mem_mul(t.n_rows, channels));
    c->last = arena_new_n(cx->arena, double, channels);
    for (size_t k = 0; k < channels; k++) {
        ptrdiff_t at = table_column(&t, card->columns[k].name);
        if (at < 0)
            return err_set_at(cx, ERR_UNSUPPORTED, S("model"),
                              "the model needs a column \"" STR_FMT "\", which candles do not give",
                              STR_ARG(card->columns[k].name));
        c->last[k] = t.columns[at][t.n_rows - 1];
        for (size_t i = 0; i < t.n_rows; i++)
            x[i * channels + k] = (float)((t.columns[at][i] - card->columns[k].mean) / card->columns[k].std);
    }
    *out = (TrackRows){ x, t.time_ms, t.n_rows };
    return 0;
}

/* --- the answer --- */

static void make_room(Ctx *cx, ServedForecast *out, size_t horizon, size_t n_targets) {
    size_t values = mem_mul(horizon, n_targets);
    out->horizon = horizon;
    out->n_targets = n_targets;
    out->time_ms = arena_new_n(cx->arena, int64_t, horizon);
    out->value = arena_new_n(cx->arena, double, values);
    out->low = arena_new_n(cx->arena, double, values);
    out->high = arena_new_n(cx->arena, double, values);
    out->last = arena_new_n(cx->arena, double, n_targets);
}

static void stamp(Climb *c) {
    const Candles *rows = &c->in.market.rows;
    ServedForecast *out = c->out;
    out->key = c->in.market.key;
    out->simulated = c->in.market.simulated || (rows->flags[rows->n - 1] & CANDLE_SIMULATED);
    out->as_of = time_ms(rows->open_ms[rows->n - 1]);
    for (size_t h = 0; h < out->horizon; h++)
        out->time_ms[h] = timeframe_step(c->ask->key.timeframe, out->as_of, (int64_t)h + 1).ms;
}

static void describe(Climb *c, const Served *m) {
    ServedForecast *out = c->out;
    Arena *a = c->cx->arena;
    Str *targets = arena_new_n(a, Str, out->n_targets);
    for (size_t k = 0; k < out->n_targets; k++)
        targets[k] = str_dup(a, m->card.columns[k].name);
    out->targets = targets;
    out->model = str_dup(a, m->of.name);
    out->version = str_dup(a, m->of.version);
    out->kind = str_dup(a, m->of.kind);
    out->sha256 = str_dup(a, m->of.sha256);
    out->val_vs_naive = m->card.val.mse / m->card.val.naive_mse;
    out->beats_naive = artifact_beats_naive(&m->card);
}

/* --- answers kept, by version (PRD-15) --- */

typedef struct KeptAnswer { /* then value, low, high, last: doubles */
    uint32_t magic;
    uint32_t horizon, n_targets;
    uint8_t interval, drifted;
} KeptAnswer;
enum { KEPT_MAGIC = 0x46535031, KEPT_ANSWER_MS = 60000 };
static const Str interval_names[] = { STR_INIT("adaptive"), STR_INIT("split"), STR_INIT("none") };

/* All that the numbers depend on: a new version, a new candle or a corrected one has another key. */
static Str answer_key(Climb *c, const Served *m) {
    const SourceCandles *in = &c->in.market;
    return str_fmt(c->cx->arena, "prediction:" STR_FMT ":" STR_FMT ":" STR_FMT ":" STR_FMT ":%lld:%lld:%zu",
                   STR_ARG(m->of.name), STR_ARG(m->of.version), STR_ARG(str_first(m->of.sha256, 16)),
                   STR_ARG(series_key_text(c->cx->arena, &in->key)), (long long)in->rows.open_ms[in->rows.n - 1],
                   (long long)in->revision, c->level);
}

static bool may_keep(const Climb *c) {
    return c->s->o.cache && !c->ask->rows && !c->in.kept;
}

static bool find_answer(Climb *c, const Served *m) {
    CacheFound found = CACHE_MISS;
    CacheHit hit;
    KeptAnswer head;
    Ctx own = *c->cx; /* a cache that fails is a cache without the answer */
    size_t values = m->card.shape.horizon * m->card.shape.n_targets, n = 3 * values + m->card.shape.n_targets;
    if (!may_keep(c) || cache_get(c->s->o.cache, &own, answer_key(c, m), &found, &hit) != 0 || found == CACHE_MISS)
        return false;
    bool good = found == CACHE_FRESH && hit.value->n == sizeof head + n * sizeof(double);
    if (good) {
        memcpy(&head, hit.value->bytes, sizeof head);
        good = head.magic == KEPT_MAGIC && head.horizon == m->card.shape.horizon && head.interval < 3;
    }
    if (good) {
        const char *at = hit.value->bytes + sizeof head;
        make_room(c->cx, c->out, m->card.shape.horizon, m->card.shape.n_targets);
        double *const to[] = { c->out->value, c->out->low, c->out->high };
        for (size_t i = 0; i < ARRAY_LEN(to); i++)
            memcpy(to[i], at + i * values * sizeof(double), values * sizeof(double));
        memcpy(c->out->last, at + 3 * values * sizeof(double), c->out->n_targets * sizeof(double));
        c->out->interval = interval_names[head.interval];
        c->out->drifted = head.drifted;
        c->out->cached = true;
        counter_inc(c->s->cached);
    }
    cache_blob_unref(hit.value);
    return good;
}

static void keep_answer(Climb *c, const Served *m, size_t interval) {
    const ServedForecast *out = c->out;
    size_t values = out->horizon * out->n_targets;
    KeptAnswer head = { KEPT_MAGIC, (uint32_t)out->horizon, (uint32_t)out->n_targets, (uint8_t)interval, out->drifted };
    if (!may_keep(c))
        return;
    CacheBlob *b = cache_blob_new(sizeof head + (3 * values + out->n_targets) * sizeof(double));
    char *at = b->bytes + sizeof head;
    const double *const from[] = { out->value, out->low, out->high };
    memcpy(b->bytes, &head, sizeof head);
    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        memcpy(at + i * values * sizeof(double), from[i], values * sizeof(double));
    memcpy(at + 3 * values * sizeof(double), out->last, out->n_targets * sizeof(double));
    Ctx own = *c->cx;
    CacheEntry e = { .key = answer_key(c, m), .ttl_ms = c->s->o.answer_ms ? c->s->o.answer_ms : KEPT_ANSWER_MS };
    cache_put(c->s->o.cache, &own, &e, b);
    cache_blob_unref(b);
}

/* --- one model --- */

static int check_fits(Climb *c, const Served *m) {
    int64_t step = timeframe_ms(c->ask->key.timeframe);
    char text[TIMEFRAME_TEXT_MAX];
    if (step == 0 || m->card.step_ms == step)
        return 0;
    return err_set_at(
        c->cx, ERR_INVALID, S("timeframe"), "the model was taught on steps of %lld s; the candles are of " STR_FMT,
        (long long)(m->card.step_ms / MS_PER_SECOND), STR_ARG(timeframe_text(c->ask->key.timeframe, text)));
}

static void fill(Climb *c, const Served *m, const float *forecast, const float *half) {
    ServedForecast *out = c->out;
    const Artifact *card = &m->card;
    make_room(c->cx, out, card->shape.horizon, card->shape.n_targets);
    for (size_t i = 0; i < out->horizon * out->n_targets; i++) {
        const ArtifactColumn *k = &card->columns[i % out->n_targets];
        out->value[i] = forecast[i] * k->std + k->mean;
        out->low[i] = (forecast[i] - half[i]) * k->std + k->mean;
        out->high[i] = (forecast[i] + half[i]) * k->std + k->mean;
    }
    memcpy(out->last, c->last, out->n_targets * sizeof *out->last);
}

/* Few rows are enough where the model has followed the series before; else, and after a gap, all that it can follow. */
static int compute(Climb *c, Served *m) {
    const Artifact *card = &m->card;
    size_t values = card->shape.horizon * card->shape.n_targets, least = card->shape.look_back + ROWS_SETTLE;
    float *forecast = arena_new_n(c->cx->arena, float, values), *half = arena_new_n(c->cx->arena, float, values);
    TrackRows rows;
    int r = check_fits(c, m);
    if (r == 0)
        r = want_rows(c, least + ROWS_BETWEEN);
    if (r)
        return r;
    if (find_answer(c, m))
        return 0;
    Str series = series_key_text(c->cx->arena, &c->in.market.key);
    bool all = c->ask->rows || c->n_rows > least + ROWS_BETWEEN || !served_follows(m, series, c->level);
    for (;; all = true) {
        if (all && (r = want_rows(c, tracker_rows(card) + ROWS_SETTLE)) != 0)
            return r;
        for (size_t i = 0; i < values; i++)
            half[i] = card->half ? card->half[c->level * values + i] : NAN;
        r = scale_rows(c, card, &rows);
        if (r == 0 && c->ask->rows)
            r = served_follow_once(m, c->cx, c->level, &rows, forecast, half, &c->out->drifted);
        else if (r == 0)
            r = served_follow(m, c->cx, series, c->level, &rows, forecast, half, &c->out->drifted);
        if (r != TRACK_SPLIT || all)
            break;
    }
    if (r < 0)
        return r;
    size_t interval = r == 0 ? 0 : card->half ? 1 : 2;
    fill(c, m, forecast, half);
    c->out->interval = interval_names[interval];
    keep_answer(c, m, interval);
    return 0;
}

static void note(Climb *c, const char *rung, const ServableModel *of, Str outcome) {
    Arena *a = c->cx->arena;
    if (c->n_rungs == RUNGS_MAX)
        return;
    c->rungs[c->n_rungs++] = (LadderRung){ .rung = str_c(rung),
                                           .model = of ? str_dup(a, of->name) : S(""),
                                           .version = of ? str_dup(a, of->version) : S(""),
                                           .outcome = str_dup(a, outcome) };
}

/* 0: it answered. Above 0: try the next rung. < 0: none can help. */
static int try_model(Climb *c, const char *rung, const ServableModel *of) {
    Served *m = NULL;
    int r = pool_get(c->s->pool, c->cx, of, &m);
    if (r == 0) {
        c->horizon = c->horizon ? c->horizon : m->card.shape.horizon;
        r = compute(c, m);
    }
    if (r == 0) {
        stamp(c);
        describe(c, m);
        note(c, rung, of, S("answered"));
        c->out->fallback = str_c(rung);
    } else {
        note(c, rung, of, str_c(c->cx->err.text));
    }
    served_drop(m);
    if (r == 0 || c->fatal || c->ask->strict)
        return r;
    return ctx_check(c->cx) ? c->cx->err.code : 1;
}

/* --- the last value, repeated --- */

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Half the width at step h + 1: the conformal quantile of what repeating missed by. NaN with too few rows. */
static double naive_half(const double *close, size_t n, size_t h, double level, double *scratch) {
    size_t k = 0;
    for (size_t i = 0; i + h + 1 < n; i++)
        scratch[k++] = fabs(close[i + h + 1] - close[i]);
    if (k < 20)
        return NAN;
    qsort(scratch, k, sizeof *scratch, compare_doubles);
    size_t at = (size_t)ceil((double)(k + 1) * level);
    return scratch[MIN(at, k) - 1];
}

static int try_naive(Climb *c) {
    ServedForecast *out = c->out;
    int r = want_rows(c, NAIVE_ROWS);
    if (r)
        return r;
    const Candles *rows = &c->in.market.rows;
    size_t n = MIN(rows->n, (size_t)NAIVE_ROWS);
    const double *close = rows->close + rows->n - n;
    double *scratch = arena_new_n(c->cx->arena, double, n);
    Str *target = arena_new(c->cx->arena, Str);
    if (!isfinite(close[n - 1]))
        return err_set_at(c->cx, ERR_INVALID, S("candles"), "the last candle has no price");
    *target = S("close");
    make_room(c->cx, out, c->horizon ? c->horizon : NAIVE_HORIZON, 1);
    out->targets = target;
    out->interval = S("split");
    for (size_t h = 0; h < out->horizon; h++) {
        double half = naive_half(close, n, h, artifact_levels[c->level], scratch);
        out->value[h] = close[n - 1];
        out->low[h] = close[n - 1] - half;
        out->high[h] = close[n - 1] + half;
        out->interval = isnan(half) ? S("none") : out->interval;
    }
    out->last[0] = close[n - 1];
    out->kind = out->model = S("naive");
    out->val_vs_naive = 1;
    out->fallback = S("naive");
    stamp(c);
    note(c, "naive", NULL, S("answered"));
    return 0;
}

/* --- the ladder --- */

static Str series_name(Ctx *cx, const SeriesKey *key) {
    char text[TIMEFRAME_TEXT_MAX];
    return str_fmt(cx->arena, STR_FMT " " STR_FMT, STR_ARG(symbol_str(&key->symbol)),
                   STR_ARG(timeframe_text(key->timeframe, text)));
}

/* What is asked for by name, or what is best for the series. */
static int find_first(Climb *c, ServableModel *out) {
    Str ref =
        c->ask->model.n ? c->ask->model : str_fmt(c->cx->arena, "~" STR_FMT, STR_ARG(series_name(c->cx, &c->ask->key)));
    int r = pool_resolve(c->s->pool, c->cx, ref, out, &c->kept_model);
    if (r == MODEL_NONE)
        return err_set_at(c->cx, ERR_NOT_FOUND, S("model"),
                          c->ask->model.n ? "no model or version \"" STR_FMT
                                            "\" is registered, or none of it is promoted"
                                          : "no model of " STR_FMT " is promoted",
                          STR_ARG(c->ask->model.n ? ref : str_from(ref, 1)));
    return r;
}

static bool same(const ServableModel *a, const ServableModel *b) {
    return str_eq(a->name, b->name) && str_eq(a->version, b->version);
}

static int try_versions(Climb *c, Str name, const ServableModel *first) {
    ServableModel *v;
    size_t n = 0, tried = 0;
    int r = model_source_versions(c->s->o.models, c->cx, name, &v, &n);
    if (r < 0)
        note(c, "version", NULL, str_c(c->cx->err.text));
    for (size_t i = 0; i < n && r == 0 && tried < OTHERS_MAX; i++) {
        if (same(&v[i], first))
            continue;
        tried++;
        int code = try_model(c, "version", &v[i]);
        if (code <= 0)
            return code;
    }
    return 1;
}

static int try_others(Climb *c, Str name) {
    ServableModel *v;
    size_t n = 0, tried = 0;
    int r = model_source_models(c->s->o.models, c->cx, series_name(c->cx, &c->ask->key), &v, &n);
    if (r < 0)
        note(c, "model", NULL, str_c(c->cx->err.text));
    for (size_t i = 0; i < n && r == 0 && tried < OTHERS_MAX; i++) {
        if (str_eq(v[i].name, name))
            continue;
        tried++;
        int code = try_model(c, "model", &v[i]);
        if (code <= 0)
            return code;
    }
    return 1;
}

/* A registry that is away names nobody; what is ready may still know the series' steps and columns. */
static int try_loaded(Climb *c, const ServableModel *first) {
    Served **v;
    size_t n = pool_all(c->s->pool, c->cx->arena, &v);
    int r = 1;
    for (size_t i = 0; i < n; i++) {
        if (r == 1 && !same(&v[i]->of, first) && served_follows_symbol(v[i], c->ask->key.symbol))
            r = try_model(c, str_eq(v[i]->of.name, first->name) ? "version" : "model", &v[i]->of);
        served_drop(v[i]);
    }
    return r;
}

/* "btc-1h/3" and "btc-1h@champion" are of "btc-1h". */
static Str name_of(Str ref) {
    for (size_t i = 0; i < ref.n; i++)
        if (ref.p[i] == '/' || ref.p[i] == '@')
            return str_first(ref, i);
    return ref;
}

static int climb(Climb *c) {
    ServableModel first = { 0 };
    int r = c->s->o.models ? find_first(c, &first) : err_set(c->cx, ERR_UNAVAILABLE, "no registry of models is here");
    bool away = r < 0 && r != ERR_NOT_FOUND;
    if (r == 0) {
        r = try_model(c, "none", &first);
    } else {
        first = (ServableModel){ .name = name_of(c->ask->model) };
        note(c, "none", &first, str_c(c->cx->err.text));
    }
    if (c->ask->strict || r == 0 || c->fatal)
        return r;
    if (ctx_check(c->cx) != 0)
        return c->cx->err.code;
    c->kept_model |= away;
    r = 1;
    if (c->s->o.models && first.name.n)
        r = try_versions(c, first.name, &first);
    if (r > 0 && c->s->o.models)
        r = try_others(c, first.name);
    if (r > 0 && c->kept_model)
        r = try_loaded(c, &first);
    return r > 0 ? try_naive(c) : r;
}

/* --- the whole --- */

static const char *const rung_names[] = { "none", "without_sentiment", "kept_model", "kept_candles", "version", "model",
                                          "naive" };

static void finish(Climb *c) {
    ServedForecast *out = c->out;
    Arena *a = c->cx->arena;
    Str *missing = arena_new_n(a, Str, 3);
    if (c->in.kept)
        missing[out->n_missing++] = S("market");
    if (c->in.sentiment_failed)
        missing[out->n_missing++] = S("sentiment");
    if (c->kept_model)
        missing[out->n_missing++] = S("registry");
    out->missing = missing;
    if (str_eq(out->fallback, S("none")))
        out->fallback = c->in.kept               ? S("kept_candles")
                        : c->kept_model          ? S("kept_model")
                        : c->in.sentiment_failed ? S("without_sentiment")
                                                 : S("none");
    out->ladder = arena_new_n(a, LadderRung, c->n_rungs);
    memcpy(out->ladder, c->rungs, c->n_rungs * sizeof *c->rungs);
    out->n_ladder = c->n_rungs;
    out->level = artifact_levels[c->level];
    out->has_sentiment = c->in.has_sentiment;
    out->sentiment = c->in.sentiment;
    for (size_t i = 0; i < ARRAY_LEN(rung_names); i++)
        if (str_eq(out->fallback, str_c(rung_names[i])))
            counter_inc(c->s->answers[i]);
}

static void tell(const Climb *c) {
    Buf b;
    if (c->n_rungs < 2)
        return;
    buf_init(&b, 4096);
    for (size_t i = 0; i < c->n_rungs; i++)
        buf_printf(&b, "%s" STR_FMT " " STR_FMT "/" STR_FMT ": " STR_FMT, i ? "; " : "", STR_ARG(c->rungs[i].rung),
                   STR_ARG(c->rungs[i].model), STR_ARG(c->rungs[i].version), STR_ARG(c->rungs[i].outcome));
    LOG_WARNING(c->s->o.log, c->cx, S("a forecast fell back"), F_STR("fallback", c->out->fallback),
                F_STR("ladder", buf_str(&b)));
    buf_done(&b);
}

int serving_predict(Serving *s, Ctx *cx, const PredictAsk *ask, ServedForecast *out) {
    MonoNs begun = clock_mono(cx->clock);
    Climb c = { .s = s, .cx = cx, .ask = ask, .out = out };
    *out = (ServedForecast){ .val_vs_naive = NAN };
    int r = artifact_level(cx, ask->level, &c.level);
    if (r)
        return r;
    SentimentAsk *news = sentiment_begin(s, cx, ask);
    r = climb(&c);
    sentiment_end(news, &c.in);
    if (r)
        return r;
    err_clear(cx);
    finish(&c);
    tell(&c);
    double ns = (double)(clock_mono(cx->clock).ns - begun.ns);
    out->took_ms = ns / (double)NS_PER_MS;
    histogram_observe(s->took, ns / (double)NS_PER_SECOND);
    return 0;
}

/* For a scrape: series that have an alarm now. */
static double count_drifted(void *serving) {
    Serving *s = serving;
    Arena scratch = { 0 };
    Ctx cx;
    DriftRow *rows;
    size_t n, drifted = 0;
    ctx_init(&cx, &scratch, s->o.clock);
    serving_drift(s, &cx, &rows, &n);
    for (size_t i = 0; i < n; i++)
        drifted += rows[i].inputs || rows[i].errors;
    arena_done(&scratch);
    return (double)drifted;
}

Serving *serving_new(const ServingOptions *o) {
    Serving *s = mem_new(Serving);
    s->o = *o;
    s->pool = pool_new(o);
    s->kept = kept_candles_new();
    if (!o->metrics)
        return s;
    for (size_t i = 0; i < ARRAY_LEN(rung_names); i++)
        s->answers[i] =
            metrics_counter(o->metrics, "finsight_predictions_total", "Forecasts given, by the rung that gave them.",
                            METRIC_L({ "fallback", str_c(rung_names[i]) }));
    s->drifted = metrics_gauge(o->metrics, "finsight_models_drifted",
                               "Series whose inputs or errors are no longer those of training.", METRIC_NO_LABELS);
    metrics_gauge_read(s->drifted, count_drifted, s);
    s->cached =
        metrics_counter(o->metrics, "finsight_predictions_cached_total", "Forecasts told again.", METRIC_NO_LABELS);
    s->took = metrics_histogram(o->metrics, "finsight_prediction_seconds", "From request to forecast.", NULL, 0,
                                METRIC_NO_LABELS);
    return s;
}

Serving *serving_free(Serving *s) {
    if (!s)
        return NULL;
    pool_free(s->pool);
    kept_candles_free(s->kept);
    return mem_free(s);
}
