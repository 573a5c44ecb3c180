#pragma once

/* services/news/internal.h - inside this folder only. */

#include "services/news/news.h"

#include <pthread.h>

struct NewsService {
    NewsOptions o;
    pthread_mutex_t storing;           /* what is put, and what retention removes, one after the other */
    Counter *collected[ARTICLE_FATES]; /* by fate */
    Counter *failures;
    Counter *scored, *scored_again;
    Histogram *search_s;
};

/* What is kept of a source between collections; one text a source in the store's state. */
typedef struct SourceState {
    NewsFeedState feed;
    Time asked_at, good_at;
    int64_t n_failed; /* in a row */
    Str error;
    bool gone, simulated;
} SourceState;
int source_state_read(NewsService *s, Ctx *cx, const NewsSource *src, SourceState *out);
int source_state_write(NewsService *s, Ctx *cx, const NewsSource *src, const SourceState *st);

/* An item of a feed as an article fit for the store; false: it says nothing. */
bool news_article(Ctx *cx, const NewsSource *src, const Feed *feed, const FeedItem *item, Time now, bool simulated,
                  Article *out);
/* A hit of a web search as one. */
bool news_article_of_hit(Ctx *cx, Str engine, const NewsSearchHit *hit, Time now, bool simulated, Article *out);

/* Does the article pass the filters of a collection? keywords are parsed queries. */
bool news_passes(const NewsCollect *q, const ParsedQuery *keywords, size_t n, const Article *a);

/* Stores articles of one source, oldest first, and tells of them in the same commits. */
int news_store_all(NewsService *s, Ctx *cx, Str source, Str job_id, Article *v, size_t n, NewsSourceResult *out);
