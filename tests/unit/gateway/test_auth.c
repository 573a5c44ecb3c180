/* gateway/auth: who asks, and may they? */

#include "gateway/auth.h"
#include "lib/test.h"

TEST(keys_open_what_they_should) {
    static const struct {
        const char *name, *api_key, *authorization;
        bool local;
        int want;
        Role role;
    } rows[] = {
        { "no key reads", "", "", false, 0, ROLE_READ },
        { "the key as X-API-Key", "secret-1", "", false, 0, ROLE_ADMIN },
        { "the key as Bearer", "", "Bearer secret-1", false, 0, ROLE_ADMIN },
        { "bearer in any case", "", "bearer   secret-1 ", false, 0, ROLE_ADMIN },
        { "a wrong key", "secret-2", "", false, ERR_DENIED, ROLE_NONE },
        { "a prefix of the key", "secret-", "", false, ERR_DENIED, ROLE_NONE },
        { "a longer key", "secret-11", "", false, ERR_DENIED, ROLE_NONE },
        { "another scheme", "", "Basic c2VjcmV0", false, ERR_UNAUTHORIZED, ROLE_NONE },
        { "the same user over the Unix socket", "", "", true, 0, ROLE_ADMIN },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Credentials c = { str_c(r->api_key), str_c(r->authorization), r->local };
        Principal p = { 0 };
        CHECK_EQ(auth_principal(&t.cx, &c, S("secret-1"), ROLE_READ, &p), r->want);
        CHECK_EQ(p.role, r->role);
    }
    test_ctx_done(&t);
}

TEST(without_a_configured_key_no_key_is_right) {
    TestCtx t;
    test_ctx_init(&t);
    Principal p;
    CHECK_EQ(auth_principal(&t.cx, &(Credentials){ .api_key = S("x") }, (Str){ 0 }, ROLE_READ, &p), ERR_DENIED);
    CHECK_EQ(auth_principal(&t.cx, &(Credentials){ .api_key = S("") }, (Str){ 0 }, ROLE_READ, &p), 0);
    CHECK_EQ(p.role, ROLE_READ);
    test_ctx_done(&t);
}

/* U02: missing 401, role lacking 403. */
TEST(a_role_too_low_says_what_is_needed) {
    TestCtx t;
    test_ctx_init(&t);
    CHECK_EQ(auth_allow(&t.cx, &(Principal){ .role = ROLE_READ }, ROLE_READ), 0);
    CHECK_EQ(auth_allow(&t.cx, &(Principal){ .role = ROLE_READ }, ROLE_WRITE), ERR_UNAUTHORIZED);
    CHECK(str_find(str_c(t.cx.err.text), S("X-API-Key")) >= 0);
    CHECK_EQ(auth_allow(&t.cx, &(Principal){ .role = ROLE_WRITE }, ROLE_ADMIN), ERR_DENIED);
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
