/* base/hash: CRC-32C against the published vectors, both ways of computing it; hash64's spread. */

#include "base/hash.h"
#include "base/rng.h"
#include "lib/test.h"

TEST(crc32c_gives_the_published_values) {
    uint8_t zeros[32] = { 0 }, ones[32], rising[32], falling[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) {
        rising[i] = (uint8_t)i;
        falling[i] = (uint8_t)(31 - i);
    }
    const struct {
        const char *name;
        const void *p;
        size_t n;
        uint32_t want;
    } rows[] = {
        { "nothing", "", 0, 0 },
        { "the check string", "123456789", 9, 0xE3069283 },
        { "RFC 3720: zeros", zeros, 32, 0x8A9136AA },
        { "RFC 3720: ones", ones, 32, 0x62A8AB43 },
        { "RFC 3720: rising", rising, 32, 0x46DD794E },
        { "RFC 3720: falling", falling, 32, 0x113FDB5C },
    };
    EACH_ROW (r, rows) {
        CHECK_EQ(crc32c(0, r->p, r->n), r->want);
        CHECK_EQ(crc32c_table(0, r->p, r->n), r->want);
    }
}

TEST(crc32c_is_the_same_in_pieces_at_any_alignment_and_without_the_instruction) {
    Rng rng;
    rng_seed(&rng, prop_seed(3));
    uint8_t bytes[600];
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)rng_u64(&rng);
        size_t from = rng_below(&rng, 16), n = rng_below(&rng, 500), cut = rng_below(&rng, n + 1);
        uint32_t whole = crc32c(0, bytes + from, n);
        CHECK_EQ(crc32c_table(0, bytes + from, n), whole);
        CHECK_EQ(crc32c(crc32c(0, bytes + from, cut), bytes + from + cut, n - cut), whole);
        if (n > 0) {
            bytes[from + rng_below(&rng, n)] ^= (uint8_t)(1 << rng_below(&rng, 8));
            CHECK(crc32c(0, bytes + from, n) != whole);
        }
    }
}

TEST(hash64_reads_every_byte_and_the_length_and_the_seed) {
    uint8_t bytes[80] = { 0 };
    for (size_t n = 0; n < 64; n++) {
        uint64_t h = hash64(bytes, n, 1);
        CHECK(h != hash64(bytes, n, 2));
        CHECK(h != hash64(bytes, n + 1, 1)); /* one more zero byte is another key */
        for (size_t i = 0; i < n; i++) {
            bytes[i] = 1;
            CHECK(hash64(bytes, n, 1) != h);
            bytes[i] = 0;
        }
        bytes[n] = 1; /* the byte past the end is not read */
        CHECK(hash64(bytes, n, 1) == h);
        bytes[n] = 0;
    }
}

/* One bit of input changes each bit of output about half of the time. */
TEST(hash64_spreads_single_bits) {
    Rng rng;
    rng_seed(&rng, 9);
    static const size_t sizes[] = { 3, 7, 8, 16, 17, 40 };
    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        int flips[64] = { 0 }, rounds = 2000;
        for (int round = 0; round < rounds; round++) {
            uint8_t key[40];
            for (size_t i = 0; i < sizes[k]; i++)
                key[i] = (uint8_t)rng_u64(&rng);
            uint64_t before = hash64(key, sizes[k], 77);
            key[rng_below(&rng, sizes[k])] ^= (uint8_t)(1 << rng_below(&rng, 8));
            uint64_t differs = before ^ hash64(key, sizes[k], 77);
            for (int bit = 0; bit < 64; bit++)
                flips[bit] += differs >> bit & 1;
        }
        for (int bit = 0; bit < 64; bit++)
            CHECK_NEAR(flips[bit] / (double)rounds, 0.5, 0.07);
    }
}

/* Keys in use are often 0, 1, 2, ...: their low bits choose the slot. */
TEST(hash64_u64_of_small_numbers_fills_a_table_evenly) {
    enum { SLOTS = 256, KEYS = 256 * 64 };
    int load[SLOTS] = { 0 };
    for (uint64_t x = 0; x < KEYS; x++)
        load[hash64_u64(x, 5) % SLOTS]++;
    for (int i = 0; i < SLOTS; i++)
        CHECK(load[i] > 20 && load[i] < 120); /* mean 64, sd 8 */
}

TESTS(T(crc32c_gives_the_published_values),
      T(crc32c_is_the_same_in_pieces_at_any_alignment_and_without_the_instruction),
      T(hash64_reads_every_byte_and_the_length_and_the_seed), T(hash64_spreads_single_bits),
      T(hash64_u64_of_small_numbers_fills_a_table_evenly))
