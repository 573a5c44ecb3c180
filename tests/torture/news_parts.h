#pragma once

/* tests/torture/news_parts.h - the parts of the chain of news_chain.h in one process, and the judgement at the end. */

#include "torture/news_chain.h"

#include "base/clock.h"
#include "base/rng.h"
#include "services/events/events.h"
#include "services/news/news.h"
#include "services/sentiment/sentiment.h"

enum { JOBS_MAX = 40000, POISON_MAX = 4000 };

/* What outlives the processes: in memory that they share with who kills them. */
typedef struct NewsLedger {
    NewsChainStats stats;
    atomic_llong steps[NEWS_PARTS + 1]; /* done by the parts of each kind of process */
    int64_t acknowledged;               /* articles */
    int64_t score_commits;
    int64_t n_jobs, n_poison; /* poison: begun */
    char jobs[JOBS_MAX][UUID_TEXT];
    bool poison[POISON_MAX]; /* acknowledged */
} NewsLedger;

typedef struct NewsParts {
    Arena arena;
    ClockManual clock;
    Ctx cx;
    IdsSeeded ids;
    Rng rng;
    unsigned parts;
    const char *dir, *vfs;
    const NewsChainBus *how;
    NewsLedger *ledger;
    NewsFeed feed;
    ArticleStoreWatch watch;
    int64_t last; /* article that is stored */
    ArticleStore *store;
    EventBus *bus;
    EventService *events;
    NewsService *news;
    SentimentReader *words;
    SentimentService *sentiment;
    EventConsumer *reader, *scorer;
    EventRoute reader_route, scorer_route;
    char why[400]; /* something was lost: the last of it */
    bool declared; /* the queue of last words is there */
    bool away;     /* the last step found no broker, or lost an answer */
} NewsParts;

/* The stores and the bus; who consumes is there from the first step on. */
int news_parts_open(NewsParts *p, uint64_t seed);
void news_parts_close(NewsParts *p);
/* Something one of the parts does. A failure that passes (the broker is away, an answer was lost) makes its consumers die
 * and is 0; *idle: it did nothing. */
int news_parts_step(NewsParts *p, bool *idle);
void news_parts_fear(NewsParts *p, bool on); /* lose answers from now on */
/* To rest, then judged: 0, or -1 with words. The ledger's stats have the figures. */
int news_parts_judge(NewsParts *p, char *words, size_t size);
