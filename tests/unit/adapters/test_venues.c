/* tests/unit/adapters/test_venues.c - answers of Coinbase, Kraken, VCI and Bybit as core types. Samples here are ours,
 * after the forms of the venues' documents; recorded ones of the shared data are read where they are there. */

#include "adapters/market/binance_stream.h"
#include "adapters/market/bybit.h"
#include "adapters/market/coinbase.h"
#include "adapters/market/kraken_trades.h"
#include "adapters/market/vci.h"
#include "test.h"

static TestCtx t;
static const Timeframe M1 = { UNIT_MINUTE, 1 }, H1 = { UNIT_HOUR, 1 }, D1 = { UNIT_DAY, 1 };

static Str sample(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "data/wire/%s.json", name);
    const char *at = test_shared_file(path);
    return at ? test_read_file(&t.arena, at) : (Str){ 0 };
}

/* --- Coinbase (MDS-20) --- */

TEST(coinbase_rows_are_low_high_open_close_and_lose_the_noise_of_sums) {
    Candles cs;
    test_ctx_init(&t);
    CHECK_OK(&t.cx, coinbase_parse_candles(&t.cx,
                                           S("[[1515264780,994.5,994.75,994.51,994.6,14.697630010000001],"
                                             "[1515264720,994.49,994.5,994.49,994.5,22.028889700000004]]"),
                                           &cs));
    CHECK_EQ(cs.n, 2);
    CHECK_EQ(cs.open_ms[0], INT64_C(1515264780000));
    CHECK(cs.low[0] == 994.5 && cs.high[0] == 994.75 && cs.open[0] == 994.51 && cs.close[0] == 994.6);
    CHECK(cs.volume[0] == 14.69763001 && cs.volume[1] == 22.0288897);
    test_ctx_done(&t);
}

TEST(coinbase_samples_are_read) {
    Candles cs;
    Listing *v;
    size_t n;
    test_ctx_init(&t);
    Str candles = sample("coinbase_http_candles"), products = sample("coinbase_http_products");
    if (!candles.n || !products.n)
        SKIP("the shared samples are not there");
    CHECK_OK(&t.cx, coinbase_parse_candles(&t.cx, candles, &cs));
    CHECK_EQ(cs.n, 2);
    CHECK_EQ(cs.open_ms[1], INT64_C(1712188800000));
    CHECK(cs.open[1] == 65984.18 && cs.low[1] == 65857.35 && cs.volume[1] == 358.74851052);
    CHECK_OK(&t.cx, coinbase_parse_products(&t.cx, products, &v, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(symbol_str(&v[0].symbol), S("BTC-USD"));
    CHECK_STR(symbol_str(&v[1].instrument), S("BTC/USDC"));
    CHECK_EQ(v[0].status, LISTING_TRADING);
    CHECK_EQ(decimal_cmp(v[0].tick, (Decimal){ 1, 2 }), 0);
    test_ctx_done(&t);
}

/* --- Kraken (MDS-20) --- */

TEST(kraken_errors_come_in_words_with_status_200) {
    static const struct {
        const char *name, *text;
        KrakenError want;
    } rows[] = {
        { "limit", "{\"error\":[\"EAPI:Rate limit exceeded\"]}", KRAKEN_LIMITED },
        { "too many", "{\"error\":[\"EGeneral:Too many requests\"]}", KRAKEN_LIMITED },
        { "lockout", "{\"error\":[\"EGeneral:Temporary lockout\"]}", KRAKEN_LIMITED },
        { "busy", "{\"error\":[\"EService:Busy\"]}", KRAKEN_BUSY },
        { "down", "{\"error\":[\"EService:Unavailable\"]}", KRAKEN_BUSY },
        { "pair", "{\"error\":[\"EQuery:Unknown asset pair\"]}", KRAKEN_NO_PAIR },
        { "arguments", "{\"error\":[\"EGeneral:Invalid arguments\"]}", KRAKEN_REFUSED },
        { "a warning is none", "{\"error\":[\"WGeneral:x\"],\"result\":{\"XBTUSD\":[],\"last\":1}}", KRAKEN_WELL },
        { "warned and refused", "{\"error\":[\"WGeneral:x\",\"EService:Busy\"]}", KRAKEN_BUSY },
    };
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        KrakenReply reply;
        Candles cs;
        CHECK_OK(&t.cx, kraken_parse_ohlc(&t.cx, str_c(r->text), &reply, &cs));
        CHECK_EQ(reply.error, r->want);
    }
    KrakenReply reply;
    Candles cs;
    CHECK_EQ(kraken_parse_ohlc(&t.cx, S("{\"error\":[]}"), &reply, &cs), ERR_COLLECTION);
    CHECK_EQ(kraken_parse_ohlc(&t.cx, S("{\"error\":[],\"result\":{\"XBTUSD\":[[1"), &reply, &cs), ERR_COLLECTION);
    test_ctx_done(&t);
}

TEST(kraken_samples_are_read) {
    KrakenReply reply;
    Candles cs;
    Listing *v;
    size_t n;
    Time at;
    test_ctx_init(&t);
    Str ohlc = sample("kraken_http_ohlc"), pairs = sample("kraken_http_asset_pairs"),
        clock = sample("kraken_http_server_time");
    if (!ohlc.n || !pairs.n || !clock.n)
        SKIP("the shared samples are not there");
    CHECK_OK(&t.cx, kraken_parse_ohlc(&t.cx, ohlc, &reply, &cs));
    CHECK_EQ(cs.n, 721);
    CHECK_EQ(cs.open_ms[0], INT64_C(1762777020000));
    CHECK_EQ(cs.open_ms[720], INT64_C(1762820220000));
    for (size_t i = 1; i < cs.n; i++)
        CHECK_EQ(cs.open_ms[i] - cs.open_ms[i - 1], MS_PER_MINUTE);
    CHECK(cs.open[0] == 106038.2 && cs.volume[0] == 0);
    CHECK_OK(&t.cx, kraken_parse_pairs(&t.cx, pairs, &reply, &v, &n));
    CHECK(n >= 1);
    CHECK_STR(symbol_str(&v[0].symbol), S("XBTUSDT"));
    CHECK_STR(symbol_str(&v[0].instrument), S("BTC/USDT"));
    CHECK_OK(&t.cx, kraken_parse_time(&t.cx, clock, &reply, &at));
    CHECK_EQ(at.ms, INT64_C(1762820224000));
    test_ctx_done(&t);
}

static KrakenTrade trade(int64_t ms, double price, int64_t lots) {
    return (KrakenTrade){ time_ms(ms), price, { lots, 8 } };
}

TEST(candles_of_trades_are_exact_and_quiet_places_flat) {
    const KrakenTrade trades[] = {
        trade(59999, 10, 1), trade(60000, 11, 10000000), trade(60001, 15, 20000000),
        trade(119999, 9, 1), trade(300500, 20, 12345),   trade(300499, 99, 1),
    };
    TradeCandles b;
    Candles out;
    test_ctx_init(&t);
    candles_init(&out, &t.arena, 0);
    trade_candles_init(&b, M1, time_ms(60000));
    for (size_t i = 0; i < ARRAY_LEN(trades); i++)
        trade_candles_add(&b, &trades[i], &out, &t.arena);
    trade_candles_until(&b, time_ms(420000), &out, &t.arena);
    CHECK_EQ(out.n, 6); /* 60 to 360 s */
    CHECK(out.open[0] == 11 && out.high[0] == 15 && out.low[0] == 9 && out.close[0] == 9);
    CHECK(out.volume[0] == 0.30000001); /* 0.1 + 0.2 + 0.00000001 with one rounding */
    for (size_t i = 1; i < 4; i++)
        CHECK(out.open[i] == 9 && out.high[i] == 9 && out.low[i] == 9 && out.close[i] == 9 && out.volume[i] == 0);
    CHECK_EQ(out.open_ms[4], 300000);
    CHECK(out.high[4] == 99 && out.close[4] == 99 && out.volume[4] == 0.00012346);
    CHECK(out.close[5] == 99 && out.volume[5] == 0);
    test_ctx_done(&t);
}

TEST(before_the_first_price_there_are_no_candles) {
    TradeCandles b;
    Candles out;
    KrakenTrade first = trade(200000, 5, 1);
    test_ctx_init(&t);
    candles_init(&out, &t.arena, 0);
    trade_candles_init(&b, M1, time_ms(0));
    trade_candles_add(&b, &first, &out, &t.arena);
    trade_candles_until(&b, time_ms(239999), &out, &t.arena);
    CHECK_EQ(out.n, 0);
    trade_candles_until(&b, time_ms(240000), &out, &t.arena);
    CHECK_EQ(out.n, 1);
    CHECK_EQ(out.open_ms[0], 180000);
    test_ctx_done(&t);
}

/* OHLC and Trades, recorded together: what we build is what the venue shows, minute by minute. */
TEST(candles_of_recorded_trades_are_the_venues_own) {
    KrakenReply reply;
    Candles ohlc, built;
    KrakenTrades trades;
    TradeCandles b;
    test_ctx_init(&t);
    Str a = sample("kraken_http_ohlc"), c = sample("kraken_http_trades");
    if (!a.n || !c.n)
        SKIP("the shared samples are not there");
    CHECK_OK(&t.cx, kraken_parse_ohlc(&t.cx, a, &reply, &ohlc));
    CHECK_OK(&t.cx, kraken_parse_trades(&t.cx, c, &reply, &trades));
    CHECK_EQ(trades.n, 1000);
    CHECK_EQ(trades.last_ns, INT64_C(1762820035982277754));
    Time from = timeframe_next(M1, trades.v[0].at), to = timeframe_floor(M1, trades.v[999].at);
    candles_init(&built, &t.arena, 0);
    trade_candles_init(&b, M1, from);
    for (size_t i = 0; i < trades.n; i++)
        trade_candles_add(&b, &trades.v[i], &built, &t.arena);
    CHECK_EQ(built.n, timeframe_count(M1, from, to));
    CHECK(built.n > 400);
    size_t at = candles_lower_bound(&ohlc, from);
    for (size_t i = 0; i < built.n; i++) {
        Candle got = candles_get(&built, i), want = candles_get(&ohlc, at + i);
        if (!candle_same_data(&got, &want))
            FAIL("minute %zu: %.17g %.17g %.17g %.17g %.17g, the venue has %.17g %.17g %.17g %.17g %.17g", i, got.open,
                 got.high, got.low, got.close, got.volume, want.open, want.high, want.low, want.close, want.volume);
    }
    test_ctx_done(&t);
}

/* --- VCI (MDS-21) --- */

#define COLUMNS "\"o\":[61500,61800],\"h\":[62000,62100],\"l\":[61400,61700],\"c\":[61900,62000],\"v\":[1200300,900100]"

TEST(vci_answers_in_every_form) {
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "bare", "[{\"symbol\":\"VNM\",\"t\":[1735516800,1735603200]," COLUMNS "}]" },
        { "wrapped", "{\"status\":200,\"data\":[{\"t\":[1735516800,1735603200]," COLUMNS "}],\"ok\":true}" },
        { "times as text", "[{\"t\":[\"1735516800\",\"1735603200\"]," COLUMNS ",\"minBatchTruncTime\":\"0\"}]" },
    };
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Candles cs;
        bool known = false;
        CHECK_OK(&t.cx, vci_parse_chart(&t.cx, str_c(r->text), &known, &cs));
        CHECK(known);
        CHECK_EQ(cs.n, 2);
        CHECK_EQ(cs.open_ms[0], INT64_C(1735516800000));
        CHECK(cs.open[1] == 61800 && cs.close[0] == 61900 && cs.volume[1] == 900100);
    }
    Candles cs;
    bool known = true;
    CHECK_OK(&t.cx, vci_parse_chart(&t.cx, S("[]"), &known, &cs));
    CHECK(!known);
    CHECK_EQ(vci_parse_chart(&t.cx, S("[{\"t\":[1],\"o\":[]}]"), &known, &cs), ERR_COLLECTION);
    test_ctx_done(&t);
}

TEST(vci_counts_business_days) {
    /* Vietnam is seven hours ahead: its Friday 2024-01-05 begins on Thursday at 17:00 UTC */
    const int64_t friday = INT64_C(1704387600000), day = MS_PER_DAY;
    static const struct {
        const char *name;
        int64_t from, to, days;
    } rows[] = {
        { "a day", 0, 1, 1 },
        { "nothing", 0, 0, 0 },
        { "the weekend alone", 1, 3, 0 },
        { "over the weekend", 0, 4, 2 },
        { "a week", 0, 7, 5 },
        { "four weeks", 3, 31, 20 },
        { "a week and a day", 1, 9, 5 },
    };
    EACH_ROW (r, rows) {
        Time from = time_ms(friday + r->from * day), to = time_ms(friday + r->to * day);
        CHECK_EQ(vci_count_back(D1, from, to), r->days);
        CHECK_EQ(vci_count_back(H1, from, to), r->days * 5);
        CHECK_EQ(vci_count_back(M1, from, to), r->days * 255);
    }
    CHECK_EQ(vci_count_back(D1, time_ms(friday - 1), time_ms(friday + 1)), 2); /* parts of days are days */
}

/* --- Bybit --- */

TEST(bybit_rows_and_errors) {
    BybitReply reply;
    Candles cs;
    test_ctx_init(&t);
    CHECK_OK(&t.cx,
             bybit_parse_klines(&t.cx,
                                S("{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"symbol\":\"BTCUSDT\",\"list\":"
                                  "[[\"1670608800000\",\"17071\",\"17073.5\",\"17027\",\"17055.5\",\"268.611\",\"15\"]]"
                                  "},\"retExtInfo\":{},\"time\":1672025956592}"),
                                &reply, &cs));
    CHECK_EQ(reply.time.ms, INT64_C(1672025956592));
    CHECK_EQ(cs.n, 1);
    CHECK_EQ(cs.open_ms[0], INT64_C(1670608800000));
    CHECK(cs.open[0] == 17071 && cs.high[0] == 17073.5 && cs.volume[0] == 268.611);
    CHECK_OK(&t.cx, bybit_parse_klines(&t.cx,
                                       S("{\"retCode\":10001,\"retMsg\":\"params error: Symbol Invalid\","
                                         "\"result\":{},\"time\":1}"),
                                       &reply, &cs));
    CHECK_EQ(reply.code, 10001);
    CHECK_EQ(bybit_parse_klines(&t.cx, S("{}"), &reply, &cs), ERR_COLLECTION);
    test_ctx_done(&t);
}

/* --- Binance's streams --- */

TEST(stream_samples_are_read) {
    BinanceStreamText m;
    test_ctx_init(&t);
    Str closed = sample("binance_futures_market_data_json_kline_stream_closed"),
        open = sample("binance_futures_market_data_json_kline_stream_open");
    if (!closed.n || !open.n)
        SKIP("the shared samples are not there");
    CHECK_OK(&t.cx, binance_parse_stream(&t.cx, closed, &m));
    CHECK_EQ(m.kind, BINANCE_STREAM_KLINE);
    CHECK_STR(symbol_str(&m.symbol), S("BTCUSDT"));
    CHECK_EQ(m.candle.open_time.ms, INT64_C(1638747660000));
    CHECK(m.candle.open == 0.001 && m.candle.close == 0.002 && m.candle.high == 0.0025 && m.candle.volume == 1000);
    CHECK_EQ(m.candle.flags, 0);
    CHECK(timeframe_eq(m.timeframe, M1));
    CHECK_OK(&t.cx, binance_parse_stream(&t.cx, open, &m));
    CHECK_EQ(m.candle.flags, CANDLE_OPEN);
    test_ctx_done(&t);
}

TEST(a_stream_says_more_than_candles) {
    static const struct {
        const char *name, *text;
        BinanceStreamKind want;
    } rows[] = {
        { "answer", "{\"result\":null,\"id\":7}", BINANCE_STREAM_ANSWER },
        { "refusal", "{\"code\":2,\"msg\":\"no\"}", BINANCE_STREAM_REFUSAL },
        { "refusal by id", "{\"error\":{\"code\":2,\"msg\":\"no\"},\"id\":7}", BINANCE_STREAM_REFUSAL },
        { "shutdown", "{\"e\":\"serverShutdown\",\"E\":1}", BINANCE_STREAM_SHUTDOWN },
        { "shutdown, combined", "{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":1}}",
          BINANCE_STREAM_SHUTDOWN },
        { "another stream", "{\"e\":\"24hrMiniTicker\",\"E\":1,\"c\":\"1\"}", BINANCE_STREAM_OTHER },
    };
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        BinanceStreamText m;
        CHECK_OK(&t.cx, binance_parse_stream(&t.cx, str_c(r->text), &m));
        CHECK_EQ(m.kind, r->want);
    }
    BinanceStreamText m;
    CHECK_EQ(binance_parse_stream(&t.cx, S("{\"e\":\"kline\",\"k\":{\"t\":1}}"), &m), ERR_COLLECTION);
    CHECK_EQ(binance_parse_stream(&t.cx, S("[]"), &m), ERR_COLLECTION);
    Symbol symbol;
    symbol_parse(S("BTCUSDT"), &symbol);
    CHECK_STR(binance_stream_name(&t.arena, symbol, (Timeframe){ UNIT_MONTH, 1 }), S("btcusdt@kline_1M"));
    test_ctx_done(&t);
}

TESTS(T(coinbase_rows_are_low_high_open_close_and_lose_the_noise_of_sums), T(coinbase_samples_are_read),
      T(kraken_errors_come_in_words_with_status_200), T(kraken_samples_are_read),
      T(candles_of_trades_are_exact_and_quiet_places_flat), T(before_the_first_price_there_are_no_candles),
      T(candles_of_recorded_trades_are_the_venues_own), T(vci_answers_in_every_form), T(vci_counts_business_days),
      T(bybit_rows_and_errors), T(stream_samples_are_read), T(a_stream_says_more_than_candles))
