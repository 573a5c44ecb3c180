#pragma once

/* grpc/pb.h - the few lines of protobuf that need no table: reading fields one by one, writing them. Pure.
 *
 * For what is small (health) or has no fixed table (descriptors): messages of services have generated code. Reading never
 * goes past the bytes; what is damaged ends the loop with `bad` set. */

#include "base/buf.h"

typedef enum PbWire { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 } PbWire;

typedef struct PbField {
    uint32_t number;
    PbWire wire;
    uint64_t value; /* of the numbers */
    Str bytes;      /* of PB_BYTES */
} PbField;

typedef struct PbReader {
    Str rest;
    bool bad; /* it ended in the middle of a field, or with one that is none */
} PbReader;

static inline PbReader pb_reader(Str message) {
    return (PbReader){ .rest = message };
}
bool pb_next(PbReader *r, PbField *out);

void pb_put_varint(Buf *b, uint64_t v);
void pb_put_number(Buf *b, uint32_t field, uint64_t v);
void pb_put_bytes(Buf *b, uint32_t field, Str v);
