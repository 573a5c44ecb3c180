/* Tokens and keys from outside: Fernet, API keys, encrypted values, anchors. What is read back must be what was written. */

#include "fuzz.h"

#include "crypto/secure_value.h"
#include "policy/audit_chain.h"
#include "policy/key_ring.h"

static void try_fernet(Arena *a, Str text) {
    static const char secret[] = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    uint8_t iv[FERNET_IV] = { 1 };
    FernetKeys keys;
    FernetKey one;
    Str out = { 0 };
    MUST(fernet_keys_parse(str_c(secret), &keys));
    if (fernet_decrypt(a, &keys, text, 60, time_ms(499162801000), &out))
        MUST(out.n < text.n);
    Str token = fernet_encrypt(a, &keys.v[0], time_ms(499162801000), iv, text);
    MUST(fernet_decrypt(a, &keys, token, 60, time_ms(499162801000), &out) && str_eq(out, text));
    secure_value(a, &keys, text, &out);
    if (fernet_key_parse(text, &one)) {
        char again[FERNET_KEY_TEXT + 1];
        fernet_key_write((const uint8_t *)&one, again);
        MUST(str_eq(str_c(again), text));
    }
    fernet_keys_parse(text, &keys);
}

static void try_key(Str text) {
    const KeyEntry *e;
    Str id = key_token_id(text);
    MUST(id.n == 0 || (id.n == KEY_ID && text.n == KEY_TOKEN));
    MUST(key_set_find(NULL, text, time_ms(1), &e) == (id.n ? KEY_UNKNOWN : KEY_MALFORMED) && !e);
    if (key_scopes_valid(text))
        key_allows(&(KeyRecord){ .scopes = text }, S("market.candles"));
}

static void try_anchor(Str text) {
    AuditAnchor anchor, again;
    char out[AUDIT_ANCHOR_TEXT + 1];
    if (!audit_anchor_parse(text, &anchor))
        return;
    MUST(audit_anchor_parse(audit_anchor_text(&anchor, out), &again));
    MUST(anchor.seq == again.seq && bytes_equal(anchor.link, again.link, sizeof again.link));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena a = { 0 };
    Str text = str_n((const char *)data, size);
    try_fernet(&a, text);
    try_key(text);
    try_anchor(text);
    arena_done(&a);
    return 0;
}
