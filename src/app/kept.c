/* app/kept.c - see kept.h. */

#include "app/kept.h"

#include "adapters/cache/memory.h"
#include "adapters/cache/redis.h"
#include "app/tables.h"
#include "base/hash.h"
#include "policy/surrogate.h"

/* --- what the store tells --- */

/* On the saver's thread: the range that the rows span, and whether a series came or went. */
static void on_commit(void *arg, const StoreCommit *c) {
    KeptAnswers *k = arg;
    bool whole = !c->rows || c->rows->n == 0; /* a removal does not say what went */
    if (!c->changed && c->revision > 0)
        return;
    Arena scratch = { 0 };
    Ctx cx;
    ctx_init(&cx, &scratch, k->clock);
    answers_changed(k->answers, &cx,
                    &(Change){ .series = series_key_text(&scratch, c->key),
                               .revision = c->revision,
                               .from = whole ? TIME_MIN : time_ms(c->rows->open_ms[0]),
                               .to = whole ? TIME_MAX : time_ms(c->rows->open_ms[c->rows->n - 1] + 1),
                               .structure = !c->rows || c->revision <= 1 });
    arena_done(&scratch);
}

static void on_doubt(void *arg, const SeriesKey *key) {
    KeptAnswers *k = arg;
    Arena scratch = { 0 };
    answers_doubt(k->answers, series_key_text(&scratch, key));
    arena_done(&scratch);
}

/* A number made of the ids of all series: ids are never used twice. */
static int structure(void *arg, Ctx *cx, uint64_t *out) {
    KeptAnswers *k = arg;
    SeriesInfo *v;
    size_t n;
    int r = candle_store_list(k->store, cx, &v, &n);
    if (r != 0)
        return r;
    uint64_t sum = n + 1;
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)v[i].id * UINT64_C(0x9e3779b97f4a7c15); /* any order, the same in every version */
    *out = sum ? sum : 1;
    return 0;
}

static int revision(void *arg, Ctx *cx, Str series, int64_t *out) {
    KeptAnswers *k = arg;
    SeriesKey key;
    SeriesInfo info;
    if (!series_key_parse(series, &key))
        return ERR_NOT_FOUND;
    int r = candle_store_info(k->store, cx, &key, &info);
    if (r != 0)
        return r < 0 ? r : ERR_NOT_FOUND;
    *out = info.revision;
    return 0;
}

static int64_t drop_answers(void *arg, Ctx *cx) {
    KeptAnswers *k = arg;
    CacheStats before, after;
    cache_stats(k->memory, &before);
    answers_clear(k->answers, cx);
    cache_stats(k->memory, &after);
    return MAX(0, before.bytes - after.bytes);
}

/* Which answers an operation's route or its role's name stands for: all of their kind. */
static void purge_route(KeptAnswers *k, Ctx *cx, Str key, size_t *n) {
    static const char *const heads[CACHE_KINDS] = {
        [CACHE_OHLCV] = "ohlcv:*", [CACHE_STATS] = "stats:*", [CACHE_SYSTEM] = "system:*"
    };
    for (size_t t = 0; t < N_PLATFORM_TABLES; t++)
        for (size_t i = 0; i < platform_tables[t]->n_ops; i++) {
            const Op *op = platform_tables[t]->ops[i];
            bool named = str_eq(key, str_fmt(cx->arena, "route:%s", op->path)) ||
                         str_eq(key, str_fmt(cx->arena, "role:%s", platform_tables[t]->role));
            if (named && op->kept && heads[op->cache])
                *n += answers_purge(k->answers, cx, str_c(heads[op->cache]));
        }
}

static size_t purge_answers(void *arg, Ctx *cx, const Str *keys, size_t n) {
    KeptAnswers *k = arg;
    Str patterns[SURROGATE_PATTERNS_MAX];
    size_t gone = 0;
    for (size_t i = 0; i < n; i++) {
        size_t n_patterns = surrogate_patterns(cx->arena, keys[i], patterns);
        for (size_t p = 0; p < n_patterns; p++)
            gone += answers_purge(k->answers, cx, patterns[p]);
        purge_route(k, cx, keys[i], &gone);
    }
    return gone;
}

/* --- opening --- */

static void lives(const AppCfg *cfg, CacheTtls *t) {
    cache_ttls_default(t);
    t->l1_ms = cfg->cache_l1_ms;
    t->of[CACHE_OHLCV].ttl_ms = cfg->cache_ohlcv_ms;
    t->of[CACHE_STATS].ttl_ms = cfg->cache_statistics_ms;
    t->of[CACHE_BACKTEST].ttl_ms = cfg->cache_backtest_ms;
    t->of[CACHE_STRATEGY].ttl_ms = cfg->cache_strategy_ms;
    t->of[CACHE_SYSTEM].ttl_ms = cfg->cache_system_ms;
}

static int open_shared(KeptAnswers *k, Ctx *cx, const AppCfg *cfg) {
    RedisOptions o;
    if (cfg->redis_url.n == 0)
        return 0;
    redis_options_default(&o);
    o.url = cfg->redis_url;
    o.prefix = cfg->redis_prefix;
    o.max_connections = (int)cfg->redis_pool;
    o.timeout_ms = cfg->redis_timeout_ms;
    return cache_redis_open(cx, &o, &k->shared);
}

int kept_open(KeptAnswers *k, Ctx *cx, Platform *p) {
    const AppCfg *cfg = p->cfg;
    *k = (KeptAnswers){ .store = p->store, .clock = p->clock };
    /* Files of CSV and Parquet may be changed by anybody, and nobody would tell. */
    if (!p->store || cfg->cache_memory == 0 || (cfg->data_store != STORE_SQLITE && cfg->data_store != STORE_MEMORY))
        return 0;
    int r = open_shared(k, cx, cfg);
    if (r != 0)
        return r;
    uint64_t seed = ids_u64(p->ids);
    k->memory = cache_memory_new((size_t)cfg->cache_memory, (CachePolicy)cfg->cache_policy, seed);
    AnswersOptions o = {
        .cache = { .l1 = k->memory, .l2 = k->shared, .clock = p->clock, .log = p->log, .metrics = p->metrics },
        .source = { structure, revision, k },
        .seed = seed
    };
    lives(cfg, &o.cache.ttls);
    k->answers = answers_new(&o);
    k->watch = (CandleStoreWatch){ .heard = on_commit, .doubted = on_doubt, .arg = k };
    candle_store_watch(p->store, &k->watch);
    p->admin.drop_answers = drop_answers;
    p->admin.purge_answers = purge_answers;
    p->admin.answers = k;
    return 0;
}

void kept_close(KeptAnswers *k) {
    if (k->answers)
        candle_store_unwatch(k->store, &k->watch);
    answers_free(k->answers);
    cache_close(k->shared);
    cache_close(k->memory);
    *k = (KeptAnswers){ 0 };
}
