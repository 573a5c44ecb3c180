#pragma once

/* api/news/handlers.h - handlers of the news operations; inside this folder only. */

#include "api/news/news_api.h"

#include "services/news/news.h"

NewsRow news_api_row(Ctx *cx, const ArticleHit *h); /* lists borrow from the article */

#define HANDLER(name) int name(void *role, Ctx *cx, const void *in, void *out)
HANDLER(news_api_list);
HANDLER(news_api_search);
HANDLER(news_api_get);
HANDLER(news_api_collect);
HANDLER(news_api_sources);
HANDLER(news_api_status);
HANDLER(news_api_copies);
HANDLER(news_api_scores);
HANDLER(news_api_web);
HANDLER(news_api_remove);
HANDLER(news_api_retain);
