#pragma once

/* api/news/shapes.h - the records of the news operations and their field tables. */

#include "api/op.h"

typedef struct NewsSentimentRow {
    Str model, label;
    double score, confidence;
    Time analyzed_at;
} NewsSentimentRow;

typedef struct NewsRow { /* the documents' NewsArticle, and what else is known */
    Str id, title, content, summary, source;
    Time published_at;
    Str url;
    List tags, tickers, authors; /* Str */
    Str language, image_url;
    Time collected_at, known_at;
    bool date_estimated, simulated;
    int64_t copies;
    List sentiment; /* NewsSentimentRow: none or the newest */
    double score;
    Str title_marked, snippet;
} NewsRow;

typedef struct NewsListQuery {
    Str q, source, ticker, category, language, sentiment;
    Time start_date, end_date, known_by;
    Str time_range, order;
    bool exact, content, no_simulated;
    int64_t limit, offset;
    Str cursor;
} NewsListQuery;

typedef struct NewsPageOut {
    int64_t count;
    List articles; /* NewsRow */
    int64_t total_count;
    bool total_exact, has_more, newest_only;
    Str next_cursor;
    double search_time_ms;
} NewsPageOut;

typedef struct NewsRef {
    Str id;
} NewsRef;

typedef struct NewsCollectRequest {
    Str source;
    List keywords; /* Str */
    int64_t max_articles;
    Str time_range;
    bool force;
} NewsCollectRequest;

typedef struct NewsSourceRun {
    Str source;
    int64_t items, passed, added, changed, known, near_same;
    bool unchanged, early, gone, simulated;
    Str error;
    int64_t wait_ms, took_ms;
} NewsSourceRun;

typedef struct NewsCollectResponse {
    bool success;
    Str message;
    int64_t articles_collected;
    Str job_id;
    List sources; /* NewsSourceRun */
} NewsCollectResponse;

typedef struct NewsSourceRow {
    Str source, url, language;
    bool enabled, simulated, gone;
    int64_t articles, copies;
    Time newest, asked_at, good_at, next_at;
    int64_t failures;
    Str error;
} NewsSourceRow;

typedef struct NewsSourceList {
    int64_t count;
    List sources; /* NewsSourceRow */
} NewsSourceList;

typedef struct NewsStatus {
    Str status, adapter;
    int64_t articles, copies, scored, bytes, outbox, sources, failing;
    Time newest, last_collected;
} NewsStatus;

typedef struct NewsCopyRow {
    Str source, url, title;
    Time published_at, seen_at;
} NewsCopyRow;
typedef struct NewsCopyList {
    int64_t count;
    List copies; /* NewsCopyRow */
} NewsCopyList;

typedef struct NewsScoreList {
    Str id;
    int64_t count;
    List scores; /* NewsSentimentRow */
} NewsScoreList;

typedef struct NewsWebQuery {
    Str q, topic;
    Time start_date, end_date;
    int64_t limit;
    bool keep;
} NewsWebQuery;

typedef struct NewsRemoved {
    bool success;
    Str message;
} NewsRemoved;

typedef struct NewsRetainRequest {
    Str older_than;
    int64_t keep;
    bool archive, dry_run;
} NewsRetainRequest;

typedef struct NewsRetainResponse {
    bool success;
    Str message;
    int64_t removed, archived, held, left;
} NewsRetainResponse;

extern const Shape news_retain_request_shape, news_retain_response_shape;
extern const Shape news_row_shape, news_list_query_shape, news_search_query_shape, news_page_shape, news_ref_shape,
    news_collect_request_shape, news_collect_response_shape, news_source_list_shape, news_status_shape,
    news_copy_list_shape, news_score_list_shape, news_web_query_shape, news_removed_shape;
