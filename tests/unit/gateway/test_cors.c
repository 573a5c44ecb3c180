/* GWY-15: the preflight matrix: allowed, denied, credentials, age. */

#include "lib/test.h"

#include "gateway/cors.h"

static Str value(const HttpField *f, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(f[i].name, str_c(name)))
            return f[i].value;
    return (Str){ 0 };
}

TEST(origins_are_compared_whole_and_a_star_never_comes_with_credentials) {
    static const Str one[] = { STR_INIT("https://app.example"), STR_INIT("http://localhost:3000") };
    static const Str star[] = { STR_INIT("*") };
    static const struct {
        const char *name, *origin;
        bool star, credentials;
        const char *want; /* NULL: no fields */
        bool with;
    } rows[] = {
        { "listed", "https://app.example", false, true, "https://app.example", true },
        { "the other", "http://localhost:3000", false, false, "http://localhost:3000", false },
        { "another port", "http://localhost:3001", false, true, NULL, false },
        { "longer", "https://app.example.evil.com", false, true, NULL, false },
        { "shorter", "https://app.exampl", false, true, NULL, false },
        { "another scheme", "http://app.example", false, true, NULL, false },
        { "null", "null", false, true, NULL, false },
        { "none", "", true, true, NULL, false },
        { "any, without credentials", "https://evil.com", true, true, "*", false },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        CorsRules c = { r->star ? star : one, r->star ? 1 : 2, r->credentials, 600, S("Content-Type") };
        HttpField f[CORS_FIELDS_MAX];
        size_t n = cors_fields(&c, str_c(r->origin), f);
        CHECK_EQ(n > 0, r->want != NULL);
        CHECK_EQ(cors_allows(&c, str_c(r->origin)), r->want != NULL);
        CHECK_STR(value(f, n, "access-control-allow-origin"), str_c(r->want));
        CHECK_EQ(value(f, n, "access-control-allow-credentials").n > 0, r->with);
        n = cors_preflight(&c, &t.arena, str_c(r->origin), S("GET, HEAD"), f);
        CHECK_EQ(n > 0, r->want != NULL);
        if (!n)
            continue;
        CHECK_STR(value(f, n, "access-control-allow-methods"), S("GET, HEAD"));
        CHECK_STR(value(f, n, "access-control-allow-headers"), S("Content-Type"));
        CHECK_STR(value(f, n, "access-control-max-age"), S("600"));
        CHECK_EQ(value(f, n, "vary").n > 0, !r->star);
    }
    CorsRules nobody = { 0 };
    CHECK(!cors_allows(&nobody, S("https://app.example")));
    test_ctx_done(&t);
}

TESTS(T(origins_are_compared_whole_and_a_star_never_comes_with_credentials))
