/* api/news/ops.c - the table of news operations. */

#include "api/news/handlers.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "News"

/* clang-format off */

const Op op_news_list = {
    .name = "news.list", .method = "GET", .path = "/api/v1/news",
    .aliases = PATHS("/api/v1/news/articles", "/news", "/news/list", "/news/articles"),
    .summary = "Articles, newest first", .tag = TAG, .in = &news_list_query_shape, .out = &news_page_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 10000, .idempotent = true, .run = news_api_list };

const Op op_news_search = {
    .name = "news.search", .method = "GET", .path = "/api/v1/news/search", .aliases = PATHS("/api/v1/search", "/search", "/news/search"),
    .summary = "Find articles by their words, best first", .tag = TAG,
    .doc = "Words without signs between them must all be there; \"a phrase\" in this order; begin* finds every word that begins so; OR, "
           "-without, brackets, and title:, summary:, text: before a word. Best is BM25 with titles counting three times, and news for up to "
           "half as much again as what is old. Where more than 20,000 articles match, the 20,000 that were stored last are ranked and the "
           "answer says newest_only; exact=true ranks all.",
    .in = &news_search_query_shape, .out = &news_page_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 10000, .idempotent = true, .run = news_api_search };

const Op op_news_get = {
    .name = "news.get", .method = "GET", .path = "/api/v1/news/{id}", .aliases = PATHS("/api/v1/news/articles/{id}", "/news/{id}"),
    .summary = "One article, whole", .tag = TAG, .doc = "The id of a copy leads to the article that was stored first.",
    .in = &news_ref_shape, .out = &news_row_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = news_api_get };

const Op op_news_collect = {
    .name = "news.collect", .method = "POST", .path = "/api/v1/news/collect", .aliases = PATHS("/news/collect"),
    .summary = "Collect from the sources now", .tag = TAG,
    .doc = "Each source is asked within the rates it and its host allow; one that fails stops no other. New articles are stored once each and told "
           "as news_collected in the same commit. A collection that fails as a whole answers success=false with the reason in message, as the "
           "documents have it; a request that makes no sense is 422 or 404.",
    .in = &news_collect_request_shape, .out = &news_collect_response_shape, .role = ROLE_WRITE,
    .lane = LANE_FEED, .deadline_ms = 300000, .max_body = 64u << 10, .run = news_api_collect };

const Op op_news_sources = {
    .name = "news.sources", .method = "GET", .path = "/api/v1/news/sources", .aliases = PATHS("/news/sources"),
    .summary = "The sources and how they are", .tag = TAG, .out = &news_source_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = news_api_sources };

const Op op_news_status = {
    .name = "news.status", .method = "GET", .path = "/api/v1/news/status", .aliases = PATHS("/news/status"),
    .summary = "Numbers of the news service", .tag = TAG, .out = &news_status_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = news_api_status };

const Op op_news_copies = {
    .name = "news.copies", .method = "GET", .path = "/api/v1/news/{id}/copies",
    .summary = "Where else a story stood", .tag = TAG, .in = &news_ref_shape, .out = &news_copy_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = news_api_copies };

const Op op_news_scores = {
    .name = "news.scores", .method = "GET", .path = "/api/v1/news/{id}/sentiment", .aliases = PATHS("/api/v1/sentiment/article/{id}"),
    .summary = "Every sentiment score of an article", .tag = TAG, .in = &news_ref_shape, .out = &news_score_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = news_api_scores };

const Op op_news_web = {
    .name = "news.web", .method = "POST", .path = "/api/v1/news/search/web", .aliases = PATHS("/search/web"),
    .summary = "Search the web for news (Tavily)", .tag = TAG, .in = &news_web_query_shape, .out = &news_page_shape, .role = ROLE_WRITE,
    .lane = LANE_FEED, .deadline_ms = 120000, .max_body = 8192, .run = news_api_web };

const Op op_news_remove = {
    .name = "news.remove", .method = "DELETE", .path = "/api/v1/news/{id}",
    .summary = "Remove an article", .tag = TAG, .in = &news_ref_shape, .out = &news_removed_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = news_api_remove };

const Op op_news_retain = {
    .name = "news.retain", .method = "POST", .path = "/api/v1/news/retain",
    .summary = "Remove what is too old or too many", .tag = TAG,
    .doc = "The oldest first, with their scores and copies. What an event that is not told yet speaks of stays until it is.",
    .in = &news_retain_request_shape, .out = &news_retain_response_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 600000, .max_body = 4096, .run = news_api_retain };

static const Op *const ops[] = {
    &op_news_list, &op_news_search, &op_news_get, &op_news_collect, &op_news_sources, &op_news_status, &op_news_copies,
    &op_news_scores, &op_news_web, &op_news_remove, &op_news_retain,
};

const OpTable news_api = { .role = "news", .ops = ops, .n_ops = ARRAY_LEN(ops) };
