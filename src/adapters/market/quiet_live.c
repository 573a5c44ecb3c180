/* adapters/market/quiet_live.c - see quiet_live.h. */

#include "adapters/market/quiet_live.h"

#include "base/mem.h"

typedef struct QuietLive {
    LiveFeed feed; /* first */
    LiveFeedOps ops;
    size_t n;
    bool begun;
} QuietLive;

static int quiet_next(LiveFeed *f, Ctx *cx, int64_t wait_ms, LiveEvent **out, size_t *n) {
    QuietLive *q = (QuietLive *)f;
    if (q->begun) {
        clock_sleep_ms(cx->clock, wait_ms);
        return 0;
    }
    q->begun = true;
    *out = arena_new_n(cx->arena, LiveEvent, q->n);
    *n = q->n;
    for (size_t i = 0; i < q->n; i++)
        (*out)[i] = (LiveEvent){ .kind = FEED_RESUMED, .series = i };
    return 0;
}

static void quiet_stats(LiveFeed *f, LiveFeedStats *out) {
    UNUSED(f);
    UNUSED(out);
}

static void quiet_close(LiveFeed *f) {
    mem_free(f);
}

LiveFeed *market_quiet_live_new(const char *venue, size_t n_series) {
    QuietLive *q = mem_new(QuietLive);
    q->ops = (LiveFeedOps){ venue, quiet_next, quiet_stats, quiet_close };
    q->feed.ops = &q->ops;
    q->n = n_series;
    return &q->feed;
}
