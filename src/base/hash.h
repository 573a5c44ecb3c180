#pragma once

/* base/hash.h - a keyed hash for tables and a checksum for stored bytes.
 *
 * hash64 is for tables in memory only: its values may change between versions and must not be stored. With a
 * seed the outside does not know, keys chosen to collide do not. crc32c (Castagnoli, RFC 3720 B.4) is for
 * bytes on disk: its values are fixed for ever. Pure; any thread. */

#include "base/str.h"

uint64_t hash64(const void *p, size_t n, uint64_t seed);
uint64_t hash64_u64(uint64_t x, uint64_t seed);

static inline uint64_t hash64_str(Str s, uint64_t seed) {
    return hash64(s.p, s.n, seed);
}

/* Start with crc 0 and feed the result back in to go on: crc32c(crc32c(0, a, n), b, m) is that of a then b.
 * crc32c(0, "123456789", 9) is 0xE3069283. Uses SSE4.2 where the CPU has it. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The portable one; equal to crc32c. For tests, and for CPUs without the instruction. */
uint32_t crc32c_table(uint32_t crc, const void *p, size_t n);
