#pragma once

/* ports/sentiment.h - whoever reads a text and says how it sounds.
 *
 * Adapters:  sentiment/lexicon (pure, of this build); models come behind the same port.  Used by: services/sentiment.
 * Memory:    results go to cx->arena.  Threads: any.
 *
 * A reader has a name with a version: one article gets one score of each (U23). */

#include "base/ctx.h"
#include "core/article.h"

typedef struct SentimentReader SentimentReader;

enum { SENTIMENT_TEXT_MAX = 400 * 1000, SENTIMENT_WHY_MAX = 24 };

typedef struct SentimentText {
    Str title, body; /* plain text; title may be empty */
} SentimentText;

typedef struct SentimentReason { /* a word or phrase that counted */
    Str words;
    double weight; /* what it added, after negation and emphasis */
    bool negated, in_title;
} SentimentReason;

typedef struct SentimentResult {
    Str model;                          /* "lexicon-1" */
    Str label;                          /* "positive", "negative", "neutral" */
    double score;                       /* -1 .. 1 */
    double confidence;                  /* 0 .. 1 */
    double positive, negative, neutral; /* shares, sum 1 */
    SentimentReason *why;               /* the strongest first, at most SENTIMENT_WHY_MAX */
    size_t n_why;
    int64_t n_words, n_hits;
} SentimentResult;

typedef struct SentimentReaderOps {
    const char *name; /* "lexicon-1" */
    const char *doc;
    int (*read)(SentimentReader *r, Ctx *cx, const SentimentText *t, SentimentResult *out);
    void (*close)(SentimentReader *r);
} SentimentReaderOps;

struct SentimentReader {
    const SentimentReaderOps *ops;
};

int sentiment_read(SentimentReader *r, Ctx *cx, const SentimentText *t, SentimentResult *out);
SentimentReader *sentiment_close(SentimentReader *r); /* NULL is fine; returns NULL */
