/* ports/news_feed.c - the checking wrapper around every news feed.
 *
 * Arguments are the caller's duty and asserted; what an adapter promises of its outcome is checked here once. */

#include "ports/news_feed.h"

int news_feed_fetch(NewsFeed *f, Ctx *cx, const NewsFeedState *was, NewsFeedResult *out) {
    assert(f && was && out && was->url.n);
    int r = ctx_check(cx);
    if (r)
        return r;
    NewsFeedResult got = { .next = *was };
    r = f->ops->fetch(f, cx, was, &got);
    assert(r <= NEWS_FEED_EARLY);
    if (r < 0)
        return r;
    assert(got.next.url.n && (r != NEWS_FEED_EARLY || got.wait_ms > 0) && (r == 0 || got.feed.n_items == 0));
    *out = got;
    return r;
}

bool news_feed_simulated(NewsFeed *f) {
    return f->ops->simulated(f);
}

NewsFeed *news_feed_close(NewsFeed *f) {
    if (f)
        f->ops->close(f);
    return NULL;
}
