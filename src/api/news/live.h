#pragma once

/* api/news/live.h - the news role as a source of the live API's channel "news". */

#include "api/live.h"
#include "services/news/news.h"

typedef struct NewsLive { /* lives as long as the source; private */
    NewsService *news;
    LiveNewsEar ear;
    ArticleStoreWatch watch;
} NewsLive;

void news_live_init(NewsLive *l, NewsService *news, LiveNewsSource *out);
