/* crypto/cipher: XAES-256-GCM as C2SP's vectors say, and what a changed bit does (SEC-22, U27). */

#include "crypto/cipher.h"
#include "lib/test.h"

static Str hex(Arena *a, const uint8_t *p, size_t n) {
    char *to = arena_alloc(a, 2 * n);
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = "0123456789abcdef"[p[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    return str_n(to, 2 * n);
}

/* c2sp.org/XAES-256-GCM, the two vectors of its text: with the bit of L clear and set. */
TEST(sealing_is_that_of_the_specification) {
    static const struct {
        const char *name;
        uint8_t key;
        const char *with, *want;
    } rows[] = {
        { "without anything beside it", 0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
        { "with", 0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
    };
    Arena a = { 0 };
    EACH_ROW (r, rows) {
        uint8_t key[SEAL_KEY], out[12 + SEAL_TAG];
        memset(key, r->key, sizeof key);
        Sealer *s = sealer_new(key);
        sealer_seal(s, (const uint8_t *)"ABCDEFGHIJKLMNOPQRSTUVWX", str_c(r->with), "XAES-256-GCM", 12, out, out + 12);
        CHECK_STR(hex(&a, out, sizeof out), str_c(r->want));
        sealer_free(s);
    }
    arena_done(&a);
}

TEST(what_was_sealed_opens_and_any_changed_bit_closes_it) {
    enum { N = 40 };
    uint8_t key[SEAL_KEY] = { 5 }, nonce[SEAL_NONCE] = { 6 }, tag[SEAL_TAG], text[N] = "forty bytes of something",
            box[N], out[N];
    Sealer *s = sealer_new(key);
    sealer_seal(s, nonce, S("page 7"), text, N, box, tag);
    CHECK(memcmp(box, text, N) != 0);
    CHECK(sealer_open(s, nonce, S("page 7"), box, N, out, tag));
    CHECK(memcmp(out, text, N) == 0);
    CHECK(!sealer_open(s, nonce, S("page 8"), box, N, out, tag));
    uint8_t *const parts[] = { box, tag, nonce };
    const size_t sizes[] = { N, SEAL_TAG, SEAL_NONCE };
    for (size_t p = 0; p < 3; p++)
        for (size_t bit = 0; bit < sizes[p] * 8; bit++) {
            parts[p][bit / 8] ^= (uint8_t)(1u << bit % 8);
            memset(out, 1, sizeof out);
            CHECK(!sealer_open(s, nonce, S("page 7"), box, N, out, tag));
            for (size_t i = 0; i < N; i++)
                CHECK_EQ(out[i], 0);
            parts[p][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    CHECK(sealer_open(s, nonce, S("page 7"), box, N, out, tag));
    sealer_seal(s, nonce, (Str){ 0 }, text, N, text, tag); /* in place */
    CHECK(sealer_open(s, nonce, (Str){ 0 }, text, N, text, tag));
    CHECK(memcmp(text, "forty", 5) == 0);
    sealer_free(s);
    key[0] ^= 1;
    s = sealer_new(key);
    CHECK(!sealer_open(s, nonce, S("page 7"), box, N, out, tag));
    sealer_free(s);
    sealer_free(NULL);
}

TEST(nothing_can_be_sealed_too) {
    uint8_t key[SEAL_KEY] = { 1 }, nonce[SEAL_NONCE] = { 2 }, tag[SEAL_TAG], none[1];
    Sealer *s = sealer_new(key);
    sealer_seal(s, nonce, S("x"), none, 0, none, tag);
    CHECK(sealer_open(s, nonce, S("x"), none, 0, none, tag));
    tag[3] ^= 1;
    CHECK(!sealer_open(s, nonce, S("x"), none, 0, none, tag));
    sealer_free(s);
}

TESTS(T(sealing_is_that_of_the_specification), T(what_was_sealed_opens_and_any_changed_bit_closes_it),
      T(nothing_can_be_sealed_too))
