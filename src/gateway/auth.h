#pragma once

/* gateway/auth.h - who asks. Pure. */

#include "base/ctx.h"
#include "policy/key_ring.h"

/* What a request brought: the two places a key may be in. */
typedef struct Credentials {
    Str api_key;       /* X-API-Key */
    Str authorization; /* Authorization, whole */
    bool local;        /* over the Unix socket */
} Credentials;

/* What is known here. */
typedef struct AuthRules {
    Str admin_key;      /* the one of the configuration; empty: none is */
    const KeySet *keys; /* NULL: there are none */
    Role keyless;       /* role of who brings no key */
    Time now;
    bool unknown_is_401; /* a key that is no good is 401 instead of 403 (U02, U33) */
} AuthRules;

#define AUTH_ANONYMOUS  "anonymous" /* the id of who brought no key */
#define AUTH_KEY_PREFIX "key:"      /* of a principal's id: the id of the key follows */

typedef struct AuthVerdict {
    Principal principal;    /* id: "admin", "key:<id>" (in cx->arena), "anonymous", "local" */
    const KeyEntry *key;    /* of the set; NULL: none of it was used */
    Str given;              /* for a key; borrowed */
    KeyVerdict key_verdict; /* of `given` */
} AuthVerdict;

/* The principal, or why there is none: ERR_DENIED "Invalid API key" for one that is not known or no longer good (or
 * ERR_UNAUTHORIZED, see AuthRules). Without a key: id "anonymous" with the role `keyless`. */
int auth_principal(Ctx *cx, const Credentials *c, const AuthRules *rules, AuthVerdict *out);
/* 0, or ERR_UNAUTHORIZED (no key given) or ERR_DENIED (role too low), with words that say what is needed. */
int auth_allow(Ctx *cx, const Principal *p, Role needed);
/* Equal, in time that depends on the lengths alone. */
bool auth_equal(Str a, Str b);

#define AUTH_MISSING "API key required" /* SEC-01, SEC-02: the documents' words */
#define AUTH_INVALID "Invalid API key"
