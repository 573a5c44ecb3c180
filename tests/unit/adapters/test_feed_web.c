/* Feeds of the web over a scripted HTTP: conditional requests, redirects, politeness, hostile servers (NWS-17, NWS-18). */

#include "adapters/feed/web.h"
#include "sim_news.h"
#include "test.h"

#include <pthread.h>

typedef struct World {
    TestCtx t;
    FakeHttp *http;
    NewsFeed *feed;
    NewsFeedResult got;
} World;

static World *world_new(FeedWebOptions o) {
    World *w = mem_new(World);
    test_ctx_init(&w->t);
    w->http = fake_http_new();
    fake_http_serve(w->http, sim_news_serve, NULL);
    o.http = fake_http_client(w->http);
    w->feed = feed_web_open(&o);
    return w;
}

static void world_free(World *w) {
    news_feed_close(w->feed);
    fake_http_free(w->http);
    test_ctx_done(&w->t);
    mem_free(w);
}

static int fetch(World *w, const char *url) {
    NewsFeedState state = { .url = str_c(url) };
    return news_feed_fetch(w->feed, &w->t.cx, &state, &w->got);
}

static bool has(const World *w, const char *words) {
    return strstr(w->t.cx.err.text, words) != NULL;
}

static bool last_asked(World *w, const char *part) {
    size_t n = fake_http_n(w->http);
    return n > 0 && str_find(fake_http_url(w->http, n - 1), str_c(part)) >= 0;
}

TEST(unchanged_feeds_are_not_sent_again) { /* NWS-17 */
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    NewsFeedState state = { .url = S("http://a.example/atom") };
    CHECK_OK(&w->t.cx, news_feed_fetch(w->feed, &w->t.cx, &state, &w->got));
    state = w->got.next;
    CHECK(str_starts(state.etag, S("W/\"")) && state.last_modified.n);
    CHECK_EQ(news_feed_fetch(w->feed, &w->t.cx, &state, &w->got), NEWS_FEED_SAME);
    CHECK_STR(w->got.next.etag, state.etag);
    CHECK_EQ(w->got.feed.n_items, 0);
    clock_manual_advance_ms(&w->t.clock, FEED_SIM_EVERY_S * 1000);
    CHECK_OK(&w->t.cx, news_feed_fetch(w->feed, &w->t.cx, &state, &w->got));
    world_free(w);
}

TEST(a_feed_is_not_asked_before_it_wants_to_be) {
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    fake_http_reply(w->http, 404, "", S(""));
    fake_http_reply(w->http, 200, "Content-Type: text/xml\nCache-Control: public, max-age=300\n",
                    S("<rss version=\"2.0\"><channel><item><title>x</title></item></channel></rss>"));
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/rss"));
    NewsFeedState state = w->got.next;
    CHECK_EQ(news_feed_fetch(w->feed, &w->t.cx, &state, &w->got), NEWS_FEED_EARLY);
    CHECK_EQ(w->got.wait_ms, 300000);
    CHECK_EQ(fake_http_n(w->http), 2);
    world_free(w);
}

TEST(permanent_redirects_are_remembered_and_others_not) { /* NWS-18 */
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/hostile/moved"));
    CHECK(w->got.moved);
    CHECK_STR(w->got.next.url, S("http://a.example/coindesk/rss"));
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/hostile/found"));
    CHECK(!w->got.moved);
    CHECK_STR(w->got.next.url, S("http://a.example/hostile/found"));
    CHECK_EQ(fetch(w, "http://a.example/hostile/redirect-loop"), ERR_COLLECTION);
    CHECK(has(w, "redirects"));
    world_free(w);
}

TEST(a_redirect_to_a_private_address_is_refused) { /* NWS-18 */
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    CHECK_EQ(fetch(w, "http://a.example/hostile/redirect-private"), ERR_DENIED);
    CHECK(!last_asked(w, "169.254"));
    CHECK_EQ(fetch(w, "http://127.0.0.1/rss"), ERR_DENIED);
    CHECK_EQ(fetch(w, "file:///etc/passwd"), ERR_INVALID);
    world_free(w);
}

/* What the operator allows is the address he names, not those that it names. */
TEST(one_private_address_cannot_send_us_to_another) { /* NWS-18 */
    World *w = world_new((FeedWebOptions){ .gap_ms = -1, .allow_private = true });
    CHECK_EQ(fetch(w, "http://127.0.0.1/hostile/redirect-private"), ERR_DENIED);
    CHECK(!last_asked(w, "169.254"));
    CHECK(has(w, "not a public address"));
    CHECK_OK(&w->t.cx, fetch(w, "http://127.0.0.1/hostile/moved"));
    world_free(w);
}

TEST(robots_txt_is_obeyed_and_asked_once) { /* NWS-18 */
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    CHECK_EQ(fetch(w, "http://a.example/private/rss"), ERR_DENIED);
    CHECK(has(w, "robots.txt"));
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/rdf"));
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/atom"));
    CHECK_EQ(fake_http_n_with(w->http, "robots.txt"), 1);
    clock_manual_advance_ms(&w->t.clock, 25 * 3600 * 1000);
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/rdf"));
    CHECK_EQ(fake_http_n_with(w->http, "robots.txt"), 2);
    world_free(w);
}

TEST(robots_txt_that_cannot_be_read_forbids_for_a_while) {
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    fake_http_reply(w->http, 500, "", S(""));
    CHECK_EQ(fetch(w, "http://a.example/rdf"), ERR_UNAVAILABLE);
    CHECK_EQ(fetch(w, "http://a.example/rdf"), ERR_UNAVAILABLE);
    CHECK_EQ(fake_http_n(w->http), 1);
    clock_manual_advance_ms(&w->t.clock, 11 * 60 * 1000);
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/rdf"));
    world_free(w);
}

TEST(a_host_gets_its_pause) { /* NWS-18 */
    World *w = world_new((FeedWebOptions){ .gap_ms = 4000, .patience_ms = 5000 });
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/rdf"));
    Time before = clock_wall(w->t.cx.clock);
    CHECK_OK(&w->t.cx, fetch(w, "http://b.example/rdf")); /* another host waits for nobody */
    CHECK_EQ(clock_wall(w->t.cx.clock).ms, before.ms);
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/atom"));
    CHECK_EQ(clock_wall(w->t.cx.clock).ms, before.ms + 4000);
    world_free(w);
}

TEST(retry_after_holds_for_the_whole_host) { /* NWS-18 */
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    CHECK_EQ(fetch(w, "http://a.example/hostile/busy"), ERR_UNAVAILABLE);
    CHECK_EQ(w->t.cx.err.retry_after_ms, 30000);
    CHECK_EQ(fetch(w, "http://a.example/rdf"), NEWS_FEED_EARLY);
    CHECK_EQ(w->got.wait_ms, 30000);
    clock_manual_advance_ms(&w->t.clock, 30000);
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/rdf"));
    world_free(w);
}

TEST(hostile_servers_get_clear_words) {
    static const struct {
        const char *name;
        int want;
        const char *words;
    } rows[] = {
        { "gone", NEWS_FEED_GONE, NULL },
        { "missing", ERR_NOT_FOUND, "nothing at this address" },
        { "forbidden", ERR_DENIED, "does not let us" },
        { "page", ERR_COLLECTION, "an HTML page" },
        { "empty", ERR_COLLECTION, "nothing" },
        { "limited", ERR_LIMIT, "too many" },
        { "huge", ERR_TOO_LARGE, "larger than" },
        { "endless", ERR_TOO_LARGE, "larger than" },
        { "drip", ERR_TIMEOUT, "no answer" },
        { "stall", ERR_TIMEOUT, "no answer" },
        { "cut", ERR_COLLECTION, "cut short" },
        { "deep", ERR_TOO_LARGE, "deeper" },
    };
    EACH_ROW (r, rows) {
        World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
        char url[64];
        snprintf(url, sizeof url, "http://a.example/hostile/%s", r->name);
        CHECK_EQ(fetch(w, url), r->want);
        if (r->words)
            CHECK(has(w, r->words) && has(w, "a.example"));
        world_free(w);
    }
}

TEST(hostile_documents_are_read_as_far_as_they_go) {
    static const struct {
        const char *name;
        size_t n_items;
        const char *title; /* of the first */
    } rows[] = {
        { "entity-bomb", 1, NULL }, { "external-entity", 1, "One" }, { "truncated", 2, "One" }, { "charset", 1, "One" },
        { "attributes", 1, "One" }, { "script", 3, NULL },           { "nul", 1, NULL },
    };
    EACH_ROW (r, rows) {
        World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
        char url[64];
        snprintf(url, sizeof url, "http://a.example/hostile/%s", r->name);
        CHECK_OK(&w->t.cx, fetch(w, url));
        CHECK_EQ(w->got.feed.n_items, r->n_items);
        Str title = feed_text_plain(w->t.cx.arena, w->got.feed.items[0].title);
        if (r->title)
            CHECK_STR(title, str_c(r->title));
        CHECK(title.n < 1000 && str_find(w->got.feed.title.value, S("root:")) < 0);
        Str summary = w->got.feed.items[0].summary.value;
        CHECK(str_find(summary, S("javascript")) < 0 && str_find(summary, S("onerror")) < 0);
        world_free(w);
    }
}

TEST(the_servers_charset_counts) { /* NWS-17 */
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/koi8/rss"));
    CHECK_STR(w->got.feed.items[0].title.value, S("Биткойн растёт"));
    CHECK_STR(w->got.feed.encoding, S("koi8-r"));
    world_free(w);
}

TEST(the_feeds_of_two_publishers_keep_their_fields) { /* NWS-07, NWS-08 */
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/coindesk/rss"));
    const FeedItem *item = &w->got.feed.items[0];
    CHECK_EQ(item->id.n, 36);
    CHECK(str_ends(item->image, S(".jpg")) && item->content.value.n == 0);
    CHECK_EQ(w->got.feed.ttl_minutes, 1);
    CHECK_OK(&w->t.cx, fetch(w, "http://a.example/cointelegraph/rss"));
    item = &w->got.feed.items[0];
    CHECK(str_starts(item->author, S("Cointelegraph by ")));
    CHECK(str_find(item->url, S("utm_source=rss_feed&utm_medium=rss")) > 0);
    CHECK(str_find(item->id, S("utm_")) < 0 && str_starts(item->id, S("https://")));
    CHECK(str_starts(feed_text_plain(w->t.cx.arena, item->summary), item->title.value.n ? S("") : S("x")));
    CHECK_STR(item->tags[0].term, S("Latest News"));
    CHECK_EQ(item->media[0].size, 1);
    world_free(w);
}

typedef struct Reader {
    NewsFeed *feed;
    int n_read;
} Reader;

static void *read_many(void *arg) {
    Reader *r = arg;
    TestCtx t;
    test_ctx_init(&t);
    for (int i = 0; i < 12; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://host%d.example/rdf", i % 4);
        NewsFeedState state = { .url = str_c(url) };
        NewsFeedResult got;
        r->n_read += news_feed_fetch(r->feed, &t.cx, &state, &got) == 0;
        arena_reset(&t.arena);
    }
    test_ctx_done(&t);
    return NULL;
}

TEST(threads_share_what_is_known_of_a_host) {
    World *w = world_new((FeedWebOptions){ .gap_ms = -1 });
    pthread_t threads[4];
    Reader readers[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        readers[i] = (Reader){ .feed = w->feed };
        CHECK_EQ(pthread_create(&threads[i], NULL, read_many, &readers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(readers[i].n_read, 12);
    }
    CHECK(fake_http_n_with(w->http, "robots.txt") >= 4 && fake_http_n_with(w->http, "robots.txt") <= 16);
    world_free(w);
}

TESTS(T(unchanged_feeds_are_not_sent_again), T(a_feed_is_not_asked_before_it_wants_to_be),
      T(permanent_redirects_are_remembered_and_others_not), T(a_redirect_to_a_private_address_is_refused),
      T(one_private_address_cannot_send_us_to_another), T(robots_txt_is_obeyed_and_asked_once),
      T(robots_txt_that_cannot_be_read_forbids_for_a_while), T(a_host_gets_its_pause),
      T(retry_after_holds_for_the_whole_host), T(hostile_servers_get_clear_words),
      T(hostile_documents_are_read_as_far_as_they_go), T(the_servers_charset_counts),
      T(the_feeds_of_two_publishers_keep_their_fields), T(threads_share_what_is_known_of_a_host))
