/* core/article_query: what people type to find articles (NWS-12). */

#include "core/article_query.h"
#include "lib/test.h"

static Str show(Arena *a, const QueryNode *n) {
    if (n->kind != QUERY_TERM)
        return str_fmt(a, "(" STR_FMT " %s " STR_FMT ")", STR_ARG(show(a, n->left)),
                       n->kind == QUERY_AND  ? "&"
                       : n->kind == QUERY_OR ? "|"
                                             : "-",
                       STR_ARG(show(a, n->right)));
    Str out = n->fields == ARTICLE_IN_TITLE ? S("t:") : n->fields == ARTICLE_IN_SUMMARY ? S("s:") : (Str){ 0 };
    for (size_t i = 0; i < n->n_words; i++)
        out = str_fmt(a, STR_FMT "%s" STR_FMT, STR_ARG(out), i ? "_" : "", STR_ARG(n->words[i]));
    return n->prefix ? str_fmt(a, STR_FMT "*", STR_ARG(out)) : out;
}

TEST(queries_become_trees) {
    static const struct {
        const char *name, *text, *want;
        size_t n_terms;
    } rows[] = {
        { "one word", "Bitcoin", "bitcoin", 1 },
        { "two words", " bitcoin  etf ", "(bitcoin & etf)", 2 },
        { "a phrase", "\"Interest  Rate\" cut", "(interest_rate & cut)", 2 },
        { "a phrase that is not closed", "\"interest rate", "interest_rate", 1 },
        { "signs inside a word make a phrase", "BTC/USDT", "btc_usdt", 1 },
        { "a beginning", "regulat*", "regulat*", 1 },
        { "or binds less than and", "a b OR c d", "((a & b) | (c & d))", 4 },
        { "and may be said", "a AND b", "(a & b)", 2 },
        { "small or is a word", "a or b", "((a & or) & b)", 3 },
        { "left out", "bitcoin -etf", "(bitcoin - etf)", 1 },
        { "left out, said", "NOT etf bitcoin NOT \"spot price\"", "(bitcoin - (etf | spot_price))", 1 },
        { "brackets", "(a OR b) -(c d)", "((a | b) - (c & d))", 2 },
        { "fields", "title:halving Summary:\"rate cut\" text:x", "((t:halving & s:rate_cut) & x)", 3 },
        { "signs alone are nothing", "a & b !!", "(a & b)", 2 },
        { "what SQL and FTS5 would hear is only words", "a'; DROP--\"x\" NEAR(b, 2) ^c {d e}:f",
          "(((((((a & drop) & x) & near) & (b & 2)) & c) & d) & e_f)", 9 },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        ParsedQuery q;
        CHECK_OK(&t.cx, article_query_parse(&t.cx, str_c(r->text), &q));
        CHECK_STR(show(&t.arena, q.root), str_c(r->want));
        CHECK_EQ(q.n_terms, r->n_terms);
    }
    test_ctx_done(&t);
}

TEST(what_makes_no_sense_is_refused_with_words) {
    static const struct {
        const char *name, *text, *says;
    } rows[] = {
        { "nothing", "", "no word" },
        { "blanks", "  \t ", "no word" },
        { "signs", "&&& ()", "no word" },
        { "only left out", "-bitcoin", "only leaves" },
        { "or without a side", "bitcoin OR", "both sides" },
        { "or at the start", "OR bitcoin", "both sides" },
        { "and at the end", "bitcoin AND", "both sides" },
        { "not at the end", "bitcoin NOT ", "NOT wants" },
        { "not closed", "(bitcoin", "not closed" },
        { "not opened", "bitcoin)", "not opened" },
        { "too short a beginning", "b*", "at least 2" },
        { "too deep", "((((((((((((((((((a))))))))))))))))))", "at most 16" },
        { "too many words", "a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7", "at most 32" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        ParsedQuery q;
        CHECK_EQ(article_query_parse(&t.cx, str_c(r->text), &q), ERR_INVALID);
        CHECK(strstr(t.cx.err.text, r->says) != NULL);
        CHECK_STR(str_c(t.cx.err.field), S("q"));
    }
    test_ctx_done(&t);
}

TEST(length_is_bounded_on_both_sides) {
    TestCtx t;
    test_ctx_init(&t);
    char text[QUERY_TEXT_MAX + 1];
    memset(text, 'a', sizeof text);
    ParsedQuery q;
    CHECK_OK(&t.cx, article_query_parse(&t.cx, str_n(text, QUERY_TEXT_MAX), &q));
    CHECK_EQ(article_query_parse(&t.cx, str_n(text, QUERY_TEXT_MAX + 1), &q), ERR_INVALID);
    memset(text, ' ', sizeof text);
    for (size_t i = 0; i < QUERY_PHRASE_MAX * 2; i += 2)
        text[i + 1] = 'a';
    text[0] = '"';
    CHECK_OK(&t.cx, article_query_parse(&t.cx, str_n(text, QUERY_PHRASE_MAX * 2), &q));
    text[QUERY_PHRASE_MAX * 2 + 1] = 'a';
    CHECK_EQ(article_query_parse(&t.cx, str_n(text, QUERY_PHRASE_MAX * 2 + 2), &q), ERR_INVALID);
    test_ctx_done(&t);
}

TESTS(T(queries_become_trees), T(what_makes_no_sense_is_refused_with_words), T(length_is_bounded_on_both_sides))
