/* The contract of ports/market_feed.h, run against every adapter (MDS-18, PRI-05). */

#include "contract/market_feed.h"

#include "base/vec.h"

enum { N = 2500 }; /* two pages of 1,000 and one that is shorter */

static const Timeframe M1 = { UNIT_MINUTE, 1 };

typedef struct World {
    TestCtx t;
    Candles candles; /* what the venue has */
    Time first;      /* place of the first one, should it be missing too */
    FeedVenue *venue;
    MarketFeed *feed;
    Symbol symbol;
    Candles got;   /* what was collected */
    FeedPage last; /* its rows are gone */
    Time pages_to; /* end of the windows seen so far */
    int n_pages, stop_at;
} World;

static Time now_of(World *w) {
    return clock_wall(w->t.cx.clock);
}

static void add_candle(Candles *cs, int64_t ms) {
    double p = 100 + (double)(ms / 1000 % 9973) / 100;
    Candle c = { .open_time = time_ms(ms), .open = p, .high = p + 1.01, .low = p - 0.03, .close = p + 0.5 };
    c.volume = round(p / 7 * 1e8) / 1e8; /* no venue trades finer */
    candles_push(cs, &c);
}

static size_t page_rows(void) {
    return venue_maker.page ? venue_maker.page : 1000;
}

static size_t pages_of(size_t n) {
    return (n + page_rows() - 1) / page_rows();
}

/* A place that nobody traded in, as such a venue shows it. */
static void add_flat(Candles *cs, int64_t ms) {
    double p = cs->n ? cs->close[cs->n - 1] : 100;
    Candle c = { .open_time = time_ms(ms), .open = p, .high = p, .low = p, .close = p };
    candles_push(cs, &c);
}

/* Candles of the last n places, the running one included, without those of [hole, hole + length). */
static void make_candles(World *w, Timeframe tf, int64_t n, int64_t hole, int64_t length) {
    Time at = timeframe_floor(tf, now_of(w));
    int64_t *places = arena_new_n(&w->t.arena, int64_t, n);
    for (int64_t i = n - 1; i >= 0; at = timeframe_step(tf, at, -1))
        if (!venue_maker.is_open || venue_maker.is_open(tf, at))
            places[i--] = at.ms;
    candles_init(&w->candles, &w->t.arena, (size_t)n);
    w->first = time_ms(places[0]);
    for (int64_t i = 0; i < n; i++)
        if (i < hole || i >= hole + length)
            add_candle(&w->candles, places[i]);
        else if (venue_maker.flat)
            add_flat(&w->candles, places[i]);
}

static void begin_world(World *w, Timeframe tf) {
    w->venue = venue_maker.open(&w->t, tf, &w->candles);
    w->feed = venue_maker.feed(w->venue);
    symbol_parse(str_c(venue_maker.symbol ? venue_maker.symbol : "BTCUSDT"), &w->symbol);
}

static void prepare(World *w) {
    *w = (World){ .stop_at = -1 };
    test_ctx_init(&w->t);
    if (venue_maker.start_ms)
        clock_manual_set_wall(&w->t.clock, time_ms(venue_maker.start_ms));
    clock_manual_advance_ms(&w->t.clock, 17 * 1000); /* in mid-minute */
}

static void begin(World *w) {
    prepare(w);
    make_candles(w, M1, N, N, 0);
    begin_world(w, M1);
}

static void end(World *w) {
    venue_maker.close(w->venue);
    test_ctx_done(&w->t);
}

static int on_page(void *arg, Ctx *cx, const FeedPage *page) {
    World *w = arg;
    void **state_ = NULL;
    CHECK_EQ(page->from.ms, w->pages_to.ms); /* windows follow one another without a hole */
    CHECK(page->to.ms > page->from.ms);
    CHECK(candles_sorted_unique(page->rows));
    for (size_t i = 0; i < page->rows->n; i++)
        CHECK(page->rows->open_ms[i] >= page->from.ms && page->rows->open_ms[i] < page->to.ms);
    w->pages_to = page->to;
    candles_reserve(&w->got, &w->t.arena, w->got.n + page->rows->n);
    candles_append(&w->got, page->rows, 0, page->rows->n);
    CHECK_EQ(page->n_total, w->got.n);
    w->last = *page;
    if (w->n_pages++ == w->stop_at)
        return err_set(cx, ERR_STORAGE, "no room");
    return 0;
}

static int collect(World *w, Timeframe tf, int64_t from, int64_t to) {
    w->got = (Candles){ 0 };
    w->n_pages = 0;
    w->pages_to = time_ms(from);
    candles_init(&w->got, &w->t.arena, 0);
    return market_feed_collect(w->feed, &w->t.cx, w->symbol, tf, time_ms(from), time_ms(to), on_page, w);
}

/* Exactly the venue's candles of [from, to) came, bit for bit; of the running one a venue shows what it likes. */
static void check_rows(World *w, int64_t from, int64_t to) {
    void **state_ = NULL;
    size_t first = candles_lower_bound(&w->candles, time_ms(from)),
           last = candles_lower_bound(&w->candles, time_ms(to));
    CHECK_EQ(w->got.n, last - first);
    for (size_t i = 0; i < w->got.n; i++) {
        Candle got = candles_get(&w->got, i), want = candles_get(&w->candles, first + i);
        if (got.flags & CANDLE_OPEN)
            CHECK_EQ(got.open_time.ms, want.open_time.ms);
        else if (!candle_same_data(&got, &want))
            FAIL("row %zu at %lld is not the venue's %lld", i, (long long)got.open_time.ms,
                 (long long)want.open_time.ms);
    }
}

static int64_t open_of(World *w, size_t i) {
    return w->candles.open_ms[i];
}

TEST(ranges_are_half_open) {
    World w;
    begin(&w);
    static const struct {
        const char *name;
        size_t from, to;
        int64_t shift; /* of both ends, off the grid */
    } rows[] = {
        { "one candle", 10, 11, 0 },
        { "some", 10, 60, 0 },
        { "ends between candles", 10, 60, 1 },
        { "begins between candles", 10, 60, -1 },
        { "the first", 0, 1, 0 },
    };
    EACH_ROW (r, rows) {
        int64_t from = open_of(&w, r->from) + r->shift, to = open_of(&w, r->to) + r->shift;
        CHECK_OK(&w.t.cx, collect(&w, M1, from, to));
        check_rows(&w, from, to);
        CHECK_EQ(w.pages_to.ms, to);
    }
    CHECK_OK(&w.t.cx, collect(&w, M1, open_of(&w, 5), open_of(&w, 5)));
    CHECK_EQ(w.n_pages, 0);
    end(&w);
}

/* MDS-20, MDS-48 */
TEST(long_ranges_come_in_pages_with_the_fewest_requests) {
    const struct {
        const char *name;
        size_t n;
    } rows[] = {
        { "one page", page_rows() }, { "one more", page_rows() + 1 }, { "two pages", 2 * page_rows() }, { "all", N - 1 }
    };
    EACH_ROW (r, rows) {
        if (r->n > N - 1)
            continue;
        World w;
        begin(&w);
        test_row_name = r->name;
        int64_t to = open_of(&w, N - 1), from = open_of(&w, N - 1 - r->n);
        CHECK_OK(&w.t.cx, collect(&w, M1, from, to));
        check_rows(&w, from, to);
        size_t asked = venue_maker.n_requests(w.venue);
        if (r->n <= page_rows() || !venue_maker.flat)
            CHECK_EQ(asked, pages_of(r->n));
        else /* the older ones are made of trades */
            CHECK(asked <= pages_of(page_rows()) + venue_maker.search);
        CHECK_EQ(w.pages_to.ms, to);
        end(&w);
    }
}

TEST(the_running_candle_is_flagged_and_left_out_on_demand) {
    World w;
    begin(&w);
    int64_t from = open_of(&w, N - 10), running = open_of(&w, N - 1);
    CHECK_OK(&w.t.cx, collect(&w, M1, from, INT64_MAX));
    check_rows(&w, from, INT64_MAX);
    for (size_t i = 0; i < w.got.n; i++)
        CHECK_EQ(w.got.flags[i] & CANDLE_OPEN, i == w.got.n - 1 ? CANDLE_OPEN : 0);
    CHECK_EQ(w.got.known_ms[0], now_of(&w).ms);
    CHECK_EQ(w.pages_to.ms, running + MS_PER_MINUTE); /* no window speaks for what has not begun */
    CHECK_OK(&w.t.cx, collect(&w, M1, from, running));
    check_rows(&w, from, running);
    end(&w);
}

TEST(what_lies_ahead_is_empty) {
    World w;
    begin(&w);
    int64_t ahead = now_of(&w).ms + MS_PER_DAY;
    CHECK_OK(&w.t.cx, collect(&w, M1, ahead, ahead + MS_PER_DAY));
    CHECK_EQ(w.got.n, 0);
    CHECK_EQ(venue_maker.n_requests(w.venue), 0);
    end(&w);
}

TEST(years_before_the_listing_cost_one_request) {
    static const int64_t starts[] = { 0, INT64_C(1262304000000), -MS_PER_DAY, INT64_MIN };
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        World w;
        begin(&w);
        CHECK_OK(&w.t.cx, collect(&w, M1, starts[i], INT64_MAX));
        check_rows(&w, starts[i], INT64_MAX);
        CHECK(venue_maker.n_requests(w.venue) <= MAX(pages_of(N) + 1, 4) + venue_maker.search);
        end(&w);
    }
    World w;
    begin(&w);
    CHECK_OK(&w.t.cx, collect(&w, M1, 0, open_of(&w, 0) - MS_PER_DAY)); /* nothing but before it */
    CHECK_EQ(w.got.n, 0);
    CHECK_EQ(w.pages_to.ms, open_of(&w, 0) - MS_PER_DAY);
    CHECK(venue_maker.n_requests(w.venue) <= 2 + venue_maker.search);
    end(&w);
}

TEST(gaps_stay_gaps_and_end_nothing) {
    static const struct {
        const char *name;
        int64_t n, from, length; /* candles in all, and the hole, counted from the first */
    } rows[] = {
        { "within a page", 2500, 100, 60 },        { "over a page's end", 2500, 990, 30 },
        { "from a page's end on", 2500, 1000, 7 }, { "longer than a page", 6000, 500, 2500 },
        { "exactly a page", 4000, 1000, 1000 },    { "all but the first and the last", 5000, 1, 4998 },
        { "before the end", 1500, 1400, 99 },
    };
    EACH_ROW (r, rows) {
        World w;
        prepare(&w);
        test_row_name = r->name;
        make_candles(&w, M1, r->n, r->from, r->length);
        begin_world(&w, M1);
        CHECK_OK(&w.t.cx, collect(&w, M1, w.first.ms, INT64_MAX));
        check_rows(&w, w.first.ms, INT64_MAX);
        CHECK(venue_maker.n_requests(w.venue) <= pages_of((size_t)(r->n - r->length)) + 4 + venue_maker.search);
        end(&w);
    }
}

/* 2018-02: after the outage of a venue its open times stood off the minute. */
TEST(misaligned_open_times_are_kept) {
    World w;
    if (venue_maker.on_grid)
        return;
    prepare(&w);
    Time running = timeframe_floor(M1, now_of(&w));
    candles_init(&w.candles, &w.t.arena, N);
    for (int64_t i = N - 1; i >= 0; i--)
        add_candle(&w.candles, timeframe_step(M1, running, -i).ms + (i > 700 && i < 1900 ? 18123 : 0));
    begin_world(&w, M1);
    CHECK_OK(&w.t.cx, collect(&w, M1, open_of(&w, 0), INT64_MAX));
    check_rows(&w, open_of(&w, 0), INT64_MAX);
    end(&w);
}

TEST(every_timeframe_pages_on_its_own_calendar) {
    const Timeframe *tfs;
    size_t n;
    World w;
    begin(&w);
    CHECK_OK(&w.t.cx, market_feed_timeframes(w.feed, &tfs, &n));
    CHECK(n >= 1);
    end(&w);
    for (size_t i = 0; i < n; i++) {
        char text[TIMEFRAME_TEXT_MAX + 1] = { 0 };
        prepare(&w);
        timeframe_text(tfs[i], text);
        test_row_name = text;
        make_candles(&w, tfs[i], tfs[i].unit == UNIT_MONTH ? 84 : tfs[i].unit >= UNIT_WEEK ? 380 : 1200, 1200, 0);
        begin_world(&w, tfs[i]);
        CHECK_OK(&w.t.cx, collect(&w, tfs[i], open_of(&w, 0), INT64_MAX));
        check_rows(&w, open_of(&w, 0), INT64_MAX);
        size_t asked = venue_maker.n_requests(w.venue);
        CHECK(asked >= 1 &&
              asked <= pages_of(w.candles.n) + (venue_maker.flat || venue_maker.is_open ? venue_maker.search : 0));
        end(&w);
        test_row_name = NULL;
    }
    begin(&w);
    CHECK_EQ(collect(&w, (Timeframe){ UNIT_MINUTE, 7 }, open_of(&w, 0), INT64_MAX), ERR_INVALID);
    CHECK_EQ(w.n_pages, 0);
    end(&w);
}

TEST(answers_that_are_odd_are_put_right) {
    static const struct {
        const char *name;
        VenueFault fault;
    } rows[] = {
        { "empty", VENUE_EMPTY }, { "short", VENUE_SHORT },         { "duplicates", VENUE_DUPLICATE },
        { "stray", VENUE_STRAY }, { "microseconds", VENUE_MICROS }, { "out of order", VENUE_UNSORTED },
    };
    EACH_ROW (r, rows)
        for (int count = 1; count <= 9; count += 8) {
            World w;
            begin(&w);
            test_row_name = r->name;
            if (venue_maker.fault(w.venue, r->fault, r->fault == VENUE_EMPTY ? 1 : count)) {
                CHECK_OK(&w.t.cx, collect(&w, M1, open_of(&w, 0), INT64_MAX));
                check_rows(&w, open_of(&w, 0), INT64_MAX);
            }
            end(&w);
        }
}

TEST(passing_troubles_are_waited_out) {
    static const struct {
        const char *name;
        VenueFault fault;
        int64_t least_ms, most_ms;
    } rows[] = {
        { "429", VENUE_429, 7000, 7100 },
        { "418", VENUE_418, 120000, 120100 },
        { "418 in words", VENUE_418_WORDS, 120000, 121000 },
        { "500", VENUE_500, 0, 1000 },
        { "truncated", VENUE_TRUNCATED, 0, 1000 },
        { "slow", VENUE_SLOW, 15000, 16000 },
    };
    EACH_ROW (r, rows) {
        World w;
        begin(&w);
        test_row_name = r->name;
        int64_t began = now_of(&w).ms;
        if (venue_maker.fault(w.venue, r->fault, 1)) {
            CHECK_OK(&w.t.cx, collect(&w, M1, open_of(&w, 0), open_of(&w, 100)));
            check_rows(&w, open_of(&w, 0), open_of(&w, 100));
            int64_t took = now_of(&w).ms - began;
            if (r->fault == VENUE_429 && venue_maker.busy_ms)
                CHECK(took >= venue_maker.busy_ms && took <= venue_maker.busy_ms + 100);
            else
                CHECK(took >= r->least_ms && took <= r->most_ms);
            CHECK_EQ(venue_maker.n_requests(w.venue), 2);
            FeedLimits limits;
            market_feed_limits(w.feed, &limits);
            CHECK_EQ(limits.retries, 1);
        }
        end(&w);
    }
}

TEST(lasting_troubles_are_errors_in_words) {
    static const struct {
        const char *name;
        VenueFault fault;
        int code;
        size_t requests; /* at most */
        const char *words;
    } rows[] = {
        { "403", VENUE_403, ERR_COLLECTION, 1, "403" },
        { "500", VENUE_500, ERR_UNAVAILABLE, 5, "500" },
        { "truncated", VENUE_TRUNCATED, ERR_COLLECTION, 5, "line" },
        { "slow", VENUE_SLOW, ERR_TIMEOUT, 5, "answer" },
        { "429", VENUE_429, ERR_LIMIT, 5, "429" },
    };
    EACH_ROW (r, rows) {
        World w;
        begin(&w);
        test_row_name = r->name;
        if (venue_maker.fault(w.venue, r->fault, 1000000)) {
            CHECK_EQ(collect(&w, M1, open_of(&w, 0), open_of(&w, 100)), r->code);
            CHECK_EQ(w.t.cx.err.code, r->code);
            CHECK(venue_maker.n_requests(w.venue) <= r->requests);
            const char *words = r->fault == VENUE_429 && venue_maker.busy_ms ? "limit" : r->words;
            if (!strstr(w.t.cx.err.text, words) || !strstr(w.t.cx.err.text, w.symbol.s))
                FAIL("\"%s\" does not say %s", w.t.cx.err.text, r->words);
            CHECK_EQ(w.n_pages, 0);
        }
        end(&w);
    }
}

TEST(a_ban_longer_than_the_deadline_stops_every_call_until_it_ends) {
    World w;
    begin(&w);
    if (venue_maker.fault(w.venue, VENUE_418, 1)) {
        w.t.cx.deadline = mono_add_ms(clock_mono(w.t.cx.clock), 30000);
        int64_t began = now_of(&w).ms;
        CHECK_EQ(collect(&w, M1, open_of(&w, 0), open_of(&w, 100)), ERR_LIMIT);
        CHECK_EQ(now_of(&w).ms, began); /* at once */
        CHECK_EQ(w.t.cx.err.retry_after_ms, 120000);
        CHECK(strstr(w.t.cx.err.text, "ban"));
        clock_manual_advance_ms(&w.t.clock, 20000);
        CHECK_EQ(collect(&w, M1, open_of(&w, 0), open_of(&w, 100)), ERR_LIMIT);
        CHECK_EQ(w.t.cx.err.retry_after_ms, 100000);
        CHECK_EQ(venue_maker.n_requests(w.venue), 1); /* asking on would only make it longer */
        clock_manual_advance_ms(&w.t.clock, 100000);
        w.t.cx.deadline = (MonoNs){ 0 };
        CHECK_OK(&w.t.cx, collect(&w, M1, open_of(&w, 0), open_of(&w, 100)));
        check_rows(&w, open_of(&w, 0), open_of(&w, 100));
    }
    end(&w);
}

TEST(an_unknown_symbol_is_an_outcome) {
    World w;
    Time at;
    begin(&w);
    CHECK_OK(&w.t.cx, collect(&w, M1, open_of(&w, 0), open_of(&w, 1)));
    symbol_parse(S("NOSUCHCOIN"), &w.symbol);
    CHECK_EQ(collect(&w, M1, open_of(&w, 0), open_of(&w, 10)), FEED_NO_SYMBOL);
    CHECK_EQ(w.n_pages, 0);
    CHECK_EQ(market_feed_first_candle(w.feed, &w.t.cx, w.symbol, M1, &at), FEED_NO_SYMBOL);
    end(&w);
    begin(&w); /* also as the first thing that is ever asked */
    symbol_parse(S("NOSUCHCOIN"), &w.symbol);
    CHECK_EQ(collect(&w, M1, open_of(&w, 0), open_of(&w, 10)), FEED_NO_SYMBOL);
    end(&w);
}

TEST(the_callers_failure_ends_the_collection) {
    World w;
    begin(&w);
    w.stop_at = pages_of(N) > 1;
    CHECK_EQ(collect(&w, M1, open_of(&w, 0), INT64_MAX), ERR_STORAGE);
    CHECK_EQ(w.n_pages, w.stop_at + 1);
    CHECK(strstr(w.t.cx.err.text, "no room"));
    end(&w);
}

TEST(cancel_and_deadline_are_heard) {
    World w;
    atomic_bool cancel = true;
    begin(&w);
    w.t.cx.cancel = &cancel;
    CHECK_EQ(collect(&w, M1, open_of(&w, 0), INT64_MAX), ERR_CANCELLED);
    w.t.cx.cancel = NULL;
    w.t.cx.deadline = clock_mono(w.t.cx.clock);
    CHECK_EQ(collect(&w, M1, open_of(&w, 0), INT64_MAX), ERR_TIMEOUT);
    CHECK_EQ(venue_maker.n_requests(w.venue), 0);
    end(&w);
}

TEST(the_venue_tells_symbols_first_candle_and_clock) {
    World w;
    Listing *listings;
    size_t n;
    Time at;
    bool found = false;
    begin(&w);
    CHECK_OK(&w.t.cx, market_feed_symbols(w.feed, &w.t.cx, &listings, &n));
    for (size_t i = 0; i < n; i++)
        if (symbol_eq(listings[i].symbol, w.symbol)) {
            found = true;
            CHECK(listings[i].venue.s[0]);
            const VenueMaker *m = &venue_maker;
            CHECK_STR(symbol_str(&listings[i].base), str_c(m->base ? m->base : "BTC"));
            CHECK_STR(symbol_str(&listings[i].quote), str_c(m->quote ? m->quote : "USDT"));
            CHECK_STR(symbol_str(&listings[i].instrument), str_c(m->instrument ? m->instrument : "BTC/USDT"));
            CHECK(listings[i].tick.mantissa > 0 || m->is_open);
        }
    CHECK(found);
    CHECK_OK(&w.t.cx, market_feed_first_candle(w.feed, &w.t.cx, w.symbol, M1, &at));
    CHECK_EQ(at.ms, open_of(&w, 0));
    CHECK_OK(&w.t.cx, market_feed_server_time(w.feed, &w.t.cx, &at));
    CHECK_EQ(at.ms, now_of(&w).ms);
    end(&w);
}

TEST(what_is_simulated_says_so) {
    World w;
    begin(&w);
    CHECK(!market_feed_simulated(w.feed)); /* nobody knows yet */
    CHECK_OK(&w.t.cx, collect(&w, M1, open_of(&w, 0), open_of(&w, 3)));
    CHECK_EQ(market_feed_simulated(w.feed), venue_maker.simulated);
    for (size_t i = 0; i < w.got.n; i++)
        CHECK_EQ(w.got.flags[i], venue_maker.simulated ? CANDLE_SIMULATED : 0);
    end(&w);
}

TEST(limits_are_what_the_venue_told) {
    World w;
    FeedLimits limits;
    begin(&w);
    market_feed_limits(w.feed, &limits);
    CHECK_EQ(limits.requests, 0);
    CHECK_EQ(limits.weight_limit, 0);
    CHECK_OK(&w.t.cx, collect(&w, M1, open_of(&w, 0), INT64_MAX));
    market_feed_limits(w.feed, &limits);
    CHECK(limits.requests >= pages_of(N));
    CHECK_EQ(limits.retries, 0);
    if (!venue_maker.paced) {
        CHECK_EQ(limits.weight_limit, 6000);
        CHECK_EQ(limits.window_ms, MS_PER_MINUTE);
        CHECK(limits.weight_used > 0);
        CHECK_EQ(limits.waited_ms, 0);
    }
    end(&w);
}

TESTS(T(ranges_are_half_open), T(long_ranges_come_in_pages_with_the_fewest_requests),
      T(the_running_candle_is_flagged_and_left_out_on_demand), T(what_lies_ahead_is_empty),
      T(years_before_the_listing_cost_one_request), T(gaps_stay_gaps_and_end_nothing),
      T(misaligned_open_times_are_kept), T(every_timeframe_pages_on_its_own_calendar),
      T(answers_that_are_odd_are_put_right), T(passing_troubles_are_waited_out),
      T(lasting_troubles_are_errors_in_words), T(a_ban_longer_than_the_deadline_stops_every_call_until_it_ends),
      T(an_unknown_symbol_is_an_outcome), T(the_callers_failure_ends_the_collection), T(cancel_and_deadline_are_heard),
      T(the_venue_tells_symbols_first_candle_and_clock), T(what_is_simulated_says_so),
      T(limits_are_what_the_venue_told))
