/* crypto/fernet.c - see fernet.h. */

#include "crypto/fernet.h"

#include "base/base64.h"
#include "base/hmac.h"
#include "crypto/cipher.h"

enum { VERSION = 0x80, HEAD = 1 + 8 + FERNET_IV, TOKEN_MIN = HEAD + 16 + SHA256_BYTES };

/* The alphabet of RFC 4648 section 5, padding required: no '+', no '/'. */
static bool base64url_read(Arena *a, Str text, Str *out) {
    char *common = arena_alloc(a, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '+' || c == '/')
            return false;
        common[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    return text.n > 0 && base64_read(a, str_n(common, text.n), out);
}

static Str base64url_write(Arena *a, Str bytes) {
    Buf b;
    buf_init(&b, bytes.n * 2 + 8);
    base64_put(&b, bytes);
    for (size_t i = 0; i < b.n; i++)
        b.p[i] = b.p[i] == '+' ? '-' : b.p[i] == '/' ? '_' : b.p[i];
    Str s = str_dup(a, buf_str(&b));
    if (b.n)
        explicit_bzero(b.p, b.n);
    buf_done(&b);
    return s;
}

bool fernet_key_parse(Str text, FernetKey *out) {
    Arena scratch = { 0 };
    Str bytes;
    bool good = text.n == FERNET_KEY_TEXT && base64url_read(&scratch, text, &bytes) && bytes.n == sizeof *out;
    if (good) {
        memcpy(out, bytes.p, sizeof *out);
        explicit_bzero((char *)(uintptr_t)bytes.p, bytes.n);
    }
    arena_done(&scratch);
    return good;
}

void fernet_key_write(const uint8_t bytes[static 32], char out[static FERNET_KEY_TEXT + 1]) {
    Arena scratch = { 0 };
    Str text = base64url_write(&scratch, str_n((const char *)bytes, 32));
    memcpy(out, text.p, FERNET_KEY_TEXT);
    out[FERNET_KEY_TEXT] = '\0';
    explicit_bzero((char *)(uintptr_t)text.p, text.n);
    arena_done(&scratch);
}

bool fernet_keys_parse(Str text, FernetKeys *out) {
    FernetKeys keys = { .n = 0 };
    Str item;
    while (str_next(&text, ',', &item)) {
        if (keys.n == FERNET_KEYS_MAX || !fernet_key_parse(str_trim(item), &keys.v[keys.n]))
            return false;
        keys.n++;
    }
    *out = keys;
    return keys.n > 0;
}

static Str sign_key(const FernetKey *k) {
    return str_n((const char *)k->sign, sizeof k->sign);
}

Str fernet_encrypt(Arena *a, const FernetKey *k, Time at, const uint8_t iv[static FERNET_IV], Str plain) {
    uint8_t *token = arena_alloc(a, HEAD + plain.n + 16 + SHA256_BYTES);
    uint64_t seconds = (uint64_t)(at.ms / MS_PER_SECOND);
    token[0] = VERSION;
    for (int i = 0; i < 8; i++)
        token[1 + i] = (uint8_t)(seconds >> (8 * (7 - i)));
    memcpy(token + 9, iv, FERNET_IV);
    size_t n = HEAD + aes128_cbc_encrypt(k->encrypt, iv, plain, token + HEAD);
    hmac_sha256(sign_key(k), str_n((const char *)token, n), token + n);
    return base64url_write(a, str_n((const char *)token, n + SHA256_BYTES));
}

static bool fresh(const uint8_t *token, int64_t ttl_s, Time now) {
    uint64_t made = 0;
    int64_t now_s = now.ms / MS_PER_SECOND;
    for (int i = 0; i < 8; i++)
        made = made << 8 | token[1 + i];
    if (ttl_s <= 0)
        return true;
    return made <= (uint64_t)MAX(now_s + FERNET_SKEW_S, (int64_t)0) && (int64_t)made + ttl_s >= now_s;
}

bool fernet_decrypt(Arena *a, const FernetKeys *keys, Str token, int64_t ttl_s, Time now, Str *out) {
    Str bytes;
    if (token.n > FERNET_TOKEN_MAX || !base64url_read(a, token, &bytes) || bytes.n < TOKEN_MIN ||
        (bytes.n - HEAD - SHA256_BYTES) % 16 != 0)
        return false;
    const uint8_t *p = (const uint8_t *)bytes.p;
    size_t signed_n = bytes.n - SHA256_BYTES;
    if (p[0] != VERSION || !fresh(p, ttl_s, now))
        return false;
    for (size_t i = 0; i < keys->n; i++) {
        uint8_t mac[SHA256_BYTES];
        hmac_sha256(sign_key(&keys->v[i]), str_first(bytes, signed_n), mac);
        if (!bytes_equal(mac, p + signed_n, sizeof mac))
            continue;
        uint8_t *plain = arena_alloc(a, signed_n - HEAD);
        size_t n;
        if (!aes128_cbc_decrypt(keys->v[i].encrypt, p + 9, str_n(bytes.p + HEAD, signed_n - HEAD), plain, &n))
            return false;
        *out = str_n((const char *)plain, n);
        return true;
    }
    return false;
}
