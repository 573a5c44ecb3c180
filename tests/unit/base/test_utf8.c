/* base/utf8: what is valid, and what replaces the rest. */

#include "base/utf8.h"

#include "lib/test.h"

TEST(every_code_point_goes_there_and_back) {
    for (uint32_t cp = 0; cp < 0x120000; cp++) {
        char p[UTF8_MAX];
        uint32_t back = ~cp;
        size_t n = utf8_encode(cp, p);
        bool valid = cp < 0xD800 || (cp > 0xDFFF && cp <= 0x10FFFF);
        if ((n > 0) != valid || (valid && (utf8_decode(p, n, &back) != n || back != cp)))
            FAIL("U+%04X", cp);
        for (size_t cut = 0; cut < n; cut++)
            if (utf8_decode(p, cut, NULL) != 0)
                FAIL("U+%04X cut to %zu", cp, cut);
    }
    CHECK_EQ(utf8_encode(UINT32_MAX, (char[UTF8_MAX]){ 0 }), 0);
}

/* Of all sequences of three bytes exactly the shortest forms of no surrogate are valid. */
TEST(nothing_else_is_valid) {
    size_t valid = 0;
    for (uint32_t v = 0; v < 1 << 24; v += v >> 23 ? 1 : 0x80) { /* lead bytes below 0x80 are not the question */
        char p[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };
        uint32_t cp;
        if (v >> 23 && utf8_decode(p, 3, &cp) == 3) {
            char again[UTF8_MAX];
            valid++;
            if (utf8_encode(cp, again) != 3 || memcmp(again, p, 3) != 0)
                FAIL("%06X", v);
        }
    }
    CHECK_EQ(valid, 0x10000 - 0x800 - 0x800);
}

TEST(bad_pieces_become_one_mark_each) {
    static const struct {
        const char *name;
        Str in, want;
        size_t valid;
    } rows[] = {
        { "empty", STR_INIT(""), STR_INIT(""), 0 },
        { "valid", STR_INIT("12345678\xC3\xA9"), STR_INIT("12345678\xC3\xA9"), 10 },
        { "a stray byte", STR_INIT("a\x80z"), STR_INIT("a\xEF\xBF\xBDz"), 1 },
        { "a cut sequence is one", STR_INIT("a\xF0\x9F\x98"), STR_INIT("a\xEF\xBF\xBD"), 1 },
        { "a cut one and text", STR_INIT("\xE2\x82z"), STR_INIT("\xEF\xBF\xBDz"), 0 },
        { "Unicode's example, table 3-8", STR_INIT("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
          STR_INIT(
              "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41"),
          0 },
        { "past U+10FFFF", STR_INIT("\xF4\x90\x80\x80"), STR_INIT("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"),
          0 },
    };
    Arena a = { 0 };
    EACH_ROW (r, rows) {
        CHECK_EQ(utf8_valid_size(r->in), r->valid);
        CHECK_EQ(utf8_valid(r->in), r->valid == r->in.n);
        CHECK_STR(utf8_clean(&a, r->in), r->want);
        CHECK(utf8_valid(utf8_clean(&a, r->in)));
    }
    arena_done(&a);
}

TEST(cutting_and_counting) {
    Str s = S("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };
    for (size_t n = 0; n < ARRAY_LEN(want); n++)
        CHECK_EQ(utf8_first(s, n).n, want[n]);
    CHECK_EQ(utf8_count(s), 4);
    CHECK_EQ(utf8_count((Str){ 0 }), 0);
    CHECK_EQ(utf8_count(S("\xFF\xFF")), 2);
}

TESTS(T(every_code_point_goes_there_and_back), T(nothing_else_is_valid), T(bad_pieces_become_one_mark_each),
      T(cutting_and_counting))
