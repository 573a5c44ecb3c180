/* ports/live_feed.c - the checking wrapper around every stream: what breaks the contract is left out, not passed on. */

#include "ports/live_feed.h"

#include <math.h>

static bool well_formed(const LiveEvent *e) {
    if (e->kind != FEED_CANDLE)
        return true;
    const Candle *c = &e->candle;
    return isfinite(c->open + c->high + c->low + c->close + c->volume) && !(c->flags & ~CANDLE_FLAGS_ALL);
}

int live_feed_next(LiveFeed *f, Ctx *cx, int64_t wait_ms, LiveEvent **out, size_t *n) {
    assert(f && out && n);
    *n = 0;
    int r = ctx_check(cx);
    if (r == 0)
        r = f->ops->next(f, cx, wait_ms, out, n);
    size_t kept = 0;
    for (size_t i = 0; r == 0 && i < *n; i++)
        if (well_formed(&(*out)[i]))
            (*out)[kept++] = (*out)[i];
    *n = kept;
    return r;
}

void live_feed_stats(LiveFeed *f, LiveFeedStats *out) {
    *out = (LiveFeedStats){ 0 };
    f->ops->stats(f, out);
}

LiveFeed *live_feed_close(LiveFeed *f) {
    if (f)
        f->ops->close(f);
    return NULL;
}
