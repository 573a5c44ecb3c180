/* policy/refusal/refusal.c - see refusal.h: which parts of a request are looked at, and for what. */

#include "policy/refusal/internal.h"

static const char *const names[REFUSALS] = { "none",     "traversal", "sql",    "script", "command",
                                             "template", "markup",    "header", "query" };

const char *refusal_name(Refusal r) {
    return r > REFUSAL_NONE && r < REFUSALS ? names[r] : names[REFUSAL_NONE];
}

typedef struct Look {
    Refusal what;
    bool (*looks)(const Plain *t);
} Look;

/* Cheap and certain ones first. */
static const Look looks[] = {
    { REFUSAL_TRAVERSAL, looks_traversal }, { REFUSAL_TEMPLATE, looks_template }, { REFUSAL_MARKUP, looks_markup },
    { REFUSAL_SCRIPT, looks_script },       { REFUSAL_COMMAND, looks_command },   { REFUSAL_QUERY, looks_query },
    { REFUSAL_HEADER, looks_header },       { REFUSAL_SQL, looks_sql },
};

enum { ALL = ~0u, LINES = ~(1u << REFUSAL_HEADER) };

static Refusal look_close(Str text, unsigned how, unsigned what) {
    Plain t;
    plain_make(text, how, &t);
    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        if (what & (1u << looks[i].what) && looks[i].looks(&t))
            return looks[i].what;
    return REFUSAL_NONE;
}

static Refusal look(Str text, unsigned how, unsigned what) {
    return plain_suspect(text) ? look_close(text, how, what) : REFUSAL_NONE;
}

/* A path is neither a sentence nor a statement: it is looked at as a whole, and each segment as a value. */
Refusal refuse_path(Str raw) {
    if (!plain_suspect_path(raw))
        return REFUSAL_NONE;
    Refusal r = look_close(raw, 0, 1u << REFUSAL_TRAVERSAL);
    for (Str part; r == REFUSAL_NONE && str_next(&raw, '/', &part);)
        r = look(part, 0, ALL);
    return r;
}

static Refusal refuse_pair(Str pair) {
    ptrdiff_t eq = str_find_char(pair, '=');
    Str name = eq < 0 ? pair : str_first(pair, (size_t)eq);
    Refusal r = look(name, PLAIN_PLUS, ALL);
    return r == REFUSAL_NONE && eq >= 0 ? look(str_from(pair, (size_t)eq + 1), PLAIN_PLUS, ALL) : r;
}

Refusal refuse_query(Str raw) {
    Refusal r = REFUSAL_NONE;
    for (Str pair; r == REFUSAL_NONE && str_next(&raw, '&', &pair);)
        r = refuse_pair(pair);
    return r;
}

Refusal refuse_form(Str body) {
    return refuse_query(body);
}

/* Fields hold dates, lists and names of products, with every sign there is: only what never stands there is refused. */
Refusal refuse_field(Str value) {
    if (!plain_suspect_field(value))
        return REFUSAL_NONE;
    return look_close(value, 0,
                      1u << REFUSAL_TEMPLATE | 1u << REFUSAL_SCRIPT | 1u << REFUSAL_TRAVERSAL | 1u << REFUSAL_SQL |
                          1u << REFUSAL_COMMAND);
}

static bool key_follows(Str body, size_t at) {
    while (at < body.n && strchr(" \t\r\n", body.p[at]))
        at++;
    return at < body.n && body.p[at] == ':';
}

static Refusal refuse_string(Str text, bool key) {
    if (text.n > REFUSAL_TEXT_MAX)
        return REFUSAL_NONE;
    if (key && str_find_char(text, '$') >= 0) {
        Plain t;
        plain_make(text, PLAIN_JSON, &t);
        if (is_operator(&t))
            return REFUSAL_QUERY;
    }
    return look(text, PLAIN_JSON, LINES);
}

/* Strings are text of people: lines may begin with anything. */
Refusal refuse_json(Str body) {
    Refusal r = REFUSAL_NONE;
    for (size_t i = 0; i < body.n && r == REFUSAL_NONE; i++) {
        if (body.p[i] != '"')
            continue;
        size_t from = ++i;
        while (i < body.n && body.p[i] != '"')
            i += body.p[i] == '\\' ? 2 : 1;
        size_t end = MIN(i, body.n);
        r = refuse_string(str_n(body.p + from, end - from), key_follows(body, end + 1));
    }
    return r;
}
