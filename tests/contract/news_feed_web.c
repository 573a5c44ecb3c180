/* The contract of news feeds on adapters/feed/web. */

#include "adapters/feed/web.h"
#include "news_feed.h"

static NewsFeed *open_web(Ctx *cx, HttpClient *http) {
    UNUSED(cx);
    return feed_web_open(&(FeedWebOptions){ .http = http });
}

const NewsFeedCase news_feed_case = { .url = STR_INIT("http://news.example/coindesk/rss"), .open = open_web };
