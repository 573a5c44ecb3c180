/* services/news and services/sentiment with fakes around them (NWS-04, NWS-05, NWS-06, NWS-14, NWS-19, FLW-13, FLW-14, FLW-15,
 * FLW-21, MSG-23, SEN-05, U23). */

#include "adapters/article/memory.h"
#include "adapters/sentiment/lexicon.h"
#include "core/event_schema.h"
#include "lib/test.h"
#include "services/news/news.h"
#include "services/sentiment/sentiment.h"

#define NOW INT64_C(1700000000000)

/* --- a feed that says what it is told to --- */

typedef struct FakeFeed {
    NewsFeed feed; /* first */
    FeedItem items[8];
    size_t n;
    int outcome; /* of the next fetches of a URL that ends in "bad" */
    int asked;
    Str etag_seen;
} FakeFeed;

static int fake_fetch(NewsFeed *f, Ctx *cx, const NewsFeedState *was, NewsFeedResult *out) {
    FakeFeed *fake = (FakeFeed *)f;
    fake->asked++;
    fake->etag_seen = was->etag;
    *out = (NewsFeedResult){ .next = { .url = was->url, .etag = S("\"tag\"") } };
    out->wait_ms = 1500;
    if (str_ends(was->url, S("bad"))) {
        clock_manual_advance_ms((ClockManual *)cx->clock, 250); /* it dawdles */
        return fake->outcome < 0 ? err_set(cx, fake->outcome, "the source is away") : fake->outcome;
    }
    out->feed = (Feed){ .format = FEED_RSS_20, .language = S("en-US"), .items = fake->items, .n_items = fake->n };
    return 0;
}

static bool fake_simulated(NewsFeed *f) {
    UNUSED(f);
    return true;
}

static void fake_close(NewsFeed *f) {
    UNUSED(f);
}

static const NewsFeedOps fake_ops = {
    .name = "fake", .fetch = fake_fetch, .simulated = fake_simulated, .close = fake_close
};

/* --- a bus that keeps what is published --- */

typedef struct FakeBus {
    EventBus bus; /* first */
    Publication last;
    Event event;
    int published;
} FakeBus;

static int fake_publish(EventBus *b, Ctx *cx, const Publication *v, size_t n, int *outcome) {
    FakeBus *f = (FakeBus *)b;
    UNUSED(cx);
    f->last = v[n - 1];
    f->event = *v[n - 1].event;
    f->published += (int)n;
    for (size_t i = 0; i < n; i++)
        outcome[i] = 0;
    return 0;
}

static const EventBusOps bus_ops = { .name = "fake", .publish = fake_publish };

typedef struct Fixture {
    TestCtx t;
    FakeFeed feed;
    FakeBus bus;
    IdsSeeded ids;
    ArticleStore *store;
    NewsService *news;
    SentimentReader *reader;
    SentimentService *sentiment;
} Fixture;

static const NewsSource sources[] = {
    { .name = STR_INIT("good"), .url = STR_INIT("https://x.example/good"), .language = STR_INIT("en") },
    { .name = STR_INIT("bad"), .url = STR_INIT("https://x.example/bad") },
    { .name = STR_INIT("quiet"), .url = STR_INIT("https://x.example/quiet"), .off = true },
};

static void begin(Fixture *f) {
    *f = (Fixture){ .feed = { .feed = { &fake_ops } }, .bus = { .bus = { .ops = &bus_ops } } };
    test_ctx_init(&f->t);
    clock_manual_set_wall(&f->t.clock, time_ms(NOW));
    ids_seeded_init(&f->ids, 1);
    f->store = article_memory_new();
    f->news = news_service_new(&(NewsOptions){ .store = f->store,
                                               .feed = &f->feed.feed,
                                               .sources = sources,
                                               .n_sources = ARRAY_LEN(sources),
                                               .clock = &f->t.clock.clock,
                                               .ids = &f->ids.ids,
                                               .near_same = true });
    f->reader = sentiment_lexicon_new();
    f->sentiment = sentiment_service_new(&(SentimentOptions){ .reader = f->reader, .bus = &f->bus.bus });
}

static void end(Fixture *f) {
    news_service_free(f->news);
    sentiment_service_free(f->sentiment);
    sentiment_close(f->reader);
    article_store_close(f->store);
    test_ctx_done(&f->t);
}

static void add(Fixture *f, const char *url, const char *title, int64_t hours_ago) {
    f->feed.items[f->feed.n++] = (FeedItem){ .url = str_c(url),
                                             .title = { .value = str_c(title) },
                                             .summary = { .value = S("words of the summary") },
                                             .has_published = hours_ago >= 0,
                                             .published = time_ms(NOW - hours_ago * MS_PER_HOUR) };
}

static NewsCollected collect(Fixture *f, NewsCollect q) {
    NewsCollected out;
    CHECK_OK_PLAIN(&f->t.cx, news_collect(f->news, &f->t.cx, &q, &out));
    return out;
}

TEST(a_collection_stores_tells_and_answers_as_the_documents_have_it) {
    Fixture f;
    begin(&f);
    add(&f, "https://x.example/1?utm_source=rss", "Bitcoin surges", 1);
    add(&f, "https://x.example/2", "Exchange goes bankrupt", 2);
    NewsCollected c = collect(&f, (NewsCollect){ .source = S("good") });
    CHECK_EQ(c.n_articles, 2);
    CHECK_STR(c.message, S("Collected 2 articles"));
    CHECK(uuid_valid(c.job_id) && c.job_id.p[14] == '4');
    CHECK(c.sources[0].simulated);
    OutboxRow *rows;
    size_t n;
    CHECK_OK(&f.t.cx, outbox_take(article_store_outbox(f.store), &f.t.cx, &rows, 10, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(rows[0].event.type, S("news_collected"));
    CHECK_STR(rows[0].routing_key, S("news_collected.news"));
    CHECK_STR(rows[0].exchange, BUS_EVENTS);
    SchemaFault why;
    CHECK_EQ(event_schema_publish(&f.t.arena, &event_schemas, rows[0].event.type, 1, rows[0].event.body, &why), 0);
    NewsQuery all = { .filter = { .from = TIME_MIN, .to = TIME_MAX, .known_by = TIME_MAX }, .limit = 10 };
    NewsPage page;
    CHECK_OK(&f.t.cx, news_find(f.news, &f.t.cx, &all, &page));
    CHECK_EQ(page.page.n, 2);
    CHECK_STR(page.page.v[0].article.url, S("https://x.example/1"));
    CHECK_STR(page.page.v[0].article.language, S("en"));
    CHECK(page.page.v[0].article.simulated);
    CHECK(page.took_ms > 0);
    end(&f);
}

TEST(filters_stand_on_both_sides_of_their_bounds) {
    Fixture f;
    begin(&f);
    Time from, to;
    CHECK_OK(&f.t.cx, news_time_range(&f.t.cx, S("24h"), time_ms(NOW), &from, &to));
    add(&f, "https://x.example/in", "Exactly a day ago", 24);
    add(&f, "https://x.example/out", "An hour more", 25);
    add(&f, "https://x.example/word", "A rate cut, they say", 1);
    CHECK_EQ(collect(&f, (NewsCollect){ .source = S("good"), .from = from, .to = to }).n_articles, 2);
    Str words[] = { S("RATE CUT") };
    NewsCollected c = collect(&f, (NewsCollect){ .source = S("good"), .keywords = { words, 1 } });
    CHECK_EQ(c.sources[0].n_passed, 1);
    CHECK_EQ(f.feed.etag_seen.n, 0); /* what filters left out may come later */
    CHECK_EQ(collect(&f, (NewsCollect){ .source = S("good"), .max_articles = 1 }).sources[0].n_known,
             1);                                                               /* the newest */
    CHECK_EQ(collect(&f, (NewsCollect){ .source = S("good") }).n_articles, 1); /* the one left out */
    collect(&f, (NewsCollect){ .source = S("good") });
    CHECK_STR(f.feed.etag_seen, S("\"tag\""));
    static const char *const bad[] = { "soon", "0h", "-1d", "99999999999d", "1" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_EQ(news_time_range(&f.t.cx, str_c(bad[i]), time_ms(NOW), &from, &to), ERR_INVALID);
    Str quoted[] = { S("a\"b") };
    NewsCollected out;
    CHECK_EQ(news_collect(f.news, &f.t.cx, &(NewsCollect){ .source = S("good"), .keywords = { quoted, 1 } }, &out),
             ERR_INVALID);
    end(&f);
}

TEST(dates_that_cannot_be_are_estimated) {
    Fixture f;
    begin(&f);
    add(&f, "https://x.example/none", "No date", -1);
    add(&f, "https://x.example/ahead", "Two days ahead", -1);
    f.feed.items[1].has_published = true;
    f.feed.items[1].published = time_ms(NOW + 2 * (int64_t)MS_PER_DAY);
    collect(&f, (NewsCollect){ .source = S("good") });
    Article *v;
    size_t n;
    CHECK_OK(&f.t.cx, article_store_changes(f.store, &f.t.cx, 0, 10, &v, &n));
    CHECK_EQ(n, 2);
    for (size_t i = 0; i < n; i++)
        CHECK(v[i].date_estimated && v[i].published.ms == NOW);
    end(&f);
}

TEST(one_source_that_fails_stops_no_other) {
    Fixture f;
    begin(&f);
    add(&f, "https://x.example/1", "Good one", 1);
    f.feed.outcome = ERR_UNAVAILABLE;
    NewsCollected c = collect(&f, (NewsCollect){ .source = S("all") });
    CHECK_EQ(c.n_sources, 2); /* the one that is off is not asked */
    CHECK_EQ(c.n_articles, 1);
    CHECK_EQ(c.n_failed, 1);
    CHECK_EQ(c.sources[1].code, ERR_UNAVAILABLE);
    CHECK_EQ((int64_t)c.sources[1].took_ms, 250); /* told of failures too */
    NewsCollected out;
    CHECK_EQ(news_collect(f.news, &f.t.cx, &(NewsCollect){ .source = S("bad") }, &out), ERR_UNAVAILABLE);
    CHECK_EQ(news_collect(f.news, &f.t.cx, &(NewsCollect){ .source = S("goood") }, &out), ERR_NOT_FOUND);
    CHECK(strstr(f.t.cx.err.text, "good") != NULL);
    NewsSourceStatus *v;
    size_t n;
    CHECK_OK(&f.t.cx, news_sources(f.news, &f.t.cx, &v, &n));
    CHECK_EQ(n, 3);
    CHECK_EQ(v[1].n_failed, 2);
    CHECK_STR(v[1].error, S("the source is away"));
    f.feed.outcome = NEWS_FEED_GONE;
    collect(&f, (NewsCollect){ .source = S("bad") });
    CHECK_OK(&f.t.cx, news_sources(f.news, &f.t.cx, &v, &n));
    CHECK(v[1].gone && v[1].n_failed == 0);
    f.feed.outcome = ERR_UNAVAILABLE; /* what is gone is asked no more, unless somebody insists */
    c = collect(&f, (NewsCollect){ .source = S("all") });
    CHECK_EQ(c.n_failed, 0);
    CHECK(c.sources[1].gone);
    CHECK_EQ(news_collect(f.news, &f.t.cx, &(NewsCollect){ .source = S("bad"), .force = true }, &out), ERR_UNAVAILABLE);
    f.feed.outcome = NEWS_FEED_EARLY;
    CHECK_OK(&f.t.cx, news_sources(f.news, &f.t.cx, &v, &n));
    CHECK(!v[1].gone);
    c = collect(&f, (NewsCollect){ .source = S("bad") });
    CHECK(c.sources[0].early);
    CHECK_EQ(c.sources[0].wait_ms, 1500);
    end(&f);
}

/* The chain by hand: what one service tells is what the other hears. */
TEST(what_is_collected_is_scored_once_however_often_events_come) {
    Fixture f;
    begin(&f);
    add(&f, "https://x.example/1", "Bitcoin surges to record high", 1);
    add(&f, "https://x.example/2", "Exchange files for bankruptcy", 2);
    NewsCollected c = collect(&f, (NewsCollect){ .source = S("good") });
    Outbox *box = article_store_outbox(f.store);
    OutboxRow *rows;
    size_t n;
    CHECK_OK(&f.t.cx, outbox_take(box, &f.t.cx, &rows, 10, &n));
    CHECK_OK(&f.t.cx, outbox_done(box, &f.t.cx, rows[n - 1].number));
    Delivery told = { .event = rows[0].event, .exchange = rows[0].exchange, .routing_key = rows[0].routing_key };
    CHECK_OK(&f.t.cx, sentiment_on_news(f.sentiment, &f.t.cx, &told));
    Str first_id = f.bus.event.id, body = f.bus.event.body;
    SchemaFault why;
    CHECK_EQ(event_schema_publish(&f.t.arena, &event_schemas, f.bus.event.type, 1, body, &why), 0);
    CHECK_STR(f.bus.last.routing_key, S("sentiment_analysis_completed.sentiment"));
    CHECK_OK(&f.t.cx, sentiment_on_news(f.sentiment, &f.t.cx, &told));
    CHECK_STR(f.bus.event.id, first_id); /* told again, it is the same event */
    CHECK_STR(f.bus.event.body, body);
    Delivery scored = { .event = f.bus.event };
    for (int i = 0; i < 3; i++)
        CHECK_OK(&f.t.cx, news_on_sentiment(f.news, &f.t.cx, &scored));
    ArticleStoreInfo info;
    CHECK_OK(&f.t.cx, article_store_describe(f.store, &f.t.cx, &info));
    CHECK_EQ(info.n_scored, 2);
    Article *v;
    CHECK_OK(&f.t.cx, article_store_changes(f.store, &f.t.cx, 0, 10, &v, &n));
    for (size_t i = 0; i < n; i++)
        CHECK_STR(v[i].sentiment.label, str_starts(v[i].title, S("Bitcoin")) ? S("positive") : S("negative"));
    CHECK_OK(&f.t.cx, outbox_take(box, &f.t.cx, &rows, 10, &n));
    CHECK_EQ(n, 3); /* the last word, once each time it was heard, under one id */
    CHECK_STR(rows[0].event.type, S("news_collection_completed"));
    CHECK_STR(rows[1].event.id, rows[0].event.id);
    CHECK_EQ(event_schema_publish(&f.t.arena, &event_schemas, rows[0].event.type, 1, rows[0].event.body, &why), 0);
    CHECK(str_find(rows[0].event.body, c.job_id) > 0);
    end(&f);
}

TEST(scores_that_make_no_sense_are_refused_and_unknown_articles_are_passed_over) {
    static const struct {
        const char *name, *results;
        int want;
    } rows[] = {
        { "unknown article",
          "[{\"id\":\"00000000000000000000000000000000\",\"label\":\"neutral\",\"score\":0,\"confidence\":0}]", 0 },
        { "no id", "[{\"label\":\"neutral\",\"score\":0,\"confidence\":0}]", ERR_INVALID },
        { "no such label",
          "[{\"id\":\"00000000000000000000000000000000\",\"label\":\"meh\",\"score\":0,\"confidence\":0}]",
          ERR_INVALID },
        { "a score outside",
          "[{\"id\":\"00000000000000000000000000000000\",\"label\":\"neutral\",\"score\":1.1,\"confidence\":0}]",
          ERR_INVALID },
        { "not a list", "{\"a\":1}", ERR_INVALID },
        { "none", "[]", 0 },
    };
    Fixture f;
    begin(&f);
    EACH_ROW (r, rows) {
        Delivery d = { .event = { .id = S("e"),
                                  .body = str_fmt(&f.t.arena, "{\"articles_count\":1,\"model\":\"m-1\",\"results\":%s}",
                                                  r->results) } };
        CHECK_EQ(news_on_sentiment(f.news, &f.t.cx, &d), r->want);
    }
    Delivery d = { .event = { .id = S("e"), .body = S("{\"articles\":[{\"title\":\"no id\"}]}") } };
    CHECK_EQ(sentiment_on_news(f.sentiment, &f.t.cx, &d), ERR_INVALID);
    d.event.body = S("not json");
    CHECK_EQ(sentiment_on_news(f.sentiment, &f.t.cx, &d), ERR_INVALID);
    d.event.body = S("{\"articles_count\":0}"); /* an event of another program, without words: nothing to do */
    CHECK_OK(&f.t.cx, sentiment_on_news(f.sentiment, &f.t.cx, &d));
    CHECK_EQ(f.bus.published, 0);
    SentimentResult s;
    CHECK_EQ(sentiment_analyze(f.sentiment, &f.t.cx, &(SentimentText){ S("  "), S("") }, &s), ERR_INVALID);
    end(&f);
}

/* --- how long articles are kept --- */

typedef struct FakeArchive {
    int calls, fail;
    Str month;
    char lines[4096];
} FakeArchive;

static int keep_lines(void *arg, Ctx *cx, Str month, Str lines) {
    FakeArchive *a = arg;
    a->calls++;
    snprintf(a->lines, sizeof a->lines, STR_FMT, STR_ARG(lines));
    assert_true(str_eq(month, S("2023-11")));
    return a->fail ? err_set(cx, ERR_STORAGE, "no room") : 0;
}

static void store_days(Fixture *f, int n) {
    for (int i = 0; i < n; i++) {
        Article a = { .source = S("good"),
                      .url = str_fmt(&f->t.arena, "https://x.example/%d", i),
                      .title = str_fmt(&f->t.arena, "Day %d", i),
                      .published = time_ms(NOW - (n - i) * (int64_t)MS_PER_DAY),
                      .known_at = time_ms(NOW) };
        ArticlePut out;
        article_clip(&a, &f->t.arena);
        CHECK_OK_PLAIN(&f->t.cx, article_store_put(f->store, &f->t.cx, &(ArticlePutRequest){ .v = &a, .n = 1 }, &out));
    }
}

static int64_t stored(Fixture *f) {
    ArticleStoreInfo i;
    CHECK_OK_PLAIN(&f->t.cx, article_store_describe(f->store, &f->t.cx, &i));
    return i.n_articles;
}

TEST(articles_are_kept_by_age_and_number) {
    Fixture f;
    begin(&f);
    store_days(&f, 10); /* of 10, 9, … 1 days ago */
    NewsRetained done;
    NewsRetain q = { .before = time_ms(NOW - 7 * (int64_t)MS_PER_DAY), .dry_run = true };
    CHECK_OK(&f.t.cx, news_retain(f.news, &f.t.cx, &q, &done));
    CHECK_EQ(done.removed, 3);
    CHECK_EQ(stored(&f), 10);
    q.dry_run = false;
    CHECK_OK(&f.t.cx, news_retain(f.news, &f.t.cx, &q, &done));
    CHECK_EQ(done.removed, 3);
    CHECK_EQ(done.left, 7);
    q = (NewsRetain){ .before = TIME_MIN, .keep = 7 };
    CHECK_OK(&f.t.cx, news_retain(f.news, &f.t.cx, &q, &done));
    CHECK_EQ(done.removed, 0); /* so many may stay */
    q.keep = 2;
    CHECK_OK(&f.t.cx, news_retain(f.news, &f.t.cx, &q, &done));
    CHECK_EQ(done.removed, 5);
    NewsPage page;
    CHECK_OK(&f.t.cx, news_find(f.news, &f.t.cx,
                                &(NewsQuery){ .filter = { .from = TIME_MIN, .to = TIME_MAX, .known_by = TIME_MAX },
                                              .order = ARTICLE_OLDEST_FIRST,
                                              .limit = 10 },
                                &page));
    CHECK_EQ(page.page.n, 2);
    CHECK_STR(page.page.v[0].article.title, S("Day 8")); /* the newest stay */
    q.archive = true;
    CHECK_EQ(news_retain(f.news, &f.t.cx, &q, &done), ERR_UNSUPPORTED);
    end(&f);
}

TEST(what_is_archived_is_safe_before_it_goes) {
    Fixture f;
    FakeArchive archive = { .fail = 1 };
    begin(&f);
    NewsService *s = news_service_new(&(NewsOptions){ .store = f.store,
                                                      .clock = &f.t.clock.clock,
                                                      .ids = &f.ids.ids,
                                                      .archive = keep_lines,
                                                      .archive_arg = &archive });
    store_days(&f, 3);
    NewsRetained done;
    NewsRetain q = { .before = TIME_MIN, .keep = 2, .archive = true };
    CHECK_EQ(news_retain(s, &f.t.cx, &q, &done), ERR_STORAGE);
    CHECK_EQ(stored(&f), 3); /* no archive, no removal */
    archive.fail = 0;
    CHECK_OK(&f.t.cx, news_retain(s, &f.t.cx, &q, &done));
    CHECK_EQ(done.archived, 1);
    CHECK_EQ(stored(&f), 2);
    CHECK(strstr(archive.lines, "\"title\":\"Day 0\"") && strstr(archive.lines, "\"scores\":[]"));
    CHECK(archive.lines[strlen(archive.lines) - 1] == '\n');
    news_service_free(s);
    end(&f);
}

TEST(an_article_stays_while_an_event_that_speaks_of_it_waits) {
    Fixture f;
    begin(&f);
    NewsCollected collected;
    add(&f, "https://x.example/told-of", "Waits to be told", 1);
    CHECK_OK(&f.t.cx, news_collect(f.news, &f.t.cx, &(NewsCollect){ .source = S("good") }, &collected));
    store_days(&f, 2); /* of these nothing is told */
    NewsRetained done;
    NewsRetain q = { .before = time_ms(NOW + MS_PER_DAY) };
    CHECK_OK(&f.t.cx, news_retain(f.news, &f.t.cx, &q, &done));
    CHECK_EQ(done.removed, 2);
    CHECK_EQ(done.held, 1);
    OutboxRow *rows;
    size_t n;
    Outbox *box = article_store_outbox(f.store);
    CHECK_OK(&f.t.cx, outbox_take(box, &f.t.cx, &rows, 10, &n));
    CHECK_OK(&f.t.cx, outbox_done(box, &f.t.cx, rows[n - 1].number)); /* told */
    CHECK_OK(&f.t.cx, news_retain(f.news, &f.t.cx, &q, &done));
    CHECK_EQ(done.removed, 1);
    CHECK_EQ(stored(&f), 0);
    end(&f);
}

TESTS(T(articles_are_kept_by_age_and_number), T(what_is_archived_is_safe_before_it_goes),
      T(an_article_stays_while_an_event_that_speaks_of_it_waits),
      T(a_collection_stores_tells_and_answers_as_the_documents_have_it), T(filters_stand_on_both_sides_of_their_bounds),
      T(dates_that_cannot_be_are_estimated), T(one_source_that_fails_stops_no_other),
      T(what_is_collected_is_scored_once_however_often_events_come),
      T(scores_that_make_no_sense_are_refused_and_unknown_articles_are_passed_over))
