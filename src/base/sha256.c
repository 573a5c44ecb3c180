/* base/sha256.c - see sha256.h. */

#include "base/sha256.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) /* clang 14 cannot ask for the feature */
#define SHA_ROUNDS 1
#include <immintrin.h>
#else
#define SHA_ROUNDS 0
#endif

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

static uint32_t load_be(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void mix_block(uint32_t h[8], const uint8_t *block) {
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = load_be(block + i * 4);
    for (int i = 16; i < 64; i++) {
        uint32_t a = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25), choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t = v[7] + e + choice + K[i] + w[i];
        uint32_t a = ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22);
        uint32_t most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t;
        v[0] = t + a + most;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

static void mix_plain(uint32_t h[8], const uint8_t *blocks, size_t n) {
    for (size_t i = 0; i < n; i++)
        mix_block(h, blocks + 64 * i);
}

#if SHA_ROUNDS
/* The processor's own rounds, four a step. It keeps the eight words as two vectors, a b e f and c d g h, and makes the
 * message's later words from the four vectors before them. Intel 64 manual, SHA256RNDS2, SHA256MSG1, SHA256MSG2. */
__attribute__((target("sha,sse4.1"))) static void mix_fast(uint32_t h[8], const uint8_t *blocks, size_t n) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abcd = _mm_loadu_si128((const __m128i *)(const void *)h);
    __m128i efgh = _mm_loadu_si128((const __m128i *)(const void *)(h + 4));
    abcd = _mm_shuffle_epi32(abcd, 0xb1);
    efgh = _mm_shuffle_epi32(efgh, 0x1b);
    __m128i abef = _mm_alignr_epi8(abcd, efgh, 8), cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
    for (; n > 0; n--, blocks += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(blocks + 16 * i)), big_endian);
        for (int i = 0; i < 16; i++) {
            __m128i *now = &w[i % 4], after = w[(i + 1) % 4], last = w[(i + 3) % 4];
            __m128i m = _mm_add_epi32(*now, _mm_loadu_si128((const __m128i *)(const void *)(K + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, m);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(m, 0x0e));
            m = _mm_add_epi32(_mm_sha256msg1_epu32(*now, after), _mm_alignr_epi8(last, w[(i + 2) % 4], 4));
            *now = _mm_sha256msg2_epu32(m, last);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    abcd = _mm_shuffle_epi32(abef, 0x1b);
    efgh = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)h, _mm_blend_epi16(abcd, efgh, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(h + 4), _mm_alignr_epi8(efgh, abcd, 8));
}

#endif

static void mix(uint32_t h[8], const uint8_t *blocks, size_t n) {
#if SHA_ROUNDS
    if (__builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1")) {
        mix_fast(h, blocks, n);
        return;
    }
#endif
    mix_plain(h, blocks, n);
}

void sha256_init(Sha256 *s) {
    *s = (Sha256){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                          0x5be0cd19 } };
}

void sha256_put(Sha256 *s, Str bytes) {
    size_t had = s->n % 64;
    s->n += bytes.n;
    if (had) {
        size_t fit = MIN(64 - had, bytes.n);
        if (fit)
            memcpy(s->block + had, bytes.p, fit);
        bytes = str_from(bytes, fit);
        if (had + fit < 64)
            return;
        mix(s->h, s->block, 1);
    }
    if (bytes.n >= 64) {
        mix(s->h, (const uint8_t *)bytes.p, bytes.n / 64);
        bytes = str_from(bytes, bytes.n / 64 * 64);
    }
    if (bytes.n)
        memcpy(s->block, bytes.p, bytes.n);
}

void sha256_end(Sha256 *s, uint8_t out[static SHA256_BYTES]) {
    static const char zeros[64] = "\x80";
    uint64_t bits = s->n * 8;
    char size[8];
    sha256_put(s, str_n(zeros, 64 - (s->n + 8) % 64));
    for (int i = 0; i < 8; i++)
        size[i] = (char)(bits >> (56 - 8 * i));
    sha256_put(s, str_n(size, sizeof size));
    for (int i = 0; i < SHA256_BYTES; i++)
        out[i] = (uint8_t)(s->h[i / 4] >> (24 - i % 4 * 8));
}

void sha256_end_hex(Sha256 *s, char out[static SHA256_HEX + 1]) {
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[SHA256_BYTES];
    sha256_end(s, sum);
    for (int i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[SHA256_HEX] = '\0';
}

void sha256_hex(Str bytes, char out[static SHA256_HEX + 1]) {
    Sha256 s;
    sha256_init(&s);
    sha256_put(&s, bytes);
    sha256_end_hex(&s, out);
}
