#pragma once

/* adapters/store/block_planes.h - a column of small integers as compressed byte planes.
 *
 *     u8 count of planes (0..8), bit 7: the values are zigzag-coded
 *     then each plane, lowest byte first: u8 kind, and
 *         PLANE_CONST  u8 value of every byte of it
 *         PLANE_RAW    n bytes
 *         PLANE_ZSTD   u16 length, a zstd frame of n bytes
 *
 * A plane at a time, because the planes of a column have nothing in common: the low one is noise and stays
 * raw, the high one is a handful of symbols; one entropy table over both would fit neither. */

#include "base/defs.h"

typedef struct PlaneCoder PlaneCoder;

PlaneCoder *plane_coder_new(void);
PlaneCoder *plane_coder_free(PlaneCoder *z);

/* Bytes that planes_put writes at most. */
static inline size_t planes_bound(size_t n) {
    return 1 + 8 * (3 + n);
}
/* Writes v (n) to p, changes v, returns the end of what was written. */
uint8_t *planes_put(PlaneCoder *z, uint64_t *v, size_t n, uint8_t *p);
/* Reads n values from [p, end) and returns the end of what was read, or NULL when the bytes are damaged. */
const uint8_t *planes_get(PlaneCoder *z, const uint8_t *p, const uint8_t *end, uint64_t *v, size_t n);
