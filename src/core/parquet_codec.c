/* core/parquet_codec.c - see parquet_codec.h. Source: parquet-format's Encodings.md. */

#include "core/parquet_codec.h"

#include "core/thrift.h"

const ParquetColumn PARQUET_SCHEMA[PARQUET_COLUMNS] = {
    { "ts", PARQUET_INT64, PARQUET_DELTA, false },      { "open", PARQUET_DOUBLE, PARQUET_SPLIT, false },
    { "high", PARQUET_DOUBLE, PARQUET_SPLIT, false },   { "low", PARQUET_DOUBLE, PARQUET_SPLIT, false },
    { "close", PARQUET_DOUBLE, PARQUET_SPLIT, false },  { "volume", PARQUET_DOUBLE, PARQUET_SPLIT, false },
    { "known_at", PARQUET_INT64, PARQUET_DELTA, true }, { "flags", PARQUET_INT32, PARQUET_DELTA, false },
};

/* --- DELTA_BINARY_PACKED --- */

enum { BLOCK = 128, MINIS = 4, MINI = BLOCK / MINIS };

static int bits_of(uint64_t v) {
    return v ? 64 - __builtin_clzll(v) : 0;
}

/* MINI values of `width` bits, the lowest bit first. */
static void pack(const uint64_t *v, int width, uint8_t *out) {
    unsigned __int128 window = 0;
    int have = 0;
    for (int i = 0; i < MINI; i++) {
        window |= (unsigned __int128)v[i] << have;
        for (have += width; have >= 8; have -= 8, window >>= 8)
            *out++ = (uint8_t)window;
    }
}

static void unpack(const uint8_t *in, int width, uint64_t *v) {
    unsigned __int128 window = 0;
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    int have = 0;
    for (int i = 0; i < MINI; i++) {
        for (; have < width; have += 8)
            window |= (unsigned __int128)*in++ << have;
        v[i] = (uint64_t)window & mask;
        window >>= width;
        have -= width;
    }
}

/* Differences wrap, as the format says: any step of any two values has its place. */
static void delta_block(const int64_t *v, size_t n, Buf *out) {
    uint64_t delta[BLOCK] = { 0 };
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        delta[i] = (uint64_t)v[i] - (uint64_t)v[i - 1];
        least = MIN(least, (int64_t)delta[i]);
    }
    thrift_put_zigzag(out, least);
    int width[MINIS] = { 0 };
    for (size_t i = 0; i < n; i++) {
        delta[i] -= (uint64_t)least;
        width[i / MINI] = MAX(width[i / MINI], bits_of(delta[i]));
    }
    for (int m = 0; m < MINIS; m++)
        buf_put_c(out, (char)width[m]);
    for (size_t m = 0; m * MINI < n; m++) {
        uint8_t packed[MINI * 8];
        pack(delta + m * MINI, width[m], packed);
        buf_put(out, packed, (size_t)width[m] * MINI / 8);
    }
}

void delta_encode(const int64_t *v, size_t n, Buf *out) {
    thrift_put_varint(out, BLOCK);
    thrift_put_varint(out, MINIS);
    thrift_put_varint(out, n);
    thrift_put_zigzag(out, n ? v[0] : 0);
    for (size_t i = 1; i < n; i += BLOCK)
        delta_block(v + i, MIN(n - i, (size_t)BLOCK), out);
}

static bool delta_block_decode(ThriftReader *r, size_t n, int64_t *out) {
    uint64_t least = (uint64_t)thrift_zigzag(r), delta[MINI], at = (uint64_t)out[-1];
    if (r->bad || r->end - r->p < MINIS)
        return false;
    const uint8_t *width = r->p;
    r->p += MINIS;
    for (size_t i = 0; i < n; i += MINI) {
        int w = width[i / MINI];
        if (w > 64 || r->end - r->p < w * MINI / 8)
            return false;
        unpack(r->p, w, delta);
        r->p += w * MINI / 8;
        for (size_t k = i; k < MIN(n, i + MINI); k++) {
            at += least + delta[k - i];
            out[k] = (int64_t)at;
        }
    }
    return true;
}

bool delta_decode(Str bytes, size_t n, int64_t *out) {
    ThriftReader r = thrift_reader(bytes);
    uint64_t block = thrift_varint(&r), minis = thrift_varint(&r), total = thrift_varint(&r);
    if (block != BLOCK || minis != MINIS || total != n)
        return false;
    int64_t first = thrift_zigzag(&r);
    if (n > 0)
        out[0] = first;
    for (size_t i = 1; i < n; i += BLOCK)
        if (!delta_block_decode(&r, MIN(n - i, (size_t)BLOCK), out + i))
            return false;
    return !r.bad && r.p == r.end;
}

/* --- BYTE_STREAM_SPLIT --- */

void split_encode(const double *v, size_t n, uint8_t *out) {
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &v[i], sizeof bits);
        for (int k = 0; k < 8; k++)
            out[(size_t)k * n + i] = (uint8_t)(bits >> (8 * k));
    }
}

void split_decode(const uint8_t *bytes, size_t n, double *out) {
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        for (int k = 0; k < 8; k++)
            bits |= (uint64_t)bytes[(size_t)k * n + i] << (8 * k);
        memcpy(&out[i], &bits, sizeof bits);
    }
}

/* --- levels --- */

void levels_encode(const uint8_t *present, size_t n, Buf *out) {
    size_t at = out->n;
    buf_put(out, "\0\0\0\0", 4);
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && present[i + run] == present[i];)
            run++;
        thrift_put_varint(out, (uint64_t)run << 1);
        buf_put_c(out, (char)present[i]);
    }
    uint32_t size = (uint32_t)(out->n - at - 4);
    if (buf_ok(out))
        memcpy(out->p + at, &size, sizeof size);
}

bool levels_decode(Str *bytes, size_t n, uint8_t *present, size_t *n_present) {
    uint32_t size;
    if (bytes->n < sizeof size)
        return false;
    memcpy(&size, bytes->p, sizeof size);
    Str rest = str_from(*bytes, sizeof size);
    if (size > rest.n)
        return false;
    ThriftReader r = thrift_reader(str_first(rest, size));
    size_t have = 0;
    *n_present = 0;
    while (have < n) {
        uint64_t head = thrift_varint(&r), run = head >> 1;
        if (r.bad || (head & 1) || run == 0 || run > n - have || r.p == r.end || *r.p > 1) /* ours has no packed runs */
            return false;
        memset(present + have, *r.p, run);
        *n_present += *r.p++ ? run : 0;
        have += run;
    }
    *bytes = str_from(rest, size);
    return r.p == r.end;
}
