/* policy/refusal/sql.c - is this value a piece of a statement, rather than a value?
 *
 * It is read three times: as it stands (where a number was wanted), and as what follows a quote that it brings itself (where
 * a string was wanted). In prose a quote is followed by a word; in an attack by logic, an end, or another statement. */

#include "policy/refusal/sql_lex.h"

static const SqlToken *at(const SqlTokens *s, size_t i) {
    return &s->v[MIN(i, s->n)]; /* behind the last: SQL_END */
}

static bool is_value(SqlKind k) {
    return k == SQL_STRING || k == SQL_NUMBER || k == SQL_LITERAL || k == SQL_VARIABLE || k == SQL_NAME ||
           k == SQL_PROBE;
}

static bool is_constant(SqlKind k) {
    return k == SQL_STRING || k == SQL_NUMBER || k == SQL_LITERAL;
}

/* Signs and "not" before a value. */
static size_t skip_signs(const SqlTokens *s, size_t i) {
    while (at(s, i)->kind == SQL_ARITH || sql_is(at(s, i), "not") || sql_is(at(s, i), "binary"))
        i++;
    return i;
}

/* A comparison of two values at i. constants: both sides are written out, so that it is always the same. */
static bool compares(const SqlTokens *s, size_t i, bool constants) {
    i = skip_signs(s, i);
    const SqlToken *a = at(s, i), *op = at(s, i + 1);
    if (op->kind != SQL_COMPARE && !(sql_is(op, "not") && at(s, i + 2)->kind == SQL_COMPARE))
        return false;
    size_t j = skip_signs(s, i + 2 + (op->kind != SQL_COMPARE));
    const SqlToken *b = at(s, j);
    if (b->kind == SQL_SELECT && b->inside)
        return true;
    /* "rally is on" is no comparison, "x is null" is */
    if (op->kind == SQL_COMPARE && is_word(op->text.p[0]) && b->kind == SQL_NAME && !b->inside)
        return false;
    return constants ? is_constant(a->kind) && is_constant(b->kind) : is_value(a->kind) && is_value(b->kind);
}

static bool selects(const SqlTokens *s, size_t i) {
    while (at(s, i)->kind == SQL_WORD && !sql_is(at(s, i), "exists"))
        i++;
    i += sql_is(at(s, i), "exists");
    const SqlToken *k = at(s, i);
    return k->kind == SQL_SELECT && k->inside;
}

/* What a prober calls, with its parenthesis. */
static bool probes(const SqlToken *k) {
    return k->kind == SQL_PROBE && k->call;
}

/* "union [all] select" and a list of values behind it. */
static bool unites(const SqlTokens *s, size_t i) {
    if (at(s, i)->kind != SQL_UNION)
        return false;
    i++;
    while (sql_is(at(s, i), "all") || sql_is(at(s, i), "distinct") || at(s, i)->kind == SQL_ARITH)
        i++;
    if (at(s, i)->kind != SQL_SELECT)
        return false;
    const SqlToken *k = at(s, i + 1), *next = at(s, i + 2);
    return k->kind != SQL_NAME || k->inside || k->call || next->kind == SQL_COMMA || next->kind == SQL_COMMENT ||
           sql_is(next, "from") || at(s, i)->inside;
}

/* A statement of its own at i: its verb with what it must be followed by. */
static bool begins_statement(const SqlTokens *s, size_t i) {
    const SqlToken *k = at(s, i), *a = at(s, i + 1), *b = at(s, i + 2);
    if (k->kind == SQL_SELECT)
        return a->kind == SQL_NUMBER || a->kind == SQL_VARIABLE || a->kind == SQL_LITERAL || a->kind == SQL_STRING ||
               a->call || sql_is(a, "*") || b->kind == SQL_COMMA || probes(a);
    if (k->kind != SQL_VERB)
        return false;
    if (sql_is(k, "drop") || sql_is(k, "alter") || sql_is(k, "create") || sql_is(k, "truncate"))
        return a->kind == SQL_WORD || sql_is(a, "user") || sql_is(a, "function") || sql_is(a, "view") ||
               sql_is(a, "procedure") || sql_is(a, "schema");
    if (sql_is(k, "insert") || sql_is(k, "replace") || sql_is(k, "merge"))
        return sql_is(a, "into");
    if (sql_is(k, "update"))
        return sql_is(b, "set") && at(s, i + 3)->kind == SQL_NAME && sql_is(at(s, i + 4), "=");
    if (sql_is(k, "delete"))
        return sql_is(a, "from");
    if (sql_is(k, "declare") || sql_is(k, "set"))
        return a->kind == SQL_VARIABLE;
    if (sql_is(k, "waitfor"))
        return sql_is(a, "delay") || sql_is(a, "time");
    if (sql_is(k, "exec") || sql_is(k, "execute") || sql_is(k, "call"))
        return a->kind != SQL_END && (b->kind == SQL_STRING || k->call || a->call || str_starts(a->text, S("xp_")) ||
                                      str_starts(a->text, S("sp_")) || str_starts(a->text, S("master")));
    if (sql_is(k, "shutdown"))
        return a->kind == SQL_END || a->kind == SQL_COMMENT || a->kind == SQL_SEMICOLON;
    if (sql_is(k, "attach"))
        return sql_is(a, "database");
    return sql_is(k, "copy") && sql_is(b, "from");
}

/* A comment that says nothing: it is there to cut off what follows. */
static bool cuts_off(const SqlToken *k) {
    if (k->kind != SQL_COMMENT)
        return false;
    size_t letters = 0;
    for (size_t i = 0; i < k->text.n; i++)
        letters += is_word(k->text.p[i]);
    return letters <= 3 || k->text.p[0] == '/';
}

static bool ends(const SqlToken *k) {
    return k->kind == SQL_END || k->kind == SQL_COMMENT || k->kind == SQL_SEMICOLON || k->kind == SQL_LOGIC;
}

/* A string that the statement's own quote is to close: "or 'a" */
static bool left_open(const SqlToken *k) {
    return k->kind == SQL_STRING && (k->text.n == 1 || k->text.p[k->text.n - 1] != k->text.p[0]);
}

/* "investors' or 1.5": the quote ends no string there. */
static bool is_plural(const SqlTokens *s) {
    Str prefix = at(s, 0)->text;
    return prefix.n >= 2 && prefix.p[prefix.n - 2] == 's';
}

/* logic at i, behind a string that the value ended itself */
static bool broken_logic(const SqlTokens *s, size_t i) {
    if (compares(s, i + 1, false) || selects(s, i + 1))
        return true;
    size_t j = skip_signs(s, i + 1);
    const SqlToken *k = at(s, j), *next = at(s, j + 1);
    if (k->call)
        return true;
    if (is_constant(k->kind) || k->kind == SQL_VARIABLE)
        return next->kind == SQL_COMMENT || next->kind == SQL_SEMICOLON ||
               (next->kind == SQL_ARITH && is_constant(at(s, j + 2)->kind)) ||
               (next->kind == SQL_END && (k->kind == SQL_STRING ? left_open(k) : !is_plural(s))) ||
               (next->kind == SQL_LOGIC && broken_logic(s, j + 1));
    return sql_is(k, "exists") || (sql_is(k, "case") && sql_is(next, "when")) || begins_statement(s, j);
}

/* The whole value is one sign between quotes: '-', '=', '^'. */
static bool only_sign(const SqlTokens *s) {
    const SqlToken *k = at(s, 1), *b = at(s, 2);
    return s->n == 3 && at(s, 0)->text.n <= 1 && b->kind == SQL_STRING && b->text.n <= 2 &&
           (k->kind == SQL_ARITH || k->kind == SQL_COMPARE || k->kind == SQL_LOGIC);
}

/* Behind a string that the value ended itself. */
static bool breaks_out(const SqlTokens *s) {
    if (only_sign(s))
        return true;
    size_t i = 1;
    const SqlToken *k = at(s, i);
    switch (k->kind) {
    case SQL_LOGIC:
        return broken_logic(s, i);
    case SQL_COMMENT:
        return cuts_off(k);
    case SQL_SEMICOLON:
        return cuts_off(at(s, i + 1)) || begins_statement(s, i + 1);
    case SQL_UNION:
        return unites(s, i);
    case SQL_CLAUSE:
        return sql_is(at(s, i + 1), "by") || compares(s, i + 1, false) ||
               (sql_is(k, "limit") && at(s, i + 1)->kind == SQL_NUMBER);
    case SQL_COMPARE:
        if (probes(at(s, i + 1)) || selects(s, i + 1))
            return true;
        return is_constant(at(s, i + 1)->kind) && ends(at(s, i + 2)) && (s->n <= 4 || at(s, i + 2)->kind != SQL_END);
    case SQL_ARITH: {
        const SqlToken *next = at(s, skip_signs(s, i + 1));
        return probes(next) || (next->kind == SQL_SELECT && next->inside) || (next->kind == SQL_NAME && next->call) ||
               (is_constant(next->kind) && next->inside);
    }
    default:
        return begins_statement(s, i) || (k->closed && cuts_off(k));
    }
}

static bool named(const Plain *t) {
    static const char *const names[] = { "information_schema", "xp_cmdshell",   "sqlite_master",   "pg_catalog.",
                                         "sysobjects",         "into outfile",  "into dumpfile",   "waitfor delay",
                                         "dbms_pipe.",         "utl_inaddr.",   "utl_http.",       "@@version",
                                         "mysql.user",         "pg_sleep(",     "load_file(",      "procedure analyse",
                                         "randomblob(",        "extractvalue(", "dbms_lock.sleep", "xp_dirtree",
                                         "sys.databases" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (plain_has(t, names[i]))
            return true;
    return false;
}

/* Logic at i, where a number was wanted. */
static bool plain_logic(const SqlTokens *s, size_t i) {
    const SqlToken *before = i ? at(s, i - 1) : at(s, s->n);
    bool behind_value = i == 0 || is_constant(before->kind) || at(s, i)->closed;
    size_t j = skip_signs(s, i + 1);
    const SqlToken *k = at(s, j);
    if (compares(s, i + 1, true) && behind_value)
        return true;
    if (probes(k) && at(s, j)->text.n > 3)
        return behind_value;
    return behind_value && selects(s, j);
}

/* As it stands. */
static bool stands(const SqlTokens *s) {
    if (begins_statement(s, 0)) {
        for (size_t i = 1; i < s->n; i++)
            if (sql_is(at(s, i), "from") || sql_is(at(s, i), "into") || sql_is(at(s, i), "set") ||
                at(s, i)->kind == SQL_SEMICOLON || cuts_off(at(s, i)) || probes(at(s, i)))
                return true;
    }
    for (size_t i = 0; i < s->n; i++) {
        const SqlToken *k = at(s, i), *before = i ? at(s, i - 1) : NULL;
        bool behind_value = !before || is_constant(before->kind) || k->closed || before->kind == SQL_COMMENT ||
                            before->kind == SQL_ARITH;
        if (k->kind == SQL_UNION && behind_value && unites(s, i))
            return true;
        if (k->kind == SQL_LOGIC && plain_logic(s, i))
            return true;
        if (k->kind == SQL_COMPARE && before && is_constant(before->kind) &&
            (probes(at(s, i + 1)) || selects(s, i + 1)))
            return true;
        if (k->kind == SQL_SEMICOLON && begins_statement(s, i + 1))
            return true;
        if (k->kind == SQL_CLAUSE && before && is_constant(before->kind) &&
            ((sql_is(at(s, i + 1), "by") && at(s, i + 2)->kind == SQL_NUMBER) || compares(s, i + 1, true)))
            return true;
        if (k->kind == SQL_SELECT && k->inside && (!before || !is_value(before->kind) || before->call) &&
            begins_statement(s, i))
            return true;
        if (before && k->kind == SQL_PROBE && k->call && at(s, i + 1)->kind == SQL_NUMBER &&
            (before->kind == SQL_ARITH || before->kind == SQL_COMPARE || before->kind == SQL_SELECT ||
             before->kind == SQL_COMMA) &&
            (sql_is(k, "sleep") || sql_is(k, "benchmark")))
            return true;
    }
    return s->n >= 1 && probes(at(s, 0)) && (sql_is(at(s, 0), "sleep") || sql_is(at(s, 0), "benchmark")) &&
           at(s, 1)->kind == SQL_NUMBER;
}

/* The second of two quotes ends the value where the first is an apostrophe: it's' or 1=1 */
static size_t quote_at(const Plain *t, char q) {
    const char *p = memchr(t->p, q, t->n);
    if (!p)
        return t->n;
    size_t i = (size_t)(p - t->p);
    if (q == '\'' && i > 0 && is_word(t->p[i - 1]) && is_word(t->p[i + 1])) {
        const char *next = memchr(p + 1, q, t->n - i - 1);
        if (next && is_word(next[-1]) && !is_word(next[1]))
            return (size_t)(next - t->p);
    }
    return i;
}

bool looks_sql(const Plain *t) {
    if (named(t))
        return true;
    SqlTokens s;
    sql_lex(t, 0, 0, &s);
    if (stands(&s))
        return true;
    static const char quotes[] = { '\'', '"', '`' };
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        size_t q = quote_at(t, quotes[i]);
        if (q >= t->n)
            continue;
        size_t from = q + 1;
        sql_lex(t, from, quotes[i], &s);
        if (breaks_out(&s))
            return true;
    }
    return false;
}
