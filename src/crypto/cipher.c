/* crypto/cipher.c - see cipher.h. OpenSSL's calls fail here only for want of memory or of the algorithm itself, which is a
 * broken installation: both end the process. */

#include "crypto/cipher.h"

#include "base/mem.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { BLOCK = 16, HALF_NONCE = 12 };

struct Sealer {
    EVP_CIPHER_CTX *block, *gcm;
    uint8_t k1[BLOCK]; /* of CMAC (SP 800-38B), as XAES uses it */
};

static void must(int ok) {
    if (ok != 1)
        abort();
}

static void encrypt_block(Sealer *s, const uint8_t in[static BLOCK], uint8_t out[static BLOCK]) {
    int n;
    must(EVP_EncryptUpdate(s->block, out, &n, in, BLOCK));
}

Sealer *sealer_new(const uint8_t key[static SEAL_KEY]) {
    static const uint8_t zero[BLOCK] = { 0 };
    Sealer *s = mem_new(Sealer);
    uint8_t l[BLOCK];
    s->block = EVP_CIPHER_CTX_new();
    s->gcm = EVP_CIPHER_CTX_new();
    must(s->block && s->gcm && EVP_EncryptInit_ex(s->block, EVP_aes_256_ecb(), NULL, key, NULL));
    EVP_CIPHER_CTX_set_padding(s->block, 0);
    must(EVP_CipherInit_ex(s->gcm, EVP_aes_256_gcm(), NULL, NULL, NULL, 1));
    encrypt_block(s, zero, l);
    for (int i = 0; i < BLOCK; i++)
        s->k1[i] = (uint8_t)(l[i] << 1 | (i + 1 < BLOCK ? l[i + 1] >> 7 : 0));
    s->k1[BLOCK - 1] ^= (uint8_t)(0x87 & -(l[0] >> 7));
    explicit_bzero(l, sizeof l);
    return s;
}

Sealer *sealer_free(Sealer *s) {
    if (!s)
        return NULL;
    EVP_CIPHER_CTX_free(s->block); /* wipes */
    EVP_CIPHER_CTX_free(s->gcm);
    explicit_bzero(s, sizeof *s);
    return mem_free(s);
}

/* The message's own key, and GCM set up with it. */
static void begin(Sealer *s, const uint8_t nonce[static SEAL_NONCE], Str with, bool seal) {
    uint8_t key[SEAL_KEY];
    for (uint8_t half = 0; half < 2; half++) {
        uint8_t m[BLOCK] = { 0, (uint8_t)(half + 1), 'X', 0 };
        memcpy(m + 4, nonce, HALF_NONCE);
        for (int i = 0; i < BLOCK; i++)
            m[i] ^= s->k1[i];
        encrypt_block(s, m, key + half * BLOCK);
    }
    int n;
    must(EVP_CipherInit_ex(s->gcm, NULL, NULL, key, nonce + HALF_NONCE, seal));
    if (with.n)
        must(EVP_CipherUpdate(s->gcm, NULL, &n, (const uint8_t *)with.p, (int)with.n));
    explicit_bzero(key, sizeof key);
}

void sealer_seal(Sealer *s, const uint8_t nonce[static SEAL_NONCE], Str with, const void *in, size_t n, void *out,
                 uint8_t tag[static SEAL_TAG]) {
    int wrote = 0;
    assert(n <= INT_MAX && with.n <= INT_MAX);
    begin(s, nonce, with, true);
    if (n)
        must(EVP_CipherUpdate(s->gcm, out, &wrote, in, (int)n));
    must(EVP_CipherFinal_ex(s->gcm, (uint8_t *)out + wrote, &wrote));
    must(EVP_CIPHER_CTX_ctrl(s->gcm, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, tag));
}

bool sealer_open(Sealer *s, const uint8_t nonce[static SEAL_NONCE], Str with, const void *in, size_t n, void *out,
                 const uint8_t tag[static SEAL_TAG]) {
    int wrote = 0;
    uint8_t copy[SEAL_TAG];
    assert(n <= INT_MAX && with.n <= INT_MAX);
    memcpy(copy, tag, sizeof copy);
    begin(s, nonce, with, false);
    must(EVP_CIPHER_CTX_ctrl(s->gcm, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG, copy));
    if (n)
        must(EVP_CipherUpdate(s->gcm, out, &wrote, in, (int)n));
    if (EVP_CipherFinal_ex(s->gcm, (uint8_t *)out + wrote, &wrote) == 1)
        return true;
    if (n)
        explicit_bzero(out, n);
    return false;
}

struct Block {
    EVP_CIPHER_CTX *to, *from;
};

Block *block_new(const uint8_t key[static SEAL_KEY]) {
    Block *b = mem_new(Block);
    b->to = EVP_CIPHER_CTX_new();
    b->from = EVP_CIPHER_CTX_new();
    must(b->to && b->from && EVP_EncryptInit_ex(b->to, EVP_aes_256_ecb(), NULL, key, NULL) &&
         EVP_DecryptInit_ex(b->from, EVP_aes_256_ecb(), NULL, key, NULL));
    EVP_CIPHER_CTX_set_padding(b->to, 0);
    EVP_CIPHER_CTX_set_padding(b->from, 0);
    return b;
}

Block *block_free(Block *b) {
    if (!b)
        return NULL;
    EVP_CIPHER_CTX_free(b->to);
    EVP_CIPHER_CTX_free(b->from);
    return mem_free(b);
}

void block_encrypt(Block *b, const uint8_t in[static 16], uint8_t out[static 16]) {
    int n;
    must(EVP_EncryptUpdate(b->to, out, &n, in, BLOCK));
}

void block_decrypt(Block *b, const uint8_t in[static 16], uint8_t out[static 16]) {
    int n;
    must(EVP_DecryptUpdate(b->from, out, &n, in, BLOCK));
}

size_t aes128_cbc_encrypt(const uint8_t key[static 16], const uint8_t iv[static 16], Str in, uint8_t *out) {
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0, last = 0;
    assert(in.n <= INT_MAX - BLOCK);
    must(c && EVP_EncryptInit_ex(c, EVP_aes_128_cbc(), NULL, key, iv));
    if (in.n)
        must(EVP_EncryptUpdate(c, out, &n, (const uint8_t *)in.p, (int)in.n));
    must(EVP_EncryptFinal_ex(c, out + n, &last));
    EVP_CIPHER_CTX_free(c);
    return (size_t)n + (size_t)last;
}

/* The padding is looked at here and not by OpenSSL, which would write a last block more than there is room for. */
bool aes128_cbc_decrypt(const uint8_t key[static 16], const uint8_t iv[static 16], Str in, uint8_t *out, size_t *n) {
    if (in.n == 0 || in.n % BLOCK || in.n > INT_MAX)
        return false;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int wrote = 0;
    must(c && EVP_DecryptInit_ex(c, EVP_aes_128_cbc(), NULL, key, iv));
    EVP_CIPHER_CTX_set_padding(c, 0);
    must(EVP_DecryptUpdate(c, out, &wrote, (const uint8_t *)in.p, (int)in.n));
    EVP_CIPHER_CTX_free(c);
    unsigned pad = out[in.n - 1];
    bool good = pad >= 1 && pad <= BLOCK;
    for (unsigned i = 1; good && i <= pad; i++)
        good = out[in.n - i] == pad;
    *n = good ? in.n - pad : 0;
    return good;
}
