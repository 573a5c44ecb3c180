#include "policy/surrogate.h"
#include "test.h"

TEST(an_answer_is_named_by_role_route_and_series) {
    Arena a = { 0 };
    SurrogateOf of = { S("market"), S("/api/v1/market/candles"), { S("Binance"), S("btcusdt"), S("1h") } };
    CHECK_STR(surrogate_field(&a, &of),
              S("role:market route:/api/v1/market/candles exchange:binance symbol:BTCUSDT series:binance:BTCUSDT:1h"));
    of.series.exchange = (Str){ 0 };
    CHECK_STR(surrogate_field(&a, &of), S("role:market route:/api/v1/market/candles symbol:BTCUSDT"));
    of.series.symbol = S("BTC USDT,x");
    CHECK_STR(surrogate_field(&a, &of), S("role:market route:/api/v1/market/candles symbol:BTC%20USDT,X"));
    CHECK_STR(surrogate_field(&a, &(SurrogateOf){ .role = S("a b"), .series.exchange = S("x") }), S("exchange:x"));
    CHECK_EQ(surrogate_field(&a, &(SurrogateOf){ 0 }).n, 0);
    arena_done(&a);
}

TEST(what_a_cache_would_read_as_a_pattern_is_no_key) {
    CHECK(surrogate_valid(S("symbol:BTCUSDT")));
    CHECK(surrogate_valid(S("x")));
    CHECK(surrogate_valid(S("symbol:A,B%20\"")));
    const Str bad[] = { S(""), S("a b"), S("*"), S("symbol:B?"), S("a[b]"), S("a\\b"), S("a\n"), S("\xff") };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!surrogate_valid(bad[i]));
    char most[SURROGATE_KEY_MAX + 1];
    memset(most, 'k', sizeof most);
    CHECK(surrogate_valid(str_n(most, SURROGATE_KEY_MAX)));
    CHECK(!surrogate_valid(str_n(most, sizeof most)));
}

static bool hits(Str key, Str cached) {
    Arena a = { 0 };
    Str v[SURROGATE_PATTERNS_MAX];
    size_t n = surrogate_patterns(&a, key, v);
    bool hit = false;
    for (size_t i = 0; i < n; i++)
        hit |= cache_key_match(v[i], cached);
    arena_done(&a);
    return hit;
}

/* CAC-14 */
TEST(a_key_takes_what_bears_it_and_no_other_symbol_or_venue) {
    const Str page = S("ohlcv:binance:BTCUSDT:1h:-:-#json"), stats = S("stats:binance:BTCUSDT:1h#json");
    const Str open = S("ohlcv::BTCUSDT:1h:2024-01-01T00:00:00Z:-:p=0123456789abcdef#csv");
    const Str other = S("ohlcv:binance:ETHUSDT:1h:-:-#json"), kraken = S("stats:kraken:BTCUSDT:1h#json");
    const Str keys[] = { S("exchange:binance"), S("symbol:BTCUSDT"), S("series:binance:BTCUSDT:1h"),
                         S("series:binance:BTCUSDT:1m") };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        CHECK(hits(keys[i], page));
        CHECK(hits(keys[i], stats));
        CHECK(hits(keys[i], open)); /* it may have been told of this venue */
        CHECK_EQ(hits(keys[i], other), i == 0);
        CHECK_EQ(hits(keys[i], kraken), i == 1);
        CHECK(!hits(keys[i], S("system:stats#json")));
        CHECK(!hits(keys[i], S("backtest:BTCUSDT")));
    }
    CHECK(!hits(S("symbol:BTC"), page));
    CHECK(!hits(S("symbol:"), page));
    CHECK(!hits(S("series:binance"), page));
    CHECK(!hits(S("route:/x"), page));
}

TESTS(T(an_answer_is_named_by_role_route_and_series), T(what_a_cache_would_read_as_a_pattern_is_no_key),
      T(a_key_takes_what_bears_it_and_no_other_symbol_or_venue))
