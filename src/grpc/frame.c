/* grpc/frame.c - see frame.h. */

#include "grpc/frame.h"

static size_t length_of(const char *p) {
    const uint8_t *u = (const uint8_t *)p;
    return (size_t)u[1] << 24 | (size_t)u[2] << 16 | (size_t)u[3] << 8 | u[4];
}

int grpc_frames_whole(Str bytes, size_t max, size_t *whole) {
    size_t at = 0;
    while (bytes.n - at >= GRPC_PREFIX) {
        const char *p = bytes.p + at;
        if ((uint8_t)p[0] > 1)
            return ERR_BAD_REQUEST;
        size_t n = length_of(p);
        if (n > max)
            return ERR_TOO_LARGE;
        if (n > bytes.n - at - GRPC_PREFIX)
            break;
        at += GRPC_PREFIX + n;
    }
    *whole = at;
    return 0;
}

bool grpc_frame_next(Str *rest, GrpcFrame *out) {
    if (rest->n < GRPC_PREFIX)
        return false;
    size_t n = length_of(rest->p);
    assert(n <= rest->n - GRPC_PREFIX);
    *out = (GrpcFrame){ rest->p[0] == 1, str_n(rest->p + GRPC_PREFIX, n) };
    *rest = str_from(*rest, GRPC_PREFIX + n);
    return true;
}

int grpc_frame_open(const GrpcFrame *f, Zip *z, Buf *room, Str *out) {
    *out = f->bytes;
    if (!f->compressed)
        return 0;
    int r = zip_expand(z, ZIP_GZIP, f->bytes, room);
    *out = buf_str(room);
    return r == ERR_LIMIT ? ERR_TOO_LARGE : r;
}

static void put_prefix(char *to, bool compressed, size_t n) {
    const uint8_t prefix[GRPC_PREFIX] = { compressed, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                                          (uint8_t)n };
    memcpy(to, prefix, GRPC_PREFIX);
}

char *grpc_frame_reserve(Buf *out, size_t n) {
    char *to = n <= UINT32_MAX ? buf_reserve(out, GRPC_PREFIX + n) : NULL;
    if (!to)
        return NULL;
    put_prefix(to, false, n);
    out->n += GRPC_PREFIX + n;
    return to + GRPC_PREFIX;
}

int grpc_frame_put(Buf *out, Zip *z, bool gzip, Str message) {
    enum { FAST = 1 };
    if (gzip) {
        Buf packed;
        buf_init(&packed, MAX(message.n, (size_t)1));
        bool smaller = zip_compress(z, ZIP_GZIP, FAST, message, &packed) == 0;
        char *to = smaller ? grpc_frame_reserve(out, packed.n) : NULL;
        if (to) {
            memcpy(to, packed.p, packed.n);
            put_prefix(to - GRPC_PREFIX, true, packed.n);
        }
        buf_done(&packed);
        if (smaller)
            return to ? 0 : ERR_LIMIT;
    }
    char *to = grpc_frame_reserve(out, message.n);
    if (!to)
        return ERR_LIMIT;
    memcpy(to, message.n ? message.p : "", message.n);
    return 0;
}
