#pragma once

/* tests/contract/news_feed.h - what an adapter brings to its contract test. */

#include "ports/http_client.h"
#include "ports/news_feed.h"
#include "test.h"

typedef struct NewsFeedCase {
    Str url; /* of the simulator, for this adapter */
    NewsFeed *(*open)(Ctx *cx, HttpClient *http);
} NewsFeedCase;

extern const NewsFeedCase news_feed_case;
