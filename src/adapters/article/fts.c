/* adapters/article/fts.c - see fts.h. */

#include "adapters/article/fts.h"

#include "adapters/article/rank.h"
#include "core/words.h"

#include <sqlite3.h>

typedef int TokenFn(void *ctx, int flags, const char *token, int n, int from, int to);

/* --- the tokenizer --- */

static int tokenizer_new(void *user, const char **args, int n_args, Fts5Tokenizer **out) {
    UNUSED(args);
    UNUSED(n_args);
    *out = user; /* the same for all tables: it has no state but the count */
    return SQLITE_OK;
}

static void tokenizer_delete(Fts5Tokenizer *t) {
    UNUSED(t);
}

static int cut_verbatim(void *ctx, Str text, TokenFn *token) {
    Str rest = str_from(text, 1), word;
    while (str_next(&rest, FTS_VERBATIM[0], &word)) {
        int at = (int)(word.p - text.p);
        int rc = word.n ? token(ctx, 0, word.p, (int)word.n, at, at + (int)word.n) : SQLITE_OK;
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

static int tokenize(Fts5Tokenizer *t, void *ctx, int flags, const char *p, int n, TokenFn *token) {
    FtsUser *user = (FtsUser *)(void *)t;
    Str text = str_n(p, (size_t)n);
    UNUSED(flags);
    if (str_starts(text, S(FTS_VERBATIM)))
        return cut_verbatim(ctx, text, token);
    WordReader r;
    Word w;
    words_init(&r, text);
    while (words_next(&r, &w)) {
        int rc = token(ctx, 0, w.text, (int)w.n, (int)w.at, (int)w.end);
        if (rc != SQLITE_OK)
            return rc;
        user->n_words++;
    }
    return SQLITE_OK;
}

/* --- the rank --- */

/* Occurrences of a phrase in the row at hand, each worth the weight of its place. */
static double weigh(const Fts5ExtensionApi *api, Fts5Context *fts, int phrase) {
    Fts5PhraseIter it;
    int column, at;
    double f = 0;
    if (api->xPhraseFirst(fts, phrase, &it, &column, &at) != SQLITE_OK)
        return 0;
    for (; column >= 0; api->xPhraseNext(fts, &it, &column, &at))
        f += column < RANK_PLACES ? rank_weights[column] : 0;
    return f;
}

static void rank_row(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *out, int n, sqlite3_value **v) {
    const FtsRank *r = ((FtsUser *)api->xUserData(fts))->rank;
    Doc doc = docs_get(r->docs, api->xRowid(fts));
    double sum = 0;
    UNUSED(n);
    UNUSED(v);
    assert(api->xPhraseCount(fts) == r->n_phrases);
    for (int i = 0; i < r->n_phrases; i++) {
        double f = r->idf[i] > 0 ? weigh(api, fts, i) : 0;
        if (f > 0)
            sum += rank_term(r->idf[i], f, doc.words, r->average);
    }
    sqlite3_result_double(out, sum);
}

int fts_register(Db *db, Ctx *cx, FtsUser *user) {
    fts5_api *api = NULL;
    sqlite3_stmt *st = NULL;
    fts5_tokenizer t = { .xCreate = tokenizer_new, .xDelete = tokenizer_delete, .xTokenize = tokenize };
    if (sqlite3_prepare_v2(db->handle, "SELECT fts5(?1)", -1, &st, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
        sqlite3_step(st);
    }
    sqlite3_finalize(st);
    if (!api)
        return err_set(cx, ERR_UNSUPPORTED, "this SQLite (%s) was built without FTS5, which the news store needs",
                       sqlite3_libversion());
    if (api->xCreateTokenizer(api, "finsight_words", user, &t, NULL) != SQLITE_OK ||
        api->xCreateFunction(api, "news_rank", user, rank_row, NULL) != SQLITE_OK)
        return db_fail(db, cx, "set up its search");
    return 0;
}

/* --- expressions --- */

static void put_fields(Buf *b, unsigned fields) {
    if (fields == ARTICLE_IN_ALL)
        return; /* words of the column `tags` begin with a sign of their own: no need to leave it out */
    buf_printf(b, "{%s%s%s} : ", fields & ARTICLE_IN_TITLE ? "title " : "",
               fields & ARTICLE_IN_SUMMARY ? "summary " : "", fields & ARTICLE_IN_TEXT ? "text" : "");
}

void fts_put_term(Buf *b, const QueryNode *t) {
    put_fields(b, t->fields);
    buf_put_c(b, '"');
    for (size_t i = 0; i < t->n_words; i++) {
        BUF_LIT(b, FTS_VERBATIM);
        buf_put_str(b, t->words[i]); /* letters, digits, ' and . only */
    }
    buf_put_c(b, '"');
    if (t->prefix)
        BUF_LIT(b, " *");
}

void fts_put_query(Buf *b, const QueryNode *n, bool wanted, bool *counts, int *n_phrases) {
    if (n->kind == QUERY_TERM) {
        fts_put_term(b, n);
        counts[(*n_phrases)++] = wanted;
        return;
    }
    buf_put_c(b, '(');
    fts_put_query(b, n->left, wanted, counts, n_phrases);
    buf_printf(b, " %s ", n->kind == QUERY_AND ? "AND" : n->kind == QUERY_OR ? "OR" : "NOT");
    fts_put_query(b, n->right, wanted && n->kind != QUERY_NOT, counts, n_phrases);
    buf_put_c(b, ')');
}

void fts_tag_words(Buf *b, char kind, Str name) {
    BUF_LIT(b, FTS_VERBATIM FTS_TAG);
    buf_put_c(b, kind);
    buf_put_c(b, ':');
    buf_put_str(b, name);
}

void fts_put_tag(Buf *b, char kind, Str name) {
    BUF_LIT(b, " AND tags : \"");
    BUF_LIT(b, FTS_VERBATIM FTS_TAG);
    buf_put_c(b, kind);
    buf_put_c(b, ':');
    for (size_t i = 0; i < name.n; i++) { /* a quote is doubled inside quotes */
        if (name.p[i] == '"')
            buf_put_c(b, '"');
        buf_put_c(b, name.p[i]);
    }
    buf_put_c(b, '"');
}
