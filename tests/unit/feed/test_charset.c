/* Character sets: told by server or document, seen in the bytes, or guessed (NWS-17). */

#include "test.h"

#include "feed/charset.h"
#include "feed/guess.h"

typedef struct Row {
    const char *name, *content_type;
    const char *bytes;
    size_t n;
    const char *encoding, *part; /* of the text */
    bool other;
} Row;
#define BYTES(s) (s), sizeof(s) - 1

TEST(the_best_witness_is_believed) {
    static const Row rows[] = {
        { "nothing said", NULL, BYTES("<rss>caf\xc3\xa9"), "utf-8", "café", false },
        { "not what it is", NULL, BYTES("<rss>caf\xe9"), "windows-1252", "café", true },
        { "declared", NULL, BYTES("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9"), "iso-8859-1", "é", false },
        { "a byte order mark", NULL, BYTES("\xef\xbb\xbf<a>\xc3\xa9"), "utf-8", "<a>é", false },
        { "UTF-16 by its mark", NULL, BYTES("\xff\xfe<\0a\0>\0\xe9\0"), "utf-16le", "<a>é", false },
        { "UTF-16 by its look", NULL, BYTES("\0<\0?\0x\0>\0\xe9"), "utf-16be", "<?x>é", false },
        { "EBCDIC", NULL, BYTES("\x4c\x6f\xa7\x94\x93\x6f\x6e"), "cp037", "<?xml?>", false },
        { "a mark of UTF-16 before what is none", NULL, BYTES("\xff\xfe<a>caf\xc3\xa9</a>"), "utf-8", "<a>café",
          false },
        { "HZ", NULL, BYTES("<?xml encoding='HZ-GB-2312'?>\na~~b~{VPND~}c~\nd"), "hz-gb-2312", "a~b中文cd", false },
        { "HZ that is none", NULL, BYTES("<?xml encoding='hz'?>a~{V"), "utf-8", "a~{V", true },
        { "Japanese in seven bits", NULL, BYTES("<?xml encoding='ISO-2022-JP-1'?>\033$BF|\033(B"), "iso-2022-jp-1",
          "日", false },
        { "gb2312 is gb18030", NULL, BYTES("<?xml encoding='gb2312'?>\xd6\xd0"), "gb18030", "中", false },
        { "the server first", "text/xml; charset=\"koi8-r\"", BYTES("<?xml encoding='utf-8'?>\xd4\xc5\xd3\xd4"),
          "koi8-r", "тест", false },
        { "a server that is wrong", "text/xml; charset=utf-16", BYTES("<?xml encoding='utf-8'?>caf\xc3\xa9"), "utf-8",
          "café", true },
        { "a name nobody knows", NULL, BYTES("<?xml encoding='x-none'?>caf\xc3\xa9"), "utf-8", "café", true },
    };
    EACH_ROW (r, rows) {
        Arena a = { 0 };
        FeedHints hints = { .has_http = r->content_type != NULL, .content_type = str_c(r->content_type) };
        CharsetText got;
        CHECK_EQ(charset_read(&a, str_n(r->bytes, r->n), &hints, 1000, &got), 0);
        CHECK_STR(got.encoding, str_c(r->encoding));
        CHECK(str_find(got.text, str_c(r->part)) >= 0);
        CHECK_EQ(got.other, r->other);
        arena_done(&a);
    }
}

TEST(text_of_other_scripts_is_guessed) {
    static const Row rows[] = {
        { "Russian", NULL,
          BYTES("\xf2\xd9\xce\xcf\xcb \xd2\xc1\xd3\xd4\xa3\xd4 \xd5\xd6\xc5 \xd4\xd2\xc5\xd4\xc9\xca \xc4\xc5\xce\xd8"),
          "koi8-r", NULL, false },
        { "Russian of Windows", NULL,
          BYTES("\xd0\xfb\xed\xee\xea \xf0\xe0\xf1\xf2\xb8\xf2 \xf3\xe6\xe5 \xf2\xf0\xe5\xf2\xe8\xe9 \xe4\xe5\xed\xfc"),
          "windows-1251", NULL, false },
        { "Japanese", NULL, BYTES("\xa5\xd3\xa5\xc3\xa5\xc8\xa5\xb3\xa5\xa4\xa5\xf3\xa4\xac\xbe\xe5\xbe\xba"), "euc-jp",
          NULL, false },
        { "Japanese of Windows", NULL,
          BYTES("\x83\x72\x83\x62\x83\x67\x83\x52\x83\x43\x83\x93\x82\xaa\x8f\xe3\x8f\xb8"), "shift_jis", NULL, false },
        { "Korean", NULL, BYTES("\xba\xf1\xc6\xae\xc4\xda\xc0\xce \xb0\xa1\xb0\xdd \xbb\xf3\xbd\xc2"), "euc-kr", NULL,
          false },
        { "Thai", NULL,
          BYTES("\xc3\xd2\xa4\xd2\xb7\xcd\xa7\xa4\xd3\xc7\xd1\xb9\xb9\xd5\xe9\xbb\xc3\xd1\xba\xc5\xb4\xc5\xa7\xca\xcd"
                "\xa7\xc3\xe9\xcd\xc2\xba\xd2\xb7"),
          "tis-620", NULL, false },
        { "Russian of old Macintoshes", NULL,
          BYTES("\x90\xfb\xed\xee\xea \xe7\xe0\xea\xf0\xfb\xeb\xf1\xdf \xe2\xfb\xf8\xe5 \xf3\xf0\xee\xe2\xed\xdf. "
                "\x84\xee\xeb\xdf \x9f\xea\xf3\xf2\xe8\xe8 \xf0\xe0\xf1\xf2\xde\xf2"),
          "mac-cyrillic", NULL, false },
        { "French is not", NULL, BYTES("le march\xe9 a mont\xe9 de dix pour cent cet \xe9t\xe9"), "", NULL, false },
    };
    EACH_ROW (r, rows)
        CHECK_STR(charset_guess(str_n(r->bytes, r->n)), str_c(r->encoding));
}

TEST(size_has_a_limit) {
    Arena a = { 0 };
    CharsetText got;
    FeedHints hints = { 0 };
    CHECK_EQ(charset_read(&a, S("0123456789"), &hints, 10, &got), 0);
    CHECK_EQ(charset_read(&a, S("0123456789a"), &hints, 10, &got), ERR_TOO_LARGE);
    CHECK_EQ(charset_read(&a,
                          S("\xff\xfe"
                            "\xac\x20\xac\x20\xac\x20\xac\x20"),
                          &hints, 10, &got),
             ERR_TOO_LARGE);
    arena_done(&a);
}

TESTS(T(the_best_witness_is_believed), T(text_of_other_scripts_is_guessed), T(size_has_a_limit))
