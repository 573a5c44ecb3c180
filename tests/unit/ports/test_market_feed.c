/* tests/unit/ports/test_market_feed.c - the wrapper refuses what a feed may not deliver, before anyone sees it. The
 * feed here is a stranger: its table of operations is all that anyone had to add (PRI-07). */

#include "ports/market_feed.h"
#include "test.h"

typedef struct Scripted { /* a feed that delivers two pages as it was told */
    MarketFeed feed;
    Candles rows;
    FeedPage pages[2];
    int result;
} Scripted;

static int scripted_collect(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time from, Time to, FeedPageFn *fn,
                            void *arg) {
    Scripted *s = (Scripted *)f;
    UNUSED(symbol);
    UNUSED(tf);
    UNUSED(from);
    UNUSED(to);
    for (size_t i = 0; i < ARRAY_LEN(s->pages); i++) {
        int r = fn(arg, cx, &s->pages[i]);
        if (r)
            return r;
    }
    return s->result;
}

static const MarketFeedOps ops = { .name = "scripted", .collect = scripted_collect };

typedef struct World {
    TestCtx t;
    Scripted feed;
    Candles first, second;
    int seen, answer;
} World;

static void add(Candles *cs, int64_t ms) {
    Candle c = { .open_time = time_ms(ms), .open = 1, .high = 2, .low = 1, .close = 2, .volume = 3 };
    candles_push(cs, &c);
}

/* Pages [0, 100) with rows 0 and 50, [100, 200) with 150. */
static void begin(World *w) {
    *w = (World){ .seen = 0 };
    test_ctx_init(&w->t);
    candles_init(&w->first, &w->t.arena, 4);
    candles_init(&w->second, &w->t.arena, 4);
    add(&w->first, 0);
    add(&w->first, 50);
    add(&w->second, 150);
    w->feed.feed.ops = &ops;
    w->feed.pages[0] = (FeedPage){ &w->first, time_ms(0), time_ms(100), 2 };
    w->feed.pages[1] = (FeedPage){ &w->second, time_ms(100), time_ms(200), 3 };
}

static int count(void *arg, Ctx *cx, const FeedPage *page) {
    World *w = arg;
    UNUSED(cx);
    UNUSED(page);
    w->seen++;
    return w->answer;
}

static int collect(World *w) {
    Symbol symbol = { "BTCUSDT" };
    return market_feed_collect(&w->feed.feed, &w->t.cx, symbol, (Timeframe){ UNIT_MINUTE, 1 }, time_ms(0), time_ms(200),
                               count, w);
}

TEST(good_pages_pass) {
    World w;
    begin(&w);
    CHECK_OK(&w.t.cx, collect(&w));
    CHECK_EQ(w.seen, 2);
    w.feed.result = FEED_NO_SYMBOL;
    CHECK_EQ(collect(&w), FEED_NO_SYMBOL);
    test_ctx_done(&w.t);
}

TEST(pages_that_break_the_contract_are_never_seen) {
    enum { ROW_BEFORE, ROW_BEHIND, ORDER, TWICE, NOT_FINITE, FLAG, TOTAL, OVERLAP, BEYOND, BACKWARDS };
    static const struct {
        const char *name;
        int fault, seen;
    } rows[] = {
        { "a row before the window", ROW_BEFORE, 1 },
        { "a row behind the window", ROW_BEHIND, 1 },
        { "rows out of order", ORDER, 0 },
        { "a row twice", TWICE, 0 },
        { "not a number", NOT_FINITE, 1 },
        { "an unknown flag", FLAG, 1 },
        { "a wrong count", TOTAL, 1 },
        { "windows that overlap", OVERLAP, 1 },
        { "a window beyond what was asked for", BEYOND, 1 },
        { "a window that ends before it begins", BACKWARDS, 1 },
    };
    EACH_ROW (r, rows) {
        World w;
        begin(&w);
        test_row_name = r->name;
        w.second.open_ms[0] = r->fault == ROW_BEFORE ? 99 : r->fault == ROW_BEHIND ? 200 : 150;
        w.first.open_ms[1] = r->fault == ORDER ? -1 : r->fault == TWICE ? 0 : 50;
        w.second.high[0] = r->fault == NOT_FINITE ? (double)NAN : 2;
        w.second.flags[0] = r->fault == FLAG ? 0x80 : 0;
        w.feed.pages[1].n_total += r->fault == TOTAL;
        w.feed.pages[1].from.ms -= r->fault == OVERLAP;
        w.feed.pages[1].to.ms += r->fault == BEYOND;
        if (r->fault == BACKWARDS)
            w.feed.pages[1].to.ms = 99;
        CHECK_EQ(collect(&w), ERR_COLLECTION);
        CHECK_EQ(w.seen, r->seen);
        CHECK(strstr(w.t.cx.err.text, "scripted"));
        test_ctx_done(&w.t);
    }
}

TEST(a_cancel_between_pages_ends_it) {
    World w;
    atomic_bool cancel = true;
    begin(&w);
    w.answer = ERR_STORAGE;
    CHECK_EQ(collect(&w), ERR_STORAGE);
    CHECK_EQ(w.seen, 1);
    w.t.cx.cancel = &cancel;
    CHECK_EQ(collect(&w), ERR_CANCELLED);
    CHECK_EQ(w.seen, 1);
    test_ctx_done(&w.t);
}

TEST(closing_nothing_is_fine) {
    CHECK(market_feed_close(NULL) == NULL);
}

TESTS(T(good_pages_pass), T(pages_that_break_the_contract_are_never_seen), T(a_cancel_between_pages_ends_it),
      T(closing_nothing_is_fine))
