/* gateway/auth.c - see auth.h. */

#include "gateway/auth.h"

#include "base/base64.h"

static const Str anonymous = STR_INIT(AUTH_ANONYMOUS);

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

/* Clients that know Basic alone (Eureka's): the password is the key, whoever the user. */
static Str basic(Arena *a, Str authorization) {
    enum { LONGEST = 1024 };
    Str plain, coded = str_trim(str_from(authorization, 6));
    if (!str_eq_nocase(str_first(authorization, 6), S("basic ")) || coded.n > LONGEST || !base64_read(a, coded, &plain))
        return (Str){ 0 };
    ptrdiff_t colon = str_find_char(plain, ':');
    return colon < 0 ? (Str){ 0 } : str_from(plain, (size_t)colon + 1);
}

int auth_principal(Ctx *cx, const Credentials *c, const AuthRules *rules, AuthVerdict *out) {
    *out = (AuthVerdict){ 0 };
    if (c->local) {
        out->principal = (Principal){ ROLE_ADMIN, S("local") };
        return 0;
    }
    out->given = c->api_key.n ? c->api_key : bearer(c->authorization);
    if (!out->given.n)
        out->given = basic(cx->arena, c->authorization);
    if (!out->given.n) {
        if (c->authorization.n)
            return err_set(cx, ERR_UNAUTHORIZED,
                           AUTH_MISSING ": the Authorization header is not of the form 'Bearer KEY'");
        out->principal = (Principal){ rules->keyless, anonymous };
        return 0;
    }
    /* Both are looked at in any case: how long it takes does not tell which kind of key was nearly right. */
    out->key_verdict = key_set_find(rules->keys, out->given, rules->now, &out->key);
    bool admin = auth_equal(out->given, rules->admin_key) && rules->admin_key.n;
    if (out->key_verdict == KEY_GOOD) {
        Str id = out->key->key.id;
        out->principal = (Principal){ out->key->key.role, str_fmt(cx->arena, AUTH_KEY_PREFIX STR_FMT, STR_ARG(id)) };
        return 0;
    }
    if (!admin)
        return err_set(cx, rules->unknown_is_401 ? ERR_UNAUTHORIZED : ERR_DENIED, AUTH_INVALID);
    out->key_verdict = KEY_GOOD;
    out->principal = (Principal){ ROLE_ADMIN, S("admin") };
    return 0;
}

int auth_allow(Ctx *cx, const Principal *p, Role needed) {
    if (p->role >= needed)
        return 0;
    if (!p->id.n || str_eq(p->id, anonymous))
        return err_set(cx, ERR_UNAUTHORIZED, AUTH_MISSING);
    return err_set(cx, ERR_DENIED, "the key may not do this: its role is too small");
}
