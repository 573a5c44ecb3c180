/* Links: the examples of RFC 3986, and which schemes are safe to follow. */

#include "test.h"

#include "feed/uri.h"

TEST(references_are_resolved) { /* RFC 3986, 5.4; "#s" and empty ones as Python's urljoin */
    static const struct {
        const char *name, *want;
    } rows[] = {
        { "g:h", "g:h" },
        { "g", "http://a/b/c/g" },
        { "./g", "http://a/b/c/g" },
        { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" },
        { "//g", "http://g" },
        { "?y", "http://a/b/c/d;p?y" },
        { "g?y", "http://a/b/c/g?y" },
        { "#s", "http://a/b/c/d;p?q#s" },
        { "g#s", "http://a/b/c/g#s" },
        { ";x", "http://a/b/c/;x" },
        { "g;x=1/../y", "http://a/b/c/y" },
        { "", "http://a/b/c/d;p?q" },
        { ".", "http://a/b/c/" },
        { "..", "http://a/b/" },
        { "../g", "http://a/b/g" },
        { "../../../g", "http://a/g" },
        { "/./g", "http://a/g" },
        { "g.", "http://a/b/c/g." },
        { "http:////h/x", "http://h/x" },
        { " g\n", "http://a/b/c/g" },
        { "mailto:x@y.z", "mailto:x@y.z" },
        { "//[bad", "" },
    };
    EACH_ROW (r, rows) {
        Arena a = { 0 };
        CHECK_STR(uri_join(&a, S("http://a/b/c/d;p?q"), str_c(r->name)), str_c(r->want));
        arena_done(&a);
    }
}

TEST(dangerous_schemes_are_refused) {
    CHECK(uri_is_safe(S("https://x/")) && uri_is_safe(S("rel/a:b")) && uri_is_safe(S("")) &&
          uri_is_safe(S("mailto:a@b")));
    CHECK(!uri_is_safe(S("javascript:x")) && !uri_is_safe(S(" JAVA\tSCRIPT:x")) && !uri_is_safe(S("data:text/html,x")));
    Arena a = { 0 };
    CHECK_EQ(uri_join_safe(&a, S("http://a/"), S("javascript:x")).n, 0);
    CHECK_STR(uri_join_safe(&a, S("http://a/"), S("b")), S("http://a/b"));
    arena_done(&a);
}

TESTS(T(references_are_resolved), T(dangerous_schemes_are_refused))
