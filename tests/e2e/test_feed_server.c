/* Feeds over real sockets: adapters/feed/web on libcurl against sim/feed_server (NWS-17, NWS-18). */

#include "lib/test.h"

#include "adapters/clock/system.h"
#include "adapters/feed/web.h"
#include "adapters/http/curl.h"
#include "sim/feed_server.h"

typedef struct Fixture {
    Clock clock;
    Arena arena;
    Ctx cx;
    FeedServer *server;
    HttpClient *http;
    NewsFeed *feed;
    NewsFeedResult got;
} Fixture;

static void fixture_init(Fixture *f, bool allow_private) {
    *f = (Fixture){ 0 };
    clock_system_init(&f->clock);
    ctx_init(&f->cx, &f->arena, &f->clock);
    if (feed_server_start(&f->cx, &(FeedServerOptions){ .seed = 3, .clock = &f->clock }, &f->server) != 0 ||
        http_curl_open(&f->cx, &(HttpCurlOptions){ 0 }, &f->http) != 0)
        FAIL("%s", f->cx.err.text);
    f->feed = feed_web_open(&(FeedWebOptions){
        .http = f->http, .gap_ms = -1, .timeout_ms = 2000, .max_bytes = 4 << 20, .allow_private = allow_private });
}

static void fixture_done(Fixture *f) {
    news_feed_close(f->feed);
    http_client_close(f->http);
    feed_server_stop(f->server);
    arena_done(&f->arena);
}

static int fetch(Fixture *f, const char *path) {
    Str url = str_fmt(&f->arena, "http://127.0.0.1:%d%s", feed_server_port(f->server), path);
    NewsFeedState state = { .url = url };
    return news_feed_fetch(f->feed, &f->cx, &state, &f->got);
}

TEST(every_kind_of_feed_is_read) {
    static const struct {
        const char *name;
        FeedFormat format;
        size_t n;
    } rows[] = {
        { "/coindesk/rss", FEED_RSS_20, FEED_SIM_ARTICLES }, { "/cointelegraph/rss", FEED_RSS_20, FEED_SIM_ARTICLES },
        { "/atom", FEED_ATOM_10, FEED_SIM_ARTICLES },        { "/rdf", FEED_RSS_10, FEED_SIM_ARTICLES },
        { "/feed.json", FEED_JSON_11, FEED_SIM_ARTICLES },   { "/koi8/rss", FEED_RSS_20, 2 },
    };
    Fixture f;
    fixture_init(&f, true);
    EACH_ROW (r, rows) {
        CHECK_OK(&f.cx, fetch(&f, r->name));
        CHECK_EQ(f.got.feed.format, r->format);
        CHECK_EQ(f.got.feed.n_items, r->n);
        CHECK(!f.got.feed.malformed);
        CHECK(f.got.simulated);
    }
    fixture_done(&f);
}

TEST(an_unchanged_feed_is_not_sent_again) {
    Fixture f;
    fixture_init(&f, true);
    int same = 0;
    for (int i = 0; i < 3 && same != NEWS_FEED_SAME; i++) { /* once in ten minutes an article comes between the two */
        CHECK_OK(&f.cx, fetch(&f, "/atom"));
        NewsFeedState state = f.got.next;
        same = news_feed_fetch(f.feed, &f.cx, &state, &f.got);
    }
    CHECK_EQ(same, NEWS_FEED_SAME);
    fixture_done(&f);
}

/* Each ends by itself, in bounded time and memory, with words. */
TEST(hostile_servers_do_no_harm) {
    static const struct {
        const char *name;
        int want;
    } rows[] = {
        { "/hostile/redirect-loop", ERR_COLLECTION },
        { "/hostile/redirect-private", 0 }, /* refused or unreachable: below */
        { "/hostile/zip-bomb", ERR_TOO_LARGE },
        { "/hostile/huge", ERR_TOO_LARGE },
        { "/hostile/endless", ERR_TOO_LARGE },
        { "/hostile/drip", ERR_TIMEOUT },
        { "/hostile/stall", ERR_TIMEOUT },
        { "/hostile/cut", ERR_COLLECTION },
        { "/hostile/deep", ERR_TOO_LARGE },
        { "/hostile/gone", NEWS_FEED_GONE },
        { "/hostile/page", ERR_COLLECTION },
        { "/private/rss", ERR_DENIED },
    };
    Fixture f;
    fixture_init(&f, true);
    EACH_ROW (r, rows) {
        if (r->want == 0)
            continue;
        MonoNs began = clock_mono(&f.clock);
        CHECK_EQ(fetch(&f, r->name), r->want);
        CHECK(r->want > 0 || f.cx.err.text[0]);
        CHECK(mono_ms_between(began, clock_mono(&f.clock)) < 60000);
        CHECK(f.arena.used < (size_t)256 << 20);
    }
    static const char *const readable[] = { "/hostile/entity-bomb", "/hostile/external-entity",
                                            "/hostile/truncated",   "/hostile/charset",
                                            "/hostile/attributes",  "/hostile/script",
                                            "/hostile/nul",         "/hostile/moved" };
    for (size_t i = 0; i < ARRAY_LEN(readable); i++)
        CHECK_OK(&f.cx, fetch(&f, readable[i]));
    fixture_done(&f);
}

TEST(an_address_that_is_not_public_is_refused) {
    Fixture f;
    fixture_init(&f, false);
    CHECK_EQ(fetch(&f, "/atom"), ERR_DENIED);
    CHECK_EQ(feed_server_requests(f.server), 0);
    fixture_done(&f);
}

TESTS(T(every_kind_of_feed_is_read), T(an_unchanged_feed_is_not_sent_again), T(hostile_servers_do_no_harm),
      T(an_address_that_is_not_public_is_refused))
