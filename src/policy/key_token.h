#pragma once

/* policy/key_token.h - what an API key looks like, and what is kept of it. Pure.
 *
 *     fsk_k3v9x2ma_7d0g...(26)...q4sum6
 *         id       secret        sum
 *
 * The id finds the key's row and may stand in logs; the secret has 130 random bits; the sum is 30 bits of CRC-32C over
 * all before it: a mistyped or cut key is told from an unknown one without asking anybody, and scanners for leaked secrets
 * can be sure. Digits are Crockford's base 32 in lower case: no letter looks like another.
 *
 * At rest there is only SHA-256 of the whole text under a label. A slow password hash would add nothing: there is no
 * guessing 130 random bits. */

#include "base/sha256.h"

#define KEY_PREFIX "fsk_"
enum { KEY_ID = 8, KEY_SECRET = 26, KEY_SUM = 6, KEY_TOKEN = 4 + KEY_ID + 1 + KEY_SECRET + KEY_SUM, KEY_RANDOM = 22 };

/* From KEY_RANDOM random bytes; out has KEY_TOKEN characters and a NUL. id NULL: a new one is made of them too. */
void key_token_make(const uint8_t random[static KEY_RANDOM], const char *id, char out[static KEY_TOKEN + 1]);
/* The id in a well-formed key, else an empty Str. */
Str key_token_id(Str text);
bool key_id_valid(Str id);
void key_token_digest(Str text, uint8_t out[static SHA256_BYTES]);
