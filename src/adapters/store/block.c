/* adapters/store/block.c - see block.h. */

#include "adapters/store/block.h"

#include "adapters/store/block_planes.h"
#include "adapters/store/block_scale.h"
#include "base/hash.h"

enum { HEADER_SIZE = 16, AT_CRC = 4, AT_CONTENT = 8 };
enum { KNOWN_NEVER, KNOWN_STEPS, KNOWN_LAGS }; /* all 0; differences of known_at; of known_at - open time */
enum { VARINT_MAX = 10, COLUMN_HEAD_MAX = 2 + 2 * VARINT_MAX + 8, N_COLUMNS = 8 };

struct BlockCodec {
    PlaneCoder *planes;
    uint64_t residual[BLOCK_ROWS_MAX];
    int64_t open[BLOCK_ROWS_MAX], high[BLOCK_ROWS_MAX], low[BLOCK_ROWS_MAX], close[BLOCK_ROWS_MAX];
};

BlockCodec *block_codec_new(void) {
    BlockCodec *z = mem_alloc(sizeof *z);
    z->planes = plane_coder_new();
    return z;
}

BlockCodec *block_codec_free(BlockCodec *z) {
    if (z)
        plane_coder_free(z->planes);
    return mem_free(z);
}

/* --- bytes --- */

static uint8_t *put_le(uint8_t *p, uint64_t v, int bytes) {
    for (int k = 0; k < bytes; k++)
        *p++ = (uint8_t)(v >> (8 * k));
    return p;
}

static uint64_t get_le(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    for (int k = 0; k < bytes; k++)
        v |= (uint64_t)p[k] << (8 * k);
    return v;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v) {
    for (; v > 0x7f; v >>= 7)
        *p++ = (uint8_t)v | 0x80;
    *p++ = (uint8_t)v;
    return p;
}

static const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, uint64_t *v) {
    *v = 0;
    for (int shift = 0; p < end && shift < 64; shift += 7) {
        uint8_t byte = *p++;
        *v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return p;
    }
    return NULL;
}

static const uint8_t *get_fixed(const uint8_t *p, const uint8_t *end, int bytes, uint64_t *v) {
    if (end - p < bytes)
        return NULL;
    *v = get_le(p, bytes);
    return p + bytes;
}

static uint32_t checksum(const uint8_t *blob, size_t size) {
    uint32_t crc = crc32c(0, blob, AT_CRC);
    return crc32c(crc, blob + AT_CONTENT, size - AT_CONTENT);
}

/* --- time --- */

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint8_t *put_times(BlockCodec *z, const int64_t *t, size_t n, uint8_t *p) {
    uint64_t unit = 0, least = UINT64_MAX, before = 0;
    for (size_t i = 1; i < n; i++) {
        uint64_t step = (uint64_t)t[i] - (uint64_t)t[i - 1];
        z->residual[i - 1] = step;
        least = MIN(least, step);
        if (step != before) /* on the grid all steps are one and this runs once */
            unit = gcd(step, unit);
        before = step;
    }
    if (n == 1)
        unit = least = 1;
    assert(unit > 0); /* times ascend: no two are equal */
    p = put_varint(p, unit);
    p = put_varint(p, least / unit);
    for (size_t i = 0; i + 1 < n; i++)
        z->residual[i] = z->residual[i] == least ? 0 : (z->residual[i] - least) / unit;
    return planes_put(z->planes, z->residual, n - 1, p);
}

static const uint8_t *get_times(BlockCodec *z, const uint8_t *p, const uint8_t *end, int64_t first, size_t n,
                                int64_t *t) {
    uint64_t unit, least;
    if (!(p = get_varint(p, end, &unit)) || !(p = get_varint(p, end, &least)) ||
        !(p = planes_get(z->planes, p, end, z->residual, n - 1)))
        return NULL;
    int64_t at = first;
    bool ascending = true;
    t[0] = at;
    for (size_t i = 1; i < n; i++) {
        int64_t next = (int64_t)((uint64_t)at + (z->residual[i - 1] + least) * unit);
        ascending &= next > at;
        t[i] = at = next;
    }
    return ascending ? p : NULL;
}

/* --- prices and volume --- */

static uint8_t *put_scale(uint8_t *p, Scale s) {
    *p++ = s.kind;
    *p++ = s.decimals;
    return put_varint(p, s.unit);
}

static const uint8_t *get_scale(const uint8_t *p, const uint8_t *end, Scale *s) {
    if (end - p < 3 || p[0] >= N_SCALE_KINDS || p[1] > SCALE_DECIMALS_MAX)
        return NULL;
    s->kind = p[0];
    s->decimals = p[1];
    return get_varint(p + 2, end, &s->unit);
}

static inline int64_t sub(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t add(int64_t a, uint64_t b) {
    return (int64_t)((uint64_t)a + b);
}

static uint8_t *put_prices(BlockCodec *z, const Candles *rows, size_t from, size_t n, uint8_t *p) {
    const double *in[4] = { rows->open + from, rows->high + from, rows->low + from, rows->close + from };
    int64_t *const m[4] = { z->open, z->high, z->low, z->close };
    Scale scale = scale_fit(in, 4, n, m);
    int64_t *o = z->open, *h = z->high, *l = z->low, *c = z->close;
    uint64_t *r = z->residual;

    p = put_scale(p, scale);
    p = put_le(p, (uint64_t)o[0], 8);
    r[0] = 0;
    for (size_t i = 1; i < n; i++)
        r[i] = (uint64_t)sub(o[i], c[i - 1]);
    p = planes_put(z->planes, r, n, p);
    for (size_t i = 0; i < n; i++)
        r[i] = (uint64_t)sub(c[i], o[i]);
    p = planes_put(z->planes, r, n, p);
    for (size_t i = 0; i < n; i++)
        r[i] = (uint64_t)sub(h[i], MAX(o[i], c[i]));
    p = planes_put(z->planes, r, n, p);
    for (size_t i = 0; i < n; i++)
        r[i] = (uint64_t)sub(MIN(o[i], c[i]), l[i]);
    return planes_put(z->planes, r, n, p);
}

static const uint8_t *get_prices(BlockCodec *z, const uint8_t *p, const uint8_t *end, size_t n, Candles *out) {
    Scale scale;
    uint64_t first;
    int64_t *o = z->open, *h = z->high, *l = z->low, *c = z->close;
    uint64_t *r = z->residual;
    if (!(p = get_scale(p, end, &scale)) || !(p = get_fixed(p, end, 8, &first)) ||
        !(p = planes_get(z->planes, p, end, (uint64_t *)o, n)) || !(p = planes_get(z->planes, p, end, r, n)))
        return NULL;
    int64_t close = (int64_t)first;
    for (size_t i = 0; i < n; i++) {
        o[i] = add(close, (uint64_t)o[i]);
        close = c[i] = add(o[i], r[i]);
    }
    if (!(p = planes_get(z->planes, p, end, r, n)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        h[i] = add(MAX(o[i], c[i]), r[i]);
    if (!(p = planes_get(z->planes, p, end, r, n)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        l[i] = sub(MIN(o[i], c[i]), (int64_t)r[i]);
    scale_undo(scale, o, n, out->open + out->n);
    scale_undo(scale, h, n, out->high + out->n);
    scale_undo(scale, l, n, out->low + out->n);
    scale_undo(scale, c, n, out->close + out->n);
    return p;
}

static uint8_t *put_volumes(BlockCodec *z, const double *volume, size_t n, uint8_t *p) {
    int64_t *m = (int64_t *)z->residual;
    Scale scale = scale_fit(&volume, 1, n, &m);
    return planes_put(z->planes, z->residual, n, put_scale(p, scale));
}

static const uint8_t *get_volumes(BlockCodec *z, const uint8_t *p, const uint8_t *end, size_t n, double *volume) {
    Scale scale;
    if (!(p = get_scale(p, end, &scale)) || !(p = planes_get(z->planes, p, end, z->residual, n)))
        return NULL;
    scale_undo(scale, (int64_t *)z->residual, n, volume);
    return p;
}

/* --- known_at and flags --- */

/* A file is learnt at one moment, a live candle a moment after its close: either the times or their distance
 * from the open time hardly change. */
static uint8_t *put_known(BlockCodec *z, const int64_t *known, const int64_t *open, size_t n, uint8_t *p) {
    uint64_t any = (uint64_t)known[0];
    size_t steps = 0, lags = 0;
    for (size_t i = 1; i < n; i++) {
        any |= (uint64_t)known[i];
        steps += known[i] != known[i - 1];
        lags += sub(known[i], open[i]) != sub(known[i - 1], open[i - 1]);
    }
    uint8_t mode = any == 0 ? KNOWN_NEVER : steps <= lags ? KNOWN_STEPS : KNOWN_LAGS;
    *p++ = mode;
    if (mode == KNOWN_NEVER)
        return p;
    p = put_le(p, (uint64_t)known[0], 8);
    for (size_t i = 1; i < n; i++) {
        uint64_t step = (uint64_t)sub(known[i], known[i - 1]);
        z->residual[i - 1] = mode == KNOWN_STEPS ? step : step - (uint64_t)sub(open[i], open[i - 1]);
    }
    return planes_put(z->planes, z->residual, n - 1, p);
}

static const uint8_t *get_known(BlockCodec *z, const uint8_t *p, const uint8_t *end, const int64_t *open, size_t n,
                                int64_t *known) {
    if (p >= end || *p > KNOWN_LAGS)
        return NULL;
    uint8_t mode = *p++;
    if (mode == KNOWN_NEVER) {
        memset(known, 0, n * sizeof *known);
        return p;
    }
    uint64_t first;
    if (!(p = get_fixed(p, end, 8, &first)) || !(p = planes_get(z->planes, p, end, z->residual, n - 1)))
        return NULL;
    known[0] = (int64_t)first;
    for (size_t i = 1; i < n; i++) {
        uint64_t lag = mode == KNOWN_LAGS ? (uint64_t)sub(open[i], open[i - 1]) : 0;
        known[i] = add(known[i - 1], z->residual[i - 1] + lag);
    }
    return p;
}

static uint8_t *put_flags(BlockCodec *z, const uint8_t *flags, size_t n, uint8_t *p) {
    for (size_t i = 0; i < n; i++)
        z->residual[i] = flags[i];
    return planes_put(z->planes, z->residual, n, p);
}

static const uint8_t *get_flags(BlockCodec *z, const uint8_t *p, const uint8_t *end, size_t n, uint8_t *flags) {
    if (!(p = planes_get(z->planes, p, end, z->residual, n)))
        return NULL;
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all |= z->residual[i];
        flags[i] = (uint8_t)z->residual[i];
    }
    return all > UINT8_MAX ? NULL : p;
}

/* --- the block --- */

int block_encode(BlockCodec *z, const Candles *rows, size_t from, size_t n, Buf *out) {
    assert(n >= 1 && n <= BLOCK_ROWS_MAX && from <= rows->n && n <= rows->n - from);
    uint8_t *blob = (uint8_t *)buf_reserve(out, HEADER_SIZE + N_COLUMNS * (COLUMN_HEAD_MAX + planes_bound(n)));
    if (!blob)
        return ERR_LIMIT;
    blob[0] = BLOCK_VERSION;
    blob[1] = 0;
    put_le(blob + 2, n, 2);
    uint8_t *p = put_le(blob + AT_CONTENT, (uint64_t)rows->open_ms[from], 8);
    p = put_times(z, rows->open_ms + from, n, p);
    p = put_prices(z, rows, from, n, p);
    p = put_volumes(z, rows->volume + from, n, p);
    p = put_known(z, rows->known_ms + from, rows->open_ms + from, n, p);
    p = put_flags(z, rows->flags + from, n, p);
    size_t size = (size_t)(p - blob);
    put_le(blob + AT_CRC, checksum(blob, size), 4);
    out->n += size;
    return 0;
}

size_t block_rows(Str blob) {
    const uint8_t *p = (const uint8_t *)blob.p;
    return blob.n > HEADER_SIZE && p[0] == BLOCK_VERSION ? get_le(p + 2, 2) : 0;
}

int block_decode(BlockCodec *z, Str blob, Candles *out) {
    const uint8_t *p = (const uint8_t *)blob.p, *end = p + blob.n;
    if (blob.n <= HEADER_SIZE)
        return ERR_CORRUPT;
    if (p[0] > BLOCK_VERSION && get_le(p + AT_CRC, 4) == checksum(p, blob.n))
        return ERR_VERSION;
    size_t n = block_rows(blob), at = out->n;
    if (n < 1 || n > BLOCK_ROWS_MAX || p[1] != 0 || get_le(p + AT_CRC, 4) != checksum(p, blob.n))
        return ERR_CORRUPT;
    assert(out->cap - at >= n);
    int64_t first = (int64_t)get_le(p + AT_CONTENT, 8), *open_ms = out->open_ms + at;
    p = get_times(z, p + HEADER_SIZE, end, first, n, open_ms);
    if (!p || !(p = get_prices(z, p, end, n, out)) || !(p = get_volumes(z, p, end, n, out->volume + at)) ||
        !(p = get_known(z, p, end, open_ms, n, out->known_ms + at)) ||
        !(p = get_flags(z, p, end, n, out->flags + at)) || p != end)
        return ERR_CORRUPT;
    out->n += n;
    return 0;
}
