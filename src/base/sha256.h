#pragma once

/* base/sha256.h - SHA-256 (FIPS 180-4): what names stored bytes and shows that they came through whole. Pure. */

#include "base/str.h"

enum { SHA256_BYTES = 32, SHA256_HEX = 64 };

typedef struct Sha256 {
    uint32_t h[8];
    uint64_t n; /* bytes so far */
    uint8_t block[64];
} Sha256;

void sha256_init(Sha256 *s);
void sha256_put(Sha256 *s, Str bytes);
void sha256_end(Sha256 *s, uint8_t out[static SHA256_BYTES]);
/* 64 lower-case digits and a NUL. */
void sha256_end_hex(Sha256 *s, char out[static SHA256_HEX + 1]);
void sha256_hex(Str bytes, char out[static SHA256_HEX + 1]);
