/* app/health_checks.c - see health_checks.h. */

#include "app/health_checks.h"

#include <pthread.h>

enum { CHECKS_MAX = 8, REASON_MAX = 160, CALL_MS = 5000 };

typedef struct Check {
    const char *name; /* as in the payload */
    int (*ask)(HealthChecks *h, Ctx *cx);
    HealthVerdict verdict;
    char reason[REASON_MAX];
    Time at;
    int64_t took_ms;
} Check;

struct HealthChecks {
    Platform *p;
    Cache *shared;
    Loop *loop;
    Lane *lane;
    LoopTimer timer;
    pthread_mutex_t lock; /* of what the checks found */
    Check v[CHECKS_MAX];
    size_t n;
    MonoNs began, round; /* the last round's end is under the lock, too; ns 0: none yet */
    bool stopped;
};

/* --- whom to ask --- */

static int ask_store(HealthChecks *h, Ctx *cx) {
    StoreInfo info;
    return candle_store_describe(h->p->store, cx, &info);
}

static int ask_control(HealthChecks *h, Ctx *cx) {
    Job *jobs;
    size_t n;
    return job_store_jobs(h->p->control, cx, &jobs, &n);
}

static int ask_redis(HealthChecks *h, Ctx *cx) {
    CacheFound found = CACHE_MISS;
    CacheHit hit;
    int r = cache_get(h->shared, cx, S("finsight:health"), &found, &hit);
    if (r == 0 && found != CACHE_MISS)
        cache_blob_unref(hit.value);
    return r;
}

/* The record of keys and events. Where another process has it (a rolling restart), keys are learned from that one. */
static int ask_security(HealthChecks *h, Ctx *cx) {
    AuditSpan span;
    int r = security_store_span(h->p->security, cx, &span);
    if (r != ERR_CONFLICT)
        return r;
    err_clear(cx);
    return 0;
}

static void add(HealthChecks *h, const char *name, int (*ask)(HealthChecks *h, Ctx *cx)) {
    assert(h->n < CHECKS_MAX);
    h->v[h->n++] = (Check){ .name = name, .ask = ask, .verdict = HEALTH_UNKNOWN };
}

/* --- rounds --- */

static void ask_one(HealthChecks *h, Check *c) {
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, h->p->clock);
    MonoNs began = clock_mono(h->p->clock);
    cx.deadline = mono_add_ms(began, CALL_MS);
    int r = c->ask(h, &cx);
    pthread_mutex_lock(&h->lock);
    c->verdict = r == 0 ? HEALTH_WELL : HEALTH_BAD;
    size_t n = r == 0 ? 0 : MIN(strlen(cx.err.text), sizeof c->reason - 1);
    memcpy(c->reason, cx.err.text, n);
    c->reason[n] = '\0';
    c->at = clock_wall(h->p->clock);
    c->took_ms = mono_ms_between(began, clock_mono(h->p->clock));
    pthread_mutex_unlock(&h->lock);
    arena_done(&arena);
}

static void done(void *arg) { /* on the loop */
    HealthChecks *h = arg;
    if (!h->stopped)
        loop_timer_start(&h->timer, h->p->cfg->health_every_ms, 0);
}

static void on_lane(void *arg, int err) {
    HealthChecks *h = arg;
    if (err != 0)
        return; /* a lane that closes has no loop behind it any more */
    for (size_t i = 0; i < h->n; i++)
        ask_one(h, &h->v[i]);
    pthread_mutex_lock(&h->lock);
    h->round = clock_mono(h->p->clock);
    pthread_mutex_unlock(&h->lock);
    loop_post(h->loop, done, h);
}

static void begin(void *arg) { /* on the loop */
    HealthChecks *h = arg;
    if (lane_post(h->lane, &(LaneJob){ .run = on_lane, .arg = h }) != 0)
        done(h);
}

HealthChecks *health_checks_start(Platform *p, Cache *shared, Loop *loop, Lane *lane) {
    HealthChecks *h = mem_new(HealthChecks);
    *h = (HealthChecks){ .p = p, .shared = shared, .loop = loop, .lane = lane };
    pthread_mutex_init(&h->lock, NULL);
    loop_timer_init(&h->timer, loop, begin, h);
    if (p->store)
        add(h, p->store->ops->name, ask_store);
    if (p->control)
        add(h, "control", ask_control);
    if (p->security)
        add(h, "authentication", ask_security);
    if (shared)
        add(h, "redis", ask_redis);
    h->began = clock_mono(p->clock);
    loop_timer_start(&h->timer, 0, 0);
    return h;
}

void health_checks_stop(HealthChecks *h) {
    if (!h)
        return;
    h->stopped = true;
    loop_timer_stop(&h->timer);
}

HealthChecks *health_checks_free(HealthChecks *h) {
    if (!h)
        return NULL;
    pthread_mutex_destroy(&h->lock);
    return mem_free(h);
}

/* --- what is told --- */

static const char *word_of(HealthVerdict v) {
    return v == HEALTH_WELL ? "healthy" : v == HEALTH_UNKNOWN ? "unknown" : "unhealthy";
}

HealthVerdict health_checks_write_databases(HealthChecks *h, JsonWriter *w) {
    HealthVerdict worst = HEALTH_WELL;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < h->n; i++) {
        const Check *c = &h->v[i];
        json_key(w, str_c(c->name));
        json_object(w);
        json_put_str(w, "status", str_c(word_of(c->verdict)));
        if (c->reason[0])
            json_put_str(w, "error", str_c(c->reason));
        if (c->verdict != HEALTH_UNKNOWN) {
            json_put_time(w, "checked", c->at);
            json_put_i64(w, "took_ms", c->took_ms);
        }
        json_object_end(w);
        worst = MAX(worst, c->verdict);
    }
    pthread_mutex_unlock(&h->lock);
    return worst;
}

/* Who watches the watch: rounds that come no more are a lane that hangs, and with it alerts and spans. */
bool health_checks_write_monitoring(HealthChecks *h, JsonWriter *w) {
    enum { ROUNDS = 3, ROOM_MS = 60 * 1000 };
    pthread_mutex_lock(&h->lock);
    bool known = h->round.ns != 0;
    int64_t silent = mono_ms_between(known ? h->round : h->began, clock_mono(h->p->clock));
    pthread_mutex_unlock(&h->lock);
    bool late = silent > ROUNDS * h->p->cfg->health_every_ms + ROOM_MS;
    json_key(w, S("monitoring"));
    json_object(w);
    json_put_str(w, "status", str_c(word_of(late ? HEALTH_BAD : known ? HEALTH_WELL : HEALTH_UNKNOWN)));
    json_put_i64(w, "silent_ms", silent);
    json_object_end(w);
    return !late;
}

static HealthVerdict write_feed(JsonWriter *w, MarketFeed *f) {
    FeedSeen seen;
    market_feed_seen(f, &seen);
    HealthVerdict v = seen.failed.ms > seen.ok.ms ? HEALTH_BAD : HEALTH_WELL;
    bool known = seen.failed.ms || seen.ok.ms;
    json_key(w, str_c(f->ops->name));
    json_object(w);
    json_put_str(w, "status", str_c(word_of(known ? v : HEALTH_UNKNOWN)));
    if (known && v == HEALTH_BAD)
        json_put_str(w, "error", str_c(err_info(seen.code)->name));
    if (known)
        json_put_time(w, "checked", v == HEALTH_BAD ? seen.failed : seen.ok);
    json_object_end(w);
    return known ? v : HEALTH_WELL; /* nobody has asked it: that is no fault */
}

HealthVerdict health_checks_write(HealthChecks *h, JsonWriter *w) {
    json_key(w, S("databases"));
    json_object(w);
    HealthVerdict worst = health_checks_write_databases(h, w);
    json_object_end(w);
    json_key(w, S("external_apis"));
    json_object(w);
    for (size_t i = 0; i < h->p->n_feeds; i++)
        worst = MAX(worst, write_feed(w, h->p->feeds[i]));
    json_object_end(w);
    return worst;
}
