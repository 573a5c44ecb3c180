/* ports/market_feed.c - the checking wrapper around every feed.
 *
 * Arguments are the caller's duty and asserted. What a feed delivers comes from outside: a page that breaks the
 * contract is an error, and the caller's function never sees it. */

#include "ports/market_feed.h"

#include <math.h>

typedef struct Guard { /* between the feed and the caller's function */
    MarketFeed *feed;
    Time to;
    Time seen_to; /* end of the last page's window */
    int64_t n_total;
    FeedPageFn *fn;
    void *arg;
} Guard;

static const char *page_fault(const Guard *g, const FeedPage *page, size_t *row) {
    const Candles *rows = page->rows;
    *row = 0;
    if (page->from.ms > page->to.ms || page->from.ms < g->seen_to.ms || page->to.ms > g->to.ms)
        return "the window of a page is not in order";
    if (page->n_total != g->n_total + (int64_t)rows->n)
        return "the count of rows is wrong";
    for (size_t i = 0; i < rows->n; i++) {
        int64_t t = rows->open_ms[i];
        double sum = rows->open[i] + rows->high[i] + rows->low[i] + rows->close[i] + rows->volume[i];
        *row = i;
        if (t < page->from.ms || t >= page->to.ms)
            return "a candle lies outside of its page's window";
        if (i > 0 && t <= rows->open_ms[i - 1])
            return "candles are not in order";
        if (!isfinite(sum))
            return "a number is not finite";
        if (rows->flags[i] & ~CANDLE_FLAGS_ALL)
            return "a candle has an unknown flag";
    }
    return NULL;
}

static int guard_page(void *arg, Ctx *cx, const FeedPage *page) {
    Guard *g = arg;
    size_t row;
    int r = ctx_check(cx);
    if (r)
        return r;
    const char *fault = page_fault(g, page, &row);
    if (fault)
        return err_set(cx, ERR_COLLECTION, "%s: %s (row %zu of the page from %lld)", g->feed->ops->name, fault, row,
                       (long long)page->from.ms);
    g->seen_to = page->to;
    g->n_total = page->n_total;
    r = g->fn(g->arg, cx, page);
    assert(r <= 0);
    return r;
}

/* Failures of the venue or of the way there; what the caller asked wrongly says nothing of them. */
static int met(MarketFeed *f, Ctx *cx, int r) {
    bool failed = r == ERR_UNAVAILABLE || r == ERR_TIMEOUT || r == ERR_COLLECTION || r == ERR_GATEWAY || r == ERR_LIMIT;
    int64_t now = clock_wall(cx->clock).ms;
    if (failed) {
        atomic_store_explicit(&f->failed_code, r, memory_order_relaxed);
        atomic_store_explicit(&f->failed_ms, now, memory_order_relaxed);
    } else if (r >= 0) {
        atomic_store_explicit(&f->ok_ms, now, memory_order_relaxed);
    }
    return r;
}

void market_feed_seen(MarketFeed *f, FeedSeen *out) {
    *out = (FeedSeen){ { atomic_load_explicit(&f->ok_ms, memory_order_relaxed) },
                       { atomic_load_explicit(&f->failed_ms, memory_order_relaxed) },
                       atomic_load_explicit(&f->failed_code, memory_order_relaxed) };
}

/* NOLINTNEXTLINE(readability-function-size): what, from when to when, and whom to tell; no struct would say it better */
int market_feed_collect(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time from, Time to, FeedPageFn *fn,
                        void *arg) {
    assert(f && fn && symbol.s[0] && tf.unit && from.ms <= to.ms);
    int r = ctx_check(cx);
    if (r || from.ms == to.ms)
        return r;
    Guard g = { .feed = f, .to = to, .seen_to = from, .fn = fn, .arg = arg };
    r = met(f, cx, f->ops->collect(f, cx, symbol, tf, from, to, guard_page, &g));
    assert(r <= FEED_NO_SYMBOL);
    return r;
}

int market_feed_symbols(MarketFeed *f, Ctx *cx, Listing **out, size_t *n) {
    assert(f && out && n);
    int r = ctx_check(cx);
    return r ? r : met(f, cx, f->ops->symbols(f, cx, out, n));
}

int market_feed_timeframes(MarketFeed *f, const Timeframe **out, size_t *n) {
    assert(f && out && n);
    return f->ops->timeframes(f, out, n);
}

int market_feed_first_candle(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out) {
    assert(f && out && symbol.s[0] && tf.unit);
    int r = ctx_check(cx);
    return r ? r : met(f, cx, f->ops->first_candle(f, cx, symbol, tf, out));
}

int market_feed_server_time(MarketFeed *f, Ctx *cx, Time *out) {
    assert(f && out);
    int r = ctx_check(cx);
    return r ? r : met(f, cx, f->ops->server_time(f, cx, out));
}

void market_feed_limits(MarketFeed *f, FeedLimits *out) {
    assert(f && out);
    *out = (FeedLimits){ 0 };
    f->ops->limits(f, out);
}

bool market_feed_simulated(MarketFeed *f) {
    return f->ops->simulated(f);
}

MarketFeed *market_feed_close(MarketFeed *f) {
    if (f)
        f->ops->close(f);
    return NULL;
}
