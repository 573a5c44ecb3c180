/* ports/article_store: what every adapter must do (NWS-04, NWS-06, NWS-11, NWS-12, NWS-13, NWS-17, FLW-15, U23). */

#include "adapters/article/memory.h"
#include "adapters/article/mongo.h"
#include "adapters/article/sqlite.h"
#include "base/rng.h"
#include "core/marks.h"
#include "core/ticker_tag.h"
#include "lib/test.h"

#include <unistd.h>

#define START INT64_C(1700000000000)

typedef struct Fixture {
    TestCtx t;
    const char *dir, *path;
    Str url;                     /* of MongoDB */
    unsigned opened;             /* times */
    int newest;                  /* of MongoDB: its option */
    ArticleStore *store, *model; /* model: the one that looks at each */
} Fixture;

static ArticleStore *open_store(Fixture *f) {
    ArticleStore *s = NULL;
#ifdef ARTICLE_MEMORY
    UNUSED(f);
    s = article_memory_new();
#elif defined(ARTICLE_MONGO) /* a database a test, on the server that is named (tests/peers/mongo) */
    ArticleMongoOptions o = { .url = f->url, .token = (uint64_t)getpid() << 32 | ++f->opened, .newest = f->newest };
    CHECK_OK_PLAIN(&f->t.cx, article_mongo_open(&f->t.cx, &o, &s));
#else
    CHECK_OK_PLAIN(&f->t.cx, article_sqlite_open(&f->t.cx, &(ArticleSqliteOptions){ .path = f->path }, &s));
#endif
    return s;
}

static void begin(Fixture *f) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->path = str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/news.db", f->dir));
#ifdef ARTICLE_MONGO
    if (!getenv("FINSIGHT_TEST_MONGO"))
        SKIP("FINSIGHT_TEST_MONGO names no server: make peers has one");
    if (!article_mongo_built())
        SKIP("this build has no libmongoc");
    f->url = str_fmt(&f->t.arena, "%s%s", getenv("FINSIGHT_TEST_MONGO"), strrchr(f->dir, '/'));
#endif
    f->store = open_store(f);
    f->model = article_memory_new();
}

static void end(Fixture *f) {
    CHECK_OK_PLAIN(&f->t.cx, article_store_verify(f->store, &f->t.cx));
    f->store = article_store_close(f->store);
    f->model = article_store_close(f->model);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static Article make(Fixture *f, const char *source, const char *url, const char *title, const char *summary) {
    Arena *a = &f->t.arena;
    Article art = { .source = str_c(source),
                    .url = str_c(url),
                    .title = str_c(title),
                    .summary = str_c(summary),
                    .published = time_ms(START),
                    .collected = time_ms(START + 1000),
                    .known_at = time_ms(START + 1000),
                    .language = S("en") };
    art.tickers = ticker_tag(a, art.title, art.summary);
    article_clip(&art, a);
    return art;
}

static ArticlePut put_one(Fixture *f, ArticleStore *s, const Article *a) {
    ArticlePut out;
    CHECK_OK_PLAIN(&f->t.cx, article_store_put(s, &f->t.cx, &(ArticlePutRequest){ .v = a, .n = 1 }, &out));
    return out;
}

static const ArticleFilter any = { .from = { INT64_MIN }, .to = { INT64_MAX }, .known_by = { INT64_MAX } };

static ArticleSearch ask(Fixture *f, const char *text, ParsedQuery *q) {
    ArticleSearch s = { .filter = any, .limit = 100, .count = true, .now = time_ms(START + 30 * (int64_t)MS_PER_DAY) };
    if (text) {
        CHECK_OK_PLAIN(&f->t.cx, article_query_parse(&f->t.cx, str_c(text), q));
        s.query = q;
    }
    return s;
}

static ArticlePage find(Fixture *f, const char *text) {
    ParsedQuery q;
    ArticlePage p;
    ArticleSearch s = ask(f, text, &q);
    s.marks = true;
    CHECK_OK_PLAIN(&f->t.cx, article_store_search(f->store, &f->t.cx, &s, &p));
    return p;
}

/* --- in and out --- */

TEST(an_article_comes_back_as_it_went_in) {
    Fixture f = { 0 };
    begin(&f);
    Article a = make(&f, "coindesk", "https://x.example/1", "Bitcoin rises", "After the cut & \"more\"");
    a.guid = S("guid-1");
    a.text = S("All of it.\nIn two lines.");
    a.image_url = S("https://x.example/i.jpg");
    a.authors = (StrList){ (Str[]){ S("Ann"), S("Bob Ö") }, 2 };
    a.categories = (StrList){ (Str[]){ S("Markets"), S("Spot \"ETF\"") }, 2 };
    a.date_estimated = true;
    a.simulated = true;
    ArticlePut put = put_one(&f, f.store, &a);
    CHECK_EQ(put.fate, ARTICLE_NEW);
    CHECK(put.revision > 0);
    ArticleHit h;
    CHECK_OK(&f.t.cx, article_store_get(f.store, &f.t.cx, a.id, &h));
    const Article *b = &h.article;
    CHECK_STR(b->id, a.id);
    CHECK_STR(b->guid, a.guid);
    CHECK_STR(b->url, a.url);
    CHECK_STR(b->source, a.source);
    CHECK(article_same_words(&a, b));
    CHECK_STR(b->language, a.language);
    CHECK_STR(b->image_url, a.image_url);
    CHECK_EQ(b->authors.n, 2);
    CHECK_STR(b->authors.v[1], S("Bob Ö"));
    CHECK_EQ(b->categories.n, 2);
    CHECK_STR(b->categories.v[1], S("Spot \"ETF\""));
    CHECK_EQ(b->tickers.n, 1);
    CHECK_STR(b->tickers.v[0], S("BTC"));
    CHECK_EQ(b->published.ms, a.published.ms);
    CHECK_EQ(b->collected.ms, a.collected.ms);
    CHECK_EQ(b->known_at.ms, a.known_at.ms);
    CHECK(b->date_estimated && b->simulated);
    CHECK_EQ(b->revision, put.revision);
    CHECK_EQ(b->sentiment.model.n, 0);
    CHECK_EQ(article_store_get(f.store, &f.t.cx, S("00000000000000000000000000000000"), &h), ARTICLE_NO_SUCH);
    CHECK_EQ(article_store_get(f.store, &f.t.cx, S("'; DROP TABLE article"), &h), ERR_INVALID);
    end(&f);
}

TEST(the_same_article_is_stored_once) {
    Fixture f = { 0 };
    begin(&f);
    Article a = make(&f, "coindesk", "https://x.example/1", "Bitcoin rises", "A summary");
    a.guid = S("g");
    CHECK_EQ(put_one(&f, f.store, &a).fate, ARTICLE_NEW);
    CHECK_EQ(put_one(&f, f.store, &a).fate, ARTICLE_KNOWN);
    Article moved = make(&f, "coindesk", "https://x.example/moved", "Bitcoin rises", "A summary");
    moved.guid = S("g"); /* another address, the source's own word that it is the same */
    ArticlePut put = put_one(&f, f.store, &moved);
    CHECK_EQ(put.fate, ARTICLE_KNOWN);
    CHECK_STR(put.id, a.id);
    Article other = make(&f, "tavily", "https://x.example/1", "Bitcoin rises!", "By another source");
    CHECK_EQ(put_one(&f, f.store, &other).fate, ARTICLE_KNOWN); /* the address is the article */
    CHECK_EQ(put_one(&f, f.store, &other).fate, ARTICLE_KNOWN);
    ArticleCopy *copies;
    size_t n;
    CHECK_OK(&f.t.cx, article_store_copies(f.store, &f.t.cx, a.id, &copies, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(copies[0].source, S("tavily"));
    ArticleStoreInfo i;
    CHECK_OK(&f.t.cx, article_store_describe(f.store, &f.t.cx, &i));
    CHECK_EQ(i.n_articles, 1);
    end(&f);
}

TEST(a_correction_replaces_the_words_and_tells_when_it_was_learnt) {
    Fixture f = { 0 };
    begin(&f);
    Article a = make(&f, "coindesk", "https://x.example/1", "Bitcoin rises wildly", "Old words of Ethereum");
    CHECK_EQ(put_one(&f, f.store, &a).fate, ARTICLE_NEW);
    Article b = make(&f, "coindesk", "https://x.example/1", "Solana falls", "New words");
    b.known_at = time_ms(START + 99000);
    ArticlePut put = put_one(&f, f.store, &b);
    CHECK_EQ(put.fate, ARTICLE_CHANGED);
    CHECK_EQ(find(&f, "wildly").n, 0);
    CHECK_EQ(find(&f, "solana falls").n, 1);
    ArticleHit h;
    CHECK_OK(&f.t.cx, article_store_get(f.store, &f.t.cx, a.id, &h));
    CHECK(article_same_words(&h.article, &b));
    CHECK_EQ(h.article.collected.ms, a.collected.ms);
    CHECK_EQ(h.article.known_at.ms, b.known_at.ms);
    CHECK_EQ(h.article.tickers.n, 1);
    CHECK_STR(h.article.tickers.v[0], S("SOL"));
    ParsedQuery q;
    ArticlePage p;
    ArticleSearch s = ask(&f, NULL, &q);
    s.filter.ticker = S("BTC");
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &p));
    CHECK_EQ(p.n, 0);
    s.filter.ticker = S("SOL");
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &p));
    CHECK_EQ(p.n, 1);
    s.filter.known_by = time_ms(START + 50000); /* as of then, these words were not known */
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &p));
    CHECK_EQ(p.n, 0);
    end(&f);
}

static const char *const story =
    "The central bank cut its main interest rate by a quarter point on Thursday and said that "
    "inflation should return to target by the end of next year. Economists had expected it.";

TEST(nearly_the_same_words_are_noted_beside_the_first) {
    Fixture f = { 0 };
    begin(&f);
    Article a = make(&f, "reuters", "https://a.example/1", "Central bank cuts rates", story);
    Article b = make(&f, "copycat", "https://b.example/9", "Central bank cuts rates",
                     str_cz(&f.t.arena, str_fmt(&f.t.arena, "%s This story was first seen elsewhere.", story)));
    Article c =
        make(&f, "other", "https://c.example/9", "Central bank holds rates",
             "The central bank left its main interest rate where it was on Thursday, against what economists had "
             "expected, and said that growth was weaker than it had thought three months before.");
    CHECK_EQ(put_one(&f, f.store, &a).fate, ARTICLE_NEW);
    ArticlePut put = put_one(&f, f.store, &b);
    CHECK_EQ(put.fate, ARTICLE_NEAR);
    CHECK_STR(put.id, a.id);
    CHECK_EQ(put_one(&f, f.store, &b).fate, ARTICLE_KNOWN); /* the second time it is known by its address */
    CHECK_EQ(put_one(&f, f.store, &c).fate, ARTICLE_NEW);
    ArticleHit h;
    CHECK_OK(&f.t.cx, article_store_get(f.store, &f.t.cx, b.id, &h)); /* the copy's id leads to the article */
    CHECK_STR(h.article.id, a.id);
    CHECK_EQ(h.n_copies, 1);
    Article late = b;
    late.url = S("https://b.example/later");
    late.published = time_ms(START + 20 * (int64_t)MS_PER_DAY);
    article_clip(&late, &f.t.arena);
    CHECK_EQ(put_one(&f, f.store, &late).fate, ARTICLE_NEW); /* weeks apart is not a reprint */
    Article kept = b;
    kept.url = S("https://b.example/kept");
    article_clip(&kept, &f.t.arena);
    CHECK_OK(&f.t.cx,
             article_store_put(f.store, &f.t.cx, &(ArticlePutRequest){ .v = &kept, .n = 1, .keep_near = true }, &put));
    CHECK_EQ(put.fate, ARTICLE_NEW);
    end(&f);
}

TEST(copies_within_one_put_are_seen) {
    Fixture f = { 0 };
    begin(&f);
    Article v[3] = { make(&f, "a", "https://a.example/1", "Central bank cuts rates", story),
                     make(&f, "b", "https://b.example/1", "Central bank cuts rates", story),
                     make(&f, "a", "https://a.example/1", "Central bank cuts rates", story) };
    ArticlePut out[3];
    CHECK_OK(&f.t.cx, article_store_put(f.store, &f.t.cx, &(ArticlePutRequest){ .v = v, .n = 3 }, out));
    CHECK_EQ(out[0].fate, ARTICLE_NEW);
    CHECK_EQ(out[1].fate, ARTICLE_NEAR);
    CHECK_EQ(out[2].fate, ARTICLE_KNOWN);
    end(&f);
}

TEST(what_is_no_article_is_refused_and_nothing_of_the_put_stays) {
    Fixture f = { 0 };
    begin(&f);
    Article v[2] = { make(&f, "a", "https://a.example/1", "Good", "one"),
                     make(&f, "a", "https://a.example/2", "Bad", "one") };
    ArticlePut out[2];
    v[1].source = S("not a name");
    CHECK_EQ(article_store_put(f.store, &f.t.cx, &(ArticlePutRequest){ .v = v, .n = 2 }, out), ERR_INVALID);
    CHECK_STR(str_c(f.t.cx.err.field), S("articles[1]"));
    CHECK_EQ(find(&f, "good").n, 0);
    v[1].source = S("a");
    v[1].title = v[1].summary = (Str){ 0 };
    CHECK_EQ(article_store_put(f.store, &f.t.cx, &(ArticlePutRequest){ .v = v, .n = 2 }, out), ERR_INVALID);
    end(&f);
}

/* --- scores --- */

TEST(a_model_scores_an_article_once) {
    Fixture f = { 0 };
    begin(&f);
    Article a = make(&f, "a", "https://a.example/1", "Bitcoin rises", "x");
    put_one(&f, f.store, &a);
    ArticleSentiment s = { S("lexicon-1"), S("positive"), 0.5, 0.75, time_ms(START) }, again = s, newer = s;
    again.score = -1;
    newer.model = S("other-2");
    newer.label = S("negative");
    newer.at = time_ms(START + 5);
    CHECK_OK(&f.t.cx, article_store_score(f.store, &f.t.cx, a.id, &s));
    CHECK_EQ(article_store_score(f.store, &f.t.cx, a.id, &again), ARTICLE_SCORED);
    ArticlePage p = find(&f, "bitcoin");
    CHECK_STR(p.v[0].article.sentiment.label, S("positive"));
    CHECK_NEAR(p.v[0].article.sentiment.score, 0.5, 0);
    CHECK_OK(&f.t.cx, article_store_score(f.store, &f.t.cx, a.id, &newer));
    ArticleSentiment *v;
    size_t n;
    CHECK_OK(&f.t.cx, article_store_scores(f.store, &f.t.cx, a.id, &v, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(v[0].model, S("other-2"));
    ParsedQuery q;
    ArticleSearch find_it = ask(&f, "bitcoin", &q);
    find_it.filter.sentiment = S("negative");
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &find_it, &p));
    CHECK_EQ(p.n, 1);
    find_it.filter.sentiment = S("positive");
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &find_it, &p));
    CHECK_EQ(p.n, 0);
    CHECK_EQ(article_store_score(f.store, &f.t.cx, S("00000000000000000000000000000000"), &s), ARTICLE_NO_SUCH);
    end(&f);
}

/* --- what is told --- */

static int two_events(void *arg, Ctx *cx, const ArticlePut *fates, size_t n, OutboxRow *out, size_t *n_out) {
    int *fail = arg;
    assert_true(n == 1 && fates[0].fate == ARTICLE_NEW);
    for (int i = 0; i < 2; i++)
        out[i] = (OutboxRow){ .exchange = BUS_EVENTS,
                              .routing_key = S("news_collected.news"),
                              .event = { .id = i ? S("e2") : S("e1"),
                                         .type = S("news_collected"),
                                         .source = S("news"),
                                         .version = 1,
                                         .at = time_ms(START),
                                         .body = S("{\"n\":1}") } };
    *n_out = 2;
    return *fail ? err_set(cx, ERR_IO, "no") : 0;
}

TEST(events_lie_in_the_commit_of_their_articles) {
    Fixture f = { 0 };
    begin(&f);
    Article a = make(&f, "a", "https://a.example/1", "Bitcoin rises", "x");
    ArticlePut out;
    int fail = 0;
    ArticlePutRequest req = { .v = &a, .n = 1, .events = two_events, .events_arg = &fail };
    Outbox *box = article_store_outbox(f.store);
    OutboxRow *v;
    size_t n;
    int64_t depth;
#ifndef ARTICLE_MEMORY /* the model has no way back */
    fail = 1;
    CHECK_EQ(article_store_put(f.store, &f.t.cx, &req, &out), ERR_IO);
    CHECK_EQ(find(&f, "bitcoin").n, 0);
    CHECK_EQ(outbox_take(box, &f.t.cx, &v, 10, &n), BUS_EMPTY);
    fail = 0;
#endif
    CHECK_OK(&f.t.cx, article_store_put(f.store, &f.t.cx, &req, &out));
    CHECK_EQ(find(&f, "bitcoin").n, 1);
    CHECK_OK(&f.t.cx, outbox_take(box, &f.t.cx, &v, 1, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(v[0].event.body, S("{\"n\":1}"));
    CHECK_OK(&f.t.cx, outbox_done(box, &f.t.cx, v[0].number));
    CHECK_OK(&f.t.cx, outbox_depth(box, &f.t.cx, &depth));
    CHECK_EQ(depth, 1);
    CHECK_OK(&f.t.cx, outbox_take(box, &f.t.cx, &v, 10, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(v[0].event.id, S("e2"));
    CHECK_OK(&f.t.cx, outbox_put(box, &f.t.cx, v, 1));
    CHECK_OK(&f.t.cx, outbox_depth(box, &f.t.cx, &depth));
    CHECK_EQ(depth, 2);
    end(&f);
}

typedef struct Heard {
    int puts, scores;
    ArticleFate fate;
} Heard;

static void hear(void *arg, const ArticleCommit *c) {
    Heard *h = arg;
    h->puts += c->score == NULL;
    h->scores += c->score != NULL;
    h->fate = c->fates ? c->fates[0].fate : ARTICLE_FATES;
}

TEST(commits_are_told_to_who_listens) {
    Fixture f = { 0 };
    Heard h = { 0 };
    begin(&f);
    ArticleStoreWatch w = { .heard = hear, .arg = &h };
    article_store_watch(f.store, &w);
    Article a = make(&f, "a", "https://a.example/1", "Bitcoin rises", "x");
    put_one(&f, f.store, &a);
    CHECK_EQ(h.puts, 1);
    CHECK_EQ(h.fate, ARTICLE_NEW);
    ArticleSentiment s = { S("m"), S("neutral"), 0, 0, time_ms(START) };
    CHECK_OK(&f.t.cx, article_store_score(f.store, &f.t.cx, a.id, &s));
    article_store_score(f.store, &f.t.cx, a.id, &s); /* was there: nothing to tell */
    CHECK_EQ(h.scores, 1);
    article_store_unwatch(f.store, &w);
    put_one(&f, f.store, &a);
    CHECK_EQ(h.puts, 1);
    end(&f);
}

/* --- lists, state, removal --- */

TEST(changes_sources_and_state) {
    Fixture f = { 0 };
    begin(&f);
    Article a = make(&f, "beta", "https://a.example/1", "One", "x"),
            b = make(&f, "alpha", "https://a.example/2", "Two", "x");
    int64_t first = put_one(&f, f.store, &a).revision;
    put_one(&f, f.store, &b);
    ArticleSentiment s = { S("m"), S("neutral"), 0, 0, time_ms(START) };
    CHECK_OK(&f.t.cx, article_store_score(f.store, &f.t.cx, a.id, &s));
    Article *v;
    ArticleSourceInfo *src;
    size_t n;
    CHECK_OK(&f.t.cx, article_store_changes(f.store, &f.t.cx, first, 10, &v, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(v[0].id, b.id);
    CHECK_STR(v[1].id, a.id); /* a score is a change */
    CHECK_OK(&f.t.cx, article_store_sources(f.store, &f.t.cx, &src, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(src[0].source, S("alpha"));
    CHECK_EQ(src[0].n_articles, 1);
    CHECK_EQ(src[0].newest.ms, START);
    Str value;
    CHECK_OK(&f.t.cx, article_store_state_get(f.store, &f.t.cx, S("k"), &value));
    CHECK_EQ(value.n, 0);
    CHECK_OK(&f.t.cx, article_store_state_put(f.store, &f.t.cx, S("k"), S("one")));
    CHECK_OK(&f.t.cx, article_store_state_put(f.store, &f.t.cx, S("k"), S("two")));
    CHECK_OK(&f.t.cx, article_store_state_get(f.store, &f.t.cx, S("k"), &value));
    CHECK_STR(value, S("two"));
    end(&f);
}

TEST(what_is_removed_is_found_no_more_and_may_come_again) {
    Fixture f = { 0 };
    begin(&f);
    Article v[4];
    for (int i = 0; i < 4; i++) {
        v[i] =
            make(&f, "a", str_cz(&f.t.arena, str_fmt(&f.t.arena, "https://a.example/%d", i)), "Bitcoin again", "words");
        v[i].published = time_ms(START + i * (int64_t)MS_PER_DAY);
        v[i].guid = str_fmt(&f.t.arena, "g%d", i);
        put_one(&f, f.store, &v[i]);
    }
    CHECK_EQ(find(&f, "bitcoin").n, 4);
    CHECK_OK(&f.t.cx, article_store_remove(f.store, &f.t.cx, v[3].id));
    CHECK_EQ(article_store_remove(f.store, &f.t.cx, v[3].id), ARTICLE_NO_SUCH);
    int64_t n;
    CHECK_OK(&f.t.cx, article_store_expire(f.store, &f.t.cx, v[2].published, 1, &n));
    CHECK_EQ(n, 1);
    ArticlePage p = find(&f, "bitcoin");
    CHECK_EQ(p.n, 2);
    CHECK_OK(&f.t.cx, article_store_expire(f.store, &f.t.cx, v[2].published, 100, &n));
    CHECK_EQ(n, 1);
    CHECK_EQ(find(&f, NULL).n, 1);
    CHECK_EQ(put_one(&f, f.store, &v[3]).fate, ARTICLE_NEW);
    CHECK_EQ(find(&f, "again").n, 2);
    end(&f);
}

TEST(some_are_dropped_in_one_commit_with_their_scores) {
    Fixture f = { 0 };
    begin(&f);
    Article v[4];
    Str ids[5];
    ArticleSentiment s = { S("m"), S("neutral"), 0, 0, time_ms(START) };
    for (int i = 0; i < 4; i++) {
        v[i] =
            make(&f, "a", str_cz(&f.t.arena, str_fmt(&f.t.arena, "https://a.example/%d", i)), "Bitcoin again", "words");
        put_one(&f, f.store, &v[i]);
        CHECK_OK(&f.t.cx, article_store_score(f.store, &f.t.cx, v[i].id, &s));
        ids[i] = v[i].id;
    }
    ids[3] = S("00000000000000000000000000000000"); /* is passed over */
    int64_t n;
    CHECK_OK(&f.t.cx, article_store_drop(f.store, &f.t.cx, ids, 4, &n));
    CHECK_EQ(n, 3);
    ArticlePage p = find(&f, "bitcoin");
    CHECK_EQ(p.n, 1);
    CHECK_STR(p.v[0].article.id, v[3].id);
    ArticleStoreInfo info;
    CHECK_OK(&f.t.cx, article_store_describe(f.store, &f.t.cx, &info));
    CHECK_EQ(info.n_articles, 1);
    CHECK_EQ(info.n_scored, 1);
    CHECK_EQ(put_one(&f, f.store, &v[0]).fate, ARTICLE_NEW); /* and has no score */
    ArticleSentiment *scores;
    size_t n_scores;
    CHECK_OK(&f.t.cx, article_store_scores(f.store, &f.t.cx, v[0].id, &scores, &n_scores));
    CHECK_EQ(n_scores, 0);
    ids[0] = S("no id");
    CHECK_EQ(article_store_drop(f.store, &f.t.cx, ids, 1, &n), ERR_INVALID);
    end(&f);
}

/* --- search --- */

static const char *const vocabulary[] = { "bitcoin", "ether", "rate",   "cut",   "bank",  "fund",   "etf",
                                          "rises",   "falls", "miner",  "price", "hits",  "low",    "high",
                                          "record",  "fraud", "court",  "rules", "token", "market", "shares",
                                          "profit",  "loss",  "Zürich", "3.5",   "don't", "比特币" };

static Str phrase_of(Rng *r, Arena *a, size_t n) {
    Str out = { 0 };
    for (size_t i = 0; i < n; i++) { /* the first words are the commonest */
        size_t k = (size_t)(rng_f64(r) * rng_f64(r) * ARRAY_LEN(vocabulary));
        out = str_fmt(a, STR_FMT "%s%s", STR_ARG(out), i ? " " : "", vocabulary[k]);
    }
    return out;
}

static void fill_both(Fixture *f, Rng *r, size_t n) {
    static const char *const sources[] = { "alpha", "beta", "gamma" };
    for (size_t i = 0; i < n; i++) {
        Arena *a = &f->t.arena;
        Article art = { .source = str_c(sources[rng_below(r, 3)]),
                        .url = str_fmt(a, "https://x.example/%zu", i),
                        .title = phrase_of(r, a, 1 + rng_below(r, 6)),
                        .summary = phrase_of(r, a, rng_below(r, 20)),
                        .text = rng_chance(r, 0.3) ? phrase_of(r, a, 20 + rng_below(r, 60)) : (Str){ 0 },
                        .published = time_ms(START + (int64_t)i * 60000 + rng_between(r, -600000, 600000)),
                        .known_at = time_ms(START + (int64_t)i * 60000),
                        .language = rng_chance(r, 0.7) ? S("en") : S("de"),
                        .simulated = rng_chance(r, 0.2) };
        Str category = rng_chance(r, 0.5) ? S("Markets \"today\"") : S("Tech");
        art.categories = (StrList){ &category, 1 };
        art.tickers = ticker_tag(a, art.title, art.summary);
        article_clip(&art, a);
        ArticlePut out;
        ArticlePutRequest req = { .v = &art, .n = 1, .keep_near = true };
        CHECK_OK_PLAIN(&f->t.cx, article_store_put(f->store, &f->t.cx, &req, &out));
        CHECK_OK_PLAIN(&f->t.cx, article_store_put(f->model, &f->t.cx, &req, &out));
    }
}

static Str random_query(Rng *r, Arena *a) {
    const char *w[3];
    for (size_t i = 0; i < 3; i++)
        w[i] = vocabulary[(size_t)(rng_f64(r) * rng_f64(r) * (ARRAY_LEN(vocabulary) - 4))];
    switch (rng_below(r, 11)) {
    case 0:
        return str_fmt(a, "%s", w[0]);
    case 1:
        return str_fmt(a, "%s %s", w[0], w[1]);
    case 2:
        return str_fmt(a, "\"%s %s\"", w[0], w[1]);
    case 3:
        return str_fmt(a, "%s OR %s", w[0], w[1]);
    case 4:
        return str_fmt(a, "%s -%s", w[0], w[1]);
    case 5:
        return str_fmt(a, "title:%s %s", w[0], w[1]);
    case 6:
        return str_fmt(a, "(%s OR %s) %s", w[0], w[1], w[2]);
    case 7:
        return str_fmt(a, "%.2s* %s", w[0], w[1]);
    case 8:
        return str_fmt(a, "text:%s", w[0]);
    case 9:
        return str_fmt(a, "-\"%s %s\" %s", w[0], w[1], w[2]);
    default:
        return str_fmt(a, "summary:\"%s %s\" zurich", w[0], w[1]);
    }
}

static void random_filter(Rng *r, ArticleSearch *s) {
    if (rng_chance(r, 0.3))
        s->filter.source = S("beta");
    if (rng_chance(r, 0.2))
        s->filter.ticker = S("BTC");
    if (rng_chance(r, 0.2))
        s->filter.category = S("MARKETS \"Today\"");
    if (rng_chance(r, 0.2))
        s->filter.language = S("de");
    if (rng_chance(r, 0.3))
        s->filter.from = time_ms(START + (int64_t)rng_below(r, 300) * 60000);
    if (rng_chance(r, 0.3))
        s->filter.to = time_ms(START + (int64_t)rng_below(r, 500) * 60000);
    if (rng_chance(r, 0.1))
        s->filter.known_by = time_ms(START + (int64_t)rng_below(r, 500) * 60000);
    s->filter.no_simulated = rng_chance(r, 0.2);
    s->order = (ArticleOrder)rng_below(r, 3);
    s->exact = rng_chance(r, 0.3);
}

static void check_pages(Str query, const ArticlePage *got, const ArticlePage *want) {
    if (got->n != want->n || got->more != want->more)
        FAIL("'" STR_FMT "': %zu hits (more %d), not %zu (%d)", STR_ARG(query), got->n, got->more, want->n, want->more);
    for (size_t i = 0; i < got->n; i++) {
        const ArticleHit *g = &got->v[i], *w = &want->v[i];
        if (!str_eq(g->article.id, w->article.id) || fabs(g->score - w->score) > 1e-9 || fabs(g->bm25 - w->bm25) > 1e-9)
            FAIL("'" STR_FMT "': hit %zu is " STR_FMT " (%.12g), not " STR_FMT " (%.12g)", STR_ARG(query), i,
                 STR_ARG(g->article.title), g->score, STR_ARG(w->article.title), w->score);
        if (!str_eq(g->snippet, w->snippet) || !str_eq(g->title_marked, w->title_marked))
            FAIL("'" STR_FMT "': other marks", STR_ARG(query));
    }
}

/* NWS-12: scores are the reference's, recall is that of looking at each; pages put together are the whole. */
TEST(searches_find_what_looking_at_each_finds_in_the_same_order) {
    enum { ARTICLES = 250, QUERIES = 100 };
    Fixture f = { 0 };
    Rng r;
    rng_seed(&r, prop_seed(41));
    begin(&f);
    fill_both(&f, &r, ARTICLES);
    size_t found = 0;
    for (int i = 0; i < QUERIES; i++) {
        ArenaMark mark = arena_mark(&f.t.arena);
        Str text = random_query(&r, &f.t.arena);
        ParsedQuery q;
        ArticlePage got, want, all;
        bool listed = rng_chance(&r, 0.15);
        ArticleSearch s = ask(&f, listed ? NULL : str_cz(&f.t.arena, text), &q);
        random_filter(&r, &s);
        s.marks = true;
        s.limit = ARTICLE_PAGE_MAX;
        CHECK_OK(&f.t.cx, article_store_search(f.model, &f.t.cx, &s, &all));
        s.limit = 7;
        for (size_t seen = 0;; seen += got.n) {
            CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &got));
            CHECK_OK(&f.t.cx, article_store_search(f.model, &f.t.cx, &s, &want));
            CHECK_EQ(got.total, want.total);
            CHECK(got.total_exact && !got.newest_only);
            check_pages(text, &got, &want);
            for (size_t k = 0; k < got.n; k++)
                CHECK_STR(got.v[k].article.id, all.v[seen + k].article.id);
            found += got.n;
            if (!got.more) {
                CHECK_EQ(seen + got.n, all.n);
                break;
            }
            ArticleCursor back;
            CHECK(article_cursor_read(article_cursor_write(&got.next, &f.t.arena), &back));
            s.after = back;
        }
        arena_rewind(&f.t.arena, mark);
    }
    CHECK(found > 500); /* the test finds something to compare */
    end(&f);
}

TEST(titles_count_for_more_and_news_for_more_than_old_ones) {
    Fixture f = { 0 };
    begin(&f);
    Article a = make(&f, "a", "https://a.example/1", "Halving nears", "of coins and miners"),
            b = make(&f, "a", "https://a.example/2", "Coins nears", "of halving and miners"),
            c = make(&f, "a", "https://a.example/3", "Miners nears", "of coins and halving");
    c.published = time_ms(START + 20 * (int64_t)MS_PER_DAY);
    put_one(&f, f.store, &b);
    put_one(&f, f.store, &a);
    put_one(&f, f.store, &c);
    ArticlePage p = find(&f, "halving");
    CHECK_EQ(p.n, 3);
    CHECK_STR(p.v[0].article.id, a.id);
    CHECK_STR(p.v[1].article.id, c.id);
    CHECK(p.v[0].bm25 > p.v[1].bm25);
    CHECK_NEAR(p.v[1].bm25, p.v[2].bm25, 1e-12);
    CHECK(p.v[1].score > p.v[2].score);
    CHECK(str_find(p.v[0].title_marked, S(MARK_BEGIN "Halving" MARK_END)) == 0);
    CHECK(str_find(p.v[1].snippet, S(MARK_BEGIN "halving" MARK_END)) > 0);
    CHECK_EQ(p.v[0].article.text.n, 0);
    end(&f);
}

TEST(cursors_of_others_are_refused) {
    ArticleCursor c;
    static const char *const bad[] = { "",
                                       "1",
                                       "1.2.3.4.5",
                                       "2.1.1.1.1.1",
                                       "1.1.1.1.1.1.1",
                                       "1.x.1.1.1.1",
                                       "1.1.1.-1.1.1",
                                       "1.9221120237041090561.1.1.1.1" /* NaN */,
                                       "1.1.1.1.1.999999999999999999" };
    UNUSED(state_);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!article_cursor_read(str_c(bad[i]), &c));
}

#ifndef ARTICLE_MEMORY
TEST(a_file_closed_and_opened_again_is_the_same) {
    Fixture f = { 0 };
    Rng r;
    rng_seed(&r, prop_seed(43));
    begin(&f);
    fill_both(&f, &r, 60);
    ParsedQuery q;
    ArticlePage got, want;
    ArticleSearch s = ask(&f, "bitcoin", &q);
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &want));
    f.store = article_store_close(f.store);
    f.store = open_store(&f);
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &got));
    CHECK(want.n > 5);
    check_pages(S("bitcoin"), &got, &want);
    Article a = make(&f, "a", "https://a.example/after", "Bitcoin after the opening", "x");
    CHECK_EQ(put_one(&f, f.store, &a).fate, ARTICLE_NEW);
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &got));
    CHECK_EQ(got.n, want.n + 1);
#ifdef ARTICLE_MONGO /* another opener sees what is there, and both may write */
    ArticleStore *second = open_store(&f);
    Article b = make(&f, "a", "https://a.example/beside", "Bitcoin beside the first", "y");
    CHECK_EQ(put_one(&f, second, &b).fate, ARTICLE_NEW);
    Article c = make(&f, "a", "https://a.example/beside", "Bitcoin beside the first", "y");
    CHECK_EQ(put_one(&f, f.store, &c).fate, ARTICLE_KNOWN);
    CHECK_OK(&f.t.cx, article_store_search(second, &f.t.cx, &s, &got));
    CHECK_EQ(got.n, want.n + 2);
    article_store_close(second);
#else
    ArticleStore *second = NULL;
    CHECK_EQ(article_sqlite_open(&f.t.cx, &(ArticleSqliteOptions){ .path = f.path }, &second), ERR_CONFLICT);
#endif
    end(&f);
}

/* More than ARTICLE_NEWEST articles have the word: the newest are ranked, and the answer says so. */
TEST(frequent_words_are_ranked_among_the_newest) {
#ifdef ARTICLE_MONGO /* a server in Java has no index of its own: a smaller limit, the same rules */
    enum { NEWEST = 200, BATCH = 20, BATCHES = 11, SELDOM = 10, RARE = 1 };
#else
    enum { NEWEST = ARTICLE_NEWEST, BATCH = 2000, BATCHES = 11, SELDOM = 1000, RARE = 7 };
#endif
    Fixture f = { .newest = NEWEST };
    begin(&f);
    Article *v = arena_new_n(&f.t.arena, Article, BATCH);
    ArticlePut *out = arena_new_n(&f.t.arena, ArticlePut, BATCH);
    for (int b = 0; b < BATCHES; b++) {
        for (int i = 0; i < BATCH; i++) {
            int n = b * BATCH + i;
            v[i] = make(&f, "a", str_cz(&f.t.arena, str_fmt(&f.t.arena, "https://a.example/%d", n)),
                        n % SELDOM == RARE ? "seldom common" : "common", "");
            v[i].published = time_ms(START + (int64_t)n * 1000);
        }
        CHECK_OK(&f.t.cx, article_store_put(f.store, &f.t.cx,
                                            &(ArticlePutRequest){ .v = v, .n = BATCH, .keep_near = true }, out));
    }
    ParsedQuery q;
    ArticlePage p;
    ArticleSearch s = ask(&f, "common", &q);
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &p));
    CHECK(p.newest_only && !p.total_exact);
    CHECK_EQ(p.total, NEWEST);
    s.exact = true;
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &p));
    CHECK(!p.newest_only && p.total_exact);
    CHECK_EQ(p.total, BATCH * BATCHES);
    s = ask(&f, "seldom common", &q); /* few have both: every one of them is ranked */
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &p));
    CHECK(!p.newest_only && p.total_exact);
    CHECK_EQ(p.total, 22);
    s = ask(&f, "common", &q); /* a narrow time: all of it, whatever the number outside */
    s.filter.from = time_ms(START + 5000);
    s.filter.to = time_ms(START + 15000);
    CHECK_OK(&f.t.cx, article_store_search(f.store, &f.t.cx, &s, &p));
    CHECK_EQ(p.n, 10);
    CHECK(p.total_exact);
    end(&f);
}

#ifdef ARTICLE_MONGO /* the files have tests/torture for it */
#include <signal.h>
#include <sys/wait.h>

typedef struct Told { /* of a put that was answered */
    int first;
} Told;

static int tell_them(void *arg, Ctx *cx, const ArticlePut *fates, size_t n, OutboxRow *out, size_t *n_out) {
    UNUSED(arg);
    for (size_t i = 0; i < n; i++)
        out[i] = (OutboxRow){ .exchange = BUS_EVENTS,
                              .routing_key = S("news_collected.news"),
                              .event = { .id = fates[i].id,
                                         .type = S("news_collected"),
                                         .source = S("news"),
                                         .version = 1,
                                         .at = time_ms(START),
                                         .body = str_fmt(cx->arena, "{\"n\":%zu}", i) } };
    *n_out = n;
    return 0;
}

enum { OF_A_PUT = 3 };

static void make_some(Fixture *f, int first, Article *v) {
    for (int i = 0; i < OF_A_PUT; i++)
        v[i] = make(f, "a", str_cz(&f->t.arena, str_fmt(&f->t.arena, "https://a.example/%d", first + i)),
                    "Killed words", "one two");
}

/* Puts without end; says each that was answered. */
static void put_until_killed(Fixture *f, int first, int fd) {
    ArticleStore *s = open_store(f);
    for (;; first += OF_A_PUT) {
        Article v[OF_A_PUT];
        ArticlePut out[OF_A_PUT];
        make_some(f, first, v);
        ArticlePutRequest req = { .v = v, .n = OF_A_PUT, .keep_near = true, .events = tell_them };
        Told told = { first };
        if (article_store_put(s, &f->t.cx, &req, out) || write(fd, &told, sizeof told) != sizeof told)
            _exit(1);
    }
}

TEST(a_writer_that_is_killed_leaves_whole_commits) {
    enum { KILLS = 25 };
    Fixture f = { 0 };
    Rng r;
    rng_seed(&r, prop_seed(44));
    begin(&f);
    f.store = article_store_close(f.store);
    int next = 0, answered = 0;
    for (int kill_nr = 0; kill_nr < KILLS; kill_nr++) {
        int fds[2];
        CHECK_EQ(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0)
            put_until_killed(&f, next, fds[1]);
        close(fds[1]);
        usleep((useconds_t)rng_between(&r, 20000, 150000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        for (Told told; read(fds[0], &told, sizeof told) == sizeof told; answered += OF_A_PUT)
            next = told.first + OF_A_PUT;
        close(fds[0]);
        f.store = open_store(&f);
        CHECK_OK(&f.t.cx, article_store_verify(f.store, &f.t.cx));
        ArticleStoreInfo info;
        ArticleHit h;
        Article v[OF_A_PUT];
        CHECK_OK(&f.t.cx, article_store_describe(f.store, &f.t.cx, &info));
        make_some(&f, next, v); /* the one under way: all of it or nothing */
        int there = 0;
        for (int i = 0; i < OF_A_PUT; i++)
            there += article_store_get(f.store, &f.t.cx, v[i].id, &h) == 0;
        CHECK(there == 0 || there == OF_A_PUT);
        next += there;
        CHECK_EQ(info.n_articles, next); /* every answered one, and no hole */
        CHECK_EQ(info.outbox, next);     /* with its event */
        f.store = article_store_close(f.store);
    }
    CHECK(answered > KILLS);
    f.store = open_store(&f);
    end(&f);
}
#define ONLY_MONGO T(a_writer_that_is_killed_leaves_whole_commits),
#else
#define ONLY_MONGO
#endif
#define ONLY_FILES                                                                                                     \
    ONLY_MONGO T(a_file_closed_and_opened_again_is_the_same), T(frequent_words_are_ranked_among_the_newest),
#else
#define ONLY_FILES
#endif

TESTS(ONLY_FILES T(an_article_comes_back_as_it_went_in), T(the_same_article_is_stored_once),
      T(a_correction_replaces_the_words_and_tells_when_it_was_learnt),
      T(nearly_the_same_words_are_noted_beside_the_first), T(copies_within_one_put_are_seen),
      T(what_is_no_article_is_refused_and_nothing_of_the_put_stays), T(a_model_scores_an_article_once),
      T(events_lie_in_the_commit_of_their_articles), T(commits_are_told_to_who_listens), T(changes_sources_and_state),
      T(what_is_removed_is_found_no_more_and_may_come_again), T(some_are_dropped_in_one_commit_with_their_scores),
      T(searches_find_what_looking_at_each_finds_in_the_same_order),
      T(titles_count_for_more_and_news_for_more_than_old_ones), T(cursors_of_others_are_refused))
