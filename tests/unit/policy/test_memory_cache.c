/* policy/memory_cache: expiry on virtual time, the byte cap, both policies, invalidation, tokens. */

#include "base/rng.h"
#include "lib/test.h"
#include "policy/memory_cache.h"

static MonoNs at_ms(int64_t ms) {
    return (MonoNs){ ms * NS_PER_MS };
}

static MemoryCache *cache_new(CachePolicy policy, size_t max_bytes) {
    return memory_cache_new(&(MemoryCacheOptions){ .max_bytes = max_bytes, .policy = policy, .seed = 7 });
}

static int put_entry(MemoryCache *c, const CacheEntry *e, Str value, const CacheToken *t, int64_t ms) {
    CacheBlob *b = cache_blob_of(value);
    int r = memory_cache_put(c, e, b, t, at_ms(ms));
    cache_blob_unref(b);
    return r;
}

static int put(MemoryCache *c, Str key, Str value, int64_t ms) {
    return put_entry(c, &(CacheEntry){ .key = key, .ttl_ms = 60000 }, value, NULL, ms);
}

/* The value, or "" when it is not there; in a static buffer. */
static Str get(MemoryCache *c, Str key, int64_t ms) {
    static char text[64];
    CacheHit hit;
    if (memory_cache_get(c, key, at_ms(ms), &hit) == CACHE_MISS)
        return S("");
    size_t n = MIN(hit.value->n, sizeof text);
    memcpy(text, hit.value->bytes, n);
    cache_blob_unref(hit.value);
    return str_n(text, n);
}

TEST(cac_01_an_entry_is_fresh_then_stale_then_gone) {
    MemoryCache *c = cache_new(CACHE_TINYLFU, 1 << 16);
    CacheEntry e = { .key = S("k"), .ttl_ms = 60000, .stale_ms = 30000 };
    CHECK_EQ(put_entry(c, &e, S("v"), NULL, 1000), 0);
    const struct {
        const char *name;
        int64_t ms;
        CacheFound found;
        int64_t age, left;
    } rows[] = {
        { "at once", 1000, CACHE_FRESH, 0, 60000 },
        { "last fresh ms", 60999, CACHE_FRESH, 59999, 1 },
        { "first stale ms", 61000, CACHE_STALE, 60000, 0 },
        { "last stale ms", 90999, CACHE_STALE, 89999, -29999 },
        { "gone", 91000, CACHE_MISS, 0, 0 },
        { "and stays gone", 1000, CACHE_MISS, 0, 0 },
    };
    EACH_ROW (r, rows) {
        CacheHit hit = { 0 };
        CHECK_EQ(memory_cache_has(c, S("k"), at_ms(r->ms)), r->found == CACHE_FRESH);
        CHECK_EQ(memory_cache_get(c, S("k"), at_ms(r->ms), &hit), r->found);
        CHECK_EQ(hit.age_ms, r->age);
        CHECK_EQ(hit.left_ms, r->left);
        cache_blob_unref(hit.value);
    }
    MemoryCacheStats st;
    memory_cache_stats(c, &st);
    CHECK_EQ(st.hits, 2);
    CHECK_EQ(st.stale_hits, 2);
    CHECK_EQ(st.misses, 2);
    CHECK_EQ(st.expired, 1);
    CHECK_EQ(st.entries, 0);
    memory_cache_free(c);
}

TEST(a_put_replaces_and_a_reader_keeps_what_it_holds) {
    MemoryCache *c = cache_new(CACHE_TINYLFU, 1 << 16);
    put(c, S("k"), S("one"), 0);
    CacheHit hit;
    CHECK_EQ(memory_cache_get(c, S("k"), at_ms(1), &hit), CACHE_FRESH);
    put(c, S("k"), S("two"), 2);
    CHECK_STR(get(c, S("k"), 3), S("two"));
    CHECK_EQ(memory_cache_drop(c, S("k")), 1);
    CHECK_STR(cache_blob_str(hit.value), S("one"));
    CHECK_STR(get(c, S("k"), 4), S(""));
    cache_blob_unref(hit.value);
    memory_cache_free(c);
}

/* CAC-12 */
TEST(cac_12_lru_gives_up_in_exactly_the_order_of_use) {
    MemoryCache *c = cache_new(CACHE_LRU, 1 << 20);
    Str order[8];
    const char *keys[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++)
        put(c, str_c(keys[i]), S("v"), i);
    get(c, S("b"), 10);
    get(c, S("a"), 11);
    get(c, S("nobody"), 12);
    put(c, S("c"), S("w"), 13); /* a write is a use */
    CHECK_EQ(memory_cache_order(c, order, 8), 4);
    const char *want[] = { "d", "b", "a", "c" };
    for (int i = 0; i < 4; i++)
        CHECK_STR(order[i], str_c(want[i]));
    memory_cache_free(c);

    /* At capacity: what goes is the first of that order, each time. */
    c = cache_new(CACHE_LRU, 64 << 10);
    char key[16], value[1000];
    memset(value, 'x', sizeof value);
    Rng rng;
    rng_seed(&rng, 5);
    for (int i = 0; i < 3000; i++) {
        MemoryCacheStats before, after;
        memory_cache_stats(c, &before);
        Str first;
        bool any = memory_cache_order(c, &first, 1) > 0;
        char oldest[16] = "";
        if (any)
            memcpy(oldest, first.p, first.n);
        Str k = str_n(key, (size_t)snprintf(key, sizeof key, "%d", (int)rng_below(&rng, 200)));
        bool was_there = memory_cache_has(c, k, at_ms(i));
        put(c, k, str_n(value, sizeof value), i);
        memory_cache_stats(c, &after);
        CHECK(after.bytes <= after.max_bytes);
        if (after.evicted > before.evicted) {
            CHECK(!was_there);
            CHECK_EQ(after.evicted, before.evicted + 1);
            CHECK(!memory_cache_has(c, str_c(oldest), at_ms(i)));
        }
    }
    MemoryCacheStats st;
    memory_cache_stats(c, &st);
    CHECK(st.evicted > 1000);
    memory_cache_free(c);
}

TEST(cac_12_the_byte_cap_holds_for_every_policy_size_and_tag) {
    for (int policy = CACHE_TINYLFU; policy <= CACHE_LRU; policy++) {
        MemoryCache *c = cache_new((CachePolicy)policy, 100000);
        Rng rng;
        rng_seed(&rng, prop_seed(11));
        char key[32], tag_text[4][32];
        Str tags[4];
        char *value = mem_zalloc(20000);
        MemoryCacheStats st;
        for (int i = 0; i < 20000; i++) {
            CacheEntry e = { .ttl_ms = (int64_t)rng_below(&rng, 1000),
                             .stale_ms = (int64_t)rng_below(&rng, 100),
                             .tags = tags };
            e.key = str_n(key, (size_t)snprintf(key, sizeof key, "key%d", (int)rng_below(&rng, 500)));
            e.n_tags = rng_below(&rng, 5);
            for (size_t t = 0; t < e.n_tags; t++) /* sometimes the same one twice */
                tags[t] = str_n(tag_text[t], (size_t)snprintf(tag_text[t], 32, "tag%d", (int)rng_below(&rng, 40)));
            put_entry(c, &e, str_n(value, rng_below(&rng, rng_chance(&rng, 0.05) ? 20000 : 600)), NULL, i);
            if (rng_chance(&rng, 0.05))
                memory_cache_drop_tag(
                    c, str_n(tag_text[0], (size_t)snprintf(tag_text[0], 32, "tag%d", (int)rng_below(&rng, 40))));
            get(c, str_n(key, (size_t)snprintf(key, sizeof key, "key%d", (int)rng_below(&rng, 500))), i);
            memory_cache_stats(c, &st);
            CHECK(st.bytes <= 100000);
        }
        CHECK(st.evicted > 100 && st.expired > 100 && st.dropped > 100 && st.refused > 10);
        memory_cache_clear(c);
        MemoryCache *empty = cache_new((CachePolicy)policy, 100000);
        MemoryCacheStats none;
        memory_cache_stats(empty, &none);
        memory_cache_stats(c, &st);
        CHECK_EQ(st.bytes, none.bytes); /* every byte is given back */
        memory_cache_free(empty);
        memory_cache_free(c);
        mem_free(value);
    }
}

TEST(what_does_not_fit_is_refused_and_does_not_leave_its_older_self) {
    MemoryCache *c = cache_new(CACHE_TINYLFU, 16384);
    char big[4096] = { 0 };
    put(c, S("k"), S("old"), 0);
    CHECK_EQ(put(c, S("k"), str_n(big, sizeof big), 1), CACHE_REFUSED);
    CHECK_STR(get(c, S("k"), 2), S(""));
    memory_cache_free(c);
}

TEST(a_scan_does_not_push_out_what_is_hot) {
    MemoryCache *c = cache_new(CACHE_TINYLFU, 256 << 10);
    char key[32];
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < 200; i++) {
            Str k = str_n(key, (size_t)snprintf(key, sizeof key, "hot%d", i));
            if (get(c, k, round).n == 0)
                put(c, k, S("value"), round);
        }
    for (int i = 0; i < 50000; i++) {
        put(c, str_n(key, (size_t)snprintf(key, sizeof key, "scan%d", i)), S("once"), 30);
        if (i % 10 == 0) /* of eleven requests ten are the scan's */
            get(c, str_n(key, (size_t)snprintf(key, sizeof key, "hot%d", i / 10 % 200)), 30);
    }
    int kept = 0;
    for (int i = 0; i < 200; i++)
        kept += memory_cache_has(c, str_n(key, (size_t)snprintf(key, sizeof key, "hot%d", i)), at_ms(40));
    CHECK(kept >= 195);
    memory_cache_free(c);
}

static void put_range(MemoryCache *c, const char *key, int64_t from, int64_t to) {
    Str tag = S("series:x");
    CacheEntry e = { .key = str_c(key), .ttl_ms = 60000, .tags = &tag, .n_tags = 1, .from = { from }, .to = { to } };
    assert_int_equal(put_entry(c, &e, S("v"), NULL, 0), 0);
}

TEST(cac_09_a_new_candle_drops_only_the_ranges_that_cover_it) {
    MemoryCache *c = cache_new(CACHE_TINYLFU, 1 << 16);
    put_range(c, "before", 0 + 1, 100);
    put_range(c, "covers", 50, 150);
    put_range(c, "behind", 101, 200);
    put_range(c, "whole", 0, 0);
    put_range(c, "open end", 100, INT64_MAX);
    Str other = S("series:y");
    put_entry(c, &(CacheEntry){ .key = S("other"), .ttl_ms = 60000, .tags = &other, .n_tags = 1 }, S("v"), NULL, 0);
    CHECK_EQ(memory_cache_drop_range(c, S("series:x"), time_ms(100), time_ms(101)), 3);
    CHECK(memory_cache_has(c, S("before"), at_ms(1))); /* half-open: 100 is not in [1, 100) */
    CHECK(!memory_cache_has(c, S("covers"), at_ms(1)));
    CHECK(memory_cache_has(c, S("behind"), at_ms(1)));
    CHECK(!memory_cache_has(c, S("whole"), at_ms(1)));
    CHECK(!memory_cache_has(c, S("open end"), at_ms(1)));
    CHECK(memory_cache_has(c, S("other"), at_ms(1)));
    CHECK_EQ(memory_cache_drop_tag(c, S("series:x")), 2);
    CHECK_EQ(memory_cache_drop_tag(c, S("series:x")), 0);
    CHECK_EQ(memory_cache_drop_tag(c, S("series:none")), 0);
    memory_cache_free(c);
}

TEST(cac_09_by_pattern_by_key_and_all) {
    MemoryCache *c = cache_new(CACHE_TINYLFU, 1 << 16);
    const char *keys[] = { "ohlcv:binance:BTCUSDT:1h:-:-", "ohlcv:binance:ETHUSDT:1h:-:-", "stats:binance:BTCUSDT:1h",
                           "system:stats" };
    for (int i = 0; i < 4; i++)
        put(c, str_c(keys[i]), S("v"), 0);
    CHECK_EQ(memory_cache_drop_pattern(c, S("*:binance:BTCUSDT:*")), 2);
    CHECK(memory_cache_has(c, str_c(keys[1]), at_ms(1)));
    CHECK_EQ(memory_cache_drop(c, str_c(keys[3])), 1);
    CHECK_EQ(memory_cache_drop(c, str_c(keys[3])), 0);
    CHECK_EQ(memory_cache_clear(c), 1);
    memory_cache_free(c);
}

TEST(cac_13_what_was_read_before_an_invalidation_is_not_stored_after_it) {
    Str tag = S("series:x"), key = S("k");
    const struct {
        const char *name;
        int how;
        int want;
    } rows[] = { { "nothing happened", 0, 0 },
                 { "its key", 1, CACHE_REFUSED },
                 { "its tag", 2, CACHE_REFUSED },
                 { "everything", 3, CACHE_REFUSED },
                 { "a pattern", 4, CACHE_REFUSED },
                 { "another key", 5, 0 },
                 { "its tag, another range", 6, CACHE_REFUSED } /* errs towards not storing */ };
    EACH_ROW (r, rows) {
        MemoryCache *c = cache_new(CACHE_TINYLFU, 1 << 16);
        memory_cache_drop(c, key); /* earlier ones do not count */
        CacheToken t = memory_cache_token(c);
        if (r->how == 1)
            memory_cache_drop(c, key);
        else if (r->how == 2)
            memory_cache_drop_tag(c, tag);
        else if (r->how == 3)
            memory_cache_clear(c);
        else if (r->how == 4)
            memory_cache_drop_pattern(c, S("z*"));
        else if (r->how == 5)
            memory_cache_drop(c, S("other"));
        else if (r->how == 6)
            memory_cache_drop_range(c, tag, time_ms(5), time_ms(6));
        CacheEntry e = { .key = key, .ttl_ms = 1000, .tags = &tag, .n_tags = 1 };
        CHECK_EQ(put_entry(c, &e, S("old"), &t, 0), r->want);
        CHECK_EQ(memory_cache_has(c, key, at_ms(0)), r->want == 0);
        memory_cache_free(c);
    }
}

TEST(sweeping_frees_what_nobody_asks_for_any_more) {
    MemoryCache *c = cache_new(CACHE_TINYLFU, 1 << 20);
    char key[16];
    for (int i = 0; i < 300; i++)
        put(c, str_n(key, (size_t)snprintf(key, sizeof key, "%d", i)), S("v"), 0);
    CHECK_EQ(memory_cache_sweep(c, SIZE_MAX, at_ms(59999)), 0);
    CHECK_EQ(memory_cache_sweep(c, SIZE_MAX, at_ms(60000)), 300);
    memory_cache_free(c);
}

TESTS(T(cac_01_an_entry_is_fresh_then_stale_then_gone), T(a_put_replaces_and_a_reader_keeps_what_it_holds),
      T(cac_12_lru_gives_up_in_exactly_the_order_of_use), T(cac_12_the_byte_cap_holds_for_every_policy_size_and_tag),
      T(what_does_not_fit_is_refused_and_does_not_leave_its_older_self), T(a_scan_does_not_push_out_what_is_hot),
      T(cac_09_a_new_candle_drops_only_the_ranges_that_cover_it), T(cac_09_by_pattern_by_key_and_all),
      T(cac_13_what_was_read_before_an_invalidation_is_not_stored_after_it),
      T(sweeping_frees_what_nobody_asks_for_any_more))
