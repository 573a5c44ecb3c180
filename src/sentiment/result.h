#pragma once

/* sentiment/result.h - a text that is read for how it sounds, and what a reader says of it. Pure data. */

#include "base/str.h"

enum { SENTIMENT_TEXT_MAX = 400 * 1000, SENTIMENT_WHY_MAX = 24 };

typedef struct SentimentText {
    Str title, body; /* plain text; either may be empty */
} SentimentText;

typedef struct SentimentReason { /* a word or phrase that counted */
    Str words;                   /* as it stands in the text */
    double weight;               /* what it added, after negation and emphasis */
    bool negated, in_title;
} SentimentReason;

typedef struct SentimentResult {
    Str model;                          /* name and version: "lexicon-1" */
    Str label;                          /* "positive", "negative", "neutral" */
    double score;                       /* -1 .. 1 */
    double confidence;                  /* 0 .. 1; no probability unless the model says so */
    double positive, negative, neutral; /* shares, sum 1 */
    SentimentReason *why;               /* the strongest first, at most SENTIMENT_WHY_MAX */
    size_t n_why;
    int64_t n_words, n_hits;
} SentimentResult;
