/* The contract of ports/cache.h: every adapter passes it. */

#include "contract/cache.h"

#include "base/rng.h"

#include <pthread.h>

static TestCtx t;
static Cache *cache;

static void open_cache(void **state_) {
    UNUSED(state_);
    test_ctx_init(&t);
    cache = cache_maker.open(&t);
    if (!cache) {
        test_ctx_done(&t);
        SKIP("%s: its server is not installed", cache_maker.name);
    }
}

static void close_cache(void) {
    cache_close(cache);
    if (cache_maker.done)
        cache_maker.done();
    test_ctx_done(&t);
}

static int put_entry(const CacheEntry *e, Str value) {
    CacheBlob *b = cache_blob_of(value);
    b->flags = 0xfeed;
    int r = cache_put(cache, &t.cx, e, b);
    cache_blob_unref(b);
    return r;
}

static void put(const char *key, Str value) {
    CHECK_OK_PLAIN(&t.cx, put_entry(&(CacheEntry){ .key = str_c(key), .ttl_ms = 60000 }, value));
}

static CacheFound get(const char *key, Str *value) {
    CacheFound found;
    CacheHit hit;
    CHECK_OK_PLAIN(&t.cx, cache_get(cache, &t.cx, str_c(key), &found, &hit));
    if (found != CACHE_MISS) {
        *value = str_dup(&t.arena, cache_blob_str(hit.value));
        assert_int_equal(hit.value->flags, 0xfeed);
        cache_blob_unref(hit.value);
    }
    return found;
}

static bool has(const char *key) {
    Str v;
    return get(key, &v) != CACHE_MISS;
}

TEST(what_is_put_is_found_byte_by_byte) {
    open_cache(state_);
    Str v;
    CHECK_EQ(get("none", &v), CACHE_MISS);
    put("k", str_n("a\0b\r\n\xff", 6));
    CHECK_EQ(get("k", &v), CACHE_FRESH);
    CHECK_STR(v, str_n("a\0b\r\n\xff", 6));
    put("k", S("two"));
    CHECK_EQ(get("k", &v), CACHE_FRESH);
    CHECK_STR(v, S("two"));
    put("empty", S(""));
    CHECK_EQ(get("empty", &v), CACHE_FRESH);
    CHECK_EQ(v.n, 0);
    put("odd key *?[\r\n", S("x"));
    CHECK(has("odd key *?[\r\n"));
    close_cache();
}

TEST(a_megabyte_goes_in_and_comes_out) {
    open_cache(state_);
    size_t n = 1 << 20;
    char *p = arena_alloc(&t.arena, n);
    Rng rng;
    rng_seed(&rng, 3);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)rng_u64(&rng);
    put("large", str_n(p, n));
    Str v;
    CHECK_EQ(get("large", &v), CACHE_FRESH);
    CHECK(str_eq(v, str_n(p, n)));
    close_cache();
}

TEST(cac_01_entries_are_fresh_then_stale_then_gone) {
    open_cache(state_);
    CHECK_EQ(put_entry(&(CacheEntry){ .key = S("k"), .ttl_ms = 300000, .stale_ms = 60000 }, S("v")), 0);
    Str v;
    CHECK_EQ(get("k", &v), CACHE_FRESH);
    clock_manual_advance_ms(&t.clock, 299999);
    CacheFound found;
    CacheHit hit;
    CHECK_OK(&t.cx, cache_get(cache, &t.cx, S("k"), &found, &hit));
    CHECK_EQ(found, CACHE_FRESH);
    CHECK_EQ(hit.age_ms, 299999);
    CHECK_EQ(hit.left_ms, 1);
    cache_blob_unref(hit.value);
    clock_manual_advance_ms(&t.clock, 1);
    CHECK_EQ(get("k", &v), CACHE_STALE);
    clock_manual_advance_ms(&t.clock, 59999);
    CHECK_EQ(get("k", &v), CACHE_STALE);
    clock_manual_advance_ms(&t.clock, 1);
    CHECK_EQ(get("k", &v), CACHE_MISS);
    close_cache();
}

static void put_range(const char *key, int64_t from, int64_t to) {
    Str tags[] = { S("series:x"), S("all") };
    CacheEntry e = { .key = str_c(key), .ttl_ms = 60000, .tags = tags, .n_tags = 2, .from = { from }, .to = { to } };
    CHECK_OK_PLAIN(&t.cx, put_entry(&e, S("v")));
}

TEST(cac_09_dropped_by_key_tag_range_and_pattern) {
    open_cache(state_);
    size_t n;
    put("a", S("v"));
    CHECK_OK(&t.cx, cache_drop(cache, &t.cx, S("a"), &n));
    CHECK_EQ(n, 1);
    CHECK(!has("a"));
    CHECK_OK(&t.cx, cache_drop(cache, &t.cx, S("a"), &n));
    CHECK_EQ(n, 0);

    put_range("before", 1, 100);
    put_range("covers", 50, 150);
    put_range("behind", 101, 200);
    put_range("whole", 0, 0);
    CHECK_OK(&t.cx, cache_drop_range(cache, &t.cx, S("series:x"), time_ms(100), time_ms(101), &n));
    CHECK_EQ(n, 2);
    CHECK(has("before") && has("behind") && !has("covers") && !has("whole"));
    CHECK_OK(&t.cx, cache_drop_tag(cache, &t.cx, S("none"), &n));
    CHECK_EQ(n, 0);
    CHECK_OK(&t.cx, cache_drop_tag(cache, &t.cx, S("all"), &n));
    CHECK_EQ(n, 2);
    CHECK(!has("before") && !has("behind"));

    put("ohlcv:binance:BTCUSDT:1h", S("v"));
    put("ohlcv:binance:ETHUSDT:1h", S("v"));
    put("stats:binance:BTCUSDT", S("v"));
    CHECK_OK(&t.cx, cache_drop_pattern(cache, &t.cx, S("*:binance:BTCUSDT*"), &n));
    CHECK_EQ(n, 2);
    CHECK(has("ohlcv:binance:ETHUSDT:1h"));
    CHECK_OK(&t.cx, cache_drop_pattern(cache, &t.cx, S("*"), &n));
    CHECK_EQ(n, 1);
    CHECK(!has("ohlcv:binance:ETHUSDT:1h"));
    close_cache();
}

TEST(many_are_dropped_at_once) {
    open_cache(state_);
    char key[32];
    enum { MANY = 2500 };
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "many:%d", i);
        put_range(key, 1 + i, 10 + i);
    }
    size_t n;
    CHECK_OK(&t.cx, cache_drop_range(cache, &t.cx, S("series:x"), time_ms(1000), time_ms(2000), &n));
    CHECK_EQ(n, 1000 + 8); /* i in 991 .. 1998 */
    CHECK_OK(&t.cx, cache_drop_pattern(cache, &t.cx, S("many:*"), &n));
    CHECK_EQ(n, MANY - 1008);
    close_cache();
}

TEST(limits_are_said) {
    open_cache(state_);
    char long_key[CACHE_KEY_MAX + 2];
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[CACHE_KEY_MAX + 1] = '\0';
    size_t n;
    CHECK_EQ(cache_drop(cache, &t.cx, str_c(long_key), &n), ERR_INVALID);
    CHECK_EQ(put_entry(&(CacheEntry){ .key = S(""), .ttl_ms = 1 }, S("v")), ERR_INVALID);
    long_key[CACHE_KEY_MAX] = '\0';
    put(long_key, S("v"));
    CHECK(has(long_key));
    CHECK_EQ(put_entry(&(CacheEntry){ .key = S("k"), .ttl_ms = 0 }, S("v")), CACHE_REFUSED);
    CacheBlob *huge = cache_blob_new(CACHE_VALUE_MAX + 1);
    CHECK_EQ(cache_put(cache, &t.cx, &(CacheEntry){ .key = S("k"), .ttl_ms = 1 }, huge), CACHE_REFUSED);
    cache_blob_unref(huge);
    close_cache();
}

static int fail_puts(void *arg, Ctx *cx, const char *point) {
    UNUSED(arg);
    return strcmp(point, "put") == 0 ? err_set(cx, ERR_UNAVAILABLE, "as told") : 0;
}

TEST(a_test_can_make_calls_fail) {
    open_cache(state_);
    cache_set_fault(cache, fail_puts, NULL);
    CHECK_EQ(put_entry(&(CacheEntry){ .key = S("k"), .ttl_ms = 1000 }, S("v")), ERR_UNAVAILABLE);
    CHECK(!has("k"));
    close_cache();
}

enum { THREADS = 6, ROUNDS = 300, KEYS = 20 };

static void *member(void *arg) {
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    TestCtx own;
    test_ctx_init(&own);
    Rng rng;
    rng_seed(&rng, seed);
    intptr_t wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char key[16];
        Str k = str_n(key, (size_t)snprintf(key, sizeof key, "t%d", (int)rng_below(&rng, KEYS)));
        Str tag = S("threads");
        uint64_t what = rng_below(&rng, 10);
        CacheFound found;
        CacheHit hit;
        size_t n;
        if (what < 4) {
            CacheBlob *b = cache_blob_of(k); /* each value is its key */
            wrong += cache_put(cache, &own.cx, &(CacheEntry){ .key = k, .ttl_ms = 60000, .tags = &tag, .n_tags = 1 },
                               b) != 0;
            cache_blob_unref(b);
        } else if (what < 9) {
            wrong += cache_get(cache, &own.cx, k, &found, &hit) != 0;
            if (found != CACHE_MISS) {
                wrong += !str_eq(cache_blob_str(hit.value), k);
                cache_blob_unref(hit.value);
            }
        } else {
            wrong += cache_drop_tag(cache, &own.cx, tag, &n) != 0;
        }
        arena_reset(&own.arena);
    }
    test_ctx_done(&own);
    return (void *)wrong;
}

TEST(many_threads_find_what_belongs_to_their_keys) {
    open_cache(state_);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, member, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        CHECK(wrong == NULL);
    }
    CacheStats st;
    cache_stats(cache, &st);
    CHECK(st.hits > 100);
    CHECK_EQ(st.errors, 0);
    close_cache();
}

TESTS(T(what_is_put_is_found_byte_by_byte), T(a_megabyte_goes_in_and_comes_out),
      T(cac_01_entries_are_fresh_then_stale_then_gone), T(cac_09_dropped_by_key_tag_range_and_pattern),
      T(many_are_dropped_at_once), T(limits_are_said), T(a_test_can_make_calls_fail),
      T(many_threads_find_what_belongs_to_their_keys))
