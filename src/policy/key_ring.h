#pragma once

/* policy/key_ring.h - the keys that are known, as one set that never changes: who reads it waits for nobody.
 *
 * Whoever changes a key makes a new set and hands it to the readers; a reader keeps the one it began with. A key is found
 * by its id and proved by its digest, in time that does not depend on which of the two was wrong.
 *
 * Pure: the time is passed in. Threads: a set is read-only; references may be taken and dropped anywhere. */

#include "base/ctx.h"
#include "policy/key_token.h"

enum { KEY_NAME_MAX = 80, KEY_SCOPES_MAX = 400, KEYS_MAX = 10000 };

typedef struct KeyRecord {
    Str id, name;
    Role role;
    Str scopes;    /* operations it may call, "market backtest.run"; empty: all that its role may */
    int64_t limit; /* requests a minute; 0: the platform's limit.key */
    Time created, expires, revoked, last_used; /* ms 0: never */
    Time rotated, old_until;                   /* the secret before the last rotation is good until then */
    uint8_t digest[SHA256_BYTES], old_digest[SHA256_BYTES];
    int64_t revision; /* of the store, when it was last changed */
} KeyRecord;

/* When a key was last used: written by readers, so it lies outside of the sets. */
typedef struct KeyUse {
    _Atomic int64_t at_ms;
} KeyUse;

typedef struct KeyEntry {
    KeyRecord key;
    KeyUse *use; /* may be NULL */
} KeyEntry;

typedef struct KeySet KeySet;

/* Copies the entries. */
KeySet *key_set_new(const KeyEntry *v, size_t n);
KeySet *key_set_ref(KeySet *s);
KeySet *key_set_unref(KeySet *s); /* NULL is fine; returns NULL */
size_t key_set_entries(const KeySet *s, const KeyEntry **out);

typedef enum KeyVerdict { KEY_GOOD, KEY_MALFORMED, KEY_UNKNOWN, KEY_EXPIRED, KEY_REVOKED } KeyVerdict;
extern const char *const key_verdict_words[];
/* The key this text proves to have; notes its use. s NULL: no key is known. */
KeyVerdict key_set_find(const KeySet *s, Str text, Time now, const KeyEntry **out);
/* Whether a key that is in hand is still good: long connections ask. */
KeyVerdict key_set_still(const KeySet *s, Str id, Time now);

/* "market" allows market.candles; "market.candles" that alone; words are parted by blanks or commas. */
bool key_allows(const KeyRecord *k, Str operation);
/* Are the scopes words of letters, digits, '.', '-', '_'? */
bool key_scopes_valid(Str scopes);
