/* gateway/auth: who asks, and may they? */

#include "gateway/auth.h"
#include "lib/test.h"

typedef struct Known { /* one managed key of the role write */
    char text[KEY_TOKEN + 1], id[KEY_ID + 1];
    KeySet *set;
} Known;

static void know(Known *k, Time expires) {
    uint8_t random[KEY_RANDOM] = { 1, 2, 3, 4, 5 };
    key_token_make(random, NULL, k->text);
    memcpy(k->id, k->text + 4, KEY_ID);
    k->id[KEY_ID] = '\0';
    KeyEntry e = { .key = { .id = str_c(k->id), .role = ROLE_WRITE, .expires = expires } };
    key_token_digest(str_c(k->text), e.key.digest);
    k->set = key_set_new(&e, 1);
}

/* SEC-01, SEC-02, GWY-13, GWY-14, U02: both headers over one store; missing is 401, wrong is 403. */
TEST(keys_open_what_they_should) {
    enum { EXPIRES = 9000 };
    Known k;
    know(&k, time_ms(EXPIRES));
    char other[KEY_TOKEN + 1], bearer[KEY_TOKEN + 10];
    uint8_t random[KEY_RANDOM] = { 9 };
    key_token_make(random, NULL, other);
    snprintf(bearer, sizeof bearer, "Bearer %s", k.text);
    const struct {
        const char *name, *api_key, *authorization;
        bool local;
        int64_t now;
        int want;
        Role role;
        KeyVerdict verdict;
    } rows[] = {
        { "no key reads", "", "", false, 0, 0, ROLE_READ, KEY_GOOD },
        { "the key as X-API-Key", "secret-1", "", false, 0, 0, ROLE_ADMIN, KEY_GOOD },
        { "the key as Bearer", "", "Bearer secret-1", false, 0, 0, ROLE_ADMIN, KEY_GOOD },
        { "bearer in any case", "", "bearer   secret-1 ", false, 0, 0, ROLE_ADMIN, KEY_GOOD },
        { "a wrong key", "secret-2", "", false, 0, ERR_DENIED, ROLE_NONE, KEY_MALFORMED },
        { "a prefix of the key", "secret-", "", false, 0, ERR_DENIED, ROLE_NONE, KEY_MALFORMED },
        { "a longer key", "secret-11", "", false, 0, ERR_DENIED, ROLE_NONE, KEY_MALFORMED },
        { "another scheme", "", "Basic c2VjcmV0", false, 0, ERR_UNAUTHORIZED, ROLE_NONE, KEY_GOOD },
        { "the same user over the Unix socket", "", "", true, 0, 0, ROLE_ADMIN, KEY_GOOD },
        { "a managed key", k.text, "", false, 0, 0, ROLE_WRITE, KEY_GOOD },
        { "a managed key as Bearer", "", bearer, false, 0, 0, ROLE_WRITE, KEY_GOOD },
        { "a managed key that expired", k.text, "", false, EXPIRES, ERR_DENIED, ROLE_NONE, KEY_EXPIRED },
        { "a key nobody made", other, "", false, 0, ERR_DENIED, ROLE_NONE, KEY_UNKNOWN },
        { "X-API-Key goes before", other, bearer, false, 0, ERR_DENIED, ROLE_NONE, KEY_UNKNOWN },
        { "the key as the password of Basic", "", "Basic ZXVyZWthOnNlY3JldC0x", false, 0, 0, ROLE_ADMIN, KEY_GOOD },
        { "a wrong password of Basic", "", "basic ZXVyZWthOnNlY3JldC0y", false, 0, ERR_DENIED, ROLE_NONE,
          KEY_MALFORMED },
        { "Basic that is no base64", "", "Basic c2Vj", false, 0, ERR_UNAUTHORIZED, ROLE_NONE, KEY_GOOD },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Credentials c = { str_c(r->api_key), str_c(r->authorization), r->local };
        AuthRules rules = { .admin_key = S("secret-1"), .keys = k.set, .keyless = ROLE_READ, .now = time_ms(r->now) };
        AuthVerdict v;
        CHECK_EQ(auth_principal(&t.cx, &c, &rules, &v), r->want);
        CHECK_EQ(v.principal.role, r->role);
        CHECK_EQ(v.key_verdict, r->verdict);
        if (r->want == ERR_DENIED)
            CHECK_STR(str_c(t.cx.err.text), S("Invalid API key"));
        rules.unknown_is_401 = true;
        CHECK_EQ(auth_principal(&t.cx, &c, &rules, &v), r->want == ERR_DENIED ? ERR_UNAUTHORIZED : r->want);
    }
    AuthVerdict v;
    CHECK_OK(&t.cx,
             auth_principal(&t.cx, &(Credentials){ .api_key = str_c(k.text) }, &(AuthRules){ .keys = k.set }, &v));
    CHECK_STR(v.principal.id, str_fmt(&t.arena, "key:%s", k.id));
    key_set_unref(k.set);
    test_ctx_done(&t);
}

TEST(without_a_configured_key_no_key_is_right) {
    TestCtx t;
    test_ctx_init(&t);
    AuthVerdict v;
    const AuthRules none = { .keyless = ROLE_READ };
    CHECK_EQ(auth_principal(&t.cx, &(Credentials){ .api_key = S("x") }, &none, &v), ERR_DENIED);
    CHECK_EQ(auth_principal(&t.cx, &(Credentials){ .api_key = S("") }, &none, &v), 0);
    CHECK_EQ(v.principal.role, ROLE_READ);
    test_ctx_done(&t);
}

/* U02: missing 401, role lacking 403. */
TEST(a_role_too_low_says_what_is_needed) {
    TestCtx t;
    test_ctx_init(&t);
    CHECK_EQ(auth_allow(&t.cx, &(Principal){ .role = ROLE_READ }, ROLE_READ), 0);
    CHECK_EQ(auth_allow(&t.cx, &(Principal){ .role = ROLE_READ, .id = S("anonymous") }, ROLE_WRITE), ERR_UNAUTHORIZED);
    CHECK_STR(str_c(t.cx.err.text), S("API key required"));
    CHECK_EQ(auth_allow(&t.cx, &(Principal){ .role = ROLE_READ, .id = S("key:k3v9x2ma") }, ROLE_WRITE), ERR_DENIED);
    CHECK_EQ(auth_allow(&t.cx, &(Principal){ .role = ROLE_WRITE, .id = S("key:k3v9x2ma") }, ROLE_ADMIN), ERR_DENIED);
    CHECK_EQ(auth_allow(&t.cx, &(Principal){ .role = ROLE_ADMIN }, ROLE_ADMIN), 0);
    test_ctx_done(&t);
}

TEST(equal_is_equal) {
    CHECK(auth_equal(S("abc"), S("abc")));
    CHECK(!auth_equal(S("abc"), S("abd")));
    CHECK(!auth_equal(S("abcabc"), S("abc")));
    CHECK(!auth_equal(S(""), S("abc")));
    CHECK(!auth_equal(S("abc"), S("")));
    CHECK(auth_equal(S(""), S("")));
}

TESTS(T(keys_open_what_they_should), T(without_a_configured_key_no_key_is_right), T(a_role_too_low_says_what_is_needed),
      T(equal_is_equal))
