#pragma once

/* crypto/fernet.h - Fernet tokens (github.com/fernet/spec): AES-128-CBC and HMAC-SHA-256 in base64url. What the documents'
 * Python services encrypt their settings with; new secrets at rest are sealed with crypto/cipher.h instead.
 *
 * Pure but for the ciphers; time and initial vector are passed in. */

#include "base/str.h"
#include "base/time.h"

enum { FERNET_KEY_TEXT = 44, FERNET_IV = 16, FERNET_TOKEN_MAX = 1 << 20, FERNET_KEYS_MAX = 8, FERNET_SKEW_S = 60 };

typedef struct FernetKey {
    uint8_t sign[16], encrypt[16];
} FernetKey;

typedef struct FernetKeys { /* several while one replaces another: the first encrypts, each may decrypt */
    FernetKey v[FERNET_KEYS_MAX];
    size_t n;
} FernetKeys;

/* base64url of 32 bytes, with its padding. */
bool fernet_key_parse(Str text, FernetKey *out);
void fernet_key_write(const uint8_t bytes[static 32], char out[static FERNET_KEY_TEXT + 1]);
/* Keys with commas between. false: one of them is none, or there are none, or too many. */
bool fernet_keys_parse(Str text, FernetKeys *out);

/* A token; at: when it is made. */
Str fernet_encrypt(Arena *a, const FernetKey *k, Time at, const uint8_t iv[static FERNET_IV], Str plain);
/* false for every kind of fault alike: nothing tells which. ttl_s 0: a token of any age. now is looked at with a ttl alone. */
bool fernet_decrypt(Arena *a, const FernetKeys *keys, Str token, int64_t ttl_s, Time now, Str *out);
