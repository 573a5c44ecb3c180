/* Serving: the ladder, versions under load, what is computed together, what is kept (PRD-02, PRD-06, PRD-12, PRD-15,
 * FLW-08, FLW-12). Models are small ones, taught here on a made series. */

#include "adapters/cache/memory.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "services/forecast/forecast.h"
#include "services/serving/serving.h"
#include "test.h"

#include <pthread.h>
#include <unistd.h>

enum { ROWS = 900, LOOK_BACK = 24, HORIZON = 6, MODELS_MAX = 8, WAIT_S = 60 };

/* --- a registry, a market and news, each of which can be taken away --- */

typedef struct FakeModel {
    ServableModel of;
    Str bytes;
    bool gone;
} FakeModel;

typedef struct Fake {
    ModelSource models;
    CandleSource market;
    SentimentSource news;
    FakeModel v[MODELS_MAX];
    size_t n;
    atomic_int champion; /* index of what "btc" resolves to; -1: none */
    bool registry_away, objects_away, market_away, news_away;
    atomic_int n_loads, n_resolves, n_reads;
    Candles rows;
    size_t shown; /* rows the market has */
    int64_t revision;
    pthread_mutex_t lock; /* of the meeting below */
    pthread_cond_t met;
    bool meet, at_market, at_news;
} Fake;

static int away(Ctx *cx, const char *what) {
    return err_set(cx, ERR_UNAVAILABLE, "%s is away", what);
}

static Fake *of_models(ModelSource *s) {
    return CONTAINER_OF(s, Fake, models);
}

static int resolve(ModelSource *s, Ctx *cx, Str ref, ServableModel *out) {
    Fake *f = of_models(s);
    f->n_resolves++;
    if (f->registry_away)
        return away(cx, "the registry");
    for (size_t i = 0; i < f->n; i++) {
        const ServableModel *m = &f->v[i].of;
        bool champion = str_eq(ref, m->name) && (f->champion == (int)i || !str_eq(m->name, S("btc")));
        if (!f->v[i].gone &&
            (champion || str_eq(ref, str_fmt(cx->arena, STR_FMT "/" STR_FMT, STR_ARG(m->name), STR_ARG(m->version))))) {
            *out = *m;
            return 0;
        }
    }
    return MODEL_NONE;
}

static int versions(ModelSource *s, Ctx *cx, Str name, ServableModel **out, size_t *n) {
    Fake *f = of_models(s);
    if (f->registry_away)
        return away(cx, "the registry");
    *out = arena_new_n(cx->arena, ServableModel, f->n + 1);
    for (size_t i = f->n; i-- > 0;)
        if (!f->v[i].gone && str_eq(f->v[i].of.name, name))
            (*out)[(*n)++] = f->v[i].of;
    return 0;
}

static int models(ModelSource *s, Ctx *cx, Str series, ServableModel **out, size_t *n) {
    Fake *f = of_models(s);
    if (f->registry_away)
        return away(cx, "the registry");
    *out = arena_new_n(cx->arena, ServableModel, f->n + 1);
    for (size_t i = 0; i < f->n && str_eq(series, S("BTCUSDT 1h")); i++)
        if (!f->v[i].gone && (f->champion == (int)i || !str_eq(f->v[i].of.name, S("btc"))))
            (*out)[(*n)++] = f->v[i].of;
    return 0;
}

static int load(ModelSource *s, Ctx *cx, const ServableModel *m, Str *bytes) {
    Fake *f = of_models(s);
    f->n_loads++;
    if (f->objects_away)
        return away(cx, "the object store");
    for (size_t i = 0; i < f->n; i++)
        if (!f->v[i].gone && str_eq(f->v[i].of.name, m->name) && str_eq(f->v[i].of.version, m->version)) {
            *bytes = f->v[i].bytes;
            return 0;
        }
    return err_set(cx, ERR_NOT_FOUND, "the file of the weights is gone");
}

/* Each waits until the other has been asked: one after the other would wait for ever. */
static void meet(Fake *f, bool *mine) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&f->lock);
    *mine = true;
    pthread_cond_broadcast(&f->met);
    while (f->meet && !(f->at_market && f->at_news) && pthread_cond_timedwait(&f->met, &f->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&f->lock);
}

static int candles(CandleSource *s, Ctx *cx, const SourceQuery *q, SourceCandles *out) {
    Fake *f = CONTAINER_OF(s, Fake, market);
    f->n_reads++;
    if (f->meet)
        meet(f, &f->at_market);
    if (f->market_away)
        return away(cx, "the market");
    if (!str_eq(symbol_str(&q->key.symbol), S("BTCUSDT")))
        return SOURCE_NO_SERIES;
    size_t n = MIN(q->most, f->shown);
    out->key = q->key;
    venue_parse(S("binance"), &out->key.venue);
    out->rows = candles_view(&f->rows, f->shown - n, n);
    out->revision = f->revision;
    out->simulated = true;
    return 0;
}

static int news(SentimentSource *s, Ctx *cx, Symbol symbol, Time from, Time to, SentimentNow *out) {
    Fake *f = CONTAINER_OF(s, Fake, news);
    UNUSED(symbol);
    if (f->meet)
        meet(f, &f->at_news);
    if (f->news_away)
        return away(cx, "the news");
    CHECK_OK_PLAIN(cx, time_before(from, to) ? 0 : -1);
    *out = (SentimentNow){ .score = 0.25, .n_articles = 3, .newest = from };
    return 0;
}

static const ModelSourceOps model_ops = { "fake", resolve, versions, models, load };
static const CandleSourceOps candle_ops = { "fake", candles };
static const SentimentSourceOps news_ops = { "fake", news };

/* --- making them --- */

static void make_candles(Fake *f, Arena *a) {
    Rng rng;
    rng_seed(&rng, 5);
    candles_init(&f->rows, a, ROWS);
    for (int64_t i = 0; i < ROWS; i++) {
        double p = 100 + 5 * sin((double)i * 6.283185307179586 / 24) + 0.5 * rng_normal(&rng);
        Candle c = {
            .open_time = time_ms(i * MS_PER_HOUR), .open = p, .high = p + 1, .low = p - 1, .close = p, .volume = 1
        };
        candles_push(&f->rows, &c);
    }
    f->shown = ROWS;
    f->revision = 1;
}

static ForecastTable table_of(const Fake *f, Arena *a) {
    ForecastTable t = { .n_rows = ROWS,
                        .n_columns = 1,
                        .names = arena_new(a, Str),
                        .time_ms = f->rows.open_ms,
                        .columns = arena_new_n(a, double *, 1) };
    t.names[0] = S("close");
    t.columns[0] = f->rows.close;
    return t;
}

static void add_model(Fake *f, Ctx *cx, const char *name, const char *version, const char *kind, uint64_t seed) {
    ForecastTable t = table_of(f, cx->arena);
    TrainRequest q = { .table = &t,
                       .data = S("made"),
                       .data_sha256 = S("00"),
                       .features = S("close"),
                       .model = str_c(kind),
                       .preset = S("price"),
                       .horizon = HORIZON,
                       .look_back = LOOK_BACK,
                       .season = 1,
                       .split = S("0.3,0.2,0.5"),
                       .seed = seed,
                       .epochs = 2,
                       .patience = -1 };
    TrainReport report;
    Buf b;
    char *hex = arena_alloc(cx->arena, SHA256_HEX + 1);
    buf_init(&b, 8 << 20);
    CHECK_OK_PLAIN(cx, forecast_train(cx, &q, &b, &report));
    FakeModel *m = &f->v[f->n++];
    m->bytes = str_dup(cx->arena, buf_str(&b));
    sha256_hex(m->bytes, hex);
    m->of = (ServableModel){ str_c(name), str_c(version), str_c(hex), str_c(kind), 1, 2, true };
    buf_done(&b);
}

typedef struct Room {
    TestCtx t;
    Fake f;
    Lane *lane;
    Serving *s;
    ServingOptions o;
} Room;

static void open_room(Room *r, const ServingOptions *o) {
    test_ctx_init(&r->t);
    r->f = (Fake){ .models = { &model_ops }, .market = { &candle_ops }, .news = { &news_ops }, .champion = 1 };
    pthread_mutex_init(&r->f.lock, NULL);
    pthread_cond_init(&r->f.met, NULL);
    make_candles(&r->f, &r->t.arena);
    add_model(&r->f, &r->t.cx, "btc", "1", "nlinear", 1);
    add_model(&r->f, &r->t.cx, "btc", "2", "nlinear", 2);
    add_model(&r->f, &r->t.cx, "other", "7", "dlinear", 3);
    r->lane = lane_threads_new("news", 2, 64, &r->t.clock.clock);
    r->o = o ? *o : (ServingOptions){ 0 };
    r->o.models = &r->f.models;
    r->o.candles = &r->f.market;
    r->o.sentiment = &r->f.news;
    r->o.lane = r->lane;
    r->o.clock = &r->t.clock.clock;
    r->s = serving_new(&r->o);
}

static void close_room(Room *r) {
    r->s = serving_free(r->s);
    lane_close(r->lane);
    pthread_cond_destroy(&r->f.met);
    pthread_mutex_destroy(&r->f.lock);
    test_ctx_done(&r->t);
}

static PredictAsk ask_of(const char *model) {
    PredictAsk a = { .model = str_c(model) };
    symbol_parse(S("BTCUSDT"), &a.key.symbol);
    timeframe_parse(S("1h"), &a.key.timeframe);
    return a;
}

static bool has(const ServedForecast *p, const char *missing) {
    for (size_t i = 0; i < p->n_missing; i++)
        if (str_eq(p->missing[i], str_c(missing)))
            return true;
    return false;
}

/* --- one forecast --- */

TEST(a_forecast_says_who_made_it_from_what_and_how_sure) {
    Room r;
    open_room(&r, NULL);
    static const struct {
        const char *name, *model, *version;
    } rows[] = { { "btc", "btc", "2" }, { "btc/1", "btc", "1" }, { "other", "other", "7" }, { "", "btc", "2" } };
    EACH_ROW (w, rows) {
        PredictAsk a = ask_of(w->name);
        ServedForecast p;
        CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
        CHECK_STR(p.model, str_c(w->model));
        CHECK_STR(p.version, str_c(w->version));
        CHECK_STR(p.fallback, S("none"));
        CHECK_STR(p.interval, S("adaptive"));
        CHECK(p.n_ladder == 1 && p.n_missing == 0 && p.simulated && p.has_sentiment);
        CHECK_NEAR(p.sentiment.score, 0.25, 0);
        CHECK_EQ(p.horizon, HORIZON);
        CHECK_EQ(p.as_of.ms, (int64_t)(ROWS - 1) * MS_PER_HOUR);
        CHECK_NEAR(p.last[0], r.f.rows.close[ROWS - 1], 1e-4);
        for (size_t h = 0; h < HORIZON; h++) {
            CHECK_EQ(p.time_ms[h], (int64_t)(ROWS + h) * MS_PER_HOUR);
            CHECK(p.low[h] < p.value[h] && p.value[h] < p.high[h] && p.value[h] > 90 && p.value[h] < 110);
            CHECK(p.high[h] - p.low[h] < 20);
        }
    }
    close_room(&r);
}

/* The interval of a served forecast covers what it says on rows that come one by one (PRD-18). */
TEST(served_intervals_cover_what_they_say) {
    Room r;
    open_room(&r, NULL);
    int inside = 0, n = 0;
    PredictAsk a = ask_of("btc");
    for (r.f.shown = ROWS - 200; r.f.shown < ROWS; r.f.shown++, r.f.revision++) {
        ServedForecast p;
        ArenaMark mark = arena_mark(&r.t.arena);
        CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
        CHECK_STR(p.interval, S("adaptive"));
        inside += r.f.rows.close[r.f.shown] >= p.low[0] && r.f.rows.close[r.f.shown] <= p.high[0];
        n++;
        arena_rewind(&r.t.arena, mark);
    }
    CHECK(inside >= n * 84 / 100 && inside <= n * 96 / 100);
    ServedRow *rows;
    size_t loaded;
    CHECK_OK(&r.t.cx, serving_loaded(r.s, &r.t.cx, &rows, &loaded));
    CHECK_EQ(loaded, 1);
    CHECK(rows[0].n_forecasts < 200 + 2 * 200 + HORIZON); /* each origin once: nothing is computed again */
    close_room(&r);
}

/* --- the ladder --- */

TEST(models_are_taken_away_one_by_one) { /* PRD-12 */
    Room r;
    open_room(&r, NULL);
    static const struct {
        const char *name, *fallback, *model, *version;
        int rungs;
    } rows[] = {
        { "all there", "none", "btc", "2", 1 },
        { "the version is gone", "version", "btc", "1", 2 },
        { "and the other version", "model", "other", "7", 2 },
        { "and the other model", "naive", "naive", "", 2 },
    };
    int step = 0;
    EACH_ROW (w, rows) {
        PredictAsk a = ask_of("btc/2");
        ServedForecast p;
        CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
        CHECK_STR(p.fallback, str_c(w->fallback));
        CHECK_STR(p.model, str_c(w->model));
        CHECK_STR(p.version, str_c(w->version));
        CHECK_EQ(p.n_ladder, w->rungs);
        CHECK_STR(p.ladder[0].rung, S("none"));
        CHECK_STR(p.ladder[p.n_ladder - 1].outcome, S("answered"));
        CHECK_STR(p.ladder[p.n_ladder - 1].rung, str_c(w->fallback));
        CHECK_EQ(p.horizon, strcmp(w->fallback, "naive") ? HORIZON : 24);
        CHECK(p.low[0] < p.value[0] && p.value[0] < p.high[0]); /* repeating the last value has a width, too */
        if (!strcmp(w->fallback, "naive"))
            CHECK_NEAR(p.value[23], r.f.rows.close[ROWS - 1], 0);
        r.f.v[step == 0 ? 1 : step == 1 ? 0 : 2].gone = true;
        step++;
        serving_changed(r.s, S(""));
        a.strict = true;
        CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_NOT_FOUND);
    }
    close_room(&r);
}

TEST(every_input_taken_away_in_turn) { /* FLW-08 */
    static const struct {
        const char *name;
        size_t away; /* offset of the flag */
        bool warm;   /* there was a request before */
        const char *fallback, *missing;
    } rows[] = {
        { "market, seen before", offsetof(Fake, market_away), true, "kept_candles", "market" },
        { "news", offsetof(Fake, news_away), false, "without_sentiment", "sentiment" },
        { "registry, model ready", offsetof(Fake, registry_away), true, "kept_model", "registry" },
        { "registry, nothing ready", offsetof(Fake, registry_away), false, "naive", "registry" },
        { "object store, model ready", offsetof(Fake, objects_away), true, "none", NULL },
        { "object store, nothing ready", offsetof(Fake, objects_away), false, "naive", NULL },
    };
    EACH_ROW (w, rows) {
        Room r;
        open_room(&r, NULL);
        PredictAsk a = ask_of("btc");
        ServedForecast p;
        if (w->warm)
            CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
        *(bool *)((char *)&r.f + w->away) = true;
        clock_manual_advance_ms(&r.t.clock, 5000); /* what the registry said is no longer believed unasked */
        CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
        CHECK_STR(p.fallback, str_c(w->fallback));
        CHECK_EQ(p.n_missing, w->missing != NULL);
        CHECK(!w->missing || has(&p, w->missing));
        CHECK(isfinite(p.value[0]) && p.horizon > 0);
        close_room(&r);
    }
}

TEST(without_any_candles_there_is_no_answer) {
    Room r;
    open_room(&r, NULL);
    PredictAsk a = ask_of("btc");
    ServedForecast p;
    r.f.market_away = true;
    CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_UNAVAILABLE);
    r.f.market_away = false;
    symbol_parse(S("NOSUCH"), &a.key.symbol);
    CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_NOT_FOUND);
    CHECK(strstr(r.t.cx.err.text, "NOSUCH") != NULL);
    a = ask_of("btc"); /* the caller's own need no market */
    a.rows = &r.f.rows;
    r.f.market_away = true;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
    CHECK_STR(p.fallback, S("none"));
    close_room(&r);
}

TEST(candles_and_news_are_asked_for_at_the_same_time) { /* FLW-12 */
    Room r;
    open_room(&r, NULL);
    PredictAsk a = ask_of("btc");
    ServedForecast p;
    r.f.meet = true;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
    CHECK(r.f.at_market && r.f.at_news && p.has_sentiment);
    close_room(&r);
}

/* --- faults --- */

TEST(what_is_wrong_is_said) {
    Room r;
    open_room(&r, NULL);
    ServedForecast p;
    PredictAsk a = ask_of("btc/2");
    a.strict = true;
    r.f.v[1].bytes = str_dup(&r.t.arena, r.f.v[1].bytes);
    ((char *)(uintptr_t)r.f.v[1].bytes.p)[r.f.v[1].bytes.n / 2] ^= 1;
    CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_CORRUPT);
    CHECK(strstr(r.t.cx.err.text, "btc version 2") && strstr(r.t.cx.err.text, "not those that were registered"));
    r.f.v[1].of.sha256 = S(""); /* nobody said what they should be: the seal tells */
    serving_changed(r.s, S("btc"));
    CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_CORRUPT);
    a.strict = false;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
    CHECK_STR(p.fallback, S("version"));
    a = ask_of("nosuch");
    a.strict = true;
    CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_NOT_FOUND);
    CHECK(strstr(r.t.cx.err.text, "no model or version \"nosuch\"") != NULL);
    a = ask_of("btc/1");
    a.strict = true;
    r.f.shown = 20; /* short */
    CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_INVALID);
    CHECK(strstr(r.t.cx.err.text, "the model looks at 24 rows, there are 20") != NULL);
    a.strict = false;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
    CHECK_STR(p.fallback, S("naive"));
    r.f.shown = ROWS;
    a.level = 0.77;
    CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_INVALID);
    a = ask_of("btc/1");
    a.strict = true;
    timeframe_parse(S("1m"), &a.key.timeframe);
    CHECK_EQ(serving_predict(r.s, &r.t.cx, &a, &p), ERR_INVALID);
    CHECK(strstr(r.t.cx.err.text, "steps of 3600 s; the candles are of 1m") != NULL);
    close_room(&r);
}

TEST(tensors_through_a_model) {
    Room r;
    open_room(&r, NULL);
    double x[2 * LOOK_BACK];
    InferAnswer out;
    ServedInfo info;
    for (size_t i = 0; i < ARRAY_LEN(x); i++)
        x[i] = r.f.rows.close[ROWS - LOOK_BACK + i % LOOK_BACK];
    InferAsk q = { .ref = S("btc"), .x = x, .n = 2, .window = LOOK_BACK, .level = 0.9 };
    CHECK_OK(&r.t.cx, serving_infer(r.s, &r.t.cx, &q, &out));
    CHECK_STR(out.model.version, S("2"));
    PredictAsk a = ask_of("btc");
    ServedForecast p;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
    for (size_t h = 0; h < HORIZON; h++) { /* both ways share one model: the same numbers (PRD-19) */
        CHECK_NEAR(out.value[h], p.value[h], 1e-5);
        CHECK_NEAR(out.value[HORIZON + h], out.value[h], 0); /* alone or beside another */
        CHECK(out.low[h] < out.value[h] && out.value[h] < out.high[h]);
    }
    q.window = LOOK_BACK - 1; /* as of a model that was deleted, and another registered under its name and version */
    CHECK_EQ(serving_infer(r.s, &r.t.cx, &q, &out), ERR_CONFLICT);
    q.window = LOOK_BACK;
    x[30] = NAN;
    CHECK_EQ(serving_infer(r.s, &r.t.cx, &q, &out), ERR_INVALID);
    CHECK(strstr(r.t.cx.err.text, "window 1, row 6, column close") != NULL);
    CHECK_OK(&r.t.cx, serving_info(r.s, &r.t.cx, S("btc/1"), &info));
    CHECK_EQ(info.shape.look_back, LOOK_BACK);
    CHECK_EQ(serving_info(r.s, &r.t.cx, S("nosuch"), &info), MODEL_NONE);
    close_room(&r);
}

/* Two callers send candles of the same times: neither hears of the other's. */
TEST(candles_given_are_nobody_elses) {
    Room r, alone;
    PredictAsk a = ask_of("btc/1");
    ServedForecast mine, theirs, want;
    Candles other;
    open_room(&r, NULL);
    open_room(&alone, NULL);
    candles_init(&other, &r.t.arena, r.f.rows.n);
    candles_append(&other, &r.f.rows, 0, r.f.rows.n);
    for (size_t i = 0; i < other.n; i++)
        other.close[i] += (double)(i % 7);
    a.rows = &r.f.rows;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &mine));
    a.rows = &other;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &theirs));
    CHECK_OK(&alone.t.cx, serving_predict(alone.s, &alone.t.cx, &a, &want));
    CHECK_STR(theirs.interval, S("adaptive"));
    CHECK(fabs(theirs.value[0] - mine.value[0]) > 1e-3);
    for (size_t h = 0; h < HORIZON; h++) {
        CHECK_NEAR(theirs.value[h], want.value[h], 0);
        CHECK_NEAR(theirs.high[h], want.high[h], 0);
    }
    close_room(&alone);
    close_room(&r);
}

/* --- versions under load --- */

typedef struct Asker {
    Room *room;
    double want[2][HORIZON]; /* of versions 1 and 2 */
    atomic_bool *stop;
    int n, seen[2];
    bool mixed;
} Asker;

static void *ask_on(void *arg) {
    Asker *k = arg;
    Arena arena = { 0 };
    while (!*k->stop) {
        Ctx cx;
        PredictAsk a = ask_of("btc");
        ServedForecast p;
        ctx_init(&cx, &arena, &k->room->t.clock.clock);
        if (serving_predict(k->room->s, &cx, &a, &p) == 0) {
            size_t v = str_eq(p.version, S("2"));
            k->mixed |= memcmp(p.value, k->want[v], sizeof k->want[v]) != 0 || !str_eq(p.fallback, S("none"));
            k->seen[v]++;
        } else {
            k->mixed = true;
        }
        k->n++;
        arena_reset(&arena);
    }
    arena_done(&arena);
    return NULL;
}

TEST(a_swap_under_load_mixes_nothing_and_loses_nothing) {
    enum { ASKERS = 4, SWAPS = 40 };
    Room r;
    open_room(&r, &(ServingOptions){ .memory_max = 1 }); /* room for the one in use: each swap loads */
    atomic_bool stop = false;
    pthread_t threads[ASKERS];
    Asker askers[ASKERS];
    double want[2][HORIZON];
    for (int v = 0; v < 2; v++) {
        PredictAsk a = ask_of(v ? "btc/2" : "btc/1");
        ServedForecast p;
        CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
        memcpy(want[v], p.value, sizeof want[v]);
    }
    CHECK(memcmp(want[0], want[1], sizeof want[0]) != 0);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (Asker){ .room = &r, .stop = &stop };
        memcpy(askers[i].want, want, sizeof want);
        pthread_create(&threads[i], NULL, ask_on, &askers[i]);
    }
    for (int i = 0; i < SWAPS; i++) {
        int loads = r.f.n_loads;
        r.f.champion = i % 2;
        serving_changed(r.s, S("btc"));
        for (int k = 0; r.f.n_loads == loads && k < 60000; k++) /* until somebody was served by it */
            usleep(1000);
    }
    stop = true;
    int seen[2] = { 0 };
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(!askers[i].mixed);
        seen[0] += askers[i].seen[0];
        seen[1] += askers[i].seen[1];
    }
    CHECK(seen[0] > 0 && seen[1] > 0);
    ServedRow *rows;
    size_t n;
    CHECK_OK(&r.t.cx, serving_loaded(r.s, &r.t.cx, &rows, &n));
    CHECK_EQ(n, 1); /* the other one's memory is given back */
    CHECK_EQ(rows[0].n_holders, 0);
    close_room(&r);
}

typedef struct Inferrer {
    Room *room;
    const double *x;
    double want[HORIZON];
    int rounds, wrong, failed;
} Inferrer;

static void *infer_on(void *arg) {
    Inferrer *k = arg;
    Arena arena = { 0 };
    for (int i = 0; i < k->rounds; i++) {
        Ctx cx;
        InferAnswer out;
        ctx_init(&cx, &arena, &k->room->t.clock.clock);
        InferAsk q = { .ref = S("btc"), .x = k->x, .n = 1, .window = LOOK_BACK };
        if (serving_infer(k->room->s, &cx, &q, &out) != 0)
            k->failed++;
        else if (memcmp(out.value, k->want, sizeof k->want) != 0)
            k->wrong++;
        arena_reset(&arena);
    }
    arena_done(&arena);
    return NULL;
}

/* Bits do not depend on who else is in the pass. */
TEST(many_are_computed_together_to_the_same_bits) {
    enum { THREADS = 6, ROUNDS = 200 };
    Room r;
    open_room(&r, &(ServingOptions){ .batch_delay_ms = 1 });
    pthread_t threads[THREADS];
    Inferrer k[THREADS];
    static double x[THREADS][LOOK_BACK];
    for (int i = 0; i < THREADS; i++) {
        InferAnswer out;
        memcpy(x[i], r.f.rows.close + 30 * i, sizeof x[i]);
        k[i] = (Inferrer){ .room = &r, .x = x[i], .rounds = ROUNDS };
        CHECK_OK(&r.t.cx, serving_infer(r.s, &r.t.cx,
                                        &(InferAsk){ .ref = S("btc"), .x = x[i], .n = 1, .window = LOOK_BACK }, &out));
        memcpy(k[i].want, out.value, sizeof k[i].want);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, infer_on, &k[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(k[i].wrong, 0);
        CHECK_EQ(k[i].failed, 0);
    }
    ServedRow *rows;
    size_t n;
    CHECK_OK(&r.t.cx, serving_loaded(r.s, &r.t.cx, &rows, &n));
    CHECK_EQ(rows[0].n_forecasts, THREADS * (ROUNDS + 1));
    CHECK(rows[0].n_passes <= rows[0].n_forecasts);
    close_room(&r);
}

TEST(a_queue_that_is_full_refuses) {
    Room r;
    open_room(&r, &(ServingOptions){ .queue_max = 2, .batch_max = 64 });
    static double x[3 * LOOK_BACK];
    InferAnswer out;
    memcpy(x, r.f.rows.close, sizeof x);
    CHECK_OK(&r.t.cx,
             serving_infer(r.s, &r.t.cx, &(InferAsk){ .ref = S("btc"), .x = x, .n = 2, .window = LOOK_BACK }, &out));
    CHECK_EQ(serving_infer(r.s, &r.t.cx, &(InferAsk){ .ref = S("btc"), .x = x, .n = 3, .window = LOOK_BACK }, &out),
             ERR_BUSY);
    r.t.cx.deadline = clock_mono(&r.t.clock.clock);
    clock_manual_advance_ms(&r.t.clock, 10);
    CHECK_EQ(serving_infer(r.s, &r.t.cx, &(InferAsk){ .ref = S("btc"), .x = x, .n = 1, .window = LOOK_BACK }, &out),
             ERR_TIMEOUT);
    close_room(&r);
}

/* --- memory --- */

TEST(the_longest_unused_makes_room) {
    Room r;
    open_room(&r, NULL);
    ServedRow *rows;
    size_t n, bytes = 0;
    CHECK_OK(&r.t.cx, serving_warm(r.s, &r.t.cx, S("btc/1")));
    CHECK_OK(&r.t.cx, serving_loaded(r.s, &r.t.cx, &rows, &n));
    bytes = rows[0].bytes;
    serving_free(r.s);
    r.o.memory_max = bytes * 5 / 2; /* room for two */
    r.s = serving_new(&r.o);
    static const char *const order[] = { "btc/1", "btc/2", "btc/1", "other" };
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        clock_manual_advance_ms(&r.t.clock, 10);
        CHECK_OK(&r.t.cx, serving_warm(r.s, &r.t.cx, str_c(order[i])));
    }
    CHECK_OK(&r.t.cx, serving_loaded(r.s, &r.t.cx, &rows, &n));
    CHECK_EQ(n, 2);
    for (size_t i = 0; i < n; i++)
        CHECK(!str_eq(rows[i].version, S("2"))); /* used longest ago */
    CHECK_OK(&r.t.cx, serving_unload(r.s, &r.t.cx, S("btc"), S("")));
    CHECK_EQ(serving_unload(r.s, &r.t.cx, S("btc"), S("")), MODEL_NONE);
    CHECK_OK(&r.t.cx, serving_loaded(r.s, &r.t.cx, &rows, &n));
    CHECK_EQ(n, 1);
    close_room(&r);
}

TEST(an_answer_kept_is_of_its_version_and_candle) { /* PRD-15 */
    Cache *cache = cache_memory_new(1 << 20, CACHE_LRU, 1);
    Room r;
    open_room(&r, &(ServingOptions){ .cache = cache });
    PredictAsk a = ask_of("btc");
    ServedForecast first, again, swapped, later;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &first));
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &again));
    CHECK(!first.cached && again.cached);
    CHECK(memcmp(first.value, again.value, HORIZON * sizeof(double)) == 0 &&
          memcmp(first.high, again.high, HORIZON * sizeof(double)) == 0);
    CHECK_STR(again.interval, first.interval);
    r.f.champion = 0; /* another version: nothing of the old one is told */
    serving_changed(r.s, S("btc"));
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &swapped));
    CHECK(!swapped.cached && memcmp(first.value, swapped.value, HORIZON * sizeof(double)) != 0);
    r.f.revision++; /* a candle was corrected */
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &later));
    CHECK(!later.cached);
    a.level = 0.5;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &later));
    CHECK(!later.cached && later.high[0] < swapped.high[0]);
    close_room(&r);
    cache_close(cache);
}

TEST(drift_is_told) {
    Room r;
    open_room(&r, NULL);
    PredictAsk a = ask_of("btc");
    ServedForecast p;
    DriftRow *rows;
    size_t n;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
    CHECK(!p.drifted);
    CHECK_OK(&r.t.cx, serving_drift(r.s, &r.t.cx, &rows, &n));
    CHECK(n == 1 && rows[0].psi < 0.25 && rows[0].n_errors > 100);
    CHECK_STR(rows[0].psi_column, S("close"));
    serving_unload(r.s, &r.t.cx, S("btc"), S(""));
    for (size_t i = ROWS - 150; i < ROWS; i++) { /* the price leaves what was taught, and jumps more */
        r.f.rows.close[i] += 40 + 15 * sin((double)(i * i));
        r.f.rows.high[i] += 60;
    }
    r.f.revision++;
    CHECK_OK(&r.t.cx, serving_predict(r.s, &r.t.cx, &a, &p));
    CHECK(p.drifted);
    CHECK_OK(&r.t.cx, serving_drift(r.s, &r.t.cx, &rows, &n));
    CHECK(n == 1 && rows[0].inputs && rows[0].errors && rows[0].psi > 1);
    close_room(&r);
}

TESTS(T(a_forecast_says_who_made_it_from_what_and_how_sure), T(served_intervals_cover_what_they_say),
      T(models_are_taken_away_one_by_one), T(every_input_taken_away_in_turn), T(without_any_candles_there_is_no_answer),
      T(candles_and_news_are_asked_for_at_the_same_time), T(what_is_wrong_is_said), T(candles_given_are_nobody_elses),
      T(tensors_through_a_model), T(a_swap_under_load_mixes_nothing_and_loses_nothing),
      T(many_are_computed_together_to_the_same_bits), T(a_queue_that_is_full_refuses), T(the_longest_unused_makes_room),
      T(an_answer_kept_is_of_its_version_and_candle), T(drift_is_told))
