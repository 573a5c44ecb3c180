/* policy/refusal/sql_lex.c - see sql_lex.h. Comments that end are white space; those of MySQL that are run ("slash star
 * bang") are their contents. */

#include "policy/refusal/sql_lex.h"

/* clang-format off */
static const struct { const char *word; SqlKind kind; } words[] = {
    { "and", SQL_LOGIC }, { "or", SQL_LOGIC }, { "xor", SQL_LOGIC },
    { "like", SQL_COMPARE }, { "ilike", SQL_COMPARE }, { "rlike", SQL_COMPARE }, { "regexp", SQL_COMPARE },
    { "glob", SQL_COMPARE }, { "between", SQL_COMPARE }, { "in", SQL_COMPARE }, { "is", SQL_COMPARE },
    { "sounds", SQL_COMPARE }, { "div", SQL_ARITH }, { "mod", SQL_ARITH },
    { "select", SQL_SELECT },
    { "union", SQL_UNION }, { "intersect", SQL_UNION }, { "except", SQL_UNION }, { "minus", SQL_UNION },
    { "insert", SQL_VERB }, { "update", SQL_VERB }, { "delete", SQL_VERB }, { "drop", SQL_VERB }, { "alter", SQL_VERB },
    { "create", SQL_VERB }, { "truncate", SQL_VERB }, { "exec", SQL_VERB }, { "execute", SQL_VERB },
    { "declare", SQL_VERB }, { "shutdown", SQL_VERB }, { "waitfor", SQL_VERB }, { "grant", SQL_VERB },
    { "attach", SQL_VERB }, { "pragma", SQL_VERB }, { "merge", SQL_VERB }, { "replace", SQL_VERB }, { "copy", SQL_VERB },
    { "begin", SQL_VERB }, { "do", SQL_VERB }, { "set", SQL_VERB }, { "call", SQL_VERB }, { "rename", SQL_VERB },
    { "order", SQL_CLAUSE }, { "group", SQL_CLAUSE }, { "having", SQL_CLAUSE }, { "limit", SQL_CLAUSE },
    { "procedure", SQL_CLAUSE }, { "offset", SQL_CLAUSE }, { "where", SQL_CLAUSE },
    { "not", SQL_WORD }, { "exists", SQL_WORD }, { "from", SQL_WORD }, { "into", SQL_WORD }, { "all", SQL_WORD },
    { "distinct", SQL_WORD }, { "table", SQL_WORD }, { "database", SQL_WORD }, { "values", SQL_WORD }, { "case", SQL_WORD },
    { "when", SQL_WORD }, { "by", SQL_WORD }, { "as", SQL_WORD }, { "binary", SQL_WORD }, { "outfile", SQL_WORD },
    { "dumpfile", SQL_WORD }, { "delay", SQL_WORD }, { "collate", SQL_WORD }, { "any", SQL_WORD }, { "some", SQL_WORD },
    { "null", SQL_LITERAL }, { "true", SQL_LITERAL }, { "false", SQL_LITERAL }, { "unknown", SQL_LITERAL },
    { "sleep", SQL_PROBE }, { "benchmark", SQL_PROBE }, { "pg_sleep", SQL_PROBE }, { "extractvalue", SQL_PROBE },
    { "updatexml", SQL_PROBE }, { "load_file", SQL_PROBE }, { "xmltype", SQL_PROBE }, { "randomblob", SQL_PROBE },
    { "load_extension", SQL_PROBE }, { "make_set", SQL_PROBE }, { "elt", SQL_PROBE }, { "group_concat", SQL_PROBE },
    { "string_agg", SQL_PROBE }, { "current_user", SQL_PROBE }, { "session_user", SQL_PROBE },
    { "system_user", SQL_PROBE }, { "sqlite_version", SQL_PROBE }, { "pg_read_file", SQL_PROBE },
    { "lo_import", SQL_PROBE }, { "polygon", SQL_PROBE }, { "name_const", SQL_PROBE }, { "ascii", SQL_PROBE },
    { "substring", SQL_PROBE }, { "substr", SQL_PROBE }, { "unhex", SQL_PROBE }, { "xp_cmdshell", SQL_PROBE },
    { "exp", SQL_PROBE }, { "char", SQL_PROBE }, { "chr", SQL_PROBE }, { "version", SQL_PROBE },
    { "gtid_subset", SQL_PROBE }, { "dbms_pipe", SQL_PROBE }, { "utl_inaddr", SQL_PROBE }, { "json_keys", SQL_PROBE },
};
/* clang-format on */

static SqlKind kind_of(Str w) {
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(w, str_c(words[i].word)))
            return words[i].kind;
    return SQL_NAME;
}

bool sql_is(const SqlToken *k, const char *word) {
    return str_eq(k->text, str_c(word));
}

typedef struct Lexer {
    const Plain *t;
    size_t at;
    bool opened, closed;
    SqlTokens *out;
} Lexer;

static void push(Lexer *l, SqlKind kind, size_t from, size_t to) {
    SqlTokens *o = l->out;
    if (o->n < SQL_TOKENS_MAX)
        o->v[o->n++] = (SqlToken){
            .kind = kind, .text = str_n(l->t->p + from, to - from), .inside = l->opened, .closed = l->closed
        };
    l->opened = l->closed = false;
    l->at = to;
}

static bool skip_comment(Lexer *l) {
    const char *p = l->t->p + l->at;
    if (p[0] == '/' && p[1] == '*') {
        if (p[2] == '!') { /* what is in it is run */
            l->at += 3;
            while (l->t->p[l->at] >= '0' && l->t->p[l->at] <= '9')
                l->at++;
            return true;
        }
        const char *end = plain_find(l->t, l->at + 2, "*/");
        if (end) {
            l->at = (size_t)(end - l->t->p) + 2;
            return true;
        }
        push(l, SQL_COMMENT, l->at, l->t->n);
        return true;
    }
    if (p[0] == '*' && p[1] == '/') {
        l->at += 2;
        return true;
    }
    if ((p[0] == '-' && p[1] == '-') || p[0] == '#') {
        const char *line = plain_find(l->t, l->at, "\n");
        if (line) { /* a new line ends it: what is behind it is run */
            l->at = (size_t)(line - l->t->p) + 1;
            return true;
        }
        push(l, SQL_COMMENT, l->at, l->t->n);
        return true;
    }
    return false;
}

static void lex_string(Lexer *l) {
    char q = l->t->p[l->at];
    size_t i = l->at + 1;
    while (i < l->t->n && l->t->p[i] != q)
        i += l->t->p[i] == '\\' && i + 1 < l->t->n ? 2 : 1;
    push(l, q == '`' ? SQL_NAME : SQL_STRING, l->at, MIN(i + 1, l->t->n));
}

static void lex_word(Lexer *l) {
    const char *p = l->t->p;
    size_t i = l->at;
    bool digits = true;
    while (is_word(p[i]) || p[i] == '.' || p[i] == '$') {
        digits &= (p[i] >= '0' && p[i] <= '9') || p[i] == '.' || (i == l->at + 1 && p[i] == 'x') ||
                  (i > l->at + 1 && p[l->at + 1] == 'x' && is_word(p[i])) || (i > l->at && p[i] == 'e');
        i++;
    }
    Str w = str_n(p + l->at, i - l->at);
    /* "1or", "1union": digits end where letters begin */
    if (!digits && w.p[0] >= '0' && w.p[0] <= '9') {
        for (size_t d = 1;
             d < w.n && ((w.p[d - 1] >= '0' && w.p[d - 1] <= '9') || w.p[d - 1] == '.' || w.p[d - 1] == 'e'); d++) {
            SqlKind rest = kind_of(str_from(w, d));
            if (rest == SQL_LOGIC || rest == SQL_UNION) {
                push(l, SQL_NUMBER, l->at, l->at + d);
                return;
            }
        }
    }
    push(l, digits && w.p[0] >= '0' && w.p[0] <= '9' ? SQL_NUMBER : kind_of(w), l->at, i);
}

static void lex_sign(Lexer *l) {
    const char *p = l->t->p + l->at;
    size_t n = 1;
    SqlKind kind = SQL_ARITH;
    if ((p[0] == '&' && p[1] == '&') || (p[0] == '|' && p[1] == '|')) {
        kind = SQL_LOGIC;
        n = 2;
    } else if (strchr("=<>!", p[0])) {
        n = p[1] == '=' || (p[0] == '<' && p[1] == '>') ? 2 : 1;
        kind = p[0] == '!' && n == 1 ? SQL_ARITH : SQL_COMPARE;
    }
    push(l, kind, l->at, l->at + n);
}

static void lex_one(Lexer *l) {
    const char *p = l->t->p + l->at;
    char c = *p;
    if (c == '(') {
        if (l->out->n) { /* "rally (up)" is no call */
            SqlToken *before = &l->out->v[l->out->n - 1];
            before->call = before->text.p + before->text.n == p || before->kind == SQL_PROBE;
        }
        l->opened = true;
        l->at++;
    } else if (c == ')') {
        l->closed = true;
        l->at++;
    } else if (c == '\'' || c == '"' || c == '`') {
        lex_string(l);
    } else if (is_word(c)) {
        lex_word(l);
    } else if (c == '@' || (c == ':' && is_word(p[1]))) {
        size_t i = l->at + 1;
        while (is_word(l->t->p[i]) || l->t->p[i] == '@')
            i++;
        push(l, SQL_VARIABLE, l->at, i);
    } else if (c == ',' || c == ';') {
        push(l, c == ',' ? SQL_COMMA : SQL_SEMICOLON, l->at, l->at + 1);
    } else if (c && strchr("=<>!+-*/%^&|~", c)) {
        lex_sign(l);
    } else {
        l->at++; /* blanks, and what SQL has no use for */
    }
}

void sql_lex(const Plain *t, size_t from, char quote, SqlTokens *out) {
    memset(out, 0, sizeof *out);
    Lexer l = { .t = t, .at = 0, .out = out };
    if (quote)
        push(&l, SQL_STRING, 0, from);
    l.at = from;
    while (l.at < t->n && out->n < SQL_TOKENS_MAX)
        if (!skip_comment(&l))
            lex_one(&l);
}
