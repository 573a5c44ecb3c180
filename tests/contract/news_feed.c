/* The contract of ports/news_feed.h, run on every adapter against the feed simulator: what the test of an adapter has
 * to bring is in NewsFeedCase. */

#include "news_feed.h"

#include "sim_news.h"

typedef struct World {
    TestCtx t;
    FakeHttp *http;
    NewsFeed *feed;
} World;

static World *world_new(void) {
    World *w = mem_new(World);
    test_ctx_init(&w->t);
    w->http = fake_http_new();
    fake_http_serve(w->http, sim_news_serve, NULL);
    w->feed = news_feed_case.open(&w->t.cx, fake_http_client(w->http));
    return w;
}

static void world_free(World *w) {
    news_feed_close(w->feed);
    fake_http_free(w->http);
    test_ctx_done(&w->t);
    mem_free(w);
}

static int fetch(World *w, Str url, NewsFeedState *state, NewsFeedResult *out) {
    if (state->url.n == 0)
        state->url = url;
    int r = news_feed_fetch(w->feed, &w->t.cx, state, out);
    if (r >= 0)
        *state = out->next;
    return r;
}

TEST(items_come_with_all_their_fields) { /* NWS-07, NWS-13 */
    World *w = world_new();
    NewsFeedState state = { 0 };
    NewsFeedResult got;
    CHECK_OK(&w->t.cx, fetch(w, news_feed_case.url, &state, &got));
    CHECK_EQ(got.feed.n_items, FEED_SIM_ARTICLES);
    CHECK_EQ(got.status, 200);
    CHECK(got.bytes > 1000 && !got.moved);
    for (size_t i = 0; i < got.feed.n_items; i++) {
        const FeedItem *item = &got.feed.items[i];
        CHECK(item->id.n && item->title.value.n && item->author.n && item->n_authors >= 1 && item->n_tags >= 2);
        CHECK(str_starts(item->url, S("https://news.simulated.example/")));
        CHECK(item->has_published && item->published.ms <= clock_wall(w->t.cx.clock).ms + 600000);
        CHECK(i == 0 || item->published.ms < got.feed.items[i - 1].published.ms);
    }
    world_free(w);
}

TEST(what_is_made_up_is_said_to_be) {
    World *w = world_new();
    NewsFeedState state = { 0 };
    NewsFeedResult got;
    CHECK(!news_feed_simulated(w->feed)); /* the operator has not said so: */
    CHECK_OK(&w->t.cx, fetch(w, news_feed_case.url, &state, &got));
    CHECK(got.simulated); /* the answer does, for itself alone */
    CHECK(!news_feed_simulated(w->feed));
    world_free(w);
}

TEST(the_next_fetch_brings_what_is_new) {
    World *w = world_new();
    NewsFeedState state = { 0 };
    NewsFeedResult first, second;
    CHECK_OK(&w->t.cx, fetch(w, news_feed_case.url, &state, &first));
    clock_manual_advance_ms(&w->t.clock, 2 * FEED_SIM_EVERY_S * 1000);
    CHECK_OK(&w->t.cx, fetch(w, news_feed_case.url, &state, &second));
    CHECK_STR(second.feed.items[2].id, first.feed.items[0].id);
    CHECK(!str_eq(second.feed.items[0].id, first.feed.items[0].id));
    world_free(w);
}

TEST(a_call_that_is_over_asks_nobody) {
    World *w = world_new();
    NewsFeedState state = { .url = news_feed_case.url };
    NewsFeedResult got;
    atomic_bool cancel = true;
    w->t.cx.cancel = &cancel;
    CHECK_EQ(news_feed_fetch(w->feed, &w->t.cx, &state, &got), ERR_CANCELLED);
    CHECK_EQ(fake_http_n(w->http), 0);
    world_free(w);
}

TEST(failures_have_codes_and_words) {
    World *w = world_new();
    static const struct {
        const char *name;
        int status, code;
    } rows[] = {
        { "no key", 401, 0 },
        { "not allowed", 403, ERR_DENIED },
        { "broken", 500, ERR_UNAVAILABLE },
        { "teapot", 400, ERR_COLLECTION },
    };
    NewsFeedState state = { 0 };
    NewsFeedResult got;
    CHECK_OK(&w->t.cx, fetch(w, news_feed_case.url, &state, &got)); /* robots.txt and the like are behind us */
    EACH_ROW (r, rows) {
        NewsFeedState fresh = { .url = news_feed_case.url };
        clock_manual_advance_ms(&w->t.clock, 60000);
        fake_http_reply(w->http, r->status, "", S("<html>no</html>"));
        int code = news_feed_fetch(w->feed, &w->t.cx, &fresh, &got);
        CHECK(code < 0 && w->t.cx.err.text[0]);
        if (r->code)
            CHECK_EQ(code, r->code);
    }
    world_free(w);
}

TEST(a_busy_server_says_when_to_come_back) { /* NWS-18 */
    World *w = world_new();
    NewsFeedState state = { 0 };
    NewsFeedResult got;
    CHECK_OK(&w->t.cx, fetch(w, news_feed_case.url, &state, &got));
    clock_manual_advance_ms(&w->t.clock, 60000);
    fake_http_reply(w->http, 429, "Retry-After: 90\n", S(""));
    NewsFeedState fresh = { .url = news_feed_case.url };
    CHECK_EQ(news_feed_fetch(w->feed, &w->t.cx, &fresh, &got), ERR_LIMIT);
    CHECK_EQ(w->t.cx.err.retry_after_ms, 90000);
    world_free(w);
}

TESTS(T(items_come_with_all_their_fields), T(what_is_made_up_is_said_to_be), T(the_next_fetch_brings_what_is_new),
      T(a_call_that_is_over_asks_nobody), T(failures_have_codes_and_words), T(a_busy_server_says_when_to_come_back))
