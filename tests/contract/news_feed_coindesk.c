/* The contract of news feeds on adapters/feed/coindesk. */

#include "adapters/feed/coindesk.h"
#include "news_feed.h"

static NewsFeed *open_coindesk(Ctx *cx, HttpClient *http) {
    NewsFeed *feed = NULL;
    CHECK_OK_PLAIN(cx, feed_coindesk_open(cx, &(FeedCoindeskOptions){ .http = http, .key = S("k-1234") }, &feed));
    return feed;
}

const NewsFeedCase news_feed_case = { .url = STR_INIT("http://api.example/news/v1/article/list?lang=EN"),
                                      .open = open_coindesk };
