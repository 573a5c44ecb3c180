/* The contract of ports/news_search.h on adapters/feed/tavily, against the feed simulator (NWS-10). */

#include "adapters/feed/tavily.h"
#include "sim_news.h"
#include "test.h"

typedef struct World {
    TestCtx t;
    FakeHttp *http;
    NewsSearch *search;
    NewsSearchResult got;
} World;

static World *world_new(const char *key) {
    World *w = mem_new(World);
    test_ctx_init(&w->t);
    w->http = fake_http_new();
    fake_http_serve(w->http, sim_news_serve, NULL);
    CHECK_OK_PLAIN(
        &w->t.cx,
        tavily_open(&w->t.cx, &(TavilyOptions){ .http = fake_http_client(w->http), .key = str_c(key) }, &w->search));
    return w;
}

static void world_free(World *w) {
    news_search_close(w->search);
    fake_http_free(w->http);
    test_ctx_done(&w->t);
    mem_free(w);
}

static int ask(World *w, const char *text) {
    NewsSearchQuery q = { .text = str_c(text), .topic = NEWS_SEARCH_NEWS, .max_results = 4 };
    return news_search_run(w->search, &w->t.cx, &q, &w->got);
}

TEST(hits_come_best_first_with_their_dates) {
    World *w = world_new("tvly-good");
    CHECK_OK(&w->t.cx, ask(w, "bitcoin"));
    CHECK_EQ(w->got.n_hits, 4);
    CHECK_EQ((int)w->got.credits, 1);
    CHECK(w->got.simulated); /* as the simulator says */
    for (size_t i = 0; i < w->got.n_hits; i++) {
        CHECK(w->got.hits[i].title.n && w->got.hits[i].content.n && w->got.hits[i].has_published);
        CHECK(i == 0 || w->got.hits[i].score < w->got.hits[i - 1].score);
    }
    world_free(w);
}

TEST(errors_are_told_apart_and_never_hold_the_key) {
    static const struct {
        const char *name, *key;
        int code;
        int64_t retry_ms;
        size_t n_asked;
    } rows[] = {
        { "wrong key", "wrong-secret", ERR_UNAUTHORIZED, 0, 1 },
        { "too fast", "tvly-fast", ERR_LIMIT, 7000, 1 },
        { "used up", "tvly-spent", ERR_LIMIT, 0, 1 },
    };
    EACH_ROW (r, rows) {
        World *w = world_new(r->key);
        CHECK_EQ(ask(w, "bitcoin"), r->code);
        CHECK_EQ(w->t.cx.err.retry_after_ms, r->retry_ms);
        CHECK(!strstr(w->t.cx.err.text, r->key) && strstr(w->t.cx.err.text, "Tavily"));
        CHECK_EQ(fake_http_n(w->http), r->n_asked); /* repeating would be of no use */
        world_free(w);
    }
}

TEST(an_echo_of_the_key_is_not_passed_on) {
    World *w = world_new("tvly-secret");
    fake_http_reply(w->http, 403, "", S("{\"detail\":{\"error\":\"tvly-secret may not do this\"}}"));
    CHECK_EQ(ask(w, "x"), ERR_DENIED);
    CHECK(!strstr(w->t.cx.err.text, "tvly-secret"));
    world_free(w);
}

TEST(a_server_in_trouble_is_asked_once_more) {
    World *w = world_new("tvly-good");
    fake_http_reply(w->http, 500, "", S(""));
    CHECK_OK(&w->t.cx, ask(w, "bitcoin"));
    CHECK_EQ(fake_http_n(w->http), 2);
    world_free(w);
}

TEST(answers_without_sense_are_errors_and_without_hits_are_not) {
    static const struct {
        const char *name, *body;
        int want;
    } rows[] = {
        { "no JSON", "<html>", ERR_COLLECTION },
        { "no object", "[]", ERR_COLLECTION },
        { "no results", "{\"query\":\"q\"}", 0 },
        { "null results", "{\"results\":null}", 0 },
        { "odd results", "{\"results\":[1,{\"title\":\"t\"},{\"url\":\"https://x/\",\"score\":\"high\"}]}", 0 },
    };
    EACH_ROW (r, rows) {
        World *w = world_new("tvly-good");
        fake_http_reply(w->http, 200, "", str_c(r->body));
        CHECK_EQ(ask(w, "bitcoin"), r->want);
        world_free(w);
    }
}

TEST(a_wrong_search_is_refused_before_it_costs) {
    World *w = world_new("tvly-good");
    NewsSearchQuery q = { .text = S("x"), .max_results = 21 };
    CHECK_EQ(ask(w, ""), ERR_INVALID);
    CHECK_EQ(news_search_run(w->search, &w->t.cx, &q, &w->got), ERR_INVALID);
    q = (NewsSearchQuery){ .text = S("x"), .from = time_ms(200000), .to = time_ms(100000) };
    CHECK_EQ(news_search_run(w->search, &w->t.cx, &q, &w->got), ERR_INVALID);
    CHECK_EQ(fake_http_n(w->http), 0);
    NewsSearch *s = NULL;
    CHECK_EQ(tavily_open(&w->t.cx, &(TavilyOptions){ .http = fake_http_client(w->http) }, &s), ERR_INVALID);
    CHECK_EQ(tavily_open(&w->t.cx, &(TavilyOptions){ .http = fake_http_client(w->http), .key = S("a\r\nb") }, &s),
             ERR_INVALID);
    world_free(w);
}

TESTS(T(hits_come_best_first_with_their_dates), T(errors_are_told_apart_and_never_hold_the_key),
      T(an_echo_of_the_key_is_not_passed_on), T(a_server_in_trouble_is_asked_once_more),
      T(answers_without_sense_are_errors_and_without_hits_are_not), T(a_wrong_search_is_refused_before_it_costs))
