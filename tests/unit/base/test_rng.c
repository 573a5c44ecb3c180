/* base/rng: the published streams, ranges, and ids. */

#include "base/rng.h"
#include "lib/test.h"

TEST(xoshiro_gives_the_published_stream) {
    /* From state 1,2,3,4, as in the reference implementation. */
    static const uint64_t want[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
    };
    Rng r = { { 1, 2, 3, 4 } };
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        CHECK(rng_u64(&r) == want[i]);
}

TEST(the_seed_goes_through_splitmix64) {
    static const uint64_t want[] = {
        UINT64_C(6457827717110365317),
        UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431),
    };
    Rng r;
    rng_seed(&r, 1234567);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        CHECK(r.s[i] == want[i]);
}

TEST(ranges_include_their_ends_and_nothing_else) {
    Rng r;
    rng_seed(&r, 7);
    bool seen[6] = { 0 };
    for (int i = 0; i < 1000; i++) {
        int64_t v = rng_between(&r, -2, 3);
        CHECK(v >= -2 && v <= 3);
        seen[v + 2] = true;
        CHECK_EQ(rng_below(&r, 1), 0);
        double f = rng_f64(&r);
        CHECK(f >= 0 && f < 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        CHECK(seen[i]);
    CHECK_EQ(rng_between(&r, INT64_MAX, INT64_MAX), INT64_MAX);
    bool negative = false, positive = false;
    for (int i = 0; i < 64; i++) {
        int64_t v = rng_between(&r, INT64_MIN, INT64_MAX);
        negative |= v < 0;
        positive |= v > 0;
    }
    CHECK(negative && positive);
}

/* Three buckets of a range that does not divide 2^64: a modulo of 64 bits would pass too, a modulo of few bits or
 * a broken rejection would not. */
TEST(moments_are_those_of_the_distribution) {
    enum { N = 200000 };
    Rng r;
    rng_seed(&r, 11);
    int buckets[3] = { 0 };
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        buckets[rng_below(&r, 3)]++;
        double x = rng_normal(&r);
        sum += x;
        squares += x * x;
    }
    for (int i = 0; i < 3; i++)
        CHECK_NEAR(buckets[i] / (double)N, 1.0 / 3, 0.005);
    CHECK_NEAR(sum / N, 0, 0.01);
    CHECK_NEAR(squares / N, 1, 0.015);
    CHECK(rng_chance(&r, 1.0));
    CHECK(!rng_chance(&r, 0.0));
}

TEST(a_uuid_is_version_4_and_follows_its_seed) {
    TestCtx t;
    test_ctx_init(&t);
    IdsSeeded a, b;
    ids_seeded_init(&a, 5);
    ids_seeded_init(&b, 5);
    Str first = ids_uuid4(&a.ids, &t.arena);
    CHECK_STR(ids_uuid4(&b.ids, &t.arena), first);
    CHECK(!str_eq(ids_uuid4(&a.ids, &t.arena), first));
    for (int i = 0; i < 200; i++) {
        Str u = ids_uuid4(&a.ids, &t.arena);
        CHECK(uuid_valid(u));
        CHECK_EQ(u.p[14], '4');
        CHECK(strchr("89ab", u.p[19]) != NULL);
        CHECK(ids_u64(&a.ids) != 0);
    }
    test_ctx_done(&t);
}

typedef struct CountedIds {
    Ids ids;
    int calls;
    uint64_t next;
} CountedIds;

static void counted_bytes(Ids *ids, void *out, size_t n) {
    CountedIds *c = (CountedIds *)ids;
    c->calls++;
    for (size_t i = 0; i + 8 <= n; i += 8, c->next++)
        memcpy((char *)out + i, &c->next, 8);
}

TEST(a_batch_asks_once_for_64_ids_and_gives_no_byte_twice) {
    CountedIds from = { { counted_bytes }, 0, 1 };
    IdsBatch batch;
    ids_batch_init(&batch, &from.ids);
    bool seen[3 * IDS_BATCH / 8 + 1] = { false };
    for (int i = 0; i < 2 * 64 + 1; i++) {
        uint64_t id[2];
        batch.ids.bytes(&batch.ids, id, sizeof id);
        for (int k = 0; k < 2; k++) {
            CHECK(id[k] > 0 && id[k] < ARRAY_LEN(seen) && !seen[id[k]]);
            seen[id[k]] = true;
        }
    }
    CHECK_EQ(from.calls, 3);
    static uint64_t large[IDS_BATCH / 4];
    batch.ids.bytes(&batch.ids, large, sizeof large); /* more than a batch: from the source itself */
    CHECK_EQ(from.calls, 4);
    CHECK(large[0] == 3 * IDS_BATCH / 8 + 1);
}

TEST(uuid_valid_knows_the_shape) {
    static const struct {
        const char *name, *text;
        bool want;
    } rows[] = {
        { "lower case", "0f8fad5b-d9cb-469f-a165-70867728950e", true },
        { "upper case", "0F8FAD5B-D9CB-469F-A165-70867728950E", true },
        { "empty", "", false },
        { "short", "0f8fad5b-d9cb-469f-a165-70867728950", false },
        { "long", "0f8fad5b-d9cb-469f-a165-70867728950e0", false },
        { "a dash moved", "0f8fad5bd-9cb-469f-a165-70867728950e", false },
        { "no hex", "0g8fad5b-d9cb-469f-a165-70867728950e", false },
        { "braces", "{f8fad5b-d9cb-469f-a165-7086772895e}", false },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(uuid_valid(str_c(r->text)), r->want);
}

TESTS(T(xoshiro_gives_the_published_stream), T(the_seed_goes_through_splitmix64),
      T(ranges_include_their_ends_and_nothing_else), T(moments_are_those_of_the_distribution),
      T(a_uuid_is_version_4_and_follows_its_seed), T(a_batch_asks_once_for_64_ids_and_gives_no_byte_twice),
      T(uuid_valid_knows_the_shape))
