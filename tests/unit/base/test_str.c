/* base/str: strings with a length. */

#include "lib/test.h"

TEST(next_splits_and_keeps_empty_parts) {
    Str rest = S("a,,b,"), part;
    const char *want[] = { "a", "", "b", "" };
    size_t n = 0;
    while (str_next(&rest, ',', &part)) {
        CHECK(n < ARRAY_LEN(want));
        CHECK_STR(part, str_c(want[n]));
        n++;
    }
    CHECK_EQ(n, 4);
}

TEST(whole_numbers_refuse_rest_and_overflow) {
    static const struct {
        const char *name;
        bool ok;
        int64_t want;
    } rows[] = {
        { "0", true, 0 },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775807", true, INT64_MAX },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "+1", false, 0 },
        { "12 ", false, 0 },
        { "1e3", false, 0 },
        { "99999999999999999999", false, 0 },
    };
    EACH_ROW (r, rows) {
        int64_t v = 0;
        CHECK_EQ(str_to_i64(str_c(r->name), &v), r->ok);
        CHECK_EQ(v, r->want);
    }
}

TEST(compare_and_search) {
    CHECK(str_eq((Str){ 0 }, S("")));
    CHECK(str_eq_nocase(S("Content-Length"), S("content-length")));
    CHECK(!str_eq_nocase(S("a"), S("ab")));
    CHECK(str_cmp(S("a"), S("ab")) < 0);
    CHECK(str_starts(S("abc"), S("ab")) && str_ends(S("abc"), S("bc")) && !str_ends(S("c"), S("bc")));
    CHECK_EQ(str_find(S("hello"), S("lo")), 3);
    CHECK_EQ(str_find((Str){ 0 }, S("x")), -1);
    CHECK_STR(str_trim(S(" \t x y \r\n")), S("x y"));
    CHECK_EQ(str_from(S("abc"), 9).n, 0);
}

TEST(distance_serves_did_you_mean) {
    CHECK_EQ(str_distance(S("limit"), S("limit"), 9), 0);
    CHECK_EQ(str_distance(S("limti"), S("limit"), 9), 1);
    CHECK_EQ(str_distance(S("symbl"), S("symbol"), 9), 1);
    CHECK_EQ(str_distance(S(""), S("abc"), 9), 3);
    CHECK_EQ(str_distance(S("kitten"), S("sitting"), 9), 3);
    CHECK_EQ(str_distance(S("abcdef"), S("uvwxyz"), 4), 4);
}

TEST(copies_live_in_the_arena) {
    Arena a = { 0 };
    CHECK_STR(str_fmt(&a, "%s-%d", "x", 7), S("x-7"));
    CHECK_STR(str_upper(&a, S("aZ9")), S("AZ9"));
    CHECK_STR(str_lower(&a, S("aZ9")), S("az9"));
    CHECK_EQ(str_cz(&a, S("ab"))[2], '\0');
    arena_done(&a);
}

TESTS(T(next_splits_and_keeps_empty_parts), T(whole_numbers_refuse_rest_and_overflow), T(compare_and_search),
      T(distance_serves_did_you_mean), T(copies_live_in_the_arena))
