/* core/thrift.c - see thrift.h. */

#include "core/thrift.h"

/* --- writing --- */

void thrift_put_varint(Buf *out, uint64_t v) {
    char bytes[10];
    size_t n = 0;
    for (; v > 127; v >>= 7)
        bytes[n++] = (char)(v | 128);
    bytes[n++] = (char)v;
    buf_put(out, bytes, n);
}

void thrift_put_zigzag(Buf *out, int64_t v) {
    thrift_put_varint(out, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

void thrift_put_field(Buf *out, int *last, int id, ThriftType type) {
    assert(id > *last && id - *last < 16); /* longer steps have another form, which nothing of ours needs */
    buf_put_c(out, (char)(((id - *last) << 4) | (int)type));
    *last = id;
}

void thrift_put_i32(Buf *out, int *last, int id, int32_t v) {
    thrift_put_field(out, last, id, THRIFT_I32);
    thrift_put_zigzag(out, v);
}

void thrift_put_i64(Buf *out, int *last, int id, int64_t v) {
    thrift_put_field(out, last, id, THRIFT_I64);
    thrift_put_zigzag(out, v);
}

void thrift_put_bool(Buf *out, int *last, int id, bool v) {
    thrift_put_field(out, last, id, v ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_text(Buf *out, Str v) {
    thrift_put_varint(out, v.n);
    buf_put_str(out, v);
}

void thrift_put_binary(Buf *out, int *last, int id, Str v) {
    thrift_put_field(out, last, id, THRIFT_BINARY);
    thrift_put_text(out, v);
}

void thrift_put_list(Buf *out, int *last, int id, ThriftType item, size_t n) {
    thrift_put_field(out, last, id, THRIFT_LIST);
    if (n < 15) {
        buf_put_c(out, (char)((n << 4) | (size_t)item));
    } else {
        buf_put_c(out, (char)(0xf0 | (int)item));
        thrift_put_varint(out, n);
    }
}

void thrift_put_stop(Buf *out) {
    buf_put_c(out, 0);
}

/* --- reading --- */

static size_t left(const ThriftReader *r) {
    return (size_t)(r->end - r->p);
}

static uint64_t fail(ThriftReader *r) {
    r->bad = true;
    r->p = r->end;
    return 0;
}

uint64_t thrift_varint(ThriftReader *r) {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (r->p == r->end)
            return fail(r);
        uint8_t c = *r->p++;
        if (shift == 63 && c > 1)
            return fail(r);
        v |= (uint64_t)(c & 127) << shift;
        if (c < 128)
            return v;
    }
    return fail(r);
}

int64_t thrift_zigzag(ThriftReader *r) {
    uint64_t v = thrift_varint(r);
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

bool thrift_next(ThriftReader *r, ThriftField *f) {
    if (r->bad || r->p == r->end)
        return fail(r);
    uint8_t head = *r->p++;
    if (head == THRIFT_STOP)
        return false;
    int64_t id = head >> 4 ? f->id + (head >> 4) : thrift_zigzag(r);
    if (r->bad || (head & 15) > THRIFT_STRUCT || id < 0 || id > INT16_MAX)
        return fail(r);
    *f = (ThriftField){ .id = (int)id, .type = (ThriftType)(head & 15) };
    return true;
}

int64_t thrift_i64(ThriftReader *r, ThriftField f) {
    if (f.type == THRIFT_I8 && left(r) > 0)
        return (int8_t)*r->p++;
    if (f.type < THRIFT_I16 || f.type > THRIFT_I64)
        return (int64_t)fail(r);
    return thrift_zigzag(r);
}

bool thrift_bool(ThriftReader *r, ThriftField f) {
    if (f.type != THRIFT_TRUE && f.type != THRIFT_FALSE)
        fail(r);
    return f.type == THRIFT_TRUE;
}

Str thrift_binary(ThriftReader *r, ThriftField f) {
    uint64_t n = f.type == THRIFT_BINARY ? thrift_varint(r) : fail(r);
    if (f.type != THRIFT_BINARY || n > left(r))
        return fail(r), (Str){ 0 };
    Str s = { (const char *)r->p, (size_t)n };
    r->p += n;
    return s;
}

static size_t list_head(ThriftReader *r, ThriftType *item) {
    if (r->p == r->end)
        return fail(r);
    uint8_t head = *r->p++;
    uint64_t n = head >> 4;
    *item = (ThriftType)(head & 15);
    if (n == 15)
        n = thrift_varint(r);
    return n > left(r) ? fail(r) : (size_t)n; /* an item has at least one byte */
}

size_t thrift_list(ThriftReader *r, ThriftField f, ThriftType item) {
    ThriftType got;
    size_t n = f.type == THRIFT_LIST ? list_head(r, &got) : fail(r);
    return r->bad || (n > 0 && got != item) ? fail(r) : n;
}

static void skip(ThriftReader *r, ThriftType type, bool item, int depth);

static void skip_struct(ThriftReader *r, int depth) {
    for (ThriftField f = { 0 }; thrift_next(r, &f);)
        skip(r, f.type, false, depth);
}

static void skip_many(ThriftReader *r, ThriftType type, int depth) {
    if (type == THRIFT_MAP) {
        uint64_t n = thrift_varint(r);
        if (n == 0 || r->p == r->end || n > left(r))
            return (void)(n && fail(r));
        uint8_t types = *r->p++;
        for (uint64_t i = 0; i < n && !r->bad; i++) {
            skip(r, (ThriftType)(types >> 4), true, depth);
            skip(r, (ThriftType)(types & 15), true, depth);
        }
        return;
    }
    ThriftType got = THRIFT_STOP;
    size_t n = list_head(r, &got);
    for (size_t i = 0; i < n && !r->bad; i++)
        skip(r, got, true, depth);
}

static void skip(ThriftReader *r, ThriftType type, bool item, int depth) {
    size_t n = 0;
    if (depth >= THRIFT_DEPTH_MAX)
        return (void)fail(r);
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        n = item;
        break;
    case THRIFT_I8:
        n = 1;
        break;
    case THRIFT_DOUBLE:
        n = 8;
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        return (void)thrift_varint(r);
    case THRIFT_BINARY:
        return (void)thrift_binary(r, (ThriftField){ .type = type });
    case THRIFT_LIST:
    case THRIFT_SET:
    case THRIFT_MAP:
        return skip_many(r, type, depth + 1);
    case THRIFT_STRUCT:
        return skip_struct(r, depth + 1);
    case THRIFT_STOP:
    default:
        return (void)fail(r);
    }
    if (n > left(r))
        return (void)fail(r);
    r->p += n;
}

void thrift_skip(ThriftReader *r, ThriftField f) {
    skip(r, f.type, false, 0);
}
