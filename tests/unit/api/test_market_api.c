/* api/market: the operations of the market role, called in process and through the wire's form: both answer alike. */

#include "lib/fake_feed.h"
#include "lib/test.h"

#include "adapters/store/memory.h"
#include "api/call.h"
#include "api/market/market_api.h"
#include "services/market/market.h"

typedef struct Rig {
    TestCtx t;
    FakeFeed fake;
    MarketFeed *feeds[1];
    CandleStore *store;
    MarketService *m;
    ApiCaller *api;
} Rig;

static void rig_init(Rig *r, bool wire) {
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    fake_feed_init(&r->fake);
    r->feeds[0] = &r->fake.feed;
    r->store = store_memory_new();
    r->m = market_service_new(&(MarketOptions){ .store = r->store, .feeds = r->feeds, .n_feeds = 1 });
    ApiRole role = { &market_api, r->m };
    r->api = wire ? api_caller_wire(&role, 1) : api_caller_local(&role, 1);
}

static void rig_done(Rig *r) {
    api_caller_close(r->api);
    market_service_free(r->m);
    candle_store_close(r->store);
    test_ctx_done(&r->t);
}

static Time at(const char *iso) {
    Time t = { 0 };
    if (!time_parse_iso(str_c(iso), &t, NULL))
        FAIL("%s is not a time", iso);
    return t;
}

static DataEnsureResponse ensured(Rig *r, const char *from, const char *to) {
    DataEnsureRequest in = {
        .exchange = S("binance"), .symbol = S("BTCUSDT"), .timeframe = S("1h"), .start = at(from), .end = at(to)
    };
    DataEnsureResponse out = { 0 };
    CHECK_OK_PLAIN(&r->t.cx, api_call(r->api, &r->t.cx, &op_market_ensure, &in, &out));
    return out;
}

/* MDS-07, MDS-17: names, routes, patterns, defaults and examples of the tables are sound. */
TEST(the_tables_are_sound) {
    TestCtx t;
    test_ctx_init(&t);
    const OpTable *const tables[] = { &market_api };
    CHECK_OK(&t.cx, op_lint(&t.cx, tables, 1));
    test_ctx_done(&t);
}

/* Runs the same conversation over both kinds of caller and collects every answer as JSON. */
static Str conversation(Rig *r) {
    Buf b;
    buf_init(&b, 1 << 20);
    JsonWriter w;
    DataEnsureResponse e = ensured(r, "2023-01-01", "2023-01-03");
    json_writer_init(&w, &b, false);
    shape_write(&ensure_response_shape, &w, &e);

    OHLCVQuery q = { .symbol = S("BTCUSDT"), .timeframe = S("1h"), .start = at("2023-01-01T05:00:00Z"), .limit = 7 };
    CandlePage page = { 0 };
    CHECK_OK_PLAIN(&r->t.cx, api_call(r->api, &r->t.cx, &op_market_candles, &q, &page));
    json_writer_init(&w, &b, false);
    shape_write(&candle_page_shape, &w, &page);

    SeriesQuery s = { .symbol = S("BTCUSDT"), .timeframe = S("1h") };
    OHLCVStats stats = { 0 };
    CHECK_OK_PLAIN(&r->t.cx, api_call(r->api, &r->t.cx, &op_market_statistics, &s, &stats));
    json_writer_init(&w, &b, false);
    shape_write(&ohlcv_stats_shape, &w, &stats);

    GapsQuery g = { .symbol = S("BTCUSDT"), .timeframe = S("1h"), .limit = 10 };
    GapReport gaps = { 0 };
    CHECK_OK_PLAIN(&r->t.cx, api_call(r->api, &r->t.cx, &op_market_gaps, &g, &gaps));
    json_writer_init(&w, &b, false);
    shape_write(&gap_report_shape, &w, &gaps);

    SeriesList list = { 0 };
    CHECK_OK_PLAIN(&r->t.cx, api_call(r->api, &r->t.cx, &op_market_series, NULL, &list));
    json_writer_init(&w, &b, false);
    shape_write(&series_list_shape, &w, &list);
    Str text = str_dup(&r->t.arena, buf_str(&b));
    buf_done(&b);
    return text;
}

/* The proof that one process and several answer alike. */
TEST(in_process_and_through_the_wire_answer_alike) {
    Rig local, wire;
    rig_init(&local, false);
    rig_init(&wire, true);
    CHECK_STR(conversation(&wire), conversation(&local));
    rig_done(&local);
    rig_done(&wire);
}

TEST(refusals_are_the_same_both_ways) {
    for (int kind = 0; kind < 2; kind++) {
        Rig r;
        rig_init(&r, kind);
        OHLCVQuery q = { .symbol = S("BTCUSDT"), .timeframe = S("1h"), .limit = 10 };
        CandlePage page;
        CHECK_EQ(api_call(r.api, &r.t.cx, &op_market_candles, &q, &page), ERR_NOT_FOUND);
        CHECK_STR(str_c(r.t.cx.err.field), S("symbol"));
        q.timeframe = S("7x");
        CHECK_EQ(api_call(r.api, &r.t.cx, &op_market_candles, &q, &page), ERR_INVALID);
        CHECK_STR(str_c(r.t.cx.err.field), S("timeframe"));
        q.timeframe = S("1h");
        q.start = at("2023-02-01");
        q.end = at("2023-01-01");
        CHECK_EQ(api_call(r.api, &r.t.cx, &op_market_candles, &q, &page), ERR_INVALID);
        CHECK_STR(str_c(r.t.cx.err.field), S("end"));
        DataEnsureRequest in = {
            .exchange = S("nowhere"), .symbol = S("X"), .timeframe = S("1h"), .start = at("2023-01-01")
        };
        DataEnsureResponse out;
        CHECK_EQ(api_call(r.api, &r.t.cx, &op_market_ensure, &in, &out), ERR_NOT_FOUND);
        CHECK_STR(str_c(r.t.cx.err.field), S("exchange"));
        rig_done(&r);
    }
}

/* MDS-16, MDS-46: what was saved comes back bit by bit, through JSON too; success is told as a bool. */
TEST(saved_candles_come_back_as_they_were) {
    for (int kind = 0; kind < 2; kind++) {
        Rig r;
        rig_init(&r, kind);
        Candle v[] = {
            { .open_time = at("2024-01-01"),
              .open = 0.1,
              .high = 16.65999984741211,
              .low = 1e-7,
              .close = 0.3,
              .volume = 22799999.999999996 },
            { .open_time = at("1950-01-02"), .open = 1, .high = 1, .low = 1, .close = 1, .volume = 0 },
        };
        OHLCVSave save = { .exchange = S("file"), .symbol = S("SPX"), .timeframe = S("1d"), .durable = true };
        candles_init(&save.candles, &r.t.arena, 2);
        candles_push(&save.candles, &v[0]);
        candles_push(&save.candles, &v[1]);
        SaveResponse saved = { 0 };
        CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_save, &save, &saved));
        CHECK(saved.success);
        CHECK_EQ(saved.inserted, 2);
        OHLCVQuery q = { .symbol = S("SPX"), .timeframe = S("1d"), .limit = 10 };
        CandlePage page = { 0 };
        CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_candles, &q, &page));
        CHECK_EQ(page.candles.n, 2);
        Candle back = candles_get(&page.candles, 1);
        CHECK(candle_same_data(&back, &v[0]));
        back = candles_get(&page.candles, 0);
        CHECK(candle_same_data(&back, &v[1]));
        rig_done(&r);
    }
}

TEST(venues_symbols_timeframes_storage_changes) {
    Rig r;
    rig_init(&r, true);
    ensured(&r, "2023-01-01", "2023-01-02");
    ExchangeList venues = { 0 };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_exchanges, NULL, &venues));
    CHECK_EQ(venues.exchanges.n, 1);
    const ExchangeRow *venue = venues.exchanges.v;
    CHECK(venue->collects && venue->series == 1 && venue->requests > 0);
    SymbolList symbols = { 0 };
    VenueQuery q = { .exchange = S("binance") };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_symbols, &q, &symbols));
    CHECK_EQ(symbols.count, 1);
    CHECK_STR(((const SymbolRow *)symbols.symbols.v)->tick_size, S("0.01"));
    TimeframeList frames = { 0 };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_timeframes, &q, &frames));
    CHECK_EQ(frames.timeframes.n, 16);
    StorageInfo info = { 0 };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_storage, NULL, &info));
    CHECK_EQ(info.candles, 24);
    ChangesQuery after = { .limit = 10 };
    ChangeList changes = { 0 };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_changes, &after, &changes));
    CHECK_EQ(changes.changes.n, 1);
    RemoveResponse gone = { 0 };
    SeriesQuery all = { .symbol = S("BTCUSDT"), .timeframe = S("1h") };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_remove, &all, &gone));
    CHECK_EQ(gone.removed, 24);
    VerifyResponse verified = { 0 };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_verify, NULL, &verified));
    CHECK(verified.success && verified.candles == 0);
    rig_done(&r);
}

/* A bound at the epoch is a bound, although the record's 0 means "none". */
TEST(the_start_of_1970_is_a_time_like_any_other) {
    Rig r;
    rig_init(&r, false);
    Candle v[] = { { .open_time = at("1969-12-31"), .open = 1, .high = 1, .low = 1, .close = 1 },
                   { .open_time = at("1970-01-01"), .open = 2, .high = 2, .low = 2, .close = 2 } };
    OHLCVSave save = { .exchange = S("file"), .symbol = S("SPX"), .timeframe = S("1d") };
    candles_init(&save.candles, &r.t.arena, 2);
    candles_push(&save.candles, &v[0]);
    candles_push(&save.candles, &v[1]);
    SaveResponse saved = { 0 };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_save, &save, &saved));
    static const struct {
        const char *name, *bound, *value;
        double close;
    } rows[] = {
        { "start as a date", "start", "1970-01-01", 2 },
        { "start in seconds", "start", "0", 2 },
        { "end", "end", "1970-01-01T00:00:00Z", 1 },
    };
    EACH_ROW (row, rows) {
        QueryPair query[] = { { S("symbol"), S("SPX") },
                              { S("timeframe"), S("1d") },
                              { str_c(row->bound), str_c(row->value) } };
        OHLCVQuery q = { 0 };
        CandlePage page = { 0 };
        CHECK_OK(&r.t.cx, op_decode(&op_market_candles, &r.t.cx, NULL, 0, query, ARRAY_LEN(query), S(""), &q));
        CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_market_candles, &q, &page));
        CHECK_EQ(page.candles.n, 1);
        CHECK_NEAR(page.candles.close[0], row->close, 0);
    }
    rig_done(&r);
}

TESTS(T(the_start_of_1970_is_a_time_like_any_other), T(the_tables_are_sound),
      T(in_process_and_through_the_wire_answer_alike), T(refusals_are_the_same_both_ways),
      T(saved_candles_come_back_as_they_were), T(venues_symbols_timeframes_storage_changes))
