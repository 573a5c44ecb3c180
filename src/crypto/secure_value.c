/* crypto/secure_value.c - see secure_value.h. */

#include "crypto/secure_value.h"

SecureVerdict secure_value(Arena *a, const FernetKeys *keys, Str text, Str *out) {
    bool marked = str_starts(text, S(SECURE_PREFIX));
    Str token = marked ? str_trim(str_from(text, sizeof SECURE_PREFIX - 1)) : text, plain;
    if (!marked && !str_starts(text, S("gAAAAA"))) { /* 0x80 and a time before 2106 */
        *out = text;
        return SECURE_PLAIN;
    }
    if (fernet_decrypt(a, keys, token, 0, (Time){ 0 }, &plain)) {
        *out = plain;
        return SECURE_OPENED;
    }
    if (marked)
        return keys->n ? SECURE_WRONG : SECURE_NO_KEY;
    *out = text;
    return SECURE_PLAIN;
}
