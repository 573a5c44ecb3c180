/* tests/torture/news_parts.c - see news_parts.h. */

#include "torture/news_parts.h"

#include "adapters/article/sqlite.h"
#include "adapters/bus/log.h"
#include "adapters/sentiment/lexicon.h"
#include "base/json.h"
#include "base/map.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { FEED_MOST = 4, BACKLOG_MOST = 100, QUIET_ROUNDS = 4, SETTLE_MOST_S = 180, START_MS = 1704067200000 };
#define LAST_WORDS S("chain.last_words")

/* --- the feed: article n has the same words whenever it is asked for --- */

static NewsParts *of_feed(NewsFeed *f) {
    return CONTAINER_OF(f, NewsParts, feed);
}

static FeedItem item_of(Ctx *cx, int64_t n) {
    static const char *const who[] = { "Bitcoin", "Ethereum", "The exchange", "The bank", "The miner" };
    static const char *const does[] = { "surges",
                                        "plunges",
                                        "holds steady",
                                        "beats expectations",
                                        "files for bankruptcy",
                                        "is hacked",
                                        "reports record profit" };
    static const char *const why[] = { "after strong earnings", "amid fraud charges", "in quiet trade",
                                       "as regulators warn of losses", "on an upgrade" };
    uint64_t h = (uint64_t)n * UINT64_C(0x9E3779B97F4A7C15);
    Str title = str_fmt(cx->arena, "%s %s %s (%lld)", who[(h >> 20) % ARRAY_LEN(who)],
                        does[(h >> 30) % ARRAY_LEN(does)], why[(h >> 40) % ARRAY_LEN(why)], (long long)n);
    return (FeedItem){ .id = str_fmt(cx->arena, "article-%lld", (long long)n),
                       .url = str_fmt(cx->arena, "https://news.example/%lld", (long long)n),
                       .title = { .value = title },
                       .summary = { .value = str_fmt(cx->arena, "Story number %lld of this feed.", (long long)n) },
                       .has_published = true,
                       .published = time_ms(START_MS - MS_PER_DAY + n * 1000) };
}

static int feed_fetch(NewsFeed *f, Ctx *cx, const NewsFeedState *was, NewsFeedResult *out) {
    NewsParts *p = of_feed(f);
    size_t n = 1 + rng_below(&p->rng, FEED_MOST);
    *out = (NewsFeedResult){ .next = { .url = was->url }, .status = 200 };
    out->feed.items = arena_new_n(cx->arena, FeedItem, n);
    out->feed.n_items = n;
    for (size_t i = 0; i < n; i++)
        out->feed.items[i] = item_of(cx, p->last + 1 + (int64_t)i);
    return 0;
}

static bool feed_simulated(NewsFeed *f) {
    UNUSED(f);
    return false;
}

static void feed_close(NewsFeed *f) {
    UNUSED(f);
}

static const NewsFeedOps feed_ops = {
    .name = "numbered", .fetch = feed_fetch, .simulated = feed_simulated, .close = feed_close
};
static const NewsSource source = { .name = STR_INIT("wire"), .url = STR_INIT("https://news.example/feed") };

/* --- opening --- */

static int open_log(void *arg, Ctx *cx, const char *dir, const char *vfs, EventBus **out) {
    UNUSED(arg);
    EventLogOptions o = { .path = str_cz(cx->arena, str_fmt(cx->arena, "%s/bus.db", dir)), .vfs = vfs };
    return event_log_open(cx, &o, out);
}

static const NewsChainBus embedded = { .name = "log", .open = open_log };

static void heard_commit(void *arg, const ArticleCommit *c) {
    ((NewsLedger *)arg)->score_commits += c->score != NULL;
}

static int open_news(NewsParts *p) {
    ArticleStoreInfo info;
    ArticleSqliteOptions o = { .path = str_cz(p->cx.arena, str_fmt(p->cx.arena, "%s/news.db", p->dir)), .vfs = p->vfs };
    int r = article_sqlite_open(&p->cx, &o, &p->store);
    if (r == 0)
        r = article_store_describe(p->store, &p->cx, &info);
    if (r)
        return r;
    p->last = info.n_articles; /* they are numbered without a hole */
    p->watch = (ArticleStoreWatch){ .heard = heard_commit, .arg = p->ledger };
    article_store_watch(p->store, &p->watch);
    p->feed.ops = &feed_ops;
    p->news = news_service_new(&(NewsOptions){ .store = p->store,
                                               .feed = &p->feed,
                                               .sources = &source,
                                               .n_sources = 1,
                                               .clock = &p->clock.clock,
                                               .ids = &p->ids.ids });
    return 0;
}

int news_parts_open(NewsParts *p, uint64_t seed) {
    p->how = p->how ? p->how : &embedded;
    clock_manual_init(&p->clock, time_ms(START_MS));
    ctx_init(&p->cx, &p->arena, &p->clock.clock);
    ids_seeded_init(&p->ids, seed);
    rng_seed(&p->rng, seed);
    int r = p->how->open(p->how->arg, &p->cx, p->dir, p->vfs, &p->bus);
    if (r)
        return r;
    p->events = event_service_new(&(EventServiceOptions){ .bus = p->bus, .ids = &p->ids.ids });
    if (p->parts & NEWS_PART_SENTIMENT) {
        p->words = sentiment_lexicon_new();
        p->sentiment = sentiment_service_new(&(SentimentOptions){ .reader = p->words, .bus = p->bus });
    }
    return p->parts & NEWS_PART_NEWS ? open_news(p) : 0;
}

static void close_consumers(NewsParts *p) {
    p->reader = event_consumer_close(p->reader);
    p->scorer = event_consumer_close(p->scorer);
}

void news_parts_close(NewsParts *p) {
    news_parts_fear(p, false);
    close_consumers(p);
    p->events = event_service_free(p->events);
    p->sentiment = sentiment_service_free(p->sentiment);
    p->words = sentiment_close(p->words);
    p->bus = event_bus_close(p->bus);
    if (p->news)
        article_store_unwatch(p->store, &p->watch);
    p->news = news_service_free(p->news);
    p->store = article_store_close(p->store);
    p->declared = false;
    arena_reset(&p->arena);
}

/* --- consuming --- */

static int on_news(void *arg, Ctx *cx, const Delivery *d) {
    NewsParts *p = arg;
    p->ledger->stats.again += d->again;
    return sentiment_on_news(p->sentiment, cx, d);
}

static int on_score(void *arg, Ctx *cx, const Delivery *d) {
    NewsParts *p = arg;
    p->ledger->stats.again += d->again;
    return news_on_sentiment(p->news, cx, d);
}

/* Keeps the last words until somebody reads them at the end. */
static int declare_last_words(NewsParts *p) {
    static const BusQueue queue = { .name = STR_INIT("chain.last_words") };
    static const BusBinding binding = { STR_INIT("finsight.events"), STR_INIT("chain.last_words"), false,
                                        STR_INIT("news_collection_completed.*") };
    if (!event_service_connect(p->events, &p->cx))
        return p->cx.err.code;
    int r = event_bus_declare(p->bus, &p->cx,
                              &(BusTopology){ .queues = &queue, .n_queues = 1, .bindings = &binding, .n_bindings = 1 });
    p->declared = r == 0;
    return r;
}

static int open_consumers(NewsParts *p) {
    int r = p->declared ? 0 : declare_last_words(p);
    p->scorer_route = (EventRoute){ "news_collected", on_news, p };
    p->reader_route = (EventRoute){ "sentiment_analysis_completed", on_score, p };
    if (r == 0 && (p->parts & NEWS_PART_SENTIMENT) && !p->scorer)
        r = event_consumer_open(p->events, &p->cx,
                                &(ConsumerOptions){ .queue = S("sentiment_analysis_queue"),
                                                    .name = S("sentiment"),
                                                    .routes = &p->scorer_route,
                                                    .n_routes = 1 },
                                &p->scorer);
    if (r == 0 && (p->parts & NEWS_PART_NEWS) && !p->reader)
        r = event_consumer_open(
            p->events, &p->cx,
            &(ConsumerOptions){
                .queue = S("news_processing_queue"), .name = S("news"), .routes = &p->reader_route, .n_routes = 1 },
            &p->reader);
    return r;
}

static int consume(NewsParts *p, EventConsumer *c, int64_t wait_ms, size_t *did) {
    ConsumedEvents got = { 0 };
    int r = event_consume(c, &p->cx, wait_ms, &got);
    *did += got.done + got.dead + got.later;
    return r == BUS_EMPTY ? 0 : r;
}

/* --- publishing --- */

/* Acknowledged: news_collect came back. What it said is written down where a kill does not reach. */
static int collect(NewsParts *p, size_t *did) {
    NewsLedger *l = p->ledger;
    NewsCollected got;
    int64_t waiting;
    int r = outbox_depth(article_store_outbox(p->store), &p->cx, &waiting);
    if (r || waiting >= BACKLOG_MOST || l->n_jobs == JOBS_MAX)
        return r;
    r = news_collect(p->news, &p->cx, &(NewsCollect){ .force = true }, &got);
    if (r)
        return r;
    p->last += got.n_articles;
    memcpy(l->jobs[l->n_jobs], got.job_id.p, UUID_TEXT);
    l->n_jobs++;
    l->acknowledged = p->last;
    ++*did;
    return 0;
}

/* An event that the sentiment service must refuse (it names no article), or one that the news must. */
static int poison(NewsParts *p, size_t *did) {
    NewsLedger *l = p->ledger;
    if (l->n_poison == POISON_MAX)
        return 0;
    int64_t n = l->n_poison++;
    bool for_news = n % 2;
    OutboxRow row = { .exchange = BUS_EVENTS,
                      .event = {
                          .id = str_fmt(p->cx.arena, "poison:%lld", (long long)n),
                          .type = for_news ? S("sentiment_analysis_completed") : S("news_collected"),
                          .source = for_news ? S("sentiment") : S("news"),
                          .version = 1,
                          .at = clock_wall(p->cx.clock),
                          .body = for_news ? S("{\"articles_count\":1,\"model\":\"none\",\"results\":[{\"id\":\"x\"}]}")
                                           : S("{\"articles_count\":1,\"source\":\"wire\",\"collection_time\":"
                                               "\"2024-01-01T00:00:00Z\",\"articles\":[{\"title\":\"x\"}]}") } };
    row.routing_key = event_routing_key(p->cx.arena, &row.event);
    int r = outbox_put(article_store_outbox(p->store), &p->cx, &row, 1);
    l->poison[n] = r == 0;
    ++*did;
    return r;
}

static int relay(NewsParts *p, size_t *did) {
    size_t n;
    int r = event_relay(p->events, &p->cx, article_store_outbox(p->store), &n);
    *did += n;
    return r == BUS_EMPTY ? 0 : r;
}

/* --- a step --- */

static int lose(void *arg, Ctx *cx, const char *point) {
    NewsParts *p = arg;
    if (!rng_chance(&p->rng, p->how->kill ? 0.001 : 0.01)) /* a broker's connections take their time to come back */
        return 0;
    p->ledger->stats.answers_lost++;
    return err_set(cx, ERR_UNAVAILABLE, "lost at %s", point);
}

void news_parts_fear(NewsParts *p, bool on) {
    if (p->bus)
        event_bus_set_fault(p->bus, on ? lose : NULL, p);
}

static int some_work(NewsParts *p, size_t *did) {
    enum { WAIT_MS = 2 };
    int64_t wait = p->how->wait_ms ? WAIT_MS : 0;
    unsigned what = (unsigned)rng_below(&p->rng, 64);
    if (p->scorer && (!p->news || what % 4 == 3))
        return consume(p, p->scorer, wait, did);
    if (what == 0)
        return poison(p, did);
    return what % 4 == 0 ? collect(p, did) : what % 4 == 1 ? relay(p, did) : consume(p, p->reader, wait, did);
}

/* What passes by itself when the broker is back, or is a death of ours. */
static bool passes(int r) {
    return r == ERR_UNAVAILABLE || r == ERR_TIMEOUT;
}

int news_parts_step(NewsParts *p, bool *idle) {
    size_t did = 0;
    ArenaMark mark = arena_mark(&p->arena);
    clock_manual_advance_ms(&p->clock, 1);
    int r = open_consumers(p);
    if (r == 0)
        r = some_work(p, &did);
    p->away = passes(r);
    if (p->away) {
        bool careful = p->bus->fault != NULL;
        news_parts_fear(p, false);
        close_consumers(p);
        news_parts_fear(p, careful);
    }
    arena_rewind(&p->arena, mark);
    *idle = did == 0;
    if (r == 0)
        atomic_fetch_add(&p->ledger->steps[p->parts], 1);
    return p->away ? 0 : r;
}

/* --- the end --- */

static int64_t now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Until nothing has moved for a while and every article has its score. */
static int settle(NewsParts *p) {
    ArticleStoreInfo info = { 0 };
    int64_t until = now_s() + SETTLE_MOST_S;
    for (int quiet = 0;
         quiet < QUIET_ROUNDS || (info.n_scored < info.n_articles && now_s() < until - SETTLE_MOST_S / 2);) {
        size_t did = 0;
        ArenaMark mark = arena_mark(&p->arena);
        clock_manual_advance_ms(&p->clock, 1);
        int r = open_consumers(p);
        r = r ? r : relay(p, &did);
        r = r ? r : consume(p, p->scorer, p->how->wait_ms, &did);
        r = r ? r : consume(p, p->reader, p->how->wait_ms, &did);
        r = r ? r : article_store_describe(p->store, &p->cx, &info);
        if (r && !passes(r))
            return r;
        if (r)
            close_consumers(p);
        arena_rewind(&p->arena, mark);
        quiet = r || did ? 0 : quiet + 1;
        if (now_s() > until)
            return err_set(&p->cx, ERR_TIMEOUT, "the chain does not come to rest in %d s", SETTLE_MOST_S);
    }
    return 0;
}

/* Stored, and one score: the one its words deserve. */
static int judge_article(NewsParts *p, int64_t n) {
    NewsChainStats *s = &p->ledger->stats;
    ArticleHit hit;
    ArticleSentiment *v;
    SentimentResult want;
    size_t n_scores;
    char id[ARTICLE_ID_SIZE];
    Article a = { .url = str_fmt(&p->arena, "https://news.example/%lld", (long long)n) };
    article_id(&a, id);
    int r = article_store_get(p->store, &p->cx, str_n(id, sizeof id), &hit);
    if (r == ARTICLE_NO_SUCH) {
        s->lost++;
        return 0;
    }
    if (r == 0)
        r = article_store_scores(p->store, &p->cx, hit.article.id, &v, &n_scores);
    SentimentText text = { hit.article.title, hit.article.text.n ? hit.article.text : hit.article.summary };
    if (r == 0)
        r = sentiment_read(p->words, &p->cx, &text, &want);
    if (r)
        return r;
    bool right = n_scores > 0 && str_eq(v[0].label, want.label) && fabs(v[0].score - want.score) < 1e-12;
    s->scored += (int64_t)n_scores;
    s->lost += !right;
    s->doubled += n_scores > 1;
    return 0;
}

static int judge_articles(NewsParts *p) {
    NewsChainStats *s = &p->ledger->stats;
    ArticleStoreInfo info;
    int r = article_store_describe(p->store, &p->cx, &info);
    if (r)
        return r;
    s->articles = p->ledger->acknowledged;
    s->stored = info.n_articles;
    s->doubled += MAX(p->ledger->score_commits - info.n_articles, INT64_C(0));
    for (int64_t n = 1; r == 0 && n <= MAX(s->articles, s->stored); n++) {
        ArenaMark mark = arena_mark(&p->arena);
        r = judge_article(p, n);
        arena_rewind(&p->arena, mark);
    }
    return r ? r : article_store_verify(p->store, &p->cx);
}

typedef struct LastWords {
    Map jobs; /* job -> the event's id: one, however often it was heard */
    Arena texts;
    int64_t articles;
} LastWords;

static int hear_last_word(LastWords *w, Ctx *cx, NewsChainStats *s, const Event *e) {
    Str job, *id;
    int64_t count = 0;
    JsonReader r;
    Str key;
    if (!event_body_text(cx->arena, e->body, S("job_id"), &job))
        return err_set(cx, ERR_INVALID, "a last word without a job");
    json_reader_init(&r, e->body, cx->arena, 4);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0)
        if (str_eq(key, S("articles_count")))
            json_read_i64(&r, &count);
        else
            json_skip(&r);
    if ((id = map_get(&w->jobs, job))) {
        s->doubled += !str_eq(*id, e->id);
        return 0;
    }
    id = arena_new(&w->texts, Str);
    *id = str_dup(&w->texts, e->id);
    map_put(&w->jobs, str_dup(&w->texts, job), id);
    w->articles += count;
    s->jobs++;
    return 0;
}

static int hear_last_words(NewsParts *p, LastWords *w) {
    Subscription *sub;
    int r = event_bus_subscribe(p->bus, &p->cx, &(SubscribeOptions){ .queue = LAST_WORDS, .prefetch = 1000 }, &sub);
    if (r)
        return r;
    for (int quiet = 0; r == 0 && quiet < QUIET_ROUNDS;) {
        Delivery *v;
        size_t n = 0;
        ArenaMark mark = arena_mark(&p->arena);
        r = event_bus_receive(sub, &p->cx, p->how->wait_ms, &v, 1000, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
            r = hear_last_word(w, &p->cx, &p->ledger->stats, &v[i].event);
            r = r ? r : MIN(event_bus_ack(sub, &p->cx, v[i].tag), 0);
        }
        quiet = n ? 0 : quiet + 1;
        r = r == BUS_EMPTY ? 0 : r;
        arena_rewind(&p->arena, mark);
    }
    event_bus_unsubscribe(sub);
    return r;
}

/* Every collection that was acknowledged has had its last word, and those words together speak of every article once. */
static int judge_jobs(NewsParts *p) {
    LastWords w = { 0 };
    NewsChainStats *s = &p->ledger->stats;
    int r = hear_last_words(p, &w);
    for (int64_t i = 0; r == 0 && i < p->ledger->n_jobs; i++)
        s->lost += !map_get(&w.jobs, str_n(p->ledger->jobs[i], UUID_TEXT));
    s->lost += MAX(s->stored - w.articles, INT64_C(0));
    s->doubled += MAX(w.articles - s->stored, INT64_C(0));
    map_done(&w.jobs);
    arena_done(&w.texts);
    return r;
}

/* A good event among the dead is a lost one. */
static int judge_dead(NewsParts *p) {
    NewsChainStats *s = &p->ledger->stats;
    bool *seen = arena_new_n(&p->arena, bool, POISON_MAX);
    Str after = S("");
    DeadLetter *v;
    size_t n = 1;
    int r = 0;
    while (r == 0 && n > 0) {
        r = event_bus_dead_list(p->bus, &p->cx, BUS_DEAD_QUEUE, after, 1000, &v, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
            int64_t at = -1;
            bool ours = str_starts(v[i].event.id, S("poison:")) && str_to_i64(str_from(v[i].event.id, 7), &at) &&
                        at >= 0 && at < p->ledger->n_poison;
            Str want = at % 2 ? S("makes no sense") : S("has no id");
            s->dead++;
            if (ours && str_eq(v[i].death.reason, S("rejected")) && str_find(v[i].death.detail, want) >= 0)
                seen[at] = true;
            else {
                s->lost++;
                snprintf(p->why, sizeof p->why, "; among the dead: " STR_FMT " (" STR_FMT ": " STR_FMT ")",
                         STR_ARG(str_first(v[i].event.id, 100)), STR_ARG(v[i].death.reason),
                         STR_ARG(str_first(v[i].death.detail, 150)));
            }
            after = v[i].handle;
        }
    }
    for (int64_t i = 0; r == 0 && i < p->ledger->n_poison; i++) {
        s->poison += p->ledger->poison[i];
        s->lost += p->ledger->poison[i] && !seen[i];
    }
    return r;
}

int news_parts_judge(NewsParts *p, char *words, size_t size) {
    const NewsChainStats *s = &p->ledger->stats;
    news_parts_fear(p, false);
    int r = settle(p);
    r = r ? r : judge_articles(p);
    r = r ? r : judge_jobs(p);
    r = r ? r : judge_dead(p);
    if (r)
        snprintf(words, size, "the end: %s", p->cx.err.text);
    else if (s->lost || s->doubled)
        snprintf(words, size, "%lld lost, %lld doubled%s", (long long)s->lost, (long long)s->doubled, p->why);
    return r || s->lost || s->doubled ? -1 : 0;
}
