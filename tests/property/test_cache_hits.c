/* policy/memory_cache on Zipf's law: the hit rate that the documents ask for, and against LRU of the same size. */

#include "base/rng.h"
#include "lib/test.h"
#include "policy/memory_cache.h"

enum { KEYS = 10000 };

/* Draws ranks with probability 1/rank^s by a search in the cumulated weights. */
typedef struct Zipf {
    double to[KEYS];
} Zipf;

static Zipf *zipf_new(double s) {
    Zipf *z = mem_new(Zipf);
    double sum = 0;
    for (int i = 0; i < KEYS; i++)
        z->to[i] = sum += pow(i + 1, -s);
    for (int i = 0; i < KEYS; i++)
        z->to[i] /= sum;
    return z;
}

static int zipf_draw(const Zipf *z, Rng *rng) {
    double u = rng_f64(rng);
    int lo = 0, hi = KEYS - 1;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (z->to[mid] < u)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool ask(MemoryCache *c, int rank, CacheBlob *value) {
    char key[24];
    Str k = str_n(key, (size_t)snprintf(key, sizeof key, "key:%06d", rank));
    CacheHit hit;
    if (memory_cache_get(c, k, (MonoNs){ 0 }, &hit) != CACHE_MISS) {
        cache_blob_unref(hit.value);
        return true;
    }
    memory_cache_put(c, &(CacheEntry){ .key = k, .ttl_ms = MS_PER_DAY }, value, NULL, (MonoNs){ 0 });
    return false;
}

/* Hit rate of `n` draws after as many to warm up. */
static double hit_rate(CachePolicy policy, const Zipf *z, size_t max_bytes, int n, size_t *entries) {
    MemoryCache *c = memory_cache_new(&(MemoryCacheOptions){ .max_bytes = max_bytes, .policy = policy, .seed = 1 });
    CacheBlob *value = cache_blob_new(200);
    memset(value->bytes, 'v', 200);
    Rng rng;
    rng_seed(&rng, prop_seed(2024));
    int hits = 0;
    for (int i = 0; i < 2 * n; i++) {
        bool hit = ask(c, zipf_draw(z, &rng), value);
        hits += hit && i >= n;
    }
    MemoryCacheStats st;
    memory_cache_stats(c, &st);
    *entries = st.entries;
    cache_blob_unref(value);
    memory_cache_free(c);
    return (double)hits / n;
}

/* Room for about 70 % of the keys: nobody could have more than 96.4 % (the share of the 7,000 commonest). */
TEST(cac_11_zipf_1_over_10000_keys_hits_95_percent_and_beats_lru) {
    Zipf *z = zipf_new(1.0);
    size_t n_lfu, n_lru;
    double lfu = hit_rate(CACHE_TINYLFU, z, 2750000, 400000, &n_lfu),
           lru = hit_rate(CACHE_LRU, z, 2750000, 400000, &n_lru);
    print_message("# TinyLFU %.4f with %zu of %d keys, LRU %.4f with %zu\n", lfu, n_lfu, KEYS, lru, n_lru);
    CHECK(n_lfu <= 7500);
    CHECK(lfu >= 0.95);
    CHECK(lfu > lru);
    mem_free(z);
}

TEST(cac_11_the_smaller_the_cache_the_greater_the_lead) {
    Zipf *z = zipf_new(1.0);
    static const size_t bytes[] = { 100000, 300000, 1000000 };
    for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
        size_t n_lfu, n_lru;
        double lfu = hit_rate(CACHE_TINYLFU, z, bytes[i], 200000, &n_lfu),
               lru = hit_rate(CACHE_LRU, z, bytes[i], 200000, &n_lru);
        double best = z->to[n_lfu - 1];
        print_message("# %zu entries: TinyLFU %.4f, LRU %.4f, perfect knowledge %.4f\n", n_lfu, lfu, lru, best);
        CHECK(lfu > lru + 0.03);
        CHECK(lfu > best - 0.05);
    }
    mem_free(z);
}

TESTS(T(cac_11_zipf_1_over_10000_keys_hits_95_percent_and_beats_lru),
      T(cac_11_the_smaller_the_cache_the_greater_the_lead))
