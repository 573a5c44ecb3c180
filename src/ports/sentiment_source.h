#pragma once

/* ports/sentiment_source.h - how the news of a symbol sounded lately, for a service that does not keep news.
 *
 * app/ puts the news service of this process behind it, or a caller of the news role's API.
 *
 * Memory: results lie in cx->arena.  Threads: calls may come from any thread. */

#include "base/ctx.h"
#include "core/series.h"

typedef struct SentimentSource SentimentSource;

enum { SENTIMENT_NONE = 1 }; /* no scored article in the range */

typedef struct SentimentNow {
    double score;       /* mean of the articles', -1 .. 1 */
    int64_t n_articles; /* scored ones */
    Time newest;        /* published */
} SentimentNow;

typedef struct SentimentSourceOps {
    const char *name;
    /* Articles about the symbol published in [from, to). 0, SENTIMENT_NONE or ErrCode. */
    int (*get)(SentimentSource *s, Ctx *cx, Symbol symbol, Time from, Time to, SentimentNow *out);
} SentimentSourceOps;

struct SentimentSource {
    const SentimentSourceOps *ops;
};

static inline int sentiment_source_get(SentimentSource *s, Ctx *cx, Symbol symbol, Time from, Time to,
                                       SentimentNow *out) {
    *out = (SentimentNow){ 0 };
    int r = ctx_check(cx);
    return r ? r : s->ops->get(s, cx, symbol, from, to, out);
}
