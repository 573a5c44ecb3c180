/* policy/refusal/script.c - HTML or JavaScript that would run where the value is shown. Text with harmless mark-up (a
 * paragraph, a link, an image) is text. */

#include "policy/refusal/internal.h"

static bool any(const Plain *t, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (plain_has(t, words[i]))
            return true;
    return false;
}

/* Elements that run or load by being there. */
static bool runs_by_itself(Str name) {
    static const char *const names[] = { "script",   "iframe", "object",  "embed",    "applet",
                                         "base",     "meta",   "svg",     "math",     "style",
                                         "frameset", "frame",  "link",    "isindex",  "xml",
                                         "xss",      "layer",  "bgsound", "form",     "foreignobject",
                                         "animate",  "set",    "portal",  "template", "noscript" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_c(names[i])))
            return true;
    return false;
}

/* "onerror =" as an attribute begins at i: behind a blank, a quote or a slash. */
static bool is_handler(const Plain *t, size_t i) {
    const char *p = t->p + i;
    if (p[0] != 'o' || p[1] != 'n')
        return false;
    size_t n = 2;
    while (p[n] >= 'a' && p[n] <= 'z')
        n++;
    if (n < 5 || n > 32)
        return false;
    while (is_blank(p[n]) || p[n] == 2)
        n++;
    return p[n] == '=' && p[n + 1] != '=';
}

static bool has_handler(const Plain *t, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        if ((is_blank(t->p[i]) || (t->p[i] && strchr("'\"`/\2", t->p[i]))) && is_handler(t, i + 1))
            return true;
    return false;
}

/* A scheme that runs, with blanks and breaks between its letters as browsers allow. */
static bool scheme_at(const Plain *t, size_t i, const char *scheme) {
    const char *s = scheme;
    for (; *s && i < t->n; i++) {
        if (t->p[i] == *s)
            s++;
        else if (s == scheme || !(is_blank(t->p[i]) || t->p[i] == 2))
            return false;
    }
    if (*s)
        return false;
    if (*scheme == 'd')
        return true;
    while (is_blank(t->p[i]))
        i++;
    /* "javascript: the good parts" is a title; code has a call, an assignment or a comment soon */
    size_t seen = 0;
    for (; i < t->n && seen < 40 && t->p[i] != ' '; i++, seen++)
        if (strchr("(=/`%&+[.", t->p[i]))
            return true;
    return false;
}

static bool has_scheme(const Plain *t, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        char before = i ? t->p[i - 1] : '=';
        if (is_word(before))
            continue;
        if (scheme_at(t, i, "javascript:") || scheme_at(t, i, "vbscript:") || scheme_at(t, i, "livescript:") ||
            scheme_at(t, i, "data:text/html"))
            return true;
    }
    return false;
}

/* "<" at i begins an element that runs. */
static bool tag_runs(const Plain *t, size_t i) {
    size_t a = i + 1;
    while (t->p[a] == '/' || t->p[a] == 2)
        a++;
    if (t->p[a] == '!' || t->p[a] == '?' || t->p[a] == '%')
        return strncmp(t->p + a, "!--#", 4) == 0 || strncmp(t->p + a, "?php", 4) == 0 ||
               strncmp(t->p + a, "?=", 2) == 0;
    size_t n = 0;
    while (is_word(t->p[a + n]))
        n++;
    if (!n || (t->p[a] >= '0' && t->p[a] <= '9'))
        return false;
    char next = t->p[a + n];
    bool like_a_tag =
        next == '>' || next == '/' || is_blank(next) || next == '\0' || next == 2 || next == '<' || next == ':';
    if (like_a_tag && runs_by_itself(str_n(t->p + a, n)) && (next != '\0' || n > 4))
        return true;
    const char *end = memchr(t->p + a, '>', t->n - a);
    size_t to = end ? (size_t)(end - t->p) : t->n;
    return has_handler(t, a + n, to) || (plain_has(t, "=") && has_scheme(t, a + n, to)) ||
           memmem(t->p + a, to - a, "expression(", 11) != NULL;
}

/* A quote, an operator, and a call: the end of a string of a script that the value was put into. */
static bool calls(const Plain *t) {
    static const char *const names[] = { "alert(",
                                         "alert`",
                                         "prompt(",
                                         "prompt`",
                                         "confirm(",
                                         "confirm`",
                                         "eval(",
                                         "eval`",
                                         "settimeout(",
                                         "setinterval(",
                                         "function(",
                                         "fetch(",
                                         "atob(",
                                         "import(",
                                         "require(",
                                         "write(",
                                         "string.fromcharcode",
                                         "print(",
                                         "open(",
                                         "document.cookie",
                                         "document.domain",
                                         "document.location",
                                         "window.location",
                                         "localstorage",
                                         "xmlhttprequest" };
    for (size_t w = 0; w < ARRAY_LEN(names); w++)
        for (const char *p = plain_find(t, 0, names[w]); p; p = plain_find(t, (size_t)(p - t->p) + 1, names[w])) {
            size_t i = (size_t)(p - t->p);
            while (i > 0 && (is_blank(t->p[i - 1]) || strchr("(!~+[{", t->p[i - 1])))
                i--;
            if (i >= 2 && strchr(";-+*/,:^&|?=", t->p[i - 1])) {
                size_t j = i - 1;
                while (j > 0 && (is_blank(t->p[j - 1]) || strchr(";)}]/*-+", t->p[j - 1])))
                    j--;
                if (j > 0 && strchr("'\"`", t->p[j - 1]))
                    return true;
            }
            if (i > 0 && strchr("'\"`", t->p[i - 1]) && i - 1 > 0)
                return true;
        }
    return false;
}

bool looks_script(const Plain *t) {
    static const char *const always[] = { "</script",      "<script", "srcdoc=", "document.cookie", "onerror=alert",
                                          "fromcharcode(", "{alert(", "[alert(", "(alert)(" };
    if (any(t, always, ARRAY_LEN(always)))
        return true;
    if ((plain_has(t, "top[") || plain_has(t, "self[") || plain_has(t, "window[")) && plain_has(t, "]("))
        return true;
    for (size_t i = 0; i < t->n; i++)
        if (t->p[i] == '<' && tag_runs(t, i))
            return true;
    const char *quote = strpbrk(t->p, "'\"`");
    if (quote && has_handler(t, (size_t)(quote - t->p), t->n))
        return true;
    size_t start = 0;
    while (start < t->n && (is_blank(t->p[start]) || t->p[start] == 1 || t->p[start] == 2))
        start++;
    if (start < t->n && has_scheme(t, start, start + 1))
        return true;
    return calls(t);
}
