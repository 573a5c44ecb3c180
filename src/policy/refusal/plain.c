/* policy/refusal/plain.c - a value as whatever stands behind us might read it. */

#include "policy/refusal/internal.h"

enum { ROUNDS = 3 };

/* n hex digits at p (which has them, or the NUL at the end stops it); -1 */
static int hex_n(const char *p, int n) {
    int v = 0;
    for (int i = 0; i < n; i++) {
        int d = hex_value(p[i]);
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* A character of any coding as the ASCII it stands for: wide forms of U+FF01.. are what filters are got past with. */
static char narrow(unsigned c) {
    if (c >= 0xff01 && c <= 0xff5e)
        c -= 0xfee0;
    if (c == 0x2018 || c == 0x2019 || c == 0x2bc)
        return 1; /* a typographer's apostrophe ends no string */
    if (c == 0x2215 || c == 0x2044)
        return '/';
    return c < 0x80 ? (char)c : 1;
}

/* "%41", "%u0041" at p: how long it is; 0 = none. */
static size_t percent(const char *p, char *out) {
    if (p[0] != '%')
        return 0;
    int v = hex_n(p + 1, 2);
    if (v >= 0) {
        *out = (char)v;
        return 3;
    }
    if ((p[1] == 'u' || p[1] == 'U') && (v = hex_n(p + 2, 4)) >= 0) {
        *out = narrow((unsigned)v);
        return 6;
    }
    return 0;
}

/* "\u0041", "\x41" */
static size_t escape(const char *p, char *out) {
    if (p[0] != '\\')
        return 0;
    int v = p[1] == 'u' ? hex_n(p + 2, 4) : p[1] == 'x' ? hex_n(p + 2, 2) : -1;
    if (v < 0)
        return 0;
    *out = narrow((unsigned)v);
    return p[1] == 'u' ? 6 : 4;
}

static size_t entity_number(const char *p, char *out) {
    bool x = p[2] == 'x' || p[2] == 'X';
    size_t i = x ? 3 : 2;
    unsigned v = 0;
    int digits = 0, d;
    while (digits < 8 && (d = hex_value(p[i])) >= 0 && (x || d < 10)) {
        v = v * (x ? 16 : 10) + (unsigned)d;
        digits++;
        i++;
    }
    if (!digits)
        return 0;
    *out = narrow(v);
    return i + (p[i] == ';');
}

/* "&lt;", "&#60;", "&#x3c" */
static size_t entity(const char *p, char *out) {
    static const struct {
        const char *name;
        char c;
    } named[] = { { "&lt;", '<' },  { "&gt;", '>' },   { "&quot;", '"' }, { "&apos;", '\'' },    { "&amp;", '&' },
                  { "&tab;", ' ' }, { "&lpar;", '(' }, { "&rpar;", ')' }, { "&newline;", '\n' }, { "&colon;", ':' } };
    if (p[0] != '&')
        return 0;
    if (p[1] == '#')
        return entity_number(p, out);
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        size_t n = strlen(named[i].name);
        if (strncasecmp(p, named[i].name, n) == 0) {
            *out = named[i].c;
            return n;
        }
    }
    return 0;
}

/* UTF-8 of two or three bytes: overlong ASCII, wide forms; others become 1, which is no character of any rule. */
static size_t utf8(const unsigned char *p, char *out, bool *overlong) {
    if (p[0] < 0xc0)
        return 0;
    if (p[0] < 0xe0 && (p[1] & 0xc0) == 0x80) {
        unsigned v = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
        *overlong |= v < 0x80;
        *out = narrow(v);
        return 2;
    }
    if (p[0] < 0xf0 && (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
        unsigned v = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
        *overlong |= v < 0x80;
        *out = narrow(v);
        return 3;
    }
    return 0;
}

/* Escapes of JSON that are one letter. */
static void unescape(Plain *t) {
    static const char from[] = "nrtbf\"\\/", to[] = "\n\n   \"\\/";
    size_t o = 0;
    for (size_t i = 0; i < t->n; i++) {
        const char *k = t->p[i] == '\\' && t->p[i + 1] ? strchr(from, t->p[i + 1]) : NULL;
        t->p[o++] = k ? to[k - from] : t->p[i];
        i += k != NULL;
    }
    t->n = o;
    t->p[o] = '\0';
}

/* One round over t in place; whether it changed anything. */
static bool undo(Plain *t) {
    bool changed = false;
    size_t o = 0;
    for (size_t i = 0; i < t->n;) {
        char c = 0;
        size_t n = percent(t->p + i, &c);
        if (!n)
            n = escape(t->p + i, &c);
        if (!n)
            n = entity(t->p + i, &c);
        if (!n)
            n = utf8((const unsigned char *)t->p + i, &c, &t->overlong);
        changed |= n > 0;
        t->p[o++] = n ? c : t->p[i];
        i += n ? n : 1;
    }
    t->n = o;
    t->p[o] = '\0';
    return changed;
}

void plain_make(Str text, unsigned how, Plain *t) {
    t->n = MIN(text.n, (size_t)REFUSAL_TEXT_MAX);
    t->nul = t->overlong = false;
    t->prose = how & PLAIN_JSON;
    memcpy(t->p, text.p ? text.p : "", t->n);
    t->p[t->n] = '\0';
    if (how & PLAIN_PLUS)
        for (size_t i = 0; i < t->n; i++)
            if (t->p[i] == '+')
                t->p[i] = ' ';
    if (how & PLAIN_JSON)
        unescape(t);
    for (int i = 0; i < ROUNDS && undo(t); i++)
        ;
    for (size_t i = 0; i < t->n; i++) {
        char c = t->p[i];
        if (c == '$' && t->p[i + 1] >= 'A' && t->p[i + 1] <= 'Z' && strncmp(t->p + i, "$IFS", 4) != 0)
            c = 1;
        else if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        else if (c == '\r')
            c = '\n';
        else if (c == '\t' || c == '\v' || c == '\f' || (unsigned char)c == 0xa0)
            c = ' ';
        else if (c == '\0') {
            t->nul = true;
            c = 2; /* what stands behind it is looked at too */
        }
        t->p[i] = c;
    }
}

/* Which bytes make a text worth a closer look, by where it stands: paths are full of slashes, fields of names and versions
 * of programs. */
enum {
    IN_VALUE = 1,
    IN_PATH = 2,
    IN_FIELD = 4,
    ANYWHERE = IN_VALUE | IN_PATH | IN_FIELD,
    NO_FIELD = IN_VALUE | IN_PATH
};
static const uint8_t marks[256] = {
    ['\''] = ANYWHERE, ['"'] = ANYWHERE,  ['<'] = ANYWHERE, ['{'] = ANYWHERE,  ['$'] = ANYWHERE,  ['|'] = ANYWHERE,
    ['`'] = ANYWHERE,  ['\\'] = ANYWHERE, ['%'] = ANYWHERE, ['\0'] = ANYWHERE, ['\n'] = ANYWHERE, ['\r'] = ANYWHERE,
    ['>'] = NO_FIELD,  [';'] = NO_FIELD,  ['('] = NO_FIELD, ['&'] = NO_FIELD,  ['='] = NO_FIELD,  ['#'] = NO_FIELD,
    ['*'] = IN_VALUE,  ['@'] = NO_FIELD,  ['/'] = IN_VALUE
};

static bool is_letter(unsigned char c) {
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

/* Percent-coding of one level is seen through: "00%3A00" is a time. */
static unsigned char byte_at(Str text, size_t *i) {
    unsigned char c = (unsigned char)text.p[*i];
    if (c == '%' && *i + 2 < text.n && hex_value(text.p[*i + 1]) >= 0 && hex_value(text.p[*i + 2]) >= 0) {
        c = (unsigned char)(hex_value(text.p[*i + 1]) * 16 + hex_value(text.p[*i + 2]));
        *i += 2;
    }
    return c;
}

static bool suspect(Str text, uint8_t place) {
    unsigned char before = '/', c;
    for (size_t i = 0; i < text.n; i++, before = c) {
        size_t began = i;
        c = byte_at(text, &i);
        if (marks[c] & place || c >= 0xc0)
            return true;
        /* The few forms that are all words climb, begin a comment, call a scheme, or hold "select". */
        if ((c == '-' && before == '-') || (c == '.' && (before == '.' || before == '/') && place != IN_FIELD) ||
            (c == ':' && is_letter(before) && place != IN_FIELD))
            return true;
        if ((c | 0x20) == 's' && began + 6 <= text.n && strncasecmp(text.p + began, "select", 6) == 0)
            return true;
    }
    return false;
}

bool plain_suspect(Str text) {
    return suspect(text, IN_VALUE);
}

bool plain_suspect_path(Str text) {
    return suspect(text, IN_PATH);
}

bool plain_suspect_field(Str text) {
    return suspect(text, IN_FIELD);
}

const char *plain_find(const Plain *t, size_t at, const char *word) {
    return at < t->n ? memmem(t->p + at, t->n - at, word, strlen(word)) : NULL;
}

bool plain_has(const Plain *t, const char *word) {
    return plain_find(t, 0, word) != NULL;
}
