#pragma once

/* core/thrift.h - Thrift's compact protocol, as far as Parquet's footers and page headers need it.
 *
 * Source: thrift-compact-protocol.md of Apache Thrift. Writing appends to a Buf, whose limit counts. Reading is
 * bounded by the bytes: no count in them is believed before as many bytes are there, no nesting past THRIFT_DEPTH_MAX.
 * Pure. */

#include "base/buf.h"

typedef enum ThriftType {
    THRIFT_STOP,
    THRIFT_TRUE, /* a field's own boolean is its type */
    THRIFT_FALSE,
    THRIFT_I8,
    THRIFT_I16,
    THRIFT_I32,
    THRIFT_I64,
    THRIFT_DOUBLE,
    THRIFT_BINARY,
    THRIFT_LIST,
    THRIFT_SET,
    THRIFT_MAP,
    THRIFT_STRUCT,
} ThriftType;

enum { THRIFT_DEPTH_MAX = 16 };

/* --- writing: *last is the id of the struct's field before; start each struct with 0 --- */

void thrift_put_varint(Buf *out, uint64_t v);
void thrift_put_zigzag(Buf *out, int64_t v);
void thrift_put_field(Buf *out, int *last, int id, ThriftType type);
void thrift_put_i32(Buf *out, int *last, int id, int32_t v);
void thrift_put_i64(Buf *out, int *last, int id, int64_t v);
void thrift_put_bool(Buf *out, int *last, int id, bool v);
void thrift_put_binary(Buf *out, int *last, int id, Str v);
void thrift_put_list(Buf *out, int *last, int id, ThriftType item, size_t n); /* the items follow */
void thrift_put_text(Buf *out, Str v);                                        /* as an item */
void thrift_put_stop(Buf *out);

/* --- reading --- */

typedef struct ThriftReader {
    const uint8_t *p, *end;
    bool bad; /* what was read is not Thrift; stays */
} ThriftReader;

typedef struct ThriftField {
    int id;
    ThriftType type;
} ThriftField;

static inline ThriftReader thrift_reader(Str bytes) {
    const uint8_t *p = (const uint8_t *)bytes.p;
    return (ThriftReader){ .p = p, .end = bytes.n ? p + bytes.n : p };
}
/* The next field of a struct; false at its end, and when the bytes are bad. Start with a zero ThriftField. */
bool thrift_next(ThriftReader *r, ThriftField *f);
/* Each reads the value of a field of the right type, and marks the reader bad for another type. */
int64_t thrift_i64(ThriftReader *r, ThriftField f); /* i8 to i64 */
Str thrift_binary(ThriftReader *r, ThriftField f);  /* borrows */
bool thrift_bool(ThriftReader *r, ThriftField f);
/* Opens a list of items of that type: their number, at most as many as bytes are left. */
size_t thrift_list(ThriftReader *r, ThriftField f, ThriftType item);
uint64_t thrift_varint(ThriftReader *r);
int64_t thrift_zigzag(ThriftReader *r);
/* Passes over a value nobody wants. */
void thrift_skip(ThriftReader *r, ThriftField f);
