/* base/hmac.c - see hmac.h. */

#include "base/hmac.h"

#include "base/defs.h"

enum { BLOCK = 64 };

void hmac_init(Hmac *h, Str key) {
    uint8_t block[BLOCK] = { 0 };
    if (key.n > BLOCK) {
        Sha256 s;
        sha256_init(&s);
        sha256_put(&s, key);
        sha256_end(&s, block);
    } else if (key.n) {
        memcpy(block, key.p, key.n);
    }
    for (size_t i = 0; i < BLOCK; i++)
        block[i] ^= 0x36;
    sha256_init(&h->inner);
    sha256_put(&h->inner, str_n((const char *)block, BLOCK));
    for (size_t i = 0; i < BLOCK; i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha256_init(&h->outer);
    sha256_put(&h->outer, str_n((const char *)block, BLOCK));
    explicit_bzero(block, sizeof block);
}

void hmac_put(Hmac *h, Str bytes) {
    sha256_put(&h->inner, bytes);
}

void hmac_end(Hmac *h, uint8_t out[static SHA256_BYTES]) {
    uint8_t inner[SHA256_BYTES];
    sha256_end(&h->inner, inner);
    sha256_put(&h->outer, str_n((const char *)inner, sizeof inner));
    sha256_end(&h->outer, out);
    explicit_bzero(h, sizeof *h);
}

void hmac_sha256(Str key, Str bytes, uint8_t out[static SHA256_BYTES]) {
    Hmac h;
    hmac_init(&h, key);
    hmac_put(&h, bytes);
    hmac_end(&h, out);
}

void hkdf_sha256(Str secret, Str purpose, uint8_t *out, size_t n) {
    static const char no_salt[SHA256_BYTES] = { 0 };
    uint8_t key[SHA256_BYTES], block[SHA256_BYTES];
    assert(n > 0 && n <= 255 * SHA256_BYTES);
    hmac_sha256(str_n(no_salt, sizeof no_salt), secret, key);
    for (size_t done = 0, i = 1; done < n; i++) {
        Hmac h;
        char count = (char)i;
        hmac_init(&h, str_n((const char *)key, sizeof key));
        if (i > 1)
            hmac_put(&h, str_n((const char *)block, sizeof block));
        hmac_put(&h, purpose);
        hmac_put(&h, str_n(&count, 1));
        hmac_end(&h, block);
        size_t take = MIN(n - done, sizeof block);
        memcpy(out + done, block, take);
        done += take;
    }
    explicit_bzero(key, sizeof key);
    explicit_bzero(block, sizeof block);
}

bool bytes_equal(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;
    unsigned char differ = 0;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned char)(x[i] ^ y[i]);
    return differ == 0;
}
