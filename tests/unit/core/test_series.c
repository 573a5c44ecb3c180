/* core/series: what identifies a stored sequence, as text and back. */

#include "core/series.h"
#include "lib/test.h"

TEST(a_key_reads_back_from_its_text) {
    static const struct {
        const char *name; /* the canonical text */
        const char *venue, *symbol, *tf, *provider;
        PriceType price;
        Adjustment adjustment;
    } rows[] = {
        { "binance:BTCUSDT:1h", "binance", "BTCUSDT", "1h", "", PRICE_TRADE, ADJUST_NONE },
        { "fxcm:GBP/USD:1m/bid", "fxcm", "GBP/USD", "1m", "", PRICE_BID, ADJUST_NONE },
        { "nasdaq:AAPL:1d@csv+splits", "nasdaq", "AAPL", "1d", "csv", PRICE_TRADE, ADJUST_SPLITS },
        { "binance:BTC/USDT:USDT:1M@sim/mark+all", "binance", "BTC/USDT:USDT", "1M", "sim", PRICE_MARK, ADJUST_ALL },
        { "a:b:1w/index", "a", "b", "1w", "", PRICE_INDEX, ADJUST_NONE },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        SeriesKey key, want = { .price = (uint8_t)r->price, .adjustment = (uint8_t)r->adjustment };
        CHECK(venue_parse(str_c(r->venue), &want.venue));
        CHECK(symbol_parse(str_c(r->symbol), &want.symbol));
        CHECK(timeframe_parse(str_c(r->tf), &want.timeframe));
        if (r->provider[0])
            CHECK(venue_parse(str_c(r->provider), &want.provider));
        CHECK(series_key_parse(str_c(r->name), &key));
        CHECK(series_key_eq(&key, &want));
        CHECK_STR(series_key_text(&t.arena, &key), str_c(r->name));
    }
    SeriesKey spelled, plain;
    CHECK(series_key_parse(S("binance:BTCUSDT:1h/trade+none"), &spelled));
    CHECK(series_key_parse(S("binance:BTCUSDT:1h"), &plain));
    CHECK(series_key_eq(&spelled, &plain));
    test_ctx_done(&t);
}

TEST(every_part_tells_keys_apart) {
    SeriesKey base, other;
    CHECK(series_key_parse(S("binance:BTCUSDT:1h"), &base));
    static const struct {
        const char *name;
    } rows[] = {
        { "kraken:BTCUSDT:1h" },      { "binance:ETHUSDT:1h" },     { "binance:BTCUSDT:2h" },
        { "binance:BTCUSDT:1h@csv" }, { "binance:BTCUSDT:1h/bid" }, { "binance:BTCUSDT:1h+all" },
    };
    EACH_ROW (r, rows) {
        CHECK(series_key_parse(str_c(r->name), &other));
        CHECK(!series_key_eq(&base, &other));
    }
}

TEST(what_is_not_a_key_is_refused) {
    static const struct {
        const char *name;
    } rows[] = {
        { "" },
        { ":" },
        { "::" },
        { "binance" },
        { "binance:BTCUSDT" },
        { "binance::1h" },
        { ":BTCUSDT:1h" },
        { "binance:BTCUSDT:" },
        { "binance:BTCUSDT:1x" },
        { "binance:BTC USDT:1h" },
        { "binance:BTCUSDT:1h@" },
        { "binance:BTCUSDT:1h/" },
        { "binance:BTCUSDT:1h/last" },
        { "binance:BTCUSDT:1h+" },
        { "binance:BTCUSDT:1h+half" },
        { "binance:BTCUSDT:1h/bid@csv" },
    };
    SeriesKey key = { 0 }, zero = { 0 };
    EACH_ROW (r, rows) {
        CHECK(!series_key_parse(str_c(r->name), &key));
        CHECK(series_key_eq(&key, &zero)); /* untouched */
    }
}

TESTS(T(a_key_reads_back_from_its_text), T(every_part_tells_keys_apart), T(what_is_not_a_key_is_refused))
