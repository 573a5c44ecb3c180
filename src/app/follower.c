/* app/follower.c - see follower.h. What closes is stored and, through the store's watch, told to whoever subscribed. */

#include "app/follower.h"

#include "adapters/ws/net.h"
#include "base/thread_signals.h"
#include "services/market/follow.h"

enum { STEP_MS = 250, AGAIN_MS = 10 * 1000, REST_THREADS = 4, REST_QUEUE = 64 };

typedef struct Thread { /* of one venue */
    Platform *p;
    SeriesKey *keys; /* heap */
    size_t n;
    atomic_bool *cancel;
    WsDialer *dialer;
    LiveFeed *live;
    MarketFollow *service;
    pthread_t thread;
    bool running;
} Thread;

struct Follower {
    atomic_bool cancel;
    Lane *rest; /* where venues are asked for what their streams left out */
    Thread threads[PLATFORM_FEEDS_MAX];
    size_t n;
};

static void *follow(void *arg) {
    Thread *t = arg;
    Arena arena = { 0 };
    Ctx cx;
    thread_signals_off(NULL);
    ctx_init(&cx, &arena, t->p->clock);
    cx.cancel = t->cancel;
    while (!atomic_load(t->cancel)) {
        int r = market_follow_step(t->service, &cx, STEP_MS);
        if (r < 0 && r != ERR_CANCELLED) {
            log_failure(t->p->log, &cx, S("following is interrupted"));
            http_wait_ms(&cx, AGAIN_MS);
        }
        arena_reset(&arena);
    }
    arena_done(&arena);
    return NULL;
}

static int thread_open(Thread *t, Ctx *cx, Platform *p, Follower *f) {
    MarketFeed *rest = market_feed_of(p->market, t->keys[0].venue);
    LiveSeries *series = arena_new_n(cx->arena, LiveSeries, t->n);
    t->p = p;
    t->cancel = &f->cancel;
    if (!rest)
        return err_set_at(cx, ERR_NOT_FOUND, S("live.series"), "there is no venue '%s'", t->keys[0].venue.s);
    for (size_t i = 0; i < t->n; i++)
        series[i] = (LiveSeries){ t->keys[i].symbol, t->keys[i].timeframe };
    WsNetOptions wo = { .clock = p->clock, .allow_private = p->cfg->venues[VENUE_binance].private_address };
    int r = ws_net_open(cx, &wo, &t->dialer);
    if (r == 0)
        r = registry_open_live(cx, p->cfg, t->keys[0].venue, t->dialer, series, t->n, &t->live);
    if (r)
        return r;
    t->service = market_follow_new(&(MarketFollowOptions){
        .store = p->store, .live = t->live, .rest = rest, .lane = f->rest, .keys = t->keys, .n = t->n, .log = p->log });
    t->running = pthread_create(&t->thread, NULL, follow, t) == 0;
    return t->running ? 0 : err_set(cx, ERR_BUSY, "no thread to be had for following %s", t->keys[0].venue.s);
}

static Thread *thread_of(Follower *f, Venue venue, size_t most) {
    for (size_t i = 0; i < f->n; i++)
        if (venue_eq(f->threads[i].keys[0].venue, venue))
            return &f->threads[i];
    if (f->n == ARRAY_LEN(f->threads))
        return NULL;
    Thread *t = &f->threads[f->n++];
    t->keys = mem_new_n(SeriesKey, most);
    return t;
}

int follower_start(Ctx *cx, Platform *p, Follower **out) {
    const CfgList *list = &p->cfg->live_series;
    int r = 0;
    *out = NULL;
    if (list->n == 0)
        return 0;
    Follower *f = mem_new(Follower);
    f->rest = lane_threads_new("rest", REST_THREADS, REST_QUEUE, p->clock);
    for (size_t i = 0; r == 0 && i < list->n; i++) {
        SeriesKey key;
        Thread *t = series_key_parse(list->v[i], &key) && !key.provider.s[0] ? thread_of(f, key.venue, list->n) : NULL;
        if (t)
            t->keys[t->n++] = key;
        else
            r = err_set_at(cx, ERR_USAGE, S("live.series"),
                           "'" STR_FMT "' is no series of a venue; try binance:BTCUSDT:1m", STR_ARG(list->v[i]));
    }
    for (size_t i = 0; r == 0 && i < f->n; i++)
        r = thread_open(&f->threads[i], cx, p, f);
    if (r)
        follower_stop(f);
    else
        *out = f;
    return r;
}

Follower *follower_stop(Follower *f) {
    if (!f)
        return NULL;
    atomic_store(&f->cancel, true);
    for (size_t i = 0; i < f->n; i++) {
        Thread *t = &f->threads[i];
        if (t->running)
            pthread_join(t->thread, NULL);
        market_follow_free(t->service);
        live_feed_close(t->live);
        ws_dialer_close(t->dialer);
        mem_free(t->keys);
    }
    lane_close(f->rest);
    return mem_free(f);
}
