#pragma once

/* tests/torture/news_chain.h - the real chain of FLW-07, killed again and again: articles are collected into news.db with
 * their events in the commit (outbox), the relay tells them, the sentiment service reads them and answers, the news hear
 * the answer and store one score an article and model, and say the collection's last word, which a queue of ours keeps.
 *
 * Every part is the product's: services/news, services/sentiment, services/events, adapters/article, adapters/bus. Ours are
 * the feed, whose articles are numbered, and some poison: events that a consumer must refuse.
 *
 * In the end, whatever was killed: every article that was acknowledged is stored, has exactly one score, the one that its
 * words deserve, was told of in exactly one collection's last word; every poison is a dead letter with its reason, and
 * nothing else is. */

#include "base/ctx.h"
#include "ports/event_bus.h"

enum { NEWS_PART_NEWS = 1, NEWS_PART_SENTIMENT = 2, NEWS_PARTS = 3 };

typedef struct NewsChainStats {
    int64_t kills[NEWS_PARTS + 1]; /* by the parts that the process had: NEWS_PARTS = it had all, and the log */
    int64_t broker_kills, cuts, lost_sectors;
    int64_t answers_lost;     /* a call did what it should and its answer was lost: the part died of it */
    int64_t articles, stored; /* acknowledged; all */
    int64_t scored, jobs;     /* scores stored; collections with a last word */
    int64_t again;            /* deliveries of what had been delivered before */
    int64_t poison, dead;     /* dead: letters, repetitions included */
    int64_t lost, doubled;    /* what must be 0 */
} NewsChainStats;

typedef struct NewsChainBus {
    const char *name;
    int (*open)(void *arg, Ctx *cx, const char *dir, const char *vfs, EventBus **out);
    /* A broker of its own: parts are processes of their own then. NULL: the bus lives in the process that uses it. */
    void (*kill)(void *arg);
    bool (*again)(void *arg);
    void *arg;
    int64_t wait_ms; /* how long a message may take to arrive */
} NewsChainBus;

typedef struct NewsChainOptions {
    const NewsChainBus *bus; /* NULL = the embedded log */
    const char *dir;
    uint64_t seed;
    int kills, broker_kills;
    int64_t most_s; /* it fails when it takes longer */
} NewsChainOptions;

/* 0, or -1 with words. */
int news_chain_kills(const NewsChainOptions *o, NewsChainStats *stats, char *words, size_t size);
/* n power cuts at random operations of a simulated disk under the log and news.db. */
int news_chain_cuts(uint64_t seed, int n, NewsChainStats *stats, char *words, size_t size);
