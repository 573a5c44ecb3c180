/* core/words, core/article, core/article_url, core/marks: what every reader of an article agrees on (NWS-13, NWS-17). */

#include "core/article.h"
#include "core/article_url.h"
#include "core/marks.h"
#include "core/words.h"
#include "lib/test.h"

static Str cut(Arena *a, const char *text) { /* words with '|' between them */
    WordReader r;
    Word w;
    Str out = { 0 };
    words_init(&r, str_c(text));
    while (words_next(&r, &w)) {
        /* a word lies where it says */
        if (w.at >= w.end || w.end > strlen(text) || w.n == 0 || w.n > WORD_MAX)
            FAIL("a word at %zu..%zu of %zu bytes", w.at, w.end, w.n);
        out = out.n ? str_fmt(a, STR_FMT "|" STR_FMT, STR_ARG(out), STR_ARG(word_str(&w))) : str_dup(a, word_str(&w));
    }
    return out;
}

TEST(texts_are_cut_into_folded_words) {
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "blanks and signs", "  Bitcoin, ETF; (approved)!", "bitcoin|etf|approved" },
        { "numbers keep their point", "up 3.5% to 1,234.50 in Q3.", "up|3.5|to|1234.50|in|q3" },
        { "a point behind a word ends it", "U.S. stocks", "u|s|stocks" },
        { "apostrophes", "don't O\xE2\x80\x99Neil's bitcoin's 'quoted'", "don't|o'neil|bitcoin|quoted" },
        { "accents", "Café São ÉTÉ Đồng Łódź", "cafe|sao|ete|dong|lodz" },
        { "accents as signs of their own", "Cafe\xCC\x81", "cafe" },
        { "Greek and Cyrillic", "ΑΒΓΣς Биткоин ЁЖ", "αβγσσ|биткоин|ёж" },
        { "ideographs are words", "比特币ETF", "比|特|币|etf" },
        { "full width", "ＢＴＣ１", "btc1" },
        { "hyphens separate", "all-time-high", "all|time|high" },
        { "broken UTF-8 separates",
          "a\xFF"
          "b\xC3",
          "a|b" },
        { "letters of their own stay", "Ærø ßtraße", "æro|ßtraße" },
        { "nothing", " \t…—", "" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows)
        CHECK_STR(cut(&t.arena, r->text), str_c(r->want));
    test_ctx_done(&t);
}

TEST(long_words_are_cut_at_a_sign) {
    char text[400];
    WordReader r;
    Word w;
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xCE\xB1", 2); /* alpha */
    words_init(&r, str_n(text, sizeof text));
    CHECK(words_next(&r, &w));
    CHECK_EQ(w.n, WORD_MAX);
    CHECK_EQ(w.end, sizeof text);
    CHECK(!words_next(&r, &w));
}

TEST(addresses_have_one_form) {
    static const struct {
        const char *name, *url, *want;
    } rows[] = {
        { "plain", "https://news.example/a/b", "https://news.example/a/b" },
        { "tracking goes, the rest is ordered", "HTTPS://WWW.News.Example:443/a/?utm_source=rss&b=2&fbclid=x&a=1#top",
          "https://news.example/a?a=1&b=2" },
        { "only tracking", "http://news.example/a?utm_medium=rss&gclid=1", "https://news.example/a" },
        { "another port stays", "http://news.example:8080/", "https://news.example:8080" },
        { "user and password go", "https://me:secret@news.example/a", "https://news.example/a" },
        { "dot segments", "https://news.example/a/./b/../c//d", "https://news.example/a/c/d" },
        { "no way above the root", "https://news.example/../../a", "https://news.example/a" },
        { "escapes", "https://news.example/%7euser/%e2%82%ac x", "https://news.example/~user/%E2%82%AC%20x" },
        { "a parameter without a value", "https://news.example/?p=12&amp", "https://news.example?amp&p=12" },
        { "not the web", "ftp://news.example/a", NULL },
        { "no host", "https:///a", NULL },
        { "nothing", "", NULL },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Str out = S("untouched");
        bool good = article_url_canonical(&t.arena, str_c(r->url), &out);
        CHECK_EQ(good, r->want != NULL);
        CHECK_STR(out, r->want ? str_c(r->want) : S("untouched"));
        Str again;
        CHECK(!good || (article_url_canonical(&t.arena, out, &again) && str_eq(again, out)));
    }
    test_ctx_done(&t);
}

TEST(ids_follow_the_address_then_the_guid_then_the_words) {
    char a[ARTICLE_ID_SIZE], b[ARTICLE_ID_SIZE];
    Article one = { .url = S("https://x.example/1"), .guid = S("g"), .source = S("s"), .title = S("t") }, two = one;
    two.source = S("other");
    two.guid = S("h");
    two.title = S("u");
    article_id(&one, a);
    article_id(&two, b);
    CHECK(memcmp(a, b, sizeof a) == 0);
    CHECK(article_id_valid(str_n(a, sizeof a)));
    one.url = two.url = (Str){ 0 };
    article_id(&one, a);
    article_id(&two, b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    two.guid = one.guid;
    two.source = one.source;
    article_id(&two, b);
    CHECK(memcmp(a, b, sizeof a) == 0);
    one.guid = two.guid = (Str){ 0 };
    article_id(&one, a);
    article_id(&two, b);
    CHECK(memcmp(a, b, sizeof a) != 0); /* other titles */
    CHECK(!article_id_valid(S("ABCDEF0123456789ABCDEF0123456789")));
}

TEST(articles_are_made_fit_to_be_stored) {
    TestCtx t;
    test_ctx_init(&t);
    Str names[40];
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        names[i] = str_fmt(&t.arena, "name %zu", i);
    names[1] = S("NAME 0");
    names[2] = S("  ");
    char *big = arena_alloc(&t.arena, ARTICLE_TITLE_MAX + 1);
    memset(big, 'x', ARTICLE_TITLE_MAX - 1);
    memcpy(big + ARTICLE_TITLE_MAX - 1, "\xC3\xA9", 2); /* a sign that would be cut in two */
    Article a = { .source = S("s"),
                  .title = str_n(big, ARTICLE_TITLE_MAX + 1),
                  .summary = S("  two \t words\x01 \xEE\x80\x80 marked\n\nlines "),
                  .text = S("para one\n\npara two\nstill two"),
                  .language = S("EN-us"),
                  .authors = { names, ARRAY_LEN(names) } };
    article_clip(&a, &t.arena);
    CHECK_EQ(a.title.n, ARTICLE_TITLE_MAX - 1);
    CHECK_STR(a.summary, S("two words marked\nlines"));
    CHECK_STR(a.text, S("para one\npara two still two"));
    CHECK_STR(a.language, S("en-us"));
    CHECK_EQ(a.authors.n, ARTICLE_LIST_MAX);
    CHECK_STR(a.authors.v[1], S("name 3")); /* NAME 0 was there, the blank one goes */
    CHECK(article_id_valid(a.id));
    test_ctx_done(&t);
}

static Str shown(Arena *a, Str marked) { /* marks as brackets */
    Str out = { 0 };
    for (size_t i = 0; i < marked.n; i++) {
        Str rest = str_from(marked, i);
        bool mark = str_starts(rest, S(MARK_BEGIN)) || str_starts(rest, S(MARK_END));
        out = str_fmt(a, STR_FMT STR_FMT, STR_ARG(out),
                      STR_ARG(mark ? (str_starts(rest, S(MARK_BEGIN)) ? S("[") : S("]")) : str_first(rest, 1)));
        i += mark ? 2 : 0;
    }
    return out;
}

TEST(found_words_are_marked) {
    static const struct {
        const char *name, *query, *text, *want;
    } rows[] = {
        { "words", "bitcoin falls", "Bitcoin's price falls; BITCOIN fell",
          "[Bitcoin's] price [falls]; [BITCOIN] fell" },
        { "a phrase only as a whole", "\"interest rate\"", "interest and Interest-rate cut",
          "interest and [Interest-rate] cut" },
        { "a beginning", "regul*", "the regulator regulates", "the [regulator] [regulates]" },
        { "what is left out is not marked", "a -b", "a b", "[a] b" },
        { "accents", "cafe", "un Café!", "un [Café]!" },
        { "another field", "title:bitcoin", "bitcoin", "bitcoin" },
        { "nothing found", "zzz", "as it was", "as it was" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        ParsedQuery q;
        CHECK_OK(&t.cx, article_query_parse(&t.cx, str_c(r->query), &q));
        CHECK_STR(shown(&t.arena, marks_all(&t.arena, &q, str_c(r->text), ARTICLE_IN_TEXT)), str_c(r->want));
    }
    test_ctx_done(&t);
}

TEST(a_snippet_shows_where_the_words_stand_closest) {
    TestCtx t;
    test_ctx_init(&t);
    ParsedQuery q;
    CHECK_OK(&t.cx, article_query_parse(&t.cx, S("rate cut"), &q));
    Str text = S("one rate two three four five six seven eight nine ten eleven the rate cut came twelve thirteen "
                 "fourteen fifteen sixteen seventeen");
    CHECK_STR(shown(&t.arena, marks_snippet(&t.arena, &q, text, ARTICLE_IN_TEXT, 8)),
              S("… nine ten eleven the [rate] [cut] came twelve …"));
    CHECK_STR(shown(&t.arena, marks_snippet(&t.arena, &q, S("no such words here at all, really none of them"),
                                            ARTICLE_IN_TEXT, 5)),
              S("no such words here at …"));
    CHECK_EQ(marks_count(q.terms[0], text), 2);
    test_ctx_done(&t);
}

TESTS(T(texts_are_cut_into_folded_words), T(long_words_are_cut_at_a_sign), T(addresses_have_one_form),
      T(ids_follow_the_address_then_the_guid_then_the_words), T(articles_are_made_fit_to_be_stored),
      T(found_words_are_marked), T(a_snippet_shows_where_the_words_stand_closest))
