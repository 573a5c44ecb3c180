/* feed/doctype.c - DOCTYPE and its entities.
 *
 * A declaration counts where nothing but white space is before it on its line; the same rule as our yardstick's, so
 * that the same documents are taken for well-formed. */

#include "feed/doctype.h"

/* The next "<!WORD … >" of that kind at or behind *at: the part it takes with the white space before it, and its
 * inside. */
static bool next_declaration(Str s, Str word, bool line_start, size_t *at, Str *whole, Str *inside) {
    const char *end = s.p + s.n, *floor = s.p + *at;
    for (const char *p = floor; (p = text_find(p, end, word)) != NULL; p++) {
        const char *from = p, *first = NULL; /* the earliest start of a line from which only white space leads here */
        for (;; from--) {
            if (from == s.p ? line_start : from[-1] == '\n')
                first = from;
            if (from == floor || !text_is_space(from[-1]))
                break;
        }
        const char *close = memchr(p, '>', (size_t)(end - p));
        if (!close)
            return false;
        if (!first)
            continue;
        *whole = str_n(first, (size_t)(close + 1 - first));
        *inside = str_n(p + word.n, (size_t)(close - p - word.n));
        *at = (size_t)(close + 1 - s.p);
        return true;
    }
    return false;
}

static size_t skip_space(Str s, size_t i) {
    while (i < s.n && text_is_space(s.p[i]))
        i++;
    return i;
}

/* ' name "value"': 0 if it is not safe; *rest is what is behind it. */
static bool safe_entity(Str s, Str *name, Str *value, Str *rest) {
    size_t i = skip_space(s, 0), from = i;
    while (i < s.n && text_is_word(s.p[i]) && !(s.p[i] & 0x80))
        i++;
    *name = str_n(s.p + from, i - from);
    size_t quote = skip_space(s, i);
    if (from == 0 || name->n == 0 || quote == i || quote == s.n || s.p[quote] != '"')
        return false;
    for (i = quote + 1; i < s.n && s.p[i] != '"' && (s.p[i] != '&' || i == quote + 1);)
        i++;
    if (i == s.n || s.p[i] != '"')
        return false;
    *value = str_n(s.p + quote + 1, i - quote - 1);
    *rest = str_from(s, i + 1);
    if (value->n == 0 || value->p[0] != '&')
        return true;
    bool number = value->n > 3 && value->p[1] == '#' && value->p[value->n - 1] == ';';
    for (size_t k = 2; number && k + 1 < value->n; k++)
        number = text_is_word(value->p[k]);
    return number;
}

static void keep_entity(Arena *a, Prolog *out, Str inside) {
    Entities *e = &out->entities;
    Str name, value, rest;
    if (e->n == DOCTYPE_ENTITIES_MAX || !safe_entity(inside, &name, &value, &rest))
        return;
    if (!e->names) {
        e->names = arena_new_n(a, Str, DOCTYPE_ENTITIES_MAX);
        e->values = arena_new_n(a, Str, DOCTYPE_ENTITIES_MAX);
    }
    out->broken |= str_trim(rest).n > 0 || text_is_digit(name.p[0]);
    e->names[e->n] = name;
    e->values[e->n++] = value;
}

static size_t find_first_element(Str s) {
    for (const char *p = s.p, *end = s.p + s.n; p < end && (p = memchr(p, '<', (size_t)(end - p))) != NULL; p++)
        if (p + 1 < end && text_is_word(p[1]) && !(p[1] & 0x80))
            return (size_t)(p - s.p);
    return s.n;
}

/* `head` without the declarations of that kind. */
static Str cut_out(Arena *a, Str head, Str word, bool line_start) {
    Str whole, inside;
    size_t at = 0, done = 0, n = 0;
    char *kept = NULL;
    while (next_declaration(head, word, line_start, &at, &whole, &inside)) {
        kept = kept ? kept : arena_alloc(a, head.n + 1);
        size_t upto = (size_t)(whole.p - head.p);
        memcpy(kept + n, head.p + done, upto - done);
        n += upto - done;
        done = at;
    }
    if (!kept)
        return head;
    memcpy(kept + n, head.p + done, head.n - done);
    return str_n(kept, n + head.n - done);
}

void doctype_read(Arena *a, Str text, Prolog *out) {
    *out = (Prolog){ .body = text };
    bool line_start = true;
    if (str_starts(text, S("<?xml"))) { /* known by now what it says; nothing else may be told from it */
        const char *close = memchr(text.p, '>', text.n);
        line_start = !close;
        text = close ? str_from(text, (size_t)(close + 1 - text.p)) : text;
        out->body = text;
    }
    size_t first = find_first_element(text);
    if (first == text.n)
        return;
    Str head = str_first(text, first), whole, inside, doctype = str_n(NULL, 0);
    out->body = str_from(text, first);
    size_t n_doctypes = 0;
    for (size_t at = 0; next_declaration(head, S("<!ENTITY"), line_start, &at, &whole, &inside);)
        keep_entity(a, out, inside);
    head = cut_out(a, head, S("<!ENTITY"), line_start);
    for (size_t at = 0; next_declaration(head, S("<!DOCTYPE"), line_start, &at, &whole, &inside);)
        doctype = n_doctypes++ == 0 ? inside : doctype;
    out->head = cut_out(a, head, S("<!DOCTYPE"), line_start);
    if (n_doctypes != 1)
        out->entities.n = 0, out->broken = false;
    for (size_t i = 0; i + 8 <= doctype.n && !out->netscape; i++)
        out->netscape = str_eq_nocase(str_n(doctype.p + i, 8), S("netscape"));
}
