/* adapters/article/look.c - see look.h. */

#include "adapters/article/look.h"

#include "adapters/article/rank.h"
#include "core/marks.h"
#include "core/words.h"

size_t look_words(const Article *a) {
    const Str texts[] = { a->title, a->summary, a->text };
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        WordReader r;
        Word w;
        words_init(&r, texts[i]);
        while (words_next(&r, &w))
            n++;
    }
    return n;
}

double look_occurrences(const QueryNode *t, const Article *a, double *weighed) {
    const Str texts[] = { a->title, a->summary, a->text };
    double n = 0;
    *weighed = 0;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (t->fields & 1u << i) {
            double k = (double)marks_count(t, texts[i]);
            n += k;
            *weighed += k * rank_weights[i];
        }
    return n;
}

bool look_matches(const QueryNode *n, const Article *a) {
    double w;
    switch (n->kind) {
    case QUERY_TERM:
        return look_occurrences(n, a, &w) > 0;
    case QUERY_AND:
        return look_matches(n->left, a) && look_matches(n->right, a);
    case QUERY_OR:
        return look_matches(n->left, a) || look_matches(n->right, a);
    default:
        return look_matches(n->left, a) && !look_matches(n->right, a);
    }
}

double look_bm25(const ParsedQuery *q, const double *idf, const Article *a, double words, double average) {
    double sum = 0, f;
    for (size_t t = 0; t < q->n_terms; t++) {
        look_occurrences(q->terms[t], a, &f);
        if (f > 0)
            sum += rank_term(idf[t], f, words, average);
    }
    return sum;
}

void look_marks(Ctx *cx, const ParsedQuery *q, const Article *a, ArticleHit *h) {
    enum { SNIPPET_WORDS = 40 };
    h->title_marked = marks_all(cx->arena, q, a->title, ARTICLE_IN_TITLE);
    h->snippet = marks_snippet(cx->arena, q, a->summary.n ? a->summary : a->text,
                               a->summary.n ? ARTICLE_IN_SUMMARY : ARTICLE_IN_TEXT, SNIPPET_WORDS);
    if (a->summary.n && a->text.n && str_find(h->snippet, S(MARK_BEGIN)) < 0)
        h->snippet = marks_snippet(cx->arena, q, a->text, ARTICLE_IN_TEXT, SNIPPET_WORDS);
}

bool look_corrects(const Article *was, const Article *now) {
    if (!str_eq(was->source, now->source) || article_same_words(was, now))
        return false;
    return now->text.n > 0 || was->text.n == 0 || !str_eq(was->title, now->title);
}
