/* base/hash.c - see hash.h.
 *
 * hash64 folds 128-bit products, the idea of Wang Yi's wyhash. Both factors of each product hold something made
 * from the seed: with a constant in one of them anyone could choose input that makes it zero, and so collide under
 * every seed. */

#include "base/hash.h"

#define K0 UINT64_C(0xa0761d6478bd642f)
#define K1 UINT64_C(0xe7037ed1a0b428db)
#define K2 UINT64_C(0x8ebc6af09c88c6e3)

static inline uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t read64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t read32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

uint64_t hash64(const void *data, size_t n, uint64_t seed) {
    const uint8_t *p = data;
    uint64_t k = fold(seed ^ K0, K1), h = fold(seed ^ K1, K2 ^ n);
    size_t left = n;
    for (; left > 16; p += 16, left -= 16)
        h = fold(read64(p) ^ k, read64(p + 8) ^ h);
    uint64_t a = 0, b = 0;
    if (left >= 8) { /* the two reads may overlap */
        a = read64(p);
        b = read64(p + left - 8);
    } else if (left >= 4) {
        a = read32(p);
        b = read32(p + left - 4);
    } else if (left > 0) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1];
    }
    return fold(fold(a ^ k, b ^ h) ^ K2, h ^ k);
}

uint64_t hash64_u64(uint64_t x, uint64_t seed) {
    uint64_t k = fold(seed ^ K0, K1);
    return fold(fold(x ^ k, k ^ K2) ^ K1, k ^ K0 ^ x);
}

/* --- CRC-32C, reflected polynomial 0x82F63B78 --- */

/* The remainder is linear: the entry of a byte is the sum of the entries of its bits. */
#define BIT(i, bit, remainder) (((i) >> (bit)&1) ? UINT32_C(remainder) : 0)
#define ENTRY(i)                                                                                                       \
    (BIT(i, 0, 0xf26b8303) ^ BIT(i, 1, 0xe13b70f7) ^ BIT(i, 2, 0xc79a971f) ^ BIT(i, 3, 0x8ad958cf) ^                   \
     BIT(i, 4, 0x105ec76f) ^ BIT(i, 5, 0x20bd8ede) ^ BIT(i, 6, 0x417b1dbc) ^ BIT(i, 7, 0x82f63b78))
#define ENTRY4(i)  ENTRY(i), ENTRY((i) + 1), ENTRY((i) + 2), ENTRY((i) + 3)
#define ENTRY16(i) ENTRY4(i), ENTRY4((i) + 4), ENTRY4((i) + 8), ENTRY4((i) + 12)
#define ENTRY64(i) ENTRY16(i), ENTRY16((i) + 16), ENTRY16((i) + 32), ENTRY16((i) + 48)

static const uint32_t crc_of_byte[256] = { ENTRY64(0), ENTRY64(64), ENTRY64(128), ENTRY64(192) };

uint32_t crc32c_table(uint32_t crc, const void *data, size_t n) {
    const uint8_t *p = data;
    crc = ~crc;
    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ crc_of_byte[(crc ^ p[i]) & 255];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t n) {
    const uint8_t *p = data;
    uint64_t c = ~crc;
    for (; n >= 8; p += 8, n -= 8)
        c = __builtin_ia32_crc32di(c, read64(p));
    for (; n > 0; p++, n--)
        c = __builtin_ia32_crc32qi((uint32_t)c, *p);
    return ~(uint32_t)c;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, p, n) : crc32c_table(crc, p, n);
}
#else
uint32_t crc32c(uint32_t crc, const void *p, size_t n) {
    return crc32c_table(crc, p, n);
}
#endif
