/* adapters/store/block_planes.c - see block_planes.h. */

#include "adapters/store/block_planes.h"

#include "adapters/store/block.h"

#include <zstd.h>

enum { PLANE_CONST, PLANE_RAW, PLANE_ZSTD };
enum { COUNT_MASK = 0x0f, COUNT_ZIGZAG = 0x80 };
/* Level 1: levels 3 to 9 were 0.1 to 0.4 % smaller on the reference sets at half the speed and less. */
enum { ZSTD_LEVEL = 1 };

struct PlaneCoder {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *expand;
    uint8_t planes[8][BLOCK_ROWS_MAX];
};

PlaneCoder *plane_coder_new(void) {
    PlaneCoder *z = mem_alloc(sizeof *z);
    z->compress = ZSTD_createCCtx();
    z->expand = ZSTD_createDCtx();
    assert(z->compress && z->expand);
    return z;
}

PlaneCoder *plane_coder_free(PlaneCoder *z) {
    if (z) {
        ZSTD_freeCCtx(z->compress);
        ZSTD_freeDCtx(z->expand);
    }
    return mem_free(z);
}

/* Chance that two bytes of the plane are equal, times n squared: a plane of pure noise has n + n*n/256. */
static uint64_t collisions(const uint8_t *p, size_t n) {
    uint32_t count[4][256] = { { 0 } }; /* four tables: equal neighbours do not wait for each other's store */
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        count[0][p[i]]++;
        count[1][p[i + 1]]++;
        count[2][p[i + 2]]++;
        count[3][p[i + 3]]++;
    }
    for (; i < n; i++)
        count[0][p[i]]++;
    uint64_t sum = 0;
    for (int k = 0; k < 256; k++) {
        uint64_t c = count[0][k] + count[1][k] + count[2][k] + count[3][k];
        sum += c * c;
    }
    return sum;
}

static uint8_t *plane_put(PlaneCoder *z, const uint8_t *plane, size_t n, uint8_t *p) {
    uint64_t same = collisions(plane, n);
    if (same == (uint64_t)n * n) {
        *p++ = PLANE_CONST;
        *p++ = plane[0];
        return p;
    }
    /* Noise is not worth a try: below 1.3 times the collisions of noise Huffman gains under 2 %. */
    if (same * 10 > 13 * ((uint64_t)n * n / 256 + n)) {
        size_t m = ZSTD_compressCCtx(z->compress, p + 3, n, plane, n, ZSTD_LEVEL);
        if (!ZSTD_isError(m) && m + 2 < n) {
            p[0] = PLANE_ZSTD;
            p[1] = (uint8_t)m;
            p[2] = (uint8_t)(m >> 8);
            return p + 3 + m;
        }
    }
    *p++ = PLANE_RAW;
    memcpy(p, plane, n);
    return p + n;
}

uint8_t *planes_put(PlaneCoder *z, uint64_t *v, size_t n, uint8_t *p) {
    assert(n <= BLOCK_ROWS_MAX);
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= v[i];
    uint8_t zigzag = 0;
    if (all >> 63) { /* a negative value: fold the sign into the lowest bit */
        zigzag = COUNT_ZIGZAG;
        all = 0;
        for (size_t i = 0; i < n; i++) {
            v[i] = (v[i] << 1) ^ (0 - (v[i] >> 63));
            all |= v[i];
        }
    }
    int count = 0;
    for (; all; all >>= 8)
        count++;
    *p++ = (uint8_t)count | zigzag;
    for (int k = 0; k < count; k++) {
        uint8_t *plane = z->planes[0];
        for (size_t i = 0; i < n; i++)
            plane[i] = (uint8_t)(v[i] >> (8 * k));
        p = plane_put(z, plane, n, p);
    }
    return p;
}

static const uint8_t *plane_get(PlaneCoder *z, const uint8_t *p, const uint8_t *end, size_t n, uint8_t *buffer,
                                const uint8_t **plane) {
    size_t left = (size_t)(end - p);
    if (left < 2)
        return NULL;
    switch (p[0]) {
    case PLANE_CONST:
        memset(buffer, p[1], n);
        *plane = buffer;
        return p + 2;
    case PLANE_RAW:
        *plane = p + 1;
        return left - 1 < n ? NULL : p + 1 + n;
    case PLANE_ZSTD: {
        size_t m = left < 3 ? SIZE_MAX : p[1] | (size_t)p[2] << 8;
        if (left < 3 || m > left - 3 || ZSTD_decompressDCtx(z->expand, buffer, n, p + 3, m) != n)
            return NULL;
        *plane = buffer;
        return p + 3 + m;
    }
    default:
        return NULL;
    }
}

/* Up to four planes, which is nearly every column, are joined in 32 bits: twice the lanes of a vector. */
static void join_narrow(const uint8_t *const plane[4], int count, uint64_t *restrict v, size_t n) {
    const uint8_t *a = plane[0], *b = plane[1], *c = plane[2], *d = plane[3];
    switch (count) {
    case 0:
        memset(v, 0, n * sizeof *v);
        return;
    case 1:
        for (size_t i = 0; i < n; i++)
            v[i] = a[i];
        return;
    case 2:
        for (size_t i = 0; i < n; i++)
            v[i] = a[i] | (uint32_t)b[i] << 8;
        return;
    case 3:
        for (size_t i = 0; i < n; i++)
            v[i] = a[i] | (uint32_t)b[i] << 8 | (uint32_t)c[i] << 16;
        return;
    default:
        for (size_t i = 0; i < n; i++)
            v[i] = a[i] | (uint32_t)b[i] << 8 | (uint32_t)c[i] << 16 | (uint32_t)d[i] << 24;
    }
}

static void join(const uint8_t *const plane[8], int count, uint64_t *restrict v, size_t n) {
    join_narrow(plane, MIN(count, 4), v, n);
    for (int k = 4; k < count; k++) {
        const uint8_t *high = plane[k];
        for (size_t i = 0; i < n; i++)
            v[i] |= (uint64_t)high[i] << (8 * k);
    }
}

const uint8_t *planes_get(PlaneCoder *z, const uint8_t *p, const uint8_t *end, uint64_t *v, size_t n) {
    assert(n <= BLOCK_ROWS_MAX);
    if (p >= end || (*p & COUNT_MASK) > 8 || (*p & ~(COUNT_MASK | COUNT_ZIGZAG)))
        return NULL;
    int count = *p & COUNT_MASK;
    bool zigzag = *p & COUNT_ZIGZAG;
    const uint8_t *plane[8] = { 0 };
    p++;
    for (int k = 0; k < count; k++) {
        p = plane_get(z, p, end, n, z->planes[k], &plane[k]);
        if (!p)
            return NULL;
    }
    join(plane, count, v, n);
    if (zigzag)
        for (size_t i = 0; i < n; i++)
            v[i] = (v[i] >> 1) ^ (0 - (v[i] & 1));
    return p;
}
