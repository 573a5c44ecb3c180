/* Following with a REST call that hangs: the other series close their candles, nothing closes twice, and the end does
 * not wait for the venue. A stream and a venue of our own, a clock set by hand. */

#include "lib/test.h"

#include <pthread.h>
#include <unistd.h>

#include "adapters/store/memory.h"
#include "lib/fake_feed.h"
#include "services/market/follow.h"

enum { BTC, ETH, SERIES, EVENTS_MAX = 16, PATIENCE_MS = 60000 };

typedef struct FakeLive { /* says what it is told to */
    LiveFeed feed;        /* first */
    LiveEvent v[EVENTS_MAX];
    size_t n;
} FakeLive;

typedef struct HungFeed { /* a venue that answers when it is let */
    FakeFeed fake;        /* first */
    pthread_t stepping;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool hangs, within, gave_up, on_the_step;
} HungFeed;

typedef struct Rig {
    TestCtx t;
    FakeLive live;
    HungFeed rest;
    MarketFeedOps rest_ops;
    Lane *lane;
    CandleStore *store;
    MarketFollow *service;
    SeriesKey keys[SERIES];
    int closed[SERIES], disorder;
    Time last[SERIES];
} Rig;

static const Time start = { INT64_C(1704067200000) };

static int live_next(LiveFeed *f, Ctx *cx, int64_t wait_ms, LiveEvent **out, size_t *n) {
    FakeLive *l = (FakeLive *)f;
    UNUSED(wait_ms);
    *out = arena_new_n(cx->arena, LiveEvent, EVENTS_MAX);
    memcpy(*out, l->v, l->n * sizeof **out);
    *n = l->n;
    l->n = 0;
    return 0;
}

static const LiveFeedOps live_ops = { .name = "fake", .next = live_next };
static const MarketFeedOps *fake_ops;

static int hung_collect(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time from, Time to, FeedPageFn *fn,
                        void *arg) {
    HungFeed *h = (HungFeed *)f;
    if (h->hangs && pthread_equal(h->stepping, pthread_self())) {
        h->on_the_step = true;
        return err_set(cx, ERR_TIMEOUT, "fake: this would have kept every series waiting");
    }
    pthread_mutex_lock(&h->lock);
    h->within = true;
    pthread_cond_broadcast(&h->moved);
    while (h->hangs && !(cx->cancel && atomic_load(cx->cancel))) {
        pthread_mutex_unlock(&h->lock);
        usleep(1000);
        pthread_mutex_lock(&h->lock);
    }
    h->gave_up = h->hangs;
    pthread_mutex_unlock(&h->lock);
    return h->gave_up ? err_set(cx, ERR_CANCELLED, "fake: cancelled")
                      : fake_ops->collect(f, cx, symbol, tf, from, to, fn, arg);
}

static void on_publish(void *arg, Ctx *cx, const MarketFollowEvent *v, size_t n) {
    Rig *r = arg;
    UNUSED(cx);
    for (size_t i = 0; i < n; i++) {
        if (!v[i].closed)
            continue;
        r->disorder += !time_before(r->last[v[i].series], v[i].candle.open_time);
        r->last[v[i].series] = v[i].candle.open_time;
        r->closed[v[i].series]++;
    }
}

static void rig_init(Rig *r, bool lane) {
    static const char *const symbols[] = { "BTCUSDT", "ETHUSDT" };
    *r = (Rig){ 0 };
    test_ctx_init(&r->t);
    clock_manual_set_wall(&r->t.clock, time_add_ms(start, 10000));
    fake_feed_init(&r->rest.fake);
    fake_ops = r->rest.fake.feed.ops;
    r->rest_ops = *fake_ops;
    r->rest_ops.collect = hung_collect;
    r->rest.fake.feed.ops = &r->rest_ops;
    r->rest.stepping = pthread_self();
    pthread_mutex_init(&r->rest.lock, NULL);
    pthread_cond_init(&r->rest.moved, NULL);
    r->rest.hangs = lane;
    r->live.feed.ops = &live_ops;
    r->store = store_memory_new();
    for (int i = 0; i < SERIES; i++) {
        r->keys[i] = (SeriesKey){ .timeframe = { UNIT_MINUTE, 1 } };
        symbol_parse(str_c(symbols[i]), &r->keys[i].symbol);
        venue_parse(S("binance"), &r->keys[i].venue);
    }
    r->lane = lane ? lane_threads_new("rest", 2, 8, r->t.cx.clock) : NULL;
    r->service = market_follow_new(&(MarketFollowOptions){ .store = r->store,
                                                           .live = &r->live.feed,
                                                           .rest = &r->rest.fake.feed,
                                                           .lane = r->lane,
                                                           .keys = r->keys,
                                                           .n = SERIES,
                                                           .publish = on_publish,
                                                           .arg = r });
}

static void rig_done(Rig *r) {
    market_follow_free(r->service);
    if (r->lane)
        lane_close(r->lane);
    candle_store_close(r->store);
    pthread_mutex_destroy(&r->rest.lock);
    pthread_cond_destroy(&r->rest.moved);
    test_ctx_done(&r->t);
}

static Time minute(int i) {
    return time_add_ms(start, (int64_t)i * MS_PER_MINUTE);
}

static void says(Rig *r, size_t series, int at, unsigned flags) {
    Candle c = fake_feed_candle(minute(at));
    c.flags = flags;
    r->live.v[r->live.n++] = (LiveEvent){ .kind = FEED_CANDLE, .series = series, .candle = c };
}

static void step(Rig *r) {
    CHECK_OK_PLAIN(&r->t.cx, market_follow_step(r->service, &r->t.cx, 0));
}

/* BTCUSDT's stream leaves out a minute: REST is asked, and hangs. ETHUSDT goes on. */
static void hang(Rig *r) {
    step(r);
    clock_manual_set_wall(&r->t.clock, time_add_ms(minute(1), 100));
    says(r, ETH, 0, 0);
    says(r, BTC, 1, CANDLE_OPEN);
    step(r);
    if (r->rest.on_the_step || !r->lane)
        return;
    pthread_mutex_lock(&r->rest.lock);
    while (!r->rest.within)
        pthread_cond_wait(&r->rest.moved, &r->rest.lock);
    pthread_mutex_unlock(&r->rest.lock);
}

static void let_go(Rig *r) {
    pthread_mutex_lock(&r->rest.lock);
    r->rest.hangs = false;
    pthread_mutex_unlock(&r->rest.lock);
}

static bool answered(Rig *r) {
    LaneStats st;
    lane_stats(r->lane, &st);
    return st.done == 1;
}

/* Steps until BTCUSDT has closed so many: the answer comes from another thread. */
static void step_until(Rig *r, int closed) {
    for (int ms = 0; r->closed[BTC] < closed && ms < PATIENCE_MS; ms++) {
        usleep(1000);
        step(r);
    }
}

TEST(a_rest_call_that_hangs_keeps_no_other_series_from_closing) {
    Rig r;
    rig_init(&r, true);
    hang(&r);
    CHECK(!r.rest.on_the_step);
    for (int i = 2; i < 6; i++) {
        clock_manual_set_wall(&r.t.clock, time_add_ms(minute(i), 100));
        says(&r, ETH, i - 1, 0);
        step(&r);
        CHECK_EQ(r.closed[ETH], i);
        CHECK_EQ(r.closed[BTC], 0);
    }
    let_go(&r);
    step_until(&r, 1);
    CHECK_EQ(r.closed[BTC], 1); /* what was asked for; the rest is asked for next */
    CHECK_EQ(r.disorder, 0);
    rig_done(&r);
}

TEST(what_the_stream_closes_while_rest_is_asked_closes_once) {
    Rig r;
    rig_init(&r, true);
    hang(&r);
    says(&r, BTC, 0, 0); /* late, but there */
    clock_manual_set_wall(&r.t.clock, time_add_ms(minute(2), 100));
    says(&r, BTC, 1, 0);
    step(&r);
    CHECK_EQ(r.closed[BTC], 2);
    let_go(&r);
    for (int ms = 0; !answered(&r) && ms < PATIENCE_MS; ms++)
        usleep(1000);
    clock_manual_set_wall(&r.t.clock, time_add_ms(minute(3), 100));
    says(&r, BTC, 2, 0);
    step(&r);
    CHECK_EQ(r.closed[BTC], 3);
    CHECK_EQ(r.disorder, 0);
    rig_done(&r);
}

TEST(the_end_does_not_wait_for_a_venue_that_hangs) {
    Rig r;
    rig_init(&r, true);
    hang(&r);
    r.service = market_follow_free(r.service);
    CHECK(r.rest.gave_up);
    rig_done(&r);
}

TEST(without_a_lane_a_step_asks_and_takes_the_answer_itself) {
    Rig r;
    rig_init(&r, false);
    hang(&r);
    CHECK_EQ(r.closed[BTC], 1);
    CHECK_EQ(r.closed[ETH], 1);
    CHECK_EQ(r.disorder, 0);
    rig_done(&r);
}

TESTS(T(a_rest_call_that_hangs_keeps_no_other_series_from_closing),
      T(what_the_stream_closes_while_rest_is_asked_closes_once), T(the_end_does_not_wait_for_a_venue_that_hangs),
      T(without_a_lane_a_step_asks_and_takes_the_answer_itself))
