#pragma once

/* ports/security_store.h - API keys, and the record of security events that stands beside them.
 *
 * Both lie in one store because a change of a key and its event are one: either both last or neither.
 *
 * Adapters:  adapters/security (SQLite: security.db, or in memory).  Used by: services/security.
 * Memory:    results go to cx->arena; an adapter keeps no pointer of the caller's.
 * Threads:   any; every call is one transaction.
 * Durable:   a change is synced before the call returns.
 * Secrets:   the store never sees a key, only its digest.
 * Contract:  tests/contract/security_store.c runs against every adapter. */

#include "policy/audit_chain.h"
#include "policy/key_ring.h"

typedef struct SecurityStore SecurityStore;

enum { KEY_NONE = 1, KEY_STALE = 2 };
enum { AUDIT_READ_MAX = 1000 };

typedef struct SecurityStoreOps {
    const char *name;
    int (*keys)(SecurityStore *s, Ctx *cx, KeyRecord **out, size_t *n, int64_t *revision);
    /* Inserts or replaces. The row must still have `key->revision` (0: it must be new), else KEY_STALE. The event's seq,
     * time and link are set by the store. */
    int (*put)(SecurityStore *s, Ctx *cx, const KeyRecord *key, AuditEvent *event);
    int (*drop)(SecurityStore *s, Ctx *cx, Str id, AuditEvent *event); /* KEY_NONE */
    int (*used)(SecurityStore *s, Ctx *cx, const KeyRecord *v,
                size_t n); /* last_used of those ids; not synced by itself */
    int (*append)(SecurityStore *s, Ctx *cx, AuditEvent *v, size_t n);
    /* Events after `after` with rising numbers. */
    int (*events)(SecurityStore *s, Ctx *cx, int64_t after, size_t limit, AuditEvent **out, size_t *n);
    int (*span)(SecurityStore *s, Ctx *cx, AuditSpan *out);
    int (*walk)(SecurityStore *s, Ctx *cx, const AuditAnchor *anchor, AuditWalk *out);
    void (*close)(SecurityStore *s);
} SecurityStoreOps;

struct SecurityStore { /* the first member of every adapter's own struct */
    const SecurityStoreOps *ops;
};

int security_store_keys(SecurityStore *s, Ctx *cx, KeyRecord **out, size_t *n, int64_t *revision);
int security_store_put(SecurityStore *s, Ctx *cx, const KeyRecord *key, const AuditEvent *event);
int security_store_drop(SecurityStore *s, Ctx *cx, Str id, const AuditEvent *event);
int security_store_used(SecurityStore *s, Ctx *cx, const KeyRecord *v, size_t n);
/* All of them or none, in this order. Their seq, time where it is 0, and link are set. Texts are cut at their bounds. */
int security_store_append(SecurityStore *s, Ctx *cx, AuditEvent *v, size_t n);
int security_store_events(SecurityStore *s, Ctx *cx, int64_t after, size_t limit, AuditEvent **out, size_t *n);
int security_store_span(SecurityStore *s, Ctx *cx, AuditSpan *out);
/* Reads every event and checks it: anchor NULL: against the one that is kept. The finding is in out->fault; 0 says that
 * the record could be read. */
int security_store_walk(SecurityStore *s, Ctx *cx, const AuditAnchor *anchor, AuditWalk *out);
SecurityStore *security_store_close(SecurityStore *s); /* NULL is fine; returns NULL */
