/* policy/key_ring.c - see key_ring.h. */

#include "policy/key_ring.h"

#include "base/hmac.h"
#include "base/map.h"

struct KeySet {
    atomic_int refs;
    Arena arena;
    KeyEntry *v;
    size_t n;
    Map by_id;
};

const char *const key_verdict_words[] = {
    [KEY_GOOD] = "good",       [KEY_MALFORMED] = "malformed", [KEY_UNKNOWN] = "unknown",
    [KEY_EXPIRED] = "expired", [KEY_REVOKED] = "revoked",
};

KeySet *key_set_new(const KeyEntry *v, size_t n) {
    KeySet *s = mem_new(KeySet);
    atomic_init(&s->refs, 1);
    s->n = n;
    s->v = arena_new_n(&s->arena, KeyEntry, n + 1);
    map_reserve(&s->by_id, n);
    for (size_t i = 0; i < n; i++) {
        KeyEntry *e = &s->v[i];
        *e = v[i];
        e->key.id = str_dup(&s->arena, v[i].key.id);
        e->key.name = str_dup(&s->arena, v[i].key.name);
        e->key.scopes = str_dup(&s->arena, v[i].key.scopes);
        map_put(&s->by_id, e->key.id, e);
    }
    return s;
}

KeySet *key_set_ref(KeySet *s) {
    if (s)
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

KeySet *key_set_unref(KeySet *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    map_done(&s->by_id);
    arena_done(&s->arena);
    return mem_free(s);
}

size_t key_set_entries(const KeySet *s, const KeyEntry **out) {
    *out = s ? s->v : NULL;
    return s ? s->n : 0;
}

static KeyVerdict state_of(const KeyRecord *k, Time now) {
    return k->revoked.ms ? KEY_REVOKED : k->expires.ms && k->expires.ms <= now.ms ? KEY_EXPIRED : KEY_GOOD;
}

/* Both digests are always compared, and an unknown id against a row that no key has. */
KeyVerdict key_set_find(const KeySet *s, Str text, Time now, const KeyEntry **out) {
    static const KeyEntry nobody = { .key = { .digest = { 1 } } };
    uint8_t digest[SHA256_BYTES];
    Str id = key_token_id(text);
    *out = NULL;
    if (!id.n)
        return KEY_MALFORMED;
    key_token_digest(text, digest);
    const KeyEntry *e = s ? map_get(&s->by_id, id) : NULL;
    const KeyRecord *k = e ? &e->key : &nobody.key;
    bool is_new = bytes_equal(digest, k->digest, sizeof digest);
    bool is_old = bytes_equal(digest, k->old_digest, sizeof digest);
    if (!e || (!is_new && !is_old))
        return KEY_UNKNOWN;
    KeyVerdict verdict = state_of(k, now);
    if (verdict == KEY_GOOD && !is_new && k->old_until.ms <= now.ms)
        verdict = KEY_EXPIRED;
    if (verdict != KEY_GOOD)
        return verdict;
    if (e->use)
        atomic_store_explicit(&e->use->at_ms, now.ms, memory_order_relaxed);
    *out = e;
    return KEY_GOOD;
}

KeyVerdict key_set_still(const KeySet *s, Str id, Time now) {
    const KeyEntry *e = s ? map_get(&s->by_id, id) : NULL;
    return e ? state_of(&e->key, now) : KEY_UNKNOWN;
}

/* --- scopes --- */

static bool next_word(Str *rest, Str *word) {
    while (rest->n) {
        size_t n = 0;
        while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != ',')
            n++;
        *word = str_first(*rest, n);
        *rest = str_from(*rest, n + 1);
        if (word->n)
            return true;
    }
    return false;
}

bool key_allows(const KeyRecord *k, Str operation) {
    Str rest = k->scopes, word;
    if (!rest.n)
        return true;
    while (next_word(&rest, &word))
        if (str_starts(operation, word) && (operation.n == word.n || operation.p[word.n] == '.'))
            return true;
    return false;
}

bool key_scopes_valid(Str scopes) {
    Str rest = scopes, word;
    while (next_word(&rest, &word))
        for (size_t i = 0; i < word.n; i++) {
            char c = word.p[i];
            bool ok =
                (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' || c == '-' || c == '_';
            if (!ok)
                return false;
        }
    return scopes.n <= KEY_SCOPES_MAX;
}
