/* core/marks.c - see marks.h. */

#include "core/marks.h"

#include "base/buf.h"
#include "core/words.h"

/* A sliding window of as many words as a phrase may have: matching needs no list of all words of a text. */
typedef struct Window {
    WordReader reader;
    Word words[QUERY_PHRASE_MAX];
    size_t first, n; /* ring */
    bool over;
} Window;

static void fill(Window *w) {
    while (!w->over && w->n < QUERY_PHRASE_MAX) {
        w->over = !words_next(&w->reader, &w->words[(w->first + w->n) % QUERY_PHRASE_MAX]);
        w->n += !w->over;
    }
}

static const Word *word_at(const Window *w, size_t i) {
    return i < w->n ? &w->words[(w->first + i) % QUERY_PHRASE_MAX] : NULL;
}

static void step(Window *w, size_t n) {
    w->first = (w->first + n) % QUERY_PHRASE_MAX;
    w->n -= n;
    fill(w);
}

static bool matches(const QueryNode *t, const Window *w) {
    for (size_t i = 0; i < t->n_words; i++) {
        const Word *have = word_at(w, i);
        if (!have)
            return false;
        bool last = t->prefix && i + 1 == t->n_words;
        if (last ? !str_starts(word_str(have), t->words[i]) : !str_eq(word_str(have), t->words[i]))
            return false;
    }
    return true;
}

size_t marks_count(const QueryNode *term, Str text) {
    Window w = { .reader = { .text = text } };
    size_t n = 0;
    for (fill(&w); w.n; step(&w, 1))
        n += matches(term, &w);
    return n;
}

typedef struct Found { /* bytes [from, to) of the text, and the number of the word it begins with */
    size_t from, to, word;
} Found;

/* The longest term of the field at this place; 0 none, else how many words it has. */
static size_t longest(const ParsedQuery *q, unsigned field, const Window *w) {
    size_t best = 0;
    for (size_t i = 0; i < q->n_terms; i++)
        if ((q->terms[i]->fields & field) && q->terms[i]->n_words > best && matches(q->terms[i], w))
            best = q->terms[i]->n_words;
    return best;
}

enum { FOUND_MAX = 512 };

static size_t find_all(const ParsedQuery *q, Str text, unsigned field, Found *out) {
    Window w = { .reader = { .text = text } };
    size_t n = 0, at = 0;
    fill(&w);
    while (w.n && n < FOUND_MAX) {
        size_t words = longest(q, field, &w);
        if (words)
            out[n++] = (Found){ word_at(&w, 0)->at, word_at(&w, words - 1)->end, at };
        at += MAX(words, (size_t)1);
        step(&w, MAX(words, (size_t)1));
    }
    return n;
}

static Str marked(Arena *a, Str text, size_t from, size_t to, const Found *v, size_t n, bool dots) {
    Buf b;
    buf_init(&b, text.n + n * 6 + 16);
    if (dots && from > 0)
        BUF_LIT(&b, "… ");
    for (size_t i = 0; i < n; i++) {
        if (v[i].from < from || v[i].to > to)
            continue;
        buf_put(&b, text.p + from, v[i].from - from);
        BUF_LIT(&b, MARK_BEGIN);
        buf_put(&b, text.p + v[i].from, v[i].to - v[i].from);
        BUF_LIT(&b, MARK_END);
        from = v[i].to;
    }
    buf_put(&b, text.p ? text.p + from : "", to - from);
    if (dots && to < text.n)
        BUF_LIT(&b, " …");
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

Str marks_all(Arena *a, const ParsedQuery *q, Str text, unsigned field) {
    Found *v = arena_alloc(a, FOUND_MAX * sizeof *v);
    size_t n = find_all(q, text, field, v);
    return n ? marked(a, text, 0, text.n, v, n, false) : text;
}

/* The start of the window of `words` words with most found ones in it, a few words before its first. */
static size_t densest(const Found *v, size_t n, size_t words) {
    enum { BEFORE = 4 };
    size_t best = 0, most = 0;
    for (size_t i = 0, k = 0; i < n; i++) {
        while (k < n && v[k].word < v[i].word + words - MIN(words / 2, (size_t)BEFORE))
            k++;
        if (k - i > most) {
            most = k - i;
            best = i;
        }
    }
    return n && v[best].word > BEFORE ? v[best].word - BEFORE : 0;
}

Str marks_snippet(Arena *a, const ParsedQuery *q, Str text, unsigned field, size_t words) {
    Found *v = arena_alloc(a, FOUND_MAX * sizeof *v);
    size_t n = find_all(q, text, field, v), start = densest(v, n, words), at = 0;
    size_t from = 0, to = text.n;
    WordReader r;
    Word w;
    words_init(&r, text);
    while (words_next(&r, &w)) {
        if (at == start && start > 0)
            from = w.at;
        if (at == start + words) {
            to = w.at;
            break;
        }
        at++;
    }
    while (to > from && to < text.n && (text.p[to - 1] == ' ' || text.p[to - 1] == '\n'))
        to--;
    return marked(a, text, from, to, v, n, true);
}
