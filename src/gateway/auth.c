/* gateway/auth.c - see auth.h. */

#include "gateway/auth.h"

bool auth_equal(Str a, Str b) {
    unsigned char differ = a.n != b.n;
    for (size_t i = 0; i < a.n; i++)
        differ |= (unsigned char)(a.p[i] ^ (b.n ? b.p[i % b.n] : 0));
    return differ == 0;
}

static Str bearer(Str authorization) {
    Str scheme = str_first(authorization, 7);
    return str_eq_nocase(scheme, S("bearer ")) ? str_trim(str_from(authorization, 7)) : (Str){ 0 };
}

int auth_principal(Ctx *cx, const Credentials *c, Str admin_key, Role keyless, Principal *out) {
    if (c->local) {
        *out = (Principal){ ROLE_ADMIN, S("local") };
        return 0;
    }
    Str key = c->api_key.n ? c->api_key : bearer(c->authorization);
    if (!key.n) {
        if (c->authorization.n)
            return err_set(cx, ERR_UNAUTHORIZED, "the Authorization header is not of the form 'Bearer KEY'");
        *out = (Principal){ keyless, S("anonymous") };
        return 0;
    }
    if (!admin_key.n || !auth_equal(key, admin_key))
        return err_set(cx, ERR_DENIED, "the key is not known here");
    *out = (Principal){ ROLE_ADMIN, S("admin") };
    return 0;
}

int auth_allow(Ctx *cx, const Principal *p, Role needed) {
    if (p->role >= needed)
        return 0;
    if (p->role <= ROLE_READ)
        return err_set(cx, ERR_UNAUTHORIZED,
                       "this needs the admin key: send it as X-API-Key, or as Authorization: Bearer KEY");
    return err_set(cx, ERR_DENIED, "the key may not do this");
}
