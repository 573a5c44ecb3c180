/* policy/cache_key: golden keys, one key a question, the table of lives, globs. */

#include "lib/test.h"
#include "policy/cache_key.h"

static const CacheSeries btc = { STR_INIT("binance"), STR_INIT("BTCUSDT"), STR_INIT("1h") };

/* CAC-04, CAC-05, CAC-06, CAC-07, CAC-08: with their lives below */
TEST(cac_04_to_cac_08_golden_keys) {
    Arena a = { 0 };
    Time from = { INT64_C(1704067200000) }, to = { INT64_C(1706745600500) };
    CHECK_STR(cache_key_ohlcv(&a, &btc, from, to, NULL, 0),
              S("ohlcv:binance:BTCUSDT:1h:2024-01-01T00:00:00Z:2024-02-01T00:00:00.500Z"));
    CHECK_STR(cache_key_ohlcv(&a, &btc, CACHE_START_OPEN, CACHE_END_OPEN, NULL, 0), S("ohlcv:binance:BTCUSDT:1h:-:-"));
    CHECK_STR(cache_key_stats(&a, &btc, NULL, 0), S("stats:binance:BTCUSDT:1h"));
    CHECK_STR(cache_key_backtest(&a, S("b-17")), S("backtest:b-17"));
    CHECK_STR(cache_key_strategy(&a, S("sma_cross")), S("strategy:sma_cross"));
    CHECK_STR(cache_key_system_stats(), S("system:stats"));
    CHECK_STR(cache_tag_series(&a, &btc), S("series:binance:BTCUSDT:1h"));
    arena_done(&a);
}

TEST(u32_one_question_has_one_key_and_two_have_two) {
    Arena a = { 0 };
    Time from = { 0 }, to = { 1000 };
    CacheSeries loud = { S("BINANCE"), S("btcusdt"), S("1h") };
    CHECK_STR(cache_key_ohlcv(&a, &loud, from, to, NULL, 0), cache_key_ohlcv(&a, &btc, from, to, NULL, 0));
    CacheParam ab[] = { { S("limit"), S("500") }, { S("order"), S("desc") } }, ba[] = { ab[1], ab[0] };
    Str k = cache_key_ohlcv(&a, &btc, from, to, ab, 2);
    CHECK_STR(k, cache_key_ohlcv(&a, &btc, from, to, ba, 2));
    /* head of sha256("limit=500&order=desc&"): the same in every version */
    CHECK_STR(k, S("ohlcv:binance:BTCUSDT:1h:1970-01-01T00:00:00Z:1970-01-01T00:00:01Z:p=23188deb024c1157"));
    CacheParam other[] = { { S("limit"), S("500&order=desc") } }, more[] = { { S("limit"), S("501") }, ab[1] };
    CHECK(!str_eq(k, cache_key_ohlcv(&a, &btc, from, to, other, 1)));
    CHECK(!str_eq(k, cache_key_ohlcv(&a, &btc, from, to, more, 2)));
    CHECK(!str_eq(k, cache_key_ohlcv(&a, &btc, from, to, NULL, 0)));
    arena_done(&a);
}

TEST(a_part_cannot_pass_for_two_or_for_a_pattern) {
    Arena a = { 0 };
    CacheSeries s = { S("x"), S("BTC/USDT:USDT"), S("1h") };
    CHECK_STR(cache_key_stats(&a, &s, NULL, 0), S("stats:x:BTC/USDT%3AUSDT:1h"));
    CHECK_STR(cache_key_backtest(&a, S("a*b?[c]\\ %\n")), S("backtest:a%2Ab%3F%5Bc%5D%5C%20%25%0A"));
    CHECK_STR(cache_key_backtest(&a, str_n("a\0b", 3)), S("backtest:a%00b"));
    arena_done(&a);
}

/* CAC-03 */
TEST(cac_03_the_documents_lives_and_one_change_touches_one_kind) {
    CacheTtls t, changed;
    cache_ttls_default(&t);
    const struct {
        const char *name;
        CacheKind kind;
        int64_t seconds;
    } rows[] = {
        { "ohlcv_data", CACHE_OHLCV, 300 },           { "statistics", CACHE_STATS, 600 },
        { "backtest_results", CACHE_BACKTEST, 3600 }, { "strategy_configs", CACHE_STRATEGY, 86400 },
        { "system_stats", CACHE_SYSTEM, 300 },
    };
    EACH_ROW (r, rows) {
        CHECK_STR(str_c(cache_kind_name(r->kind)), str_c(r->name));
        CHECK_EQ(cache_ttl_l2(&t, r->kind, false), r->seconds * 1000);
        CHECK_EQ(cache_ttl_l1(&t, r->kind, false), 60000); /* U06 */
        changed = t;
        changed.of[r->kind].ttl_ms = 1234;
        for (int k = CACHE_OHLCV; k < CACHE_KINDS; k++) {
            CHECK_EQ(cache_ttl_l2(&changed, (CacheKind)k, false),
                     k == r->kind ? 1234 : cache_ttl_l2(&t, (CacheKind)k, false));
            CHECK_EQ(cache_ttl_l1(&changed, (CacheKind)k, false), k == r->kind ? 1234 : 60000);
        }
    }
    CHECK_EQ(cache_ttl_l2(&t, CACHE_NONE, true), 0);
    CHECK_EQ(cache_ttl_l1(&t, CACHE_NONE, false), 0);
}

/* CAC-10 */
TEST(cac_10_what_cannot_change_lives_30_minutes_to_7_days) {
    CacheTtls t;
    cache_ttls_default(&t);
    for (int k = CACHE_OHLCV; k < CACHE_KINDS; k++) {
        int64_t ms = cache_ttl_l2(&t, (CacheKind)k, true);
        CHECK(ms >= 30 * MS_PER_MINUTE && ms <= 7 * INT64_C(24) * MS_PER_HOUR);
        CHECK(ms >= cache_ttl_l2(&t, (CacheKind)k, false));
        CHECK_EQ(cache_ttl_l1(&t, (CacheKind)k, true), 60000);
    }
}

TEST(cac_09_globs_match_as_redis_matches) {
    const struct {
        const char *name, *key;
        bool match;
    } rows[] = {
        { "", "", true },
        { "", "a", false },
        { "*", "", true },
        { "*", "anything:at:all", true },
        { "ohlcv:*", "ohlcv:x", true },
        { "ohlcv:*", "stats:x", false },
        { "*:BTCUSDT:*", "ohlcv:binance:BTCUSDT:1h", true },
        { "*:BTCUSDT:*", "ohlcv:binance:BTCUSD:1h", false },
        { "a?c", "abc", true },
        { "a?c", "ac", false },
        { "a[bc]d", "acd", true },
        { "a[^bc]d", "acd", false },
        { "a[^bc]d", "axd", true },
        { "a[b-d]e", "ace", true },
        { "a[d-b]e", "ace", true }, /* Redis turns it round */
        { "a[b-d]e", "aee", false },
        { "a\\*b", "a*b", true },
        { "a\\*b", "axb", false },
        { "a[\\]]b", "a]b", true },
        { "a[b", "ab", true }, /* never closed: ends with the pattern */
        { "a\\", "a\\", true },
        { "*a*b*c*", "xxaxxbxxcxx", true },
        { "*a*b*c*", "xxaxxcxxbxx", false },
        { "a**b", "ab", true },
        { "*aab", "aaaab", true },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(cache_key_match(str_c(r->name), str_c(r->key)), r->match);
}

TEST(a_hostile_glob_takes_no_longer_than_its_lengths_product) {
    char pattern[400], key[1000];
    for (size_t i = 0; i < sizeof pattern; i += 2) {
        pattern[i] = '*';
        pattern[i + 1] = 'a';
    }
    memset(key, 'a', sizeof key);
    key[sizeof key - 1] = 'b';
    CHECK(!cache_key_match(str_n(pattern, sizeof pattern), str_n(key, sizeof key))); /* would run for years */
}

TESTS(T(cac_04_to_cac_08_golden_keys), T(u32_one_question_has_one_key_and_two_have_two),
      T(a_part_cannot_pass_for_two_or_for_a_pattern), T(cac_03_the_documents_lives_and_one_change_touches_one_kind),
      T(cac_10_what_cannot_change_lives_30_minutes_to_7_days), T(cac_09_globs_match_as_redis_matches),
      T(a_hostile_glob_takes_no_longer_than_its_lengths_product))
