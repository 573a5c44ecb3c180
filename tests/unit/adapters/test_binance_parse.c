/* tests/unit/adapters/test_binance_parse.c - Binance's answers as core types. The samples below are ours, after the
 * forms of rest-api.md; the recorded ones of the shared data are read at the end. */

#include "adapters/market/binance_parse.h"
#include "adapters/market/venue_limits.h"
#include "base/buf.h"
#include "test.h"

#define ROW(open_time, close_time)                                                                                     \
    "[" #open_time ",\"1.5\",\"2\",\"1.25\",\"1.75\",\"10.5\"," #close_time ",\"18\",7,\"5\",\"9\",\"0\"]"

static TestCtx t;

static int klines(const char *text, int64_t served_at, Candles *out) {
    return binance_parse_klines(&t.cx, str_c(text), time_ms(served_at), out);
}

TEST(a_kline_becomes_a_candle) {
    test_ctx_init(&t);
    Candles cs;
    CHECK_OK(&t.cx, klines("[" ROW(1499040000000, 1499040059999) "]", INT64_C(1499050000000), &cs));
    CHECK_EQ(cs.n, 1);
    CHECK_EQ(cs.open_ms[0], INT64_C(1499040000000));
    CHECK(cs.open[0] == 1.5 && cs.high[0] == 2 && cs.low[0] == 1.25 && cs.close[0] == 1.75 && cs.volume[0] == 10.5);
    CHECK_EQ(cs.flags[0], 0);
    test_ctx_done(&t);
}

TEST(a_candle_is_open_until_the_venues_clock_has_passed_its_close) {
    static const struct {
        const char *name;
        int64_t served_at;
        int want;
    } rows[] = {
        { "before its close", 1499040059998, CANDLE_OPEN },
        { "in its last millisecond", 1499040059999, CANDLE_OPEN },
        { "after", 1499040060000, 0 },
    };
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Candles cs;
        CHECK_OK(&t.cx, klines("[" ROW(1499040000000, 1499040059999) "]", r->served_at, &cs));
        CHECK_EQ(cs.flags[0], r->want);
    }
    test_ctx_done(&t);
}

TEST(microseconds_become_milliseconds) {
    test_ctx_init(&t);
    Candles cs;
    CHECK_OK(&t.cx, klines("[" ROW(1735689600000000, 1735689659999999) "]", INT64_C(1735689700000), &cs));
    CHECK_EQ(cs.open_ms[0], INT64_C(1735689600000));
    CHECK_EQ(cs.flags[0], 0);
    test_ctx_done(&t);
}

TEST(prices_keep_every_bit_and_may_be_numbers) {
    test_ctx_init(&t);
    Candles cs;
    CHECK_OK(
        &t.cx,
        klines("[[1,\"0.00000001\",\"9007199254740993\",0.1,\"2.2250738585072014e-308\",\"0.30000000000000004\",2]]", 9,
               &cs));
    CHECK(cs.open[0] == 1e-8 && cs.high[0] == 9007199254740992.0 && cs.low[0] == 0.1);
    CHECK(cs.close[0] == 0x1p-1022 && cs.volume[0] == 0.30000000000000004);
    test_ctx_done(&t);
}

TEST(an_empty_answer_and_odd_rows_are_answers) {
    test_ctx_init(&t);
    Candles cs;
    CHECK_OK(&t.cx, klines(" [ ] ", 0, &cs));
    CHECK_EQ(cs.n, 0);
    /* misaligned open times, duplicates and disorder are for the caller to sort out */
    CHECK_OK(
        &t.cx,
        klines("[" ROW(1518163380250, 1518163440249) "," ROW(1518163380250, 1518163440249) "," ROW(7, 8) "]", 0, &cs));
    CHECK_EQ(cs.n, 3);
    CHECK_EQ(cs.open_ms[1], INT64_C(1518163380250));
    CHECK_EQ(cs.open_ms[2], 7);
    test_ctx_done(&t);
}

TEST(what_is_no_list_of_candles_is_refused_with_its_place) {
    static const struct {
        const char *name, *text, *words;
    } rows[] = {
        { "empty", "", "line 1" },
        { "cut short", "[[1499040000000,\"1\",\"2\"", "line 1" },
        { "cut between rows", "[[1,\"1\",\"1\",\"1\",\"1\",\"1\",2],", "line 1" },
        { "HTML", "<html>503</html>", "column 1" },
        { "an error object", "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}", "array" },
        { "six values", "[\n[1,\"1\",\"1\",\"1\",\"1\",\"1\"]]", "line 2" },
        { "NaN", "[[1,\"NaN\",\"1\",\"1\",\"1\",\"1\",2]]", "finite" },
        { "infinite", "[[1,\"1e999\",\"1\",\"1\",\"1\",\"1\",2]]", "finite" },
        { "null price", "[[1,null,\"1\",\"1\",\"1\",\"1\",2]]", "line 1" },
        { "price in words", "[[1,\"one\",\"1\",\"1\",\"1\",\"1\",2]]", "finite" },
        { "closes before it opens", "[[10,\"1\",\"1\",\"1\",\"1\",\"1\",9]]", "no sense" },
        { "time past the calendar", "[[9223372036854775807,\"1\",\"1\",\"1\",\"1\",\"1\",9223372036854775807]]",
          "no sense" },
        { "a second value", "[] []", "column" },
    };
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Candles cs = { .n = 77 };
        CHECK_EQ(klines(r->text, 0, &cs), ERR_COLLECTION);
        CHECK_EQ(cs.n, 77); /* untouched */
        if (!strstr(t.cx.err.text, r->words))
            FAIL("\"%s\" does not say \"%s\"", t.cx.err.text, r->words);
    }
    test_ctx_done(&t);
}

TEST(rows_are_bounded) {
    test_ctx_init(&t);
    Buf b;
    Candles cs;
    buf_init(&b, 1 << 20);
    for (int n = BINANCE_ROWS_MAX; n <= BINANCE_ROWS_MAX + 1; n++) {
        buf_clear(&b);
        for (int i = 0; i < n; i++)
            buf_printf(&b, "%s[%d,\"1\",\"1\",\"1\",\"1\",\"1\",%d]", i ? "," : "[", i, i);
        BUF_LIT(&b, "]");
        CHECK_EQ(binance_parse_klines(&t.cx, buf_str(&b), time_ms(0), &cs), n == BINANCE_ROWS_MAX ? 0 : ERR_COLLECTION);
    }
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(exchange_info_gives_limits_and_listings) {
    static const char text[] =
        "{\"timezone\":\"UTC\",\"serverTime\":1565246363776,\"rateLimits\":["
        "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":6000},"
        "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":100},"
        "{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\",\"intervalNum\":5,\"limit\":61000},"
        "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"FORTNIGHT\",\"intervalNum\":1,\"limit\":1}],"
        "\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\","
        "\"filters\":["
        "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01\",\"tickSize\":\"0.01000000\"},"
        "{\"filterType\":\"LOT_SIZE\",\"stepSize\":\"0.00001000\"},"
        "{\"filterType\":\"NOTIONAL\",\"minNotional\":\"5.00000000\"},{\"filterType\":\"ICEBERG_PARTS\",\"limit\":10}]}"
        ","
        "{\"symbol\":\"LUNABTC\",\"status\":\"BREAK\",\"baseAsset\":\"LUNA\",\"quoteAsset\":\"BTC\"},"
        "{\"symbol\":\"\\u5e01USDT\",\"status\":\"TRADING\",\"baseAsset\":\"\\u5e01\",\"quoteAsset\":\"USDT\"}]}";
    BinanceExchangeInfo info;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, binance_parse_exchange_info(&t.cx, str_c(text), &info));
    CHECK_EQ(info.server_time.ms, INT64_C(1565246363776));
    CHECK_EQ(info.n_limits, 2);
    CHECK_EQ(info.limits[0].count, LIMIT_WEIGHT);
    CHECK_EQ(info.limits[0].length_ms, 60000);
    CHECK_EQ(info.limits[0].limit, 6000);
    CHECK_EQ(info.limits[1].count, LIMIT_REQUESTS);
    CHECK_EQ(info.limits[1].length_ms, 300000);
    CHECK_EQ(info.n_listings, 2);
    CHECK_EQ(info.n_unnamed, 1);
    const Listing *l = &info.listings[0];
    CHECK_STR(symbol_str(&l->symbol), S("BTCUSDT"));
    CHECK_STR(symbol_str(&l->instrument), S("BTC/USDT"));
    CHECK_STR(symbol_str(&l->quote), S("USDT"));
    CHECK_EQ(l->status, LISTING_TRADING);
    CHECK_NEAR(decimal_to_f64(l->tick), 0.01, 0);
    CHECK_NEAR(decimal_to_f64(l->lot), 0.00001, 0);
    CHECK_NEAR(decimal_to_f64(l->min_notional), 5, 0);
    CHECK_EQ(info.listings[1].status, LISTING_BREAK);
    CHECK_EQ(info.listings[1].tick.mantissa, 0);
    CHECK_EQ(binance_parse_exchange_info(&t.cx, S("{\"symbols\":[{\"symbol\":5}]}"), &info), ERR_COLLECTION);
    CHECK_EQ(binance_parse_exchange_info(&t.cx, S("[]"), &info), ERR_COLLECTION);
    test_ctx_done(&t);
}

TEST(errors_are_told_from_other_bodies) {
    test_ctx_init(&t);
    BinanceError e;
    CHECK(binance_parse_error(t.cx.arena, S("{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"), &e));
    CHECK_EQ(e.code, -1121);
    CHECK_STR(e.msg, S("Invalid symbol."));
    CHECK(!binance_parse_error(t.cx.arena, S("<html>403 Forbidden</html>"), &e));
    CHECK(!binance_parse_error(t.cx.arena, S("{}"), &e));
    CHECK(!binance_parse_error(t.cx.arena, S("{\"code\":-1121"), &e));
    CHECK(!binance_parse_error(t.cx.arena, S(""), &e));
    Time end;
    CHECK(binance_ban_end(S("Way too much request weight used; IP banned until 1612345678901. Please"), &end));
    CHECK_EQ(end.ms, INT64_C(1612345678901));
    CHECK(!binance_ban_end(S("Too many requests."), &end));
    CHECK(!binance_ban_end(S("banned until further notice"), &end));
    CHECK(!binance_ban_end(S("banned until 99999999999999999999"), &end));
    test_ctx_done(&t);
}

TEST(the_server_time_is_read) {
    test_ctx_init(&t);
    Time at;
    CHECK_OK(&t.cx, binance_parse_time(&t.cx, S("{\"serverTime\":1499827319559}"), &at));
    CHECK_EQ(at.ms, INT64_C(1499827319559));
    CHECK_OK(&t.cx, binance_parse_time(&t.cx, S("{\"serverTime\":1499827319559123}"), &at));
    CHECK_EQ(at.ms, INT64_C(1499827319559));
    CHECK_EQ(binance_parse_time(&t.cx, S("{}"), &at), ERR_COLLECTION);
    CHECK_EQ(binance_parse_time(&t.cx, S("{\"serverTime\":\"soon\"}"), &at), ERR_COLLECTION);
    test_ctx_done(&t);
}

static Str shared(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "data/wire/binance_spot_http_json_%s_response.json", name);
    const char *file = test_shared_file(path);
    return file ? test_read_file(t.cx.arena, file) : (Str){ 0 };
}

TEST(recorded_answers_of_the_venue_parse_to_the_right_candles) {
    test_ctx_init(&t);
    Str text = shared("klines");
    if (!text.n) {
        test_ctx_done(&t);
        SKIP("no shared test data");
    }
    Candles cs;
    CHECK_OK(&t.cx, binance_parse_klines(&t.cx, text, time_ms(INT64_C(1500000000000)), &cs));
    CHECK_EQ(cs.n, 1);
    CHECK_EQ(cs.open_ms[0], INT64_C(1499040000000)); /* Monday 2017-07-03 */
    CHECK(cs.open[0] == 0.01634790 && cs.high[0] == 0.8 && cs.low[0] == 0.01575800 && cs.close[0] == 0.01577100);
    CHECK(cs.volume[0] == 148976.11427815);
    CHECK_EQ(cs.flags[0], 0);

    BinanceExchangeInfo info;
    CHECK_OK(&t.cx, binance_parse_exchange_info(&t.cx, shared("exchange_info"), &info));
    CHECK_EQ(info.server_time.ms, INT64_C(1565246363776));
    CHECK_EQ(info.n_limits, 0);
    CHECK_EQ(info.n_listings, 1);
    CHECK_STR(symbol_str(&info.listings[0].instrument), S("ETH/BTC"));

    Time at;
    CHECK_OK(&t.cx, binance_parse_time(&t.cx, shared("server_time"), &at));
    CHECK_EQ(at.ms, INT64_C(1499827319559));
    test_ctx_done(&t);
}

TEST(headers_name_their_window) {
    static const struct {
        const char *name;
        int64_t want;
    } rows[] = {
        { "x-mbx-used-weight-1m", 60000 },    { "X-MBX-USED-WEIGHT-10S", 10000 },   { "x-mbx-used-weight-1h", 3600000 },
        { "x-mbx-used-weight-1d", 86400000 }, { "x-mbx-used-weight", 0 },           { "x-mbx-used-weight-", 0 },
        { "x-mbx-used-weight-m", 0 },         { "x-mbx-used-weight-0m", 0 },        { "x-mbx-used-weight-1x", 0 },
        { "x-mbx-order-count-10s", 0 },       { "x-mbx-used-weight-99999999d", 0 },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(binance_used_header_ms(str_c(r->name)), r->want);
    CHECK_EQ(binance_interval_ms(S("MINUTE"), 5), 300000);
    CHECK_EQ(binance_interval_ms(S("MONTH"), 1), 0);
    CHECK_EQ(binance_interval_ms(S("DAY"), -1), 0);
}

TESTS(T(headers_name_their_window), T(a_kline_becomes_a_candle),
      T(a_candle_is_open_until_the_venues_clock_has_passed_its_close), T(microseconds_become_milliseconds),
      T(prices_keep_every_bit_and_may_be_numbers), T(an_empty_answer_and_odd_rows_are_answers),
      T(what_is_no_list_of_candles_is_refused_with_its_place), T(rows_are_bounded),
      T(exchange_info_gives_limits_and_listings), T(errors_are_told_from_other_bodies), T(the_server_time_is_read),
      T(recorded_answers_of_the_venue_parse_to_the_right_candles))
