#pragma once

/* ports/sentiment.h - whoever reads a text and says how it sounds.
 *
 * Adapters:  adapters/sentiment/lexicon; trained models come behind the same port.  Used by: services/sentiment.
 * Memory:    results go to cx->arena.  Threads: any.
 *
 * A reader has a name with a version: one article gets one score of each (U23). */

#include "base/ctx.h"
#include "sentiment/result.h"

typedef struct SentimentReader SentimentReader;

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
