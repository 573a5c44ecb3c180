#pragma once

/* services/security/keys.h - API keys: made, listed, rotated, revoked, and told to whoever checks them (SEC-23, SEC-26).
 *
 * A key is shown once, when it is made or rotated; afterwards there is only its digest. Every change is written with its
 * event in one transaction, and the new set is handed to `changed` before the call returns: who is told that a key is
 * revoked can be sure that it opens nothing any more.
 *
 * Threads: any. The set is handed over under a lock, so the last one handed over is the newest. */

#include "base/log.h"
#include "base/rng.h"
#include "ports/security_store.h"

typedef struct KeyService KeyService;

typedef struct KeyServiceOptions {
    SecurityStore *store; /* borrowed, as all of these */
    Ids *ids;             /* of the system: secrets are made of it */
    Logger *log;
    /* Takes over one reference. On the thread of the change; must not block. NULL: nobody checks keys here. */
    void (*changed)(void *arg, KeySet *set);
    void *arg;
} KeyServiceOptions;

enum { KEY_GRACE_MS = 3600 * 1000, KEY_GRACE_MAX_MS = 30 * 24 * 3600 * 1000LL, KEY_LIMIT_MAX = 10000 };

typedef struct KeyDraft {
    Str name;
    Role role; /* READ, WRITE or ADMIN */
    Str scopes;
    int64_t limit;
    Time expires; /* ms 0: never */
} KeyDraft;

KeyService *key_service_new(const KeyServiceOptions *o);
KeyService *key_service_free(KeyService *s);
SecurityStore *key_service_store(KeyService *s);

/* Reads the store and hands the set over: at start. */
int keys_load(KeyService *s, Ctx *cx);
/* ERR_INVALID with the field, ERR_LIMIT past KEYS_MAX. *secret in cx->arena. */
int keys_create(KeyService *s, Ctx *cx, const KeyDraft *draft, KeyRecord *out, Str *secret);
/* A new secret under the same id; the one before it stays good for grace_ms. */
int keys_rotate(KeyService *s, Ctx *cx, Str id, int64_t grace_ms, KeyRecord *out, Str *secret);
int keys_revoke(KeyService *s, Ctx *cx, Str id, KeyRecord *out);   /* one that is revoked already is fine */
int keys_get(KeyService *s, Ctx *cx, Str id, KeyRecord *out);      /* ERR_NOT_FOUND */
int keys_list(KeyService *s, Ctx *cx, KeyRecord **out, size_t *n); /* oldest first; last_used as of now */
/* Writes down when keys were last used, if any was since the last time. */
int keys_note_use(KeyService *s, Ctx *cx);
