#pragma once

/* api/news/news_api.h - the operations of the news role (NWS-01..03, NWS-19). The role object is a NewsService. */

#include "api/news/shapes.h"

extern const OpTable news_api;

extern const Op op_news_retain;
extern const Op op_news_list, op_news_search, op_news_get, op_news_collect, op_news_sources, op_news_status,
    op_news_copies, op_news_scores, op_news_web, op_news_remove;
