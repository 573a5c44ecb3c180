/* app/prediction.c - see prediction.h. */

#include "app/prediction.h"

#include "adapters/cache/memory.h"
#include "adapters/model/xgboost.h"
#include "app/model_registry.h"
#include "app/platform.h"
#include "app/training.h"
#include "base/file.h"

enum { ANSWERS_BYTES = 4 << 20, NEWS_THREADS = 2, NEWS_WAITING = 64 };

Str role_elsewhere(Ctx *cx, const AppCfg *cfg, RoleId role) {
    Str name = str_fmt(cx->arena, "%s=", app_roles[role].name);
    for (size_t i = 0; i < cfg->gateway_services.n; i++) {
        Str item = cfg->gateway_services.v[i];
        if (!str_starts(item, name))
            continue;
        ptrdiff_t star = str_find_char(item, '*');
        Str at = str_from(star < 0 ? item : str_first(item, (size_t)star), name.n);
        bool whole = str_starts(at, S("unix:")) || str_starts(at, S("https://"));
        return whole ? at : str_fmt(cx->arena, "http://" STR_FMT, STR_ARG(at));
    }
    return str_fmt(cx->arena, "http://127.0.0.1:%d", app_roles[role].port);
}

/* --- what is told --- */

typedef struct Telling { /* an event on its way to the bus, so that no forecast waits for a disk */
    Platform *p;
    Arena arena;
    Str body;
} Telling;

static void tell_now(void *arg, int err) {
    Telling *t = arg;
    Ctx cx;
    ctx_init(&cx, &t->arena, t->p->clock);
    cx.principal = (Principal){ ROLE_ADMIN, S("prediction") };
    EventDraft d = { .type = S("prediction_made"), .source = S("prediction"), .body = t->body, .priority = -1 };
    if (err == 0)
        event_publish(t->p->events, &cx, &d, NULL); /* kept in the outbox where the bus is away */
    arena_done(&t->arena);
    mem_free(t);
}

static void write_event(Telling *t, const ServedForecast *f) {
    Buf b;
    JsonWriter w;
    char text[TIMEFRAME_TEXT_MAX];
    buf_init(&b, 8192);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "symbol", symbol_str(&f->key.symbol));
    json_put_str(&w, "timeframe", timeframe_text(f->key.timeframe, text));
    json_put_str(&w, "model", f->model);
    json_put_str(&w, "version", f->version);
    json_put_str(&w, "fallback", f->fallback);
    json_put_time(&w, "as_of", f->as_of);
    json_put_i64(&w, "horizon", (int64_t)f->horizon);
    json_put_f64(&w, "first", f->value[0]);
    json_put_bool(&w, "simulated", f->simulated);
    json_object_end(&w);
    t->body = str_dup(&t->arena, buf_str(&b));
    buf_done(&b);
}

/* A PredictionRole.predicted. */
static void predicted(void *platform, Ctx *cx, const ServedForecast *f) {
    Platform *p = platform;
    if (!p->events)
        return;
    Telling *t = mem_new(Telling);
    t->p = p;
    write_event(t, f);
    if (lane_post(p->prediction.lane, &(LaneJob){ .run = tell_now, .arg = t }) == 0)
        return;
    LOG_WARNING(p->log, cx, S("a forecast was not told: too many wait"), F_STR("model", f->model));
    arena_done(&t->arena);
    mem_free(t);
}

/* A PredictionRole.registry_answers. */
static int registry_answers(void *platform, Ctx *cx) {
    Platform *p = platform;
    MlModel *v;
    size_t n;
    Str next;
    return ml_models(p->prediction.registry, cx, &(MlSearch){ .limit = 1 }, &v, &n, &next);
}

/* --- the role --- */

/* A version that is put to work, or taken back, is so for the next request. */
static void registry_changed(void *arg, Ctx *cx, const MlChange *change) {
    PredictionRoles *r = arg;
    UNUSED(cx);
    serving_changed(r->serving, change->kind == ML_CHANGED_MODEL ? S("") : change->name);
}

int platform_open_prediction(Platform *p, Ctx *cx) {
    PredictionRoles *r = &p->prediction;
    const AppCfg *cfg = p->cfg;
    if (!p->hosts.has[ROLE_PREDICTION])
        return 0;
    int e = app_model_registry_open(cx, cfg, p->ids, &r->files, &r->registry);
    return e ? e : training_open(p, cx);
}

void platform_make_prediction(Platform *p, Ctx *cx) {
    static const ForecasterKind *const kinds[] = { &xgboost_kind, NULL };
    PredictionRoles *r = &p->prediction;
    const AppCfg *cfg = p->cfg;
    RemoteTrust trust = platform_trust(cfg);
    if (!r->registry)
        return;
    r->models = models_new(&(ModelsOptions){ .registry = r->registry });
    registered_models_init(&r->source, r->models);
    if (p->market)
        market_source_init(&r->candles, p->market);
    else
        remote_candles_init(&r->remote_candles, str_dup(&r->keep, role_elsewhere(cx, cfg, ROLE_MARKET)), &trust);
    news_sentiment_init(&r->sentiment, p->news.news, str_dup(&r->keep, role_elsewhere(cx, cfg, ROLE_NEWS)), &trust);
    r->lane = lane_threads_new("serving", NEWS_THREADS, NEWS_WAITING, p->clock);
    r->answers = cache_memory_new(ANSWERS_BYTES, CACHE_TINYLFU, ids_u64(p->ids));
    r->serving = serving_new(&(ServingOptions){ .models = &r->source.source,
                                                .candles = p->market ? &r->candles.source : &r->remote_candles.source,
                                                .sentiment = &r->sentiment.source,
                                                .lane = r->lane,
                                                .cache = r->answers,
                                                .clock = p->clock,
                                                .log = p->log,
                                                .metrics = p->metrics,
                                                .kinds = kinds,
                                                .memory_max = (size_t)cfg->serving_memory });
    r->role.serving = r->serving;
    r->role.predicted = predicted;
    r->role.registry_answers = registry_answers;
    r->role.arg = p;
    ml_listen(r->registry, registry_changed, r);
}

void platform_close_prediction(Platform *p) {
    PredictionRoles *r = &p->prediction;
    training_close(p);
    if (r->lane)
        lane_close(r->lane);
    serving_free(r->serving);
    cache_close(r->answers);
    models_free(r->models);
    model_registry_close(r->registry);
    object_store_close(r->files);
    arena_done(&r->keep);
}

int models_snapshot(void *registry, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return ml_snapshot(registry, cx, piece, arg);
}
