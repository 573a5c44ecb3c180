/* app/news_clock.c - see news_clock.h. */

#include "app/news_clock.h"

#include <pthread.h>

enum { RETAIN_MS = MS_PER_HOUR, FIRST_MS = 1000 };

struct NewsClock {
    Platform *p;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    atomic_bool stop;
};

static void collect(NewsClock *c, Ctx *cx) {
    NewsCollected done;
    int r = news_collect(c->p->news.news, cx, &(NewsCollect){ 0 }, &done);
    if (r < 0 && r != ERR_CANCELLED)
        log_failure(c->p->log, cx, S("collecting news"));
}

static void retain(NewsClock *c, Ctx *cx) {
    const AppCfg *cfg = c->p->cfg;
    NewsRetained done;
    NewsRetain q = { .before = TIME_MIN, .keep = cfg->news_keep_count, .archive = cfg->news_archive };
    if (cfg->news_keep_ms)
        q.before = time_ms(clock_wall(c->p->clock).ms - cfg->news_keep_ms);
    int r = news_retain(c->p->news.news, cx, &q, &done);
    if (r < 0 && r != ERR_CANCELLED)
        log_failure(c->p->log, cx, S("removing old articles"));
}

/* Until then, or the end. */
static void wait_until(NewsClock *c, int64_t mono_ms) {
    struct timespec t = { .tv_sec = mono_ms / MS_PER_SECOND, .tv_nsec = mono_ms % MS_PER_SECOND * NS_PER_MS };
    pthread_mutex_lock(&c->lock);
    while (!c->stop && pthread_cond_timedwait(&c->woken, &c->lock, &t) == 0)
        ;
    pthread_mutex_unlock(&c->lock);
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MS_PER_SECOND + t.tv_nsec / NS_PER_MS;
}

static void *clock_main(void *arg) {
    NewsClock *c = arg;
    const AppCfg *cfg = c->p->cfg;
    bool keeps = cfg->news_keep_ms || cfg->news_keep_count;
    int64_t begun = now_ms(), collect_at = cfg->news_interval_ms ? begun + FIRST_MS : INT64_MAX;
    int64_t retain_at = keeps ? begun + FIRST_MS : INT64_MAX;
    pthread_setname_np(pthread_self(), "news-clock");
    while (!c->stop) {
        Arena arena = { 0 };
        Ctx cx;
        ctx_init(&cx, &arena, c->p->clock);
        cx.cancel = &c->stop;
        cx.principal = (Principal){ ROLE_ADMIN, S("news-clock") };
        int64_t now = now_ms();
        if (now >= collect_at) {
            collect(c, &cx);
            collect_at = now + cfg->news_interval_ms; /* one that took longer begins again at once */
        }
        if (now >= retain_at) {
            retain(c, &cx);
            retain_at = now + RETAIN_MS;
        }
        arena_done(&arena);
        wait_until(c, MIN(collect_at, retain_at));
    }
    return NULL;
}

NewsClock *news_clock_start(Platform *p) {
    const AppCfg *cfg = p->cfg;
    if (p->jobs || !p->news.news || !(cfg->news_interval_ms || cfg->news_keep_ms || cfg->news_keep_count))
        return NULL;
    NewsClock *c = mem_new(NewsClock);
    pthread_condattr_t attr;
    *c = (NewsClock){ .p = p };
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->woken, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&c->thread, NULL, clock_main, c) == 0)
        return c;
    pthread_cond_destroy(&c->woken);
    pthread_mutex_destroy(&c->lock);
    return mem_free(c);
}

NewsClock *news_clock_stop(NewsClock *c) {
    if (!c)
        return NULL;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_broadcast(&c->woken);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->woken);
    pthread_mutex_destroy(&c->lock);
    return mem_free(c);
}
