#pragma once

/* app/kept.h - the caches of a server: memory, Redis where one is configured, and the answers kept in them. */

#include "app/platform.h"
#include "services/cache/answers.h"

typedef struct KeptAnswers {
    Cache *memory, *shared; /* shared NULL: no redis.url */
    Answers *answers;       /* NULL: cache.memory is 0, there is no store here, or its files may be changed by others */
    CandleStore *store;
    Clock *clock;
    CandleStoreWatch watch;
} KeptAnswers;

/* Before other threads use the store. 0, or ErrCode with words; then nothing is open. */
int kept_open(KeptAnswers *k, Ctx *cx, Platform *p);
void kept_close(KeptAnswers *k); /* after they have ended; all-zero is fine */
