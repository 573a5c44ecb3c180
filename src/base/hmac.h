#pragma once

/* base/hmac.h - HMAC-SHA-256 (RFC 2104, FIPS 198-1) and HKDF (RFC 5869) over base/sha256: who has the key wrote this.
 * Pure. */

#include "base/sha256.h"

typedef struct Hmac {
    Sha256 inner, outer;
} Hmac;

void hmac_init(Hmac *h, Str key); /* any length; from 16 random bytes on it is a key */
void hmac_put(Hmac *h, Str bytes);
void hmac_end(Hmac *h, uint8_t out[static SHA256_BYTES]);
void hmac_sha256(Str key, Str bytes, uint8_t out[static SHA256_BYTES]);

/* A key of its own for one purpose, 1 .. 255 * 32 bytes: HKDF-SHA256 without a salt. */
void hkdf_sha256(Str secret, Str purpose, uint8_t *out, size_t n);

/* Equal, in time that depends on n alone. */
bool bytes_equal(const void *a, const void *b, size_t n);
