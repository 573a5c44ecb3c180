#pragma once

/* app/news.h - the roles news and sentiment of one process: what is configured, opened and put together. */

#include "api/news/live.h"
#include "app/config.h"
#include "base/lane.h"
#include "ports/http_client.h"
#include "services/news/news.h"
#include "services/sentiment/sentiment.h"

struct Platform;

typedef struct NewsRoles { /* NULLs where a role is not hosted */
    Arena keep;            /* texts of the configuration */
    HttpClient *http;
    NewsFeed *feed, *coindesk; /* the latter: CoinDesk's data API; NULL where no source is of it */
    NewsSearch *search;
    ArticleStore *store; /* news.db */
    NewsService *news;
    NewsLive live;
    LiveNewsSource live_source; /* what the gateway's live API hears */
    SentimentReader *reader;
    SentimentService *sentiment;
} NewsRoles;

/* news.sources: NAME=URL, with '-' before the name for one that is collected only when it is named; the documents' two
 * where none is named, nothing for "none". 0 or ERR_USAGE. */
int news_sources_parse(Ctx *cx, const CfgList *list, NewsSource *out, size_t *n);

int platform_open_news(struct Platform *p, Ctx *cx);
void platform_close_news(struct Platform *p);
/* What a backup copies of the role. */
int news_snapshot(void *store, Ctx *cx, SnapshotPiece *piece, void *arg);
