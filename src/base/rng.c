/* base/rng.c - see rng.h. xoshiro256** 1.0 and splitmix64 as published at prng.di.unimi.it. */

#include "base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *x) {
    uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k) {
    return x << k | x >> (64 - k);
}

void rng_seed(Rng *r, uint64_t seed) {
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix64(&seed); /* never all zero: splitmix64 is a bijection of a counter */
}

uint64_t rng_u64(Rng *r) {
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

/* Lemire 2019: the high half of a product, rejecting the few low halves that would bias it. */
uint64_t rng_below(Rng *r, uint64_t n) {
    assert(n > 0);
    unsigned __int128 product = (unsigned __int128)rng_u64(r) * n;
    if ((uint64_t)product < n) {
        uint64_t threshold = -n % n;
        while ((uint64_t)product < threshold)
            product = (unsigned __int128)rng_u64(r) * n;
    }
    return (uint64_t)(product >> 64);
}

int64_t rng_between(Rng *r, int64_t lo, int64_t hi) {
    assert(lo <= hi);
    uint64_t span = (uint64_t)hi - (uint64_t)lo + 1; /* 0 = the whole range */
    uint64_t v = span ? rng_below(r, span) : rng_u64(r);
    return (int64_t)((uint64_t)lo + v);
}

double rng_f64(Rng *r) {
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

/* Marsaglia's polar method; the second number is thrown away so that the state is the four words alone. */
double rng_normal(Rng *r) {
    double u, v, s;
    do {
        u = 2 * rng_f64(r) - 1;
        v = 2 * rng_f64(r) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * log(s) / s);
}

bool rng_chance(Rng *r, double p) {
    return rng_f64(r) < p;
}

/* --- ids --- */

Str ids_uuid4(Ids *ids, Arena *a) {
    static const char hex[] = "0123456789abcdef";
    uint8_t b[16];
    ids->bytes(ids, b, sizeof b);
    b[6] = (b[6] & 0x0f) | 0x40; /* RFC 9562: version 4 */
    b[8] = (b[8] & 0x3f) | 0x80; /* its variant */
    char *text = arena_alloc(a, UUID_TEXT);
    size_t n = 0;
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[n++] = '-';
        text[n++] = hex[b[i] >> 4];
        text[n++] = hex[b[i] & 15];
    }
    return str_n(text, n);
}

bool uuid_valid(Str s) {
    if (s.n != UUID_TEXT)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : hex_value(s.p[i]) < 0)
            return false;
    }
    return true;
}

uint64_t ids_u64(Ids *ids) {
    uint64_t v;
    do
        ids->bytes(ids, &v, sizeof v);
    while (v == 0);
    return v;
}

static void batch_bytes(Ids *ids, void *out, size_t n) {
    IdsBatch *b = (IdsBatch *)ids;
    if (n > sizeof b->bytes) {
        b->from->bytes(b->from, out, n);
        return;
    }
    if (b->left < n) {
        b->from->bytes(b->from, b->bytes, sizeof b->bytes);
        b->left = sizeof b->bytes;
    }
    b->left -= n;
    memcpy(out, b->bytes + b->left, n);
    memset(b->bytes + b->left, 0, n); /* handed out once */
}

void ids_batch_init(IdsBatch *b, Ids *from) {
    *b = (IdsBatch){ .ids = { batch_bytes }, .from = from };
}

static void seeded_bytes(Ids *ids, void *out, size_t n) {
    IdsSeeded *s = (IdsSeeded *)ids;
    uint8_t *p = out;
    while (n > 0) {
        uint64_t v = rng_u64(&s->rng);
        size_t k = MIN(n, sizeof v);
        for (size_t i = 0; i < k; i++)
            p[i] = (uint8_t)(v >> (8 * i)); /* the same bytes whatever the machine's order */
        p += k;
        n -= k;
    }
}

void ids_seeded_init(IdsSeeded *s, uint64_t seed) {
    *s = (IdsSeeded){ .ids = { seeded_bytes } };
    rng_seed(&s->rng, seed);
}
