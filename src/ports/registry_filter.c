/* ports/registry_filter.c - see registry_filter.h. A scanner of one token at a time, and a parser without recursion. */

#include "ports/registry_filter.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_OP,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA
} TokenKind;

typedef struct Token {
    TokenKind kind;
    Str text; /* of a string: without its quotes */
    size_t at;
} Token;

typedef struct Scan {
    Ctx *cx;
    FilterSubject subject;
    Str text;
    size_t at;
    Token token; /* the next one */
} Scan;

typedef struct AttributeRow {
    const char *name;
    FilterAttribute attribute;
    unsigned subjects; /* bits of FilterSubject */
    bool numeric;
} AttributeRow;

enum {
    RUNS = 1u << FILTER_RUNS,
    EXPERIMENTS = 1u << FILTER_EXPERIMENTS,
    MODELS = 1u << FILTER_MODELS,
    VERSIONS = 1u << FILTER_VERSIONS
};

/* clang-format off */
static const AttributeRow attributes[] = {
    { "run_id", ATTRIBUTE_ID, RUNS, false },
    { "run_name", ATTRIBUTE_NAME, RUNS, false },
    { "run name", ATTRIBUTE_NAME, RUNS, false },
    { "status", ATTRIBUTE_STATUS, RUNS, false },
    { "user_id", ATTRIBUTE_USER, RUNS, false },
    { "artifact_uri", ATTRIBUTE_ARTIFACT_URI, RUNS, false },
    { "experiment_id", ATTRIBUTE_EXPERIMENT, RUNS, false },
    { "start_time", ATTRIBUTE_START, RUNS, true },
    { "created", ATTRIBUTE_START, RUNS, true },
    { "end_time", ATTRIBUTE_END, RUNS, true },
    { "experiment_id", ATTRIBUTE_ID, EXPERIMENTS, true },
    { "name", ATTRIBUTE_NAME, EXPERIMENTS | MODELS | VERSIONS, false },
    { "creation_time", ATTRIBUTE_CREATED, EXPERIMENTS, true },
    { "last_update_time", ATTRIBUTE_UPDATED, EXPERIMENTS, true },
    { "creation_timestamp", ATTRIBUTE_CREATED, MODELS | VERSIONS, true },
    { "last_updated_timestamp", ATTRIBUTE_UPDATED, MODELS | VERSIONS, true },
    { "timestamp", ATTRIBUTE_UPDATED, MODELS | VERSIONS, true },
    { "run_id", ATTRIBUTE_RUN_ID, VERSIONS, false },
    { "source_path", ATTRIBUTE_SOURCE, VERSIONS, false },
    { "version_number", ATTRIBUTE_VERSION, VERSIONS, true },
    { "version", ATTRIBUTE_VERSION, VERSIONS, true },
    { "current_stage", ATTRIBUTE_STAGE, VERSIONS, false },
};

static const struct {
    const char *name;
    FilterField field;
} prefixes[] = {
    { "metric", FILTER_METRIC }, { "metrics", FILTER_METRIC },
    { "param", FILTER_PARAM }, { "params", FILTER_PARAM }, { "parameter", FILTER_PARAM }, { "parameters", FILTER_PARAM },
    { "tag", FILTER_TAG }, { "tags", FILTER_TAG },
    { "attribute", FILTER_ATTRIBUTE }, { "attributes", FILTER_ATTRIBUTE }, { "attr", FILTER_ATTRIBUTE }, { "run", FILTER_ATTRIBUTE },
};
/* clang-format on */

/* --- tokens --- */

static int refuse(Scan *s, size_t at, const char *wanted) {
    Str rest = str_first(str_from(s->text, at), 40);
    return err_set_at(s->cx, ERR_INVALID, S("filter"),
                      "Invalid filter or order_by: %s expected at byte %zu%s" STR_FMT "%s", wanted, at,
                      rest.n ? ", not \"" : ", not its end", STR_ARG(rest), rest.n ? "\"" : "");
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Letters, digits and what keys are written with; bytes of UTF-8. A key of other characters needs quotes. */
static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == '+' || c == '/' || (unsigned char)c >= 0x80;
}

static int scan_string(Scan *s, char quote, Str *out) {
    size_t from = ++s->at;
    while (s->at < s->text.n && s->text.p[s->at] != quote)
        s->at++;
    if (s->at == s->text.n)
        return refuse(s, from - 1, "a string that ends");
    *out = str_n(s->text.p + from, s->at++ - from);
    return 0;
}

static int scan_op(Scan *s, Token *t) {
    size_t n = s->at + 1 < s->text.n && s->text.p[s->at + 1] == '=' ? 2 : 1;
    *t = (Token){ TOKEN_OP, str_n(s->text.p + s->at, n), s->at };
    s->at += n;
    return str_eq(t->text, S("!")) || str_eq(t->text, S("==")) ? refuse(s, t->at, "an operator (=, !=, <, LIKE …)") : 0;
}

static int scan(Scan *s) {
    Token *t = &s->token;
    while (s->at < s->text.n && is_space(s->text.p[s->at]))
        s->at++;
    *t = (Token){ TOKEN_END, { 0 }, s->at };
    if (s->at == s->text.n)
        return 0;
    char c = s->text.p[s->at];
    if (c == '\'' || c == '"' || c == '`') {
        t->kind = TOKEN_STRING;
        return scan_string(s, c, &t->text);
    }
    if (c == '=' || c == '!' || c == '<' || c == '>')
        return scan_op(s, t);
    if (c == '(' || c == ')' || c == ',') {
        t->kind = c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE : TOKEN_COMMA;
        s->at++;
        return 0;
    }
    if (!is_word(c))
        return refuse(s, s->at, "a field, an operator or a value");
    size_t from = s->at;
    while (s->at < s->text.n && is_word(s->text.p[s->at]))
        s->at++;
    t->kind = TOKEN_WORD;
    t->text = str_n(s->text.p + from, s->at - from);
    return 0;
}

static bool is_keyword(const Scan *s, Str word) {
    return s->token.kind == TOKEN_WORD && str_eq_nocase(s->token.text, word);
}

/* --- fields --- */

static bool field_fits(FilterSubject subject, FilterField field) {
    return field == FILTER_ATTRIBUTE || field == FILTER_TAG || subject == FILTER_RUNS;
}

static int find_attribute(Scan *s, Str name, size_t at, FilterAttribute *out, bool *numeric) {
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if ((attributes[i].subjects & 1u << s->subject) && str_eq_nocase(str_c(attributes[i].name), name)) {
            *out = attributes[i].attribute;
            *numeric = attributes[i].numeric;
            return 0;
        }
    return refuse(s, at, "metrics., params., tags. or the name of an attribute");
}

/* A field: "metrics.a.b", "tags.`a b`", "status", "`run name`". */
static int read_field(Scan *s, FilterField *field, FilterAttribute *attribute, Str *key, bool *numeric) {
    Token t = s->token;
    Str name = t.text, prefix;
    bool found = false;
    if (t.kind != TOKEN_WORD && t.kind != TOKEN_STRING)
        return refuse(s, t.at, "a field (metrics.x, params.x, tags.x, an attribute)");
    Str rest = name;
    if (t.kind == TOKEN_WORD && str_find_char(name, '.') >= 0 && str_next(&rest, '.', &prefix))
        for (size_t i = 0; i < ARRAY_LEN(prefixes) && !found; i++)
            if (str_eq_nocase(str_c(prefixes[i].name), prefix)) {
                *field = prefixes[i].field;
                found = true;
            }
    bool quoted = found && rest.n == 0 && s->at < s->text.n && !is_space(s->text.p[s->at]);
    int r = scan(s);
    if (r == 0 && quoted) { /* the key stands in quotes right behind the dot */
        if (s->token.kind != TOKEN_STRING)
            return refuse(s, s->token.at, "a key");
        rest = s->token.text;
        r = scan(s);
    }
    if (r)
        return r;
    *numeric = found && *field == FILTER_METRIC;
    *key = rest;
    if (!found || *field == FILTER_ATTRIBUTE) {
        *field = FILTER_ATTRIBUTE;
        return find_attribute(s, found ? rest : name, t.at, attribute, numeric);
    }
    if (rest.n == 0)
        return refuse(s, t.at, "a key");
    return field_fits(s->subject, *field) ? 0 : refuse(s, t.at, "tags. or the name of an attribute");
}

/* --- conditions --- */

static int read_op(Scan *s, FilterOp *out) {
    static const struct {
        Str text;
        FilterOp op;
    } ops[] = { { STR_INIT("="), FILTER_EQ },      { STR_INIT("!="), FILTER_NE },       { STR_INIT("<"), FILTER_LT },
                { STR_INIT("<="), FILTER_LE },     { STR_INIT(">"), FILTER_GT },        { STR_INIT(">="), FILTER_GE },
                { STR_INIT("LIKE"), FILTER_LIKE }, { STR_INIT("ILIKE"), FILTER_ILIKE }, { STR_INIT("IN"), FILTER_IN } };
    size_t at = s->token.at;
    bool not_ = is_keyword(s, S("NOT"));
    int r = not_ ? scan(s) : 0;
    if (r)
        return r;
    if (s->token.kind == TOKEN_OP || s->token.kind == TOKEN_WORD)
        for (size_t i = 0; i < ARRAY_LEN(ops); i++)
            if (str_eq_nocase(ops[i].text, s->token.text) && (!not_ || ops[i].op == FILTER_IN)) {
                *out = not_ ? FILTER_NOT_IN : ops[i].op;
                return scan(s);
            }
    return refuse(s, at, "an operator (=, !=, <, <=, >, >=, LIKE, ILIKE, IN, NOT IN)");
}

static int read_list(Scan *s, FilterCondition *c) {
    VEC(Str) items = { 0 };
    if (s->token.kind != TOKEN_OPEN)
        return refuse(s, s->token.at, "a list in parentheses");
    do {
        int r = scan(s);
        if (r)
            return r;
        if (s->token.kind != TOKEN_STRING)
            return refuse(s, s->token.at, "a string in quotes");
        if (items.n == FILTER_LIST)
            return refuse(s, s->token.at, "at most 1000 values in a list");
        vec_push_in(s->cx->arena, &items, s->token.text);
        if ((r = scan(s)) != 0)
            return r;
    } while (s->token.kind == TOKEN_COMMA);
    if (s->token.kind != TOKEN_CLOSE)
        return refuse(s, s->token.at, "a closing parenthesis");
    c->list = items.v;
    c->n_list = items.n;
    return scan(s);
}

static bool to_number(Str text, double *out) {
    char z[64], *end;
    if (text.n == 0 || text.n >= sizeof z)
        return false;
    for (size_t i = 0; i < text.n; i++) /* no hexadecimals, "nan" or "inf" */
        if (!(text.p[i] >= '0' && text.p[i] <= '9') && !memchr("+-.eE", text.p[i], 5))
            return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    *out = strtod(z, &end); /* the program never sets a locale */
    return *end == '\0';
}

static int read_value(Scan *s, FilterCondition *c) {
    if (c->op == FILTER_IN || c->op == FILTER_NOT_IN)
        return c->numeric ? refuse(s, s->token.at, "a comparison with a number") : read_list(s, c);
    Token t = s->token;
    if (c->numeric) {
        if (c->op >= FILTER_LIKE || t.kind != TOKEN_WORD || !to_number(t.text, &c->number))
            return refuse(s, t.at, "a comparison with a number");
        return scan(s);
    }
    bool ordered = c->op >= FILTER_LT && c->op <= FILTER_GE;
    if (t.kind != TOKEN_STRING || ordered)
        return refuse(s, t.at, ordered ? "=, !=, LIKE or ILIKE with a string" : "a string in quotes");
    c->text = t.text;
    return scan(s);
}

static int scan_init(Scan *s, Ctx *cx, FilterSubject subject, Str text) {
    *s = (Scan){ .cx = cx, .subject = subject, .text = text };
    if (text.n > FILTER_TEXT_MAX)
        return err_set_at(cx, ERR_INVALID, S("filter"), "a filter has at most %d bytes, not %zu", FILTER_TEXT_MAX,
                          text.n);
    return scan(s);
}

int filter_parse(Ctx *cx, FilterSubject subject, Str text, FilterCondition **out, size_t *n) {
    Scan s;
    VEC(FilterCondition) list = { 0 };
    int r = scan_init(&s, cx, subject, str_trim(text));
    bool more = r == 0 && s.token.kind != TOKEN_END;
    while (more) {
        FilterCondition c = { 0 };
        if (list.n == FILTER_CONDITIONS)
            return refuse(&s, s.token.at, "at most 32 conditions");
        if ((r = read_field(&s, &c.field, &c.attribute, &c.key, &c.numeric)) != 0 || (r = read_op(&s, &c.op)) != 0 ||
            (r = read_value(&s, &c)) != 0)
            return r;
        vec_push_in(cx->arena, &list, c);
        more = is_keyword(&s, S("AND"));
        if (!more && s.token.kind != TOKEN_END)
            return refuse(&s, s.token.at, "\"and\" or the end");
        if (more && (r = scan(&s)) != 0)
            return r;
    }
    *out = list.v;
    *n = list.n;
    return r;
}

int filter_order_parse(Ctx *cx, FilterSubject subject, Str text, FilterOrder *out) {
    Scan s;
    bool numeric;
    *out = (FilterOrder){ 0 };
    int r = scan_init(&s, cx, subject, str_trim(text));
    if (r == 0)
        r = read_field(&s, &out->field, &out->attribute, &out->key, &numeric);
    if (r)
        return r;
    out->descending = is_keyword(&s, S("DESC"));
    if ((out->descending || is_keyword(&s, S("ASC"))) && (r = scan(&s)) != 0)
        return r;
    return s.token.kind == TOKEN_END ? 0 : refuse(&s, s.token.at, "ASC, DESC or the end");
}

/* --- LIKE --- */

static char fold(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static size_t next_character(Str s, size_t i) {
    i++;
    while (i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80)
        i++;
    return i;
}

bool filter_like(Str pattern, Str text, bool any_case) {
    size_t p = 0, t = 0, star = SIZE_MAX, star_t = 0; /* behind the last %, and where it began to match */
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '%') {
            star = ++p;
            star_t = t;
        } else if (p < pattern.n && pattern.p[p] == '_') {
            p++;
            t = next_character(text, t);
        } else if (p < pattern.n && (any_case ? fold(pattern.p[p]) == fold(text.p[t]) : pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '%')
        p++;
    return p == pattern.n;
}
