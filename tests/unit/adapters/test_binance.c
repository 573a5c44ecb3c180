/* tests/unit/adapters/test_binance.c - what is Binance's own about its feed; the port's contract is in
 * tests/contract/market_feed.c. No sockets: the venue is a fake (PRI-06). */

#include "adapters/market/binance.h"
#include "fake_binance.h"
#include "test.h"

static const Timeframe M1 = { UNIT_MINUTE, 1 };
static const Timeframe MONTH = { UNIT_MONTH, 1 };

typedef struct World {
    TestCtx t;
    Candles candles;
    FakeBinance venue;
    BinanceOptions options;
    MarketFeed *feed;
    int64_t n_rows;
    int n_open;
    Time last_open;
} World;

/* n minutes that end with the running one of the test clock. */
static void begin(World *w, int64_t n) {
    *w = (World){ .n_rows = 0 };
    test_ctx_init(&w->t);
    clock_manual_advance_ms(&w->t.clock, 30000);
    candles_init(&w->candles, &w->t.arena, (size_t)n);
    Time running = timeframe_floor(M1, clock_wall(w->t.cx.clock));
    for (int64_t i = n - 1; i >= 0; i--) {
        Candle c = { .open_time = timeframe_step(M1, running, -i), .open = 1, .high = 2, .low = 0.5, .close = 1.5 };
        candles_push(&w->candles, &c);
    }
    fake_binance_init(&w->venue, M1, &w->candles);
    w->options = (BinanceOptions){ .http = fake_http_client(w->venue.http), .seed = 3 };
}

static void open_feed(World *w) {
    if (market_binance_open(&w->t.cx, &w->options, &w->feed))
        FAIL("%s", w->t.cx.err.text);
}

static void end(World *w) {
    market_feed_close(w->feed);
    fake_binance_done(&w->venue);
    test_ctx_done(&w->t);
}

static int count_page(void *arg, Ctx *cx, const FeedPage *page) {
    World *w = arg;
    UNUSED(cx);
    w->n_rows += (int64_t)page->rows->n;
    for (size_t i = 0; i < page->rows->n; i++)
        if (page->rows->flags[i] & CANDLE_OPEN) {
            w->n_open++;
            w->last_open = time_ms(page->rows->open_ms[i]);
        }
    return 0;
}

static int collect(World *w, Timeframe tf, int64_t from, int64_t to) {
    w->n_rows = w->n_open = 0;
    return market_feed_collect(w->feed, &w->t.cx, w->venue.symbol, tf, time_ms(from), time_ms(to), count_page, w);
}

TEST(requests_are_spelt_as_the_venue_wants_them) {
    World w;
    Listing *listings;
    size_t n;
    Time at;
    begin(&w, 10);
    w.options.base_url = S("https://binance.example/binance//");
    open_feed(&w);
    int64_t first = w.candles.open_ms[0];
    CHECK_OK(&w.t.cx, collect(&w, M1, first, first + 3 * MS_PER_MINUTE));
    CHECK_EQ(w.n_rows, 3);
    CHECK_STR(fake_http_url(w.venue.http, 0), S("https://binance.example/binance/api/v3/exchangeInfo?symbol=BTCUSDT"));
    CHECK_STR(fake_http_url(w.venue.http, 1),
              str_fmt(&w.t.arena,
                      "https://binance.example/binance/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=%lld"
                      "&endTime=%lld&limit=1000",
                      (long long)first, (long long)first + 3 * MS_PER_MINUTE - 1));
    CHECK_OK(&w.t.cx, market_feed_symbols(w.feed, &w.t.cx, &listings, &n));
    CHECK_STR(fake_http_url(w.venue.http, 2), S("https://binance.example/binance/api/v3/exchangeInfo"));
    CHECK_STR(venue_str(&listings[0].venue), S("binance"));
    CHECK_OK(&w.t.cx, market_feed_server_time(w.feed, &w.t.cx, &at));
    CHECK_STR(fake_http_url(w.venue.http, 3), S("https://binance.example/binance/api/v3/time"));
    CHECK_OK(&w.t.cx, market_feed_first_candle(w.feed, &w.t.cx, w.venue.symbol, MONTH, &at));
    CHECK(str_find(fake_http_url(w.venue.http, 4), S("&interval=1M&startTime=0&")) > 0); /* not 1m */
    end(&w);

    begin(&w, 10); /* letters that mean something in a query */
    open_feed(&w);
    CHECK(symbol_parse(S("A/B=C:D"), &w.venue.symbol));
    CHECK_OK(&w.t.cx, market_feed_server_time(w.feed, &w.t.cx, &at));
    CHECK_EQ(collect(&w, M1, first, first + 1), FEED_NO_SYMBOL); /* the fake reads what was sent: not unescaped */
    CHECK_STR(fake_http_url(w.venue.http, 1), S(BINANCE_BASE_URL "/api/v3/exchangeInfo?symbol=A%2FB%3DC%3AD"));
    end(&w);
}

TEST(options_that_cannot_be_are_refused) {
    static const struct {
        const char *name, *base_url, *venue;
        int want;
    } rows[] = {
        { "standard", "", "", 0 },
        { "other venue", "https://api.binance.us", "binance-us", 0 },
        { "no URL", "api.binance.com", "", ERR_INVALID },
        { "with credentials", "https://me:secret@api.binance.com", "", ERR_INVALID },
        { "with a query", "https://api.binance.com/?x=1", "", ERR_INVALID },
        { "a name with a blank", "", "my venue", ERR_INVALID },
    };
    World w;
    begin(&w, 1);
    EACH_ROW (r, rows) {
        w.options.base_url = str_c(r->base_url);
        w.options.name = str_c(r->venue);
        w.feed = NULL;
        CHECK_EQ(market_binance_open(&w.t.cx, &w.options, &w.feed), r->want);
        w.feed = market_feed_close(w.feed);
    }
    CHECK_EQ(fake_http_n(w.venue.http), 0);
    end(&w);
}

TEST(private_base_urls_need_permission) {
    World w;
    Time at;
    begin(&w, 1);
    w.options.base_url = S("http://127.0.0.1:9999");
    open_feed(&w);
    CHECK_EQ(market_feed_server_time(w.feed, &w.t.cx, &at), ERR_DENIED);
    CHECK_EQ(fake_http_n(w.venue.http), 0);
    market_feed_close(w.feed);
    w.options.allow_private = true;
    open_feed(&w);
    CHECK_OK(&w.t.cx, market_feed_server_time(w.feed, &w.t.cx, &at));
    end(&w);
}

TEST(the_venues_clock_decides_what_is_closed) {
    static const struct {
        const char *name;
        int64_t ahead_ms;
        int64_t open_minute; /* of the open candle, counted from our running minute; the venue has candles up to it */
    } rows[] = { { "same", 0, 0 }, { "venue is behind", -45000, -1 }, { "venue is ahead", 29000, 0 } };
    EACH_ROW (r, rows) {
        World w;
        begin(&w, 10);
        test_row_name = r->name;
        w.venue.ahead_ms = r->ahead_ms;
        open_feed(&w);
        CHECK_OK(&w.t.cx, collect(&w, M1, w.candles.open_ms[0], INT64_MAX));
        CHECK_EQ(w.n_open, 1);
        CHECK_EQ(w.last_open.ms, w.candles.open_ms[9] + r->open_minute * MS_PER_MINUTE);
        end(&w);
    }
}

/* The answer was made before it came: a candle that closed on its way is not closed in it. */
TEST(a_candle_that_closes_while_the_answer_travels_is_open) {
    World w;
    begin(&w, 10);
    open_feed(&w);
    CHECK_OK(&w.t.cx, collect(&w, M1, w.candles.open_ms[0], w.candles.open_ms[1]));
    fake_http_latency_ms(w.venue.http, 40000); /* leaves at 0:30, is answered and arrives at 1:10 */
    CHECK_OK(&w.t.cx, collect(&w, M1, w.candles.open_ms[0], INT64_MAX));
    CHECK_EQ(w.n_open, 1);
    end(&w);
}

TEST(limits_are_asked_for_once_an_hour) {
    World w;
    begin(&w, 10);
    open_feed(&w);
    for (int i = 0; i < 5; i++) {
        CHECK_OK(&w.t.cx, collect(&w, M1, w.candles.open_ms[0], w.candles.open_ms[5]));
        clock_manual_advance_ms(&w.t.clock, 11 * MS_PER_MINUTE);
    }
    CHECK_EQ(fake_http_n_with(w.venue.http, "exchangeInfo"), 1);
    w.venue.weight_limit = 1200;
    clock_manual_advance_ms(&w.t.clock, 11 * MS_PER_MINUTE);
    CHECK_OK(&w.t.cx, collect(&w, M1, w.candles.open_ms[0], w.candles.open_ms[5]));
    CHECK_EQ(fake_http_n_with(w.venue.http, "exchangeInfo"), 2);
    FeedLimits limits;
    market_feed_limits(w.feed, &limits);
    CHECK_EQ(limits.weight_limit, 1200);
    end(&w);
}

TEST(a_budget_that_is_spent_is_waited_for_or_refused) {
    World w;
    begin(&w, 60000);
    w.venue.weight_limit = 100; /* 80 for us: exchangeInfo and 30 pages */
    open_feed(&w);
    CHECK_OK(&w.t.cx, collect(&w, M1, w.candles.open_ms[0], w.candles.open_ms[0] + INT64_C(50000) * MS_PER_MINUTE));
    CHECK_EQ(w.n_rows, 50000);
    CHECK(w.venue.most_weight <= 80);
    FeedLimits limits;
    market_feed_limits(w.feed, &limits);
    CHECK_EQ(limits.waited_ms, 30000); /* from 0:30 to the next minute */
    CHECK_EQ(limits.requests, 51);

    w.t.cx.deadline = mono_add_ms(clock_mono(w.t.cx.clock), 10000);
    CHECK_EQ(collect(&w, M1, w.candles.open_ms[0], INT64_MAX), ERR_LIMIT);
    CHECK(w.t.cx.err.retry_after_ms > 10000 && w.t.cx.err.retry_after_ms <= 60000);
    CHECK(strstr(w.t.cx.err.text, "binance: klines BTCUSDT 1m"));
    CHECK(w.venue.most_weight <= 80);
    end(&w);
}

/* In a simulation a sleeping call runs others above it on the same stack (sim/world.h): what waits for the limits
 * that a call below is asking for would wait for ever. */
typedef struct Nested {
    World *w;
    bool inside;
    int r;
    int64_t waited_ms;
} Nested;

static int ask_again_above(void *arg, Ctx *cx, const HttpRequest *req, HttpResponse *out) {
    Nested *n = arg;
    if (!n->inside) {
        n->inside = true;
        int64_t began = clock_wall(cx->clock).ms;
        n->r = collect(n->w, M1, n->w->candles.open_ms[0], n->w->candles.open_ms[5]);
        n->waited_ms = clock_wall(cx->clock).ms - began;
    }
    return fake_binance_serve(&n->w->venue, cx, req, out);
}

TEST(nobody_waits_for_ever_for_the_limits) {
    World w;
    begin(&w, 10);
    open_feed(&w);
    Nested nested = { .w = &w, .r = -1 };
    fake_http_serve(w.venue.http, ask_again_above, &nested);
    CHECK_OK(&w.t.cx, collect(&w, M1, w.candles.open_ms[0], w.candles.open_ms[5]));
    CHECK_EQ(nested.r, 0);
    CHECK(nested.waited_ms >= 1000 && nested.waited_ms <= 3000);
    CHECK_EQ(w.n_rows, 10); /* of both */
    end(&w);
}

/* --- threads --- */

enum { THREADS = 4, PAGES = 25 };

static void *collect_alone(void *arg) {
    World *w = arg;
    World mine = { .candles = w->candles, .feed = w->feed };
    mine.venue.symbol = w->venue.symbol;
    arena_init(&mine.t.arena, 0);
    ctx_init(&mine.t.cx, &mine.t.arena, &w->t.clock.clock);
    int r = collect(&mine, M1, w->candles.open_ms[0], w->candles.open_ms[0] + (int64_t)PAGES * 1000 * MS_PER_MINUTE);
    arena_done(&mine.t.arena);
    return (void *)(intptr_t)(r == 0 && mine.n_rows == PAGES * 1000);
}

/* MDS-19 with real threads: they ask for more than five minutes of budget, and share it. */
TEST(threads_share_one_budget) {
    World w;
    pthread_t threads[THREADS];
    begin(&w, PAGES * 1000 + 10);
    w.venue.weight_limit = 60;
    open_feed(&w);
    CHECK_OK(&w.t.cx, collect(&w, M1, w.candles.open_ms[0], w.candles.open_ms[1])); /* learns the limit */
    int64_t began = clock_wall(w.t.cx.clock).ms;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, collect_alone, &w);
    for (int i = 0; i < THREADS; i++) {
        void *good;
        pthread_join(threads[i], &good);
        CHECK(good);
    }
    CHECK(w.venue.most_weight <= 48);
    CHECK(clock_wall(w.t.cx.clock).ms - began >= 3 * MS_PER_MINUTE);
    CHECK_EQ(fake_http_n_with(w.venue.http, "exchangeInfo"), 1);
    CHECK_EQ(fake_http_n_with(w.venue.http, "klines"), 1 + THREADS * PAGES);
    end(&w);
}

TESTS(T(requests_are_spelt_as_the_venue_wants_them), T(options_that_cannot_be_are_refused),
      T(private_base_urls_need_permission), T(the_venues_clock_decides_what_is_closed),
      T(a_candle_that_closes_while_the_answer_travels_is_open), T(limits_are_asked_for_once_an_hour),
      T(a_budget_that_is_spent_is_waited_for_or_refused), T(nobody_waits_for_ever_for_the_limits),
      T(threads_share_one_budget))
