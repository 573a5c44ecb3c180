#pragma once

/* app/model_source.h - what serving asks, over the services that have it: models of the registry, how the news sounded. */

#include "app/remote.h"
#include "ports/model_source.h"
#include "ports/sentiment_source.h"
#include "services/models/registry.h"
#include "services/news/news.h"

#define MODEL_TAG_SERIES S("finsight.series") /* "BTCUSDT 1h": what a version was taught on */

typedef struct RegisteredModels { /* ports/model_source.h over the registry */
    ModelSource source;           /* first */
    Models *models;
} RegisteredModels;

typedef struct NewsSentiment { /* ports/sentiment_source.h over the news, of this process or another */
    SentimentSource source;    /* first */
    NewsService *news;         /* NULL: asked over HTTP */
    Str address;
    RemoteTrust trust;
} NewsSentiment;

void registered_models_init(RegisteredModels *s, Models *models);
/* news NULL: asked at the address, which outlives the source. */
void news_sentiment_init(NewsSentiment *s, NewsService *news, Str address, const RemoteTrust *trust);
