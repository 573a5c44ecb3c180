/* robots.txt as RFC 9309 has it (NWS-18). */

#include "adapters/feed/robots.h"
#include "test.h"

static bool allows(const char *text, const char *path) {
    Robots *r = robots_parse(str_c(text), S("finsight"));
    bool ok = robots_allow(r, str_c(path));
    robots_free(r);
    return ok;
}

TEST(rules_decide_by_length_and_group) {
    static const struct {
        const char *name, *text, *path;
        bool want;
    } rows[] = {
        { "no rules", "", "/a", true },
        { "everybody", "User-agent: *\nDisallow: /a", "/a/b", false },
        { "another path", "User-agent: *\nDisallow: /a", "/b", true },
        { "case of paths counts", "User-agent: *\nDisallow: /A", "/a", true },
        { "an empty rule is none", "User-agent: *\nDisallow:\n", "/a", true },
        { "our group alone", "User-agent: FinSight\nDisallow: /x\n\nUser-agent: *\nDisallow: /", "/a", true },
        { "our group behind", "User-agent: *\nDisallow: /\nUser-agent: finsight/1.0\nDisallow: /x", "/a", true },
        { "groups of ours add up", "User-agent: finsight\nDisallow: /a\nUser-agent: finsight\nDisallow: /b", "/a",
          false },
        { "not a longer name", "User-agent: finsightbot\nDisallow: /", "/a", true },
        { "two names for one group", "User-agent: other\nUser-agent: finsight\nDisallow: /a", "/a", false },
        { "the longest wins", "User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", true },
        { "in any order", "User-agent: *\nAllow: /a/b\nDisallow: /a", "/a/b/c", true },
        { "allow wins a tie", "User-agent: *\nDisallow: /a\nAllow: /a", "/a", true },
        { "star", "User-agent: *\nDisallow: /*.xml", "/feeds/a.xml?x", false },
        { "dollar", "User-agent: *\nDisallow: /*.xml$", "/feeds/a.xml?x", true },
        { "dollar at the end", "User-agent: *\nDisallow: /*.xml$", "/feeds/a.xml", false },
        { "star goes back", "User-agent: *\nDisallow: /*ab$", "/aabab", false },
        { "escapes are one spelling", "User-agent: *\nDisallow: /%7euser/%c3%a9", "/~user/\xc3\xa9", false },
        { "an escaped slash is no slash", "User-agent: *\nDisallow: /a/b", "/a%2Fb", true },
        { "comments", "User-agent: * # all\nDisallow: /a # this", "/a", false },
        { "old line ends", "User-agent: *\rDisallow: /a\r", "/a", false },
        { "byte order mark", "\xef\xbb\xbfUser-agent: *\nDisallow: /a", "/a", false },
        { "rules before any group", "Disallow: /\nUser-agent: *\nDisallow: /b", "/a", true },
        { "sitemaps belong to nobody", "User-agent: *\nSitemap: x\nDisallow: /a", "/a", false },
        { "robots.txt itself", "User-agent: *\nDisallow: /", "/robots.txt", true },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(allows(r->text, r->path), r->want);
}

TEST(delays_are_read_and_bounded) {
    Robots *r = robots_parse(S("User-agent: *\nCrawl-delay: 2.5"), S("finsight"));
    CHECK_EQ(robots_delay_ms(r), 2500);
    robots_free(r);
    r = robots_parse(S("User-agent: *\nCrawl-delay: 86400"), S("finsight"));
    CHECK_EQ(robots_delay_ms(r), 60000);
    robots_free(r);
}

TEST(a_file_without_end_is_read_in_part) {
    Arena a = { 0 };
    size_t n = 3 << 20;
    char *p = arena_alloc(&a, n);
    for (size_t i = 0; i + 16 <= n; i += 16)
        memcpy(p + i, i == 0 ? "user-agent: *\r\n\n" : "Disallow: /abcd\n", 16);
    Robots *r = robots_parse(str_n(p, n), S("finsight"));
    CHECK(!robots_allow(r, S("/abcd")) && robots_allow(r, S("/abc")));
    robots_free(r);
    arena_done(&a);
}

TESTS(T(rules_decide_by_length_and_group), T(delays_are_read_and_bounded), T(a_file_without_end_is_read_in_part))
