#pragma once

/* api/sentiment/sentiment_api.h - the operations of the sentiment role (SEN-05, SEN-11). The role object is a
 * SentimentService. */

#include "api/op.h"

typedef struct SentimentQuery {
    Str title, text;
} SentimentQuery;

typedef struct SentimentWhy {
    Str words;
    double weight;
    bool negated, in_title;
} SentimentWhy;

typedef struct SentimentAnswer {
    Str model, label;
    double score, confidence, positive, negative, neutral;
    List why; /* SentimentWhy */
    int64_t words, hits;
} SentimentAnswer;

typedef struct SentimentBatch {
    List texts; /* SentimentQuery */
} SentimentBatch;

typedef struct SentimentAnswers {
    int64_t count;
    List results; /* SentimentAnswer */
} SentimentAnswers;

typedef struct SentimentModelRow {
    Str model, doc;
    bool standard;
} SentimentModelRow;
typedef struct SentimentModels {
    int64_t count;
    List models; /* SentimentModelRow */
} SentimentModels;

extern const Shape sentiment_query_shape, sentiment_answer_shape, sentiment_batch_shape, sentiment_answers_shape,
    sentiment_models_shape;
extern const OpTable sentiment_api;
extern const Op op_sentiment_analyze, op_sentiment_batch, op_sentiment_models;
