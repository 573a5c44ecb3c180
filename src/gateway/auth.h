#pragma once

/* gateway/auth.h - who asks. Pure. */

#include "base/ctx.h"

/* What a request brought: the two places a key may be in. */
typedef struct Credentials {
    Str api_key;       /* X-API-Key */
    Str authorization; /* Authorization, whole */
    bool local;        /* over the Unix socket */
} Credentials;

/* The principal, or why there is none. Without a key: id "anonymous" with the role `keyless`. ERR_DENIED for a key that
 * is not known. */
int auth_principal(Ctx *cx, const Credentials *c, Str admin_key, Role keyless, Principal *out);
/* 0, or ERR_UNAUTHORIZED (no key given) or ERR_DENIED (role too low), with words that say what is needed. */
int auth_allow(Ctx *cx, const Principal *p, Role needed);
/* Equal, in time that depends on the lengths alone. */
bool auth_equal(Str a, Str b);
