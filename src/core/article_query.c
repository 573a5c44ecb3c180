/* core/article_query.c - see article_query.h.
 *
 * A descent over a few dozen tokens. Every step forward takes at least one byte, groups and NOTs are counted against
 * QUERY_DEPTH_MAX and terms against QUERY_TERMS_MAX, so the cost is bounded whatever is typed. */

#include "core/article_query.h"

#include "core/words.h"

typedef struct Parser {
    Ctx *cx;
    Str text;
    size_t at;
    int depth;
    size_t n_terms; /* kept and left out ones */
} Parser;

#define FAIL_AT(p, ...) err_set_at((p)->cx, ERR_INVALID, S("q"), __VA_ARGS__)

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static void skip_blanks(Parser *p) {
    while (p->at < p->text.n && is_blank(p->text.p[p->at]))
        p->at++;
}

/* Is the next thing this operator, as a word by itself? */
static bool at_word(const Parser *p, Str word) {
    Str rest = str_from(p->text, p->at);
    return str_starts(rest, word) && (rest.n == word.n || is_blank(rest.p[word.n]) || rest.p[word.n] == '(' ||
                                      rest.p[word.n] == ')' || rest.p[word.n] == '"');
}

static bool take_word(Parser *p, Str word) {
    if (!at_word(p, word))
        return false;
    p->at += word.n;
    return true;
}

static QueryNode *node(Parser *p, QueryKind kind, QueryNode *left, QueryNode *right) {
    QueryNode *n = arena_new(p->cx->arena, QueryNode);
    *n = (QueryNode){ .kind = kind, .left = left, .right = right };
    return n;
}

/* --- terms --- */

static unsigned take_field(Parser *p) {
    static const struct {
        Str name;
        unsigned field;
    } fields[] = { { STR_INIT("title:"), ARTICLE_IN_TITLE },
                   { STR_INIT("summary:"), ARTICLE_IN_SUMMARY },
                   { STR_INIT("text:"), ARTICLE_IN_TEXT } };
    Str rest = str_from(p->text, p->at);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (rest.n >= fields[i].name.n && str_eq_nocase(str_first(rest, fields[i].name.n), fields[i].name)) {
            p->at += fields[i].name.n;
            return fields[i].field;
        }
    return ARTICLE_IN_ALL;
}

/* A quoted piece, or one up to the next blank or bracket. A quotation that is not closed goes to the end. */
static Str take_chunk(Parser *p, bool *quoted) {
    size_t from = p->at;
    *quoted = p->at < p->text.n && p->text.p[p->at] == '"';
    if (*quoted) {
        from = ++p->at;
        while (p->at < p->text.n && p->text.p[p->at] != '"')
            p->at++;
        Str s = str_first(str_from(p->text, from), p->at - from);
        p->at += p->at < p->text.n;
        return s;
    }
    while (p->at < p->text.n && !is_blank(p->text.p[p->at]) && !strchr("()\"", p->text.p[p->at]))
        p->at += 1;
    return str_first(str_from(p->text, from), p->at - from);
}

static int check_prefix(Parser *p, const QueryNode *n, Str chunk) {
    if (!n->prefix || n->words[n->n_words - 1].n >= QUERY_PREFIX_MIN)
        return 0;
    return FAIL_AT(p, "'" STR_FMT "' begins too many words: at least %d letters before a *", STR_ARG(chunk),
                   QUERY_PREFIX_MIN);
}

/* *out NULL: there was no word in it. */
static int take_term(Parser *p, QueryNode **out) {
    unsigned fields = take_field(p);
    bool quoted;
    Str chunk = take_chunk(p, &quoted);
    QueryNode *n = node(p, QUERY_TERM, NULL, NULL);
    WordReader r;
    Word w;
    size_t end = 0;
    n->fields = fields;
    n->words = arena_new_n(p->cx->arena, Str, QUERY_PHRASE_MAX);
    words_init(&r, chunk);
    *out = NULL;
    while (words_next(&r, &w)) {
        if (n->n_words == QUERY_PHRASE_MAX)
            return FAIL_AT(p, "a phrase has at most %d words", QUERY_PHRASE_MAX);
        n->words[n->n_words++] = str_dup(p->cx->arena, word_str(&w));
        end = w.end;
    }
    if (n->n_words == 0)
        return 0;
    n->prefix = end < chunk.n && chunk.p[end] == '*';
    if (++p->n_terms > QUERY_TERMS_MAX)
        return FAIL_AT(p, "a query has at most %d words and phrases", QUERY_TERMS_MAX);
    *out = n;
    return check_prefix(p, n, chunk);
}

/* --- groups --- */

static int take_or(Parser *p, QueryNode **out);

/* Something in brackets, or a term; *out NULL when nothing is in it. */
static int take_one(Parser *p, QueryNode **out) {
    if (p->text.p[p->at] != '(')
        return take_term(p, out);
    p->at++;
    if (++p->depth > QUERY_DEPTH_MAX)
        return FAIL_AT(p, "a query has at most %d brackets within brackets", QUERY_DEPTH_MAX);
    int r = take_or(p, out);
    if (r)
        return r;
    p->depth--;
    if (p->at == p->text.n)
        return FAIL_AT(p, "a bracket is opened and not closed");
    p->at++;
    return 0;
}

static void join(Parser *p, QueryKind kind, QueryNode **to, QueryNode *more) {
    if (more)
        *to = *to ? node(p, kind, *to, more) : more;
}

/* Words beside each other; what is left out is put together behind them. */
static int take_and(Parser *p, QueryNode **out) {
    QueryNode *kept = NULL, *without = NULL, *one = NULL;
    bool wanted = false;
    for (skip_blanks(p); p->at < p->text.n && p->text.p[p->at] != ')' && !at_word(p, S("OR")); skip_blanks(p)) {
        size_t from = p->at;
        if (take_word(p, S("AND"))) {
            wanted = true;
            continue;
        }
        bool not = take_word(p, S("NOT"));
        skip_blanks(p);
        if (!not &&p->text.p[p->at] == '-' && p->at + 1 < p->text.n && !is_blank(p->text.p[p->at + 1])) {
            not = true;
            p->at++;
        }
        if (p->at == p->text.n || p->text.p[p->at] == ')')
            return FAIL_AT(p, "NOT wants a word behind it");
        int r = take_one(p, &one);
        if (r)
            return r;
        assert(p->at > from);
        join(p, not ? QUERY_OR : QUERY_AND, not ? &without : &kept, one);
        wanted = false;
    }
    if (wanted)
        return FAIL_AT(p, "AND wants a word on both sides");
    if (!kept && without)
        return FAIL_AT(p, "a query that only leaves words out finds nothing: name one to look for");
    *out = kept;
    if (kept && without)
        *out = node(p, QUERY_NOT, kept, without);
    return 0;
}

static int take_or(Parser *p, QueryNode **out) {
    QueryNode *all = NULL, *one = NULL;
    bool more = true;
    while (more) {
        int r = take_and(p, &one);
        if (r)
            return r;
        more = take_word(p, S("OR"));
        if (!one && (more || all))
            return FAIL_AT(p, "OR wants a word on both sides");
        join(p, QUERY_OR, &all, one);
    }
    *out = all;
    return 0;
}

static void collect(const QueryNode *n, ParsedQuery *out) {
    if (n->kind == QUERY_TERM) {
        out->terms[out->n_terms++] = n;
        return;
    }
    collect(n->left, out);
    if (n->kind != QUERY_NOT)
        collect(n->right, out);
}

int article_query_parse(Ctx *cx, Str text, ParsedQuery *out) {
    Parser p = { .cx = cx, .text = text };
    *out = (ParsedQuery){ 0 };
    if (text.n > QUERY_TEXT_MAX)
        return FAIL_AT(&p, "a query has at most %d bytes", QUERY_TEXT_MAX);
    int r = take_or(&p, &out->root);
    if (r)
        return r;
    if (p.at < text.n)
        return FAIL_AT(&p, "a bracket is closed and was not opened");
    if (!out->root)
        return FAIL_AT(&p, "there is no word in '" STR_FMT "' to look for", STR_ARG(text));
    collect(out->root, out);
    return 0;
}
