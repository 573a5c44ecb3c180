#pragma once

/* crypto/cipher.h - the ciphers of the platform, over OpenSSL: the one place, with net/tls.c, that calls it.
 *
 * Sealing is XAES-256-GCM (C2SP): AES-256-GCM under a key derived for each message from 96 of the 192 bits of its nonce.
 * Nonces are random, and 192 bits never meet twice: plain GCM's 96 would be used up by a database that writes for weeks.
 * AES-128-CBC is for Fernet alone (crypto/fernet.h), which says so.
 *
 * Randomness is the caller's. Threads: a Sealer belongs to one at a time. */

#include "base/str.h"

enum { SEAL_KEY = 32, SEAL_NONCE = 24, SEAL_TAG = 16, SEAL_EXTRA = SEAL_NONCE + SEAL_TAG };

typedef struct Sealer Sealer; /* a key, ready */

Sealer *sealer_new(const uint8_t key[static SEAL_KEY]);
Sealer *sealer_free(Sealer *s); /* wipes it; NULL is fine */
/* out: n bytes, may be `in` itself. `with` is not encrypted, but must be the same to open it. */
void sealer_seal(Sealer *s, const uint8_t nonce[static SEAL_NONCE], Str with, const void *in, size_t n, void *out,
                 uint8_t tag[static SEAL_TAG]);
/* false, and out wiped, when anything is not as it was sealed. */
bool sealer_open(Sealer *s, const uint8_t nonce[static SEAL_NONCE], Str with, const void *in, size_t n, void *out,
                 const uint8_t tag[static SEAL_TAG]);

/* AES-256 of one block, for 16 bytes that never come twice. in and out may be the same. */
typedef struct Block Block;
Block *block_new(const uint8_t key[static SEAL_KEY]);
Block *block_free(Block *b);
void block_encrypt(Block *b, const uint8_t in[static 16], uint8_t out[static 16]);
void block_decrypt(Block *b, const uint8_t in[static 16], uint8_t out[static 16]);

/* PKCS#7 padding. out has room for n + 16 bytes; returns how many were written. */
size_t aes128_cbc_encrypt(const uint8_t key[static 16], const uint8_t iv[static 16], Str in, uint8_t *out);
/* out has room for in.n bytes. false: not whole blocks, or a padding that is none. */
bool aes128_cbc_decrypt(const uint8_t key[static 16], const uint8_t iv[static 16], Str in, uint8_t *out, size_t *n);
