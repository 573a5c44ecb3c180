/* policy/refusal/words.c - templates, mark-up, header lines, other query languages. */

#include "policy/refusal/internal.h"

/* What stands between open and close is an expression, not the name of a placeholder. */
static bool computes(const Plain *t, const char *open, const char *close) {
    for (const char *p = plain_find(t, 0, open); p; p = plain_find(t, (size_t)(p - t->p) + 1, open)) {
        const char *from = p + strlen(open), *to = plain_find(t, (size_t)(from - t->p), close);
        if (!to)
            continue;
        bool name = true;
        for (const char *q = from; q < to; q++)
            name &= is_word(*q) || is_blank(*q) || *q == '-';
        Str inside = str_n(from, (size_t)(to - from));
        if ((!name && to > from) || str_find(inside, S("config")) >= 0 || str_find(inside, S("__")) >= 0)
            return true;
    }
    return false;
}

bool looks_template(const Plain *t) {
    static const char *const always[] = { "${jndi:",      "${lower:",      "${upper:",  "${::-",
                                          "${env:",       "${sys:",        "${java:",   "${date:",
                                          "${ctx:",       "${base64:",     "${script:", "${${",
                                          "#set($",       "#set (",        "{php}",     "{% ",
                                          "{%-",          "<#assign",      "__proto__", "constructor.prototype",
                                          "constructor[", "t(java.",       "__class__", "__mro__",
                                          "__globals__",  "__subclasses__" };
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (plain_has(t, always[i]))
            return true;
    return computes(t, "{{", "}}") || computes(t, "${", "}") || computes(t, "<%", "%>") || computes(t, "#{", "}") ||
           computes(t, "*{", "}") || computes(t, "[[${", "}]]");
}

bool looks_markup(const Plain *t) {
    return plain_has(t, "<!entity") || plain_has(t, "<!element") || plain_has(t, "<!--#") ||
           plain_has(t, "<![cdata[") || plain_has(t, "xi:include") || plain_has(t, "<esi:") ||
           plain_has(t, "<?xml-stylesheet") ||
           (plain_has(t, "<!doctype") && (plain_has(t, "[") || plain_has(t, " system") || plain_has(t, " public")));
}

bool looks_header(const Plain *t) {
    static const char *const names[] = {
        "set-cookie:",
        "location:",
        "content-type:",
        "content-length:",
        "host:",
        "transfer-encoding:",
        "refresh:",
        "http/1.",
        "x-",
        "link:",
        "access-control-",
        "content-security-policy:",
        "bcc:",

    };
    for (const char *p = plain_find(t, 0, "\n"); p; p = plain_find(t, (size_t)(p - t->p) + 1, "\n")) {
        const char *line = p + 1;
        while (*line == '\n' || *line == ' ')
            line++;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (strncmp(line, names[i], strlen(names[i])) == 0)
                return true;
        if (!t->prose && line > p + 1 && *line == '<')
            return true;
        if (strncmp(line, "get /", 5) == 0 || strncmp(line, "post /", 6) == 0)
            return true;
    }
    return false;
}

static const char *const operators[] = { "$gt",          "$gte",    "$lt",      "$lte",       "$ne",
                                         "$eq",          "$in",     "$nin",     "$or",        "$and",
                                         "$nor",         "$not",    "$where",   "$regex",     "$exists",
                                         "$expr",        "$type",   "$mod",     "$all",       "$function",
                                         "$accumulator", "$lookup", "$options", "$elemmatch", "$jsonschema" };

bool is_operator(const Plain *t) {
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (str_eq(str_n(t->p, t->n), str_c(operators[i])))
            return true;
    return false;
}

/* MongoDB's operators are keys, so something opens before them and closes behind: people write "$gt" too. LDAP's filters
 * close one parenthesis and open another. */
bool looks_query(const Plain *t) {
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        const char *p = plain_find(t, 1, operators[i]);
        if (!p)
            continue;
        char before = p[-1], behind = p[strlen(operators[i])];
        if (strchr("\"'[{", before) && behind && strchr("\"']:", behind))
            return true;
    }
    for (const char *p = plain_find(t, 0, ")("); p; p = plain_find(t, (size_t)(p - t->p) + 1, ")(")) {
        const char *q = p + 2;
        while (*q == '&' || *q == '|' || *q == '!' || *q == '(')
            q++;
        size_t n = 0;
        while (is_word(q[n]) || q[n] == '-')
            n++;
        if (n && (q[n] == '=' || (q[n] == '~' && q[n + 1] == '=')))
            return true;
        if (q > p + 2 && n == 0)
            return true;
    }
    return plain_has(t, "$where:") || plain_has(t, "*)(") || plain_has(t, "*))%") || plain_has(t, "' && this.") ||
           plain_has(t, "'; return ") || plain_has(t, "this.password") || plain_has(t, "|| '1'=='1");
}
