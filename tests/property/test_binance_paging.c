/* tests/property/test_binance_paging.c - whatever the history looks like and whatever goes wrong on the way, a
 * collection delivers exactly the venue's candles of the range, in windows without a hole. (A venue that denies
 * candles it has is in the contract suite: there is no general remedy.) */

#include "adapters/market/binance.h"
#include "fake_binance.h"
#include "test.h"

enum { ROUNDS = 300 };

typedef struct World {
    TestCtx t;
    Rng rng;
    Candles candles, got;
    FakeBinance venue;
    Time pages_to;
    bool torn; /* windows that overlap or leave a hole */
} World;

/* A history with holes of any length, stretches off the grid, and a listing date. */
static void make_history(World *w, Timeframe tf) {
    int64_t n = rng_between(&w->rng, 1, 4000);
    Time at = timeframe_step(tf, timeframe_floor(tf, clock_wall(w->t.cx.clock)), -n);
    int64_t shift = 0;
    candles_init(&w->candles, &w->t.arena, (size_t)n + 1);
    for (int64_t i = 0; i <= n; i++, at = timeframe_next(tf, at)) {
        if (rng_chance(&w->rng, 0.002)) { /* the venue goes down, and comes back off the grid or on it */
            int64_t hole = rng_chance(&w->rng, 0.2) ? rng_between(&w->rng, 900, 2500) : rng_between(&w->rng, 1, 60);
            i += hole;
            at = timeframe_step(tf, at, hole);
            shift =
                timeframe_is_fixed(tf) && rng_chance(&w->rng, 0.3) ? rng_between(&w->rng, 1, timeframe_ms(tf) - 1) : 0;
        }
        if (i > n)
            break;
        double p = 1 + rng_f64(&w->rng) * 1000;
        Candle c = { time_ms(at.ms + shift), p, p + 1, p - 1, p + 0.5, rng_f64(&w->rng) * 1e6, { 0 }, 0 };
        candles_push(&w->candles, &c);
    }
}

static int on_page(void *arg, Ctx *cx, const FeedPage *page) {
    World *w = arg;
    UNUSED(cx);
    w->torn |= page->from.ms != w->pages_to.ms;
    w->pages_to = page->to;
    candles_reserve(&w->got, &w->t.arena, w->got.n + page->rows->n);
    candles_append(&w->got, page->rows, 0, page->rows->n);
    return 0;
}

static Time any_time(World *w) {
    const Candles *cs = &w->candles;
    size_t i = rng_below(&w->rng, cs->n);
    switch (rng_below(&w->rng, 8)) {
    case 0:
        return time_ms(0);
    case 1:
        return time_ms(cs->open_ms[0] - rng_between(&w->rng, 0, INT64_C(90) * MS_PER_DAY));
    case 2:
        return TIME_MAX;
    default:
        return time_ms(cs->open_ms[i] + rng_between(&w->rng, -1, 1) * rng_between(&w->rng, 0, 1));
    }
}

static void check_collection(World *w, MarketFeed *feed, Timeframe tf, uint64_t round) {
    void **state_ = NULL;
    Time a = any_time(w), b = any_time(w), from = a.ms < b.ms ? a : b, to = a.ms < b.ms ? b : a;
    candles_init(&w->got, &w->t.arena, 0);
    w->pages_to = from;
    size_t before = fake_http_n_with(w->venue.http, "klines");
    CHECK_OK(&w->t.cx, market_feed_collect(feed, &w->t.cx, w->venue.symbol, tf, from, to, on_page, w));

    Time now = clock_wall(w->t.cx.clock);
    size_t first = candles_lower_bound(&w->candles, from), last = candles_lower_bound(&w->candles, to);
    while (last > first && w->candles.open_ms[last - 1] > now.ms) /* stands off the grid and has not begun */
        last--;
    if (w->torn || w->got.n != last - first)
        FAIL("round %llu: %zu candles, not %zu%s", (unsigned long long)round, w->got.n, last - first,
             w->torn ? "; the windows leave a hole" : "");
    for (size_t i = 0; i < w->got.n; i++) {
        Candle got = candles_get(&w->got, i), want = candles_get(&w->candles, first + i);
        if (!candle_same_data(&got, &want))
            FAIL("round %llu: candle %zu is another", (unsigned long long)round, i);
    }
    size_t requests = fake_http_n_with(w->venue.http, "klines") - before;
    if (requests > w->got.n / 1000 + 40)
        FAIL("round %llu: %zu requests for %zu candles", (unsigned long long)round, requests, w->got.n);
}

TEST(collections_are_whole) {
    static const VenueFault faults[] = { VENUE_WELL,      VENUE_429,      VENUE_418,   VENUE_500,
                                         VENUE_TRUNCATED, VENUE_SLOW,     VENUE_SHORT, VENUE_STRAY,
                                         VENUE_DUPLICATE, VENUE_UNSORTED, VENUE_MICROS };
    uint64_t seed = prop_seed(42);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        World w = { .torn = false };
        MarketFeed *feed;
        test_ctx_init(&w.t);
        rng_seed(&w.rng, seed + round);
        clock_manual_advance_ms(&w.t.clock, rng_between(&w.rng, 0, 100 * (int64_t)MS_PER_DAY));
        Timeframe tf =
            TIMEFRAMES[rng_below(&w.rng, ARRAY_LEN(TIMEFRAMES) - 2)]; /* weeks and months reach before 1970 */
        make_history(&w, tf);
        fake_binance_init(&w.venue, tf, &w.candles);
        BinanceOptions o = { .http = fake_http_client(w.venue.http), .seed = round };
        CHECK_OK(&w.t.cx, market_binance_open(&w.t.cx, &o, &feed));
        for (int i = 0; i < 3; i++) {
            VenueFault fault = faults[rng_below(&w.rng, ARRAY_LEN(faults))];
            fake_binance_fault(&w.venue, fault, (int)rng_between(&w.rng, 1, 4));
            if (w.candles.n)
                check_collection(&w, feed, tf, round);
        }
        market_feed_close(feed);
        fake_binance_done(&w.venue);
        test_ctx_done(&w.t);
    }
}

TESTS(T(collections_are_whole))
