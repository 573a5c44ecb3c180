/* policy/key_token.c - see key_token.h. */

#include "policy/key_token.h"

#include "base/hash.h"

#include <string.h>

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* n digits of 5 bits out of the bytes, from bit `at` on. */
static void put_digits(const uint8_t *bytes, size_t at, size_t n, char *out) {
    for (size_t i = 0; i < n; i++) {
        unsigned v = 0;
        for (size_t bit = 0; bit < 5; bit++, at++)
            v = v << 1 | (bytes[at / 8] >> (7 - at % 8) & 1u);
        out[i] = digits[v];
    }
}

static void put_sum(const char *token, char out[static KEY_SUM]) {
    uint32_t crc = crc32c(0, token, KEY_TOKEN - KEY_SUM);
    for (int i = 0; i < KEY_SUM; i++, crc >>= 5)
        out[i] = digits[crc & 31];
}

void key_token_make(const uint8_t random[static KEY_RANDOM], const char *id, char out[static KEY_TOKEN + 1]) {
    enum { AT_ID = 4, AT_SECRET = AT_ID + KEY_ID + 1 };
    memcpy(out, KEY_PREFIX, AT_ID);
    if (id)
        memcpy(out + AT_ID, id, KEY_ID);
    else
        put_digits(random, 0, KEY_ID, out + AT_ID);
    out[AT_ID + KEY_ID] = '_';
    put_digits(random, KEY_ID * 5, KEY_SECRET, out + AT_SECRET);
    put_sum(out, out + KEY_TOKEN - KEY_SUM);
    out[KEY_TOKEN] = '\0';
}

/* No search, no early end, no branch: how long a key is looked at does not depend on what is in it. */
static bool all_digits(Str s) {
    static const uint32_t letters =
        0x3ffffff & ~(1u << ('i' - 'a') | 1u << ('l' - 'a') | 1u << ('o' - 'a') | 1u << ('u' - 'a'));
    uint32_t good = 1;
    for (size_t i = 0; i < s.n; i++) {
        uint32_t c = (uint8_t)s.p[i], at = c - 'a';
        good &= (uint32_t)(c - '0' < 10) | ((uint32_t)(at < 26) & letters >> (at & 31));
    }
    return good & 1;
}

bool key_id_valid(Str id) {
    return id.n == KEY_ID && all_digits(id);
}

Str key_token_id(Str text) {
    char sum[KEY_SUM];
    Str id = str_first(str_from(text, 4), KEY_ID);
    bool form = text.n == KEY_TOKEN && str_starts(text, S(KEY_PREFIX)) && key_id_valid(id) &&
                text.p[4 + KEY_ID] == '_' && all_digits(str_from(text, 4 + KEY_ID + 1));
    if (!form)
        return (Str){ 0 };
    put_sum(text.p, sum);
    return memcmp(sum, text.p + KEY_TOKEN - KEY_SUM, KEY_SUM) == 0 ? id : (Str){ 0 };
}

void key_token_digest(Str text, uint8_t out[static SHA256_BYTES]) {
    Sha256 s;
    sha256_init(&s);
    sha256_put(&s, S("finsight key 1\n"));
    sha256_put(&s, text);
    sha256_end(&s, out);
}
