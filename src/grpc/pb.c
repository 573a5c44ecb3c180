/* grpc/pb.c - see pb.h. The encoding: protobuf.dev/programming-guides/encoding. */

#include "grpc/pb.h"

static bool take_varint(Str *s, uint64_t *out) {
    uint64_t v = 0;
    for (size_t i = 0; i < s->n && i < 10; i++) {
        uint8_t c = (uint8_t)s->p[i];
        v |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c < 0x80) {
            *s = str_from(*s, i + 1);
            *out = v;
            return true;
        }
    }
    return false;
}

static bool take_fixed(Str *s, size_t n, uint64_t *out) {
    if (s->n < n)
        return false;
    *out = 0;
    for (size_t i = 0; i < n; i++)
        *out |= (uint64_t)(uint8_t)s->p[i] << (8 * i);
    *s = str_from(*s, n);
    return true;
}

static bool take_value(Str *s, PbField *f) {
    uint64_t n;
    switch (f->wire) {
    case PB_VARINT:
        return take_varint(s, &f->value);
    case PB_FIXED64:
        return take_fixed(s, 8, &f->value);
    case PB_FIXED32:
        return take_fixed(s, 4, &f->value);
    case PB_BYTES:
        if (!take_varint(s, &n) || n > s->n)
            return false;
        f->bytes = str_first(*s, n);
        *s = str_from(*s, n);
        return true;
    default: /* groups are of the past */
        return false;
    }
}

bool pb_next(PbReader *r, PbField *out) {
    uint64_t tag;
    if (r->rest.n == 0 || r->bad)
        return false;
    *out = (PbField){ 0 };
    r->bad = !take_varint(&r->rest, &tag) || tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1;
    if (r->bad)
        return false;
    out->number = (uint32_t)(tag >> 3);
    out->wire = (PbWire)(tag & 7);
    r->bad = !take_value(&r->rest, out);
    return !r->bad;
}

void pb_put_varint(Buf *b, uint64_t v) {
    char text[10];
    size_t n = 0;
    do {
        text[n++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v);
    buf_put(b, text, n);
}

void pb_put_number(Buf *b, uint32_t field, uint64_t v) {
    pb_put_varint(b, (uint64_t)field << 3 | PB_VARINT);
    pb_put_varint(b, v);
}

void pb_put_bytes(Buf *b, uint32_t field, Str v) {
    pb_put_varint(b, (uint64_t)field << 3 | PB_BYTES);
    pb_put_varint(b, v.n);
    buf_put_str(b, v);
}
