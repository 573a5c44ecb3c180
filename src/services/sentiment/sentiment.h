#pragma once

/* services/sentiment/sentiment.h - reads what is collected and says how it sounds (FLW-07, SEN-05, SEN-11, U23).
 *
 * The service keeps nothing: it hears news_collected, reads the words that the event carries, and tells
 * sentiment_analysis_completed under an id made of the event's and the model's name. Killed anywhere, it does the same
 * again; the news keep the first score of a model.
 *
 * Threads: any. */

#include "base/log.h"
#include "base/metrics.h"
#include "ports/event_bus.h"
#include "ports/sentiment.h"

typedef struct SentimentService SentimentService;

typedef struct SentimentOptions {
    SentimentReader *reader; /* borrowed, as all of these */
    EventBus *bus;           /* NULL: texts are read, no event is answered */
    Logger *log;
    Metrics *metrics;
} SentimentOptions;

enum { SENTIMENT_BATCH_MAX = 100 };

SentimentService *sentiment_service_new(const SentimentOptions *o);
SentimentService *sentiment_service_free(SentimentService *s);
const char *sentiment_model(const SentimentService *s);
const char *sentiment_model_doc(const SentimentService *s);

/* ERR_INVALID: neither title nor body. */
int sentiment_analyze(SentimentService *s, Ctx *cx, const SentimentText *t, SentimentResult *out);

/* An EventHandler of news_collected; arg is the service. */
int sentiment_on_news(void *service, Ctx *cx, const Delivery *d);
